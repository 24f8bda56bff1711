//! From parked to running.

use super::assemble::{assemble, settle};
use super::decide::{Goal, Memory, Step, Verdict, Work};
use super::park::left_over;
use super::record::MARK_TAG;
use super::sets::{Place, Set, base, discard, is_alive, place, rootless, sets};
use super::world::{Copied, Hold, Power, Snapshot, World};

pub(super) fn restore(world: &World, goal: &Goal, memory: &Memory) -> Verdict {
    let sets = sets(world);
    if world.root().is_none() && base(world, &sets).is_none() {
        return Verdict::Stuck(rootless(world));
    }
    if let Some(set) = to_assemble(world, &sets) {
        if let Some(verdict) = assemble(world, &set, memory).verdict() {
            return verdict;
        }
        if let Some(verdict) = differs(world, &set) {
            return verdict;
        }
    }
    match world.instance.power {
        Power::Running => clear_up(world, &sets, goal, memory),
        Power::Pending => Verdict::Wait("the instance to run".to_owned()),
        Power::Stopping => Verdict::Wait("the instance to stop, so that it can be started".to_owned()),
        Power::Stopped | Power::Gone => start(world, memory),
    }
}

/// The set whose volumes are to be in their places. When the instance was started since, they were: what somebody took off
/// it then is theirs.
fn to_assemble<'a>(world: &World, sets: &[Set<'a>]) -> Option<Set<'a>> {
    if world.root().is_none() {
        return base(world, sets);
    }
    let open = sets.iter().filter(|set| set.is_usable() && set.is_since_last_start(world));
    base(world, &open.cloned().collect::<Vec<_>>())
}

/// A restored volume that is otherwise than it was. As long as it bears the mark of the restore, nobody has accepted that.
fn differs(world: &World, set: &Set<'_>) -> Option<Verdict> {
    let mut all = Vec::new();
    for (snapshot, record) in set.slots() {
        if let Place::Restored(volume) = place(world, snapshot)
            && volume.mark.is_some()
        {
            let found = record.volume.differences(&volume.attributes);
            all.extend(found.into_iter().map(|what| format!("{} has {what}", volume.id)));
        }
    }
    (!all.is_empty()).then(|| {
        Verdict::Stuck(format!(
            "restored otherwise than it was: {}; its parking snapshots stay. Put that right, or accept it by taking the tag \
             `{MARK_TAG}` off the volume",
            all.join(", ")
        ))
    })
}

/// A start without the right to use a volume's key succeeds, and the instance falls back to stopped.
fn start(world: &World, memory: &Memory) -> Verdict {
    let moving = world.attached().into_iter().find(|(_, place)| place.hold == Hold::Moving);
    if let Some((volume, _)) = moving {
        return Verdict::Wait(format!("{} to be attached or detached", volume.id));
    }
    if memory.starts == 0 {
        return Verdict::Act(vec![Step::Start]);
    }
    if !memory.fell_back {
        return Verdict::Wait("the instance to run".to_owned());
    }
    let why = world.instance.why.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
    Verdict::Stuck(format!(
        "it was started and stopped again{why}; its parking snapshots stay. With encrypted volumes the caller needs \
         kms:CreateGrant on their keys"
    ))
}

/// The instance runs: marks and snapshots go.
fn clear_up(world: &World, sets: &[Set<'_>], goal: &Goal, memory: &Memory) -> Verdict {
    let mut work = Work::default();
    for set in sets {
        settle(world, set, &mut work);
    }
    if let Some(verdict) = work.verdict() {
        return verdict;
    }
    // Somebody may have started it before it was compared.
    if let Some(verdict) = sets.iter().find_map(|set| differs(world, set)) {
        return verdict;
    }
    let attached = world.attached();
    let marked = attached.iter().filter(|(volume, _)| volume.mark.is_some());
    let volumes: Vec<String> = marked.map(|(volume, _)| volume.id.clone()).collect();
    if !volumes.is_empty() {
        return Verdict::Act(vec![Step::Unmark { volumes }]);
    }
    if let Some(verdict) = left_over(world, sets) {
        return verdict;
    }
    let mut work = Work::default();
    for set in sets {
        let needless: Vec<&Snapshot> =
            set.snapshots.iter().copied().filter(|one| is_alive(world, one)).collect();
        if needless.is_empty() {
            continue;
        }
        if set.is_since_last_start(world) {
            // It runs, and was taken while it did not: what AWS shows of the instance or of the snapshots is old.
            work.wait("AWS to show the start of the instance");
            continue;
        }
        if goal.keep_snapshots {
            let failed = |one: &&Snapshot| matches!(one.copied, Copied::Failed(_));
            let (failed, kept): (Vec<&Snapshot>, Vec<&Snapshot>) = needless.into_iter().partition(failed);
            work.steps.extend(discard(failed, memory));
            let snapshots: Vec<String> = kept.into_iter().map(|one| one.id.clone()).collect();
            if !snapshots.is_empty() {
                work.step(Step::Release { snapshots });
            }
        } else {
            work.steps.extend(discard(needless, memory));
        }
    }
    work.verdict().unwrap_or(Verdict::Done)
}
