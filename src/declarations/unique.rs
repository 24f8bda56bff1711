//! Two declarations that want the same resource.

use std::collections::{BTreeMap, HashMap};

use crate::model::{Address, Claim, Desired, Diagnostic, Diagnostics};
use crate::resources::tag::{self, Tag, TagKey};

use super::target_problems::listed;

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
            Some(other) if is_rule(other) && is_rule(resource) && other.fields == resource.fields => {}
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
    !matches!(desired.claim, Claim::Own { .. })
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
