//! What happens during an apply, and what came of it.

use std::collections::BTreeMap;

use crate::aws::{AwsError, Operation};
use crate::model::{Address, Scope};
use crate::plan::Verb;

/// Something that happened. Sent when it is on disk.
#[derive(Clone, Debug)]
pub enum Event {
    /// A wave of steps begins: so many steps, so many calls, paced by this operation in this scope.
    Wave {
        /// How many resources it is about.
        steps: usize,
        /// The calls that it takes, by the operation and scope whose rate paces them.
        calls: Vec<(Scope, &'static Operation, usize)>,
    },
    /// One resource is a step further on a way that takes several.
    Step {
        /// Which.
        address: Address,
        /// What is being done, in words.
        what: String,
    },
    /// One resource was begun, and is left to the next run.
    Begun {
        /// Which.
        address: Address,
        /// How far it is, in words.
        how_far: String,
    },
    /// One resource is done.
    Done {
        /// Which.
        address: Address,
    },
    /// One call, or one batch of steps, came to its end, well or not.
    Called {
        /// Where.
        scope: Scope,
        /// What.
        operation: &'static Operation,
    },
    /// One resource failed; the others go on.
    Failed(Failure),
}

/// A change that was not carried out.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What was to be done.
    pub verb: Verb,
    /// To what; of a replace, the half that failed.
    pub address: Address,
    /// Why not.
    pub error: AwsError,
}

/// What came of an apply.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Changes carried out whole, by verb.
    pub done: BTreeMap<Verb, usize>,
    /// Changes that failed.
    pub failures: Vec<Failure>,
    /// Old halves of replaces that stay because the new half failed.
    pub skipped: Vec<Address>,
    /// Changes that were begun and not waited for: the next run goes on.
    pub begun: usize,
    /// Resources that were not begun because the run was stopped, or had no hope.
    pub not_begun: usize,
}

impl Report {
    /// Whether every change was carried out.
    pub fn is_complete(&self) -> bool {
        self.failures.is_empty() && self.skipped.is_empty() && self.not_begun == 0 && self.begun == 0
    }
}
