//! Which of the changes `--target`, `--exclude` and `--no-delete` leave in a plan.

use std::collections::{BTreeMap, BTreeSet};

use super::{Planner, RenameKey};
use crate::model::Address;
use crate::plan::{Absence, Change, Plan, Reason, Tagged, Verb};

impl Planner {
    pub(super) fn finish(mut self) -> Plan {
        let options = self.input.options.clone();
        let before = self.out.changes.len();
        let mut left_out = BTreeSet::new();
        let (kept, dropped): (Vec<Change>, Vec<Change>) =
            std::mem::take(&mut self.out.changes).into_iter().partition(|change| {
                let deletes = matches!(change.verb, Verb::Delete | Verb::Replace);
                options.selection.keeps_change(change) && !(options.no_delete && deletes)
            });
        self.out.changes = kept;
        let mut not_made = BTreeSet::new();
        for change in self.come_along(dropped) {
            if change.verb != Verb::Delete {
                left_out.insert(RenameKey::of(&change));
                not_made.insert(change.address);
            }
        }
        let Self { input, out, .. } = &mut self;
        // What is to be given what a part loses is left out, so the part stays as it is.
        out.changes.retain(|change| {
            input.cut_back.get(&change.address).is_none_or(|successors| successors.is_disjoint(&not_made))
        });
        self.keep_what_has_no_successor(&left_out);
        self.rely();
        self.out.left_out += before - self.out.changes.len();
        self.out.refreshes.retain(|refresh| {
            let owned = &refresh.owned;
            options.selection.keeps(&owned.address, &owned.label, owned.target.as_ref())
        });
        Change::sort(&mut self.out.changes);
        self.out
    }

    /// What is kept cannot be made without what it is in, so that comes along, whatever was asked for. Gives the rest.
    fn come_along(&mut self, dropped: Vec<Change>) -> Vec<Change> {
        let made = self.out.changes.iter().filter(|change| change.after.is_some());
        let needed: BTreeSet<&Address> =
            made.filter_map(|change| self.input.containers.get(&change.address)).collect();
        let (needed, rest): (Vec<Change>, Vec<Change>) = dropped
            .into_iter()
            .partition(|change| change.after.is_some() && needed.contains(&change.address));
        self.out.changes.extend(needed);
        rest
    }

    /// What the changes rely on, besides what the plan adopts. What relies on something that is not there is no change.
    fn rely(&mut self) {
        let Self { input, out, .. } = self;
        let adopted: BTreeSet<Address> =
            out.changes.iter().filter_map(Change::adopted).map(|tagged| tagged.address).collect();
        out.changes.retain(|change| {
            let mut relies_on = change.relies_on();
            relies_on.all(|address| input.actual.contains_key(&address) || adopted.contains(&address))
        });
        let needed: BTreeMap<Address, &str> = out
            .changes
            .iter()
            .flat_map(|change| change.relies_on().map(|address| (address, &*change.origin.label)))
            .collect();
        let kept = needed.into_iter().filter(|(address, _)| !adopted.contains(address));
        let kept = kept.filter_map(|(address, label)| {
            let fields = input.actual.get(&address)?.fields.clone();
            Some(Tagged { address, label: label.to_owned(), fields })
        });
        out.relied_on = kept.collect();
    }

    /// Where what is to take an old resource's place is left out, the old one stays.
    fn keep_what_has_no_successor(&mut self, left_out: &BTreeSet<RenameKey>) {
        let superseded = Some(Reason::Target { absence: Absence::Superseded });
        self.out
            .changes
            .retain(|change| !(change.reason == superseded && left_out.contains(&RenameKey::of(change))));
    }
}
