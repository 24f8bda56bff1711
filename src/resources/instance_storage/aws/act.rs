//! One step, as a call.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{
    EbsInstanceBlockDeviceSpecification, InstanceBlockDeviceMappingSpecification, InstanceSpecification,
    ResourceType, Tag, TagSpecification, VolumeType,
};

use jiff::Timestamp;
use tokio::time::Instant;

use crate::aws::{Aws, AwsError, ErrorClass, LABEL_TAG, OnceError, Operation, PROJECT_TAG};
use crate::model::Scope;
use crate::resources::instance_storage::decide::Step;
use crate::resources::instance_storage::record::{
    COUNT_TAG, INSTANCE_TAG, MARK_TAG, Record, SET_TAG, START_TAG,
};

/// What the calls for one instance have in common.
#[derive(Clone, Debug)]
pub(super) struct Subject<'a> {
    pub(super) scope: &'a Scope,
    pub(super) instance: &'a str,
    pub(super) project: &'a str,
    pub(super) label: &'a str,
    pub(super) initialization_rate: Option<i32>,
    /// What tells this run's calls from those of others.
    pub(super) run: u32,
    /// Until when what was decided may be done: what takes something away is right only as long as what was seen is true.
    pub(super) deadline: Instant,
}

/// What came of a call that AWS carried out, or of which another look will tell.
#[derive(Debug, Default)]
pub(super) struct Made {
    /// Ids of what was made, which AWS may show a little later.
    pub(super) ids: Vec<String>,
    /// What is wrong with a key that was looked at.
    pub(super) key_fault: Option<String>,
}

/// What an error means for a step.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum After {
    /// The world is another one than a moment ago, or what became of the call is not known: another look decides.
    AnotherLook,
    /// AWS takes no further snapshots of a volume before others are complete.
    Waiting,
    /// The client token was used with other parameters: another one has to be taken.
    UsedUp,
    /// This snapshot is needed by somebody else.
    Undeletable(String),
    /// It was not sent, because the look was too old.
    Late,
    /// It ends here.
    Failed,
}

/// Errors that say that the world is another one than a moment ago ("Error codes for the Amazon EC2 API").
const CHANGED: [&str; 3] = ["IncorrectState", "IncorrectInstanceState", "VolumeInUse"];

/// Errors that say that an image has a snapshot, or that it is locked. The second code is inferred.
const NEEDED: [&str; 2] = ["InvalidSnapshot.InUse", "SnapshotLocked"];

/// What comes after a step that failed.
pub(super) fn outlook_of(step: &Step, error: &AwsError) -> After {
    let code = &*error.code;
    match step {
        _ if error.is_late() => After::Late,
        Step::DeleteSnapshot { snapshot } if NEEDED.contains(&code) => After::Undeletable(snapshot.clone()),
        Step::CreateVolume { .. } if code == "IdempotentParameterMismatch" => After::UsedUp,
        Step::CreateSet { .. } if code == "ConcurrentSnapshotLimitExceeded" => After::Waiting,
        // Somebody started the instance whose root volume was about to be taken off.
        Step::Detach { .. } if code == "OperationNotPermitted" => After::AnotherLook,
        _ if matches!(error.class, ErrorClass::NotFound | ErrorClass::Conflict) => After::AnotherLook,
        _ if is_unclear(error) || CHANGED.contains(&code) => After::AnotherLook,
        _ => After::Failed,
    }
}

/// Whether AWS may have carried out a call that failed, or would a little later.
pub(super) fn is_unclear(error: &AwsError) -> bool {
    matches!(error.class, ErrorClass::Transient | ErrorClass::Throttled | ErrorClass::Stopped)
}

/// Stops or starts many instances.
pub(super) async fn switch(aws: &Aws, scope: &Scope, ids: &[&str], step: &Step) -> Result<(), AwsError> {
    let (clients, operation) = (aws.clients(scope), operation(step));
    let ids = || Some(ids.iter().map(|id| (*id).to_owned()).collect());
    if *step == Step::Start {
        aws.call(scope, operation, || clients.ec2.start_instances().set_instance_ids(ids()).send()).await?;
    } else {
        aws.call(scope, operation, || clients.ec2.stop_instances().set_instance_ids(ids()).send()).await?;
    }
    Ok(())
}

/// The operation of a step.
pub(super) fn operation(step: &Step) -> &'static Operation {
    match step {
        Step::Stop => Operation::STOP_INSTANCES,
        Step::Start => Operation::START_INSTANCES,
        Step::LookAtKey { .. } => Operation::DESCRIBE_KEY,
        Step::CreateSet { .. } => Operation::CREATE_SNAPSHOTS,
        Step::Record { .. } | Step::Tag { .. } => Operation::CREATE_TAGS,
        Step::DeleteSnapshot { .. } => Operation::DELETE_SNAPSHOT,
        Step::Detach { .. } => Operation::DETACH_VOLUME,
        Step::DeleteVolume { .. } => Operation::DELETE_VOLUME,
        Step::CreateVolume { .. } => Operation::CREATE_VOLUME,
        Step::Attach { .. } => Operation::ATTACH_VOLUME,
        Step::SetFlag { .. } => Operation::MODIFY_INSTANCE_ATTRIBUTE,
        Step::Unmark { .. } | Step::Release { .. } => Operation::DELETE_TAGS,
    }
}

/// Carries out a step. Every one but taking snapshots may be repeated without harm.
pub(super) async fn act(aws: &Aws, subject: &Subject<'_>, step: &Step) -> Result<Made, AwsError> {
    let (clients, scope, instance) = (aws.clients(subject.scope), subject.scope, subject.instance);
    let ec2 = &clients.ec2;
    let (operation, deadline) = (operation(step), subject.deadline);
    match step {
        Step::Stop | Step::Start => switch(aws, scope, &[instance], step).await?,
        Step::LookAtKey { key } => {
            let key_fault = fault_of_key(aws, scope, key).await?;
            return Ok(Made { key_fault, ..Made::default() });
        }
        Step::CreateSet { set_size, started } => return create_set(aws, subject, *set_size, *started).await,
        Step::Record { snapshot, record } => {
            let tags = record.to_tags().map_err(|why| AwsError::halted(operation, scope, why))?;
            tag(aws, scope, snapshot, &tags).await?;
        }
        Step::Tag { volume, tags } => tag(aws, scope, volume, tags).await?,
        Step::DeleteSnapshot { snapshot } => {
            aws.call_by(scope, operation, deadline, || ec2.delete_snapshot().snapshot_id(snapshot).send())
                .await?;
        }
        Step::Detach { volume } => {
            let call = || ec2.detach_volume().volume_id(volume).instance_id(instance).send();
            aws.call_by(scope, operation, deadline, call).await?;
        }
        Step::DeleteVolume { volume } => {
            aws.call_by(scope, operation, deadline, || ec2.delete_volume().volume_id(volume).send()).await?;
        }
        Step::CreateVolume { snapshot, set, attempt, record } => {
            return create_volume(aws, subject, (snapshot, set, *attempt), record).await;
        }
        Step::Attach { volume, device, card } => {
            let call = || {
                let request = ec2.attach_volume().volume_id(volume).instance_id(instance);
                request.device(device).set_ebs_card_index(*card).send()
            };
            aws.call(scope, operation, call).await?;
        }
        Step::SetFlag { device, delete_on_termination } => {
            let ebs = EbsInstanceBlockDeviceSpecification::builder()
                .delete_on_termination(*delete_on_termination)
                .build();
            let mapping =
                InstanceBlockDeviceMappingSpecification::builder().device_name(device).ebs(ebs).build();
            let call = || {
                let request = ec2.modify_instance_attribute().instance_id(instance);
                request.block_device_mappings(mapping.clone()).send()
            };
            aws.call(scope, operation, call).await?;
        }
        Step::Unmark { volumes } => untag(aws, scope, volumes, MARK_TAG).await?,
        // The tag of the set stays: what opsform once parked is no generation of anybody's.
        Step::Release { snapshots } => untag(aws, scope, snapshots, INSTANCE_TAG).await?,
    }
    Ok(Made::default())
}

async fn tag(
    aws: &Aws,
    scope: &Scope,
    resource: &str,
    tags: &BTreeMap<String, String>,
) -> Result<(), AwsError> {
    let clients = aws.clients(scope);
    let tags: Vec<Tag> =
        tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
    let call = || clients.ec2.create_tags().resources(resource).set_tags(Some(tags.clone())).send();
    aws.call(scope, Operation::CREATE_TAGS, call).await.map(drop)
}

async fn untag(aws: &Aws, scope: &Scope, resources: &[String], key: &str) -> Result<(), AwsError> {
    let clients = aws.clients(scope);
    let call = || {
        let request = clients.ec2.delete_tags().set_resources(Some(resources.to_vec()));
        request.tags(Tag::builder().key(key).build()).send()
    };
    aws.call(scope, Operation::DELETE_TAGS, call).await.map(drop)
}

fn specification(kind: ResourceType, tags: impl IntoIterator<Item = (String, String)>) -> TagSpecification {
    let tags = tags.into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
    TagSpecification::builder().resource_type(kind).set_tags(Some(tags.collect())).build()
}

/// `CreateSnapshots` knows no client token. After a lost answer the set is found by its tags.
async fn create_set(
    aws: &Aws,
    subject: &Subject<'_>,
    set_size: usize,
    started: Timestamp,
) -> Result<Made, AwsError> {
    let (clients, scope) = (aws.clients(subject.scope), subject.scope);
    let operation = Operation::CREATE_SNAPSHOTS;
    let set = format!("{}-{:08x}", subject.instance, fastrand::u32(..));
    let (count, started) = (set_size.to_string(), started.to_string());
    let tags = [
        (SET_TAG, &*set),
        (INSTANCE_TAG, subject.instance),
        (COUNT_TAG, &*count),
        (START_TAG, &*started),
        (PROJECT_TAG, subject.project),
        (LABEL_TAG, subject.label),
    ];
    let tags = specification(
        ResourceType::Snapshot,
        tags.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())),
    );
    let whole =
        InstanceSpecification::builder().instance_id(subject.instance).exclude_boot_volume(false).build();
    let throttle = aws.throttle(scope, operation);
    let call = || {
        let request = clients.ec2.create_snapshots().instance_specification(whole.clone());
        let request = request.description(format!("parked volume of {}", subject.instance));
        request.tag_specifications(tags.clone()).send()
    };
    match aws.call_once_by(scope, operation, (&throttle, 1, Some(subject.deadline)), call).await {
        Ok(answer) => {
            let ids = answer.snapshots().iter().filter_map(|one| one.snapshot_id().map(str::to_owned));
            Ok(Made { ids: ids.collect(), ..Made::default() })
        }
        Err(OnceError::Unknown(error)) => {
            tracing::debug!(%error, "another look finds out what became of the snapshots");
            Ok(Made::default())
        }
        Err(OnceError::NotDone(error)) => Err(error),
    }
}

async fn create_volume(
    aws: &Aws,
    subject: &Subject<'_>,
    (snapshot, set, attempt): (&str, &str, usize),
    record: &Record,
) -> Result<Made, AwsError> {
    let (clients, scope) = (aws.clients(subject.scope), subject.scope);
    let what = &record.volume;
    let mark = (MARK_TAG.to_owned(), set.to_owned());
    let tags = what.tags.clone().into_iter().chain([mark]);
    let tags = specification(ResourceType::Volume, tags);
    let token = token(subject, set, &record.device, attempt);
    let call = || {
        clients
            .ec2
            .create_volume()
            .snapshot_id(snapshot)
            .availability_zone(&what.zone)
            .size(what.size)
            .volume_type(VolumeType::from(&*what.volume_type))
            .set_iops(what.iops)
            .set_throughput(what.throughput)
            .set_encrypted(what.encrypted.then_some(true))
            .set_kms_key_id(what.key.clone())
            .set_multi_attach_enabled(what.multi_attach.then_some(true))
            .set_volume_initialization_rate(subject.initialization_rate.filter(|_| is_of_region(&what.zone)))
            .tag_specifications(tags.clone())
            .client_token(&token)
            .send()
    };
    let made = aws.call(scope, Operation::CREATE_VOLUME, call).await?;
    Ok(Made { ids: made.volume_id().map(str::to_owned).into_iter().collect(), ..Made::default() })
}

/// Whether a zone is an Availability Zone, such as `us-west-2a`: there is no initialization rate in Local and Wavelength Zones, such as
/// `us-west-2-lax-1a` ("Initialize Amazon EBS volumes" in the EBS user guide).
fn is_of_region(zone: &str) -> bool {
    !zone.split('-').any(|part| part.parse::<u8>().is_ok())
}

/// At most 64 characters ("Ensuring idempotency in Amazon EC2 API requests"). The first call of a step has the same token, whoever makes it. A
/// further one is of this run alone: the volume of an earlier token may be gone, and its token still brings the answer of then.
fn token(subject: &Subject<'_>, set: &str, device: &str, attempt: usize) -> String {
    let device: String = device.chars().filter(char::is_ascii_alphanumeric).collect();
    let rate = subject.initialization_rate.unwrap_or_default();
    let run = if attempt == 0 { String::new() } else { format!("{:x}-{attempt}-", subject.run) };
    format!("{run}{rate}-{set}-{device}").chars().take(64).collect()
}

/// What is wrong with a key, if it cannot be used. That it cannot be found out is told as a fault, too: nothing is deleted on
/// trust.
pub(super) async fn fault_of_key(aws: &Aws, scope: &Scope, key: &str) -> Result<Option<String>, AwsError> {
    let client = aws.kms(scope);
    let found = aws.call(scope, Operation::DESCRIBE_KEY, || client.describe_key().key_id(key).send()).await;
    match found {
        Ok(answer) => {
            let state = answer
                .key_metadata()
                .and_then(|key| key.key_state())
                .map(aws_sdk_kms::types::KeyState::as_str);
            Ok(match state {
                Some("Enabled") => None,
                other => Some(format!("its state is {}", other.unwrap_or("not told"))),
            })
        }
        Err(error) if error.class == ErrorClass::NotFound => Ok(Some("there is no such key".to_owned())),
        Err(error) if error.class == ErrorClass::Denied => {
            Ok(Some("the caller may not look at it (kms:DescribeKey)".to_owned()))
        }
        Err(error) => Err(error),
    }
}
