//! What is nobody's, what is another project's, and what was ours before the state was lost.

use serde_json::json;

use crate::workspace::{CPU, REGION, Workspace};

const NAME: &str = "web-1: CPU over 80";

fn one() -> Workspace {
    let workspace = Workspace::new(CPU);
    workspace.account.seed_instances(REGION, json!([{"name": "web-1"}]));
    workspace
}

fn by_hand(name: &str) -> serde_json::Value {
    json!({"AlarmName": name, "Namespace": "AWS/EC2", "MetricName": "CPUUtilization", "Period": 60,
           "EvaluationPeriods": 2, "Statistic": "Average", "Threshold": 50.0,
           "ComparisonOperator": "GreaterThanThreshold", "Tags": {"made-by": "hand"}})
}

#[test]
fn an_alarm_made_by_hand_is_taken_over_only_when_asked() {
    let workspace = one();
    workspace.account.put_alarm(REGION, by_hand(NAME));
    workspace.run(&["plan"]).expect(1).says(&[NAME, "--adopt", "adopt = true", "50 → 80"]);
    workspace.run(&["apply", "--yes"]).expect(1);
    assert_eq!(workspace.account.alarm(REGION, NAME)["Threshold"], json!(50.0));
    workspace.ok(&["apply", "--yes", "--adopt"]).says(&["1 adopted"]);
    let alarm = workspace.account.alarm(REGION, NAME);
    assert_eq!(alarm["Threshold"], json!(80.0));
    assert_eq!(
        alarm["Tags"],
        json!({"made-by": "hand", "opsform:project": "payments", "opsform:label": "alarm.cpu"})
    );
    workspace.expect_nothing_to_do();
}

#[test]
fn another_projects_alarm_is_a_conflict_and_adopt_does_not_help() {
    let workspace = one();
    let other = workspace.beside(&CPU.replace("payments", "search"));
    other.apply();
    workspace.run(&["plan", "--adopt"]).expect(1).says(&[NAME, "search"]);
    workspace.run(&["apply", "--yes", "--adopt"]).expect(1);
    assert_eq!(workspace.account.alarm(REGION, NAME)["Tags"]["opsform:project"], "search");
    // The rest can go on without it.
    workspace.account.seed_instances(REGION, json!([{"name": "web-2"}]));
    workspace.ok(&["apply", "--yes", "--exclude", "web-1"]).says(&["1 added"]);
    workspace.ok(&["destroy", "--yes"]).says(&["1 destroyed"]);
    assert_eq!(workspace.account.alarm_names(REGION), [NAME]);
}

/// Deleted by hand, and made again by another project under the same name.
fn taken_over() -> Workspace {
    let workspace = one();
    workspace.apply();
    let tags = json!({"opsform:project": "search", "opsform:label": "alarm.theirs"});
    workspace.account.edit_alarm(REGION, NAME, json!({"Tags": tags, "Threshold": 12.0}));
    workspace
}

#[test]
fn destroy_does_not_touch_what_another_project_took_over() {
    let workspace = taken_over();
    workspace.ok(&["destroy", "--yes"]).says(&["search", "1 to forget"]);
    assert_eq!(workspace.account.alarm(REGION, NAME)["Threshold"], json!(12.0));
    assert!(workspace.recorded().is_empty());
}

#[test]
fn nor_does_an_apply_that_no_longer_wants_it() {
    let workspace = taken_over();
    workspace.write_manifest(CPU.split("[[alarm]]").next().unwrap());
    workspace.apply();
    assert_eq!(workspace.account.alarm(REGION, NAME)["Threshold"], json!(12.0));
    assert!(workspace.recorded().is_empty());
}

#[test]
fn nor_does_an_apply_that_would_change_it() {
    let workspace = taken_over();
    workspace.run(&["plan"]).expect(1).says(&["conflict", "search"]);
    workspace.run(&["apply", "--yes"]).expect(1);
    workspace.ok(&["drift"]).says(&["search"]);
    assert_eq!(workspace.account.alarm(REGION, NAME)["Threshold"], json!(12.0));
}

#[test]
fn an_alarm_made_anew_by_hand_is_not_ours_although_the_state_says_so() {
    let workspace = one();
    workspace.apply();
    workspace.account.delete_alarm(REGION, NAME);
    workspace.account.put_alarm(REGION, by_hand(NAME));
    workspace.run(&["plan"]).expect(1).says(&[NAME, "--adopt"]);
    workspace.ok(&["destroy", "--yes"]).says(&["1 to forget"]);
    assert_eq!(workspace.account.alarm(REGION, NAME)["Threshold"], json!(50.0));
}

#[test]
fn a_composite_alarm_of_the_same_name_is_never_deleted() {
    let workspace = one();
    workspace.apply();
    workspace.account.delete_alarm(REGION, NAME);
    workspace.account.put_alarm(REGION, by_hand("other"));
    workspace.account.put_composite(REGION, NAME, "ALARM(\"other\")");
    workspace.ok(&["destroy", "--yes"]);
    assert!(workspace.account.alarm_names(REGION).contains(&NAME.to_owned()));
}

#[test]
fn excluding_what_may_not_be_adopted_spares_the_old_alarm_too() {
    let workspace = one();
    workspace.apply();
    workspace.account.put_alarm(REGION, by_hand("web-1: CPU over 90"));
    workspace.edit_manifest("threshold = 80", "threshold = 90");
    workspace.run(&["apply", "--yes"]).expect(1);
    workspace.ok(&["apply", "--yes", "--exclude", "web-1: CPU over 90"]);
    assert_eq!(workspace.account.alarm_names(REGION), [NAME, "web-1: CPU over 90"]);
}

#[test]
fn protection_holds_from_the_manifest_from_the_state_and_after_a_rebuild() {
    let workspace = one();
    workspace.apply();
    workspace.edit_manifest("threshold = 80", "threshold = 80\nprotect = true");
    workspace.ok(&["destroy", "--yes"]).says(&["protected"]);
    workspace.apply();
    assert_eq!(workspace.account.alarm(REGION, NAME)["Tags"]["opsform:protect"], "true");
    workspace.expect_nothing_to_do();
    std::fs::remove_file(workspace.state_file()).unwrap();
    workspace.write_manifest(CPU.split("[[alarm]]").next().unwrap());
    workspace.ok(&["state", "rebuild", "--yes"]);
    workspace.apply();
    workspace.ok(&["destroy", "--yes"]).says(&["protected"]);
    assert_eq!(workspace.account.alarm_names(REGION), [NAME]);
}

#[test]
fn without_a_state_nothing_is_deleted() {
    let workspace = one();
    workspace.apply();
    let elsewhere =
        workspace.beside(&CPU.replace("CPU over", "processor over").replace("\"cpu\"", "\"mem\""));
    elsewhere.run(&["apply", "--yes"]).expect(1).says(&[
        "no state at state/payments.json",
        "--state",
        "rebuild",
    ]);
    elsewhere.run(&["destroy", "--yes"]).expect(1).says(&["no state at"]);
    assert_eq!(workspace.account.alarm_names(REGION), [NAME]);
}

#[test]
fn nor_is_anything_recorded_that_a_later_run_would_delete() {
    let workspace = one();
    workspace.account.seed_instances(REGION, json!([{"name": "web-2"}]));
    workspace.apply();
    let theirs = workspace.account.alarm_names(REGION);
    let manifest = CPU.replace("CPU over", "processor over").replace("\"cpu\"", "\"mem\"");
    let steps: [&[&str]; 4] = [
        &["apply", "--yes", "--target", "alarm.mem"],
        &["apply", "--yes", "--no-delete"],
        &["apply", "--yes", "--exclude", "alarm.cpu"],
        &["apply", "--yes", "p.json"],
    ];
    for step in steps {
        let elsewhere = workspace.beside(&manifest);
        elsewhere.ok(&["plan", "--target", "alarm.mem", "--out", "p.json"]);
        elsewhere.ok(step).says(&["2 resources with the project's tag are not wanted", "state rebuild"]);
        assert!(elsewhere.recorded().iter().all(|name| name.contains("processor")), "{step:?}");
        elsewhere.apply().says(&["Nothing to do"]);
        elsewhere.ok(&["destroy", "--yes"]).says(&["2 destroyed"]);
        assert_eq!(workspace.account.alarm_names(REGION), theirs, "{step:?}");
    }
    workspace.expect_nothing_to_do();
}

#[test]
fn a_lost_state_comes_back_by_an_apply_of_the_same_manifest() {
    let workspace = one();
    workspace.account.seed_instances(REGION, json!([{"name": "web-2"}]));
    workspace.apply();
    std::fs::remove_file(workspace.state_file()).unwrap();
    workspace.edit_manifest("threshold = 80", "threshold = 80\nperiod = 60");
    workspace.apply().says(&["0 added, 2 changed, 0 destroyed"]);
    assert_eq!(workspace.recorded(), workspace.account.alarm_names(REGION));
    workspace.expect_nothing_to_do();
    workspace.ok(&["destroy", "--yes"]).says(&["2 destroyed"]);
}

#[test]
fn a_lost_state_is_no_reason_to_adopt() {
    let workspace = one();
    workspace.apply();
    std::fs::remove_file(workspace.state_file()).unwrap();
    workspace.ok(&["plan"]).says(&["there is no state, but 1 resource", "Nothing to do"]);
    workspace.expect_nothing_to_do();
    // What is no longer wanted is seen as well, and destroy finds everything.
    workspace.account.seed_instances(REGION, json!([{"name": "web-2"}]));
    workspace.apply();
    std::fs::remove_file(workspace.state_file()).unwrap();
    workspace.edit_manifest("{ ec2 = {} }", "{ ec2 = { names = [\"web-2\"] } }");
    assert_eq!(workspace.changes(), [format!("delete {NAME}")]);
    workspace.run(&["destroy", "--yes"]).expect(1);
    workspace.ok(&["state", "rebuild", "--yes"]);
    workspace.ok(&["destroy", "--yes"]).says(&["2 destroyed"]);
    assert!(workspace.account.alarms(REGION).is_empty());
}

#[test]
fn state_rebuild_finds_everything_by_its_tags() {
    let workspace = one();
    workspace.account.seed_instances(REGION, json!([{"name": "web-2"}, {"name": "web-3"}]));
    workspace.apply();
    workspace.account.put_alarm(REGION, by_hand("by hand"));
    workspace.beside(&CPU.replace("payments", "search").replace("CPU over", "search")).apply();
    let before = workspace.state();
    std::fs::remove_file(workspace.state_file()).unwrap();
    workspace.run(&["state", "rebuild"]).expect(1).says(&["--yes"]);
    workspace.ok(&["state", "rebuild", "--yes"]).says(&["3 resources"]);
    workspace.ok(&["state", "rebuild", "--yes"]).says(&["Nothing to rebuild: everything in us-east-1 with"]);
    let after = workspace.state();
    let fields = |state: &serde_json::Value| {
        let resources = state["resources"].as_array().unwrap().iter();
        resources.map(|r| (r["key"].clone(), r["label"].clone(), r["fields"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(fields(&before), fields(&after));
    workspace.expect_nothing_to_do();
    workspace.write_manifest(CPU.split("[[alarm]]").next().unwrap());
    workspace.apply().says(&["3 destroyed"]);
    assert_eq!(workspace.account.alarms(REGION).len(), 4);
}

#[test]
fn metric_math_is_never_flattened() {
    let workspace = one();
    workspace.apply();
    workspace.account.edit_alarm(
        REGION,
        NAME,
        json!({"MetricName": null, "Namespace": null, "Period": null, "Statistic": null, "Dimensions": null,
               "Metrics": [{"Id": "e1", "Expression": "m1/2", "ReturnData": true},
                           {"Id": "m1", "ReturnData": false, "MetricStat": {"Metric": {"Namespace": "AWS/EC2",
                            "MetricName": "CPUUtilization"}, "Period": 60, "Stat": "Average"}}]}),
    );
    workspace.run(&["plan"]).expect(1).says(&[NAME, "metric math"]);
    workspace.run(&["apply", "--yes"]).expect(1);
    assert_eq!(workspace.account.alarm(REGION, NAME)["Metrics"][0]["Expression"], "m1/2");
    // Deleting it is another matter: that is what `destroy` says.
    workspace.ok(&["destroy", "--yes"]);
    assert!(workspace.account.alarms(REGION).is_empty());
}

#[test]
fn the_credentials_of_another_account_do_not_make_everything_twice() {
    let workspace = one();
    workspace.apply();
    let other = Workspace::new(CPU);
    let mut command = workspace.command(&["apply", "--yes"]);
    command.envs(other.account.environment());
    crate::workspace::Run::of(command.output().unwrap()).expect(1).says(&[
        workspace.account.id(),
        other.account.id(),
        "--profile",
    ]);
    assert!(other.account.writes().is_empty());
}

#[test]
fn two_accounts_by_role() {
    let workspace = one();
    let other = Workspace::new(CPU);
    other.account.seed_instances(REGION, json!([{"name": "web-1"}]));
    let role = |account: &str, name: &str| {
        format!("[[account]]\nname = \"{name}\"\nrole_arn = \"arn:aws:iam::{account}:role/opsform\"\n")
    };
    let accounts = role(workspace.account.id(), "prod") + &role(other.account.id(), "dev");
    workspace.write("manifests/accounts.toml", &accounts);
    workspace.ok(&["plan"]).says(&["2 accounts", "2 to add"]);
    workspace.apply();
    assert_eq!(workspace.account.alarms(REGION).len(), 1);
    assert_eq!(other.account.alarms(REGION).len(), 1);
    workspace.expect_nothing_to_do();
    workspace.ok(&["destroy", "--yes"]).says(&["2 destroyed"]);
}
