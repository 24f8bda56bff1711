//! Making functions. The role may have been made a moment ago, so that Lambda does not know it yet.

use aws_sdk_lambda::types::{FunctionCode, Runtime};

use super::code::{Code, code};
use super::convert::{Parts, architectures, parts};
use super::read::function;
use super::write::Subject;
use crate::aws::{AwsError, Operation, ownership_of_tags};
use crate::model::Ownership;
use crate::resources::waiting::until_role_is_known;

/// What Lambda says of a role that it cannot take on, which a new one looks like for some seconds, and of one whose policy it does not know yet.
const REFUSALS: [&str; 2] = [
    "The role defined for the function cannot be assumed by Lambda",
    "execution role does not have permissions",
];

impl Subject<'_> {
    /// Sends a call until Lambda knows the function's role, or surely will not.
    pub(super) async fn until_its_role_is_known<T, F>(&self, call: impl Fn() -> F) -> Result<T, AwsError>
    where
        F: Future<Output = Result<T, AwsError>>,
    {
        let what = format!(
            "{} must be there, its trust policy must let lambda.amazonaws.com take it on (sts:AssumeRole), and its own policy must \
             allow what the function is to send its failures to",
            self.wanted.role_arn
        );
        let tell = |what: &str| (self.course.tell)(self.address, what);
        until_role_is_known(self.aws(), is_of_role, &tell, &what, call).await
    }
}

fn is_of_role(error: &AwsError) -> bool {
    error.code == "InvalidParameterValueException"
        && REFUSALS.iter().any(|refusal| error.message.contains(refusal))
}

/// Makes a function with our tags.
pub(super) async fn create(subject: &Subject<'_>) -> Result<(), AwsError> {
    let (aws, scope, wanted) = (subject.aws(), subject.scope(), &subject.wanted);
    let clients = aws.clients(scope);
    let Parts { environment, dead_letters, storage, memory, timeout } =
        parts(wanted).map_err(|why| subject.unfit(why))?;
    let source = code(Operation::CREATE_FUNCTION, scope, wanted)?;
    let source = match source {
        Code::Zip(zip) => FunctionCode::builder().zip_file(zip),
        Code::Object { bucket, key } => FunctionCode::builder().s3_bucket(bucket).s3_key(key),
    };
    let source = source.build();
    let dead_letters = wanted.dead_letter_arn.is_some().then_some(dead_letters);
    let result = subject
        .until_its_role_is_known(|| {
            aws.call(scope, Operation::CREATE_FUNCTION, || {
                let [project, label] = subject.tags();
                let request = clients.lambda.create_function().function_name(subject.name());
                request
                    .runtime(Runtime::from(&*wanted.runtime))
                    .handler(&wanted.handler)
                    .role(&wanted.role_arn)
                    .code(source.clone())
                    .set_architectures(Some(architectures(wanted)))
                    .memory_size(memory)
                    .timeout(timeout)
                    .set_description(wanted.description.clone())
                    .environment(environment.clone())
                    .set_dead_letter_config(dead_letters.clone())
                    .ephemeral_storage(storage.clone())
                    .tags(project.0, project.1)
                    .tags(label.0, label.1)
                    .send()
            })
        })
        .await;
    match result {
        Err(error) if error.code == "ResourceConflictException" => is_ours_already(subject).await,
        Err(error) => Err(error),
        Ok(made) => subject.check_package(Operation::CREATE_FUNCTION, made.code_sha256()),
    }
}

impl Subject<'_> {
    /// Whether Lambda read the package that was planned: an object of S3 may have become another one.
    ///
    /// # Errors
    /// Where it is not.
    pub(super) fn check_package(
        &self,
        operation: &'static Operation,
        hash: Option<&str>,
    ) -> Result<(), AwsError> {
        if hash == Some(&*self.wanted.code_sha256) {
            return Ok(());
        }
        let package = self.wanted.package.as_deref().unwrap_or("the package");
        let why = format!(
            "{package} is not the package that the plan was made with: Lambda read {}",
            hash.unwrap_or("none")
        );
        let error = AwsError::unfit(operation, self.scope(), "another package", why);
        Err(error.half_done("the function is there with that one"))
    }
}

/// A name is taken: by this very function, where an answer was lost and the call was sent again, or by somebody else's.
async fn is_ours_already(subject: &Subject<'_>) -> Result<(), AwsError> {
    let (scope, name) = (subject.scope(), subject.name());
    let live = function(subject.aws(), scope, name)
        .await?
        .unwrap_or_else(|| aws_sdk_lambda::operation::get_function::GetFunctionOutput::builder().build());
    let tags = live.tags().into_iter().flatten();
    let owner = ownership_of_tags(tags.map(|(key, value)| (key.as_str(), value.as_str())));
    match owner {
        Ownership::Project { name, .. } if name == subject.course.project => {
            let hash = live.configuration().and_then(|function| function.code_sha256());
            subject.check_package(Operation::CREATE_FUNCTION, hash)
        }
        _ => {
            let why = "somebody made it since the plan was made";
            Err(AwsError::overtaken(Operation::CREATE_FUNCTION, scope, why))
        }
    }
}
