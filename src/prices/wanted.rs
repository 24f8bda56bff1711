//! Which prices a report needs.

use std::collections::BTreeSet;

use super::{ComputeKey, DatabaseKey, DatabaseStorageKey};

/// Prices to look up: each once, however many things share it. The fields are those of [`super::PriceBook`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Hours of instances.
    pub compute: BTreeSet<ComputeKey>,
    /// Volumes by region and type.
    pub volumes: BTreeSet<(String, String)>,
    /// Regions with snapshots in the standard tier.
    pub snapshots: BTreeSet<String>,
    /// Regions with snapshots in the archive tier.
    pub archived_snapshots: BTreeSet<String>,
    /// Regions with idle addresses.
    pub idle_addresses: BTreeSet<String>,
    /// Hours of database instances.
    pub databases: BTreeSet<DatabaseKey>,
    /// Storage of databases.
    pub database_storage: BTreeSet<DatabaseStorageKey>,
}
