//! Days of tests whose program reads the clock, too.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan, Zoned};

/// How long a test may take that begins before midnight.
const LONGEST: SignedDuration = SignedDuration::from_mins(2);

pub(crate) fn seoul() -> TimeZone {
    TimeZone::get("Asia/Seoul").unwrap()
}

#[allow(clippy::disallowed_methods)] // The program reads the clock, too.
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// Days counted from today in Seoul, for one whole test: the clock is read once, and just before midnight that is waited for, so
/// that the program sees no other day.
pub(crate) fn days_from_today() -> impl Fn(i64) -> Date {
    let midnight = |now: &Zoned| now.tomorrow().unwrap().start_of_day().unwrap().timestamp();
    let mut today = now().to_zoned(seoul());
    let left = today.timestamp().duration_until(midnight(&today));
    if left < LONGEST {
        std::thread::sleep(left.unsigned_abs() + std::time::Duration::from_secs(1));
        today = now().to_zoned(seoul());
    }
    move |days| today.date().checked_add(days.days()).unwrap()
}
