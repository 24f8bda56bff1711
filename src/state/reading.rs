//! From the bytes of a document and its journal to a state, wherever they are kept.

use serde_json::Value;

use super::journal::{Header, JOURNAL_VERSION};
use super::{Entry, FORMAT_VERSION, State, StateError};

/// A journal that was read: what it continues, and its entries.
pub(super) type JournalText = (Header, Vec<Entry>);

/// Reads a document.
pub(super) fn parse_document(bytes: &[u8], path: &str, project: &str) -> Result<State, StateError> {
    let damaged =
        |error: serde_json::Error| StateError::Damaged { path: path.to_owned(), detail: error.to_string() };
    let value: Value = serde_json::from_slice(bytes).map_err(damaged)?;
    let found = value.get("format_version").and_then(Value::as_u64).unwrap_or(0);
    if found > u64::from(FORMAT_VERSION) {
        return Err(StateError::TooNew { path: path.to_owned(), found, known: FORMAT_VERSION });
    }
    let state: State = serde_json::from_value(value).map_err(damaged)?;
    if state.project != project {
        return Err(StateError::OtherProject {
            path: path.to_owned(),
            found: state.project,
            expected: project.to_owned(),
        });
    }
    Ok(state)
}

/// A document as it is written.
pub(super) fn document_text(state: &State) -> Result<Vec<u8>, serde_json::Error> {
    let mut text = serde_json::to_vec_pretty(state)?;
    text.push(b'\n');
    Ok(text)
}

/// Reads a journal; `None` where not even its first line was written.
///
/// Bytes, not text: a line that was cut off may end within a character.
pub(super) fn parse_journal(bytes: &[u8], path: &str) -> Result<Option<JournalText>, StateError> {
    // A line without its end was being written when the process died. The first one is written and synced before the
    // first change is made, so without it nothing was; what another one was to record is among the intended, or AWS
    // shows it.
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
    let Some(first) = lines.next() else { return Ok(None) };
    let header = parse_header(first, path)?;
    let entries = lines.enumerate().map(|(number, line)| {
        serde_json::from_slice(line).map_err(|error| damaged_line(path, number + 2, &error))
    });
    Ok(Some((header, entries.collect::<Result<_, _>>()?)))
}

/// The version first: a newer journal's header may have another shape.
fn parse_header(line: &[u8], path: &str) -> Result<Header, StateError> {
    let damaged = |error: serde_json::Error| damaged_line(path, 1, &error);
    let value: Value = serde_json::from_slice(line).map_err(damaged)?;
    match value.get("journal").and_then(Value::as_u64) {
        Some(found) if found > u64::from(JOURNAL_VERSION) => {
            Err(StateError::TooNew { path: path.to_owned(), found, known: JOURNAL_VERSION })
        }
        _ => serde_json::from_value(value).map_err(damaged),
    }
}

fn damaged_line(path: &str, line: usize, error: &serde_json::Error) -> StateError {
    StateError::Damaged { path: path.to_owned(), detail: format!("line {line}: {error}") }
}

/// How a journal relates to the document beside it.
pub(super) enum Relation {
    /// It continues this very document.
    Continues,
    /// It is part of the document already: an apply removes its journal after it has written the document that
    /// includes it, and did not get to remove this one.
    Older,
    /// The document was replaced between the two reads.
    Newer,
}

/// Compares lineage and serial.
pub(super) fn relation(
    state: &State,
    header: &Header,
    path: &str,
    journal: &str,
) -> Result<Relation, StateError> {
    if header.lineage != state.lineage {
        return Err(StateError::Damaged {
            path: path.to_owned(),
            detail: format!("its journal {journal} continues another state (lineage {})", header.lineage),
        });
    }
    Ok(match header.serial.cmp(&state.serial) {
        std::cmp::Ordering::Equal => Relation::Continues,
        std::cmp::Ordering::Less => Relation::Older,
        std::cmp::Ordering::Greater => Relation::Newer,
    })
}

/// A journal without the document that it continues.
pub(super) fn document_is_gone(path: &str, journal: &str) -> StateError {
    StateError::Damaged {
        path: path.to_owned(),
        detail: format!("its journal {journal} is there, but the document is not"),
    }
}
