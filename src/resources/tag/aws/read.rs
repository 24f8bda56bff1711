//! Reading tags: in pages of EC2's, and with the lists of databases and clusters.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::Filter as Ec2Filter;
use aws_sdk_rds::types::Filter as RdsFilter;

use super::Service;
use crate::aws::{Aws, AwsError, Operation};
use crate::model::{Actual, Address, Ownership, Scope};
use crate::resources::ReadRequest;
use crate::resources::tag::{KIND, Tag, TagKey};

/// The largest page of `DescribeTags` (its API reference).
const TAGS_A_PAGE: i32 = 1000;

/// AWS allows 200 values a filter ("Filter" in the EC2 API reference); RDS is asked in the same portions.
const VALUES_A_FILTER: usize = 200;

/// The largest page of `DescribeDBInstances` and `DescribeDBClusters` (their API references).
const DATABASES_A_PAGE: i32 = 100;

/// Id and key to value.
type Found = BTreeMap<(String, String), String>;

/// Those of the tags that there are.
pub(super) async fn read(
    aws: &Aws,
    scope: &Scope,
    request: &ReadRequest<'_>,
) -> Result<Vec<Actual>, AwsError> {
    let mut wanted: BTreeMap<Service, BTreeSet<TagKey<'_>>> = BTreeMap::new();
    for key in request.keys.keys().filter_map(|key| TagKey::parse(key)) {
        wanted.entry(Service::of(&key)).or_default().insert(key);
    }
    let mut tags = Vec::new();
    for (service, keys) in wanted {
        let found = match service {
            Service::Ec2 => of_ec2(aws, scope, &keys).await?,
            Service::RdsInstance => of_instances(aws, scope, &ids(&keys)).await?,
            Service::RdsCluster => of_clusters(aws, scope, &ids(&keys)).await?,
        };
        tags.extend(keys.into_iter().filter_map(|key| {
            let value = found.get(&(key.id.to_owned(), key.key.to_owned()))?;
            Some(actual(scope, key, value))
        }));
    }
    Ok(tags)
}

fn actual(scope: &Scope, key: TagKey<'_>, value: &str) -> Actual {
    Actual {
        address: Address::new(KIND, scope.clone(), key.to_text()),
        fields: Tag { key: key.key.to_owned(), value: value.to_owned() }.to_fields(),
        ownership: Ownership::NotRead,
        inexpressible: None,
    }
}

fn ids(keys: &BTreeSet<TagKey<'_>>) -> Vec<String> {
    let ids: BTreeSet<&str> = keys.iter().map(|key| key.id).collect();
    ids.into_iter().map(str::to_owned).collect()
}

/// A few resources are asked for by their ids, many by the keys of the tags.
async fn of_ec2(aws: &Aws, scope: &Scope, keys: &BTreeSet<TagKey<'_>>) -> Result<Found, AwsError> {
    let ids = ids(keys);
    if ids.len() <= VALUES_A_FILTER {
        return page_through(aws, scope, filter("resource-id", ids)).await;
    }
    let names: BTreeSet<&str> = keys.iter().map(|key| key.key).collect();
    let names: Vec<String> = names.into_iter().map(escaped).collect();
    let mut found = Found::new();
    for names in names.chunks(VALUES_A_FILTER) {
        found.extend(page_through(aws, scope, filter("key", names.to_vec())).await?);
    }
    Ok(found)
}

fn filter(name: &str, values: Vec<String>) -> Ec2Filter {
    Ec2Filter::builder().name(name).set_values(Some(values)).build()
}

/// EC2 reads `*` and `?` in filter values as wildcards; a backslash makes them plain.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('*', "\\*").replace('?', "\\?")
}

async fn page_through(aws: &Aws, scope: &Scope, filter: Ec2Filter) -> Result<Found, AwsError> {
    let clients = aws.clients(scope);
    let mut found = Found::new();
    let mut token: Option<String> = None;
    loop {
        let page = aws
            .call(scope, Operation::DESCRIBE_TAGS, || {
                let request = clients.ec2.describe_tags().filters(filter.clone());
                request.max_results(TAGS_A_PAGE).set_next_token(token.clone()).send()
            })
            .await?;
        found.extend(page.tags().iter().filter_map(|tag| {
            let id = (tag.resource_id()?.to_owned(), tag.key()?.to_owned());
            Some((id, tag.value().unwrap_or_default().to_owned()))
        }));
        token = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
        if token.is_none() {
            return Ok(found);
        }
    }
}

fn portions<'a>(name: &'static str, ids: &'a [String]) -> impl Iterator<Item = RdsFilter> + use<'a> {
    ids.chunks(VALUES_A_FILTER)
        .map(move |ids| RdsFilter::builder().name(name).set_values(Some(ids.to_vec())).build())
}

fn of_list(found: &mut Found, id: Option<&str>, tags: &[aws_sdk_rds::types::Tag]) {
    let Some(id) = id else { return };
    found.extend(tags.iter().filter_map(|tag| {
        Some(((id.to_owned(), tag.key()?.to_owned()), tag.value().unwrap_or_default().to_owned()))
    }));
}

async fn of_instances(aws: &Aws, scope: &Scope, ids: &[String]) -> Result<Found, AwsError> {
    let clients = aws.clients(scope);
    let mut found = Found::new();
    for filter in portions("db-instance-id", ids) {
        let mut marker: Option<String> = None;
        loop {
            let page = aws
                .call(scope, Operation::DESCRIBE_DB_INSTANCES, || {
                    let request = clients.rds.describe_db_instances().filters(filter.clone());
                    request.max_records(DATABASES_A_PAGE).set_marker(marker.clone()).send()
                })
                .await?;
            for instance in page.db_instances() {
                of_list(&mut found, instance.db_instance_identifier(), instance.tag_list());
            }
            marker = page.marker().filter(|marker| !marker.is_empty()).map(str::to_owned);
            if marker.is_none() {
                break;
            }
        }
    }
    Ok(found)
}

async fn of_clusters(aws: &Aws, scope: &Scope, ids: &[String]) -> Result<Found, AwsError> {
    let clients = aws.clients(scope);
    let mut found = Found::new();
    for filter in portions("db-cluster-id", ids) {
        let mut marker: Option<String> = None;
        loop {
            let page = aws
                .call(scope, Operation::DESCRIBE_DB_CLUSTERS, || {
                    let request = clients.rds.describe_db_clusters().filters(filter.clone());
                    request.max_records(DATABASES_A_PAGE).set_marker(marker.clone()).send()
                })
                .await?;
            for cluster in page.db_clusters() {
                of_list(&mut found, cluster.db_cluster_identifier(), cluster.tag_list());
            }
            marker = page.marker().filter(|marker| !marker.is_empty()).map(str::to_owned);
            if marker.is_none() {
                break;
            }
        }
    }
    Ok(found)
}
