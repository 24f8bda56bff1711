//! The spec from and to the SDK's types.

use aws_sdk_lambda::operation::get_function_event_invoke_config::GetFunctionEventInvokeConfigOutput as Calls;
use aws_sdk_lambda::types::{
    Architecture as LiveArchitecture, DeadLetterConfig, DestinationConfig, Environment, EphemeralStorage,
    FunctionConfiguration, LastUpdateStatus, LogFormat, OnFailure, PackageType, SnapStartApplyOn, State,
    TracingMode,
};

use crate::resources::lambda_function::spec::{ASYNC_MAX_AGE, ASYNC_RETRIES};
use crate::resources::lambda_function::{Architecture, LambdaFunction};
use crate::resources::log_group::group_of_function;

/// AWS's default of `EphemeralStorage`, in MB.
const EPHEMERAL_MB: u32 = 512;

/// What Lambda tells of a function, in several answers.
pub(super) struct Live {
    pub(super) configuration: FunctionConfiguration,
    /// The concurrency that is reserved for it.
    pub(super) reserved: Option<u32>,
    /// What is said of its asynchronous calls.
    pub(super) calls: Option<Calls>,
}

/// A live function in normal form without its package, or what makes it inexpressible.
pub(super) fn from_live(live: &Live) -> Result<LambdaFunction, String> {
    let unknown = || "fields that this version of opsform does not know".to_owned();
    let function = &live.configuration;
    let features = inexpressible_features(live);
    if !features.is_empty() {
        return Err(features.join(", "));
    }
    let architecture = match function.architectures() {
        [] => Architecture::X86_64,
        [one] => Architecture::from_name(one.as_str()).ok_or_else(unknown)?,
        _ => return Err(unknown()),
    };
    let environment = function.environment().and_then(|environment| environment.variables.clone());
    let calls = live.calls.as_ref();
    let on_failure = calls.and_then(|calls| calls.destination_config()?.on_failure()?.destination());
    Ok(LambdaFunction {
        runtime: function.runtime().ok_or_else(unknown)?.as_str().to_owned(),
        handler: function.handler().unwrap_or_default().to_owned(),
        architecture,
        memory_mb: number(function.memory_size()).ok_or_else(unknown)?,
        timeout_seconds: number(function.timeout()).ok_or_else(unknown)?,
        package: None,
        environment: environment.unwrap_or_default().into_iter().collect(),
        description: given(function.description()),
        dead_letter_arn: given(function.dead_letter_config().and_then(DeadLetterConfig::target_arn)),
        ephemeral_mb: function
            .ephemeral_storage()
            .and_then(|storage| number(Some(storage.size())))
            .unwrap_or(EPHEMERAL_MB),
        reserved_concurrency: live.reserved,
        async_retries: number(calls.and_then(Calls::maximum_retry_attempts)).unwrap_or(ASYNC_RETRIES),
        async_max_age: number(calls.and_then(Calls::maximum_event_age_in_seconds)).unwrap_or(ASYNC_MAX_AGE),
        on_failure_arn: given(on_failure),
        broken: failure(function),
        ..LambdaFunction::new(
            function.role().ok_or_else(unknown)?,
            "",
            function.code_sha256.as_deref().ok_or_else(unknown)?,
        )
    })
}

/// What the spec has no field for.
fn inexpressible_features(live: &Live) -> Vec<String> {
    let function = &live.configuration;
    let is_zip = function.package_type().is_none_or(|package| *package == PackageType::Zip);
    let in_vpc = function.vpc_config().is_some_and(|vpc| !vpc.subnet_ids().is_empty());
    let snap_start = function.snap_start().and_then(|snap_start| snap_start.apply_on());
    let traced = function.tracing_config().and_then(|tracing| tracing.mode());
    let unreadable = function.environment().is_some_and(|environment| environment.error().is_some());
    let on_success =
        live.calls.as_ref().and_then(|calls| calls.destination_config()?.on_success()?.destination());
    [
        (!function.layers().is_empty(), "layers"),
        (in_vpc, "a VPC"),
        (!function.file_system_configs().is_empty(), "file systems"),
        (!is_zip, "a container image"),
        (snap_start.is_some_and(|on| *on != SnapStartApplyOn::None), "SnapStart"),
        (function.kms_key_arn().is_some(), "a KMS key"),
        (traced == Some(&TracingMode::Active), "active tracing"),
        (unreadable, "an environment that AWS cannot decrypt"),
        (logs_otherwise(function), "a logging configuration"),
        (function.signing_job_arn().is_some(), "code signing"),
        (function.master_arn().is_some(), "Lambda@Edge"),
        (function.tenancy_config().is_some(), "tenants"),
        (function.capacity_provider_config().is_some(), "a capacity provider"),
        (function.durable_config().is_some(), "durable execution"),
        (on_success.is_some(), "a destination for successes"),
    ]
    .into_iter()
    .filter(|(present, _)| *present)
    .map(|(_, name)| name.to_owned())
    .collect()
}

/// Whether a function logs other than as text into the group of its name.
fn logs_otherwise(function: &FunctionConfiguration) -> bool {
    let own = function.function_name().map(group_of_function);
    function.logging_config().is_some_and(|logs| {
        logs.log_format().is_some_and(|format| *format != LogFormat::Text)
            || logs.log_group().is_some_and(|group| Some(group) != own.as_deref())
    })
}

/// Why Lambda could not make or change a function, if so.
pub(super) fn failure(function: &FunctionConfiguration) -> Option<String> {
    let or = |reason: Option<&str>, otherwise: &str| Some(reason.unwrap_or(otherwise).to_owned());
    if function.state() == Some(&State::Failed) {
        return or(function.state_reason(), "it could not be made");
    }
    if function.last_update_status() == Some(&LastUpdateStatus::Failed) {
        return or(function.last_update_status_reason(), "it could not be changed");
    }
    None
}

/// Whether Lambda is at work on a function, so that it takes no other change.
pub(super) fn is_busy(function: &FunctionConfiguration) -> bool {
    function.state() == Some(&State::Pending)
        || function.last_update_status() == Some(&LastUpdateStatus::InProgress)
}

/// The parts of a request that are alike in `CreateFunction` and `UpdateFunctionConfiguration`.
pub(super) struct Parts {
    pub(super) environment: Environment,
    pub(super) dead_letters: DeadLetterConfig,
    pub(super) storage: EphemeralStorage,
    pub(super) memory: i32,
    pub(super) timeout: i32,
}

/// The parts for a function. What is empty removes what was there.
pub(super) fn parts(function: &LambdaFunction) -> Result<Parts, String> {
    let storage = EphemeralStorage::builder().size(signed(function.ephemeral_mb)).build();
    let variables = function.environment.clone().into_iter().collect();
    Ok(Parts {
        environment: Environment::builder().set_variables(Some(variables)).build(),
        dead_letters: DeadLetterConfig::builder()
            .target_arn(function.dead_letter_arn.clone().unwrap_or_default())
            .build(),
        storage: storage.map_err(|error| error.to_string())?,
        memory: signed(function.memory_mb),
        timeout: signed(function.timeout_seconds),
    })
}

/// A function's architecture, as a list of one.
pub(super) fn architectures(function: &LambdaFunction) -> Vec<LiveArchitecture> {
    vec![LiveArchitecture::from(function.architecture.name())]
}

/// What hears of asynchronous calls that failed for good.
pub(super) fn destinations(function: &LambdaFunction) -> DestinationConfig {
    let failure = function.on_failure_arn.as_ref().map(|arn| OnFailure::builder().destination(arn).build());
    DestinationConfig::builder().set_on_failure(failure).build()
}

/// Numbers of Lambda are signed.
pub(super) fn signed(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// See [`signed`].
pub(super) fn number(value: Option<i32>) -> Option<u32> {
    value.and_then(|value| u32::try_from(value).ok())
}

fn given(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use aws_sdk_lambda::types::{
        EnvironmentResponse, Layer, LoggingConfig, OnSuccess, Runtime, TracingConfigResponse,
        VpcConfigResponse,
    };

    use super::*;

    /// What Lambda answers for a function that was written so.
    fn live(function: &LambdaFunction) -> Live {
        let parts = parts(function).unwrap();
        let environment = EnvironmentResponse::builder().set_variables(parts.environment.variables).build();
        let configuration = FunctionConfiguration::builder()
            .function_name("f")
            .runtime(Runtime::from(&*function.runtime))
            .handler(&function.handler)
            .role(&function.role_arn)
            .code_sha256(&function.code_sha256)
            .set_architectures(Some(architectures(function)))
            .memory_size(parts.memory)
            .timeout(parts.timeout)
            .set_description(function.description.clone())
            .dead_letter_config(parts.dead_letters)
            .environment(environment)
            .ephemeral_storage(parts.storage)
            .build();
        let calls = Calls::builder()
            .maximum_retry_attempts(signed(function.async_retries))
            .maximum_event_age_in_seconds(signed(function.async_max_age))
            .destination_config(destinations(function))
            .build();
        Live { configuration, reserved: function.reserved_concurrency, calls: Some(calls) }
    }

    fn function() -> LambdaFunction {
        LambdaFunction { package: None, ..LambdaFunction::new("arn:role", "", "47DE=") }
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        assert_eq!(from_live(&live(&function())), Ok(function()));
        let mut bare = live(&function());
        bare.calls = None;
        assert_eq!(from_live(&bare), Ok(function()));
        let mut odd = function();
        (odd.architecture, odd.memory_mb, odd.timeout_seconds) = (Architecture::Arm64, 512, 900);
        odd.environment = [("A".to_owned(), "b".to_owned())].into();
        (odd.description, odd.dead_letter_arn) = (Some("x".to_owned()), Some("arn:queue".to_owned()));
        (odd.ephemeral_mb, odd.reserved_concurrency) = (1_024, Some(0));
        (odd.async_retries, odd.async_max_age, odd.on_failure_arn) = (0, 60, Some("arn:topic".to_owned()));
        assert_eq!(from_live(&live(&odd)), Ok(odd));
    }

    #[test]
    fn what_would_be_lost_is_inexpressible() {
        let mut odd = live(&function());
        odd.configuration.layers = Some(vec![Layer::builder().arn("arn:layer").build()]);
        odd.configuration.vpc_config = Some(VpcConfigResponse::builder().subnet_ids("subnet-1").build());
        odd.configuration.package_type = Some(PackageType::Image);
        let traced = TracingConfigResponse::builder().mode(TracingMode::Active).build();
        odd.configuration.tracing_config = Some(traced);
        odd.configuration.logging_config = Some(LoggingConfig::builder().log_format(LogFormat::Json).build());
        let success = OnSuccess::builder().destination("arn:bus").build();
        let destinations = DestinationConfig::builder().on_success(success).build();
        odd.calls = Some(Calls::builder().destination_config(destinations).build());
        let told = "layers, a VPC, a container image, active tracing, a logging configuration, a destination for successes";
        assert_eq!(from_live(&odd), Err(told.to_owned()));
        let mut plain = live(&function());
        let logs = LoggingConfig::builder().log_format(LogFormat::Text).log_group("/aws/lambda/f").build();
        plain.configuration.logging_config = Some(logs);
        plain.configuration.vpc_config = Some(VpcConfigResponse::builder().vpc_id("").build());
        assert_eq!(from_live(&plain), Ok(function()));
    }

    #[test]
    fn what_lambda_could_not_do_is_a_difference() {
        let mut broken = live(&function());
        broken.configuration.last_update_status = Some(LastUpdateStatus::Failed);
        broken.configuration.last_update_status_reason = Some("no".to_owned());
        assert_eq!(from_live(&broken).unwrap().broken.as_deref(), Some("no"));
        broken.configuration.state = Some(State::Failed);
        assert_eq!(from_live(&broken).unwrap().broken.as_deref(), Some("it could not be made"));
        broken.configuration.state = Some(State::Pending);
        assert!(is_busy(&broken.configuration) && !is_busy(&live(&function()).configuration));
    }
}
