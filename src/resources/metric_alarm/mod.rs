//! Kind `metric_alarm`: a CloudWatch alarm on one metric.

mod aws;
pub mod constraints;
mod spec;
mod statistic;

pub use aws::{MetricAlarmKind, Watched, unowned, watched};
pub use spec::{Comparison, KIND, MetricAlarm, STANDARD_UNITS, Statistic, TEXT, TreatMissingData};
