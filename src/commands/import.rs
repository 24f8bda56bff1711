//! `import`: declarations to review, of alarms that exist and that nobody owns, or of a sheet that lists alarms.

use std::collections::BTreeSet;

use anyhow::Result;

use super::args::{Global, ImportArgs};
use super::environment::Environment;
use super::failure::Exit;
use super::import_sheet;
use super::opening::open_settings;
use super::output::Output;
use super::progress::Reading;
use super::session::{Session, failures};
use super::whole_file::{Existing, write_whole};
use crate::aws::all;
use crate::declarations::block_names;
use crate::inventory::{Selector, TargetKind, read_fleet};
use crate::manifest::{SourceSet, parse};
use crate::model::Address;
use crate::render::count_of;
use crate::report::{Declarations, FoundAlarm, Surroundings, declarations};
use crate::resources::metric_alarm;

const NOTHING: &str = "Nothing to import: there is no metric alarm but those that bear a project's tag or that the state records.";

/// `opsform import`
pub(super) async fn run(global: &Global, args: &ImportArgs, environment: &Environment) -> Result<Exit> {
    match &args.file {
        Some(file) => import_sheet::run(global, args, file, environment),
        None => live(global, args, environment).await,
    }
}

async fn live(global: &Global, args: &ImportArgs, environment: &Environment) -> Result<Exit> {
    let output = Output::new(global, environment);
    let (state, session) = open_settings(global, environment, &output).await?;
    let reading = Reading::new(&output);
    let selectors: Vec<Selector> = TargetKind::ALL.into_iter().map(Selector::all).collect();
    let selectors: Vec<&Selector> = selectors.iter().collect();
    let fleet = read_fleet(&session.aws, &session.manifest_scopes, &selectors).await.map_err(failures)?;
    let mut found = find(&session).await?;
    drop(reading);
    found.retain(|alarm| {
        let address = Address::new(metric_alarm::KIND, alarm.scope.clone(), &*alarm.name);
        !state.resources.contains_key(&address)
    });
    if found.is_empty() {
        output.print(NOTHING)?;
        return Ok(Exit::Done);
    }
    let labels = labels(global);
    let written =
        declarations(&found, Surroundings { fleet: &fleet, scopes: &session.manifest_scopes, labels });
    let count = count_words(&written);
    let Some(path) = &args.out else {
        output.print(&written.text)?;
        output.note(&format!("{count}; `--out FILE` writes them to a file of the manifest"));
        return Ok(Exit::Done);
    };
    write_whole(path, written.text.as_bytes(), Existing::Refuse)?;
    output.print(&format!(
        "Wrote {count} to {}.\nNext: review it, then `opsform plan`: it adopts what is declared and changes nothing.",
        path.display()
    ))?;
    Ok(Exit::Done)
}

/// The labels that the manifest's blocks have, as far as it can be read.
pub(super) fn labels(global: &Global) -> BTreeSet<String> {
    let (sources, _) = SourceSet::read(&global.manifests);
    let (document, _) = parse(&sources, &block_names());
    let labels = document.blocks.iter().filter_map(|block| block.table.get("label")?.value.as_str());
    labels.map(str::to_owned).collect()
}

/// `15 alarms`, or `15 alarms (and 1 more as a comment that says why)`.
fn count_words(written: &Declarations) -> String {
    let declared = count_of(written.declared, "alarm", "alarms");
    match written.left_out {
        0 => declared,
        1 => format!("{declared} (and 1 more as a comment that says why)"),
        more => format!("{declared} (and {more} more as comments that say why)"),
    }
}

async fn find(session: &Session) -> Result<Vec<FoundAlarm>> {
    let reads = session.declared_scopes.iter().map(|scope| async move {
        metric_alarm::unowned(&session.aws, scope).await.map(|alarms| (scope, alarms))
    });
    let found = all(reads).await.map_err(failures)?.into_iter().flat_map(|(scope, alarms)| {
        alarms.into_iter().map(|(name, alarm)| FoundAlarm { scope: scope.clone(), name, alarm })
    });
    Ok(found.collect())
}
