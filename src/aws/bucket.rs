//! Objects in a bucket of Amazon S3.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketVersioningStatus, ServerSideEncryption};
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};

use super::answered::{Answered, BucketRegion};
use super::{Aws, AwsError, Operation, pages};
use crate::model::Scope;

/// A bucket.
#[derive(Clone, Debug)]
pub struct Bucket {
    aws: Arc<Aws>,
    client: aws_sdk_s3::Client,
    scope: Scope,
    name: String,
}

/// An object and the version of it that was read.
#[derive(Debug)]
pub struct Object {
    /// All of it.
    pub bytes: Vec<u8>,
    /// Which version it is.
    pub etag: String,
    /// How it is encrypted.
    pub encryption: Option<Encryption>,
    /// How long ago it was written, by S3's own clock, in whole seconds; `None` where S3 does not say.
    pub age: Option<Duration>,
}

/// How objects are encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encryption {
    how: ServerSideEncryption,
    kms_key: Option<String>,
}

impl Encryption {
    /// With a KMS key: an ARN, an id or an alias.
    pub fn with_key(key: String) -> Self {
        Self { how: ServerSideEncryption::AwsKms, kms_key: Some(key) }
    }

    /// With S3's own keys, whatever the bucket's default is.
    pub fn with_s3_keys() -> Self {
        Self { how: ServerSideEncryption::Aes256, kms_key: None }
    }

    /// With AWS's own KMS key for S3.
    pub fn with_default_key() -> Self {
        Self { how: ServerSideEncryption::AwsKms, kms_key: None }
    }
}

/// An object that is to be written.
#[derive(Clone, Copy, Debug)]
pub struct Write<'a> {
    /// Its key.
    pub key: &'a str,
    /// All of it.
    pub bytes: &'a [u8],
    /// Its media type, such as `application/json`.
    pub content_type: &'a str,
    /// `None` for what the bucket does by default. Since 2023 every bucket encrypts; a header of ours would set its own
    /// default aside ("Setting default server-side encryption behavior" in the S3 user guide).
    pub encryption: Option<&'a Encryption>,
    /// What must be there for the write to be made.
    pub condition: Condition<'a>,
}

/// What must be there for a write to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition<'a> {
    /// Anything or nothing: what is there is replaced.
    Any,
    /// Nothing.
    Absent,
    /// The object with this ETag.
    Is(&'a str),
}

impl Bucket {
    /// A bucket whose region is known from the scope.
    pub fn new(aws: Arc<Aws>, scope: Scope, name: String) -> Self {
        let client = aws.s3(&scope);
        Self { aws, client, scope, name }
    }

    /// A bucket in whichever region it is. `guess` is where it is asked for: S3 tells the region of a bucket in any other, also to
    /// those who may not read it (`HeadBucket` in the S3 API reference, `x-amz-bucket-region`).
    ///
    /// # Errors
    /// Where there is no such bucket, or S3 does not answer.
    pub async fn find(aws: Arc<Aws>, guess: Scope, name: String) -> Result<Self, AwsError> {
        let bucket = Self::new(aws, guess, name);
        let told = BucketRegion::default();
        let send = || {
            let request = bucket.client.head_bucket().bucket(&bucket.name).customize();
            request.interceptor(told.clone()).send()
        };
        let answer = bucket.aws.call(&bucket.scope, Operation::HEAD_BUCKET, send).await;
        match (told.told(), answer) {
            (Some(region), _) if region != bucket.scope.region => {
                Ok(Self::new(bucket.aws, Scope::new(bucket.scope.account, region), bucket.name))
            }
            (_, Ok(_)) | (Some(_), Err(_)) => Ok(bucket),
            // It has no body to say so.
            (None, Err(error)) if error.code == "NotFound" => Err(AwsError {
                code: "NoSuchBucket".to_owned(),
                message: format!("there is no bucket {}", bucket.name),
                ..error
            }),
            (None, Err(error)) => Err(error),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its region.
    pub fn region(&self) -> &str {
        &self.scope.region
    }

    /// What people call an object.
    pub fn url(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.name)
    }

    /// Reads an object; `None` where there is none.
    ///
    /// # Errors
    /// Where S3 does not answer. Without permission to list the bucket an object that is not there is denied.
    pub async fn get(&self, key: &str) -> Result<Option<Object>, AwsError> {
        let send = || async move {
            let answered = Answered::default();
            let request = self.client.get_object().bucket(&self.name).key(key).customize();
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
            Err(error) => Err(error),
        }
    }

    /// Writes an object with one `PutObject`, so whole or not at all, with a checksum that S3 compares. Returns its ETag.
    ///
    /// # Errors
    /// Where S3 does not do it: also where a write with a condition was repeated and met its own first half.
    pub async fn put(&self, write: Write<'_>) -> Result<String, AwsError> {
        let (if_absent, if_match) = match write.condition {
            Condition::Any => (None, None),
            Condition::Absent => (Some("*".to_owned()), None),
            Condition::Is(etag) => (None, Some(etag.to_owned())),
        };
        let send = || {
            self.client
                .put_object()
                .bucket(&self.name)
                .key(write.key)
                .content_type(write.content_type)
                .set_if_match(if_match.clone())
                .set_if_none_match(if_absent.clone())
                .set_server_side_encryption(write.encryption.map(|encryption| encryption.how.clone()))
                .set_ssekms_key_id(write.encryption.and_then(|encryption| encryption.kms_key.clone()))
                .body(ByteStream::from(write.bytes.to_vec()))
                .send()
        };
        let answer = self.aws.call(&self.scope, Operation::PUT_OBJECT, send).await?;
        Ok(answer.e_tag.unwrap_or_default())
    }

    /// Deletes an object if it is still the one with this ETag.
    ///
    /// # Errors
    /// Where it is not, or S3 does not answer.
    pub async fn delete(&self, key: &str, etag: &str) -> Result<(), AwsError> {
        let send = || self.client.delete_object().bucket(&self.name).key(key).if_match(etag).send();
        self.aws.call(&self.scope, Operation::DELETE_OBJECT, send).await.map(|_| ())
    }

    /// The keys of all objects that begin so, in S3's order.
    ///
    /// # Errors
    /// Where S3 does not answer.
    pub async fn list(&self, prefix: &str) -> Result<Vec<String>, AwsError> {
        let page = |token: Option<String>| async move {
            let request = self.client.list_objects_v2().bucket(&self.name).prefix(prefix);
            let send = || request.clone().set_continuation_token(token.clone()).send();
            let answer = self.aws.call(&self.scope, Operation::LIST_OBJECTS, send).await?;
            let keys = answer.contents.unwrap_or_default().into_iter().filter_map(|object| object.key);
            Ok((keys.collect(), answer.next_continuation_token))
        };
        pages(page).await
    }

    /// Whether the bucket keeps old versions.
    ///
    /// # Errors
    /// Where that cannot be found out.
    pub async fn keeps_versions(&self) -> Result<bool, AwsError> {
        let send = || self.client.get_bucket_versioning().bucket(&self.name).send();
        let answer = self.aws.call(&self.scope, Operation::GET_BUCKET_VERSIONING, send).await?;
        Ok(answer.status == Some(BucketVersioningStatus::Enabled))
    }
}
