//! Snapshots by EventBridge rules: made, adopted, pruned, and followed as the fleet changes.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::workspace::{REGION, Workspace};

pub(crate) const DAILY: &str = r#"
[project]
name = "payments"

[aws]
regions = ["us-east-1"]

[aws.rates]
DeleteSnapshot = 1000
CreateTags = 1000
PutRule = 1000
PutTargets = 1000
RemoveTargets = 1000
DeleteRule = 1000
TagResource = 1000
ListTargetsByRule = 1000

[[snapshot]]
label = "daily"
engine = "rule"
for_each = { ebs = { tags = { Daily_Gens = "*" } } }
schedule = "cron(30 9 * * ? *)"
keep = "{{ tags.Daily_Gens }}"
role_arn = "arn:aws:iam::{{ account }}:role/opsform-snapshot"
tags = { Gens = "{{ tags.Daily_Gens }}" }
"#;

/// So many days ago at this time of day.
#[allow(clippy::disallowed_methods)] // The program under test reads the same clock.
pub(crate) fn ago(days: i64, time: &str) -> String {
    let day = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * days);
    format!("{}T{time}Z", day.strftime("%Y-%m-%d"))
}

pub(crate) fn rules(workspace: &Workspace) -> Vec<String> {
    let line = |rule: &Value| {
        let targets = rule["Targets"].as_array().unwrap().len();
        format!("{} {targets}", rule["Name"].as_str().unwrap())
    };
    workspace.account.rules(REGION).iter().map(line).collect()
}

pub(crate) fn ids(seeded: &Value, what: &str) -> Vec<String> {
    let ids = seeded["regions"][REGION][what].as_array().unwrap().iter();
    ids.map(|id| id.as_str().unwrap().to_owned()).collect()
}

/// An instance `web` with two volumes that keep two generations, and a volume of its own.
pub(crate) fn fleet(workspace: &Workspace) -> (String, String) {
    let gens = json!({"Daily_Gens": "2"});
    let seeded = workspace.account.seed(json!({ REGION: {
        "instances": [{"name": "web", "root": {"tags": gens}, "volumes": [{"tags": gens}, {"name": "scratch"}]}],
        "volumes": [{"name": "spare", "tags": gens}],
    }}));
    (ids(&seeded, "instances")[0].clone(), ids(&seeded, "volumes")[0].clone())
}

/// The state of whatever project it is.
fn state_file(workspace: &Workspace) -> PathBuf {
    let mut files =
        std::fs::read_dir(workspace.path().join("state")).unwrap().map(|file| file.unwrap().path());
    files.find(|file| file.extension().is_some_and(|extension| extension == "json")).unwrap()
}

/// Lets time pass: the rules of these projects have had their targets since so many days ago, on AWS and in their states.
pub(crate) fn age(workspaces: &[&Workspace], days: i64) {
    let since = ago(days, "00:00:00").replace(['-', ':'], "");
    for rule in workspaces[0].account.rules(REGION) {
        let mut targets = rule["Targets"].clone();
        let mut ids = Vec::new();
        for target in targets.as_array_mut().unwrap() {
            let id = target["Id"].as_str().unwrap().to_owned();
            let aged = format!("{}.{since}", target["Input"].as_str().unwrap().trim_matches('"'));
            for state in workspaces.iter().map(|workspace| state_file(workspace)) {
                let text = std::fs::read_to_string(&state).unwrap();
                std::fs::write(&state, text.replace(&id, &aged)).unwrap();
            }
            target["Id"] = aged.into();
            ids.push(id);
        }
        let account = &workspaces[0].account;
        account.events(REGION, "RemoveTargets", json!({"Rule": rule["Name"], "Ids": ids}));
        account.events(REGION, "PutTargets", json!({"Rule": rule["Name"], "Targets": targets}));
    }
    for workspace in workspaces {
        workspace.expect_nothing_to_do();
    }
}

/// Lets a rule take its snapshots; their ids.
pub(crate) fn fire(workspace: &Workspace, rule: &str, at: &str) -> Vec<String> {
    let before = workspace.account.snapshots(REGION);
    for told in workspace.account.fire_rule_at(REGION, rule, at) {
        assert_eq!((&told["called"], &told["status"]), (&json!("ec2:CreateSnapshot"), &json!(200)), "{told}");
    }
    workspace.account.snapshots(REGION).difference(&before).cloned().collect()
}

#[test]
fn the_life_of_a_rule() {
    let workspace = Workspace::new(DAILY);
    let (_, spare) = fleet(&workspace);
    workspace.apply().says(&["2 added"]);
    workspace.expect_nothing_to_do();
    assert_eq!(rules(&workspace), ["spare_daily 1", "web_daily 2"]);
    age(&[&workspace], 4);
    let mut all = BTreeSet::new();
    for days in [3, 2] {
        let made = fire(&workspace, "web_daily", &ago(days, "09:30:20"));
        assert_eq!(made.len(), 2);
        let changes: BTreeSet<String> = workspace.changes().into_iter().collect();
        assert_eq!(changes, made.iter().map(|id| format!("adopt {id}")).collect());
        workspace.ok(&["plan"]).says(&["» adopt", "taken by its rule at", "09:30 UTC", "2 to adopt"]);
        workspace.apply().says(&["2 adopted"]);
        workspace.expect_nothing_to_do();
        all.extend(made);
    }
    assert!(workspace.recorded().iter().all(|key| key.ends_with("_daily")), "{:?}", workspace.recorded());
    // The new ones count, and what they make surplus goes in the same plan.
    let made = fire(&workspace, "web_daily", &ago(1, "09:31:00"));
    let plan = workspace.ok(&["plan"]);
    let plan = plan.says(&["generation 3 of 2", "2 to adopt", "2 to destroy"]);
    assert!(!plan.stdout.contains("not ours"), "{}", plan.stdout);
    workspace.apply().says(&["2 adopted", "2 destroyed"]);
    workspace.expect_nothing_to_do();
    let left = workspace.account.snapshots(REGION);
    assert!(left.len() == 4 && made.iter().all(|id| left.contains(id)));
    // What bears our tag and what is of our volumes, in pages: nothing is asked of a single volume or snapshot.
    workspace.account.clear_calls();
    workspace.expect_nothing_to_do();
    let count = |operation: &str| workspace.account.count(&format!("ec2:{operation}"));
    assert_eq!((count("DescribeSnapshots"), count("DescribeImages")), (2, 0));
    assert_eq!((count("DescribeVolumes"), count("DescribeInstances")), (1, 1));
    // The fleet changes: a volume less, which lets its rule go.
    workspace.account.query("ec2", "2016-11-15", REGION, "DeleteVolume", &[("VolumeId", &spare)]);
    assert_eq!(workspace.changes(), ["delete spare_daily"]);
    workspace.ok(&["plan"]).says(&["(spare) no longer exists"]);
    workspace.apply();
    let tags = [("Tag.1.Key", "Daily_Gens")];
    let [data, root] = [0, 1].map(|number: usize| {
        let target = workspace.account.rules(REGION)[0]["Targets"][number].clone();
        target["Input"].as_str().unwrap().trim_matches('"').to_owned()
    });
    workspace.account.ec2(REGION, "DeleteTags", std::slice::from_ref(&data), &tags);
    assert_eq!(workspace.changes(), ["update web_daily"]);
    workspace.ok(&["plan"]).says(&[&data, "1 to change"]);
    workspace.apply();
    workspace.expect_nothing_to_do();
    assert_eq!(rules(&workspace), ["web_daily 1"]);
    // Another instance of the same name is told apart, and the one that is there keeps its rule; so does the other one then.
    let gens = json!({"Daily_Gens": "2"});
    let newcomer = workspace.account.seed_instances(REGION, json!([{"name": "web", "root": {"tags": gens}}]));
    let newcomer = format!("web_daily.{}", newcomer[0]);
    assert_eq!(workspace.changes(), [format!("create {newcomer}")]);
    workspace.apply();
    workspace.expect_nothing_to_do();
    assert_eq!(rules(&workspace), ["web_daily 1".to_owned(), format!("{newcomer} 1")]);
    workspace.account.ec2(REGION, "DeleteTags", std::slice::from_ref(&root), &tags);
    assert_eq!(workspace.changes(), ["delete web_daily"]);
    workspace.apply();
    workspace.expect_nothing_to_do();
    assert_eq!(rules(&workspace), [format!("{newcomer} 1")]);
    let before = workspace.account.snapshots(REGION);
    workspace.ok(&["destroy", "--yes"]).says(&["1 destroyed"]);
    assert_eq!((rules(&workspace).len(), workspace.account.snapshots(REGION)), (0, before));
}

#[test]
fn a_rule_that_is_there_is_taken_over_when_that_is_said() {
    let workspace = Workspace::new(DAILY);
    fleet(&workspace);
    let body = json!({"Name": "web_daily", "ScheduleExpression": "cron(0 1 * * ? *)"});
    workspace.account.events(REGION, "PutRule", body);
    workspace.run(&["apply", "--yes"]).expect(1).says(&["adopt = true"]);
    workspace.edit_manifest("keep =", "adopt = true\nkeep =");
    workspace.apply().says(&["1 added", "1 adopted"]);
    workspace.expect_nothing_to_do();
    assert_eq!(rules(&workspace), ["spare_daily 1", "web_daily 2"]);
}

#[test]
fn a_typo_in_a_tag_deletes_no_rule() {
    let workspace = Workspace::new(DAILY);
    fleet(&workspace);
    workspace.apply();
    workspace.edit_manifest("ebs = { tags = { Daily_Gens", "ebs = { tags = { Daily_Gnes");
    workspace.run(&["apply", "--yes"]).expect(1).says(&["selects no volumes, which would delete"]);
    assert_eq!(rules(&workspace).len(), 2);
    // One that lives on an instance alone is not forgotten either.
    workspace.run(&["plan", "--exclude", "spare"]).expect(1).says(&["selects no volumes"]);
}

#[test]
fn the_other_engine_takes_the_place_of_rules() {
    let workspace = Workspace::new(DAILY);
    fleet(&workspace);
    workspace.apply();
    workspace.edit_manifest("engine = \"rule\"\n", "");
    workspace.apply().says(&["4 added", "2 destroyed"]);
    workspace.expect_nothing_to_do();
    assert_eq!((rules(&workspace).len(), workspace.account.schedules(REGION).len()), (0, 3));
}

#[test]
fn the_policy_allows_what_rules_need() {
    let workspace = Workspace::new(DAILY);
    let apply = workspace.ok(&["iam-policy", "--for", "apply"]).stdout;
    // Its rules are called after instances.
    assert!(apply.contains(":rule/*\"") && !apply.contains(":rule/opsform-*"), "{apply}");
    for action in ["ec2:CreateTags", "ec2:DeleteSnapshot", "ec2:DescribeInstances", "events:PutTargets"] {
        assert!(apply.contains(&format!("\"{action}\"")), "{action}");
    }
    assert!(
        apply.contains("\"events.amazonaws.com\"") && !apply.contains("scheduler:CreateSchedule"),
        "{apply}"
    );
}
