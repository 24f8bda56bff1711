//! Plans in files: writing one, reading it again, and finding out what is left of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};

use super::args::Global;
use super::failure::Failure;
use super::guards::check_kinds;
use super::output::Output;
use super::planning::{by_kind, cost, find_what_a_lost_state_owned, protect, protecting};
use super::progress::Reading;
use super::reading::{Requests, learn, owners, read_resources, request_at};
use super::session::Session;
use super::stale::stale_failure;
use super::whole_file::{Existing, write_whole};
use crate::declarations::Manifest;
use crate::inventory::Fleet;
use crate::model::{Actual, Address, Fields, Ownership, Scope};
use crate::plan::{Change, Plan, Provenance, Remaining, SavedPlan, SavedPlanError, Settled, Verb};
use crate::render::{count_of, plan_json};
use crate::resources::{self, KeyRequest, OwnershipNeed};
use crate::state::State;

/// Writes the plan with what it was made from.
pub(super) fn write_plan(path: &Path, plan: &Plan, state: &State) -> Result<()> {
    let provenance = Provenance {
        opsform: env!("CARGO_PKG_VERSION").to_owned(),
        lineage: state.lineage.clone(),
        serial: state.serial,
    };
    write_whole(path, plan_json(plan, Some(&provenance)).as_bytes(), Existing::Replace)
}

/// Reads a file that must be a plan.
pub(super) fn read_plan(path: &Path) -> Result<SavedPlan> {
    let bytes = fs::read(path).with_context(|| format!("cannot read the plan {}", path.display()))?;
    SavedPlan::parse(&String::from_utf8_lossy(&bytes)).map_err(|error| {
        let hint = match error {
            SavedPlanError::TooNew { .. } => "update opsform",
            SavedPlanError::NotAPlan(_) | SavedPlanError::Damaged(_) => {
                "`opsform plan --out FILE` writes a plan that can be applied"
            }
        };
        Failure::new(format!("{}: {error}", path.display()), hint).into()
    })
}

/// The plan in a file; `None` where the file is something else or is not there.
pub(super) fn plan_if_it_is_one(path: &Path) -> Result<Option<SavedPlan>> {
    let Ok(bytes) = fs::read(path) else { return Ok(None) };
    match SavedPlan::parse(&String::from_utf8_lossy(&bytes)) {
        Err(SavedPlanError::NotAPlan(_)) => Ok(None),
        Err(_) => read_plan(path).map(Some),
        Ok(saved) => Ok(Some(saved)),
    }
}

/// Refuses a plan that this run cannot carry out whatever AWS holds. Returns where the plan comes from.
pub(super) fn check_file(saved: &SavedPlan, project: &str, global: &Global) -> Result<Provenance> {
    let Some(provenance) = saved.provenance.clone() else {
        return Err(Failure::new(
            "the file holds a plan that was printed, not one that was saved to be applied",
            "`opsform plan --out FILE` writes a plan that can be applied",
        )
        .into());
    };
    if saved.plan.project != project {
        return Err(Failure::new(
            format!(
                "the plan is one of project \"{}\", and the manifest is of project \"{project}\"",
                saved.plan.project
            ),
            "give the folder with that project's manifest by --manifests, or another plan",
        )
        .into());
    }
    for address in saved.plan.addresses() {
        if resources::kind(&address.kind).is_none() {
            return Err(Failure::new(
                format!(
                    "the plan (made by opsform {}) changes resources of kind `{}`, which this opsform does not know",
                    provenance.opsform, address.kind
                ),
                "update opsform",
            )
            .into());
        }
        if !global.region.is_empty() && !global.region.contains(&address.scope.region) {
            return Err(Failure::new(
                format!("the plan changes something in {}, which --region leaves out", address.scope.region),
                "a saved plan is applied as a whole; leave out --region, or make another plan",
            )
            .into());
        }
    }
    Ok(provenance)
}

/// Refuses credentials and states other than those that the plan was made with.
fn check_surroundings(plan: &Plan, provenance: &Provenance, session: &Session, state: &State) -> Result<()> {
    let reached: Vec<&str> = session.aws.accounts().collect();
    if let Some(address) = plan.addresses().find(|a| !reached.contains(&a.scope.account.as_str())) {
        return Err(Failure::new(
            format!(
                "the plan changes something in account {}, but this run reaches account {} only",
                address.scope.account,
                reached.join(", ")
            ),
            "choose the right credentials with --profile or AWS_PROFILE",
        )
        .into());
    }
    if let Some(address) = outside(plan, session) {
        return Err(Failure::new(
            format!(
                "the plan changes something in {}, which the manifest no longer lists",
                address.scope.region
            ),
            "make a new plan, or put the region back into `regions` under [aws]",
        )
        .into());
    }
    if provenance.lineage.is_empty() || provenance.lineage == state.lineage {
        return Ok(());
    }
    let (what, hint) = if state.serial == 0 {
        ("that is not here", "run it where the state is, or name the state's file with --state")
    } else {
        ("than the one that is here", "name the right state with --state, or make a new plan")
    };
    let another = if state.serial == 0 { "a state" } else { "another state" };
    Err(Failure::new(
        format!(
            "the plan was made from {another} (lineage {}, serial {}) {what}",
            provenance.lineage, provenance.serial
        ),
        hint,
    )
    .into())
}

/// Something that the plan touches in an account and region that the manifest no longer lists; where something is owned,
/// it may still be deleted.
fn outside<'a>(plan: &'a Plan, session: &Session) -> Option<&'a Address> {
    let written = plan.changes.iter().filter(|change| change.after.is_some()).map(|change| &change.address);
    let mut written = written.filter(|address| !session.manifest_scopes.contains(&address.scope));
    written.next().or_else(|| plan.addresses().find(|address| !session.scopes.contains(&address.scope)))
}

/// What a saved plan is held against.
pub(super) struct Present<'a> {
    pub(super) session: &'a Session,
    pub(super) output: &'a Output,
    /// What it protects by now.
    pub(super) manifest: &'a Manifest,
}

/// What is left of a saved plan now, with the state brought up to date; refuses what is no longer as it was.
pub(super) async fn what_is_left(
    present: Present<'_>,
    saved: Plan,
    provenance: &Provenance,
    mut state: State,
) -> Result<(Remaining, State)> {
    let Present { session, output, manifest } = present;
    let start = Instant::now();
    check_kinds(&state)?;
    check_surroundings(&saved, provenance, session, &state)?;
    find_what_a_lost_state_owned(session, output, &mut state, manifest).await?;
    let now = session.now;
    let (mut saved, over) = saved.brought_to_now(
        |address, fields| resources::at(address, fields, now),
        |address, fields| resources::is_over(address, fields, now),
    );
    let reading = Reading::new(output);
    let requests = requests(session, &saved, &state);
    let mut actual = read_resources(session, &requests).await?;
    let read = by_kind(actual.keys());
    state.settle(&actual, &session.scopes, &resources::shared());
    protect(&mut state, manifest);
    keep_protected(&mut saved, manifest);
    let questions = questions(&saved, &state, &actual);
    learn(owners(session, &questions).await?, &mut actual);
    drop(reading);
    if state.serial != provenance.serial {
        keep_newer_records(&mut saved, &state);
    }
    let mut left = saved.remaining(&actual, &state.resources);
    if !left.stale.is_empty() {
        let hint = "make a new plan and review it";
        return Err(stale_failure(&left.stale, hint).into());
    }
    left.done += over;
    for settled in &left.settled {
        match settled {
            Settled::Written(owned) => {
                state.resources.insert(owned.address.clone(), owned.clone());
            }
            Settled::Gone(address) => {
                state.resources.remove(address);
            }
        }
    }
    left.plan.cost = cost(session, &Fleet::default(), read, start);
    Ok((left, state))
}

/// What the manifest protects by now is not recorded as unprotected because the plan is older.
fn keep_protected(saved: &mut Plan, manifest: &Manifest) {
    let protecting = protecting(manifest);
    for change in &mut saved.changes {
        change.protect |= protecting.contains(&*change.origin.label);
    }
}

/// Another apply may have written records since the plan was made. They are not set back: the next plan finds out what
/// is still to be taken over, and what was protected meanwhile stays so.
fn keep_newer_records(saved: &mut Plan, state: &State) {
    saved.refreshes.clear();
    for change in &mut saved.changes {
        change.protect |= state.resources.get(&change.address).is_some_and(|owned| owned.protect);
    }
}

/// What to read: the touched objects, each as the plan did, and what an apply left open.
fn requests<'a>(session: &Session, plan: &'a Plan, state: &'a State) -> Requests<'a> {
    let mut requests = Requests::new();
    let mut ask = |address: &'a Address, key: KeyRequest<'a>| {
        let request = requests
            .entry((address.scope.clone(), address.kind.clone()))
            .or_insert_with(|| request_at(session));
        request.keys.entry(&*address.key).or_insert(key);
    };
    for change in &plan.changes {
        let open = state.unconfirmed.contains_key(&change.address);
        let ours_to_tell = change.before.is_none() || change.verb == Verb::Adopt;
        let done = is_recorded(change, state).then_some(change.after.as_ref()).flatten();
        ask(
            &change.address,
            KeyRequest {
                desired: change.after.as_ref(),
                // Tags are compared with those of the plan's time, or with our own where the state says that it was
                // us who wrote since.
                last_written: done.or(change.before.as_ref()),
                ownership: if open || ours_to_tell { OwnershipNeed::Certain } else { OwnershipNeed::None },
                stays: false,
            },
        );
        if let Some(old) = &change.replaces {
            ask(&old.address, KeyRequest { last_written: Some(&old.fields), ..KeyRequest::default() });
        }
    }
    for kept in &plan.relied_on {
        ask(&kept.address, KeyRequest { stays: true, ..KeyRequest::default() });
    }
    for (address, owned) in state.unconfirmed.iter().filter(|(a, _)| session.scopes.contains(&a.scope)) {
        let last_written = Some(&owned.fields);
        ask(address, KeyRequest { last_written, ownership: OwnershipNeed::Certain, ..KeyRequest::default() });
    }
    requests
}

fn is_recorded(change: &Change, state: &State) -> bool {
    let recorded: Option<&Fields> = state.resources.get(&change.address).map(|owned| &owned.fields);
    recorded.is_some() && recorded == change.after.as_ref()
}

/// The objects whose owner is still to be asked for. What the state says that we wrote, and what is still so, is done.
fn questions<'a>(
    plan: &'a Plan,
    state: &State,
    actual: &BTreeMap<Address, Actual>,
) -> BTreeMap<(&'a Scope, &'a str), Vec<&'a str>> {
    let mut questions: BTreeMap<(&Scope, &str), Vec<&str>> = BTreeMap::new();
    let mut ask = |address: &'a Address, done: bool| {
        let unread = actual.get(address).is_some_and(|live| live.ownership == Ownership::NotRead);
        if unread && !done {
            questions.entry((&address.scope, &address.kind)).or_default().push(&address.key);
        }
    };
    for change in &plan.changes {
        let as_wanted = actual.get(&change.address).is_some_and(|a| Some(&a.fields) == change.after.as_ref());
        ask(&change.address, as_wanted && is_recorded(change, state));
        if let Some(old) = &change.replaces {
            ask(&old.address, false);
        }
    }
    questions
}

/// What is said of a plan of which nothing is left, or of which a part is done already.
pub(super) fn done_words(done: usize, left: &Plan) -> String {
    match (done, left.is_empty()) {
        (0, _) => "Nothing to do: the plan has no changes.".to_owned(),
        (1, true) => "Nothing to do: the plan's only change is done already.".to_owned(),
        (_, true) => format!("Nothing to do: all {done} changes of the plan are done already."),
        (_, false) => format!(
            "{} of the plan {} done already; what is left:",
            count_of(done, "change", "changes"),
            if done == 1 { "is" } else { "are" }
        ),
    }
}
