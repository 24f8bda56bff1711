//! Kind `alarm_mute_rule`: times in which CloudWatch runs no actions of some alarms.

pub(in crate::resources) mod aws;
mod spec;
mod times;

pub use aws::AlarmMuteRuleKind;
pub use spec::{AlarmMuteRule, KIND, MOST_ALARMS, name};
