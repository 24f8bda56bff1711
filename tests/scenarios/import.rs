//! `opsform import --live`: what exists becomes declarations, and applying them changes nothing.

use serde_json::{Value, json};

use crate::workspace::{CPU, REGION, Workspace};

fn alarm(name: &str, dimensions: Value, threshold: f64) -> Value {
    json!({"AlarmName": name, "Namespace": "AWS/EC2", "MetricName": "CPUUtilization", "Period": 60,
           "EvaluationPeriods": 3, "DatapointsToAlarm": 2, "Statistic": "Average", "Threshold": threshold,
           "ComparisonOperator": "GreaterThanOrEqualToThreshold", "TreatMissingData": "breaching",
           "AlarmActions": ["arn:aws:sns:us-east-1:999999999999:ops"], "Dimensions": dimensions,
           "AlarmDescription": format!("made by hand for {name}"), "Tags": {"made-by": "hand"}})
}

fn without_times(alarms: Vec<Value>) -> Vec<Value> {
    let keep = |mut alarm: Value| {
        let fields = alarm.as_object_mut().unwrap();
        fields.retain(|name, _| !name.contains("Timestamp"));
        fields["Tags"].as_object_mut().unwrap().retain(|key, _| !key.starts_with("opsform:"));
        alarm
    };
    alarms.into_iter().map(keep).collect()
}

#[test]
fn without_anything_to_import_it_says_what_it_looked_for() {
    let workspace = Workspace::new(CPU);
    let says = ["Nothing to import", "bear a project's tag or that the state records"];
    workspace.ok(&["import", "--live"]).says(&says);
    workspace.account.seed_instances(REGION, json!([{"name": "web-1"}]));
    workspace.apply();
    workspace.ok(&["import", "--live"]).says(&says);
    // Recorded in the state, although somebody took the tags away.
    let name = workspace.account.alarm_names(REGION).remove(0);
    workspace.account.edit_alarm(REGION, &name, json!({"Tags": {}}));
    workspace.ok(&["import", "--live"]).says(&says);
}

#[test]
fn what_is_imported_is_adopted_as_it_is() {
    let workspace = Workspace::new(CPU.split("[[alarm]]").next().unwrap());
    let instances: Vec<Value> = (1..=12).map(|n| json!({"name": format!("web-{n}")})).collect();
    let ids = workspace.account.seed_instances(REGION, instances.into());
    for (n, id) in (1..).zip(&ids) {
        let dimensions = json!([{"Name": "InstanceId", "Value": id}]);
        workspace
            .account
            .put_alarm(REGION, alarm(&format!("web-{n} high \"CPU\" \\ 100%"), dimensions, 90.0));
    }
    // One that is different, one whose instance is gone, one of the region, and one that cannot be declared.
    let first = json!([{"Name": "InstanceId", "Value": ids[0]}]);
    workspace.account.put_alarm(REGION, alarm("web-1 and web-10 한글", first, 0.1 + 0.2));
    let gone = json!([{"Name": "InstanceId", "Value": "i-0123456789abcdef0"}]);
    workspace.account.put_alarm(REGION, alarm("somebody else", gone, 1e21));
    workspace.account.put_alarm(REGION, alarm("whole region", json!([]), -1.5));
    workspace.account.put_alarm(REGION, alarm("a {{ brace }}", json!([]), 1.0));
    let before = without_times(workspace.account.alarms(REGION));

    workspace.ok(&["import", "--live"]).says(&["[[alarm]]", "{{ name }} high", "Left out"]);
    workspace
        .ok(&["import", "--live", "--out", "manifests/imported.toml"])
        .says(&["Wrote 15 alarms (and 1 more as a comment that says why)"]);
    workspace
        .run(&["import", "--live", "--out", "manifests/imported.toml"])
        .expect(1)
        .says(&["exists already"]);
    let text = std::fs::read_to_string(workspace.path().join("manifests/imported.toml")).unwrap();
    assert_eq!(text.matches("[[alarm]]").count(), 4, "{text}");
    workspace.ok(&["validate"]);
    workspace.ok(&["plan"]).says(&["15 to adopt"]);
    let plan: Value = serde_json::from_str(&workspace.ok(&["plan", "--format", "json"]).stdout).unwrap();
    for change in plan["changes"].as_array().unwrap() {
        assert_eq!((change["verb"].as_str(), &change["fields"]), (Some("adopt"), &json!([])), "{change}");
    }
    workspace.account.clear_calls();
    workspace.apply().says(&["15 adopted"]);
    assert_eq!(workspace.account.count("cloudwatch:PutMetricAlarm"), 0, "an empty diff");
    assert_eq!(without_times(workspace.account.alarms(REGION)), before);
    workspace.expect_nothing_to_do();
    workspace.ok(&["import", "--live"]).says(&["Left out: \"a {{ brace }}\""]);
}

/// Two accounts by role, each with two regions.
fn two_accounts() -> (Workspace, Workspace) {
    let settings =
        CPU.split("[[alarm]]").next().unwrap().replace("[\"us-east-1\"]", "[\"us-east-1\", \"eu-west-1\"]");
    let (one, two) = (Workspace::new(&settings), Workspace::new(&settings));
    let role = |workspace: &Workspace, name: &str| {
        let id = workspace.account.id();
        format!("[[account]]\nname = \"{name}\"\nrole_arn = \"arn:aws:iam::{id}:role/opsform\"\n")
    };
    one.write("manifests/accounts.toml", &(role(&one, "prod") + &role(&two, "dev")));
    (one, two)
}

#[test]
fn nothing_is_made_in_other_accounts_and_regions() {
    let (one, two) = two_accounts();
    let database = |id: &str| json!([{"Name": "DBInstanceIdentifier", "Value": id}]);
    // A database of one name in three places, and an instance with the same alarms in both accounts.
    for (workspace, region) in [(&one, REGION), (&one, "eu-west-1"), (&two, REGION)] {
        workspace.account.seed(json!({region: {"databases": [{"id": "main"}]}}));
    }
    one.account.seed(json!({REGION: {"databases": [{"id": "orders"}]}}));
    one.account.put_alarm(REGION, alarm("orders: CPU", database("orders"), 70.0));
    one.account.put_alarm(REGION, alarm("main: CPU", database("main"), 80.0));
    two.account.put_alarm(REGION, alarm("main: CPU", database("main"), 80.0));
    for (workspace, name) in [(&one, "web-1"), (&two, "web-2")] {
        let ids = workspace.account.seed_instances(REGION, json!([{"name": name}]));
        let dimensions = json!([{"Name": "InstanceId", "Value": ids[0]}]);
        workspace.account.put_alarm(REGION, alarm(&format!("{name}: CPU"), dimensions, 90.0));
        workspace.account.put_alarm(REGION, alarm("whole region", json!([]), 1.0));
    }
    one.account.put_alarm("eu-west-1", alarm("one account", json!([]), 2.0));
    two.account.put_alarm(REGION, alarm("one account", json!([]), 2.0));

    let text = one.ok(&["import", "--live", "--region", REGION]).stdout;
    assert!(text.contains("Left out: \"main: CPU\""), "regions that are not looked at count: {text}");
    one.ok(&["import", "--live", "--out", "manifests/imported.toml"]);
    let text = std::fs::read_to_string(one.path().join("manifests/imported.toml")).unwrap();
    assert_eq!((text.matches("[[alarm]]").count(), text.matches("Left out").count()), (3, 4), "{text}");
    assert!(text.contains(&format!("and {}/eu-west-1 has one, too", one.account.id())), "{text}");
    assert!(
        text.contains(&format!("in every account, and {}/us-east-1 has not", one.account.id())),
        "{text}"
    );
    let plan: Value = serde_json::from_str(&one.ok(&["plan", "--format", "json"]).stdout).unwrap();
    let changes = plan["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 5, "{text}");
    for change in changes {
        assert_eq!((change["verb"].as_str(), &change["fields"]), (Some("adopt"), &json!([])), "{change}");
    }
    one.apply().says(&["5 adopted"]);
    one.expect_nothing_to_do();
    assert_eq!(
        one.account.count("cloudwatch:PutMetricAlarm") + two.account.count("cloudwatch:PutMetricAlarm"),
        0
    );
    // What is imported later gets labels of its own.
    one.account.put_alarm("eu-west-1", alarm("later", json!([]), 2.0));
    two.account.put_alarm("eu-west-1", alarm("later", json!([]), 2.0));
    one.ok(&["import", "--live", "--out", "manifests/later.toml"]);
    assert_eq!(one.changes(), ["adopt later"; 2]);
}
