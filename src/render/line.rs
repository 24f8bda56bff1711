//! Lines of toned text, aligned by the width that a terminal gives them.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::palette::{Palette, Tone};

/// One line of text in several tones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    pieces: Vec<(Tone, String)>,
    /// The column at which the text goes on where the line must be wrapped.
    hang: usize,
}

impl Line {
    /// An empty line.
    pub fn new() -> Self {
        Self::default()
    }

    /// A line that begins with this many spaces and, where it is wrapped, goes on below its own beginning.
    pub fn indented(columns: usize) -> Self {
        Self { pieces: vec![(Tone::Plain, " ".repeat(columns))], hang: columns }
    }

    /// Appends text.
    #[must_use]
    pub fn with(mut self, tone: Tone, text: impl Into<String>) -> Self {
        self.push(tone, text);
        self
    }

    /// Appends text in the terminal's own colour.
    #[must_use]
    pub fn plain(self, text: impl Into<String>) -> Self {
        self.with(Tone::Plain, text)
    }

    /// Appends text.
    pub fn push(&mut self, tone: Tone, text: impl Into<String>) {
        self.pieces.push((tone, text.into()));
    }

    /// Appends another line.
    pub(super) fn append(&mut self, other: Line) {
        self.pieces.extend(other.pieces);
    }

    /// Fills up with spaces to a column.
    #[must_use]
    pub fn padded(mut self, column: usize) -> Self {
        let missing = column.saturating_sub(self.width());
        self.push(Tone::Plain, " ".repeat(missing));
        self
    }

    /// Sets the column at which a wrapped line goes on.
    #[must_use]
    pub fn hanging(mut self, column: usize) -> Self {
        self.hang = column;
        self
    }

    /// Columns on a terminal.
    pub fn width(&self) -> usize {
        self.pieces.iter().map(|(_, text)| text.width()).sum()
    }

    /// The text without tones.
    #[cfg(test)]
    pub(super) fn text(&self) -> String {
        self.pieces.iter().map(|(_, text)| text.as_str()).collect()
    }

    /// The painted text, wrapped at spaces where the palette has a width. Words are never broken, so that names and
    /// ARNs can be copied.
    pub(super) fn write(&self, out: &mut String, palette: Palette) {
        let too_long = palette.width.is_some_and(|width| self.width() > width && width > self.hang + 20);
        match palette.width {
            Some(width) if too_long => {
                for row in self.wrap(width) {
                    write_row(out, &row, palette);
                }
            }
            _ => write_row(out, &self.pieces, palette),
        }
    }

    fn wrap(&self, width: usize) -> Vec<Vec<(Tone, String)>> {
        let letters: Vec<(Tone, char)> =
            self.pieces.iter().flat_map(|(tone, text)| text.chars().map(move |c| (*tone, c))).collect();
        let mut rows = Vec::new();
        let mut rest = &letters[..];
        let mut indent = 0;
        loop {
            let cut = break_at(rest, width - indent);
            let mut row = vec![(Tone::Plain, " ".repeat(indent))];
            row.extend(joined(&rest[..cut]));
            rows.push(row);
            let skip = rest[cut..].iter().take_while(|(_, c)| *c == ' ').count();
            rest = &rest[cut + skip..];
            if rest.is_empty() {
                return rows;
            }
            indent = self.hang;
        }
    }
}

/// How many letters go on this row: all, or up to the last space that fits, or to the first space at all.
fn break_at(letters: &[(Tone, char)], width: usize) -> usize {
    let start = letters.iter().take_while(|(_, c)| *c == ' ').count();
    let mut column = 0;
    let mut last_space = None;
    for (i, (_, c)) in letters.iter().enumerate() {
        column += c.width().unwrap_or(0);
        if *c == ' ' && i > start {
            if column > width + 1 && last_space.is_none() {
                return i;
            }
            last_space = Some(i);
        }
        if column > width
            && let Some(space) = last_space
        {
            return space;
        }
    }
    letters.len()
}

fn joined(letters: &[(Tone, char)]) -> Vec<(Tone, String)> {
    let mut pieces: Vec<(Tone, String)> = Vec::new();
    for (tone, c) in letters {
        match pieces.last_mut() {
            Some((last, text)) if last == tone => text.push(*c),
            _ => pieces.push((*tone, c.to_string())),
        }
    }
    pieces
}

fn write_row(out: &mut String, pieces: &[(Tone, String)], palette: Palette) {
    let end = pieces
        .iter()
        .rposition(|(_, text)| !text.trim_end_matches(' ').is_empty())
        .map_or(0, |last| last + 1);
    for (i, (tone, text)) in pieces[..end].iter().enumerate() {
        let text = if i + 1 == end { text.trim_end_matches(' ') } else { text };
        out.push_str(&palette.paint(*tone, text));
    }
    out.push('\n');
}

/// Lines below each other.
#[derive(Debug)]
pub struct Page {
    palette: Palette,
    text: String,
}

impl Page {
    /// An empty page.
    pub fn new(palette: Palette) -> Self {
        Self { palette, text: String::new() }
    }

    /// The palette of the page.
    pub(super) fn palette(&self) -> Palette {
        self.palette
    }

    /// Adds a line.
    pub fn line(&mut self, line: &Line) {
        line.write(&mut self.text, self.palette);
    }

    /// Adds lines that are laid out and painted already, with this many spaces before each.
    pub fn indented(&mut self, columns: usize, lines: &str) {
        for line in lines.lines() {
            self.text.push_str(&" ".repeat(columns));
            self.text.push_str(line);
            self.text.push('\n');
        }
    }

    /// Adds an empty line, unless the page is empty or ends with one.
    pub fn blank(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// Whether two parts have room on one line, the right one at `column` or further right.
    pub(super) fn has_room(&self, left: &Line, right: &Line, column: usize) -> bool {
        column.max(left.width() + 3) + right.width() <= self.palette.layout_width()
    }

    /// Adds a line of two parts, the right one at `column`; further right, or on a line of its own, where the left one
    /// needs the space.
    pub(super) fn columns(&mut self, left: Line, right: Line, column: usize) {
        if right.width() == 0 {
            return self.line(&left);
        }
        if self.has_room(&left, &right, column) {
            let start = column.max(left.width() + 3);
            let mut line = left.padded(start);
            line.append(right);
            return self.line(&line);
        }
        let hang = left.hang;
        self.line(&left);
        let mut below = Line::indented(hang);
        below.append(right);
        self.line(&below);
    }

    /// The whole text, which ends with a line break.
    pub fn finish(self) -> String {
        self.text
    }
}

/// The text cut in its middle where it is wider than `columns`, so that its beginning and its end can be seen.
pub fn elide_middle(text: &str, columns: usize) -> String {
    if text.width() <= columns || columns < 8 {
        return text.to_owned();
    }
    let half = (columns - 1) / 2;
    let head = take_columns(text.chars(), half);
    let tail: String = take_columns(text.chars().rev(), half).chars().rev().collect();
    format!("{head}…{tail}")
}

fn take_columns(letters: impl Iterator<Item = char>, columns: usize) -> String {
    let mut used = 0;
    letters
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= columns
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn narrow(line: &Line, width: usize) -> String {
        let mut out = String::new();
        let palette = Palette { color: false, width: Some(width) };
        line.write(&mut out, palette);
        out
    }

    #[test]
    fn long_lines_go_on_below_their_own_beginning() {
        let line = Line::indented(4).plain("one two three four five six seven eight");
        assert_eq!(narrow(&line, 30), "    one two three four five\n    six seven eight\n");
    }

    #[test]
    fn words_are_never_broken() {
        let word = "arn:aws:sns:ap-northeast-2:111122223333:operations";
        let line = Line::indented(2).plain(format!("to {word} and on"));
        assert_eq!(narrow(&line, 30), format!("  to\n  {word}\n  and on\n"));
    }

    #[test]
    fn wide_letters_count_twice() {
        assert_eq!(Line::new().plain("운영").padded(6).text(), "운영  ");
        assert_eq!(elide_middle("운영서버운영서버", 9), "운영…서버");
    }
}
