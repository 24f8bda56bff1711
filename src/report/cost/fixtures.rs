//! Cost reports to look at.

use std::collections::BTreeMap;

use jiff::civil::date;
use jiff::{Timestamp, ToSpan as _};
use rust_decimal::Decimal;

use crate::costs::{
    ActualCost, AddressCost, Cost, CostReport, DatabaseCost, InstanceCost, Month, ParkedCost, SnapshotCost,
    TagTotal, TrendPoint, Unpriced, VolumeCost,
};
use crate::model::{Gap, Scope};

pub(super) use crate::report::hostile::HOSTILE;

pub(super) fn cents(cents: i64) -> Decimal {
    Decimal::new(cents, 2)
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A cost, in cents.
fn cost(so_far: i64, forecast: i64) -> Cost {
    Cost { so_far: Some(cents(so_far)), forecast: Some(cents(forecast)) }
}

/// A report of nothing.
pub(super) fn empty() -> CostReport {
    CostReport {
        project: "payments".to_owned(),
        made: time("2026-11-20T10:30:00Z"),
        month: Month {
            first: date(2026, 11, 1),
            begins: time("2026-11-01T00:00:00Z"),
            ends: time("2026-12-01T00:00:00Z"),
        },
        prices_as_of: None,
        currency_note: None,
        accounts: vec!["111122223333".to_owned()],
        regions: vec!["us-east-1".to_owned()],
        instances: Vec::new(),
        volumes: Vec::new(),
        databases: Vec::new(),
        snapshots: Vec::new(),
        parked: Vec::new(),
        addresses: Vec::new(),
        by_tag: Vec::new(),
        unpriced: Vec::new(),
        gaps: Vec::new(),
        actual: None,
        trend: Vec::new(),
    }
}

/// So many instances, each with two volumes and a half; every tenth is stopped, every 25th has no price.
pub(super) fn fleet(count: usize) -> CostReport {
    let mut report = empty();
    for index in 0..count {
        let instance = instance(index);
        let disks = 2 + index % 2;
        report.volumes.extend((0..disks).map(|disk| volume(index, disk, Some(&instance.id))));
        report.instances.push(instance);
    }
    report
}

fn instance(index: usize) -> InstanceCost {
    let cents_so_far = 1_000 + i64::try_from(index * 37 % 9_000).unwrap();
    let stopped = index % 10 == 9;
    let unpriced = index % 25 == 24;
    let ec2 = match (unpriced, stopped) {
        (true, _) => Cost::default(),
        (_, true) => cost(0, 0),
        _ => cost(cents_so_far, cents_so_far * 3 / 2),
    };
    let ebs = cost(533, 800);
    let sum = |one: Option<Decimal>, other: Option<Decimal>| Some(one? + other?);
    let names = ["web", "결제 서버 운영", "本番データベース", "batch-nightly-reconciliation-worker"];
    InstanceCost {
        account: "111122223333".to_owned(),
        region: ["us-east-1", "ap-northeast-2"][index % 2].to_owned(),
        name: format!("{}-{index}", names[index % 4]),
        id: format!("i-{index:017x}"),
        instance_type: ["m5.large", "t3.micro", "r6i.2xlarge", "c7g.xlarge", "u7i-12tb.224xlarge"][index % 5]
            .to_owned(),
        state: if stopped { "stopped" } else { "running" }.to_owned(),
        zone: ["us-east-1a", "ap-northeast-2c"][index % 2].to_owned(),
        platform: if unpriced { "Windows with SQL Server Standard" } else { "Linux/UNIX" }.to_owned(),
        vcpu: Some(2),
        memory_mib: Some([8192, 1024, 65_536, 8192, 512][index % 5]),
        volume_gib: 150,
        volumes: vec![format!("vol-{index:016x}0"), format!("vol-{index:016x}1")],
        hourly: (!unpriced).then(|| Decimal::new(96, 3)),
        ec2,
        ebs,
        total: Cost { so_far: sum(ec2.so_far, ebs.so_far), forecast: sum(ec2.forecast, ebs.forecast) },
        notes: if unpriced { vec!["no price for u7i in us-east-1".to_owned()] } else { Vec::new() },
        tags: BTreeMap::new(),
    }
}

fn volume(index: usize, disk: usize, instance: Option<&str>) -> VolumeCost {
    VolumeCost {
        account: "111122223333".to_owned(),
        region: "us-east-1".to_owned(),
        name: format!("data-{index}"),
        id: format!("vol-{index:016x}{disk}"),
        volume_type: ["gp3", "gp2", "io2"][disk % 3].to_owned(),
        gib: 100,
        iops: Some(3000),
        throughput: Some(125),
        instance: instance.map(str::to_owned),
        created: Some(time("2026-10-02T03:04:05Z")),
        cost: cost(533, 800),
        notes: Vec::new(),
        tags: BTreeMap::new(),
    }
}

/// One of everything.
pub(super) fn sample() -> CostReport {
    let mut report = fleet(30);
    report.prices_as_of = Some(time("2026-11-20T07:00:00Z"));
    report.currency_note = Some("1 USD = 1,450 KRW (2026-11-20)".to_owned());
    report.regions.push("ap-northeast-2".to_owned());
    report.volumes.push(volume(990, 0, None));
    let unpriced = vec!["no price for volumes of st9".to_owned()];
    let lost = VolumeCost {
        cost: Cost::default(),
        volume_type: "st9".to_owned(),
        notes: unpriced,
        ..volume(991, 0, None)
    };
    report.volumes.push(lost);
    report.databases = databases();
    report.snapshots = vec![SnapshotCost {
        account: "111122223333".to_owned(),
        region: "us-east-1".to_owned(),
        volume: "vol-0abc".to_owned(),
        volume_exists: true,
        count: 7,
        oldest: Some(time("2026-11-13T01:00:00Z")),
        newest: Some(time("2026-11-19T01:00:00Z")),
        gib_at_most: Decimal::from(700),
        monthly_at_most: Some(cents(3500)),
        labels: vec!["snapshot.daily".to_owned()],
        notes: Vec::new(),
    }];
    report.parked = vec![ParkedCost {
        account: "111122223333".to_owned(),
        region: "us-east-1".to_owned(),
        name: "loadtest-1".to_owned(),
        id: "i-0parked".to_owned(),
        since: Some(time("2026-09-30T22:00:00Z")),
        gib: 2000,
        volumes_monthly: Some(cents(16_000)),
        snapshots_monthly: Some(cents(10_000)),
        saving_monthly: Some(cents(6_000)),
    }];
    report.addresses = vec![AddressCost {
        account: "111122223333".to_owned(),
        region: "us-east-1".to_owned(),
        name: "old-nat".to_owned(),
        id: "eipalloc-0abc".to_owned(),
        address: "203.0.113.7".to_owned(),
        why: "associated with nothing".to_owned(),
        cost: cost(233, 360),
        ..AddressCost::default()
    }];
    report.by_tag = tags();
    report.unpriced = vec![
        Unpriced {
            why: "no price for u7i-12tb.224xlarge, Windows with SQL Server Standard in us-east-1".to_owned(),
            rows: 1,
        },
        Unpriced { why: "no price for volumes of st9".to_owned(), rows: 1 },
    ];
    report.gaps = vec![Gap {
        scope: Scope::new("444455556666", "me-south-1"),
        kind: "instances".to_owned(),
        reason: "AccessDenied: an explicit deny in a service control policy".to_owned(),
    }];
    report.actual = Some(vec![
        ActualCost {
            account: "111122223333".to_owned(),
            service: "EC2 instances".to_owned(),
            actual: cents(90_000),
            list: Some(cents(98_765)),
        },
        ActualCost {
            account: "111122223333".to_owned(),
            service: "EBS".to_owned(),
            actual: cents(12_345),
            list: None,
        },
    ]);
    report.trend = (0..7).map(trend_point).collect();
    report
}

fn databases() -> Vec<DatabaseCost> {
    let one = DatabaseCost {
        account: "111122223333".to_owned(),
        region: "us-east-1".to_owned(),
        id: "orders".to_owned(),
        engine: "postgres".to_owned(),
        class: "db.m5.large".to_owned(),
        state: "available".to_owned(),
        multi_az: true,
        storage_type: "gp3".to_owned(),
        storage_gib: Some(200),
        compute: cost(8_000, 12_000),
        storage: cost(1_500, 2_300),
        total: cost(9_500, 14_300),
        ..DatabaseCost::default()
    };
    let aurora = DatabaseCost {
        id: "ledger".to_owned(),
        cluster: Some("ledger".to_owned()),
        engine: "aurora-mysql".to_owned(),
        class: String::new(),
        storage_gib: None,
        compute: cost(0, 0),
        storage: Cost::default(),
        total: Cost::default(),
        notes: vec!["AWS bills the storage that is used, and does not tell it here".to_owned()],
        ..one.clone()
    };
    vec![one, aurora]
}

fn tags() -> Vec<TagTotal> {
    let of = |value: Option<&str>, dollars: i64| TagTotal {
        key: "team".to_owned(),
        value: value.map(str::to_owned),
        instances: 3,
        volumes: 8,
        databases: 1,
        ec2: cost(dollars * 60, dollars * 90),
        ebs: cost(dollars * 20, dollars * 30),
        rds: cost(dollars * 10, dollars * 15),
        total: cost(dollars * 90, dollars * 135),
        unpriced: 0,
    };
    let names = [
        "payments", "결제", "search", "data", "web", "mobile", "infra", "ml", "ops", "qa", "security",
        "legacy",
    ];
    let mut totals: Vec<TagTotal> =
        (1..).zip(names).map(|(place, name)| of(Some(name), 40 / place)).collect();
    totals.push(of(None, 5));
    totals
}

fn trend_point(month: i64) -> TrendPoint {
    let first = date(2026, 5, 1).saturating_add(month.months());
    TrendPoint {
        month: first,
        made: first
            .saturating_add(19.days())
            .at(10, 30, 0, 0)
            .to_zoned(jiff::tz::TimeZone::UTC)
            .unwrap()
            .timestamp(),
        ec2: cents(140_000 + month * 9_000 - (month % 3) * 12_000),
        ebs: cents(48_000 + month * 1_500),
        rds: cents(14_300),
        instances: 30,
        unpriced: usize::from(month == 6),
        complete: true,
        places: 2,
    }
}

/// Every text is one that some format gives a meaning.
pub(super) fn hostile() -> CostReport {
    let mut report = sample();
    report.project = HOSTILE.to_owned();
    report.currency_note = Some(HOSTILE.to_owned());
    report.accounts = vec![HOSTILE.to_owned()];
    for (index, instance) in report.instances.iter_mut().enumerate() {
        let text =
            [HOSTILE, "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "https://acme.example/"][index % 8];
        for place in [&mut instance.name, &mut instance.id, &mut instance.platform, &mut instance.zone] {
            text.clone_into(place);
        }
        instance.notes = vec![text.to_owned()];
        instance.volumes = vec![text.to_owned()];
    }
    report.unpriced[0].why = HOSTILE.to_owned();
    report.gaps[0].reason = HOSTILE.to_owned();
    report.by_tag[0].key = HOSTILE.to_owned();
    report.by_tag[0].value = Some("=cmd|' /C calc'!A0".to_owned());
    report.addresses[0].why = HOSTILE.to_owned();
    report.databases[0].id = "=1+1".to_owned();
    report
}
