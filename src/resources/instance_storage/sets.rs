//! Sets of parking snapshots: which are there, and what they are worth.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::decide::{Memory, Step};
use super::record::Record;
use super::world::{Copied, Snapshot, Stage, Volume, World};

/// The snapshots of one set.
#[derive(Clone, Debug)]
pub(super) struct Set<'a> {
    /// Its id.
    pub(super) id: &'a str,
    /// One for each volume.
    pub(super) snapshots: Vec<&'a Snapshot>,
}

/// Where the volume of a snapshot is now.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'a> {
    /// The volume that the snapshot was taken of is there.
    Original(&'a Volume),
    /// A volume was made of the snapshot.
    Restored(&'a Volume),
    /// The snapshot is all that is left of it.
    Nowhere,
}

impl<'a> Place<'a> {
    /// The volume, where there is one.
    pub(super) fn volume(self) -> Option<&'a Volume> {
        match self {
            Self::Original(volume) | Self::Restored(volume) => Some(volume),
            Self::Nowhere => None,
        }
    }
}

/// All sets of an instance, by id.
pub(super) fn sets(world: &World) -> Vec<Set<'_>> {
    let mut sets: BTreeMap<&str, Vec<&Snapshot>> = BTreeMap::new();
    for snapshot in &world.snapshots {
        sets.entry(&snapshot.set).or_default().push(snapshot);
    }
    sets.into_iter().map(|(id, snapshots)| Set { id, snapshots }).collect()
}

/// The volumes that were made of a snapshot and are not gone: the one in its place first, then by id.
pub(super) fn restored<'a>(world: &'a World, snapshot: &Snapshot) -> Vec<&'a Volume> {
    let instance = &*world.instance.id;
    let made = world.volumes.iter().filter(|volume| {
        volume.source.as_deref() == Some(&*snapshot.id)
            && volume.stage != Stage::Gone
            && (volume.mark.as_deref() == Some(&*snapshot.set) || volume.on(instance).is_some())
    });
    let mut made: Vec<&Volume> = made.collect();
    made.sort_by_key(|volume| (volume.on(instance).is_none(), volume.stage == Stage::Failed, &volume.id));
    made
}

/// Where the volume of a snapshot is.
pub(super) fn place<'a>(world: &'a World, snapshot: &Snapshot) -> Place<'a> {
    let original = world.volume(&snapshot.volume).filter(|volume| volume.stage != Stage::Failed);
    let restored = restored(world, snapshot).into_iter().next();
    let on = |volume: &&Volume| volume.on(&world.instance.id).is_some();
    match (original, restored) {
        (Some(original), Some(restored)) if !on(&original) && on(&restored) => Place::Restored(restored),
        (Some(original), _) => Place::Original(original),
        (None, Some(restored)) => Place::Restored(restored),
        (None, None) => Place::Nowhere,
    }
}

/// Whether the data are safe without the snapshot: its volume is there, or the one restored from it is in its place.
pub(super) fn is_alive(world: &World, snapshot: &Snapshot) -> bool {
    match place(world, snapshot) {
        Place::Original(_) => true,
        Place::Restored(volume) => volume.on(&world.instance.id).is_some(),
        Place::Nowhere => false,
    }
}

impl<'a> Set<'a> {
    /// Whether all of its snapshots are there, each of another volume.
    pub(super) fn is_whole(&self) -> bool {
        let volumes: BTreeSet<&str> = self.snapshots.iter().map(|snapshot| &*snapshot.volume).collect();
        let count = self.snapshots.len();
        volumes.len() == count && self.snapshots.iter().all(|snapshot| snapshot.of == count)
    }

    /// Whether every volume can be made of it again.
    pub(super) fn is_usable(&self) -> bool {
        self.is_whole() && self.snapshots.iter().all(|snapshot| is_usable(snapshot))
    }

    /// Whether a snapshot of it failed.
    pub(super) fn failure(&self) -> Option<(&'a Snapshot, &'a str)> {
        self.snapshots.iter().find_map(|snapshot| match &snapshot.copied {
            Copied::Failed(why) => Some((*snapshot, &**why)),
            _ => None,
        })
    }

    /// Whether the instance ran last before it was taken.
    pub(super) fn is_since_last_start(&self, world: &World) -> bool {
        self.snapshots.iter().all(|snapshot| snapshot.started == Some(world.instance.started))
    }

    /// What stands in the order of sets: the oldest is the first, whoever looks.
    pub(super) fn order(&self) -> (Option<Timestamp>, &'a str) {
        (self.snapshots.iter().map(|one| one.taken).max(), self.id)
    }

    /// Whether it was taken after the instance ran last, and after each of its volumes came to its place.
    pub(super) fn is_fresh(&self, world: &World) -> bool {
        let after_it_came = |snapshot: &&Snapshot| {
            let place = world.volume(&snapshot.volume).and_then(|volume| volume.on(&world.instance.id));
            place.is_none_or(|attachment| is_after(snapshot, attachment.since))
        };
        self.is_since_last_start(world) && self.snapshots.iter().all(after_it_came)
    }

    /// Whether it holds just the volumes that are on the instance, in their sizes.
    pub(super) fn covers(&self, world: &World) -> bool {
        let on: BTreeMap<&str, i32> =
            world.attached().into_iter().map(|(volume, _)| (&*volume.id, volume.attributes.size)).collect();
        let held: BTreeMap<&str, i32> =
            self.snapshots.iter().map(|snapshot| (&*snapshot.volume, snapshot.size)).collect();
        on == held
    }

    /// The snapshot of the root volume.
    pub(super) fn root(&self) -> Option<(&'a Snapshot, &'a Record)> {
        self.slots().find(|(_, record)| record.root)
    }

    /// Its snapshots with their records, the root volume last.
    pub(super) fn slots(&self) -> impl Iterator<Item = (&'a Snapshot, &'a Record)> + use<'a> {
        let recorded = self.snapshots.iter().filter_map(|one| Some((*one, one.record.as_ref().ok()?)));
        let mut slots: Vec<_> = recorded.collect();
        slots.sort_by_key(|(_, record)| (record.root, &*record.device));
        slots.into_iter()
    }
}

/// Whether a snapshot was surely taken after a moment: AWS tells some of its times in whole seconds.
pub(super) fn is_after(snapshot: &Snapshot, moment: Timestamp) -> bool {
    snapshot.taken.as_second() > moment.as_second()
}

/// Whether a volume can be made of a snapshot again.
pub(super) fn is_usable(snapshot: &Snapshot) -> bool {
    fault(snapshot).is_none()
}

/// Why no volume can be made of a snapshot, with what to do about it.
pub(super) fn fault(snapshot: &Snapshot) -> Option<String> {
    match (&snapshot.copied, &snapshot.record) {
        (Copied::Pending(progress), _) => Some(format!("it is not complete ({progress})")),
        (Copied::Failed(why), _) => Some(format!("it failed: {why}")),
        (Copied::Other(why), _) | (Copied::Completed, Err(why)) => Some(why.clone()),
        (Copied::Completed, Ok(record)) if record.volume.size != snapshot.size => {
            Some(format!("it has {} GiB, and its record says {}", snapshot.size, record.volume.size))
        }
        (Copied::Completed, Ok(_)) => None,
    }
}

/// Snapshots of which no volume can be made, each with the reason.
pub(super) fn faults<'a>(snapshots: impl IntoIterator<Item = &'a Snapshot>) -> String {
    let faults = snapshots.into_iter().filter_map(|one| Some(format!("{}: {}", one.id, fault(one)?)));
    faults.collect::<Vec<_>>().join("; ")
}

/// The calls that take snapshots away which are needed no longer. One that AWS does not delete becomes an ordinary one.
pub(super) fn discard<'a>(snapshots: impl IntoIterator<Item = &'a Snapshot>, memory: &Memory) -> Vec<Step> {
    let (kept, rest): (Vec<String>, Vec<String>) =
        snapshots.into_iter().map(|one| one.id.clone()).partition(|id| memory.undeletable.contains(id));
    let release = (!kept.is_empty()).then_some(Step::Release { snapshots: kept });
    release.into_iter().chain(rest.into_iter().map(|snapshot| Step::DeleteSnapshot { snapshot })).collect()
}

/// That there is nothing that the root volume could be made of.
pub(super) fn rootless(world: &World) -> String {
    let known = faults(&world.snapshots);
    let known = if known.is_empty() { known } else { format!(" ({known})") };
    format!(
        "it has no root volume at {}, and there is no parking snapshot that says it is of one{known}",
        world.instance.root_device
    )
}

/// The set that stands for the instance while its root volume is off: it holds the root volume. Of several that can be used the oldest is taken that
/// was made since the last start, as every run does; else the best, then the latest.
pub(super) fn base<'a>(world: &World, sets: &[Set<'a>]) -> Option<Set<'a>> {
    let rooted = || sets.iter().filter(|set| set.root().is_some());
    let fresh = rooted().filter(|set| set.is_usable() && set.is_since_last_start(world));
    let best = || rooted().max_by_key(|set| (set.is_usable(), set.is_whole(), set.order()));
    fresh.min_by_key(|set| set.order()).or_else(best).cloned()
}
