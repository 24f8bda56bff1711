//! The words of a plan, sentence by sentence.

use insta::assert_snapshot;

use crate::plan::{Absence, Plan, Reason};
use crate::render::fixtures::{
    SEOUL, VIRGINIA, create, delete, drift, empty_plan, plan_of, target, update, view,
};
use crate::render::{Detail, Heading, PlanView, plan_text};

fn folded(plan: &Plan) -> String {
    plan_text(plan, &view(Detail::Folded))
}

#[test]
fn nothing_to_do() {
    let last = |plan: &Plan, heading: Heading| {
        let view = PlanView { heading, ..view(Detail::Folded) };
        plan_text(plan, &view).lines().last().unwrap_or_default().to_owned()
    };
    let empty = empty_plan();
    let one = Plan { unchanged: 1, ..empty_plan() };
    let none = Plan { unchanged: 0, ..empty_plan() };
    let left_out = Plan { left_out: 2, ..none.clone() };
    assert_eq!(last(&empty, Heading::Plan), "Nothing to do: 3,000 alarms are as declared.");
    assert_eq!(last(&one, Heading::Plan), "Nothing to do: 1 alarm is as declared.");
    assert_eq!(
        last(&none, Heading::Plan),
        "Nothing to do: the manifest asks for no resources, and the project owns none."
    );
    assert_eq!(last(&left_out, Heading::Plan), "Nothing to do: every change is left out.");
    assert_eq!(last(&empty, Heading::Drift), "No drift: 3,000 alarms are as opsform left them.");
    assert_eq!(last(&none, Heading::Destroy), "Nothing to destroy: the project owns no resources.");
}

#[test]
fn drift_is_named_as_such() {
    let text = folded(&plan_of([drift()]));
    assert!(text.contains("changed outside opsform"), "{text}");
    assert!(text.ends_with("All of it puts back what was changed outside opsform.\n"), "{text}");
    let view = PlanView { heading: Heading::Drift, ..view(Detail::Folded) };
    let text = plan_text(&plan_of([drift()]), &view);
    assert!(text.starts_with("payments · drift · account 111122223333 · 2 regions"), "{text}");
    assert!(text.contains("actions_enabled   true → false"), "{text}");
    assert!(
        text.ends_with(
            "\nDrift: 1 changed outside opsform; 2,587 are as they were left. \
             \"opsform apply\" puts back what the manifest still asks for.\n"
        ),
        "{text}"
    );
}

#[test]
fn every_reason_of_a_delete_is_said_in_words() {
    let reason_of = |reason: Reason, count: usize| {
        let deletes = (1..=count).map(|number| {
            let mut change = delete(number);
            change.reason = Some(reason.clone());
            change
        });
        let text = folded(&plan_of(deletes));
        text.lines().find(|line| line.contains("because")).unwrap_or_default().trim().to_owned()
    };
    let target = |absence: Absence| Reason::Target { absence };
    let words: Vec<String> = [
        (target(Absence::Terminated), 1),
        (target(Absence::Missing), 1),
        (target(Absence::Missing), 2),
        (target(Absence::NotSelected), 1),
        (target(Absence::NotSelected), 2),
        (target(Absence::Superseded), 1),
        (target(Absence::RowRemoved), 1),
        (target(Absence::RowRemoved), 2),
        (Reason::DeclarationRemoved, 1),
        (Reason::Destroy, 2),
        (Reason::Recovered, 1),
    ]
    .into_iter()
    .map(|(reason, count)| reason_of(reason, count))
    .collect();
    assert_snapshot!(words.join("\n"), @r#"
because i-00001 (web-1) was terminated; it was wanted by alarm.cpu
because i-00001 (web-1) no longer exists; it was wanted by alarm.cpu
because their targets no longer exist; they were wanted by alarm.cpu
because alarm.cpu no longer selects i-00001 (web-1)
because alarm.cpu no longer selects their targets
because alarm.cpu now makes something else of i-00001 (web-1)
because the inventory no longer has the row i-00001 (web-1); it was wanted by alarm.cpu
because the inventory no longer has their rows; they were wanted by alarm.cpu
because alarm.cpu is no longer in the manifest
because destroy was asked for
because nothing declares it: its tags on AWS name this project, but the state has no record of it
"#);
}

#[test]
fn many_destroys_are_named_above_and_counted_below() {
    let text = folded(&plan_of((1..=25).map(delete)));
    assert!(text.contains("- delete  25 alarms"), "{text}");
    assert_eq!(text.matches("web-25: ").count(), 1, "{text}");
    assert_eq!(text.matches("web-20: ").count(), 2, "{text}");
    assert!(text.ends_with("          … and 5 more, listed above\n"), "{text}");
}

#[test]
fn a_summary_names_every_destroy_beside_its_region() {
    let plan = plan_of((1..=25).map(|number| {
        let mut change = delete(number);
        if number > 23 {
            change.address.scope.region = VIRGINIA.to_owned();
        }
        change
    }));
    let text = plan_text(&plan, &view(Detail::Summary));
    let lines: Vec<&str> = text.lines().rev().take(25).collect();
    for (i, line) in lines.iter().rev().enumerate() {
        let number = i + 1;
        let (word, region) =
            (if number == 1 { "Destroys:" } else { "" }, if number > 23 { VIRGINIA } else { SEOUL });
        let name = format!("alarm \"web-{number}: CPU Utilization over 90 percent\"");
        assert_eq!(*line, format!("{word:<10}{name:<47}   {region}"));
    }
}

#[test]
fn targets_that_share_a_name_are_shown_by_their_ids() {
    let plan = plan_of((1..=3).map(|number| {
        let mut change = update(number, 80.0, 85.0);
        change.target = Some(target(if number == 3 { "db, 1" } else { "web" }, &format!("i-{number}")));
        change
    }));
    let text = folded(&plan);
    assert!(text.contains("\n          \"db, 1\", i-1, i-2\n"), "{text}");
}

#[test]
fn labels_beyond_six_are_summed_up() {
    let plan = plan_of((1..=20).map(|number| {
        let mut change = create(number);
        change.origin.label = format!("alarm.l{}", number % 8);
        change
    }));
    let text = folded(&plan);
    let row = text.lines().find(|line| line.starts_with("  create")).unwrap_or_default();
    assert_eq!(
        row,
        "  create  20   alarm.l1 3 · alarm.l2 3 · alarm.l3 3 · alarm.l4 3 · alarm.l0 2 · alarm.l5 2 · … 2 more labels"
    );
}

#[test]
fn steps_and_notes_stand_below_their_change() {
    let mut slow = update(1, 80.0, 85.0);
    slow.steps = vec!["stop it".to_owned(), "wait for\u{1b}[31m it".to_owned()];
    slow.notes = vec!["saves $3.24 a month".to_owned()];
    let plan = plan_of([slow, update(2, 80.0, 85.0)]);
    let text = folded(&plan);
    assert_eq!(text.matches("threshold").count(), 2, "one with steps is shown on its own: {text}");
    for text in [text, crate::render::plan_markdown(&plan, &view(Detail::Folded))] {
        let steps = text.find("1. stop it").unwrap_or_default();
        let note = text.find("note: saves $3.24 a month").unwrap_or_default();
        assert!(steps > 0 && note > steps && !text.contains('\u{1b}'), "{text}");
    }
}

#[test]
fn what_is_refused_is_left_alone_with_its_reason() {
    let mut plan = plan_of([update(1, 80.0, 85.0)]);
    let address = plan.changes[0].address.clone();
    let refusal = Some("it is a spot instance".to_owned());
    plan.foresee([(address, crate::plan::Outlook { refusal, ..Default::default() })].into());
    assert_eq!((plan.blocking().count(), plan.changes.len()), (0, 0));
    plan.unchanged = 0;
    let text = folded(&plan);
    assert!(text.contains("left alone: ") && text.contains("it is a spot instance"), "{text}");
    assert!(text.contains("Nothing to do: what is asked for is left alone."), "{text}");
}

#[test]
fn an_obstacle_blocks_and_its_reason_stands_at_the_end_too() {
    let mut plan = plan_of([update(1, 80.0, 85.0)]);
    let address = plan.changes[0].address.clone();
    let obstacle = Some("its key is disabled".to_owned());
    plan.foresee([(address, crate::plan::Outlook { obstacle, ..Default::default() })].into());
    assert_eq!(plan.blocking().count(), 1);
    let text = folded(&plan);
    assert_eq!(text.matches("its key is disabled").count(), 2, "{text}");
    let short = crate::render::plan_text(&plan, &view(Detail::Summary));
    assert!(short.contains("its key is disabled: put that right, or take it out of alarm.cpu"), "{short}");
    plan.changes[0].origin.place.clear();
    let by_hand = folded(&plan);
    assert!(by_hand.contains("put that right, or leave it off the command line"), "{by_hand}");
}

/// What is deleted on the way to something else is told where only numbers are.
#[test]
fn a_deed_has_its_own_part_in_the_total() {
    let mut plan = plan_of([update(1, 80.0, 85.0), update(2, 80.0, 85.0), update(3, 80.0, 85.0)]);
    for (change, deletes) in plan.changes.iter_mut().zip([2, 1]) {
        let (one, many) = ("volume deleted".to_owned(), "volumes deleted".to_owned());
        change.deed = Some(crate::plan::Deed { word: "park".to_owned(), deletes, one, many });
        change.notes = vec!["saves \u{1b}[31m$3.24".to_owned()];
    }
    let total = "0 to add, 1 to change, 2 to park (3 volumes deleted), 0 to destroy";
    for text in [folded(&plan), crate::render::plan_markdown(&plan, &view(Detail::Folded))] {
        assert!(text.contains(total) && !text.contains('\u{1b}'), "{text}");
    }
    let short = crate::render::plan_text(&plan, &view(Detail::Summary));
    assert!(short.contains("2 volumes deleted; saves ") && short.contains("1 volume deleted; "), "{short}");
    plan.spare();
    assert_eq!((plan.changes.len(), plan.refused.len()), (1, 2));
    assert_eq!(plan.refused[0].why, "--no-delete: to park it means 2 volumes deleted");
}

#[test]
fn the_total_says_what_all_of_it_saves() {
    let mut plan = plan_of([update(1, 80.0, 85.0), update(2, 80.0, 85.0), update(3, 80.0, 85.0)]);
    let amounts = [Some("100.10"), Some("23.35"), None];
    let outlooks = plan.changes.iter().zip(amounts).map(|(change, amount)| {
        let monthly_usd = amount.map(|amount| amount.parse().unwrap());
        let saving =
            Some(crate::plan::Saving { monthly_usd, prices: "list prices of 2026-11-20".to_owned() });
        (change.address.clone(), crate::plan::Outlook { saving, ..Default::default() })
    });
    plan.foresee(outlooks.collect());
    let words =
        "Saves $123.45 a month or more (list prices of 2026-11-20). Of 1 other change a price is not known.";
    let text = folded(&plan);
    let total = text.find("Plan: 0 to add, 3 to change").unwrap();
    assert!(text[total..].contains(words), "{text}");
    let markdown = crate::render::plan_markdown(&plan, &view(Detail::Folded));
    assert!(markdown.contains(&words.replace('$', "\\$")) || markdown.contains(words), "{markdown}");
    let json: serde_json::Value = serde_json::from_str(&crate::render::plan_json(&plan, None)).unwrap();
    let expected = serde_json::json!({
        "monthly_usd": 123.45, "changes": 2, "unpriced": 1, "prices": ["list prices of 2026-11-20"]
    });
    assert_eq!(json["saving"], expected);
    plan.saving.as_mut().unwrap().monthly_usd = -1.0;
    assert!(folded(&plan).contains("Costs $1.00 a month more than it saves, at most"), "{}", folded(&plan));
    plan.foresee([].into());
    assert!(plan.saving.is_none() && !folded(&plan).contains("a month"));
}
