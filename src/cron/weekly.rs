//! Expressions that fire at the same times every week.

use std::collections::BTreeSet;

use super::days::Days;
use super::numbers::{DAY_OF_WEEK, HOUR, MINUTE, MONTH, YEAR};
use super::{Expression, Fields};

/// The minutes of a week.
pub const WEEK: u16 = 7 * DAY;
/// The minutes of a day.
pub const DAY: u16 = 24 * 60;

impl Expression {
    /// The times of the week, in minutes since Sunday 00:00 on the wall, where every week is like any other.
    pub fn weekly(&self) -> Option<BTreeSet<u16>> {
        match self {
            Self::Cron(fields) => weekly(fields),
            Self::Rate(_) | Self::At(_) => None,
        }
    }
}

fn weekly(fields: &Fields) -> Option<BTreeSet<u16>> {
    let days: Vec<u16> = match fields.days {
        Days::Every => DAY_OF_WEEK.range().collect(),
        Days::OfWeek(days) => DAY_OF_WEEK.from(days, 1).collect(),
        _ => return None,
    };
    if !MONTH.is_full(fields.months) || !YEAR.is_full(fields.years) {
        return None;
    }
    let of_day = |hour: u16| MINUTE.from(fields.minutes, 0).map(move |minute| hour * 60 + minute);
    let times: Vec<u16> = HOUR.from(fields.hours, 0).flat_map(of_day).collect();
    Some(days.iter().flat_map(|day| times.iter().map(move |time| (day - 1) * DAY + time)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_has_its_times() {
        let weekly = |text: &str| Expression::parse(text).unwrap().weekly();
        let times = |days: &[u16], hour: u16| Some(days.iter().map(|day| day * DAY + hour * 60).collect());
        assert_eq!(weekly("cron(0 9 ? * MON,FRI *)"), times(&[1, 5], 9));
        assert_eq!(weekly("cron(0 9 * * ? *)"), times(&[0, 1, 2, 3, 4, 5, 6], 9));
        assert_eq!(weekly("cron(0/30 22-23 ? * L *)").unwrap().len(), 4);
        for text in [
            "cron(0 9 1 * ? *)",
            "cron(0 9 ? * MON#1 *)",
            "cron(0 9 ? 1-6 MON *)",
            "cron(0 9 ? * MON 2027)",
            "rate(7 days)",
        ] {
            assert_eq!(weekly(text), None, "{text}");
        }
    }
}
