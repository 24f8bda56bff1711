//! The state in S3: read, written, locked, and found again from anywhere.

use serde_json::{Value, json};

use crate::workspace::{CPU, REGION, Run, Workspace, wait_until};

pub(crate) const BUCKET: &str = "acme-opsform";
pub(crate) const KEY: &str = "ops/payments.json";
pub(crate) const FLEET: usize = 6;

pub(crate) fn manifest() -> String {
    CPU.replace(
        "[[alarm]]",
        &format!(
            "[state]\ns3 = {{ bucket = \"{BUCKET}\", key = \"{KEY}\", region = \"{REGION}\" }}\n\n[[alarm]]"
        ),
    )
}

pub(crate) fn fleet() -> Workspace {
    let workspace = Workspace::new(&manifest());
    workspace.account.create_bucket(REGION, BUCKET);
    let instances: Vec<_> = (1..=FLEET).map(|n| json!({"name": format!("web-{n:02}")})).collect();
    workspace.account.seed_instances(REGION, instances.into());
    workspace
}

pub(crate) fn object(workspace: &Workspace, ending: &str) -> Option<String> {
    workspace.account.object(REGION, BUCKET, &format!("{KEY}{ending}"))
}

pub(crate) fn state(workspace: &Workspace) -> Value {
    serde_json::from_str(&object(workspace, "").unwrap()).unwrap()
}

pub(crate) fn recorded(workspace: &Workspace) -> Vec<String> {
    let state = state(workspace);
    let keys = state["resources"].as_array().unwrap().iter().map(|r| r["key"].as_str().unwrap().to_owned());
    let mut keys: Vec<String> = keys.collect();
    keys.sort();
    keys
}

pub(crate) fn lock(workspace: &Workspace) -> Value {
    serde_json::from_str(&object(workspace, ".lock").unwrap()).unwrap()
}

/// Makes a lock one whose holder is gone, and gives its id.
pub(crate) fn expire(workspace: &Workspace) -> String {
    let lock = lock(workspace);
    workspace.account.put_old_object(REGION, BUCKET, &format!("{KEY}.lock"), &lock.to_string());
    lock["id"].as_str().unwrap().to_owned()
}

#[test]
fn apply_plan_and_destroy_with_the_state_in_s3() {
    let workspace = fleet();
    workspace.ok(&["state", "list"]);
    workspace.apply().says(&["6 added"]);
    assert_eq!(recorded(&workspace), workspace.account.alarm_names(REGION));
    assert!(!workspace.path().join("state").exists(), "nothing is left on the machine");
    assert_eq!((object(&workspace, ".lock"), object(&workspace, ".journal")), (None, None));
    let elsewhere = workspace.beside(&manifest());
    elsewhere.ok(&["plan"]).says(&["Nothing to do: 6 alarms"]);
    elsewhere.ok(&["show", "web-01*"]).says(&["CPUUtilization"]);
    elsewhere.ok(&["state", "rm", "web-01*", "--yes"]);
    assert_eq!(recorded(&workspace).len(), FLEET - 1);
    elsewhere.ok(&["state", "rebuild", "--yes"]);
    assert_eq!(recorded(&workspace).len(), FLEET);
    workspace.ok(&["destroy", "--yes"]);
    assert!(recorded(&workspace).is_empty());
    assert!(workspace.account.alarms(REGION).is_empty());
    assert_eq!((object(&workspace, ".lock"), object(&workspace, ".journal")), (None, None));
}

#[test]
fn a_plan_writes_nothing() {
    let workspace = fleet();
    workspace.account.clear_calls();
    workspace.ok(&["plan"]);
    assert_eq!(workspace.account.writes(), [""; 0]);
    // Lock, journal, document, and whether the state went elsewhere.
    assert_eq!(workspace.account.count("s3:GetObject"), 4);
    workspace.apply();
    workspace.account.clear_calls();
    workspace.ok(&["plan"]);
    assert_eq!(workspace.account.count("s3:GetObject"), 3);
}

#[test]
fn a_file_in_place_of_the_shared_state_is_told() {
    let workspace = fleet();
    let note = "so the shared state s3://acme-opsform/ops/payments.json of the manifest is left alone";
    workspace.ok(&["plan", "--state", "other.json"]).says(&["names other.json", note]);
    let mut command = workspace.command(&["plan"]);
    Run::of(command.env("OPSFORM_STATE", "other.json").output().unwrap()).expect(0).says(&[note]);
    assert!(!workspace.ok(&["plan"]).all().contains("left alone"));
    workspace.write_manifest(CPU);
    assert!(!workspace.ok(&["plan", "--state", "other.json"]).all().contains("left alone"));
    let help = workspace.ok(&["plan", "--help"]).stdout;
    let help: Vec<&str> = help.split_whitespace().collect();
    assert!(help.join(" ").contains("also in place of a shared state in S3"), "{help:?}");
}

#[test]
fn a_lost_state_is_found_by_tags() {
    let workspace = fleet();
    workspace.apply();
    workspace.account.delete_object(REGION, BUCKET, KEY);
    workspace.ok(&["plan"]).says(&["there is no state", "Nothing to do"]);
    workspace.ok(&["state", "rebuild", "--yes"]);
    assert_eq!(recorded(&workspace).len(), FLEET);
}

#[test]
fn what_is_wrong_with_the_place_is_said() {
    let workspace = Workspace::new(&manifest());
    workspace.run(&["plan"]).expect(1).says(&["s3://acme-opsform/", "NoSuchBucket", "create the bucket"]);
    workspace.account.create_bucket(REGION, BUCKET);
    workspace
        .account
        .faults(json!([{"operation": "GetObject", "kind": "error", "code": "AccessDenied", "status": 403}]));
    workspace.run(&["plan"]).expect(1).says(&["s3:GetObject and s3:ListBucket"]);
    workspace.account.faults(json!([]));
    workspace.account.put_object(REGION, BUCKET, KEY, "{");
    workspace.run(&["apply", "--yes"]).expect(1).says(&["damaged"]);
    assert_eq!(object(&workspace, ".lock"), None, "the lock is given back");
}

#[test]
fn a_bucket_without_versions_is_worth_a_warning() {
    let workspace = fleet();
    workspace.apply().says(&["warning: the bucket acme-opsform keeps no versions"]);
    workspace.account.faults(json!([
        {"operation": "GetBucketVersioning", "kind": "error", "code": "AccessDenied", "status": 403}
    ]));
    assert!(!workspace.apply().all().contains("warning"));
    workspace.account.faults(json!([]));
    workspace.account.version_bucket(REGION, BUCKET);
    assert!(!workspace.apply().all().contains("warning"));
}

#[test]
fn two_applies_at_once_and_one_of_them_leaves_or_waits() {
    let workspace = fleet();
    workspace.account.faults(json!([{"operation": "PutMetricAlarm", "kind": "hold_before"}]));
    let first = workspace.command(&["apply", "--yes"]).spawn().unwrap();
    wait_until(|| workspace.account.held() >= 1);
    workspace.run(&["apply", "--yes"]).expect(6).says(&["locked by", "running apply", "state unlock"]);
    workspace.run(&["apply", "--yes", "--take-lock"]).expect(6).says(&["locked by", "and this one was"]);
    workspace.run(&["apply", "--yes", "--lock-timeout", "1s"]).expect(6).says(&["waiting for", "locked by"]);
    workspace.ok(&["plan"]).says(&["being written by"]);
    let mut second = workspace.start(&["apply", "--yes", "--lock-timeout", "1m"]);
    second.until("waiting for the state's lock");
    workspace.account.faults(json!([]));
    workspace.account.release();
    Run::of(first.wait_with_output().unwrap()).expect(0);
    second.end().expect(0).says(&["Nothing to do"]);
    assert_eq!(object(&workspace, ".lock"), None);
}

#[test]
fn killed_and_finished_from_another_folder() {
    for (k, hold) in [(0, "hold_before"), (2, "hold_before"), (2, "hold_after")] {
        let workspace = fleet();
        workspace.kill_apply(FLEET, k, hold);
        let made = if hold == "hold_after" { FLEET } else { k };
        assert!(object(&workspace, ".journal").unwrap().contains("intend"));
        let elsewhere = workspace.beside(&manifest());
        let changes = elsewhere.changes();
        assert_eq!(changes.len(), FLEET - made, "{changes:?}");
        elsewhere.run(&["apply", "--yes"]).expect(6).says(&["locked by"]);
        expire(&workspace);
        elsewhere.ok(&["plan"]).says(&["probably gone"]);
        elsewhere.run(&["apply", "--yes", "--lock-timeout", "1m"]).expect(6).says(&["--take-lock", "unlock"]);
        elsewhere.ok(&["apply", "--yes", "--take-lock"]);
        assert_eq!(recorded(&workspace), workspace.account.alarm_names(REGION));
        assert_eq!(state(&workspace)["unconfirmed"], json!(null));
        assert_eq!((object(&workspace, ".lock"), object(&workspace, ".journal")), (None, None));
        elsewhere.expect_nothing_to_do();
    }
}

#[test]
fn a_lock_is_removed_by_its_id() {
    let workspace = fleet();
    workspace.ok(&["state", "unlock", "x"]).says(&["not locked"]);
    workspace.kill_apply(FLEET, 2, "hold_before");
    let id = lock(&workspace)["id"].as_str().unwrap().to_owned();
    workspace.run(&["state", "unlock", "x"]).expect(6).says(&["another id", &id]);
    let refused = workspace.run(&["state", "unlock", &id]).expect(1);
    let refused = refused.says(&[
        "Remove the lock of",
        "It was renewed a moment ago",
        "if so, run the command again with --yes",
    ]);
    assert!(!refused.all().contains("plan"), "{}", refused.all());
    let text = lock(&workspace);
    workspace
        .ok(&["state", "unlock", &id, "--yes"])
        .says(&["was still being renewed", "the lock is removed"]);
    workspace.account.put_object(REGION, BUCKET, &format!("{KEY}.lock"), &text.to_string());
    assert_eq!(expire(&workspace), id);
    let removed = workspace.ok(&["state", "unlock", &id]).says(&["removed"]);
    assert!(!removed.all().contains("renewed"), "{}", removed.all());
    workspace.apply();
    workspace.expect_nothing_to_do();
}

#[test]
fn what_somebody_else_wrote_is_never_overwritten() {
    let workspace = fleet();
    workspace.apply();
    workspace.edit_manifest("threshold = 80", "threshold = 90");
    workspace.account.faults(json!([{"operation": "PutMetricAlarm", "kind": "hold_before"}]));
    let apply = workspace.command(&["apply", "--yes"]).spawn().unwrap();
    wait_until(|| workspace.account.held() >= 1);
    let mut theirs = state(&workspace);
    theirs["serial"] = json!(theirs["serial"].as_u64().unwrap() + 1);
    workspace.account.put_object(REGION, BUCKET, KEY, &theirs.to_string());
    workspace.account.faults(json!([]));
    workspace.account.release();
    Run::of(apply.wait_with_output().unwrap()).expect(1).says(&["somebody else wrote", "opsform plan"]);
    assert_eq!(state(&workspace), theirs);
    assert_eq!(object(&workspace, ".lock"), None);
    workspace.apply();
    assert_eq!(recorded(&workspace), workspace.account.alarm_names(REGION));
    workspace.expect_nothing_to_do();
}

#[test]
fn a_run_whose_lock_was_taken_does_not_save() {
    let workspace = fleet();
    workspace.account.faults(json!([{"operation": "PutMetricAlarm", "kind": "hold_before"}]));
    let apply = workspace.command(&["apply", "--yes"]).spawn().unwrap();
    wait_until(|| workspace.account.held() >= 1);
    let before = state(&workspace);
    let mut theirs = lock(&workspace);
    theirs["id"] = json!("another");
    workspace.account.put_object(REGION, BUCKET, &format!("{KEY}.lock"), &theirs.to_string());
    workspace.account.faults(json!([]));
    workspace.account.release();
    Run::of(apply.wait_with_output().unwrap()).expect(1).says(&[
        "lost the lock",
        "somebody else took or removed it; it did not save the state",
        "opsform plan",
    ]);
    assert_eq!(state(&workspace), before);
    assert_eq!(lock(&workspace), theirs, "their lock is left alone");
}

#[test]
fn a_run_whose_lock_is_taken_in_its_middle_stops_and_says_why() {
    let workspace = fleet();
    workspace.edit_manifest("PutMetricAlarm = 1000", "PutMetricAlarm = 0.2");
    let mut apply = workspace.start(&["apply", "--yes"]);
    wait_until(|| workspace.account.count("cloudwatch:PutMetricAlarm") >= 1);
    let before = state(&workspace);
    let mut theirs = lock(&workspace);
    theirs["id"] = json!("another");
    workspace.account.put_object(REGION, BUCKET, &format!("{KEY}.lock"), &theirs.to_string());
    // A lock is renewed every twenty seconds.
    apply.until("lost the lock of the state; stopping after the calls in flight");
    let run = apply.end().expect(1);
    let run = run.says(&["Apply, stopped because it lost the lock:", "did not save the state"]);
    assert!(!run.all().contains("interrupted"), "{}", run.all());
    assert_eq!(state(&workspace), before);
    assert_eq!(lock(&workspace), theirs);
    assert!(workspace.account.alarms(REGION).len() < FLEET);
}

#[test]
fn the_document_is_encrypted_with_the_key_that_is_named() {
    let workspace = fleet();
    workspace.edit_manifest("json\", region", "json\", kms_key = \"alias/ops\", region");
    workspace.apply();
    let headers = workspace.account.object_headers(REGION, BUCKET, KEY);
    assert_eq!(headers["x-amz-server-side-encryption"], "aws:kms");
    assert_eq!(headers["x-amz-server-side-encryption-aws-kms-key-id"], "alias/ops");
}

#[test]
fn of_many_who_want_the_lock_one_has_it() {
    let workspace = fleet();
    workspace.apply();
    workspace.account.clear_calls();
    // Each forgets and finds again what the others do: writes that would be lost if two were in at once.
    let runs: Vec<_> = (1..=FLEET)
        .map(|n| {
            let name = format!("web-{n:02}*");
            workspace.command(&["state", "rm", &name, "--yes"]).spawn().unwrap()
        })
        .collect();
    let codes: Vec<_> = runs.into_iter().map(|run| Run::of(run.wait_with_output().unwrap()).code).collect();
    let done = codes.iter().filter(|code| **code == Some(0)).count();
    assert!(codes.iter().all(|code| [Some(0), Some(6)].contains(code)), "{codes:?}");
    assert!(done >= 1);
    assert_eq!(recorded(&workspace).len(), FLEET - done);
    assert_eq!(object(&workspace, ".lock"), None);
}

#[test]
fn pulled_and_pushed() {
    let workspace = fleet();
    workspace.run(&["state", "pull"]).expect(1).says(&["there is no state at s3://"]);
    workspace.apply();
    let pulled = workspace.ok(&["state", "pull"]).stdout;
    workspace.write("pulled.json", &pulled);
    assert_eq!(serde_json::from_str::<Value>(&pulled).unwrap(), state(&workspace));
    workspace.ok(&["state", "rm", "web-01*", "--yes"]);
    workspace.run(&["state", "push", "pulled.json"]).expect(1).says(&["is older", "--force"]);
    let refused = workspace.run(&["state", "rm", "web-02*"]).expect(1);
    refused.says(&["no terminal", "Forget 1 resource?", "if so, run the command again with --yes"]);
    let pulled = std::fs::File::open(workspace.path().join("pulled.json")).unwrap();
    let push = workspace.command(&["state", "push", "-", "--force"]).stdin(pulled).output().unwrap();
    Run::of(push).expect(0).says(&["6 resources"]);
    assert_eq!(recorded(&workspace).len(), FLEET);
    let mut other: Value = serde_json::from_str(&workspace.ok(&["state", "pull"]).stdout).unwrap();
    other["lineage"] = json!("another");
    workspace.write("other.json", &other.to_string());
    workspace.run(&["state", "push", "other.json"]).expect(1).says(&["another state", "--force"]);
    other["project"] = json!("shop");
    workspace.write("other.json", &other.to_string());
    workspace.run(&["state", "push", "other.json", "--force"]).expect(1).says(&["belongs to project"]);
    workspace.write("other.json", "{");
    workspace.run(&["state", "push", "other.json", "--force"]).expect(1).says(&["damaged"]);
    assert_eq!(object(&workspace, ".lock"), None);
    workspace.expect_nothing_to_do();
}

#[test]
fn a_push_does_not_drop_what_a_killed_apply_did() {
    let workspace = fleet();
    workspace.kill_apply(FLEET, 2, "hold_before");
    let id = expire(&workspace);
    workspace.ok(&["state", "unlock", &id]);
    workspace.write("bare.json", &object(&workspace, "").unwrap());
    let journal = object(&workspace, ".journal");
    workspace.run(&["state", "push", "bare.json"]).expect(1).says(&["the same serial", "--force"]);
    assert_eq!(object(&workspace, ".journal"), journal);
    workspace.write("whole.json", &workspace.ok(&["state", "pull"]).stdout);
    workspace.ok(&["state", "push", "whole.json"]);
    assert_eq!(object(&workspace, ".journal"), None);
    assert_eq!(workspace.changes().len(), FLEET - 2);
    workspace.apply();
    assert_eq!(recorded(&workspace), workspace.account.alarm_names(REGION));
    workspace.expect_nothing_to_do();
}

#[test]
fn the_local_lock_can_be_waited_for_too() {
    let workspace = fleet();
    workspace.write_manifest(CPU);
    workspace.account.faults(json!([{"operation": "PutMetricAlarm", "kind": "hold_before"}]));
    let first = workspace.command(&["apply", "--yes"]).spawn().unwrap();
    wait_until(|| workspace.account.held() >= 1);
    let mut second = workspace.start(&["apply", "--yes", "--lock-timeout", "1m"]);
    second.until("waiting for the state's lock");
    workspace.account.faults(json!([]));
    workspace.account.release();
    Run::of(first.wait_with_output().unwrap()).expect(0);
    second.end().expect(0).says(&["Nothing to do"]);
}

#[test]
fn what_was_done_is_in_the_bucket_about_a_second_later() {
    let workspace = fleet();
    workspace.edit_manifest("PutMetricAlarm = 1000", "PutMetricAlarm = 1");
    let mut apply = workspace.command(&["apply", "--yes"]).spawn().unwrap();
    wait_until(|| object(&workspace, ".journal").is_some_and(|text| text.matches("\"own\"").count() >= 2));
    assert!(workspace.account.alarms(REGION).len() < FLEET, "while it runs");
    apply.kill().unwrap();
    apply.wait().unwrap();
    workspace.edit_manifest("PutMetricAlarm = 1", "PutMetricAlarm = 1000");
    expire(&workspace);
    workspace.ok(&["apply", "--yes", "--take-lock"]);
    assert_eq!(recorded(&workspace), workspace.account.alarm_names(REGION));
    workspace.expect_nothing_to_do();
}
