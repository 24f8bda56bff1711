//! The project's schedule group, which several declarations share.

use std::collections::BTreeSet;

use crate::model::{Address, Claim, Desired, Origin, Scope};
use crate::resources::schedule::names;
use crate::resources::schedule_group::{self, KIND};

use super::Declaration;

/// The project's group, wherever one of these resources is.
pub(super) fn wanted(declaration: &dyn Declaration, project: &str, resources: &[Desired]) -> Vec<Desired> {
    let scopes: BTreeSet<&Scope> = resources.iter().map(|desired| &desired.address.scope).collect();
    let groups = scopes.into_iter().map(|scope| Desired {
        address: Address::new(KIND, scope.clone(), names::group_name(project)),
        fields: schedule_group::fields(),
        origin: Origin { label: declaration.label().to_owned(), place: declaration.place().line() },
        place: declaration.place().clone(),
        target: None,
        claim: Claim::Own { adopt: false },
        protect: declaration.protects(),
    });
    groups.collect()
}

/// Leaves of each group the first declaration's wish. It is the same for all of them.
pub fn share_groups(desired: &mut Vec<Desired>) {
    let mut seen = BTreeSet::new();
    desired.retain(|resource| resource.address.kind != KIND || seen.insert(resource.address.clone()));
}
