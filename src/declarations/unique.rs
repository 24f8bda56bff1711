//! Two declarations that want the same resource.

use std::collections::{BTreeMap, HashMap};

use crate::model::{Address, Claim, Desired, Diagnostic, Diagnostics};
use crate::resources::instance_storage;
use crate::resources::tag::{self, Tag, TagKey};

use super::target_problems::listed;

/// One of each resource that declarations want jointly: the first that `keeps` is true of, else the first. It is protected
/// where one of them protects it.
pub fn unite(desired: Vec<Desired>, keeps: impl Fn(&Desired) -> bool) -> Vec<Desired> {
    let mut united: Vec<Desired> = Vec::with_capacity(desired.len());
    let mut index: HashMap<Address, usize> = HashMap::new();
    for resource in desired {
        if !matches!(resource.claim, Claim::Joint { .. }) {
            united.push(resource);
            continue;
        }
        let Some(&place) = index.get(&resource.address) else {
            index.insert(resource.address.clone(), united.len());
            united.push(resource);
            continue;
        };
        let protect = united[place].protect || resource.protect;
        if !keeps(&united[place]) && keeps(&resource) {
            united[place] = resource;
        }
        united[place].protect = protect;
    }
    united
}

/// An error for every two declarations that want the same resources, with both places.
///
/// Two targets of one declaration are that declaration's business: it knows which template made them equal.
pub fn check_unique(desired: &[Desired]) -> Diagnostics {
    let mut first: HashMap<Address, &Desired> = HashMap::with_capacity(desired.len());
    let mut pairs: BTreeMap<(&str, &str), Vec<(&Desired, &Desired)>> = BTreeMap::new();
    for resource in desired {
        let address = final_address(resource);
        match first.get(&address) {
            None => drop(first.insert(address, resource)),
            Some(other) if other.origin.label == resource.origin.label => {}
            // Two rules that ask for the same: it is done once.
            Some(other) if may_agree(other) && may_agree(resource) && other.fields == resource.fields => {}
            Some(other) => pairs
                .entry((&other.origin.label, &resource.origin.label))
                .or_default()
                .push((other, resource)),
        }
    }
    let mut problems = Diagnostics::new();
    problems.extend(pairs.into_iter().filter_map(|(labels, shared)| both_want(labels, &shared)));
    problems
}

/// What a resource is once the plan is carried out: a tag whose key is corrected is one with the right key.
fn final_address(desired: &Desired) -> Address {
    let corrected = || {
        let tag = Tag::from_fields(&desired.fields)?;
        let key = TagKey::parse(&desired.address.key).filter(|_| desired.address.kind == tag::KIND)?;
        Some(TagKey { key: &tag.key, ..key }.to_text())
    };
    match corrected() {
        Some(key) => Address::new(tag::KIND, desired.address.scope.clone(), key),
        None => desired.address.clone(),
    }
}

fn is_rule(desired: &Desired) -> bool {
    matches!(desired.claim, Claim::IfAbsent | Claim::Correct { .. })
}

/// Whether several may ask for it alike. Whether an instance has its volumes is one declaration's business: of two that agree today one may
/// be edited tomorrow.
fn may_agree(desired: &Desired) -> bool {
    is_rule(desired) && desired.address.kind != instance_storage::KIND
}

fn both_want((first, second): (&str, &str), shared: &[(&Desired, &Desired)]) -> Option<Diagnostic> {
    let (one, other) = shared.first()?;
    let what: Vec<String> = shared
        .iter()
        .map(|(_, resource)| {
            let address = &resource.address;
            format!("{} {:?} in {}", address.kind, address.key, address.scope)
        })
        .collect();
    let what = listed(&what, "resources");
    let diagnostic = Diagnostic::error(format!("{first} and {second} both want {what}"))
        .at(other.place.clone())
        .related(one.place.clone(), format!("{first} wants it here"))
        .hint(if is_rule(one) && is_rule(other) {
            "let one of the rules ask for it, or let their `for_each` select different targets"
        } else {
            "give one of them another name, or let their `for_each` select different targets"
        });
    Some(diagnostic)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Fields, Origin, Place, Scope};

    fn desired(label: &str, region: &str, key: &str) -> Desired {
        Desired {
            address: Address::new("metric_alarm", Scope::new("1", region), key),
            fields: Fields::new(),
            origin: Origin { label: label.to_owned(), place: format!("{label}:1") },
            place: Place::Named(format!("{label}:1:1")),
            target: None,
            claim: crate::model::Claim::Own { adopt: false },
            protect: false,
        }
    }

    #[test]
    fn what_is_wanted_jointly_is_one_resource() {
        let joint = |label: &str, protect: bool| Desired {
            claim: Claim::Joint { adopt: false },
            protect,
            ..desired(label, "r", "group")
        };
        let wanted = [joint("a.x", false), desired("a.x", "r", "one"), joint("b.y", true)];
        let united = |keeps: fn(&Desired) -> bool| unite(wanted.to_vec(), keeps);
        let all = united(|_| true);
        assert_eq!(all.len(), 2);
        assert_eq!((all[0].origin.label.as_str(), all[0].protect), ("a.x", true));
        assert_eq!(united(|desired| desired.origin.label == "b.y")[0].origin.label, "b.y");
        assert!(check_unique(&all).is_empty());
    }

    #[test]
    fn a_thousand_shared_resources_are_one_diagnostic() {
        let both = ["alarm.a", "alarm.b"];
        let wanted = both.iter().flat_map(|label| (0..1_000).map(|n| desired(label, "r", &format!("x{n}"))));
        let problems = check_unique(&wanted.collect::<Vec<_>>());
        let summaries: Vec<String> = problems.into_iter().map(|d| d.summary).collect();
        assert_eq!(
            summaries,
            ["alarm.a and alarm.b both want 1,000 resources: metric_alarm \"x0\" in 1/r, \
              metric_alarm \"x1\" in 1/r, metric_alarm \"x2\" in 1/r, … 997 more"]
        );
    }

    #[test]
    fn the_same_address_wanted_twice_names_both_places() {
        let problems = check_unique(&[
            desired("alarm.a", "r", "x"),
            desired("alarm.b", "r", "x"),
            desired("alarm.b", "s", "x"),
            desired("alarm.b", "r", "y"),
        ]);
        let lines: Vec<String> = problems
            .into_iter()
            .map(|d| {
                let (related, caption) = d.related.unwrap();
                format!("{} {} [{caption} {related}]", d.place.unwrap(), d.summary)
            })
            .collect();
        assert_eq!(
            lines,
            [
                "alarm.b:1:1 alarm.a and alarm.b both want metric_alarm \"x\" in 1/r [alarm.a wants it here alarm.a:1:1]"
            ]
        );
    }
}
