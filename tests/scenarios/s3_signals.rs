//! Ctrl-C and SIGTERM while the state is in S3: what is saved, and what becomes of the lock.

use serde_json::json;

use crate::s3_state::{BUCKET, KEY, fleet, lock, object, recorded};
use crate::workspace::{REGION, Running, Workspace, wait_until};

#[test]
fn ctrl_c_saves_and_gives_the_lock_back() {
    let workspace = fleet();
    workspace.edit_manifest("PutMetricAlarm = 1000", "PutMetricAlarm = 2");
    let apply = workspace.start(&["apply", "--yes"]);
    wait_until(|| workspace.account.count("cloudwatch:PutMetricAlarm") >= 3);
    apply.signal("INT");
    apply.end().expect(130).says(&["stopping after the calls in flight"]);
    assert_eq!(recorded(&workspace), workspace.account.alarm_names(REGION));
    assert_eq!((object(&workspace, ".lock"), object(&workspace, ".journal")), (None, None));
}

#[test]
fn a_signal_before_the_apply_gives_the_lock_back() {
    // While the lock is taken, while journal and document are read under it, and while the fleet is read.
    for fault in [
        json!([{"operation": "PutObject", "key": format!("{KEY}.lock"), "kind": "hold_after"}]),
        json!([{"operation": "GetObject", "key": format!("{KEY}.journal"), "kind": "hold_before"}]),
        json!([{"operation": "GetObject", "key": KEY, "kind": "hold_before"}]),
        json!([{"operation": "DescribeInstances", "kind": "hold_before"}]),
    ] {
        let workspace = fleet();
        workspace.account.faults(fault);
        let apply = workspace.start(&["apply", "--yes"]);
        wait_until(|| workspace.account.held() >= 1);
        apply.signal("TERM");
        apply.end().expect(130);
        workspace.account.faults(json!([]));
        assert_eq!(object(&workspace, ".lock"), None);
    }
}

#[test]
fn a_lock_whose_request_was_given_up_is_looked_for_twice() {
    // S3 may carry it out after the first look.
    let workspace = fleet();
    let key = format!("{KEY}.lock");
    workspace.account.faults(json!([{"operation": "PutObject", "key": key, "kind": "hold_before"}]));
    let apply = workspace.start(&["apply", "--yes"]);
    wait_until(|| workspace.account.held() >= 1);
    apply.signal("INT");
    apply.end().expect(130);
    let log = workspace.account.log();
    let looks = log.iter().filter(|call| call["operation"] == "GetObject" && call["key"] == key.as_str());
    assert_eq!(looks.count(), 2);
    assert_eq!(object(&workspace, ".lock"), None);
}

/// An apply that was asked to stop while two of its calls are done and the others are held.
fn stopping(workspace: &Workspace) -> Running {
    workspace.account.faults(json!([{"operation": "PutMetricAlarm", "kind": "hold_before", "skip": 2}]));
    let mut apply = workspace.start(&["apply", "--yes"]);
    wait_until(|| workspace.account.held() >= 4);
    apply.signal("INT");
    apply.until("stopping after the calls in flight");
    apply
}

#[test]
fn what_a_runner_sends_after_ctrl_c_is_no_second_request() {
    let workspace = fleet();
    let mut apply = stopping(&workspace);
    apply.signal("TERM");
    apply.until("stopping after the calls in flight");
    workspace.account.faults(json!([]));
    workspace.account.release();
    apply.end().expect(0).says(&["6 added"]);
    assert_eq!(recorded(&workspace), workspace.account.alarm_names(REGION));
    assert_eq!((object(&workspace, ".lock"), object(&workspace, ".journal")), (None, None));
}

#[test]
fn the_second_ctrl_c_puts_the_journal_and_gives_the_lock_back() {
    let workspace = fleet();
    let apply = stopping(&workspace);
    apply.signal("INT");
    apply.end().expect(130);
    let journal = object(&workspace, ".journal").unwrap();
    assert_eq!(journal.matches("\"own\"").count(), 2, "{journal}");
    assert_eq!(object(&workspace, ".lock"), None);
    workspace.account.faults(json!([]));
    assert_eq!(workspace.changes().len(), 4);
    workspace.apply();
    workspace.expect_nothing_to_do();
}

#[test]
fn a_journal_that_cannot_be_put_at_once_keeps_no_lock() {
    let workspace = fleet();
    let apply = stopping(&workspace);
    let key = format!("{KEY}.journal");
    workspace.account.faults(json!([{"operation": "PutObject", "key": key, "kind": "hold_before"}]));
    apply.signal("INT");
    apply.end().expect(130);
    assert_eq!(object(&workspace, ".lock"), None);
    workspace.account.faults(json!([]));
    workspace.apply();
    workspace.expect_nothing_to_do();
}

#[test]
fn a_lock_that_cannot_be_given_back_at_once_is_named() {
    let workspace = fleet();
    let apply = stopping(&workspace);
    let id = lock(&workspace)["id"].as_str().unwrap().to_owned();
    workspace.account.faults(json!([{"operation": "DeleteObject", "kind": "hold_before"}]));
    apply.signal("INT");
    apply.end().expect(130).says(&["could not be given back", &format!("opsform state unlock {id}")]);
    workspace.account.faults(json!([]));
    workspace.ok(&["state", "unlock", &id, "--yes"]);
    workspace.apply();
    workspace.expect_nothing_to_do();
}

#[test]
fn a_signal_while_the_state_is_saved_does_not_stop_that() {
    let workspace = fleet();
    workspace
        .account
        .faults(json!([{"operation": "PutObject", "key": KEY, "kind": "hold_before", "skip": 1}]));
    let mut apply = workspace.start(&["apply", "--yes"]);
    wait_until(|| workspace.account.held() >= 1);
    apply.signal("TERM");
    apply.until("finishing what is being saved");
    workspace.account.faults(json!([]));
    workspace.account.release();
    apply.end().expect(0);
    assert_eq!(recorded(&workspace), workspace.account.alarm_names(REGION));
    assert_eq!((object(&workspace, ".lock"), object(&workspace, ".journal")), (None, None));
}

#[test]
fn a_migration_between_buckets_is_finished_or_not_begun() {
    const NEW: &str = "ops/new.json";
    for (fault, code) in [
        (json!([{"operation": "GetObject", "key": NEW, "kind": "hold_before"}]), 130),
        (json!([{"operation": "PutObject", "key": NEW, "kind": "hold_before"}]), 0),
    ] {
        let workspace = fleet();
        workspace.apply();
        workspace.edit_manifest(KEY, NEW);
        workspace.account.faults(fault);
        let from = format!("s3://{BUCKET}/{KEY}");
        let mut migrate = workspace.start(&["state", "migrate", "--from", &from, "--from-region", REGION]);
        wait_until(|| workspace.account.held() >= 1);
        migrate.signal("INT");
        if code == 0 {
            migrate.until("finishing what is being saved");
            workspace.account.faults(json!([]));
            workspace.account.release();
        }
        migrate.end().expect(code);
        workspace.account.faults(json!([]));
        let there = |key: &str| workspace.account.object(REGION, BUCKET, key).is_some();
        assert_eq!((there(KEY), there(NEW)), (code != 0, code == 0));
        assert!(!there(&format!("{KEY}.lock")) && !there(&format!("{NEW}.lock")), "both are given back");
    }
}
