//! Manifest, AWS and state together make the plan.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use anyhow::Result;
use futures::future::join_all;

use super::failure::Failure;
use super::output::Output;
use super::progress::Reading;
use super::session::{Session, failures};
use crate::declarations::{self, Manifest, World};
use crate::inventory::{Fleet, Selector, TargetKind, Whereabouts, read_fleet, whereabouts};
use crate::model::{
    Actual, Address, Desired, Diagnostic, Diagnostics, Origin, Owned, Ownership, Place, Scope,
};
use crate::plan::{Absence, Change, Plan, PlanInput, PlanOptions, ReadCost, Reason, plan};
use crate::resources::{self, KeyRequest, OwnershipNeed, ReadRequest};
use crate::state::State;

type Absences = BTreeMap<(Scope, String, String), Absence>;

/// What the live resources are compared with.
pub(super) enum Wanted<'a> {
    /// What the manifest asks for.
    Manifest(&'a Manifest),
    /// Nothing: `destroy`.
    Nothing,
    /// What was last written: `drift`.
    LastWritten,
}

/// A plan, and the state with what it did not know for sure settled.
pub(super) struct Planned {
    pub(super) plan: Plan,
    pub(super) state: State,
}

/// Reads AWS and plans.
pub(super) async fn make_plan(
    session: &Session,
    output: &Output,
    mut state: State,
    wanted: &Wanted<'_>,
    options: PlanOptions,
) -> Result<Planned> {
    let start = Instant::now();
    let (fleet, desired) = match wanted {
        Wanted::Manifest(manifest) => manifest_desired(session, output, &state, manifest).await?,
        Wanted::Nothing | Wanted::LastWritten => (Fleet::default(), Vec::new()),
    };
    let requests = requests(session, &state, &desired, matches!(wanted, Wanted::LastWritten));
    let reading = Reading::new(output);
    let actual = read_resources(session, &requests).await?;
    let read = actual.len();
    settle(&mut state, &actual, session);
    let desired = match wanted {
        Wanted::LastWritten => state.resources.values().map(as_desired).collect(),
        Wanted::Manifest(_) | Wanted::Nothing => desired,
    };
    let absences = match wanted {
        Wanted::Manifest(_) => absences(session, &state, &desired, &actual).await?,
        _ => Absences::new(),
    };
    drop(reading);
    let declared = match wanted {
        Wanted::Manifest(manifest) => manifest.declarations.iter().map(|d| d.label().to_owned()).collect(),
        _ => BTreeSet::new(),
    };
    let mut plan = plan(PlanInput {
        project: state.project.clone(),
        scopes: session.scopes.clone(),
        desired,
        actual,
        owned: state.resources.clone(),
        declared,
        absences,
        options,
    });
    plan.cost = cost(session, &fleet, read, start);
    Ok(Planned { plan, state })
}

fn cost(session: &Session, fleet: &Fleet, read: usize, start: Instant) -> ReadCost {
    let mut objects = BTreeMap::new();
    for kind in TargetKind::ALL {
        objects.insert(kind.plural().to_owned(), fleet.of_kind(kind).count());
    }
    // There is one kind so far; with more, reads are to be counted by kind.
    if let Some(text) = resources::texts().first() {
        objects.insert(text.plural.to_owned(), read);
    }
    objects.retain(|_, count| *count > 0);
    ReadCost {
        objects,
        calls: session.aws.calls().snapshot(),
        milliseconds: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
    }
}

/// What the manifest wants of the live fleet.
async fn manifest_desired(
    session: &Session,
    output: &Output,
    state: &State,
    manifest: &Manifest,
) -> Result<(Fleet, Vec<Desired>)> {
    let reading = Reading::new(output);
    let fleet = declared_fleet(session, manifest).await?;
    drop(reading);
    let world = World {
        project: &manifest.settings.project,
        scopes: &session.declared_scopes,
        fleet: &fleet,
        whole: session.whole,
    };
    let mut problems = Diagnostics::new();
    let mut desired = Vec::new();
    for declaration in &manifest.declarations {
        let (wants, found) = declaration.desired(&world);
        let label = declaration.label();
        let owns = state.resources.values().filter(|owned| {
            owned.label == label && session.scopes.contains(&owned.address.scope) && !owned.protect
        });
        let owned = owns.count();
        if !declaration.selectors().is_empty() && wants.is_empty() && !found.has_errors() && owned > 0 {
            if !declaration.allows_empty() {
                problems.push(empty_selection(label, owned, declaration.place()));
            }
        } else {
            problems.extend(found);
        }
        desired.extend(wants);
    }
    problems.extend(declarations::check_unique(&desired));
    output.diagnostics(&problems.without_repeats())?;
    Ok((fleet, desired))
}

/// The targets that the declarations select. Where one of them has to explain why it misses something, all that it may
/// have meant is read as well.
async fn declared_fleet(session: &Session, manifest: &Manifest) -> Result<Fleet> {
    let mut selectors: Vec<&Selector> = manifest.declarations.iter().flat_map(|d| d.selectors()).collect();
    let fleet = read_fleet(&session.aws, &session.declared_scopes, &selectors).await.map_err(failures)?;
    if !session.whole {
        return Ok(fleet);
    }
    let more: Vec<Selector> = manifest.declarations.iter().flat_map(|d| d.more_selectors(&fleet)).collect();
    if more.is_empty() {
        return Ok(fleet);
    }
    selectors.extend(&more);
    read_fleet(&session.aws, &session.declared_scopes, &selectors).await.map_err(failures)
}

/// An empty selection deletes everything that the declaration made; a typo in a tag must not do that.
fn empty_selection(label: &str, owned: usize, place: &Place) -> Diagnostic {
    Diagnostic::error(format!(
        "{label} selects nothing, which would delete all {owned} resources that it made"
    ))
    .at(place.clone())
    .hint("correct `for_each`; if it is meant, set `allow_empty = true` or remove the declaration")
}

fn as_desired(owned: &Owned) -> Desired {
    let place = "the last apply".to_owned();
    Desired {
        address: owned.address.clone(),
        fields: owned.fields.clone(),
        origin: Origin { label: owned.label.clone(), place: place.clone() },
        place: Place::Named(place),
        target: owned.target.clone(),
        adopt: false,
        protect: owned.protect,
    }
}

pub(super) type Requests<'a> = BTreeMap<(Scope, String), ReadRequest<'a>>;

/// What to read: everything desired and everything owned, by scope and kind.
fn requests<'a>(
    session: &Session,
    state: &'a State,
    desired: &'a [Desired],
    all_owners: bool,
) -> Requests<'a> {
    let mut requests = Requests::new();
    let wanted = desired.iter().map(|desired| (&desired.address, Some(desired)));
    let owned = state.resources.keys().chain(state.unconfirmed.keys()).map(|address| (address, None));
    for (address, desired) in wanted.chain(owned) {
        if !session.scopes.contains(&address.scope) {
            continue;
        }
        let record = state.resources.get(address);
        let ownership = match record {
            Some(_) if all_owners => OwnershipNeed::Index,
            Some(_) => OwnershipNeed::None,
            None if state.unconfirmed.contains_key(address) => OwnershipNeed::Certain,
            None => OwnershipNeed::Index,
        };
        let request = requests.entry((address.scope.clone(), address.kind.clone())).or_default();
        let key = request.keys.entry(&address.key).or_insert_with(|| KeyRequest {
            last_written: record.map(|owned| &owned.fields),
            ownership,
            desired: None,
        });
        if let Some(desired) = desired {
            key.desired = Some(&desired.fields);
        }
    }
    requests
}

/// Reads all scopes and kinds side by side; every failure is reported.
pub(super) async fn read_resources(
    session: &Session,
    requests: &Requests<'_>,
) -> Result<BTreeMap<Address, Actual>> {
    let reads = requests.iter().filter_map(|((scope, kind), request)| {
        Some(resources::kind(kind)?.read(&session.aws, scope, request))
    });
    let (mut actual, mut errors) = (BTreeMap::new(), Vec::new());
    for result in join_all(reads).await {
        match result {
            Ok(found) => actual.extend(found.into_iter().map(|a| (a.address.clone(), a))),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(actual) } else { Err(failures(errors)) }
}

/// Decides about what an apply that was cut off began to create: ours if it bears our tag, else not there.
fn settle(state: &mut State, actual: &BTreeMap<Address, Actual>, session: &Session) {
    let unread = |address: &Address| !session.scopes.contains(&address.scope);
    let (keep, settled): (BTreeMap<_, _>, BTreeMap<_, _>) =
        std::mem::take(&mut state.unconfirmed).into_iter().partition(|(address, _)| unread(address));
    state.unconfirmed = keep;
    for (address, owned) in settled {
        let ours = actual.get(&address).is_some_and(
            |live| matches!(&live.ownership, Ownership::Project { name, .. } if *name == state.project),
        );
        if ours {
            state.resources.entry(address).or_insert(owned);
        }
    }
}

/// Where the targets went whose resources are owned, still there and no longer desired.
async fn absences(
    session: &Session,
    state: &State,
    desired: &[Desired],
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
        if served.contains(&(&address.scope, owned.label.as_str(), target.id.as_str())) {
            let key = (address.scope.clone(), target.kind.clone(), target.id.clone());
            absences.insert(key, Absence::Superseded);
        } else if let Some(kind) = TargetKind::from_name(&target.kind) {
            questions.entry((&address.scope, kind)).or_default().insert(target.id.clone());
        }
    }
    let answers = questions.iter().map(|((scope, kind), ids)| async move {
        whereabouts(&session.aws, scope, *kind, ids).await.map(|found| ((*scope).clone(), *kind, found))
    });
    let mut errors = Vec::new();
    for answer in join_all(answers).await {
        match answer {
            Err(error) => errors.push(error),
            Ok((scope, kind, found)) => absences.extend(found.into_iter().map(|(id, whereabouts)| {
                let absence = match whereabouts {
                    Whereabouts::Alive => Absence::NotSelected,
                    Whereabouts::Terminated => Absence::Terminated,
                    Whereabouts::Missing => Absence::Missing,
                };
                ((scope.clone(), kind.name().to_owned(), id), absence)
            })),
        }
    }
    if errors.is_empty() { Ok(absences) } else { Err(failures(errors)) }
}

/// A conflict or a refused adoption stops everything before anything is sent.
pub(super) fn refuse_if_blocked(plan: &Plan) -> Result<()> {
    let blocking: Vec<&Change> = plan.blocking().collect();
    if blocking.is_empty() {
        return Ok(());
    }
    let adoptions = blocking.iter().filter(|c| c.reason == Some(Reason::AdoptionRefused)).count();
    let conflicts = blocking.len() - adoptions;
    let mut parts = Vec::new();
    if conflicts > 0 {
        parts.push(format!("{conflicts} in conflict"));
    }
    if adoptions > 0 {
        parts.push(format!("{adoptions} that nobody owns and that may not be adopted"));
    }
    Err(Failure::new(
        format!("the plan has resources {}; nothing is applied while it does", parts.join(" and ")),
        "each one's reason is in the plan; `--adopt` or `adopt = true` takes over what nobody owns, `--exclude` \
         leaves single ones out",
    )
    .into())
}
