//! Mute rules on AWS.

mod convert;
mod read;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;

use super::spec::TEXT;
use crate::aws::{Aws, AwsError, Operation, partition};
use crate::model::{Actual, Fields, KindText, Ownership, Scope};
use crate::resources::alarm_mute_rule::AlarmMuteRule;
use crate::resources::{Kind, Operations, OwnershipNeed, ReadRequest, Reliance, Step};

/// The kind `alarm_mute_rule`.
#[derive(Clone, Copy, Debug)]
pub struct AlarmMuteRuleKind;

impl Kind for AlarmMuteRuleKind {
    fn text(&self) -> KindText {
        TEXT
    }

    fn phase(&self) -> u8 {
        // After the alarms, which must be there ("The alarm names must match existing alarms", `MuteTargets` in the API
        // reference).
        60
    }

    fn operations(&self) -> Operations {
        Operations {
            read: &[Operation::LIST_ALARM_MUTE_RULES, Operation::DESCRIBE_ALARMS],
            read_one: &[Operation::GET_ALARM_MUTE_RULE, Operation::LIST_ALARM_TAGS],
            // Whoever puts a rule with tags may need to be allowed to tag, as with alarms.
            write: &[Operation::PUT_ALARM_MUTE_RULE, Operation::TAG_ALARM],
            remove: &[Operation::DELETE_ALARM_MUTE_RULE],
        }
    }

    fn policy_resources(&self, account: &str, region: &str) -> Vec<String> {
        vec![format!("cloudwatch:{region}:{account}:alarm-mute-rule:opsform-*")]
    }

    /// "You must have the cloudwatch:PutAlarmMuteRule permission on two types of resources: the alarm mute rule resource
    /// itself, and each alarm that the rule targets" (`PutAlarmMuteRule` in the API reference).
    fn policy_resources_besides(&self, account: &str, region: &str) -> Vec<(&'static Operation, String)> {
        vec![(Operation::PUT_ALARM_MUTE_RULE, format!("cloudwatch:{region}:{account}:alarm:*"))]
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
        aws: &'a Aws,
        scope: &'a Scope,
        project: &'a str,
    ) -> BoxFuture<'a, Result<Vec<Actual>, AwsError>> {
        read::find_owned(aws, scope, project).boxed()
    }

    fn reliance(&self, _fields: &Fields) -> Reliance {
        // Without the stop, it would silence alarms of what runs.
        Reliance::Declaration
    }

    fn acts_on(&self, fields: &Fields) -> BTreeSet<String> {
        AlarmMuteRule::from_fields(fields).map(|rule| rule.alarm_names).unwrap_or_default()
    }

    fn is_over(&self, fields: &Fields, now: Timestamp) -> bool {
        AlarmMuteRule::from_fields(fields).is_ok_and(|rule| rule.is_over(now))
    }

    fn batch_size(&self, _step: &Step) -> usize {
        1
    }

    fn pacing_operation(&self, step: &Step) -> &'static Operation {
        match step {
            Step::Remove(_) => Operation::DELETE_ALARM_MUTE_RULE,
            Step::Write(_) => Operation::PUT_ALARM_MUTE_RULE,
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

/// `arn:aws:cloudwatch:REGION:ACCOUNT:alarm-mute-rule:NAME`
fn arn(scope: &Scope, name: &str) -> String {
    let partition = partition(&scope.region);
    format!("arn:{partition}:cloudwatch:{}:{}:alarm-mute-rule:{name}", scope.region, scope.account)
}
