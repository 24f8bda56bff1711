//! The command line as a user types it.

use std::process::Command;

use serde_json::json;

use crate::workspace::{CPU, REGION, Run, Workspace};

fn small() -> Workspace {
    let workspace = Workspace::new(CPU);
    workspace.account.seed_instances(REGION, json!([{"name": "web-1"}, {"name": "web-2"}]));
    workspace
}

#[test]
fn init_writes_a_manifest_that_validates() {
    let workspace = Workspace::new("");
    std::fs::remove_dir_all(workspace.path().join("manifests")).unwrap();
    workspace.ok(&["init", "--name", "shop"]).says(&["manifests/opsform.toml", "opsform validate"]);
    workspace.ok(&["validate"]).says(&["project \"shop\" is valid: 1 declaration"]);
    workspace.run(&["init"]).expect(1).says(&["manifests/opsform.toml"]);
    workspace.account.seed_instances(REGION, json!([{"name": "web-1", "tags": {"Env": "prod"}}]));
    workspace.ok(&["plan"]).says(&["1 to add"]);
}

#[test]
fn without_a_terminal_apply_wants_yes() {
    let workspace = small();
    for command in ["apply", "destroy"] {
        if command == "destroy" {
            workspace.apply();
        }
        workspace.run(&[command]).expect(1).says(&["no terminal", "--yes"]);
    }
    assert_eq!(workspace.account.alarms(REGION).len(), 2);
}

#[test]
fn help_names_every_command_and_exit_code() {
    let workspace = Workspace::new(CPU);
    let run = workspace.ok(&["--help"]).says(&["Exit codes:", "--detailed-exitcode", "--endpoint-url"]);
    for command in
        ["init", "validate", "plan", "apply", "destroy", "drift", "show", "state", "completions", "man"]
    {
        assert!(run.stdout.contains(&format!("\n  {command}")), "{command}");
        workspace.ok(&[command, "--help"]);
    }
    for command in ["list", "show", "rm", "unlock", "rebuild", "pull", "push", "migrate"] {
        workspace.ok(&["state", command, "--help"]);
    }
    workspace.ok(&["schedule", "preview", "--help"]);
    workspace.run(&["paln"]).expect(1).says(&["plan"]);
    workspace.run(&["plan", "--detailed-exitcode", "--bogus"]).expect(1).says(&["--bogus"]);
}

#[test]
fn completions_and_man_page() {
    let workspace = Workspace::new(CPU);
    for shell in ["bash", "zsh", "fish"] {
        workspace.ok(&["completions", shell]).says(&["detailed-exitcode"]);
    }
    workspace.ok(&["man"]).says(&[".TH opsform"]);
}

#[test]
fn colours_only_where_they_are_wanted() {
    let workspace = small();
    let escape = "\u{1b}[";
    assert!(!workspace.ok(&["plan"]).all().contains(escape));
    assert!(workspace.ok(&["plan", "--color", "always"]).stdout.contains(escape));
    assert!(!workspace.ok(&["plan", "--color", "never"]).all().contains(escape));
    assert!(!workspace.run(&["plan", "--manifests", "nowhere"]).all().contains(escape));
}

#[test]
fn results_go_to_stdout_and_remarks_to_stderr() {
    let workspace = small();
    let run = workspace.ok(&["plan", "-v"]);
    assert!(run.stdout.contains("Plan: 2 to add"));
    let run = workspace.ok(&["plan", "--format", "json"]);
    let plan: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(plan["format"], "opsform-plan");
    assert_eq!(plan["version"], 1);
    assert_eq!(plan["summary"]["counts"]["create"], 2);
    let markdown = workspace.ok(&["plan", "--format", "markdown"]).stdout;
    assert!(markdown.starts_with("<!-- opsform plan: payments"), "{markdown}");
}

#[test]
fn show_and_state_commands() {
    let workspace = small();
    workspace.ok(&["state", "list"]);
    workspace.apply();
    workspace.ok(&["state", "list"]).says(&["alarm.cpu", "web-1: CPU over 80", "web-2: CPU over 80"]);
    let run = workspace.ok(&["state", "list", "web-1"]);
    assert!(!run.stdout.contains("web-2"));
    workspace.ok(&["show", "web-1"]).says(&["threshold", "80", "CPUUtilization"]);
    workspace.ok(&["state", "show", "alarm.*"]).says(&["web-1", "web-2"]);
    let records: serde_json::Value =
        serde_json::from_str(&workspace.ok(&["show", "--json", "web-2"]).stdout).unwrap();
    assert_eq!(records[0]["fields"]["metric"], "CPUUtilization");
    workspace.run(&["state", "show", "web-9"]).expect(1).says(&["web-9", "state list"]);

    workspace.run(&["state", "rm", "web-1"]).expect(1).says(&["--yes"]);
    workspace.ok(&["state", "rm", "web-1", "--yes"]);
    assert_eq!(workspace.recorded(), ["web-2: CPU over 80"]);
    assert_eq!(workspace.account.alarms(REGION).len(), 2, "AWS is not touched");
    workspace.ok(&["state", "unlock", "some-id"]).says(&["not locked"]);
}

#[test]
fn flags_choose_manifest_and_state() {
    let workspace = small();
    std::fs::rename(workspace.path().join("manifests"), workspace.path().join("elsewhere")).unwrap();
    workspace.ok(&["apply", "--yes", "--manifests", "elsewhere", "--state", "deep/er/here.json"]);
    assert!(workspace.path().join("deep/er/here.json").exists());
    workspace
        .ok(&["plan", "--manifests", "elsewhere", "--state", "deep/er/here.json"])
        .says(&["Nothing to do"]);
}

#[test]
fn several_files_are_one_manifest() {
    let workspace = small();
    let (settings, alarm) = CPU.split_once("[[alarm]]").unwrap();
    workspace.write_manifest(settings);
    workspace.write("manifests/alarms/ignored.toml", "not = [toml");
    workspace.write("manifests/alarms.toml", &format!("[[alarm]]{alarm}"));
    workspace.ok(&["plan"]).says(&["2 to add", "alarms.toml"]);
}

/// util-linux has `script` on every Linux; elsewhere the refusal without a terminal is tested above.
fn has_script() -> bool {
    let there = std::path::Path::new("/usr/bin/script").exists();
    assert!(there || !cfg!(target_os = "linux"), "install util-linux: the terminal is tested with `script`");
    there
}

/// A terminal answers for a person: `script` runs the command under one.
#[test]
fn on_a_terminal_apply_asks() {
    let workspace = small();
    let answer = |text: &str, arguments: &str| {
        let program = env!("CARGO_BIN_EXE_opsform");
        let line = format!("printf '{text}\\n' | script -qec '{program} {arguments}' /dev/null");
        let mut command = Command::new("sh");
        command.args(["-c", &line]).current_dir(workspace.path()).env_clear();
        command
            .envs(workspace.account.environment())
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", workspace.path());
        Run::of(command.output().unwrap())
    };
    if !has_script() {
        return;
    }
    answer("no", "apply").says(&["Apply these 2 changes?", "Only \"yes\"", "not applied"]);
    answer("no", "apply --target web-1").says(&["Apply this change?", "not applied"]);
    assert!(workspace.account.alarms(REGION).is_empty());
    answer("yes", "apply").says(&["2 added"]);
    assert_eq!(workspace.account.alarms(REGION).len(), 2);
    answer("no", "destroy").says(&["Destroy all 2 resources of project"]);
    answer("no", "destroy --target web-1").says(&["Destroy the resource of project"]);
    // A saved plan is asked for in the same way.
    workspace.edit_manifest("threshold = 80", "threshold = 85");
    workspace.ok(&["plan", "--out", "plan.json"]);
    answer("no", "apply plan.json").says(&["Apply these 2 changes?", "not applied"]);
    assert_eq!(workspace.account.alarm_names(REGION)[0], "web-1: CPU over 80");
    answer("yes", "apply plan.json").says(&["2 replaced"]);
    assert_eq!(workspace.account.alarm_names(REGION), ["web-1: CPU over 85", "web-2: CPU over 85"]);
}

#[test]
fn what_changed_while_a_person_was_reading_is_not_overwritten() {
    if !has_script() {
        return;
    }
    let workspace = small();
    workspace.apply();
    workspace.edit_manifest("over {{ threshold }}", "over 80");
    workspace.edit_manifest("threshold = 80", "threshold = 85");
    let script = workspace.answering("apply");
    workspace.account.edit_alarm(REGION, "web-1: CPU over 80", json!({"Threshold": 33.0}));
    let run = script.answer("yes");
    run.says(&["web-1: CPU over 80", "threshold", "nothing was applied", "code=5"]);
    assert_eq!(workspace.account.alarm(REGION, "web-1: CPU over 80")["Threshold"], json!(33.0));
}
