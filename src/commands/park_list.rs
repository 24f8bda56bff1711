//! `park list`: what is parked.

use anyhow::Result;
use serde_json::json;

use super::args::{Global, ListFormat};
use super::environment::Environment;
use super::failure::Exit;
use super::output::Output;
use super::progress::Reading;
use super::session::{Session, failures, load_settings};
use crate::aws::all;
use crate::render::{Align, Table, Tone, count_of};
use crate::resources::instance_storage::{self, Parked};
use crate::state::State;

/// `opsform park list`
pub(super) async fn list(global: &Global, format: ListFormat, environment: &Environment) -> Result<Exit> {
    let output = Output::new(global, environment);
    let settings = load_settings(global, &output)?;
    let session =
        Session::connect(global, &settings, &State::new(&*settings.project, ""), environment).await?;
    let reading = Reading::new(&output);
    let reads = session.declared_scopes.iter().map(|scope| instance_storage::parked(&session.aws, scope));
    let parked: Vec<Parked> = all(reads).await.map_err(failures)?.into_iter().flatten().collect();
    drop(reading);
    match format {
        ListFormat::Json => output.print(&serde_json::to_string_pretty(&json!({ "parked": parked }))?)?,
        ListFormat::Table => output.print(&table(&parked).text(output.palette))?,
    }
    let size: i64 = parked.iter().map(|one| i64::from(one.size_gib)).sum();
    let mut words = format!("{}, {size} GiB", count_of(parked.len(), "parked instance", "parked instances"));
    if let Some(saved) =
        parked.iter().map(|one| one.saving_usd).sum::<Option<f64>>().filter(|_| !parked.is_empty())
    {
        let prices = instance_storage::PRICES_OF;
        words = format!("{words}, saves ${saved:.2} a month or more ({prices})");
    }
    output.note(&words);
    Ok(Exit::Done)
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
