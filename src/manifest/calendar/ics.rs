//! Calendars in iCalendar's format (RFC 5545): its events of whole days.

use std::sync::Arc;

use icalendar::parser::{Component, Property, read_components, unfold};
use jiff::civil::Date;
use jiff::{Span, ToSpan};

use super::{Calendar, Read, Recurring, days_from};
use crate::model::{Diagnostic, Place, SourceFile};

/// An event that is longer is no day off.
const LONGEST: i64 = 366;

/// What a calendar begins an event with.
const BEGIN: &str = "BEGIN:VEVENT";

/// The days of a calendar's events. What has a time of the day is left out, with a warning.
pub(super) fn read(file: &Arc<SourceFile>) -> Read {
    let text = unfold(&file.text);
    let places = places(file);
    let roots = read_components(&text).unwrap_or_default();
    let events: Vec<&Component<'_>> = roots.iter().flat_map(|root| events_in(root)).collect();
    // The parser stops where it understands nothing more, and says only what it has read up to there.
    if events.len() != places.len() || roots.is_empty() {
        let summary = format!("`{}` is no calendar in iCalendar's format, or damaged", file.path);
        let place = places.get(events.len()).cloned().unwrap_or_else(|| Place::text(file, 0..0));
        return Err(vec![Diagnostic::error(summary).at(place).hint("export the calendar again as `.ics`")]);
    }
    let mut calendar = Calendar::default();
    let (mut faults, mut timed) = (Vec::new(), Vec::new());
    for (event, place) in events.into_iter().zip(&places) {
        match days_of(event) {
            Ok(Days::None) => {}
            Ok(Days::Timed) => timed.push((event, place)),
            Ok(Days::Once(first, length)) => calendar.days.extend(days_from(first, length)),
            Ok(Days::Again(event)) => calendar.recurring.push(event),
            Err(why) => {
                let summary = format!("the event {:?} {why}", name(event));
                faults.push(Diagnostic::error(summary).at(place.clone()));
            }
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let warning = timed.first().map(|(event, place)| {
        let (be, many) = match timed.len() {
            1 => ("is", format!("the event {:?}", name(event))),
            count => ("are", format!("{count} events, the first of them {:?},", name(event))),
        };
        Diagnostic::warning(format!("{many} {be} not of whole days and left out")).at((*place).clone())
    });
    Ok((calendar, warning.into_iter().collect()))
}

/// Where each event begins.
fn places(file: &Arc<SourceFile>) -> Vec<Place> {
    let mut places = Vec::new();
    let mut begin = 0;
    for line in file.text.split_inclusive('\n') {
        let shown = line.trim_end();
        if shown.eq_ignore_ascii_case(BEGIN) {
            places.push(Place::text(file, begin..begin + shown.len()));
        }
        begin += line.len();
    }
    places
}

fn events_in<'a>(component: &'a Component<'a>) -> Vec<&'a Component<'a>> {
    if component.name.as_str().eq_ignore_ascii_case("VEVENT") {
        return vec![component];
    }
    component.components.iter().flat_map(|inner| events_in(inner)).collect()
}

fn name<'a>(event: &'a Component<'_>) -> &'a str {
    event.find_prop("SUMMARY").or_else(|| event.find_prop("UID")).map_or("without a name", |p| p.val.as_str())
}

enum Days {
    None,
    /// With a time of the day.
    Timed,
    /// From this day on, so many days.
    Once(Date, i64),
    Again(Recurring),
}

/// The days of an event, or why they cannot be known, as the rest of a sentence.
fn days_of(event: &Component<'_>) -> Result<Days, String> {
    let text = |name: &str| event.find_prop(name).map(|property| property.val.as_str().trim());
    if text("STATUS").is_some_and(|status| status.eq_ignore_ascii_case("CANCELLED")) {
        return Ok(Days::None);
    }
    let start = text("DTSTART").ok_or("has no DTSTART")?;
    if start.contains('T') {
        return Ok(Days::Timed);
    }
    let first = date(start).ok_or_else(|| format!("has a DTSTART that is no date: {start:?}"))?;
    let length = length(first, text("DTEND"), text("DURATION"))?;
    if let Some(odd) = ["RECURRENCE-ID", "EXRULE"].into_iter().find(|name| text(name).is_some()) {
        return Err(format!("has a {odd}, which is not supported: write its days as events of their own"));
    }
    let listed = |name: &str| event.properties.iter().any(|property| property.name == name);
    if !listed("RRULE") && !listed("RDATE") {
        return Ok(Days::Once(first, length));
    }
    let rule = recurrence(event, first)
        .parse()
        .map_err(|error| format!("comes again by a rule that cannot be read: {error}"))?;
    Ok(Days::Again(Recurring { rule, length }))
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

/// The lines of an event that say when it comes, as the library for rules takes them: with times, midnight in UTC.
fn recurrence(event: &Component<'_>, first: Date) -> String {
    let mut lines = vec![format!("DTSTART:{}", midnight(&first.strftime("%Y%m%d").to_string()))];
    for property in &event.properties {
        let value = property.val.as_str();
        match property.name.as_str() {
            "RRULE" => {
                let parts = value.split(';').map(|part| match part.split_once('=') {
                    Some((key, until)) if key.eq_ignore_ascii_case("UNTIL") => {
                        format!("UNTIL={}", midnight(until))
                    }
                    _ => part.to_owned(),
                });
                lines.push(format!("RRULE:{}", parts.collect::<Vec<_>>().join(";")));
            }
            "RDATE" | "EXDATE" => lines.push(listed_dates(property, value)),
            _ => {}
        }
    }
    lines.join("\n")
}

fn listed_dates(property: &Property<'_>, value: &str) -> String {
    let dates: Vec<String> = value.split(',').map(|date| midnight(date.trim())).collect();
    format!("{}:{}", property.name.as_str(), dates.join(","))
}

/// `20261225` as `20261225T000000Z`. Of a time its day counts: the event has whole days.
fn midnight(text: &str) -> String {
    let day = text.split('T').next().unwrap_or(text);
    format!("{day}T000000Z")
}
