//! Every way in which the world can have moved since a plan was made.

use serde_json::json;

use super::*;
use crate::model::{Origin, Scope};
use crate::plan::{PreviousResource, Reason};

fn address(key: &str) -> Address {
    Address::new("metric_alarm", Scope::new("111122223333", "us-east-1"), key)
}

fn fields(threshold: i64) -> Fields {
    Fields::from([("threshold".to_owned(), json!(threshold))])
}

fn change(verb: Verb, before: Option<i64>, after: Option<i64>) -> Change {
    Change {
        verb,
        address: address("a"),
        origin: Origin { label: "alarm.cpu".to_owned(), place: String::new() },
        target: None,
        reason: None,
        fields: Vec::new(),
        before: before.map(fields),
        after: after.map(fields),
        replaces: None,
        protect: false,
        steps: Vec::new(),
        notes: Vec::new(),
        deed: None,
    }
}

fn replace() -> Change {
    Change {
        reason: Some(Reason::Renamed),
        replaces: Some(PreviousResource { address: address("old"), fields: fields(1) }),
        ..change(Verb::Replace, None, Some(2))
    }
}

fn live(key: &str, threshold: i64, ownership: Ownership) -> Actual {
    Actual { address: address(key), fields: fields(threshold), ownership, inexpressible: None }
}

fn project(name: &str) -> Ownership {
    Ownership::Project { name: name.to_owned(), label: None }
}

fn labelled(name: &str, label: &str) -> Ownership {
    Ownership::Project { name: name.to_owned(), label: Some(label.to_owned()) }
}

fn owned(key: &str, threshold: i64) -> Owned {
    Owned {
        address: address(key),
        label: "alarm.cpu".to_owned(),
        target: None,
        protect: false,
        fields: fields(threshold),
    }
}

/// The outcome in one word for each change, as `verb key`, `done`, or what makes it stale.
fn outcome(change: Change, actual: Vec<Actual>, owned: Vec<Owned>) -> String {
    let plan = Plan { project: "payments".to_owned(), changes: vec![change], ..Plan::default() };
    let actual = actual.into_iter().map(|live| (live.address.clone(), live)).collect();
    let owned = owned.into_iter().map(|owned| (owned.address.clone(), owned)).collect();
    let left = plan.remaining(&actual, &owned);
    let stale = left.stale.iter().map(|stale| format!("{} {:?}", stale.address.key, stale.what));
    let changes = left.plan.changes.iter().map(|change| format!("{:?} {}", change.verb, change.address.key));
    let settled = left.settled.iter().map(|settled| match settled {
        Settled::Written(owned) => format!("own {}", owned.address.key),
        Settled::Gone(address) => format!("drop {}", address.key),
    });
    let mut words: Vec<String> = stale.collect();
    if words.is_empty() {
        words = changes.chain(settled).collect();
    }
    if words.is_empty() { "done".to_owned() } else { words.join(", ") }
}

#[test]
fn a_create() {
    let create = || change(Verb::Create, None, Some(2));
    assert_eq!(outcome(create(), vec![], vec![]), "Create a");
    assert_eq!(outcome(create(), vec![live("a", 2, project("payments"))], vec![]), "own a");
    assert_eq!(outcome(create(), vec![live("a", 2, project("payments"))], vec![owned("a", 2)]), "done");
    assert_eq!(outcome(create(), vec![live("a", 2, Ownership::Nobody)], vec![]), "a Created");
    assert_eq!(outcome(create(), vec![live("a", 3, project("payments"))], vec![]), "a Created");
    assert_eq!(outcome(create(), vec![live("a", 2, project("search"))], vec![]), "a Owner(Some(\"search\"))");
}

#[test]
fn an_update() {
    let update = || change(Verb::Update, Some(1), Some(2));
    let ours = || vec![owned("a", 1)];
    let unread = |threshold| vec![live("a", threshold, Ownership::NotRead)];
    assert_eq!(outcome(update(), unread(1), ours()), "Update a");
    assert_eq!(outcome(update(), unread(2), ours()), "own a");
    assert_eq!(outcome(update(), unread(2), vec![owned("a", 2)]), "done");
    assert_eq!(outcome(update(), unread(3), ours()), "a Changed([\"threshold\"])");
    assert_eq!(outcome(update(), vec![], ours()), "a Deleted");
    assert_eq!(outcome(update(), vec![live("a", 1, project("search"))], ours()), "a Owner(Some(\"search\"))");
    assert_eq!(outcome(update(), vec![live("a", 1, Ownership::Nobody)], vec![]), "a Owner(None)");
    for threshold in [1, 2, 3] {
        let nobodys = vec![live("a", threshold, Ownership::Nobody)];
        assert_eq!(outcome(update(), nobodys, ours()), "a Owner(None)", "{threshold}");
    }
    for threshold in [1, 2, 3] {
        let let_go = vec![live("a", threshold, project("payments"))];
        assert_eq!(outcome(update(), let_go, vec![]), "a NotRecorded", "{threshold}");
    }
    let recovered = || Change { reason: Some(Reason::Recovered), ..update() };
    assert_eq!(outcome(recovered(), vec![live("a", 1, project("payments"))], vec![]), "Update a");
    assert_eq!(outcome(recovered(), vec![live("a", 2, project("payments"))], vec![]), "own a");
}

#[test]
fn an_adoption() {
    let adopt = || change(Verb::Adopt, Some(1), Some(2));
    let same = || change(Verb::Adopt, Some(2), Some(2));
    assert_eq!(outcome(adopt(), vec![live("a", 1, Ownership::Nobody)], vec![]), "Adopt a");
    assert_eq!(outcome(adopt(), vec![live("a", 2, project("payments"))], vec![]), "own a");
    assert_eq!(outcome(same(), vec![live("a", 2, Ownership::Nobody)], vec![]), "Adopt a");
    assert_eq!(outcome(same(), vec![live("a", 2, project("payments"))], vec![owned("a", 2)]), "done");
    // A record without the tag is an adoption that is still to be made.
    assert_eq!(outcome(same(), vec![live("a", 2, Ownership::Nobody)], vec![owned("a", 2)]), "Adopt a");
    assert_eq!(outcome(adopt(), vec![], vec![]), "a Deleted");
}

#[test]
fn a_delete() {
    let delete = || change(Verb::Delete, Some(1), None);
    let unread = |threshold| vec![live("a", threshold, Ownership::NotRead)];
    assert_eq!(outcome(delete(), unread(1), vec![owned("a", 1)]), "Delete a");
    assert_eq!(outcome(delete(), unread(2), vec![owned("a", 1)]), "a Changed([\"threshold\"])");
    assert_eq!(outcome(delete(), vec![], vec![owned("a", 1)]), "drop a");
    assert_eq!(outcome(delete(), vec![], vec![]), "done");
    assert_eq!(outcome(delete(), unread(1), vec![]), "a Owner(None)");
    let nobodys = || vec![live("a", 1, Ownership::Nobody)];
    assert_eq!(outcome(delete(), nobodys(), vec![owned("a", 1)]), "a Owner(None)");
    assert_eq!(outcome(delete(), nobodys(), vec![]), "a Owner(None)");
    assert_eq!(outcome(delete(), vec![live("a", 1, project("payments"))], vec![]), "a NotRecorded");
    let protected = Owned { protect: true, ..owned("a", 1) };
    assert_eq!(outcome(delete(), unread(1), vec![protected]), "a Protected");
}

#[test]
fn a_replace_that_was_cut_off_has_a_half_left() {
    let old = || live("old", 1, Ownership::NotRead);
    let new = || live("a", 2, project("payments"));
    let ours = || vec![owned("old", 1)];
    assert_eq!(outcome(replace(), vec![old()], ours()), "Replace a");
    assert_eq!(outcome(replace(), vec![new(), old()], ours()), "Delete old, own a");
    assert_eq!(outcome(replace(), vec![new()], ours()), "own a, drop old");
    assert_eq!(outcome(replace(), vec![], ours()), "Create a, drop old");
    assert_eq!(outcome(replace(), vec![new()], vec![owned("a", 2)]), "done");
    assert_eq!(outcome(replace(), vec![live("old", 1, Ownership::Nobody)], ours()), "old Owner(None)");
    let let_go = || live("old", 1, project("payments"));
    assert_eq!(outcome(replace(), vec![let_go()], vec![]), "old NotRecorded");
    assert_eq!(outcome(replace(), vec![new(), let_go()], vec![owned("a", 2)]), "old NotRecorded");
    let changed = live("old", 9, Ownership::NotRead);
    assert_eq!(outcome(replace(), vec![changed], ours()), "old Changed([\"threshold\"])");
}

#[test]
fn a_forget() {
    let forget = || change(Verb::Forget, None, None);
    assert_eq!(outcome(forget(), vec![], vec![owned("a", 1)]), "Forget a");
    assert_eq!(outcome(forget(), vec![], vec![]), "done");
    assert_eq!(outcome(forget(), vec![live("a", 1, project("search"))], vec![owned("a", 1)]), "Forget a");
    assert_eq!(outcome(forget(), vec![live("a", 1, project("payments"))], vec![owned("a", 1)]), "a Created");
    assert_eq!(outcome(forget(), vec![live("a", 1, Ownership::Nobody)], vec![owned("a", 1)]), "Forget a");
    assert_eq!(outcome(forget(), vec![live("a", 1, Ownership::NotRead)], vec![owned("a", 1)]), "a Created");
}

#[test]
fn a_forget_of_what_is_shared() {
    let taken = || Change { reason: Some(Reason::TakenOver), ..change(Verb::Forget, None, None) };
    let unread = |threshold| vec![live("a", threshold, Ownership::NotRead)];
    assert_eq!(outcome(taken(), unread(2), vec![owned("a", 1)]), "Forget a");
    assert_eq!(outcome(taken(), vec![], vec![owned("a", 1)]), "Forget a");
    // Whoever put it back gave it back.
    assert_eq!(outcome(taken(), unread(1), vec![owned("a", 1)]), "done");
    let reason = Some(Reason::Target { absence: crate::plan::Absence::Terminated });
    let gone = || Change { reason: reason.clone(), ..change(Verb::Forget, None, None) };
    assert_eq!(outcome(gone(), unread(1), vec![owned("a", 1)]), "Forget a");
    assert_eq!(outcome(gone(), unread(1), vec![]), "done");
}

#[test]
fn a_correction() {
    let reason = Some(Reason::Correction { why: "so".to_owned() });
    let correct = || Change { reason: reason.clone(), ..change(Verb::Update, Some(1), Some(2)) };
    let unread = |threshold| vec![live("a", threshold, Ownership::NotRead)];
    assert_eq!(outcome(correct(), unread(1), vec![]), "Update a");
    assert_eq!(outcome(correct(), unread(2), vec![]), "done");
    assert_eq!(outcome(correct(), unread(3), vec![]), "a Changed([\"threshold\"])");
    assert_eq!(outcome(correct(), vec![], vec![]), "done");
}

#[test]
fn an_adoption_that_is_not_recorded() {
    let reason = Some(Reason::ByTag { why: "so".to_owned() });
    let adopt = || Change { reason: reason.clone(), ..change(Verb::Adopt, Some(1), Some(2)) };
    let nobodys = |threshold| vec![live("a", threshold, Ownership::Nobody)];
    assert_eq!(outcome(adopt(), nobodys(1), vec![]), "Adopt a");
    assert_eq!(outcome(adopt(), vec![live("a", 2, project("payments"))], vec![]), "done");
    assert_eq!(outcome(adopt(), nobodys(3), vec![]), "a Changed([\"threshold\"])");
    assert_eq!(outcome(adopt(), vec![live("a", 1, project("search"))], vec![]), "a Owner(Some(\"search\"))");
    assert_eq!(outcome(adopt(), vec![], vec![]), "done");
}

#[test]
fn a_delete_of_what_is_not_recorded() {
    let reason =
        Some(Reason::Surplus { why: "generation 8 of 7".to_owned(), usual: false, relies_on: Vec::new() });
    let delete = || Change { reason: reason.clone(), ..change(Verb::Delete, Some(1), None) };
    let ours = || labelled("payments", "alarm.cpu");
    assert_eq!(outcome(delete(), vec![live("a", 1, ours())], vec![]), "Delete a");
    assert_eq!(outcome(delete(), vec![], vec![]), "done");
    assert_eq!(outcome(delete(), vec![live("a", 2, ours())], vec![]), "a Changed([\"threshold\"])");
    for (owner, outcome_is) in [
        (Ownership::Nobody, "a Owner(None)"),
        (Ownership::NotRead, "a Owner(None)"),
        (labelled("search", "alarm.cpu"), "a Owner(Some(\"search\"))"),
        (labelled("payments", "alarm.disk"), "a Label(Some(\"alarm.disk\"))"),
        (project("payments"), "a Label(None)"),
    ] {
        assert_eq!(outcome(delete(), vec![live("a", 1, owner)], vec![]), outcome_is);
    }
    let needed = Actual { inexpressible: Some("the image b".to_owned()), ..live("a", 1, ours()) };
    assert_eq!(outcome(delete(), vec![needed], vec![]), "a Needed(\"the image b\")");
}

#[test]
fn a_delete_relies_on_what_stays() {
    let ours = || labelled("payments", "alarm.cpu");
    let kept = |key: &str| Tagged { address: address(key), label: "alarm.cpu".to_owned(), fields: fields(5) };
    let delete = |key: &str, kept: &str| Change {
        address: address(key),
        reason: Some(Reason::Surplus {
            why: "so".to_owned(),
            usual: false,
            relies_on: vec![kept.to_owned()],
        }),
        ..change(Verb::Delete, Some(1), None)
    };
    let plan = Plan {
        project: "payments".to_owned(),
        changes: vec![delete("a", "x"), delete("b", "y")],
        relied_on: vec![kept("x"), kept("y")],
        ..Plan::default()
    };
    let now = |live: Vec<Actual>| live.into_iter().map(|live| (live.address.clone(), live)).collect();
    let outcome = |live: Vec<Actual>| {
        let now: BTreeMap<Address, Actual> = now(live);
        let left = plan.clone().remaining(&now, &BTreeMap::new());
        let staying: Vec<String> = left.plan.relied_on.into_iter().map(|kept| kept.address.key).collect();
        (left.stale.into_iter().map(|one| (one.address.key, one.what)).collect::<Vec<_>>(), staying.join(" "))
    };
    let there = |keys: &[&str]| keys.iter().map(|key| live(key, 1, ours())).collect::<Vec<_>>();
    let both = [there(&["a", "b"]), vec![live("x", 5, ours()), live("y", 5, ours())]].concat();
    assert_eq!(outcome(both.clone()), (vec![], "x y".to_owned()));
    assert_eq!(plan.stale(&now(both.clone())), []);
    // What is done relies on nothing any more.
    assert_eq!(outcome([there(&["a"]), vec![live("x", 5, ours())]].concat()), (vec![], "x".to_owned()));
    let lost = || vec![("x".to_owned(), Staleness::NotKept)];
    for x in [
        vec![],
        vec![live("x", 6, ours())],
        vec![live("x", 5, Ownership::Nobody)],
        vec![live("x", 5, labelled("payments", "alarm.disk"))],
    ] {
        let world = [there(&["a", "b"]), vec![live("y", 5, ours())], x].concat();
        assert_eq!(outcome(world.clone()).0, lost());
        assert_eq!(plan.stale(&now(world)).len(), 1);
    }
}
