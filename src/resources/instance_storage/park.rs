//! From running to parked.

use super::assemble::{assemble, settle};
use super::decide::{Memory, Step, Verdict, Work};
use super::record::Record;
use super::sets::{Place, Set, base, is_alive, is_usable, place, sets};
use super::world::{Attachment, Copied, Hold, Power, Snapshot, Stage, Volume, World};

/// Sets that one run begins before it leaves a snapshot that fails to a person.
const MOST_SETS: usize = 2;

pub(super) fn park(world: &World, memory: &Memory) -> Verdict {
    let sets = sets(world);
    if world.root().is_some() {
        return take(world, &sets, memory);
    }
    let Some(base) = base(&sets) else {
        return Verdict::Stuck(format!(
            "it has no root volume at {}, and there is no parking snapshot of one",
            world.instance.root_device
        ));
    };
    let restoring = base.snapshots.iter().any(|one| matches!(place(world, one), Place::Restored(_)));
    if restoring || !base.is_usable() || !base.is_fresh(world) {
        // Back to a whole instance, of which snapshots can be taken.
        return assemble(world, &base, memory).verdict().unwrap_or_else(not_whole);
    }
    take_apart(world, &sets, &base, memory)
}

fn not_whole() -> Verdict {
    Verdict::Stuck("its root volume is off, and its parking snapshots do not say what it was".to_owned())
}

/// All volumes are on: stop the instance, take the set, and when it is complete take off the root volume.
fn take(world: &World, sets: &[Set<'_>], memory: &Memory) -> Verdict {
    match world.instance.power {
        Power::Pending => return Verdict::Wait("the instance to run, so that it can be stopped".to_owned()),
        Power::Running => return Verdict::Act(vec![Step::Stop]),
        Power::Stopping => return Verdict::Wait("the instance to stop".to_owned()),
        Power::Stopped | Power::Gone => {}
    }
    let attached = world.attached();
    if let Some(verdict) = in_place(world, attached.values().copied()) {
        return verdict;
    }
    // What lost something when it was put back gets it again, before what recorded it goes.
    let mut work = Work::default();
    for set in sets {
        settle(world, set, &mut work);
    }
    if let Some(verdict) = work.verdict() {
        return verdict;
    }
    let chosen = choose(world, sets);
    let mut work = Work::default();
    for set in sets.iter().filter(|set| chosen.as_ref().is_none_or(|chosen| chosen.id != set.id)) {
        let give_up = chosen.is_none() && memory.sets_begun >= MOST_SETS;
        if let (Some((snapshot, why)), true) = (set.failure(), give_up) {
            return Verdict::Stuck(format!(
                "the snapshot {} of {} failed: {why}; nothing was deleted",
                snapshot.id, snapshot.volume
            ));
        }
        let spare = set.snapshots.iter().filter(|one| is_alive(world, one));
        work.steps.extend(spare.map(|one| Step::DeleteSnapshot { snapshot: one.id.clone() }));
    }
    if let Some(verdict) = work.verdict() {
        return verdict;
    }
    match chosen {
        None => Verdict::Act(vec![Step::CreateSet { of: attached.len() }]),
        Some(set) => finish_set(world, &set, memory),
    }
}

/// Whether every volume is where it is, and nowhere else.
fn in_place<'a>(
    world: &World,
    attached: impl Iterator<Item = (&'a Volume, &'a Attachment)>,
) -> Option<Verdict> {
    let mut work = Work::default();
    for (volume, attachment) in attached {
        if attachment.hold == Hold::Moving || volume.stage != Stage::InUse {
            work.wait(format!("{} to be attached or detached", volume.id));
        } else if let Some(other) = volume.elsewhere(&world.instance.id) {
            work.hinder(format!("{} is attached to {other} as well", volume.id));
        }
    }
    work.verdict()
}

/// The set that is gone on with: of the volumes that are on the instance, whole, and taken since it stopped.
fn choose<'a>(world: &World, sets: &[Set<'a>]) -> Option<Set<'a>> {
    let good = |set: &&Set<'a>| {
        set.is_whole()
            && set.failure().is_none()
            && set.covers(world)
            && set.is_fresh(world)
            && set.snapshots.iter().all(|one| one.copied != Copied::Other)
    };
    let complete = |set: &&Set<'a>| set.snapshots.iter().all(|one| one.copied == Copied::Completed);
    let good: Vec<&Set<'a>> = sets.iter().filter(good).collect();
    let best = good
        .into_iter()
        .min_by_key(|set| (!complete(set), set.snapshots.iter().map(|one| one.taken).max(), set.id));
    best.cloned()
}

/// Records the volumes, waits for the snapshots, checks them, and takes off the root volume.
fn finish_set(world: &World, set: &Set<'_>, memory: &Memory) -> Verdict {
    let mut work = Work::default();
    for (device, (volume, attachment)) in world.attached() {
        let record = Record {
            device: device.to_owned(),
            root: device == world.instance.root_device,
            delete_on_termination: attachment.delete_on_termination,
            volume: volume.attributes.clone(),
        };
        let snapshot = set.snapshots.iter().find(|one| one.volume == volume.id);
        let Some(snapshot) = snapshot.filter(|one| one.record.as_ref() != Ok(&record)) else { continue };
        match record.to_tags() {
            Ok(_) => {
                work.step(Step::Record { snapshot: snapshot.id.clone(), record: Box::new(record) });
            }
            Err(why) => work.hinder(format!("{} cannot be recorded: {why}", volume.id)),
        }
    }
    for snapshot in &set.snapshots {
        if let Copied::Pending(progress) = &snapshot.copied {
            work.wait(format!("{} of {} ({progress})", snapshot.id, snapshot.volume));
        }
    }
    check_keys(&set.snapshots, memory, &mut work);
    let detach = || match world.root() {
        Some((root, _)) => Verdict::Act(vec![Step::Detach { volume: root.id.clone() }]),
        None => not_whole(),
    };
    work.verdict().unwrap_or_else(detach)
}

/// A volume whose key is disabled cannot be made again.
fn check_keys(snapshots: &[&Snapshot], memory: &Memory, work: &mut Work) {
    for snapshot in snapshots {
        let Some(key) = &snapshot.key else { continue };
        match memory.keys.get(key) {
            Some(None) => {}
            Some(Some(why)) => work.hinder(format!("the KMS key of {} cannot be used: {why}", snapshot.id)),
            None => {
                let look = Step::LookAtKey { key: key.clone() };
                if !work.steps.contains(&look) {
                    work.step(look);
                }
            }
        }
    }
}

/// The root volume is off and the set is whole, complete and fresh: the volumes go.
fn take_apart(world: &World, sets: &[Set<'_>], base: &Set<'_>, memory: &Memory) -> Verdict {
    if world.instance.power != Power::Stopped {
        return Verdict::Wait("the instance to be stopped".to_owned());
    }
    let held: Vec<(&Snapshot, &Volume)> =
        base.snapshots.iter().filter_map(|one| Some((*one, place(world, one).volume()?))).collect();
    let mut work = Work::default();
    let of_volumes: Vec<&Snapshot> = held.iter().map(|(snapshot, _)| *snapshot).collect();
    check_keys(&of_volumes, memory, &mut work);
    if let Some(verdict) = work.verdict() {
        return verdict;
    }
    let mut work = Work::default();
    for (snapshot, volume) in held {
        let id = || volume.id.clone();
        match (volume.on(&world.instance.id), volume.elsewhere(&world.instance.id)) {
            (_, Some(other)) => work.hinder(format!(
                "{} was attached to {other}, so it is not deleted; detach it there",
                volume.id
            )),
            (Some(attachment), None) if attachment.hold == Hold::Moving => {
                work.wait(format!("{} to be detached", volume.id));
            }
            (Some(_), None) => work.step(Step::Detach { volume: id() }),
            (None, None) if volume.stage != Stage::Available => {
                work.wait(format!("{} to be detached", volume.id));
            }
            (None, None) if volume.attributes.size == snapshot.size && is_usable(snapshot) => {
                work.step(Step::DeleteVolume { volume: id() });
            }
            (None, None) => work.hinder(format!("{} is not what was snapshot", volume.id)),
        }
    }
    for other in sets.iter().filter(|set| set.id != base.id) {
        // Another snapshot of the same volume is in the set that stays.
        let spare = other.snapshots.iter().filter(|one| {
            is_alive(world, one) || base.snapshots.iter().any(|kept| kept.volume == one.volume)
        });
        work.steps.extend(spare.map(|one| Step::DeleteSnapshot { snapshot: one.id.clone() }));
    }
    work.verdict().unwrap_or(Verdict::Done)
}
