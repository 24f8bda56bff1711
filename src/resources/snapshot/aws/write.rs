//! Tagging and deleting snapshots.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::Tag;
use futures::future::join_all;

use crate::aws::{Aws, AwsError, ErrorClass, Operation};
use crate::resources::Step;
use crate::resources::halves::in_halves;
use crate::resources::snapshot::Snapshot;

/// So many snapshots are tagged by a call, of up to 1,000 ("Tag your Amazon EC2 resources" in the EC2 user guide): so many are
/// looked at together before it.
pub(super) const SNAPSHOTS_A_CALL: usize = 100;

/// Carries out a batch of steps of one sort, which are to get the same tags; one result for each, in order.
pub(super) async fn carry_out(aws: &Aws, batch: &[Step]) -> Vec<Result<(), AwsError>> {
    match batch.first() {
        None => Vec::new(),
        Some(Step::Remove(_)) => join_all(batch.iter().map(|step| delete(aws, step))).await,
        Some(first @ Step::Write(_)) => {
            let ids: Vec<&str> = batch.iter().map(Step::key).collect();
            in_halves(&ids, async |ids| tag(aws, first, ids).await).await
        }
    }
}

/// The tags that a snapshot is to have.
pub(super) fn tags_of(step: &Step) -> BTreeMap<String, String> {
    match step {
        Step::Write(change) => {
            let wanted = change.after.as_ref().and_then(Snapshot::from_fields);
            wanted.map(|snapshot| snapshot.tags).unwrap_or_default()
        }
        Step::Remove(_) => BTreeMap::new(),
    }
}

async fn tag(aws: &Aws, step: &Step, ids: Vec<String>) -> Result<(), AwsError> {
    let scope = &step.address().scope;
    let clients = aws.clients(scope);
    let tags: Vec<Tag> =
        tags_of(step).into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
    aws.call(scope, Operation::CREATE_TAGS, || {
        clients.ec2.create_tags().set_resources(Some(ids.clone())).set_tags(Some(tags.clone())).send()
    })
    .await
    .map(drop)
}

/// Deletes a snapshot; one that is gone already is as wanted.
async fn delete(aws: &Aws, step: &Step) -> Result<(), AwsError> {
    let scope = &step.address().scope;
    let clients = aws.clients(scope);
    let deleted = aws
        .call(scope, Operation::DELETE_SNAPSHOT, || {
            clients.ec2.delete_snapshot().snapshot_id(step.key()).send()
        })
        .await;
    match deleted {
        Err(error) if error.class == ErrorClass::NotFound => Ok(()),
        done => done.map(drop),
    }
}
