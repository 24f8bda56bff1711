//! Which targets the alarms of a region watch, whoever made them.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types::{AlarmType, Dimension, Metric, MetricAlarm};

use crate::aws::{Aws, AwsError, Operation};
use crate::model::Scope;

/// How many alarms name a dimension with a value, such as `InstanceId` = `i-…`.
pub type Watched = BTreeMap<(String, String), usize>;

/// Lists all metric alarms of a scope, a hundred a page, and counts what they watch. An alarm on several metrics counts
/// once for each target that it names.
///
/// # Errors
/// Where AWS does not answer.
pub async fn watched(aws: &Aws, scope: &Scope) -> Result<Watched, AwsError> {
    let clients = aws.clients(scope);
    let mut watched = Watched::new();
    let mut token: Option<String> = None;
    loop {
        let page = aws
            .call(scope, Operation::DESCRIBE_ALARMS, || {
                clients
                    .cloudwatch
                    .describe_alarms()
                    .alarm_types(AlarmType::MetricAlarm)
                    .max_records(100)
                    .set_next_token(token.clone())
                    .send()
            })
            .await?;
        for alarm in page.metric_alarms() {
            for dimension in dimensions(alarm) {
                *watched.entry(dimension).or_default() += 1;
            }
        }
        token = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
        if token.is_none() {
            return Ok(watched);
        }
    }
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
