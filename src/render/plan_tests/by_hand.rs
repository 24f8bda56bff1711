//! Plans of what is started and stopped by hand.

use insta::assert_snapshot;
use serde_json::json;

use crate::model::{Fields, Refused, Scope, TargetRef};
use crate::plan::{Cause, Change, Plan, Reason, Verb};
use crate::render::fixtures::{change, field, plan_of, target, view};
use crate::render::{Detail, Heading, PlanView, plan_markdown, plan_text};

fn stop(number: usize) -> Change {
    Change {
        target: Some(target(&format!("web-{number}"), &format!("i-{number:05}"))),
        reason: Some(Reason::Correction { why: "asked for by hand".to_owned() }),
        fields: vec![field("state", json!("running"), json!("stopped"), Cause::Asked)],
        before: Some(Fields::from([("state".to_owned(), json!("running"))])),
        after: Some(Fields::from([("state".to_owned(), json!("stopped"))])),
        ..change(Verb::Update, &format!("i-{number:05}"))
    }
}

fn refused(name: &str, why: &str, shared: &str) -> Refused {
    Refused {
        scope: Scope::new("111122223333", "us-east-1"),
        target: TargetRef { kind: "ec2".to_owned(), id: format!("i-{name}"), name: name.to_owned() },
        why: why.to_owned(),
        shared: shared.to_owned(),
    }
}

fn plan() -> Plan {
    let mut plan = plan_of((1..=12).map(stop));
    plan.unchanged = 2;
    let groups = "their Auto Scaling groups would replace them";
    plan.refused = vec![
        refused("api-1", "its Auto Scaling group would replace it", groups),
        refused("api-2", "its Auto Scaling group would replace it", groups),
        refused(
            "bad\u{1b}[31m",
            "its tag `keep-running-until` keeps it running until 2026-12-01",
            "their tags",
        ),
    ];
    plan
}

#[test]
fn a_stop_says_whom_it_stops_and_whom_it_leaves_alone() {
    let view = PlanView { heading: Heading::Stop, ..view(Detail::Folded) };
    assert_snapshot!(plan_text(&plan(), &view), @r#"
payments · stop · account 111122223333 · 2 regions   read 3,000 alarms, 1,000 instances in 34 calls, 1.2 s

  stop  12   alarm.cpu 12

~ stop  12 alarms                          alarm.cpu · manifests/alarms.toml:12 · ap-northeast-2
        state   running → stopped          asked for by hand
        web-1, web-2, web-3, web-4, web-5, web-6, web-7, web-8 … 4 more

left alone: i-api-1 (api-1), i-api-2 (api-2): their Auto Scaling groups would replace them
left alone: i-bad\u{1b}[31m (bad\u{1b}[31m): its tag `keep-running-until` keeps it running until 2026-12-01

Plan: 12 to stop. 2 stay as they are.
"#);
}

#[test]
fn without_a_project_the_head_begins_with_what_is_done() {
    let view = PlanView { heading: Heading::Start, ..view(Detail::Summary) };
    let nothing = Plan { project: String::new(), unchanged: 1, ..plan_of([]) };
    let text = plan_text(&nothing, &view);
    assert!(text.starts_with("start · account"), "{text}");
    assert!(text.contains("Nothing to do: 1 target is as wanted."), "{text}");
    let refused = Plan { unchanged: 0, refused: plan().refused, ..nothing };
    assert!(plan_text(&refused, &view).contains("nothing of what was named can be started."));
}

#[test]
fn markdown_has_the_reasons_too() {
    let view = PlanView { heading: Heading::Stop, ..view(Detail::Folded) };
    let text = plan_markdown(&plan(), &view);
    assert!(
        text.contains("their Auto Scaling groups would replace them") && text.contains("12 to stop"),
        "{text}"
    );
    assert!(!text.contains("changed by a rule"), "{text}");
}
