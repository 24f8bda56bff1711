//! Kind `metric_alarm`: a CloudWatch alarm on one metric.

mod spec;

pub use spec::{Comparison, KIND, MetricAlarm, Statistic, TEXT, TreatMissingData};
