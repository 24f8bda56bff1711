//! Kind `database_power`: whether a database or a cluster runs or is stopped.

mod aws;
mod spec;

pub use aws::DatabasePowerKind;
pub use spec::{DatabaseKey, KIND, power_of_status};
