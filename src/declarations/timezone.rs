//! The key `timezone`: where a day begins and what a clock shows.

use jiff::tz::TimeZone;

use crate::manifest::{TableReader, suggestion};
use crate::model::Diagnostic;

/// The key `timezone`: UTC where it is left out, `None` where it is wrong, which is recorded.
pub(super) fn read(reader: &mut TableReader<'_>) -> Option<TimeZone> {
    if reader.place_of("timezone").is_none() {
        reader.optional::<String>("timezone");
        return Some(TimeZone::UTC);
    }
    let name = reader.optional::<String>("timezone")?;
    if let Some(timezone) = TimeZone::get(&name.value).ok().filter(|_| is_a_place(&name.value)) {
        return Some(timezone);
    }
    let names: Vec<String> =
        jiff::tz::db().available().map(|name| name.to_string()).filter(|name| is_a_place(name)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let hint = match suggestion(&name.value, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "zones are named like `Asia/Seoul` or `UTC`".to_owned(),
    };
    let problem = Diagnostic::error(format!("there is no time zone {:?}", name.value));
    reader.problem(problem.at(name.place).hint(hint));
    None
}

/// Whether a zone means the same on every machine and on AWS. Files of the database that do not are found by name as well.
fn is_a_place(name: &str) -> bool {
    const OTHER: [&str; 4] = ["factory", "localtime", "posixrules", "etc/unknown"];
    let name = name.to_ascii_lowercase();
    !OTHER.contains(&&*name) && !name.starts_with("posix/") && !name.starts_with("right/")
}

/// The name of a time zone that [`read`] gave.
pub(super) fn name(timezone: &TimeZone) -> &str {
    timezone.iana_name().unwrap_or("UTC")
}
