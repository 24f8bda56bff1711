//! Whatever happens, nothing is lost, and in the end it is as wanted.

use proptest::prelude::*;

use super::decide::{Goal, Memory, Step, Verdict, decide};
use super::forecast::forecast;
use super::simulated::{INSTANCE, Simulated, devices, record};
use super::world::{Copied, Power, Stage};

const PARKED: Goal = Goal { parked: true, keep_snapshots: false };
const RUNNING: Goal = Goal { parked: false, keep_snapshots: false };

/// Something that happens while a run is at work.
#[derive(Clone, Copy, Debug)]
enum Accident {
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
}

fn accident() -> impl Strategy<Value = Accident> {
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
    ]
}

struct Run {
    aws: Simulated,
    goal: Goal,
    memory: Memory,
}

impl Run {
    fn new(volumes: usize, goal: Goal) -> Self {
        Self { aws: Simulated::new(volumes), goal, memory: Memory::default() }
    }

    fn verdict(&mut self) -> Verdict {
        if self.memory.starts > 0 && self.aws.world.instance.power == Power::Stopped {
            self.memory.seen_stopped += 1;
        }
        decide(&self.aws.world, &self.goal, &self.memory)
    }

    fn call(&mut self, step: &Step) {
        // A call that AWS refuses is followed by another look.
        let _ = self.aws.call(step);
        self.remember(step);
        self.check(step);
    }

    fn remember(&mut self, step: &Step) {
        match step {
            Step::CreateSet { .. } => self.memory.sets_begun += 1,
            Step::Start => self.memory.starts += 1,
            Step::CreateVolume { snapshot, .. } => {
                *self.memory.volumes_made.entry(snapshot.clone()).or_default() += 1;
            }
            Step::LookAtKey { key } => drop(self.memory.keys.insert(key.clone(), None)),
            _ => {}
        }
    }

    #[track_caller]
    fn check(&self, after: &Step) {
        let lost = self.aws.lost();
        assert!(lost.is_empty(), "disks {lost:?} are lost after {after:?}: {:#?}", self.aws.world);
    }

    fn meet(&mut self, accident: Accident) {
        match accident {
            Accident::Pause => self.aws.pass(),
            Accident::Start => drop(self.aws.start()),
            Accident::Stop => self.aws.stop(),
            Accident::FailSnapshot => self.aws.fail_snapshot(),
            Accident::Turn => {
                self.goal.parked = !self.goal.parked;
                self.memory = Memory::default();
            }
            _ => {}
        }
        let Verdict::Act(steps) = self.verdict() else { return self.aws.pass() };
        for (index, step) in steps.iter().enumerate() {
            match accident {
                Accident::KillAfter(calls) if index >= calls => {
                    self.memory = Memory::default();
                    return;
                }
                Accident::Fail(failing) if index == failing => self.remember(step),
                Accident::Twice(twice) if index == twice => {
                    self.call(step);
                    self.call(step);
                }
                _ => self.call(step),
            }
        }
    }

    /// Goes on without accidents.
    fn finish(&mut self) -> usize {
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

    fn expect_goal(&self, volumes: usize) {
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
            let (volume, place) = world.attached()[&*device];
            let record = record(&device);
            assert_eq!((&volume.attributes, volume.stage), (&record.volume, Stage::InUse));
            assert_eq!(place.delete_on_termination, record.delete_on_termination, "{device}");
            assert_eq!(volume.mark, None);
            let ((disk, version), written) = self.aws.on_device(&device).unwrap();
            assert_eq!((&*devices(volumes)[disk], version), (&*device, written));
        }
    }
}

#[test]
fn there_and_back() {
    for volumes in [1, 3, 12] {
        let mut run = Run::new(volumes, PARKED);
        assert!(run.finish() < 30);
        run.expect_goal(volumes);
        run.goal = RUNNING;
        assert!(run.finish() < 30);
        run.expect_goal(volumes);
    }
}

#[test]
fn the_forecast_is_what_happens() {
    for goal in [PARKED, RUNNING] {
        let mut run = Run::new(3, PARKED);
        if !goal.parked {
            run.finish();
        }
        run.goal = goal.clone();
        let foreseen = forecast(&run.aws.world, &goal);
        assert_eq!(foreseen.stuck, None);
        let names = |step: &Step| format!("{step:?}").split([' ', '{']).next().unwrap().to_owned();
        let foreseen: Vec<String> = foreseen.steps.iter().map(|(step, _)| names(step)).collect();
        let mut happened = Vec::new();
        run.memory = Memory::default();
        loop {
            match run.verdict() {
                Verdict::Act(steps) => {
                    happened.extend(steps.iter().map(names));
                    for step in &steps {
                        run.call(step);
                    }
                }
                Verdict::Wait(_) => run.aws.pass(),
                Verdict::Done => break,
                Verdict::Stuck(why) => panic!("{why}"),
            }
        }
        assert_eq!(foreseen, happened);
    }
}

#[test]
fn kept_snapshots_are_let_be() {
    let mut run = Run::new(3, PARKED);
    run.finish();
    run.goal = Goal { keep_snapshots: true, ..RUNNING };
    let released = forecast(&run.aws.world, &run.goal).steps.pop().map(|(step, _)| step);
    assert!(matches!(released, Some(Step::Release { snapshots }) if snapshots.len() == 3));
    run.finish();
    run.expect_goal(3);
}

#[test]
fn a_snapshot_that_always_fails_is_told_and_nothing_is_deleted() {
    let mut run = Run::new(3, PARKED);
    for _ in 0..30 {
        run.meet(Accident::FailSnapshot);
    }
    assert!(matches!(run.verdict(), Verdict::Stuck(why) if why.contains("nothing was deleted")));
    assert_eq!((run.aws.world.volumes.len(), run.memory.sets_begun), (3, 2));
    run.finish();
    run.expect_goal(3);
}

#[test]
fn a_key_that_is_disabled_stops_it_before_anything_is_deleted() {
    let mut run = Run::new(2, PARKED);
    run.memory.keys.insert("key".to_owned(), Some("it is disabled".to_owned()));
    for _ in 0..20 {
        run.meet(Accident::Nothing);
    }
    assert!(matches!(run.verdict(), Verdict::Stuck(why) if why.contains("it is disabled")));
    assert!(run.aws.world.volumes.iter().all(|volume| volume.on(INSTANCE).is_some()));
}

/// Runs until a step of this sort is about to be taken.
fn until(run: &mut Run, wanted: impl Fn(&Step) -> bool) {
    for _ in 0..100 {
        match run.verdict() {
            Verdict::Act(steps) if steps.iter().any(&wanted) => return,
            Verdict::Act(steps) => steps.iter().for_each(|step| run.call(step)),
            _ => run.aws.pass(),
        }
    }
    panic!("it does not come to that");
}

#[test]
fn a_volume_that_somebody_takes_off_is_theirs() {
    let mut run = Run::new(3, PARKED);
    until(&mut run, |step| matches!(step, Step::Detach { .. }));
    run.aws.detach("vol-2").unwrap();
    run.aws.pass();
    run.finish();
    let volumes: Vec<&str> = run.aws.world.volumes.iter().map(|volume| &*volume.id).collect();
    assert_eq!(volumes, ["vol-2"]);
    assert_eq!(run.aws.world.snapshots.len(), 2);
}

#[test]
fn a_volume_that_somebody_attaches_is_parked_too() {
    let mut run = Run::new(3, PARKED);
    run.aws.detach("vol-2").unwrap();
    run.aws.pass();
    until(&mut run, |step| matches!(step, Step::Detach { .. }));
    run.aws.attach("vol-2", "/dev/sdx").unwrap();
    run.aws.pass();
    run.finish();
    run.expect_goal(3);
}

#[test]
fn a_volume_that_is_used_elsewhere_by_now_is_not_deleted() {
    let mut run = Run::new(3, PARKED);
    until(&mut run, |step| matches!(step, Step::DeleteVolume { .. }));
    let volume = run.aws.world.volumes.iter_mut().find(|volume| volume.id == "vol-2").unwrap();
    if let Some(place) = volume.attachments.first_mut() {
        place.instance = "i-other".to_owned();
    } else {
        let place = super::world::Attachment {
            instance: "i-other".to_owned(),
            device: "/dev/sdf".to_owned(),
            hold: super::world::Hold::Attached,
            since: super::simulated::moment(500),
            delete_on_termination: false,
        };
        volume.attachments.push(place);
        volume.stage = Stage::InUse;
    }
    for _ in 0..20 {
        run.meet(Accident::Nothing);
    }
    assert!(matches!(run.verdict(), Verdict::Stuck(why) if why.contains("i-other")));
    assert_eq!(run.aws.world.volumes.len(), 1);
}

#[test]
fn half_a_set_deletes_nothing() {
    let mut run = Run::new(3, PARKED);
    until(&mut run, |step| matches!(step, Step::DeleteVolume { .. }));
    run.aws.world.snapshots.pop();
    for _ in 0..20 {
        run.meet(Accident::Nothing);
    }
    assert!(matches!(run.verdict(), Verdict::Stuck(why) if why.contains("2 of 3")));
    assert_eq!(run.aws.world.volumes.len(), 3);
}

#[test]
fn what_differs_from_the_record_keeps_its_snapshots() {
    let mut run = Run::new(2, PARKED);
    run.finish();
    run.goal = RUNNING;
    until(&mut run, |step| matches!(step, Step::Start));
    for volume in &mut run.aws.world.volumes {
        volume.attributes.tags.insert("added by a tagger".to_owned(), "x".to_owned());
    }
    assert!(matches!(run.verdict(), Verdict::Act(_)));
    run.aws.world.volumes[0].attributes.throughput = Some(500);
    assert!(matches!(run.verdict(), Verdict::Stuck(why) if why.contains("throughput 500 instead of 125")));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_accident_loses_anything(
        volumes in 1..4usize,
        parked in any::<bool>(),
        accidents in proptest::collection::vec(accident(), 0..60),
    ) {
        let mut run = Run::new(volumes, PARKED);
        if !parked {
            run.finish();
            run.goal = RUNNING;
            run.memory = Memory::default();
        }
        for accident in accidents {
            run.meet(accident);
        }
        run.finish();
        run.expect_goal(volumes);
        run.goal.parked = !run.goal.parked;
        run.finish();
        run.expect_goal(volumes);
    }
}
