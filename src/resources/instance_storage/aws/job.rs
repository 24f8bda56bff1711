//! One instance on its way.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::act::{After, Made, Subject, act, is_unclear, operation, outlook_of};
use super::observe::Seen;
use super::patience::{AGREES_WITHIN, Lasting, SHOWN_WITHIN, Start, Surprises, Taken, Timely, Told};
use crate::aws::{AwsError, ErrorClass, Operation};
use crate::model::{Address, Scope};
use crate::resources::instance_storage::decide::{Memory, Step, Verdict, decide};
use crate::resources::instance_storage::spec::{Standing, Storage, standing};
use crate::resources::instance_storage::words::steps_words;
use crate::resources::instance_storage::world::{Copied, World};
use crate::resources::{Course, Step as KindStep};

/// The pause before another set of snapshots: AWS takes one in fifteen seconds of a volume, and a set that is as old as the start
/// of its instance to the second is of no use.
const BEFORE_ANOTHER_SET: Duration = Duration::from_secs(2);

/// One instance on its way.
pub(super) struct Job<'a> {
    pub(super) address: &'a Address,
    pub(super) label: &'a str,
    pub(super) wanted: Storage,
    pub(super) memory: Memory,
    /// What AWS made and does not show yet.
    pub(super) expected: BTreeSet<String>,
    pub(super) unseen: Lasting,
    pub(super) disagrees: Lasting,
    pub(super) surprises: Surprises,
    pub(super) taken: Taken,
    pub(super) start: Option<Start>,
    /// What tells this run's calls from those of others.
    pub(super) run: u32,
    /// The time of the last start that was seen.
    pub(super) started: Timestamp,
    /// What was last told to be waited for.
    pub(super) told: Told,
    /// What it waits for.
    pub(super) waits_for: Option<String>,
    pub(super) standing: Option<Standing>,
    pub(super) outcome: Option<Result<(), AwsError>>,
}

impl<'a> Job<'a> {
    pub(super) fn new(step: &'a KindStep, scope: &Scope) -> Self {
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
            told: Told::default(),
            waits_for: None,
            standing: None,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.outcome.is_none()
    }

    /// What is to be called now; nothing where there is something to wait for, or this job has come to its end.
    pub(super) fn judge(
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
        self.waits_for = None;
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
                let what = steps_words(std::slice::from_ref(&step), world).join("");
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
        self.waits_for = Some(what.to_owned());
        if self.told.is_new(what) {
            (course.tell)(self.address, &format!("waits for {what}"));
        }
    }

    pub(super) async fn call_at(
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
    pub(super) fn learn(&mut self, course: &Course<'_>, step: &Step, result: Result<Made, AwsError>) {
        let error = match result {
            Ok(made) => {
                if matches!(step, Step::CreateSet { .. }) && made.ids.is_empty() {
                    // The answer was lost: what came of it may not be shown yet.
                    self.surprises.one_more();
                } else {
                    self.surprises = Surprises::default();
                }
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
                let what =
                    format!("waits until AWS takes further snapshots of its volumes: {}", error.message);
                if self.told.is_new(&what) {
                    (course.tell)(self.address, &what);
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
    pub(super) fn leave(&mut self, scope: &Scope) {
        let error = match self.standing {
            None => AwsError::stopped(Operation::STOP_INSTANCES, scope),
            Some(standing) => {
                let untouched = match standing {
                    Standing::Running | Standing::Stopped => "; its volumes are untouched",
                    _ => "",
                };
                let waits =
                    self.waits_for.as_ref().map(|what| format!(" and waits for {what}")).unwrap_or_default();
                let why = format!(
                    "stopped while the instance is {}{waits}{untouched}; AWS finishes what was begun, and the next apply goes on from there",
                    standing.words()
                );
                AwsError::unfinished(Operation::STOP_INSTANCES, scope, why)
            }
        };
        self.outcome = Some(Err(error));
    }
}
