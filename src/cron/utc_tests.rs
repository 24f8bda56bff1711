//! Expressions of fixed-offset zones as rules know them, in UTC.

use jiff::civil::date;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ToSpan};
use proptest::prelude::*;

use super::property_tests::{days_of_every_sort, field};
use super::{Expression, fixed_offset, in_utc};

fn hours(hours: i8) -> Offset {
    Offset::constant(hours)
}

#[track_caller]
fn expect(text: &str, offset: Offset, converted: &str) {
    assert_eq!(in_utc(text, offset).as_deref(), Ok(converted), "{text}");
}

#[track_caller]
fn refused(text: &str, offset: Offset, at: &str) {
    let fault = in_utc(text, offset).unwrap_err();
    assert_eq!(&text[fault.range.clone()], at, "{text}: {fault}");
}

#[test]
fn what_is_written_stays_where_it_may() {
    expect("cron(0 19 ? * MON-FRI *)", Offset::UTC, "cron(0 19 ? * MON-FRI *)");
    expect("rate(5 minutes)", hours(9), "rate(5 minutes)");
    expect("cron(0 19 ? * MON-FRI *)", hours(9), "cron(0 10 ? * MON-FRI *)");
    expect("cron(0/15 * * * ? *)", hours(9), "cron(0/15 * * * ? *)");
    expect("cron(0 2 * * ? *)", hours(9), "cron(0 17 * * ? *)");
    expect("cron(5,20 9-18 1W 3-5 ? 2027)", hours(9), "cron(5,20 0-9 1W 3-5 ? 2027)");
}

#[test]
fn days_move_with_the_times() {
    expect("cron(0 8 ? * MON-FRI *)", hours(9), "cron(0 23 ? * SUN-THU *)");
    expect("cron(0 8 ? * SUN,TUE *)", hours(9), "cron(0 23 ? * MON,SAT *)");
    expect("cron(0 20 ? * FRI-MON *)", hours(-7), "cron(0 3 ? * SUN-TUE,SAT *)");
    expect("cron(30 0 2,15 * ? *)", hours(9), "cron(30 15 1,14 * ? *)");
    expect("cron(0 5 30 4-7 ? 2027)", hours(9), "cron(0 20 29 4-7 ? 2027)");
    expect("cron(0 5 1 * ? *)", hours(9), "cron(0 20 L * ? *)");
    expect("cron(0 5 1 1,4 ? *)", hours(9), "cron(0 20 L MAR,DEC ? *)");
    expect("cron(0 20 L 12 ? *)", hours(-7), "cron(0 3 1 JAN ? *)");
    expect("cron(0 20 30 1,3 ? *)", hours(-7), "cron(0 3 31 1,3 ? *)");
    // Which day it is does not matter where every day counts.
    expect("cron(0 8-10 * * ? *)", hours(9), "cron(0 0,1,23 * * ? *)");
}

#[test]
fn offsets_need_not_be_whole_hours() {
    let india = Offset::from_seconds(5 * 3_600 + 1_800).unwrap();
    expect("cron(0 19 ? * MON-FRI *)", india, "cron(30 13 ? * MON-FRI *)");
    expect("cron(0/15 * * * ? *)", india, "cron(0/15 * * * ? *)");
    expect("cron(15 5 ? * MON *)", india, "cron(45 23 ? * SUN *)");
    refused("cron(0,30 19 * * ? *)", india, "19");
}

#[test]
fn what_no_expression_says_is_refused_at_its_place() {
    refused("cron(0 8 L * ? *)", hours(9), "L");
    refused("cron(0 8 LW * ? *)", hours(9), "LW");
    refused("cron(0 8 15W * ? *)", hours(9), "15W");
    refused("cron(0 8 ? * MON#2 *)", hours(9), "MON#2");
    refused("cron(0 8 ? * 6L *)", hours(9), "6L");
    refused("cron(0 8 1,15 * ? *)", hours(9), "1,15");
    refused("cron(0 8 31 * ? *)", hours(9), "31");
    refused("cron(0 20 28 * ? *)", hours(-7), "28");
    refused("cron(0 8 ? 3 MON *)", hours(9), "MON");
    refused("cron(0 8 ? * MON 2027)", hours(9), "MON");
    refused("cron(0 8 1 1 ? 2027)", hours(9), "1");
    refused("cron(0 8 * 3 ? *)", hours(9), "3");
    refused("cron(0 8,10 ? * MON-FRI *)", hours(9), "8,10");
    refused("at(2026-12-31T23:59:00)", hours(9), "at(2026-12-31T23:59:00)");
    refused("cron(0 8 * * *)", hours(9), "");
}

#[test]
fn zones_with_daylight_saving_have_no_offset_of_their_own() {
    let offset = |name: &str| fixed_offset(&TimeZone::get(name).unwrap()).map(Offset::seconds);
    assert_eq!(offset("UTC"), Some(0));
    assert_eq!(offset("Asia/Seoul"), Some(9 * 3_600));
    assert_eq!(offset("Asia/Kolkata"), Some(5 * 3_600 + 1_800));
    assert_eq!(offset("America/Phoenix"), Some(-7 * 3_600));
    // Abolished: Brazil in 2019, Mexico in 2022.
    assert_eq!(offset("America/Sao_Paulo"), Some(-3 * 3_600));
    assert_eq!(offset("America/Mexico_City"), Some(-6 * 3_600));
    for name in ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"] {
        assert_eq!(offset(name), None, "{name}");
    }
}

/// The next times, as instants.
fn next(text: &str, after: Timestamp, zone: &TimeZone) -> Vec<Timestamp> {
    let expression = Expression::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault}"));
    expression.next(after, zone).take(40).map(|time| time.timestamp()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_next_times_are_the_same_instants(
        minutes in field(0, 59),
        hours in field(0, 23),
        days in days_of_every_sort(),
        months in prop_oneof![3 => Just("*".to_owned()), 1 => field(1, 12).prop_map(|(text, _)| text)],
        years in prop_oneof![4 => Just("*"), 1 => Just("2026-2030")],
        // Quarters of an hour from -12:00 to +14:00.
        quarters in prop_oneof![2 => (-12..=14).prop_map(|hours| hours * 4), 1 => -48..=56i32],
        start in 0..60 * 24 * 365 * 4i64,
    ) {
        let days = days.replace("MONTH", &months);
        let text = format!("cron({} {} {days} {years})", minutes.0, hours.0);
        let offset = Offset::from_seconds(quarters * 900).unwrap();
        let after = TimeZone::UTC.to_timestamp(date(2026, 1, 3).at(0, 0, 0, 0) + start.minutes()).unwrap();
        if let Ok(converted) = in_utc(&text, offset) {
            let here = next(&text, after, &TimeZone::fixed(offset));
            let there = next(&converted, after, &TimeZone::UTC);
            prop_assert_eq!(here, there, "{} at {} as {}", text, offset, converted);
        } else {
            // What is refused has a reason: the day changes, or the offset is no whole hour.
            let times = hours.1.iter().flat_map(|hour| minutes.1.iter().map(move |minute| hour * 60 + minute));
            let mut in_utc = times.map(|time| i32::from(time) - quarters * 15);
            let one_day = in_utc.all(|time| (0..24 * 60).contains(&time));
            prop_assert!(!one_day || quarters % 4 != 0, "{} at {} is refused", text, offset);
        }
    }
}
