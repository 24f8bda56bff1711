//! Calendars in iCalendar's format (RFC 5545): their events of whole days.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};

use super::components::{Event, events};
use super::rule::{Rule, WORK};
use super::{Calendar, Read, Recurring};
use crate::model::{Diagnostic, SourceFile};

/// An event that is longer is no day off.
const LONGEST: i64 = 366;

/// How many rules the events of a file may have together. Each is looked at whenever days are asked for.
pub(super) const RULES: usize = 2_000;

/// The days of a calendar's events. What has a time of the day is left out, with a warning.
pub(super) fn read(file: &Arc<SourceFile>, zone: &TimeZone) -> Read {
    let events = events(file)?;
    let mut reader = Reader { zone, rules: RULES, work: WORK };
    let mut calendar = Calendar::default();
    let (mut faults, mut timed) = (Vec::new(), Vec::new());
    for event in &events {
        match reader.days_of(event) {
            Ok(Days::None) => {}
            Ok(Days::Timed) => timed.push(event),
            Ok(Days::Once(first, last)) => calendar.ranges.push((first, last)),
            Ok(Days::Again(event)) => calendar.recurring.push(event),
            Err(why) => {
                let summary = format!("the event {:?} {why}", event.name());
                faults.push(Diagnostic::error(summary).at(event.place.clone()));
            }
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let warning = timed.first().map(|event| {
        let (be, many) = match timed.len() {
            1 => ("is", format!("the event {:?}", event.name())),
            count => ("are", format!("{count} events, the first of them {:?},", event.name())),
        };
        Diagnostic::warning(format!("{many} {be} not of whole days and left out")).at(event.place.clone())
    });
    Ok((calendar, warning.into_iter().collect()))
}

enum Days {
    None,
    /// With a time of the day.
    Timed,
    /// The first and the last day.
    Once(Date, Date),
    Again(Recurring),
}

/// What reads the events of a file, and what it may still cost.
struct Reader<'a> {
    zone: &'a TimeZone,
    rules: usize,
    work: u64,
}

impl Reader<'_> {
    /// The days of an event, or why they cannot be known, as the rest of a sentence.
    fn days_of(&mut self, event: &Event) -> Result<Days, String> {
        if event.text("STATUS").is_some_and(|status| status.eq_ignore_ascii_case("CANCELLED")) {
            return Ok(Days::None);
        }
        let start = event.text("DTSTART").ok_or("has no DTSTART")?;
        if start.contains('T') {
            return Ok(Days::Timed);
        }
        let first = date(start).ok_or_else(|| format!("has a DTSTART that is no date: {start:?}"))?;
        let length = length(first, event.text("DTEND"), event.text("DURATION"))?;
        if let Some(odd) = ["RECURRENCE-ID", "EXRULE"].into_iter().find(|name| event.text(name).is_some()) {
            return Err(format!(
                "has a {odd}, which is not supported: write its days as events of their own"
            ));
        }
        if ["RRULE", "RDATE", "EXDATE"].iter().all(|name| event.text(name).is_none()) {
            return Ok(Days::Once(first, super::last_of(first, length)));
        }
        let mut dates = self.dates(event, "RDATE")?;
        dates.insert(first);
        let except = self.dates(event, "EXDATE")?;
        let rules = event.texts("RRULE").map(|text| self.rule(text, first)).collect::<Result<_, _>>()?;
        Ok(Days::Again(Recurring { dates, rules, except, length }))
    }

    fn dates(&self, event: &Event, name: &str) -> Result<BTreeSet<Date>, String> {
        let dates = event.texts(name).flat_map(|list| list.split(','));
        let date = |text: &str| {
            self.day(text.trim()).ok_or_else(|| format!("has a date in {name} that is none: {text:?}"))
        };
        dates.map(date).collect()
    }

    fn rule(&mut self, text: &str, first: Date) -> Result<Rule, String> {
        self.rules = self.rules.checked_sub(1).ok_or_else(|| {
            format!(
                "has one rule too many: a file has {RULES} at most, so split it or leave out what is over"
            )
        })?;
        let (mut until, mut parts) = (None, Vec::new());
        for part in text.split(';').filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                Some((key, value)) if key.trim().eq_ignore_ascii_case("UNTIL") => {
                    let day = self.day(value.trim());
                    until = Some(day.ok_or_else(|| format!("has an UNTIL that is no date: {value:?}"))?);
                }
                _ => parts.push(part),
            }
        }
        Rule::read(&parts.join(";"), first, until, &mut self.work)
    }

    /// The day of a date, or of a time, which some programs write for events of whole days. A time in UTC has its day in
    /// the schedule's zone; the first and the last second of a day in UTC mean that day.
    fn day(&self, text: &str) -> Option<Date> {
        if let Some(time) = text.strip_suffix('Z') {
            let time = DateTime::strptime("%Y%m%dT%H%M%S", time).ok()?;
            if matches!((time.hour(), time.minute(), time.second()), (0, 0, 0) | (23, 59, 59)) {
                return Some(time.date());
            }
            return Some(time.to_zoned(TimeZone::UTC).ok()?.with_time_zone(self.zone.clone()).date());
        }
        date(text).or_else(|| DateTime::strptime("%Y%m%dT%H%M%S", text).ok().map(DateTime::date))
    }
}

/// How many days. DTEND is the first day after the event; some programs write the first day itself.
fn length(first: Date, end: Option<&str>, duration: Option<&str>) -> Result<i64, String> {
    let end = match (end, duration) {
        (Some(text), _) => date(text).ok_or_else(|| format!("has a DTEND that is no date: {text:?}"))?,
        (None, Some(text)) => {
            let span: Option<Span> = text.parse().ok();
            let end = span.and_then(|span| first.checked_add(span).ok());
            end.ok_or_else(|| format!("has a DURATION that is none of days: {text:?}"))?
        }
        (None, None) => first.checked_add(1.day()).map_err(|error| format!("never ends: {error}"))?,
    };
    match first.until(end).map(|span| i64::from(span.get_days())) {
        Ok(days) if days <= LONGEST => Ok(days.max(1)),
        _ => Err(format!("is longer than {LONGEST} days")),
    }
}

/// `20261225`
fn date(text: &str) -> Option<Date> {
    Date::strptime("%Y%m%d", text).ok()
}
