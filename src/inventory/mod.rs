//! The things that declarations attach to: instances, volumes, databases, clusters.
//!
//! Architecture invariant: the data types here know no AWS SDK; the files named after a service read it.

mod ebs;
mod ec2;
mod query;
mod rds;
mod read;
mod selector;
mod target;
mod time;

pub use read::{Gap, Standing, Whereabouts, read_fleet, read_fleet_with_gaps, standings, whereabouts};
pub use selector::{NameGlob, Selector, TagMatch};
pub use target::{Fleet, States, Target, TargetKind};
