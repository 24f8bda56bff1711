//! `[[schedule]]`: when instances, databases and clusters start and stop.

mod block;
mod except;
mod mute;
mod rules;
mod segments;
mod shards;
mod wanted;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use self::block::Block;
pub(super) use self::except::files_of;
use self::mute::Mute;
use self::wanted::{Arns, Member};
use super::engine::Engine;
use super::power::{KeepTag, Kept, Powered, Refusal, refusal_of, refusal_of_parked};
use super::target_problems::{TargetProblem, TargetProblems, selects_nothing};
use super::{Context, Declaration, ForEach, Inventory, PassedRole, Runs, World, timetable};
use crate::inventory::{Fleet, Selector, Target, TargetKind};
use crate::manifest::TableReader;
use crate::model::{Desired, Diagnostic, Diagnostics, Place, Refused, Scope, Severity};
use crate::resources::{alarm_mute_rule, event_rule, schedule, schedule_group};

/// A `[[schedule]]` block.
#[derive(Debug)]
struct Schedule {
    /// `schedule.office-hours`.
    label: String,
    /// `office-hours`.
    name: String,
    project: String,
    place: Place,
    /// What is read besides, so that the alarms of a stopped cluster's members are found.
    besides: Vec<Selector>,
    block: Block,
}

/// Reads a `[[schedule]]` block.
pub(super) fn parse(reader: &mut TableReader<'_>, context: &Context<'_>) -> Option<Box<dyn Declaration>> {
    let block = Block::read(reader, context)?;
    let stops_clusters = block.for_each.reads().iter().any(|read| read.kind == TargetKind::RdsCluster);
    let members = (block.mute.is_some() && stops_clusters).then(|| Selector::all(TargetKind::Rds));
    Some(Box::new(Schedule {
        label: format!("schedule.{}", context.label),
        name: context.label.to_owned(),
        project: context.settings.project.clone(),
        place: reader.place().clone(),
        besides: members.into_iter().collect(),
        block,
    }))
}

impl Declaration for Schedule {
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

    fn selected(&self, fleet: &Fleet) -> BTreeSet<(Scope, String, String)> {
        if self.block.engine == Engine::Scheduler {
            return BTreeSet::new();
        }
        // A rule stands for many targets, so what it is wanted for does not say what is selected.
        self.block.for_each.selected_ids(fleet)
    }

    fn allows_empty(&self) -> bool {
        self.block.allow_empty || self.inventory().is_some_and(Inventory::allows_empty)
    }

    fn protects(&self) -> bool {
        false
    }

    fn kinds(&self) -> Vec<&'static str> {
        let mutes = self.block.mute.as_ref().map(|_| alarm_mute_rule::KIND);
        let kinds = match self.block.engine {
            Engine::Scheduler => vec![schedule_group::KIND, schedule::KIND],
            Engine::Rule => vec![event_rule::KIND],
        };
        kinds.into_iter().chain(mutes).collect()
    }

    fn runs(&self) -> Vec<Runs> {
        let block = &self.block;
        let both = [("start", &block.start), ("stop", &block.stop)].into_iter();
        both.filter_map(|(action, text)| {
            let days_off = block.except.as_ref().map(|except| except.calendar().clone());
            Some(Runs { days_off, ..Runs::new(action, &text.as_ref()?.value, &block.timezone)? })
        })
        .collect()
    }

    fn outdated(&self, now: Timestamp) -> Option<Diagnostic> {
        let except = self.block.except.as_ref()?;
        except.warning(self.keep().today(now), &self.label)
    }

    fn asks_for_alarms(&self) -> bool {
        self.block.mute.as_ref().is_some_and(Mute::asks_for_others)
    }

    fn passed_roles(&self) -> Vec<PassedRole> {
        vec![self.block.engine.passed_role(&self.block.role)]
    }

    fn powers<'a>(&'a self, fleet: &'a Fleet) -> Option<Powered<'a>> {
        let selected = self.block.for_each.select(fleet).into_iter();
        let targets = selected.map(|selected| selected.target).collect();
        Some(Powered { targets, keep: self.keep(), hibernate: self.block.hibernate })
    }

    fn left_alone(&self, world: &World<'_>) -> Vec<Refused> {
        let keep = self.keep();
        let why = |target: &Target| {
            if refusal_of(target, self.block.hibernate).is_some() {
                return None;
            }
            self.why_parked(target, world).or_else(|| match keep.keeps(target, world.now) {
                Some(until @ Kept::Until(_)) if self.block.stop.is_some() => Some(until.words(keep.key)),
                _ => None,
            })
        };
        let refused = |target: &Target| {
            let (why, shared) = why(target)?;
            Some(Refused { scope: target.scope.clone(), target: target.reference(), why, shared })
        };
        self.block.for_each.select(world.fleet).into_iter().filter_map(|one| refused(one.target)).collect()
    }

    fn desired(&self, world: &World<'_>) -> (Vec<Desired>, Diagnostics) {
        let mut problems = TargetProblems::default();
        let mut diagnostics = Diagnostics::new();
        let scopes = self.members(world, &mut problems);
        let selected_any = !self.block.for_each.select(world.fleet).is_empty();
        let mut desired = Vec::new();
        for (scope, members) in scopes {
            match (self.arns(scope), self.block.engine) {
                (Ok(arns), Engine::Scheduler) => {
                    desired.extend(self.wanted(scope, &arns, &members, world.now));
                }
                (Ok(arns), Engine::Rule) => desired.extend(self.rules(scope, &arns, &members)),
                (Err(problems), _) => diagnostics.extend(problems),
            }
        }
        diagnostics.extend(self.block.for_each.missing(world));
        diagnostics.extend(problems.into_diagnostics());
        if !selected_any && diagnostics.is_empty() && !self.allows_empty() {
            diagnostics.push(selects_nothing(&self.label, &self.block.for_each.place));
        }
        diagnostics.extend(self.outdated(world.now));
        (desired, diagnostics)
    }

    fn desired_besides(&self, world: &World<'_>, wanted: &[&Desired]) -> (Vec<Desired>, Diagnostics) {
        let mut diagnostics = Diagnostics::new();
        let Some(mute) = &self.block.mute else { return (Vec::new(), diagnostics) };
        // What is wrong with them has been told.
        let scopes = self.members(world, &mut TargetProblems::default());
        let (rules, warnings) = self.mute_rules(mute, world, &scopes, wanted);
        diagnostics.extend(warnings);
        (rules, diagnostics)
    }
}

impl Schedule {
    fn keep(&self) -> KeepTag<'_> {
        KeepTag { key: &self.block.exempt_tag, timezone: &self.block.timezone }
    }

    /// What says on AWS whose it is.
    fn description(&self) -> String {
        schedule::description(&self.project, &self.label)
    }

    /// The ARNs in an account and region, or all that is wrong with them.
    fn arns(&self, scope: &Scope) -> Result<Arns, Vec<Diagnostic>> {
        let role = timetable::role_in(&self.block.role, scope);
        let queue = self.block.dead_letters.as_ref();
        let queue = queue.map(|queue| timetable::queue_in(queue, scope)).transpose();
        let automation = self.block.automation_role.as_ref();
        let automation = automation.map(|role| timetable::automation_role_in(role, scope)).transpose();
        match (role, queue, automation) {
            (Ok(role), Ok(dead_letters), Ok(automation_role)) => {
                Ok(Arns { role, dead_letters, automation_role })
            }
            (role, queue, automation) => {
                let problems = [role.err(), queue.err(), automation.err()];
                Err(problems.into_iter().flatten().map(|problem| *problem).collect())
            }
        }
    }

    /// What is started and stopped, by scope.
    fn members<'a>(
        &'a self,
        world: &World<'a>,
        problems: &mut TargetProblems,
    ) -> BTreeMap<&'a Scope, Vec<Member<'a>>> {
        let mut scopes: BTreeMap<&Scope, Vec<Member<'_>>> = BTreeMap::new();
        for selected in self.block.for_each.select(world.fleet) {
            let target = selected.target;
            if let Some(refusal) = refusal_of(target, self.block.hibernate) {
                problems.push(self.left_out(target, refusal));
            } else {
                let stops = !self.is_kept_running(target, world.now, problems);
                let parked = self.why_parked(target, world).is_some();
                scopes.entry(&target.scope).or_default().push(Member { target, stops, parked });
            }
        }
        scopes
    }

    /// Why an instance is neither started nor stopped, for one and for many: it is parked, or will be.
    fn why_parked(&self, target: &Target, world: &World<'_>) -> Option<(String, String)> {
        if let Some(refusal) = refusal_of_parked(target) {
            return Some((refusal.one.to_owned(), refusal.many.to_owned()));
        }
        let parks = world.parks.get(&(target.scope.clone(), target.id.clone()))?;
        let label = &self.label;
        Some((
            format!("{parks} wants it parked, so {label} leaves it out"),
            format!("{parks} wants them parked, so {label} leaves them out"),
        ))
    }

    /// Whether a tag says that the target is not stopped today.
    fn is_kept_running(&self, target: &Target, now: Timestamp, problems: &mut TargetProblems) -> bool {
        if self.block.stop.is_none() {
            return false;
        }
        let keep = self.keep();
        let (key, today) = (keep.key, keep.today(now));
        let value = match keep.keeps(target, now) {
            None => return false,
            Some(Kept::Until(_)) => return true,
            Some(Kept::NoDate(value)) => value,
        };
        problems.push(TargetProblem {
            severity: Severity::Warning,
            place: self.place.clone(),
            cell: None,
            lead: format!("{} does not stop ", self.label),
            subject: target.reference().words(),
            tail: format!(": its tag `{key}` is {value:?}, which is no date"),
            shared: format!(": their tags `{key}` are no dates"),
            found: Some(format!("{value:?}")),
            hint: Some(format!("write the last day, such as {today}, or remove the tag")),
        });
        true
    }

    fn left_out(&self, target: &Target, refusal: &Refusal) -> TargetProblem {
        TargetProblem {
            severity: Severity::Warning,
            place: self.block.for_each.place.clone(),
            cell: None,
            lead: format!("{} leaves out ", self.label),
            subject: target.reference().words(),
            tail: format!(": {}", refusal.one),
            shared: format!(": {}", refusal.many),
            found: None,
            hint: Some(refusal.hint.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests;
