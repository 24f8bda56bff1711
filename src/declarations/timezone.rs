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
    let problem = Diagnostic::error(format!("there is no time zone {:?}", name.value));
    reader.problem(problem.at(name.place).hint(hint(&name.value)));
    None
}

/// Abbreviations that mean one zone. `CST`, `IST` and `BST` mean several.
const ABBREVIATIONS: [(&str, &str); 9] = [
    ("KST", "Asia/Seoul"),
    ("JST", "Asia/Tokyo"),
    ("HKT", "Asia/Hong_Kong"),
    ("SGT", "Asia/Singapore"),
    ("PST", "America/Los_Angeles"),
    ("PDT", "America/Los_Angeles"),
    ("MDT", "America/Denver"),
    ("EDT", "America/New_York"),
    ("Z", "UTC"),
];

/// What may have been meant by a name that no zone has.
pub fn hint(name: &str) -> String {
    let names: Vec<String> =
        jiff::tz::db().available().map(|name| name.to_string()).filter(|name| is_a_place(name)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let of_abbreviation = ABBREVIATIONS.iter().find(|(short, _)| short.eq_ignore_ascii_case(name));
    // The signs of `Etc/GMT+9` are the other way round.
    let is_city = |zone: &&&str| {
        !zone.starts_with("Etc/")
            && zone.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(name))
    };
    // Among three letters and offsets anything is near to anything.
    let has_words =
        name.len() > 4 && !name.contains(['+', '-']) && !name.contains(|c: char| c.is_ascii_digit());
    let meant = of_abbreviation
        .map(|(_, zone)| *zone)
        .or_else(|| names.iter().find(is_city).copied())
        .or_else(|| suggestion(name, names.iter().copied()).filter(|_| has_words));
    match meant {
        Some(near) => format!("did you mean `{near}`?"),
        None => "zones are named like `Asia/Seoul` or `UTC`".to_owned(),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_names_the_zone_that_is_meant_or_none() {
        for (name, zone) in [
            ("KST", "Asia/Seoul"),
            ("jst", "Asia/Tokyo"),
            ("Seoul", "Asia/Seoul"),
            ("Asia/Soul", "Asia/Seoul"),
            ("new_york", "America/New_York"),
        ] {
            assert_eq!(hint(name), format!("did you mean `{zone}`?"));
        }
        for name in ["CST", "IST", "BST", "GMT+9", "UTC+09:00", "+09:00", "here"] {
            assert!(!hint(name).contains("did you mean"), "{name}: {}", hint(name));
        }
    }
}
