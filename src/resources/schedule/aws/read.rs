//! Reading schedules: a list says which there are, a hundred a call, and each of ours is asked for by name.
//!
//! `ListSchedules` tells neither expression nor input (`ScheduleSummary` in the API reference), so a schedule that is to be
//! compared costs a `GetSchedule`, of which AWS allows hundreds a second. Those that are not there cost none, nor do other
//! people's.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::try_join_all;
use jiff::Timestamp;

use super::convert::from_live;
use crate::aws::{Aws, AwsError, ErrorClass, Operation, pages};
use crate::model::{Actual, Address, Fields, Ownership, Scope};
use crate::resources::schedule::names::{group_name, parse_key};
use crate::resources::schedule::{KIND, Schedule, described};
use crate::resources::{OwnershipNeed, ReadRequest, schedule_group};

/// The time at which no schedule has begun.
const NOTHING_HAS_BEGUN: Timestamp = Timestamp::UNIX_EPOCH;

/// The largest page of `ListSchedules` (its API reference).
const PAGE: i32 = 100;

/// Reads the schedules of these keys.
pub(super) async fn read(
    aws: &Aws,
    scope: &Scope,
    request: &ReadRequest<'_>,
) -> Result<Vec<Actual>, AwsError> {
    let keys: Vec<&str> = request.keys.keys().copied().collect();
    let groups = by_group(&keys).into_iter().map(|(group, wanted)| async move {
        let there = names_in(aws, scope, group).await?;
        let there: Vec<&str> = wanted.into_iter().filter(|name| there.contains(*name)).collect();
        let asks = |name: &&str| {
            let known = request.keys.get(&*format!("{group}/{name}"));
            known.is_some_and(|known| known.ownership != OwnershipNeed::None)
        };
        let owner = if there.iter().any(asks) { owner(aws, scope, group).await? } else { Ownership::NotRead };
        let found = try_join_all(there.iter().map(|name| get(aws, scope, group, name, request.now))).await?;
        let owned = |mut actual: Actual| {
            let known = request.keys.get(&*actual.address.key);
            // One that is over and is wanted again, with another time of the day, is still there to be changed.
            if known.is_none_or(|known| known.desired.is_none()) && is_over(&actual, request.now) {
                return None;
            }
            let asks = known.is_some_and(|known| known.ownership != OwnershipNeed::None);
            let recorded = known.is_some_and(|known| known.last_written.is_some());
            // What a person put in the place of one that the state records is seen without a call.
            let group = if asks { &owner } else { &Ownership::NotRead };
            actual.ownership = owner_of(&actual, group, recorded);
            Some(actual)
        };
        Ok(found.into_iter().flatten().filter_map(owned).collect::<Vec<_>>())
    });
    Ok(try_join_all(groups).await?.into_iter().flatten().collect())
}

/// Whether a live schedule fires no more, so that AWS deletes it by itself, now or in a while.
pub(in crate::resources) fn is_over(live: &Actual, now: Timestamp) -> bool {
    Schedule::from_fields(&live.fields).is_ok_and(|schedule| schedule.is_over(now))
}

/// The owner of a schedule in a group: the project that the group's tags and its own description name, both. A person may
/// have put one of theirs into our group, also where one of ours was. One that the state records and that lost its
/// description is still ours: every update by hand that does not repeat a description removes it.
fn owner_of(live: &Actual, group: &Ownership, recorded: bool) -> Ownership {
    let description = live.fields.get("description").and_then(|text| text.as_str());
    let Some(description) = description else {
        return if recorded { group.clone() } else { Ownership::Nobody };
    };
    let Some((project, label)) = described(description) else { return Ownership::Nobody };
    let (project, label) = (project.to_owned(), Some(label.to_owned()));
    let is_of_group = parse_key(&live.address.key).is_some_and(|(group, _)| group == group_name(&project));
    match group {
        _ if !is_of_group => Ownership::Project { name: project, label },
        Ownership::Project { name, .. } => Ownership::Project { name: name.clone(), label },
        Ownership::Nobody | Ownership::NotRead => group.clone(),
    }
}

/// The owners of the schedules that there are, which the state records.
pub(super) async fn owners(
    aws: &Aws,
    scope: &Scope,
    keys: &[&str],
) -> Result<BTreeMap<String, Ownership>, AwsError> {
    let mut owners = BTreeMap::new();
    for (group, names) in by_group(keys) {
        let found =
            try_join_all(names.iter().map(|name| get(aws, scope, group, name, NOTHING_HAS_BEGUN))).await?;
        let found: Vec<Actual> = found.into_iter().flatten().collect();
        if !found.is_empty() {
            let owner = owner(aws, scope, group).await?;
            owners.extend(found.into_iter().map(|live| {
                let owner = owner_of(&live, &owner, true);
                (live.address.key, owner)
            }));
        }
    }
    Ok(owners)
}

/// The schedules in a project's group that say in their description that they are the project's: a person may have put
/// others into it.
pub(in crate::resources) async fn ours_of(
    aws: &Aws,
    scope: &Scope,
    group: &str,
    names: &BTreeSet<String>,
    project: &str,
) -> Result<Vec<Actual>, AwsError> {
    let found =
        try_join_all(names.iter().map(|name| get(aws, scope, group, name, NOTHING_HAS_BEGUN))).await?;
    let ours = |mut actual: Actual| {
        let (name, label) = described(actual.fields.get("description")?.as_str()?)?;
        let owner = Ownership::Project { name: name.to_owned(), label: Some(label.to_owned()) };
        let is_ours = name == project;
        actual.ownership = owner;
        is_ours.then_some(actual)
    };
    Ok(found.into_iter().flatten().filter_map(ours).collect())
}

/// The names of all schedules of a group; none where there is no such group.
pub(in crate::resources) async fn names_in(
    aws: &Aws,
    scope: &Scope,
    group: &str,
) -> Result<BTreeSet<String>, AwsError> {
    let clients = &aws.clients(scope);
    let names = pages(|token| async move {
        let ask = || {
            let request = clients.scheduler.list_schedules().group_name(group).max_results(PAGE);
            request.set_next_token(token.clone()).send()
        };
        let page = aws.call(scope, Operation::LIST_SCHEDULES, ask).await?;
        let names = page.schedules().iter().filter_map(|one| one.name().map(str::to_owned));
        Ok((names.collect(), page.next_token().map(str::to_owned)))
    });
    match names.await {
        // A group that is gone, also in the middle, took its schedules with it.
        Err(error) if error.class == ErrorClass::NotFound => Ok(BTreeSet::new()),
        names => Ok(names?.into_iter().collect()),
    }
}

fn by_group<'a>(keys: &[&'a str]) -> BTreeMap<&'a str, Vec<&'a str>> {
    let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (group, name) in keys.iter().filter_map(|key| parse_key(key)) {
        groups.entry(group).or_default().push(name);
    }
    groups
}

async fn owner(aws: &Aws, scope: &Scope, group: &str) -> Result<Ownership, AwsError> {
    // A group that is gone took its schedules with it.
    Ok(schedule_group::owner(aws, scope, group).await?.unwrap_or(Ownership::Nobody))
}

/// A schedule; `None` where there is none.
async fn get(
    aws: &Aws,
    scope: &Scope,
    group: &str,
    name: &str,
    now: Timestamp,
) -> Result<Option<Actual>, AwsError> {
    let clients = aws.clients(scope);
    let answer = aws
        .call(scope, Operation::GET_SCHEDULE, || {
            clients.scheduler.get_schedule().group_name(group).name(name).send()
        })
        .await;
    let live = match answer {
        Err(error) if error.class == ErrorClass::NotFound => return Ok(None),
        answer => answer?,
    };
    let (fields, inexpressible) = match from_live(&live, now) {
        Ok(schedule) => (schedule.to_fields(), None),
        Err(what) => {
            let described = live.description().map(|text| ("description".to_owned(), text.into()));
            let uses = ("uses".to_owned(), what.clone().into());
            (std::iter::once(uses).chain(described).collect::<Fields>(), Some(what))
        }
    };
    let address = Address::new(KIND, scope.clone(), format!("{group}/{name}"));
    Ok(Some(Actual { address, fields, ownership: Ownership::NotRead, inexpressible }))
}
