//! The lock of a state in S3: an object that names its holder and the end of its lease, renewed while the run lives.
//!
//! S3 gives no lock, but an object that is created only if it is not there (`If-None-Match: *`) is one. A process that
//! dies leaves it behind, so it has an end; whoever finds it expired may take it, deliberately.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::objects::{Objects, Put};
use crate::state::lock::unknown_holder;
use crate::state::{Clock, LockInfo, LockOwner, StateError};

/// How long a lock holds after it was last renewed, unless said otherwise.
pub(super) const LEASE: Duration = Duration::from_mins(1);
/// How much longer a lock is left alone.
const GRACE: Duration = Duration::from_secs(30);
/// How often a lock is tried that S3 refuses although nobody has it, or that changes hands meanwhile, and the pause between
/// two tries.
const TRIES: u32 = 8;
const PAUSE: Duration = Duration::from_millis(50);
/// A lock is renewed so often in the time that it holds: one renewal may fail, and the next still comes in time.
const HEARTBEATS: u32 = 3;

/// Why a lock is lost whose object no longer names us.
const TAKEN: &str = "somebody else took or removed it";

/// How a lock is held.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    pub(super) owner: LockOwner,
    pub(super) clock: Clock,
    /// How long it holds after it was last renewed.
    pub(super) lease: Duration,
}

/// A lock that this process holds, renewed in the background until it is released.
#[derive(Clone, Debug)]
pub(super) struct Lease {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    objects: Objects,
    key: String,
    terms: Terms,
    /// The ETag of our lock object. Whoever works on the object holds this, so that a renewal and the release never meet.
    etag: Mutex<String>,
    ended: CancellationToken,
    lost: CancellationToken,
    /// Why it was lost.
    why: OnceLock<&'static str>,
}

/// What stands at a lock's key.
pub(super) struct Found {
    pub(super) info: LockInfo,
    etag: String,
}

/// Who holds the lock, if anybody.
pub(super) async fn find(objects: &Objects, key: &str, clock: Clock) -> Result<Option<Found>, StateError> {
    let Some(object) = objects.get(key).await? else { return Ok(None) };
    // Whatever stands there locks, even if it cannot be read.
    let info: LockInfo = serde_json::from_slice(&object.bytes).unwrap_or_else(|_| unknown_holder());
    let expired = is_expired(&info, object.age, clock);
    Ok(Some(Found { info: LockInfo { expired, ..info }, etag: object.etag }))
}

/// Whether a lock was not renewed in time. S3 says how old its object is, whatever the machines' clocks say; only where it
/// does not, they count.
fn is_expired(info: &LockInfo, age: Option<Duration>, clock: Clock) -> bool {
    match (age, info.expires) {
        (Some(age), _) => age > LEASE + GRACE,
        (None, Some(expires)) => clock().checked_sub(GRACE).is_ok_and(|then| then > expires),
        (None, None) => false,
    }
}

/// Removes a lock that was found, unless it has changed since; says whether it is gone.
pub(super) async fn remove(objects: &Objects, key: &str, found: &Found) -> Result<bool, StateError> {
    objects.delete(key, &found.etag).await
}

fn text(terms: &Terms) -> Vec<u8> {
    let owner = terms.owner.clone();
    let info = LockInfo {
        id: owner.id,
        who: owner.who,
        when: owner.when,
        what: owner.what,
        expires: (terms.clock)().checked_add(terms.lease).ok(),
        expired: false,
    };
    // A struct of texts always becomes JSON.
    serde_json::to_vec(&info).unwrap_or_default()
}

/// Takes the lock if nobody holds it, or, with `take`, if its lease has expired. `Err` names the holder.
pub(super) async fn try_take(
    objects: &Objects,
    key: &str,
    terms: &Terms,
    take: bool,
) -> Result<Result<Lease, LockInfo>, StateError> {
    let mut known: Option<String> = None;
    for tried in 0..TRIES {
        tokio::time::sleep(PAUSE * tried).await;
        if let Put::Written(etag) = objects.put(key, &text(terms), known.as_deref()).await? {
            return Ok(Ok(Lease::start(objects.clone(), key, terms, etag)));
        }
        match find(objects, key, terms.clock).await? {
            // Given back between the two calls.
            None => known = None,
            // Ours, although the answer was lost and the next try had another text.
            Some(found) if found.info.id == terms.owner.id => known = Some(found.etag),
            Some(found) if take && found.info.expired => known = Some(found.etag),
            Some(found) => return Ok(Err(found.info)),
        }
    }
    // Whoever waits tries again.
    Ok(Err(unknown_holder()))
}

impl Lease {
    fn start(objects: Objects, key: &str, terms: &Terms, etag: String) -> Self {
        let shared = Arc::new(Shared {
            objects,
            key: key.to_owned(),
            terms: terms.clone(),
            etag: Mutex::new(etag),
            ended: CancellationToken::new(),
            lost: CancellationToken::new(),
            why: OnceLock::new(),
        });
        tokio::spawn(Arc::clone(&shared).beat());
        Self { shared }
    }

    /// Cancelled when the lock can no longer be counted on.
    pub(super) fn lost(&self) -> &CancellationToken {
        &self.shared.lost
    }

    /// Why the lock can no longer be counted on; `None` where it is ours, by its object and in time.
    pub(super) async fn loss(&self) -> Result<Option<&'static str>, StateError> {
        if let Some(why) = self.shared.why.get() {
            return Ok(Some(why));
        }
        let shared = &self.shared;
        let found = find(&shared.objects, &shared.key, shared.terms.clock).await?;
        let ours = found.is_some_and(|found| found.info.id == shared.terms.owner.id);
        Ok((!ours).then_some(TAKEN))
    }

    /// The lock's id.
    pub(super) fn id(&self) -> &str {
        &self.shared.terms.owner.id
    }

    /// Gives the lock back, if it is still ours.
    pub(super) async fn release(&self) -> Result<(), StateError> {
        let shared = &self.shared;
        shared.ended.cancel();
        let etag = shared.etag.lock().await;
        if shared.objects.delete(&shared.key, &etag).await? {
            return Ok(());
        }
        // Another ETag: somebody else's lock, or a renewal of ours whose answer was lost.
        match find(&shared.objects, &shared.key, shared.terms.clock).await? {
            Some(found) if found.info.id == shared.terms.owner.id => {
                remove(&shared.objects, &shared.key, &found).await.map(|_| ())
            }
            _ => Ok(()),
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // The last of our clones and the heartbeat's own: nobody is left who needs the lock.
        if Arc::strong_count(&self.shared) <= 2 {
            self.shared.ended.cancel();
        }
    }
}

impl Shared {
    async fn beat(self: Arc<Self>) {
        let pause = self.terms.lease / HEARTBEATS;
        let (mut renewed, mut begun) = (Instant::now(), Instant::now());
        loop {
            tokio::select! {
                () = self.ended.cancelled() => return,
                () = tokio::time::sleep(pause.saturating_sub(begun.elapsed())) => {}
            }
            begun = Instant::now();
            let left = self.terms.lease.saturating_sub(renewed.elapsed());
            let renewal = tokio::select! {
                () = self.ended.cancelled() => return,
                // A call that hangs gets no more time than its beat, so that the next one comes in time.
                renewal = tokio::time::timeout(left.min(pause), self.renew()) => renewal,
            };
            match renewal {
                Ok(Ok(true)) => renewed = begun,
                Ok(Ok(false)) => return self.lose(TAKEN),
                Ok(Err(error)) => tracing::warn!(%error, "the lock could not be renewed; trying again"),
                Err(_) => tracing::info!("a renewal of the lock was not answered in time; trying again"),
            }
            if renewed.elapsed() >= self.terms.lease {
                return self.lose("it could not be renewed in time");
            }
        }
    }

    fn lose(&self, why: &'static str) {
        let _ = self.why.set(why);
        // Before anything that may take time, such as a word to a pipe that nobody reads.
        self.lost.cancel();
        tracing::info!("the lock of the state is lost: {why}");
    }

    /// Writes a new end of the lease; `false` where the lock is no longer ours.
    async fn renew(&self) -> Result<bool, StateError> {
        let mut etag = self.etag.lock().await;
        if self.ended.is_cancelled() {
            return Ok(true);
        }
        // Twice: a renewal that was given up may have been carried out all the same, under an ETag that we do not know.
        for _ in 0..2 {
            if let Put::Written(new) = self.objects.put(&self.key, &text(&self.terms), Some(&etag)).await? {
                *etag = new;
                return Ok(true);
            }
            match find(&self.objects, &self.key, self.terms.clock).await? {
                Some(found) if found.info.id == self.terms.owner.id => *etag = found.etag,
                _ => return Ok(false),
            }
        }
        Ok(false)
    }
}
