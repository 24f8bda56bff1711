//! What is wrong with an expression, and where.

use std::fmt;
use std::ops::Range;

/// Why a text is no schedule expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The bytes of the text that a caret goes under. Empty, at the end, where something is missing.
    pub range: Range<usize>,
    /// One line: what is wrong.
    pub message: String,
    /// What to write.
    pub hint: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.hint)
    }
}

impl std::error::Error for Fault {}

/// A part of the text that knows where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'a> {
    /// The text.
    pub(super) text: &'a str,
    /// Its first byte in the whole expression.
    pub(super) start: usize,
}

impl Piece<'_> {
    /// The bytes of this piece in the whole expression.
    pub(super) fn range(self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }

    /// The piece from one of its bytes to another.
    pub(super) fn slice(self, range: Range<usize>) -> Self {
        Self { text: &self.text[range.clone()], start: self.start + range.start }
    }

    /// The piece before and the piece after the first `mark`.
    pub(super) fn split_once(self, mark: char) -> Option<(Self, Self)> {
        let at = self.text.find(mark)?;
        Some((self.slice(0..at), self.slice(at + mark.len_utf8()..self.text.len())))
    }

    /// The pieces between marks.
    pub(super) fn split(self, mark: impl Fn(char) -> bool) -> Vec<Self> {
        let mut start = 0;
        let mut pieces = Vec::new();
        for (at, character) in self.text.char_indices().filter(|(_, character)| mark(*character)) {
            pieces.push(self.slice(start..at));
            start = at + character.len_utf8();
        }
        pieces.push(self.slice(start..self.text.len()));
        pieces
    }

    /// The words between white space.
    pub(super) fn words(self) -> Vec<Self> {
        self.split(char::is_whitespace).into_iter().filter(|word| !word.text.is_empty()).collect()
    }

    /// The piece without this at its end, in any case.
    pub(super) fn without_end(self, end: &str) -> Option<Self> {
        let at = self.text.len().checked_sub(end.len())?;
        let fits = self.text.is_char_boundary(at) && self.text[at..].eq_ignore_ascii_case(end);
        fits.then(|| self.slice(0..at))
    }

    /// Whether the piece is this, in any case.
    pub(super) fn is(self, text: &str) -> bool {
        self.text.eq_ignore_ascii_case(text)
    }

    /// A fault under this piece.
    pub(super) fn fault(self, message: impl Into<String>, hint: impl Into<String>) -> Fault {
        Fault { range: self.range(), message: message.into(), hint: hint.into() }
    }
}
