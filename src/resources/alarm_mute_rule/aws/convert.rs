//! The spec from and to the SDK's types.

use aws_sdk_cloudwatch::operation::get_alarm_mute_rule::GetAlarmMuteRuleOutput;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{MuteTargets, Rule, Schedule};
use jiff::Timestamp;

use crate::resources::alarm_mute_rule::AlarmMuteRule;

/// A live rule in normal form; nothing where it has no schedule, as no rule that we know of. A start that has passed says
/// nothing any more.
pub(super) fn from_live(live: &GetAlarmMuteRuleOutput, now: Timestamp) -> Option<AlarmMuteRule> {
    let schedule = live.rule()?.schedule()?;
    let time = |time: Option<&DateTime>| time.and_then(|time| Timestamp::from_second(time.secs()).ok());
    let alarms = live.mute_targets().map(MuteTargets::alarm_names).unwrap_or_default();
    Some(AlarmMuteRule {
        expression: schedule.expression()?.to_owned(),
        duration: AlarmMuteRule::normal_length(schedule.duration()?),
        timezone: schedule.timezone().unwrap_or("UTC").to_owned(),
        alarm_names: alarms.iter().cloned().collect(),
        start_date: time(live.start_date()).filter(|start| *start > now),
        expire_date: time(live.expire_date()),
        description: live.description().filter(|text| !text.is_empty()).map(str::to_owned),
    })
}

/// The parts of a request.
pub(super) struct Parts {
    pub(super) rule: Rule,
    pub(super) targets: MuteTargets,
    pub(super) start: Option<DateTime>,
    pub(super) expire: Option<DateTime>,
}

/// The parts for a rule.
pub(super) fn parts(rule: &AlarmMuteRule) -> Parts {
    let date = |time: Option<Timestamp>| time.map(|time| DateTime::from_secs(time.as_second()));
    let schedule = Schedule::builder()
        .expression(&rule.expression)
        .duration(&rule.duration)
        .timezone(&rule.timezone)
        .build();
    let names = rule.alarm_names.iter().cloned().collect();
    Parts {
        rule: Rule::builder().schedule(schedule).build(),
        targets: MuteTargets::builder().set_alarm_names(Some(names)).build(),
        start: date(rule.start_date),
        expire: date(rule.expire_date),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_is_read() {
        let rule = AlarmMuteRule {
            expression: "at(2026-12-24T19:00)".to_owned(),
            duration: "PT38H10M".to_owned(),
            timezone: "Asia/Seoul".to_owned(),
            alarm_names: ["web: CPU".to_owned()].into(),
            start_date: "2026-12-24T09:59:00Z".parse().ok(),
            expire_date: "2026-12-26T10:00:00Z".parse().ok(),
            description: Some("x".to_owned()),
        };
        let parts = parts(&rule);
        let live = GetAlarmMuteRuleOutput::builder()
            .rule(parts.rule)
            .mute_targets(parts.targets)
            .set_start_date(parts.start)
            .set_expire_date(parts.expire)
            .description("x")
            .build();
        let normal = AlarmMuteRule { duration: "P1DT14H10M".to_owned(), ..rule.clone() };
        assert_eq!(from_live(&live, Timestamp::UNIX_EPOCH), Some(normal.clone()));
        let begun = rule.start_date.unwrap();
        assert_eq!(from_live(&live, begun), Some(AlarmMuteRule { start_date: None, ..normal }));
        assert_eq!(from_live(&GetAlarmMuteRuleOutput::builder().build(), begun), None);
    }
}
