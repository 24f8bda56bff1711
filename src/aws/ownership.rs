//! The tags by which opsform knows its own.

use crate::model::Ownership;

/// The tag whose value is the project that owns a resource.
pub const PROJECT_TAG: &str = "opsform:project";

/// The tag whose value is the label of the declaration that made the resource.
pub const LABEL_TAG: &str = "opsform:label";

/// The owner that a resource's tags name.
pub fn ownership_of_tags<'a>(tags: impl IntoIterator<Item = (&'a str, &'a str)>) -> Ownership {
    let (mut project, mut label) = (None, None);
    for (key, value) in tags {
        match key {
            PROJECT_TAG => project = Some(value.to_owned()),
            LABEL_TAG => label = Some(value.to_owned()),
            _ => {}
        }
    }
    match project {
        Some(name) => Ownership::Project { name, label },
        None => Ownership::Nobody,
    }
}
