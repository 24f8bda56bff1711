//! Field maps of specs that serde reads and writes.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::model::Fields;

/// The field map of a spec.
pub(super) fn to_fields(spec: &impl Serialize) -> Fields {
    match serde_json::to_value(spec) {
        Ok(Value::Object(map)) => map.into_iter().collect(),
        // A struct of strings, numbers and maps with string keys always becomes an object.
        _ => Fields::new(),
    }
}

/// The spec of a field map.
///
/// # Errors
/// Where the map is not one that [`to_fields`] makes.
pub(super) fn from_fields<T: DeserializeOwned>(fields: &Fields) -> Result<T, serde_json::Error> {
    serde_json::from_value(Value::Object(fields.clone().into_iter().collect()))
}
