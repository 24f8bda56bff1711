//! Which prices somebody needs.

use std::collections::BTreeSet;

use super::{ComputeKey, DatabaseKey, DatabaseStorageKey};

/// What prices are wanted of: however large a fleet is, each is here once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Hours of instances.
    pub compute: BTreeSet<ComputeKey>,
    /// Regions whose volumes have to be priced, of all types.
    pub volumes: BTreeSet<String>,
    /// Regions whose snapshots have to be priced, in both tiers.
    pub snapshots: BTreeSet<String>,
    /// Regions whose idle public IPv4 addresses have to be priced.
    pub idle_addresses: BTreeSet<String>,
    /// Hours of database instances.
    pub databases: BTreeSet<DatabaseKey>,
    /// Storage of databases.
    pub database_storage: BTreeSet<DatabaseStorageKey>,
}
