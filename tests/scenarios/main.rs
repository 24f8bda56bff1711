//! opsform as a user runs it, against the AWS emulator.

#![allow(clippy::unwrap_used)] // A test that cannot go on says so by panicking.

#[path = "../aws/support.rs"]
mod aws;

mod architecture;
mod commands;
mod documents;
mod faults;
mod inventory;
mod kill;
mod lifecycle;
mod manifest_errors;
mod ownership;
mod s3_lock;
mod s3_state;
mod workspace;
