//! What was billed, beside what the list says.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::estate::noun;
use super::report::{ActualCost, Cost, CostReport};
use crate::prices::to_cents;

/// What was billed of one usage type in one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Billed {
    /// The account's id.
    pub account: String,
    /// Such as `APN2-BoxUsage:m5.large`.
    pub usage_type: String,
    /// In US dollars, unblended.
    pub amount: Decimal,
}

/// What of a bill a report has, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Service {
    Ec2,
    Ebs,
    Rds,
}

impl Service {
    const ALL: [Self; 3] = [Self::Ec2, Self::Ebs, Self::Rds];

    fn words(self) -> &'static str {
        match self {
            Self::Ec2 => "EC2 instances",
            Self::Ebs => "EBS volumes",
            Self::Rds => "RDS",
        }
    }

    /// By usage type, which says behind the region's letters what was used ("Understanding your usage types" in the Cost
    /// Management user guide). `None` for what no report has: snapshots, backups, data transfer, addresses.
    fn of(usage_type: &str) -> Option<Self> {
        const INSTANCES: [&str; 6] =
            ["BoxUsage", "SpotUsage", "DedicatedUsage", "HostBoxUsage", "HeavyUsage", "UnusedBox"];
        const DATABASES: [&str; 4] =
            ["InstanceUsage:db.", "Multi-AZUsage:db.", "Multi-AZClusterUsage:db.", "HeavyUsage:db."];
        let what = match usage_type.split_once('-') {
            Some((region, what)) if region.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit()) => {
                what
            }
            _ => usage_type,
        };
        let begins = |words: &[&str]| words.iter().any(|word| what.starts_with(word));
        let kept = what.contains("Backup") || what.contains("Snapshot") || what.contains("DataTransfer");
        if begins(&DATABASES) || (begins(&["RDS:", "Aurora:"]) && !kept) {
            Some(Self::Rds)
        } else if begins(&["EBS:Volume"]) {
            Some(Self::Ebs)
        } else if begins(&INSTANCES) {
            Some(Self::Ec2)
        } else {
            None
        }
    }
}

/// What was billed by account and service, beside the list prices of a report that ends when the bill does. A list price is left
/// out where it is not whole: where rows lack a price, or something of the account could not be read.
pub fn compared(billed: &[Billed], list: &CostReport) -> Vec<ActualCost> {
    let mut sums: BTreeMap<(&str, Service), Decimal> = BTreeMap::new();
    for account in &list.accounts {
        for service in Service::ALL {
            sums.insert((account, service), Decimal::ZERO);
        }
    }
    for one in billed {
        if let Some(service) = Service::of(&one.usage_type) {
            *sums.entry((&one.account, service)).or_default() += one.amount;
        }
    }
    let row = |((account, service), sum): ((&str, Service), Decimal)| ActualCost {
        account: account.to_owned(),
        service: service.words().to_owned(),
        actual: to_cents(sum),
        list: of_list(list, account, service),
    };
    sums.into_iter().map(row).collect()
}

fn of_list(list: &CostReport, account: &str, service: Service) -> Option<Decimal> {
    let kinds: &[&str] = match service {
        Service::Ec2 => &[noun::INSTANCES],
        Service::Ebs => &[noun::VOLUMES],
        Service::Rds => &[noun::DATABASES, noun::CLUSTERS],
    };
    if list.gaps.iter().any(|gap| gap.scope.account == account && kinds.contains(&&*gap.kind)) {
        return None;
    }
    let costs: Vec<Cost> = match service {
        Service::Ec2 => {
            list.instances.iter().filter(|row| row.account == account).map(|row| row.ec2).collect()
        }
        Service::Ebs => {
            list.volumes.iter().filter(|row| row.account == account).map(|row| row.cost).collect()
        }
        Service::Rds => {
            list.databases.iter().filter(|row| row.account == account).map(|row| row.total).collect()
        }
    };
    costs.into_iter().map(|cost| cost.so_far).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_types_say_what_a_report_has() {
        for (usage_type, service) in [
            ("BoxUsage:m5.large", Some(Service::Ec2)),
            ("APN2-SpotUsage:m5.large", Some(Service::Ec2)),
            ("EUW1-HeavyUsage:m5.large", Some(Service::Ec2)),
            ("USE2-EBS:VolumeUsage.gp3", Some(Service::Ebs)),
            ("EBS:VolumeP-IOPS.io2", Some(Service::Ebs)),
            ("EBS:VolumeP-Throughput.gp3", Some(Service::Ebs)),
            ("EBS:SnapshotUsage", None),
            ("InstanceUsage:db.m5.large", Some(Service::Rds)),
            ("APN2-Multi-AZUsage:db.m5.large", Some(Service::Rds)),
            ("Multi-AZUsage:db.m5.large", Some(Service::Rds)),
            ("HeavyUsage:db.m5.large", Some(Service::Rds)),
            ("RDS:GP3-Storage", Some(Service::Rds)),
            ("RDS:ChargedBackupUsage", None),
            ("Aurora:StorageIOUsage", Some(Service::Rds)),
            ("Aurora:BackupUsage", None),
            ("USE1-APN2-AWS-Out-Bytes", None),
            ("NatGateway-Hours", None),
            ("PublicIPv4:IdleAddress", None),
        ] {
            assert_eq!(Service::of(usage_type), service, "{usage_type}");
        }
    }
}
