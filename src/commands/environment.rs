//! The clock, the terminal and the environment: read once, in main, and passed on.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use crate::jobs::Counts;

/// What the process found around it.
#[allow(clippy::struct_excessive_bools)] // Each is a fact of its own about the surroundings.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The time at start.
    pub now: jiff::Timestamp,
    /// Reads the clock, for what outlives the start.
    pub clock: fn() -> jiff::Timestamp,
    /// The zone of the clock on the wall; unknown where the system does not say.
    pub local: jiff::tz::TimeZone,
    /// Who runs it: `user@host (pid 4711)`.
    pub who: String,
    /// The current folder.
    pub folder: PathBuf,
    /// The folder for what may be lost: `OPSFORM_CACHE`, else `opsform` in `XDG_CACHE_HOME` or `~/.cache` ("XDG Base Directory
    /// Specification": relative paths do not count). Unknown where there is no home either.
    pub cache: Option<PathBuf>,
    /// Whether `NO_COLOR` is set to something.
    pub no_color: bool,
    /// Whether standard input is a terminal.
    pub stdin_is_terminal: bool,
    /// Whether standard output is a terminal.
    pub stdout_is_terminal: bool,
    /// Whether standard error is a terminal.
    pub stderr_is_terminal: bool,
    /// The terminal's width in columns.
    pub width: Option<usize>,
    /// This program's file.
    pub program: PathBuf,
    /// Whether Lambda started it to serve jobs: its Runtime API is there, and nobody typed a command.
    pub serves_jobs: bool,
    /// Whether the runner of jobs started it (`OPSFORM_IN_RUNNER`).
    pub in_runner: bool,
    /// Where to write what a command counted (`OPSFORM_SUMMARY`).
    pub summary: Option<PathBuf>,
    /// The project of the function (`OPSFORM_PROJECT`).
    pub project: Option<String>,
    /// The folder in S3 with the manifest of the function (`OPSFORM_MANIFESTS_FROM`).
    pub manifests_from: Option<String>,
    /// The region that AWS or the user set (`AWS_REGION`).
    pub region: Option<String>,
    /// A folder for files that nobody needs later.
    pub scratch: PathBuf,
    /// What the command counts.
    pub counts: Arc<Mutex<Counts>>,
}

impl Environment {
    /// Looks around.
    #[allow(clippy::disallowed_methods)] // The one place that may read the clock and the environment.
    pub fn read() -> Self {
        use std::io::IsTerminal;
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let user = variable("USER")
            .or_else(|| variable("LOGNAME"))
            .or_else(|| variable("AWS_LAMBDA_FUNCTION_NAME"))
            .unwrap_or_else(|| "somebody".to_owned());
        let host = variable("HOSTNAME")
            .or_else(|| std::fs::read_to_string("/etc/hostname").ok())
            .map_or_else(|| "this machine".to_owned(), |host| host.trim().to_owned());
        let absolute = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let home_cache = || absolute("HOME").map(|home| home.join(".cache"));
        let cache = || absolute("XDG_CACHE_HOME").or_else(home_cache).map(|folder| folder.join("opsform"));
        let width = usize::from(console_width());
        Self {
            now: jiff::Timestamp::now(),
            clock: jiff::Timestamp::now,
            local: jiff::tz::TimeZone::system(),
            who: format!("{user}@{host} (pid {})", std::process::id()),
            folder: std::env::current_dir().unwrap_or_default(),
            cache: variable("OPSFORM_CACHE").map(PathBuf::from).or_else(cache),
            no_color: variable("NO_COLOR").is_some(),
            stdin_is_terminal: std::io::stdin().is_terminal(),
            stdout_is_terminal: std::io::stdout().is_terminal(),
            stderr_is_terminal: std::io::stderr().is_terminal(),
            width: (width > 0 && std::io::stdout().is_terminal()).then_some(width),
            program: std::env::current_exe().unwrap_or_else(|_| PathBuf::from("/proc/self/exe")),
            serves_jobs: variable("AWS_LAMBDA_RUNTIME_API").is_some() && std::env::args_os().len() <= 1,
            in_runner: variable("OPSFORM_IN_RUNNER").is_some(),
            summary: variable("OPSFORM_SUMMARY").map(PathBuf::from),
            project: variable("OPSFORM_PROJECT"),
            manifests_from: variable("OPSFORM_MANIFESTS_FROM"),
            region: variable("AWS_REGION"),
            scratch: std::env::temp_dir(),
            counts: Arc::default(),
        }
    }
}

fn console_width() -> u16 {
    console::Term::stdout().size_checked().map_or(0, |(_, columns)| columns)
}
