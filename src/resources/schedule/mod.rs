//! Kind `schedule`: a schedule of EventBridge Scheduler in the project's group.

pub(in crate::resources) mod aws;
pub mod names;
mod spec;

pub use aws::ScheduleKind;
pub use spec::{KIND, Schedule, described, description, universal_target};
