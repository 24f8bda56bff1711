//! The EventBridge rules that take snapshots of the volumes of an instance with `engine = "rule"`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::declarations::{Records, World};
use crate::model::{Address, Desired, Scope};
use crate::resources::event_rule::{EventRule, KIND, MAX_TARGETS, RuleTarget, built_in_target};
use crate::resources::schedule;

use super::Snapshots;
use super::holders::Holder;
use super::names::key;
use super::since::{from_now, recorded, target_id};

/// A call that failed is not tried again, as with schedules: a second one may make a second snapshot, and then neither is known for the
/// rule's (see `taken.rs`). What AWS throttled is taken the next time, and a plan tells what is overdue.
const RETRIES: u32 = 0;

/// Seconds after which a call that could not be made is given up: the fewest that AWS takes (`MaximumEventAgeInSeconds` of
/// `RetryPolicy` in the EventBridge API reference). The later a snapshot may come, the more of people's may be taken for it.
pub(super) const MAX_EVENT_AGE: u32 = 60;

/// EventBridge's built-in target.
pub(super) const TARGET: &str = "create-snapshot";

/// A rule holds the volumes of one holder, so there are at most so many of them: an instance has up to 128 volumes ("Amazon EBS
/// volume limits for Amazon EC2 instances" in the EBS user guide).
pub(super) const RULES_OF_ONE: usize = 128;

impl Snapshots {
    /// The rules of a scope.
    pub(super) fn rules(&self, holders: &[&Holder<'_>], role: &str, world: &World<'_>) -> Vec<Desired> {
        let names = self.names(holders, world.records);
        let since = self.since(world.records);
        let target = |scope: &Scope, volume: &str| {
            let key = (scope, volume.to_owned());
            target(scope, volume, role, since.get(&key).copied().unwrap_or_else(|| from_now(world.now)))
        };
        holders
            .iter()
            .zip(names)
            .flat_map(|(holder, name)| self.rules_of(holder, &name, world.records, target))
            .collect()
    }

    fn rules_of(
        &self,
        holder: &Holder<'_>,
        name: &str,
        records: &Records,
        target: impl Fn(&Scope, &str) -> RuleTarget,
    ) -> Vec<Desired> {
        let scope = &holder.target.scope;
        let address = |index: usize| Address::new(KIND, scope.clone(), key(name, index));
        let volumes: BTreeSet<&str> = holder.volumes.iter().map(|selected| &*selected.target.id).collect();
        let has = |index: usize| {
            let record = records.get(&address(index)).filter(|record| record.label == self.label);
            let rule = record.and_then(recorded);
            rule.map(|rule| rule.volumes.into_keys().collect()).unwrap_or_default()
        };
        let of_rule = |(index, volumes): (usize, BTreeSet<&str>)| {
            let targets = volumes.into_iter().map(|volume| target(scope, volume)).collect();
            let mut rule = EventRule::new(&self.block.schedule, targets);
            rule.description = Some(schedule::description(&self.project, &self.label));
            let target = holder.target.reference();
            Desired { fields: rule.to_fields(), ..self.desired_of(address(index), target) }
        };
        places(&volumes, has).into_iter().map(of_rule).collect()
    }
}

fn target(scope: &Scope, volume: &str, role: &str, since: Timestamp) -> RuleTarget {
    let arn = built_in_target(scope, TARGET);
    let mut target = RuleTarget::new(&target_id(volume, since), &arn, role, volume.into());
    (target.retries, target.max_event_age) = (Some(RETRIES), Some(MAX_EVENT_AGE));
    target
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
