//! Holding the state's lock while something is done, and giving it back whatever comes of it.

use std::time::Duration;

use anyhow::Result;

use super::args::LockArgs;
use super::environment::Environment;
use super::output::Output;
use super::signals::Signals;
use crate::state::{LockInfo, LockOwner, LockRequest, Locked, StateError, Store};

/// Who asks for a lock, for what, and how.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    /// The command.
    pub(super) what: &'static str,
    pub(super) args: &'a LockArgs,
    pub(super) output: &'a Output,
    pub(super) environment: &'a Environment,
}

/// Does something under the lock. Until the work says otherwise to the signals' handler, a signal gives the lock back and
/// ends the process.
pub(super) async fn with_lock<T>(
    store: &Store,
    asking: Asking<'_>,
    work: impl AsyncFnOnce(&mut Locked, &Signals) -> Result<T>,
) -> Result<T> {
    let signals = Signals::listen();
    with_another_lock(store, asking, &signals, async |locked| work(locked, &signals).await).await
}

/// Does something under one more lock, with the handler of the first.
pub(super) async fn with_another_lock<T>(
    store: &Store,
    asking: Asking<'_>,
    signals: &Signals,
    work: impl AsyncFnOnce(&mut Locked) -> Result<T>,
) -> Result<T> {
    let owner = owner(asking.environment, asking.what);
    let id = owner.id.clone();
    signals.asks_for(&id, store);
    let taken = tokio::select! {
        taken = take(store, asking, owner) => taken,
        () = signals.leaving().cancelled() => std::future::pending().await,
    };
    let result = match taken {
        Ok(mut locked) => {
            signals.holds(&id, locked.rescue());
            let result = work(&mut locked).await;
            locked.release().await;
            result
        }
        Err(error) => Err(error.into()),
    };
    if signals.leaving().is_cancelled() {
        // The handler ends the process, with its own exit code.
        std::future::pending::<()>().await;
    }
    signals.let_go(&id);
    result
}

async fn take(store: &Store, asking: Asking<'_>, owner: LockOwner) -> Result<Locked, StateError> {
    let waiting =
        |holder: &LockInfo| asking.output.note(&format!("waiting for the state's lock, held by {holder}"));
    let request = LockRequest {
        owner,
        new_lineage: uuid::Uuid::new_v4().to_string(),
        timeout: asking.args.lock_timeout.unwrap_or(Duration::ZERO),
        take: asking.args.take_lock,
        waiting: &waiting,
    };
    store.lock(request).await
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
