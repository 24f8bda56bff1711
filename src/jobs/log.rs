//! Logs as JSON, a line an object: what Lambda hands to CloudWatch Logs.

use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use serde_json::{Value, json};

/// How many bytes of one job's output are logged: enough to see what it did, and no bill.
const MOST: usize = 4 * 1024 * 1024;

/// The log of one job.
pub(super) struct Log<'a> {
    pub(super) job: &'a str,
    pub(super) request: &'a str,
    pub(super) clock: fn() -> Timestamp,
    logged: AtomicUsize,
    last: Mutex<Option<String>>,
}

impl<'a> Log<'a> {
    pub(super) fn new(job: &'a str, request: &'a str, clock: fn() -> Timestamp) -> Self {
        Self { job, request, clock, logged: AtomicUsize::new(0), last: Mutex::new(None) }
    }

    /// A line that the job wrote.
    pub(super) fn line(&self, stream: &str, message: String) {
        if message.is_empty() {
            return;
        }
        let before = self.logged.fetch_add(message.len(), Ordering::Relaxed);
        if before <= MOST {
            let level = if stream == "stderr" { "WARN" } else { "INFO" };
            self.write(level, stream, &message);
            if before + message.len() > MOST {
                self.write("WARN", "runner", "more than 4 MiB were written; the rest is left out");
            }
        }
        if stream == "stdout" {
            *self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(message);
        }
    }

    /// What the runner itself has to say.
    pub(super) fn say(&self, level: &str, message: &str) {
        self.write(level, "runner", message);
    }

    /// The last line of the job's standard output.
    pub(super) fn last_line(&self) -> Option<String> {
        self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    fn write(&self, level: &str, stream: &str, message: &str) {
        write(&json!({
            "timestamp": (self.clock)().to_string(),
            "level": level,
            "job": self.job,
            "requestId": self.request,
            "stream": stream,
            "message": message,
        }));
    }
}

/// Writes a line. Nothing can be said where standard output is closed.
pub(super) fn write(line: &Value) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}
