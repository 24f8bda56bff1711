//! S3 that loses answers, or refuses: nothing is overwritten, and what is said is true.

use serde_json::{Value, json};

use crate::s3_state::{BUCKET, FLEET, KEY, fleet, object, recorded, state};
use crate::workspace::{REGION, wait_until};

#[test]
fn lost_answers_are_no_conflicts() {
    for operation in ["PutObject", "DeleteObject", "GetObject"] {
        let workspace = fleet();
        for skip in 0..4 {
            workspace.account.faults(json!([
                {"operation": operation, "service": "s3", "kind": "drop_after", "skip": skip, "times": 1}
            ]));
            workspace.apply();
            workspace.account.faults(json!([]));
            workspace.expect_nothing_to_do();
            workspace.ok(&["destroy", "--yes"]);
        }
        assert_eq!((object(&workspace, ".lock"), object(&workspace, ".journal")), (None, None));
    }
}

fn conflict(operation: &str, ending: &str, more: &Value) -> Value {
    let (code, key) = ("ConditionalRequestConflict", format!("{KEY}{ending}"));
    let mut fault = json!({"operation": operation, "key": key, "kind": "error", "code": code, "status": 409});
    fault.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!([fault])
}

#[test]
fn a_conflict_with_another_request_is_tried_again() {
    // The document and the journal are written first to begin with, and then as they were read.
    for (operation, ending, skip) in [
        ("PutObject", ".lock", 0),
        ("PutObject", ".journal", 0),
        ("PutObject", ".journal", 1),
        ("PutObject", "", 0),
        ("PutObject", "", 1),
        ("DeleteObject", ".lock", 0),
        ("DeleteObject", ".journal", 0),
    ] {
        let workspace = fleet();
        workspace.account.faults(conflict(operation, ending, &json!({"skip": skip, "times": 1})));
        workspace.apply();
        let log = workspace.account.log();
        assert_eq!(log.iter().filter(|call| call["status"] == 409).count(), 1, "{operation} {ending} {skip}");
        assert_eq!(recorded(&workspace), workspace.account.alarm_names(REGION));
        assert_eq!((object(&workspace, ".lock"), object(&workspace, ".journal")), (None, None));
    }
}

#[test]
fn a_lock_that_is_refused_although_nobody_has_it_is_not_tried_for_ever() {
    let workspace = fleet();
    let refused = |times: Value| {
        workspace.account.faults(json!([
            {"operation": "PutObject", "key": format!("{KEY}.lock"), "kind": "error", "code": "PreconditionFailed",
             "status": 412, "times": times}
        ]));
        workspace.account.clear_calls();
    };
    refused(json!(null));
    workspace.run(&["apply", "--yes"]).expect(6).says(&["is locked by another process"]);
    let tried = workspace.account.count("s3:PutObject");
    assert!((2..=10).contains(&tried), "{tried}");
    workspace
        .run(&["apply", "--yes", "--lock-timeout", "2s"])
        .expect(6)
        .says(&["waiting for the state's lock"]);
    refused(json!(3));
    workspace.apply().says(&["6 added"]);
}

#[test]
fn a_conflict_that_does_not_end_is_told_as_such() {
    for (ending, skip, made) in
        [(".lock", 0, 0), (".journal", 0, 0), (".journal", 1, 0), ("", 0, 0), ("", 1, FLEET)]
    {
        let workspace = fleet();
        workspace.account.faults(conflict("PutObject", ending, &json!({"skip": skip})));
        let run = workspace.run(&["apply", "--yes"]).expect(1);
        let run = run.says(&[&format!("{KEY}{ending}"), "ConditionalRequestConflict"]);
        assert!(!run.all().contains("somebody else"), "{}", run.all());
        assert_eq!(workspace.account.alarms(REGION).len(), made, "{ending} {skip}");
        assert_eq!(object(&workspace, ".lock"), None);
        workspace.account.faults(json!([]));
        workspace.apply();
        workspace.expect_nothing_to_do();
        // With the journal, where the document could not be written and nothing was left to do.
        let whole: Value = serde_json::from_str(&workspace.ok(&["state", "pull"]).stdout).unwrap();
        assert_eq!(whole["resources"].as_array().unwrap().len(), FLEET);
    }
}

#[test]
fn a_conflict_with_a_write_that_was_made_is_one_with_that_writer() {
    let workspace = fleet();
    workspace.apply();
    workspace.edit_manifest("threshold = 80", "threshold = 90");
    workspace.account.faults(json!([{"operation": "PutMetricAlarm", "kind": "hold_before"}]));
    let apply = workspace.start(&["apply", "--yes"]);
    wait_until(|| workspace.account.held() >= 1);
    let mut theirs = state(&workspace);
    theirs["serial"] = json!(theirs["serial"].as_u64().unwrap() + 1);
    workspace.account.put_object(REGION, BUCKET, KEY, &theirs.to_string());
    workspace.account.faults(conflict("PutObject", "", &json!({"times": 1})));
    workspace.account.release();
    apply.end().expect(1).says(&["somebody else wrote"]);
    assert_eq!(state(&workspace), theirs);
}

#[test]
fn a_journal_that_cannot_be_uploaded_stops_the_apply() {
    let workspace = fleet();
    let key = format!("{KEY}.journal");
    workspace.account.faults(json!([
        {"operation": "PutObject", "key": key, "kind": "error", "code": "AccessDenied", "status": 403, "skip": 1}
    ]));
    workspace.run(&["apply", "--yes"]).expect(1).says(&["payments.json.journal", "AccessDenied"]);
    assert!(workspace.account.alarms(REGION).is_empty(), "nothing is begun that could be forgotten");
    workspace.account.faults(json!([]));
    workspace.apply();
    workspace.expect_nothing_to_do();
}
