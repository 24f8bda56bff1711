//! What AWS shows of the storage of many instances: a handful of calls, whatever their number.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::primitives::DateTime;
use aws_sdk_ec2::types::{self, Filter};
use futures::try_join;
use jiff::Timestamp;

use crate::aws::{Aws, AwsError, Operation, PROJECT_TAG, pages};
use crate::model::Scope;
use crate::resources::instance_storage::record::{
    Attributes, COUNT_TAG, INSTANCE_TAG, MARK_TAG, RESERVED, Record, SET_TAG, START_TAG,
};
use crate::resources::instance_storage::world::{
    Attachment, Copied, Hold, Instance, Power, Snapshot, Stage, Volume, World,
};

/// AWS allows 200 values a filter ("Filter" in the EC2 API reference).
const VALUES_A_FILTER: usize = 200;

/// The largest page of `DescribeInstances` and `DescribeSnapshots` (their API references).
const PAGE: i32 = 1000;

/// The types of which one chooses the iops ("`CreateVolume`" in the EC2 API reference); others show a number that follows from
/// their size.
const TYPES_WITH_IOPS: [&str; 3] = ["gp3", "io1", "io2"];

/// An instance's world, with AWS's own description of the instance.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) world: World,
    pub(super) instance: types::Instance,
    /// Volumes as AWS describes them, by id.
    pub(super) volumes: BTreeMap<String, types::Volume>,
}

impl Seen {
    /// Whether the instance names just the volumes that name the instance: AWS's answers may lag behind each other.
    pub(super) fn agrees(&self) -> bool {
        let named = self.instance.block_device_mappings().iter().filter_map(|one| one.ebs()?.volume_id());
        let named: BTreeSet<&str> = named.collect();
        let attached: BTreeSet<&str> =
            self.world.attached().into_iter().map(|(volume, _)| &*volume.id).collect();
        named == attached
    }
}

/// Looks at instances. Those that AWS does not know, or that are gone, are left out.
///
/// The instances come last: when the volumes show a root volume off, the time of the last start that is read after that is
/// the last one.
pub(super) async fn observe(
    aws: &Aws,
    scope: &Scope,
    ids: &[&str],
) -> Result<BTreeMap<String, Seen>, AwsError> {
    let snapshots = snapshots(aws, scope, &format!("tag:{INSTANCE_TAG}"), ids).await?;
    let of: Vec<&str> = snapshots.iter().filter_map(types::Snapshot::volume_id).collect();
    let made_of: Vec<&str> = snapshots.iter().filter_map(types::Snapshot::snapshot_id).collect();
    let (on, former, restored) = try_join!(
        volumes(aws, scope, "attachment.instance-id", ids),
        volumes(aws, scope, "volume-id", &of),
        volumes(aws, scope, "snapshot-id", &made_of),
    )?;
    let volumes: BTreeMap<&str, &types::Volume> = on
        .iter()
        .chain(&former)
        .chain(&restored)
        .filter_map(|volume| Some((volume.volume_id()?, volume)))
        .collect();
    let instances = instances(aws, scope, ids).await?;
    let mut seen = BTreeMap::new();
    for instance in instances {
        let Some(world) = world(&instance, &volumes, &snapshots) else { continue };
        let described = world
            .volumes
            .iter()
            .filter_map(|volume| Some((volume.id.clone(), (*volumes.get(&*volume.id)?).clone())));
        let volumes = described.collect();
        seen.insert(world.instance.id.clone(), Seen { world, instance, volumes });
    }
    Ok(seen)
}

async fn instances(aws: &Aws, scope: &Scope, ids: &[&str]) -> Result<Vec<types::Instance>, AwsError> {
    let clients = &aws.clients(scope);
    let mut found = Vec::new();
    for filter in &filters("instance-id", ids) {
        let pages = pages(|token| async move {
            let ask = || {
                let request = clients.ec2.describe_instances().filters(filter.clone());
                request.max_results(PAGE).set_next_token(token.clone()).send()
            };
            let page = aws.call(scope, Operation::DESCRIBE_INSTANCES, ask).await?;
            Ok((
                page.reservations().iter().flat_map(types::Reservation::instances).cloned().collect(),
                page.next_token().map(str::to_owned),
            ))
        });
        found.extend(pages.await?);
    }
    Ok(found)
}

async fn volumes(
    aws: &Aws,
    scope: &Scope,
    by: &str,
    values: &[&str],
) -> Result<Vec<types::Volume>, AwsError> {
    let clients = &aws.clients(scope);
    let mut found = Vec::new();
    for filter in &filters(by, values) {
        let pages = pages(|token| async move {
            let ask = || {
                let request = clients.ec2.describe_volumes().filters(filter.clone());
                request.max_results(PAGE).set_next_token(token.clone()).send()
            };
            let page = aws.call(scope, Operation::DESCRIBE_VOLUMES, ask).await?;
            Ok((page.volumes().to_vec(), page.next_token().map(str::to_owned)))
        });
        found.extend(pages.await?);
    }
    Ok(found)
}

/// The account's own snapshots that pass a filter.
pub(super) async fn snapshots(
    aws: &Aws,
    scope: &Scope,
    by: &str,
    values: &[&str],
) -> Result<Vec<types::Snapshot>, AwsError> {
    let clients = &aws.clients(scope);
    let mut found = Vec::new();
    for filter in &filters(by, values) {
        let pages = pages(|token| async move {
            let ask = || {
                let request = clients.ec2.describe_snapshots().owner_ids("self").filters(filter.clone());
                request.max_results(PAGE).set_next_token(token.clone()).send()
            };
            let page = aws.call(scope, Operation::DESCRIBE_SNAPSHOTS, ask).await?;
            Ok((page.snapshots().to_vec(), page.next_token().map(str::to_owned)))
        });
        found.extend(pages.await?);
    }
    Ok(found)
}

fn filters(by: &str, values: &[&str]) -> Vec<Filter> {
    let values: BTreeSet<&str> = values.iter().copied().collect();
    let values: Vec<String> = values.into_iter().map(str::to_owned).collect();
    values
        .chunks(VALUES_A_FILTER)
        .map(|values| Filter::builder().name(by).set_values(Some(values.to_vec())).build())
        .collect()
}

/// `None` for an instance that is gone.
fn world(
    instance: &types::Instance,
    volumes: &BTreeMap<&str, &types::Volume>,
    snapshots: &[types::Snapshot],
) -> Option<World> {
    let id = instance.instance_id()?;
    let power = Power::of_state(instance.state()?.name()?.as_str());
    if power == Power::Gone {
        return None;
    }
    let snapshots: Vec<Snapshot> = snapshots.iter().filter_map(|one| snapshot(one, id)).collect();
    let mine = |volume: &Volume| {
        volume.on(id).is_some()
            || snapshots
                .iter()
                .any(|one| one.volume == volume.id || volume.source.as_deref() == Some(&*one.id))
    };
    Some(World {
        instance: Instance {
            id: id.to_owned(),
            power,
            started: time(instance.launch_time()?)?,
            root_device: instance.root_device_name().unwrap_or_default().to_owned(),
            why: instance.state_reason().and_then(|reason| reason.message()).map(str::to_owned),
        },
        volumes: volumes.values().filter_map(|one| volume(one)).filter(mine).collect(),
        snapshots,
    })
}

fn volume(live: &types::Volume) -> Option<Volume> {
    let mut tags = tags(live.tags());
    let mark = tags.remove(MARK_TAG);
    tags.retain(|key, _| !key.starts_with(RESERVED));
    let volume_type = live.volume_type()?.as_str();
    Some(Volume {
        id: live.volume_id()?.to_owned(),
        stage: Stage::of_state(live.state()?.as_str()),
        attributes: Attributes {
            size: live.size()?,
            volume_type: volume_type.to_owned(),
            iops: live.iops().filter(|_| TYPES_WITH_IOPS.contains(&volume_type)),
            throughput: live.throughput().filter(|_| volume_type == "gp3"),
            encrypted: live.encrypted().unwrap_or_default(),
            key: live.kms_key_id().map(str::to_owned),
            zone: live.availability_zone().unwrap_or_default().to_owned(),
            multi_attach: live.multi_attach_enabled().unwrap_or_default(),
            tags,
        },
        source: live.snapshot_id().filter(|id| !id.is_empty()).map(str::to_owned),
        mark,
        attachments: live.attachments().iter().filter_map(attachment).collect(),
    })
}

fn attachment(live: &types::VolumeAttachment) -> Option<Attachment> {
    let hold = match live.state()? {
        types::VolumeAttachmentState::Detached => return None,
        types::VolumeAttachmentState::Attached => Hold::Attached,
        _ => Hold::Moving,
    };
    Some(Attachment {
        // A volume of a service that runs instances for others names no instance.
        instance: live.instance_id().unwrap_or("a service of AWS").to_owned(),
        device: live.device().unwrap_or_default().to_owned(),
        card: live.ebs_card_index(),
        hold,
        since: time(live.attach_time()?)?,
        delete_on_termination: live.delete_on_termination().unwrap_or_default(),
    })
}

/// A parking snapshot of the instance.
pub(super) fn snapshot(live: &types::Snapshot, instance: &str) -> Option<Snapshot> {
    let tags = tags(live.tags());
    if tags.get(INSTANCE_TAG).map(String::as_str) != Some(instance) || is_copy(live) {
        return None;
    }
    let archived = live.storage_tier() == Some(&types::StorageTier::Archive);
    let copied = match live.state()? {
        types::SnapshotState::Pending => Copied::Pending(live.progress().unwrap_or("0%").to_owned()),
        types::SnapshotState::Completed if !archived => Copied::Completed,
        types::SnapshotState::Error => {
            Copied::Failed(live.state_message().unwrap_or("AWS does not say why").to_owned())
        }
        types::SnapshotState::Completed => Copied::Other(
            "it is archived: bring it back to the standard tier (RestoreSnapshotTier)".to_owned(),
        ),
        _ => Copied::Other("it is in the recycle bin: restore it from there".to_owned()),
    };
    Some(Snapshot {
        id: live.snapshot_id()?.to_owned(),
        volume: live.volume_id()?.to_owned(),
        size: live.volume_size()?,
        taken: time(live.start_time()?)?,
        copied,
        started: tags.get(START_TAG).and_then(|time| time.parse().ok()),
        key: live.kms_key_id().map(str::to_owned),
        set: tags.get(SET_TAG).cloned().unwrap_or_default(),
        of: tags.get(COUNT_TAG).and_then(|count| count.parse().ok()).unwrap_or_default(),
        record: Record::from_tags(&tags),
        project: tags.get(PROJECT_TAG).cloned(),
    })
}

/// A copy may have taken the tags over, and is of no volume of ours ("`Snapshot`" in the EC2 API reference: its volume id is arbitrary).
fn is_copy(live: &types::Snapshot) -> bool {
    live.transfer_type().is_some() || live.volume_id() == Some("vol-ffffffff")
}

pub(super) fn tags(tags: &[types::Tag]) -> BTreeMap<String, String> {
    let tag = |tag: &types::Tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()));
    tags.iter().filter_map(tag).collect()
}

fn time(time: &DateTime) -> Option<Timestamp> {
    Timestamp::new(time.secs(), i32::try_from(time.subsec_nanos()).ok()?).ok()
}
