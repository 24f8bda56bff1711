//! Which alarms a block mutes, and when.

use super::*;
use crate::model::Owned;
use crate::resources::alarm_mute_rule::AlarmMuteRule;
use crate::resources::metric_alarm::LiveAlarm;

#[test]
fn alarms_are_muted_between_a_stop_and_a_start() {
    let alarm = "[[alarm]]\nlabel = 'cpu'\nfor_each = { ec2 = {}, rds = {} }\nname = '{{ name }}: CPU'\n\
                 metric = 'CPUUtilization'\ncomparison = '>'\nthreshold = 90\n";
    let manifest =
        manifest(&format!("{OFFICE}mute_alarms = {{ names = ['hand-*'] }}\nmute_grace = '5m'\n{alarm}"));
    let manifest = manifest.unwrap();
    let mut targets = fleet();
    targets.push(target(TargetKind::Ec2, "i-3", &[("keep-running-until", "2026-12-31")], &[]));
    targets.push(target(TargetKind::Rds, "ledger-1", &[], &[("cluster", json!("ledger"))]));
    targets.push(target(TargetKind::Rds, "copy", &[], &[("replica_of", json!("orders"))]));
    let live = |name: &str, region: &str, dimension: &str, value: &str| LiveAlarm {
        scope: Scope::new("111122223333", region),
        name: name.to_owned(),
        dimensions: vec![(dimension.to_owned(), value.to_owned())],
    };
    let alarms = [
        live("hand-1", "us-east-1", "InstanceId", "i-1"),
        live("hand-2", "us-east-1", "InstanceId", "i-3"),
        live("hand-3", "us-east-2", "InstanceId", "i-1"),
        live("hand-4", "us-east-1", "VolumeId", "i-1"),
        live("hand-5", "us-east-1", "DBClusterIdentifier", "ledger"),
        live("other", "us-east-1", "InstanceId", "i-1"),
    ];
    let (scopes, fleet) = ([scope()], Fleet::new(targets));
    let now: Timestamp = "2026-11-20T11:00:00Z".parse().unwrap();
    let world = World { alarms: &alarms, ..World::new(&scopes, &scopes, &fleet, now) };
    let wanted: Vec<Desired> = manifest.declarations.iter().flat_map(|one| one.desired(&world).0).collect();
    let wanted: Vec<&Desired> = wanted.iter().collect();
    let schedule = &manifest.declarations[0];
    assert!(schedule.asks_for_alarms());
    let (rules, problems) = schedule.desired_besides(&world, &wanted);
    assert!(problems.is_empty());
    let lines: Vec<String> = rules
        .iter()
        .map(|rule| {
            let spec = AlarmMuteRule::from_fields(&rule.fields).unwrap();
            assert_eq!(
                spec.alarm_names.iter().map(String::as_str).collect::<Vec<_>>(),
                ["hand-1", "hand-5", "i-1: CPU", "i-2: CPU", "ledger-1: CPU", "orders: CPU"]
            );
            format!("{} {} {} {}", rule.address.key, spec.expression, spec.duration, spec.timezone)
        })
        .collect();
    assert_eq!(
        lines,
        [
            "opsform-payments.office.mute.mon-1900 cron(0 19 * * MON-THU) PT14H5M Asia/Seoul",
            "opsform-payments.office.mute.fri-1900 cron(0 19 * * FRI) P2DT14H5M Asia/Seoul",
        ]
    );
    let (none, problems) = schedule.desired_besides(&World { alarms: &[], ..world }, &[]);
    assert!(none.is_empty());
    let problems: Vec<String> = problems.into_iter().map(|problem| problem.summary).collect();
    assert_eq!(problems, ["schedule.office mutes nothing: no alarm watches what it stops"]);
}

/// The mute rules that a block wants at a time, after what it wanted before is recorded, and what is told.
fn mutes_at(now: &str, text: &str, before: &[Desired]) -> (Vec<Desired>, Vec<String>) {
    let manifest = manifest(&format!("{text}mute_alarms = {{ names = ['*'] }}\n")).unwrap();
    let records = before.iter().map(|one| {
        let owned = Owned {
            address: one.address.clone(),
            label: one.origin.label.clone(),
            target: None,
            protect: false,
            fields: one.fields.clone(),
        };
        (owned.address.clone(), owned)
    });
    let dimension = |id: &str| vec![("InstanceId".to_owned(), id.to_owned())];
    let alarms = [("one", "i-1"), ("two", "i-2")].map(|(name, id)| LiveAlarm {
        scope: scope(),
        name: name.to_owned(),
        dimensions: dimension(id),
    });
    let world = World {
        manifest_scopes: &[scope()],
        scopes: &[scope()],
        fleet: &Fleet::new(fleet()),
        tagged: &[],
        records: &records.collect(),
        untagged: &[],
        alarms: &alarms,
        parks: &Parks::new(),
        deployment: None,
        now: now.parse().unwrap(),
    };
    let (rules, told) = manifest.declarations[0].desired_besides(&world, &[]);
    (rules, told.into_iter().map(|one| one.summary).collect())
}

fn rule_lines(rules: &[Desired]) -> Vec<String> {
    let line = |rule: &Desired| {
        let spec = AlarmMuteRule::from_fields(&rule.fields).unwrap();
        let time = |time: Option<Timestamp>| time.map_or_else(|| "-".to_owned(), |time| time.to_string());
        let name = rule.address.key.rsplit('.').next().unwrap();
        format!("{name} {} {} {}", spec.expression, spec.duration, time(spec.expire_date))
    };
    let mut lines: Vec<String> = rules.iter().map(line).collect();
    lines.sort();
    lines
}

#[test]
fn rules_in_force_stay_until_things_run() {
    // Friday, 20:00 in Seoul.
    let friday = "2026-11-20T11:00:00Z";
    let (before, told) = mutes_at(friday, OFFICE, &[]);
    let as_before =
        ["fri-1900 cron(0 19 * * FRI) P2DT14H10M -", "mon-1900 cron(0 19 * * MON-THU) PT14H10M -"];
    assert_eq!((rule_lines(&before), told), (as_before.map(str::to_owned).to_vec(), vec![]));
    // Another stop: the new rules begin tomorrow, so the one in force stays until Monday's start.
    let later = OFFICE.replace("cron(0 19 ", "cron(0 20 ");
    let (rules, told) = mutes_at(friday, &later, &before);
    let new = ["fri-2000 cron(0 20 * * FRI) P2DT13H10M -", "mon-2000 cron(0 20 * * MON-THU) PT13H10M -"];
    let kept = "fri-1900 cron(0 19 * * FRI) P2DT14H10M 2026-11-23T00:10:00Z";
    assert_eq!(rule_lines(&rules), [kept, new[0], new[1]]);
    assert_eq!(
        told,
        [
            "schedule.office leaves 1 mute rule in force until 2026-11-23T00:10:00Z: it mutes what is stopped now"
        ]
    );
    // The next plan says the same, and none does when things run.
    assert_eq!(rule_lines(&mutes_at("2026-11-22T11:00:00Z", &later, &rules).0), [kept, new[0], new[1]]);
    let (rules, told) = mutes_at("2026-11-23T00:10:00Z", &later, &rules);
    assert_eq!((rule_lines(&rules), told), (new.map(str::to_owned).to_vec(), vec![]));
    // Things start earlier by the new hours.
    let earlier = OFFICE.replace("cron(0 9 ", "cron(0 7 ").replace("cron(0 19 ", "cron(0 18 ");
    let rules = mutes_at(friday, &earlier, &before).0;
    assert!(rule_lines(&rules).contains(&kept.replace("T00:10", "T22:10").replace("-23T", "-22T")));
    // The day that is in force leaves its rule: it stays as it is.
    let shorter =
        OFFICE.replace("19 ? * MON-FRI", "19 ? * MON-WED").replace("9 ? * MON-FRI", "9 ? * TUE-THU");
    let thursday = "2026-11-19T11:00:00Z";
    let (rules, told) = mutes_at(thursday, &shorter, &before);
    assert_eq!(rule_lines(&rules), ["mon-1900 cron(0 19 * * MON-THU) PT14H10M -"]);
    assert_eq!(told.len(), 1);
    let rules = mutes_at("2026-11-20T00:10:00Z", &shorter, &rules).0;
    assert_eq!(rule_lines(&rules), ["mon-1900 cron(0 19 * * MON-WED) PT14H10M -"]);
    // A longer night needs nothing of that.
    let longer = OFFICE.replace("cron(0 9 ", "cron(0 10 ");
    let (rules, told) = mutes_at(friday, &longer, &before);
    let long = ["fri-1900 cron(0 19 * * FRI) P2DT15H10M -", "mon-1900 cron(0 19 * * MON-THU) PT15H10M -"];
    assert_eq!((rule_lines(&rules), told), (long.map(str::to_owned).to_vec(), vec![]));
}

#[test]
fn what_cannot_be_muted_is_told() {
    let mute = |text: &str| faults(&format!("{text}mute_alarms = true\n"));
    let without = |key: &str| {
        let lines: Vec<&str> = OFFICE.lines().filter(|line| !line.starts_with(key)).collect();
        lines.join("\n") + "\n"
    };
    assert_eq!(
        mute(&without("start"))[0],
        "`mute_alarms` needs `start` and `stop`: without `start` nobody knows when alarms are to begin to page again"
    );
    assert_eq!(
        mute(&without("stop")),
        ["`mute_alarms` needs `start` and `stop`: without `stop` nobody knows when alarms are to be muted"]
    );
    assert!(
        mute(&OFFICE.replace("cron(0 9 ? * MON-FRI *)", "cron(0 9 1 * ? *)"))[0]
            .contains("not alike every week")
    );
    assert_eq!(
        faults(&format!("{OFFICE}mute_alarms = true\nmute_grace = '90s'\n")),
        ["`mute_grace` is a number of whole minutes, up to a day"]
    );
    assert_eq!(faults(&format!("{OFFICE}mute_grace = '5m'\n")), ["`mute_grace` goes with `mute_alarms`"]);
    assert_eq!(
        faults(&format!("{OFFICE}mute_alarms = {{ name = ['x'] }}\n")),
        ["`mute_alarms` has no `mute_alarms.names`", "unknown key `mute_alarms.name` in `mute_alarms`"]
    );
    assert_eq!(
        faults(&format!("{OFFICE}mute_alarms = 'yes'\n")),
        ["`mute_alarms`: expected true or false, found the string \"yes\""]
    );
}
