//! The executor.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt;

use super::report::{Event, Failure, Report};
use super::steps::{Batch, Wave, waves};
use crate::aws::{Aws, AwsError, ErrorClass};
use crate::model::{Address, Owned};
use crate::plan::{Change, Plan, Verb};
use crate::resources::{self, Step};
use crate::state::{Entry, Journal, StateError};

/// Calls in flight at once. The rate limits decide the speed; this only bounds memory and connections.
const IN_FLIGHT: usize = 64;

/// What an apply works with.
pub struct Apply<'a> {
    /// The way to AWS. Cancelling its `stop` token ends the apply after the calls in flight.
    pub aws: &'a Aws,
    /// What to do.
    pub plan: &'a Plan,
    /// Where each completed change is recorded.
    pub journal: Journal,
    /// Told of everything that happens, after it is on disk.
    pub progress: &'a (dyn Fn(Event) + Sync),
}

/// Carries out a plan. One failure never stops the others.
///
/// # Errors
/// Only where the journal cannot be written: then nothing further is begun, because it could be forgotten.
pub async fn apply(run: Apply<'_>) -> Result<Report, StateError> {
    let mut report = Report::default();
    record_what_needs_no_call(&run, &mut report).await?;
    let mut failed = BTreeSet::new();
    for wave in waves(run.plan, resources::kind) {
        let wave = leave_out_dependents(wave, &failed, &mut report);
        (run.progress)(announce(&wave));
        run_wave(&run, wave, &mut failed, &mut report).await?;
    }
    Ok(report)
}

async fn record_what_needs_no_call(run: &Apply<'_>, report: &mut Report) -> Result<(), StateError> {
    for refresh in &run.plan.refreshes {
        run.journal.append(Entry::Own { resource: refresh.owned.clone() }).await?;
    }
    for change in run.plan.changes.iter().filter(|change| change.verb == Verb::Forget) {
        run.journal.append(Entry::Drop { address: change.address.clone() }).await?;
        *report.done.entry(Verb::Forget).or_default() += 1;
    }
    let made = |change: &&Change| matches!(change.verb, Verb::Create | Verb::Replace | Verb::Adopt);
    let intended: Vec<Owned> = run.plan.changes.iter().filter(made).map(record).collect();
    if !intended.is_empty() {
        run.journal.append(Entry::Intend { resources: intended }).await?;
    }
    Ok(())
}

/// The state's record of a change that is carried out.
fn record(change: &Change) -> Owned {
    Owned {
        address: change.address.clone(),
        label: change.origin.label.clone(),
        target: change.target.clone(),
        protect: change.protect,
        fields: change.after.clone().unwrap_or_default(),
    }
}

/// The old half of a replace stays when the new half failed: no moment without an alarm.
fn leave_out_dependents(wave: Wave, failed: &BTreeSet<Address>, report: &mut Report) -> Wave {
    wave.into_iter()
        .filter_map(|mut batch| {
            batch.steps.retain(|step| {
                let blocked = matches!(step, Step::Remove(change) if failed.contains(&change.address));
                if blocked && let Some(previous) = &step.change().replaces {
                    report.skipped.push(previous.address.clone());
                }
                !blocked
            });
            (!batch.steps.is_empty()).then_some(batch)
        })
        .collect()
}

fn announce(wave: &Wave) -> Event {
    let mut calls: BTreeMap<_, (_, usize)> = BTreeMap::new();
    for batch in wave {
        if let Some(step) = batch.steps.first() {
            let operation = batch.kind.pacing_operation(step);
            calls.entry((batch.scope.clone(), operation.name)).or_insert((operation, 0)).1 += 1;
        }
    }
    Event::Wave {
        steps: wave.iter().map(|batch| batch.steps.len()).sum(),
        calls: calls.into_iter().map(|((scope, _), (operation, count))| (scope, operation, count)).collect(),
    }
}

async fn run_wave(
    run: &Apply<'_>,
    wave: Wave,
    failed: &mut BTreeSet<Address>,
    report: &mut Report,
) -> Result<(), StateError> {
    let mut running = futures::stream::iter(wave.into_iter().map(|batch| run_batch(run, batch)))
        .buffer_unordered(IN_FLIGHT);
    let mut journal_failure = None;
    while let Some(outcome) = running.next().await {
        for (step, result) in outcome {
            match result {
                StepResult::Done => count(&step, report),
                StepResult::NotBegun => {
                    failed.insert(step.change().address.clone());
                    // A replace that was not begun counts once, by its first half.
                    report.not_begun +=
                        usize::from(matches!(step, Step::Write(_)) || step.change().replaces.is_none());
                }
                StepResult::Failed(error) => {
                    failed.insert(step.change().address.clone());
                    let failure = Failure {
                        verb: step.change().verb,
                        address: step.change().address.clone(),
                        target: step.change().target.clone(),
                        error,
                    };
                    (run.progress)(Event::Failed(failure.clone()));
                    report.failures.push(failure);
                }
                StepResult::NotRecorded(error) => {
                    // Nothing new is sent; what is in flight is waited for.
                    run.aws.stop().cancel();
                    journal_failure.get_or_insert(error);
                }
            }
        }
    }
    journal_failure.map_or(Ok(()), Err)
}

/// A replace is done when its old half is gone.
fn count(step: &Step, report: &mut Report) {
    let change = step.change();
    if change.verb != Verb::Replace || matches!(step, Step::Remove(_)) {
        *report.done.entry(change.verb).or_default() += 1;
    }
}

enum StepResult {
    Done,
    NotBegun,
    Failed(AwsError),
    NotRecorded(StateError),
}

async fn run_batch(run: &Apply<'_>, batch: Batch) -> Vec<(Step, StepResult)> {
    if run.aws.stop().is_cancelled() {
        return batch.steps.into_iter().map(|step| (step, StepResult::NotBegun)).collect();
    }
    let results = batch.kind.carry_out(run.aws, &run.plan.project, &batch.steps).await;
    let recorded = batch.steps.iter().zip(&results).map(|(step, result)| async move {
        match result {
            Ok(()) => run.journal.append(entry(step)).await,
            Err(_) => Ok(()),
        }
    });
    let recorded = futures::future::join_all(recorded).await;
    let mut outcome = Vec::with_capacity(batch.steps.len());
    for ((step, result), recorded) in batch.steps.into_iter().zip(results).zip(recorded) {
        let result = match (result, recorded) {
            (Ok(()), Ok(())) => {
                tracing::info!(verb = ?step.change().verb, address = %step.change().address, "done");
                (run.progress)(Event::Done {
                    verb: step.change().verb,
                    address: step.change().address.clone(),
                    operation: batch.kind.pacing_operation(&step),
                });
                StepResult::Done
            }
            (Ok(()), Err(error)) => StepResult::NotRecorded(error),
            (Err(error), _) if error.class == ErrorClass::Stopped => StepResult::NotBegun,
            (Err(error), _) => StepResult::Failed(error),
        };
        outcome.push((step, result));
    }
    outcome
}

fn entry(step: &Step) -> Entry {
    match step {
        Step::Write(change) => Entry::Own { resource: record(change) },
        Step::Remove(change) => {
            let gone = change.replaces.as_ref().map_or(&change.address, |previous| &previous.address);
            Entry::Drop { address: gone.clone() }
        }
    }
}
