//! Kind `log_group`: a log group of CloudWatch Logs, such as that of a function.

mod aws;
mod spec;

pub use aws::LogGroupKind;
pub use spec::{KIND, LogGroup, RETENTION_DAYS, group_of_function};
