//! The same plans through all renderers: what must hold of every one of them.

mod by_hand;
mod drift;
mod large;
mod markdown;
mod text;
mod wording;

use serde_json::Value;

use crate::plan::{Change, Plan, Provenance, SavedPlan, Verb};

use super::fixtures::{all_plans, documented_plan, update, view};
use super::{Detail, Heading, Palette, PlanView, clean, plan_json, plan_markdown, plan_text};

const DETAILS: [Detail; 3] = [Detail::Summary, Detail::Folded, Detail::Full];

/// Every way to show a plan on a terminal without colour.
fn views() -> impl Iterator<Item = PlanView<'static>> {
    [Heading::Plan, Heading::Drift]
        .into_iter()
        .flat_map(|heading| DETAILS.map(|detail| PlanView { heading, ..view(detail) }))
}

/// Removes `ESC [ … m`.
fn without_colour(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| plain + part.split_once('m').map_or("", |(_, rest)| rest))
}

#[test]
fn colour_changes_nothing_but_colour() {
    for (name, plan) in all_plans() {
        for view in views() {
            let coloured = PlanView { palette: Palette { color: true, width: None }, ..view };
            let (plain, coloured) = (plan_text(&plan, &view), plan_text(&plan, &coloured));
            assert_eq!(without_colour(&coloured), plain, "{name}, {view:?}");
            assert!(coloured.contains('\u{1b}'), "{name}, {view:?}");
        }
    }
}

#[test]
fn no_user_text_controls_the_terminal() {
    for (name, plan) in all_plans() {
        for view in views() {
            for text in [plan_text(&plan, &view), plan_markdown(&plan, &view)] {
                let control = text.chars().find(|c| c.is_control() && *c != '\n' || *c == '\u{202e}');
                assert_eq!(control, None, "{name}, {view:?}:\n{text}");
                assert!(text.lines().all(|line| !line.ends_with(' ')), "{name}, {view:?}:\n{text}");
            }
        }
    }
}

#[test]
fn every_delete_is_named_in_every_view() {
    let mut plans = all_plans();
    let many = super::fixtures::plan_of((0..300).map(super::fixtures::delete));
    plans.push(("many deletes", many));
    for (name, plan) in plans {
        for detail in DETAILS {
            let text = plan_text(&plan, &view(detail));
            let markdown = plan_markdown(&plan, &view(detail));
            for change in plan.changes.iter().filter(|change| change.verb == Verb::Delete) {
                let key = clean(&change.address.key);
                assert!(text.contains(&*key), "{name}, {detail:?}: {key}");
                assert!(markdown.contains(&*key), "{name}, {detail:?}: {key}");
            }
        }
    }
}

#[test]
fn thousands_of_changes_fit_on_a_screen() {
    for (name, plan) in all_plans() {
        for view in views().filter(|view| view.detail == Detail::Folded) {
            let lines = plan_text(&plan, &view).lines().count();
            assert!(lines < 60, "{name}: {lines} lines");
        }
    }
}

#[test]
fn lines_keep_to_the_width_of_the_terminal() {
    for (name, plan) in all_plans() {
        let folded = views().filter(|view| view.detail == Detail::Folded);
        for (view, width) in folded.flat_map(|view| [60, 66, 72, 100, 140].map(|width| (view, width))) {
            let narrow = PlanView { palette: Palette { color: false, width: Some(width) }, ..view };
            let text = plan_text(&plan, &narrow);
            let too_long = text.lines().find(|line| {
                // A word that is longer than a line stays whole, so that it can be copied.
                let columns = unicode_width::UnicodeWidthStr::width(*line);
                columns > width && line.split_whitespace().all(|word| word.len() < width / 2)
            });
            assert_eq!(too_long, None, "{name} in {width} columns:\n{text}");
        }
    }
}

#[test]
fn a_sliver_of_a_terminal_is_no_reason_to_fail() {
    for (_, plan) in all_plans() {
        for (view, width) in views().flat_map(|view| [1, 40, 66].map(|width| (view, width))) {
            let narrow = PlanView { palette: Palette { color: false, width: Some(width) }, ..view };
            assert!(plan_text(&plan, &narrow).contains(&plan.project));
        }
    }
}

#[test]
fn json_holds_the_whole_plan() {
    for (name, plan) in all_plans() {
        let json = plan_json(&plan, None);
        let read: Plan = serde_json::from_str(&json).expect("the documented format");
        assert_eq!(read, plan, "{name}");
        let value: Value = serde_json::from_str(&json).expect("the documented format");
        assert_eq!(value["format"], "opsform-plan");
        assert_eq!(value["version"], 1);
        assert_eq!(value["summary"]["counts"]["delete"], plan.count(Verb::Delete));
        assert_eq!(value["summary"]["destroys"], plan.destroy_count());
    }
}

/// The samples are for the eye; what is saved must differ in just the fields that it lists.
fn fit_to_fields(change: &mut Change) {
    let (Some(before), Some(after)) = (&mut change.before, &mut change.after) else { return };
    before.clone_from(after);
    for field in &change.fields {
        for (side, value) in [(&mut *before, &field.before), (&mut *after, &field.after)] {
            side.remove(&field.name);
            side.extend(value.clone().map(|value| (field.name.clone(), value)));
        }
    }
}

#[test]
fn a_saved_plan_is_read_as_it_was_written() {
    let document = include_str!("../../../docs/plan-format.md");
    let provenance = Provenance { opsform: "0.1.0".to_owned(), lineage: "a".to_owned(), serial: 3 };
    for (name, mut plan) in all_plans() {
        plan.changes.iter_mut().for_each(fit_to_fields);
        let json = plan_json(&plan, Some(&provenance));
        let saved = SavedPlan { plan, provenance: Some(provenance.clone()) };
        assert_eq!(SavedPlan::parse(&json), Ok(saved), "{name}");
        let value: Value = serde_json::from_str(&json).expect("the documented format");
        for key in value["saved"].as_object().expect("where it comes from").keys() {
            assert!(document.contains(&format!("`{key}`")), "`{key}` is not documented");
        }
    }
}

/// The example in the documentation is the output itself, and every field is explained.
#[test]
fn the_documented_format_is_the_format() {
    let document = include_str!("../../../docs/plan-format.md");
    let example = document
        .split_once("```json\n")
        .and_then(|(_, rest)| rest.split_once("\n```"))
        .map(|(example, _)| example)
        .expect("the documented format");
    let plan = documented_plan();
    assert!(serde_json::from_str::<Plan>(example).is_ok());
    let (documented, written): (Value, Value) = (
        serde_json::from_str(example).expect("the documented format"),
        serde_json::from_str(&plan_json(&plan, None)).expect("the documented format"),
    );
    assert_eq!(documented, written, "the example must be:\n{}", plan_json(&plan, None));
    for (name, plan) in all_plans() {
        let value: Value = serde_json::from_str(&plan_json(&plan, None)).expect("the documented format");
        let mut keys = Vec::new();
        collect_keys(&value, &mut keys);
        for key in keys {
            assert!(document.contains(&format!("`{key}`")), "{name}: `{key}` is not documented");
        }
    }
}

/// All keys of the format itself; what a kind or AWS names is not part of it.
fn collect_keys(value: &Value, keys: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                keys.push(key.clone());
                let foreign = ["objects", "calls"].contains(&&**key)
                    || (["before", "after", "fields"].contains(&&**key) && !inner.is_array());
                // Of a changed field, the values are the kind's as well.
                let value = map.contains_key("cause") && ["before", "after"].contains(&&**key);
                if !(foreign || value) {
                    collect_keys(inner, keys);
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|inner| collect_keys(inner, keys)),
        _ => {}
    }
}

#[test]
fn an_unknown_kind_is_shown_by_its_name() {
    let mut change = update(1, 80.0, 85.0);
    change.address.kind = "event_rule".to_owned();
    let text = plan_text(&super::fixtures::plan_of([change]), &view(Detail::Folded));
    assert!(text.contains("event rule \"web-1: CPU Utilization\""), "{text}");
}
