//! Instances that are kept for the price of their snapshots.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::park_odds::kms_key;
use crate::workspace::{REGION, Workspace, wait_until};

pub(crate) const PARK: &str = r#"
[project]
name = "payments"

[aws]
regions = ["us-east-1"]

[aws.rates]
AttachVolume = 1000
DetachVolume = 1000
CreateVolume = 1000
DeleteVolume = 1000
ModifyInstanceAttribute = 1000
CreateTags = 1000
CreateSnapshots = 1000
DeleteSnapshot = 1000
StartInstances = 1000
StopInstances = 1000

[[park]]
label = "boxes"
for_each = { ec2 = { tags = { Park = "yes" } } }
state = "parked"
"#;

/// Long before any snapshot.
pub(crate) const LAUNCHED: &str = "2026-01-02T03:04:05Z";

/// Seeds an instance with these volumes besides its root volume.
pub(crate) fn seed(workspace: &Workspace, root: Value, volumes: Value) -> String {
    seed_at(workspace, "/dev/xvda", root, volumes)
}

/// Seeds an instance with its root volume at this device.
pub(crate) fn seed_at(workspace: &Workspace, device: &str, root: Value, volumes: Value) -> String {
    let instance = json!([{
        "name": "box", "tags": {"Park": "yes"}, "launched": LAUNCHED, "root": root, "volumes": volumes,
        "root_device": device, "public_ip": "203.0.113.9",
    }]);
    // What is in between is seen, too.
    workspace.account.options(json!({"slow_volumes": true}));
    workspace.account.seed_instances(REGION, instance).remove(0)
}

/// The elements of an answer's list, each with its text.
pub(crate) fn items<'a>(answer: &'a str, set: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{set}>"), format!("</{set}>"));
    let Some(rest) = answer.split_once(&open) else { return Vec::new() };
    // Lists within an item end before it does.
    let list = rest.1.rsplit_once(&close).map_or("", |(list, _)| list);
    let mut found = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (at, _) in list.match_indices('<') {
        if list[at..].starts_with("<item>") {
            if depth == 0 {
                start = at + "<item>".len();
            }
            depth += 1;
        } else if list[at..].starts_with("</item>") {
            depth -= 1;
            if depth == 0 {
                found.push(&list[start..at]);
            }
        }
    }
    found
}

pub(crate) fn text<'a>(item: &'a str, name: &str) -> &'a str {
    let open = format!("<{name}>");
    item.split_once(&open).and_then(|(_, rest)| rest.split_once('<')).map_or("", |(text, _)| text)
}

/// What stands on AWS of an instance's volumes, by device: everything but the ids.
pub(crate) fn volumes(workspace: &Workspace, instance: &str) -> BTreeMap<String, Vec<String>> {
    let filter = [("Filter.1.Name", "attachment.instance-id"), ("Filter.1.Value.1", instance)];
    let answer = workspace.account.ec2_answer(REGION, "DescribeVolumes", &filter);
    let of = |item: &&str| {
        let mut facts: Vec<String> =
            ["size", "volumeType", "iops", "throughput", "encrypted", "kmsKeyId", "availabilityZone"]
                .into_iter()
                .chain(["multiAttachEnabled", "deleteOnTermination"])
                .map(|name| format!("{name} {}", text(item, name)))
                .collect();
        let mut tags: Vec<String> = items(item, "tagSet")
            .into_iter()
            .map(|tag| format!("{}={}", text(tag, "key"), text(tag, "value")))
            .collect();
        tags.sort();
        facts.extend(tags);
        (text(item, "device").to_owned(), facts)
    };
    items(&answer, "volumeSet").iter().map(of).collect()
}

pub(crate) fn volume_count(workspace: &Workspace) -> usize {
    items(&workspace.account.ec2_answer(REGION, "DescribeVolumes", &[]), "volumeSet").len()
}

pub(crate) fn state(workspace: &Workspace, instance: &str) -> String {
    let answer = workspace.account.ec2_answer(REGION, "DescribeInstances", &[("InstanceId.1", instance)]);
    text(answer.split_once("<instanceState>").unwrap().1, "name").to_owned()
}

/// The manifest wants it to run.
pub(crate) fn run_it(workspace: &Workspace) {
    workspace.edit_manifest("state = \"parked\"", "state = \"running\"");
}

fn there_and_back(device: &str, root: Value, data: Value) {
    let workspace = Workspace::new(PARK);
    let instance = seed_at(&workspace, device, root, data);
    let before = volumes(&workspace, &instance);
    assert!(before.contains_key(device), "{before:?}");
    workspace.apply().says(&["1 changed"]);
    assert_eq!((volume_count(&workspace), state(&workspace, &instance).as_str()), (0, "stopped"));
    assert_eq!(workspace.account.snapshots(REGION).len(), before.len());
    workspace.expect_nothing_to_do();
    run_it(&workspace);
    workspace.apply().says(&["1 changed"]);
    assert_eq!(state(&workspace, &instance), "running");
    assert_eq!(volumes(&workspace, &instance), before);
    assert_eq!(volume_count(&workspace), before.len());
    assert!(workspace.account.snapshots(REGION).is_empty());
    workspace.expect_nothing_to_do();
    assert_eq!(workspace.account.lost_volumes(), [""; 0]);
}

#[test]
fn one_volume() {
    there_and_back("/dev/xvda", json!(true), json!([]));
    there_and_back("/dev/sda1", json!({"delete_on_termination": false}), json!([]));
}

#[test]
fn three_volumes_of_all_sorts() {
    there_and_back(
        "/dev/sda1",
        json!({"type": "gp2", "size": 30, "tags": {"Name": "루트 볼륨", "emoji": "🚗 <&>"}}),
        json!([
            {"device": "/dev/sdf", "type": "gp3", "size": 100, "iops": 4000, "throughput": 250,
             "delete_on_termination": true, "tags": {"a b": " padded ", "empty": ""}},
            {"device": "/dev/sdg", "type": "io2", "size": 50, "iops": 1000},
        ]),
    );
}

#[test]
fn twelve_volumes() {
    there_and_back(
        "/dev/xvda",
        json!({"delete_on_termination": false}),
        json!([{"count": 11, "size": 10, "name": "data"}]),
    );
}

/// Also what AWS shows and one cannot choose: the iops of gp2.
#[test]
fn volumes_of_every_type() {
    there_and_back(
        "/dev/sda1",
        json!({"type": "gp2", "size": 200}),
        json!([
            {"type": "gp3", "size": 10, "iops": 5000, "throughput": 500},
            {"type": "gp2", "size": 8},
            {"type": "io1", "size": 20, "iops": 700, "multi_attach": true},
            {"type": "io2", "size": 20, "iops": 800, "multi_attach": true, "delete_on_termination": true},
            {"type": "st1", "size": 500},
            {"type": "sc1", "size": 500},
            {"type": "standard", "size": 10},
        ]),
    );
}

#[test]
fn removing_the_block_and_destroy_change_nothing() {
    let workspace = Workspace::new(PARK);
    seed(&workspace, json!(true), json!([{}]));
    workspace.apply();
    workspace.ok(&["destroy", "--yes"]);
    let block = &PARK[PARK.find("[[park]]").unwrap()..];
    workspace.edit_manifest(block, "");
    workspace.expect_nothing_to_do();
    workspace.apply();
    assert_eq!((volume_count(&workspace), workspace.account.snapshots(REGION).len()), (0, 2));
    assert_eq!(workspace.recorded(), [""; 0]);
}

#[test]
fn nobody_is_told_to_delete_what_a_parked_instance_is_made_of() {
    let workspace = Workspace::new(PARK);
    seed(&workspace, json!(true), json!([{}]));
    workspace.apply();
    let block = &PARK[PARK.find("[[park]]").unwrap()..];
    workspace.edit_manifest(
        block,
        "[[snapshot]]\nlabel = 'daily'\nfor_each = { ebs = {} }\nallow_empty = true\nkeep = 1\n\
         schedule = 'cron(30 9 * * ? *)'\nrole_arn = 'arn:aws:iam::{{ account }}:role/x'\n",
    );
    let plan = workspace.ok(&["plan"]);
    assert!(!format!("{}{}", plan.stdout, plan.stderr).contains("snapshots"), "{plan:?}");
    workspace.apply();
    assert_eq!(workspace.account.snapshots(REGION).len(), 2);
}

#[test]
fn kept_snapshots_are_ordinary_ones_from_then_on() {
    let workspace = Workspace::new(
        &PARK.replace("\"parked\"", "\"parked\"\nkeep_snapshots = true\ninitialization_rate = 200"),
    );
    let instance = seed(&workspace, json!(true), json!([{}]));
    workspace.apply();
    let kept = workspace.account.snapshots(REGION);
    run_it(&workspace);
    workspace.apply();
    workspace.expect_nothing_to_do();
    assert_eq!(workspace.account.snapshots(REGION), kept);
    let answer = workspace.account.ec2_answer(REGION, "DescribeVolumes", &[]);
    assert_eq!(answer.matches("<volumeInitializationRate>200<").count(), 2);
    assert_eq!(state(&workspace, &instance), "running");
    workspace.edit_manifest("state = \"running\"", "state = \"parked\"");
    workspace.apply();
    assert_eq!(workspace.account.snapshots(REGION).len(), 4);
    assert!(workspace.account.snapshots(REGION).is_superset(&kept));
}

#[test]
fn a_saved_plan_parks_just_what_was_reviewed() {
    let workspace = Workspace::new(PARK);
    let instance = seed(&workspace, json!(true), json!([{}]));
    let saves = "Saves $0.48 a month or more (built-in list prices, compared in";
    workspace.ok(&["plan", "--out", "plan.json"]).says(&["1. stop the instance", "saves $0.48", saves]);
    workspace.ok(&["show", "plan.json"]).says(&["public IPv4 address 203.0.113.9", saves]);
    let saved = std::fs::read_to_string(workspace.path().join("plan.json")).unwrap();
    let saved: Value = serde_json::from_str(&saved).unwrap();
    assert_eq!((&saved["saving"]["monthly_usd"], &saved["saving"]["changes"]), (&json!(0.48), &json!(1)));
    let more = json!({ REGION: { "volumes": [{"instance": instance, "device": "/dev/sdx"}] } });
    workspace.account.seed(more);
    workspace.run(&["apply", "plan.json", "--yes"]).expect(5).says(&["volumes"]);
    assert_eq!(volume_count(&workspace), 3);
    workspace.ok(&["plan", "--out", "plan.json"]);
    workspace.ok(&["apply", "plan.json", "--yes", "--max-destroy", "0"]).says(&["1 changed"]);
    assert_eq!(volume_count(&workspace), 0);
    workspace.ok(&["apply", "plan.json", "--yes"]).says(&["Nothing to do"]);
}

/// AWS's buckets of the calls, as opsform knows them.
const BUCKETS: [(&str, u32, u32); 17] = [
    ("StopInstances", 5, 50),
    ("StartInstances", 2, 5),
    ("CreateSnapshots", 5, 100),
    ("DeleteSnapshot", 5, 100),
    ("CreateVolume", 5, 100),
    ("DeleteVolume", 5, 100),
    ("AttachVolume", 5, 100),
    ("DetachVolume", 5, 100),
    ("ModifyInstanceAttribute", 5, 100),
    ("CreateTags", 10, 100),
    ("DeleteTags", 10, 100),
    ("DescribeVolumes", 20, 100),
    ("DescribeSnapshots", 20, 100),
    ("DescribeInstances", 20, 100),
    ("DescribeInstanceAttribute", 10, 50),
    ("DescribeInstanceTypes", 20, 100),
    ("GetEbsEncryptionByDefault", 10, 50),
];

/// Parks and restores so many instances of two volumes; gives how often each operation was called, there and back.
fn many(count: usize) -> [BTreeMap<String, usize>; 2] {
    let text = PARK.split("[aws.rates]").next().unwrap().to_owned() + &PARK[PARK.find("[[park]]").unwrap()..];
    let workspace = Workspace::new(&text);
    let instances = json!([{"name": "box", "tags": {"Park": "yes"}, "launched": LAUNCHED, "root": true,
                            "volumes": [{}], "count": count}]);
    workspace.account.seed_instances(REGION, instances);
    workspace.account.options(json!({"delay": 20}));
    let bucket = |(operation, rate, burst): (&str, u32, u32)| json!({"operation": operation, "kind": "bucket", "rate": rate, "burst": burst, "code": "RequestLimitExceeded"});
    workspace.account.faults(BUCKETS.map(bucket).to_vec().into());
    let go = |volumes: usize| {
        workspace.account.clear_calls();
        workspace.apply().says(&[&format!("{count} changed")]);
        let mut calls: BTreeMap<String, usize> = BTreeMap::new();
        for call in workspace.account.log() {
            assert_ne!(call["code"], "RequestLimitExceeded", "throttled");
            *calls.entry(call["operation"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        assert_eq!((volume_count(&workspace), workspace.account.lost_volumes().len()), (volumes, 0));
        calls
    };
    let there = go(0);
    run_it(&workspace);
    [there, go(2 * count)]
}

/// The looks are shared, so twenty cost hardly more of them than one; and each write is made once.
#[test]
fn twenty_at_once_take_the_time_of_the_slowest() {
    let reads = |calls: &BTreeMap<String, usize>| {
        let reads = calls.iter().filter(|(name, _)| name.starts_with("Describe") || name.starts_with("Get"));
        // Whether an instance is protected is asked of each, and only of those that are to be parked.
        reads.filter(|(name, _)| *name != "DescribeInstanceAttribute").map(|(_, count)| count).sum::<usize>()
    };
    let (one, twenty) = (many(1), many(20));
    for (one, twenty) in one.iter().zip(&twenty) {
        assert!(reads(twenty) <= reads(one) + 24, "{one:?} for one, {twenty:?} for twenty");
    }
    let expected = [
        &[
            ("StopInstances", 1),
            ("CreateSnapshots", 20),
            ("CreateTags", 40),
            ("DetachVolume", 40),
            ("DeleteVolume", 40),
        ][..],
        &[
            ("CreateVolume", 40),
            ("AttachVolume", 40),
            ("ModifyInstanceAttribute", 20),
            ("StartInstances", 1),
            ("DeleteTags", 20),
            ("DeleteSnapshot", 40),
        ][..],
    ];
    for (calls, expected) in twenty.iter().zip(expected) {
        for (operation, count) in expected {
            assert_eq!(calls.get(*operation), Some(count), "{operation}: {calls:?}");
        }
    }
}

/// Nineteen do not wait for the twentieth.
#[test]
fn one_whose_snapshots_take_long_holds_up_nobody() {
    let workspace = Workspace::new(PARK);
    let instances = json!([{"name": "box", "tags": {"Park": "yes"}, "launched": LAUNCHED, "root": true,
                            "volumes": [{}], "count": 20}]);
    workspace.account.seed_instances(REGION, instances);
    workspace.account.options(json!({"slow_snapshots": true}));
    let mut apply = workspace.start(&["apply", "--yes"]);
    apply.until("waits for snap-");
    wait_until(|| workspace.account.snapshots(REGION).len() == 40);
    let answer = workspace.account.ec2_answer(REGION, "DescribeSnapshots", &[]);
    let snapshots = items(&answer, "snapshotSet");
    let slow = instance_of(snapshots[0]);
    let others = snapshots.iter().filter(|one| instance_of(one) != slow);
    let ids: Vec<String> = others.map(|one| text(one, "snapshotId").to_owned()).collect();
    assert_eq!(ids.len(), 38);
    workspace.account.end_these_snapshots(REGION, "completed", &ids);
    wait_until(|| volume_count(&workspace) == 2);
    workspace.account.end_snapshots(REGION, "completed");
    apply.end().expect(0).says(&["20 changed"]);
    assert_eq!((volume_count(&workspace), workspace.account.lost_volumes().len()), (0, 0));
}

/// The instance that a parking snapshot is of, as its tag says.
fn instance_of(snapshot: &str) -> String {
    let tags = items(snapshot, "tagSet");
    let tag = tags.iter().find(|tag| text(tag, "key") == "opsform:parking-instance").unwrap();
    text(tag, "value").to_owned()
}

#[test]
fn by_hand_and_what_is_parked() {
    let workspace = Workspace::new(PARK.split("[[park]]").next().unwrap());
    let instance = seed(&workspace, json!(true), json!([{"size": 92}]));
    let before = volumes(&workspace, &instance);
    workspace.ok(&["park", "list"]).says(&["0 parked instances"]);
    workspace.ok(&["park", &instance, "--plan"]).says(&["1. stop the instance", "asked for by hand"]);
    assert_eq!(volume_count(&workspace), 2);
    workspace.run(&["park", &instance]).expect(1).says(&["--yes"]);
    workspace.run(&["park", "i-0123456789abcdef0", "--yes"]).expect(1).says(&["there is no instance i-01"]);
    workspace.ok(&["park", &instance, "--yes"]).says(&["Park: 1 parked"]);
    assert_eq!(volume_count(&workspace), 0);
    workspace.ok(&["park", &instance, "--yes"]).says(&["Nothing to do"]);
    workspace.ok(&["park", "list"]).says(&[
        &instance,
        "box",
        "parked",
        "100",
        "$3.00",
        "payments",
        "1 parked instance",
    ]);
    let listed: Value =
        serde_json::from_str(&workspace.ok(&["park", "list", "--format", "json"]).stdout).unwrap();
    assert_eq!(listed["parked"][0]["volumes"], 2);
    assert!(!workspace.state_file().exists());
    workspace.ok(&["unpark", &instance, "--yes"]).says(&["Unpark: 1 running again"]);
    assert_eq!(volumes(&workspace, &instance), before);
    assert_eq!(state(&workspace, &instance), "running");
    assert!(workspace.account.snapshots(REGION).is_empty());
}

/// What parking and restoring call is what the printed policy allows.
#[test]
fn the_policy_allows_what_is_called() {
    let workspace = Workspace::new(PARK);
    let (_, key) = kms_key(&workspace);
    seed(&workspace, json!({"key": key}), json!([{"delete_on_termination": true}]));
    workspace.account.clear_calls();
    let policy: Value = serde_json::from_str(&workspace.ok(&["iam-policy"]).stdout).unwrap();
    let allowed =
        policy["Statement"].as_array().unwrap().iter().flat_map(|one| one["Action"].as_array().unwrap());
    let allowed: Vec<&str> = allowed.map(|action| action.as_str().unwrap()).collect();
    workspace.apply();
    run_it(&workspace);
    workspace.apply();
    for call in workspace.account.calls().keys().filter(|call| *call != "sts:GetCallerIdentity") {
        let action = call.replace("tagging:", "tag:");
        assert!(allowed.contains(&&*action), "{action} is not in {allowed:?}");
    }
}
