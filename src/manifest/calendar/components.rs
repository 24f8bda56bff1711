//! The lines of a calendar in iCalendar's format (RFC 5545, section 3.1): its events with their properties.

use std::sync::Arc;

use crate::model::{Diagnostic, Place, SourceFile};

/// How deep components lie in each other at most. An alarm of an event of a calendar is the third.
const DEEPEST: usize = 20;

/// An event with its properties as they are written, without their parameters.
pub(super) struct Event {
    pub(super) place: Place,
    properties: Vec<(String, String)>,
}

impl Event {
    /// The value of the first property of this name, in capitals.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.texts(name).next()
    }

    /// The values of every property of this name.
    pub(super) fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.properties.iter().filter(move |(key, _)| key == name);
        named.map(|(_, value)| value.trim())
    }

    pub(super) fn name(&self) -> &str {
        self.text("SUMMARY").or_else(|| self.text("UID")).unwrap_or("without a name")
    }
}

/// A component that has begun, and the event that it is.
struct Open {
    name: String,
    place: Place,
    event: Option<usize>,
}

/// The events of all calendars in a file.
pub(super) fn events(file: &Arc<SourceFile>) -> Result<Vec<Event>, Vec<Diagnostic>> {
    let mut events: Vec<Event> = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    let mut any = false;
    for (line, place) in lines(file) {
        let Some((name, value)) = property(&line) else { return Err(damaged(file, open.last())) };
        match name.as_str() {
            "BEGIN" if open.len() == DEEPEST => {
                let summary = format!("`{}` has components that lie deeper than {DEEPEST}", file.path);
                let hint = "a calendar needs no more than three";
                return Err(vec![Diagnostic::error(summary).at(place).hint(hint)]);
            }
            "BEGIN" => {
                any = true;
                let name = value.trim().to_ascii_uppercase();
                let event = (name == "VEVENT").then_some(events.len());
                if event.is_some() {
                    events.push(Event { place: place.clone(), properties: Vec::new() });
                }
                open.push(Open { name, place, event });
            }
            "END" => {
                if open.last().is_none_or(|last| !last.name.eq_ignore_ascii_case(value.trim())) {
                    return Err(damaged(file, open.last()));
                }
                open.pop();
            }
            _ => match open.last() {
                Some(Open { event: Some(event), .. }) => {
                    events[*event].properties.push((name, value.to_owned()));
                }
                Some(_) => {}
                None => return Err(damaged(file, None)),
            },
        }
    }
    if any && open.is_empty() { Ok(events) } else { Err(damaged(file, open.last())) }
}

fn damaged(file: &Arc<SourceFile>, within: Option<&Open>) -> Vec<Diagnostic> {
    let place = within.map_or_else(|| Place::text(file, 0..0), |open| open.place.clone());
    let summary = format!("`{}` is no calendar in iCalendar's format, or damaged", file.path);
    vec![Diagnostic::error(summary).at(place).hint("export the calendar again as `.ics`")]
}

/// The lines with something in them, each with what follows in folded ones, and where it begins.
fn lines(file: &Arc<SourceFile>) -> Vec<(String, Place)> {
    let mut lines: Vec<(String, Place)> = Vec::new();
    let mut begin = 0;
    for written in file.text.split_inclusive('\n') {
        let line = written.strip_suffix('\n').unwrap_or(written);
        let line = line.strip_suffix('\r').unwrap_or(line);
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(more), Some((last, _))) => last.push_str(more),
            _ if line.trim().is_empty() => {}
            _ => {
                let place = Place::text(file, begin..begin + line.trim_end().len());
                lines.push((line.to_owned(), place));
            }
        }
        begin += written.len();
    }
    lines
}

/// Name, in capitals, and value of a line. Parameters stand between them; in quotation marks they may have colons.
fn property(line: &str) -> Option<(String, &str)> {
    let mut quoted = false;
    let colon = line.find(|c: char| {
        quoted ^= c == '"';
        c == ':' && !quoted
    })?;
    let (head, value) = (&line[..colon], &line[colon + 1..]);
    let name = head.split(';').next().unwrap_or(head).trim();
    (!name.is_empty()).then(|| (name.to_ascii_uppercase(), value))
}
