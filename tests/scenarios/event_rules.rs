//! Schedules by EventBridge rules: made, followed, fired, and removed with nothing of others.

use serde_json::{Value, json};

use crate::workspace::{REGION, Workspace};

pub(crate) const OFFICE: &str = "\
[project]
name = 'payments'
[aws]
regions = ['us-east-1']
[aws.rates]
PutRule = 1000
PutTargets = 1000
RemoveTargets = 1000
DeleteRule = 1000
TagResource = 1000
ListTargetsByRule = 1000
[[schedule]]
label = 'office'
engine = 'rule'
for_each = { ec2 = { tags = { AutoStopStart = 'Yes' } }, rds = {}, rds_cluster = {} }
start = 'cron(0 9 ? * MON-FRI *)'
stop = 'cron(0 19 ? * MON-FRI *)'
timezone = 'Asia/Seoul'
role_arn = 'arn:aws:iam::{{ account }}:role/opsform-schedule'
";

pub(crate) const PREFIX: &str = "opsform-payments.office";

pub(crate) fn fleet() -> (Workspace, Vec<String>) {
    let workspace = Workspace::new(OFFICE);
    let yes = json!({"AutoStopStart": "Yes"});
    let seeded = workspace.account.seed(json!({REGION: {
        "instances": [{"name": "web-1", "tags": yes}, {"name": "web-2", "tags": yes}, {"name": "other"}],
        "databases": [{"id": "orders"}], "clusters": [{"id": "ledger", "members": ["ledger-1"]}],
    }}));
    (workspace, ids_of(&seeded))
}

fn ids_of(seeded: &Value) -> Vec<String> {
    let ids = seeded["regions"][REGION]["instances"].as_array().unwrap();
    ids.iter().map(|id| id.as_str().unwrap().to_owned()).collect()
}

/// The names of all rules on AWS.
pub(crate) fn rules(workspace: &Workspace) -> Vec<String> {
    let rules = workspace.account.rules(REGION);
    rules.iter().map(|rule| rule["Name"].as_str().unwrap().to_owned()).collect()
}

pub(crate) fn rule(workspace: &Workspace, name: &str) -> Value {
    let rules = workspace.account.rules(REGION);
    rules.iter().find(|rule| rule["Name"] == name).unwrap_or_else(|| panic!("no {name}: {rules:?}")).clone()
}

/// The ids of the targets of a rule.
pub(crate) fn targets(workspace: &Workspace, name: &str) -> Vec<String> {
    let rule = rule(workspace, name);
    let mut ids: Vec<String> = rule["Targets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|target| target["Id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    ids
}

pub(crate) fn ours() -> Vec<String> {
    let of = |action: &str| ["ec2", "rds", "rds_cluster"].map(|kind| format!("{PREFIX}.{action}.{kind}"));
    [of("start"), of("stop")].concat()
}

pub(crate) fn stop() -> String {
    format!("{PREFIX}.stop.ec2")
}

fn state_of(workspace: &Workspace, id: &str) -> String {
    // AWS is on its way when it is asked the first time.
    workspace.ok(&["inventory", "--format", "json"]);
    let run = workspace.ok(&["inventory", "--format", "json"]);
    let rows: Value = serde_json::from_str(&run.stdout).unwrap();
    let row = rows.as_array().unwrap().iter().find(|row| row["id"] == id).unwrap().clone();
    row["state"].as_str().unwrap().to_owned()
}

fn fire(workspace: &Workspace, action: &str) {
    for kind in ["ec2", "rds", "rds_cluster"] {
        for told in workspace.account.fire_rule(REGION, &format!("{PREFIX}.{action}.{kind}")) {
            assert_eq!(told["status"], 200, "{told}");
        }
    }
}

/// A rule of somebody else's, with a target.
pub(crate) fn make_theirs(workspace: &Workspace, name: &str) {
    let account = &workspace.account;
    account.events(REGION, "PutRule", json!({"Name": name, "ScheduleExpression": "rate(1 day)"}));
    let arn = format!("arn:aws:sqs:us-east-1:{}:queue", account.id());
    account.events(REGION, "PutTargets", json!({"Rule": name, "Targets": [{"Id": "queue", "Arn": arn}]}));
}

#[test]
fn a_fleet_gets_its_rules_and_they_do_what_they_say() {
    let (workspace, ids) = fleet();
    make_theirs(&workspace, "theirs");
    workspace.ok(&["plan"]).says(&[
        "6 to add, 0 to change, 0 to destroy",
        "cron(0 10 ? * MON-FRI *) UTC: stop-instance of i-",
        "schedule.office leaves out ledger-1: it is a member of a cluster",
    ]);
    workspace.apply().says(&["6 added"]);
    assert_eq!(rules(&workspace), [ours(), vec!["theirs".to_owned()]].concat());
    let tags = json!({"opsform:project": "payments", "opsform:label": "schedule.office"});
    assert_eq!(rule(&workspace, &stop())["Tags"], tags);
    workspace.account.clear_calls();
    workspace.expect_nothing_to_do();
    let counts = workspace.account.calls();
    let count = |operation: &str| counts.get(operation).and_then(Value::as_u64).unwrap_or(0);
    // One page of rules, and the targets of ours alone.
    assert_eq!((count("events:ListRules"), count("events:ListTargetsByRule")), (1, 6), "{counts:?}");
    assert_eq!((count("events:ListTagsForResource"), count("tagging:GetResources")), (0, 0), "{counts:?}");
    fire(&workspace, "stop");
    for id in [&ids[0], &ids[1], "orders", "ledger"] {
        assert_eq!(state_of(&workspace, id), "stopped", "{id}");
    }
    assert_eq!(state_of(&workspace, &ids[2]), "running");
    workspace.expect_nothing_to_do();
    fire(&workspace, "start");
    assert_eq!(state_of(&workspace, &ids[0]), "running");
    assert_eq!(state_of(&workspace, "ledger"), "available");
    workspace.ok(&["destroy", "--yes"]).says(&["6 destroyed"]);
    assert_eq!(rules(&workspace), ["theirs"]);
    assert_eq!(targets(&workspace, "theirs"), ["queue"]);
    assert_eq!(workspace.recorded(), [""; 0]);
}

#[test]
fn an_instance_that_joins_or_leaves_changes_its_targets_and_nothing_else() {
    let (workspace, ids) = fleet();
    workspace.apply();
    workspace.account.tag(REGION, &ids[0], "AutoStopStart", "No");
    workspace.account.tag(REGION, &ids[2], "AutoStopStart", "Yes");
    let changed = ["start", "stop"].map(|action| format!("update {PREFIX}.{action}.ec2"));
    assert_eq!(workspace.changes(), changed);
    workspace.ok(&["plan"]).says(&["0 to add, 2 to change, 0 to destroy", &ids[0], &ids[2]]);
    workspace.account.clear_calls();
    workspace.apply().says(&["2 changed"]);
    let mut expected = vec![ids[1].clone(), ids[2].clone()];
    expected.sort();
    assert_eq!(targets(&workspace, &stop()), expected);
    let count = |operation: &str| workspace.account.count(operation);
    assert_eq!((count("events:PutTargets"), count("events:RemoveTargets")), (2, 2));
    workspace.expect_nothing_to_do();
    // One is kept running for a while: it is not stopped, and it is started.
    workspace.account.tag(REGION, &ids[1], "keep-running-until", "2999-12-31");
    assert_eq!(workspace.changes(), [format!("update {}", stop())]);
    workspace.apply();
    assert_eq!(targets(&workspace, &stop()), [ids[2].clone()]);
    workspace.expect_nothing_to_do();
}

#[test]
fn a_sixth_instance_divides_a_rule_and_is_never_sent() {
    let workspace = Workspace::new(&OFFICE.replace(", rds = {}, rds_cluster = {}", ""));
    let yes = json!({"AutoStopStart": "Yes"});
    let seeded =
        workspace.account.seed(json!({REGION: {"instances": [{"name": "web", "tags": yes, "count": 40}]}}));
    let mut ids = ids_of(&seeded);
    workspace.apply();
    let stops = |workspace: &Workspace| -> Vec<(String, Vec<String>)> {
        let names = rules(workspace).into_iter().filter(|name| name.starts_with(&stop()));
        names.map(|name| (name.clone(), targets(workspace, &name))).collect()
    };
    let before = stops(&workspace);
    assert!(before.len() >= 8, "{before:?}");
    let mut all: Vec<String> = before.iter().flat_map(|(_, ids)| ids.clone()).collect();
    all.sort();
    ids.sort();
    assert_eq!(all, ids);
    let refused = |call: &Value| call["code"] == "LimitExceededException";
    assert!(!workspace.account.log().iter().any(refused));
    workspace.expect_nothing_to_do();
    workspace.account.terminate(REGION, &ids[..1]);
    let changes = workspace.changes();
    // One for each action, or, where two halves are one again, three.
    assert!(changes.len() <= 6, "{changes:?}");
    workspace.apply();
    let after = stops(&workspace);
    let touched = before.iter().filter(|rule| !after.contains(rule)).count();
    assert!((1..=2).contains(&touched), "{touched} of {}", before.len());
    workspace.expect_nothing_to_do();
}

#[test]
fn what_a_person_changed_is_set_back() {
    let (workspace, ids) = fleet();
    workspace.apply();
    let account = &workspace.account;
    let put = json!({"Name": stop(), "ScheduleExpression": "rate(1 day)", "State": "DISABLED"});
    account.events(REGION, "PutRule", put);
    account.events(REGION, "RemoveTargets", json!({"Rule": format!("{PREFIX}.start.ec2"), "Ids": [ids[0]]}));
    let arn = format!("arn:aws:sqs:us-east-1:{}:queue", account.id());
    let added = json!({"Rule": format!("{PREFIX}.stop.rds"), "Targets": [{"Id": "queue", "Arn": arn}]});
    account.events(REGION, "PutTargets", added);
    let run = workspace.ok(&["plan"]);
    run.says(&[
        "3 to change",
        "changed outside opsform",
        "rate(1 day) → cron(0 10 ? * MON-FRI *)",
        &ids[0],
        "queue",
    ]);
    workspace.run(&["drift", "--detailed-exitcode"]).expect(3);
    workspace.apply().says(&["3 changed"]);
    assert_eq!(rule(&workspace, &stop())["State"], "ENABLED");
    assert_eq!(targets(&workspace, &format!("{PREFIX}.start.ec2")).len(), 2);
    assert_eq!(targets(&workspace, &format!("{PREFIX}.stop.rds")), ["orders"]);
    workspace.expect_nothing_to_do();
    // What the spec cannot say is not written over.
    let transformed = json!({"Rule": stop(), "Targets": [{"Id": "x", "Arn": arn, "InputPath": "$.detail"}]});
    workspace.account.events(REGION, "PutTargets", transformed);
    workspace.run(&["apply", "--yes"]).expect(1).says(&["a target's input path"]);
}

#[test]
fn somebody_elses_rule_of_that_name_is_left_alone() {
    let (workspace, _) = fleet();
    make_theirs(&workspace, &stop());
    workspace.run(&["apply", "--yes"]).expect(1).says(&["belongs to nobody", "adopt = true"]);
    assert_eq!(rules(&workspace), [stop()]);
    workspace.edit_manifest("start =", "adopt = true\nstart =");
    workspace.apply().says(&["5 added", "1 adopted"]);
    assert_eq!(rule(&workspace, &stop())["Tags"]["opsform:project"], "payments");
    assert_eq!(targets(&workspace, &stop()).len(), 2);
    workspace.expect_nothing_to_do();
    // Another project's is a conflict, whatever is said.
    let tags = json!([{"Key": "opsform:project", "Value": "billing"}]);
    let arn = format!("arn:aws:events:us-east-1:{}:rule/{}", workspace.account.id(), stop());
    workspace.account.events(REGION, "TagResource", json!({"ResourceARN": arn, "Tags": tags}));
    workspace.edit_manifest("cron(0 19", "cron(0 20");
    workspace.run(&["apply", "--yes"]).expect(1).says(&["billing"]);
    assert_eq!(rule(&workspace, &stop())["ScheduleExpression"], "cron(0 10 ? * MON-FRI *)");
}

#[test]
fn a_lost_state_is_rebuilt_from_the_tags() {
    let (workspace, _) = fleet();
    workspace.apply();
    make_theirs(&workspace, "theirs");
    let recorded = workspace.recorded();
    std::fs::remove_file(workspace.state_file()).unwrap();
    workspace.expect_nothing_to_do();
    workspace.ok(&["state", "rebuild", "--yes"]);
    assert_eq!(workspace.recorded(), recorded);
    workspace.expect_nothing_to_do();
}

#[test]
fn the_policy_allows_what_is_called_and_names_the_role() {
    let (workspace, ids) = fleet();
    workspace.apply();
    workspace.account.tag(REGION, &ids[0], "AutoStopStart", "No");
    workspace.apply();
    make_theirs(&workspace, &format!("{PREFIX}.stop.ec2.1"));
    workspace.ok(&["destroy", "--yes"]);
    let policy: Value = serde_json::from_str(&workspace.ok(&["iam-policy"]).stdout).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    let statement = |sid: &str| statements.iter().find(|one| one["Sid"] == sid).unwrap();
    let pass = statement("OpsformPassRoleEvents");
    assert_eq!(pass["Resource"], json!(["arn:aws:iam::*:role/opsform-schedule"]));
    assert_eq!(pass["Condition"]["StringEquals"]["iam:PassedToService"], "events.amazonaws.com");
    let rules = |region: &str| json!([format!("arn:aws:events:{region}:*:rule/opsform-*")]);
    assert_eq!(statement("OpsformWriteEventRule")["Resource"], rules("us-east-1"));
    assert_eq!(statement("OpsformRemoveEventRule")["Resource"], rules("*"));
    let allowed: Vec<&Value> =
        statements.iter().flat_map(|statement| statement["Action"].as_array().unwrap()).collect();
    let called = workspace.account.calls();
    for call in called.keys().map(|call| call.replace("tagging:", "tag:")) {
        // The test itself gives instances their tags.
        let of_others = ["sts:GetCallerIdentity", "ec2:CreateTags"].contains(&&*call);
        let fine = allowed.contains(&&json!(call)) || of_others;
        assert!(fine, "{call} by {policy}");
    }
    let spare: Vec<&&Value> = allowed
        .iter()
        .filter(|action| action.as_str().unwrap().starts_with("events:"))
        .filter(|action| !called.contains_key(action.as_str().unwrap()))
        .collect();
    // Only what the index does not know is asked itself.
    assert!(spare.iter().all(|action| **action == "events:ListTagsForResource"), "{spare:?}");
    assert!(!policy.to_string().contains("scheduler"));
}
