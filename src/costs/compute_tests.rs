//! Every figure against a computation with whole numbers that shares no code with the report's.

use jiff::civil::date;
use jiff::tz::TimeZone;

use super::*;
use crate::costs::estate::{
    Address, Cluster, Database, Instance, InstanceType, ParkedInstance, Snapshot, Volume, noun,
};
use crate::costs::wanted;
use crate::model::{Gap, Scope};
use crate::prices::{
    ComputeKey, DatabaseKey, DatabaseStorageKey, DatabaseStoragePrices, NoPrice, Tenancy, VolumePrices,
    VolumeShape,
};

const REGION: &str = "eu-west-1";
const HOUR: i128 = 3_600;
const DAY: i128 = 24 * HOUR;

/// A number of dollars as a fraction, rounded to the cent, half a cent up, as a cell that is known.
#[allow(clippy::unnecessary_wraps)]
fn cents(numerator: i128, denominator: i128) -> Option<Decimal> {
    let doubled = 2 * 100 * numerator + denominator;
    Some(Decimal::from_i128_with_scale(doubled.div_euclid(2 * denominator), 2))
}

fn dollars(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn scope() -> Scope {
    Scope::new("111122223333", REGION)
}

fn month(year: i16, number: i8) -> Month {
    let first = date(year, number, 1);
    let begin = |day: jiff::civil::Date| day.to_zoned(TimeZone::UTC).unwrap().timestamp();
    let next = if number == 12 { date(year + 1, 1, 1) } else { date(year, number + 1, 1) };
    Month { first, begins: begin(first), ends: begin(next) }
}

fn book() -> PriceBook {
    let key = |instance_type: &str, operation: &str| ComputeKey {
        region: REGION.to_owned(),
        instance_type: instance_type.to_owned(),
        operation: operation.to_owned(),
        tenancy: Tenancy::Shared,
    };
    let gp3 = VolumePrices {
        gib: dollars("0.088"),
        iops: vec![dollars("0.0055")],
        throughput: Some(dollars("0.044")),
    };
    let tiers = vec![dollars("0.072"), dollars("0.0504"), dollars("0.03528")];
    let io2 = VolumePrices { gib: dollars("0.138"), iops: tiers, throughput: None };
    let of = |kind: &str| (REGION.to_owned(), kind.to_owned());
    let mut book = PriceBook { as_of: Some(at("2026-10-15T00:00:00Z")), ..PriceBook::default() };
    book.compute.insert(key("m5.large", "RunInstances"), Ok(dollars("0.107")));
    book.compute.insert(key("m5.xlarge", "RunInstances:0006"), Ok(dollars("0.878")));
    book.compute.insert(
        key("m9.huge", "RunInstances"),
        Err(NoPrice("the price list has none for m9.huge in eu-west-1".to_owned())),
    );
    book.volumes.insert(of("gp3"), Ok(gp3));
    book.volumes.insert(of("io2"), Ok(io2));
    book.snapshots.insert(REGION.to_owned(), Ok(dollars("0.05")));
    book.archived_snapshots.insert(REGION.to_owned(), Ok(dollars("0.0125")));
    book.idle_addresses.insert(REGION.to_owned(), Ok(dollars("0.005")));
    let database = |class: &str, engine: &str, multi_az, cluster: &str| DatabaseKey {
        region: REGION.to_owned(),
        class: class.to_owned(),
        engine: engine.to_owned(),
        license: "license".to_owned(),
        multi_az,
        cluster_storage: cluster.to_owned(),
    };
    book.databases.insert(database("db.m5.large", "postgres", true, ""), Ok(dollars("0.396")));
    book.databases
        .insert(database("db.r6g.large", "aurora-mysql", false, "aurora-iopt1"), Ok(dollars("0.374")));
    let storage = DatabaseStoragePrices {
        gib: dollars("0.254"),
        iops: Some(dollars("0.044")),
        throughput: Some(dollars("0.176")),
        included_iops: 3_000,
        included_throughput: 125,
    };
    let key = DatabaseStorageKey {
        region: REGION.to_owned(),
        storage_type: "gp3".to_owned(),
        engine: "postgres".to_owned(),
        multi_az: true,
    };
    book.database_storage.insert(key, Ok(storage));
    book
}

fn instance(id: &str, instance_type: &str, launched: &str) -> Instance {
    Instance {
        scope: scope(),
        id: id.to_owned(),
        instance_type: instance_type.to_owned(),
        state: "running".to_owned(),
        zone: "eu-west-1a".to_owned(),
        outpost: false,
        platform: "Linux/UNIX".to_owned(),
        operation: "RunInstances".to_owned(),
        tenancy: "default".to_owned(),
        lifecycle: None,
        vcpu: None,
        launched: Some(at(launched)),
        devices: BTreeMap::new(),
        tags: BTreeMap::new(),
    }
}

fn volume(id: &str, shape: (&str, i32, Option<i32>, Option<i32>), created: &str, on: &[&str]) -> Volume {
    Volume {
        scope: scope(),
        id: id.to_owned(),
        zone: "eu-west-1b".to_owned(),
        outpost: false,
        shape: VolumeShape {
            volume_type: shape.0.to_owned(),
            size: shape.1,
            iops: shape.2,
            throughput: shape.3,
        },
        attached: on.iter().map(|id| ((*id).to_owned(), "/dev/xvda".to_owned())).collect(),
        created: Some(at(created)),
        tags: BTreeMap::new(),
    }
}

#[test]
fn what_is_in_no_plain_zone_has_no_price_of_its_region() {
    let (november, now) = (month(2026, 11), "2026-11-16T00:00:00Z");
    let mut estate = Estate {
        instances: vec![instance("i-1", "m5.large", "2026-01-01T00:00:00Z")],
        volumes: vec![volume("vol-1", ("gp3", 100, None, None), "2026-01-01T00:00:00Z", &[])],
        ..Estate::default()
    };
    let priced = report(&estate, november, now);
    assert!(priced.instances[0].ec2.so_far.is_some() && priced.volumes[0].cost.so_far.is_some());
    for (zone, outpost, why) in [
        ("eu-west-1-lon-1a", false, "the prices of the zone eu-west-1-lon-1a are not looked up"),
        ("eu-west-1a", true, "what is on an Outpost has no price in the list of its Region"),
    ] {
        (estate.instances[0].zone, estate.instances[0].outpost) = (zone.to_owned(), outpost);
        (estate.volumes[0].zone, estate.volumes[0].outpost) = (zone.to_owned(), outpost);
        let found = report(&estate, november, now);
        assert_eq!((found.instances[0].ec2, found.volumes[0].cost), (Cost::default(), Cost::default()));
        assert_eq!(found.instances[0].notes[0], why);
        assert_eq!(found.volumes[0].notes, [why]);
        assert!(crate::costs::wanted(&estate).compute.is_empty());
        assert_eq!((found.totals().ec2.so_far, found.trend[0].complete), (None, false));
    }
}

fn report(estate: &Estate, month: Month, now: &str) -> CostReport {
    let settings = ReportSettings {
        project: "payments".to_owned(),
        group_by: vec!["team".to_owned()],
        ..ReportSettings::default()
    };
    compute(estate, &book(), month, at(now), &settings)
}

fn one<'a>(report: &'a CostReport, id: &str) -> &'a InstanceCost {
    report.instances.iter().find(|row| row.id == id).unwrap()
}

fn of_volume(report: &CostReport, id: &str) -> Cost {
    report.volumes.iter().find(|row| row.id == id).unwrap().cost
}

fn cost(so_far: Option<Decimal>, forecast: Option<Decimal>) -> Cost {
    Cost { so_far, forecast }
}

/// One of each sort, in a month of so many days of which so many seconds are over.
fn fleet(year_month: &str) -> Estate {
    let long_ago = "2025-01-05T10:00:00Z";
    let mut stopped = instance("i-stopped", "m5.large", long_ago);
    stopped.state = "stopped".to_owned();
    let mut sql = instance("i-sql", "m5.xlarge", long_ago);
    sql.operation = "RunInstances:0006".to_owned();
    sql.platform = "Windows with SQL Server Standard".to_owned();
    let young = format!("{year_month}-10T06:30:00Z");
    let own = |id: &'static str| [id];
    Estate {
        instances: vec![
            instance("i-long", "m5.large", long_ago),
            instance("i-young", "m5.large", &young),
            instance("i-odd", "m9.huge", long_ago),
            stopped,
            sql,
        ],
        volumes: vec![
            volume("vol-plain", ("gp3", 100, Some(3000), Some(125)), long_ago, &own("i-long")),
            volume("vol-fast", ("gp3", 200, Some(4500), Some(300)), long_ago, &own("i-sql")),
            volume("vol-io2", ("io2", 1000, Some(70_000), None), long_ago, &own("i-sql")),
            volume("vol-young", ("gp3", 33, Some(3000), Some(125)), &young, &own("i-young")),
            volume("vol-of-stopped", ("gp3", 50, None, None), long_ago, &own("i-stopped")),
            volume("vol-shared", ("io2", 10, Some(100), None), long_ago, &["i-long", "i-sql"]),
            volume("vol-free", ("gp3", 7, None, None), long_ago, &[]),
            volume("vol-unknown", ("gp9", 7, None, None), long_ago, &own("i-odd")),
        ],
        types: [("m5.large".to_owned(), InstanceType { vcpu: Some(2), memory_mib: Some(8192) })].into(),
        ..Estate::default()
    }
}

/// What a volume costs a whole month, in hundred-thousandths of a dollar.
fn volume_month(id: &str) -> i128 {
    match id {
        "vol-plain" => 100 * 8_800,
        "vol-fast" => 200 * 8_800 + 1_500 * 550 + 175 * 4_400,
        "vol-io2" => 1000 * 13_800 + 32_000 * 7_200 + 32_000 * 5_040 + 6_000 * 3_528,
        "vol-young" => 33 * 8_800,
        "vol-of-stopped" => 50 * 8_800,
        "vol-shared" => 10 * 13_800 + 100 * 7_200,
        "vol-free" => 7 * 8_800,
        other => panic!("{other}"),
    }
}

#[test]
fn every_figure_is_that_of_an_independent_computation() {
    const SCALE: i128 = 100_000;
    for (year, number, days) in [(2026, 2, 28), (2028, 2, 29), (2026, 10, 31), (2026, 11, 30), (2026, 12, 31)]
    {
        let (over, young) = (14 * DAY + 13 * HOUR + 7 * 60 + 11, 9 * DAY + 6 * HOUR + 30 * 60);
        let whole = days * DAY;
        let year_month = format!("{year}-{number:02}");
        let report = report(&fleet(&year_month), month(year, number), &format!("{year_month}-15T13:07:11Z"));

        let hours = |millis: i128, from: i128| {
            cost(cents(millis * (over - from), 1000 * HOUR), cents(millis * (whole - from), 1000 * HOUR))
        };
        assert_eq!(one(&report, "i-long").ec2, hours(107, 0), "{year_month}");
        assert_eq!(one(&report, "i-young").ec2, hours(107, young), "{year_month}");
        assert_eq!(one(&report, "i-sql").ec2, hours(878, 0), "{year_month}");
        assert_eq!(one(&report, "i-stopped").ec2, cost(cents(0, 1), cents(0, 1)), "{year_month}");
        assert_eq!(one(&report, "i-odd").ec2, Cost::default(), "{year_month}");

        let part = |id: &str, from: i128| {
            let price = volume_month(id);
            cost(cents(price * (over - from), SCALE * whole), cents(price * (whole - from), SCALE * whole))
        };
        for id in ["vol-plain", "vol-fast", "vol-io2", "vol-of-stopped", "vol-shared", "vol-free"] {
            assert_eq!(of_volume(&report, id), part(id, 0), "{year_month} {id}");
            assert_eq!(
                of_volume(&report, id).forecast,
                cents(volume_month(id), SCALE),
                "a full month of {id}"
            );
        }
        assert_eq!(of_volume(&report, "vol-young"), part("vol-young", young), "{year_month}");
        assert_eq!(of_volume(&report, "vol-unknown"), Cost::default());

        // The sums are of rounded amounts. The shared volume stands with the first of its instances.
        let sum = |ids: &[&str]| {
            ids.iter().map(|id| part(id, 0)).reduce(|one, other| Cost {
                so_far: Some(one.so_far.unwrap() + other.so_far.unwrap()),
                forecast: Some(one.forecast.unwrap() + other.forecast.unwrap()),
            })
        };
        assert_eq!(Some(one(&report, "i-long").ebs), sum(&["vol-plain", "vol-shared"]), "{year_month}");
        assert_eq!(Some(one(&report, "i-sql").ebs), sum(&["vol-fast", "vol-io2"]), "{year_month}");
        assert_eq!(one(&report, "i-stopped").total, part("vol-of-stopped", 0), "{year_month}");
        let long = one(&report, "i-long");
        assert_eq!(long.total.so_far, Some(long.ec2.so_far.unwrap() + long.ebs.so_far.unwrap()));
        assert_eq!(one(&report, "i-odd").total, Cost::default());
    }
}

#[test]
fn the_whole_month_is_over_at_its_last_second() {
    let report = report(&fleet("2026-02"), month(2026, 2), "2026-02-28T23:59:59Z");
    let plain = of_volume(&report, "vol-plain");
    assert_eq!(plain, cost(Some(dollars("8.80")), Some(dollars("8.80"))));
    let first = compute(
        &fleet("2026-02"),
        &book(),
        month(2026, 2),
        at("2026-02-01T00:00:00Z"),
        &ReportSettings::default(),
    );
    assert_eq!(of_volume(&first, "vol-plain"), cost(Some(dollars("0.00")), Some(dollars("8.80"))));
    // What will be launched is not yet billed.
    assert_eq!(one(&first, "i-young").ec2.so_far, Some(dollars("0.00")));
}

#[test]
fn what_has_no_price_is_an_empty_cell_a_note_and_a_line() {
    let mut estate = fleet("2026-10");
    let mut spot = instance("i-spot", "m5.large", "2026-09-01T00:00:00Z");
    spot.lifecycle = Some("spot".to_owned());
    let mut host = instance("i-host", "m5.large", "2026-09-01T00:00:00Z");
    host.tenancy = "host".to_owned();
    let mut untold = instance("i-untold", "m5.large", "2026-09-01T00:00:00Z");
    untold.operation = String::new();
    estate.instances.extend([spot, host, untold, instance("i-odd-2", "m9.huge", "2026-09-01T00:00:00Z")]);
    let report = report(&estate, month(2026, 10), "2026-10-15T13:07:11Z");
    for id in ["i-spot", "i-host", "i-untold", "i-odd"] {
        let row = one(&report, id);
        assert_eq!((row.hourly, row.ec2, row.total), (None, Cost::default(), Cost::default()), "{id}");
        assert!(!row.notes.is_empty(), "{id}");
    }
    let lines: Vec<String> =
        report.unpriced.iter().map(|line| format!("{} {}", line.rows, line.why)).collect();
    assert_eq!(
        lines,
        [
            "1 AWS tells no usage operation, so that the platform's price is not known",
            "1 an instance on a dedicated host has no price of its own: the host has",
            "1 no price of gp9 volumes in eu-west-1 was read",
            "1 spot instances have no list price",
            "2 the price list has none for m9.huge in eu-west-1",
        ]
    );
    assert_eq!(one(&report, "i-odd").notes[1], "vol-unknown: no price of gp9 volumes in eu-west-1 was read");
    assert_eq!(report.trend[0].unpriced, 6);
}

#[test]
fn a_shared_volume_is_counted_once_and_both_rows_say_so() {
    let report = report(&fleet("2026-10"), month(2026, 10), "2026-10-15T13:07:11Z");
    let sharing = one(&report, "i-sql");
    assert_eq!(sharing.volumes, ["vol-fast", "vol-io2", "vol-shared"]);
    assert_eq!(sharing.notes, ["shares vol-shared; its cost is in the row of i-long"]);
    let attached: Decimal = report.instances.iter().filter_map(|row| row.ebs.forecast).sum();
    let all: Decimal = report.volumes.iter().filter_map(|row| row.cost.forecast).sum();
    assert_eq!(all - attached, of_volume(&report, "vol-free").forecast.unwrap());
}

#[test]
fn what_could_not_be_read_is_no_zero() {
    let mut estate = fleet("2026-10");
    estate.volumes.clear();
    for instance in &mut estate.instances {
        instance.devices.insert("/dev/xvda".to_owned(), format!("vol-of-{}", instance.id));
    }
    let why = "AccessDenied".to_owned();
    estate.gaps = vec![Gap { scope: scope(), kind: noun::VOLUMES.to_owned(), reason: why }];
    let report = report(&estate, month(2026, 10), "2026-10-15T13:07:11Z");
    let row = one(&report, "i-long");
    assert_eq!((row.ebs, row.total), (Cost::default(), Cost::default()));
    assert_eq!(row.volumes, ["vol-of-i-long"]);
    assert_eq!(row.notes, ["the volumes of this region could not be read"]);
    assert_eq!(report.gaps.len(), 1);
}

#[test]
fn hours_before_the_last_start_are_told_to_be_missing() {
    let mut estate = fleet("2026-10");
    estate.instances[0].launched = Some(at("2026-10-09T00:00:00Z"));
    let report = report(&estate, month(2026, 10), "2026-10-15T13:07:11Z");
    assert!(one(&report, "i-long").notes[0].starts_with("started 2026-10-09T00:00:00Z: hours"));
    assert_eq!(one(&report, "i-young").notes, [""; 0]);
    assert!(one(&report, "i-stopped").notes[0].starts_with("stopped: hours"));
}

#[test]
fn databases_have_hours_and_allocated_storage() {
    let shape = |kind: &str, size, iops, throughput| VolumeShape {
        volume_type: kind.to_owned(),
        size,
        iops,
        throughput,
    };
    let base = Database {
        account: "111122223333".to_owned(),
        region: REGION.to_owned(),
        engine: "postgres".to_owned(),
        class: "db.m5.large".to_owned(),
        license: "license".to_owned(),
        state: "available".to_owned(),
        multi_az: true,
        created: Some(at("2026-10-05T00:00:00Z")),
        ..Database::default()
    };
    let named = |id: &str, storage| Database { id: id.to_owned(), storage, ..base.clone() };
    let small = named("small", shape("gp3", 100, Some(3000), Some(125)));
    let large = named("large", shape("gp3", 400, Some(13_000), Some(510)));
    let stopped = Database { state: "stopped".to_owned(), ..named("stopped", small.storage.clone()) };
    let member = Database {
        id: "member".to_owned(),
        cluster: Some("aurora".to_owned()),
        engine: "aurora-mysql".to_owned(),
        class: "db.r6g.large".to_owned(),
        multi_az: false,
        created: None,
        ..base.clone()
    };
    let serverless = Database { id: "v2".to_owned(), class: "db.serverless".to_owned(), ..member.clone() };
    let aurora = Cluster {
        account: base.account.clone(),
        region: base.region.clone(),
        id: "aurora".to_owned(),
        engine: "aurora-mysql".to_owned(),
        mode: "provisioned".to_owned(),
        state: "available".to_owned(),
        storage: shape("aurora-iopt1", 1, None, None),
        ..Cluster::default()
    };
    let estate = Estate {
        databases: vec![small, large, stopped, member, serverless],
        clusters: vec![aurora],
        ..Estate::default()
    };
    let report = report(&estate, month(2026, 10), "2026-10-21T00:00:00Z");
    let of = |id: &str| report.databases.iter().find(|row| row.id == id).unwrap();
    let (over, rest, whole) = (16 * DAY, 27 * DAY, 31 * DAY);
    let hours = cost(cents(396 * over, 1000 * HOUR), cents(396 * rest, 1000 * HOUR));
    assert_eq!((of("small").compute, of("large").compute), (hours, hours));
    let storage = |millis: i128| cost(cents(millis * over, 1000 * whole), cents(millis * rest, 1000 * whole));
    assert_eq!(of("small").storage, storage(100 * 254));
    // 12,000 iops and 500 MiB/s are included in 400 GiB.
    assert_eq!(of("large").storage, storage(400 * 254 + 1000 * 44 + 10 * 176));
    assert_eq!(
        (of("stopped").compute, of("stopped").storage),
        (cost(cents(0, 1), cents(0, 1)), storage(100 * 254))
    );
    let member = cost(cents(374 * 20 * DAY, 1000 * HOUR), cents(374 * whole, 1000 * HOUR));
    assert_eq!((of("member").compute, of("member").total, of("member").storage_gib), (member, member, None));
    assert_eq!((of("v2").compute, of("aurora").storage, of("aurora").total), Default::default());
    assert_eq!(
        report.databases.iter().map(|row| &*row.id).collect::<Vec<_>>()[..3],
        ["aurora", "member", "v2"]
    );
    assert_eq!(report.unpriced.iter().map(|line| line.rows).sum::<usize>(), 2);
}

#[test]
fn snapshots_parked_instances_and_idle_addresses() {
    let mut estate = fleet("2026-10");
    let snapshot = |volume: &str, gib: &str, archived, label: Option<&str>, taken: &str| Snapshot {
        scope: scope(),
        volume: volume.to_owned(),
        full_gib: dollars(gib),
        archived,
        taken: Some(at(taken)),
        label: label.map(str::to_owned),
    };
    estate.snapshots = vec![
        snapshot("vol-plain", "80.5", false, Some("daily"), "2026-10-01T00:00:00Z"),
        snapshot("vol-plain", "100", true, None, "2026-09-01T00:00:00Z"),
        snapshot("vol-gone", "8", false, None, "2026-09-01T00:00:00Z"),
    ];
    estate.parked = vec![ParkedInstance {
        scope: scope(),
        name: "old".to_owned(),
        id: "i-parked".to_owned(),
        since: None,
        volumes: Some(vec![estate.volumes[1].shape.clone()]),
        gib: 200,
    }];
    let address = |id: &str, instance: Option<&str>, interface: Option<&str>, free| Address {
        scope: scope(),
        id: id.to_owned(),
        address: "192.0.2.1".to_owned(),
        instance: instance.map(str::to_owned),
        interface: interface.map(str::to_owned),
        interface_is_free: free,
        tags: BTreeMap::new(),
    };
    estate.addresses = vec![
        address("a-used", Some("i-long"), Some("eni-1"), false),
        address("b-stopped", Some("i-stopped"), Some("eni-2"), false),
        address("c-balancer", None, Some("eni-3"), false),
        address("d-free", None, Some("eni-4"), true),
        address("e-none", None, None, false),
    ];
    let report = report(&estate, month(2026, 10), "2026-10-21T00:00:00Z");
    let [gone, plain] = &report.snapshots[..] else { panic!("{:?}", report.snapshots) };
    assert_eq!((gone.volume_exists, gone.monthly_at_most), (false, cents(8 * 5, 100)));
    // 80.5 × 0.05 + 100 × 0.0125 = 4.025 + 1.25 = 5.275
    assert_eq!(
        (plain.count, plain.gib_at_most, plain.monthly_at_most),
        (2, dollars("180.50"), cents(5_275, 1_000))
    );
    assert_eq!((&*plain.labels, plain.newest), (&["daily".to_owned()][..], Some(at("2026-10-01T00:00:00Z"))));
    let parked = &report.parked[0];
    assert_eq!(parked.volumes_monthly, cents(volume_month("vol-fast"), 100_000));
    assert_eq!(parked.snapshots_monthly, cents(200 * 5, 100));
    assert_eq!(parked.saving_monthly, cents(volume_month("vol-fast") - 200 * 5_000, 100_000));
    let idle: Vec<&str> = report.addresses.iter().map(|row| &*row.id).collect();
    assert_eq!(idle, ["b-stopped", "d-free", "e-none"]);
    let hours = cost(cents(5 * 20 * DAY, 1000 * HOUR), cents(5 * 31 * DAY, 1000 * HOUR));
    assert!(report.addresses.iter().all(|row| row.cost == hours));
    assert_eq!(report.addresses[0].why, "its instance i-stopped is stopped");
}

#[test]
fn tags_are_totalled_letter_for_letter_and_volumes_follow_their_instance() {
    let mut estate = fleet("2026-10");
    let tag = |key: &str, value: &str| [(key.to_owned(), value.to_owned())].into();
    estate.instances[0].tags = tag("team", "a");
    estate.instances[2].tags = tag("team", "a");
    estate.instances[4].tags = tag("Team", "a");
    estate.volumes[6].tags = tag("team", "b");
    let report = report(&estate, month(2026, 10), "2026-10-15T13:07:11Z");
    let rows: Vec<_> = report
        .by_tag
        .iter()
        .map(|row| (row.value.as_deref(), row.instances, row.volumes, row.unpriced))
        .collect();
    assert_eq!(rows, [(Some("a"), 2, 3, 2), (Some("b"), 0, 1, 0), (None, 3, 4, 0)]);
    let sum = |of: fn(&crate::costs::TagTotal) -> Cost| -> Decimal {
        report.by_tag.iter().filter_map(|row| of(row).forecast).sum()
    };
    let (ec2, ebs): (Decimal, Decimal) = (
        report.instances.iter().filter_map(|row| row.ec2.forecast).sum(),
        report.volumes.iter().filter_map(|row| row.cost.forecast).sum(),
    );
    assert_eq!((sum(|row| row.ec2), sum(|row| row.ebs), sum(|row| row.total)), (ec2, ebs, ec2 + ebs));
    assert_eq!((report.trend[0].ec2, report.trend[0].ebs), (ec2, ebs));
}

#[test]
fn prices_are_wanted_once_for_each_thing_to_buy() {
    let mut estate = fleet("2026-10");
    let more = estate.instances.clone();
    estate.instances.extend(more.into_iter().cycle().take(1000));
    let wanted = wanted(&estate);
    assert_eq!((wanted.compute.len(), wanted.volumes.len()), (3, 1));
    assert!(wanted.snapshots.is_empty() && wanted.databases.is_empty());
}
