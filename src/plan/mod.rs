//! The plan: complete, pure data about what would change and why.
//!
//! Architecture invariant: this module imports `model` only, holds nothing about display and knows no kind by name.

mod change;
mod planner;
mod remaining;
mod saved;
mod select;
mod stale;

pub use change::{
    Absence, AsDeclared, Cause, Change, Covered, Deed, FieldChange, Held, Outlook, Plan, PreviousResource,
    ReadCost, Reason, Refresh, Saving, SavingTotal, Tagged, Verb,
};
pub use planner::{PlanInput, PlanOptions, plan};
pub use remaining::{Remaining, Settled};
pub use saved::{PLAN_FORMAT, PLAN_VERSION, Provenance, SavedPlan, SavedPlanError};
pub use select::{Pattern, Selection};
pub use stale::{StaleObject, Staleness, Touched};
