//! `[[alarm]]`: an alarm on a metric for each selected target, or one per account without targets.

mod block;
mod checks;
mod choices;
mod dimensions;
mod rendered;
mod rendering;
mod row_checks;
mod rows;
mod subject;

use std::collections::BTreeMap;

use crate::manifest::{Placed, RowReader, TableReader};
use crate::model::{Address, Claim, Desired, Diagnostic, Diagnostics, Origin, Place, Scope, TargetRef};
use crate::resources::PROTECT_TAG;
use crate::resources::metric_alarm::KIND;
use crate::resources::metric_alarm::constraints::Violation;

use self::block::Block;
use self::rendered::Rendered;
use self::rows::Rows;
use self::subject::Subject;
use super::target_problems::{TargetProblems, selects_nothing};
use super::{Context, Declaration, ForEach, Inventory, World};

/// An `[[alarm]]` block.
#[derive(Debug)]
struct Alarm {
    /// `alarm.cpu`.
    label: String,
    /// `cpu`, as templates see it.
    short_label: String,
    place: Place,
    attachment: Attachment,
    block: Block,
    /// What was said of the block's literals already, and is not said again for each target.
    told: Vec<Violation>,
}

#[derive(Debug)]
enum Attachment {
    Targets(ForEach),
    /// One alarm a row.
    Rows(Rows),
    /// One alarm in this region, in each account or in the one that is named.
    Region {
        region: Placed<String>,
        account: Option<Placed<String>>,
    },
}

/// Reads an `[[alarm]]` block.
pub(super) fn parse(reader: &mut TableReader<'_>, context: &Context<'_>) -> Option<Box<dyn Declaration>> {
    let label = format!("alarm.{}", context.label);
    let attachment = attachment(reader, context);
    let draft = block::Draft::read(reader);
    let selectors = match &attachment {
        Some(Attachment::Targets(for_each)) if !for_each.selectors.is_empty() => {
            Some(&for_each.selectors[..])
        }
        Some(Attachment::Region { .. } | Attachment::Rows(_)) => Some(&[][..]),
        // What can exist depends on what is selected, which could not be read.
        _ => None,
    };
    let told = checks::literals(&draft, selectors);
    for violation in &told {
        reader.problem(checks::diagnostic(violation, &label, &draft));
    }
    if let Some(selectors) = selectors {
        let sheet = attachment.as_ref().and_then(Attachment::inventory).map(Inventory::sheet);
        for problem in checks::variables(&draft, selectors, sheet) {
            reader.problem(problem);
        }
        if selectors.is_empty() && draft.optional.namespace.is_none() {
            reader.problem(
                Diagnostic::error("an alarm that is not made for targets needs a `namespace`")
                    .at(draft.optional.place.clone())
                    .hint("the default comes from the target's kind; write `namespace = \"AWS/…\"`"),
            );
        }
    }
    let block = draft.complete()?;
    let alarm = Alarm {
        label,
        short_label: context.label.to_owned(),
        place: reader.place().clone(),
        attachment: attachment?,
        block,
        told,
    };
    for problem in row_checks::check_rows(&alarm) {
        reader.problem(problem);
    }
    Some(Box::new(alarm))
}

fn attachment(reader: &mut TableReader<'_>, context: &Context<'_>) -> Option<Attachment> {
    let given = reader.place_of("for_each").is_some();
    let for_each = ForEach::read(reader, context.inventories);
    if let Some(inventory) = for_each.as_ref().and_then(ForEach::rows_alone) {
        let place = for_each.as_ref()?.place.clone();
        return Rows::read(reader, context, inventory.clone(), place).map(Attachment::Rows);
    }
    let region = reader.optional::<String>("region");
    let account = reader.optional::<String>("account");
    if given {
        for (key, given) in [("region", region), ("account", account)] {
            let Some(given) = given else { continue };
            reader.problem(
                Diagnostic::error(format!("`{key}` goes with alarms that have no `for_each`"))
                    .at(given.place)
                    .hint(format!(
                        "with `for_each` each alarm is made in its target's {key}: remove the key"
                    )),
            );
        }
        return for_each.map(Attachment::Targets);
    }
    let region = checks::region(reader, region, &context.settings.aws.regions)?;
    Some(Attachment::Region { region, account })
}

impl Declaration for Alarm {
    fn label(&self) -> &str {
        &self.label
    }

    fn place(&self) -> &Place {
        &self.place
    }

    fn for_each(&self) -> Option<&ForEach> {
        match &self.attachment {
            Attachment::Targets(for_each) => Some(for_each),
            Attachment::Rows(_) | Attachment::Region { .. } => None,
        }
    }

    fn inventory(&self) -> Option<&Inventory> {
        self.attachment.inventory()
    }

    fn allows_empty(&self) -> bool {
        self.block.optional.allow_empty || self.inventory().is_some_and(Inventory::allows_empty)
    }

    fn kinds(&self) -> Vec<&'static str> {
        vec![KIND]
    }

    fn protects(&self) -> bool {
        self.block.optional.protect
    }

    fn desired(&self, world: &World<'_>) -> (Vec<Desired>, Diagnostics) {
        let mut problems = TargetProblems::default();
        let mut desired = Vec::new();
        match &self.attachment {
            Attachment::Targets(for_each) => {
                for selected in for_each.select(world.fleet) {
                    let target = selected.target;
                    let subject = Subject::target(&selected);
                    if let Some(rendered) = rendering::render(self, &subject, &mut problems) {
                        let wanted = self.wanted(rendered, target.scope.clone(), Some(target.reference()));
                        desired.push(match &selected.row {
                            Some(row) => of_row(wanted, row),
                            None => wanted,
                        });
                    }
                }
            }
            Attachment::Rows(rows) => {
                for placement in rows.placements(self, world, &mut problems) {
                    let subject = Subject::row_in(&placement.scope, &placement.id, &placement.row);
                    if let Some(rendered) = rendering::render(self, &subject, &mut problems) {
                        let wanted =
                            self.wanted(rendered, placement.scope.clone(), Some(placement.reference()));
                        desired.push(of_row(wanted, &placement.row));
                    }
                }
            }
            Attachment::Region { region, account } => {
                let here = |scope: &&Scope| {
                    scope.region == region.value
                        && account.as_ref().is_none_or(|account| account.value == scope.account)
                };
                for scope in world.scopes.iter().filter(here) {
                    let subject = Subject::scope(scope);
                    if let Some(rendered) = rendering::render(self, &subject, &mut problems) {
                        desired.push(self.wanted(rendered, scope.clone(), None));
                    }
                }
            }
        }
        let mut diagnostics = Diagnostics::new();
        if let Attachment::Targets(for_each) = &self.attachment {
            diagnostics.extend(for_each.missing(world));
        }
        diagnostics.extend(problems.into_diagnostics());
        // Where some targets could not be rendered, "nothing" would be untrue.
        if desired.is_empty() && diagnostics.is_empty() {
            diagnostics.extend(self.nothing(world));
        }
        let desired = self.without_duplicates(desired, &mut diagnostics);
        (desired, diagnostics)
    }
}

impl Attachment {
    fn inventory(&self) -> Option<&Inventory> {
        match self {
            Self::Targets(for_each) => for_each.inventory.as_deref(),
            Self::Rows(rows) => Some(&rows.inventory),
            Self::Region { .. } => None,
        }
    }
}

/// A resource that a row asks for, with the row's place.
fn of_row(mut wanted: Desired, row: &RowReader) -> Desired {
    wanted.origin.place = format!("{} · {}", wanted.origin.place, row.key_place());
    wanted
}

impl Alarm {
    fn wanted(&self, rendered: Rendered, scope: Scope, target: Option<TargetRef>) -> Desired {
        let optional = &self.block.optional;
        let address = Address::new(KIND, scope, rendered.name.clone());
        let mut spec = rendered.into_spec();
        if optional.protect {
            spec.tags.insert(PROTECT_TAG.to_owned(), "true".to_owned());
        }
        Desired {
            address,
            fields: spec.to_fields(),
            origin: Origin { label: self.label.clone(), place: self.place.line() },
            place: self.place.clone(),
            target,
            claim: Claim::Own { adopt: optional.adopt },
            protect: optional.protect,
        }
    }

    /// What to say when no alarm is wanted.
    fn nothing(&self, world: &World<'_>) -> Option<Diagnostic> {
        match &self.attachment {
            Attachment::Targets(ForEach { place, .. }) | Attachment::Rows(Rows { place, .. }) => {
                // Rows of regions that this run leaves out say nothing.
                let quiet = self.allows_empty() || (self.inventory().is_some() && !world.is_whole());
                (!quiet).then(|| selects_nothing(&self.label, place))
            }
            // Another run's region, chosen with `--region`.
            Attachment::Region { region, account }
                if world.manifest_scopes.iter().any(|s| s.region == region.value) =>
            {
                let account = account.as_ref()?;
                let known = world.manifest_scopes.iter().any(|scope| scope.account == account.value);
                (!known).then(|| {
                    Diagnostic::error(format!(
                        "account {:?} of {} is not one of the manifest's accounts",
                        account.value, self.label
                    ))
                    .at(account.place.clone())
                    .hint("an account is written as its 12 digits")
                })
            }
            Attachment::Region { region, .. } => Some(
                Diagnostic::error(format!(
                    "region `{}` of {} is not one of the manifest's regions",
                    region.value, self.label
                ))
                .at(region.place.clone())
                .hint("list it in `[aws] regions`"),
            ),
        }
    }

    /// Keeps the first of each name and records an error for every name that more than one target has.
    fn without_duplicates(&self, desired: Vec<Desired>, problems: &mut Diagnostics) -> Vec<Desired> {
        let mut kept: Vec<Desired> = Vec::with_capacity(desired.len());
        let mut index: BTreeMap<Address, (usize, Vec<TargetRef>)> = BTreeMap::new();
        for resource in desired {
            if let Some((_, others)) = index.get_mut(&resource.address) {
                others.extend(resource.target);
            } else {
                index.insert(resource.address.clone(), (kept.len(), Vec::new()));
                kept.push(resource);
            }
        }
        for (address, (first, others)) in index.iter().filter(|(_, (_, others))| !others.is_empty()) {
            let targets = kept[*first].target.iter().chain(others);
            let names: Vec<String> = targets.map(TargetRef::words).collect();
            problems.push(self.same_name(address, &names));
        }
        kept
    }

    fn same_name(&self, address: &Address, names: &[String]) -> Diagnostic {
        let who = match names {
            [one, other] => format!("both {one} and {other}"),
            all => super::target_problems::listed(all, "targets"),
        };
        Diagnostic::error(format!("`name` of {} gives {:?} for {who}", self.label, address.key))
            .at(self.block.name.place.clone())
            .hint("add `{{ id }}` to `name`: an alarm's name is unique within its account and region")
    }
}

#[cfg(test)]
mod tests;
