//! Days off: lists of dates, and calendar files of people and countries.

mod components;
mod ics;
mod list;
mod rule;

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Span;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::sheet::{FileFault, Files};
use super::value::Data;
use super::{FromValue, Reading, Value};
use super::{Placed, path_beside};
use crate::model::{Diagnostic, Diagnostics, SourceFile};

/// The endings of calendar files, for hints.
const FORMATS: &str =
    "a calendar is an `.ics` file, or a list of dates as `.csv`, `.tsv`, `.txt` or workbook";

/// Days, some of which come again every year or week.
#[derive(Clone, Debug, Default)]
pub struct Calendar {
    days: BTreeSet<Date>,
    /// The first and the last day of each.
    ranges: Vec<(Date, Date)>,
    recurring: Vec<Recurring>,
}

/// An event of whole days that comes again. Its first days are those of the dates and rules, without the exceptions.
#[derive(Clone, Debug)]
struct Recurring {
    dates: BTreeSet<Date>,
    rules: Vec<rule::Rule>,
    except: BTreeSet<Date>,
    /// How many days it takes.
    length: i64,
}

impl Recurring {
    /// The first and the last day of each time it comes, of those that take a day from the first to the last.
    fn between(&self, first: Date, last: Date) -> impl Iterator<Item = (Date, Date)> {
        let first = first.saturating_sub(Span::new().days(self.length - 1));
        let listed = self.dates.range(first..=last).copied();
        let by_rule = self.rules.iter().flat_map(move |rule| rule.between(first, last).0);
        let begins = listed.chain(by_rule).filter(|day| !self.except.contains(day));
        begins.map(|day| (day, last_of(day, self.length)))
    }
}

impl Calendar {
    /// The days from the first to the last, both included.
    pub fn between(&self, first: Date, last: Date) -> BTreeSet<Date> {
        let mut ranges: Vec<(Date, Date)> = self.ranges.clone();
        ranges.extend(self.recurring.iter().flat_map(|event| event.between(first, last)));
        ranges.retain(|range| range.0 <= last && range.1 >= first);
        ranges.sort_unstable();
        let mut days: BTreeSet<Date> = self.days.range(first..=last).copied().collect();
        // Ranges that lie over each other, such as a long event that comes daily, give each day once.
        let mut next = Some(first);
        for range in ranges {
            while let Some(day) = next.map(|day| day.max(range.0)).filter(|day| *day <= range.1.min(last)) {
                days.insert(day);
                next = day.tomorrow().ok();
            }
        }
        days
    }

    fn extend(&mut self, other: Self) {
        self.days.extend(other.days);
        self.ranges.extend(other.ranges);
        self.recurring.extend(other.recurring);
    }
}

/// The last of so many days from this one on.
fn last_of(first: Date, length: i64) -> Date {
    first.saturating_add(Span::new().days(length - 1))
}

/// Days as a manifest writes them: dates, ranges of dates, and calendar files.
#[derive(Clone, Debug, PartialEq)]
pub struct DaysOff(Vec<Item>);

#[derive(Clone, Debug, PartialEq)]
enum Item {
    /// The first and the last day.
    Days(Date, Date),
    /// A file's path as it is written.
    File(Placed<String>),
}

impl DaysOff {
    /// The days, with what the files say that were read; `None` after every problem was recorded. A calendar file may
    /// write times in UTC, which have their day in `zone`.
    pub fn calendar(&self, files: &Files, zone: &TimeZone, problems: &mut Diagnostics) -> Option<Calendar> {
        let mut calendar = Calendar::default();
        let mut complete = true;
        for item in &self.0 {
            match item {
                Item::Days(first, last) => calendar.ranges.push((*first, *last)),
                Item::File(path) => match from_file(path, files, zone, problems) {
                    Some(read) => calendar.extend(read),
                    None => complete = false,
                },
            }
        }
        complete.then_some(calendar)
    }

    /// The files that a value names, by the paths under which they must be read.
    pub fn files_of(value: &Value) -> Vec<String> {
        let items = match &value.data {
            Data::List(items) => items.as_slice(),
            _ => std::slice::from_ref(value),
        };
        let path = |item: &Value| {
            let Data::Table(table) = &item.data else { return None };
            let file = &table.get("file")?.value;
            Some(path_beside(&file.place, file.as_str()?))
        };
        items.iter().filter_map(path).collect()
    }
}

impl FromValue for DaysOff {
    fn expected() -> String {
        "a list of dates such as [\"2026-12-25\", \"2026-12-28..2026-12-31\"], or { file = \"holidays.ics\" }"
            .to_owned()
    }

    fn from_value(value: &Value, reading: &mut Reading<'_>) -> Option<Self> {
        match &value.data {
            Data::List(items) => {
                let items: Vec<Option<Item>> = items.iter().map(|one| item(one, reading)).collect();
                items.into_iter().collect::<Option<_>>().map(Self)
            }
            Data::Table(_) => Some(Self(vec![item(value, reading)?])),
            _ => {
                reading.unexpected(value, &Self::expected());
                None
            }
        }
    }
}

fn item(value: &Value, reading: &mut Reading<'_>) -> Option<Item> {
    let days = match &value.data {
        Data::String(text) | Data::Datetime(text) => range(text),
        Data::Table(table) => {
            let file = table.get("file").map(|entry| &entry.value);
            if let (Some(file), 1) = (file, table.entries().len()) {
                let path = String::from_value(file, reading)?;
                return Some(Item::File(Placed { value: path, place: file.place.clone() }));
            }
            Err("a calendar is written `{ file = \"holidays.ics\" }`".to_owned())
        }
        _ => {
            reading.unexpected(value, "a date, a range of dates or a file");
            return None;
        }
    };
    match days {
        Ok((first, last)) => Some(Item::Days(first, last)),
        Err(hint) => {
            let written = match &value.data {
                Data::String(text) | Data::Datetime(text) => format!("{text:?} is no date"),
                _ => "this is no calendar".to_owned(),
            };
            let summary = format!("`{}`: {written}", reading.field);
            reading.problem(Diagnostic::error(summary).at(value.place.clone()).hint(hint));
            None
        }
    }
}

/// `2026-12-25`, or `2026-12-24..2026-12-31` with both ends.
fn range(text: &str) -> Result<(Date, Date), String> {
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    match (date(first), date(last)) {
        (Some(first), Some(last)) if first <= last => Ok((first, last)),
        (Some(first), Some(last)) => Err(format!("the range ends before it begins: {last}..{first}?")),
        _ => Err("write a day such as 2026-12-25, or a range such as 2026-12-24..2026-12-31".to_owned()),
    }
}

/// A day of the calendar and nothing else: a time of the day would promise what is not kept.
fn date(text: &str) -> Option<Date> {
    Date::strptime("%Y-%m-%d", text.trim()).ok()
}

fn from_file(
    path: &Placed<String>,
    files: &Files,
    zone: &TimeZone,
    problems: &mut Diagnostics,
) -> Option<Calendar> {
    let shown = path_beside(&path.place, &path.value);
    let mut refuse = |summary: String, hint: &str| {
        problems.push(Diagnostic::error(summary).at(path.place.clone()).hint(hint));
        None
    };
    let bytes = match files.get(&shown) {
        Some(Ok(bytes)) => bytes.get(),
        None | Some(Err(FileFault::Missing)) => {
            let hint = "a path is relative to the folder of the manifest file that names it";
            return refuse(format!("there is no file `{shown}`"), hint);
        }
        Some(Err(FileFault::Other(fault))) => return refuse(format!("`{shown}` {fault}"), FORMATS),
    };
    let found = if shown.to_ascii_lowercase().ends_with(".ics") {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return refuse(format!("`{shown}` is not UTF-8 text"), "export the calendar again");
        };
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).to_owned();
        ics::read(&Arc::new(SourceFile { path: shown.clone(), text }), zone)
    } else {
        list::read(&shown, bytes, &path.place)
    };
    match found {
        Ok((calendar, warnings)) => {
            problems.extend(warnings);
            Some(calendar)
        }
        Err(faults) => {
            problems.extend(faults);
            None
        }
    }
}

/// A calendar with warnings, or every error.
type Read = Result<(Calendar, Vec<Diagnostic>), Vec<Diagnostic>>;

#[cfg(test)]
mod tests;
