//! The spec of a role in normal form, for desired and actual alike.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::policy::normal_policy;
use crate::aws::partition;
use crate::model::{Fields, KindText, Scope};
use crate::resources::schedule::names::fitting;
use crate::resources::spec_fields;

/// The kind's name.
pub const KIND: &str = "iam_role";

/// The kind in words.
pub(super) const TEXT: KindText =
    KindText { kind: KIND, noun: "IAM role", plural: "IAM roles", shared: false, summary };

/// AWS's default of `MaxSessionDuration`, in seconds; 3,600 to 43,200 are allowed ("`CreateRole`" in the IAM API reference).
pub const MAX_SESSION: u32 = 3_600;

/// The most characters of a role's name (same page).
const NAME_LENGTH: usize = 64;

/// A role with one inline policy. Its key is its name, which holds for the whole account: its address has the region of what it is for,
/// and its name should have it too ([`role_name`]).
///
/// Policies that others attached, more inline policies and a permissions boundary make a role inexpressible (see
/// `aws/read.rs`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IamRole {
    /// Who may take it on, in normal form.
    pub trust: Value,
    /// What it may do: its inline policy in normal form. Absent for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Value>,
    /// What a person reads in the console: up to 1,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The longest session, in seconds: 3,600 to 43,200. AWS's default is [`MAX_SESSION`].
    pub max_session: u32,
}

impl IamRole {
    /// A role with these documents, put into normal form, and AWS's session length.
    pub fn new(trust: &Value, policy: Option<&Value>) -> Self {
        Self {
            trust: normal_policy(trust),
            policy: policy.map(normal_policy),
            description: None,
            max_session: MAX_SESSION,
        }
    }

    /// The field map that the planner compares.
    pub fn to_fields(&self) -> Fields {
        let (trust, policy) = (normal_policy(&self.trust), self.policy.as_ref().map(normal_policy));
        spec_fields::to_fields(&Self { trust, policy, ..self.clone() })
    }

    /// The spec of a field map.
    ///
    /// # Errors
    /// Where the map is not one that [`IamRole::to_fields`] makes, as after an edit of the state by hand.
    pub fn from_fields(fields: &Fields) -> Result<Self, serde_json::Error> {
        spec_fields::from_fields(fields)
    }
}

/// A trust policy that lets services take a role on: `lambda.amazonaws.com`, `scheduler.amazonaws.com`.
pub fn trust_of(services: &[&str]) -> Value {
    normal_policy(&json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Principal": { "Service": services }, "Action": "sts:AssumeRole" }],
    }))
}

/// The name of a project's role for something in one region, `opsform-PROJECT.PARTS.REGION`, shortened where IAM would not take it.
/// Names of roles hold for all regions, so that without the region two regions would share one role.
pub fn role_name(project: &str, region: &str, parts: &[&str]) -> String {
    fitting(&format!("opsform-{project}.{}.{region}", parts.join(".")), NAME_LENGTH)
}

/// The ARN of a role with this name: `arn:aws:iam::ACCOUNT:role/NAME`.
pub fn role_arn(scope: &Scope, name: &str) -> String {
    format!("arn:{}:iam::{}:role/{name}", partition(&scope.region), scope.account)
}

/// `for lambda.amazonaws.com, scheduler.amazonaws.com: 12 actions`
fn summary(fields: &Fields) -> String {
    let Ok(role) = IamRole::from_fields(fields) else {
        return String::new();
    };
    let statements = |policy: &Value| policy["Statement"].as_array().cloned().unwrap_or_default();
    let texts = |value: &Value| match value {
        Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        one => one.as_str().map(str::to_owned).into_iter().collect::<Vec<_>>(),
    };
    let trusted: Vec<String> =
        statements(&role.trust).iter().flat_map(|one| texts(&one["Principal"]["Service"])).collect();
    let trusted = if trusted.is_empty() { "others than services".to_owned() } else { trusted.join(", ") };
    let allowed: Vec<Value> = role.policy.as_ref().map(statements).unwrap_or_default();
    match allowed.iter().map(|one| texts(&one["Action"]).len()).sum::<usize>() {
        0 => format!("for {trusted}, without a policy"),
        1 => format!("for {trusted}: 1 action"),
        count => format!("for {trusted}: {count} actions"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role() -> IamRole {
        let policy = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": ["ec2:StopInstances", "ec2:StartInstances"], "Resource": "*"}]});
        IamRole::new(&trust_of(&["lambda.amazonaws.com"]), Some(&policy))
    }

    #[test]
    fn fields_hold_the_whole_spec() {
        let mut odd = role();
        (odd.policy, odd.description, odd.max_session) = (None, Some("x".to_owned()), 7_200);
        for role in [role(), odd] {
            let text = serde_json::to_string(&role.to_fields()).unwrap();
            let fields: Fields = serde_json::from_str(&text).unwrap();
            assert_eq!(IamRole::from_fields(&fields).unwrap(), role);
        }
    }

    #[test]
    fn a_summary_says_for_whom_and_how_much() {
        assert_eq!(summary(&role().to_fields()), "for lambda.amazonaws.com: 2 actions");
        let bare = IamRole::new(&trust_of(&["scheduler.amazonaws.com", "lambda.amazonaws.com"]), None);
        let told = "for lambda.amazonaws.com, scheduler.amazonaws.com, without a policy";
        assert_eq!(summary(&bare.to_fields()), told);
    }

    #[test]
    fn a_name_has_its_region() {
        assert_eq!(role_name("payments", "eu-west-1", &["runner"]), "opsform-payments.runner.eu-west-1");
        let long = ["eu-west-1", "eu-west-2"].map(|region| role_name("payments", region, &[&"x".repeat(60)]));
        assert_eq!((long[0].len(), long[0] == long[1]), (64, false));
        let arn = role_arn(&Scope::new("111122223333", "cn-north-1"), "r");
        assert_eq!(arn, "arn:aws-cn:iam::111122223333:role/r");
    }
}
