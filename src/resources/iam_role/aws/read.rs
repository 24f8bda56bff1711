//! Reading roles: the role with its tags, the names of its policies, and our inline policy.

use std::collections::BTreeMap;

use aws_sdk_iam::types::{InstanceProfile, Role};
use futures::future::try_join_all;

use super::convert::{Live, POLICY, beside_ours, from_live, owner};
use crate::aws::{Aws, AwsError, ErrorClass, Operation, iam_home, pages};
use crate::model::{Actual, Address, Fields, Ownership, Scope};
use crate::resources::iam_role::KIND;

/// The largest page of `ListRoles` (its API reference).
const PAGE: i32 = 1_000;

/// Reads the roles of these names.
pub(super) async fn roles(aws: &Aws, scope: &Scope, names: Vec<&str>) -> Result<Vec<Actual>, AwsError> {
    let roles = names
        .into_iter()
        .map(|name| async move { Ok(get(aws, scope, name).await?.map(|live| actual(scope, name, &live))) });
    Ok(try_join_all(roles).await?.into_iter().flatten().collect())
}

fn actual(scope: &Scope, name: &str, live: &Live) -> Actual {
    let (fields, inexpressible) = match from_live(live, scope) {
        Ok(role) => (role.to_fields(), None),
        Err(what) => (Fields::from([("uses".to_owned(), what.clone().into())]), Some(what)),
    };
    let address = Address::new(KIND, scope.clone(), name);
    Actual { address, fields, ownership: owner(&live.role, scope), inexpressible }
}

/// All that makes a role; `None` where there is none, also where it goes in the middle.
async fn get(aws: &Aws, scope: &Scope, name: &str) -> Result<Option<Live>, AwsError> {
    let Some(role) = role(aws, scope, name).await? else { return Ok(None) };
    let policies =
        futures::future::try_join(inline_names(aws, scope, name), attached_names(aws, scope, name));
    let (inline, attached) = match policies.await {
        Err(error) if error.class == ErrorClass::NotFound => return Ok(None),
        policies => policies?,
    };
    let policy =
        if inline.iter().any(|one| one == POLICY) { inline_policy(aws, scope, name).await? } else { None };
    let others = inline.into_iter().filter(|one| one != POLICY).collect();
    Ok(Some(Live { role, policy, others, attached }))
}

/// A role with its tags; `None` where there is none.
pub(super) async fn role(aws: &Aws, scope: &Scope, name: &str) -> Result<Option<Role>, AwsError> {
    let home = &iam_home(scope);
    let clients = aws.clients(home);
    match aws.call(home, Operation::GET_ROLE, || clients.iam.get_role().role_name(name).send()).await {
        Err(error) if error.class == ErrorClass::NotFound => Ok(None),
        answer => Ok(answer?.role),
    }
}

async fn inline_names(aws: &Aws, scope: &Scope, name: &str) -> Result<Vec<String>, AwsError> {
    let home = &iam_home(scope);
    let clients = &aws.clients(home);
    pages(|marker| async move {
        let ask = || clients.iam.list_role_policies().role_name(name).set_marker(marker.clone()).send();
        let page = aws.call(home, Operation::LIST_ROLE_POLICIES, ask).await?;
        Ok((page.policy_names, page.marker))
    })
    .await
}

async fn attached_names(aws: &Aws, scope: &Scope, name: &str) -> Result<Vec<String>, AwsError> {
    let home = &iam_home(scope);
    let clients = &aws.clients(home);
    pages(|marker| async move {
        let ask =
            || clients.iam.list_attached_role_policies().role_name(name).set_marker(marker.clone()).send();
        let page = aws.call(home, Operation::LIST_ATTACHED_ROLE_POLICIES, ask).await?;
        let names = page.attached_policies().iter().filter_map(|one| one.policy_name().map(str::to_owned));
        Ok((names.collect(), page.marker().map(str::to_owned)))
    })
    .await
}

async fn inline_policy(aws: &Aws, scope: &Scope, name: &str) -> Result<Option<String>, AwsError> {
    let home = &iam_home(scope);
    let clients = aws.clients(home);
    let ask = || clients.iam.get_role_policy().role_name(name).policy_name(POLICY).send();
    match aws.call(home, Operation::GET_ROLE_POLICY, ask).await {
        Err(error) if error.class == ErrorClass::NotFound => Ok(None),
        answer => Ok(Some(answer?.policy_document)),
    }
}

/// The owners that roles' tags name.
pub(super) async fn owners(
    aws: &Aws,
    scope: &Scope,
    names: &[&str],
) -> Result<BTreeMap<String, Ownership>, AwsError> {
    let owners = names.iter().map(|&name| async move {
        Ok(role(aws, scope, name).await?.map(|role| (name.to_owned(), owner(&role, scope))))
    });
    Ok(try_join_all(owners).await?.into_iter().flatten().collect())
}

/// The project's roles of a region: those of our names that bear its tag. The tag index knows no roles ("Services that support the
/// Resource Groups Tagging API" in its API reference), and a list has no tags.
pub(super) async fn find_owned(aws: &Aws, scope: &Scope, project: &str) -> Result<Vec<Actual>, AwsError> {
    let home = &iam_home(scope);
    let clients = &aws.clients(home);
    let listed = pages(|marker| async move {
        let ask = || clients.iam.list_roles().max_items(PAGE).set_marker(marker.clone()).send();
        let page = aws.call(home, Operation::LIST_ROLES, ask).await?;
        Ok((page.roles, page.marker))
    })
    .await?;
    let names = listed.iter().map(Role::role_name).filter(|name| name.starts_with("opsform-")).collect();
    let mut found = roles(aws, scope, names).await?;
    found.retain(|live| matches!(&live.ownership, Ownership::Project { name, .. } if name == project));
    Ok(found)
}

/// What a role cannot be deleted for: somebody gave it policies, or instances run with it.
pub(super) async fn held_by(aws: &Aws, scope: &Scope, name: &str) -> Result<Option<String>, AwsError> {
    let Some(live) = get(aws, scope, name).await? else { return Ok(None) };
    let home = &iam_home(scope);
    let clients = &aws.clients(home);
    let profiles = pages(|marker| async move {
        let ask = || {
            clients.iam.list_instance_profiles_for_role().role_name(name).set_marker(marker.clone()).send()
        };
        let page = aws.call(home, Operation::LIST_INSTANCE_PROFILES_FOR_ROLE, ask).await?;
        Ok((page.instance_profiles, page.marker))
    });
    let profiles = match profiles.await {
        Err(error) if error.class == ErrorClass::NotFound => return Ok(None),
        profiles => profiles?,
    };
    let names: Vec<&str> = profiles.iter().map(InstanceProfile::instance_profile_name).collect();
    let profiles = (!names.is_empty()).then(|| format!("the instance profile {}", names.join(", ")));
    let others: Vec<String> = beside_ours(&live).chain(profiles).collect();
    let why = || format!("somebody gave it {}, so it is not opsform's alone", others.join(", "));
    Ok((!others.is_empty()).then(why))
}
