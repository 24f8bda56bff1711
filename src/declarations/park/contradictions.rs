//! Instances that one declaration keeps running and another stops.

use std::collections::{BTreeMap, BTreeSet};

use crate::declarations::Declaration;
use crate::declarations::target_problems::listed;
use crate::inventory::Fleet;
use crate::model::{Desired, Diagnostic, Scope, TargetRef};
use crate::resources::instance_storage::{self, Storage};

/// A warning for every `[[park]]` that wants instances to run which a schedule stops: each apply while they are stopped would start them.
pub fn contradictions(
    declarations: &[Box<dyn Declaration>],
    fleet: &Fleet,
    desired: &[Desired],
) -> Vec<Diagnostic> {
    let mut stopped: BTreeMap<(Scope, &str), &str> = BTreeMap::new();
    for declaration in declarations.iter().filter(|one| one.runs().iter().any(|runs| runs.action == "stop")) {
        let targets = declaration.powers(fleet).into_iter().flat_map(|powered| powered.targets);
        stopped.extend(targets.map(|target| ((target.scope.clone(), &*target.id), declaration.label())));
    }
    let runs = |one: &&Desired| {
        let storage = Storage::from_fields(&one.fields);
        one.address.kind == instance_storage::KIND && storage.is_some_and(|storage| !storage.parked)
    };
    let mut pairs: BTreeMap<(&str, &str), (&Desired, BTreeSet<String>)> = BTreeMap::new();
    for one in desired.iter().filter(runs) {
        let Some(schedule) = stopped.get(&(one.address.scope.clone(), &*one.address.key)) else { continue };
        let pair = pairs.entry((&one.origin.label, schedule));
        let name = one.target.as_ref().map_or_else(|| one.address.key.clone(), TargetRef::words);
        pair.or_insert_with(|| (one, BTreeSet::new())).1.insert(name);
    }
    let warning = |((park, schedule), (first, names)): ((&str, &str), (&Desired, BTreeSet<String>))| {
        let names = listed(&names.into_iter().collect::<Vec<_>>(), "instances");
        Diagnostic::warning(format!("{park} wants to run what {schedule} stops: {names}"))
            .at(first.place.clone())
            .hint("an apply while the schedule has it stopped starts it again; give `[[park]]` only what is to be parked, or what no schedule stops")
    };
    pairs.into_iter().map(warning).collect()
}
