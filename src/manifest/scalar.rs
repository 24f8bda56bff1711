//! Booleans, strings and numbers.

use super::reader::{FromValue, Placed, Reading, TableReader};
use super::value::{Data, Value};
use crate::model::Diagnostic;

/// A type that a field may hold literally or as the text that a template gives.
pub trait Scalar: FromValue + Clone {
    /// The value of a text.
    ///
    /// # Errors
    /// What is wrong with the text, as the rest of a sentence about it: `is not a number`.
    fn from_text(text: &str) -> Result<Self, String>;
}

/// A text that fits; of any other the fault, as the rest of a sentence about it, is recorded with the hint.
pub(super) fn checked(
    reader: &mut TableReader<'_>,
    text: Option<Placed<String>>,
    fits: impl Fn(&str) -> bool,
    fault: &str,
    hint: &str,
) -> Option<String> {
    let text = text?;
    if fits(&text.value) {
        return Some(text.value);
    }
    reader.problem(Diagnostic::error(format!("{:?} {fault}", text.value)).at(text.place).hint(hint));
    None
}

impl FromValue for bool {
    fn expected() -> String {
        "true or false".to_owned()
    }

    fn from_value(value: &Value, reading: &mut Reading<'_>) -> Option<Self> {
        if let Data::Bool(flag) = &value.data {
            return Some(*flag);
        }
        reading.unexpected(value, &Self::expected());
        None
    }
}

impl Scalar for bool {
    fn from_text(text: &str) -> Result<Self, String> {
        match text.trim() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("is neither true nor false".to_owned()),
        }
    }
}

impl FromValue for String {
    fn expected() -> String {
        "a string".to_owned()
    }

    fn from_value(value: &Value, reading: &mut Reading<'_>) -> Option<Self> {
        if let Data::String(text) = &value.data {
            return Some(text.clone());
        }
        reading.unexpected(value, &Self::expected());
        None
    }
}

impl Scalar for String {
    fn from_text(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
}

impl FromValue for f64 {
    fn expected() -> String {
        "a number".to_owned()
    }

    fn from_value(value: &Value, reading: &mut Reading<'_>) -> Option<Self> {
        match &value.data {
            // Only whole numbers beyond 2^53 lose digits, and no metric has such a threshold.
            #[allow(clippy::cast_precision_loss)]
            Data::Integer(number) => Some(*number as Self),
            Data::Float(number) if number.is_finite() => Some(*number),
            _ => {
                reading.unexpected(value, &Self::expected());
                None
            }
        }
    }
}

impl Scalar for f64 {
    fn from_text(text: &str) -> Result<Self, String> {
        match text.trim().parse::<Self>() {
            // A template counts in binary: 0.57 * 100 gives 56.99999999999999, and 15 digits are exact.
            Ok(number) if number.is_finite() && number.fract() != 0.0 => {
                Ok(format!("{number:.14e}").parse().unwrap_or(number))
            }
            Ok(number) if number.is_finite() => Ok(number),
            _ => Err("is not a number".to_owned()),
        }
    }
}

impl FromValue for u32 {
    fn expected() -> String {
        "a whole number of at least 0".to_owned()
    }

    fn from_value(value: &Value, reading: &mut Reading<'_>) -> Option<Self> {
        if let Data::Integer(number) = &value.data
            && let Ok(number) = Self::try_from(*number)
        {
            return Some(number);
        }
        reading.unexpected(value, &Self::expected());
        None
    }
}

impl Scalar for u32 {
    fn from_text(text: &str) -> Result<Self, String> {
        text.trim().parse().map_err(|_| "is not a whole number of at least 0".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_numbers_only_when_they_are_numbers() {
        assert_eq!(f64::from_text(" 90 "), Ok(90.0));
        assert_eq!(f64::from_text("0.5"), Ok(0.5));
        assert_eq!(f64::from_text("56.99999999999999"), Ok(57.0));
        assert_eq!(f64::from_text("0.30000000000000004"), Ok(0.3));
        assert_eq!(f64::from_text("1234567.890625"), Ok(1_234_567.890_625));
        assert_eq!(u32::from_text("3"), Ok(3));
        for text in ["", "high", "90%", "1,000", "inf", "NaN"] {
            assert_eq!(f64::from_text(text), Err("is not a number".to_owned()), "{text}");
        }
        for text in ["", "1.5", "-1", "3.0"] {
            assert!(u32::from_text(text).is_err(), "{text}");
        }
    }
}
