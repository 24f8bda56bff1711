//! Writing functions: the function first, with our tags, then what other calls set, so that whatever fails half-way leaves a function of
//! ours that differs from the plan, which the next plan shows and finishes.

use super::convert::{destinations, failure, signed};
use super::create::create;
use super::read::settled;
use super::update::update;
use crate::aws::{Aws, AwsError, ErrorClass, LABEL_TAG, Operation, PROJECT_TAG};
use crate::model::{Address, Fields, Scope};
use crate::plan::{Change, Verb};
use crate::resources::lambda_function::{LambdaFunction, function_arn};
use crate::resources::{Course, Step};

/// How often a call is sent again after Lambda was found at work on the function by somebody else's.
const TRIES_WHEN_BUSY: u32 = 5;

/// One function that is written.
pub(super) struct Subject<'a> {
    pub(super) course: &'a Course<'a>,
    pub(super) address: &'a Address,
    pub(super) label: &'a str,
    pub(super) wanted: LambdaFunction,
}

impl Subject<'_> {
    pub(super) fn aws(&self) -> &Aws {
        self.course.aws
    }

    pub(super) fn scope(&self) -> &Scope {
        &self.address.scope
    }

    pub(super) fn name(&self) -> &str {
        &self.address.key
    }

    /// The tags that say whose it is.
    pub(super) fn tags(&self) -> [(&'static str, &str); 2] {
        [(PROJECT_TAG, self.course.project), (LABEL_TAG, self.label)]
    }

    pub(super) fn unfit(&self, why: String) -> AwsError {
        AwsError::unfit(Operation::CREATE_FUNCTION, self.scope(), "not a function", why)
    }
}

/// Carries out a batch; one result for each step, in order.
pub(super) async fn carry_out(course: &Course<'_>, batch: &[Step]) -> Vec<Result<(), AwsError>> {
    let mut results = Vec::with_capacity(batch.len());
    for step in batch {
        let address = step.address();
        results.push(match step {
            Step::Write(change) => write(course, change).await,
            Step::Remove(_) => remove(course.aws, &address.scope, &address.key).await,
        });
    }
    results
}

async fn write(course: &Course<'_>, change: &Change) -> Result<(), AwsError> {
    let (address, label) = (&change.address, &*change.origin.label);
    let spec = |fields: Option<&Fields>| LambdaFunction::from_fields(fields.unwrap_or(&Fields::new()));
    let wanted = spec(change.after.as_ref()).map_err(|error| {
        let why = format!("the plan's fields do not make a function: {error}");
        AwsError::unfit(Operation::CREATE_FUNCTION, &address.scope, "not a function", why)
    })?;
    let subject = Subject { course, address, label, wanted };
    let known = matches!(change.verb, Verb::Update | Verb::Adopt);
    // A function is claimed before it is changed: if the next call fails, it is ours as it was, not theirs changed.
    let is_there = known && claim(&subject).await?;
    let before = change.before.as_ref().filter(|_| is_there).and_then(|fields| spec(Some(fields)).ok());
    let half_done = |error: AwsError| error.half_done("the function is there, and not as planned");
    if is_there {
        update(&subject, before.as_ref()).await.map_err(half_done)?;
    } else {
        create(&subject).await?;
        wait(&subject, Operation::CREATE_FUNCTION).await.map_err(half_done)?;
    }
    set_concurrency(&subject, before.as_ref()).await.map_err(half_done)?;
    set_calls(&subject, before.as_ref()).await.map_err(half_done)
}

/// Gives a function that exists its tags; whether it still does.
async fn claim(subject: &Subject<'_>) -> Result<bool, AwsError> {
    let (aws, scope) = (subject.aws(), subject.scope());
    let clients = aws.clients(scope);
    let arn = function_arn(scope, subject.name());
    let result = when_free(subject, || {
        aws.call(scope, Operation::TAG_FUNCTION, || {
            let [project, label] = subject.tags();
            let request = clients.lambda.tag_resource().resource(&arn);
            request.tags(project.0, project.1).tags(label.0, label.1).send()
        })
    });
    match result.await {
        Err(error) if error.class == ErrorClass::NotFound => Ok(false),
        result => result.map(|_| true),
    }
}

/// Waits until Lambda is done with what this operation began, and says what went wrong, if so.
pub(super) async fn wait(subject: &Subject<'_>, operation: &'static Operation) -> Result<(), AwsError> {
    let (aws, scope, name) = (subject.aws(), subject.scope(), subject.name());
    let Some(live) = settled(aws, scope, name).await? else {
        return Err(AwsError::unconfirmed(operation, scope, format!("{name} is gone by now")));
    };
    match failure(&live) {
        Some(why) => Err(AwsError::unfit(operation, scope, "failed", why)),
        None => Ok(()),
    }
}

/// Sends a call when Lambda takes it: while it is at work on the function, because of what somebody else sent, it takes none.
pub(super) async fn when_free<T, F>(subject: &Subject<'_>, call: impl Fn() -> F) -> Result<T, AwsError>
where
    F: Future<Output = Result<T, AwsError>>,
{
    when_done(subject.aws(), subject.scope(), subject.name(), call).await
}

/// See [`when_free`].
async fn when_done<T, F>(aws: &Aws, scope: &Scope, name: &str, call: impl Fn() -> F) -> Result<T, AwsError>
where
    F: Future<Output = Result<T, AwsError>>,
{
    let mut tries = 1;
    loop {
        match call().await {
            Err(error) if error.class == ErrorClass::Conflict && tries < TRIES_WHEN_BUSY => {
                tries += 1;
                settled(aws, scope, name).await?;
            }
            result => return result,
        }
    }
}

async fn set_concurrency(subject: &Subject<'_>, before: Option<&LambdaFunction>) -> Result<(), AwsError> {
    let wanted = subject.wanted.reserved_concurrency;
    if before.and_then(|before| before.reserved_concurrency) == wanted {
        return Ok(());
    }
    let (aws, scope, name) = (subject.aws(), subject.scope(), subject.name());
    let clients = aws.clients(scope);
    let Some(wanted) = wanted else {
        return when_free(subject, || {
            aws.call(scope, Operation::DELETE_FUNCTION_CONCURRENCY, || {
                clients.lambda.delete_function_concurrency().function_name(name).send()
            })
        })
        .await
        .map(drop);
    };
    when_free(subject, || {
        aws.call(scope, Operation::PUT_FUNCTION_CONCURRENCY, || {
            let request = clients.lambda.put_function_concurrency().function_name(name);
            request.reserved_concurrent_executions(signed(wanted)).send()
        })
    })
    .await
    .map(drop)
}

async fn set_calls(subject: &Subject<'_>, before: Option<&LambdaFunction>) -> Result<(), AwsError> {
    let of = |one: &LambdaFunction| (one.async_retries, one.async_max_age, one.on_failure_arn.clone());
    let wanted = &subject.wanted;
    let is_as_wanted = before.map_or(wanted.has_default_calls(), |before| of(before) == of(wanted));
    if is_as_wanted {
        return Ok(());
    }
    let (aws, scope, name) = (subject.aws(), subject.scope(), subject.name());
    let clients = aws.clients(scope);
    if wanted.has_default_calls() {
        let ask = || clients.lambda.delete_function_event_invoke_config().function_name(name).send();
        return match aws.call(scope, Operation::DELETE_EVENT_INVOKE_CONFIG, ask).await {
            Err(error) if error.class == ErrorClass::NotFound => Ok(()),
            result => result.map(drop),
        };
    }
    subject
        .until_its_role_is_known(|| {
            aws.call(scope, Operation::PUT_EVENT_INVOKE_CONFIG, || {
                let request = clients.lambda.put_function_event_invoke_config().function_name(name);
                request
                    .maximum_retry_attempts(signed(wanted.async_retries))
                    .maximum_event_age_in_seconds(signed(wanted.async_max_age))
                    .destination_config(destinations(wanted))
                    .send()
            })
        })
        .await
        .map(drop)
}

async fn remove(aws: &Aws, scope: &Scope, name: &str) -> Result<(), AwsError> {
    let clients = aws.clients(scope);
    let result = when_done(aws, scope, name, || {
        aws.call(scope, Operation::DELETE_FUNCTION, || {
            clients.lambda.delete_function().function_name(name).send()
        })
    });
    match result.await {
        Err(error) if error.class == ErrorClass::NotFound => Ok(()),
        result => result.map(drop),
    }
}
