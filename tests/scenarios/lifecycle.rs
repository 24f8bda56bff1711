//! Apply, plan again and expect nothing, change one thing and expect exactly that, destroy and expect nothing left.

use serde_json::json;

use crate::workspace::{CPU, REGION, Workspace};

fn three() -> (Workspace, Vec<String>) {
    let workspace = Workspace::new(CPU);
    let ids = workspace.account.seed_instances(
        REGION,
        json!([{"name": "web-1"}, {"name": "web-2"}, {"name": "db-1", "state": "stopped"}]),
    );
    (workspace, ids)
}

#[test]
fn the_life_of_forty_alarms() {
    let workspace = Workspace::new(CPU);
    let instances: Vec<_> = (1..=40).map(|n| json!({"name": format!("web-{n:02}")})).collect();
    workspace.account.seed_instances(REGION, instances.into());
    let plan =
        workspace.ok(&["plan"]).says(&["create", "40 alarms", "Plan: 40 to add, 0 to change, 0 to destroy."]);
    assert!(plan.stdout.lines().count() < 30, "folded: {}", plan.stdout);
    assert!(workspace.account.writes().is_empty(), "a plan writes nothing");

    workspace.apply().says(&["40 added"]);
    assert_eq!(workspace.account.alarms(REGION).len(), 40);
    assert_eq!(workspace.recorded(), workspace.account.alarm_names(REGION));

    workspace.account.clear_calls();
    workspace.ok(&["plan", "--detailed-exitcode"]).says(&["Nothing to do"]);
    assert_eq!(
        serde_json::Value::from(workspace.account.calls()),
        json!({"sts:GetCallerIdentity": 1, "ec2:DescribeInstances": 1, "cloudwatch:DescribeAlarms": 1})
    );

    workspace.ok(&["destroy", "--yes"]).says(&["40 destroyed"]);
    assert!(workspace.account.alarms(REGION).is_empty());
    assert!(workspace.recorded().is_empty());
}

#[test]
fn what_is_made_is_what_was_asked_for() {
    let (workspace, ids) = three();
    workspace.edit_manifest(
        "threshold = 80",
        r#"threshold = 80.5
           statistic = "p99.9"
           period = "1m"
           evaluation_periods = 5
           datapoints_to_alarm = 3
           treat_missing_data = "notBreaching"
           actions_enabled = false
           alarm_actions = ["arn:aws:sns:{{ region }}:{{ account }}:ops"]
           ok_actions = ["arn:aws:sns:{{ region }}:{{ account }}:ops"]
           description = "한글 and 日本語 for {{ id }}"
           tags = { team = "ops" }"#,
    );
    workspace.apply();
    let alarm = workspace.account.alarm(REGION, "web-1: CPU over 80.5");
    let topic = format!("arn:aws:sns:us-east-1:{}:ops", workspace.account.id());
    for (field, value) in [
        ("Namespace", json!("AWS/EC2")),
        ("MetricName", json!("CPUUtilization")),
        ("Dimensions", json!([{"Name": "InstanceId", "Value": ids[0]}])),
        ("ExtendedStatistic", json!("p99.9")),
        ("Period", json!(60)),
        ("EvaluationPeriods", json!(5)),
        ("DatapointsToAlarm", json!(3)),
        ("ComparisonOperator", json!("GreaterThanThreshold")),
        ("Threshold", json!(80.5)),
        ("TreatMissingData", json!("notBreaching")),
        ("ActionsEnabled", json!(false)),
        ("AlarmActions", json!([topic])),
        ("OKActions", json!([topic])),
        ("AlarmDescription", json!(format!("한글 and 日本語 for {}", ids[0]))),
        ("Tags", json!({"team": "ops", "opsform:project": "payments", "opsform:label": "alarm.cpu"})),
    ] {
        assert_eq!(alarm[field], value, "{field}");
    }
    workspace.expect_nothing_to_do();
}

#[test]
fn a_threshold_changed_in_the_manifest_is_an_update() {
    let (workspace, _) = three();
    workspace.edit_manifest(": CPU over {{ threshold }}", ": CPU");
    workspace.apply();
    workspace.edit_manifest("threshold = 80", "threshold = 85");
    workspace.run(&["plan", "--detailed-exitcode"]).expect(2).says(&[
        "3 alarms",
        "80 → 85",
        "the manifest changed",
        "Plan: 0 to add, 3 to change, 0 to destroy.",
    ]);
    workspace.apply().says(&["3 changed"]);
    assert_eq!(workspace.account.alarm(REGION, "web-1: CPU")["Threshold"], json!(85.0));
    workspace.expect_nothing_to_do();
}

#[test]
fn an_alarm_edited_in_the_console_is_drift() {
    let (workspace, _) = three();
    workspace.apply();
    let name = "web-1: CPU over 80";
    workspace.account.edit_alarm(REGION, name, json!({"ActionsEnabled": false, "Threshold": 99.0}));
    // The plan says what an apply would do, drift says what happened.
    for (command, words) in [("plan", ["false → true", "99 → 80"]), ("drift", ["true → false", "80 → 99"])]
    {
        let run = workspace.run(&[command, "--detailed-exitcode"]).expect(3);
        run.says(&words).says(&[name, "actions_enabled", "changed outside opsform"]);
    }
    workspace.apply().says(&["1 changed"]);
    assert_eq!(workspace.account.alarm(REGION, name)["Threshold"], json!(80.0));
    workspace.ok(&["drift", "--detailed-exitcode"]);
    workspace.expect_nothing_to_do();
}

#[test]
fn an_alarm_deleted_in_the_console_is_made_again() {
    let (workspace, _) = three();
    workspace.apply();
    workspace.account.delete_alarm(REGION, "web-1: CPU over 80");
    workspace.run(&["plan", "--detailed-exitcode"]).expect(3).says(&["web-1"]);
    workspace.apply().says(&["1 added"]);
    workspace.expect_nothing_to_do();
}

#[test]
fn a_terminated_instance_loses_its_alarm_with_the_reason() {
    let (workspace, ids) = three();
    workspace.apply();
    workspace.account.terminate(REGION, &ids[..1]);
    let plan = workspace.ok(&["plan"]).says(&["web-1: CPU over 80", &ids[0], "was terminated", "alarm.cpu"]);
    assert!(
        plan.stdout.trim_end().lines().last().unwrap().contains("web-1: CPU over 80"),
        "destroys come last"
    );
    assert_eq!(workspace.changes(), ["delete web-1: CPU over 80"]);
    workspace.apply().says(&["1 destroyed"]);
    workspace.expect_nothing_to_do();
    assert_eq!(workspace.account.alarm_names(REGION), ["db-1: CPU over 80", "web-2: CPU over 80"]);
}

#[test]
fn a_renamed_instance_never_goes_without_an_alarm() {
    let (workspace, ids) = three();
    workspace.apply();
    workspace.account.ec2(
        REGION,
        "CreateTags",
        &ids[..1],
        &[("Tag.1.Key", "Name"), ("Tag.1.Value", "shop-1")],
    );
    workspace.ok(&["plan"]).says(&["web-1: CPU over 80", "shop-1: CPU over 80", "renamed"]);
    assert_eq!(workspace.changes(), ["replace shop-1: CPU over 80"]);
    workspace.account.clear_calls();
    workspace.apply();
    let writes = workspace.account.writes();
    assert_eq!(writes, ["PutMetricAlarm", "DeleteAlarms"], "the new one before the old one goes");
    workspace.expect_nothing_to_do();
    assert_eq!(workspace.recorded(), workspace.account.alarm_names(REGION));
}

#[test]
fn a_template_removed_deletes_its_alarms_and_no_others() {
    let (workspace, _) = three();
    workspace.apply();
    workspace.account.put_alarm(
        REGION,
        json!({"AlarmName": "by hand", "Namespace": "AWS/EC2", "MetricName": "CPUUtilization", "Period": 300,
               "EvaluationPeriods": 1, "Statistic": "Average", "Threshold": 1.0,
               "ComparisonOperator": "GreaterThanThreshold"}),
    );
    let manifest = CPU.split("[[alarm]]").next().unwrap();
    workspace.write_manifest(manifest);
    workspace.ok(&["plan"]).says(&["no longer", "alarm.cpu", "3 to destroy"]);
    workspace.apply();
    assert_eq!(workspace.account.alarm_names(REGION), ["by hand"]);
    workspace.expect_nothing_to_do();
}

#[test]
fn destroy_leaves_what_is_not_ours() {
    let (workspace, _) = three();
    let other = workspace.beside(&CPU.replace("payments", "search").replace("CPU over", "search CPU over"));
    workspace.apply();
    other.apply();
    workspace.account.put_alarm(
        REGION,
        json!({"AlarmName": "by hand", "Namespace": "N", "MetricName": "M", "Period": 300, "EvaluationPeriods": 1,
               "Statistic": "Average", "Threshold": 1.0, "ComparisonOperator": "GreaterThanThreshold"}),
    );
    workspace.ok(&["destroy", "--yes"]).says(&["3 destroyed"]);
    let left = workspace.account.alarm_names(REGION);
    assert_eq!(left.len(), 4, "{left:?}");
    assert!(left.contains(&"by hand".to_owned()));
    workspace.ok(&["destroy", "--yes"]).says(&["Nothing"]);
}

#[test]
fn renaming_a_label_changes_nothing_on_aws() {
    let (workspace, _) = three();
    workspace.apply();
    workspace.edit_manifest("label = \"cpu\"", "label = \"processor\"");
    workspace.expect_nothing_to_do();
    workspace.account.clear_calls();
    workspace.apply();
    assert!(workspace.account.writes().is_empty());
    assert_eq!(workspace.state()["resources"][0]["label"], "alarm.processor");
}

#[test]
fn tags_of_the_manifest_are_kept_and_other_peoples_are_left_alone() {
    let (workspace, _) = three();
    workspace.edit_manifest("threshold = 80", "threshold = 80\ntags = { team = \"ops\", tier = \"1\" }");
    workspace.apply();
    let name = "web-1: CPU over 80";
    let mut tags = workspace.account.alarm(REGION, name)["Tags"].clone();
    tags["cost-center"] = json!("42");
    workspace.account.edit_alarm(REGION, name, json!({"Tags": tags}));
    workspace.expect_nothing_to_do();
    workspace.edit_manifest("team = \"ops\", tier = \"1\"", "team = \"sre\"");
    workspace.ok(&["plan"]).says(&["3 to change", "ops", "sre"]);
    workspace.account.clear_calls();
    workspace.apply();
    assert_eq!(workspace.account.count("cloudwatch:PutMetricAlarm"), 0, "AWS ignores tags there");
    assert_eq!(
        workspace.account.alarm(REGION, name)["Tags"],
        json!({"team": "sre", "cost-center": "42", "opsform:project": "payments", "opsform:label": "alarm.cpu"})
    );
    workspace.expect_nothing_to_do();
    // A tag of ours changed by hand is found by `drift`, which reads tags.
    let mut tags = workspace.account.alarm(REGION, name)["Tags"].clone();
    tags["team"] = json!("nobody");
    workspace.account.edit_alarm(REGION, name, json!({"Tags": tags}));
    workspace.run(&["drift", "--detailed-exitcode"]).expect(3).says(&["nobody", "sre"]);
}

#[test]
fn an_empty_selection_does_not_delete_everything_by_accident() {
    let (workspace, _) = three();
    workspace.apply();
    workspace.edit_manifest("{ ec2 = {} }", "{ ec2 = { tags = { Env = \"porduction\" } } }");
    workspace.run(&["plan"]).expect(1).says(&[
        "alarm.cpu selects no instances, which would delete the 3 resources",
        "opsform.toml",
        "allow_empty = true",
    ]);
    workspace.run(&["apply", "--yes"]).expect(1);
    assert_eq!(workspace.account.alarms(REGION).len(), 3);
    workspace.edit_manifest("threshold = 80", "threshold = 80\nallow_empty = true");
    workspace.apply().says(&["3 destroyed"]);
}

#[test]
fn protected_alarms_outlive_their_declaration() {
    let (workspace, _) = three();
    workspace.edit_manifest("threshold = 80", "threshold = 80\nprotect = true");
    workspace.apply();
    workspace.write_manifest(CPU.split("[[alarm]]").next().unwrap());
    workspace.ok(&["plan"]).says(&["protected", "3"]);
    workspace.apply();
    workspace.ok(&["destroy", "--yes"]);
    assert_eq!(workspace.account.alarms(REGION).len(), 3);
    assert_eq!(workspace.recorded().len(), 3);
}

#[test]
fn a_change_of_one_target_only() {
    let (workspace, ids) = three();
    workspace.run(&["plan", "--target", "alarm.cpuu"]).expect(1).says(&["did you mean `alarm.cpu`?"]);
    workspace.ok(&["apply", "--yes", "--target", "web-1"]).says(&["1 added", "left out"]);
    workspace.ok(&["apply", "--yes", "--target", &ids[1]]).says(&["1 added"]);
    assert_eq!(workspace.changes_with(&["--exclude", "db-*"]), [""; 0]);
    assert_eq!(workspace.changes(), ["create db-1: CPU over 80"]);
    workspace.ok(&["apply", "--yes", "--target", "metric_alarm"]).says(&["1 added"]);
    workspace.expect_nothing_to_do();
}
