//! What there is and costs money, as AWS tells it: plain data.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::model::{Gap, Scope};
use crate::prices::VolumeShape;

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// All that a cost report is about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Estate {
    /// Instances, without those that are terminated or about to be: AWS bills neither.
    pub instances: Vec<Instance>,
    /// vCPUs and memory by instance type.
    pub types: BTreeMap<String, InstanceType>,
    /// Volumes.
    pub volumes: Vec<Volume>,
    /// Own snapshots.
    pub snapshots: Vec<Snapshot>,
    /// Elastic IP addresses.
    pub addresses: Vec<Address>,
    /// Database instances of RDS.
    pub databases: Vec<Database>,
    /// Clusters of RDS.
    pub clusters: Vec<Cluster>,
    /// Instances that are parked.
    pub parked: Vec<ParkedInstance>,
    /// What could not be read.
    pub gaps: Vec<Gap>,
}

impl Estate {
    /// Whether a kind of resource (`volumes`) could not be read in a scope.
    pub fn has_gap(&self, scope: &Scope, kind: &str) -> bool {
        self.gaps.iter().any(|gap| gap.kind == kind && gap.scope == *scope)
    }
}

/// What kinds of resources are called in gaps.
pub mod noun {
    /// Of EC2.
    pub const INSTANCES: &str = "instances";
    /// vCPUs and memory.
    pub const TYPES: &str = "instance types";
    /// Of EBS.
    pub const VOLUMES: &str = "volumes";
    /// Of EBS.
    pub const SNAPSHOTS: &str = "snapshots";
    /// Elastic IP addresses.
    pub const ADDRESSES: &str = "addresses";
    /// Of RDS.
    pub const DATABASES: &str = "databases";
    /// Of RDS.
    pub const CLUSTERS: &str = "database clusters";
    /// Instances on snapshots.
    pub const PARKED: &str = "parked instances";
    /// Of AWS's price list.
    pub const PRICES: &str = "prices";
    /// Cost Explorer.
    pub const ACTUAL: &str = "actual cost";
}

/// What a type of instances has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstanceType {
    /// By default.
    pub vcpu: Option<i32>,
    /// In MiB.
    pub memory_mib: Option<i64>,
}

/// An EC2 instance.
#[derive(Clone, Debug, PartialEq)]
pub struct Instance {
    /// Account and region.
    pub scope: Scope,
    /// Such as `i-0abc`.
    pub id: String,
    /// Such as `m5.large`.
    pub instance_type: String,
    /// Such as `running`.
    pub state: String,
    /// Its Availability Zone.
    pub zone: String,
    /// Whether it is on an Outpost.
    pub outpost: bool,
    /// `PlatformDetails`, such as `Windows`.
    pub platform: String,
    /// `UsageOperation`, such as `RunInstances:0002`; empty where AWS does not tell it.
    pub operation: String,
    /// `Placement.Tenancy`: `default`, `dedicated` or `host`.
    pub tenancy: String,
    /// `InstanceLifecycle`, such as `spot`; `None` for what is on demand.
    pub lifecycle: Option<String>,
    /// Threads of all its cores, where AWS tells its CPU options.
    pub vcpu: Option<i32>,
    /// The time of its last start.
    pub launched: Option<Timestamp>,
    /// The ids of its volumes by device, as the instance names them.
    pub devices: BTreeMap<String, String>,
    /// Its tags.
    pub tags: Tags,
}

/// Why the prices of a Region are not those of what is in this zone: Local Zones (`us-west-2-lax-1a`), Wavelength Zones
/// (`us-east-1-wl1-bos-wlz-1`) and Outposts have prices of their own. The zones of a Region are its name and a letter
/// ("Regions and Zones" in the EC2 user guide).
pub(super) fn elsewhere(region: &str, zone: &str, outpost: bool) -> Option<String> {
    if outpost {
        return Some("what is on an Outpost has no price in the list of its Region".to_owned());
    }
    let letter = zone.strip_prefix(region).is_some_and(|rest| rest.len() == 1);
    (!letter && !zone.is_empty()).then(|| format!("the prices of the zone {zone} are not looked up"))
}

/// A volume.
#[derive(Clone, Debug, PartialEq)]
pub struct Volume {
    /// Account and region.
    pub scope: Scope,
    /// Such as `vol-0abc`.
    pub id: String,
    /// Its Availability Zone.
    pub zone: String,
    /// Whether it is on an Outpost.
    pub outpost: bool,
    /// What of it is billed.
    pub shape: VolumeShape,
    /// Device by instance. Several where it is shared (Multi-Attach).
    pub attached: BTreeMap<String, String>,
    /// Since when it is there.
    pub created: Option<Timestamp>,
    /// Its tags.
    pub tags: Tags,
}

/// A snapshot.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// Account and region.
    pub scope: Scope,
    /// The volume that it is of; `vol-ffffffff` for a copy ("`CopySnapshot`" in the EC2 API reference).
    pub volume: String,
    /// Its full size in GiB: what all its blocks hold, or the volume's size where AWS tells no more.
    pub full_gib: Decimal,
    /// Whether it is in the archive tier.
    pub archived: bool,
    /// When it was taken.
    pub taken: Option<Timestamp>,
    /// The label of the rule that took it.
    pub label: Option<String>,
}

/// An Elastic IP address of Amazon's (one's own are not billed).
#[derive(Clone, Debug, PartialEq)]
pub struct Address {
    /// Account and region.
    pub scope: Scope,
    /// Such as `eipalloc-0abc`.
    pub id: String,
    /// The address.
    pub address: String,
    /// The instance that it is associated with.
    pub instance: Option<String>,
    /// The network interface that it is associated with.
    pub interface: Option<String>,
    /// Whether that interface is attached to nothing.
    pub interface_is_free: bool,
    /// Its tags.
    pub tags: Tags,
}

/// A database instance.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Database {
    /// The account's id.
    pub account: String,
    /// Its region.
    pub region: String,
    /// Its identifier.
    pub id: String,
    /// The cluster that it is a member of.
    pub cluster: Option<String>,
    /// Such as `postgres`.
    pub engine: String,
    /// Such as `db.m5.large`.
    pub class: String,
    /// `LicenseModel`.
    pub license: String,
    /// Such as `available`.
    pub state: String,
    /// Whether a standby runs in another zone.
    pub multi_az: bool,
    /// Its storage: type, allocated GiB, iops, throughput. Not billed for members of a cluster.
    pub storage: VolumeShape,
    /// Volumes besides that, which Oracle and SQL Server may have.
    pub more_volumes: usize,
    /// Since when it is there.
    pub created: Option<Timestamp>,
    /// Its tags.
    pub tags: Tags,
}

/// A cluster of databases.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cluster {
    /// The account's id.
    pub account: String,
    /// Its region.
    pub region: String,
    /// Its identifier.
    pub id: String,
    /// Such as `aurora-postgresql`, or `postgres` for a Multi-AZ cluster.
    pub engine: String,
    /// `EngineMode`: `provisioned` or `serverless`.
    pub mode: String,
    /// Such as `available`.
    pub state: String,
    /// Its storage; of Aurora the type alone counts.
    pub storage: VolumeShape,
    /// Since when it is there.
    pub created: Option<Timestamp>,
    /// Its tags.
    pub tags: Tags,
}

impl Cluster {
    /// Whether AWS bills the storage that is used, and keeps it apart from its members.
    pub fn is_aurora(&self) -> bool {
        self.engine.starts_with("aurora")
    }
}

/// An instance whose volumes are snapshots now.
#[derive(Clone, Debug, PartialEq)]
pub struct ParkedInstance {
    /// Account and region.
    pub scope: Scope,
    /// Its tag `Name`; empty without one.
    pub name: String,
    /// Such as `i-0abc`.
    pub id: String,
    /// Since when.
    pub since: Option<Timestamp>,
    /// The volumes that it had; `None` where their records cannot be read.
    pub volumes: Option<Vec<VolumeShape>>,
    /// Their sizes together, in GiB.
    pub gib: i64,
}

/// The ids of accounts and the codes of regions that an estate was read from.
pub fn places(scopes: &[Scope]) -> (Vec<String>, Vec<String>) {
    let distinct = |of: fn(&Scope) -> &String| {
        scopes.iter().map(of).collect::<BTreeSet<_>>().into_iter().cloned().collect()
    };
    (distinct(|scope| &scope.account), distinct(|scope| &scope.region))
}
