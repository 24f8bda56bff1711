//! How a command ends when it does not end well: a message, a hint and an exit code.

use std::fmt;

use crate::aws::AwsError;
use crate::state::StateError;

/// The documented exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, or nothing to do.
    Done = 0,
    /// An error.
    Error = 1,
    /// `--detailed-exitcode`: there are changes.
    Changes = 2,
    /// `--detailed-exitcode`: there is drift and nothing else.
    Drift = 3,
    /// Some changes failed.
    Partial = 4,
    /// The plan was overtaken by a change on AWS.
    Stale = 5,
    /// The state is locked.
    Locked = 6,
    /// Ctrl-C or SIGTERM.
    Stopped = 130,
}

/// A failure in the program's own words.
#[derive(Debug)]
pub(super) struct Failure {
    /// The exit code.
    pub(super) exit: Exit,
    /// What went wrong; empty where it has been printed already.
    pub(super) message: String,
    /// What to do about it.
    pub(super) hint: Option<String>,
}

impl Failure {
    /// An error with a hint.
    pub(super) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { exit: Exit::Error, message: message.into(), hint: Some(hint.into()) }
    }

    /// An error that has been printed already.
    pub(super) fn printed() -> Self {
        Self { exit: Exit::Error, message: String::new(), hint: None }
    }

    /// With another exit code.
    #[must_use]
    pub(super) fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// Several calls to AWS that failed side by side.
#[derive(Debug)]
pub(super) struct AwsFailures(pub(super) Vec<AwsError>);

impl fmt::Display for AwsFailures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n       ")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for AwsFailures {}

/// The exit code of an error and what the user can do about it.
pub(super) fn exit_and_hints(error: &anyhow::Error) -> (Exit, Vec<String>) {
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return (failure.exit, failure.hint.iter().cloned().collect());
    }
    if let Some(error) = error.downcast_ref::<StateError>() {
        let locked = matches!(error, StateError::Locked { .. } | StateError::LockExpired { .. });
        let exit = if locked { Exit::Locked } else { Exit::Error };
        return (exit, error.hint().into_iter().collect());
    }
    if let Some(error) = error.downcast_ref::<AwsError>() {
        return (Exit::Error, error.hint().into_iter().collect());
    }
    if let Some(AwsFailures(errors)) = error.downcast_ref::<AwsFailures>() {
        let mut hints: Vec<String> = errors.iter().filter_map(AwsError::hint).collect();
        hints.sort();
        hints.dedup();
        return (Exit::Error, hints);
    }
    (Exit::Error, Vec::new())
}
