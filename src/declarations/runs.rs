//! When declarations let AWS do something, for a preview.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};

use crate::cron::Expression;
use crate::manifest::Calendar;

/// Something that runs by an expression.
#[derive(Clone, Debug)]
pub struct Runs {
    /// What runs: `start`, `stop`, `snapshot`.
    pub action: &'static str,
    /// When, but for the days off.
    pub expression: Expression,
    /// The zone of the expression and of the days off.
    pub timezone: TimeZone,
    /// The days on which it does not run.
    pub days_off: Option<Calendar>,
}

/// A time that an expression names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunTime {
    /// When.
    pub time: Zoned,
    /// Whether its day is a day off, on which nothing runs.
    pub left_out: bool,
}

impl Runs {
    /// What the expression `text` says; `None` for one that is none.
    pub(super) fn new(action: &'static str, text: &str, timezone: &TimeZone) -> Option<Self> {
        let expression = Expression::parse(text).ok()?;
        Some(Self { action, expression, timezone: timezone.clone(), days_off: None })
    }

    /// The next times, until it ran so often, with those that are left out before that.
    pub fn next(&self, now: Timestamp, count: usize) -> Vec<RunTime> {
        let today = now.to_zoned(self.timezone.clone()).date();
        let off: BTreeSet<Date> = self
            .days_off
            .iter()
            .flat_map(|calendar| calendar.between(today, today.saturating_add(12.months())))
            .collect();
        let mut left = count;
        let times = self.expression.next(now, &self.timezone).map(|time| {
            let left_out = off.contains(&time.date());
            RunTime { time, left_out }
        });
        let enough = |run: &RunTime| {
            let go_on = left > 0;
            left -= usize::from(go_on && !run.left_out);
            go_on
        };
        times.take_while(enough).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::declarations::{Manifest, block_names};
    use crate::manifest::{SourceSet, parse};

    #[test]
    fn days_off_do_not_count() {
        let text = "[project]\nname = 'p'\n[[schedule]]\nlabel = 'x'\nfor_each = { ec2 = {} }\n\
                    stop = 'cron(0 19 ? * MON-FRI *)'\ntimezone = 'Asia/Seoul'\n\
                    role_arn = 'arn:aws:iam::{{ account }}:role/x'\nexcept = ['2026-12-24..2026-12-25']\n";
        let (document, problems) = parse(&SourceSet::new("m", [("a.toml", text)]), &block_names());
        let manifest = Manifest::new(document, problems).unwrap();
        let runs = manifest.declarations[0].runs();
        assert_eq!((runs.len(), runs[0].action), (1, "stop"));
        let next = runs[0].next("2026-12-23T09:00:00Z".parse().unwrap(), 2);
        let lines: Vec<String> =
            next.iter().map(|run| format!("{} {}", run.time.strftime("%a %d"), run.left_out)).collect();
        assert_eq!(lines, ["Wed 23 false", "Thu 24 true", "Fri 25 true", "Mon 28 false"]);
        assert!(runs[0].next("2026-12-23T09:00:00Z".parse().unwrap(), 0).is_empty());
    }
}
