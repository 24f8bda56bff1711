//! Plans that are larger than a comment.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::plan::{Cause, Change, Plan, Reason, Verb};
use crate::render::fixtures::{
    all_plans, change, create, delete, field, plan_of, replace_plan, update, view,
};
use crate::render::{Detail, Heading, PlanView, plan_markdown, plan_text, summary_json};

/// GitHub's limit for the body of a comment.
const LIMIT: usize = 65_536;

/// A comment is below the limit, and nothing in it is cut in its middle.
fn check(plan: &Plan, view: &PlanView<'_>) -> String {
    let comment = plan_markdown(plan, view);
    assert!(comment.encode_utf16().count() < LIMIT, "{} characters", comment.encode_utf16().count());
    assert_eq!(comment.matches("<details").count(), comment.matches("\n</details>\n").count());
    let mut fence = None;
    for line in comment.lines() {
        let ticks = line.len() - line.trim_start_matches('`').len();
        match fence {
            None if ticks >= 3 && line.ends_with("diff") => fence = Some(ticks),
            Some(open) if ticks == open && line.len() == ticks => fence = None,
            None => assert!(!line.starts_with('|') || line.ends_with('|'), "{line}"),
            Some(_) => {}
        }
    }
    assert_eq!(fence, None, "a block that is not closed");
    assert!(comment.ends_with(".**\n") || plan.is_empty() || view.heading == Heading::Drift);
    comment
}

/// Fourteen thousand changes, five thousand of them deletes, in two declarations.
fn enormous() -> Plan {
    let deletes = (0..5000).map(|number| {
        let mut deleted = delete(number);
        if number % 5 == 0 {
            deleted.origin.label = "alarm.status".to_owned();
        }
        deleted
    });
    let updates = (5000..12_000).map(|number| update(number, 80.0, 85.0));
    plan_of(deletes.chain(updates).chain((12_000..14_000).map(create)))
}

#[test]
fn a_plan_of_fourteen_thousand_changes_fits_into_a_comment() {
    let plan = enormous();
    for detail in [Detail::Summary, Detail::Folded, Detail::Full] {
        let comment = check(&plan, &view(detail));
        let listed = comment.lines().filter(|line| line.contains("over 90 percent` ·")).count()
            + comment.lines().filter(|line| line.starts_with("- alarm `")).count();
        let rest = comment.lines().find(|line| line.contains("more to destroy")).expect("not all fit");
        assert!(listed > 200, "{detail:?}: {listed} are listed");
        assert!(rest.contains(&format!("… and {} more", crate::render::thousands(5000 - listed))), "{rest}");
        assert!(rest.contains("`alarm.status` 1,000"), "{rest}");
        assert!(comment.contains("`opsform show plan.json --detail full`"));
        assert!(comment.contains("**Plan: 2,000 to add, 7,000 to change, 5,000 to destroy.**"));
        let left_out = comment.find("Not shown").unwrap_or(comment.len());
        assert!(comment.find("#### Destroys").is_some_and(|place| place < left_out), "deletes come first");
        assert_eq!(left_out < comment.len(), detail != Detail::Summary);
        // The terminal has room for all.
        let text = plan_text(&plan, &view(detail));
        assert!(text.lines().filter(|line| line.contains("over 90 percent")).count() >= 5000);
    }
}

#[test]
fn thousands_of_conflicts_replaces_and_declarations_fit_as_well() {
    let conflicts = (0..4000).map(|number| {
        let mut conflict = change(Verb::Conflict, &format!("web-{number}: {}", "@`".repeat(120)));
        conflict.origin.label = format!("alarm.{}{number}", "long|label".repeat(20));
        conflict.reason = Some(Reason::OtherProject { project: "billing".to_owned() });
        conflict
    });
    let replaces = (0..3000).map(|number| {
        let mut replace = replace_plan().changes.remove(0);
        replace.address.key = format!("{number}");
        replace
    });
    let mut texts: Vec<Change> = Vec::new();
    for number in 0..3 {
        let mut changed = update(number, 80.0, 85.0);
        let lines: Vec<String> = (0..2000).map(|line| format!("line {line}")).collect();
        changed.fields.push(field(
            "description",
            json!("short\ntext"),
            json!(lines.join("\n")),
            Cause::Manifest,
        ));
        texts.push(changed);
    }
    let plan = plan_of(conflicts.chain(replaces).chain(texts).chain((0..2000).map(delete)));
    for heading in [Heading::Plan, Heading::Drift, Heading::Destroy] {
        for detail in [Detail::Summary, Detail::Folded, Detail::Full] {
            let comment = check(&plan, &PlanView { heading, ..view(detail) });
            assert!(comment.contains("more declarations"));
            assert!(heading == Heading::Drift || comment.contains("more to destroy"));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn no_plan_is_too_large_for_a_comment(
        parts in prop::collection::vec(
            (0..7_usize, 1..600_usize, "[a-z`|<>@\\\\\u{7}\u{1f525}운]{0,80}", 1..40_usize), 1..8),
        heading in prop::sample::select(vec![Heading::Plan, Heading::Drift, Heading::Destroy]),
        detail in prop::sample::select(vec![Detail::Summary, Detail::Folded, Detail::Full]),
    ) {
        let changes = parts.iter().enumerate().flat_map(|(part, (verb, count, name, labels))| {
            (0..*count).map(move |number| {
                let number = part * 1000 + number;
                let mut changed = match Verb::ALL[*verb] {
                    Verb::Delete => delete(number),
                    Verb::Create => create(number),
                    Verb::Replace => replace_plan().changes.remove(0),
                    Verb::Update => update(number, 80.0, 85.0),
                    verb => change(verb, ""),
                };
                changed.address.key = format!("{name} {number}");
                changed.origin.label = format!("alarm.{name}{}", number % labels);
                changed
            })
        });
        let plan = plan_of(changes);
        check(&plan, &PlanView { heading, ..view(detail) });
    }
}

#[test]
fn the_summary_holds_the_numbers() {
    for (name, plan) in all_plans() {
        let summary: Value = serde_json::from_str(&summary_json(&plan)).expect("JSON");
        assert_eq!(
            (&summary["format"], &summary["version"]),
            (&json!("opsform-summary"), &json!(1)),
            "{name}"
        );
        assert_eq!(summary["project"], json!(plan.project));
        assert_eq!(summary["counts"]["delete"], json!(plan.count(Verb::Delete)));
        assert_eq!(summary["counts"].as_object().map(serde_json::Map::len), Some(7));
        assert_eq!(summary["destroys"], json!(plan.destroy_count()));
        assert_eq!(summary["blocking"], json!(plan.blocking().count()));
        assert_eq!(summary["drift_only"], json!(plan.is_drift_only()));
    }
}

#[test]
fn one_value_that_is_far_off_is_seen_in_a_comment() {
    // Forty thresholds of a spreadsheet, one of them mistyped.
    let threshold = |n: usize| {
        if n == 17 { 900.0 } else { [60.0, 61.0, 62.0, 63.0, 64.0, 65.0, 66.0, 67.0, 68.0, 69.0][n % 10] }
    };
    let plan = plan_of((1..=40).map(|n| update(n, 80.0, threshold(n))));
    let comment = check(&plan, &view(Detail::Folded));
    assert!(
        comment.contains("# threshold: an example, there are 11 different values, 60 to 900\n"),
        "{comment}"
    );
    assert!(comment.contains("#   80 → 900  web-17\n"), "{comment}");
    assert!(comment.contains("#   80 → 61  web-1, web-11, web-21, web-31\n"), "{comment}");
    assert!(!comment.contains("more\n"), "all forty names are there: {comment}");
}
