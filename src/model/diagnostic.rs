//! What is wrong with something the user wrote, and where it stands.

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
    /// Something that has no text of its own: a file that cannot be read, a flag, a folder.
    Named(String),
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

    /// All of them in the order in which they were found.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
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
