//! Every example of AWS's documentation, and what it says of it.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Expression;

const SUNDAY: &str = "2026-01-04T00:00:00Z";

/// The first times in UTC after a Sunday, as `weekday month-day hour:minute`.
fn times(text: &str, after: &str, count: usize) -> String {
    let expression = Expression::parse(text).unwrap();
    let after: Timestamp = after.parse().unwrap();
    let times = expression.next(after, &TimeZone::UTC).take(count);
    times.map(|time| time.strftime("%a %m-%d %H:%M").to_string()).collect::<Vec<_>>().join(", ")
}

/// EventBridge user guide, eb-scheduled-rule-pattern.html, "Cron expressions", the table of examples.
#[test]
fn the_table_of_the_guide_to_rules() {
    for (text, words, first) in [
        ("cron(0 10 * * ? *)", "at 10:00 every day", "Sun 01-04 10:00, Mon 01-05 10:00, Tue 01-06 10:00"),
        ("cron(15 12 * * ? *)", "at 12:15 every day", "Sun 01-04 12:15, Mon 01-05 12:15, Tue 01-06 12:15"),
        (
            "cron(0 18 ? * MON-FRI *)",
            "at 18:00 from Monday to Friday",
            "Mon 01-05 18:00, Tue 01-06 18:00, Wed 01-07 18:00",
        ),
        (
            "cron(0 8 1 * ? *)",
            "at 08:00 on the 1st of every month",
            "Sun 02-01 08:00, Sun 03-01 08:00, Wed 04-01 08:00",
        ),
        ("cron(0/15 * * * ? *)", "every 15 minutes", "Sun 01-04 00:15, Sun 01-04 00:30, Sun 01-04 00:45"),
        (
            "cron(0/10 * ? * MON-FRI *)",
            "every 10 minutes, from Monday to Friday",
            "Mon 01-05 00:00, Mon 01-05 00:10, Mon 01-05 00:20",
        ),
        (
            "cron(0/5 8-17 ? * MON-FRI *)",
            "every 5 minutes from 08:00 to 17:55, from Monday to Friday",
            "Mon 01-05 08:00, Mon 01-05 08:05, Mon 01-05 08:10",
        ),
        // The guide's words are "between 10:00 pm on the starting day to 2:00 am on the following day"; the hours are not
        // those of `20-2`, and each field matches by itself.
        (
            "cron(0/30 20-2 ? * MON-FRI *)",
            "every 30 minutes from 00:00 to 02:30 and from 20:00 to 23:30, from Monday to Friday",
            "Mon 01-05 00:00, Mon 01-05 00:30, Mon 01-05 01:00",
        ),
    ] {
        assert_eq!(Expression::parse(text).unwrap().explain(), words, "{text}");
        assert_eq!(times(text, SUNDAY, 3), first, "{text}");
    }
}

/// The same page, the examples of `put-rule`; and "Schedule types" in the Scheduler's guide, those of `create-schedule`.
#[test]
fn the_examples_of_commands() {
    for (text, words) in [
        ("cron(0 12 * * ? *)", "at 12:00 every day"),
        ("cron(5,35 14 * * ? *)", "at 14:05 and 14:35 every day"),
        ("cron(15 10 ? * 6L 2019-2022)", "at 10:15 on the last Friday of every month, from 2019 to 2022"),
        ("cron(15 10 ? * 6L 2022-2023)", "at 10:15 on the last Friday of every month, from 2022 to 2023"),
        ("cron(30 8 * * ? *)", "at 08:30 every day"),
        ("cron(30 2 * * ? *)", "at 02:30 every day"),
        ("rate(1 minute)", "every minute"),
        ("rate(5 minutes)", "every 5 minutes"),
        ("rate(1 hour)", "every hour"),
        ("rate(5 hours)", "every 5 hours"),
        ("rate(1 day)", "every day"),
        ("at(2022-11-20T13:00:00)", "once, on 2022-11-20 at 13:00:00"),
    ] {
        assert_eq!(Expression::parse(text).unwrap().explain(), words, "{text}");
    }
}

/// The same page, "Wildcards".
#[test]
fn the_wildcards() {
    let month = |day: &str| times(&format!("cron(0 0 {day} * ? *)"), "2026-01-01T00:01:00Z", 4);
    let week = |day: &str| times(&format!("cron(0 0 ? * {day} *)"), SUNDAY, 4);
    assert_eq!(
        times("cron(0 0 1 JAN,FEB,MAR ? *)", SUNDAY, 3),
        "Sun 02-01 00:00, Sun 03-01 00:00, Fri 01-01 00:00"
    );
    assert_eq!(month("1-15"), "Fri 01-02 00:00, Sat 01-03 00:00, Sun 01-04 00:00, Mon 01-05 00:00");
    // "the 11th, 21st, and 31st minute, and so on": counted from the first, which is minute 1.
    assert_eq!(
        times("cron(1/10 * * * ? *)", SUNDAY, 7),
        "Sun 01-04 00:01, Sun 01-04 00:11, Sun 01-04 00:21, Sun 01-04 00:31, Sun 01-04 00:41, \
         Sun 01-04 00:51, Sun 01-04 01:01"
    );
    assert_eq!(month("L"), "Sat 01-31 00:00, Sat 02-28 00:00, Tue 03-31 00:00, Thu 04-30 00:00");
    assert_eq!(week("L"), "Sat 01-10 00:00, Sat 01-17 00:00, Sat 01-24 00:00, Sat 01-31 00:00");
    // "the weekday closest to the third day of the month": 3 January 2026 is a Saturday, 3 May a Sunday.
    assert_eq!(
        times("cron(0 0 3W 1-5 ? 2026)", "2026-01-01T00:01:00Z", 9),
        "Fri 01-02 00:00, Tue 02-03 00:00, Tue 03-03 00:00, Fri 04-03 00:00, Mon 05-04 00:00"
    );
    // "3#2 would be the second Tuesday of the month".
    assert_eq!(week("3#2"), "Tue 01-13 00:00, Tue 02-10 00:00, Tue 03-10 00:00, Tue 04-14 00:00");
    // "at 8:00 a.m. PST on the first Monday of every month".
    assert_eq!(week("MON#1"), "Mon 01-05 00:00, Mon 02-02 00:00, Mon 03-02 00:00, Mon 04-06 00:00");
}

#[test]
fn other_ways_to_write_the_same() {
    for (one, other) in [
        ("cron(0 9 ? * MON-FRI *)", "cron(0 9 ? * 2-6 *)"),
        ("cron(0 9 ? * mon-Fri *)", "cron(0  9 ? * 2,3,4,5,6 1970-2199)"),
        ("cron(*/15 * * * ? *)", "cron(0,15,30,45 * ? * * *)"),
        ("cron(0 9 * * ? *)", "cron(0 9 ? * * *)"),
        ("cron(0 9 ? * FRI#3 *)", "cron(0 9 ? * 6#3 *)"),
        ("cron(0 9 ? * FRIL *)", "cron(0 9 ? * 6L *)"),
        ("cron(10-40/10 * * * ? *)", "cron(10,20,30,40 * * * ? *)"),
        ("cron(0 9 1 nov-feb ? *)", "cron(0 9 1 1,2,11,12 ? *)"),
        ("cron(0 9 ? * FRI-MON *)", "cron(0 9 ? * 1,2,6,7 *)"),
        ("cron(0 22/1 * * ? *)", "cron(0 22,23 * * ? *)"),
    ] {
        assert_eq!(Expression::parse(one), Expression::parse(other), "{one} {other}");
    }
}

#[test]
fn what_people_read() {
    for (text, words) in [
        ("cron(30 9 * * ? *)", "at 09:30 every day"),
        ("cron(0 9 ? * MON-FRI *)", "at 09:00 from Monday to Friday"),
        ("cron(*/5 * * * ? *)", "every 5 minutes"),
        ("cron(0 22 L * ? *)", "at 22:00 on the last day of every month"),
        ("cron(15 10 ? * FRI#3 *)", "at 10:15 on the third Friday of every month"),
        ("cron(* * * * ? *)", "every minute"),
        ("cron(0 * * * ? *)", "at minute 0 of every hour"),
        ("cron(0 8-18 * * ? *)", "every hour from 08:00 to 18:00"),
        (
            "cron(5,20 9-17 * * ? *)",
            "at the minutes 5 and 20 of the hours 09, 10, 11, 12, 13, 14, 15, 16 and 17",
        ),
        ("cron(0 0 LW * ? *)", "at 00:00 on the last weekday of every month"),
        ("cron(0 0 15W 6 ? *)", "at 00:00 on the weekday nearest to the 15th of June"),
        ("cron(0 0 1,15 JAN,JUL ? *)", "at 00:00 on the 1st and 15th of January and July"),
        ("cron(0 0 1-7 * ? *)", "at 00:00 from the 1st to the 7th of every month"),
        ("cron(0 0 * 6-8 ? *)", "at 00:00 every day, from June to August"),
        ("cron(0 0 ? * SAT,SUN *)", "at 00:00 every Saturday and Sunday"),
        ("cron(0 0 L 6-8 ? *)", "at 00:00 on the last day of every month from June to August"),
        ("cron(0 0 ? * TUE-SUN *)", "at 00:00 from Tuesday to Sunday"),
        ("cron(0 0 ? * SUN-FRI *)", "at 00:00 from Sunday to Friday"),
        ("cron(0 0 ? * FRI-MON *)", "at 00:00 from Friday to Monday"),
        ("cron(0 0 ? * MON,WED,FRI *)", "at 00:00 every Monday, Wednesday and Friday"),
        ("cron(0 0 ? 12 SUN 2026)", "at 00:00 every Sunday in December, in 2026"),
        ("cron(0 0 * * ? 2027/1)", "at 00:00 every day, from 2027 on"),
        ("cron(0 0 * * ? 2028/4)", "at 00:00 every day, in 43 years from 2028 to 2196"),
    ] {
        assert_eq!(Expression::parse(text).unwrap().explain(), words, "{text}");
    }
}
