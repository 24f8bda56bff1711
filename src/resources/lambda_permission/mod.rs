//! Kind `lambda_permission`: one statement of a function's own policy, which lets a service call it.

mod spec;

pub use spec::{INVOKE, KIND, LambdaPermission, key, parse_key, statement_id};
