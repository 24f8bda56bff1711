//! Look, decide, call, look again: many instances side by side, with one look for all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::future::join_all;
use futures::join;
use jiff::Timestamp;
use tokio::time::Instant;

use super::act::{After, Made, Subject, act, is_unclear, operation, outlook_of, switch};
use super::facts;
use super::observe::{Seen, observe};
use super::patience::{AGREES_WITHIN, Lasting, SHOWN_WITHIN, Start, Surprises, Taken, Timely};
use crate::aws::{Aws, AwsError, ErrorClass, Operation};
use crate::model::{Address, Scope};
use crate::resources::instance_storage::decide::{Memory, Step, Verdict, decide};
use crate::resources::instance_storage::spec::{Standing, Storage, standing};
use crate::resources::instance_storage::words::steps_words;
use crate::resources::instance_storage::world::{Copied, Stage, World};
use crate::resources::{Course, Step as KindStep};

/// The first pause between two looks; it doubles up to the longest one. There is no limit to how long is waited: the first
/// snapshot of a large volume takes hours.
const FIRST_PAUSE: Duration = Duration::from_millis(150);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The pause before another set of snapshots: AWS takes one in fifteen seconds of a volume, and a set that is as old as the start
/// of its instance to the second is of no use.
const BEFORE_ANOTHER_SET: Duration = Duration::from_secs(2);

/// For how long what was seen is taken for true by calls that take something away.
const TRUE_FOR: Duration = Duration::from_secs(20);

/// MiB/s that the volumes of a Region load with in all.
const INITIALIZATION_OF_A_REGION: i32 = 5_000;

/// One instance on its way.
struct Job<'a> {
    address: &'a Address,
    label: &'a str,
    wanted: Storage,
    memory: Memory,
    /// What AWS made and does not show yet.
    expected: BTreeSet<String>,
    unseen: Lasting,
    disagrees: Lasting,
    surprises: Surprises,
    taken: Taken,
    start: Option<Start>,
    /// What tells this run's calls from those of others.
    run: u32,
    /// The time of the last start that was seen.
    started: Timestamp,
    /// What was last told to be waited for.
    told: String,
    standing: Option<Standing>,
    outcome: Option<Result<(), AwsError>>,
}

/// Brings the storage of instances, all in one scope, to where it is wanted.
pub(super) async fn drive(course: &Course<'_>, batch: &[KindStep]) -> Vec<Result<(), AwsError>> {
    let Some(first) = batch.first() else { return Vec::new() };
    let scope = first.address().scope.clone();
    let mut jobs: Vec<Job<'_>> = batch.iter().map(|step| Job::new(step, &scope)).collect();
    let mut refusals_known = false;
    let mut out_of_reach = false;
    let mut idle = 0;
    while jobs.iter().any(Job::is_open) {
        if course.aws.stop().is_cancelled() {
            jobs.iter_mut().filter(|job| job.is_open()).for_each(|job| job.leave(&scope));
            break;
        }
        let open: Vec<&str> = jobs.iter().filter(|job| job.is_open()).map(|job| &*job.address.key).collect();
        let deadline = Instant::now() + TRUE_FOR;
        let seen = match observe(course.aws, &scope, &open).await {
            Ok(seen) => seen,
            Err(error) if matches!(error.class, ErrorClass::Transient | ErrorClass::Throttled) => {
                // AWS is at work all the same: a network that is away for an hour ends nothing.
                if !out_of_reach {
                    tell_first(course, &jobs, &format!("looks again until AWS answers: {error}"));
                    out_of_reach = true;
                }
                pause(course.aws, &mut idle).await;
                continue;
            }
            Err(error) if error.class == ErrorClass::Stopped => continue,
            Err(error) => {
                fail_all(&mut jobs, &error);
                break;
            }
        };
        out_of_reach = false;
        if !refusals_known {
            refuse(course, &scope, &mut jobs, &seen).await;
            refusals_known = true;
        }
        let mut budget = initialization_budget(&jobs, &seen);
        let mut round: Round = Vec::new();
        for (index, job) in jobs.iter_mut().enumerate().filter(|(_, job)| job.is_open()) {
            let steps = job.judge(course, &scope, &seen, &mut budget);
            round.extend(steps.into_iter().map(|step| (index, step)));
        }
        if round.is_empty() {
            if jobs.iter().any(Job::is_open) {
                pause(course.aws, &mut idle).await;
            }
            continue;
        }
        idle = 0;
        let results = carry_out(course, deadline, &jobs, &round).await;
        for ((index, step), result) in round.iter().zip(results) {
            jobs[*index].learn(course, step, result);
        }
    }
    jobs.into_iter().map(|job| job.outcome.unwrap_or(Ok(()))).collect()
}

/// What is called at once, and for which job.
type Round = Vec<(usize, Step)>;

/// Makes the calls of a round side by side. Stops and starts of many instances are one call; where that fails, which of
/// them it is because of is found out one by one.
async fn carry_out(
    course: &Course<'_>,
    deadline: Instant,
    jobs: &[Job<'_>],
    round: &Round,
) -> Vec<Result<Made, AwsError>> {
    let one_by_one = |steps: Vec<usize>| {
        join_all(steps.into_iter().map(|at| jobs[round[at].0].call_at(course, deadline, at, &round[at].1)))
    };
    let (together, single): (Vec<usize>, Vec<usize>) =
        (0..round.len()).partition(|at| matches!(round[*at].1, Step::Stop | Step::Start));
    let (starts, stops): (Vec<usize>, Vec<usize>) =
        together.into_iter().partition(|at| round[*at].1 == Step::Start);
    let of_many = |steps: Vec<usize>, step: Step| async move {
        if steps.len() < 2 {
            return one_by_one(steps).await;
        }
        let ids: Vec<&str> = steps.iter().map(|at| &*jobs[round[*at].0].address.key).collect();
        match switch(course.aws, &jobs[round[steps[0]].0].address.scope, &ids, &step).await {
            Ok(()) => steps.into_iter().map(|at| (at, Ok(Made::default()))).collect(),
            Err(error) if is_unclear(&error) => {
                steps.into_iter().map(|at| (at, Err(error.clone()))).collect()
            }
            Err(_) => one_by_one(steps).await,
        }
    };
    let (single, stops, starts) =
        join!(one_by_one(single), of_many(stops, Step::Stop), of_many(starts, Step::Start));
    let mut results: Vec<_> = single.into_iter().chain(stops).chain(starts).collect();
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}

/// MiB/s with which further volumes may be loaded: what a Region gives in all ("Initialize Amazon EBS volumes" in the EBS user
/// guide; a request beyond that fails), less what is being made.
fn initialization_budget(jobs: &[Job<'_>], seen: &BTreeMap<String, Seen>) -> i32 {
    let making = |job: &&Job<'_>| {
        let volumes = seen.get(&*job.address.key).map(|seen| &seen.world.volumes);
        volumes.into_iter().flatten().filter(|one| one.stage == Stage::Creating && one.mark.is_some()).count()
    };
    let open = jobs.iter().filter(|job| job.is_open());
    let used = open.filter_map(|job| {
        Some(job.wanted.initialization_rate?.saturating_mul(i32::try_from(making(&job)).ok()?))
    });
    INITIALIZATION_OF_A_REGION.saturating_sub(used.fold(0, i32::saturating_add))
}

fn tell_first(course: &Course<'_>, jobs: &[Job<'_>], what: &str) {
    if let Some(job) = jobs.iter().find(|job| job.is_open()) {
        (course.tell)(job.address, what);
    }
}

fn fail_all(jobs: &mut [Job<'_>], error: &AwsError) {
    for job in jobs.iter_mut().filter(|job| job.is_open()) {
        job.outcome = Some(Err(error.clone()));
    }
}

/// What must not be parked is left alone before anything is touched.
async fn refuse(course: &Course<'_>, scope: &Scope, jobs: &mut [Job<'_>], seen: &BTreeMap<String, Seen>) {
    let wanted: BTreeMap<&str, &Storage> = jobs.iter().map(|job| (&*job.address.key, &job.wanted)).collect();
    match facts::find(course.aws, scope, course.project, seen, &wanted).await {
        Err(error) => fail_all(jobs, &error),
        Ok(facts::Facts { refused, .. }) => {
            for job in jobs.iter_mut() {
                if let Some(why) = refused.get(&*job.address.key) {
                    let operation = Operation::STOP_INSTANCES;
                    job.outcome = Some(Err(AwsError::overtaken(operation, scope, why.clone())));
                }
            }
        }
    }
}

/// Waits longer each time, and never at the same moment as others.
async fn pause(aws: &Aws, idle: &mut u32) {
    let whole = FIRST_PAUSE.saturating_mul(1 << (*idle).min(10)).min(LONGEST_PAUSE);
    *idle = idle.saturating_add(1);
    tokio::select! {
        () = aws.stop().cancelled() => {}
        () = tokio::time::sleep(whole.mul_f64(0.5 + fastrand::f64() / 2.0)) => {}
    }
}

impl<'a> Job<'a> {
    fn new(step: &'a KindStep, scope: &Scope) -> Self {
        let change = step.change();
        let wanted = match step {
            KindStep::Write(change) => change.after.as_ref().and_then(Storage::from_fields),
            KindStep::Remove(_) => None,
        };
        let unknown =
            || AwsError::halted(Operation::STOP_INSTANCES, scope, "the plan does not say what is wanted");
        Self {
            address: &change.address,
            label: &change.origin.label,
            outcome: wanted.is_none().then(|| Err(unknown())),
            wanted: wanted.unwrap_or_default(),
            memory: Memory::default(),
            expected: BTreeSet::new(),
            unseen: Lasting::default(),
            disagrees: Lasting::default(),
            surprises: Surprises::default(),
            taken: Taken::default(),
            start: None,
            started: Timestamp::UNIX_EPOCH,
            run: fastrand::u32(..),
            told: String::new(),
            standing: None,
        }
    }

    fn is_open(&self) -> bool {
        self.outcome.is_none()
    }

    /// What is to be called now; nothing where there is something to wait for, or this job has come to its end.
    fn judge(
        &mut self,
        course: &Course<'_>,
        scope: &Scope,
        seen: &BTreeMap<String, Seen>,
        budget: &mut i32,
    ) -> Vec<Step> {
        let Some(seen) = seen.get(&*self.address.key) else {
            let why = "the instance is gone; its parking snapshots, if there are any, stay as they are";
            self.outcome = Some(Err(AwsError::overtaken(Operation::DESCRIBE_INSTANCES, scope, why)));
            return Vec::new();
        };
        let world = &seen.world;
        self.standing = Some(standing(world));
        self.started = world.instance.started;
        self.memory.see(world);
        if !self.shows_what_was_made(world) {
            return Vec::new();
        }
        if !seen.agrees() {
            if self.disagrees.longer_than(AGREES_WITHIN) {
                let why =
                    "AWS shows other volumes of the instance than the instance has; nothing further is done";
                self.halt(scope, Operation::DESCRIBE_VOLUMES, why);
            }
            return Vec::new();
        }
        self.disagrees.over();
        if self.surprises.rests() {
            return Vec::new();
        }
        self.memory.fell_back = self.start.as_mut().is_some_and(|start| start.fell_back(&world.instance));
        match decide(world, &self.wanted.goal(), &self.memory) {
            Verdict::Act(steps) => return self.timely(course, scope, world, steps, budget),
            Verdict::Wait(what) => {
                self.memory.wait();
                self.wait(course, scope, world, &what);
            }
            Verdict::Done => {
                (course.tell)(self.address, if self.wanted.parked { "parked" } else { "runs" });
                self.outcome = Some(Ok(()));
            }
            Verdict::Stuck(why) => self.halt(scope, Operation::DESCRIBE_INSTANCES, why),
        }
        Vec::new()
    }

    fn halt(&mut self, scope: &Scope, operation: &'static Operation, why: impl Into<String>) {
        self.outcome = Some(Err(AwsError::halted(operation, scope, why)));
    }

    /// Of what was decided, what may be called now.
    fn timely(
        &mut self,
        course: &Course<'_>,
        scope: &Scope,
        world: &World,
        mut steps: Vec<Step>,
        budget: &mut i32,
    ) -> Vec<Step> {
        if let Some(rate) = self.wanted.initialization_rate {
            steps.retain(|step| {
                if matches!(step, Step::CreateVolume { .. }) {
                    let fits = *budget >= rate;
                    *budget -= if fits { rate } else { 0 };
                    return fits;
                }
                true
            });
        }
        match self.taken.timely(steps) {
            Timely::Now(steps) => {
                for words in steps_words(&steps, world) {
                    (course.tell)(self.address, &words);
                }
                steps
            }
            Timely::InVain(step) => {
                let what = steps_words(&[step.clone()], world).join("");
                let why = format!(
                    "AWS took the call again and again, and what it shows stays the same or is undone: {what}"
                );
                self.halt(scope, operation(&step), why);
                Vec::new()
            }
        }
    }

    /// AWS's lists lag a little behind what it has done.
    fn shows_what_was_made(&mut self, world: &World) -> bool {
        let shown = |id: &String| {
            world.snapshots.iter().any(|one| one.id == *id) || world.volumes.iter().any(|one| one.id == *id)
        };
        self.expected.retain(|id| !shown(id));
        if self.expected.is_empty() || self.unseen.longer_than(SHOWN_WITHIN) {
            self.expected.clear();
            self.unseen.over();
        }
        self.expected.is_empty()
    }

    fn wait(&mut self, course: &Course<'_>, scope: &Scope, world: &World, what: &str) {
        let copying = world.snapshots.iter().any(|one| matches!(one.copied, Copied::Pending(_)));
        if !course.wait && copying {
            let why = format!("begun: waits for {what}");
            self.outcome = Some(Err(AwsError::unfinished(Operation::CREATE_SNAPSHOTS, scope, why)));
            return;
        }
        // How far a snapshot is changes with every look.
        let lasting: String = what.split_inclusive([';', ' ']).filter(|word| !word.contains('%')).collect();
        if self.told != lasting {
            (course.tell)(self.address, &format!("waits for {what}"));
            self.told = lasting;
        }
    }

    async fn call_at(
        &self,
        course: &Course<'_>,
        deadline: Instant,
        at: usize,
        step: &Step,
    ) -> (usize, Result<Made, AwsError>) {
        (at, self.call(course, deadline, step).await)
    }

    async fn call(&self, course: &Course<'_>, deadline: Instant, step: &Step) -> Result<Made, AwsError> {
        let scope = &self.address.scope;
        if matches!(step, Step::CreateSet { .. }) && self.memory.sets_begun > 0 {
            tokio::select! {
                () = course.aws.stop().cancelled() => {}
                () = tokio::time::sleep(BEFORE_ANOTHER_SET) => {}
            }
        }
        let subject = Subject {
            scope,
            instance: &self.address.key,
            project: course.project,
            label: self.label,
            initialization_rate: self.wanted.initialization_rate,
            run: self.run,
            deadline,
        };
        act(course.aws, &subject, step).await
    }

    /// Takes note of how a call ended.
    fn learn(&mut self, course: &Course<'_>, step: &Step, result: Result<Made, AwsError>) {
        let error = match result {
            Ok(made) => {
                self.expected.extend(made.ids);
                self.memory.note(step, made.key_fault);
                self.taken.note(step);
                if *step == Step::Start {
                    self.start = Some(Start::new(self.started));
                }
                return;
            }
            Err(error) => error,
        };
        tracing::debug!(%error, ?step, "a step failed");
        if matches!(step, Step::Detach { .. }) && is_unclear(&error) {
            self.memory.note(step, None);
        }
        match outlook_of(step, &error) {
            _ if error.class == ErrorClass::Stopped => {}
            After::Late => {}
            After::UsedUp => self.memory.note(step, None),
            After::Undeletable(snapshot) => {
                (course.tell)(
                    self.address,
                    &format!("{snapshot} stays, as an ordinary snapshot: {}", error.message),
                );
                self.memory.undeletable.insert(snapshot);
            }
            After::Waiting if course.wait => {
                let what = "waits until AWS takes further snapshots of its volumes";
                if self.told != what {
                    (course.tell)(self.address, &format!("{what}: {}", error.message));
                    what.clone_into(&mut self.told);
                }
                // For hours, where need be.
                self.surprises.one_more();
            }
            After::AnotherLook if !self.surprises.one_more() => {}
            _ => {
                // The first failure is the one to tell.
                self.outcome.get_or_insert(Err(error));
            }
        }
    }

    /// The run was stopped.
    fn leave(&mut self, scope: &Scope) {
        let error = match self.standing {
            None => AwsError::stopped(Operation::STOP_INSTANCES, scope),
            Some(standing) => {
                let why = format!("stopped while the instance is {}", standing.words());
                AwsError::unfinished(Operation::STOP_INSTANCES, scope, why)
            }
        };
        self.outcome = Some(Err(error));
    }
}
