//! A schedule with days off as several schedules on AWS, of which one is at work at a time.
//!
//! EventBridge Scheduler knows no exceptions, but every schedule may have a start and an end. So each day off on which the
//! expression would fire cuts it in two: what runs until that day, and what runs from the day after.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::cron::Expression;

/// A part of a schedule between two days off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// The day off that it stops before; nothing of the last one, which runs for good. It names the segment, so that neither a
    /// day that is over nor one that is added renames another.
    pub(super) until: Option<Date>,
    /// When it begins; nothing where it has begun.
    pub(super) start: Option<Timestamp>,
    /// When it ends.
    pub(super) end: Option<Timestamp>,
}

/// The segments of an expression that still fire, and the last one in any case.
pub(super) fn segments(
    expression: &Expression,
    zone: &TimeZone,
    days_off: &BTreeSet<Date>,
    now: Timestamp,
) -> Vec<Segment> {
    let cuts = days_off.iter().copied().filter(|day| fires_on(expression, zone, *day));
    let mut segments = Vec::new();
    let mut start = None;
    for day in cuts {
        // "Invocations might stop on, or before, the EndDate" (`CreateSchedule` in the API reference): midnight itself is
        // part of the day off.
        let end = midnight(day, zone).map(|midnight| midnight - 1.second());
        let begins = start.map_or(now, |start: Timestamp| (start - 1.second()).max(now));
        let next = expression.next(begins, zone).next();
        if next.is_some_and(|next| end.is_some_and(|end| next.timestamp() <= end)) {
            segments.push(Segment { until: Some(day), start: after(start, now), end });
        }
        start = day.tomorrow().ok().and_then(|tomorrow| midnight(tomorrow, zone));
    }
    segments.push(Segment { until: None, start: after(start, now), end: None });
    segments
}

/// Whether the expression fires on a day of the zone.
pub(super) fn fires_on(expression: &Expression, zone: &TimeZone, day: Date) -> bool {
    let Some(begins) = midnight(day, zone) else { return false };
    expression.next(begins - 1.second(), zone).next().is_some_and(|time| time.date() == day)
}

/// AWS refuses a start that lies in the past, and there a schedule that has begun is one without a start.
fn after(start: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    start.filter(|start| *start > now)
}

/// When a day begins.
fn midnight(day: Date, zone: &TimeZone) -> Option<Timestamp> {
    day.to_zoned(zone.clone()).ok().map(|time| time.timestamp())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    const SEOUL: &str = "Asia/Seoul";

    fn of(expression: &str, zone: &str, days: &[Date], now: &str) -> Vec<String> {
        let expression = Expression::parse(expression).unwrap();
        let zone = TimeZone::get(zone).unwrap();
        let days = days.iter().copied().collect();
        let line = |segment: Segment| {
            let time = |time: Option<Timestamp>| {
                time.map_or_else(String::new, |time| {
                    time.to_zoned(zone.clone()).strftime("%m-%dT%H:%M:%S").to_string()
                })
            };
            let until = segment.until.map_or_else(|| "the last".to_owned(), |day| day.to_string());
            format!("{until}: {}..{}", time(segment.start), time(segment.end))
        };
        segments(&expression, &zone, &days, now.parse().unwrap()).into_iter().map(line).collect()
    }

    const STOP: &str = "cron(0 19 ? * MON-FRI *)";
    const NOW: &str = "2026-12-21T00:00:00Z";

    #[test]
    fn a_day_off_cuts_a_schedule_in_two() {
        assert_eq!(of(STOP, SEOUL, &[], NOW), ["the last: .."]);
        assert_eq!(
            of(STOP, SEOUL, &[date(2026, 12, 25)], NOW),
            ["2026-12-25: ..12-24T23:59:59", "the last: 12-26T00:00:00.."]
        );
        // Saturday is no day of the schedule.
        assert_eq!(of(STOP, SEOUL, &[date(2026, 12, 26)], NOW), ["the last: .."]);
        // Between two days off that follow each other nothing fires.
        let two = [date(2026, 12, 24), date(2026, 12, 25), date(2026, 12, 31)];
        assert_eq!(
            of(STOP, SEOUL, &two, NOW),
            [
                "2026-12-24: ..12-23T23:59:59",
                "2026-12-31: 12-26T00:00:00..12-30T23:59:59",
                "the last: 01-01T00:00:00.."
            ]
        );
    }

    #[test]
    fn time_that_goes_on_lets_go_and_changes_nothing_else() {
        let days = [date(2026, 12, 25), date(2026, 12, 31)];
        let at = |now: &str| of(STOP, SEOUL, &days, now);
        let last = "the last: 01-01T00:00:00..";
        // It fired for the last time at 19:00 on the 24th in Seoul.
        assert_eq!(at("2026-12-24T09:59:59Z").len(), 3);
        assert_eq!(at("2026-12-24T10:00:00Z"), ["2026-12-31: 12-26T00:00:00..12-30T23:59:59", last]);
        assert_eq!(at("2026-12-25T12:00:00Z"), ["2026-12-31: 12-26T00:00:00..12-30T23:59:59", last]);
        assert_eq!(at("2026-12-25T15:00:00Z"), ["2026-12-31: ..12-30T23:59:59", last]);
    }

    #[test]
    fn midnight_is_part_of_the_day_off() {
        assert_eq!(
            of("cron(0 0 * * ? *)", SEOUL, &[date(2026, 12, 25)], NOW),
            ["2026-12-25: ..12-24T23:59:59", "the last: 12-26T00:00:00.."]
        );
        // In Beirut the clock is put forward at midnight.
        assert_eq!(
            of("cron(0 3 * * ? *)", "Asia/Beirut", &[date(2027, 3, 28)], NOW),
            ["2027-03-28: ..03-27T23:59:59", "the last: 03-29T00:00:00.."]
        );
    }

    proptest! {
        /// Whatever the days off, the segments together fire when the expression does, but on those days.
        #[test]
        fn together_they_fire_on_all_other_days(
            minute in 0_u8..60, hour in 0_u8..24, first in 1_u8..7, last in 1_u8..8,
            off in proptest::collection::btree_set(0_i64..60, 0..8),
            zone in prop_oneof![Just(SEOUL), Just("America/New_York"), Just("Asia/Beirut"), Just("UTC")],
            now in 0_i64..2_000,
        ) {
            let days = if first <= last { format!("{first}-{last}") } else { format!("{first},{last}") };
            let expression = Expression::parse(&format!("cron({minute} {hour} ? * {days} *)")).unwrap();
            let zone = TimeZone::get(zone).unwrap();
            let base = date(2027, 2, 15);
            let off: BTreeSet<Date> =
                off.into_iter().map(|n| base.checked_add(jiff::Span::new().days(n)).unwrap()).collect();
            let now = base.to_zoned(zone.clone()).unwrap().timestamp() + jiff::SignedDuration::from_mins(now);
            let today = now.to_zoned(zone.clone()).date();
            let ahead: BTreeSet<Date> = off.range(today..).copied().collect();
            let end = now + jiff::SignedDuration::from_hours(24 * 90);
            let times = |from: Timestamp, to: Timestamp| {
                let times = expression.next(from, &zone).map(|time| time.timestamp());
                times.take_while(move |time| *time <= to).collect::<Vec<_>>()
            };
            let mut fired = Vec::new();
            for segment in segments(&expression, &zone, &ahead, now) {
                let from = segment.start.map_or(now, |start| start - 1.second());
                fired.extend(times(from, segment.end.unwrap_or(end)));
            }
            let mut expected = times(now, end);
            expected.retain(|time| !off.contains(&time.to_zoned(zone.clone()).date()));
            prop_assert_eq!(fired, expected);
        }
    }
}
