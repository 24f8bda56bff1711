//! Credentials, accounts and regions.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_config::default_provider::region::DefaultRegionChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;

use super::{Aws, AwsError, ErrorClass, Operation};
use crate::model::Scope;

/// A call is given up and tried again after this long.
const ATTEMPT_TIMEOUT: Duration = Duration::from_mins(1);

/// One account that the manifest names.
#[derive(Clone, Debug)]
pub struct AccountAccess {
    /// The name in the manifest.
    pub name: String,
    /// The role to assume; `None` for the caller's own account.
    pub role_arn: Option<String>,
    /// The external id that the role's trust policy asks for.
    pub external_id: Option<String>,
}

/// How to reach AWS.
#[derive(Clone, Debug, Default)]
pub struct ConnectOptions {
    /// `--profile`.
    pub profile: Option<String>,
    /// `--endpoint-url`.
    pub endpoint_url: Option<String>,
    /// The region for calls that belong to none (STS); `None` for the one of the environment or profile.
    pub home_region: Option<String>,
    /// The accounts of the manifest; empty for the caller's own.
    pub accounts: Vec<AccountAccess>,
    /// `[aws.rates]`.
    pub rates: BTreeMap<String, f64>,
}

/// Finds credentials and the accounts that they belong to.
///
/// Returns the way to AWS and the region of the environment or profile, where there is one.
///
/// # Errors
/// Where no credentials are found, AWS refuses them, or a role cannot be assumed.
pub async fn connect(options: ConnectOptions) -> Result<(Aws, Option<String>), AwsError> {
    let environment_region = environment_region(options.profile.as_deref()).await;
    let home = options
        .home_region
        .clone()
        .or_else(|| environment_region.clone())
        .unwrap_or_else(|| "us-east-1".to_owned());
    let config = load(&options, &home).await;
    let home_scope = Scope::new("", home);
    let profile = options.profile.as_ref().map_or_else(String::new, |name| format!("profile \"{name}\": "));
    check_credentials(&config, &profile, &home_scope).await?;

    // Only the identity calls go through this one; no account is known before they are answered.
    let bootstrap = Aws::new(BTreeMap::new(), options.rates.clone());
    let mut accounts = BTreeMap::new();
    if options.accounts.is_empty() {
        let account = identify(&bootstrap, &home_scope, &config).await?;
        accounts.insert(account, config);
    } else {
        for access in &options.accounts {
            let config = match &access.role_arn {
                Some(role) => assume(&config, role, access).await,
                None => config.clone(),
            };
            let whose = format!("account \"{}\": ", access.name);
            check_credentials(&config, &whose, &home_scope).await?;
            let account = identify(&bootstrap, &home_scope, &config)
                .await
                .map_err(|error| AwsError { message: format!("{whose}{}", error.message), ..error })?;
            accounts.insert(account, config);
        }
    }
    let mut aws = Aws::new(accounts, options.rates);
    aws.calls = bootstrap.calls;
    Ok((aws, environment_region))
}

/// The account that [`connect_own`] reaches: the caller's, whichever that is.
pub const OWN_ACCOUNT: &str = "";

/// Access with the caller's own credentials, without entering a role, under the account [`OWN_ACCOUNT`].
///
/// It has a `stop` token of its own, so that the state can still be saved after a run was stopped.
///
/// # Errors
/// Where no credentials are found.
pub async fn connect_own(options: ConnectOptions, region: &str) -> Result<Aws, AwsError> {
    let config = load(&options, region).await;
    let profile = options.profile.as_ref().map_or_else(String::new, |name| format!("profile \"{name}\": "));
    check_credentials(&config, &profile, &Scope::new(OWN_ACCOUNT, region)).await?;
    Ok(Aws::new(BTreeMap::from([(OWN_ACCOUNT.to_owned(), config)]), options.rates))
}

/// The region of the environment or the profile.
pub async fn environment_region(profile: Option<&str>) -> Option<String> {
    let mut chain = DefaultRegionChain::builder();
    if let Some(profile) = profile {
        chain = chain.profile_name(profile);
    }
    chain.build().region().await.map(|region| region.as_ref().to_owned())
}

/// The SDK's configuration: one try a call, because [`Aws::call`] has the tries.
async fn load(options: &ConnectOptions, home: &str) -> SdkConfig {
    let region = Region::new(home.to_owned());
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .region(region.clone())
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).build());
    if let Some(profile) = &options.profile {
        // As with the AWS CLI, a profile that is asked for counts more than keys in the environment. The SDK's default
        // chain would take the keys, which may be another account's. A profile with a role needs a region for STS.
        let provider = ProfileFileCredentialsProvider::builder()
            .profile_name(profile)
            .configure(&ProviderConfig::without_region().with_region(Some(region)))
            .build();
        loader = loader.profile_name(profile).credentials_provider(provider);
    }
    if let Some(url) = &options.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    loader.load().await
}

/// Asks for credentials once before anything else, so that their absence is one clear message.
async fn check_credentials(config: &SdkConfig, whose: &str, home: &Scope) -> Result<(), AwsError> {
    match config.credentials_provider() {
        Some(provider) => match provider.provide_credentials().await {
            Ok(_) => Ok(()),
            Err(error) => Err(AwsError::from_credentials(&error, home, whose)),
        },
        None => Err(AwsError::from_credentials(
            &CredentialsError::not_loaded("no credentials provider is configured"),
            home,
            whose,
        )),
    }
}

async fn assume(config: &SdkConfig, role: &str, access: &AccountAccess) -> SdkConfig {
    // The SDK makes these calls by itself, also in the middle of a run when a session ends, so they need its retries.
    let with_retries = config.to_builder().retry_config(RetryConfig::standard()).build();
    let mut provider = AssumeRoleProvider::builder(role).session_name("opsform").configure(&with_retries);
    if let Some(external_id) = &access.external_id {
        provider = provider.external_id(external_id);
    }
    let provider = provider.build().await;
    config
        .to_builder()
        .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(provider))
        .build()
}

/// The account id of a configuration's credentials.
async fn identify(aws: &Aws, home: &Scope, config: &SdkConfig) -> Result<String, AwsError> {
    let sts = aws_sdk_sts::Client::new(config);
    let answer = aws.call(home, Operation::GET_CALLER_IDENTITY, || sts.get_caller_identity().send()).await?;
    answer.account().map(str::to_owned).ok_or_else(|| AwsError {
        operation: Operation::GET_CALLER_IDENTITY,
        scope: home.clone(),
        class: ErrorClass::Other,
        code: "no account".to_owned(),
        message: "the answer names no account".to_owned(),
        request_id: None,
        half_done: false,
    })
}

/// The regions that are enabled for an account, sorted.
///
/// # Errors
/// Where AWS does not answer.
pub async fn enabled_regions(aws: &Aws, home: &Scope) -> Result<Vec<String>, AwsError> {
    let clients = aws.clients(home);
    // Without `AllRegions` the answer holds just the regions that are enabled for the account.
    let answer =
        aws.call(home, Operation::DESCRIBE_REGIONS, || clients.ec2.describe_regions().send()).await?;
    let mut regions: Vec<String> =
        answer.regions().iter().filter_map(|region| region.region_name().map(str::to_owned)).collect();
    regions.sort();
    Ok(regions)
}
