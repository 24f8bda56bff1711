//! IAM roles on AWS.

mod convert;
mod read;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use futures::FutureExt;
use futures::future::BoxFuture;

use super::spec::TEXT;
use crate::aws::{Aws, AwsError, Operation};
use crate::model::{Actual, Address, KindText, Ownership, Scope};
use crate::plan::Verb;
use crate::resources::{Kind, Operations, OwnershipNeed, ReadRequest, Step};

/// The kind `iam_role`.
#[derive(Clone, Copy, Debug)]
pub struct IamRoleKind;

impl Kind for IamRoleKind {
    fn text(&self) -> KindText {
        TEXT
    }

    fn phase(&self) -> u8 {
        // Before the functions and schedules that take them on.
        10
    }

    fn operations(&self) -> Operations {
        Operations {
            read: &[Operation::LIST_ROLES],
            read_one: &[
                Operation::GET_ROLE,
                Operation::LIST_ROLE_POLICIES,
                Operation::GET_ROLE_POLICY,
                Operation::LIST_ATTACHED_ROLE_POLICIES,
                Operation::LIST_INSTANCE_PROFILES_FOR_ROLE,
            ],
            write: &[
                Operation::CREATE_ROLE,
                Operation::TAG_ROLE,
                Operation::UPDATE_ROLE,
                Operation::UPDATE_TRUST,
                Operation::PUT_ROLE_POLICY,
                Operation::DELETE_ROLE_POLICY,
            ],
            remove: &[Operation::DELETE_ROLE_POLICY, Operation::DELETE_ROLE],
        }
    }

    fn policy_resources(&self, account: &str, _region: &str) -> Vec<String> {
        vec![format!("iam::{account}:role/opsform-*")]
    }

    fn policy_resources_of_any_name(&self, account: &str, _region: &str) -> Vec<String> {
        vec![format!("iam::{account}:role/*")]
    }

    fn read<'a>(
        &'a self,
        aws: &'a Aws,
        scope: &'a Scope,
        request: &'a ReadRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<Actual>, AwsError>> {
        let names = request.keys.keys().copied().collect();
        async move { read::roles(aws, scope, names).await }.boxed()
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

    fn held_by<'a>(
        &'a self,
        aws: &'a Aws,
        _project: &'a str,
        address: &'a Address,
        _going: &'a BTreeSet<&'a Address>,
    ) -> BoxFuture<'a, Result<Option<String>, AwsError>> {
        read::held_by(aws, &address.scope, &address.key).boxed()
    }

    fn batch_size(&self, _step: &Step) -> usize {
        1
    }

    fn pacing_operation(&self, step: &Step) -> &'static Operation {
        match step {
            Step::Remove(_) => Operation::DELETE_ROLE,
            Step::Write(change) if matches!(change.verb, Verb::Adopt | Verb::Update) => Operation::TAG_ROLE,
            Step::Write(_) => Operation::CREATE_ROLE,
        }
    }

    fn carry_out<'a>(
        &'a self,
        aws: &'a Aws,
        project: &'a str,
        batch: &'a [Step],
    ) -> BoxFuture<'a, Vec<Result<(), AwsError>>> {
        write::carry_out(aws, project, batch).boxed()
    }
}
