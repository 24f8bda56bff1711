//! Metric alarms on AWS.

mod convert;
mod coverage;
mod read;
mod write;

pub use coverage::{Watched, of_others, unowned, watched};
pub use read::names_there;

use std::collections::BTreeMap;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::TEXT;
use crate::aws::{Aws, AwsError, Operation};
use crate::model::{Actual, KindText, Ownership, Scope};
use crate::resources::{Kind, Operations, OwnershipNeed, ReadRequest, Step};

/// `DescribeAlarms`, `DeleteAlarms` and `GetResources` take 100 names (their API references).
const NAMES_A_CALL: usize = 100;

/// The kind `metric_alarm`.
#[derive(Clone, Copy, Debug)]
pub struct MetricAlarmKind;

impl Kind for MetricAlarmKind {
    fn text(&self) -> KindText {
        TEXT
    }

    fn phase(&self) -> u8 {
        // Alarms watch what the other kinds make.
        50
    }

    fn operations(&self) -> Operations {
        Operations {
            read: &[Operation::DESCRIBE_ALARMS, Operation::GET_RESOURCES],
            read_one: &[Operation::LIST_ALARM_TAGS],
            write: &[Operation::PUT_METRIC_ALARM, Operation::TAG_ALARM, Operation::UNTAG_ALARM],
            remove: &[Operation::DELETE_ALARMS],
        }
    }

    fn policy_resources(&self, account: &str, region: &str) -> Vec<String> {
        vec![format!("cloudwatch:{region}:{account}:alarm:*")]
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
        need: OwnershipNeed,
    ) -> BoxFuture<'a, Result<BTreeMap<String, Ownership>, AwsError>> {
        read::owners(aws, scope, keys, need).boxed()
    }

    fn find_owned<'a>(
        &'a self,
        aws: &'a Aws,
        scope: &'a Scope,
        project: &'a str,
    ) -> BoxFuture<'a, Result<Vec<Actual>, AwsError>> {
        read::find_owned(aws, scope, project).boxed()
    }

    fn batch_size(&self, step: &Step) -> usize {
        match step {
            Step::Write(_) => 1,
            Step::Remove(_) => NAMES_A_CALL,
        }
    }

    fn pacing_operation(&self, step: &Step) -> &'static Operation {
        match step {
            Step::Write(_) => Operation::PUT_METRIC_ALARM,
            Step::Remove(_) => Operation::DELETE_ALARMS,
        }
    }

    fn carry_out<'a>(
        &'a self,
        aws: &'a Aws,
        project: &'a str,
        batch: &'a [Step],
    ) -> BoxFuture<'a, Vec<Result<(), AwsError>>> {
        write::carry_out(aws, project, batch).boxed()
    }
}
