//! Zones, daylight saving, leap years and ends.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Expression;

const BERLIN: &str = "Europe/Berlin";
const NEW_YORK: &str = "America/New_York";

/// The first times, with their offset.
fn times(text: &str, after: &str, zone: &str, count: usize) -> Vec<String> {
    let expression = Expression::parse(text).unwrap();
    let after: Timestamp = after.parse().unwrap();
    let times = expression.next(after, &TimeZone::get(zone).unwrap()).take(count);
    times.map(|time| time.strftime("%Y-%m-%d %H:%M:%S %z").to_string()).collect()
}

#[test]
fn a_time_that_does_not_exist_is_skipped() {
    assert_eq!(
        times("cron(30 2 * * ? *)", "2026-03-28T00:00:00Z", BERLIN, 2),
        ["2026-03-28 02:30:00 +0100", "2026-03-30 02:30:00 +0200"]
    );
    assert_eq!(
        times("cron(30 2 * * ? *)", "2026-03-07T00:00:00Z", NEW_YORK, 2),
        ["2026-03-07 02:30:00 -0500", "2026-03-09 02:30:00 -0400"]
    );
    assert_eq!(
        times("cron(0/30 * * * ? *)", "2026-03-29T00:15:00Z", BERLIN, 3),
        ["2026-03-29 01:30:00 +0100", "2026-03-29 03:00:00 +0200", "2026-03-29 03:30:00 +0200"]
    );
}

#[test]
fn a_time_that_is_there_twice_fires_before_the_shift_only() {
    assert_eq!(
        times("cron(30 2 * * ? *)", "2026-10-24T12:00:00Z", BERLIN, 2),
        ["2026-10-25 02:30:00 +0200", "2026-10-26 02:30:00 +0100"]
    );
    assert_eq!(
        times("cron(30 1 * * ? *)", "2026-10-31T12:00:00Z", NEW_YORK, 2),
        ["2026-11-01 01:30:00 -0400", "2026-11-02 01:30:00 -0500"]
    );
    assert_eq!(
        times("cron(0/30 * * * ? *)", "2026-10-25T00:00:00Z", BERLIN, 2),
        ["2026-10-25 02:30:00 +0200", "2026-10-25 03:00:00 +0100"]
    );
    // Asked in the second hour, what was in the first does not come again.
    assert_eq!(times("cron(30 2 * * ? *)", "2026-10-25T01:10:00Z", BERLIN, 1), ["2026-10-26 02:30:00 +0100"]);
}

#[test]
fn a_zone_without_daylight_saving() {
    assert_eq!(
        times("cron(30 2 ? * SUN *)", "2026-03-25T00:00:00Z", "Asia/Seoul", 2),
        ["2026-03-29 02:30:00 +0900", "2026-04-05 02:30:00 +0900"]
    );
}

#[test]
fn a_rate_counts_hours_and_not_the_clock_on_the_wall() {
    assert_eq!(
        times("rate(1 day)", "2026-03-28T08:00:30Z", BERLIN, 2),
        ["2026-03-29 10:00:30 +0200", "2026-03-30 10:00:30 +0200"]
    );
    assert_eq!(
        times("rate(90 minutes)", "2026-01-01T00:00:00Z", "UTC", 2),
        ["2026-01-01 01:30:00 +0000", "2026-01-01 03:00:00 +0000"]
    );
    assert_eq!(times("rate(4294967295 days)", "2026-01-01T00:00:00Z", "UTC", 2), [""; 0]);
}

#[test]
fn once() {
    let at = "at(2026-12-31T23:59:00)";
    assert_eq!(times(at, "2026-01-01T00:00:00Z", "Asia/Seoul", 9), ["2026-12-31 23:59:00 +0900"]);
    assert_eq!(times(at, "2026-12-31T14:59:00Z", "Asia/Seoul", 9), [""; 0]);
    assert_eq!(times("at(2026-03-29T02:30:00)", "2026-01-01T00:00:00Z", BERLIN, 9), [""; 0]);
    assert!(Expression::parse(at).unwrap().is_for_scheduler_only());
    assert!(!Expression::parse("rate(1 day)").unwrap().is_for_scheduler_only());
}

#[test]
fn a_time_is_later_than_the_one_asked_for() {
    let noon = "cron(0 12 * * ? *)";
    assert_eq!(times(noon, "2026-01-01T12:00:00Z", "UTC", 1), ["2026-01-02 12:00:00 +0000"]);
    assert_eq!(times(noon, "2026-01-01T11:59:59.9Z", "UTC", 1), ["2026-01-01 12:00:00 +0000"]);
    assert_eq!(times(noon, "2026-01-01T12:00:00.1Z", "UTC", 1), ["2026-01-02 12:00:00 +0000"]);
}

#[test]
fn leap_years() {
    assert_eq!(
        times("cron(0 0 29 2 ? *)", "2096-01-01T00:00:00Z", "UTC", 2),
        ["2096-02-29 00:00:00 +0000", "2104-02-29 00:00:00 +0000"]
    );
    assert_eq!(
        times("cron(0 0 L FEB ? 2027-2028)", "2026-01-01T00:00:00Z", "UTC", 9),
        ["2027-02-28 00:00:00 +0000", "2028-02-29 00:00:00 +0000"]
    );
    assert_eq!(
        times("cron(0 0 31 * ? *)", "2026-01-31T00:00:00Z", "UTC", 3),
        ["2026-03-31 00:00:00 +0000", "2026-05-31 00:00:00 +0000", "2026-07-31 00:00:00 +0000"]
    );
}

#[test]
fn what_never_fires() {
    for (text, never) in [
        ("cron(0 0 30 2 ? *)", true),
        ("cron(0 0 30W 2 ? *)", true),
        ("cron(0 0 31 4,6,9,11 ? *)", true),
        ("cron(0 0 29 2 ? 2026,2027,2100)", true),
        ("cron(0 0 ? 2 1#5 2026-2027)", true),
        ("cron(0 0 29 2 ? *)", false),
        ("cron(0 0 L 2 ? *)", false),
        ("cron(0 0 * * ? 1970)", false),
        ("rate(1 day)", false),
        ("at(1999-01-01T00:00:00)", false),
    ] {
        let expression = Expression::parse(text).unwrap();
        assert_eq!(expression.never_fires(), never, "{text}");
    }
    assert_eq!(times("cron(0 0 30 2 ? *)", "2026-01-01T00:00:00Z", "UTC", 1), [""; 0]);
    assert_eq!(times("cron(0 0 * * ? 2025)", "2026-01-01T00:00:00Z", "UTC", 1), [""; 0]);
    assert_eq!(times("cron(0 0 31 12 ? *)", "2198-12-31T00:00:00Z", "UTC", 9), ["2199-12-31 00:00:00 +0000"]);
}

#[test]
fn weekdays_near_the_ends_of_months() {
    // 1 August 2026 is a Saturday, 31 May 2026 a Sunday; a month without the day is left out.
    assert_eq!(
        times("cron(0 0 1W 8 ? 2026)", "2026-01-01T00:00:00Z", "UTC", 9),
        ["2026-08-03 00:00:00 +0000"]
    );
    assert_eq!(
        times("cron(0 0 31W 4-5 ? 2026)", "2026-01-01T00:00:00Z", "UTC", 9),
        ["2026-05-29 00:00:00 +0000"]
    );
    assert_eq!(
        times("cron(0 0 LW 1-2 ? 2026)", "2026-01-01T00:00:00Z", "UTC", 9),
        ["2026-01-30 00:00:00 +0000", "2026-02-27 00:00:00 +0000"]
    );
    assert_eq!(
        times("cron(0 0 ? 1-4 SUN#5 2026)", "2026-01-01T00:00:00Z", "UTC", 9),
        ["2026-03-29 00:00:00 +0000"]
    );
}
