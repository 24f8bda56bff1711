//! The tables of a file before anybody said which is meant and what its columns are.

use std::sync::Arc;

use super::contain::contained;
use super::decode::decode;
use super::delimited;
use super::format::Format;
use super::table::cell_name;
use super::value::CellValue;
use super::workbook::{Checked, Workbook};
use crate::model::{Cell, Place};

/// A table as it stands in a file.
#[derive(Clone, Debug)]
pub struct Grid {
    /// The name of its sheet, in a workbook.
    pub name: Option<Arc<str>>,
    /// Its cells by row and column; a row ends with its last cell.
    pub rows: Vec<Vec<CellValue>>,
}

impl Grid {
    /// The place of a cell, for diagnostics.
    pub fn place(&self, file: &str, row: usize, column: usize) -> Place {
        let value = self.rows.get(row).and_then(|cells| cells.get(column)).map(ToString::to_string);
        Place::Cell(Cell {
            file: file.into(),
            sheet: self.name.clone(),
            cell: cell_name(row, column),
            value: value.unwrap_or_default(),
        })
    }
}

/// The visible tables of a file with this name and content.
///
/// # Errors
/// In words, where the file is no workbook and no delimited text, or damaged.
pub fn grids(file: &str, bytes: &[u8]) -> Result<Vec<Grid>, String> {
    match Format::of(file) {
        Some((Format::Workbook, ending)) => contained(|| of_workbook(bytes, &ending))
            .unwrap_or_else(|| Err("the file is damaged".to_owned()))
            .map_err(|fault| format!("cannot be read as .{ending}: {fault}")),
        Some((Format::Text { separator }, _)) => {
            let text = decode(bytes, None).map_err(|fault| format!("{}; {}", fault.summary, fault.hint))?;
            Ok(vec![Grid { name: None, rows: delimited::rows(&text, separator)? }])
        }
        Some((Format::Listing, _)) | None => {
            Err("is neither a workbook (.xlsx, .xls, .xlsb, .ods) nor delimited text (.csv, .tsv)".to_owned())
        }
    }
}

fn of_workbook(bytes: &[u8], ending: &str) -> Result<Vec<Grid>, String> {
    let checked = Checked::new(bytes, ending)?;
    let mut workbook = Workbook::open(&checked)?;
    let visible = workbook.sheets().into_iter().filter(|(_, visible)| *visible);
    visible.map(|(name, _)| Ok(Grid { rows: workbook.cells(&name)?.rows, name: Some(name.into()) })).collect()
}
