//! What read-only jobs tell.
//!
//! Architecture invariant: pure, from values to text and bytes; reading is the commands' matter.

mod fleet;
mod import;

pub use fleet::FleetSheet;
pub use import::{FoundAlarm, declarations};
