//! The spec of a function in normal form, for desired and actual alike.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::aws::partition;
use crate::model::{Fields, KindText, Scope};
use crate::resources::schedule::names::stable_hash;
use crate::resources::spec_fields;

/// The kind's name.
pub const KIND: &str = "lambda_function";

/// The kind in words.
pub(super) const TEXT: KindText =
    KindText { kind: KIND, noun: "Lambda function", plural: "Lambda functions", shared: false, summary };

/// The runtime of a program that brings its own: an executable file `bootstrap` in the zip.
pub const RUNTIME: &str = "provided.al2023";

/// Memory in MB, and seconds that a call may take ("Lambda quotas" in the Lambda developer guide).
pub const MEMORY_MB: RangeInclusive<u32> = 128..=10_240;
/// See [`MEMORY_MB`].
pub const TIMEOUT_SECONDS: RangeInclusive<u32> = 1..=900;

/// AWS's defaults of asynchronous calls ("`PutFunctionEventInvokeConfig`" in the Lambda API reference).
pub(super) const ASYNC_RETRIES: u32 = 2;
pub(super) const ASYNC_MAX_AGE: u32 = 21_600;

/// The environment variables that Lambda sets itself and refuses to be given ("Defined runtime environment variables" in the Lambda
/// developer guide).
pub const RESERVED_ENVIRONMENT: [&str; 18] = [
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_LAMBDA_RUNTIME_API",
    "LAMBDA_TASK_ROOT",
    "LAMBDA_RUNTIME_DIR",
];

/// The most characters of a function's name ("`CreateFunction`" in the Lambda API reference).
const NAME_LENGTH: usize = 64;

/// The hexadecimal digits that tell shortened names apart.
const DIGITS: usize = 12;

/// What a function's program is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Architecture {
    /// AWS's default.
    #[serde(rename = "x86_64")]
    X86_64,
    /// Graviton.
    Arm64,
}

impl Architecture {
    /// As AWS writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
        }
    }

    /// What AWS writes so.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::X86_64, Self::Arm64].into_iter().find(|one| one.name() == name)
    }
}

/// A function with what is said of its asynchronous calls. Its key is its name; its owner is in its tags.
///
/// What AWS knows of functions and this spec does not makes one inexpressible (see `aws/convert.rs`): layers, a VPC, file systems,
/// images, `SnapStart`, a KMS key, tracing, a logging configuration, a destination for successes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LambdaFunction {
    /// Such as [`RUNTIME`].
    pub runtime: String,
    /// What the runtime is to call; of a program that brings its own runtime any text, usually `bootstrap`.
    pub handler: String,
    /// What the program is compiled for.
    pub architecture: Architecture,
    /// Within [`MEMORY_MB`].
    pub memory_mb: u32,
    /// Within [`TIMEOUT_SECONDS`].
    pub timeout_seconds: u32,
    /// The role that it runs with.
    pub role_arn: String,
    /// The package: SHA-256 of the zip, in base64 ([`super::code_sha256`]).
    pub code_sha256: String,
    /// Where the package is read from when it is deployed: a path, from the working directory if it is relative, or `s3://BUCKET/KEY` ([`super::Package`]). AWS does not tell it, so the
    /// live function has that of the manifest, or the one last written; alone it is never a difference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// Environment variables. They are no place for secrets: plans and states show them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// What a person reads in the console: up to 256 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The SQS queue or SNS topic that gets the events of asynchronous calls that failed for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_letter_arn: Option<String>,
    /// The size of `/tmp` in MB: 512 to 10,240. AWS's default is 512.
    pub ephemeral_mb: u32,
    /// How many calls run at once, at most. Absent for the account's share; 0 stops the function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserved_concurrency: Option<u32>,
    /// How often an asynchronous call that failed is tried again: 0 to 2. AWS's default is 2.
    pub async_retries: u32,
    /// Seconds after which an asynchronous call is given up: 60 to 21,600, AWS's default.
    pub async_max_age: u32,
    /// What hears of asynchronous calls that failed for good, with their answers: a queue, a topic, a function, a bus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_failure_arn: Option<String>,
    /// Why AWS could not make or change it as it was told; never desired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
}

impl LambdaFunction {
    /// A function of [`RUNTIME`] for x86-64 with 128 MB, 3 s and AWS's other defaults.
    pub fn new(role_arn: &str, package: &str, code_sha256: &str) -> Self {
        Self {
            runtime: RUNTIME.to_owned(),
            handler: "bootstrap".to_owned(),
            architecture: Architecture::X86_64,
            memory_mb: 128,
            timeout_seconds: 3,
            role_arn: role_arn.to_owned(),
            code_sha256: code_sha256.to_owned(),
            package: Some(package.to_owned()),
            environment: BTreeMap::new(),
            description: None,
            dead_letter_arn: None,
            ephemeral_mb: 512,
            reserved_concurrency: None,
            async_retries: ASYNC_RETRIES,
            async_max_age: ASYNC_MAX_AGE,
            on_failure_arn: None,
            broken: None,
        }
    }

    /// The field map that the planner compares.
    pub fn to_fields(&self) -> Fields {
        spec_fields::to_fields(self)
    }

    /// The spec of a field map.
    ///
    /// # Errors
    /// Where the map is not one that [`LambdaFunction::to_fields`] makes, as after an edit of the state by hand.
    pub fn from_fields(fields: &Fields) -> Result<Self, serde_json::Error> {
        spec_fields::from_fields(fields)
    }

    /// Whether nothing is said of its asynchronous calls but what AWS does anyway.
    pub(super) fn has_default_calls(&self) -> bool {
        (self.async_retries, self.async_max_age, &self.on_failure_arn)
            == (ASYNC_RETRIES, ASYNC_MAX_AGE, &None)
    }
}

/// The name of a project's function, `opsform-PROJECT-PARTS`, shortened where Lambda would not take it: it takes letters, digits, `-` and
/// `_`. What had to be changed bears digits that tell it from what becomes the same.
pub fn function_name(project: &str, parts: &[&str]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let name = format!("opsform-{project}-{}", parts.join("-"));
    if name.len() <= NAME_LENGTH && name.chars().all(plain) {
        return name;
    }
    with_digits(&name, &name, NAME_LENGTH)
}

/// A text's beginning in letters, digits, `-` and `_`, with digits that follow from the whole.
pub(in crate::resources) fn with_digits(name: &str, whole: &str, length: usize) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '-' };
    let kept: String = name.chars().map(plain).take(length - DIGITS - 1).collect();
    let digits = format!("{:016x}", stable_hash(whole));
    format!("{kept}-{}", &digits[..DIGITS])
}

/// The ARN of a function: `arn:aws:lambda:REGION:ACCOUNT:function:NAME`.
pub fn function_arn(scope: &Scope, name: &str) -> String {
    format!("arn:{}:lambda:{}:{}:function:{name}", partition(&scope.region), scope.region, scope.account)
}

/// The name in a function's ARN, without version or alias.
pub fn function_of_arn(arn: &str) -> Option<&str> {
    let mut parts = arn.split(':').skip(2);
    if parts.next() != Some("lambda") {
        return None;
    }
    let mut parts = parts.skip(2);
    if parts.next() == Some("function") { parts.next() } else { None }
}

/// `provided.al2023 on arm64, 256 MB, 900 s, from target/runner.zip`
fn summary(fields: &Fields) -> String {
    let Ok(function) = LambdaFunction::from_fields(fields) else {
        return String::new();
    };
    let LambdaFunction { runtime, memory_mb, timeout_seconds, .. } = &function;
    let architecture = function.architecture.name();
    let from = function.package.as_ref().map_or_else(String::new, |package| format!(", from {package}"));
    let stopped = if function.reserved_concurrency == Some(0) { " (stopped: 0 calls at once)" } else { "" };
    format!("{runtime} on {architecture}, {memory_mb} MB, {timeout_seconds} s{from}{stopped}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function() -> LambdaFunction {
        LambdaFunction::new("arn:aws:iam::111122223333:role/r", "target/runner.zip", "47DE=")
    }

    #[test]
    fn fields_hold_the_whole_spec() {
        let mut odd = function();
        odd.architecture = Architecture::Arm64;
        odd.package = None;
        odd.environment = [("A".to_owned(), "b".to_owned())].into();
        (odd.description, odd.dead_letter_arn) = (Some("x".to_owned()), Some("arn:queue".to_owned()));
        (odd.reserved_concurrency, odd.on_failure_arn) = (Some(1), Some("arn:topic".to_owned()));
        odd.broken = Some("no".to_owned());
        for function in [function(), odd] {
            let text = serde_json::to_string(&function.to_fields()).unwrap();
            let fields: Fields = serde_json::from_str(&text).unwrap();
            assert_eq!(LambdaFunction::from_fields(&fields).unwrap(), function);
        }
        assert_eq!(function().to_fields()["architecture"], "x86_64");
    }

    #[test]
    fn a_summary_says_what_it_is_and_where_it_comes_from() {
        let mut function = function();
        let told = "provided.al2023 on x86_64, 128 MB, 3 s, from target/runner.zip";
        assert_eq!(summary(&function.to_fields()), told);
        (function.package, function.reserved_concurrency) = (None, Some(0));
        let told = "provided.al2023 on x86_64, 128 MB, 3 s (stopped: 0 calls at once)";
        assert_eq!(summary(&function.to_fields()), told);
    }

    #[test]
    fn names_fit_and_are_found_in_arns() {
        assert_eq!(function_name("payments", &["runner"]), "opsform-payments-runner");
        let odd = ["a.b", "a b"].map(|project| function_name(project, &["runner"]));
        assert!(odd[0].starts_with("opsform-a-b-runner-") && odd[0] != odd[1], "{odd:?}");
        assert_eq!(function_name("p", &[&"x".repeat(80)]).len(), NAME_LENGTH);
        let arn = function_arn(&Scope::new("111122223333", "us-gov-west-1"), "f");
        assert_eq!(arn, "arn:aws-us-gov:lambda:us-gov-west-1:111122223333:function:f");
        assert_eq!(function_of_arn(&arn), Some("f"));
        assert_eq!(function_of_arn(&format!("{arn}:live")), Some("f"));
        assert_eq!(function_of_arn("arn:aws:sqs:us-east-1:111122223333:function"), None);
    }
}
