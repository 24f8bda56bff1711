//! `plan` and `drift`: read, compare, show.

use anyhow::Result;

use super::args::{DriftArgs, Global, GuardArgs, PlanArgs, SelectionArgs};
use super::environment::Environment;
use super::failure::{Exit, Failure};
use super::guards::{EXCLUDE, refuse_if_blocked, refuse_if_too_destructive, refuse_to_delete_without_state};
use super::opening::{Opened, open};
use super::output::Output;
use super::planning::{Wanted, make_plan};
use super::saved::write_plan;
use super::whole_file::{Existing, write_whole};
use crate::plan::{Pattern, PlanOptions, Selection};
use crate::render::{Heading, summary_json};
use crate::state::{State, Store};

/// `opsform plan`
pub(super) async fn run(global: &Global, args: &PlanArgs, environment: &Environment) -> Result<Exit> {
    let output = Output::new(global, environment);
    let selection = selection(&args.selection)?;
    let Opened { manifest, state, session, place } = open(global, environment, &output).await?;
    let options = options(&args.guard, selection);
    let planned =
        make_plan(&session, &output, state, &manifest, &Wanted::Manifest(&manifest), options).await?;
    output.plan(&planned.plan, Heading::Plan, args.view.format, args.view.detail)?;
    output.count(|counts| counts.changes = planned.plan.changes.len());
    output.count_calls(&session.aws);
    if let Some(path) = &args.summary {
        write_whole(path, summary_json(&planned.plan).as_bytes(), Existing::Replace)?;
    }
    // What `apply` would refuse is refused here: a plan that passed its review has to be one that can be applied.
    refuse_if_blocked(&planned.plan, EXCLUDE)?;
    refuse_to_delete_without_state(&planned.plan, planned.by_tags, &place)?;
    refuse_if_too_destructive(&planned.plan, args.guard.max_destroy, &manifest.settings)?;
    if let Some(path) = &args.out {
        write_plan(path, &planned.plan, &planned.state)?;
        output.note(&format!("the plan is in {0}; `opsform apply {0}` applies it", path.display()));
    }
    Ok(if !args.detailed_exitcode || planned.plan.is_empty() {
        Exit::Done
    } else if planned.plan.is_drift_only() {
        Exit::Drift
    } else {
        Exit::Changes
    })
}

/// `opsform drift`
pub(super) async fn drift(global: &Global, args: &DriftArgs, environment: &Environment) -> Result<Exit> {
    let output = Output::new(global, environment);
    let selection = selection(&args.selection)?;
    let Opened { manifest, state, session, .. } = open(global, environment, &output).await?;
    let options = PlanOptions { selection, ..PlanOptions::default() };
    let planned = make_plan(&session, &output, state, &manifest, &Wanted::LastWritten, options).await?;
    output.plan(&planned.plan, Heading::Drift, args.view.format, args.view.detail)?;
    output.count(|counts| counts.findings = planned.plan.changes.len());
    output.count_calls(&session.aws);
    Ok(if args.detailed_exitcode && !planned.plan.is_empty() { Exit::Drift } else { Exit::Done })
}

/// The state as it is, without a lock; says so when an apply is under way.
pub(super) async fn read_state(store: &Store, output: &Output) -> Result<State> {
    if let Some(holder) = store.holder().await? {
        output.problem(&if holder.expired {
            format!(
                "note: the state is locked by {holder}, which has not renewed the lock and is probably gone"
            )
        } else {
            format!("note: the state is being written by {holder}; this plan may be out of date soon")
        });
    }
    let state = store.read().await?;
    Ok(state.unwrap_or_else(|| State::new(store.project(), "")))
}

pub(super) fn options(guard: &GuardArgs, selection: Selection) -> PlanOptions {
    PlanOptions { adopt: guard.adopt, no_delete: guard.no_delete, destroy: false, selection }
}

/// Compiles `--target` and `--exclude`.
pub(super) fn selection(args: &SelectionArgs) -> Result<Selection> {
    let (targets, excludes) = (patterns(&args.target)?, patterns(&args.exclude)?);
    Ok(Selection { targets, excludes, without_jobs: false })
}

/// Compiles patterns; all bad ones are reported.
pub(super) fn patterns(texts: &[String]) -> Result<Vec<Pattern>> {
    let (good, bad): (Vec<_>, Vec<_>) = texts.iter().map(|text| Pattern::new(text)).partition(Result::is_ok);
    if bad.is_empty() {
        return Ok(good.into_iter().flatten().collect());
    }
    let words: Vec<String> = bad.into_iter().filter_map(Result::err).collect();
    Err(Failure::new(words.join("; "), "put `[`, `]`, `{` and `}` that are meant as such in brackets: `[[]`")
        .into())
}
