//! Whether the world is still the one that a plan was made for.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Actual, Address, Fields};

use super::{Change, Plan, Verb};

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
        self.touched()
            .filter_map(|Touched { address, before: then, .. }| {
                let now = now.get(address).map(|actual| &actual.fields);
                let what = match (then, now) {
                    (then, now) if then == now => return None,
                    (None, _) => Staleness::Created,
                    (_, None) => Staleness::Deleted,
                    (Some(then), Some(now)) => Staleness::Changed(changed_fields(then, now)),
                };
                Some(StaleObject { address: address.clone(), what })
            })
            .collect()
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
