//! Snapshots on AWS: found by tag or volume, tagged together, deleted one by one.

mod read;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use futures::FutureExt;
use futures::future::{BoxFuture, ready};

use super::spec::TEXT;
use crate::aws::{Aws, AwsError, Operation};
use crate::model::{Actual, KindText, Ownership, Scope};
use crate::resources::{Kind, Operations, OwnershipNeed, ReadRequest, Step};

/// The kind `snapshot`.
#[derive(Clone, Copy, Debug)]
pub struct SnapshotKind;

impl Kind for SnapshotKind {
    fn text(&self) -> KindText {
        TEXT
    }

    fn phase(&self) -> u8 {
        // Before everything that is made of it or makes it, so that it goes last.
        5
    }

    fn operations(&self) -> Operations {
        Operations {
            read: &[
                Operation::DESCRIBE_SNAPSHOTS,
                Operation::DESCRIBE_IMAGES,
                Operation::DESCRIBE_LOCKED_SNAPSHOTS,
            ],
            read_one: &[],
            write: &[Operation::CREATE_TAGS],
            remove: &[Operation::DELETE_SNAPSHOT],
        }
    }

    fn policy_resources(&self, _account: &str, region: &str) -> Vec<String> {
        // The ARN of a snapshot names no account ("Actions, resources, and condition keys for Amazon EC2").
        vec![format!("ec2:{region}::snapshot/*")]
    }

    fn removes_what_is_tagged(&self) -> bool {
        // `DeleteSnapshot` knows `aws:ResourceTag` ("Actions, resources, and condition keys for Amazon EC2").
        true
    }

    fn read<'a>(
        &'a self,
        aws: &'a Aws,
        scope: &'a Scope,
        request: &'a ReadRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<Actual>, AwsError>> {
        read::with_users(aws, scope, request).boxed()
    }

    fn owners<'a>(
        &'a self,
        aws: &'a Aws,
        scope: &'a Scope,
        keys: &'a [&'a str],
        _need: OwnershipNeed,
    ) -> BoxFuture<'a, Result<BTreeMap<String, Ownership>, AwsError>> {
        async move {
            let found = read::by_ids(aws, scope, keys).await?;
            Ok(found.into_iter().map(|live| (live.address.key, live.ownership)).collect())
        }
        .boxed()
    }

    fn find_owned<'a>(
        &'a self,
        _aws: &'a Aws,
        _scope: &'a Scope,
        _project: &'a str,
    ) -> BoxFuture<'a, Result<Vec<Actual>, AwsError>> {
        // What the state recorded of them would be deleted as soon as nothing wants it.
        ready(Ok(Vec::new())).boxed()
    }

    fn find_tagged<'a>(
        &'a self,
        aws: &'a Aws,
        scope: &'a Scope,
        project: &'a str,
    ) -> BoxFuture<'a, Result<Vec<Actual>, AwsError>> {
        read::of_project(aws, scope, project).boxed()
    }

    fn find_untagged<'a>(
        &'a self,
        aws: &'a Aws,
        scope: &'a Scope,
        volumes: &'a BTreeSet<String>,
    ) -> BoxFuture<'a, Result<Vec<Actual>, AwsError>> {
        read::untagged_of(aws, scope, volumes).boxed()
    }

    fn batch_size(&self, step: &Step) -> usize {
        match step {
            Step::Write(_) => write::SNAPSHOTS_A_CALL,
            Step::Remove(_) => 1,
        }
    }

    fn alike(&self, step: &Step) -> String {
        format!("{:?}", write::tags_of(step))
    }

    fn pacing_operation(&self, step: &Step) -> &'static Operation {
        match step {
            Step::Write(_) => Operation::CREATE_TAGS,
            Step::Remove(_) => Operation::DELETE_SNAPSHOT,
        }
    }

    fn carry_out<'a>(
        &'a self,
        aws: &'a Aws,
        _project: &'a str,
        batch: &'a [Step],
    ) -> BoxFuture<'a, Vec<Result<(), AwsError>>> {
        write::carry_out(aws, batch).boxed()
    }
}
