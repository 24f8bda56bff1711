//! A table of a report, before it is cells of a sheet or of a page.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

/// A table: a sheet of the workbook, a section of the page.
pub(super) struct Table<'a> {
    /// The sheet's name, of at most 31 letters.
    pub(super) sheet: &'static str,
    /// What the page calls it.
    pub(super) title: &'static str,
    /// What a reader has to know; empty where the columns say it all.
    pub(super) about: String,
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<Cell<'a>>>,
}

/// A column.
pub(super) struct Column {
    pub(super) header: &'static str,
    pub(super) kind: Kind,
    /// What the header's note says.
    pub(super) note: Option<String>,
    /// Whether the total row has its sum.
    pub(super) summed: bool,
}

/// How a column's values are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// A whole number.
    Count,
    /// Memory in GiB.
    Gib,
    /// Dollars and cents.
    Money,
    /// Dollars with as many digits as AWS's price has.
    Price,
    Day,
    Time,
}

/// A value.
pub(super) enum Cell<'a> {
    /// There is nothing to say.
    Empty,
    /// There is something, but nobody knows what.
    Unknown,
    Text(Cow<'a, str>),
    Number(Decimal),
    Day(Date),
    Time(Timestamp),
    /// The sum of other columns of the row; not known if one of them is not.
    SumOf(&'static [usize]),
}

impl Column {
    pub(super) fn new(header: &'static str, kind: Kind) -> Self {
        Self { header, kind, note: None, summed: false }
    }

    pub(super) fn text(header: &'static str) -> Self {
        Self::new(header, Kind::Text)
    }

    pub(super) fn summed(self) -> Self {
        Self { summed: true, ..self }
    }

    pub(super) fn noted(self, note: impl Into<String>) -> Self {
        Self { note: Some(note.into()), ..self }
    }
}

impl<'a> Cell<'a> {
    pub(super) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::Empty } else { Self::Text(text) }
    }

    /// An amount, which is not known where it is `None`.
    pub(super) fn known(amount: Option<Decimal>) -> Self {
        amount.map_or(Self::Unknown, Self::Number)
    }

    /// A number that not everything has.
    pub(super) fn number<T: Into<Decimal>>(number: Option<T>) -> Self {
        number.map_or(Self::Empty, |number| Self::Number(number.into()))
    }

    pub(super) fn count(count: usize) -> Self {
        Self::Number(Decimal::from(count))
    }

    pub(super) fn time(time: Option<Timestamp>) -> Self {
        time.map_or(Self::Empty, Self::Time)
    }
}

impl Table<'_> {
    /// The value of a number's cell, sums computed; `None` for text, and for what is not known.
    pub(super) fn value(&self, row: usize, column: usize) -> Option<Decimal> {
        match &self.rows[row][column] {
            Cell::Number(number) => Some(*number),
            Cell::SumOf(columns) => columns.iter().map(|column| self.value(row, *column)).sum(),
            _ => None,
        }
    }

    /// What the total row says below a column: the sum of what is known.
    pub(super) fn total(&self, column: usize) -> Decimal {
        (0..self.rows.len()).filter_map(|row| self.value(row, column)).sum()
    }

    pub(super) fn has_total(&self) -> bool {
        !self.rows.is_empty() && self.columns.iter().any(|column| column.summed)
    }
}
