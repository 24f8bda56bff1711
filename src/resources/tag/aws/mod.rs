//! Tags on AWS: EC2's for instances and volumes, RDS's for databases and clusters.

mod read;
mod write;

use std::collections::BTreeMap;

use futures::FutureExt;
use futures::future::{BoxFuture, ready};

use super::TagKey;
use super::spec::TEXT;
use crate::aws::{Aws, AwsError, Operation, rds_arn};
use crate::model::{Actual, KindText, Ownership, Scope};
use crate::resources::{Kind, Operations, OwnershipNeed, ReadRequest, Step};

/// Resources a `CreateTags` or `DeleteTags` call: "You can tag up to 1,000 resources at a time" ("Tag your Amazon EC2
/// resources" in the EC2 user guide). So many are read at once just before, and few are lost where one of them is gone.
const RESOURCES_A_CALL: usize = 100;

/// Resources whose keys are written right together: each of them has both keys until the second call.
const RESPELT_TOGETHER: usize = 20;

/// The kind `tag`.
#[derive(Clone, Copy, Debug)]
pub struct TagKind;

/// The service whose API tags a kind of target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Service {
    Ec2,
    RdsInstance,
    RdsCluster,
}

impl Service {
    fn of(key: &TagKey<'_>) -> Self {
        match key.kind {
            "rds" => Self::RdsInstance,
            "rds_cluster" => Self::RdsCluster,
            _ => Self::Ec2,
        }
    }

    /// The name of a database or cluster in calls about its tags.
    fn arn(self, scope: &Scope, id: &str) -> String {
        rds_arn(scope, if self == Self::RdsCluster { "cluster" } else { "db" }, id)
    }
}

impl Kind for TagKind {
    fn text(&self) -> KindText {
        TEXT
    }

    fn phase(&self) -> u8 {
        // Tags may decide what other declarations select.
        10
    }

    fn operations(&self) -> Operations {
        Operations {
            read: &[
                Operation::DESCRIBE_TAGS,
                Operation::DESCRIBE_DB_INSTANCES,
                Operation::DESCRIBE_DB_CLUSTERS,
                Operation::LIST_DB_TAGS,
            ],
            read_one: &[],
            write: &[Operation::CREATE_TAGS, Operation::ADD_RDS_TAGS],
            remove: &[Operation::DELETE_TAGS, Operation::REMOVE_RDS_TAGS],
        }
    }

    fn policy_resources(&self, account: &str, region: &str) -> Vec<String> {
        let of_ec2 = ["instance/*", "volume/*"].map(|kind| format!("ec2:{region}:{account}:{kind}"));
        let of_rds = ["db:*", "cluster:*"].map(|kind| format!("rds:{region}:{account}:{kind}"));
        of_ec2.into_iter().chain(of_rds).collect()
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
        _aws: &'a Aws,
        _scope: &'a Scope,
        _keys: &'a [&'a str],
        _need: OwnershipNeed,
    ) -> BoxFuture<'a, Result<BTreeMap<String, Ownership>, AwsError>> {
        // A tag bears no tag: what the state records is ours as long as it is as we wrote it.
        ready(Ok(BTreeMap::new())).boxed()
    }

    fn find_owned<'a>(
        &'a self,
        _aws: &'a Aws,
        _scope: &'a Scope,
        _project: &'a str,
    ) -> BoxFuture<'a, Result<Vec<Actual>, AwsError>> {
        ready(Ok(Vec::new())).boxed()
    }

    fn batch_size(&self, step: &Step) -> usize {
        match TagKey::parse(step.key()) {
            // RDS takes one resource a call.
            Some(key) if Service::of(&key) != Service::Ec2 => 1,
            Some(key) if write::deeds(step, &key).len() > 1 => RESPELT_TOGETHER,
            _ => RESOURCES_A_CALL,
        }
    }

    fn alike(&self, step: &Step) -> String {
        TagKey::parse(step.key())
            .map(|key| format!("{:?} {:?}", Service::of(&key), write::deeds(step, &key)))
            .unwrap_or_default()
    }

    fn pacing_operation(&self, step: &Step) -> &'static Operation {
        let service = TagKey::parse(step.key()).map_or(Service::Ec2, |key| Service::of(&key));
        match (service, step) {
            (Service::Ec2, Step::Write(_)) => Operation::CREATE_TAGS,
            (Service::Ec2, Step::Remove(_)) => Operation::DELETE_TAGS,
            (_, Step::Write(_)) => Operation::ADD_RDS_TAGS,
            (_, Step::Remove(_)) => Operation::REMOVE_RDS_TAGS,
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
