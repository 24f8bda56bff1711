//! Schedules that start and stop a fleet: made, followed, fired, and removed with nothing of others.

use serde_json::{Value, json};

use crate::workspace::{REGION, Workspace, wait_until};

const OFFICE: &str = "\
[project]
name = 'payments'
[aws]
regions = ['us-east-1']
[[schedule]]
label = 'office'
for_each = { ec2 = { tags = { AutoStopStart = 'Yes' } }, rds = {}, rds_cluster = {} }
start = 'cron(0 9 ? * MON-FRI *)'
stop = 'cron(0 19 ? * MON-FRI *)'
timezone = 'Asia/Seoul'
role_arn = 'arn:aws:iam::{{ account }}:role/opsform-schedule'
";

const GROUP: &str = "opsform-payments";

fn fleet() -> (Workspace, Vec<String>) {
    let workspace = Workspace::new(OFFICE);
    let yes = json!({"AutoStopStart": "Yes"});
    let seeded = workspace.account.seed(json!({REGION: {
        "instances": [{"name": "web-1", "tags": yes}, {"name": "web-2", "tags": yes}, {"name": "other"}],
        "databases": [{"id": "orders"}, {"id": "main"}, {"id": "copy", "replica_of": "main"}],
        "clusters": [{"id": "ledger", "members": ["ledger-1"]}],
    }}));
    let ids = seeded["regions"][REGION]["instances"].as_array().unwrap();
    let ids = ids.iter().map(|id| id.as_str().unwrap().to_owned()).collect();
    (workspace, ids)
}

/// `GROUP/NAME` of every schedule on AWS.
fn schedules(workspace: &Workspace) -> Vec<String> {
    let all = workspace.account.schedules(REGION);
    let text = |schedule: &Value, field: &str| schedule[field].as_str().unwrap().to_owned();
    all.iter().map(|one| format!("{}/{}", text(one, "GroupName"), text(one, "Name"))).collect()
}

/// The instances in the input of a schedule.
fn ids_of(workspace: &Workspace, name: &str) -> Value {
    let all = workspace.account.schedules(REGION);
    let schedule = all.iter().find(|schedule| schedule["Name"] == name).unwrap();
    let input: Value = serde_json::from_str(schedule["Target"]["Input"].as_str().unwrap()).unwrap();
    input["InstanceIds"].clone()
}

fn state_of(workspace: &Workspace, id: &str) -> String {
    // AWS is on its way when it is asked the first time.
    workspace.ok(&["inventory", "--format", "json"]);
    let run = workspace.ok(&["inventory", "--format", "json"]);
    let rows: Value = serde_json::from_str(&run.stdout).unwrap();
    let row = rows.as_array().unwrap().iter().find(|row| row["id"] == id).unwrap().clone();
    row["state"].as_str().unwrap().to_owned()
}

fn ours() -> Vec<String> {
    let names = ["ec2", "rds.orders", "rds_cluster.ledger"];
    let of = |action: &str| names.map(|name| format!("{GROUP}/office.{action}.{name}"));
    [of("start"), of("stop")].concat()
}

#[test]
fn a_fleet_gets_its_schedules_and_they_do_what_they_say() {
    let (workspace, ids) = fleet();
    workspace.ok(&["plan"]).says(&[
        "7 to add, 0 to change, 0 to destroy",
        "schedule.office leaves out copy: a read replica cannot be stopped",
        "schedule.office leaves out main: a database with read replicas cannot be stopped",
        "schedule.office leaves out ledger-1: it is a member of a cluster",
    ]);
    workspace.apply().says(&["7 added"]);
    assert_eq!(schedules(&workspace), ours());
    workspace.account.clear_calls();
    workspace.expect_nothing_to_do();
    let counts = workspace.account.calls();
    let count = |operation: &str| counts.get(operation).and_then(Value::as_u64).unwrap_or(0);
    assert_eq!((count("scheduler:ListSchedules"), count("scheduler:GetSchedule")), (1, 6), "{counts:?}");
    assert_eq!((count("scheduler:GetScheduleGroup"), count("scheduler:ListTagsForResource")), (1, 1));
    for name in ["ec2", "rds.orders", "rds_cluster.ledger"] {
        let fired = workspace.account.fire(REGION, GROUP, &format!("office.stop.{name}"));
        assert_eq!(fired["status"], 200, "{fired}");
    }
    for id in [&ids[0], &ids[1], "orders", "ledger"] {
        assert_eq!(state_of(&workspace, id), "stopped", "{id}");
    }
    assert_eq!(state_of(&workspace, &ids[2]), "running");
    assert_eq!(state_of(&workspace, "main"), "available");
    // What is stopped is still scheduled.
    workspace.expect_nothing_to_do();
    for name in ["ec2", "rds.orders", "rds_cluster.ledger"] {
        let fired = workspace.account.fire(REGION, GROUP, &format!("office.start.{name}"));
        assert_eq!(fired["status"], 200, "{fired}");
    }
    assert_eq!(state_of(&workspace, &ids[0]), "running");
}

#[test]
fn an_instance_that_joins_or_leaves_changes_the_ids_and_nothing_else() {
    let (workspace, ids) = fleet();
    workspace.apply();
    workspace.account.tag(REGION, &ids[0], "AutoStopStart", "No");
    workspace.account.tag(REGION, &ids[2], "AutoStopStart", "Yes");
    let plan = workspace.ok(&["plan"]);
    plan.says(&["0 to add, 2 to change, 0 to destroy", &format!("+ {}", ids[2]), &format!("- {}", ids[0])]);
    assert_eq!(
        workspace.changes(),
        ["start", "stop"].map(|action| format!("update {GROUP}/office.{action}.ec2"))
    );
    workspace.apply().says(&["2 changed"]);
    let mut expected = vec![ids[1].clone(), ids[2].clone()];
    expected.sort();
    assert_eq!(ids_of(&workspace, "office.stop.ec2"), json!(expected));
    workspace.expect_nothing_to_do();
    // One is kept running for a while: it is not stopped, and it is started.
    workspace.account.tag(REGION, &ids[1], "keep-running-until", "2999-12-31");
    assert_eq!(workspace.changes(), [format!("update {GROUP}/office.stop.ec2")]);
    workspace.apply();
    assert_eq!(ids_of(&workspace, "office.stop.ec2"), json!([ids[2]]));
    workspace.expect_nothing_to_do();
    let told = format!(
        "left alone: {} (web-2): its tag `keep-running-until` keeps it running until 2999-12-31",
        ids[1]
    );
    workspace.ok(&["plan"]).says(&[&told, "Nothing to do"]);
    workspace.ok(&["plan", "--format", "markdown"]).says(&["keeps it running until 2999-12-31"]);
    // A tag that nobody bears any more would delete everything.
    workspace.edit_manifest("'Yes' } }, rds = {}, rds_cluster = {} }", "'Ja' } } }");
    workspace.run(&["plan"]).expect(1).says(&["selects no"]);
}

#[test]
fn what_a_person_changed_is_set_back() {
    let (workspace, ids) = fleet();
    workspace.apply();
    let changed = json!({
        "GroupName": GROUP, "ScheduleExpression": "rate(1 day)", "State": "DISABLED",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": "arn:aws:scheduler:::aws-sdk:ec2:stopInstances", "Input": "{}",
                   "RoleArn": "arn:aws:iam::111122223333:role/x"},
    });
    workspace.account.scheduler_put(REGION, "/schedules/office.stop.ec2", changed);
    workspace.ok(&["plan"]).says(&["1 to change", "changed outside opsform"]);
    workspace.apply();
    let mut expected = ids[..2].to_vec();
    expected.sort();
    assert_eq!(ids_of(&workspace, "office.stop.ec2"), json!(expected));
    workspace.expect_nothing_to_do();
}

fn make_theirs(workspace: &Workspace, group: &str) {
    let theirs = json!({
        "GroupName": group, "ScheduleExpression": "rate(1 day)", "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": "arn:aws:scheduler:::aws-sdk:ec2:stopInstances", "Input": "{\"InstanceIds\":[\"i-1\"]}",
                   "RoleArn": "arn:aws:iam::111122223333:role/x"},
    });
    workspace.account.scheduler(REGION, "/schedules/theirs", theirs);
}

/// A schedule of somebody else's with the name of one of ours.
fn make_theirs_of_our_name(workspace: &Workspace) {
    let theirs = json!({
        "GroupName": GROUP, "ScheduleExpression": "rate(1 day)", "FlexibleTimeWindow": {"Mode": "OFF"},
        "Description": "Bob: do not touch",
        "Target": {"Arn": "arn:aws:scheduler:::aws-sdk:ec2:stopInstances", "Input": "{\"InstanceIds\":[\"i-1\"]}",
                   "RoleArn": "arn:aws:iam::111122223333:role/x"},
    });
    workspace.account.scheduler(REGION, "/schedules/office.stop.rds.orders", theirs);
}

#[test]
fn what_somebody_put_into_our_group_is_theirs() {
    let (workspace, _) = fleet();
    let without = OFFICE.replace(", rds = {}, rds_cluster = {}", "");
    workspace.write_manifest(&without);
    workspace.apply();
    make_theirs_of_our_name(&workspace);
    workspace.write_manifest(OFFICE);
    // Before it is declared it is nobody's, so it is not taken over in silence.
    workspace.run(&["apply", "--yes"]).expect(1).says(&["belongs to nobody", "adopt = true"]);
    workspace.write_manifest(&without);
    workspace.expect_nothing_to_do();
}

#[test]
fn what_somebody_made_anew_is_theirs() {
    let (workspace, _) = fleet();
    workspace.apply();
    workspace
        .account
        .scheduler_delete(REGION, &format!("/schedules/office.stop.rds.orders?groupName={GROUP}"));
    make_theirs_of_our_name(&workspace);
    workspace.run(&["destroy", "--yes"]).says(&["5 destroyed", "1 forgotten"]);
    assert_eq!(schedules(&workspace), [format!("{GROUP}/office.stop.rds.orders")]);
}

#[test]
fn destroy_leaves_what_is_not_ours() {
    let (workspace, _) = fleet();
    make_theirs(&workspace, "default");
    workspace.apply();
    make_theirs(&workspace, GROUP);
    workspace.expect_nothing_to_do();
    // Ours go; the group stays, because deleting it would delete theirs, and that is all that can be done.
    workspace.ok(&["destroy", "--yes"]).says(&[
        "6 destroyed",
        "kept: 1 schedule group",
        "would delete the schedules in it: theirs",
    ]);
    workspace.ok(&["destroy", "--yes"]).says(&["Nothing to destroy", "theirs"]);
    assert_eq!(schedules(&workspace), ["default/theirs".to_owned(), format!("{GROUP}/theirs")]);
    assert_eq!(workspace.recorded(), [GROUP]);
}

#[test]
fn two_projects_and_two_blocks_do_not_meet() {
    let (workspace, _) = fleet();
    let other = workspace.beside(&OFFICE.replace("payments", "billing"));
    workspace.apply();
    other.apply().says(&["7 added"]);
    workspace.expect_nothing_to_do();
    other.expect_nothing_to_do();
    // A second block shares the group.
    let second = OFFICE.split_once("[[schedule]]").unwrap().1.replace("'office'", "'weekend'");
    workspace.write_manifest(&format!("{OFFICE}[[schedule]]{second}"));
    workspace.apply().says(&["6 added"]);
    workspace.expect_nothing_to_do();
    workspace.write_manifest(&OFFICE.replace("'office'", "'weekend'"));
    workspace.apply().says(&["6 destroyed"]);
    workspace.expect_nothing_to_do();
    workspace.ok(&["destroy", "--yes"]).says(&["7 destroyed"]);
    assert_eq!(schedules(&workspace).len(), 6);
    other.expect_nothing_to_do();
}

#[test]
fn killed_half_way_the_next_apply_makes_the_rest() {
    // Three starts, and the three stops when these are made.
    for (k, hold, in_flight) in
        [(0, "hold_before", 3), (2, "hold_before", 1), (3, "hold_after", 3), (0, "hold_after", 3)]
    {
        let (workspace, _) = fleet();
        workspace.account.faults(json!([{"operation": "CreateSchedule", "kind": hold, "skip": k}]));
        let mut apply = workspace.command(&["apply", "--yes"]).spawn().unwrap();
        wait_until(|| workspace.account.held() >= in_flight);
        apply.kill().unwrap();
        apply.wait().unwrap();
        workspace.account.release();
        workspace.account.faults(json!([]));
        let made = schedules(&workspace).len();
        let changes = workspace.changes();
        assert!(changes.iter().all(|change| change.starts_with("create ")), "{changes:?}");
        assert_eq!(changes.len(), 6 - made, "{hold} {k}: {changes:?}");
        workspace.apply();
        assert_eq!(schedules(&workspace), ours());
        workspace.expect_nothing_to_do();
    }
}

#[test]
fn a_lost_state_is_rebuilt_from_the_groups_tag() {
    let (workspace, _) = fleet();
    workspace.apply();
    make_theirs(&workspace, GROUP);
    let recorded = workspace.recorded();
    std::fs::remove_file(workspace.state_file()).unwrap();
    workspace.expect_nothing_to_do();
    workspace.ok(&["state", "rebuild", "--yes"]);
    assert_eq!(workspace.recorded(), recorded);
    workspace.expect_nothing_to_do();
}

#[test]
fn a_group_that_is_nobodys_is_taken_over_when_that_is_said() {
    let (workspace, _) = fleet();
    workspace.account.scheduler(REGION, &format!("/schedule-groups/{GROUP}"), json!({}));
    workspace.run(&["apply", "--yes"]).expect(1).says(&["belongs to nobody", "adopt = true"]);
    assert!(schedules(&workspace).is_empty());
    workspace.edit_manifest("start =", "adopt = true\nstart =");
    workspace.apply().says(&["6 added", "1 adopted"]);
    workspace.expect_nothing_to_do();
    workspace.ok(&["destroy", "--yes"]).says(&["7 destroyed"]);
}

#[test]
fn a_lost_answer_makes_nothing_twice() {
    let (workspace, _) = fleet();
    workspace.account.faults(json!([
        {"operation": "CreateSchedule", "kind": "drop_after", "times": 2},
        {"operation": "CreateScheduleGroup", "kind": "drop_after", "times": 1},
    ]));
    workspace.apply().says(&["7 added"]);
    assert_eq!(schedules(&workspace), ours());
    workspace.expect_nothing_to_do();
}

#[test]
fn the_policy_names_the_role_and_the_schedules() {
    let (workspace, _) = fleet();
    let policy: Value = serde_json::from_str(&workspace.ok(&["iam-policy"]).stdout).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    let statement = |sid: &str| statements.iter().find(|one| one["Sid"] == sid).unwrap();
    let pass = statement("OpsformPassRoleScheduler");
    assert_eq!(pass["Resource"], json!(["arn:aws:iam::*:role/opsform-schedule"]));
    assert_eq!(pass["Condition"]["StringEquals"]["iam:PassedToService"], "scheduler.amazonaws.com");
    assert_eq!(
        statement("OpsformWriteSchedule")["Resource"],
        json!(["arn:aws:scheduler:us-east-1:*:schedule/opsform-*/*"])
    );
}
