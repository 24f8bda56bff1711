//! Calls about many resources that one of them can make fail.

use std::collections::VecDeque;
use std::future::Future;
use std::ops::Range;

use crate::aws::{AwsError, ErrorClass};

/// So many resources of a denied call are tried alone, the first to the last: a policy may deny single resources, or the operation.
const PROBES: usize = 3;

/// Codes of failures that are about single resources, besides those with a class of their own ("Error codes for the Amazon
/// EC2 API").
const OF_ONE: [&str; 5] = [
    "TagLimitExceeded",
    "IncorrectInstanceState",
    "IncorrectState",
    "UnsupportedOperation",
    "OperationNotPermitted",
];

/// One call for all. Where that fails, the ids are halved until only those fail that AWS refuses; one result for each, in
/// order.
pub(super) async fn in_halves<F>(ids: &[&str], call: impl Fn(Vec<String>) -> F) -> Vec<Result<(), AwsError>>
where
    F: Future<Output = Result<(), AwsError>>,
{
    let send = |range: &Range<usize>| call(ids[range.clone()].iter().map(|&id| id.to_owned()).collect());
    let mut results: Vec<Result<(), AwsError>> = ids.iter().map(|_| Ok(())).collect();
    let whole = 0..ids.len();
    let mut open = VecDeque::new();
    if let (false, Err(error)) = (ids.is_empty(), send(&whole).await) {
        open.push_back((whole, error));
    }
    if let Some((_, error)) = open.front()
        && error.class == ErrorClass::Denied
        && ids.len() > PROBES
    {
        let mut denied = true;
        for probe in 0..PROBES {
            let index = probe * (ids.len() - 1) / (PROBES - 1);
            let alone = send(&(index..index + 1)).await;
            denied = alone.is_err_and(|error| error.class == ErrorClass::Denied);
            if !denied {
                break;
            }
        }
        if denied {
            let error = error.clone();
            results.fill_with(|| Err(error.clone()));
            return results;
        }
    }
    while let Some((range, error)) = open.pop_front() {
        if range.len() < 2 || !may_be_of_one(&error) {
            results[range].fill(Err(error));
            continue;
        }
        let middle = range.start + range.len() / 2;
        let mut failed = Vec::new();
        for half in [range.start..middle, middle..range.end] {
            match send(&half).await {
                Ok(()) => {}
                Err(error) => failed.push((half, error)),
            }
        }
        match &failed[..] {
            [(_, front), (_, back)] if front.code == back.code && !is_of_one(front) => {
                for (half, error) in failed {
                    results[half].fill(Err(error));
                }
            }
            _ => open.extend(failed),
        }
    }
    results
}

/// Whether one resource may be the reason.
fn may_be_of_one(error: &AwsError) -> bool {
    is_of_one(error) || error.class == ErrorClass::Other
}

/// Whether the failure is one of single resources, so that several of them may have it.
fn is_of_one(error: &AwsError) -> bool {
    matches!(error.class, ErrorClass::NotFound | ErrorClass::Denied | ErrorClass::Conflict)
        || OF_ONE.contains(&&*error.code)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::aws::Operation;
    use crate::model::Scope;

    fn error(class: ErrorClass, code: &str) -> AwsError {
        let scope = Scope::new("111122223333", "us-east-1");
        AwsError { class, code: code.to_owned(), ..AwsError::stopped(Operation::CREATE_TAGS, &scope) }
    }

    /// How many of a hundred fail, and with how many calls, where these make a call fail.
    async fn outcome(class: ErrorClass, code: &str, bad: impl Fn(usize) -> bool) -> (usize, usize) {
        let names: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        let ids: Vec<&str> = names.iter().map(String::as_str).collect();
        let calls = Cell::new(0);
        let call = async |ids: Vec<String>| {
            calls.set(calls.get() + 1);
            let fails = ids.iter().any(|id| bad(id.parse().unwrap()));
            if fails { Err(error(class, code)) } else { Ok(()) }
        };
        let results = in_halves(&ids, call).await;
        assert_eq!(results.len(), 100);
        (results.iter().filter(|result| result.is_err()).count(), calls.get())
    }

    #[tokio::test]
    async fn only_those_fail_that_are_refused() {
        for (class, code) in [
            (ErrorClass::NotFound, "InvalidInstanceID.NotFound"),
            (ErrorClass::Denied, "UnauthorizedOperation"),
            (ErrorClass::Other, "OperationNotPermitted"),
        ] {
            let (failed, calls) = outcome(class, code, |id| id == 7 || id == 80).await;
            assert_eq!(failed, 2, "{code}");
            assert!(calls <= 30, "{code}: {calls}");
        }
        assert_eq!(outcome(ErrorClass::Other, "InvalidParameterValue", |id| id == 7).await.0, 1);
    }

    #[tokio::test]
    async fn what_all_share_is_found_out_with_a_few_calls() {
        assert_eq!(outcome(ErrorClass::Other, "InvalidParameterValue", |_| true).await, (100, 3));
        assert_eq!(outcome(ErrorClass::Throttled, "RequestLimitExceeded", |_| true).await, (100, 1));
        assert_eq!(outcome(ErrorClass::Denied, "UnauthorizedOperation", |_| true).await, (100, 4));
    }
}
