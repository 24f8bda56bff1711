//! Writing roles: the role first, with our tags, then its policy, so that whatever fails half-way leaves a role of ours that differs from
//! the plan, which the next plan shows and finishes.

use aws_sdk_iam::types::Tag;

use super::convert::{POLICY, own_tags, owner};
use super::read::{held_by, role};
use crate::aws::{Aws, AwsError, ErrorClass, Operation, iam_home};
use crate::model::{Fields, Ownership, Scope};
use crate::plan::{Change, Verb};
use crate::resources::Step;
use crate::resources::iam_role::IamRole;

/// Carries out a batch; one result for each step, in order.
pub(super) async fn carry_out(aws: &Aws, project: &str, batch: &[Step]) -> Vec<Result<(), AwsError>> {
    let mut results = Vec::with_capacity(batch.len());
    for step in batch {
        let address = step.address();
        results.push(match step {
            Step::Write(change) => write(aws, project, change).await,
            Step::Remove(_) => remove(aws, &address.scope, &address.key).await,
        });
    }
    results
}

async fn write(aws: &Aws, project: &str, change: &Change) -> Result<(), AwsError> {
    let (scope, name) = (&change.address.scope, &*change.address.key);
    let spec = |fields: Option<&Fields>| IamRole::from_fields(fields.unwrap_or(&Fields::new()));
    let wanted = spec(change.after.as_ref()).map_err(|error| {
        let why = format!("the plan's fields do not make a role: {error}");
        AwsError::unfit(Operation::CREATE_ROLE, scope, "not a role", why)
    })?;
    let tags = own_tags(project, change);
    let known = matches!(change.verb, Verb::Update | Verb::Adopt);
    // A role is claimed before it is changed: if the next call fails, it is ours as it was, not theirs changed.
    let is_there = known && claim(aws, scope, name, &tags).await?;
    let half_done = |error: AwsError| error.half_done("the role is there, and not as planned");
    if is_there {
        let before = spec(change.before.as_ref()).ok();
        return update(aws, scope, name, before.as_ref(), &wanted).await.map_err(half_done);
    }
    create(aws, project, scope, name, &wanted, &tags).await?;
    put_policy(aws, scope, name, None, &wanted).await.map_err(half_done)
}

/// Gives a role that exists its tags; whether it still does.
async fn claim(aws: &Aws, scope: &Scope, name: &str, tags: &[Tag]) -> Result<bool, AwsError> {
    let home = &iam_home(scope);
    let clients = aws.clients(home);
    let ask = || clients.iam.tag_role().role_name(name).set_tags(Some(tags.to_vec())).send();
    match aws.call(home, Operation::TAG_ROLE, ask).await {
        Err(error) if error.class == ErrorClass::NotFound => Ok(false),
        result => result.map(|_| true),
    }
}

async fn create(
    aws: &Aws,
    project: &str,
    scope: &Scope,
    name: &str,
    wanted: &IamRole,
    tags: &[Tag],
) -> Result<(), AwsError> {
    let home = &iam_home(scope);
    let clients = aws.clients(home);
    let result = aws
        .call(home, Operation::CREATE_ROLE, || {
            let request = clients.iam.create_role().role_name(name);
            request
                .assume_role_policy_document(wanted.trust.to_string())
                .set_description(wanted.description.clone())
                .max_session_duration(signed(wanted.max_session))
                .set_tags(Some(tags.to_vec()))
                .send()
        })
        .await;
    match result {
        Err(error) if error.code == "EntityAlreadyExists" => {
            // Ours where an answer was lost and the call was sent again.
            match role(aws, scope, name).await?.map(|role| owner(&role, scope)) {
                Some(Ownership::Project { name, .. }) if name == project => Ok(()),
                _ => {
                    let why = "somebody made it since the plan was made";
                    Err(AwsError::overtaken(Operation::CREATE_ROLE, home, why))
                }
            }
        }
        result => result.map(drop),
    }
}

/// Sends what differs.
async fn update(
    aws: &Aws,
    scope: &Scope,
    name: &str,
    before: Option<&IamRole>,
    wanted: &IamRole,
) -> Result<(), AwsError> {
    let home = &iam_home(scope);
    let clients = aws.clients(home);
    if before.is_none_or(|before| before.trust != wanted.trust) {
        let document = wanted.trust.to_string();
        let ask =
            || clients.iam.update_assume_role_policy().role_name(name).policy_document(&document).send();
        aws.call(home, Operation::UPDATE_TRUST, ask).await?;
    }
    let settings = |role: &IamRole| (role.description.clone(), role.max_session);
    if before.is_none_or(|before| settings(before) != settings(wanted)) {
        aws.call(home, Operation::UPDATE_ROLE, || {
            let request = clients.iam.update_role().role_name(name);
            let request = request.description(wanted.description.clone().unwrap_or_default());
            request.max_session_duration(signed(wanted.max_session)).send()
        })
        .await?;
    }
    put_policy(aws, scope, name, before, wanted).await
}

/// Brings our inline policy to what is wanted.
async fn put_policy(
    aws: &Aws,
    scope: &Scope,
    name: &str,
    before: Option<&IamRole>,
    wanted: &IamRole,
) -> Result<(), AwsError> {
    let there = before.and_then(|before| before.policy.as_ref());
    if there == wanted.policy.as_ref() {
        return Ok(());
    }
    let Some(policy) = wanted.policy.as_ref().map(ToString::to_string) else {
        return delete_policy(aws, scope, name).await;
    };
    let home = &iam_home(scope);
    let clients = aws.clients(home);
    let put = || {
        let request = clients.iam.put_role_policy().role_name(name).policy_name(POLICY);
        request.policy_document(&policy).send()
    };
    aws.call(home, Operation::PUT_ROLE_POLICY, put).await.map(drop)
}

async fn delete_policy(aws: &Aws, scope: &Scope, name: &str) -> Result<(), AwsError> {
    let home = &iam_home(scope);
    let clients = aws.clients(home);
    let ask = || clients.iam.delete_role_policy().role_name(name).policy_name(POLICY).send();
    match aws.call(home, Operation::DELETE_ROLE_POLICY, ask).await {
        Err(error) if error.class == ErrorClass::NotFound => Ok(()),
        result => result.map(drop),
    }
}

/// Deletes a role, for which it must have no policies: ours goes first. What somebody added since the plan was made keeps the role
/// as it is.
async fn remove(aws: &Aws, scope: &Scope, name: &str) -> Result<(), AwsError> {
    let home = &iam_home(scope);
    if let Some(why) = held_by(aws, scope, name).await? {
        return Err(AwsError::overtaken(Operation::DELETE_ROLE, home, why));
    }
    delete_policy(aws, scope, name).await?;
    let clients = aws.clients(home);
    match aws.call(home, Operation::DELETE_ROLE, || clients.iam.delete_role().role_name(name).send()).await {
        Err(error) if error.class == ErrorClass::NotFound => Ok(()),
        result => result.map(drop),
    }
}

fn signed(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
