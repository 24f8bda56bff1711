use std::thread;

use jiff::ToSpan;

use super::*;
use crate::prices::Tenancy;
use crate::prices::fixtures::dollars;

fn at(hour: &str) -> Timestamp {
    format!("2026-11-20T{hour}:00Z").parse().expect("a time")
}

fn key(instance_type: &str) -> ComputeKey {
    ComputeKey {
        region: "eu-west-1".to_owned(),
        instance_type: instance_type.to_owned(),
        operation: "RunInstances:0006".to_owned(),
        tenancy: Tenancy::Shared,
    }
}

fn compute(instance_type: &str, price: &str, read_at: Timestamp) -> Kept {
    let timed = Timed { read_at, price: Ok(dollars(price)) };
    Kept { compute: BTreeMap::from([(key(instance_type), timed)]), ..Kept::default() }
}

/// One of every sort, and one that has no price.
fn everything(read_at: Timestamp) -> Kept {
    let region = "eu-west-1".to_owned();
    let dollar = Timed { read_at, price: Ok(dollars("0.05")) };
    let none = |why: &str| NoPrice(why.to_owned());
    let volumes = VolumePrices { gib: dollars("0.088"), iops: vec![dollars("0.0055")], throughput: None };
    let storage = DatabaseStoragePrices { gib: dollars("0.127"), included_iops: 3000, ..Default::default() };
    let database = DatabaseKey {
        region: region.clone(),
        class: "db.m5.large".to_owned(),
        engine: "mysql".to_owned(),
        license: "general-public-license".to_owned(),
        multi_az: true,
        cluster_storage: String::new(),
    };
    let database_storage = DatabaseStorageKey {
        region: region.clone(),
        storage_type: "gp3".to_owned(),
        engine: "mysql".to_owned(),
        multi_az: false,
    };
    Kept {
        volumes: BTreeMap::from([
            ((region.clone(), "gp3".to_owned()), Timed { read_at, price: Ok(volumes) }),
            ((region.clone(), "gp9".to_owned()), Timed { read_at, price: Err(none("no such type")) }),
        ]),
        snapshots: BTreeMap::from([(region.clone(), dollar.clone())]),
        archived_snapshots: BTreeMap::from([(region.clone(), dollar.clone())]),
        idle_addresses: BTreeMap::from([(region, Timed { read_at, price: Err(none("nobody sells it")) })]),
        databases: BTreeMap::from([(database, dollar)]),
        database_storage: BTreeMap::from([(database_storage, Timed { read_at, price: Ok(storage) })]),
        ..compute("m5.large", "0.668", read_at)
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_is_kept_comes_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::new(&folder.path().join("a/new/folder"), None);
    assert_eq!(cache.read(), (Kept::default(), None));
    assert_eq!(cache.add(everything(at("09:00")), at("09:01")), None);
    assert_eq!(cache.read(), (everything(at("09:00")), None));
    assert_eq!(names(&folder.path().join("a/new/folder")), ["prices.json"]);
    let book = cache.read().0.into_book();
    assert_eq!(book.as_of, Some(at("09:00")));
    assert_eq!(book.compute_hour(&key("m5.large")), Ok(dollars("0.668")));
    assert_eq!(book.idle_address_hour("eu-west-1").unwrap_err().to_string(), "nobody sells it");
}

#[test]
fn each_price_has_an_age_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::new(folder.path(), None);
    let (old, new) = (at("09:00"), at("09:00") + 20.hours());
    cache.add(compute("m5.large", "1", old), old);
    cache.add(compute("m5.xlarge", "2", new), new);
    let fresh = |now| cache.read().0.younger_than(FRESH, now).compute.len();
    assert_eq!(fresh(old + 23.hours()), 2);
    assert_eq!(fresh(old + 24.hours()), 1);
    assert_eq!(fresh(new + 24.hours()), 0);
    // What was read later than now was read by a clock that was wrong.
    assert_eq!(fresh(old), 1);
    let much_later = old + (24 * 200).hours();
    cache.add(compute("m5.large", "3", much_later), much_later);
    assert_eq!(cache.read().0, compute("m5.large", "3", much_later));
}

#[test]
fn an_emulator_s_prices_are_no_prices_of_aws() {
    let folder = tempfile::tempdir().unwrap();
    let emulator = Cache::new(folder.path(), Some("http://127.0.0.1:4566"));
    emulator.add(compute("m5.large", "1", at("09:00")), at("09:00"));
    assert_eq!(names(folder.path()), ["prices-http---127.0.0.1-4566.json"]);
    assert_eq!(Cache::new(folder.path(), None).read().0, Kept::default());
    assert_eq!(Cache::new(folder.path(), Some("http://127.0.0.1:4567")).read().0, Kept::default());
    // Another address that has the same name as a file.
    assert_eq!(Cache::new(folder.path(), Some("http:--127.0.0.1:4566")).read(), (Kept::default(), None));
    assert_eq!(emulator.read().0, compute("m5.large", "1", at("09:00")));
}

#[test]
fn a_damaged_file_or_a_newer_one_is_told_and_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::new(folder.path(), None);
    let path = folder.path().join("prices.json");
    for (text, told) in [
        ("", "is damaged and is replaced: EOF"),
        (r#"{"format": 1, "compute": ["#, "is damaged and is replaced: EOF"),
        (r#"{"format": 1, "compute": []}"#, "is damaged and is replaced: missing field"),
        (r#"{"format": 2, "else": 1}"#, "is of a newer version of opsform (format 2, not 1); it is replaced"),
        (r#"{"format": 0}"#, "is of an older version of opsform (format 0, not 1); it is replaced"),
    ] {
        fs::write(&path, text).unwrap();
        let (kept, remark) = cache.read();
        assert_eq!(kept, Kept::default(), "{text}");
        let remark = remark.unwrap();
        let expected = format!("the file of prices {} {told}", path.display());
        assert!(remark.starts_with(&expected), "{remark}");
        assert_eq!(cache.add(everything(at("09:00")), at("09:00")), None);
        assert_eq!(cache.read(), (everything(at("09:00")), None), "{text}");
    }
}

#[test]
fn a_file_cut_off_anywhere_is_damaged_and_no_price() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::new(folder.path(), None);
    cache.add(everything(at("09:00")), at("09:00"));
    let path = folder.path().join("prices.json");
    let whole = fs::read(&path).unwrap();
    for end in 0..whole.len() {
        fs::write(&path, &whole[..end]).unwrap();
        let (kept, remark) = cache.read();
        assert!(kept == Kept::default() && remark.is_some(), "{end}");
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_a_remark() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let cache = Cache::new(&file, None);
    assert_eq!(cache.read(), (Kept::default(), None));
    let remark = cache.add(everything(at("09:00")), at("09:00")).unwrap();
    assert!(remark.contains("prices.json cannot be written: "), "{remark}");
}

#[test]
fn writers_side_by_side_never_leave_half_a_file() {
    let folder = tempfile::tempdir().unwrap();
    thread::scope(|scope| {
        for writer in 0..8 {
            let cache = Cache::new(folder.path(), None);
            scope.spawn(move || {
                for count in 0..10 {
                    let new = compute(&format!("m{writer}.{count}"), "1", at("09:00"));
                    assert_eq!(cache.add(new, at("09:00")), None);
                    assert_eq!(cache.read().1, None);
                }
            });
        }
    });
    assert_eq!(names(folder.path()), ["prices.json"]);
    let last = compute("last", "1", at("10:00"));
    let cache = Cache::new(folder.path(), None);
    let before = cache.read().0.compute.len();
    cache.add(last, at("10:00"));
    // One after the other, each adds to what is there.
    assert_eq!(cache.read().0.compute.len(), before + 1);
}

#[test]
fn what_can_be_no_price_is_asked_for_anew() {
    for (price, stays) in
        [("0.10", true), ("0", false), ("-5", false), ("79228162514264337593543950335", false)]
    {
        let price: Decimal = price.parse().unwrap();
        let lines = vec![Line { of: "a", read_at: Timestamp::UNIX_EPOCH, price: Found::Price(price) }];
        assert_eq!(table(lines).contains_key("a"), stays, "{price}");
    }
    let tiers = VolumePrices { gib: Decimal::ONE, iops: vec![Decimal::ONE, Decimal::ZERO], throughput: None };
    let lines = vec![Line { of: "a", read_at: Timestamp::UNIX_EPOCH, price: Found::Price(tiers) }];
    assert!(table(lines).is_empty());
}
