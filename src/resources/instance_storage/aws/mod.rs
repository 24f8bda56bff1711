//! An instance's storage on AWS: looked at with a handful of calls for many instances, and changed step by step.

mod act;
mod drive;
mod facts;
mod job;
mod list;
mod observe;
mod patience;

use std::collections::BTreeMap;

use futures::FutureExt;
use futures::future::{BoxFuture, ready};

pub use self::list::{Parked, parked};
use self::observe::{Seen, observe};
use super::forecast::forecast;
use super::notes::{deed, notes, parking_saves};
use super::record::RESERVED;
use super::spec::{KIND, Storage, TEXT, live_fields, planned_fields};
use super::words::{forecast_words, waiting_words};
use crate::aws::{Aws, AwsError, Operation};
use crate::model::{Actual, Address, KindText, Ownership, Scope};
use crate::plan::Outlook;
use crate::prices::StoragePrices;
use crate::resources::{Course, Kind, Operations, OutlookQuestion, OwnershipNeed, ReadRequest, Step};

/// Instances that go their ways side by side, with one look for all.
const INSTANCES_A_BATCH: usize = 100;

/// The kind `instance_storage`.
#[derive(Clone, Copy, Debug)]
pub struct InstanceStorageKind;

impl Kind for InstanceStorageKind {
    fn text(&self) -> KindText {
        TEXT
    }

    fn phase(&self) -> u8 {
        // Last of all: it may take hours, and nothing else is to wait for it.
        90
    }

    fn operations(&self) -> Operations {
        Operations {
            read: &[
                Operation::DESCRIBE_INSTANCES,
                Operation::DESCRIBE_VOLUMES,
                Operation::DESCRIBE_SNAPSHOTS,
                Operation::DESCRIBE_INSTANCE_TYPES,
                Operation::DESCRIBE_INSTANCE_ATTRIBUTE,
                Operation::DESCRIBE_KEY,
                Operation::GET_EBS_ENCRYPTION_BY_DEFAULT,
                Operation::GET_EBS_DEFAULT_KMS_KEY_ID,
            ],
            read_one: &[],
            write: &[
                Operation::STOP_INSTANCES,
                Operation::START_INSTANCES,
                Operation::CREATE_SNAPSHOTS,
                Operation::DELETE_SNAPSHOT,
                Operation::CREATE_VOLUME,
                Operation::DELETE_VOLUME,
                Operation::ATTACH_VOLUME,
                Operation::DETACH_VOLUME,
                Operation::MODIFY_INSTANCE_ATTRIBUTE,
                Operation::CREATE_TAGS,
                Operation::DELETE_TAGS,
            ],
            remove: &[],
        }
    }

    fn policy_resources(&self, account: &str, region: &str) -> Vec<String> {
        vec![
            format!("ec2:{region}:{account}:instance/*"),
            format!("ec2:{region}:{account}:volume/*"),
            // The ARN of a snapshot names no account ("Actions, resources, and condition keys for Amazon EC2").
            format!("ec2:{region}::snapshot/*"),
        ]
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
        _aws: &'a Aws,
        _scope: &'a Scope,
        _keys: &'a [&'a str],
        _need: OwnershipNeed,
    ) -> BoxFuture<'a, Result<BTreeMap<String, Ownership>, AwsError>> {
        // Nobody owns an instance's storage.
        ready(Ok(BTreeMap::new())).boxed()
    }

    fn find_owned<'a>(
        &'a self,
        _aws: &'a Aws,
        _scope: &'a Scope,
        _project: &'a str,
    ) -> BoxFuture<'a, Result<Vec<Actual>, AwsError>> {
        ready(Ok(Vec::new())).boxed()
    }

    fn outlook<'a>(
        &'a self,
        aws: &'a Aws,
        scope: &'a Scope,
        question: OutlookQuestion<'a>,
    ) -> BoxFuture<'a, Result<BTreeMap<String, Outlook>, AwsError>> {
        outlook(aws, scope, question).boxed()
    }

    fn batch_size(&self, _step: &Step) -> usize {
        INSTANCES_A_BATCH
    }

    fn pacing_operation(&self, step: &Step) -> &'static Operation {
        let wanted = step.change().after.as_ref().and_then(Storage::from_fields);
        if wanted.is_some_and(|wanted| wanted.parked) {
            Operation::CREATE_SNAPSHOTS
        } else {
            Operation::CREATE_VOLUME
        }
    }

    fn carry_out_telling<'a>(
        &'a self,
        course: &'a Course<'a>,
        batch: &'a [Step],
    ) -> BoxFuture<'a, Vec<Result<(), AwsError>>> {
        drive::drive(course, batch).boxed()
    }

    fn carry_out<'a>(
        &'a self,
        aws: &'a Aws,
        project: &'a str,
        batch: &'a [Step],
    ) -> BoxFuture<'a, Vec<Result<(), AwsError>>> {
        async move {
            let course = Course { aws, project, wait: true, tell: &|_, _| {} };
            drive::drive(&course, batch).await
        }
        .boxed()
    }
}

async fn read(aws: &Aws, scope: &Scope, request: &ReadRequest<'_>) -> Result<Vec<Actual>, AwsError> {
    let ids: Vec<&str> = request.keys.keys().copied().collect();
    let seen = observe(aws, scope, &ids).await?;
    let actual = seen.into_iter().map(|(id, seen)| {
        let asked = request.keys.get(&*id).copied().unwrap_or_default();
        let wanted = asked.desired.or(asked.last_written).and_then(Storage::from_fields).unwrap_or_default();
        let live = live_fields(&seen.world, &wanted);
        // Nothing is recorded of this kind, so what is given as written is what a plan saw.
        let before = asked.last_written.filter(|_| live != wanted.to_fields());
        let planned = before.and_then(|before| planned_fields(&seen.world, &wanted, before));
        Actual {
            fields: planned.unwrap_or(live),
            address: Address::new(KIND, scope.clone(), id),
            ownership: Ownership::NotRead,
            inexpressible: None,
        }
    });
    Ok(actual.collect())
}

async fn outlook(
    aws: &Aws,
    scope: &Scope,
    question: OutlookQuestion<'_>,
) -> Result<BTreeMap<String, Outlook>, AwsError> {
    let OutlookQuestion { project, changes, estimates } = question;
    let wanted: BTreeMap<&str, Storage> = changes
        .iter()
        .filter_map(|change| {
            Some((&*change.address.key, change.after.as_ref().and_then(Storage::from_fields)?))
        })
        .collect();
    let ids: Vec<&str> = wanted.keys().copied().collect();
    let seen = observe(aws, scope, &ids).await?;
    let by_reference = wanted.iter().map(|(id, storage)| (*id, storage)).collect();
    let facts = facts::find(aws, scope, project, &seen, &by_reference).await?;
    let (mut refused, encryption) = (facts.refused, facts.encryption);
    let stores = facts::allowed_stores(aws, scope, &seen, &by_reference).await?;
    let around = Around { region: &scope.region, prices: estimates.storage(&scope.region), encryption };
    let outlooks = seen.into_iter().filter_map(|(id, seen)| {
        let wanted = wanted.get(&*id)?;
        let refusal = refused.remove(&id);
        let mut outlook = foresee(&seen, wanted, refusal, &around);
        if let Some(name) = stores.get(&id).filter(|_| outlook.deed.is_some()) {
            outlook.notes.insert(
                0,
                format!("destroys what is on its instance store volumes ({name}): no snapshot holds that"),
            );
        }
        Some((id, outlook))
    });
    Ok(outlooks.collect())
}

/// What all instances of a Region have in common.
struct Around<'a> {
    region: &'a str,
    prices: StoragePrices,
    /// The key of EBS encryption by default, where that is on.
    encryption: Option<String>,
}

fn foresee(seen: &Seen, wanted: &Storage, refusal: Option<String>, around: &Around<'_>) -> Outlook {
    let forecast = forecast(&seen.world, &wanted.goal());
    // What was begun, or is another project's, is not passed over in silence.
    let (refusal, obstacle) = if seen.world.snapshots.is_empty() { (refusal, None) } else { (None, refusal) };
    let obstacle = obstacle.or_else(|| forecast.stuck.clone());
    if refusal.is_some() || obstacle.is_some() {
        return Outlook { refusal, obstacle, ..Outlook::default() };
    }
    let mut notes_of_tags = Vec::new();
    if wanted.parked && seen.world.root().is_some() {
        let reserved = seen.volumes.iter().filter(|(_, one)| {
            one.tags().iter().filter_map(|tag| tag.key()).any(|key| key.starts_with(RESERVED))
        });
        let ids: Vec<&str> = reserved.map(|(id, _)| &**id).collect();
        if !ids.is_empty() {
            notes_of_tags.push(format!("loses the tags of AWS itself (aws:…) on {}", ids.join(", ")));
        }
    }
    if let Some(key) = &around.encryption {
        let plain = facts::unencrypted(&seen.world, wanted);
        if !plain.is_empty() {
            notes_of_tags.push(format!(
                "EBS encryption by default is on in {}: {} is not encrypted, and will be when it is made again, with the key {key}",
                around.region,
                plain.join(", ")
            ));
        }
    }
    let public_ip = seen.instance.public_ip_address().filter(|_| !has_elastic_ip(seen));
    Outlook {
        steps: waiting_words(&seen.world, &forecast).into_iter().chain(forecast_words(&forecast)).collect(),
        notes: [notes(&seen.world, wanted, public_ip, &around.prices), notes_of_tags].concat(),
        deed: Some(deed(&forecast, wanted)),
        saving: parking_saves(&seen.world, wanted, &around.prices),
        ..Outlook::default()
    }
}

/// An Elastic IP address stays with a stopped instance; one that AWS assigned is owned by `amazon`
/// ("`InstanceNetworkInterfaceAssociation`" in the EC2 API reference).
fn has_elastic_ip(seen: &Seen) -> bool {
    let public = seen.instance.public_ip_address();
    let associations = seen.instance.network_interfaces().iter().filter_map(|one| one.association());
    let mut of_it = associations.filter(|one| one.public_ip().is_some() && one.public_ip() == public);
    of_it.any(|one| one.ip_owner_id().is_some_and(|owner| owner != "amazon"))
}
