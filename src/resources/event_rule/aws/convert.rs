//! The spec from and to the SDK's types.

use aws_sdk_eventbridge::error::BuildError;
use aws_sdk_eventbridge::types::{
    DeadLetterConfig, InputTransformer, RetryPolicy, Rule, RuleState, Tag, Target,
};

use crate::aws::{LABEL_TAG, PROJECT_TAG};
use crate::plan::Change;
use crate::resources::event_rule::{EventRule, RuleTarget, When, normal_pattern};

/// AWS's defaults of `RetryPolicy` ("Event retry policy and using dead-letter queues" in the EventBridge user guide).
const RETRIES: u32 = 185;
const MAX_EVENT_AGE: u32 = 86_400;

/// A live rule in normal form without its targets, or what makes it inexpressible.
pub(super) fn from_live(rule: &Rule) -> Result<EventRule, String> {
    let (expression, pattern) = (given(rule.schedule_expression()), given(rule.event_pattern()));
    let odd_state = rule.state().is_some_and(|s| !matches!(s, RuleState::Enabled | RuleState::Disabled));
    let managed = rule.managed_by().filter(|service| !service.is_empty());
    let features: Vec<String> = [
        (expression.is_some() && pattern.is_some())
            .then(|| "an event pattern besides its schedule".to_owned()),
        managed.map(|service| format!("the management of {service}")),
        rule.role_arn().is_some_and(|text| !text.is_empty()).then(|| "a role of the rule itself".to_owned()),
        odd_state.then(|| "a state that is neither ENABLED nor DISABLED".to_owned()),
        rule.event_bus_name()
            .is_some_and(|bus| bus != "default")
            .then(|| "an event bus of its own".to_owned()),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !features.is_empty() {
        return Err(features.join(", "));
    }
    let when = match (expression, pattern) {
        (Some(expression), _) => When::Expression(expression.to_owned()),
        (None, Some(pattern)) => {
            let pattern =
                serde_json::from_str(pattern).map_err(|_| "an event pattern that is no JSON".to_owned())?;
            When::Pattern(normal_pattern(&pattern))
        }
        (None, None) => return Err("fields that this version of opsform does not know".to_owned()),
    };
    Ok(EventRule {
        enabled: rule.state() != Some(&RuleState::Disabled),
        description: rule.description().filter(|text| !text.is_empty()).map(str::to_owned),
        ..EventRule::of(when, Vec::new())
    })
}

/// A text that is there; AWS may answer an empty one for none.
fn given(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

/// A live target in normal form, or what makes its rule inexpressible.
pub(super) fn target_from_live(live: &Target) -> Result<RuleTarget, String> {
    let features = inexpressible_features(live);
    if !features.is_empty() {
        return Err(features.join(", "));
    }
    let input = live.input().map(serde_json::from_str).transpose();
    let input = input.map_err(|_| "a target's input that is no JSON".to_owned())?;
    let policy = live.retry_policy();
    let number = |value: Option<i32>, default| {
        value.and_then(|value| u32::try_from(value).ok()).filter(|value| *value != default)
    };
    Ok(RuleTarget {
        id: live.id().to_owned(),
        arn: live.arn().to_owned(),
        role_arn: live.role_arn().map(str::to_owned),
        input,
        input_template: live.input_transformer().map(|transformer| transformer.input_template().to_owned()),
        retries: number(policy.and_then(RetryPolicy::maximum_retry_attempts), RETRIES),
        max_event_age: number(policy.and_then(RetryPolicy::maximum_event_age_in_seconds), MAX_EVENT_AGE),
        dead_letter_arn: live.dead_letter_config().and_then(DeadLetterConfig::arn).map(str::to_owned),
    })
}

/// What the spec has no field for. Writing the target would remove it.
fn inexpressible_features(live: &Target) -> Vec<&'static str> {
    let parameters = live.kinesis_parameters().is_some()
        || live.run_command_parameters().is_some()
        || live.ecs_parameters().is_some()
        || live.batch_parameters().is_some()
        || live.sqs_parameters().is_some()
        || live.http_parameters().is_some()
        || live.redshift_data_parameters().is_some()
        || live.sage_maker_pipeline_parameters().is_some()
        || live.app_sync_parameters().is_some();
    let paths = live
        .input_transformer()
        .and_then(InputTransformer::input_paths_map)
        .is_some_and(|paths| !paths.is_empty());
    [
        (live.input_path().is_some(), "a target's input path"),
        (paths, "a target's input transformer with paths"),
        (parameters, "a target's parameters"),
    ]
    .into_iter()
    .filter_map(|(present, name)| present.then_some(name))
    .collect()
}

/// A target for writing. A retry policy that is AWS's own is not sent.
pub(super) fn target(spec: &RuleTarget) -> Result<Target, BuildError> {
    let signed = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    let policy = (spec.retries.is_some() || spec.max_event_age.is_some()).then(|| {
        RetryPolicy::builder()
            .maximum_retry_attempts(signed(spec.retries.unwrap_or(RETRIES)))
            .maximum_event_age_in_seconds(signed(spec.max_event_age.unwrap_or(MAX_EVENT_AGE)))
            .build()
    });
    let transformer = spec.input_template.as_ref();
    let transformer =
        transformer.map(|text| InputTransformer::builder().input_template(text).build()).transpose()?;
    let dead_letters = spec.dead_letter_arn.as_ref().map(|arn| DeadLetterConfig::builder().arn(arn).build());
    Target::builder()
        .id(&spec.id)
        .arn(&spec.arn)
        .set_role_arn(spec.role_arn.clone())
        .set_input(spec.input.as_ref().map(ToString::to_string))
        .set_input_transformer(transformer)
        .set_retry_policy(policy)
        .set_dead_letter_config(dead_letters)
        .build()
}

/// The state of a rule for writing.
pub(super) fn state(rule: &EventRule) -> RuleState {
    if rule.enabled { RuleState::Enabled } else { RuleState::Disabled }
}

/// The tags that say whose a rule is.
pub(super) fn own_tags(project: &str, change: &Change) -> Vec<Tag> {
    let own = [(PROJECT_TAG, project), (LABEL_TAG, &*change.origin.label)];
    own.into_iter().filter_map(|(key, value)| Tag::builder().key(key).value(value).build().ok()).collect()
}

#[cfg(test)]
mod tests {
    use aws_sdk_eventbridge::types::SqsParameters;
    use serde_json::json;

    use super::*;

    fn live() -> Rule {
        Rule::builder().name("r").schedule_expression("rate(1 day)").state(RuleState::Enabled).build()
    }

    #[test]
    fn a_rule_is_read_in_normal_form() {
        let plain = EventRule::new("rate(1 day)", Vec::new());
        assert_eq!(from_live(&live()), Ok(plain.clone()));
        let mut odd = live();
        (odd.state, odd.description) = (Some(RuleState::Disabled), Some(String::new()));
        odd.event_bus_name = Some("default".to_owned());
        assert_eq!(from_live(&odd), Ok(EventRule { enabled: false, ..plain }));
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let mut spec = RuleTarget::new("i-1", "arn:target", "arn:role", json!("i-1"));
        assert_eq!(target(&spec).unwrap().input(), Some("\"i-1\""));
        assert_eq!(target(&spec).unwrap().retry_policy(), None);
        assert_eq!(target_from_live(&target(&spec).unwrap()), Ok(spec.clone()));
        spec.input = Some(json!({"InstanceId": ["i-1"], "AutomationAssumeRole": ["arn"]}));
        (spec.retries, spec.max_event_age) = (Some(0), Some(3_600));
        spec.dead_letter_arn = Some("arn:queue".to_owned());
        assert_eq!(target_from_live(&target(&spec).unwrap()), Ok(spec.clone()));
        (spec.retries, spec.input, spec.role_arn) = (None, None, None);
        assert_eq!(target_from_live(&target(&spec).unwrap()), Ok(spec.clone()));
        spec.input_template = Some("{\"event\":<aws.events.event.json>}".to_owned());
        assert_eq!(target_from_live(&target(&spec).unwrap()), Ok(spec));
    }

    #[test]
    fn what_would_be_lost_is_inexpressible() {
        let mut odd = live();
        odd.event_pattern = Some("{}".to_owned());
        odd.managed_by = Some("autoscaling.amazonaws.com".to_owned());
        let told = "an event pattern besides its schedule, the management of autoscaling.amazonaws.com";
        assert_eq!(from_live(&odd), Err(told.to_owned()));
        let pattern = |text: &str| Rule::builder().name("r").event_pattern(text).build();
        let on = EventRule::on(&json!({"a": ["x", "y"]}), Vec::new());
        assert_eq!(from_live(&pattern(r#"{"a": ["y", "x"]}"#)), Ok(on));
        assert_eq!(from_live(&pattern("{")), Err("an event pattern that is no JSON".to_owned()));
        let mut cloudtrail = live();
        cloudtrail.state = Some(RuleState::EnabledWithAllCloudtrailManagementEvents);
        assert!(from_live(&cloudtrail).unwrap_err().contains("a state"));
        let mut odd = Target::builder().id("x").arn("arn:x").build().unwrap();
        odd.input_transformer = Some(
            InputTransformer::builder().input_template("x").input_paths_map("a", "$.b").build().unwrap(),
        );
        odd.sqs_parameters = Some(SqsParameters::builder().build());
        let told = "a target's input transformer with paths, a target's parameters";
        assert_eq!(target_from_live(&odd), Err(told.to_owned()));
        let raw = Target::builder().id("x").arn("arn:x").input("vol-1").build().unwrap();
        assert!(target_from_live(&raw).is_err());
    }
}
