//! Schedules by EventBridge rules where a call fails, is lost or never comes: the next apply finishes.

use serde_json::json;

use crate::event_rules::{OFFICE, PREFIX, fleet, make_theirs, ours, rule, rules, stop, targets};
use crate::workspace::{REGION, Run, Workspace, wait_until};

#[test]
fn targets_that_aws_leaves_out_are_told_and_made_by_the_next_apply() {
    let (workspace, ids) = fleet();
    workspace.account.options(json!({"failed_targets": {&ids[0]: "InternalFailureOfATest"}}));
    let start = format!("{PREFIX}.start.ec2");
    workspace.run(&["apply", "--yes"]).expect(4).says(&[
        "4 added",
        &format!("target {} of rule {start}", ids[0]),
        "InternalFailureOfATest",
        "its targets are not as planned",
        "Skipped 1, because what they need failed",
    ]);
    assert_eq!(targets(&workspace, &start), [ids[1].clone()]);
    // The index may lag: what was begun is ours all the same.
    workspace.account.options(json!({"failed_targets": {}, "index_lags": true}));
    assert_eq!(workspace.changes(), [format!("create {}", stop()), format!("update {start}")]);
    workspace.apply().says(&["1 added, 1 changed"]);
    workspace.expect_nothing_to_do();
    // Removing fails the same way; what is left is told and goes the next time.
    workspace.account.options(json!({"failed_targets": {&ids[1]: "ConcurrentModificationException"}}));
    workspace.run(&["destroy", "--yes"]).expect(4).says(&["4 destroyed", "ConcurrentModificationException"]);
    workspace.account.options(json!({"failed_targets": {}}));
    workspace.ok(&["destroy", "--yes"]).says(&["2 destroyed"]);
    assert_eq!(rules(&workspace), [""; 0]);
}

#[test]
fn a_failure_that_names_no_target_is_none_that_passed() {
    let (workspace, ids) = fleet();
    let failing = json!({"failed_targets": {&ids[0]: "InternalException"}, "unnamed_targets": true});
    workspace.account.options(failing);
    workspace.account.clear_calls();
    workspace.run(&["apply", "--yes"]).expect(4).says(&["4 added", "target ? of rule", "InternalException"]);
    // The rule that starts instances was tried more than once, the one that stops them never.
    let puts = workspace.account.calls()["events:PutTargets"].as_u64().unwrap();
    assert!(puts > 5, "{puts}");
    assert!(!rules(&workspace).contains(&stop()));
    workspace.account.options(json!({"failed_targets": {}, "unnamed_targets": false}));
    workspace.apply().says(&["1 added, 1 changed"]);
    workspace.expect_nothing_to_do();
}

#[test]
fn targets_that_nobody_may_put_are_told_as_a_permission_and_given_up() {
    // More rules than calls are in flight at once.
    let databases: Vec<_> = (0..300).map(|n| json!({"id": format!("db-{n:03}")})).collect();
    let workspace = Workspace::new(OFFICE);
    workspace.account.seed(json!({REGION: {"databases": databases}}));
    let rules = workspace.changes().len() as u64;
    workspace.account.faults(json!([{"operation": "PutTargets", "kind": "denied"}]));
    workspace.account.clear_calls();
    let run = workspace.run(&["apply", "--yes"]).expect(4);
    run.says(&["needs the IAM action events:PutTargets", "it finishes what was begun", "not tried"]);
    let puts = workspace.account.calls()["events:PutTargets"].as_u64().unwrap();
    assert!(puts < rules, "{puts} of {rules}");
    workspace.account.faults(json!([]));
    workspace.apply();
    workspace.expect_nothing_to_do();
}

#[test]
fn a_bus_that_is_full_is_told_and_the_old_schedules_stay() {
    let (workspace, _) = fleet();
    workspace.edit_manifest("engine = 'rule'\n", "");
    workspace.apply().says(&["7 added"]);
    workspace.edit_manifest("label = 'office'", "label = 'office'\nengine = 'rule'");
    workspace.account.faults(json!([{"operation": "PutRule", "kind": "error", "code": "LimitExceededException",
        "status": 400, "message": "The requested resource exceeds the maximum number allowed.", "times": 1}]));
    workspace.run(&["apply", "--yes"]).expect(4).says(&[
        "an event bus holds 300 rules",
        "4 added",
        "Skipped 8",
    ]);
    assert_eq!(workspace.account.schedules(REGION).len(), 6);
    workspace.account.clear_calls();
    workspace.apply().says(&["2 added", "7 destroyed"]);
    assert_eq!(workspace.account.schedules(REGION).len(), 0);
    assert_eq!(rules(&workspace), ours());
    // The new one was there before the old ones went.
    let log = workspace.account.log();
    let order: Vec<&str> = log.iter().filter_map(|call| call["operation"].as_str()).collect();
    let at = |operation: &str| order.iter().position(|called| *called == operation).unwrap();
    assert!(at("PutTargets") < at("DeleteSchedule"), "{order:?}");
    workspace.expect_nothing_to_do();
    workspace.edit_manifest("engine = 'rule'\n", "");
    workspace.apply().says(&["7 added", "6 destroyed"]);
    workspace.expect_nothing_to_do();
    assert_eq!(rules(&workspace), [""; 0]);
}

/// Applies, holds this call and kills the program; then everything goes on as if nothing had been.
fn killed_at(workspace: &Workspace, command: &[&str], operation: &str, k: usize, hold: &str) {
    workspace.account.faults(json!([{"operation": operation, "service": "events", "kind": hold, "skip": k}]));
    let mut run = workspace.command(command).spawn().unwrap();
    wait_until(|| workspace.account.held() >= 1);
    run.kill().unwrap();
    run.wait().unwrap();
    workspace.account.release();
    workspace.account.faults(json!([]));
}

#[test]
fn killed_at_any_call_the_next_apply_finishes() {
    for hold in ["hold_before", "hold_after"] {
        for (operation, k) in [("PutRule", 0), ("PutRule", 3), ("PutTargets", 0), ("PutTargets", 3)] {
            let (workspace, _) = fleet();
            workspace.account.options(json!({"index_lags": true}));
            killed_at(&workspace, &["apply", "--yes"], operation, k, hold);
            let changes = workspace.changes();
            // What is there is ours, and is finished.
            let fine = |change: &String| change.starts_with("create ") || change.starts_with("update ");
            assert!(changes.iter().all(fine), "{operation} {k} {hold}: {changes:?}");
            workspace.apply();
            assert_eq!(rules(&workspace), ours(), "{operation} {k} {hold}");
            assert_eq!(workspace.recorded(), ours());
            assert_eq!(workspace.state()["unconfirmed"], json!(null));
            workspace.expect_nothing_to_do();
        }
        for operation in ["TagResource", "PutRule", "RemoveTargets", "PutTargets"] {
            let (workspace, ids) = fleet();
            workspace.apply();
            workspace.account.tag(REGION, &ids[0], "AutoStopStart", "No");
            workspace.account.tag(REGION, &ids[2], "AutoStopStart", "Yes");
            workspace.edit_manifest("cron(0 19", "cron(0 20");
            killed_at(&workspace, &["apply", "--yes"], operation, 0, hold);
            assert!(
                workspace.changes().iter().all(|change| change.starts_with("update ")),
                "{operation} {hold}"
            );
            workspace.apply();
            let mut expected = vec![ids[1].clone(), ids[2].clone()];
            expected.sort();
            assert_eq!(targets(&workspace, &stop()), expected, "{operation} {hold}");
            assert_eq!(rule(&workspace, &stop())["ScheduleExpression"], "cron(0 11 ? * MON-FRI *)");
            workspace.expect_nothing_to_do();
        }
        for operation in ["RemoveTargets", "DeleteRule"] {
            let (workspace, _) = fleet();
            workspace.apply();
            make_theirs(&workspace, "theirs");
            killed_at(&workspace, &["destroy", "--yes"], operation, 2, hold);
            workspace.ok(&["destroy", "--yes"]);
            assert_eq!(rules(&workspace), ["theirs"], "{operation} {hold}");
            assert_eq!(workspace.recorded(), [""; 0]);
        }
    }
}

#[test]
fn lost_answers_and_throttling_make_nothing_twice() {
    let (workspace, _) = fleet();
    workspace.account.faults(json!([
        {"operation": "PutRule", "kind": "drop_after", "times": 2},
        {"operation": "PutTargets", "kind": "drop_after", "times": 2},
        {"operation": "PutRule", "kind": "bucket", "rate": 20, "burst": 2, "code": "ThrottlingException"},
        {"operation": "PutTargets", "kind": "bucket", "rate": 20, "burst": 2, "code": "ThrottlingException"},
    ]));
    workspace.apply().says(&["6 added"]);
    assert_eq!(rules(&workspace), ours());
    assert_eq!(targets(&workspace, &stop()).len(), 2);
    workspace.expect_nothing_to_do();
    workspace.account.faults(json!([
        {"operation": "DeleteRule", "kind": "drop_after", "times": 2},
        {"operation": "RemoveTargets", "kind": "drop_after", "times": 2},
        {"operation": "RemoveTargets", "kind": "bucket", "rate": 20, "burst": 2, "code": "ThrottlingException"},
    ]));
    workspace.ok(&["destroy", "--yes"]).says(&["6 destroyed"]);
    assert_eq!(rules(&workspace), [""; 0]);
}

#[test]
fn ctrl_c_between_a_rule_and_its_targets_forgets_nothing() {
    let (workspace, _) = fleet();
    workspace.account.options(json!({"index_lags": true}));
    workspace.account.faults(json!([{"operation": "PutRule", "kind": "hold_after"}]));
    let mut apply = workspace.start(&["apply", "--yes"]);
    wait_until(|| workspace.account.held() >= 3);
    apply.signal("INT");
    apply.until("stopping after the calls in flight");
    workspace.account.release();
    workspace.account.faults(json!([]));
    apply.end().expect(130).says(&["its targets are not as planned"]);
    let starts: Vec<String> = ours().into_iter().filter(|name| name.contains(".start.")).collect();
    assert_eq!(rules(&workspace), starts);
    assert!(starts.iter().all(|rule| targets(&workspace, rule).is_empty()));
    // The manifest may change its mind: what was begun is ours, and goes.
    workspace.write_manifest(OFFICE.split("[[schedule]]").next().unwrap());
    let changes = workspace.changes();
    assert_eq!(changes.len(), 3, "{changes:?}");
    assert!(changes.iter().all(|change| change.starts_with("delete ")), "{changes:?}");
    workspace.write_manifest(OFFICE);
    workspace.apply().says(&["3 added, 3 changed"]);
    workspace.expect_nothing_to_do();
}

#[test]
fn what_somebody_gave_a_rule_since_the_plan_keeps_it() {
    let (workspace, _) = fleet();
    workspace.apply();
    // Each rule's targets are read for the plan, and once more before they are removed.
    workspace.account.faults(json!([{"operation": "ListTargetsByRule", "kind": "hold_before", "skip": 6}]));
    let destroy = workspace.command(&["destroy", "--yes"]).spawn().unwrap();
    wait_until(|| workspace.account.held() >= 6);
    let arn = format!("arn:aws:sqs:us-east-1:{}:queue", workspace.account.id());
    let body = json!({"Rule": stop(), "Targets": [{"Id": "theirs", "Arn": arn}]});
    workspace.account.events(REGION, "PutTargets", body);
    workspace.account.faults(json!([]));
    workspace.account.release();
    let run = Run::of(destroy.wait_with_output().unwrap()).expect(4);
    run.says(&["5 destroyed", "more targets since the plan was made: theirs"]);
    assert_eq!(rules(&workspace), [stop()]);
    assert_eq!(targets(&workspace, &stop()).len(), 3);
    // The next plan shows them, so that whoever agrees knows.
    workspace.ok(&["destroy", "--yes"]).says(&["1 destroyed"]);
}
