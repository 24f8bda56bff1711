//! The spec from and to the SDK's types.

use aws_sdk_scheduler::error::BuildError;
use aws_sdk_scheduler::operation::get_schedule::GetScheduleOutput;
use aws_sdk_scheduler::primitives::DateTime;
use aws_sdk_scheduler::types::{
    ActionAfterCompletion, DeadLetterConfig, FlexibleTimeWindow, FlexibleTimeWindowMode, RetryPolicy,
    ScheduleState, Target,
};
use jiff::Timestamp;

use crate::resources::schedule::Schedule;

/// AWS's defaults of `RetryPolicy` (its API reference).
const RETRIES: u32 = 185;
const MAX_EVENT_AGE: u32 = 86_400;

/// A live schedule in normal form, or what makes it inexpressible. A start that has passed says nothing any more.
pub(super) fn from_live(live: &GetScheduleOutput, now: Timestamp) -> Result<Schedule, String> {
    let unknown = || "fields that this version of opsform does not know".to_owned();
    let target = live.target().ok_or_else(unknown)?;
    let features = inexpressible_features(live, target);
    if !features.is_empty() {
        return Err(features.join(", "));
    }
    let window = live.flexible_time_window();
    let flexible = window.filter(|window| *window.mode() == FlexibleTimeWindowMode::Flexible).map(|window| {
        let minutes = window.maximum_window_in_minutes().unwrap_or_default();
        u32::try_from(minutes).unwrap_or_default()
    });
    let policy = target.retry_policy();
    let number =
        |value: Option<i32>, default| value.and_then(|value| u32::try_from(value).ok()).unwrap_or(default);
    let time = |time: Option<&DateTime>| time.and_then(|time| Timestamp::from_second(time.secs()).ok());
    let mut schedule = Schedule {
        start_date: time(live.start_date()).filter(|start| *start > now),
        end_date: time(live.end_date()),
        enabled: live.state() != Some(&ScheduleState::Disabled),
        flexible_minutes: flexible,
        retries: number(policy.and_then(RetryPolicy::maximum_retry_attempts), RETRIES),
        max_event_age: number(policy.and_then(RetryPolicy::maximum_event_age_in_seconds), MAX_EVENT_AGE),
        dead_letter_arn: target.dead_letter_config().and_then(DeadLetterConfig::arn).map(str::to_owned),
        description: live.description().filter(|text| !text.is_empty()).map(str::to_owned),
        delete_after_completion: live.action_after_completion() == Some(&ActionAfterCompletion::Delete),
        ..Schedule::new(
            live.schedule_expression().ok_or_else(unknown)?,
            live.schedule_expression_timezone().unwrap_or("UTC"),
            target.arn(),
            target.role_arn(),
        )
    };
    schedule.set_input_text(target.input());
    Ok(schedule)
}

/// What the spec has no field for. Writing the schedule would remove it.
fn inexpressible_features(live: &GetScheduleOutput, target: &Target) -> Vec<&'static str> {
    let templated = target.ecs_parameters().is_some()
        || target.event_bridge_parameters().is_some()
        || target.kinesis_parameters().is_some()
        || target.sage_maker_pipeline_parameters().is_some()
        || target.sqs_parameters().is_some();
    [(live.kms_key_arn().is_some(), "a KMS key"), (templated, "a templated target")]
        .into_iter()
        .filter_map(|(present, name)| present.then_some(name))
        .collect()
}

/// The parts of a request that are alike in `CreateSchedule` and `UpdateSchedule`.
pub(super) struct Parts {
    pub(super) start: Option<DateTime>,
    pub(super) end: Option<DateTime>,
    pub(super) target: Target,
    pub(super) window: FlexibleTimeWindow,
    pub(super) state: ScheduleState,
    pub(super) after: ActionAfterCompletion,
}

/// The parts for a schedule. AWS refuses a start that lies in the past, and one that has passed says nothing.
pub(super) fn parts(schedule: &Schedule, now: Timestamp) -> Result<Parts, BuildError> {
    let signed = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    let policy = RetryPolicy::builder()
        .maximum_retry_attempts(signed(schedule.retries))
        .maximum_event_age_in_seconds(signed(schedule.max_event_age))
        .build();
    let dead_letters =
        schedule.dead_letter_arn.as_ref().map(|arn| DeadLetterConfig::builder().arn(arn).build());
    let target = Target::builder()
        .arn(&schedule.target_arn)
        .role_arn(&schedule.role_arn)
        .set_input(schedule.input_text())
        .retry_policy(policy)
        .set_dead_letter_config(dead_letters)
        .build()?;
    let window = match schedule.flexible_minutes {
        None => FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off),
        Some(minutes) => FlexibleTimeWindow::builder()
            .mode(FlexibleTimeWindowMode::Flexible)
            .maximum_window_in_minutes(signed(minutes)),
    };
    let date = |time: Option<Timestamp>| time.map(|time| DateTime::from_secs(time.as_second()));
    Ok(Parts {
        start: date(schedule.start_date.filter(|start| *start > now)),
        end: date(schedule.end_date),
        target,
        window: window.build()?,
        state: if schedule.enabled { ScheduleState::Enabled } else { ScheduleState::Disabled },
        after: if schedule.delete_after_completion {
            ActionAfterCompletion::Delete
        } else {
            ActionAfterCompletion::None
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    /// What AWS answers for a schedule that was written so.
    fn live(schedule: &Schedule) -> GetScheduleOutput {
        let parts = parts(schedule, NOW).unwrap();
        GetScheduleOutput::builder()
            .schedule_expression(&schedule.expression)
            .schedule_expression_timezone(&schedule.timezone)
            .set_description(schedule.description.clone())
            .set_start_date(parts.start)
            .set_end_date(parts.end)
            .target(parts.target)
            .flexible_time_window(parts.window)
            .state(parts.state)
            .action_after_completion(parts.after)
            .build()
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let mut schedule = Schedule::new("rate(1 day)", "Asia/Seoul", "arn:target", "arn:role");
        assert_eq!(from_live(&live(&schedule), NOW), Ok(schedule.clone()));
        schedule.ids = ["i-1".to_owned()].into();
        schedule.input = serde_json::json!({"Hibernate": true});
        schedule.flexible_minutes = Some(15);
        schedule.retries = 3;
        schedule.max_event_age = 60;
        schedule.enabled = false;
        schedule.delete_after_completion = true;
        schedule.description = Some("x".to_owned());
        schedule.dead_letter_arn = Some("arn:queue".to_owned());
        let time = |text: &str| text.parse::<Timestamp>().ok();
        schedule.start_date = time("2026-12-26T00:00:00Z");
        schedule.end_date = time("2026-12-30T23:59:59Z");
        assert_eq!(from_live(&live(&schedule), NOW), Ok(schedule));
    }

    #[test]
    fn a_schedule_that_has_begun_has_no_start() {
        let mut schedule = Schedule::new("rate(1 day)", "UTC", "arn:target", "arn:role");
        let start = "2026-12-26T00:00:00Z".parse::<Timestamp>().unwrap();
        schedule.start_date = Some(start);
        let read = |now| from_live(&live(&schedule), now).unwrap().start_date;
        assert_eq!(read(start - std::time::Duration::from_secs(1)), Some(start));
        assert_eq!(read(start), None);
    }

    #[test]
    fn what_aws_fills_in_is_what_we_take_for_left_out() {
        let target = Target::builder().arn("arn:target").role_arn("arn:role").build().unwrap();
        let live = GetScheduleOutput::builder().schedule_expression("rate(1 day)").target(target).build();
        let mut expected = Schedule::new("rate(1 day)", "UTC", "arn:target", "arn:role");
        (expected.retries, expected.max_event_age) = (RETRIES, MAX_EVENT_AGE);
        assert_eq!(from_live(&live, NOW), Ok(expected));
    }

    #[test]
    fn what_would_be_lost_is_inexpressible() {
        let mut odd = live(&Schedule::new("rate(1 day)", "UTC", "arn:target", "arn:role"));
        odd.kms_key_arn = Some("arn:key".to_owned());
        assert_eq!(from_live(&odd, NOW), Err("a KMS key".to_owned()));
    }
}
