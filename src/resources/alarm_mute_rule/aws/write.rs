//! Writing mute rules, one a call.

use aws_sdk_cloudwatch::types::Tag;

use super::convert::parts;
use crate::aws::{Aws, AwsError, ErrorClass, LABEL_TAG, Operation, PROJECT_TAG};
use crate::model::Scope;
use crate::plan::Change;
use crate::resources::Step;
use crate::resources::alarm_mute_rule::AlarmMuteRule;
use crate::resources::metric_alarm::names_there;

/// Carries out a batch; one result for each step, in order.
pub(super) async fn carry_out(aws: &Aws, project: &str, batch: &[Step]) -> Vec<Result<(), AwsError>> {
    let mut results = Vec::with_capacity(batch.len());
    for step in batch {
        let address = step.address();
        results.push(match step {
            Step::Remove(_) => remove(aws, &address.scope, &address.key).await,
            Step::Write(change) => write(aws, project, change).await,
        });
    }
    results
}

/// Puts a rule. "The alarm names must match existing alarms" (`MuteTargets` in the API reference): where one is missing, because it
/// could not be made or somebody deleted it, the others are muted all the same, and the next plan adds what is missing by then.
async fn write(aws: &Aws, project: &str, change: &Change) -> Result<(), AwsError> {
    let scope = &change.address.scope;
    let fields = change.after.clone().unwrap_or_default();
    let rule = AlarmMuteRule::from_fields(&fields).map_err(|error| {
        let why = format!("the plan's fields do not make a mute rule: {error}");
        AwsError::unfit(Operation::PUT_ALARM_MUTE_RULE, scope, "not a mute rule", why)
    })?;
    let refused = match put(aws, project, change, &rule).await {
        Err(error) if matches!(error.class, ErrorClass::Other | ErrorClass::NotFound) => error,
        result => return result,
    };
    let there = names_there(aws, scope, &rule.alarm_names).await?;
    let missing: Vec<&str> = rule.alarm_names.difference(&there).map(String::as_str).collect();
    if missing.is_empty() || there.is_empty() {
        return Err(refused);
    }
    let what = format!("the rule mutes its other alarms, without {}", missing.join(", "));
    put(aws, project, change, &AlarmMuteRule { alarm_names: there, ..rule }).await?;
    Err(refused.half_done(&what))
}

/// The description says whose the rule is, so one call claims and changes it. The tags are for whoever looks through an account, and
/// are those of a rule that is made.
async fn put(aws: &Aws, project: &str, change: &Change, rule: &AlarmMuteRule) -> Result<(), AwsError> {
    let (scope, name) = (&change.address.scope, &change.address.key);
    let clients = aws.clients(scope);
    let tag = |(key, value): (&str, &str)| Tag::builder().key(key).value(value).build();
    let tags = [(PROJECT_TAG, project), (LABEL_TAG, &*change.origin.label)].map(tag).to_vec();
    let parts = parts(rule);
    aws.call(scope, Operation::PUT_ALARM_MUTE_RULE, || {
        let request = clients.cloudwatch.put_alarm_mute_rule().name(name).set_tags(Some(tags.clone()));
        request
            .set_description(rule.description.clone())
            .rule(parts.rule.clone())
            .mute_targets(parts.targets.clone())
            .set_start_date(parts.start)
            .set_expire_date(parts.expire)
            .send()
    })
    .await
    .map(drop)
}

/// "If you delete a mute rule that does not exist, the operation succeeds" (`DeleteAlarmMuteRule` in the API reference).
async fn remove(aws: &Aws, scope: &Scope, name: &str) -> Result<(), AwsError> {
    let clients = aws.clients(scope);
    aws.call(scope, Operation::DELETE_ALARM_MUTE_RULE, || {
        clients.cloudwatch.delete_alarm_mute_rule().alarm_mute_rule_name(name).send()
    })
    .await
    .map(drop)
}
