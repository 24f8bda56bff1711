//! The table of fields below a change.

use serde_json::Value;

use crate::model::Fields;
use crate::plan::{Cause, Change, Verb};
use crate::render::Detail;
use crate::render::escape::clean;
use crate::render::fold::{Group, GroupField};
use crate::render::line::{Line, Page};
use crate::render::palette::Tone;
use crate::render::value::{DiffLine, Difference, FieldRow, Side, rows_of, value_rows};
use crate::render::words::{cause_words, count_of, thousands};

use super::Layout;

/// Names of fields are padded up to this width; a longer one pushes its value to the right.
const NAME_COLUMNS: usize = 36;

/// Longer differences of texts are cut in the folded view.
const MOST_TEXT_LINES: usize = 14;

/// A row with what is to be said about the group as a whole.
struct GroupRow<'a> {
    row: FieldRow,
    /// Where the values differ within the group: whose they are, and how many there are.
    example: Option<(&'a Change, usize)>,
}

/// The fields that differ, with the live value, the desired one, and who changed it.
pub(super) fn changed(page: &mut Page, group: &Group<'_>, layout: &Layout) {
    let rows: Vec<GroupRow<'_>> = group.fields.iter().flat_map(group_rows).collect();
    let width = rows
        .iter()
        .map(|r| Line::new().plain(&*r.row.name).width())
        .max()
        .unwrap_or(0);
    let value_column = layout.body() + width.min(NAME_COLUMNS) + 3;
    for row in &rows {
        show_row(page, row, group.first().verb, value_column, layout);
    }
}

/// All fields of an object, those that `group` changes left out.
pub(super) fn whole(
    page: &mut Page,
    fields: &Fields,
    except: &[GroupField<'_>],
    layout: &Layout,
    tone: Tone,
) {
    let rows: Vec<(String, Vec<String>)> = fields
        .iter()
        .filter(|(name, _)| except.iter().all(|field| field.example.name != **name))
        .flat_map(|(name, value)| value_rows(name, value))
        .collect();
    value_table(page, &rows, layout.body(), tone);
}

/// Names and values, aligned.
pub(in crate::render) fn value_table(
    page: &mut Page,
    rows: &[(String, Vec<String>)],
    indent: usize,
    tone: Tone,
) {
    let width = rows
        .iter()
        .map(|(name, _)| Line::new().plain(&**name).width())
        .max()
        .unwrap_or(0);
    let column = indent + width.min(NAME_COLUMNS) + 3;
    for (name, values) in rows {
        let mut line = Line::indented(indent).with(Tone::Dim, &**name);
        for value in values {
            page.line(&line.padded(column).with(tone, &**value).hanging(column));
            line = Line::new();
        }
    }
}

fn group_rows<'a>(field: &'a GroupField<'a>) -> Vec<GroupRow<'a>> {
    let example = (field.distinct > 1).then_some((field.of, field.distinct));
    let nested = |value: &Option<Value>| value.as_ref().is_some_and(Value::is_object);
    let maps = nested(&field.example.before) || nested(&field.example.after);
    let rows = rows_of(&field.example);
    let last = rows.len().saturating_sub(1);
    rows.into_iter()
        .enumerate()
        // Of a map, the number belongs to the whole of it: it is said once.
        .map(|(i, row)| GroupRow {
            row,
            example: if maps && i < last { None } else { example },
        })
        .collect()
}

fn show_row(page: &mut Page, shown: &GroupRow<'_>, verb: Verb, column: usize, layout: &Layout) {
    let row = &shown.row;
    let name = Line::indented(layout.body()).plain(&*row.name).padded(column);
    let cause = cause_line(row.cause, verb);
    let note = shown.example.map(example_words);
    match &row.difference {
        Difference::Inline { before, after } => {
            let mut line = name;
            if note.is_some() {
                line.push(Tone::Dim, "e.g. ");
            }
            line.push(Tone::Plain, &**before);
            line.push(Tone::Dim, " → ");
            line.push(Tone::Strong, &**after);
            if let Some(note) = note {
                line.push(Tone::Dim, format!(" {note}"));
            }
            page.columns(line.hanging(column), cause, layout.right);
        }
        Difference::List { removed, added, kept } => {
            let mut lines: Vec<Line> = removed
                .iter()
                .map(|element| Line::new().with(Tone::Delete, format!("- {element}")))
                .chain(
                    added
                        .iter()
                        .map(|element| Line::new().with(Tone::Create, format!("+ {element}"))),
                )
                .collect();
            if *kept > 0 {
                let rest = thousands(*kept);
                lines.push(Line::new().with(Tone::Dim, format!("  {rest} unchanged")));
            }
            if let Some(note) = note {
                lines.push(Line::new().with(Tone::Dim, format!("e.g. {note}")));
            }
            beside_name(page, name, cause, lines, column, layout);
        }
        Difference::Text(lines) => {
            let mut shown = text_lines(lines, layout.detail);
            if let Some(note) = note {
                shown.push(Line::new().with(Tone::Dim, format!("e.g. {note}")));
            }
            page.columns(name, cause, layout.right);
            for line in shown {
                let mut indented = Line::indented(layout.body() + 2);
                indented.append(line);
                page.line(&indented.hanging(layout.body() + 4));
            }
        }
    }
}

/// Several lines in the column of values; the name and the cause stand on the first one.
fn beside_name(page: &mut Page, name: Line, cause: Line, lines: Vec<Line>, column: usize, layout: &Layout) {
    let mut left = name;
    let mut right = cause;
    for line in lines {
        left.append(line);
        page.columns(left.hanging(column + 2), std::mem::take(&mut right), layout.right);
        left = Line::new().padded(column);
    }
}

fn text_lines(lines: &[DiffLine], detail: Detail) -> Vec<Line> {
    let most = if detail == Detail::Full {
        usize::MAX
    } else {
        MOST_TEXT_LINES
    };
    let mut shown: Vec<Line> = lines.iter().take(most).map(diff_line).collect();
    if lines.len() > most {
        let more = count_of(lines.len() - most, "more line", "more lines");
        shown.push(Line::new().with(Tone::Dim, format!("… {more} with --detail full")));
    }
    shown
}

fn diff_line(line: &DiffLine) -> Line {
    let (sign, tone, part_tone) = match line.side {
        Side::Removed => ("- ", Tone::Delete, Tone::RemovedPart),
        Side::Added => ("+ ", Tone::Create, Tone::AddedPart),
        Side::Both => ("  ", Tone::Dim, Tone::Dim),
        Side::Gap => ("", Tone::Dim, Tone::Dim),
    };
    line.parts
        .iter()
        .fold(Line::new().with(tone, sign), |shown, (differs, text)| {
            shown.with(if *differs { part_tone } else { tone }, &**text)
        })
}

/// Who changed a field. Of an adoption and a replace that is not in question.
fn cause_line(cause: Cause, verb: Verb) -> Line {
    if matches!(verb, Verb::Adopt | Verb::Replace | Verb::Conflict) {
        return Line::new();
    }
    let tone = match cause {
        Cause::Drift | Cause::Both => Tone::Adopt,
        Cause::Manifest | Cause::Unknown => Tone::Dim,
    };
    Line::new().with(tone, cause_words(cause))
}

fn example_words((change, distinct): (&Change, usize)) -> String {
    let name = change
        .target
        .as_ref()
        .map_or(&change.address.key, |target| &target.name);
    format!(
        "({}); {}",
        clean(name),
        count_of(distinct, "value", "different values")
    )
}
