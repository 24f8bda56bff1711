//! Stopping and starting databases and clusters: one a call.

use std::collections::BTreeMap;

use aws_sdk_rds::types::Filter;
use futures::FutureExt;
use futures::future::{BoxFuture, ready};

use super::spec::{DatabaseKey, KIND, TEXT, power_of_status};
use crate::aws::{Aws, AwsError, Operation};
use crate::model::{Actual, Address, KindText, Ownership, Scope};
use crate::resources::instance_power::Power;
use crate::resources::{Kind, Operations, OwnershipNeed, ReadRequest, Step};

/// The largest page of `DescribeDBInstances` and `DescribeDBClusters` (their API references); as many are asked for at once.
const PAGE: i32 = 100;
const KEYS_A_CALL: usize = 100;

/// The kind `database_power`.
#[derive(Clone, Copy, Debug)]
pub struct DatabasePowerKind;

impl Kind for DatabasePowerKind {
    fn text(&self) -> KindText {
        TEXT
    }

    fn phase(&self) -> u8 {
        // With the instances.
        5
    }

    fn operations(&self) -> Operations {
        Operations {
            read: &[Operation::DESCRIBE_DB_INSTANCES, Operation::DESCRIBE_DB_CLUSTERS],
            read_one: &[],
            // Nothing that can be declared stops or starts a database by itself.
            write: &[],
            remove: &[],
        }
    }

    fn operations_by_hand(&self) -> &'static [&'static Operation] {
        &[
            Operation::STOP_DB_INSTANCE,
            Operation::START_DB_INSTANCE,
            Operation::STOP_DB_CLUSTER,
            Operation::START_DB_CLUSTER,
        ]
    }

    fn policy_resources(&self, account: &str, region: &str) -> Vec<String> {
        ["db", "cluster"].map(|sort| format!("rds:{region}:{account}:{sort}:*")).into()
    }

    fn read<'a>(
        &'a self,
        aws: &'a Aws,
        scope: &'a Scope,
        request: &'a ReadRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<Actual>, AwsError>> {
        read(aws, scope, request).boxed()
    }

    fn owners<'a>(
        &'a self,
        _aws: &'a Aws,
        _scope: &'a Scope,
        _keys: &'a [&'a str],
        _need: OwnershipNeed,
    ) -> BoxFuture<'a, Result<BTreeMap<String, Ownership>, AwsError>> {
        // Nobody owns whether a database runs.
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

    fn batch_size(&self, _step: &Step) -> usize {
        1
    }

    fn pacing_operation(&self, step: &Step) -> &'static Operation {
        operation(step)
    }

    fn carry_out<'a>(
        &'a self,
        aws: &'a Aws,
        _project: &'a str,
        batch: &'a [Step],
    ) -> BoxFuture<'a, Vec<Result<(), AwsError>>> {
        async move {
            let mut results = Vec::with_capacity(batch.len());
            for step in batch {
                results.push(carry_out(aws, step).await);
            }
            results
        }
        .boxed()
    }
}

fn is_cluster(step: &Step) -> bool {
    DatabaseKey::from_text(step.key()).is_some_and(|key| key.cluster)
}

/// Whether it is to run.
fn starts(step: &Step) -> bool {
    step.change().after.as_ref().and_then(Power::from_fields) == Some(Power::Running)
}

fn operation(step: &Step) -> &'static Operation {
    match (is_cluster(step), starts(step)) {
        (false, false) => Operation::STOP_DB_INSTANCE,
        (false, true) => Operation::START_DB_INSTANCE,
        (true, false) => Operation::STOP_DB_CLUSTER,
        (true, true) => Operation::START_DB_CLUSTER,
    }
}

async fn read(aws: &Aws, scope: &Scope, request: &ReadRequest<'_>) -> Result<Vec<Actual>, AwsError> {
    let mut found = Vec::new();
    for cluster in [false, true] {
        let keys = request.keys.keys().filter_map(|key| DatabaseKey::from_text(key));
        let ids: Vec<String> =
            keys.filter(|key| key.cluster == cluster).map(|key| key.id.to_owned()).collect();
        for ids in ids.chunks(KEYS_A_CALL) {
            for (id, status) in statuses(aws, scope, cluster, ids).await? {
                let key = DatabaseKey { cluster, id: &id }.to_text();
                // Filters of RDS may answer with more than was asked for.
                let Some(asked) = request.keys.get(&*key) else { continue };
                let Some(power) = power_of_status(&status) else { continue };
                found.push(Actual {
                    fields: power.seen_by(asked.desired),
                    address: Address::new(KIND, scope.clone(), key),
                    ownership: Ownership::NotRead,
                    inexpressible: None,
                });
            }
        }
    }
    Ok(found)
}

/// Identifier and status of each.
async fn statuses(
    aws: &Aws,
    scope: &Scope,
    cluster: bool,
    ids: &[String],
) -> Result<Vec<(String, String)>, AwsError> {
    let rds = &aws.clients(scope).rds;
    let name = if cluster { "db-cluster-id" } else { "db-instance-id" };
    let filter = Filter::builder().name(name).set_values(Some(ids.to_vec())).build();
    let pair = |id: Option<&str>, status: Option<&str>| Some((id?.to_owned(), status?.to_owned()));
    let mut found = Vec::new();
    let mut marker: Option<String> = None;
    loop {
        marker = if cluster {
            let ask = || {
                let request = rds.describe_db_clusters().filters(filter.clone());
                request.max_records(PAGE).set_marker(marker.clone()).send()
            };
            let page = aws.call(scope, Operation::DESCRIBE_DB_CLUSTERS, ask).await?;
            let pairs = page.db_clusters().iter().map(|one| pair(one.db_cluster_identifier(), one.status()));
            found.extend(pairs.flatten());
            page.marker
        } else {
            let ask = || {
                let request = rds.describe_db_instances().filters(filter.clone());
                request.max_records(PAGE).set_marker(marker.clone()).send()
            };
            let page = aws.call(scope, Operation::DESCRIBE_DB_INSTANCES, ask).await?;
            let all = page.db_instances().iter();
            let pairs = all.map(|one| pair(one.db_instance_identifier(), one.db_instance_status()));
            found.extend(pairs.flatten());
            page.marker
        };
        if marker.as_ref().is_none_or(String::is_empty) {
            return Ok(found);
        }
    }
}

/// One that is there already, because an answer was lost and the call was sent again, is as good as done.
async fn carry_out(aws: &Aws, step: &Step) -> Result<(), AwsError> {
    let (scope, operation) = (&step.address().scope, operation(step));
    let Some(key) = DatabaseKey::from_text(step.key()) else {
        let why = format!("{:?} is the key of no database", step.key());
        return Err(AwsError::unconfirmed(operation, scope, why));
    };
    match send(aws, step, key.id).await {
        // Of a cluster the answer may still tell the status of before, so that it says no more than whom it is about.
        Ok(Some(named)) if named == key.id => Ok(()),
        Ok(_) => {
            let why = "AWS took the call, and its answer does not name the database";
            Err(AwsError::unconfirmed(operation, scope, why))
        }
        // "StopDBInstance" and "StopDBCluster" in the RDS API reference: it is in no state from which it can be stopped.
        Err(error) if INVALID_STATE.contains(&&*error.code) => {
            let now = statuses(aws, scope, key.cluster, &[key.id.to_owned()]).await?;
            let now = now.into_iter().find(|(id, _)| id == key.id).map(|(_, status)| status);
            if now.as_deref().is_some_and(|status| is_there(status, starts(step))) {
                Ok(())
            } else {
                Err(error)
            }
        }
        Err(error) => Err(error),
    }
}

const INVALID_STATE: [&str; 4] = [
    "InvalidDBInstanceState",
    "InvalidDBInstanceStateFault",
    "InvalidDBClusterState",
    "InvalidDBClusterStateFault",
];

fn is_there(status: &str, runs: bool) -> bool {
    power_of_status(status).is_some_and(|power| (power == Power::Running) == runs)
}

/// The identifier that the answer names.
async fn send(aws: &Aws, step: &Step, id: &str) -> Result<Option<String>, AwsError> {
    let (scope, operation) = (&step.address().scope, operation(step));
    let rds = &aws.clients(scope).rds;
    let named = match (is_cluster(step), starts(step)) {
        (false, false) => {
            let answer = aws
                .call(scope, operation, || rds.stop_db_instance().db_instance_identifier(id).send())
                .await?;
            answer.db_instance.and_then(|one| one.db_instance_identifier)
        }
        (false, true) => {
            let answer = aws
                .call(scope, operation, || rds.start_db_instance().db_instance_identifier(id).send())
                .await?;
            answer.db_instance.and_then(|one| one.db_instance_identifier)
        }
        (true, false) => {
            let answer =
                aws.call(scope, operation, || rds.stop_db_cluster().db_cluster_identifier(id).send()).await?;
            answer.db_cluster.and_then(|one| one.db_cluster_identifier)
        }
        (true, true) => {
            let answer = aws
                .call(scope, operation, || rds.start_db_cluster().db_cluster_identifier(id).send())
                .await?;
            answer.db_cluster.and_then(|one| one.db_cluster_identifier)
        }
    };
    Ok(named)
}
