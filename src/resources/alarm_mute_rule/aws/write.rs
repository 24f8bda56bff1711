//! Writing mute rules, one a call.

use aws_sdk_cloudwatch::types::Tag;

use super::arn;
use super::convert::parts;
use crate::aws::{Aws, AwsError, LABEL_TAG, Operation, PROJECT_TAG};
use crate::model::Scope;
use crate::plan::{Change, Verb};
use crate::resources::Step;
use crate::resources::alarm_mute_rule::AlarmMuteRule;

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

async fn write(aws: &Aws, project: &str, change: &Change) -> Result<(), AwsError> {
    let (scope, name) = (&change.address.scope, &change.address.key);
    let clients = aws.clients(scope);
    let fields = change.after.clone().unwrap_or_default();
    let rule = AlarmMuteRule::from_fields(&fields).map_err(|error| {
        let why = format!("the plan's fields do not make a mute rule: {error}");
        AwsError::unfit(Operation::PUT_ALARM_MUTE_RULE, scope, "not a mute rule", why)
    })?;
    let tag = |(key, value): (&str, &str)| Tag::builder().key(key).value(value).build();
    let tags = [(PROJECT_TAG, project), (LABEL_TAG, &*change.origin.label)].map(tag).to_vec();
    // A rule is claimed before it is changed: if the second call fails, it is ours as it was, not theirs changed.
    if change.verb == Verb::Adopt {
        let arn = arn(scope, name);
        aws.call(scope, Operation::TAG_ALARM, || {
            clients.cloudwatch.tag_resource().resource_arn(&arn).set_tags(Some(tags.clone())).send()
        })
        .await?;
        if change.fields.is_empty() {
            return Ok(());
        }
    }
    let parts = parts(&rule);
    aws.call(scope, Operation::PUT_ALARM_MUTE_RULE, || {
        // As with alarms, tags are for a rule that is made. They are sent with each put: the rule may be gone by now.
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
