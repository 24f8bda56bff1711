//! Instances, volumes, snapshots and addresses in AWS's price list: which products they are.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::product::{GIB_MONTHS, HOURS, IOPS_MONTHS, MIBPS_MONTHS, Product, one_price};
use super::{ComputeKey, Priced, Tenancy, VolumePrices};

/// The types of volumes ("Amazon EBS volume types"), each with its usage types of size and of iops, tier by tier.
const VOLUME_TYPES: &[(&str, &str, &[&str])] = &[
    ("gp2", "EBS:VolumeUsage.gp2", &[]),
    ("gp3", "EBS:VolumeUsage.gp3", &["EBS:VolumeP-IOPS.gp3"]),
    ("io1", "EBS:VolumeUsage.piops", &["EBS:VolumeP-IOPS.piops"]),
    (
        "io2",
        "EBS:VolumeUsage.io2",
        &["EBS:VolumeP-IOPS.io2", "EBS:VolumeP-IOPS.io2.tier2", "EBS:VolumeP-IOPS.io2.tier3"],
    ),
    ("st1", "EBS:VolumeUsage.st1", &[]),
    ("sc1", "EBS:VolumeUsage.sc1", &[]),
    ("standard", "EBS:VolumeUsage", &[]),
];

/// The names of the types of volumes that prices are looked for.
pub(super) fn volume_types() -> impl Iterator<Item = &'static str> {
    VOLUME_TYPES.iter().map(|(name, ..)| *name)
}

pub(super) fn tenancy_name(tenancy: Tenancy) -> &'static str {
    match tenancy {
        Tenancy::Shared => "Shared",
        Tenancy::Dedicated => "Dedicated",
    }
}

/// An hour of an instance. What AWS filtered is looked at again: a filter that it does not know must not make a price of
/// something else.
pub(super) fn instance_hour(products: &[Product], key: &ComputeKey) -> Priced<Decimal> {
    let ComputeKey { region, instance_type, operation, .. } = key;
    let tenancy = tenancy_name(key.tenancy);
    let wanted = products.iter().filter(|product| {
        product.family.starts_with("Compute Instance") // Also "Compute Instance (bare metal)".
            && product.is_of_region()
            && product.get("regionCode") == region
            && product.get("instanceType") == instance_type
            && product.get("operation") == operation
            && product.get("tenancy") == tenancy
            && product.get("capacitystatus") == "Used"
            && product.get("marketoption") == "OnDemand"
    });
    let words = if key.tenancy == Tenancy::Shared { "" } else { ", dedicated" };
    one_price(wanted, HOURS, &format!("{instance_type} ({operation}{words}) in {region}"))
}

/// All types of volumes of a region.
pub(super) fn volumes(products: &[Product], region: &str) -> BTreeMap<String, Priced<VolumePrices>> {
    let of = |kind: &(&str, &str, &[&str])| (kind.0.to_owned(), volume(products, region, kind));
    VOLUME_TYPES.iter().map(of).collect()
}

/// A size without a price is none; iops and throughput are missed only by volumes that have some to pay for.
fn volume(
    products: &[Product],
    region: &str,
    (name, size, tiers): &(&str, &str, &[&str]),
) -> Priced<VolumePrices> {
    let gib =
        one_price(of_usage(products, region, size), GIB_MONTHS, &format!("{name} volumes in {region}"))?;
    let tier = |usage: &&str| {
        one_price(of_usage(products, region, usage), IOPS_MONTHS, &format!("iops of {name} in {region}"))
    };
    let iops = tiers.iter().map(tier).map_while(Result::ok).collect();
    let usage = format!("EBS:VolumeP-Throughput.{name}");
    let throughput = of_usage(products, region, &usage);
    let throughput = one_price(throughput, MIBPS_MONTHS, &format!("throughput of {name} in {region}")).ok();
    Ok(VolumePrices { gib, iops, throughput })
}

/// A GiB-month of a snapshot in the standard tier, and in the archive. What AWS bills is the compressed, changed blocks.
pub(super) fn snapshots(products: &[Product], region: &str) -> (Priced<Decimal>, Priced<Decimal>) {
    let of = |usage, noun| {
        one_price(of_usage(products, region, usage), GIB_MONTHS, &format!("{noun} in {region}"))
    };
    (of("EBS:SnapshotUsage", "snapshots"), of("EBS:SnapshotArchiveStorage", "archived snapshots"))
}

/// An hour of a public IPv4 address that nothing uses ("Amazon VPC pricing").
pub(super) fn idle_address(products: &[Product], region: &str) -> Priced<Decimal> {
    let idle = of_usage(products, region, "PublicIPv4:IdleAddress");
    one_price(idle, HOURS, &format!("idle public IPv4 addresses in {region}"))
}

fn of_usage<'a>(
    products: &'a [Product],
    region: &'a str,
    usage: &'a str,
) -> impl Iterator<Item = &'a Product> {
    products.iter().filter(move |product| {
        product.is_of_region() && product.get("regionCode") == region && product.usage() == usage
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prices::fixtures::{dollars, product};
    use crate::prices::{NoPrice, VolumeShape};

    const REGION: &str = "eu-west-1";

    fn key(operation: &str, tenancy: Tenancy) -> ComputeKey {
        let (region, instance_type) = (REGION.to_owned(), "m5.large".to_owned());
        ComputeKey { region, instance_type, operation: operation.to_owned(), tenancy }
    }

    fn instance(usd: &str, changed: &[(&str, &str)]) -> Product {
        let attributes = [
            ("instanceType", "m5.large"),
            ("operation", "RunInstances"),
            ("tenancy", "Shared"),
            ("capacitystatus", "Used"),
            ("marketoption", "OnDemand"),
        ];
        let attributes: Vec<_> = attributes.iter().chain(changed).copied().collect();
        product("Compute Instance", "EU-BoxUsage:m5.large", ("Hrs", usd), &attributes)
    }

    /// What stands beside the price that is looked for.
    fn traps() -> Vec<Product> {
        vec![
            instance("0", &[("capacitystatus", "AllocatedCapacityReservation")]),
            instance("0.5", &[("capacitystatus", "UnusedCapacityReservation")]),
            instance("0.118", &[("tenancy", "Dedicated")]),
            instance("0", &[("tenancy", "Host")]),
            instance("0", &[("marketoption", "CapacityBlock")]),
            instance("0.2", &[("operation", "RunInstances:0002")]),
            instance("0.3", &[("locationType", "AWS Outposts")]),
            instance("0.4", &[("regionCode", "us-east-1")]),
            instance("0.6", &[("instanceType", "m5.xlarge")]),
        ]
    }

    #[test]
    fn an_instance_has_the_price_of_what_runs_and_of_nothing_beside_it() {
        let mut list = traps();
        let none = instance_hour(&list, &key("RunInstances", Tenancy::Shared)).unwrap_err();
        assert_eq!(none.to_string(), "the price list has none for m5.large (RunInstances) in eu-west-1");
        list.push(instance("0.107", &[]));
        assert_eq!(instance_hour(&list, &key("RunInstances", Tenancy::Shared)), Ok(dollars("0.107")));
        assert_eq!(instance_hour(&list, &key("RunInstances", Tenancy::Dedicated)), Ok(dollars("0.118")));
        assert_eq!(instance_hour(&list, &key("RunInstances:0002", Tenancy::Shared)), Ok(dollars("0.2")));
        let none = instance_hour(&list, &key("RunInstances:0006", Tenancy::Dedicated)).unwrap_err();
        assert!(none.to_string().ends_with("m5.large (RunInstances:0006, dedicated) in eu-west-1"), "{none}");
    }

    fn storage() -> Vec<Product> {
        let row = |family, usage, price| product(family, usage, price, &[]);
        vec![
            row("Storage", "EU-EBS:VolumeUsage.gp3", ("GB-Mo", "0.088")),
            product(
                "Storage",
                "EU-EBS:VolumeUsage.gp3",
                ("GB-Mo", "0.9"),
                &[("locationType", "AWS Outposts")],
            ),
            row("Storage", "EU-EBS:VolumeUsage.io2", ("GB-Mo", "0.138")),
            row("Storage", "EU-EBS:VolumeUsage", ("GB-Mo", "0.055")),
            row("System Operation", "EU-EBS:VolumeP-IOPS.gp3", ("IOPS-Mo", "0.0055")),
            row("System Operation", "EU-EBS:VolumeP-IOPS.io2", ("IOPS-Mo", "0.072")),
            row("System Operation", "EU-EBS:VolumeP-IOPS.io2.tier2", ("IOPS-Mo", "0.0504")),
            row("System Operation", "EU-EBS:VolumeP-IOPS.io2.tier3", ("IOPS-Mo", "0.035")),
            row("System Operation", "EU-EBS:VolumeIOUsage", ("IOs", "0.0000000500")),
            row("Provisioned Throughput", "EU-EBS:VolumeP-Throughput.gp3", ("GiBps-mo", "45.056")),
            row("Storage Snapshot", "EU-EBS:SnapshotUsage", ("GB-Mo", "0.05")),
            row("Storage Snapshot", "EU-EBS:SnapshotUsage.outposts", ("GB-Mo", "0.095")),
            row("Storage Snapshot", "EU-EBS:SnapshotUsageUnderBilling", ("GB-Mo", "0")),
            row("Storage Snapshot", "EU-EBS:SnapshotArchiveStorage", ("GB-Mo", "0.0125")),
            row("Storage Snapshot", "EU-EBS:SnapshotArchiveRetrieval", ("GB", "0.03")),
            row("", "EU-PublicIPv4:InUseAddress", ("Hrs", "0.006")),
            row("", "EU-PublicIPv4:IdleAddress", ("Hrs", "0.005")),
        ]
    }

    #[test]
    fn volumes_have_size_iops_and_throughput() {
        let volumes = volumes(&storage(), REGION);
        let gp3 = volumes["gp3"].clone().unwrap();
        assert_eq!(gp3.gib, dollars("0.088"));
        assert_eq!((&*gp3.iops, gp3.throughput), (&[dollars("0.0055")][..], Some(dollars("0.044"))));
        let io2 = volumes["io2"].clone().unwrap();
        assert_eq!(io2.iops, ["0.072", "0.0504", "0.035"].map(dollars));
        assert_eq!(volumes["standard"].clone().unwrap().gib, dollars("0.055"));
        assert_eq!(
            volumes["gp2"],
            Err(NoPrice("the price list has none for gp2 volumes in eu-west-1".to_owned()))
        );
        assert_eq!(volumes.len(), 7);
    }

    #[test]
    fn a_tier_that_is_missing_is_not_made_of_the_next_one() {
        let mut list = storage();
        list.retain(|product| product.usage() != "EBS:VolumeP-IOPS.io2.tier2");
        let io2 = volumes(&list, REGION)["io2"].clone().unwrap();
        let shape =
            |iops| VolumeShape { volume_type: "io2".to_owned(), size: 1, iops: Some(iops), throughput: None };
        assert!(io2.month(&shape(32_000)).is_ok());
        assert!(io2.month(&shape(64_001)).is_err());
    }

    #[test]
    fn snapshots_have_two_tiers_and_idle_addresses_an_hour() {
        assert_eq!(snapshots(&storage(), REGION), (Ok(dollars("0.05")), Ok(dollars("0.0125"))));
        assert_eq!(idle_address(&storage(), REGION), Ok(dollars("0.005")));
        assert!(idle_address(&storage(), "us-east-1").is_err());
    }
}
