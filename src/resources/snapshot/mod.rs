//! Kind `snapshot`: an EBS snapshot that bears this project's tags. Made by schedules, never recorded in the state.

mod aws;
mod spec;

pub use aws::SnapshotKind;
pub use spec::{Hold, KIND, Progress, Snapshot, may_be_a_volume, own_tags};
