//! Sums over a report.

use rust_decimal::Decimal;
use serde::Serialize;

use super::report::{Cost, CostReport};

/// Sums of what is known, of rounded rows: where a price is missing they are less than the truth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Hours of instances.
    pub ec2: Cost,
    /// Volumes, also those that are attached to nothing.
    pub ebs: Cost,
    /// Databases with their storage.
    pub rds: Cost,
    /// Idle addresses.
    pub addresses: Cost,
    /// All four.
    pub total: Cost,
}

impl CostReport {
    /// Sums of what is known.
    pub fn totals(&self) -> Totals {
        let ec2 = sum(self.instances.iter().map(|row| row.ec2));
        let ebs = sum(self.volumes.iter().map(|row| row.cost));
        let rds = sum(self.databases.iter().map(|row| row.total));
        let addresses = sum(self.addresses.iter().map(|row| row.cost));
        Totals { ec2, ebs, rds, addresses, total: sum([ec2, ebs, rds, addresses].into_iter()) }
    }
}

/// The sum of what is known of costs.
fn sum(costs: impl Iterator<Item = Cost>) -> Cost {
    let (mut so_far, mut forecast) = (Decimal::ZERO, Decimal::ZERO);
    for cost in costs {
        so_far += cost.so_far.unwrap_or_default();
        forecast += cost.forecast.unwrap_or_default();
    }
    Cost { so_far: Some(so_far), forecast: Some(forecast) }
}
