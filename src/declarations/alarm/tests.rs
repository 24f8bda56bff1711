use std::fmt::Write;

use super::*;
use crate::declarations::{check_unique, parse_all};
use crate::inventory::{Fleet, Target, TargetKind};
use crate::manifest::{SourceSet, parse};
use crate::model::Severity;
use crate::resources::metric_alarm::MetricAlarm;

const SEOUL: &str = "ap-northeast-2";

fn target(kind: TargetKind, id: &str, name: &str, tags: &[(&str, &str)]) -> Target {
    Target {
        kind,
        scope: Scope::new("111122223333", SEOUL),
        id: id.to_owned(),
        name: name.to_owned(),
        state: "running".to_owned(),
        tags: tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        attributes: BTreeMap::from([("engine", "mysql".into())]),
    }
}

fn web(number: u32, tags: &[(&str, &str)]) -> Target {
    target(TargetKind::Ec2, &format!("i-{number:08}"), &format!("web-{number}"), tags)
}

/// One line per diagnostic: `place summary (hint) [related]`, with `warning` before a warning.
fn lines(problems: &Diagnostics) -> Vec<String> {
    let line = |d: &Diagnostic| {
        let mut line = if d.severity == Severity::Warning { "warning " } else { "" }.to_owned();
        write!(line, "{} {}", d.place.as_ref().unwrap(), d.summary).unwrap();
        if let Some(hint) = &d.hint {
            write!(line, " ({hint})").unwrap();
        }
        if let Some((place, caption)) = &d.related {
            write!(line, " [{caption} {place}]").unwrap();
        }
        line.replace("a.toml:", "")
    };
    problems.iter().map(line).collect()
}

/// The declarations of these lines below a project, and everything that is wrong with them.
fn read(text: &str) -> (Vec<Box<dyn Declaration>>, Vec<String>) {
    // The settings stand in another file, so that line 1 is the first line of the text.
    let settings = "[project]\nname = 'payments'\n[aws]\nregions = ['ap-northeast-2', 'us-east-1']\n";
    let sources = SourceSet::new("manifests", [("a.toml", text), ("main.toml", settings)]);
    let (document, mut problems) = parse(&sources, &["alarm"]);
    let (declarations, more) = parse_all(&document);
    problems.extend(more);
    (declarations, lines(&problems))
}

fn problems(text: &str) -> Vec<String> {
    read(text).1
}

/// What a manifest without errors wants of these targets, and what is said about it.
fn desired(text: &str, targets: Vec<Target>) -> (Vec<Desired>, Vec<String>) {
    let (declarations, problems) = read(text);
    assert_eq!(problems, [""; 0]);
    let fleet = Fleet::new(targets);
    let scopes = [
        Scope::new("111122223333", SEOUL),
        Scope::new("111122223333", "us-east-1"),
        Scope::new("444455556666", SEOUL),
    ];
    let world = World::new(&scopes, &scopes, &fleet, jiff::Timestamp::UNIX_EPOCH);
    let mut all = Vec::new();
    let mut said = Diagnostics::new();
    for declaration in &declarations {
        let (desired, problems) = declaration.desired(&world);
        all.extend(desired);
        said.extend(problems);
    }
    said.extend(check_unique(&all));
    (all, lines(&said))
}

/// A block of one line per key, with what every alarm needs unless it is given.
fn alarm(keys: &str) -> String {
    let mut text = "[[alarm]]\n".to_owned();
    for (key, default) in [
        ("label", "'cpu'"),
        ("for_each", "{ ec2 = {} }"),
        ("name", "'{{ name }}: CPU'"),
        ("metric", "'CPUUtilization'"),
        ("comparison", "'>'"),
        ("threshold", "90"),
    ] {
        if !keys.lines().any(|line| line.split(' ').next() == Some(key)) {
            writeln!(text, "{key} = {default}").unwrap();
        }
    }
    text + keys
}

fn spec(desired: &Desired) -> MetricAlarm {
    MetricAlarm::from_fields(&desired.fields).unwrap()
}

#[test]
fn defaults_follow_the_targets_kind() {
    let (desired, said) = desired(
        &alarm("for_each = { ec2 = {}, rds = {}, rds_cluster = {} }"),
        vec![
            web(1, &[]),
            target(TargetKind::Rds, "db-1", "db-1", &[]),
            target(TargetKind::RdsCluster, "cluster-1", "cluster-1", &[]),
        ],
    );
    assert_eq!(said, [""; 0]);
    let shown: Vec<String> = desired
        .iter()
        .map(|d| format!("{} | {}", d.address, (crate::resources::metric_alarm::TEXT.summary)(&d.fields)))
        .collect();
    assert_eq!(
        shown,
        [
            "metric_alarm 111122223333/ap-northeast-2 \"web-1: CPU\" | \
             > 90 Average of AWS/EC2 CPUUtilization, 1 of 1 × 5 min",
            "metric_alarm 111122223333/ap-northeast-2 \"db-1: CPU\" | \
             > 90 Average of AWS/RDS CPUUtilization, 1 of 1 × 5 min",
            "metric_alarm 111122223333/ap-northeast-2 \"cluster-1: CPU\" | \
             > 90 Average of AWS/RDS CPUUtilization, 1 of 1 × 5 min",
        ]
    );
    let dimensions: Vec<String> = desired.iter().map(|d| format!("{:?}", spec(d).dimensions)).collect();
    assert_eq!(
        dimensions,
        [
            "{\"InstanceId\": \"i-00000001\"}",
            "{\"DBInstanceIdentifier\": \"db-1\"}",
            "{\"DBClusterIdentifier\": \"cluster-1\"}",
        ]
    );
    assert_eq!(desired[0].origin.label, "alarm.cpu");
    assert_eq!(desired[0].origin.place, "a.toml:1");
    assert_eq!(desired[0].target.as_ref().unwrap().name, "web-1");
    assert!(desired[0].claim == Claim::Own { adopt: false } && !desired[0].protect);
}

#[test]
fn every_key_reaches_the_spec() {
    let (desired, said) = desired(
        &alarm(
            "name = '{{ name }} {{ label }}: {{ metric }} {{ comparison }} {{ threshold }} {{ period }} {{ statistic }}'
namespace = 'CWAgent'
metric = 'disk_{{ tags.unit }}'
dimensions = { InstanceId = '{{ id }}', path = '/' }
statistic = 'p{{ tags.p }}'
period = '{{ tags.period }}'
evaluation_periods = '{{ 1 + 2 }}'
datapoints_to_alarm = 2
comparison = 'LessThanOrEqualToThreshold'
threshold = '{{ tags.limit | default(90) }}'
unit = 'Percent'
treat_missing_data = 'notBreaching'
evaluate_low_sample_count_percentile = 'ignore'
ok_actions = ['arn:aws:sns:{{ region }}:{{ account }}:ok']
alarm_actions = ['arn:aws:sns:r:1:b', 'arn:aws:sns:r:1:a']
actions_enabled = false
description = '{{ evaluation_periods }} of {{ namespace }}'
tags = { Team = '{{ tags.team }}' }
adopt = true
protect = true
",
        ),
        vec![web(1, &[("unit", "used"), ("p", "99.9"), ("period", "1h"), ("limit", "80.0"), ("team", "a")])],
    );
    assert_eq!(said, [""; 0]);
    assert_eq!(desired[0].address.key, "web-1 cpu: disk_used <= 80 3600 p99.9");
    assert!(desired[0].claim == Claim::Own { adopt: true } && desired[0].protect);
    let fields = serde_json::to_string(&desired[0].fields).unwrap();
    assert_eq!(
        fields,
        "{\"actions_enabled\":false,\"alarm_actions\":[\"arn:aws:sns:r:1:a\",\"arn:aws:sns:r:1:b\"],\
         \"comparison\":\"<=\",\"datapoints_to_alarm\":2,\"description\":\"3 of CWAgent\",\
         \"dimensions\":{\"InstanceId\":\"i-00000001\",\"path\":\"/\"},\
         \"evaluate_low_sample_count_percentile\":\"ignore\",\"evaluation_periods\":3,\"metric\":\"disk_used\",\
         \"namespace\":\"CWAgent\",\"ok_actions\":[\"arn:aws:sns:ap-northeast-2:111122223333:ok\"],\
         \"period\":3600,\"statistic\":\"p99.9\",\"tags\":{\"Team\":\"a\",\"opsform:protect\":\"true\"},\"threshold\":80.0,\
         \"treat_missing_data\":\"notBreaching\",\"unit\":\"Percent\"}"
    );
}

#[test]
fn all_problems_of_all_blocks_are_told_at_once() {
    assert_eq!(
        problems(
            "[[alarm]]
label = 'cpu'
for_each = { ec2 = {} }
name = '{{ nme }}: CPU'
treshold = 90
comparison = '=>'
period = 7
statistic = 'P99'
evaluate_low_sample_count_percentile = 'evaluat'
alarm_actions = ['ops']
tags = { 'aws:x' = 'a' }
actions_enabled = 'no'
[[alarm]]
label = 'a b'
"
        ),
        [
            "1:1 [[alarm]] has no `metric` (add `metric = …`: a string)",
            "6:14 `comparison`: expected one of \">\", \">=\", \"<\" and \"<=\", or a template that gives one, found the string \"=>\"",
            "1:1 [[alarm]] has no `threshold`",
            "9:40 `evaluate_low_sample_count_percentile` cannot be \"evaluat\" (did you mean `evaluate`?)",
            "12:19 `actions_enabled`: expected true or false, or a template that gives one, found the string \"no\"",
            "8:13 `statistic` of alarm.cpu must be a statistic that AWS knows, found \"P99\" (did you mean `p99`?)",
            "7:10 `period` of alarm.cpu must be 10, 20, 30 or a multiple of 60 seconds, found 7 \
             (the nearest allowed value is 10)",
            "10:18 `alarm_actions` of alarm.cpu must be an ARN, found \"ops\" \
             (an action looks like `arn:aws:sns:ap-northeast-2:111122223333:ops`)",
            "11:20 `tags.aws:x` of alarm.cpu must not begin with `aws:` or `opsform:`, which are reserved, \
             found \"aws:x\"",
            "4:8 `name`: there is no variable `nme` (did you mean `name`?)",
            "5:1 unknown key `treshold` in [[alarm]] (did you mean `threshold`?)",
            "14:9 \"a b\" cannot be a label (a label has 1 to 128 letters, digits, `-` and `_`)",
            "13:1 an alarm needs `for_each`, or a `region` to be made in (add `for_each = { ec2 = {} }` for an alarm \
             per instance, or `region = \"…\"` for one alarm per account)",
            "13:1 [[alarm]] has no `name` (add `name = …`: a string)",
            "13:1 [[alarm]] has no `metric` (add `metric = …`: a string)",
            "13:1 [[alarm]] has no `comparison` (add `comparison = …`: one of \">\", \">=\", \"<\" and \"<=\", or a template that gives one)",
            "13:1 [[alarm]] has no `threshold` (add `threshold = …`: a number, or a template that gives one)",
        ]
    );
}

#[test]
fn labels_are_unique() {
    assert_eq!(
        problems(&format!("{}\n{}", alarm(""), alarm("name = 'x {{ id }}'"))),
        ["10:9 two blocks are labelled alarm.cpu [the first one 2:9]"]
    );
}

#[test]
fn literals_that_contradict_each_other_are_found_without_targets() {
    assert_eq!(
        problems(&alarm("datapoints_to_alarm = 4\nevaluation_periods = 3")),
        ["8:23 `datapoints_to_alarm` of alarm.cpu must be at most `evaluation_periods`, found 4 of 3"]
    );
    assert_eq!(
        problems(&alarm("period = '10d'")),
        ["8:10 `period` of alarm.cpu must be at most 604800 seconds, which is seven days, found 864000"]
    );
    assert_eq!(
        problems(&alarm("period = 10")),
        [
            "warning 8:10 `period` of alarm.cpu should be at least 60 seconds for metrics of AWS's own services, \
          found 10 (these metrics have no data below one minute; the alarm would often lack data, and costs more)"
        ]
    );
}

#[test]
fn a_warning_about_a_literal_is_not_repeated_for_targets() {
    let (declarations, told) = read(&alarm("period = 10"));
    assert_eq!(told.len(), 1);
    let fleet = Fleet::new(vec![web(1, &[])]);
    let world = World::new(&[], &[], &fleet, jiff::Timestamp::UNIX_EPOCH);
    let (desired, said) = declarations[0].desired(&world);
    assert_eq!((desired.len(), said.is_empty()), (1, true));
}

#[test]
fn a_missing_tag_is_one_diagnostic_for_all_targets() {
    let one = desired(&alarm("name = '{{ tags.owner }} {{ id }}'"), vec![web(1, &[("Owner", "x")])]);
    assert_eq!(
        one.1,
        ["7:8 tag `owner` is missing on i-00000001 (web-1) \
          (there is a tag `Owner`; a default is written `{{ tags.owner | default(…) }}`)"]
    );
    assert_eq!(one.0.len(), 0);
    let mut fleet: Vec<Target> = (1..=1_000).map(|number| web(number, &[])).collect();
    fleet.push(web(2_000, &[("owner", "a")]));
    let (many, said) = desired(&alarm("name = '{{ tags.owner }} {{ id }}'"), fleet);
    assert_eq!(
        said,
        [
            "7:8 tag `owner` is missing on 1,000 targets: i-00000001 (web-1), i-00000002 (web-2), i-00000003 (web-3), \
          … 997 more (a default is written `{{ tags.owner | default(…) }}`)"
        ]
    );
    assert_eq!(many.len(), 1);
}

#[test]
fn a_text_that_does_not_fit_is_shown_with_its_target() {
    let text = alarm("threshold = '{{ tags.cpu }}'");
    let at = text.lines().position(|line| line.starts_with("threshold")).unwrap() + 1;
    assert_eq!(
        desired(&text, vec![web(1, &[("cpu", "high")])]).1,
        [format!(
            "{at}:13 `threshold` of alarm.cpu for i-00000001 (web-1): template `{{{{ tags.cpu }}}}` gave `high`, \
             which is not a number"
        )]
    );
    assert_eq!(
        desired(&text, vec![web(1, &[("cpu", "high")]), web(2, &[("cpu", "")])]).1,
        [format!(
            "{at}:13 `threshold` of alarm.cpu for 2 targets: template `{{{{ tags.cpu }}}}` gave what is not a number: \
             `high` for i-00000001 (web-1), `` for i-00000002 (web-2)"
        )]
    );
}

#[test]
fn what_aws_would_refuse_of_a_rendered_value_is_one_diagnostic() {
    let text = alarm("period = '{{ tags.p }}'");
    let fleet = vec![web(1, &[("p", "7")]), web(2, &[("p", "45")]), web(3, &[("p", "1m")])];
    let (wanted, said) = desired(&text, fleet);
    assert_eq!(wanted.len(), 1);
    assert_eq!(
        said,
        ["8:10 `period` of alarm.cpu for 2 targets must be 10, 20, 30 or a multiple of 60 seconds, found: \
          7 for i-00000001 (web-1), 45 for i-00000002 (web-2) (the nearest allowed value is 10)"]
    );
    let actions = alarm("alarm_actions = ['arn:aws:sns:r:1:a', '{{ tags.to }}']");
    assert_eq!(
        desired(&actions, vec![web(1, &[("to", "ops")])]).1,
        ["8:39 `alarm_actions` of alarm.cpu for i-00000001 (web-1) must be an ARN, found \"ops\" \
          (an action looks like `arn:aws:sns:ap-northeast-2:111122223333:ops`)"]
    );
}

#[test]
fn two_targets_of_one_name_are_an_error() {
    let named = |id: u32| Target { name: "web".to_owned(), ..web(id, &[]) };
    let (wanted, said) = desired(&alarm(""), vec![named(1), named(2), web(3, &[])]);
    assert_eq!(wanted.len(), 2);
    assert_eq!(
        said,
        ["4:8 `name` of alarm.cpu gives \"web: CPU\" for both i-00000001 (web) and i-00000002 (web) \
          (add `{{ id }}` to `name`: an alarm's name is unique within its account and region)"]
    );
}

#[test]
fn two_declarations_of_one_name_are_an_error() {
    let text = format!("{}\n{}", alarm("label = 'a'"), alarm("label = 'b'"));
    assert_eq!(
        desired(&text, vec![web(1, &[])]).1,
        ["8:1 alarm.a and alarm.b both want metric_alarm \"web-1: CPU\" in 111122223333/ap-northeast-2 \
          (give one of them another name, or let their `for_each` select different targets) \
          [alarm.a wants it here 1:1]"]
    );
}

#[test]
fn selecting_nothing_is_a_warning_unless_allowed() {
    let gone = Target { state: "terminated".to_owned(), ..web(1, &[]) };
    assert_eq!(
        desired(&alarm(""), vec![gone]).1,
        [
            "warning 3:12 `for_each` of alarm.cpu selects nothing (write `allow_empty = true` if that may be so)"
        ]
    );
    assert_eq!(desired(&alarm("allow_empty = true"), vec![]).1, [""; 0]);
}

/// An alarm on the bill, without targets.
fn bill(keys: &str) -> String {
    format!(
        "[[alarm]]\nlabel = 'bill'\nname = 'bill of {{{{ account }}}} over {{{{ threshold }}}}'\nmetric = 'EstimatedCharges'\n\
         comparison = '>'\nthreshold = 0.5\n{keys}"
    )
}

#[test]
fn without_for_each_there_is_one_alarm_per_account() {
    let (wanted, said) =
        desired(&bill("namespace = 'AWS/Billing'\nregion = 'ap-northeast-2'"), vec![web(1, &[])]);
    assert_eq!(said, [""; 0]);
    let addresses: Vec<String> = wanted.iter().map(|d| d.address.to_string()).collect();
    assert_eq!(
        addresses,
        [
            "metric_alarm 111122223333/ap-northeast-2 \"bill of 111122223333 over 0.5\"",
            "metric_alarm 444455556666/ap-northeast-2 \"bill of 444455556666 over 0.5\"",
        ]
    );
    assert!(wanted.iter().all(|d| d.target.is_none() && spec(d).dimensions.is_empty()));
}

#[test]
fn region_and_for_each_exclude_each_other() {
    assert_eq!(
        problems(&alarm("region = 'us-east-1'")),
        ["8:10 `region` goes with alarms that have no `for_each` \
          (with `for_each` each alarm is made in its target's region: remove the key)"]
    );
    assert_eq!(
        problems(&bill("region = 'eu-west-1'")),
        ["7:10 region `eu-west-1` is not in `[aws] regions` [the regions main.toml:4:12]",]
    );
    assert_eq!(
        problems(&bill("region = 'us-east-1'")),
        ["1:1 an alarm that is not made for targets needs a `namespace` \
          (the default comes from the target's kind; write `namespace = \"AWS/…\"`)"]
    );
    assert_eq!(
        problems(&bill("region = 'seoul'\nnamespace = 'x'\ndescription = '{{ id }}'")),
        ["7:10 \"seoul\" is not a region's code (codes look like `ap-northeast-2` or `us-gov-west-1`)"]
    );
    assert_eq!(
        problems(&bill("region = 'us-east-1'\nnamespace = 'x'\ndescription = '{{ id }}'")),
        ["9:15 `description`: there is no variable `id` (there is no target without `for_each`)"]
    );
}

#[test]
fn three_thousand_alarms_take_no_time() {
    let text =
        alarm("alarm_actions = ['arn:aws:sns:{{ region }}:{{ account }}:ops']\ndescription = '{{ id }}'");
    let fleet = (1..=3_000).map(|number| web(number, &[("Env", "prod")])).collect();
    let started = std::time::Instant::now();
    let (wanted, said) = desired(&text, fleet);
    assert_eq!((wanted.len(), said.len()), (3_000, 0));
    // Far below a second when optimised; the bound leaves room for a slow, busy, unoptimised run.
    assert!(started.elapsed().as_secs() < 10);
}
