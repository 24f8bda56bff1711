//! Prices of volumes and snapshots for an estimate that costs no call: what is kept on disk, or else what is built in.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{LazyLock, OnceLock};

use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde::Deserialize;

use super::cache::{Cache, Kept};
use super::{PriceBook, Priced, VolumePrices, VolumeShape};

/// Where estimates take their prices from.
#[derive(Debug)]
pub struct Estimates {
    cache: Option<Cache>,
    /// Read when the first estimate is made: most runs make none.
    kept: OnceLock<Kept>,
}

/// The prices of one region.
#[derive(Clone, Debug)]
pub struct StoragePrices {
    region: String,
    book: PriceBook,
    /// Of when they are, in words for people.
    pub source: String,
}

impl Estimates {
    /// From a folder, where there is one, with what was kept there of AWS or of an endpoint of one's own.
    pub fn new(folder: Option<&Path>, endpoint: Option<&str>) -> Self {
        Self { cache: folder.map(|folder| Cache::new(folder, endpoint)), kept: OnceLock::new() }
    }

    /// The prices of a region: those kept on disk where they have volumes and snapshots of it, however old, since they say their date.
    pub fn storage(&self, region: &str) -> StoragePrices {
        let kept =
            self.kept.get_or_init(|| self.cache.as_ref().map(|cache| cache.read().0).unwrap_or_default());
        let mut of_region = Kept::default();
        of_region.volumes.extend(kept.volumes.iter().filter(|((of, _), _)| of == region).map(cloned));
        of_region.snapshots.extend(kept.snapshots.iter().filter(|(of, _)| *of == region).map(cloned));
        let book = of_region.into_book();
        let is_whole =
            book.snapshot_gib_month(region, false).is_ok() && book.volumes.values().any(Result::is_ok);
        match book.as_of.filter(|_| is_whole) {
            Some(read_at) => {
                let day = read_at.to_zoned(TimeZone::UTC).date();
                let source = format!("list prices of {day}, before tax and discounts");
                StoragePrices { region: region.to_owned(), book, source }
            }
            None => built_in(region),
        }
    }
}

fn cloned<K: Clone, V: Clone>((key, value): (&K, &V)) -> (K, V) {
    (key.clone(), value.clone())
}

impl StoragePrices {
    /// A whole month of a volume.
    ///
    /// # Errors
    /// Says why there is no price.
    pub fn volume_month(&self, volume: &VolumeShape) -> Priced<Decimal> {
        self.book.volume_month(&self.region, volume)
    }

    /// A whole month of full snapshots of so many GiB, in the standard tier.
    ///
    /// # Errors
    /// Says why there is no price.
    pub fn snapshot_month(&self, gib: i32) -> Priced<Decimal> {
        Ok(Decimal::from(gib) * self.book.snapshot_gib_month(&self.region, false)?)
    }
}

#[derive(Deserialize)]
struct BuiltIn {
    compared: String,
    regions: BTreeMap<String, BuiltInRegion>,
}

#[derive(Deserialize)]
struct BuiltInRegion {
    snapshot: Decimal,
    #[serde(flatten)]
    volumes: BTreeMap<String, VolumePrices>,
}

static BUILT_IN: LazyLock<BuiltIn> =
    LazyLock::new(|| toml::from_str(include_str!("built_in.toml")).expect("a test reads it"));

fn built_in(region: &str) -> StoragePrices {
    let mut book = PriceBook::default();
    if let Some(prices) = BUILT_IN.regions.get(region) {
        book.snapshots.insert(region.to_owned(), Ok(prices.snapshot));
        let volumes = prices.volumes.iter();
        book.volumes
            .extend(volumes.map(|(name, prices)| ((region.to_owned(), name.clone()), Ok(prices.clone()))));
    }
    let compared = &BUILT_IN.compared;
    let source = format!("built-in list prices, compared in {compared}, before tax and discounts");
    StoragePrices { region: region.to_owned(), book, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prices::cache::Timed;
    use crate::prices::ec2::volume_types;
    use crate::prices::fixtures::dollars;

    fn gp3(iops: i32) -> VolumeShape {
        VolumeShape { volume_type: "gp3".to_owned(), size: 100, iops: Some(iops), throughput: Some(125) }
    }

    #[test]
    fn the_built_in_table_is_whole_and_plausible() {
        assert!(BUILT_IN.regions.len() >= 10);
        for (region, prices) in &BUILT_IN.regions {
            let mut all = vec![(prices.snapshot, "0.04", "0.08")];
            for (name, volume) in &prices.volumes {
                assert!(volume_types().any(|known| known == name), "{region}: {name}");
                all.push((volume.gib, "0.01", "0.3"));
                all.extend(volume.iops.iter().map(|price| (*price, "0.004", "0.1")));
                all.extend(volume.throughput.map(|price| (price, "0.03", "0.1")));
            }
            for (price, from, to) in all {
                assert!((dollars(from)..=dollars(to)).contains(&price), "{region}: {price}");
            }
            let gib = |name: &str| prices.volumes.get(name).map(|volume| volume.gib);
            // gp3 costs a fifth less than gp2 in all regions ("Amazon EBS pricing").
            if let (Some(gp2), Some(gp3)) = (gib("gp2"), gib("gp3")) {
                assert_eq!(gp3, gp2 * dollars("0.8"), "{region}");
            }
        }
    }

    #[test]
    fn without_kept_prices_the_built_in_ones_say_their_date() {
        let prices = Estimates::new(None, None).storage("us-east-1");
        assert_eq!(
            prices.source,
            "built-in list prices, compared in November 2026, before tax and discounts"
        );
        assert_eq!(prices.volume_month(&gp3(4000)), Ok(dollars("13")));
        assert_eq!(prices.snapshot_month(100), Ok(dollars("5")));
        assert!(Estimates::new(None, None).storage("mars-north-1").snapshot_month(1).is_err());
    }

    #[test]
    fn kept_prices_of_a_region_go_first_and_say_their_own_date() {
        let folder = tempfile::tempdir().unwrap();
        let at = |day: &str| format!("2026-11-{day}T12:00:00Z").parse().unwrap();
        let (eu, us) = ("eu-west-1".to_owned(), "us-east-1".to_owned());
        let volume = VolumePrices { gib: dollars("0.09"), ..VolumePrices::default() };
        let mut kept = Kept::default();
        kept.snapshots.insert(eu.clone(), Timed { read_at: at("18"), price: Ok(dollars("0.06")) });
        kept.volumes
            .insert((eu.clone(), "gp3".to_owned()), Timed { read_at: at("19"), price: Ok(volume.clone()) });
        // Half of what is needed is not enough, and what is of other regions says nothing of this one's date.
        kept.volumes.insert((us.clone(), "gp3".to_owned()), Timed { read_at: at("01"), price: Ok(volume) });
        let cache = Cache::new(folder.path(), None);
        assert_eq!(cache.add(kept, at("20")), None);
        let estimates = Estimates::new(Some(folder.path()), None);
        let prices = estimates.storage(&eu);
        assert_eq!(prices.source, "list prices of 2026-11-18, before tax and discounts");
        assert_eq!(prices.volume_month(&gp3(3000)), Ok(dollars("9")));
        assert_eq!(prices.snapshot_month(100), Ok(dollars("6")));
        assert!(estimates.storage(&us).source.starts_with("built-in"));
        // An emulator's file is no source for AWS.
        let other = Estimates::new(Some(folder.path()), Some("http://127.0.0.1:1"));
        assert!(other.storage(&eu).source.starts_with("built-in"));
    }
}
