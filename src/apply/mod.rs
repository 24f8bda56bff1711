//! Carrying out a plan: bounded, paced, recorded step by step.
//!
//! Architecture invariant: apply does what the plan says and decides nothing else. What is no longer as the plan saw it is
//! left alone and reported.

mod executor;
mod look;
mod report;
mod steps;

pub use executor::{Apply, apply};
pub use report::{Event, Failure, Report};
