//! What is wrong with a manifest, with the lines that are wrong.

use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::model::{Cell, Diagnostic, Diagnostics, Place, Severity, SourceFile};

use super::escape::{clean, quoted};
use super::line::elide_middle;
use super::palette::{Palette, Tone};
use super::words::count_of;

/// A cell's text is cut to this.
const CELL_COLUMNS: usize = 60;

/// A span over more lines than this is shown by its first line.
const MOST_LINES: usize = 4;

/// All diagnostics in the order in which they were found, and how many there are. Empty where there are none.
pub fn diagnostics_text(diagnostics: &Diagnostics, palette: Palette) -> String {
    if diagnostics.is_empty() {
        return String::new();
    }
    let renderer = if palette.color { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii).term_width(palette.width.unwrap_or(140).max(40));
    let mut out = String::new();
    for diagnostic in diagnostics {
        out.push_str(&renderer.render(&[group(diagnostic)]));
        out.push_str("\n\n");
    }
    out.push_str(&counts(diagnostics, palette));
    out.push('\n');
    out
}

fn counts(diagnostics: &Diagnostics, palette: Palette) -> String {
    let errors = diagnostics.error_count();
    let warnings = diagnostics.iter().count() - errors;
    let mut parts = Vec::new();
    if errors > 0 {
        parts.push(palette.paint(Tone::Conflict, &count_of(errors, "error", "errors")));
    }
    if warnings > 0 {
        parts.push(palette.paint(Tone::Update, &count_of(warnings, "warning", "warnings")));
    }
    parts.join(", ")
}

fn group(diagnostic: &Diagnostic) -> Group<'_> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(clean_lines(&diagnostic.summary)));
    let detail = diagnostic.detail.as_deref().map(clean_lines);
    let related = diagnostic.related.as_ref();
    match &diagnostic.place {
        Some(Place::Text { file, span }) => {
            let mut marks = vec![Mark { span: span.clone(), kind: AnnotationKind::Primary, label: detail }];
            if let Some(caption) = related.and_then(|(place, caption)| context_in(file, place, caption)) {
                marks.push(caption);
            }
            group = group.element(snippet(file, marks));
        }
        Some(Place::Cell(cell)) => {
            group = group
                .element(Origin::path(clean(&cell.to_string()).into_owned()))
                .element(Level::NOTE.message(cell_words(cell)));
            if let Some(detail) = detail {
                group = group.element(Level::NOTE.message(detail));
            }
        }
        Some(Place::Named(name)) => {
            group = group.element(Origin::path(clean(name)));
            if let Some(detail) = detail {
                group = group.element(Level::NOTE.message(detail));
            }
        }
        None => {
            if let Some(detail) = detail {
                group = group.element(Level::NOTE.message(detail));
            }
        }
    }
    if let Some((place, caption)) = related {
        group = elsewhere(group, diagnostic.place.as_ref(), place, caption);
    }
    if let Some(hint) = &diagnostic.hint {
        group = group.element(Level::HELP.message(clean_lines(hint)));
    }
    group
}

/// The related place, where it is in the same file as the first.
fn context_in(file: &Arc<SourceFile>, place: &Place, caption: &str) -> Option<Mark> {
    match place {
        Place::Text { file: other, span } if other == file => Some(Mark {
            span: span.clone(),
            kind: AnnotationKind::Context,
            label: Some(clean_lines(caption)),
        }),
        _ => None,
    }
}

/// Adds the related place, where it is not in the same file as the first.
fn elsewhere<'a>(group: Group<'a>, first: Option<&Place>, place: &'a Place, caption: &str) -> Group<'a> {
    match (first, place) {
        (Some(Place::Text { file: known, .. }), Place::Text { file, .. }) if known == file => group,
        (_, Place::Text { file, span }) => group.element(snippet(
            file,
            vec![Mark {
                span: span.clone(),
                kind: AnnotationKind::Context,
                label: Some(clean_lines(caption)),
            }],
        )),
        (_, Place::Cell(cell)) => {
            let place = cell.to_string();
            group.element(Level::NOTE.message(format!("{}: {}", clean_lines(caption), clean(&place))))
        }
        (_, Place::Named(name)) => {
            group.element(Level::NOTE.message(format!("{}: {}", clean_lines(caption), clean(name))))
        }
    }
}

/// What a cell holds: nobody should have to open the spreadsheet to see what is wrong.
fn cell_words(cell: &Cell) -> String {
    if cell.value.is_empty() {
        return "the cell is empty".to_owned();
    }
    format!("the cell holds {}", quoted(&elide_middle(&cell.value, CELL_COLUMNS)))
}

/// A span with its words.
struct Mark {
    span: Range<usize>,
    kind: AnnotationKind,
    label: Option<String>,
}

/// The lines that the marks need. The renderer gets no more than these: it looks at all that it is given.
fn snippet(file: &SourceFile, marks: Vec<Mark>) -> Snippet<'_, Annotation<'_>> {
    let text = &*file.text;
    let spans: Vec<Range<usize>> = marks.iter().map(|mark| shown_span(text, &mark.span)).collect();
    let first = spans.iter().map(|span| span.start).min().unwrap_or(0);
    let last = spans.iter().map(|span| span.end).max().unwrap_or(0);
    let from = text[..first].rfind('\n').map_or(0, |newline| newline + 1);
    let to = text[last..].find('\n').map_or(text.len(), |newline| last + newline);
    let annotations = marks
        .into_iter()
        .zip(spans)
        .map(|(mark, span)| mark.kind.span(span.start - from..span.end - from).label(mark.label));
    Snippet::source(&text[from..to])
        .path(clean(&file.path))
        .line_start(text[..from].matches('\n').count() + 1)
        .annotations(annotations.collect::<Vec<_>>())
}

/// The span within the text, on boundaries of characters, and not longer than what is worth showing.
fn shown_span(text: &str, span: &Range<usize>) -> Range<usize> {
    let boundary = |offset: usize| {
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    };
    let start = boundary(span.start);
    let end = boundary(span.end.max(span.start));
    // A span that ends with its line's break ends there for the reader, too.
    let end = start + text[start..end].trim_end_matches(['\n', '\r']).len();
    if text[start..end].matches('\n').count() < MOST_LINES {
        return start..end;
    }
    let first_line = text[start..end].find('\n').unwrap_or(0);
    start..start + text[start..start + first_line].trim_end_matches('\r').len()
}

/// Control characters spelled out; line breaks stay, because hints may have several lines.
fn clean_lines(text: &str) -> String {
    text.lines().map(clean).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOML: &str = "[[alarm]]\nlabel = \"cpu\"\nthreshhold = 90\n\n[[alarm]]\nlabel = \"cpu\"\n";

    fn file(path: &str, text: &str) -> Arc<SourceFile> {
        Arc::new(SourceFile { path: path.to_owned(), text: text.to_owned() })
    }

    fn shown(diagnostics: impl IntoIterator<Item = Diagnostic>, color: bool) -> String {
        let mut all = Diagnostics::new();
        all.extend(diagnostics);
        diagnostics_text(&all, Palette { color, width: None })
    }

    #[test]
    fn every_kind_of_place_is_shown() {
        let toml = file("manifests/alarms.toml", TOML);
        let other = file("manifests/more.toml", "[[alarm]]\nlabel = \"cpu\"\n");
        let text = shown(
            [
                Diagnostic::error("unknown key `threshhold`")
                    .at(Place::text(&toml, 24..34))
                    .detail("not a key of an alarm")
                    .hint("did you mean `threshold`?"),
                Diagnostic::error("the label `alarm.cpu` is declared twice")
                    .at(Place::text(&toml, 59..64))
                    .detail("declared again here")
                    .related(Place::text(&toml, 18..23), "first declared here"),
                Diagnostic::error("the label `alarm.cpu` is declared twice")
                    .at(Place::text(&toml, 59..64))
                    .related(Place::text(&other, 18..23), "first declared here"),
                Diagnostic::warning("the threshold is empty")
                    .at(Place::Named("servers.xlsx › Prod!F37".to_owned()))
                    .detail("expected a number")
                    .hint("fill in the cell, or write `threshold = \"{{ row.cpu | default(90) }}\"`"),
            ],
            false,
        );
        insta::assert_snapshot!(text, @r#"
error: unknown key `threshhold`
 --> manifests/alarms.toml:3:1
  |
3 | threshhold = 90
  | ^^^^^^^^^^ not a key of an alarm
  |
  = help: did you mean `threshold`?

error: the label `alarm.cpu` is declared twice
 --> manifests/alarms.toml:6:9
  |
2 | label = "cpu"
  |         ----- first declared here
...
6 | label = "cpu"
  |         ^^^^^ declared again here

error: the label `alarm.cpu` is declared twice
 --> manifests/alarms.toml:6:9
  |
6 | label = "cpu"
  |         ^^^^^
  |
 ::: manifests/more.toml:2:9
  |
2 | label = "cpu"
  |         ----- first declared here

warning: the threshold is empty
--> servers.xlsx › Prod!F37
 = note: expected a number
 = help: fill in the cell, or write `threshold = "{{ row.cpu | default(90) }}"`

3 errors, 1 warning
"#);
    }

    #[test]
    fn a_cell_is_shown_with_what_it_holds_and_the_template_that_read_it() {
        let toml = file("manifests/alarms.toml", "threshold = \"{{ row.cpu }}\"\n");
        let cell = |value: &str| {
            Place::Cell(Cell {
                file: "servers.xlsx".into(),
                sheet: Some("Prod".into()),
                cell: "F37".to_owned(),
                value: value.to_owned(),
            })
        };
        let text = shown(
            [
                Diagnostic::error("`threshold` of alarm.cpu for i-1: `high` is not a number")
                    .at(cell("high"))
                    .related(Place::text(&toml, 12..27), "the template that reads it"),
                Diagnostic::error("`i-1` stands in two rows")
                    .at(cell(""))
                    .related(cell("x"), "the first one"),
            ],
            false,
        );
        insta::assert_snapshot!(text, @r#"
error: `threshold` of alarm.cpu for i-1: `high` is not a number
 --> servers.xlsx › Prod!F37
  = note: the cell holds "high"
  |
 ::: manifests/alarms.toml:1:13
  |
1 | threshold = "{{ row.cpu }}"
  |             --------------- the template that reads it

error: `i-1` stands in two rows
--> servers.xlsx › Prod!F37
 = note: the cell is empty
 = note: the first one: servers.xlsx › Prod!F37

2 errors
"#);
    }

    #[test]
    fn spans_out_of_range_do_not_panic() {
        let toml = file("a.toml", "name = \"운영\"\n");
        let empty = file("b.toml", "");
        let spans = [0..999, 999..1000, 14..14, 9..10, 13..14];
        for span in spans.into_iter().chain([Range { start: 9, end: 3 }]) {
            for file in [&toml, &empty] {
                let diagnostic = Diagnostic::error("x")
                    .at(Place::text(file, span.clone()))
                    .related(Place::text(file, 0..usize::MAX), "y");
                assert!(shown([diagnostic], false).contains("error: x"));
            }
        }
    }

    #[test]
    fn a_long_block_is_shown_by_its_first_line() {
        let toml = file("a.toml", &"x = 1\n".repeat(20));
        let text = shown([Diagnostic::error("x").at(Place::text(&toml, 0..100))], false);
        assert!(text.lines().count() < 9, "{text}");
    }

    #[test]
    fn user_text_cannot_smuggle_escapes() {
        let hostile = "a\u{1b}[31m\u{202e}b";
        let toml = file("a\u{1b}[2J.toml", &format!("name = \"{hostile}\"\n"));
        let diagnostic = Diagnostic::error(hostile)
            .at(Place::text(&toml, 8..9))
            .detail(hostile)
            .hint(hostile)
            .related(Place::Named(hostile.to_owned()), hostile);
        let text = shown([diagnostic], false);
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text:?}");
    }

    #[test]
    fn colour_is_used_when_it_is_wanted() {
        let text = shown([Diagnostic::error("x").hint("y")], true);
        assert!(text.contains('\u{1b}'));
        assert_eq!(shown([], true), "");
    }
}
