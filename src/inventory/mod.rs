//! The things that declarations attach to: instances, databases, clusters.
//!
//! Architecture invariant: the data types here know no AWS SDK; the files named after a service read it.

mod selector;
mod target;

pub use selector::{NameGlob, Selector, TagMatch};
pub use target::{Fleet, Target, TargetKind};
