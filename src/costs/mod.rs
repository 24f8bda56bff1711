//! What the fleet costs: what there is × what it costs = a report, by list price.
//!
//! Architecture invariant: pure but for `aws/`, which reads what there is.

mod actual;
mod aws;
mod compute;
mod earlier;
mod estate;
mod report;
mod totals;
mod trend;
mod wanted;

pub use actual::{Billed, compared};
pub use aws::{MOST_CALLS, read_actual, read_estate};
pub use compute::{ReportSettings, compute};
pub use earlier::Earlier;
pub use estate::{
    Address, Cluster, Database, Estate, Instance, InstanceType, ParkedInstance, Snapshot, Tags, Volume, noun,
    places,
};
pub use report::{
    ActualCost, AddressCost, Cost, CostReport, DatabaseCost, InstanceCost, Month, ParkedCost, SnapshotCost,
    TagTotal, TrendPoint, Unpriced, VolumeCost,
};
pub use totals::{Totals, known_sum};
pub use trend::{MOST_MONTHS, earlier_trend, trend};
pub use wanted::wanted;
