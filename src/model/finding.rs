//! What an audit finds.

use jiff::civil::Date;
use serde::Serialize;

use super::{Scope, TargetRef};

/// Something about one resource that a rule does not allow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// What is to be done about it; lists are made by this.
    pub advice: Advice,
    /// Account and region.
    pub scope: Scope,
    /// The resource.
    pub target: TargetRef,
    /// Who is responsible: the value of the owner tag, where there is one.
    pub owner: Option<String>,
    /// The declaration, such as `tags.ownership`.
    pub rule: String,
    /// The tag's key as the rule writes it.
    pub key: String,
    /// What is wrong.
    pub problem: Problem,
    /// The key as the resource has it, where that is not the rule's.
    pub found_key: Option<String>,
    /// The value, where the tag is there.
    pub found: Option<String>,
    /// What the rule asks for, in words for a person: `one of prod, dev`.
    pub expected: String,
    /// The day since which it is so, where that is known: the day after a date that passed, else that of the resource's
    /// creation.
    pub since: Option<Date>,
}

/// What is to be done about a finding, and which of an audit's lists it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Advice {
    /// The resource was to live until a day that has passed.
    Delete,
    /// A date is further ahead than is allowed.
    Change,
    /// A tag is missing, misspelt or has no good value.
    Fix,
}

impl Advice {
    /// All of them in the order of an audit's lists.
    pub const ALL: [Self; 3] = [Self::Delete, Self::Change, Self::Fix];
}

/// What is wrong with a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Problem {
    /// There is no such tag.
    Missing,
    /// The key is written in another way than the rule writes it.
    Misspelt,
    /// Several tags of the resource are spellings of this key.
    Ambiguous,
    /// The value is empty, or blanks.
    Empty,
    /// The value does not match the pattern.
    Pattern,
    /// The value is none of those allowed.
    NotAllowed,
    /// The value is no date in a form that the rule knows.
    NotADate,
    /// The date has passed.
    Expired,
    /// The date is further ahead than is allowed.
    TooFarAhead,
}

impl Problem {
    /// In words that stand after the tag: `tag owner is missing`.
    pub fn words(self) -> &'static str {
        match self {
            Self::Missing => "is missing",
            Self::Misspelt => "is misspelt",
            Self::Ambiguous => "is there in several spellings",
            Self::Empty => "is empty",
            Self::Pattern => "does not match the pattern",
            Self::NotAllowed => "has a value that is not allowed",
            Self::NotADate => "is not a date",
            Self::Expired => "has expired",
            Self::TooFarAhead => "is too far ahead",
        }
    }

    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Misspelt => "misspelt",
            Self::Ambiguous => "ambiguous",
            Self::Empty => "empty",
            Self::Pattern => "pattern",
            Self::NotAllowed => "not_allowed",
            Self::NotADate => "not_a_date",
            Self::Expired => "expired",
            Self::TooFarAhead => "too_far_ahead",
        }
    }
}

/// What could not be read, so that nothing is known of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Gap {
    /// Account and region.
    pub scope: Scope,
    /// The kind of target in the plural: `volumes`.
    pub kind: String,
    /// Why, in words.
    pub reason: String,
}

/// A whole audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Audit {
    /// The project's name.
    pub project: String,
    /// The day that dates were compared with.
    pub today: Date,
    /// The time zone of that day.
    pub timezone: String,
    /// Every account and region that was asked for, also those with gaps.
    pub scopes: Vec<Scope>,
    /// Accounts and regions of the manifest that were not asked for.
    pub left_out: Vec<Scope>,
    /// How many resources were looked at, by kind in the plural.
    pub checked: std::collections::BTreeMap<String, usize>,
    /// Sorted by advice, scope, target and key.
    pub findings: Vec<Finding>,
    /// What nothing is known of.
    pub gaps: Vec<Gap>,
}

impl Audit {
    /// The findings of one list.
    pub fn of(&self, advice: Advice) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.advice == advice)
    }
}
