//! Tag rules in the plan: defaults are added, keys are written right, what has expired is stopped, and nothing of others
//! is touched.

use serde_json::{Value, json};

use crate::workspace::{REGION, Workspace};

const RULES: &str = "\
[project]
name = 'payments'
[aws]
regions = ['us-east-1']
[[tags]]
label = 'base'
for_each = { ec2 = {}, ebs = {}, rds = {}, rds_cluster = {} }
normalize = true
require.Env = { one_of = ['prod', 'dev', 'stage'], default = 'dev' }
require.Team = { default = \"{{ 'web' if name == 'web-1' else 'ops' }}\" }
require.expiry-date = { format = 'date', expired = 'stop' }
";

fn fleet() -> (Workspace, Vec<String>) {
    let workspace = Workspace::new(RULES);
    let seeded = workspace.account.seed(json!({REGION: {
        "instances": [
            {"name": "web-1", "tags": {"expiry-date": "2999-01-01"}},
            {"name": "web-2", "tags": {"Env": "prod", "Expiry-Date ": "2999-01-01", "Mine": "x"}},
            {"name": "old", "tags": {"Env": "dev", "Team": "ops", "expiry-date": "2020-01-01"}},
        ],
        "volumes": [{"name": "data", "tags": {"expiry-date": "2999-01-01"}}],
        "databases": [{"id": "orders", "tags": {"Env": "qa", "expiry-date": "2020-01-01"}}],
        "clusters": [{"id": "ledger", "tags": {"expiry-date": "2999-01-01"}}],
    }}));
    let ids = &seeded["regions"][REGION];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut all: Vec<String> = ids["instances"].as_array().unwrap().iter().map(text).collect();
    all.extend(ids["volumes"].as_array().unwrap().iter().map(text));
    (workspace, all)
}

/// A resource with its live tags, as opsform's own inventory shows them.
fn tags(workspace: &Workspace, id: &str) -> Value {
    let run = workspace.ok(&["inventory", "--format", "json"]);
    let rows: Value = serde_json::from_str(&run.stdout).unwrap();
    rows.as_array().unwrap().iter().find(|row| row["id"] == id).unwrap().clone()
}

fn state_of(workspace: &Workspace, id: &str) -> String {
    tags(workspace, id)["state"].as_str().unwrap().to_owned()
}

#[test]
fn defaults_are_added_keys_corrected_and_the_expired_stopped() {
    let (workspace, ids) = fleet();
    let plan = workspace.ok(&["plan"]);
    // Env and Team for web-1, data and ledger, Team for web-2 and orders; a key and a power.
    plan.says(&[
        "not ours, and changed by a rule: 1 power state and 1 tag (power states of old; tags of web-2)",
        "8 to add, 2 to change, 0 to destroy",
        "because expiry-date 2020-01-01 has passed",
        "is to be written",
    ]);
    workspace.account.clear_calls();
    workspace.apply().says(&["8 added, 2 changed"]);
    assert!(
        workspace.account.count("ec2:CreateTags") <= 4,
        "many resources a call: {:?}",
        workspace.account.calls()
    );
    assert_eq!(tags(&workspace, &ids[0])["Env"], "dev");
    assert_eq!(tags(&workspace, &ids[0])["Team"], "web");
    let second = tags(&workspace, &ids[1]);
    assert_eq!(
        (&second["Env"], &second["Team"], &second["Mine"]),
        (&json!("prod"), &json!("ops"), &json!("x"))
    );
    assert_eq!(second["expiry-date"], "2999-01-01");
    assert_eq!(second.get("Expiry-Date "), None);
    assert_eq!(tags(&workspace, &ids[3])["Env"], "dev");
    assert_eq!(
        tags(&workspace, "orders")["Env"],
        "qa",
        "a wrong value is a finding and not the plan's to change"
    );
    assert_eq!(tags(&workspace, "ledger")["Team"], "ops");
    assert_eq!(state_of(&workspace, &ids[2]), "stopped");
    assert_eq!(state_of(&workspace, "orders"), "available", "a database is not stopped");
    workspace.expect_nothing_to_do();
}

#[test]
fn a_changed_default_changes_ours_and_a_changed_value_is_theirs() {
    let (workspace, ids) = fleet();
    workspace.apply();
    // Somebody gives one instance a value of their own, and takes the tag off a volume.
    workspace.account.tag(REGION, &ids[0], "Env", "prod");
    workspace.ok(&["plan"]).says(&["changed outside opsform, and left alone from now on"]);
    workspace.edit_manifest("default = 'dev'", "default = 'stage'");
    workspace.ok(&["plan", "--format", "json"]);
    workspace.apply().says(&["2 changed"]);
    assert_eq!(tags(&workspace, &ids[0])["Env"], "prod");
    assert_eq!(tags(&workspace, &ids[3])["Env"], "stage");
    assert_eq!(tags(&workspace, "ledger")["Env"], "stage");
    assert_eq!(tags(&workspace, &ids[1])["Env"], "prod");
    workspace.expect_nothing_to_do();
}

#[test]
fn destroy_takes_off_what_we_added_and_nothing_else() {
    let (workspace, ids) = fleet();
    let before: Vec<Value> = ids.iter().map(|id| tags(&workspace, id)).collect();
    workspace.apply();
    workspace.account.tag(REGION, &ids[0], "Team", "theirs");
    workspace.ok(&["destroy", "--yes"]).says(&["7 destroyed"]);
    assert_eq!(tags(&workspace, &ids[0])["Team"], "theirs");
    assert_eq!(tags(&workspace, &ids[0]).get("Env"), None);
    assert_eq!(tags(&workspace, &ids[3]), before[3]);
    for key in ["Env", "Team"] {
        assert_eq!(tags(&workspace, &ids[2])[key], before[2][key]);
    }
    // What was corrected stays corrected, and what was stopped is not started.
    assert_eq!(tags(&workspace, &ids[1])["expiry-date"], "2999-01-01");
    assert_eq!(state_of(&workspace, &ids[2]), "stopped");
    assert!(workspace.recorded().is_empty());
}

#[test]
fn one_resource_that_refuses_does_not_stop_the_others() {
    let workspace = Workspace::new(&RULES.replace("ebs = {}, rds = {}, rds_cluster = {}", ""));
    let instances: Vec<Value> =
        (0..40).map(|n| json!({"name": format!("i{n}"), "tags": {"expiry-date": "2999-01-01"}})).collect();
    let ids = workspace.account.seed_instances(REGION, instances.into());
    workspace.account.faults(json!([{"operation": "CreateTags", "key": ids[7], "kind": "error",
                                     "code": "InvalidInstanceID.NotFound", "status": 400, "times": 100}]));
    workspace.run(&["apply", "--yes"]).expect(4).says(&["78 added", "InvalidInstanceID.NotFound"]);
    workspace.account.faults(json!([]));
    workspace.apply().says(&["2 added"]);
    workspace.expect_nothing_to_do();
}

#[test]
fn a_saved_plan_of_tags_is_applied_once() {
    let (workspace, ids) = fleet();
    workspace.ok(&["plan", "--out", "plan.json"]);
    workspace.ok(&["show", "plan.json"]).says(&["8 to add"]);
    workspace.ok(&["apply", "--yes", "plan.json"]).says(&["8 added, 2 changed"]);
    workspace.expect_nothing_to_do();
    workspace.account.tag(REGION, &ids[0], "Env", "prod");
    workspace.ok(&["plan", "--out", "forget.json"]);
    workspace.ok(&["apply", "--yes", "forget.json"]);
    assert_eq!(tags(&workspace, &ids[0])["Env"], "prod");
    workspace.expect_nothing_to_do();
}

#[test]
fn the_policy_allows_what_the_rules_call() {
    let (workspace, _) = fleet();
    let run = workspace.ok(&["iam-policy"]);
    for action in [
        "ec2:CreateTags",
        "ec2:DeleteTags",
        "rds:AddTagsToResource",
        "ec2:StopInstances",
        "ec2:DescribeVolumes",
    ] {
        assert!(run.stdout.contains(action), "{action}");
    }
    assert!(run.stdout.contains(":instance/*") && run.stdout.contains(":cluster:*"), "{}", run.stdout);
    for word in ["\"arn:aws:*\"", "StartInstances", "PutMetricAlarm"] {
        assert!(!run.stdout.contains(word), "{word} in {}", run.stdout);
    }
    let audit = workspace.ok(&["iam-policy", "--for", "audit"]).stdout;
    assert!(
        !audit.contains("CreateTags") && !audit.contains("ses:") && audit.contains("ec2:DescribeVolumes"),
        "{audit}"
    );
}

#[test]
fn a_date_that_was_put_off_stops_nothing() {
    let (workspace, ids) = fleet();
    workspace.ok(&["plan", "--out", "plan.json"]);
    workspace.account.tag(REGION, &ids[2], "expiry-date", "2999-01-01");
    let run = workspace.run(&["apply", "--yes", "plan.json"]).expect(5);
    run.says(&["is no longer what a rule would change"]);
    assert_eq!(state_of(&workspace, &ids[2]), "running");
    assert_eq!(tags(&workspace, &ids[0]).get("Env"), None, "nothing was applied");
}

#[test]
fn a_default_that_is_removed_takes_its_tags_off_and_says_why() {
    let (workspace, ids) = fleet();
    workspace.apply();
    workspace
        .edit_manifest("require.Team = { default = \"{{ 'web' if name == 'web-1' else 'ops' }}\" }\n", "");
    workspace
        .ok(&["plan"])
        .says(&["0 to add, 0 to change, 5 to destroy", "because tags.base no longer asks for them"]);
    workspace.apply().says(&["5 destroyed"]);
    assert_eq!(tags(&workspace, &ids[0]).get("Team"), None);
    assert_eq!(tags(&workspace, &ids[2])["Team"], "ops", "that one is not ours");
    workspace.expect_nothing_to_do();
}

#[test]
fn two_rules_that_ask_for_the_same_are_one() {
    let rules = format!(
        "{RULES}[[tags]]\nlabel = 'more'\nfor_each = {{ ec2 = {{}} }}\nrequire.Env = {{ default = 'dev' }}\n\
         require.expiry-date = {{ format = 'date', expired = 'stop' }}\n"
    );
    let (workspace, _) = fleet();
    workspace.write_manifest(&rules);
    workspace.apply().says(&["8 added, 2 changed"]);
    workspace.expect_nothing_to_do();
    workspace.write_manifest(
        &rules.replace("default = 'dev' }\nrequire.expiry", "default = 'qa' }\nrequire.expiry"),
    );
    workspace.run(&["plan"]).expect(1).says(&["both want", "let one of the rules ask for it"]);
}
