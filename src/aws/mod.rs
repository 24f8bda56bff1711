//! The one way to AWS: clients by account and region, rate limits, retries, call counts and errors.
//!
//! Architecture invariant: every request of opsform goes through [`Aws::call`] or [`Aws::call_once`], so every attempt passes the client-side
//! rate limit and is counted. The SDK's own retries are switched off.

mod answered;
mod arn;
mod bucket;
mod call;
mod client;
mod connect;
mod error;
mod operation;
mod ownership;
mod pages;
mod tag_index;
mod throttle;
mod whole_answer;

pub use arn::{alarm_arn, alarm_name, partition, rds_arn};
pub use bucket::{Bucket, Condition, Encryption, Object, Write};
pub use call::{CallCounts, OnceError, all};
pub use client::{Aws, Clients};
pub use connect::{
    AccountAccess, ConnectOptions, OWN_ACCOUNT, connect, connect_own, enabled_regions, environment_region,
};
pub use error::{AwsError, ErrorClass};
pub use operation::{OPERATIONS, Operation, Rate};
pub use ownership::{LABEL_TAG, PROJECT_TAG, ownership_of_tags};
pub use pages::pages;
pub use tag_index::{Tags, tagged_of_type, tags_by_arn};
pub use throttle::Throttle;
