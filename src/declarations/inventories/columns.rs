//! Columns that templates name and a sheet does not have.

use std::collections::BTreeSet;

use crate::manifest::{Sheet, Template, TemplateKey, hint_for, suggestion};
use crate::model::Diagnostic;

/// More columns than this are not listed.
const LISTED: usize = 12;

/// An error for each column that the template names and the sheet does not have, and for each that it compares and that holds
/// numbers as texts among others; where the template has a default for
/// it, a warning, because the default is then always taken.
///
/// In a listing of the AWS CLI the columns are the tags that somebody has, so that none having it may be right.
pub(in crate::declarations) fn unknown_columns(
    template: &Template,
    field: &str,
    sheet: &Sheet,
) -> Vec<Diagnostic> {
    let keys = template.keys_of("row");
    let unknown = keys.iter().filter_map(|key| unknown(template, field, sheet, key));
    if !compares(template.source()) {
        return unknown.collect();
    }
    let columns: BTreeSet<usize> = keys.iter().filter_map(|key| sheet.column(&key.key)).collect();
    let mixed = columns.into_iter().filter_map(|column| mixed(template, field, sheet, column));
    unknown.chain(mixed).collect()
}

/// Whether the code of a template compares something.
fn compares(source: &str) -> bool {
    let source = source.replace("{%", "{{").replace("%}", "}}");
    let mut code = source.split("{{").skip(1).filter_map(|part| part.split("}}").next());
    code.any(|code| {
        let outside_quotes: String = code.split(['\'', '"']).step_by(2).collect();
        ["<", ">", "==", "!="].iter().any(|sign| outside_quotes.contains(sign))
    })
}

fn mixed(template: &Template, field: &str, sheet: &Sheet, column: usize) -> Option<Diagnostic> {
    let row = sheet.number_as_text(column)?;
    let summary = format!(
        "`{field}` compares column `{}`, which has numbers, and here a text that looks like one",
        folded(sheet.header(column))
    );
    Some(
        Diagnostic::error(summary)
            .at(sheet.place(row, column))
            .related(template.place().clone(), "the template that reads it")
            .hint("write the cell as a number, like the others: a text is greater than every number"),
    )
}

/// In one line and with single blanks, as columns are looked up.
fn folded(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn unknown(template: &Template, field: &str, sheet: &Sheet, key: &TemplateKey) -> Option<Diagnostic> {
    if sheet.column(&key.key).is_some() {
        return None;
    }
    let words = sheet.words();
    if let Some((first, second)) = sheet.ambiguous(&key.key) {
        let summary = format!("`{field}`: `{words}` has two columns `{}`", key.key);
        return Some(
            Diagnostic::error(summary)
                .at(template.place().clone())
                .related(sheet.header_place(second), "the second one")
                .hint(format!(
                    "the first one is {}; give one of them another header",
                    sheet.header_place(first)
                )),
        );
    }
    let summary = format!("`{field}`: `{words}` has no column `{}`", key.key);
    let diagnostic = match (key.optional, sheet.has_cells()) {
        (false, _) => Diagnostic::error(summary),
        (true, true) => Diagnostic::warning(summary),
        (true, false) => return None,
    };
    Some(diagnostic.at(template.place().clone()).hint(hint(sheet, &key.key)))
}

/// A near column as a template writes it, or what there is.
pub(in crate::declarations) fn hint(sheet: &Sheet, name: &str) -> String {
    let names: Vec<&str> = sheet.names().collect();
    match suggestion(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{}`?", written(near)),
        None if names.len() > LISTED => {
            format!("it has {} columns, such as `{}`", names.len(), names[..LISTED].join("`, `"))
        }
        None => hint_for(name, &names, "its columns are"),
    }
}

/// A column as templates write it, in quotes that fit into a string of TOML.
pub(in crate::declarations) fn written(name: &str) -> String {
    let name = &folded(name);
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let word = name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit());
    match (word, name.contains(['\'', '\\'])) {
        (true, _) => format!("row.{name}"),
        (false, false) => format!("row['{name}']"),
        (false, true) => format!("row[{name:?}]"),
    }
}
