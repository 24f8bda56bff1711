//! Databases and clusters of RDS.

use aws_sdk_rds::types::{DbCluster, DbInstance, Tag};

use super::time;
use crate::aws::{Aws, AwsError, Operation, pages};
use crate::costs::estate::{Cluster, Database, Tags};
use crate::model::Scope;
use crate::prices::VolumeShape;

/// The largest page of `DescribeDBInstances` and `DescribeDBClusters` (their API references).
const PAGE: i32 = 100;

/// The RDS API also answers with what is billed by these services ("`DescribeDBClusters`" in the RDS API reference).
const OTHER_SERVICES: [&str; 2] = ["docdb", "neptune"];

/// The database instances of a scope.
pub(super) async fn instances(aws: &Aws, scope: &Scope) -> Result<Vec<Database>, AwsError> {
    let clients = &aws.clients(scope);
    pages(|marker| async move {
        let ask = || clients.rds.describe_db_instances().max_records(PAGE).set_marker(marker.clone()).send();
        let page = aws.call(scope, Operation::DESCRIBE_DB_INSTANCES, ask).await?;
        let found = page.db_instances().iter().filter_map(|one| database(scope, one)).collect();
        Ok((found, page.marker().map(str::to_owned)))
    })
    .await
}

fn database(scope: &Scope, one: &DbInstance) -> Option<Database> {
    let engine = one.engine().filter(|engine| !OTHER_SERVICES.contains(engine))?.to_owned();
    Some(Database {
        account: scope.account.clone(),
        region: scope.region.clone(),
        id: one.db_instance_identifier()?.to_owned(),
        cluster: one.db_cluster_identifier().filter(|id| !id.is_empty()).map(str::to_owned),
        engine,
        class: text(one.db_instance_class()),
        license: text(one.license_model()),
        state: text(one.db_instance_status()),
        multi_az: one.multi_az().unwrap_or_default(),
        storage: VolumeShape {
            volume_type: text(one.storage_type()),
            size: one.allocated_storage().unwrap_or_default(),
            iops: one.iops(),
            throughput: one.storage_throughput(),
        },
        more_volumes: one.additional_storage_volumes().len(),
        created: time(one.instance_create_time()),
        tags: tags(one.tag_list()),
    })
}

/// The clusters of a scope.
pub(super) async fn clusters(aws: &Aws, scope: &Scope) -> Result<Vec<Cluster>, AwsError> {
    let clients = &aws.clients(scope);
    pages(|marker| async move {
        let ask = || clients.rds.describe_db_clusters().max_records(PAGE).set_marker(marker.clone()).send();
        let page = aws.call(scope, Operation::DESCRIBE_DB_CLUSTERS, ask).await?;
        let found = page.db_clusters().iter().filter_map(|one| cluster(scope, one)).collect();
        Ok((found, page.marker().map(str::to_owned)))
    })
    .await
}

fn cluster(scope: &Scope, one: &DbCluster) -> Option<Cluster> {
    let engine = one.engine().filter(|engine| !OTHER_SERVICES.contains(engine))?.to_owned();
    // RDS leaves the storage type out where it is Aurora's own ("`DBCluster`" in the RDS API reference).
    let usual = if engine.starts_with("aurora") { "aurora" } else { "" };
    Some(Cluster {
        account: scope.account.clone(),
        region: scope.region.clone(),
        id: one.db_cluster_identifier()?.to_owned(),
        engine,
        mode: text(one.engine_mode()),
        state: text(one.status()),
        storage: VolumeShape {
            volume_type: one.storage_type().filter(|kind| !kind.is_empty()).unwrap_or(usual).to_owned(),
            size: one.allocated_storage().unwrap_or_default(),
            iops: one.iops(),
            throughput: one.storage_throughput(),
        },
        created: time(one.cluster_create_time()),
        tags: tags(one.tag_list()),
    })
}

fn text(text: Option<&str>) -> String {
    text.unwrap_or_default().to_owned()
}

fn tags(tags: &[Tag]) -> Tags {
    tags.iter()
        .filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned())))
        .collect()
}
