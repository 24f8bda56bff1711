//! What is wrong with something the user wrote, and where it stands.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A file that the user wrote, kept so that diagnostics can quote it.
#[derive(Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// The path as it is shown, such as `manifests/alarms.toml`.
    pub path: String,
    /// The whole text.
    pub text: String,
}

impl SourceFile {
    /// The 1-based line and column (in characters) of a byte offset.
    pub fn line_and_column(&self, offset: usize) -> (usize, usize) {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &self.text[..offset];
        let line = before.matches('\n').count() + 1;
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (line, before[line_start..].chars().count() + 1)
    }
}

/// A place in a source that the user wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A span of bytes in a text file.
    Text {
        /// The file.
        file: Arc<SourceFile>,
        /// The bytes of the file that the diagnostic is about.
        span: Range<usize>,
    },
    /// A cell of a file of sheets.
    Cell(Cell),
    /// Something that has no text of its own: a file that cannot be read, a flag, a folder.
    Named(String),
}

/// Where a value of a file of sheets stands, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The file as it is shown, such as `manifests/servers.xlsx`.
    pub file: Arc<str>,
    /// The sheet's name, where a file can have several.
    pub sheet: Option<Arc<str>>,
    /// The cell as spreadsheets call it, `F37`; in files without cells the entry.
    pub cell: String,
    /// What the cell holds, as a person reads it; empty for an empty cell.
    pub value: String,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.sheet {
            Some(sheet) => write!(f, "{} › {sheet}!{}", self.file, self.cell),
            None => write!(f, "{} › {}", self.file, self.cell),
        }
    }
}

impl Place {
    /// A span in a text file.
    pub fn text(file: &Arc<SourceFile>, span: Range<usize>) -> Self {
        Self::Text { file: Arc::clone(file), span }
    }

    /// The place without its column, as plans show it: `manifests/alarms.toml:12`.
    pub fn line(&self) -> String {
        match self {
            Self::Text { file, span } => {
                format!("{}:{}", file.path, file.line_and_column(span.start).0)
            }
            Self::Cell(cell) => cell.to_string(),
            Self::Named(name) => name.clone(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text { file, span } => {
                let (line, column) = file.line_and_column(span.start);
                write!(f, "{}:{line}:{column}", file.path)
            }
            Self::Cell(cell) => cell.fmt(f),
            Self::Named(name) => f.write_str(name),
        }
    }
}

/// How bad a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing is planned or applied.
    Error,
    /// Worth a look; work goes on.
    Warning,
}

/// One problem with what the user wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// One line: what is wrong.
    pub summary: String,
    /// A word beside the caret: what was found or expected there.
    pub detail: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// Where it is.
    pub place: Option<Place>,
    /// A second place that belongs to the problem, with what it is: "first declared here".
    pub related: Option<(Place, String)>,
}

impl Diagnostic {
    /// An error.
    pub fn error(summary: impl Into<String>) -> Self {
        Self::new(Severity::Error, summary)
    }

    /// A warning.
    pub fn warning(summary: impl Into<String>) -> Self {
        Self::new(Severity::Warning, summary)
    }

    fn new(severity: Severity, summary: impl Into<String>) -> Self {
        Self { severity, summary: summary.into(), detail: None, hint: None, place: None, related: None }
    }

    /// Sets the place.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// Sets the words beside the caret.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Sets what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Sets a second place with a caption.
    #[must_use]
    pub fn related(mut self, place: Place, caption: impl Into<String>) -> Self {
        self.related = Some((place, caption.into()));
        self
    }
}

/// Problems collected on the way, so that all of them are shown at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// No problem yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Whether any of them is an error.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Error)
    }

    /// How many errors there are.
    pub fn error_count(&self) -> usize {
        self.0.iter().filter(|d| d.severity == Severity::Error).count()
    }

    /// Leaves out what was said before at the same place: several declarations may stumble over one row.
    #[must_use]
    pub fn without_repeats(self) -> Self {
        let mut said = BTreeSet::new();
        let first =
            |d: &Diagnostic| said.insert((d.summary.clone(), d.place.as_ref().map(ToString::to_string)));
        Self(self.0.into_iter().filter(first).collect())
    }

    /// All of them in the order in which they were found.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Gives those behind the first so many the hint, where they have none.
    pub fn hint_after(&mut self, first: usize, hint: &str) {
        for diagnostic in self.0.iter_mut().skip(first).filter(|one| one.hint.is_none()) {
            diagnostic.hint = Some(hint.to_owned());
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<T: IntoIterator<Item = Diagnostic>>(&mut self, iter: T) {
        self.0.extend(iter);
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_written_as_spreadsheets_do() {
        let mut cell = Cell {
            file: "servers.xlsx".into(),
            sheet: Some("Prod".into()),
            cell: "F37".to_owned(),
            value: "high".to_owned(),
        };
        assert_eq!(Place::Cell(cell.clone()).line(), "servers.xlsx › Prod!F37");
        cell.sheet = None;
        assert_eq!(Place::Cell(cell).to_string(), "servers.xlsx › F37");
    }

    #[test]
    fn what_was_said_of_a_place_is_not_said_again() {
        let mut all = Diagnostics::new();
        all.extend(["a", "b", "a"].map(Diagnostic::error));
        all.push(Diagnostic::error("a").at(Place::Named("elsewhere".to_owned())));
        let said: Vec<String> = all.without_repeats().into_iter().map(|d| d.summary).collect();
        assert_eq!(said, ["a", "b", "a"]);
    }
}
