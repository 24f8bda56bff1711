//! The spec of a schedule group: there is nothing about it but its name and its owner.

use crate::model::{Fields, KindText};

/// The kind's name.
pub const KIND: &str = "schedule_group";

/// The kind in words.
pub(super) const TEXT: KindText = KindText {
    kind: KIND,
    noun: "schedule group",
    plural: "schedule groups",
    shared: false,
    summary: |_| "holds the project's schedules".to_owned(),
};

/// The field map of any group: AWS keeps nothing else of one ("`GetScheduleGroup`" in the API reference).
pub fn fields() -> Fields {
    Fields::new()
}
