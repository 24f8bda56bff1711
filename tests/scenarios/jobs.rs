//! Jobs as Lambda runs them: the program against a server that speaks the Lambda Runtime API, and against the emulator.

use serde_json::{Value, json};

use crate::lambda_api::Function;
use crate::park::PARK;
use crate::snapshots::{ours, snapshots, volumes};
use crate::workspace::{REGION, Workspace, wait_until};

const BUCKET: &str = "acme-opsform";

/// What all manifests of these tests begin with.
const HEAD: &str = r#"
[project]
name = "payments"

[aws]
regions = ["us-east-1"]

[aws.rates]
DeleteSnapshot = 1000
PutMetricAlarm = 1000
StopInstances = 1000

[state]
s3 = { bucket = "acme-opsform", key = "payments.json", region = "us-east-1" }

[runner]
"#;

const AUDIT: &str = r#"
[mail]
from = "ops@acme.com"
to = ["team@acme.com"]

[[tags]]
label = "ownership"
for_each = { ec2 = {} }
require.owner = {}

[[job]]
label = "audit-mail"
run = ["audit", "--mail"]
schedule = "cron(0 10 ? * MON-FRI *)"
timezone = "Asia/Seoul"
"#;

fn workspace(rest: &str) -> Workspace {
    let workspace = Workspace::new(&format!("{HEAD}{rest}"));
    workspace.account.create_bucket(REGION, BUCKET);
    workspace
}

fn function(workspace: &Workspace) -> Function {
    Function::start(workspace.command(&[]), workspace.path())
}

/// An event of EC2 as a rule of opsform's hands it on.
fn event(job: &str, instance: &str, state: &str) -> Value {
    json!({ "job": job, "event": {
        "version": "0", "id": "7bf73129-1428-4cd3-a780-95db273d1602", "account": "111122223333", "region": REGION,
        "time": "2026-11-20T10:00:00Z", "resources": [format!("arn:aws:ec2:{REGION}:111122223333:instance/{instance}")],
        "source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification",
        "detail": { "instance-id": instance, "state": state },
    }})
}

#[test]
fn an_audit_is_mailed_logged_and_counted() {
    let workspace = workspace(AUDIT);
    workspace
        .account
        .seed_instances(REGION, json!([{"name": "web-1"}, {"name": "web-2", "tags": {"owner": "kim"}}]));
    let mut function = function(&workspace);
    let answer = function.invoke(&json!({"job": "audit-mail"})).done();
    assert_eq!((&answer["project"], &answer["job"]), (&json!("payments"), &json!("audit-mail")));
    assert_eq!((&answer["exit"], &answer["handedOn"]), (&json!(0), &json!(false)));
    assert_eq!(answer["counts"]["findings"], 1, "{answer}");
    assert!(answer["calls"].as_u64().unwrap() >= 2, "{answer}");
    assert_eq!(workspace.account.mails().len(), 1);

    let log = function.log();
    let of_job = |line: &&Value| line["job"] == "audit-mail" && line["requestId"] == "call-1";
    let lines: Vec<&Value> = log.iter().filter(of_job).collect();
    assert!(
        lines
            .iter()
            .any(|line| line["stream"] == "stdout" && line["message"].as_str().unwrap().contains("web-1"))
    );
    assert!(lines.iter().all(|line| line["level"].is_string() && line["timestamp"].is_string()), "{lines:?}");
    let metrics = function.metrics();
    assert_eq!(metrics.len(), 1);
    let metric = &metrics[0];
    let declared = &metric["_aws"]["CloudWatchMetrics"][0];
    assert_eq!(
        (&declared["Namespace"], &declared["Dimensions"]),
        (&json!("opsform"), &json!([["Project", "Job"]]))
    );
    for definition in declared["Metrics"].as_array().unwrap() {
        assert!(metric[definition["Name"].as_str().unwrap()].is_number(), "{metric}");
    }
    assert_eq!((&metric["Findings"], &metric["Failures"]), (&json!(1), &json!(0)));
    assert_eq!((&metric["Project"], &metric["Job"]), (&json!("payments"), &json!("audit-mail")));
}

#[test]
fn bad_events_are_errors_that_say_what_is_allowed_and_end_nothing() {
    let workspace = workspace(AUDIT);
    let mut function = function(&workspace);
    let bad = [
        ("[]", "Opsform.BadEvent", "an event is {\"job\": \"LABEL\"}"),
        ("{}", "Opsform.BadEvent", "names no job"),
        (r#"{"job":"--help"}"#, "Opsform.Failed", "there is no job"),
        (r#"{"job":"audit mail"}"#, "Opsform.BadEvent", "no label"),
        (r#"{"job":"audit-mail","run":["destroy","--yes"]}"#, "Opsform.BadEvent", "a field \"run\""),
        (r#"{"job":"audit-mail","instance":"i-1; true"}"#, "Opsform.BadEvent", "not the id of an instance"),
        (r#"{"job":"audit"}"#, "Opsform.Failed", "there is no job \"audit\""),
    ];
    for (event, name, words) in bad {
        let (failed, message) = function.invoke_for(60, event).failed();
        assert_eq!(failed, name, "{event}: {message}");
        assert!(message.contains(words), "{event}: {message}");
    }
    let (_, message) = function.invoke_for(60, "no JSON at all").failed();
    assert!(message.contains("expected"), "{message}");
    let huge = json!({ "job": "x".repeat(3_000_000) }).to_string();
    let (name, message) = function.invoke_for(60, &huge).failed();
    assert_eq!(name, "Opsform.BadEvent");
    assert!(message.len() < 400, "{}", message.len());
    // It still serves.
    assert_eq!(function.invoke(&json!({"job": "audit-mail"})).done()["exit"], 0);
}

#[test]
fn a_job_that_fails_is_an_error_but_a_mail_is_not_sent_twice() {
    let workspace = workspace(AUDIT);
    workspace.account.seed_instances(REGION, json!([{"name": "web-1"}]));
    let mut function = function(&workspace);
    workspace.account.faults(json!([{"operation": "DescribeInstances", "kind": "error", "code": "UnauthorizedOperation", "status": 403}]));
    // What could not be read is told in the mail, which went: trying again would send it once more.
    let answer = function.invoke(&json!({"job": "audit-mail"})).done();
    assert_eq!(answer["exit"], 1, "{answer}");
    assert!(answer["counts"]["failures"].as_u64().unwrap() >= 1, "{answer}");
    assert_eq!(workspace.account.mails().len(), 1);
    assert!(function.metrics()[0]["Failures"].as_u64().unwrap() >= 1);

    workspace.account.faults(
        json!([{"operation": "SendEmail", "kind": "error", "code": "MessageRejected", "status": 400}]),
    );
    let answer = function.invoke(&json!({"job": "audit-mail"}));
    assert_eq!(answer.kind, "response", "whether a mail went is what counts: {}", answer.body);
    workspace.account.faults(json!([]));

    workspace.edit_manifest("[\"audit\", \"--mail\"]", "[\"audit\"]");
    workspace.account.faults(json!([{"operation": "DescribeInstances", "kind": "error", "code": "UnauthorizedOperation", "status": 403}]));
    let (name, message) = function.invoke(&json!({"job": "audit-mail"})).failed();
    assert_eq!(name, "Opsform.Failed");
    assert!(message.contains("exit code 1"), "{message}");
}

const RETENTION: &str = r#"
[[snapshot]]
label = "daily"
for_each = { ebs = { tags = { Daily_Gens = "*" } } }
schedule = "cron(30 9 * * ? *)"
timezone = "Asia/Seoul"
keep = "{{ tags.Daily_Gens }}"
role_arn = "arn:aws:iam::{{ account }}:role/opsform-snapshot"

[[job]]
label = "retention"
run = ["apply", "--yes"]
schedule = "rate(1 hour)"
"#;

/// As another run writes it.
const LOCK: &str = r#"{"id":"7c0e","who":"kim@laptop (pid 1)","when":"2026-11-20T10:00:00Z","what":"apply","expires":"2099-01-01T00:00:00Z"}"#;

#[test]
fn retention_deletes_what_is_surplus_and_is_idempotent() {
    let workspace = workspace(RETENTION);
    let volume = volumes(&workspace, json!([{"tags": {"Daily_Gens": "2"}}])).remove(0);
    let mut function = function(&workspace);
    // The schedule and its group: the state begins with them.
    assert_eq!(function.invoke(&json!({"job": "retention"})).done()["counts"]["changes"], 2);
    let taken: Vec<Value> = (1..=4).map(|day| ours(&volume, day)).collect();
    let taken = snapshots(&workspace, json!(taken));
    let answer = function.invoke(&json!({"job": "retention"})).done();
    assert_eq!(answer["counts"]["changes"], 2, "{answer}");
    let left = workspace.account.snapshots(REGION);
    assert!(left.contains(&taken[3]) && left.contains(&taken[2]) && left.len() == 2, "{left:?}");
    let answer = function.invoke(&json!({"job": "retention"})).done();
    assert_eq!(answer["counts"]["changes"], 0, "{answer}");
    assert!(workspace.account.object(REGION, BUCKET, "payments.json").is_some());
    assert_eq!(workspace.account.object(REGION, BUCKET, "payments.json.lock"), None);

    // A run that is under way has the lock: Lambda tries again later.
    workspace.account.put_object(REGION, BUCKET, "payments.json.lock", LOCK);
    let (name, message) = function.invoke(&json!({"job": "retention"})).failed();
    assert_eq!(name, "Opsform.Locked", "{message}");
    assert!(message.contains("kim@laptop"), "{message}");
}

#[test]
fn a_job_that_would_outlast_its_time_finishes_what_is_under_way_and_hands_on() {
    let alarms = r#"
[[alarm]]
label = "cpu"
for_each = { ec2 = {} }
name = "{{ name }}: CPU"
metric = "CPUUtilization"
comparison = ">"
threshold = 80

[[job]]
label = "alarms"
run = ["apply", "--yes"]
schedule = "rate(1 hour)"
"#;
    let workspace = workspace(alarms);
    workspace.edit_manifest("PutMetricAlarm = 1000", "PutMetricAlarm = 2");
    let names: Vec<Value> = (0..30).map(|n| json!({ "name": format!("web-{n}") })).collect();
    workspace.account.seed_instances(REGION, json!(names));
    let mut function = function(&workspace);
    workspace.account.faults(json!([{"operation": "PutMetricAlarm", "kind": "hold_before", "skip": 1}]));
    let call = function.begin(12, &json!({"job": "alarms"}).to_string());
    wait_until(|| workspace.account.held() >= 2);
    // It is told to stop about a second before its time is over, and the calls under way are answered.
    wait_until(|| {
        function.log().iter().any(|line| line["message"].as_str().is_some_and(|m| m.contains("nearly over")))
    });
    workspace.account.release();
    let (name, message) = function.wait(&call).failed();
    assert_eq!(name, "Opsform.HandedOn", "{message}");
    assert!(message.contains("the next run goes on"), "{message}");
    assert_eq!(
        workspace.account.object(REGION, BUCKET, "payments.json.lock"),
        None,
        "the lock is given back"
    );
    workspace.account.faults(json!([]));
    let made = workspace.account.alarm_names(REGION).len();
    assert!((2..30).contains(&made), "{made}");
    let answer = function.invoke(&json!({"job": "alarms"})).done();
    assert_eq!((&answer["exit"], &answer["counts"]["changes"]), (&json!(0), &json!(30 - made)), "{answer}");
    assert_eq!(workspace.account.alarm_names(REGION).len(), 30);
    let answer = function.invoke(&json!({"job": "alarms"})).done();
    assert_eq!(answer["counts"]["changes"], 0, "{answer}");
}

#[test]
fn a_job_that_hears_nothing_is_killed_before_lambda_does_it() {
    let workspace = workspace(AUDIT);
    workspace.account.seed_instances(REGION, json!([{"name": "a"}]));
    let mut function = function(&workspace);
    workspace.account.faults(json!([{"operation": "DescribeInstances", "kind": "hold_before"}]));
    let begin = std::time::Instant::now();
    let (name, _) = function.invoke_for(8, &json!({"job": "audit-mail"}).to_string()).failed();
    assert_eq!(name, "Opsform.HandedOn");
    assert!(begin.elapsed().as_secs() < 8, "{:?}", begin.elapsed());
    workspace.account.release();
    workspace.account.faults(json!([]));
    assert_eq!(function.invoke(&json!({"job": "audit-mail"})).done()["exit"], 0);
}

const PARKING: &str = r#"
[[job]]
label = "park-stopped"
run = ["park", "{{ instance }}", "--yes", "--no-wait"]
on = { ec2_state = "stopped", tags = { Park = "yes" } }

[[job]]
label = "unpark"
run = ["unpark", "{{ instance }}", "--yes"]
"#;

#[test]
fn an_instance_that_stops_is_parked_and_unparked_on_request() {
    let head = PARK.split("[[park]]").next().unwrap();
    let workspace = Workspace::new(&format!("{head}{PARKING}"));
    let tagged = crate::park::seed(&workspace, json!({"size": 8}), json!([{"size": 20}]));
    let other = workspace.account.seed_instances(REGION, json!([{"name": "web-1"}])).remove(0);
    let mut function = function(&workspace);

    // An event is old news: an instance that runs by now is left alone.
    let answer = function.invoke(&event("park-stopped", &tagged, "stopped")).done();
    assert!(answer["skipped"].as_str().unwrap().contains("is running by now, not stopped"), "{answer}");
    workspace.account.ec2(REGION, "StopInstances", &[tagged.clone(), other.clone()], &[]);
    let answer = function.invoke(&event("park-stopped", &other, "stopped")).done();
    assert!(answer["skipped"].as_str().unwrap().contains("does not have the tag \"Park\""), "{answer}");
    let answer = function.invoke(&event("park-stopped", &tagged, "running")).done();
    assert!(
        answer["skipped"].as_str().unwrap().contains("is running, and the job is for stopped"),
        "{answer}"
    );
    assert!(workspace.account.snapshots(REGION).is_empty());
    let gone = "i-0123456789abcdef0";
    let answer = function.invoke(&event("park-stopped", gone, "stopped")).done();
    assert!(
        answer["skipped"].as_str().unwrap().contains("no instance i-0123456789abcdef0 any more"),
        "{answer}"
    );

    let answer = function.invoke(&event("park-stopped", &tagged, "stopped")).done();
    assert_eq!(answer["exit"], 0, "{answer}");
    assert_eq!(workspace.account.snapshots(REGION).len(), 2, "{answer}");
    workspace.account.finish_snapshots(REGION);
    // The same event once more, as Lambda may give it twice, goes on.
    function.invoke(&event("park-stopped", &tagged, "stopped")).done();
    let parked: Value =
        serde_json::from_str(&workspace.ok(&["park", "list", "--format", "json"]).stdout).unwrap();
    assert_eq!(parked["parked"][0]["instance"], json!(tagged), "{parked}");
    assert_eq!(parked["parked"][0]["state"], "parked", "{parked}");

    let answer = function.invoke(&json!({"job": "unpark", "instance": tagged})).done();
    assert_eq!(answer["exit"], 0, "{answer}");
    assert_eq!(workspace.account.lost_volumes(), [""; 0]);
    let (_, message) = function.invoke(&json!({"job": "unpark"})).failed();
    assert!(message.contains("instance"), "{message}");
}

#[test]
fn the_manifest_may_be_in_s3_and_is_read_for_each_job() {
    let workspace = workspace(AUDIT);
    let manifest = std::fs::read_to_string(workspace.path().join("manifests/opsform.toml")).unwrap();
    std::fs::remove_file(workspace.path().join("manifests/opsform.toml")).unwrap();
    let mut command = workspace.command(&[]);
    command.env("OPSFORM_MANIFESTS_FROM", "s3://acme-opsform/manifests/");
    let mut function = Function::start(command, workspace.path());
    let (_, message) = function.invoke(&json!({"job": "audit-mail"})).failed();
    assert!(message.contains("there is nothing at s3://acme-opsform/manifests/"), "{message}");
    workspace.account.put_object(REGION, BUCKET, "manifests/opsform.toml", &manifest);
    assert_eq!(function.invoke(&json!({"job": "audit-mail"})).done()["exit"], 0);
    let later = manifest.replace("audit-mail", "audit-later");
    workspace.account.put_object(REGION, BUCKET, "manifests/opsform.toml", &later);
    assert_eq!(function.invoke(&json!({"job": "audit-later"})).done()["exit"], 0);
}

#[test]
fn a_job_is_run_and_listed_by_hand() {
    let workspace = workspace(&format!("{AUDIT}{PARKING}"));
    workspace.account.seed_instances(REGION, json!([{"name": "web-1"}]));
    workspace.ok(&["job", "run", "audit-mail"]).says(&["web-1", "sent 1 mail"]);
    workspace.ok(&["job", "run", "job.audit-mail", "--quiet"]);
    let list = workspace.ok(&["job", "list"]);
    list.says(&[
        "audit-mail",
        "audit --mail",
        "cron(0 10 ? * MON-FRI *) Asia/Seoul",
        "an instance is stopped",
        "on request",
    ]);
    let list: Value =
        serde_json::from_str(&workspace.ok(&["job", "list", "--format", "json"]).stdout).unwrap();
    assert_eq!(list["jobs"][0]["run"], json!(["audit", "--mail"]));
    assert!(list["jobs"][0]["next"].as_str().unwrap().contains("10:00 +09:00"), "{list}");
    workspace.run(&["job", "run", "audit"]).expect(1).says(&["there is no job \"audit\"", "audit-mail"]);
    workspace
        .run(&["job", "run", "park-stopped"])
        .expect(1)
        .says(&["about an instance that is stopped", "--instance"]);
    workspace
        .run(&["job", "run", "unpark", "--instance", "web-1"])
        .expect(1)
        .says(&["is not the id of an instance"]);
}

#[test]
fn the_cost_report_goes_to_a_bucket() {
    let job = "[report.cost]\noutput = [\"s3://acme-opsform/costs.json\"]\n\
               [[job]]\nlabel = \"monday-report\"\nrun = [\"report\", \"cost\"]\nschedule = \"cron(0 9 ? * MON *)\"\n";
    let workspace = workspace(job);
    workspace.account.seed_instances(REGION, json!([{"name": "web-1", "type": "m5.large"}]));
    let mut function = function(&workspace);
    let answer = function.invoke(&json!({"job": "monday-report"})).done();
    assert_eq!((&answer["exit"], &answer["counts"]["failures"]), (&json!(0), &json!(0)), "{answer}");
    assert!(answer["calls"].as_u64().unwrap() > 2, "{answer}");
    let report = workspace.account.object(REGION, BUCKET, "costs.json").unwrap();
    assert!(report.contains("web-1"), "{report}");
}
