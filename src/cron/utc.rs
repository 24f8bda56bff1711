//! The same times on a clock that shows UTC, which is all that EventBridge rules know.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

use super::days::Days;
use super::fault::Piece;
use super::numbers::{DAY_OF_MONTH, DAY_OF_WEEK, HOUR, Kind, MINUTE, MONTH, Numbers, YEAR};
use super::{Expression, Fault, Fields};

/// A zone whose clocks were last put forward or back before this day keeps its offset, as far as anybody knows. The program brings
/// its zones along, so that a new version, which may know better, moves this day, too.
const SETTLED: Timestamp = Timestamp::constant(1_767_225_600, 0); // 2026-01-01

const DAY: i32 = 24 * 60;

/// The offset that the clocks of a zone keep; `None` where they are put forward and back.
pub fn fixed_offset(zone: &TimeZone) -> Option<Offset> {
    let offset = zone.to_offset(SETTLED);
    let settled = zone.following(SETTLED).all(|transition| transition.offset() == offset);
    (settled && offset.seconds() % 60 == 0).then_some(offset)
}

/// The expression for a clock that shows UTC: it fires at the instants at which `text` fires by clocks with this offset.
///
/// A field that need not change stays as it was written. A rate has no clock, and stays as it is.
///
/// # Errors
/// Where `text` is no expression, or where no single expression fires at these instants: with its place in `text`.
pub fn in_utc(text: &str, offset: Offset) -> Result<String, Fault> {
    match Expression::parse(text)? {
        Expression::Rate(_) => Ok(text.to_owned()),
        Expression::At(_) => Err(Piece { text, start: 0 }
            .fault("a rule of EventBridge takes no `at(…)`", "write `cron(…)` or `rate(…)`")),
        Expression::Cron(fields) => {
            let minutes = offset.seconds() / 60;
            let written = written_fields(text);
            Ok(format!("cron({})", shifted(&fields, &written, minutes)?.join(" ")))
        }
    }
}

/// The six fields of a text that is known to be one of `cron(…)`.
fn written_fields(text: &str) -> Vec<Piece<'_>> {
    let from = text.find('(').map_or(0, |at| at + 1);
    let to = text.rfind(')').unwrap_or(text.len());
    Piece { text, start: 0 }.slice(from..to).words()
}

/// The fields for clocks that show this many minutes less.
fn shifted(fields: &Fields, written: &[Piece<'_>], offset: i32) -> Result<Vec<String>, Fault> {
    let mut texts: Vec<String> = written.iter().map(|piece| piece.text.to_owned()).collect();
    let [_, hour_field, of_month, month_field, of_week, _] = written else { return Ok(texts) };
    let Some(times) = Times::shifted(fields, offset) else {
        return Err(hour_field.fault(
            "these times are no single cron expression in UTC, because the offset is no whole hour",
            "write a schedule for each of them",
        ));
    };
    if times.minutes != fields.minutes {
        texts[0] = list(&MINUTE, times.minutes);
    }
    if times.hours != fields.hours {
        texts[1] = list(&HOUR, times.hours);
    }
    let unbound = fields.days == Days::Every && MONTH.is_full(fields.months) && YEAR.is_full(fields.years);
    let shift = match times.shifts[..] {
        _ if unbound => return Ok(texts),
        [0] => return Ok(texts),
        [shift] => shift,
        _ => {
            return Err(hour_field.fault(
                "in UTC some of these hours are on the same day and some on another",
                "write one schedule for the hours before the day changes in UTC, and one for those after it",
            ));
        }
    };
    let (days, months) = shifted_days(fields, shift).ok_or_else(|| {
        let field = if of_month.text == "?" { of_week } else { of_month };
        let place = if fields.days == Days::Every { month_field } else { field };
        let other = if shift < 0 { "the day before" } else { "the day after" };
        place.fault(
            format!("in UTC the time is on {other}, and no cron expression says that of these days"),
            "choose a time at which it is the same day in UTC",
        )
    })?;
    let (month_text, week_text) = day_texts(days);
    (texts[2], texts[4]) = (month_text, week_text);
    if months != fields.months {
        texts[3] = list(&MONTH, months);
    }
    Ok(texts)
}

/// Times of day in UTC.
struct Times {
    minutes: Numbers,
    hours: Numbers,
    /// By how many days they differ from the clock's, each once.
    shifts: Vec<i32>,
}

impl Times {
    /// `None` where the times are not all minutes of all hours of two lists.
    fn shifted(fields: &Fields, offset: i32) -> Option<Self> {
        let (mut minutes, mut hours) = (Numbers::default(), Numbers::default());
        let (mut shifts, mut count) = (Vec::new(), 0);
        for hour in HOUR.all(fields.hours) {
            for minute in MINUTE.all(fields.minutes) {
                let time = i32::from(hour) * 60 + i32::from(minute) - offset;
                let of_day = u16::try_from(time.rem_euclid(DAY)).ok()?;
                MINUTE.insert(&mut minutes, of_day % 60);
                HOUR.insert(&mut hours, of_day / 60);
                shifts.push(time.div_euclid(DAY));
                count += 1;
            }
        }
        shifts.sort_unstable();
        shifts.dedup();
        let product = MINUTE.all(minutes).len() * HOUR.all(hours).len();
        (product == count).then_some(Self { minutes, hours, shifts })
    }
}

/// The days and months that are one day before (-1) or after (1) these; `None` where no fields say that.
fn shifted_days(fields: &Fields, shift: i32) -> Option<(Days, Numbers)> {
    let all_months = MONTH.is_full(fields.months);
    let all_years = YEAR.is_full(fields.years);
    match fields.days {
        Days::OfWeek(days) if all_months && all_years => {
            Some((Days::OfWeek(turned(&DAY_OF_WEEK, days, shift)), fields.months))
        }
        Days::OfMonth(days) => match (&*DAY_OF_MONTH.all(days), shift) {
            // The first of a month is the day after the last of the month before.
            ([1], -1) => {
                let crosses = MONTH.has(fields.months, 1) && !all_years;
                (!crosses).then(|| (Days::Last, turned(&MONTH, fields.months, -1)))
            }
            (days, _) => {
                let months = MONTH.all(fields.months);
                if !days.iter().all(|day| stays_in_month(*day, &months, shift)) {
                    return None;
                }
                let mut moved = Numbers::default();
                for day in days {
                    DAY_OF_MONTH.insert(&mut moved, day.checked_add_signed(i16::try_from(shift).ok()?)?);
                }
                Some((Days::OfMonth(moved), fields.months))
            }
        },
        Days::Last if shift == 1 => {
            let crosses = MONTH.has(fields.months, 12) && !all_years;
            let mut first = Numbers::default();
            DAY_OF_MONTH.insert(&mut first, 1);
            (!crosses).then(|| (Days::OfMonth(first), turned(&MONTH, fields.months, 1)))
        }
        _ => None,
    }
}

/// Whether the day before or after is in the same month, in all of these months and years, and is there just when the day is.
fn stays_in_month(day: u16, months: &[u16], shift: i32) -> bool {
    let shortest = |month: &u16| match month {
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    // A day that some month lacks would be there as the day before of none.
    let longest_needed = if shift < 0 { day } else { day + 1 };
    !(shift < 0 && day == 1) && months.iter().all(|month| longest_needed <= shortest(month))
}

/// Each number of a cycle, such as the days of the week, moved on by `shift`.
fn turned(kind: &Kind, numbers: Numbers, shift: i32) -> Numbers {
    let mut moved = Numbers::default();
    let (min, count) = (i32::from(kind.min), i32::from(kind.max - kind.min) + 1);
    for number in kind.all(numbers) {
        let number = (i32::from(number) - min + shift).rem_euclid(count) + min;
        if let Ok(number) = u16::try_from(number) {
            kind.insert(&mut moved, number);
        }
    }
    moved
}

/// The fields of day-of-month and day-of-week.
fn day_texts(days: Days) -> (String, String) {
    let nothing = || "?".to_owned();
    match days {
        Days::OfMonth(days) => (list(&DAY_OF_MONTH, days), nothing()),
        Days::Last => ("L".to_owned(), nothing()),
        Days::OfWeek(days) => (nothing(), list(&DAY_OF_WEEK, days)),
        // No other days are ever moved.
        _ => ("*".to_owned(), nothing()),
    }
}

/// A set of numbers as a field: `*`, or numbers and ranges, by their names where they have some.
fn list(kind: &Kind, numbers: Numbers) -> String {
    if kind.is_full(numbers) {
        return "*".to_owned();
    }
    let name = |number: u16| {
        let name = kind.names.get(usize::from(number - kind.min));
        name.map_or_else(|| number.to_string(), |name| (*name).to_owned())
    };
    let entry = |(from, to): (u16, u16)| match to - from {
        0 => name(from),
        1 => format!("{},{}", name(from), name(to)),
        _ => format!("{}-{}", name(from), name(to)),
    };
    let runs = super::explain::runs(&kind.all(numbers));
    runs.into_iter().map(entry).collect::<Vec<_>>().join(",")
}
