//! Holding the state's lock while something is done, and giving it back whatever comes of it.

use std::time::Duration;

use anyhow::Result;

use super::args::LockArgs;
use super::environment::Environment;
use super::failure::{Exit, Failure};
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
    /// Whether a state may begin where one was that was brought to another place.
    pub(super) may_return: bool,
    /// What `state unlock ID` needs besides to find the place, where the manifest does not name it.
    pub(super) elsewhere: &'a str,
}

impl<'a> Asking<'a> {
    /// For a state where the manifest says that it is.
    pub(super) fn new(
        what: &'static str,
        args: &'a LockArgs,
        output: &'a Output,
        environment: &'a Environment,
    ) -> Self {
        Self { what, args, output, environment, may_return: false, elsewhere: "" }
    }
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
    signals.asks_for(&id, store, asking.elsewhere);
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
        Err(error) => Err(in_words(error, asking)),
    };
    if signals.leaving().is_cancelled() {
        // The handler ends the process, with its own exit code.
        std::future::pending::<()>().await;
    }
    signals.let_go(&id);
    result
}

/// An error whose hint finds the lock where it is, and says why a flag was not obeyed.
fn in_words(error: StateError, asking: Asking<'_>) -> anyhow::Error {
    let (StateError::Locked { holder, .. } | StateError::LockExpired { holder, .. }) = &error else {
        return error.into();
    };
    let unlock = format!("state unlock {}", holder.id);
    let hint = error.hint().unwrap_or_default().replace(&unlock, &format!("{unlock}{}", asking.elsewhere));
    let refused = match (&error, holder.expires) {
        (StateError::Locked { .. }, Some(_)) if asking.args.take_lock => {
            "--take-lock takes a lock that was not renewed for 90 seconds, and this one was; "
        }
        (StateError::Locked { .. }, None) if asking.args.take_lock => {
            "--take-lock takes what a run left behind in S3; "
        }
        _ => "",
    };
    let hint = format!("{refused}{hint}");
    Failure::new(error.to_string(), hint).exit(Exit::Locked).into()
}

async fn take(store: &Store, asking: Asking<'_>, owner: LockOwner) -> Result<Locked, StateError> {
    let waiting =
        |holder: &LockInfo| asking.output.note(&format!("waiting for the state's lock, held by {holder}"));
    let request = LockRequest {
        owner,
        new_lineage: uuid::Uuid::new_v4().to_string(),
        timeout: asking.args.lock_timeout.unwrap_or(Duration::ZERO),
        take: asking.args.take_lock,
        may_return: asking.may_return,
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
