//! Holding the state's lock while something is done, and giving it back whatever comes of it.

use std::time::Duration;

use anyhow::Result;
use tokio::task::AbortHandle;

use super::args::LockArgs;
use super::environment::Environment;
use super::failure::Exit;
use super::output::Output;
use crate::state::{LockInfo, LockOwner, LockRequest, Locked, Releaser, Store};

/// Does something under the lock. The work is given the means to end [`release_on_signal`], when it handles signals itself.
pub(super) async fn with_lock<T>(
    store: &Store,
    what: &str,
    args: &LockArgs,
    output: &Output,
    environment: &Environment,
    work: impl AsyncFnOnce(&mut Locked, Option<AbortHandle>) -> Result<T>,
) -> Result<T> {
    let waiting = |holder: &LockInfo| output.note(&format!("waiting for the state's lock, held by {holder}"));
    let mut locked = store
        .lock(LockRequest {
            owner: owner(environment, what),
            new_lineage: uuid::Uuid::new_v4().to_string(),
            timeout: args.lock_timeout.unwrap_or(Duration::ZERO),
            take: args.take_lock,
            waiting: &waiting,
        })
        .await?;
    let signals = locked.releaser().map(|releaser| tokio::spawn(release_on_signal(releaser)).abort_handle());
    let result = work(&mut locked, signals.clone()).await;
    if let Some(signals) = signals {
        signals.abort();
    }
    locked.release().await;
    result
}

/// Who asks for the lock.
fn owner(environment: &Environment, what: &str) -> LockOwner {
    LockOwner {
        who: environment.who.clone(),
        when: environment.now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        what: what.to_owned(),
        id: uuid::Uuid::new_v4().to_string(),
    }
}

/// Ctrl-C at the question must not leave a lock behind that others wait for.
async fn release_on_signal(releaser: Releaser) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    releaser.release().await;
    std::process::exit(i32::from(Exit::Stopped as u8));
}
