//! When an expression fires.

use jiff::civil::{DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan, Zoned};

use super::{Expression, Fields};

impl Expression {
    /// The times after `after`, each later than the one before. Ends when nothing is left, with the year 2199 at the latest.
    ///
    /// EventBridge Scheduler works in a zone, EventBridge rules in UTC only. Of daylight saving the Scheduler's guide says
    /// (schedule-types.html, "Daylight savings time"): what falls on a time that does not exist "is skipped"; what falls on
    /// a time that is there twice "runs only once", before the shift. Hence `cron(0/15 * * * ? *)` rests for an hour in the
    /// autumn. The guide says nothing of `at(…)` on a time that does not exist; it is taken to be skipped, too.
    ///
    /// A rate counts from `after`, as it counts from the schedule's start on AWS.
    pub fn next(&self, after: Timestamp, zone: &TimeZone) -> Times<'_> {
        let from = zone.to_datetime(after);
        let from = from.date().to_datetime(Time::constant(from.hour(), from.minute(), 0, 0));
        let source = match self {
            Self::Cron(fields) => Source::Cron(fields, Some(from)),
            Self::Rate(rate) => Source::Rate(rate.period(), after),
            Self::At(time) => Source::At(Some(*time)),
        };
        Times { source, after, zone: zone.clone() }
    }
}

/// The times at which an expression fires.
#[derive(Clone, Debug)]
pub struct Times<'a> {
    source: Source<'a>,
    after: Timestamp,
    zone: TimeZone,
}

#[derive(Clone, Debug)]
enum Source<'a> {
    /// The fields, and the first time on the wall that was not looked at.
    Cron(&'a Fields, Option<DateTime>),
    /// The period, and the last time.
    Rate(jiff::SignedDuration, Timestamp),
    /// The time on the wall, once.
    At(Option<DateTime>),
}

impl Source<'_> {
    /// The next time on the wall.
    fn on_the_wall(&mut self) -> Option<DateTime> {
        match self {
            Self::Cron(fields, from) => {
                let time = fields.first_from((*from)?)?;
                *from = time.checked_add(1.minute()).ok();
                Some(time)
            }
            Self::At(time) => time.take(),
            Self::Rate(..) => None,
        }
    }
}

impl Iterator for Times<'_> {
    type Item = Zoned;

    fn next(&mut self) -> Option<Zoned> {
        if let Source::Rate(period, last) = &mut self.source {
            *last = last.checked_add(*period).ok()?;
            return Some(last.to_zoned(self.zone.clone()));
        }
        loop {
            let time = self.source.on_the_wall()?;
            let Some(timestamp) = first_instant(&self.zone, time) else { continue };
            if timestamp > self.after {
                return Some(timestamp.to_zoned(self.zone.clone()));
            }
        }
    }
}

/// When the clock on the wall shows this time first; never when it is put forward over it.
fn first_instant(zone: &TimeZone, time: DateTime) -> Option<Timestamp> {
    let offset = match zone.to_ambiguous_zoned(time).offset() {
        AmbiguousOffset::Gap { .. } => return None,
        AmbiguousOffset::Unambiguous { offset } => offset,
        AmbiguousOffset::Fold { before, .. } => before,
    };
    offset.to_timestamp(time).ok()
}
