//! `state pull`, `state push` and `state migrate`: the document as a whole.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::args::{Global, LockArgs};
use super::environment::Environment;
use super::failure::{Exit, Failure};
use super::locking::{Asking, with_another_lock, with_lock};
use super::output::Output;
use super::plan::read_state;
use super::session::{default_path, load_manifest, open_s3, open_store};
use crate::manifest::Settings;
use crate::render::count_of;
use crate::state::{LocalStore, S3Location, State, Store};

/// `opsform state pull`
pub(super) async fn pull(global: &Global, environment: &Environment) -> Result<Exit> {
    let output = Output::new(global, environment);
    let manifest = load_manifest(global, &output)?;
    let store = open_store(global, environment, &manifest.settings).await?;
    let state = read_state(&store, &output).await?;
    if state.serial == 0 {
        return Err(Failure::new(
            format!("there is no state at {}", store.place()),
            "the first apply makes one; `opsform state rebuild` finds what the project owns by its tags",
        )
        .into());
    }
    output.print(&String::from_utf8_lossy(&state.text()?))?;
    Ok(Exit::Done)
}

/// `opsform state push`
pub(super) async fn push(
    global: &Global,
    file: &Path,
    force: bool,
    environment: &Environment,
) -> Result<Exit> {
    let output = Output::new(global, environment);
    let manifest = load_manifest(global, &output)?;
    let name = file.display().to_string();
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {name}"))?;
    let pushed = State::parse(&bytes, &name, &manifest.settings.project)?;
    let store = open_store(global, environment, &manifest.settings).await?;
    let store = if force { store.replacing_damage() } else { store };
    let args = LockArgs::default();
    let asking = Asking { what: "state push", args: &args, output: &output, environment };
    with_lock(&store, asking, async |locked, _| {
        let there = locked.state();
        if there.serial > 0 && !force {
            refuse_to_replace(there, &pushed, &name)?;
        }
        let serial = there.serial.max(pushed.serial);
        *locked.state_mut() = State { serial, ..pushed };
        locked.save().await?;
        let count = count_of(locked.state().resources.len(), "resource", "resources");
        output.note(&format!("wrote {count} to {}", store.place()));
        Ok(Exit::Done)
    })
    .await
}

fn refuse_to_replace(there: &State, pushed: &State, name: &str) -> Result<()> {
    let message = if there.lineage != pushed.lineage {
        format!("{name} is another state: its lineage is {}, and {} is there", pushed.lineage, there.lineage)
    } else if pushed.serial < there.serial {
        format!(
            "{name} is older than the state that is there: serial {} before {}",
            pushed.serial, there.serial
        )
    } else if pushed.serial == there.serial && pushed != there {
        // Such as the bare document beside the journal of an apply that was cut off.
        format!(
            "{name} is not what is there, though of the same serial, {}: something was recorded that it does not have",
            there.serial
        )
    } else {
        return Ok(());
    };
    Err(Failure::new(message, "if it is to replace that state all the same, say --force").into())
}

/// `opsform state migrate`
pub(super) async fn migrate(
    global: &Global,
    from: Option<&str>,
    from_region: Option<&str>,
    environment: &Environment,
) -> Result<Exit> {
    let output = Output::new(global, environment);
    let manifest = load_manifest(global, &output)?;
    let to = open_store(global, environment, &manifest.settings).await?;
    let from = source(global, environment, &manifest.settings, from, from_region).await?;
    if from.place() == to.place() {
        return Err(Failure::new(
            format!("the state is at {} already", to.place()),
            "say where it was with --from: a file, or s3://bucket/key",
        )
        .into());
    }
    // Before the lock, which would make a folder for a state that is not there.
    if from.read().await?.is_none() {
        return Err(no_state(&from));
    }
    let args = LockArgs::default();
    let asking = Asking { what: "state migrate", args: &args, output: &output, environment };
    with_lock(&from, asking, async |source, signals| {
        let state = source.state().clone();
        let count = count_of(state.resources.len(), "resource", "resources");
        with_another_lock(&to, asking, signals, async |locked| {
            if locked.state().serial > 0 {
                return Err(Failure::new(
                    format!("there is a state at {} already", to.place()),
                    "compare the two; `opsform state push` replaces a state",
                )
                .into());
            }
            // Half of it would be two states.
            signals.save().await;
            *locked.state_mut() = state.clone();
            Ok(locked.save().await?)
        })
        .await?;
        // What a journal holds is part of the copy; written down, the old document says the same.
        source.save().await?;
        let aside = from.set_aside().await?;
        output.note(&format!("brought {count} to {}; what was there is now {aside}", to.place()));
        Ok(Exit::Done)
    })
    .await
}

fn no_state(store: &Store) -> anyhow::Error {
    Failure::new(
        format!("there is no state at {}", store.place()),
        "say where it was with --from: a file, or s3://bucket/key",
    )
    .into()
}

/// The store that the state was in.
async fn source(
    global: &Global,
    environment: &Environment,
    settings: &Settings,
    from: Option<&str>,
    from_region: Option<&str>,
) -> Result<Store> {
    let local = |path: PathBuf| Store::Local(LocalStore::new(path, &*settings.project));
    let Some(from) = from else { return Ok(local(default_path(settings))) };
    let Some(object) = from.strip_prefix("s3://") else { return Ok(local(PathBuf::from(from))) };
    let region = from_region.or(global.region.first().map(String::as_str));
    let (Some((bucket, key)), Some(region)) = (object.split_once('/'), region) else {
        return Err(Failure::new(
            format!("{from} does not say where the state was"),
            "give --from s3://bucket/key and --from-region",
        )
        .into());
    };
    let location = S3Location {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        region: region.to_owned(),
        kms_key: None,
    };
    open_s3(global, environment, settings, location).await
}
