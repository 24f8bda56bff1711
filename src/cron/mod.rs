//! AWS's schedule expressions, as EventBridge rules and EventBridge Scheduler take them: text → when it runs.
//!
//! Sources: "Schedule types" in the EventBridge Scheduler user guide (schedule-types.html) and "Cron expressions" in the
//! EventBridge user guide (eb-scheduled-rule-pattern.html). AWS answers every mistake with one sentence: rules
//! with "Parameter `ScheduleExpression` is not valid.", the Scheduler with "Invalid Schedule Expression". Here each has its
//! place and its reason.
//!
//! Architecture invariant: this module imports nothing of ours, does no I/O and knows no clock.

mod at;
mod days;
#[cfg(test)]
mod documentation_tests;
mod explain;
mod fault;
#[cfg(test)]
mod fault_tests;
mod fields;
mod next;
#[cfg(test)]
mod next_tests;
mod numbers;
mod parse;
#[cfg(test)]
mod property_tests;
mod rate;
mod utc;
#[cfg(test)]
mod utc_tests;
mod weekly;

use jiff::civil::DateTime;

pub use fault::Fault;
pub use fields::Fields;
pub use next::Times;
pub use rate::{Rate, Unit};
pub use utc::{fixed_offset, in_utc};
pub use weekly::{DAY, WEEK};

/// A schedule expression. Two are equal when they say the same, whatever way they are written: `MON-FRI` is `2-6`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// `cron(…)`: whenever the clock on the wall matches six fields.
    Cron(Fields),
    /// `rate(…)`: again and again after the same time.
    Rate(Rate),
    /// `at(…)`: once, at this time on the clock of the schedule's zone. EventBridge Scheduler only.
    At(DateTime),
}

impl Expression {
    /// Reads an expression, such as `cron(0 9 ? * MON-FRI *)`.
    ///
    /// Six fields are wanted. The Scheduler's guide calls the year optional, its API reference and the guide to rules do
    /// not; `*` for the year is right for all of them.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        parse::expression(text)
    }

    /// Whether EventBridge Scheduler takes the expression and an EventBridge rule does not.
    pub fn is_for_scheduler_only(&self) -> bool {
        matches!(self, Self::At(_))
    }

    /// Whether no date from 1970 to 2199 matches, as with 30 February. Zones and the time of day do not count.
    pub fn never_fires(&self) -> bool {
        match self {
            Self::Cron(fields) => fields.first_from(DateTime::constant(1970, 1, 1, 0, 0, 0, 0)).is_none(),
            Self::Rate(_) | Self::At(_) => false,
        }
    }

    /// When it runs, in words that follow "runs": `at 09:00 from Monday to Friday`.
    pub fn explain(&self) -> String {
        match self {
            Self::Cron(fields) => explain::cron(fields),
            Self::Rate(rate) => explain::rate(*rate),
            Self::At(time) => time.strftime("once, on %Y-%m-%d at %H:%M:%S").to_string(),
        }
    }
}
