//! Tags that keep a target running for a while.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::declarations::dates::DateFormats;
use crate::inventory::Target;

/// The tag with the last day on which a target is not stopped, unless a schedule names another.
pub(in crate::declarations) const EXEMPT_TAG: &str = "keep-running-until";

/// A tag with the last day on which its target is not stopped.
#[derive(Clone, Copy, Debug)]
pub struct KeepTag<'a> {
    /// The tag's key.
    pub key: &'a str,
    /// Where days begin.
    pub timezone: &'a TimeZone,
}

/// What such a tag says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::declarations) enum Kept {
    /// Until the end of this day.
    Until(Date),
    /// Something that is no date. What somebody needs is not stopped for a slip of the pen.
    NoDate(String),
}

impl Kept {
    /// Why a target with this tag is not stopped, for one and for many.
    pub(in crate::declarations) fn words(&self, key: &str) -> (String, String) {
        match self {
            Self::Until(day) => (
                format!("its tag `{key}` keeps it running until {day}"),
                format!("their tags `{key}` keep them running until {day}"),
            ),
            Self::NoDate(value) => (
                format!("its tag `{key}` is {value:?}, which is no date"),
                format!("their tags `{key}` are {value:?}, which is no date"),
            ),
        }
    }
}

impl KeepTag<'_> {
    /// Whether the tag keeps a target running now.
    pub(in crate::declarations) fn keeps(&self, target: &Target, now: Timestamp) -> Option<Kept> {
        let value = target.tags.get(self.key)?;
        let Some(until) = DateFormats::default().read(value, self.timezone) else {
            return Some(Kept::NoDate(value.clone()));
        };
        (self.today(now) <= until).then_some(Kept::Until(until))
    }

    /// The day that it is.
    pub(in crate::declarations) fn today(&self, now: Timestamp) -> Date {
        now.to_zoned(self.timezone.clone()).date()
    }
}
