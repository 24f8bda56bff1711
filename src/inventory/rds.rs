//! RDS database instances and clusters.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_rds::types::{DbCluster, DbInstance, Filter, Tag};
use futures::future::try_join_all;
use serde_json::Value;

use super::time::time_text;
use super::{Target, TargetKind};
use crate::aws::{Aws, AwsError, ErrorClass, Operation, pages};
use crate::model::Scope;

/// The largest page of `DescribeDBInstances` and `DescribeDBClusters` (their API references).
const PAGE: i32 = 100;

/// The RDS API also answers with the databases of these services, whose metrics live in namespaces of their own
/// (`DescribeDBClusters`: "This operation can also return information for Amazon Neptune … and Amazon `DocumentDB`").
const OTHER_SERVICES: [&str; 2] = ["docdb", "neptune"];

/// A database or cluster as a Describe operation tells of it.
struct Described {
    target: Target,
    /// Whether the answer has its tags: an empty `TagList` means none, an absent one that they are to be asked for.
    has_tags: bool,
}

/// Reads all databases or clusters of a scope.
pub(super) async fn read(aws: &Aws, scope: &Scope, kind: TargetKind) -> Result<Vec<Target>, AwsError> {
    let described = describe(aws, scope, kind, &BTreeSet::new()).await?;
    let tagged = described.into_iter().map(|described| with_tags(aws, scope, described));
    Ok(try_join_all(tagged).await?.into_iter().flatten().collect())
}

/// Reads the databases or clusters with these ids, with such tags as the answer has.
pub(super) async fn find(
    aws: &Aws,
    scope: &Scope,
    kind: TargetKind,
    ids: &BTreeSet<String>,
) -> Result<Vec<Target>, AwsError> {
    let described = describe(aws, scope, kind, ids).await?;
    Ok(described.into_iter().map(|described| described.target).collect())
}

async fn describe(
    aws: &Aws,
    scope: &Scope,
    kind: TargetKind,
    ids: &BTreeSet<String>,
) -> Result<Vec<Described>, AwsError> {
    if kind == TargetKind::RdsCluster {
        describe_clusters(aws, scope, ids).await
    } else {
        describe_instances(aws, scope, ids).await
    }
}

/// The target with its tags, for which it is asked where they were not told: one call for one database. `None` where it
/// was deleted meanwhile.
async fn with_tags(aws: &Aws, scope: &Scope, described: Described) -> Result<Option<Target>, AwsError> {
    let Described { mut target, has_tags } = described;
    if has_tags {
        return Ok(Some(target));
    }
    let clients = aws.clients(scope);
    let arn = target.attributes.get("arn").and_then(Value::as_str);
    let list = || clients.rds.list_tags_for_resource().set_resource_name(arn.map(str::to_owned)).send();
    match aws.call(scope, Operation::LIST_DB_TAGS, list).await {
        Ok(answer) => {
            target.tags = tags_of(answer.tag_list());
            target.name = super::target::name_of(&target.tags, &target.id);
            Ok(Some(target))
        }
        Err(error) if error.class == ErrorClass::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

async fn describe_instances(
    aws: &Aws,
    scope: &Scope,
    ids: &BTreeSet<String>,
) -> Result<Vec<Described>, AwsError> {
    let clients = &aws.clients(scope);
    let filters = &filters("db-instance-id", ids);
    pages(|marker| async move {
        let ask = || {
            let request = clients.rds.describe_db_instances().set_filters(filters.clone());
            request.max_records(PAGE).set_marker(marker.clone()).send()
        };
        let page = aws.call(scope, Operation::DESCRIBE_DB_INSTANCES, ask).await?;
        let found = page.db_instances().iter().filter_map(|instance| {
            let has_tags = instance.tag_list.is_some();
            Some(Described { target: instance_target(scope, instance)?, has_tags })
        });
        Ok((found.collect(), page.marker().map(str::to_owned)))
    })
    .await
}

async fn describe_clusters(
    aws: &Aws,
    scope: &Scope,
    ids: &BTreeSet<String>,
) -> Result<Vec<Described>, AwsError> {
    let clients = &aws.clients(scope);
    let filters = &filters("db-cluster-id", ids);
    pages(|marker| async move {
        let ask = || {
            let request = clients.rds.describe_db_clusters().set_filters(filters.clone());
            request.max_records(PAGE).set_marker(marker.clone()).send()
        };
        let page = aws.call(scope, Operation::DESCRIBE_DB_CLUSTERS, ask).await?;
        let found = page.db_clusters().iter().filter_map(|cluster| {
            let has_tags = cluster.tag_list.is_some();
            Some(Described { target: cluster_target(scope, cluster)?, has_tags })
        });
        Ok((found.collect(), page.marker().map(str::to_owned)))
    })
    .await
}

fn filters(name: &str, ids: &BTreeSet<String>) -> Option<Vec<Filter>> {
    (!ids.is_empty())
        .then(|| vec![Filter::builder().name(name).set_values(Some(ids.iter().cloned().collect())).build()])
}

fn instance_target(scope: &Scope, instance: &DbInstance) -> Option<Target> {
    let attributes = attributes(&[
        ("arn", instance.db_instance_arn()),
        ("engine", instance.engine()),
        ("engine_version", instance.engine_version()),
        ("instance_class", instance.db_instance_class()),
        ("availability_zone", instance.availability_zone()),
        ("cluster", instance.db_cluster_identifier()),
        ("storage_type", instance.storage_type()),
        (
            "replica_of",
            instance
                .read_replica_source_db_instance_identifier()
                .or_else(|| instance.read_replica_source_db_cluster_identifier()),
        ),
    ]);
    let mut target = database(
        TargetKind::Rds,
        scope,
        instance.db_instance_identifier()?,
        instance.db_instance_status(),
        instance.tag_list(),
        attributes,
    )?;
    let of_instances = instance.read_replica_db_instance_identifiers();
    let replicas = of_instances.iter().chain(instance.read_replica_db_cluster_identifiers());
    let replicas: Vec<&str> = replicas.map(String::as_str).collect();
    let others = [
        ("replicas", (!replicas.is_empty()).then(|| Value::from(replicas))),
        ("allocated_storage", instance.allocated_storage().map(Value::from)),
        ("created", time_text(instance.instance_create_time())),
        ("multi_az", instance.multi_az().map(Value::from)),
    ];
    target.attributes.extend(others.into_iter().filter_map(|(name, value)| Some((name, value?))));
    Some(target)
}

fn cluster_target(scope: &Scope, cluster: &DbCluster) -> Option<Target> {
    let attributes = attributes(&[
        ("arn", cluster.db_cluster_arn()),
        ("engine", cluster.engine()),
        ("engine_mode", cluster.engine_mode()),
        ("engine_version", cluster.engine_version()),
        ("global_cluster", cluster.global_cluster_identifier()),
        ("replica_of", cluster.replication_source_identifier()),
    ]);
    let mut target = database(
        TargetKind::RdsCluster,
        scope,
        cluster.db_cluster_identifier()?,
        cluster.status(),
        cluster.tag_list(),
        attributes,
    )?;
    let members: Vec<&str> =
        cluster.db_cluster_members().iter().filter_map(|member| member.db_instance_identifier()).collect();
    target.attributes.insert("members", Value::from(members));
    target.attributes.extend(time_text(cluster.cluster_create_time()).map(|time| ("created", time)));
    Some(target)
}

/// A database's target; `None` for a database of another service.
fn database(
    kind: TargetKind,
    scope: &Scope,
    id: &str,
    status: Option<&str>,
    tags: &[Tag],
    attributes: BTreeMap<&'static str, Value>,
) -> Option<Target> {
    let engine = attributes.get("engine").and_then(Value::as_str).unwrap_or_default();
    if OTHER_SERVICES.contains(&engine) {
        return None;
    }
    let tags = tags_of(tags);
    Some(Target {
        kind,
        scope: scope.clone(),
        id: id.to_owned(),
        name: super::target::name_of(&tags, id),
        state: status.unwrap_or("unknown").to_owned(),
        tags,
        attributes,
    })
}

fn tags_of(tags: &[Tag]) -> BTreeMap<String, String> {
    let tag = |tag: &Tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()));
    tags.iter().filter_map(tag).collect()
}

fn attributes(texts: &[(&'static str, Option<&str>)]) -> BTreeMap<&'static str, Value> {
    texts.iter().filter_map(|&(name, value)| Some((name, Value::from(value?)))).collect()
}

#[cfg(test)]
mod tests {
    use aws_sdk_rds::primitives::DateTime;
    use aws_sdk_rds::types::DbClusterMember;

    use super::*;

    fn scope() -> Scope {
        Scope::new("111122223333", "us-east-1")
    }

    fn names(target: &Target) -> Vec<&str> {
        target.attributes.keys().copied().collect()
    }

    #[test]
    fn every_attribute_that_templates_may_use_is_read() {
        let instance = DbInstance::builder()
            .db_instance_identifier("orders")
            .engine("mysql")
            .engine_version("8.4")
            .db_instance_class("db.r7g.large")
            .availability_zone("us-east-1a")
            .db_cluster_identifier("ledger")
            .storage_type("gp3")
            .read_replica_source_db_instance_identifier("main")
            .read_replica_db_instance_identifiers("orders-2")
            .allocated_storage(20)
            .multi_az(true)
            .db_instance_arn("arn:aws:rds:us-east-1:111122223333:db:orders")
            .instance_create_time(DateTime::from_secs(0))
            .build();
        let target = instance_target(&scope(), &instance).unwrap();
        assert_eq!(names(&target), TargetKind::Rds.attributes());
        let cluster = DbCluster::builder()
            .db_cluster_identifier("ledger")
            .engine("aurora-mysql")
            .engine_mode("provisioned")
            .engine_version("3")
            .global_cluster_identifier("world")
            .replication_source_identifier("arn:aws:rds:eu-west-1:111122223333:cluster:main")
            .db_cluster_arn("arn:aws:rds:us-east-1:111122223333:cluster:ledger")
            .cluster_create_time(DateTime::from_secs(0))
            .db_cluster_members(DbClusterMember::builder().db_instance_identifier("ledger-1").build())
            .build();
        let target = cluster_target(&scope(), &cluster).unwrap();
        assert_eq!(names(&target), TargetKind::RdsCluster.attributes());
    }

    #[test]
    fn databases_of_other_services_are_left_out() {
        for engine in ["docdb", "neptune"] {
            let cluster = DbCluster::builder().db_cluster_identifier("x").engine(engine).build();
            assert_eq!(cluster_target(&scope(), &cluster), None);
        }
    }
}
