//! Changing functions: the configuration first, then the code, each when Lambda is done with what was before.

use aws_sdk_lambda::types::Runtime;

use super::code::{Code, code};
use super::convert::{Parts, architectures, parts};
use super::write::{Subject, wait, when_free};
use crate::aws::{AwsError, Operation};
use crate::resources::lambda_function::LambdaFunction;

/// Sends what differs; everything where what was there could not be read.
pub(super) async fn update(subject: &Subject<'_>, before: Option<&LambdaFunction>) -> Result<(), AwsError> {
    let wanted = &subject.wanted;
    // What Lambda could not do is sent again.
    let before = before.filter(|before| before.broken.is_none());
    if before.is_none_or(|before| configuration(before) != configuration(wanted)) {
        update_configuration(subject).await?;
        wait(subject, Operation::UPDATE_FUNCTION_CONFIGURATION).await?;
    }
    let code = |one: &LambdaFunction| (one.code_sha256.clone(), one.architecture);
    if before.is_none_or(|before| code(before) != code(wanted)) {
        update_code(subject).await?;
        wait(subject, Operation::UPDATE_FUNCTION_CODE).await?;
    }
    Ok(())
}

/// The function with nothing that `UpdateFunctionConfiguration` does not send.
fn configuration(function: &LambdaFunction) -> LambdaFunction {
    LambdaFunction {
        runtime: function.runtime.clone(),
        handler: function.handler.clone(),
        memory_mb: function.memory_mb,
        timeout_seconds: function.timeout_seconds,
        environment: function.environment.clone(),
        description: function.description.clone(),
        dead_letter_arn: function.dead_letter_arn.clone(),
        ephemeral_mb: function.ephemeral_mb,
        ..LambdaFunction::new(&function.role_arn, "", "")
    }
}

async fn update_configuration(subject: &Subject<'_>) -> Result<(), AwsError> {
    let (aws, scope, wanted) = (subject.aws(), subject.scope(), &subject.wanted);
    let clients = aws.clients(scope);
    let Parts { environment, dead_letters, storage, memory, timeout } =
        parts(wanted).map_err(|why| subject.unfit(why))?;
    let send = || {
        aws.call(scope, Operation::UPDATE_FUNCTION_CONFIGURATION, || {
            let request = clients.lambda.update_function_configuration().function_name(subject.name());
            request
                .runtime(Runtime::from(&*wanted.runtime))
                .handler(&wanted.handler)
                .role(&wanted.role_arn)
                .memory_size(memory)
                .timeout(timeout)
                .description(wanted.description.clone().unwrap_or_default())
                .environment(environment.clone())
                .dead_letter_config(dead_letters.clone())
                .ephemeral_storage(storage.clone())
                .send()
        })
    };
    subject.until_its_role_is_known(|| when_free(subject, send)).await.map(drop)
}

async fn update_code(subject: &Subject<'_>) -> Result<(), AwsError> {
    let (aws, scope, wanted) = (subject.aws(), subject.scope(), &subject.wanted);
    let clients = aws.clients(scope);
    let source = code(Operation::UPDATE_FUNCTION_CODE, scope, wanted)?;
    let changed = when_free(subject, || {
        aws.call(scope, Operation::UPDATE_FUNCTION_CODE, || {
            let request = clients.lambda.update_function_code().function_name(subject.name());
            let request = match source.clone() {
                Code::Zip(zip) => request.zip_file(zip),
                Code::Object { bucket, key } => request.s3_bucket(bucket).s3_key(key),
            };
            request.set_architectures(Some(architectures(wanted))).send()
        })
    });
    let changed = changed.await?;
    subject.check_package(Operation::UPDATE_FUNCTION_CODE, changed.code_sha256())
}
