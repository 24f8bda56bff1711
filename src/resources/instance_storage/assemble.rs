//! Every volume back in its place, the root volume last.

use super::decide::{Memory, Step, Work};
use super::park::check_keys;
use super::record::{MARK_TAG, Record};
use super::sets::{Place, Set, faults, is_after, is_usable, place, restored};
use super::world::{Copied, Hold, Power, Snapshot, Stage, Volume, World};

/// Volumes that one run makes of one snapshot before it leaves that to a person. The first one may be that of an earlier run.
const MOST_VOLUMES: usize = 3;

/// What is still to be done until all volumes of the set are in their places, with the flags and tags that they had.
pub(super) fn assemble(world: &World, set: &Set<'_>, memory: &Memory) -> Work {
    let mut work = Work::default();
    if matches!(world.instance.power, Power::Pending | Power::Stopping) {
        work.wait("the instance to come to rest");
        return work;
    }
    if !set.is_whole() || set.slots().count() < set.snapshots.len() {
        let count = set.snapshots.first().map_or(0, |snapshot| snapshot.of);
        let faults = faults(set.snapshots.iter().copied());
        let faults = if faults.is_empty() { faults } else { format!(" ({faults})") };
        work.hinder(format!(
            "the set {} has {} of {count} parking snapshots with their records{faults}; what is left of it stays as it is",
            set.id,
            set.slots().count(),
        ));
        return work;
    }
    let mut root = None;
    for (snapshot, record) in set.slots() {
        let in_place = bring(world, set, (snapshot, record), memory, &mut work);
        if record.root {
            root = in_place;
        }
    }
    if work.steps.iter().any(|step| matches!(step, Step::CreateVolume { .. })) {
        // AWS takes the call for a volume whose key cannot be used, and nothing comes of it.
        let parked: Vec<&Snapshot> =
            set.snapshots.iter().copied().filter(|one| place(world, one).volume().is_none()).collect();
        let keys = check_keys(&parked, memory);
        if !keys.is_done() {
            return keys;
        }
    }
    settle(world, set, &mut work);
    if let (Some(attach), true) = (root, work.steps.is_empty() && work.waits.is_empty()) {
        // Whatever else hinders, the instance is not made bootable without all of its volumes.
        if work.hindrances.is_empty() {
            work.step(attach);
        }
    }
    work
}

/// One volume. Gives the step that attaches the root volume, which has to wait for all others.
fn bring(
    world: &World,
    set: &Set<'_>,
    (snapshot, record): (&Snapshot, &Record),
    memory: &Memory,
    work: &mut Work,
) -> Option<Step> {
    let volume = match place(world, snapshot) {
        Place::Nowhere => {
            create(snapshot, record, memory, work);
            return None;
        }
        Place::Original(volume) => volume,
        Place::Restored(volume) => {
            let spare = restored(world, snapshot).into_iter().filter(|one| one.id != volume.id);
            spare.for_each(|one| drop_spare(world, set, (snapshot, one), work));
            volume
        }
    };
    let instance = &world.instance;
    if let Some(other) = volume.elsewhere(&instance.id) {
        work.hinder(format!("{} is attached to {other}; detach it there", volume.id));
        return None;
    }
    if let Some(attachment) = volume.on(&instance.id) {
        if attachment.device != record.device {
            work.hinder(format!(
                "{} is attached as {} and was {}; detach it",
                volume.id, attachment.device, record.device
            ));
        } else if attachment.hold == Hold::Moving {
            work.wait(format!("{} to be attached or detached", volume.id));
        }
        return None;
    }
    match volume.stage {
        Stage::Creating => work.wait(format!("{} to be made", volume.id)),
        Stage::Failed => {
            // Made of the snapshot for this instance, and holding nothing.
            work.step(Step::DeleteVolume { volume: volume.id.clone() });
        }
        Stage::Available => return attach(world, volume, record, work),
        Stage::InUse | Stage::Gone => work.wait(format!("{} to be detached", volume.id)),
    }
    None
}

/// A second volume that was made of the same snapshot. It holds nothing of its own only if the instance has not run since.
fn drop_spare(world: &World, set: &Set<'_>, (snapshot, spare): (&Snapshot, &Volume), work: &mut Work) {
    match spare.stage {
        Stage::Creating => work.wait(format!("{} to be made", spare.id)),
        Stage::Failed => work.step(Step::DeleteVolume { volume: spare.id.clone() }),
        Stage::Available if set.is_since_last_start(world) => {
            work.step(Step::DeleteVolume { volume: spare.id.clone() });
        }
        Stage::Available | Stage::InUse => work.hinder(format!(
            "{} was made of {} as well, and may hold what was written since: attach the right one, and take the tag `{MARK_TAG}` off the \
             other",
            spare.id, snapshot.id
        )),
        Stage::Gone => {}
    }
}

fn create(snapshot: &Snapshot, record: &Record, memory: &Memory, work: &mut Work) {
    let attempt = memory.volumes_made.get(&snapshot.id).copied().unwrap_or_default();
    match &snapshot.copied {
        Copied::Pending(progress) => work.wait(format!("{} ({progress})", snapshot.id)),
        _ if !is_usable(snapshot) => work.hinder(format!(
            "{} is gone, and of its parking snapshot no volume can be made: {}",
            snapshot.volume,
            faults([snapshot])
        )),
        _ if attempt >= MOST_VOLUMES => {
            work.hinder(format!("the volumes that were made of {} failed or are gone again", snapshot.id));
        }
        _ => work.step(Step::CreateVolume {
            snapshot: snapshot.id.clone(),
            set: snapshot.set.clone(),
            attempt,
            record: Box::new(record.clone()),
        }),
    }
}

fn attach(world: &World, volume: &Volume, record: &Record, work: &mut Work) -> Option<Step> {
    if let Some((other, _)) = world.at(&record.device) {
        work.hinder(format!(
            "{} was attached as {}, where {} belongs; detach it",
            other.id, record.device, volume.id
        ));
        return None;
    }
    let attach = Step::Attach {
        volume: volume.id.clone(),
        device: record.device.clone(),
        // The card 0 is the one that is taken where none is named.
        card: record.card.filter(|card| *card != 0),
    };
    if record.root {
        return Some(attach);
    }
    work.step(attach);
    None
}

/// What a volume that came to its place after its snapshot was taken gets back: attaching clears the flag.
pub(super) fn settle(world: &World, set: &Set<'_>, work: &mut Work) {
    for (snapshot, record) in set.slots() {
        let found = place(world, snapshot);
        let Some(volume) = found.volume() else { continue };
        let Some(attachment) = volume.on(&world.instance.id) else { continue };
        let returned = !is_after(snapshot, attachment.since);
        if attachment.hold == Hold::Moving || attachment.device != record.device || !returned {
            continue;
        }
        if attachment.delete_on_termination != record.delete_on_termination {
            work.step(Step::SetFlag {
                device: record.device.clone(),
                delete_on_termination: record.delete_on_termination,
            });
        }
        if let Place::Restored(volume) = found {
            let tags = record.volume.missing_tags(&volume.attributes);
            if !tags.is_empty() && volume.mark.is_some() {
                work.step(Step::Tag { volume: volume.id.clone(), tags });
            }
        }
    }
}
