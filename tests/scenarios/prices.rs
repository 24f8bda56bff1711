//! The price list, read from the emulator by the library: what is asked for, what is kept, and what becomes of refusals.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::{Timestamp, ToSpan};
use opsform::aws::{Aws, ErrorClass};
use opsform::prices::{
    ComputeKey, DatabaseKey, DatabaseStorageKey, Estimates, PriceBook, Reading, Tenancy, VolumeShape, Wanted,
    read_prices,
};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::aws::{Account, Emulator};

const GET: &str = "pricing:GetProducts";
const REGIONS: [&str; 2] = ["us-east-1", "ap-northeast-2"];

fn table() -> Value {
    serde_json::from_str(include_str!("../aws/price_table.json")).unwrap()
}

fn dollars(value: &Value) -> Decimal {
    value.as_str().unwrap().parse().unwrap()
}

fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

/// A way to the emulator as the account.
async fn connected(account: &Account) -> Aws {
    let credentials = aws_credential_types::Credentials::new(
        format!("AKIA{}", account.id()),
        "not-a-secret",
        None,
        None,
        "test",
    );
    let config = aws_config::defaults(aws_config::BehaviorVersion::latest())
        .region(aws_config::Region::new("us-east-1"))
        .endpoint_url(account.url())
        .credentials_provider(credentials)
        .retry_config(aws_config::retry::RetryConfig::disabled())
        .load()
        .await;
    let rates = BTreeMap::from([("GetProducts".to_owned(), 1000.0)]);
    Aws::new(BTreeMap::from([(account.id().to_owned(), config)]), rates)
}

fn compute(region: &str, instance_type: &str, operation: &str) -> ComputeKey {
    ComputeKey {
        region: region.to_owned(),
        instance_type: instance_type.to_owned(),
        operation: operation.to_owned(),
        tenancy: Tenancy::Shared,
    }
}

fn database(engine: &str, license: &str, multi_az: bool) -> DatabaseKey {
    DatabaseKey {
        region: "us-east-1".to_owned(),
        class: "db.m5.large".to_owned(),
        engine: engine.to_owned(),
        license: license.to_owned(),
        multi_az,
        cluster_storage: String::new(),
    }
}

fn storage(storage_type: &str, engine: &str, multi_az: bool) -> DatabaseStorageKey {
    let (region, storage_type) = ("us-east-1".to_owned(), storage_type.to_owned());
    DatabaseStorageKey { region, storage_type, engine: engine.to_owned(), multi_az }
}

/// Every instance of the table in two regions, and one of each of the rest.
fn wanted() -> Wanted {
    let mut wanted = Wanted::default();
    let regions: BTreeSet<String> = REGIONS.map(str::to_owned).into();
    for region in REGIONS {
        for (instance_type, facts) in table()[region]["instances"].as_object().unwrap() {
            let operations = facts["hour"].as_object().unwrap().keys();
            wanted.compute.extend(operations.map(|operation| compute(region, instance_type, operation)));
        }
    }
    wanted.volumes.clone_from(&regions);
    wanted.snapshots.clone_from(&regions);
    wanted.idle_addresses = regions;
    wanted.databases = [
        database("mysql", "general-public-license", false),
        database("mysql", "general-public-license", true),
        database("sqlserver-se", "license-included", true),
        database("oracle-ee", "bring-your-own-license", false),
    ]
    .into();
    wanted.database_storage = [
        storage("gp3", "mysql", true),
        storage("io1", "postgres", false),
        storage("gp2", "sqlserver-se", true),
    ]
    .into();
    wanted
}

async fn read(account: &Account, wanted: &Wanted, now: Timestamp, cache: Option<&Path>) -> Reading {
    read_prices(&connected(account).await, account.id(), wanted, now, cache).await
}

fn check_against_the_table(book: &PriceBook, wanted: &Wanted) {
    let table = table();
    for key in &wanted.compute {
        let expected = &table[&key.region]["instances"][&key.instance_type]["hour"][&key.operation];
        assert_eq!(book.compute_hour(key), Ok(dollars(expected)), "{key:?}");
    }
    for region in REGIONS {
        let facts = &table[region];
        let shape = |volume_type: &str, iops, throughput| VolumeShape {
            volume_type: volume_type.to_owned(),
            size: 100,
            iops,
            throughput,
        };
        let hundred = Decimal::from(100);
        for (name, price) in facts["volumes"].as_object().unwrap() {
            // Those that have iops of their own always have some.
            let iops = matches!(&**name, "io1" | "io2").then_some(100);
            let of_iops = iops.map_or(Decimal::ZERO, |_| hundred * dollars(&facts["iops"][name][0]));
            let month = book.volume_month(region, &shape(name, iops, None));
            assert_eq!(month, Ok(hundred * dollars(price) + of_iops), "{name}");
        }
        let gp3 = book.volume_month(region, &shape("gp3", Some(4_000), Some(225))).unwrap();
        let expected = hundred * dollars(&facts["volumes"]["gp3"])
            + Decimal::from(1_000) * dollars(&facts["iops"]["gp3"][0])
            + hundred * dollars(&facts["gp3_throughput_gibps"]) / Decimal::from(1024);
        assert_eq!(gp3, expected);
        let io2 = book.volume_month(region, &shape("io2", Some(70_000), None)).unwrap();
        let tiers = [32_000, 32_000, 6_000].map(Decimal::from);
        let iops: Decimal =
            tiers.iter().enumerate().map(|(tier, count)| count * dollars(&facts["iops"]["io2"][tier])).sum();
        assert_eq!(io2, hundred * dollars(&facts["volumes"]["io2"]) + iops);
        assert_eq!(book.snapshot_gib_month(region, false), Ok(dollars(&facts["snapshot"])));
        assert_eq!(book.snapshot_gib_month(region, true), Ok(dollars(&facts["archived_snapshot"])));
        assert_eq!(book.idle_address_hour(region), Ok(dollars(&facts["idle_address"])));
    }
    let hours = &table["us-east-1"]["databases"]["db.m5.large"];
    let two = Decimal::from(2);
    for (engine, license, multi_az, expected) in [
        ("mysql", "general-public-license", false, dollars(&hours["mysql"])),
        ("mysql", "general-public-license", true, two * dollars(&hours["mysql"])),
        ("sqlserver-se", "license-included", true, two * dollars(&hours["sqlserver-se"])),
        ("oracle-ee", "bring-your-own-license", false, dollars(&hours["oracle-ee byol"])),
    ] {
        assert_eq!(
            book.database_hour(&database(engine, license, multi_az)),
            Ok(expected),
            "{engine} {multi_az}"
        );
    }
    let gib = |storage_type: &str| dollars(&table["us-east-1"]["database_storage"][storage_type]);
    for (key, expected) in [
        (storage("gp3", "mysql", true), two * gib("gp3")),
        (storage("gp2", "sqlserver-se", true), two * gib("gp2")),
    ] {
        let shape = VolumeShape { volume_type: key.storage_type.clone(), size: 1, ..VolumeShape::default() };
        assert_eq!(book.database_storage_month(&key, &shape), Ok(expected), "{key:?}");
    }
}

#[tokio::test]
async fn each_price_is_asked_for_once_and_kept_for_a_day() {
    let (account, folder) = (Emulator::shared().account(), tempfile::tempdir().unwrap());
    let wanted = wanted();
    let reading = read(&account, &wanted, now(), Some(folder.path())).await;
    assert_eq!((reading.errors.len(), reading.remarks.len()), (0, 0), "{:?}", reading.errors);
    assert_eq!(reading.book.as_of, Some(now()));
    check_against_the_table(&reading.book, &wanted);
    // An instance a call; three families of volumes, one of snapshots and one of addresses a region; three engines of one class; three
    // families of storage of databases, one of which has two pages.
    let calls = wanted.compute.len() + 2 * 5 + 3 + 3;
    let sent = usize::try_from(account.count(GET)).unwrap();
    assert!((calls..=calls + 1).contains(&sent), "{sent} calls, {calls} expected");
    let at = |hours: i64| now() + hours.hours();
    account.clear_calls();
    let again = read(&account, &wanted, at(23), Some(folder.path())).await;
    assert_eq!((account.count(GET), &again.book), (0, &reading.book));
    // The next day one more is wanted: what is old is read anew, at the same price.
    let anew = read(&account, &wanted, at(24), Some(folder.path())).await;
    assert_eq!((anew.book.as_of, usize::try_from(account.count(GET)).unwrap()), (Some(at(24)), sent));
    account.clear_calls();
    let mut more = wanted.clone();
    more.compute.insert(compute("eu-west-1", "m5.large", "RunInstances"));
    let with_more = read(&account, &more, at(25), Some(folder.path())).await;
    assert_eq!((account.count(GET), with_more.book.as_of), (1, Some(at(24))));
    check_against_the_table(&with_more.book, &wanted);
    let estimates = Estimates::new(Some(folder.path()), Some(&account.url()));
    assert_eq!(estimates.storage("us-east-1").source, "list prices of 2026-11-21, before tax and discounts");
}

#[tokio::test]
async fn a_price_that_is_missing_or_not_unique_is_none() {
    let account = Emulator::shared().account();
    let (gone, twice, free) = (
        compute("eu-west-1", "m5.large", "RunInstances"),
        compute("eu-west-1", "c5.xlarge", "RunInstances"),
        compute("eu-west-1", "t3.micro", "RunInstances"),
    );
    let used = |key: &ComputeKey| {
        json!({"regionCode": key.region, "instanceType": key.instance_type, "operation": key.operation,
               "capacitystatus": "Used", "tenancy": "Shared", "marketoption": "OnDemand"})
    };
    account.prices(json!({"drop": [used(&gone)], "set": [{"where": used(&free), "usd": "0.0000000000"}]}));
    account.prices(json!({"add": [{
        "product": {
            "productFamily": "Compute Instance", "sku": "SECOND",
            "attributes": {"regionCode": "eu-west-1", "instanceType": "c5.xlarge", "operation": "RunInstances",
                           "capacitystatus": "Used", "tenancy": "Shared", "marketoption": "OnDemand",
                           "locationType": "AWS Region"},
        },
        "serviceCode": "AmazonEC2",
        "terms": {"OnDemand": {"a": {"priceDimensions": {"b": {
            "unit": "Hrs", "beginRange": "0", "endRange": "Inf", "pricePerUnit": {"USD": "9.0000000000"}}}}}},
    }]}));
    let unknown = compute("us-gov-west-1", "m5.large", "RunInstances");
    let wanted = Wanted {
        compute: [gone.clone(), twice.clone(), free.clone(), unknown.clone()].into(),
        ..Wanted::default()
    };
    let reading = read(&account, &wanted, now(), None).await;
    assert!(reading.errors.is_empty());
    for (key, why) in [
        (&gone, "the price list has none for m5.large (RunInstances) in eu-west-1"),
        (&twice, "the price list has several for c5.xlarge (RunInstances) in eu-west-1, such as 0.192 and 9"),
        (&free, "the price list says 0.0000000000 for t3.micro (RunInstances) in eu-west-1"),
        (&unknown, "AWS has no price list for credentials of aws-us-gov (us-gov-west-1)"),
    ] {
        assert_eq!(reading.book.compute_hour(key).unwrap_err().to_string(), why);
    }
    assert_eq!(account.count(GET), 3);
}

#[tokio::test]
async fn a_refusal_is_an_error_that_names_the_permission_and_is_not_kept() {
    let (account, folder) = (Emulator::shared().account(), tempfile::tempdir().unwrap());
    account.faults(json!([{"kind": "denied", "service": "pricing", "operation": "GetProducts"}]));
    let key = compute("us-east-1", "m5.large", "RunInstances");
    let wanted = Wanted { compute: [key.clone()].into(), ..wanted() };
    let reading = read(&account, &wanted, now(), Some(folder.path())).await;
    let [error] = &*reading.errors else { panic!("one reason is told once: {:?}", reading.errors) };
    assert_eq!(error.class, ErrorClass::Denied);
    assert!(error.hint().unwrap().contains("pricing:GetProducts"), "{:?}", error.hint());
    let why = reading.book.compute_hour(&key).unwrap_err().to_string();
    assert!(why.starts_with("the price of m5.large (RunInstances) in us-east-1 could not be read"), "{why}");
    assert_eq!(reading.book.as_of, None);
    assert!(reading.whole().is_err());
    account.faults(json!([]));
    let reading = read(&account, &wanted, now(), Some(folder.path())).await;
    assert!(reading.errors.is_empty());
    assert!(reading.book.compute_hour(&key).is_ok());
}
