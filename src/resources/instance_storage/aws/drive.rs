//! Look, decide, call, look again: many instances side by side, with one look for all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::future::join_all;

use super::act::{Made, Subject, act, is_worth_another_look};
use super::facts::refusals;
use super::observe::{Seen, observe};
use crate::aws::{Aws, AwsError, ErrorClass, Operation};
use crate::model::{Address, Scope};
use crate::resources::instance_storage::decide::{Memory, Step, Verdict, decide};
use crate::resources::instance_storage::spec::{Standing, Storage, standing};
use crate::resources::instance_storage::words::steps_words;
use crate::resources::instance_storage::world::{Copied, Power, World};
use crate::resources::{Course, Step as KindStep};

/// The first pause between two looks; it doubles up to the longest one. There is no limit to how long is waited: the first
/// snapshot of a large volume takes hours.
const FIRST_PAUSE: Duration = Duration::from_millis(150);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The pause before another set of snapshots: AWS takes one in fifteen seconds of a volume, and a set that is as old as the start
/// of its instance to the second is of no use.
const BEFORE_ANOTHER_SET: Duration = Duration::from_secs(2);

/// Looks for what AWS said that it made, before that is taken for gone.
const MOST_LOOKS: usize = 12;

/// Looks in a row at an instance and its volumes that do not agree; with the pauses between them many minutes.
const MOST_DISAGREEMENTS: usize = 40;

/// Calls in a row that AWS refuses because the world is another one.
const MOST_SURPRISES: usize = 8;

/// One instance on its way.
struct Job<'a> {
    address: &'a Address,
    label: &'a str,
    wanted: Storage,
    memory: Memory,
    /// What AWS made and does not show yet, and how often that was looked for.
    expected: BTreeSet<String>,
    looks: usize,
    surprises: usize,
    disagreements: usize,
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
    let mut idle = 0;
    while jobs.iter().any(Job::is_open) {
        if course.aws.stop().is_cancelled() {
            jobs.iter_mut().filter(|job| job.is_open()).for_each(|job| job.leave(&scope));
            break;
        }
        let open: Vec<&str> = jobs.iter().filter(|job| job.is_open()).map(|job| &*job.address.key).collect();
        let seen = match observe(course.aws, &scope, &open).await {
            Ok(seen) => seen,
            Err(error) if matches!(error.class, ErrorClass::Transient | ErrorClass::Throttled) => {
                // AWS is at work all the same: a network that is away for an hour ends nothing.
                pause(course.aws, &mut idle).await;
                continue;
            }
            Err(error) if error.class == ErrorClass::Stopped => continue,
            Err(error) => {
                fail_all(&mut jobs, &error);
                break;
            }
        };
        if !refusals_known {
            refuse(course, &scope, &mut jobs, &seen).await;
            refusals_known = true;
        }
        let round: Vec<(usize, Step)> = jobs
            .iter_mut()
            .enumerate()
            .filter(|(_, job)| job.is_open())
            .flat_map(|(index, job)| {
                let steps = job.judge(course, &scope, &seen);
                steps.into_iter().map(move |step| (index, step))
            })
            .collect();
        if round.is_empty() {
            if jobs.iter().any(Job::is_open) {
                pause(course.aws, &mut idle).await;
            }
            continue;
        }
        let results = join_all(round.iter().map(|(index, step)| jobs[*index].call(course, step))).await;
        let mut surprised = false;
        for ((index, step), result) in round.iter().zip(results) {
            surprised |= jobs[*index].learn(step, result);
        }
        if surprised {
            pause(course.aws, &mut idle).await;
        } else {
            idle = 0;
        }
    }
    jobs.into_iter().map(|job| job.outcome.unwrap_or(Ok(()))).collect()
}

fn fail_all(jobs: &mut [Job<'_>], error: &AwsError) {
    for job in jobs.iter_mut().filter(|job| job.is_open()) {
        job.outcome = Some(Err(error.clone()));
    }
}

/// What must not be parked is left alone before anything is touched.
async fn refuse(course: &Course<'_>, scope: &Scope, jobs: &mut [Job<'_>], seen: &BTreeMap<String, Seen>) {
    let wanted: BTreeMap<&str, &Storage> = jobs.iter().map(|job| (&*job.address.key, &job.wanted)).collect();
    match refusals(course.aws, scope, course.project, seen, &wanted).await {
        Err(error) => fail_all(jobs, &error),
        Ok(refused) => {
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
            looks: 0,
            surprises: 0,
            disagreements: 0,
            told: String::new(),
            standing: None,
        }
    }

    fn is_open(&self) -> bool {
        self.outcome.is_none()
    }

    /// What is to be called now; nothing where there is something to wait for, or this job has come to its end.
    fn judge(&mut self, course: &Course<'_>, scope: &Scope, seen: &BTreeMap<String, Seen>) -> Vec<Step> {
        let Some(seen) = seen.get(&*self.address.key) else {
            let why = "the instance is gone; its parking snapshots, if there are any, stay as they are";
            self.outcome = Some(Err(AwsError::overtaken(Operation::DESCRIBE_INSTANCES, scope, why)));
            return Vec::new();
        };
        let world = &seen.world;
        self.standing = Some(standing(world));
        if !self.shows_what_was_made(world) {
            return Vec::new();
        }
        if !seen.agrees() {
            self.disagreements += 1;
            if self.disagreements > MOST_DISAGREEMENTS {
                let why =
                    "AWS shows other volumes of the instance than the instance has; nothing further is done";
                self.outcome = Some(Err(AwsError::halted(Operation::DESCRIBE_VOLUMES, scope, why)));
            }
            return Vec::new();
        }
        self.disagreements = 0;
        if self.memory.starts > 0 && world.instance.power == Power::Stopped {
            self.memory.seen_stopped += 1;
        }
        match decide(world, &self.wanted.goal(), &self.memory) {
            Verdict::Act(steps) => {
                let steps: Vec<Step> = steps.into_iter().collect();
                for words in steps_words(&steps, world) {
                    (course.tell)(self.address, &words);
                }
                return steps;
            }
            Verdict::Wait(what) => self.wait(course, scope, world, &what),
            Verdict::Done => {
                (course.tell)(self.address, if self.wanted.parked { "parked" } else { "runs" });
                self.outcome = Some(Ok(()));
            }
            Verdict::Stuck(why) => {
                self.outcome = Some(Err(AwsError::halted(Operation::DESCRIBE_INSTANCES, scope, why)));
            }
        }
        Vec::new()
    }

    /// AWS's lists lag a little behind what it has done.
    fn shows_what_was_made(&mut self, world: &World) -> bool {
        let shown = |id: &String| {
            world.snapshots.iter().any(|one| one.id == *id) || world.volumes.iter().any(|one| one.id == *id)
        };
        self.expected.retain(|id| !shown(id));
        self.looks += 1;
        if self.looks > MOST_LOOKS {
            self.expected.clear();
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

    async fn call(&self, course: &Course<'_>, step: &Step) -> Result<Made, AwsError> {
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
        };
        act(course.aws, &subject, step).await
    }

    /// Takes note of how a call ended; whether the world turned out to be another one.
    fn learn(&mut self, step: &Step, result: Result<Made, AwsError>) -> bool {
        match result {
            Ok(made) => {
                self.surprises = 0;
                self.looks = 0;
                self.expected.extend(made.ids);
                match step {
                    Step::CreateSet { .. } => self.memory.sets_begun += 1,
                    Step::Start => self.memory.starts += 1,
                    Step::CreateVolume { snapshot, .. } => {
                        *self.memory.volumes_made.entry(snapshot.clone()).or_default() += 1;
                    }
                    Step::LookAtKey { key } => {
                        self.memory.keys.insert(key.clone(), made.key_fault);
                    }
                    _ => {}
                }
                false
            }
            Err(error) if is_worth_another_look(&error) && self.surprises < MOST_SURPRISES => {
                tracing::debug!(%error, ?step, "another look decides");
                self.surprises += 1;
                true
            }
            Err(error) if error.class == ErrorClass::Stopped => false,
            Err(error) => {
                // The first failure is the one to tell.
                self.outcome.get_or_insert(Err(error));
                false
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
