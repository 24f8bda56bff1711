//! The keys of an `[[alarm]]` block.

use crate::manifest::{
    Data, Entries, FromValue, Placed, Reading, Scalar, Seconds, TableReader, Template, Templated, Value,
};
use crate::model::Place;
use crate::resources::metric_alarm::{Comparison, TreatMissingData};

use super::choices::{self, FewSamples, Unit};
use super::dimensions::Dimensions;

/// A text that may come from a template.
pub(super) type Text = crate::declarations::TextTemplate;

/// A whole block.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) name: Text,
    pub(super) metric: Text,
    pub(super) comparison: Placed<Templated<Comparison>>,
    pub(super) threshold: Placed<Templated<f64>>,
    pub(super) optional: Optional,
}

/// A block as far as it could be read.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) name: Option<Text>,
    pub(super) metric: Option<Text>,
    pub(super) comparison: Option<Placed<Templated<Comparison>>>,
    pub(super) threshold: Option<Placed<Templated<f64>>>,
    pub(super) optional: Optional,
}

/// The keys that may be left out.
#[derive(Debug)]
pub(super) struct Optional {
    /// The block's header.
    pub(super) place: Place,
    pub(super) namespace: Option<Text>,
    /// `None` for the dimension of the target's kind.
    pub(super) dimensions: Option<Dimensions>,
    pub(super) statistic: Option<Text>,
    pub(super) period: Option<Placed<Templated<Seconds>>>,
    pub(super) evaluation_periods: Option<Placed<Templated<u32>>>,
    pub(super) datapoints_to_alarm: Option<Placed<Templated<u32>>>,
    pub(super) unit: Option<Placed<Templated<Unit>>>,
    pub(super) treat_missing_data: Option<Placed<Templated<TreatMissingData>>>,
    pub(super) few_samples: Option<Placed<Templated<FewSamples>>>,
    pub(super) actions: Vec<Actions>,
    pub(super) actions_enabled: Option<Placed<Templated<bool>>>,
    pub(super) description: Option<Text>,
    pub(super) tags: Vec<(Placed<String>, Text)>,
    pub(super) adopt: bool,
    pub(super) protect: bool,
    pub(super) allow_empty: bool,
}

/// One of the three lists of actions.
#[derive(Debug)]
pub(super) struct Actions {
    /// `alarm_actions` and so on.
    pub(super) field: &'static str,
    /// The whole list, or the block where there is none.
    pub(super) place: Place,
    pub(super) list: Vec<Text>,
}

impl Draft {
    /// Reads every key but `label`, `for_each` and `region`.
    pub(super) fn read(reader: &mut TableReader<'_>) -> Self {
        // The order is the one in which a person writes and reads an alarm; hints list keys in it.
        let name = reader.required("name");
        let namespace = reader.optional("namespace");
        let metric = reader.required("metric");
        let dimensions = Dimensions::read(reader);
        let statistic = reader.optional("statistic");
        let period = reader.optional("period");
        let evaluation_periods = reader.optional("evaluation_periods");
        let datapoints_to_alarm = reader.optional("datapoints_to_alarm");
        let comparison = reader.required("comparison");
        let threshold = reader.required("threshold");
        let unit = reader.one_of_or_template("unit", &choices::units());
        let missing = TreatMissingData::ALL.map(|(value, name)| (name, value));
        let treat_missing_data = reader.one_of_or_template("treat_missing_data", &missing);
        let few_samples =
            reader.one_of_or_template("evaluate_low_sample_count_percentile", &FewSamples::CHOICES);
        let optional = Optional {
            place: reader.place().clone(),
            namespace,
            dimensions,
            statistic,
            period,
            evaluation_periods,
            datapoints_to_alarm,
            unit,
            treat_missing_data,
            few_samples,
            actions: ["alarm_actions", "ok_actions", "insufficient_data_actions"]
                .into_iter()
                .map(|field| actions(reader, field))
                .collect(),
            actions_enabled: reader.optional("actions_enabled"),
            description: reader.optional("description"),
            tags: entries(reader, "tags").unwrap_or_default(),
            adopt: reader.flag("adopt"),
            protect: reader.flag("protect"),
            allow_empty: reader.flag("allow_empty"),
        };
        Self { name, metric, comparison, threshold, optional }
    }

    /// The block, where nothing that it needs is missing.
    pub(super) fn complete(self) -> Option<Block> {
        Some(Block {
            name: self.name?,
            metric: self.metric?,
            comparison: self.comparison?,
            threshold: self.threshold?,
            optional: self.optional,
        })
    }

    /// All templates with their fields' names.
    pub(super) fn templates(&self) -> Vec<(String, &Template)> {
        let optional = &self.optional;
        let mut all = vec![
            template("name", self.name.as_ref()),
            template("metric", self.metric.as_ref()),
            template("comparison", self.comparison.as_ref()),
            template("threshold", self.threshold.as_ref()),
            template("namespace", optional.namespace.as_ref()),
            template("statistic", optional.statistic.as_ref()),
            template("period", optional.period.as_ref()),
            template("evaluation_periods", optional.evaluation_periods.as_ref()),
            template("datapoints_to_alarm", optional.datapoints_to_alarm.as_ref()),
            template("unit", optional.unit.as_ref()),
            template("treat_missing_data", optional.treat_missing_data.as_ref()),
            template("evaluate_low_sample_count_percentile", optional.few_samples.as_ref()),
            template("actions_enabled", optional.actions_enabled.as_ref()),
            template("description", optional.description.as_ref()),
        ];
        let dimensions = optional.dimensions.as_ref();
        all.push(template("dimensions", dimensions.and_then(Dimensions::text)));
        let of_table = dimensions.map(Dimensions::entries).unwrap_or_default();
        for (field, table) in [("dimensions", of_table), ("tags", &optional.tags[..])] {
            for (key, text) in table {
                all.push(template(&format!("{field}.{}", key.value), Some(text)));
            }
        }
        for actions in &optional.actions {
            all.extend(actions.list.iter().map(|text| template(actions.field, Some(text))));
        }
        all.into_iter().flatten().collect()
    }
}

fn template<'a, T: Scalar>(
    field: &str,
    value: Option<&'a Placed<Templated<T>>>,
) -> Option<(String, &'a Template)> {
    Some((field.to_owned(), value?.value.template()?))
}

fn entries(reader: &mut TableReader<'_>, key: &'static str) -> Option<Vec<(Placed<String>, Text)>> {
    reader.optional::<Entries<Templated<String>>>(key).map(|entries| entries.value.0)
}

fn actions(reader: &mut TableReader<'_>, field: &'static str) -> Actions {
    let list = reader.optional::<OneOrMore>(field);
    let place = list.as_ref().map_or_else(|| reader.place().clone(), |list| list.place.clone());
    Actions { field, place, list: list.map(|list| list.value.0).unwrap_or_default() }
}

/// A list of texts, or a single one.
struct OneOrMore(Vec<Text>);

impl FromValue for OneOrMore {
    fn expected() -> String {
        Vec::<Text>::expected()
    }

    fn from_value(value: &Value, reading: &mut Reading<'_>) -> Option<Self> {
        if matches!(value.data, Data::String(_)) {
            let text = Templated::from_value(value, reading)?;
            return Some(Self(vec![Placed { value: text, place: value.place.clone() }]));
        }
        FromValue::from_value(value, reading).map(Self)
    }
}
