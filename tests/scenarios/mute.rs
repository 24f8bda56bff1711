//! Alarms that are muted while a schedule keeps their targets stopped.

use serde_json::{Value, json};

use crate::clock::{days_from_today, now, seoul};
use crate::workspace::{REGION, Workspace, wait_until};

const OFFICE: &str = "\
[project]
name = 'payments'
[aws]
regions = ['us-east-1']
[aws.rates]
PutMetricAlarm = 1000
DeleteAlarms = 1000
PutAlarmMuteRule = 1000
DeleteAlarmMuteRule = 1000
GetAlarmMuteRule = 1000
ListTagsForResource = 1000
[[schedule]]
label = 'office'
for_each = { ec2 = { tags = { AutoStopStart = 'Yes' } } }
start = 'cron(0 9 ? * MON-FRI *)'
stop = 'cron(0 19 ? * MON-FRI *)'
timezone = 'Asia/Seoul'
role_arn = 'arn:aws:iam::{{ account }}:role/opsform-schedule'
mute_alarms = true
[[alarm]]
label = 'cpu'
for_each = { ec2 = {} }
name = '{{ name }}: CPU over {{ threshold }}'
metric = 'CPUUtilization'
comparison = '>'
threshold = 80
";

const NIGHTS: &str = "opsform-payments.office.mute.mon-1900";
const WEEKEND: &str = "opsform-payments.office.mute.fri-1900";

fn fleet() -> (Workspace, Vec<String>) {
    let workspace = Workspace::new(OFFICE);
    let yes = json!({"AutoStopStart": "Yes"});
    let seeded = workspace.account.seed(json!({REGION: {
        "instances": [{"name": "web-1", "tags": yes}, {"name": "web-2", "tags": yes}, {"name": "other"}],
    }}));
    let ids = seeded["regions"][REGION]["instances"].as_array().unwrap();
    let ids = ids.iter().map(|id| id.as_str().unwrap().to_owned()).collect();
    (workspace, ids)
}

/// `NAME EXPRESSION DURATION: ALARMS` of every mute rule.
fn mutes(workspace: &Workspace) -> Vec<String> {
    let line = |rule: &Value| {
        let schedule = &rule["Rule"]["Schedule"];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let mut names: Vec<String> =
            rule["MuteTargets"]["AlarmNames"].as_array().unwrap().iter().map(text).collect();
        names.sort();
        let (expression, duration) = (text(&schedule["Expression"]), text(&schedule["Duration"]));
        format!("{} {expression} {duration}: {}", text(&rule["Name"]), names.join(", "))
    };
    workspace.account.mutes(REGION).iter().map(line).collect()
}

fn both(alarms: &str) -> [String; 2] {
    [
        format!("{WEEKEND} cron(0 19 * * FRI) P2DT14H10M: {alarms}"),
        format!("{NIGHTS} cron(0 19 * * MON-THU) PT14H10M: {alarms}"),
    ]
}

fn updates() -> [String; 2] {
    [format!("update {WEEKEND}"), format!("update {NIGHTS}")]
}

fn sorted(mut changes: Vec<String>) -> Vec<String> {
    changes.sort();
    changes
}

/// A rule of a person, with these tags.
fn by_hand(workspace: &Workspace, name: &str, alarms: &[&str], tags: &Value) {
    let rule = json!({
        "Name": name,
        "Rule": {"Schedule": {"Expression": "cron(0 2 * * SUN)", "Duration": "PT2H"}},
        "MuteTargets": {"AlarmNames": alarms}, "Tags": tags,
    });
    workspace.account.cloudwatch(REGION, "PutAlarmMuteRule", &rule);
}

#[test]
fn the_alarms_of_what_is_stopped_are_muted_and_follow_the_fleet() {
    let (workspace, ids) = fleet();
    workspace.ok(&["plan"]).says(&["8 to add", "alarm mute rule", "for PT14H10M Asia/Seoul: 2 alarms"]);
    workspace.apply().says(&["8 added"]);
    assert_eq!(mutes(&workspace), both("web-1: CPU over 80, web-2: CPU over 80"));
    let tags = &workspace.account.mutes(REGION)[0]["Tags"];
    assert_eq!(tags, &json!({"opsform:project": "payments", "opsform:label": "schedule.office"}));
    workspace.account.clear_calls();
    workspace.expect_nothing_to_do();
    let calls = workspace.account.calls();
    let count =
        |operation: &str| calls.get(&*format!("cloudwatch:{operation}")).and_then(Value::as_u64).unwrap_or(0);
    assert_eq!(
        (count("ListAlarmMuteRules"), count("GetAlarmMuteRule"), count("ListTagsForResource")),
        (1, 2, 0)
    );
    assert_eq!(count("DescribeAlarms"), 1, "{calls:?}");
    // An instance joins, and another one leaves.
    workspace.account.tag(REGION, &ids[0], "AutoStopStart", "No");
    workspace.account.tag(REGION, &ids[2], "AutoStopStart", "Yes");
    let mute = |changes: Vec<String>| {
        sorted(changes).into_iter().filter(|change| change.contains(".mute.")).collect()
    };
    let changed: Vec<String> = mute(workspace.changes());
    assert_eq!(changed, updates());
    workspace.ok(&["plan"]).says(&["+ other: CPU over 80", "- web-1: CPU over 80"]);
    workspace.apply();
    assert_eq!(mutes(&workspace), both("other: CPU over 80, web-2: CPU over 80"));
    workspace.expect_nothing_to_do();
    // Renamed alarms are muted under their new names.
    workspace.edit_manifest("threshold = 80", "threshold = 85");
    workspace.apply().says(&["replace  3", "update   2"]);
    assert_eq!(mutes(&workspace), both("other: CPU over 85, web-2: CPU over 85"));
    workspace.expect_nothing_to_do();
    // One that runs for a while is not muted.
    workspace.account.tag(REGION, &ids[1], "keep-running-until", "2999-12-31");
    workspace.apply();
    assert_eq!(mutes(&workspace), both("other: CPU over 85"));
    workspace.expect_nothing_to_do();
    workspace.edit_manifest("mute_alarms = true\n", "");
    workspace.apply().says(&["2 destroyed"]);
    assert_eq!(mutes(&workspace), [""; 0]);
    workspace.expect_nothing_to_do();
}

#[test]
fn what_a_person_changed_is_set_back_and_what_is_theirs_stays() {
    let (workspace, _) = fleet();
    workspace.apply();
    by_hand(&workspace, "theirs", &["web-1: CPU over 80"], &json!([]));
    by_hand(&workspace, NIGHTS, &["web-1: CPU over 80"], &json!([]));
    assert_eq!(workspace.changes(), [format!("update {NIGHTS}")]);
    workspace.ok(&["plan"]).says(&["changed outside opsform", "cron(0 2 * * SUN) → cron(0 19 * * MON-THU)"]);
    workspace.apply().says(&["1 changed"]);
    let theirs = "theirs cron(0 2 * * SUN) PT2H: web-1: CPU over 80".to_owned();
    let ours = both("web-1: CPU over 80, web-2: CPU over 80");
    assert_eq!(mutes(&workspace), [ours.to_vec(), vec![theirs.clone()]].concat());
    workspace.expect_nothing_to_do();
    // What was deleted by hand is made again.
    workspace.account.cloudwatch(REGION, "DeleteAlarmMuteRule", &json!({"AlarmMuteRuleName": WEEKEND}));
    assert_eq!(workspace.changes(), [format!("create {WEEKEND}")]);
    workspace.apply();
    workspace.expect_nothing_to_do();
    workspace.ok(&["destroy", "--yes"]).says(&["8 destroyed"]);
    assert_eq!(mutes(&workspace), [theirs]);
}

#[test]
fn a_rule_of_that_name_is_not_taken_from_others() {
    let (workspace, _) = fleet();
    workspace.account.put_alarm(REGION, watching("mine", "i-0"));
    let tags = json!([{"Key": "opsform:project", "Value": "billing"}]);
    by_hand(&workspace, NIGHTS, &["mine"], &tags);
    workspace.run(&["apply", "--yes"]).expect(1).says(&["billing"]);
    assert_eq!(mutes(&workspace), [format!("{NIGHTS} cron(0 2 * * SUN) PT2H: mine")]);
    // Nobody's is taken over where that is said.
    workspace.account.cloudwatch(REGION, "DeleteAlarmMuteRule", &json!({"AlarmMuteRuleName": NIGHTS}));
    by_hand(&workspace, NIGHTS, &["mine"], &json!([]));
    workspace.run(&["apply", "--yes"]).expect(1).says(&["belongs to nobody", "adopt = true"]);
    workspace.edit_manifest("mute_alarms = true\n", "mute_alarms = true\nadopt = true\n");
    workspace.apply().says(&["1 adopted"]);
    assert_eq!(mutes(&workspace), both("web-1: CPU over 80, web-2: CPU over 80"));
    workspace.expect_nothing_to_do();
}

fn watching(name: &str, id: &str) -> Value {
    json!({
        "AlarmName": name, "Namespace": "AWS/EC2", "MetricName": "StatusCheckFailed", "Statistic": "Maximum",
        "Period": 60, "EvaluationPeriods": 2, "Threshold": 1, "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "Dimensions": [{"Name": "InstanceId", "Value": id}],
    })
}

#[test]
fn other_peoples_alarms_are_muted_where_that_is_asked() {
    let (workspace, ids) = fleet();
    for (name, id) in [("hand-1", &ids[0]), ("hand-2", &ids[2]), ("mine", &ids[0])] {
        workspace.account.put_alarm(REGION, watching(name, id));
    }
    workspace.edit_manifest("mute_alarms = true", "mute_alarms = { names = ['hand-*'] }");
    workspace.apply();
    assert_eq!(mutes(&workspace), both("hand-1, web-1: CPU over 80, web-2: CPU over 80"));
    workspace.expect_nothing_to_do();
    workspace.account.put_alarm(REGION, watching("hand-3", &ids[1]));
    assert_eq!(sorted(workspace.changes()), updates());
    workspace.apply();
    workspace.expect_nothing_to_do();
    workspace.account.delete_alarm(REGION, "hand-1");
    workspace.apply().says(&["2 changed"]);
    assert_eq!(mutes(&workspace), both("hand-3, web-1: CPU over 80, web-2: CPU over 80"));
    // An alarm of the project's that is renamed is not somebody else's under its old name.
    workspace.edit_manifest("'hand-*'", "'*'");
    workspace.apply();
    workspace.edit_manifest("threshold = 80", "threshold = 85");
    workspace.apply();
    workspace.expect_nothing_to_do();
    workspace.ok(&["destroy", "--yes"]);
    let alarms: Vec<String> = workspace
        .account
        .alarms(REGION)
        .iter()
        .map(|alarm| alarm["AlarmName"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(alarms, ["hand-2", "hand-3", "mine"]);
}

#[test]
fn without_its_start_nothing_is_stopped_and_nothing_is_muted() {
    let (workspace, _) = fleet();
    let refused = json!({"operation": "CreateSchedule", "kind": "error", "code": "ValidationException",
        "status": 400, "times": 1});
    workspace.account.faults(json!([refused]));
    workspace.run(&["apply", "--yes"]).expect(4).says(&["Skipped 3, because what they need failed"]);
    assert!(workspace.account.schedules(REGION).is_empty());
    assert!(mutes(&workspace).is_empty());
    workspace.apply().says(&["4 added"]);
    workspace.expect_nothing_to_do();

    // Under another label they are others: the old ones stay until all of them are there.
    workspace.edit_manifest("label = 'office'", "label = 'opening-hours'");
    workspace.account.faults(json!([refused]));
    let left = workspace.run(&["apply", "--yes"]).expect(4);
    left.says(&["Skipped 7, because what they need failed"]);
    assert_eq!(workspace.account.schedules(REGION).len(), 2);
    assert_eq!(mutes(&workspace).len(), 2);
    workspace.apply().says(&["4 added, 0 changed, 4 destroyed"]);
    workspace.expect_nothing_to_do();
}

#[test]
fn the_alarms_of_a_stopped_clusters_members_are_muted() {
    let text = OFFICE.replace("ec2 = { tags = { AutoStopStart = 'Yes' } }", "rds_cluster = {}");
    let text = text.replace("mute_alarms = true", "mute_alarms = { names = ['hand-*'] }");
    let workspace = Workspace::new(&text[..text.find("[[alarm]]").unwrap()]);
    workspace.account.seed(json!({REGION: {
        "databases": [{"id": "orders"}],
        "clusters": [{"id": "ledger", "members": ["ledger-1"]}],
    }}));
    for (name, id) in [("hand-1", "ledger-1"), ("hand-2", "orders")] {
        let dimension = json!([{"Name": "DBInstanceIdentifier", "Value": id}]);
        let mut alarm = watching(name, id);
        alarm["Namespace"] = json!("AWS/RDS");
        alarm["Dimensions"] = dimension;
        workspace.account.put_alarm(REGION, alarm);
    }
    workspace.apply();
    assert_eq!(mutes(&workspace), both("hand-1"));
    workspace.expect_nothing_to_do();
    let policy = workspace.ok(&["iam-policy", "--for", "plan"]).stdout;
    assert!(policy.contains("\"rds:DescribeDBInstances\""), "{policy}");
    // A run of one region reads them as well.
    workspace.ok(&["plan", "--region", REGION, "--detailed-exitcode"]);
    workspace.ok(&["destroy", "--yes"]);
    assert_eq!(mutes(&workspace), [""; 0]);
}

#[test]
fn more_than_a_hundred_alarms_are_several_rules() {
    let workspace = Workspace::new(OFFICE);
    let yes = json!({"AutoStopStart": "Yes"});
    let seeded = workspace.account.seed(json!({REGION: {
        "instances": (0..120).map(|n| json!({"name": format!("web-{n}"), "tags": yes})).collect::<Vec<_>>(),
    }}));
    workspace.apply();
    let rules = workspace.account.mutes(REGION);
    assert_eq!(rules.len(), 4);
    let count = |rule: &Value| rule["MuteTargets"]["AlarmNames"].as_array().unwrap().len();
    assert_eq!(rules.iter().map(count).sum::<usize>(), 240);
    workspace.expect_nothing_to_do();
    let id = seeded["regions"][REGION]["instances"][7].as_str().unwrap().to_owned();
    workspace.account.tag(REGION, &id, "AutoStopStart", "No");
    let changes = workspace.changes();
    assert_eq!(changes.iter().filter(|change| change.contains(".mute.")).count(), 2, "{changes:?}");
}

#[test]
fn alarms_that_are_left_out_are_not_named_before_they_are_there() {
    let (workspace, _) = fleet();
    let none = "schedule.office mutes nothing: no alarm watches what it stops";
    workspace.ok(&["apply", "--yes", "--target", "schedule.office"]).says(&["3 added", none]);
    assert_eq!(mutes(&workspace), [""; 0]);
    workspace.apply().says(&["5 added"]);
    let old = both("web-1: CPU over 80, web-2: CPU over 80");
    assert_eq!(mutes(&workspace), old);
    workspace.expect_nothing_to_do();
    // What stays under its old name stays muted.
    workspace.edit_manifest("threshold = 80", "threshold = 85");
    workspace.ok(&["apply", "--yes", "--exclude", "alarm.cpu"]);
    workspace.ok(&["apply", "--yes", "--target", "schedule.office"]);
    assert_eq!(mutes(&workspace), old);
    workspace.apply().says(&["replace  3", "update   2"]);
    assert_eq!(mutes(&workspace), both("web-1: CPU over 85, web-2: CPU over 85"));
    workspace.expect_nothing_to_do();
    workspace.ok(&["destroy", "--yes"]);
    assert_eq!(mutes(&workspace), [""; 0]);
}

#[test]
fn an_alarm_that_could_not_be_made_keeps_no_other_from_being_muted() {
    let (workspace, _) = fleet();
    workspace.account.faults(json!([{
        "operation": "PutMetricAlarm", "key": "web-1: CPU over 80", "kind": "error",
        "code": "ValidationError", "status": 400, "message": "no",
    }]));
    let apply = workspace.run(&["apply", "--yes"]);
    apply.expect(4).says(&["the rule mutes its other alarms, without web-1: CPU over 80"]);
    assert_eq!(mutes(&workspace), both("web-2: CPU over 80"));
    workspace.account.faults(json!([]));
    let expected = [vec!["create web-1: CPU over 80".to_owned()], updates().to_vec()].concat();
    assert_eq!(sorted(workspace.changes()), expected);
    workspace.apply();
    assert_eq!(mutes(&workspace), both("web-1: CPU over 80, web-2: CPU over 80"));
    workspace.expect_nothing_to_do();
    workspace.ok(&["destroy", "--yes"]);
    assert_eq!(mutes(&workspace), [""; 0]);
}

#[test]
fn owners_are_known_without_tags() {
    let (workspace, _) = fleet();
    workspace.apply();
    let recorded = workspace.recorded();
    let foreign = json!([]);
    for (code, status) in
        [("ResourceNotFoundException", 404), ("ValidationError", 400), ("InvalidParameterValue", 400)]
    {
        workspace.account.faults(json!([{
            "operation": "ListTagsForResource", "service": "cloudwatch", "kind": "error",
            "code": code, "status": status, "message": "no such resource",
        }]));
        workspace.expect_nothing_to_do();
        // A lost state.
        std::fs::remove_file(workspace.state_file()).unwrap();
        workspace.expect_nothing_to_do();
        workspace.ok(&["state", "rebuild", "--yes"]);
        assert_eq!(workspace.recorded(), recorded);
        // A person's change that loses the description, and one that says something else.
        by_hand(&workspace, NIGHTS, &["web-1: CPU over 80"], &foreign);
        assert_eq!(workspace.changes(), [format!("update {NIGHTS}")]);
        workspace.apply();
        workspace.expect_nothing_to_do();
    }
    let theirs = json!({
        "Name": NIGHTS, "Description": "maintenance",
        "Rule": {"Schedule": {"Expression": "cron(0 2 * * SUN)", "Duration": "PT2H"}},
    });
    workspace.account.cloudwatch(REGION, "PutAlarmMuteRule", &theirs);
    workspace.run(&["apply", "--yes"]).expect(1).says(&["belongs to nobody"]);
    let mut other = theirs;
    other["Description"] = json!("opsform:project=billing opsform:label=schedule.office");
    workspace.account.cloudwatch(REGION, "PutAlarmMuteRule", &other);
    workspace.run(&["apply", "--yes"]).expect(1).says(&["billing"]);
    workspace.ok(&["destroy", "--yes"]);
    let left: Vec<Value> =
        workspace.account.mutes(REGION).into_iter().map(|rule| rule["Name"].clone()).collect();
    assert_eq!(left, [json!(NIGHTS)]);
}

#[test]
fn a_project_whose_name_begins_alike_keeps_its_rules() {
    let (workspace, _) = fleet();
    workspace.apply();
    let other = json!({
        "Name": "opsform-payments.eu.office.mute.mon-1900",
        "Description": "opsform:project=payments.eu opsform:label=schedule.office",
        "Rule": {"Schedule": {"Expression": "cron(0 2 * * SUN)", "Duration": "PT2H"}},
    });
    workspace.account.cloudwatch(REGION, "PutAlarmMuteRule", &other);
    let recorded = workspace.recorded();
    std::fs::remove_file(workspace.state_file()).unwrap();
    workspace.ok(&["state", "rebuild", "--yes"]);
    assert_eq!(workspace.recorded(), recorded);
}

#[test]
fn killed_half_way_the_next_apply_makes_the_rest() {
    for (k, hold, count) in [(0, "hold_before", 0), (1, "hold_before", 1), (1, "hold_after", 2)] {
        let (workspace, _) = fleet();
        workspace.account.faults(json!([{"operation": "PutAlarmMuteRule", "kind": hold, "skip": k}]));
        let mut apply = workspace.command(&["apply", "--yes"]).spawn().unwrap();
        wait_until(|| workspace.account.held() >= 2 - k);
        apply.kill().unwrap();
        apply.wait().unwrap();
        workspace.account.release();
        workspace.account.faults(json!([]));
        let made: Vec<String> = mutes(&workspace)
            .iter()
            .filter_map(|line| line.split(' ').next().map(|name| format!("create {name}")))
            .collect();
        assert_eq!(made.len(), count, "{hold} {k}");
        let all = [format!("create {WEEKEND}"), format!("create {NIGHTS}")];
        let rest: Vec<String> = all.into_iter().filter(|create| !made.contains(create)).collect();
        assert_eq!(sorted(workspace.changes()), rest, "{hold} {k}");
        workspace.apply();
        assert_eq!(mutes(&workspace), both("web-1: CPU over 80, web-2: CPU over 80"));
        workspace.expect_nothing_to_do();
    }
}

#[test]
fn a_lost_answer_makes_nothing_twice_and_a_lost_state_is_rebuilt() {
    let (workspace, _) = fleet();
    workspace.account.faults(json!([{"operation": "PutAlarmMuteRule", "kind": "drop_after", "times": 2}]));
    workspace.apply().says(&["8 added"]);
    let recorded = workspace.recorded();
    std::fs::remove_file(workspace.state_file()).unwrap();
    workspace.expect_nothing_to_do();
    workspace.ok(&["state", "rebuild", "--yes"]);
    assert_eq!(workspace.recorded(), recorded);
    workspace.expect_nothing_to_do();
}

#[test]
fn the_policy_names_rules_and_alarms() {
    let (workspace, _) = fleet();
    let policy: Value = serde_json::from_str(&workspace.ok(&["iam-policy"]).stdout).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    let statement = |sid: &str| statements.iter().find(|one| one["Sid"] == sid).unwrap();
    let rules = |region: &str| json!([format!("arn:aws:cloudwatch:{region}:*:alarm-mute-rule:opsform-*")]);
    let write = statement("OpsformWriteAlarmMuteRule");
    assert_eq!(write["Action"], json!(["cloudwatch:PutAlarmMuteRule", "cloudwatch:TagResource"]));
    assert_eq!(write["Resource"], rules("us-east-1"));
    let remove = statement("OpsformRemoveAlarmMuteRule");
    assert_eq!(remove["Action"], json!(["cloudwatch:DeleteAlarmMuteRule"]));
    assert_eq!(remove["Resource"], rules("*"));
    // A rule may be put only by whoever may put rules for its alarms.
    let besides = statement("OpsformBesidesPutAlarmMuteRule");
    assert_eq!(besides["Action"], json!(["cloudwatch:PutAlarmMuteRule"]));
    assert_eq!(besides["Resource"], json!(["arn:aws:cloudwatch:us-east-1:*:alarm:*"]));
    let read = statement("OpsformRead")["Action"].as_array().unwrap().clone();
    assert!(read.contains(&json!("cloudwatch:ListAlarmMuteRules")), "{read:?}");
}

#[test]
fn a_night_before_a_day_off_is_muted_to_its_end() {
    let (workspace, _) = fleet();
    let days = days_from_today();
    workspace.edit_manifest("MON-FRI *)'\nstop", "* *)'\nstop");
    workspace.edit_manifest("MON-FRI", "*");
    workspace.edit_manifest("mute_alarms", &format!("except = ['{}', '{}']\nmute_alarms", days(5), days(6)));
    workspace.apply();
    let alarms = "web-1: CPU over 80, web-2: CPU over 80";
    let (night, name) = (days(4), "opsform-payments.office.mute");
    assert_eq!(
        mutes(&workspace),
        [
            format!("{name}.at-{night}-1900 at({night}T19:00) P2DT14H10M: {alarms}"),
            format!("{NIGHTS} cron(0 19 * * *) PT14H10M: {alarms}"),
        ]
    );
    workspace.expect_nothing_to_do();
    workspace.edit_manifest(&format!(", '{}'", days(6)), "");
    let mute = workspace.changes().into_iter().filter(|change| change.contains(".mute."));
    assert_eq!(mute.collect::<Vec<_>>(), [format!("update {name}.at-{night}-1900")]);
    workspace.apply();
    workspace.expect_nothing_to_do();
    // The other way round things run on a day off, and the rule makes a pause.
    workspace.edit_manifest("cron(0 9 ", "cron(0 20 ");
    workspace.edit_manifest("cron(0 19 ", "cron(0 8 ");
    workspace.apply();
    let morning = |rule: &Value| rule["Rule"]["Schedule"]["Expression"] == "cron(0 8 * * *)";
    let rules: Vec<Value> = workspace.account.mutes(REGION).into_iter().filter(morning).collect();
    assert_eq!(rules.len(), 2, "{rules:?}");
    assert!(rules.iter().any(|rule| !rule["ExpireDate"].is_null() && rule["StartDate"].is_null()));
    assert!(rules.iter().any(|rule| rule["ExpireDate"].is_null() && !rule["StartDate"].is_null()));
    workspace.expect_nothing_to_do();
}

/// The time of the day so many hours after another in Seoul, as `M H` and `HHMM`.
fn in_hours(time: jiff::Timestamp, hours: i64) -> (String, String) {
    let time = (time + jiff::SignedDuration::from_hours(hours)).to_zoned(seoul());
    (format!("{} {}", time.minute(), time.hour()), time.strftime("%H%M").to_string())
}

#[test]
fn new_hours_at_night_page_nobody() {
    let (workspace, _) = fleet();
    let now = now();
    let ((stop, old), (later, new), (start, end)) = (in_hours(now, -2), in_hours(now, -1), in_hours(now, 6));
    workspace.edit_manifest("cron(0 9 ? * MON-FRI *)", &format!("cron({start} * * ? *)"));
    workspace.edit_manifest("cron(0 19 ? * MON-FRI *)", &format!("cron({stop} * * ? *)"));
    workspace.apply();
    let alarms = "web-1: CPU over 80, web-2: CPU over 80";
    let rule = |time: &str| format!("opsform-payments.office.mute.mon-{time}");
    let of_old = format!("{} cron({stop} * * *) PT8H10M: {alarms}", rule(&old));
    assert_eq!(mutes(&workspace), std::slice::from_ref(&of_old));
    workspace.edit_manifest(&format!("cron({stop} * * ? *)"), &format!("cron({later} * * ? *)"));
    let mute = workspace.changes().into_iter().filter(|change| change.contains(".mute."));
    let expected = [format!("create {}", rule(&new)), format!("update {}", rule(&old))];
    assert_eq!(sorted(mute.collect()), sorted(expected.to_vec()));
    workspace.apply().says(&["schedule.office leaves 1 mute rule in force until"]);
    let of_new = format!("{} cron({later} * * *) PT7H10M: {alarms}", rule(&new));
    assert_eq!(sorted(mutes(&workspace)), sorted(vec![of_new, of_old]));
    workspace.expect_nothing_to_do();
    let kept = workspace.account.mutes(REGION).into_iter().find(|kept| kept["Name"] == json!(rule(&old)));
    let expires = kept.unwrap()["ExpireDate"].as_f64().unwrap();
    #[allow(clippy::cast_possible_truncation)]
    let expires = jiff::Timestamp::from_second(expires as i64).unwrap().to_zoned(seoul());
    let ten_before = expires.checked_sub(jiff::SignedDuration::from_mins(10)).unwrap();
    assert_eq!(ten_before.strftime("%H%M").to_string(), end);
    // Alarms that are renamed meanwhile are muted on.
    workspace.edit_manifest("threshold = 80", "threshold = 85");
    workspace.apply();
    assert!(mutes(&workspace).iter().all(|rule| rule.contains("web-1: CPU over 85, web-2: CPU over 85")));
    workspace.expect_nothing_to_do();
    workspace.ok(&["destroy", "--yes"]);
    assert_eq!(mutes(&workspace), [""; 0]);
}

#[test]
fn what_is_over_goes_and_is_no_destroy() {
    let (workspace, _) = fleet();
    let days = days_from_today();
    workspace.edit_manifest("MON-FRI *)'\nstop", "* *)'\nstop");
    workspace.edit_manifest("MON-FRI", "*");
    workspace.edit_manifest("mute_alarms", &format!("except = ['{}']\nmute_alarms", days(5)));
    workspace.apply();
    let once = format!("opsform-payments.office.mute.at-{}-1900", days(4));
    let description = "opsform:project=payments opsform:label=schedule.office";
    let over = json!({
        "Name": once, "Description": description, "MuteTargets": {"AlarmNames": ["web-1: CPU over 80"]},
        "Rule": {"Schedule": {"Expression": "at(2026-01-01T19:00)", "Duration": "P1D", "Timezone": "Asia/Seoul"}},
    });
    workspace.account.cloudwatch(REGION, "PutAlarmMuteRule", &over);
    workspace.edit_manifest(&format!("except = ['{}']\n", days(5)), "");
    let mute = workspace.changes().into_iter().filter(|change| change.contains(".mute."));
    assert_eq!(mute.collect::<Vec<_>>(), [format!("delete {once}")]);
    workspace.ok(&["plan", "--target", &once]).says(&["because its time is over"]);
    workspace.ok(&["apply", "--yes", "--target", &once, "--max-destroy", "0"]).says(&["1 destroyed"]);
    workspace.apply();
    workspace.expect_nothing_to_do();
    assert_eq!(mutes(&workspace).len(), 1);
    workspace.ok(&["destroy", "--yes"]);
    assert_eq!(mutes(&workspace), [""; 0]);
}
