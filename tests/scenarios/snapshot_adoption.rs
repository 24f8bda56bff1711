//! Which snapshots without tags a rule of EventBridge took: those are adopted, and what people and other projects made is left
//! alone, untagged and undeleted.

use serde_json::{Value, json};

use crate::snapshot_rules::{DAILY, age, ago, fire, fleet, ids, rules};
use crate::workspace::{REGION, Workspace};

/// A snapshot of a volume that a person took so many days ago at this time.
fn by_hand(volume: &str, days: i64, time: &str, more: Value) -> Value {
    let mut snapshot = json!({"volume": volume, "started": ago(days, time)});
    snapshot.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    snapshot
}

/// Makes snapshots; their ids.
fn seed(workspace: &Workspace, snapshots: Value) -> Vec<String> {
    ids(&workspace.account.seed(json!({ REGION: { "snapshots": snapshots } })), "snapshots")
}

#[test]
fn what_people_made_is_left_alone() {
    let workspace = Workspace::new(&DAILY.replace("keep = \"{{ tags.Daily_Gens }}\"", "keep = 1"));
    let (_, spare) = fleet(&workspace);
    // Before the rule was there, at its time.
    let mut theirs =
        seed(&workspace, json!([1, 2, 3].map(|days| by_hand(&spare, days, "09:30:10", json!({})))));
    assert_eq!(workspace.changes().len(), 2);
    workspace.apply().says(&["2 added"]);
    workspace.expect_nothing_to_do();
    // The same when the rule has been there for a while.
    theirs.extend(seed(&workspace, json!([12, 15].map(|days| by_hand(&spare, days, "09:30:10", json!({}))))));
    for id in theirs.drain(..3) {
        workspace.account.query("ec2", "2016-11-15", REGION, "DeleteSnapshot", &[("SnapshotId", &id)]);
    }
    age(&[&workspace], 11);
    let odd = seed(
        &workspace,
        json!([
            by_hand(&spare, 2, "09:29:59", json!({})),
            by_hand(&spare, 2, "09:32:01", json!({})),
            by_hand(&spare, 2, "09:44:00", json!({})),
            by_hand(&spare, 2, "09:30:10", json!({"tags": {"Name": "before the upgrade"}})),
            by_hand(&spare, 2, "09:30:10", json!({"tags": {"aws:dlm:lifecycle-policy-id": "policy-1"}})),
            by_hand(&spare, 2, "09:30:10", json!({"owner": "222222222222"})),
            by_hand(&spare, 3, "09:30:10", json!({"state": "error"})),
            by_hand(&spare, 4, "09:30:10", json!({"lock": "governance"})),
            by_hand(&spare, 5, "09:30:10", json!({})),
            {"started": ago(2, "09:30:10")},
        ]),
    );
    workspace.account.seed(json!({ REGION: { "images": [{"snapshots": [odd[8]]}] } }));
    theirs.extend(odd);
    workspace.expect_nothing_to_do();
    // One of a person's and the rule's in one firing.
    let both = fire(&workspace, "spare_daily", &ago(6, "09:30:05"));
    let hand = seed(&workspace, json!([by_hand(&spare, 6, "09:31:50", json!({}))]));
    workspace.expect_nothing_to_do();
    workspace.ok(&["plan"]).says(&[
        "nothing says which",
        &both[0],
        &hand[0],
        &spare,
        "give the others a tag",
    ]);
    theirs.extend(hand.into_iter().chain(both));
    // A pending one waits until it is complete.
    workspace.account.options(json!({"slow_snapshots": true}));
    let pending = fire(&workspace, "spare_daily", &ago(2, "09:30:30"));
    workspace.expect_nothing_to_do();
    workspace.account.options(json!({"slow_snapshots": false}));
    workspace.account.finish_snapshots(REGION);
    assert_eq!(workspace.changes(), [format!("adopt {}", pending[0])]);
    // Few calls, and none of them for each volume: tagged ones, those of the volumes, and what is to be adopted.
    workspace.account.clear_calls();
    workspace.ok(&["plan"]);
    let count = |operation: &str| workspace.account.count(&format!("ec2:{operation}"));
    assert_eq!(count("DescribeSnapshots"), 3);
    assert_eq!((count("DescribeImages"), count("DescribeLockedSnapshots")), (1, 1));
    workspace.apply().says(&["1 adopted"]);
    workspace.expect_nothing_to_do();
    // The next one makes it surplus, and nothing else.
    let next = fire(&workspace, "spare_daily", &ago(1, "09:30:30"));
    workspace.apply().says(&["1 adopted", "1 destroyed"]);
    workspace.expect_nothing_to_do();
    let left = workspace.account.snapshots(REGION);
    assert!(left.contains(&next[0]) && !left.contains(&pending[0]));
    workspace.ok(&["destroy", "--yes"]).says(&["2 destroyed"]);
    // All are there but the one that is another account's, and none got our tags.
    let (left, ours) = (workspace.account.snapshots(REGION), workspace.account.snapshots_of_projects(REGION));
    assert_eq!(theirs.iter().filter(|id| !left.contains(*id)).count(), 1);
    assert!(theirs.iter().all(|id| !ours.contains(id)));
    assert_eq!(ours, next.into_iter().collect());
}

#[test]
fn another_projects_rule_on_the_same_volume() {
    let workspace = Workspace::new(DAILY);
    fleet(&workspace);
    let other =
        workspace.beside(&DAILY.replace("\"payments\"", "\"search\"").replace("\"daily\"", "\"nightly\""));
    workspace.apply();
    other.apply();
    let both = [&workspace, &other];
    age(&both, 4);
    // At one time nobody knows which is whose.
    let mut all = fire(&workspace, "spare_daily", &ago(2, "09:30:05"));
    all.extend(fire(&workspace, "spare_nightly", &ago(2, "09:30:40")));
    for project in both {
        project.expect_nothing_to_do();
        project.ok(&["plan"]).says(&["nothing says which", &all[0], &all[1]]);
    }
    // A person who knows says it.
    for (id, tags) in all.iter().zip([("payments", "daily"), ("search", "nightly")]) {
        workspace.account.tag(REGION, id, "opsform:project", tags.0);
        workspace.account.tag(REGION, id, "opsform:label", &format!("snapshot.{}", tags.1));
    }
    for project in both {
        project.expect_nothing_to_do();
        assert!(!project.ok(&["plan"]).all().contains("nothing says which"));
    }
}

#[test]
fn what_a_rule_took_is_adopted_before_the_rule_changes() {
    let workspace = Workspace::new(DAILY);
    let (_, spare) = fleet(&workspace);
    workspace.apply();
    age(&[&workspace], 4);
    let made = fire(&workspace, "spare_daily", &ago(2, "09:30:05"));
    workspace.account.options(json!({"slow_snapshots": true}));
    let pending = fire(&workspace, "spare_daily", &ago(1, "09:30:05"));
    workspace.account.options(json!({"slow_snapshots": false}));
    // At the new time people have taken some, too.
    seed(&workspace, json!([1, 2, 3].map(|days| by_hand(&spare, days, "08:30:10", json!({})))));
    workspace.edit_manifest("cron(30 9", "cron(30 8");
    let plan = workspace.ok(&["plan"]);
    plan.says(&["about to change its rules", &pending[0], "1 to adopt", "2 to change"]);
    assert!(workspace.changes().contains(&format!("adopt {}", made[0])));
    workspace.apply().says(&["1 adopted", "2 changed"]);
    workspace.account.finish_snapshots(REGION);
    workspace.expect_nothing_to_do();
    assert_eq!(rules(&workspace), ["spare_daily 1", "web_daily 2"]);
}

#[test]
fn what_somebody_tags_in_between_is_theirs() {
    let workspace = Workspace::new(DAILY);
    fleet(&workspace);
    workspace.apply();
    age(&[&workspace], 2);
    let made = fire(&workspace, "web_daily", &ago(1, "09:30:05"));
    // A saved plan knows that they had no tag.
    workspace.ok(&["plan", "--out", "plan.json"]).says(&["2 to adopt"]);
    workspace.account.tag(REGION, &made[0], "Name", "mine");
    workspace.run(&["apply", "plan.json", "--yes"]).expect(5).says(&["tags"]);
    assert_eq!(workspace.changes(), [format!("adopt {}", made[1])]);
    // So does the last look before the call.
    workspace.account.faults(json!([{"operation": "DescribeSnapshots", "kind": "hold_before", "skip": 3}]));
    let apply = workspace.command(&["apply", "--yes"]).spawn().unwrap();
    crate::workspace::wait_until(|| workspace.account.held() > 0);
    workspace.account.tag(REGION, &made[1], "Name", "mine, too");
    workspace.account.faults(json!([]));
    workspace.account.release();
    let ended = apply.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned() + &String::from_utf8_lossy(&ended.stdout);
    assert_eq!(ended.status.code(), Some(4), "{said}");
    assert!(said.contains("somebody changed it since the plan was made"), "{said}");
    workspace.expect_nothing_to_do();
}

#[test]
fn two_rules_that_fire_together_adopt_nothing() {
    let weekly = DAILY.split_once("[[snapshot]]").unwrap().1.replace("\"daily\"", "\"twice\"");
    let workspace = Workspace::new(&format!("{DAILY}\n[[snapshot]]{weekly}"));
    fleet(&workspace);
    workspace.apply();
    age(&[&workspace], 2);
    fire(&workspace, "web_daily", &ago(1, "09:30:05"));
    let plan = workspace.ok(&["plan"]);
    plan.says(&[
        "snapshot.daily and snapshot.twice may each have made 2 resources",
        "left alone",
        "Nothing to do",
    ]);
}
