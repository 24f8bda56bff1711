//! What the templates of a block gave for one subject, and the alarm that it is.

use std::collections::BTreeSet;

use crate::manifest::Variables;
use crate::resources::metric_alarm::constraints::PartialAlarm;
use crate::resources::metric_alarm::{Comparison, MetricAlarm, Statistic, TreatMissingData};

/// What the templates gave.
pub(super) struct Rendered {
    pub(super) name: String,
    pub(super) settings: Settings,
    pub(super) description: Option<String>,
    pub(super) dimensions: Vec<(String, String)>,
    pub(super) actions: Vec<(&'static str, Vec<String>)>,
    pub(super) tags: Vec<(String, String)>,
}

/// The settings, most of which `name` and `description` can use.
pub(super) struct Settings {
    pub(super) namespace: String,
    pub(super) metric: String,
    pub(super) statistic: String,
    pub(super) period: u32,
    pub(super) evaluation_periods: u32,
    pub(super) datapoints_to_alarm: u32,
    pub(super) comparison: Comparison,
    pub(super) threshold: f64,
    pub(super) unit: Option<&'static str>,
    pub(super) treat_missing_data: TreatMissingData,
    pub(super) few_samples: Option<&'static str>,
    pub(super) actions_enabled: bool,
}

impl Settings {
    /// What templates see of them; see [`super::checks::SETTINGS`].
    pub(super) fn variables(&self, label: &str) -> Vec<(&'static str, minijinja::Value)> {
        vec![
            ("threshold", Variables::number(self.threshold)),
            ("metric", self.metric.as_str().into()),
            ("namespace", self.namespace.as_str().into()),
            ("statistic", self.statistic.as_str().into()),
            ("comparison", self.comparison.sign().into()),
            ("period", self.period.into()),
            ("evaluation_periods", self.evaluation_periods.into()),
            ("datapoints_to_alarm", self.datapoints_to_alarm.into()),
            ("label", label.into()),
        ]
    }
}

impl Rendered {
    pub(super) fn partial(&self) -> PartialAlarm<'_> {
        fn pairs(pairs: &[(String, String)]) -> Vec<(&str, Option<&str>)> {
            pairs.iter().map(|(key, value)| (key.as_str(), Some(value.as_str()))).collect()
        }
        let settings = &self.settings;
        PartialAlarm {
            name: Some(&self.name),
            namespace: Some(&settings.namespace),
            metric: Some(&settings.metric),
            dimensions: pairs(&self.dimensions),
            statistic: Some(&settings.statistic),
            period: Some(settings.period),
            evaluation_periods: Some(settings.evaluation_periods),
            datapoints_to_alarm: Some(settings.datapoints_to_alarm),
            threshold: Some(settings.threshold),
            on_few_samples: settings.few_samples.is_some(),
            actions: self
                .actions
                .iter()
                .map(|(field, list)| (*field, list.iter().map(|action| Some(action.as_str())).collect()))
                .collect(),
            description: self.description.as_deref(),
            tags: pairs(&self.tags),
        }
    }

    /// The spec in normal form.
    pub(super) fn into_spec(self) -> MetricAlarm {
        let settings = self.settings;
        let mut spec = MetricAlarm {
            namespace: settings.namespace,
            metric: settings.metric,
            dimensions: self.dimensions.into_iter().collect(),
            statistic: Statistic(settings.statistic),
            period: settings.period,
            evaluation_periods: settings.evaluation_periods,
            datapoints_to_alarm: settings.datapoints_to_alarm,
            comparison: settings.comparison,
            threshold: settings.threshold,
            unit: settings.unit.map(str::to_owned),
            treat_missing_data: settings.treat_missing_data,
            // "evaluate" is what AWS does without the parameter.
            evaluate_low_sample_count_percentile: settings
                .few_samples
                .filter(|word| *word != "evaluate")
                .map(str::to_owned),
            actions_enabled: settings.actions_enabled,
            ok_actions: BTreeSet::new(),
            alarm_actions: BTreeSet::new(),
            insufficient_data_actions: BTreeSet::new(),
            description: self.description,
            tags: self.tags.into_iter().collect(),
        };
        for (field, list) in self.actions {
            match field {
                "ok_actions" => spec.ok_actions.extend(list),
                "alarm_actions" => spec.alarm_actions.extend(list),
                _ => spec.insufficient_data_actions.extend(list),
            }
        }
        spec
    }
}
