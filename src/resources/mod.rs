//! What AWS holds: one folder per kind of resource, with its spec and its SDK calls.
//!
//! Architecture invariant: `aws_sdk_*` appears in folders named `aws` only; specs are pure.

mod kind;
pub mod metric_alarm;

pub use kind::{KeyRequest, Kind, OwnershipNeed, ReadRequest, Step};

use crate::model::KindText;

/// All kinds. A new kind is one folder and one line here.
pub const KINDS: &[&dyn Kind] = &[&metric_alarm::MetricAlarmKind];

/// The kind with this name.
pub fn kind(name: &str) -> Option<&'static dyn Kind> {
    KINDS.iter().copied().find(|kind| kind.text().kind == name)
}

/// The words of all kinds.
pub fn texts() -> Vec<KindText> {
    KINDS.iter().map(|kind| kind.text()).collect()
}
