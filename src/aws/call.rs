//! One call: wait for the rate, send, count, and try again where that helps.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::{Aws, AwsError, ErrorClass, OPERATIONS, Operation, Throttle};
use crate::model::Scope;

/// Tries of one call when AWS throttles it. The bucket paces them, so this is minutes, not a storm.
const THROTTLED_TRIES: u32 = 20;
/// Tries of one call when the network or AWS fails, or another request changes the same object.
const TRANSIENT_TRIES: u32 = 6;
/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// How many calls of each operation were sent, tries included.
#[derive(Debug)]
pub struct CallCounts(Vec<AtomicUsize>);

impl CallCounts {
    pub(super) fn new() -> Self {
        Self(OPERATIONS.iter().map(|_| AtomicUsize::new(0)).collect())
    }

    fn add(&self, operation: &'static Operation) {
        let slot = OPERATIONS.iter().position(|known| *known == operation);
        if let Some(count) = slot.and_then(|index| self.0.get(index)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The counts so far, by IAM action, without those that are zero.
    pub fn snapshot(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for (operation, count) in OPERATIONS.iter().zip(&self.0) {
            // Some actions allow several operations.
            *counts.entry(operation.iam_action.to_owned()).or_default() += count.load(Ordering::Relaxed);
        }
        counts.retain(|_, count| *count > 0);
        counts
    }
}

impl Aws {
    /// Calls AWS until it answers, refuses for good, or the tries are used up.
    ///
    /// `send` is called once a try. Writes are tried again like reads: every write of opsform may be repeated without
    /// harm, or its caller deals with the second answer. After [`Aws::stop`] nothing new is sent; calls that wait for an
    /// answer get it.
    ///
    /// # Errors
    /// The last failure.
    pub async fn call<T, E, F, Fut>(
        &self,
        scope: &Scope,
        operation: &'static Operation,
        send: F,
    ) -> Result<T, AwsError>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: StdError + ProvideErrorMetadata + 'static,
    {
        self.call_at_most(scope, operation, THROTTLED_TRIES + TRANSIENT_TRIES, send).await
    }

    /// The same with no more than so many tries, for calls that AWS bills one by one.
    ///
    /// # Errors
    /// The last failure.
    pub async fn call_at_most<T, E, F, Fut>(
        &self,
        scope: &Scope,
        operation: &'static Operation,
        most: u32,
        send: F,
    ) -> Result<T, AwsError>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: StdError + ProvideErrorMetadata + 'static,
    {
        let throttle = self.throttle(scope, operation);
        let (mut throttled, mut failed) = (0, 0);
        let mut last_error = None;
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => {
                    return Err(last_error.unwrap_or_else(|| AwsError::stopped(operation, scope)));
                }
                () = throttle.acquire() => {}
            }
            self.calls.add(operation);
            tracing::debug!(%scope, %operation, throttled, failed, "call");
            let error = match send().await {
                Ok(answer) => return Ok(answer),
                Err(error) => AwsError::from_sdk(operation, scope, &error),
            };
            // Each sort of failure has tries of its own: a call that was throttled often may still fail once.
            let (tries, allowed) = if error.class == ErrorClass::Throttled {
                throttle.slow_down();
                throttled += 1;
                (throttled, THROTTLED_TRIES)
            } else {
                failed += 1;
                (failed, if error.is_worth_another_try() { TRANSIENT_TRIES } else { 1 })
            };
            tracing::debug!(%scope, %operation, code = error.code, class = ?error.class, tries, "call failed");
            if tries >= allowed || throttled + failed >= most {
                return Err(error);
            }
            last_error = Some(error);
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = tokio::time::sleep(pause(throttled + failed)) => {}
            }
        }
    }
}

impl Aws {
    /// Waits until a call of an operation could be sent at once, or the run is stopped.
    pub async fn ready(&self, scope: &Scope, operation: &'static Operation) {
        let throttle = self.throttle(scope, operation);
        tokio::select! {
            biased;
            () = self.stop.cancelled() => {}
            () = throttle.ready() => {}
        }
    }
}

/// What became of a call that must not be made twice, where it did not succeed.
#[derive(Clone, Debug)]
pub enum OnceError {
    /// AWS surely did not do it.
    NotDone(AwsError),
    /// No answer, or one that does not tell: AWS may have done it.
    Unknown(AwsError),
}

impl Aws {
    /// Makes a call that has an effect each time it is made. Only where AWS throttled it, and so did not do it, is it
    /// made again; a lost answer, a timeout and a failure inside AWS are not.
    ///
    /// The call counts as `weight` calls of the limit, which is the caller's: what AWS allows differs by account.
    ///
    /// # Errors
    /// See [`OnceError`].
    pub async fn call_once<T, E, F, Fut>(
        &self,
        scope: &Scope,
        operation: &'static Operation,
        (throttle, weight): (&Throttle, usize),
        send: F,
    ) -> Result<T, OnceError>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: StdError + ProvideErrorMetadata + 'static,
    {
        let mut tries = 0;
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Err(OnceError::NotDone(AwsError::stopped(operation, scope))),
                () = throttle.acquire_many(weight) => {}
            }
            self.calls.add(operation);
            tracing::debug!(%scope, %operation, tries, "call once");
            let error = match send().await {
                Ok(answer) => return Ok(answer),
                Err(error) => AwsError::from_sdk(operation, scope, &error),
            };
            tries += 1;
            tracing::debug!(%scope, %operation, code = error.code, class = ?error.class, tries, "call failed");
            match error.class {
                ErrorClass::Throttled if tries < THROTTLED_TRIES => throttle.slow_down(),
                ErrorClass::Transient => return Err(OnceError::Unknown(error)),
                _ => return Err(OnceError::NotDone(error)),
            }
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = tokio::time::sleep(pause(tries)) => {}
            }
        }
    }
}

/// Awaits calls side by side and gives all their answers.
///
/// # Errors
/// Every failure, so that all of them are told at once; what the others answered is not given then.
pub async fn all<T>(
    calls: impl IntoIterator<Item = impl Future<Output = Result<T, AwsError>>>,
) -> Result<Vec<T>, Vec<AwsError>> {
    let (mut answers, mut errors) = (Vec::new(), Vec::new());
    for result in futures::future::join_all(calls).await {
        match result {
            Ok(answer) => answers.push(answer),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(answers) } else { Err(errors) }
}

/// "Full jitter": anything between nothing and a limit that doubles with each try.
fn pause(tries: u32) -> Duration {
    let limit = Duration::from_millis(100 << tries.min(10)).min(LONGEST_PAUSE);
    limit.mul_f64(fastrand::f64())
}
