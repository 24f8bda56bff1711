//! What somebody else makes, takes over or deletes between the plan and the call.

use serde_json::{Value, json};

use crate::workspace::{CPU, REGION, Run, Workspace, wait_until};

fn name(number: usize) -> String {
    format!("web-{number}: CPU over 80")
}

fn fleet(size: usize) -> Workspace {
    let workspace = Workspace::new(CPU);
    let instances: Vec<Value> = (1..=size).map(|n| json!({"name": format!("web-{n}")})).collect();
    workspace.account.seed_instances(REGION, instances.into());
    workspace
}

fn by_hand(name: &str, tags: Value) -> Value {
    json!({"AlarmName": name, "Namespace": "AWS/EC2", "MetricName": "CPUUtilization", "Period": 60,
           "EvaluationPeriods": 2, "Statistic": "Average", "Threshold": 50.0,
           "ComparisonOperator": "GreaterThanThreshold", "Tags": tags})
}

fn search() -> Value {
    json!({"opsform:project": "search", "opsform:label": "alarm.theirs"})
}

/// Runs a command and does something just before its second call of an operation: the plan is made, nothing is sent.
pub(crate) fn meanwhile(workspace: &Workspace, args: &[&str], operation: &str, what: impl FnOnce()) -> Run {
    workspace.account.faults(json!([{"operation": operation, "kind": "hold_before", "skip": 1}]));
    let run = workspace.command(args).spawn().unwrap();
    wait_until(|| workspace.account.held() >= 1);
    assert!(workspace.account.held() == 1);
    what();
    workspace.account.faults(json!([]));
    workspace.account.release();
    Run::of(run.wait_with_output().unwrap())
}

#[test]
fn what_was_made_since_is_not_overwritten() {
    let workspace = fleet(3);
    let account = &workspace.account;
    let run = meanwhile(&workspace, &["apply", "--yes"], "DescribeAlarms", || {
        account.put_alarm(REGION, by_hand(&name(2), search()));
        account.put_alarm(REGION, by_hand(&name(3), json!({})));
    });
    run.expect(4).says(&["1 added", "2 failed", "left alone", "somebody made it since", &name(2), &name(3)]);
    for number in [2, 3] {
        assert_eq!(account.alarm(REGION, &name(number))["Threshold"], json!(50.0));
    }
    assert_eq!(workspace.recorded(), [name(1)]);
    assert_eq!(workspace.state()["unconfirmed"], json!(null));
    assert_eq!(workspace.changes(), [format!("conflict {}", name(2)), format!("adopt {}", name(3))]);
}

#[test]
fn nor_is_it_by_the_new_half_of_a_rename_and_the_old_half_stays() {
    let workspace = fleet(2);
    workspace.apply();
    workspace.edit_manifest("threshold = 80", "threshold = 90");
    let run = meanwhile(&workspace, &["apply", "--yes"], "DescribeAlarms", || {
        workspace.account.put_alarm(REGION, by_hand("web-2: CPU over 90", search()));
    });
    run.expect(4).says(&["1 replaced", "1 failed", "Skipped 1"]);
    assert_eq!(workspace.account.alarm(REGION, "web-2: CPU over 90")["Threshold"], json!(50.0));
    assert_eq!(workspace.recorded(), ["web-1: CPU over 90".to_owned(), name(2)]);
}

#[test]
fn what_another_project_or_a_person_took_over_since_is_not_changed() {
    let workspace = fleet(3);
    workspace.apply();
    workspace.edit_manifest("threshold = 80", "threshold = 80\nperiod = 60");
    let account = &workspace.account;
    let run = meanwhile(&workspace, &["apply", "--yes"], "GetResources", || {
        account.edit_alarm(REGION, &name(2), json!({"Tags": search()}));
        account.delete_alarm(REGION, &name(3));
        account.put_alarm(REGION, by_hand(&name(3), json!({})));
    });
    run.expect(4).says(&["1 changed", "2 failed", "project \"search\" took it over", "no longer bears this"]);
    assert_eq!(account.alarm(REGION, &name(2))["Period"], json!(300));
    assert_eq!(account.alarm(REGION, &name(3))["Threshold"], json!(50.0));
    assert_eq!(workspace.changes(), [format!("conflict {}", name(2)), format!("adopt {}", name(3))]);
}

#[test]
fn nor_is_it_deleted_and_what_is_gone_is_done() {
    let workspace = fleet(3);
    workspace.apply();
    let account = &workspace.account;
    let run = meanwhile(&workspace, &["destroy", "--yes"], "GetResources", || {
        account.edit_alarm(REGION, &name(2), json!({"Tags": search()}));
        account.delete_alarm(REGION, &name(3));
    });
    run.expect(4).says(&["2 destroyed", "1 failed", "left alone", "project \"search\" took it over"]);
    assert_eq!(account.alarm_names(REGION), [name(2)]);
    assert_eq!(workspace.recorded(), [name(2)]);
    workspace.ok(&["destroy", "--yes"]).says(&["search", "1 forgotten"]);
    assert_eq!(account.alarm_names(REGION), [name(2)]);
}

#[test]
fn nor_is_it_adopted() {
    let workspace = fleet(1);
    // A record, so that the plan asks the index for this alarm only.
    workspace.apply();
    workspace.account.delete_alarm(REGION, &name(1));
    workspace.account.put_alarm(REGION, by_hand(&name(1), json!({})));
    let run = meanwhile(&workspace, &["apply", "--yes", "--adopt"], "GetResources", || {
        workspace.account.edit_alarm(REGION, &name(1), json!({"Tags": search()}));
    });
    run.expect(4).says(&["1 failed", "project \"search\" took it over"]);
    let alarm = workspace.account.alarm(REGION, &name(1));
    assert_eq!((&alarm["Threshold"], &alarm["Tags"]), (&json!(50.0), &search()));
}

#[test]
fn the_look_costs_one_call_for_a_hundred_changes() {
    let workspace = fleet(250);
    let calls = |args: &[&str]| {
        workspace.account.clear_calls();
        workspace.ok(args);
        let count = |operation| workspace.account.count(operation);
        (
            count("cloudwatch:DescribeAlarms"),
            count("tagging:GetResources"),
            count("cloudwatch:ListTagsForResource"),
        )
    };
    // Without a state the plan asks the index once for what may bear the project's tag.
    assert_eq!(calls(&["apply", "--yes"]), (3 + 3, 1, 0));
    workspace.edit_manifest("threshold = 80", "threshold = 80\nperiod = 60");
    assert_eq!(calls(&["apply", "--yes"]), (3, 3 + 3, 0));
    assert_eq!(calls(&["destroy", "--yes"]), (3, 3 + 3, 0));
}
