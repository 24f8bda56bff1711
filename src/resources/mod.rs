//! What AWS holds: one folder per kind of resource, with its spec and its SDK calls.
//!
//! Architecture invariant: `aws_sdk_*` appears in files named `aws.rs` only; specs are pure.

pub mod metric_alarm;
