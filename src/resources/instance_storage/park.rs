//! From running to parked.

use super::assemble::{assemble, settle};
use super::decide::{Memory, Step, Verdict, Work};
use super::record::Record;
use super::sets::{Place, Set, base, discard, is_alive, is_usable, place, rootless, sets};
use super::world::{Attachment, Copied, Hold, Power, Snapshot, Stage, Volume, World};

/// Sets that one run begins before it leaves a snapshot that fails to a person.
const MOST_SETS: usize = 2;

pub(super) fn park(world: &World, memory: &Memory) -> Verdict {
    let sets = sets(world);
    if memory.saw_start(&world.instance) {
        return Verdict::Stuck("somebody started it meanwhile, so it is left alone as it is".to_owned());
    }
    if world.root().is_some() {
        return take(world, &sets, memory);
    }
    let Some(base) = base(world, &sets) else {
        return Verdict::Stuck(rootless(world));
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

/// What nobody but a person can decide while the root volume is on: what is to become of volumes that sets hold, and that are not on the instance.
pub(super) fn left_over(world: &World, sets: &[Set<'_>]) -> Option<Verdict> {
    let mut work = Work::default();
    for set in sets {
        let mut only_copies = Vec::new();
        for snapshot in &set.snapshots {
            let device =
                snapshot.record.as_ref().map_or("a device that is not recorded", |record| &record.device);
            match place(world, snapshot) {
                Place::Nowhere if is_usable(snapshot) => only_copies.push(format!("{} of {device}", snapshot.id)),
                Place::Original(volume) if volume.attachments.is_empty() => work.hinder(format!(
                    "its volume {} was detached while it is being parked: attach it again ({device}), or delete its parking \
                     snapshot {} if it is to stay off",
                    volume.id, snapshot.id
                )),
                _ => {}
            }
        }
        if !only_copies.is_empty() {
            let root = world.root().map_or("another volume", |(root, _)| &root.id);
            work.hinder(format!(
                "the set {} is the only copy of volumes ({}), while {root} is its root volume: detach {root} to go on with the set, or \
                 delete those snapshots if nobody needs them",
                set.id,
                only_copies.join(", ")
            ));
        }
    }
    work.obstacle()
}

/// All volumes are on: stop the instance, take the set, and when it is complete take off the root volume.
fn take(world: &World, sets: &[Set<'_>], memory: &Memory) -> Verdict {
    if let Some(verdict) = left_over(world, sets) {
        return verdict;
    }
    match world.instance.power {
        Power::Pending => return Verdict::Wait("the instance to run, so that it can be stopped".to_owned()),
        Power::Running => return Verdict::Act(vec![Step::Stop]),
        Power::Stopping => return Verdict::Wait("the instance to stop".to_owned()),
        Power::Stopped | Power::Gone => {}
    }
    let attached = world.attached();
    if let Some(device) = world.ambiguous_device() {
        return Verdict::Stuck(format!(
            "AWS shows more than one of its volumes, or one without a name, at the device {device:?}"
        ));
    }
    if let Some(verdict) = in_place(world, attached.iter().copied()) {
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
    if chosen.is_none() && memory.sets_begun >= MOST_SETS {
        return Verdict::Stuck(format!(
            "{MOST_SETS} sets of snapshots were taken, and none is of use: {}; nothing was deleted",
            why_of_no_use(world, sets)
        ));
    }
    match chosen {
        Some(set) => finish_set(world, sets, &set, memory),
        None => begin_set(world, sets, memory),
    }
}

/// Takes a new set. Failed snapshots count against AWS's limit, so they go first; whatever else there is stays until the new set is complete.
fn begin_set(world: &World, sets: &[Set<'_>], memory: &Memory) -> Verdict {
    let failed = sets.iter().filter(|set| set.failure().is_some());
    let spare = failed.flat_map(|set| set.snapshots.iter().copied()).filter(|one| is_alive(world, one));
    let steps = discard(spare, memory);
    if !steps.is_empty() {
        return Verdict::Act(steps);
    }
    let (set_size, started) = (world.attached().len(), world.instance.started);
    Verdict::Act(vec![Step::CreateSet { set_size, started }])
}

/// Why the latest set is none that can be gone on with.
fn why_of_no_use(world: &World, sets: &[Set<'_>]) -> String {
    let Some(set) = sets.iter().max_by_key(|set| set.snapshots.iter().map(|one| one.taken).max()) else {
        return "somebody deleted their snapshots".to_owned();
    };
    if let Some((snapshot, why)) = set.failure() {
        return format!("the snapshot {} of {} failed: {why}", snapshot.id, snapshot.volume);
    }
    if !set.is_whole() {
        let count = set.snapshots.first().map_or(0, |one| one.of);
        return format!("of the set {} there are {} of {count} snapshots", set.id, set.snapshots.len());
    }
    for one in &set.snapshots {
        if let Copied::Other(why) = &one.copied {
            return format!("{}: {why}", one.id);
        }
    }
    if !set.covers(world) {
        return format!("the set {} is not of the volumes that are on the instance now", set.id);
    }
    format!("the instance was started, or a volume attached, after the set {} was taken", set.id)
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
            && set.snapshots.iter().all(|one| !matches!(one.copied, Copied::Other(_)))
    };
    // The oldest: that is the same one for every run that looks.
    sets.iter().filter(good).min_by_key(|set| set.order()).cloned()
}

/// Records the volumes, waits for the snapshots, checks them, and takes off the root volume.
fn finish_set(world: &World, sets: &[Set<'_>], set: &Set<'_>, memory: &Memory) -> Verdict {
    let mut work = Work::default();
    for (volume, attachment) in world.attached() {
        let record = Record::of(volume, attachment, &world.instance);
        let snapshot = set.snapshots.iter().find(|one| one.volume == volume.id);
        let Some(snapshot) = snapshot.filter(|one| one.record.as_ref() != Ok(&record)) else { continue };
        match record.to_tags() {
            Ok(_) => {
                work.step(Step::Record { snapshot: snapshot.id.clone(), record: Box::new(record) });
            }
            Err(why) => work.hinder(format!("{} cannot be recorded: {why}", volume.id)),
        }
    }
    if let Some(verdict) = work.obstacle() {
        return verdict;
    }
    for snapshot in &set.snapshots {
        if let Copied::Pending(progress) = &snapshot.copied {
            work.wait(format!("{} of {} ({progress})", snapshot.id, snapshot.volume));
        }
    }
    if let Some(verdict) = work.verdict() {
        return verdict;
    }
    let others = sets.iter().filter(|other| other.id != set.id);
    let spare = others.flat_map(|other| other.snapshots.iter().copied()).filter(|one| is_alive(world, one));
    let steps = discard(spare, memory);
    if !steps.is_empty() {
        return Verdict::Act(steps);
    }
    // Only now: what was found out of a key before hours of waiting is worth nothing.
    let detach = || match world.root() {
        Some((root, _)) => Verdict::Act(vec![Step::Detach { volume: root.id.clone() }]),
        None => not_whole(),
    };
    check_keys(&set.snapshots, memory).verdict().unwrap_or_else(detach)
}

/// A volume whose key is disabled cannot be made again.
pub(super) fn check_keys(snapshots: &[&Snapshot], memory: &Memory) -> Work {
    let mut work = Work::default();
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
    work
}

/// The root volume is off and the set is whole, complete and fresh: the volumes go.
fn take_apart(world: &World, sets: &[Set<'_>], base: &Set<'_>, memory: &Memory) -> Verdict {
    if world.instance.power != Power::Stopped {
        return Verdict::Wait("the instance to be stopped".to_owned());
    }
    let held: Vec<(&Snapshot, &Volume)> =
        base.snapshots.iter().filter_map(|one| Some((*one, place(world, one).volume()?))).collect();
    let strays =
        held.iter().any(|(_, volume)| volume.attachments.is_empty() && !memory.detached.contains(&volume.id));
    if strays {
        // Somebody may have had it elsewhere, and written to it: back to a whole instance, of which snapshots are taken anew.
        return assemble(world, base, memory).verdict().unwrap_or_else(not_whole);
    }
    let of_volumes: Vec<&Snapshot> = held.iter().map(|(snapshot, _)| *snapshot).collect();
    let all_gone = held.is_empty();
    let mut work = Work::default();
    for (snapshot, volume) in held {
        let id = || volume.id.clone();
        match (volume.on(&world.instance.id), volume.elsewhere(&world.instance.id)) {
            (_, Some(other)) => work.hinder(format!(
                "{} was attached to {other}, so it is not deleted; detach it there, and the next run puts it back and takes new snapshots",
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
                work.step(match changed(snapshot, volume) {
                    Some(record) => Step::Record { snapshot: snapshot.id.clone(), record: Box::new(record) },
                    None => Step::DeleteVolume { volume: id() },
                });
            }
            (None, None) => work.hinder(format!("{} is not what was snapshot", volume.id)),
        }
    }
    if !work.steps.is_empty()
        && let Some(verdict) = check_keys(&of_volumes, memory).verdict()
    {
        return verdict;
    }
    if all_gone {
        // Another snapshot of the same volume is in the set that stays. Another run that takes that one for its own goes on with this one.
        let others = sets.iter().filter(|set| set.id != base.id);
        let spare = others.flat_map(|other| other.snapshots.iter().copied());
        let spare = spare.filter(|one| base.snapshots.iter().any(|kept| kept.volume == one.volume));
        work.steps.extend(discard(spare, memory));
    }
    work.verdict().unwrap_or(Verdict::Done)
}

/// What a volume is now, where somebody changed its type, speed or tags after it was recorded.
fn changed(snapshot: &Snapshot, volume: &Volume) -> Option<Record> {
    let record = snapshot.record.as_ref().ok()?;
    let now = Record { volume: volume.attributes.clone(), ..record.clone() };
    (now != *record && now.to_tags().is_ok()).then_some(now)
}
