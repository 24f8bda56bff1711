//! The figures above all others: sums over the rows of a report.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::costs::{Cost, CostReport, VolumeCost, known_sum, noun};

/// So many bars has the chart of groups.
pub(super) const MOST_GROUPS: usize = 10;

/// A sum of what is known, and how many rows it leaves out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Total {
    pub(super) so_far: Option<Decimal>,
    pub(super) forecast: Option<Decimal>,
    pub(super) unpriced: usize,
}

impl Total {
    pub(super) fn of<'a>(costs: impl IntoIterator<Item = &'a Cost>) -> Self {
        let costs: Vec<Cost> = costs.into_iter().copied().collect();
        let unpriced = costs.iter().filter(|cost| cost.so_far.is_none() || cost.forecast.is_none()).count();
        Self::new(known_sum(costs), unpriced)
    }

    fn new(Cost { so_far, forecast }: Cost, unpriced: usize) -> Self {
        Self { so_far, forecast, unpriced }
    }
}

/// The parts that the bill is made of; together they are all of it. Snapshots are not among them, because nobody knows
/// more of them than a most.
pub(super) fn parts(report: &CostReport) -> [(&'static str, Total); 4] {
    let totals = report.totals();
    let lacks = |costs: &mut dyn Iterator<Item = &Cost>| {
        costs.filter(|cost| cost.so_far.is_none() || cost.forecast.is_none()).count()
    };
    let ec2 = lacks(&mut report.instances.iter().map(|row| &row.ec2));
    let ebs = lacks(&mut report.volumes.iter().map(|row| &row.cost));
    let rds = lacks(&mut report.databases.iter().map(|row| &row.total));
    let addresses = lacks(&mut report.addresses.iter().map(|row| &row.cost));
    [
        ("EC2 instances", Total::new(totals.ec2, ec2)),
        ("EBS volumes", Total::new(totals.ebs, ebs)),
        ("RDS", Total::new(totals.rds, rds)),
        ("Idle public IPv4 addresses", Total::new(totals.addresses, addresses)),
    ]
}

pub(super) fn whole(report: &CostReport) -> Total {
    Total::new(report.totals().total, parts(report).iter().map(|(_, part)| part.unpriced).sum())
}

/// Volumes that no instance has.
pub(super) fn unattached(report: &CostReport) -> impl Iterator<Item = &VolumeCost> {
    report.volumes.iter().filter(|volume| volume.instance.is_none())
}

/// The most that all snapshots cost a month; not known where one has no price, or some could not be read.
pub(super) fn snapshots(report: &CostReport) -> Option<Decimal> {
    let read = !report.gaps.iter().any(|gap| gap.kind == noun::SNAPSHOTS);
    report.snapshots.iter().map(|row| row.monthly_at_most).sum::<Option<Decimal>>().filter(|_| read)
}

/// The least that parking saves a month.
pub(super) fn saving(report: &CostReport) -> Decimal {
    report.parked.iter().filter_map(|row| row.saving_monthly).sum()
}

/// The volumes of each type, by its name.
pub(super) fn by_volume_type(report: &CostReport) -> BTreeMap<&str, Vec<&VolumeCost>> {
    let mut types: BTreeMap<&str, Vec<&VolumeCost>> = BTreeMap::new();
    for volume in &report.volumes {
        types.entry(&volume.volume_type).or_default().push(volume);
    }
    types
}

/// What the forecast is largest for, the rest as one: by the first tag key of the report, else by instance type.
pub(super) struct Groups {
    /// `tag team`, or `instance type`.
    pub(super) by: String,
    pub(super) bars: Vec<(String, Decimal)>,
}

pub(super) fn groups(report: &CostReport) -> Groups {
    let (by, mut bars) = match report.by_tag.first() {
        Some(first) => {
            let of_key = report.by_tag.iter().filter(|total| total.key == first.key);
            let bar = |total: &crate::costs::TagTotal| {
                let value = total.value.clone().unwrap_or_else(|| "(without the tag)".to_owned());
                (value, total.total.forecast.unwrap_or_default())
            };
            (format!("tag {}", first.key), of_key.map(bar).collect())
        }
        None => ("instance type".to_owned(), by_instance_type(report)),
    };
    // The largest first; of equals the first by name, so that two reports of the same fleet are the same.
    bars.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    if bars.len() > MOST_GROUPS {
        let rest = bars.split_off(MOST_GROUPS - 1);
        bars.push((format!("{} others", rest.len()), rest.iter().map(|bar| bar.1).sum()));
    }
    Groups { by, bars }
}

fn by_instance_type(report: &CostReport) -> Vec<(String, Decimal)> {
    let mut types: BTreeMap<&str, Decimal> = BTreeMap::new();
    for instance in &report.instances {
        let cost = instance.ec2.forecast.unwrap_or_default() + instance.ebs.forecast.unwrap_or_default();
        *types.entry(&instance.instance_type).or_default() += cost;
    }
    types.into_iter().map(|(name, cost)| (name.to_owned(), cost)).collect()
}
