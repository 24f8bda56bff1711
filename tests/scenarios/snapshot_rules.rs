//! Snapshots by EventBridge rules: made, adopted, pruned, followed as the fleet changes, and what people made left alone.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::workspace::{REGION, Workspace};

const DAILY: &str = r#"
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
fn ago(days: i64, time: &str) -> String {
    let day = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * days);
    format!("{}T{time}Z", day.strftime("%Y-%m-%d"))
}

fn rules(workspace: &Workspace) -> Vec<String> {
    let line = |rule: &Value| {
        let targets = rule["Targets"].as_array().unwrap().len();
        format!("{} {targets}", rule["Name"].as_str().unwrap())
    };
    workspace.account.rules(REGION).iter().map(line).collect()
}

fn ids(seeded: &Value, what: &str) -> Vec<String> {
    let ids = seeded["regions"][REGION][what].as_array().unwrap().iter();
    ids.map(|id| id.as_str().unwrap().to_owned()).collect()
}

/// An instance `web` with two volumes that keep two generations, and a volume of its own.
fn fleet(workspace: &Workspace) -> (String, String) {
    let gens = json!({"Daily_Gens": "2"});
    let seeded = workspace.account.seed(json!({ REGION: {
        "instances": [{"name": "web", "root": {"tags": gens}, "volumes": [{"tags": gens}, {"name": "scratch"}]}],
        "volumes": [{"name": "spare", "tags": gens}],
    }}));
    (ids(&seeded, "instances")[0].clone(), ids(&seeded, "volumes")[0].clone())
}

/// Lets a rule take its snapshots; their ids.
fn fire(workspace: &Workspace, rule: &str, at: &str) -> Vec<String> {
    let before = workspace.account.snapshots(REGION);
    for told in workspace.account.fire_rule_at(REGION, rule, at) {
        assert_eq!((&told["called"], &told["status"]), (&json!("ec2:CreateSnapshot"), &json!(200)), "{told}");
    }
    workspace.account.snapshots(REGION).difference(&before).cloned().collect()
}

#[test]
fn the_life_of_a_rule() {
    let workspace = Workspace::new(DAILY);
    let (instance, spare) = fleet(&workspace);
    workspace.apply().says(&["2 added"]);
    workspace.expect_nothing_to_do();
    assert_eq!(rules(&workspace), ["spare_daily 1", "web_daily 2"]);
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
    let data = workspace.account.rules(REGION)[0]["Targets"][0]["Id"].as_str().unwrap().to_owned();
    workspace.account.ec2(REGION, "DeleteTags", std::slice::from_ref(&data), &tags);
    assert_eq!(workspace.changes(), ["update web_daily"]);
    workspace.ok(&["plan"]).says(&[&data, "1 to change"]);
    workspace.apply();
    workspace.expect_nothing_to_do();
    assert_eq!(rules(&workspace), ["web_daily 1"]);
    // Another instance of the same name, and then neither is `web_daily`.
    let gens = json!({"Daily_Gens": "2"});
    workspace.account.seed_instances(REGION, json!([{"name": "web", "root": {"tags": gens}}]));
    workspace.apply();
    workspace.expect_nothing_to_do();
    let names = rules(&workspace);
    assert!(names.len() == 2 && names.iter().all(|name| name.starts_with("web_daily.i-")), "{names:?}");
    assert!(names.contains(&format!("web_daily.{instance} 1")));
    let before = workspace.account.snapshots(REGION);
    workspace.ok(&["destroy", "--yes"]).says(&["2 destroyed"]);
    assert_eq!((rules(&workspace).len(), workspace.account.snapshots(REGION)), (0, before));
}

#[test]
fn what_people_made_is_left_alone() {
    let workspace = Workspace::new(DAILY);
    let (_, spare) = fleet(&workspace);
    let by_hand = |days: i64, time: &str, more: Value| {
        let mut snapshot = json!({"volume": spare, "started": ago(days, time)});
        snapshot.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        snapshot
    };
    // Before the rule was there, at its time.
    let seed = |what: Value| workspace.account.seed(json!({ REGION: { "snapshots": what } }));
    seed(json!([by_hand(1, "09:30:10", json!({}))]));
    assert_eq!(workspace.changes().len(), 2);
    workspace.apply().says(&["2 added"]);
    let ours = workspace.changes();
    assert_eq!(ours.len(), 1, "{ours:?}");
    let odd = seed(json!([
        by_hand(1, "09:29:59", json!({})),
        by_hand(1, "09:46:01", json!({})),
        by_hand(1, "09:30:10", json!({"tags": {"Name": "before the upgrade"}})),
        by_hand(1, "09:30:10", json!({"tags": {"aws:dlm:lifecycle-policy-id": "policy-1"}})),
        by_hand(1, "09:30:10", json!({"owner": "222222222222"})),
        by_hand(1, "09:30:10", json!({"state": "error"})),
        by_hand(1, "09:30:10", json!({"lock": "governance"})),
        by_hand(1, "09:30:10", json!({})),
        by_hand(15, "09:30:10", json!({})),
        {"started": ago(1, "09:30:10")},
    ]));
    let used = ids(&odd, "snapshots")[7].clone();
    workspace.account.seed(json!({ REGION: { "images": [{"snapshots": [used]}] } }));
    assert_eq!(workspace.changes(), ours);
    // A pending one waits until it is complete.
    workspace.account.options(json!({"slow_snapshots": true}));
    let pending = fire(&workspace, "spare_daily", &ago(1, "09:30:30"));
    assert_eq!(workspace.changes(), ours);
    workspace.account.options(json!({}));
    workspace.account.finish_snapshots(REGION);
    let both = workspace.changes();
    assert!(both.len() == 2 && both.contains(&format!("adopt {}", pending[0])), "{both:?}");
    // Few calls, and none of them for each volume.
    workspace.account.clear_calls();
    workspace.ok(&["plan"]);
    // Tagged ones, those of the volumes, and twice what is to be adopted: with its users, and for the comparison.
    assert_eq!(workspace.account.count("ec2:DescribeSnapshots"), 4);
    workspace.apply().says(&["2 adopted"]);
    workspace.expect_nothing_to_do();
}

#[test]
fn what_somebody_tags_in_between_is_theirs() {
    let workspace = Workspace::new(DAILY);
    fleet(&workspace);
    workspace.apply();
    let made = fire(&workspace, "web_daily", &ago(1, "09:30:05"));
    // A saved plan knows that they had no tag.
    workspace.ok(&["plan", "--out", "plan.json"]).says(&["2 to adopt"]);
    workspace.account.tag(REGION, &made[0], "Name", "mine");
    workspace.run(&["apply", "plan.json", "--yes"]).expect(5).says(&["tags"]);
    assert_eq!(workspace.changes(), [format!("adopt {}", made[1])]);
    // So does the last look before the call.
    workspace.account.faults(json!([{"operation": "DescribeSnapshots", "kind": "hold_before", "skip": 4}]));
    let apply = workspace.command(&["apply", "--yes"]).spawn().unwrap();
    crate::workspace::wait_until(|| workspace.account.held() > 0);
    workspace.account.tag(REGION, &made[1], "Name", "mine, too");
    workspace.account.faults(json!([]));
    workspace.account.release();
    let ended = apply.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned() + &String::from_utf8_lossy(&ended.stdout);
    assert_eq!(ended.status.code(), Some(4), "{said}");
    assert!(said.contains("somebody changed it since the plan was made"), "{said}");
    workspace.expect_nothing_to_do();
}

#[test]
fn two_rules_that_fire_together_adopt_nothing() {
    let weekly = DAILY.split_once("[[snapshot]]").unwrap().1.replace("\"daily\"", "\"twice\"");
    let workspace = Workspace::new(&format!("{DAILY}\n[[snapshot]]{weekly}"));
    fleet(&workspace);
    workspace.apply();
    fire(&workspace, "web_daily", &ago(1, "09:30:05"));
    let plan = workspace.ok(&["plan"]);
    plan.says(&[
        "snapshot.daily and snapshot.twice may each have made 2 resources",
        "left alone",
        "Nothing to do",
    ]);
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
