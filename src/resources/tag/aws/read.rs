//! Reading tags: in pages of EC2's, and with the lists of databases and clusters.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::Filter as Ec2Filter;
use aws_sdk_rds::types::{Filter as RdsFilter, Tag as RdsTag};
use futures::future::try_join_all;

use super::Service;
use crate::aws::{Aws, AwsError, ErrorClass, Operation};
use crate::model::{Actual, Address, Ownership, Scope};
use crate::resources::ReadRequest;
use crate::resources::tag::{KIND, Tag, TagKey};

/// The largest page of `DescribeTags` (its API reference).
const TAGS_A_PAGE: i32 = 1000;

/// AWS allows 200 values a filter ("Filter" in the EC2 API reference); RDS is asked in the same portions.
const VALUES_A_FILTER: usize = 200;

/// The largest page of `DescribeDBInstances` and `DescribeDBClusters` (their API references).
const DATABASES_A_PAGE: i32 = 100;

/// Id and key to value.
pub(super) type Found = BTreeMap<(String, String), String>;

/// Those of the tags that there are. One whose key is to be written otherwise is looked for under both keys.
pub(super) async fn read(
    aws: &Aws,
    scope: &Scope,
    request: &ReadRequest<'_>,
) -> Result<Vec<Actual>, AwsError> {
    let asked: Vec<(TagKey<'_>, Option<Tag>)> = request
        .keys
        .iter()
        .filter_map(|(text, known)| Some((TagKey::parse(text)?, known.desired.and_then(Tag::from_fields))))
        .collect();
    let mut wanted: BTreeMap<Service, BTreeSet<TagKey<'_>>> = BTreeMap::new();
    for (key, desired) in &asked {
        let of_service = wanted.entry(Service::of(key)).or_default();
        of_service.insert(*key);
        of_service.extend(desired.as_ref().map(|desired| TagKey { key: &desired.key, ..*key }));
    }
    let mut found = BTreeMap::new();
    for (service, keys) in wanted {
        let tags = match service {
            Service::Ec2 => of_ec2(aws, scope, &keys).await?,
            Service::RdsInstance | Service::RdsCluster => {
                of_databases(aws, scope, service, &ids(&keys)).await?
            }
        };
        found.insert(service, tags);
    }
    let live = |(key, desired): &(TagKey<'_>, Option<Tag>)| {
        let live = live(*key, desired.as_ref(), found.get(&Service::of(key))?)?;
        Some(actual(scope, *key, live))
    };
    Ok(asked.iter().filter_map(live).collect())
}

/// A tag as it is on AWS.
struct Live {
    tag: Tag,
    /// The right key, which is to take this one's place and has a value of its own by now.
    taken: Option<Tag>,
}

/// The tag under its key. Where the key is to be written otherwise and this was done, it is the one under the new key.
fn live(key: TagKey<'_>, desired: Option<&Tag>, found: &Found) -> Option<Live> {
    let tag = |name: &str| {
        let value = found.get(&(key.id.to_owned(), name.to_owned()))?;
        Some(Tag { key: name.to_owned(), value: value.clone() })
    };
    let there = tag(key.key);
    let Some(desired) = desired.filter(|desired| desired.key != key.key) else {
        return there.map(|tag| Live { tag, taken: None });
    };
    // With the value that is to be written, nothing is lost: an apply that was cut off wrote it.
    let right = tag(&desired.key);
    let taken = right.clone().filter(|right| right.value != desired.value);
    there.or(right).map(|tag| Live { tag, taken })
}

fn actual(scope: &Scope, key: TagKey<'_>, live: Live) -> Actual {
    let mut fields = live.tag.to_fields();
    let mut inexpressible = None;
    if let Some(taken) = live.taken {
        inexpressible = Some(format!("the tag {} = {} beside it", taken.key, taken.value));
        fields.insert(format!("value of {}", taken.key), taken.value.into());
    }
    Actual {
        address: Address::new(KIND, scope.clone(), key.to_text()),
        fields,
        ownership: Ownership::NotRead,
        inexpressible,
    }
}

fn ids(keys: &BTreeSet<TagKey<'_>>) -> Vec<String> {
    let ids: BTreeSet<&str> = keys.iter().map(|key| key.id).collect();
    ids.into_iter().map(str::to_owned).collect()
}

async fn of_ec2(aws: &Aws, scope: &Scope, keys: &BTreeSet<TagKey<'_>>) -> Result<Found, AwsError> {
    let mut found = Found::new();
    for filters in queries(keys) {
        found.extend(page_through(aws, scope, filters).await?);
    }
    Ok(found)
}

/// The filters of each query: a few resources are asked for by their ids, many by the keys of the tags.
fn queries(keys: &BTreeSet<TagKey<'_>>) -> Vec<Vec<Ec2Filter>> {
    let names: BTreeSet<&str> = keys.iter().map(|key| key.key).collect();
    let names: Vec<String> = names.into_iter().map(escaped).collect();
    let ids = ids(keys);
    if ids.len() <= VALUES_A_FILTER {
        let by_key = (names.len() <= VALUES_A_FILTER).then(|| filter("key", names));
        return vec![std::iter::once(filter("resource-id", ids)).chain(by_key).collect()];
    }
    // Else every snapshot and interface with such a tag would be paged through.
    let types: BTreeSet<&str> = keys.iter().map(resource_type).collect();
    let types = filter("resource-type", types.into_iter().map(str::to_owned).collect());
    names.chunks(VALUES_A_FILTER).map(|names| vec![filter("key", names.to_vec()), types.clone()]).collect()
}

/// The kind of target as `DescribeTags` calls it.
fn resource_type(key: &TagKey<'_>) -> &'static str {
    if key.kind == "ebs" { "volume" } else { "instance" }
}

fn filter(name: &str, values: Vec<String>) -> Ec2Filter {
    Ec2Filter::builder().name(name).set_values(Some(values)).build()
}

/// EC2 reads `*` and `?` in filter values as wildcards; a backslash makes them plain.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('*', "\\*").replace('?', "\\?")
}

async fn page_through(aws: &Aws, scope: &Scope, filters: Vec<Ec2Filter>) -> Result<Found, AwsError> {
    let clients = aws.clients(scope);
    let mut found = Found::new();
    let mut token: Option<String> = None;
    loop {
        let page = aws
            .call(scope, Operation::DESCRIBE_TAGS, || {
                let request = clients.ec2.describe_tags().set_filters(Some(filters.clone()));
                request.max_results(TAGS_A_PAGE).set_next_token(token.clone()).send()
            })
            .await?;
        found.extend(page.tags().iter().filter_map(|tag| {
            let id = (tag.resource_id()?.to_owned(), tag.key()?.to_owned());
            Some((id, tag.value().unwrap_or_default().to_owned()))
        }));
        token = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
        if token.is_none() {
            return Ok(found);
        }
    }
}

/// A database or cluster as a Describe operation tells of it.
struct Described {
    id: String,
    /// An empty `TagList` means no tags, an absent one that they are to be asked for.
    tags: Option<Vec<RdsTag>>,
}

/// All tags of databases or clusters.
pub(super) async fn of_databases(
    aws: &Aws,
    scope: &Scope,
    service: Service,
    ids: &[String],
) -> Result<Found, AwsError> {
    let mut found = Found::new();
    for ids in ids.chunks(VALUES_A_FILTER) {
        let described = match service {
            Service::RdsCluster => clusters(aws, scope, ids).await?,
            _ => instances(aws, scope, ids).await?,
        };
        let tagged = described.into_iter().map(|described| with_tags(aws, scope, service, described));
        for (id, tags) in try_join_all(tagged).await? {
            found.extend(tags.iter().filter_map(|tag| {
                let key = (id.clone(), tag.key()?.to_owned());
                Some((key, tag.value().unwrap_or_default().to_owned()))
            }));
        }
    }
    Ok(found)
}

/// The tags, for which AWS is asked where they were not told. What was deleted meanwhile has none.
async fn with_tags(
    aws: &Aws,
    scope: &Scope,
    service: Service,
    Described { id, tags }: Described,
) -> Result<(String, Vec<RdsTag>), AwsError> {
    if let Some(tags) = tags {
        return Ok((id, tags));
    }
    let clients = aws.clients(scope);
    let arn = service.arn(scope, &id);
    let list = || clients.rds.list_tags_for_resource().resource_name(&arn).send();
    match aws.call(scope, Operation::LIST_DB_TAGS, list).await {
        Ok(answer) => Ok((id, answer.tag_list.unwrap_or_default())),
        Err(error) if error.class == ErrorClass::NotFound => Ok((id, Vec::new())),
        Err(error) => Err(error),
    }
}

fn rds_filter(name: &str, ids: &[String]) -> RdsFilter {
    RdsFilter::builder().name(name).set_values(Some(ids.to_vec())).build()
}

async fn instances(aws: &Aws, scope: &Scope, ids: &[String]) -> Result<Vec<Described>, AwsError> {
    let clients = aws.clients(scope);
    let filter = rds_filter("db-instance-id", ids);
    let mut found = Vec::new();
    let mut marker: Option<String> = None;
    loop {
        let page = aws
            .call(scope, Operation::DESCRIBE_DB_INSTANCES, || {
                let request = clients.rds.describe_db_instances().filters(filter.clone());
                request.max_records(DATABASES_A_PAGE).set_marker(marker.clone()).send()
            })
            .await?;
        found.extend(page.db_instances().iter().filter_map(|instance| {
            let id = instance.db_instance_identifier()?.to_owned();
            Some(Described { id, tags: instance.tag_list.clone() })
        }));
        marker = page.marker().filter(|marker| !marker.is_empty()).map(str::to_owned);
        if marker.is_none() {
            return Ok(found);
        }
    }
}

async fn clusters(aws: &Aws, scope: &Scope, ids: &[String]) -> Result<Vec<Described>, AwsError> {
    let clients = aws.clients(scope);
    let filter = rds_filter("db-cluster-id", ids);
    let mut found = Vec::new();
    let mut marker: Option<String> = None;
    loop {
        let page = aws
            .call(scope, Operation::DESCRIBE_DB_CLUSTERS, || {
                let request = clients.rds.describe_db_clusters().filters(filter.clone());
                request.max_records(DATABASES_A_PAGE).set_marker(marker.clone()).send()
            })
            .await?;
        found.extend(page.db_clusters().iter().filter_map(|cluster| {
            let id = cluster.db_cluster_identifier()?.to_owned();
            Some(Described { id, tags: cluster.tag_list.clone() })
        }));
        marker = page.marker().filter(|marker| !marker.is_empty()).map(str::to_owned);
        if marker.is_none() {
            return Ok(found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_resources_are_asked_for_by_key_and_sort() {
        let ids: Vec<String> = (0..=VALUES_A_FILTER).map(|n| format!("i-{n}")).collect();
        let mut keys: BTreeSet<TagKey<'_>> =
            ids.iter().map(|id| TagKey { kind: "ec2", id, key: "a*b" }).collect();
        let named = |keys: &BTreeSet<TagKey<'_>>| {
            let filters = queries(keys).concat();
            let text = |f: &Ec2Filter| format!("{}={}", f.name().unwrap(), f.values().join(","));
            filters.iter().map(text).collect::<Vec<_>>()
        };
        assert_eq!(named(&keys), [r"key=a\*b", "resource-type=instance"]);
        keys.insert(TagKey { kind: "ebs", id: "vol-1", key: "Env" });
        assert_eq!(named(&keys), [r"key=Env,a\*b", "resource-type=instance,volume"]);
        let few = BTreeSet::from([TagKey { kind: "ebs", id: "vol-1", key: "Env" }]);
        assert_eq!(named(&few), ["resource-id=vol-1", "key=Env"]);
    }

    #[test]
    fn a_key_that_is_to_be_respelt_is_looked_for_under_both() {
        let seen = |tags: &[(&str, &str)]| {
            let tag =
                |(key, value): &(&str, &str)| (("i-1".to_owned(), (*key).to_owned()), (*value).to_owned());
            let desired = Tag { key: "Env".to_owned(), value: "dev".to_owned() };
            let key = TagKey { kind: "ec2", id: "i-1", key: "env" };
            let live = live(key, Some(&desired), &tags.iter().map(tag).collect())?;
            let text = |tag: Tag| format!("{}={}", tag.key, tag.value);
            Some((text(live.tag), live.taken.map(text)))
        };
        let (old, new) = ("env=dev".to_owned(), "Env=dev".to_owned());
        assert_eq!(seen(&[("env", "dev")]), Some((old.clone(), None)));
        assert_eq!(seen(&[("Env", "dev")]), Some((new, None)));
        // Cut off between the two calls: the second one is left.
        assert_eq!(seen(&[("env", "dev"), ("Env", "dev")]), Some((old.clone(), None)));
        let theirs = || "Env=prod".to_owned();
        assert_eq!(seen(&[("env", "dev"), ("Env", "prod")]), Some((old, Some(theirs()))));
        assert_eq!(seen(&[("Env", "prod")]), Some((theirs(), Some(theirs()))));
        assert_eq!(seen(&[("Team", "ops")]), None);
    }
}
