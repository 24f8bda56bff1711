//! Reading alarms: by name, a hundred a call; tags only of those whose owner must be known.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudwatch::types::AlarmType;
use futures::future::try_join_all;

use super::super::MetricAlarm;
use super::convert::{from_live, tags_of};
use super::{NAMES_A_CALL, TEXT};
use crate::aws::{
    Aws, AwsError, ErrorClass, Operation, PROJECT_TAG, Tags, alarm_arn, alarm_name, ownership_of_tags,
    tagged_of_type, tags_by_arn,
};
use crate::model::{Actual, Address, Fields, Ownership, Scope};
use crate::resources::{KeyRequest, OwnershipNeed, PROTECT_TAG, ReadRequest};

/// What the tag index calls an alarm.
const TYPE: &str = "cloudwatch:alarm";

/// A live alarm without its tags, or what makes it inexpressible. Converted page by page, so that not all answers of
/// AWS are in memory at once.
pub(super) type Found = Result<MetricAlarm, String>;

/// Reads the alarms of these names.
pub(super) async fn read(
    aws: &Aws,
    scope: &Scope,
    request: &ReadRequest<'_>,
) -> Result<Vec<Actual>, AwsError> {
    let names: Vec<&str> = request.keys.keys().copied().collect();
    let calls = names.chunks(NAMES_A_CALL).map(|names| describe(aws, scope, names));
    let found: BTreeMap<String, Found> = try_join_all(calls).await?.into_iter().flatten().collect();
    let tags = tags_of_found(aws, scope, request, &found).await?;
    Ok(found
        .into_iter()
        .map(|(name, alarm)| {
            let known = request.keys.get(name.as_str()).copied().unwrap_or_default();
            actual(scope, name, alarm, known, &tags)
        })
        .collect())
}

/// Those of these names that there are alarms of.
///
/// # Errors
/// Where CloudWatch cannot be asked.
pub async fn names_there(
    aws: &Aws,
    scope: &Scope,
    names: &BTreeSet<String>,
) -> Result<BTreeSet<String>, AwsError> {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let calls = names.chunks(NAMES_A_CALL).map(|names| describe(aws, scope, names));
    Ok(try_join_all(calls).await?.into_iter().flatten().map(|(name, _)| name).collect())
}

/// One call. Asks for composite alarms too, so that a name that is taken by one is seen.
pub(super) async fn describe(
    aws: &Aws,
    scope: &Scope,
    names: &[&str],
) -> Result<Vec<(String, Found)>, AwsError> {
    let clients = aws.clients(scope);
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut found = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let page = aws
            .call(scope, Operation::DESCRIBE_ALARMS, || {
                clients
                    .cloudwatch
                    .describe_alarms()
                    .set_alarm_names(Some(names.clone()))
                    .alarm_types(AlarmType::MetricAlarm)
                    .alarm_types(AlarmType::CompositeAlarm)
                    .max_records(100)
                    .set_next_token(token.clone())
                    .send()
            })
            .await?;
        token = page.next_token.filter(|token| !token.is_empty());
        for alarm in page.metric_alarms.unwrap_or_default() {
            if let Some(name) = alarm.alarm_name() {
                found.push((name.to_owned(), from_live(&alarm)));
            }
        }
        for alarm in page.composite_alarms.unwrap_or_default() {
            if let Some(name) = alarm.alarm_name {
                // The two sorts of alarm share one name space.
                found.push((name, Err("a composite alarm's rule".to_owned())));
            }
        }
        if token.is_none() {
            return Ok(found);
        }
    }
}

/// The owners of alarms that exist: from the tag index, and, to be certain, from the alarm itself where the index names
/// no project.
pub(super) async fn owners(
    aws: &Aws,
    scope: &Scope,
    names: &[&str],
    need: OwnershipNeed,
) -> Result<BTreeMap<String, Ownership>, AwsError> {
    let calls = names.chunks(NAMES_A_CALL).map(|names| tags_from_index(aws, scope, names));
    let mut tags: BTreeMap<String, Tags> = try_join_all(calls).await?.into_iter().flatten().collect();
    let uncertain =
        |(_, tags): &(&String, &Tags)| need == OwnershipNeed::Certain && !tags.contains_key(PROJECT_TAG);
    let uncertain: Vec<String> = tags.iter().filter(uncertain).map(|(name, _)| name.clone()).collect();
    let looked = try_join_all(uncertain.iter().map(|name| tags_of_alarm(aws, scope, name))).await?;
    for (name, found) in uncertain.into_iter().zip(looked) {
        match found {
            Some(found) => tags.insert(name, found),
            None => tags.remove(&name),
        };
    }
    Ok(tags.iter().map(|(name, tags)| (name.clone(), owner(tags))).collect())
}

/// The tags of the alarms whose owner must be known, or which should have tags of the manifest, by name.
///
/// The index lags behind, so a difference that it shows is looked at on the alarm itself before anybody hears of it.
async fn tags_of_found(
    aws: &Aws,
    scope: &Scope,
    request: &ReadRequest<'_>,
    found: &BTreeMap<String, Found>,
) -> Result<BTreeMap<String, Tags>, AwsError> {
    let asked: Vec<&str> = request
        .keys
        .iter()
        .filter(|(name, known)| found.contains_key(**name) && needs_tags(**known))
        .map(|(name, _)| *name)
        .collect();
    let calls = asked.chunks(NAMES_A_CALL).map(|names| tags_from_index(aws, scope, names));
    let mut tags: BTreeMap<String, Tags> = try_join_all(calls).await?.into_iter().flatten().collect();
    let uncertain: Vec<&str> = asked
        .into_iter()
        .filter(|name| tags.get(*name).is_none_or(|tags| !is_convincing(tags, request.keys[name])))
        .collect();
    let looked = try_join_all(uncertain.iter().map(|name| tags_of_alarm(aws, scope, name))).await?;
    // What was deleted a moment ago has no owner either.
    let looked = looked.into_iter().map(Option::unwrap_or_default);
    tags.extend(uncertain.into_iter().map(str::to_owned).zip(looked));
    Ok(tags)
}

fn needs_tags(known: KeyRequest<'_>) -> bool {
    known.ownership != OwnershipNeed::None || !expected_tags(known).is_empty()
}

/// The tags that the alarm should have if nobody changed them.
fn expected_tags(known: KeyRequest<'_>) -> Tags {
    known.last_written.or(known.desired).map(tags_of).unwrap_or_default()
}

/// Whether what the index says needs no second look.
fn is_convincing(tags: &Tags, known: KeyRequest<'_>) -> bool {
    let owner_is_clear = known.ownership != OwnershipNeed::Certain || tags.contains_key(PROJECT_TAG);
    let as_written = known.last_written.is_none_or(|fields| {
        let expected = tags_of(fields);
        expected.iter().all(|(key, value)| tags.get(key) == Some(value))
    });
    owner_is_clear && as_written
}

/// From the tag index: never-tagged alarms are left out of its answer, so they get an empty entry here.
async fn tags_from_index(aws: &Aws, scope: &Scope, names: &[&str]) -> Result<Vec<(String, Tags)>, AwsError> {
    let arns: Vec<String> = names.iter().map(|name| alarm_arn(scope, name)).collect();
    let mut tags: BTreeMap<String, Tags> = names.iter().map(|&name| (name.to_owned(), Tags::new())).collect();
    tags.extend(by_name(tags_by_arn(aws, scope, &arns).await?));
    Ok(tags.into_iter().collect())
}

fn by_name(found: Vec<(String, Tags)>) -> impl Iterator<Item = (String, Tags)> {
    found.into_iter().filter_map(|(arn, tags)| Some((alarm_name(&arn)?.to_owned(), tags)))
}

/// The tags of an alarm by its own word; `None` where there is no such alarm.
async fn tags_of_alarm(aws: &Aws, scope: &Scope, name: &str) -> Result<Option<Tags>, AwsError> {
    let clients = aws.clients(scope);
    let arn = alarm_arn(scope, name);
    let answer = aws
        .call(scope, Operation::LIST_ALARM_TAGS, || {
            clients.cloudwatch.list_tags_for_resource().resource_arn(&arn).send()
        })
        .await;
    let answer = match answer {
        Err(error) if error.class == ErrorClass::NotFound => return Ok(None),
        answer => answer?,
    };
    let pairs = answer.tags().iter();
    Ok(Some(pairs.filter_map(|tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned()))).collect()))
}

fn actual(
    scope: &Scope,
    name: String,
    alarm: Found,
    known: KeyRequest<'_>,
    tags: &BTreeMap<String, Tags>,
) -> Actual {
    let (user_tags, ownership) = match tags.get(&name) {
        Some(live) => (managed(live, known), owner(live)),
        None => (known.last_written.map(tags_of).unwrap_or_default(), Ownership::NotRead),
    };
    let (fields, inexpressible) = match alarm {
        Ok(mut spec) => {
            spec.tags = user_tags;
            (spec.to_fields(), None)
        }
        Err(what) => (Fields::from([("uses".to_owned(), what.clone().into())]), Some(what)),
    };
    Actual { address: Address::new(TEXT.kind, scope.clone(), name), fields, ownership, inexpressible }
}

/// The live tags that the manifest speaks of, now or when it was last applied. Other people's tags are theirs.
fn managed(live: &Tags, known: KeyRequest<'_>) -> Tags {
    let ours: BTreeSet<String> = [known.desired, known.last_written]
        .into_iter()
        .flatten()
        .flat_map(|fields| tags_of(fields).into_keys())
        .collect();
    live.iter().filter(|(key, _)| ours.contains(*key)).map(|(k, v)| (k.clone(), v.clone())).collect()
}

fn owner(tags: &Tags) -> Ownership {
    ownership_of_tags(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())))
}

/// Every alarm in the scope that bears the project's tag.
pub(super) async fn find_owned(aws: &Aws, scope: &Scope, project: &str) -> Result<Vec<Actual>, AwsError> {
    let mut written: BTreeMap<String, Fields> = BTreeMap::new();
    for (name, mut tags) in by_name(tagged_of_type(aws, scope, TYPE, Some(project)).await?) {
        // All tags but ours and AWS's become the record of what was last written.
        tags.retain(|key, _| key == PROTECT_TAG || !key.starts_with("opsform:") && !key.starts_with("aws:"));
        written.insert(name, Fields::from([("tags".to_owned(), serde_json::json!(tags))]));
    }
    let request = |fields| KeyRequest {
        last_written: Some(fields),
        ownership: OwnershipNeed::Index,
        ..KeyRequest::default()
    };
    let keys = written.iter().map(|(name, fields)| (name.as_str(), request(fields))).collect();
    read(aws, scope, &ReadRequest { keys, ..ReadRequest::default() }).await
}

/// The names of all alarms that bear any opsform project's tag.
pub(super) async fn names_with_project(aws: &Aws, scope: &Scope) -> Result<BTreeSet<String>, AwsError> {
    Ok(by_name(tagged_of_type(aws, scope, TYPE, None).await?).map(|(name, _)| name).collect())
}

/// The names of all alarms that bear this project's tag.
pub(super) async fn names_of_project(
    aws: &Aws,
    scope: &Scope,
    project: &str,
) -> Result<BTreeSet<String>, AwsError> {
    Ok(by_name(tagged_of_type(aws, scope, TYPE, Some(project)).await?).map(|(name, _)| name).collect())
}
