//! What AWS charges: list prices, on demand, before tax and discounts.
//!
//! Architecture invariant: pure but for `aws/`, which asks AWS's price list, and `cache.rs`, which keeps on disk what it said.

mod aws;
mod book;
mod cache;
mod ec2;
mod estimate;
#[cfg(test)]
mod fixtures;
mod key;
mod product;
mod rds;
mod storage;
mod wanted;

pub use aws::{Reading, read_prices};
pub use book::{NoPrice, PriceBook, Priced};
pub use estimate::{Estimates, StoragePrices};
pub use key::{ComputeKey, DatabaseKey, DatabaseStorageKey, Tenancy};
pub use storage::{DatabaseStoragePrices, VolumePrices, VolumeShape};
pub use wanted::Wanted;

use rust_decimal::{Decimal, RoundingStrategy};

/// Whether a number can be a price: of an hour or a month of one unit, in US dollars. Nothing that is asked for is free, and sums of
/// what is below a million never overflow.
fn is_plausible(price: Decimal) -> bool {
    price > Decimal::ZERO && price <= Decimal::from(1_000_000)
}

/// An amount as people are shown it: to the cent, half a cent up.
#[must_use]
pub fn to_cents(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}
