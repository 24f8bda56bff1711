//! Plans that the tests of all renderers share.

use serde_json::{Value, json};

use crate::model::{Address, Fields, KindText, Origin, Owned, Scope, TargetRef};
use crate::plan::{
    Absence, Cause, Change, FieldChange, Plan, PreviousResource, ReadCost, Reason, Refresh, Verb,
};

use super::{Detail, Heading, Palette, PlanView};

pub(super) const ACCOUNT: &str = "111122223333";
pub(super) const SEOUL: &str = "ap-northeast-2";
pub(super) const VIRGINIA: &str = "us-east-1";

/// The words for the only kind in these plans; a renderer must not know the real ones.
pub(super) const KINDS: [KindText; 1] =
    [KindText { kind: "metric_alarm", noun: "alarm", plural: "alarms", shared: false, summary }];

fn summary(fields: &Fields) -> String {
    let words = |name: &str| fields.get(name).map_or("?".to_owned(), super::value::inline);
    let action = fields.get("alarm_actions").map_or("?".to_owned(), |list| super::value::inline(&list[0]));
    let (threshold, namespace, metric) = (words("threshold"), words("namespace"), words("metric"));
    format!("> {threshold} Average of {namespace} {metric}, 1 of 1 × 5 min → {action}")
}

pub(super) fn view(detail: Detail) -> PlanView<'static> {
    PlanView { palette: Palette::PLAIN, detail, kinds: &KINDS, heading: Heading::Plan }
}

/// A plan without changes: two regions, 3,000 alarms.
pub(super) fn empty_plan() -> Plan {
    Plan {
        project: "payments".to_owned(),
        scopes: vec![Scope::new(ACCOUNT, SEOUL), Scope::new(ACCOUNT, VIRGINIA)],
        unchanged: 3000,
        cost: ReadCost {
            objects: [("alarms".to_owned(), 3000), ("instances".to_owned(), 1000)].into(),
            calls: [("cloudwatch:DescribeAlarms".to_owned(), 30), ("ec2:DescribeInstances".to_owned(), 4)]
                .into(),
            milliseconds: 1234,
        },
        ..Plan::default()
    }
}

/// A plan with these changes, in the planner's order.
pub(super) fn plan_of(changes: impl IntoIterator<Item = Change>) -> Plan {
    let mut changes: Vec<Change> = changes.into_iter().collect();
    changes.sort_by(|a, b| (a.verb, &a.origin.label, &a.address).cmp(&(b.verb, &b.origin.label, &b.address)));
    Plan { changes, unchanged: 2587, ..empty_plan() }
}

/// All fields of an alarm with this threshold.
pub(super) fn alarm(threshold: f64) -> Fields {
    let value = json!({
        "namespace": "AWS/EC2",
        "metric": "CPUUtilization",
        "dimensions": {"InstanceId": "i-0a1"},
        "threshold": threshold,
        "alarm_actions": ["arn:aws:sns:ap-northeast-2:111122223333:ops"],
        "description": "CPU of a web server.\nCall the team that owns it.",
        "actions_enabled": true,
    });
    match value {
        Value::Object(map) => map.into_iter().collect(),
        _ => Fields::new(),
    }
}

pub(super) fn target(name: &str, id: &str) -> TargetRef {
    TargetRef { kind: "ec2".to_owned(), id: id.to_owned(), name: name.to_owned() }
}

fn id_of(number: usize) -> String {
    format!("i-0{number:04x}")
}

/// One change of the alarm `key` in Seoul, with nothing but its identity and origin.
pub(super) fn change(verb: Verb, key: &str) -> Change {
    Change {
        verb,
        address: Address::new("metric_alarm", Scope::new(ACCOUNT, SEOUL), key),
        origin: Origin {
            label: "alarm.cpu".to_owned(),
            place: if verb == Verb::Delete { String::new() } else { "manifests/alarms.toml:12".to_owned() },
        },
        target: None,
        reason: None,
        fields: Vec::new(),
        before: None,
        after: None,
        replaces: None,
        protect: false,
        steps: Vec::new(),
        notes: Vec::new(),
        deed: None,
    }
}

pub(super) fn field(name: &str, before: Value, after: Value, cause: Cause) -> FieldChange {
    let side = |value: Value| (!value.is_null()).then_some(value);
    FieldChange { name: name.to_owned(), before: side(before), after: side(after), cause }
}

pub(super) fn create(number: usize) -> Change {
    Change {
        target: Some(target(&format!("web-{number}"), &id_of(number))),
        after: Some(alarm(90.0)),
        ..change(Verb::Create, &format!("web-{number}: CPU Utilization over 90 percent"))
    }
}

pub(super) fn update(number: usize, before: f64, after: f64) -> Change {
    Change {
        target: Some(target(&format!("web-{number}"), &id_of(number))),
        fields: vec![field("threshold", json!(before), json!(after), Cause::Manifest)],
        before: Some(alarm(before)),
        after: Some(alarm(after)),
        ..change(Verb::Update, &format!("web-{number}: CPU Utilization"))
    }
}

pub(super) fn delete(number: usize) -> Change {
    Change {
        target: Some(target(&format!("web-{number}"), &id_of(number))),
        reason: Some(Reason::Target { absence: Absence::Terminated }),
        before: Some(alarm(90.0)),
        ..change(Verb::Delete, &format!("web-{number}: CPU Utilization over 90 percent"))
    }
}

/// An alarm whose actions somebody switched off in the console.
pub(super) fn drift() -> Change {
    let mut drift = Change {
        target: Some(target("db-1", "i-0db1")),
        fields: vec![field("actions_enabled", json!(false), json!(true), Cause::Drift)],
        before: Some(alarm(90.0)),
        after: Some(alarm(90.0)),
        ..change(Verb::Update, "db-1: CPU Utilization over 90 percent")
    };
    drift.origin.place = "servers.xlsx › Prod!A37".to_owned();
    drift
}

/// The plan that the design shows.
pub(super) fn sample_plan() -> Plan {
    let mut changes = vec![delete(9), drift()];
    changes.extend((11..17).map(create));
    changes.extend((21..27).map(|number| {
        let mut status = create(number);
        status.origin.label = "alarm.status".to_owned();
        status.address.scope.region = VIRGINIA.to_owned();
        status
    }));
    changes.extend((1..413).map(|number| update(number, 80.0, 85.0)));
    plan_of(changes)
}

/// Every alarm gets another threshold, from its own tag, and another description.
pub(super) fn different_plan() -> Plan {
    plan_of((1..3001).map(|number| {
        let mut change = update(number, 80.0, [85.0, 86.0, 87.5, 90.0, 95.0][number % 5]);
        change.fields.push(field(
            "description",
            json!(format!("CPU of web-{number}")),
            json!(format!("CPU of web-{number}; call the team")),
            Cause::Both,
        ));
        change.address.scope.region = if number % 3 == 0 { VIRGINIA } else { SEOUL }.to_owned();
        change
    }))
}

/// Everything that stands in the way of an apply.
pub(super) fn blocked_plan() -> Plan {
    let mut other = change(Verb::Conflict, "web-1: CPU");
    other.reason = Some(Reason::OtherProject { project: "billing".to_owned() });
    let mut inexpressible = change(Verb::Conflict, "web-2: CPU");
    inexpressible.reason = Some(Reason::Inexpressible { what: "metric math".to_owned() });
    let refused = |number: usize| Change {
        target: Some(target(&format!("web-{number}"), &id_of(number))),
        reason: Some(Reason::AdoptionRefused),
        fields: vec![field("threshold", json!(70.0), json!(90.0), Cause::Unknown)],
        before: Some(alarm(70.0)),
        after: Some(alarm(90.0)),
        ..change(Verb::Adopt, &format!("web-{number}: CPU"))
    };
    let mut allowed = Change { reason: None, fields: Vec::new(), ..refused(8) };
    allowed.origin.label = "alarm.status".to_owned();
    plan_of([other, inexpressible, refused(3), refused(4), refused(5), allowed])
}

/// Two renamed alarms, and one with the new threshold in its name.
pub(super) fn replace_plan() -> Plan {
    let replace = |number: usize, label: &str| {
        let mut replace = Change {
            target: Some(target(&format!("web-{number}"), &id_of(number))),
            reason: Some(Reason::Renamed),
            before: Some(alarm(80.0)),
            after: Some(alarm(85.0)),
            replaces: Some(PreviousResource {
                address: Address::new(
                    "metric_alarm",
                    Scope::new(ACCOUNT, SEOUL),
                    format!("web-{number}: CPU Utilization over 80 percent"),
                ),
                fields: alarm(80.0),
            }),
            ..change(Verb::Replace, &format!("web-{number}: CPU Utilization over 85 percent"))
        };
        label.clone_into(&mut replace.origin.label);
        replace
    };
    plan_of([replace(1, "alarm.cpu"), replace(10, "alarm.many"), replace(9, "alarm.many")])
}

/// What somebody did in the console: the plan that puts it back.
pub(super) fn drift_plan() -> Plan {
    let deleted = |number: usize, label: &str| {
        let mut deleted = create(number);
        deleted.reason = Some(Reason::DeletedOutside);
        label.clone_into(&mut deleted.origin.label);
        deleted
    };
    let changed = |number: usize| Change {
        fields: vec![field("threshold", json!(99.0), json!(80.0), Cause::Drift)],
        ..update(number, 99.0, 80.0)
    };
    let mut rich = changed(3);
    rich.fields = rich_fields();
    for field in &mut rich.fields {
        field.cause = Cause::Drift;
    }
    let mut elsewhere = deleted(12, "alarm.many");
    elsewhere.address.scope.region = VIRGINIA.to_owned();
    let mut plan = plan_of([
        drift(),
        changed(1),
        changed(2),
        rich,
        deleted(9, "alarm.cpu"),
        deleted(10, "alarm.many"),
        deleted(11, "alarm.many"),
        elsewhere,
    ]);
    for change in &mut plan.changes {
        "the last apply".clone_into(&mut change.origin.place);
    }
    Plan { unchanged: 71, ..plan }
}

/// Drift that an apply cannot put back.
pub(super) fn taken_plan() -> Plan {
    let conflict = |key: &str, reason: Reason| {
        let mut conflict = change(Verb::Conflict, key);
        conflict.reason = Some(reason);
        "the last apply".clone_into(&mut conflict.origin.place);
        conflict
    };
    let billing = || Reason::OtherProject { project: "billing".to_owned() };
    let math = Reason::Inexpressible { what: "metric math".to_owned() };
    let found = Change { reason: Some(Reason::DeclarationRemoved), ..delete(9) };
    Plan {
        unchanged: 1,
        ..plan_of([
            conflict("web-1: CPU", billing()),
            conflict("web-2: CPU", billing()),
            conflict("web-3: CPU", math),
            change(Verb::Forget, "web-7: CPU"),
            found,
        ])
    }
}

fn rich_fields() -> Vec<FieldChange> {
    vec![
        field(
            "alarm_actions",
            json!([
                "arn:aws:sns:ap-northeast-2:111122223333:old",
                "arn:aws:sns:ap-northeast-2:111122223333:both"
            ]),
            json!([
                "arn:aws:sns:ap-northeast-2:111122223333:both",
                "arn:aws:sns:ap-northeast-2:111122223333:ops"
            ]),
            Cause::Manifest,
        ),
        field(
            "description",
            json!("CPU of a web server.\nCall nobody.\nSee the wiki."),
            json!("CPU of a web server.\nCall the team that owns it.\nSee the wiki."),
            Cause::Both,
        ),
        field(
            "input",
            json!("The quick brown fox jumps over the lazy dog and then sleeps all day."),
            json!("The quick brown fox jumps over the lazy cat and then sleeps all day."),
            Cause::Unknown,
        ),
        field(
            "tags",
            json!({"owner": "a", "team": "x"}),
            json!({"owner": "b", "team": "x", "env": "prod"}),
            Cause::Drift,
        ),
        field("unit", json!("Percent"), Value::Null, Cause::Manifest),
    ]
}

/// Long texts, lists and maps, and each of the notes at the end.
pub(super) fn rich_plan() -> Plan {
    let mut rich = update(1, 80.0, 85.0);
    rich.fields = rich_fields();
    let mut again = create(2);
    again.reason = Some(Reason::DeletedOutside);
    let mut forget = change(Verb::Forget, "web-7: CPU");
    forget.reason = Some(Reason::DeclarationRemoved);
    let owned = |key: &str| Owned {
        address: Address::new("metric_alarm", Scope::new(ACCOUNT, SEOUL), key),
        label: "alarm.old".to_owned(),
        target: Some(target("db-1", "i-0db1")),
        protect: true,
        fields: alarm(90.0),
    };
    Plan {
        refreshes: vec![Refresh { owned: owned("x") }],
        protected: vec![owned("db-1: CPU"), owned("db-2: CPU")],
        left_out: 3,
        ..plan_of([rich, again, forget])
    }
}

/// Names and values that try to leave their line, their cell and their fence.
pub(super) fn hostile_plan() -> Plan {
    let escape = "\u{1b}[2J\u{1b}]0;owned\u{7}";
    let mut deleted = delete(1);
    deleted.address.key = format!("{escape} | `@all` <b>\nPlan: 0 to destroy.");
    deleted.origin.label = "alarm.a|b`c".to_owned();
    deleted.target = Some(target(&format!("evil\n{escape}"), "i-`1`"));
    let mut long = delete(2);
    long.address.key = "n".repeat(255);
    let mut korean = delete(3);
    korean.address.key = "운영서버-웹-01: CPU 사용률 90% 초과".to_owned();
    let mut changed = update(4, 80.0, 85.0);
    changed.target = Some(target("@octocat, ```", "i-4"));
    changed.fields.push(field(
        "description",
        json!(format!("a\n```\n{escape}")),
        json!("a\n```\n</details> @octocat\u{202e}"),
        Cause::Manifest,
    ));
    changed.fields.push(field(
        "tags",
        json!({"k\n- fake": "v"}),
        json!({"k\n- fake": format!("\r{escape}")}),
        Cause::Manifest,
    ));
    let mut conflict = change(Verb::Conflict, "x");
    conflict.reason = Some(Reason::OtherProject { project: "@team #1 https://example.com".to_owned() });
    Plan { project: "pay--> <script>".to_owned(), ..plan_of([deleted, long, korean, changed, conflict]) }
}

/// All plans by name, for what must hold of every one.
pub(super) fn all_plans() -> Vec<(&'static str, Plan)> {
    vec![
        ("sample", sample_plan()),
        ("empty", empty_plan()),
        ("nothing", Plan::default()),
        ("different", different_plan()),
        ("blocked", blocked_plan()),
        ("replace", replace_plan()),
        ("rich", rich_plan()),
        ("drift", drift_plan()),
        ("taken", taken_plan()),
        ("hostile", hostile_plan()),
        ("documented", documented_plan()),
    ]
}

/// The plan whose JSON the documentation shows.
pub(super) fn documented_plan() -> Plan {
    let mut fields = alarm(90.0);
    fields.retain(|name, _| ["metric", "namespace", "threshold"].contains(&&**name));
    let deleted = Change { before: Some(fields.clone()), ..delete(9) };
    let mut changed = update(1, 80.0, 85.0);
    for (side, threshold) in [(&mut changed.before, 80.0), (&mut changed.after, 85.0)] {
        let mut small = fields.clone();
        small.insert("threshold".to_owned(), json!(threshold));
        *side = Some(small);
    }
    plan_of([deleted, changed])
}
