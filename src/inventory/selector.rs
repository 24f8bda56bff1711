//! Which targets a declaration selects.

use std::collections::{BTreeMap, BTreeSet};

use globset::{Glob, GlobMatcher};

use super::{Target, TargetKind};

/// What a tag must be for a target to be selected.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TagMatch {
    /// The tag is there, whatever its value (`"*"` in a manifest).
    Any,
    /// The tag has one of these values, to the letter.
    OneOf(BTreeSet<String>),
    /// The tag is not there (`{ absent = true }` in a manifest).
    Absent,
}

/// All conditions must hold; an empty selector selects every target of its kind.
///
/// What is gone ([`Target::is_gone`]) is never selected, whatever the selector says.
#[derive(Clone, Debug)]
pub struct Selector {
    /// The kind of target.
    pub kind: TargetKind,
    /// Conditions on tags, by tag key (case-sensitive, as on AWS).
    pub tags: BTreeMap<String, TagMatch>,
    /// Ids, any of which will do; empty for no condition.
    pub ids: BTreeSet<String>,
    /// Globs on the name, any of which will do; empty for no condition.
    pub names: Vec<NameGlob>,
    /// States, any of which will do; empty for no condition.
    pub states: BTreeSet<String>,
}

/// A glob on a name: `*`, `?`, `[…]` and `{a,b}`. A pattern also matches the name that equals it to the letter.
#[derive(Clone, Debug)]
pub struct NameGlob {
    pattern: String,
    matcher: GlobMatcher,
}

impl NameGlob {
    /// Compiles a glob.
    ///
    /// # Errors
    /// In words, where the pattern is not a glob.
    pub fn new(pattern: &str) -> Result<Self, String> {
        // More than that is nothing that a person wrote, and the compiler of globs has no limit of its own.
        if pattern.len() > 1024 || pattern.matches('{').count() > 20 {
            return Err("a pattern has at most 1,024 characters and 20 braces".to_owned());
        }
        let glob = Glob::new(pattern).map_err(|error| error.kind().to_string())?;
        Ok(Self { pattern: pattern.to_owned(), matcher: glob.compile_matcher() })
    }

    /// The pattern as written.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// Whether the name matches.
    pub fn matches(&self, name: &str) -> bool {
        self.pattern == name || self.matcher.is_match(name)
    }
}

impl Selector {
    /// A selector of every target of a kind.
    pub fn all(kind: TargetKind) -> Self {
        Self { kind, tags: BTreeMap::new(), ids: BTreeSet::new(), names: Vec::new(), states: BTreeSet::new() }
    }

    /// Whether this selector selects the target.
    pub fn matches(&self, target: &Target) -> bool {
        target.kind == self.kind
            && !target.is_gone()
            && (self.ids.is_empty() || self.ids.contains(&target.id))
            && (self.states.is_empty() || self.states.contains(&target.state))
            && (self.names.is_empty() || self.names.iter().any(|glob| glob.matches(&target.name)))
            && self.tags.iter().all(|(key, wanted)| wanted.matches(target.tags.get(key)))
    }
}

impl TagMatch {
    /// Whether a tag with this value, or none, is what is wanted.
    pub fn matches(&self, value: Option<&String>) -> bool {
        match (self, value) {
            (Self::Any, found) => found.is_some(),
            (Self::Absent, found) => found.is_none(),
            (Self::OneOf(values), Some(found)) => values.contains(found),
            (Self::OneOf(_), None) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Scope;

    fn web(state: &str) -> Target {
        Target {
            kind: TargetKind::Ec2,
            scope: Scope::new("111122223333", "us-east-1"),
            id: "i-0abc".to_owned(),
            name: "web-1".to_owned(),
            state: state.to_owned(),
            tags: BTreeMap::from([("Env".to_owned(), "prod".to_owned())]),
            attributes: BTreeMap::new(),
        }
    }

    #[test]
    fn an_instance_that_is_gone_is_never_selected() {
        let mut selector = Selector::all(TargetKind::Ec2);
        assert!(selector.matches(&web("running")));
        assert!(selector.matches(&web("stopped")));
        for state in ["shutting-down", "terminated"] {
            assert!(!selector.matches(&web(state)), "{state}");
            selector.states.insert(state.to_owned());
            assert!(!selector.matches(&web(state)), "{state} even when it is asked for");
        }
    }

    #[test]
    fn every_condition_must_hold() {
        let one_of = |values: [&str; 2]| TagMatch::OneOf(values.map(str::to_owned).into());
        assert!(one_of(["prod", "stage"]).matches(Some(&"prod".to_owned())));
        assert!(!one_of(["Prod", "stage"]).matches(Some(&"prod".to_owned())));
        assert!(!one_of(["prod", "stage"]).matches(None));
        let with_tag = |key: &str, wanted: TagMatch| {
            let mut selector = Selector::all(TargetKind::Ec2);
            selector.tags.insert(key.to_owned(), wanted);
            selector.matches(&web("running"))
        };
        assert!(with_tag("Env", TagMatch::Any));
        assert!(!with_tag("env", TagMatch::Any));
        assert!(with_tag("env", TagMatch::Absent));
        assert!(!with_tag("Env", TagMatch::Absent));
        let with = |change: fn(&mut Selector)| {
            let mut selector = Selector::all(TargetKind::Ec2);
            change(&mut selector);
            selector.matches(&web("running"))
        };
        assert!(with(|s| s.names.push(NameGlob::new("web-*").unwrap())));
        assert!(!with(|s| s.names.push(NameGlob::new("db-*").unwrap())));
        assert!(!with(|s| s.ids = BTreeSet::from(["i-0def".to_owned()])));
        assert!(!with(|s| s.states = BTreeSet::from(["stopped".to_owned()])));
        assert!(!with(|s| s.kind = TargetKind::Rds));
    }
}
