//! From parked to running.

use super::assemble::{assemble, settle};
use super::decide::{Goal, Memory, Step, Verdict, Work};
use super::sets::{Place, Set, base, is_alive, place, sets};
use super::world::{Power, World};

/// How often an instance may be seen stopped after it was started: AWS's answers lag a little, and after that it is
/// because it fell back.
const MOST_SEEN_STOPPED: usize = 6;

pub(super) fn restore(world: &World, goal: &Goal, memory: &Memory) -> Verdict {
    let sets = sets(world);
    if world.root().is_none() && base(&sets).is_none() {
        return Verdict::Stuck(format!(
            "it has no root volume at {}, and there is no parking snapshot of one",
            world.instance.root_device
        ));
    }
    if let Some(set) = to_assemble(world, &sets) {
        if let Some(verdict) = assemble(world, &set, memory).verdict() {
            return verdict;
        }
        let differences = differences(world, &set);
        if !differences.is_empty() {
            return Verdict::Stuck(format!(
                "restored otherwise than it was: {}; its parking snapshots stay until that is put right",
                differences.join(", ")
            ));
        }
    }
    match world.instance.power {
        Power::Running => clear_up(world, &sets, goal),
        Power::Pending => Verdict::Wait("the instance to run".to_owned()),
        Power::Stopping => Verdict::Wait("the instance to stop, so that it can be started".to_owned()),
        Power::Stopped | Power::Gone => start(world, memory),
    }
}

/// The set whose volumes are to be in their places. When the instance was started since, they were: what somebody took off
/// it then is theirs.
fn to_assemble<'a>(world: &World, sets: &[Set<'a>]) -> Option<Set<'a>> {
    if world.root().is_none() {
        return base(sets);
    }
    let open = sets.iter().filter(|set| set.is_usable() && set.is_since_last_start(world));
    base(&open.cloned().collect::<Vec<_>>())
}

fn differences(world: &World, set: &Set<'_>) -> Vec<String> {
    let mut all = Vec::new();
    for (snapshot, record) in set.slots() {
        if let Place::Restored(volume) = place(world, snapshot) {
            let found = record.volume.differences(&volume.attributes);
            all.extend(found.into_iter().map(|what| format!("{} has {what}", volume.id)));
        }
    }
    all
}

/// A start without the right to use a volume's key succeeds, and the instance falls back to stopped.
fn start(world: &World, memory: &Memory) -> Verdict {
    if memory.starts == 0 {
        return Verdict::Act(vec![Step::Start]);
    }
    if memory.seen_stopped <= MOST_SEEN_STOPPED {
        return Verdict::Wait("the instance to run".to_owned());
    }
    let why = world.instance.why.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
    Verdict::Stuck(format!(
        "it was started and stopped again{why}; its parking snapshots stay. With encrypted volumes the caller needs \
         kms:CreateGrant on their keys"
    ))
}

/// The instance runs: marks and snapshots go.
fn clear_up(world: &World, sets: &[Set<'_>], goal: &Goal) -> Verdict {
    let mut work = Work::default();
    for set in sets {
        settle(world, set, &mut work);
    }
    if let Some(verdict) = work.verdict() {
        return verdict;
    }
    let attached = world.attached();
    let marked = attached.values().filter(|(volume, _)| volume.mark.is_some());
    let volumes: Vec<String> = marked.map(|(volume, _)| volume.id.clone()).collect();
    if !volumes.is_empty() {
        return Verdict::Act(vec![Step::Unmark { volumes }]);
    }
    let mut work = Work::default();
    for set in sets {
        let needless = set.snapshots.iter().filter(|one| is_alive(world, one));
        let needless: Vec<String> = needless.map(|one| one.id.clone()).collect();
        if goal.keep_snapshots && set.is_usable() && !needless.is_empty() {
            work.step(Step::Release { snapshots: needless });
        } else {
            let delete = needless.into_iter().map(|snapshot| Step::DeleteSnapshot { snapshot });
            work.steps.extend(delete);
        }
    }
    work.verdict().unwrap_or(Verdict::Done)
}
