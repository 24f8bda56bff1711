//! The key `except`: days on which a schedule neither starts nor stops.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};
use std::collections::BTreeSet;

use crate::declarations::Context;
use crate::manifest::{self, Calendar, DaysOff, TableReader};
use crate::model::{Diagnostic, Place};

/// How far ahead days off are looked at. Each costs a schedule on AWS, and calendars reach years ahead.
const AHEAD: fn() -> Span = || 12.months();

/// The days off of a block.
#[derive(Clone, Debug)]
pub(super) struct Except {
    calendar: Calendar,
    place: Place,
}

impl Except {
    /// Reads `except`: nothing where it is left out, or wrong, which is recorded.
    pub(super) fn read(
        reader: &mut TableReader<'_>,
        context: &Context<'_>,
        zone: Option<&TimeZone>,
    ) -> Option<Self> {
        let days = reader.optional::<DaysOff>("except")?;
        // A zone that is wrong has been told.
        let zone = zone.cloned().unwrap_or(TimeZone::UTC);
        let calendar =
            reader.with_problems(|problems| days.value.calendar(context.files, &zone, problems))?;
        Some(Self { calendar, place: days.place })
    }

    /// The days off that count today: from today on, a year ahead.
    pub(super) fn days(&self, today: Date) -> BTreeSet<Date> {
        self.calendar.between(today, last_day(today))
    }

    /// All days off.
    pub(super) fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// All days off from the first to the last.
    pub(super) fn between(&self, first: Date, last: Date) -> BTreeSet<Date> {
        self.calendar.between(first, last)
    }

    /// A warning where the last day off is over, as the calendar is last year's, and where every day is off.
    pub(super) fn warning(&self, today: Date, label: &str) -> Option<Diagnostic> {
        let days = self.days(today);
        let all =
            today.series(1.day()).take_while(|day| *day <= last_day(today)).all(|day| days.contains(&day));
        let (what, hint) = if days.is_empty() {
            let hint = "what it lists is over or far ahead: add this year's days, or remove the key";
            ("has no day in the twelve months from today", hint)
        } else if all {
            let hint = "the schedule does nothing: list fewer days, or remove the schedule";
            ("has every day of the twelve months from today", hint)
        } else {
            return None;
        };
        let summary = format!("`except` of {label} {what}");
        Some(Diagnostic::warning(summary).at(self.place.clone()).hint(hint))
    }
}

/// The last day that counts today.
fn last_day(today: Date) -> Date {
    today.checked_add(AHEAD()).unwrap_or(Date::MAX)
}

/// The files that a block's `except` names.
pub(in crate::declarations) fn files_of(block: &manifest::Block) -> Vec<String> {
    block.table.get("except").map(|entry| DaysOff::files_of(&entry.value)).unwrap_or_default()
}
