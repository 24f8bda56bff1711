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
use crate::prices::{Estimates, StoragePrices};
use crate::resources::instance_storage::prices::saving;
use crate::resources::instance_storage::record::INSTANCE_TAG;
use crate::resources::instance_storage::spec::{Standing, standing};
use crate::resources::instance_storage::world::Snapshot;

/// An instance of which there are parking snapshots.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Parked {
    /// Its id.
    pub instance: String,
    /// Its tag `Name`, or its id.
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
    /// When its snapshots were taken.
    pub since: Timestamp,
    /// How many volumes.
    pub volumes: usize,
    /// Their sizes together.
    pub size_gib: i32,
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
        Some(on) => format!("on its way, {}", on.words()),
    };
    let attributes = set.iter().map(|one| one.record.as_ref().ok().map(|record| &record.volume));
    let attributes: Option<Vec<_>> = attributes.collect();
    let is_whole = standing == Some(Standing::Parked);
    Some(Parked {
        instance: id.to_owned(),
        name: seen.and_then(|seen| name(&seen.instance)).unwrap_or_else(|| id.to_owned()),
        account: scope.account.clone(),
        region: scope.region.clone(),
        project: last.project.clone().unwrap_or_default(),
        state,
        is_whole,
        since: last.taken,
        volumes: volumes.len(),
        size_gib: set.iter().map(|one| one.size).sum(),
        saving_usd: attributes.and_then(|all| saving(prices, all.into_iter()).ok()).filter(|_| is_whole),
        prices: prices.source.clone(),
    })
}

fn name(instance: &types::Instance) -> Option<String> {
    tags(instance.tags()).remove("Name").filter(|name| !name.trim().is_empty())
}

/// Programs expect a number; cents survive it.
#[allow(clippy::ref_option)] // What serde asks for.
fn as_number<S: Serializer>(amount: &Option<Decimal>, serializer: S) -> Result<S::Ok, S::Error> {
    amount.and_then(|amount| amount.to_f64()).serialize(serializer)
}
