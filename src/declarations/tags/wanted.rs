//! What the rules make the plan do: tags with a default, keys written right, instances stopped.

use crate::declarations::target_problems::{TargetProblem, TargetProblems};
use crate::declarations::{Selected, variables};
use crate::inventory::{Target, TargetKind};
use crate::manifest::RenderError;
use crate::model::{Address, Claim, Desired, Fields, Origin, Problem, Severity};
use crate::resources::instance_power::{self, Power};
use crate::resources::tag::{self, Tag, TagKey};

use super::Tags;
use super::requirement::{Found, Requirement, Today, ValueRule};

impl Tags {
    /// The resources that the rules want of one target.
    pub(super) fn wanted(
        &self,
        selected: &Selected<'_>,
        today: &Today,
        problems: &mut TargetProblems,
    ) -> Vec<Desired> {
        let target = selected.target;
        let mut wanted = Vec::new();
        for requirement in &self.block.requirements {
            wanted.extend(self.wanted_tag(requirement, selected, today, problems));
        }
        // One stop an instance, whatever number of dates has passed.
        let expired =
            self.block.requirements.iter().find_map(|requirement| passed(requirement, target, today));
        wanted.extend(expired.map(|why| {
            let key = target.id.clone();
            self.desired(
                target,
                instance_power::KIND,
                key,
                Power::Stopped.to_fields(),
                Claim::Correct { why },
            )
        }));
        wanted
    }

    fn wanted_tag(
        &self,
        requirement: &Requirement,
        selected: &Selected<'_>,
        today: &Today,
        problems: &mut TargetProblems,
    ) -> Option<Desired> {
        let target = selected.target;
        let (key, value, claim) = match requirement.find(&target.tags) {
            Found::Misspelt { key, value } if self.block.normalize => {
                let why = format!("because the tag `{key}` is to be written `{}`", requirement.key);
                (key, value.to_owned(), Claim::Correct { why })
            }
            // With a default of its own, it would have the tag twice.
            Found::Misspelt { .. } | Found::Several(_) => return None,
            Found::Right(_) if !target.tags.contains_key(&requirement.key) => return None,
            Found::Right(_) | Found::Nothing => {
                let value = self.default_of(requirement, selected, today, problems)?;
                (requirement.key.as_str(), value, Claim::IfAbsent)
            }
        };
        let address = TagKey { kind: target.kind.name(), id: &target.id, key }.to_text();
        let fields = Tag { key: requirement.key.clone(), value }.to_fields();
        Some(self.desired(target, tag::KIND, address, fields, claim))
    }

    /// The default for a target; a problem where it is none that the rule accepts.
    fn default_of(
        &self,
        requirement: &Requirement,
        selected: &Selected<'_>,
        today: &Today,
        problems: &mut TargetProblems,
    ) -> Option<String> {
        let default = requirement.default.as_ref()?;
        let mut variables = variables::of_target(selected.target);
        if let Some(row) = &selected.row {
            variables = variables.with(vec![(variables::ROW, row.value())]);
        }
        let fault = match default.value.render(&variables) {
            Err(error @ RenderError::Missing { .. }) => format!(": {error}"),
            Err(error) => format!(": the template {error}"),
            Ok(value) => match fault_of(&value, requirement, selected.target.kind, today) {
                None => return Some(value),
                Some(fault) => format!(" gave {value:?}, which {fault}"),
            },
        };
        let target = selected.target.reference();
        let subject =
            if target.id == target.name { target.id } else { format!("{} ({})", target.id, target.name) };
        problems.push(TargetProblem {
            severity: Severity::Error,
            place: default.place.clone(),
            cell: None,
            lead: format!("`require.{}.default` of {} for ", requirement.key, self.label),
            subject,
            tail: fault.clone(),
            shared: fault,
            found: None,
            hint: None,
        });
        None
    }

    fn desired(&self, target: &Target, kind: &str, key: String, fields: Fields, claim: Claim) -> Desired {
        Desired {
            address: Address::new(kind, target.scope.clone(), key),
            fields,
            origin: Origin { label: self.label.clone(), place: self.place.line() },
            place: self.place.clone(),
            target: Some(target.reference()),
            claim,
            protect: false,
        }
    }

    /// The kinds of resources that the rules may want.
    pub(super) fn kinds_wanted(&self) -> Vec<&'static str> {
        let rules = &self.block.requirements;
        let tags = self.block.normalize || rules.iter().any(|rule| rule.default.is_some());
        let power = rules.iter().any(|rule| matches!(rule.value, ValueRule::Date { stop: true, .. }));
        let kinds = [(tags, tag::KIND), (power, instance_power::KIND)];
        kinds.into_iter().filter(|(wanted, _)| *wanted).map(|(_, kind)| kind).collect()
    }
}

/// Why an instance that runs is to be stopped: a date that has passed.
fn passed(requirement: &Requirement, target: &Target, today: &Today) -> Option<String> {
    let stops = matches!(requirement.value, ValueRule::Date { stop: true, .. });
    let runs = target.kind == TargetKind::Ec2 && Power::of_state(&target.state) == Some(Power::Running);
    if !stops || !runs {
        return None;
    }
    let faults = requirement.faults(&target.tags, today);
    let expired = faults.into_iter().find(|fault| fault.problem == Problem::Expired)?;
    Some(format!("because {} {} has passed", requirement.key, expired.value.unwrap_or_default().trim()))
}

/// What is wrong with a default.
fn fault_of(value: &str, requirement: &Requirement, kind: TargetKind, today: &Today) -> Option<String> {
    if value.chars().count() > super::block::VALUE_LENGTH {
        return Some(format!("has more than {} characters", super::block::VALUE_LENGTH));
    }
    // "Tagging Amazon RDS resources" in the RDS user guide: letters, digits, white space and these signs.
    let of_rds = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c);
    if matches!(kind, TargetKind::Rds | TargetKind::RdsCluster) && !value.chars().all(of_rds) {
        return Some("holds a character that RDS does not take".to_owned());
    }
    let (problem, _) = requirement.value.problem(value, today)?;
    Some(format!("the rule does not accept: it {}", problem.words()))
}
