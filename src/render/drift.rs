//! Drift: what happened outside opsform, told of the plan that would put it back.

use crate::plan::{Change, FieldChange, Plan, Reason, Verb};

use super::escape::{clean, quoted};
use super::words::{Nouns, count_of, thousands};

/// What somebody did, as the opposite of the plan that puts it back: what is to be made again was deleted, and every
/// field goes from what was last written to what is there now. The places of the changes are left out, because what
/// was last written has none.
pub(super) fn happened(plan: &Plan) -> Plan {
    Plan { changes: plan.changes.iter().map(opposite).collect(), ..plan.clone() }
}

fn opposite(change: &Change) -> Change {
    let mut change = change.clone();
    change.origin.place.clear();
    change.verb = match change.verb {
        Verb::Create => Verb::Delete,
        Verb::Delete => Verb::Create,
        // Nothing was taken over or renamed by anybody else: there is no opposite.
        Verb::Adopt | Verb::Replace => return change,
        same @ (Verb::Conflict | Verb::Update | Verb::Forget) => same,
    };
    std::mem::swap(&mut change.before, &mut change.after);
    for FieldChange { before, after, .. } in &mut change.fields {
        std::mem::swap(before, after);
    }
    change
}

/// What happened to `count` resources, where their fields do not say.
pub(super) fn happened_words(change: &Change, count: usize) -> Option<String> {
    let one = count == 1;
    let project_words = |project: &str| {
        let they = if one { "it now bears" } else { "they now bear" };
        format!("{they} the tag of project {}", quoted(project))
    };
    let words = match (change.verb, change.reason.as_ref()) {
        (Verb::Delete, _) => "deleted outside opsform".to_owned(),
        (_, Some(Reason::OtherProject { project })) => project_words(project),
        (_, Some(Reason::Inexpressible { what })) => {
            let was = if one { "it was" } else { "they were" };
            format!("{was} changed to use {}, which opsform cannot express", clean(what))
        }
        (Verb::Forget, _) => format!(
            "gone from AWS: only {} in the state {} left",
            if one { "its record" } else { "their records" },
            if one { "is" } else { "are" }
        ),
        (Verb::Create, _) => format!(
            "{} the tag of this project, but the state has no record of a finished write",
            if one { "it bears" } else { "they bear" }
        ),
        _ => return None,
    };
    Some(words)
}

/// The participle of a verb that [`happened`] made.
pub(super) fn happened_word(verb: Verb) -> &'static str {
    match verb {
        Verb::Conflict => "conflict",
        Verb::Delete => "deleted",
        Verb::Replace => "renamed",
        Verb::Adopt => "unowned",
        Verb::Create => "found",
        Verb::Update => "changed",
        Verb::Forget => "gone",
    }
}

/// `1 changed`, `1 deleted outside opsform`, and what else happened.
pub(super) fn total_parts(happened: &Plan) -> Vec<(Option<Verb>, String)> {
    let order =
        [Verb::Update, Verb::Delete, Verb::Forget, Verb::Create, Verb::Replace, Verb::Adopt, Verb::Conflict];
    let some = |verb: Verb| happened.count(verb) > 0;
    let last_outside = if some(Verb::Delete) { Verb::Delete } else { Verb::Update };
    order
        .into_iter()
        .filter(|verb| some(*verb))
        .map(|verb| {
            let count = happened.count(verb);
            let words = match verb {
                Verb::Conflict => count_of(count, "conflict", "conflicts"),
                _ => format!("{} {}", thousands(count), happened_word(verb)),
            };
            let outside = if verb == last_outside { " outside opsform" } else { "" };
            (Some(verb), words + outside)
        })
        .collect()
}

/// What is as it was: `71 are as they were left`.
pub(super) fn left_words(happened: &Plan) -> Option<String> {
    let are = if happened.unchanged == 1 { "is as it was left" } else { "are as they were left" };
    (happened.unchanged > 0).then(|| format!("{} {are}", thousands(happened.unchanged)))
}

/// How to put it back, where an apply does that. What is shared belongs to whoever changed it.
pub(super) fn way_back(happened: &Plan, nouns: Nouns<'_>) -> Option<String> {
    let shared = |change: &&Change| nouns.text(&change.address.kind).is_some_and(|text| text.shared);
    let changed = happened.changes.iter().filter(|change| change.verb == Verb::Update);
    let (theirs, ours): (Vec<&Change>, Vec<&Change>) = changed.partition(shared);
    let undone = ours.len() + happened.count(Verb::Delete);
    let theirs = theirs.first().map(|change| nouns.plural(&change.address.kind));
    match (undone > 0, theirs) {
        (true, None) => Some("\"opsform apply\" puts back what the manifest still asks for.".to_owned()),
        (true, Some(theirs)) => Some(format!(
            "\"opsform apply\" puts back what the manifest still asks for, and leaves the changed {theirs} alone."
        )),
        (false, Some(theirs)) => {
            Some(format!("\"opsform apply\" leaves the changed {theirs} alone from now on."))
        }
        (false, None) => None,
    }
}
