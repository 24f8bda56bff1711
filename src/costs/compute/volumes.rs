//! Volumes: size, iops and throughput, by the part of the month that they are there.

use super::clock::Clock;
use super::{Missing, name_of};
use crate::costs::estate::{Estate, Volume, elsewhere};
use crate::costs::report::{Cost, VolumeCost};
use crate::prices::{NoPrice, PriceBook};

pub(super) fn rows(
    estate: &Estate,
    book: &PriceBook,
    clock: Clock,
    missing: &mut Missing,
) -> Vec<VolumeCost> {
    let mut rows: Vec<VolumeCost> =
        estate.volumes.iter().map(|volume| row(volume, book, clock, missing)).collect();
    rows.sort_by(|one, other| {
        let key =
            |row: &VolumeCost| (row.account.clone(), row.region.clone(), row.name.clone(), row.id.clone());
        key(one).cmp(&key(other))
    });
    rows
}

fn row(volume: &Volume, book: &PriceBook, clock: Clock, missing: &mut Missing) -> VolumeCost {
    let mut notes = Vec::new();
    let month = match elsewhere(&volume.scope.region, &volume.zone, volume.outpost) {
        Some(why) => Err(NoPrice(why)),
        None => book.volume_month(&volume.scope.region, &volume.shape),
    };
    let month = missing.or_note(month, &mut notes);
    if volume.attached.len() > 1 {
        let instances: Vec<&str> = volume.attached.keys().map(String::as_str).collect();
        notes.push(format!("shared by {}; its cost stands once", instances.join(", ")));
    }
    VolumeCost {
        account: volume.scope.account.clone(),
        region: volume.scope.region.clone(),
        name: name_of(&volume.tags),
        id: volume.id.clone(),
        volume_type: volume.shape.volume_type.clone(),
        gib: volume.shape.size,
        iops: volume.shape.iops,
        throughput: volume.shape.throughput,
        instance: bearer(volume).map(str::to_owned),
        created: volume.created,
        cost: month.map_or_else(Cost::default, |price| clock.monthly(price, volume.created)),
        notes,
        tags: volume.tags.clone(),
    }
}

/// The instance in whose row the cost of a volume stands: of several that share it the first by id, so that nothing is counted
/// twice.
pub(super) fn bearer(volume: &Volume) -> Option<&str> {
    volume.attached.keys().next().map(String::as_str)
}
