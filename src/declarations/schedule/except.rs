//! The key `except`: days on which a schedule neither starts nor stops.

use jiff::civil::Date;
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
    pub(super) fn read(reader: &mut TableReader<'_>, context: &Context<'_>) -> Option<Self> {
        let days = reader.optional::<DaysOff>("except")?;
        let calendar = reader.with_problems(|problems| days.value.calendar(context.files, problems))?;
        Some(Self { calendar, place: days.place })
    }

    /// The days off that count today: from today on, a year ahead.
    pub(super) fn days(&self, today: Date) -> BTreeSet<Date> {
        let last = today.checked_add(AHEAD()).unwrap_or(Date::MAX);
        self.calendar.between(today, last)
    }

    /// All days off.
    pub(super) fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// All days off from the first to the last.
    pub(super) fn between(&self, first: Date, last: Date) -> BTreeSet<Date> {
        self.calendar.between(first, last)
    }

    /// A warning where the last day off is over: the calendar is last year's.
    pub(super) fn warning(&self, today: Date, label: &str) -> Option<Diagnostic> {
        if !self.days(today).is_empty() {
            return None;
        }
        Some(
            Diagnostic::warning(format!("`except` of {label} has no day in the twelve months from today"))
                .at(self.place.clone())
                .hint("what it lists is over or far ahead: add this year's days, or remove the key"),
        )
    }
}

/// The files that a block's `except` names.
pub(in crate::declarations) fn files_of(block: &manifest::Block) -> Vec<String> {
    block.table.get("except").map(|entry| DaysOff::files_of(&entry.value)).unwrap_or_default()
}
