//! A state in S3 that this process may write.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::lease::Lease;
use super::objects::Put;
use super::{Read, S3Store, journal};
use crate::state::journal::{Header, JOURNAL_VERSION};
use crate::state::reading::document_text;
use crate::state::{Journal, State, StateError};

/// A state that this process may write. [`S3Locked::release`] gives the lock back; dropping alone leaves it behind, no longer renewed.
#[derive(Debug)]
pub struct S3Locked {
    store: S3Store,
    /// The state as it was read; [`S3Locked::save`] writes it.
    pub state: State,
    etag: Option<String>,
    journal_etag: Option<String>,
    lease: Lease,
    writer: Option<JoinHandle<journal::Closed>>,
    hurry: Arc<OnceLock<journal::Hurry>>,
}

/// Gives a lock back while something else is the matter.
pub(super) async fn give_back(lease: &Lease) {
    if let Err(error) = lease.release().await {
        tracing::warn!(
            %error,
            "the lock could not be given back: it is in the way of the next run until that takes it with --take-lock, or \
             `opsform state unlock {}` removes it",
            lease.id()
        );
    }
}

/// Ends the writing of a state from elsewhere, such as a signal's handler.
#[derive(Clone, Debug)]
pub struct Rescue {
    lease: Lease,
    hurry: Arc<OnceLock<journal::Hurry>>,
}

impl Rescue {
    /// Puts what of the journal is in memory only, if that takes no longer than so, and gives the lock back; says whether
    /// it is given back.
    pub async fn save_and_release(&self, patience: Duration) -> bool {
        if let Some(hurry) = self.hurry.get() {
            // What could not be put is found by its tags, like all that a kill leaves out.
            let _ = tokio::time::timeout(patience, hurry.up()).await;
        }
        self.lease.release().await.is_ok()
    }
}

impl S3Locked {
    pub(super) fn new(store: S3Store, read: Read, lease: Lease, new_lineage: &str) -> Self {
        let state = read.state.unwrap_or_else(|| State::new(&*store.project, new_lineage));
        Self {
            store,
            state,
            etag: read.etag,
            journal_etag: read.journal_etag,
            lease,
            writer: None,
            hurry: Arc::default(),
        }
    }

    /// Cancelled when somebody else may have the lock.
    pub fn lost(&self) -> &CancellationToken {
        self.lease.lost()
    }

    /// A way to end at once from elsewhere.
    pub fn rescue(&self) -> Rescue {
        Rescue { lease: self.lease.clone(), hurry: Arc::clone(&self.hurry) }
    }

    /// Gives the lock back.
    pub async fn release(self) {
        give_back(&self.lease).await;
    }

    /// Writes the document, so that a journal has something to continue, and opens the journal.
    ///
    /// # Errors
    /// Where the objects cannot be written.
    pub async fn open_journal(&mut self) -> Result<Journal, StateError> {
        self.save().await?;
        let (lineage, serial) = (self.state.lineage.clone(), self.state.serial);
        let header = Header { journal: JOURNAL_VERSION, lineage, serial };
        let place = journal::Place {
            objects: self.store.objects.clone(),
            key: self.store.journal_key(),
            lost: self.lease.lost().clone(),
        };
        let opened = journal::open(place, &header, self.journal_etag.as_deref()).await?;
        self.writer = Some(opened.writer);
        // A run opens one journal.
        let _ = self.hurry.set(opened.hurry);
        Ok(opened.journal)
    }

    /// Whether a journal is left of an apply that was cut off. Its entries are part of the state.
    pub fn has_journal(&self) -> bool {
        self.journal_etag.is_some()
    }

    /// Folds the journal into the document. All clones of the journal must have been dropped.
    ///
    /// # Errors
    /// Where the document cannot be written; then the journal is still there for the next run.
    pub async fn fold_journal(&mut self) -> Result<(), StateError> {
        // The task ends with the last clone of the journal; it cannot panic.
        if let Some(writer) = self.writer.take()
            && let Ok(closed) = writer.await
        {
            self.journal_etag = Some(closed.etag);
            for entry in closed.entries {
                self.state.take_over(entry);
            }
        }
        self.save().await
    }

    /// Replaces the document with [`S3Locked::state`] under the next serial, if it is still the one that was read and the
    /// lock is still ours, and removes the journal, whose entries are part of the state since it was read.
    ///
    /// # Errors
    /// Where the document cannot be written; the old one is then still whole.
    pub async fn save(&mut self) -> Result<(), StateError> {
        let path = self.store.url();
        if let Some(why) = self.lease.loss().await? {
            return Err(StateError::LockLost { path, why });
        }
        self.state.count_up(&path)?;
        let text = document_text(&self.state)
            .map_err(|error| StateError::io("write", path.as_ref(), std::io::Error::from(error)))?;
        let objects = &self.store.objects;
        match objects.put(&self.store.key, &text, self.etag.as_deref()).await? {
            Put::Written(etag) => self.etag = Some(etag),
            Put::Refused => return Err(StateError::WrittenByOther { path }),
        }
        let Some(etag) = self.journal_etag.take() else { return Ok(()) };
        match objects.delete(&self.store.journal_key(), &etag).await {
            Ok(true) => Ok(()),
            // One of its puts was carried out although its answer never came. A journal of an older serial is known to
            // be part of the document, and the next run replaces it.
            Ok(false) => {
                tracing::debug!("the journal is not the one that was written last; it is left behind");
                Ok(())
            }
            Err(error) => {
                tracing::warn!(%error, "the journal could not be removed");
                self.journal_etag = Some(etag);
                Ok(())
            }
        }
    }
}
