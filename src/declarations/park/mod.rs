//! `[[park]]`: instances that are kept for the price of their snapshots, or run.

mod block;
mod contradictions;

pub use contradictions::contradictions;

use self::block::Block;
use super::target_problems::{TargetProblem, TargetProblems, selects_nothing};
use super::{Context, Declaration, ForEach, Inventory, Selected, World, variables};
use crate::inventory::{Fleet, Target};
use crate::manifest::{RenderError, TableReader};
use crate::model::{Address, Claim, Desired, Diagnostics, Origin, Place, Severity, TargetRef};
use crate::resources::instance_storage::{self, Storage};

/// A `[[park]]` block.
#[derive(Debug)]
struct Park {
    /// `park.dev-boxes`.
    label: String,
    place: Place,
    block: Block,
}

/// Reads a `[[park]]` block.
pub(super) fn parse(reader: &mut TableReader<'_>, context: &Context<'_>) -> Option<Box<dyn Declaration>> {
    let block = Block::read(reader, context)?;
    let mut known = variables::known(&block.for_each.selectors);
    known.extend(block.for_each.inventory.iter().map(|_| variables::ROW));
    let template = block.state.value.template();
    for problem in template.iter().flat_map(|template| variables::unknown(template, "state", &known)) {
        reader.problem(problem);
    }
    let label = format!("park.{}", context.label);
    Some(Box::new(Park { label, place: reader.place().clone(), block }))
}

impl Declaration for Park {
    fn label(&self) -> &str {
        &self.label
    }

    fn place(&self) -> &Place {
        &self.place
    }

    fn for_each(&self) -> Option<&ForEach> {
        Some(&self.block.for_each)
    }

    fn allows_empty(&self) -> bool {
        self.block.allow_empty || self.inventory().is_some_and(Inventory::allows_empty)
    }

    fn protects(&self) -> bool {
        false
    }

    fn kinds(&self) -> Vec<&'static str> {
        vec![instance_storage::KIND]
    }

    fn parks(&self, fleet: &Fleet) -> Vec<(Address, TargetRef)> {
        let mut problems = TargetProblems::default();
        let selected = self.block.for_each.select(fleet).into_iter();
        let parked = selected.filter(|one| self.parked(one, &mut problems) == Some(true));
        parked.map(|one| (address(one.target), one.target.reference())).collect()
    }

    fn desired(&self, world: &World<'_>) -> (Vec<Desired>, Diagnostics) {
        let mut problems = TargetProblems::default();
        let selected = self.block.for_each.select(world.fleet);
        let desired: Vec<Desired> =
            selected.iter().filter_map(|selected| self.wanted(selected, &mut problems)).collect();
        let mut diagnostics = Diagnostics::new();
        diagnostics.extend(self.block.for_each.missing(world));
        diagnostics.extend(problems.into_diagnostics());
        if selected.is_empty() && diagnostics.is_empty() && !self.allows_empty() {
            diagnostics.push(selects_nothing(&self.label, &self.block.for_each.place));
        }
        (desired, diagnostics)
    }
}

impl Park {
    fn wanted(&self, selected: &Selected<'_>, problems: &mut TargetProblems) -> Option<Desired> {
        let target = selected.target;
        let parked = self.parked(selected, problems)?;
        let block = &self.block;
        let storage = Storage {
            parked,
            keep_snapshots: block.keep_snapshots,
            allow_instance_store: block.allow_instance_store,
            allow_marketplace: block.allow_marketplace,
            initialization_rate: block.initialization_rate,
        };
        let state = if parked { "parked" } else { "running" };
        let why = format!("because {} wants it {state}", self.label);
        Some(Desired {
            address: address(target),
            fields: storage.to_fields(),
            origin: Origin { label: self.label.clone(), place: self.place.line() },
            place: self.place.clone(),
            target: Some(target.reference()),
            claim: Claim::Correct { why },
            protect: false,
        })
    }

    /// Whether it is to be parked; `None` after a problem was recorded.
    fn parked(&self, selected: &Selected<'_>, problems: &mut TargetProblems) -> Option<bool> {
        let mut variables = variables::of_target(selected.target);
        if let Some(row) = &selected.row {
            variables = variables.with(vec![(variables::ROW, row.value())]);
        }
        let state = &self.block.state;
        let mut hint = None;
        let (fault, found) = match state.value.render(&variables) {
            Ok(text) => {
                if let Some(parked) = block::parked(&text) {
                    return Some(parked);
                }
                hint = hint_for_case(&text);
                (" gave what is neither \"parked\" nor \"running\"".to_owned(), Some(format!("{text:?}")))
            }
            Err(error @ RenderError::Missing { .. }) => (format!(": {error}"), None),
            Err(error) => (format!(": the template {error}"), None),
        };
        problems.push(TargetProblem {
            severity: Severity::Error,
            place: state.place.clone(),
            cell: None,
            lead: format!("`state` of {} for ", self.label),
            subject: selected.target.reference().words(),
            tail: match &found {
                Some(text) => format!("{fault}: {text}"),
                None => fault.clone(),
            },
            shared: fault,
            found,
            hint,
        });
        None
    }
}

/// What to write where only the case of the letters is another.
fn hint_for_case(text: &str) -> Option<String> {
    block::parked(&text.to_lowercase()).map(|_| {
        "`| lower` in the template takes capital letters, too: `\"{{ tags.Park | lower }}\"`".to_owned()
    })
}

fn address(target: &Target) -> Address {
    Address::new(instance_storage::KIND, target.scope.clone(), &*target.id)
}

#[cfg(test)]
mod tests;
