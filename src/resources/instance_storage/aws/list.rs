//! What is parked.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types;
use jiff::Timestamp;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Serialize, Serializer};

use super::observe::{Seen, observe, snapshot, snapshots, tags};
use crate::aws::{Aws, AwsError};
use crate::model::Scope;
use crate::prices::{Estimates, StoragePrices, VolumeShape};
use crate::resources::instance_storage::prices::saving;
use crate::resources::instance_storage::record::{Attributes, INSTANCE_TAG};
use crate::resources::instance_storage::sets::{Place, place};
use crate::resources::instance_storage::spec::{Standing, standing};
use crate::resources::instance_storage::world::Snapshot;

/// An instance of which there are parking snapshots.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Parked {
    /// Its id.
    pub instance: String,
    /// Its tag `Name`; of one that is gone that of its root volume; else its id.
    pub name: String,
    /// The account's id.
    pub account: String,
    /// The region's code.
    pub region: String,
    /// The project whose parking it is.
    pub project: String,
    /// Where it stands: `parked`, or what is in between.
    pub state: String,
    /// Whether it is parked, and not on its way.
    pub is_whole: bool,
    /// Its snapshots.
    pub snapshots: Vec<String>,
    /// When they were taken.
    pub since: Timestamp,
    /// How many volumes.
    pub volumes: usize,
    /// Their sizes together.
    pub size_gib: i32,
    /// Its volumes as they are billed; nothing where their records cannot be read.
    #[serde(skip)]
    pub shapes: Option<Vec<VolumeShape>>,
    /// What it saves a month at least, in US dollars; nothing where a price is not known.
    #[serde(serialize_with = "as_number")]
    pub saving_usd: Option<Decimal>,
    /// Of when the prices are.
    pub prices: String,
}

/// All instances of a scope of which there are parking snapshots, by id.
///
/// # Errors
/// That of the first read that failed.
pub async fn parked(aws: &Aws, scope: &Scope, estimates: &Estimates) -> Result<Vec<Parked>, AwsError> {
    let found = snapshots(aws, scope, "tag-key", &[INSTANCE_TAG]).await?;
    let mut by_instance: BTreeMap<String, Vec<Snapshot>> = BTreeMap::new();
    for one in &found {
        let Some(instance) = tags(one.tags()).remove(INSTANCE_TAG) else { continue };
        by_instance.entry(instance.clone()).or_default().extend(snapshot(one, &instance));
    }
    let ids: Vec<&str> = by_instance.keys().map(String::as_str).collect();
    let seen = observe(aws, scope, &ids).await?;
    let prices = estimates.storage(&scope.region);
    let list =
        by_instance.iter().filter_map(|(id, snapshots)| row(scope, (id, seen.get(id)), snapshots, &prices));
    Ok(list.collect())
}

fn row(
    scope: &Scope,
    (id, seen): (&str, Option<&Seen>),
    snapshots: &[Snapshot],
    prices: &StoragePrices,
) -> Option<Parked> {
    let last = snapshots.iter().max_by_key(|one| (one.taken, &one.set))?;
    let set: Vec<&Snapshot> = snapshots.iter().filter(|one| one.set == last.set).collect();
    let volumes: BTreeSet<&str> = set.iter().map(|one| &*one.volume).collect();
    let standing = seen.map(|seen| standing(&seen.world));
    let state = match standing {
        None => "its instance is gone".to_owned(),
        Some(Standing::Parked | Standing::PartlyParked | Standing::WithoutRoot) => {
            standing.map(Standing::words).unwrap_or_default().to_owned()
        }
        Some(on) => format!("{}, {}", way(seen, &set), on.words()),
    };
    let attributes = set.iter().map(|one| one.record.as_ref().ok().map(|record| &record.volume));
    let attributes: Option<Vec<_>> = attributes.collect();
    let is_whole = standing == Some(Standing::Parked);
    Some(Parked {
        instance: id.to_owned(),
        name: seen
            .map_or_else(|| name_of_root(&set), |seen| name(&seen.instance))
            .unwrap_or_else(|| id.to_owned()),
        account: scope.account.clone(),
        region: scope.region.clone(),
        project: last.project.clone().unwrap_or_default(),
        state,
        is_whole,
        snapshots: set.iter().map(|one| one.id.clone()).collect(),
        since: last.taken,
        volumes: volumes.len(),
        size_gib: set.iter().map(|one| one.size).sum(),
        shapes: attributes.as_ref().map(|all| all.iter().map(|one| shape(one)).collect()),
        saving_usd: attributes.and_then(|all| saving(prices, all.into_iter()).ok()).filter(|_| is_whole),
        prices: prices.source.clone(),
    })
}

/// Whether it is on its way to be parked, or back: then its volumes were made of the snapshots.
fn way(seen: Option<&Seen>, set: &[&Snapshot]) -> &'static str {
    let restored = |seen: &Seen| set.iter().any(|one| matches!(place(&seen.world, one), Place::Restored(_)));
    if seen.is_some_and(restored) { "being brought back" } else { "being parked" }
}

/// The name that the root volume had.
fn name_of_root(set: &[&Snapshot]) -> Option<String> {
    let records = set.iter().filter_map(|one| one.record.as_ref().ok());
    records.filter(|record| record.root).find_map(|record| record.volume.tags.get("Name").cloned())
}

fn shape(volume: &Attributes) -> VolumeShape {
    VolumeShape {
        volume_type: volume.volume_type.clone(),
        size: volume.size,
        iops: volume.iops,
        throughput: volume.throughput,
    }
}

fn name(instance: &types::Instance) -> Option<String> {
    tags(instance.tags()).remove("Name").filter(|name| !name.trim().is_empty())
}

/// Programs expect a number; cents survive it.
#[allow(clippy::ref_option)] // What serde asks for.
fn as_number<S: Serializer>(amount: &Option<Decimal>, serializer: S) -> Result<S::Ok, S::Error> {
    amount.and_then(|amount| amount.to_f64()).serialize(serializer)
}
