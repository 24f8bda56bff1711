//! The policies of the roles in `examples/`: they allow what schedules and rules call, and no more.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::workspace::Workspace;

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

fn statements(path: &str) -> Vec<Value> {
    let policy: Value = serde_json::from_str(&fs::read_to_string(example(path)).unwrap()).unwrap();
    assert_eq!(policy["Version"], "2012-10-17", "{path}");
    policy["Statement"].as_array().unwrap().clone()
}

/// The actions that the policy of a role allows.
fn allowed(role: &str) -> BTreeSet<String> {
    let statements = statements(&format!("{role}.permissions.json"));
    let actions = statements.iter().flat_map(|statement| statement["Action"].as_array().unwrap());
    actions.map(|action| action.as_str().unwrap().to_owned()).collect()
}

fn trusted(role: &str) -> Value {
    let statements = statements(&format!("{role}.trust.json"));
    assert_eq!(statements[0]["Action"], "sts:AssumeRole");
    statements[0]["Principal"]["Service"].clone()
}

/// What a plan of the manifest wants called.
fn called(workspace: &Workspace) -> BTreeSet<String> {
    let run = workspace.ok(&["plan", "--format", "json"]);
    let plan: Value = serde_json::from_str(&run.stdout).unwrap();
    let mut actions = BTreeSet::new();
    for change in plan["changes"].as_array().unwrap() {
        let after = &change["after"];
        let targets = after["targets"].as_array().cloned().unwrap_or_default();
        let arns = targets.iter().map(|target| &target["arn"]).chain([&after["target_arn"]]);
        arns.filter_map(Value::as_str).for_each(|arn| actions.extend(actions_of(arn)));
        if !after["input"]["TagSpecifications"].is_null() {
            actions.insert("ec2:CreateTags".to_owned());
        }
    }
    actions
}

/// What a target needs. Of runbooks their own documents say it ("Required IAM permissions" in the Automation runbook reference).
fn actions_of(arn: &str) -> Vec<String> {
    if let Some((_, call)) = arn.split_once(":aws-sdk:") {
        let (service, action) = call.split_once(':').unwrap();
        return vec![format!("{service}:{}{}", action[..1].to_uppercase(), &action[1..])];
    }
    let name = arn.split(['/', ':']).find(|part| part.starts_with("AWS-"));
    let actions: &[&str] = match name.unwrap_or_else(|| arn.rsplit('/').next().unwrap()) {
        "create-snapshot" => &["ec2:CreateSnapshot"],
        "stop-instance" => &["ec2:StopInstances"],
        "AWS-StartEC2Instance" => &["ec2:StartInstances", "ec2:DescribeInstanceStatus"],
        "AWS-StopEC2Instance" => &["ec2:StopInstances", "ec2:DescribeInstanceStatus"],
        "AWS-StartRdsInstance" => &["rds:StartDBInstance", "rds:DescribeDBInstances"],
        "AWS-StopRdsInstance" => &["rds:StopDBInstance", "rds:DescribeDBInstances"],
        "AWS-StartStopAuroraCluster" => {
            &["rds:StartDBCluster", "rds:StopDBCluster", "rds:DescribeDBClusters"]
        }
        other => panic!("nobody knows what {other} needs"),
    };
    let start = name.map(|_| "ssm:StartAutomationExecution").into_iter();
    start.chain(actions.iter().copied()).map(str::to_owned).collect()
}

fn set(actions: &[&str]) -> BTreeSet<String> {
    actions.iter().map(|&action| action.to_owned()).collect()
}

#[test]
fn the_roles_of_schedules_may_do_what_these_call() {
    let manifest = fs::read_to_string(example("schedules/manifests/opsform.toml")).unwrap();
    let workspace = Workspace::new(&manifest);
    let calendar = fs::read_to_string(example("schedules/manifests/holidays.ics")).unwrap();
    workspace.write("manifests/holidays.ics", &calendar);
    let tags = json!({"AutoStopStart": "Yes"});
    workspace.account.seed(json!({"ap-northeast-2": {
        "instances": [{"name": "web-1", "tags": tags}], "databases": [{"id": "orders", "tags": tags}],
        "clusters": [{"id": "ledger", "tags": tags, "members": ["ledger-1"]}],
    }}));
    // To start instances with encrypted volumes.
    let keys = set(&["kms:CreateGrant"]);
    assert_eq!(allowed("schedules/roles/opsform-schedule"), &called(&workspace) | &keys);
    assert_eq!(trusted("schedules/roles/opsform-schedule"), "scheduler.amazonaws.com");
    workspace.edit_manifest("except = { file = \"holidays.ics\" }", "engine = \"rule\"\nvia = \"ssm\"");
    let by_runbooks = called(&workspace);
    workspace.edit_manifest("via = \"ssm\"", "");
    let by_rules = &called(&workspace) | &by_runbooks;
    assert!(by_rules.contains("ssm:StartAutomationExecution"), "{by_rules:?}");
    assert_eq!(allowed("schedules/roles/opsform-events"), &by_rules | &keys);
    assert_eq!(trusted("schedules/roles/opsform-events"), "events.amazonaws.com");
}

#[test]
fn the_roles_of_snapshots_may_do_what_takes_them() {
    let manifest = fs::read_to_string(example("snapshots/manifests/opsform.toml")).unwrap();
    let (settings, rules) = manifest.split_once("[[snapshot]]").unwrap();
    let (by_schedules, by_rules) = rules.rsplit_once("[[snapshot]]").unwrap();
    let workspace = Workspace::new(&format!("{settings}[[snapshot]]{by_schedules}"));
    workspace.account.seed(json!({"ap-northeast-1": {
        "instances": [{"name": "db-1"}],
        "volumes": [{"tags": {"Daily_Gens": "7"}}, {"tags": {"Role": "database"}, "instance": 0}, {"tags": {"Role": "logs"}}],
    }}));
    assert_eq!(allowed("snapshots/roles/opsform-snapshot"), called(&workspace));
    assert_eq!(trusted("snapshots/roles/opsform-snapshot"), "scheduler.amazonaws.com");
    workspace.write_manifest(&format!("{settings}[[snapshot]]{by_rules}"));
    assert_eq!(allowed("snapshots/roles/opsform-events"), called(&workspace));
    assert_eq!(trusted("snapshots/roles/opsform-events"), "events.amazonaws.com");
}
