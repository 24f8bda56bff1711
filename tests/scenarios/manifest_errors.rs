//! Bad input: a clear error at its place, exit 1, and no call that writes.

use serde_json::json;

use crate::workspace::{CPU, REGION, Workspace};

/// Runs validate, plan and apply; each must fail with these words, and nothing may be written.
#[track_caller]
fn refused(manifest: &str, words: &[&str]) {
    let workspace = Workspace::new(manifest);
    workspace.account.seed_instances(
        REGION,
        json!([{"name": "web", "tags": {"Limit": "high"}}, {"name": "web", "tags": {"Limit": "9"}}]),
    );
    for command in [&["plan"][..], &["apply", "--yes"]] {
        workspace.run(command).expect(1).says(words);
    }
    assert!(workspace.account.writes().is_empty());
    assert!(!workspace.state_file().exists());
}

/// Also found by `validate`, which must work without AWS and without credentials.
#[track_caller]
fn invalid(manifest: &str, words: &[&str]) {
    let workspace = Workspace::new(manifest);
    let mut command = workspace.command(&["validate"]);
    command.env_clear();
    crate::workspace::Run::of(command.output().unwrap()).expect(1).says(words);
    assert!(workspace.account.log().is_empty());
    refused(manifest, words);
}

fn with(from: &str, to: &str) -> String {
    assert!(CPU.contains(from));
    CPU.replace(from, to)
}

#[test]
fn broken_toml() {
    invalid(&with("threshold = 80", "threshold = = 80"), &["opsform.toml:18:13", "threshold = = 80", "^"]);
}

#[test]
fn all_problems_at_once() {
    invalid(
        &with("threshold = 80", "threshold = true\nperiod = 7\ntreshold = 80\nunit = \"Percents\""),
        &[
            "opsform.toml:18:13",
            "opsform.toml:19:10",
            "opsform.toml:20:1",
            "unknown key `treshold`",
            "opsform.toml:21:8",
            "Percent",
            "4 errors",
        ],
    );
}

#[test]
fn a_period_of_seven() {
    invalid(&with("threshold = 80", "threshold = 80\nperiod = 7"), &["opsform.toml:19:10", "7", "10", "60"]);
}

#[test]
fn unknown_keys_and_blocks() {
    invalid(&with("metric =", "metrik ="), &["metrik", "did you mean `metric`", "opsform.toml:16:1"]);
    invalid(&with("[[alarm]]", "[[alarms]]"), &["alarms", "did you mean `alarm`"]);
    invalid(
        &with("PutMetricAlarm", "PutMetricAlarms"),
        &["PutMetricAlarms", "did you mean `PutMetricAlarm`"],
    );
}

#[test]
fn wrong_types() {
    invalid(&with("\"CPUUtilization\"", "[1, 2]"), &["opsform.toml:16:10", "metric"]);
    invalid(&with("regions = [\"us-east-1\"]", "regions = \"us-east-1\""), &["regions"]);
    invalid(&with("{ ec2 = {} }", "{ ec3 = {} }"), &["ec3", "ec2"]);
}

#[test]
fn a_template_that_does_not_parse() {
    invalid(&with("{{ name }}", "{{ name "), &["opsform.toml:15:17", "`name`: template syntax"]);
}

#[test]
fn a_template_that_names_a_missing_tag() {
    refused(
        &with("{{ name }}", "{{ name }} {{ id }} {{ tags.owner }}"),
        &["opsform.toml:15:8", "owner", "2", "default"],
    );
}

#[test]
fn a_template_that_gives_no_number() {
    refused(
        &with("threshold = 80", "threshold = \"{{ tags.Limit }}\""),
        &["opsform.toml:18:13", "threshold", "high", "number"],
    );
}

#[test]
fn two_targets_with_one_name() {
    refused(CPU, &["web: CPU over 80", "{{ id }}", "opsform.toml"]);
}

#[test]
fn two_declarations_that_make_the_same_alarm() {
    let unique = with("{{ name }}", "{{ id }}");
    let block = unique.split("[[alarm]]").nth(1).unwrap().replace("\"cpu\"", "\"processor\"");
    refused(
        &format!("{unique}\n[[alarm]]{block}"),
        &["alarm.cpu", "alarm.processor", "12 | [[alarm]]", "opsform.toml:20:1"],
    );
}

#[test]
fn no_manifest_at_all() {
    let workspace = Workspace::new(CPU);
    workspace.run(&["plan", "--manifests", "nowhere"]).expect(1).says(&["nowhere", "opsform init"]);
}

#[test]
fn a_template_that_would_take_all_day() {
    let endless = "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}{{ id }}";
    refused(&with("{{ name }}", endless), &["opsform.toml:15:8", "name"]);
    invalid(&with("{{ name }}", &"{{ id }}".repeat(2000)), &["at most 8192 bytes"]);
}

/// What `validate` says of the schedule, or the snapshot, with this line in the place of that of the same key.
#[track_caller]
fn helped(block: &str, line: &str, words: &[&str]) {
    let key = line.split(' ').next().unwrap();
    let mut lines: Vec<&str> = block.lines().filter(|line| line.split(' ').next() != Some(key)).collect();
    lines.push(line);
    Workspace::new(&lines.join("\n")).run(&["validate"]).expect(1).says(words);
}

#[test]
fn what_to_write_instead() {
    let office = "[project]\nname = 'payments'\n[[schedule]]\nlabel = 'office'\nfor_each = { rds = {} }\n\
        stop = 'cron(0 19 * * ? *)'\nrole_arn = 'arn:aws:iam::{{ account }}:role/opsform-schedule'";
    for (line, words) in [
        ("timezone = 'KST'", "help: did you mean `Asia/Seoul`?"),
        ("timezone = 'CST'", "help: zones are named like `Asia/Seoul` or `UTC`"),
        ("stop = '0 19 * * *'", "write cron(0 19 * * ? *)"),
        ("stop = '30 8 * * 1-5'", "write cron(30 8 ? * MON-FRI *)"),
        ("stop = '0 19 1 * 1'", "AWS wants cron(…) with six fields"),
        ("stop = 'at(2030-01-01T00:00:00)'", "help: write `cron(…)`, such as"),
        ("stop = 'rate(1 day)'", "help: write `cron(…)`, such as"),
        ("batch_size = 0", "help: write 1 for a schedule an instance, up to 200, or leave it out"),
        ("hibernate = true", "help: leave it out, or select `ec2`"),
        ("exempt_tag = ''", "help: left out, it is `keep-running-until`"),
        (
            "dead_letter_arn = 'arn:aws:sqs:us-east-1:111122223333:a.fifo'",
            "is a FIFO queue, and AWS takes only",
        ),
        ("dead_letter_arn = 'queue'", "error: \"queue\" is not the ARN of a standard SQS queue"),
    ] {
        helped(office, line, &[words]);
    }
    let run = Workspace::new(&format!("{office}\nstopp = 1\nno-such-key = 1")).run(&["validate"]).expect(1);
    assert!(!run.stderr.contains("`protect`"), "{}", run.stderr);
    let daily = "[project]\nname = 'payments'\n[[snapshot]]\nlabel = 'daily'\nfor_each = { ebs = {} }\n\
        schedule = 'rate(1 day)'\nrole_arn = 'arn:aws:iam::{{ account }}:role/opsform-snapshot'";
    for (line, words) in [
        ("keep = 'seven'", "help: write a number of generations, or a template such as"),
        ("keep = -1", "help: write a number of generations, or a template such as"),
        (
            "when_volume_gone = 'delete'",
            "help: write how long they stay after the last one: `when_volume_gone = \"delete_after 30d\"`",
        ),
        ("schedule = 'at(2030-01-01T00:00:00)'", "help: write `cron(…)` or `rate(…)`"),
        ("role_arn = 'opsform-snapshot'", "is like `arn:aws:iam::{{ account }}:role/NAME`"),
    ] {
        helped(daily, line, &[words]);
    }
}
