//! The spec of a log group in normal form, for desired and actual alike.

use serde::{Deserialize, Serialize};

use crate::model::{Fields, KindText};
use crate::resources::spec_fields;

/// The kind's name.
pub const KIND: &str = "log_group";

/// The kind in words.
pub(super) const TEXT: KindText =
    KindText { kind: KIND, noun: "log group", plural: "log groups", shared: false, summary };

/// The days that logs may be kept ("`PutRetentionPolicy`" in the CloudWatch Logs API reference).
pub const RETENTION_DAYS: [u32; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1_096, 1_827, 2_192, 2_557, 2_922, 3_288,
    3_653,
];

/// A log group. Its key is its name; its owner is in its tags.
///
/// A KMS key, another class than `STANDARD` and a protection from deletion make a group inexpressible.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogGroup {
    /// After how many days logs are deleted: one of [`RETENTION_DAYS`]. Absent for never, AWS's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_days: Option<u32>,
}

impl LogGroup {
    /// The field map that the planner compares.
    pub fn to_fields(&self) -> Fields {
        spec_fields::to_fields(self)
    }

    /// The spec of a field map.
    ///
    /// # Errors
    /// Where the map is not one that [`LogGroup::to_fields`] makes, as after an edit of the state by hand.
    pub fn from_fields(fields: &Fields) -> Result<Self, serde_json::Error> {
        spec_fields::from_fields(fields)
    }
}

/// The group that Lambda writes a function's logs to, and makes by itself where it is not there when the function first
/// runs ("Sending Lambda function logs to CloudWatch Logs" in the Lambda developer guide). So who declares the group of a function of its own
/// says `adopt`.
pub fn group_of_function(function: &str) -> String {
    format!("/aws/lambda/{function}")
}

/// `logs are kept for 30 days`
fn summary(fields: &Fields) -> String {
    match LogGroup::from_fields(fields).map(|group| group.retention_days) {
        Ok(Some(1)) => "logs are kept for 1 day".to_owned(),
        Ok(Some(days)) => format!("logs are kept for {days} days"),
        Ok(None) => "logs are kept for ever".to_owned(),
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_hold_the_whole_spec() {
        for (days, told) in [(None, "for ever"), (Some(1), "for 1 day"), (Some(30), "for 30 days")] {
            let group = LogGroup { retention_days: days };
            let fields = group.to_fields();
            assert_eq!(fields.len(), usize::from(days.is_some()));
            assert_eq!(LogGroup::from_fields(&fields).unwrap(), group);
            assert_eq!(summary(&fields), format!("logs are kept {told}"));
        }
        assert_eq!(group_of_function("f"), "/aws/lambda/f");
    }
}
