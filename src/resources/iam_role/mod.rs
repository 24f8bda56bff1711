//! Kind `iam_role`: a role that services take on, with one inline policy.

mod aws;
mod policy;
mod spec;

pub use aws::IamRoleKind;
pub use policy::normal_policy;
pub use spec::{IamRole, KIND, MAX_SESSION, role_arn, role_name, trust_of};
