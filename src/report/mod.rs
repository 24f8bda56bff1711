//! What read-only jobs tell.
//!
//! Architecture invariant: pure, from values to text and bytes; reading is the commands' matter.

mod alarm_list;
mod audit;
mod cost;
mod fleet;
mod import;
mod page;
mod plain;
mod workbook;

#[cfg(test)]
mod hostile;

pub use alarm_list::{AlarmList, Names, alarm_list};
pub use audit::{audit_csv, audit_html, audit_json, audit_junit, audit_markdown, audit_table, audit_xlsx};
pub use cost::{CostWorkbookError, cost_csv, cost_html, cost_json, cost_summary, cost_text, cost_xlsx};
pub use fleet::FleetSheet;
pub use import::{Declarations, FoundAlarm, Surroundings, declarations};
