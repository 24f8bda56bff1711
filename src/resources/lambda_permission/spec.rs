//! The spec of a statement in normal form, for desired and actual alike.

use serde::{Deserialize, Serialize};

use crate::model::{Fields, KindText};
use crate::resources::lambda_function::with_digits;
use crate::resources::spec_fields;

/// The kind's name.
pub const KIND: &str = "lambda_permission";

/// The kind in words.
pub(super) const TEXT: KindText =
    KindText { kind: KIND, noun: "Lambda permission", plural: "Lambda permissions", shared: false, summary };

/// The action that lets a service call a function.
pub const INVOKE: &str = "lambda:InvokeFunction";

/// The most characters of a statement's id ("`AddPermission`" in the Lambda API reference).
const ID_LENGTH: usize = 100;

/// What the ids of our statements begin with.
const PREFIX: &str = "opsform-";

/// A statement of a function's policy that allows a service something. Its key is [`key`]; it is ours where its id says so and the function
/// is ours: statements bear no tags. AWS changes none, so a change is a removal with an addition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LambdaPermission {
    /// The service, such as `events.amazonaws.com`.
    pub principal: String,
    /// What it may do: [`INVOKE`].
    pub action: String,
    /// What of the service's may do it: a rule's ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_arn: Option<String>,
    /// Whose that must be: an account's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_account: Option<String>,
}

impl LambdaPermission {
    /// That a rule, or whatever else of a service has this ARN, may call the function.
    pub fn to_invoke(service: &str, source_arn: &str) -> Self {
        Self {
            principal: service.to_owned(),
            action: INVOKE.to_owned(),
            source_arn: Some(source_arn.to_owned()),
            source_account: None,
        }
    }

    /// The field map that the planner compares.
    pub fn to_fields(&self) -> Fields {
        spec_fields::to_fields(self)
    }

    /// The spec of a field map.
    ///
    /// # Errors
    /// Where the map is not one that [`LambdaPermission::to_fields`] makes, as after an edit of the state by hand.
    pub fn from_fields(fields: &Fields) -> Result<Self, serde_json::Error> {
        spec_fields::from_fields(fields)
    }
}

/// The natural key of a statement: `FUNCTION/STATEMENT_ID`.
pub fn key(function: &str, statement: &str) -> String {
    format!("{function}/{statement}")
}

/// Function and statement id of a [`key`].
pub fn parse_key(key: &str) -> Option<(&str, &str)> {
    key.split_once('/')
}

/// The id of a project's statement: `opsform-PROJECT-PARTS-DIGITS`. AWS takes letters, digits, `-` and `_` only, so that the digits tell apart
/// what is joined to the same text.
pub fn statement_id(project: &str, parts: &[&str]) -> String {
    let name = format!("{PREFIX}{project}-{}", parts.join("-"));
    with_digits(&name, &format!("{project}.{}", parts.join(".")), ID_LENGTH)
}

/// Whether a statement's id is one that opsform gives.
pub(super) fn is_ours(statement: &str) -> bool {
    statement.starts_with(PREFIX)
}

/// `events.amazonaws.com may call it for arn:aws:events:us-east-1:111122223333:rule/r`
fn summary(fields: &Fields) -> String {
    let Ok(permission) = LambdaPermission::from_fields(fields) else {
        return String::new();
    };
    let action = if permission.action == INVOKE { "call it".to_owned() } else { permission.action.clone() };
    let source = permission.source_arn.map_or_else(String::new, |arn| format!(" for {arn}"));
    let account = permission.source_account.map_or_else(String::new, |id| format!(" of account {id}"));
    format!("{} may {action}{source}{account}", permission.principal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_hold_the_whole_spec() {
        let rule = LambdaPermission::to_invoke("events.amazonaws.com", "arn:rule");
        let mut odd = rule.clone();
        (odd.source_arn, odd.source_account) = (None, Some("111122223333".to_owned()));
        assert_eq!(summary(&rule.to_fields()), "events.amazonaws.com may call it for arn:rule");
        assert_eq!(summary(&odd.to_fields()), "events.amazonaws.com may call it of account 111122223333");
        for permission in [rule, odd] {
            assert_eq!(LambdaPermission::from_fields(&permission.to_fields()).unwrap(), permission);
        }
    }

    #[test]
    fn ids_fit_and_stay_apart() {
        let ids = [&["a-b", "c"][..], &["a", "b-c"], &["a.b", "c"]].map(|parts| statement_id("p", parts));
        assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2], "{ids:?}");
        for id in ids.into_iter().chain([statement_id("p", &[&"x".repeat(120)])]) {
            assert!(id.len() <= ID_LENGTH && is_ours(&id), "{id}");
            assert!(id.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)), "{id}");
            assert_eq!(parse_key(&key("f", &id)), Some(("f", &*id)));
        }
    }
}
