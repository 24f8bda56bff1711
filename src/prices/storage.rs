//! What storage costs a month: its size, and what is above what the size includes.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{NoPrice, Priced};

/// What gp3 includes ("Amazon EBS pricing"); iops, and MiB/s.
const GP3_IOPS: i32 = 3_000;
const GP3_THROUGHPUT: i32 = 125;

/// Where the tiers of io2 end: the first 32,000 iops have one price, those up to 64,000 another ("Amazon EBS pricing").
const IO2_TIERS: [i32; 2] = [32_000, 64_000];

/// What of a volume is billed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VolumeShape {
    /// Such as `gp3`.
    pub volume_type: String,
    /// In GiB.
    pub size: i32,
    /// Provisioned iops, where the type has them.
    pub iops: Option<i32>,
    /// Provisioned throughput in MiB/s, where the type has it.
    pub throughput: Option<i32>,
}

/// The prices of one type of volume in one region, in US dollars a month.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumePrices {
    /// A GiB.
    pub gib: Decimal,
    /// An iops: of gp3 above 3,000, of io1 every one, of io2 by tiers (up to 32,000, up to 64,000, above). Empty for types without.
    #[serde(default)]
    pub iops: Vec<Decimal>,
    /// A MiB/s of gp3 above 125.
    #[serde(default)]
    pub throughput: Option<Decimal>,
}

impl VolumePrices {
    /// A whole month of such a volume.
    ///
    /// # Errors
    /// Says which price is missing for what the volume has.
    pub fn month(&self, volume: &VolumeShape) -> Priced<Decimal> {
        let size = Decimal::from(told_size(volume)?) * self.gib;
        let extra = match &*volume.volume_type {
            "gp3" => {
                let iops = above(volume.iops, GP3_IOPS);
                let throughput = above(volume.throughput, GP3_THROUGHPUT);
                let missing = |what| NoPrice(format!("the price list has no {what} of gp3"));
                let per_iops = || self.iops.first().copied().ok_or_else(|| missing("iops"));
                let per_mib = || self.throughput.ok_or_else(|| missing("throughput"));
                times(iops, per_iops)? + times(throughput, per_mib)?
            }
            "io1" | "io2" => self.provisioned(volume)?,
            _ => Decimal::ZERO,
        };
        Ok(size + extra)
    }

    fn provisioned(&self, volume: &VolumeShape) -> Priced<Decimal> {
        let untold = || NoPrice(format!("AWS tells no iops of the {} volume", volume.volume_type));
        let iops = volume.iops.filter(|iops| *iops > 0).ok_or_else(untold)?;
        let [first, second] = IO2_TIERS;
        let tiers = match &*volume.volume_type {
            "io2" => [iops.min(first), (iops.min(second) - first).max(0), (iops - second).max(0)],
            _ => [iops, 0, 0],
        };
        let mut cost = Decimal::ZERO;
        for (tier, iops) in tiers.into_iter().enumerate() {
            let missing = || {
                NoPrice(format!("the price list has no iops of {} (tier {})", volume.volume_type, tier + 1))
            };
            cost += times(iops, || self.iops.get(tier).copied().ok_or_else(missing))?;
        }
        Ok(cost)
    }
}

/// The size of what is billed by size. An absent one is read as 0, which no volume has.
fn told_size(volume: &VolumeShape) -> Priced<i32> {
    let untold = || NoPrice(format!("AWS tells no size of the {} storage", volume.volume_type));
    Some(volume.size).filter(|size| *size > 0).ok_or_else(untold)
}

/// The prices of one type of storage of databases in one region, in US dollars a month.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseStoragePrices {
    /// A GiB.
    pub gib: Decimal,
    /// An iops above those that are included.
    pub iops: Option<Decimal>,
    /// A MiB/s above those that are included.
    pub throughput: Option<Decimal>,
    /// The iops that are included in one volume; [`super::PriceBook::database_storage_month`] knows over how many RDS stripes.
    pub included_iops: i32,
    /// The MiB/s that are included in one volume.
    pub included_throughput: i32,
}

impl DatabaseStoragePrices {
    /// A whole month of such storage.
    ///
    /// # Errors
    /// Says which price is missing for what the storage has.
    pub fn month(&self, storage: &VolumeShape) -> Priced<Decimal> {
        let missing =
            |what: &str| NoPrice(format!("the price list has no {what} of {} storage", storage.volume_type));
        let iops = above(storage.iops, self.included_iops);
        let throughput = above(storage.throughput, self.included_throughput);
        let iops = times(iops, || self.iops.ok_or_else(|| missing("iops")))?;
        let throughput = times(throughput, || self.throughput.ok_or_else(|| missing("throughput")))?;
        Ok(Decimal::from(told_size(storage)?) * self.gib + iops + throughput)
    }
}

fn above(given: Option<i32>, included: i32) -> i32 {
    given.map_or(0, |given| (given - included).max(0))
}

/// A price is only needed where there is something to be paid.
fn times(units: i32, price: impl FnOnce() -> Priced<Decimal>) -> Priced<Decimal> {
    if units == 0 { Ok(Decimal::ZERO) } else { Ok(Decimal::from(units) * price()?) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dollars(text: &str) -> Decimal {
        text.parse().expect("a number")
    }

    fn volume(volume_type: &str, size: i32, iops: Option<i32>, throughput: Option<i32>) -> VolumeShape {
        VolumeShape { volume_type: volume_type.to_owned(), size, iops, throughput }
    }

    #[test]
    fn gp3_pays_for_what_is_above_the_included() {
        let prices = VolumePrices {
            gib: dollars("0.08"),
            iops: vec![dollars("0.005")],
            throughput: Some(dollars("0.04")),
        };
        for (iops, throughput, expected) in [
            (Some(3000), Some(125), "8.00"),
            (None, None, "8.00"),
            (Some(4000), Some(225), "17.00"),
            (Some(3001), Some(125), "8.005"),
        ] {
            assert_eq!(prices.month(&volume("gp3", 100, iops, throughput)), Ok(dollars(expected)));
        }
    }

    #[test]
    fn io2_is_cheaper_by_tiers_and_io1_is_not() {
        let tiers = vec![dollars("0.065"), dollars("0.0455"), dollars("0.032")];
        let prices = VolumePrices { gib: dollars("0.125"), iops: tiers, throughput: None };
        let expected = dollars("12.5") + dollars("2080") + dollars("1456") + dollars("32");
        assert_eq!(prices.month(&volume("io2", 100, Some(65_000), None)), Ok(expected));
        assert_eq!(prices.month(&volume("io1", 100, Some(64_000), None)), Ok(dollars("4172.5")));
    }

    #[test]
    fn what_aws_does_not_tell_is_not_free() {
        let prices = VolumePrices { gib: dollars("0.1"), iops: vec![dollars("0.05")], throughput: None };
        for (shape, what) in [
            (volume("gp2", 0, None, None), "AWS tells no size of the gp2 storage"),
            (volume("io1", 10, None, None), "AWS tells no iops of the io1 volume"),
            (volume("io2", 10, Some(0), None), "AWS tells no iops of the io2 volume"),
        ] {
            assert_eq!(prices.month(&shape), Err(NoPrice(what.to_owned())));
        }
    }

    #[test]
    fn a_missing_price_is_told_only_where_it_is_needed() {
        let prices = VolumePrices { gib: dollars("0.08"), iops: Vec::new(), throughput: None };
        assert!(prices.month(&volume("gp3", 1, Some(3000), Some(125))).is_ok());
        let missing = prices.month(&volume("gp3", 1, Some(3001), Some(125))).unwrap_err();
        assert_eq!(missing.to_string(), "the price list has no iops of gp3");
        let missing = prices.month(&volume("io2", 1, Some(100), None)).unwrap_err();
        assert_eq!(missing.to_string(), "the price list has no iops of io2 (tier 1)");
    }
}
