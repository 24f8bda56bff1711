//! Schedules on AWS.

mod convert;
mod read;
mod write;

pub(in crate::resources) use read::{is_over, names_in, ours_of};

use std::collections::{BTreeMap, BTreeSet};

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use jiff::Timestamp;

use super::spec::{Schedule, TEXT, begins_later_or_ends_earlier, begun_by, differ_in_dates_alone};
use crate::aws::{Aws, AwsError, Operation};
use crate::model::{Actual, Fields, KindText, Ownership, Scope};
use crate::resources::schedule::names::parse_key;
use crate::resources::{
    Course, Kind, Operations, OwnershipNeed, ReadRequest, Reliance, Step, schedule_group,
};

/// The kind `schedule`.
#[derive(Clone, Copy, Debug)]
pub struct ScheduleKind;

impl Kind for ScheduleKind {
    fn text(&self) -> KindText {
        TEXT
    }

    fn phase(&self) -> u8 {
        // After their groups.
        30
    }

    fn operations(&self) -> Operations {
        Operations {
            read: &[Operation::LIST_SCHEDULES],
            read_one: &[Operation::GET_SCHEDULE],
            write: &[Operation::CREATE_SCHEDULE, Operation::UPDATE_SCHEDULE],
            remove: &[Operation::DELETE_SCHEDULE],
        }
    }

    fn policy_resources(&self, account: &str, region: &str) -> Vec<String> {
        vec![format!("scheduler:{region}:{account}:schedule/opsform-*/*")]
    }

    fn read<'a>(
        &'a self,
        aws: &'a Aws,
        scope: &'a Scope,
        request: &'a ReadRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<Actual>, AwsError>> {
        read::read(aws, scope, request).boxed()
    }

    fn owners<'a>(
        &'a self,
        aws: &'a Aws,
        scope: &'a Scope,
        keys: &'a [&'a str],
        _need: OwnershipNeed,
    ) -> BoxFuture<'a, Result<BTreeMap<String, Ownership>, AwsError>> {
        read::owners(aws, scope, keys).boxed()
    }

    fn find_owned<'a>(
        &'a self,
        _aws: &'a Aws,
        _scope: &'a Scope,
        _project: &'a str,
    ) -> BoxFuture<'a, Result<Vec<Actual>, AwsError>> {
        // Found with their groups, which bear the tags.
        ready(Ok(Vec::new())).boxed()
    }

    fn container(&self, key: &str) -> Option<(&'static str, String)> {
        parse_key(key).map(|(group, _)| (schedule_group::KIND, group.to_owned()))
    }

    fn cuts_back(&self, before: &Fields, after: &Fields) -> bool {
        begins_later_or_ends_earlier(before, after)
    }

    fn reliance(&self, fields: &Fields) -> Reliance {
        let stops = Schedule::from_fields(fields).is_ok_and(|schedule| schedule.stops());
        if stops { Reliance::SameTargets } else { Reliance::None }
    }

    fn acts_on(&self, fields: &Fields) -> BTreeSet<String> {
        Schedule::from_fields(fields).map(Schedule::acts_on).unwrap_or_default()
    }

    fn are_parts(&self, one: &Fields, other: &Fields) -> bool {
        differ_in_dates_alone(one, other)
    }

    fn at(&self, fields: &Fields, now: Timestamp) -> Fields {
        begun_by(fields, now)
    }

    fn is_over(&self, fields: &Fields, now: Timestamp) -> bool {
        Schedule::from_fields(fields).is_ok_and(|schedule| schedule.is_over(now))
    }

    fn batch_size(&self, _step: &Step) -> usize {
        1
    }

    fn pacing_operation(&self, step: &Step) -> &'static Operation {
        write::operation(step)
    }

    fn carry_out_telling<'a>(
        &'a self,
        course: &'a Course<'a>,
        batch: &'a [Step],
    ) -> BoxFuture<'a, Vec<Result<(), AwsError>>> {
        write::carry_out(course.aws, course.tell, batch).boxed()
    }

    fn carry_out<'a>(
        &'a self,
        aws: &'a Aws,
        _project: &'a str,
        batch: &'a [Step],
    ) -> BoxFuture<'a, Vec<Result<(), AwsError>>> {
        write::carry_out(aws, &|_, _| {}, batch).boxed()
    }
}
