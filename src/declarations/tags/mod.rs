//! `[[tags]]`: the tags that targets must carry.

mod block;
mod requirement;
mod wanted;

use std::collections::BTreeSet;

use jiff::Timestamp;

use self::block::{Block, Exemption};
use self::requirement::{Fault, Found, Requirement, Today};
use super::target_problems::{TargetProblems, selects_nothing};
use super::{Context, Declaration, ForEach, Inventory, World, variables};
use crate::inventory::{Fleet, Target};
use crate::manifest::TableReader;
use crate::model::{Advice, Desired, Diagnostics, Finding, Place, Problem, Scope};

/// A `[[tags]]` block.
#[derive(Debug)]
struct Tags {
    /// `tags.ownership`.
    label: String,
    place: Place,
    block: Block,
    /// The key of the tag that says who is responsible.
    owner_tag: String,
}

/// Reads a `[[tags]]` block.
pub(super) fn parse(reader: &mut TableReader<'_>, context: &Context<'_>) -> Option<Box<dyn Declaration>> {
    let block = Block::read(reader, context)?;
    let mut known = variables::known(&block.for_each.selectors);
    known.extend(block.for_each.inventory.iter().map(|_| variables::ROW));
    for requirement in &block.requirements {
        let template = requirement.default.as_ref().and_then(|default| default.value.template());
        let field = format!("require.{}.default", requirement.key);
        for problem in template.iter().flat_map(|template| variables::unknown(template, &field, &known)) {
            reader.problem(problem);
        }
    }
    Some(Box::new(Tags {
        label: format!("tags.{}", context.label),
        place: reader.place().clone(),
        block,
        owner_tag: context.settings.mail.as_ref().map_or("owner", |mail| &mail.owner_tag).to_owned(),
    }))
}

impl Declaration for Tags {
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

    fn audit_day(&self, now: Timestamp) -> Option<(jiff::civil::Date, String)> {
        let today = self.today(now);
        Some((today.date, today.timezone.iana_name().unwrap_or("UTC").to_owned()))
    }

    fn findings(&self, world: &World<'_>) -> Vec<Finding> {
        let today = self.today(world.now);
        let mut findings = Vec::new();
        for selected in self.block.for_each.select(world.fleet) {
            let target = selected.target;
            let standing = self.standing(target, &today, world.now);
            if standing == Standing::Exempt {
                continue;
            }
            for requirement in &self.block.requirements {
                let mut faults = requirement.faults(&target.tags, &today);
                // A date that has passed is nothing that a new resource has time to make good.
                faults.retain(|fault| standing == Standing::Held || fault.advice() != Advice::Fix);
                findings
                    .extend(faults.into_iter().map(|fault| self.finding(target, requirement, fault, &today)));
            }
        }
        findings
    }

    fn kinds(&self) -> Vec<&'static str> {
        self.kinds_wanted()
    }

    fn selected(&self, fleet: &Fleet) -> BTreeSet<(Scope, String, String)> {
        self.block.for_each.selected_ids(fleet)
    }

    fn desired(&self, world: &World<'_>) -> (Vec<Desired>, Diagnostics) {
        let today = self.today(world.now);
        let mut problems = TargetProblems::default();
        let mut desired = Vec::new();
        let mut selected_any = false;
        for selected in self.block.for_each.select(world.fleet) {
            selected_any = true;
            let standing = self.standing(selected.target, &today, world.now);
            desired.extend(self.wanted(&selected, standing, &today, &mut problems));
        }
        let mut diagnostics = Diagnostics::new();
        diagnostics.extend(self.block.for_each.missing(world));
        diagnostics.extend(problems.into_diagnostics());
        if !selected_any && diagnostics.is_empty() && !self.allows_empty() {
            diagnostics.push(selects_nothing(&self.label, &self.block.for_each.place));
        }
        (desired, diagnostics)
    }
}

impl Tags {
    fn today(&self, now: Timestamp) -> Today {
        let timezone = self.block.timezone.clone();
        Today { date: now.to_zoned(timezone.clone()).date(), timezone }
    }

    /// What the rules say about a target today.
    fn standing(&self, target: &Target, today: &Today, now: Timestamp) -> Standing {
        if is_going(target) || self.block.exemptions.iter().any(|exemption| exemption.holds(target, today)) {
            Standing::Exempt
        } else if self.is_young(target, now) {
            Standing::Young
        } else {
            Standing::Held
        }
    }

    /// Whether a target is younger than `grace`. Where nobody knows its age it is not.
    fn is_young(&self, target: &Target, now: Timestamp) -> bool {
        let (Some(grace), Some(created)) = (self.block.grace, created(target)) else {
            return false;
        };
        now.duration_since(created).as_secs() < i64::from(grace.0)
    }

    /// Who is responsible: the value of the owner tag in whatever spelling its rule knows, if it is not empty. Of several
    /// spellings nobody knows which is meant.
    fn owner(&self, target: &Target) -> Option<String> {
        let rule = self.block.requirements.iter().find(|rule| rule.key.eq_ignore_ascii_case(&self.owner_tag));
        let value = match rule.map(|rule| rule.find(&target.tags)) {
            Some(Found::Right(value) | Found::Misspelt { value, .. }) => Some(value),
            Some(Found::Nothing | Found::Several(_)) => None,
            None => {
                let spelt = |key: &str| key.trim().eq_ignore_ascii_case(&self.owner_tag);
                let any = || target.tags.iter().find(|(key, _)| spelt(key)).map(|(_, value)| value);
                target.tags.get(&self.owner_tag).or_else(any).map(String::as_str)
            }
        };
        let owner = value?.trim();
        (!owner.is_empty()).then(|| owner.to_owned())
    }

    fn finding(&self, target: &Target, requirement: &Requirement, fault: Fault, today: &Today) -> Finding {
        let since = match (fault.problem, fault.date) {
            (Problem::Expired, Some(date)) => date.tomorrow().ok(),
            (Problem::Missing, _) => {
                created(target).map(|created| created.to_zoned(today.timezone.clone()).date())
            }
            // Nobody knows since when a tag has its value.
            _ => None,
        };
        Finding {
            advice: fault.advice(),
            scope: target.scope.clone(),
            target: target.reference(),
            owner: self.owner(target),
            rule: self.label.clone(),
            key: requirement.key.clone(),
            problem: fault.problem,
            found_key: fault.key,
            found: fault.value,
            expected: requirement.expected(today),
            since,
        }
    }
}

/// Whether a target is held to the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// To all of them.
    Held,
    /// To dates only: there is still time for its tags.
    Young,
    /// To none.
    Exempt,
}

impl Exemption {
    fn holds(&self, target: &Target, today: &Today) -> bool {
        today.date <= self.until
            && (self.ids.is_empty() || self.ids.contains(&target.id))
            && (self.names.is_empty() || self.names.iter().any(|glob| glob.matches(&target.name)))
            && self.tags.iter().all(|(key, wanted)| wanted.matches(target.tags.get(key)))
    }
}

/// Whether a target is being deleted: a tag would not outlive the message about it.
fn is_going(target: &Target) -> bool {
    ["deleting", "deleted"].contains(&target.state.as_str())
}

/// When a target was made; of an instance, when it was started last, which is all that AWS tells.
fn created(target: &Target) -> Option<Timestamp> {
    let time = target.attributes.get("created").or_else(|| target.attributes.get("launched"))?;
    time.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests;
