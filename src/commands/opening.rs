//! What the commands that read a manifest's world begin with.

use anyhow::Result;

use super::args::Global;
use super::environment::Environment;
use super::output::Output;
use super::plan::read_state;
use super::session::{Session, load_manifest, open_store};
use crate::declarations::Manifest;
use crate::state::State;

/// A manifest, the state as it is, and the way to its accounts and regions.
pub(super) struct Opened {
    pub(super) manifest: Manifest,
    pub(super) state: State,
    pub(super) session: Session,
}

/// Loads the manifest, reads the state without a lock and connects.
pub(super) async fn open(global: &Global, environment: &Environment, output: &Output) -> Result<Opened> {
    let manifest = load_manifest(global, output)?;
    let store = open_store(global, environment, &manifest.settings).await?;
    let state = read_state(&store, output).await?;
    let session = Session::connect(global, &manifest.settings, &state).await?;
    Ok(Opened { manifest, state, session })
}
