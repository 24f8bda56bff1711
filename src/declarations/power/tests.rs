use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;

fn target(kind: TargetKind, id: &str, state: &str, tags: &[(&str, &str)]) -> Target {
    let tags: BTreeMap<String, String> =
        tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let name = tags.get("Name").cloned().unwrap_or_else(|| id.to_owned());
    let scope = Scope::new("111122223333", "us-east-1");
    Target {
        kind,
        scope,
        id: id.to_owned(),
        name,
        state: state.to_owned(),
        tags,
        attributes: BTreeMap::new(),
    }
}

fn with(mut target: Target, attribute: &'static str, value: Value) -> Target {
    target.attributes.insert(attribute, value);
    target
}

const WEB: &str = "i-0000000000000000a";
const API: &str = "i-0000000000000000b";
const JOB: &str = "i-0000000000000000c";

fn fleet() -> Fleet {
    Fleet::new(vec![
        target(TargetKind::Ec2, WEB, "running", &[("Name", "web-1"), ("Env", "dev")]),
        target(TargetKind::Ec2, API, "stopped", &[("Name", "api"), ("Env", "dev")]),
        with(target(TargetKind::Ec2, JOB, "running", &[("Name", "job")]), "lifecycle", json!("spot")),
        target(TargetKind::Rds, "orders", "available", &[("Env", "dev"), ("Name", "Orders")]),
        target(TargetKind::Rds, "busy", "backing-up", &[]),
        target(TargetKind::RdsCluster, "ledger", "available", &[]),
        with(target(TargetKind::Rds, "ledger-1", "available", &[]), "cluster", json!("ledger")),
    ])
}

/// The keys of what is wanted, of what is refused with the reason, and the patterns that mean nothing.
fn ordered(
    action: PowerAction,
    targets: &[&str],
    excludes: &[&str],
) -> (Vec<String>, Vec<String>, Vec<String>) {
    ordered_in(&fleet(), action, targets, excludes, false)
}

fn ordered_in(
    fleet: &Fleet,
    action: PowerAction,
    targets: &[&str],
    excludes: &[&str],
    force: bool,
) -> (Vec<String>, Vec<String>, Vec<String>) {
    let read = |texts: &[&str]| -> Vec<PowerTarget> {
        texts.iter().map(|text| PowerTarget::new(text).unwrap()).collect()
    };
    let (targets, excludes) = (read(targets), read(excludes));
    let order = PowerOrder {
        action,
        targets: &targets,
        excludes: &excludes,
        hibernate: false,
        force,
        now: "2026-11-20T10:00:00Z".parse().unwrap(),
        timezone: &TimeZone::UTC,
    };
    let found = power(&order, fleet, &[]);
    let refused = |one: &Refused| format!("{}: {}", one.target.id, one.why);
    (
        found.desired.iter().map(|desired| desired.address.key.clone()).collect(),
        found.refused.iter().map(refused).collect(),
        found.unmatched.iter().map(|pattern| pattern.text().to_owned()).collect(),
    )
}

#[test]
fn targets_are_ids_names_tags_and_kinds() {
    let wanted = |targets: &[&str]| ordered(PowerAction::Stop, targets, &[]).0;
    assert_eq!(wanted(&[WEB]), [WEB]);
    assert_eq!(wanted(&["web-*"]), [WEB]);
    assert_eq!(wanted(&["tag:Env=dev"]), [WEB, API, "rds:orders"]);
    assert_eq!(wanted(&["ec2:tag:Env"]), [WEB, API]);
    assert_eq!(wanted(&["orders"]), ["rds:orders"]);
    assert_eq!(wanted(&["Orders"]), ["rds:orders"]);
    assert_eq!(wanted(&["rds_cluster"]), ["rds_cluster:ledger"]);
    assert_eq!(
        wanted(&["rds_cluster:ledger", "rds:orders", "ec2:web-1"]),
        [WEB, "rds:orders", "rds_cluster:ledger"]
    );
    assert_eq!(ordered(PowerAction::Stop, &["tag:Env=dev"], &["rds"]).0, [WEB, API]);
}

#[test]
fn what_cannot_be_done_is_refused_with_the_reason() {
    let (wanted, refused, unmatched) =
        ordered(PowerAction::Stop, &["job", "rds", "nothing", "i-0000000000000000d"], &["tag:x"]);
    assert_eq!(wanted, ["rds:orders"]);
    assert_eq!(
        refused,
        [
            &format!(
                "{JOB}: it is a spot instance; AWS stops only those of persistent requests, and whether this one is of such is not looked up"
            )[..],
            "busy: it is backing-up, and only what is available can be stopped",
            "ledger-1: it is a member of a cluster, which starts and stops as a whole",
        ]
    );
    assert_eq!(unmatched, ["nothing", "i-0000000000000000d", "tag:x"]);
    // What runs is as wanted, whatever it does.
    let (wanted, refused, _) = ordered(PowerAction::Start, &["*"], &[]);
    assert_eq!(wanted.len(), 7, "{wanted:?}");
    assert_eq!(refused, [""; 0]);
}

#[test]
fn a_tag_keeps_running_until_its_day_has_passed() {
    for (value, refused) in [("2026-11-20", 1), ("2026-11-19", 0), ("soon", 1), ("2027-01-01", 1)] {
        let tags = [("keep-running-until", value)];
        let fleet = Fleet::new(vec![target(TargetKind::Ec2, WEB, "running", &tags)]);
        let count = |force| ordered_in(&fleet, PowerAction::Stop, &["ec2"], &[], force).1.len();
        assert_eq!((count(false), count(true)), (refused, 0), "{value}");
    }
}

#[test]
fn what_is_on_its_way_elsewhere_waits() {
    let fleet = Fleet::new(vec![
        target(TargetKind::Ec2, WEB, "stopping", &[]),
        target(TargetKind::Rds, "orders", "starting", &[]),
    ]);
    let refused = |action| ordered_in(&fleet, action, &["*"], &[], false).1;
    assert_eq!(
        refused(PowerAction::Start),
        [format!("{WEB}: it is stopping, and only what is stopped can be started")]
    );
    assert_eq!(
        refused(PowerAction::Stop),
        ["orders: it is starting, and only what is available can be stopped"]
    );
}

#[test]
fn wrong_targets_are_told() {
    for (text, why) in [
        ("", "it is empty"),
        ("rds:", "it is empty"),
        ("ebs", "volumes neither start nor stop"),
        ("ebs:vol-1", "volumes neither start nor stop"),
        ("tag:", "it names no tag's key"),
        ("ec2:tag:=x", "it names no tag's key"),
        ("web-[", "unclosed character class"),
    ] {
        let (message, hint) = PowerTarget::new(text).unwrap_err();
        assert!(message.contains(why) && hint.contains("tag:KEY=VALUE"), "{text}: {message}");
    }
}

#[test]
fn hints_say_what_may_have_been_meant() {
    let hint = |text: &str| PowerTarget::new(text).unwrap().hint(&fleet());
    assert_eq!(hint("wbe-1"), "did you mean `web-1`?");
    assert_eq!(hint("rds:order"), "did you mean `rds:orders`?");
    assert_eq!(hint("tag:env=dev"), "did you mean `tag:Env=dev`?");
    assert_eq!(hint("rds-cluster:ledger"), "did you mean `rds_cluster:`?");
    assert_eq!(hint("i-0000000000000001a"), format!("did you mean `{WEB}`?"));
    assert!(hint("something else").starts_with("give an id"));
}

#[test]
fn only_an_id_is_exact() {
    let exact = |text: &str| PowerTarget::new(text).unwrap().exact().map(|(kind, id)| (kind, id.to_owned()));
    assert_eq!(exact(WEB), Some((TargetKind::Ec2, WEB.to_owned())));
    assert_eq!(exact("rds:orders"), Some((TargetKind::Rds, "orders".to_owned())));
    for text in ["orders", "rds:orders*", "ec2:web-1", "tag:Env=dev", "rds", "schedule.office"] {
        assert_eq!(exact(text), None, "{text}");
    }
}
