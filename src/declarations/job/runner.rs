//! What AWS allows of `[runner]`, and where the runner lives.

use std::ops::RangeInclusive;

use serde_json::Value;

use crate::manifest::{Placed, Regions, RunnerSettings, Settings};
use crate::model::{Diagnostic, Diagnostics, Scope};
use crate::resources::lambda_function::{MEMORY_MB, Package, TIMEOUT_SECONDS};
use crate::resources::log_group::RETENTION_DAYS;

/// "`MaximumRetryAttempts`" and "`MaximumEventAgeInSeconds`" of `PutFunctionEventInvokeConfig` in the Lambda API reference.
const RETRIES: RangeInclusive<u32> = 0..=2;
const MAX_AGE: RangeInclusive<u32> = 60..=21_600;

/// What a plan must know of the outside to deploy the runner.
#[derive(Clone, Debug, PartialEq)]
pub struct Deployment {
    /// The hash of the package, as Lambda tells it.
    pub code_sha256: String,
    /// What the jobs need to do: the policy of a managed role.
    pub policy: Value,
}

/// Records everything that is wrong with `[runner]`.
pub(in crate::declarations) fn check(settings: &Settings, problems: &mut Diagnostics) {
    let Some(runner) = &settings.runner else { return };
    within(problems, "memory", "MB", &runner.memory, MEMORY_MB);
    let timeout = Placed { value: runner.timeout.value.0, place: runner.timeout.place.clone() };
    within(problems, "timeout", "seconds", &timeout, TIMEOUT_SECONDS);
    if let Some(retries) = &runner.retries {
        within(problems, "retries", "times", retries, RETRIES);
    }
    if let Some(age) = &runner.max_age {
        let age = Placed { value: age.value.0, place: age.place.clone() };
        within(problems, "max_age", "seconds", &age, MAX_AGE);
    }
    let days = &runner.log_retention_days;
    if !RETENTION_DAYS.contains(&days.value) {
        let all: Vec<String> = RETENTION_DAYS.iter().map(ToString::to_string).collect();
        problems.push(
            Diagnostic::error(format!("CloudWatch Logs does not keep logs for {} days", days.value))
                .at(days.place.clone())
                .hint(format!("it keeps them for {}", all.join(", "))),
        );
    }
    check_texts(runner, problems);
    check_place(settings, runner, problems);
}

fn check_texts(runner: &RunnerSettings, problems: &mut Diagnostics) {
    let arn = |text: &str, service: &str| text.starts_with("arn:") && text.split(':').nth(2) == Some(service);
    let mut refuse = |text: &Option<Placed<String>>, fits: &dyn Fn(&str) -> bool, fault: &str, hint: &str| {
        if let Some(text) = text.as_ref().filter(|text| !fits(&text.value)) {
            problems.push(
                Diagnostic::error(format!("{:?} {fault}", text.value)).at(text.place.clone()).hint(hint),
            );
        }
    };
    let role = |text: &str| arn(text, "iam") && text.contains(":role/");
    let hint = "write \"managed\", or an ARN like `arn:aws:iam::111122223333:role/opsform-runner`";
    refuse(&runner.role_arn, &role, "is not the ARN of a role", hint);
    refuse(&runner.scheduler_role_arn, &role, "is not the ARN of a role", hint);
    let queue = |text: &str| arn(text, "sqs") || arn(text, "sns");
    let hint = "it looks like `arn:aws:sqs:ap-northeast-2:111122223333:opsform-failed`";
    refuse(&runner.dead_letter_arn, &queue, "is not the ARN of a queue or topic", hint);
    let name = |text: &str| {
        (1..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
    };
    let hint = "names have up to 64 letters, digits, `-` and `_`";
    refuse(&runner.function_name, &name, "is not a function's name", hint);
    let object = |text: &str| matches!(Package::parse(text), Ok(Package::S3 { .. }));
    let hint = "write it like `s3://acme-opsform/runner.zip`";
    refuse(&runner.package_s3, &object, "is not an object of S3", hint);
}

fn within(
    problems: &mut Diagnostics,
    key: &str,
    unit: &str,
    value: &Placed<u32>,
    range: RangeInclusive<u32>,
) {
    if !range.contains(&value.value) {
        let allowed = format!("Lambda takes {} to {} {unit}", range.start(), range.end());
        problems.push(
            Diagnostic::error(format!("`{key}` cannot be {}", value.value))
                .at(value.place.clone())
                .hint(allowed),
        );
    }
}

/// The region must be one that is read, and the account one that is reached.
fn check_place(settings: &Settings, runner: &RunnerSettings, problems: &mut Diagnostics) {
    if let (Some(region), Regions::Listed(listed)) = (&runner.region, &settings.aws.regions)
        && !listed.iter().any(|one| one.value == region.value)
    {
        let names: Vec<&str> = listed.iter().map(|one| one.value.as_str()).collect();
        problems.push(
            Diagnostic::error(format!("{} is none of the manifest's regions", region.value))
                .at(region.place.clone())
                .hint(format!(
                    "regions are {}; add it to `regions` of `[aws]`, or choose one",
                    names.join(", ")
                )),
        );
    }
    if runner.region.is_none() && settings.aws.regions == Regions::All {
        problems.push(
            Diagnostic::error("`[runner]` does not say in which region it lives")
                .at(runner.place.clone())
                .hint("`[aws]` says all regions: add `region = \"…\"`"),
        );
    }
    if let Some(account) = &runner.account
        && !settings.accounts.iter().any(|one| one.name == account.value)
    {
        let names: Vec<&str> = settings.accounts.iter().map(|one| one.name.as_str()).collect();
        let hint = if names.is_empty() {
            "there is no `[[account]]`, so it lives in the caller's own: take the key away".to_owned()
        } else {
            format!("accounts are {}", names.join(", "))
        };
        problems.push(
            Diagnostic::error(format!("there is no `[[account]]` named {:?}", account.value))
                .at(account.place.clone())
                .hint(hint),
        );
    }
}

/// The account and region that the runner lives in, of those of the manifest.
///
/// # Errors
/// Where it is none of them: the regions are the environment's, and the runner's is another.
pub fn scope_of_runner(settings: &Settings, scopes: &[Scope]) -> Result<Scope, Box<Diagnostic>> {
    let Some(runner) = &settings.runner else {
        return Err(Box::new(Diagnostic::error("there is no `[runner]`")));
    };
    let account = match &runner.account {
        Some(name) => settings.accounts.iter().find(|one| one.name == name.value),
        None => settings.accounts.first(),
    };
    let region = runner.region.as_ref().map(|region| region.value.as_str());
    let region = region.or_else(|| settings.aws.regions.first());
    let fits = |scope: &&Scope| {
        account.is_none_or(|account| account.id == scope.account)
            && region.is_none_or(|region| region == scope.region)
    };
    scopes.iter().find(fits).cloned().ok_or_else(|| {
        Box::new(
            Diagnostic::error("the account and region of `[runner]` are not among those of this run")
                .at(runner.place.clone())
                .hint("list its region in `regions` of `[aws]`"),
        )
    })
}
