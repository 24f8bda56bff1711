//! What people are told of parked instances, and what other declarations make of them.

use serde_json::{Value, json};

use crate::park::{LAUNCHED, PARK, run_it, seed, state};
use crate::workspace::{REGION, Workspace};

const NIGHTS: &str = "
[[schedule]]
label = 'nights'
for_each = { ec2 = { tags = { Nights = 'yes' } } }
start = 'cron(0 9 ? * MON-FRI *)'
stop = 'cron(0 19 ? * MON-FRI *)'
role_arn = 'arn:aws:iam::{{ account }}:role/opsform-schedule'
";

/// An instance that is stopped for the night and parked, and one that is only stopped.
fn two_with_nights(workspace: &Workspace) -> (String, String) {
    let instance = |name: &str, park: &str| {
        json!({"name": name, "tags": {"Park": park, "Nights": "yes"}, "launched": LAUNCHED, "root": true,
               "root_device": "/dev/xvda"})
    };
    let instances = json!([instance("parked-box", "yes"), instance("night-box", "no")]);
    let ids = workspace.account.seed_instances(REGION, instances);
    (ids[0].clone(), ids[1].clone())
}

fn scheduled(workspace: &Workspace, name: &str) -> (Value, Value) {
    let all = workspace.account.schedules(REGION);
    let schedule = all.iter().find(|schedule| schedule["Name"] == name).unwrap();
    let input: Value = serde_json::from_str(schedule["Target"]["Input"].as_str().unwrap()).unwrap();
    (input["InstanceIds"].clone(), schedule["State"].clone())
}

#[test]
fn a_schedule_leaves_out_what_is_parked_and_starts_the_others() {
    let workspace = Workspace::new(&(PARK.to_owned() + NIGHTS));
    let (parked, other) = two_with_nights(&workspace);
    workspace.ok(&["plan"]).says(&["park.boxes wants it parked, so schedule.nights leaves it out"]);
    workspace.apply();
    for name in ["nights.start.ec2", "nights.stop.ec2"] {
        assert_eq!(scheduled(&workspace, name), (json!([other]), json!("ENABLED")));
    }
    let told = "it is parked (it has no root volume); `opsform unpark` brings it back";
    workspace
        .ok(&["plan", "--detailed-exitcode"])
        .says(&[&format!("left alone: {parked} (parked-box): {told}")]);
    for (action, then) in [("stop", "stopped"), ("start", "running")] {
        let fired = workspace.account.fire(REGION, "opsform-payments", &format!("nights.{action}.ec2"));
        assert_eq!(fired["status"], 200, "{fired}");
        // AWS is on its way when it is asked the first time.
        state(&workspace, &other);
        assert_eq!((&*state(&workspace, &other), &*state(&workspace, &parked)), (then, "stopped"));
    }
    let start = ["power", "start", "--target", &parked, "--yes"];
    workspace.run(&start).expect(4).says(&[told]);
    // Back with the apply after it runs.
    run_it(&workspace);
    workspace.apply().says(&["schedules leave it out until the next apply after it runs"]);
    workspace.apply().says(&["2 changed"]);
    assert_eq!(scheduled(&workspace, "nights.start.ec2").0.as_array().unwrap().len(), 2);
    workspace.expect_nothing_to_do();
}

#[test]
fn a_schedule_of_parked_ones_alone_stays_and_is_disabled() {
    let workspace = Workspace::new(&(PARK.to_owned() + &NIGHTS.replace("Nights", "Park")));
    let instance = seed(&workspace, json!(true), json!([]));
    workspace.apply();
    assert_eq!(scheduled(&workspace, "nights.start.ec2"), (json!([instance]), json!("DISABLED")));
    workspace.expect_nothing_to_do();
    // Without the parking it is another apply that schedules it; with the parking left out it is this one.
    let other = Workspace::new(&(PARK.to_owned() + &NIGHTS.replace("Nights", "Park")));
    seed(&other, json!(true), json!([]));
    other.ok(&["apply", "--yes", "--exclude", "park.boxes"]);
    assert_eq!(scheduled(&other, "nights.start.ec2").1, json!("ENABLED"));
}

/// An apply that waits for snapshots must not stop again what somebody brought back meanwhile.
#[test]
fn by_hand_takes_the_lock_of_the_state() {
    let workspace = Workspace::new(PARK);
    let instance = seed(&workspace, json!(true), json!([{}]));
    workspace.account.options(json!({"slow_snapshots": true}));
    let mut apply = workspace.start(&["apply", "--yes"]);
    apply.until("waits for snap-");
    for by_hand in ["unpark", "park"] {
        workspace.run(&[by_hand, &instance, "--yes"]).expect(6).says(&["locked"]);
    }
    workspace.ok(&["unpark", &instance, "--plan"]).says(&["1. start the instance"]);
    let mut waits = workspace.start(&["unpark", &instance, "--yes", "--lock-timeout", "2m"]);
    waits.until("waiting for the state's lock");
    apply.signal("INT");
    apply.end().expect(130);
    waits.end().expect(0).says(&["Unpark: 1 running again"]);
    assert_eq!(state(&workspace, &instance), "running");
    assert!(workspace.account.snapshots(REGION).is_empty());
}

#[test]
fn what_is_begun_by_hand_says_how_it_is_finished() {
    let workspace = Workspace::new(PARK.split("[[park]]").next().unwrap());
    let instance = seed(&workspace, json!(true), json!([{}]));
    workspace.account.options(json!({"slow_snapshots": true}));
    let again = format!("Run `opsform park {instance}` again to finish the rest: 1 change was begun");
    let only = "`opsform apply` goes on only with what a `[[park]]` asks for";
    workspace.ok(&["park", &instance, "--yes", "--no-wait"]).says(&["Park: 0 parked", &again, only]);
    workspace.account.end_snapshots(REGION, "completed");
    workspace.ok(&["park", &instance, "--yes"]).says(&["Park: 1 parked"]);
    let fault = json!([{"operation": "AttachVolume", "kind": "error", "code": "UnsupportedOperation", "status": 400}]);
    workspace.account.faults(fault);
    let again = format!("until that is mended; run `opsform unpark {instance}` then");
    let stands =
        format!("{instance} (box) is partly parked now, no volume on it; `opsform unpark {instance}` makes");
    workspace.run(&["unpark", &instance, "--yes"]).expect(4).says(&["UnsupportedOperation", &again, &stands]);
    workspace.account.faults(json!([]));
    workspace.ok(&["unpark", &instance, "--yes"]).says(&["Unpark: 1 running again"]);
}

#[test]
fn by_hand_against_the_manifest_is_told() {
    let workspace = Workspace::new(PARK);
    let instance = seed(&workspace, json!(true), json!([]));
    workspace.apply();
    let told = "note: the manifest (park.boxes) wants it parked: the next apply parks it again";
    workspace.ok(&["unpark", &instance, "--plan"]).says(&[told]);
    run_it(&workspace);
    workspace.apply();
    let told = "note: the manifest (park.boxes) wants it to run: the next apply brings it back";
    workspace.ok(&["park", &instance, "--plan"]).says(&[told]);
    // A manifest with a mistake keeps nobody from bringing a machine back.
    workspace.edit_manifest("label = \"boxes\"", "label = \"boxes\"\nlable = 1");
    workspace.run(&["plan"]).expect(1).says(&["lable"]);
    workspace.ok(&["park", &instance, "--yes"]).says(&["Park: 1 parked"]);
    workspace.ok(&["unpark", &instance, "--yes"]).says(&["Unpark: 1 running again"]);
}

#[test]
fn instances_are_named_as_elsewhere() {
    let workspace = Workspace::new(PARK.split("[[park]]").next().unwrap());
    let instance = seed(&workspace, json!(true), json!([]));
    for names_it in [&*instance, "bo*", "tag:Park=yes"] {
        let plan = workspace.run(&["park", names_it, "--plan", "--detailed-exitcode", "--format", "json"]);
        let plan: Value = serde_json::from_str(&plan.expect(2).stdout).unwrap();
        assert_eq!(plan["changes"][0]["address"]["key"], *instance, "{plan}");
    }
    workspace.run(&["park", "rds:orders", "--plan"]).expect(1).says(&["names no instance"]);
    workspace.run(&["park", "box", "other", "--plan"]).expect(1).says(&["there is no instance other in"]);
}

/// One that cannot be parked does not keep everything else of the project from being done.
#[test]
fn what_is_refused_is_left_alone_and_the_rest_is_done() {
    let workspace = Workspace::new(PARK);
    let instance = |name: &str, more: Value| {
        let mut one = json!({"name": name, "tags": {"Park": "yes"}, "launched": LAUNCHED, "root": true});
        one.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        one
    };
    let seeded = json!([instance("box", json!({})), instance("sleeper", json!({"hibernation": true}))]);
    let ids = workspace.account.seed_instances(REGION, seeded);
    let told = format!("left alone: {} (sleeper): hibernation is enabled", ids[1]);
    workspace.ok(&["plan"]).says(&[&told]);
    workspace.apply().says(&["1 changed"]);
    assert_eq!((&*state(&workspace, &ids[0]), &*state(&workspace, &ids[1])), ("stopped", "running"));
    workspace.ok(&["plan"]).says(&[&told, "Nothing to do"]);
    // By hand it is an answer to what was asked.
    workspace.run(&["park", &ids[1], "--yes"]).expect(4).says(&[&told, "the exit code is 4"]);
    workspace.ok(&["park", "sleeper", "--plan"]).says(&[&told]);
}

#[test]
fn plans_say_what_is_deleted_waited_for_and_as_declared() {
    let workspace = Workspace::new(PARK);
    let instance = seed(&workspace, json!(true), json!([{}]));
    let total = "Plan: 0 to add, 0 to change, 1 to park (2 volumes deleted once their snapshots are complete), 0 to destroy.";
    workspace.ok(&["plan"]).says(&[total, "update  parking state", "go by a volume's id end"]);
    let by_name =
        format!("park {instance} (box): 2 volumes deleted once their snapshots are complete; saves $");
    workspace.ok(&["plan", "--detail", "summary"]).says(&[total, &by_name, "loses its public IPv4 address"]);
    let left = format!("left alone: {instance} (box): --no-delete: to park it means 2 volumes deleted once");
    workspace.ok(&["apply", "--yes", "--no-delete"]).says(&[&left, "Nothing to do"]);
    assert_eq!(state(&workspace, &instance), "running");

    workspace.account.options(json!({"slow_snapshots": true}));
    workspace.ok(&["apply", "--yes", "--no-wait"]);
    let plan = workspace
        .ok(&["plan"])
        .says(&["1. wait until every snapshot, begun 20", "is complete, and check each: snap-"]);
    assert!(plan.stdout.contains("(0%)"), "{}", plan.stdout);
    workspace.account.end_snapshots(REGION, "completed");
    workspace.apply();
    workspace.ok(&["plan"]).says(&["Nothing to do: 1 instance (1 parked) is as declared."]);
    run_it(&workspace);
    workspace
        .ok(&["plan"])
        .says(&["1 to unpark, 0 to destroy", "delete parking snapshots, whose volumes are in their places"]);
    workspace.apply();
    workspace.ok(&["plan"]).says(&["Nothing to do: 1 instance (1 running) is as declared."]);
}

#[test]
fn what_an_instance_store_loses_is_told() {
    let workspace = Workspace::new(&PARK.replace("\"parked\"", "\"parked\"\nallow_instance_store = true"));
    let one = |kind: &str| json!({"tags": {"Park": "yes"}, "launched": LAUNCHED, "root": true, "type": kind});
    workspace.account.seed_instances(REGION, json!([one("m5d.large"), one("t3.small")]));
    let plan = workspace.ok(&["plan"]);
    let note = "note: destroys what is on its instance store volumes (m5d.large): no snapshot holds that";
    assert_eq!(plan.stdout.matches(note).count(), 1, "{}", plan.stdout);
    assert_eq!(plan.stdout.matches("destroys what is").count(), 1, "{}", plan.stdout);
}

/// Two blocks that agree today may be edited apart tomorrow.
#[test]
fn one_block_has_the_say_over_an_instance() {
    let block = &PARK[PARK.find("[[park]]").unwrap()..];
    let workspace = Workspace::new(&(PARK.to_owned() + &block.replace("boxes", "others")));
    seed(&workspace, json!(true), json!([]));
    workspace.run(&["plan"]).expect(1).says(&["park.boxes and park.others both want"]);
}

#[test]
fn what_stays_parked_is_named() {
    let workspace = Workspace::new(PARK);
    let instance = seed(&workspace, json!({"tags": {"Name": "box root"}}), json!([{}]));
    workspace.account.options(json!({"slow_snapshots": true}));
    workspace.ok(&["apply", "--yes", "--no-wait"]);
    let list = workspace.ok(&["park", "list"]);
    list.says(&["being parked, stopped", "0 parked instances, 0 GiB; 1 other with parking snapshots"]);
    workspace.account.end_snapshots(REGION, "completed");
    workspace.apply();
    let snapshots: Vec<String> = workspace.account.snapshots(REGION).into_iter().collect();
    let told = format!("{instance} (box) stays parked: the only copies of its volumes are");
    workspace.ok(&["destroy", "--yes"]).says(&[&told, &snapshots[0], &snapshots[1]]);
    let listed: Value =
        serde_json::from_str(&workspace.ok(&["park", "list", "--format", "json"]).stdout).unwrap();
    assert_eq!(listed["parked"][0]["snapshots"].as_array().unwrap().len(), 2);
    workspace.account.terminate(REGION, std::slice::from_ref(&instance));
    workspace.ok(&["park", "list"]).says(&["its instance is gone", "box root"]);
    let gone = format!("{instance} (box root) is gone; what is left of it: snap-");
    workspace.run(&["unpark", &instance, "--yes"]).expect(1).says(&[&gone]);
}

#[test]
fn what_runs_by_one_block_and_is_stopped_by_another_is_told() {
    let workspace = Workspace::new(&(PARK.replace("parked", "running") + NIGHTS));
    let (first, _) = two_with_nights(&workspace);
    let told = format!("park.boxes wants to run what schedule.nights stops: {first} (parked-box)");
    workspace.ok(&["plan"]).says(&[&told, "starts it again"]);
    workspace.edit_manifest("stop = 'cron(0 19 ? * MON-FRI *)'", "");
    assert!(!workspace.ok(&["plan"]).all().contains("what schedule.nights stops"));
}

#[test]
fn capital_letters_are_told_how_to_be_taken() {
    let workspace = Workspace::new(&PARK.replace("state = \"parked\"", "state = \"{{ tags.Wanted }}\""));
    let one = json!({"tags": {"Park": "yes", "Wanted": "Parked"}, "root": true, "launched": LAUNCHED});
    workspace.account.seed_instances(REGION, json!([one]));
    workspace.run(&["plan"]).expect(1).says(&["neither \"parked\" nor \"running\": \"Parked\"", "| lower"]);
    workspace.edit_manifest("{{ tags.Wanted }}", "{{ tags.Wanted | lower }}");
    workspace.apply().says(&["1 changed"]);
}
