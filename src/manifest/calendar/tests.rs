use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::*;
use crate::manifest::{SourceSet, TableReader};
use crate::model::Place;

/// The days of a year that a value with this file gives, and every problem as `place summary`.
fn days(value: &str, name: &str, content: &[u8]) -> (Vec<String>, Vec<String>) {
    let zone = TimeZone::get("Asia/Seoul").unwrap();
    let text = format!("except = {value}\n");
    let sources = SourceSet::new("m", [("a.toml", text)]);
    let mut problems = Diagnostics::new();
    let table = super::super::document::parse_table(&sources.files()[0], &mut problems).unwrap();
    let files = Files::from([(name.to_owned(), Ok(content.to_vec().into()))]);
    let header = Place::Named("header".to_owned());
    let mut reader = TableReader::new("[[schedule]]", &header, &table, &mut problems);
    let read = reader.optional::<DaysOff>("except");
    reader.finish();
    let calendar =
        read.and_then(|days| days.value.calendar(&files, &zone, &mut problems)).unwrap_or_default();
    let found = calendar.between(date(2026, 1, 1), date(2026, 12, 31));
    let problems = problems.iter().map(|d| format!("{} {}", d.place.as_ref().unwrap(), d.summary)).collect();
    (found.iter().map(|day| day.strftime("%m-%d").to_string()).collect(), problems)
}

fn listed(value: &str) -> (Vec<String>, Vec<String>) {
    days(value, "none", b"")
}

fn of_ics(events: &str) -> (Vec<String>, Vec<String>) {
    let events = events.replace('\n', "\r\n");
    let text = format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{events}END:VCALENDAR\r\n");
    days("{ file = \"h.ics\" }", "h.ics", text.as_bytes())
}

fn event(lines: &str) -> String {
    format!("BEGIN:VEVENT\nUID:1\nSUMMARY:Feast\n{lines}\nEND:VEVENT\n")
}

#[test]
fn dates_and_ranges_are_days() {
    assert_eq!(listed("[\"2026-12-25\", 2026-12-26]").0, ["12-25", "12-26"]);
    assert_eq!(listed("[\"2026-12-30..2027-01-02\"]").0, ["12-30", "12-31"]);
    let wrong =
        listed("[\"2026-12-32\", \"2026-12-25T10:00:00\", 3, \"2026-12-31..2026-12-01\", { fil = 'x' }]");
    assert_eq!(
        wrong.1,
        [
            "a.toml:1:11 `except`: \"2026-12-32\" is no date",
            "a.toml:1:25 `except`: \"2026-12-25T10:00:00\" is no date",
            "a.toml:1:48 `except`: expected a date, a range of dates or a file, found the number 3",
            "a.toml:1:51 `except`: \"2026-12-31..2026-12-01\" is no date",
            "a.toml:1:77 `except`: this is no calendar",
        ]
    );
    assert!(listed("'2026-12-25'").1[0].contains("expected a list of dates"));
}

#[test]
fn files_are_named_and_missed() {
    assert_eq!(listed("{ file = 'h.ics' }").1, ["a.toml:1:19 there is no file `h.ics`"]);
    let both = "[{ file = 'h.txt' }, \"2026-05-01\"]";
    assert_eq!(days(both, "h.txt", b"2026-12-25\n").0, ["05-01", "12-25"]);
    let unknown = days("{ file = 'h.pdf' }", "h.pdf", b"x");
    assert!(unknown.1[0].starts_with("a.toml:1:19 `h.pdf` is neither"), "{unknown:?}");
}

#[test]
fn lists_of_dates_are_read_row_by_row() {
    let csv = "# ours\ndate,name\n2026-01-01,New Year\n\n2026-03-01T00:00:00,Samiljeol\n";
    assert_eq!(days("{ file = 'h.csv' }", "h.csv", csv.as_bytes()).0, ["01-01", "03-01"]);
    let second = "name;date\nNew Year;2026-01-01\n";
    assert_eq!(days("{ file = 'h.csv' }", "h.csv", second.as_bytes()).0, ["01-01"]);
    let wrong = days("{ file = 'h.txt' }", "h.txt", b"2026-01-01\n2026-02-30\n1 May\n");
    assert_eq!(wrong.1, ["h.txt › A2 \"2026-02-30\" is no date", "h.txt › A3 \"1 May\" is no date"]);
}

#[test]
fn events_of_whole_days_are_days() {
    assert_eq!(
        of_ics(&event("DTSTART;VALUE=DATE:20261225\nDTEND;VALUE=DATE:20261227")).0,
        ["12-25", "12-26"]
    );
    assert_eq!(of_ics(&event("DTSTART;VALUE=DATE:20261225")).0, ["12-25"]);
    assert_eq!(of_ics(&event("DTSTART;VALUE=DATE:20261225\nDTEND;VALUE=DATE:20261225")).0, ["12-25"]);
    assert_eq!(of_ics(&event("DTSTART;VALUE=DATE:20261225\nDURATION:P2D")).0, ["12-25", "12-26"]);
    assert_eq!(of_ics(&event("DTSTART;VALUE=DATE:20261225\nSTATUS:CANCELLED")).0, [""; 0]);
    // A long line goes on in the next one.
    assert_eq!(of_ics(&event("DESCRIPTION:a long\n  story\nDTSTART;VALUE=DATE:202612\n 25")).0, ["12-25"]);
}

#[test]
fn events_that_come_again_are_followed() {
    let yearly = "DTSTART;VALUE=DATE:20200501\nRRULE:FREQ=YEARLY";
    assert_eq!(of_ics(&event(yearly)).0, ["05-01"]);
    assert_eq!(of_ics(&event(&format!("{yearly};UNTIL=20251231"))).0, [""; 0]);
    assert_eq!(of_ics(&event(&format!("{yearly};UNTIL=20260501T235959Z"))).0, ["05-01"]);
    assert_eq!(of_ics(&event(&format!("{yearly}\nEXDATE;VALUE=DATE:20260501"))).0, [""; 0]);
    let thanksgiving = "DTSTART;VALUE=DATE:20201126\nDTEND;VALUE=DATE:20201128\n\
                        RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH";
    assert_eq!(of_ics(&event(thanksgiving)).0, ["11-26", "11-27"]);
    let listed = "DTSTART;VALUE=DATE:20250101\nRDATE;VALUE=DATE:20260217,20260925";
    assert_eq!(of_ics(&event(listed)).0, ["02-17", "09-25"]);
}

#[test]
fn what_is_no_day_off_is_told_at_its_line() {
    let timed = event("DTSTART:20261225T100000Z");
    let (found, problems) = of_ics(&format!("{timed}{timed}{}", event("DTSTART;VALUE=DATE:20261224")));
    assert_eq!(found, ["12-24"]);
    assert_eq!(
        problems,
        ["h.ics:4:1 2 events, the first of them \"Feast\", are not of whole days and left out"]
    );
    let wrong = |lines: &str| of_ics(&format!("{}{}", event("DTSTART;VALUE=DATE:20261224"), event(lines))).1;
    assert_eq!(wrong("DTSTAMP:20260101T000000Z"), ["h.ics:9:1 the event \"Feast\" has no DTSTART"]);
    assert_eq!(
        wrong("DTSTART;VALUE=DATE:20261325"),
        ["h.ics:9:1 the event \"Feast\" has a DTSTART that is no date: \"20261325\""]
    );
    assert_eq!(
        wrong("DTSTART;VALUE=DATE:20260101\nDTEND;VALUE=DATE:20290101"),
        ["h.ics:9:1 the event \"Feast\" is longer than 366 days"]
    );
    let rule = wrong("DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=SOMETIMES");
    assert!(rule[0].starts_with("h.ics:9:1 the event \"Feast\" comes again by a rule that"), "{rule:?}");
    let moved = wrong("DTSTART;VALUE=DATE:20260101\nRECURRENCE-ID;VALUE=DATE:20260102");
    assert!(moved[0].contains("has a RECURRENCE-ID, which is not supported"), "{moved:?}");
    let cut = days("{ file = 'h.ics' }", "h.ics", b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VAL");
    assert_eq!(cut.1, ["h.ics:2:1 `h.ics` is no calendar in iCalendar's format, or damaged"]);
    let other = days("{ file = 'h.ics' }", "h.ics", b"hello");
    assert_eq!(other.1, ["h.ics:1:1 `h.ics` is no calendar in iCalendar's format, or damaged"]);
}

#[test]
fn a_rule_without_days_ends() {
    assert_eq!(
        of_ics(&event("DTSTART;VALUE=DATE:20250101\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30")).0.len(),
        0
    );
}

#[test]
fn the_first_day_of_an_event_is_one_of_its_days() {
    let of = |lines: &str| of_ics(&event(&format!("DTSTART;VALUE=DATE:20261224\n{lines}"))).0;
    assert_eq!(of("RDATE;VALUE=DATE:20261230,20270102"), ["12-24", "12-30"]);
    assert_eq!(
        of("DTEND;VALUE=DATE:20261226\nRDATE;VALUE=DATE:20261230"),
        ["12-24", "12-25", "12-30", "12-31"]
    );
    assert_eq!(of("RRULE:FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=31"), ["12-24", "12-31"]);
    assert_eq!(of("EXDATE;VALUE=DATE:20261224"), [""; 0]);
    assert_eq!(of("RRULE:FREQ=DAILY;COUNT=3\nEXDATE:20261225\nEXDATE:20261224"), ["12-26"]);
    // An event that began in the year before goes on.
    let over = "DTSTART;VALUE=DATE:20251230\nDTEND;VALUE=DATE:20260102\nRRULE:FREQ=YEARLY";
    assert_eq!(of_ics(&event(over)).0, ["01-01", "12-30", "12-31"]);
}

#[test]
fn times_of_lists_and_ends_have_their_day_in_the_zone() {
    let daily = |until: &str| {
        let lines = format!("DTSTART;VALUE=DATE:20261223\nRRULE:FREQ=DAILY;UNTIL={until}");
        let (days, problems) = of_ics(&event(&lines));
        assert_eq!(problems, [""; 0]);
        days.last().cloned().unwrap()
    };
    // The 25th begins in Seoul at 15:00 UTC.
    assert_eq!(daily("20261224T150000Z"), "12-25");
    assert_eq!(daily("20261224T145959Z"), "12-24");
    assert_eq!(daily("20261225T000000Z"), "12-25");
    assert_eq!(daily("20261225T235959Z"), "12-25");
    assert_eq!(daily("20261225T150000"), "12-25");
    assert_eq!(daily("20261225"), "12-25");
    let wrong = |lines: &str| of_ics(&event(&format!("DTSTART;VALUE=DATE:20261223\n{lines}"))).1;
    assert_eq!(
        wrong("RRULE:FREQ=DAILY;UNTIL=Christmas"),
        ["h.ics:4:1 the event \"Feast\" has an UNTIL that is no date: \"Christmas\""]
    );
    assert_eq!(
        wrong("RDATE;VALUE=PERIOD:20261230T000000Z/P1D"),
        ["h.ics:4:1 the event \"Feast\" has a date in RDATE that is none: \"20261230T000000Z/P1D\""]
    );
    assert_eq!(
        wrong("RRULE:FREQ=DAILY;INTERVAL=0"),
        [
            "h.ics:4:1 the event \"Feast\" comes again by \"FREQ=DAILY;INTERVAL=0\": INTERVAL and COUNT are 1 or more"
        ]
    );
}

#[test]
fn all_calendars_of_a_file_are_read() {
    let one = |day: &str| {
        let event = event(&format!("DTSTART;VALUE=DATE:{day}"));
        format!("BEGIN:VCALENDAR\nVERSION:2.0\n{event}END:VCALENDAR\n")
    };
    let both = format!("{}{}", one("20261225"), one("20261231"));
    for text in
        [both.clone(), both.replace('\n', "\r\n"), both.replace("END:VCALENDAR\n", "END:VCALENDAR\n\n")]
    {
        assert_eq!(days("{ file = 'h.ics' }", "h.ics", text.as_bytes()).0, ["12-25", "12-31"]);
    }
    let cut = both.rsplit_once("END:VEVENT").unwrap().0.to_owned();
    let damaged = "`h.ics` is no calendar in iCalendar's format, or damaged";
    assert_eq!(days("{ file = 'h.ics' }", "h.ics", cut.as_bytes()).1, [format!("h.ics:11:1 {damaged}")]);
}

#[test]
fn an_alarm_of_an_event_is_no_part_of_it() {
    let alarm = "BEGIN:VALARM\nDURATION:P9D\nX-URL;A=\"b:c\":d\nEND:VALARM";
    assert_eq!(of_ics(&event(&format!("{alarm}\ndtstart;value=date:20261225"))).0, ["12-25"]);
}

#[test]
fn a_calendar_of_any_depth_is_told() {
    let nested = |depth: usize| {
        let text = format!("{}{}", "BEGIN:X\r\n".repeat(depth), "END:X\r\n".repeat(depth));
        days("{ file = 'h.ics' }", "h.ics", text.as_bytes()).1
    };
    assert_eq!(nested(20), [""; 0]);
    for depth in [21, 100_000] {
        assert_eq!(nested(depth), ["h.ics:21:1 `h.ics` has components that lie deeper than 20"]);
    }
    // Ends that belong to nothing do not make it shallower.
    let crossed = "BEGIN:X\nEND:Y\n".repeat(1_000);
    let found = days("{ file = 'h.ics' }", "h.ics", crossed.as_bytes()).1;
    assert_eq!(found, ["h.ics:1:1 `h.ics` is no calendar in iCalendar's format, or damaged"]);
}

#[test]
fn a_file_has_so_many_rules_at_most() {
    let one = event("DTSTART;VALUE=DATE:19000101\nRRULE:FREQ=DAILY;BYMONTH=12;BYMONTHDAY=25");
    assert_eq!(of_ics(&one.repeat(ics::RULES)).0, ["12-25"]);
    let (found, problems) = of_ics(&format!("{}{}", one.repeat(ics::RULES), one.replace("Feast", "Last")));
    assert_eq!(found, [""; 0]);
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0].contains("the event \"Last\" has one rule too many: a file has 2000 at most"),
        "{problems:?}"
    );
}

#[test]
fn a_long_event_that_comes_daily_and_a_range_of_all_time_are_every_day_once() {
    let daily = "DTSTART;VALUE=DATE:19000101\nDTEND;VALUE=DATE:19001231\nRRULE:FREQ=DAILY";
    let (found, _) = of_ics(&event(daily));
    assert_eq!((found.len(), found[0].as_str(), found[364].as_str()), (365, "01-01", "12-31"));
    let ever = vec!["'0001-01-01..9999-12-31'"; 1_000].join(",");
    assert_eq!(listed(&format!("[{ever}]")).0, found);
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(text in "(BEGIN:VCALENDAR|BEGIN:VEVENT|END:VEVENT|END:VCALENDAR|DTSTART[:;]?|RRULE:FREQ=|VALUE=DATE:|2026|\n|[ -~]){0,40}") {
        days("{ file = 'h.ics' }", "h.ics", text.as_bytes());
    }

    #[test]
    fn any_event_has_its_days(first in 0_i64..300, length in 1_i64..30) {
        let day: Date = date(2026, 1, 1).checked_add(Span::new().days(first)).unwrap();
        let end = day.checked_add(Span::new().days(length)).unwrap();
        let lines = format!(
            "DTSTART;VALUE=DATE:{}\nDTEND;VALUE=DATE:{}", day.strftime("%Y%m%d"), end.strftime("%Y%m%d")
        );
        prop_assert_eq!(of_ics(&event(&lines)).0.len(), usize::try_from(length).unwrap());
    }
}
