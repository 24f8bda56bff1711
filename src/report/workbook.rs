//! Sheets of a workbook: what those of all reports have in common.

use jiff::civil::{Date, DateTime};
use rust_xlsxwriter::{Color, ExcelDateTime, Format, Worksheet, XlsxError};

use super::plain::plain;

/// Excel's own limit for a cell: 32,767 units of UTF-16 ("Excel specifications and limits").
const LONGEST: usize = 32_767;

/// Rows of a sheet, with the header ("Excel specifications and limits").
pub(super) const MOST_ROWS: usize = 1_048_576;

/// A text as a cell holds it: without what a workbook cannot hold, and cut where it is too long.
pub(super) fn cell_text(text: &str) -> String {
    let text = plain(text);
    if text.len() <= LONGEST || text.encode_utf16().count() <= LONGEST {
        return text;
    }
    let mut room = LONGEST - 1;
    let fits = |c: &char| {
        let rest = room.checked_sub(c.len_utf16());
        room = rest.unwrap_or(0);
        rest.is_some()
    };
    let cut: String = text.chars().take_while(fits).collect();
    cut + "…"
}

/// The first row: names of columns, frozen, with the columns' widths in letters.
pub(super) fn header(sheet: &mut Worksheet, columns: &[(&str, f64)]) -> Result<(), XlsxError> {
    let format = header_format();
    for (column, (name, width)) in (0u16..).zip(columns) {
        sheet.write_string_with_format(0, column, *name, &format)?;
        sheet.set_column_width(column, *width)?;
    }
    sheet.set_freeze_panes(1, 0)?;
    Ok(())
}

/// On paper as wide as a page that lies.
pub(super) fn printed(sheet: &mut Worksheet) {
    sheet.set_landscape().set_print_fit_to_pages(1, 0);
}

pub(super) fn header_format() -> Format {
    Format::new().set_bold().set_background_color(Color::RGB(0x00E8_ECF1))
}

/// A filter over the header and so many rows.
pub(super) fn filter(sheet: &mut Worksheet, columns: usize, rows: usize) -> Result<(), XlsxError> {
    let last_row = u32::try_from(rows).unwrap_or(u32::MAX);
    let last_column = u16::try_from(columns - 1).unwrap_or(u16::MAX);
    sheet.autofilter(0, 0, last_row, last_column)?;
    Ok(())
}

pub(super) fn alarm() -> Format {
    Format::new().set_bold().set_font_color(Color::Red)
}

/// `None` for a year that Excel does not know.
pub(super) fn excel_day(day: Date) -> Option<ExcelDateTime> {
    let part = |number: i8| u8::try_from(number).ok();
    ExcelDateTime::from_ymd(u16::try_from(day.year()).ok()?, part(day.month())?, part(day.day())?).ok()
}

/// As [`excel_day`], with the time of day.
pub(super) fn excel_time(time: DateTime) -> Option<ExcelDateTime> {
    let part = |number: i8| u8::try_from(number).ok();
    let (hour, minute) = (u16::from(part(time.hour())?), part(time.minute())?);
    excel_day(time.date())?.and_hms(hour, minute, part(time.second())?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_where_a_cell_ends() {
        assert_eq!(cell_text("=1+1"), "=1+1");
        assert_eq!(cell_text(&"한".repeat(32_767)).chars().count(), 32_767);
        let cut = cell_text(&"한".repeat(32_768));
        assert!(cut.ends_with("한…") && cut.chars().count() == 32_767);
        // A character of two units is not cut in half.
        let cut = cell_text(&"👩".repeat(20_000));
        assert!(cut.ends_with("👩…") && cut.encode_utf16().count() == 32_767);
        assert_eq!(cell_text("a\u{1}b\u{ffff}"), "a\\u{1}b\\u{ffff}");
    }
}
