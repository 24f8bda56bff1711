//! One required tag, and what is wrong with a resource's.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use regex::Regex;

use crate::declarations::TextTemplate;
use crate::declarations::dates::DateFormats;
use crate::model::{Advice, Problem};

/// One `require.KEY`.
#[derive(Debug)]
pub(super) struct Requirement {
    /// The key as it is to be written.
    pub(super) key: String,
    /// Other spellings.
    pub(super) aliases: Vec<String>,
    /// Whether any case of the key will do.
    pub(super) case_insensitive: bool,
    pub(super) value: ValueRule,
    /// What the plan gives a resource without the tag.
    pub(super) default: Option<TextTemplate>,
}

/// What a value must be besides not empty.
#[derive(Debug)]
pub(super) enum ValueRule {
    /// Anything.
    Any,
    /// A regular expression.
    Pattern(Regex),
    /// One of these, to the letter.
    OneOf(Vec<String>),
    /// A date.
    Date {
        formats: DateFormats,
        /// How many days ahead it may be.
        max_ahead: Option<i32>,
        /// Whether an instance is stopped once the date has passed.
        stop: bool,
    },
}

/// The day that dates are compared with.
#[derive(Clone, Debug)]
pub(super) struct Today {
    pub(super) date: Date,
    pub(super) timezone: TimeZone,
}

/// What is wrong with one tag of one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) problem: Problem,
    /// The key as the resource has it, where that is another one.
    pub(super) key: Option<String>,
    pub(super) value: Option<String>,
    /// The day that the value names.
    pub(super) date: Option<Date>,
}

impl Fault {
    /// Which list it is in.
    pub(super) fn advice(&self) -> Advice {
        match self.problem {
            Problem::Expired => Advice::Delete,
            Problem::TooFarAhead => Advice::Change,
            _ => Advice::Fix,
        }
    }
}

/// The tag of a resource that a requirement is about.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// There is none.
    Nothing,
    /// It is there as it is to be written, or in a case that will do.
    Right(&'a str),
    /// It is there in another spelling.
    Misspelt { key: &'a str, value: &'a str },
    /// Several spellings are there, and not the right one.
    Several(Vec<&'a str>),
}

impl Requirement {
    /// The tag that counts. One that is written right counts before all others, so that a resource never has two.
    pub(super) fn find<'a>(&self, tags: &'a BTreeMap<String, String>) -> Found<'a> {
        if let Some(value) = tags.get(&self.key) {
            return Found::Right(value);
        }
        let spellings: Vec<(&String, &String)> =
            tags.iter().filter(|(key, _)| self.is_spelling(key)).collect();
        match spellings[..] {
            [] => Found::Nothing,
            [(key, value)] if self.case_insensitive && same_but_case(key, &self.key) => Found::Right(value),
            [(key, value)] => Found::Misspelt { key, value },
            _ => Found::Several(spellings.into_iter().map(|(key, _)| key.as_str()).collect()),
        }
    }

    /// Whether a key is meant to be this one: but for blanks around it and case, the whole of it. `instance-name` is not
    /// `Name`.
    fn is_spelling(&self, key: &str) -> bool {
        let key = key.trim();
        same_but_case(key, &self.key) || self.aliases.iter().any(|alias| same_but_case(key, alias.trim()))
    }

    /// What is wrong with a resource's tag: its spelling, and the first thing that is wrong with its value.
    pub(super) fn faults(&self, tags: &BTreeMap<String, String>, today: &Today) -> Vec<Fault> {
        let fault = |problem, key: Option<&str>, value: Option<&str>, date| Fault {
            problem,
            key: key.map(str::to_owned),
            value: value.map(str::to_owned),
            date,
        };
        let (key, value) = match self.find(tags) {
            Found::Nothing => return vec![fault(Problem::Missing, None, None, None)],
            Found::Several(keys) => {
                return vec![fault(Problem::Ambiguous, Some(&keys.join(", ")), None, None)];
            }
            Found::Right(value) => (None, value),
            Found::Misspelt { key, value } => (Some(key), value),
        };
        let spelling = key.map(|key| fault(Problem::Misspelt, Some(key), Some(value), None));
        let of_value = self.value.problem(value, today);
        let of_value = of_value.map(|(problem, date)| fault(problem, key, Some(value), date));
        // One row a resource and list: what is to be fixed about the value tells the spelling, too.
        let told = of_value.as_ref().is_some_and(|fault| fault.advice() == Advice::Fix);
        spelling.filter(|_| !told).into_iter().chain(of_value).collect()
    }

    /// What is asked for, in words.
    pub(super) fn expected(&self, today: &Today) -> String {
        match &self.value {
            ValueRule::Any => "a value".to_owned(),
            ValueRule::Pattern(pattern) => format!("a value that matches {pattern}"),
            ValueRule::OneOf(values) => format!("one of {}", values.join(", ")),
            ValueRule::Date { formats, max_ahead, .. } => {
                let example = format!("a date such as {}", formats.example(today.date));
                match max_ahead {
                    None => example,
                    Some(1) => format!("{example}, at most 1 day ahead"),
                    Some(days) => format!("{example}, at most {days} days ahead"),
                }
            }
        }
    }
}

impl ValueRule {
    /// The first thing that is wrong with a value, and the day that it names.
    pub(super) fn problem(&self, value: &str, today: &Today) -> Option<(Problem, Option<Date>)> {
        if value.trim().is_empty() {
            return Some((Problem::Empty, None));
        }
        match self {
            Self::Any => None,
            Self::Pattern(pattern) => (!pattern.is_match(value)).then_some((Problem::Pattern, None)),
            Self::OneOf(values) => {
                (!values.iter().any(|allowed| allowed == value)).then_some((Problem::NotAllowed, None))
            }
            Self::Date { formats, max_ahead, .. } => {
                let Some(date) = formats.read(value, &today.timezone) else {
                    return Some((Problem::NotADate, None));
                };
                if date < today.date {
                    return Some((Problem::Expired, Some(date)));
                }
                let ahead = (date - today.date).get_days();
                max_ahead.is_some_and(|most| ahead > most).then_some((Problem::TooFarAhead, Some(date)))
            }
        }
    }
}

fn same_but_case(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || a.to_lowercase() == b.to_lowercase()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn requirement(value: ValueRule) -> Requirement {
        Requirement {
            key: "expiry-date".to_owned(),
            aliases: vec!["expires".to_owned()],
            case_insensitive: false,
            value,
            default: None,
        }
    }

    fn dates(max_ahead: Option<i32>) -> Requirement {
        requirement(ValueRule::Date { formats: DateFormats::default(), max_ahead, stop: false })
    }

    fn faults(requirement: &Requirement, tags: &[(&str, &str)]) -> Vec<(Problem, Option<String>)> {
        let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let today = Today { date: date(2026, 11, 20), timezone: TimeZone::UTC };
        requirement.faults(&tags, &today).into_iter().map(|fault| (fault.problem, fault.key)).collect()
    }

    #[test]
    fn dates_are_compared_as_days() {
        let of = |value: &str| {
            let found = faults(&dates(Some(3)), &[("expiry-date", value)]);
            found.first().map(|(problem, _)| *problem)
        };
        assert_eq!(of("2026-11-19"), Some(Problem::Expired));
        assert_eq!(of("2026-11-20"), None, "today has not passed");
        assert_eq!(of("2026-11-23"), None, "exactly as far as is allowed");
        assert_eq!(of("2026-11-24"), Some(Problem::TooFarAhead));
        assert_eq!(of("2027-01-01"), Some(Problem::TooFarAhead));
        assert_eq!(of("never"), Some(Problem::NotADate));
        assert_eq!(of("  "), Some(Problem::Empty));
        assert_eq!(faults(&dates(None), &[("expiry-date", "2999-01-01")]), []);
    }

    #[test]
    fn a_key_is_met_whole_and_one_that_is_written_right_counts() {
        let any = dates(Some(3));
        let good = "2026-11-21";
        assert_eq!(faults(&any, &[]), [(Problem::Missing, None)]);
        assert_eq!(faults(&any, &[("my-expiry-date", good), ("expiry", good)]), [(Problem::Missing, None)]);
        for key in ["Expiry-Date", "expiry-date ", " EXPIRY-DATE", "Expires"] {
            assert_eq!(faults(&any, &[(key, good)]), [(Problem::Misspelt, Some(key.to_owned()))], "{key}");
            assert_eq!(faults(&any, &[(key, "2026-01-01"), ("expiry-date", good)]), [], "{key}");
        }
        assert_eq!(
            faults(&any, &[("Expiry-Date", good), ("expires", good)]),
            [(Problem::Ambiguous, Some("Expiry-Date, expires".to_owned()))]
        );
        let lax = Requirement { case_insensitive: true, ..dates(Some(3)) };
        assert_eq!(faults(&lax, &[("Expiry-Date", good)]), []);
        assert_eq!(faults(&lax, &[("Expiry-Date ", good)]).len(), 1, "a blank is still one too many");
    }

    #[test]
    fn a_misspelt_key_is_in_one_list_once() {
        // Expired: in the list of what to delete, and its spelling in that of tags to fix.
        let both = faults(&dates(None), &[("Expiry-Date", "2026-01-01")]);
        assert_eq!(
            both.iter().map(|(problem, _)| *problem).collect::<Vec<_>>(),
            [Problem::Misspelt, Problem::Expired]
        );
        let one = faults(&dates(None), &[("Expiry-Date", "soon")]);
        assert_eq!(one, [(Problem::NotADate, Some("Expiry-Date".to_owned()))]);
    }

    #[test]
    fn values_are_held_to_pattern_and_list() {
        let one_of = requirement(ValueRule::OneOf(vec!["prod".to_owned(), "dev".to_owned()]));
        assert_eq!(faults(&one_of, &[("expiry-date", "prod")]), []);
        assert_eq!(faults(&one_of, &[("expiry-date", "Prod")]), [(Problem::NotAllowed, None)]);
        let pattern = requirement(ValueRule::Pattern(Regex::new("^[a-z.]+@acme\\.com$").unwrap()));
        assert_eq!(faults(&pattern, &[("expiry-date", "kim@acme.com")]), []);
        assert_eq!(faults(&pattern, &[("expiry-date", "kim")]), [(Problem::Pattern, None)]);
    }
}
