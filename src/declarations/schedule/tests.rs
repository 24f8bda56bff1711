use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::declarations::{Manifest, Parks, World, block_names};
use crate::inventory::{Fleet, Target, TargetKind};
use crate::manifest::{SourceSet, parse};
use crate::model::{Desired, Scope};
use crate::resources::schedule::Schedule;

mod mutes;
mod rules;

const OFFICE: &str = "[project]\nname = 'payments'\n[[schedule]]\nlabel = 'office'\n\
    for_each = { ec2 = {}, rds = {}, rds_cluster = {} }\nstart = 'cron(0 9 ? * MON-FRI *)'\n\
    stop = 'cron(0 19 ? * MON-FRI *)'\ntimezone = 'Asia/Seoul'\n\
    role_arn = 'arn:aws:iam::{{ account }}:role/opsform-schedule'\n";

fn scope() -> Scope {
    Scope::new("111122223333", "us-east-1")
}

fn target(kind: TargetKind, id: &str, tags: &[(&str, &str)], attributes: &[(&'static str, Value)]) -> Target {
    Target {
        kind,
        scope: scope(),
        id: id.to_owned(),
        name: id.to_owned(),
        state: "running".to_owned(),
        tags: tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        attributes: attributes.iter().cloned().collect(),
    }
}

fn manifest(text: &str) -> Result<Manifest, Vec<String>> {
    let (document, problems) = parse(&SourceSet::new("m", [("a.toml", text.to_owned())]), &block_names());
    Manifest::new(document, problems).map_err(|problems| problems.into_iter().map(|d| d.summary).collect())
}

fn faults(text: &str) -> Vec<String> {
    manifest(text).err().unwrap_or_default()
}

/// What the block wants of a fleet on 20 November 2026, 20:00 in Seoul, and what it says.
fn desired(text: &str, targets: Vec<Target>) -> (Vec<Desired>, Vec<String>) {
    desired_at("2026-11-20T11:00:00Z", text, targets)
}

fn desired_at(now: &str, text: &str, targets: Vec<Target>) -> (Vec<Desired>, Vec<String>) {
    let manifest = manifest(text).unwrap();
    let (scopes, fleet) = ([scope()], Fleet::new(targets));
    let now: Timestamp = now.parse().unwrap();
    let world = World::new(&scopes, &scopes, &fleet, now);
    let (desired, problems) = manifest.declarations[0].desired(&world);
    (desired, problems.into_iter().map(|problem| problem.summary).collect())
}

/// The schedules by name.
fn schedules(desired: &[Desired]) -> BTreeMap<String, Schedule> {
    let of_kind = desired.iter().filter(|desired| desired.address.kind == "schedule");
    let schedule = |desired: &Desired| {
        let name = desired.address.key.strip_prefix("opsform-payments/").unwrap().to_owned();
        (name, Schedule::from_fields(&desired.fields).unwrap())
    };
    of_kind.map(schedule).collect()
}

fn fleet() -> Vec<Target> {
    vec![
        target(TargetKind::Ec2, "i-1", &[], &[]),
        target(TargetKind::Ec2, "i-2", &[], &[]),
        target(TargetKind::Rds, "orders", &[], &[]),
        target(TargetKind::RdsCluster, "ledger", &[], &[]),
    ]
}

#[test]
fn one_schedule_for_all_instances_and_one_for_each_database() {
    let (desired, problems) = desired(OFFICE, fleet());
    assert_eq!(problems, [""; 0]);
    assert_eq!(
        (desired[0].address.kind.as_str(), desired[0].address.key.as_str()),
        ("schedule_group", "opsform-payments")
    );
    let schedules = schedules(&desired);
    let lines: Vec<String> = schedules
        .iter()
        .map(|(name, one)| {
            format!("{name}: {} {} {}", one.expression, one.target_arn, one.input_text().unwrap())
        })
        .collect();
    let at = |hour: u8| format!("cron(0 {hour} ? * MON-FRI *) arn:aws:scheduler:::aws-sdk");
    assert_eq!(
        lines,
        [
            format!("office.start.ec2: {}:ec2:startInstances {{\"InstanceIds\":[\"i-1\",\"i-2\"]}}", at(9)),
            format!(
                "office.start.rds.orders: {}:rds:startDBInstance {{\"DbInstanceIdentifier\":\"orders\"}}",
                at(9)
            ),
            format!(
                "office.start.rds_cluster.ledger: {}:rds:startDBCluster {{\"DbClusterIdentifier\":\"ledger\"}}",
                at(9)
            ),
            format!("office.stop.ec2: {}:ec2:stopInstances {{\"InstanceIds\":[\"i-1\",\"i-2\"]}}", at(19)),
            format!(
                "office.stop.rds.orders: {}:rds:stopDBInstance {{\"DbInstanceIdentifier\":\"orders\"}}",
                at(19)
            ),
            format!(
                "office.stop.rds_cluster.ledger: {}:rds:stopDBCluster {{\"DbClusterIdentifier\":\"ledger\"}}",
                at(19)
            ),
        ]
    );
    let stop = &schedules["office.stop.ec2"];
    assert_eq!(stop.timezone, "Asia/Seoul");
    assert_eq!(stop.role_arn, "arn:aws:iam::111122223333:role/opsform-schedule");
    assert_eq!(stop.description.as_deref(), Some("opsform:project=payments opsform:label=schedule.office"));
}

/// What is parked fails the call for all that it names.
#[test]
fn what_is_parked_is_neither_started_nor_stopped() {
    let on_ebs = |id: &str, state: &str, more: &[(&'static str, Value)]| {
        let mut all = vec![("root_device_type", json!("ebs"))];
        all.extend(more.iter().cloned());
        Target { state: state.to_owned(), ..target(TargetKind::Ec2, id, &[], &all) }
    };
    let root = [("root_volume", json!("vol-1"))];
    let targets = vec![
        on_ebs("i-1", "stopped", &[]),
        on_ebs("i-2", "stopped", &root),
        on_ebs("i-3", "running", &root),
        on_ebs("i-4", "pending", &[]),
    ];
    let of = |parked: &str, targets: Vec<Target>| {
        let manifest = manifest(OFFICE).unwrap();
        let (scopes, fleet) = ([scope()], Fleet::new(targets));
        let parks = Parks::from([((scope(), parked.to_owned()), "park.boxes".to_owned())]);
        let now = "2026-11-20T11:00:00Z".parse().unwrap();
        let world = World { parks: &parks, ..World::new(&scopes, &scopes, &fleet, now) };
        let declaration = &manifest.declarations[0];
        let why = declaration.left_alone(&world).into_iter();
        let why: Vec<_> = why.map(|one| format!("{}: {}", one.target.id, one.why)).collect();
        (declaration.desired(&world).0, why)
    };
    let (wanted, why) = of("i-3", targets.clone());
    let in_it = schedules(&wanted);
    for name in ["office.start.ec2", "office.stop.ec2"] {
        assert_eq!(in_it[name].ids, ["i-2".to_owned(), "i-4".to_owned()].into(), "{name}");
        assert!(in_it[name].enabled);
    }
    assert_eq!(
        why,
        [
            "i-1: it is parked (it has no root volume); `opsform unpark` brings it back",
            "i-3: park.boxes wants it parked, so schedule.office leaves it out",
        ]
    );
    // Where all are parked nothing is deleted: it is disabled.
    let (all, _) = of("i-9", targets[..1].to_vec());
    assert!(schedules(&all).values().all(|one| !one.enabled && one.ids == ["i-1".to_owned()].into()));
}

#[test]
fn what_cannot_be_stopped_is_left_out_and_told() {
    let odd = vec![
        target(TargetKind::Ec2, "i-1", &[], &[("root_device_type", json!("ebs"))]),
        target(TargetKind::Ec2, "i-2", &[("aws:autoscaling:groupName", "web")], &[]),
        target(TargetKind::Ec2, "i-3", &[], &[("lifecycle", json!("spot"))]),
        target(TargetKind::Ec2, "i-4", &[], &[("root_device_type", json!("instance-store"))]),
        target(TargetKind::Ec2, "i-5", &[("aws:autoscaling:groupName", "web")], &[]),
        target(TargetKind::Rds, "member", &[], &[("cluster", json!("ledger"))]),
        target(TargetKind::Rds, "replica", &[], &[("replica_of", json!("orders"))]),
        target(TargetKind::Rds, "source", &[], &[("replicas", json!(["replica"]))]),
        target(TargetKind::Rds, "ms", &[], &[("engine", json!("sqlserver-se")), ("multi_az", json!(true))]),
    ];
    let (desired, problems) = desired(OFFICE, odd);
    let names: Vec<String> = schedules(&desired).into_keys().collect();
    assert_eq!(names, ["office.start.ec2", "office.stop.ec2"]);
    assert_eq!(schedules(&desired)["office.stop.ec2"].ids, ["i-1".to_owned()].into());
    assert_eq!(
        problems,
        [
            "schedule.office leaves out 2 targets: their Auto Scaling groups would replace them: i-2, i-5",
            "schedule.office leaves out i-3: it is a spot instance; AWS stops only those of persistent requests, and whether this one is of such is not looked up",
            "schedule.office leaves out i-4: its root device is an instance store, which a stop would lose",
            "schedule.office leaves out member: it is a member of a cluster, which starts and stops as a whole",
            "schedule.office leaves out ms: SQL Server in Multi-AZ cannot be stopped",
            "schedule.office leaves out replica: a read replica cannot be stopped",
            "schedule.office leaves out source: a database with read replicas cannot be stopped",
        ]
    );
}

#[test]
fn a_tag_keeps_a_target_running_to_the_end_of_a_day() {
    let fleet = || {
        vec![
            target(TargetKind::Ec2, "i-1", &[("keep-running-until", "2026-11-20")], &[]),
            target(TargetKind::Ec2, "i-2", &[("keep-running-until", "2026-11-19")], &[]),
            target(TargetKind::Ec2, "i-3", &[("keep-running-until", "next week")], &[]),
            target(TargetKind::Rds, "orders", &[("keep-running-until", "2026/12/01")], &[]),
        ]
    };
    let (wanted, problems) = desired(OFFICE, fleet());
    let schedules_of = schedules(&wanted);
    let ids = |name: &str| schedules_of[name].ids.iter().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!((ids("office.start.ec2"), ids("office.stop.ec2")), ("i-1 i-2 i-3".into(), "i-2".into()));
    let enabled = |name: &str| schedules_of[name].enabled;
    assert!(enabled("office.start.rds.orders") && enabled("office.stop.ec2"));
    // It stays and does nothing: a guard against deletions must not let it stop what is needed.
    assert!(!enabled("office.stop.rds.orders"));
    assert_eq!(
        problems,
        [
            "schedule.office does not stop i-3: its tag `keep-running-until` is \"next week\", which is no date"
        ]
    );
    let other_tag = format!("{OFFICE}exempt_tag = 'no-stop'\n");
    assert_eq!(schedules(&desired(&other_tag, fleet()).0)["office.stop.ec2"].ids.len(), 3);
    // The day ends later in Seoul than in Honolulu, where it is still the 20th.
    let honolulu = OFFICE.replace("Asia/Seoul", "Pacific/Honolulu");
    assert_eq!(schedules(&desired(&honolulu, fleet()).0)["office.stop.ec2"].ids.len(), 1);
}

#[test]
fn where_all_are_kept_running_the_schedule_is_disabled() {
    let fleet = vec![target(TargetKind::Ec2, "i-1", &[("keep-running-until", "2999-01-01")], &[])];
    let schedules = schedules(&desired(OFFICE, fleet).0);
    let (start, stop) = (&schedules["office.start.ec2"], &schedules["office.stop.ec2"]);
    assert_eq!((start.enabled, stop.enabled, start.ids == stop.ids), (true, false, true));
}

#[test]
fn a_batch_is_as_large_as_is_said() {
    let text = OFFICE.replace("start =", "batch_size = 1\nstart =");
    let (wanted, _) = desired(&text, fleet());
    let ids: Vec<usize> = schedules(&wanted)
        .iter()
        .filter(|(name, _)| name.contains(".ec2"))
        .map(|(_, one)| one.ids.len())
        .collect();
    assert_eq!(ids, [1, 1, 1, 1]);
    for wrong in ["0", "201"] {
        let faults = faults(&text.replace("batch_size = 1", &format!("batch_size = {wrong}")));
        assert_eq!(faults, [format!("`batch_size`: {wrong} is not from 1 to 200")]);
    }
}

#[test]
fn a_queue_hears_of_what_failed() {
    let queue = "arn:aws:sqs:{{ region }}:{{ account }}:failed";
    let text = OFFICE.replace("start =", &format!("dead_letter_arn = '{queue}'\nstart ="));
    let (wanted, problems) = desired(&text, fleet());
    assert_eq!(problems, [""; 0]);
    let queues: Vec<Option<String>> =
        schedules(&wanted).into_values().map(|one| one.dead_letter_arn).collect();
    assert_eq!(queues, vec![Some("arn:aws:sqs:us-east-1:111122223333:failed".to_owned()); 6]);
    let (none, problems) = desired(&text.replace("{{ region }}", "eu-west-1"), fleet());
    assert_eq!((none.len(), problems.len()), (0, 1), "{problems:?}");
    assert!(problems[0].contains("of region eu-west-1"), "{problems:?}");
    let fifo = faults(
        &text
            .replace(":failed", ":failed.fifo")
            .replace("{{ region }}:{{ account }}", "us-east-1:111122223333"),
    );
    assert!(fifo[0].contains("is a FIFO queue, and AWS takes only standard ones here"), "{fifo:?}");
}

#[test]
fn clusters_that_aws_does_not_stop_are_left_out() {
    let cluster =
        |id: &str, attributes: &[(&'static str, Value)]| target(TargetKind::RdsCluster, id, &[], attributes);
    let odd = vec![
        cluster("fine", &[("engine", json!("aurora-mysql")), ("engine_mode", json!("provisioned"))]),
        cluster("multi-az", &[("engine", json!("mysql"))]),
        cluster("global", &[("engine", json!("aurora-mysql")), ("global_cluster", json!("world"))]),
        cluster("copy", &[("engine", json!("aurora-mysql")), ("replica_of", json!("arn"))]),
        cluster("old", &[("engine", json!("aurora-mysql")), ("engine_mode", json!("serverless"))]),
        target(TargetKind::Ec2, "i-1", &[], &[("managed_by", json!("eks.amazonaws.com"))]),
        target(
            TargetKind::Rds,
            "custom",
            &[],
            &[("engine", json!("custom-sqlserver-ee")), ("multi_az", json!(true))],
        ),
    ];
    let (wanted, problems) = desired(OFFICE, odd);
    let names: Vec<String> = schedules(&wanted).into_keys().collect();
    assert_eq!(names, ["office.start.rds_cluster.fine", "office.stop.rds_cluster.fine"]);
    assert_eq!(problems.len(), 6, "{problems:?}");
}

#[test]
fn what_would_do_harm_is_refused() {
    let rate = faults(&OFFICE.replace("cron(0 19 ? * MON-FRI *)", "rate(12 hours)"));
    assert_eq!(rate, ["`stop`: a rate has no time of day, and begins at once when it is applied"]);
    let protect = faults(&OFFICE.replace("start =", "protect = true\nstart ="));
    assert!(protect[0].starts_with("`protect` is not for schedules"), "{protect:?}");
    let state = faults(&OFFICE.replace("ec2 = {}", "ec2 = { state = ['running'] }"));
    assert!(state[0].contains("cannot select them by `state`"), "{state:?}");
    let same = faults(&OFFICE.replace("cron(0 19 ? * MON-FRI *)", "cron(0 9 ? * 2-6 *)"));
    assert!(same[0].starts_with("`start` and `stop` are at the same times"), "{same:?}");
    let empty = faults(&OFFICE.replace("start =", "exempt_tag = ''\nstart ="));
    assert_eq!(empty, ["`exempt_tag`: a tag's key has 1 to 128 characters"]);
    for zone in ["localtime", "posixrules", "Factory", "Etc/Unknown"] {
        assert_eq!(faults(&OFFICE.replace("Asia/Seoul", zone)), [format!("there is no time zone {zone:?}")]);
    }
    for role in
        ["arn:aws:iam::1:role/x", "arn:aws:iam::111122223333:role/päivä", "arn:aws:iam::111122223333:role/x/"]
    {
        let faults = faults(&OFFICE.replace("arn:aws:iam::{{ account }}:role/opsform-schedule", role));
        assert_eq!(faults, [format!("{role:?} is not the ARN of a role")]);
    }
}

#[test]
fn hibernation_is_for_instances_that_can() {
    let text = OFFICE.replace("stop =", "hibernate = true\nstop =");
    let fleet = vec![
        target(TargetKind::Ec2, "i-1", &[], &[("hibernation", json!(true))]),
        target(TargetKind::Ec2, "i-2", &[], &[("hibernation", json!(false))]),
    ];
    let (wanted, problems) = desired(&text, fleet);
    let schedules = schedules(&wanted);
    assert_eq!(
        schedules["office.stop.ec2"].input_text().unwrap(),
        r#"{"Hibernate":true,"InstanceIds":["i-1"]}"#
    );
    assert_eq!(schedules["office.start.ec2"].input_text().unwrap(), r#"{"InstanceIds":["i-1"]}"#);
    assert!(problems[0].contains("hibernation is not enabled"), "{problems:?}");
    let databases = text.replace("ec2 = {}, ", "");
    assert_eq!(
        faults(&databases),
        ["`hibernate`: the schedule selects no instances, and nothing else hibernates"]
    );
}

#[test]
fn wrong_blocks_are_told() {
    let without = |line: &str| {
        let lines: Vec<&str> = OFFICE.lines().filter(|text| !text.starts_with(line)).collect();
        lines.join("\n")
    };
    assert_eq!(faults(&without("role_arn")), ["[[schedule]] has no `role_arn`"]);
    assert_eq!(faults(&without("for_each")), ["a schedule needs `for_each`: what starts and stops"]);
    assert_eq!(
        faults(&without("stop").replace("'cron(0 9 ? * MON-FRI *)'", "3")),
        ["`start`: expected a string, found the number 3"]
    );
    assert_eq!(faults(&without("st")), ["a schedule needs `start`, `stop` or both"]);
    assert_eq!(faults(&OFFICE.replace("ec2 = {}", "ec2 = {}, ebs = {}")), ["volumes neither start nor stop"]);
    assert_eq!(
        faults(
            &OFFICE
                .replace("role_arn = 'arn:aws:iam::{{ account }}:role/", "role_arn = 'arn:aws:iam::1:user/")
        ),
        ["\"arn:aws:iam::1:user/opsform-schedule\" is not the ARN of a role"]
    );
    assert_eq!(
        faults(&OFFICE.replace("{{ account }}", "{{ acount }}")),
        ["`role_arn`: there is no variable `acount`"]
    );
}

#[test]
fn a_wrong_expression_has_a_caret_at_its_field() {
    let problem = |stop: &str| {
        let text = OFFICE.replace("cron(0 19 ? * MON-FRI *)", stop);
        let (document, problems) = parse(&SourceSet::new("m", [("a.toml", text)]), &block_names());
        let problem = Manifest::new(document, problems).unwrap_err().into_iter().next().unwrap();
        let column = problem.place.unwrap().to_string();
        (column, problem.summary)
    };
    let (place, summary) = problem("cron(0 24 ? * MON-FRI *)");
    assert_eq!(place, "a.toml:7:16");
    assert!(summary.starts_with("`stop`: "), "{summary}");
    assert_eq!(problem("at(2026-12-01T19:00:00)").1, "`stop` comes once: `at(…)`");
    assert_eq!(
        problem("cron(0 19 30 2 ? *)").1,
        "`stop`: \"cron(0 19 30 2 ? *)\" never fires, because there is no such day"
    );
}

#[test]
fn rds_starts_by_itself_after_seven_days() {
    let warnings = |text: &str| manifest(text).unwrap().warnings.iter().count();
    let times = |start: Option<&str>, stop: &str| {
        let text = OFFICE.replace("cron(0 19 ? * MON-FRI *)", stop);
        let start = start.map_or(String::new(), |start| format!("start = '{start}'"));
        warnings(&text.replace("start = 'cron(0 9 ? * MON-FRI *)'", &start))
    };
    let (weekdays, daily) = ("cron(0 9 ? * MON-FRI *)", "cron(0 19 * * ? *)");
    assert_eq!(times(Some(weekdays), "cron(0 19 ? * MON-FRI *)"), 0);
    // What RDS started is stopped again within a day.
    assert_eq!(times(None, daily), 0);
    assert_eq!(times(None, "cron(0 19 ? * MON-FRI *)"), 1);
    assert_eq!(times(None, "cron(0 19 ? * FRI *)"), 1);
    // Sixteen days a month.
    assert_eq!(times(Some("cron(0 9 1 * ? *)"), "cron(0 19 15 * ? *)"), 1);
    let friday = OFFICE
        .replace("cron(0 19 ? * MON-FRI *)", "cron(0 19 ? * FRI *)")
        .replace("start = 'cron(0 9 ? * MON-FRI *)'", "");
    assert_eq!(warnings(&friday.replace(", rds = {}, rds_cluster = {}", "")), 0);
}

/// Name, start and end of the schedules at a time.
fn segments_at(now: &str, text: &str) -> Vec<String> {
    let (wanted, problems) = desired_at(now, text, vec![target(TargetKind::Rds, "orders", &[], &[])]);
    assert_eq!(problems, [""; 0]);
    let line = |(name, one): (String, Schedule)| {
        let time = |time: Option<Timestamp>| time.map_or_else(String::new, |time| time.to_string());
        assert_eq!(one.delete_after_completion, one.end_date.is_some());
        format!("{name}: {}..{}", time(one.start_date), time(one.end_date))
    };
    schedules(&wanted).into_iter().map(line).collect()
}

#[test]
fn days_off_cut_schedules_and_pass_without_a_trace() {
    let text = format!("{OFFICE}except = ['2026-12-24..2026-12-26', 2025-12-25, '2028-12-25']\n");
    let last =
        ["office.start.rds.orders: 2026-12-25T15:00:00Z..", "office.stop.rds.orders: 2026-12-25T15:00:00Z.."];
    assert_eq!(
        segments_at("2026-11-20T11:00:00Z", &text),
        [
            last[0],
            "office.start.rds.orders.until-2026-12-24: ..2026-12-23T14:59:59Z",
            last[1],
            "office.stop.rds.orders.until-2026-12-24: ..2026-12-23T14:59:59Z",
        ]
    );
    // 19:00 in Seoul has passed, and so has the next morning.
    assert_eq!(segments_at("2026-12-23T10:00:00Z", &text), last);
    assert_eq!(segments_at("2026-12-25T14:59:59Z", &text), last);
    let over = segments_at("2026-12-25T15:00:00Z", &format!("{text}# the same\n").replace("2028", "2027"));
    assert_eq!(over[0], "office.start.rds.orders: ..");
}

#[test]
fn a_calendar_that_is_over_is_told() {
    let text = format!("{OFFICE}except = ['2025-12-25']\n");
    let (wanted, problems) = desired(&text, fleet());
    assert_eq!(wanted.len(), 7);
    assert_eq!(problems, ["`except` of schedule.office has no day in the twelve months from today"]);
}

#[test]
fn a_calendar_of_every_day_is_told() {
    let text = format!("{OFFICE}except = ['0001-01-01..9999-12-31']\n");
    assert_eq!(
        desired(&text, fleet()).1,
        ["`except` of schedule.office has every day of the twelve months from today"]
    );
    let but_one = format!("{OFFICE}except = ['0001-01-01..2026-12-30', '2027-01-01..9999-12-31']\n");
    assert_eq!(desired(&but_one, fleet()).1, [""; 0]);
}

#[test]
fn wrong_days_off_are_told() {
    assert_eq!(
        faults(&format!("{OFFICE}engine = 'rule'\nexcept = ['2026-12-25']\n"))[0],
        "`except` is for `engine = \"scheduler\"`: rules of EventBridge neither begin nor end on a day"
    );
    assert_eq!(faults(&format!("{OFFICE}except = ['Christmas']\n")), ["`except`: \"Christmas\" is no date"]);
    assert_eq!(faults(&format!("{OFFICE}except = {{ file = 'h.ics' }}\n")), ["there is no file `h.ics`"]);
}
