//! State in S3: `KEY`, with its journal `KEY.journal` and its lock `KEY.lock` beside it.
//!
//! S3 is strongly consistent ("Amazon S3 data consistency model" in its user guide): who reads after a write sees it.

mod journal;
mod lease;
mod locked;
mod objects;

use std::time::Duration;

use lease::{LEASE, Terms};
use objects::{Objects, Put};

pub use locked::{Rescue, S3Locked};

use super::aside::{self, Aside};
use super::reading::{Relation, document_is_gone, parse_document, parse_journal, relation};
use super::{Clock, LockInfo, LockOwner, State, StateError};
use crate::aws::{Aws, Encryption, OWN_ACCOUNT, Object};
use crate::model::Scope;

/// How often a reader tries again when an apply writes just then.
const READ_TRIES: usize = 5;

/// A state object and what belongs to it.
#[derive(Clone, Debug)]
pub struct S3Store {
    objects: Objects,
    key: String,
    project: String,
    clock: Clock,
    lease: Duration,
    replacing: bool,
}

/// Where the objects are.
#[derive(Clone, Debug)]
pub struct S3Location {
    /// The bucket.
    pub bucket: String,
    /// The document's key.
    pub key: String,
    /// The bucket's region.
    pub region: String,
    /// The KMS key to encrypt with; what the bucket does by default where it is left out.
    pub kms_key: Option<String>,
}

/// What was read, with the ETags that the next writes name.
struct Read {
    state: Option<State>,
    etag: Option<String>,
    journal_etag: Option<String>,
}

impl S3Store {
    /// The store of a project. `aws` reaches [`OWN_ACCOUNT`].
    pub fn new(aws: Aws, location: S3Location, project: impl Into<String>, clock: Clock) -> Self {
        let scope = Scope::new(OWN_ACCOUNT, location.region);
        Self {
            objects: Objects::new(aws, scope, location.bucket, location.kms_key.map(Encryption::with_key)),
            key: location.key,
            project: project.into(),
            clock,
            lease: LEASE,
            replacing: false,
        }
    }

    /// Takes what is damaged for no state when it is locked: it is about to be replaced.
    #[must_use]
    pub fn replacing_damage(self) -> Self {
        Self { replacing: true, ..self }
    }

    /// With locks that hold this long after they were last renewed.
    #[must_use]
    pub fn with_lease(self, lease: Duration) -> Self {
        Self { lease, ..self }
    }

    /// The project's name.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// `s3://bucket/key`.
    pub fn url(&self) -> String {
        self.objects.url(&self.key)
    }

    fn lock_key(&self) -> String {
        format!("{}.lock", self.key)
    }

    fn journal_key(&self) -> String {
        format!("{}.journal", self.key)
    }

    /// Reads the state with the journal of an apply that was cut off or is under way. Takes no lock.
    ///
    /// # Errors
    /// Where the document cannot be read, is damaged, newer than this opsform or of another project.
    pub async fn read(&self) -> Result<Option<State>, StateError> {
        Ok(self.read_all().await?.state)
    }

    async fn read_all(&self) -> Result<Read, StateError> {
        let (path, journal_url) = (self.url(), self.objects.url(&self.journal_key()));
        let mut cut_off = false;
        for _ in 0..READ_TRIES {
            // The journal first: it is removed after the document that includes it is written, so the document that is
            // read after it is never older than what the journal continues.
            let journal = self.objects.get(&self.journal_key()).await?;
            // It is put whole: a last line without its end did not come through whole.
            cut_off = journal.as_ref().is_some_and(|object| !object.bytes.ends_with(b"\n"));
            if cut_off {
                continue;
            }
            let document = self.objects.get(&self.key).await?;
            let journal_etag = journal.as_ref().map(|object| object.etag.clone());
            let entries = match &journal {
                Some(Object { bytes, .. }) => parse_journal(bytes, &journal_url)?,
                None => None,
            };
            let Some(document) = document else {
                return match entries {
                    Some(_) => Err(document_is_gone(&path, &journal_url)),
                    None => Ok(Read { state: None, etag: None, journal_etag }),
                };
            };
            let mut state = parse_document(&document.bytes, &path, &self.project)?;
            if let Some((header, entries)) = entries {
                match relation(&state, &header, &path, &journal_url)? {
                    Relation::Continues => entries.into_iter().for_each(|entry| state.take_over(entry)),
                    Relation::Older => {}
                    Relation::Newer => continue,
                }
            }
            return Ok(Read { state: Some(state), etag: Some(document.etag), journal_etag });
        }
        Err(if cut_off {
            StateError::Damaged { path: journal_url, detail: "its last line has no end".to_owned() }
        } else {
            StateError::JournalAhead { path, journal: journal_url }
        })
    }

    /// What is there, to be replaced without regard to what it says.
    async fn read_etags(&self) -> Result<Read, StateError> {
        let journal = self.objects.get(&self.journal_key()).await?;
        let document = self.objects.get(&self.key).await?;
        let etag = |object: Option<Object>| object.map(|object| object.etag);
        Ok(Read { state: None, etag: etag(document), journal_etag: etag(journal) })
    }

    /// Who is writing now, or left a lock behind.
    ///
    /// # Errors
    /// Where the lock cannot be read.
    pub async fn holder(&self) -> Result<Option<LockInfo>, StateError> {
        Ok(lease::find(&self.objects, &self.lock_key(), self.clock).await?.map(|found| found.info))
    }

    /// Removes the lock with this id; `false` where it is not there any more.
    ///
    /// # Errors
    /// Where the lock cannot be read or removed.
    pub async fn unlock(&self, id: &str) -> Result<bool, StateError> {
        match lease::find(&self.objects, &self.lock_key(), self.clock).await? {
            Some(found) if found.info.id == id => {
                lease::remove(&self.objects, &self.lock_key(), &found).await
            }
            _ => Ok(false),
        }
    }

    /// Takes the lock and reads the state; a new state where there is none. With `take` an expired lock is taken, too.
    ///
    /// # Errors
    /// [`StateError::Locked`] or [`StateError::LockExpired`] where somebody else has it, and all of [`S3Store::read`].
    pub async fn lock(
        &self,
        owner: &LockOwner,
        new_lineage: &str,
        take: bool,
    ) -> Result<S3Locked, StateError> {
        let terms = Terms { owner: owner.clone(), clock: self.clock, lease: self.lease };
        let taken = lease::try_take(&self.objects, &self.lock_key(), &terms, take).await?;
        let lease = match taken {
            Ok(lease) => lease,
            Err(holder) => {
                let (path, holder) = (self.url(), Box::new(holder));
                return Err(if holder.expired {
                    StateError::LockExpired { path, holder }
                } else {
                    StateError::Locked { path, holder }
                });
            }
        };
        let read = match self.read_all().await {
            Err(error) if self.replacing && error.is_damage() => self.read_etags().await,
            read => read,
        };
        match read {
            Ok(read) => Ok(S3Locked::new(self.clone(), read, lease, new_lineage)),
            Err(error) => {
                locked::give_back(&lease).await;
                Err(error)
            }
        }
    }

    /// A warning where the bucket keeps no old versions of the state.
    pub async fn warning(&self) -> Option<String> {
        let kept = self.objects.keeps_versions().await?;
        (!kept).then(|| {
            format!(
                "warning: the bucket {} keeps no versions, so a state that is lost cannot be brought back; \
                 switch its versioning on",
                self.objects.bucket()
            )
        })
    }

    /// With all that it writes encrypted as its document is.
    ///
    /// # Errors
    /// Where the document cannot be read.
    pub async fn encrypted_as_it_is(mut self) -> Result<Self, StateError> {
        if let Some(document) = self.objects.get(&self.key).await? {
            self.objects = self.objects.encrypted(document.encryption);
        }
        Ok(self)
    }

    /// Sets the document aside under a free key, after it was copied to the place `to`.
    ///
    /// # Errors
    /// Where it cannot be written there, or changed meanwhile.
    pub async fn set_aside(&self, to: &str) -> Result<String, StateError> {
        let changed = || StateError::WrittenByOther { path: self.url() };
        let document = self.objects.get(&self.key).await?.ok_or_else(changed)?;
        let text = aside::text(&document.bytes, to)
            .map_err(|error| StateError::io("write", self.url().as_ref(), std::io::Error::from(error)))?;
        let mut n = 1;
        let key = loop {
            let key = self.aside_key(n);
            match self.objects.get(&key).await? {
                Some(there) if there.bytes != text => n += 1,
                // A migration that was killed came as far as this.
                Some(_) => break key,
                None => match self.objects.put(&key, &text, None).await? {
                    Put::Written(_) => break key,
                    Put::Refused => return Err(changed()),
                },
            }
        };
        if self.objects.delete(&self.key, &document.etag).await? {
            Ok(self.objects.url(&key))
        } else {
            Err(changed())
        }
    }

    /// The document that was set aside last.
    pub(super) async fn aside(&self) -> Result<Option<Aside>, StateError> {
        let mut last = None;
        for n in 1.. {
            let key = self.aside_key(n);
            let Some(object) = self.objects.get(&key).await? else { break };
            last = Some(Aside::new(self.objects.url(&key), &object.bytes));
        }
        Ok(last)
    }

    fn aside_key(&self, n: u32) -> String {
        format!("{}.{}", self.key, aside::ending(n))
    }
}
