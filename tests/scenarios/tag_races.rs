//! What other people write between a plan of tags and its calls, and what a plan of tags meets that cannot be changed.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::workspace::{REGION, Run, Workspace, wait_until};

fn manifest(rules: &str) -> String {
    format!(
        "[project]\nname = 'payments'\n[aws]\nregions = ['us-east-1']\n[[tags]]\nlabel = 'base'\n{rules}\n"
    )
}

const EC2: &str = "for_each = { ec2 = {} }\n";
const DATABASES: &str = "for_each = { rds = {}, rds_cluster = {} }\n";
const NORMALIZE: &str = "for_each = { ec2 = {} }\nnormalize = true\nrequire.Env = {}";
const STOP: &str = "for_each = { ec2 = {} }\nrequire.until = { format = 'date', expired = 'stop' }";

/// A workspace with instances that have these tags.
fn instances(rules: &str, tags: &[Value]) -> (Workspace, Vec<String>) {
    let workspace = Workspace::new(&manifest(rules));
    let named = tags.iter().enumerate().map(|(n, tags)| json!({"name": format!("i{n}"), "tags": tags}));
    let ids = workspace.account.seed_instances(REGION, named.collect());
    (workspace, ids)
}

/// A workspace with a database and a cluster that have these tags.
fn databases(rules: &str, tags: Value) -> Workspace {
    let workspace = Workspace::new(&manifest(rules));
    workspace.account.seed(json!({REGION: {
        "databases": [{"id": "orders", "tags": tags}],
        "clusters": [{"id": "ledger", "tags": tags}],
    }}));
    workspace
}

/// All tags of everything, without names and states, as opsform's own inventory shows them.
fn tags(workspace: &Workspace) -> BTreeMap<String, BTreeMap<String, String>> {
    let run = workspace.ok(&["inventory", "--format", "json"]);
    let rows: Vec<serde_json::Map<String, Value>> = serde_json::from_str(&run.stdout).unwrap();
    let wanted = ["Env", "env", "Team", "until"];
    let of_row = |row: &serde_json::Map<String, Value>| {
        let tags =
            wanted.iter().filter_map(|key| Some(((*key).to_owned(), row.get(*key)?.as_str()?.to_owned())));
        (row["id"].as_str().unwrap().to_owned(), tags.collect())
    };
    rows.iter().map(of_row).collect()
}

fn tag<'a>(tags: &'a BTreeMap<String, BTreeMap<String, String>>, id: &str, key: &str) -> Option<&'a str> {
    tags[id].get(key).map(String::as_str)
}

fn power(workspace: &Workspace, id: &str) -> String {
    let run = workspace.ok(&["inventory", "--format", "json"]);
    let rows: Vec<Value> = serde_json::from_str(&run.stdout).unwrap();
    rows.iter().find(|row| row["id"] == id).unwrap()["state"].as_str().unwrap().to_owned()
}

fn tag_database(workspace: &Workspace, kind: &str, id: &str, key: &str, value: &str) {
    let arn = format!("arn:aws:rds:{REGION}:{}:{kind}:{id}", workspace.account.id());
    let fields = [("ResourceName", &*arn), ("Tags.Tag.1.Key", key), ("Tags.Tag.1.Value", value)];
    workspace.account.query("rds", "2014-10-31", REGION, "AddTagsToResource", &fields);
}

/// Runs a command and does something just before its second call of an operation: the plan is made, nothing is sent.
fn meanwhile(workspace: &Workspace, args: &[&str], operation: &str, what: impl FnOnce()) -> Run {
    workspace.account.faults(json!([{"operation": operation, "kind": "hold_before", "skip": 1}]));
    let run = workspace.command(args).spawn().unwrap();
    wait_until(|| workspace.account.held() >= 1);
    workspace.account.faults(json!([]));
    what();
    workspace.account.release();
    Run::of(run.wait_with_output().unwrap())
}

#[test]
fn tags_that_rds_does_not_list_are_asked_for() {
    let workspace =
        databases(&format!("{DATABASES}require.Env = {{ default = 'dev' }}"), json!({"Env": "prod"}));
    workspace.account.options(json!({"no_tag_list": true}));
    workspace.expect_nothing_to_do();
    workspace.apply();
    let tags = tags(&workspace);
    assert_eq!((tag(&tags, "orders", "Env"), tag(&tags, "ledger", "Env")), (Some("prod"), Some("prod")));
}

#[test]
fn a_right_key_that_somebody_wrote_is_not_overwritten() {
    let theirs = |workspace: &Workspace, id: &str| workspace.account.tag(REGION, id, "Env", "theirs");
    let check = |workspace: &Workspace, id: &str| {
        let tags = tags(workspace);
        assert_eq!((tag(&tags, id, "Env"), tag(&tags, id, "env")), (Some("theirs"), Some("old")));
    };
    let misspelt = || instances(NORMALIZE, &[json!({"env": "old"})]);

    let (workspace, ids) = misspelt();
    workspace.ok(&["plan", "--out", "p.json"]);
    theirs(&workspace, &ids[0]);
    workspace.run(&["apply", "--yes", "p.json"]).expect(5).says(&["value of Env"]);
    check(&workspace, &ids[0]);

    let (workspace, ids) = misspelt();
    let asking = workspace.answering("apply");
    theirs(&workspace, &ids[0]);
    asking.answer("yes").says(&["code=5", "value of Env"]);
    check(&workspace, &ids[0]);

    let (workspace, ids) = misspelt();
    let run = meanwhile(&workspace, &["apply", "--yes"], "DescribeTags", || theirs(&workspace, &ids[0]));
    run.expect(4).says(&["left alone", "somebody changed it"]);
    check(&workspace, &ids[0]);
}

#[test]
fn a_correction_that_was_cut_off_is_finished() {
    let (workspace, ids) = instances(NORMALIZE, &[json!({"env": "old"})]);
    workspace.ok(&["plan", "--out", "p.json"]);
    workspace.account.faults(json!([{"operation": "DeleteTags", "kind": "hold_before"}]));
    let mut apply = workspace.command(&["apply", "--yes", "p.json"]).spawn().unwrap();
    wait_until(|| workspace.account.held() >= 1);
    apply.kill().unwrap();
    apply.wait().unwrap();
    // The call that is held stays so: it never came to AWS.
    workspace.account.faults(json!([]));
    workspace.ok(&["apply", "--yes", "p.json"]).says(&["1 changed"]);
    let live = tags(&workspace);
    assert_eq!((tag(&live, &ids[0], "Env"), tag(&live, &ids[0], "env")), (Some("old"), None));
    workspace.ok(&["apply", "--yes", "p.json"]).says(&["the plan's only change is done already"]);
}

#[test]
fn a_tag_of_ours_that_somebody_changes_at_the_last_moment_is_left_alone() {
    let default = |value: &str| format!("{EC2}require.Env = {{ default = '{value}' }}");
    let (workspace, ids) = instances(&default("dev"), &[json!({}), json!({})]);
    workspace.apply();
    workspace.write_manifest(&manifest(&default("stage")));
    let prod = || workspace.account.tag(REGION, &ids[0], "Env", "prod");
    meanwhile(&workspace, &["apply", "--yes"], "DescribeTags", prod).expect(4).says(&[
        "1 changed",
        "1 failed",
        "left alone",
        "somebody changed it",
    ]);
    let live = tags(&workspace);
    assert_eq!((tag(&live, &ids[0], "Env"), tag(&live, &ids[1], "Env")), (Some("prod"), Some("stage")));
    let prod = || workspace.account.tag(REGION, &ids[1], "Env", "prod");
    meanwhile(&workspace, &["destroy", "--yes"], "DescribeTags", prod).expect(4).says(&["left alone"]);
    assert_eq!(tag(&tags(&workspace), &ids[1], "Env"), Some("prod"));
}

#[test]
fn a_tag_of_a_database_is_looked_at_before_it_is_removed() {
    let workspace = databases(&format!("{DATABASES}require.Env = {{ default = 'dev' }}"), json!({}));
    workspace.apply();
    let prod = || tag_database(&workspace, "db", "orders", "Env", "prod");
    meanwhile(&workspace, &["destroy", "--yes"], "DescribeDBInstances", prod)
        .expect(4)
        .says(&["1 destroyed", "left alone"]);
    let live = tags(&workspace);
    assert_eq!((tag(&live, "orders", "Env"), tag(&live, "ledger", "Env")), (Some("prod"), None));
}

#[test]
fn a_misspelt_tag_of_a_database_is_looked_at_before_it_is_removed() {
    let rules = "for_each = { rds = {} }\nnormalize = true\nrequire.Env = {}";
    let workspace = databases(rules, json!({"env": "old"}));
    workspace.account.faults(json!([{"operation": "AddTagsToResource", "kind": "hold_after"}]));
    let run = workspace.command(&["apply", "--yes"]).spawn().unwrap();
    wait_until(|| workspace.account.held() >= 1);
    workspace.account.faults(json!([]));
    tag_database(&workspace, "db", "orders", "env", "new");
    workspace.account.release();
    Run::of(run.wait_with_output().unwrap()).expect(0);
    let live = tags(&workspace);
    assert_eq!((tag(&live, "orders", "Env"), tag(&live, "orders", "env")), (Some("old"), Some("new")));
}

#[test]
fn the_look_is_fresh_however_slow_the_calls_are() {
    let rules = |value: &str| format!("{EC2}require.Env = {{ default = '{value}-{{{{ name }}}}' }}");
    let (workspace, ids) = instances(&rules("dev"), &[json!({}), json!({}), json!({})]);
    workspace.apply();
    let slow = "regions = ['us-east-1']\n[aws.rates]\nCreateTags = 0.5";
    workspace.write_manifest(&manifest(&rules("stage")).replace("regions = ['us-east-1']", slow));
    let run = workspace.command(&["apply", "--yes"]).spawn().unwrap();
    let values = || tags(&workspace).into_values().map(|mut tags| tags.remove("Env").unwrap());
    wait_until(|| values().any(|value| value.starts_with("stage")));
    let live = tags(&workspace);
    let waiting = ids.iter().filter(|id| tag(&live, id, "Env").unwrap().starts_with("dev"));
    for id in waiting {
        workspace.account.tag(REGION, id, "Env", "prod");
    }
    Run::of(run.wait_with_output().unwrap()).expect(4).says(&["1 changed", "2 failed", "left alone"]);
    assert_eq!(values().filter(|value| value == "prod").count(), 2);
}

#[test]
fn instances_are_stopped_before_tags_are_written() {
    let rules = STOP.to_owned() + "\nrequire.Env = { default = 'dev' }";
    let (workspace, ids) = instances(&rules, &[json!({"until": "2020-01-01"})]);
    workspace.account.faults(json!([{"operation": "CreateTags", "kind": "hold_before"}]));
    let run = workspace.command(&["apply", "--yes"]).spawn().unwrap();
    wait_until(|| workspace.account.held() >= 1);
    assert_eq!(power(&workspace, &ids[0]), "stopped");
    workspace.account.faults(json!([]));
    workspace.account.release();
    Run::of(run.wait_with_output().unwrap()).expect(0);
}

#[test]
fn a_default_under_another_key_is_another_tag() {
    let (workspace, ids) = instances(&format!("{EC2}require.Env = {{ default = 'dev' }}"), &[json!({})]);
    workspace.apply();
    workspace.write_manifest(&manifest(&format!("{EC2}require.Team = {{ default = 'ops' }}")));
    workspace.apply().says(&["1 added", "1 destroyed"]);
    let live = tags(&workspace);
    assert_eq!((tag(&live, &ids[0], "Env"), tag(&live, &ids[0], "Team")), (None, Some("ops")));
    assert_eq!(workspace.recorded(), [format!("ec2/{}/Team", ids[0])]);
    workspace.expect_nothing_to_do();
}

#[test]
fn one_denied_resource_fails_alone() {
    let rules = STOP.to_owned() + "\nrequire.Env = { default = 'dev' }";
    let (workspace, ids) = instances(&rules, &vec![json!({"until": "2020-01-01"}); 30]);
    let denied = |operation| json!([{"operation": operation, "kind": "denied", "key": ids[3]}]);
    workspace.account.faults(denied("CreateTags"));
    workspace.run(&["apply", "--yes"]).expect(4).says(&["29 added, 30 changed", "1 failed"]);
    workspace.account.ec2(REGION, "StartInstances", &ids, &[]);
    workspace.account.faults(denied("StopInstances"));
    workspace.run(&["apply", "--yes"]).expect(4).says(&["1 added, 29 changed", "1 failed"]);
}

#[test]
fn what_is_gone_with_its_resource_is_removed_or_done() {
    let rules = format!("{EC2}require.Env = {{ default = 'dev' }}");
    let (workspace, ids) = instances(&rules, &[json!({}), json!({})]);
    workspace.apply();
    workspace.account.faults(json!([{"operation": "DeleteTags", "key": ids[0], "kind": "error",
                                     "code": "InvalidInstanceID.NotFound", "status": 400}]));
    workspace.ok(&["destroy", "--yes"]).says(&["2 destroyed"]);
    assert!(workspace.recorded().is_empty());
}

#[test]
fn a_tag_of_a_terminated_instance_is_forgotten() {
    let rules = format!("{EC2}require.Env = {{ default = 'dev' }}");
    let (workspace, ids) = instances(&rules, &[json!({}), json!({})]);
    workspace.apply();
    workspace.account.ec2(REGION, "TerminateInstances", &ids[..1], &[]);
    let forget = format!("forget ec2/{}/Env", ids[0]);
    assert_eq!(workspace.changes(), [forget]);
    workspace.ok(&["plan", "--out", "p.json"]).says(&["was terminated"]);
    workspace.ok(&["apply", "--yes", "p.json"]).says(&["1 forgotten"]);
    workspace.expect_nothing_to_do();
}

#[test]
fn a_plan_of_stops_outlives_one_of_its_instances() {
    let (workspace, ids) = instances(STOP, &[json!({"until": "2020-01-01"}), json!({"until": "2020-01-01"})]);
    workspace.ok(&["plan", "--out", "p.json"]);
    workspace.account.ec2(REGION, "TerminateInstances", &ids[..1], &[]);
    workspace.ok(&["apply", "--yes", "p.json"]).says(&["1 changed"]);
    assert_eq!(power(&workspace, &ids[1]), "stopped");
}

#[test]
fn a_value_that_was_put_back_keeps_its_record() {
    let rules = format!("{EC2}require.Env = {{ default = 'dev' }}");
    let (workspace, ids) = instances(&rules, &[json!({})]);
    workspace.apply();
    workspace.account.tag(REGION, &ids[0], "Env", "prod");
    workspace.ok(&["drift"]).says(&["leaves the changed tags alone from now on"]);
    workspace.ok(&["plan", "--out", "p.json"]).says(&[
        "1 to forget",
        "changed outside opsform, and left alone from now on: only its record in the state is dropped",
    ]);
    workspace.account.tag(REGION, &ids[0], "Env", "dev");
    workspace.ok(&["apply", "--yes", "p.json"]);
    assert_eq!(workspace.recorded(), [format!("ec2/{}/Env", ids[0])]);
}
