//! Kind `metric_alarm`: a CloudWatch alarm on one metric.

mod aws;
mod spec;

pub use aws::MetricAlarmKind;
pub use spec::{Comparison, KIND, MetricAlarm, Statistic, TEXT, TreatMissingData};
