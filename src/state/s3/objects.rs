//! The objects of a state: read with their ETag, written and deleted only as they were read.
//!
//! A write whose answer is lost and that is sent again meets its own first half: S3 then says that the condition does not
//! hold, although what is there is what was sent. So every refusal is followed by a look at the object.

use std::sync::Arc;

use crate::aws::{Aws, AwsError, Bucket, Condition, Encryption, ErrorClass, Object, Write};
use crate::model::Scope;
use crate::state::StateError;

/// The objects of one bucket.
#[derive(Clone, Debug)]
pub(super) struct Objects {
    bucket: Bucket,
    /// What the bucket does by default where it is left out.
    encryption: Option<Encryption>,
}

/// What came of a conditional write.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// It is there, under this ETag.
    Written(String),
    /// The object is not as it was read.
    Refused,
}

impl Objects {
    pub(super) fn new(aws: Aws, scope: Scope, bucket: String, encryption: Option<Encryption>) -> Self {
        Self { bucket: Bucket::new(Arc::new(aws), scope, bucket), encryption }
    }

    /// The same objects, written with another encryption.
    pub(super) fn encrypted(self, encryption: Option<Encryption>) -> Self {
        Self { encryption, ..self }
    }

    pub(super) fn bucket(&self) -> &str {
        self.bucket.name()
    }

    /// What people call an object.
    pub(super) fn url(&self, key: &str) -> String {
        self.bucket.url(key)
    }

    fn error(&self, key: &str, source: AwsError) -> StateError {
        StateError::Aws { path: self.url(key), source: Box::new(source) }
    }

    /// Reads an object; `None` where there is none.
    pub(super) async fn get(&self, key: &str) -> Result<Option<Object>, StateError> {
        self.bucket.get(key).await.map_err(|error| self.error(key, error))
    }

    /// Writes an object if it is still the one with this ETag; `None`: if there is none yet.
    pub(super) async fn put(&self, key: &str, bytes: &[u8], known: Option<&str>) -> Result<Put, StateError> {
        let write = Write {
            key,
            bytes,
            content_type: "application/json",
            encryption: self.encryption.as_ref(),
            condition: known.map_or(Condition::Absent, Condition::Is),
        };
        let error = match self.bucket.put(write).await {
            Ok(etag) => return Ok(Put::Written(etag)),
            Err(error) => error,
        };
        let refused = is_refused(&error);
        if !refused && !error.is_worth_another_try() {
            return Err(self.error(key, error));
        }
        match self.get(key).await {
            Ok(Some(there)) if there.bytes == bytes => Ok(Put::Written(there.etag)),
            // It is as it was read, and yet not written: nobody has overtaken this run.
            Ok(there) if is_conflict(&error) && etag_of(there.as_ref()) == known => {
                Err(self.error(key, error))
            }
            Ok(_) if refused => Ok(Put::Refused),
            Err(unread) if refused => Err(unread),
            Ok(_) | Err(_) => Err(self.error(key, error)),
        }
    }

    /// Deletes an object if it is still the one with this ETag, and says whether it is gone.
    pub(super) async fn delete(&self, key: &str, etag: &str) -> Result<bool, StateError> {
        match self.bucket.delete(key, etag).await {
            Ok(()) => Ok(true),
            Err(error) if error.code == "NoSuchKey" => Ok(true),
            Err(error) if is_conflict(&error) => {
                let there = self.get(key).await?;
                match etag_of(there.as_ref()) {
                    None => Ok(true),
                    Some(now) if now == etag => Err(self.error(key, error)),
                    Some(_) => Ok(false),
                }
            }
            Err(error) if is_refused(&error) => Ok(false),
            Err(error) => Err(self.error(key, error)),
        }
    }

    /// Whether the bucket keeps old versions; `None` where that cannot be found out.
    pub(super) async fn keeps_versions(&self) -> Option<bool> {
        match self.bucket.keeps_versions().await {
            Ok(kept) => Some(kept),
            Err(error) => {
                tracing::debug!(%error, "whether the bucket keeps versions is not known");
                None
            }
        }
    }
}

/// A condition that does not hold: "Add preconditions to S3 operations with conditional requests" in the S3 user guide.
/// `If-Match` on an object that is gone is answered with 404.
fn is_refused(error: &AwsError) -> bool {
    error.code == "PreconditionFailed" || error.code == "NoSuchKey" || is_conflict(error)
}

/// Another request works on the object. This is the last answer: the call was tried again under the same condition, so
/// that a write that is still allowed is made, and one that is not is refused. The S3 API reference of `PutObject` asks to
/// "retry the upload", with `If-Match` after a look at the ETag.
fn is_conflict(error: &AwsError) -> bool {
    error.class == ErrorClass::Conflict
}

fn etag_of(object: Option<&Object>) -> Option<&str> {
    object.map(|object| &*object.etag)
}
