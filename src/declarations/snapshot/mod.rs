//! `[[snapshot]]`: snapshots of volumes on a schedule, and how many of them are kept.
//!
//! Each volume has a schedule of EventBridge Scheduler whose target is `CreateSnapshot`. The snapshots bear this project's
//! tags from the moment that they are there, and by those tags they are found again. Rules of EventBridge can do the same
//! without tags: the plan adopts what they took.

mod age;
mod block;
mod holders;
mod names;
mod products;
mod pruning;
mod rendering;
mod retention;
mod rules;
mod since;
mod taken;
mod wanted;
mod watch;
mod window;

use std::collections::{BTreeMap, BTreeSet};

use crate::inventory::{Fleet, Selector, TargetKind};
use crate::manifest::TableReader;
use crate::model::{Actual, Address, Desired, Diagnostics, Place, Scope, TargetRef};
use crate::resources;

use self::block::{Block, Taker};
use self::holders::{Holder, alone, holders};
use self::pruning::Pruning;
use super::engine::Engine;
use super::target_problems::{TargetProblems, selects_nothing};
use super::{
    Context, Declaration, ForEach, Inventory, PassedRole, Products, Records, Runs, Selected, Unclaimed,
    World, timetable, variables,
};

/// A `[[snapshot]]` block.
#[derive(Debug)]
struct Snapshots {
    /// `snapshot.daily`.
    label: String,
    /// `daily`.
    short_label: String,
    project: String,
    place: Place,
    block: Block,
    /// The instances that the volumes may be attached to, where that makes a difference.
    besides: Vec<Selector>,
}

/// Reads a `[[snapshot]]` block.
pub(super) fn parse(reader: &mut TableReader<'_>, context: &Context<'_>) -> Option<Box<dyn Declaration>> {
    let block = Block::read(reader, context)?;
    let row = block.for_each.inventory.iter().map(|_| variables::ROW);
    let of_volumes: Vec<&str> = variables::known(&block.for_each.selectors).into_iter().chain(row).collect();
    let mut of_snapshots = of_volumes.clone();
    if block.taker == Taker::InstanceSchedule {
        of_snapshots.extend(TargetKind::Ec2.attributes());
    }
    let templates =
        [(block.templates_of_volumes(), of_volumes), (block.templates_of_snapshots(), of_snapshots)];
    for (templates, known) in templates {
        for (field, template) in templates {
            for problem in variables::unknown(template, &field, &known) {
                reader.problem(problem);
            }
        }
    }
    Some(Box::new(Snapshots {
        label: format!("snapshot.{}", context.label),
        short_label: context.label.to_owned(),
        project: context.settings.project.clone(),
        place: reader.place().clone(),
        besides: match block.taker {
            Taker::VolumeSchedule => Vec::new(),
            Taker::InstanceSchedule | Taker::Rule => vec![Selector::all(TargetKind::Ec2)],
        },
        block,
    }))
}

impl Declaration for Snapshots {
    fn label(&self) -> &str {
        &self.label
    }

    fn place(&self) -> &Place {
        &self.place
    }

    fn for_each(&self) -> Option<&ForEach> {
        Some(&self.block.for_each)
    }

    fn reads_besides(&self) -> &[Selector] {
        &self.besides
    }

    fn tagged_kinds(&self) -> Vec<&'static str> {
        vec![resources::snapshot::KIND]
    }

    fn products(&self, records: &Records) -> Vec<Products> {
        self.products_of(records)
    }

    fn taken(&self, unclaimed: &Unclaimed<'_>) -> (BTreeSet<Address>, Diagnostics) {
        let (taken, said) = self.taken_by_rules(unclaimed);
        (taken.into_iter().map(|taken| taken.live.address.clone()).collect(), said)
    }

    fn targets_of_tagged(&self, fleet: &Fleet, tagged: &[Actual]) -> Vec<Selector> {
        Pruning::new(self, fleet, tagged, &[]).volumes_to_look_for().into_iter().collect()
    }

    fn own_tagged<'a>(&self, fleet: &Fleet, tagged: &'a [Actual]) -> Vec<(&'a Actual, TargetRef)> {
        Pruning::own(self, fleet, tagged)
    }

    fn runs(&self) -> Vec<Runs> {
        Runs::new("snapshot", &self.block.written, &self.block.timezone).into_iter().collect()
    }

    fn selected(&self, fleet: &Fleet) -> BTreeSet<(Scope, String, String)> {
        self.block.for_each.selected_ids(fleet)
    }

    fn allows_empty(&self) -> bool {
        self.block.allow_empty || self.inventory().is_some_and(Inventory::allows_empty)
    }

    fn protects(&self) -> bool {
        self.block.protect
    }

    fn kinds(&self) -> Vec<&'static str> {
        match self.block.taker.engine() {
            Engine::Scheduler => {
                vec![resources::schedule_group::KIND, resources::schedule::KIND, resources::snapshot::KIND]
            }
            Engine::Rule => vec![resources::event_rule::KIND, resources::snapshot::KIND],
        }
    }

    fn kinds_of_any_name(&self) -> Vec<&'static str> {
        match self.block.taker.engine() {
            Engine::Scheduler => Vec::new(),
            Engine::Rule => vec![resources::event_rule::KIND],
        }
    }

    fn passed_roles(&self) -> Vec<PassedRole> {
        vec![self.block.taker.engine().passed_role(&self.block.role)]
    }

    fn desired(&self, world: &World<'_>) -> (Vec<Desired>, Diagnostics) {
        let mut problems = TargetProblems::default();
        let mut diagnostics = Diagnostics::new();
        let selected = self.block.for_each.select(world.fleet);
        let mut desired = self.makers(&selected, world, &mut problems, &mut diagnostics);
        desired.extend(self.adoptions(&selected, world));
        let adopted = self.adopted(world);
        let pruning = Pruning::new(self, world.fleet, world.tagged, &adopted);
        for selected in &selected {
            desired.extend(pruning.surplus(selected, world.now, &mut problems));
        }
        let (gone, left) = pruning.of_others(&selected, world.now);
        desired.extend(gone);
        diagnostics.extend(self.block.for_each.missing(world));
        diagnostics.extend(problems.into_diagnostics());
        if selected.is_empty() && diagnostics.is_empty() && !self.allows_empty() {
            diagnostics.push(selects_nothing(&self.label, &self.block.for_each.place));
        }
        diagnostics.extend(left);
        diagnostics.extend(self.watch(&selected, pruning.volumes(), world.now));
        (desired, diagnostics)
    }
}

impl Snapshots {
    /// The schedules, or rules, that take the snapshots.
    fn makers(
        &self,
        selected: &[Selected<'_>],
        world: &World<'_>,
        problems: &mut TargetProblems,
        diagnostics: &mut Diagnostics,
    ) -> Vec<Desired> {
        let holders = if self.besides.is_empty() { alone(selected) } else { holders(selected, world.fleet) };
        let mut scopes: BTreeMap<&Scope, Vec<&Holder<'_>>> = BTreeMap::new();
        for holder in &holders {
            scopes.entry(&holder.target.scope).or_default().push(holder);
        }
        let mut makers = Vec::new();
        for (scope, holders) in scopes {
            let role = match timetable::role_in(&self.block.role, scope) {
                Ok(role) => role,
                Err(problem) => {
                    diagnostics.push(*problem);
                    continue;
                }
            };
            match self.block.taker.engine() {
                Engine::Scheduler => {
                    let schedules = holders.into_iter();
                    let mut schedules: Vec<Desired> =
                        schedules.filter_map(|holder| self.wanted(holder, &role, problems)).collect();
                    let minutes = window::minutes(self.block.window, schedules.len(), &self.block.schedule);
                    window::spread(&mut schedules, minutes);
                    makers.extend(schedules.first().map(|first| timetable::group(&self.project, first)));
                    makers.extend(schedules);
                }
                Engine::Rule => {
                    self.check_texts(&holders, problems);
                    makers.extend(self.rules(&holders, &role, world));
                }
            }
        }
        makers
    }
}

#[cfg(test)]
mod tests;
