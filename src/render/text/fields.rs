//! The table of fields below a change.

use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use crate::model::Fields;
use crate::plan::{Cause, Verb};
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

/// How far the causes of one object may stand right of the column of all.
const MOST_SHIFTED: usize = 16;

/// Longer differences of texts are cut in the folded view.
const MOST_TEXT_LINES: usize = 14;

/// A row with what is to be said about the group as a whole.
struct GroupRow<'a> {
    row: FieldRow,
    /// Where the values differ within the group: whose they are, and how many there are.
    example: Option<&'a GroupField<'a>>,
}

/// The fields that differ, with the live value, the desired one, and who changed it; then, where every change is shown
/// on its own, the object's other fields.
pub(super) fn show(page: &mut Page, group: &Group<'_>, layout: &Layout) {
    let changed: Vec<GroupRow<'_>> = group.fields.iter().flat_map(group_rows).collect();
    let (others, tone) = match layout.detail {
        Detail::Full => other_fields(group),
        Detail::Summary | Detail::Folded => (Vec::new(), Tone::Plain),
    };
    let names = changed.iter().map(|shown| &shown.row.name);
    let column = value_column(names.chain(others.iter().map(|(name, _)| name)), layout.body());
    let layout = &Layout { right: cause_column(&changed, column, layout.right), ..*layout };
    for row in &changed {
        show_row(page, row, group.first().verb, column, layout);
    }
    value_lines(page, &others, layout.body(), column, tone);
}

/// The fields of an object that do not change, or all of them where it is created or deleted.
fn other_fields(group: &Group<'_>) -> (Vec<(String, Vec<String>)>, Tone) {
    let first = group.first();
    let (object, tone) = match first.verb {
        Verb::Create => (first.after.as_ref(), Tone::Plain),
        Verb::Delete => (first.before.as_ref(), Tone::Dim),
        Verb::Forget => (None, Tone::Dim),
        _ => (first.after.as_ref().or(first.before.as_ref()), Tone::Dim),
    };
    let rows = object
        .into_iter()
        .flatten()
        .filter(|(name, _)| group.fields.iter().all(|field| field.example.name != **name))
        .flat_map(|(name, value)| value_rows(name, value));
    (rows.collect(), tone)
}

/// Names and values, aligned.
pub(in crate::render) fn value_table(page: &mut Page, fields: &Fields, indent: usize) {
    let rows: Vec<_> = fields.iter().flat_map(|(name, value)| value_rows(name, value)).collect();
    let column = value_column(rows.iter().map(|(name, _)| name), indent);
    value_lines(page, &rows, indent, column, Tone::Plain);
}

fn value_lines(page: &mut Page, rows: &[(String, Vec<String>)], indent: usize, column: usize, tone: Tone) {
    for (name, values) in rows {
        let mut line = Line::indented(indent).with(Tone::Dim, &**name).plain("   ");
        for value in values {
            page.line(&line.padded(column).with(tone, &**value).hanging(column));
            line = Line::new();
        }
    }
}

/// The column right of all names, but for those that are far too long.
fn value_column<'n>(names: impl Iterator<Item = &'n String>, indent: usize) -> usize {
    let widest = names.map(|name| name.width()).max().unwrap_or(0);
    indent + widest.min(NAME_COLUMNS) + 3
}

/// One column for all causes of an object: a little right of the heads' where a short value needs it.
fn cause_column(rows: &[GroupRow<'_>], column: usize, right: usize) -> usize {
    let widths = rows.iter().filter_map(|shown| match &shown.row.difference {
        Difference::Inline { before, after } => Some(column + before.width() + 3 + after.width() + 3),
        Difference::List { .. } | Difference::Text(_) => None,
    });
    widths.filter(|width| *width <= right + MOST_SHIFTED).max().unwrap_or(right).max(right)
}

fn group_rows<'a>(field: &'a GroupField<'a>) -> Vec<GroupRow<'a>> {
    let example = (field.distinct > 1).then_some(field);
    let nested = |value: &Option<Value>| value.as_ref().is_some_and(Value::is_object);
    let maps = nested(&field.example.before) || nested(&field.example.after);
    let rows = rows_of(&field.example);
    let last = rows.len().saturating_sub(1);
    rows.into_iter()
        .enumerate()
        // Of a map, the number belongs to the whole of it: it is said once.
        .map(|(i, row)| GroupRow { row, example: if maps && i < last { None } else { example } })
        .collect()
}

fn show_row(page: &mut Page, shown: &GroupRow<'_>, verb: Verb, column: usize, layout: &Layout) {
    let row = &shown.row;
    let name = Line::indented(layout.body()).plain(&*row.name).plain("   ").padded(column).hanging(column);
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
                .chain(added.iter().map(|element| Line::new().with(Tone::Create, format!("+ {element}"))))
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

/// Several lines in the column of values; the cause stands beside the first one, or below all where there is no room.
fn beside_name(page: &mut Page, name: Line, cause: Line, lines: Vec<Line>, column: usize, layout: &Layout) {
    let mut left = name;
    let mut right = cause;
    for line in lines {
        left.append(line);
        if page.has_room(&left, &right, layout.right) {
            page.columns(left.hanging(column + 2), std::mem::take(&mut right), layout.right);
        } else {
            page.line(&left.hanging(column + 2));
        }
        left = Line::new().padded(column);
    }
    if right.width() > 0 {
        left.append(right);
        page.line(&left);
    }
}

fn text_lines(lines: &[DiffLine], detail: Detail) -> Vec<Line> {
    let most = if detail == Detail::Full { usize::MAX } else { MOST_TEXT_LINES };
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
    line.parts.iter().fold(Line::new().with(tone, sign), |shown, (differs, text)| {
        shown.with(if *differs { part_tone } else { tone }, &**text)
    })
}

/// Who changed a field. Of an adoption and a replace that is not in question.
fn cause_line(cause: Cause, verb: Verb) -> Line {
    if matches!(verb, Verb::Adopt | Verb::Replace | Verb::Conflict) {
        return Line::new();
    }
    let tone = match cause {
        Cause::Drift | Cause::Both => Tone::Notice,
        Cause::Manifest | Cause::Rule | Cause::Asked | Cause::Unknown => Tone::Dim,
    };
    Line::new().with(tone, cause_words(cause))
}

fn example_words(field: &GroupField<'_>) -> String {
    let change = field.of;
    let name = change.target.as_ref().map_or(&change.address.key, |target| &target.name);
    format!("({}); {}", clean(name), field.distinct_words())
}
