//! `rate(value unit)`.

use jiff::SignedDuration;

use super::Fault;
use super::fault::Piece;

/// How often, from when the schedule starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many units; at least 1.
    pub value: u32,
    /// The unit.
    pub unit: Unit,
}

/// The unit of a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// 60 seconds.
    Minute,
    /// 60 minutes.
    Hour,
    /// 24 hours, also on the days on which daylight saving begins and ends (schedule-types.html).
    Day,
}

impl Unit {
    const ALL: [Self; 3] = [Self::Minute, Self::Hour, Self::Day];

    /// The unit's name after 1.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    fn minutes(self) -> i64 {
        match self {
            Self::Minute => 1,
            Self::Hour => 60,
            Self::Day => 24 * 60,
        }
    }
}

impl Rate {
    /// The time from one run to the next.
    pub fn period(self) -> SignedDuration {
        SignedDuration::from_mins(i64::from(self.value) * self.unit.minutes())
    }
}

const FORM: &str = "write a number and minutes, hours or days, such as rate(5 minutes) or rate(1 hour)";

/// Reads what stands between the brackets.
pub(super) fn parse(inner: Piece<'_>) -> Result<Rate, Fault> {
    let [value, unit] = inner.words()[..] else {
        return Err(inner.fault("a rate has two fields, a value and a unit", FORM));
    };
    let number = value.text.bytes().all(|byte| byte.is_ascii_digit()).then(|| value.text.parse::<u32>().ok());
    let number = match number.flatten() {
        Some(0) => return Err(value.fault("a rate is a positive number", FORM)),
        Some(number) => number,
        None => return Err(value.fault(format!("`{}` is no positive number", value.text), FORM)),
    };
    let known = |word: &str| {
        Unit::ALL.into_iter().find(|unit| word == unit.word() || word.strip_suffix('s') == Some(unit.word()))
    };
    let Some(found) = known(unit.text) else {
        return Err(unit.fault(format!("`{}` is no unit of a rate", unit.text), FORM));
    };
    let plural = unit.text.ends_with('s');
    let word = found.word();
    match (number, plural) {
        (1, true) => Err(unit.fault("the unit is singular after 1", format!("write rate(1 {word})"))),
        (2.., false) => {
            Err(unit.fault("the unit is plural after more than 1", format!("write rate({number} {word}s)")))
        }
        _ => Ok(Rate { value: number, unit: found }),
    }
}
