//! The spec of a rule with its targets in normal form, for desired and actual alike.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::aws::partition;
use crate::model::{Fields, KindText, Scope};
use crate::resources::lambda_function::function_of_arn;
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

/// A rule of the default bus that runs on a schedule, in UTC, or when an event comes. Its key is its name; its owner is in its
/// tags.
///
/// What AWS knows of rules and targets and this spec does not makes a rule inexpressible (see `aws/convert.rs`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventRule {
    /// When it fires.
    #[serde(flatten)]
    pub when: When,
    /// Whether it fires.
    pub enabled: bool,
    /// What a person reads in the console: up to 512 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it calls, sorted by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<RuleTarget>,
}

/// When a rule fires. AWS takes both in one rule, which this spec cannot express.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// At the times of `cron(…)` in UTC, or `rate(…)`.
    Expression(String),
    /// For each event that this pattern matches, in normal form ([`normal_pattern`]).
    Pattern(Value),
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
    /// Instead of an input: a text that becomes one with parts of the event in it, `{"event":<aws.events.event.json>}` ("Amazon EventBridge
    /// input transformation" in the EventBridge user guide). Its variables are AWS's own; a map of paths it cannot have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_template: Option<String>,
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
    /// A rule on a schedule that is enabled.
    pub fn new(expression: &str, targets: Vec<RuleTarget>) -> Self {
        Self::of(When::Expression(expression.to_owned()), targets)
    }

    /// A rule for events that is enabled.
    pub fn on(pattern: &Value, targets: Vec<RuleTarget>) -> Self {
        Self::of(When::Pattern(normal_pattern(pattern)), targets)
    }

    pub(super) fn of(when: When, mut targets: Vec<RuleTarget>) -> Self {
        targets.sort_by(|one, other| one.id.cmp(&other.id));
        Self { when, enabled: true, description: None, targets }
    }

    /// Its schedule expression, where it has one.
    pub fn expression(&self) -> Option<&str> {
        match &self.when {
            When::Expression(expression) => Some(expression),
            When::Pattern(_) => None,
        }
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
            input_template: None,
            retries: None,
            max_event_age: None,
            dead_letter_arn: None,
        }
    }

    /// A Lambda function, which is given this, or the event itself. It takes no role: the function's own policy lets the rule
    /// call it ("Amazon EventBridge resource-based policies" in the EventBridge user guide).
    pub fn function(id: &str, arn: &str, input: Option<Value>) -> Self {
        Self { role_arn: None, input, ..Self::new(id, arn, "", Value::Null) }
    }
}

/// An event pattern in normal form: the values that a field may have are sorted, each once, because any of them will do
/// ("Creating Amazon EventBridge event patterns" in the user guide). What matches otherwise than by a value (`{"numeric": [">", 0]}`)
/// stays as it is: the order in it has a meaning.
pub fn normal_pattern(pattern: &Value) -> Value {
    match pattern {
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), values(name, value))).collect()
        }
        other => other.clone(),
    }
}

fn values(name: &str, value: &Value) -> Value {
    let Value::Array(list) = value else { return normal_pattern(value) };
    // The alternatives of `$or` are patterns themselves.
    let list = list.iter().map(|one| if name == "$or" { normal_pattern(one) } else { one.clone() });
    let mut list: Vec<Value> = list.collect();
    list.sort_by_cached_key(Value::to_string);
    list.dedup();
    Value::Array(list)
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

/// The ARN of a rule of the default bus: `arn:aws:events:REGION:ACCOUNT:rule/NAME`.
pub fn rule_arn(scope: &Scope, name: &str) -> String {
    format!("arn:{}:events:{}:{}:rule/{name}", partition(&scope.region), scope.region, scope.account)
}

/// `cron(0 10 ? * MON-FRI *) UTC: stop-instance of i-0a, i-0b`, or `on {"source":["aws.ec2"]}: function opsform-p-runner`
fn summary(fields: &Fields) -> String {
    let Ok(rule) = EventRule::from_fields(fields) else {
        return String::new();
    };
    let when = match &rule.when {
        When::Expression(expression) if expression.starts_with("rate(") => expression.clone(),
        When::Expression(expression) => format!("{expression} UTC"),
        When::Pattern(pattern) => format!("on {pattern}"),
    };
    let disabled = if rule.enabled { "" } else { " (disabled)" };
    format!("{when}: {}{disabled}", targets_in_words(&rule.targets))
}

fn targets_in_words(targets: &[RuleTarget]) -> String {
    let mut functions = BTreeSet::new();
    let (mut called, mut ids) = (BTreeSet::new(), Vec::new());
    for target in targets {
        if let Some(name) = function_of_arn(&target.arn) {
            functions.insert(format!("function {name}"));
            continue;
        }
        let name = target.arn.rsplit('/').next().unwrap_or_default();
        called.insert(name.strip_suffix(":$DEFAULT").unwrap_or(name));
        ids.push(&*target.id);
    }
    let called: Vec<&str> = called.into_iter().collect();
    let others = (!ids.is_empty()).then(|| format!("{} of {}", called.join(", "), ids.join(", ")));
    let all: Vec<String> = functions.into_iter().chain(others).collect();
    if all.is_empty() { "no target".to_owned() } else { all.join(", ") }
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

    fn stopped() -> EventRule {
        let arn = "arn:aws:lambda:us-east-1:111122223333:function:opsform-p-runner";
        let pattern = json!({"source": ["aws.ec2"], "detail": {"state": ["stopped", "running", "stopped"]}});
        EventRule::on(&pattern, vec![RuleTarget::function("job", arn, None)])
    }

    #[test]
    fn a_rule_has_a_schedule_or_a_pattern() {
        let fields = stopped().to_fields();
        assert_eq!(
            fields["pattern"],
            json!({"detail": {"state": ["running", "stopped"]}, "source": ["aws.ec2"]})
        );
        assert!(!fields.contains_key("expression") && stopped().expression().is_none());
        assert_eq!(stop().to_fields()["expression"], "cron(0 10 ? * MON-FRI *)");
        let neither: Fields = fields.into_iter().filter(|(name, _)| name != "pattern").collect();
        assert!(EventRule::from_fields(&neither).is_err());
    }

    #[test]
    fn what_has_no_meaning_in_a_pattern_makes_no_difference() {
        let of = |text: &str| normal_pattern(&serde_json::from_str(text).unwrap());
        let (one, other) =
            (r#"{"a": ["x", "y", "x"], "b": {"c": [1]}}"#, r#"{"b": {"c": [1]}, "a": ["y", "x"]}"#);
        assert_eq!(of(one), of(other));
        let (one, other) =
            (r#"{"$or": [{"a": ["x", "y"]}, {"b": [1]}]}"#, r#"{"$or": [{"b": [1]}, {"a": ["y", "x"]}]}"#);
        assert_eq!(of(one), of(other));
        let (one, other) =
            (r#"{"a": [{"numeric": [">", 0, "<", 9]}]}"#, r#"{"a": [{"numeric": ["<", 9, ">", 0]}]}"#);
        assert_ne!(of(one), of(other));
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
        for rule in [stop(), odd, stopped(), EventRule::new("rate(1 day)", Vec::new())] {
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
        let told = r#"on {"detail":{"state":["running","stopped"]},"source":["aws.ec2"]}: function opsform-p-runner"#;
        assert_eq!(summary(&stopped().to_fields()), told);
    }

    #[test]
    fn a_name_fits() {
        assert_eq!(rule_name("payments", &["office", "stop", "ec2"]), "opsform-payments.office.stop.ec2");
        assert_eq!(rule_name("payments", &[&"x".repeat(80)]).len(), 64);
    }
}
