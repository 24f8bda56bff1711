//! Whether the world is still the one that a plan was made for.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Actual, Address, Fields, Ownership};

use super::{Change, Plan, Tagged, Verb};

/// An object that changed since a plan that touches it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaleObject {
    /// The object.
    pub address: Address,
    /// What happened to it.
    pub what: Staleness,
}

/// What happened to an object since the plan was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Staleness {
    /// It was not there, and now it is.
    Created,
    /// It was there, and now it is not.
    Deleted,
    /// These of its fields are others.
    Changed(Vec<String>),
    /// It was ours, and now it is this project's, or nobody's.
    Owner(Option<String>),
    /// The state recorded it, and now it does not.
    NotRecorded,
    /// It was to be deleted, and now it is protected.
    Protected,
    /// It bore the label of its declaration, and now it bears this one, or none.
    Label(Option<String>),
    /// It was needed by nobody, and now it is by this.
    Needed(String),
    /// It is what deletes rely on, and it is gone or no longer what it was.
    NotKept,
}

/// An object that a plan changes, makes or removes.
#[derive(Clone, Copy, Debug)]
pub struct Touched<'a> {
    /// The object.
    pub address: &'a Address,
    /// Its fields when the plan was made; `None` for what was not there.
    pub before: Option<&'a Fields>,
    /// Its fields as they are to be; `None` for what is removed.
    pub after: Option<&'a Fields>,
}

impl Plan {
    /// The live objects that the plan was made against.
    pub fn touched(&self) -> impl Iterator<Item = Touched<'_>> {
        self.changes.iter().flat_map(touched)
    }

    /// What of the touched objects is no longer as the plan saw it.
    pub fn stale(&self, now: &BTreeMap<Address, Actual>) -> Vec<StaleObject> {
        let touched = self.touched().filter_map(|Touched { address, before: then, .. }| {
            let now = now.get(address).map(|actual| &actual.fields);
            let what = match (then, now) {
                (then, now) if then == now => return None,
                (None, _) => Staleness::Created,
                (_, None) => Staleness::Deleted,
                (Some(then), Some(now)) => Staleness::Changed(changed_fields(then, now)),
            };
            Some(StaleObject { address: address.clone(), what })
        });
        let by_tags = self.changes.iter().filter_map(Change::tagged).filter_map(|tagged| {
            let live = now.get(&tagged.address);
            let what =
                live.map_or(Some(Staleness::Deleted), |live| tagged.change_since(live, &self.project))?;
            Some(StaleObject { address: tagged.address, what })
        });
        let relied_on = self.relied_on.iter().filter_map(|kept| kept.missing(now, &self.project));
        touched.chain(by_tags).chain(relied_on).collect()
    }
}

impl Tagged {
    /// What became of it, seen as it is now.
    pub fn change_since(&self, live: &Actual, project: &str) -> Option<Staleness> {
        match &live.ownership {
            Ownership::Project { name, .. } if name != project => Some(Staleness::Owner(Some(name.clone()))),
            Ownership::Project { label, .. } if label.as_ref() != Some(&self.label) => {
                Some(Staleness::Label(label.clone()))
            }
            Ownership::Nobody | Ownership::NotRead => Some(Staleness::Owner(None)),
            Ownership::Project { .. } if live.fields != self.fields => {
                Some(Staleness::Changed(changed_fields(&self.fields, &live.fields)))
            }
            Ownership::Project { .. } => live.inexpressible.clone().map(Staleness::Needed),
        }
    }

    /// Whether it is still there for what relies on it. What somebody else needs as well stays all the more.
    pub fn is_kept(&self, live: &Actual, project: &str) -> bool {
        matches!(self.change_since(live, project), None | Some(Staleness::Needed(_)))
    }

    /// Whether it no longer is what deletes rely on.
    pub(super) fn missing(&self, now: &BTreeMap<Address, Actual>, project: &str) -> Option<StaleObject> {
        let live = now.get(&self.address);
        let stays = live.is_some_and(|live| self.is_kept(live, project));
        (!stays).then(|| StaleObject { address: self.address.clone(), what: Staleness::NotKept })
    }
}

/// The names of the fields that differ.
pub(super) fn changed_fields(then: &Fields, now: &Fields) -> Vec<String> {
    let names: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
    names.into_iter().filter(|name| then.get(*name) != now.get(*name)).cloned().collect()
}

fn touched(change: &Change) -> Vec<Touched<'_>> {
    if change.verb == Verb::Forget {
        return Vec::new();
    }
    let Change { address, before, after, .. } = change;
    let mut touched = vec![Touched { address, before: before.as_ref(), after: after.as_ref() }];
    if let Some(old) = &change.replaces {
        touched.push(Touched { address: &old.address, before: Some(&old.fields), after: None });
    }
    touched
}
