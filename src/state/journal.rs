//! The append-only journal of a running apply.
//!
//! Each entry is one line of JSON. In a local file it is on disk before [`Journal::append`] returns; entries that come
//! in while a write is under way share the next one, so hundreds of changes a second need no hundreds of disk syncs. For
//! a state in S3 see `s3/journal.rs`.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use super::StateError;
use crate::model::{Address, Owned};

/// One line of a journal after its header.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub enum Entry {
    /// The apply is about to create these.
    Intend {
        /// As they will be.
        resources: Vec<Owned>,
    },
    /// AWS confirmed the write of this one.
    Own {
        /// As it is.
        resource: Owned,
    },
    /// This one is gone, or no longer ours.
    Drop {
        /// Its address.
        address: Address,
    },
    /// AWS refused to create this one, so there is nothing to look for.
    Withdraw {
        /// Its address.
        address: Address,
    },
}

/// The version of the journal's format. A newer one is refused, never guessed at.
pub(super) const JOURNAL_VERSION: u32 = 1;

/// The first line of a journal: which document it continues.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    /// [`JOURNAL_VERSION`] of the opsform that wrote it.
    pub(super) journal: u32,
    pub(super) lineage: String,
    pub(super) serial: u64,
}

/// A journal that is open for writing. Clones write to the same one.
#[derive(Clone, Debug)]
pub struct Journal {
    queue: mpsc::UnboundedSender<Request>,
    path: Arc<PathBuf>,
}

/// What a writer is asked to write.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) entry: Entry,
    pub(super) done: oneshot::Sender<Result<(), Arc<std::io::Error>>>,
}

impl Journal {
    /// Starts the thread that writes to the file. It ends when the last clone is dropped.
    pub(super) fn start(file: File, path: PathBuf) -> (Self, JoinHandle<()>) {
        let (journal, requests) = Self::queue(path);
        let writer = std::thread::spawn(move || write_all(file, requests));
        (journal, writer)
    }

    /// A journal for what is never recorded: whatever is written to it fails.
    pub fn closed() -> Self {
        Self::queue(PathBuf::new()).0
    }

    /// The end that is written to, and the end for whoever writes it down.
    pub(super) fn queue(path: PathBuf) -> (Self, mpsc::UnboundedReceiver<Request>) {
        let (queue, requests) = mpsc::unbounded_channel();
        (Self { queue, path: Arc::new(path) }, requests)
    }

    /// Writes an entry and returns when it is on disk, or as safe as the store promises.
    ///
    /// # Errors
    /// When it could not be written: then the caller must not go on as if it were.
    pub async fn append(&self, entry: Entry) -> Result<(), StateError> {
        let (done, written) = oneshot::channel();
        let stopped = || StateError::io("write", &self.path, std::io::Error::other("the writer has stopped"));
        self.queue.send(Request { entry, done }).map_err(|_| stopped())?;
        match written.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(source)) => {
                let source = std::io::Error::new(source.kind(), source.to_string());
                Err(StateError::io("write", &self.path, source))
            }
            Err(_) => Err(stopped()),
        }
    }
}

fn write_all(mut file: File, mut requests: mpsc::UnboundedReceiver<Request>) {
    let mut failure: Option<Arc<std::io::Error>> = None;
    while let Some(first) = requests.blocking_recv() {
        let waiting = with_those_behind(first, &mut requests);
        // After a failure nothing is written any more: a line behind half a line could never be read.
        if failure.is_none() {
            failure = write_lines(&mut file, &waiting).err().map(Arc::new);
        }
        for request in waiting {
            // A caller that no longer waits does not need the answer.
            let _ = request.done.send(failure.clone().map_or(Ok(()), Err));
        }
    }
}

/// A request and all that have come in since.
pub(super) fn with_those_behind(
    first: Request,
    requests: &mut mpsc::UnboundedReceiver<Request>,
) -> Vec<Request> {
    let mut waiting = vec![first];
    while let Ok(request) = requests.try_recv() {
        waiting.push(request);
    }
    waiting
}

/// A line of a journal: its header or an entry.
pub(super) fn push_line(lines: &mut Vec<u8>, value: &impl Serialize) -> std::io::Result<()> {
    serde_json::to_writer(&mut *lines, value)?;
    lines.push(b'\n');
    Ok(())
}

fn write_lines(file: &mut File, requests: &[Request]) -> std::io::Result<()> {
    let mut lines = Vec::new();
    for request in requests {
        push_line(&mut lines, &request.entry)?;
    }
    file.write_all(&lines)?;
    file.sync_data()
}
