//! The spec from and to the SDK's types.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudwatch::operation::put_metric_alarm::builders::PutMetricAlarmFluentBuilder;
use aws_sdk_cloudwatch::types::{
    ComparisonOperator, Dimension, EvaluationWindow, StandardUnit, Statistic, Tag,
};

use super::super::{Comparison, MetricAlarm, Statistic as SpecStatistic, TreatMissingData};
use crate::aws::{LABEL_TAG, PROJECT_TAG};
use crate::model::Fields;
use crate::plan::Change;

/// A live alarm in normal form without its tags, which AWS keeps elsewhere, or the features that make it inexpressible.
pub(super) fn from_live(alarm: &aws_sdk_cloudwatch::types::MetricAlarm) -> Result<MetricAlarm, String> {
    let features = inexpressible_features(alarm);
    if !features.is_empty() {
        return Err(features.join(", "));
    }
    expressible(alarm).ok_or_else(|| "fields that this version of opsform does not know".to_owned())
}

/// The features of an alarm that the spec has no field for. Writing the alarm would remove them.
fn inexpressible_features(alarm: &aws_sdk_cloudwatch::types::MetricAlarm) -> Vec<&'static str> {
    let window = alarm.evaluation_window();
    // A sliding window is what every alarm without the parameter has (`EvaluationWindow` in the API reference).
    let odd_window = window.is_some_and(|window| !matches!(window, EvaluationWindow::SlidingWindow(_)));
    let warm_up = alarm
        .warm_up_configuration()
        .and_then(aws_sdk_cloudwatch::types::WarmUpConfiguration::warm_up_period_duration_in_minutes);
    let propagation = alarm.action_configuration().and_then(|actions| actions.alarm_tags_propagation());
    [
        (!alarm.metrics().is_empty() && alarm.threshold_metric_id().is_none(), "metric math"),
        (alarm.threshold_metric_id().is_some(), "an anomaly detection band"),
        (alarm.evaluation_criteria().is_some(), "a PromQL query"),
        (alarm.evaluation_interval().is_some(), "an evaluation interval"),
        (odd_window, "a wall clock evaluation window"),
        (warm_up.is_some(), "a warm-up period"),
        (propagation.is_some(), "tags in its notifications"),
    ]
    .into_iter()
    .filter_map(|(present, name)| present.then_some(name))
    .collect()
}

fn expressible(alarm: &aws_sdk_cloudwatch::types::MetricAlarm) -> Option<MetricAlarm> {
    let evaluation_periods = positive(alarm.evaluation_periods()?)?;
    let statistic = match (alarm.statistic(), alarm.extended_statistic()) {
        (Some(plain), _) => plain.as_str().to_owned(),
        (None, extended) => extended?.to_owned(),
    };
    let text = |value: Option<&str>| value.filter(|text| !text.is_empty()).map(str::to_owned);
    let set = |arns: &[String]| arns.iter().cloned().collect::<BTreeSet<_>>();
    Some(MetricAlarm {
        namespace: alarm.namespace()?.to_owned(),
        metric: alarm.metric_name()?.to_owned(),
        dimensions: alarm
            .dimensions()
            .iter()
            .filter_map(|dimension| Some((dimension.name()?.to_owned(), dimension.value()?.to_owned())))
            .collect(),
        statistic: SpecStatistic(statistic),
        period: positive(alarm.period()?)?,
        evaluation_periods,
        datapoints_to_alarm: alarm.datapoints_to_alarm().map_or(Some(evaluation_periods), positive)?,
        comparison: Comparison::parse(alarm.comparison_operator()?.as_str())?,
        threshold: alarm.threshold()?,
        unit: alarm.unit().map(|unit| unit.as_str().to_owned()),
        treat_missing_data: match text(alarm.treat_missing_data()) {
            Some(name) => TreatMissingData::parse(&name)?,
            None => TreatMissingData::Missing,
        },
        // `evaluate` is what AWS does without the parameter.
        evaluate_low_sample_count_percentile: text(alarm.evaluate_low_sample_count_percentile())
            .filter(|word| word != "evaluate"),
        actions_enabled: alarm.actions_enabled().unwrap_or(true),
        ok_actions: set(alarm.ok_actions()),
        alarm_actions: set(alarm.alarm_actions()),
        insufficient_data_actions: set(alarm.insufficient_data_actions()),
        description: text(alarm.alarm_description()),
        tags: BTreeMap::new(),
    })
}

fn positive(number: i32) -> Option<u32> {
    u32::try_from(number).ok()
}

/// Fills a request with the spec. Tags are set apart: AWS ignores them where the alarm exists.
pub(super) fn into_request(
    request: PutMetricAlarmFluentBuilder,
    name: &str,
    alarm: &MetricAlarm,
) -> PutMetricAlarmFluentBuilder {
    let list = |arns: &BTreeSet<String>| Some(arns.iter().cloned().collect::<Vec<_>>());
    let dimensions = alarm
        .dimensions
        .iter()
        .map(|(name, value)| Dimension::builder().name(name).value(value).build())
        .collect();
    let request = if alarm.statistic.is_plain() {
        request.statistic(Statistic::from(alarm.statistic.0.as_str()))
    } else {
        request.extended_statistic(&alarm.statistic.0)
    };
    request
        .alarm_name(name)
        .namespace(&alarm.namespace)
        .metric_name(&alarm.metric)
        .set_dimensions(Some(dimensions))
        .period(integer(alarm.period))
        .evaluation_periods(integer(alarm.evaluation_periods))
        .datapoints_to_alarm(integer(alarm.datapoints_to_alarm))
        .comparison_operator(ComparisonOperator::from(alarm.comparison.aws_name()))
        .threshold(alarm.threshold)
        .set_unit(alarm.unit.as_deref().map(StandardUnit::from))
        .treat_missing_data(alarm.treat_missing_data.name())
        .set_evaluate_low_sample_count_percentile(alarm.evaluate_low_sample_count_percentile.clone())
        .actions_enabled(alarm.actions_enabled)
        .set_ok_actions(list(&alarm.ok_actions))
        .set_alarm_actions(list(&alarm.alarm_actions))
        .set_insufficient_data_actions(list(&alarm.insufficient_data_actions))
        .set_alarm_description(alarm.description.clone())
}

/// Numbers of a valid alarm are far below the limit; a larger one is AWS's to refuse.
fn integer(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// The user's tags of a field map.
pub(super) fn tags_of(fields: &Fields) -> BTreeMap<String, String> {
    let tags = fields.get("tags").and_then(serde_json::Value::as_object);
    tags.into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}

/// The user's tags and opsform's own, for writing.
pub(super) fn tags_to_write(project: &str, change: &Change, tags: &BTreeMap<String, String>) -> Vec<Tag> {
    let own = [(PROJECT_TAG, project), (LABEL_TAG, &change.origin.label)];
    let all = tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).chain(own);
    all.map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}
