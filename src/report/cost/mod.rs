//! The cost report in its forms: for people a workbook and a page, both made of the same tables, and text for a terminal; for
//! programs CSV and JSON.

mod csv;
mod html;
mod json;
mod svg;
mod table;
mod tables;
mod terminal;
mod totals;
mod words;
mod xlsx;

#[cfg(test)]
mod fixtures;

pub use csv::cost_csv;
pub use html::cost_html;
pub use json::cost_json;
pub use terminal::{cost_summary, cost_text};
pub use xlsx::{CostWorkbookError, cost_xlsx};
