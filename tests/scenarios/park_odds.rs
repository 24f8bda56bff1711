//! Parking where something is in the way, goes wrong, or comes in between.

use serde_json::{Value, json};

use crate::park::{LAUNCHED, PARK, run_it, seed, state, volume_count, volumes};
use crate::workspace::{REGION, Workspace, wait_until};

/// The id and the ARN of a new key.
pub(crate) fn kms_key(workspace: &Workspace) -> (Value, Value) {
    let made = workspace.account.kms(REGION, "CreateKey", json!({}));
    (made["KeyMetadata"]["KeyId"].clone(), made["KeyMetadata"]["Arn"].clone())
}

#[test]
fn encrypted_with_a_key_and_refused_when_it_is_disabled() {
    let workspace = Workspace::new(PARK);
    let (id, key) = kms_key(&workspace);
    let instance = seed(&workspace, json!({"key": key}), json!([{"key": key, "size": 20}]));
    let before = volumes(&workspace, &instance);
    assert!(before["/dev/xvda"].contains(&format!("kmsKeyId {}", key.as_str().unwrap())), "{before:?}");
    workspace.account.kms(REGION, "DisableKey", json!({"KeyId": id}));
    workspace.account.clear_calls();
    workspace.apply().says(&["left alone: ", "cannot be used: its state is Disabled"]);
    assert_eq!(workspace.account.writes(), [""; 0]);
    workspace.account.kms(REGION, "EnableKey", json!({"KeyId": id}));
    workspace.apply();
    assert_eq!(volume_count(&workspace), 0);
    run_it(&workspace);
    workspace.apply();
    assert_eq!(volumes(&workspace, &instance), before);
    assert_eq!(workspace.account.lost_volumes(), [""; 0]);
}

#[test]
fn a_key_that_is_disabled_on_the_way_stops_it_before_a_volume_is_deleted() {
    let workspace = Workspace::new(PARK);
    let (id, key) = kms_key(&workspace);
    seed(&workspace, json!(true), json!([{"key": key}]));
    workspace.account.options(json!({"slow_snapshots": true}));
    workspace.ok(&["apply", "--yes", "--no-wait"]).says(&["begun: waits for snap-", "1 change was begun"]);
    workspace.account.kms(REGION, "DisableKey", json!({"KeyId": id}));
    finish_snapshots(&workspace, "completed");
    workspace.run(&["apply", "--yes"]).expect(1).says(&["its state is Disabled"]);
    assert_eq!(volume_count(&workspace), 2);
    workspace.account.kms(REGION, "EnableKey", json!({"KeyId": id}));
    workspace.apply();
    assert_eq!(volume_count(&workspace), 0);
}

fn finish_snapshots(workspace: &Workspace, how: &str) {
    workspace.account.end_snapshots(REGION, how);
}

#[test]
fn what_is_not_waited_for_is_left_to_the_next_apply() {
    let workspace = Workspace::new(PARK);
    let instance = seed(&workspace, json!(true), json!([{}]));
    workspace.account.options(json!({"slow_snapshots": true}));
    for _ in 0..2 {
        workspace.ok(&["apply", "--yes", "--no-wait"]).says(&["begun: waits for snap-", "Run apply again"]);
    }
    assert_eq!(workspace.account.snapshots(REGION).len(), 2);
    assert_eq!((volume_count(&workspace), state(&workspace, &instance).as_str()), (2, "stopped"));
    finish_snapshots(&workspace, "completed");
    workspace.ok(&["apply", "--yes", "--no-wait"]).says(&["1 changed"]);
    assert_eq!(volume_count(&workspace), 0);
    workspace.expect_nothing_to_do();
}

#[test]
fn a_snapshot_that_fails_deletes_nothing_and_is_taken_again() {
    let workspace = Workspace::new(PARK);
    seed(&workspace, json!(true), json!([{}]));
    workspace.account.options(json!({"slow_snapshots": true}));
    workspace.ok(&["apply", "--yes", "--no-wait"]);
    finish_snapshots(&workspace, "error");
    workspace.account.options(json!({"slow_snapshots": false}));
    workspace.apply().says(&["1 changed"]);
    assert_eq!((volume_count(&workspace), workspace.account.snapshots(REGION).len()), (0, 2));
    assert_eq!(workspace.account.lost_volumes(), [""; 0]);
}

#[test]
fn somebody_starts_it_in_the_middle_and_old_snapshots_are_worthless() {
    let workspace = Workspace::new(PARK);
    let instance = seed(&workspace, json!(true), json!([{}]));
    workspace.account.options(json!({"slow_snapshots": true}));
    workspace.ok(&["apply", "--yes", "--no-wait"]);
    let old = workspace.account.snapshots(REGION);
    let ids = [instance.clone()];
    workspace.account.ec2(REGION, "StartInstances", &ids, &[]);
    finish_snapshots(&workspace, "completed");
    workspace.account.options(json!({"slow_snapshots": false}));
    workspace.apply().says(&["1 changed"]);
    let new = workspace.account.snapshots(REGION);
    assert_eq!((new.len(), new.intersection(&old).count()), (2, 0));
    assert_eq!(volume_count(&workspace), 0);
    assert_eq!(workspace.account.lost_volumes(), [""; 0]);
}

#[test]
fn turned_round_half_way_it_ends_where_it_is_wanted() {
    let workspace = Workspace::new(PARK);
    let instance = seed(&workspace, json!(true), json!([{"delete_on_termination": true}]));
    let before = volumes(&workspace, &instance);
    let stops_at = |operation: &str, skip: usize| {
        let fault = json!([{"operation": operation, "kind": "error", "code": "UnsupportedOperation",
                            "status": 400, "skip": skip}]);
        workspace.account.faults(fault);
        workspace.run(&["apply", "--yes"]).expect(4).says(&["UnsupportedOperation"]);
        workspace.account.faults(json!([]));
    };
    stops_at("DeleteVolume", 1);
    run_it(&workspace);
    workspace.changes();
    stops_at("AttachVolume", 1);
    workspace.edit_manifest("state = \"running\"", "state = \"parked\"");
    workspace.apply();
    assert_eq!((volume_count(&workspace), workspace.account.snapshots(REGION).len()), (0, 2));
    run_it(&workspace);
    workspace.apply();
    assert_eq!(volumes(&workspace, &instance), before);
    assert_eq!(workspace.account.lost_volumes(), [""; 0]);
}

#[test]
fn what_must_not_be_parked_is_refused_before_anything_is_touched() {
    let workspace = Workspace::new(PARK);
    let boxed = |more: Value| {
        let mut one = json!({"name": "box", "tags": {"Park": "yes"}, "launched": LAUNCHED, "root": true});
        one.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        one
    };
    let group = json!({"tags": {"Park": "yes", "aws:autoscaling:groupName": "fleet"}});
    let seeded = json!([
        boxed(json!({"hibernation": true})),
        boxed(json!({"lifecycle": "spot"})),
        boxed(group),
        boxed(json!({"stop_protected": true})),
        boxed(json!({"type": "m5d.large"})),
        boxed(json!({})),
    ]);
    let ids = workspace.account.seed_instances(REGION, seeded);
    let protect = [("DisableApiTermination.Value", "true"), ("InstanceId", &*ids[5])];
    workspace.account.query("ec2", "2016-11-15", REGION, "ModifyInstanceAttribute", &protect);
    workspace.account.clear_calls();
    workspace.apply().says(&[
        "hibernation is enabled",
        "it is a spot instance",
        "Auto Scaling group",
        "stop protection (DisableApiStop)",
        "m5d.large has instance store volumes",
        "termination protection (DisableApiTermination)",
        "Nothing to do",
    ]);
    assert_eq!(workspace.account.writes(), [""; 0]);
    workspace.edit_manifest("state = \"parked\"", "state = \"parked\"\nallow_instance_store = true");
    workspace.ok(&["apply", "--yes", "--target", &ids[4]]).says(&["1 changed"]);
    assert_eq!(workspace.account.lost_volumes(), [""; 0]);
}

#[test]
fn another_project_does_not_touch_what_this_one_parked() {
    let workspace = Workspace::new(PARK);
    seed(&workspace, json!(true), json!([]));
    workspace.apply();
    let other = workspace.beside(&PARK.replace("payments", "billing").replace("parked", "running"));
    other.run(&["apply", "--yes"]).expect(1).says(&["parked by the opsform project \"payments\""]);
    assert_eq!(volume_count(&workspace), 0);
}

#[test]
fn a_start_that_falls_back_keeps_the_snapshots() {
    let workspace = Workspace::new(PARK);
    let instance = seed(&workspace, json!(true), json!([{}]));
    workspace.apply();
    run_it(&workspace);
    let reason = "Client.InternalError: Client error on launch";
    workspace.account.options(json!({"failed_starts": {&*instance: reason}}));
    let words = [reason, "kms:CreateGrant"];
    workspace.run(&["apply", "--yes"]).expect(4).says(&words);
    assert_eq!((volume_count(&workspace), workspace.account.snapshots(REGION).len()), (2, 2));
    workspace.account.options(json!({"failed_starts": {}}));
    workspace.apply();
    assert!(workspace.account.snapshots(REGION).is_empty());
}

#[test]
fn ctrl_c_finishes_the_calls_in_flight_and_says_how_far_it_is() {
    let workspace = Workspace::new(PARK);
    seed(&workspace, json!(true), json!([{}]));
    workspace.account.options(json!({"slow_snapshots": true}));
    let mut apply = workspace.start(&["apply", "--yes"]);
    apply.until("waits for snap-");
    apply.signal("INT");
    apply.end().expect(130).says(&["stopped while the instance is stopped", "1 change was begun"]);
    assert_eq!((volume_count(&workspace), workspace.account.snapshots(REGION).len()), (2, 2));
    finish_snapshots(&workspace, "completed");
    workspace.apply();
    assert_eq!((volume_count(&workspace), workspace.account.snapshots(REGION).len()), (0, 2));
}

/// A set whose answer was lost, and another one that was taken after it.
#[test]
fn of_two_sets_one_stays() {
    let workspace = Workspace::new(PARK);
    seed(&workspace, json!(true), json!([{}]));
    let lost = json!([{"operation": "CreateSnapshots", "kind": "hold_after"}]);
    workspace.account.faults(lost);
    let mut apply = workspace.command(&["apply", "--yes"]).spawn().unwrap();
    wait_until(|| workspace.account.held() >= 1);
    apply.kill().unwrap();
    apply.wait().unwrap();
    workspace.account.faults(json!([]));
    workspace.account.release();
    let first = workspace.account.snapshots(REGION);
    workspace.apply();
    assert_eq!(workspace.account.snapshots(REGION), first);
}
