//! Rules of EventBridge, and the snapshots that they took.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::declarations::{Products, claimed_once};
use crate::resources::event_rule::{self, EventRule};

const RULE: &str = "[[snapshot]]\nlabel = 'daily'\nengine = 'rule'\nfor_each = { ebs = { tags = { Daily_Gens = '*' } } }\n\
    schedule = 'cron(30 9 * * ? *)'\nkeep = '{{ tags.Daily_Gens }}'\n\
    role_arn = 'arn:aws:iam::{{ account }}:role/snapshot'\n";

fn kept(id: &str) -> Target {
    volume(id, &[("Daily_Gens", "2")])
}

/// Name, targets and holder of each rule.
fn rules(desired: &[Desired]) -> Vec<String> {
    let rules = desired.iter().filter(|desired| desired.address.kind == event_rule::KIND);
    let line = |desired: &Desired| {
        let rule = EventRule::from_fields(&desired.fields).unwrap();
        let ids: Vec<&str> = rule.targets.iter().map(|target| &*target.id).collect();
        format!("{}: {} of {}", desired.address.key, ids.join(" "), desired.target.as_ref().unwrap().id)
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
    assert_eq!((&*rule.expression, rule.targets.len()), ("cron(30 9 * * ? *)", 2));
    let target = &rule.targets[0];
    assert_eq!(target.arn, "arn:aws:events:us-east-1:111122223333:target/create-snapshot");
    assert_eq!(target.role_arn.as_deref(), Some("arn:aws:iam::111122223333:role/snapshot"));
    assert_eq!(target.input.as_ref().unwrap().to_string(), "\"vol-1\"");
    assert_eq!((target.retries, target.max_event_age), (Some(10), Some(900)));
}

#[test]
fn names_fit_and_what_is_called_alike_stays_apart() {
    let mut fleet: Vec<Target> = (1..=5).map(|n| kept(&format!("vol-{n}"))).collect();
    let long = "x".repeat(70);
    for (n, name) in [(1, "web"), (2, "Web"), (3, "데이터 1"), (4, "데이터 2"), (5, &*long)] {
        let volume = format!("vol-{n}");
        fleet.push(instance(&format!("i-{n}"), name, &volume, &[&volume]));
    }
    let (wanted, _) = desired(RULE, fleet, &[]);
    let names: Vec<&str> = wanted.iter().map(|one| &*one.address.key).collect();
    assert_eq!(names[..2], ["web_daily.i-1", "Web_daily.i-2"]);
    let fits = |name: &&str| {
        name.len() <= 64 && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
    };
    assert!(names.iter().all(fits), "{names:?}");
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), 5, "{names:?}");
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

/// A snapshot without tags.
fn untagged(id: &str, volume: &str, taken: Timestamp) -> Actual {
    let mut live = live(id, volume, 1);
    live.fields = Snapshot::new(volume, taken, "completed", &BTreeMap::new()).to_fields();
    live.ownership = Ownership::Nobody;
    live
}

fn at(text: &str) -> Timestamp {
    format!("2026-11-{text}Z").parse().unwrap()
}

/// The state after the rules of these volumes were applied.
fn records(text: &str, volumes: &[&str]) -> Records {
    recorded(&desired(text, volumes.iter().map(|id| kept(id)).collect(), &[]).0)
}

fn adopts(desired: &[Desired]) -> Vec<String> {
    let line = |desired: &Desired| match &desired.claim {
        Claim::AdoptByTag { why } => {
            Some(format!("{} {why} {}", desired.address.key, desired.fields["tags"]["Name"]))
        }
        _ => None,
    };
    desired.iter().filter_map(line).collect()
}

#[test]
fn what_a_rule_took_is_adopted_and_counts() {
    let tagged = vec![live("snap-1", "vol-1", 17), live("snap-2", "vol-1", 18)];
    let untagged = vec![
        untagged("snap-3", "vol-1", at("19T09:30:00")),
        untagged("snap-4", "vol-1", at("20T09:46:00")),
        // Of a volume that is gone, and whose rule the state still has.
        untagged("snap-5", "vol-9", at("20T09:30:07")),
    ];
    let found = Found { tagged, untagged, records: records(RULE, &["vol-1", "vol-9"]) };
    let (wanted, said) = desired_with(RULE, vec![kept("vol-1")], &found);
    assert_eq!(
        adopts(&wanted),
        [
            "snap-3 taken by its rule at 2026-11-19 09:30 UTC \"data daily\"",
            "snap-4 taken by its rule at 2026-11-20 09:30 UTC \"data daily\"",
            "snap-5 taken by its rule at 2026-11-20 09:30 UTC \"vol-9 daily\"",
        ]
    );
    assert_eq!(
        goes(&wanted),
        ["snap-2 generation 3 of 2, taken 2026-11-18", "snap-1 generation 4 of 2, taken 2026-11-17"]
    );
    assert_eq!(said.len(), 1, "{said:?}");
    let tags = &wanted.iter().find(|one| one.address.key == "snap-3").unwrap().fields["tags"];
    assert_eq!(tags["opsform:project"], "payments");
    assert_eq!(tags["opsform:label"], "snapshot.daily");
}

#[test]
fn what_is_adopted_goes_with_a_later_plan() {
    let untagged =
        (17..=20).map(|day| untagged(&format!("snap-{day}"), "vol-1", at(&format!("{day}T09:30:09"))));
    let found =
        Found { untagged: untagged.collect(), records: records(RULE, &["vol-1"]), ..Found::default() };
    let (wanted, _) = desired_with(RULE, vec![kept("vol-1")], &found);
    assert_eq!((adopts(&wanted).len(), goes(&wanted).len()), (4, 0));
}

#[test]
fn two_rules_of_one_time_adopt_nothing() {
    let weekly = RULE.replace("'daily'", "'weekly'").replace("9 * * ?", "9 ? * FRI");
    let (declarations, _) = read(&format!("{RULE}{weekly}"));
    let mut both = records(RULE, &["vol-1"]);
    both.extend(records(&weekly, &["vol-1"]));
    let products: Vec<Products> = declarations.iter().flat_map(|one| one.products(&both)).collect();
    assert_eq!(products.len(), 2);
    assert!(products.iter().all(|one| one.targets == BTreeSet::from(["vol-1".to_owned()])));
    let found = vec![
        untagged("snap-thu", "vol-1", at("19T09:30:09")),
        untagged("snap-fri", "vol-1", at("20T09:30:09")),
    ];
    let (claimed, said) = claimed_once(&declarations, &both, found, now());
    assert_eq!(claimed.iter().map(|one| &*one.address.key).collect::<Vec<_>>(), ["snap-thu"]);
    insta::assert_snapshot!(lines(&said).join("\n"), @"8:1 snapshot.daily and snapshot.weekly may each have made snap-fri: left alone (let them run at least half an hour apart)");
}

/// What may be found without our tags.
#[derive(Clone, Debug)]
struct Stray {
    day: i64,
    second: i64,
    volume: &'static str,
    state: &'static str,
    tag: Option<&'static str>,
    project: Option<&'static str>,
    used: bool,
}

impl Stray {
    fn taken(&self) -> Timestamp {
        at("20T09:30:00") - SignedDuration::from_secs(self.day * 86_400 - self.second)
    }

    fn live(&self, number: usize) -> Actual {
        let tags = self.tag.iter().map(|tag| ((*tag).to_owned(), "x".to_owned())).collect();
        let mut live = untagged(&format!("snap-{number:03}"), self.volume, self.taken());
        live.fields = Snapshot::new(self.volume, self.taken(), self.state, &tags).to_fields();
        if let Some(project) = self.project {
            live.ownership = Ownership::Project { name: project.to_owned(), label: None };
        }
        live.inexpressible = self.used.then(|| "the image ami-1".to_owned());
        live
    }

    /// Whether the rule took it, by its fields.
    fn is_the_rules(&self) -> bool {
        let clean = self.state == "completed" && self.tag.is_none() && self.project.is_none() && !self.used;
        let known = ["vol-1", "vol-2"].contains(&self.volume);
        // The 20th, 12:00, is now: 9,000 seconds after the rule fired.
        let age = self.day * 86_400 - self.second + 9_000;
        clean && known && (0..=960).contains(&self.second) && (0..=14 * 86_400).contains(&age)
    }
}

fn any_stray() -> impl Strategy<Value = Stray> {
    let second = prop_oneof![4 => 0_i64..=960, 1 => -80_000_i64..80_000, 1 => -3_i64..3, 1 => 957_i64..964];
    let volume =
        prop_oneof![4 => Just("vol-1"), 2 => Just("vol-2"), 1 => Just("vol-3"), 1 => Just("vol-ffffffff")];
    let state = prop_oneof![6 => Just("completed"), 1 => Just("pending"), 1 => Just("error"), 1 => Just("recovering")];
    let tag = prop_oneof![
        6 => Just(None), 1 => Just(Some("Name")), 1 => Just(Some("aws:backup:source-resource")),
        1 => Just(Some("aws:dlm:lifecycle-policy-id")), 1 => Just(Some("opsform:parking"))
    ];
    let project = prop_oneof![6 => Just(None), 1 => Just(Some("payments")), 1 => Just(Some("other"))];
    let day = prop_oneof![4 => 0_i64..13, 1 => -1_i64..30];
    (day, second, volume, state, tag, project, prop::bool::weighted(0.1)).prop_map(
        |(day, second, volume, state, tag, project, used)| Stray {
            day,
            second,
            volume,
            state,
            tag,
            project,
            used,
        },
    )
}

/// The declaration, and its rules of two volumes.
static APPLIED: LazyLock<(Box<dyn Declaration>, Records)> =
    LazyLock::new(|| (read(RULE).0.remove(0), records(RULE, &["vol-1", "vol-2"])));

proptest! {
    #[test]
    fn nothing_is_adopted_but_what_the_rule_took(strays in prop::collection::vec(any_stray(), 0..30)) {
        let (declaration, records) = &*APPLIED;
        let found: Vec<Actual> = strays.iter().enumerate().map(|(number, stray)| stray.live(number)).collect();
        let taken = declaration.taken(records, &found, now());
        for (stray, live) in strays.iter().zip(&found) {
            prop_assert_eq!(taken.contains(&live.address), stray.is_the_rules(), "{:?}", stray);
        }
        prop_assert!(declaration.taken(&Records::new(), &found, now()).is_empty());
    }

    #[test]
    fn never_too_few_are_left_and_nothing_goes_that_is_adopted(
        days in prop::collection::btree_set(1_u32..19, 0..12),
        strays in prop::collection::vec(any_stray(), 0..12),
        kept in 0_usize..6,
    ) {
        let tagged: Vec<Actual> = days.iter().map(|day| live(&format!("snap-t{day:02}"), "vol-1", *day)).collect();
        let strays: Vec<(usize, Stray)> =
            strays.into_iter().enumerate().filter(|(_, stray)| stray.volume == "vol-1").collect();
        let untagged: Vec<Actual> = strays.iter().map(|(number, stray)| stray.live(*number)).collect();
        let ours = strays.iter().filter(|(_, stray)| stray.is_the_rules());
        let ours: BTreeSet<String> = ours.map(|(number, _)| format!("snap-{number:03}")).collect();
        let found = Found { tagged, untagged, records: APPLIED.1.clone() };
        let volume = volume("vol-1", &[("Daily_Gens", &*kept.to_string())]);
        let (wanted, _) = desired_of(&*APPLIED.0, vec![volume], &found);
        let keys = |of: fn(&Claim) -> bool| -> BTreeSet<String> {
            let chosen = wanted.iter().filter(|one| of(&one.claim));
            chosen.map(|one| one.address.key.clone()).collect()
        };
        let adopted = keys(|claim| matches!(claim, Claim::AdoptByTag { .. }));
        let goes = keys(|claim| matches!(claim, Claim::Remove { .. }));
        prop_assert_eq!(&adopted, &ours);
        prop_assert!(goes.iter().all(|key| key.starts_with("snap-t")));
        let there = days.len() + adopted.len();
        let left = there - goes.len();
        prop_assert!(left >= there.min(if kept == 0 { there } else { kept }), "{left} of {there}");
    }
}
