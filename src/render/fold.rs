//! Folding: changes that say the same are shown once.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::model::{Fields, Origin, Scope};
use crate::plan::{Cause, Change, FieldChange, Plan, Reason, Verb};

use super::escape::{clean, quoted};
use super::line::elide_middle;
use super::value::{Difference, FieldRow, rows_of};
use super::words::{Nouns, count_of, thousands};

/// More groups than this of one verb and label are folded once more, by which fields differ and not by how.
const MOST_GROUPS: usize = 8;

/// Names longer than this are cut in the middle where they are only examples.
const NAME_COLUMNS: usize = 48;

/// Changes that are shown together.
#[derive(Debug)]
pub(super) struct Group<'a> {
    /// The changes, sorted as people sort: web-2 before web-10. Never empty.
    pub(super) changes: Vec<&'a Change>,
    /// The fields that differ, for updates, adoptions and replaces.
    pub(super) fields: Vec<GroupField<'a>>,
    /// What the resources do, for creates and adoptions, or did, where somebody deleted them; with how many different sentences there are.
    pub(super) summary: Option<(String, usize)>,
}

/// A field that differs in every change of a group.
#[derive(Debug)]
pub(super) struct GroupField<'a> {
    /// The difference in the group's first change.
    pub(super) example: FieldChange,
    /// The change that the example is taken from.
    pub(super) of: &'a Change,
    /// How many different pairs of values there are; 1 where the example is true of all.
    pub(super) distinct: usize,
    /// The lowest and the highest number that it becomes, where it becomes different numbers.
    pub(super) range: Option<(f64, f64)>,
}

impl GroupField<'_> {
    /// `31 different values, 60 to 900`: one value that is far from the others is a slip more often than not.
    pub(super) fn distinct_words(&self) -> String {
        let count = count_of(self.distinct, "value", "different values");
        match self.range {
            Some((lowest, highest)) => format!("{count}, {lowest} to {highest}"),
            None => count,
        }
    }
}

/// Changes of a group that say the same of a field, or are the same in what they do.
pub(super) struct Variant<'a> {
    /// What they say.
    pub(super) words: String,
    /// The changes.
    pub(super) changes: Vec<&'a Change>,
}

impl<'a> Group<'a> {
    /// A change that stands for all of them: verb, label, kind and reason are the same.
    pub(super) fn first(&self) -> &'a Change {
        self.changes[0]
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.changes.len()
    }

    /// `3 alarms`, or `alarm "name"` where it is one.
    pub(super) fn subject(&self, nouns: Nouns<'_>) -> String {
        if self.len() == 1 {
            subject(self.first(), nouns)
        } else {
            nouns.count(&self.first().address.kind, self.len())
        }
    }

    /// `alarm.cpu · manifests/alarms.toml:12`.
    pub(super) fn origin_words(&self) -> String {
        let Origin { label, .. } = &self.first().origin;
        let places = |shown: fn(&str) -> &str| -> BTreeSet<&str> {
            let all = self.changes.iter().map(|change| shown(&change.origin.place));
            all.filter(|place| !place.is_empty()).collect()
        };
        let mut all = places(|place| place);
        if all.len() > 1 {
            // Every row of a sheet is a place of its own; what they share is the declaration's.
            all = places(|place| place.split_once(" · ").map_or(place, |(declaration, _)| declaration));
        }
        let places = all;
        let mut words = clean(label).into_owned();
        if let Some(place) = places.first() {
            words.push_str(" · ");
            words.push_str(&clean(place));
        }
        let others = match places.len() {
            0 | 1 => String::new(),
            2 => " and another place".to_owned(),
            n => format!(" and {} other places", thousands(n - 1)),
        };
        words + &others
    }

    /// What the changes say of a field that differs from change to change, in the order of what it becomes.
    pub(super) fn variants_of(&self, name: &str) -> Vec<Variant<'a>> {
        let mut variants = self.variants(|change| {
            let all = differences(change);
            let field = all.iter().find(|field| field.name == name)?;
            match &rows_of(field)[..] {
                [FieldRow { difference: Difference::Inline { before, after }, .. }] => {
                    Some(format!("{before} → {after}"))
                }
                _ => None,
            }
        });
        let becomes = |variant: &Variant<'_>| {
            let all = differences(variant.changes[0]);
            all.iter().find(|field| field.name == name).and_then(number_after)
        };
        variants.sort_by(|a, b| {
            let (x, y) = (becomes(a).unwrap_or(f64::MAX), becomes(b).unwrap_or(f64::MAX));
            x.total_cmp(&y).then_with(|| natural_order(&a.words, &b.words))
        });
        variants
    }

    /// The different things that the group's resources do.
    pub(super) fn summaries(&self, nouns: Nouns<'_>) -> Vec<Variant<'a>> {
        let mut variants = self.variants(|change| summary_of(change, nouns));
        variants.sort_by(|a, b| natural_order(&a.words, &b.words));
        variants
    }

    fn variants(&self, words_of: impl Fn(&'a Change) -> Option<String>) -> Vec<Variant<'a>> {
        let mut variants: BTreeMap<String, Vec<&Change>> = BTreeMap::new();
        for change in &self.changes {
            if let Some(words) = words_of(change) {
                variants.entry(words).or_default().push(change);
            }
        }
        variants.into_iter().map(|(words, changes)| Variant { words, changes }).collect()
    }

    /// The names of the targets; the id where two targets share a name, the resource's own name where there is no
    /// target, or one target has several resources.
    pub(super) fn names(&self) -> Vec<String> {
        let mut ids: HashMap<&str, BTreeSet<&str>> = HashMap::new();
        let mut uses: HashMap<(&str, &Scope), usize> = HashMap::new();
        for change in &self.changes {
            if let Some(target) = &change.target {
                ids.entry(&target.name).or_default().insert(&target.id);
                *uses.entry((&target.id, &change.address.scope)).or_default() += 1;
            }
        }
        let name_of = |change: &&Change| match &change.target {
            Some(target) if uses[&(&*target.id, &change.address.scope)] == 1 => {
                let shared = ids[&*target.name].len() > 1 || target.name.is_empty();
                example_name(if shared { &target.id } else { &target.name })
            }
            _ => quoted(&elide_middle(&change.address.key, NAME_COLUMNS)),
        };
        self.changes.iter().map(name_of).collect()
    }

    /// Whether all of them are in one account and region.
    pub(super) fn one_scope(&self) -> bool {
        let scope = &self.first().address.scope;
        self.changes.iter().all(|change| change.address.scope == *scope)
    }

    /// `ap-northeast-2`, or `ap-northeast-2 20, us-east-1 21` where there are several; with the account where the plan
    /// has several.
    pub(super) fn scopes_words(&self, many_accounts: bool) -> String {
        let mut counts: BTreeMap<&Scope, usize> = BTreeMap::new();
        for change in &self.changes {
            *counts.entry(&change.address.scope).or_default() += 1;
        }
        let one = counts.len() == 1;
        let parts: Vec<String> = counts
            .into_iter()
            .map(|(scope, n)| {
                let words = scope_words(scope, many_accounts);
                if one { words } else { format!("{words} {}", thousands(n)) }
            })
            .collect();
        parts.join(", ")
    }
}

/// A name among others, quoted where it could be taken for several.
fn example_name(name: &str) -> String {
    let short = elide_middle(name, NAME_COLUMNS);
    if name.trim() != name || name.contains([',', '…', '"']) {
        quoted(&short)
    } else {
        clean(&short).into_owned()
    }
}

/// `alarm "name"`.
pub(super) fn subject(change: &Change, nouns: Nouns<'_>) -> String {
    format!("{} {}", nouns.noun(&change.address.kind), quoted(&change.address.key))
}

/// The region, with the account where there are several.
pub(super) fn scope_words(scope: &Scope, many_accounts: bool) -> String {
    if many_accounts { clean(&scope.to_string()).into_owned() } else { clean(&scope.region).into_owned() }
}

/// All changes of a plan, folded: verbs in the order of [`Verb::ALL`], labels as the plan has them, the largest group
/// first.
pub(super) fn folded<'a>(plan: &'a Plan, nouns: Nouns<'_>) -> Vec<Group<'a>> {
    let mut groups = Vec::new();
    for bucket in buckets(plan) {
        let mut exact = split(&bucket, |change| exact_key(change, nouns));
        if exact.len() > MOST_GROUPS {
            exact = split(&bucket, loose_key);
        }
        exact.sort_by_key(|changes| std::cmp::Reverse(changes.len()));
        groups.extend(exact.into_iter().map(|changes| group(changes, nouns)));
    }
    groups
}

/// All changes of a plan, each on its own, in the order of [`Verb::ALL`].
pub(super) fn unfolded<'a>(plan: &'a Plan, nouns: Nouns<'_>) -> Vec<Group<'a>> {
    Verb::ALL
        .into_iter()
        .flat_map(|verb| plan.changes.iter().filter(move |change| change.verb == verb))
        .map(|change| group(vec![change], nouns))
        .collect()
}

/// Changes of the same verb, label, kind and reason.
fn buckets(plan: &Plan) -> Vec<Vec<&Change>> {
    let mut all = Vec::new();
    for verb in Verb::ALL {
        let of_verb: Vec<&Change> = plan.changes.iter().filter(|change| change.verb == verb).collect();
        all.extend(split(&of_verb, |change| {
            (change.origin.label.clone(), change.address.kind.clone(), change.reason.clone())
        }));
    }
    all
}

/// The changes by key, in the order in which the keys first appear.
fn split<'a, K: std::hash::Hash + Eq>(
    changes: &[&'a Change],
    key: impl Fn(&'a Change) -> K,
) -> Vec<Vec<&'a Change>> {
    let mut index: HashMap<K, usize> = HashMap::new();
    let mut parts: Vec<Vec<&Change>> = Vec::new();
    for change in changes {
        let at = *index.entry(key(change)).or_insert(parts.len());
        if at == parts.len() {
            parts.push(Vec::new());
        }
        parts[at].push(change);
    }
    parts
}

/// What must be equal for two changes to be shown as one.
fn exact_key<'a>(change: &'a Change, nouns: Nouns<'_>) -> (String, Option<String>, Outlook<'a>) {
    let fields = differences(change).iter().map(|field| format!("{field:?}")).collect::<Vec<_>>().join("\n");
    (fields, summary_of(change, nouns), outlook(change))
}

/// The steps and notes of a change, which are shown of each that has its own.
type Outlook<'a> = (&'a [String], &'a [String]);

fn outlook(change: &Change) -> Outlook<'_> {
    (&change.steps, &change.notes)
}

/// Which fields differ and why, whatever the values.
fn loose_key(change: &Change) -> (Vec<(String, Cause)>, Outlook<'_>) {
    let fields = differences(change).iter().map(|field| (field.name.clone(), field.cause)).collect();
    (fields, outlook(change))
}

fn group<'a>(mut changes: Vec<&'a Change>, nouns: Nouns<'_>) -> Group<'a> {
    changes.sort_by(|a, b| display_order(a, b));
    let first = changes[0];
    let all: Vec<Cow<'_, [FieldChange]>> = changes.iter().map(|change| differences(change)).collect();
    let fields = all[0]
        .iter()
        .enumerate()
        .map(|(i, example)| {
            let pairs: Vec<&FieldChange> = all.iter().filter_map(|fields| fields.get(i)).collect();
            let texts = pairs.iter().map(|field| format!("{:?}{:?}", field.before, field.after));
            GroupField {
                example: example.clone(),
                of: first,
                distinct: count_distinct(texts),
                range: range(&pairs),
            }
        })
        .collect();
    let summary = summary_of(first, nouns).map(|example| {
        let distinct = count_distinct(changes.iter().filter_map(|change| summary_of(change, nouns)));
        (example, distinct)
    });
    Group { changes, fields, summary }
}

/// The lowest and the highest number that a field becomes, if these are two.
fn range(fields: &[&FieldChange]) -> Option<(f64, f64)> {
    let numbers: Vec<f64> = fields.iter().map(|field| number_after(field)).collect::<Option<_>>()?;
    let lowest = numbers.iter().copied().reduce(f64::min)?;
    let highest = numbers.iter().copied().reduce(f64::max)?;
    (lowest < highest).then_some((lowest, highest))
}

fn number_after(field: &FieldChange) -> Option<f64> {
    field.after.as_ref()?.as_f64()
}

fn count_distinct(values: impl Iterator<Item = String>) -> usize {
    values.collect::<std::collections::HashSet<_>>().len()
}

/// One line about what the resource does, for creates and adoptions, or did, where somebody deleted it.
///
/// Region and account are left out of ARNs where they are the resource's own: so the same alarm in two regions reads
/// the same, and an ARN of another account stands out.
fn summary_of(change: &Change, nouns: Nouns<'_>) -> Option<String> {
    let fields = match (change.verb, &change.reason) {
        (Verb::Create | Verb::Adopt, _) => change.after.as_ref()?,
        (Verb::Delete, Some(Reason::DeletedOutside)) => change.before.as_ref()?,
        _ => return None,
    };
    let words = (nouns.text(&change.address.kind)?.summary)(fields);
    let Scope { account, region } = &change.address.scope;
    let words = words.replace(&format!(":{region}:{account}:"), ":…:");
    (!words.is_empty()).then(|| clean(&words).into_owned())
}

/// The fields that differ; for a replace those in which the new object differs from the old one.
pub(super) fn differences(change: &Change) -> Cow<'_, [FieldChange]> {
    match (&change.replaces, &change.after) {
        (Some(old), Some(new)) if change.fields.is_empty() => Cow::Owned(field_changes(&old.fields, new)),
        _ => Cow::Borrowed(&change.fields),
    }
}

fn field_changes(old: &Fields, new: &Fields) -> Vec<FieldChange> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    names
        .into_iter()
        .filter(|name| old.get(*name) != new.get(*name))
        .map(|name| FieldChange {
            name: name.clone(),
            before: old.get(name).cloned(),
            after: new.get(name).cloned(),
            cause: Cause::Manifest,
        })
        .collect()
}

/// What people see is what the list is sorted by; deletes are sorted by region first, because each is listed with it.
pub(super) fn display_order(a: &Change, b: &Change) -> Ordering {
    let region = if a.verb == Verb::Delete { a.address.scope.cmp(&b.address.scope) } else { Ordering::Equal };
    region.then_with(|| natural_order(shown_name(a), shown_name(b))).then_with(|| a.address.cmp(&b.address))
}

fn shown_name(change: &Change) -> &str {
    match &change.target {
        Some(target) if change.verb != Verb::Delete => &target.name,
        _ => &change.address.key,
    }
}

/// Compares digits by their value: `web-2` before `web-10`.
pub(super) fn natural_order(a: &str, b: &str) -> Ordering {
    let (mut a_rest, mut b_rest) = (a, b);
    loop {
        let (a_run, b_run) = (next_run(a_rest), next_run(b_rest));
        if a_run.is_empty() || b_run.is_empty() {
            return a_run.len().cmp(&b_run.len()).then_with(|| a.cmp(b));
        }
        let order = run_order(a_run, b_run);
        if order != Ordering::Equal {
            return order;
        }
        a_rest = &a_rest[a_run.len()..];
        b_rest = &b_rest[b_run.len()..];
    }
}

/// The digits, or the other characters, that a text begins with.
fn next_run(text: &str) -> &str {
    let digits = text.starts_with(|c: char| c.is_ascii_digit());
    let end = text.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(text.len());
    &text[..end]
}

fn run_order(a: &str, b: &str) -> Ordering {
    if a.starts_with(|c: char| c.is_ascii_digit()) && b.starts_with(|c: char| c.is_ascii_digit()) {
        let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
        a.len().cmp(&b.len()).then_with(|| a.cmp(b))
    } else {
        a.cmp(b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_are_compared_by_value() {
        let mut names = vec!["web-10", "web-9", "db", "web-010", "web", "web-9a", ""];
        names.sort_by(|a, b| natural_order(a, b));
        assert_eq!(names, ["", "db", "web", "web-9", "web-9a", "web-010", "web-10"]);
    }
}
