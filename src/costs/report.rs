//! The cost report as data: every figure of it, free of any format.
//!
//! Amounts are US dollars at list price, rounded to the cent where they stand in a row; totals are sums of the rounded rows, so
//! that who adds up a column by hand gets its total.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Serialize, Serializer};

use crate::model::Gap;

/// What something costs in the month of the report. `None` is "not known", never zero; the row's notes say why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// From the month's beginning, or from its own if that is later, to the time of the report.
    #[serde(serialize_with = "known_cents")]
    pub so_far: Option<Decimal>,
    /// For the whole month, if everything stays as it is.
    #[serde(serialize_with = "known_cents")]
    pub forecast: Option<Decimal>,
}

/// The month of a report, in UTC as AWS bills it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Month {
    /// Its first day.
    pub first: Date,
    /// Its beginning.
    pub begins: Timestamp,
    /// The beginning of the next one.
    pub ends: Timestamp,
}

/// The whole report.
#[derive(Clone, Debug, PartialEq)]
pub struct CostReport {
    /// The project's name.
    pub project: String,
    /// When it was made; "so far" ends here.
    pub made: Timestamp,
    /// The month that it is of.
    pub month: Month,
    /// When the oldest of the prices was read.
    pub prices_as_of: Option<Timestamp>,
    /// What `[report.cost] currency_note` says, such as a rate of exchange.
    pub currency_note: Option<String>,
    /// The accounts that were read.
    pub accounts: Vec<String>,
    /// The regions that were read.
    pub regions: Vec<String>,
    /// Every EC2 instance that is there, by account, region, name and id.
    pub instances: Vec<InstanceCost>,
    /// Every EBS volume, in the same order.
    pub volumes: Vec<VolumeCost>,
    /// Every database instance, cluster storage included.
    pub databases: Vec<DatabaseCost>,
    /// Own snapshots in one row for each volume that they are of.
    pub snapshots: Vec<SnapshotCost>,
    /// Instances that are parked.
    pub parked: Vec<ParkedCost>,
    /// Public IPv4 addresses that nothing uses.
    pub addresses: Vec<AddressCost>,
    /// Totals by the tag keys that `[report.cost] group_by` names, in its order.
    pub by_tag: Vec<TagTotal>,
    /// Every price that could not be found, and how many rows lack it.
    pub unpriced: Vec<Unpriced>,
    /// What could not be read.
    pub gaps: Vec<Gap>,
    /// What Cost Explorer says; `None` without `--actual`.
    pub actual: Option<Vec<ActualCost>>,
    /// Earlier reports and this one, by month.
    pub trend: Vec<TrendPoint>,
}

/// An instance.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct InstanceCost {
    /// The account's id.
    pub account: String,
    /// Its region.
    pub region: String,
    /// Its tag `Name`; empty without one.
    pub name: String,
    /// Such as `i-0abc`.
    pub id: String,
    /// Such as `m5.large`.
    pub instance_type: String,
    /// Such as `running`.
    pub state: String,
    /// Its Availability Zone.
    pub zone: String,
    /// `PlatformDetails`, such as `Windows with SQL Server Standard`.
    pub platform: String,
    /// Threads, as AWS counts vCPUs.
    pub vcpu: Option<i32>,
    /// In MiB.
    pub memory_mib: Option<i64>,
    /// The sum of its volumes, in GiB.
    pub volume_gib: i64,
    /// The ids of its volumes, by device.
    pub volumes: Vec<String>,
    /// An hour of it.
    #[serde(serialize_with = "exact")]
    pub hourly: Option<Decimal>,
    /// Its hours. Nothing for one that is stopped.
    pub ec2: Cost,
    /// Its volumes.
    pub ebs: Cost,
    /// Both; not known if one of them is not.
    pub total: Cost,
    /// Why a cell is empty, or what a figure leaves out.
    pub notes: Vec<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// A volume.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct VolumeCost {
    /// The account's id.
    pub account: String,
    /// Its region.
    pub region: String,
    /// Its tag `Name`; empty without one.
    pub name: String,
    /// Such as `vol-0abc`.
    pub id: String,
    /// Such as `gp3`.
    pub volume_type: String,
    /// In GiB.
    pub gib: i32,
    /// Provisioned iops.
    pub iops: Option<i32>,
    /// Provisioned throughput in MiB/s.
    pub throughput: Option<i32>,
    /// The instance that it is attached to.
    pub instance: Option<String>,
    /// Since when it is there.
    pub created: Option<Timestamp>,
    /// What it costs.
    pub cost: Cost,
    /// Why a cell is empty.
    pub notes: Vec<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// A database instance, or the storage of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DatabaseCost {
    /// The account's id.
    pub account: String,
    /// Its region.
    pub region: String,
    /// Its identifier.
    pub id: String,
    /// The cluster that it is a member of, or that it is.
    pub cluster: Option<String>,
    /// Such as `postgres`.
    pub engine: String,
    /// Such as `db.m5.large`; empty for a cluster.
    pub class: String,
    /// Such as `available`.
    pub state: String,
    /// Whether a standby runs in another zone.
    pub multi_az: bool,
    /// Such as `gp3`.
    pub storage_type: String,
    /// In GiB; `None` where AWS bills what is used (Aurora).
    pub storage_gib: Option<i32>,
    /// Its hours. Nothing for one that is stopped.
    pub compute: Cost,
    /// Its storage.
    pub storage: Cost,
    /// Both; not known if one of them is not.
    pub total: Cost,
    /// Why a cell is empty.
    pub notes: Vec<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// The snapshots of one volume. AWS bills the blocks that changed and tells nobody how many: the costs are the most that it can be.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SnapshotCost {
    /// The account's id.
    pub account: String,
    /// Its region.
    pub region: String,
    /// The volume that they are of.
    pub volume: String,
    /// Whether the volume is still there.
    pub volume_exists: bool,
    /// How many there are.
    pub count: usize,
    /// The oldest.
    pub oldest: Option<Timestamp>,
    /// The newest.
    pub newest: Option<Timestamp>,
    /// The most that all of them together can hold, in GiB: the sum of their full sizes.
    #[serde(serialize_with = "cents")]
    pub gib_at_most: Decimal,
    /// What a month of that costs.
    #[serde(serialize_with = "known_cents")]
    pub monthly_at_most: Option<Decimal>,
    /// The labels of the rules that took them; empty for those that nobody declared.
    pub labels: Vec<String>,
    /// Why a cell is empty.
    pub notes: Vec<String>,
}

/// An instance that is parked.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ParkedCost {
    /// The account's id.
    pub account: String,
    /// Its region.
    pub region: String,
    /// Its tag `Name`; empty without one.
    pub name: String,
    /// Such as `i-0abc`.
    pub id: String,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Of its volumes, in GiB.
    pub gib: i64,
    /// What its volumes would cost a month.
    #[serde(serialize_with = "known_cents")]
    pub volumes_monthly: Option<Decimal>,
    /// The most that its snapshots cost a month.
    #[serde(serialize_with = "known_cents")]
    pub snapshots_monthly: Option<Decimal>,
    /// The difference: the least that it saves a month.
    #[serde(serialize_with = "known_cents")]
    pub saving_monthly: Option<Decimal>,
}

/// A public IPv4 address that nothing uses.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct AddressCost {
    /// The account's id.
    pub account: String,
    /// Its region.
    pub region: String,
    /// Its tag `Name`; empty without one.
    pub name: String,
    /// Such as `eipalloc-0abc`.
    pub id: String,
    /// The address.
    pub address: String,
    /// Why it counts as idle, such as `associated with nothing` or `its instance i-0abc is stopped`.
    pub why: String,
    /// What it costs. AWS does not tell since when it is idle: the month's hours so far.
    pub cost: Cost,
    /// Why a cell is empty.
    pub notes: Vec<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// All that bears one value of a tag.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TagTotal {
    /// The tag's key.
    pub key: String,
    /// Its value; `None` for what does not bear the tag.
    pub value: Option<String>,
    /// Instances that bear it.
    pub instances: usize,
    /// Volumes that bear it, or whose instance does while they do not.
    pub volumes: usize,
    /// Databases that bear it.
    pub databases: usize,
    /// Of instances' hours. A sum of what is known.
    pub ec2: Cost,
    /// Of volumes.
    pub ebs: Cost,
    /// Of databases with their storage.
    pub rds: Cost,
    /// Of all three.
    pub total: Cost,
    /// How many of its rows lack a price, so that the sums are less than the truth.
    pub unpriced: usize,
}

/// A price that could not be found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Unpriced {
    /// Why, in words that name what it is of.
    pub why: String,
    /// How many rows lack it.
    pub rows: usize,
}

/// What Cost Explorer says of one service: unblended, as billed up to about a day ago.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ActualCost {
    /// The account's id.
    pub account: String,
    /// Of what, such as `EC2 instances` or `EBS`.
    pub service: String,
    /// What was billed this month so far.
    #[serde(serialize_with = "cents")]
    pub actual: Decimal,
    /// What this report computes for the same, so far.
    #[serde(serialize_with = "known_cents")]
    pub list: Option<Decimal>,
}

/// The totals of one month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TrendPoint {
    /// The month's first day.
    pub month: Date,
    /// When the report was made that says so.
    pub made: Timestamp,
    /// EC2's forecast for the month.
    #[serde(serialize_with = "cents")]
    pub ec2: Decimal,
    /// EBS'.
    #[serde(serialize_with = "cents")]
    pub ebs: Decimal,
    /// RDS'.
    #[serde(serialize_with = "cents")]
    pub rds: Decimal,
    /// How many instances there were.
    pub instances: usize,
    /// How many rows lacked a price.
    pub unpriced: usize,
    /// Whether everything could be read, prices included.
    pub complete: bool,
    /// How many regions were read, each account's for itself.
    pub places: usize,
}

/// Amounts are texts for programs, so that no reader makes a binary fraction of them: always with two digits.
fn cents<S: Serializer>(amount: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{amount:.2}"))
}

#[allow(clippy::ref_option)] // This is how serde calls it.
fn known_cents<S: Serializer>(amount: &Option<Decimal>, serializer: S) -> Result<S::Ok, S::Error> {
    match amount {
        Some(amount) => cents(amount, serializer),
        None => serializer.serialize_none(),
    }
}

/// A price: with all its digits.
#[allow(clippy::ref_option)] // This is how serde calls it.
fn exact<S: Serializer>(price: &Option<Decimal>, serializer: S) -> Result<S::Ok, S::Error> {
    match price {
        Some(price) => serializer.collect_str(&price.normalize()),
        None => serializer.serialize_none(),
    }
}
