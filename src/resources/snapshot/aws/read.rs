//! Reading snapshots in pages, and who uses those that are to go.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{Filter, Image};
use futures::future::try_join_all;
use jiff::Timestamp;

use crate::aws::{Aws, AwsError, Operation, PROJECT_TAG, ownership_of_tags, pages};
use crate::model::{Actual, Address, Scope};
use crate::resources::ReadRequest;
use crate::resources::instance_storage::INSTANCE_TAG;
use crate::resources::snapshot::{Hold, KIND, Snapshot};

/// The largest page of `DescribeSnapshots`, `DescribeImages` and `DescribeLockedSnapshots` (their API references).
const PAGE: i32 = 1000;

/// AWS allows 200 values a filter ("Filter" in the EC2 API reference).
const VALUES_A_FILTER: usize = 200;

/// The account that asks.
const SELF: &str = "self";

/// The locks that forbid a deletion; an expired one does not (`LockState` in the EC2 API reference).
const LOCKS: [&str; 3] = ["compliance", "compliance-cooloff", "governance"];

/// All snapshots of a scope that bear the project's tag. Those that a parked instance is made of again are not this kind's
/// business: they are no generations, and nobody may be told that they are left over. While they are there, what else there is of
/// their volumes is held: these volumes look as if they were gone for good.
pub(super) async fn of_project(aws: &Aws, scope: &Scope, project: &str) -> Result<Vec<Actual>, AwsError> {
    let mut found =
        page_through(aws, scope, &filter(&format!("tag:{PROJECT_TAG}"), vec![project.to_owned()])).await?;
    let mut parked = BTreeSet::new();
    found.retain(|live| {
        let Some(snapshot) = Snapshot::from_fields(&live.fields) else { return true };
        // Those that are kept after a restore hold nothing any more.
        if snapshot.tags.contains_key(INSTANCE_TAG) {
            parked.insert(snapshot.volume);
        }
        snapshot.hold != Some(Hold::Parking)
    });
    for live in &mut found {
        let snapshot = Snapshot::from_fields(&live.fields).filter(|snapshot| snapshot.hold.is_none());
        if let Some(snapshot) = snapshot.filter(|snapshot| parked.contains(&snapshot.volume)) {
            live.fields = Snapshot { hold: Some(Hold::ParkedVolume), ..snapshot }.to_fields();
        }
    }
    Ok(found)
}

/// The snapshots of these volumes that have no tag. They are asked for by volume: the others of an account, of images above all,
/// may be far more.
pub(super) async fn untagged_of(
    aws: &Aws,
    scope: &Scope,
    volumes: &BTreeSet<String>,
) -> Result<Vec<Actual>, AwsError> {
    let volumes: Vec<&str> = volumes.iter().map(String::as_str).collect();
    let reads = portions(&volumes).map(async |ids| page_through(aws, scope, &filter("volume-id", ids)).await);
    let found = try_join_all(reads).await?;
    Ok(found.into_iter().flatten().filter(|live| !live.fields.contains_key("tags")).collect())
}

/// Those of the snapshots that there are.
pub(super) async fn by_ids(aws: &Aws, scope: &Scope, ids: &[&str]) -> Result<Vec<Actual>, AwsError> {
    let mut found = Vec::new();
    for ids in portions(ids) {
        found.extend(page_through(aws, scope, &filter("snapshot-id", ids)).await?);
    }
    Ok(found)
}

/// Those of the snapshots that there are. What an image or a lock needs is told as something not to be touched.
pub(super) async fn with_users(
    aws: &Aws,
    scope: &Scope,
    request: &ReadRequest<'_>,
) -> Result<Vec<Actual>, AwsError> {
    let ids: Vec<&str> = request.keys.keys().copied().collect();
    let mut found = by_ids(aws, scope, &ids).await?;
    let goes = |live: &&mut Actual| request.keys.get(&*live.address.key).is_some_and(|key| !key.stays);
    let ids: Vec<String> = found.iter_mut().filter(goes).map(|live| live.address.key.clone()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    if ids.is_empty() {
        return Ok(found);
    }
    let images = images(aws, scope, &ids).await?;
    let locked = locked(aws, scope).await?;
    for live in &mut found {
        let key = &live.address.key;
        live.inexpressible = match images.get(key) {
            Some(image) => Some(format!("the image {image}")),
            None => locked.contains(key).then(|| "a snapshot lock".to_owned()),
        };
    }
    Ok(found)
}

fn portions(ids: &[&str]) -> impl Iterator<Item = Vec<String>> {
    ids.chunks(VALUES_A_FILTER).map(|ids| ids.iter().map(|&id| id.to_owned()).collect())
}

fn filter(name: &str, values: Vec<String>) -> Filter {
    Filter::builder().name(name).set_values(Some(values)).build()
}

async fn page_through(aws: &Aws, scope: &Scope, filter: &Filter) -> Result<Vec<Actual>, AwsError> {
    let clients = &aws.clients(scope);
    pages(|token| async move {
        let ask = || {
            let request = clients.ec2.describe_snapshots().owner_ids(SELF).filters(filter.clone());
            request.max_results(PAGE).set_next_token(token.clone()).send()
        };
        let page = aws.call(scope, Operation::DESCRIBE_SNAPSHOTS, ask).await?;
        let found = page.snapshots().iter().filter_map(|snapshot| actual(scope, snapshot));
        Ok((found.collect(), page.next_token().map(str::to_owned)))
    })
    .await
}

fn actual(scope: &Scope, live: &aws_sdk_ec2::types::Snapshot) -> Option<Actual> {
    let tags: BTreeMap<String, String> = live
        .tags()
        .iter()
        .filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned())))
        .collect();
    let taken = live.start_time()?;
    let taken = Timestamp::new(taken.secs(), i32::try_from(taken.subsec_nanos()).ok()?).ok()?;
    let snapshot =
        Snapshot::new(live.volume_id()?, taken, live.state()?.as_str(), &tags).or_copy(is_copy(live));
    Some(Actual {
        address: Address::new(KIND, scope.clone(), live.snapshot_id()?),
        fields: snapshot.to_fields(),
        ownership: ownership_of_tags(tags.iter().map(|(key, value)| (key.as_str(), value.as_str()))),
        inexpressible: None,
    })
}

/// Whether AWS says that it is a copy of another snapshot: both fields are "only for snapshot copies" (`Snapshot` in the EC2 API
/// reference). The description is the one that the console writes, of copies older than those fields too.
fn is_copy(live: &aws_sdk_ec2::types::Snapshot) -> bool {
    live.transfer_type().is_some()
        || live.completion_duration_minutes().is_some()
        || live.description().is_some_and(|words| words.starts_with("[Copied snap-"))
}

/// The image that is made of each of the snapshots, disabled images too, by the snapshot's id.
async fn images(aws: &Aws, scope: &Scope, ids: &[&str]) -> Result<BTreeMap<String, String>, AwsError> {
    let clients = &aws.clients(scope);
    let mut images = BTreeMap::new();
    for ids in portions(ids) {
        let filter = &filter("block-device-mapping.snapshot-id", ids);
        let found = pages(|token| async move {
            let ask = || {
                let request = clients.ec2.describe_images().owners(SELF).filters(filter.clone());
                let request = request.include_disabled(true).max_results(PAGE);
                request.set_next_token(token.clone()).send()
            };
            let page = aws.call(scope, Operation::DESCRIBE_IMAGES, ask).await?;
            let found = page.images().iter().flat_map(snapshots_of);
            Ok((found.collect(), page.next_token().map(str::to_owned)))
        });
        images.extend(found.await?);
    }
    Ok(images)
}

fn snapshots_of(image: &Image) -> impl Iterator<Item = (String, String)> {
    let id = image.image_id().unwrap_or_default();
    let devices = image.block_device_mappings().iter();
    devices.filter_map(move |device| Some((device.ebs()?.snapshot_id()?.to_owned(), id.to_owned())))
}

/// The snapshots of the scope that are locked.
async fn locked(aws: &Aws, scope: &Scope) -> Result<BTreeSet<String>, AwsError> {
    let clients = &aws.clients(scope);
    let filter = &filter("lock-state", LOCKS.map(str::to_owned).into());
    let locked = pages(|token| async move {
        let ask = || {
            let request = clients.ec2.describe_locked_snapshots().filters(filter.clone());
            request.max_results(PAGE).set_next_token(token.clone()).send()
        };
        let page = aws.call(scope, Operation::DESCRIBE_LOCKED_SNAPSHOTS, ask).await?;
        let locked = page.snapshots().iter().filter_map(|lock| lock.snapshot_id().map(str::to_owned));
        Ok((locked.collect(), page.next_token().map(str::to_owned)))
    });
    Ok(locked.await?.into_iter().collect())
}
