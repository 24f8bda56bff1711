//! Killed at any moment: the next plan shows just the rest, and apply finishes it.

use serde_json::json;

use crate::workspace::{CPU, REGION, Run, Workspace, wait_until};

const FLEET: usize = 12;

fn fleet() -> Workspace {
    let workspace = Workspace::new(CPU);
    let instances: Vec<_> = (1..=FLEET).map(|n| json!({"name": format!("web-{n:02}")})).collect();
    workspace.account.seed_instances(REGION, instances.into());
    workspace
}

fn finish(workspace: &Workspace, made: usize) {
    // Just the rest: no adopt, no conflict, no update.
    let changes = workspace.changes();
    let there = workspace.account.alarms(REGION).len();
    assert_eq!(there, made);
    assert_eq!(changes.len(), FLEET - there, "{changes:?}");
    assert!(changes.iter().all(|change| change.starts_with("create ")), "{changes:?}");
    workspace.account.clear_calls();
    workspace.apply();
    assert_eq!(usize::try_from(workspace.account.count("cloudwatch:PutMetricAlarm")).unwrap(), FLEET - there);
    assert_eq!(workspace.account.alarms(REGION).len(), FLEET);
    assert_eq!(workspace.recorded(), workspace.account.alarm_names(REGION));
    assert_eq!(workspace.state()["unconfirmed"], json!(null));
    workspace.expect_nothing_to_do();
    workspace.ok(&["destroy", "--yes"]);
    assert!(workspace.account.alarms(REGION).is_empty());
}

#[test]
fn killed_before_the_rest_reached_aws() {
    for k in [0, 1, 5, FLEET - 1] {
        let workspace = fleet();
        workspace.kill_apply(FLEET, k, "hold_before");
        finish(&workspace, k);
    }
}

#[test]
fn killed_after_aws_did_it_and_before_the_answer_came() {
    for k in [0, 1, 5, FLEET - 1] {
        let workspace = fleet();
        workspace.kill_apply(FLEET, k, "hold_after");
        finish(&workspace, FLEET);
    }
}

#[test]
fn killed_and_the_journal_is_damaged() {
    let workspace = fleet();
    workspace.kill_apply(FLEET, 3, "hold_after");
    let journal = workspace.path().join("state/payments.json.journal");
    let whole = std::fs::read(&journal).unwrap();
    std::fs::write(&journal, [b"X", &whole[1..]].concat()).unwrap();
    for command in [["apply", "--yes"].as_slice(), &["plan"], &["destroy", "--yes"], &["state", "list"]] {
        workspace.run(command).expect(1).says(&["payments.json.journal is damaged: line 1", "state rebuild"]);
    }
    assert_eq!(workspace.account.alarms(REGION).len(), FLEET);
    std::fs::write(&journal, whole).unwrap();
    finish(&workspace, FLEET);
}

#[test]
fn a_journal_that_was_left_behind_is_folded_although_nothing_is_to_be_done() {
    let workspace = fleet();
    workspace.apply();
    let journal = workspace.path().join("state/payments.json.journal");
    let state = workspace.state();
    let header = json!({"journal": 1, "lineage": state["lineage"], "serial": state["serial"]});
    let mut moved = state["resources"][0].clone();
    moved["key"] = json!("gone");
    let drop = json!({"entry": "drop", "address": {"kind": moved["kind"], "account": moved["account"],
                      "region": moved["region"], "key": "gone"}});
    let own = json!({"entry": "own", "resource": moved});
    std::fs::write(&journal, format!("{header}\n{own}\n{drop}\n")).unwrap();
    workspace.apply().says(&["Nothing to do"]);
    assert!(!journal.exists());
    assert_eq!(workspace.state()["serial"], json!(state["serial"].as_u64().unwrap() + 1));
    assert_eq!(workspace.state()["resources"], state["resources"]);
}

#[test]
fn killed_and_then_no_longer_wanted() {
    let workspace = fleet();
    workspace.kill_apply(FLEET, 3, "hold_after");
    workspace.write_manifest(CPU.split("[[alarm]]").next().unwrap());
    let changes = workspace.changes();
    assert_eq!(changes.len(), FLEET, "{changes:?}");
    assert!(changes.iter().all(|change| change.starts_with("delete ")), "{changes:?}");
    workspace.apply();
    assert!(workspace.account.alarms(REGION).is_empty());
    assert!(workspace.recorded().is_empty());
}

#[test]
fn a_tag_index_that_lags_makes_nobody_think_that_ours_is_nobodys() {
    let workspace = fleet();
    workspace.edit_manifest("threshold = 80", "threshold = 80\ntags = { team = \"ops\" }");
    workspace.account.options(json!({"index_lags": true}));
    workspace.kill_apply(FLEET, 3, "hold_after");
    workspace.ok(&["drift", "--detailed-exitcode"]).says(&["No drift: 12 alarms"]);
    finish(&workspace, FLEET);
}

#[test]
fn drift_after_a_kill_sees_what_was_made_as_ours() {
    let workspace = fleet();
    workspace.kill_apply(FLEET, 3, "hold_after");
    workspace.ok(&["drift", "--detailed-exitcode"]).says(&["No drift: 12 alarms"]);
}

#[test]
fn killed_in_the_middle_of_a_destroy() {
    let workspace = fleet();
    workspace.apply();
    workspace.account.faults(json!([{"operation": "DeleteAlarms", "kind": "hold_after"}]));
    let mut destroy = workspace.command(&["destroy", "--yes"]).spawn().unwrap();
    wait_until(|| workspace.account.held() >= 1);
    destroy.kill().unwrap();
    destroy.wait().unwrap();
    workspace.account.faults(json!([]));
    workspace.ok(&["destroy", "--yes"]);
    assert!(workspace.recorded().is_empty());
}

#[test]
fn ctrl_c_finishes_the_calls_in_flight_and_saves() {
    let workspace = fleet();
    workspace.edit_manifest("PutMetricAlarm = 1000", "PutMetricAlarm = 4");
    let apply = workspace.command(&["apply", "--yes"]).spawn().unwrap();
    wait_until(|| workspace.account.count("cloudwatch:PutMetricAlarm") >= 5);
    let pid = apply.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let run = Run::of(apply.wait_with_output().unwrap()).expect(130);
    run.says(&["stopping after the calls in flight", "apply again"]);
    assert!(!workspace.path().join("state/payments.json.journal").exists());
    assert_eq!(workspace.recorded(), workspace.account.alarm_names(REGION));
    let made = workspace.recorded().len();
    assert!((5..FLEET).contains(&made), "{made}");
    workspace.edit_manifest("PutMetricAlarm = 4", "PutMetricAlarm = 1000");
    finish(&workspace, made);
}

#[test]
fn ctrl_c_before_anything_is_begun_ends_the_run() {
    let workspace = fleet();
    workspace.account.faults(json!([{"operation": "DescribeInstances", "kind": "hold_before"}]));
    let apply = workspace.start(&["apply", "--yes"]);
    wait_until(|| workspace.account.held() >= 1);
    apply.signal("INT");
    apply.end().expect(130);
    workspace.account.faults(json!([]));
    assert!(!workspace.state_file().exists());
    finish(&workspace, 0);
}

#[test]
fn the_second_ctrl_c_ends_the_run_at_once() {
    let workspace = fleet();
    workspace.account.faults(json!([{"operation": "PutMetricAlarm", "kind": "hold_before", "skip": 4}]));
    let mut apply = workspace.start(&["apply", "--yes"]);
    wait_until(|| workspace.account.held() >= u64::try_from(FLEET - 4).unwrap());
    apply.signal("INT");
    apply.until("stopping after the calls in flight");
    apply.signal("INT");
    apply.end().expect(130);
    workspace.account.faults(json!([]));
    finish(&workspace, 4);
}

#[test]
fn stopped_before_the_old_half_of_a_replace_is_not_done() {
    let workspace = fleet();
    workspace.apply();
    workspace.edit_manifest("threshold = 80", "threshold = 90");
    workspace.account.faults(json!([{"operation": "PutMetricAlarm", "kind": "hold_after"}]));
    let mut apply = workspace.start(&["apply", "--yes"]);
    wait_until(|| workspace.account.held() >= u64::try_from(FLEET).unwrap());
    apply.signal("INT");
    apply.until("stopping after the calls in flight");
    workspace.account.release();
    workspace.account.faults(json!([]));
    let run = apply.end().expect(130);
    assert!(!run.all().contains("Skipped"), "{}", run.all());
    assert_eq!(workspace.account.alarms(REGION).len(), 2 * FLEET);
    assert_eq!(workspace.recorded(), workspace.account.alarm_names(REGION));
    assert!(workspace.changes().iter().all(|change| change.starts_with("delete ")));
    workspace.apply();
    assert_eq!(workspace.recorded(), workspace.account.alarm_names(REGION));
    workspace.expect_nothing_to_do();
}

#[test]
fn ctrl_c_is_heard_although_nobody_reads_what_is_said() {
    let workspace = fleet();
    workspace.edit_manifest("PutMetricAlarm = 1000", "PutMetricAlarm = 4");
    let mut apply = workspace.command(&["apply", "--yes"]).spawn().unwrap();
    drop(apply.stderr.take());
    drop(apply.stdout.take());
    wait_until(|| workspace.account.count("cloudwatch:PutMetricAlarm") >= 4);
    let pid = apply.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    assert_eq!(apply.wait().unwrap().code(), Some(130));
    assert_eq!(workspace.recorded(), workspace.account.alarm_names(REGION));
    assert!(workspace.recorded().len() < FLEET);
}

#[test]
fn two_applies_at_once_and_one_of_them_leaves() {
    let workspace = fleet();
    workspace.account.faults(json!([{"operation": "PutMetricAlarm", "kind": "hold_before"}]));
    let first = workspace.command(&["apply", "--yes"]).spawn().unwrap();
    wait_until(|| workspace.account.held() >= 1);
    workspace.run(&["apply", "--yes"]).expect(6).says(&[
        "locked by",
        "running apply",
        "opsform state unlock",
    ]);
    workspace.run(&["plan"]).says(&["being written by"]);
    workspace.account.release();
    workspace.account.faults(json!([]));
    workspace.account.release();
    Run::of(first.wait_with_output().unwrap()).expect(0);
    workspace.expect_nothing_to_do();
}
