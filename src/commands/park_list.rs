//! `park list`: what is parked.

use std::collections::BTreeSet;

use anyhow::Result;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::args::{Global, ListFormat};
use super::environment::Environment;
use super::failure::Exit;
use super::output::Output;
use super::progress::Reading;
use super::reading::{Requests, read_resources};
use super::session::{Session, failures, load_settings};
use crate::apply::Report;
use crate::aws::all;
use crate::declarations::Manifest;
use crate::model::Address;
use crate::plan::Plan;
use crate::render::{Align, Table, Tone, clean, count_of};
use crate::resources::KeyRequest;
use crate::resources::instance_storage::{self, Parked, Storage};
use crate::state::State;

/// `opsform park list`
pub(super) async fn list(global: &Global, format: ListFormat, environment: &Environment) -> Result<Exit> {
    let output = Output::new(global, environment);
    let settings = load_settings(global, &output)?;
    let session =
        Session::connect(global, &settings, &State::new(&*settings.project, ""), environment).await?;
    let reading = Reading::new(&output);
    let parked = read_parked(&session).await?;
    drop(reading);
    match format {
        ListFormat::Json => output.print(&serde_json::to_string_pretty(&json!({ "parked": parked }))?)?,
        ListFormat::Table if parked.is_empty() => {}
        ListFormat::Table => output.print(&table(&parked).text(output.palette))?,
    }
    output.note(&footer(&parked));
    Ok(Exit::Done)
}

/// What there are parking snapshots of, in the accounts and regions of the session.
pub(super) async fn read_parked(session: &Session) -> Result<Vec<Parked>> {
    let reads = session
        .declared_scopes
        .iter()
        .map(|scope| instance_storage::parked(&session.aws, scope, &session.estimates));
    Ok(all(reads).await.map_err(failures)?.into_iter().flatten().collect())
}

/// Tells what stays parked although everything is destroyed: the snapshots are the only copies.
pub(super) async fn remind(session: &Session, manifest: &Manifest, output: &Output) -> Result<()> {
    if !manifest.declarations.iter().any(|one| one.kinds().contains(&instance_storage::KIND)) {
        return Ok(());
    }
    let all = read_parked(session).await?;
    for one in all.iter().filter(|one| one.is_whole && one.project == manifest.settings.project) {
        output.note(&clean(&format!(
            "note: {} ({}) stays parked: the only copies of its volumes are {}; `opsform unpark {}` brings it back",
            one.instance,
            one.name,
            one.snapshots.join(", "),
            one.instance
        )));
    }
    Ok(())
}

/// Tells where instances stand whose parking or restoring failed. What cannot be read now, nobody is told.
pub(super) async fn tell_standings(session: &Session, report: &Report, plan: &Plan, output: &Output) {
    let failed: BTreeSet<&Address> = report
        .failures
        .iter()
        .map(|failure| &failure.address)
        .filter(|address| address.kind == instance_storage::KIND)
        .collect();
    let with_volumes = Storage { parked: true, ..Storage::default() }.to_fields();
    let mut requests = Requests::new();
    for address in &failed {
        let key = KeyRequest { desired: Some(&with_volumes), ..KeyRequest::default() };
        let of = (address.scope.clone(), address.kind.clone());
        requests.entry(of).or_default().keys.insert(&address.key, key);
    }
    let Ok(found) = read_resources(session, &requests).await else { return };
    for (address, live) in found {
        let text = |name: &str| live.fields.get(name).and_then(Value::as_str).unwrap_or_default();
        let devices = live.fields.get("volumes").and_then(Value::as_object);
        let devices: Vec<&str> = devices.into_iter().flatten().map(|(device, _)| &**device).collect();
        let volumes = if devices.is_empty() {
            "no volume on it".to_owned()
        } else {
            format!("volumes on it: {}", devices.join(", "))
        };
        let target = plan.changes.iter().find(|change| change.address == address);
        let target = target.and_then(|change| Some(change.target.as_ref()?.words()));
        let name = target.unwrap_or_else(|| address.key.clone());
        let way = if text("state") == "running" {
            String::new()
        } else {
            format!("; `opsform unpark {}` makes it run again", address.key)
        };
        output.note(&clean(&format!("note: {name} is {} now, {volumes}{way}", text("state"))));
    }
}

/// How many are what, their size and what they save.
fn footer(parked: &[Parked]) -> String {
    let whole: Vec<&Parked> = parked.iter().filter(|one| one.is_whole).collect();
    let size: i64 = whole.iter().map(|one| i64::from(one.size_gib)).sum();
    let mut words = format!("{}, {size} GiB", count_of(whole.len(), "parked instance", "parked instances"));
    let saved = whole.iter().map(|one| one.saving_usd).sum::<Option<Decimal>>();
    if let Some(saved) = saved.filter(|_| !whole.is_empty()) {
        let sources: BTreeSet<&str> = whole.iter().map(|one| &*one.prices).collect();
        let sources: Vec<&str> = sources.into_iter().collect();
        words = format!("{words}, saves ${saved:.2} a month or more ({})", sources.join("; "));
    }
    match parked.len() - whole.len() {
        0 => words,
        others => format!(
            "{words}; {}",
            count_of(others, "other with parking snapshots", "others with parking snapshots")
        ),
    }
}

fn table(parked: &[Parked]) -> Table {
    let columns = [
        ("INSTANCE", Align::Left),
        ("NAME", Align::Left),
        ("ACCOUNT", Align::Left),
        ("REGION", Align::Left),
        ("STATE", Align::Left),
        ("SINCE", Align::Left),
        ("VOLUMES", Align::Right),
        ("GIB", Align::Right),
        ("SAVES A MONTH", Align::Right),
        ("PROJECT", Align::Left),
    ];
    let mut table = Table::new(&columns);
    for one in parked {
        let saving = one.saving_usd.map_or_else(|| "no price".to_owned(), |saved| format!("${saved:.2}"));
        let tone = if one.is_whole { Tone::Plain } else { Tone::Notice };
        table.row([
            (Tone::Plain, one.instance.clone()),
            (Tone::Plain, one.name.clone()),
            (Tone::Plain, one.account.clone()),
            (Tone::Plain, one.region.clone()),
            (tone, one.state.clone()),
            (Tone::Plain, one.since.to_string()),
            (Tone::Plain, one.volumes.to_string()),
            (Tone::Plain, one.size_gib.to_string()),
            (Tone::Plain, saving),
            (Tone::Plain, one.project.clone()),
        ]);
    }
    table
}
