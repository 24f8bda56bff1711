//! Values and their differences, as structured text that each renderer dresses in its own way.

use std::collections::BTreeSet;

use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use crate::plan::{Cause, FieldChange};

use super::escape::{clean, quoted};

/// Texts longer than this are shown below each other, not beside each other.
const INLINE_COLUMNS: usize = 60;

/// What stands for a value that is not there.
const NONE: &str = "(none)";

/// How one field, or one entry of a nested field, differs.
#[derive(Debug)]
pub(super) struct FieldRow {
    /// The path, such as `threshold` or `tags.owner`.
    pub(super) name: String,
    /// Who changed it.
    pub(super) cause: Cause,
    /// The difference.
    pub(super) difference: Difference,
}

/// A difference in the form in which it can be read best.
#[derive(Debug)]
pub(super) enum Difference {
    /// Two short values.
    Inline {
        /// The live value.
        before: String,
        /// The desired value.
        after: String,
    },
    /// Two lists, as what goes and what comes.
    List {
        /// Elements that go.
        removed: Vec<String>,
        /// Elements that come.
        added: Vec<String>,
        /// How many stay.
        kept: usize,
    },
    /// Two long texts.
    Text(Vec<DiffLine>),
}

/// One line of the difference of two texts.
#[derive(Debug)]
pub(super) struct DiffLine {
    /// Whether the line goes, comes or stays.
    pub(super) side: Side,
    /// The line's parts; the flag marks those that differ.
    pub(super) parts: Vec<(bool, String)>,
}

/// Which of two texts a line belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// The old text.
    Removed,
    /// The new text.
    Added,
    /// Both.
    Both,
    /// Neither: lines are left out here.
    Gap,
}

/// The rows that show one changed field; a map has one row for each entry that differs.
pub(super) fn rows_of(field: &FieldChange) -> Vec<FieldRow> {
    let mut rows = Vec::new();
    push_rows(
        &mut rows,
        clean(&field.name).into_owned(),
        field.cause,
        field.before.as_ref(),
        field.after.as_ref(),
    );
    rows
}

fn push_rows(
    rows: &mut Vec<FieldRow>,
    name: String,
    cause: Cause,
    before: Option<&Value>,
    after: Option<&Value>,
) {
    let Some(keys) = nested_keys(before, after) else {
        let difference = difference(before, after);
        rows.push(FieldRow { name, cause, difference });
        return;
    };
    for key in keys {
        let (old, new) = (before.and_then(|map| map.get(key)), after.and_then(|map| map.get(key)));
        if old != new {
            push_rows(rows, format!("{name}.{}", clean(key)), cause, old, new);
        }
    }
}

/// The keys of both maps, where both sides are maps or not there, and at least one of them has an entry.
fn nested_keys<'a>(before: Option<&'a Value>, after: Option<&'a Value>) -> Option<BTreeSet<&'a String>> {
    let sides: Vec<&Value> = before.into_iter().chain(after).collect();
    let maps: Option<Vec<_>> = sides.into_iter().map(Value::as_object).collect();
    let keys: BTreeSet<&String> = maps?.into_iter().flat_map(serde_json::Map::keys).collect();
    (!keys.is_empty()).then_some(keys)
}

fn difference(before: Option<&Value>, after: Option<&Value>) -> Difference {
    if let Some(list) = list_difference(before, after) {
        return list;
    }
    if let Some(lines) = text_difference(before, after) {
        return Difference::Text(lines);
    }
    Difference::Inline {
        before: before.map_or_else(|| NONE.to_owned(), inline),
        after: after.map_or_else(|| NONE.to_owned(), inline),
    }
}

fn list_difference(before: Option<&Value>, after: Option<&Value>) -> Option<Difference> {
    let elements = |side: Option<&Value>| match side {
        None => Some(Vec::new()),
        Some(value) => value.as_array().cloned(),
    };
    let (old, mut added) = (elements(before)?, elements(after)?);
    let alike = shared_members(&old, &added);
    let telling = |element: &Value| inline(&without(element, &alike));
    let mut removed = Vec::new();
    let mut kept = 0;
    for element in old {
        match added.iter().position(|other| *other == element) {
            Some(found) => {
                added.remove(found);
                kept += 1;
            }
            None => removed.push(element),
        }
    }
    // Where only the order differs, or a list is empty, there is no element to show.
    (!removed.is_empty() || !added.is_empty()).then(|| Difference::List {
        removed: removed.iter().map(telling).collect(),
        added: added.iter().map(telling).collect(),
        kept,
    })
}

/// The members that are the same in all of several maps: they tell no element from another.
fn shared_members(old: &[Value], new: &[Value]) -> BTreeSet<String> {
    let maps: Option<Vec<_>> = old.iter().chain(new).map(Value::as_object).collect();
    let maps = maps.unwrap_or_default();
    let Some(first) = maps.first() else { return BTreeSet::new() };
    let in_all = |(key, value): &(&String, &Value)| maps.iter().all(|map| map.get(*key) == Some(*value));
    let alike: BTreeSet<String> = first.iter().filter(in_all).map(|(key, _)| key.clone()).collect();
    // One that would have nothing left is shown whole, and so are the others.
    if maps.iter().any(|map| map.len() == alike.len()) { BTreeSet::new() } else { alike }
}

fn without(element: &Value, members: &BTreeSet<String>) -> Value {
    let Value::Object(map) = element else { return element.clone() };
    map.iter()
        .filter(|(key, _)| !members.contains(*key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

fn text_difference(before: Option<&Value>, after: Option<&Value>) -> Option<Vec<DiffLine>> {
    let (old, new) = (text_side(before)?, text_side(after)?);
    let many_lines = old.contains('\n') || new.contains('\n');
    let long = old.chars().count() > INLINE_COLUMNS || new.chars().count() > INLINE_COLUMNS;
    if many_lines {
        Some(line_diff(&old, &new))
    } else if long {
        Some(word_diff(&old, &new))
    } else {
        None
    }
}

/// The text of a side, JSON in its readable form; empty where the side is not there.
fn text_side(side: Option<&Value>) -> Option<String> {
    match side {
        None => Some(String::new()),
        Some(value) => value.as_str().map(readable),
    }
}

/// JSON is laid out on several lines, so that its difference can be seen; any other text is as it is.
fn readable(text: &str) -> String {
    if !text.trim_start().starts_with(['{', '[']) {
        return text.to_owned();
    }
    serde_json::from_str::<Value>(text)
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| text.to_owned())
}

fn line_diff(old: &str, new: &str) -> Vec<DiffLine> {
    let diff = TextDiff::from_lines(old, new);
    let mut lines = Vec::new();
    for (i, hunk) in diff.grouped_ops(2).iter().enumerate() {
        if i > 0 {
            lines.push(DiffLine { side: Side::Gap, parts: vec![(false, "…".to_owned())] });
        }
        for change in hunk.iter().flat_map(|op| diff.iter_changes(op)) {
            let text = change.value().trim_end_matches(['\n', '\r']);
            lines.push(DiffLine {
                side: side_of(change.tag()),
                parts: vec![(false, clean(text).into_owned())],
            });
        }
    }
    lines
}

fn word_diff(old: &str, new: &str) -> Vec<DiffLine> {
    let diff = TextDiff::from_words(old, new);
    let (mut removed, mut added) = (Vec::new(), Vec::new());
    let one_sided = old.is_empty() || new.is_empty();
    for change in diff.iter_all_changes() {
        let text = clean(change.value()).into_owned();
        match change.tag() {
            ChangeTag::Delete => removed.push((!one_sided, text)),
            ChangeTag::Insert => added.push((!one_sided, text)),
            ChangeTag::Equal => {
                removed.push((false, text.clone()));
                added.push((false, text));
            }
        }
    }
    [(Side::Removed, removed), (Side::Added, added)]
        .into_iter()
        .filter(|(_, parts)| !parts.is_empty())
        .map(|(side, parts)| DiffLine { side, parts })
        .collect()
}

fn side_of(tag: ChangeTag) -> Side {
    match tag {
        ChangeTag::Delete => Side::Removed,
        ChangeTag::Insert => Side::Added,
        ChangeTag::Equal => Side::Both,
    }
}

/// A value on one line.
pub(super) fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => inline_text(text),
        Value::Number(number) => number_words(number),
        Value::Null | Value::Bool(_) => value.to_string(),
        Value::Array(_) | Value::Object(_) => clean(&value.to_string()).into_owned(),
    }
}

/// A whole number without the `.0` that JSON gives it.
fn number_words(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 1e15 => format!("{float:.0}"),
        _ => number.to_string(),
    }
}

/// Quoted only where the bare text would be taken for something else.
fn inline_text(text: &str) -> String {
    let could_be_json = serde_json::from_str::<Value>(text).is_ok_and(|value| !value.is_object());
    let confusing = text.is_empty() || text.trim() != text || text == NONE || text.contains(" → ");
    if confusing || could_be_json || clean(text) != text { quoted(text) } else { text.to_owned() }
}

/// The rows that show a value whole: a name and one or more lines each; a map has one row for each entry.
pub(super) fn value_rows(name: &str, value: &Value) -> Vec<(String, Vec<String>)> {
    let name = clean(name).into_owned();
    match value {
        Value::Object(map) if !map.is_empty() => {
            map.iter().flat_map(|(key, entry)| value_rows(&format!("{name}.{key}"), entry)).collect()
        }
        Value::Array(list) if !list.is_empty() => vec![(name, list.iter().map(inline).collect())],
        Value::String(text) if text.contains('\n') || readable(text).contains('\n') => {
            let lines = readable(text).lines().map(|line| clean(line).into_owned()).collect();
            vec![(name, lines)]
        }
        other => vec![(name, vec![inline(other)])],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rows(before: &Value, after: &Value) -> String {
        let field = FieldChange {
            name: "f".to_owned(),
            before: (!before.is_null()).then(|| before.clone()),
            after: (!after.is_null()).then(|| after.clone()),
            cause: Cause::Manifest,
        };
        format!("{:?}", rows_of(&field).iter().map(|row| (&row.name, &row.difference)).collect::<Vec<_>>())
    }

    #[test]
    fn short_values_stand_beside_each_other() {
        assert_eq!(inline(&json!(85.0)), "85");
        assert_eq!(inline(&json!(0.5)), "0.5");
        assert_eq!(inline(&json!("web 1")), "web 1");
        assert_eq!(inline(&json!("90")), "\"90\"");
        assert_eq!(inline(&json!("")), "\"\"");
        assert_eq!(inline(&json!("a\nb")), "\"a\\nb\"");
        assert_eq!(rows(&Value::Null, &json!("x")), r#"[("f", Inline { before: "(none)", after: "x" })]"#);
    }

    #[test]
    fn lists_show_what_goes_and_what_comes() {
        assert_eq!(
            rows(&json!(["a", "b"]), &json!(["b", "c"])),
            r#"[("f", List { removed: ["a"], added: ["c"], kept: 1 })]"#
        );
        assert_eq!(
            rows(&json!(["a", "b"]), &json!(["b", "a"])),
            r#"[("f", Inline { before: "[\"a\",\"b\"]", after: "[\"b\",\"a\"]" })]"#
        );
    }

    #[test]
    fn elements_show_what_tells_them_from_each_other() {
        let target = |id: &str| json!({"id": id, "role": "r"});
        assert_eq!(
            rows(&json!([target("a"), target("b")]), &json!([target("b"), target("c")])),
            r#"[("f", List { removed: ["{\"id\":\"a\"}"], added: ["{\"id\":\"c\"}"], kept: 1 })]"#
        );
        let whole = r#"{\"id\":\"a\",\"role\":\"r\"}"#;
        assert_eq!(
            rows(&json!([]), &json!([target("a")])),
            format!(r#"[("f", List {{ removed: [], added: ["{whole}"], kept: 0 }})]"#)
        );
        assert_eq!(
            rows(&json!([target("a"), target("a")]), &json!([target("a")])),
            format!(r#"[("f", List {{ removed: ["{whole}"], added: [], kept: 1 }})]"#)
        );
    }

    #[test]
    fn maps_show_the_entries_that_differ() {
        assert_eq!(
            rows(&json!({"same": 1, "owner": "a"}), &json!({"same": 1, "owner": "b", "new": "c"})),
            r#"[("f.new", Inline { before: "(none)", after: "c" }), ("f.owner", Inline { before: "a", after: "b" })]"#
        );
    }

    #[test]
    fn json_in_a_string_is_compared_line_by_line() {
        let shown = rows(&json!(r#"{"a":1,"b":2}"#), &json!(r#"{"a":1,"b":3}"#));
        assert!(shown.contains(r#"side: Removed, parts: [(false, "  \"b\": 2")]"#), "{shown}");
        assert!(shown.contains(r#"side: Added, parts: [(false, "  \"b\": 3")]"#), "{shown}");
    }
}
