//! A function's package: what it is, and where it is read from.

use std::fmt;

use aws_smithy_types::base64;
use sha2::{Digest, Sha256};

/// The largest package that is sent in a call; larger ones are read by Lambda from S3, up to 250 MB unzipped ("Lambda quotas" in
/// the Lambda developer guide: 50 MB, zipped).
pub const MAX_UPLOAD: u64 = 50 * 1024 * 1024;

/// Where a package is read from when it is deployed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Package {
    /// A file on this machine, as the path is written.
    File(String),
    /// An object of S3, in the function's region; Lambda reads it with the caller's permissions.
    S3 {
        /// The bucket.
        bucket: String,
        /// The object's key.
        key: String,
    },
}

impl Package {
    /// Reads `s3://BUCKET/KEY` or a path.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence part.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some(place) = text.strip_prefix("s3://") else {
            return if text.is_empty() {
                Err("expected a path or s3://BUCKET/KEY".to_owned())
            } else {
                Ok(Self::File(text.to_owned()))
            };
        };
        match place.split_once('/') {
            Some((bucket, key)) if !bucket.is_empty() && !key.is_empty() => {
                Ok(Self::S3 { bucket: bucket.to_owned(), key: key.to_owned() })
            }
            _ => Err(format!("{text:?} names no object: expected s3://BUCKET/KEY")),
        }
    }
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.write_str(path),
            Self::S3 { bucket, key } => write!(f, "s3://{bucket}/{key}"),
        }
    }
}

/// The hash of a package as Lambda tells it (`CodeSha256` of `FunctionConfiguration`): SHA-256 of the zip, in base64.
pub fn code_sha256(zip: &[u8]) -> String {
    base64::encode(Sha256::digest(zip))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_a_file_or_an_object() {
        for text in ["target/runner.zip", "s3://bucket/a/b.zip"] {
            assert_eq!(Package::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Package::parse("a.zip"), Ok(Package::File("a.zip".to_owned())));
        for text in ["", "s3://", "s3://bucket", "s3://bucket/", "s3:///key"] {
            assert!(Package::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_hash_is_in_base64() {
        assert_eq!(code_sha256(b""), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    }
}
