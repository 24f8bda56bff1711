//! Fields that hold one of a few words, written or from a template.

use crate::manifest::{FromValue, Reading, Scalar, Value};
use crate::resources::metric_alarm::{Comparison, STANDARD_UNITS, TreatMissingData};

/// The unit of a metric's data; `None` for data of any unit, which is not the unit `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unit(pub(super) Option<&'static str>);

/// What happens to a percentile of too few samples; `None` where nothing was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FewSamples(pub(super) Option<&'static str>);

impl FewSamples {
    /// The words.
    pub(super) const CHOICES: [(&'static str, Self); 2] =
        [("evaluate", Self(Some("evaluate"))), ("ignore", Self(Some("ignore")))];
}

/// All units by their names.
pub(super) fn units() -> [(&'static str, Unit); 27] {
    STANDARD_UNITS.map(|unit| (unit, Unit(Some(unit))))
}

impl Scalar for Comparison {
    fn from_text(text: &str) -> Result<Self, String> {
        Self::parse(text.trim()).ok_or_else(|| format!("is not {}", <Self as FromValue>::expected()))
    }
}

impl FromValue for Comparison {
    fn expected() -> String {
        "one of \">\", \">=\", \"<\" and \"<=\"".to_owned()
    }

    fn from_value(value: &Value, reading: &mut Reading<'_>) -> Option<Self> {
        literal(value, reading)
    }
}

impl Scalar for TreatMissingData {
    fn from_text(text: &str) -> Result<Self, String> {
        Self::parse(text.trim()).ok_or_else(|| format!("is not {}", <Self as FromValue>::expected()))
    }
}

impl FromValue for TreatMissingData {
    fn expected() -> String {
        one_of(&Self::ALL.map(|(_, name)| name))
    }

    fn from_value(value: &Value, reading: &mut Reading<'_>) -> Option<Self> {
        literal(value, reading)
    }
}

impl Scalar for Unit {
    /// An empty text, as an empty cell with `default('')` gives it, is no unit.
    fn from_text(text: &str) -> Result<Self, String> {
        choice(text, &units(), Self(None)).ok_or_else(|| "is not a unit that CloudWatch knows".to_owned())
    }
}

impl FromValue for Unit {
    fn expected() -> String {
        one_of(&STANDARD_UNITS)
    }

    fn from_value(value: &Value, reading: &mut Reading<'_>) -> Option<Self> {
        literal(value, reading)
    }
}

impl Scalar for FewSamples {
    fn from_text(text: &str) -> Result<Self, String> {
        choice(text, &Self::CHOICES, Self(None)).ok_or_else(|| format!("is not {}", Self::expected()))
    }
}

impl FromValue for FewSamples {
    fn expected() -> String {
        one_of(&Self::CHOICES.map(|(word, _)| word))
    }

    fn from_value(value: &Value, reading: &mut Reading<'_>) -> Option<Self> {
        literal(value, reading)
    }
}

fn choice<T: Copy>(text: &str, choices: &[(&str, T)], empty: T) -> Option<T> {
    let text = text.trim();
    if text.is_empty() {
        return Some(empty);
    }
    choices.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning)
}

fn one_of(words: &[&str]) -> String {
    format!("one of \"{}\"", words.join("\", \""))
}

/// A word that is written, and not rendered, says something.
fn literal<T: Scalar>(value: &Value, reading: &mut Reading<'_>) -> Option<T> {
    let meaning =
        value.as_str().filter(|text| !text.trim().is_empty()).and_then(|text| T::from_text(text).ok());
    if meaning.is_none() {
        reading.unexpected(value, &T::expected());
    }
    meaning
}
