//! The package on its way to Lambda.

use std::fs;

use aws_sdk_lambda::primitives::Blob;

use crate::aws::{AwsError, Operation};
use crate::model::Scope;
use crate::resources::lambda_function::{LambdaFunction, MAX_UPLOAD, Package, code_sha256};

/// What a call is given.
#[derive(Clone)]
pub(super) enum Code {
    /// The zip itself.
    Zip(Blob),
    /// An object of S3.
    Object { bucket: String, key: String },
}

/// Reads the package that the plan names, for this operation. A file must still be the one that the plan was made with; of an object Lambda
/// says afterwards what it was.
///
/// # Errors
/// Where it cannot be read, is another one, or is too large for a call.
pub(super) fn code(
    operation: &'static Operation,
    scope: &Scope,
    function: &LambdaFunction,
) -> Result<Code, AwsError> {
    let unfit = |code: &str, why: String| AwsError::unfit(operation, scope, code, why);
    let Some(package) = &function.package else {
        return Err(unfit("no package", "the plan does not say where the package is".to_owned()));
    };
    let path = match Package::parse(package).map_err(|why| unfit("no package", why))? {
        Package::S3 { bucket, key } => return Ok(Code::Object { bucket, key }),
        Package::File(path) => path,
    };
    let unreadable = |error: std::io::Error| unfit("no package", format!("cannot read {path}: {error}"));
    let size = fs::metadata(&path).map_err(unreadable)?.len();
    if size > MAX_UPLOAD {
        return Err(unfit("package too large", too_large(&path, size)));
    }
    let zip = fs::read(&path).map_err(unreadable)?;
    if code_sha256(&zip) != function.code_sha256 {
        let why = format!("{path} is not the package that the plan was made with: it was built again since");
        return Err(AwsError::overtaken(operation, scope, why));
    }
    Ok(Code::Zip(Blob::new(zip)))
}

fn too_large(path: &str, size: u64) -> String {
    let megabytes = |bytes: u64| bytes.div_ceil(1024 * 1024);
    format!(
        "{path} has {} MB, and Lambda takes {} MB in a call: copy it to a bucket in the function's region (`aws s3 cp {path} \
         s3://BUCKET/KEY`) and name it as s3://BUCKET/KEY",
        megabytes(size),
        megabytes(MAX_UPLOAD),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::ErrorClass;

    fn read(package: &str, hash: &str) -> Result<Code, AwsError> {
        let scope = Scope::new("111122223333", "us-east-1");
        code(Operation::CREATE_FUNCTION, &scope, &LambdaFunction::new("arn:role", package, hash))
    }

    #[test]
    fn a_file_is_the_one_that_was_planned() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.zip").display().to_string();
        assert!(read(&path, "x").err().unwrap().message.starts_with("cannot read "));
        fs::write(&path, b"zip").unwrap();
        match read(&path, &code_sha256(b"zip")) {
            Ok(Code::Zip(blob)) => assert_eq!(blob.as_ref(), b"zip"),
            _ => panic!("no zip"),
        }
        assert_eq!(read(&path, "other").err().unwrap().class, ErrorClass::Overtaken);
    }

    #[test]
    fn a_large_file_goes_by_s3() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.zip");
        fs::File::create(&path).unwrap().set_len(MAX_UPLOAD + 1).unwrap();
        let error = read(&path.display().to_string(), "x").err().unwrap();
        assert!(error.message.contains("has 51 MB") && error.message.contains("s3://BUCKET/KEY"), "{error}");
        assert!(
            matches!(read("s3://b/k", "x"), Ok(Code::Object { bucket, key }) if (&*bucket, &*key) == ("b", "k"))
        );
    }
}
