//! Ctrl-C and SIGTERM while a run holds locks of states: one handler, from before a lock is asked for until it is given back.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use super::failure::Exit;
use crate::state::{Rescue, Store};

/// How long a run that is told to end at once takes to save its journal and to give its locks back.
const LAST_WORDS: Duration = Duration::from_secs(4);
/// How long a request to take a lock may be on its way after it was given up.
const ON_ITS_WAY: Duration = Duration::from_millis(500);
/// GitHub's runner sends SIGTERM 7.5 seconds after SIGINT to whatever is still saving ("Workflow cancellation reference"): the two are
/// one request.
const ONE_REQUEST: Duration = Duration::from_secs(10);

/// The handler. It ends when this is dropped.
pub(super) struct Signals {
    run: Arc<Mutex<Run>>,
    leaving: CancellationToken,
    handler: AbortHandle,
}

/// What the handler knows of the run.
struct Run {
    phase: Phase,
    /// By the lock's id.
    locks: BTreeMap<String, Known>,
}

/// What the first signal does.
enum Phase {
    /// Nothing was begun: the run ends.
    Nothing,
    /// The token is cancelled: calls in flight are finished, and then the state is saved.
    Working(CancellationToken),
    /// What is under way is short, and is finished.
    Saving,
}

/// A lock, and what `state unlock ID` needs besides to find it.
struct Known {
    lock: Lock,
    elsewhere: String,
}

/// A lock of a state.
enum Lock {
    /// It was asked for, and the answer may be on its way.
    AskedFor(Store),
    /// It is held; there is nothing to do where the operating system gives it back.
    Held(Option<Rescue>),
}

impl Signals {
    /// Starts the handler.
    pub(super) fn listen() -> Self {
        let run = Arc::new(Mutex::new(Run { phase: Phase::Nothing, locks: BTreeMap::new() }));
        let leaving = CancellationToken::new();
        let handler = tokio::spawn(handle(Arc::clone(&run), leaving.clone())).abort_handle();
        Self { run, leaving, handler }
    }

    /// Cancelled when the run is about to end: nothing may be begun any more.
    pub(super) fn leaving(&self) -> &CancellationToken {
        &self.leaving
    }

    /// A lock is being asked for, which `state unlock ID` finds with what is said of `elsewhere`.
    pub(super) fn asks_for(&self, id: &str, store: &Store, elsewhere: &str) {
        let known = Known { lock: Lock::AskedFor(store.clone()), elsewhere: elsewhere.to_owned() };
        self.run().locks.insert(id.to_owned(), known);
    }

    /// A lock is held.
    pub(super) fn holds(&self, id: &str, rescue: Option<Rescue>) {
        if let Some(known) = self.run().locks.get_mut(id) {
            known.lock = Lock::Held(rescue);
        }
    }

    /// A lock is given back, or was never taken.
    pub(super) fn let_go(&self, id: &str) {
        self.run().locks.remove(id);
    }

    /// From now on the first signal cancels `stop`. Does not return when the run is about to end.
    pub(super) async fn work(&self, stop: CancellationToken) {
        self.enter(Phase::Working(stop)).await;
    }

    /// From now on the first signal changes nothing. Does not return when the run is about to end.
    pub(super) async fn save(&self) {
        self.enter(Phase::Saving).await;
    }

    async fn enter(&self, phase: Phase) {
        let leaving = {
            let mut run = self.run();
            run.phase = phase;
            self.leaving.is_cancelled()
        };
        if leaving {
            std::future::pending::<()>().await;
        }
    }

    fn run(&self) -> MutexGuard<'_, Run> {
        locked(&self.run)
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.handler.abort();
    }
}

fn locked(run: &Mutex<Run>) -> MutexGuard<'_, Run> {
    run.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn handle(run: Arc<Mutex<Run>>, leaving: CancellationToken) {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        tracing::warn!(
            "signals cannot be caught; Ctrl-C ends the run at once, and the journal keeps what was done"
        );
        return;
    };
    let mut heard = Heard::default();
    loop {
        let which = next(&mut interrupt, &mut terminate).await;
        let first = heard.is_first(which, Instant::now());
        if !go_on(&run, first, &leaving) {
            return leave(&run).await;
        }
    }
}

async fn next(interrupt: &mut Signal, terminate: &mut Signal) -> Which {
    tokio::select! {
        _ = interrupt.recv() => Which::Interrupt,
        _ = terminate.recv() => Which::Terminate,
    }
}

/// Whether the run goes on after a signal, to its end.
fn go_on(run: &Mutex<Run>, first: bool, leaving: &CancellationToken) -> bool {
    let run = locked(run);
    match (&run.phase, first) {
        (Phase::Working(stop), true) => {
            stop.cancel();
            say("stopping after the calls in flight; once more to stop at once");
            true
        }
        (Phase::Saving, true) => {
            say("finishing what is being saved; once more to stop at once");
            true
        }
        (Phase::Nothing, _) | (_, false) => {
            // Under the lock: whoever begins something sees this, or was seen.
            leaving.cancel();
            false
        }
    }
}

/// Saves what is not saved yet, gives all locks back, and ends the process.
async fn leave(run: &Mutex<Run>) {
    let locks = std::mem::take(&mut locked(run).locks);
    let given_back = locks.into_iter().map(|(id, Known { lock, elsewhere })| async move {
        let fear = match lock {
            Lock::AskedFor(_) => "the state's lock may have been taken",
            Lock::Held(_) => "the state's lock could not be given back",
        };
        if tokio::time::timeout(LAST_WORDS, lock.give_back(&id)).await != Ok(true) {
            say(&format!("{fear}; `opsform state unlock {id}{elsewhere}` removes it"));
        }
    });
    futures::future::join_all(given_back).await;
    std::process::exit(i32::from(Exit::Stopped as u8));
}

impl Lock {
    /// Says whether it is gone.
    async fn give_back(self, id: &str) -> bool {
        match self {
            Self::Held(Some(rescue)) => rescue.save_and_release(LAST_WORDS / 2).await,
            Self::AskedFor(Store::S3(store)) => match store.unlock(id).await {
                // The request may have been on its way when it was given up.
                Ok(false) => {
                    tokio::time::sleep(ON_ITS_WAY).await;
                    store.unlock(id).await.is_ok()
                }
                removed => removed.is_ok(),
            },
            Self::Held(None) | Self::AskedFor(Store::Local(_)) => true,
        }
    }
}

fn say(words: &str) {
    // Standard error may be a pipe whose reader the same Ctrl-C has ended.
    let _ = writeln!(std::io::stderr(), "{words}");
}

/// A signal that asks a run to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Interrupt,
    Terminate,
}

/// The signals so far.
#[derive(Default)]
struct Heard {
    first: Option<(Which, Instant)>,
    excused: bool,
}

impl Heard {
    /// Whether a signal is the first request to stop, or belongs to it.
    fn is_first(&mut self, which: Which, at: Instant) -> bool {
        let Some((first, when)) = self.first else {
            self.first = Some((which, at));
            return true;
        };
        let one_request = !self.excused
            && (first, which) == (Which::Interrupt, Which::Terminate)
            && at.duration_since(when) <= ONE_REQUEST;
        self.excused |= one_request;
        one_request
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of these signals, each with its second, count as the first request.
    fn first(signals: &[(Which, u64)]) -> Vec<bool> {
        let (mut heard, start) = (Heard::default(), Instant::now());
        signals
            .iter()
            .map(|(which, second)| heard.is_first(*which, start + Duration::from_secs(*second)))
            .collect()
    }

    #[test]
    fn a_second_signal_is_a_second_request_unless_a_runner_sends_it() {
        use Which::{Interrupt, Terminate};
        assert_eq!(first(&[(Interrupt, 0), (Interrupt, 1)]), [true, false]);
        assert_eq!(first(&[(Terminate, 0), (Terminate, 1)]), [true, false]);
        assert_eq!(first(&[(Terminate, 0), (Interrupt, 1)]), [true, false]);
        assert_eq!(first(&[(Interrupt, 0), (Terminate, 8), (Terminate, 9)]), [true, true, false]);
        assert_eq!(first(&[(Interrupt, 0), (Terminate, 8), (Interrupt, 9)]), [true, true, false]);
        assert_eq!(first(&[(Interrupt, 0), (Terminate, 11)]), [true, false]);
    }
}
