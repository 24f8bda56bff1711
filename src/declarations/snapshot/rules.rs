//! The EventBridge rules that take snapshots of the volumes of an instance with `engine = "rule"`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::declarations::Records;
use crate::model::{Address, Desired, Owned, Scope};
use crate::resources::event_rule::{EventRule, KIND, MAX_TARGETS, RuleTarget, built_in_target, fitting_name};
use crate::resources::schedule;

use super::Snapshots;
use super::holders::Holder;

/// How often a call that failed is tried again, and for how many seconds. AWS throttles `CreateSnapshot` where many rules fire at
/// once; what comes later than that is no longer taken for the rule's (see `products.rs`).
const RETRIES: u32 = 10;
pub(super) const MAX_EVENT_AGE: u32 = 900;

/// EventBridge's built-in target.
const TARGET: &str = "create-snapshot";

/// A rule holds the volumes of one holder, so there are at most so many of them: an instance has up to 128 volumes ("Amazon EBS
/// volume limits for Amazon EC2 instances" in the EBS user guide).
const RULES_OF_ONE: usize = 128;

impl Snapshots {
    /// The rules of a scope.
    pub(super) fn rules(&self, holders: &[&Holder<'_>], role: &str, records: &Records) -> Vec<Desired> {
        let names = self.names(holders);
        holders
            .iter()
            .zip(names)
            .flat_map(|(holder, name)| self.rules_of(holder, &name, role, records))
            .collect()
    }

    /// The name of each holder's first rule: the holder's and the declaration's. What is called alike also bears its id.
    fn names(&self, holders: &[&Holder<'_>]) -> Vec<String> {
        let name = |holder: &Holder<'_>| format!("{}_{}", holder.target.name, self.short_label);
        let mut alike: BTreeMap<String, usize> = BTreeMap::new();
        for holder in holders {
            *alike.entry(name(holder).to_lowercase()).or_default() += 1;
        }
        let of = |holder: &&Holder<'_>| {
            let name = name(holder);
            if alike[&name.to_lowercase()] > 1 { format!("{name}.{}", holder.target.id) } else { name }
        };
        holders.iter().map(of).collect()
    }

    fn rules_of(&self, holder: &Holder<'_>, name: &str, role: &str, records: &Records) -> Vec<Desired> {
        let scope = &holder.target.scope;
        let address = |index: usize| {
            // Labels and ids hold no dots, so that no other holder's rule is called so.
            let name = if index == 0 { name.to_owned() } else { format!("{name}.{}", index + 1) };
            Address::new(KIND, scope.clone(), fitting_name(&name))
        };
        let volumes: BTreeSet<&str> = holder.volumes.iter().map(|selected| &*selected.target.id).collect();
        let placed = places(&volumes, |index| self.recorded_volumes(records.get(&address(index))));
        let of_rule = |(index, volumes): (usize, BTreeSet<&str>)| {
            let targets = volumes.into_iter().map(|volume| target(scope, volume, role)).collect();
            let mut rule = EventRule::new(&self.block.schedule, targets);
            rule.description = Some(schedule::description(&self.project, &self.label));
            let target = holder.target.reference();
            Desired { fields: rule.to_fields(), ..self.desired_of(address(index), target) }
        };
        placed.into_iter().map(of_rule).collect()
    }

    /// The volumes of a rule of this declaration.
    pub(super) fn recorded_volumes(&self, record: Option<&Owned>) -> BTreeSet<String> {
        let record = record.filter(|record| record.label == self.label && record.address.kind == KIND);
        let rule = record.and_then(|record| EventRule::from_fields(&record.fields).ok());
        let targets = rule.into_iter().flat_map(|rule| rule.targets);
        targets
            .filter(|target| target.arn.ends_with(&format!(":target/{TARGET}")))
            .filter_map(volume_of)
            .collect()
    }
}

fn target(scope: &Scope, volume: &str, role: &str) -> RuleTarget {
    let mut target = RuleTarget::new(volume, &built_in_target(scope, TARGET), role, volume.into());
    (target.retries, target.max_event_age) = (Some(RETRIES), Some(MAX_EVENT_AGE));
    target
}

fn volume_of(target: RuleTarget) -> Option<String> {
    match target.input {
        Some(Value::String(volume)) => Some(volume),
        _ => None,
    }
}

/// Which volumes go into which rule, by the rule's number. What a rule has already stays in it, so that a volume that comes or
/// goes changes one rule.
fn places<'a>(
    volumes: &BTreeSet<&'a str>,
    recorded: impl Fn(usize) -> BTreeSet<String>,
) -> BTreeMap<usize, BTreeSet<&'a str>> {
    let mut left = volumes.clone();
    let mut rules: BTreeMap<usize, BTreeSet<&'a str>> = BTreeMap::new();
    for index in 0..RULES_OF_ONE {
        let has = recorded(index);
        let stay: BTreeSet<&str> =
            left.iter().copied().filter(|volume| has.contains(*volume)).take(MAX_TARGETS).collect();
        left.retain(|volume| !stay.contains(volume));
        rules.insert(index, stay);
    }
    for rule in rules.values_mut() {
        while rule.len() < MAX_TARGETS {
            let Some(volume) = left.pop_first() else { break };
            rule.insert(volume);
        }
    }
    rules.retain(|_, volumes| !volumes.is_empty());
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(volumes: &[&str], recorded: &[&[&str]]) -> Vec<String> {
        let of = |index: usize| {
            recorded.get(index).map(|has| has.iter().map(|&one| one.to_owned()).collect()).unwrap_or_default()
        };
        let placed = places(&volumes.iter().copied().collect(), of).into_iter();
        placed.map(|(index, has)| format!("{index}: {}", has.into_iter().collect::<String>())).collect()
    }

    #[test]
    fn five_volumes_are_in_a_rule_and_stay_there() {
        let seven = ["a", "b", "c", "d", "e", "f", "g"];
        assert_eq!(placed(&seven, &[]), ["0: abcde", "1: fg"]);
        assert_eq!(placed(&seven[1..], &[&["a", "b", "c", "d", "e"], &["f", "g"]]), ["0: bcde", "1: fg"]);
        assert_eq!(placed(&["x", "f"], &[&["a", "b", "c", "d", "e"], &["f", "g"]]), ["0: x", "1: f"]);
        assert_eq!(placed(&["f"], &[&["a"], &["f", "g"]]), ["1: f"]);
        assert_eq!(placed(&seven, &[&["b"], &["a", "c", "d", "e", "f"]]), ["0: bg", "1: acdef"]);
        // A rule that somebody filled by hand, and a volume in two of them.
        assert_eq!(placed(&seven, &[&seven, &seven]), ["0: abcde", "1: fg"]);
    }
}
