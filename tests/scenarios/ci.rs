//! The workflows of `examples/ci`: they parse, and their steps do what they say.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::workspace::{CPU, Run, Workspace};

const GITHUB: &str = "github-actions.yml";
const GITLAB: &str = "gitlab-ci.yml";
const MARKER: &str = "<!-- opsform plan: shop -->";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All texts in a YAML file, read by the Python that runs the emulator.
fn texts_of_yaml(path: &Path) -> Vec<String> {
    let workspace = Workspace::new(CPU); // The emulator has made its Python by now.
    let script = "import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1])), default=str))";
    let mut python = Command::new(root().join("target/aws-emulator/bin/python"));
    let output = python.args(["-c", script]).arg(path).current_dir(workspace.path()).output().unwrap();
    assert!(output.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
    let mut texts = Vec::new();
    collect_texts(&serde_json::from_slice(&output.stdout).unwrap(), &mut texts);
    texts
}

fn collect_texts(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Array(list) => list.iter().for_each(|inner| collect_texts(inner, texts)),
        Value::Object(map) => map.values().for_each(|inner| collect_texts(inner, texts)),
        _ => {}
    }
}

#[test]
fn the_workflows_are_valid_and_their_commands_parse() {
    let workspace = Workspace::new(CPU);
    for file in [GITHUB, GITLAB] {
        let texts = texts_of_yaml(&root().join("examples/ci").join(file));
        let mut seen = Vec::new();
        let command = |line: &str| {
            let line = line.trim();
            Some(line.strip_prefix("exec ").unwrap_or(line))
                .filter(|l| l.starts_with("opsform "))
                .map(str::to_owned)
        };
        for script in texts.iter().filter(|text| text.lines().any(|line| command(line).is_some())) {
            let checked = Command::new("bash").args(["-n", "-c", script]).status().unwrap();
            assert!(checked.success(), "{file}: {script}");
            for line in script.lines().filter_map(command) {
                let command = line.split(['>', '|', '#']).next().unwrap();
                let words: Vec<&str> = command.split_whitespace().skip(1).filter(|w| *w != "2").collect();
                workspace.ok(&[&words[..], &["--help"]].concat());
                seen.push(words[0].to_owned());
            }
        }
        seen.sort();
        assert_eq!(seen, ["apply", "plan", "show"], "{file}");
        assert!(texts.contains(&"<!-- opsform plan: shop -->".to_owned()), "{file}");
    }
}

/// What the workflows do between the commands: the plan of a job is applied by another one.
#[test]
fn the_steps_of_the_workflows_work() {
    let workspace = Workspace::new(&CPU.replace("payments", "shop"));
    workspace.account.seed_instances("us-east-1", json!([{"name": "web-1"}]));
    let texts = texts_of_yaml(&root().join("examples/ci").join(GITHUB));
    let step = texts.iter().find(|text| text.contains("opsform plan --out")).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_opsform"));
    let run = |manifests: &str| {
        let mut bash = Command::new("bash");
        bash.args(["-e", "-o", "pipefail", "-c", step]).current_dir(workspace.path()).env_clear();
        bash.envs(workspace.account.environment())
            .env("PATH", format!("{}:/usr/bin:/bin", program.parent().unwrap().display()))
            .env("OPSFORM_MANIFESTS", manifests)
            .env("MARKER", "<!-- opsform plan: shop -->")
            .env("GITHUB_STEP_SUMMARY", workspace.path().join("step-summary.md"));
        let code = bash.output().unwrap().status.code();
        (code, fs::read_to_string(workspace.path().join("plan.md")).unwrap())
    };
    let (code, comment) = run("manifests");
    assert_eq!(code, Some(0), "{comment}");
    assert!(
        comment.starts_with("<!-- opsform plan: shop -->\n### opsform plan for `shop`: 1 to add"),
        "{comment}"
    );
    workspace.ok(&["apply", "plan.json", "--yes"]).says(&["1 added"]);
    workspace.edit_manifest("[aws]", "max_destroy = 0\n[aws]");
    workspace.edit_manifest("{ ec2 = {} }", "{ ec2 = { names = [\"none\"] } }\nallow_empty = true");
    let (code, comment) = run("manifests");
    assert_eq!(code, Some(1));
    let end =
        "**Plan: 0 to add, 0 to change, 1 to destroy.**\n\n    error: the plan destroys 1 of 1 resource that";
    assert!(comment.contains(end), "{comment}");
    let (code, comment) = run("nowhere");
    assert_eq!(code, Some(1));
    assert!(
        comment.starts_with("<!-- opsform plan: shop -->\n### opsform plan failed\n\n    error: "),
        "{comment}"
    );
}

/// The script of a workflow that holds these words.
fn script(file: &str, words: &str) -> String {
    let texts = texts_of_yaml(&root().join("examples/ci").join(file));
    texts.into_iter().find(|text| text.contains(words)).unwrap()
}

/// Runs a script as a runner does, with these variables and the programs of the folder `bin` before all others.
fn run_script(workspace: &Workspace, script: &str, variables: &[(&str, &str)]) -> Run {
    let script = format!("PATH=\"$PWD/bin:$PATH\"\n{script}");
    let mut bash = Command::new("bash");
    bash.args(["-e", "-o", "pipefail", "-c", &script]).current_dir(workspace.path()).env("MARKER", MARKER);
    Run::of(bash.envs(variables.iter().copied()).output().unwrap())
}

/// Puts a program into the folder `bin`. It notes how it is called in the file `calls`.
fn stub(workspace: &Workspace, name: &str, answers: &str) {
    use std::os::unix::fs::PermissionsExt;
    let text = format!("#!/bin/sh\necho \"$*\" >> calls\ncase \"$*\" in\n{answers}\nesac\n");
    workspace.write(&format!("bin/{name}"), &text);
    let path = workspace.path().join("bin").join(name);
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// The last call that was noted.
fn last_call(workspace: &Workspace) -> String {
    let calls = fs::read_to_string(workspace.path().join("calls")).unwrap();
    calls.lines().last().unwrap().to_owned()
}

#[test]
fn the_comment_on_github_is_the_jobs_own() {
    let workspace = Workspace::new(CPU);
    stub(&workspace, "gh", "*--paginate*) cat comments-1.json comments-2.json;;");
    workspace.write("plan.md", MARKER);
    let step = script(GITHUB, "gh api --paginate");
    let own = "github-actions[bot]";
    let comment = |id: u64, login: &str, body: &str| json!({"id": id, "user": {"login": login, "type": "Bot"}, "body": body});
    let sent = |first: Value, second: Value| {
        workspace.write("comments-1.json", &first.to_string());
        workspace.write("comments-2.json", &second.to_string());
        let author = [("AUTHOR", own), ("GITHUB_REPOSITORY", "acme/ops"), ("PULL_REQUEST", "7")];
        run_script(&workspace, &step, &author).expect(0);
        last_call(&workspace)
    };
    let posted = "api --silent --method POST repos/acme/ops/issues/7/comments -F body=@plan.md";
    let plan = format!("{MARKER}\n### opsform plan");
    assert_eq!(sent(json!([]), json!([])), posted);
    assert_eq!(sent(json!([comment(1, own, "something else")]), json!([])), posted);
    assert_eq!(sent(json!([comment(1, "stranger[bot]", &plan)]), json!([])), posted);
    assert_eq!(
        sent(
            json!([comment(1, "stranger[bot]", &plan), comment(2, own, "else")]),
            json!([comment(3, own, &plan)])
        ),
        "api --silent --method PATCH repos/acme/ops/issues/comments/3 -F body=@plan.md"
    );
    // The login is given to the step as it stands in the workflow.
    assert!(texts_of_yaml(&root().join("examples/ci").join(GITHUB)).contains(&own.to_owned()));
}

#[test]
fn the_note_on_gitlab_is_the_jobs_own() {
    let workspace = Workspace::new(CPU);
    stub(
        &workspace,
        "curl",
        "*/user) echo '{\"id\": 5}';;\n*\"&page=1&\"*) cat notes-1.json;;\n*\"&page=2&\"*) cat notes-2.json;;",
    );
    stub(&workspace, "opsform", &format!("plan*) echo '{MARKER}';;"));
    let job = script(GITLAB, "opsform plan --out");
    let note = |id: u64, author: u64, body: &str| json!({"id": id, "author": {"id": author}, "body": body});
    let variables = [
        ("CI_API_V4_URL", "https://gitlab.example.com/api/v4"),
        ("CI_PROJECT_ID", "3"),
        ("CI_MERGE_REQUEST_IID", "7"),
        ("GITLAB_TOKEN", "T"),
    ];
    let sent = |first: &[Value], second: &[Value]| {
        workspace.write("notes-1.json", &json!(first).to_string());
        workspace.write("notes-2.json", &json!(second).to_string());
        run_script(&workspace, &job, &variables).expect(0);
        let call = last_call(&workspace);
        call.split("--request ").nth(1).unwrap().to_owned()
    };
    let notes = "https://gitlab.example.com/api/v4/projects/3/merge_requests/7/notes";
    let posted = format!("POST --data-urlencode body@plan.md {notes}");
    let plan = format!("{MARKER}\n### opsform plan");
    assert_eq!(sent(&[], &[]), posted);
    assert_eq!(sent(&[note(1, 9, &plan), note(2, 5, "something else")], &[]), posted);
    let many: Vec<Value> = (1..=100).map(|id| note(id, 9, &plan)).collect();
    assert_eq!(sent(&many, &[]), posted);
    let updated = format!("PUT --data-urlencode body@plan.md {notes}/101");
    assert_eq!(sent(&[note(1, 9, &plan), note(101, 5, &plan)], &[]), updated);
    assert_eq!(sent(&many, &[note(101, 5, &plan)]), updated);
    // Without a merge request nobody is told anything.
    fs::remove_file(workspace.path().join("calls")).unwrap();
    run_script(&workspace, &job, &variables[..2]).expect(0);
    assert!(!fs::read_to_string(workspace.path().join("calls")).unwrap().contains("gitlab.example.com"));
}

#[test]
fn a_plan_of_older_manifests_is_not_applied() {
    let workspace = Workspace::new(CPU);
    let step = script(GITHUB, "git fetch");
    let git = |folder: &str, words: &str| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]);
        let run =
            Run::of(git.args(words.split(' ')).current_dir(workspace.path().join(folder)).output().unwrap());
        run.expect(0).stdout.trim().to_owned()
    };
    let commit = |path: &str, text: &str| {
        workspace.write(&format!("origin/{path}"), text);
        git("origin", "add -A");
        git("origin", "commit -q -m change");
        git("origin", "rev-parse HEAD")
    };
    git("", "init -q -b main origin");
    let old = commit("manifests/opsform.toml", "one");
    let url = format!("file://{}/origin", workspace.path().display());
    git("", &format!("clone -q --depth 1 {url} checkout"));
    let check = |sha: &str| {
        let variables = [("GITHUB_SHA", sha), ("GITHUB_REF", "refs/heads/main"), ("GITHUB_REF_NAME", "main")];
        run_script(&workspace, &format!("cd checkout\n{step}"), &variables)
    };
    check(&old).expect(0);
    // What else was merged since does not matter: no newer plan is made for it.
    commit("README.md", "text");
    check(&old).expect(0);
    commit("manifests/opsform.toml", "two");
    check(&old).expect(1).says(&["::error::", "Push again, or re-run the newest run"]);
    check("0123456789012345678901234567890123456789").expect(1);
}

/// A job that is cancelled interrupts the process of its step only.
#[test]
fn the_step_that_applies_is_the_program_itself() {
    let workspace = Workspace::new(CPU);
    stub(&workspace, "opsform", "*) echo $$ > pid;;");
    let step = script(GITHUB, "opsform apply").replace("exec ", "echo $$ > shell; exec ");
    run_script(&workspace, &step, &[]).expect(0);
    let read = |name: &str| fs::read_to_string(workspace.path().join(name)).unwrap();
    assert_eq!(read("pid"), read("shell"));
}
