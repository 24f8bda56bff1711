//! What a command counted, as it hands it to whoever started it.

use serde::{Deserialize, Serialize};

/// The content of the file that `OPSFORM_SUMMARY` names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// The project.
    #[serde(default)]
    pub project: String,
    /// Changes that were made; of a command that only plans, those that are planned.
    #[serde(default)]
    pub changes: usize,
    /// Findings of an audit, and drift.
    #[serde(default)]
    pub findings: usize,
    /// What failed.
    #[serde(default)]
    pub failures: usize,
    /// Calls to AWS.
    #[serde(default)]
    pub calls: usize,
    /// What was begun and goes on inside AWS: snapshots.
    #[serde(default)]
    pub begun: usize,
    /// Whether doing it again would do more than finish it: mails have been sent.
    #[serde(default)]
    pub only_once: bool,
    /// Why nothing was done, where there was nothing to do for this job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
    /// The error that ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
