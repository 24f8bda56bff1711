//! Which of the changes `--target`, `--exclude` and `--no-delete` leave in a plan.

use std::collections::BTreeSet;

use super::{Planner, RenameKey};
use crate::model::Address;
use crate::plan::{Absence, Change, Plan, Reason, Verb};

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
        for change in self.come_along(dropped) {
            if change.verb != Verb::Delete {
                left_out.insert(RenameKey::of(&change));
            }
        }
        self.keep_what_has_no_successor(&left_out);
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

    /// Where what is to take an old resource's place is left out, the old one stays.
    fn keep_what_has_no_successor(&mut self, left_out: &BTreeSet<RenameKey>) {
        let superseded = Some(Reason::Target { absence: Absence::Superseded });
        self.out
            .changes
            .retain(|change| !(change.reason == superseded && left_out.contains(&RenameKey::of(change))));
    }
}
