//! What can go wrong with the state.

use std::io;

use super::LockInfo;

/// A failure of the state store.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// A file could not be read or written.
    #[error("cannot {what} {path}: {error}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: String,
        /// The system's word.
        error: io::Error,
    },
    /// The document is not what opsform writes.
    #[error("the state {path} is damaged: {detail}")]
    Damaged {
        /// The file.
        path: String,
        /// Where and why.
        detail: String,
    },
    /// The document was written by a newer opsform.
    #[error("the state {path} has format {found}, and this opsform knows formats up to {known}")]
    TooNew {
        /// The file.
        path: String,
        /// Its format.
        found: u64,
        /// The newest format that this opsform knows.
        known: u32,
    },
    /// The document belongs to another project.
    #[error("the state {path} belongs to project \"{found}\", and the manifest is of project \"{expected}\"")]
    OtherProject {
        /// The file.
        path: String,
        /// The document's project.
        found: String,
        /// The manifest's.
        expected: String,
    },
    /// Somebody else holds the lock.
    #[error("the state {path} is locked by {holder}")]
    Locked {
        /// The state's file.
        path: String,
        /// Who holds it.
        holder: Box<LockInfo>,
    },
    /// The journal continues a newer document than the one that is there.
    #[error("the state {path} is older than its journal {journal}")]
    JournalAhead {
        /// The document.
        path: String,
        /// The journal.
        journal: String,
    },
}

impl StateError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Damaged { .. } => Some(
                "bring it back from a copy, or move it and its .journal away and run `opsform state rebuild`, which finds all that \
                 the project owns by its tags on AWS"
                    .to_owned(),
            ),
            Self::TooNew { .. } => Some("update opsform".to_owned()),
            Self::OtherProject { .. } => {
                Some("choose another file with --state or `[state] path`, or correct `[project] name`".to_owned())
            }
            Self::Locked { holder, .. } => Some(format!(
                "wait for it to finish; if that process hangs, end it and then run `opsform state unlock {}`",
                holder.id
            )),
            Self::JournalAhead { journal, .. } => Some(format!(
                "if the state was put back from a copy, move {journal} away and run `opsform state rebuild`, which finds \
                 what an apply made since by its tags on AWS"
            )),
            Self::Io { .. } => None,
        }
    }

    pub(super) fn io(what: &'static str, path: &std::path::Path, error: io::Error) -> Self {
        Self::Io { what, path: path.display().to_string(), error }
    }
}
