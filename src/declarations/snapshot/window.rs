//! The minutes over which the snapshots of many volumes are taken.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};

use crate::cron::Expression;
use crate::manifest::{Data, FromValue, Reading, Seconds, Value, parse_seconds};
use crate::model::Desired;

/// The field of a schedule that says how late it may fire.
const FIELD: &str = "flexible_minutes";

/// A window has at most a day (`MaximumWindowInMinutes` in EventBridge Scheduler's API reference).
const LONGEST: u32 = 1440;

/// Up to so many schedules of a region, so many minutes: about one call in two seconds. `CreateSnapshot` has room for 100 calls
/// at once and five a second after that ("Request throttling for the Amazon EC2 API"), for all who call it in the account, and
/// what is throttled is not taken. The steps are large, so that few changes of the fleet change every schedule.
const STEPS: [(usize, u32); 3] = [(50, 0), (500, 15), (2_000, 60)];

/// Beyond the last step.
const MOST: u32 = 240;

/// How late a schedule may fire, in minutes; 0 for on the minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window(u32);

impl FromValue for Window {
    fn expected() -> String {
        "whole minutes up to a day with their unit, such as \"15m\" or \"1h\", or 0".to_owned()
    }

    fn from_value(value: &Value, reading: &mut Reading<'_>) -> Option<Self> {
        let text = value.as_str().filter(|text| text.ends_with(|c: char| c.is_ascii_alphabetic()));
        let seconds = match &value.data {
            Data::Integer(0) => Some(Seconds(0)),
            _ => text.and_then(parse_seconds),
        };
        let minutes = seconds.filter(|Seconds(seconds)| seconds.is_multiple_of(60)).map(|Seconds(s)| s / 60);
        let window = minutes.filter(|minutes| *minutes <= LONGEST).map(Self);
        if window.is_none() {
            reading.unexpected(value, &Self::expected());
        }
        window
    }
}

/// The minutes for so many schedules of an expression: as the manifest has it, else by their number, and then no more than
/// half of the time from one firing to the next.
pub(super) fn minutes(written: Option<Window>, count: usize, expression: &str) -> u32 {
    if let Some(Window(minutes)) = written {
        return minutes;
    }
    let minutes = STEPS.iter().find(|(most, _)| count <= *most).map_or(MOST, |(_, minutes)| *minutes);
    let half =
        Expression::parse(expression).ok().and_then(|expression| interval(&expression)).map(|gap| gap / 2);
    half.map_or(minutes, |half| minutes.min(u32::try_from(half.as_mins()).unwrap_or(u32::MAX)))
}

/// Lets the schedules of a region fire within the minutes.
pub(super) fn spread(schedules: &mut [Desired], minutes: u32) {
    for schedule in schedules.iter_mut().filter(|_| minutes > 0) {
        schedule.fields.insert(FIELD.to_owned(), minutes.into());
    }
}

/// The shortest time between two of the first times of an expression.
pub(super) fn interval(expression: &Expression) -> Option<SignedDuration> {
    const LOOKED_AT: usize = 100;
    let times: Vec<Zoned> = expression.next(Timestamp::UNIX_EPOCH, &TimeZone::UTC).take(LOOKED_AT).collect();
    times.windows(2).map(|pair| pair[1].duration_since(&pair[0])).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_schedules_are_spread() {
        let daily = "cron(30 9 * * ? *)";
        let of = |count| minutes(None, count, daily);
        assert_eq!([1, 50, 51, 500, 501, 2_000, 2_001, 9_000].map(of), [0, 0, 15, 15, 60, 60, 240, 240]);
        assert_eq!(minutes(Some(Window(0)), 9_000, daily), 0);
        assert_eq!(minutes(Some(Window(5)), 1, daily), 5);
        // Never so long that the next time comes before.
        assert_eq!(minutes(None, 9_000, "rate(1 hour)"), 30);
        assert_eq!(minutes(None, 9_000, "cron(0 8,10 * * ? *)"), 60);
        assert_eq!(minutes(None, 9_000, "cron(0 8 1 1 ? 2027)"), 240);
    }
}
