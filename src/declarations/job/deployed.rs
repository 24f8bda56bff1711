//! What a job wants of AWS: the function that all jobs share, and what calls it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::runner::Deployment;
use super::{Job, OnState, Trigger};
use crate::declarations::{PassedRole, timetable, timezone};
use crate::manifest::{Account, ManifestsFrom, Placed, RunnerSettings, Settings};
use crate::model::{Address, Claim, Desired, Fields, Origin, Scope};
use crate::resources::event_rule::{self, EventRule, RuleTarget, rule_arn, rule_name};
use crate::resources::iam_role::{self, IamRole, role_arn, role_name};
use crate::resources::lambda_function::{self, Architecture, LambdaFunction, function_arn, function_name};
use crate::resources::lambda_permission::{self, LambdaPermission, statement_id};
use crate::resources::log_group::{self, LogGroup, group_of_function};
use crate::resources::partition;
use crate::resources::schedule::names::key;
use crate::resources::schedule::{self, description};

/// How often EventBridge tries to hand a job to Lambda, and for how many seconds: an hour late is late enough.
const RETRIES: u32 = 10;
const MAX_EVENT_AGE: u32 = 3_600;

/// What the function's role and the scheduler's are called after.
const ROLE: &str = "runner";
const SCHEDULER_ROLE: &str = "runner-scheduler";

/// A job and where it is deployed.
pub(super) struct Deployed<'a> {
    pub(super) scope: &'a Scope,
    pub(super) runner: &'a RunnerSettings,
    pub(super) deployment: &'a Deployment,
    pub(super) project: &'a str,
    pub(super) label: &'a str,
    pub(super) job: &'a Job,
}

impl Deployed<'_> {
    /// All that the job wants; what it shares with other jobs is the same in each.
    pub(super) fn desired(&self) -> Vec<Desired> {
        let mut desired = vec![self.log_group(), self.function()];
        desired.extend(self.role());
        match &self.job.trigger {
            Trigger::Request => {}
            Trigger::Schedule { expression, timezone } => {
                let schedule = self.schedule(expression, timezone::name(timezone));
                desired.push(timetable::group(self.project, &schedule));
                desired.extend(self.scheduler_role());
                desired.push(schedule);
            }
            Trigger::Event(on) => desired.extend(self.rule(on)),
        }
        desired
    }

    fn function_name(&self) -> String {
        let named = self.runner.function_name.as_ref().map(|name| name.value.clone());
        named.unwrap_or_else(|| function_name(self.project, &[ROLE]))
    }

    fn function_arn(&self) -> String {
        function_arn(self.scope, &self.function_name())
    }

    /// Lambda makes the group by itself when the function first runs, so one that is there and nobody's is taken over.
    fn log_group(&self) -> Desired {
        let group = LogGroup { retention_days: Some(self.runner.log_retention_days.value) };
        let name = group_of_function(&self.function_name());
        self.of(log_group::KIND, &name, group.to_fields(), Claim::Joint { adopt: true })
    }

    fn function(&self) -> Desired {
        let (runner, deployment) = (self.runner, self.deployment);
        let package = runner.package_s3.as_ref().map_or(&runner.package, |place| &place.value);
        let mut function = LambdaFunction::new(&self.role_arn(), package, &deployment.code_sha256);
        function.architecture = Architecture::from_name(runner.architecture).unwrap_or(Architecture::X86_64);
        function.memory_mb = runner.memory.value;
        function.timeout_seconds = runner.timeout.value.0;
        function.environment = self.environment();
        function.description = Some(format!("runs the jobs of opsform project {}", self.project));
        function.dead_letter_arn = runner.dead_letter_arn.as_ref().map(|arn| arn.value.clone());
        if let Some(retries) = &runner.retries {
            function.async_retries = retries.value;
        }
        if let Some(age) = &runner.max_age {
            function.async_max_age = age.value.0;
        }
        self.of(lambda_function::KIND, &self.function_name(), function.to_fields(), self.shared())
    }

    fn environment(&self) -> BTreeMap<String, String> {
        let project = ("OPSFORM_PROJECT".to_owned(), self.project.to_owned());
        let from = match &self.runner.manifests {
            ManifestsFrom::Bundled => None,
            ManifestsFrom::S3 { bucket, prefix } => {
                Some(("OPSFORM_MANIFESTS_FROM".to_owned(), format!("s3://{bucket}/{prefix}")))
            }
        };
        std::iter::once(project).chain(from).collect()
    }

    fn role_arn(&self) -> String {
        let managed = || role_arn(self.scope, &role_name(self.project, &self.scope.region, &[ROLE]));
        self.runner.role_arn.as_ref().map_or_else(managed, |arn| arn.value.clone())
    }

    /// The role of the function, where opsform makes it: what the jobs do, and their logs.
    fn role(&self) -> Option<Desired> {
        if self.runner.role_arn.is_some() {
            return None;
        }
        let mut policy = self.deployment.policy.clone();
        if let Some(statements) = policy["Statement"].as_array_mut() {
            statements.extend(self.own_statements());
        }
        let mut role = IamRole::new(&iam_role::trust_of(&["lambda.amazonaws.com"]), Some(&policy));
        role.description = Some(format!("what the jobs of opsform project {} may do", self.project));
        let name = role_name(self.project, &self.scope.region, &[ROLE]);
        Some(self.of(iam_role::KIND, &name, role.to_fields(), self.shared()))
    }

    /// What the function needs besides its jobs: to write logs, to read its manifests, and to leave what failed.
    fn own_statements(&self) -> Vec<Value> {
        let allow = |sid: &str, actions: &[&str], resource: String| json!({ "Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource });
        let Scope { account, region } = self.scope;
        let partition = partition(region);
        let group = group_of_function(&self.function_name());
        let logs = format!("arn:{partition}:logs:{region}:{account}:log-group:{group}:*");
        let mut statements = vec![allow("OpsformLogs", &["logs:CreateLogStream", "logs:PutLogEvents"], logs)];
        if let Some(arn) = &self.runner.dead_letter_arn {
            let action = if arn.value.contains(":sns:") { "sns:Publish" } else { "sqs:SendMessage" };
            statements.push(allow("OpsformDeadLetters", &[action], arn.value.clone()));
        }
        if let ManifestsFrom::S3 { bucket, prefix } = &self.runner.manifests {
            let bucket = format!("arn:{partition}:s3:::{bucket}");
            statements.push(allow("OpsformManifests", &["s3:GetObject"], format!("{bucket}/{prefix}*")));
            statements.push(allow("OpsformManifestsList", &["s3:ListBucket"], bucket));
        }
        statements
    }

    fn scheduler_role_arn(&self) -> String {
        let managed =
            || role_arn(self.scope, &role_name(self.project, &self.scope.region, &[SCHEDULER_ROLE]));
        self.runner.scheduler_role_arn.as_ref().map_or_else(managed, |arn| arn.value.clone())
    }

    /// The role of the schedules, where opsform makes it. The condition keeps schedules of other accounts from using it ("Confused deputy
    /// prevention in EventBridge Scheduler" in its user guide).
    fn scheduler_role(&self) -> Option<Desired> {
        if self.runner.scheduler_role_arn.is_some() {
            return None;
        }
        let trust = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": { "Service": "scheduler.amazonaws.com" },
            "Action": "sts:AssumeRole",
            "Condition": { "StringEquals": { "aws:SourceAccount": self.scope.account } },
        }]});
        let mut statements = vec![json!({
            "Sid": "OpsformRunner", "Effect": "Allow", "Action": lambda_permission::INVOKE, "Resource": self.function_arn(),
        })];
        if let Some(queue) = self.queue() {
            statements.push(json!({
                "Sid": "OpsformDeadLetters", "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue,
            }));
        }
        let policy = json!({ "Version": "2012-10-17", "Statement": statements });
        let mut role = IamRole::new(&trust, Some(&policy));
        role.description = Some(format!("calls the runner of opsform project {}", self.project));
        let name = role_name(self.project, &self.scope.region, &[SCHEDULER_ROLE]);
        Some(self.of(iam_role::KIND, &name, role.to_fields(), self.shared()))
    }

    /// The queue that schedules and rules leave in what they could not hand to Lambda; they take no topic.
    fn queue(&self) -> Option<String> {
        let arn = self.runner.dead_letter_arn.as_ref().map(|arn| arn.value.clone());
        arn.filter(|arn| arn.contains(":sqs:"))
    }

    fn schedule(&self, expression: &str, zone: &str) -> Desired {
        let mut spec =
            schedule::Schedule::new(expression, zone, &self.function_arn(), &self.scheduler_role_arn());
        spec.input = json!({ "job": self.job.name });
        spec.enabled = self.job.enabled;
        spec.retries = RETRIES;
        spec.max_event_age = MAX_EVENT_AGE;
        spec.dead_letter_arn = self.queue();
        spec.description = Some(description(self.project, self.label));
        let key = key(self.project, &["job", &self.job.name, "run"]);
        self.of(schedule::KIND, &key, spec.to_fields(), self.own())
    }

    /// The rule, and that it may call the function.
    fn rule(&self, on: &OnState) -> [Desired; 2] {
        let pattern = json!({
            "source": ["aws.ec2"],
            "detail-type": ["EC2 Instance State-change Notification"],
            "detail": { "state": [on.state] },
        });
        let mut target = RuleTarget::function(ROLE, &self.function_arn(), None);
        target.input_template = Some(input_template(&self.job.name));
        (target.retries, target.max_event_age) = (Some(RETRIES), Some(MAX_EVENT_AGE));
        let mut rule = EventRule::on(&pattern, vec![target]);
        rule.enabled = self.job.enabled;
        rule.description = Some(format!("runs {} of opsform project {}", self.label, self.project));
        let name = rule_name(self.project, &["job", &self.job.name]);
        let permission = LambdaPermission::to_invoke("events.amazonaws.com", &rule_arn(self.scope, &name));
        let statement = statement_id(self.project, &["job", &self.job.name]);
        let key = lambda_permission::key(&self.function_name(), &statement);
        [
            self.of(lambda_permission::KIND, &key, permission.to_fields(), Claim::Own { adopt: false }),
            self.of(event_rule::KIND, &name, rule.to_fields(), self.own()),
        ]
    }

    fn own(&self) -> Claim {
        Claim::Own { adopt: self.job.adopt }
    }

    fn shared(&self) -> Claim {
        Claim::Joint { adopt: self.job.adopt }
    }

    fn of(&self, kind: &str, key: &str, fields: Fields, claim: Claim) -> Desired {
        Desired {
            address: Address::new(kind, self.scope.clone(), key),
            fields,
            origin: Origin { label: self.label.to_owned(), place: self.job.place.line() },
            place: self.job.place.clone(),
            target: None,
            claim,
            protect: false,
        }
    }
}

/// What a rule gives the function: the job's name, and the event as it came. The variable is EventBridge's own ("Reserved variables to use
/// with EventBridge input transformation" in its user guide).
fn input_template(job: &str) -> String {
    format!("{{\"job\":{},\"event\":<aws.events.event.json>}}", Value::from(job))
}

/// The roles that whoever applies hands to Lambda and to the Scheduler.
pub(super) fn passed_roles(runner: &RunnerSettings, settings: &Settings, job: &Job) -> Vec<PassedRole> {
    let chosen = |one: &&Account| runner.account.as_ref().is_none_or(|name| name.value == one.name);
    let account = settings.accounts.iter().find(chosen).map_or("*", |account| account.id.as_str());
    let named = |arn: &Option<Placed<String>>, part: &str| {
        let region = runner.region.as_ref().map(|region| region.value.as_str());
        let region = region.or_else(|| settings.aws.regions.first());
        let managed = || {
            let scope = Scope::new(account, region.unwrap_or("us-east-1"));
            let name = region.map(|region| role_name(&settings.project, region, &[part]));
            role_arn(&scope, &name.unwrap_or_else(|| "opsform-*".to_owned()))
        };
        arn.as_ref().map_or_else(managed, |arn| arn.value.clone())
    };
    let mut roles = vec![PassedRole { service: "lambda.amazonaws.com", arn: named(&runner.role_arn, ROLE) }];
    if matches!(job.trigger, Trigger::Schedule { .. }) {
        let arn = named(&runner.scheduler_role_arn, SCHEDULER_ROLE);
        roles.push(PassedRole { service: "scheduler.amazonaws.com", arn });
    }
    roles
}
