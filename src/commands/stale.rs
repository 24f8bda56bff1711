//! Whether what a person agreed to is still what would happen.

use std::collections::BTreeMap;

use anyhow::Result;

use super::failure::{Exit, Failure};
use super::planning::declared_fleet;
use super::reading::{Requests, owners, read_resources, request_at};
use super::session::Session;
use crate::declarations::{Manifest, World};
use crate::model::{Address, Claim, Fields, Ownership, Scope};
use crate::plan::{Change, Plan, StaleObject, Staleness, Tagged, Touched, Verb};
use crate::render::{clean, quoted};
use crate::resources::KeyRequest;

/// How many objects a refusal names.
const MOST_NAMED: usize = 10;

/// Reads what the plan touches once more and refuses, naming object and field, if it changed since.
///
/// Time passes while a person reads a plan; what they agreed to must still be what happens.
pub(super) async fn refuse_if_stale(session: &Session, plan: &Plan) -> Result<()> {
    let mut requests = Requests::new();
    for Touched { address, before, after } in plan.touched() {
        let key = KeyRequest { desired: after, last_written: before, ..KeyRequest::default() };
        let scope_and_kind = (address.scope.clone(), address.kind.clone());
        let request = requests.entry(scope_and_kind).or_insert_with(|| request_at(session));
        request.keys.insert(&address.key, key);
    }
    for Tagged { address, .. } in &plan.relied_on {
        let place = (address.scope.clone(), address.kind.clone());
        let request = requests.entry(place).or_insert_with(|| request_at(session));
        request.keys.insert(&address.key, KeyRequest { stays: true, ..KeyRequest::default() });
    }
    let stale = plan.stale(&read_resources(session, &requests).await?);
    let mut named: Vec<String> = stale.iter().map(in_words).collect();
    named.extend(lost_to_others(session, plan).await?);
    if named.is_empty() {
        return Ok(());
    }
    Err(named_failure(named, "run the command again to see the plan as it is now").into())
}

/// Refuses corrections that no rule asks for any more: what called for them, a date in a tag, is not part of what they
/// touch.
pub(super) async fn refuse_if_uncalled_for(
    session: &Session,
    manifest: &Manifest,
    plan: &Plan,
) -> Result<()> {
    if !plan.changes.iter().any(Change::is_correction) {
        return Ok(());
    }
    let fleet = declared_fleet(session, manifest, &[]).await?;
    let world = World::new(&session.manifest_scopes, &session.declared_scopes, &fleet, session.now);
    let desired = manifest.declarations.iter().flat_map(|declaration| declaration.desired(&world).0);
    let asked: BTreeMap<Address, Fields> = desired
        .filter(|desired| matches!(desired.claim, Claim::Correct { .. }))
        .map(|desired| (desired.address, desired.fields))
        .collect();
    let corrections = plan.changes.iter().filter(|change| change.is_correction());
    let let_go = corrections.filter(|change| asked.get(&change.address) != change.after.as_ref());
    let named: Vec<String> = let_go
        .map(|change| format!("{} is no longer what a rule would change", quoted(&change.address.key)))
        .collect();
    if named.is_empty() {
        return Ok(());
    }
    Err(named_failure(named, "make a new plan and review it").into())
}

/// The refusal of a plan that the world overtook: exit code 5, with objects and fields.
pub(super) fn stale_failure(stale: &[StaleObject], hint: &str) -> Failure {
    named_failure(stale.iter().map(in_words).collect(), hint)
}

fn named_failure(mut named: Vec<String>, hint: &str) -> Failure {
    let more = named.len().saturating_sub(MOST_NAMED);
    named.truncate(MOST_NAMED);
    if more > 0 {
        named.push(format!("and {more} more"));
    }
    let words = format!("since the plan was made, {}; nothing was applied", named.join("; "));
    Failure::new(words, hint).exit(Exit::Stale)
}

/// What the plan changes or deletes as ours and bears another project's tag, or none, by now.
async fn lost_to_others(session: &Session, plan: &Plan) -> Result<Vec<String>> {
    let mut ours: BTreeMap<(&Scope, &str), Vec<&str>> = BTreeMap::new();
    for change in &plan.changes {
        let address = match (&change.verb, &change.replaces) {
            (Verb::Replace, Some(previous)) => &previous.address,
            // What is known by its tags alone was compared whole.
            (Verb::Update, _) => &change.address,
            (Verb::Delete, _) if change.is_recorded() => &change.address,
            _ => continue,
        };
        ours.entry((&address.scope, &address.kind)).or_default().push(&address.key);
    }
    let lost = owners(session, &ours).await?.into_iter().filter_map(|(address, owner)| match owner {
        Ownership::Project { name, .. } if name == plan.project => None,
        Ownership::Project { name, .. } => {
            Some(format!("{} was taken over by project {}", quoted(&address.key), quoted(&name)))
        }
        Ownership::Nobody => Some(format!("{} lost this project's tag", quoted(&address.key))),
        Ownership::NotRead => None,
    });
    Ok(lost.collect())
}

fn in_words(stale: &StaleObject) -> String {
    let name = quoted(&stale.address.key);
    match &stale.what {
        Staleness::Created => format!("{name} was created"),
        Staleness::Deleted => format!("{name} was deleted"),
        Staleness::Changed(fields) => format!("{name} was changed ({})", fields.join(", ")),
        Staleness::Owner(Some(project)) => format!("{name} became another project's, {}", quoted(project)),
        Staleness::Owner(None) => format!("{name} is no longer this project's"),
        Staleness::NotRecorded => format!("{name} is no longer recorded in the state"),
        Staleness::Protected => format!("{name} was protected"),
        Staleness::Label(Some(label)) => format!("{name} became another declaration's, {}", quoted(label)),
        Staleness::Label(None) => format!("{name} lost the tag with its declaration"),
        Staleness::Needed(what) => format!("{name} is needed by {}", clean(what)),
        Staleness::NotKept => {
            format!("{name}, which has to stay, is gone or no longer what it was")
        }
    }
}
