//! A state or a journal that is not whole, or that nobody can have written.

use serde_json::json;

use crate::s3_state::{BUCKET, FLEET, KEY, expire, fleet, object, recorded, state};
use crate::workspace::{CPU, REGION};

#[test]
fn half_a_journal_is_no_journal() {
    for (k, hold) in [(0, "hold_after"), (4, "hold_after")] {
        let workspace = fleet();
        workspace.kill_apply(FLEET, k, hold);
        let journal = object(&workspace, ".journal").unwrap();
        expire(&workspace);
        let key = format!("{KEY}.journal");
        // Once is bad luck, and read again; always is an error, and the journal stays.
        workspace.account.faults(json!([
            {"operation": "GetObject", "key": key, "kind": "truncate", "times": 1}
        ]));
        workspace.expect_nothing_to_do();
        workspace.account.faults(json!([{"operation": "GetObject", "key": key, "kind": "truncate"}]));
        let run = workspace.run(&["apply", "--yes", "--take-lock"]).expect(1);
        run.says(&["payments.json.journal is damaged: its last line has no end"]);
        workspace.account.faults(json!([]));
        assert_eq!(object(&workspace, ".journal").unwrap(), journal);
        workspace.apply();
        assert_eq!(recorded(&workspace), workspace.account.alarm_names(REGION));
        assert_eq!(object(&workspace, ".journal"), None);
        workspace.apply().says(&["Nothing to do"]);
    }
}

#[test]
fn a_journal_that_was_left_behind_is_removed_by_the_next_apply() {
    let workspace = fleet();
    workspace.apply();
    let state = state(&workspace);
    let header = json!({"journal": 1, "lineage": state["lineage"], "serial": state["serial"]});
    workspace.account.put_object(REGION, BUCKET, &format!("{KEY}.journal"), &format!("{header}\n"));
    workspace.apply().says(&["Nothing to do"]);
    assert_eq!((object(&workspace, ".lock"), object(&workspace, ".journal")), (None, None));
}

#[test]
fn a_damaged_state_is_replaced_by_force_only() {
    for local in [false, true] {
        let workspace = fleet();
        if local {
            workspace.write_manifest(CPU);
        }
        let damage = |ending: &str, text: &str| {
            if local {
                workspace.write(&format!("state/payments.json{ending}"), text);
            } else {
                workspace.account.put_object(REGION, BUCKET, &format!("{KEY}{ending}"), text);
            }
        };
        workspace.apply();
        workspace.write("good.json", &workspace.ok(&["state", "pull"]).stdout);
        for (ending, text) in [("", "{"), (".journal", "{\n"), (".journal", "{}\n{}\n")] {
            damage(ending, text);
            workspace.run(&["plan"]).expect(1).says(&["is damaged", "state push"]);
            workspace.run(&["state", "push", "good.json"]).expect(1).says(&["is damaged"]);
            workspace.ok(&["state", "push", "good.json", "--force"]).says(&["wrote 6 resources"]);
            workspace.expect_nothing_to_do();
            assert!(!workspace.path().join("state/payments.json.journal").exists());
            assert_eq!(object(&workspace, ".journal"), None);
        }
    }
}

#[test]
fn a_serial_that_nobody_counted_up_to_is_refused() {
    let workspace = fleet();
    workspace.apply();
    let before = state(&workspace);
    for serial in [u64::MAX, u64::MAX - 1, 1 << 60] {
        let mut pushed = before.clone();
        pushed["serial"] = json!(serial);
        workspace.write("pushed.json", &pushed.to_string());
        for force in [&[][..], &["--force"]] {
            let args = [&["state", "push", "pushed.json"], force].concat();
            workspace.run(&args).expect(1).says(&["counted up to its serial"]);
        }
        assert_eq!(state(&workspace), before);
    }
    // Put there by another hand, it is no crash either.
    let mut there = before;
    there["serial"] = json!(u64::MAX);
    workspace.account.put_object(REGION, BUCKET, KEY, &there.to_string());
    workspace.run(&["state", "rm", "web-01*", "--yes"]).expect(1).says(&["counted up to its serial"]);
    assert_eq!(object(&workspace, ".lock"), None);
}
