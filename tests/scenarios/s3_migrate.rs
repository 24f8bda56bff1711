//! `state migrate`: whatever cuts it off, the next one finishes it, and there is one state.

use serde_json::{Value, json};

use crate::s3_state::{BUCKET, FLEET, KEY, expire, fleet, lock, manifest, object, recorded, state};
use crate::workspace::{CPU, REGION, Workspace, wait_until};

const MIGRATE: [&str; 2] = ["state", "migrate"];
const BACK: [&str; 4] = ["state", "migrate", "--from", "s3://acme-opsform/ops/payments.json"];

/// The state in a file, and a manifest that says S3.
fn leaving_the_disk() -> Workspace {
    let workspace = fleet();
    workspace.write_manifest(CPU);
    workspace.apply();
    workspace.write_manifest(&manifest());
    workspace
}

/// The state in S3, and a manifest that says a file.
fn leaving_s3() -> Workspace {
    let workspace = fleet();
    workspace.apply();
    workspace.write_manifest(CPU);
    workspace
}

fn back_with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&BACK[..], &["--from-region", REGION], more].concat()
}

#[test]
fn migrated_to_s3_and_back() {
    let workspace = leaving_the_disk();
    let names = workspace.recorded();
    workspace.run(&["state", "migrate", "--from", "nowhere.json"]).expect(1).says(&["there is no state at"]);
    assert!(!workspace.path().join("nowhere.json.lock").exists());
    workspace.ok(&MIGRATE).says(&["6 resources to s3://acme-opsform/ops", "payments.json.migrated"]);
    assert_eq!(recorded(&workspace), names);
    assert!(!workspace.state_file().exists());
    assert!(workspace.path().join("state/payments.json.migrated").exists());
    workspace.expect_nothing_to_do();

    workspace.write_manifest(CPU);
    workspace.ok(&back_with(&[])).says(&[".migrated"]);
    assert_eq!(workspace.recorded(), names);
    assert_eq!((object(&workspace, ""), object(&workspace, ".lock")), (None, None));
    assert!(object(&workspace, ".migrated").is_some());
    workspace.expect_nothing_to_do();
}

#[test]
fn the_region_of_the_old_bucket_is_found() {
    let workspace = leaving_s3();
    workspace
        .run(&BACK)
        .expect(1)
        .says(&["the region of the bucket acme-opsform is not known", "--from-region"]);
    let elsewhere = [&BACK[..], &["--from-region", "eu-west-1"]].concat();
    workspace.run(&elsewhere).expect(1).says(&["The bucket is in us-east-1.", "--from-region"]);
    let mut command = workspace.command(&BACK);
    assert!(command.env("AWS_REGION", REGION).output().unwrap().status.success());
    // Within one bucket it is the same.
    workspace.write_manifest(&manifest());
    workspace.ok(&MIGRATE);
    workspace.edit_manifest(KEY, "ops/new.json");
    workspace.ok(&BACK).says(&["to s3://acme-opsform/ops/new.json"]);
}

#[test]
fn two_states_are_never_made_one() {
    let workspace = leaving_the_disk();
    workspace.ok(&MIGRATE);
    let old = workspace.path().join("state/payments.json.migrated");
    std::fs::copy(&old, workspace.state_file()).unwrap();
    workspace.ok(&["state", "rm", "web-01*", "--yes"]);
    workspace.run(&MIGRATE).expect(1).says(&["there is a state at s3://", "of one lineage"]);
    let another = std::fs::read_to_string(&old).unwrap().replace("\"lineage\": \"", "\"lineage\": \"x");
    std::fs::write(workspace.state_file(), another).unwrap();
    workspace.run(&MIGRATE).expect(1).says(&["there is a state at s3://", "state push"]);
    assert_eq!(recorded(&workspace).len(), FLEET - 1);
}

#[test]
fn an_old_manifest_makes_no_second_state() {
    let workspace = leaving_the_disk();
    workspace.ok(&MIGRATE);
    workspace.write_manifest(&CPU.replace("= 80", "= 90"));
    for command in [&["plan"][..], &["apply", "--yes"], &["state", "rebuild", "--yes"], &["destroy", "--yes"]]
    {
        let run = workspace.run(command).expect(1);
        run.says(&[
            "there is no state at state/payments.json any more",
            "brought to s3://acme-opsform/ops/payments.json",
        ])
        .says(&["correct `[state]`", "move state/payments.json.migrated away"]);
    }
    assert!(!workspace.state_file().exists());
    workspace.write_manifest(CPU);
    workspace.ok(&back_with(&[]));
    workspace.write_manifest(&manifest());
    let there = workspace.state_file().display().to_string();
    workspace.run(&["apply", "--yes"]).expect(1).says(&["there is no state at s3://", &there]);
    assert_eq!((object(&workspace, ""), object(&workspace, ".lock")), (None, None));
    workspace.account.delete_object(REGION, BUCKET, &format!("{KEY}.migrated"));
    workspace.ok(&["plan"]).says(&["there is no state, but 6 resources"]);
}

#[test]
fn what_was_set_aside_before_is_kept() {
    let workspace = leaving_the_disk();
    let aside =
        |ending: &str| std::fs::read(workspace.path().join(format!("state/payments.json.migrated{ending}")));
    workspace.ok(&MIGRATE);
    let (first, in_s3) = (aside("").unwrap(), ".migrated");
    workspace.write_manifest(CPU);
    workspace.ok(&back_with(&[]));
    let first_in_s3 = object(&workspace, in_s3).unwrap();
    workspace.write_manifest(&manifest());
    workspace.ok(&MIGRATE).says(&["payments.json.migrated.2"]);
    workspace.write_manifest(CPU);
    workspace.ok(&back_with(&[])).says(&["payments.json.migrated.2"]);
    assert_eq!((aside("").unwrap(), object(&workspace, in_s3).unwrap()), (first, first_in_s3));
    assert!(aside(".2").is_ok() && object(&workspace, ".migrated.2").is_some());
}

#[test]
fn what_was_encrypted_stays_so() {
    let workspace = fleet();
    workspace.edit_manifest("json\", region", "json\", kms_key = \"alias/ops\", region");
    workspace.apply();
    workspace.write_manifest(CPU);
    workspace.ok(&back_with(&[]));
    let headers = workspace.account.object_headers(REGION, BUCKET, &format!("{KEY}.migrated"));
    assert_eq!(headers["x-amz-server-side-encryption"], "aws:kms");
    assert_eq!(headers["x-amz-server-side-encryption-aws-kms-key-id"], "alias/ops");
}

#[test]
fn the_hints_for_a_lock_that_is_left_work_as_they_are_printed() {
    let workspace = leaving_s3();
    workspace.account.faults(json!([{"operation": "PutObject", "key": KEY, "kind": "hold_before"}]));
    let mut migrate = workspace.command(&back_with(&[])).spawn().unwrap();
    wait_until(|| workspace.account.held() >= 1);
    workspace.run(&back_with(&["--lock-timeout", "1s"])).expect(6).says(&["waiting for the state's lock"]);
    migrate.kill().unwrap();
    migrate.wait().unwrap();
    workspace.account.faults(json!([]));
    workspace.account.release();
    let id = lock(&workspace)["id"].as_str().unwrap().to_owned();
    let unlock = format!("state unlock {id} --from s3://{BUCKET}/{KEY} --from-region {REGION}");
    workspace.run(&back_with(&[])).expect(6).says(&[&format!("`opsform {unlock}`")]);
    expire(&workspace);
    workspace.run(&back_with(&[])).expect(6).says(&["--take-lock", &format!("`opsform {unlock}`")]);
    workspace.ok(&unlock.split(' ').collect::<Vec<_>>()).says(&["the lock is removed"]);
    workspace.ok(&back_with(&[]));
    assert_eq!(workspace.recorded().len(), FLEET);
}

/// Starts a migration and kills it at its k-th call of S3; `false` where it makes fewer.
fn killed(workspace: &Workspace, migrate: &[&str], k: usize, hold: &str) -> bool {
    workspace
        .account
        .faults(json!([{"operation": "*", "service": "s3", "kind": hold, "skip": k, "times": 1}]));
    let mut run = workspace.command(migrate).spawn().unwrap();
    let mut ended = None;
    wait_until_either(
        || workspace.account.held() >= 1,
        || {
            ended = run.try_wait().unwrap();
            ended.is_some()
        },
    );
    if ended.is_none() {
        run.kill().unwrap();
        run.wait().unwrap();
    }
    workspace.account.faults(json!([]));
    workspace.account.release();
    wait_until(|| workspace.account.held() == 0);
    ended.is_none()
}

fn wait_until_either(holds: impl Fn() -> bool, mut ended: impl FnMut() -> bool) {
    let start = std::time::Instant::now();
    while !holds() && !ended() {
        assert!(start.elapsed().as_secs() < 60, "it does not come to that");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

/// Kills a migration at every call of S3, before and after it is carried out, and finishes it each time.
fn killed_everywhere(leaving: fn() -> Workspace, migrate: &[&str], in_one_place: fn(&Workspace)) {
    for hold in ["hold_before", "hold_after"] {
        for k in 0.. {
            let workspace = leaving();
            if !killed(&workspace, migrate, k, hold) {
                assert!(k >= 6, "{k}");
                break;
            }
            if object(&workspace, ".lock").is_some() {
                expire(&workspace);
            }
            let again = workspace.run(&[migrate, &["--take-lock"]].concat());
            assert_eq!(again.code, Some(0), "{hold} {k}: {}", again.all());
            in_one_place(&workspace);
            assert_eq!(object(&workspace, ".lock"), None, "{hold} {k}");
            workspace.expect_nothing_to_do();
            workspace.ok(&["apply", "--yes"]).says(&["Nothing to do"]);
        }
    }
}

#[test]
fn killed_anywhere_on_the_way_to_s3_and_finished() {
    killed_everywhere(leaving_the_disk, &MIGRATE, |workspace| {
        assert_eq!(recorded(workspace), workspace.account.alarm_names(REGION));
        assert!(!workspace.state_file().exists());
        assert!(workspace.path().join("state/payments.json.migrated").exists());
        assert!(!workspace.path().join("state/payments.json.migrated.2").exists());
    });
}

#[test]
fn killed_anywhere_on_the_way_from_s3_and_finished() {
    killed_everywhere(leaving_s3, &back_with(&[]), |workspace| {
        assert_eq!(workspace.recorded(), workspace.account.alarm_names(REGION));
        assert_eq!(object(workspace, ""), None);
        let aside: Value = serde_json::from_str(&object(workspace, ".migrated").unwrap()).unwrap();
        assert_eq!(aside["resources"].as_array().unwrap().len(), FLEET);
        assert_eq!(object(workspace, ".migrated.2"), None);
    });
}

#[test]
fn what_a_killed_apply_left_goes_along() {
    let workspace = fleet();
    workspace.kill_apply(FLEET, 2, "hold_after");
    expire(&workspace);
    let open = state(&workspace)["resources"].as_array().unwrap().len();
    assert_eq!(open, 0, "all is in the journal");
    workspace.write_manifest(CPU);
    workspace.ok(&back_with(&["--take-lock"]));
    assert_eq!((object(&workspace, ""), object(&workspace, ".journal")), (None, None));
    workspace.apply();
    assert_eq!(workspace.recorded(), workspace.account.alarm_names(REGION));
    workspace.expect_nothing_to_do();
}
