//! The prices that a run knows.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::{
    ComputeKey, DatabaseKey, DatabaseStorageKey, DatabaseStoragePrices, VolumePrices, VolumeShape, rds,
};

/// Why there is no price, in words for people, such as `the price list has none for m9.huge in eu-west-1`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoPrice(pub String);

/// A price, or why there is none. Never a zero that stands for "not known".
pub type Priced<T> = Result<T, NoPrice>;

/// Prices in US dollars by what they are of. What was never asked for has none either.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PriceBook {
    /// When the oldest of the prices was read; `None` for a book without prices.
    pub as_of: Option<Timestamp>,
    /// An hour of an instance.
    pub compute: BTreeMap<ComputeKey, Priced<Decimal>>,
    /// Volumes by region and type, such as `("eu-west-1", "gp3")`.
    pub volumes: BTreeMap<(String, String), Priced<VolumePrices>>,
    /// A GiB-month of a snapshot in the standard tier, by region.
    pub snapshots: BTreeMap<String, Priced<Decimal>>,
    /// A GiB-month of a snapshot in the archive tier, by region.
    pub archived_snapshots: BTreeMap<String, Priced<Decimal>>,
    /// An hour of a public IPv4 address that nothing uses, by region.
    pub idle_addresses: BTreeMap<String, Priced<Decimal>>,
    /// An hour of a database instance.
    pub databases: BTreeMap<DatabaseKey, Priced<Decimal>>,
    /// Storage of databases.
    pub database_storage: BTreeMap<DatabaseStorageKey, Priced<DatabaseStoragePrices>>,
}

impl PriceBook {
    /// An hour of an instance.
    ///
    /// # Errors
    /// Says why there is no price.
    pub fn compute_hour(&self, key: &ComputeKey) -> Priced<Decimal> {
        let what = || format!("{} ({}) in {}", key.instance_type, key.operation, key.region);
        known(self.compute.get(key), what)
    }

    /// A whole month of a volume, with its iops and throughput.
    ///
    /// # Errors
    /// Says why there is no price.
    pub fn volume_month(&self, region: &str, volume: &VolumeShape) -> Priced<Decimal> {
        let key = (region.to_owned(), volume.volume_type.clone());
        let what = || format!("{} volumes in {region}", volume.volume_type);
        known(self.volumes.get(&key), what)?.month(volume)
    }

    /// A GiB-month of a snapshot.
    ///
    /// # Errors
    /// Says why there is no price.
    pub fn snapshot_gib_month(&self, region: &str, archived: bool) -> Priced<Decimal> {
        let (prices, noun) = if archived {
            (&self.archived_snapshots, "archived snapshots")
        } else {
            (&self.snapshots, "snapshots")
        };
        known(prices.get(region), || format!("{noun} in {region}"))
    }

    /// An hour of an idle public IPv4 address.
    ///
    /// # Errors
    /// Says why there is no price.
    pub fn idle_address_hour(&self, region: &str) -> Priced<Decimal> {
        known(self.idle_addresses.get(region), || format!("idle addresses in {region}"))
    }

    /// An hour of a database instance.
    ///
    /// # Errors
    /// Says why there is no price.
    pub fn database_hour(&self, key: &DatabaseKey) -> Priced<Decimal> {
        known(self.databases.get(key), || format!("{} ({}) in {}", key.class, key.engine, key.region))
    }

    /// A whole month of a database's storage.
    ///
    /// # Errors
    /// Says why there is no price.
    pub fn database_storage_month(&self, key: &DatabaseStorageKey, storage: &VolumeShape) -> Priced<Decimal> {
        let what = || format!("{} storage of {} in {}", key.storage_type, key.engine, key.region);
        let mut prices = known(self.database_storage.get(key), what)?;
        let stripes = rds::stripes(key, storage.size);
        prices.included_iops = prices.included_iops.saturating_mul(stripes);
        prices.included_throughput = prices.included_throughput.saturating_mul(stripes);
        prices.month(storage)
    }
}

fn known<T: Clone>(price: Option<&Priced<T>>, what: impl Fn() -> String) -> Priced<T> {
    price.cloned().unwrap_or_else(|| Err(NoPrice(format!("no price of {} was read", what()))))
}
