//! The snapshots that rules took, and those that they did not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::rules::{RULE, applied, at, kept};
use super::*;
use crate::declarations::{Products, Unclaimed, claimed_once};

/// A snapshot without tags.
fn untagged(id: &str, volume: &str, taken: Timestamp) -> Actual {
    let mut live = live(id, volume, 1);
    live.fields = Snapshot::new(volume, taken, "completed", &BTreeMap::new()).to_fields();
    live.ownership = Ownership::Nobody;
    live
}

/// The state with rules that have taken snapshots of these volumes since the first of the month.
fn records(text: &str, volumes: &[&str]) -> Records {
    applied(text, volumes.iter().map(|id| kept(id)).collect(), at("01T00:00:00"))
}

/// What is taken for a rule's, and what is said.
fn taken(text: &str, found: &Found) -> (Vec<String>, Vec<String>) {
    let (declarations, _) = read(text);
    let unclaimed = Unclaimed {
        records: &found.records,
        tagged: &found.tagged,
        found: &found.untagged,
        now: found.now.unwrap_or_else(now),
    };
    let (taken, said) = claimed_once(&declarations, &unclaimed);
    (taken.into_iter().map(|live| live.address.key).collect(), lines(&said))
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
        untagged("snap-4", "vol-1", at("20T09:32:00")),
        // Of a volume that is gone, and whose rule the state still has.
        untagged("snap-5", "vol-9", at("20T09:30:07")),
    ];
    let found = Found { tagged, untagged, records: records(RULE, &["vol-1", "vol-9"]), now: None };
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
    let untagged = vec![
        untagged("snap-thu", "vol-1", at("19T09:30:09")),
        untagged("snap-fri", "vol-1", at("20T09:30:09")),
    ];
    let found = Found { untagged, records: both, ..Found::default() };
    let (claimed, said) = taken(&format!("{RULE}{weekly}"), &found);
    assert_eq!(claimed, ["snap-thu"]);
    insta::assert_snapshot!(said.join("\n"), @"8:1 snapshot.daily and snapshot.weekly may each have made snap-fri: left alone (let them run at least five minutes apart)");
}

#[test]
fn what_is_older_than_the_target_is_left_alone() {
    let by_hand = || vec![untagged("snap-1", "vol-1", at("19T09:30:09"))];
    let with = |text: &str, records: Records| {
        taken(text, &Found { untagged: by_hand(), records, ..Found::default() })
    };
    let nothing: (Vec<String>, Vec<String>) = (vec![], vec![]);
    let since = |time: &str| applied(RULE, vec![kept("vol-1")], at(time));
    // A rule that was there a second before its time, one that was not, and no rule.
    assert_eq!(with(RULE, since("19T09:29:59")).0, ["snap-1"]);
    assert_eq!(with(RULE, since("19T09:30:00")), nothing);
    assert_eq!(with(RULE, since("20T00:00:00")), nothing);
    assert_eq!(with(RULE, Records::new()), nothing);
    // A volume that came later into a rule that was there.
    let second = Found { records: since("01T00:00:00"), now: Some(at("20T00:00:00")), ..Found::default() };
    let both = recorded(&desired_with(RULE, vec![kept("vol-1"), kept("vol-2")], &second).0);
    let of_both =
        [untagged("snap-1", "vol-1", at("19T09:30:09")), untagged("snap-2", "vol-2", at("19T09:30:09"))];
    let found = Found { untagged: of_both.to_vec(), records: both, ..Found::default() };
    assert_eq!(taken(RULE, &found).0, ["snap-1"]);
    // A rule that fired at another time on that day, and one whose targets somebody else made.
    let other = RULE.replace("30 9", "30 8");
    let moved =
        Found { records: records(&other, &["vol-1"]), now: Some(at("20T00:00:00")), ..Found::default() };
    assert_eq!(with(RULE, recorded(&desired_with(RULE, vec![kept("vol-1")], &moved).0)), nothing);
    let mut others = since("01T00:00:00");
    for record in others.values_mut() {
        record.fields.get_mut("targets").unwrap()[0]["id"] = json!("vol-1");
    }
    assert_eq!(with(RULE, others), nothing);
}

#[test]
fn of_several_in_one_firing_none_is_adopted() {
    let mut untagged = vec![
        untagged("snap-1", "vol-1", at("20T09:30:05")),
        untagged("snap-2", "vol-1", at("20T09:31:59")),
        untagged("snap-3", "vol-2", at("20T09:30:05")),
        untagged("snap-4", "vol-1", at("19T09:30:05")),
        untagged("snap-5", "vol-1", at("19T09:32:01")),
    ];
    // Which of them the rule took is unknown also where one of them is not complete.
    untagged[1].fields.insert("state".to_owned(), json!("pending"));
    let mut found = Found { untagged, records: records(RULE, &["vol-1", "vol-2"]), ..Found::default() };
    let (adopted, said) = taken(RULE, &found);
    assert_eq!(adopted, ["snap-3", "snap-4"]);
    insta::assert_snapshot!(said.join("\n"), @"1:1 nothing says which of several snapshots snapshot.daily took, so they are left alone: snap-1 and snap-2 of vol-1 at 2026-11-20 09:30 UTC (give the others a tag, or the one that it took `opsform:project = payments` and `opsform:label = snapshot.daily`)");
    // A person has said which of them it is.
    let mut own = live("snap-1", "vol-1", 1);
    own.fields = Snapshot::new("vol-1", at("20T09:30:05"), "completed", &BTreeMap::new()).to_fields();
    found.tagged = vec![own];
    found.untagged.remove(0);
    assert_eq!(taken(RULE, &found), (vec!["snap-3".to_owned(), "snap-4".to_owned()], vec![]));
}

#[test]
fn what_was_throttled_is_told() {
    let mut last = live("snap-1", "vol-1", 18);
    last.fields.insert("taken".to_owned(), json!("2026-11-18T09:30:05Z"));
    let mut found = Found { tagged: vec![last], records: records(RULE, &["vol-1"]), ..Found::default() };
    let (_, said) = desired_with(RULE, vec![kept("vol-1")], &found);
    assert_eq!(said.len(), 1);
    assert!(said[0].contains("takes no more snapshots of vol-1 (data) since 2026-11-18"), "{said:?}");
    assert!(said[0].contains("another minute") && !said[0].contains("flexible_window"), "{said:?}");
    // What this plan adopts has come.
    found.untagged = vec![untagged("snap-2", "vol-1", at("19T09:30:05"))];
    assert_eq!(desired_with(RULE, vec![kept("vol-1")], &found).1, [""; 0]);
}

#[test]
fn a_firing_is_waited_for_until_its_window_is_over() {
    let mut found = Found {
        untagged: vec![untagged("snap-1", "vol-1", at("20T09:30:05"))],
        records: records(RULE, &["vol-1"]),
        ..Found::default()
    };
    for (time, count) in [("20T09:30:06", 0), ("20T09:32:00", 0), ("20T09:32:01", 1)] {
        found.now = Some(at(time));
        assert_eq!(taken(RULE, &found).0.len(), count, "{time}");
    }
}

#[test]
fn what_cannot_be_adopted_after_a_change_is_told() {
    let mut found = Found {
        untagged: vec![
            untagged("snap-1", "vol-1", at("19T09:30:05")),
            untagged("snap-2", "vol-1", at("20T09:30:05")),
        ],
        records: records(RULE, &["vol-1"]),
        ..Found::default()
    };
    found.untagged[1].fields.insert("state".to_owned(), json!("pending"));
    assert_eq!(taken(RULE, &found), (vec!["snap-1".to_owned()], vec![]));
    let (adopted, said) = taken(&RULE.replace("30 9", "30 8"), &found);
    assert_eq!(adopted, ["snap-1"]);
    insta::assert_snapshot!(said.join("\n"), @"1:1 snapshot.daily is about to change its rules, and what they took last cannot be adopted yet: snap-2 of vol-1 (apply when they are complete: after the change nobody knows that they were the rules')");
    let (adopted, again) = taken(&RULE.replace("engine = 'rule'\n", ""), &found);
    assert_eq!((adopted, again), (vec!["snap-1".to_owned()], said));
}

/// What may be found.
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
            live.ownership =
                Ownership::Project { name: project.to_owned(), label: Some("snapshot.daily".to_owned()) };
        }
        live.inexpressible = self.used.then(|| "the image ami-1".to_owned());
        live
    }

    /// Whether it may be the rule's, or is known to be: the rule has been there since the 10th, 09:30.
    fn may_be_the_rules(&self) -> bool {
        let known = ["vol-1", "vol-2"].contains(&self.volume);
        let whose = match self.project {
            None => self.tag.is_none(),
            Some(project) => project == "payments",
        };
        // The 20th, 12:00, is now: 9,000 seconds after the rule fired.
        let past = self.day * 86_400 - self.second + 9_000 >= 0;
        known && whose && past && (0..=120).contains(&self.second) && self.day <= 10
    }

    /// Whether it is of the same firing.
    fn is_with(&self, other: &Self) -> bool {
        (self.volume, self.day) == (other.volume, other.day)
    }
}

/// The numbers of those that the rule took: each alone in its firing.
fn of_the_rule(strays: &[Stray]) -> BTreeSet<usize> {
    let mut of_the_rule = BTreeSet::new();
    for (number, stray) in strays.iter().enumerate() {
        let possible = strays.iter().filter(|one| one.may_be_the_rules() && one.is_with(stray));
        let free = stray.state == "completed" && !stray.used && stray.project.is_none();
        if stray.may_be_the_rules() && free && possible.count() == 1 {
            of_the_rule.insert(number);
        }
    }
    of_the_rule
}

fn any_stray() -> impl Strategy<Value = Stray> {
    let second = prop_oneof![4 => 0_i64..=120, 1 => -80_000_i64..80_000, 1 => -3_i64..3, 1 => 117_i64..124];
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
static APPLIED: LazyLock<(Box<dyn Declaration>, Records)> = LazyLock::new(|| {
    let records = applied(RULE, vec![kept("vol-1"), kept("vol-2")], at("10T09:29:59"));
    (read(RULE).0.remove(0), records)
});

proptest! {
    #[test]
    fn nothing_is_adopted_but_what_the_rule_took(strays in prop::collection::vec(any_stray(), 0..30)) {
        let (declaration, records) = &*APPLIED;
        let all: Vec<Actual> = strays.iter().enumerate().map(|(number, stray)| stray.live(number)).collect();
        let is_found = |live: &&Actual| live.ownership == Ownership::Nobody;
        let (found, tagged): (Vec<&Actual>, Vec<&Actual>) = all.iter().partition(is_found);
        let (found, tagged): (Vec<Actual>, Vec<Actual>) =
            (found.into_iter().cloned().collect(), tagged.into_iter().cloned().collect());
        let unclaimed = Unclaimed { records, tagged: &tagged, found: &found, now: now() };
        let (taken, _) = declaration.taken(&unclaimed);
        let expected = of_the_rule(&strays);
        for (number, live) in all.iter().enumerate() {
            prop_assert_eq!(taken.contains(&live.address), expected.contains(&number), "{:?}", strays[number]);
        }
        let (taken, _) = declaration.taken(&Unclaimed { records: &Records::new(), ..unclaimed });
        prop_assert!(taken.is_empty());
    }

    #[test]
    fn never_too_few_are_left_and_nothing_goes_that_is_adopted(
        days in prop::collection::btree_set(1_u32..19, 0..12),
        strays in prop::collection::vec(any_stray(), 0..12),
        kept in 0_usize..6,
    ) {
        let tagged: Vec<Actual> = days.iter().map(|day| live(&format!("snap-t{day:02}"), "vol-1", *day)).collect();
        let strays: Vec<Stray> =
            strays.into_iter().filter(|one| one.volume == "vol-1" && one.project != Some("payments")).collect();
        let untagged: Vec<Actual> = strays.iter().enumerate().map(|(number, stray)| stray.live(number)).collect();
        let ours: BTreeSet<String> =
            of_the_rule(&strays).into_iter().map(|number| format!("snap-{number:03}")).collect();
        let found = Found { tagged, untagged, records: APPLIED.1.clone(), now: None };
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
