//! What the commands that read a manifest's world begin with.

use anyhow::Result;

use super::args::Global;
use super::environment::Environment;
use super::output::Output;
use super::plan::read_state;
use super::session::{Session, load_manifest, load_settings, open_store};
use crate::declarations::Manifest;
use crate::manifest::Settings;
use crate::state::State;

/// A manifest, the state as it is, and the way to its accounts and regions.
pub(super) struct Opened {
    pub(super) manifest: Manifest,
    pub(super) state: State,
    pub(super) session: Session,
    /// Where the state is, in words.
    pub(super) place: String,
}

/// Loads the manifest, reads the state without a lock and connects.
pub(super) async fn open(global: &Global, environment: &Environment, output: &Output) -> Result<Opened> {
    let manifest = load_manifest(global, output)?;
    let (state, session, place) = connect(global, environment, output, &manifest.settings).await?;
    Ok(Opened { manifest, state, session, place })
}

/// The same for commands that look at what AWS has: declarations and inventories may be wrong, or not there yet.
pub(super) async fn open_settings(
    global: &Global,
    environment: &Environment,
    output: &Output,
) -> Result<(State, Session)> {
    let settings = load_settings(global, output)?;
    let (state, session, _) = connect(global, environment, output, &settings).await?;
    Ok((state, session))
}

async fn connect(
    global: &Global,
    environment: &Environment,
    output: &Output,
    settings: &Settings,
) -> Result<(State, Session, String)> {
    let store = open_store(global, environment, settings).await?;
    let state = read_state(&store, output).await?;
    let session = Session::connect(global, settings, &state, environment).await?;
    Ok((state, session, store.place()))
}
