//! Kind `event_rule`: a rule of EventBridge's default bus that runs on a schedule or for events, with its targets.

mod aws;
mod spec;

pub use aws::EventRuleKind;
pub use spec::{
    EventRule, KIND, MAX_TARGETS, RuleTarget, When, built_in_target, fitting_name, normal_pattern, rule_arn,
    rule_name, runbook_target,
};
