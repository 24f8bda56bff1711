//! What read-only jobs tell.
//!
//! Architecture invariant: pure, from values to text and bytes; reading is the commands' matter.

mod alarm_list;
mod audit;
mod cost;
mod fleet;
#[cfg(test)]
mod hostile;
mod import;

pub use alarm_list::{AlarmList, Names, alarm_list};
pub use audit::{audit_csv, audit_html, audit_json, audit_junit, audit_markdown, audit_table, audit_xlsx};
pub use cost::{cost_csv, cost_json, cost_summary, cost_text};
pub use fleet::FleetSheet;
pub use import::{Declarations, FoundAlarm, Surroundings, declarations};
