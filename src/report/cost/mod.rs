//! The cost report in its forms.

mod csv;
mod json;
mod terminal;

#[cfg(test)]
mod fixtures;

pub use csv::cost_csv;
pub use json::cost_json;
pub use terminal::{cost_summary, cost_text};
