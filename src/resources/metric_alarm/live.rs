//! Alarms on AWS that are not the project's, as far as others look at them.

use crate::model::Scope;

/// A metric alarm that somebody else has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveAlarm {
    /// Where it is.
    pub scope: Scope,
    /// Its `AlarmName`.
    pub name: String,
    /// The dimensions of its metric, or of all metrics of its expressions, each once.
    pub dimensions: Vec<(String, String)>,
}
