//! The schedules that a block wants in one account and region.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::json;

use super::Schedule;
use super::segments::{Segment, segments};
use super::shards::shards;
use crate::cron::Expression;
use crate::declarations::{PowerAction, timetable, timezone};
use crate::inventory::{Target, TargetKind};
use crate::model::{Address, Claim, Desired, Origin, Scope, TargetRef};
use crate::resources::schedule::names::key;
use crate::resources::schedule::{self, description, universal_target};

/// How often a call that failed is tried again, and for how many seconds: starting what runs and stopping what is stopped
/// does nothing, but a stop must not come hours late, in the middle of the next day's work.
pub(super) const RETRIES: u32 = 10;
pub(super) const MAX_EVENT_AGE: u32 = 3_600;

/// What an account and region has for the calls.
pub(super) struct Arns {
    /// The role that calls.
    pub(super) role: String,
    /// The queue that hears of calls that failed for good.
    pub(super) dead_letters: Option<String>,
    /// The role that Systems Manager takes on; without one its runbooks may do what the role that starts them may.
    pub(super) automation_role: Option<String>,
}

/// A target that is started and stopped.
pub(super) struct Member<'a> {
    pub(super) target: &'a Target,
    /// Whether it is stopped, too.
    pub(super) stops: bool,
    /// Whether it is parked, or will be: then it is neither started nor stopped.
    pub(super) parked: bool,
}

/// Service and action of the call, as universal targets write them.
fn call(action: PowerAction, kind: TargetKind) -> (&'static str, String) {
    let (service, object) = match kind {
        TargetKind::Rds => ("rds", "DBInstance"),
        TargetKind::RdsCluster => ("rds", "DBCluster"),
        TargetKind::Ec2 | TargetKind::Ebs => ("ec2", "Instances"),
    };
    (service, format!("{}{object}", action.name()))
}

impl Member<'_> {
    /// Whether this is done with it today.
    pub(super) fn has_part_in(&self, action: PowerAction) -> bool {
        !self.parked && (self.stops || action == PowerAction::Start)
    }
}

impl Schedule {
    /// The schedules of a scope, and the group that they are in.
    pub(super) fn wanted(
        &self,
        scope: &Scope,
        arns: &Arns,
        members: &[Member<'_>],
        now: Timestamp,
    ) -> Vec<Desired> {
        let mut wanted = Vec::new();
        for (action, expression) in
            [(PowerAction::Start, &self.block.start), (PowerAction::Stop, &self.block.stop)]
        {
            let Some(expression) = expression else { continue };
            let segments = self.segments(&expression.value, now);
            for kind in [TargetKind::Ec2, TargetKind::Rds, TargetKind::RdsCluster] {
                let of_kind: Vec<&Member<'_>> =
                    members.iter().filter(|member| member.target.kind == kind).collect();
                let (service, call) = call(action, kind);
                let mut spec = schedule::Schedule::new(
                    &expression.value,
                    timezone::name(&self.block.timezone),
                    &universal_target(&scope.region, service, &call),
                    &arns.role,
                );
                spec.retries = RETRIES;
                spec.max_event_age = MAX_EVENT_AGE;
                spec.description = Some(description(&self.project, &self.label));
                spec.dead_letter_arn.clone_from(&arns.dead_letters);
                for segment in &segments {
                    let spec = in_segment(&spec, segment);
                    if kind == TargetKind::Ec2 {
                        wanted.extend(self.of_instances(scope, action, &of_kind, &spec, segment));
                        continue;
                    }
                    let database = |member: &&Member<'_>| self.of_database(member, action, &spec, segment);
                    wanted.extend(of_kind.iter().map(database));
                }
            }
        }
        if let Some(first) = wanted.first() {
            let group = timetable::group(&self.project, first);
            wanted.insert(0, group);
        }
        wanted
    }

    /// The parts of an expression between the block's days off.
    fn segments(&self, expression: &str, now: Timestamp) -> Vec<Segment> {
        let zone = &self.block.timezone;
        let days = self.block.except.as_ref().map(|except| except.days(now.to_zoned(zone.clone()).date()));
        match (Expression::parse(expression), days) {
            (Ok(expression), Some(days)) => segments(&expression, zone, &days, now),
            _ => vec![Segment { until: None, start: None, end: None }],
        }
    }

    /// One schedule for all instances, or some where they do not fit into one.
    fn of_instances(
        &self,
        scope: &Scope,
        action: PowerAction,
        members: &[&Member<'_>],
        spec: &schedule::Schedule,
        segment: &Segment,
    ) -> Vec<Desired> {
        let of = |members: &mut dyn Iterator<Item = &&Member<'_>>| -> BTreeSet<String> {
            members.map(|member| member.target.id.clone()).collect()
        };
        let acts = |member: &&&Member<'_>| member.has_part_in(action);
        let (mut ids, mut spec) = (of(&mut members.iter().filter(acts)), spec.clone());
        if ids.is_empty() {
            // All are kept running, or parked. An exemption deletes nothing: `--no-delete` and `max_destroy` must not undo it.
            (ids, spec.enabled) = (of(&mut members.iter()), false);
        }
        let desired = |(ending, ids): (String, BTreeSet<String>)| {
            let mut parts = vec![&*self.name, action.name(), TargetKind::Ec2.name()];
            parts.extend((!ending.is_empty()).then_some(&*ending));
            let mut spec = spec.clone();
            spec.ids = ids;
            if action == PowerAction::Stop && self.block.hibernate {
                spec.input = json!({ "Hibernate": true });
            }
            self.desired_of(scope, &named(parts, segment), &spec, None)
        };
        shards(ids, self.block.batch_size).into_iter().map(desired).collect()
    }

    /// `StopDBInstance` and `StopDBCluster` take one id (the RDS API reference).
    fn of_database(
        &self,
        member: &Member<'_>,
        action: PowerAction,
        spec: &schedule::Schedule,
        segment: &Segment,
    ) -> Desired {
        let target = member.target;
        let parameter = match target.kind {
            TargetKind::RdsCluster => "DbClusterIdentifier",
            _ => "DbInstanceIdentifier",
        };
        let mut spec = spec.clone();
        spec.input = json!({ parameter: target.id });
        spec.enabled = member.has_part_in(action);
        let parts = vec![&*self.name, action.name(), target.kind.name(), &*target.id];
        self.desired_of(&target.scope, &named(parts, segment), &spec, Some(target.reference()))
    }

    fn desired_of(
        &self,
        scope: &Scope,
        parts: &[String],
        spec: &schedule::Schedule,
        target: Option<TargetRef>,
    ) -> Desired {
        Desired {
            address: Address::new(
                schedule::KIND,
                scope.clone(),
                key(&self.project, &parts.iter().map(String::as_str).collect::<Vec<_>>()),
            ),
            fields: spec.to_fields(),
            origin: Origin { label: self.label.clone(), place: self.place.line() },
            place: self.place.clone(),
            target,
            claim: Claim::Own { adopt: self.block.adopt },
            protect: false,
        }
    }
}

/// A schedule as it is in a segment. AWS deletes what has an end when it is over.
fn in_segment(spec: &schedule::Schedule, segment: &Segment) -> schedule::Schedule {
    schedule::Schedule {
        start_date: segment.start,
        end_date: segment.end,
        delete_after_completion: segment.end.is_some(),
        ..spec.clone()
    }
}

/// The parts of a name with the day off that the segment stops before.
fn named(parts: Vec<&str>, segment: &Segment) -> Vec<String> {
    let until = segment.until.map(|day| format!("until-{day}"));
    parts.into_iter().map(str::to_owned).chain(until).collect()
}
