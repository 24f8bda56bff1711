//! The journal of an apply whose state is in S3.
//!
//! An object cannot be appended to, so the journal is put as a whole, again and again. What is about to be created is
//! there before the first call to AWS; what was done follows within about a second, and more slowly once that has been
//! done many times: see [`Pace`]. A kill in between loses nothing that AWS does not show: what was created is among the
//! intended, what was changed is as the manifest wants it, and what was deleted is gone.

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
/// So many entries are not kept waiting.
const ENTRIES: usize = 100;
/// The most that is uploaded of a journal, in its own size at that time; what cannot wait comes on top, twice at most.
const TIMES: usize = 18;

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

/// When the journal is put. Every put is the whole of it, and a bucket with versions keeps each: put every second, the
/// journal of an apply of a quarter of an hour would be kept a thousand times.
#[derive(Debug, Default)]
struct Pace {
    /// When the first entry came in that is not uploaded yet.
    oldest: Option<Instant>,
    /// How many are not uploaded yet.
    waiting: usize,
    /// Bytes so far.
    uploaded: usize,
}

impl Pace {
    fn came_in(&mut self, at: Instant) {
        self.oldest.get_or_insert(at);
        self.waiting += 1;
    }

    /// When a journal of this size is to be put; `None` where there is nothing to put, or not before more has come in.
    fn due(&self, size: usize) -> Option<Instant> {
        let oldest = self.oldest?;
        let pause = if self.waiting >= ENTRIES { Duration::ZERO } else { PAUSE };
        (self.uploaded + size <= TIMES * size).then_some(oldest + pause)
    }

    /// Counts a put of this size.
    fn uploaded(&mut self, size: usize) {
        *self = Self { uploaded: self.uploaded + size, ..Self::default() };
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// Where a journal is, and for how long.
pub(super) struct Place {
    pub(super) objects: Objects,
    pub(super) key: String,
    /// When this is cancelled, the lock is lost, and the journal may be another run's.
    pub(super) lost: CancellationToken,
}

struct Writer {
    place: Place,
    hurry: Hurry,
    text: Vec<u8>,
    etag: String,
    entries: Vec<Entry>,
    pace: Pace,
    failure: Option<Arc<std::io::Error>>,
}

/// Puts the journal's first line, in place of a journal that the document includes, and starts the writer. It ends when
/// the last clone of the journal is dropped.
pub(super) async fn open(place: Place, header: &Header, known: Option<&str>) -> Result<Opened, StateError> {
    let url = place.objects.url(&place.key);
    let path = PathBuf::from(&url);
    let mut text = Vec::new();
    push_line(&mut text, header).map_err(|source| StateError::io("write", &path, source))?;
    let Put::Written(etag) = place.objects.put(&place.key, &text, known).await? else {
        return Err(StateError::WrittenByOther { path: url });
    };
    let (journal, requests) = Journal::queue(path);
    let hurry = Hurry::default();
    let mut pace = Pace::default();
    pace.uploaded(text.len());
    let writer = Writer { place, hurry: hurry.clone(), text, etag, entries: Vec::new(), pace, failure: None };
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
        loop {
            let due = self.pace.due(self.text.len());
            let request = tokio::select! {
                biased;
                request = requests.recv() => request,
                () = self.hurry.wanted.cancelled(), if !self.hurry.done.is_cancelled() => {
                    self.save().await;
                    self.hurry.done.cancel();
                    continue;
                }
                () = until(due) => {
                    self.save().await;
                    continue;
                }
            };
            let Some(first) = request else { break };
            let waiting = with_those_behind(first, &mut requests);
            let urgent = waiting.iter().any(|request| matches!(request.entry, Entry::Intend { .. }));
            let answers: Vec<_> = waiting
                .into_iter()
                .map(|request| {
                    self.take(request.entry);
                    request.done
                })
                .collect();
            if urgent || self.pace.due(self.text.len()).is_some_and(|due| due <= Instant::now()) {
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
        self.pace.came_in(Instant::now());
    }

    async fn save(&mut self) {
        if self.pace.waiting == 0 || self.place.lost.is_cancelled() {
            return;
        }
        self.pace.uploaded(self.text.len());
        if self.failure.is_some() {
            return;
        }
        let failure = match self.place.objects.put(&self.place.key, &self.text, Some(&self.etag)).await {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The puts of an apply that intends so many bytes first and then makes an entry every so often: when each was, in
    /// milliseconds, and how many bytes all were.
    fn puts(intended: usize, entries: u64, every: u64) -> (Vec<u64>, usize, usize) {
        const ENTRY: usize = 480;
        let start = Instant::now();
        let (mut pace, mut size, mut times) = (Pace::default(), 100, vec![0, 0]);
        pace.uploaded(size);
        size += intended;
        pace.uploaded(size);
        for millisecond in 0..entries * every {
            let now = start + Duration::from_millis(millisecond);
            if millisecond % every == 0 {
                pace.came_in(now);
                size += ENTRY;
            }
            if pace.due(size).is_some_and(|due| due <= now) {
                pace.uploaded(size);
                times.push(millisecond);
            }
        }
        if pace.waiting > 0 {
            pace.uploaded(size);
            times.push(entries * every);
        }
        (times, pace.uploaded, size)
    }

    #[test]
    fn a_long_apply_uploads_a_small_multiple_of_its_journal() {
        // 3,000 creates at three calls a second.
        let (times, uploaded, size) = puts(1_350_000, 3000, 333);
        assert!(times.len() <= 50, "{}", times.len());
        assert!(uploaded <= 20 * size, "{uploaded} of {size}");
        assert_eq!(times[2..5], [1000, 2332, 3664]);
        // 3,000 updates: nothing is intended, so the journal begins small.
        let (times, uploaded, size) = puts(0, 3000, 333);
        assert!(times.len() <= 150, "{}", times.len());
        assert!(uploaded <= 20 * size, "{uploaded} of {size}");
        assert_eq!(times[2..4], [1000, 2332]);
        // 3,000 updates at thirty calls a second.
        let (times, uploaded, size) = puts(0, 3000, 33);
        assert!(times.len() <= 100, "{}", times.len());
        assert!(uploaded <= 20 * size, "{uploaded} of {size}");
    }

    #[test]
    fn no_entry_waits_until_the_journal_has_grown_by_a_tenth() {
        let (times, ..) = puts(1_350_000, 3000, 333);
        let size = |millisecond: u64| 1_350_000 + millisecond / 333 * 480;
        for pair in times.windows(2) {
            assert!(size(pair[1]) <= size(pair[0]) * 11 / 10, "{pair:?}");
        }
    }
}
