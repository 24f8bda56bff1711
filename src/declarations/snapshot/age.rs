//! How old something is to become.

use crate::manifest::{FromValue, Reading, Scalar, Seconds, Value, parse_seconds};

/// A duration with its unit, and more than none.
///
/// Nobody knows whether 30 means days, and an age of nothing would take all there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Age(pub(super) Seconds);

impl FromValue for Age {
    fn expected() -> String {
        "a duration with its unit, such as \"30d\" or \"12h\"".to_owned()
    }

    fn from_value(value: &Value, reading: &mut Reading<'_>) -> Option<Self> {
        let age = value.as_str().and_then(|text| Self::from_text(text).ok());
        if age.is_none() {
            reading.unexpected(value, &Self::expected());
        }
        age
    }
}

impl Scalar for Age {
    fn from_text(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let has_unit = text.ends_with(|c: char| c.is_ascii_alphabetic());
        match parse_seconds(text).filter(|_| has_unit) {
            Some(Seconds(0)) => Err("is no age: it would keep nothing".to_owned()),
            Some(age) => Ok(Self(age)),
            None => Err("is not a duration with its unit, such as `30d` or `12h`".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_a_unit_and_is_more_than_nothing() {
        for (text, seconds) in [("30d", 2_592_000), (" 12h ", 43_200), ("1d12h", 129_600)] {
            assert_eq!(Age::from_text(text), Ok(Age(Seconds(seconds))));
        }
        for text in ["30", "0", "", "d", "-1d", "1.5d", "30 d", "forever"] {
            let error = Age::from_text(text).unwrap_err();
            assert!(error.contains("unit"), "{text}: {error}");
        }
        for text in ["0d", "0s", "0d0h"] {
            assert!(Age::from_text(text).unwrap_err().contains("keep nothing"), "{text}");
        }
    }
}
