//! The two day fields, of which one says something and the other is `?`.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

use super::Fault;
use super::fault::Piece;
use super::numbers::{DAY_OF_MONTH, DAY_OF_WEEK, Kind, Numbers, digits};

/// On which days of a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Days {
    /// Every day, whichever field says so with `*`.
    Every,
    /// These days of the month.
    OfMonth(Numbers),
    /// `L`
    Last,
    /// `LW`: the last day from Monday to Friday.
    LastWorking,
    /// `15W`: the day from Monday to Friday that is nearest to this one, in the same month, as in Quartz, whose dialect
    /// this is. A month without this day is left out, as AWS answered users of pyawscron. AWS documents neither.
    NearestWorking(u16),
    /// These days of the week, 1 being Sunday.
    OfWeek(Numbers),
    /// `6L`: the last of this day of the week.
    LastOfWeek(u16),
    /// `6#3`: the third of this day of the week. Months without a fifth are left out.
    NthOfWeek(u16, u16),
}

/// Reads both day fields.
pub(super) fn parse(of_month: Piece<'_>, of_week: Piece<'_>) -> Result<Days, Fault> {
    match (of_month.text, of_week.text) {
        ("?", "?") => Err(of_month.fault("both day fields are `?`", "write `*` here for every day")),
        ("?", _) => day_of_week(of_week),
        (_, "?") => day_of_month(of_month),
        ("*", _) => Err(one_of_two(of_month)),
        _ => Err(one_of_two(of_week)),
    }
}

fn one_of_two(field: Piece<'_>) -> Fault {
    let message = "day-of-month and day-of-week cannot both be given";
    field.fault(message, "write `?` here, or in the other day field")
}

fn day_of_month(field: Piece<'_>) -> Result<Days, Fault> {
    if field.is("L") {
        return Ok(Days::Last);
    }
    if field.is("LW") || field.is("WL") {
        return Ok(Days::LastWorking);
    }
    if let Some(day) = field.without_end("W")
        && digits(day.text).is_some()
    {
        return Ok(Days::NearestWorking(DAY_OF_MONTH.number(day)?));
    }
    refuse_mixed(&DAY_OF_MONTH, field, &['L', 'W'])?;
    Ok(every_or(&DAY_OF_MONTH, DAY_OF_MONTH.parse(field)?, Days::OfMonth))
}

fn day_of_week(field: Piece<'_>) -> Result<Days, Fault> {
    let single = !field.text.contains([',', '-']);
    if let Some((day, number)) = field.split_once('#').filter(|_| single) {
        let day = DAY_OF_WEEK.number(day)?;
        return match digits(number.text) {
            Some(number @ 1..=5) => Ok(Days::NthOfWeek(day, number)),
            _ => Err(number.fault(
                "a month has a weekday at most five times",
                "write 1 to 5 after `#`, or 6L for the last Friday",
            )),
        };
    }
    if field.is("L") {
        return Ok(Days::OfWeek(DAY_OF_WEEK.parse(Piece { text: "SAT", ..field })?));
    }
    if let Some(day) = field.without_end("L").filter(|_| single) {
        return Ok(Days::LastOfWeek(DAY_OF_WEEK.number(day)?));
    }
    if field.text.contains('#') {
        return Err(field.fault(
            "with `#` the day-of-week field holds one day only",
            "write one of them, such as 3#1 for the first Tuesday, and a second schedule for the other",
        ));
    }
    refuse_mixed(&DAY_OF_WEEK, field, &['L'])?;
    Ok(every_or(&DAY_OF_WEEK, DAY_OF_WEEK.parse(field)?, Days::OfWeek))
}

fn every_or(kind: &Kind, numbers: Numbers, days: fn(Numbers) -> Days) -> Days {
    if kind.is_full(numbers) { Days::Every } else { days(numbers) }
}

/// Lists and ranges with `L` and `W`: AWS documents none, and Quartz warns of what comes out.
fn refuse_mixed(kind: &Kind, field: Piece<'_>, letters: &[char]) -> Result<(), Fault> {
    let entries = field.split(|character| matches!(character, ',' | '-' | '/'));
    let special = |entry: &Piece<'_>| {
        let letter = entry.text.chars().last().map(|last| last.to_ascii_uppercase());
        let before = &entry.text[..entry.text.len().saturating_sub(1)];
        letter.is_some_and(|letter| letters.contains(&letter))
            && (before.bytes().all(|byte| byte.is_ascii_digit()) || before.eq_ignore_ascii_case("L"))
    };
    if entries.len() > 1 && entries.iter().any(special) {
        let letters = letters.iter().map(|letter| format!("`{letter}`")).collect::<Vec<_>>().join(" and ");
        let message = format!("in the {} field {letters} cannot be part of a list, range or step", kind.name);
        return Err(field.fault(message, "write it alone, and a second schedule for the other days"));
    }
    Ok(())
}

impl Days {
    /// Whether the day is one of these.
    pub(super) fn has(self, date: Date) -> bool {
        match self {
            Self::Every => true,
            Self::OfMonth(numbers) => DAY_OF_MONTH.has(numbers, day(date)),
            Self::Last => date == date.last_of_month(),
            Self::LastWorking => date == nearest_working(date.last_of_month()),
            Self::NearestWorking(wanted) => {
                let wanted = i64::from(wanted) - 1;
                let wanted = date.first_of_month().checked_add(wanted.days()).ok();
                wanted.filter(|wanted| wanted.month() == date.month()).map(nearest_working) == Some(date)
            }
            Self::OfWeek(numbers) => DAY_OF_WEEK.has(numbers, weekday(date)),
            Self::LastOfWeek(wanted) => weekday(date) == wanted && day(date) + 7 > day(date.last_of_month()),
            Self::NthOfWeek(wanted, number) => weekday(date) == wanted && (day(date) - 1) / 7 + 1 == number,
        }
    }
}

/// The day from Monday to Friday that is nearest, in the same month.
fn nearest_working(date: Date) -> Date {
    let days = match date.weekday() {
        Weekday::Saturday if date.day() == 1 => 2,
        Weekday::Saturday => -1,
        Weekday::Sunday if date == date.last_of_month() => -2,
        Weekday::Sunday => 1,
        _ => 0,
    };
    date.saturating_add(days.days())
}

fn day(date: Date) -> u16 {
    date.day().unsigned_abs().into()
}

/// AWS's number of the day of the week: 1 is Sunday.
fn weekday(date: Date) -> u16 {
    date.weekday().to_sunday_one_offset().unsigned_abs().into()
}
