//! Snapshots, parked instances and idle addresses.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use rust_decimal::Decimal;

use super::clock::Clock;
use super::{Missing, name_of};
use crate::costs::estate::{Address, Estate, ParkedInstance, Snapshot, noun};
use crate::costs::report::{AddressCost, Cost, ParkedCost, SnapshotCost};
use crate::model::Scope;
use crate::prices::{PriceBook, Priced, to_cents};

/// The volume that AWS names for a copied snapshot ("`CopySnapshot`" in the EC2 API reference).
const OF_A_COPY: &str = "vol-ffffffff";

/// A row for each volume that there are own snapshots of.
pub(super) fn snapshots(estate: &Estate, book: &PriceBook, missing: &mut Missing) -> Vec<SnapshotCost> {
    let existing: HashSet<(&Scope, &str)> =
        estate.volumes.iter().map(|volume| (&volume.scope, &*volume.id)).collect();
    let mut by_volume: BTreeMap<(&Scope, &str), Vec<&Snapshot>> = BTreeMap::new();
    for snapshot in &estate.snapshots {
        by_volume.entry((&snapshot.scope, &snapshot.volume)).or_default().push(snapshot);
    }
    let row = |((scope, volume), snapshots): ((&Scope, &str), Vec<&Snapshot>)| {
        let mut notes = Vec::new();
        let unread = estate.has_gap(scope, noun::VOLUMES);
        if unread {
            notes.push("whether the volume is still there could not be read".to_owned());
        } else if volume == OF_A_COPY {
            notes.push("copies: AWS tells no volume of them".to_owned());
        }
        let monthly = missing.or_note(month_of(book, &scope.region, &snapshots), &mut notes);
        SnapshotCost {
            account: scope.account.clone(),
            region: scope.region.clone(),
            volume: volume.to_owned(),
            volume_exists: unread || existing.contains(&(scope, volume)),
            count: snapshots.len(),
            oldest: snapshots.iter().filter_map(|one| one.taken).min(),
            newest: snapshots.iter().filter_map(|one| one.taken).max(),
            gib_at_most: to_cents(snapshots.iter().map(|one| one.full_gib).sum()),
            monthly_at_most: monthly,
            labels: snapshots
                .iter()
                .filter_map(|one| one.label.clone())
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect(),
            notes,
        }
    };
    by_volume.into_iter().map(row).collect()
}

/// The most that a month of these snapshots costs.
fn month_of(book: &PriceBook, region: &str, snapshots: &[&Snapshot]) -> Priced<Decimal> {
    let mut cost = Decimal::ZERO;
    for archived in [false, true] {
        let gib: Decimal =
            snapshots.iter().filter(|one| one.archived == archived).map(|one| one.full_gib).sum();
        if !gib.is_zero() {
            cost += gib * book.snapshot_gib_month(region, archived)?;
        }
    }
    Ok(to_cents(cost))
}

/// A row for each instance that is parked.
pub(super) fn parked(estate: &Estate, book: &PriceBook, missing: &mut Missing) -> Vec<ParkedCost> {
    let mut rows: Vec<ParkedCost> = estate
        .parked
        .iter()
        .map(|one| {
            // The row has no notes of its own: the line in the summary says why.
            let mut notes = Vec::new();
            let region = &one.scope.region;
            let volumes = missing.or_note(volumes_month(book, one), &mut notes);
            let snapshots =
                book.snapshot_gib_month(region, false).map(|gib| to_cents(gib * Decimal::from(one.gib)));
            let snapshots = missing.or_note(snapshots, &mut notes);
            ParkedCost {
                account: one.scope.account.clone(),
                region: region.clone(),
                name: one.name.clone(),
                id: one.id.clone(),
                since: one.since,
                gib: one.gib,
                volumes_monthly: volumes,
                snapshots_monthly: snapshots,
                saving_monthly: volumes.zip(snapshots).map(|(volumes, snapshots)| volumes - snapshots),
            }
        })
        .collect();
    rows.sort_by(|one, other| {
        let key =
            |row: &ParkedCost| (row.account.clone(), row.region.clone(), row.name.clone(), row.id.clone());
        key(one).cmp(&key(other))
    });
    rows
}

fn volumes_month(book: &PriceBook, parked: &ParkedInstance) -> Priced<Decimal> {
    let Some(volumes) = &parked.volumes else {
        let why = "what the volumes of a parked instance were cannot be read from its snapshots";
        return Err(crate::prices::NoPrice(why.to_owned()));
    };
    let months = volumes.iter().map(|volume| book.volume_month(&parked.scope.region, volume));
    Ok(to_cents(months.sum::<Priced<Decimal>>()?))
}

/// A row for each address that AWS bills as idle: one that is associated with nothing, with an instance that does not run, or with
/// a network interface that is attached to nothing ("Elastic IP addresses" in the EC2 user guide).
pub(super) fn addresses(
    estate: &Estate,
    book: &PriceBook,
    clock: Clock,
    missing: &mut Missing,
) -> Vec<AddressCost> {
    let states: HashMap<(&Scope, &str), &str> =
        estate.instances.iter().map(|one| ((&one.scope, &*one.id), &*one.state)).collect();
    let row = |address: &Address| {
        let why = idle(address, &states)?;
        let mut notes = Vec::new();
        let price = missing.or_note(book.idle_address_hour(&address.scope.region), &mut notes);
        notes.push("AWS does not tell since when: all hours of the month".to_owned());
        Some(AddressCost {
            account: address.scope.account.clone(),
            region: address.scope.region.clone(),
            name: name_of(&address.tags),
            id: address.id.clone(),
            address: address.address.clone(),
            why,
            cost: price.map_or_else(Cost::default, |price| clock.hourly(price, None)),
            notes,
            tags: address.tags.clone(),
        })
    };
    let mut rows: Vec<AddressCost> = estate.addresses.iter().filter_map(row).collect();
    rows.sort_by(|one, other| {
        let key =
            |row: &AddressCost| (row.account.clone(), row.region.clone(), row.name.clone(), row.id.clone());
        key(one).cmp(&key(other))
    });
    rows
}

fn idle(address: &Address, states: &HashMap<(&Scope, &str), &str>) -> Option<String> {
    match (&address.instance, &address.interface) {
        (Some(instance), _) => {
            let state = states.get(&(&address.scope, instance)).filter(|state| state.starts_with("stop"))?;
            Some(format!("its instance {instance} is {state}"))
        }
        (None, Some(interface)) => {
            address.interface_is_free.then(|| format!("its interface {interface} is attached to nothing"))
        }
        (None, None) => Some("associated with nothing".to_owned()),
    }
}
