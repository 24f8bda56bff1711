//! `[state]`: where the state is kept.

use super::reader::{Placed, TableReader};
use super::scalar::checked;
use super::settings::is_region;
use crate::model::{Diagnostic, is_bucket};

/// "The name of an object key is a sequence of Unicode characters with UTF-8 encoding of up to 1,024 bytes long"
/// ("Naming Amazon S3 objects"); the lock and the journal have the key with an ending.
const KEY_LENGTH: usize = 1000;

/// Where the state is kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum StatePlace {
    /// Not said: `state/PROJECT.json`.
    #[default]
    Default,
    /// `path`, relative to the folder that opsform runs in.
    File(Placed<String>),
    /// `s3`.
    S3(S3Place),
}

/// An object in a bucket.
#[derive(Clone, Debug, PartialEq)]
pub struct S3Place {
    /// The bucket.
    pub bucket: String,
    /// The object's key.
    pub key: String,
    /// The bucket's region.
    pub region: String,
    /// The KMS key that encrypts it; S3's own keys where it is left out.
    pub kms_key: Option<String>,
}

pub(super) fn state_place(reader: &mut TableReader<'_>) -> StatePlace {
    let path = reader.optional::<String>("path");
    let s3 = reader.key_place("s3").cloned();
    let place = reader.table("s3").and_then(|mut table| {
        let place = s3_place(&mut table);
        table.finish();
        place
    });
    if let (Some(path), Some(s3)) = (&path, s3) {
        reader.problem(
            Diagnostic::error("the state has two places")
                .at(path.place.clone())
                .related(s3, "the other one")
                .hint("keep `path` for a local file, or `s3`"),
        );
        return StatePlace::Default;
    }
    match (path, place) {
        (_, Some(place)) => StatePlace::S3(place),
        (Some(path), None) if path.value.trim().is_empty() => {
            reader.problem(Diagnostic::error("the state's path is empty").at(path.place));
            StatePlace::Default
        }
        (Some(path), None) => StatePlace::File(path),
        (None, None) => StatePlace::Default,
    }
}

fn s3_place(reader: &mut TableReader<'_>) -> Option<S3Place> {
    let bucket = reader.required::<String>("bucket");
    let key = reader.required::<String>("key");
    let region = reader.required::<String>("region");
    let kms_key = reader.optional::<String>("kms_key");
    let bucket =
        checked(reader, bucket, is_bucket, "is not a bucket's name", "names look like `acme-opsform`");
    let key =
        checked(reader, key, is_key, "is not an object's key", "keys look like `opsform/payments.json`");
    let region =
        checked(reader, region, is_region, "is not a region's code", "codes look like `ap-northeast-2`");
    let not_empty = |text: &str| !text.trim().is_empty();
    let kms_key = match kms_key {
        Some(key) => Some(checked(
            reader,
            Some(key),
            not_empty,
            "is not a KMS key",
            "give the key's ARN, or leave it out for S3's own encryption",
        )?),
        None => None,
    };
    Some(S3Place { bucket: bucket?, key: key?, region: region?, kms_key })
}

fn is_key(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= KEY_LENGTH && !text.starts_with('/') && !text.ends_with('/')
}
