//! Files of sheets: workbooks, delimited text, and what the AWS CLI prints.
//!
//! [`files::read_files`] is the one place that reads the disk; everything else is pure, from bytes to a [`Sheet`] whose
//! every value knows its cell.

mod choice;
mod contain;
mod decode;
mod delimited;
mod files;
mod format;
mod grid;
mod listing;
mod row;
mod table;
mod value;
mod workbook;

pub use choice::{SheetChoice, SheetName};
pub use files::{Bytes, FileFault, Files, read_files};
pub use grid::{Grid, grids};
pub use row::RowReader;
pub use table::Sheet;
pub use value::CellValue;

#[cfg(test)]
mod tests;
