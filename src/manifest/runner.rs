//! `[runner]`: the Lambda function that runs the jobs.

use super::duration::Seconds;
use super::reader::{Placed, TableReader};
use super::scalar::checked;
use super::settings::is_region;
use crate::model::{Diagnostic, Place};

/// Where `opsform runner package` writes, and where a plan looks, when nobody says so.
pub const PACKAGE: &str = "dist/opsform-runner.zip";

/// How long Lambda lets a call take, at most: it is paid for what it takes, and a job that is not done by then is handed on.
const TIMEOUT: u32 = 900;

/// Enough for some thousand resources; a vCPU goes with 1,769 MB ("Configure Lambda function memory" in the Lambda developer guide).
const MEMORY: u32 = 512;

/// `[runner]`. What AWS allows is checked by whoever knows AWS's kinds.
#[derive(Clone, Debug, PartialEq)]
pub struct RunnerSettings {
    /// The function's name; `None` for `opsform-PROJECT-runner`.
    pub function_name: Option<Placed<String>>,
    /// MB.
    pub memory: Placed<u32>,
    /// Seconds.
    pub timeout: Placed<Seconds>,
    /// As AWS writes it: `x86_64` or `arm64`.
    pub architecture: &'static str,
    /// The role that the function runs with; `None` for one that opsform makes, with the least policy.
    pub role_arn: Option<Placed<String>>,
    /// The role with which EventBridge Scheduler calls the function; `None` for one that opsform makes.
    pub scheduler_role_arn: Option<Placed<String>>,
    /// After how many days logs are deleted.
    pub log_retention_days: Placed<u32>,
    /// The path of the package.
    pub package: String,
    /// `s3://BUCKET/KEY`, from which Lambda reads the same package when it is too large for a call.
    pub package_s3: Option<Placed<String>>,
    /// Where the jobs' manifest comes from.
    pub manifests: ManifestsFrom,
    /// The queue or topic that gets the events of jobs that failed for good.
    pub dead_letter_arn: Option<Placed<String>>,
    /// The region of the function; `None` for the first of `[aws] regions`.
    pub region: Option<Placed<String>>,
    /// The name of the `[[account]]` of the function; `None` for the first, or the caller's own.
    pub account: Option<Placed<String>>,
    /// How often Lambda tries a job that failed once more.
    pub retries: Option<Placed<u32>>,
    /// Seconds after which Lambda gives a job up that failed or could not begin.
    pub max_age: Option<Placed<Seconds>>,
    /// Where it stands.
    pub place: Place,
}

/// Where jobs in Lambda read their manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ManifestsFrom {
    /// It is in the package.
    Bundled,
    /// Objects whose keys begin with the prefix, read anew for each job.
    S3 {
        /// The bucket.
        bucket: String,
        /// The prefix; it ends with `/`, or is empty.
        prefix: String,
    },
}

/// Reads `[runner]`.
pub(super) fn runner(reader: &mut TableReader<'_>) -> RunnerSettings {
    let function_name = reader.optional::<String>("function_name");
    let memory = reader.optional::<u32>("memory");
    let timeout = reader.optional::<Seconds>("timeout");
    let architecture = reader.one_of("architecture", &[("x86_64", "x86_64"), ("arm64", "arm64")]);
    let role = reader.optional::<String>("role");
    let scheduler_role = reader.optional::<String>("scheduler_role");
    let retention = reader.optional::<u32>("log_retention_days");
    let package = reader.optional::<String>("package");
    let package_s3 = reader.optional::<String>("package_s3");
    let manifests = manifests(reader);
    let dead_letter_arn = reader.optional::<String>("dead_letter_arn");
    let region = reader.optional::<String>("region");
    let account = reader.optional::<String>("account");
    let retries = reader.optional::<u32>("retries");
    let max_age = reader.optional::<Seconds>("max_age");

    let package = checked(
        reader,
        package,
        |path| !path.trim().is_empty() && !path.starts_with("s3://"),
        "is not the path of a package",
        "the package is a file on this machine, so that its hash is known; `package_s3` says where Lambda reads it from",
    );
    let place_of_region = region.clone().map(|region| region.place);
    let region =
        checked(reader, region, is_region, "is not a region's code", "codes look like `ap-northeast-2`")
            .zip(place_of_region)
            .map(|(value, place)| Placed { value, place });
    let place = reader.place().clone();
    let here = |value: u32| Placed { value, place: place.clone() };
    let managed = |role: &Placed<String>| role.value != "managed";
    RunnerSettings {
        function_name,
        memory: memory.unwrap_or_else(|| here(MEMORY)),
        timeout: timeout.unwrap_or_else(|| Placed { value: Seconds(TIMEOUT), place: place.clone() }),
        architecture: architecture.map_or("x86_64", |architecture| architecture.value),
        role_arn: role.filter(managed),
        scheduler_role_arn: scheduler_role.filter(managed),
        log_retention_days: retention.unwrap_or_else(|| here(30)),
        package: package.unwrap_or_else(|| PACKAGE.to_owned()),
        package_s3,
        manifests,
        dead_letter_arn,
        region,
        account,
        retries,
        max_age,
        place,
    }
}

fn manifests(reader: &mut TableReader<'_>) -> ManifestsFrom {
    let Some(text) = reader.optional::<String>("manifests") else { return ManifestsFrom::Bundled };
    if text.value == "bundled" {
        return ManifestsFrom::Bundled;
    }
    let place = text.value.strip_prefix("s3://").map(|place| place.split_once('/').unwrap_or((place, "")));
    match place {
        Some((bucket, prefix)) if !bucket.is_empty() && (prefix.is_empty() || prefix.ends_with('/')) => {
            ManifestsFrom::S3 { bucket: bucket.to_owned(), prefix: prefix.to_owned() }
        }
        _ => {
            let summary = format!("`manifests` cannot be {:?}", text.value);
            let hint = "write \"bundled\", or a folder of S3 that ends with a slash: \"s3://acme-opsform/manifests/\"";
            reader.problem(Diagnostic::error(summary).at(text.place).hint(hint));
            ManifestsFrom::Bundled
        }
    }
}
