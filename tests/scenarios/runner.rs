//! The runner of jobs: packaged, deployed, changed one thing at a time, fired, and removed.

use std::fs;
use std::io::{Cursor, Read};
use std::process::Command;

use serde_json::{Value, json};

use crate::lambda_api::Function;
use crate::workspace::{REGION, Run, Workspace};

const BUCKET: &str = "acme-opsform";

const MANIFEST: &str = r#"
[project]
name = "payments"

[aws]
regions = ["us-east-1"]

[aws.rates]
StopInstances = 1000

[state]
s3 = { bucket = "acme-opsform", key = "payments.json", region = "us-east-1" }

[runner]
memory = 256
dead_letter_arn = "arn:aws:sqs:us-east-1:111122223333:opsform-failed"

[[tags]]
label = "ownership"
for_each = { ec2 = {} }
require.owner = {}

[[job]]
label = "audit"
run = ["audit"]
schedule = "cron(0 10 ? * MON-FRI *)"
timezone = "Asia/Seoul"

[[job]]
label = "drift"
run = ["drift"]
schedule = "rate(1 hour)"

[[job]]
label = "park-stopped"
run = ["park", "{{ instance }}", "--yes", "--no-wait"]
on = { ec2_state = "stopped", tags = { Park = "yes" } }
"#;

/// A program that starts in Lambda, and does nothing: an ELF header with one segment, and code that ends it.
fn small_program() -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(16, 0);
    bytes.extend([2, 0, 62, 0, 1, 0, 0, 0]);
    for number in [0x40_0078_u64, 64, 0] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend([0, 0, 0, 0, 64, 0, 56, 0, 1, 0, 64, 0, 0, 0, 0, 0]);
    bytes.extend([1, 0, 0, 0, 5, 0, 0, 0]);
    for number in [0_u64, 0x40_0000, 0x40_0000, 0x84, 0x84, 0x1000] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend([0x31, 0xff, 0xb8, 60, 0, 0, 0, 0x0f, 0x05]);
    bytes
}

fn workspace(manifest: &str) -> Workspace {
    let workspace = Workspace::new(manifest);
    workspace.account.create_bucket(REGION, BUCKET);
    workspace.write_bytes("small", &small_program());
    workspace
}

fn package(workspace: &Workspace) -> Run {
    workspace.ok(&["runner", "package", "--binary", "small"])
}

/// `verb kind` of each change, sorted.
fn changes(workspace: &Workspace) -> Vec<String> {
    let run = workspace.run(&["plan", "--format", "json"]);
    let plan: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("no JSON: {}", run.all()));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let changes = plan["changes"].as_array().unwrap().iter();
    let mut changes: Vec<String> =
        changes.map(|c| format!("{} {}", text(&c["verb"]), text(&c["address"]["kind"]))).collect();
    changes.sort();
    changes
}

#[test]
fn deployed_changed_fired_and_removed() {
    let workspace = workspace(MANIFEST);
    workspace
        .run(&["plan"])
        .expect(1)
        .says(&["no package at dist/opsform-runner.zip", "opsform runner package"]);
    package(&workspace).says(&["static x86_64 program", "1 file of the manifest", "SHA-256"]);
    let all = [
        "create event_rule",
        "create iam_role",
        "create iam_role",
        "create lambda_function",
        "create lambda_permission",
        "create log_group",
        "create schedule",
        "create schedule",
        "create schedule_group",
    ];
    assert_eq!(changes(&workspace), all);
    workspace.account.options(json!({"role_lag": 2, "slow_functions": 1}));
    workspace.apply().says(&["9 added"]);
    assert_eq!(changes(&workspace), [""; 0]);
    // The same package, made again, is the same.
    package(&workspace);
    assert_eq!(changes(&workspace), [""; 0]);

    check_what_was_made(&workspace);
    fire(&workspace);

    // Another time is one update; that the package holds the old one is told.
    workspace.edit_manifest("cron(0 10 ", "cron(30 9 ");
    workspace.ok(&["plan"]).says(&["holds another manifest than this one", "manifests/opsform.toml differs"]);
    assert_eq!(changes(&workspace), ["update schedule"]);
    package(&workspace);
    assert_eq!(changes(&workspace), ["update lambda_function", "update schedule"]);
    workspace.apply();
    assert_eq!(changes(&workspace), [""; 0]);

    // A job that is no more is one delete, also the one that what is shared was made for; the role loses what only that job needed.
    let text = fs::read_to_string(workspace.path().join("manifests/opsform.toml")).unwrap();
    let (before, rest) = text.split_once("[[job]]\nlabel = \"audit\"").unwrap();
    let (_, after) = rest.split_once("[[job]]").unwrap();
    workspace.write_manifest(&format!("{before}[[job]]{after}"));
    assert_eq!(changes(&workspace), ["delete schedule"]);
    package(&workspace);
    workspace.apply();
    assert_eq!(changes(&workspace), [""; 0]);

    workspace.account.iam("CreateRole", &[("RoleName", "others"), ("AssumeRolePolicyDocument", TRUST)]);
    workspace.ok(&["destroy", "--yes"]);
    assert!(workspace.account.functions(REGION).is_empty() && workspace.account.schedules(REGION).is_empty());
    assert!(workspace.account.rules(REGION).is_empty() && workspace.account.log_groups(REGION).is_empty());
    let roles = workspace.account.roles();
    assert_eq!(roles.len(), 1, "{roles:?}");
    assert_eq!(roles[0]["RoleName"], "others");
}

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

fn check_what_was_made(workspace: &Workspace) {
    let function = &workspace.account.functions(REGION)[0];
    assert_eq!(function["FunctionName"], "opsform-payments-runner");
    assert_eq!((&function["MemorySize"], &function["Timeout"]), (&json!(256), &json!(900)));
    let zip = workspace.account.function_zip(REGION, "opsform-payments-runner");
    let mut zip = zip::ZipArchive::new(Cursor::new(zip)).unwrap();
    let mut manifest = String::new();
    zip.by_name("manifests/opsform.toml").unwrap().read_to_string(&mut manifest).unwrap();
    assert_eq!(manifest, MANIFEST);
    let roles = workspace.account.roles();
    let role = |name: &str| {
        let role = roles.iter().find(|role| role["RoleName"] == name);
        role.unwrap_or_else(|| panic!("{roles:?}")).to_string()
    };
    let runner = role("opsform-payments.runner.us-east-1");
    for needed in [
        "ec2:DescribeInstances",
        "ec2:CreateSnapshots",
        "logs:PutLogEvents",
        "s3:GetObject",
        "sqs:SendMessage",
        "lambda:GetFunction",
    ] {
        assert!(runner.contains(needed), "no {needed} in {runner}");
    }
    // It reads what it is deployed with, and changes none of it.
    for none in ["iam:PutRolePolicy", "iam:PassRole", "lambda:UpdateFunctionCode", "scheduler:CreateSchedule"]
    {
        assert!(!runner.contains(none), "{none} in {runner}");
    }
    let scheduler = role("opsform-payments.runner-scheduler.us-east-1");
    assert!(
        scheduler.contains("lambda:InvokeFunction") && scheduler.contains("aws:SourceAccount"),
        "{scheduler}"
    );
    assert_eq!(workspace.account.log_groups(REGION)[0]["Retention"], 30);
}

/// What AWS gives the function is what the program takes.
fn fire(workspace: &Workspace) {
    workspace.account.fire(REGION, "opsform-payments", "job.audit.run");
    let web = workspace
        .account
        .seed_instances(REGION, json!([{"name": "web-1", "tags": {"owner": "kim"}}]))
        .remove(0);
    workspace.account.ec2(REGION, "StopInstances", std::slice::from_ref(&web), &[]);
    let fired = workspace.account.fired();
    assert_eq!(fired.len(), 2, "{fired:?}");
    assert_eq!((&fired[0]["event"], &fired[0]["status"]), (&json!({"job": "audit"}), &json!(202)));
    assert_eq!((&fired[1]["event"]["job"], &fired[1]["status"]), (&json!("park-stopped"), &json!(202)));
    assert_eq!(fired[1]["event"]["event"]["detail"]["instance-id"], json!(web));
    workspace.account.clear_calls();
    let mut function = Function::start(workspace.command(&[]), workspace.path());
    assert_eq!(function.invoke(&fired[0]["event"]).done()["counts"]["findings"], 0);
    let answer = function.invoke(&fired[1]["event"]).done();
    assert!(answer["skipped"].as_str().unwrap().contains("does not have the tag \"Park\""), "{answer}");
    // A job that looks at the whole project leaves what it runs on alone.
    let drift = function.invoke(&json!({"job": "drift"})).done();
    assert_eq!(drift["counts"]["findings"], 0, "{drift}");
    expect_allowed(workspace);
}

/// Everything that the function called, its role allows.
fn expect_allowed(workspace: &Workspace) {
    let roles = workspace.account.roles();
    let role = roles
        .iter()
        .find(|role| role["RoleName"] == "opsform-payments.runner.us-east-1")
        .unwrap()
        .to_string();
    let calls = workspace.account.calls();
    assert!(calls.len() > 5, "{calls:?}");
    for call in calls.keys().filter(|call| *call != "sts:GetCallerIdentity") {
        let action = call.replace("tagging:", "tag:").replace("ListObjectsV2", "ListBucket");
        assert!(
            role.contains(&format!("\"{action}")) || role.contains(&format!("{action}\\\"")),
            "{action} is not in {role}"
        );
    }
}

#[test]
fn an_apply_within_a_job_leaves_its_own_ground_alone() {
    let manifest = MANIFEST.replace("run = [\"drift\"]", "run = [\"apply\", \"--yes\"]");
    let workspace = workspace(&manifest);
    package(&workspace);
    workspace.apply();
    let before = workspace.account.functions(REGION);
    let mut function = Function::start(workspace.command(&[]), workspace.path());
    fs::remove_file(workspace.path().join("dist/opsform-runner.zip")).unwrap();
    let answer = function.invoke(&json!({"job": "drift"})).done();
    assert_eq!((&answer["exit"], &answer["counts"]["changes"]), (&json!(0), &json!(0)), "{answer}");
    assert_eq!(workspace.account.functions(REGION), before);
    drop(function);
    package(&workspace);
    assert_eq!(changes(&workspace), [""; 0]);
}

#[test]
fn a_program_that_would_not_start_is_refused() {
    let workspace = workspace(MANIFEST);
    workspace.write("script", "#!/bin/sh\n");
    let run = workspace.run(&["runner", "package", "--binary", "script"]).expect(1);
    run.says(&["script would not start in Lambda: it is no program for Linux", "cargo zigbuild"]);
    let run = workspace.run(&["runner", "package", "--binary", "small", "--architecture", "arm64"]).expect(1);
    run.says(&["it is a program for x86_64, and the function is for arm64"]);
    assert!(!workspace.path().join("dist").exists());
    workspace.write("dist/opsform-runner.zip", "no zip");
    workspace.run(&["plan"]).expect(1).says(&["is no package of opsform", "opsform runner package"]);
}

/// The program of this test itself, from its package: unpacked, started as `bootstrap` where Lambda unpacks it, with nothing but what is there.
#[test]
fn the_packaged_bootstrap_serves_jobs() {
    let workspace = workspace(MANIFEST);
    let run = workspace.run(&["runner", "package", "--architecture", lambda_architecture()]);
    if run.code == Some(1) {
        // This machine's glibc is newer than Lambda's, and the test's program is linked to it.
        run.expect(1).says(&["would not start in Lambda: it needs glibc", "musl"]);
        return;
    }
    run.expect(0);
    let task = workspace.path().join("task");
    fs::create_dir(&task).unwrap();
    let file = fs::File::open(workspace.path().join("dist/opsform-runner.zip")).unwrap();
    zip::ZipArchive::new(file).unwrap().extract(&task).unwrap();
    let of_workspace = workspace.command(&[]);
    let mut command = Command::new(task.join("bootstrap"));
    let environment =
        of_workspace.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
    command.env_clear().envs(environment).current_dir(&task);
    let mut function = Function::start(command, workspace.path());
    println!("cold start: {:?}", function.cold_start);
    workspace.account.seed_instances(REGION, json!([{"name": "web-1"}]));
    for job in ["audit", "drift"] {
        let answer = function.invoke(&json!({ "job": job })).done();
        assert_eq!(answer["exit"], 0, "{answer}");
    }
}

#[test]
fn what_is_wrong_with_a_runner_and_its_jobs_is_told_at_its_place() {
    let manifest = r#"
[project]
name = "payments"

[aws]
regions = ["us-east-1", "eu-west-1"]

[runner]
memory = 64
timeout = "16m"
architecture = "arm"
role = "admin"
log_retention_days = 31
region = "ap-northeast-2"
account = "prod"
package = "s3://bucket/x.zip"
manifests = "s3://bucket/x"
retries = 3

[[job]]
label = "a"
run = ["aply", "--yes"]
schedule = "cron(0 10 ? * MON-FRI *)"

[[job]]
label = "b"
run = ["apply"]

[[job]]
label = "c"
run = ["destroy", "--yes"]

[[job]]
label = "d"
run = ["park", "{{ instance }}", "--yes"]
schedule = "rate(1 hour)"

[[job]]
label = "e"
run = ["park", "{{ id }}", "--yes"]
on = { ec2_state = "stoped" }

[[job]]
label = "f"
run = ["audit"]
schedule = "rate(1 hour)"
on = { ec2_state = "stopped" }

[[job]]
label = "g"
run = []
timezone = "Asia/Seoul"

[[job]]
label = "h"
run = ["plan", "--manifests", "other"]
"#;
    let workspace = Workspace::new(manifest);
    let run = workspace.run(&["validate"]).expect(1);
    run.says(&[
        "`memory` cannot be 64",
        "Lambda takes 128 to 10240 MB",
        "`timeout` cannot be 960",
        "`architecture` cannot be \"arm\"",
        "\"admin\" is not the ARN of a role",
        "does not keep logs for 31 days",
        "ap-northeast-2 is none of the manifest's regions",
        "there is no `[[account]]` named \"prod\"",
        "is not the path of a package",
        "`manifests` cannot be \"s3://bucket/x\"",
        "`retries` cannot be 3",
        "a job that runs at times is about no instance",
        "a job's variables are `instance` and `state`",
        "did you mean `stopped`?",
        "not both",
        "`run` is empty",
        "`timezone` goes with `schedule`",
    ]);
    // What commands are is looked at once the rest can be read.
    let commands = manifest.split("[runner]").next().unwrap().to_owned()
        + "[runner]\n"
        + &manifest[manifest.find("[[job]]").unwrap()..manifest.find("[[job]]\nlabel = \"d\"").unwrap()]
        + &manifest[manifest.find("[[job]]\nlabel = \"h\"").unwrap()..]
        + "\n[[job]]\nlabel = \"i\"\nrun = [\"plan\"]\n";
    workspace.write_manifest(&commands);
    workspace.run(&["validate"]).expect(1).says(&[
        "`run` is no command line of opsform: unrecognized subcommand 'aply'",
        "nobody is there to answer \"yes\"",
        "a job cannot run `destroy`",
        "a job cannot have --manifests",
        "job.i needs the state, and a Lambda function has no disk to keep one",
    ]);
}

/// This machine's architecture as Lambda writes it.
fn lambda_architecture() -> &'static str {
    if std::env::consts::ARCH == "aarch64" { "arm64" } else { "x86_64" }
}
