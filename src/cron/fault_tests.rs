//! What is refused, and where the caret goes.

use super::Expression;

/// Each text with carets under what is wrong, the message and the hint.
fn shown(text: &str) -> String {
    let fault = Expression::parse(text).expect_err(text);
    assert!(text.get(fault.range.clone()).is_some(), "{text}: {fault:?}");
    let carets = "^".repeat(fault.range.len().max(1));
    format!("{text}\n{}{carets} {}\n  {}\n", " ".repeat(fault.range.start), fault.message, fault.hint)
}

fn all(texts: &[&str]) -> String {
    texts.iter().map(|text| shown(text)).collect()
}

#[test]
fn forms() {
    insta::assert_snapshot!(all(&[
        "daily",
        "",
        "0 9 * * ? *",
        "0 9 * * 1-5",
        " rate(1 day)",
        "CRON(0 9 * * ? *)",
        "every(5 minutes)",
        "cron(0 9 * * ? *",
        "cron()",
        "cron(0 9 * * ?)",
        "cron(0 0 9 * * ? *)",
    ]), @"
    daily
    ^^^^^ this is no schedule expression
      write cron(0 9 ? * MON-FRI *), rate(5 minutes) or at(2026-12-31T23:59:00)

    ^ this is no schedule expression
      write cron(0 9 ? * MON-FRI *), rate(5 minutes) or at(2026-12-31T23:59:00)
    0 9 * * ? *
    ^^^^^^^^^^^ this is no schedule expression
      write cron(0 9 * * ? *)
    0 9 * * 1-5
    ^^^^^^^^^^^ this is no schedule expression
      AWS wants six fields, of which one is `?` and the last the year: write cron(0 9 ? * MON-FRI *)
     rate(1 day)
    ^^^^^^^^^^^^ there is white space around the expression
      write `rate(1 day)`
    CRON(0 9 * * ? *)
    ^^^^ `CRON` is no form of a schedule expression
      write cron(…), in lower case
    every(5 minutes)
    ^^^^^ `every` is no form of a schedule expression
      write cron(0 9 ? * MON-FRI *), rate(5 minutes) or at(2026-12-31T23:59:00)
    cron(0 9 * * ? *
                    ^ the closing bracket is missing at the end
      end the expression with `)`
    cron()
         ^ a cron expression has six fields, not 0
      write cron(minutes hours day-of-month month day-of-week year), such as cron(0 9 ? * MON-FRI *)
    cron(0 9 * * ?)
                  ^ a cron expression has six fields; the sixth, the year, is missing
      add ` *` for every year
    cron(0 0 9 * * ? *)
                     ^ a cron expression has six fields, not 7
      there is none for seconds; write cron(minutes hours day-of-month month day-of-week year), such as cron(0 9 ? * MON-FRI *)
    ");
}

#[test]
fn numbers() {
    insta::assert_snapshot!(all(&[
        "cron(60 9 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 9 0 * ? *)",
        "cron(0 9 32 * ? *)",
        "cron(0 9 * 13 ? *)",
        "cron(0 9 * JUNE ? *)",
        "cron(0 9 ? * 0 *)",
        "cron(0 9 ? * 8 *)",
        "cron(0 9 * * ? 1969)",
        "cron(0 9 * * ? 2200)",
        "cron(0 9 * * ? 2030-2026)",
        "cron(*/60 * * * ? *)",
        "cron(0/0 * * * ? *)",
        "cron(0 9 ? * 2/2 *)",
        "cron(-5 9 * * ? *)",
        "cron(+5 9 * * ? *)",
        "cron(5- 9 * * ? *)",
        "cron(0/5, 9-18, ?, *, MON-FRI, *)",
        "cron(? 9 * * ? *)",
        "cron(0 é * * ? *)",
    ]), @"
    cron(60 9 * * ? *)
         ^^ `60` is no value of the minutes field
      minutes are 0-59 with , - * /
    cron(0 24 * * ? *)
           ^^ `24` is no value of the hours field
      hours are 0-23 with , - * /
    cron(0 9 0 * ? *)
             ^ `0` is no value of the day-of-month field
      days of the month are 1-31 with , - * ? / L W
    cron(0 9 32 * ? *)
             ^^ `32` is no value of the day-of-month field
      days of the month are 1-31 with , - * ? / L W
    cron(0 9 * 13 ? *)
               ^^ `13` is no value of the month field
      months are 1-12 or JAN-DEC with , - * /
    cron(0 9 * JUNE ? *)
               ^^^^ `JUNE` is no value of the month field
      months are 1-12 or JAN-DEC with , - * /
    cron(0 9 ? * 0 *)
                 ^ `0` is no value of the day-of-week field
      days of the week are 1-7 (1 is Sunday) or SUN-SAT with , - * ? L #
    cron(0 9 ? * 8 *)
                 ^ `8` is no value of the day-of-week field
      days of the week are 1-7 (1 is Sunday) or SUN-SAT with , - * ? L #
    cron(0 9 * * ? 1969)
                   ^^^^ `1969` is no value of the year field
      years are 1970-2199 with , - * /
    cron(0 9 * * ? 2200)
                   ^^^^ `2200` is no value of the year field
      years are 1970-2199 with , - * /
    cron(0 9 * * ? 2030-2026)
                   ^^^^^^^^^ the range `2030-2026` ends before it begins
      write 2026-2030
    cron(*/60 * * * ? *)
           ^^ `60` is no step of the minutes field
      a step is a number from 1 to 59
    cron(0/0 * * * ? *)
           ^ `0` is no step of the minutes field
      a step is a number from 1 to 59
    cron(0 9 ? * 2/2 *)
                 ^^^ the day-of-week field takes no `/`
      list the days; days of the week are 1-7 (1 is Sunday) or SUN-SAT with , - * ? L #
    cron(-5 9 * * ? *)
         ^ a number is missing in the minutes field
      minutes are 0-59 with , - * /
    cron(+5 9 * * ? *)
         ^^ `+5` is no value of the minutes field
      minutes are 0-59 with , - * /
    cron(5- 9 * * ? *)
           ^ a number is missing in the minutes field
      minutes are 0-59 with , - * /
    cron(0/5, 9-18, ?, *, MON-FRI, *)
         ^^^^ the minutes field has a comma too many
      commas stand between values, white space between fields
    cron(? 9 * * ? *)
         ^ `?` is no value of the minutes field
      minutes are 0-59 with , - * /
    cron(0 é * * ? *)
           ^^ `é` is no value of the hours field
      hours are 0-23 with , - * /
    ");
}

#[test]
fn days() {
    insta::assert_snapshot!(all(&[
        "cron(0 9 * * * *)",
        "cron(0 9 * * MON *)",
        "cron(0 9 1 * MON *)",
        "cron(0 9 ? * ? *)",
        "cron(0 9 ? * 3#1,6#3 *)",
        "cron(0 9 ? * 3#6 *)",
        "cron(0 9 ? * 3# *)",
        "cron(0 9 ? * #2 *)",
        "cron(0 9 ? * 2,6L *)",
        "cron(0 9 1,L * ? *)",
        "cron(0 9 L-3 * ? *)",
        "cron(0 9 1W,15W * ? *)",
        "cron(0 9 32W * ? *)",
        "cron(0 9 W * ? *)",
        "cron(0 9 ? * 15W *)",
    ]), @"
    cron(0 9 * * * *)
             ^ day-of-month and day-of-week cannot both be given
      write `?` here, or in the other day field
    cron(0 9 * * MON *)
             ^ day-of-month and day-of-week cannot both be given
      write `?` here, or in the other day field
    cron(0 9 1 * MON *)
                 ^^^ day-of-month and day-of-week cannot both be given
      write `?` here, or in the other day field
    cron(0 9 ? * ? *)
             ^ both day fields are `?`
      write `*` here for every day
    cron(0 9 ? * 3#1,6#3 *)
                 ^^^^^^^ with `#` the day-of-week field holds one day only
      write one of them, such as 3#1 for the first Tuesday, and a second schedule for the other
    cron(0 9 ? * 3#6 *)
                   ^ a month has a weekday at most five times
      write 1 to 5 after `#`, or 6L for the last Friday
    cron(0 9 ? * 3# *)
                   ^ a month has a weekday at most five times
      write 1 to 5 after `#`, or 6L for the last Friday
    cron(0 9 ? * #2 *)
                 ^ a number is missing in the day-of-week field
      days of the week are 1-7 (1 is Sunday) or SUN-SAT with , - * ? L #
    cron(0 9 ? * 2,6L *)
                 ^^^^ in the day-of-week field `L` cannot be part of a list, range or step
      write it alone, and a second schedule for the other days
    cron(0 9 1,L * ? *)
             ^^^ in the day-of-month field `L` and `W` cannot be part of a list, range or step
      write it alone, and a second schedule for the other days
    cron(0 9 L-3 * ? *)
             ^^^ in the day-of-month field `L` and `W` cannot be part of a list, range or step
      write it alone, and a second schedule for the other days
    cron(0 9 1W,15W * ? *)
             ^^^^^^ in the day-of-month field `L` and `W` cannot be part of a list, range or step
      write it alone, and a second schedule for the other days
    cron(0 9 32W * ? *)
             ^^ `32` is no value of the day-of-month field
      days of the month are 1-31 with , - * ? / L W
    cron(0 9 W * ? *)
             ^ `W` is no value of the day-of-month field
      days of the month are 1-31 with , - * ? / L W
    cron(0 9 ? * 15W *)
                 ^^^ `15W` is no value of the day-of-week field
      days of the week are 1-7 (1 is Sunday) or SUN-SAT with , - * ? L #
    ");
}

#[test]
fn rates_and_times() {
    insta::assert_snapshot!(all(&[
        "rate()",
        "rate(5)",
        "rate(5 minutes daily)",
        "rate(0 minutes)",
        "rate(-1 hours)",
        "rate(1.5 hours)",
        "rate(5 seconds)",
        "rate(1 hours)",
        "rate(5 hour)",
        "at(2026-12-31)",
        "at(2026-12-31 23:59:00)",
        "at(2026-12-31T23:59)",
        "at(2026-12-31T23:59:00Z)",
        "at(2026-12-31T23:59:60)",
        "at(2026-02-29T00:00:00)",
    ]), @"
    rate()
         ^ a rate has two fields, a value and a unit
      write a number and minutes, hours or days, such as rate(5 minutes) or rate(1 hour)
    rate(5)
         ^ a rate has two fields, a value and a unit
      write a number and minutes, hours or days, such as rate(5 minutes) or rate(1 hour)
    rate(5 minutes daily)
         ^^^^^^^^^^^^^^^ a rate has two fields, a value and a unit
      write a number and minutes, hours or days, such as rate(5 minutes) or rate(1 hour)
    rate(0 minutes)
         ^ a rate is a positive number
      write a number and minutes, hours or days, such as rate(5 minutes) or rate(1 hour)
    rate(-1 hours)
         ^^ `-1` is no positive number
      write a number and minutes, hours or days, such as rate(5 minutes) or rate(1 hour)
    rate(1.5 hours)
         ^^^ `1.5` is no positive number
      write a number and minutes, hours or days, such as rate(5 minutes) or rate(1 hour)
    rate(5 seconds)
           ^^^^^^^ `seconds` is no unit of a rate
      write a number and minutes, hours or days, such as rate(5 minutes) or rate(1 hour)
    rate(1 hours)
           ^^^^^ the unit is singular after 1
      write rate(1 hour)
    rate(5 hour)
           ^^^^ the unit is plural after more than 1
      write rate(5 hours)
    at(2026-12-31)
       ^^^^^^^^^^ `2026-12-31` is no date and time
      write at(yyyy-mm-ddThh:mm:ss), such as at(2026-12-31T23:59:00)
    at(2026-12-31 23:59:00)
       ^^^^^^^^^^^^^^^^^^^ `2026-12-31 23:59:00` is no date and time
      write at(yyyy-mm-ddThh:mm:ss), such as at(2026-12-31T23:59:00)
    at(2026-12-31T23:59)
       ^^^^^^^^^^^^^^^^ `2026-12-31T23:59` is no date and time
      write at(yyyy-mm-ddThh:mm:ss), such as at(2026-12-31T23:59:00)
    at(2026-12-31T23:59:00Z)
       ^^^^^^^^^^^^^^^^^^^^ `2026-12-31T23:59:00Z` is no date and time
      leave out what follows the seconds: a schedule has its time zone, UTC where none is set
    at(2026-12-31T23:59:60)
       ^^^^^^^^^^^^^^^^^^^ there is no date and time `2026-12-31T23:59:60`
      write at(yyyy-mm-ddThh:mm:ss), such as at(2026-12-31T23:59:00)
    at(2026-02-29T00:00:00)
       ^^^^^^^^^^^^^^^^^^^ there is no date and time `2026-02-29T00:00:00`
      write at(yyyy-mm-ddThh:mm:ss), such as at(2026-12-31T23:59:00)
    ");
}
