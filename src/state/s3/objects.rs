//! The objects of a state: read with their ETag, written and deleted only as they were read.
//!
//! A write whose answer is lost and that is sent again meets its own first half: S3 then says that the condition does not
//! hold, although what is there is what was sent. So every refusal is followed by a look at the object.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketVersioningStatus, ServerSideEncryption};
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};

use super::answered::Answered;
use crate::aws::{Aws, AwsError, ErrorClass, Operation};
use crate::model::Scope;
use crate::state::StateError;

/// The objects of one bucket.
#[derive(Clone, Debug)]
pub(super) struct Objects {
    aws: Arc<Aws>,
    client: aws_sdk_s3::Client,
    scope: Scope,
    bucket: String,
    /// What the bucket does by default where it is left out.
    encryption: Option<Encryption>,
}

/// An object and the version of it that was read.
pub(super) struct Object {
    pub(super) bytes: Vec<u8>,
    pub(super) etag: String,
    pub(super) encryption: Option<Encryption>,
    /// How long ago it was written, by S3's own clock, in whole seconds; `None` where S3 does not say.
    pub(super) age: Option<Duration>,
}

/// How objects are encrypted.
#[derive(Clone, Debug)]
pub(super) struct Encryption {
    how: ServerSideEncryption,
    kms_key: Option<String>,
}

impl Encryption {
    /// With a KMS key.
    pub(super) fn with_key(key: String) -> Self {
        Self { how: ServerSideEncryption::AwsKms, kms_key: Some(key) }
    }
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
        let client = aws.s3(&scope);
        Self { aws: Arc::new(aws), client, scope, bucket, encryption }
    }

    /// The same objects, written with another encryption.
    pub(super) fn encrypted(self, encryption: Option<Encryption>) -> Self {
        Self { encryption, ..self }
    }

    pub(super) fn bucket(&self) -> &str {
        &self.bucket
    }

    /// What people call an object.
    pub(super) fn url(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket)
    }

    fn error(&self, key: &str, source: AwsError) -> StateError {
        StateError::Aws { path: self.url(key), source: Box::new(source) }
    }

    /// Reads an object; `None` where there is none.
    pub(super) async fn get(&self, key: &str) -> Result<Option<Object>, StateError> {
        let send = || async move {
            let answered = Answered::default();
            let request = self.client.get_object().bucket(&self.bucket).key(key).customize();
            let answer = request.interceptor(answered.clone()).send().await?;
            let age = answered.since(answer.last_modified.as_ref());
            let etag = answer.e_tag.unwrap_or_default();
            let kms_key = answer.ssekms_key_id;
            let encryption = answer.server_side_encryption.map(|how| Encryption { how, kms_key });
            // A connection that breaks while the body comes is as good a reason to ask again as one that breaks before.
            let body = answer.body.collect().await;
            let body = body.map_err(|error| SdkError::dispatch_failure(ConnectorError::io(error.into())))?;
            Ok(Object { bytes: body.to_vec(), etag, encryption, age })
        };
        match self.aws.call(&self.scope, Operation::GET_OBJECT, send).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.code == "NoSuchKey" => Ok(None),
            Err(error) => Err(self.error(key, error)),
        }
    }

    /// Writes an object if it is still the one with this ETag; `None`: if there is none yet.
    pub(super) async fn put(&self, key: &str, bytes: &[u8], known: Option<&str>) -> Result<Put, StateError> {
        let if_absent = known.is_none().then(|| "*".to_owned());
        let (how, kms_key) = match &self.encryption {
            None => (None, None),
            Some(encryption) => (Some(&encryption.how), encryption.kms_key.as_ref()),
        };
        let send = || {
            self.client
                .put_object()
                .bucket(&self.bucket)
                .key(key)
                .content_type("application/json")
                .set_if_match(known.map(str::to_owned))
                .set_if_none_match(if_absent.clone())
                .set_server_side_encryption(how.cloned())
                .set_ssekms_key_id(kms_key.cloned())
                .body(ByteStream::from(bytes.to_vec()))
                .send()
        };
        let error = match self.aws.call(&self.scope, Operation::PUT_OBJECT, send).await {
            Ok(answer) => return Ok(Put::Written(answer.e_tag.unwrap_or_default())),
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
        let send = || self.client.delete_object().bucket(&self.bucket).key(key).if_match(etag).send();
        match self.aws.call(&self.scope, Operation::DELETE_OBJECT, send).await {
            Ok(_) => Ok(true),
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
        let send = || self.client.get_bucket_versioning().bucket(&self.bucket).send();
        match self.aws.call(&self.scope, Operation::GET_BUCKET_VERSIONING, send).await {
            Ok(answer) => Some(answer.status == Some(BucketVersioningStatus::Enabled)),
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
