//! Schedule groups on AWS.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_scheduler::types::{ScheduleGroupState, Tag};
use futures::FutureExt;
use futures::future::{BoxFuture, try_join_all};
use uuid::Uuid;

use super::spec::{TEXT, fields};
use crate::aws::{
    Aws, AwsError, ErrorClass, LABEL_TAG, Operation, PROJECT_TAG, ownership_of_tags, partition,
    tagged_of_type,
};
use crate::model::{Actual, Address, KindText, Ownership, Scope};
use crate::plan::{Change, Verb};
use crate::resources::schedule::aws::{is_over, names_in, ours_of};
use crate::resources::schedule::names::parse_key;
use crate::resources::{Kind, Operations, OwnershipNeed, ReadRequest, Step, schedule};

/// How many of the schedules that are in a group's way are named.
const NAMED: usize = 3;

/// The kind `schedule_group`.
#[derive(Clone, Copy, Debug)]
pub struct ScheduleGroupKind;

impl Kind for ScheduleGroupKind {
    fn text(&self) -> KindText {
        TEXT
    }

    fn phase(&self) -> u8 {
        // Before the schedules in them.
        20
    }

    fn operations(&self) -> Operations {
        Operations {
            read: &[Operation::GET_RESOURCES],
            read_one: &[Operation::GET_SCHEDULE_GROUP, Operation::LIST_GROUP_TAGS],
            write: &[Operation::CREATE_SCHEDULE_GROUP, Operation::TAG_GROUP],
            remove: &[Operation::DELETE_SCHEDULE_GROUP],
        }
    }

    fn policy_resources(&self, account: &str, region: &str) -> Vec<String> {
        vec![format!("scheduler:{region}:{account}:schedule-group/opsform-*")]
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

    fn held_by<'a>(
        &'a self,
        aws: &'a Aws,
        project: &'a str,
        address: &'a Address,
        going: &'a BTreeSet<&'a Address>,
    ) -> BoxFuture<'a, Result<Option<String>, AwsError>> {
        held_by(aws, &address.scope, &address.key, project, going).boxed()
    }

    fn batch_size(&self, _step: &Step) -> usize {
        1
    }

    fn pacing_operation(&self, step: &Step) -> &'static Operation {
        match step {
            Step::Remove(_) => Operation::DELETE_SCHEDULE_GROUP,
            Step::Write(change) if change.verb == Verb::Adopt => Operation::TAG_GROUP,
            Step::Write(_) => Operation::CREATE_SCHEDULE_GROUP,
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

/// The owner that a group's tags name; `None` where there is no such group. One call, which does not lag.
pub(in crate::resources) async fn owner(
    aws: &Aws,
    scope: &Scope,
    group: &str,
) -> Result<Option<Ownership>, AwsError> {
    let clients = aws.clients(scope);
    let arn = arn(scope, group);
    let answer = aws
        .call(scope, Operation::LIST_GROUP_TAGS, || {
            clients.scheduler.list_tags_for_resource().resource_arn(&arn).send()
        })
        .await;
    match answer {
        Err(error) if error.class == ErrorClass::NotFound => Ok(None),
        answer => Ok(Some(ownership_of_tags(answer?.tags().iter().map(|tag| (tag.key(), tag.value()))))),
    }
}

/// `arn:aws:scheduler:REGION:ACCOUNT:schedule-group/NAME`
fn arn(scope: &Scope, group: &str) -> String {
    let partition = partition(&scope.region);
    format!("arn:{partition}:scheduler:{}:{}:schedule-group/{group}", scope.region, scope.account)
}

/// Reads groups with their owners, also of those that the state records: they speak for all schedules in them.
async fn read(aws: &Aws, scope: &Scope, request: &ReadRequest<'_>) -> Result<Vec<Actual>, AwsError> {
    let groups = request.keys.keys().map(|&group| async move {
        if !exists(aws, scope, group).await? {
            return Ok(None);
        }
        let owner = owner(aws, scope, group).await?;
        Ok(owner.map(|owner| actual(scope, group, owner)))
    });
    Ok(try_join_all(groups).await?.into_iter().flatten().collect())
}

fn actual(scope: &Scope, group: &str, ownership: Ownership) -> Actual {
    let address = Address::new(TEXT.kind, scope.clone(), group);
    Actual { address, fields: fields(), ownership, inexpressible: None }
}

/// Whether there is such a group. One that is being deleted counts as gone ("Managing a schedule group" in the user guide).
async fn exists(aws: &Aws, scope: &Scope, group: &str) -> Result<bool, AwsError> {
    let clients = aws.clients(scope);
    let answer = aws
        .call(scope, Operation::GET_SCHEDULE_GROUP, || {
            clients.scheduler.get_schedule_group().name(group).send()
        })
        .await;
    match answer {
        Err(error) if error.class == ErrorClass::NotFound => Ok(false),
        answer => Ok(answer?.state() != Some(&ScheduleGroupState::Deleting)),
    }
}

async fn owners(aws: &Aws, scope: &Scope, groups: &[&str]) -> Result<BTreeMap<String, Ownership>, AwsError> {
    let owners = groups.iter().map(|&group| async move {
        Ok(owner(aws, scope, group).await?.map(|owner| (group.to_owned(), owner)))
    });
    Ok(try_join_all(owners).await?.into_iter().flatten().collect())
}

/// The groups that bear the project's tag, and the schedules in them.
async fn find_owned(aws: &Aws, scope: &Scope, project: &str) -> Result<Vec<Actual>, AwsError> {
    let mut found = Vec::new();
    for (arn, tags) in tagged_of_type(aws, scope, "scheduler:schedule-group", Some(project)).await? {
        let Some((_, group)) = arn.split_once(":schedule-group/") else { continue };
        let tags = tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        // The index may show one that was deleted.
        if exists(aws, scope, group).await? {
            found.push(actual(scope, group, ownership_of_tags(tags)));
            let names = names_in(aws, scope, group).await?;
            found.extend(ours_of(aws, scope, group, &names, project).await?);
        }
    }
    Ok(found)
}

async fn carry_out(aws: &Aws, project: &str, batch: &[Step]) -> Vec<Result<(), AwsError>> {
    let mut results = Vec::with_capacity(batch.len());
    for step in batch {
        let address = step.address();
        results.push(match step {
            Step::Remove(_) => remove(aws, project, &address.scope, &address.key).await,
            Step::Write(change) => write(aws, project, change).await,
        });
    }
    results
}

async fn write(aws: &Aws, project: &str, change: &Change) -> Result<(), AwsError> {
    let (scope, group) = (&change.address.scope, &change.address.key);
    let clients = aws.clients(scope);
    let tag = |(key, value): (&str, &str)| Tag::builder().key(key).value(value).build().ok();
    let tags: Vec<Tag> =
        [(PROJECT_TAG, project), (LABEL_TAG, &*change.origin.label)].into_iter().filter_map(tag).collect();
    if matches!(change.verb, Verb::Adopt | Verb::Update) {
        let arn = arn(scope, group);
        return aws
            .call(scope, Operation::TAG_GROUP, || {
                clients.scheduler.tag_resource().resource_arn(&arn).set_tags(Some(tags.clone())).send()
            })
            .await
            .map(drop);
    }
    let token = Uuid::new_v4().to_string();
    aws.call(scope, Operation::CREATE_SCHEDULE_GROUP, || {
        let request = clients.scheduler.create_schedule_group().name(group).client_token(&token);
        request.set_tags(Some(tags.clone())).send()
    })
    .await
    .map(drop)
}

/// What a group cannot be deleted for: a schedule in it that is not among those that go, and is not one of the project's that
/// is over. AWS deletes that one by itself in a while, so it may go with the group.
async fn held_by(
    aws: &Aws,
    scope: &Scope,
    group: &str,
    project: &str,
    going: &BTreeSet<&Address>,
) -> Result<Option<String>, AwsError> {
    let mut left = names_in(aws, scope, group).await?;
    left.retain(|name| {
        let address = Address::new(schedule::KIND, scope.clone(), format!("{group}/{name}"));
        !going.contains(&address)
    });
    for ours in ours_of(aws, scope, group, &left, project).await? {
        if let (true, Some((_, name))) = (is_over(&ours, aws.now()), parse_key(&ours.address.key)) {
            left.remove(name);
        }
    }
    if left.is_empty() {
        return Ok(None);
    }
    let named: Vec<&str> = left.iter().map(String::as_str).take(NAMED).collect();
    let more = left.len().saturating_sub(NAMED);
    let more = if more == 0 { String::new() } else { format!(", … {more} more") };
    Ok(Some(format!("deleting it would delete the schedules in it: {}{more}", named.join(", "))))
}

/// Deletes a group without schedules. AWS would delete those that are in it, also other people's ("Deleting a schedule
/// group" in the user guide).
async fn remove(aws: &Aws, project: &str, scope: &Scope, group: &str) -> Result<(), AwsError> {
    if let Some(why) = held_by(aws, scope, group, project, &BTreeSet::new()).await? {
        return Err(AwsError::overtaken(Operation::DELETE_SCHEDULE_GROUP, scope, why));
    }
    let clients = aws.clients(scope);
    let result = aws
        .call(scope, Operation::DELETE_SCHEDULE_GROUP, || {
            clients.scheduler.delete_schedule_group().name(group).send()
        })
        .await;
    match result {
        Err(error) if error.class == ErrorClass::NotFound => Ok(()),
        result => result.map(drop),
    }
}
