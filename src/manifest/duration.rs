//! Durations: `"30s"`, `"5m"`, `"1h30m"`, `"1d"`, or a whole number of seconds.

use super::reader::{FromValue, Reading};
use super::scalar::Scalar;
use super::value::{Data, Value};

/// The units with their seconds, from large to small as they must be written.
const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// A duration in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seconds(pub u32);

/// The seconds of a text such as `1h30m`; plain digits are seconds.
pub fn parse_seconds(text: &str) -> Option<Seconds> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().map(Seconds);
    }
    let mut total: u64 = 0;
    let mut rest = text;
    let mut units = UNITS.iter();
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits);
        let number: u64 = number.parse().ok()?;
        let unit = after.chars().next()?;
        // Each unit at most once and in falling order, so the search never goes back.
        let (_, seconds) = units.find(|(name, _)| *name == unit)?;
        total = total.checked_add(number.checked_mul(*seconds)?)?;
        rest = &after[unit.len_utf8()..];
    }
    (!text.is_empty()).then(|| u32::try_from(total).ok().map(Seconds)).flatten()
}

impl FromValue for Seconds {
    fn expected() -> String {
        "a duration such as \"5m\" or 300".to_owned()
    }

    fn from_value(value: &Value, reading: &mut Reading<'_>) -> Option<Self> {
        let seconds = match &value.data {
            Data::Integer(number) => u32::try_from(*number).ok().map(Seconds),
            Data::String(text) => parse_seconds(text),
            _ => None,
        };
        if seconds.is_none() {
            reading.unexpected(value, &Self::expected());
        }
        seconds
    }
}

impl Scalar for Seconds {
    fn from_text(text: &str) -> Result<Self, String> {
        parse_seconds(text).ok_or_else(|| "is not a duration such as `5m` or `300`".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_units_and_plain_seconds() {
        for (text, seconds) in [
            ("30s", 30),
            ("5m", 300),
            ("1h", 3_600),
            ("1h30m", 5_400),
            ("1d", 86_400),
            ("1d2h3m4s", 93_784),
            ("300", 300),
            (" 60 ", 60),
            ("0s", 0),
        ] {
            assert_eq!(parse_seconds(text), Some(Seconds(seconds)), "{text}");
        }
    }

    #[test]
    fn refuses_everything_else() {
        for text in
            ["", "m", "5", "5M", "5 m", "-5m", "1m1h", "5m5m", "1.5h", "5x", "99999999999d", "5m3", "5분"]
        {
            let expected = (text == "5").then_some(Seconds(5));
            assert_eq!(parse_seconds(text), expected, "{text}");
        }
    }
}
