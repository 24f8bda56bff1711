//! Manifest, AWS and state together make the plan.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use anyhow::Result;
use jiff::Timestamp;

use super::guards::{check_kinds, check_patterns, emptied, shrunken};
use super::output::Output;
use super::progress::Reading;
use super::reading::{
    Absences, Requests, absences, ask_owners, find_owned, kinds, leave_out, outlooks, read_resources,
    requests,
};
use super::runner::deployment;
use super::session::{Session, failures};
use super::tagged::read_tagged;
use crate::aws::all;
use crate::declarations::{self, Declaration, Manifest, Parks, Unclaimed, World, claimed_once};
use crate::inventory::{Fleet, Selector, TargetKind, read_fleet};
use crate::model::{Actual, Address, Claim, Desired, Diagnostics, Origin, Owned, Place, Refused, Scope};
use crate::plan::{AsDeclared, Covered, Held, Plan, PlanInput, PlanOptions, ReadCost, Selection, Verb, plan};
use crate::render::count_of;
use crate::resources::metric_alarm::{self, LiveAlarm};
use crate::resources::{self, KeyRequest};
use crate::state::State;

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
    /// How many resources count as owned by their tags alone, because there is no state.
    pub(super) found_by_tags: usize,
    /// How many resources only their tags say are ours, because there is no state: what is never recorded as well. Such may be
    /// deleted by whoever holds the state, and by nobody else.
    pub(super) by_tags: usize,
    /// What the manifest asks for.
    pub(super) wanted: BTreeSet<Address>,
}

/// What the manifest asks for, and what was read to find that out.
#[derive(Default)]
struct Sought {
    fleet: Fleet,
    /// What is the project's by its tags alone.
    tagged: Vec<Actual>,
    /// What bears no tag and is one declaration's, as a read for a plan finds it.
    untagged: Vec<Actual>,
    desired: Vec<Desired>,
    /// What declarations leave as it is today.
    left_alone: Vec<Refused>,
}

/// Reads AWS and plans.
pub(super) async fn make_plan(
    session: &Session,
    output: &Output,
    mut state: State,
    manifest: &Manifest,
    wanted: &Wanted<'_>,
    mut options: PlanOptions,
) -> Result<Planned> {
    // The runner does not have its own package at hand, and no job may pull the ground from under itself.
    options.selection.without_jobs = session.in_runner;
    let start = Instant::now();
    check_kinds(&state)?;
    let is_new = state.serial == 0;
    let found_by_tags = find_what_a_lost_state_owned(session, output, &mut state, manifest).await?;
    let Sought { fleet, tagged, untagged, desired, left_alone } = match wanted {
        Wanted::Manifest(manifest) => manifest_desired(session, output, &state, manifest, &options).await?,
        Wanted::Nothing | Wanted::LastWritten => Sought::default(),
    };
    let by_tags = found_by_tags + if is_new { tagged.len() } else { 0 };
    let mut requests = requests(session, &state, &desired, matches!(wanted, Wanted::LastWritten));
    leave_out(&mut requests, &untagged);
    let reading = Reading::new(output);
    let mut actual = read_resources(session, &requests).await?;
    actual.extend(untagged.into_iter().map(|live| (live.address.clone(), live)));
    let seen = tagged.iter().map(|live| (live.address.clone(), live.clone()));
    let seen: BTreeMap<Address, Actual> = seen.filter(|(address, _)| !actual.contains_key(address)).collect();
    let read = by_kind(actual.keys().chain(seen.keys()));
    state.settle(&actual, &session.scopes, &resources::shared());
    protect(&mut state, manifest);
    let mut owned = state.resources.clone();
    let desired = match wanted {
        Wanted::LastWritten => {
            // What time alone ends and begins is nobody's change.
            owned.retain(|address, owned| !resources::is_over(address, &owned.fields, session.now));
            let read = |owned: &&Owned| session.scopes.contains(&owned.address.scope);
            owned.values().filter(read).map(|owned| as_desired(owned, session.now)).collect()
        }
        Wanted::Manifest(_) | Wanted::Nothing => desired,
    };
    ask_owners(session, &state, &desired, &mut actual).await?;
    let absences = match wanted {
        Wanted::Manifest(manifest) => {
            let selected = manifest.declarations.iter().flat_map(|declaration| {
                let label = declaration.label();
                let targets = declaration.selected(&fleet).into_iter();
                targets.map(|(scope, kind, id)| (label.to_owned(), scope, kind, id))
            });
            absences(session, &state, &desired, &selected.collect(), &actual).await?
        }
        _ => Absences::new(),
    };
    drop(reading);
    let declared = match wanted {
        Wanted::Manifest(manifest) => manifest.declarations.iter().map(|d| d.label().to_owned()).collect(),
        _ => BTreeSet::new(),
    };
    let wanted = desired.iter().map(|desired| desired.address.clone()).collect();
    let contained =
        |desired: &Desired| Some((desired.address.clone(), resources::container(&desired.address)?));
    let containers = desired.iter().filter_map(contained).collect();
    let cut_back = resources::cut_back(&desired, &actual);
    let is_over = |live: &&Actual| resources::is_over(&live.address, &live.fields, session.now);
    let over = actual.values().filter(is_over).map(|live| live.address.clone()).collect();
    let covered = covered(session, manifest, &state, &fleet, &tagged, &options.selection);
    let (as_declared, no_delete) = (as_declared(&desired, &actual), options.no_delete);
    let mut plan = plan(PlanInput {
        project: state.project.clone(),
        scopes: session.scopes.clone(),
        desired,
        actual: actual.into_iter().chain(seen).collect(),
        owned,
        shared: resources::shared(),
        containers,
        cut_back,
        declared,
        absences,
        over,
        options,
    });
    hold(session, &mut plan).await?;
    plan.covered = covered;
    plan.foresee(outlooks(session, &plan).await?);
    plan.as_declared = as_declared;
    if no_delete {
        plan.spare();
    }
    plan.refused.extend(left_alone);
    plan.cost = cost(session, &fleet, read, start);
    Ok(Planned { plan, state, found_by_tags, by_tags, wanted })
}

/// Keeps what a delete would take something with it that is not ours, or that stays.
async fn hold(session: &Session, plan: &mut Plan) -> Result<()> {
    let deletes = plan.changes.iter().filter(|change| change.verb == Verb::Delete);
    let deleted: Vec<&Address> = deletes.map(|change| &change.address).collect();
    let replaced = plan.changes.iter().filter_map(|change| Some(&change.replaces.as_ref()?.address));
    let going: BTreeSet<&Address> = deleted.iter().copied().chain(replaced).collect();
    let asked = deleted.into_iter().filter_map(|address| {
        let kind = resources::kind(&address.kind)?;
        Some(async {
            let why = kind.held_by(&session.aws, &plan.project, address, &going).await?;
            Ok(why.map(|why| Held { address: address.clone(), why }))
        })
    });
    let held = all(asked).await.map_err(failures)?.into_iter().flatten().collect();
    plan.hold(held);
    Ok(())
}

/// What is nobody's and in the form that the manifest wants, by the kind of target.
fn as_declared(desired: &[Desired], actual: &BTreeMap<Address, Actual>) -> Vec<AsDeclared> {
    let mut of_kinds: BTreeMap<TargetKind, AsDeclared> = BTreeMap::new();
    for one in desired.iter().filter(|one| matches!(one.claim, Claim::Correct { .. })) {
        let Some(live) = actual.get(&one.address).filter(|live| live.fields == one.fields) else { continue };
        let target = one.target.as_ref().and_then(|target| TargetKind::from_name(&target.kind));
        let (Some(target), Some(kind)) = (target, resources::kind(&one.address.kind)) else { continue };
        let counts = of_kinds.entry(target).or_insert_with(|| AsDeclared {
            noun: target.singular().to_owned(),
            plural: target.plural().to_owned(),
            ..AsDeclared::default()
        });
        *counts.states.entry((kind.text().summary)(&live.fields)).or_default() += 1;
    }
    of_kinds.into_values().collect()
}

/// How much there is of what the selection covers, in the accounts and regions that were read.
fn covered(
    session: &Session,
    manifest: &Manifest,
    state: &State,
    fleet: &Fleet,
    tagged: &[Actual],
    selection: &Selection,
) -> Covered {
    let all = state.resources.values();
    let recorded = all.filter(|owned| {
        session.scopes.contains(&owned.address.scope)
            && selection.keeps(&owned.address, &owned.label, owned.target.as_ref())
    });
    let recorded = recorded.count();
    let of = |declaration: &dyn Declaration| {
        let label = declaration.label();
        let own = declaration.own_tagged(fleet, tagged).into_iter();
        let own = own.filter(|(live, target)| selection.keeps(&live.address, label, Some(target)));
        (label.to_owned(), own.count())
    };
    let tagged: BTreeMap<String, usize> = manifest
        .declarations
        .iter()
        .filter(|declaration| !declaration.tagged_kinds().is_empty())
        .map(|declaration| of(declaration.as_ref()))
        .collect();
    let everywhere = session.declared_scopes.len() >= session.manifest_scopes.len();
    Covered { selected: selection.patterns().next().is_some() || !everywhere, recorded, tagged }
}

/// How many resources were read, by kind.
pub(super) type ByKind = BTreeMap<String, usize>;

pub(super) fn by_kind<'a>(read: impl Iterator<Item = &'a Address>) -> ByKind {
    let mut counts = ByKind::new();
    for address in read {
        *counts.entry(address.kind.clone()).or_default() += 1;
    }
    counts
}

/// What was read, and with how many calls.
pub(super) fn cost(session: &Session, fleet: &Fleet, read: ByKind, start: Instant) -> ReadCost {
    let mut objects = BTreeMap::new();
    for kind in TargetKind::ALL {
        objects.insert(kind.plural().to_owned(), fleet.of_kind(kind).count());
    }
    for text in resources::texts() {
        *objects.entry(text.plural.to_owned()).or_default() += read.get(text.kind).copied().unwrap_or(0);
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
    options: &PlanOptions,
) -> Result<Sought> {
    let reading = Reading::new(output);
    let tagged = read_tagged(session, output, manifest, state).await?;
    let fleet = declared_fleet(session, manifest, &tagged).await?;
    let (untagged, mut problems) = read_untagged(session, manifest, state, &tagged).await?;
    let alarms = alarms_of_others(session, manifest).await?;
    drop(reading);
    let parks = parks(manifest, &fleet, &options.selection);
    let deployment = deployment(session, manifest, output)?;
    let world = World {
        manifest_scopes: &session.manifest_scopes,
        scopes: &session.declared_scopes,
        fleet: &fleet,
        tagged: &tagged,
        records: &state.resources,
        untagged: &untagged,
        alarms: &alarms,
        parks: &parks,
        deployment: deployment.as_ref(),
        now: session.now,
    };
    let mut desired = Vec::new();
    for (declaration, (wants, found)) in
        manifest.declarations.iter().zip(all_wants(manifest, &world, options))
    {
        let emptied = if declaration.allows_empty() || options.no_delete || found.has_errors() {
            Vec::new()
        } else {
            let declaration = declaration.as_ref();
            let selected = declaration.selected(&fleet);
            let mut emptied = emptied(declaration, &wants, &selected, session, state, &options.selection);
            if emptied.is_empty() {
                emptied.extend(shrunken(declaration, &wants, session, state, &options.selection));
            }
            emptied
        };
        if emptied.is_empty() {
            problems.extend(found);
        }
        problems.extend(emptied);
        desired.extend(wants);
    }
    let kept = |desired: &Desired| {
        options.selection.keeps(&desired.address, &desired.origin.label, desired.target.as_ref())
    };
    let asked_for: BTreeSet<&str> =
        desired.iter().filter(|desired| kept(desired)).map(|desired| &*desired.origin.label).collect();
    let asked_for = manifest.declarations.iter().filter(|one| asked_for.contains(one.label()));
    let left_alone = asked_for.flat_map(|declaration| declaration.left_alone(&world)).collect();
    let mut desired = declarations::unite(desired, kept);
    problems.extend(declarations::check_unique(&desired));
    problems.extend(declarations::contradictions(&manifest.declarations, &fleet, &desired));
    output.diagnostics(&problems.without_repeats())?;
    // What several rules ask for alike is done once.
    let mut seen = BTreeSet::new();
    desired.retain(|desired| seen.insert(desired.address.clone()));
    check_patterns(&options.selection, &desired, state)?;
    Ok(Sought { fleet, tagged, untagged, desired, left_alone })
}

/// What this run parks.
fn parks(manifest: &Manifest, fleet: &Fleet, selection: &Selection) -> Parks {
    let of = |declaration: &dyn Declaration| {
        let label = declaration.label().to_owned();
        let parks = declaration.parks(fleet).into_iter();
        let parks = parks.filter(|(address, target)| selection.keeps(address, &label, Some(target)));
        let parks: Vec<_> = parks.map(|(address, _)| ((address.scope, address.key), label.clone())).collect();
        parks
    };
    manifest.declarations.iter().flat_map(|declaration| of(declaration.as_ref())).collect()
}

/// What each declaration wants, and what it finds wrong.
fn all_wants(
    manifest: &Manifest,
    world: &World<'_>,
    options: &PlanOptions,
) -> Vec<(Vec<Desired>, Diagnostics)> {
    let mut all: Vec<_> =
        manifest.declarations.iter().map(|declaration| declaration.desired(world)).collect();
    let wanted: Vec<&Desired> = all.iter().flat_map(|(wants, _)| wants).collect();
    let left = left_as_they_are(&wanted, world, options);
    let kept = |one: &Desired| {
        options.selection.keeps(&one.address, &one.origin.label, one.target.as_ref())
            || world.records.contains_key(&one.address)
    };
    let there: Vec<&Desired> = wanted.into_iter().filter(|one| kept(one)).chain(&left).collect();
    let besides = manifest.declarations.iter().map(|declaration| declaration.desired_besides(world, &there));
    let besides: Vec<_> = besides.collect();
    for ((wants, found), (more, problems)) in all.iter_mut().zip(besides) {
        wants.extend(more);
        found.extend(problems);
    }
    all
}

/// What is recorded, is no longer wanted, and stays nevertheless because of what the user asked for.
fn left_as_they_are(wanted: &[&Desired], world: &World<'_>, options: &PlanOptions) -> Vec<Desired> {
    let wanted: BTreeSet<&Address> = wanted.iter().map(|one| &one.address).collect();
    let stays = |owned: &&Owned| {
        !wanted.contains(&owned.address)
            && (options.no_delete
                || owned.protect
                || !options.selection.keeps(&owned.address, &owned.label, owned.target.as_ref()))
    };
    world.records.values().filter(stays).map(|owned| as_desired(owned, world.now)).collect()
}

/// The alarms of others, where a declaration looks at them.
async fn alarms_of_others(session: &Session, manifest: &Manifest) -> Result<Vec<LiveAlarm>> {
    if !manifest.declarations.iter().any(|declaration| declaration.asks_for_alarms()) {
        return Ok(Vec::new());
    }
    let project = &*manifest.settings.project;
    let reads =
        session.declared_scopes.iter().map(|scope| metric_alarm::of_others(&session.aws, scope, project));
    Ok(all(reads).await.map_err(failures)?.into_iter().flatten().collect())
}

/// What resources that the state records have made without tags, as far as it is one declaration's and nobody else needs it.
async fn read_untagged(
    session: &Session,
    manifest: &Manifest,
    state: &State,
    tagged: &[Actual],
) -> Result<(Vec<Actual>, Diagnostics)> {
    let records = &state.resources;
    let mut wanted: BTreeMap<(Scope, &str), BTreeSet<String>> = BTreeMap::new();
    for products in manifest.declarations.iter().flat_map(|d| d.products(records)) {
        if session.declared_scopes.contains(&products.scope) {
            wanted.entry((products.scope, products.kind)).or_default().extend(products.targets);
        }
    }
    let reads = wanted.iter().filter_map(|((scope, kind), targets)| {
        Some(resources::kind(kind)?.find_untagged(&session.aws, scope, targets))
    });
    let found: Vec<Actual> = all(reads).await.map_err(failures)?.into_iter().flatten().collect();
    let unclaimed = Unclaimed { records, tagged, found: &found, now: session.now };
    let (claimed, warnings) = claimed_once(&manifest.declarations, &unclaimed);
    let mut requests = Requests::new();
    for live in &claimed {
        let place = (live.address.scope.clone(), live.address.kind.clone());
        requests.entry(place).or_default().keys.insert(&live.address.key, KeyRequest::default());
    }
    let read = read_resources(session, &requests).await?.into_values();
    Ok((read.filter(|live| live.inexpressible.is_none()).collect(), warnings))
}

/// The targets that the declarations select. Where one of them has to explain why it misses something, or to find out
/// whether something is gone, all that it may have meant is read as well.
pub(super) async fn declared_fleet(
    session: &Session,
    manifest: &Manifest,
    tagged: &[Actual],
) -> Result<Fleet> {
    let read = manifest.declarations.iter().flat_map(|d| d.selectors().iter().chain(d.reads_besides()));
    let mut selectors: Vec<&Selector> = read.collect();
    let fleet = read_fleet(&session.aws, &session.declared_scopes, &selectors).await.map_err(failures)?;
    let whole = session.declared_scopes.len() >= session.manifest_scopes.len();
    let missed = manifest.declarations.iter().filter(|_| whole).flat_map(|d| d.more_selectors(&fleet));
    let asked_after = manifest.declarations.iter().flat_map(|d| d.targets_of_tagged(&fleet, tagged));
    let more: Vec<Selector> = missed.chain(asked_after).collect();
    if more.is_empty() {
        return Ok(fleet);
    }
    selectors.extend(&more);
    read_fleet(&session.aws, &session.declared_scopes, &selectors).await.map_err(failures)
}

/// Without a state, everything that bears the project's tag is ours: a lost file, or a run in another folder.
pub(super) async fn find_what_a_lost_state_owned(
    session: &Session,
    output: &Output,
    state: &mut State,
    manifest: &Manifest,
) -> Result<usize> {
    if state.serial > 0 {
        return Ok(0);
    }
    let found = find_owned(session, output, &state.project, &kinds(manifest).collect::<Vec<_>>()).await?;
    if !found.is_empty() {
        output.problem(&format!(
            "note: there is no state, but {} on AWS bear{} the tag of project \"{}\" and count{} as owned; \
             if the state is elsewhere, say so with --state",
            count_of(found.len(), "resource", "resources"),
            if found.len() == 1 { "s" } else { "" },
            state.project,
            if found.len() == 1 { "s" } else { "" },
        ));
    }
    let count = found.len();
    state.resources.extend(found.into_iter().map(|owned| (owned.address.clone(), owned)));
    Ok(count)
}

/// Leaves out of a state what nobody asked for and only its tags say is ours. A record is what allows a delete, and what
/// this manifest does not want may be another folder's: `state rebuild` alone takes it over.
pub(super) fn take_over_only(state: &mut State, wanted: &BTreeSet<Address>, output: &Output) {
    let before = state.resources.len();
    state.resources.retain(|address, _| wanted.contains(address));
    let others = before - state.resources.len();
    if others > 0 {
        output.problem(&format!(
            "note: {} with the project's tag {} not wanted by this manifest and {} not recorded; if the state is lost, \
             `opsform state rebuild` records all of them",
            count_of(others, "resource", "resources"),
            if others == 1 { "is" } else { "are" },
            if others == 1 { "is" } else { "are" },
        ));
    }
}

/// A declaration that protects does so from the moment that it says so, not only after an apply.
pub(super) fn protect(state: &mut State, manifest: &Manifest) {
    let protecting = protecting(manifest);
    for owned in state.resources.values_mut().filter(|owned| protecting.contains(owned.label.as_str())) {
        owned.protect = true;
    }
}

/// The labels of the declarations that protect.
pub(super) fn protecting(manifest: &Manifest) -> BTreeSet<&str> {
    manifest.declarations.iter().filter(|d| d.protects()).map(|d| d.label()).collect()
}

fn as_desired(owned: &Owned, now: Timestamp) -> Desired {
    let place = "the last apply".to_owned();
    Desired {
        address: owned.address.clone(),
        fields: resources::at(&owned.address, &owned.fields, now),
        origin: Origin { label: owned.label.clone(), place: place.clone() },
        place: Place::Named(place),
        target: owned.target.clone(),
        claim: Claim::Own { adopt: false },
        protect: owned.protect,
    }
}
