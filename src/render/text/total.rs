//! The end of a plan: what is kept, the total, the dangers again, and what stands in the way.

use std::collections::BTreeMap;

use unicode_width::UnicodeWidthStr;

use crate::model::{KindText, Refused};
use crate::plan::{AsDeclared, Cause, Change, Deed, Plan, Reason, Verb};
use crate::render::drift;
use crate::render::escape::{clean, quoted};
use crate::render::fold::{Group, display_order, scope_words};
use crate::render::line::{Line, Page};
use crate::render::palette::Tone;
use crate::render::reason::{remedy_words, target_name};
use crate::render::words::{Nouns, count_of, listed, thousands, verb_word};
use crate::render::{Detail, Heading, PlanView};

use super::{Layout, groups};

/// More destroys than this are named in the list of changes only.
const MOST_DESTROYS: usize = 20;

/// Shows the end.
pub(super) fn show(page: &mut Page, plan: &Plan, groups: &[Group<'_>], view: &PlanView<'_>) {
    for note in notes(plan, view.kinds, view.heading) {
        page.line(&Line::new().with(Tone::Dim, note).hanging(2));
    }
    page.blank();
    if plan.is_empty() {
        let words = nothing_to_do(plan, view.kinds, view.heading);
        return page.line(&Line::new().with(Tone::Good, words.0).plain(words.1));
    }
    page.line(&total(plan, view.heading, Nouns(view.kinds)));
    if let Some(words) = saving_words(plan) {
        page.line(&Line::new().plain(words).hanging(2));
    }
    if view.heading == Heading::Plan && plan.is_drift_only() {
        page.line(&Line::new().plain("All of it puts back what was changed outside opsform."));
    }
    if view.detail == Detail::Summary && view.heading != Heading::Drift {
        deeds_by_name(page, plan);
    }
    if view.heading != Heading::Drift {
        dangers(page, plan, Verb::Replace, view);
        dangers(page, plan, Verb::Delete, view);
    }
    blocking(page, plan, groups, view);
}

/// `Saves $123.45 a month or more (list prices of 2026-11-20).` Shared with Markdown.
pub(in crate::render) fn saving_words(plan: &Plan) -> Option<String> {
    let saving = plan.saving.as_ref()?;
    let (verb, end) = if saving.monthly_usd < 0.0 {
        ("Costs", "more than it saves, at most")
    } else {
        ("Saves", "or more")
    };
    let (amount, prices) = (saving.monthly_usd.abs(), saving.prices.join("; "));
    let rest = if saving.unpriced > 0 {
        let count = count_of(saving.unpriced, "other change", "other changes");
        format!(" Of {count} a price is not known.")
    } else {
        String::new()
    };
    Some(format!("{verb} ${amount:.2} a month {end} ({prices}).{rest}"))
}

/// What does not change, and why. Shared with Markdown.
pub(in crate::render) fn notes(plan: &Plan, kinds: &[KindText], heading: Heading) -> Vec<String> {
    let nouns = Nouns(kinds);
    let mut notes = Vec::new();
    if !plan.protected.is_empty() {
        let count = nouns.count_all(plan.protected.iter().map(|owned| &*owned.address.kind));
        let (are, names) = (if plan.protected.len() == 1 { "is" } else { "are" }, protected_names(plan));
        notes.push(format!("kept: {count} {are} protected: {names}"));
    }
    for held in &plan.held {
        let noun = nouns.count_all(std::iter::once(&*held.address.kind));
        notes.push(format!("kept: {noun} {}: {}", quoted(&held.address.key), held.why));
    }
    notes.extend(refusals(plan));
    if !heading.is_by_hand() {
        notes.extend(corrections(plan, nouns));
    }
    if plan.left_out > 0 {
        let count = count_of(plan.left_out, "change is", "changes are");
        notes.push(format!("{count} left out by --target, --exclude or --no-delete"));
    }
    if !plan.refreshes.is_empty() {
        let count = count_of(plan.refreshes.len(), "record", "records");
        notes.push(format!(
            "the state takes over {count} (a label, a protection, a value that agrees by now); nothing changes on AWS"
        ));
    }
    notes
}

/// What was asked for and is left as it is, by name: one line for each reason.
fn refusals(plan: &Plan) -> Vec<String> {
    const NAMED: usize = 20;
    let mut reasons: BTreeMap<(&str, &str), Vec<&Refused>> = BTreeMap::new();
    for refused in &plan.refused {
        // What differs from one to the other is told of each.
        let key = if refused.shared.is_empty() { &refused.why } else { &refused.shared };
        reasons.entry((&refused.target.kind, key)).or_default().push(refused);
    }
    let line = |((_, shared), refused): ((&str, &str), Vec<&Refused>)| {
        let more = refused.len().saturating_sub(NAMED);
        let rest = if more > 0 { format!(" … {} more", thousands(more)) } else { String::new() };
        let names: Vec<String> = refused.iter().take(NAMED).map(|one| target_name(&one.target)).collect();
        let why = if let [one] = refused[..] { &one.why } else { shared };
        format!("left alone: {}{rest}: {}", names.join(", "), clean(why))
    };
    reasons.into_iter().map(line).collect()
}

/// What is changed although it is not ours, by name: whoever reviews a plan has to see whose it is.
fn corrections(plan: &Plan, nouns: Nouns<'_>) -> Option<String> {
    const NAMED: usize = 20;
    let by_rule = |change: &&Change| {
        change.is_correction() && change.fields.iter().any(|field| field.cause != Cause::Asked)
    };
    let corrected: Vec<&Change> = plan.changes.iter().filter(by_rule).collect();
    let count = nouns.count_all(corrected.iter().map(|change| &*change.address.kind));
    let mut names: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for change in &corrected {
        let name = change.target.as_ref().map_or(&change.address.key, |target| &target.name);
        names.entry(&change.address.kind).or_default().push(clean(name).into_owned());
    }
    let listed = names.into_iter().map(|(kind, names)| {
        let more = names.len().saturating_sub(NAMED);
        let rest = if more > 0 { format!(" … {} more", thousands(more)) } else { String::new() };
        let named = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
        format!("{} of {named}{rest}", nouns.plural(kind))
    });
    let listed = listed.collect::<Vec<_>>().join("; ");
    (!corrected.is_empty()).then(|| format!("not ours, and changed by a rule: {count} ({listed})"))
}

fn protected_names(plan: &Plan) -> String {
    let most = 5;
    let mut names: Vec<String> =
        plan.protected.iter().take(most).map(|owned| quoted(&owned.address.key)).collect();
    if plan.protected.len() > most {
        names.push(format!("… {} more", thousands(plan.protected.len() - most)));
    }
    names.join(", ")
}

/// The empty plan, in two parts: that there is nothing to do, and what that rests on. Shared with Markdown.
pub(in crate::render) fn nothing_to_do(
    plan: &Plan,
    kinds: &[KindText],
    heading: Heading,
) -> (String, String) {
    let count = unchanged_words(plan, kinds);
    let settled: usize = plan.as_declared.iter().map(AsDeclared::count).sum();
    let unchanged = plan.unchanged + settled;
    let are = if unchanged == 1 { "is" } else { "are" };
    let (done, rest) = match heading {
        Heading::Plan if plan.left_out > 0 && unchanged > 0 => {
            ("Nothing to do", format!("every change is left out; {count} {are} as declared."))
        }
        Heading::Plan if unchanged > 0 => ("Nothing to do", format!("{count} {are} as declared.")),
        _ if !plan.protected.is_empty() => (
            if heading == Heading::Destroy { "Nothing to destroy" } else { "Nothing to do" },
            "what is left is protected.".to_owned(),
        ),
        _ if !plan.held.is_empty() => (
            if heading == Heading::Destroy { "Nothing to destroy" } else { "Nothing to do" },
            "what is left is kept.".to_owned(),
        ),
        Heading::Plan if plan.left_out > 0 => ("Nothing to do", "every change is left out.".to_owned()),
        Heading::Plan if !plan.refused.is_empty() => {
            ("Nothing to do", "what is asked for is left alone.".to_owned())
        }
        Heading::Plan => {
            ("Nothing to do", "the manifest asks for no resources, and the project owns none.".to_owned())
        }
        Heading::Drift if plan.unchanged > 0 => ("No drift", format!("{count} {are} as opsform left them.")),
        Heading::Drift => ("No drift", "the project owns no resources.".to_owned()),
        Heading::Destroy => ("Nothing to destroy", "the project owns no resources.".to_owned()),
        Heading::Start | Heading::Stop if plan.unchanged > 0 => {
            ("Nothing to do", format!("{} {are} as wanted.", count_of(plan.unchanged, "target", "targets")))
        }
        Heading::Start => ("Nothing to do", "nothing of what was named can be started.".to_owned()),
        Heading::Stop => ("Nothing to do", "nothing of what was named can be stopped.".to_owned()),
    };
    (format!("{done}: "), rest)
}

/// The noun is known where only one kind of resource was read.
fn unchanged_words(plan: &Plan, kinds: &[KindText]) -> String {
    let mut read = kinds.iter().filter(|kind| plan.cost.objects.contains_key(kind.plural));
    let (noun, plural) = match (read.next(), read.next(), kinds) {
        (Some(only), None, _) | (None, _, [only]) => (only.noun, only.plural),
        _ => ("resource", "resources"),
    };
    let owned = (plan.unchanged > 0).then(|| count_of(plan.unchanged, noun, plural));
    let settled = plan.as_declared.iter().filter(|one| one.count() > 0).map(|one| {
        let states =
            one.states.iter().map(|(state, count)| format!("{} {}", thousands(*count), clean(state)));
        let states = states.collect::<Vec<_>>().join(", ");
        format!("{} ({states})", clean(&count_of(one.count(), &one.noun, &one.plural)))
    });
    listed(&owned.into_iter().chain(settled).collect::<Vec<_>>())
}

fn total(plan: &Plan, heading: Heading, nouns: Nouns<'_>) -> Line {
    let word = if heading.is_by_hand() { Heading::Plan.word() } else { heading.word() };
    let mut line = Line::new().with(Tone::Strong, format!("{word}: "));
    for (i, (verb, words)) in total_parts(plan, heading).into_iter().enumerate() {
        if i > 0 {
            line.push(Tone::Plain, ", ");
        }
        let loud = matches!(verb, Some(Verb::Delete | Verb::Conflict)) && !words.starts_with("0 ");
        line.push(if loud { Tone::Danger } else { Tone::Plain }, words);
    }
    if heading == Heading::Drift {
        if let Some(left) = drift::left_words(plan) {
            line.push(Tone::Plain, "; ");
            line.push(Tone::Dim, left);
        }
        line.push(Tone::Plain, ".");
        if let Some(back) = drift::way_back(plan, nouns) {
            line.push(Tone::Plain, format!(" {back}"));
        }
        return line.hanging(7);
    }
    line.push(Tone::Plain, ".");
    if plan.unchanged > 0 {
        let stays = if plan.unchanged == 1 { "stays as it is" } else { "stay as they are" };
        line.push(Tone::Dim, format!(" {} {stays}.", thousands(plan.unchanged)));
    }
    line.hanging(6)
}

/// `12 to add`, `413 to change`, `1 to destroy`, and what else there is. Shared with Markdown.
pub(in crate::render) fn total_parts(plan: &Plan, heading: Heading) -> Vec<(Option<Verb>, String)> {
    if heading == Heading::Drift {
        return drift::total_parts(plan);
    }
    if heading.is_by_hand() {
        let count = thousands(plan.count(Verb::Update));
        return vec![(Some(Verb::Update), format!("{count} to {}", verb_word(Verb::Update, heading)))];
    }
    let refused = plan.changes.iter().filter(|c| c.verb == Verb::Adopt && c.is_blocking()).count();
    let deeds = deeds(plan);
    let done: usize = deeds.values().map(Vec::len).sum();
    let mut parts = vec![
        (Some(Verb::Create), format!("{} to add", thousands(plan.count(Verb::Create)))),
        (Some(Verb::Update), format!("{} to change", thousands(plan.count(Verb::Update) - done))),
    ];
    parts.extend(deeds.into_iter().map(deed_part));
    let mut optional = |verb: Verb, count: usize, words: String| {
        if count > 0 {
            parts.push((Some(verb), words));
        }
    };
    let (replaces, deletes) = (plan.count(Verb::Replace), plan.count(Verb::Delete));
    let (adopts, forgets) = (plan.count(Verb::Adopt) - refused, plan.count(Verb::Forget));
    let conflicts = plan.count(Verb::Conflict);
    optional(Verb::Replace, replaces, format!("{} to replace", thousands(replaces)));
    optional(Verb::Delete, 1, format!("{} to destroy", thousands(deletes)));
    optional(Verb::Adopt, adopts, format!("{} to adopt", thousands(adopts)));
    optional(Verb::Forget, forgets, format!("{} to forget", thousands(forgets)));
    optional(Verb::Conflict, refused, count_of(refused, "adoption refused", "adoptions refused"));
    optional(Verb::Conflict, conflicts, count_of(conflicts, "conflict", "conflicts"));
    parts
}

/// The updates that have a word of their own, by it.
fn deeds(plan: &Plan) -> BTreeMap<&str, Vec<&Deed>> {
    let mut deeds: BTreeMap<&str, Vec<&Deed>> = BTreeMap::new();
    let updates = plan.changes.iter().filter(|change| change.verb == Verb::Update);
    for deed in updates.filter_map(|change| change.deed.as_ref()) {
        deeds.entry(&deed.word).or_default().push(deed);
    }
    deeds
}

/// `10 to park (31 volumes deleted once their snapshots are complete)`
fn deed_part((word, deeds): (&str, Vec<&Deed>)) -> (Option<Verb>, String) {
    let to_do = format!("{} to {}", thousands(deeds.len()), clean(word));
    let deletes: usize = deeds.iter().map(|deed| deed.deletes).sum();
    match deeds.iter().find(|deed| deed.deletes > 0) {
        None => (Some(Verb::Update), to_do),
        Some(first) => (Some(Verb::Delete), format!("{to_do} ({})", deed_words(first, deletes))),
    }
}

/// `2 volumes deleted once their snapshots are complete`
fn deed_words(deed: &Deed, deletes: usize) -> String {
    clean(&count_of(deletes, &deed.one, &deed.many)).into_owned()
}

/// What the updates do that have a word of their own, where the list of changes is left out.
fn deeds_by_name(page: &mut Page, plan: &Plan) {
    for change in plan.changes.iter().filter(|change| change.verb == Verb::Update) {
        let Some(deed) = &change.deed else { continue };
        let name =
            change.target.as_ref().map_or_else(|| clean(&change.address.key).into_owned(), target_name);
        let deletes = (deed.deletes > 0).then(|| deed_words(deed, deed.deletes));
        let notes = change.notes.iter().map(|note| clean(note).into_owned());
        let words: Vec<String> = deletes.into_iter().chain(notes).collect();
        let tone = if deed.deletes > 0 { Tone::Danger } else { Tone::Strong };
        let line = Line::indented(2).with(tone, format!("{} ", clean(&deed.word))).plain(name);
        page.line(&line.plain(format!(": {}", words.join("; "))).hanging(4));
    }
}

/// Everything of a dangerous verb, named once more where the eye ends up.
fn dangers(page: &mut Page, plan: &Plan, verb: Verb, view: &PlanView<'_>) {
    let layout = Layout::new(plan, view);
    let nouns = Nouns(view.kinds);
    let (word, tone) = match verb {
        Verb::Replace => ("Replaces: ", Tone::Replace),
        _ => ("Destroys: ", Tone::Danger),
    };
    let mut all: Vec<&Change> = plan.changes.iter().filter(|change| change.verb == verb).collect();
    all.sort_by(|a, b| display_order(a, b));
    // Without the changes above, this is the only place where they are named: then none is left out.
    let most = if view.detail == Detail::Summary { usize::MAX } else { MOST_DESTROYS };
    let rows: Vec<(Line, String)> = all
        .iter()
        .take(most)
        .map(|change| {
            let scope = if layout.many_scopes {
                scope_words(&change.address.scope, layout.many_accounts)
            } else {
                String::new()
            };
            (groups::danger(change, nouns), scope)
        })
        .collect();
    // A name that leaves no room for its region does not push the others' regions to the right.
    let room = view.palette.layout_width().saturating_sub(word.len() + 3);
    let column = rows
        .iter()
        .filter(|(name, scope)| name.width() + scope.width() <= room)
        .map(|(name, _)| word.len() + name.width())
        .max()
        .unwrap_or(0);
    for (i, (name, scope)) in rows.into_iter().enumerate() {
        let mut line = if i == 0 { Line::new().with(tone, word) } else { Line::indented(word.len()) };
        line.append(name);
        if !scope.is_empty() {
            line = line.padded(column).with(Tone::Dim, format!("   {scope}"));
        }
        page.line(&line.hanging(word.len() + 2));
    }
    if all.len() > most {
        let more = format!("… and {} more, listed above", thousands(all.len() - most));
        page.line(&Line::indented(word.len()).with(Tone::Dim, more));
    }
}

/// What a person must do before anything is applied.
fn blocking(page: &mut Page, plan: &Plan, groups: &[Group<'_>], view: &PlanView<'_>) {
    let Some(words) = blocking_words(plan) else { return };
    page.blank();
    page.line(&Line::new().with(Tone::Conflict, words));
    let nouns = Nouns(view.kinds);
    for group in groups.iter().filter(|group| group.first().is_blocking()) {
        let mut line = Line::indented(2).with(Tone::Conflict, "! ").plain(group.subject(nouns)).hanging(4);
        if let Some(name) = telling_name(group) {
            line.push(Tone::Plain, format!(" ({})", clean(name)));
        }
        // The list above may be long, or left out.
        if let Some(Reason::Refused { why }) = &group.first().reason {
            line.push(Tone::Plain, format!(": {}", clean(why)));
        }
        if let Some(remedy) = remedy_words(group.first(), group.len(), nouns) {
            line.push(Tone::Plain, format!(": {remedy}"));
        }
        page.line(&line);
    }
}

/// The name of what a single change is about, where its key is no more than an id.
fn telling_name<'a>(group: &Group<'a>) -> Option<&'a str> {
    let change = group.first();
    let target = change.target.as_ref().filter(|_| group.len() == 1)?;
    (change.address.key == target.id && target.name != target.id).then_some(&*target.name)
}

/// `2 conflicts and 1 refused adoption must be resolved before anything is applied:`. Shared with Markdown.
pub(in crate::render) fn blocking_words(plan: &Plan) -> Option<String> {
    let conflicts = plan.blocking().filter(|change| change.verb == Verb::Conflict).count();
    let refused = plan.blocking().count() - conflicts;
    let mut parts = Vec::new();
    if conflicts > 0 {
        parts.push(count_of(conflicts, "conflict", "conflicts"));
    }
    if refused > 0 {
        parts.push(count_of(refused, "refused adoption", "refused adoptions"));
    }
    (!parts.is_empty()).then(|| format!("{} must be resolved before anything is applied:", listed(&parts)))
}
