//! The journal of an apply whose state is in S3.
//!
//! An object cannot be appended to, so the journal is put as a whole, again and again. What is about to be created is
//! there before the first call to AWS; what was done follows within about a second. A kill in that second loses nothing
//! that AWS does not show: what was created is among the intended, what was changed is as the manifest wants it, and what
//! was deleted is gone.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::objects::{Objects, Put};
use crate::state::journal::{Header, Request, push_line, with_those_behind};
use crate::state::{Entry, Journal, StateError};

/// How long an entry waits for others before the journal is put.
const PAUSE: Duration = Duration::from_secs(1);
/// So many entries are not kept waiting. Of a long journal a tenth: a thousand puts of the whole would be a flood.
const ENTRIES: usize = 100;

/// What is left when the journal is closed.
#[derive(Debug)]
pub(super) struct Closed {
    /// All that was written to it.
    pub(super) entries: Vec<Entry>,
    /// The object's last ETag.
    pub(super) etag: String,
}

/// A journal that was opened.
pub(super) struct Opened {
    pub(super) journal: Journal,
    /// Ends with the last clone of the journal.
    pub(super) writer: JoinHandle<Closed>,
    pub(super) hurry: Hurry,
}

/// Has a journal put at once.
#[derive(Clone, Debug, Default)]
pub(super) struct Hurry {
    wanted: CancellationToken,
    done: CancellationToken,
}

impl Hurry {
    /// Returns when what was written so far is put, as far as that is possible.
    pub(super) async fn up(&self) {
        self.wanted.cancel();
        self.done.cancelled().await;
    }
}

struct Writer {
    hurry: Hurry,
    objects: Objects,
    key: String,
    text: Vec<u8>,
    etag: String,
    entries: Vec<Entry>,
    unsaved: usize,
    failure: Option<Arc<std::io::Error>>,
}

/// Puts the journal's first line, in place of a journal that the document includes, and starts the writer. It ends when
/// the last clone of the journal is dropped.
pub(super) async fn open(
    objects: &Objects,
    key: String,
    header: &Header,
    known: Option<&str>,
) -> Result<Opened, StateError> {
    let path = PathBuf::from(objects.url(&key));
    let mut text = Vec::new();
    push_line(&mut text, header).map_err(|source| StateError::io("write", &path, source))?;
    let Put::Written(etag) = objects.put(&key, &text, known).await? else {
        return Err(StateError::WrittenByOther { path: objects.url(&key) });
    };
    let (journal, requests) = Journal::queue(path);
    let hurry = Hurry::default();
    let writer = Writer {
        hurry: hurry.clone(),
        objects: objects.clone(),
        key,
        text,
        etag,
        entries: Vec::new(),
        unsaved: 0,
        failure: None,
    };
    let done = hurry.done.clone().drop_guard();
    let writer = tokio::spawn(async move {
        let closed = writer.run(requests).await;
        drop(done);
        closed
    });
    Ok(Opened { journal, writer, hurry })
}

impl Writer {
    async fn run(mut self, mut requests: mpsc::UnboundedReceiver<Request>) -> Closed {
        let mut due = Instant::now();
        loop {
            let request = tokio::select! {
                biased;
                request = requests.recv() => request,
                () = self.hurry.wanted.cancelled(), if !self.hurry.done.is_cancelled() => {
                    self.save().await;
                    self.hurry.done.cancel();
                    continue;
                }
                () = tokio::time::sleep_until(due), if self.unsaved > 0 => {
                    self.save().await;
                    continue;
                }
            };
            let Some(first) = request else { break };
            if self.unsaved == 0 {
                due = Instant::now() + PAUSE;
            }
            let waiting = with_those_behind(first, &mut requests);
            let urgent = waiting.iter().any(|request| matches!(request.entry, Entry::Intend { .. }));
            let answers: Vec<_> = waiting
                .into_iter()
                .map(|request| {
                    self.take(request.entry);
                    request.done
                })
                .collect();
            if urgent || self.unsaved >= ENTRIES.max(self.entries.len() / 10) {
                self.save().await;
            }
            for done in answers {
                // A caller that no longer waits does not need the answer.
                let _ = done.send(self.failure.clone().map_or(Ok(()), Err));
            }
        }
        self.save().await;
        Closed { entries: self.entries, etag: self.etag }
    }

    fn take(&mut self, entry: Entry) {
        if let Err(error) = push_line(&mut self.text, &entry) {
            self.failure.get_or_insert_with(|| Arc::new(error));
        }
        // What happened stays true when it cannot be uploaded: it is still part of the document that is saved at the end.
        self.entries.push(entry);
        self.unsaved += 1;
    }

    async fn save(&mut self) {
        if std::mem::take(&mut self.unsaved) == 0 || self.failure.is_some() {
            return;
        }
        let failure = match self.objects.put(&self.key, &self.text, Some(&self.etag)).await {
            Ok(Put::Written(etag)) => {
                self.etag = etag;
                return;
            }
            Ok(Put::Refused) => "another run has written it".to_owned(),
            Err(error) => error.to_string(),
        };
        self.failure = Some(Arc::new(std::io::Error::other(failure)));
    }
}
