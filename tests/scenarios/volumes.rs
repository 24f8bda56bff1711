//! EBS volumes as targets.

use serde_json::{Value, json};

use crate::workspace::{CPU, REGION, Workspace};

fn idle(for_each: &str) -> String {
    CPU.replace("{ ec2 = {} }", for_each)
        .replace("\"cpu\"", "\"queue\"")
        .replace("CPU over", "queue over")
        .replace("CPUUtilization", "VolumeQueueLength")
}

/// Ids of the volumes that belong to no instance of the request.
fn seed(workspace: &Workspace, region: &Value) -> Vec<String> {
    let seeded = workspace.account.seed(json!({ REGION: region }));
    let ids = seeded["regions"][REGION]["volumes"].as_array().unwrap().iter();
    ids.map(|id| id.as_str().unwrap().to_owned()).collect()
}

fn delete_volume(workspace: &Workspace, id: &str) {
    workspace.account.query("ec2", "2016-11-15", REGION, "DeleteVolume", &[("VolumeId", id)]);
}

#[test]
fn the_life_of_alarms_on_volumes() {
    let workspace = Workspace::new(&idle("{ ebs = { tags = { Env = \"prod\" } } }"));
    let prod = json!({"Env": "prod"});
    let ids = seed(
        &workspace,
        &json!({"instances": [{"name": "web-1", "root": true}], "volumes": [
            {"name": "data", "tags": prod}, {"name": "logs", "tags": prod}, {"name": "scratch"},
        ]}),
    );
    workspace.apply().says(&["2 added"]);
    let alarm = workspace.account.alarm(REGION, "data: queue over 80");
    assert_eq!(alarm["Namespace"], "AWS/EBS");
    assert_eq!(alarm["Dimensions"], json!([{"Name": "VolumeId", "Value": ids[0]}]));
    workspace.account.clear_calls();
    workspace.ok(&["plan", "--detailed-exitcode"]).says(&["2 volumes"]);
    assert_eq!(
        Value::from(workspace.account.calls()),
        json!({"sts:GetCallerIdentity": 1, "ec2:DescribeVolumes": 1, "cloudwatch:DescribeAlarms": 1})
    );
    delete_volume(&workspace, &ids[0]);
    workspace.ok(&["plan"]).says(&["(data) no longer exists", "1 to destroy"]);
    workspace.apply().says(&["1 destroyed"]);
    assert_eq!(workspace.account.alarm_names(REGION), ["logs: queue over 80"]);
    workspace.ok(&["destroy", "--yes"]).says(&["1 destroyed"]);
    assert!(workspace.account.alarms(REGION).is_empty());
}

#[test]
fn every_selector_picks_what_it_says() {
    let workspace = Workspace::new("");
    let ids = seed(
        &workspace,
        &json!({"instances": [{"name": "web-1"}], "volumes": [
            {"name": "data-1", "tags": {"Env": "prod"}, "instance": 0}, {"name": "data-2"}, {"name": null},
        ]}),
    );
    let [one, two, bare] = &ids[..] else { panic!("{ids:?}") };
    for (conditions, expected) in [
        (String::new(), vec![one, two, bare]),
        ("names = [\"data-*\"]".to_owned(), vec![one, two]),
        ("tags = { Env = { absent = true } }".to_owned(), vec![two, bare]),
        ("state = \"in-use\"".to_owned(), vec![one]),
        (format!("ids = [\"{two}\"]"), vec![two]),
    ] {
        let manifest = idle(&format!("{{ ebs = {{ {conditions} }} }}"));
        workspace.write_manifest(&manifest.replace("{{ name }}: queue over {{ threshold }}", "{{ id }}"));
        let mut expected: Vec<String> = expected.iter().map(|id| format!("create {id}")).collect();
        expected.sort();
        assert_eq!(workspace.changes(), expected, "{conditions}");
    }
}

#[test]
fn what_is_attached_and_how_large_it_is_can_stand_in_templates() {
    let workspace = Workspace::new(&idle("{ ebs = { state = \"in-use\" } }"));
    workspace.edit_manifest(
        "{{ name }}: queue over {{ threshold }}",
        "{{ volume_type }} {{ size }} {{ instance }} {{ device }} {{ iops }}",
    );
    let seeded = workspace.account.seed(json!({REGION: {
        "instances": [{"name": "web-1", "volumes": [{"size": 20, "device": "/dev/sdf"}]}], "volumes": [{}],
    }}));
    let instance = seeded["regions"][REGION]["instances"][0].as_str().unwrap();
    assert_eq!(workspace.changes(), [format!("create gp3 20 {instance} /dev/sdf 3000")]);
}

#[test]
fn many_volumes_are_read_page_by_page_to_the_end() {
    let workspace = Workspace::new(&idle("{ ebs = {} }"));
    workspace.edit_manifest("{{ name }}: queue over {{ threshold }}", "{{ id }}");
    seed(&workspace, &json!({"volumes": [{"count": 1100}]}));
    assert_eq!(workspace.changes().len(), 1100);
    assert_eq!(workspace.account.count("ec2:DescribeVolumes"), 3);
}

#[test]
fn a_file_may_list_volumes() {
    let workspace = Workspace::new(&idle("{ inventory = \"volumes\" }"));
    workspace.write(
        "manifests/inventory.toml",
        "[[inventory]]\nlabel = \"volumes\"\nfile = \"volumes.csv\"\nid = \"id\"\n",
    );
    let ids =
        seed(&workspace, &json!({"volumes": [{"name": "data"}, {"name": "logs"}, {"name": "scratch"}]}));
    workspace.write("manifests/volumes.csv", &format!("id\n{}\n{}\n", ids[0], ids[1]));
    assert_eq!(workspace.changes(), ["create data: queue over 80", "create logs: queue over 80"]);
    workspace.edit_manifest("{ inventory = \"volumes\" }", "{ inventory = \"named\" }");
    workspace.write(
        "manifests/inventory.toml",
        "[[inventory]]\nlabel = \"named\"\nfile = \"volumes.csv\"\nid = \"id\"\nkind = \"ebs\"\n",
    );
    assert_eq!(workspace.changes().len(), 2);
    delete_volume(&workspace, &ids[1]);
    workspace.run(&["plan"]).expect(1).says(&["AWS has no volume", &ids[1]]);
    workspace.write("manifests/volumes.csv", "id\nvol-xyz\n");
    workspace.run(&["validate"]).expect(1).says(&["vol-0123456789abcdef0"]);
}

#[test]
fn the_inventory_shows_volumes() {
    let workspace = Workspace::new(CPU);
    let ids = seed(&workspace, &json!({"instances": [{"name": "web-1"}], "volumes": [{"name": "data"}]}));
    workspace.ok(&["inventory"]).says(&["web-1", &ids[0], "1 volume, 1 without any alarm"]);
    let only = workspace.ok(&["inventory", "--kind", "ebs"]);
    assert!(only.stdout.contains("data") && !only.stdout.contains("web-1"), "{}", only.stdout);
}

#[test]
fn the_policy_allows_volumes_where_they_are_used() {
    let policy = |manifest: &str| Workspace::new(manifest).ok(&["iam-policy"]).stdout;
    assert!(policy(&idle("{ ebs = {} }")).contains("ec2:DescribeVolumes"));
    assert!(!policy(CPU).contains("ec2:DescribeVolumes"));
}

#[test]
fn an_alarm_on_a_volume_is_imported_as_one() {
    let workspace = Workspace::new(CPU.split("[[alarm]]").next().unwrap());
    let ids = seed(&workspace, &json!({"volumes": [{"name": "data"}]}));
    workspace.account.put_alarm(
        REGION,
        json!({"AlarmName": "data: queue", "Namespace": "AWS/EBS", "MetricName": "VolumeQueueLength", "Period": 60,
               "EvaluationPeriods": 1, "Statistic": "Average", "Threshold": 1.0,
               "ComparisonOperator": "GreaterThanThreshold",
               "Dimensions": [{"Name": "VolumeId", "Value": ids[0]}]}),
    );
    workspace.ok(&["import", "--live", "--out", "manifests/imported.toml"]);
    let imported = std::fs::read_to_string(workspace.path().join("manifests/imported.toml")).unwrap();
    assert!(imported.contains("ebs = {") && imported.contains("{{ name }}: queue"), "{imported}");
    assert_eq!(workspace.changes(), ["adopt data: queue"]);
}
