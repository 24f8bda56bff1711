//! What the fleet costs: what there is × what it costs = a report, by list price.
//!
//! Architecture invariant: pure but for `aws/`, which reads what there is.

mod earlier;
mod report;
mod trend;

pub use earlier::Earlier;
pub use report::{
    ActualCost, AddressCost, Cost, CostReport, DatabaseCost, InstanceCost, Month, ParkedCost, SnapshotCost,
    TagTotal, TrendPoint, Unpriced, VolumeCost,
};
pub use trend::{MOST_MONTHS, earlier_trend, trend};
