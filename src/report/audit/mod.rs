//! An audit for people and for programs: one file a format.

mod csv;
mod groups;
mod html;
mod json;
mod junit;
mod markdown;
mod table;
mod words;
mod xlsx;

#[cfg(test)]
mod fixtures;

pub use self::csv::audit_csv;
pub use html::audit_html;
pub use json::audit_json;
pub use junit::audit_junit;
pub use markdown::audit_markdown;
pub use table::audit_table;
pub use xlsx::audit_xlsx;
