//! Which alarms become declarations.

use super::*;
use crate::inventory::TargetKind;
use crate::resources::metric_alarm::{Comparison, Statistic};

fn alarm(dimensions: &[(&str, &str)], action: &str) -> MetricAlarm {
    MetricAlarm {
        namespace: "AWS/RDS".to_owned(),
        metric: "CPUUtilization".to_owned(),
        dimensions: dimensions.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
        statistic: Statistic("Average".to_owned()),
        period: 60,
        evaluation_periods: 1,
        datapoints_to_alarm: 1,
        comparison: Comparison::GreaterThan,
        threshold: 80.0,
        unit: None,
        treat_missing_data: TreatMissingData::Missing,
        evaluate_low_sample_count_percentile: None,
        actions_enabled: true,
        ok_actions: BTreeSet::new(),
        alarm_actions: BTreeSet::from([action.to_owned()]),
        insufficient_data_actions: BTreeSet::new(),
        description: None,
        tags: BTreeMap::new(),
    }
}

fn found(scope: &Scope, name: &str, dimensions: &[(&str, &str)]) -> FoundAlarm {
    let action = format!("arn:aws:sns:{}:{}:ops", scope.region, scope.account);
    FoundAlarm { scope: scope.clone(), name: name.to_owned(), alarm: Ok(alarm(dimensions, &action)) }
}

fn database(scope: &Scope, id: &str) -> Target {
    Target {
        kind: TargetKind::Rds,
        scope: scope.clone(),
        id: id.to_owned(),
        name: id.to_owned(),
        state: "available".to_owned(),
        tags: BTreeMap::new(),
        attributes: BTreeMap::new(),
    }
}

/// Two accounts with two regions each.
fn scopes() -> [Scope; 4] {
    let scope = |account: &str, region: &str| Scope::new(account, region);
    [
        scope("111", "us-east-1"),
        scope("111", "eu-west-1"),
        scope("222", "us-east-1"),
        scope("222", "eu-west-1"),
    ]
}

fn written(found: &[FoundAlarm], fleet: &Fleet) -> String {
    declarations(found, Surroundings { fleet, scopes: &scopes(), labels: BTreeSet::new() }).text
}

#[test]
fn an_alarm_of_a_region_is_declared_if_every_account_has_it() {
    let [one, other, two, _] = scopes();
    let both = [found(&one, "billing", &[]), found(&two, "billing", &[])];
    let text = written(&both, &Fleet::default());
    assert_eq!(text.matches("[[alarm]]").count(), 1, "{text}");
    assert!(text.contains("region = \"us-east-1\"\n") && !text.contains("Left out"), "{text}");
    assert!(text.contains("arn:aws:sns:{{ region }}:{{ account }}:ops"), "{text}");

    for only in [&[found(&one, "billing", &[])][..], &[found(&one, "b", &[]), found(&other, "b", &[])]] {
        let text = written(only, &Fleet::default());
        assert!(
            !text.contains("[[alarm]]") && text.contains("in every account, and 222/us-east-1"),
            "{text}"
        );
    }
    // Another threshold is another alarm.
    let mut unlike = both;
    unlike[1].alarm.as_mut().unwrap().threshold = 90.0;
    let text = written(&unlike, &Fleet::default());
    assert!(!text.contains("[[alarm]]"), "{text}");
    assert_eq!(text.matches("Left out").count(), 2, "{text}");
}

#[test]
fn ids_that_select_more_than_has_the_alarm_are_left_out() {
    let [one, _, _, two] = scopes();
    let main = [("DBInstanceIdentifier", "main")];
    let fleet = Fleet::new(vec![database(&one, "main"), database(&two, "main"), database(&two, "orders")]);
    let orders = found(&two, "orders: CPU", &[("DBInstanceIdentifier", "orders")]);
    let text = written(&[found(&one, "main: CPU", &main), orders.clone()], &fleet);
    assert!(text.contains("rds = { ids = [\"orders\"] }"), "{text}");
    assert!(text.contains("\"main: CPU\" in 111/us-east-1: `ids` selects `main`"), "{text}");
    assert!(text.contains("and 222/eu-west-1 has one, too"), "{text}");

    let all = [found(&one, "main: CPU", &main), found(&two, "main: CPU", &main), orders];
    let text = written(&all, &fleet);
    assert!(text.contains("rds = { ids = [\"main\", \"orders\"] }"), "{text}");
    assert!(!text.contains("Left out"), "{text}");
}

#[test]
fn the_marks_of_a_template_are_found_in_every_text() {
    let [one, _, two, _] = scopes();
    let changes: [fn(&mut MetricAlarm); 3] = [
        |alarm| alarm.metric = "{{ x }}".to_owned(),
        |alarm| alarm.ok_actions = BTreeSet::from(["{# x".to_owned()]),
        |alarm| alarm.dimensions = BTreeMap::from([("{% x".to_owned(), "y".to_owned())]),
    ];
    for change in changes {
        let mut both = [found(&one, "billing", &[]), found(&two, "billing", &[])];
        for found in &mut both {
            change(found.alarm.as_mut().unwrap());
        }
        let text = written(&both, &Fleet::default());
        assert_eq!(text.matches("marks of a template").count(), 2, "{text}");
    }
}

#[test]
fn words_are_replaced_whole() {
    assert_eq!(replace_words("web-1: web-10 web-1", "web-1", "N"), "N: web-10 N");
    assert_eq!(replace_words("my web-1", "web-1", "N"), "my N");
    assert_eq!(replace_words("xweb-1", "web-1", "N"), "xweb-1");
}

#[test]
fn labels_are_the_metric_in_small_letters() {
    let mut labels = BTreeSet::new();
    assert_eq!(label("\"CPUUtilization\"", &mut labels), "cpuutilization");
    assert_eq!(label("\"StatusCheckFailed\"", &mut labels), "status-check-failed");
    assert_eq!(label("\"StatusCheckFailed\"", &mut labels), "status-check-failed-2");
    assert_eq!(label("\"disk used %\"", &mut labels), "disk-used--");
}
