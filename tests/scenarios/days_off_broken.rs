//! Schedules with days off where a call fails or never comes, where time passes, and where only a part is asked for.

use std::fs;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::clock::{days_from_today, now};
use crate::days_off::{GROUP, NIGHTS, begin, days_pass, except, expected, parts, workspace};
use crate::workspace::{REGION, Workspace, wait_until};

/// Whether each action has a part that is at work now.
fn now_is_covered(workspace: &Workspace) -> bool {
    let begun = |one: &Value| {
        let start = one["StartDate"].as_f64().map(SignedDuration::from_secs_f64);
        start.is_none_or(|start| start <= now().as_duration())
    };
    ["start", "stop"].iter().all(|action| {
        let of = |one: &&Value| one["Name"].as_str().unwrap().starts_with(&format!("nights.{action}.ec2"));
        workspace.account.schedules(REGION).iter().filter(of).any(begun)
    })
}

/// Applies with a call that is held when the program dies, or that is denied.
fn cut_off(workspace: &Workspace, fault: &Value) {
    workspace.account.faults(json!([fault]));
    if fault["kind"] == "denied" {
        workspace.run(&["apply", "--yes"]).expect(4);
    } else {
        let mut apply = workspace.command(&["apply", "--yes"]).spawn().unwrap();
        wait_until(|| workspace.account.held() >= 1);
        apply.kill().unwrap();
        apply.wait().unwrap();
        workspace.account.release();
    }
    workspace.account.faults(json!([]));
}

#[test]
fn a_new_day_off_leaves_no_time_without_a_schedule() {
    let day = days_from_today();
    for operation in ["CreateSchedule", "UpdateSchedule"] {
        for kind in ["hold_before", "hold_after", "denied"] {
            for skip in [0, 1] {
                let workspace = workspace("[]");
                workspace.apply();
                let before = parts(&workspace);
                except(&workspace, &[day(5)]);
                let fault = json!({"operation": operation, "kind": kind, "skip": skip});
                cut_off(&workspace, &fault);
                let there = parts(&workspace);
                assert!(now_is_covered(&workspace), "{fault}: {there:?}");
                if operation == "CreateSchedule" {
                    assert!(before.iter().all(|line| there.contains(line)), "{fault}: {there:?}");
                }
                workspace.apply();
                assert_eq!(parts(&workspace), expected(&[day(5)]));
                workspace.expect_nothing_to_do();
            }
        }
    }
}

#[test]
fn a_day_off_between_others_cuts_back_after_its_part_is_there() {
    let day = days_from_today();
    let workspace = workspace("[]");
    except(&workspace, &[day(5), day(10)]);
    workspace.apply();
    except(&workspace, &[day(5), day(7), day(10)]);
    workspace.account.faults(json!([{"operation": "CreateSchedule", "kind": "denied"}]));
    workspace.run(&["apply", "--yes"]).expect(4).says(&["1 failed", "Skipped 3", "scheduler:CreateSchedule"]);
    assert_eq!(parts(&workspace), expected(&[day(5), day(10)]));
    workspace.account.faults(json!([]));
    workspace.apply().says(&["2 added", "2 changed"]);
    assert_eq!(parts(&workspace), expected(&[day(5), day(7), day(10)]));
    workspace.expect_nothing_to_do();
}

#[test]
fn what_is_asked_for_cuts_back_nothing_alone() {
    let day = days_from_today();
    let workspace = workspace("[]");
    workspace.apply();
    except(&workspace, &[day(5)]);
    let until = |action: &str| format!("{GROUP}/nights.{action}.ec2.until-{}", day(5));
    let plain = |action: &str| format!("{GROUP}/nights.{action}.ec2");
    // The other action is as it was asked for.
    let mut changes = workspace.changes_with(&["--exclude", &until("stop")]);
    changes.sort();
    assert_eq!(changes, [format!("create {}", until("start")), format!("update {}", plain("start"))]);
    workspace.ok(&["apply", "--yes", "--target", &until("stop")]).says(&["1 added"]);
    workspace.ok(&["apply", "--yes", "--target", &plain("stop")]).says(&["1 changed"]);
    workspace.apply().says(&["1 added", "1 changed"]);
    assert_eq!(parts(&workspace), expected(&[day(5)]));
    workspace.expect_nothing_to_do();
}

#[test]
fn what_is_left_out_of_a_destroy_keeps_its_group() {
    let day = days_from_today();
    let workspace = workspace("[]");
    except(&workspace, &[day(5)]);
    workspace.apply();
    let name = format!("nights.stop.ec2.until-{}", day(5));
    let left = format!("{GROUP}/{name}");
    workspace.ok(&["destroy", "--yes", "--exclude", &left]).says(&[
        "3 destroyed",
        "kept: 1 schedule group",
        &name,
    ]);
    assert_eq!(workspace.account.schedules(REGION).len(), 1);
    assert_eq!(workspace.recorded(), [GROUP.to_owned(), left]);
    // Nor does it go where a part of it cannot.
    let denied = json!([{"operation": "DeleteSchedule", "kind": "denied"}]);
    workspace.account.faults(denied);
    workspace.run(&["destroy", "--yes"]).expect(4).says(&[&name]);
    assert_eq!(workspace.account.schedules(REGION).len(), 1);
    workspace.account.faults(json!([]));
    workspace.ok(&["destroy", "--yes"]).says(&["2 destroyed"]);
    assert_eq!(workspace.account.schedules(REGION), [Value::Null; 0]);
    assert_eq!(workspace.recorded(), [""; 0]);
}

#[test]
fn a_part_that_is_over_and_wanted_again_is_changed() {
    let day = days_from_today();
    let workspace = workspace("[]");
    workspace
        .write_manifest(&NIGHTS.replace("DAYS", &format!("['{}']", day(1))).replace("0 19 *", "59 23 *"));
    workspace.apply();
    let name = format!("nights.stop.ec2.until-{}", day(1));
    // It was to stop at the beginning of the day, which is over; now at its end.
    let earlier = json!({"ScheduleExpression": "cron(0 0 * * ? *)"});
    workspace.account.edit_schedule(REGION, GROUP, &name, earlier);
    assert!(workspace.changes().contains(&format!("update {GROUP}/{name}")));
    workspace.apply().says(&["1 changed"]);
    workspace.expect_nothing_to_do();
    let all = workspace.account.schedules(REGION);
    let stop = all.iter().find(|one| one["Name"] == *name).unwrap();
    assert_eq!(stop["ScheduleExpression"], "cron(59 23 * * ? *)");
    // Also where the state has let go of it.
    workspace.account.edit_schedule(REGION, GROUP, &name, json!({"ScheduleExpression": "cron(0 0 * * ? *)"}));
    workspace.ok(&["state", "rm", "--yes", &format!("{GROUP}/{name}")]);
    workspace.apply().says(&["1 changed"]);
    workspace.expect_nothing_to_do();
}

/// Moves the dates in a document so many days into the past.
fn age_file(path: &Path, days: i64) {
    fn age(value: &mut Value, by: SignedDuration) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    let time = value.as_str().and_then(|text| text.parse::<Timestamp>().ok());
                    match time.filter(|_| key.ends_with("_date")) {
                        Some(time) => *value = time.saturating_sub(by).unwrap().to_string().into(),
                        None => age(value, by),
                    }
                }
            }
            Value::Array(list) => list.iter_mut().for_each(|value| age(value, by)),
            _ => {}
        }
    }
    let mut document: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    age(&mut document, SignedDuration::from_hours(24 * days));
    fs::write(path, document.to_string()).unwrap();
}

fn plan_ages(workspace: &Workspace, days: i64) {
    age_file(&workspace.path().join("plan.json"), days);
}

#[test]
fn time_alone_is_no_drift() {
    let day = days_from_today();
    let workspace = workspace("[]");
    except(&workspace, &[day(2)]);
    workspace.apply();
    workspace.ok(&["drift", "--detailed-exitcode"]).says(&["No drift"]);
    age_file(&workspace.state_file(), 4);
    days_pass(&workspace, 4);
    workspace.ok(&["drift", "--detailed-exitcode"]).says(&["No drift"]);
    workspace.account.pass(REGION, &now().to_string());
    workspace.ok(&["drift", "--detailed-exitcode"]).says(&["No drift"]);
    let changed = json!({"ScheduleExpression": "cron(0 1 * * ? *)"});
    workspace.account.edit_schedule(REGION, GROUP, "nights.stop.ec2", changed);
    workspace.run(&["drift", "--detailed-exitcode"]).says(&["nights.stop.ec2"]);
}

#[test]
fn a_saved_plan_outlives_the_days_that_it_speaks_of() {
    let day = days_from_today();
    let workspace = workspace("[]");
    except(&workspace, &[day(2)]);
    workspace.apply();
    workspace.edit_manifest("opsform-schedule'", "opsform-other'");
    workspace.ok(&["plan", "--out", "plan.json"]);
    plan_ages(&workspace, 4);
    days_pass(&workspace, 4);
    // The last parts have begun, and the others are over.
    workspace.ok(&["apply", "--yes", "plan.json"]).says(&["2 changed"]);
    for one in workspace.account.schedules(REGION) {
        let role = one["Target"]["RoleArn"].as_str().unwrap();
        assert_eq!(role.ends_with("opsform-other"), one["EndDate"].is_null(), "{one}");
    }
}

#[test]
fn what_was_to_begin_by_now_begins_at_once() {
    let day = days_from_today();
    let workspace = workspace("[]");
    except(&workspace, &[day(2)]);
    workspace.ok(&["plan", "--out", "plan.json"]);
    plan_ages(&workspace, 4);
    workspace.ok(&["apply", "--yes", "plan.json"]).says(&["3 added"]);
    assert_eq!(parts(&workspace), ["nights.start.ec2 - -", "nights.stop.ec2 - -"]);
    workspace.apply().says(&["2 added", "2 changed"]);
    assert_eq!(parts(&workspace), expected(&[day(2)]));
    assert!(begin(day(2)) > now());
}
