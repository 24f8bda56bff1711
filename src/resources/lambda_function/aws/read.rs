//! Reading functions: one call tells the function with its tags and its concurrency, another one what is said of its asynchronous
//! calls.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_lambda::operation::get_function::GetFunctionOutput;
use aws_sdk_lambda::operation::get_function_event_invoke_config::GetFunctionEventInvokeConfigOutput;
use aws_sdk_lambda::types::FunctionConfiguration;
use futures::future::try_join_all;

use super::convert::{Live, from_live, is_busy, number};
use crate::aws::{Aws, AwsError, ErrorClass, Operation, ownership_of_tags, tagged_of_type};
use crate::model::{Actual, Address, Fields, Ownership, Scope};
use crate::resources::lambda_function::{KIND, function_arn, function_of_arn};
use crate::resources::waiting::Waiting;
use crate::resources::{KeyRequest, ReadRequest, lambda_permission};

/// How long Lambda may be at work on a function: a zip takes it seconds.
const LONGEST_WORK: Duration = Duration::from_mins(5);

/// Reads the functions of these names.
pub(super) async fn read(
    aws: &Aws,
    scope: &Scope,
    request: &ReadRequest<'_>,
) -> Result<Vec<Actual>, AwsError> {
    let functions = request.keys.iter().map(|(&name, known)| async move {
        let Some((live, owner)) = get(aws, scope, name).await? else { return Ok(None) };
        Ok(Some(actual(scope, name, &live, owner, *known)))
    });
    Ok(try_join_all(functions).await?.into_iter().flatten().collect())
}

fn actual(scope: &Scope, name: &str, live: &Live, ownership: Ownership, known: KeyRequest<'_>) -> Actual {
    let (fields, inexpressible) = match from_live(live) {
        Ok(function) => (with_package(function.to_fields(), known), None),
        Err(what) => (Fields::from([("uses".to_owned(), what.clone().into())]), Some(what)),
    };
    Actual { address: Address::new(KIND, scope.clone(), name), fields, ownership, inexpressible }
}

/// Lambda does not tell where it got a package from. The same package is where the manifest says, any other where it was when it was last
/// written.
fn with_package(mut fields: Fields, known: KeyRequest<'_>) -> Fields {
    let is_same = |desired: &&Fields| desired.get("code_sha256") == fields.get("code_sha256");
    let from = known.desired.filter(is_same).or(known.last_written);
    if let Some(package) = from.and_then(|from| from.get("package")) {
        fields.insert("package".to_owned(), package.clone());
    }
    fields
}

/// All that makes a function, and its owner; `None` where there is none.
async fn get(aws: &Aws, scope: &Scope, name: &str) -> Result<Option<(Live, Ownership)>, AwsError> {
    let Some(answer) = function(aws, scope, name).await? else { return Ok(None) };
    let owner = owner_of(&answer, scope)?;
    let reserved = answer.concurrency.as_ref().and_then(|it| number(it.reserved_concurrent_executions()));
    let calls = calls(aws, scope, name).await?;
    let Some(configuration) = answer.configuration else { return Ok(None) };
    Ok(Some((Live { configuration, reserved, calls }, owner)))
}

/// A function; `None` where there is none.
pub(super) async fn function(
    aws: &Aws,
    scope: &Scope,
    name: &str,
) -> Result<Option<GetFunctionOutput>, AwsError> {
    let clients = aws.clients(scope);
    let ask = || clients.lambda.get_function().function_name(name).send();
    match aws.call(scope, Operation::GET_FUNCTION, ask).await {
        Err(error) if error.class == ErrorClass::NotFound => Ok(None),
        answer => answer.map(Some),
    }
}

/// The owner that a function's tags name. Lambda answers a function without its tags to whoever may not read them, which must not look like a
/// function that has none.
fn owner_of(answer: &GetFunctionOutput, scope: &Scope) -> Result<Ownership, AwsError> {
    if let Some(error) = answer.tags_error() {
        let (code, message) = (error.error_code(), error.message().to_owned());
        return Err(AwsError::of_entry(Operation::LIST_FUNCTION_TAGS, scope, code, message));
    }
    let tags = answer.tags().into_iter().flatten();
    Ok(ownership_of_tags(tags.map(|(key, value)| (key.as_str(), value.as_str()))))
}

async fn calls(
    aws: &Aws,
    scope: &Scope,
    name: &str,
) -> Result<Option<GetFunctionEventInvokeConfigOutput>, AwsError> {
    let clients = aws.clients(scope);
    let ask = || clients.lambda.get_function_event_invoke_config().function_name(name).send();
    match aws.call(scope, Operation::GET_EVENT_INVOKE_CONFIG, ask).await {
        Err(error) if error.class == ErrorClass::NotFound => Ok(None),
        answer => answer.map(Some),
    }
}

/// The owner of a function by its tags; `None` where there is no such function.
pub(in crate::resources) async fn owner(
    aws: &Aws,
    scope: &Scope,
    name: &str,
) -> Result<Option<Ownership>, AwsError> {
    let clients = aws.clients(scope);
    let arn = function_arn(scope, name);
    match aws
        .call(scope, Operation::LIST_FUNCTION_TAGS, || clients.lambda.list_tags().resource(&arn).send())
        .await
    {
        Err(error) if error.class == ErrorClass::NotFound => Ok(None),
        answer => {
            let tags = answer?.tags.unwrap_or_default();
            Ok(Some(ownership_of_tags(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())))))
        }
    }
}

pub(super) async fn owners(
    aws: &Aws,
    scope: &Scope,
    names: &[&str],
) -> Result<BTreeMap<String, Ownership>, AwsError> {
    let owners = names
        .iter()
        .map(|&name| async move { Ok(owner(aws, scope, name).await?.map(|owner| (name.to_owned(), owner))) });
    Ok(try_join_all(owners).await?.into_iter().flatten().collect())
}

/// The functions that bear the project's tag, and our statements in their policies.
pub(super) async fn find_owned(aws: &Aws, scope: &Scope, project: &str) -> Result<Vec<Actual>, AwsError> {
    let mut found = Vec::new();
    for (arn, _) in tagged_of_type(aws, scope, "lambda:function", Some(project)).await? {
        let Some(name) = function_of_arn(&arn) else { continue };
        // The index may show one that was deleted.
        let Some((live, owner)) = get(aws, scope, name).await? else { continue };
        found.extend(lambda_permission::ours_of(aws, scope, name, &owner).await?);
        found.push(actual(scope, name, &live, owner, KeyRequest::default()));
    }
    Ok(found)
}

/// Waits until Lambda is done with a function, and gives it; `None` where there is none.
///
/// # Errors
/// Where it is not done after [`LONGEST_WORK`], and where it cannot be asked.
pub(super) async fn settled(
    aws: &Aws,
    scope: &Scope,
    name: &str,
) -> Result<Option<FunctionConfiguration>, AwsError> {
    let mut waiting = Waiting::up_to(LONGEST_WORK);
    loop {
        let Some(live) = function(aws, scope, name).await?.and_then(|answer| answer.configuration) else {
            return Ok(None);
        };
        if !is_busy(&live) {
            return Ok(Some(live));
        }
        if !waiting.pause(aws).await {
            if aws.stop().is_cancelled() {
                return Err(AwsError::stopped(Operation::GET_FUNCTION, scope));
            }
            let why = format!("Lambda is still at work on {name} after {} s", LONGEST_WORK.as_secs());
            return Err(AwsError::unconfirmed(Operation::GET_FUNCTION, scope, why));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(hash: &str, package: Option<&str>) -> Fields {
        let package = package.map(|package| ("package".to_owned(), package.into()));
        [("code_sha256".to_owned(), hash.into())].into_iter().chain(package).collect()
    }

    #[test]
    fn the_same_package_is_where_the_manifest_says() {
        let (desired, written) = (fields("b", Some("new.zip")), fields("a", Some("old.zip")));
        let known =
            KeyRequest { desired: Some(&desired), last_written: Some(&written), ..KeyRequest::default() };
        assert_eq!(with_package(fields("b", None), known)["package"], "new.zip");
        assert_eq!(with_package(fields("a", None), known)["package"], "old.zip");
        let unknown = KeyRequest { last_written: None, ..known };
        assert_eq!(with_package(fields("a", None), unknown), fields("a", None));
    }
}
