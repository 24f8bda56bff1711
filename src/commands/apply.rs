//! `apply` and `destroy`: plan, show, ask, carry out.

use std::time::Instant;

use anyhow::{Context, Result};
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use super::args::{ApplyArgs, ConsentArgs, DestroyArgs, DetailChoice, Format, Global, LockArgs};
use super::environment::Environment;
use super::failure::{Exit, Failure};
use super::guards::refuse_if_blocked;
use super::locking::with_lock;
use super::output::Output;
use super::plan::{options, selection};
use super::planning::{Planned, Wanted, make_plan};
use super::progress::Progress;
use super::session::{Session, load_manifest, open_store};
use super::stale::refuse_if_stale;
use super::summary::summary;
use crate::apply::{Apply, Report, apply};
use crate::aws::Aws;
use crate::declarations::Manifest;
use crate::plan::{Plan, PlanOptions};
use crate::render::{Carried, Heading, apply_summary};
use crate::state::{Locked, StateError};

/// `opsform apply`
pub(super) async fn run(global: &Global, args: &ApplyArgs, environment: &Environment) -> Result<Exit> {
    let output = Output::new(global, environment);
    let manifest = load_manifest(global, &output)?;
    let options = options(&args.guard, selection(&args.selection)?);
    let job = Job { global, environment, output: &output, what: "apply", heading: Heading::Plan };
    let args = Args { detail: args.view.detail, consent: &args.consent, lock: &args.lock };
    job.run(&manifest, &Wanted::Manifest(&manifest), options, &args).await
}

/// `opsform destroy`
pub(super) async fn destroy(global: &Global, args: &DestroyArgs, environment: &Environment) -> Result<Exit> {
    let output = Output::new(global, environment);
    let manifest = load_manifest(global, &output)?;
    let options =
        PlanOptions { destroy: true, selection: selection(&args.selection)?, ..PlanOptions::default() };
    let job = Job { global, environment, output: &output, what: "destroy", heading: Heading::Destroy };
    let args = Args { detail: args.view.detail, consent: &args.consent, lock: &args.lock };
    job.run(&manifest, &Wanted::Nothing, options, &args).await
}

/// What `apply` and `destroy` are both told.
struct Args<'a> {
    detail: DetailChoice,
    consent: &'a ConsentArgs,
    lock: &'a LockArgs,
}

struct Job<'a> {
    global: &'a Global,
    environment: &'a Environment,
    output: &'a Output,
    what: &'static str,
    heading: Heading,
}

impl Job<'_> {
    async fn run(
        &self,
        manifest: &Manifest,
        wanted: &Wanted<'_>,
        options: PlanOptions,
        args: &Args<'_>,
    ) -> Result<Exit> {
        let store = open_store(self.global, self.environment, &manifest.settings).await?;
        with_lock(&store, self.what, args.lock, self.output, self.environment, async |locked, signals| {
            if let Some(warning) = store.warning().await {
                self.output.note(&warning);
            }
            self.under_lock(manifest, wanted, options, args, locked, signals).await
        })
        .await
    }

    async fn under_lock(
        &self,
        manifest: &Manifest,
        wanted: &Wanted<'_>,
        options: PlanOptions,
        args: &Args<'_>,
        locked: &mut Locked,
        signals: Option<AbortHandle>,
    ) -> Result<Exit> {
        let before = locked.state().clone();
        let session = Session::connect(self.global, &manifest.settings, &before).await?;
        let Planned { plan, state } =
            make_plan(&session, self.output, before.clone(), wanted, options).await?;
        self.output.plan(&plan, self.heading, Format::Text, args.detail)?;
        refuse_if_blocked(&plan)?;
        *locked.state_mut() = state;
        if plan.is_empty() {
            // Records of what was settled are worth a write; a state that says the same is left alone.
            if *locked.state() != before || !plan.refreshes.is_empty() {
                self.carry_out(&session.aws, &plan, locked, signals).await?;
            }
            return Ok(Exit::Done);
        }
        if !self.output.consent(&self.question(&plan), args.consent.yes)? {
            return Err(Failure::new("not applied: the answer was not \"yes\"", "nothing was changed").into());
        }
        if !args.consent.yes {
            refuse_if_stale(&session, &plan).await?;
        }
        let start = Instant::now();
        let report = self.carry_out(&session.aws, &plan, locked, signals).await?;
        let stopped = session.aws.stop().is_cancelled();
        let heading = match self.heading {
            Heading::Destroy => Carried::Destroy,
            Heading::Plan | Heading::Drift => Carried::Apply,
        };
        let summary = summary(&report, heading, stopped, start.elapsed());
        self.output.print(&apply_summary(&summary, self.output.palette))?;
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

    async fn carry_out(
        &self,
        aws: &Aws,
        plan: &Plan,
        locked: &mut Locked,
        earlier_signals: Option<AbortHandle>,
    ) -> Result<Report> {
        let journal = locked.open_journal().await?;
        let progress = Progress::new(self.output, aws);
        let signals = tokio::spawn(stop_on_signal(aws.stop().clone()));
        if let Some(earlier) = earlier_signals {
            earlier.abort();
        }
        let lease = locked.lost().map(|lost| tokio::spawn(stop_when_lost(lost, aws.stop().clone())));
        let tell = |event| progress.tell(event);
        let result = apply(Apply { aws, plan, journal, progress: &tell }).await;
        signals.abort();
        if let Some(lease) = lease {
            lease.abort();
        }
        progress.finish();
        match locked.fold_journal().await {
            // Whoever has the state now has another one, which no journal of ours continues.
            Err(error @ (StateError::LockLost { .. } | StateError::WrittenByOther { .. })) => Err(error)?,
            folded => folded.context(
                "the changes are recorded in the journal beside the state, and the next run takes them over",
            )?,
        }
        Ok(result?)
    }
}

/// Somebody else may write the state now: nothing new is begun.
async fn stop_when_lost(lost: CancellationToken, stop: CancellationToken) {
    lost.cancelled().await;
    eprintln!("the state's lock is lost; stopping after the calls in flight");
    stop.cancel();
}

/// The first signal lets the calls in flight finish; the second ends the process at once.
async fn stop_on_signal(stop: CancellationToken) {
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
        eprintln!("stopping after the calls in flight; once more to stop at once");
        stop.cancel();
    }
}
