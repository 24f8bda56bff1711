//! A plan for a comment on a pull request.

use std::fmt::Write as _;

use crate::plan::{Change, Plan, Verb};

use super::escape::clean;
use super::fold::{Group, folded, scope_words, unfolded};
use super::reason::{reason_words, remedy_words, renamed_words, target_name};
use super::text::{blocking_words, label_counts, notes, nothing_to_do, total_parts};
use super::value::{DiffLine, Difference, FieldRow, Side, rows_of, value_rows};
use super::words::{Nouns, cause_words, cost_words, count_of, scopes_words, thousands, verb_sign, verb_word};
use super::{Detail, PlanView};

/// GitHub refuses comments of more than 65,536 characters: groups beyond this are left out, deletes never.
const MOST_CHARACTERS: usize = 60_000;

/// With no more groups than this, all of them are shown open.
const MOST_OPEN: usize = 4;

/// Names shown of each group.
const MOST_NAMES: usize = 12;

/// The plan as Markdown for GitHub. The first line is a comment by which a job finds its own comment again.
///
/// Palette and width of the view mean nothing here.
pub fn plan_markdown(plan: &Plan, view: &PlanView<'_>) -> String {
    let nouns = Nouns(view.kinds);
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
    blocking(&mut out, plan, &groups, nouns);
    counts(&mut out, plan);
    destroys(&mut out, plan, &groups, nouns);
    if view.detail != Detail::Summary {
        changes(&mut out, &groups, view.detail, nouns);
    }
    for note in notes(plan, view.kinds) {
        let _ = writeln!(out, "\n{}", escape(&note));
    }
    let _ = writeln!(out, "\n**{}: {}.**", view.heading.word(), totals(plan));
    out
}

fn head(out: &mut String, plan: &Plan, view: &PlanView<'_>) {
    // A comment ends at `-->`: a project's name must not bring its own.
    let marker = clean(&plan.project).replace("--", "-\u{2d0}").replace('>', "");
    let _ = writeln!(out, "<!-- opsform plan: {marker} -->");
    let project = code(&plan.project);
    if plan.is_empty() {
        let (done, rest) = nothing_to_do(plan, view.kinds, view.heading);
        let _ = writeln!(
            out,
            "### {project}: {}\n\n{}",
            lowercase_first(&done),
            escape(&rest)
        );
    } else {
        let word = view.heading.word().to_lowercase();
        let _ = writeln!(out, "### {project}: {word} with {}", totals(plan));
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

fn lowercase_first(text: &str) -> String {
    text.trim_end_matches([':', ' ']).to_lowercase()
}

fn totals(plan: &Plan) -> String {
    let parts: Vec<String> = total_parts(plan).into_iter().map(|(_, words)| words).collect();
    parts.join(", ")
}

/// What must be resolved stands above everything else.
fn blocking(out: &mut String, plan: &Plan, groups: &[Group<'_>], nouns: Nouns<'_>) {
    let Some(words) = blocking_words(plan) else { return };
    let _ = writeln!(out, "\n> [!CAUTION]\n> {words}");
    for group in groups.iter().filter(|group| group.first().is_blocking()) {
        let first = group.first();
        let _ = write!(out, "> - {}", subject_code(group, nouns));
        for words in [
            reason_words(first, group.len(), nouns),
            remedy_words(first, group.len(), nouns),
        ]
        .into_iter()
        .flatten()
        {
            let _ = write!(out, "; {}", escape(&words));
        }
        out.push('\n');
    }
}

fn counts(out: &mut String, plan: &Plan) {
    out.push_str("\n| | | count | declarations |\n|---|---|---:|---|\n");
    for verb in Verb::ALL.into_iter().filter(|verb| plan.count(*verb) > 0) {
        let labels: Vec<String> = label_counts(plan, verb)
            .into_iter()
            .map(|(label, count)| format!("{} {}", in_table(&code(label)), thousands(count)))
            .collect();
        let _ = writeln!(
            out,
            "| `{}` | {} | {} | {} |",
            verb_sign(verb),
            verb_word(verb),
            thousands(plan.count(verb)),
            labels.join(" · ")
        );
    }
}

/// Every delete by name: a reviewer must not have to open anything to see them.
fn destroys(out: &mut String, plan: &Plan, groups: &[Group<'_>], nouns: Nouns<'_>) {
    let deletes: Vec<&Group<'_>> = groups
        .iter()
        .filter(|group| group.first().verb == Verb::Delete)
        .collect();
    if deletes.is_empty() {
        return;
    }
    let many_accounts = plan
        .scopes
        .iter()
        .any(|scope| scope.account != plan.scopes[0].account);
    out.push_str("\n#### Destroys\n\n");
    for group in deletes {
        let reason = reason_words(group.first(), group.len(), nouns).unwrap_or_default();
        if group.len() == 1 {
            let scope = code(&scope_words(&group.first().address.scope, many_accounts));
            let _ = writeln!(
                out,
                "- {} in {scope}, {}",
                subject_code(group, nouns),
                escape(&reason)
            );
            continue;
        }
        let _ = writeln!(out, "- **{}**, {}", group.subject(nouns), escape(&reason));
        for change in &group.changes {
            let scope = code(&scope_words(&change.address.scope, many_accounts));
            let target = change
                .target
                .as_ref()
                .map_or(String::new(), |t| format!(" · {}", code(&target_name(t))));
            let _ = writeln!(out, "  - {}{target} · {scope}", code(&change.address.key));
        }
    }
}

/// All other groups, foldable.
fn changes(out: &mut String, groups: &[Group<'_>], detail: Detail, nouns: Nouns<'_>) {
    let rest: Vec<&Group<'_>> = groups
        .iter()
        .filter(|group| group.first().verb != Verb::Delete)
        .collect();
    let open = if rest.len() <= MOST_OPEN { " open" } else { "" };
    let mut characters = out.chars().count();
    for (i, group) in rest.iter().enumerate() {
        let section = section(group, open, detail, nouns);
        characters += section.chars().count();
        if characters > MOST_CHARACTERS {
            let left = count_of(rest.len() - i, "group of changes", "groups of changes");
            let _ = writeln!(
                out,
                "\n… {left} more: a comment holds no more than this, the command shows all."
            );
            return;
        }
        out.push_str(&section);
    }
}

fn section(group: &Group<'_>, open: &str, detail: Detail, nouns: Nouns<'_>) -> String {
    let first = group.first();
    let mut out = format!(
        "\n<details{open}><summary><code>{}</code> {} <b>{}</b> · <code>{}</code></summary>\n\n",
        verb_sign(first.verb),
        verb_word(first.verb),
        html(&group.subject(nouns)),
        html(&group.origin_words()),
    );
    let reason = match first.verb {
        Verb::Replace => Some(renamed_words(group.len()).to_owned()),
        _ => reason_words(first, group.len(), nouns),
    };
    if let Some(reason) = reason {
        let _ = writeln!(out, "{}\n", escape(&reason));
    }
    let lines = section_lines(group, detail);
    if !lines.is_empty() {
        let fence = fence_for(&lines);
        let _ = writeln!(out, "{fence}diff\n{}\n{fence}\n", lines.join("\n"));
    }
    if first.verb != Verb::Replace && group.len() > 1 {
        let names = group.names();
        let shown = names
            .iter()
            .take(MOST_NAMES)
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(", ");
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
    match (&group.summary, &first.after) {
        (_, Some(after)) if detail == Detail::Full && first.verb == Verb::Create => {
            for (name, values) in after.iter().flat_map(|(name, value)| value_rows(name, value)) {
                lines.extend(values.iter().map(|value| format!("+ {name}: {value}")));
            }
        }
        (Some((summary, 1)), _) => lines.push(format!("+ {summary}")),
        (Some((summary, distinct)), _) => {
            lines.push(format!("+ {summary}"));
            lines.push(format!(
                "# an example: there are {} different ones",
                thousands(*distinct)
            ));
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
            lines.push(format!(
                "# {}: an example, there are {count}",
                clean(&field.example.name)
            ));
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

/// Text as code: there Markdown, HTML and mentions mean nothing.
fn code(text: &str) -> String {
    let text = clean(text);
    let fence = "`".repeat(longest_run(&text) + 1);
    let blank = text.trim().is_empty();
    // One space on each side is taken off again by Markdown; without it a backtick at the edge would join the fence.
    let pad = if blank || text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// A bar ends a cell even within code.
fn in_table(code: &str) -> String {
    code.replace('|', "\\|")
}

/// A fence that no line of the block can close.
fn fence_for(lines: &[String]) -> String {
    let longest = lines.iter().map(|line| longest_run(line)).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

fn html(text: &str) -> String {
    clean(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('@', "&#64;\u{200b}")
}

/// Text in the open: markup is escaped, and an invisible space keeps `@name`, `#1` and addresses from becoming links
/// that ping somebody.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in clean(text).chars() {
        if matches!(
            c,
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '#' | '@' | '!'
        ) {
            out.push('\\');
        }
        out.push(c);
        if matches!(c, '@' | '#') {
            out.push('\u{200b}');
        }
    }
    out.replace("://", ":\u{200b}//")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_cannot_be_left_from_inside() {
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("`@all`"), "`` `@all` ``");
        assert_eq!(code("a\nb"), "`a\\nb`");
        assert_eq!(in_table(&code("a|b")), "`a\\|b`");
    }

    #[test]
    fn text_in_the_open_neither_marks_up_nor_pings() {
        assert_eq!(
            escape("@team <b> [x](https://e.com) #1"),
            "\\@\u{200b}team \\<b\\> \\[x\\](https:\u{200b}//e.com) \\#\u{200b}1"
        );
    }

    #[test]
    fn a_fence_is_longer_than_any_run_inside() {
        assert_eq!(fence_for(&["  ```".to_owned()]), "````");
        assert_eq!(fence_for(&["x".to_owned()]), "```");
    }
}
