//! What AWS answered when it did not do what was asked.

use std::error::Error as StdError;
use std::fmt::{self, Write};

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;

use super::Operation;
use crate::model::Scope;

/// What kind of failure it is. Decided once, here, from AWS's error codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorClass {
    /// The object is not there.
    NotFound,
    /// Too many calls; worth another try, later and slower.
    Throttled,
    /// The caller lacks an IAM permission.
    Denied,
    /// AWS does not accept the credentials: they are expired or wrong.
    Credentials,
    /// There are no credentials, or what is to give them fails.
    NoCredentials,
    /// Another request changes the same object right now; worth another try.
    Conflict,
    /// The network or AWS itself; worth another try.
    Transient,
    /// The user stopped the run before the call was sent.
    Stopped,
    /// Not sent, because the object is no longer what the plan was made for.
    Overtaken,
    /// A part of what was to be done is done, and the rest failed: the next plan shows what is missing.
    HalfDone,
    /// The call succeeded, and its answer does not say that the object was changed.
    Unconfirmed,
    /// Several calls in a row were not all made: a person has to look first.
    Halted,
    /// Several calls in a row were not all made, because nobody waited: the next run goes on.
    Unfinished,
    /// Everything else: trying again would not help.
    Other,
}

const LATE: &str = "late";

/// A call that failed for good: tries that were worth it have been made.
#[derive(Clone, Debug, thiserror::Error)]
pub struct AwsError {
    /// The operation.
    pub operation: &'static Operation,
    /// Account and region; empty account where it is not known yet.
    pub scope: Scope,
    /// What kind of failure.
    pub class: ErrorClass,
    /// AWS's error code, such as `AccessDenied`, or a word of ours for failures without an answer.
    pub code: String,
    /// AWS's message, or what the network said.
    pub message: String,
    /// What support asks for.
    pub request_id: Option<String>,
    /// Whether an earlier call for the same object was carried out: the next plan shows what is missing.
    pub half_done: bool,
}

impl fmt::Display for AwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.class == ErrorClass::NoCredentials {
            return write!(f, "no AWS credentials: {}", self.message);
        }
        if self.class == ErrorClass::Overtaken {
            return write!(f, "left alone in {}: {}", self.scope.region, self.message);
        }
        if matches!(self.class, ErrorClass::Halted | ErrorClass::Unfinished) {
            return write!(f, "in {}: {}", self.scope.region, self.message);
        }
        write!(f, "{} in {}: ", self.operation, self.scope.region)?;
        if self.class == ErrorClass::Credentials {
            write!(f, "AWS does not accept the credentials ({}): {}", self.code, self.message)?;
        } else if self.class == ErrorClass::Denied {
            write!(f, "not allowed ({}): {}", self.code, self.message)?;
        } else {
            write!(f, "{}: {}", self.code, self.message)?;
        }
        match &self.request_id {
            Some(id) => write!(f, " (request id {id})"),
            None => Ok(()),
        }
    }
}

impl AwsError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = self.hint_of_class();
        if self.half_done && !matches!(self.class, ErrorClass::HalfDone | ErrorClass::Halted) {
            return hint
                .map(|hint| format!("{hint}; then run the command again: it finishes what was begun"));
        }
        hint
    }

    fn hint_of_class(&self) -> Option<String> {
        match self.class {
            ErrorClass::Denied => Some(format!(
                "the caller needs the IAM action {} in account {}",
                self.denied_action(),
                if self.scope.account.is_empty() { "that the credentials are of" } else { &self.scope.account },
            )),
            ErrorClass::Credentials => Some(
                "renew them (for single sign-on: `aws sso login`), or choose others with --profile or AWS_PROFILE; \
                 `aws sts get-caller-identity` shows which are in use"
                    .to_owned(),
            ),
            ErrorClass::NoCredentials => Some(
                "log in (for single sign-on: `aws sso login`), set AWS_PROFILE or give --profile, or set AWS_ACCESS_KEY_ID \
                 and AWS_SECRET_ACCESS_KEY; `aws sts get-caller-identity` shows which are in use"
                    .to_owned(),
            ),
            ErrorClass::Throttled => Some(format!(
                "other tools use the same quota of {} calls; try again later, or lower it in the manifest: \
                 [aws.rates] {} = 1",
                self.operation, self.operation.name
            )),
            ErrorClass::Halted => {
                Some("put right what it says, then run the command again: it goes on from there".to_owned())
            }
            ErrorClass::Overtaken => Some("run the command again to see it in the plan as it is now".to_owned()),
            ErrorClass::HalfDone => Some("run the command again: it finishes what was begun".to_owned()),
            ErrorClass::Unconfirmed => Some("run the command again to see what became of it".to_owned()),
            ErrorClass::Transient if self.request_id.is_some() => {
                Some("AWS failed by itself; run the command again".to_owned())
            }
            ErrorClass::Transient => {
                Some("AWS could not be reached: check the network, the region's name and --endpoint-url".to_owned())
            }
            _ if self.code == "OperationNotPermitted" && self.message.contains("disableApiStop") => Some(
                "it is protected from stops: leave it out with --exclude, or switch the protection off on AWS".to_owned(),
            ),
            _ => None,
        }
    }

    /// The action that is missing. A call that hands a role to a service needs `iam:PassRole` besides its own, and is denied with
    /// the same code, so that the message alone tells which of the two it is.
    fn denied_action(&self) -> &str {
        const PASS_ROLE: &str = "iam:PassRole";
        if self.message.contains(PASS_ROLE) { PASS_ROLE } else { self.operation.iam_action }
    }

    /// Whether the same call will fail in the same way until somebody mends something.
    pub fn lasts(&self) -> bool {
        // What is protected from stops, and what cannot be stopped at all ("Error codes for the Amazon EC2 API").
        let refused =
            ["OperationNotPermitted", "UnsupportedOperation", "UnsupportedHibernationConfiguration"];
        matches!(self.class, ErrorClass::Denied | ErrorClass::Credentials | ErrorClass::NoCredentials)
            || refused.contains(&&*self.code)
    }

    /// Whether AWS surely did not do what it was asked.
    pub fn is_refusal(&self) -> bool {
        !self.half_done
            && matches!(
                self.class,
                ErrorClass::Denied
                    | ErrorClass::Credentials
                    | ErrorClass::NoCredentials
                    | ErrorClass::Stopped
                    | ErrorClass::Overtaken
                    | ErrorClass::Other
            )
    }

    /// Whether another try may succeed.
    pub fn is_worth_another_try(&self) -> bool {
        matches!(self.class, ErrorClass::Throttled | ErrorClass::Conflict | ErrorClass::Transient)
    }

    /// What kept a credentials provider from giving credentials: a role that may not be assumed, or nothing found.
    pub(super) fn from_credentials(error: &CredentialsError, scope: &Scope, whose: &str) -> Self {
        let refused = find_source::<AssumeRoleError>(error);
        let (operation, code, message) = match refused {
            Some(refused) => {
                let code = refused.code().unwrap_or("no error code").to_owned();
                (Operation::ASSUME_ROLE, code, refused.message().unwrap_or("no message").to_owned())
            }
            None => {
                (Operation::GET_CALLER_IDENTITY, "no credentials".to_owned(), credentials_in_words(error))
            }
        };
        let class = if refused.is_some() { classify(&code, &message, 0) } else { ErrorClass::NoCredentials };
        let message = format!("{whose}{message}");
        Self { operation, scope: scope.clone(), class, code, message, request_id: None, half_done: false }
    }

    /// A call that was not sent, because the run was stopped or the call had no hope.
    pub fn stopped(operation: &'static Operation, scope: &Scope) -> Self {
        Self {
            operation,
            scope: scope.clone(),
            class: ErrorClass::Stopped,
            code: "stopped".to_owned(),
            message: "not sent, because the run was stopped".to_owned(),
            request_id: None,
            half_done: false,
        }
    }

    /// A call that was not sent, because what it is to send is no valid request.
    pub fn unfit(operation: &'static Operation, scope: &Scope, code: &str, why: String) -> Self {
        Self {
            operation,
            scope: scope.clone(),
            class: ErrorClass::Other,
            code: code.to_owned(),
            message: why,
            request_id: None,
            half_done: false,
        }
    }

    /// What AWS said of one of the things in a call that it carried out otherwise.
    pub fn of_entry(operation: &'static Operation, scope: &Scope, code: &str, message: String) -> Self {
        Self { class: classify(code, &message, 0), ..Self::unfit(operation, scope, code, message) }
    }

    /// The failure of a later call, where an earlier one for the same object was carried out. What all other calls would share
    /// stays visible as what it is.
    #[must_use]
    pub fn half_done(self, what: &str) -> Self {
        if matches!(self.class, ErrorClass::Denied | ErrorClass::Credentials | ErrorClass::NoCredentials) {
            return Self { message: format!("{}; {what}", self.message), half_done: true, ..self };
        }
        let hint = self.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
        let message = format!("{}{hint}; {what}", self.message);
        Self { class: ErrorClass::HalfDone, message, half_done: true, ..self }
    }

    /// A call that was not sent, because the object is no longer what the plan was made for.
    pub fn overtaken(operation: &'static Operation, scope: &Scope, why: impl Into<String>) -> Self {
        Self {
            operation,
            scope: scope.clone(),
            class: ErrorClass::Overtaken,
            code: "left alone".to_owned(),
            message: why.into(),
            request_id: None,
            half_done: false,
        }
    }

    /// A call that succeeded, although its answer does not say of one of the objects that it was done.
    pub fn unconfirmed(operation: &'static Operation, scope: &Scope, why: impl Into<String>) -> Self {
        Self {
            operation,
            scope: scope.clone(),
            class: ErrorClass::Unconfirmed,
            code: "not confirmed".to_owned(),
            message: why.into(),
            request_id: None,
            half_done: false,
        }
    }

    /// A call that was not sent, because what it was decided by had been seen too long ago.
    pub fn late(operation: &'static Operation, scope: &Scope) -> Self {
        let why = "not sent, because what was seen before is too old by now";
        Self { code: LATE.to_owned(), ..Self::overtaken(operation, scope, why) }
    }

    /// Whether a call was not sent because of its deadline.
    pub fn is_late(&self) -> bool {
        self.code == LATE
    }

    /// Calls that were not all made, because a person has to look first.
    pub fn halted(operation: &'static Operation, scope: &Scope, why: impl Into<String>) -> Self {
        let class = ErrorClass::Halted;
        Self { class, code: "halted".to_owned(), ..Self::overtaken(operation, scope, why) }
    }

    /// Calls that were not all made, because nobody waited for AWS.
    pub fn unfinished(operation: &'static Operation, scope: &Scope, what: impl Into<String>) -> Self {
        let class = ErrorClass::Unfinished;
        Self { class, code: "unfinished".to_owned(), ..Self::overtaken(operation, scope, what) }
    }

    /// Reads an SDK error.
    pub(super) fn from_sdk<E>(
        operation: &'static Operation,
        scope: &Scope,
        error: &SdkError<E, HttpResponse>,
    ) -> Self
    where
        E: StdError + ProvideErrorMetadata + 'static,
    {
        let scope = scope.clone();
        if let SdkError::ServiceError(_) = error {
            let status = error.raw_response().map_or(0, |response| response.status().as_u16());
            let code = error.code().map_or_else(|| format!("HTTP {status}"), str::to_owned);
            let mut message = error.message().map_or("an answer that is not AWS's", str::trim).to_owned();
            // "Error responses" of the S3 API: a bucket in another region is told with this header.
            let there =
                error.raw_response().and_then(|response| response.headers().get("x-amz-bucket-region"));
            if let Some(region) = there.filter(|region| **region != *scope.region) {
                let _ = write!(message, " The bucket is in {region}.");
            }
            return Self {
                operation,
                scope,
                class: classify(&code, &message, status),
                code,
                message,
                request_id: error.request_id().map(str::to_owned),
                half_done: false,
            };
        }
        let (class, code, message) = describe_unanswered(error);
        Self { operation, scope, class, code, message, request_id: None, half_done: false }
    }
}

/// The class of a failure that came without a proper answer, a word for it, and what is known.
fn describe_unanswered<E>(error: &SdkError<E, HttpResponse>) -> (ErrorClass, String, String)
where
    E: StdError + ProvideErrorMetadata + 'static,
{
    if let Some(credentials) = find_source::<CredentialsError>(error) {
        return (ErrorClass::NoCredentials, "no credentials".to_owned(), credentials_in_words(credentials));
    }
    match error {
        SdkError::TimeoutError(_) => {
            (ErrorClass::Transient, "timeout".to_owned(), "no answer in time".to_owned())
        }
        SdkError::DispatchFailure(_) => (ErrorClass::Transient, "no connection".to_owned(), innermost(error)),
        SdkError::ResponseError(_) => {
            let status = error.raw_response().map_or(0, |response| response.status().as_u16());
            // A gateway's error page is no AWS error document; a good status with a body that cannot be read is a
            // connection that broke while the answer came.
            let class = if (400..500).contains(&status) { ErrorClass::Other } else { ErrorClass::Transient };
            (class, format!("unreadable answer, HTTP {status}"), innermost(error))
        }
        _ => (ErrorClass::Other, "request not sent".to_owned(), innermost(error)),
    }
}

/// What is wrong with the credentials, from the innermost cause, where the useful words are.
fn credentials_in_words(error: &CredentialsError) -> String {
    match error {
        CredentialsError::CredentialsNotLoaded(_) => {
            "found none in the environment, the shared configuration files, the container or the instance"
                .to_owned()
        }
        CredentialsError::ProviderTimedOut(_) => "the credentials provider did not answer in time".to_owned(),
        other => innermost(other),
    }
}

fn find_source<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut current = Some(error);
    while let Some(error) = current {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        current = error.source();
    }
    None
}

fn innermost(error: &dyn StdError) -> String {
    let mut current = error;
    while let Some(source) = current.source() {
        current = source;
    }
    current.to_string()
}

/// CloudWatch gives two puts of one alarm at the same time no code of its own, only this message.
const ALARM_BUSY: &str = "A separate request to update this alarm is in progress";

/// Lambda gives a function that it is at work on and a name that is taken one code.
const FUNCTION_BUSY: &str = "The operation cannot be performed at this time";

fn classify(code: &str, message: &str, status: u16) -> ErrorClass {
    match code {
        // "Common errors" and "Error codes for the Amazon EC2 API"; the SDK's own list of throttling codes.
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "RequestLimitExceeded"
        | "TooManyRequestsException"
        | "BandwidthLimitExceeded"
        | "PriorRequestNotComplete"
        // One snapshot of a volume in 15 seconds ("Amazon EBS endpoints and quotas" in the AWS General Reference).
        | "SnapshotCreationPerVolumeRateExceeded"
        | "SlowDown"
        | "EC2ThrottledException" => ErrorClass::Throttled,
        "AccessDenied"
        | "AccessDeniedException"
        | "UnauthorizedOperation"
        | "NotAuthorized"
        | "OptInRequired" => ErrorClass::Denied,
        "ExpiredToken"
        | "ExpiredTokenException"
        | "RequestExpired"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "AuthFailure"
        | "SignatureDoesNotMatch"
        | "InvalidAccessKeyId"
        | "IncompleteSignature"
        | "InvalidSignatureException"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException" => ErrorClass::Credentials,
        "ConcurrentModificationException"
        | "ConcurrentModification"
        | "ConflictException"
        // "Error responses" of the S3 API: another request works on the same object.
        | "ConditionalRequestConflict"
        | "OperationAborted"
        // CloudWatch Logs', IAM's.
        | "OperationAbortedException"
        | "EntityTemporarilyUnmodifiable" => ErrorClass::Conflict,
        "ResourceConflictException" if message.starts_with(FUNCTION_BUSY) => ErrorClass::Conflict,
        "NoSuchKey" | "NoSuchBucket" | "NoSuchEntity" => ErrorClass::NotFound,
        "ValidationError" if message.contains(ALARM_BUSY) => ErrorClass::Conflict,
        "RequestTimeout"
        | "RequestTimeoutException"
        | "InternalFailure"
        | "InternalError"
        // EventBridge's, also of single targets.
        | "InternalException"
        | "InternalServiceFault"
        | "InternalServiceError"
        | "ServiceUnavailable"
        | "Unavailable" => ErrorClass::Transient,
        _ if code.contains("NotFound") => ErrorClass::NotFound,
        // A good status with an answer that cannot be read: it was damaged on its way.
        _ if (200..300).contains(&status) => ErrorClass::Transient,
        _ if status == 429 => ErrorClass::Throttled,
        _ if status >= 500 => ErrorClass::Transient,
        _ => ErrorClass::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_decide_the_class() {
        for (code, status, class) in [
            ("Throttling", 400, ErrorClass::Throttled),
            ("RequestLimitExceeded", 503, ErrorClass::Throttled),
            ("UnauthorizedOperation", 403, ErrorClass::Denied),
            ("AccessDenied", 403, ErrorClass::Denied),
            ("ExpiredToken", 400, ErrorClass::Credentials),
            ("InvalidClientTokenId", 403, ErrorClass::Credentials),
            ("ResourceNotFound", 400, ErrorClass::NotFound),
            ("InvalidInstanceID.NotFound", 400, ErrorClass::NotFound),
            ("InternalFailure", 500, ErrorClass::Transient),
            ("InternalException", 0, ErrorClass::Transient),
            ("no error code", 502, ErrorClass::Transient),
            ("ConditionalRequestConflict", 409, ErrorClass::Conflict),
            ("OperationAborted", 409, ErrorClass::Conflict),
            ("NoSuchEntity", 404, ErrorClass::NotFound),
            ("EntityAlreadyExists", 409, ErrorClass::Other),
            ("LimitExceeded", 400, ErrorClass::Other),
            ("ValidationError", 400, ErrorClass::Other),
        ] {
            assert_eq!(classify(code, "", status), class, "{code}");
        }
        assert_eq!(
            classify("ValidationError", "A separate request to update this alarm is in progress.", 400),
            ErrorClass::Conflict
        );
    }

    #[test]
    fn a_busy_function_is_not_one_that_exists() {
        let of = |message: &str| classify("ResourceConflictException", message, 409);
        let busy =
            "The operation cannot be performed at this time. An update is in progress for resource: arn:x";
        assert_eq!((of(busy), of("Function already exist: f")), (ErrorClass::Conflict, ErrorClass::Other));
    }

    #[test]
    fn what_is_half_done_stays_what_it_is() {
        let of = |code: &str| {
            let scope = Scope::new("111122223333", "us-east-1");
            AwsError::of_entry(Operation::PUT_TARGETS, &scope, code, "no".to_owned())
                .half_done("the rule is there")
        };
        let denied = of("AccessDeniedException");
        assert_eq!((denied.class, denied.is_refusal()), (ErrorClass::Denied, false));
        let hint = "the caller needs the IAM action events:PutTargets in account 111122223333; then run the command again: \
                    it finishes what was begun";
        assert_eq!(denied.hint().as_deref(), Some(hint));
        assert_eq!(of("ExpiredToken").class, ErrorClass::Credentials);
        let other = of("LimitExceeded");
        assert_eq!((other.class, other.is_refusal()), (ErrorClass::HalfDone, false));
        assert_eq!(other.hint().as_deref(), Some("run the command again: it finishes what was begun"));
    }
}
