//! Databases in AWS's price list: which products they are.
//!
//! Names of engines, editions and licences are the list's; those of keys are what `DescribeDBInstances` answers ("`CreateDBInstance`" in
//! the RDS API reference lists the engines).

use super::product::{GIB_MONTHS, HOURS, IOPS_MONTHS, MIBPS_MONTHS, Product, Units, one_price};
use super::{DatabaseKey, DatabaseStorageKey, DatabaseStoragePrices, NoPrice, Priced};

use rust_decimal::Decimal;

/// What gp3 includes, of one volume ("Amazon RDS DB instance storage"); see [`stripes`].
const GP3_IOPS: i32 = 3_000;
const GP3_THROUGHPUT: i32 = 125;

/// `databaseEngine` and `databaseEdition` of an engine; the edition is empty where there is none.
fn engine_names(engine: &str) -> Option<(&'static str, &'static str)> {
    Some(match engine {
        "mysql" => ("MySQL", ""),
        "mariadb" => ("MariaDB", ""),
        "postgres" => ("PostgreSQL", ""),
        "aurora" | "aurora-mysql" => ("Aurora MySQL", ""),
        "aurora-postgresql" => ("Aurora PostgreSQL", ""),
        "oracle-ee" | "oracle-ee-cdb" => ("Oracle", "Enterprise"),
        "oracle-se2" | "oracle-se2-cdb" => ("Oracle", "Standard Two"),
        "oracle-se1" => ("Oracle", "Standard One"),
        "oracle-se" => ("Oracle", "Standard"),
        "sqlserver-ee" => ("SQL Server", "Enterprise"),
        "sqlserver-se" => ("SQL Server", "Standard"),
        "sqlserver-web" => ("SQL Server", "Web"),
        "sqlserver-ex" => ("SQL Server", "Express"),
        "sqlserver-dev-ee" => ("SQL Server", "Developer"),
        "db2-ae" => ("Db2", "Advanced"),
        "db2-se" => ("Db2", "Standard"),
        _ => return None,
    })
}

/// `licenseModel` of a licence.
fn licence_name(licence: &str) -> Option<&'static str> {
    Some(match licence {
        "license-included" => "License included",
        "bring-your-own-license" => "Bring your own license",
        "general-public-license" | "postgresql-license" => "No license required",
        _ => return None,
    })
}

/// What is asked for: `databaseEngine`. One answer serves all editions, licences and deployments of a class.
///
/// # Errors
/// Says of what the list is known to have no hourly price.
pub(super) fn engine_to_ask(key: &DatabaseKey) -> Priced<&'static str> {
    let DatabaseKey { region, class, engine, license, .. } = key;
    if class == "db.serverless" {
        return Err(NoPrice(format!(
            "{class} ({engine}) in {region} is billed by the capacity that it uses"
        )));
    }
    let Some((name, _)) = engine_names(engine) else {
        return Err(NoPrice(format!("opsform does not know how the price list calls the engine {engine}")));
    };
    if licence_name(license).is_none() {
        return Err(NoPrice(format!(
            "{class} ({engine}) with {license} has no price in the list of Amazon RDS"
        )));
    }
    Ok(name)
}

/// An hour of a database instance.
pub(super) fn instance_hour(products: &[Product], key: &DatabaseKey) -> Priced<Decimal> {
    engine_to_ask(key)?;
    let DatabaseKey { region, class, engine, license, multi_az, .. } = key;
    let (name, edition) = engine_names(engine).unwrap_or_default();
    let is_optimized = key.cluster_storage == "aurora-iopt1";
    let licence = licence_name(license).unwrap_or_default();
    let fits = |product: &&Product| {
        let usage = product.usage();
        product.family == "Database Instance"
            && product.is_of_region()
            && product.get("regionCode") == region
            && product.get("instanceType") == class
            && product.get("databaseEngine") == name
            && product.get("databaseEdition") == edition
            && product.get("licenseModel") == licence
            // RDS Custom and Outposts are other services under the same attributes.
            && product.get("deploymentModel").is_empty()
            && !["Custom", "Outposts", "ExtendedSupport"].iter().any(|word| usage.contains(word))
            && usage.contains("IOOptimized") == is_optimized
    };
    let products: Vec<&Product> = products.iter().filter(fits).collect();
    let standby = if *multi_az { ", Multi-AZ" } else { "" };
    let what = format!("{class} ({engine}, {license}{standby}) in {region}");
    // SQL Server's standby is a mirror, where the list has such rows.
    let deployments: &[&str] = match (multi_az, name) {
        (false, _) => &["Single-AZ"],
        (true, "SQL Server") => &["Multi-AZ (SQL Server Mirror)", "Multi-AZ"],
        (true, _) => &["Multi-AZ"],
    };
    let of = |deployment: &&str| {
        let rows = products.iter().copied().filter(|product| product.get("deploymentOption") == *deployment);
        rows.collect::<Vec<_>>()
    };
    let rows = deployments.iter().map(of).find(|rows| !rows.is_empty()).unwrap_or_default();
    one_price(rows, HOURS, &what)
}

/// The usage types of one sort of storage, after `RDS:` and the deployment.
struct StorageUsage {
    gib: &'static [&'static str],
    iops: Option<&'static str>,
    throughput: Option<&'static str>,
}

/// `None` for a type that the list is not known to have.
fn storage_usage(storage_type: &str) -> Option<StorageUsage> {
    let (gib, iops, throughput): (&[_], _, _) = match storage_type {
        "gp2" => (&["GP2-Storage"], None, None),
        "gp3" => (&["GP3-Storage"], Some("GP3-PIOPS"), Some("GP3-Throughput")),
        "io1" => (&["PIOPS-Storage"], Some("PIOPS"), None),
        "io2" => (&["PIOPS-Storage-IO2", "IO2-PIOPS-Storage"], Some("IO2-PIOPS"), None),
        "standard" => (&["StorageUsage"], None, None),
        "aurora" | "aurora-iopt1" => (&[], None, None),
        _ => return None,
    };
    Some(StorageUsage { gib, iops, throughput })
}

/// A type of storage of databases.
pub(super) fn storage(products: &[Product], key: &DatabaseStorageKey) -> Priced<DatabaseStoragePrices> {
    let DatabaseStorageKey { region, storage_type, engine, .. } = key;
    let what = |noun: &str| {
        let standby = if key.multi_az { ", Multi-AZ" } else { "" };
        format!("{noun} of {storage_type} storage ({engine}{standby}) in {region}")
    };
    let Some(usage) = storage_usage(storage_type) else {
        return Err(NoPrice(format!(
            "opsform does not know how the price list calls {storage_type} storage"
        )));
    };
    if usage.gib.is_empty() {
        return aurora_storage(products, key, &what("a GiB"));
    }
    let price =
        |usages: &[&str], units: Units, noun| one_price(of_usages(products, key, usages), units, &what(noun));
    let is_gp3 = storage_type == "gp3";
    // Where nothing can be provisioned, whatever there is is included.
    let included = |of_gp3| match (is_gp3, usage.iops) {
        (true, _) => of_gp3,
        (false, Some(_)) => 0,
        (false, None) => i32::MAX,
    };
    Ok(DatabaseStoragePrices {
        gib: price(usage.gib, GIB_MONTHS, "a GiB")?,
        iops: usage.iops.and_then(|usage| price(&[usage], IOPS_MONTHS, "iops").ok()),
        throughput: usage.throughput.and_then(|usage| price(&[usage], MIBPS_MONTHS, "throughput").ok()),
        included_iops: included(GP3_IOPS),
        included_throughput: if is_gp3 { GP3_THROUGHPUT } else { i32::MAX },
    })
}

/// Aurora's storage is the cluster's: copies in three zones are included, and nothing is provisioned.
fn aurora_storage(
    products: &[Product],
    key: &DatabaseStorageKey,
    what: &str,
) -> Priced<DatabaseStoragePrices> {
    let usage = match &*key.storage_type {
        "aurora" => "Aurora:StorageUsage",
        _ => "Aurora:IO-OptimizedStorageUsage",
    };
    let rows = of_engine(
        products.iter().filter(|product| is_there(product, &key.region) && product.usage() == usage),
        &key.engine,
    );
    Ok(DatabaseStoragePrices {
        gib: one_price(rows, GIB_MONTHS, what)?,
        included_iops: i32::MAX,
        included_throughput: i32::MAX,
        ..DatabaseStoragePrices::default()
    })
}

/// The products of usage types such as `RDS:GP3-Storage` and, with a standby, `RDS:Multi-AZ-GP3-Storage`.
fn of_usages<'a>(products: &'a [Product], key: &'a DatabaseStorageKey, usages: &[&str]) -> Vec<&'a Product> {
    let is_sql_server = key.engine.starts_with("sqlserver-");
    // As with instances, SQL Server's standby is a mirror where the list has such rows.
    let begins: &[&str] = match (key.multi_az, is_sql_server) {
        (false, _) => &["RDS:"],
        (true, true) => &["RDS:Mirror-", "RDS:Multi-AZ-"],
        (true, false) => &["RDS:Multi-AZ-"],
    };
    let of = |begin: &&str| {
        let fits = |product: &&Product| {
            let rest = product.usage().strip_prefix(begin);
            is_there(product, &key.region) && rest.is_some_and(|rest| usages.contains(&rest))
        };
        of_engine(products.iter().filter(fits), &key.engine)
    };
    begins.iter().map(of).find(|rows| !rows.is_empty()).unwrap_or_default()
}

/// The list has rows for single engines and one for any; the engine's own go first.
fn of_engine<'a>(products: impl Iterator<Item = &'a Product>, engine: &str) -> Vec<&'a Product> {
    let (name, _) = engine_names(engine).unwrap_or(("Any", ""));
    let products: Vec<&Product> = products.collect();
    let of = |wanted: &str| {
        let rows = products.iter().copied().filter(|product| product.get("databaseEngine") == wanted);
        rows.collect::<Vec<_>>()
    };
    Some(of(name)).filter(|rows| !rows.is_empty()).unwrap_or_else(|| of("Any"))
}

fn is_there(product: &Product, region: &str) -> bool {
    product.is_of_region() && product.get("regionCode") == region
}

/// Over how many volumes RDS stripes gp3 storage of a size, each with what it includes: four from 400 GiB, of Oracle from 200 GiB, of
/// SQL Server never ("General Purpose SSD storage" in "Amazon RDS DB instance storage").
pub(super) fn stripes(key: &DatabaseStorageKey, gib: i32) -> i32 {
    let from = match &*key.engine {
        engine if engine.starts_with("sqlserver-") => return 1,
        engine if engine.starts_with("oracle-") => 200,
        _ => 400,
    };
    if key.storage_type == "gp3" && gib >= from { 4 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prices::fixtures::{dollars, product};
    use crate::prices::{PriceBook, VolumeShape};

    fn key(engine: &str, license: &str, multi_az: bool, cluster_storage: &str) -> DatabaseKey {
        DatabaseKey {
            region: "eu-west-1".to_owned(),
            class: "db.m5.large".to_owned(),
            engine: engine.to_owned(),
            license: license.to_owned(),
            multi_az,
            cluster_storage: cluster_storage.to_owned(),
        }
    }

    fn instance(usage: &str, usd: &str, engine: &str, more: &[(&str, &str)]) -> Product {
        let begin =
            [("instanceType", "db.m5.large"), ("databaseEngine", engine), ("deploymentOption", "Single-AZ")];
        let attributes: Vec<_> = begin.iter().chain(more).copied().collect();
        product("Database Instance", &format!("EU-{usage}:db.m5.large"), ("Hrs", usd), &attributes)
    }

    fn instances() -> Vec<Product> {
        let free = ("licenseModel", "No license required");
        let (paid, own) = (("licenseModel", "License included"), ("licenseModel", "Bring your own license"));
        let multi = ("deploymentOption", "Multi-AZ");
        let mirror = ("deploymentOption", "Multi-AZ (SQL Server Mirror)");
        let readable = ("deploymentOption", "Multi-AZ (readable standbys)");
        let (standard, enterprise) = (("databaseEdition", "Standard"), ("databaseEdition", "Enterprise"));
        vec![
            instance("InstanceUsage", "0.19", "MySQL", &[free]),
            instance("InstanceUsage", "0.07", "MySQL", &[free, ("locationType", "AWS Outposts")]),
            instance("Multi-AZUsage", "0.38", "MySQL", &[free, multi]),
            instance("Multi-AZClusterUsage", "0.57", "MySQL", &[free, readable]),
            instance("InstanceUsage", "0.2", "PostgreSQL", &[free]),
            instance("InstanceUsage", "0.29", "Aurora MySQL", &[free]),
            instance("InstanceUsageIOOptimized", "0.377", "Aurora MySQL", &[free]),
            instance("InstanceUsage", "1.1", "SQL Server", &[paid, standard]),
            instance("Multi-AZUsage", "2.0", "SQL Server", &[paid, standard, multi]),
            instance("Multi-AZUsage", "2.2", "SQL Server", &[paid, standard, mirror]),
            instance("InstanceUsage", "2.5", "SQL Server", &[paid, enterprise]),
            instance("InstanceUsage", "0.2", "Oracle", &[own, enterprise]),
            instance("CustomInstanceUsage", "0.3", "Oracle", &[own, enterprise]),
            instance("InstanceUsage", "0.4", "Oracle", &[own, enterprise, ("deploymentModel", "Custom")]),
        ]
    }

    #[test]
    fn a_database_has_the_price_of_its_engine_edition_licence_and_deployment() {
        let list = instances();
        for (engine, license, multi_az, storage, expected) in [
            ("mysql", "general-public-license", false, "", "0.19"),
            ("mysql", "general-public-license", true, "", "0.38"),
            ("postgres", "postgresql-license", false, "", "0.2"),
            ("aurora-mysql", "general-public-license", false, "aurora", "0.29"),
            ("aurora-mysql", "general-public-license", false, "aurora-iopt1", "0.377"),
            ("sqlserver-se", "license-included", false, "", "1.1"),
            ("sqlserver-se", "license-included", true, "", "2.2"),
            ("sqlserver-ee", "license-included", false, "", "2.5"),
            ("oracle-ee", "bring-your-own-license", false, "", "0.2"),
            ("oracle-ee-cdb", "bring-your-own-license", false, "", "0.2"),
        ] {
            let price = instance_hour(&list, &key(engine, license, multi_az, storage));
            assert_eq!(price, Ok(dollars(expected)), "{engine} {multi_az} {storage}");
        }
    }

    #[test]
    fn a_database_that_the_list_does_not_sell_says_what_it_is() {
        let why = |engine: &str, license: &str, multi_az| {
            instance_hour(&instances(), &key(engine, license, multi_az, "")).unwrap_err().to_string()
        };
        assert_eq!(
            why("oracle-se2", "license-included", true),
            "the price list has none for db.m5.large (oracle-se2, license-included, Multi-AZ) in eu-west-1"
        );
        assert_eq!(
            why("neptune", "amazon-license", false),
            "opsform does not know how the price list calls the engine neptune"
        );
        assert_eq!(
            why("db2-se", "marketplace-license", false),
            "db.m5.large (db2-se) with marketplace-license has no price in the list of Amazon RDS"
        );
        let serverless =
            DatabaseKey { class: "db.serverless".to_owned(), ..key("aurora-mysql", "", false, "") };
        assert_eq!(
            engine_to_ask(&serverless).unwrap_err().to_string(),
            "db.serverless (aurora-mysql) in eu-west-1 is billed by the capacity that it uses"
        );
    }

    fn storages() -> Vec<Product> {
        let row = |usage: &str, unit: &str, usd: &str, engine: &str| {
            product("Database Storage", &format!("EU-{usage}"), (unit, usd), &[("databaseEngine", engine)])
        };
        vec![
            row("RDS:GP3-Storage", "GB-Mo", "0.127", "Any"),
            row("RDS:GP3-Storage", "GB-Mo", "0.14", "SQL Server"),
            row("RDS:Multi-AZ-GP3-Storage", "GB-Mo", "0.254", "Any"),
            row("RDS:Mirror-GP3-Storage", "GB-Mo", "0.28", "SQL Server"),
            row("RDS:Multi-AZCluster-GP3-Storage", "GB-Mo", "0.381", "Any"),
            row("RDS:GP3-PIOPS", "IOPS-Mo", "0.022", "Any"),
            row("RDS:Multi-AZ-GP3-PIOPS", "IOPS-Mo", "0.044", "Any"),
            row("RDS:GP3-Throughput", "MBPS-Mo", "0.088", "Any"),
            row("RDS:PIOPS-Storage", "GB-Mo", "0.138", "Any"),
            row("RDS:PIOPS", "IOPS-Mo", "0.11", "Any"),
            row("RDS:PIOPS-Storage-IO2", "GB-Mo", "0.139", "Any"),
            row("RDS:IO2-PIOPS", "IOPS-Mo", "0.12", "Any"),
            row("RDS:GP2-Storage", "GB-Mo", "0.126", "Any"),
            row("RDS:StorageUsage", "GB-Mo", "0.11", "Any"),
            row("Aurora:StorageUsage", "GB-Mo", "0.1", "Any"),
            row("Aurora:IO-OptimizedStorageUsage", "GB-Mo", "0.225", "Any"),
        ]
    }

    fn month(
        storage_type: &str,
        engine: &str,
        multi_az: bool,
        shape: (i32, Option<i32>, Option<i32>),
    ) -> Priced<Decimal> {
        let key = DatabaseStorageKey {
            region: "eu-west-1".to_owned(),
            storage_type: storage_type.to_owned(),
            engine: engine.to_owned(),
            multi_az,
        };
        let mut book = PriceBook::default();
        book.database_storage.insert(key.clone(), storage(&storages(), &key));
        let (size, iops, throughput) = shape;
        let volume_type = storage_type.to_owned();
        book.database_storage_month(&key, &VolumeShape { volume_type, size, iops, throughput })
    }

    #[test]
    fn storage_is_that_of_its_type_engine_and_deployment() {
        for (storage_type, engine, multi_az, shape, expected) in [
            ("gp2", "mysql", false, (100, None, None), "12.6"),
            ("gp2", "mysql", false, (100, Some(300), None), "12.6"),
            ("standard", "mysql", false, (100, None, None), "11"),
            ("gp3", "mysql", false, (100, Some(3000), Some(125)), "12.7"),
            ("gp3", "mysql", true, (100, Some(3000), Some(125)), "25.4"),
            ("gp3", "sqlserver-se", false, (100, Some(3000), Some(125)), "14"),
            ("gp3", "sqlserver-se", true, (100, Some(3000), Some(125)), "28"),
            ("gp3", "mysql", false, (100, Some(4000), Some(225)), "43.5"), // 12.7 + 22 + 8.8
            ("io1", "mysql", false, (100, Some(1000), None), "123.8"),
            ("io2", "mysql", false, (100, Some(1000), None), "133.9"),
            ("aurora", "aurora-mysql", false, (100, None, None), "10"),
            ("aurora-iopt1", "aurora-mysql", false, (100, None, None), "22.5"),
        ] {
            let price = month(storage_type, engine, multi_az, shape);
            assert_eq!(price, Ok(dollars(expected)), "{storage_type} {engine} {multi_az} {shape:?}");
        }
    }

    #[test]
    fn striped_gp3_includes_four_times_as_much() {
        for (engine, size, iops, extra) in [
            ("mysql", 400, 12_000, "0"),
            ("mysql", 400, 12_100, "2.2"),
            ("mysql", 399, 3_100, "2.2"),
            ("oracle-ee", 200, 12_000, "0"),
            ("oracle-ee", 199, 3_100, "2.2"),
        ] {
            let price = month("gp3", engine, false, (size, Some(iops), Some(125))).unwrap();
            let size = Decimal::from(size) * dollars("0.127");
            assert_eq!(price - size, dollars(extra), "{engine} {iops}");
        }
        // SQL Server is never striped, and pays for all that is above one volume's.
        let price = month("gp3", "sqlserver-se", false, (1000, Some(12_000), Some(125)));
        assert_eq!(price, Ok(dollars("140") + dollars("198")));
    }

    #[test]
    fn storage_that_the_list_does_not_sell_says_so() {
        assert_eq!(
            month("gp9", "mysql", false, (1, None, None)).unwrap_err().to_string(),
            "opsform does not know how the price list calls gp9 storage"
        );
        assert_eq!(
            month("standard", "mysql", true, (1, None, None)).unwrap_err().to_string(),
            "the price list has none for a GiB of standard storage (mysql, Multi-AZ) in eu-west-1"
        );
    }
}
