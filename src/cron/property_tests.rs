//! What fires agrees with an independent reading of the fields, minute for minute.

use std::collections::BTreeSet;

use jiff::civil::{DateTime, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use proptest::prelude::*;

use super::Expression;

/// Zones with the instants at which their clocks are put forward or back, by an hour or a half.
const SHIFTS: [(&str, &str); 7] = [
    ("Europe/Berlin", "2026-03-29T01:00:00Z"),
    ("Europe/Berlin", "2026-10-25T01:00:00Z"),
    ("America/New_York", "2026-03-08T07:00:00Z"),
    ("America/New_York", "2026-11-01T06:00:00Z"),
    ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"),
    ("Australia/Lord_Howe", "2026-10-03T15:30:00Z"),
    ("Asia/Seoul", "2026-03-29T01:00:00Z"),
];

/// A field as a text and the numbers it means, made from the numbers and not read.
pub(super) fn field(min: u16, max: u16) -> impl Strategy<Value = (String, BTreeSet<u16>)> {
    let single = (min..=max).prop_map(|number| (number.to_string(), BTreeSet::from([number])));
    let range = (min..=max, min..=max).prop_map(|(one, other)| {
        let (from, to) = (one.min(other), one.max(other));
        (format!("{from}-{to}"), (from..=to).collect())
    });
    let step = (min..=max, 1..=max - min).prop_map(move |(from, step)| {
        (format!("{from}/{step}"), (from..=max).step_by(usize::from(step)).collect())
    });
    let entry = prop_oneof![single, range, step];
    let list = proptest::collection::vec(entry, 1..4).prop_map(|entries| {
        let texts: Vec<String> = entries.iter().map(|(text, _)| text.clone()).collect();
        (texts.join(","), entries.into_iter().flat_map(|(_, numbers)| numbers).collect())
    });
    prop_oneof![Just(("*".to_owned(), (min..=max).collect())), list]
}

/// The day fields, and which days of which months they mean: counted by hand, without the calendar's own arithmetic.
#[derive(Clone, Debug)]
enum Day {
    Month(BTreeSet<u16>),
    Last,
    Working,
    Near(u16),
    Nth(u16, usize),
    LastOf(u16),
}

fn days() -> impl Strategy<Value = (String, Day)> {
    prop_oneof![
        field(1, 31).prop_map(|(text, numbers)| (format!("{text} MONTH ?"), Day::Month(numbers))),
        Just(("L MONTH ?".to_owned(), Day::Last)),
        Just(("LW MONTH ?".to_owned(), Day::Working)),
        (1..=31u16).prop_map(|day| (format!("{day}W MONTH ?"), Day::Near(day))),
        (1..=7u16, 1..=5usize).prop_map(|(day, n)| (format!("? MONTH {day}#{n}"), Day::Nth(day, n))),
        (1..=7u16).prop_map(|day| (format!("? MONTH {day}L"), Day::LastOf(day))),
    ]
}

/// The day fields with `MONTH` for the month between them, of every sort that there is.
pub(super) fn days_of_every_sort() -> impl Strategy<Value = String> {
    let of_week = proptest::collection::btree_set(1..=7u16, 1..7).prop_map(|days| {
        let days: Vec<String> = days.iter().map(u16::to_string).collect();
        format!("? MONTH {}", days.join(","))
    });
    prop_oneof![
        2 => Just("* MONTH ?".to_owned()),
        3 => of_week,
        3 => (1..=31u16).prop_map(|day| format!("{day} MONTH ?")),
        3 => days().prop_map(|(text, _)| text),
    ]
}

fn length(year: u16, month: u16) -> u16 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Sakamoto's method; 1 is Sunday.
fn weekday(year: u16, month: u16, day: u16) -> u16 {
    let shift = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4][usize::from(month - 1)];
    let year = if month < 3 { year - 1 } else { year };
    (year + year / 4 - year / 100 + year / 400 + shift + day) % 7 + 1
}

fn day_matches(wanted: &Day, year: u16, month: u16, day: u16) -> bool {
    let same = |wanted: u16| -> Vec<u16> {
        (1..=length(year, month)).filter(|day| weekday(year, month, *day) == wanted).collect()
    };
    let working = || (1..=length(year, month)).filter(|day| (2..=6).contains(&weekday(year, month, *day)));
    match wanted {
        Day::Month(numbers) => numbers.contains(&day),
        Day::Last => day == length(year, month),
        Day::Working => working().next_back() == Some(day),
        Day::Near(near) => {
            *near <= length(year, month) && working().min_by_key(|day| day.abs_diff(*near)) == Some(day)
        }
        Day::Nth(of_week, number) => same(*of_week).get(number - 1) == Some(&day),
        Day::LastOf(of_week) => same(*of_week).last() == Some(&day),
    }
}

fn parts(time: DateTime) -> [u16; 5] {
    let small = |number: i8| u16::from(number.unsigned_abs());
    let year = time.year().unsigned_abs();
    [small(time.minute()), small(time.hour()), small(time.day()), small(time.month()), year]
}

proptest! {
    #[test]
    fn what_fires_is_what_the_fields_say(
        minutes in field(0, 59),
        hours in field(0, 23),
        days in days(),
        months in field(1, 12),
        start in 0..60 * 24 * 365 * 4i64,
    ) {
        let text = format!("cron({} {} {} *)", minutes.0, hours.0, days.0.replace("MONTH", &months.0));
        let expression = Expression::parse(&text).unwrap();
        let start = date(2026, 1, 1).at(0, 0, 0, 0) + start.minutes();
        let after = TimeZone::UTC.to_timestamp(start).unwrap();
        let matches = |time: DateTime| {
            let [minute, hour, day, month, year] = parts(time);
            minutes.1.contains(&minute)
                && hours.1.contains(&hour)
                && months.1.contains(&month)
                && day_matches(&days.1, year, month, day)
        };
        let fired: Vec<DateTime> =
            expression.next(after, &TimeZone::UTC).take(20).map(|time| time.datetime()).collect();
        prop_assert!(fired.windows(2).all(|pair| pair[0] < pair[1]), "{text}");
        prop_assert!(fired.iter().all(|time| *time > start && matches(*time)), "{text}");
        // Nothing is left out in the two days after the start.
        let end = start + 2.days();
        let complete = fired.len() < 20 || fired[19] >= end;
        let mut time = start;
        while complete && time < end {
            time += 1.minute();
            prop_assert_eq!(matches(time) && time < end, fired.contains(&time) && time < end, "{} {}", text, time);
        }
        prop_assert_eq!(expression.never_fires(), fired.is_empty(), "{}", text);
    }

    #[test]
    fn around_a_shift_every_minute_of_the_clock_on_the_wall_counts_once(
        minutes in field(0, 59),
        hours in field(0, 23),
        (zone, shift) in proptest::sample::select(SHIFTS.to_vec()),
        ago in 0..12 * 60i64,
    ) {
        let expression = Expression::parse(&format!("cron({} {} * * ? *)", minutes.0, hours.0)).unwrap();
        let zone = TimeZone::get(zone).unwrap();
        let middle: Timestamp = shift.parse().unwrap();
        let (after, end) = (middle + 6.hours() - ago.minutes(), middle + 6.hours());
        // What the clock has shown in the day before counts as seen.
        let start = after - 24.hours();
        let mut seen = BTreeSet::new();
        let mut expected = Vec::new();
        let mut instant = start;
        while instant <= end {
            let time = zone.to_datetime(instant);
            let [minute, hour, ..] = parts(time);
            if seen.insert(time) && instant > after && minutes.1.contains(&minute) && hours.1.contains(&hour) {
                expected.push(instant);
            }
            instant += 1.minute();
        }
        let fired = expression.next(after, &zone).map(|time| time.timestamp());
        prop_assert_eq!(fired.take_while(|time| *time <= end).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn any_text_is_an_expression_or_a_fault_in_it(text in "(cron|rate|at)?\\(?[0-9*?LW#/, a-zé-]{0,24}\\)?") {
        if let Err(fault) = Expression::parse(&text) {
            prop_assert!(text.get(fault.range).is_some());
        }
    }
}
