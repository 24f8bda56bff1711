//! The spec of a rule with its targets in normal form, for desired and actual alike.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::aws::partition;
use crate::model::{Fields, KindText, Scope};
use crate::resources::schedule::names::{LENGTH, fitting};
use crate::resources::spec_fields;

/// The kind's name.
pub const KIND: &str = "event_rule";

/// The kind in words.
pub(super) const TEXT: KindText =
    KindText { kind: KIND, noun: "event rule", plural: "event rules", shared: false, summary };

/// The most targets that a rule may have ("`PutTargets`" in the EventBridge API reference). AWS refuses a sixth with a whole
/// request, so who declares rules divides their targets.
pub const MAX_TARGETS: usize = 5;

/// A rule of the default bus that runs on a schedule, in UTC. Its key is its name; its owner is in its tags.
///
/// What AWS knows of rules and targets and this spec does not makes a rule inexpressible (see `aws/convert.rs`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventRule {
    /// `cron(…)` in UTC, or `rate(…)`.
    pub expression: String,
    /// Whether it fires.
    pub enabled: bool,
    /// What a person reads in the console: up to 512 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it calls, sorted by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<RuleTarget>,
}

/// One target of a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleTarget {
    /// Its id within the rule: 1 to 64 letters, digits, `.`, `-` and `_`.
    pub id: String,
    /// What is called, such as `arn:aws:events:REGION:ACCOUNT:target/stop-instance`.
    pub arn: String,
    /// The role that calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// What it is given: a JSON value, of a built-in target the id as a string. Absent where it is given the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
    /// How often a call that failed is tried again: 0 to 185. Absent for 185, AWS's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
    /// Seconds after which a call that failed is given up: 60 to 86,400. Absent for 86,400, AWS's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_event_age: Option<u32>,
    /// The SQS queue that hears of calls that failed for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_letter_arn: Option<String>,
}

impl EventRule {
    /// A rule that is enabled.
    pub fn new(expression: &str, mut targets: Vec<RuleTarget>) -> Self {
        targets.sort_by(|one, other| one.id.cmp(&other.id));
        Self { expression: expression.to_owned(), enabled: true, description: None, targets }
    }

    /// The field map that the planner compares.
    pub fn to_fields(&self) -> Fields {
        spec_fields::to_fields(self)
    }

    /// The spec of a field map.
    ///
    /// # Errors
    /// Where the map is not one that [`EventRule::to_fields`] makes, as after an edit of the state by hand.
    pub fn from_fields(fields: &Fields) -> Result<Self, serde_json::Error> {
        spec_fields::from_fields(fields)
    }

    /// Whether it stops what it is about: the built-in target, or a runbook whose name or parameter `Action` says so.
    pub(super) fn stops(&self) -> bool {
        self.targets.iter().any(|target| {
            let name = target.arn.rsplit('/').next().unwrap_or_default();
            let action = target.input.as_ref().map(|input| &input["Action"][0]);
            name == "stop-instance" || name.starts_with("AWS-Stop") || action == Some(&Value::from("Stop"))
        })
    }

    /// The ids of its targets.
    pub(super) fn target_ids(&self) -> BTreeSet<&str> {
        self.targets.iter().map(|target| &*target.id).collect()
    }
}

impl RuleTarget {
    /// A target that is called with AWS's own retries.
    pub fn new(id: &str, arn: &str, role_arn: &str, input: Value) -> Self {
        Self {
            id: id.to_owned(),
            arn: arn.to_owned(),
            role_arn: Some(role_arn.to_owned()),
            input: Some(input),
            retries: None,
            max_event_age: None,
            dead_letter_arn: None,
        }
    }
}

/// The name itself where AWS takes it for a rule; else its beginning with what tells it from others that begin so.
pub fn fitting_name(name: &str) -> String {
    fitting(name, LENGTH)
}

/// The name of a project's rule, `opsform-PROJECT.PARTS`, shortened where AWS would not take it. The parts are joined with dots,
/// which neither labels nor ids hold, so that no two lists of parts make one name.
pub fn rule_name(project: &str, parts: &[&str]) -> String {
    fitting(&format!("opsform-{project}.{}", parts.join(".")), LENGTH)
}

/// A target that EventBridge has built in: `arn:aws:events:REGION:ACCOUNT:target/stop-instance`. It is given the id that it is about
/// as a JSON string, and needs a role. AWS's reference calls these targets the console's alone, and takes them from anybody.
pub fn built_in_target(scope: &Scope, name: &str) -> String {
    format!("arn:{}:events:{}:{}:target/{name}", partition(&scope.region), scope.region, scope.account)
}

/// A runbook of Systems Manager Automation that is AWS's own, so that its ARN names no account ("How AWS Systems Manager works with
/// IAM" in the Systems Manager user guide).
pub fn runbook_target(scope: &Scope, name: &str) -> String {
    format!("arn:{}:ssm:{}::automation-definition/{name}:$DEFAULT", partition(&scope.region), scope.region)
}

/// `cron(0 10 ? * MON-FRI *) UTC: stop-instance of i-0a, i-0b`
fn summary(fields: &Fields) -> String {
    let Ok(rule) = EventRule::from_fields(fields) else {
        return String::new();
    };
    let name = |target: &RuleTarget| {
        let name = target.arn.rsplit('/').next().unwrap_or_default();
        name.strip_suffix(":$DEFAULT").unwrap_or(name).to_owned()
    };
    let called: BTreeSet<String> = rule.targets.iter().map(name).collect();
    let called = called.into_iter().collect::<Vec<_>>().join(", ");
    let ids = rule.targets.iter().map(|target| &*target.id).collect::<Vec<_>>().join(", ");
    let targets = if ids.is_empty() { "no target".to_owned() } else { format!("{called} of {ids}") };
    let zone = if rule.expression.starts_with("rate(") { "" } else { " UTC" };
    let disabled = if rule.enabled { "" } else { " (disabled)" };
    format!("{}{zone}: {targets}{disabled}", rule.expression)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stop() -> EventRule {
        let arn = "arn:aws:events:us-east-1:111122223333:target/stop-instance";
        let target = |id: &str| RuleTarget::new(id, arn, "arn:role", json!(id));
        EventRule::new("cron(0 10 ? * MON-FRI *)", vec![target("i-0b"), target("i-0a")])
    }

    #[test]
    fn fields_hold_the_whole_spec() {
        let mut odd = stop();
        odd.enabled = false;
        odd.description = Some("x".to_owned());
        odd.targets[0].input = Some(json!({"InstanceId": ["i-0a"]}));
        (odd.targets[0].retries, odd.targets[0].max_event_age) = (Some(0), Some(60));
        odd.targets[0].dead_letter_arn = Some("arn:queue".to_owned());
        (odd.targets[1].role_arn, odd.targets[1].input) = (None, None);
        for rule in [stop(), odd, EventRule::new("rate(1 day)", Vec::new())] {
            let text = serde_json::to_string(&rule.to_fields()).unwrap();
            let fields: Fields = serde_json::from_str(&text).unwrap();
            assert_eq!(EventRule::from_fields(&fields).unwrap(), rule);
        }
        assert_eq!(stop().target_ids().into_iter().collect::<Vec<_>>(), ["i-0a", "i-0b"]);
        assert_eq!(stop().targets[0].id, "i-0a");
    }

    #[test]
    fn a_summary_says_when_and_what() {
        assert_eq!(summary(&stop().to_fields()), "cron(0 10 ? * MON-FRI *) UTC: stop-instance of i-0a, i-0b");
        assert_eq!(summary(&EventRule::new("rate(1 day)", Vec::new()).to_fields()), "rate(1 day): no target");
    }

    #[test]
    fn a_name_fits() {
        assert_eq!(rule_name("payments", &["office", "stop", "ec2"]), "opsform-payments.office.stop.ec2");
        assert_eq!(rule_name("payments", &[&"x".repeat(80)]).len(), 64);
    }
}
