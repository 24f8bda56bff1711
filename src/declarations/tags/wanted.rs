//! What the rules make the plan do: tags with a default, keys written right, instances stopped.

use std::borrow::Cow;

use crate::declarations::target_problems::{TargetProblem, TargetProblems};
use crate::declarations::{Selected, variables};
use crate::inventory::{Target, TargetKind};
use crate::manifest::RenderError;
use crate::model::{Address, Claim, Desired, Fields, Origin, Problem, Severity};
use crate::resources::instance_power::{self, Power};
use crate::resources::tag::{self, Tag, TagKey};

use super::requirement::{Found, Requirement, Today, ValueRule};
use super::{Standing, Tags};

impl Tags {
    /// The resources that the rules want of one target.
    pub(super) fn wanted(
        &self,
        selected: &Selected<'_>,
        standing: Standing,
        today: &Today,
        problems: &mut TargetProblems,
    ) -> Vec<Desired> {
        let target = selected.target;
        let mut wanted = Vec::new();
        for requirement in &self.block.requirements {
            if standing == Standing::Held {
                wanted.extend(self.wanted_tag(requirement, selected, today, problems));
                wanted.extend(self.leftovers(requirement, target));
            } else {
                // To leave a target alone is not to take off what it was given.
                wanted.extend(self.as_it_is(requirement, target));
            }
        }
        if standing == Standing::Exempt {
            return wanted;
        }
        // One stop an instance, whatever number of dates has passed.
        let expired =
            self.block.requirements.iter().find_map(|requirement| passed(requirement, target, today));
        if expired.is_some() && self.must_run(target, problems) {
            return wanted;
        }
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

    /// A tag that may be ours, wanted as it is.
    fn as_it_is(&self, requirement: &Requirement, target: &Target) -> Option<Desired> {
        requirement.default.as_ref()?;
        let value = target.tags.get(&requirement.key)?.clone();
        let address = TagKey { kind: target.kind.name(), id: &target.id, key: &requirement.key }.to_text();
        let fields = Tag { key: requirement.key.clone(), value }.to_fields();
        Some(self.desired(target, tag::KIND, address, fields, Claim::IfAbsent))
    }

    /// Misspelt keys beside the right one and with its value: what a correction that was cut off leaves behind.
    fn leftovers(&self, requirement: &Requirement, target: &Target) -> Vec<Desired> {
        let Some(value) = target.tags.get(&requirement.key).filter(|_| self.block.normalize) else {
            return Vec::new();
        };
        let left = requirement.misspellings(&target.tags).into_iter().filter(|(_, old)| *old == value);
        let correction = |(key, _): (&str, &str)| {
            let address = TagKey { kind: target.kind.name(), id: &target.id, key }.to_text();
            let fields = Tag { key: requirement.key.clone(), value: value.clone() }.to_fields();
            let why = format!("because the tag `{key}` is written `{}` by now", requirement.key);
            self.desired(target, tag::KIND, address, fields, Claim::Correct { why })
        };
        left.map(correction).collect()
    }

    /// Whether an instance is left running although its date has passed, which is told.
    fn must_run(&self, target: &Target, problems: &mut TargetProblems) -> bool {
        let spot = target.attributes.get("lifecycle").is_some_and(|lifecycle| lifecycle == "spot");
        let why = match target.tags.contains_key("aws:autoscaling:groupName") {
            true => "it belongs to an Auto Scaling group, which replaces what is stopped",
            false if spot => "it is a spot instance, which EC2 may end for good when it is stopped",
            false => return false,
        };
        problems.push(TargetProblem {
            severity: Severity::Warning,
            place: self.place.clone(),
            cell: None,
            lead: format!("{} does not stop ", self.label),
            subject: target.reference().words(),
            tail: format!(", whose date has passed: {why}"),
            shared: format!(" whose date has passed: {why}"),
            found: None,
            hint: None,
        });
        true
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
            Found::Right(_) => {
                // What is there needs no default; ours follows it where it can be told.
                let mut unheard = TargetProblems::default();
                return match self.default_of(requirement, selected, today, &mut unheard) {
                    None => self.as_it_is(requirement, target),
                    Some(value) => Some(self.default_tag(requirement, target, value)),
                };
            }
            Found::Nothing => {
                let value = self.default_of(requirement, selected, today, problems)?;
                return Some(self.default_tag(requirement, target, value));
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
        let mut variables = variables::of_target(&self.as_corrected(selected.target));
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
        problems.push(TargetProblem {
            severity: Severity::Error,
            place: default.place.clone(),
            cell: None,
            lead: format!("`require.{}.default` of {} for ", requirement.key, self.label),
            subject: selected.target.reference().words(),
            tail: fault.clone(),
            shared: fault,
            found: None,
            hint: None,
        });
        None
    }

    fn default_tag(&self, requirement: &Requirement, target: &Target, value: String) -> Desired {
        let address = TagKey { kind: target.kind.name(), id: &target.id, key: &requirement.key }.to_text();
        let fields = Tag { key: requirement.key.clone(), value }.to_fields();
        self.desired(target, tag::KIND, address, fields, Claim::IfAbsent)
    }

    /// A target with its keys as they will be written, so that defaults need no second apply to see them.
    fn as_corrected<'a>(&self, target: &'a Target) -> Cow<'a, Target> {
        let mut corrected = Cow::Borrowed(target);
        for requirement in self.block.requirements.iter().filter(|_| self.block.normalize) {
            if let Found::Misspelt { key, value } = requirement.find(&target.tags) {
                let tags = &mut corrected.to_mut().tags;
                tags.remove(key);
                tags.insert(requirement.key.clone(), value.to_owned());
            }
        }
        corrected
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
