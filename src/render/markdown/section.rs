//! One group of changes in a comment.

use std::fmt::Write as _;

use crate::plan::{Change, Verb};

use super::Words;
use crate::render::Detail;
use crate::render::escape::clean;
use crate::render::fold::{Group, Variant, scope_words};
use crate::render::markup::{code, escape, fence_for, html};
use crate::render::reason::{attached, reason_words, renamed_words, target_name};
use crate::render::value::{DiffLine, Difference, FieldRow, Side, rows_of, value_rows};
use crate::render::words::{cause_words, count_of, thousands, verb_sign, verb_word};

/// Names of targets shown of each group.
const MOST_NAMES: usize = 12;

/// So many names are shown whole, where there is room.
const FEW_NAMES: usize = 50;

/// Names listed one a line: of what was deleted outside opsform, and of both halves of replaces.
const MOST_LISTED: usize = 100;

/// Lines of a difference; only a long text has more.
const MOST_LINES: usize = 400;

/// Lines of one section that name every value or every target, where there is room.
const MOST_VARIANTS: usize = 150;

/// How much of a group is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    /// One example, and some names.
    Narrow,
    /// Every value with the names that have it.
    Wide,
}

/// One group of changes, foldable.
pub(super) fn section(group: &Group<'_>, open: &str, width: Width, words: Words<'_>) -> String {
    let nouns = words.nouns;
    let first = group.first();
    let places = format!("{} · {}", group.origin_words(), group.scopes_words(words.many_accounts));
    let mut out = format!(
        "\n<details{open}><summary><code>{}</code> {} <b>{}</b> · <code>{}</code></summary>\n\n",
        verb_sign(first.verb),
        verb_word(first.verb, words.heading),
        html(&group.subject(nouns)),
        html(&places),
    );
    let reason = match first.verb {
        Verb::Replace => Some(renamed_words(group.len()).to_owned()),
        _ => reason_words(first, group.len(), nouns, words.heading),
    };
    if let Some(reason) = reason {
        let _ = writeln!(out, "{}\n", escape(&reason));
    }
    if let [change] = group.changes[..]
        && let Some(target) = attached(change, words.heading, words.detail)
    {
        let _ = writeln!(out, "for {}\n", code(&target_name(target)));
    }
    let mut lines = section_lines(group, words, width);
    if lines.len() > MOST_LINES {
        let more = count_of(lines.len() - MOST_LINES, "line", "lines");
        lines.truncate(MOST_LINES);
        lines.push(format!("# … {more} more"));
    }
    if !lines.is_empty() {
        let fence = fence_for(&lines);
        let _ = writeln!(out, "{fence}diff\n{}\n{fence}\n", lines.join("\n"));
    }
    if first.verb == Verb::Delete && group.len() > 1 {
        // Only drift has deletes here. Their targets do not tell them apart, because they are gone whole.
        for change in group.changes.iter().take(MOST_LISTED) {
            let scope = code(&scope_words(&change.address.scope, words.many_accounts));
            let _ = writeln!(out, "- {} · {scope}", code(&change.address.key));
        }
        if group.len() > MOST_LISTED {
            let _ = writeln!(out, "- … {} more", thousands(group.len() - MOST_LISTED));
        }
        out.push('\n');
    } else if first.verb != Verb::Replace && group.len() > 1 {
        let names = group.names();
        let all = width == Width::Wide && names.len() <= FEW_NAMES;
        let most = if all { FEW_NAMES } else { MOST_NAMES };
        let shown = names.iter().take(most).map(String::as_str).collect::<Vec<_>>().join(", ");
        let _ = write!(out, "{}", code(&shown));
        if names.len() > most {
            let _ = write!(out, " … {} more", thousands(names.len() - most));
        }
        out.push_str("\n\n");
    }
    out.push_str("</details>\n");
    out
}

/// The lines of the diff block: what the resource does, what differs, which names change.
fn section_lines(group: &Group<'_>, words: Words<'_>, width: Width) -> Vec<String> {
    let detail = words.detail;
    let first = group.first();
    let mut lines = Vec::new();
    if first.verb == Verb::Replace {
        for change in group.changes.iter().take(MOST_LISTED) {
            if let Some(old) = &change.replaces {
                lines.push(format!("- {}", clean(&old.address.key)));
            }
            lines.push(format!("+ {}", clean(&change.address.key)));
        }
        if group.len() > MOST_LISTED {
            lines.push(format!("# … {} more", thousands(group.len() - MOST_LISTED)));
        }
    }
    let (sign, whole) = match first.verb {
        Verb::Create => ('+', first.after.as_ref()),
        Verb::Delete => ('-', first.before.as_ref()),
        _ => ('+', None),
    };
    match (&group.summary, whole) {
        (_, Some(fields)) if detail == Detail::Full => {
            for (name, values) in fields.iter().flat_map(|(name, value)| value_rows(name, value)) {
                lines.extend(values.iter().map(|value| format!("{sign} {name}: {value}")));
            }
        }
        (Some((summary, 1)), _) => lines.push(format!("{sign} {summary}")),
        (Some((summary, distinct)), _) => {
            lines.push(format!("{sign} {summary}"));
            lines.push(format!("# an example: there are {} different ones", thousands(*distinct)));
            if width == Width::Wide {
                variant_lines(&mut lines, &group.summaries(words.nouns));
            }
        }
        (None, _) => {}
    }
    let mut last_cause = None;
    for field in &group.fields {
        if last_cause != Some(field.example.cause) && says_cause(first) {
            lines.push(format!("@@ {} @@", cause_words(field.example.cause)));
        }
        last_cause = Some(field.example.cause);
        for row in rows_of(&field.example) {
            push_row(&mut lines, &row);
        }
        if field.distinct > 1 {
            let (name, count) = (clean(&field.example.name), field.distinct_words());
            lines.push(format!("# {name}: an example, there are {count}"));
            if width == Width::Wide {
                variant_lines(&mut lines, &group.variants_of(&field.example.name));
            }
        }
    }
    let steps = first.steps.iter().enumerate();
    lines.extend(steps.map(|(index, step)| format!("  {}. {}", index + 1, clean(step))));
    lines.extend(first.notes.iter().map(|note| format!("# note: {}", clean(note))));
    lines
}

/// `#   80 → 60  web-1, web-2, … 3 more`
fn variant_lines(lines: &mut Vec<String>, variants: &[Variant<'_>]) {
    const NAMES: usize = 6;
    for variant in variants.iter().take(MOST_VARIANTS) {
        let names = variant.changes.iter().take(NAMES).map(|change| match &change.target {
            Some(target) => clean(&target.name),
            None => clean(&change.address.key),
        });
        let names = names.collect::<Vec<_>>().join(", ");
        let more = match variant.changes.len().saturating_sub(NAMES) {
            0 => String::new(),
            more => format!(", … {} more", thousands(more)),
        };
        lines.push(format!("#   {}  {names}{more}", variant.words));
    }
    if variants.len() > MOST_VARIANTS {
        lines.push(format!("#   … {} more", thousands(variants.len() - MOST_VARIANTS)));
    }
}

/// Of an adoption and a replace it is not in question who changed a field.
fn says_cause(change: &Change) -> bool {
    change.verb == Verb::Update
}

fn push_row(lines: &mut Vec<String>, row: &FieldRow) {
    let name = &row.name;
    match &row.difference {
        Difference::Inline { before, after } => {
            lines.push(format!("- {name}: {before}"));
            lines.push(format!("+ {name}: {after}"));
        }
        Difference::List { removed, added, .. } => {
            lines.extend(removed.iter().map(|element| format!("- {name}: {element}")));
            lines.extend(added.iter().map(|element| format!("+ {name}: {element}")));
        }
        Difference::Text(diff) => {
            lines.push(format!("  {name}:"));
            lines.extend(diff.iter().map(text_line));
        }
    }
}

fn text_line(line: &DiffLine) -> String {
    let sign = match line.side {
        Side::Removed => '-',
        Side::Added => '+',
        Side::Both | Side::Gap => ' ',
    };
    let text: String = line.parts.iter().map(|(_, part)| part.as_str()).collect();
    format!("{sign} {text}")
}
