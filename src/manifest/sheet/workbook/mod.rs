//! Workbooks: `.xlsx`, `.xls`, `.xlsb` and `.ods`.

mod cells;
mod compound;
mod ods;
mod xlsb;
mod zipped;

use std::borrow::Cow;
use std::io::Cursor;

use calamine::{Data, DataRef, ExcelDateTime, Reader, Sheet, SheetVisible, Xls, Xlsb, Xlsx};

use super::value::CellValue;
use ods::Ods;

pub(super) use cells::{Area, Cells, spread};
#[cfg(test)]
pub(super) use zipped::changed;

/// A workbook's bytes as its reader understands them.
pub(super) struct Checked<'a> {
    bytes: Cow<'a, [u8]>,
    extension: &'a str,
    /// Whether an empty result of a formula is none.
    uncomputed: bool,
}

impl<'a> Checked<'a> {
    /// Checks what the readers take on trust: damaged files make them wait for ever or use up the memory.
    ///
    /// # Errors
    /// In words, where the bytes are damaged.
    pub(super) fn new(bytes: &'a [u8], extension: &'a str) -> Result<Self, String> {
        let uncomputed = extension == "xls" && compound::check(bytes)?.uncomputed;
        let archive = extension != "xls" && zipped::check(bytes)?;
        let bytes = if archive && extension == "xlsb" { xlsb::plain(bytes)?.into() } else { bytes.into() };
        Ok(Self { bytes, extension, uncomputed })
    }
}

/// An opened workbook.
pub(super) struct Workbook<'a> {
    kind: Kind<'a>,
    uncomputed: bool,
}

enum Kind<'a> {
    Xlsx(Xlsx<Cursor<&'a [u8]>>),
    Xls(Xls<Cursor<&'a [u8]>>),
    Xlsb(Xlsb<Cursor<&'a [u8]>>),
    Ods(Ods<'a>),
}

impl<'a> Workbook<'a> {
    /// Opens a workbook by the extension of its file.
    ///
    /// # Errors
    /// In the words of the reader, where the bytes are no such workbook.
    pub(super) fn open(checked: &'a Checked<'_>) -> Result<Self, String> {
        let cursor = Cursor::new(&*checked.bytes);
        let kind = match checked.extension {
            "xls" => Kind::Xls(Xls::new(cursor).map_err(words)?),
            "xlsb" => Kind::Xlsb(Xlsb::new(cursor).map_err(words)?),
            "ods" => Kind::Ods(Ods::open(&checked.bytes)?),
            _ => Kind::Xlsx(Xlsx::new(cursor).map_err(words)?),
        };
        Ok(Self { kind, uncomputed: checked.uncomputed })
    }

    /// The names of the sheets in their order, and whether each is visible.
    pub(super) fn sheets(&self) -> Vec<(String, bool)> {
        let visible = |sheets: &[Sheet]| {
            let sheets = sheets.iter();
            sheets.map(|sheet| (sheet.name.clone(), sheet.visible == SheetVisible::Visible)).collect()
        };
        match &self.kind {
            Kind::Xlsx(workbook) => visible(workbook.sheets_metadata()),
            Kind::Xls(workbook) => visible(workbook.sheets_metadata()),
            Kind::Xlsb(workbook) => visible(workbook.sheets_metadata()),
            Kind::Ods(workbook) => workbook.sheets.clone(),
        }
    }

    /// The cells of a sheet, from the first row and column on, and those that are merged where the format's reader tells.
    ///
    /// # Errors
    /// In the words of the reader, where the sheet is damaged.
    pub(super) fn cells(&mut self, sheet: &str) -> Result<Cells, String> {
        match &mut self.kind {
            Kind::Xlsx(workbook) => of_xlsx(workbook, sheet),
            Kind::Xls(workbook) => of_xls(workbook, sheet, self.uncomputed),
            Kind::Xlsb(workbook) => of_xlsb(workbook, sheet),
            Kind::Ods(workbook) => workbook.cells(sheet),
        }
    }
}

type Bytes<'a> = Cursor<&'a [u8]>;

/// Cell by cell: a table of everything between the first and the last cell may be a thousand times as large.
fn of_xlsx(workbook: &mut Xlsx<Bytes<'_>>, sheet: &str) -> Result<Cells, String> {
    let mut cells = Cells::default();
    let mut reader = workbook.worksheet_cells_reader(sheet).map_err(words)?;
    while let Some(cell) = reader.next_cell_with_formula_metadata().map_err(words)? {
        let value = match cell.value {
            DataRef::Empty if cell.formula.is_some() => CellValue::unsaved(),
            saved => value(&saved.into()),
        };
        cells.put(cell.pos.0 as usize, cell.pos.1 as usize, value)?;
    }
    drop(reader);
    let merged = workbook.merge_cells_by_sheet_name(sheet).map_err(words)?;
    cells.merged = merged.into_iter().map(Area::from).collect();
    Ok(cells)
}

fn of_xlsb(workbook: &mut Xlsb<Bytes<'_>>, sheet: &str) -> Result<Cells, String> {
    let mut cells = Cells::default();
    let mut reader = workbook.worksheet_cells_reader(sheet).map_err(words)?;
    while let Some(cell) = reader.next_cell().map_err(words)? {
        let (row, column) = cell.get_position();
        cells.put(row as usize, column as usize, value(&cell.get_value().clone().into()))?;
    }
    Ok(cells)
}

fn of_xls(workbook: &mut Xls<Bytes<'_>>, sheet: &str, uncomputed: bool) -> Result<Cells, String> {
    let mut cells = Cells::default();
    let range = workbook.worksheet_range(sheet).map_err(words)?;
    let (first_row, first_column) = range.start().unwrap_or_default();
    for (row, column, data) in range.used_cells() {
        cells.put(first_row as usize + row, first_column as usize + column, value(data))?;
    }
    let formulas = workbook.worksheet_formula(sheet).map_err(words)?;
    let (formula_row, formula_column) = formulas.start().unwrap_or_default();
    for (row, column, _) in formulas.used_cells() {
        let at = (
            formula_row + u32::try_from(row).unwrap_or(0),
            formula_column + u32::try_from(column).unwrap_or(0),
        );
        let saved = range.get_value(at).is_some_and(|data| *data != Data::Empty);
        if cells.is_empty(at.0 as usize, at.1 as usize) && (uncomputed || !saved) {
            cells.put(at.0 as usize, at.1 as usize, CellValue::unsaved())?;
        }
    }
    cells.merged =
        workbook.merge_cells_by_sheet_name(sheet).map_err(words)?.into_iter().map(Area::from).collect();
    Ok(cells)
}

fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn value(data: &Data) -> CellValue {
    match data {
        Data::Empty => CellValue::Empty,
        // Whole numbers beyond 2^53 are none that a person typed.
        #[allow(clippy::cast_precision_loss)]
        Data::Int(number) => CellValue::Number(*number as f64),
        Data::Float(number) => CellValue::of_number(*number),
        Data::String(text) => CellValue::of_sheet_text(text),
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
