//! Starting and stopping by hand: few calls, one bad id fails itself alone, and nothing is done that was not agreed to.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::workspace::{REGION, Run, Workspace, wait_until};

const MANIFEST: &str = "[project]\nname = 'payments'\n[aws]\nregions = ['us-east-1']\n";

/// A workspace with these instances, databases and clusters, and the ids of the instances.
fn fleet(resources: &Value) -> (Workspace, Vec<String>) {
    let workspace = Workspace::new(MANIFEST);
    let seeded = workspace.account.seed(json!({ REGION: resources }));
    let ids = seeded["regions"][REGION]["instances"].as_array().unwrap();
    let ids = ids.iter().map(|id| id.as_str().unwrap().to_owned()).collect();
    (workspace, ids)
}

/// The state of everything, by id. AWS is on its way when it is asked the first time.
fn states(workspace: &Workspace) -> BTreeMap<String, String> {
    workspace.ok(&["inventory", "--format", "json"]);
    let run = workspace.ok(&["inventory", "--format", "json"]);
    let rows: Vec<Value> = serde_json::from_str(&run.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    rows.iter().map(|row| (text(&row["id"]), text(&row["state"]))).collect()
}

/// How many are in a state.
fn count(workspace: &Workspace, state: &str) -> usize {
    states(workspace).values().filter(|found| *found == state).count()
}

fn calls(workspace: &Workspace, operation: &str) -> u64 {
    workspace.account.calls().get(operation).and_then(Value::as_u64).unwrap_or(0)
}

fn stop(workspace: &Workspace, args: &[&str]) -> Run {
    workspace.run(&[&["power", "stop", "--yes"], args].concat())
}

fn start(workspace: &Workspace, args: &[&str]) -> Run {
    workspace.run(&[&["power", "start", "--yes"], args].concat())
}

#[test]
fn a_quarter_of_a_thousand_is_stopped_with_few_calls() {
    let (workspace, _) = fleet(&json!({"instances": [
        {"count": 259, "tags": {"Env": "dev"}}, {"count": 741, "tags": {"Env": "prod"}},
    ]}));
    workspace.account.clear_calls();
    let run = stop(&workspace, &["--target", "ec2:tag:Env=dev"]).expect(0);
    run.says(&["read 259 instances in 2 calls", "259 to stop", "259 stopping", "running → stopped"]);
    // One page, and for each call one look at its instances right before it.
    assert_eq!((calls(&workspace, "ec2:StopInstances"), calls(&workspace, "ec2:DescribeInstances")), (6, 7));
    assert_eq!((count(&workspace, "stopped"), count(&workspace, "running")), (259, 741));
    let run = stop(&workspace, &["--target", "ec2:tag:Env=dev"]).expect(0);
    run.says(&["Nothing to do: 259 targets are as wanted."]);
    assert_eq!(calls(&workspace, "ec2:StopInstances"), 6);
    assert!(!workspace.state_file().exists(), "nobody owns whether an instance runs");
    start(&workspace, &["--target", "ec2:tag:Env=dev"]).expect(0).says(&["259 to start", "259 starting"]);
    assert_eq!(count(&workspace, "running"), 1000);
}

#[test]
fn one_bad_id_never_fails_the_others() {
    let (workspace, ids) = fleet(&json!({"instances": [
        {"count": 40, "tags": {"Env": "dev"}},
        {"name": "kept", "tags": {"Env": "dev"}, "stop_protected": true},
        {"name": "new", "tags": {"Env": "dev"}, "state": "pending"},
        {"name": "gone", "tags": {"Env": "dev"}, "state": "terminated"},
        {"name": "spot", "tags": {"Env": "dev"}, "lifecycle": "spot"},
        {"name": "member", "tags": {"Env": "dev", "aws:autoscaling:groupName": "web"}},
    ]}));
    let run = stop(&workspace, &["--target", "ec2:tag:Env=dev"]).expect(4);
    run.says(&[
        "left alone:",
        "(spot): it is a spot instance",
        "(member): its Auto Scaling group would replace it",
        "40 stopping, 2 failed",
        "OperationNotPermitted",
        "disableApiStop",
        "never reached the 'running' state",
        &format!("{:?} (kept)", ids[40]),
        "it is protected from stops: leave it out with --exclude",
        "what is not allowed fails again until that is mended",
    ]);
    assert_eq!(count(&workspace, "stopped"), 40);
    // Named by their ids, also those are told that are not there, and the exit code says that not all is as wanted.
    start(&workspace, &["--target", "ec2:tag:Env=dev"]).expect(0);
    let unknown = "i-0123456789abcdef0";
    let targets = ["--target", &*ids[0], "--target", &*ids[42], "--target", unknown, "--target", &*ids[43]];
    let run = stop(&workspace, &targets).expect(4);
    run.says(&[
        &format!("left alone: {}: it was terminated", ids[42]),
        &format!("left alone: {unknown}: there is no such instance"),
        "1 stopping",
    ]);
    assert_eq!(count(&workspace, "stopped"), 1);
}

#[test]
fn an_instance_that_the_answer_leaves_out_is_a_failure() {
    let (workspace, ids) = fleet(&json!({"instances": [{"count": 3}]}));
    workspace.account.options(json!({"unnamed_instances": [ids[1]]}));
    let run = stop(&workspace, &["--target", "ec2"]).expect(4);
    run.says(&["2 stopping, 1 failed", "its answer does not name the instance", &ids[1]]);
    workspace.account.options(json!({"unnamed_instances": []}));
    stop(&workspace, &["--target", "ec2"]).expect(0).says(&["1 stopping"]);
}

#[test]
fn databases_and_clusters_start_and_stop() {
    let (workspace, _) = fleet(&json!({
        "databases": [{"id": "orders"}, {"id": "main"}, {"id": "copy", "replica_of": "main"},
                      {"id": "busy", "state": "backing-up"}],
        "clusters": [{"id": "ledger", "members": ["ledger-1"]}],
    }));
    let run = stop(&workspace, &["--target", "rds", "--target", "rds_cluster:ledger"]).expect(0);
    run.says(&[
        "2 to stop",
        "copy: a read replica cannot be stopped",
        "main: a database with read replicas cannot be stopped",
        "ledger-1: it is a member of a cluster",
        "busy: it is backing-up, and only what is available can be stopped",
        "RDS starts what has been stopped for seven days by itself",
    ]);
    let found = states(&workspace);
    assert_eq!((&*found["orders"], &*found["ledger"], &*found["main"]), ("stopped", "stopped", "available"));
    stop(&workspace, &["--target", "orders"]).expect(0).says(&["Nothing to do"]);
    start(&workspace, &["--target", "rds:orders", "--target", "ledger"]).expect(0).says(&["2 starting"]);
    let found = states(&workspace);
    assert_eq!((&*found["orders"], &*found["ledger"]), ("available", "available"));
}

#[test]
fn a_schedule_names_what_it_schedules() {
    let schedule = "[[schedule]]\nlabel = 'office'\nfor_each = { ec2 = { tags = { AutoStopStart = 'Yes' } }, rds = {} }\n\
                    stop = 'cron(0 19 ? * MON-FRI *)'\nexempt_tag = 'no-stop'\nhibernate = true\n\
                    role_arn = 'arn:aws:iam::111122223333:role/x'\n\
                    [[alarm]]\nlabel = 'cpu'\nfor_each = { ec2 = {} }\nname = '{{ id }}'\nmetric = 'CPUUtilization'\n\
                    comparison = '>'\nthreshold = 90\n";
    let (workspace, ids) = fleet(&json!({
        "instances": [
            {"name": "a", "tags": {"AutoStopStart": "Yes"}, "hibernation": true},
            {"name": "b", "tags": {"AutoStopStart": "Yes", "no-stop": "2999-01-01"}, "hibernation": true},
            {"name": "c", "tags": {"AutoStopStart": "Yes"}},
            {"name": "d"},
        ],
        "databases": [{"id": "orders"}],
    }));
    workspace.write_manifest(&format!("{MANIFEST}{schedule}"));
    // Whatever names it: the tag of its schedule counts. Only as a schedule's it is hibernated.
    let tagged = ["--target", "tag:AutoStopStart=Yes", "--dry-run"];
    stop(&workspace, &tagged).expect(0).says(&[
        "2 to stop",
        "running → stopped",
        "(b): its tag `no-stop` keeps it running until 2999-01-01",
    ]);
    let run = stop(&workspace, &["--target", "schedule.office"]).expect(0);
    run.says(&[
        "2 to stop",
        "running → hibernated",
        "(b): its tag `no-stop` keeps it running until 2999-01-01",
        "(c): hibernation is not enabled for it",
        "is stopped with --force",
    ]);
    let found = states(&workspace);
    let of = |n: usize| &*found[&ids[n]];
    assert_eq!((of(0), of(1), of(2), of(3)), ("stopped", "running", "running", "running"));
    assert_eq!(found["orders"], "stopped");
    // What is hibernated is as wanted.
    stop(&workspace, &["--target", "schedule.office"]).expect(0).says(&["Nothing to do"]);
    stop(&workspace, &["--target", "schedule.*", "--force"]).expect(0).says(&["1 stopping"]);
    for (label, words) in [
        ("schedule.offices", &["is no declaration of the manifest", "did you mean `schedule.office`?"]),
        ("alarm.cpu", &["neither starts nor stops anything", "labels of schedules: `schedule.office`"]),
    ] {
        stop(&workspace, &["--target", label]).expect(1).says(words);
    }
}

#[test]
fn a_target_that_means_nothing_is_an_error() {
    let (workspace, _) = fleet(&json!({"instances": [{"name": "web-1", "tags": {"Env": "dev"}}]}));
    for (args, words) in [
        (&["--target", "wbe-1"][..], &["--target wbe-1 means nothing", "did you mean `web-1`?"][..]),
        (&["--target", "tag:env=dev"], &["did you mean `tag:Env=dev`?"]),
        (&["--target", "web-1", "--exclude", "web-2"], &["--exclude web-2 means nothing"]),
        (
            &["--target", "i-0123456789abcdef0"],
            &[
                "--target i-0123456789abcdef0 means nothing",
                "in account",
                "us-east-1",
                "it may be in another region",
            ],
        ),
        (&["--target", "web-1,web-2"], &["give each its own: --target web-1 --target web-2"]),
        (&["--target", "ec3"], &["did you mean `ec2`?"]),
        (&["--target", "tag:Env=production-*"], &["a tag's value is met to the letter"]),
        (&["--target", "ebs:vol-1"], &["volumes neither start nor stop"]),
        (&[], &["--target"]),
    ] {
        stop(&workspace, args).expect(1).says(words);
    }
    assert_eq!((calls(&workspace, "ec2:StopInstances"), count(&workspace, "running")), (0, 1));
}

#[test]
fn nothing_is_done_that_nobody_agreed_to() {
    let (workspace, ids) = fleet(&json!({"instances": [{"name": "web-1"}, {"name": "web-2"}]}));
    let args = ["power", "stop", "--target", "web-*"];
    workspace.run(&args).expect(1).says(&["2 to stop", "no terminal to ask", "--yes"]);
    let asking = workspace.answering("power stop --target web-1");
    asking.answer("no").says(&["code=1", "the answer was not"]);
    let dry = |more: &[&str]| workspace.run(&[&args[..], &["--dry-run"], more].concat());
    dry(&[]).expect(0).says(&["2 to stop"]);
    dry(&["--detailed-exitcode"]).expect(2);
    let plan: Value = serde_json::from_str(&dry(&["--format", "json"]).expect(0).stdout).unwrap();
    assert_eq!(plan["changes"].as_array().unwrap().len(), 2);
    assert_eq!(plan["changes"][0]["address"]["kind"], "instance_power");
    assert_eq!(plan["changes"][0]["fields"][0]["cause"], "asked");
    dry(&["--format", "markdown"]).expect(0).says(&["web-1"]);
    assert_eq!((calls(&workspace, "ec2:StopInstances"), count(&workspace, "running")), (0, 2));
    // Somebody stops one while a person reads the plan.
    let asking = workspace.answering_again("power stop --target 'web-*'");
    workspace.account.ec2(REGION, "StopInstances", &ids[..1], &[]);
    asking.answer("yes").says(&["code=5", "was changed (state)"]);
    assert_eq!(count(&workspace, "running"), 1);
    let asking = workspace.answering_again("power stop --target web-2");
    asking.answer("yes").says(&["code=0", "1 stopping"]);
    assert_eq!(count(&workspace, "running"), 0);
}

#[test]
fn without_a_manifest_the_environment_says_where() {
    let (workspace, _) = fleet(&json!({"instances": [{"name": "web-1"}]}));
    std::fs::remove_dir_all(workspace.path().join("manifests")).unwrap();
    let args = ["--target", "web-1"];
    stop(&workspace, &args).expect(1).says(&["no region is given", "give --region"]);
    stop(&workspace, &["--region", "nowhere-1", "--target", "web-1"])
        .expect(1)
        .says(&["--region nowhere-1 is not a region's code"]);
    workspace.ok(&["iam-policy", "--for", "power"]).says(&["there is no manifest", "ec2:StopInstances"]);
    workspace.run(&["iam-policy"]).expect(1);
    stop(&workspace, &["--region", "eu-west-1", "--target", "web-1"]).expect(1).says(&["means nothing"]);
    stop(&workspace, &["--manifests", "manifest", "--target", "web-1"]).expect(1).says(&["manifest"]);
    let mut command = workspace.command(&["power", "stop", "--yes", "--target", "web-1"]);
    let run = Run::of(command.env("AWS_REGION", REGION).output().unwrap()).expect(0);
    run.says(&["there is no manifest", "stop · account", "1 stopping"]);
    start(&workspace, &["--region", REGION, "--target", "web-1"]).expect(0).says(&["1 starting"]);
    stop(&workspace, &["--target", "schedule.office"]).expect(1);
}

#[test]
fn what_is_denied_or_throttled_is_told_or_waited_out() {
    let (workspace, ids) = fleet(&json!({"instances": [{"count": 60}], "databases": [{"id": "orders"}]}));
    workspace.account.faults(json!([
        {"operation": "StopInstances", "kind": "denied"},
        {"operation": "StopDBInstance", "kind": "denied"},
    ]));
    let run = stop(&workspace, &["--target", "*"]).expect(4);
    run.says(&[
        "61 failed",
        "ec2:StopInstances in account",
        "rds:StopDBInstance in account",
        "Running it again will fail likewise until these are mended.",
    ]);
    // Each batch is tried whole, and then by three of its instances.
    assert_eq!(calls(&workspace, "ec2:StopInstances"), 8);
    assert_eq!(count(&workspace, "running"), 60);
    // One that may not be stopped by this caller does not keep the others.
    workspace.account.faults(json!([
        {"operation": "StopInstances", "kind": "denied", "key": ids[7]},
        {"operation": "StopInstances", "kind": "error", "code": "RequestLimitExceeded", "status": 503, "times": 3},
    ]));
    stop(&workspace, &["--target", "ec2"]).expect(4).says(&["59 stopping, 1 failed", &ids[7]]);
    workspace.account.faults(json!([{"operation": "StopDBInstance", "kind": "drop_after", "times": 1}]));
    stop(&workspace, &["--target", "orders"]).expect(0).says(&["1 stopping"]);
    assert_eq!((count(&workspace, "running"), &*states(&workspace)["orders"]), (1, "stopped"));
}

#[test]
fn a_signal_lets_the_calls_in_flight_finish() {
    let (workspace, _) = fleet(&json!({"instances": [{"count": 120}]}));
    // The fleet and the first look are answered, the second look waits.
    workspace.account.faults(json!([{"operation": "DescribeInstances", "kind": "hold_after", "skip": 2}]));
    let mut run = workspace.start(&["power", "stop", "--yes", "--target", "ec2"]);
    wait_until(|| workspace.account.held() == 1 && calls(&workspace, "ec2:StopInstances") == 1);
    run.signal("INT");
    run.until("stopping after the calls in flight");
    workspace.account.faults(json!([]));
    workspace.account.release();
    let run = run.end().expect(130);
    run.says(&[
        "Stop, interrupted: 50 stopping",
        "Run it again to finish the rest: 70 changes were not tried.",
    ]);
    assert_eq!(count(&workspace, "stopped"), 50);
    stop(&workspace, &["--target", "ec2"]).expect(0).says(&["70 stopping"]);
    assert_eq!(count(&workspace, "stopped"), 120);
}

#[test]
fn waiting_ends_where_it_runs_or_falls_back() {
    let (workspace, ids) = fleet(&json!({
        "instances": [{"state": "stopped", "count": 3}], "databases": [{"id": "orders"}],
    }));
    let reason = "Client.InternalError: Client error on launch";
    workspace.account.options(json!({"failed_starts": {ids[1].as_str(): reason}}));
    workspace.account.clear_calls();
    let run = start(&workspace, &["--target", "ec2", "--wait"]).expect(4);
    run.says(&["3 starting", "2 targets running and 1 not", &ids[1], reason, "kms:CreateGrant"]);
    assert!(calls(&workspace, "ec2:DescribeInstances") <= 7, "{:?}", workspace.account.calls());
    let run = stop(&workspace, &["--target", "*", "--wait"]).expect(0);
    run.says(&["3 targets stopped after"]);
    // What does not come to be in time is told.
    let run = start(&workspace, &["--target", &ids[1], "--wait", "--wait-timeout", "1s"]).expect(4);
    run.says(&["0 targets running and 1 not", "does not run yet"]);
    for args in [&["--wait-timeout", "1s"][..], &["--detailed-exitcode"], &["--format", "json"]] {
        start(&workspace, &[&["--target", "ec2"], args].concat()).expect(1);
    }
}
