//! Runs against the simulated AWS, with accidents, for tests.

use proptest::prelude::*;

use super::decide::{Goal, Memory, Step, Verdict, decide};
use super::simulated::{Simulated, devices, record};
use super::world::{Copied, Power, Stage};

pub(super) const PARKED: Goal = Goal { parked: true, keep_snapshots: false };
pub(super) const RUNNING: Goal = Goal { parked: false, keep_snapshots: false };

/// Something that happens while a run is at work.
#[derive(Clone, Copy, Debug)]
pub(super) enum Accident {
    Nothing,
    /// Time passes.
    Pause,
    /// Only the first calls of a round are made, and the run is killed.
    KillAfter(usize),
    /// One call of a round fails.
    Fail(usize),
    /// The answer of a call is lost, and the call is made again.
    Twice(usize),
    /// Somebody starts the instance.
    Start,
    /// Somebody stops it.
    Stop,
    /// A snapshot fails.
    FailSnapshot,
    /// What is wanted changes.
    Turn,
    /// Somebody starts the instance after the look, before the calls.
    StartAfterLook,
    /// Somebody starts it and stops it again in that time.
    StartAndStopAfterLook,
    /// The run is killed, and before the next one somebody writes to the detached volumes elsewhere.
    Borrow,
}

pub(super) fn accident() -> impl Strategy<Value = Accident> {
    prop_oneof![
        4 => Just(Accident::Nothing),
        3 => Just(Accident::Pause),
        2 => (0..3usize).prop_map(Accident::KillAfter),
        1 => (0..3usize).prop_map(Accident::Fail),
        1 => (0..3usize).prop_map(Accident::Twice),
        1 => Just(Accident::Start),
        1 => Just(Accident::Stop),
        1 => Just(Accident::FailSnapshot),
        1 => Just(Accident::Turn),
        1 => Just(Accident::StartAfterLook),
        1 => Just(Accident::StartAndStopAfterLook),
        1 => Just(Accident::Borrow),
    ]
}

pub(super) struct Run {
    pub(super) aws: Simulated,
    pub(super) goal: Goal,
    pub(super) memory: Memory,
    /// What is wrong with every key.
    pub(super) key_fault: Option<String>,
}

impl Run {
    pub(super) fn new(volumes: usize, goal: Goal) -> Self {
        Self { aws: Simulated::new(volumes), goal, memory: Memory::default(), key_fault: None }
    }

    pub(super) fn verdict(&mut self) -> Verdict {
        self.memory.fell_back = self.memory.starts > 0 && self.aws.world.instance.power == Power::Stopped;
        self.memory.see(&self.aws.world);
        let verdict = decide(&self.aws.world, &self.goal, &self.memory);
        if matches!(verdict, Verdict::Wait(_)) {
            self.memory.wait();
        }
        verdict
    }

    pub(super) fn call(&mut self, step: &Step) {
        // A call that AWS refuses is followed by another look.
        if self.aws.call(step).is_ok() {
            self.memory.note(step, self.key_fault.clone());
        }
        self.check(step);
    }

    #[track_caller]
    fn check(&self, after: &Step) {
        let lost = self.aws.lost();
        assert!(lost.is_empty(), "disks {lost:?} are lost after {after:?}: {:#?}", self.aws.world);
    }

    pub(super) fn meet(&mut self, accident: Accident) {
        match accident {
            Accident::Pause => self.aws.pass(),
            Accident::Start => drop(self.aws.start()),
            Accident::Stop => self.aws.stop(),
            Accident::FailSnapshot => self.aws.fail_snapshot(),
            Accident::Turn => {
                self.goal.parked = !self.goal.parked;
                self.memory = Memory::default();
            }
            Accident::Borrow => {
                self.memory = Memory::default();
                self.aws.borrow();
            }
            _ => {}
        }
        let Verdict::Act(steps) = self.verdict() else { return self.aws.pass() };
        if matches!(accident, Accident::StartAfterLook | Accident::StartAndStopAfterLook) {
            let _ = self.aws.start();
            self.aws.pass();
        }
        if matches!(accident, Accident::StartAndStopAfterLook) {
            self.aws.stop();
            self.aws.pass();
        }
        for (index, step) in steps.iter().enumerate() {
            match accident {
                Accident::KillAfter(calls) if index >= calls => {
                    self.memory = Memory::default();
                    return;
                }
                Accident::Fail(failing) if index == failing => self.memory.note(step, self.key_fault.clone()),
                Accident::Twice(twice) if index == twice => {
                    self.call(step);
                    self.call(step);
                }
                _ => self.call(step),
            }
        }
    }

    /// Goes on without accidents.
    pub(super) fn finish(&mut self) -> usize {
        self.memory = Memory::default();
        for round in 0..200 {
            match self.verdict() {
                Verdict::Done => return round,
                Verdict::Wait(_) => self.aws.pass(),
                Verdict::Act(steps) => steps.iter().for_each(|step| self.call(step)),
                Verdict::Stuck(why) => panic!("stuck: {why}: {:#?}", self.aws.world),
            }
        }
        panic!("it does not come to an end: {:#?}", self.aws.world)
    }

    pub(super) fn expect_goal(&self, volumes: usize) {
        let world = &self.aws.world;
        if self.goal.parked {
            assert!(world.volumes.is_empty(), "{:#?}", world.volumes);
            assert_eq!(world.snapshots.len(), volumes);
            assert!(world.snapshots.iter().all(|one| one.copied == Copied::Completed));
            assert_eq!(world.instance.power, Power::Stopped);
            return;
        }
        assert_eq!(world.instance.power, Power::Running);
        assert!(world.snapshots.is_empty(), "{:#?}", world.snapshots);
        assert_eq!(world.volumes.len(), volumes, "{:#?}", world.volumes);
        for device in devices(volumes) {
            let (volume, place) = world.at(&device).unwrap();
            let record = record(&device);
            assert_eq!((&volume.attributes, volume.stage), (&record.volume, Stage::InUse));
            assert_eq!(place.delete_on_termination, record.delete_on_termination, "{device}");
            assert_eq!(volume.mark, None);
            let ((disk, version), written) = self.aws.on_device(&device).unwrap();
            assert_eq!((&*devices(volumes)[disk], version), (&*device, written));
        }
    }
}
