//! Kind `instance_power`: whether an instance runs or is stopped.

mod aws;
mod spec;

pub use aws::InstancePowerKind;
pub(super) use spec::summary;
pub use spec::{KIND, Power};
