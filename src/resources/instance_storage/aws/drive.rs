//! Look, decide, call, look again: many instances side by side, with one look for all of them.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use futures::join;
use tokio::time::Instant;

use super::act::{Made, is_unclear, switch};
use super::facts;
use super::job::Job;
use super::observe::{Seen, observe};
use crate::aws::{Aws, AwsError, ErrorClass, Operation};
use crate::model::Scope;
use crate::resources::instance_storage::decide::Step;
use crate::resources::instance_storage::spec::Storage;
use crate::resources::instance_storage::world::Stage;
use crate::resources::{Course, Step as KindStep};

/// The first pause between two looks; it doubles up to the longest one. There is no limit to how long is waited: the first
/// snapshot of a large volume takes hours.
const FIRST_PAUSE: Duration = Duration::from_millis(150);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// For how long what was seen is taken for true by calls that take something away.
const TRUE_FOR: Duration = Duration::from_secs(10);

/// MiB/s that the volumes of a Region load with in all.
const INITIALIZATION_OF_A_REGION: i32 = 5_000;

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
