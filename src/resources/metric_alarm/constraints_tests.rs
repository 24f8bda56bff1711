use super::*;

/// `field[item] rule, found X (hint)` for each violation, with `warning:` before a warning.
fn lines(alarm: &PartialAlarm<'_>) -> Vec<String> {
    check(alarm)
        .into_iter()
        .map(|v| {
            let warning = if v.severity == Severity::Warning { "warning: " } else { "" };
            let item = v.item.map(|item| format!("[{item}]")).unwrap_or_default();
            let hint = v.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
            format!("{warning}{}{item} {}, found {}{hint}", v.field, v.rule, v.found)
        })
        .collect()
}

fn period_lines(period: u32) -> Vec<String> {
    lines(&PartialAlarm { period: Some(period), namespace: Some("AWS/EC2"), ..PartialAlarm::default() })
}

#[test]
fn nothing_known_is_nothing_wrong() {
    assert_eq!(lines(&PartialAlarm::default()), [""; 0]);
}

#[test]
fn periods_name_the_nearest_allowed_values() {
    const RULE: &str = "period must be 10, 20, 30 or a multiple of 60 seconds, found";
    assert_eq!(period_lines(7), [format!("{RULE} 7 (the nearest allowed value is 10)")]);
    assert_eq!(period_lines(0), [format!("{RULE} 0 (the nearest allowed value is 10)")]);
    assert_eq!(period_lines(25), [format!("{RULE} 25 (the nearest allowed values are 20 and 30)")]);
    assert_eq!(period_lines(45), [format!("{RULE} 45 (the nearest allowed values are 30 and 60)")]);
    assert_eq!(period_lines(90), [format!("{RULE} 90 (the nearest allowed values are 60 and 120)")]);
    assert_eq!(
        period_lines(u32::MAX),
        [format!("{RULE} 4294967295 (the nearest allowed value is 4294967280)")]
    );
    assert_eq!(period_lines(60), [""; 0]);
    assert_eq!(
        period_lines(10),
        ["warning: period should be at least 60 seconds for metrics of AWS's own services, found 10 \
          (these metrics have no data below one minute; the alarm would often lack data, and costs more)"]
    );
}

#[test]
fn the_evaluation_range_is_a_day_or_a_week() {
    let range = |period, periods| {
        lines(&PartialAlarm {
            period: Some(period),
            evaluation_periods: Some(periods),
            ..PartialAlarm::default()
        })
    };
    assert_eq!(range(300, 288), [""; 0]);
    assert_eq!(
        range(300, 289),
        ["evaluation_periods must not look back further than one day when the period is below one hour, \
          found 289 × 300 s = 86700 s (at most 288 periods of 300 s)"]
    );
    assert_eq!(range(3_600, 168), [""; 0]);
    assert_eq!(
        range(86_400, 8),
        ["evaluation_periods must not look back further than seven days, \
          found 8 × 86400 s = 691200 s (at most 7 periods of 86400 s)"]
    );
    assert_eq!(
        range(864_000, 1),
        ["period must be at most 604800 seconds, which is seven days, found 864000"]
    );
}

#[test]
fn datapoints_lie_between_one_and_the_periods() {
    let datapoints = |datapoints, periods| {
        lines(&PartialAlarm {
            datapoints_to_alarm: Some(datapoints),
            evaluation_periods: Some(periods),
            ..PartialAlarm::default()
        })
    };
    assert_eq!(datapoints(2, 3), [""; 0]);
    assert_eq!(datapoints(4, 3), ["datapoints_to_alarm must be at most `evaluation_periods`, found 4 of 3"]);
    assert_eq!(
        datapoints(0, 0),
        ["evaluation_periods must be at least 1, found 0", "datapoints_to_alarm must be at least 1, found 0"]
    );
}

#[test]
fn names_have_a_length_and_no_control_characters() {
    let name = |name: &str| lines(&PartialAlarm { name: Some(name), ..PartialAlarm::default() });
    assert_eq!(name("운영 서버: CPU"), [""; 0]);
    assert_eq!(name(&"가".repeat(255)), [""; 0]);
    assert_eq!(name(&"가".repeat(256)), ["name must have at most 255 characters, found 256 characters"]);
    assert_eq!(name(" "), ["name must not be blank, found \" \""]);
    assert_eq!(
        name("a\tb"),
        ["name must not hold control characters such as tabs or line ends, found \"a\\tb\""]
    );
    assert_eq!(name("a ").len(), 1);
    assert!(name("a ")[0].starts_with("warning: name should not begin or end with a blank"));
}

#[test]
fn namespace_metric_and_threshold() {
    assert_eq!(
        lines(&PartialAlarm {
            namespace: Some(":x"),
            metric: Some(""),
            threshold: Some(f64::INFINITY),
            ..PartialAlarm::default()
        }),
        [
            "namespace must not begin with `:`, found \":x\"",
            "metric must not be blank, found \"\"",
            "threshold must be a finite number, found inf",
        ]
    );
}

#[test]
fn dimensions_are_ascii_and_few() {
    let names: Vec<String> = (0..31).map(|n| format!("d{n}")).collect();
    assert_eq!(
        lines(&PartialAlarm {
            dimensions: names.iter().map(|name| (name.as_str(), None)).collect(),
            ..PartialAlarm::default()
        }),
        ["dimensions must have at most 30 entries, found 31 entries"]
    );
    assert_eq!(
        lines(&PartialAlarm {
            dimensions: vec![("a", Some("서버")), (":b", Some("x")), ("c", Some(""))],
            ..PartialAlarm::default()
        }),
        [
            "dimensions[a] must be printable ASCII, found \"서버\"",
            "dimensions[:b] must not begin with `:`, found \":b\"",
            "dimensions[c] must not be blank, found \"\"",
        ]
    );
}

#[test]
fn actions_are_at_most_five_arns() {
    let arn = Some("arn:aws:sns:us-east-1:111122223333:ops");
    assert_eq!(
        lines(&PartialAlarm {
            actions: vec![
                ("alarm_actions", vec![arn; 6]),
                ("ok_actions", vec![arn, None, Some("ops"), Some("arn:aws:automate:us-east-1:ec2:stop")]),
            ],
            ..PartialAlarm::default()
        }),
        [
            "alarm_actions must have at most 5 entries, found 6 entries",
            "ok_actions[2] must be an ARN, found \"ops\" \
             (an action looks like `arn:aws:sns:ap-northeast-2:111122223333:ops`)",
        ]
    );
}

#[test]
fn tags_leave_room_for_three_and_keep_off_reserved_prefixes() {
    let keys: Vec<String> = (0..49).map(|n| format!("k{n}")).collect();
    assert_eq!(
        lines(&PartialAlarm {
            tags: keys.iter().map(|key| (key.as_str(), None)).collect(),
            ..PartialAlarm::default()
        }),
        [
            "tags must have at most 47 entries, as AWS allows 50 and opsform adds up to three, found 49 entries"
        ]
    );
    let long = "v".repeat(257);
    assert_eq!(
        lines(&PartialAlarm {
            tags: vec![("aws:x", None), ("opsform:label", Some("")), ("a", Some(&long))],
            ..PartialAlarm::default()
        }),
        [
            "tags[aws:x] must not begin with `aws:` or `opsform:`, which are reserved, found \"aws:x\"",
            "tags[opsform:label] must not begin with `aws:` or `opsform:`, which are reserved, found \"opsform:label\"",
            "tags[a] must have at most 256 characters, found 257 characters",
        ]
    );
}

#[test]
fn few_samples_belong_to_percentiles_and_descriptions_end() {
    let long = "x".repeat(1025);
    let alarm = |statistic| PartialAlarm {
        statistic: Some(statistic),
        on_few_samples: true,
        ..PartialAlarm::default()
    };
    assert_eq!(lines(&alarm("p99")), [""; 0]);
    assert_eq!(
        lines(&alarm("Average")),
        ["evaluate_low_sample_count_percentile must be left out unless the statistic is a percentile, \
          found statistic \"Average\""]
    );
    assert_eq!(
        lines(&PartialAlarm { description: Some(&long), ..PartialAlarm::default() }),
        ["description must have at most 1024 characters, found 1025 characters"]
    );
}
