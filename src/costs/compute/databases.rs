//! Databases: hours of instances, and storage that is allocated.

use std::collections::HashMap;

use super::clock::Clock;
use super::{Missing, NOTHING, both};
use crate::costs::estate::{Cluster, Database, Estate};
use crate::costs::report::{Cost, DatabaseCost};
use crate::costs::wanted::{database_key, database_storage_key};
use crate::prices::PriceBook;

/// States in which nothing but storage is billed, and those in which nothing is ("DB instance status" in the RDS user guide).
const STORAGE_ONLY: [&str; 3] = ["starting", "stopped", "stopping"];
const NOT_BILLED: [&str; 7] = [
    "creating",
    "deleting",
    "failed",
    "inaccessible-encryption-credentials",
    "incompatible-network",
    "incompatible-restore",
    "insufficient-capacity",
];

/// The clusters, by account, region and id.
type Clusters<'a> = HashMap<(&'a str, &'a str, &'a str), &'a Cluster>;

pub(super) fn rows(
    estate: &Estate,
    book: &PriceBook,
    clock: Clock,
    missing: &mut Missing,
) -> Vec<DatabaseCost> {
    let clusters: Clusters<'_> =
        estate.clusters.iter().map(|one| ((&*one.account, &*one.region, &*one.id), one)).collect();
    let of_instances = estate.databases.iter().map(|database| {
        let of = database.cluster.as_deref();
        let cluster = of.and_then(|id| clusters.get(&(&*database.account, &*database.region, id)).copied());
        instance(database, cluster, book, clock, missing)
    });
    let mut rows: Vec<DatabaseCost> = of_instances.collect();
    rows.extend(estate.clusters.iter().map(|one| cluster(one, missing)));
    // A cluster's row stands before those of its members.
    rows.sort_by(|one, other| {
        let key = |row: &DatabaseCost| {
            let group = row.cluster.clone().unwrap_or_else(|| row.id.clone());
            (row.account.clone(), row.region.clone(), group, !row.class.is_empty(), row.id.clone())
        };
        key(one).cmp(&key(other))
    });
    rows
}

fn instance(
    database: &Database,
    cluster: Option<&Cluster>,
    book: &PriceBook,
    clock: Clock,
    missing: &mut Missing,
) -> DatabaseCost {
    let mut notes = Vec::new();
    let is_member = database.cluster.is_some();
    let state = &*database.state;
    let compute = if NOT_BILLED.contains(&state) || STORAGE_ONLY.contains(&state) {
        notes.push(format!("{state}: hours that it ran earlier this month are not in the figures"));
        NOTHING
    } else {
        let price = match database_key(database, cluster) {
            Ok(key) => missing.or_note(book.database_hour(&key), &mut notes),
            Err(why) => {
                missing.note(why, &mut notes);
                None
            }
        };
        price.map_or_else(Cost::default, |price| clock.hourly(price, database.created))
    };
    let storage = if is_member || NOT_BILLED.contains(&state) {
        // AWS bills a member's storage with its cluster.
        NOTHING
    } else if database.more_volumes > 0 {
        let why = "additional storage volumes of databases are not looked up in the price list";
        missing.note(why.to_owned(), &mut notes);
        Cost::default()
    } else {
        let month = book.database_storage_month(&database_storage_key(database), &database.storage);
        let month = missing.or_note(month, &mut notes);
        month.map_or_else(Cost::default, |price| clock.monthly(price, database.created))
    };
    DatabaseCost {
        account: database.account.clone(),
        region: database.region.clone(),
        id: database.id.clone(),
        cluster: database.cluster.clone(),
        engine: database.engine.clone(),
        class: database.class.clone(),
        state: database.state.clone(),
        multi_az: database.multi_az,
        storage_type: database.storage.volume_type.clone(),
        storage_gib: (!is_member).then_some(database.storage.size),
        compute,
        storage,
        total: both(compute, storage),
        notes,
        tags: database.tags.clone(),
    }
}

/// The storage of a cluster. What Aurora stores is billed by use, and no answer of RDS says how much that is.
fn cluster(cluster: &Cluster, missing: &mut Missing) -> DatabaseCost {
    let mut notes = Vec::new();
    let serverless = cluster.is_aurora() && cluster.mode == "serverless";
    if cluster.is_aurora() {
        missing.note(
            "Aurora bills the storage and requests that are used; RDS does not tell them".to_owned(),
            &mut notes,
        );
    } else {
        missing.note(
            "the storage of Multi-AZ clusters is not looked up in the price list".to_owned(),
            &mut notes,
        );
    }
    if serverless {
        missing.note(
            "Aurora Serverless bills the capacity that is used; RDS does not tell it".to_owned(),
            &mut notes,
        );
    }
    let compute = if serverless { Cost::default() } else { NOTHING };
    let storage = Cost::default();
    DatabaseCost {
        account: cluster.account.clone(),
        region: cluster.region.clone(),
        id: cluster.id.clone(),
        cluster: Some(cluster.id.clone()),
        engine: cluster.engine.clone(),
        class: String::new(),
        state: cluster.state.clone(),
        multi_az: !cluster.is_aurora(),
        storage_type: cluster.storage.volume_type.clone(),
        storage_gib: (!cluster.is_aurora()).then_some(cluster.storage.size),
        compute,
        storage,
        total: both(compute, storage),
        notes,
        tags: cluster.tags.clone(),
    }
}
