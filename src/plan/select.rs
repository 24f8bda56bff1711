//! `--target` and `--exclude`: which changes of a plan are kept.

use globset::{Glob, GlobMatcher};

use crate::model::{Address, TargetRef};

/// One pattern of `--target`, `--exclude` or a `state` command.
///
/// It is compared with the label (`alarm.cpu`), the kind (`metric_alarm`), the target's id and name, and the
/// resource's own key; it matches to the letter or as a glob (`alarm.*`, `i-0ab*`, `web-?: CPU*`).
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
        let glob = Glob::new(text).map_err(|error| format!("`{text}` is not a glob: {}", error.kind()))?;
        Ok(Self { text: text.to_owned(), glob: glob.compile_matcher() })
    }

    /// The pattern as the user wrote it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the resource matches.
    pub fn matches(&self, address: &Address, label: &str, target: Option<&TargetRef>) -> bool {
        let target_words = target.map_or([None, None], |t| [Some(&*t.id), Some(&*t.name)]);
        [Some(label), Some(&*address.kind), Some(&*address.key)]
            .into_iter()
            .chain(target_words)
            .flatten()
            .any(|word| self.text == word || self.glob.is_match(word))
    }
}

/// The patterns of a command: a resource is kept when it matches any target (or there is none) and no exclude.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// `--target`.
    pub targets: Vec<Pattern>,
    /// `--exclude`.
    pub excludes: Vec<Pattern>,
}

impl Selection {
    /// Whether the resource is kept.
    pub fn keeps(&self, address: &Address, label: &str, target: Option<&TargetRef>) -> bool {
        let matches = |pattern: &Pattern| pattern.matches(address, label, target);
        (self.targets.is_empty() || self.targets.iter().any(matches)) && !self.excludes.iter().any(matches)
    }

    /// Whether every resource is kept.
    pub fn is_everything(&self) -> bool {
        self.targets.is_empty() && self.excludes.is_empty()
    }
}
