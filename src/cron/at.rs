//! `at(yyyy-mm-ddThh:mm:ss)`.

use jiff::civil::DateTime;

use super::Fault;
use super::fault::Piece;

const FORM: &str = "write at(yyyy-mm-ddThh:mm:ss), such as at(2026-12-31T23:59:00)";

/// Reads what stands between the brackets. The zone is a setting of the schedule, no part of the expression.
pub(super) fn parse(inner: Piece<'_>) -> Result<DateTime, Fault> {
    let found = inner.text;
    if !has_the_form(found) {
        let ends_in_zone = found.get(..19).is_some_and(has_the_form);
        let hint = if ends_in_zone {
            "leave out what follows the seconds: a schedule has its time zone, UTC where none is set"
        } else {
            FORM
        };
        return Err(inner.fault(format!("`{found}` is no date and time"), hint));
    }
    let time = found.parse::<DateTime>().ok().filter(|_| !found.ends_with(":60"));
    time.ok_or_else(|| inner.fault(format!("there is no date and time `{found}`"), FORM))
}

fn has_the_form(text: &str) -> bool {
    let form = "dddd-dd-ddTdd:dd:dd";
    text.len() == form.len()
        && form.bytes().zip(text.bytes()).all(|(wanted, found)| match wanted {
            b'd' => found.is_ascii_digit(),
            _ => found == wanted,
        })
}
