//! What is wrong with the cells of a sheet whatever their targets are like: told by `validate`, without AWS.

use crate::manifest::Templated;
use crate::model::Diagnostics;
use crate::resources::metric_alarm::constraints::PartialAlarm;

use super::block::Optional;
use super::dimensions::Dimensions;
use super::rendering::{Rendering, arns};
use super::subject::Subject;
use super::{Alarm, Attachment};
use crate::declarations::target_problems::TargetProblems;

/// The problems of all rows that will have an alarm.
pub(super) fn check_rows(alarm: &Alarm) -> Diagnostics {
    let mut problems = TargetProblems::default();
    let (rows, alone) = match &alarm.attachment {
        Attachment::Targets(for_each) => (for_each.certain_rows(), None),
        Attachment::Rows(rows) => (rows.inventory.rows(), Some(rows)),
        Attachment::Region { .. } => (Vec::new(), None),
    };
    for (id, row) in rows {
        let subject = match alone {
            Some(_) => Subject::row(id, &row),
            None => Subject::row_of_target(id, &row),
        };
        let mut rendering = Rendering::new(alarm, &subject, &mut problems);
        if let Some(rows) = alone {
            rows.check(&mut rendering);
        }
        check_row(alarm, &mut rendering);
    }
    problems.into_diagnostics()
}

fn check_row(alarm: &Alarm, rendering: &mut Rendering<'_>) {
    let (block, optional) = (&alarm.block, &alarm.block.optional);
    let name = rendering.check_row("name", Some(&block.name));
    let metric = rendering.check_row("metric", Some(&block.metric));
    rendering.check_row("comparison", Some(&block.comparison));
    let threshold = rendering.check_row("threshold", Some(&block.threshold));
    let namespace = rendering.check_row("namespace", optional.namespace.as_ref());
    let statistic = rendering.check_row("statistic", optional.statistic.as_ref());
    let period = rendering.check_row("period", optional.period.as_ref());
    let evaluation_periods = rendering.check_row("evaluation_periods", optional.evaluation_periods.as_ref());
    let datapoints = rendering.check_row("datapoints_to_alarm", optional.datapoints_to_alarm.as_ref());
    rendering.check_row("unit", optional.unit.as_ref());
    rendering.check_row("treat_missing_data", optional.treat_missing_data.as_ref());
    rendering.check_row("evaluate_low_sample_count_percentile", optional.few_samples.as_ref());
    rendering.check_row("actions_enabled", optional.actions_enabled.as_ref());
    let description = rendering.check_row("description", optional.description.as_ref());
    let dimensions = dimensions(optional, rendering);
    let tags = entries("tags", &optional.tags, rendering);
    let actions = actions(optional, rendering);
    rendering.check_partial(&PartialAlarm {
        name: name.as_deref(),
        namespace: namespace.as_deref(),
        metric: metric.as_deref(),
        dimensions: pairs(&dimensions),
        statistic: statistic.as_deref(),
        period: period.map(|seconds| seconds.0),
        evaluation_periods,
        datapoints_to_alarm: datapoints,
        threshold,
        on_few_samples: false,
        actions: actions
            .iter()
            .map(|(field, list)| (*field, list.iter().map(|arn| Some(arn.as_str())).collect()))
            .collect(),
        description: description.as_deref(),
        tags: pairs(&tags),
    });
}

fn pairs(pairs: &[(String, String)]) -> Vec<(&str, Option<&str>)> {
    pairs.iter().map(|(key, value)| (key.as_str(), Some(value.as_str()))).collect()
}

fn dimensions(optional: &Optional, rendering: &mut Rendering<'_>) -> Vec<(String, String)> {
    match &optional.dimensions {
        Some(Dimensions::Table(table)) => entries("dimensions", table, rendering),
        Some(Dimensions::Text(text)) => {
            rendering.check_row("dimensions", Some(text)).map(|pairs| pairs.0).unwrap_or_default()
        }
        None => Vec::new(),
    }
}

fn entries(
    field: &str,
    table: &[(crate::manifest::Placed<String>, super::block::Text)],
    rendering: &mut Rendering<'_>,
) -> Vec<(String, String)> {
    let known = table.iter().filter_map(|(key, text)| {
        let value = rendering.check_row(&format!("{field}.{}", key.value), Some(text))?;
        Some((key.value.clone(), value))
    });
    known.collect()
}

fn actions(optional: &Optional, rendering: &mut Rendering<'_>) -> Vec<(&'static str, Vec<String>)> {
    let lists = optional.actions.iter().map(|actions| {
        let texts = actions.list.iter().filter(|text| matches!(text.value, Templated::Template(_)));
        let known = texts.filter_map(|text| rendering.check_row(actions.field, Some(text)));
        (actions.field, known.flat_map(|text| arns(&text)).collect())
    });
    lists.collect()
}
