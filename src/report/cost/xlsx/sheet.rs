//! A table as a sheet: header, rows, total.

use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use rust_xlsxwriter::utility::{column_number_to_name, row_col_to_cell};
use rust_xlsxwriter::{Format, FormatAlign, FormatBorder, Formula, Note, Worksheet, XlsxError};
use unicode_width::UnicodeWidthStr as _;

use super::{MONEY, column_of};
use crate::report::cost::table::{Cell, Column, Kind, Table};
use crate::report::workbook::{cell_text, excel_day, excel_time, filter, header, printed};

/// Notes at cells of a sheet. Each is a shape with a box of its own, so thousands make a workbook slow to open; the
/// column `Note` says the same of all.
const MOST_NOTES: usize = 200;

/// Widths of a column, in letters.
const WIDTHS: std::ops::RangeInclusive<usize> = 9..=60;

/// Writes a table. Where there are no rows, there is the header alone, without a filter.
pub(super) fn write(sheet: &mut Worksheet, table: &Table<'_>) -> Result<(), XlsxError> {
    sheet.set_name(table.sheet)?;
    // A formula that gives the empty text would else be written as a zero.
    sheet.set_formula_result_default("");
    let columns: Vec<(&str, f64)> =
        (0..table.columns.len()).map(|column| (table.columns[column].header, width(table, column))).collect();
    header(sheet, &columns)?;
    printed(sheet);
    sheet.set_repeat_rows(0, 0)?;
    for (index, column) in (0u16..).zip(&table.columns) {
        if let Some(text) = &column.note {
            sheet.insert_note(0, index, &note(text))?;
        }
    }
    let formats: Vec<Format> = table.columns.iter().map(|column| format(column.kind)).collect();
    let mut notes = 0;
    for row in 0..table.rows.len() {
        for (column, format) in formats.iter().enumerate() {
            let noted = write_cell(sheet, table, (row, column), format, notes < MOST_NOTES)?;
            notes += usize::from(noted);
        }
    }
    if !table.rows.is_empty() {
        filter(sheet, table.columns.len(), table.rows.len())?;
    }
    if table.has_total() { total(sheet, table) } else { Ok(()) }
}

/// Writes a value, and says whether it got a note.
fn write_cell(
    sheet: &mut Worksheet,
    table: &Table<'_>,
    (index, column): (usize, usize),
    format: &Format,
    notes: bool,
) -> Result<bool, XlsxError> {
    let (row, at) = (row_of(index), col_of(column));
    match &table.rows[index][column] {
        Cell::Empty => {}
        Cell::Unknown => {
            if notes {
                sheet.insert_note(row, at, &note(&why(table, index)))?;
            }
            return Ok(notes);
        }
        Cell::Text(text) => {
            sheet.write_string_with_format(row, at, cell_text(text), format)?;
        }
        Cell::Number(number) => {
            sheet.write_number_with_format(row, at, float(*number), format)?;
        }
        Cell::Day(day) => match excel_day(*day) {
            Some(day) => sheet.write_datetime_with_format(row, at, &day, format).map(|_| ())?,
            None => sheet.write_string(row, at, day.to_string()).map(|_| ())?,
        },
        Cell::Time(time) => match excel_time(time.to_zoned(TimeZone::UTC).datetime()) {
            Some(time) => sheet.write_datetime_with_format(row, at, &time, format).map(|_| ())?,
            None => sheet.write_string(row, at, time.to_string()).map(|_| ())?,
        },
        Cell::SumOf(columns) => {
            let formula = sum_formula(row, columns).set_result(result(table.value(index, column)));
            sheet.write_formula_with_format(row, at, formula, format)?;
        }
    }
    Ok(false)
}

/// Empty where one of the cells is. Fractions of cents that binary numbers leave are rounded away.
fn sum_formula(row: u32, columns: &[usize]) -> Formula {
    let cells: Vec<String> = columns.iter().map(|column| row_col_to_cell(row, col_of(*column))).collect();
    let empty: Vec<String> = cells.iter().map(|cell| format!("{cell}=\"\"")).collect();
    Formula::new(format!("=IF(OR({}),\"\",ROUND({},2))", empty.join(","), cells.join("+")))
}

/// The row below all others. It lies outside of the filter, and counts what the filter shows.
fn total(sheet: &mut Worksheet, table: &Table<'_>) -> Result<(), XlsxError> {
    let row = row_of(table.rows.len());
    let bold = |kind: Kind| format(kind).set_bold().set_border_top(FormatBorder::Thin);
    for (column, Column { kind, summed, .. }) in table.columns.iter().enumerate() {
        let at = col_of(column);
        if *summed {
            let name = column_number_to_name(at);
            let sum = format!("SUBTOTAL(109,{name}2:{name}{row})");
            let sum = if *kind == Kind::Money { format!("=ROUND({sum},2)") } else { format!("={sum}") };
            let formula = Formula::new(sum).set_result(result(Some(table.total(column))));
            sheet.write_formula_with_format(row, at, formula, &bold(*kind))?;
        } else {
            let label = if column == 0 { "Total" } else { "" };
            sheet.write_string_with_format(row, at, label, &bold(Kind::Text))?;
        }
    }
    sheet.insert_note(row, 0, &note("Of the rows that the filter shows."))?;
    Ok(())
}

/// What the note at an empty cell says.
fn why(table: &Table<'_>, row: usize) -> String {
    let reason = column_of(table, "Note").map(|column| &table.rows[row][column]);
    match reason {
        Some(Cell::Text(text)) => format!("Not known: {text}"),
        _ => "Not known.".to_owned(),
    }
}

fn note(text: &str) -> Note {
    let text: String = cell_text(text).chars().take(1_000).collect();
    Note::new(text).add_author_prefix(false).set_width(260)
}

pub(super) fn format(kind: Kind) -> Format {
    let format = Format::new();
    match kind {
        Kind::Text => format,
        Kind::Count => format.set_num_format("#,##0"),
        Kind::Gib => format.set_num_format("General\" GiB\""),
        Kind::Money => format.set_num_format(MONEY),
        Kind::Price => format.set_num_format("$ #,##0.00########"),
        Kind::Day => format.set_num_format("yyyy-mm-dd").set_align(FormatAlign::Left),
        Kind::Time => format.set_num_format("yyyy-mm-dd hh:mm").set_align(FormatAlign::Left),
    }
}

/// As wide as its widest cell; letters of East Asia are two.
fn width(table: &Table<'_>, column: usize) -> f64 {
    let kind = table.columns[column].kind;
    let number = |value: Decimal| match kind {
        // Digits before the point and their commas, and what the format adds.
        Kind::Money => value.trunc().to_string().len() * 4 / 3 + 5,
        Kind::Gib => value.to_string().len() + 4,
        _ => value.to_string().len() * 4 / 3,
    };
    let of_row = |row: usize| match &table.rows[row][column] {
        Cell::Text(text) => text.width(),
        Cell::Day(_) => 10,
        Cell::Time(_) => {
            if kind == Kind::Time {
                16
            } else {
                10
            }
        }
        Cell::Number(_) | Cell::SumOf(_) => table.value(row, column).map_or(0, number),
        Cell::Empty | Cell::Unknown => 0,
    };
    let rows = (0..table.rows.len()).map(of_row).max().unwrap_or(0);
    let total = if table.columns[column].summed { number(table.total(column)) } else { 0 };
    // The button of the filter covers two letters of the header.
    let header = table.columns[column].header.width() + 2;
    let width = (rows.max(total).max(header) + 1).clamp(*WIDTHS.start(), *WIDTHS.end());
    f64::from(u32::try_from(width).unwrap_or(u32::MAX))
}

/// The nearest binary number: that of the digits.
pub(super) fn float(number: Decimal) -> f64 {
    number.to_string().parse().unwrap_or(f64::NAN)
}

/// What a formula gives, as its cell says it.
pub(super) fn result(value: Option<Decimal>) -> String {
    value.map_or_else(String::new, |value| value.normalize().to_string())
}

/// The first row is the header.
fn row_of(index: usize) -> u32 {
    u32::try_from(index + 1).unwrap_or(u32::MAX)
}

pub(super) fn col_of(column: usize) -> u16 {
    u16::try_from(column).unwrap_or(u16::MAX)
}
