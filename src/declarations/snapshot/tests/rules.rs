//! Rules of EventBridge: what they call, and since when.

use jiff::Timestamp;

use super::*;
use crate::resources::event_rule::{self, EventRule};

pub(super) const RULE: &str = "[[snapshot]]\nlabel = 'daily'\nengine = 'rule'\nfor_each = { ebs = { tags = { Daily_Gens = '*' } } }\n\
    schedule = 'cron(30 9 * * ? *)'\nkeep = '{{ tags.Daily_Gens }}'\n\
    role_arn = 'arn:aws:iam::{{ account }}:role/snapshot'\n";

pub(super) fn kept(id: &str) -> Target {
    volume(id, &[("Daily_Gens", "2")])
}

/// Name, volumes and holder of each rule.
pub(super) fn rules(desired: &[Desired]) -> Vec<String> {
    let rules = desired.iter().filter(|desired| desired.address.kind == event_rule::KIND);
    let line = |desired: &Desired| {
        let rule = EventRule::from_fields(&desired.fields).unwrap();
        let volumes = rule.targets.iter().map(|target| target.input.as_ref().unwrap().as_str().unwrap());
        let volumes = volumes.collect::<Vec<_>>().join(" ");
        format!("{}: {volumes} of {}", desired.address.key, desired.target.as_ref().unwrap().id)
    };
    rules.map(line).collect()
}

#[test]
fn an_instance_has_a_rule_with_a_target_for_each_volume() {
    let fleet = vec![
        kept("vol-1"),
        kept("vol-2"),
        kept("vol-3"),
        instance("i-1", "web", "vol-1", &["vol-1", "vol-2", "vol-8"]),
    ];
    let (wanted, said) = desired(RULE, fleet, &[]);
    assert_eq!(said, [""; 0]);
    assert_eq!(rules(&wanted), ["web_daily: vol-1 vol-2 of i-1", "data_daily: vol-3 of vol-3"]);
    assert_eq!(wanted.len(), 2);
    let rule = EventRule::from_fields(&wanted[0].fields).unwrap();
    assert_eq!((rule.expression(), rule.targets.len()), (Some("cron(30 9 * * ? *)"), 2));
    let target = &rule.targets[0];
    assert_eq!(target.arn, "arn:aws:events:us-east-1:111122223333:target/create-snapshot");
    assert_eq!(target.role_arn.as_deref(), Some("arn:aws:iam::111122223333:role/snapshot"));
    assert_eq!(target.input.as_ref().unwrap().to_string(), "\"vol-1\"");
    assert_eq!((target.retries, target.max_event_age), (Some(0), Some(60)));
    assert_eq!(target.id, "vol-1.20261120T120001Z");
}

#[test]
fn a_rule_keeps_its_volumes() {
    let ids = |range: std::ops::RangeInclusive<usize>| range.map(|n| format!("vol-{n}")).collect::<Vec<_>>();
    let fleet = |ids: Vec<String>| {
        let attached: Vec<&str> = ids.iter().map(String::as_str).collect();
        let instance = instance("i-1", "db", "vol-0", &attached);
        ids.iter().map(|id| kept(id)).chain([instance]).collect::<Vec<_>>()
    };
    let (first, _) = desired(RULE, fleet(ids(1..=7)), &[]);
    assert_eq!(
        rules(&first),
        ["db_daily: vol-1 vol-2 vol-3 vol-4 vol-5 of i-1", "db_daily.2: vol-6 vol-7 of i-1"]
    );
    let found = Found { records: recorded(&first), ..Found::default() };
    let (again, _) = desired_with(RULE, fleet(ids(2..=7)), &found);
    assert_eq!(rules(&again), ["db_daily: vol-2 vol-3 vol-4 vol-5 of i-1", "db_daily.2: vol-6 vol-7 of i-1"]);
    let (again, _) = desired_with(RULE, fleet(ids(2..=8)), &found);
    assert_eq!(
        rules(&again),
        ["db_daily: vol-2 vol-3 vol-4 vol-5 vol-8 of i-1", "db_daily.2: vol-6 vol-7 of i-1"]
    );
}

#[test]
fn what_a_rule_cannot_do_is_told() {
    let problems = |more: &str| read(&RULE.replace("schedule = 'cron(30 9 * * ? *)'\n", more)).1.join("\n");
    insta::assert_snapshot!(problems("schedule = 'rate(1 day)'\nconsistent = true\ndescription = 'x'\n"), @r##"
5:12 `schedule`: with `engine = "rule"` only `cron(…)` will do: nobody knows from when a rule counts (a rule's snapshots come without tags and are known by their time; `engine = "scheduler"` tags them)
6:14 `consistent` needs `engine = "scheduler"`: the target of a rule takes one volume (leave it out, or let EventBridge Scheduler take the snapshots)
7:15 `description` needs `engine = "scheduler"`: a rule gives its snapshots none, and it cannot be set afterwards (leave it out, or let EventBridge Scheduler take the snapshots)
"##);
    let wrong = [
        "schedule = 'cron(0/30 9 * * ? *)'\n",
        "schedule = 'cron(30 9 * * ? *)'\ntimezone = 'Europe/Berlin'\n",
        "schedule = 'cron(30 3 L * ? *)'\ntimezone = 'Asia/Seoul'\n",
    ];
    insta::assert_snapshot!(wrong.map(problems).join("\n"), @r##"
5:12 `schedule`: with `engine = "rule"` an hour at least must be between two times (a rule's snapshots come without tags and are known by their time; `engine = "scheduler"` tags them)
6:12 `timezone`: EventBridge rules know UTC only, and the clocks of Europe/Berlin are put forward and back (write `engine = "scheduler"`, which knows time zones)
5:23 `schedule` cannot become a rule, which knows UTC only: in UTC the time is on the day before, and no cron expression says that of these days (choose a time at which it is the same day in UTC, or `engine = "scheduler"`, which knows time zones)
"##);
    let text = RULE.replace("'cron(30 9 * * ? *)'\n", "'cron(30 3 ? * MON *)'\ntimezone = 'Asia/Seoul'\n");
    let (wanted, _) = desired(&text, vec![kept("vol-1")], &[]);
    assert_eq!(wanted[0].fields["expression"], "cron(30 18 ? * SUN *)");
}

/// The ids of all targets.
fn ids(desired: &[Desired]) -> Vec<String> {
    let rules = desired.iter().filter_map(|desired| EventRule::from_fields(&desired.fields).ok());
    rules.flat_map(|rule| rule.targets).map(|target| target.id).collect()
}

pub(super) fn at(text: &str) -> Timestamp {
    format!("2026-11-{text}Z").parse().unwrap()
}

/// The state after the rules of these volumes were applied at this time.
pub(super) fn applied(text: &str, volumes: Vec<Target>, time: Timestamp) -> Records {
    let found = Found { now: Some(time), ..Found::default() };
    recorded(&desired_with(text, volumes, &found).0)
}

#[test]
fn a_target_says_since_when_it_takes_snapshots() {
    let first = applied(RULE, vec![kept("vol-1")], at("01T00:00:00"));
    let later = |text: &str, records: &Records, volumes: Vec<Target>| {
        ids(&desired_with(text, volumes, &Found { records: records.clone(), ..Found::default() }).0)
    };
    let (old, new) = ("20261101T000001Z", "20261120T120001Z");
    let both = || vec![kept("vol-1"), kept("vol-2")];
    assert_eq!(later(RULE, &first, both()), [format!("vol-1.{old}"), format!("vol-2.{new}")]);
    // The same volume in another rule: that of an instance that it was attached to.
    let attached =
        || both().into_iter().chain([instance("i-1", "web", "vol-1", &["vol-1", "vol-2"])]).collect();
    assert_eq!(later(RULE, &first, attached()), [format!("vol-1.{old}"), format!("vol-2.{new}")]);
    // At another time it took none yet, and what another declaration took is that one's.
    let renewed = [format!("vol-1.{new}")];
    assert_eq!(later(&RULE.replace("30 9", "30 8"), &first, vec![kept("vol-1")]), renewed);
    assert_eq!(later(&RULE.replace("'daily'", "'nightly'"), &first, vec![kept("vol-1")]), renewed);
    // A rule that was somebody else's names its targets as it likes.
    let mut others = first.clone();
    for record in others.values_mut() {
        record.fields.get_mut("targets").unwrap()[0]["id"] = json!("vol-1");
    }
    assert_eq!(later(RULE, &others, vec![kept("vol-1")]), renewed);
    // A volume that was left out for a while has begun anew.
    let without = applied(RULE, vec![kept("vol-2")], at("02T00:00:00"));
    assert_eq!(later(RULE, &without, both()), [format!("vol-1.{new}"), "vol-2.20261102T000001Z".to_owned()]);
}

#[test]
fn a_preview_is_in_the_zone_of_the_block() {
    let text = RULE.replace("schedule =", "timezone = 'Asia/Seoul'\nschedule =");
    let (declarations, _) = read(&text);
    let runs = declarations[0].runs();
    let next: Vec<String> = runs[0].next(now(), 2).iter().map(|run| run.time.to_string()).collect();
    assert_eq!(next, ["2026-11-21T09:30:00+09:00[Asia/Seoul]", "2026-11-22T09:30:00+09:00[Asia/Seoul]"]);
    let (wanted, _) = desired(&text, vec![kept("vol-1")], &[]);
    assert_eq!(wanted[0].fields["expression"], "cron(30 0 * * ? *)");
}
