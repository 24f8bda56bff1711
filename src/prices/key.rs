//! What a price is asked for by: one key a price, however many things share it.

use serde::{Deserialize, Serialize};

/// An instance's hour.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ComputeKey {
    /// Such as `eu-west-1`.
    pub region: String,
    /// Such as `m5.large`.
    pub instance_type: String,
    /// The operating system and the software on it as AWS bills them: `UsageOperation` of `DescribeInstances`, such as `RunInstances` for
    /// Linux, `RunInstances:0002` for Windows, `RunInstances:0006` for Windows with SQL Server Standard ("AMI billing
    /// information fields" in the EC2 user guide). The price list calls it `operation`.
    pub operation: String,
    /// Whose hardware it runs on.
    pub tenancy: Tenancy,
}

/// Whose hardware an instance runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tenancy {
    /// Shared hardware, the default.
    Shared,
    /// A dedicated instance. (On a dedicated host an instance has no price of its own: the host has.)
    Dedicated,
}

/// An hour of a database instance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DatabaseKey {
    /// Such as `eu-west-1`.
    pub region: String,
    /// `DBInstanceClass`, such as `db.m5.large`.
    pub class: String,
    /// `Engine`, such as `postgres` or `sqlserver-se`.
    pub engine: String,
    /// `LicenseModel`, such as `license-included`.
    pub license: String,
    /// Whether a standby runs in another zone (`MultiAZ`).
    pub multi_az: bool,
    /// The storage type of the cluster: `aurora-iopt1` has instance prices of its own. Empty for what is no Aurora member.
    pub cluster_storage: String,
}

/// Storage of a database instance or of a Multi-AZ cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DatabaseStorageKey {
    /// Such as `eu-west-1`.
    pub region: String,
    /// `StorageType`, such as `gp3`.
    pub storage_type: String,
    /// `Engine`: SQL Server's storage has prices of its own.
    pub engine: String,
    /// Whether a standby holds a copy.
    pub multi_az: bool,
}
