//! Volumes and snapshots.

use aws_sdk_ec2::types;
use rust_decimal::Decimal;

use super::{tags, time};
use crate::aws::{Aws, AwsError, LABEL_TAG, Operation, pages};
use crate::costs::estate::{Snapshot, Volume};
use crate::model::Scope;
use crate::prices::VolumeShape;

/// The largest pages ("up to 500" of `DescribeVolumes`, 1,000 of `DescribeSnapshots`: their API references).
const VOLUMES_A_PAGE: i32 = 500;
const SNAPSHOTS_A_PAGE: i32 = 1_000;

const GIB: i64 = 1 << 30;

/// The volumes of a scope.
pub(super) async fn volumes(aws: &Aws, scope: &Scope) -> Result<Vec<Volume>, AwsError> {
    let clients = &aws.clients(scope);
    pages(|token| async move {
        let ask = || {
            clients.ec2.describe_volumes().max_results(VOLUMES_A_PAGE).set_next_token(token.clone()).send()
        };
        let page = aws.call(scope, Operation::DESCRIBE_VOLUMES, ask).await?;
        let found = page.volumes().iter().filter_map(|one| volume(scope, one)).collect();
        Ok((found, page.next_token().map(str::to_owned)))
    })
    .await
}

fn volume(scope: &Scope, volume: &types::Volume) -> Option<Volume> {
    use types::{VolumeAttachmentState, VolumeState};
    if matches!(volume.state(), Some(VolumeState::Deleting | VolumeState::Deleted | VolumeState::Error)) {
        return None;
    }
    let attached = volume.attachments().iter().filter_map(|one| {
        let device = one.device().unwrap_or_default().to_owned();
        let on = one.state() != Some(&VolumeAttachmentState::Detached);
        on.then_some((one.instance_id()?.to_owned(), device))
    });
    Some(Volume {
        scope: scope.clone(),
        id: volume.volume_id()?.to_owned(),
        zone: volume.availability_zone().unwrap_or_default().to_owned(),
        outpost: volume.outpost_arn().is_some(),
        shape: VolumeShape {
            volume_type: volume.volume_type().map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
            size: volume.size().unwrap_or_default(),
            iops: volume.iops(),
            throughput: volume.throughput(),
        },
        attached: attached.collect(),
        created: time(volume.create_time()),
        tags: tags(volume.tags()),
    })
}

/// The account's own snapshots in a scope.
pub(super) async fn snapshots(aws: &Aws, scope: &Scope) -> Result<Vec<Snapshot>, AwsError> {
    let clients = &aws.clients(scope);
    pages(|token| async move {
        let ask = || {
            let request = clients.ec2.describe_snapshots().owner_ids("self");
            request.max_results(SNAPSHOTS_A_PAGE).set_next_token(token.clone()).send()
        };
        let page = aws.call(scope, Operation::DESCRIBE_SNAPSHOTS, ask).await?;
        let found = page.snapshots().iter().filter_map(|one| snapshot(scope, one)).collect();
        Ok((found, page.next_token().map(str::to_owned)))
    })
    .await
}

fn snapshot(scope: &Scope, snapshot: &types::Snapshot) -> Option<Snapshot> {
    // What failed holds nothing.
    if snapshot.state() == Some(&types::SnapshotState::Error) {
        return None;
    }
    let size = Decimal::from(snapshot.volume_size().unwrap_or_default());
    // A pending one may tell less than it will hold.
    let told = snapshot.full_snapshot_size_in_bytes().filter(|bytes| *bytes > 0);
    let told = told.filter(|_| snapshot.state() == Some(&types::SnapshotState::Completed));
    Some(Snapshot {
        scope: scope.clone(),
        volume: snapshot.volume_id().unwrap_or_default().to_owned(),
        full_gib: told.map_or(size, |bytes| Decimal::from(bytes) / Decimal::from(GIB)),
        archived: snapshot.storage_tier() == Some(&types::StorageTier::Archive),
        taken: time(snapshot.start_time()),
        label: tags(snapshot.tags()).remove(LABEL_TAG),
    })
}
