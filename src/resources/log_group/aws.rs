//! Log groups on AWS.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_cloudwatchlogs::types::{LogGroup as LiveGroup, LogGroupClass};
use futures::FutureExt;
use futures::future::{BoxFuture, ready, try_join_all};

use super::spec::{LogGroup, TEXT};
use crate::aws::{
    Aws, AwsError, ErrorClass, LABEL_TAG, Operation, PROJECT_TAG, ownership_of_tags, partition,
    tagged_of_type,
};
use crate::model::{Actual, Address, Fields, KindText, Ownership, Scope};
use crate::plan::{Change, Outlook, Verb};
use crate::resources::{Kind, Operations, OutlookQuestion, OwnershipNeed, ReadRequest, Step};

/// The kind `log_group`.
#[derive(Clone, Copy, Debug)]
pub struct LogGroupKind;

impl Kind for LogGroupKind {
    fn text(&self) -> KindText {
        TEXT
    }

    fn phase(&self) -> u8 {
        // Before the functions that write to them: Lambda would make them, without a limit to their age.
        10
    }

    fn operations(&self) -> Operations {
        Operations {
            read: &[Operation::DESCRIBE_LOG_GROUPS, Operation::GET_RESOURCES],
            read_one: &[Operation::LIST_LOG_GROUP_TAGS],
            write: &[
                Operation::CREATE_LOG_GROUP,
                Operation::TAG_LOG_GROUP,
                Operation::PUT_RETENTION_POLICY,
                Operation::DELETE_RETENTION_POLICY,
            ],
            remove: &[Operation::DELETE_LOG_GROUP],
        }
    }

    fn policy_resources(&self, account: &str, region: &str) -> Vec<String> {
        vec![format!("logs:{region}:{account}:log-group:/aws/lambda/opsform-*")]
    }

    fn policy_resources_of_any_name(&self, account: &str, region: &str) -> Vec<String> {
        vec![format!("logs:{region}:{account}:log-group:*")]
    }

    fn read<'a>(
        &'a self,
        aws: &'a Aws,
        scope: &'a Scope,
        request: &'a ReadRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<Actual>, AwsError>> {
        read(aws, scope, request).boxed()
    }

    fn owners<'a>(
        &'a self,
        aws: &'a Aws,
        scope: &'a Scope,
        keys: &'a [&'a str],
        _need: OwnershipNeed,
    ) -> BoxFuture<'a, Result<BTreeMap<String, Ownership>, AwsError>> {
        owners(aws, scope, keys).boxed()
    }

    fn find_owned<'a>(
        &'a self,
        aws: &'a Aws,
        scope: &'a Scope,
        project: &'a str,
    ) -> BoxFuture<'a, Result<Vec<Actual>, AwsError>> {
        find_owned(aws, scope, project).boxed()
    }

    fn outlook<'a>(
        &'a self,
        _aws: &'a Aws,
        _scope: &'a Scope,
        question: OutlookQuestion<'a>,
    ) -> BoxFuture<'a, Result<BTreeMap<String, Outlook>, AwsError>> {
        let outlooks =
            question.changes.iter().filter_map(|change| Some((going(change)?.to_owned(), logs_go())));
        ready(Ok(outlooks.collect())).boxed()
    }

    fn batch_size(&self, _step: &Step) -> usize {
        1
    }

    fn pacing_operation(&self, step: &Step) -> &'static Operation {
        match step {
            Step::Remove(_) => Operation::DELETE_LOG_GROUP,
            Step::Write(change) if matches!(change.verb, Verb::Adopt | Verb::Update) => {
                Operation::PUT_RETENTION_POLICY
            }
            Step::Write(_) => Operation::CREATE_LOG_GROUP,
        }
    }

    fn carry_out<'a>(
        &'a self,
        aws: &'a Aws,
        project: &'a str,
        batch: &'a [Step],
    ) -> BoxFuture<'a, Vec<Result<(), AwsError>>> {
        carry_out(aws, project, batch).boxed()
    }
}

/// The key of a change that deletes a group: of a replace that is the new one's, where the change stands in the plan.
fn going(change: &Change) -> Option<&str> {
    matches!(change.verb, Verb::Delete | Verb::Replace).then_some(&*change.address.key)
}

fn logs_go() -> Outlook {
    let note = "the logs in the group are deleted with it; leave it out with --exclude to keep them";
    Outlook { notes: vec![note.to_owned()], ..Outlook::default() }
}

/// `arn:aws:logs:REGION:ACCOUNT:log-group:NAME`, without the `:*` that stands for its streams ("`ListTagsForResource`" in the API
/// reference).
fn arn(scope: &Scope, name: &str) -> String {
    format!("arn:{}:logs:{}:{}:log-group:{name}", partition(&scope.region), scope.region, scope.account)
}

async fn read(aws: &Aws, scope: &Scope, request: &ReadRequest<'_>) -> Result<Vec<Actual>, AwsError> {
    let groups = request.keys.iter().map(|(&name, known)| async move {
        let Some(live) = get(aws, scope, name).await? else { return Ok(None) };
        if known.ownership == OwnershipNeed::None {
            return Ok(Some(actual(scope, name, &live, Ownership::NotRead)));
        }
        Ok(owner(aws, scope, name).await?.map(|owner| actual(scope, name, &live, owner)))
    });
    Ok(try_join_all(groups).await?.into_iter().flatten().collect())
}

/// A group; `None` where there is none. The list is sorted, so that what has a whole name stands before what begins with it.
async fn get(aws: &Aws, scope: &Scope, name: &str) -> Result<Option<LiveGroup>, AwsError> {
    let clients = aws.clients(scope);
    let answer = aws
        .call(scope, Operation::DESCRIBE_LOG_GROUPS, || {
            clients.logs.describe_log_groups().log_group_name_prefix(name).limit(1).send()
        })
        .await?;
    Ok(answer.log_groups.unwrap_or_default().into_iter().find(|group| group.log_group_name() == Some(name)))
}

fn actual(scope: &Scope, name: &str, live: &LiveGroup, ownership: Ownership) -> Actual {
    let address = Address::new(TEXT.kind, scope.clone(), name);
    let (fields, inexpressible) = match from_live(live) {
        Ok(group) => (group.to_fields(), None),
        Err(what) => (Fields::from([("uses".to_owned(), what.clone().into())]), Some(what)),
    };
    Actual { address, fields, ownership, inexpressible }
}

/// A live group in normal form, or what makes it inexpressible.
fn from_live(live: &LiveGroup) -> Result<LogGroup, String> {
    let other_class = live.log_group_class().is_some_and(|class| *class != LogGroupClass::Standard);
    let features: Vec<&str> = [
        (live.kms_key_id().is_some(), "a KMS key"),
        (other_class, "another class than STANDARD"),
        (live.deletion_protection_enabled() == Some(true), "a protection from deletion"),
    ]
    .into_iter()
    .filter_map(|(present, name)| present.then_some(name))
    .collect();
    if !features.is_empty() {
        return Err(features.join(", "));
    }
    Ok(LogGroup { retention_days: live.retention_in_days().and_then(|days| u32::try_from(days).ok()) })
}

/// The owner that a group's tags name; `None` where there is no such group.
async fn owner(aws: &Aws, scope: &Scope, name: &str) -> Result<Option<Ownership>, AwsError> {
    let clients = aws.clients(scope);
    let arn = arn(scope, name);
    let answer = aws
        .call(scope, Operation::LIST_LOG_GROUP_TAGS, || {
            clients.logs.list_tags_for_resource().resource_arn(&arn).send()
        })
        .await;
    match answer {
        Err(error) if error.class == ErrorClass::NotFound => Ok(None),
        answer => {
            let tags = answer?.tags.unwrap_or_default();
            Ok(Some(ownership_of_tags(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())))))
        }
    }
}

async fn owners(aws: &Aws, scope: &Scope, names: &[&str]) -> Result<BTreeMap<String, Ownership>, AwsError> {
    let owners = names
        .iter()
        .map(|&name| async move { Ok(owner(aws, scope, name).await?.map(|owner| (name.to_owned(), owner))) });
    Ok(try_join_all(owners).await?.into_iter().flatten().collect())
}

/// The groups that bear the project's tag.
async fn find_owned(aws: &Aws, scope: &Scope, project: &str) -> Result<Vec<Actual>, AwsError> {
    let tagged = tagged_of_type(aws, scope, "logs:log-group", Some(project)).await?;
    let groups = tagged.into_iter().map(|(arn, tags)| async move {
        let Some((_, name)) = arn.split_once(":log-group:") else { return Ok(None) };
        let name = name.strip_suffix(":*").unwrap_or(name);
        let owner = ownership_of_tags(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())));
        // The index may show one that was deleted.
        Ok(get(aws, scope, name).await?.map(|live| actual(scope, name, &live, owner)))
    });
    Ok(try_join_all(groups).await?.into_iter().flatten().collect())
}

async fn carry_out(aws: &Aws, project: &str, batch: &[Step]) -> Vec<Result<(), AwsError>> {
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

/// The group first, with our tags, then how long it keeps logs: what fails half-way leaves a group of ours that differs from the plan.
async fn write(aws: &Aws, project: &str, change: &Change) -> Result<(), AwsError> {
    let (scope, name) = (&change.address.scope, &*change.address.key);
    let group = LogGroup::from_fields(change.after.as_ref().unwrap_or(&Fields::new())).map_err(|error| {
        let why = format!("the plan's fields do not make a log group: {error}");
        AwsError::unfit(Operation::CREATE_LOG_GROUP, scope, "not a log group", why)
    })?;
    let tags: HashMap<String, String> = [(PROJECT_TAG, project), (LABEL_TAG, &*change.origin.label)]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
    let known = matches!(change.verb, Verb::Update | Verb::Adopt);
    let is_there = known && claim(aws, scope, name, &tags).await?;
    if !is_there {
        create(aws, project, scope, name, &tags).await?;
    }
    let before =
        change.before.as_ref().filter(|_| is_there).and_then(|fields| LogGroup::from_fields(fields).ok());
    if before.unwrap_or_default() == group {
        return Ok(());
    }
    let set = set_retention(aws, scope, name, group.retention_days).await;
    set.map_err(|error| {
        error.half_done("the log group is there, and how long it keeps logs is not as planned")
    })
}

/// Gives a group that exists its tags; whether it still does.
async fn claim(
    aws: &Aws,
    scope: &Scope,
    name: &str,
    tags: &HashMap<String, String>,
) -> Result<bool, AwsError> {
    let clients = aws.clients(scope);
    let arn = arn(scope, name);
    let result = aws
        .call(scope, Operation::TAG_LOG_GROUP, || {
            clients.logs.tag_resource().resource_arn(&arn).set_tags(Some(tags.clone())).send()
        })
        .await;
    match result {
        Err(error) if error.class == ErrorClass::NotFound => Ok(false),
        result => result.map(|_| true),
    }
}

async fn create(
    aws: &Aws,
    project: &str,
    scope: &Scope,
    name: &str,
    tags: &HashMap<String, String>,
) -> Result<(), AwsError> {
    let clients = aws.clients(scope);
    let result = aws
        .call(scope, Operation::CREATE_LOG_GROUP, || {
            clients.logs.create_log_group().log_group_name(name).set_tags(Some(tags.clone())).send()
        })
        .await;
    match result {
        Err(error) if error.code == "ResourceAlreadyExistsException" => {
            // Ours where an answer was lost and the call was sent again.
            match owner(aws, scope, name).await? {
                Some(Ownership::Project { name, .. }) if name == project => Ok(()),
                _ => {
                    let why = "somebody made it since the plan was made";
                    Err(AwsError::overtaken(Operation::CREATE_LOG_GROUP, scope, why))
                }
            }
        }
        result => result.map(drop),
    }
}

async fn set_retention(aws: &Aws, scope: &Scope, name: &str, days: Option<u32>) -> Result<(), AwsError> {
    let clients = aws.clients(scope);
    let Some(days) = days else {
        let ask = || clients.logs.delete_retention_policy().log_group_name(name).send();
        return aws.call(scope, Operation::DELETE_RETENTION_POLICY, ask).await.map(drop);
    };
    let days = i32::try_from(days).unwrap_or(i32::MAX);
    let ask = || clients.logs.put_retention_policy().log_group_name(name).retention_in_days(days).send();
    aws.call(scope, Operation::PUT_RETENTION_POLICY, ask).await.map(drop)
}

async fn remove(aws: &Aws, scope: &Scope, name: &str) -> Result<(), AwsError> {
    let clients = aws.clients(scope);
    let ask = || clients.logs.delete_log_group().log_group_name(name).send();
    match aws.call(scope, Operation::DELETE_LOG_GROUP, ask).await {
        Err(error) if error.class == ErrorClass::NotFound => Ok(()),
        result => result.map(drop),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_lost_is_inexpressible() {
        let plain = LiveGroup::builder().log_group_name("g").log_group_class(LogGroupClass::Standard);
        assert_eq!(from_live(&plain.clone().build()), Ok(LogGroup { retention_days: None }));
        let kept = plain.clone().retention_in_days(30).build();
        assert_eq!(from_live(&kept), Ok(LogGroup { retention_days: Some(30) }));
        let odd = plain.kms_key_id("arn:key").log_group_class(LogGroupClass::InfrequentAccess);
        let odd = odd.deletion_protection_enabled(true).build();
        let told = "a KMS key, another class than STANDARD, a protection from deletion";
        assert_eq!(from_live(&odd), Err(told.to_owned()));
    }
}
