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
    workspace.run(&["unpark", &instance, "--yes"]).expect(4).says(&["UnsupportedOperation", &again]);
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
