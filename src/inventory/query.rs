//! What to ask AWS for, so that one pass over a region serves all declarations.

use std::collections::{BTreeMap, BTreeSet};

use super::{Selector, TagMatch, TargetKind};

/// AWS allows 200 values a filter ("Filter" in the EC2 API reference).
const FILTER_VALUES: usize = 200;

/// The EC2 filter of a kind by its ids.
pub(super) fn id_filter(kind: TargetKind) -> &'static str {
    if kind == TargetKind::Ebs { "volume-id" } else { "instance-id" }
}

/// The EC2 filters that hold for every target of the kind that any of the selectors selects.
///
/// The answer may hold more than is wanted; [`Selector::matches`] has the last word.
pub(super) fn ec2_filters(kind: TargetKind, selectors: &[&Selector]) -> BTreeMap<String, BTreeSet<String>> {
    let mut filters = BTreeMap::new();
    let living = kind.states().map_or(&[][..], |states| states.living);
    let states = union(selectors, |selector| &selector.states)
        .unwrap_or_else(|| living.iter().map(|&state| state.to_owned()).collect());
    filters.insert(state_filter(kind).to_owned(), states);
    if let Some(ids) = union(selectors, |selector| &selector.ids) {
        filters.insert(id_filter(kind).to_owned(), ids);
    }
    let Some((first, rest)) = selectors.split_first() else {
        return filters;
    };
    for (key, wanted) in &first.tags {
        let mut together = wanted.clone();
        let in_all = rest.iter().all(|selector| {
            selector.tags.get(key).is_some_and(|other| {
                together = widen(&together, other);
                true
            })
        });
        if !in_all {
            continue;
        }
        match together {
            TagMatch::OneOf(values) => {
                let values = values.iter().map(|value| escape(value)).collect();
                filters.insert(format!("tag:{key}"), values);
            }
            TagMatch::Any => {
                filters.entry("tag-key".to_owned()).or_insert_with(|| BTreeSet::from([escape(key)]));
            }
            // "Absent" cannot be asked of EC2, nor can "anything".
            TagMatch::Absent => {}
        }
    }
    filters.retain(|_, values| values.len() <= FILTER_VALUES);
    filters
}

/// The EC2 filter of a kind by its states.
fn state_filter(kind: TargetKind) -> &'static str {
    if kind == TargetKind::Ebs { "status" } else { "instance-state-name" }
}

/// The union of a condition over all selectors; `None` where one of them has no such condition.
fn union(
    selectors: &[&Selector],
    condition: impl Fn(&Selector) -> &BTreeSet<String>,
) -> Option<BTreeSet<String>> {
    let all_have_it = selectors.iter().all(|selector| !condition(selector).is_empty());
    (all_have_it && !selectors.is_empty())
        .then(|| selectors.iter().flat_map(|selector| condition(selector).iter().cloned()).collect())
}

/// A condition that holds wherever one of the two holds. `Absent` stands for "no condition" here.
fn widen(a: &TagMatch, b: &TagMatch) -> TagMatch {
    match (a, b) {
        (TagMatch::OneOf(a), TagMatch::OneOf(b)) => TagMatch::OneOf(a.union(b).cloned().collect()),
        (TagMatch::Absent, _) | (_, TagMatch::Absent) => TagMatch::Absent,
        _ => TagMatch::Any,
    }
}

/// EC2 reads `*` and `?` in filter values as wildcards; a backslash makes them plain.
fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        if matches!(character, '*' | '?' | '\\') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selector(tags: &[(&str, TagMatch)]) -> Selector {
        let mut selector = Selector::all(TargetKind::Ec2);
        selector.tags = tags.iter().map(|(key, wanted)| ((*key).to_owned(), wanted.clone())).collect();
        selector
    }

    fn one_of(values: &[&str]) -> TagMatch {
        TagMatch::OneOf(values.iter().map(|&value| value.to_owned()).collect())
    }

    fn shown(selectors: &[&Selector]) -> String {
        let filters = ec2_filters(TargetKind::Ec2, selectors);
        let parts: Vec<String> = filters
            .iter()
            .filter(|(name, _)| *name != "instance-state-name")
            .map(|(name, values)| {
                format!("{name}={}", values.iter().map(String::as_str).collect::<Vec<_>>().join(","))
            })
            .collect();
        parts.join(" ")
    }

    #[test]
    fn living_states_only_unless_asked() {
        let all = selector(&[]);
        assert_eq!(
            ec2_filters(TargetKind::Ec2, &[&all])["instance-state-name"].iter().collect::<Vec<_>>(),
            ["pending", "running", "stopped", "stopping"]
        );
        let mut volumes = Selector::all(TargetKind::Ebs);
        assert_eq!(
            ec2_filters(TargetKind::Ebs, &[&volumes])["status"].iter().collect::<Vec<_>>(),
            ["available", "creating", "error", "in-use"]
        );
        volumes.states = BTreeSet::from(["in-use".to_owned()]);
        volumes.ids = BTreeSet::from(["vol-1".to_owned()]);
        let asked: Vec<_> = ec2_filters(TargetKind::Ebs, &[&volumes]).into_iter().collect();
        assert_eq!(asked, [("status".to_owned(), volumes.states), ("volume-id".to_owned(), volumes.ids)]);
    }

    #[test]
    fn one_selector_is_pushed_whole() {
        let one = selector(&[
            ("Env", one_of(&["prod", "50%*"])),
            ("Owner", TagMatch::Any),
            ("No", TagMatch::Absent),
        ]);
        assert_eq!(shown(&[&one]), r"tag-key=Owner tag:Env=50%\*,prod");
    }

    #[test]
    fn several_selectors_share_only_what_all_ask_for() {
        let a = selector(&[("Env", one_of(&["prod"])), ("Team", one_of(&["a"]))]);
        let b = selector(&[("Env", one_of(&["dev"]))]);
        assert_eq!(shown(&[&a, &b]), "tag:Env=dev,prod");
        let c = selector(&[("Env", TagMatch::Any)]);
        assert_eq!(shown(&[&a, &c]), "tag-key=Env");
        let everything = selector(&[]);
        assert_eq!(shown(&[&a, &everything]), "");
        let absent = selector(&[("Env", TagMatch::Absent)]);
        assert_eq!(shown(&[&a, &absent]), "");
    }

    #[test]
    fn a_filter_with_too_many_values_is_left_to_the_local_match() {
        let mut many = selector(&[]);
        many.ids = (0..201).map(|n| format!("i-{n:017x}")).collect();
        assert_eq!(shown(&[&many]), "");
    }
}
