//! Columns, aligned by the width that a terminal gives the text.

use super::escape::clean;
use super::line::{Line, Page};
use super::palette::{Palette, Tone};

/// On which side of its column a cell stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Align {
    /// For text.
    #[default]
    Left,
    /// For numbers.
    Right,
}

/// Rows of cells below headers.
#[derive(Clone, Debug, Default)]
pub struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<(Tone, String)>>,
}

impl Table {
    /// A table with these headers.
    pub fn new(columns: &[(&str, Align)]) -> Self {
        Self {
            columns: columns.iter().map(|(name, align)| ((*name).to_owned(), *align)).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row; control characters in it are spelled out.
    pub fn row<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = (Tone, T)>) {
        let cells = cells.into_iter().map(|(tone, text)| (tone, clean(text.as_ref()).into_owned()));
        self.rows.push(cells.collect());
    }

    /// The text; every line ends with a line break, and none with spaces.
    pub fn text(&self, palette: Palette) -> String {
        let width_of = |text: &str| Line::new().plain(text).width();
        let mut widths: Vec<usize> = self.columns.iter().map(|(name, _)| width_of(name)).collect();
        for row in &self.rows {
            for (width, (_, cell)) in widths.iter_mut().zip(row) {
                *width = (*width).max(width_of(cell));
            }
        }
        // A table is read by `grep` and `awk` as well: its lines are never wrapped.
        let mut page = Page::new(Palette { width: None, ..palette });
        let headers: Vec<(Tone, String)> =
            self.columns.iter().map(|(name, _)| (Tone::Strong, name.clone())).collect();
        for row in std::iter::once(&headers).chain(&self.rows) {
            let mut line = Line::new();
            let mut start = 0;
            for ((tone, cell), (width, (_, align))) in row.iter().zip(widths.iter().zip(&self.columns)) {
                let indent = match align {
                    Align::Left => 0,
                    Align::Right => width - width_of(cell),
                };
                line = line.padded(start + indent).with(*tone, &**cell);
                start += width + 2;
            }
            page.line(&line);
        }
        page.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_width_on_screen() {
        let mut table = Table::new(&[("NAME", Align::Left), ("COUNT", Align::Right), ("PLACE", Align::Left)]);
        table.row([(Tone::Plain, "운영 서버"), (Tone::Plain, "3"), (Tone::Dim, "a\tb")]);
        table.row([(Tone::Plain, "web"), (Tone::Plain, "3,000"), (Tone::Dim, "")]);
        assert_eq!(
            table.text(Palette::PLAIN),
            "NAME       COUNT  PLACE\n운영 서버      3  a\\tb\nweb        3,000\n"
        );
    }
}
