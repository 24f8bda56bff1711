//! Writing tags: many resources with the same tag go into one call of EC2.

use std::collections::BTreeMap;

use super::{Service, read};
use crate::aws::{Aws, AwsError, ErrorClass, Operation};
use crate::model::Scope;
use crate::resources::Step;
use crate::resources::halves::in_halves;
use crate::resources::tag::{Tag, TagKey};

/// What one call does to resources that are alike in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Deed {
    /// Writes a tag, which replaces the value of one with this key.
    Write { key: String, value: String },
    /// Removes a tag, if it still has this value.
    Remove { key: String, value: String },
}

impl Deed {
    fn removes(&self) -> bool {
        matches!(self, Self::Remove { .. })
    }
}

/// Carries out a batch; one result for each step, in order.
pub(super) async fn carry_out(aws: &Aws, batch: &[Step]) -> Vec<Result<(), AwsError>> {
    let mut results: Vec<Result<(), AwsError>> = batch.iter().map(|_| Ok(())).collect();
    // The new spelling of a key is written before the old one is removed.
    for round in 0..2 {
        let mut groups: BTreeMap<(Service, Deed), Vec<usize>> = BTreeMap::new();
        for (index, step) in batch.iter().enumerate().filter(|(index, _)| results[*index].is_ok()) {
            let Some(key) = TagKey::parse(step.key()) else { continue };
            if let Some(deed) = deeds(step, &key).into_iter().nth(round) {
                groups.entry((Service::of(&key), deed)).or_default().push(index);
            }
        }
        for ((service, deed), indices) in groups {
            let ids: Vec<&str> =
                indices.iter().filter_map(|&index| Some(TagKey::parse(batch[index].key())?.id)).collect();
            let scope = &batch[indices[0]].change().address.scope;
            let done = match service {
                Service::Ec2 => in_halves(&ids, async |ids| call_ec2(aws, scope, &deed, ids).await).await,
                _ => one_by_one(aws, scope, service, (round > 0, &deed), &ids).await,
            };
            for (index, result) in indices.into_iter().zip(done) {
                results[index] = match result {
                    // What its resource took along is removed.
                    Err(error) if deed.removes() && error.class == ErrorClass::NotFound => Ok(()),
                    result => result,
                };
            }
        }
    }
    results
}

/// What is to be done for a step, in order.
pub(super) fn deeds(step: &Step, key: &TagKey<'_>) -> Vec<Deed> {
    let before = step.before().and_then(Tag::from_fields);
    let remove = |tag: Tag| Deed::Remove { key: key.key.to_owned(), value: tag.value };
    match step {
        Step::Remove(_) => before.map(remove).into_iter().collect(),
        Step::Write(change) => {
            let Some(new) = change.after.as_ref().and_then(Tag::from_fields) else { return Vec::new() };
            let respelt = new.key != key.key;
            let write = Deed::Write { key: new.key, value: new.value };
            let old = before.filter(|_| respelt).map(remove);
            std::iter::once(write).chain(old).collect()
        }
    }
}

async fn call_ec2(aws: &Aws, scope: &Scope, deed: &Deed, ids: Vec<String>) -> Result<(), AwsError> {
    let clients = aws.clients(scope);
    let (Deed::Write { key, value } | Deed::Remove { key, value }) = deed;
    let tag = aws_sdk_ec2::types::Tag::builder().key(key).value(value).build();
    match deed {
        Deed::Write { .. } => aws
            .call(scope, Operation::CREATE_TAGS, || {
                clients.ec2.create_tags().set_resources(Some(ids.clone())).tags(tag.clone()).send()
            })
            .await
            .map(drop),
        // With the value, AWS removes the tag only if it has that value (`DeleteTags` in the EC2 API reference).
        Deed::Remove { .. } => aws
            .call(scope, Operation::DELETE_TAGS, || {
                clients.ec2.delete_tags().set_resources(Some(ids.clone())).tags(tag.clone()).send()
            })
            .await
            .map(drop),
    }
}

/// A deed that comes after another call is looked at once more.
async fn one_by_one(
    aws: &Aws,
    scope: &Scope,
    service: Service,
    (after_another, deed): (bool, &Deed),
    ids: &[&str],
) -> Vec<Result<(), AwsError>> {
    let calls = ids.iter().map(async |&id| {
        if after_another && !may_still(aws, scope, service, deed, id).await? {
            return Ok(());
        }
        call_rds(aws, scope, service.arn(scope, id), deed).await
    });
    futures::future::join_all(calls).await
}

/// Whether what is to be removed still has its value: RDS, unlike EC2, removes a tag whatever its value is.
async fn may_still(
    aws: &Aws,
    scope: &Scope,
    service: Service,
    deed: &Deed,
    id: &str,
) -> Result<bool, AwsError> {
    let Deed::Remove { key, value } = deed else { return Ok(true) };
    aws.ready(scope, Operation::REMOVE_RDS_TAGS).await;
    let tags = read::of_databases(aws, scope, service, &[id.to_owned()]).await?;
    Ok(tags.get(&(id.to_owned(), key.clone())) == Some(value))
}

async fn call_rds(aws: &Aws, scope: &Scope, arn: String, deed: &Deed) -> Result<(), AwsError> {
    let clients = aws.clients(scope);
    match deed {
        Deed::Write { key, value } => {
            let tag = aws_sdk_rds::types::Tag::builder().key(key).value(value).build();
            aws.call(scope, Operation::ADD_RDS_TAGS, || {
                clients.rds.add_tags_to_resource().resource_name(&arn).tags(tag.clone()).send()
            })
            .await
            .map(drop)
        }
        Deed::Remove { key, .. } => aws
            .call(scope, Operation::REMOVE_RDS_TAGS, || {
                clients.rds.remove_tags_from_resource().resource_name(&arn).tag_keys(key).send()
            })
            .await
            .map(drop),
    }
}
