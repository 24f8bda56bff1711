//! `apply` and `destroy`: plan, show, ask, carry out.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use anyhow::Result;

use super::args::{ApplyArgs, ConsentArgs, DestroyArgs, DetailChoice, Format, Global};
use super::environment::Environment;
use super::failure::{Exit, Failure};
use super::guards::{refuse_if_blocked, refuse_if_too_destructive, refuse_to_delete_without_state};
use super::output::Output;
use super::plan::{options, selection};
use super::planning::{Planned, Wanted, make_plan};
use super::progress::Progress;
use super::saved::{check_file, done_words, read_plan, what_is_left};
use super::session::{Session, load_manifest, lock_owner, store};
use super::stale::refuse_if_stale;
use super::summary::summary;
use crate::apply::{Apply, Report, apply};
use crate::aws::Aws;
use crate::declarations::Manifest;
use crate::model::DestroyLimit;
use crate::plan::{Plan, PlanOptions, Remaining};
use crate::render::{Carried, Heading, apply_summary};
use crate::state::{LockedStore, State};

/// `opsform apply`
pub(super) async fn run(global: &Global, args: &ApplyArgs, environment: &Environment) -> Result<Exit> {
    let output = Output::new(global, environment);
    let manifest = load_manifest(global, &output)?;
    let may_destroy = MayDestroy::Limited(args.guard.max_destroy);
    let job =
        Job { global, environment, output: &output, what: "apply", heading: Heading::Plan, may_destroy };
    if let Some(path) = &args.plan {
        return job.run_saved(&manifest, path, args.view.detail, &args.consent).await;
    }
    let options = options(&args.guard, selection(&args.selection)?);
    job.run(&manifest, &Wanted::Manifest(&manifest), options, args.view.detail, &args.consent).await
}

/// `opsform destroy`
pub(super) async fn destroy(global: &Global, args: &DestroyArgs, environment: &Environment) -> Result<Exit> {
    let output = Output::new(global, environment);
    let manifest = load_manifest(global, &output)?;
    let options =
        PlanOptions { destroy: true, selection: selection(&args.selection)?, ..PlanOptions::default() };
    let (what, heading, may_destroy) = ("destroy", Heading::Destroy, MayDestroy::Everything);
    let job = Job { global, environment, output: &output, what, heading, may_destroy };
    job.run(&manifest, &Wanted::Nothing, options, args.view.detail, &args.consent).await
}

struct Job<'a> {
    global: &'a Global,
    environment: &'a Environment,
    output: &'a Output,
    what: &'static str,
    heading: Heading,
    /// How much may be destroyed; `destroy` says itself that all of it may.
    may_destroy: MayDestroy,
}

/// How much a run may destroy.
enum MayDestroy {
    /// What the flag allows, else the manifest.
    Limited(Option<DestroyLimit>),
    /// Everything.
    Everything,
}

impl Job<'_> {
    async fn run(
        &self,
        manifest: &Manifest,
        wanted: &Wanted<'_>,
        options: PlanOptions,
        detail: DetailChoice,
        consent: &ConsentArgs,
    ) -> Result<Exit> {
        let mut locked = self.lock(manifest)?;
        let session = Session::connect(self.global, &manifest.settings, &locked.state).await?;
        let before = locked.state.clone();
        let Planned { plan, state, found_by_tags } =
            make_plan(&session, self.output, locked.state.clone(), manifest, wanted, options).await?;
        self.output.plan(&plan, self.heading, Format::Text, detail)?;
        refuse_if_blocked(&plan)?;
        refuse_to_delete_without_state(&plan, found_by_tags, &store(self.global, &manifest.settings))?;
        self.check_limit(&plan, &state, manifest)?;
        locked.state = state;
        if plan.is_empty() {
            return self.record_only(&session.aws, &plan, locked, &before).await;
        }
        self.ask_and_carry_out(&session, &plan, locked, consent).await
    }

    /// Applies what is left of a saved plan, and nothing else.
    async fn run_saved(
        &self,
        manifest: &Manifest,
        path: &Path,
        detail: DetailChoice,
        consent: &ConsentArgs,
    ) -> Result<Exit> {
        let saved = read_plan(path)?;
        let provenance = check_file(&saved, &manifest.settings.project, self.global)?;
        let mut locked = self.lock(manifest)?;
        let session = Session::connect(self.global, &manifest.settings, &locked.state).await?;
        let before = locked.state.clone();
        if saved.plan.blocking().next().is_some() {
            self.output.plan(&saved.plan, self.heading, Format::Text, detail)?;
            refuse_if_blocked(&saved.plan)?;
        }
        let (left, state) =
            what_is_left(&session, self.output, saved.plan, &provenance, locked.state.clone()).await?;
        let Remaining { plan, done, .. } = left;
        let found_by_tags = if before.serial == 0 { state.resources.len() } else { 0 };
        refuse_to_delete_without_state(&plan, found_by_tags, &store(self.global, &manifest.settings))?;
        locked.state = state;
        if plan.is_empty() {
            self.output.print(&done_words(done, &plan))?;
            return self.record_only(&session.aws, &plan, locked, &before).await;
        }
        if done > 0 {
            self.output.note(&done_words(done, &plan));
        }
        self.output.plan(&plan, self.heading, Format::Text, detail)?;
        self.check_limit(&plan, &locked.state, manifest)?;
        self.ask_and_carry_out(&session, &plan, locked, consent).await
    }

    fn check_limit(&self, plan: &Plan, state: &State, manifest: &Manifest) -> Result<()> {
        match self.may_destroy {
            MayDestroy::Everything => Ok(()),
            MayDestroy::Limited(flag) => {
                refuse_if_too_destructive(plan, state.resources.len(), flag, &manifest.settings)
            }
        }
    }

    fn lock(&self, manifest: &Manifest) -> Result<LockedStore> {
        let lineage = uuid::Uuid::new_v4().to_string();
        let owner = lock_owner(self.environment, self.what);
        Ok(store(self.global, &manifest.settings).lock(&owner, &lineage)?)
    }

    /// Records of what was settled are worth a write; a state that says the same is left alone.
    async fn record_only(
        &self,
        aws: &Aws,
        plan: &Plan,
        mut locked: LockedStore,
        before: &State,
    ) -> Result<Exit> {
        if locked.state != *before || !plan.refreshes.is_empty() {
            self.carry_out(aws, plan, &mut locked).await?;
            locked.fold_journal()?;
        }
        Ok(Exit::Done)
    }

    async fn ask_and_carry_out(
        &self,
        session: &Session,
        plan: &Plan,
        mut locked: LockedStore,
        consent: &ConsentArgs,
    ) -> Result<Exit> {
        if !self.output.consent(&self.question(plan), consent.yes)? {
            return Err(Failure::new("not applied: the answer was not \"yes\"", "nothing was changed").into());
        }
        if !consent.yes {
            refuse_if_stale(session, plan).await?;
        }
        let start = Instant::now();
        let report = self.carry_out(&session.aws, plan, &mut locked).await?;
        let stopped = session.aws.stop().is_cancelled();
        let heading = match self.heading {
            Heading::Destroy => Carried::Destroy,
            Heading::Plan | Heading::Drift => Carried::Apply,
        };
        let summary = summary(&report, heading, stopped, start.elapsed());
        self.output.print(&apply_summary(&summary, self.output.palette))?;
        locked.fold_journal()?;
        Ok(if stopped && !report.is_complete() {
            Exit::Stopped
        } else if report.is_complete() {
            Exit::Done
        } else {
            Exit::Partial
        })
    }

    fn question(&self, plan: &Plan) -> String {
        match self.heading {
            Heading::Destroy => format!(
                "Destroy all {} resources of project \"{}\" listed above? This cannot be undone.",
                plan.changes.len(),
                plan.project
            ),
            _ => format!("Apply these {} changes?", plan.changes.len()),
        }
    }

    async fn carry_out(&self, aws: &Aws, plan: &Plan, locked: &mut LockedStore) -> Result<Report> {
        let journal = locked.open_journal()?;
        let progress = Progress::new(self.output, aws);
        let signals = tokio::spawn(stop_on_signal(aws.stop().clone()));
        let tell = |event| progress.tell(event);
        let result = apply(Apply { aws, plan, journal, progress: &tell }).await;
        signals.abort();
        progress.finish();
        if result.is_err() {
            // The first failure is the one to tell; what could be written of the journal is read by the next run.
            let _ = locked.fold_journal();
        }
        Ok(result?)
    }
}

/// The first signal lets the calls in flight finish; the second ends the process at once.
async fn stop_on_signal(stop: tokio_util::sync::CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        tracing::warn!(
            "signals cannot be caught; Ctrl-C ends the run at once, and the journal keeps what was done"
        );
        return;
    };
    for round in 0.. {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        if round > 0 {
            // The journal is on disk; nothing that was done is lost.
            std::process::exit(i32::from(Exit::Stopped as u8));
        }
        stop.cancel();
        // Standard error may be a pipe whose reader the same Ctrl-C has ended.
        let _ = writeln!(std::io::stderr(), "stopping after the calls in flight; once more to stop at once");
    }
}
