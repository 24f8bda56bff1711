//! What is asked of the list for what is wanted, and what its answers mean.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;

use crate::prices::cache::{Kept, Timed};
use crate::prices::product::Product;
use crate::prices::{ComputeKey, DatabaseKey, DatabaseStorageKey, NoPrice, PriceBook, Wanted, ec2, rds};

/// Prices that are asked for together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lookup {
    Compute(ComputeKey),
    /// Of a region, all types.
    Volumes(String),
    /// Of a region, both tiers.
    Snapshots(String),
    IdleAddresses(String),
    /// A class and an engine of a region, with the keys that one answer serves.
    Databases {
        region: String,
        class: String,
        engine: &'static str,
        keys: Vec<DatabaseKey>,
    },
    /// Databases of which the list is known to have no price: nothing is asked.
    NoDatabase(DatabaseKey, NoPrice),
    DatabaseStorage {
        region: String,
        keys: Vec<DatabaseStorageKey>,
    },
}

/// One list of products: all pages of `GetProducts`.
pub(super) struct Query<'a> {
    pub(super) service: &'static str,
    /// All of which a product has to meet ("Filter" in the API reference). None names a location: its names differ between services.
    pub(super) filters: Vec<(&'a str, String)>,
}

impl fmt::Display for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compute(key) => write!(f, "{} ({}) in {}", key.instance_type, key.operation, key.region),
            Self::Volumes(region) => write!(f, "volumes in {region}"),
            Self::Snapshots(region) => write!(f, "snapshots in {region}"),
            Self::IdleAddresses(region) => write!(f, "idle public IPv4 addresses in {region}"),
            Self::Databases { region, class, engine, .. } => write!(f, "{class} ({engine}) in {region}"),
            Self::NoDatabase(key, _) => write!(f, "{} ({}) in {}", key.class, key.engine, key.region),
            Self::DatabaseStorage { region, .. } => write!(f, "storage of databases in {region}"),
        }
    }
}

/// What is wanted and not known.
pub(super) fn missing(wanted: &Wanted, known: &Kept) -> Vec<Lookup> {
    let compute = wanted.compute.iter().filter(|key| !known.compute.contains_key(key));
    let has_volumes =
        |region: &str| ec2::volume_types().all(|it| known.volumes.contains_key(&(region.into(), it.into())));
    let volumes = wanted.volumes.iter().filter(|region| !has_volumes(region));
    let has_snapshots = |region: &String| {
        known.snapshots.contains_key(region) && known.archived_snapshots.contains_key(region)
    };
    let snapshots = wanted.snapshots.iter().filter(|region| !has_snapshots(region));
    let idle = wanted.idle_addresses.iter().filter(|region| !known.idle_addresses.contains_key(*region));
    let mut lookups: Vec<Lookup> = compute.cloned().map(Lookup::Compute).collect();
    lookups.extend(volumes.cloned().map(Lookup::Volumes));
    lookups.extend(snapshots.cloned().map(Lookup::Snapshots));
    lookups.extend(idle.cloned().map(Lookup::IdleAddresses));
    lookups.extend(missing_databases(&wanted.databases, known));
    let mut storage: BTreeMap<&str, Vec<DatabaseStorageKey>> = BTreeMap::new();
    for key in wanted.database_storage.iter().filter(|key| !known.database_storage.contains_key(key)) {
        storage.entry(&key.region).or_default().push(key.clone());
    }
    let of_region = |(region, keys): (&str, _)| Lookup::DatabaseStorage { region: region.to_owned(), keys };
    lookups.extend(storage.into_iter().map(of_region));
    lookups
}

fn missing_databases(wanted: &BTreeSet<DatabaseKey>, known: &Kept) -> Vec<Lookup> {
    let mut lookups = Vec::new();
    let mut asked: BTreeMap<(&str, &str, &'static str), Vec<DatabaseKey>> = BTreeMap::new();
    for key in wanted.iter().filter(|key| !known.databases.contains_key(key)) {
        match rds::engine_to_ask(key) {
            Ok(engine) => asked.entry((&key.region, &key.class, engine)).or_default().push(key.clone()),
            Err(why) => lookups.push(Lookup::NoDatabase(key.clone(), why)),
        }
    }
    let of = |((region, class, engine), keys): ((&str, &str, _), _)| Lookup::Databases {
        region: region.to_owned(),
        class: class.to_owned(),
        engine,
        keys,
    };
    lookups.extend(asked.into_iter().map(of));
    lookups
}

impl Lookup {
    pub(super) fn region(&self) -> &str {
        match self {
            Self::Compute(key) => &key.region,
            Self::NoDatabase(key, _) => &key.region,
            Self::Volumes(region)
            | Self::Snapshots(region)
            | Self::IdleAddresses(region)
            | Self::Databases { region, .. }
            | Self::DatabaseStorage { region, .. } => region,
        }
    }

    pub(super) fn queries(&self) -> Vec<Query<'_>> {
        let region = ("regionCode", self.region().to_owned());
        let family = |service, family: &str| Query {
            service,
            filters: vec![region.clone(), ("productFamily", family.to_owned())],
        };
        match self {
            Self::Compute(key) => vec![instance(key, region)],
            Self::Volumes(_) => ["Storage", "System Operation", "Provisioned Throughput"]
                .map(|it| family("AmazonEC2", it))
                .into(),
            Self::Snapshots(_) => vec![family("AmazonEC2", "Storage Snapshot")],
            // These have no family.
            Self::IdleAddresses(_) => vec![Query {
                service: "AmazonVPC",
                filters: vec![region, ("group", "VPCPublicIPv4Address".to_owned())],
            }],
            Self::Databases { class, engine, .. } => {
                let mut query = family("AmazonRDS", "Database Instance");
                query.filters.push(("instanceType", class.clone()));
                query.filters.push(("databaseEngine", (*engine).to_owned()));
                vec![query]
            }
            Self::NoDatabase(..) => Vec::new(),
            Self::DatabaseStorage { .. } => {
                ["Database Storage", "Provisioned IOPS", "Provisioned Throughput"]
                    .map(|it| family("AmazonRDS", it))
                    .into()
            }
        }
    }

    /// Notes what the products say.
    pub(super) fn keep(&self, products: &[Product], now: Timestamp, kept: &mut Kept) {
        match self {
            Self::Compute(key) => {
                let price = ec2::instance_hour(products, key);
                kept.compute.insert(key.clone(), Timed { read_at: now, price });
            }
            Self::Volumes(region) => {
                for (name, price) in ec2::volumes(products, region) {
                    kept.volumes.insert((region.clone(), name), Timed { read_at: now, price });
                }
            }
            Self::Snapshots(region) => {
                let (standard, archived) = ec2::snapshots(products, region);
                kept.snapshots.insert(region.clone(), Timed { read_at: now, price: standard });
                kept.archived_snapshots.insert(region.clone(), Timed { read_at: now, price: archived });
            }
            Self::IdleAddresses(region) => {
                let price = ec2::idle_address(products, region);
                kept.idle_addresses.insert(region.clone(), Timed { read_at: now, price });
            }
            Self::Databases { keys, .. } => {
                for key in keys {
                    let price = rds::instance_hour(products, key);
                    kept.databases.insert(key.clone(), Timed { read_at: now, price });
                }
            }
            Self::NoDatabase(_, why) => self.keep_nothing(why, now, kept),
            Self::DatabaseStorage { keys, .. } => {
                for key in keys {
                    let price = rds::storage(products, key);
                    kept.database_storage.insert(key.clone(), Timed { read_at: now, price });
                }
            }
        }
    }

    /// Notes why there is nothing.
    pub(super) fn keep_nothing(&self, why: &NoPrice, now: Timestamp, kept: &mut Kept) {
        fn none<T>(why: &NoPrice, read_at: Timestamp) -> Timed<T> {
            Timed { read_at, price: Err(why.clone()) }
        }
        match self {
            Self::Compute(key) => {
                kept.compute.insert(key.clone(), none(why, now));
            }
            Self::Volumes(region) => {
                let keys = ec2::volume_types().map(|name| (region.clone(), name.to_owned()));
                kept.volumes.extend(keys.map(|key| (key, none(why, now))));
            }
            Self::Snapshots(region) => {
                kept.snapshots.insert(region.clone(), none(why, now));
                kept.archived_snapshots.insert(region.clone(), none(why, now));
            }
            Self::IdleAddresses(region) => {
                kept.idle_addresses.insert(region.clone(), none(why, now));
            }
            Self::Databases { keys, .. } => {
                kept.databases.extend(keys.iter().map(|key| (key.clone(), none(why, now))));
            }
            Self::NoDatabase(key, _) => {
                kept.databases.insert(key.clone(), none(why, now));
            }
            Self::DatabaseStorage { keys, .. } => {
                kept.database_storage.extend(keys.iter().map(|key| (key.clone(), none(why, now))));
            }
        }
    }
}

/// The filters that leave one product: `capacitystatus` keeps reservations out, `marketoption` capacity blocks, and `operation` tells the
/// operating system and the software on it ("AMI billing information fields" in the EC2 user guide).
fn instance(key: &ComputeKey, region: (&'static str, String)) -> Query<'static> {
    let filters = vec![
        region,
        ("instanceType", key.instance_type.clone()),
        ("operation", key.operation.clone()),
        ("tenancy", ec2::tenancy_name(key.tenancy).to_owned()),
        ("capacitystatus", "Used".to_owned()),
        ("marketoption", "OnDemand".to_owned()),
    ];
    Query { service: "AmazonEC2", filters }
}

/// What is wanted, as it was known, read or not read.
pub(super) fn book(wanted: &Wanted, known: Kept, new: Kept, failed: Kept) -> PriceBook {
    let mut all = known;
    // What is known and not wanted must not make the book look older than it is.
    all.compute.retain(|key, _| wanted.compute.contains(key));
    all.volumes.retain(|(region, _), _| wanted.volumes.contains(region));
    all.snapshots.retain(|region, _| wanted.snapshots.contains(region));
    all.archived_snapshots.retain(|region, _| wanted.snapshots.contains(region));
    all.idle_addresses.retain(|region, _| wanted.idle_addresses.contains(region));
    all.databases.retain(|key, _| wanted.databases.contains(key));
    all.database_storage.retain(|key, _| wanted.database_storage.contains(key));
    all.replace(new);
    let as_of = all.clone().into_book().as_of;
    all.replace(failed);
    PriceBook { as_of, ..all.into_book() }
}
