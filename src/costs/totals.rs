//! Sums over a report.

use rust_decimal::Decimal;
use serde::Serialize;

use super::noun;
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
        // What could not be read is a row of which nothing is known.
        let unread = |kinds: &[&str]| {
            let gaps = self.gaps.iter().filter(|gap| kinds.contains(&&*gap.kind));
            gaps.map(|_| Cost::default()).collect::<Vec<_>>()
        };
        let ec2 = self.instances.iter().map(|row| row.ec2).chain(unread(&[noun::INSTANCES]));
        let ebs = self.volumes.iter().map(|row| row.cost).chain(unread(&[noun::VOLUMES]));
        let rds = self.databases.iter().map(|row| row.total);
        let rds = rds.chain(unread(&[noun::DATABASES, noun::CLUSTERS]));
        let addresses = self.addresses.iter().map(|row| row.cost).chain(unread(&[noun::ADDRESSES]));
        let [ec2, ebs] = [known_sum(ec2), known_sum(ebs)];
        let [rds, addresses] = [known_sum(rds), known_sum(addresses)];
        Totals { ec2, ebs, rds, addresses, total: known_sum([ec2, ebs, rds, addresses]) }
    }
}

impl Totals {
    /// Whether there is a part of which nothing is known.
    pub fn lacks_a_part(&self) -> bool {
        [self.ec2, self.ebs, self.rds, self.addresses].iter().any(|part| part.forecast.is_none())
    }
}

/// The sum of what is known of costs. Where something is not known and the rest is nothing, the sum is not known either: it
/// would look like what costs nothing.
pub fn known_sum(costs: impl IntoIterator<Item = Cost>) -> Cost {
    let (mut so_far, mut forecast) = (Sum::default(), Sum::default());
    for cost in costs {
        so_far.add(cost.so_far);
        forecast.add(cost.forecast);
    }
    Cost { so_far: so_far.known(), forecast: forecast.known() }
}

#[derive(Default)]
struct Sum {
    known: Decimal,
    lacks: bool,
}

impl Sum {
    fn add(&mut self, amount: Option<Decimal>) {
        self.known += amount.unwrap_or_default();
        self.lacks |= amount.is_none();
    }

    fn known(self) -> Option<Decimal> {
        Some(self.known).filter(|sum| !self.lacks || !sum.is_zero())
    }
}
