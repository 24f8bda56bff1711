//! The spec of a mute rule in normal form, for desired and actual alike.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::times::length_of;
use crate::model::{Fields, KindText};
use crate::resources::schedule::names::fitting;
use crate::resources::spec_fields;

/// The kind's name.
pub const KIND: &str = "alarm_mute_rule";

/// The kind in words.
pub(super) const TEXT: KindText =
    KindText { kind: KIND, noun: "alarm mute rule", plural: "alarm mute rules", shared: false, summary };

/// The alarms that one rule may name (`MuteTargets` in the CloudWatch API reference).
pub const MOST_ALARMS: usize = 100;

/// `Name` of `PutAlarmMuteRule` in the CloudWatch API reference.
const NAME_LENGTH: usize = 255;

/// A mute rule of CloudWatch. Its key, the name, is not part of the spec.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmMuteRule {
    /// `cron(Minutes Hours Day-of-month Month Day-of-week)` or `at(yyyy-MM-ddThh:mm)`.
    pub expression: String,
    /// How long, from a minute to fifteen days, as ISO 8601 writes it: `P2DT14H10M`, in the form of [`AlarmMuteRule::length`].
    pub duration: String,
    /// An IANA name; AWS's default is `UTC`.
    pub timezone: String,
    /// The alarms, up to [`MOST_ALARMS`].
    pub alarm_names: BTreeSet<String>,
    /// When it begins to count, in whole minutes; absent where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_date: Option<Timestamp>,
    /// When it counts no more, in whole minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expire_date: Option<Timestamp>,
    /// Whose it is: [`description`](crate::resources::schedule::description); absent when empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl AlarmMuteRule {
    /// A length in its normal form, in days of 24 hours, hours and minutes.
    pub fn length(duration: SignedDuration) -> String {
        let minutes = duration.as_mins();
        let (days, hours, minutes) = (minutes / 1440, minutes % 1440 / 60, minutes % 60);
        let part =
            |number: i64, unit: char| if number == 0 { String::new() } else { format!("{number}{unit}") };
        let time = part(hours, 'H') + &part(minutes, 'M');
        let time = if time.is_empty() { time } else { format!("T{time}") };
        format!("P{}{time}", part(days, 'D'))
    }

    /// The normal form of a length that somebody wrote; one that cannot be read is kept.
    pub fn normal_length(text: &str) -> String {
        length_of(text).map_or_else(|| text.to_owned(), Self::length)
    }

    /// The field map that the planner compares.
    pub fn to_fields(&self) -> Fields {
        spec_fields::to_fields(self)
    }

    /// The spec of a field map.
    ///
    /// # Errors
    /// Where the map is not one that [`AlarmMuteRule::to_fields`] makes, as after an edit of the state by hand.
    pub fn from_fields(fields: &Fields) -> Result<Self, serde_json::Error> {
        spec_fields::from_fields(fields)
    }
}

/// The name of a rule: `opsform-PROJECT.LABEL.mute.fri-1900`. The parts are joined with dots, which labels do not hold.
pub fn name(project: &str, parts: &[&str]) -> String {
    fitting(&format!("{}{}", prefix(project), parts.join(".")), NAME_LENGTH)
}

/// What the names of all rules of a project begin with.
pub(super) fn prefix(project: &str) -> String {
    format!("opsform-{project}.")
}

/// `cron(0 19 * * FRI) for P2DT14H10M Asia/Seoul: 12 alarms`
fn summary(fields: &Fields) -> String {
    let Ok(rule) = AlarmMuteRule::from_fields(fields) else {
        return String::new();
    };
    let date =
        |word: &str, time: Option<Timestamp>| time.map_or_else(String::new, |time| format!(" {word} {time}"));
    let alarms = match rule.alarm_names.len() {
        1 => "1 alarm".to_owned(),
        count => format!("{count} alarms"),
    };
    format!(
        "{} for {} {}{}{}: {alarms}",
        rule.expression,
        rule.duration,
        rule.timezone,
        date("from", rule.start_date),
        date("until", rule.expire_date)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_has_one_form() {
        let hours = SignedDuration::from_hours;
        assert_eq!(AlarmMuteRule::length(hours(62) + SignedDuration::from_mins(10)), "P2DT14H10M");
        assert_eq!(AlarmMuteRule::length(hours(24 * 15)), "P15D");
        assert_eq!(AlarmMuteRule::length(hours(14)), "PT14H");
        for (written, normal) in
            [("PT62H10M", "P2DT14H10M"), ("P1W", "P7D"), ("PT4H", "PT4H"), ("soon", "soon")]
        {
            assert_eq!(AlarmMuteRule::normal_length(written), normal);
        }
    }

    #[test]
    fn fields_hold_the_whole_spec() {
        let rule = AlarmMuteRule {
            expression: "cron(0 19 * * FRI)".to_owned(),
            duration: "P2DT14H10M".to_owned(),
            timezone: "Asia/Seoul".to_owned(),
            alarm_names: ["b", "a"].map(str::to_owned).into(),
            start_date: None,
            expire_date: "2026-12-25T10:00:00Z".parse().ok(),
            description: Some("x".to_owned()),
        };
        let text = serde_json::to_string(&rule.to_fields()).unwrap();
        let fields: Fields = serde_json::from_str(&text).unwrap();
        assert_eq!(AlarmMuteRule::from_fields(&fields).unwrap(), rule);
        assert_eq!(
            summary(&fields),
            "cron(0 19 * * FRI) for P2DT14H10M Asia/Seoul until 2026-12-25T10:00:00Z: 2 alarms"
        );
    }

    #[test]
    fn names_begin_with_the_project() {
        let name = name("pay.ments", &["office", "mute", "fri-1900"]);
        assert_eq!(name, "opsform-pay.ments.office.mute.fri-1900");
        assert!(name.starts_with(&prefix("pay.ments")));
    }
}
