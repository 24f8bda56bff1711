use std::collections::BTreeSet;

use jiff::ToSpan;
use jiff::civil::date;
use proptest::prelude::*;

use super::*;

const DAYTIME: (&str, &str) = ("cron(0 9 ? * MON-FRI *)", "cron(0 19 ? * MON-FRI *)");
const NOW: &str = "2026-12-21T03:00:00Z";

/// The rules of these expressions as `name: expression duration start..expire`.
fn of((start, stop): (&str, &str), zone: &str, off: &[Date], now: &str) -> Vec<String> {
    let (start, stop) = (Expression::parse(start).unwrap(), Expression::parse(stop).unwrap());
    assert_eq!(fault(&start, &stop), None);
    let zone = TimeZone::get(zone).unwrap();
    let now: Timestamp = now.parse().unwrap();
    let mutes = mutes(Hours {
        start: &start,
        stop: &stop,
        zone: &zone,
        days_off: &off.iter().copied().collect(),
        until: now.to_zoned(zone.clone()).date().saturating_add(90.days()),
        grace: SignedDuration::from_mins(10),
        now,
    });
    let line = |mute: Mute| {
        let time = |time: Option<Timestamp>| {
            time.map_or_else(String::new, |time| {
                time.to_zoned(zone.clone()).strftime("%m-%dT%H:%M").to_string()
            })
        };
        let (start, expire) = (time(mute.start), time(mute.expire));
        let dates =
            if start.is_empty() && expire.is_empty() { String::new() } else { format!(" {start}..{expire}") };
        format!("{}: {} {}{dates}", mute.name, mute.expression, mute.duration)
    };
    mutes.into_iter().map(line).collect()
}

const NIGHTS: &str = "mon-1900: cron(0 19 * * MON-THU) PT14H10M";
const WEEKEND: &str = "fri-1900: cron(0 19 * * FRI) PT62H10M";

#[test]
fn a_week_has_a_rule_for_each_length() {
    assert_eq!(of(DAYTIME, "Asia/Seoul", &[], NOW), [NIGHTS, WEEKEND]);
    let daily = ("cron(30 7 * * ? *)", "cron(0 22 * * ? *)");
    assert_eq!(of(daily, "UTC", &[], NOW), ["mon-2200: cron(0 22 * * *) PT9H40M"]);
    // Only the first of several stops before a start counts.
    let twice = ("cron(0 9 ? * MON,WED *)", "cron(0 19,22 ? * TUE-FRI,SUN *)");
    assert_eq!(
        of(twice, "UTC", &[], NOW),
        ["tue-1900: cron(0 19 * * TUE) PT14H10M", "wed-1900: cron(0 19 * * WED) PT110H10M"]
    );
}

#[test]
fn a_day_off_after_a_stop_is_muted_once() {
    // Of Thursday and Friday before Christmas in Seoul: from Wednesday evening to Monday morning.
    assert_eq!(
        of(DAYTIME, "Asia/Seoul", &[date(2026, 12, 24), date(2026, 12, 25)], NOW),
        [NIGHTS, WEEKEND, "at-2026-12-23-1900: at(2026-12-23T19:00) PT110H10M"]
    );
    // A single day between two nights is between two rules: the gap counts.
    assert_eq!(
        of(DAYTIME, "Asia/Seoul", &[date(2026, 12, 23)], NOW),
        [NIGHTS, WEEKEND, "at-2026-12-22-1900: at(2026-12-22T19:00) PT38H10M"]
    );
    // While it lasts it stays, and then it goes.
    let at = |now: &str| of(DAYTIME, "Asia/Seoul", &[date(2026, 12, 23)], now).len();
    assert_eq!((at("2026-12-24T00:09:59Z"), at("2026-12-24T00:10:00Z")), (3, 2));
}

#[test]
fn more_than_fifteen_days_are_several_rules() {
    let off: Vec<Date> = (0..20).map(|n| date(2026, 12, 24).saturating_add(n.days())).collect();
    assert_eq!(
        of(DAYTIME, "UTC", &off, NOW)[2..],
        [
            "at-2026-12-23-1900: at(2026-12-23T19:00) PT360H",
            "at-2027-01-07-1900: at(2027-01-07T19:00) PT134H10M"
        ]
    );
}

#[test]
fn a_day_off_on_which_things_run_is_not_muted() {
    let night = ("cron(0 20 * * ? *)", "cron(0 8 * * ? *)");
    assert_eq!(
        of(night, "UTC", &[date(2026, 12, 24)], NOW),
        [
            "mon-0800.until-2026-12-24: cron(0 8 * * *) PT12H10M ..12-24T07:59",
            "mon-0800: cron(0 8 * * *) PT12H10M 12-25T07:59..",
        ]
    );
    // On the evening after, the first part is over, and the last one has not begun.
    assert_eq!(
        of(night, "UTC", &[date(2026, 12, 24)], "2026-12-24T20:00:00Z"),
        ["mon-0800: cron(0 8 * * *) PT12H10M 12-25T07:59.."]
    );
    assert_eq!(
        of(night, "UTC", &[date(2026, 12, 24)], "2026-12-25T07:59:00Z"),
        ["mon-0800: cron(0 8 * * *) PT12H10M"]
    );
}

#[test]
fn the_night_in_which_the_clock_is_put_back_is_longer() {
    let daily = ("cron(0 9 * * ? *)", "cron(0 19 * * ? *)");
    assert_eq!(
        of(daily, "Europe/Berlin", &[], "2026-10-01T00:00:00Z"),
        ["mon-1900: cron(0 19 * * *) PT14H10M", "at-2026-10-24-1900: at(2026-10-24T19:00) PT15H10M"]
    );
    assert_eq!(
        of(daily, "Europe/Berlin", &[], "2027-03-01T00:00:00Z"),
        ["mon-1900: cron(0 19 * * *) PT14H10M"]
    );
}

#[test]
fn what_no_week_repeats_is_refused() {
    let why = |start: &str, stop: &str| {
        fault(&Expression::parse(start).unwrap(), &Expression::parse(stop).unwrap()).unwrap()
    };
    assert!(why("cron(0 9 1 * ? *)", DAYTIME.1).contains("`start` is not alike every week"));
    assert!(why(DAYTIME.0, "rate(1 day)").contains("`stop` is not alike every week"));
    assert!(why(DAYTIME.0, "cron(0 9 ? * FRI *)").contains("have a time in common"));
}

/// An expression, and the minutes of the week that it means; not in the small hours, in which clocks are put forward and back.
fn times() -> impl Strategy<Value = (String, BTreeSet<u16>)> {
    let days = proptest::collection::btree_set(0_u16..7, 1..7);
    let hours = proptest::collection::btree_set(4_u16..24, 1..3);
    (days, hours, 0_u16..60).prop_map(|(days, hours, minute)| {
        let list = |numbers: Vec<u16>| numbers.iter().map(u16::to_string).collect::<Vec<_>>().join(",");
        let named = list(days.iter().map(|day| day + 1).collect());
        let text = format!("cron({minute} {} ? * {named} *)", list(hours.iter().copied().collect()));
        let of_day = |day: &u16| hours.iter().map(|hour| day * DAY + hour * 60 + minute).collect::<Vec<_>>();
        (text, days.iter().flat_map(of_day).collect())
    })
}

/// A reading of a rule's expression that has nothing in common with what wrote it.
enum Begins {
    Once(jiff::civil::DateTime),
    /// In these minutes of the week.
    Weekly(BTreeSet<u16>),
}

impl Begins {
    fn of(mute: &Mute) -> Self {
        let (kind, inner) = mute.expression.trim_end_matches(')').split_once('(').unwrap();
        if kind == "at" {
            return Self::Once(format!("{inner}:00").parse().unwrap());
        }
        let fields: Vec<&str> = inner.split(' ').collect();
        assert_eq!((kind, fields.len(), fields[2], fields[3]), ("cron", 5, "*", "*"));
        let place = |name: &str| u16::try_from(DAYS.iter().position(|day| *day == name).unwrap()).unwrap();
        let days = fields[4].split(',').flat_map(|range| match range.split_once('-') {
            Some((first, last)) => (place(first)..=place(last)).collect::<Vec<_>>(),
            None if range == "*" => (0..7).collect(),
            None => vec![place(range)],
        });
        let number = |field: &str| field.parse::<u16>().unwrap();
        Self::Weekly(days.map(|day| day * DAY + number(fields[1]) * 60 + number(fields[0])).collect())
    }

    fn at(&self, time: &Zoned, of_week: u16) -> bool {
        match self {
            Self::Once(once) => time.datetime() == *once,
            Self::Weekly(minutes) => minutes.contains(&of_week),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Minute by minute over six weeks: whatever is stopped is muted, and what runs is muted only shortly after its start, or in
    /// the hour that a night is shorter by.
    #[test]
    fn alarms_are_muted_while_things_are_stopped(
        (start, starts) in times(),
        (stop, stops) in times(),
        off in proptest::collection::btree_set(3_i64..40, 0..6),
        zone in prop_oneof![Just("Asia/Seoul"), Just("Europe/Berlin"), Just("America/New_York")],
        first in 0_i64..250,
    ) {
        prop_assume!(starts.is_disjoint(&stops));
        let zone = TimeZone::get(zone).unwrap();
        let (from, grace) = (date(2026, 2, 1).saturating_add(first.days()), 10);
        let now = from.to_zoned(zone.clone()).unwrap().timestamp();
        let off: BTreeSet<Date> = off.into_iter().map(|n| from.saturating_add(n.days())).collect();
        let (start, stop) = (Expression::parse(&start).unwrap(), Expression::parse(&stop).unwrap());
        let rules = mutes(Hours {
            start: &start, stop: &stop, zone: &zone, days_off: &off, until: from.saturating_add(100.days()),
            grace: SignedDuration::from_mins(grace), now,
        });
        for rule in &rules {
            prop_assert!(rule.duration >= SignedDuration::from_mins(1) && rule.duration <= LONGEST);
        }
        // Nobody knows what was before the first start.
        let mut stopped: Option<bool> = None;
        let (mut started, mut muted_until) = (now, now);
        let (mut shifted, mut shorter) = (now, SignedDuration::ZERO);
        let mut offset = zone.to_offset(now).seconds();
        let begins: Vec<Begins> = rules.iter().map(Begins::of).collect();
        for minute in 0..42 * 1440_i64 {
            let at = now + SignedDuration::from_mins(minute);
            let time = at.to_zoned(zone.clone());
            let day = u16::from(time.weekday().to_sunday_zero_offset().unsigned_abs());
            let of_day = u16::from(time.hour().unsigned_abs()) * 60 + u16::from(time.minute().unsigned_abs());
            let of_week = day * DAY + of_day;
            let works = !off.contains(&time.date());
            if works && stops.contains(&of_week) {
                stopped = stopped.map(|_| true);
            } else if works && starts.contains(&of_week) {
                if stopped != Some(false) {
                    started = at;
                }
                stopped = Some(false);
            }
            // An hour that a week is shorter by is muted at its end.
            let shift = time.offset().seconds() - offset;
            if shift > 0 {
                (shifted, shorter) = (at, SignedDuration::from_secs(i64::from(shift)));
            }
            let within_a_week = started.duration_since(shifted) <= SignedDuration::from_hours(24 * 8);
            let allowed = SignedDuration::from_mins(grace)
                + if within_a_week { shorter } else { SignedDuration::ZERO };
            offset = time.offset().seconds();
            for (rule, begins) in rules.iter().zip(&begins) {
                let counts = rule.start.is_none_or(|start| at >= start) && rule.expire.is_none_or(|end| at <= end);
                if counts && begins.at(&time, of_week) {
                    muted_until = muted_until.max(at + rule.duration);
                }
            }
            let muted = at < muted_until;
            if stopped == Some(true) {
                prop_assert!(muted, "{time} is stopped and not muted: {rules:?}");
            } else if stopped == Some(false) && muted {
                prop_assert!(at < started + allowed, "{time} runs since {started} and is muted: {rules:?}");
            }
        }
    }
}
