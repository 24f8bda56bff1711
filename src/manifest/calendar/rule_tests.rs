use jiff::civil::date;
use proptest::prelude::*;

use super::*;

fn rule(text: &str, start: Date) -> Result<Rule, String> {
    Rule::read(text, start, None, &mut WORK.clone())
}

/// The days of two years, as the library finds them that walks a rule from its beginning.
fn walked(text: &str, start: Date, first: Date, last: Date) -> Vec<String> {
    let set: RRuleSet =
        format!("DTSTART:{}T000000Z\nRRULE:{text}", start.strftime("%Y%m%d")).parse().unwrap();
    let days = (&set.limit()).into_iter().map(|time| time.format("%Y-%m-%d").to_string());
    let (first, last) = (first.to_string(), last.to_string());
    days.take_while(|day| *day <= last).filter(|day| *day >= first).collect()
}

fn found(text: &str, start: Date, first: Date, last: Date) -> Vec<String> {
    rule(text, start).unwrap().between(first, last).0.iter().map(Date::to_string).collect()
}

/// What narrows a rule. Weeks are left out where the library and RFC 5545 differ.
fn parts() -> impl Strategy<Value = String> {
    let yearly = prop_oneof![
        Just(""),
        Just(";BYMONTH=2,12"),
        Just(";BYMONTHDAY=-1,15"),
        Just(";BYYEARDAY=1,-1,200"),
        Just(";BYDAY=2MO,-1FR"),
        Just(";BYMONTH=11;BYDAY=4TH"),
        Just(";BYWEEKNO=1,20,-1;BYDAY=MO,TH"),
        Just(";BYDAY=MO,TU;BYSETPOS=3,-2"),
        Just(";BYMONTH=2;BYMONTHDAY=29"),
        Just(";BYDAY=FR;BYMONTHDAY=13"),
    ]
    .prop_map(|part| format!("FREQ=YEARLY{part}"));
    let monthly = prop_oneof![
        Just(""),
        Just(";BYMONTHDAY=31,-2"),
        Just(";BYDAY=1MO,-1SU"),
        Just(";BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1,-1"),
        Just(";BYMONTH=1,6;BYDAY=SA"),
    ]
    .prop_map(|part| format!("FREQ=MONTHLY{part}"));
    let others = prop_oneof![
        Just("FREQ=WEEKLY"),
        Just("FREQ=WEEKLY;BYDAY=MO,SU"),
        Just("FREQ=WEEKLY;WKST=SU;BYDAY=SU,TU"),
        Just("FREQ=DAILY"),
        Just("FREQ=DAILY;BYMONTH=12;BYMONTHDAY=25"),
        Just("FREQ=DAILY;BYDAY=SU"),
    ]
    .prop_map(str::to_owned);
    let ends = prop_oneof![Just(String::new()), (1_u32..90).prop_map(|count| format!(";COUNT={count}"))];
    (prop_oneof![yearly, monthly, others], 1_u16..5, ends)
        .prop_map(|(text, interval, end)| format!("{text};INTERVAL={interval}{end}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn counted_and_walked_rules_have_the_same_days(text in parts(), start in 0_i64..9_000, first in 0_i64..3_000) {
        let start = date(2000, 1, 1).checked_add(start.days()).unwrap();
        let first = date(2020, 1, 1).checked_add(first.days()).unwrap();
        let last = first.checked_add(24.months()).unwrap();
        // A COUNT begins with the first day of the event, which the library counts only where the rule has it.
        prop_assume!(!text.contains("COUNT") || rule(&text, start).unwrap().days_of_start().contains(&start));
        prop_assert_eq!(found(&text, start, first, last), walked(&text, start, first, last), "{} {}", text, start);
    }
}

impl Rule {
    fn days_of_start(&self) -> Vec<Date> {
        self.days_of(self.first_of_period(self.start)).0
    }
}

#[test]
fn a_week_without_a_day_has_that_of_the_beginning() {
    // 2026-05-13 is a Wednesday, of week 20.
    let text = "FREQ=YEARLY;BYWEEKNO=20";
    assert_eq!(
        found(text, date(2026, 5, 13), date(2026, 1, 1), date(2027, 12, 31)),
        ["2026-05-13", "2027-05-19"]
    );
}

#[test]
fn the_first_day_counts_though_the_rule_has_it_not() {
    let text = "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=31;COUNT=3";
    assert_eq!(found(text, date(2026, 12, 24), Date::MIN, Date::MAX), ["2026-12-31", "2027-12-31"]);
    let once = "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=31;COUNT=1";
    assert_eq!(found(once, date(2026, 12, 24), Date::MIN, Date::MAX), [""; 0]);
}

#[test]
fn what_a_rule_costs_does_not_grow_with_its_age() {
    let (first, last) = (date(2026, 11, 20), date(2027, 11, 20));
    for text in [
        "FREQ=DAILY",
        "FREQ=DAILY;BYMONTH=12;BYMONTHDAY=25",
        "FREQ=DAILY;BYDAY=SU",
        "FREQ=WEEKLY",
        "FREQ=MONTHLY;BYMONTHDAY=31",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYDAY=MO;BYSETPOS=-1",
    ] {
        let of = |year| rule(text, date(year, 1, 1)).unwrap().between(first, last).1;
        assert!(of(1) == of(1900) || text.contains("WEEKLY"), "{text}");
        assert!(of(1) <= 2 * 366 + 2, "{text}: {}", of(1));
    }
    // Two years, with a look at each month and at the days of February.
    let february = rule("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", date(1900, 1, 1)).unwrap();
    assert_eq!(february.between(first, last), (vec![], 2 * (1 + 28 + 11)));
    let christmas = rule("FREQ=YEARLY", date(1900, 12, 25)).unwrap();
    assert_eq!(christmas.between(first, last), (vec![date(2026, 12, 25)], 2 * (1 + 31 + 11)));
}

#[test]
fn where_a_count_ends_is_looked_for_within_bounds() {
    let mut work = 100;
    let of = |count: u32, work: &mut u64| {
        Rule::read(&format!("FREQ=DAILY;COUNT={count}"), date(2026, 1, 1), None, work).map(|rule| rule.last)
    };
    // The period and the day of each of thirty-one days.
    assert_eq!(of(31, &mut work), Ok(date(2026, 1, 31)));
    assert_eq!(work, 100 - 31 * 2);
    let error = of(31, &mut work).unwrap_err();
    assert!(
        error.starts_with("comes again by \"FREQ=DAILY;COUNT=31\" from 2026-01-01: where its COUNT"),
        "{error}"
    );
    assert_eq!(of(1, &mut 0), Ok(date(2026, 1, 1)));
}

#[test]
fn rules_that_are_none_of_whole_days_are_refused() {
    let error = |text: &str| rule(text, date(2026, 1, 1)).unwrap_err();
    for every in ["SECONDLY", "MINUTELY", "HOURLY;BYHOUR=0"] {
        let text = format!("FREQ={every}");
        assert_eq!(
            error(&text),
            format!("comes again by {text:?}: FREQ of whole days is DAILY, WEEKLY, MONTHLY or YEARLY")
        );
    }
    for none in ["FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;COUNT=0"] {
        assert_eq!(error(none), format!("comes again by {none:?}: INTERVAL and COUNT are 1 or more"));
    }
    assert!(error("FREQ=YEARLY;BYEASTER=0").starts_with("comes again by a rule that cannot be read"));
    assert!(error("FREQ=WEEKLY;BYDAY=2MO").contains("BYDAY has numbers only with MONTHLY"));
    let before = Rule::read("FREQ=DAILY", date(2026, 1, 2), Some(date(2026, 1, 1)), &mut 0).unwrap_err();
    assert_eq!(before, "comes again until 2026-01-01, which is before its DTSTART 2026-01-02");
}
