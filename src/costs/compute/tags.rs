//! Totals by tags.

use std::collections::{BTreeMap, HashMap};

use crate::costs::estate::Tags;
use crate::costs::report::{Cost, CostReport, TagTotal};
use crate::costs::totals::known_sum;

/// Totals by the value of each key, which is compared letter for letter. What does not bear the tag comes last.
pub(super) fn totals(report: &CostReport, keys: &[String]) -> Vec<TagTotal> {
    let instances: HashMap<(&str, &str, &str), &Tags> =
        report.instances.iter().map(|row| ((&*row.account, &*row.region, &*row.id), &row.tags)).collect();
    keys.iter().flat_map(|key| of_key(report, key, &instances)).collect()
}

fn of_key(report: &CostReport, key: &str, instances: &HashMap<(&str, &str, &str), &Tags>) -> Vec<TagTotal> {
    let mut totals: BTreeMap<(bool, Option<String>), TagTotal> = BTreeMap::new();
    let mut at = |value: Option<&String>, cost: Cost, add: &dyn Fn(&mut TagTotal)| {
        let total = totals.entry((value.is_none(), value.cloned())).or_insert_with(|| TagTotal {
            key: key.to_owned(),
            value: value.cloned(),
            ec2: super::NOTHING,
            ebs: super::NOTHING,
            rds: super::NOTHING,
            ..TagTotal::default()
        });
        add(total);
        total.unpriced += usize::from(cost.so_far.is_none() || cost.forecast.is_none());
    };
    for row in &report.instances {
        at(row.tags.get(key), row.ec2, &|total| {
            total.instances += 1;
            total.ec2 = known_sum([total.ec2, row.ec2]);
        });
    }
    for row in &report.volumes {
        let of_instance = || {
            let instance = row.instance.as_deref()?;
            instances.get(&(&*row.account, &*row.region, instance))?.get(key)
        };
        at(row.tags.get(key).or_else(of_instance), row.cost, &|total| {
            total.volumes += 1;
            total.ebs = known_sum([total.ebs, row.cost]);
        });
    }
    for row in &report.databases {
        at(row.tags.get(key), row.total, &|total| {
            total.databases += 1;
            total.rds = known_sum([total.rds, row.total]);
        });
    }
    let with_sum = |mut total: TagTotal| {
        total.total = known_sum([total.ec2, total.ebs, total.rds]);
        total
    };
    totals.into_values().map(with_sum).collect()
}
