//! Rules by which events of whole days come again: RRULE of RFC 5545, section 3.3.10.
//!
//! A rule is looked at where its days are asked for, whatever the year in which it began: its periods (days, weeks, months or
//! years) are counted, not walked. Only COUNT needs its beginning, and that once, when it is read.

use std::cmp::min;

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use rrule::{Frequency, NWeekday, RRule, RRuleSet, Unvalidated};

/// How many days the rules of a file may look at to find where their COUNT ends.
pub(super) const WORK: u64 = 1_000_000;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Every {
    Day,
    Week,
    Month,
    Year,
}

/// When an event comes again.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    every: Every,
    interval: i64,
    start: Date,
    /// No day after this one, by UNTIL or COUNT.
    last: Date,
    week_start: Weekday,
    months: Vec<i8>,
    /// From the first one, or with a minus from the last one, as the following three.
    month_days: Vec<i64>,
    year_days: Vec<i64>,
    weeks: Vec<i64>,
    weekdays: Vec<(Option<i64>, Weekday)>,
    /// Of the days of a period only those at these places.
    positions: Vec<i64>,
}

impl Rule {
    /// A rule from its text without UNTIL, or what is wrong with it as the rest of a sentence. `work` is what is left of
    /// [`WORK`].
    pub(super) fn read(text: &str, start: Date, until: Option<Date>, work: &mut u64) -> Result<Self, String> {
        let unread = |error: rrule::RRuleError| format!("comes again by a rule that cannot be read: {error}");
        // The library checks the values, also against the beginning.
        let checked = format!("DTSTART:{}T000000Z\nRRULE:{text}", start.strftime("%Y%m%d"));
        checked.parse::<RRuleSet>().map_err(unread)?;
        let read: RRule<Unvalidated> = text.parse().map_err(unread)?;
        let refuse = |what: &str| Err(format!("comes again by {text:?}: {what}"));
        let every = match read.get_freq() {
            Frequency::Daily => Every::Day,
            Frequency::Weekly => Every::Week,
            Frequency::Monthly => Every::Month,
            Frequency::Yearly => Every::Year,
            _ => return refuse("FREQ of whole days is DAILY, WEEKLY, MONTHLY or YEARLY"),
        };
        if read.get_interval() == 0 || read.get_count() == Some(0) {
            return refuse("INTERVAL and COUNT are 1 or more");
        }
        let nth = read.get_by_weekday().iter().any(|day| matches!(day, NWeekday::Nth(..)));
        if nth && (matches!(every, Every::Day | Every::Week) || !read.get_by_week_no().is_empty()) {
            return refuse("BYDAY has numbers only with MONTHLY, or YEARLY without BYWEEKNO");
        }
        let until = until.unwrap_or(Date::MAX);
        if until < start {
            return Err(format!("comes again until {until}, which is before its DTSTART {start}"));
        }
        let mut rule = Self::of(&read, every, start, until);
        if let Some(count) = read.get_count() {
            rule.last = min(
                until,
                rule.end_of(u64::from(count), work)
                    .map_err(|what| format!("comes again by {text:?} from {start}: {what}"))?,
            );
        }
        Ok(rule)
    }

    fn of(read: &RRule<Unvalidated>, every: Every, start: Date, last: Date) -> Self {
        let weekday = |day: rrule::Weekday| {
            let number = i8::try_from(day.num_days_from_monday()).unwrap_or_default();
            Weekday::from_monday_zero_offset(number).unwrap_or(Weekday::Monday)
        };
        let mut rule = Self {
            every,
            interval: i64::from(read.get_interval()),
            start,
            last,
            week_start: weekday(read.get_week_start()),
            months: read.get_by_month().iter().filter_map(|month| i8::try_from(*month).ok()).collect(),
            month_days: read.get_by_month_day().iter().copied().map(i64::from).collect(),
            year_days: read.get_by_year_day().iter().copied().map(i64::from).collect(),
            weeks: read.get_by_week_no().iter().copied().map(i64::from).collect(),
            weekdays: read
                .get_by_weekday()
                .iter()
                .map(|day| match day {
                    NWeekday::Every(day) => (None, weekday(*day)),
                    NWeekday::Nth(nth, day) => (Some(i64::from(*nth)), weekday(*day)),
                })
                .collect(),
            positions: read.get_by_set_pos().iter().copied().map(i64::from).collect(),
        };
        rule.take_from_start();
        rule
    }

    /// What the rule does not say, its first day says.
    fn take_from_start(&mut self) {
        if !self.month_days.is_empty() || !self.year_days.is_empty() || !self.weekdays.is_empty() {
            return;
        }
        let start = self.start;
        match self.every {
            Every::Day => {}
            Every::Year if !self.weeks.is_empty() => self.weekdays.push((None, start.weekday())),
            Every::Week => self.weekdays.push((None, start.weekday())),
            Every::Month => self.month_days.push(i64::from(start.day())),
            Every::Year => {
                if self.months.is_empty() {
                    self.months.push(start.month());
                }
                self.month_days.push(i64::from(start.day()));
            }
        }
    }

    /// The days from the first to the last, both included, and how many days were looked at for them.
    pub(super) fn between(&self, first: Date, last: Date) -> (Vec<Date>, u64) {
        let (first, last) = (first.max(self.start), last.min(self.last));
        let (mut days, mut looked) = (Vec::new(), 0);
        let mut period = self.period_of(first) / self.interval;
        while let Some(begin) = self.begin(period).filter(|begin| *begin <= last) {
            let (found, more) = self.days_of(begin);
            days.extend(found.into_iter().filter(|day| (first..=last).contains(day)));
            looked += more;
            period += 1;
        }
        (days, looked)
    }

    /// The day on which it has come so often. The first day of the event counts, whether the rule has it or not.
    fn end_of(&self, count: u64, work: &mut u64) -> Result<Date, String> {
        let mut left = count - 1;
        let mut period = 0;
        let mut end = self.start;
        while left > 0 {
            let Some(begin) = self.begin(period) else { return Ok(Date::MAX) };
            let (found, looked) = self.days_of(begin);
            *work = work.checked_sub(looked).ok_or_else(|| {
                format!("where its COUNT ends is too far to look for, with all rules of the file more than {WORK} days")
            })?;
            for day in found.into_iter().filter(|day| *day > self.start) {
                if left > 0 {
                    (left, end) = (left - 1, day);
                }
            }
            period += 1;
        }
        Ok(end)
    }

    /// The first day of the period that a day lies in.
    fn first_of_period(&self, day: Date) -> Date {
        match self.every {
            Every::Day => day,
            Every::Week => first_of_week(day, self.week_start),
            Every::Month => day.first_of_month(),
            Every::Year => day.first_of_year(),
        }
    }

    /// How many periods lie between the beginning and a day that is no earlier.
    fn period_of(&self, day: Date) -> i64 {
        let begin = self.first_of_period(self.start);
        let years = i64::from(day.year()) - i64::from(begin.year());
        let days = begin.until(day).map_or(0, |span| i64::from(span.get_days()));
        match self.every {
            Every::Day => days,
            Every::Week => days / 7,
            Every::Month => years * 12 + i64::from(day.month()) - i64::from(begin.month()),
            Every::Year => years,
        }
    }

    /// Where a period of the rule begins; `None` at the end of time.
    fn begin(&self, period: i64) -> Option<Date> {
        let count = period.checked_mul(self.interval)?;
        self.after(self.first_of_period(self.start), count)
    }

    fn after(&self, begin: Date, periods: i64) -> Option<Date> {
        let span = match self.every {
            Every::Day => jiff::Span::new().try_days(periods),
            Every::Week => jiff::Span::new().try_weeks(periods),
            Every::Month => jiff::Span::new().try_months(periods),
            Every::Year => jiff::Span::new().try_years(periods),
        };
        begin.checked_add(span.ok()?).ok()
    }

    /// The days of one period, and how many were looked at.
    fn days_of(&self, begin: Date) -> (Vec<Date>, u64) {
        let end = self.after(begin, 1).unwrap_or(Date::MAX);
        let (mut days, mut looked) = (Vec::new(), 1);
        let mut next = Some(begin);
        while let Some(day) = next.filter(|day| *day < end) {
            looked += 1;
            if !self.months.is_empty() && !self.months.contains(&day.month()) {
                next = day.last_of_month().tomorrow().ok();
                continue;
            }
            if self.has(day) {
                days.push(day);
            }
            next = day.tomorrow().ok();
        }
        if self.positions.is_empty() {
            return (days, looked);
        }
        let count = length(days.len());
        let chosen = (1..).zip(&days).filter(|(place, _)| is_among(&self.positions, *place, count));
        (chosen.map(|(_, day)| *day).collect(), looked)
    }

    /// Whether a day has all that the rule asks for, besides its month and its place in the period.
    fn has(&self, day: Date) -> bool {
        let of_month = (i64::from(day.day()), i64::from(day.days_in_month()));
        let of_year = (i64::from(day.day_of_year()), i64::from(day.days_in_year()));
        let in_month = self.every == Every::Month || !self.months.is_empty();
        let (number, count) = if in_month { of_month } else { of_year };
        let (nth, from_last) = ((number - 1) / 7 + 1, -((count - number) / 7 + 1));
        let mut weekdays = self.weekdays.iter().filter(|(_, weekday)| *weekday == day.weekday());
        (self.weekdays.is_empty() || weekdays.any(|(n, _)| n.is_none_or(|n| n == nth || n == from_last)))
            && (self.month_days.is_empty() || is_among(&self.month_days, of_month.0, of_month.1))
            && (self.year_days.is_empty() || is_among(&self.year_days, of_year.0, of_year.1))
            && (self.weeks.is_empty() || self.has_week(day))
    }

    /// A week belongs to the year in which it has four days or more.
    fn has_week(&self, day: Date) -> bool {
        let Ok(fourth) = first_of_week(day, self.week_start).checked_add(3.days()) else { return false };
        let of_year = i64::from(fourth.day_of_year());
        let number = (of_year - 1) / 7 + 1;
        is_among(&self.weeks, number, number + (i64::from(fourth.days_in_year()) - of_year) / 7)
    }
}

fn first_of_week(day: Date, week_start: Weekday) -> Date {
    let since = day.weekday().since(week_start);
    day.checked_sub(jiff::Span::new().days(since)).unwrap_or(day)
}

/// Whether numbers that count from the first one, or with a minus from the last one, have this one.
fn is_among(numbers: &[i64], number: i64, count: i64) -> bool {
    numbers.iter().any(|n| *n == number || *n == number - count - 1)
}

fn length(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[path = "rule_tests.rs"]
mod tests;
