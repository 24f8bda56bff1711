//! The six fields of a cron expression, and the times on the wall that match them.

use jiff::civil::{Date, DateTime};

use super::Fault;
use super::days::{self, Days};
use super::fault::Piece;
use super::numbers::{HOUR, MINUTE, MONTH, Numbers, YEAR};

/// The fields of a cron expression. A time matches when every field does, each by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields {
    pub(super) minutes: Numbers,
    pub(super) hours: Numbers,
    pub(super) days: Days,
    pub(super) months: Numbers,
    pub(super) years: Numbers,
}

const FORM: &str =
    "write cron(minutes hours day-of-month month day-of-week year), such as cron(0 9 ? * MON-FRI *)";

/// Reads what stands between the brackets.
pub(super) fn parse(inner: Piece<'_>) -> Result<Fields, Fault> {
    let words = inner.words();
    let [minutes, hours, of_month, month, of_week, year] = words[..] else {
        return Err(wrong_count(inner, &words));
    };
    Ok(Fields {
        minutes: MINUTE.parse(minutes)?,
        hours: HOUR.parse(hours)?,
        days: days::parse(of_month, of_week)?,
        months: MONTH.parse(month)?,
        years: YEAR.parse(year)?,
    })
}

fn wrong_count(inner: Piece<'_>, words: &[Piece<'_>]) -> Fault {
    match words {
        [.., last] if words.len() == 5 => {
            let end = inner.slice(last.range().end - inner.start..inner.text.len());
            end.fault(
                "a cron expression has six fields; the sixth, the year, is missing",
                "add ` *` for every year",
            )
        }
        [_, _, _, _, _, _, rest @ ..] if !rest.is_empty() => {
            let start = rest[0].start - inner.start;
            let end = rest[rest.len() - 1].range().end - inner.start;
            let message = format!("a cron expression has six fields, not {}", words.len());
            inner.slice(start..end).fault(message, format!("there is none for seconds; {FORM}"))
        }
        _ => inner.fault(format!("a cron expression has six fields, not {}", words.len()), FORM),
    }
}

impl Fields {
    /// The first time that matches and is not before `from`.
    pub(super) fn first_from(&self, from: DateTime) -> Option<DateTime> {
        let start = from.date().first_of_month();
        let year = u16::try_from(start.year()).unwrap_or(0);
        YEAR.from(self.years, year)
            .flat_map(|year| MONTH.from(self.months, 1).map(move |month| (year, month)))
            .filter_map(|(year, month)| Date::new(year.cast_signed(), i8::try_from(month).ok()?, 1).ok())
            .filter(|first| *first >= start)
            .flat_map(|first| {
                first.series(jiff::Span::new().days(1)).take_while(move |day| day.month() == first.month())
            })
            .filter(|date| *date >= from.date() && self.days.has(*date))
            .find_map(|date| self.first_of_day(date, from))
    }

    /// The first time of a day that matches and is not before `from`.
    fn first_of_day(&self, date: Date, from: DateTime) -> Option<DateTime> {
        let earliest = date.at(0, 0, 0, 0).max(from);
        let hour = u16::from(earliest.hour().unsigned_abs());
        HOUR.from(self.hours, hour).find_map(|hour| {
            let hour = i8::try_from(hour).ok()?;
            let of_hour = MINUTE.from(self.minutes, 0).filter_map(|minute| i8::try_from(minute).ok());
            of_hour.map(|minute| date.at(hour, minute, 0, 0)).find(|time| *time >= earliest)
        })
    }
}
