//! From two expressions to the times at which alarms are muted, in CloudWatch's grammar.
//!
//! A mute rule begins whenever an expression of its own says so and takes the same time each time. So there is one for each
//! time of the day and length that a week has, and one that comes once for each stop that is longer than its week says: before
//! a day off, and in the night in which the clock is put back. Where a day off leaves things running that its week would
//! mute, the weekly rule ends before it, and another begins after it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};

use crate::cron::{DAY, Expression, WEEK};

/// The longest time that a mute rule takes (`Schedule` in the CloudWatch API reference).
const LONGEST: SignedDuration = SignedDuration::from_hours(15 * 24);

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// How far back things may have been stopped. A day off that is longer ago muted what is running again.
pub(super) const BACK: i64 = 100;

/// The days of the week in CloudWatch's cron expressions.
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// When something stops and starts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hours<'a> {
    pub(super) start: &'a Expression,
    pub(super) stop: &'a Expression,
    pub(super) zone: &'a TimeZone,
    /// The days on which it does neither, from [`BACK`] days ago to `until`.
    pub(super) days_off: &'a BTreeSet<Date>,
    /// The last day that is looked at.
    pub(super) until: Date,
    /// How long alarms stay muted after a start.
    pub(super) grace: SignedDuration,
    pub(super) now: Timestamp,
}

/// The times of one mute rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mute {
    /// What tells it from others of the same schedule: `fri-1900`, `fri-1900.until-2026-12-25`, `at-2026-12-24-1900`.
    pub(super) name: String,
    /// `cron(0 19 * * FRI)` or `at(2026-12-24T19:00)`.
    pub(super) expression: String,
    pub(super) duration: SignedDuration,
    /// When it begins to count, in whole minutes; nothing where it does.
    pub(super) start: Option<Timestamp>,
    /// When it counts no more.
    pub(super) expire: Option<Timestamp>,
}

/// Why alarms cannot be muted between these, as the rest of a sentence about `mute_alarms`.
pub(super) fn fault(start: &Expression, stop: &Expression) -> Option<String> {
    for (key, expression) in [("start", start), ("stop", stop)] {
        if expression.weekly().is_none() {
            return Some(format!(
                "mutes by the week, and `{key}` is not alike every week: mute rules of CloudWatch have a fixed length"
            ));
        }
    }
    let both = start.weekly()?.intersection(&stop.weekly()?).next().is_some();
    both.then(|| "cannot tell whether things run: `start` and `stop` have a time in common".to_owned())
}

/// A span of time: from, and up to but without.
type Span = (Timestamp, Timestamp);

/// A weekly rule before days off are looked at.
struct Weekly {
    /// Minutes since midnight.
    time: u16,
    /// Days of the week from Sunday.
    days: BTreeSet<u16>,
    duration: SignedDuration,
}

/// The mute rules for what is stopped and started so.
pub(super) fn mutes(hours: Hours<'_>) -> Vec<Mute> {
    let stopped = stopped(hours);
    let mut muted = Vec::new();
    let mut mutes = Vec::new();
    for weekly in weeklies(hours) {
        let (kept, left_out): (Vec<Span>, Vec<Span>) =
            weekly.spans(hours).into_iter().partition(|span| !is_left_out(hours, &stopped, *span));
        mutes.extend(weekly.mutes(hours, &kept, &left_out));
        // A rule that ends before a time that is left out may end what it had begun, too.
        let ends = |span: Span| left_out.iter().map(|out| out.0 - MINUTE).find(|end| *end > span.0);
        muted.extend(kept.into_iter().map(|span| (span.0, ends(span).map_or(span.1, |end| end.min(span.1)))));
    }
    let muted = united(muted);
    let longer = stopped.iter().filter(|span| span.1 > hours.now && !covers(&muted, **span));
    mutes.extend(longer.flat_map(|span| once(hours, *span)));
    mutes
}

/// When things are stopped, and a little after they were started again.
fn stopped(hours: Hours<'_>) -> Vec<Span> {
    let from = hours.now - SignedDuration::from_hours(24 * BACK);
    let times = |expression: &Expression, stops: bool| {
        let times = expression.next(from, hours.zone).map(|time| (time, stops));
        // A last stop before the end has its start after it.
        let times = times
            .take_while(|(time, _)| time.date() <= hours.until.saturating_add(jiff::Span::new().days(BACK)));
        times.filter(|(time, _)| !hours.days_off.contains(&time.date())).collect::<Vec<_>>()
    };
    let mut events: Vec<(Zoned, bool)> = times(hours.start, false);
    events.extend(times(hours.stop, true));
    events.sort();
    let mut spans = Vec::new();
    let mut since: Option<Zoned> = None;
    for (time, stops) in events {
        match (stops, &since) {
            (true, None) => since = Some(time),
            (false, Some(stop)) => {
                if stop.date() <= hours.until {
                    spans.push((stop.timestamp(), time.timestamp() + hours.grace));
                }
                since = None;
            }
            _ => {}
        }
    }
    spans
}

/// The stops of a week that follow a start, by their time of the day and their length.
fn weeklies(hours: Hours<'_>) -> Vec<Weekly> {
    let (Some(starts), Some(stops)) = (hours.start.weekly(), hours.stop.weekly()) else {
        return Vec::new();
    };
    let next = |times: &BTreeSet<u16>, after: u16| {
        let time = times.range(after + 1..).next().copied();
        time.or_else(|| times.first().map(|first| first + WEEK)).map(|time| time - after)
    };
    let mut groups: BTreeMap<(u16, u16), BTreeSet<u16>> = BTreeMap::new();
    for &stop in &stops {
        // Another stop that comes before the next start is within the time of the first.
        let before = |times: &BTreeSet<u16>| {
            let time = times.range(..stop).next_back().copied();
            time.map(i32::from).or_else(|| times.last().map(|last| i32::from(*last) - i32::from(WEEK)))
        };
        if let (Some(length), true) = (next(&starts, stop), before(&starts) > before(&stops)) {
            groups.entry((stop % DAY, length)).or_default().insert(stop / DAY);
        }
    }
    let weekly = |((time, length), days)| Weekly {
        time,
        days,
        duration: SignedDuration::from_mins(i64::from(length)) + hours.grace,
    };
    groups.into_iter().map(weekly).collect()
}

impl Weekly {
    /// When it would mute, also what began before now.
    fn spans(&self, hours: Hours<'_>) -> Vec<Span> {
        let days: Vec<&str> =
            self.days.iter().filter_map(|day| DAYS.get(usize::from(*day))).copied().collect();
        let text = format!("cron({} {} ? * {} *)", self.time % 60, self.time / 60, days.join(","));
        let Ok(expression) = Expression::parse(&text) else { return Vec::new() };
        let from = hours.now - SignedDuration::from_hours(24 * BACK);
        let times = expression.next(from, hours.zone).take_while(|time| time.date() <= hours.until);
        times.map(|time| (time.timestamp(), time.timestamp() + self.duration)).collect()
    }

    /// The rules between the spans that are left out.
    fn mutes(&self, hours: Hours<'_>, kept: &[Span], left_out: &[Span]) -> Vec<Mute> {
        let mut mutes = Vec::new();
        let mut begin = None;
        let mut cuts: Vec<Option<Timestamp>> =
            left_out.iter().filter(|span| span.1 > hours.now).map(|span| Some(span.0)).collect();
        cuts.push(None);
        for cut in cuts {
            let within = kept.iter().filter(|span| {
                begin.is_none_or(|begin| span.0 >= begin)
                    && cut.is_none_or(|cut| span.0 < cut)
                    && span.1 > hours.now
            });
            if let Some(first) = within.min() {
                let start = begin.map(|_| first.0 - MINUTE).filter(|start| *start > hours.now);
                let date = cut.map(|cut| cut.to_zoned(hours.zone.clone()).date());
                let until = date.map_or_else(String::new, |date| format!(".until-{date}"));
                mutes.push(Mute {
                    name: format!("{}{until}", self.name()),
                    expression: self.expression(),
                    duration: self.duration,
                    start,
                    expire: cut.map(|cut| cut - MINUTE),
                });
            }
            begin = cut;
        }
        mutes
    }

    /// `fri-1900`, after the first of its days from Monday on.
    fn name(&self) -> String {
        let first = self.days.iter().min_by_key(|day| (**day + 6) % 7).copied().unwrap_or_default();
        let day = DAYS.get(usize::from(first)).copied().unwrap_or_default().to_ascii_lowercase();
        format!("{day}-{:02}{:02}", self.time / 60, self.time % 60)
    }

    /// In CloudWatch's grammar: five fields, of which the last holds days of the week.
    fn expression(&self) -> String {
        let days = if self.days.len() == DAYS.len() { "*".to_owned() } else { day_list(&self.days) };
        format!("cron({} {} * * {days})", self.time % 60, self.time / 60)
    }
}

/// `MON-FRI`, `SUN,TUE`
fn day_list(days: &BTreeSet<u16>) -> String {
    let mut runs: Vec<(u16, u16)> = Vec::new();
    for &day in days {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == day => *last = day,
            _ => runs.push((day, day)),
        }
    }
    let name = |day: u16| DAYS.get(usize::from(day)).copied().unwrap_or_default();
    let run = |(first, last): (u16, u16)| match last - first {
        0 => name(first).to_owned(),
        1 => format!("{},{}", name(first), name(last)),
        _ => format!("{}-{}", name(first), name(last)),
    };
    runs.into_iter().map(run).collect::<Vec<_>>().join(",")
}

/// Whether a day off leaves things running in this time. The night in which the clock is put forward does not: it is an hour
/// shorter than its rule, which mutes an hour more.
fn is_left_out(hours: Hours<'_>, stopped: &[Span], span: Span) -> bool {
    let day = span.0.to_zoned(hours.zone.clone()).date();
    let offset = |time: Timestamp| hours.zone.to_offset(time).seconds();
    let shorter = SignedDuration::from_secs(i64::from((offset(span.1) - offset(span.0)).max(0)));
    hours.days_off.contains(&day) && !covers(&united(stopped.to_vec()), (span.0, span.1 - shorter))
}

/// One rule, or several where it takes longer than one may, that mute this time once.
fn once(hours: Hours<'_>, (from, to): Span) -> Vec<Mute> {
    let mut mutes = Vec::new();
    let mut from = from;
    while from < to {
        let duration = from.duration_until(to).min(LONGEST);
        let local = from.to_zoned(hours.zone.clone());
        if from + duration > hours.now {
            mutes.push(Mute {
                name: local.strftime("at-%Y-%m-%d-%H%M").to_string(),
                expression: local.strftime("at(%Y-%m-%dT%H:%M)").to_string(),
                duration,
                start: None,
                expire: None,
            });
        }
        from += duration;
    }
    mutes
}

/// The same time in spans that do not touch, in order.
fn united(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_unstable();
    let mut united: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match united.last_mut() {
            Some(last) if span.0 <= last.1 => last.1 = last.1.max(span.1),
            _ => united.push(span),
        }
    }
    united
}

/// Whether all of a span lies in united ones.
fn covers(united: &[Span], span: Span) -> bool {
    let after = united.partition_point(|one| one.0 <= span.0);
    after > 0 && united[after - 1].1 >= span.1
}

#[cfg(test)]
mod tests;
