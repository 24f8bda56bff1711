//! Who holds a lock, and the lock beside a local state file.
//!
//! The operating system's advisory lock decides, so a killed apply never leaves a stale lock behind; the file's
//! content only tells people who, when and what.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::StateError;

/// How often, and with what pause, a lock is tried whose holder gives no name.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(20);

/// Who asks for a lock.
#[derive(Clone, Debug)]
pub struct LockOwner {
    /// `user@host (pid 4711)`.
    pub who: String,
    /// The time, in RFC 3339.
    pub when: String,
    /// The command, such as `apply`.
    pub what: String,
    /// Unique.
    pub id: String,
}

/// What a lock file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockInfo {
    /// Unique; `opsform state unlock` takes it.
    pub id: String,
    /// Who holds it.
    pub who: String,
    /// Since when.
    pub when: String,
    /// The command.
    pub what: String,
    /// Until when it holds unless it is renewed, by its holder's clock. A local lock goes with its process and has no end
    /// of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<jiff::Timestamp>,
    /// Whether its holder had not renewed it in time when it was read.
    #[serde(skip)]
    pub expired: bool,
}

impl fmt::Display for LockInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} since {}, running {} (lock id {})", self.who, self.when, self.what, self.id)
    }
}

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub(super) struct HeldLock {
    file: File,
    path: PathBuf,
}

impl HeldLock {
    /// Takes the lock, or says who has it.
    pub(super) fn take(path: &Path, state_path: &Path, owner: &LockOwner) -> Result<Self, StateError> {
        let mut file = open(path)?;
        for tries_left in (0..TRIES).rev() {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => {
                    // A reader that looks who writes holds the lock for an instant and writes no name.
                    match read_info(&mut file) {
                        None if tries_left > 0 => std::thread::sleep(PAUSE),
                        holder => {
                            return Err(StateError::Locked {
                                path: state_path.display().to_string(),
                                holder: Box::new(holder.unwrap_or_else(unknown_holder)),
                            });
                        }
                    }
                }
                Err(TryLockError::Error(source)) => return Err(StateError::io("lock", path, source)),
            }
        }
        let info = LockInfo {
            id: owner.id.clone(),
            who: owner.who.clone(),
            when: owner.when.clone(),
            what: owner.what.clone(),
            expires: None,
            expired: false,
        };
        write_info(&mut file, &info).map_err(|source| StateError::io("write", path, source))?;
        Ok(Self { file, path: path.to_owned() })
    }
}

impl Drop for HeldLock {
    fn drop(&mut self) {
        // The file stays: removing it would let two processes lock two different files of one name.
        if let Err(error) = self.file.set_len(0).and_then(|()| self.file.unlock()) {
            tracing::warn!(path = %self.path.display(), %error, "the lock could not be given back");
        }
    }
}

/// Who holds the lock now, if anybody. Needs no right to write.
pub(super) fn holder(path: &Path) -> Result<Option<LockInfo>, StateError> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(|source| StateError::io("open", path, source))?,
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(Some(read_info(&mut file).unwrap_or_else(unknown_holder))),
        Err(TryLockError::Error(source)) => Err(StateError::io("lock", path, source)),
    }
}

fn open(path: &Path) -> Result<File, StateError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(|source| StateError::io("open", path, source))
}

fn read_info(file: &mut File) -> Option<LockInfo> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn write_info(file: &mut File, info: &LockInfo) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(serde_json::to_string(info)?.as_bytes())?;
    file.sync_data()
}

pub(super) fn unknown_holder() -> LockInfo {
    LockInfo {
        id: "unknown".to_owned(),
        who: "another process".to_owned(),
        when: "an unknown time".to_owned(),
        what: "an opsform command".to_owned(),
        expires: None,
        expired: false,
    }
}
