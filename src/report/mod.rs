//! What read-only jobs tell.
//!
//! Architecture invariant: pure, from values to text and bytes; reading is the commands' matter.

mod alarm_list;
mod fleet;
mod import;

pub use alarm_list::{AlarmList, Names, alarm_list};
pub use fleet::FleetSheet;
pub use import::{Declarations, FoundAlarm, Surroundings, declarations};
