//! Plans in files: written, shown, applied; refused when the world moved, and finished when they were cut off.

use std::fs;

use serde_json::{Value, json};

use crate::workspace::{CPU, REGION, Workspace, wait_until};

const PLAN: &str = "plan.json";
const APPLY: [&str; 3] = ["apply", "--yes", PLAN];

/// Three instances; names without the threshold, so that a change of it is an update.
fn three() -> Workspace {
    let workspace = Workspace::new(&CPU.replace(" over {{ threshold }}", ""));
    workspace
        .account
        .seed_instances(REGION, json!([{"name": "web-1"}, {"name": "web-2"}, {"name": "web-3"}]));
    workspace
}

/// Three alarms, a saved plan that raises their thresholds, and no calls so far.
fn raised() -> Workspace {
    let workspace = three();
    workspace.apply();
    workspace.edit_manifest("threshold = 80", "threshold = 85");
    save(&workspace);
    workspace.account.clear_calls();
    workspace
}

fn save(workspace: &Workspace) {
    workspace.ok(&["plan", "--out", PLAN]).says(&["the plan is in plan.json; `opsform apply plan.json`"]);
}

fn edit_plan(workspace: &Workspace, edit: impl FnOnce(&mut Value)) {
    let path = workspace.path().join(PLAN);
    let mut plan: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    edit(&mut plan);
    fs::write(path, plan.to_string()).unwrap();
}

#[track_caller]
fn refused(workspace: &Workspace, code: i32, words: &[&str]) {
    workspace.account.clear_calls();
    let before = fs::read_to_string(workspace.state_file()).ok();
    workspace.run(&APPLY).expect(code).says(words);
    assert_eq!(workspace.account.writes(), [""; 0], "nothing is written");
    assert_eq!(fs::read_to_string(workspace.state_file()).ok(), before, "nothing is recorded");
}

#[test]
fn a_plan_is_saved_and_applied_once() {
    let workspace = three();
    save(&workspace);
    assert!(workspace.account.writes().is_empty());
    let text = fs::read_to_string(workspace.path().join(PLAN)).unwrap();
    let plan: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&plan["format"], &plan["version"]), (&json!("opsform-plan"), &json!(1)));
    assert_eq!(plan["saved"], json!({"opsform": env!("CARGO_PKG_VERSION"), "lineage": "", "serial": 0}));
    assert!(!text.contains("not-a-secret"));
    let files = fs::read_dir(workspace.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(files.map(|name| name.into_string().unwrap()).all(|name| !name.starts_with('.')), "left behind");
    // The manifest moves on; the plan says what happens.
    workspace.edit_manifest("threshold = 80", "threshold = 99");
    workspace.run(&["apply", PLAN]).expect(1).says(&["no terminal", "--yes"]);
    workspace.ok(&APPLY).says(&["create", "3 alarms", "3 added"]);
    assert_eq!(workspace.account.alarm(REGION, "web-1: CPU")["Threshold"], json!(80.0));
    assert_eq!(workspace.recorded(), workspace.account.alarm_names(REGION));
    assert_eq!(workspace.changes().len(), 3);

    workspace.account.clear_calls();
    workspace.ok(&APPLY).says(&["Nothing to do: all 3 changes of the plan are done already."]);
    assert!(workspace.account.writes().is_empty());
}

#[test]
fn an_update_with_tags_is_done_once() {
    let workspace = three();
    workspace.apply();
    workspace.edit_manifest("threshold = 80", "threshold = 85\ntags = { team = \"ops\" }");
    save(&workspace);
    workspace.ok(&APPLY).says(&["3 changed"]);
    workspace.account.clear_calls();
    workspace.ok(&APPLY).says(&["Nothing to do: all 3 changes"]);
    assert!(workspace.account.writes().is_empty());
    workspace.expect_nothing_to_do();
}

#[test]
fn an_empty_plan_is_a_plan() {
    let workspace = three();
    workspace.apply();
    save(&workspace);
    workspace.ok(&APPLY).says(&["Nothing to do: the plan has no changes."]);
    workspace.ok(&["show", PLAN]).says(&["Nothing to do", "3 alarms"]);
}

#[test]
fn show_shows_a_saved_plan_in_every_form() {
    let workspace = raised();
    workspace.ok(&["show", PLAN]).says(&["80 → 85", "Plan: 0 to add, 3 to change, 0 to destroy."]);
    workspace.ok(&["show", PLAN, "--detail", "full"]).says(&["web-1: CPU", "web-2: CPU", "web-3: CPU"]);
    workspace.ok(&["show", PLAN, "--format", "markdown"]).says(&["<!-- opsform plan: payments -->"]);
    let shown: Value =
        serde_json::from_str(&workspace.ok(&["show", PLAN, "--format", "json"]).stdout).unwrap();
    assert_eq!(shown["changes"].as_array().unwrap().len(), 3);
    // It needs neither AWS nor a manifest. What is no plan is a pattern.
    assert!(workspace.account.calls().is_empty());
    workspace.ok(&["show", PLAN, "--manifests", "nowhere"]);
    workspace.ok(&["show", "web-1"]).says(&["threshold"]);
    let records: Value = serde_json::from_str(&workspace.ok(&["show", "--format", "json"]).stdout).unwrap();
    assert_eq!(records.as_array().unwrap().len(), 3);
    workspace.run(&["show", "web-1", "--format", "markdown"]).expect(1).says(&["only a saved plan"]);
    workspace.write("web-9", "{}");
    workspace.run(&["show", "web-9"]).expect(1).says(&["nothing in the state matches `web-9`"]);
    workspace.run(&["show", "nofile.json"]).expect(1).says(&["there is no file nofile.json"]);
}

#[test]
fn an_unrelated_change_does_not_make_it_stale() {
    let workspace = raised();
    workspace.account.seed_instances(REGION, json!([{"name": "web-4"}]));
    workspace.ok(&["apply", "--yes", "--target", "web-4"]).says(&["1 added"]);
    workspace.account.clear_calls();
    workspace.ok(&APPLY).says(&["3 changed"]);
    assert_eq!(workspace.account.count("cloudwatch:DescribeAlarms"), 1, "the touched ones, in bulk");
    assert_eq!(workspace.account.count("ec2:DescribeInstances"), 0);
    workspace.expect_nothing_to_do();
    assert_eq!(workspace.recorded().len(), 4);
}

#[test]
fn a_touched_object_that_was_edited_makes_it_stale() {
    let workspace = raised();
    workspace.account.edit_alarm(REGION, "web-2: CPU", json!({"Threshold": 33.0, "ActionsEnabled": false}));
    refused(
        &workspace,
        5,
        &["\"web-2: CPU\" was changed (actions_enabled, threshold)", "nothing was applied"],
    );
    workspace.account.delete_alarm(REGION, "web-2: CPU");
    refused(&workspace, 5, &["\"web-2: CPU\" was deleted", "make a new plan"]);
}

#[test]
fn what_was_to_be_created_and_is_there_by_now_makes_it_stale() {
    let workspace = three();
    save(&workspace);
    workspace.beside(&CPU.replace(" over {{ threshold }}", "").replace("payments", "search")).apply();
    refused(&workspace, 5, &["became another project's, \"search\""]);
}

#[test]
fn what_another_project_took_over_is_not_touched() {
    let workspace = raised();
    let tags = json!({"opsform:project": "search", "opsform:label": "alarm.theirs"});
    workspace.account.edit_alarm(REGION, "web-1: CPU", json!({"Tags": tags}));
    refused(&workspace, 5, &["\"web-1: CPU\" became another project's, \"search\""]);
}

#[test]
fn what_lost_the_tag_is_neither_changed_nor_deleted() {
    let workspace = raised();
    workspace.account.edit_alarm(REGION, "web-1: CPU", json!({"Tags": {"team": "theirs"}}));
    refused(&workspace, 5, &["\"web-1: CPU\" is no longer this project's", "nothing was applied"]);
    workspace.account.edit_alarm(REGION, "web-1: CPU", json!({"Tags": {"opsform:project": "payments"}}));
    workspace.write_manifest(CPU.split("[[alarm]]").next().unwrap());
    save(&workspace);
    workspace.account.edit_alarm(REGION, "web-1: CPU", json!({"Tags": {"team": "theirs"}}));
    refused(&workspace, 5, &["\"web-1: CPU\" is no longer this project's", "nothing was applied"]);
}

#[test]
fn what_the_state_let_go_of_is_neither_changed_nor_deleted() {
    let no_longer = ["\"web-1: CPU\" is no longer recorded in the state", "nothing was applied"];
    let workspace = raised();
    workspace.ok(&["state", "rm", "web-1*", "--yes"]);
    refused(&workspace, 5, &no_longer);
    // Planned anew, it is ours by its tag, and said to be so.
    save(&workspace);
    workspace.ok(&APPLY).says(&["3 changed"]);
    workspace.write_manifest(CPU.split("[[alarm]]").next().unwrap());
    save(&workspace);
    workspace.ok(&["state", "rm", "web-1*", "--yes"]);
    refused(&workspace, 5, &no_longer);
    assert_eq!(workspace.account.alarms(REGION).len(), 3);
}

#[test]
fn the_old_half_of_a_rename_that_the_state_let_go_of_stays() {
    let workspace = three();
    workspace.apply();
    workspace.edit_manifest("}: CPU", "}: load");
    save(&workspace);
    workspace.ok(&["state", "rm", "web-1*", "--yes"]);
    refused(&workspace, 5, &["\"web-1: CPU\" is no longer recorded in the state"]);
}

#[test]
fn the_record_of_what_lost_the_tag_is_dropped_by_a_saved_plan() {
    let workspace = three();
    workspace.apply();
    workspace.account.edit_alarm(REGION, "web-1: CPU", json!({"Tags": {"team": "theirs"}}));
    workspace.write_manifest(CPU.split("[[alarm]]").next().unwrap());
    save(&workspace);
    workspace.ok(&APPLY).says(&["2 destroyed", "1 forgotten"]);
    assert_eq!(workspace.account.alarm_names(REGION), ["web-1: CPU"]);
    assert!(workspace.recorded().is_empty());
    workspace.expect_nothing_to_do();
}

#[test]
fn what_is_at_its_target_counts_as_done() {
    let workspace = raised();
    workspace.account.edit_alarm(REGION, "web-1: CPU", json!({"Threshold": 85.0}));
    workspace.ok(&APPLY).says(&["1 change of the plan is done already; what is left:", "2 changed"]);
    workspace.expect_nothing_to_do();
    workspace.ok(&["drift", "--detailed-exitcode"]);
}

#[test]
fn deleted_meanwhile_what_was_to_be_deleted() {
    let workspace = three();
    workspace.apply();
    workspace.write_manifest(CPU.split("[[alarm]]").next().unwrap());
    save(&workspace);
    workspace.account.delete_alarm(REGION, "web-1: CPU");
    workspace.ok(&APPLY).says(&["2 destroyed"]);
    assert!(workspace.account.alarms(REGION).is_empty());
    assert!(workspace.recorded().is_empty());
    workspace.expect_nothing_to_do();
}

#[test]
fn what_is_protected_by_now_is_not_deleted() {
    let workspace = three();
    workspace.apply();
    let manifest = fs::read_to_string(workspace.path().join("manifests/opsform.toml")).unwrap();
    workspace.write_manifest(CPU.split("[[alarm]]").next().unwrap());
    save(&workspace);
    workspace.write_manifest(&manifest.replace("threshold = 80", "threshold = 80\nprotect = true"));
    workspace.apply();
    refused(&workspace, 5, &["\"web-1: CPU\" was protected"]);
}

#[test]
fn what_the_manifest_protects_by_now_is_not_deleted() {
    let workspace = Workspace::new(&CPU.replace(" over {{ threshold }}", ""));
    let ids = workspace.account.seed_instances(REGION, json!([{"name": "web-1"}, {"name": "web-2"}]));
    workspace.apply();
    workspace.account.terminate(REGION, &ids[..1]);
    save(&workspace);
    workspace.edit_manifest("threshold = 80", "threshold = 80\nprotect = true");
    refused(&workspace, 5, &["\"web-1: CPU\" was protected"]);
}

#[test]
fn records_that_are_newer_than_the_plan_are_kept() {
    let workspace = raised();
    // A plan takes over a new label; another apply protects everything in between.
    workspace.edit_manifest("label = \"cpu\"", "label = \"processor\"");
    workspace.ok(&["plan", "--out", "labels.json", "--exclude", "web-1"]);
    workspace.edit_manifest("threshold = 85", "threshold = 80\nprotect = true");
    workspace.apply();
    for plan in [PLAN, "labels.json"] {
        workspace.ok(&["apply", "--yes", plan]);
    }
    let resources = workspace.state()["resources"].as_array().unwrap().clone();
    assert!(
        resources.iter().all(|r| r["protect"] == true && r["fields"]["threshold"] == 85.0),
        "{resources:?}"
    );
}

#[test]
fn a_new_label_is_taken_over_by_a_saved_plan() {
    let workspace = three();
    workspace.apply();
    workspace.edit_manifest("label = \"cpu\"", "label = \"processor\"");
    save(&workspace);
    workspace.account.clear_calls();
    workspace.ok(&APPLY).says(&["Nothing to do"]);
    assert!(workspace.account.writes().is_empty());
    assert_eq!(workspace.state()["resources"][0]["label"], "alarm.processor");
}

#[test]
fn an_apply_that_was_killed_is_finished_by_another() {
    for (fault, made) in [("hold_before", 4), ("hold_after", 12)] {
        let workspace = Workspace::new(CPU);
        let instances: Vec<_> = (1..=12).map(|n| json!({"name": format!("web-{n:02}")})).collect();
        workspace.account.seed_instances(REGION, instances.into());
        save(&workspace);
        workspace.account.faults(json!([{"operation": "PutMetricAlarm", "kind": fault, "skip": 4}]));
        let mut apply = workspace.command(&APPLY).spawn().unwrap();
        wait_until(|| workspace.account.held() >= 8);
        apply.kill().unwrap();
        apply.wait().unwrap();
        workspace.account.release();
        workspace.account.faults(json!([]));
        assert_eq!(workspace.account.alarms(REGION).len(), made, "{fault}");
        workspace.account.clear_calls();
        workspace.ok(&APPLY).says(&["done already"]);
        assert_eq!(workspace.account.writes().len(), 12 - made, "{fault}");
        assert_eq!(workspace.recorded(), workspace.account.alarm_names(REGION));
        assert_eq!(workspace.state()["unconfirmed"], json!(null));
        workspace.expect_nothing_to_do();
        workspace.ok(&APPLY).says(&["Nothing to do: all 12 changes"]);
    }
}

#[test]
fn a_replace_that_was_killed_in_its_middle_is_finished() {
    let workspace = Workspace::new(CPU);
    workspace.account.seed_instances(REGION, json!([{"name": "web-1"}, {"name": "web-2"}]));
    workspace.apply();
    workspace.edit_manifest("threshold = 80", "threshold = 85");
    save(&workspace);
    workspace.account.faults(json!([{"operation": "DeleteAlarms", "kind": "hold_before"}]));
    let mut apply = workspace.command(&APPLY).spawn().unwrap();
    wait_until(|| workspace.account.held() >= 1);
    apply.kill().unwrap();
    apply.wait().unwrap();
    workspace.account.release();
    workspace.account.faults(json!([]));
    assert_eq!(workspace.account.alarms(REGION).len(), 4);
    workspace.ok(&APPLY).says(&["2 destroyed"]);
    assert_eq!(workspace.account.alarm_names(REGION), ["web-1: CPU over 85", "web-2: CPU over 85"]);
    assert_eq!(workspace.recorded(), workspace.account.alarm_names(REGION));
    workspace.expect_nothing_to_do();
}

#[test]
fn what_blocks_an_apply_blocks_a_saved_one() {
    let workspace = three();
    workspace.beside(&CPU.replace(" over {{ threshold }}", "").replace("payments", "search")).apply();
    workspace.run(&["plan", "--out", PLAN]).expect(1).says(&["3 conflicts"]);
    assert!(!workspace.path().join(PLAN).exists(), "what is refused is not saved");
    let workspace = raised();
    edit_plan(&workspace, |plan| plan["changes"][0]["verb"] = json!("conflict"));
    refused(&workspace, 1, &["the plan has 1 conflict"]);
}

#[test]
fn files_that_cannot_be_applied() {
    let workspace = raised();
    workspace.run(&["apply", "--yes", "nowhere.json"]).expect(1).says(&["cannot read the plan nowhere.json"]);
    edit_plan(&workspace, |plan| plan["version"] = json!(99));
    refused(&workspace, 1, &["format version 99", "update opsform"]);
    workspace.run(&["show", PLAN]).expect(1).says(&["format version 99"]);
    edit_plan(&workspace, |plan| {
        plan["version"] = json!(1);
        plan["changes"][0]["address"]["kind"] = json!("kind_of_tomorrow");
    });
    refused(&workspace, 1, &["kind `kind_of_tomorrow`", "update opsform"]);
    edit_plan(&workspace, |plan| plan["changes"][0]["after"] = json!(null));
    refused(&workspace, 1, &["plan.json: it is a damaged plan: the change of \"web-1: CPU\" has no `after`"]);
    for text in ["", "{\"format\": \"opsform-pl", "{\"format\": \"other\"}", "threshold = 80"] {
        workspace.write(PLAN, text);
        refused(&workspace, 1, &["plan.json: it is not a plan", "opsform plan --out FILE"]);
    }
    let printed = workspace.ok(&["plan", "--format", "json"]).stdout;
    workspace.write(PLAN, &printed);
    refused(&workspace, 1, &["a plan that was printed"]);
}

#[test]
fn plans_of_another_project_account_or_state() {
    let workspace = raised();
    workspace.edit_manifest("\"payments\"", "\"search\"");
    refused(&workspace, 1, &["the plan is one of project \"payments\"", "of project \"search\""]);
    workspace.edit_manifest("\"search\"", "\"payments\"");

    let state = fs::read_to_string(workspace.state_file()).unwrap();
    fs::remove_file(workspace.state_file()).unwrap();
    refused(&workspace, 1, &["the plan was made from a state", "serial 2", "--state"]);
    let parsed: Value = serde_json::from_str(&state).unwrap();
    let lineage = parsed["lineage"].as_str().unwrap().to_owned();
    workspace.write("state/payments.json", &state.replace(&lineage, "another"));
    refused(&workspace, 1, &["the plan was made from another state", &lineage]);
    workspace.write("state/payments.json", &state);

    workspace
        .run(&["apply", "--yes", PLAN, "--region", "eu-west-1"])
        .expect(1)
        .says(&["us-east-1", "--region"]);
    for flag in [&["--target", "web-1"][..], &["--exclude", "web-1"], &["--adopt"], &["--no-delete"]] {
        workspace.run(&[&APPLY, flag].concat()).expect(1).says(&[flag[0], "cannot be used with"]);
    }
    workspace.ok(&APPLY).says(&["3 changed"]);
}

#[test]
fn credentials_of_another_account() {
    let workspace = three();
    save(&workspace);
    let other = three();
    fs::copy(workspace.path().join(PLAN), other.path().join(PLAN)).unwrap();
    refused(
        &other,
        1,
        &["the plan changes something in account", workspace.account.id(), other.account.id()],
    );
}

#[test]
fn a_summary_for_a_job() {
    let workspace = raised();
    workspace.ok(&["plan", "--summary", "summary.json", "-q"]);
    let summary: Value =
        serde_json::from_str(&fs::read_to_string(workspace.path().join("summary.json")).unwrap()).unwrap();
    assert_eq!(summary["format"], "opsform-summary");
    assert_eq!((&summary["project"], &summary["counts"]["update"]), (&json!("payments"), &json!(3)));
    // It is written also where the plan is refused.
    workspace.write_manifest(CPU.split("[[alarm]]").next().unwrap());
    workspace.run(&["plan", "--summary", "refused.json", "--max-destroy", "0"]).expect(1);
    assert!(fs::read_to_string(workspace.path().join("refused.json")).unwrap().contains("\"delete\": 3"));
}

#[test]
fn a_region_that_the_manifest_no_longer_lists_is_left_alone() {
    let workspace = three();
    let both = "[\"us-east-1\", \"eu-west-1\"]";
    workspace.account.seed_instances("eu-west-1", json!([{"name": "eu-1"}]));
    workspace.edit_manifest("[\"us-east-1\"]", both);
    save(&workspace);
    workspace.edit_manifest(both, "[\"us-east-1\"]");
    refused(&workspace, 1, &["eu-west-1, which the manifest no longer lists", "make a new plan"]);
    // What is owned there may be deleted, and nothing else.
    workspace.edit_manifest("[\"us-east-1\"]", both);
    workspace.apply();
    workspace.edit_manifest("threshold = 80", "threshold = 85");
    save(&workspace);
    workspace.edit_manifest(both, "[\"us-east-1\"]");
    refused(&workspace, 1, &["eu-west-1, which the manifest no longer lists"]);
    save(&workspace);
    workspace.ok(&APPLY).says(&["3 changed, 1 destroyed"]);
    assert!(workspace.account.alarms("eu-west-1").is_empty());
}

#[test]
fn a_plan_that_was_edited_by_hand_does_not_pretend() {
    let workspace = raised();
    edit_plan(&workspace, |plan| plan["changes"][0]["fields"] = json!([]));
    refused(&workspace, 1, &["damaged plan", "other `fields` than those that differ"]);
    save(&workspace);
    edit_plan(&workspace, |plan| {
        let again = plan["changes"][0].clone();
        plan["changes"].as_array_mut().unwrap().push(again);
    });
    refused(&workspace, 1, &["damaged plan", "is in it twice"]);
}
