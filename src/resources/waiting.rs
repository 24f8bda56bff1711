//! Waiting for AWS: longer each time, not at the same moment as others, and not for ever.

use std::time::Duration;

use tokio::time::Instant;

use crate::aws::{Aws, AwsError};

/// The first pause; it doubles up to the longest one.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// How long a new role may take until every service knows it. IAM promises no time ("Changes that I make are not always immediately
/// visible" in the IAM user guide); it is seconds, and Terraform's provider waits as long as this.
const UNTIL_A_ROLE_IS_KNOWN: Duration = Duration::from_mins(2);

/// The pauses of somebody who waits.
pub(super) struct Waiting {
    pause: Duration,
    until: Instant,
}

impl Waiting {
    /// For so long at most.
    pub(super) fn up_to(limit: Duration) -> Self {
        Self { pause: FIRST_PAUSE, until: Instant::now() + limit }
    }

    /// Waits a while. Not where the time is over or the run was stopped: then it says `false`.
    pub(super) async fn pause(&mut self, aws: &Aws) -> bool {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() || aws.stop().is_cancelled() {
            return false;
        }
        let pause = self.pause.mul_f64(0.5 + fastrand::f64() / 2.0).min(left);
        self.pause = self.pause.saturating_mul(2).min(LONGEST_PAUSE);
        tokio::select! {
            () = aws.stop().cancelled() => false,
            () = tokio::time::sleep(pause) => true,
        }
    }
}

/// Repeats a call that AWS refuses while it does not know a role yet, which may be because the role was made a moment ago. `told` hears once
/// that it is waited for.
///
/// # Errors
/// Any other failure, and the refusal where it lasts, with `what` is to be looked at.
pub(super) async fn until_role_is_known<T, F>(
    aws: &Aws,
    is_refused: fn(&AwsError) -> bool,
    told: &(dyn Fn(&str) + Sync),
    what: &str,
    call: impl Fn() -> F,
) -> Result<T, AwsError>
where
    F: Future<Output = Result<T, AwsError>>,
{
    let mut waiting = Waiting::up_to(UNTIL_A_ROLE_IS_KNOWN);
    let mut waited = false;
    loop {
        let error = match call().await {
            Err(error) if is_refused(&error) => error,
            result => return result,
        };
        if !waited {
            told("waiting until AWS knows the role everywhere");
            waited = true;
        }
        if waiting.pause(aws).await {
            continue;
        }
        if aws.stop().is_cancelled() {
            return Err(AwsError::stopped(error.operation, &error.scope));
        }
        let seconds = UNTIL_A_ROLE_IS_KNOWN.as_secs();
        let message = format!(
            "{}; so it has been for {seconds} s, and a new role is known by then: {what}",
            error.message
        );
        return Err(AwsError { message, ..error });
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use super::*;
    use crate::aws::Operation;
    use crate::model::Scope;

    fn refused() -> AwsError {
        let scope = Scope::new("111122223333", "us-east-1");
        let message = "The role defined for the function cannot be assumed by Lambda.".to_owned();
        AwsError::of_entry(Operation::CREATE_FUNCTION, &scope, "InvalidParameterValueException", message)
    }

    fn is_refused(error: &AwsError) -> bool {
        error.message.starts_with("The role")
    }

    async fn try_until(aws: &Aws, successful: u32) -> (Result<(), AwsError>, u32, Vec<String>) {
        let (tries, told) = (Cell::new(0), Mutex::new(Vec::new()));
        let tell = |what: &str| told.lock().unwrap().push(what.to_owned());
        let result = until_role_is_known(aws, is_refused, &tell, "look at it", || {
            tries.set(tries.get() + 1);
            std::future::ready(if tries.get() < successful { Err(refused()) } else { Ok(()) })
        });
        (result.await, tries.get(), told.into_inner().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_role_is_waited_for() {
        let aws = Aws::new(BTreeMap::new(), BTreeMap::new());
        let (result, tries, told) = try_until(&aws, 5).await;
        assert!(result.is_ok());
        assert_eq!((tries, told.len()), (5, 1));
        let (result, tries, told) = try_until(&aws, 1).await;
        assert!(result.is_ok());
        assert_eq!((tries, told.len()), (1, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_wrong_role_is_not_waited_for_for_ever() {
        let aws = Aws::new(BTreeMap::new(), BTreeMap::new());
        let start = Instant::now();
        let (result, tries, _) = try_until(&aws, u32::MAX).await;
        let error = result.unwrap_err();
        assert!(error.message.contains("for 120 s") && error.message.ends_with("look at it"), "{error}");
        assert!(start.elapsed() >= UNTIL_A_ROLE_IS_KNOWN && tries < 40, "{tries}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_stopped_run_waits_no_longer() {
        let aws = Aws::new(BTreeMap::new(), BTreeMap::new());
        aws.stop().cancel();
        let (result, tries, _) = try_until(&aws, 5).await;
        assert_eq!((result.unwrap_err().code.as_str(), tries), ("stopped", 1));
    }
}
