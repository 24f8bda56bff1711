//! What is decided where something is in the way, or comes in between.

use super::decide::{Goal, Memory, Step, Verdict};
use super::forecast::forecast;
use super::runs::{Accident, PARKED, RUNNING, Run};
use super::simulated::{INSTANCE, Simulated};
use super::world::{Copied, Power, Stage};

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
    run.key_fault = Some("it is disabled".to_owned());
    for _ in 0..20 {
        run.meet(Accident::Nothing);
    }
    assert!(matches!(run.verdict(), Verdict::Stuck(why) if why.contains("it is disabled")));
    assert!(run.aws.world.volumes.iter().all(|volume| volume.on(INSTANCE).is_some()));
}

/// What was found out of a key holds for the round that follows, and for no later one.
#[test]
fn a_key_is_looked_at_right_before_each_detaching_and_deleting() {
    let mut run = Run::new(3, PARKED);
    let mut calls_before = Vec::new();
    loop {
        match run.verdict() {
            Verdict::Done => break,
            Verdict::Stuck(why) => panic!("{why}"),
            Verdict::Wait(_) => {
                calls_before.clear();
                run.aws.pass();
            }
            Verdict::Act(steps) => {
                let destroys = |step: &Step| matches!(step, Step::Detach { .. } | Step::DeleteVolume { .. });
                let of_key = |step: &Step| matches!(step, Step::LookAtKey { .. });
                let keyless = run.aws.world.volumes.len() == 1 && run.aws.world.volumes[0].id == "vol-0";
                assert!(
                    !steps.iter().any(destroys) || calls_before.iter().any(of_key) || keyless,
                    "{steps:?}"
                );
                for step in &steps {
                    run.call(step);
                }
                calls_before = steps;
            }
        }
    }
    run.expect_goal(3);
}

#[test]
fn sets_that_are_of_no_use_are_not_taken_without_end() {
    for (mar, words) in [
        ("deleted", "1 of 2 snapshots"),
        ("all gone", "somebody deleted their snapshots"),
        ("binned", "it is archived"),
    ] {
        let mut run = Run::new(2, PARKED);
        for _ in 0..60 {
            run.meet(Accident::Nothing);
            match mar {
                "deleted" => {
                    let mut sets = std::collections::BTreeSet::new();
                    run.aws.world.snapshots.retain(|one| sets.insert(one.set.clone()));
                }
                "all gone" => run.aws.world.snapshots.clear(),
                "binned" => run
                    .aws
                    .world
                    .snapshots
                    .iter_mut()
                    .for_each(|one| one.copied = Copied::Other("it is archived".to_owned())),
                _ => {}
            }
        }
        assert_eq!(run.memory.sets_begun, 2, "{mar}");
        assert!(matches!(run.verdict(), Verdict::Stuck(why) if why.contains(words)), "{mar}");
        assert_eq!(run.aws.world.volumes.len(), 2);
    }
}

#[test]
fn two_volumes_at_one_device_are_not_told_apart_and_so_not_touched() {
    for device in ["/dev/sdf", ""] {
        let mut run = Run::new(3, PARKED);
        for volume in &mut run.aws.world.volumes[1..] {
            volume.attachments[0].device = device.to_owned();
        }
        until_stuck(&mut run, &format!("the device {device:?}"));
        assert_eq!((run.aws.world.volumes.len(), run.aws.world.snapshots.len()), (3, 0));
    }
}

#[track_caller]
fn until_stuck(run: &mut Run, words: &str) {
    for _ in 0..60 {
        run.meet(Accident::Nothing);
    }
    match run.verdict() {
        Verdict::Stuck(why) => assert!(why.contains(words), "{why}"),
        other => panic!("{other:?}"),
    }
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
fn a_volume_that_somebody_takes_off_is_not_forgotten() {
    let mut run = Run::new(3, PARKED);
    until(&mut run, |step| matches!(step, Step::Detach { .. }));
    run.aws.detach("vol-2").unwrap();
    run.aws.pass();
    until_stuck(&mut run, "vol-2 was detached while it is being parked: attach it again (/dev/sdg)");
    assert_eq!((run.aws.world.volumes.len(), run.aws.world.snapshots.len()), (3, 3));
    // Whoever says that it is theirs keeps it.
    run.aws.world.snapshots.retain(|one| one.volume != "vol-2");
    run.finish();
    let volumes: Vec<&str> = run.aws.world.volumes.iter().map(|volume| &*volume.id).collect();
    assert_eq!((volumes, run.aws.world.snapshots.len()), (vec!["vol-2"], 2));
}

#[test]
fn an_instance_that_somebody_starts_is_not_stopped_a_second_time() {
    let mut run = Run::new(2, PARKED);
    until(&mut run, |step| matches!(step, Step::Detach { .. }));
    run.aws.start().unwrap();
    until_stuck(&mut run, "somebody started it meanwhile");
    assert_eq!((run.aws.world.instance.power, run.aws.world.volumes.len()), (Power::Running, 2));
    run.aws.stop();
    until_stuck(&mut run, "somebody started it meanwhile");
    // Another run is another wish.
    run.finish();
    run.expect_goal(2);
}

#[test]
fn an_instance_that_somebody_stops_is_not_started_a_second_time() {
    let mut run = Run::new(2, PARKED);
    run.finish();
    run.goal = RUNNING;
    run.memory = Memory::default();
    until(&mut run, |step| matches!(step, Step::Unmark { .. }));
    run.aws.stop();
    run.aws.pass();
    until_stuck(&mut run, "it was started and stopped again");
    assert_eq!((run.aws.world.instance.power, run.aws.world.snapshots.len()), (Power::Stopped, 2));
}

/// Somebody puts another root volume on a parked instance.
#[test]
fn what_is_the_only_copy_is_not_left_behind() {
    for goal in [PARKED, RUNNING] {
        let mut run = Run::new(2, PARKED);
        run.finish();
        let mut stranger = Simulated::new(1).world.volumes.remove(0);
        "vol-stranger".clone_into(&mut stranger.id);
        stranger.attachments[0].since = super::simulated::moment(5000);
        run.aws.world.volumes.push(stranger);
        run.aws.start().unwrap();
        run.goal = goal;
        run.memory = Memory::default();
        until_stuck(&mut run, "is the only copy of volumes");
        assert_eq!(run.aws.world.snapshots.len(), 2);
        run.aws.world.volumes.clear();
        run.aws.stop();
        run.aws.pass();
        // It has run without them, so they are as old as they are: restored, they are whole again.
        run.goal = RUNNING;
        run.finish();
        assert_eq!((run.aws.world.volumes.len(), run.aws.world.snapshots.len()), (2, 0));
    }
}

/// A snapshot may be taken while the instance runs, although it was stopped when that was decided, and is stopped again.
#[test]
fn a_set_of_an_instance_that_ran_after_the_look_is_worth_nothing() {
    let mut run = Run::new(2, PARKED);
    until(&mut run, |step| matches!(step, Step::CreateSet { .. }));
    let Verdict::Act(steps) = run.verdict() else { panic!() };
    run.aws.start().unwrap();
    run.call(&steps[0]);
    run.aws.pass();
    run.aws.stop();
    run.aws.pass();
    run.finish();
    run.expect_goal(2);
}

#[test]
fn what_was_written_to_elsewhere_is_not_deleted_on_old_snapshots() {
    let mut run = Run::new(3, PARKED);
    until(&mut run, |step| matches!(step, Step::DeleteVolume { .. }));
    run.aws.pass();
    run.memory = Memory::default();
    run.aws.borrow();
    run.finish();
    run.expect_goal(3);
}

#[test]
fn what_is_changed_after_it_was_recorded_is_recorded_again() {
    let mut run = Run::new(2, PARKED);
    until(&mut run, |step| matches!(step, Step::DeleteVolume { volume } if volume == "vol-1"));
    let volume = run.aws.world.volumes.iter_mut().find(|one| one.id == "vol-1").unwrap();
    volume.attributes.iops = Some(9000);
    let Verdict::Act(steps) = run.verdict() else { panic!() };
    assert!(
        matches!(&steps[..], [Step::Record { record, .. }] if record.volume.iops == Some(9000)),
        "{steps:?}"
    );
    while run.verdict() != Verdict::Done {
        run.meet(Accident::Nothing);
    }
    let records = run.aws.world.snapshots.iter().map(|one| one.record.as_ref().unwrap().volume.iops);
    assert_eq!(records.collect::<Vec<_>>(), [Some(3000), Some(9000)]);
}

/// Whatever the order in which two runs see their sets, both go on with the same one.
#[test]
fn of_two_sets_the_older_one_is_gone_on_with_although_it_is_not_complete() {
    let mut run = Run::new(2, PARKED);
    until(&mut run, |step| matches!(step, Step::CreateSet { .. }));
    let Verdict::Act(steps) = run.verdict() else { panic!() };
    run.call(&steps[0]);
    run.call(&steps[0]);
    let first = run.aws.world.snapshots[0].set.clone();
    for snapshot in &mut run.aws.world.snapshots {
        if snapshot.set != first {
            snapshot.copied = Copied::Completed;
        }
    }
    while !matches!(run.verdict(), Verdict::Done) {
        run.meet(Accident::Nothing);
    }
    run.expect_goal(2);
    assert!(run.aws.world.snapshots.iter().all(|one| one.set == first));
}

/// A second volume of one snapshot, of which nobody knows which one is right.
#[test]
fn a_second_restored_volume_goes_only_if_the_instance_did_not_run_since() {
    for ran in [false, true] {
        let mut run = Run::new(2, PARKED);
        run.finish();
        run.goal = RUNNING;
        run.memory = Memory::default();
        until(&mut run, |step| matches!(step, Step::Attach { .. }));
        let mut spare = run.aws.world.volumes[0].clone();
        "vol-spare".clone_into(&mut spare.id);
        run.aws.world.volumes.push(spare);
        if ran {
            run.aws.world.instance.started = super::simulated::moment(9000);
            run.memory = Memory::default();
            until_stuck(&mut run, "may hold what was written since");
            assert_eq!(run.aws.world.volumes.len(), 3);
        } else {
            run.finish();
            run.expect_goal(2);
        }
    }
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
            card: None,
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
