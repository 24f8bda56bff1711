//! All alarms of a region, whoever made them: which targets they watch, and which of them nobody owns.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types::{AlarmType, Dimension, Metric, MetricAlarm};

use super::convert::from_live;
use super::read::{Found, names_of_project, names_with_project};
use crate::aws::{Aws, AwsError, Operation, pages};
use crate::model::Scope;
use crate::resources::metric_alarm::LiveAlarm;

/// How many alarms name a dimension with a value, such as `InstanceId` = `i-…`.
pub type Watched = BTreeMap<(String, String), usize>;

/// Counts what the alarms of a scope watch. An alarm on several metrics counts once for each target that it names.
///
/// # Errors
/// Where AWS does not answer.
pub async fn watched(aws: &Aws, scope: &Scope) -> Result<Watched, AwsError> {
    let mut watched = Watched::new();
    for dimension in list(aws, scope).await?.iter().flat_map(dimensions) {
        *watched.entry(dimension).or_default() += 1;
    }
    Ok(watched)
}

/// All metric alarms of a scope that bear no opsform project's tag, by name: each as a spec without tags, or the
/// features that a spec cannot express.
///
/// # Errors
/// Where AWS does not answer.
pub async fn unowned(aws: &Aws, scope: &Scope) -> Result<BTreeMap<String, Found>, AwsError> {
    let owned = names_with_project(aws, scope).await?;
    let alarms = list(aws, scope).await?;
    let named = alarms.iter().filter_map(|alarm| Some((alarm.alarm_name()?.to_owned(), from_live(alarm))));
    Ok(named.filter(|(name, _)| !owned.contains(name)).collect())
}

/// All metric alarms of a scope that do not bear this project's tag.
///
/// # Errors
/// Where AWS does not answer.
pub async fn of_others(aws: &Aws, scope: &Scope, project: &str) -> Result<Vec<LiveAlarm>, AwsError> {
    let owned = names_of_project(aws, scope, project).await?;
    let alarms = list(aws, scope).await?;
    let others = alarms.iter().filter_map(|alarm| {
        let name = alarm.alarm_name().filter(|name| !owned.contains(*name))?.to_owned();
        Some(LiveAlarm { scope: scope.clone(), name, dimensions: dimensions(alarm) })
    });
    Ok(others.collect())
}

/// All metric alarms of a scope, a hundred a page.
async fn list(aws: &Aws, scope: &Scope) -> Result<Vec<MetricAlarm>, AwsError> {
    let clients = &aws.clients(scope);
    pages(|token| async move {
        let ask = || {
            let request = clients.cloudwatch.describe_alarms().alarm_types(AlarmType::MetricAlarm);
            request.max_records(100).set_next_token(token.clone()).send()
        };
        let page = aws.call(scope, Operation::DESCRIBE_ALARMS, ask).await?;
        Ok((page.metric_alarms.unwrap_or_default(), page.next_token))
    })
    .await
}

/// The dimensions of an alarm's metric, or of all metrics of its expressions, each once.
fn dimensions(alarm: &MetricAlarm) -> Vec<(String, String)> {
    let of_expressions = alarm.metrics().iter().filter_map(|query| query.metric_stat()?.metric());
    let all = alarm.dimensions().iter().chain(of_expressions.flat_map(Metric::dimensions));
    let pair = |dimension: &Dimension| Some((dimension.name()?.to_owned(), dimension.value()?.to_owned()));
    let mut pairs: Vec<(String, String)> = all.filter_map(pair).collect();
    pairs.sort();
    pairs.dedup();
    pairs
}
