//! The spec from and to the SDK's types.

use aws_sdk_iam::types::{Role, Tag};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::aws::{LABEL_TAG, PROJECT_TAG, ownership_of_tags};
use crate::model::{Ownership, Scope};
use crate::plan::Change;
use crate::resources::iam_role::{IamRole, MAX_SESSION};

/// The name of our inline policy.
pub(super) const POLICY: &str = "opsform";

/// The tag with the region of what a role is for, which is that of its address: names of roles hold for all regions, so that the
/// records of two regions must not mean one role.
const REGION_TAG: &str = "opsform:region";

/// What IAM tells of a role, in several answers.
pub(super) struct Live {
    pub(super) role: Role,
    /// Our inline policy, URL-encoded.
    pub(super) policy: Option<String>,
    /// The names of other inline policies, and of those that are attached.
    pub(super) others: Vec<String>,
    pub(super) attached: Vec<String>,
}

/// A live role in normal form, or what makes it inexpressible.
pub(super) fn from_live(live: &Live, scope: &Scope) -> Result<IamRole, String> {
    let boundary = live.role.permissions_boundary().is_some().then(|| "a permissions boundary".to_owned());
    let elsewhere = region_of(&live.role)
        .filter(|region| *region != scope.region)
        .map(|region| format!("its name for the same project in {region}"));
    let path = (live.role.path() != "/").then(|| format!("the path {}", live.role.path()));
    let features: Vec<String> =
        [elsewhere, path, boundary].into_iter().flatten().chain(beside_ours(live)).collect();
    if !features.is_empty() {
        return Err(features.join(", "));
    }
    let trust = live.role.assume_role_policy_document().and_then(document);
    let trust = trust.ok_or_else(|| "a trust policy that cannot be read".to_owned())?;
    let policy = live.policy.as_deref().map(|text| document(text).ok_or("a policy that cannot be read"));
    Ok(IamRole {
        description: live.role.description().filter(|text| !text.is_empty()).map(str::to_owned),
        max_session: number(live.role.max_session_duration()).unwrap_or(MAX_SESSION),
        ..IamRole::new(&trust, policy.transpose()?.as_ref())
    })
}

/// The policies that somebody else gave a role.
pub(super) fn beside_ours(live: &Live) -> impl Iterator<Item = String> {
    let of = |names: &[String], what: &str| match names {
        [] => None,
        names => Some(format!("{what} {}", names.join(", "))),
    };
    of(&live.attached, "the attached policy").into_iter().chain(of(&live.others, "the inline policy"))
}

/// Whose a role is. One that the project has in another region is not what this region records.
pub(super) fn owner(role: &Role, scope: &Scope) -> Ownership {
    if region_of(role).is_some_and(|region| region != scope.region) {
        return Ownership::Nobody;
    }
    ownership_of_tags(role.tags().iter().map(|tag| (tag.key(), tag.value())))
}

fn region_of(role: &Role) -> Option<&str> {
    role.tags().iter().find(|tag| tag.key() == REGION_TAG).map(Tag::value)
}

/// The tags that say whose a role is.
pub(super) fn own_tags(project: &str, change: &Change) -> Vec<Tag> {
    let region = &*change.address.scope.region;
    let own = [(PROJECT_TAG, project), (LABEL_TAG, &*change.origin.label), (REGION_TAG, region)];
    own.into_iter().filter_map(|(key, value)| Tag::builder().key(key).value(value).build().ok()).collect()
}

/// A policy as IAM answers it: URL-encoded JSON.
fn document(text: &str) -> Option<Value> {
    serde_json::from_str(&percent_decode_str(text).decode_utf8().ok()?).ok()
}

fn number(value: Option<i32>) -> Option<u32> {
    value.and_then(|value| u32::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use aws_sdk_iam::primitives::DateTime;
    use aws_sdk_iam::types::AttachedPermissionsBoundary;
    use serde_json::json;

    use super::*;
    use crate::resources::iam_role::trust_of;

    fn live() -> Live {
        let trust = trust_of(&["lambda.amazonaws.com"]).to_string();
        let encoded = percent_encoding::utf8_percent_encode(&trust, percent_encoding::NON_ALPHANUMERIC);
        let role = Role::builder().path("/").role_name("r").role_id("AROA").arn("arn:aws:iam::1:role/r");
        let role = role.create_date(DateTime::from_secs(0)).assume_role_policy_document(encoded.to_string());
        Live { role: role.build().unwrap(), policy: None, others: Vec::new(), attached: Vec::new() }
    }

    fn here() -> Scope {
        Scope::new("111122223333", "eu-west-1")
    }

    #[test]
    fn a_role_is_read_in_normal_form() {
        let plain = IamRole::new(&trust_of(&["lambda.amazonaws.com"]), None);
        assert_eq!(from_live(&live(), &here()), Ok(plain.clone()));
        let mut odd = live();
        (odd.role.description, odd.role.max_session_duration) = (Some("x".to_owned()), Some(7_200));
        odd.policy = Some("%7B%22Statement%22%3A%5B%5D%7D".to_owned());
        let policy = Some(json!({"Statement": []}));
        let expected = IamRole { policy, description: Some("x".to_owned()), max_session: 7_200, ..plain };
        assert_eq!(from_live(&odd, &here()), Ok(expected));
    }

    #[test]
    fn what_somebody_added_is_inexpressible() {
        let mut odd = live();
        odd.role.permissions_boundary = Some(AttachedPermissionsBoundary::builder().build());
        odd.attached = vec!["AdministratorAccess".to_owned()];
        odd.others = vec!["extra".to_owned(), "more".to_owned()];
        let told =
            "a permissions boundary, the attached policy AdministratorAccess, the inline policy extra, more";
        assert_eq!(from_live(&odd, &here()), Err(told.to_owned()));
        let mut unreadable = live();
        unreadable.policy = Some("{".to_owned());
        assert_eq!(from_live(&unreadable, &here()), Err("a policy that cannot be read".to_owned()));
    }

    #[test]
    fn a_role_of_another_region_is_not_this_ones() {
        let mut role = live().role;
        let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build().unwrap();
        role.tags = Some(vec![tag(PROJECT_TAG, "p"), tag(LABEL_TAG, "runner"), tag(REGION_TAG, "eu-west-1")]);
        let ours = Ownership::Project { name: "p".to_owned(), label: Some("runner".to_owned()) };
        assert_eq!(owner(&role, &here()), ours);
        let elsewhere = Scope::new("111122223333", "us-east-1");
        assert_eq!(owner(&role, &elsewhere), Ownership::Nobody);
        let told = from_live(&Live { role, ..live() }, &elsewhere).unwrap_err();
        assert_eq!(told, "its name for the same project in eu-west-1");
    }
}
