//! What can go wrong with the state.

use std::io;

use super::LockInfo;
use crate::aws::{AwsError, ErrorClass};

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
    /// The lease of the lock ran out, and its holder has not given it back.
    #[error("the state {path} is locked by {holder}; it has not renewed the lock, and is probably gone")]
    LockExpired {
        /// The state's place.
        path: String,
        /// Who held it.
        holder: Box<LockInfo>,
    },
    /// This run can no longer count on the lock.
    #[error("this run lost the lock of the state {path}: {why}; it did not save the state")]
    LockLost {
        /// The state's place.
        path: String,
        /// What became of the lock.
        why: &'static str,
    },
    /// The document is not the one that was read.
    #[error("somebody else wrote the state {path} meanwhile; it was not overwritten")]
    WrittenByOther {
        /// The state's place.
        path: String,
    },
    /// The document was brought to another place.
    #[error("there is no state at {path} any more: it was brought to {to}")]
    Migrated {
        /// The state's place.
        path: String,
        /// Where the document is kept that was there.
        aside: String,
        /// The place that it was brought to.
        to: String,
    },
    /// AWS did not do what was asked.
    #[error("the state {path}: {source}")]
    Aws {
        /// The state's place.
        path: String,
        /// AWS's word.
        source: Box<AwsError>,
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
                "bring it back from a copy (`opsform state push FILE --force`), or move it and its .journal away and run `opsform state rebuild`, which finds all that \
                 the project owns by its tags on AWS"
                    .to_owned(),
            ),
            Self::TooNew { .. } => Some("update opsform".to_owned()),
            Self::OtherProject { .. } => {
                Some("choose another place with --state or `[state]`, or correct `[project] name`".to_owned())
            }
            Self::Locked { holder, .. } => Some(format!(
                "wait for it to finish (apply, destroy and state migrate do with --lock-timeout 5m); if that process hangs, end it and then \
                 run `opsform state unlock {}`",
                holder.id
            )),
            Self::LockExpired { holder, .. } => Some(format!(
                "make sure that it no longer runs, then take the lock with --take-lock (apply, destroy and state migrate) or remove it \
                 with `opsform state unlock {}`",
                holder.id
            )),
            Self::LockLost { .. } | Self::WrittenByOther { .. } => Some(
                "run `opsform plan`: what this run did on AWS is found by its tags, and the plan shows what is left"
                    .to_owned(),
            ),
            Self::Migrated { aside, .. } => Some(format!(
                "correct `[state]` or --state so that it names that place; to begin a state of its own here, move {aside} away"
            )),
            Self::Aws { source, .. } if source.code == "NoSuchBucket" => {
                Some("create the bucket, with versioning, or correct `[state] s3`".to_owned())
            }
            // "Error responses" of the S3 API: how a bucket in another region answers.
            Self::Aws { source, .. }
                if ["PermanentRedirect", "AuthorizationHeaderMalformed"].contains(&&*source.code) =>
            {
                Some("the bucket seems to be in another region: correct `region` in `[state] s3`, or --from-region".to_owned())
            }
            Self::Aws { source, .. } if source.operation.name == "GetObject" && source.class == ErrorClass::Denied => {
                Some(
                    "the caller needs the IAM actions s3:GetObject and s3:ListBucket: without the latter, S3 denies \
                     also what is not there"
                        .to_owned(),
                )
            }
            Self::Aws { source, .. } if source.class == ErrorClass::Conflict => {
                Some("another request works on that object just now; run the command again".to_owned())
            }
            Self::Aws { source, .. } => source.hint(),
            Self::JournalAhead { journal, .. } => Some(format!(
                "if the state was put back from a copy, move {journal} away and run `opsform state rebuild`, which finds \
                 what an apply made since by its tags on AWS"
            )),
            Self::Io { .. } => None,
        }
    }

    /// Whether what is there is of no use to anybody: nothing is lost when it is replaced.
    pub(super) fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged { .. } | Self::JournalAhead { .. })
    }

    pub(super) fn io(what: &'static str, path: &std::path::Path, error: io::Error) -> Self {
        Self::Io { what, path: path.display().to_string(), error }
    }
}
