//! `[[snapshot]]`: snapshots of volumes on a schedule, and how many of them are kept.
//!
//! Each volume has a schedule of EventBridge Scheduler whose target is `CreateSnapshot`. The snapshots bear this project's
//! tags from the moment that they are there, and by those tags they are found again.

mod block;
mod holders;
mod pruning;
mod rendering;
mod retention;
mod wanted;

use std::collections::BTreeSet;

use crate::inventory::{Fleet, Selector, TargetKind};
use crate::manifest::TableReader;
use crate::model::{Actual, Desired, Diagnostics, Place, Scope};
use crate::resources;

use self::block::Block;
use self::holders::{alone, holders};
use self::pruning::Pruning;
use super::engine::Engine;
use super::target_problems::{TargetProblems, selects_nothing};
use super::{Context, Declaration, Inventory, PassedRole, World, timetable, variables};

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
    if block.consistent {
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
        besides: if block.consistent { vec![Selector::all(TargetKind::Ec2)] } else { Vec::new() },
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

    fn selectors(&self) -> &[Selector] {
        self.block.for_each.reads()
    }

    fn reads_besides(&self) -> &[Selector] {
        &self.besides
    }

    fn more_selectors(&self, fleet: &Fleet) -> Vec<Selector> {
        self.block.for_each.reads_more(fleet)
    }

    fn tagged_kinds(&self) -> Vec<&'static str> {
        vec![resources::snapshot::KIND]
    }

    fn targets_of_tagged(&self, fleet: &Fleet, tagged: &[Actual]) -> Vec<Selector> {
        Pruning::new(self, fleet, tagged).volumes_to_look_for().into_iter().collect()
    }

    fn inventory(&self) -> Option<&Inventory> {
        self.block.for_each.inventory.as_deref()
    }

    fn selected(&self, fleet: &Fleet) -> BTreeSet<(Scope, String, String)> {
        let targets = self.block.for_each.select(fleet).into_iter().map(|selected| selected.target);
        targets
            .map(|target| (target.scope.clone(), target.kind.name().to_owned(), target.id.clone()))
            .collect()
    }

    fn allows_empty(&self) -> bool {
        self.block.allow_empty || self.inventory().is_some_and(Inventory::allows_empty)
    }

    fn protects(&self) -> bool {
        self.block.protect
    }

    fn kinds(&self) -> Vec<&'static str> {
        vec![resources::schedule_group::KIND, resources::schedule::KIND, resources::snapshot::KIND]
    }

    fn passed_roles(&self) -> Vec<PassedRole> {
        vec![Engine::Scheduler.passed_role(&self.block.role)]
    }

    fn desired(&self, world: &World<'_>) -> (Vec<Desired>, Diagnostics) {
        let mut problems = TargetProblems::default();
        let pruning = Pruning::new(self, world.fleet, world.tagged);
        let mut desired = Vec::new();
        let selected = self.block.for_each.select(world.fleet);
        let mut diagnostics = Diagnostics::new();
        let scopes: BTreeSet<&Scope> = selected.iter().map(|selected| &selected.target.scope).collect();
        let holders = if self.block.consistent { holders(&selected, world.fleet) } else { alone(&selected) };
        for scope in scopes {
            match timetable::role_in(&self.block.role, scope) {
                Err(problem) => diagnostics.push(*problem),
                Ok(role) => {
                    let here = holders.iter().filter(|holder| holder.target.scope == *scope);
                    let schedules: Vec<Desired> =
                        here.filter_map(|holder| self.wanted(holder, &role, &mut problems)).collect();
                    desired.extend(schedules.first().map(|first| timetable::group(&self.project, first)));
                    desired.extend(schedules);
                }
            }
        }
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
        (desired, diagnostics)
    }
}

#[cfg(test)]
mod tests;
