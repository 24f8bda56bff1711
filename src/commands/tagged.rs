//! What is the project's by its tags alone: what declarations look at, and what no declaration looks at any more.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::output::Output;
use super::session::{Session, failures};
use crate::aws::all;
use crate::declarations::{Manifest, kinds_known_by_tags};
use crate::model::{Actual, Ownership, Scope};
use crate::render::{count_of, quoted};
use crate::resources::{self, Kind};
use crate::state::State;

/// What bears the project's tag, of the kinds that declarations look at without a record. What no declaration looks at is told.
pub(super) async fn read_tagged(
    session: &Session,
    output: &Output,
    manifest: &Manifest,
    state: &State,
) -> Result<Vec<Actual>> {
    let kinds: BTreeSet<&str> = manifest.declarations.iter().flat_map(|d| d.tagged_kinds()).collect();
    let kinds: Vec<&dyn Kind> = kinds.into_iter().filter_map(resources::kind).collect();
    let project = &*manifest.settings.project;
    let reads = session
        .declared_scopes
        .iter()
        .flat_map(|scope| kinds.iter().map(move |kind| kind.find_tagged(&session.aws, scope, project)));
    let found: Vec<Actual> = all(reads).await.map_err(failures)?.into_iter().flatten().collect();
    let left = read_left(session, output, manifest, state).await;
    tell_left(output, manifest, session, found.iter().chain(&left));
    Ok(found)
}

/// What is left where something is recorded of a declaration, or in a region, that the manifest no longer has. As soon as the
/// state records nothing there, nobody looks there.
async fn read_left(session: &Session, output: &Output, manifest: &Manifest, state: &State) -> Vec<Actual> {
    let read: BTreeSet<(&Scope, &str)> = session
        .declared_scopes
        .iter()
        .flat_map(|scope| {
            manifest.declarations.iter().flat_map(|d| d.tagged_kinds()).map(move |kind| (scope, kind))
        })
        .collect();
    let recorded = state.resources.values().filter(|owned| session.scopes.contains(&owned.address.scope));
    let places: BTreeSet<(&Scope, &str)> = recorded
        .flat_map(|owned| {
            kinds_known_by_tags(&owned.label).iter().map(move |kind| (&owned.address.scope, *kind))
        })
        .filter(|place| !read.contains(place))
        .collect();
    let mut left = Vec::new();
    for (scope, kind) in places {
        let Some(kind) = resources::kind(kind) else { continue };
        match kind.find_tagged(&session.aws, scope, &manifest.settings.project).await {
            Ok(found) => left.extend(found),
            // The policy of this manifest may not allow it any more, and nothing depends on it.
            Err(error) => output.note(&format!(
                "note: whether {} of the project are left in {} is not known: {error}",
                kind.text().plural,
                scope.region
            )),
        }
    }
    left
}

/// One line for each label and region.
fn tell_left<'a>(
    output: &Output,
    manifest: &Manifest,
    session: &Session,
    found: impl Iterator<Item = &'a Actual>,
) {
    let declared: BTreeSet<&str> = manifest.declarations.iter().map(|d| d.label()).collect();
    let mut left: BTreeMap<(&Scope, &str, &str), usize> = BTreeMap::new();
    for live in found {
        let Ownership::Project { label, .. } = &live.ownership else { continue };
        let label = label.as_deref().unwrap_or_default();
        if !declared.contains(label) || !session.manifest_scopes.contains(&live.address.scope) {
            *left.entry((&live.address.scope, &live.address.kind, label)).or_default() += 1;
        }
    }
    for ((scope, kind, label), count) in left {
        let text = resources::kind(kind).map(Kind::text);
        let words = text.map_or_else(
            || count_of(count, "resource", "resources"),
            |text| count_of(count, text.noun, text.plural),
        );
        let why = if declared.contains(label) {
            "the manifest does not list that region"
        } else {
            "nothing declares it"
        };
        output.note(&format!(
            "note: {words} in {} with the project's tag and the label {} stay: {why}. Delete by hand what is not needed; \
             a declaration of that label looks after them again",
            scope.region,
            quoted(label)
        ));
    }
}
