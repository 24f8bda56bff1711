//! Reading rules: a list says which there are and what they are, a hundred a call; the targets of those that are asked for
//! cost a call each, because no list has them (`ListRules` in the EventBridge API reference).

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_eventbridge::types::{Rule, Target};
use futures::future::try_join_all;

use super::convert::{from_live, target_from_live};
use crate::aws::{
    Aws, AwsError, ErrorClass, Operation, PROJECT_TAG, Tags, ownership_of_tags, pages, tagged_of_type,
    tags_by_arn,
};
use crate::model::{Actual, Address, Fields, Ownership, Scope};
use crate::resources::event_rule::{EventRule, KIND, rule_arn};
use crate::resources::schedule::names::{LENGTH, fitting};
use crate::resources::{OwnershipNeed, ReadRequest};

/// The largest page of `ListRules` and `ListTargetsByRule`, and the most ARNs that `GetResources` takes (their API
/// references).
const PAGE: i32 = 100;
const ARNS_A_CALL: usize = 100;

/// Reads the rules of these names.
pub(super) async fn read(
    aws: &Aws,
    scope: &Scope,
    request: &ReadRequest<'_>,
) -> Result<Vec<Actual>, AwsError> {
    let names: BTreeSet<&str> = request.keys.keys().copied().collect();
    let mut found = rules(aws, scope, &names).await?;
    let asked: Vec<&str> = found
        .iter()
        .map(|actual| &*actual.address.key)
        .filter(|name| request.keys.get(name).is_some_and(|known| known.ownership != OwnershipNeed::None))
        .collect();
    let mut owners = owners(aws, scope, &asked).await?;
    for actual in &mut found {
        if let Some(owner) = owners.remove(&actual.address.key) {
            actual.ownership = owner;
        }
    }
    Ok(found)
}

/// The owners of these rules: from the tag index, and from the rule itself where the index names no project. What has the name of
/// one of ours and is not known to be ours is rare, so that costs little, and the index lags.
pub(super) async fn owners(
    aws: &Aws,
    scope: &Scope,
    names: &[&str],
) -> Result<BTreeMap<String, Ownership>, AwsError> {
    let arns: Vec<String> = names.iter().map(|name| rule_arn(scope, name)).collect();
    let indexed = try_join_all(arns.chunks(ARNS_A_CALL).map(|arns| tags_by_arn(aws, scope, arns))).await?;
    let indexed: BTreeMap<String, Tags> = indexed
        .into_iter()
        .flatten()
        .filter(|(_, tags)| tags.contains_key(PROJECT_TAG))
        .filter_map(|(arn, tags)| Some((name_of(&arn)?.to_owned(), tags)))
        .collect();
    let uncertain = names.iter().filter(|name| !indexed.contains_key(**name));
    let looked = try_join_all(uncertain.map(|name| own_word(aws, scope, name))).await?;
    let mut owners: BTreeMap<String, Ownership> = looked.into_iter().flatten().collect();
    owners.extend(indexed.into_iter().map(|(name, tags)| (name, owner(&tags))));
    Ok(owners)
}

/// Every rule of the default bus that bears the project's tag.
pub(super) async fn find_owned(aws: &Aws, scope: &Scope, project: &str) -> Result<Vec<Actual>, AwsError> {
    let indexed = tagged_of_type(aws, scope, "events:rule", Some(project)).await?;
    let owners: BTreeMap<&str, Ownership> =
        indexed.iter().filter_map(|(arn, tags)| Some((name_of(arn)?, owner(tags)))).collect();
    let mut found = rules(aws, scope, &owners.keys().copied().collect()).await?;
    for actual in &mut found {
        actual.ownership = owners.get(&*actual.address.key).cloned().unwrap_or_default();
    }
    Ok(found)
}

/// The rules of these names that there are, with their targets. What cannot be a name, as after an edit of the state by hand, is that of
/// no rule.
async fn rules(aws: &Aws, scope: &Scope, names: &BTreeSet<&str>) -> Result<Vec<Actual>, AwsError> {
    let names: BTreeSet<&str> =
        names.iter().copied().filter(|name| fitting(name, LENGTH) == **name).collect();
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let there = list(aws, scope, shared_prefix(&names)).await?;
    let named = there.into_iter().filter_map(|rule| Some((rule.name()?.to_owned(), from_live(&rule))));
    let ours = named.filter(|(name, _)| names.contains(&**name));
    let whole = try_join_all(ours.map(|(name, rule)| with_targets(aws, scope, name, rule))).await?;
    Ok(whole.into_iter().flatten().collect())
}

/// The rule with its targets; nothing where it is gone by now.
async fn with_targets(
    aws: &Aws,
    scope: &Scope,
    name: String,
    rule: Result<EventRule, String>,
) -> Result<Option<Actual>, AwsError> {
    let rule = match rule {
        Ok(rule) => {
            let Some(live) = targets(aws, scope, &name).await? else { return Ok(None) };
            let targets: Result<_, String> = live.iter().map(target_from_live).collect();
            targets.map(|targets| EventRule { targets, ..rule })
        }
        Err(what) => Err(what),
    };
    let (fields, inexpressible) = match rule {
        // Sorted, as in a rule that is made.
        Ok(rule) => (sorted(rule).to_fields(), None),
        Err(what) => (Fields::from([("uses".to_owned(), what.clone().into())]), Some(what)),
    };
    let address = Address::new(KIND, scope.clone(), name);
    Ok(Some(Actual { address, fields, ownership: Ownership::NotRead, inexpressible }))
}

fn sorted(mut rule: EventRule) -> EventRule {
    rule.targets.sort_by(|one, other| one.id.cmp(&other.id));
    rule
}

async fn list(aws: &Aws, scope: &Scope, prefix: &str) -> Result<Vec<Rule>, AwsError> {
    let clients = &aws.clients(scope);
    let prefix = (!prefix.is_empty()).then_some(prefix);
    pages(|token| async move {
        let ask = || {
            let request = clients.eventbridge.list_rules().set_name_prefix(prefix.map(str::to_owned));
            request.limit(PAGE).set_next_token(token.clone()).send()
        };
        let page = aws.call(scope, Operation::LIST_RULES, ask).await?;
        Ok((page.rules.unwrap_or_default(), page.next_token))
    })
    .await
}

/// The targets of a rule; `None` where there is no such rule.
pub(super) async fn targets(aws: &Aws, scope: &Scope, name: &str) -> Result<Option<Vec<Target>>, AwsError> {
    let clients = &aws.clients(scope);
    let targets = pages(|token| async move {
        let ask = || {
            let request = clients.eventbridge.list_targets_by_rule().rule(name);
            request.limit(PAGE).set_next_token(token.clone()).send()
        };
        let page = aws.call(scope, Operation::LIST_TARGETS_BY_RULE, ask).await?;
        Ok((page.targets.unwrap_or_default(), page.next_token))
    });
    match targets.await {
        Err(error) if error.class == ErrorClass::NotFound => Ok(None),
        targets => targets.map(Some),
    }
}

/// The owner by the rule's own word; `None` where there is no such rule.
async fn own_word(aws: &Aws, scope: &Scope, name: &str) -> Result<Option<(String, Ownership)>, AwsError> {
    let clients = aws.clients(scope);
    let arn = rule_arn(scope, name);
    let answer = aws
        .call(scope, Operation::LIST_RULE_TAGS, || {
            clients.eventbridge.list_tags_for_resource().resource_arn(&arn).send()
        })
        .await;
    let answer = match answer {
        Err(error) if error.class == ErrorClass::NotFound => return Ok(None),
        answer => answer?,
    };
    let tags = answer.tags().iter().map(|tag| (tag.key(), tag.value()));
    Ok(Some((name.to_owned(), ownership_of_tags(tags))))
}

fn owner(tags: &Tags) -> Ownership {
    ownership_of_tags(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())))
}

/// What all names begin with.
fn shared_prefix<'a>(names: &BTreeSet<&'a str>) -> &'a str {
    let (Some(first), Some(last)) = (names.first(), names.last()) else { return "" };
    // Those between the first and the last one share what these two do. Names are ASCII.
    let length = first.bytes().zip(last.bytes()).take_while(|(one, other)| one == other).count();
    first.get(..length).unwrap_or_default()
}

/// The name in the ARN of a rule of the default bus; other buses' rules have their bus in between.
fn name_of(arn: &str) -> Option<&str> {
    arn.split_once(":rule/").map(|(_, name)| name).filter(|name| !name.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_share_what_they_begin_with() {
        assert_eq!(
            shared_prefix(&BTreeSet::from(["opsform-a.x", "opsform-a.y.z", "opsform-a.y"])),
            "opsform-a."
        );
        assert_eq!(shared_prefix(&BTreeSet::from(["web_daily"])), "web_daily");
        assert_eq!(shared_prefix(&BTreeSet::from(["a", "b"])), "");
    }

    #[test]
    fn rules_of_other_buses_are_not_meant() {
        let scope = Scope::new("111122223333", "us-gov-west-1");
        assert_eq!(name_of(&rule_arn(&scope, "r.1")), Some("r.1"));
        assert_eq!(name_of("arn:aws:events:us-east-1:111122223333:rule/bus/r"), None);
    }
}
