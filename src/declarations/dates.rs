//! Dates as people write them into tags.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The forms of a date that are known where the manifest lists none.
const FORMATS: [&str; 5] = ["%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%d %b %Y"];

/// How a tag's value is read as a date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DateFormats(Vec<String>);

impl Default for DateFormats {
    fn default() -> Self {
        Self(FORMATS.iter().map(|&format| format.to_owned()).collect())
    }
}

impl DateFormats {
    /// Formats in the language of strftime.
    ///
    /// # Errors
    /// The first one with which no date can be read, and why.
    pub(super) fn new(formats: Vec<String>) -> Result<Self, (usize, String)> {
        // A format is good if it reads back what it writes.
        let sample = jiff::civil::date(2026, 11, 28);
        for (index, format) in formats.iter().enumerate() {
            let fault = match jiff::fmt::strtime::format(format, sample) {
                Err(error) => Some(error.to_string()),
                Ok(text) => match Date::strptime(format, &text) {
                    Ok(date) if date == sample => None,
                    Ok(_) => Some("it loses a part of the date".to_owned()),
                    Err(error) => Some(error.to_string()),
                },
            };
            if let Some(fault) = fault {
                return Err((index, fault));
            }
        }
        Ok(Self(formats))
    }

    /// The day that a value names: a date in one of the formats, or a time as RFC 3339 writes it, which is a day only
    /// in a time zone.
    pub(super) fn read(&self, value: &str, timezone: &TimeZone) -> Option<Date> {
        let value = value.trim();
        let date = self.0.iter().find_map(|format| Date::strptime(format, value).ok());
        date.or_else(|| Some(value.parse::<Timestamp>().ok()?.to_zoned(timezone.clone()).date()))
    }

    /// An example for a person, in the first format.
    pub(super) fn example(&self, day: Date) -> String {
        let first = self.0.first().map_or(FORMATS[0], String::as_str);
        jiff::fmt::strtime::format(first, day).unwrap_or_else(|_| day.to_string())
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn dates_are_read_in_every_listed_form() {
        let formats = DateFormats::default();
        let read = |value: &str| formats.read(value, &TimeZone::UTC);
        for value in
            ["2026-11-20", " 2026/11/20 ", "2026.11.20", "20261120", "20 Nov 2026", "2026-11-20T23:59:59Z"]
        {
            assert_eq!(read(value), Some(date(2026, 11, 20)), "{value}");
        }
        for value in ["never", "", "2026-13-01", "2026-02-30", "11-20", "2026-11-20x", "tomorrow", "0"] {
            assert_eq!(read(value), None, "{value}");
        }
    }

    #[test]
    fn a_time_is_the_day_of_the_time_zone() {
        let seoul = TimeZone::get("Asia/Seoul").unwrap();
        assert_eq!(DateFormats::default().read("2026-11-20T15:00:00Z", &seoul), Some(date(2026, 11, 21)));
    }

    #[test]
    fn formats_are_checked() {
        assert_eq!(
            DateFormats::new(vec!["%d.%m.%Y".to_owned()]).unwrap().example(date(2026, 1, 2)),
            "02.01.2026"
        );
        for format in ["%Y-%m", "%H:%M", "expires", "%Q"] {
            assert_eq!(
                DateFormats::new(vec!["%F".to_owned(), format.to_owned()]).unwrap_err().0,
                1,
                "{format}"
            );
        }
    }
}
