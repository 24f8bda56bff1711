//! Times as templates and audits see them.

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde_json::Value;

/// A time as RFC 3339 writes it, in UTC and whole seconds: `2026-01-02T03:04:05Z`.
///
/// EC2 gives whole seconds and RDS milliseconds; of one length, times can be compared as texts.
pub(super) fn time_text(time: Option<&DateTime>) -> Option<Value> {
    DateTime::from_secs(time?.secs()).fmt(Format::DateTime).ok().map(Value::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fraction_of_a_second_is_left_out() {
        let time = DateTime::from_secs_and_nanos(1_767_323_045, 250_000_000);
        assert_eq!(time_text(Some(&time)), Some("2026-01-02T03:04:05Z".into()));
        assert_eq!(time_text(None), None);
    }
}
