//! Reading what there is: every kind in every account and region side by side, in the largest pages.

mod actual;
mod compute;
mod databases;
mod storage;

pub use actual::{MOST_CALLS, read_actual};

use std::collections::BTreeMap;

use futures::future::join_all;
use futures::join;
use jiff::Timestamp;

use super::estate::{Estate, InstanceType, noun};
use crate::aws::{Aws, AwsError};
use crate::model::{Gap, Scope};

/// Reads all that a cost report is about, but for what is parked. What could not be read is a gap: the report is without it,
/// and says so.
pub async fn read_estate(aws: &Aws, scopes: &[Scope]) -> Estate {
    let mut estate = Estate::default();
    for part in join_all(scopes.iter().map(|scope| read_scope(aws, scope))).await {
        estate.instances.extend(part.instances);
        estate.volumes.extend(part.volumes);
        estate.snapshots.extend(part.snapshots);
        estate.addresses.extend(part.addresses);
        estate.databases.extend(part.databases);
        estate.clusters.extend(part.clusters);
        estate.gaps.extend(part.gaps);
    }
    read_types(aws, &mut estate).await;
    estate
}

async fn read_scope(aws: &Aws, scope: &Scope) -> Estate {
    let (instances, volumes, snapshots, addresses, databases, clusters) = join!(
        compute::instances(aws, scope),
        storage::volumes(aws, scope),
        storage::snapshots(aws, scope),
        compute::addresses(aws, scope),
        databases::instances(aws, scope),
        databases::clusters(aws, scope),
    );
    let mut gaps = Vec::new();
    Estate {
        instances: or_gap(instances, scope, noun::INSTANCES, &mut gaps),
        volumes: or_gap(volumes, scope, noun::VOLUMES, &mut gaps),
        snapshots: or_gap(snapshots, scope, noun::SNAPSHOTS, &mut gaps),
        addresses: or_gap(addresses, scope, noun::ADDRESSES, &mut gaps),
        databases: or_gap(databases, scope, noun::DATABASES, &mut gaps),
        clusters: or_gap(clusters, scope, noun::CLUSTERS, &mut gaps),
        gaps,
        ..Estate::default()
    }
}

fn or_gap<T>(read: Result<Vec<T>, AwsError>, scope: &Scope, kind: &str, gaps: &mut Vec<Gap>) -> Vec<T> {
    read.unwrap_or_else(|error| {
        gaps.push(Gap { scope: scope.clone(), kind: kind.to_owned(), reason: error.to_string() });
        Vec::new()
    })
}

/// Each distinct type is asked for once, in a region that has it: a type has the same vCPUs and memory everywhere.
async fn read_types(aws: &Aws, estate: &mut Estate) {
    let mut of: BTreeMap<&str, &Scope> = BTreeMap::new();
    for instance in &estate.instances {
        of.entry(&instance.instance_type).or_insert(&instance.scope);
    }
    let mut by_scope: BTreeMap<&Scope, Vec<&str>> = BTreeMap::new();
    for (name, scope) in of {
        by_scope.entry(scope).or_default().push(name);
    }
    let reads = by_scope
        .iter()
        .map(|(scope, names)| async move { (*scope, compute::types(aws, scope, names).await) });
    let (mut types, mut gaps) = (Vec::<(String, InstanceType)>::new(), Vec::new());
    for (scope, read) in join_all(reads).await {
        types.extend(or_gap(read, scope, noun::TYPES, &mut gaps));
    }
    estate.types = types.into_iter().collect();
    estate.gaps.extend(gaps);
}

/// AWS's time as ours.
fn time(time: Option<&aws_smithy_types::DateTime>) -> Option<Timestamp> {
    Timestamp::from_second(time?.secs()).ok()
}

/// Tags of EC2.
fn tags(tags: &[aws_sdk_ec2::types::Tag]) -> super::estate::Tags {
    tags.iter()
        .filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned())))
        .collect()
}
