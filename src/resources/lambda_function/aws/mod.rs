//! Lambda functions on AWS.

mod code;
mod convert;
mod create;
mod read;
mod update;
mod write;

pub(in crate::resources) use read::owner;

use std::collections::BTreeMap;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::spec::TEXT;
use crate::aws::{Aws, AwsError, Operation};
use crate::model::{Actual, Fields, KindText, Ownership, Scope};
use crate::plan::Verb;
use crate::resources::{Course, Kind, Operations, OwnershipNeed, ReadRequest, Reliance, Step};

/// The kind `lambda_function`.
#[derive(Clone, Copy, Debug)]
pub struct LambdaFunctionKind;

impl Kind for LambdaFunctionKind {
    fn text(&self) -> KindText {
        TEXT
    }

    fn phase(&self) -> u8 {
        // After their roles and log groups.
        20
    }

    fn operations(&self) -> Operations {
        Operations {
            read: &[Operation::GET_RESOURCES],
            read_one: &[
                Operation::GET_FUNCTION,
                Operation::LIST_FUNCTION_TAGS,
                Operation::GET_EVENT_INVOKE_CONFIG,
            ],
            write: &[
                Operation::CREATE_FUNCTION,
                Operation::TAG_FUNCTION,
                Operation::UPDATE_FUNCTION_CODE,
                Operation::UPDATE_FUNCTION_CONFIGURATION,
                Operation::PUT_FUNCTION_CONCURRENCY,
                Operation::DELETE_FUNCTION_CONCURRENCY,
                Operation::PUT_EVENT_INVOKE_CONFIG,
                Operation::DELETE_EVENT_INVOKE_CONFIG,
            ],
            remove: &[Operation::DELETE_FUNCTION],
        }
    }

    fn policy_resources(&self, account: &str, region: &str) -> Vec<String> {
        vec![format!("lambda:{region}:{account}:function:opsform-*")]
    }

    fn policy_resources_of_any_name(&self, account: &str, region: &str) -> Vec<String> {
        vec![format!("lambda:{region}:{account}:function:*")]
    }

    fn read<'a>(
        &'a self,
        aws: &'a Aws,
        scope: &'a Scope,
        request: &'a ReadRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<Actual>, AwsError>> {
        read::read(aws, scope, request).boxed()
    }

    fn owners<'a>(
        &'a self,
        aws: &'a Aws,
        scope: &'a Scope,
        keys: &'a [&'a str],
        _need: OwnershipNeed,
    ) -> BoxFuture<'a, Result<BTreeMap<String, Ownership>, AwsError>> {
        read::owners(aws, scope, keys).boxed()
    }

    fn find_owned<'a>(
        &'a self,
        aws: &'a Aws,
        scope: &'a Scope,
        project: &'a str,
    ) -> BoxFuture<'a, Result<Vec<Actual>, AwsError>> {
        read::find_owned(aws, scope, project).boxed()
    }

    fn reliance(&self, _fields: &Fields) -> Reliance {
        // Without its role it would be waited for in vain.
        Reliance::Declaration
    }

    fn batch_size(&self, _step: &Step) -> usize {
        1
    }

    fn pacing_operation(&self, step: &Step) -> &'static Operation {
        let Step::Write(change) = step else { return Operation::DELETE_FUNCTION };
        let hash = |fields: Option<&Fields>| fields.and_then(|fields| fields.get("code_sha256")).cloned();
        match change.verb {
            Verb::Update | Verb::Adopt if hash(change.before.as_ref()) == hash(change.after.as_ref()) => {
                Operation::UPDATE_FUNCTION_CONFIGURATION
            }
            Verb::Update | Verb::Adopt => Operation::UPDATE_FUNCTION_CODE,
            _ => Operation::CREATE_FUNCTION,
        }
    }

    fn carry_out_telling<'a>(
        &'a self,
        course: &'a Course<'a>,
        batch: &'a [Step],
    ) -> BoxFuture<'a, Vec<Result<(), AwsError>>> {
        write::carry_out(course, batch).boxed()
    }

    fn carry_out<'a>(
        &'a self,
        aws: &'a Aws,
        project: &'a str,
        batch: &'a [Step],
    ) -> BoxFuture<'a, Vec<Result<(), AwsError>>> {
        async move {
            let course = Course { aws, project, wait: true, tell: &|_, _| {} };
            write::carry_out(&course, batch).await
        }
        .boxed()
    }
}
