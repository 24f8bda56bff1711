//! What volumes and snapshots cost a month. Only for an estimate in plans: the bill is AWS's.
//!
//! From the public price list of Amazon EC2: the product families "Storage", "System Operation" (iops), "Provisioned Throughput"
//! and "Storage Snapshot". A region or a type that is not here has no price, and then no estimate is shown. There are only
//! prices here that were compared with a second source.

use super::record::Attributes;

/// Of when the prices are, for people.
pub const DATE: &str = "list prices of 2024, before tax and discounts";

/// Prices of one region, in US dollars a month.
struct Prices {
    region: &'static str,
    /// A GiB of a volume, by type.
    volumes: &'static [(&'static str, f64)],
    /// An iops of gp3 above 3,000, and a MiB/s above 125.
    gp3: Option<(f64, f64)>,
    /// An iops of io1, and of io2 up to 32,000. Higher tiers of io2 are cheaper and left out: the saving is never overstated.
    io_iops: Option<f64>,
    /// A GiB of a snapshot in the standard tier.
    snapshot: f64,
}

const REGIONS: &[Prices] = &[
    Prices {
        region: "us-east-1",
        volumes: &[
            ("gp2", 0.10),
            ("gp3", 0.08),
            ("io1", 0.125),
            ("io2", 0.125),
            ("st1", 0.045),
            ("sc1", 0.015),
            ("standard", 0.05),
        ],
        gp3: Some((0.005, 0.04)),
        io_iops: Some(0.065),
        snapshot: 0.05,
    },
    Prices {
        region: "eu-west-1",
        volumes: &[("gp2", 0.11), ("io1", 0.138), ("st1", 0.05)],
        gp3: None,
        io_iops: Some(0.072),
        snapshot: 0.05,
    },
];

/// What gp3 has for nothing ("Amazon EBS pricing").
const FREE_IOPS: i32 = 3_000;
const FREE_THROUGHPUT: i32 = 125;

/// Where the first tier of io2 ends.
const FIRST_TIER: i32 = 32_000;

/// What volumes cost a month above full snapshots of them, in US dollars; less than nothing where snapshots cost more. `None` where
/// a price is not known.
pub(super) fn saving<'a>(region: &str, volumes: impl Iterator<Item = &'a Attributes>) -> Option<f64> {
    let prices = REGIONS.iter().find(|prices| prices.region == region)?;
    volumes.map(|volume| Some(cost(prices, volume)? - f64::from(volume.size) * prices.snapshot)).sum()
}

fn cost(prices: &Prices, volume: &Attributes) -> Option<f64> {
    let kind = &*volume.volume_type;
    let (_, gib) = prices.volumes.iter().find(|(known, _)| *known == kind)?;
    let extra = match kind {
        "gp3" => {
            let (iops, throughput) = prices.gp3?;
            let above = |given: Option<i32>, free: i32| f64::from((given.unwrap_or(free) - free).max(0));
            above(volume.iops, FREE_IOPS) * iops + above(volume.throughput, FREE_THROUGHPUT) * throughput
        }
        "io1" | "io2" => f64::from(volume.iops.unwrap_or_default().min(FIRST_TIER)) * prices.io_iops?,
        _ => 0.0,
    };
    Some(f64::from(volume.size) * gib + extra)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volume(volume_type: &str, size: i32, iops: Option<i32>, throughput: Option<i32>) -> Attributes {
        Attributes { size, volume_type: volume_type.to_owned(), iops, throughput, ..Attributes::default() }
    }

    fn cents(region: &str, volume: &Attributes) -> Option<i64> {
        #[allow(clippy::cast_possible_truncation)]
        saving(region, [volume].into_iter()).map(|dollars| (dollars * 100.0).round() as i64)
    }

    #[test]
    fn the_saving_is_the_volume_less_a_full_snapshot() {
        for (volume, expected) in [
            (volume("gp2", 100, None, None), 500),
            (volume("gp3", 100, Some(3000), Some(125)), 300),
            (volume("gp3", 100, Some(4000), Some(225)), 300 + 500 + 400),
            (volume("io2", 100, Some(1000), None), 750 + 6500),
            (volume("sc1", 1000, None, None), -3500),
        ] {
            assert_eq!(cents("us-east-1", &volume), Some(expected), "{volume:?}");
        }
    }

    #[test]
    fn without_a_price_there_is_no_saving() {
        assert_eq!(cents("mars-north-1", &volume("gp2", 100, None, None)), None);
        assert_eq!(cents("eu-west-1", &volume("gp3", 100, Some(3000), Some(125))), None);
        assert_eq!(cents("us-east-1", &volume("gp9", 100, None, None)), None);
    }
}
