//! Kind `lambda_function`: a Lambda function that runs a program of one's own from a zip.

mod aws;
mod package;
mod spec;

pub use aws::LambdaFunctionKind;
pub(in crate::resources) use aws::owner;
pub use package::{MAX_UPLOAD, Package, code_sha256};
pub(in crate::resources) use spec::with_digits;
pub use spec::{
    Architecture, KIND, LambdaFunction, MEMORY_MB, RESERVED_ENVIRONMENT, RUNTIME, TIMEOUT_SECONDS,
    function_arn, function_name, function_of_arn,
};
