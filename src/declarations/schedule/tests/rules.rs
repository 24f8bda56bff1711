//! `engine = "rule"`.

use serde_json::json;

use super::*;
use crate::resources::event_rule::{EventRule, MAX_TARGETS};

fn office() -> String {
    format!("{OFFICE}engine = 'rule'\n")
}

/// The rules by name.
fn rules(desired: &[Desired]) -> BTreeMap<String, EventRule> {
    let rule = |desired: &Desired| {
        assert_eq!(desired.address.kind, "event_rule");
        let name = desired.address.key.strip_prefix("opsform-payments.").unwrap().to_owned();
        (name, EventRule::from_fields(&desired.fields).unwrap())
    };
    desired.iter().map(rule).collect()
}

/// `NAME: EXPRESSION`, and what each target is given.
fn lines(desired: &[Desired]) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, rule) in rules(desired) {
        lines.push(format!("{name}: {}", rule.expression().unwrap()));
        for target in rule.targets {
            let called = target.arn.strip_prefix("arn:aws:").unwrap();
            lines.push(format!("  {} {called} {}", target.id, target.input.unwrap()));
        }
    }
    lines
}

#[test]
fn instances_stop_by_the_built_in_target_and_all_else_goes_through_runbooks() {
    let (wanted, problems) = desired(&office(), fleet());
    assert_eq!(problems, [""; 0]);
    let stop = "events:us-east-1:111122223333:target/stop-instance";
    let runbook = "ssm:us-east-1::automation-definition/AWS-";
    assert_eq!(
        lines(&wanted),
        [
            "office.start.ec2: cron(0 0 ? * MON-FRI *)".to_owned(),
            format!("  i-1 {runbook}StartEC2Instance:$DEFAULT {{\"InstanceId\":[\"i-1\"]}}"),
            format!("  i-2 {runbook}StartEC2Instance:$DEFAULT {{\"InstanceId\":[\"i-2\"]}}"),
            "office.start.rds: cron(0 0 ? * MON-FRI *)".to_owned(),
            format!("  orders {runbook}StartRdsInstance:$DEFAULT {{\"InstanceId\":[\"orders\"]}}"),
            "office.start.rds_cluster: cron(0 0 ? * MON-FRI *)".to_owned(),
            format!(
                "  ledger {runbook}StartStopAuroraCluster:$DEFAULT {{\"Action\":[\"Start\"],\"ClusterName\":[\"ledger\"]}}"
            ),
            "office.stop.ec2: cron(0 10 ? * MON-FRI *)".to_owned(),
            format!("  i-1 {stop} \"i-1\""),
            format!("  i-2 {stop} \"i-2\""),
            "office.stop.rds: cron(0 10 ? * MON-FRI *)".to_owned(),
            format!("  orders {runbook}StopRdsInstance:$DEFAULT {{\"InstanceId\":[\"orders\"]}}"),
            "office.stop.rds_cluster: cron(0 10 ? * MON-FRI *)".to_owned(),
            format!(
                "  ledger {runbook}StartStopAuroraCluster:$DEFAULT {{\"Action\":[\"Stop\"],\"ClusterName\":[\"ledger\"]}}"
            ),
        ]
    );
    let rule = &rules(&wanted)["office.stop.ec2"];
    let target = &rule.targets[0];
    assert_eq!(target.role_arn.as_deref(), Some("arn:aws:iam::111122223333:role/opsform-schedule"));
    assert_eq!((target.retries, target.max_event_age), (Some(10), Some(3_600)));
    assert_eq!(rule.description.as_deref(), Some("opsform:project=payments opsform:label=schedule.office"));
}

#[test]
fn a_runbook_stops_instances_where_that_is_said_and_takes_on_a_role() {
    let text = format!(
        "{}via = 'ssm'\nautomation_role_arn = 'arn:aws:iam::{{{{ account }}}}:role/automation'\n",
        office()
    );
    let (wanted, _) = desired(&text, fleet());
    let stop = &rules(&wanted)["office.stop.ec2"].targets[0];
    assert_eq!(stop.arn, "arn:aws:ssm:us-east-1::automation-definition/AWS-StopEC2Instance:$DEFAULT");
    let role = "arn:aws:iam::111122223333:role/automation";
    assert_eq!(stop.input, Some(json!({"InstanceId": ["i-1"], "AutomationAssumeRole": [role]})));
    assert_eq!(stop.role_arn.as_deref(), Some("arn:aws:iam::111122223333:role/opsform-schedule"));
    // The built-in target has no place for that role.
    let (wanted, _) = desired(&text.replace("via = 'ssm'\n", ""), fleet());
    assert_eq!(rules(&wanted)["office.stop.ec2"].targets[0].input, Some(json!("i-1")));
    let user = text.replace("{{ account }}:role/automation", "111122223333:user/automation");
    assert_eq!(faults(&user), ["\"arn:aws:iam::111122223333:user/automation\" is not the ARN of a role"]);
}

#[test]
fn a_rule_has_five_targets_and_a_change_touches_few() {
    let fleet = |count: usize| {
        (0..count).map(|n| target(TargetKind::Ec2, &format!("i-{n:017x}"), &[], &[])).collect::<Vec<_>>()
    };
    let stop = OFFICE.replace("start = 'cron(0 9 ? * MON-FRI *)'\n", "") + "engine = 'rule'\n";
    let stop = stop.replace(", rds = {}, rds_cluster = {}", "");
    let before = rules(&desired(&stop, fleet(40)).0);
    assert!(before.len() >= 8 && before.values().all(|rule| rule.targets.len() <= MAX_TARGETS));
    assert_eq!(before.values().map(|rule| rule.targets.len()).sum::<usize>(), 40);
    let after = rules(&desired(&stop, fleet(39)).0);
    let same = after.iter().filter(|(name, rule)| before.get(*name) == Some(rule)).count();
    assert!(after.len() - same <= 1 && before.len() - same <= 2, "{same} of {}", before.len());
}

#[test]
fn what_no_rule_can_do_is_told_with_what_can() {
    assert_eq!(
        faults(&office().replace("stop =", "hibernate = true\nstop =")),
        ["`hibernate`: the schedule has `engine = \"rule\"`, and no target of a rule hibernates"]
    );
    assert_eq!(faults(&format!("{OFFICE}via = 'ssm'\n")), ["`via` is for rules, and this schedule has none"]);
    assert_eq!(
        faults(&format!("{}batch_size = 5\n", office())),
        ["`batch_size` is for `engine = \"scheduler\"`: each target of a rule is one instance"]
    );
    assert_eq!(faults(&format!("{OFFICE}engine = 'rules'\n")), ["`engine` cannot be \"rules\""]);
}

#[test]
fn rules_know_utc_only() {
    let berlin = office().replace("Asia/Seoul", "Europe/Berlin");
    assert_eq!(
        faults(&berlin),
        [
            "`timezone`: EventBridge rules know UTC only, and the clocks of Europe/Berlin are put forward and back"
        ]
    );
    let last = office().replace("cron(0 9 ? * MON-FRI *)", "cron(0 8 LW * ? *)");
    let (document, problems) = parse(&SourceSet::new("m", [("a.toml", last)]), &block_names());
    let problem = Manifest::new(document, problems).unwrap_err().into_iter().next().unwrap();
    assert_eq!(
        problem.summary,
        "`start` cannot become a rule, which knows UTC only: in UTC the time is on the day before, and no cron expression \
         says that of these days"
    );
    assert_eq!(problem.place.unwrap().to_string(), "a.toml:6:19");
    assert!(problem.hint.unwrap().contains("engine = \"scheduler\""));
}

#[test]
fn an_exemption_moves_and_deletes_nothing() {
    let kept = |n: usize, kept: bool| {
        let tag = [("keep-running-until", "2026-11-20")];
        target(TargetKind::Ec2, &format!("i-{n:017x}"), if kept { &tag } else { &[] }, &[])
    };
    let fleet = |exempted: &dyn Fn(usize) -> bool| (0..12).map(|n| kept(n, exempted(n))).collect();
    let before = rules(&desired(&office(), fleet(&|_| false)).0);
    let after = rules(&desired(&office(), fleet(&|n| n == 3)).0);
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    let changed: Vec<_> = before.iter().filter(|(name, rule)| after[*name] != **rule).collect();
    assert!(changed.len() == 1 && changed[0].0.starts_with("office.stop.ec2"), "{changed:?}");
    let all = rules(&desired(&office(), fleet(&|_| true)).0);
    for (name, rule) in all {
        assert_eq!(rule.enabled, name.starts_with("office.start"), "{name}");
        assert_eq!(rule.targets, before[&name].targets);
    }
}

#[test]
fn calls_that_fail_go_to_a_queue() {
    let text =
        format!("{}dead_letter_arn = 'arn:aws:sqs:{{{{ region }}}}:{{{{ account }}}}:failed'\n", office());
    let (wanted, _) = desired(&text, fleet());
    let queue = "arn:aws:sqs:us-east-1:111122223333:failed";
    let targets = rules(&wanted).into_values().flat_map(|rule| rule.targets).collect::<Vec<_>>();
    assert!(targets.iter().all(|target| target.dead_letter_arn.as_deref() == Some(queue)));
}
