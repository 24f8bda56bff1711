//! A job as a process: its output goes to the log line by line, and it is stopped before its time is over.

use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

use super::lines::Lines;
use super::log::Log;

/// How much of the time that is left a job does not get: so much is needed to finish what is under way, and to save what was done. At most
/// [`MARGIN`].
const PART: u32 = 10;
const MARGIN: Duration = Duration::from_secs(20);

/// A process to run.
pub(super) struct Task<'a> {
    pub(super) program: &'a Path,
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<(&'static str, String)>,
    /// The time until Lambda ends everything.
    pub(super) left: Duration,
}

/// How it ended.
pub(super) struct Ended {
    pub(super) exit: Option<i32>,
    /// Whether it was told to stop.
    pub(super) cut_off: bool,
    pub(super) took: Duration,
}

/// The times, from the start, at which a process that has so long is told to stop, told again, and killed.
fn warnings(left: Duration) -> [Duration; 3] {
    let margin = MARGIN.min(left / PART);
    [margin, margin / 2, margin / 8].map(|before| left.saturating_sub(before))
}

/// Runs the process to its end.
pub(super) async fn run(task: &Task<'_>, log: &Log<'_>) -> io::Result<Ended> {
    let start = Instant::now();
    let mut child = Command::new(task.program)
        .args(&task.arguments)
        .envs(task.environment.iter().map(|(name, value)| (name, value)))
        // It is no runtime: it must not ask for the next event.
        .env_remove("AWS_LAMBDA_RUNTIME_API")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let output = async { tokio::join!(relay(stdout, "stdout", log), relay(stderr, "stderr", log)) };
    let ((status, cut_off), _) = tokio::join!(wait(&mut child, task.left, log), output);
    Ok(Ended { exit: code(status?), cut_off, took: start.elapsed() })
}

/// A process that a signal ended has no exit code; one that Ctrl-C ended before it listened counts as stopped.
fn code(status: ExitStatus) -> Option<i32> {
    use std::os::unix::process::ExitStatusExt;
    let interrupted = status.signal() == Some(Signal::INT.as_raw());
    if interrupted { Some(130) } else { status.code() }
}

/// Waits for its end, and sees to it.
async fn wait(child: &mut Child, left: Duration, log: &Log<'_>) -> (io::Result<ExitStatus>, bool) {
    let [first, second, last] = warnings(left);
    let begin = tokio::time::Instant::now();
    if let Ok(status) = tokio::time::timeout_at(begin + first, child.wait()).await {
        return (status, false);
    }
    log.say("WARN", "the time is nearly over: the job is told to finish what is under way");
    interrupt(child);
    if let Ok(status) = tokio::time::timeout_at(begin + second, child.wait()).await {
        return (status, true);
    }
    log.say("WARN", "the job is told to save and end at once");
    interrupt(child);
    if let Ok(status) = tokio::time::timeout_at(begin + last, child.wait()).await {
        return (status, true);
    }
    log.say("ERROR", "the job does not end and is killed");
    let _ = child.start_kill();
    (child.wait().await, true)
}

/// What Ctrl-C does.
fn interrupt(child: &Child) {
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    if let Some(pid) = pid {
        // One that has just ended needs none.
        let _ = kill_process(pid, Signal::INT);
    }
}

async fn relay(pipe: Option<impl AsyncRead + Unpin>, stream: &str, log: &Log<'_>) {
    let Some(mut pipe) = pipe else { return };
    let (mut lines, mut bytes) = (Lines::default(), vec![0; 16 * 1024]);
    while let Ok(count @ 1..) = pipe.read(&mut bytes).await {
        lines.push(&bytes[..count]).into_iter().for_each(|line| log.line(stream, line));
    }
    lines.last().into_iter().for_each(|line| log.line(stream, line));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_warned_in_time_to_save() {
        let seconds = |left: u64| warnings(Duration::from_secs(left)).map(|time| time.as_millis());
        assert_eq!(seconds(900), [880_000, 890_000, 897_500]);
        assert_eq!(seconds(60), [54_000, 57_000, 59_250]);
        assert_eq!(seconds(0), [0, 0, 0]);
    }
}
