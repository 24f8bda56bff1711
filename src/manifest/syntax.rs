//! Faults of TOML's syntax, in plain words.

use std::ops::Range;
use std::sync::Arc;

use crate::model::{Diagnostic, Place, SourceFile};

/// The faults of one file, in the order of the file.
///
/// The parser recovers from a fault and often stumbles over its consequences on the same line, so each line is
/// reported once.
pub(super) fn diagnostics(file: &Arc<SourceFile>, errors: &[toml::de::Error]) -> Vec<Diagnostic> {
    let mut faults: Vec<(Range<usize>, &str)> =
        errors.iter().map(|error| (error.span().unwrap_or(0..0), error.message())).collect();
    faults.sort_by_key(|(span, _)| span.start);
    let mut last_line = 0;
    let mut repeated_header: Option<usize> = None;
    let mut diagnostics = Vec::new();
    for (span, message) in faults {
        let (line, _) = file.line_and_column(span.start);
        if line == last_line {
            continue;
        }
        last_line = line;
        if message == "duplicate key" {
            let header = header_line(&file.text, line);
            // The keys below a repeated header are repeated only because of it.
            if header.is_some() && header == repeated_header {
                continue;
            }
            if header == Some(line) {
                repeated_header = header;
            }
            diagnostics.push(duplicate(file, span, line));
        } else {
            diagnostics.push(fault(file, span, message));
        }
    }
    diagnostics
}

fn fault(file: &Arc<SourceFile>, span: Range<usize>, message: &str) -> Diagnostic {
    let place = Place::text(file, span.clone());
    if message.starts_with("string values must be quoted") {
        return if span.is_empty() {
            Diagnostic::error("invalid TOML: a value is missing after `=`").at(place)
        } else {
            let found = file.text.get(span).unwrap_or_default().trim();
            Diagnostic::error("invalid TOML: text must be quoted")
                .at(place)
                .hint(format!("write \"{found}\""))
        };
    }
    Diagnostic::error(format!("invalid TOML: {message}")).at(place)
}

fn duplicate(file: &Arc<SourceFile>, span: Range<usize>, line: usize) -> Diagnostic {
    let key = file.text.get(span.clone()).unwrap_or_default();
    let diagnostic = Diagnostic::error(format!("`{key}` is given twice")).at(Place::text(file, span.clone()));
    match first_given(&file.text, span.start, line) {
        Some(first) => diagnostic.related(Place::text(file, first), "first given here"),
        None => diagnostic,
    }
}

/// The number of the nearest line at or above this one that is a table's header.
fn header_line(text: &str, line: usize) -> Option<usize> {
    text.lines()
        .take(line)
        .enumerate()
        .filter(|(_, text)| text.trim_start().starts_with('['))
        .map(|(index, _)| index + 1)
        .last()
}

/// Where the same header, or the same key in the same table, was first given.
///
/// The parser's own note of it is not public, so this looks at the text: a key that was written differently the first
/// time (quoted, dotted) is not found, and the diagnostic then names one place only.
fn first_given(text: &str, start: usize, line: usize) -> Option<Range<usize>> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let own = lines.get(line - 1)?.trim();
    let is_header = own.starts_with('[');
    let wanted = name_of(own);
    let mut offset = lines[..line - 1].iter().map(|line| line.len()).sum::<usize>();
    debug_assert!(offset <= start);
    for candidate in lines[..line - 1].iter().rev() {
        offset -= candidate.len();
        let trimmed = candidate.trim();
        match (is_header, trimmed.starts_with('[')) {
            (false, true) => return None,
            (true, false) => continue,
            _ => {}
        }
        let found = name_of(trimmed);
        if found == wanted {
            let begin = offset + candidate.find(wanted)?;
            return Some(begin..begin + wanted.len());
        }
    }
    None
}

/// The name in a header's or a key's line.
fn name_of(line: &str) -> &str {
    let end = if line.starts_with('[') { '#' } else { '=' };
    let name = line.split(end).next().unwrap_or_default().trim();
    name.trim_matches(['[', ']']).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        let file = Arc::new(SourceFile { path: "a.toml".to_owned(), text: text.to_owned() });
        let (_, errors) = toml::de::DeTable::parse_recoverable(text);
        diagnostics(&file, &errors)
            .into_iter()
            .map(|d| {
                let related = d.related.map(|(place, caption)| format!(" [{caption} {place}]"));
                let hint = d.hint.map(|hint| format!(" ({hint})"));
                format!(
                    "{} {}{}{}",
                    d.place.unwrap(),
                    d.summary,
                    hint.unwrap_or_default(),
                    related.unwrap_or_default()
                )
            })
            .collect()
    }

    #[test]
    fn two_faults_of_one_file_are_told_together() {
        assert_eq!(
            lines("[[alarm]]\nperiod = 5m\nname = \nlabel = \"x\n"),
            [
                "a.toml:2:10 invalid TOML: text must be quoted (write \"5m\")",
                "a.toml:3:8 invalid TOML: a value is missing after `=`",
                "a.toml:4:11 invalid TOML: invalid basic string, expected `\"`",
            ]
        );
    }

    #[test]
    fn what_is_given_twice_names_both_places() {
        assert_eq!(
            lines("[project]\nname = 'a'\n\n[project]\nname = 'b'\n"),
            ["a.toml:4:2 `project` is given twice [first given here a.toml:1:2]"]
        );
        assert_eq!(
            lines("[[a]]\nx = 1\n[[a]]\nx = 1\ny = 2\nx = 3\n"),
            ["a.toml:6:1 `x` is given twice [first given here a.toml:4:1]"]
        );
        assert_eq!(
            lines("[alarm]\nx = 1\n[[alarm]]\ny = 1\n"),
            ["a.toml:3:3 `alarm` is given twice [first given here a.toml:1:2]"]
        );
    }
}
