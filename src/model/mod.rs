//! Plain data that every module speaks: addresses, fields, resources and diagnostics.
//!
//! Architecture invariant: this module imports nothing of ours and does no I/O.

mod address;
mod destroy_limit;
mod diagnostic;
mod finding;
mod kind;
mod report_output;
mod resource;
mod s3_name;

pub use address::{Address, Scope};
pub use destroy_limit::DestroyLimit;
pub use diagnostic::{Cell, Diagnostic, Diagnostics, Place, Severity, SourceFile};
pub use finding::{Advice, Audit, Finding, Gap, Problem};
pub use kind::KindText;
pub use report_output::ReportOutput;
pub use resource::{Actual, Claim, Desired, Fields, Origin, Owned, Ownership, Refused, TargetRef};
pub use s3_name::{LONGEST_KEY, is_bucket};
