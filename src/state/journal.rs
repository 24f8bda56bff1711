//! The append-only journal of a running apply.
//!
//! Each entry is one line of JSON and is on disk before [`Journal::append`] returns. Entries that come in while a write
//! is under way share the next one, so hundreds of changes a second need no hundreds of disk syncs.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

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

/// The first line of a journal: which document it continues.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) journal: u32,
    pub(super) lineage: String,
    pub(super) serial: u64,
}

/// A journal that is open for writing. Clones write to the same file.
#[derive(Clone, Debug)]
pub struct Journal {
    queue: mpsc::Sender<Request>,
    path: Arc<PathBuf>,
}

#[derive(Debug)]
struct Request {
    entry: Entry,
    done: oneshot::Sender<Result<(), Arc<std::io::Error>>>,
}

impl Journal {
    /// Starts the thread that writes to the file. It ends when the last clone is dropped.
    pub(super) fn start(file: File, path: PathBuf) -> (Self, JoinHandle<()>) {
        let (queue, requests) = mpsc::channel();
        let writer = std::thread::spawn(move || write_all(file, &requests));
        (Self { queue, path: Arc::new(path) }, writer)
    }

    /// Writes an entry and returns when it is on disk.
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

fn write_all(mut file: File, requests: &mpsc::Receiver<Request>) {
    let mut failure: Option<Arc<std::io::Error>> = None;
    while let Ok(first) = requests.recv() {
        let mut waiting = vec![first];
        waiting.extend(requests.try_iter());
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

fn write_lines(file: &mut File, requests: &[Request]) -> std::io::Result<()> {
    let mut lines = Vec::new();
    for request in requests {
        serde_json::to_writer(&mut lines, &request.entry)?;
        lines.push(b'\n');
    }
    file.write_all(&lines)?;
    file.sync_data()
}
