//! `apply` and `destroy`: plan, show, ask, carry out.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use tokio_util::sync::CancellationToken;

use super::args::{ApplyArgs, ConsentArgs, DestroyArgs, DetailChoice, Format, Global, LockArgs};
use super::environment::Environment;
use super::failure::{Exit, Failure};
use super::guards::{EXCLUDE, refuse_if_blocked, refuse_if_too_destructive, refuse_to_delete_without_state};
use super::locking::{Asking, with_lock};
use super::output::Output;
use super::park_list::{remind, tell_standings};
use super::plan::{options, selection};
use super::planning::{Planned, Wanted, make_plan, take_over_only};
use super::progress::Progress;
use super::saved::{Present, check_file, done_words, read_plan, what_is_left};
use super::session::{Session, load_manifest, open_store};
use super::signals::Signals;
use super::stale::{refuse_if_stale, refuse_if_uncalled_for};
use super::summary::summary;
use crate::apply::{Apply, Report, apply};
use crate::aws::Aws;
use crate::declarations::Manifest;
use crate::model::{Address, DestroyLimit};
use crate::plan::{Plan, PlanOptions, Provenance, Remaining, SavedPlan};
use crate::render::{Carried, CutOff, Heading, apply_summary};
use crate::state::{Locked, State, StateError};

/// `opsform apply`
pub(super) async fn run(global: &Global, args: &ApplyArgs, environment: &Environment) -> Result<Exit> {
    let output = Output::new(global, environment);
    let manifest = load_manifest(global, &output)?;
    let job = Job {
        global,
        environment,
        output: &output,
        manifest: &manifest,
        what: "apply",
        heading: Heading::Plan,
        may_destroy: MayDestroy::Limited(args.guard.max_destroy),
        detail: args.view.detail,
        consent: &args.consent,
        lock: &args.lock,
        wait: !args.no_wait,
    };
    if let Some(path) = &args.plan {
        return job.run_saved(path).await;
    }
    let options = options(&args.guard, selection(&args.selection)?);
    job.run(&Wanted::Manifest(&manifest), options).await
}

/// `opsform destroy`
pub(super) async fn destroy(global: &Global, args: &DestroyArgs, environment: &Environment) -> Result<Exit> {
    let output = Output::new(global, environment);
    let manifest = load_manifest(global, &output)?;
    let options =
        PlanOptions { destroy: true, selection: selection(&args.selection)?, ..PlanOptions::default() };
    let job = Job {
        global,
        environment,
        output: &output,
        manifest: &manifest,
        what: "destroy",
        heading: Heading::Destroy,
        may_destroy: MayDestroy::Everything,
        detail: args.view.detail,
        consent: &args.consent,
        lock: &args.lock,
        wait: true,
    };
    job.run(&Wanted::Nothing, options).await
}

/// One run of `apply` or `destroy`.
struct Job<'a> {
    global: &'a Global,
    environment: &'a Environment,
    output: &'a Output,
    manifest: &'a Manifest,
    what: &'static str,
    heading: Heading,
    /// How much may be destroyed; `destroy` says itself that all of it may.
    may_destroy: MayDestroy,
    detail: DetailChoice,
    consent: &'a ConsentArgs,
    lock: &'a LockArgs,
    /// Whether to wait for what takes AWS hours.
    wait: bool,
}

/// How much a run may destroy.
enum MayDestroy {
    /// What the flag allows, else the manifest.
    Limited(Option<DestroyLimit>),
    /// Everything.
    Everything,
}

/// The state under its lock, and where it is.
struct Held<'a> {
    locked: &'a mut Locked,
    place: String,
    signals: &'a Signals,
}

impl Job<'_> {
    async fn run(&self, wanted: &Wanted<'_>, options: PlanOptions) -> Result<Exit> {
        self.under_lock(async |held| self.plan_and_apply(wanted, options, held).await).await
    }

    async fn run_saved(&self, path: &Path) -> Result<Exit> {
        // What is wrong with the file is told before anybody waits for a lock.
        let saved = read_plan(path)?;
        let provenance = check_file(&saved, &self.manifest.settings.project, self.global)?;
        self.under_lock(async move |held| self.apply_saved(saved, &provenance, held).await).await
    }

    async fn under_lock(&self, work: impl AsyncFnOnce(Held<'_>) -> Result<Exit>) -> Result<Exit> {
        let store = open_store(self.global, self.environment, &self.manifest.settings).await?;
        let asking = Asking::new(self.what, self.lock, self.output, self.environment);
        with_lock(&store, asking, async |locked, signals| {
            if let Some(warning) = store.warning().await {
                self.output.note(&warning);
            }
            work(Held { locked, place: store.place(), signals }).await
        })
        .await
    }

    async fn plan_and_apply(
        &self,
        wanted: &Wanted<'_>,
        options: PlanOptions,
        held: Held<'_>,
    ) -> Result<Exit> {
        let before = held.locked.state().clone();
        let session =
            Session::connect(self.global, &self.manifest.settings, &before, self.environment).await?;
        let Planned { plan, mut state, found_by_tags, by_tags, wanted } =
            make_plan(&session, self.output, before.clone(), self.manifest, wanted, options).await?;
        self.output.plan(&plan, self.heading, Format::Text, self.detail)?;
        if self.heading == Heading::Destroy {
            remind(&session, self.manifest, self.output).await?;
        }
        self.output.count_calls(&session.aws);
        refuse_if_blocked(&plan, EXCLUDE)?;
        refuse_to_delete_without_state(&plan, by_tags, &held.place)?;
        self.check_limit(&plan)?;
        if found_by_tags > 0 {
            take_over_only(&mut state, &wanted, self.output);
        }
        *held.locked.state_mut() = state;
        if plan.is_empty() {
            return self.record_only(&session.aws, &plan, held, &before).await;
        }
        self.ask_and_carry_out(&session, &plan, held).await
    }

    /// Applies what is left of a saved plan, and nothing else.
    async fn apply_saved(&self, saved: SavedPlan, provenance: &Provenance, held: Held<'_>) -> Result<Exit> {
        let before = held.locked.state().clone();
        let session =
            Session::connect(self.global, &self.manifest.settings, &before, self.environment).await?;
        if saved.plan.blocking().next().is_some() {
            self.output.plan(&saved.plan, self.heading, Format::Text, self.detail)?;
            refuse_if_blocked(&saved.plan, EXCLUDE)?;
        }
        let touched: BTreeSet<Address> = saved.plan.addresses().cloned().collect();
        let present = Present { session: &session, output: self.output, manifest: self.manifest };
        let (left, mut state) = what_is_left(present, saved.plan, provenance, before.clone()).await?;
        let Remaining { plan, done, .. } = left;
        let tagged = plan.unrecorded_delete_count();
        let found_by_tags = if before.serial == 0 { state.resources.len() } else { 0 };
        let by_tags = found_by_tags + if before.serial == 0 { tagged } else { 0 };
        refuse_to_delete_without_state(&plan, by_tags, &held.place)?;
        if found_by_tags > 0 {
            take_over_only(&mut state, &touched, self.output);
        }
        *held.locked.state_mut() = state;
        if plan.is_empty() {
            self.output.print(&done_words(done, &plan))?;
            return self.record_only(&session.aws, &plan, held, &before).await;
        }
        if done > 0 {
            self.output.note(&done_words(done, &plan));
        }
        self.output.plan(&plan, self.heading, Format::Text, self.detail)?;
        self.check_limit(&plan)?;
        refuse_if_uncalled_for(&session, self.manifest, &plan).await?;
        self.ask_and_carry_out(&session, &plan, held).await
    }

    fn check_limit(&self, plan: &Plan) -> Result<()> {
        match self.may_destroy {
            MayDestroy::Everything => Ok(()),
            MayDestroy::Limited(flag) => refuse_if_too_destructive(plan, flag, &self.manifest.settings),
        }
    }

    /// Records of what was settled are worth a write, and so is a journal that was left behind; a state that says the same
    /// is left alone.
    async fn record_only(&self, aws: &Aws, plan: &Plan, mut held: Held<'_>, before: &State) -> Result<Exit> {
        if held.locked.state() != before || !plan.refreshes.is_empty() {
            self.carry_out(aws, plan, &mut held).await?;
            held.locked.fold_journal().await?;
        } else if held.locked.has_journal() {
            held.locked.save().await?;
        }
        Ok(Exit::Done)
    }

    async fn ask_and_carry_out(&self, session: &Session, plan: &Plan, mut held: Held<'_>) -> Result<Exit> {
        if !self.output.consent(&self.question(plan), self.consent.yes)? {
            return Err(Failure::new("not applied: the answer was not \"yes\"", "nothing was changed").into());
        }
        if !self.consent.yes {
            refuse_if_stale(session, plan).await?;
            refuse_if_uncalled_for(session, self.manifest, plan).await?;
        }
        let start = Instant::now();
        let report = self.carry_out(&session.aws, plan, &mut held).await?;
        self.output.count_report(&report, &session.aws);
        let stopped = session.aws.stop().is_cancelled();
        let heading = if self.heading == Heading::Destroy { Carried::Destroy } else { Carried::Apply };
        let lost = held.locked.lost().is_some_and(|lost| lost.is_cancelled());
        let cut_off = if lost { CutOff::LockLost } else { CutOff::Interrupted };
        // What was lost or stopped after the last call cut nothing off.
        let cut_off = (stopped && !report.is_complete()).then_some(cut_off);
        let summary = summary(&report, plan, heading, cut_off, start.elapsed());
        self.output.print(&apply_summary(&summary, self.output.palette))?;
        tell_standings(session, &report, plan, self.output).await;
        held.locked.fold_journal().await?;
        Ok(if stopped && !report.is_complete() {
            Exit::Stopped
        } else if report.is_complete() || (report.failures.is_empty() && report.begun > 0 && !stopped) {
            // What `--no-wait` leaves to the next run is as asked for.
            Exit::Done
        } else {
            Exit::Partial
        })
    }

    fn question(&self, plan: &Plan) -> String {
        match self.heading {
            Heading::Destroy => {
                let which = match plan.changes.len() {
                    1 => "the resource".to_owned(),
                    count => format!("all {count} resources"),
                };
                format!(
                    "Destroy {which} of project \"{}\" listed above? This cannot be undone.",
                    plan.project
                )
            }
            _ if plan.changes.len() == 1 => "Apply this change?".to_owned(),
            _ => format!("Apply these {} changes?", plan.changes.len()),
        }
    }

    async fn carry_out(&self, aws: &Aws, plan: &Plan, held: &mut Held<'_>) -> Result<Report> {
        held.signals.work(aws.stop().clone()).await;
        let journal = held.locked.open_journal().await?;
        let progress = Progress::new(self.output, aws);
        let lease = held.locked.lost().map(|lost| tokio::spawn(stop_when_lost(lost, aws.stop().clone())));
        let tell = |event| progress.tell(event);
        let result = apply(Apply { aws, plan, journal, progress: &tell, wait: self.wait }).await;
        held.signals.save().await;
        if let Some(lease) = lease {
            lease.abort();
        }
        progress.finish();
        match result {
            Ok(report) => Ok(report),
            // The first failure is the one to tell, unless a lost lock is behind it; what could be written of the journal is
            // read by the next run.
            Err(first) => Err(match held.locked.fold_journal().await {
                Err(lost @ StateError::LockLost { .. }) => lost,
                _ => first,
            }
            .into()),
        }
    }
}

/// Somebody else may write the state now: nothing new is begun.
pub(super) async fn stop_when_lost(lost: CancellationToken, stop: CancellationToken) {
    lost.cancelled().await;
    stop.cancel();
    let _ = writeln!(std::io::stderr(), "lost the lock of the state; stopping after the calls in flight");
}
