//! Kind `schedule_group`: the group of a project's schedules, which bears the tags that schedules cannot.

mod aws;
mod spec;

pub use aws::ScheduleGroupKind;
pub(in crate::resources) use aws::owner;
pub use spec::{KIND, fields};
