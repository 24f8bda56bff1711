//! A cost report for people: a workbook and a page, both made of the same tables.

mod html;
mod svg;
mod table;
mod tables;
mod totals;
mod words;
mod xlsx;

#[cfg(test)]
mod fixtures;

pub use html::cost_html;
pub use xlsx::{CostWorkbookError, cost_xlsx};
