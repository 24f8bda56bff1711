//! What is surplus, and a reference that finds it in another way.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::model::{Address, Scope};
use crate::resources::snapshot::KIND;

const OURS: Owner<'_> = Owner { project: "payments", label: "snapshot.daily" };
const DAY: i64 = 86_400;

fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

/// A snapshot so many seconds old.
#[derive(Clone, Debug)]
struct Made {
    age: i64,
    state: &'static str,
    project: Option<&'static str>,
    label: Option<&'static str>,
    tag: Option<&'static str>,
}

impl Made {
    fn ours(age: i64) -> Self {
        Self { age, state: "completed", project: Some("payments"), label: Some("snapshot.daily"), tag: None }
    }

    fn live(&self, id: usize) -> Actual {
        let tags: BTreeMap<String, String> =
            self.tag.iter().map(|tag| ((*tag).to_owned(), String::new())).collect();
        let taken = now() - jiff::SignedDuration::from_secs(self.age);
        Actual {
            address: Address::new(KIND, Scope::new("111122223333", "us-east-1"), format!("snap-{id:03}")),
            fields: Snapshot::new("vol-1", taken, self.state, &tags).to_fields(),
            ownership: match self.project {
                None => Ownership::Nobody,
                Some(name) => {
                    Ownership::Project { name: name.to_owned(), label: self.label.map(str::to_owned) }
                }
            },
            inexpressible: None,
        }
    }

    fn counts(&self) -> bool {
        self.state == "completed"
            && self.project == Some("payments")
            && self.label == Some("snapshot.daily")
            && self.tag.is_none()
    }
}

fn surplus(made: &[Made], keep: Keep) -> BTreeMap<usize, String> {
    let live: Vec<Actual> = made.iter().enumerate().map(|(id, made)| made.live(id)).collect();
    let live: Vec<&Actual> = live.iter().collect();
    let surplus = keep.surplus(&OURS.generations(&live), now(), &TimeZone::UTC);
    surplus.into_iter().map(|s| (s.live.address.key[5..].parse().unwrap(), s.why)).collect()
}

fn count(count: u32) -> Keep {
    Keep { count: Some(count), age: None }
}

fn days(days: i64) -> Vec<Made> {
    (0..days).map(|day| Made::ours(day * DAY)).collect()
}

#[test]
fn what_is_beyond_the_count_goes_with_its_number_and_day() {
    let found = surplus(&days(9), count(7));
    assert_eq!(found[&7], "generation 8 of 7, taken 2026-11-13");
    assert_eq!(found[&8], "generation 9 of 7, taken 2026-11-12");
    assert_eq!(found.len(), 2);
    // A script compared with `!=` here, and a volume with three lost one.
    assert_eq!(surplus(&days(3), count(7)), BTreeMap::new());
    assert_eq!(surplus(&days(9), count(0)), BTreeMap::new());
    assert_eq!(surplus(&days(9), Keep { count: None, age: None }), BTreeMap::new());
}

#[test]
fn an_age_and_a_count_keep_what_either_keeps() {
    let week = Some(Seconds(7 * 86_400));
    let both = surplus(&days(12), Keep { count: Some(3), age: week });
    assert_eq!(both.keys().copied().collect::<Vec<_>>(), [8, 9, 10, 11]);
    assert_eq!(both[&8], "generation 9 of 3, taken 2026-11-12, more than 7d ago");
    let alone = surplus(&[Made::ours(90 * DAY), Made::ours(91 * DAY)], Keep { count: None, age: week });
    assert_eq!(alone, BTreeMap::from([(1, "taken 2026-08-21, more than 7d ago".to_owned())]));
    assert_eq!(surplus(&days(90), Keep { count: Some(0), age: week }), BTreeMap::new());
}

#[test]
fn what_time_alone_makes_surplus_is_as_usual() {
    // How many go and how many of them as usual, where so many were taken every so many hours.
    let check = |made: i64, hours: i64, keep: Keep| {
        let live: Vec<Actual> = (0..made).map(|n| Made::ours(n * hours * 3_600).live(0)).collect();
        let live: Vec<&Actual> = live.iter().collect();
        let surplus = keep.surplus(&OURS.generations(&live), now(), &TimeZone::UTC);
        (surplus.len(), surplus.iter().filter(|surplus| surplus.usual).count())
    };
    for keep in [1, 2, 7, 30] {
        let made = |more: i64| i64::from(keep) + more;
        assert_eq!(check(made(1), 24, count(keep)), (1, 1), "every day");
        assert_eq!(check(made(3), 24, count(keep)), (3, 3), "after two days without");
        assert_eq!(check(made(1), 24 * 30, count(keep)), (1, 1), "every month");
    }
    let age = |days: u32| Keep { count: None, age: Some(Seconds(days * 86_400)) };
    assert_eq!(check(24 + 24, 1, count(24)), (24, 24), "a day of hours");
    assert_eq!(check(24 * 3 + 1, 1, age(2)), (24, 24));
    // What a smaller `keep` takes is not.
    assert_eq!(check(30, 24, count(3)), (27, 3));
    assert_eq!(check(72, 1, count(24)), (48, 24));
    assert_eq!(check(31, 24, age(3)), (27, 4));
}

#[test]
fn the_day_is_that_of_the_schedule() {
    let live = Made::ours(0).live(0);
    let older = Made::ours(18 * 3_600).live(1);
    let seoul = TimeZone::get("Asia/Seoul").unwrap();
    let found = count(1).surplus(&OURS.generations(&[&live, &older]), now(), &seoul)[0].why.clone();
    assert_eq!(found, "generation 2 of 1, taken 2026-11-20");
}

#[test]
fn a_gone_volume_is_kept_until_its_last_snapshot_is_old() {
    let live: Vec<Actual> = (31..34).map(|day| Made::ours(day * DAY).live(0)).collect();
    let live: Vec<&Actual> = live.iter().collect();
    let of = |live: &[&Actual], days: u32| {
        let surplus = of_gone_volume(OURS, live, Seconds(days * 86_400), now(), &TimeZone::UTC);
        surplus.into_iter().map(|surplus| surplus.why).collect::<Vec<_>>()
    };
    assert!(of(&live, 31).is_empty());
    let why = "its volume is gone, and the last snapshot was taken 2026-10-20, more than 30d ago";
    assert_eq!(of(&live, 30), [why; 3]);
    // The last one counts whatever became of it, and one that is being made holds back all.
    for (state, age, gone) in
        [("error", 31, 3), ("error", 2, 0), ("pending", 31, 0), ("recoverable", 31, 0), ("completed", 2, 0)]
    {
        let last = Made { state, ..Made::ours(age * DAY) }.live(9);
        assert_eq!(of(&[&live[..], &[&last]].concat(), 30).len(), gone, "{state} {age}");
    }
}

#[test]
fn durations_are_written_as_in_the_manifest() {
    assert_eq!([86_400, 7_200, 90, 0].map(|s| words(Seconds(s))), ["1d", "2h", "90s", "0s"]);
}

fn any_made() -> impl Strategy<Value = Made> {
    let state = prop_oneof![
        6 => Just("completed"), 1 => Just("pending"), 1 => Just("error"), 1 => Just("recoverable")
    ];
    let project = prop_oneof![6 => Just(Some("payments")), 1 => Just(Some("other")), 1 => Just(None)];
    let label =
        prop_oneof![6 => Just(Some("snapshot.daily")), 1 => Just(Some("snapshot.weekly")), 1 => Just(None)];
    let tag = prop_oneof![
        6 => Just(None), 1 => Just(Some("aws:backup:source-resource")), 1 => Just(Some("opsform:parking"))
    ];
    (-2 * DAY..60 * DAY, state, project, label, tag).prop_map(|(age, state, project, label, tag)| Made {
        age,
        state,
        project,
        label,
        tag,
    })
}

/// What goes, by asking of each snapshot how many are newer.
fn reference(made: &[Made], keep: Keep) -> BTreeSet<usize> {
    let newer = |id: usize| {
        let me = (-made[id].age, id);
        (0..made.len()).filter(|&other| made[other].counts() && (-made[other].age, other) > me).count()
    };
    let enough = match (keep.count, keep.age) {
        (Some(0), _) | (None, None) => return BTreeSet::new(),
        (Some(count), _) => count as usize,
        (None, Some(_)) => 1,
    };
    let old = |id: usize| keep.age.is_none_or(|age| made[id].age > i64::from(age.0));
    (0..made.len()).filter(|&id| made[id].counts() && newer(id) >= enough && old(id)).collect()
}

proptest! {
    #[test]
    fn never_too_few_and_never_another_ones(
        made in prop::collection::vec(any_made(), 0..40),
        kept in prop::option::of(0_u32..12),
        age in prop::option::of(0_u32..5_000_000),
    ) {
        let keep = Keep { count: kept, age: age.map(Seconds) };
        let gone: BTreeSet<usize> = surplus(&made, keep).into_keys().collect();
        prop_assert!(gone.iter().all(|&id| made[id].counts()));
        let left = made.iter().enumerate().filter(|(id, made)| made.counts() && !gone.contains(id)).count();
        let there = made.iter().filter(|made| made.counts()).count();
        prop_assert!(left >= there.min(kept.unwrap_or(1) as usize));
        prop_assert_eq!(gone, reference(&made, keep));
    }
}
