//! Lists of dates: one a row, in a text file or a workbook.

use jiff::civil::Date;

use super::{Calendar, FORMATS, Read};
use crate::manifest::sheet::{CellValue, grids};
use crate::model::{Diagnostic, Place};

/// The dates of the first sheet: those of the column `date`, else of the first one. Rows that begin with `#` are remarks.
pub(super) fn read(file: &str, bytes: &[u8], place: &Place) -> Read {
    let grids = grids(file, bytes).map_err(|fault| {
        vec![Diagnostic::error(format!("`{file}` {fault}")).at(place.clone()).hint(FORMATS)]
    })?;
    let mut calendar = Calendar::default();
    let mut faults = Vec::new();
    let Some(grid) = grids.first() else { return Ok((calendar, faults)) };
    let mut column = 0;
    let mut rows = grid.rows.iter().enumerate().filter(|(_, row)| !is_remark(row)).peekable();
    if let Some((_, header)) = rows.next_if(|(_, row)| is_header(row)) {
        let named = header.iter().position(|cell| cell.folded().eq_ignore_ascii_case("date"));
        column = named.unwrap_or(0);
    }
    for (row, cells) in rows {
        let cell = cells.get(column).unwrap_or(&CellValue::Empty);
        match date(cell) {
            Some(date) => drop(calendar.days.insert(date)),
            None => faults.push(
                Diagnostic::error(format!("{:?} is no date", cell.to_string()))
                    .at(grid.place(file, row, column))
                    .hint("write each day as 2026-12-25, one a row, in the first column or in one called `date`"),
            ),
        }
    }
    if faults.is_empty() { Ok((calendar, faults)) } else { Err(faults) }
}

fn is_remark(row: &[CellValue]) -> bool {
    let first = row.iter().find(|cell| !cell.is_empty());
    first.is_none_or(|cell| cell.to_string().starts_with('#'))
}

/// A header names its columns, and a word is no slip of the pen in a date.
fn is_header(row: &[CellValue]) -> bool {
    row.iter().all(|cell| !cell.to_string().contains(|c: char| c.is_ascii_digit()))
}

/// A date as ISO 8601 writes it; spreadsheets add the time of the day, midnight.
fn date(cell: &CellValue) -> Option<Date> {
    let text = cell.folded();
    let (day, time) = text.split_once(['T', ' ']).unwrap_or((&text, ""));
    let midnight = time.chars().all(|c| matches!(c, '0' | ':' | '.'));
    super::date(day).filter(|_| midnight)
}
