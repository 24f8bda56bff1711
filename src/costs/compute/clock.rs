//! Which part of a month is over.

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::costs::report::{Cost, Month};
use crate::prices::to_cents;

const HOUR: i64 = 3_600;

/// A month and a moment in it, in seconds: AWS bills by the second, and the price is that of an hour or of the whole month.
#[derive(Clone, Copy)]
pub(super) struct Clock {
    begins: i64,
    ends: i64,
    now: i64,
}

impl Clock {
    pub(super) fn new(month: Month, now: Timestamp) -> Self {
        Self { begins: month.begins.as_second(), ends: month.ends.as_second(), now: now.as_second() }
    }

    /// What costs so much an hour, from the month's beginning or from its own if that is later.
    pub(super) fn hourly(self, price: Decimal, since: Option<Timestamp>) -> Cost {
        self.cost(price, since, HOUR)
    }

    /// What costs so much a whole month, whatever the length of that: a full one is exactly the price.
    pub(super) fn monthly(self, price: Decimal, since: Option<Timestamp>) -> Cost {
        self.cost(price, since, self.ends - self.begins)
    }

    /// Whether a moment lies in what is over of the month.
    pub(super) fn has_seen(self, moment: Timestamp) -> bool {
        (self.begins + 1..=self.now).contains(&moment.as_second())
    }

    /// Multiplied first: only the quotient is ever rounded.
    fn cost(self, price: Decimal, since: Option<Timestamp>, unit: i64) -> Cost {
        let from = since.map_or(self.begins, |since| since.as_second().max(self.begins));
        let until = |end: i64| to_cents(price * Decimal::from((end - from).max(0)) / Decimal::from(unit));
        Cost { so_far: Some(until(self.now)), forecast: Some(until(self.ends)) }
    }
}
