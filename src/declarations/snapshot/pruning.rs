//! Which of the snapshots on AWS are to go, volume by volume.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::declarations::Selected;
use crate::declarations::target_problems::{TargetProblems, listed};
use crate::inventory::{Fleet, Selector, TargetKind};
use crate::model::{Actual, Address, Claim, Desired, Diagnostic, Scope, TargetRef};
use crate::resources::snapshot::{KIND, may_be_a_volume};

use super::Snapshots;
use super::age::Age;
use super::block::WhenGone;
use super::rendering::Rendering;
use super::retention::{self, Keep, Owner, Surplus};
use super::watch::Volumes;

/// A declaration beside what is there.
pub(super) struct Pruning<'a> {
    of: &'a Snapshots,
    /// The volumes that are there.
    there: BTreeSet<(&'a Scope, &'a str)>,
    /// The declaration's own snapshots, by the volume that they were taken of.
    volumes: Volumes<'a>,
    /// Those that this plan adopts: they count, and none of them goes before the plan that adopts it was carried out.
    adopted: BTreeSet<&'a Address>,
}

impl<'a> Pruning<'a> {
    /// `tagged` is what bears the project's tag, `adopted` what is about to.
    pub(super) fn new(
        of: &'a Snapshots,
        fleet: &'a Fleet,
        tagged: &'a [Actual],
        adopted: &'a [Actual],
    ) -> Self {
        let there = fleet.of_kind(TargetKind::Ebs).map(|target| (&target.scope, &*target.id)).collect();
        let addresses = adopted.iter().map(|live| &live.address).collect();
        let mut pruning = Self { of, there, volumes: BTreeMap::new(), adopted: addresses };
        for live in tagged.iter().chain(adopted).filter(|live| live.address.kind == KIND) {
            let volume = live.fields.get("volume").and_then(|volume| volume.as_str());
            if let Some(volume) = volume.filter(|_| pruning.owner().has(live)) {
                pruning.volumes.entry((&live.address.scope, volume)).or_default().push(live);
            }
        }
        pruning
    }

    /// The declaration's own snapshots, by the volume that they were taken of.
    pub(super) fn volumes(&self) -> &Volumes<'a> {
        &self.volumes
    }

    fn owner(&self) -> Owner<'a> {
        Owner { project: &self.of.project, label: &self.of.label }
    }

    /// All snapshots of the declaration, each with its volume.
    pub(super) fn own<'t>(
        of: &Snapshots,
        fleet: &Fleet,
        tagged: &'t [Actual],
    ) -> Vec<(&'t Actual, TargetRef)> {
        let there: BTreeMap<(&Scope, &str), TargetRef> = fleet
            .of_kind(TargetKind::Ebs)
            .map(|target| ((&target.scope, &*target.id), target.reference()))
            .collect();
        let owner = Owner { project: &of.project, label: &of.label };
        let own = tagged.iter().filter(|live| live.address.kind == KIND && owner.has(live));
        own.filter_map(|live| {
            let id = live.fields.get("volume").and_then(|volume| volume.as_str())?;
            let volume = there.get(&(&live.address.scope, id)).cloned();
            Some((live, volume.unwrap_or_else(|| volume_that_is_gone(id))))
        })
        .collect()
    }

    /// The volumes that are not in the fleet and may be gone, where that makes a difference.
    pub(super) fn volumes_to_look_for(&self) -> Option<Selector> {
        if self.of.block.when_volume_gone == WhenGone::Keep {
            return None;
        }
        let missing = self.volumes.keys().filter(|volume| !self.there.contains(*volume));
        let mut selector = Selector::all(TargetKind::Ebs);
        selector.ids = missing.map(|(_, id)| (*id).to_owned()).collect();
        (!selector.ids.is_empty()).then_some(selector)
    }

    /// What is beyond the generations that a volume keeps.
    pub(super) fn surplus(
        &self,
        selected: &Selected<'_>,
        now: Timestamp,
        problems: &mut TargetProblems,
    ) -> Vec<Desired> {
        let block = &self.of.block;
        let mut rendering = Rendering::new(self.of, selected, problems);
        let mut keep = Keep { count: None, age: None };
        if let Some(count) = &block.keep {
            keep.count = rendering.get("keep", count);
        }
        if let Some(age) = &block.keep_for {
            keep.age = rendering.get("keep_for", age).map(|Age(age)| age);
        }
        // What is wrong with either keeps everything.
        if keep.count.is_some() != block.keep.is_some() || keep.age.is_some() != block.keep_for.is_some() {
            return Vec::new();
        }
        let target = selected.target;
        let Some(snapshots) = self.volumes.get(&(&target.scope, &*target.id)) else { return Vec::new() };
        let surplus = keep.surplus(&self.owner().generations(snapshots), now, &block.timezone);
        let surplus = surplus.into_iter().filter(|surplus| self.may_go(surplus));
        surplus.map(|surplus| self.to_go(surplus, target.reference())).collect()
    }

    /// What is to go of the volumes that are not selected, and what is to be said of the snapshots that stay.
    pub(super) fn of_others(
        &self,
        selected: &[Selected<'_>],
        now: Timestamp,
    ) -> (Vec<Desired>, Option<Diagnostic>) {
        let selected: BTreeSet<(&Scope, &str)> =
            selected.iter().map(|selected| (&selected.target.scope, &*selected.target.id)).collect();
        let (mut desired, mut left, mut volumes) = (Vec::new(), 0, Vec::new());
        for (volume, snapshots) in self.volumes.iter().filter(|(volume, _)| !selected.contains(*volume)) {
            let surplus = self.of_gone(volume, snapshots, now);
            let stay = snapshots.len() - surplus.len();
            if stay > 0 {
                left += stay;
                volumes.push(volume.1.to_owned());
            }
            let target = volume_that_is_gone(volume.1);
            desired.extend(surplus.into_iter().map(|surplus| self.to_go(surplus, target.clone())));
        }
        (desired, (left > 0).then(|| self.left(left, &volumes)))
    }

    fn of_gone(&self, volume: &(&Scope, &str), snapshots: &[&'a Actual], now: Timestamp) -> Vec<Surplus<'a>> {
        match self.of.block.when_volume_gone {
            // An id that no volume can have says nothing about a volume.
            WhenGone::DeleteAfter(Age(age)) if !self.there.contains(volume) && may_be_a_volume(volume.1) => {
                let surplus =
                    retention::of_gone_volume(self.owner(), snapshots, age, now, &self.of.block.timezone);
                surplus.into_iter().filter(|surplus| self.may_go(surplus)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Snapshots that nobody prunes are not forgotten.
    fn left(&self, count: usize, volumes: &[String]) -> Diagnostic {
        let snapshots = if count == 1 { "1 snapshot".to_owned() } else { format!("{count} snapshots") };
        let volumes = listed(volumes, "volumes");
        let problem = Diagnostic::warning(format!(
            "{} keeps {snapshots} of what it does not select: {volumes}",
            self.of.label
        ));
        let hint = match self.of.block.when_volume_gone {
            WhenGone::Keep => {
                "they stay until somebody deletes them; `when_volume_gone = \"delete_after 30d\"` does so where a volume is gone"
                    .to_owned()
            }
            WhenGone::DeleteAfter(Age(age)) => format!(
                "of a volume that is gone all go {} after the last was taken; those of a volume that is there, copies, and what \
                 something needs stay until somebody deletes them",
                retention::words(age)
            ),
        };
        problem.at(self.of.place.clone()).hint(hint)
    }

    fn may_go(&self, surplus: &Surplus<'_>) -> bool {
        !self.adopted.contains(&surplus.live.address)
    }

    fn to_go(&self, surplus: Surplus<'_>, target: TargetRef) -> Desired {
        Desired {
            fields: surplus.live.fields.clone(),
            claim: Claim::Remove { why: surplus.why, usual: surplus.usual, relies_on: surplus.relies_on },
            protect: false,
            ..self.of.desired_of(surplus.live.address.clone(), target)
        }
    }
}

fn volume_that_is_gone(id: &str) -> TargetRef {
    TargetRef { kind: TargetKind::Ebs.name().to_owned(), id: id.to_owned(), name: id.to_owned() }
}
