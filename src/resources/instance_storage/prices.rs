//! What parking saves. Only for an estimate in plans: the bill is AWS's.

use rust_decimal::Decimal;

use super::record::Attributes;
use crate::prices::{Priced, StoragePrices, VolumeShape, to_cents};

/// What volumes cost a month above full snapshots of them, in US dollars to the cent; less than nothing where snapshots cost more.
///
/// # Errors
/// Says which price is not known.
pub(super) fn saving<'a>(
    prices: &StoragePrices,
    volumes: impl Iterator<Item = &'a Attributes>,
) -> Priced<Decimal> {
    let of = |volume: &Attributes| {
        let shape = VolumeShape {
            volume_type: volume.volume_type.clone(),
            size: volume.size,
            iops: volume.iops,
            throughput: volume.throughput,
        };
        Ok(prices.volume_month(&shape)? - prices.snapshot_month(volume.size)?)
    };
    volumes.map(of).sum::<Priced<Decimal>>().map(to_cents)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prices::Estimates;

    fn volume(volume_type: &str, size: i32, iops: Option<i32>, throughput: Option<i32>) -> Attributes {
        Attributes { size, volume_type: volume_type.to_owned(), iops, throughput, ..Attributes::default() }
    }

    fn dollars(region: &str, volume: &Attributes) -> Option<String> {
        let prices = Estimates::new(None, None).storage(region);
        saving(&prices, [volume].into_iter()).ok().map(|dollars| format!("{dollars:.2}"))
    }

    #[test]
    fn the_saving_is_the_volume_less_a_full_snapshot() {
        for (volume, expected) in [
            (volume("gp2", 100, None, None), "5.00"),
            (volume("gp3", 100, Some(3000), Some(125)), "3.00"),
            (volume("gp3", 100, Some(4000), Some(225)), "12.00"),
            (volume("io2", 100, Some(1000), None), "72.50"),
            (volume("sc1", 1000, None, None), "-35.00"),
        ] {
            assert_eq!(dollars("us-east-1", &volume).as_deref(), Some(expected), "{volume:?}");
        }
    }

    #[test]
    fn without_a_price_there_is_no_saving() {
        assert_eq!(dollars("mars-north-1", &volume("gp2", 100, None, None)), None);
        assert_eq!(dollars("eu-west-1", &volume("gp3", 100, Some(3001), Some(125))), None);
        assert_eq!(dollars("us-east-1", &volume("gp9", 100, None, None)), None);
        // The higher tiers of io2 have no second source.
        assert_eq!(dollars("us-east-1", &volume("io2", 100, Some(32_001), None)), None);
    }
}
