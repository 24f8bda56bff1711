//! What is read of AWS for a plan, in which order, and with how few calls.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::output::Output;
use super::session::{Session, failures};
use crate::aws::all;
use crate::declarations::Manifest;
use crate::inventory::{TargetKind, Whereabouts, whereabouts};
use crate::model::{Actual, Address, Desired, Owned, Ownership, Scope, TargetRef};
use crate::plan::{Absence, Change, Outlook, Plan};
use crate::render::quoted;
use crate::resources::{
    self, KeyRequest, Kind, OutlookQuestion, OwnershipNeed, PROTECT_TAG, ReadRequest, metric_alarm,
};
use crate::state::State;

pub(super) type Absences = BTreeMap<(Scope, String, String), Absence>;

/// Everything of these kinds in the session's scopes that bears the project's tag, as the state would record it.
pub(super) async fn find_owned(
    session: &Session,
    output: &Output,
    project: &str,
    kinds: &[&'static dyn Kind],
) -> Result<Vec<Owned>> {
    let reads = session
        .scopes
        .iter()
        .flat_map(|scope| kinds.iter().map(move |kind| kind.find_owned(&session.aws, scope, project)));
    let mut owned = Vec::new();
    for actual in all(reads).await.map_err(failures)?.into_iter().flatten() {
        match &actual.inexpressible {
            None => owned.push(as_owned(actual)),
            Some(what) => output.problem(&format!(
                "note: {} bears the project's tag, but uses {what}; it is left alone",
                quoted(&actual.address.key)
            )),
        }
    }
    Ok(owned)
}

/// The kinds of resources that the manifest may want. Alarms are always among them: without a state, what bears the
/// project's tag is looked for. Of other kinds that bear tags that is done where the manifest declares them: nothing else may be
/// allowed.
pub(super) fn kinds(manifest: &Manifest) -> impl Iterator<Item = &'static dyn Kind> {
    let mut wanted: BTreeSet<&str> = manifest.declarations.iter().flat_map(|d| d.kinds()).collect();
    wanted.insert(metric_alarm::KIND);
    resources::KINDS.iter().copied().filter(move |kind| wanted.contains(kind.text().kind))
}

fn as_owned(actual: Actual) -> Owned {
    let label = match actual.ownership {
        Ownership::Project { label: Some(label), .. } => label,
        _ => "unknown".to_owned(),
    };
    let protect =
        actual.fields.get("tags").and_then(|tags| tags.get(PROTECT_TAG)).is_some_and(|tag| tag == "true");
    Owned { address: actual.address, label, target: None, protect, fields: actual.fields }
}

pub(super) type Requests<'a> = BTreeMap<(Scope, String), ReadRequest<'a>>;

/// A request for nothing yet, at the time of the session.
pub(super) fn request_at<'a>(session: &Session) -> ReadRequest<'a> {
    ReadRequest { now: session.now, ..ReadRequest::default() }
}

/// What to read: everything desired and everything owned, by scope and kind.
pub(super) fn requests<'a>(
    session: &Session,
    state: &'a State,
    desired: &'a [Desired],
    all_owners: bool,
) -> Requests<'a> {
    let mut requests = Requests::new();
    let wanted = desired.iter().map(|desired| (&desired.address, Some(desired)));
    let owned = state.addresses().map(|address| (address, None));
    for (address, desired) in wanted.chain(owned) {
        if !session.scopes.contains(&address.scope) {
            continue;
        }
        let record = state.resources.get(address);
        let ownership = match record {
            Some(_) if all_owners => OwnershipNeed::Certain,
            Some(_) => OwnershipNeed::None,
            None if state.unconfirmed.contains_key(address) => OwnershipNeed::Certain,
            None => OwnershipNeed::Index,
        };
        let request = requests
            .entry((address.scope.clone(), address.kind.clone()))
            .or_insert_with(|| request_at(session));
        let key = request.keys.entry(&address.key).or_insert_with(|| KeyRequest {
            last_written: record.or(state.unconfirmed.get(address)).map(|owned| &owned.fields),
            ownership,
            ..KeyRequest::default()
        });
        if let Some(desired) = desired {
            key.desired = Some(&desired.fields);
        }
    }
    requests
}

/// Takes what was read out of requests.
pub(super) fn leave_out(requests: &mut Requests<'_>, read: &[Actual]) {
    for Address { kind, scope, key } in read.iter().map(|live| &live.address) {
        if let Some(request) = requests.get_mut(&(scope.clone(), kind.clone())) {
            request.keys.remove(&**key);
        }
    }
    requests.retain(|_, request| !request.keys.is_empty());
}

/// Reads all scopes and kinds side by side; every failure is reported.
pub(super) async fn read_resources(
    session: &Session,
    requests: &Requests<'_>,
) -> Result<BTreeMap<Address, Actual>> {
    let reads = requests.iter().filter_map(|((scope, kind), request)| {
        Some(resources::kind(kind)?.read(&session.aws, scope, request))
    });
    let found = all(reads).await.map_err(failures)?.into_iter().flatten();
    Ok(found.map(|actual| (actual.address.clone(), actual)).collect())
}

/// Looks up who owns what is about to be changed or deleted although the state says that it is ours: it may have become
/// another project's since. What needs no change costs no call here.
pub(super) async fn ask_owners(
    session: &Session,
    state: &State,
    desired: &[Desired],
    actual: &mut BTreeMap<Address, Actual>,
) -> Result<()> {
    let wanted: BTreeMap<&Address, &Desired> =
        desired.iter().map(|desired| (&desired.address, desired)).collect();
    let mut questions: BTreeMap<(&Scope, &str), Vec<&str>> = BTreeMap::new();
    for (address, live) in actual.iter() {
        let as_wanted = wanted.get(address).is_some_and(|desired| desired.fields == live.fields);
        if live.ownership == Ownership::NotRead && state.resources.contains_key(address) && !as_wanted {
            questions.entry((&address.scope, &address.kind)).or_default().push(&address.key);
        }
    }
    let owners = owners(session, &questions).await?;
    learn(owners, actual);
    Ok(())
}

/// Notes the owners of live resources.
pub(super) fn learn(owners: BTreeMap<Address, Ownership>, actual: &mut BTreeMap<Address, Actual>) {
    for (address, owner) in owners {
        if let Some(live) = actual.get_mut(&address) {
            live.ownership = owner;
        }
    }
}

/// Looks up the owners of live resources, for certain; the keys are given by scope and kind.
pub(super) async fn owners(
    session: &Session,
    questions: &BTreeMap<(&Scope, &str), Vec<&str>>,
) -> Result<BTreeMap<Address, Ownership>> {
    let answers = questions.iter().filter_map(|((scope, kind), keys)| {
        let kind = resources::kind(kind)?;
        Some(async move {
            let owners = kind.owners(&session.aws, scope, keys, OwnershipNeed::Certain).await?;
            Ok((kind.text().kind, (*scope).clone(), owners))
        })
    });
    let mut owners = BTreeMap::new();
    for (kind, scope, found) in all(answers).await.map_err(failures)? {
        owners.extend(found.into_iter().map(|(key, owner)| (Address::new(kind, scope.clone(), key), owner)));
    }
    Ok(owners)
}

/// What carrying out the changes takes and means, of the kinds that can say so.
pub(super) async fn outlooks(session: &Session, plan: &Plan) -> Result<BTreeMap<Address, Outlook>> {
    let mut changes: BTreeMap<(&Scope, &str), Vec<&Change>> = BTreeMap::new();
    for change in plan.changes.iter().filter(|change| change.after.is_some()) {
        let of = (&change.address.scope, &*change.address.kind);
        changes.entry(of).or_default().push(change);
    }
    let questions = changes.iter().filter_map(|((scope, kind), changes)| {
        let kind = resources::kind(kind)?;
        Some(async move {
            let estimates = &session.estimates;
            let question = OutlookQuestion { project: &plan.project, changes, estimates };
            let found = kind.outlook(&session.aws, scope, question).await?;
            Ok((kind.text().kind, (*scope).clone(), found))
        })
    });
    let mut all_found = BTreeMap::new();
    for (kind, scope, found) in all(questions).await.map_err(failures)? {
        let of = found.into_iter().map(|(key, outlook)| (Address::new(kind, scope.clone(), key), outlook));
        all_found.extend(of);
    }
    Ok(all_found)
}

/// Where the targets went, of those that `selected` (label, scope, kind and id) does not hold, whose resources are owned, still there and no longer desired.
pub(super) async fn absences(
    session: &Session,
    state: &State,
    desired: &[Desired],
    selected: &BTreeSet<(String, Scope, String, String)>,
    actual: &BTreeMap<Address, Actual>,
) -> Result<Absences> {
    let wanted: BTreeSet<&Address> = desired.iter().map(|desired| &desired.address).collect();
    let served: BTreeSet<(&Scope, &str, &str)> = desired
        .iter()
        .filter_map(|d| Some((&d.address.scope, d.origin.label.as_str(), d.target.as_ref()?.id.as_str())))
        .collect();
    let mut absences = Absences::new();
    let mut questions: BTreeMap<(&Scope, TargetKind), BTreeSet<String>> = BTreeMap::new();
    for (address, owned) in &state.resources {
        let Some(target) = &owned.target else { continue };
        if wanted.contains(address) || !actual.contains_key(address) {
            continue;
        }
        if !session.declared_scopes.contains(&address.scope) {
            let key = (address.scope.clone(), target.kind.clone(), target.id.clone());
            absences.insert(key, Absence::RegionRemoved);
        } else if selected.contains(&(
            owned.label.clone(),
            address.scope.clone(),
            target.kind.clone(),
            target.id.clone(),
        )) {
            // Its declaration still selects it and asks for less.
        } else if served.contains(&(&address.scope, owned.label.as_str(), target.id.as_str())) {
            let key = (address.scope.clone(), target.kind.clone(), target.id.clone());
            absences.insert(key, Absence::Superseded);
        } else if target.kind == TargetRef::ROW {
            let key = (address.scope.clone(), target.kind.clone(), target.id.clone());
            absences.insert(key, Absence::RowRemoved);
        } else if let Some(kind) = TargetKind::from_name(&target.kind) {
            questions.entry((&address.scope, kind)).or_default().insert(target.id.clone());
        }
    }
    let answers = questions.iter().map(|((scope, kind), ids)| async move {
        whereabouts(&session.aws, scope, *kind, ids).await.map(|found| ((*scope).clone(), *kind, found))
    });
    for (scope, kind, found) in all(answers).await.map_err(failures)? {
        absences.extend(found.into_iter().map(|(id, whereabouts)| {
            let absence = match whereabouts {
                Whereabouts::Alive => Absence::NotSelected,
                Whereabouts::Terminated => Absence::Terminated,
                Whereabouts::Missing => Absence::Missing,
            };
            ((scope.clone(), kind.name().to_owned(), id), absence)
        }));
    }
    Ok(absences)
}
