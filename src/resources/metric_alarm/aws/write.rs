//! Writing alarms: one put an alarm, a hundred deletes a call.

use std::collections::{BTreeMap, BTreeSet};

use super::super::MetricAlarm;
use super::convert::{into_request, tags_of, tags_to_write};
use super::read::describe;
use crate::aws::{Aws, AwsError, ErrorClass, Operation, alarm_arn};
use crate::model::Scope;
use crate::plan::{Change, Verb};
use crate::resources::Step;

/// Carries out one batch: a single write, or removals of one scope.
pub(super) async fn carry_out(aws: &Aws, project: &str, batch: &[Step]) -> Vec<Result<(), AwsError>> {
    match batch {
        [Step::Write(change)] => vec![write(aws, project, change).await],
        [] => Vec::new(),
        [first, ..] => {
            let names: Vec<&str> = batch.iter().map(Step::key).collect();
            remove(aws, &first.change().address.scope, &names).await
        }
    }
}

async fn write(aws: &Aws, project: &str, change: &Change) -> Result<(), AwsError> {
    let scope = &change.address.scope;
    let name = &change.address.key;
    let fields = change.after.clone().unwrap_or_default();
    let alarm = MetricAlarm::from_fields(&fields).map_err(|error| {
        let why = format!("the plan's fields do not make an alarm: {error}");
        AwsError::unfit(Operation::PUT_METRIC_ALARM, scope, "not an alarm", why)
    })?;
    let exists = matches!(change.verb, Verb::Update | Verb::Adopt);
    let tags_differ = change.verb == Verb::Adopt || change.fields.iter().any(|field| field.name == "tags");
    // An alarm is claimed before it is changed: if the second call fails, it is ours as it was, not theirs changed.
    if exists && tags_differ {
        retag(aws, project, change, &alarm.tags).await?;
    }
    if !exists || change.fields.iter().any(|field| field.name != "tags") {
        let clients = aws.clients(scope);
        let tags = tags_to_write(project, change, &alarm.tags);
        aws.call(scope, Operation::PUT_METRIC_ALARM, || {
            let request = into_request(clients.cloudwatch.put_metric_alarm(), name, &alarm);
            // AWS ignores the tags where the alarm exists. They are sent all the same: it may be gone by now.
            request.set_tags(Some(tags.clone())).send()
        })
        .await?;
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

/// Deletes alarms, with one result for each.
///
/// AWS answers for a call as a whole. A name that is gone may fail it, so then those that are still there are deleted:
/// a repeated delete succeeds. An alarm that a composite alarm needs fails it too, so then the names are halved until
/// only that one fails.
async fn remove(aws: &Aws, scope: &Scope, names: &[&str]) -> Vec<Result<(), AwsError>> {
    let error = match delete(aws, scope, names).await {
        Ok(()) => return names.iter().map(|_| Ok(())).collect(),
        Err(error) => error,
    };
    match error.class {
        ErrorClass::NotFound => match existing(aws, scope, names).await {
            Err(error) => names.iter().map(|_| Err(error.clone())).collect(),
            // AWS says that a name is gone, and shows all of them: nothing more can be found out now.
            Ok(there) if there.len() == names.len() => names.iter().map(|_| Err(error.clone())).collect(),
            Ok(there) => {
                let left: Vec<&str> = names.iter().copied().filter(|name| there.contains(*name)).collect();
                let mut results = Box::pin(remove_rest(aws, scope, &left)).await.into_iter();
                let result = |name: &&str| if there.contains(*name) { results.next() } else { None };
                names.iter().map(result).map(|result| result.unwrap_or(Ok(()))).collect()
            }
        },
        ErrorClass::Other if names.len() > 1 => {
            let (front, back) = names.split_at(names.len() / 2);
            let mut results = Box::pin(remove(aws, scope, front)).await;
            results.extend(Box::pin(remove(aws, scope, back)).await);
            results
        }
        _ => names.iter().map(|_| Err(error.clone())).collect(),
    }
}

async fn remove_rest(aws: &Aws, scope: &Scope, names: &[&str]) -> Vec<Result<(), AwsError>> {
    if names.is_empty() { Vec::new() } else { remove(aws, scope, names).await }
}

async fn delete(aws: &Aws, scope: &Scope, names: &[&str]) -> Result<(), AwsError> {
    let clients = aws.clients(scope);
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    aws.call(scope, Operation::DELETE_ALARMS, || {
        clients.cloudwatch.delete_alarms().set_alarm_names(Some(names.clone())).send()
    })
    .await
    .map(|_| ())
}

async fn existing(aws: &Aws, scope: &Scope, names: &[&str]) -> Result<BTreeSet<String>, AwsError> {
    Ok(describe(aws, scope, names).await?.into_iter().map(|(name, _)| name).collect())
}
