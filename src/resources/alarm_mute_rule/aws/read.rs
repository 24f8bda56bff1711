//! Reading mute rules: a list says which there are, a hundred a call, and each of ours is asked for by name.
//!
//! `ListAlarmMuteRules` tells neither alarms nor times (`AlarmMuteRuleSummary` in the API reference). Whose a rule is says its
//! description. `PutAlarmMuteRule` takes tags, but the reference of `ListTagsForResource` knows none of mute rules, and AWS does
//! not say that the tag index does. So tags are asked only of a rule whose description does not say it, and an answer that
//! there are none decides nothing.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::try_join_all;
use jiff::Timestamp;

use super::arn;
use super::convert::from_live;
use crate::aws::{Aws, AwsError, ErrorClass, Operation, alarm_name, ownership_of_tags, pages};
use crate::model::{Actual, Address, Fields, Ownership, Scope};
use crate::resources::alarm_mute_rule::KIND;
use crate::resources::alarm_mute_rule::spec::prefix;
use crate::resources::schedule::described;
use crate::resources::{OwnershipNeed, ReadRequest};

/// The time at which no rule has begun.
const NOTHING_HAS_BEGUN: Timestamp = Timestamp::UNIX_EPOCH;

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
            actual.ownership = owner(aws, &actual, known.last_written.is_some()).await?;
        }
        Ok(Some(actual))
    });
    Ok(try_join_all(found).await?.into_iter().flatten().collect())
}

/// The owners of the rules that there are, which the state records.
pub(super) async fn owners(
    aws: &Aws,
    scope: &Scope,
    keys: &[&str],
) -> Result<BTreeMap<String, Ownership>, AwsError> {
    let owners = keys.iter().map(|&name| async move {
        let Some(actual) = get(aws, scope, name, NOTHING_HAS_BEGUN).await? else { return Ok(None) };
        Ok(Some((name.to_owned(), owner(aws, &actual, true).await?)))
    });
    Ok(try_join_all(owners).await?.into_iter().flatten().collect())
}

/// The rules with a name of the project's that are the project's.
pub(super) async fn find_owned(aws: &Aws, scope: &Scope, project: &str) -> Result<Vec<Actual>, AwsError> {
    let names = names(aws, scope).await?;
    // Those of a project whose name begins with this one's and a dot are among them.
    let maybe = names.iter().filter(|name| name.starts_with(&prefix(project)));
    let found = maybe.map(|name| async move {
        let Some(actual) = get(aws, scope, name, NOTHING_HAS_BEGUN).await? else { return Ok(None) };
        let ownership = owner(aws, &actual, false).await?;
        let is_ours = matches!(&ownership, Ownership::Project { name, .. } if name == project);
        Ok(is_ours.then_some(Actual { ownership, ..actual }))
    });
    Ok(try_join_all(found).await?.into_iter().flatten().collect())
}

/// The owner of a rule: the project that its description names, or else its tags. One that the state records and that lost its
/// description is still ours: an update by hand that does not repeat a description removes it.
async fn owner(aws: &Aws, live: &Actual, recorded: bool) -> Result<Ownership, AwsError> {
    let description = live.fields.get("description").and_then(|text| text.as_str());
    if let Some((project, label)) = description.and_then(described) {
        return Ok(Ownership::Project { name: project.to_owned(), label: Some(label.to_owned()) });
    }
    Ok(match by_tags(aws, &live.address.scope, &live.address.key).await? {
        Ownership::Nobody if recorded && description.is_none() => Ownership::NotRead,
        owner => owner,
    })
}

/// The names of all rules.
async fn names(aws: &Aws, scope: &Scope) -> Result<BTreeSet<String>, AwsError> {
    let clients = &aws.clients(scope);
    let names = pages(|token| async move {
        let ask = || {
            let request = clients.cloudwatch.list_alarm_mute_rules().max_records(PAGE);
            request.set_next_token(token.clone()).send()
        };
        let page = aws.call(scope, Operation::LIST_ALARM_MUTE_RULES, ask).await?;
        // The ARN of a mute rule ends with its name like that of an alarm.
        let found = page.alarm_mute_rule_summaries().iter();
        let names = found.filter_map(|rule| alarm_name(rule.alarm_mute_rule_arn()?)).map(str::to_owned);
        Ok((names.collect(), page.next_token().map(str::to_owned)))
    });
    Ok(names.await?.into_iter().collect())
}

/// The owner by the rule's own tags. AWS may answer that it knows no such resource, or that it takes no tags, which says nothing
/// of whether the rule is there; nor does a policy that forbids to ask.
async fn by_tags(aws: &Aws, scope: &Scope, name: &str) -> Result<Ownership, AwsError> {
    let clients = aws.clients(scope);
    let arn = arn(scope, name);
    let answer = aws
        .call(scope, Operation::LIST_ALARM_TAGS, || {
            clients.cloudwatch.list_tags_for_resource().resource_arn(&arn).send()
        })
        .await;
    let answer = match answer {
        Err(error)
            if matches!(error.class, ErrorClass::NotFound | ErrorClass::Other | ErrorClass::Denied) =>
        {
            return Ok(Ownership::Nobody);
        }
        answer => answer?,
    };
    Ok(ownership_of_tags(answer.tags().iter().filter_map(|tag| Some((tag.key()?, tag.value()?)))))
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
    let (fields, inexpressible) = if let Some(rule) = from_live(&live, now) {
        (rule.to_fields(), None)
    } else {
        let described = live.description().map(|text| ("description".to_owned(), text.into()));
        let what = "fields that this version of opsform does not know".to_owned();
        (described.into_iter().collect::<Fields>(), Some(what))
    };
    let address = Address::new(KIND, scope.clone(), name);
    Ok(Some(Actual { address, fields, ownership: Ownership::NotRead, inexpressible }))
}
