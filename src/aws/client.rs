//! SDK clients by account and region, sharing one HTTP connection pool.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use aws_config::{Region, SdkConfig};
use aws_types::service_config::ServiceConfigKey;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::call::CallCounts;
use super::whole_answer::WholeAnswer;
use super::{Operation, Rate, Throttle};
use crate::model::Scope;

/// The way to AWS, for all accounts and regions of a run.
#[derive(Debug)]
pub struct Aws {
    /// One SDK configuration an account: credentials, endpoint, HTTP client.
    accounts: BTreeMap<String, SdkConfig>,
    /// Rates from `[aws.rates]`, by operation name.
    rates: BTreeMap<String, f64>,
    /// What time it is.
    clock: fn() -> Timestamp,
    throttles: Mutex<HashMap<(Scope, &'static str), Arc<Throttle>>>,
    clients: Mutex<HashMap<Scope, Arc<Clients>>>,
    pub(super) calls: CallCounts,
    pub(super) stop: CancellationToken,
}

/// The SDK clients of one account in one region.
#[derive(Debug)]
pub struct Clients {
    /// Amazon CloudWatch.
    pub cloudwatch: aws_sdk_cloudwatch::Client,
    /// Amazon EC2.
    pub ec2: aws_sdk_ec2::Client,
    /// Amazon EventBridge: the rules of event buses.
    pub eventbridge: aws_sdk_eventbridge::Client,
    /// Amazon RDS.
    pub rds: aws_sdk_rds::Client,
    /// Amazon EventBridge Scheduler.
    pub scheduler: aws_sdk_scheduler::Client,
    /// Resource Groups Tagging API.
    pub tagging: aws_sdk_resourcegroupstagging::Client,
}

impl Aws {
    /// Access to these accounts. `rates` overrides the default calls a second, by operation name.
    pub fn new(accounts: BTreeMap<String, SdkConfig>, rates: BTreeMap<String, f64>) -> Self {
        Self {
            accounts,
            rates,
            clock: || Timestamp::UNIX_EPOCH,
            throttles: Mutex::default(),
            clients: Mutex::default(),
            calls: CallCounts::new(),
            stop: CancellationToken::new(),
        }
    }

    /// With a clock, for what begins and ends by itself. Without one nothing has begun, and nothing is over.
    #[must_use]
    pub fn with_clock(self, clock: fn() -> Timestamp) -> Self {
        Self { clock, ..self }
    }

    /// What time it is.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Cancelling this token lets calls in flight finish and sends no new ones.
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// The accounts that can be reached.
    pub fn accounts(&self) -> impl Iterator<Item = &str> {
        self.accounts.keys().map(String::as_str)
    }

    /// How many calls were made so far.
    pub fn calls(&self) -> &CallCounts {
        &self.calls
    }

    /// The clients for a scope.
    ///
    /// # Panics
    /// When the scope's account is none of [`Aws::accounts`]; scopes are made from them.
    pub fn clients(&self, scope: &Scope) -> Arc<Clients> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(clients.entry(scope.clone()).or_insert_with(|| {
            let account = &self.accounts[&scope.account];
            let config = account.to_builder().region(Region::new(scope.region.clone())).build();
            let ec2 = aws_sdk_ec2::config::Builder::from(&config).interceptor(WholeAnswer);
            let rds = aws_sdk_rds::config::Builder::from(&config).interceptor(WholeAnswer);
            Arc::new(Clients {
                cloudwatch: aws_sdk_cloudwatch::Client::new(&config),
                ec2: aws_sdk_ec2::Client::from_conf(ec2.build()),
                eventbridge: aws_sdk_eventbridge::Client::new(&config),
                rds: aws_sdk_rds::Client::from_conf(rds.build()),
                scheduler: aws_sdk_scheduler::Client::new(&config),
                tagging: aws_sdk_resourcegroupstagging::Client::new(&config),
            })
        }))
    }

    /// A client of Amazon S3. Only the state and reports are there, so it is none of [`Clients`].
    ///
    /// At an endpoint of one's own the bucket is part of the path: an address or a name of the local network has no
    /// names of buckets below it.
    ///
    /// # Panics
    /// When the scope's account is none of [`Aws::accounts`].
    pub fn s3(&self, scope: &Scope) -> aws_sdk_s3::Client {
        let account = &self.accounts[&scope.account];
        let config = aws_sdk_s3::config::Builder::from(account)
            .region(Region::new(scope.region.clone()))
            .force_path_style(account.endpoint_url().is_some())
            .build();
        aws_sdk_s3::Client::from_conf(config)
    }

    /// A client of Amazon SES. Only mails need it, so it is none of [`Clients`].
    ///
    /// # Panics
    /// When the scope's account is none of [`Aws::accounts`].
    pub fn ses(&self, scope: &Scope) -> aws_sdk_sesv2::Client {
        let account = &self.accounts[&scope.account];
        let config = account.to_builder().region(Region::new(scope.region.clone())).build();
        aws_sdk_sesv2::Client::new(&config)
    }

    /// A client of AWS KMS. Only parked instances with encrypted volumes need it, so it is none of [`Clients`].
    ///
    /// # Panics
    /// When the scope's account is none of [`Aws::accounts`].
    pub fn kms(&self, scope: &Scope) -> aws_sdk_kms::Client {
        let account = &self.accounts[&scope.account];
        let config = account.to_builder().region(Region::new(scope.region.clone())).build();
        aws_sdk_kms::Client::new(&config)
    }

    /// A client of Cost Explorer. Only reports with actual cost need it, so it is none of [`Clients`].
    ///
    /// # Panics
    /// When the scope's account is none of [`Aws::accounts`].
    pub fn cost_explorer(&self, scope: &Scope) -> aws_sdk_costexplorer::Client {
        let account = &self.accounts[&scope.account];
        let config = account.to_builder().region(Region::new(scope.region.clone())).build();
        aws_sdk_costexplorer::Client::new(&config)
    }

    /// A client of AWS's price list. Only reports need it, so it is none of [`Clients`].
    ///
    /// # Panics
    /// When the scope's account is none of [`Aws::accounts`].
    pub fn pricing(&self, scope: &Scope) -> aws_sdk_pricing::Client {
        let account = &self.accounts[&scope.account];
        let config = account.to_builder().region(Region::new(scope.region.clone())).build();
        aws_sdk_pricing::Client::new(&config)
    }

    /// An address of one's own for the price list, instead of AWS's: what the SDK takes from `--endpoint-url`,
    /// `AWS_ENDPOINT_URL_PRICING` and `AWS_ENDPOINT_URL` ("Service-specific endpoints" in the SDKs and tools reference guide).
    ///
    /// # Panics
    /// When the account is none of [`Aws::accounts`].
    pub fn pricing_endpoint(&self, account: &str) -> Option<String> {
        let config = &self.accounts[account];
        let key = ServiceConfigKey::builder()
            .service_id("Pricing")
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url")
            .build()
            .ok();
        let of_service = config.service_config().zip(key).and_then(|(known, key)| known.load_config(key));
        // The SDK lets a global endpoint that is given in code go before the environment.
        let given = config.get_origin("endpoint_url").is_client_config();
        if given { None } else { of_service }.or_else(|| config.endpoint_url().map(str::to_owned))
    }

    /// The rate limit of an operation in a scope.
    pub fn throttle(&self, scope: &Scope, operation: &'static Operation) -> Arc<Throttle> {
        let mut throttles = self.throttles.lock().unwrap_or_else(PoisonError::into_inner);
        let throttle = throttles
            .entry((scope.clone(), operation.iam_action))
            .or_insert_with(|| Arc::new(Throttle::new(self.rate(operation))));
        Arc::clone(throttle)
    }

    /// The rate that the manifest gives for an operation, in calls a second.
    pub fn rate_by_hand(&self, operation: &'static Operation) -> Option<f64> {
        self.rates.get(operation.name).copied()
    }

    /// The rate of an operation: the manifest's, else AWS's published default.
    ///
    /// A rate set by hand keeps the default's burst, but never more than one second's worth: what AWS allows at once
    /// after a raise of the quota is not published.
    pub fn rate(&self, operation: &'static Operation) -> Rate {
        match self.rates.get(operation.name) {
            Some(&per_second) => Rate { per_second, burst: operation.rate.burst.min(per_second) },
            None => operation.rate,
        }
    }
}
