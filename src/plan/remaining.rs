//! What is left of a plan that was made some time ago.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Actual, Address, Fields, Owned, Ownership};

use super::stale::changed_fields;
use super::{Change, Plan, Reason, StaleObject, Staleness, Tagged, Verb};

/// A plan against the world of now: what is left of it, what is done already, what is no longer as it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Remaining {
    /// The plan without what is done already. Half a replace is a create or a delete.
    pub plan: Plan,
    /// How many changes are done already.
    pub done: usize,
    /// What the state does not know yet of what is done.
    pub settled: Vec<Settled>,
    /// What changed since the plan was made; where there is anything, nothing may be applied.
    pub stale: Vec<StaleObject>,
}

/// Something that is done already, although the state does not say so.
#[derive(Clone, Debug, PartialEq)]
pub enum Settled {
    /// It was written.
    Written(Owned),
    /// It is gone.
    Gone(Address),
}

/// What is to be said of one object.
enum Verdict {
    /// It is as the plan saw it.
    AsPlanned,
    /// It is as the plan wants it.
    Done,
    /// It is neither.
    Stale(Staleness),
}

impl Plan {
    /// Compares the plan with the touched objects and the state's records as they are now.
    ///
    /// The owner of a live object counts as it was read; what was not read is ours if the state records it.
    pub fn remaining(
        self,
        actual: &BTreeMap<Address, Actual>,
        owned: &BTreeMap<Address, Owned>,
    ) -> Remaining {
        let now = Now { project: self.project.clone(), actual, owned };
        let mut relied_on = self.relied_on;
        let mut out = Remaining { plan: Plan::default(), done: 0, settled: Vec::new(), stale: Vec::new() };
        let mut left = Vec::new();
        for change in &self.changes {
            if let Some(change) = now.left_of(change, &mut out) {
                left.push(change);
            } else {
                out.done += 1;
                // What is adopted by now has to stay.
                relied_on.extend(change.adopted().filter(|_| out.stale.is_empty()));
            }
        }
        Change::sort(&mut left);
        // What is done already relies on nothing any more.
        let needed: BTreeSet<Address> = left.iter().flat_map(Change::relies_on).collect();
        relied_on.retain(|kept| needed.contains(&kept.address));
        out.stale.extend(relied_on.iter().filter_map(|kept| kept.missing(actual, &now.project)));
        // What the rest saves is not recorded change by change.
        let saving = self.saving.filter(|_| out.done == 0);
        out.plan = Plan { changes: left, relied_on, saving, ..self };
        out
    }
}

struct Now<'a> {
    project: String,
    actual: &'a BTreeMap<Address, Actual>,
    owned: &'a BTreeMap<Address, Owned>,
}

impl Now<'_> {
    /// What is left to do of a change; `None` where it is done.
    fn left_of(&self, change: &Change, out: &mut Remaining) -> Option<Change> {
        let here = &change.address;
        match change.verb {
            Verb::Conflict => Some(change.clone()),
            Verb::Forget => self.is_left(here, self.forgotten(change)?, out).then(|| change.clone()),
            Verb::Delete => {
                let verdict = match change.tagged() {
                    Some(tagged) => self.removed_by_tags(&tagged),
                    None => self.removed(here, change.before.as_ref()),
                };
                self.is_left(here, verdict, out).then(|| change.clone())
            }
            Verb::Create | Verb::Update | Verb::Adopt => {
                self.is_left_to_write(change, out).then(|| change.clone())
            }
            Verb::Replace => {
                let write = self.is_left_to_write(change, out);
                let old = change.replaces.as_ref()?;
                let removal = self.removed(&old.address, Some(&old.fields));
                match (write, self.is_left(&old.address, removal, out)) {
                    (true, true) => Some(change.clone()),
                    (true, false) => Some(Change {
                        verb: Verb::Create,
                        reason: None,
                        fields: Vec::new(),
                        replaces: None,
                        ..change.clone()
                    }),
                    (false, true) => Some(Change {
                        verb: Verb::Delete,
                        address: old.address.clone(),
                        fields: Vec::new(),
                        before: Some(old.fields.clone()),
                        after: None,
                        replaces: None,
                        protect: false,
                        ..change.clone()
                    }),
                    (false, false) => None,
                }
            }
        }
    }

    fn is_left_to_write(&self, change: &Change, out: &mut Remaining) -> bool {
        let verdict = self.written(change);
        if matches!(verdict, Verdict::Done) {
            if !change.is_recorded() {
                return false;
            }
            let record = change.record();
            // A newer record of the same fields has the newer label.
            if self.owned.get(&change.address).is_none_or(|owned| owned.fields != record.fields) {
                out.settled.push(Settled::Written(record));
            }
            return false;
        }
        self.is_left(&change.address, verdict, out)
    }

    fn is_left(&self, address: &Address, verdict: Verdict, out: &mut Remaining) -> bool {
        match verdict {
            Verdict::AsPlanned => return true,
            Verdict::Done if self.owned.contains_key(address) => {
                out.settled.push(Settled::Gone(address.clone()));
            }
            Verdict::Done => {}
            Verdict::Stale(what) => out.stale.push(StaleObject { address: address.clone(), what }),
        }
        false
    }

    fn written(&self, change: &Change) -> Verdict {
        let Some(live) = self.actual.get(&change.address) else {
            return match change.before {
                None => Verdict::AsPlanned,
                // A correction of what is gone has nothing left to do.
                Some(_) if !change.is_recorded() => Verdict::Done,
                Some(_) => Verdict::Stale(Staleness::Deleted),
            };
        };
        let ours = self.is_ours(live) || !change.is_recorded();
        let stale = Verdict::Stale;
        match &change.before {
            _ if self.other_owner(live).is_some() => stale(Staleness::Owner(self.other_owner(live))),
            // Whatever it looks like by now: what lost our tag is somebody's own.
            Some(_) if !ours && change.verb != Verb::Adopt => stale(Staleness::Owner(None)),
            Some(_) if self.is_let_go(change) => stale(Staleness::NotRecorded),
            _ if ours && change.after.as_ref() == Some(&live.fields) => Verdict::Done,
            None => stale(Staleness::Created),
            Some(before) if *before != live.fields => {
                stale(Staleness::Changed(changed_fields(before, &live.fields)))
            }
            Some(_) => Verdict::AsPlanned,
        }
    }

    /// What the state does not record is known by its tags and fields alone.
    fn removed_by_tags(&self, tagged: &Tagged) -> Verdict {
        match self.actual.get(&tagged.address) {
            None => Verdict::Done,
            Some(live) => tagged.change_since(live, &self.project).map_or(Verdict::AsPlanned, Verdict::Stale),
        }
    }

    fn removed(&self, address: &Address, before: Option<&Fields>) -> Verdict {
        let Some(live) = self.actual.get(address) else { return Verdict::Done };
        let protected = self.owned.get(address).is_some_and(|owned| owned.protect);
        let nothing = Fields::new();
        let before = before.unwrap_or(&nothing);
        if self.other_owner(live).is_some() || !self.is_ours(live) {
            Verdict::Stale(Staleness::Owner(self.other_owner(live)))
        } else if !self.owned.contains_key(address) {
            Verdict::Stale(Staleness::NotRecorded)
        } else if protected {
            Verdict::Stale(Staleness::Protected)
        } else if *before != live.fields {
            Verdict::Stale(Staleness::Changed(changed_fields(before, &live.fields)))
        } else {
            Verdict::AsPlanned
        }
    }

    /// Whether the plan changes what was recorded then, and the record is gone.
    fn is_let_go(&self, change: &Change) -> bool {
        let recorded = change.is_recorded() && change.reason != Some(Reason::Recovered);
        let was_recorded = change.verb == Verb::Update && recorded;
        was_recorded && !self.owned.contains_key(&change.address)
    }

    /// A record is dropped because its object is gone or no longer ours. If it came back as ours, it is needed; `None`
    /// where it is as recorded again, so that the record stays.
    fn forgotten(&self, change: &Change) -> Option<Verdict> {
        let Some(owned) = self.owned.get(&change.address) else { return Some(Verdict::Done) };
        let live = self.actual.get(&change.address);
        match &change.reason {
            Some(Reason::TakenOver) if live.is_some_and(|live| live.fields == owned.fields) => None,
            // Its target goes, whatever it still bears.
            Some(Reason::TakenOver | Reason::Target { .. }) => Some(Verdict::AsPlanned),
            _ if live.is_some_and(|live| self.is_ours(live)) => Some(Verdict::Stale(Staleness::Created)),
            _ => Some(Verdict::AsPlanned),
        }
    }

    fn other_owner(&self, live: &Actual) -> Option<String> {
        match &live.ownership {
            Ownership::Project { name, .. } if *name != self.project => Some(name.clone()),
            _ => None,
        }
    }

    /// A record alone says little about an object that bears no tag: somebody may have made it anew.
    fn is_ours(&self, live: &Actual) -> bool {
        match &live.ownership {
            Ownership::Project { name, .. } => *name == self.project,
            Ownership::Nobody => false,
            Ownership::NotRead => self.owned.contains_key(&live.address),
        }
    }
}

#[cfg(test)]
#[path = "remaining_tests.rs"]
mod tests;
