//! `state pull` and `state push`: the document as a whole.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};

use super::args::{Global, LockArgs};
use super::environment::Environment;
use super::failure::{Exit, Failure};
use super::locking::{Asking, with_lock};
use super::output::Output;
use super::plan::read_state;
use super::session::{load_manifest, open_store};
use crate::render::count_of;
use crate::state::State;

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
    let (name, bytes) = read(file)?;
    let pushed = State::parse(&bytes, &name, &manifest.settings.project)?;
    let store = open_store(global, environment, &manifest.settings).await?;
    let store = if force { store.replacing_damage() } else { store };
    let args = LockArgs::default();
    let asking = Asking::new("state push", &args, &output, environment);
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

/// The name and the bytes of a file; `-` is standard input.
fn read(file: &Path) -> Result<(String, Vec<u8>)> {
    let (name, bytes) = if file == Path::new("-") {
        let mut bytes = Vec::new();
        ("standard input".to_owned(), std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes))
    } else {
        (file.display().to_string(), std::fs::read(file))
    };
    let bytes = bytes.with_context(|| format!("cannot read {name}"))?;
    Ok((name, bytes))
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
