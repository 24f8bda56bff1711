//! The words for a kind of resource, so that renderers know no kind by name.

use super::Fields;

/// How a kind of resource is named and summed up for people.
#[derive(Clone, Copy, Debug)]
pub struct KindText {
    /// The kind's name in addresses and JSON, such as `metric_alarm`.
    pub kind: &'static str,
    /// The singular noun, such as `alarm`.
    pub noun: &'static str,
    /// The plural noun, such as `alarms`.
    pub plural: &'static str,
    /// Whether people and other tools change resources of this kind as a matter of course, so that one of ours which they
    /// changed is theirs from then on: never deleted, never set back.
    pub shared: bool,
    /// One line that says what a resource with these fields does, for creates and adoptions.
    pub summary: fn(&Fields) -> String,
}
