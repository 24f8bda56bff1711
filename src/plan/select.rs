//! `--target` and `--exclude`: which changes of a plan are kept.

use globset::{Glob, GlobMatcher};

use crate::model::{Address, TargetRef};

use super::Change;

/// A glob of more than that is no pattern that a person wrote, and costs more than it should.
const LONGEST: usize = 1024;
const MOST_BRACES: usize = 20;

/// One pattern of `--target`, `--exclude` or a `state` command.
///
/// It is compared with the label (`alarm.cpu`) and its two parts, the kind (`metric_alarm`), the target's id, name and
/// kind (`ec2`), and the resource's own key; it matches to the letter or as a glob (`alarm.*`, `i-0ab*`, `web-?: CPU*`).
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    glob: GlobMatcher,
}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// In words, where it is not a glob.
    pub fn new(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST || text.matches('{').count() > MOST_BRACES {
            return Err(format!("a pattern has at most {LONGEST} characters and {MOST_BRACES} braces"));
        }
        let glob = Glob::new(text).map_err(|error| format!("`{text}` is not a glob: {}", error.kind()))?;
        Ok(Self { text: text.to_owned(), glob: glob.compile_matcher() })
    }

    /// The pattern as the user wrote it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the resource matches.
    pub fn matches(&self, address: &Address, label: &str, target: Option<&TargetRef>) -> bool {
        let (block, name) = label.split_once('.').unwrap_or((label, label));
        let of_target = target.map_or([""; 3], |target| [&*target.id, &*target.name, &*target.kind]);
        [label, block, name, &*address.kind, &*address.key]
            .into_iter()
            .chain(of_target)
            .any(|word| self.text == word || self.glob.is_match(word))
    }

    /// Whether the resource of a change matches: of a replace, the new or the old one.
    pub fn matches_change(&self, change: &Change) -> bool {
        let old = change.replaces.as_ref().map(|previous| &previous.address);
        let matches = |address: &Address| self.matches(address, &change.origin.label, change.target.as_ref());
        matches(&change.address) || old.is_some_and(matches)
    }
}

/// The patterns of a command: a resource is kept when it matches any target (or there is none) and no exclude.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// `--target`.
    pub targets: Vec<Pattern>,
    /// `--exclude`.
    pub excludes: Vec<Pattern>,
    /// Whether what jobs are deployed with is left out.
    pub without_jobs: bool,
}

impl Selection {
    /// Whether the resource is kept.
    pub fn keeps(&self, address: &Address, label: &str, target: Option<&TargetRef>) -> bool {
        self.keeps_label(label) && self.keeps_what(|pattern| pattern.matches(address, label, target))
    }

    /// Whether the change is kept.
    pub fn keeps_change(&self, change: &Change) -> bool {
        self.keeps_label(&change.origin.label) && self.keeps_what(|pattern| pattern.matches_change(change))
    }

    fn keeps_label(&self, label: &str) -> bool {
        !(self.without_jobs && label.starts_with("job."))
    }

    fn keeps_what(&self, matches: impl Fn(&Pattern) -> bool) -> bool {
        (self.targets.is_empty() || self.targets.iter().any(&matches)) && !self.excludes.iter().any(&matches)
    }

    /// All patterns, each with the flag that gave it.
    pub fn patterns(&self) -> impl Iterator<Item = (&'static str, &Pattern)> {
        let targets = self.targets.iter().map(|pattern| ("--target", pattern));
        targets.chain(self.excludes.iter().map(|pattern| ("--exclude", pattern)))
    }
}
