//! What AWS holds: one folder per kind of resource, with its spec and its SDK calls.
//!
//! Architecture invariant: `aws_sdk_*` appears in folders named `aws` only; specs are pure.

pub mod alarm_mute_rule;
pub mod database_power;
pub mod event_rule;
mod halves;
pub mod instance_power;
pub mod instance_storage;
mod kind;
pub mod metric_alarm;
pub mod schedule;
pub mod schedule_group;
pub mod snapshot;
mod spec_fields;
pub mod tag;

pub use crate::aws::partition;
pub use kind::{
    Course, KeyRequest, Kind, Operations, OutlookQuestion, OwnershipNeed, ReadRequest, Reliance, Step,
};

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::model::{Actual, Address, Desired, Fields, KindText};

/// The tag that says, with the value `true`, that opsform must never delete a resource. It is one of the resource's
/// fields, so that a change of it is planned, and a lost state is rebuilt with it.
pub const PROTECT_TAG: &str = "opsform:protect";

/// All kinds. A new kind is one folder and one line here.
pub const KINDS: &[&dyn Kind] = &[
    &metric_alarm::MetricAlarmKind,
    &tag::TagKind,
    &instance_power::InstancePowerKind,
    &database_power::DatabasePowerKind,
    &instance_storage::InstanceStorageKind,
    &schedule_group::ScheduleGroupKind,
    &schedule::ScheduleKind,
    &event_rule::EventRuleKind,
    &snapshot::SnapshotKind,
    &alarm_mute_rule::AlarmMuteRuleKind,
];

/// The kind with this name.
pub fn kind(name: &str) -> Option<&'static dyn Kind> {
    KINDS.iter().copied().find(|kind| kind.text().kind == name)
}

/// What a resource is in, where that has to be there first.
pub fn container(address: &Address) -> Option<Address> {
    let (container, key) = kind(&address.kind)?.container(&address.key)?;
    Some(Address::new(container, address.scope.clone(), key))
}

/// The parts that are cut back, each with those that are to be made first because they may be given what it loses.
pub fn cut_back(
    desired: &[Desired],
    actual: &BTreeMap<Address, Actual>,
) -> BTreeMap<Address, BTreeSet<Address>> {
    let place =
        |one: &Desired| (one.address.kind.clone(), one.address.scope.clone(), one.origin.label.clone());
    let mut made: BTreeMap<_, Vec<&Desired>> = BTreeMap::new();
    for one in desired.iter().filter(|one| !actual.contains_key(&one.address)) {
        made.entry(place(one)).or_default().push(one);
    }
    let successors = |one: &Desired| {
        let (kind, live) = (kind(&one.address.kind)?, actual.get(&one.address)?);
        let beside = made.get(&place(one))?;
        let parts = beside.iter().filter(|part| kind.are_parts(&part.fields, &one.fields));
        kind.cuts_back(&live.fields, &one.fields).then(|| parts.map(|part| part.address.clone()).collect())
    };
    desired.iter().filter_map(|one| Some((one.address.clone(), successors(one)?))).collect()
}

/// What fields that were written or planned say at a later time.
pub fn at(address: &Address, fields: &Fields, now: Timestamp) -> Fields {
    kind(&address.kind).map_or_else(|| fields.clone(), |kind| kind.at(fields, now))
}

/// Whether a resource with these fields is over, so that it is neither made nor changed any more.
pub fn is_over(address: &Address, fields: &Fields, now: Timestamp) -> bool {
    kind(&address.kind).is_some_and(|kind| kind.is_over(fields, now))
}

/// The names of the kinds of which somebody else's change makes a resource somebody else's.
pub fn shared() -> BTreeSet<String> {
    KINDS.iter().map(|kind| kind.text()).filter(|text| text.shared).map(|text| text.kind.to_owned()).collect()
}

/// The words of all kinds.
pub fn texts() -> Vec<KindText> {
    KINDS.iter().map(|kind| kind.text()).collect()
}
