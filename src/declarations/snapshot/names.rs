//! The names of the rules.

use std::collections::{BTreeMap, BTreeSet};

use crate::declarations::Records;
use crate::model::{Owned, Scope};
use crate::resources::event_rule::fitting_name;

use super::Snapshots;
use super::holders::Holder;
use super::rules::RULES_OF_ONE;
use super::since::recorded;

/// The key of a holder's rule, by the name of its first one. Labels and ids hold no dots, so that no other holder's rule is called so.
pub(super) fn key(name: &str, index: usize) -> String {
    fitting_name(&if index == 0 { name.to_owned() } else { format!("{name}.{}", index + 1) })
}

/// The keys of the recorded rules.
#[derive(Default)]
struct Known<'a> {
    by_holder: BTreeMap<(&'a Scope, &'a str), BTreeSet<&'a str>>,
    /// Of those whose holder the state does not know, as after it was lost.
    by_volume: BTreeMap<(&'a Scope, String), BTreeSet<&'a str>>,
}

impl<'a> Known<'a> {
    fn new(rules: impl Iterator<Item = &'a Owned>) -> Self {
        let mut known = Self::default();
        for record in rules {
            let (scope, key) = (&record.address.scope, &*record.address.key);
            if let Some(target) = &record.target {
                known.by_holder.entry((scope, &target.id)).or_default().insert(key);
            } else if let Some(rule) = recorded(record) {
                for volume in rule.volumes.into_keys() {
                    known.by_volume.entry((scope, volume)).or_default().insert(key);
                }
            }
        }
        known
    }

    /// The keys of a holder's rules.
    fn of(&self, holder: &Holder<'_>) -> BTreeSet<&'a str> {
        let scope = &holder.target.scope;
        let own = self.by_holder.get(&(scope, &*holder.target.id)).into_iter();
        let volumes = holder.volumes.iter();
        let found = volumes.filter_map(|volume| self.by_volume.get(&(scope, volume.target.id.clone())));
        own.chain(found).flatten().copied().collect()
    }
}

impl Snapshots {
    /// The name of each holder's first rule: the holder's and the declaration's. What is called alike also bears its id, but a rule
    /// that is there keeps its name: an instance that comes or goes renames no other one's.
    pub(super) fn names(&self, holders: &[&Holder<'_>], records: &Records) -> Vec<String> {
        let plain = |holder: &Holder<'_>| format!("{}_{}", holder.target.name, self.short_label);
        let mut alike: BTreeMap<String, usize> = BTreeMap::new();
        for holder in holders {
            *alike.entry(plain(holder).to_lowercase()).or_default() += 1;
        }
        let known = Known::new(self.recorded_rules(records));
        let mut kept = BTreeSet::new();
        let mut keeps = |holder: &&Holder<'_>| {
            let keys = known.of(holder);
            let is_there = |name: &String| {
                !keys.is_empty() && (0..RULES_OF_ONE).any(|index| keys.contains(&*key(name, index)))
            };
            let names = [plain(holder), with_id(plain(holder), holder)];
            names.into_iter().filter(is_there).find(|name| kept.insert(name.to_lowercase()))
        };
        let keep: Vec<Option<String>> = holders.iter().map(&mut keeps).collect();
        let of = |(holder, keep): (&&Holder<'_>, Option<String>)| {
            let plain = plain(holder);
            let alone = alike[&plain.to_lowercase()] == 1;
            keep.unwrap_or_else(|| if alone { plain } else { with_id(plain, holder) })
        };
        holders.iter().zip(keep).map(of).collect()
    }
}

fn with_id(name: String, holder: &Holder<'_>) -> String {
    format!("{name}.{}", holder.target.id)
}
