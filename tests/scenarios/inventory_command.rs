//! `opsform inventory`: the fleet as a sheet that is an inventory at once.

use serde_json::{Value, json};

use crate::workspace::{CPU, REGION, Workspace};

fn fleet() -> Workspace {
    let workspace = Workspace::new(&CPU.replace("{ ec2 = {} }", "{ ec2 = { names = [\"web-*\"] } }"));
    workspace.account.seed(json!({REGION: {
        "instances": [{"name": "web-1", "tags": {"Env": "prod", "CPU 임계치": "91"}}, {"name": "=cmd"}, {"name": null}],
        "databases": [{"id": "orders"}],
        "clusters": [{"id": "ledger"}],
    }}));
    workspace
}

#[test]
fn it_shows_what_no_alarm_watches() {
    let workspace = fleet();
    workspace.ok(&["inventory"]).says(&["web-1", "orders", "ledger", "3 instances, 3 without any alarm"]);
    workspace.apply();
    workspace.account.put_alarm(
        REGION,
        json!({"AlarmName": "by hand", "Namespace": "AWS/RDS", "MetricName": "CPUUtilization", "Period": 60,
               "EvaluationPeriods": 1, "Statistic": "Average", "Threshold": 1.0,
               "ComparisonOperator": "GreaterThanThreshold",
               "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": "orders"}]}),
    );
    let run = workspace.ok(&["inventory", "--format", "json"]);
    let rows: Vec<Value> = serde_json::from_str(&run.stdout).unwrap();
    let alarms =
        |id: &str| rows.iter().find(|row| row["id"] == id || row["Name"] == id).unwrap()["alarms"].clone();
    assert_eq!(
        (alarms("web-1"), alarms("=cmd"), alarms("orders"), alarms("ledger")),
        (json!(1), json!(0), json!(1), json!(0))
    );
    let run = workspace.ok(&["inventory", "--kind", "rds", "--without-alarms"]);
    assert!(!run.stdout.contains("orders"));
    workspace.run(&["inventory", "--kind", "rsd"]).expect(1).says(&["rsd", "rds_cluster"]);
    workspace.run(&["inventory", "--format", "xlsx"]).expect(1).says(&["--out"]);
}

#[test]
fn it_tells_since_when_a_target_is_there() {
    let workspace = Workspace::new(CPU);
    workspace.account.seed(json!({REGION: {
        "instances": [{"name": "web-1", "launched": "2026-01-02T03:04:05Z"}],
        "volumes": [{"name": "data", "created": "2026-01-03T03:04:05Z"}],
        "databases": [{"id": "orders", "created": "2026-01-04T03:04:05Z"}],
        "clusters": [{"id": "ledger", "created": "2026-01-05T03:04:05Z"}],
    }}));
    let run = workspace.ok(&["inventory", "--format", "json"]);
    let rows: Vec<Value> = serde_json::from_str(&run.stdout).unwrap();
    let told: Vec<_> = rows.iter().map(|row| (row["launched"].as_str(), row["created"].as_str())).collect();
    assert_eq!(
        told,
        [
            (Some("2026-01-02T03:04:05Z"), None),
            (None, Some("2026-01-03T03:04:05Z")),
            (None, Some("2026-01-04T03:04:05Z")),
            (None, Some("2026-01-05T03:04:05Z")),
        ]
    );
    let account = workspace.account.id();
    assert_eq!(rows[2]["arn"], format!("arn:aws:rds:us-east-1:{account}:db:orders"));
    assert_eq!(rows[3]["arn"], format!("arn:aws:rds:us-east-1:{account}:cluster:ledger"));
}

#[test]
fn what_it_writes_is_an_inventory_at_once() {
    for file in ["fleet.xlsx", "fleet.csv"] {
        let workspace = fleet();
        workspace
            .ok(&["inventory", "--kind", "ec2", "--out", &format!("manifests/{file}")])
            .says(&["wrote 3 rows"]);
        let manifest = CPU
            .replace("{ ec2 = {} }", "{ inventory = \"fleet\" }")
            .replace("threshold = 80", "threshold = \"{{ row[\\\"CPU 임계치\\\"] | default(80) }}\"");
        workspace.write_manifest(&format!(
            "{manifest}\n[[inventory]]\nlabel = \"fleet\"\nfile = \"{file}\"\nid = \"id\"\n"
        ));
        let changes = workspace.changes();
        assert_eq!(changes.len(), 3);
        for name in ["web-1: CPU over 91", "=cmd: CPU over 80"] {
            assert!(changes.contains(&format!("create {name}")), "{changes:?}");
        }
        workspace.apply();
        workspace.expect_nothing_to_do();
    }
}

/// The file and the blocks that are printed beside it are an inventory as they are, whatever the fleet holds.
#[test]
fn the_blocks_that_it_prints_validate() {
    let files = ["manifests/fleet.xlsx", "fleet.csv", "deep/fleet.CSV"];
    for (file, more) in files.into_iter().flat_map(|file| [(file, &[][..]), (file, &["--kind", "rds"])]) {
        let workspace = fleet();
        workspace.write("deep/a", "");
        let run = workspace.ok(&[&["inventory", "--out", file], more].concat());
        assert_eq!(run.stdout, "");
        let blocks = run.stderr.split("add this to the manifest:").nth(1).unwrap();
        let labels: Vec<&str> = blocks.lines().filter_map(|line| line.strip_prefix("label = ")).collect();
        assert_eq!(labels.len(), if more.is_empty() { 3 } else { 1 }, "{blocks}");
        let (settings, alarm) = CPU.split_at(CPU.find("[[alarm]]").unwrap());
        let alarms = labels.iter().enumerate().map(|(n, label)| {
            let name = format!("{{{{ id }}}}, {n}");
            alarm
                .replace("\"cpu\"", &format!("\"cpu-{n}\""))
                .replace("{ ec2 = {} }", &format!("{{ inventory = {label} }}"))
                .replace("{{ name }}: CPU over {{ threshold }}", &name)
        });
        workspace.write_manifest(&format!("{settings}\n{blocks}\n{}", alarms.collect::<String>()));
        workspace.ok(&["validate"]);
        assert_eq!(workspace.changes().len(), if more.is_empty() { 5 } else { 1 });
    }
    let run = fleet().ok(&["inventory", "--out", "fleet.json"]);
    assert!(
        !run.stderr.contains("[[inventory]]"),
        "an inventory takes no JSON but the AWS CLI's: {}",
        run.stderr
    );
}

/// What a tag holds is in the file to the letter, and Excel takes it for text in a workbook.
#[test]
fn values_are_as_they_are() {
    let workspace = fleet();
    let csv = workspace.ok(&["inventory", "--format", "csv"]).stdout;
    assert!(csv.starts_with("id,Name,kind,") && csv.contains(",=cmd,ec2,"), "{csv}");
    workspace.ok(&["inventory", "--help"]).says(&["the one to open in Excel"]);
    workspace.ok(&["inventory", "--out", "fleet.xlsx"]);
    let unzip = "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); \
                 print(z.read('xl/sharedStrings.xml').decode(), z.read('xl/worksheets/sheet1.xml').decode())";
    let python = std::process::Command::new("python3")
        .args(["-c", unzip, "fleet.xlsx"])
        .current_dir(workspace.path())
        .output()
        .unwrap();
    let text = String::from_utf8(python.stdout).unwrap();
    assert!(text.contains("<t>=cmd</t>") && !text.contains("<f>"), "{text}");
}

#[test]
fn a_sheet_that_is_there_is_not_overwritten_and_its_ending_tells_the_format() {
    let workspace = fleet();
    workspace.ok(&["inventory", "--out", "fleet.csv"]);
    std::fs::write(workspace.path().join("fleet.csv"), "edited").unwrap();
    workspace.run(&["inventory", "--out", "fleet.csv"]).expect(1).says(&["exists already"]);
    assert_eq!(std::fs::read_to_string(workspace.path().join("fleet.csv")).unwrap(), "edited");
    workspace.ok(&["inventory", "--out", "fleet.csv", "--overwrite"]);
    for (file, more) in
        [("new.xlsx", &["--format", "csv"][..]), ("new.txt", &[]), ("new", &["--format", "xlsx"])]
    {
        workspace.run(&[&["inventory", "--out", file], more].concat()).expect(1).says(&["ending"]);
        assert!(!workspace.path().join(file).exists(), "{file}");
    }
    workspace.ok(&["inventory", "--out", "new.txt", "--format", "csv"]);
}

#[test]
fn an_inventory_that_is_not_there_yet_can_be_made() {
    let workspace = fleet();
    workspace.write(
        "manifests/servers.toml",
        "[[inventory]]\nlabel = \"fleet\"\nfile = \"fleet.csv\"\nid = \"id\"\n",
    );
    workspace.run(&["validate"]).expect(1).says(&["there is no file"]);
    workspace.ok(&["inventory", "--kind", "ec2", "--out", "manifests/fleet.csv"]);
    workspace.ok(&["validate"]);
}
