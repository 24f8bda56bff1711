//! From a plan's changes to waves of batches.

use std::collections::{BTreeMap, HashMap};

use crate::model::Scope;
use crate::plan::{Plan, Verb};
use crate::resources::{Kind, Reliance, Step};

/// Steps that go into one call.
pub(super) struct Batch {
    pub(super) kind: &'static dyn Kind,
    pub(super) scope: Scope,
    pub(super) steps: Vec<Step>,
}

/// Steps with their kinds.
type Steps = Vec<(&'static dyn Kind, Step)>;

/// Batches that may run side by side. The next wave begins when all are done.
pub(super) type Wave = Vec<Batch>;

/// When a write comes among those of its phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Turn {
    /// At once.
    First,
    /// After what else acts on the same, without which it does harm.
    AfterItsTargets,
    /// After everything of its declaration, without which it does harm.
    AfterItsDeclaration,
    /// Last: it takes from what is there what other writes of the plan may give to something else.
    CutsBack,
}

/// Writes up the phases, in each by their turns, then removals down the phases. Kinds that no registry knows are left to the caller.
pub(super) fn waves(plan: &Plan, kind: impl Fn(&str) -> Option<&'static dyn Kind>) -> Vec<Wave> {
    let mut writes: BTreeMap<(u8, Turn), Steps> = BTreeMap::new();
    let mut removals: BTreeMap<u8, Steps> = BTreeMap::new();
    for change in &plan.changes {
        let Some(kind) = kind(&change.address.kind) else {
            continue;
        };
        let phase = kind.phase();
        if matches!(change.verb, Verb::Create | Verb::Update | Verb::Adopt | Verb::Replace) {
            let step = Step::Write(change.clone());
            writes.entry((phase, turn(kind, &step))).or_default().push((kind, step));
        }
        if matches!(change.verb, Verb::Delete | Verb::Replace) {
            removals.entry(phase).or_default().push((kind, Step::Remove(change.clone())));
        }
    }
    writes.into_values().chain(removals.into_values().rev()).map(batches).collect()
}

/// When the write of a step comes.
pub(super) fn turn(kind: &dyn Kind, step: &Step) -> Turn {
    let change = step.change();
    let Some(after) = &change.after else { return Turn::First };
    if change.before.as_ref().is_some_and(|before| kind.cuts_back(before, after)) {
        Turn::CutsBack
    } else {
        match kind.reliance(after) {
            Reliance::None => Turn::First,
            Reliance::SameTargets => Turn::AfterItsTargets,
            Reliance::Declaration => Turn::AfterItsDeclaration,
        }
    }
}

/// Batches of steps that are alike, by kind and scope, dealt round robin over the scopes so that no region waits for
/// another one's quota.
fn batches(steps: Steps) -> Wave {
    let mut by_scope: BTreeMap<(Scope, &'static str), Vec<Batch>> = BTreeMap::new();
    let mut open: HashMap<(Scope, &'static str, String), usize> = HashMap::new();
    for (kind, step) in steps {
        let (scope, name) = (step.change().address.scope.clone(), kind.text().kind);
        let size = kind.batch_size(&step);
        let batches = by_scope.entry((scope.clone(), name)).or_default();
        let last = open.entry((scope.clone(), name, kind.alike(&step))).or_insert(usize::MAX);
        if let Some(batch) = batches.get_mut(*last).filter(|batch| batch.steps.len() < size) {
            batch.steps.push(step);
        } else {
            *last = batches.len();
            batches.push(Batch { kind, scope, steps: vec![step] });
        }
    }
    let mut queues: Vec<_> = by_scope.into_values().map(Vec::into_iter).collect();
    let mut wave = Vec::new();
    while !queues.is_empty() {
        queues.retain_mut(|queue| match queue.next() {
            Some(batch) => {
                wave.push(batch);
                true
            }
            None => false,
        });
    }
    wave
}
