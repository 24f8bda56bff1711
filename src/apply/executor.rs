//! The executor.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use futures::StreamExt;

use super::look::Looks;
use super::report::{Event, Failure, Report};
use super::steps::{Batch, Turn, Wave, turn, waves};
use crate::aws::{Aws, AwsError, ErrorClass, Operation};
use crate::model::{Address, Fields, Owned, Scope, TargetRef};
use crate::plan::{Change, Plan, Verb};
use crate::resources::{self, Course, Kind, Step};
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
    /// Whether to wait for what takes AWS hours, or to leave that to the next run.
    pub wait: bool,
}

/// What has not come to its end, so that what depends on it is left alone.
#[derive(Default)]
struct Unfinished {
    failed: BTreeSet<Address>,
    not_begun: BTreeSet<Address>,
    /// The targets of what was to be written and was not.
    targets: BTreeSet<(Scope, TargetRef)>,
    /// The labels of what was to be written and was not, and of what of that has no single target.
    labels: BTreeSet<(Scope, String)>,
    labels_of_many: BTreeSet<(Scope, String)>,
    /// What that was to act on.
    acted_on: BTreeSet<(Scope, String)>,
}

impl Unfinished {
    fn note(&mut self, step: &Step, failed: bool) {
        let change = step.change();
        let set = if failed { &mut self.failed } else { &mut self.not_begun };
        set.insert(change.address.clone());
        if let Step::Write(_) = step {
            let label = label_of(change);
            self.labels.insert(label.clone());
            match &change.target {
                Some(target) => drop(self.targets.insert((label.0, target.clone()))),
                None => drop(self.labels_of_many.insert(label)),
            }
            self.acted_on.extend(acts_on(change, change.after.as_ref()));
        }
    }

    /// Whether something that was to be written first was not: for the same target, or, where one of the two is for many targets,
    /// by the same declaration, or by one of another name that acts on the same.
    fn holds_back(&self, kind: &dyn Kind, step: &Step) -> bool {
        let change = step.change();
        if matches!(step, Step::Write(_)) {
            let container = resources::container(&change.address);
            if container.is_some_and(|it| self.failed.contains(&it)) {
                return true;
            }
            match turn(kind, step) {
                Turn::First => return false,
                Turn::AfterItsTargets => return self.left_what_it_acts_on(change, change.after.as_ref()),
                Turn::AfterItsDeclaration | Turn::CutsBack => {}
            }
        }
        let label = label_of(change);
        self.failed.contains(&change.address)
            || self.not_begun.contains(&change.address)
            || self.labels_of_many.contains(&label)
            || match &change.target {
                Some(target) => self.targets.contains(&(label.0, target.clone())),
                None => self.labels.contains(&label) || self.left_what_it_acts_on(change, step.before()),
            }
    }

    fn left_what_it_acts_on(&self, change: &Change, fields: Option<&Fields>) -> bool {
        !self.acted_on.is_empty() && acts_on(change, fields).any(|one| self.acted_on.contains(&one))
    }
}

fn acts_on(change: &Change, fields: Option<&Fields>) -> impl Iterator<Item = (Scope, String)> {
    let Address { kind, scope, .. } = &change.address;
    let ids = resources::kind(kind).zip(fields).map(|(kind, fields)| kind.acts_on(fields));
    ids.unwrap_or_default().into_iter().map(|id| (scope.clone(), id))
}

fn label_of(change: &Change) -> (Scope, String) {
    (change.address.scope.clone(), change.origin.label.clone())
}

/// Carries out a plan. One failure never stops the others, unless it is one that all others would share: credentials
/// that AWS no longer accepts, or a permission that is missing for every call of an operation.
///
/// # Errors
/// Only where the journal cannot be written: then nothing further is begun, because it could be forgotten.
pub async fn apply(run: Apply<'_>) -> Result<Report, StateError> {
    let mut report = Report::default();
    record_what_needs_no_call(&run, &mut report).await?;
    let mut unfinished = Unfinished::default();
    let hopeless = Hopeless::default();
    for wave in waves(run.plan, resources::kind) {
        let wave = leave_out_dependents(wave, &mut unfinished, &mut report);
        (run.progress)(announce(&wave));
        run_wave(&run, wave, &hopeless, &mut unfinished, &mut report).await?;
    }
    Ok(report)
}

async fn record_what_needs_no_call(run: &Apply<'_>, report: &mut Report) -> Result<(), StateError> {
    let refreshes = run.plan.refreshes.iter().map(|refresh| refresh.owned.clone());
    let records = refreshes.map(|resource| run.journal.append(Entry::Own { resource }));
    futures::future::try_join_all(records).await?;
    for change in run.plan.changes.iter().filter(|change| change.verb == Verb::Forget) {
        run.journal.append(Entry::Drop { address: change.address.clone() }).await?;
        *report.done.entry(Verb::Forget).or_default() += 1;
    }
    // Not adoptions: what existed before is nobody's until its tag says that it is ours.
    let made = |change: &&Change| matches!(change.verb, Verb::Create | Verb::Replace);
    let intended: Vec<Owned> = run.plan.changes.iter().filter(made).map(Change::record).collect();
    if !intended.is_empty() {
        run.journal.append(Entry::Intend { resources: intended }).await?;
    }
    Ok(())
}

/// Nothing is removed from a target, and nothing cut back, while something new for it was not made: no moment without an
/// alarm. Nothing is made in what is not there.
fn leave_out_dependents(wave: Wave, unfinished: &mut Unfinished, report: &mut Report) -> Wave {
    wave.into_iter()
        .filter_map(|mut batch| {
            batch.steps.retain(|step| {
                let held_back = unfinished.holds_back(batch.kind, step);
                // A replace that was not begun is counted by its first half.
                if held_back && !unfinished.not_begun.contains(&step.change().address) {
                    report.skipped.push(step.address().clone());
                }
                if held_back && matches!(step, Step::Write(_)) {
                    unfinished.note(step, true);
                }
                !held_back
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
    hopeless: &Hopeless,
    unfinished: &mut Unfinished,
    report: &mut Report,
) -> Result<(), StateError> {
    let looks = Looks::of(&wave);
    let batches = wave.into_iter().map(|batch| run_batch(run, batch, &looks, hopeless));
    let mut running = futures::stream::iter(batches).buffer_unordered(IN_FLIGHT);
    let mut journal_failure = None;
    while let Some(outcome) = running.next().await {
        for (step, result) in outcome {
            match result {
                StepResult::Done => count(&step, report),
                StepResult::NotBegun => {
                    unfinished.note(&step, false);
                    report.not_begun += 1;
                }
                StepResult::Begun(error) => {
                    unfinished.note(&step, false);
                    report.begun += 1;
                    let address = step.address().clone();
                    (run.progress)(Event::Begun { address, how_far: error.message });
                }
                StepResult::Failed(error) => {
                    unfinished.note(&step, true);
                    let failure =
                        Failure { verb: step.change().verb, address: step.address().clone(), error };
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
    Begun(AwsError),
    Failed(AwsError),
    NotRecorded(StateError),
}

async fn run_batch(
    run: &Apply<'_>,
    batch: Batch,
    looks: &Looks,
    hopeless: &Hopeless,
) -> Vec<(Step, StepResult)> {
    let Some(first) = batch.steps.first() else { return Vec::new() };
    let (account, operation) = (&batch.scope.account, batch.kind.pacing_operation(first));
    let results = if run.aws.stop().is_cancelled() || hopeless.is(account, operation) {
        batch.steps.iter().map(|_| Err(AwsError::stopped(operation, &batch.scope))).collect()
    } else {
        send(run, &batch, looks).await
    };
    for result in &results {
        hopeless.learn(account, operation, result.as_ref().err());
    }
    let recorded = batch.steps.iter().zip(&results).map(|(step, result)| async move {
        match entry(step, result) {
            Some(entry) => run.journal.append(entry).await,
            None => Ok(()),
        }
    });
    let recorded = futures::future::join_all(recorded).await;
    (run.progress)(Event::Called { scope: batch.scope.clone(), operation });
    let mut outcome = Vec::with_capacity(batch.steps.len());
    for ((step, result), recorded) in batch.steps.into_iter().zip(results).zip(recorded) {
        let result = match (result, recorded) {
            (Ok(()), Ok(())) => {
                tracing::info!(verb = ?step.change().verb, address = %step.address(), "done");
                (run.progress)(Event::Done { address: step.address().clone() });
                StepResult::Done
            }
            (_, Err(error)) => StepResult::NotRecorded(error),
            (Err(error), _) if error.class == ErrorClass::Stopped => StepResult::NotBegun,
            (Err(error), _) if error.class == ErrorClass::Unfinished => StepResult::Begun(error),
            (Err(error), _) => StepResult::Failed(error),
        };
        outcome.push((step, result));
    }
    outcome
}

/// Carries out the steps of a batch that are still as the plan saw them, with a result for each of all.
async fn send(run: &Apply<'_>, batch: &Batch, looks: &Looks) -> Vec<Result<(), AwsError>> {
    let objections = looks.objections(run, batch).await;
    let free = batch.steps.iter().zip(&objections).filter(|(_, objection)| objection.is_none());
    let free: Vec<Step> = free.map(|(step, _)| step.clone()).collect();
    let tell = |address: &Address, what: &str| {
        (run.progress)(Event::Step { address: address.clone(), what: what.to_owned() });
    };
    let course = Course { aws: run.aws, project: &run.plan.project, wait: run.wait, tell: &tell };
    let sent = batch.kind.carry_out_telling(&course, &free).await;
    let mut sent = sent.into_iter();
    objections
        .into_iter()
        .filter_map(|objection| objection.map_or_else(|| sent.next(), |e| Some(Err(e))))
        .collect()
}

/// What is recorded of a step that ended so; nothing where it is not known whether AWS did it.
fn entry(step: &Step, result: &Result<(), AwsError>) -> Option<Entry> {
    match (step, result) {
        (Step::Write(change) | Step::Remove(change), _) if !change.is_recorded() => None,
        (Step::Write(change), Ok(())) => Some(Entry::Own { resource: change.record() }),
        (Step::Remove(_), Ok(())) => Some(Entry::Drop { address: step.address().clone() }),
        (Step::Write(change), Err(error)) if error.is_refusal() => {
            Some(Entry::Withdraw { address: change.address.clone() })
        }
        _ => None,
    }
}

/// Where trying on is of no use.
#[derive(Default)]
struct Hopeless(Mutex<HashMap<(String, &'static str), Standing>>);

#[derive(Default)]
struct Standing {
    succeeded: bool,
    denied: usize,
    without_credentials: bool,
}

/// So many denials in a row, and not one success, before the rest is left alone: a policy may deny single names.
const DENIALS: usize = 20;

impl Hopeless {
    fn is(&self, account: &str, operation: &'static Operation) -> bool {
        let standings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |name| standings.get(&(account.to_owned(), name));
        let denied = of(operation.name).is_some_and(|s: &Standing| !s.succeeded && s.denied >= DENIALS);
        denied || of(EVERY_OPERATION).is_some_and(|standing| standing.without_credentials)
    }

    fn learn(&self, account: &str, operation: &'static Operation, error: Option<&AwsError>) {
        let mut standings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let standing = standings.entry((account.to_owned(), operation.name)).or_default();
        match error.map(|error| error.class) {
            None => standing.succeeded = true,
            Some(ErrorClass::Denied) => standing.denied += 1,
            Some(ErrorClass::Credentials | ErrorClass::NoCredentials) => {
                standings.entry((account.to_owned(), EVERY_OPERATION)).or_default().without_credentials =
                    true;
            }
            Some(_) => {}
        }
    }
}

/// Credentials are the account's, whatever the operation.
const EVERY_OPERATION: &str = "*";
