//! Workbooks: `.xlsx`, `.xls`, `.xlsb` and `.ods`.

use std::io::Cursor;

use calamine::{Data, ExcelDateTime, Ods, Reader, SheetVisible, Sheets, Xls, Xlsb, Xlsx};

use super::value::CellValue;

/// Cells further to the right are not read: nobody has that many columns, and a stray mark far out would cost the memory.
const MOST_COLUMNS: usize = 2_048;

/// An opened workbook.
pub(super) struct Workbook<'a>(Sheets<Cursor<&'a [u8]>>);

impl<'a> Workbook<'a> {
    /// Opens a workbook by the extension of its file.
    ///
    /// # Errors
    /// In the words of the reader, where the bytes are no such workbook.
    pub(super) fn open(bytes: &'a [u8], extension: &str) -> Result<Self, String> {
        let cursor = Cursor::new(bytes);
        let sheets = match extension {
            "xls" => Sheets::Xls(Xls::new(cursor).map_err(|error| error.to_string())?),
            "xlsb" => Sheets::Xlsb(Xlsb::new(cursor).map_err(|error| error.to_string())?),
            "ods" => Sheets::Ods(Ods::new(cursor).map_err(|error| error.to_string())?),
            _ => Sheets::Xlsx(Xlsx::new(cursor).map_err(|error| error.to_string())?),
        };
        Ok(Self(sheets))
    }

    /// The names of the sheets in their order, and whether each is visible.
    pub(super) fn sheets(&self) -> Vec<(String, bool)> {
        let sheets = self.0.sheets_metadata().iter();
        sheets.map(|sheet| (sheet.name.clone(), sheet.visible == SheetVisible::Visible)).collect()
    }

    /// The rows of a sheet, from the first row and column on.
    ///
    /// # Errors
    /// In the words of the reader, where the sheet is damaged.
    pub(super) fn rows(&mut self, sheet: &str) -> Result<Vec<Vec<CellValue>>, String> {
        let mut rows = Vec::new();
        if let Sheets::Xlsx(workbook) = &mut self.0 {
            // Cell by cell: a table of everything between the first and the last cell may be a thousand times as large.
            let mut cells = workbook.worksheet_cells_reader(sheet).map_err(|error| error.to_string())?;
            while let Some(cell) = cells.next_cell().map_err(|error| error.to_string())? {
                let (row, column) = cell.get_position();
                put(&mut rows, row, column, value(&cell.get_value().clone().into()));
            }
            return Ok(rows);
        }
        let range = self.0.worksheet_range(sheet).map_err(|error| error.to_string())?;
        let (first_row, first_column) = range.start().unwrap_or_default();
        for (row, column, data) in range.used_cells() {
            let row = first_row + u32::try_from(row).unwrap_or(u32::MAX);
            let column = first_column + u32::try_from(column).unwrap_or(u32::MAX);
            put(&mut rows, row, column, value(data));
        }
        Ok(rows)
    }
}

fn put(rows: &mut Vec<Vec<CellValue>>, row: u32, column: u32, value: CellValue) {
    let (row, column) = (row as usize, column as usize);
    if value.is_empty() || column >= MOST_COLUMNS {
        return;
    }
    if rows.len() <= row {
        rows.resize_with(row + 1, Vec::new);
    }
    let cells = &mut rows[row];
    if cells.len() <= column {
        cells.resize(column + 1, CellValue::Empty);
    }
    cells[column] = value;
}

fn value(data: &Data) -> CellValue {
    match data {
        Data::Empty => CellValue::Empty,
        // Whole numbers beyond 2^53 are none that a person typed.
        #[allow(clippy::cast_precision_loss)]
        Data::Int(number) => CellValue::Number(*number as f64),
        Data::Float(number) => CellValue::of_number(*number),
        Data::String(text) => CellValue::of_text(text),
        Data::Bool(flag) => CellValue::Bool(*flag),
        Data::DateTime(time) => CellValue::Text(date_text(time).into()),
        Data::DateTimeIso(text) | Data::DurationIso(text) => CellValue::Text(text.trim().into()),
        Data::Error(error) => CellValue::Error(error.to_string().into()),
    }
}

/// A date, a time or both as ISO 8601 writes them; a duration as hours, minutes and seconds.
fn date_text(time: &ExcelDateTime) -> String {
    if time.is_duration() {
        #[allow(clippy::cast_possible_truncation)] // No spreadsheet counts that many seconds.
        let seconds = (time.as_f64() * 86_400.0).round() as i64;
        let (sign, seconds) = (if seconds < 0 { "-" } else { "" }, seconds.abs());
        return format!("{sign}{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
    }
    let (year, month, day, hour, minute, second, milli) = time.to_ymd_hms_milli();
    let clock = match milli {
        0 => format!("{hour:02}:{minute:02}:{second:02}"),
        _ => format!("{hour:02}:{minute:02}:{second:02}.{milli:03}"),
    };
    // Day 0 stands for a time without a date.
    if time.as_f64() < 1.0 {
        return clock;
    }
    let date = format!("{year:04}-{month:02}-{day:02}");
    if (hour, minute, second, milli) == (0, 0, 0, 0) { date } else { format!("{date}T{clock}") }
}
