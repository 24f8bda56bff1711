//! The planner on kinds whose resources belong to whoever changed them last.

use super::tests::{check, desired, input, live, owned, scope};
use super::*;

fn shared(wanted: Vec<Desired>, live: Vec<Actual>, ours: Vec<Owned>) -> PlanInput {
    let wanted = wanted.into_iter().map(|wanted| Desired { claim: Claim::IfAbsent, ..wanted }).collect();
    PlanInput { shared: BTreeSet::from(["metric_alarm".to_owned()]), ..input(wanted, live, ours) }
}

#[test]
fn a_new_key_is_another_resource_and_no_rename() {
    check(
        shared(vec![desired("b", "i-1", 80)], vec![live("a", 80)], vec![owned("a", "i-1", 80)]),
        &["Delete a Target { absence: Unknown }", "Create b"],
    );
}

#[test]
fn what_goes_with_its_target_is_forgotten() {
    let world = |absence| {
        let mut input = shared(vec![], vec![live("a", 80)], vec![owned("a", "i-1", 80)]);
        input.absences.insert((scope(), "ec2".to_owned(), "i-1".to_owned()), absence);
        input
    };
    check(world(Absence::Terminated), &["Forget a Target { absence: Terminated }"]);
    check(world(Absence::Missing), &["Forget a Target { absence: Missing }"]);
    check(world(Absence::NotSelected), &["Delete a Target { absence: NotSelected }"]);
}

#[test]
fn a_correction_that_would_destroy_something_is_none() {
    let wanted = || Desired { claim: Claim::Correct { why: "so".to_owned() }, ..desired("a", "i-1", 80) };
    let world = |live| input(vec![wanted()], vec![live], vec![]);
    let why = Reason::Correction { why: "so".to_owned() };
    check(world(live("a", 70)), &[&format!("Update a {why:?} threshold 70→80 Rule")]);
    check(world(Actual { inexpressible: Some("more".to_owned()), ..live("a", 70) }), &[]);
}

#[test]
fn what_is_asked_for_by_hand_is_counted_where_it_is_there_and_never_recorded() {
    let wanted = || Desired { claim: Claim::Asked, ..desired("a", "i-1", 80) };
    let world = |live: Vec<Actual>| input(vec![wanted()], live, vec![]);
    let why = Reason::Correction { why: "asked for by hand".to_owned() };
    check(world(vec![live("a", 70)]), &[&format!("Update a {why:?} threshold 70→80 Asked")]);
    check(world(vec![]), &[]);
    let there = plan(world(vec![live("a", 80)]));
    assert!(there.is_empty() && there.refreshes.is_empty());
    assert_eq!(there.unchanged, 1);
    assert!(plan(world(vec![live("a", 70)])).changes.iter().all(|change| !change.is_recorded()));
}
