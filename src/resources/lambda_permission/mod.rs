//! Kind `lambda_permission`: one statement of a function's own policy, which lets a service call it.

mod aws;
mod spec;

pub use aws::LambdaPermissionKind;
pub(in crate::resources) use aws::ours_of;
pub use spec::{INVOKE, KIND, LambdaPermission, key, parse_key, statement_id};
