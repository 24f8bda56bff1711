use serde_json::json;

use crate::declarations::{Manifest, World, block_names};
use crate::inventory::{Fleet, Target, TargetKind};
use crate::manifest::{SourceSet, parse};
use crate::model::{Claim, Desired, Scope};

const BOXES: &str = "[project]\nname = 'payments'\n[[park]]\nlabel = 'boxes'\n\
    for_each = { ec2 = { tags = { Park = '*' } } }\nstate = '{{ tags.Park }}'\n";

fn target(id: &str, park: &str) -> Target {
    Target {
        kind: TargetKind::Ec2,
        scope: Scope::new("111122223333", "us-east-1"),
        id: id.to_owned(),
        name: id.to_owned(),
        state: "stopped".to_owned(),
        tags: [("Park".to_owned(), park.to_owned())].into(),
        attributes: [].into(),
    }
}

fn manifest(text: &str) -> Result<Manifest, Vec<String>> {
    let (document, problems) = parse(&SourceSet::new("m", [("a.toml", text.to_owned())]), &block_names());
    Manifest::new(document, problems).map_err(|problems| problems.into_iter().map(|d| d.summary).collect())
}

fn desired(text: &str, targets: Vec<Target>) -> (Vec<Desired>, Vec<String>) {
    let manifest = manifest(text).unwrap();
    let (scopes, fleet) = ([Scope::new("111122223333", "us-east-1")], Fleet::new(targets));
    let now = jiff::Timestamp::UNIX_EPOCH;
    let world = World::new(&scopes, &scopes, &fleet, now);
    let (desired, problems) = manifest.declarations[0].desired(&world);
    (desired, problems.into_iter().map(|problem| problem.summary).collect())
}

#[test]
fn a_template_may_decide_for_each_instance() {
    let (desired, problems) = desired(BOXES, vec![target("i-1", "parked"), target("i-2", " running ")]);
    assert_eq!(problems, [""; 0]);
    let states: Vec<_> = desired.iter().map(|one| (&*one.address.key, &one.fields["state"])).collect();
    assert_eq!(states, [("i-1", &json!("parked")), ("i-2", &json!("running"))]);
    let why = "because park.boxes wants it parked".to_owned();
    assert_eq!(desired[0].claim, Claim::Correct { why });
    assert!(desired.iter().all(|one| one.fields.len() == 1 && !one.protect));
}

#[test]
fn what_is_no_state_is_told_at_its_place() {
    let (wanted, problems) = desired(BOXES, vec![target("i-1", "Parked"), target("i-2", "yes")]);
    assert!(wanted.is_empty());
    assert_eq!(
        problems,
        ["`state` of park.boxes for 2 targets gave what is neither \"parked\" nor \"running\": \
          \"Parked\" for i-1, \"yes\" for i-2"]
    );
}

#[test]
fn options_go_along() {
    let text = BOXES.to_owned()
        + "keep_snapshots = true\nallow_instance_store = true\nallow_marketplace = true\ninitialization_rate = 300\n";
    let (desired, _) = desired(&text, vec![target("i-1", "parked")]);
    assert_eq!(
        json!(desired[0].fields),
        json!({"state": "parked", "keep_snapshots": true, "allow_instance_store": true,
               "allow_marketplace": true, "initialization_rate": 300})
    );
}

#[test]
fn blocks_that_cannot_be_meant_are_errors() {
    let state = "state = '{{ tags.Park }}'";
    for (from, to, fault) in [
        (state, "state = 'stopped'", "`state`: \"stopped\" is neither \"parked\" nor \"running\""),
        (state, "", "[[park]] has no `state`"),
        (
            "Park = '*' } }",
            "Park = '*' }, state = 'running' }",
            "[[park]] cannot select instances by `state`",
        ),
        ("ec2 = { tags = { Park = '*' } }", "ebs = {}", "instances are parked, and not volumes"),
        (
            "for_each = { ec2 = { tags = { Park = '*' } } }",
            "",
            "parking needs `for_each`: the instances to park",
        ),
        (
            state,
            "state = 'parked'\ninitialization_rate = 99",
            "`initialization_rate`: 99 is not within 100 to 300",
        ),
    ] {
        assert_eq!(manifest(&BOXES.replace(from, to)).unwrap_err(), [fault]);
    }
    let both = BOXES.to_owned() + &BOXES[BOXES.find("[[park]]").unwrap()..].replace("boxes", "others");
    assert!(manifest(&both).is_ok());
}
