//! The head of a plan: what was read, and how much is to be done.

use crate::plan::{Change, Plan, Verb};

use crate::render::Heading;
use crate::render::escape::clean;
use crate::render::line::{Line, Page};
use crate::render::palette::Tone;
use crate::render::words::{cost_words, count_of, scopes_words, thousands, verb_word};

/// More labels than this are summed up.
const MOST_LABELS: usize = 6;

/// Project and scopes on the left, what reading cost on the right.
pub(super) fn head(page: &mut Page, plan: &Plan, heading: Heading, column: usize) {
    let mut left = Line::new().with(Tone::Strong, clean(&plan.project));
    if heading != Heading::Plan {
        // What is done by hand needs no project.
        let separator = if plan.project.is_empty() { "" } else { " · " };
        left = left.with(Tone::Dim, separator).plain(heading.word().to_lowercase());
    }
    if let Some(scopes) = scopes_words(&plan.scopes) {
        left = left.with(Tone::Dim, " · ").plain(scopes);
    }
    let cost = Line::new().with(Tone::Dim, cost_words(&plan.cost));
    if left.width() + cost.width() > 0 {
        page.columns(left, cost, column);
        page.blank();
    }
}

/// One row per verb: how many, and for which declarations.
pub(super) fn table(page: &mut Page, plan: &Plan, heading: Heading) {
    let rows: Vec<(Verb, usize)> =
        Verb::ALL.into_iter().map(|verb| (verb, plan.count(verb))).filter(|(_, count)| *count > 0).collect();
    let verbs = rows.iter().map(|(verb, _)| verb_word(*verb, heading).len()).max().unwrap_or(0);
    let numbers = rows.iter().map(|(_, count)| thousands(*count).len()).max().unwrap_or(0);
    for (verb, count) in rows {
        let number = thousands(count);
        let mut line = Line::indented(2)
            .with(Tone::of(verb), verb_word(verb, heading))
            .padded(2 + verbs + 2 + numbers - number.len())
            .with(Tone::Strong, number)
            .plain("   ");
        let column = line.width();
        let labels = label_counts(plan, verb);
        for (i, (label, count)) in labels.iter().take(MOST_LABELS).enumerate() {
            if i > 0 {
                line.push(Tone::Dim, " · ");
            }
            line.push(Tone::Plain, format!("{} ", clean(label)));
            line.push(Tone::Dim, thousands(*count));
        }
        if labels.len() > MOST_LABELS {
            let more = count_of(labels.len() - MOST_LABELS, "more label", "more labels");
            line.push(Tone::Dim, format!(" · … {more}"));
        }
        let refused = plan.changes.iter().filter(|c| c.verb == verb && is_refused(c)).count();
        if refused > 0 {
            line.push(Tone::Conflict, format!("   {} refused", thousands(refused)));
        }
        page.line(&line.hanging(column));
    }
    page.blank();
}

/// Whether this is an adoption that nobody allowed.
pub(in crate::render) fn is_refused(change: &Change) -> bool {
    change.verb == Verb::Adopt && change.is_blocking()
}

/// How many changes of a verb each label has: the largest first, then by name.
pub(in crate::render) fn label_counts(plan: &Plan, verb: Verb) -> Vec<(&str, usize)> {
    let mut counts: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for change in plan.changes.iter().filter(|change| change.verb == verb) {
        *counts.entry(&change.origin.label).or_default() += 1;
    }
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}
