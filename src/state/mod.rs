//! What opsform owns, as it last wrote it.
//!
//! The state is one JSON document, replaced as a whole and never half. While an apply runs, each completed change goes
//! to an append-only journal beside it first, so that whatever stops the apply, nothing it did is forgotten.

mod aside;
mod document;
mod error;
mod journal;
mod local;
mod lock;
mod reading;
mod s3;
mod store;

pub use document::{FORMAT_VERSION, State};
pub use error::StateError;
pub use journal::{Entry, Journal};
pub use local::{LocalStore, LockedStore};
pub use lock::{LockInfo, LockOwner};
pub use s3::{Rescue, S3Location, S3Locked, S3Store};
pub use store::{Clock, LockRequest, Locked, Store};
