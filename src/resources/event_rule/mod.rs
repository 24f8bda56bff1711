//! Kind `event_rule`: a rule of EventBridge's default bus that runs on a schedule, with its targets.

mod aws;
mod spec;

pub use aws::EventRuleKind;
pub use spec::{
    EventRule, KIND, MAX_TARGETS, RuleTarget, built_in_target, fitting_name, rule_name, runbook_target,
};
