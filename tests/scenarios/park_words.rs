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
