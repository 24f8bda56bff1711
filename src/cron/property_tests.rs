//! What fires agrees with an independent reading of the fields, minute for minute.

use std::collections::BTreeSet;

use jiff::civil::{DateTime, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use proptest::prelude::*;

use super::Expression;

/// A field as a text and the numbers it means, made from the numbers and not read.
fn field(min: u16, max: u16) -> impl Strategy<Value = (String, BTreeSet<u16>)> {
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
    Nth(u16, usize),
    LastOf(u16),
}

fn days() -> impl Strategy<Value = (String, Day)> {
    prop_oneof![
        field(1, 31).prop_map(|(text, numbers)| (format!("{text} MONTH ?"), Day::Month(numbers))),
        Just(("L MONTH ?".to_owned(), Day::Last)),
        (1..=7u16, 1..=5usize).prop_map(|(day, n)| (format!("? MONTH {day}#{n}"), Day::Nth(day, n))),
        (1..=7u16).prop_map(|day| (format!("? MONTH {day}L"), Day::LastOf(day))),
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
    match wanted {
        Day::Month(numbers) => numbers.contains(&day),
        Day::Last => day == length(year, month),
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
    fn times_rise_in_every_zone_and_show_the_clock_on_the_wall(
        minutes in field(0, 59),
        hours in field(0, 23),
        zone in proptest::sample::select(vec!["Europe/Berlin", "America/New_York", "Asia/Seoul", "Australia/Lord_Howe"]),
        start in 1_767_225_600..1_830_297_600i64,
    ) {
        let expression = Expression::parse(&format!("cron({} {} * * ? *)", minutes.0, hours.0)).unwrap();
        let zone = TimeZone::get(zone).unwrap();
        let mut last = Timestamp::from_second(start).unwrap();
        for time in expression.next(last, &zone).take(200) {
            prop_assert!(time.timestamp() > last);
            let [minute, hour, ..] = parts(time.datetime());
            prop_assert!(minutes.1.contains(&minute) && hours.1.contains(&hour));
            last = time.timestamp();
        }
    }

    #[test]
    fn any_text_is_an_expression_or_a_fault_in_it(text in "(cron|rate|at)?\\(?[0-9*?LW#/, a-zé-]{0,24}\\)?") {
        if let Err(fault) = Expression::parse(&text) {
            prop_assert!(text.get(fault.range).is_some());
        }
    }
}
