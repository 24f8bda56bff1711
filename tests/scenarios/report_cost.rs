//! `report cost`: its figures, against a computation that begins at the seed and the price list.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::workspace::{REGION, Run, Workspace};

const MANIFEST: &str = r#"
[project]
name = "payments"

[aws]
regions = ["us-east-1"]

[report.cost]
group_by = ["team"]
currency_note = "1 USD = 1,380 KRW"
"#;

const LONG_AGO: &str = "2025-03-04T05:06:07Z";

/// The seeded fleet; the youngest are of the first second of this month, so that they are there in the month's first hour, too.
fn fleet(workspace: &Workspace) -> Vec<String> {
    let gp3 = |size: u32, more: Value| {
        let mut volume = json!({"type": "gp3", "size": size, "device": "/dev/xvdb"});
        volume.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        volume
    };
    let seeded = workspace.account.seed(json!({REGION: {
        "instances": [
            {"name": "linux", "type": "m5.large", "launched": LONG_AGO, "tags": {"team": "a"},
             "volumes": [gp3(100, json!({"iops": 5000, "throughput": 300}))]},
            {"name": "=sql", "type": "m5.xlarge", "launched": LONG_AGO, "platform": "Windows with SQL Server Standard",
             "operation": "RunInstances:0006", "volumes": [gp3(50, json!({}))]},
            {"name": "stopped", "type": "m5.large", "state": "stopped", "launched": LONG_AGO,
             "volumes": [gp3(200, json!({}))]},
            {"name": "unknown", "type": "u-24tb1.metal", "launched": LONG_AGO, "tags": {"team": "a"}},
            {"name": "spot", "type": "m5.large", "launched": LONG_AGO, "lifecycle": "spot"},
        ],
        "volumes": [{"type": "io2", "size": 500, "iops": 40000, "created": LONG_AGO, "tags": {"team": "b"}}],
        "snapshots": [{"volume": 0, "started": LONG_AGO}],
    }}));
    seeded["regions"][REGION]["instances"]
        .as_array()
        .unwrap()
        .iter()
        .map(|id| id.as_str().unwrap().to_owned())
        .collect()
}

/// Dollars as hundred-millionths; the price table has up to ten digits behind the point, the last two zero.
fn units(text: &str) -> i128 {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{rest:0<8}");
    assert!(digits[8..].bytes().all(|digit| digit == b'0'), "{text}");
    whole.parse::<i128>().unwrap() * 100_000_000 + digits[..8].parse::<i128>().unwrap()
}

/// A price for so many parts of a unit, to the cent, half a cent up.
fn cents(units: i128, part: i64, whole: i64) -> String {
    let (numerator, denominator) = (units * i128::from(part), 1_000_000 * i128::from(whole));
    let cents = (2 * numerator + denominator).div_euclid(2 * denominator);
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// When a month began, how much of it is over at this time, and how long it is, in seconds.
fn month(made: Timestamp) -> (i64, i64) {
    let now = made.to_zoned(TimeZone::UTC);
    let first = now.first_of_month().unwrap().start_of_day().unwrap();
    let last = now.last_of_month().unwrap().tomorrow().unwrap().start_of_day().unwrap();
    let seconds = |end: Timestamp| end.as_second() - first.timestamp().as_second();
    (seconds(made), seconds(last.timestamp()))
}

fn price_table() -> Value {
    serde_json::from_str(include_str!("../aws/price_table.json")).unwrap()
}

/// A GiB of a type of volume, an iops of it, or a MiB/s, which the list sells in GiB/s.
fn ebs(table: &Value, name: &str) -> i128 {
    let prices = &table[REGION];
    let of = |value: &Value| units(value.as_str().unwrap());
    match name {
        "gp3_iops" => of(&prices["iops"]["gp3"][0]),
        "io2_iops" => of(&prices["iops"]["io2"][0]),
        "io2_iops_2" => of(&prices["iops"]["io2"][1]),
        "gp3_throughput" => of(&prices["gp3_throughput_gibps"]) / 1024,
        kind => of(&prices["volumes"][kind]),
    }
}

fn report(workspace: &Workspace, args: &[&str], code: i32) -> (Value, Run) {
    let run = workspace.run(&[&["report", "cost", "--out", "costs.json"], args].concat()).expect(code);
    let text = std::fs::read_to_string(workspace.path().join("costs.json")).unwrap();
    (serde_json::from_str(&text).unwrap(), run)
}

fn by_name<'a>(report: &'a Value, name: &str) -> &'a Value {
    report["instances"].as_array().unwrap().iter().find(|row| row["name"] == name).unwrap()
}

#[test]
fn every_figure_follows_from_the_seed_and_the_price_list() {
    let workspace = Workspace::new(MANIFEST);
    fleet(&workspace);
    let (report, run) = report(&workspace, &[], 0);
    let (over, whole) = month(report["made"].as_str().unwrap().parse().unwrap());
    let table = price_table();
    let hour = |kind: &str, operation: &str| {
        units(table[REGION]["instances"][kind]["hour"][operation].as_str().unwrap())
    };
    let hours =
        |price: i128| json!({"so_far": cents(price, over, 3600), "forecast": cents(price, whole, 3600)});
    let months =
        |price: i128| json!({"so_far": cents(price, over, whole), "forecast": cents(price, whole, whole)});
    let nothing = json!({"so_far": null, "forecast": null});
    let ebs = |name: &str| ebs(&table, name);

    assert_eq!(by_name(&report, "linux")["ec2"], hours(hour("m5.large", "RunInstances")));
    let fast = 100 * ebs("gp3") + 2000 * ebs("gp3_iops") + 175 * ebs("gp3_throughput");
    assert_eq!(by_name(&report, "linux")["ebs"], months(fast));
    assert_eq!(by_name(&report, "=sql")["ec2"], hours(hour("m5.xlarge", "RunInstances:0006")));
    assert_eq!(by_name(&report, "=sql")["platform"], "Windows with SQL Server Standard");
    assert_eq!(by_name(&report, "stopped")["ec2"], json!({"so_far": "0.00", "forecast": "0.00"}));
    assert_eq!(by_name(&report, "stopped")["total"], months(200 * ebs("gp3")));
    for name in ["unknown", "spot"] {
        let row = by_name(&report, name);
        assert_eq!((&row["ec2"], &row["total"], &row["hourly"]), (&nothing, &nothing, &Value::Null));
    }
    let io2 = report["volumes"].as_array().unwrap().iter().find(|row| row["volume_type"] == "io2").unwrap();
    assert_eq!(io2["cost"], months(500 * ebs("io2") + 32_000 * ebs("io2_iops") + 8_000 * ebs("io2_iops_2")));
    assert_eq!(by_name(&report, "linux")["vcpu"], 2);
    assert_eq!(by_name(&report, "linux")["memory_mib"], 8192);
    assert_eq!(report["unpriced"].as_array().unwrap().len(), 2);
    run.says(&[
        "2 rows lack a price",
        "spot instances have no list price",
        "u-24tb1.metal",
        "prices are up to 0 h 0 min old",
    ]);
    // Three distinct instance types with their operation, whatever their number.
    let calls = workspace.account.calls();
    assert_eq!(calls.get("ce:GetCostAndUsage"), None);
    let values: Vec<_> =
        report["by_tag"].as_array().unwrap().iter().map(|row| row["value"].clone()).collect();
    assert_eq!(values, [json!("a"), json!("b"), Value::Null]);
}

/// What a part of the fleet costs is neither the cost of all, nor does it take the place of what was known of all in the trend.
#[test]
fn what_could_not_be_read_is_no_zero_and_spoils_no_trend() {
    let workspace = Workspace::new(MANIFEST);
    fleet(&workspace);
    let (whole, _) = report(&workspace, &[], 0);
    let point = &whole["trend"][0];
    assert_eq!((&whole["complete"], &point["complete"]), (&json!(true), &json!(true)));
    workspace.account.faults(json!([{"operation": "DescribeInstances", "kind": "denied"}]));
    let (part, run) = report(&workspace, &[], 1);
    run.says(&["ec2:DescribeInstances"]);
    assert_eq!((&part["complete"], &part["totals"]["ec2"]["forecast"]), (&json!(false), &Value::Null));
    assert_eq!(&part["trend"][0], point);
    workspace.account.faults(json!([{"operation": "GetProducts", "kind": "denied"}]));
    std::fs::remove_dir_all(workspace.path().join(".cache")).unwrap();
    let (unpriced, run) = report(&workspace, &[], 1);
    run.says(&["pricing:GetProducts"]);
    assert_eq!((&unpriced["complete"], &unpriced["gaps"][0]["kind"]), (&json!(false), &json!("prices")));
    for part in ["ec2", "ebs", "total"] {
        assert_eq!(unpriced["totals"][part], json!({"so_far": null, "forecast": null}), "{part}");
    }
    assert_eq!(&unpriced["trend"][0], point);
}

/// One place that cannot be written keeps no other from being written, and one that is not there is told before anything is paid.
#[test]
fn each_place_is_for_itself_and_looked_for_first() {
    let workspace = Workspace::new(MANIFEST);
    fleet(&workspace);
    std::fs::create_dir(workspace.path().join("folder.csv")).unwrap();
    let outputs = ["--out", "a.csv", "--out", "folder.csv", "--out", "b.html", "--out", "a.csv"];
    let run = workspace.run(&[&["report", "cost"][..], &outputs].concat()).expect(1);
    let run = run.says(&["wrote a.csv", "wrote b.html", "cannot write folder.csv", "by list price"]);
    assert_eq!(run.all().matches("wrote a.csv").count(), 1);
    for name in ["a.csv", "b.html", "b.json"] {
        assert!(workspace.path().join(name).is_file(), "{name}");
    }
    workspace.account.clear_calls();
    let nowhere = ["report", "cost", "--actual", "--out", "s3://acme-nowhere/c.html"];
    workspace.run(&nowhere).expect(1).says(&["acme-nowhere"]);
    let calls = workspace.account.calls();
    for call in ["ce:GetCostAndUsage", "ec2:DescribeInstances"] {
        assert_eq!(calls.get(call), None, "{call}");
    }
}

/// The data of a name with the month are found by the next month's report.
#[test]
fn a_name_with_the_month_has_a_trend() {
    let workspace = Workspace::new(MANIFEST);
    fleet(&workspace);
    let (this, _) = report(&workspace, &[], 0);
    let mut earlier = this.clone();
    let mut point = this["trend"][0].clone();
    (point["month"], point["made"]) = (json!("2026-01-01"), json!("2026-01-20T10:00:00Z"));
    earlier["trend"] = json!([point]);
    std::fs::write(workspace.path().join("c_2026-01.json"), earlier.to_string()).unwrap();
    workspace.ok(&["report", "cost", "--out", "c_{{ month }}.xlsx"]);
    let name = format!("c_{}.json", &this["month"].as_str().unwrap()[..7]);
    let text = std::fs::read_to_string(workspace.path().join(name)).unwrap();
    let found: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(found["trend"].as_array().unwrap().len(), 2, "{found}");
    assert_eq!(found["trend"][0]["month"], "2026-01-01");
}

#[test]
fn without_an_output_the_terminal_has_it_and_prices_are_asked_for_once_a_day() {
    let workspace = Workspace::new("[project]\nname = \"payments\"\n[aws]\nregions = [\"us-east-1\"]\n");
    fleet(&workspace);
    workspace.ok(&["report", "cost"]).says(&["Cost of payments in", "=sql", "SO FAR", "FORECAST"]);
    let run = workspace.ok(&["report", "cost"]);
    let total = run.stdout.lines().find(|line| line.starts_with("EC2 instances")).unwrap();
    assert_eq!(total.split_whitespace().nth(2), Some("5"), "{total}");
    let asked = workspace.account.calls()["pricing:GetProducts"].clone();
    workspace.ok(&["report", "cost", "--quiet"]);
    assert_eq!(workspace.account.calls()["pricing:GetProducts"], asked);
}

#[test]
fn every_form_is_written_and_a_csv_has_the_columns_of_old() {
    let workspace = Workspace::new(MANIFEST);
    fleet(&workspace);
    workspace
        .ok(&[
            "report",
            "cost",
            "--out",
            "{{ project }}_{{ month }}.csv",
            "--out",
            "c.xlsx",
            "--out",
            "c_{{ date }}.html",
        ])
        .says(&["wrote payments_20"]);
    let files: BTreeMap<String, Vec<u8>> = std::fs::read_dir(workspace.path())
        .unwrap()
        .map(Result::unwrap)
        .filter(|entry| entry.path().is_file())
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
        .collect();
    let csv = files.iter().find(|(name, _)| name.starts_with("payments_")).unwrap().1;
    let csv = String::from_utf8(csv.clone()).unwrap();
    assert!(csv.starts_with(
        "Name,InstanceId,InstanceType,State,AZ,Platform,vCPU,Memory,VolumeSize(GB),AttachedVolumes,EC2Monthly(USD),\
         EBSMonthly(USD),TotalMonthly(USD),"
    ));
    assert!(csv.contains("\n'=sql,i-"), "{csv}");
    assert!(files["c.xlsx"].starts_with(b"PK"));
    assert!(files.iter().any(|(name, bytes)| name.contains(".html") && bytes.starts_with(b"<!")));
    workspace
        .run(&["report", "cost", "--out", "c.pdf"])
        .expect(1)
        .says(&["tells no format", ".xlsx, .html, .htm, .csv and .json"]);
    workspace.run(&["report", "cost", "--out", "{{ dat }}.csv"]).expect(1).says(&["did you mean `date`?"]);
}

#[test]
fn what_is_denied_is_told_and_the_rest_goes_on() {
    let workspace = Workspace::new(MANIFEST);
    fleet(&workspace);
    workspace.account.faults(json!([{"operation": "DescribeVolumes", "kind": "denied"}]));
    let (found, run) = report(&workspace, &[], 1);
    assert_eq!((&found["complete"], &found["gaps"][0]["kind"]), (&json!(false), &json!("volumes")));
    let linux = by_name(&found, "linux");
    assert_eq!(linux["ebs"], json!({"so_far": null, "forecast": null}));
    assert_ne!(linux["ec2"]["so_far"], Value::Null);
    run.says(&["1 part could not be read", "volumes in"]);
    // The prices of the first run are on disk.
    std::fs::remove_dir_all(workspace.path().join(".cache")).unwrap();
    workspace.account.faults(json!([{"operation": "GetProducts", "kind": "denied"}]));
    let (found, run) = report(&workspace, &[], 1);
    assert_eq!(by_name(&found, "linux")["ec2"]["so_far"], Value::Null);
    run.says(&["prices could not be read", "pricing:GetProducts"]);
}

/// Whether a day of this month is over, without which Cost Explorer has nothing to tell.
fn a_day_is_over() -> bool {
    crate::clock::now().to_zoned(TimeZone::UTC).day() > 1
}

#[test]
fn actual_cost_is_asked_for_with_at_most_three_calls() {
    let workspace = Workspace::new(MANIFEST);
    fleet(&workspace);
    let now = crate::clock::now().to_zoned(TimeZone::UTC).date();
    let first = now.first_of_month().to_string();
    let line = |usage: &str, amount: &str| json!({"day": first, "amount": amount, "service": "EC2 - Other", "region": REGION, "usage_type": usage});
    let mut lines = vec![
        line("BoxUsage:m5.large", "12.344999"),
        line("EBS:VolumeUsage.gp3", "3.10"),
        line("EBS:VolumeP-IOPS.gp3", "0.905"),
        line("EBS:SnapshotUsage", "77"),
    ];
    let mut credit = line("BoxUsage:m5.large", "-5");
    credit["record_type"] = json!("Credit");
    lines.push(credit);
    workspace.account.bill(json!({"lines": lines, "page": 2}));
    let (found, run) = report(&workspace, &["--actual"], 0);
    run.says(&["$0.01 a call, at most 3 calls"]);
    let calls = || workspace.account.calls().get("ce:GetCostAndUsage").and_then(Value::as_u64).unwrap_or(0);
    if !a_day_is_over() {
        assert_eq!((calls(), &found["actual"]), (0, &Value::Null));
        return;
    }
    assert_eq!(calls(), 2);
    let rows = found["actual"].as_array().unwrap();
    let amounts: Vec<_> =
        rows.iter().map(|row| (row["service"].as_str().unwrap(), row["actual"].as_str().unwrap())).collect();
    assert_eq!(amounts, [("EC2 instances", "12.34"), ("EBS volumes", "4.01"), ("RDS", "0.00")]);
    // Of EC2 the list is not whole; of EBS it ends where the bill does.
    assert_eq!(rows[0]["list"], Value::Null);
    let (_, whole) = month(found["made"].as_str().unwrap().parse().unwrap());
    let over = i64::from(now.day() - 1) * 24 * 3600;
    let table = price_table();
    let ebs = |name: &str| ebs(&table, name);
    let volumes = [
        100 * ebs("gp3") + 2000 * ebs("gp3_iops") + 175 * ebs("gp3_throughput"),
        50 * ebs("gp3"),
        200 * ebs("gp3"),
        500 * ebs("io2") + 32_000 * ebs("io2_iops") + 8_000 * ebs("io2_iops_2"),
    ];
    let sum: i128 = volumes
        .iter()
        .map(|price| cents(*price, over, whole).replace('.', "").parse::<i128>().unwrap())
        .sum();
    assert_eq!(rows[1]["list"], format!("{}.{:02}", sum / 100, sum % 100));
}

#[test]
fn cost_explorer_is_never_asked_a_fourth_time() {
    if !a_day_is_over() {
        return;
    }
    let workspace = Workspace::new(MANIFEST);
    fleet(&workspace);
    let calls = || workspace.account.calls().get("ce:GetCostAndUsage").and_then(Value::as_u64).unwrap_or(0);
    let fault = json!([{"operation": "GetCostAndUsage", "kind": "error", "code": "LimitExceededException", "status": 429}]);
    workspace.account.faults(fault);
    let (found, _) = report(&workspace, &["--actual"], 1);
    assert_eq!((&found["gaps"][0]["kind"], &found["actual"]), (&json!("actual cost"), &Value::Null));
    assert!((1..=3).contains(&calls()), "{}", calls());
    // A bill of more pages than there are calls is none.
    workspace.account.faults(json!([]));
    workspace.account.clear_calls();
    let first = crate::clock::now().to_zoned(TimeZone::UTC).date().first_of_month().to_string();
    let line = |n: usize| json!({"day": first, "amount": "1", "service": "EC2 - Other", "region": REGION, "usage_type": format!("BoxUsage:t{n}")});
    workspace.account.bill(json!({"lines": (0..9).map(line).collect::<Vec<_>>(), "page": 2}));
    let (found, run) = report(&workspace, &["--actual"], 1);
    assert_eq!((calls(), &found["actual"]), (3, &Value::Null));
    run.says(&["longer than the 3 calls"]);
}

#[test]
fn the_policy_names_exactly_what_is_called() {
    let workspace = Workspace::new(MANIFEST);
    fleet(&workspace);
    workspace.account.clear_calls();
    report(&workspace, &["--actual"], 0);
    let policy: Value =
        serde_json::from_str(&workspace.ok(&["iam-policy", "--for", "report"]).stdout).unwrap();
    let [statement] = &policy["Statement"].as_array().unwrap()[..] else { panic!("{policy}") };
    let allowed: Vec<&str> =
        statement["Action"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
    assert_eq!(
        allowed,
        [
            "ce:GetCostAndUsage",
            "ec2:DescribeAddresses",
            "ec2:DescribeInstanceTypes",
            "ec2:DescribeInstances",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSnapshots",
            "ec2:DescribeVolumes",
            "pricing:GetProducts",
            "rds:DescribeDBClusters",
            "rds:DescribeDBInstances",
        ]
    );
    for call in workspace.account.calls().keys().filter(|call| !call.starts_with("sts:")) {
        assert!(allowed.contains(&&**call), "{call} is not in the policy");
    }
}
