//! Reading mute rules: a list says which there are, a hundred a call, and each of ours is asked for by name.
//!
//! `ListAlarmMuteRules` tells neither alarms nor times (`AlarmMuteRuleSummary` in the API reference). Owners are asked of the
//! rules themselves: AWS does not say that the tag index (`GetResources`) knows mute rules.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::try_join_all;
use jiff::Timestamp;

use super::arn;
use super::convert::from_live;
use crate::aws::{Aws, AwsError, ErrorClass, Operation, alarm_name, ownership_of_tags};
use crate::model::{Actual, Address, Fields, Ownership, Scope};
use crate::resources::alarm_mute_rule::KIND;
use crate::resources::alarm_mute_rule::spec::prefix;
use crate::resources::{OwnershipNeed, ReadRequest};

/// The largest page of `ListAlarmMuteRules` (its API reference).
const PAGE: i32 = 100;

/// Reads the rules of these names.
pub(super) async fn read(
    aws: &Aws,
    scope: &Scope,
    request: &ReadRequest<'_>,
) -> Result<Vec<Actual>, AwsError> {
    let there = names(aws, scope).await?;
    let wanted = request.keys.iter().filter(|(name, _)| there.contains(**name));
    let found = wanted.map(|(name, known)| async move {
        let Some(mut actual) = get(aws, scope, name, request.now).await? else { return Ok(None) };
        if known.ownership != OwnershipNeed::None {
            match owner(aws, scope, name).await? {
                Some(owner) => actual.ownership = owner,
                None => return Ok(None),
            }
        }
        Ok(Some(actual))
    });
    Ok(try_join_all(found).await?.into_iter().flatten().collect())
}

/// The owners of the rules that there are.
pub(super) async fn owners(
    aws: &Aws,
    scope: &Scope,
    keys: &[&str],
) -> Result<BTreeMap<String, Ownership>, AwsError> {
    let owners = keys
        .iter()
        .map(|&name| async move { Ok(owner(aws, scope, name).await?.map(|owner| (name.to_owned(), owner))) });
    Ok(try_join_all(owners).await?.into_iter().flatten().collect())
}

/// The rules with a name of the project's that bear its tag.
pub(super) async fn find_owned(aws: &Aws, scope: &Scope, project: &str) -> Result<Vec<Actual>, AwsError> {
    let names = names(aws, scope).await?;
    let of_project = names.iter().filter(|name| name.starts_with(&prefix(project)));
    let found = of_project.map(|name| async move {
        let owner = match owner(aws, scope, name).await? {
            Some(Ownership::Project { name, label }) if name == project => Ownership::Project { name, label },
            _ => return Ok(None),
        };
        let found = get(aws, scope, name, Timestamp::UNIX_EPOCH).await?;
        Ok(found.map(|actual| Actual { ownership: owner, ..actual }))
    });
    Ok(try_join_all(found).await?.into_iter().flatten().collect())
}

/// The names of all rules.
async fn names(aws: &Aws, scope: &Scope) -> Result<BTreeSet<String>, AwsError> {
    let clients = aws.clients(scope);
    let mut names = BTreeSet::new();
    let mut token: Option<String> = None;
    loop {
        let page = aws
            .call(scope, Operation::LIST_ALARM_MUTE_RULES, || {
                let request = clients.cloudwatch.list_alarm_mute_rules().max_records(PAGE);
                request.set_next_token(token.clone()).send()
            })
            .await?;
        // The ARN of a mute rule ends with its name like that of an alarm.
        let found = page.alarm_mute_rule_summaries().iter();
        names.extend(found.filter_map(|rule| alarm_name(rule.alarm_mute_rule_arn()?)).map(str::to_owned));
        token = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
        if token.is_none() {
            return Ok(names);
        }
    }
}

/// The owner by the rule's own tags; `None` where there is no such rule.
async fn owner(aws: &Aws, scope: &Scope, name: &str) -> Result<Option<Ownership>, AwsError> {
    let clients = aws.clients(scope);
    let arn = arn(scope, name);
    let answer = aws
        .call(scope, Operation::LIST_ALARM_TAGS, || {
            clients.cloudwatch.list_tags_for_resource().resource_arn(&arn).send()
        })
        .await;
    let answer = match answer {
        Err(error) if error.class == ErrorClass::NotFound => return Ok(None),
        answer => answer?,
    };
    let tags = answer.tags().iter().filter_map(|tag| Some((tag.key()?, tag.value()?)));
    Ok(Some(ownership_of_tags(tags)))
}

async fn get(aws: &Aws, scope: &Scope, name: &str, now: Timestamp) -> Result<Option<Actual>, AwsError> {
    let clients = aws.clients(scope);
    let answer = aws
        .call(scope, Operation::GET_ALARM_MUTE_RULE, || {
            clients.cloudwatch.get_alarm_mute_rule().alarm_mute_rule_name(name).send()
        })
        .await;
    let live = match answer {
        Err(error) if error.class == ErrorClass::NotFound => return Ok(None),
        answer => answer?,
    };
    let (fields, inexpressible) = match from_live(&live, now) {
        Some(rule) => (rule.to_fields(), None),
        None => (Fields::new(), Some("fields that this version of opsform does not know".to_owned())),
    };
    let address = Address::new(KIND, scope.clone(), name);
    Ok(Some(Actual { address, fields, ownership: Ownership::NotRead, inexpressible }))
}
