//! What an event asks for. An event is somebody else's text: nothing of it is believed that was not looked at.

use serde_json::Value;

use crate::declarations::{EVENT_STATES, id_fault};
use crate::inventory::TargetKind;

/// How much of an event's text an error repeats.
const SHOWN: usize = 60;

/// A label as a manifest may have it.
const LABEL_LENGTH: usize = 128;

/// A job that is to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its label.
    pub job: String,
    /// The instance that it is about.
    pub instance: Option<String>,
    /// The state that the instance has entered.
    pub state: Option<String>,
}

impl Order {
    /// Reads an event: `{"job": "LABEL"}`, with `"event"` as EventBridge tells of an instance, or with `"instance"` and `"state"` of its own.
    ///
    /// # Errors
    /// What is wrong with it and what is allowed.
    pub fn from_event(event: &Value) -> Result<Self, String> {
        const ALLOWED: &str =
            "an event is {\"job\": \"LABEL\"}, with \"instance\" where the job is about one";
        let Some(fields) = event.as_object() else {
            return Err(format!("the event is {}; {ALLOWED}", shown(event)));
        };
        let job = match fields.get("job") {
            Some(Value::String(job)) => job.clone(),
            Some(other) => return Err(format!("`job` is {}; {ALLOWED}", shown(other))),
            None if fields.contains_key("detail-type") => {
                return Err(format!("the event names no job: a rule of opsform's wraps it; {ALLOWED}"));
            }
            None => return Err(format!("the event names no job; {ALLOWED}")),
        };
        let label = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if job.is_empty() || job.len() > LABEL_LENGTH || !job.chars().all(label) {
            return Err(format!(
                "`job` is {}, which is no label: letters, digits, `-` and `_`",
                shown(&job.into())
            ));
        }
        if let Some(name) =
            fields.keys().find(|name| !["job", "event", "instance", "state"].contains(&&***name))
        {
            return Err(format!("the event has a field {}; {ALLOWED}", shown(&Value::from(name.as_str()))));
        }
        let (instance, state) = match fields.get("event") {
            Some(event) => of_event(event)?,
            None => (text(fields.get("instance"), "instance")?, text(fields.get("state"), "state")?),
        };
        let order = Self { job, instance, state };
        order.check()?;
        Ok(order)
    }

    /// Whether instance and state are such.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(&self) -> Result<(), String> {
        if let Some(id) = &self.instance
            && let Some(hint) = id_fault(TargetKind::Ec2, id)
        {
            return Err(format!("{} is not the id of an instance; {hint}", shown(&id.as_str().into())));
        }
        match &self.state {
            Some(state) if !EVENT_STATES.contains(&&**state) => Err(format!(
                "{} is no state of an instance; states are {}",
                shown(&state.as_str().into()),
                EVENT_STATES.join(", ")
            )),
            _ => Ok(()),
        }
    }
}

/// The instance and its state in an event of EC2.
fn of_event(event: &Value) -> Result<(Option<String>, Option<String>), String> {
    if event["source"] != "aws.ec2" || event["detail-type"] != "EC2 Instance State-change Notification" {
        return Err(format!(
            "the event within is of {}, {}; jobs know \"EC2 Instance State-change Notification\" of \"aws.ec2\"",
            shown(&event["source"]),
            shown(&event["detail-type"])
        ));
    }
    let detail = &event["detail"];
    let instance = text(detail.get("instance-id"), "detail.instance-id")?;
    let state = text(detail.get("state"), "detail.state")?;
    match (instance, state) {
        (Some(instance), Some(state)) => Ok((Some(instance), Some(state))),
        _ => Err("the event within names no instance with a state".to_owned()),
    }
}

fn text(value: Option<&Value>, name: &str) -> Result<Option<String>, String> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(format!("`{name}` is {}, and a text is needed", shown(other))),
    }
}

/// A value in a few words.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= SHOWN {
        return text;
    }
    format!("{}… ({} characters)", text.chars().take(SHOWN).collect::<String>(), text.chars().count())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stopped(detail: Value) -> Value {
        let event = json!({
            "version": "0", "id": "x", "source": "aws.ec2", "account": "111122223333", "region": "us-east-1",
            "detail-type": "EC2 Instance State-change Notification", "detail": detail,
        });
        json!({ "job": "park", "event": event })
    }

    #[test]
    fn an_event_names_a_job_and_may_name_an_instance() {
        let order = Order::from_event(&json!({ "job": "audit" })).unwrap();
        assert_eq!(order, Order { job: "audit".to_owned(), instance: None, state: None });
        let order =
            Order::from_event(&stopped(json!({"instance-id": "i-0123456789abcdef0", "state": "stopped"})));
        let order = order.unwrap();
        assert_eq!(
            (order.instance.as_deref(), order.state.as_deref()),
            (Some("i-0123456789abcdef0"), Some("stopped"))
        );
        let order = Order::from_event(&json!({ "job": "unpark", "instance": "i-01234567" })).unwrap();
        assert_eq!(order.instance.as_deref(), Some("i-01234567"));
    }

    #[test]
    fn what_is_no_order_is_told_with_what_is_allowed() {
        let fault = |event: Value| Order::from_event(&event).unwrap_err();
        assert!(fault(json!([1])).starts_with("the event is [1]; an event is {\"job\""));
        assert!(fault(json!({})).contains("names no job"));
        assert!(fault(json!({"detail-type": "x"})).contains("a rule of opsform's wraps it"));
        assert!(fault(json!({"job": 3})).contains("`job` is 3"));
        assert!(fault(json!({"job": "a b"})).contains("no label"));
        assert!(fault(json!({"job": "--help "})).contains("no label"));
        assert!(fault(json!({"job": "a", "run": ["destroy"]})).contains("a field \"run\""));
        for id in ["web-1", "i-0123456789abcdef0; rm -rf /", "i-0123456789ABCDEF0", "--yes"] {
            assert!(
                fault(json!({"job": "a", "instance": id})).contains("is not the id of an instance"),
                "{id}"
            );
        }
        assert!(fault(json!({"job": "a", "instance": ["i-01234567"]})).contains("a text is needed"));
        let odd = stopped(json!({"instance-id": "i-01234567", "state": "parked"}));
        assert!(fault(odd).contains("\"parked\" is no state of an instance; states are pending, running"));
        assert!(fault(stopped(json!({"state": "stopped"}))).contains("names no instance"));
        assert!(fault(json!({"job": "a", "event": {"source": "aws.s3"}})).contains("of \"aws.s3\", null"));
        let huge = fault(json!("x".repeat(100_000)));
        assert!(huge.len() < 300 && huge.contains("100002 characters"), "{huge}");
    }
}
