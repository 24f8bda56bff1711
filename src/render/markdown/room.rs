//! The room in a comment: what is written is written whole, or counted as left out.

use std::collections::BTreeMap;

use crate::render::markup::code;
use crate::render::words::{count_of, thousands};

/// A comment that is being written, and how much of it is free.
pub(crate) struct Room {
    out: String,
    left: usize,
}

impl Room {
    /// An empty comment of so many characters.
    pub(crate) fn new(characters: usize) -> Self {
        Self { out: String::new(), left: characters }
    }

    /// Writes what is short and cannot be left out.
    pub(crate) fn always(&mut self, text: &str) {
        self.left = self.left.saturating_sub(size(text));
        self.out.push_str(text);
    }

    /// Writes a text if there is room for all of it.
    pub(crate) fn push(&mut self, text: &str) -> bool {
        self.push_keeping(text, 0)
    }

    /// Writes a text if so much room is left after it.
    pub(crate) fn push_keeping(&mut self, text: &str, keep: usize) -> bool {
        let fits = size(text).saturating_add(keep) <= self.left;
        if fits {
            self.always(text);
        }
        fits
    }

    /// How many characters are left.
    pub(crate) fn left(&self) -> usize {
        self.left
    }

    /// The comment.
    pub(crate) fn finish(self) -> String {
        self.out
    }
}

/// Characters as the strictest reader counts them: in UTF-16, where an emoji is two.
pub(crate) fn size(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// The first characters of a text, before it becomes markup that must not be cut.
pub(crate) fn clipped(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// `` `alarm.cpu` 9,000 · `alarm.status` 12 `` with the largest first, and how many there was no room for.
pub(super) fn labels_words(counts: &[(&str, usize)], markup: impl Fn(&str) -> String, most: usize) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut room = most;
    for (label, count) in counts {
        let part = format!("{} {}", markup(&code(label)), thousands(*count));
        let needed = size(&part) + 3;
        if needed > room {
            break;
        }
        room -= needed;
        parts.push(part);
    }
    let rest = &counts[parts.len()..];
    if !rest.is_empty() {
        let changes: usize = rest.iter().map(|(_, count)| count).sum();
        let labels = count_of(rest.len(), "more declaration", "more declarations");
        parts.push(format!("{labels} {}", thousands(changes)));
    }
    parts.join(" · ")
}

/// Counts by label, the largest first.
#[derive(Default)]
pub(super) struct Labels<'a>(BTreeMap<&'a str, usize>);

impl<'a> Labels<'a> {
    /// So many more of a label.
    pub(super) fn add(&mut self, label: &'a str, count: usize) {
        *self.0.entry(label).or_default() += count;
    }

    /// All together.
    pub(super) fn total(&self) -> usize {
        self.0.values().sum()
    }

    /// In words.
    pub(super) fn words(&self, most: usize) -> String {
        let mut counts: Vec<(&str, usize)> = self.0.iter().map(|(label, count)| (*label, *count)).collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        labels_words(&counts, str::to_owned, most)
    }
}
