//! `[[job]]`: what opsform does by itself, at times, on events, or on request.

mod block;
mod deployed;
mod runner;

pub use self::block::{EVENT_STATES, Job, OnState, Trigger};
pub(super) use self::runner::check as check_runner;
pub use self::runner::{Deployment, scope_of_runner};

use self::deployed::Deployed;
use super::{Context, Declaration, ForEach, PassedRole, Runs, World};
use crate::manifest::{RunnerSettings, Settings, TableReader};
use crate::model::{Desired, Diagnostics, Place};
use crate::resources::{
    event_rule, iam_role, lambda_function, lambda_permission, log_group, schedule, schedule_group,
};

/// A `[[job]]` block.
#[derive(Debug)]
struct JobDeclaration {
    /// `job.audit-mail`.
    label: String,
    job: Job,
    settings: Settings,
}

/// Reads a `[[job]]` block.
pub(super) fn parse(reader: &mut TableReader<'_>, context: &Context<'_>) -> Option<Box<dyn Declaration>> {
    let job = Job::read(reader, context)?;
    let (label, settings) = (format!("job.{}", context.label), context.settings.clone());
    Some(Box::new(JobDeclaration { label, job, settings }))
}

impl JobDeclaration {
    fn runner(&self) -> Option<&RunnerSettings> {
        self.settings.runner.as_ref()
    }
}

impl Declaration for JobDeclaration {
    fn label(&self) -> &str {
        &self.label
    }

    fn place(&self) -> &Place {
        &self.job.place
    }

    fn for_each(&self) -> Option<&ForEach> {
        None
    }

    fn allows_empty(&self) -> bool {
        true
    }

    fn protects(&self) -> bool {
        false
    }

    fn job(&self) -> Option<&Job> {
        Some(&self.job)
    }

    fn kinds(&self) -> Vec<&'static str> {
        let Some(runner) = self.runner() else { return Vec::new() };
        let roles =
            (runner.role_arn.is_none() || runner.scheduler_role_arn.is_none()).then_some(iam_role::KIND);
        let of_trigger: &[&'static str] = match self.job.trigger {
            Trigger::Schedule { .. } => &[schedule_group::KIND, schedule::KIND],
            Trigger::Event(_) => &[event_rule::KIND, lambda_permission::KIND],
            Trigger::Request => &[],
        };
        let of_all = [lambda_function::KIND, log_group::KIND];
        of_all.into_iter().chain(roles).chain(of_trigger.iter().copied()).collect()
    }

    fn kinds_of_any_name(&self) -> Vec<&'static str> {
        let named = self.runner().and_then(|runner| runner.function_name.as_ref());
        if named.is_some_and(|name| !name.value.starts_with("opsform-")) {
            vec![lambda_function::KIND, log_group::KIND, lambda_permission::KIND]
        } else {
            Vec::new()
        }
    }

    fn passed_roles(&self) -> Vec<PassedRole> {
        let Some(runner) = self.runner() else { return Vec::new() };
        deployed::passed_roles(runner, &self.settings, &self.job)
    }

    fn runs(&self) -> Vec<Runs> {
        match &self.job.trigger {
            Trigger::Schedule { expression, timezone } => {
                Runs::new("run", expression, timezone).into_iter().collect()
            }
            Trigger::Event(_) | Trigger::Request => Vec::new(),
        }
    }

    /// Without `[runner]` somebody else calls `opsform job run`, and there is nothing to be made. Nor is there in a run that does not
    /// work where the function is.
    fn desired(&self, world: &World<'_>) -> (Vec<Desired>, Diagnostics) {
        let (Some(runner), Some(deployment)) = (self.runner(), world.deployment) else {
            return (Vec::new(), Diagnostics::new());
        };
        let scope = match scope_of_runner(&self.settings, world.manifest_scopes) {
            Ok(scope) => scope,
            Err(problem) => {
                let mut problems = Diagnostics::new();
                problems.push(*problem);
                return (Vec::new(), problems);
            }
        };
        if !world.scopes.contains(&scope) {
            return (Vec::new(), Diagnostics::new());
        }
        let deployed = Deployed {
            scope: &scope,
            runner,
            deployment,
            project: &self.settings.project,
            label: &self.label,
            job: &self.job,
        };
        (deployed.desired(), Diagnostics::new())
    }
}

#[cfg(test)]
mod tests;
