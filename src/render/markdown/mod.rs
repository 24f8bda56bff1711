//! A plan for a comment on a pull request.

mod room;
mod section;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::plan::{Change, Plan, Verb};

use super::drift::{happened, left_words, way_back};
use super::escape::clean;
use super::fold::{Group, folded, scope_words, unfolded};
use super::markup::{code, escape, in_table};
use super::reason::{reason_words, remedy_words, target_name};
use super::text::{
    blocking_words, is_refused, label_counts, notes, nothing_to_do, saving_words, total_parts,
};
use super::words::{Nouns, cost_words, scopes_words, thousands, verb_sign, verb_word};
use super::{Detail, Heading, PlanView};
use room::{Labels, labels_words};
pub(crate) use room::{Room, clipped, size};
use section::{Width, section};

/// GitHub refuses comments of 65,536 characters and more; some are left for whoever puts the plan into a comment.
const MOST_CHARACTERS: usize = 64_000;

/// Of these, kept for the lines that say what there was no room for.
const FOR_THE_REST: usize = 6_000;

/// The most that conflicts and refused adoptions take, so that there is room for deletes.
const FOR_BLOCKING: usize = 20_000;

/// The most that one list of declarations takes.
const FOR_LABELS: usize = 1_500;

/// The most of a text that nothing else limits.
const LONGEST_TEXT: usize = 1_000;

/// The most of a project's name; the manifest allows no longer one.
const LONGEST_NAME: usize = 128;

/// With no more groups than this, all of them are shown open.
const MOST_OPEN: usize = 4;

/// The plan as Markdown for GitHub. The first line is a comment by which a job finds its own comment again.
///
/// Palette and width of the view mean nothing here.
pub fn plan_markdown(plan: &Plan, view: &PlanView<'_>) -> String {
    let happened = (view.heading == Heading::Drift).then(|| happened(plan));
    let plan = happened.as_ref().unwrap_or(plan);
    let nouns = Nouns(view.kinds);
    let words = Words {
        nouns,
        detail: view.detail,
        heading: view.heading,
        many_accounts: plan.scopes.iter().any(|scope| scope.account != plan.scopes[0].account),
    };
    let mut tail = String::new();
    for note in notes(plan, view.kinds, view.heading) {
        let _ = writeln!(tail, "\n{}", escape(&clipped(&note, LONGEST_TEXT)));
    }
    let mut top = String::new();
    head(&mut top, plan, view);
    if plan.is_empty() {
        return top + &tail;
    }
    total(&mut tail, plan, view.heading, nouns);
    let groups = match view.detail {
        Detail::Full => unfolded(plan, nouns),
        Detail::Summary | Detail::Folded => folded(plan, nouns),
    };
    let mut room = Room::new(MOST_CHARACTERS.saturating_sub(FOR_THE_REST + size(&tail)));
    room.always(&top);
    let mut page = Page { room, words, left_out: false };
    page.blocking(plan, &groups);
    page.counts(plan);
    if view.heading != Heading::Drift {
        page.destroys(&groups);
    }
    if view.detail != Detail::Summary {
        page.changes(&groups);
    }
    page.finish(&tail)
}

/// What every section needs to know.
#[derive(Clone, Copy)]
struct Words<'a> {
    nouns: Nouns<'a>,
    detail: Detail,
    heading: Heading,
    many_accounts: bool,
}

fn head(out: &mut String, plan: &Plan, view: &PlanView<'_>) {
    // A comment ends at `-->`: a project's name must not bring its own.
    let marker = clean(&clipped(&plan.project, LONGEST_NAME)).replace("--", "-\u{2d0}").replace('>', "");
    let _ = writeln!(out, "<!-- opsform plan: {marker} -->");
    let (word, project) = (view.heading.word().to_lowercase(), code(&clipped(&plan.project, LONGEST_NAME)));
    if plan.is_empty() {
        let (done, rest) = nothing_to_do(plan, view.kinds, view.heading);
        let _ = writeln!(out, "### opsform {word} for {project}: {}\n\n{}", lowercase(&done), escape(&rest));
    } else {
        let _ = writeln!(out, "### opsform {word} for {project}: {}", totals(plan, view.heading));
    }
    let facts: Vec<String> = scopes_words(&plan.scopes)
        .into_iter()
        .chain(Some(cost_words(&plan.cost)))
        .filter(|fact| !fact.is_empty())
        .map(|fact| escape(&clipped(&fact, LONGEST_TEXT)))
        .collect();
    if !facts.is_empty() {
        let _ = writeln!(out, "\n{}", facts.join(" · "));
    }
}

fn lowercase(text: &str) -> String {
    text.trim_end_matches([':', ' ']).to_lowercase()
}

fn total(out: &mut String, plan: &Plan, heading: Heading, nouns: Nouns<'_>) {
    let _ = write!(out, "\n**{}: {}", heading.word(), totals(plan, heading));
    if heading != Heading::Drift {
        out.push_str(".**\n");
        if let Some(words) = saving_words(plan) {
            let _ = writeln!(out, "\n{}", escape(&words));
        }
        return;
    }
    if let Some(left) = left_words(plan) {
        let _ = write!(out, "; {left}");
    }
    out.push_str(".**");
    if let Some(back) = way_back(plan, nouns) {
        let _ = write!(out, " {back}");
    }
    out.push('\n');
}

fn totals(plan: &Plan, heading: Heading) -> String {
    let parts: Vec<String> = total_parts(plan, heading).into_iter().map(|(_, words)| words).collect();
    parts.join(", ")
}

/// A comment that is being written, section by section.
struct Page<'a> {
    room: Room,
    words: Words<'a>,
    /// Whether there was no room for something.
    left_out: bool,
}

impl Page<'_> {
    /// What must be resolved stands above everything else.
    fn blocking(&mut self, plan: &Plan, groups: &[Group<'_>]) {
        let Some(caution) = blocking_words(plan) else {
            return;
        };
        let Words { nouns, heading, .. } = self.words;
        self.room.always(&format!("\n> [!CAUTION]\n> {caution}\n"));
        let keep = self.room.left().saturating_sub(FOR_BLOCKING);
        let mut rest = 0;
        for group in groups.iter().filter(|group| group.first().is_blocking()) {
            let first = group.first();
            let mut line = format!("> - {}", subject_code(group, nouns));
            let reason = reason_words(first, group.len(), nouns, heading);
            for part in reason.into_iter().chain(remedy_words(first, group.len(), nouns)) {
                let _ = write!(line, "; {}", escape(&part));
            }
            line.push('\n');
            if rest > 0 || !self.room.push_keeping(&line, keep) {
                rest += group.len();
            }
        }
        if rest > 0 {
            self.left_out = true;
            self.room.always(&format!("> - … and {} more\n", thousands(rest)));
        }
    }

    fn counts(&mut self, plan: &Plan) {
        self.room.always("\n| | | count | declarations |\n|---|---|---:|---|\n");
        for verb in Verb::ALL.into_iter().filter(|verb| plan.count(*verb) > 0) {
            let mut labels = labels_words(&label_counts(plan, verb), in_table, FOR_LABELS);
            let refused = plan.changes.iter().filter(|c| c.verb == verb && is_refused(c)).count();
            if refused > 0 {
                let _ = write!(labels, " · **{} refused**", thousands(refused));
            }
            self.room.always(&format!(
                "| `{}` | {} | {} | {labels} |\n",
                verb_sign(verb),
                verb_word(verb, self.words.heading),
                thousands(plan.count(verb)),
            ));
        }
    }

    /// Every delete by name, as long as there is room: a reviewer must not have to open anything to see them.
    fn destroys(&mut self, groups: &[Group<'_>]) {
        let Words { nouns, heading, many_accounts, .. } = self.words;
        let mut deletes = groups.iter().filter(|group| group.first().verb == Verb::Delete).peekable();
        if deletes.peek().is_none() {
            return;
        }
        self.room.always("\n#### Destroys\n\n");
        let mut rest = Labels::default();
        for group in deletes {
            let label = &*group.first().origin.label;
            let reason = reason_words(group.first(), group.len(), nouns, heading).unwrap_or_default();
            let scope = |change: &Change| code(&scope_words(&change.address.scope, many_accounts));
            if group.len() == 1 {
                let scope = scope(group.first());
                let line = format!("- {} in {scope}, {}\n", subject_code(group, nouns), escape(&reason));
                if rest.total() > 0 || !self.room.push(&line) {
                    rest.add(label, 1);
                }
                continue;
            }
            // The line that they share is written with the first of them.
            let mut head = format!("- **{}**, {}\n", group.subject(nouns), escape(&reason));
            for change in &group.changes {
                let target =
                    change.target.as_ref().map_or(String::new(), |t| format!(" · {}", code(&target_name(t))));
                let line = format!("{head}  - {}{target} · {}\n", code(&change.address.key), scope(change));
                if rest.total() > 0 || !self.room.push(&line) {
                    rest.add(label, 1);
                } else {
                    head.clear();
                }
            }
        }
        if rest.total() > 0 {
            self.left_out = true;
            let (count, labels) = (thousands(rest.total()), rest.words(FOR_LABELS));
            self.room.always(&format!("- **… and {count} more to destroy**: {labels}\n"));
        }
    }

    /// All other groups, foldable.
    fn changes(&mut self, groups: &[Group<'_>]) {
        let words = self.words;
        // Deletes stand above, and all that there is to say about a single conflict does.
        let told = |group: &&Group<'_>| match group.first().verb {
            Verb::Delete => words.heading != Heading::Drift,
            Verb::Conflict => group.len() == 1 && group.fields.is_empty(),
            _ => false,
        };
        let shown: Vec<&Group<'_>> = groups.iter().filter(|group| !told(group)).collect();
        let open = if shown.len() <= MOST_OPEN { " open" } else { "" };
        let mut rest: BTreeMap<Verb, Labels<'_>> = BTreeMap::new();
        let sections: Vec<String> =
            shown.iter().map(|group| section(group, open, Width::Narrow, words)).collect();
        // What is to come has to have room before a group is told in full.
        let mut to_come: usize = sections.iter().map(|section| size(section)).sum();
        for (group, narrow) in shown.into_iter().zip(sections) {
            to_come -= size(&narrow);
            let wide = section(group, open, Width::Wide, words);
            if !self.room.push_keeping(&wide, to_come) && !self.room.push(&narrow) {
                let first = group.first();
                rest.entry(first.verb).or_default().add(&first.origin.label, group.len());
            }
        }
        if rest.is_empty() {
            return;
        }
        self.left_out = true;
        self.room.always("\nNot shown, for lack of room:\n\n");
        let most = FOR_LABELS / rest.len();
        for (verb, labels) in rest {
            let (sign, word) = (verb_sign(verb), verb_word(verb, words.heading));
            let (count, labels) = (thousands(labels.total()), labels.words(most));
            self.room.always(&format!("- `{sign}` {word} {count}: {labels}\n"));
        }
    }

    fn finish(mut self, tail: &str) -> String {
        if self.left_out {
            self.room.always(match self.words.heading {
                Heading::Drift => {
                    "\nA comment holds no more than this. `opsform drift --detail full` shows all.\n"
                }
                Heading::Start | Heading::Stop => {
                    "\nA comment holds no more than this. `--dry-run --detail full` shows all.\n"
                }
                Heading::Plan | Heading::Destroy => {
                    "\nA comment holds no more than this. All of it is in the saved plan, \
                     `opsform show plan.json --detail full`, or in the log.\n"
                }
            });
        }
        self.room.finish() + tail
    }
}

/// `alarm` and its name as code, or how many there are.
fn subject_code(group: &Group<'_>, nouns: Nouns<'_>) -> String {
    let first = group.first();
    if group.len() == 1 {
        format!("{} {}", nouns.noun(&first.address.kind), code(&first.address.key))
    } else {
        format!("**{}**", group.subject(nouns))
    }
}
