//! The planner against small worlds, and the property that planning after applying is empty.

use std::fmt::Write;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::model::{Place, TargetRef};

pub(super) fn scope() -> Scope {
    Scope::new("111122223333", "ap-northeast-2")
}

fn address(key: &str) -> Address {
    Address::new("metric_alarm", scope(), key)
}

fn fields(threshold: i64) -> Fields {
    Fields::from([("threshold".to_owned(), json!(threshold)), ("period".to_owned(), json!(300))])
}

fn target(id: &str) -> TargetRef {
    TargetRef { kind: "ec2".to_owned(), id: id.to_owned(), name: id.replace("i-", "web-") }
}

pub(super) fn desired(key: &str, id: &str, threshold: i64) -> Desired {
    Desired {
        address: address(key),
        fields: fields(threshold),
        origin: Origin { label: "alarm.cpu".to_owned(), place: "alarms.toml:3".to_owned() },
        place: Place::Named("alarms.toml".to_owned()),
        target: Some(target(id)),
        claim: crate::model::Claim::Own { adopt: false },
        protect: false,
    }
}

pub(super) fn owned(key: &str, id: &str, threshold: i64) -> Owned {
    Owned {
        address: address(key),
        label: "alarm.cpu".to_owned(),
        target: Some(target(id)),
        protect: false,
        fields: fields(threshold),
    }
}

pub(super) fn live(key: &str, threshold: i64) -> Actual {
    Actual {
        address: address(key),
        fields: fields(threshold),
        ownership: Ownership::NotRead,
        inexpressible: None,
    }
}

fn owned_by(mut actual: Actual, project: &str) -> Actual {
    actual.ownership = Ownership::Project { name: project.to_owned(), label: None };
    actual
}

pub(super) fn input(wanted: Vec<Desired>, live: Vec<Actual>, ours: Vec<Owned>) -> PlanInput {
    PlanInput {
        project: "payments".to_owned(),
        scopes: vec![scope()],
        desired: wanted,
        actual: live.into_iter().map(|a| (a.address.clone(), a)).collect(),
        owned: ours.into_iter().map(|o| (o.address.clone(), o)).collect(),
        declared: BTreeSet::from(["alarm.cpu".to_owned()]),
        ..PlanInput::default()
    }
}

/// One line a change: `verb key reason field before→after cause`.
fn shown(plan: &Plan) -> Vec<String> {
    plan.changes
        .iter()
        .map(|change| {
            let mut line = format!("{:?} {}", change.verb, change.address.key);
            if let Some(reason) = &change.reason {
                let _ = write!(line, " {reason:?}");
            }
            for field in &change.fields {
                let value =
                    |v: &Option<serde_json::Value>| v.as_ref().map_or("-".to_owned(), ToString::to_string);
                let (before, after) = (value(&field.before), value(&field.after));
                let _ = write!(line, " {} {before}→{after} {:?}", field.name, field.cause);
            }
            if let Some(previous) = &change.replaces {
                let _ = write!(line, " (was {})", previous.address.key);
            }
            line
        })
        .collect()
}

pub(super) fn check(input: PlanInput, expected: &[&str]) -> Plan {
    let plan = plan(input);
    assert_eq!(shown(&plan), expected);
    plan
}

#[test]
fn what_is_not_there_is_created() {
    check(input(vec![desired("a", "i-1", 80)], vec![], vec![]), &["Create a"]);
}

#[test]
fn what_is_as_wanted_is_left_alone() {
    let plan =
        check(input(vec![desired("a", "i-1", 80)], vec![live("a", 80)], vec![owned("a", "i-1", 80)]), &[]);
    assert_eq!((plan.unchanged, plan.refreshes.len()), (1, 0));
}

#[test]
fn each_difference_names_who_made_it() {
    let wanted = || vec![desired("a", "i-1", 80)];
    check(
        input(wanted(), vec![live("a", 70)], vec![owned("a", "i-1", 70)]),
        &["Update a threshold 70→80 Manifest"],
    );
    let drift = check(
        input(wanted(), vec![live("a", 70)], vec![owned("a", "i-1", 80)]),
        &["Update a threshold 70→80 Drift"],
    );
    assert!(drift.is_drift_only());
    let both = check(
        input(wanted(), vec![live("a", 70)], vec![owned("a", "i-1", 60)]),
        &["Update a threshold 70→80 Both"],
    );
    assert!(!both.is_drift_only());
}

#[test]
fn a_hand_made_change_that_is_now_wanted_only_refreshes_the_state() {
    let plan =
        check(input(vec![desired("a", "i-1", 80)], vec![live("a", 80)], vec![owned("a", "i-1", 70)]), &[]);
    assert_eq!(plan.refreshes[0].owned.fields, fields(80));
}

#[test]
fn a_new_label_changes_nothing_on_aws() {
    let mut wanted = desired("a", "i-1", 80);
    wanted.origin.label = "alarm.processor".to_owned();
    let plan = check(input(vec![wanted], vec![live("a", 80)], vec![owned("a", "i-1", 80)]), &[]);
    assert_eq!(plan.refreshes[0].owned.label, "alarm.processor");
}

#[test]
fn deleted_by_hand_is_made_again_as_drift() {
    let plan = check(
        input(vec![desired("a", "i-1", 80)], vec![], vec![owned("a", "i-1", 80)]),
        &["Create a DeletedOutside"],
    );
    assert!(plan.is_drift_only());
}

#[test]
fn nobodys_resource_is_adopted_only_when_allowed() {
    let world = || input(vec![desired("a", "i-1", 80)], vec![live("a", 70)], vec![]);
    let refused = check(world(), &["Adopt a AdoptionRefused threshold 70→80 Unknown"]);
    assert_eq!(refused.blocking().count(), 1);
    let mut allowed = world();
    allowed.options.adopt = true;
    assert_eq!(check(allowed, &["Adopt a threshold 70→80 Unknown"]).blocking().count(), 0);
    let mut declared = world();
    declared.desired[0].claim = Claim::Own { adopt: true };
    check(declared, &["Adopt a threshold 70→80 Unknown"]);
}

#[test]
fn the_tag_makes_a_lost_record_harmless() {
    let actual = || owned_by(live("a", 80), "payments");
    let plan = check(input(vec![desired("a", "i-1", 80)], vec![actual()], vec![]), &[]);
    assert_eq!(plan.refreshes.len(), 1);
    check(
        input(vec![desired("a", "i-1", 90)], vec![actual()], vec![]),
        &["Update a Recovered threshold 80→90 Unknown"],
    );
}

#[test]
fn another_projects_resource_is_never_touched() {
    let theirs = || owned_by(live("a", 70), "search");
    let conflict = r#"Conflict a OtherProject { project: "search" }"#;
    check(input(vec![desired("a", "i-1", 80)], vec![theirs()], vec![]), &[conflict]);
    check(input(vec![desired("a", "i-1", 80)], vec![theirs()], vec![owned("a", "i-1", 80)]), &[conflict]);
    // No longer wanted here and theirs by now: our record goes, their alarm stays.
    check(
        input(vec![], vec![theirs()], vec![owned("a", "i-1", 80)]),
        &[r#"Forget a OtherProject { project: "search" }"#],
    );
}

#[test]
fn what_cannot_be_expressed_is_never_flattened() {
    let mut math = live("a", 70);
    math.inexpressible = Some("metric math".to_owned());
    check(
        input(vec![desired("a", "i-1", 80)], vec![math], vec![owned("a", "i-1", 80)]),
        &[r#"Conflict a Inexpressible { what: "metric math" }"#],
    );
}

#[test]
fn deletes_say_why() {
    let world = |declared: bool, absence: Option<Absence>| {
        let mut input = input(vec![], vec![live("a", 80)], vec![owned("a", "i-1", 80)]);
        if !declared {
            input.declared.clear();
        }
        let key = (scope(), "ec2".to_owned(), "i-1".to_owned());
        input.absences.extend(absence.map(|absence| (key, absence)));
        input
    };
    check(world(false, None), &["Delete a DeclarationRemoved"]);
    check(world(true, Some(Absence::Terminated)), &["Delete a Target { absence: Terminated }"]);
    check(world(true, Some(Absence::NotSelected)), &["Delete a Target { absence: NotSelected }"]);
    let mut destroy = world(true, None);
    destroy.options.destroy = true;
    check(destroy, &["Delete a Destroy"]);
}

#[test]
fn gone_and_unwanted_is_forgotten() {
    check(input(vec![], vec![], vec![owned("a", "i-1", 80)]), &["Forget a"]);
}

#[test]
fn protected_resources_outlive_their_declaration() {
    let mut record = owned("a", "i-1", 80);
    record.protect = true;
    let plan = check(input(vec![], vec![live("a", 80)], vec![record.clone()]), &[]);
    assert_eq!(plan.protected, [record]);
}

#[test]
fn a_changed_name_is_one_replace() {
    check(
        input(vec![desired("new", "i-1", 90)], vec![live("old", 80)], vec![owned("old", "i-1", 80)]),
        &["Replace new Renamed threshold 80→90 Manifest (was old)"],
    );
    // Whose live values are not the ones last written, the replace says so.
    check(
        input(vec![desired("new", "i-1", 80)], vec![live("old", 70)], vec![owned("old", "i-1", 80)]),
        &["Replace new Renamed threshold 70→80 Drift (was old)"],
    );
    // A resource of the whole region is renamed likewise.
    let mut wanted = desired("new", "i-1", 80);
    wanted.target = None;
    let mut ours = owned("old", "i-1", 80);
    ours.target = None;
    check(input(vec![wanted], vec![live("old", 80)], vec![ours]), &["Replace new Renamed (was old)"]);
    // Another target's new alarm is no rename.
    check(
        input(vec![desired("new", "i-2", 80)], vec![live("old", 80)], vec![owned("old", "i-1", 80)]),
        &["Delete old Target { absence: Unknown }", "Create new"],
    );
}

#[test]
fn regions_that_were_not_read_are_left_alone() {
    let mut elsewhere = owned("a", "i-1", 80);
    elsewhere.address.scope.region = "us-east-1".to_owned();
    check(input(vec![], vec![], vec![elsewhere]), &[]);
}

#[test]
fn flags_leave_changes_out_and_say_how_many() {
    let world = || input(vec![desired("n", "i-2", 80)], vec![live("a", 80)], vec![owned("a", "i-1", 80)]);
    let mut no_delete = world();
    no_delete.options.no_delete = true;
    assert_eq!(check(no_delete, &["Create n"]).left_out, 1);
    for pattern in ["web-2", "i-2", "n", "web-[2]"] {
        let mut targeted = world();
        targeted.options.selection.targets = crate::plan::Pattern::new(pattern).into_iter().collect();
        assert_eq!(check(targeted, &["Create n"]).left_out, 1);
    }
    let mut excluded = world();
    excluded.options.selection.excludes = crate::plan::Pattern::new("alarm.*").into_iter().collect();
    assert_eq!(check(excluded, &[]).left_out, 2);
    // A replace is spared by the name of the old resource as well as by that of the new one.
    for pattern in ["old", "new"] {
        let mut replace =
            input(vec![desired("new", "i-1", 90)], vec![live("old", 80)], vec![owned("old", "i-1", 80)]);
        replace.options.selection.excludes = crate::plan::Pattern::new(pattern).into_iter().collect();
        assert_eq!(check(replace, &[]).left_out, 1);
    }
}

#[test]
fn what_is_excluded_is_not_even_recorded_anew() {
    let mut wanted = desired("a", "i-1", 80);
    wanted.origin.label = "alarm.processor".to_owned();
    let mut world = input(vec![wanted], vec![live("a", 80)], vec![owned("a", "i-1", 80)]);
    world.options.selection.excludes = crate::plan::Pattern::new("web-1").into_iter().collect();
    assert!(check(world, &[]).refreshes.is_empty());
}

/// Does to a small world what an apply would do.
fn apply_to_world(plan: &Plan, live: &mut BTreeMap<Address, Actual>, ours: &mut BTreeMap<Address, Owned>) {
    for refresh in &plan.refreshes {
        ours.insert(refresh.owned.address.clone(), refresh.owned.clone());
    }
    for change in plan.changes.iter().filter(|change| !change.is_blocking()) {
        if let Some(after) = &change.after {
            let record = Owned {
                address: change.address.clone(),
                label: change.origin.label.clone(),
                target: change.target.clone(),
                protect: change.protect,
                fields: after.clone(),
            };
            live.insert(
                change.address.clone(),
                owned_by(
                    Actual {
                        address: change.address.clone(),
                        fields: after.clone(),
                        ownership: Ownership::NotRead,
                        inexpressible: None,
                    },
                    "payments",
                ),
            );
            ours.insert(change.address.clone(), record);
        }
        let gone = match (&change.replaces, change.verb) {
            (Some(previous), _) => Some(&previous.address),
            (None, Verb::Delete) => Some(&change.address),
            (None, Verb::Forget) => {
                ours.remove(&change.address);
                None
            }
            _ => None,
        };
        if let Some(gone) = gone {
            live.remove(gone);
            ours.remove(gone);
        }
    }
}

proptest! {
    #[test]
    fn planning_after_applying_is_empty(
        wanted in proptest::collection::btree_map(0..6u8, (0..4u8, 0..3i64), 0..6),
        there in proptest::collection::btree_map(0..6u8, (0..3i64, 0..3u8), 0..6),
        recorded in proptest::collection::btree_map(0..6u8, (0..4u8, 0..3i64, any::<bool>()), 0..6),
    ) {
        let wanted: Vec<Desired> = wanted
            .iter()
            .map(|(key, (id, threshold))| desired(&format!("k{key}"), &format!("i-{id}"), *threshold))
            .collect();
        let live: Vec<Actual> = there
            .iter()
            .map(|(key, (threshold, owner))| {
                let actual = live(&format!("k{key}"), *threshold);
                match owner {
                    0 => Actual { ownership: Ownership::Nobody, ..actual },
                    1 => owned_by(actual, "search"),
                    _ => owned_by(actual, "payments"),
                }
            })
            .collect();
        let ours: Vec<Owned> = recorded
            .iter()
            .map(|(key, (id, threshold, protect))| Owned {
                protect: *protect,
                ..owned(&format!("k{key}"), &format!("i-{id}"), *threshold)
            })
            .collect();
        let foreign: Vec<Address> = live
            .iter()
            .filter(|a| matches!(&a.ownership, Ownership::Project { name, .. } if name == "search"))
            .map(|a| a.address.clone())
            .collect();
        let first_input = input(wanted.clone(), live, ours);
        let (mut world, mut state) = (first_input.actual.clone(), first_input.owned.clone());
        let mut first_input = first_input;
        first_input.options.adopt = true;
        let first = plan(first_input);
        for change in &first.changes {
            if foreign.contains(&change.address) {
                prop_assert!(matches!(change.verb, Verb::Conflict | Verb::Forget));
            }
        }
        apply_to_world(&first, &mut world, &mut state);
        let mut again = input(wanted, world.into_values().collect(), state.into_values().collect());
        again.options.adopt = true;
        let second = plan(again);
        prop_assert!(second.changes.iter().all(Change::is_blocking), "{:?}", shown(&second));
        prop_assert!(second.refreshes.is_empty());
    }
}

#[test]
fn what_is_surplus_goes_while_it_is_ours_and_nobody_needs_it() {
    let wanted = || {
        let claim = Claim::Remove {
            why: "generation 8 of 7".to_owned(),
            usual: false,
            relies_on: vec!["kept".to_owned()],
        };
        vec![Desired { claim, ..desired("a", "i-1", 80) }]
    };
    let labelled = |key: &str, label: &str| {
        let name = "payments".to_owned();
        let ownership = Ownership::Project { name, label: Some(label.to_owned()) };
        Actual { ownership, ..live(key, 80) }
    };
    let ours = || labelled("a", "alarm.cpu");
    let kept = || labelled("kept", "alarm.cpu");
    let made = |live: Vec<Actual>| plan(input(wanted(), live, vec![]));
    let planned = made(vec![ours(), kept()]);
    assert_eq!(
        shown(&planned),
        ["Delete a Surplus { why: \"generation 8 of 7\", usual: false, relies_on: [\"kept\"] }"]
    );
    let relied_on =
        |plan: &Plan| plan.relied_on.iter().map(|kept| kept.address.key.clone()).collect::<Vec<_>>();
    assert_eq!(relied_on(&planned), ["kept"]);
    let used = Actual { inexpressible: Some("the image ami-1".to_owned()), ..ours() };
    let changed = Actual { fields: fields(81), ..ours() };
    let others = owned_by(live("a", 80), "search");
    for left in [live("a", 80), others, labelled("a", "alarm.disk"), used, changed] {
        assert_eq!(shown(&made(vec![left, kept()])), [""; 0]);
    }
    for missing in [vec![], vec![kept()], vec![ours()]] {
        let plan = made(missing);
        assert_eq!((shown(&plan), relied_on(&plan)), (vec![], vec![]));
    }
}

#[test]
fn what_is_nobodys_is_adopted_by_its_tag_alone() {
    let wanted = || {
        let claim = Claim::AdoptByTag { why: "as the rule fired".to_owned() };
        vec![Desired { claim, ..desired("a", "i-1", 80) }]
    };
    let nobodys = || Actual { ownership: Ownership::Nobody, ..live("a", 70) };
    let adopts = check(
        input(wanted(), vec![nobodys()], vec![]),
        &["Adopt a ByTag { why: \"as the rule fired\" } threshold 70→80 Unknown"],
    );
    let change = &adopts.changes[0];
    assert!(!change.is_recorded() && !change.is_blocking() && !change.is_correction());
    assert_eq!(change.before, Some(fields(70)));
    // Nothing is made, and nothing is taken that is somebody's, is needed, or of which nobody knows whose it is.
    let used = Actual { inexpressible: Some("the image ami-1".to_owned()), ..nobodys() };
    let owners = ["payments", "search"].map(|project| Some(owned_by(live("a", 70), project)));
    for left in owners.into_iter().chain([None, Some(live("a", 70)), Some(used)]) {
        let plan = check(input(wanted(), left.into_iter().collect(), vec![]), &[]);
        assert_eq!((plan.unchanged, plan.refreshes.len()), (0, 0));
    }
}

#[test]
fn what_is_cut_back_needs_what_is_made_in_its_place() {
    let world = |exclude: &str| {
        let excludes = crate::plan::Pattern::new(exclude).into_iter().collect();
        PlanInput {
            project: "p".to_owned(),
            scopes: vec![scope()],
            desired: vec![
                desired("rest", "i-1", 90),
                desired("first", "i-1", 80),
                desired("other", "i-2", 80),
            ],
            actual: BTreeMap::from([(address("rest"), live("rest", 80))]),
            owned: BTreeMap::from([(address("rest"), owned("rest", "i-1", 80))]),
            cut_back: BTreeMap::from([(address("rest"), BTreeSet::from([address("first")]))]),
            options: PlanOptions {
                selection: Selection { excludes, ..Selection::default() },
                ..PlanOptions::default()
            },
            ..PlanInput::default()
        }
    };
    let keys = |plan: Plan| plan.changes.into_iter().map(|change| change.address.key).collect::<Vec<_>>();
    assert_eq!(keys(plan(world("other"))), ["first", "rest"]);
    assert_eq!(keys(plan(world("first"))), ["other"]);
}

#[test]
fn what_is_held_is_not_deleted() {
    let mut plan = plan(PlanInput {
        scopes: vec![scope()],
        actual: BTreeMap::from([(address("a"), live("a", 80)), (address("b"), live("b", 80))]),
        owned: BTreeMap::from([(address("a"), owned("a", "i-1", 80)), (address("b"), owned("b", "i-2", 80))]),
        ..PlanInput::default()
    });
    let held = crate::plan::Held { address: address("a"), why: "it holds theirs".to_owned() };
    plan.hold(vec![held.clone()]);
    assert_eq!((plan.delete_count(), plan.held), (1, vec![held]));
}
