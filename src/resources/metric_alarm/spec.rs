//! The spec of a metric alarm in normal form, for desired and actual alike.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::{Fields, KindText};
use crate::resources::spec_fields;

/// The kind's name.
pub const KIND: &str = "metric_alarm";

/// The kind in words.
pub const TEXT: KindText = KindText { kind: KIND, noun: "alarm", plural: "alarms", shared: false, summary };

/// An alarm on one metric. Its key, the `AlarmName`, is not part of the spec.
///
/// Every optional field of the API that has a default is filled in, so that a desired alarm and the same alarm read
/// back are equal. Fields that the SDK knows and this spec does not are never dropped: an alarm that uses them is
/// reported as inexpressible (see `aws/convert.rs`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricAlarm {
    /// Such as `AWS/EC2`.
    pub namespace: String,
    /// Such as `CPUUtilization`.
    pub metric: String,
    /// Name to value; at most 30.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub dimensions: BTreeMap<String, String>,
    /// The statistic or percentile.
    pub statistic: Statistic,
    /// Seconds: 10, 20, 30 or a multiple of 60.
    pub period: u32,
    /// How many periods are looked at.
    pub evaluation_periods: u32,
    /// How many of them must breach; equal to `evaluation_periods` where AWS has none.
    pub datapoints_to_alarm: u32,
    /// How the statistic is compared with the threshold.
    pub comparison: Comparison,
    /// The threshold, finite.
    pub threshold: f64,
    /// The unit that the metric's data must have; almost never wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What a missing datapoint counts as.
    pub treat_missing_data: TreatMissingData,
    /// For percentiles: `ignore` on too few samples; absent for `evaluate`, which is what AWS does by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluate_low_sample_count_percentile: Option<String>,
    /// Whether the actions run at all.
    pub actions_enabled: bool,
    /// ARNs that are told when the state becomes OK.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub ok_actions: BTreeSet<String>,
    /// ARNs that are told when the state becomes ALARM.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub alarm_actions: BTreeSet<String>,
    /// ARNs that are told when the state becomes `INSUFFICIENT_DATA`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub insufficient_data_actions: BTreeSet<String>,
    /// Free text; absent when empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The user's tags, without opsform's own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// A statistic as AWS knows it: a plain one or an extended one (`p99`, `tm90`, `PR(100:200)`, …).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Statistic(pub String);

impl Statistic {
    /// The statistics that go into the API's field `Statistic`; all others go into `ExtendedStatistic`.
    pub const PLAIN: [&'static str; 5] = ["Average", "Maximum", "Minimum", "SampleCount", "Sum"];

    /// Whether this is one of [`Statistic::PLAIN`].
    pub fn is_plain(&self) -> bool {
        Self::PLAIN.contains(&&*self.0)
    }
}

/// The units that a metric's data can have (`StandardUnit` in the API reference).
pub const STANDARD_UNITS: [&str; 27] = [
    "Seconds",
    "Microseconds",
    "Milliseconds",
    "Bytes",
    "Kilobytes",
    "Megabytes",
    "Gigabytes",
    "Terabytes",
    "Bits",
    "Kilobits",
    "Megabits",
    "Gigabits",
    "Terabits",
    "Percent",
    "Count",
    "Bytes/Second",
    "Kilobytes/Second",
    "Megabytes/Second",
    "Gigabytes/Second",
    "Terabytes/Second",
    "Bits/Second",
    "Kilobits/Second",
    "Megabits/Second",
    "Gigabits/Second",
    "Terabits/Second",
    "Count/Second",
    "None",
];

/// How the statistic is compared with the threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    /// `GreaterThanThreshold`.
    #[serde(rename = ">")]
    GreaterThan,
    /// `GreaterThanOrEqualToThreshold`.
    #[serde(rename = ">=")]
    GreaterThanOrEqual,
    /// `LessThanThreshold`.
    #[serde(rename = "<")]
    LessThan,
    /// `LessThanOrEqualToThreshold`.
    #[serde(rename = "<=")]
    LessThanOrEqual,
}

impl Comparison {
    /// All comparisons with their sign and AWS's name.
    pub const ALL: [(Self, &'static str, &'static str); 4] = [
        (Self::GreaterThan, ">", "GreaterThanThreshold"),
        (Self::GreaterThanOrEqual, ">=", "GreaterThanOrEqualToThreshold"),
        (Self::LessThan, "<", "LessThanThreshold"),
        (Self::LessThanOrEqual, "<=", "LessThanOrEqualToThreshold"),
    ];

    /// The comparison that a sign or AWS's name means.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|(_, sign, aws)| *sign == text || *aws == text)
            .map(|(comparison, _, _)| comparison)
    }

    /// The sign, such as `>=`.
    pub fn sign(self) -> &'static str {
        Self::ALL.into_iter().find(|(c, _, _)| *c == self).map_or("", |(_, sign, _)| sign)
    }

    /// AWS's name, such as `GreaterThanOrEqualToThreshold`.
    pub fn aws_name(self) -> &'static str {
        Self::ALL.into_iter().find(|(c, _, _)| *c == self).map_or("", |(_, _, aws)| aws)
    }
}

/// What a missing datapoint counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TreatMissingData {
    /// The state becomes `INSUFFICIENT_DATA` when all are missing: AWS's default.
    Missing,
    /// The state stays as it is.
    Ignore,
    /// A missing datapoint breaches.
    Breaching,
    /// A missing datapoint does not breach.
    NotBreaching,
}

impl TreatMissingData {
    /// All values with AWS's names.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Missing, "missing"),
        (Self::Ignore, "ignore"),
        (Self::Breaching, "breaching"),
        (Self::NotBreaching, "notBreaching"),
    ];

    /// The value with this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, name)| *name == text).map(|(value, _)| value)
    }

    /// AWS's name.
    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(value, _)| *value == self).map_or("", |(_, name)| name)
    }
}

impl MetricAlarm {
    /// The field map that the planner compares.
    pub fn to_fields(&self) -> Fields {
        spec_fields::to_fields(self)
    }

    /// The spec of a field map.
    ///
    /// # Errors
    /// Where the map is not one that [`MetricAlarm::to_fields`] makes, as after an edit of the state by hand.
    pub fn from_fields(fields: &Fields) -> Result<Self, serde_json::Error> {
        spec_fields::from_fields(fields)
    }
}

/// `> 90 Average of AWS/EC2 CPUUtilization, 1 of 1 × 5 min → arn:…`
fn summary(fields: &Fields) -> String {
    let Ok(alarm) = MetricAlarm::from_fields(fields) else {
        return String::new();
    };
    let mut text = format!(
        "{} {} {} of {} {}, {} of {} × {}",
        alarm.comparison.sign(),
        alarm.threshold,
        alarm.statistic.0,
        alarm.namespace,
        alarm.metric,
        alarm.datapoints_to_alarm,
        alarm.evaluation_periods,
        period_in_words(alarm.period),
    );
    if !alarm.actions_enabled {
        text.push_str(" (actions disabled)");
    }
    if !alarm.alarm_actions.is_empty() {
        let actions: Vec<&str> = alarm.alarm_actions.iter().map(String::as_str).collect();
        text.push_str(" → ");
        text.push_str(&actions.join(", "));
    }
    text
}

fn period_in_words(seconds: u32) -> String {
    match seconds {
        s if s % 3600 == 0 => format!("{} h", s / 3600),
        s if s % 60 == 0 => format!("{} min", s / 60),
        s => format!("{s} s"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, btree_set};
    use proptest::option;
    use proptest::prelude::*;

    use super::*;

    fn evaluation() -> impl Strategy<Value = (u32, u32, u32, f64)> {
        let finite = any::<f64>().prop_filter("finite", |number| number.is_finite());
        (1u32..10_000, 1u32..100, 1u32..100, finite)
    }

    fn choices() -> impl Strategy<Value = (Comparison, TreatMissingData, bool)> {
        (0..Comparison::ALL.len(), 0..TreatMissingData::ALL.len(), any::<bool>())
            .prop_map(|(c, t, enabled)| (Comparison::ALL[c].0, TreatMissingData::ALL[t].0, enabled))
    }

    fn actions() -> impl Strategy<Value = [BTreeSet<String>; 3]> {
        [(); 3].map(|()| btree_set("arn:[a-z:]{0,20}", 0..4))
    }

    fn texts() -> impl Strategy<Value = (String, String, Option<String>, Option<String>, Option<String>)> {
        (
            "\\PC{1,20}",
            "\\PC{1,20}",
            option::of("\\PC{1,20}"),
            option::of("Percent|Count"),
            option::of("ignore|evaluate"),
        )
    }

    prop_compose! {
        fn alarm()(
            (namespace, metric, description, unit, few) in texts(),
            dimensions in btree_map("[A-Za-z]{1,8}", "\\PC{1,20}", 0..4),
            statistic in "Average|p99\\.9|PR\\(1:2\\)",
            (period, evaluation_periods, datapoints_to_alarm, threshold) in evaluation(),
            (comparison, treat_missing_data, actions_enabled) in choices(),
            [ok_actions, alarm_actions, insufficient_data_actions] in actions(),
            tags in btree_map("\\PC{1,20}", "\\PC{0,20}", 0..4),
        ) -> MetricAlarm {
            MetricAlarm {
                namespace, metric, dimensions, statistic: Statistic(statistic), period, evaluation_periods,
                datapoints_to_alarm, comparison, threshold, unit, treat_missing_data,
                evaluate_low_sample_count_percentile: few, actions_enabled, ok_actions, alarm_actions,
                insufficient_data_actions, description, tags,
            }
        }
    }

    proptest! {
        #[test]
        fn fields_hold_the_whole_spec(alarm in alarm()) {
            let fields = alarm.to_fields();
            prop_assert_eq!(MetricAlarm::from_fields(&fields).unwrap(), alarm.clone());
            // The state keeps fields as JSON text.
            let text = serde_json::to_string(&fields).unwrap();
            let read: Fields = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(MetricAlarm::from_fields(&read).unwrap().to_fields(), fields);
        }
    }
}
