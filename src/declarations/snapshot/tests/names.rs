//! The names of rules, as instances come and go.

use std::collections::BTreeSet;

use super::rules::{RULE, applied, at, kept, rules};
use super::*;

#[test]
fn names_fit_and_what_is_called_alike_stays_apart() {
    let mut fleet: Vec<Target> = (1..=5).map(|n| kept(&format!("vol-{n}"))).collect();
    let long = "x".repeat(70);
    for (n, name) in [(1, "web"), (2, "Web"), (3, "데이터 1"), (4, "데이터 2"), (5, &*long)] {
        let volume = format!("vol-{n}");
        fleet.push(instance(&format!("i-{n}"), name, &volume, &[&volume]));
    }
    let (wanted, _) = desired(RULE, fleet, &[]);
    let names: Vec<&str> = wanted.iter().map(|one| &*one.address.key).collect();
    assert_eq!(names[..2], ["web_daily.i-1", "Web_daily.i-2"]);
    let fits = |name: &&str| {
        name.len() <= 64 && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
    };
    assert!(names.iter().all(fits), "{names:?}");
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), 5, "{names:?}");
}

/// An instance `web` with a volume.
fn web(number: usize) -> Vec<Target> {
    let volume = format!("vol-{number}");
    vec![kept(&volume), instance(&format!("i-{number}"), "web", &volume, &[&volume])]
}

fn webs(numbers: &[usize]) -> Vec<Target> {
    numbers.iter().flat_map(|number| web(*number)).collect()
}

fn later(records: &Records, numbers: &[usize]) -> Vec<Desired> {
    desired_with(RULE, webs(numbers), &Found { records: records.clone(), ..Found::default() }).0
}

#[test]
fn a_rule_that_is_there_keeps_its_name() {
    let first = applied(RULE, webs(&[2]), at("01T00:00:00"));
    let two = later(&first, &[1, 2, 3]);
    let all = ["web_daily.i-1: vol-1 of i-1", "web_daily: vol-2 of i-2", "web_daily.i-3: vol-3 of i-3"];
    assert_eq!(rules(&two), all);
    let mut two = recorded(&two);
    assert_eq!(rules(&later(&two, &[1, 2, 3])), all);
    // Nobody moves up when one goes, and whoever comes then is told apart, too.
    assert_eq!(rules(&later(&two, &[3])), all[2..]);
    let another = later(&two, &[3, 4]);
    assert_eq!(rules(&another), ["web_daily.i-3: vol-3 of i-3", "web_daily.i-4: vol-4 of i-4"]);
    // A state that was lost knows rules by their tags, and no holders.
    for record in two.values_mut() {
        record.target = None;
    }
    assert_eq!(rules(&later(&two, &[1, 2, 3])), all);
    // In the place of one that is gone the rule goes on.
    assert_eq!(rules(&later(&first, &[5])), ["web_daily: vol-5 of i-5"]);
}

#[test]
fn all_rules_of_an_instance_keep_their_names() {
    let ids: Vec<String> = (10..17).map(|number| format!("vol-{number}")).collect();
    let attached: Vec<&str> = ids.iter().map(String::as_str).collect();
    let large = || {
        let volumes = ids.iter().map(|id| kept(id));
        volumes.chain([instance("i-9", "web", "vol-0", &attached)]).collect::<Vec<_>>()
    };
    let mut records = applied(RULE, large(), at("01T00:00:00"));
    // The first one is gone with its volumes.
    records.retain(|address, _| address.key == "web_daily.2");
    let fleet = [kept("vol-15"), kept("vol-16"), instance("i-9", "web", "vol-0", &attached[5..])]
        .into_iter()
        .chain(web(1))
        .collect();
    let found = Found { records, ..Found::default() };
    let (wanted, _) = desired_with(RULE, fleet, &found);
    assert_eq!(rules(&wanted), ["web_daily.i-1: vol-1 of i-1", "web_daily.2: vol-15 vol-16 of i-9"]);
}
