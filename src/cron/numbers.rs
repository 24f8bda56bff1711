//! A field of numbers: lists, ranges, steps and names, as the set of numbers that they mean.

use std::ops::RangeInclusive;

use super::Fault;
use super::fault::Piece;

/// What a field is called and takes.
#[derive(Debug)]
pub(super) struct Kind {
    /// The name that people read.
    pub(super) name: &'static str,
    /// The smallest number.
    pub(super) min: u16,
    /// The largest number.
    pub(super) max: u16,
    /// Names of the numbers, from the smallest on; may be empty.
    pub(super) names: &'static [&'static str],
    /// Whether `/` is allowed. AWS's tables allow it everywhere but in the day of the week.
    pub(super) steps: bool,
    /// Whether a range may go over the end. The guide to rules has an example for hours, `20-2`; Quartz, whose dialect this is,
    /// has it for all fields but the year.
    pub(super) wraps: bool,
    /// What AWS's table says of the field.
    pub(super) allowed: &'static str,
}

pub(super) const MINUTE: Kind = Kind {
    name: "minutes",
    min: 0,
    max: 59,
    names: &[],
    steps: true,
    wraps: true,
    allowed: "minutes are 0-59 with , - * /",
};
pub(super) const HOUR: Kind = Kind {
    name: "hours",
    min: 0,
    max: 23,
    names: &[],
    steps: true,
    wraps: true,
    allowed: "hours are 0-23 with , - * /",
};
pub(super) const DAY_OF_MONTH: Kind = Kind {
    name: "day-of-month",
    min: 1,
    max: 31,
    names: &[],
    steps: true,
    wraps: true,
    allowed: "days of the month are 1-31 with , - * ? / L W",
};
pub(super) const MONTH: Kind = Kind {
    name: "month",
    min: 1,
    max: 12,
    names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
    steps: true,
    wraps: true,
    allowed: "months are 1-12 or JAN-DEC with , - * /",
};
pub(super) const DAY_OF_WEEK: Kind = Kind {
    name: "day-of-week",
    min: 1,
    max: 7,
    names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
    steps: false,
    wraps: true,
    allowed: "days of the week are 1-7 (1 is Sunday) or SUN-SAT with , - * ? L #",
};
pub(super) const YEAR: Kind = Kind {
    name: "year",
    min: 1970,
    max: 2199,
    names: &[],
    steps: true,
    wraps: false,
    allowed: "years are 1970-2199 with , - * /",
};

/// A set of numbers below 256 more than its `Kind`'s smallest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Numbers([u64; 4]);

impl Kind {
    /// All numbers.
    pub(super) fn range(&self) -> RangeInclusive<u16> {
        self.min..=self.max
    }

    /// Puts a number of the field into the set.
    pub(super) fn insert(&self, numbers: &mut Numbers, number: u16) {
        let bit = number - self.min;
        numbers.0[usize::from(bit / 64)] |= 1 << (bit % 64);
    }

    /// Whether the set has the number.
    pub(super) fn has(&self, numbers: Numbers, number: u16) -> bool {
        self.range().contains(&number) && {
            let bit = number - self.min;
            numbers.0[usize::from(bit / 64)] & 1 << (bit % 64) != 0
        }
    }

    /// The numbers of the set that are not below `from`, in order.
    pub(super) fn from(&self, numbers: Numbers, from: u16) -> impl Iterator<Item = u16> {
        (from.max(self.min)..=self.max).filter(move |number| self.has(numbers, *number))
    }

    /// The numbers of the set, in order.
    pub(super) fn all(&self, numbers: Numbers) -> Vec<u16> {
        self.from(numbers, self.min).collect()
    }

    /// Whether the set has every number.
    pub(super) fn is_full(&self, numbers: Numbers) -> bool {
        self.range().all(|number| self.has(numbers, number))
    }

    /// Reads a field of numbers.
    pub(super) fn parse(&self, field: Piece<'_>) -> Result<Numbers, Fault> {
        let mut numbers = Numbers::default();
        for entry in field.split(|character| character == ',') {
            if entry.text.is_empty() {
                let message = format!("the {} field has a comma too many", self.name);
                return Err(field.fault(message, "commas stand between values, white space between fields"));
            }
            self.entry(entry, &mut numbers)?;
        }
        Ok(numbers)
    }

    fn entry(&self, entry: Piece<'_>, numbers: &mut Numbers) -> Result<(), Fault> {
        let (values, step) = match entry.split_once('/') {
            Some((values, step)) => (values, Some(self.step(entry, step)?)),
            None => (entry, None),
        };
        let (first, last) = if values.text == "*" {
            (self.min, self.max)
        } else if let Some((first, last)) = values.split_once('-') {
            self.ends(values, first, last)?
        } else {
            let first = self.number(values)?;
            (first, if step.is_some() { self.max } else { first })
        };
        let count = self.max - self.min + 1;
        let length = if first <= last { last - first } else { last + count - first };
        for offset in (0..=length).step_by(usize::from(step.unwrap_or(1))) {
            self.insert(numbers, self.min + (first - self.min + offset) % count);
        }
        Ok(())
    }

    fn ends(&self, values: Piece<'_>, first: Piece<'_>, last: Piece<'_>) -> Result<(u16, u16), Fault> {
        let (first, last) = (self.number(first)?, self.number(last)?);
        if first > last && !self.wraps {
            let message = format!("the range `{}` ends before it begins", values.text);
            return Err(values.fault(message, format!("write {last}-{first}")));
        }
        Ok((first, last))
    }

    /// The step after `/`. AWS refuses `*/60` in the minutes.
    fn step(&self, entry: Piece<'_>, step: Piece<'_>) -> Result<u16, Fault> {
        if !self.steps {
            let message = format!("the {} field takes no `/`", self.name);
            return Err(entry.fault(message, format!("list the days; {}", self.allowed)));
        }
        let largest = if self.min == 0 { self.max } else { self.max - self.min + 1 };
        match digits(step.text) {
            Some(number) if (1..=largest).contains(&number) => Ok(number),
            _ => {
                let message = format!("`{}` is no step of the {} field", step.text, self.name);
                Err(step.fault(message, format!("a step is a number from 1 to {largest}")))
            }
        }
    }

    /// A number or a name.
    pub(super) fn number(&self, value: Piece<'_>) -> Result<u16, Fault> {
        let named = (self.min..).zip(self.names).find(|(_, name)| value.is(name)).map(|(number, _)| number);
        let number = named.or_else(|| digits(value.text)).filter(|number| self.range().contains(number));
        number.ok_or_else(|| {
            let message = match value.text {
                "" => format!("a number is missing in the {} field", self.name),
                found => format!("`{found}` is no value of the {} field", self.name),
            };
            value.fault(message, self.allowed)
        })
    }
}

/// A number without a sign.
pub(super) fn digits(text: &str) -> Option<u16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
