//! What selected volumes are attached to, so that those of one instance are taken together.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::declarations::Selected;
use crate::inventory::{Fleet, Target, TargetKind};
use crate::model::Scope;

/// An instance with those of its volumes that are selected, or a selected volume that no instance holds.
#[derive(Debug)]
pub(super) struct Holder<'a> {
    /// The instance; the volume itself where there is none.
    pub(super) target: &'a Target,
    /// The selected volumes, in the fleet's order.
    pub(super) volumes: Vec<&'a Selected<'a>>,
}

impl Holder<'_> {
    /// Whether it is an instance.
    pub(super) fn is_instance(&self) -> bool {
        self.target.kind == TargetKind::Ec2
    }

    /// The volumes of the instance that are not taken with it: data volumes, and whether the root volume is one.
    pub(super) fn left_out(&self) -> (BTreeSet<&str>, bool) {
        let taken: BTreeSet<&str> = self.volumes.iter().map(|selected| &*selected.target.id).collect();
        let root = self.target.attributes.get("root_volume").and_then(Value::as_str);
        let others: BTreeSet<&str> = attached_to(self.target).filter(|id| !taken.contains(id)).collect();
        let without_root = root.is_some_and(|root| others.contains(root));
        (others.into_iter().filter(|id| Some(*id) != root).collect(), without_root)
    }
}

/// Who holds the selected volumes, in the order of scope, kind and id. A volume that several instances hold is taken once:
/// with the first of them by id.
pub(super) fn holders<'a>(selected: &'a [Selected<'a>], fleet: &'a Fleet) -> Vec<Holder<'a>> {
    let mut instances: BTreeMap<(&Scope, &str), &Target> = BTreeMap::new();
    // The fleet is sorted by id.
    for instance in fleet.of_kind(TargetKind::Ec2).filter(|instance| !instance.is_gone()) {
        for volume in attached_to(instance) {
            instances.entry((&instance.scope, volume)).or_insert(instance);
        }
    }
    let mut holders: BTreeMap<(&Scope, TargetKind, &str), Holder<'a>> = BTreeMap::new();
    for selected in selected {
        let volume = selected.target;
        let target = instances.get(&(&volume.scope, &*volume.id)).copied().unwrap_or(volume);
        let holder = holders.entry((&target.scope, target.kind, &target.id));
        holder.or_insert_with(|| Holder { target, volumes: Vec::new() }).volumes.push(selected);
    }
    holders.into_values().collect()
}

/// Every selected volume for itself.
pub(super) fn alone<'a>(selected: &'a [Selected<'a>]) -> Vec<Holder<'a>> {
    selected.iter().map(|one| Holder { target: one.target, volumes: vec![one] }).collect()
}

fn attached_to(instance: &Target) -> impl Iterator<Item = &str> {
    let volumes = instance.attributes.get("volumes").and_then(Value::as_array);
    volumes.into_iter().flatten().filter_map(Value::as_str)
}
