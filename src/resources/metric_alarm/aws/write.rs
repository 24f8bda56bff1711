//! Writing alarms: one put an alarm, a hundred deletes a call.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudwatch::types::AlarmType;

use super::super::MetricAlarm;
use super::convert::{into_request, tags_of, tags_to_write};
use crate::aws::{Aws, AwsError, ErrorClass, Operation, alarm_arn};
use crate::model::Scope;
use crate::plan::{Change, Verb};
use crate::resources::Step;

/// Carries out one batch: a single write, or removals of one scope.
pub(super) async fn carry_out(aws: &Aws, project: &str, batch: &[Step]) -> Vec<Result<(), AwsError>> {
    match batch {
        [Step::Write(change)] => vec![write(aws, project, change).await],
        removals => {
            let names: Vec<&str> = removals.iter().map(Step::key).collect();
            let Some(first) = removals.first() else {
                return Vec::new();
            };
            let result = remove(aws, &first.change().address.scope, &names).await;
            removals.iter().map(|_| result.clone()).collect()
        }
    }
}

async fn write(aws: &Aws, project: &str, change: &Change) -> Result<(), AwsError> {
    let scope = &change.address.scope;
    let name = &change.address.key;
    let fields = change.after.clone().unwrap_or_default();
    let alarm = MetricAlarm::from_fields(&fields).map_err(|error| AwsError {
        operation: Operation::PUT_METRIC_ALARM,
        scope: scope.clone(),
        class: ErrorClass::Other,
        code: "not an alarm".to_owned(),
        message: format!("the plan's fields do not make an alarm: {error}"),
        request_id: None,
    })?;
    let exists = matches!(change.verb, Verb::Update | Verb::Adopt);
    if !exists || change.fields.iter().any(|field| field.name != "tags") {
        let clients = aws.clients(scope);
        let tags = tags_to_write(project, change, &alarm.tags);
        aws.call(scope, Operation::PUT_METRIC_ALARM, || {
            let request = into_request(clients.cloudwatch.put_metric_alarm(), name, &alarm);
            // AWS takes tags only when the alarm is new, and ignores them otherwise.
            request.set_tags((!exists).then(|| tags.clone())).send()
        })
        .await?;
    }
    let tags_differ = change.verb == Verb::Adopt || change.fields.iter().any(|field| field.name == "tags");
    if exists && tags_differ {
        retag(aws, project, change, &alarm.tags).await?;
    }
    Ok(())
}

/// Brings the tags of an existing alarm up to date. Only tags that the manifest spoke of are ever removed.
async fn retag(
    aws: &Aws,
    project: &str,
    change: &Change,
    wanted: &BTreeMap<String, String>,
) -> Result<(), AwsError> {
    let scope = &change.address.scope;
    let clients = aws.clients(scope);
    let arn = alarm_arn(scope, &change.address.key);
    let tags = tags_to_write(project, change, wanted);
    aws.call(scope, Operation::TAG_ALARM, || {
        clients.cloudwatch.tag_resource().resource_arn(&arn).set_tags(Some(tags.clone())).send()
    })
    .await?;
    let before = change.before.as_ref().map(tags_of).unwrap_or_default();
    let superfluous: Vec<String> = before.into_keys().filter(|key| !wanted.contains_key(key)).collect();
    if !superfluous.is_empty() {
        aws.call(scope, Operation::UNTAG_ALARM, || {
            let request = clients.cloudwatch.untag_resource().resource_arn(&arn);
            request.set_tag_keys(Some(superfluous.clone())).send()
        })
        .await?;
    }
    Ok(())
}

/// Deletes alarms. One name that is gone fails AWS's whole call and deletes nothing, so then those that are still
/// there are deleted: a repeated delete succeeds.
async fn remove(aws: &Aws, scope: &Scope, names: &[&str]) -> Result<(), AwsError> {
    let mut names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    // Each round loses at least one name that somebody else deleted meanwhile.
    for _ in 0..=names.len() {
        match delete(aws, scope, &names).await {
            Err(error) if error.class == ErrorClass::NotFound => {
                let there = existing(aws, scope, &names).await?;
                names.retain(|name| there.contains(name));
                if names.is_empty() {
                    return Ok(());
                }
            }
            result => return result,
        }
    }
    Ok(())
}

async fn delete(aws: &Aws, scope: &Scope, names: &[String]) -> Result<(), AwsError> {
    let clients = aws.clients(scope);
    aws.call(scope, Operation::DELETE_ALARMS, || {
        clients.cloudwatch.delete_alarms().set_alarm_names(Some(names.to_vec())).send()
    })
    .await
    .map(|_| ())
}

async fn existing(aws: &Aws, scope: &Scope, names: &[String]) -> Result<BTreeSet<String>, AwsError> {
    let clients = aws.clients(scope);
    let answer = aws
        .call(scope, Operation::DESCRIBE_ALARMS, || {
            clients
                .cloudwatch
                .describe_alarms()
                .set_alarm_names(Some(names.to_vec()))
                .alarm_types(AlarmType::MetricAlarm)
                .max_records(100)
                .send()
        })
        .await?;
    Ok(answer.metric_alarms().iter().filter_map(|alarm| alarm.alarm_name().map(str::to_owned)).collect())
}
