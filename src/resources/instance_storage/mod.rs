//! Kind `instance_storage`: whether an instance has its volumes, or is parked on snapshots of them. Never recorded in the state:
//! the tags of the snapshots are the record.

mod assemble;
mod aws;
mod decide;
mod forecast;
mod notes;
mod park;
mod prices;
mod record;
mod restore;
#[cfg(test)]
mod runs;
mod sets;
#[cfg(test)]
mod simulated;
mod spec;
mod words;
mod world;

pub use aws::{InstanceStorageKind, Parked, parked};
pub use record::{INSTANCE_TAG, SET_TAG};
pub use spec::{KIND, Standing, Storage};

#[cfg(test)]
mod decide_tests;
#[cfg(test)]
mod property_tests;
