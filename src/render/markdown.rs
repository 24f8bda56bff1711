//! A plan for a comment on a pull request.

use std::fmt::Write as _;

use crate::plan::{Change, Plan, Verb};

use super::drift::{happened, left_words, way_back};
use super::escape::clean;
use super::fold::{Group, folded, scope_words, unfolded};
use super::markup::{code, escape, fence_for, html, in_table};
use super::reason::{reason_words, remedy_words, renamed_words, target_name};
use super::text::{blocking_words, is_refused, label_counts, notes, nothing_to_do, total_parts};
use super::value::{DiffLine, Difference, FieldRow, Side, rows_of, value_rows};
use super::words::{Nouns, cause_words, cost_words, count_of, scopes_words, thousands, verb_sign, verb_word};
use super::{Detail, Heading, PlanView};

/// GitHub refuses comments of more than 65,536 characters: groups beyond this are left out, deletes never.
const MOST_CHARACTERS: usize = 60_000;

/// With no more groups than this, all of them are shown open.
const MOST_OPEN: usize = 4;

/// Names shown of each group.
const MOST_NAMES: usize = 12;

/// Names shown of what was deleted outside opsform.
const MOST_DELETED: usize = 100;

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
    let mut out = String::new();
    head(&mut out, plan, view);
    if plan.is_empty() {
        for note in notes(plan, view.kinds) {
            let _ = writeln!(out, "\n{}", escape(&note));
        }
        return out;
    }
    let groups = match view.detail {
        Detail::Full => unfolded(plan, nouns),
        Detail::Summary | Detail::Folded => folded(plan, nouns),
    };
    blocking(&mut out, plan, &groups, words);
    counts(&mut out, plan, view.heading);
    if view.heading != Heading::Drift {
        destroys(&mut out, &groups, words);
    }
    if view.detail != Detail::Summary {
        changes(&mut out, &groups, words);
    }
    for note in notes(plan, view.kinds) {
        let _ = writeln!(out, "\n{}", escape(&note));
    }
    total(&mut out, plan, view.heading);
    out
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
    let marker = clean(&plan.project).replace("--", "-\u{2d0}").replace('>', "");
    let _ = writeln!(out, "<!-- opsform plan: {marker} -->");
    let (word, project) = (view.heading.word().to_lowercase(), code(&plan.project));
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
        .map(|fact| escape(&fact))
        .collect();
    if !facts.is_empty() {
        let _ = writeln!(out, "\n{}", facts.join(" · "));
    }
}

fn lowercase(text: &str) -> String {
    text.trim_end_matches([':', ' ']).to_lowercase()
}

fn total(out: &mut String, plan: &Plan, heading: Heading) {
    let _ = write!(out, "\n**{}: {}", heading.word(), totals(plan, heading));
    if heading != Heading::Drift {
        out.push_str(".**\n");
        return;
    }
    if let Some(left) = left_words(plan) {
        let _ = write!(out, "; {left}");
    }
    out.push_str(".**");
    if let Some(back) = way_back(plan) {
        let _ = write!(out, " {back}");
    }
    out.push('\n');
}

fn totals(plan: &Plan, heading: Heading) -> String {
    let parts: Vec<String> = total_parts(plan, heading).into_iter().map(|(_, words)| words).collect();
    parts.join(", ")
}

/// What must be resolved stands above everything else.
fn blocking(out: &mut String, plan: &Plan, groups: &[Group<'_>], words: Words<'_>) {
    let Some(caution) = blocking_words(plan) else {
        return;
    };
    let nouns = words.nouns;
    let _ = writeln!(out, "\n> [!CAUTION]\n> {caution}");
    for group in groups.iter().filter(|group| group.first().is_blocking()) {
        let first = group.first();
        let _ = write!(out, "> - {}", subject_code(group, nouns));
        for part in
            [reason_words(first, group.len(), nouns, words.heading), remedy_words(first, group.len(), nouns)]
                .into_iter()
                .flatten()
        {
            let _ = write!(out, "; {}", escape(&part));
        }
        out.push('\n');
    }
}

fn counts(out: &mut String, plan: &Plan, heading: Heading) {
    out.push_str("\n| | | count | declarations |\n|---|---|---:|---|\n");
    for verb in Verb::ALL.into_iter().filter(|verb| plan.count(*verb) > 0) {
        let mut labels: Vec<String> = label_counts(plan, verb)
            .into_iter()
            .map(|(label, count)| format!("{} {}", in_table(&code(label)), thousands(count)))
            .collect();
        let refused = plan.changes.iter().filter(|c| c.verb == verb && is_refused(c)).count();
        if refused > 0 {
            labels.push(format!("**{} refused**", thousands(refused)));
        }
        let _ = writeln!(
            out,
            "| `{}` | {} | {} | {} |",
            verb_sign(verb),
            verb_word(verb, heading),
            thousands(plan.count(verb)),
            labels.join(" · ")
        );
    }
}

/// Every delete by name: a reviewer must not have to open anything to see them.
fn destroys(out: &mut String, groups: &[Group<'_>], words: Words<'_>) {
    let nouns = words.nouns;
    let deletes: Vec<&Group<'_>> = groups.iter().filter(|group| group.first().verb == Verb::Delete).collect();
    if deletes.is_empty() {
        return;
    }
    out.push_str("\n#### Destroys\n\n");
    for group in deletes {
        let reason = reason_words(group.first(), group.len(), nouns, words.heading).unwrap_or_default();
        if group.len() == 1 {
            let scope = code(&scope_words(&group.first().address.scope, words.many_accounts));
            let _ = writeln!(out, "- {} in {scope}, {}", subject_code(group, nouns), escape(&reason));
            continue;
        }
        let _ = writeln!(out, "- **{}**, {}", group.subject(nouns), escape(&reason));
        for change in &group.changes {
            let scope = code(&scope_words(&change.address.scope, words.many_accounts));
            let target =
                change.target.as_ref().map_or(String::new(), |t| format!(" · {}", code(&target_name(t))));
            let _ = writeln!(out, "  - {}{target} · {scope}", code(&change.address.key));
        }
    }
}

/// All other groups, foldable.
fn changes(out: &mut String, groups: &[Group<'_>], words: Words<'_>) {
    // Deletes stand above, and all that there is to say about a single conflict does.
    let told = |group: &Group<'_>| match group.first().verb {
        Verb::Delete => words.heading != Heading::Drift,
        Verb::Conflict => group.len() == 1 && group.fields.is_empty(),
        _ => false,
    };
    let rest: Vec<&Group<'_>> = groups.iter().filter(|group| !told(group)).collect();
    let open = if rest.len() <= MOST_OPEN { " open" } else { "" };
    let mut characters = out.chars().count();
    for (i, group) in rest.iter().enumerate() {
        let section = section(group, open, words);
        characters += section.chars().count();
        if characters > MOST_CHARACTERS {
            let left = count_of(rest.len() - i, "group of changes", "groups of changes");
            let _ =
                writeln!(out, "\n… {left} more: a comment holds no more than this, the command shows all.");
            return;
        }
        out.push_str(&section);
    }
}

fn section(group: &Group<'_>, open: &str, words: Words<'_>) -> String {
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
    let lines = section_lines(group, words.detail);
    if !lines.is_empty() {
        let fence = fence_for(&lines);
        let _ = writeln!(out, "{fence}diff\n{}\n{fence}\n", lines.join("\n"));
    }
    if first.verb == Verb::Delete && group.len() > 1 {
        // Only drift has deletes here. Their targets do not tell them apart, because they are gone whole.
        for change in group.changes.iter().take(MOST_DELETED) {
            let scope = code(&scope_words(&change.address.scope, words.many_accounts));
            let _ = writeln!(out, "- {} · {scope}", code(&change.address.key));
        }
        if group.len() > MOST_DELETED {
            let _ = writeln!(out, "- … {} more", thousands(group.len() - MOST_DELETED));
        }
        out.push('\n');
    } else if first.verb != Verb::Replace && group.len() > 1 {
        let names = group.names();
        let shown = names.iter().take(MOST_NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
        let _ = write!(out, "{}", code(&shown));
        if names.len() > MOST_NAMES {
            let _ = write!(out, " … {} more", thousands(names.len() - MOST_NAMES));
        }
        out.push_str("\n\n");
    }
    out.push_str("</details>\n");
    out
}

/// The lines of the diff block: what the resource does, what differs, which names change.
fn section_lines(group: &Group<'_>, detail: Detail) -> Vec<String> {
    let first = group.first();
    let mut lines = Vec::new();
    if first.verb == Verb::Replace {
        for change in &group.changes {
            if let Some(old) = &change.replaces {
                lines.push(format!("- {}", clean(&old.address.key)));
            }
            lines.push(format!("+ {}", clean(&change.address.key)));
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
            let count = count_of(field.distinct, "value", "different values");
            lines.push(format!("# {}: an example, there are {count}", clean(&field.example.name)));
        }
    }
    lines
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

/// `alarm` and its name as code, or how many there are.
fn subject_code(group: &Group<'_>, nouns: Nouns<'_>) -> String {
    let first = group.first();
    if group.len() == 1 {
        format!("{} {}", nouns.noun(&first.address.kind), code(&first.address.key))
    } else {
        format!("**{}**", group.subject(nouns))
    }
}
