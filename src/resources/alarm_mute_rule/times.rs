//! When a mute rule mutes.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp, Zoned};

use super::AlarmMuteRule;
use crate::cron::Expression;

/// How long a rule of this length takes, where it can be read. ISO 8601 days have 24 hours here.
pub(super) fn length_of(text: &str) -> Option<SignedDuration> {
    let span: Span = text.parse().ok()?;
    span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()
}

impl AlarmMuteRule {
    /// Until when it mutes what it mutes right now; `None` where it does not. "The duration begins when the schedule expression
    /// time is reached" (`Schedule` in the CloudWatch API reference), so a rule that is put after that time waits for the next.
    pub fn mutes_until(&self, now: Timestamp) -> Option<Timestamp> {
        let length = length_of(&self.duration)?;
        let begun = self.times_after(now.checked_sub(length).ok()?, |times| {
            times.take_while(|time| time.timestamp() <= now).last()
        })?;
        let counts = self.start_date.is_none_or(|start| start <= begun);
        let end = begun.checked_add(length).ok()?;
        let end = self.expire_date.map_or(end, |expire| expire.min(end));
        (counts && end > now).then_some(end)
    }

    /// Whether it mutes no more: it has expired, or its one time is over.
    pub fn is_over(&self, now: Timestamp) -> bool {
        let expired = self.expire_date.is_some_and(|expire| expire <= now);
        let passed = || {
            let length = length_of(&self.duration)?;
            let time = self.times_after(Timestamp::MIN, |times| times.next())?;
            Some(time.checked_add(length).ok()? <= now)
        };
        expired || self.expression.starts_with("at(") && passed().unwrap_or(false)
    }

    /// One of the times after this at which it begins to mute, without regard to its dates.
    fn times_after(
        &self,
        after: Timestamp,
        pick: impl FnOnce(&mut dyn Iterator<Item = Zoned>) -> Option<Zoned>,
    ) -> Option<Timestamp> {
        let expression = Expression::parse(&in_six_fields(&self.expression)?).ok()?;
        let zone = TimeZone::get(&self.timezone).ok()?;
        pick(&mut expression.next(after, &zone)).map(|time| time.timestamp())
    }
}

/// An expression of CloudWatch's as EventBridge Scheduler writes it: `cron(0 19 * * FRI)` as `cron(0 19 ? * FRI *)`. `None` where it
/// counts days of the month and of the week at once, which that cannot say.
fn in_six_fields(text: &str) -> Option<String> {
    if let Some(time) = text.strip_prefix("at(").and_then(|rest| rest.strip_suffix(')')) {
        return Some(format!("at({time}:00)"));
    }
    let fields: Vec<&str> = text.strip_prefix("cron(")?.strip_suffix(')')?.split(' ').collect();
    let [minutes, hours, day, month, weekday] = fields[..] else { return None };
    let (day, weekday) = match (day, weekday) {
        (day, "*") => (day, "?"),
        ("*", weekday) => ("?", weekday),
        _ => return None,
    };
    Some(format!("cron({minutes} {hours} {day} {month} {weekday} *)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(expression: &str, duration: &str) -> AlarmMuteRule {
        AlarmMuteRule {
            expression: expression.to_owned(),
            duration: duration.to_owned(),
            timezone: "Asia/Seoul".to_owned(),
            alarm_names: ["a".to_owned()].into(),
            start_date: None,
            expire_date: None,
            description: None,
        }
    }

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_rule_mutes_from_its_times_on() {
        let weekend = rule("cron(0 19 * * FRI)", "P2DT14H10M");
        let end = Some(time("2026-11-23T00:10:00Z"));
        assert_eq!(weekend.mutes_until(time("2026-11-20T09:59:59Z")), None);
        assert_eq!(weekend.mutes_until(time("2026-11-20T10:00:00Z")), end);
        assert_eq!(weekend.mutes_until(time("2026-11-23T00:09:59Z")), end);
        assert_eq!(weekend.mutes_until(time("2026-11-23T00:10:00Z")), None);
        let daily = rule("cron(0 19 * * *)", "PT14H");
        assert_eq!(daily.mutes_until(time("2026-11-20T10:00:00Z")), Some(time("2026-11-21T00:00:00Z")));
        let once = rule("at(2026-12-24T19:00)", "P1D");
        assert_eq!(once.mutes_until(time("2026-12-25T00:00:00Z")), Some(time("2026-12-25T10:00:00Z")));
        assert_eq!(rule("cron(0 19 1 * MON)", "PT1H").mutes_until(time("2026-12-01T10:00:00Z")), None);
        assert_eq!(rule("soon", "PT1H").mutes_until(time("2026-12-01T10:00:00Z")), None);
    }

    #[test]
    fn its_dates_count() {
        let now = time("2026-11-20T12:00:00Z");
        let weekend = rule("cron(0 19 * * FRI)", "P2DT14H10M");
        let expires = |text: &str| AlarmMuteRule { expire_date: Some(time(text)), ..weekend.clone() };
        let end = "2026-11-20T13:00:00Z";
        assert_eq!(expires(end).mutes_until(now), Some(time(end)));
        assert_eq!(expires("2026-11-20T12:00:00Z").mutes_until(now), None);
        let starts = |text: &str| AlarmMuteRule { start_date: Some(time(text)), ..weekend.clone() };
        assert!(starts("2026-11-20T09:59:00Z").mutes_until(now).is_some());
        assert_eq!(starts("2026-11-20T10:01:00Z").mutes_until(now), None);
    }

    #[test]
    fn what_mutes_no_more_is_over() {
        let once = rule("at(2026-12-24T19:00)", "P1D");
        assert!(!once.is_over(time("2026-12-25T09:59:00Z")));
        assert!(once.is_over(time("2026-12-25T10:00:00Z")));
        let mut weekend = rule("cron(0 19 * * FRI)", "P2DT14H10M");
        assert!(!weekend.is_over(time("2026-12-25T10:00:00Z")));
        weekend.expire_date = Some(time("2026-12-25T10:00:00Z"));
        assert!(weekend.is_over(time("2026-12-25T10:00:00Z")));
    }
}
