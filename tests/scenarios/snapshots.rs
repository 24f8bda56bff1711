//! Snapshots on a schedule, and their generations.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::workspace::{REGION, Workspace};

pub(crate) const DAILY: &str = r#"
[project]
name = "payments"

[aws]
regions = ["us-east-1"]

[aws.rates]
DeleteSnapshot = 1000
PutMetricAlarm = 1000

[[snapshot]]
label = "daily"
for_each = { ebs = { tags = { Daily_Gens = "*" } } }
schedule = "cron(30 9 * * ? *)"
timezone = "Asia/Seoul"
keep = "{{ tags.Daily_Gens }}"
role_arn = "arn:aws:iam::{{ account }}:role/opsform-snapshot"
tags = { Gens = "{{ tags.Daily_Gens }}" }
"#;

pub(crate) const KEEP: &str = "keep = \"{{ tags.Daily_Gens }}\"";

pub(crate) const GROUP: &str = "opsform-payments";

pub(crate) fn ids(seeded: &Value, what: &str) -> Vec<String> {
    let ids = seeded["regions"][REGION][what].as_array().unwrap().iter();
    ids.map(|id| id.as_str().unwrap().to_owned()).collect()
}

pub(crate) fn volumes(workspace: &Workspace, volumes: Value) -> Vec<String> {
    ids(&workspace.account.seed(json!({ REGION: { "volumes": volumes } })), "volumes")
}

pub(crate) fn snapshots(workspace: &Workspace, snapshots: Value) -> Vec<String> {
    ids(&workspace.account.seed(json!({ REGION: { "snapshots": snapshots } })), "snapshots")
}

/// A snapshot as the schedule makes them, taken so many days ago.
#[allow(clippy::disallowed_methods)] // The program asks its own clock.
fn ours_days_ago(volume: &str, days: i64) -> Value {
    let taken = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * days);
    let mut snapshot = ours(volume, 1);
    snapshot["started"] = json!(taken.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    snapshot
}

/// A snapshot as the schedule makes them, taken on a day of November.
pub(crate) fn ours(volume: &str, day: usize) -> Value {
    json!({
        "volume": volume,
        "started": format!("2026-11-{day:02}T00:30:00Z"),
        "tags": {"opsform:project": "payments", "opsform:label": "snapshot.daily"},
    })
}

pub(crate) fn delete(workspace: &Workspace, snapshot: &str) {
    workspace.account.query("ec2", "2016-11-15", REGION, "DeleteSnapshot", &[("SnapshotId", snapshot)]);
}

#[test]
fn the_life_of_a_rule() {
    let workspace = Workspace::new(DAILY);
    let volumes = volumes(
        &workspace,
        json!([{"name": "data", "tags": {"Daily_Gens": "2"}}, {"name": "logs", "tags": {"Daily_Gens": "0"}}, {}]),
    );
    workspace.apply().says(&["3 added"]);
    workspace.expect_nothing_to_do();
    let schedules = workspace.account.schedules(REGION);
    let names: BTreeSet<&str> = schedules.iter().map(|one| one["Name"].as_str().unwrap()).collect();
    let name = |volume: &str| format!("daily.{volume}");
    let wanted = [name(&volumes[0]), name(&volumes[1])];
    assert_eq!(names, wanted.iter().map(String::as_str).collect());
    for _ in 0..3 {
        let fired = workspace.account.fire(REGION, GROUP, &name(&volumes[0]));
        assert_eq!(
            (&fired["called"], &fired["status"]),
            (&json!("ec2:CreateSnapshot"), &json!(200)),
            "{fired}"
        );
        let answer = fired["answer"].as_str().unwrap();
        for tag in ["data daily", "snapshot.daily", "payments"] {
            assert!(answer.contains(&format!("<value>{tag}</value>")), "{answer}");
        }
    }
    workspace.account.fire(REGION, GROUP, &name(&volumes[1]));
    let plan = workspace.ok(&["plan"]).says(&["generation 3 of 2, taken 20", "snap-", "1 to destroy"]);
    assert!(!plan.all().contains("not ours"), "they are ours, and deleted:\n{}", plan.all());
    workspace.apply().says(&["1 destroyed"]);
    assert_eq!(workspace.account.snapshots(REGION).len(), 3);
    workspace.expect_nothing_to_do();
    assert!(workspace.recorded().iter().all(|key| key.starts_with(GROUP)));
    workspace.account.query("ec2", "2016-11-15", REGION, "DeleteVolume", &[("VolumeId", &volumes[0])]);
    workspace.ok(&["plan"]).says(&[
        "(data) no longer exists",
        "1 to destroy",
        "keeps 2 snapshots of what it does not select",
    ]);
    workspace.apply();
    workspace.ok(&["destroy", "--yes"]).says(&["2 destroyed"]);
    assert!(workspace.account.schedules(REGION).is_empty());
    assert_eq!(workspace.account.snapshots(REGION).len(), 3);
}

#[test]
fn the_volumes_of_an_instance_are_one_set() {
    let workspace = Workspace::new(
        &format!("{DAILY}consistent = true\n").replace("tags = { Gens", "tags = { Of = \"{{ id }}\", Gens"),
    );
    let gens = json!({"Daily_Gens": "2"});
    let seeded = workspace.account.seed(json!({ REGION: {
        "instances": [{"name": "db", "tags": gens, "root": {"tags": gens}, "volumes": [{"tags": gens}, {"name": "scratch"}]}],
        "volumes": [{"name": "spare", "tags": gens}],
    }}));
    let instance = ids(&seeded, "instances")[0].clone();
    workspace.apply().says(&["3 added"]);
    workspace.expect_nothing_to_do();
    let name = format!("daily.{instance}");
    let mut taken = Vec::new();
    for _ in 0..3 {
        let fired = workspace.account.fire(REGION, GROUP, &name);
        assert_eq!(
            (&fired["called"], &fired["status"]),
            (&json!("ec2:CreateSnapshots"), &json!(200)),
            "{fired}"
        );
        let answer = fired["answer"].as_str().unwrap();
        assert_eq!(answer.matches("<snapshotId>").count(), 2, "{answer}");
        assert_eq!(answer.matches("<value>db daily</value>").count(), 2, "{answer}");
        taken = texts_of(answer, "volumeId");
    }
    // What is not selected is left out, and each volume keeps two of its own.
    assert_eq!(taken.len(), 2);
    workspace.ok(&["plan"]).says(&["generation 3 of 2", "2 to destroy"]);
    workspace.apply();
    assert_eq!(workspace.account.snapshots(REGION).len(), 4);
    workspace.expect_nothing_to_do();
    // A volume that loses its tag, and one that is detached.
    workspace.account.ec2(REGION, "DeleteTags", &taken[..1], &[("Tag.1.Key", "Daily_Gens")]);
    assert_eq!(workspace.changes(), [format!("update {GROUP}/{name}")]);
    workspace.apply();
    workspace.expect_nothing_to_do();
    let fired = workspace.account.fire(REGION, GROUP, &name);
    assert_eq!(texts_of(fired["answer"].as_str().unwrap(), "volumeId"), taken[1..]);
    workspace.apply().says(&["1 destroyed", "keeps 2 snapshots of what it does not select"]);
    let detach = [("VolumeId", &*taken[1]), ("InstanceId", &*instance), ("Device", "/dev/sdf")];
    workspace.account.query("ec2", "2016-11-15", REGION, "DetachVolume", &detach);
    let own = format!("{GROUP}/daily.{}", taken[1]);
    assert_eq!(workspace.changes(), [format!("delete {GROUP}/{name}"), format!("create {own}")]);
    workspace.ok(&["plan"]).says(&["snapshot.daily no longer selects i-"]);
    workspace.apply();
    workspace.expect_nothing_to_do();
    workspace.ok(&["destroy", "--yes"]).says(&["3 destroyed"]);
    assert!(workspace.account.schedules(REGION).is_empty());
    assert_eq!(workspace.account.snapshots(REGION).len(), 4);
}

/// The texts of an element in an answer.
fn texts_of(answer: &str, element: &str) -> Vec<String> {
    let begin = format!("<{element}>");
    let found = answer.split(&begin).skip(1).filter_map(|rest| rest.split_once('<'));
    found.map(|(text, _)| text.to_owned()).collect()
}

/// Nine snapshots of a volume, and which of them a retention of seven must delete. The odd one is the oldest but for the
/// pending one, which is the newest.
fn nine(volume: &str, number: usize) -> (Vec<Value>, BTreeSet<usize>) {
    let mut all: Vec<Value> = (1..=9).map(|day| ours(volume, day)).collect();
    let both = [0, 1];
    let goes: &[usize] = match number % 10 {
        1 => {
            all[8]["state"] = json!("pending");
            &[0]
        }
        2 => {
            all[0]["tags"] = json!({"Name": "before the upgrade"});
            &[1]
        }
        3 => {
            all[0]["tags"]["opsform:project"] = json!("billing");
            &[1]
        }
        4 => {
            all[0]["tags"]["opsform:label"] = json!("snapshot.weekly");
            &[1]
        }
        // Its image is made below.
        5 => &[1],
        6 => {
            all[0]["lock"] = json!("governance");
            &[1]
        }
        7 => {
            all[0]["tags"]["aws:backup:source-resource"] = json!("x");
            &[1]
        }
        8 => {
            all[0]["state"] = json!("error");
            &[1]
        }
        9 => {
            all[0]["tags"]["opsform:parking"] = json!("i-1");
            &[1]
        }
        _ => &both,
    };
    (all, goes.iter().copied().collect())
}

#[test]
fn just_the_generations_beyond_the_seventh_go() {
    let workspace = Workspace::new(DAILY);
    let volumes = volumes(&workspace, json!([{"name": "data", "tags": {"Daily_Gens": "7"}, "count": 200}]));
    workspace.apply().says(&["201 added"]);
    let nines: Vec<_> = volumes.iter().enumerate().map(|(number, volume)| nine(volume, number)).collect();
    let made = snapshots(&workspace, nines.iter().flat_map(|(all, _)| all.clone()).collect());
    let of_images = (0..200).filter(|number| number % 10 == 5);
    let images =
        of_images.map(|number| json!({"snapshots": [made[number * 9]], "disabled": number % 20 == 5}));
    workspace.account.seed(json!({ REGION: { "images": images.collect::<Vec<_>>() } }));
    let expected: BTreeSet<String> = nines
        .iter()
        .enumerate()
        .flat_map(|(number, (_, goes))| goes.iter().map(move |index| number * 9 + index))
        .map(|index| made[index].clone())
        .collect();
    assert_eq!(expected.len(), 220);
    workspace.account.clear_calls();
    let planned: BTreeSet<String> = workspace.changes().into_iter().collect();
    assert_eq!(planned, expected.iter().map(|id| format!("delete {id}")).collect());
    let reads = workspace.account.calls();
    let pages = |operation: &str| reads.get(operation).and_then(Value::as_u64).unwrap_or(0);
    // All of the project's in pages of 1,000, and once more those that are to go, 200 a call.
    assert_eq!(pages("ec2:DescribeSnapshots"), 4, "{reads:?}");
    assert_eq!((pages("ec2:DescribeImages"), pages("ec2:DescribeLockedSnapshots")), (2, 1), "{reads:?}");
    assert_eq!(pages("ec2:DescribeVolumes"), 1, "{reads:?}");
    workspace.ok(&["apply", "--yes", "--target", "snapshot.*"]).says(&["220 destroyed"]);
    assert_eq!(workspace.account.count("ec2:DeleteSnapshot"), 220);
    let left: BTreeSet<String> = made.into_iter().filter(|id| !expected.contains(id)).collect();
    assert_eq!(workspace.account.snapshots(REGION), left);
    workspace.expect_nothing_to_do();
}

/// A folder whose rule has made nine snapshots of one volume and keeps them all.
pub(crate) fn nine_kept() -> (Workspace, Vec<String>) {
    let workspace = Workspace::new(&DAILY.replace(KEEP, "keep = 9"));
    let volumes = volumes(&workspace, json!([{"name": "data", "tags": {"Daily_Gens": "x"}}]));
    workspace.apply();
    let made = snapshots(&workspace, (1..=9).map(|day| ours(&volumes[0], day)).collect());
    (workspace, made)
}

#[test]
fn fewer_generations_trip_the_limit_of_destroys() {
    let (workspace, made) = nine_kept();
    workspace.expect_nothing_to_do();
    workspace.edit_manifest("keep = 9", "keep = 3");
    workspace.run(&["apply", "--yes", "--max-destroy", "5"]).expect(1).says(&["destroys 6 of 11 resources"]);
    workspace.ok(&["plan", "--no-delete"]).says(&["6 changes are left out"]);
    assert_eq!(workspace.changes_with(&["--exclude", "snapshot.*"]), [""; 0]);
    assert_eq!(workspace.account.snapshots(REGION).len(), 9);
    workspace.ok(&["apply", "--yes", "--max-destroy", "60%"]).says(&["6 destroyed"]);
    assert_eq!(workspace.account.snapshots(REGION), made[6..].iter().cloned().collect());
}

/// `plan`, `apply` and `apply FILE` of the same plan, which says the same in all of them.
fn is_refused(workspace: &Workspace, limit: &str, words: &str) {
    workspace.ok(&["plan", "--target", "snapshot.*", "--out", "plan.json"]);
    for command in [
        &["plan", "--target", "snapshot.*"][..],
        &["apply", "--yes", "--target", "snapshot.*"],
        &["apply", "--yes", "plan.json"],
    ] {
        workspace
            .run(&[command, &["--max-destroy", limit]].concat())
            .expect(1)
            .says(&[words, "nothing is applied"]);
    }
}

const CRON: [&str; 6] = ["apply", "--yes", "--target", "snapshot.*", "--max-destroy", "20%"];

#[test]
fn the_daily_run_passes_and_a_smaller_keep_does_not() {
    for keep in [1_i64, 2, 7] {
        let workspace = Workspace::new(&DAILY.replace(KEEP, &format!("keep = {keep}")));
        let volumes =
            volumes(&workspace, json!([{"name": "data", "tags": {"Daily_Gens": "x"}, "count": 20}]));
        workspace.apply();
        let of_all = |days: std::ops::Range<i64>| {
            let of = |volume: &String| days.clone().map(|day| ours_days_ago(volume, day)).collect::<Vec<_>>();
            volumes.iter().flat_map(of).collect::<Vec<_>>()
        };
        snapshots(&workspace, json!(of_all(0..keep + 1)));
        workspace.ok(&CRON).says(&["20 destroyed"]);
        // Two runs were missed.
        snapshots(&workspace, json!(of_all(0..3)));
        workspace.ok(&CRON).says(&["60 destroyed"]);
        workspace.expect_nothing_to_do();
    }
}

#[test]
fn a_smaller_keep_trips_the_limit_however_much_else_there_is() {
    let alarms = "\n[[alarm]]\nlabel = \"busy\"\nfor_each = { ebs = {} }\nmetric = \"VolumeIdleTime\"\nstatistic = \"Average\"\n\
                  comparison = \"<\"\nthreshold = 1\nname = \"{{ id }} is busy\"\n";
    let workspace = Workspace::new(&(DAILY.replace(KEEP, "keep = 30") + alarms));
    let volumes = volumes(
        &workspace,
        json!([{"name": "data", "tags": {"Daily_Gens": "x"}, "count": 5}, {"count": 195}]),
    );
    workspace.ok(&["apply", "--yes"]).says(&["206 added"]);
    let all: Vec<Value> =
        volumes[..5].iter().flat_map(|volume| (0..30).map(move |day| ours_days_ago(volume, day))).collect();
    snapshots(&workspace, json!(all));
    workspace.expect_nothing_to_do();
    workspace.edit_manifest("keep = 30", "keep = 3");
    let words =
        "destroys 120 of 150 resources that snapshot.daily had made, besides what it replaces as usual";
    is_refused(&workspace, "20%", words);
    is_refused(&workspace, "79%", words);
    is_refused(&workspace, "134", "destroys 135 of 156 resources that the selection covers");
    // Without a selection the number is one of all, and the part is the same.
    workspace.run(&["plan", "--max-destroy", "79%"]).expect(1).says(&[words]);
    workspace
        .run(&["plan", "--max-destroy", "9"])
        .expect(1)
        .says(&["135 of 356 resources that the project owns"]);
    assert_eq!(workspace.account.snapshots(REGION).len(), 150);
    workspace
        .ok(&["apply", "--yes", "--target", &volumes[0], "--max-destroy", "80%"])
        .says(&["27 destroyed"]);
    workspace.ok(&["apply", "--yes", "--max-destroy", "108"]).says(&["108 destroyed"]);
    assert_eq!(workspace.account.snapshots(REGION).len(), 15);
}

#[test]
fn a_saved_plan_deletes_what_is_still_there() {
    let (workspace, made) = nine_kept();
    workspace.edit_manifest("keep = 9", "keep = 6");
    workspace.ok(&["plan", "--out", "plan.json"]).says(&["3 to destroy"]);
    delete(&workspace, &made[1]);
    workspace
        .ok(&["apply", "plan.json", "--yes"])
        .says(&["1 change of the plan is done already", "2 destroyed"]);
    assert_eq!(workspace.account.snapshots(REGION), made[3..].iter().cloned().collect());
    workspace.expect_nothing_to_do();
    // One that lost its tags since is somebody's own.
    workspace.edit_manifest("keep = 6", "keep = 5");
    workspace.ok(&["plan", "--out", "plan.json"]).says(&["1 to destroy"]);
    let tag = [("Tag.1.Key", "opsform:project")];
    workspace.account.ec2(REGION, "DeleteTags", &[made[3].clone()], &tag);
    workspace.run(&["apply", "plan.json", "--yes"]).expect(5);
    workspace.expect_nothing_to_do();
    assert_eq!(workspace.account.snapshots(REGION).len(), 6);
}

#[test]
fn a_delete_that_fails_is_told_and_tried_again() {
    let (workspace, made) = nine_kept();
    workspace.edit_manifest("keep = 9", "keep = 7");
    workspace.account.faults(json!([
        {"operation": "DeleteSnapshot", "kind": "error", "code": "UnauthorizedOperation", "status": 403, "times": 1}
    ]));
    workspace.run(&["apply", "--yes"]).expect(4).says(&["1 destroyed", "ec2:DeleteSnapshot"]);
    assert_eq!(workspace.account.snapshots(REGION).len(), 8);
    workspace.apply().says(&["1 destroyed"]);
    assert_eq!(workspace.account.snapshots(REGION), made[2..].iter().cloned().collect());
}

#[test]
fn without_a_state_nothing_is_deleted() {
    let (workspace, _) = nine_kept();
    let other = workspace.beside(&DAILY.replace(KEEP, "keep = 1"));
    for command in [&["apply", "--yes"][..], &["plan", "--out", "plan.json"]] {
        other.run(command).expect(1).says(&["there is no state", "state rebuild"]);
    }
    other.ok(&["plan", "--no-delete"]);
    assert!(!other.path().join("plan.json").exists());
    assert_eq!(workspace.account.snapshots(REGION).len(), 9);
}

#[test]
fn what_nothing_declares_any_more_is_told() {
    let (workspace, made) = nine_kept();
    // Another label takes new ones, and looks after none of the old.
    workspace.edit_manifest("label = \"daily\"", "label = \"nightly\"");
    let note = "9 snapshots in us-east-1 with the project's tag and the label \"snapshot.daily\" stay: nothing declares it";
    workspace.ok(&["plan"]).says(&[note]);
    workspace.apply().says(&[note]);
    workspace.ok(&["plan"]).says(&["Nothing to do", note]);
    // Without any rule it is told as long as something of the rule is recorded.
    let rules = DAILY.split("[[snapshot]]").next().unwrap();
    workspace.write_manifest(&format!(
        "{rules}\n[[alarm]]\nlabel = \"a\"\nfor_each = {{ ebs = {{}} }}\nmetric = \"VolumeIdleTime\"\n\
        comparison = \">\"\nthreshold = 1\nname = \"{{{{ id }}}}\"\nallow_empty = true\n"
    ));
    workspace.account.clear_calls();
    workspace.ok(&["plan"]).says(&[note]);
    assert_eq!(workspace.account.count("ec2:DescribeSnapshots"), 1);
    workspace.account.faults(json!([
        {"operation": "DescribeSnapshots", "kind": "error", "code": "UnauthorizedOperation", "status": 403}
    ]));
    workspace.ok(&["plan"]).says(&["whether snapshots of the project are left in us-east-1 is not known"]);
    workspace.account.faults(json!([]));
    workspace.apply().says(&[note]);
    workspace.account.clear_calls();
    workspace.expect_nothing_to_do();
    assert_eq!(workspace.account.count("ec2:DescribeSnapshots"), 0);
    assert_eq!(workspace.account.snapshots(REGION), made.into_iter().collect());
}

#[test]
fn a_lost_state_is_made_anew_also_where_only_snapshots_are_left() {
    let (workspace, _) = nine_kept();
    workspace.edit_manifest("keep = 9", "keep = 2");
    workspace.ok(&["destroy", "--yes"]).says(&["2 destroyed"]);
    std::fs::remove_file(workspace.state_file()).unwrap();
    workspace.run(&["apply", "--yes"]).expect(1).says(&["there is no state", "state rebuild"]);
    workspace.run(&["state", "rebuild"]).expect(1).says(&["--yes"]);
    workspace.ok(&["state", "rebuild", "--yes"]).says(&["an empty state"]);
    workspace.ok(&["state", "rebuild", "--yes"]).says(&["Nothing to rebuild"]);
    workspace.apply().says(&["2 added", "7 destroyed"]);
    workspace.expect_nothing_to_do();
}

#[test]
fn snapshots_of_a_volume_that_is_gone_go_when_the_rule_says_so() {
    let (workspace, made) = nine_kept();
    workspace
        .edit_manifest("keep = 9", "keep = 9\nallow_empty = true\nwhen_volume_gone = \"delete_after 1d\"");
    let kept = volumes(&workspace, json!([{"name": "kept"}]));
    let other = snapshots(&workspace, json!([ours(&kept[0], 1)]));
    let gone = snapshots(
        &workspace,
        json!([{
            "volume": "vol-0123456789abcdef0",
            "started": "2026-01-01T00:30:00Z",
            "tags": {"opsform:project": "payments", "opsform:label": "snapshot.daily"},
        }]),
    );
    // Copies bear whatever tags they were given, and a volume of which AWS says nothing but that it is an id.
    let copy = |id: &str, more: Value| {
        let mut copy = ours(id, 1);
        copy["started"] = json!("2026-01-01T00:30:00Z");
        copy.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        copy
    };
    let copies = snapshots(
        &workspace,
        json!([
            copy("vol-0123456789abcdef1", json!({"transfer": "standard"})),
            copy("vol-0123456789abcdef2", json!({"description": "[Copied snap-0123 from us-west-2]"})),
            copy("vol-fffffffffffffffff", json!({})),
            copy("vol-0", json!({})),
        ]),
    );
    workspace.ok(&["plan"]).says(&[
        "its volume is gone",
        "1 to destroy",
        "keeps 5 snapshots of what it does not select",
    ]);
    workspace.apply().says(&["1 destroyed"]);
    let left = workspace.account.snapshots(REGION);
    assert!(!left.contains(&gone[0]) && left.contains(&other[0]));
    assert!(copies.iter().all(|copy| left.contains(copy)));
    assert_eq!(left.len(), made.len() + 5);
}

#[test]
fn what_is_parked_is_not_gone_for_good() {
    let (workspace, made) = nine_kept();
    workspace
        .edit_manifest("keep = 9", "keep = 9\nallow_empty = true\nwhen_volume_gone = \"delete_after 1d\"");
    let of = |tags: Value| json!([{"volume": "vol-0123456789abcdef0", "started": "2026-01-01T00:30:00Z", "tags": tags}]);
    snapshots(&workspace, of(json!({"opsform:project": "payments", "opsform:label": "snapshot.daily"})));
    let parking = json!({"opsform:project": "payments", "opsform:parking": "i-0-1",
        "opsform:parking-instance": "i-0123456789abcdef0", "opsform:parking-volumes": "1"});
    let parking = snapshots(&workspace, of(parking)).remove(0);
    workspace.ok(&["plan"]).says(&["Nothing to do", "keeps 1 snapshot of what it does not select"]);
    // Restored, its volume is another one, and the old one is gone.
    workspace.account.query("ec2", "2016-11-15", REGION, "DeleteSnapshot", &[("SnapshotId", &parking)]);
    workspace.apply().says(&["1 destroyed"]);
    assert_eq!(workspace.account.snapshots(REGION).len(), made.len());
}

/// Runs what cron would run of the README's line.
fn cron(workspace: &Workspace) -> (String, Option<i32>) {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let line = readme.lines().find(|line| line.starts_with("30 10 * * *  cd ")).unwrap();
    // Cron makes a percent sign of one behind a backslash, and a new line of any other.
    assert!(!line.replace("\\%", "").contains('%'), "{line}");
    let command = line.split_once(" && opsform ").unwrap().1.replace("\\%", "%");
    let script = format!("exec {} {command} 2>&1", env!("CARGO_BIN_EXE_opsform"));
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &script]).current_dir(workspace.path()).env_clear();
    let ended = shell.envs(workspace.account.environment()).env("HOME", workspace.path()).output().unwrap();
    (String::from_utf8(ended.stdout).unwrap(), ended.status.code())
}

#[test]
fn the_crontab_of_the_readme_keeps_generations() {
    let alarm = "[[alarm]]\nlabel = \"full\"\nfor_each = { ebs = {} }\nname = \"{{ id }}\"\nmetric = \"VolumeIdleTime\"\n\
        comparison = \">\"\nthreshold = 1\n";
    let workspace = Workspace::new(&format!("{DAILY}{alarm}"));
    let volumes = volumes(&workspace, json!([{"name": "data", "tags": {"Daily_Gens": "2"}}]));
    assert_eq!(cron(&workspace).1, Some(0));
    assert_eq!(workspace.recorded(), ["opsform-payments", &format!("opsform-payments/daily.{}", volumes[0])]);
    snapshots(&workspace, (1..=3).map(|day| ours(&volumes[0], day)).collect());
    workspace.ok(&["plan", "--target", "snapshot.*"]).says(&["generation 3 of 2", "1 to destroy"]);
    let (said, code) = cron(&workspace);
    assert_eq!((workspace.account.snapshots(REGION).len(), code), (2, Some(0)), "{said}");
    let (said, code) = cron(&workspace);
    assert!(code == Some(0) && said.contains("Nothing to do"), "{said}");
    snapshots(&workspace, (4..=28).flat_map(|day| vec![ours(&volumes[0], day); 11]).collect());
    let (said, code) = cron(&workspace);
    assert!(code == Some(1) && said.contains("--max-destroy"), "{said}");
    assert!(workspace.account.alarms(REGION).is_empty());
}

#[test]
fn the_policy_allows_what_snapshots_need() {
    let workspace = Workspace::new(DAILY);
    let policy = |permissions: &str| workspace.ok(&["iam-policy", "--for", permissions]).stdout;
    let apply = policy("apply");
    for action in
        ["ec2:DeleteSnapshot", "ec2:DescribeSnapshots", "ec2:DescribeImages", "scheduler:CreateSchedule"]
    {
        assert!(apply.contains(&format!("\"{action}\"")), "{action}");
    }
    assert!(apply.contains("::snapshot/*"), "{apply}");
    let statements: Value = serde_json::from_str(&apply).unwrap();
    let statements = statements["Statement"].as_array().unwrap();
    let ours = json!({"StringEquals": {"aws:ResourceTag/opsform:project": "payments"}});
    for statement in statements {
        let deletes = statement["Action"].to_string().contains("ec2:DeleteSnapshot");
        assert_eq!(deletes, statement["Condition"] == ours, "{statement}");
    }
    assert!(policy("plan").contains("ec2:DescribeLockedSnapshots"));
    assert!(!policy("plan").contains("ec2:DeleteSnapshot"));
}
