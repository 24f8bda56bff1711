//! The bytes of the files that a manifest names.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::io::{ErrorKind, Read};
use std::sync::Arc;

/// More than this is no list of servers; reading it would only use up the memory.
const MOST_BYTES: u64 = 64 << 20;

/// The files by the path under which they are shown and read.
pub type Files = BTreeMap<String, Result<Bytes, FileFault>>;

/// A file's content.
#[derive(Clone, PartialEq, Eq)]
pub struct Bytes(Arc<[u8]>);

impl Bytes {
    /// The bytes themselves.
    pub fn get(&self) -> &[u8] {
        &self.0
    }
}

impl<B: Into<Arc<[u8]>>> From<B> for Bytes {
    fn from(bytes: B) -> Self {
        Self(bytes.into())
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// Why a file could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileFault {
    /// It is not there.
    Missing,
    /// Anything else, as the rest of a sentence about the file: `cannot be read: permission denied`.
    Other(String),
}

impl fmt::Display for FileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("is not there"),
            Self::Other(fault) => f.write_str(fault),
        }
    }
}

/// Reads each file once. What is wrong with one is told by whoever knows where the manifest names it.
pub fn read_files(paths: BTreeSet<String>) -> Files {
    paths.into_iter().map(|path| (path.clone(), read(&path))).collect()
}

fn read(path: &str) -> Result<Bytes, FileFault> {
    let unreadable = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => FileFault::Missing,
        _ => FileFault::Other(format!("cannot be read: {error}")),
    };
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(FileFault::Other("is a folder".to_owned()));
    }
    // A pipe or a device may have no end.
    if !metadata.is_file() {
        return Err(FileFault::Other("is a pipe or a device and no file".to_owned()));
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(unreadable)?;
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(FileFault::Other(format!("holds more than {} MiB", MOST_BYTES >> 20)));
    }
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        fs::write(path("a"), "text").unwrap();
        assert_eq!(read(&path("a")).unwrap().get(), b"text");
        assert_eq!(read(&path("b")), Err(FileFault::Missing));
        assert_eq!(read(&path("")).unwrap_err().to_string(), "is a folder");
        #[cfg(unix)]
        assert_eq!(read("/dev/zero").unwrap_err().to_string(), "is a pipe or a device and no file");
    }
}
