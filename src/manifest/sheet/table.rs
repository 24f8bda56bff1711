//! A sheet with its header found: named columns and the rows below.

use std::collections::HashMap;
use std::sync::Arc;

use super::value::{CellValue, decimal, fold, is_like_number};
use crate::model::{Cell, Place};

/// A sheet whose columns have names.
#[derive(Debug)]
pub struct Sheet {
    file: Arc<str>,
    name: Option<Arc<str>>,
    /// The index of the header's row, in files that have one.
    header: Option<usize>,
    headers: Vec<String>,
    /// Columns by folded name.
    names: HashMap<String, Named>,
    key: usize,
    rows: Vec<Row>,
}

#[derive(Clone, Copy, Debug)]
enum Named {
    One(usize),
    Several(usize, usize),
}

#[derive(Debug)]
pub(super) struct Row {
    pub(super) at: At,
    pub(super) cells: Vec<CellValue>,
}

/// Where a row is.
#[derive(Debug)]
pub(super) enum At {
    /// Its index in the grid.
    Index(usize),
    /// Its words, in files without a grid.
    Words(Box<str>),
}

/// What a sheet is made of.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) file: Arc<str>,
    pub(super) name: Option<Arc<str>>,
    pub(super) header: Option<usize>,
    pub(super) headers: Vec<String>,
    pub(super) rows: Vec<Row>,
}

impl Sheet {
    /// A sheet whose key column is still to be named. Rows without any value are left out.
    pub(super) fn new(parts: Parts) -> Self {
        let Parts { file, name, header, headers, mut rows } = parts;
        rows.retain(|row| row.cells.iter().any(|cell| !cell.is_empty()));
        let mut names = HashMap::with_capacity(headers.len());
        for (column, header) in headers.iter().enumerate().filter(|(_, header)| !header.is_empty()) {
            names
                .entry(fold(header))
                .and_modify(|named| {
                    if let Named::One(first) = *named {
                        *named = Named::Several(first, column);
                    }
                })
                .or_insert(Named::One(column));
        }
        Self { file, name, header, headers, names, key: 0, rows }
    }

    /// Makes numbers of the texts in columns of nothing but decimal numbers: `50.0` where others are `80`.
    ///
    /// The column of the ids stays as it is, and one like `1.9`, `1.10` that is more likely of versions.
    pub(super) fn settle_numbers(&mut self) {
        for column in (0..self.headers.len()).filter(|column| *column != self.key) {
            let cells = self.rows.iter().filter_map(|row| row.cells.get(column));
            if !are_numbers(cells) {
                continue;
            }
            for cell in self.rows.iter_mut().filter_map(|row| row.cells.get_mut(column)) {
                if let CellValue::Text(text) = cell
                    && let Some(number) = decimal(text)
                {
                    *cell = CellValue::Number(number);
                }
            }
        }
    }

    /// The first row whose cell in a column is a text like `1,000` or `90%`, where the column has numbers too. A text is
    /// greater than every number, so that comparing the column means nothing.
    pub fn number_as_text(&self, column: usize) -> Option<usize> {
        let like_number = |row: &Row| match row.cells.get(column) {
            Some(CellValue::Text(text)) => is_like_number(text),
            _ => false,
        };
        let is_number = |row: &Row| matches!(row.cells.get(column), Some(CellValue::Number(_)));
        let row = self.rows.iter().position(like_number)?;
        self.rows.iter().any(is_number).then_some(row)
    }

    /// The places of the first filled cell of each row that has no header above it.
    pub(super) fn beyond_headers(&self) -> impl Iterator<Item = Place> {
        let (rows, headers) = (self.rows.iter().enumerate(), self.headers.len());
        rows.filter_map(move |(index, row)| {
            let beyond = row.cells.iter().skip(headers).position(|cell| !cell.is_empty())?;
            Some(self.place(index, headers + beyond))
        })
    }

    pub(super) fn set_key(&mut self, column: usize) {
        self.key = column;
    }

    /// Gives a column another name, which hides a header that is called so.
    pub(super) fn set_alias(&mut self, alias: &str, column: usize) {
        self.names.insert(fold(alias), Named::One(column));
    }

    /// The file and the sheet as diagnostics call them: `servers.xlsx › Prod`.
    pub fn words(&self) -> String {
        match &self.name {
            Some(name) => format!("{} › {name}", self.file),
            None => self.file.to_string(),
        }
    }

    /// How many rows there are below the header; blank ones do not count.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row below the header.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The column that holds the ids.
    pub fn key(&self) -> usize {
        self.key
    }

    /// The column with this name: one that the manifest gave, or its header.
    pub fn column(&self, name: &str) -> Option<usize> {
        let named = self.names.get(name).or_else(|| self.names.get(&fold(name)))?;
        match *named {
            Named::One(column) => Some(column),
            Named::Several(..) => None,
        }
    }

    /// Two columns that both have this name, where there are two.
    pub fn ambiguous(&self, name: &str) -> Option<(usize, usize)> {
        match self.names.get(&fold(name))? {
            Named::One(_) => None,
            Named::Several(first, second) => Some((*first, *second)),
        }
    }

    /// All names that [`Sheet::column`] knows.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let known = self.names.iter().filter(|(_, named)| matches!(named, Named::One(_)));
        let mut names: Vec<(usize, &str)> = known
            .map(|(name, named)| {
                let (Named::One(column) | Named::Several(column, _)) = *named;
                (column, name.as_str())
            })
            .collect();
        names.sort_unstable();
        names.into_iter().map(|(_, name)| name)
    }

    /// A column's header as written.
    pub fn header(&self, column: usize) -> &str {
        self.headers.get(column).map_or("", String::as_str)
    }

    /// Whether the columns are headers in cells; else they are what a listing of AWS names.
    pub fn has_cells(&self) -> bool {
        self.header.is_some()
    }

    /// The value of a row in a column.
    pub fn cell(&self, row: usize, column: usize) -> &CellValue {
        const EMPTY: &CellValue = &CellValue::Empty;
        self.rows.get(row).and_then(|row| row.cells.get(column)).unwrap_or(EMPTY)
    }

    /// The place of a row's cell in a column.
    pub fn place(&self, row: usize, column: usize) -> Place {
        let cell = match self.rows.get(row).map(|row| &row.at) {
            Some(At::Index(index)) => cell_name(*index, column),
            Some(At::Words(words)) => format!("{words} {}", self.header(column)),
            None => String::new(),
        };
        self.at(cell, self.cell(row, column).to_string())
    }

    /// The place of a column's header.
    pub fn header_place(&self, column: usize) -> Place {
        let header = self.header(column).to_owned();
        match self.header {
            Some(row) => self.at(cell_name(row, column), header),
            None => Place::Named(format!("{} › {header}", self.file)),
        }
    }

    fn at(&self, cell: String, value: String) -> Place {
        Place::Cell(Cell { file: Arc::clone(&self.file), sheet: self.name.clone(), cell, value })
    }
}

/// Whether every filled cell is a decimal number, and those with zeros at the end all have the same number of digits.
fn are_numbers<'a>(cells: impl Iterator<Item = &'a CellValue>) -> bool {
    let (mut padded, mut digits, mut uniform) = (false, None, true);
    for cell in cells {
        let written = match cell {
            CellValue::Empty | CellValue::Error(_) => continue,
            CellValue::Number(number) => number.to_string(),
            CellValue::Text(text) if decimal(text).is_some() => text.to_string(),
            CellValue::Bool(_) | CellValue::Text(_) => return false,
        };
        if let Some((_, fraction)) = written.split_once('.') {
            padded |= fraction.len() > 1 && fraction.ends_with('0');
            uniform &= *digits.get_or_insert(fraction.len()) == fraction.len();
        }
    }
    !padded || uniform
}

/// `F37` for the row with index 36 and the column with index 5.
pub(super) fn cell_name(row: usize, column: usize) -> String {
    let mut letters = Vec::new();
    let mut rest = column + 1;
    while rest > 0 {
        rest -= 1;
        #[allow(clippy::cast_possible_truncation)] // Below 26.
        letters.push(b'A' + (rest % 26) as u8);
        rest /= 26;
    }
    let letters: String = letters.iter().rev().map(|&letter| char::from(letter)).collect();
    format!("{letters}{}", row + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_named_as_spreadsheets_do() {
        for (row, column, name) in
            [(0, 0, "A1"), (36, 5, "F37"), (9, 25, "Z10"), (0, 26, "AA1"), (1, 702, "AAA2")]
        {
            assert_eq!(cell_name(row, column), name);
        }
    }
}
