//! Kind `schedule`: a schedule of EventBridge Scheduler in the project's group.

pub mod names;
mod spec;

pub use spec::{KIND, Schedule, TEXT, described, description, universal_target};
