//! What a reviewer of a plan should know of a parking besides its steps.

use rust_decimal::Decimal;

use super::decide::Step;
use super::forecast::Forecast;
use super::prices::saving;
use super::record::Attributes;
use super::sets::{base, sets};
use super::spec::Storage;
use super::world::{Power, World};
use crate::plan::{Deed, Saving};
use crate::prices::{NoPrice, Priced, StoragePrices};

pub(super) fn notes(
    world: &World,
    wanted: &Storage,
    public_ip: Option<&str>,
    prices: &StoragePrices,
) -> Vec<String> {
    if world.root().is_none() {
        let parked = base(world, &sets(world)).filter(|_| !wanted.parked);
        return parked
            .map(|base| of_restore(prices, base.slots().map(|(_, it)| &it.volume), wanted))
            .unwrap_or_default();
    }
    if !wanted.parked {
        return Vec::new();
    }
    let source = &prices.source;
    let mut notes = vec![match saving_of(world, prices) {
        Ok(saved) if saved < Decimal::ZERO => {
            format!(
                "costs {} a month more than it saves, if its volumes are full ({source})",
                dollars(-saved)
            )
        }
        Ok(saved) => {
            format!("saves {} a month or more: volumes less full snapshots ({source})", dollars(saved))
        }
        Err(NoPrice(why)) => format!("no saving is shown: {why} ({source})"),
    }];
    notes.push(
        "its volumes are new ones when it runs again: alarms, schedules and generations of snapshots that go by a volume's id end"
            .to_owned(),
    );
    let runs = matches!(world.instance.power, Power::Running | Power::Pending);
    if let Some(address) = public_ip.filter(|_| runs) {
        notes.push(format!("loses its public IPv4 address {address}; the next start brings another one"));
    }
    notes
}

fn of_restore<'a>(
    prices: &StoragePrices,
    volumes: impl Iterator<Item = &'a Attributes>,
    wanted: &Storage,
) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(cost) = saving(prices, volumes).ok().filter(|cost| *cost > Decimal::ZERO) {
        notes.push(format!("costs up to {} a month more than parked ({})", dollars(cost), prices.source));
    }
    notes.push(
        "the new volumes have new ids: alarms and schedules that name a volume follow with the next apply"
            .to_owned(),
    );
    notes.push("schedules leave it out until the next apply after it runs".to_owned());
    notes.push(match wanted.initialization_rate {
        None => "the new volumes load from their snapshots while they are read, so they are slow at first".to_owned(),
        Some(rate) => format!(
            "the new volumes are filled from their snapshots at {rate} MiB/s, which costs extra for each GiB of the snapshots"
        ),
    });
    if wanted.keep_snapshots {
        notes.push(
            "its snapshots stay when it runs, cost what they did, and are nobody's from then on (keep_snapshots)".to_owned(),
        );
    }
    notes
}

/// What parking or restoring comes to.
pub(super) fn deed(forecast: &Forecast, wanted: &Storage) -> Deed {
    let deletes = forecast.steps.iter().filter(|(step, _)| matches!(step, Step::DeleteVolume { .. })).count();
    let (word, deletes) = if wanted.parked { ("park", deletes) } else { ("unpark", 0) };
    Deed {
        word: word.to_owned(),
        deletes,
        one: "volume deleted once its snapshot is complete".to_owned(),
        many: "volumes deleted once their snapshots are complete".to_owned(),
    }
}

/// What parking saves, for the total of a plan; nothing where the change is no parking.
pub(super) fn parking_saves(world: &World, wanted: &Storage, prices: &StoragePrices) -> Option<Saving> {
    let parks = wanted.parked && world.root().is_some();
    parks.then(|| Saving { monthly_usd: saving_of(world, prices).ok(), prices: prices.source.clone() })
}

fn saving_of(world: &World, prices: &StoragePrices) -> Priced<Decimal> {
    let volumes = world.attached();
    saving(prices, volumes.iter().map(|(volume, _)| &volume.attributes))
}

fn dollars(amount: Decimal) -> String {
    format!("${amount:.2}")
}
