//! Where the state is kept: one face for a local file and for S3.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::aside::Aside;
use super::s3::Rescue;
use super::{Journal, LocalStore, LockInfo, LockOwner, LockedStore, S3Locked, S3Store, State, StateError};

/// The current time. A function, because a lease outlives the moment in which a run began.
pub type Clock = fn() -> jiff::Timestamp;

/// How often a lock that somebody else holds is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// A place for a project's state.
#[derive(Clone, Debug)]
pub enum Store {
    /// A file.
    Local(LocalStore),
    /// Objects in a bucket.
    S3(S3Store),
}

/// How a lock is asked for.
pub struct LockRequest<'a> {
    /// Who asks.
    pub owner: LockOwner,
    /// For a state that does not exist yet.
    pub new_lineage: String,
    /// How long to wait for somebody else who holds it.
    pub timeout: Duration,
    /// Whether to take a lock whose lease has run out.
    pub take: bool,
    /// Whether a state may begin where one was that was brought to another place.
    pub may_return: bool,
    /// Told once, before the waiting begins.
    pub waiting: &'a (dyn Fn(&LockInfo) + Sync),
}

impl Store {
    /// The project's name.
    pub fn project(&self) -> &str {
        match self {
            Self::Local(store) => store.project(),
            Self::S3(store) => store.project(),
        }
    }

    /// Takes what is damaged for no state when it is locked: it is about to be replaced.
    #[must_use]
    pub fn replacing_damage(self) -> Self {
        match self {
            Self::Local(store) => Self::Local(store.replacing_damage()),
            Self::S3(store) => Self::S3(store.replacing_damage()),
        }
    }

    /// What people call the place.
    pub fn place(&self) -> String {
        match self {
            Self::Local(store) => store.path().display().to_string(),
            Self::S3(store) => store.url(),
        }
    }

    /// Reads the state with the journal of an apply that was cut off or is under way. Takes no lock.
    ///
    /// # Errors
    /// Where the document cannot be read, is damaged, newer than this opsform or of another project, or was brought to
    /// another place.
    pub async fn read(&self) -> Result<Option<State>, StateError> {
        let state = match self {
            Self::Local(store) => store.read()?,
            Self::S3(store) => store.read().await?,
        };
        if state.is_none() {
            self.refuse_if_migrated().await?;
        }
        Ok(state)
    }

    /// Who is writing now, or left a lock behind.
    ///
    /// # Errors
    /// Where the lock cannot be read.
    pub async fn holder(&self) -> Result<Option<LockInfo>, StateError> {
        match self {
            Self::Local(store) => store.holder(),
            Self::S3(store) => store.holder().await,
        }
    }

    /// Sets the document aside under a free name, after it was copied to the place `to`. Says where it is now.
    ///
    /// # Errors
    /// Where it cannot be written there, or removed here.
    pub async fn set_aside(&self, to: &str) -> Result<String, StateError> {
        match self {
            Self::Local(store) => store.set_aside(to),
            Self::S3(store) => store.set_aside(to).await,
        }
    }

    /// With all that it writes encrypted as its document is.
    ///
    /// # Errors
    /// Where the document cannot be read.
    pub async fn encrypted_as_it_is(self) -> Result<Self, StateError> {
        match self {
            Self::Local(store) => Ok(Self::Local(store)),
            Self::S3(store) => store.encrypted_as_it_is().await.map(Self::S3),
        }
    }

    /// A state that begins where one was that is elsewhere now would be a second one of the same project.
    async fn refuse_if_migrated(&self) -> Result<(), StateError> {
        let aside = match self {
            Self::Local(store) => store.aside()?,
            Self::S3(store) => store.aside().await?,
        };
        match aside {
            None => Ok(()),
            Some(Aside { place, to }) => Err(StateError::Migrated { path: self.place(), aside: place, to }),
        }
    }

    /// A warning about the place itself.
    pub async fn warning(&self) -> Option<String> {
        match self {
            Self::Local(_) => None,
            Self::S3(store) => store.warning().await,
        }
    }

    /// Takes the lock and reads the state; a new state where there is none.
    ///
    /// # Errors
    /// [`StateError::Locked`] or [`StateError::LockExpired`] where somebody else has the lock, and all of
    /// [`Store::read`].
    pub async fn lock(&self, request: LockRequest<'_>) -> Result<Locked, StateError> {
        let may_return = request.may_return;
        let locked = self.take(request).await?;
        if locked.state().serial > 0 || may_return {
            return Ok(locked);
        }
        let refused = self.refuse_if_migrated().await;
        match refused {
            Ok(()) => Ok(locked),
            Err(error) => {
                locked.release().await;
                Err(error)
            }
        }
    }

    async fn take(&self, request: LockRequest<'_>) -> Result<Locked, StateError> {
        let (start, mut told) = (Instant::now(), false);
        loop {
            let tried = match self {
                Self::Local(store) => store
                    .lock(&request.owner, &request.new_lineage)
                    .map(|locked| Locked::Local(Box::new(locked))),
                Self::S3(store) => store
                    .lock(&request.owner, &request.new_lineage, request.take)
                    .await
                    .map(|locked| Locked::S3(Box::new(locked))),
            };
            let left = request.timeout.saturating_sub(start.elapsed());
            match tried {
                Err(StateError::Locked { holder, .. }) if !left.is_zero() => {
                    if !told {
                        (request.waiting)(&holder);
                        told = true;
                    }
                    tokio::time::sleep(TRY_AGAIN.min(left)).await;
                }
                tried => return tried,
            }
        }
    }
}

/// A state that this process may write.
#[derive(Debug)]
pub enum Locked {
    /// In a file.
    Local(Box<LockedStore>),
    /// In a bucket.
    S3(Box<S3Locked>),
}

impl Locked {
    /// The state.
    pub fn state(&self) -> &State {
        match self {
            Self::Local(locked) => &locked.state,
            Self::S3(locked) => &locked.state,
        }
    }

    /// The state, to be changed and then saved.
    pub fn state_mut(&mut self) -> &mut State {
        match self {
            Self::Local(locked) => &mut locked.state,
            Self::S3(locked) => &mut locked.state,
        }
    }

    /// Writes the document under the next serial.
    ///
    /// # Errors
    /// Where it cannot be written; the old one is then still whole.
    pub async fn save(&mut self) -> Result<(), StateError> {
        match self {
            Self::Local(locked) => locked.save(),
            Self::S3(locked) => locked.save().await,
        }
    }

    /// Writes the document and opens the journal that continues it.
    ///
    /// # Errors
    /// Where they cannot be written.
    pub async fn open_journal(&mut self) -> Result<Journal, StateError> {
        match self {
            Self::Local(locked) => locked.open_journal(),
            Self::S3(locked) => locked.open_journal().await,
        }
    }

    /// Whether a journal is left of an apply that was cut off. Its entries are part of the state.
    pub fn has_journal(&self) -> bool {
        match self {
            Self::Local(locked) => locked.has_journal(),
            Self::S3(locked) => locked.has_journal(),
        }
    }

    /// Folds the journal into the document. All clones of the journal must have been dropped.
    ///
    /// # Errors
    /// Where the document cannot be written; then the journal is still there for the next run.
    pub async fn fold_journal(&mut self) -> Result<(), StateError> {
        match self {
            Self::Local(locked) => locked.fold_journal(),
            Self::S3(locked) => locked.fold_journal().await,
        }
    }

    /// Cancelled when somebody else may have the lock; `None` where that cannot happen.
    pub fn lost(&self) -> Option<CancellationToken> {
        match self {
            Self::Local(_) => None,
            Self::S3(locked) => Some(locked.lost().clone()),
        }
    }

    /// A way to end at once from elsewhere; `None` where the journal is on disk and the operating system gives the lock back.
    pub fn rescue(&self) -> Option<Rescue> {
        match self {
            Self::Local(_) => None,
            Self::S3(locked) => Some(locked.rescue()),
        }
    }

    /// Gives the lock back.
    pub async fn release(self) {
        match self {
            Self::Local(locked) => drop(locked),
            Self::S3(locked) => locked.release().await,
        }
    }
}
