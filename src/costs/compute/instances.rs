//! Instances: their hours and their volumes.

use std::collections::{BTreeMap, HashMap};

use super::clock::Clock;
use super::volumes::bearer;
use super::{Missing, NOTHING, both, name_of};
use crate::costs::estate::{Estate, Instance, Volume, noun};
use crate::costs::report::{Cost, InstanceCost, VolumeCost};
use crate::costs::wanted::compute_key;
use crate::model::Scope;
use crate::prices::PriceBook;

/// The volumes of instances, and what they cost.
struct Attached<'a> {
    /// By account, region and id of an instance.
    of: HashMap<(&'a Scope, &'a str), Vec<&'a Volume>>,
    rows: HashMap<(&'a str, &'a str, &'a str), &'a VolumeCost>,
}

pub(super) fn rows(
    estate: &Estate,
    book: &PriceBook,
    clock: Clock,
    volumes: &[VolumeCost],
    missing: &mut Missing,
) -> Vec<InstanceCost> {
    let mut attached = Attached {
        of: HashMap::new(),
        rows: volumes.iter().map(|row| ((&*row.account, &*row.region, &*row.id), row)).collect(),
    };
    for volume in &estate.volumes {
        for instance in volume.attached.keys() {
            attached.of.entry((&volume.scope, instance)).or_default().push(volume);
        }
    }
    let mut rows: Vec<InstanceCost> = estate
        .instances
        .iter()
        .map(|instance| {
            let mut row = described(estate, instance);
            hours(instance, book, clock, &mut row, missing);
            storage(estate, instance, &attached, clock, &mut row);
            row.total = both(row.ec2, row.ebs);
            row
        })
        .collect();
    rows.sort_by(|one, other| {
        let key =
            |row: &InstanceCost| (row.account.clone(), row.region.clone(), row.name.clone(), row.id.clone());
        key(one).cmp(&key(other))
    });
    rows
}

/// A row without costs.
fn described(estate: &Estate, instance: &Instance) -> InstanceCost {
    let of_type = estate.types.get(&instance.instance_type);
    InstanceCost {
        account: instance.scope.account.clone(),
        region: instance.scope.region.clone(),
        name: name_of(&instance.tags),
        id: instance.id.clone(),
        instance_type: instance.instance_type.clone(),
        state: instance.state.clone(),
        zone: instance.zone.clone(),
        platform: instance.platform.clone(),
        vcpu: instance.vcpu.or_else(|| of_type?.vcpu),
        memory_mib: of_type.and_then(|of_type| of_type.memory_mib),
        tags: instance.tags.clone(),
        ..InstanceCost::default()
    }
}

fn hours(instance: &Instance, book: &PriceBook, clock: Clock, row: &mut InstanceCost, missing: &mut Missing) {
    row.hourly = match compute_key(instance) {
        Ok(key) => missing.or_note(book.compute_hour(&key), &mut row.notes),
        Err(why) => {
            missing.note(why, &mut row.notes);
            None
        }
    };
    row.ec2 = if row.is_stopped() {
        row.notes.push(
            "stopped: hours that it ran earlier this month are not in the figures; AWS does not list them"
                .to_owned(),
        );
        NOTHING
    } else {
        row.hourly.map_or_else(Cost::default, |price| clock.hourly(price, instance.launched))
    };
}

fn storage(
    estate: &Estate,
    instance: &Instance,
    attached: &Attached<'_>,
    clock: Clock,
    row: &mut InstanceCost,
) {
    let mut volumes = attached.of.get(&(&instance.scope, &*instance.id)).cloned().unwrap_or_default();
    volumes.sort_by_key(|volume| (&volume.attached[&instance.id], &volume.id));
    restarted(instance, &volumes, clock, row);
    row.volumes = volumes.iter().map(|volume| volume.id.clone()).collect();
    row.volume_gib = volumes.iter().map(|volume| i64::from(volume.shape.size)).sum();
    let mut cost = NOTHING;
    for volume in volumes {
        let of_volume = attached.rows.get(&(&*volume.scope.account, &*volume.scope.region, &*volume.id));
        match bearer(volume) {
            Some(bearer) if bearer != instance.id => {
                row.notes.push(format!("shares {}; its cost is in the row of {bearer}", volume.id));
            }
            _ => cost = both(cost, of_volume.map_or_else(Cost::default, |row| row.cost)),
        }
        if let Some(of_volume) = of_volume.filter(|row| row.cost.so_far.is_none()) {
            let why = of_volume.notes.first().map_or("no price", String::as_str);
            row.notes.push(format!("{}: {why}", volume.id));
        }
    }
    // What the instance names and no list of volumes has is there, and what it costs is not known.
    let unread: BTreeMap<&String, &String> =
        instance.devices.iter().filter(|(_, id)| !row.volumes.contains(id)).collect();
    if !unread.is_empty() {
        let why = if estate.has_gap(&instance.scope, noun::VOLUMES) {
            "the volumes of this region could not be read".to_owned()
        } else {
            let ids: Vec<&str> = unread.values().map(|id| id.as_str()).collect();
            format!("AWS lists no volume {}", ids.join(", "))
        };
        row.notes.push(why);
        row.volumes.extend(unread.into_values().cloned());
        cost = Cost::default();
    }
    row.ebs = cost;
}

/// An instance all of whose volumes are older than its last start was there before it, and may have run.
fn restarted(instance: &Instance, volumes: &[&Volume], clock: Clock, row: &mut InstanceCost) {
    const AN_HOUR: i64 = 3_600;
    let Some(launched) = instance.launched.filter(|launched| clock.has_seen(*launched)) else { return };
    let is_older =
        |volume: &&Volume| volume.created.is_some_and(|c| c.as_second() + AN_HOUR < launched.as_second());
    if !row.is_stopped() && !volumes.is_empty() && volumes.iter().all(is_older) {
        row.notes.push(format!(
            "started {launched}: hours that it ran earlier this month are not in the figures; AWS does not list them"
        ));
    }
}
