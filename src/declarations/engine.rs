//! The key `engine`: what of AWS fires when the time has come, and what an EventBridge rule makes of a time.

use jiff::tz::{Offset, TimeZone};

use super::{PassedRole, TextTemplate, timetable, timezone};
use crate::cron;
use crate::manifest::{Placed, TableReader};
use crate::model::Diagnostic;

/// What fires.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Engine {
    /// A schedule of EventBridge Scheduler.
    #[default]
    Scheduler,
    /// A rule of EventBridge.
    Rule,
}

impl Engine {
    const CHOICES: [(&'static str, Self); 2] = [("scheduler", Self::Scheduler), ("rule", Self::Rule)];

    /// The key `engine`.
    pub(super) fn read(reader: &mut TableReader<'_>) -> Self {
        reader.one_of("engine", &Self::CHOICES).map(|engine| engine.value).unwrap_or_default()
    }

    /// The role as this engine gets it, for the IAM policy.
    pub(super) fn passed_role(self, role: &TextTemplate) -> PassedRole {
        let service = match self {
            Self::Scheduler => "scheduler.amazonaws.com",
            Self::Rule => "events.amazonaws.com",
        };
        PassedRole { service, arn: timetable::role_pattern(role) }
    }
}

/// The offset of the block's time zone. Rules know UTC only ("Creating a rule that runs on a schedule" in the EventBridge user
/// guide), so a zone whose clocks are put forward and back is a problem.
pub(super) fn offset(reader: &mut TableReader<'_>, zone: &TimeZone) -> Option<Offset> {
    let offset = cron::fixed_offset(zone);
    if offset.is_none() {
        let name = timezone::name(zone);
        let summary = format!(
            "`timezone`: EventBridge rules know UTC only, and the clocks of {name} are put forward and back"
        );
        let place = reader.place_of("timezone").unwrap_or(reader.place()).clone();
        reader.problem(
            Diagnostic::error(summary)
                .at(place)
                .hint("write `engine = \"scheduler\"`, which knows time zones"),
        );
    }
    offset
}

/// An expression as a rule takes it. What no expression says in UTC is a problem.
pub(super) fn in_utc(
    reader: &mut TableReader<'_>,
    key: &str,
    written: &Placed<String>,
    offset: Offset,
) -> Option<String> {
    match cron::in_utc(&written.value, offset) {
        Ok(expression) => Some(expression),
        Err(fault) => {
            let summary = format!(
                "`{}` cannot become a rule, which knows UTC only: {}",
                reader.path(key),
                fault.message
            );
            reader.problem(
                Diagnostic::error(summary)
                    .at(timetable::within(written, fault.range))
                    .hint(format!("{}, or `engine = \"scheduler\"`, which knows time zones", fault.hint)),
            );
            None
        }
    }
}
