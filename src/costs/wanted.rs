//! Which prices an estate needs: one for each distinct thing to buy, however many there are of it.

use std::collections::HashMap;

use super::estate::{Cluster, Database, Estate, Instance, elsewhere};
use crate::prices::{ComputeKey, DatabaseKey, DatabaseStorageKey, Tenancy, Wanted};

/// The prices to look up.
pub fn wanted(estate: &Estate) -> Wanted {
    let mut wanted = Wanted::default();
    wanted.compute.extend(estate.instances.iter().filter_map(|instance| compute_key(instance).ok()));
    wanted.volumes.extend(estate.volumes.iter().map(|volume| volume.scope.region.clone()));
    wanted.volumes.extend(estate.parked.iter().map(|parked| parked.scope.region.clone()));
    wanted.snapshots.extend(estate.snapshots.iter().map(|snapshot| snapshot.scope.region.clone()));
    wanted.snapshots.extend(estate.parked.iter().map(|parked| parked.scope.region.clone()));
    wanted.idle_addresses.extend(estate.addresses.iter().map(|address| address.scope.region.clone()));
    let clusters: HashMap<(&str, &str, &str), &Cluster> =
        estate.clusters.iter().map(|one| ((&*one.account, &*one.region, &*one.id), one)).collect();
    for database in &estate.databases {
        let of = database.cluster.as_deref();
        let cluster = of.and_then(|id| clusters.get(&(&*database.account, &*database.region, id)).copied());
        wanted.databases.extend(database_key(database, cluster));
        if of.is_none() {
            wanted.database_storage.insert(database_storage_key(database));
        }
    }
    wanted
}

/// What the hour of an instance is priced by, or why it has no list price.
pub(super) fn compute_key(instance: &Instance) -> Result<ComputeKey, String> {
    if let Some(lifecycle) = &instance.lifecycle {
        return Err(format!("{lifecycle} instances have no list price"));
    }
    if let Some(why) = elsewhere(&instance.scope.region, &instance.zone, instance.outpost) {
        return Err(why);
    }
    let tenancy = match &*instance.tenancy {
        "host" => {
            return Err("an instance on a dedicated host has no price of its own: the host has".to_owned());
        }
        "dedicated" => Tenancy::Dedicated,
        _ => Tenancy::Shared,
    };
    if instance.operation.is_empty() {
        return Err("AWS tells no usage operation, so that the platform's price is not known".to_owned());
    }
    Ok(ComputeKey {
        region: instance.scope.region.clone(),
        instance_type: instance.instance_type.clone(),
        operation: instance.operation.clone(),
        tenancy,
    })
}

/// What the hour of a database instance is priced by, or why it has no list price.
pub(super) fn database_key(database: &Database, cluster: Option<&Cluster>) -> Result<DatabaseKey, String> {
    if database.class == "db.serverless" {
        return Err("Aurora Serverless bills the capacity that is used; RDS does not tell it".to_owned());
    }
    let is_aurora = database.engine.starts_with("aurora");
    let cluster_storage = match (&database.cluster, cluster, is_aurora) {
        (Some(_), _, false) => {
            return Err("members of Multi-AZ clusters are not looked up in the price list".to_owned());
        }
        // I/O-Optimized has prices of its own; without the cluster nobody knows which they are.
        (Some(id), None, true) => return Err(format!("its cluster {id} could not be read")),
        (Some(_), Some(cluster), true) => cluster.storage.volume_type.clone(),
        (None, ..) => String::new(),
    };
    Ok(DatabaseKey {
        region: database.region.clone(),
        class: database.class.clone(),
        engine: database.engine.clone(),
        license: database.license.clone(),
        // Every member of an Aurora cluster is an instance of its own.
        multi_az: database.multi_az && !is_aurora,
        cluster_storage,
    })
}

/// What the storage of a database instance is priced by.
pub(super) fn database_storage_key(database: &Database) -> DatabaseStorageKey {
    DatabaseStorageKey {
        region: database.region.clone(),
        storage_type: database.storage.volume_type.clone(),
        engine: database.engine.clone(),
        multi_az: database.multi_az,
    }
}
