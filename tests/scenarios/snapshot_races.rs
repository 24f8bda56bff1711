//! What becomes of snapshots between a plan that deletes some and the call: by hand, by another rule.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::snapshots::{delete, nine_kept};
use crate::workspace::{REGION, Run, Workspace, wait_until};

/// What somebody does to the nine snapshots.
type Deed = fn(&Workspace, &[String]);

fn newest_are_deleted(workspace: &Workspace, made: &[String]) {
    for snapshot in &made[7..] {
        delete(workspace, snapshot);
    }
}

fn newest_lost_the_tag(workspace: &Workspace, made: &[String]) {
    workspace.account.ec2(REGION, "DeleteTags", &[made[8].clone()], &[("Tag.1.Key", "opsform:label")]);
}

fn another_rules(workspace: &Workspace, made: &[String]) {
    workspace.account.tag(REGION, &made[0], "opsform:label", "snapshot.weekly");
}

fn parked(workspace: &Workspace, made: &[String]) {
    workspace.account.tag(REGION, &made[0], "opsform:parking", "i-1");
}

fn of_an_image(workspace: &Workspace, made: &[String]) {
    workspace.account.seed(json!({ REGION: { "images": [{"snapshots": [made[0]]}] } }));
}

/// Each deed, what is said of it, and how many of the seven snapshots go that a plan with `keep = 2` deletes.
const DEEDS: [(Deed, &str, usize); 5] = [
    (newest_are_deleted, "to stay", 0),
    (newest_lost_the_tag, "to stay", 0),
    (another_rules, "snapshot.weekly", 6),
    (parked, "held_by", 6),
    (of_an_image, "needed by the image", 6),
];

/// Nine snapshots of which seven are to go.
fn seven_go() -> (Workspace, Vec<String>) {
    let (workspace, made) = nine_kept();
    workspace.edit_manifest("keep = 9", "keep = 2");
    (workspace, made)
}

fn left(workspace: &Workspace) -> BTreeSet<String> {
    workspace.account.snapshots(REGION)
}

#[test]
fn a_saved_plan_is_refused() {
    for (deed, said, _) in DEEDS {
        let (workspace, made) = seven_go();
        workspace.ok(&["plan", "--out", "plan.json"]).says(&["7 to destroy"]);
        deed(&workspace, &made);
        let before = left(&workspace);
        let said = said.replace("to stay", "has to stay");
        workspace.run(&["apply", "plan.json", "--yes"]).expect(5).says(&[&said, "nothing was applied"]);
        assert_eq!(left(&workspace), before);
    }
}

#[test]
fn so_is_a_plan_that_somebody_thinks_about() {
    for (deed, said, _) in DEEDS {
        let (workspace, made) = seven_go();
        let asking = workspace.answering("apply");
        deed(&workspace, &made);
        let before = left(&workspace);
        let said = said.replace("to stay", "has to stay");
        asking.answer("yes").says(&["code=5", &said]);
        assert_eq!(left(&workspace), before);
    }
}

/// Does something when an apply is about to look the last time: after all snapshots were found and those that are to go read.
fn before_the_last_look(workspace: &Workspace, deed: impl FnOnce()) -> Run {
    let fault: Value = json!([{"operation": "DescribeSnapshots", "kind": "hold_before", "skip": 2}]);
    workspace.account.faults(fault);
    let run = workspace.command(&["apply", "--yes"]).spawn().unwrap();
    wait_until(|| workspace.account.held() >= 1);
    workspace.account.faults(json!([]));
    deed();
    workspace.account.release();
    Run::of(run.wait_with_output().unwrap())
}

#[test]
fn so_is_a_delete_that_is_about_to_be_sent() {
    for (deed, said, go) in DEEDS {
        let (workspace, made) = seven_go();
        let mut before = BTreeSet::new();
        let run = before_the_last_look(&workspace, || {
            deed(&workspace, &made);
            before = left(&workspace);
        });
        run.expect(4).says(&["left alone", said]);
        assert_eq!(left(&workspace).len(), before.len() - go);
        assert!(left(&workspace).contains(&made[0]));
    }
    let (workspace, made) = seven_go();
    let run = before_the_last_look(&workspace, || delete(&workspace, &made[0]));
    run.expect(0).says(&["7 destroyed"]);
    assert_eq!(left(&workspace), made[7..].iter().cloned().collect());
}

#[test]
fn what_stays_may_be_needed_by_others_too() {
    let (workspace, made) = seven_go();
    // An image uses the newest one and one that would go: that one stays as well, and the other six go.
    workspace.account.seed(json!({ REGION: { "images": [{"snapshots": [made[8], made[0]]}] } }));
    workspace.apply().says(&["6 destroyed"]);
    assert_eq!(left(&workspace), [0, 7, 8].map(|index| made[index].clone()).into());
    workspace.expect_nothing_to_do();
}
