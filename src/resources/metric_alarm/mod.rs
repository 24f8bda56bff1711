//! Kind `metric_alarm`: a CloudWatch alarm on one metric.

mod aws;
pub mod constraints;
mod live;
mod spec;
mod statistic;

pub use aws::{MetricAlarmKind, Watched, names_there, of_others, unowned, watched};
pub use live::LiveAlarm;
pub use spec::{Comparison, KIND, MetricAlarm, STANDARD_UNITS, Statistic, TEXT, TreatMissingData};
