//! Parking where something is in the way, goes wrong, or comes in between.

use serde_json::{Value, json};

use crate::park::{LAUNCHED, PARK, items, run_it, seed, state, text, volume_count, volumes};
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

/// What a saved plan began with `--no-wait` the same command finishes; what became of it otherwise it does not.
#[test]
fn a_saved_plan_is_finished_by_applying_it_again() {
    let workspace = Workspace::new(PARK);
    let instance = seed(&workspace, json!(true), json!([{}]));
    workspace.account.options(json!({"slow_snapshots": true}));
    workspace.ok(&["plan", "--out", "plan.json"]);
    let apply = ["apply", "plan.json", "--yes", "--no-wait"];
    workspace.ok(&apply).says(&["begun: waits for snap-"]);
    workspace.ok(&apply).says(&["begun: waits for snap-"]);
    workspace.account.ec2(REGION, "StartInstances", std::slice::from_ref(&instance), &[]);
    finish_snapshots(&workspace, "completed");
    workspace.account.options(json!({"slow_snapshots": false}));
    workspace.account.ec2(REGION, "StopInstances", &[instance], &[]);
    workspace.run(&apply).expect(5).says(&["was changed"]);
    workspace.ok(&["plan", "--out", "plan.json"]);
    let denied = json!([{"operation": "DeleteVolume", "kind": "denied", "skip": 1}]);
    workspace.account.faults(denied);
    workspace.run(&apply).expect(4);
    workspace.account.faults(json!([]));
    workspace.ok(&apply).says(&["1 changed"]);
    assert_eq!((volume_count(&workspace), workspace.account.lost_volumes().len()), (0, 0));
    workspace.ok(&apply).says(&["Nothing to do"]);
}

/// What was found out of a key before hours of waiting is worth nothing.
#[test]
fn a_key_that_is_disabled_while_an_apply_waits_stops_it_before_anything_is_detached() {
    let workspace = Workspace::new(PARK);
    let (id, key) = kms_key(&workspace);
    let instance = seed(&workspace, json!(true), json!([{"key": key}]));
    workspace.account.options(json!({"slow_snapshots": true}));
    let mut apply = workspace.start(&["apply", "--yes"]);
    apply.until("waits for snap-");
    workspace.account.kms(REGION, "DisableKey", json!({"KeyId": id}));
    finish_snapshots(&workspace, "completed");
    apply.end().expect(4).says(&["its state is Disabled"]);
    assert_eq!((volume_count(&workspace), volumes(&workspace, &instance).len()), (2, 2));
    assert_eq!(workspace.account.count("ec2:DetachVolume"), 0);
    workspace.account.kms(REGION, "EnableKey", json!({"KeyId": id}));
    workspace.apply();
    assert_eq!((volume_count(&workspace), workspace.account.lost_volumes().len()), (0, 0));
    // A volume cannot be made with it either, and AWS would take the call.
    workspace.account.kms(REGION, "DisableKey", json!({"KeyId": id}));
    run_it(&workspace);
    workspace.account.clear_calls();
    workspace.run(&["apply", "--yes"]).expect(1).says(&["its state is Disabled"]);
    assert_eq!(workspace.account.writes(), [""; 0]);
}

#[test]
fn encryption_by_default_encrypts_what_is_made_again_and_is_told() {
    let workspace = Workspace::new(PARK);
    let instance = seed(&workspace, json!(true), json!([{}]));
    let ec2 = |action: &str, fields: &[(&str, &str)]| {
        workspace.account.query("ec2", "2016-11-15", REGION, action, fields);
    };
    let (id, key) = kms_key(&workspace);
    ec2("EnableEbsEncryptionByDefault", &[]);
    ec2("ModifyEbsDefaultKmsKeyId", &[("KmsKeyId", key.as_str().unwrap())]);
    workspace.account.kms(REGION, "DisableKey", json!({"KeyId": id}));
    workspace.apply().says(&["left alone", "its state is Disabled"]);
    assert_eq!(volume_count(&workspace), 2);
    workspace.account.kms(REGION, "EnableKey", json!({"KeyId": id}));
    let words = ["EBS encryption by default is on", "will be when it is made again"];
    workspace.ok(&["plan"]).says(&words);
    workspace.apply();
    run_it(&workspace);
    workspace.ok(&["plan"]).says(&words);
    workspace.apply().says(&["1 changed"]);
    let after = volumes(&workspace, &instance);
    assert!(after.values().all(|volume| volume.contains(&"encrypted true".to_owned())), "{after:?}");
    assert!(workspace.account.snapshots(REGION).is_empty());
    workspace.expect_nothing_to_do();
}

/// AWS takes the call, and the volume comes to nothing; its client token still brings the answer of then.
#[test]
fn a_restore_whose_volumes_failed_is_finished_by_the_next_run() {
    let workspace = Workspace::new(PARK);
    let instance = seed(&workspace, json!(true), json!([]));
    let before = volumes(&workspace, &instance);
    workspace.apply();
    run_it(&workspace);
    workspace.account.options(json!({"failing_volumes": "error"}));
    workspace.run(&["apply", "--yes"]).expect(4).says(&["failed or are gone again"]);
    assert_eq!((volume_count(&workspace), workspace.account.snapshots(REGION).len()), (0, 1));
    workspace.account.options(json!({"failing_volumes": null}));
    workspace.apply();
    assert_eq!(volumes(&workspace, &instance), before);
    assert_eq!((volume_count(&workspace), workspace.account.snapshots(REGION).len()), (1, 0));
}

#[test]
fn a_parking_snapshot_that_an_image_has_becomes_an_ordinary_one() {
    let workspace = Workspace::new(PARK);
    let instance = seed(&workspace, json!(true), json!([]));
    workspace.apply();
    let parked: Vec<String> = workspace.account.snapshots(REGION).into_iter().collect();
    workspace.account.seed(json!({REGION: {"images": [{"name": "of it", "snapshots": parked}]}}));
    run_it(&workspace);
    workspace.apply().says(&["stays, as an ordinary snapshot"]);
    assert_eq!(
        (state(&workspace, &instance).as_str(), workspace.account.snapshots(REGION).len()),
        ("running", 1)
    );
    workspace.expect_nothing_to_do();
}

#[test]
fn what_somebody_starts_while_an_apply_waits_is_left_alone() {
    let workspace = Workspace::new(PARK);
    let instance = seed(&workspace, json!(true), json!([{}]));
    workspace.account.options(json!({"slow_snapshots": true}));
    let mut apply = workspace.start(&["apply", "--yes"]);
    apply.until("waits for snap-");
    workspace.account.ec2(REGION, "StartInstances", std::slice::from_ref(&instance), &[]);
    finish_snapshots(&workspace, "completed");
    apply.end().expect(4).says(&["somebody started it meanwhile"]);
    assert_eq!((volume_count(&workspace), state(&workspace, &instance).as_str()), (2, "running"));
}

/// A call that takes something away is right only as long as what was seen is true: throttled, it is not sent again before another look.
#[test]
fn what_was_throttled_is_not_deleted_after_somebody_else_restored_it() {
    let workspace = Workspace::new(PARK);
    let instance = seed(&workspace, json!(true), json!([{"tags": {"Name": "data"}}]));
    let before = volumes(&workspace, &instance);
    let throttled = json!([{"operation": "DetachVolume", "kind": "error", "code": "RequestLimitExceeded", "status": 503,
                            "skip": 1}]);
    workspace.account.faults(throttled);
    let apply = workspace.start(&["apply", "--yes"]);
    let log = || workspace.account.log();
    wait_until(|| log().iter().any(|call| call["code"] == "RequestLimitExceeded"));
    let other = workspace.beside(&PARK.replace("\"parked\"", "\"running\""));
    other.apply();
    workspace.account.faults(json!([]));
    apply.end().expect(4).says(&["somebody started it meanwhile"]);
    assert_eq!((volumes(&workspace, &instance), state(&workspace, &instance).as_str()), (before, "running"));
}

#[test]
fn a_volume_that_was_used_elsewhere_is_not_deleted_on_an_old_snapshot() {
    let workspace = Workspace::new(PARK);
    seed(&workspace, json!(true), json!([{"tags": {"Name": "data"}}]));
    let other = json!([{"name": "other", "launched": LAUNCHED, "root": true}]);
    let other = workspace.account.seed_instances(REGION, other).remove(0);
    let denied = json!([{"operation": "DeleteVolume", "kind": "denied"}]);
    workspace.account.faults(denied);
    workspace.run(&["apply", "--yes"]).expect(4);
    workspace.account.faults(json!([]));
    let answer = workspace.account.ec2_answer(REGION, "DescribeVolumes", &[]);
    let free = items(&answer, "volumeSet").into_iter().find(|one| one.contains("<value>data</value>"));
    let free = text(free.unwrap(), "volumeId").to_owned();
    let place = [("VolumeId", &*free), ("InstanceId", &*other), ("Device", "/dev/sdz")];
    let settle = || {
        for _ in 0..3 {
            volume_count(&workspace);
        }
    };
    settle();
    workspace.account.query("ec2", "2016-11-15", REGION, "AttachVolume", &place);
    settle();
    workspace.run(&["apply", "--yes"]).expect(1).says(&["detach it there"]);
    workspace.account.query("ec2", "2016-11-15", REGION, "DetachVolume", &place[..2]);
    settle();
    workspace.apply();
    assert_eq!(workspace.account.lost_volumes(), [""; 0]);
    assert_eq!(workspace.account.snapshots(REGION).len(), 2);
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
    workspace.ok(&["apply", "--yes", "--exclude", &ids[5]]).says(&[
        "hibernation is enabled",
        "it is a spot instance",
        "Auto Scaling group",
        "stop protection (DisableApiStop)",
        "m5d.large has instance store volumes",
        "Nothing to do",
    ]);
    assert_eq!(workspace.account.writes(), [""; 0]);
    workspace.edit_manifest("state = \"parked\"", "state = \"parked\"\nallow_instance_store = true");
    workspace.ok(&["apply", "--yes", "--target", &ids[4]]).says(&["1 changed"]);
    // Parking terminates nothing, so a protection from that is no obstacle.
    workspace.ok(&["apply", "--yes", "--target", &ids[5]]).says(&["1 changed"]);
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
    apply.end().expect(130).says(&[
        "stopped while the instance is stopped and waits for snap-",
        "its volumes are untouched",
        "1 change was begun",
    ]);
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
