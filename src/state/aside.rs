//! What a migration leaves at the old place: the document under another name, with the place that it went to.

use serde_json::{Value, json};

/// The key that a document has once it was set aside. Whoever reads it as a document takes no notice.
const WENT_TO: &str = "migrated_to";

/// The ending of the n-th document that was set aside at one place: `migrated`, `migrated.2`, …
pub(super) fn ending(n: u32) -> String {
    if n == 1 { "migrated".to_owned() } else { format!("migrated.{n}") }
}

/// A document as it is set aside.
pub(super) fn text(document: &[u8], to: &str) -> Result<Vec<u8>, serde_json::Error> {
    let mut value: Value = serde_json::from_slice(document)?;
    if let Some(document) = value.as_object_mut() {
        document.insert(WENT_TO.to_owned(), json!(to));
    }
    let mut text = serde_json::to_vec_pretty(&value)?;
    text.push(b'\n');
    Ok(text)
}

/// A document that was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Aside {
    /// Its place.
    pub(super) place: String,
    /// Where the state went.
    pub(super) to: String,
}

impl Aside {
    pub(super) fn new(place: String, bytes: &[u8]) -> Self {
        let value: Value = serde_json::from_slice(bytes).unwrap_or_default();
        let to = value.get(WENT_TO).and_then(Value::as_str).unwrap_or("another place");
        Self { place, to: to.to_owned() }
    }
}
