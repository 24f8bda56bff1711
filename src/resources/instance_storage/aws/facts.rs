//! What forbids parking an instance, found out before anything of it is touched.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{self, Filter, InstanceAttributeName, InstanceType, ProductCodeValues};
use futures::future::try_join_all;

use super::act::fault_of_key;
use super::observe::{Seen, snapshots, tags};
use crate::aws::{Aws, AwsError, Operation, PROJECT_TAG, pages};
use crate::model::Scope;
use crate::resources::instance_storage::record::{INSTANCE_TAG, Record};
use crate::resources::instance_storage::sets::{base, place, sets};
use crate::resources::instance_storage::spec::Storage;
use crate::resources::instance_storage::world::{Power, Snapshot, Stage, World};

/// The tag that Auto Scaling puts on the members of a group ("Tag Auto Scaling groups and instances" in its user guide).
const GROUP_TAG: &str = "aws:autoscaling:groupName";

/// Tags of volumes that the EBS driver of Kubernetes made ("Volume tagging" of the aws-ebs-csi-driver).
const CSI_TAGS: [&str; 3] = ["ebs.csi.aws.com/cluster", "kubernetes.io/created-for/pv/", "CSIVolumeName"];

/// AWS allows 200 values a filter ("Filter" in the EC2 API reference).
const TYPES_A_CALL: usize = 200;

/// Snapshots of one volume that may be pending at once: 5, of st1 and sc1 one ("Amazon EBS endpoints and quotas").
const PENDING: usize = 5;
const PENDING_OF_DISKS: usize = 1;

/// The most volumes in one call of `CreateSnapshots` ("Create Amazon EBS snapshots" in the EBS user guide: a root volume and up to
/// 127 data volumes).
const VOLUMES_A_SET: usize = 128;

/// AWS's own key for EBS. It is made at its first use, and nobody can disable it ("AWS managed keys" in the KMS developer guide).
const OWN_KEY: &str = "alias/aws/ebs";

/// What was found out of instances that are wanted otherwise than they are.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Why they must not be touched, by id.
    pub(super) refused: BTreeMap<String, String>,
    /// The key of EBS encryption by default, where that is on and one of them has volumes that are not encrypted.
    pub(super) encryption: Option<String>,
}

/// Finds out what forbids to touch instances.
pub(super) async fn find(
    aws: &Aws,
    scope: &Scope,
    project: &str,
    seen: &BTreeMap<String, Seen>,
    wanted: &BTreeMap<&str, &Storage>,
) -> Result<Facts, AwsError> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut to_park: BTreeMap<&str, (&Seen, &Storage)> = BTreeMap::new();
    let mut plain: Vec<&str> = Vec::new();
    for (id, seen) in seen {
        let Some(wanted) = wanted.get(&**id) else { continue };
        all.entry(id.clone()).or_default().extend(others_project(&seen.world, project));
        // With its root volume off it has passed all this, and what is left is to finish it.
        if wanted.parked && seen.world.root().is_some() {
            all.entry(id.clone()).or_default().extend(described(seen, wanted));
            to_park.insert(id, (seen, wanted));
        }
        if !unencrypted(&seen.world, wanted).is_empty() {
            plain.push(id);
        }
    }
    let faults = keys(aws, scope, &users_of_keys(seen, wanted)).await?;
    let stores = instance_stores(aws, scope, &to_park).await?;
    let pending = pending_snapshots(aws, scope, &to_park).await?;
    let protections = protections(aws, scope, &to_park).await?;
    let encryption = if plain.is_empty() { None } else { encryption_by_default(aws, scope).await? };
    let mut of_default = Vec::new();
    if let Some(key) = encryption.as_deref().filter(|key| *key != OWN_KEY) {
        let users: BTreeSet<&str> = plain.into_iter().collect();
        of_default = keys(aws, scope, &BTreeMap::from([(key, users)])).await?;
    }
    for found in [faults, of_default, stores, pending, protections].into_iter().flatten() {
        all.entry(found.0).or_default().push(found.1);
    }
    all.retain(|_, reasons| !reasons.is_empty());
    let refused = all.into_iter().map(|(id, reasons)| (id, reasons.join("; "))).collect();
    Ok(Facts { refused, encryption })
}

/// The devices of volumes that are not encrypted, and that are to be made again now or later.
pub(super) fn unencrypted(world: &World, wanted: &Storage) -> Vec<String> {
    if wanted.parked {
        let attached = world.attached().into_iter().filter(|(volume, _)| !volume.attributes.encrypted);
        return attached.map(|(_, place)| place.device.clone()).collect();
    }
    let to_make = to_make(world).into_iter().filter_map(|one| one.record.as_ref().ok());
    to_make.filter(|record| !record.volume.encrypted).map(|record| record.device.clone()).collect()
}

/// The parking snapshots of which volumes will be made before the instance can run.
fn to_make(world: &World) -> Vec<&Snapshot> {
    if world.root().is_some() {
        return Vec::new();
    }
    let base = base(world, &sets(world));
    let snapshots = base.into_iter().flat_map(|base| base.snapshots);
    snapshots.filter(|one| place(world, one).volume().is_none()).collect()
}

/// The instances that need each KMS key: to make their volumes again now, or later what is about to be deleted.
fn users_of_keys<'a>(
    seen: &'a BTreeMap<String, Seen>,
    wanted: &BTreeMap<&str, &Storage>,
) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
    let mut users: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (id, seen) in seen {
        let Some(wanted) = wanted.get(&**id) else { continue };
        let of_volumes =
            seen.world.attached().into_iter().filter_map(|(volume, _)| volume.attributes.key.as_deref());
        let of_snapshots = to_make(&seen.world).into_iter().filter_map(|one| one.key.as_deref());
        let keys: Vec<&str> = match (wanted.parked, seen.world.root().is_some()) {
            (true, true) => of_volumes.collect(),
            (false, false) => of_snapshots.collect(),
            _ => Vec::new(),
        };
        for key in keys {
            users.entry(key).or_default().insert(id);
        }
    }
    users
}

/// The key of EBS encryption by default, if that is on: whatever is made is encrypted then.
async fn encryption_by_default(aws: &Aws, scope: &Scope) -> Result<Option<String>, AwsError> {
    let clients = aws.clients(scope);
    let ask = || clients.ec2.get_ebs_encryption_by_default().send();
    let answer = aws.call(scope, Operation::GET_EBS_ENCRYPTION_BY_DEFAULT, ask).await?;
    if answer.ebs_encryption_by_default() != Some(true) {
        return Ok(None);
    }
    let ask = || clients.ec2.get_ebs_default_kms_key_id().send();
    let answer = aws.call(scope, Operation::GET_EBS_DEFAULT_KMS_KEY_ID, ask).await?;
    Ok(Some(answer.kms_key_id().unwrap_or(OWN_KEY).to_owned()))
}

/// Instances and why, of those that something forbids to be parked.
type Found = Vec<(String, String)>;

type ToPark<'a> = BTreeMap<&'a str, (&'a Seen, &'a Storage)>;

fn others_project(world: &World, project: &str) -> Option<String> {
    let others = world.snapshots.iter().filter_map(|one| one.project.as_deref());
    let other = others.into_iter().find(|other| *other != project)?;
    Some(format!(
        "it is parked by the opsform project {other:?}: take that project's manifest, or change the tag `{PROJECT_TAG}` of its \
         parking snapshots if the project has another name now"
    ))
}

/// What the descriptions of the instance and its volumes say.
fn described(seen: &Seen, wanted: &Storage) -> Vec<String> {
    let (instance, world) = (&seen.instance, &seen.world);
    let mut reasons = Vec::new();
    let mut refuse = |reason: String| reasons.push(reason);
    if instance.hibernation_options().and_then(types::HibernationOptions::configured) == Some(true) {
        refuse("hibernation is enabled, and its memory would be lost with its root volume".to_owned());
    }
    if instance.instance_lifecycle() == Some(&types::InstanceLifecycleType::Spot) {
        refuse(
            "it is a spot instance, which EC2 terminates when it is started without its root volume"
                .to_owned(),
        );
    }
    if let Some(group) = tags(instance.tags()).get(GROUP_TAG) {
        refuse(format!("the Auto Scaling group {group:?} would replace it as soon as it is stopped"));
    }
    if instance.root_device_type() == Some(&types::DeviceType::InstanceStore) {
        refuse("its root volume is an instance store, so it cannot be stopped".to_owned());
    }
    if instance.operator().and_then(types::OperatorResponse::managed) == Some(true) {
        refuse("a service of AWS manages it".to_owned());
    }
    let of_marketplace = |codes: &[types::ProductCode]| {
        codes.iter().any(|code| code.product_code_type() == Some(&ProductCodeValues::Marketplace))
    };
    if !wanted.allow_marketplace && of_marketplace(instance.product_codes()) {
        refuse(
            "it bears a product code of the AWS Marketplace: its volumes can be made again only while the subscription \
             is active and its terms are accepted; if they are, set `allow_marketplace = true` (by hand: \
             --allow-marketplace)"
                .to_owned(),
        );
    }
    if world.attached().len() > VOLUMES_A_SET {
        refuse(format!(
            "it has more than the {VOLUMES_A_SET} volumes of which snapshots can be taken together"
        ));
    }
    reasons.extend(of_volumes(seen));
    reasons
}

/// What the descriptions of its volumes say.
fn of_volumes(seen: &Seen) -> Vec<String> {
    let world = &seen.world;
    let mut reasons = Vec::new();
    let mut refuse = |reason: String| reasons.push(reason);
    if let Some(device) = world.ambiguous_device() {
        refuse(format!("several of its volumes, or one without a name, are at the device {device:?}"));
    }
    for (volume, attachment) in world.attached() {
        if let Some(other) = volume.elsewhere(&world.instance.id) {
            refuse(format!("its volume {} is attached to {other} as well (multi-attach)", volume.id));
        } else if volume.stage != Stage::InUse {
            refuse(format!("its volume {} is not in use", volume.id));
        }
        if let Err(why) = Record::of(volume, attachment, &world.instance).to_tags() {
            refuse(format!("its volume {} cannot be recorded: {why}", volume.id));
        }
        if let Some(key) =
            volume.attributes.tags.keys().find(|key| CSI_TAGS.iter().any(|tag| key.starts_with(tag)))
        {
            refuse(format!(
                "its volume {} belongs to a persistent volume of Kubernetes (tag {key}), which names it by its id",
                volume.id
            ));
        }
        let described = seen.volumes.get(&volume.id);
        if described.is_some_and(|one| one.outpost_arn().is_some_and(|arn| !arn.is_empty())) {
            refuse(format!("its volume {} is on an Outpost", volume.id));
        }
        let managed = described.and_then(|one| one.operator()).and_then(types::OperatorResponse::managed);
        if managed == Some(true) {
            refuse(format!("a service of AWS manages its volume {}", volume.id));
        }
    }
    reasons
}

/// Volumes whose key is disabled could not be made again.
async fn keys(aws: &Aws, scope: &Scope, users: &BTreeMap<&str, BTreeSet<&str>>) -> Result<Found, AwsError> {
    let looks = users.iter().map(|(key, users)| async move {
        let fault = fault_of_key(aws, scope, key).await?;
        Ok::<_, AwsError>(fault.map(|fault| (*key, users, fault)))
    });
    let faults = try_join_all(looks).await?.into_iter().flatten();
    let told = faults.flat_map(|(key, users, fault)| {
        let why = format!("the KMS key {key} of its volumes cannot be used: {fault}");
        users.iter().map(move |id| ((*id).to_owned(), why.clone()))
    });
    Ok(told.collect())
}

/// A stop destroys what is on an instance store, and no description says whether an instance has one: its type does.
async fn instance_stores(aws: &Aws, scope: &Scope, to_park: &ToPark<'_>) -> Result<Found, AwsError> {
    let mut of_type: BTreeMap<InstanceType, Vec<&str>> = BTreeMap::new();
    for (id, (seen, wanted)) in to_park {
        if let Some(name) = seen.instance.instance_type().filter(|_| !wanted.allow_instance_store) {
            of_type.entry(name.clone()).or_default().push(id);
        }
    }
    let mut found = Vec::new();
    for name in with_stores(aws, scope, of_type.keys().cloned().collect()).await? {
        let why = format!(
            "{name} has instance store volumes, whose content a stop destroys; if that is meant, set \
             `allow_instance_store = true` (by hand: --allow-instance-store)"
        );
        found.extend(of_type.get(&name).into_iter().flatten().map(|id| ((*id).to_owned(), why.clone())));
    }
    Ok(found)
}

/// The instances to be parked although a stop destroys what is on their instance stores, with their types.
pub(super) async fn allowed_stores(
    aws: &Aws,
    scope: &Scope,
    seen: &BTreeMap<String, Seen>,
    wanted: &BTreeMap<&str, &Storage>,
) -> Result<BTreeMap<String, InstanceType>, AwsError> {
    let allowed = seen.iter().filter_map(|(id, seen)| {
        let wanted = wanted.get(&**id)?;
        let asked = wanted.parked && wanted.allow_instance_store && seen.world.root().is_some();
        asked.then(|| Some((id.clone(), seen.instance.instance_type()?.clone())))?
    });
    let mut allowed: BTreeMap<String, InstanceType> = allowed.collect();
    let types: BTreeSet<InstanceType> = allowed.values().cloned().collect();
    let stores = with_stores(aws, scope, types.into_iter().collect()).await?;
    allowed.retain(|_, name| stores.contains(name));
    Ok(allowed)
}

/// Those of these types that have instance store volumes.
async fn with_stores(
    aws: &Aws,
    scope: &Scope,
    names: Vec<InstanceType>,
) -> Result<Vec<InstanceType>, AwsError> {
    let clients = aws.clients(scope);
    let mut found = Vec::new();
    for names in names.chunks(TYPES_A_CALL) {
        // A filter leaves out what AWS no longer knows; asked by name, one such type fails the call.
        let filter = &Filter::builder()
            .name("instance-type")
            .set_values(Some(names.iter().map(ToString::to_string).collect()))
            .build();
        let clients = &clients;
        let pages = pages(|token| async move {
            let ask = || {
                let request = clients.ec2.describe_instance_types().filters(filter.clone());
                request.set_next_token(token.clone()).send()
            };
            let page = aws.call(scope, Operation::DESCRIBE_INSTANCE_TYPES, ask).await?;
            Ok((page.instance_types().to_vec(), page.next_token().map(str::to_owned)))
        });
        let known = pages.await?;
        let stored = known.iter().filter(|one| one.instance_storage_supported() == Some(true));
        found.extend(stored.filter_map(types::InstanceTypeInfo::instance_type).cloned());
    }
    Ok(found)
}

/// AWS takes no further snapshot of a volume while too many are pending.
async fn pending_snapshots(aws: &Aws, scope: &Scope, to_park: &ToPark<'_>) -> Result<Found, AwsError> {
    let mut volumes: BTreeMap<&str, (&str, usize)> = BTreeMap::new();
    for (id, (seen, _)) in to_park {
        for (volume, _) in seen.world.attached() {
            let disks = ["st1", "sc1"].contains(&&*volume.attributes.volume_type);
            volumes.insert(&volume.id, (id, if disks { PENDING_OF_DISKS } else { PENDING }));
        }
    }
    let ids: Vec<&str> = volumes.keys().copied().collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let all = snapshots(aws, scope, "volume-id", &ids).await?;
    let open = all.iter().filter(|one| {
        let ours = tags(one.tags()).contains_key(INSTANCE_TAG);
        !ours && one.state() == Some(&types::SnapshotState::Pending)
    });
    for volume in open.filter_map(types::Snapshot::volume_id) {
        *counts.entry(volume).or_default() += 1;
    }
    let full = counts.into_iter().filter_map(|(volume, count)| {
        let (id, limit) = volumes.get(volume)?;
        let why =
            format!("{count} snapshots of its volume {volume} are pending, and AWS takes no further one");
        (count >= *limit).then(|| ((*id).to_owned(), why))
    });
    Ok(full.collect())
}

/// A protection from stops that somebody set; of those that are stopped it is of no importance. One from termination is of none at all: parking terminates nothing.
async fn protections(aws: &Aws, scope: &Scope, to_park: &ToPark<'_>) -> Result<Found, AwsError> {
    let asked = to_park.iter().filter(|(_, (seen, _))| seen.world.instance.power != Power::Stopped);
    let clients = &aws.clients(scope);
    let looks = asked.map(|(id, _)| async move {
        let attribute = InstanceAttributeName::DisableApiStop;
        let ask =
            || clients.ec2.describe_instance_attribute().instance_id(*id).attribute(attribute.clone()).send();
        let answer = aws.call(scope, Operation::DESCRIBE_INSTANCE_ATTRIBUTE, ask).await?;
        let set = answer.disable_api_stop().is_some_and(|value| value.value() == Some(true));
        let why = "it has stop protection (DisableApiStop); take that off first";
        Ok::<_, AwsError>(set.then(|| ((*id).to_owned(), why.to_owned())))
    });
    Ok(try_join_all(looks).await?.into_iter().flatten().collect())
}

#[cfg(test)]
#[path = "facts_tests.rs"]
mod tests;
