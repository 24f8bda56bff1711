//! Desired × actual × owned → plan.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Actual, Address, Claim, Desired, Fields, Origin, Owned, Ownership, Scope};

use super::{Absence, Cause, Change, FieldChange, Plan, PreviousResource, Reason, Refresh, Selection, Verb};

/// What the planner looks at.
#[derive(Clone, Debug, Default)]
pub struct PlanInput {
    /// The project's name.
    pub project: String,
    /// The accounts and regions that were read. What is owned elsewhere is left alone.
    pub scopes: Vec<Scope>,
    /// What the manifest asks for; addresses are unique.
    pub desired: Vec<Desired>,
    /// What AWS holds of the desired and the owned, and of what is the project's by its tags alone.
    pub actual: BTreeMap<Address, Actual>,
    /// What the state records.
    pub owned: BTreeMap<Address, Owned>,
    /// The kinds of which somebody else's change makes a resource somebody else's.
    pub shared: BTreeSet<String>,
    /// Labels of all declarations in the manifest, whether or not they want anything now.
    pub declared: BTreeSet<String>,
    /// What a resource is in, such as a schedule's group, where that has to be there first.
    pub containers: BTreeMap<Address, Address>,
    /// What is there and to be cut back, each with what is made in its place.
    pub cut_back: BTreeMap<Address, BTreeSet<Address>>,
    /// What has done all that it will ever do.
    pub over: BTreeSet<Address>,
    /// What became of the targets of resources that are owned and no longer desired, by scope, kind and id.
    pub absences: BTreeMap<(Scope, String, String), Absence>,
    /// What the user asked for.
    pub options: PlanOptions,
}

/// What the user asked for.
#[derive(Clone, Debug, Default)]
pub struct PlanOptions {
    /// `--adopt`: take over what exists and is nobody's, as if every declaration said `adopt = true`.
    pub adopt: bool,
    /// `--no-delete`: leave out every delete.
    pub no_delete: bool,
    /// `destroy`: nothing is desired, and the reason is that command.
    pub destroy: bool,
    /// `--target` and `--exclude`.
    pub selection: Selection,
}

/// Compares what is wanted with what is there and what was last written.
pub fn plan(input: PlanInput) -> Plan {
    let mut planner = Planner::new(input);
    planner.plan_desired();
    planner.plan_owned();
    planner.pair_renames();
    planner.finish()
}

struct Planner {
    input: PlanInput,
    out: Plan,
    /// What was last written of the resources that are to be deleted: the base of a rename's differences.
    written: BTreeMap<Address, Fields>,
}

impl Planner {
    fn new(input: PlanInput) -> Self {
        let out = Plan { project: input.project.clone(), scopes: input.scopes.clone(), ..Plan::default() };
        Self { input, out, written: BTreeMap::new() }
    }

    fn plan_desired(&mut self) {
        for desired in std::mem::take(&mut self.input.desired) {
            let owned = self.input.owned.remove(&desired.address);
            let actual = self.input.actual.remove(&desired.address);
            match (&desired.claim, owned, actual) {
                // Nothing to correct, adopt or remove, or somebody else's.
                (
                    Claim::Correct { .. } | Claim::Asked | Claim::AdoptByTag { .. } | Claim::Remove { .. },
                    _,
                    None,
                )
                | (Claim::IfAbsent, None, Some(_)) => {}
                (Claim::AdoptByTag { .. }, _, Some(actual)) => self.adopt_by_tag(&desired, actual),
                (Claim::Remove { .. }, _, Some(actual)) => self.remove_surplus(&desired, actual),
                // What a write would destroy was made while this plan was.
                (Claim::Correct { .. } | Claim::Asked, _, Some(actual)) if actual.inexpressible.is_some() => {
                }
                (Claim::Correct { .. } | Claim::Asked, _, Some(actual)) => self.correct(&desired, actual),
                (_, owned, None) => self.create(desired, owned.is_some()),
                (Claim::IfAbsent, Some(owned), Some(actual))
                    if actual.fields != owned.fields && actual.fields != desired.fields =>
                {
                    self.remove(Verb::Forget, &owned, Some(Reason::TakenOver));
                }
                (_, owned, Some(actual)) => self.reconcile(desired, owned, actual),
            }
        }
    }

    fn create(&mut self, desired: Desired, was_owned: bool) {
        let mut change = change_of(Verb::Create, &desired);
        change.reason = was_owned.then_some(Reason::DeletedOutside);
        self.out.changes.push(change);
    }

    fn correct(&mut self, desired: &Desired, actual: Actual) {
        let (why, cause) = match &desired.claim {
            Claim::Correct { why } => (why.clone(), Cause::Rule),
            Claim::Asked => ("asked for by hand".to_owned(), Cause::Asked),
            _ => return,
        };
        let mut fields = differences(&desired.fields, &actual.fields, None);
        // What was there is not drift from anything.
        for field in &mut fields {
            field.cause = cause;
        }
        if fields.is_empty() {
            self.out.unchanged += usize::from(desired.claim == Claim::Asked);
            return;
        }
        let mut change = change_of(Verb::Update, desired);
        change.reason = Some(Reason::Correction { why });
        change.fields = fields;
        change.before = Some(actual.fields);
        self.out.changes.push(change);
    }

    /// What is nobody's by its tags, and is needed by nobody.
    fn adopt_by_tag(&mut self, desired: &Desired, actual: Actual) {
        let Claim::AdoptByTag { why } = &desired.claim else { return };
        if actual.ownership != Ownership::Nobody || actual.inexpressible.is_some() {
            return;
        }
        let mut change = change_of(Verb::Adopt, desired);
        change.reason = Some(Reason::ByTag { why: why.clone() });
        change.fields = differences(&desired.fields, &actual.fields, None);
        change.before = Some(actual.fields);
        self.out.changes.push(change);
    }

    /// What is the declaration's own by its tags, is as the declaration saw it, and is needed by nobody.
    fn remove_surplus(&mut self, desired: &Desired, actual: Actual) {
        let Claim::Remove { why, usual, relies_on } = &desired.claim else { return };
        let mut change = change_of(Verb::Delete, desired);
        let (why, usual, relies_on) = (why.clone(), *usual, relies_on.clone());
        change.reason = Some(Reason::Surplus { why, usual, relies_on });
        change.before = Some(desired.fields.clone());
        change.after = None;
        let seen = change.tagged().and_then(|tagged| tagged.change_since(&actual, &self.input.project));
        if seen.is_none() {
            self.out.changes.push(change);
        }
    }

    /// The resource is wanted and it is there: ours, nobody's or another project's.
    fn reconcile(&mut self, desired: Desired, owned: Option<Owned>, actual: Actual) {
        if let Some(reason) = self.obstacle(&actual) {
            let mut change = change_of(Verb::Conflict, &desired);
            change.reason = Some(reason);
            change.before = Some(actual.fields);
            self.out.changes.push(change);
            return;
        }
        let recovered = matches!(actual.ownership, Ownership::Project { .. }) && owned.is_none();
        let fields = differences(&desired.fields, &actual.fields, owned.as_ref().map(|o| &o.fields));
        // What the state records and no longer bears our tag was made anew by somebody: it is to be adopted again.
        let nobodys = actual.ownership == Ownership::Nobody || owned.is_none() && !recovered;
        if nobodys {
            self.adopt(&desired, actual, fields);
        } else if fields.is_empty() {
            self.keep(desired, owned.as_ref());
        } else {
            let mut change = change_of(Verb::Update, &desired);
            change.reason = recovered.then_some(Reason::Recovered);
            change.fields = fields;
            change.before = Some(actual.fields);
            self.out.changes.push(change);
        }
    }

    /// What forbids touching a live resource, if anything.
    fn obstacle(&self, actual: &Actual) -> Option<Reason> {
        match &actual.ownership {
            Ownership::Project { name, .. } if *name != self.input.project => {
                return Some(Reason::OtherProject { project: name.clone() });
            }
            _ => {}
        }
        actual.inexpressible.clone().map(|what| Reason::Inexpressible { what })
    }

    fn adopt(&mut self, desired: &Desired, actual: Actual, fields: Vec<FieldChange>) {
        let claimed = matches!(desired.claim, Claim::Own { adopt: true } | Claim::Joint { adopt: true });
        let allowed = claimed || self.input.options.adopt;
        let mut change = change_of(Verb::Adopt, desired);
        change.reason = (!allowed).then_some(Reason::AdoptionRefused);
        change.fields = fields;
        change.before = Some(actual.fields);
        self.out.changes.push(change);
    }

    /// Nothing to do on AWS; the state takes over what it did not know.
    fn keep(&mut self, desired: Desired, owned: Option<&Owned>) {
        self.out.unchanged += 1;
        let record = Owned {
            address: desired.address,
            label: desired.origin.label,
            target: desired.target,
            protect: desired.protect,
            fields: desired.fields,
        };
        if owned != Some(&record) {
            self.out.refreshes.push(Refresh { owned: record });
        }
    }

    /// What is left in `owned` is no longer desired.
    fn plan_owned(&mut self) {
        let scopes: BTreeSet<Scope> = self.input.scopes.iter().cloned().collect();
        for (address, owned) in std::mem::take(&mut self.input.owned) {
            if !scopes.contains(&address.scope) {
                continue;
            }
            match self.input.actual.remove(&address) {
                None => self.remove(Verb::Forget, &owned, None),
                Some(actual) => match self.not_ours(&owned, &actual) {
                    // Somebody made it anew, or took it over: it is theirs, and our record of it is out of date.
                    Some(reason) => self.remove(Verb::Forget, &owned, Some(reason)),
                    None if owned.protect => self.out.protected.push(owned),
                    None => {
                        let reason = self.reason_to_delete(&owned);
                        if self.goes_with_its_target(&owned, &reason) {
                            self.remove(Verb::Forget, &owned, Some(reason));
                            continue;
                        }
                        self.remove(Verb::Delete, &owned, Some(reason));
                        self.written.insert(owned.address.clone(), owned.fields);
                        if let Some(change) = self.out.changes.last_mut() {
                            change.before = Some(actual.fields);
                        }
                    }
                },
            }
        }
    }

    /// Whether it is a property of a target that is gone or going: there is nothing to remove it from.
    fn goes_with_its_target(&self, owned: &Owned, reason: &Reason) -> bool {
        let gone = matches!(reason, Reason::Target { absence: Absence::Terminated | Absence::Missing });
        gone && self.input.shared.contains(&owned.address.kind)
    }

    fn not_ours(&self, owned: &Owned, actual: &Actual) -> Option<Reason> {
        if self.input.shared.contains(&owned.address.kind) && owned.fields != actual.fields {
            return Some(Reason::TakenOver);
        }
        match &actual.ownership {
            Ownership::Project { name, .. } if *name != self.input.project => {
                Some(Reason::OtherProject { project: name.clone() })
            }
            Ownership::Nobody => Some(Reason::TagGone),
            Ownership::NotRead | Ownership::Project { .. } => None,
        }
    }

    fn remove(&mut self, verb: Verb, owned: &Owned, reason: Option<Reason>) {
        self.out.changes.push(Change {
            verb,
            address: owned.address.clone(),
            origin: Origin { label: owned.label.clone(), place: String::new() },
            target: owned.target.clone(),
            reason,
            fields: Vec::new(),
            before: None,
            after: None,
            replaces: None,
            protect: owned.protect,
            steps: Vec::new(),
            notes: Vec::new(),
            deed: None,
        });
    }

    fn reason_to_delete(&self, owned: &Owned) -> Reason {
        if self.input.options.destroy {
            return Reason::Destroy;
        }
        if self.input.over.contains(&owned.address) {
            return Reason::Over;
        }
        if !self.input.declared.contains(&owned.label) {
            return Reason::DeclarationRemoved;
        }
        let absence = owned.target.as_ref().and_then(|target| {
            let key = (owned.address.scope.clone(), target.kind.clone(), target.id.clone());
            self.input.absences.get(&key).copied()
        });
        Reason::Target { absence: absence.unwrap_or(Absence::Unknown) }
    }

    /// A create and a delete of one label on one target are a rename, if there is just one of each.
    fn pair_renames(&mut self) {
        let mut pairs: BTreeMap<RenameKey, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
        for (index, change) in self.out.changes.iter().enumerate() {
            // A tag and another tag are two things, and not one with a new name.
            if self.input.shared.contains(&change.address.kind) {
                continue;
            }
            let key = RenameKey::of(change);
            match (change.verb, &change.reason) {
                // What is over was not given another name by what comes next.
                (Verb::Delete, Some(Reason::Over)) => {}
                (Verb::Create, None) => pairs.entry(key).or_default().0.push(index),
                (Verb::Delete, _) => pairs.entry(key).or_default().1.push(index),
                _ => {}
            }
        }
        let mut gone = BTreeSet::new();
        for (creates, deletes) in pairs.values() {
            if let ([create], [delete]) = (&creates[..], &deletes[..]) {
                self.make_replace(*create, *delete);
                gone.insert(*delete);
            }
        }
        let mut index = 0;
        self.out.changes.retain(|_| {
            index += 1;
            !gone.contains(&(index - 1))
        });
    }

    fn make_replace(&mut self, create: usize, delete: usize) {
        let old = &self.out.changes[delete];
        let written = self.written.get(&old.address);
        let previous =
            PreviousResource { address: old.address.clone(), fields: old.before.clone().unwrap_or_default() };
        let new = &mut self.out.changes[create];
        let after = new.after.as_ref();
        let fields = after.map(|after| differences(after, &previous.fields, written)).unwrap_or_default();
        new.fields = fields;
        new.verb = Verb::Replace;
        new.reason = Some(Reason::Renamed);
        new.replaces = Some(previous);
    }
}

impl RenameKey {
    fn of(change: &Change) -> Self {
        Self {
            scope: change.address.scope.clone(),
            kind: change.address.kind.clone(),
            label: change.origin.label.clone(),
            target: change.target.as_ref().map(|target| (target.kind.clone(), target.id.clone())),
        }
    }
}

/// What a renamed resource keeps.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct RenameKey {
    scope: Scope,
    kind: String,
    label: String,
    /// The target's kind and id; `None` for a resource of the whole scope.
    target: Option<(String, String)>,
}

fn change_of(verb: Verb, desired: &Desired) -> Change {
    Change {
        verb,
        address: desired.address.clone(),
        origin: desired.origin.clone(),
        target: desired.target.clone(),
        reason: None,
        fields: Vec::new(),
        before: None,
        after: Some(desired.fields.clone()),
        replaces: None,
        protect: desired.protect,
        steps: Vec::new(),
        notes: Vec::new(),
        deed: None,
    }
}

/// The fields in which the live object is not as desired, with who changed each.
///
/// A field that neither `desired` nor `actual` holds is not looked at: actual fields that were not read (tags) are
/// filled in from `base` by whoever reads.
fn differences(desired: &Fields, actual: &Fields, base: Option<&Fields>) -> Vec<FieldChange> {
    let names: BTreeSet<&String> = desired.keys().chain(actual.keys()).collect();
    names
        .into_iter()
        .filter_map(|name| {
            let (after, before) = (desired.get(name), actual.get(name));
            (after != before).then(|| FieldChange {
                name: name.clone(),
                before: before.cloned(),
                after: after.cloned(),
                cause: base
                    .map_or(Cause::Unknown, |base| cause(base.get(name) != after, base.get(name) != before)),
            })
        })
        .collect()
}

fn cause(manifest_changed: bool, live_changed: bool) -> Cause {
    match (manifest_changed, live_changed) {
        (true, true) => Cause::Both,
        (false, true) => Cause::Drift,
        _ => Cause::Manifest,
    }
}

mod kept;
#[cfg(test)]
mod shared_tests;
#[cfg(test)]
mod tests;
