//! Values as text: plans, diagnostics, state and the outcome of an apply, for terminals, pull requests and programs.
//!
//! Architecture invariant: this module imports `model` and `plan` only, does no I/O, reads neither the clock nor the
//! environment, and knows no kind by name; the words for kinds come in as [`KindText`]s. Every text that a user or AWS
//! wrote goes through [`clean`] or [`quoted`] on its way out.

mod apply;
mod diagnostics;
mod drift;
mod escape;
mod fold;
mod json;
mod line;
mod markdown;
mod markup;
mod owned;
mod palette;
mod reason;
mod table;
mod text;
mod value;
mod words;

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod plan_tests;

use crate::model::KindText;

pub use apply::{ApplySummary, Carried, CutOff, FailureGroup, apply_summary, eta_text};
pub use diagnostics::diagnostics_text;
pub use escape::{clean, quoted};
pub use json::{plan_json, summary_json};
pub use line::{Line, Page, elide_middle};
pub use markdown::plan_markdown;
pub(crate) use markdown::{Room, clipped, size};
pub(crate) use markup::{code, escape, in_table};
pub use owned::{owned_detail, state_list};
pub use palette::{Palette, Tone};
pub use table::{Align, Table};
pub use text::plan_text;
pub use words::{count_of, duration_words, thousands};

/// How a plan is to be shown.
#[derive(Clone, Copy, Debug)]
pub struct PlanView<'a> {
    /// Colours and width; Markdown has neither.
    pub palette: Palette,
    /// How much of each change is shown.
    pub detail: Detail,
    /// The words for the kinds of resource.
    pub kinds: &'a [KindText],
    /// What the plan is for.
    pub heading: Heading,
}

/// How much of each change is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// Numbers, and the names of what is destroyed.
    Summary,
    /// Changes that say the same are shown once.
    #[default]
    Folded,
    /// Every change on its own, with all its fields.
    Full,
}

/// What a plan is for; it words the total and the empty plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Heading {
    /// Live AWS is to become what the manifest says.
    #[default]
    Plan,
    /// What was changed outside opsform; the plan is the one that would put it back.
    Drift,
    /// Everything that the project owns is to be destroyed.
    Destroy,
    /// What was named is to run.
    Start,
    /// What was named is to be stopped.
    Stop,
}

impl Heading {
    /// The word that the total begins with.
    fn word(self) -> &'static str {
        match self {
            Self::Plan => "Plan",
            Self::Drift => "Drift",
            Self::Destroy => "Destroy",
            Self::Start => "Start",
            Self::Stop => "Stop",
        }
    }

    /// What is done by hand: asked for once, and nobody's.
    fn is_by_hand(self) -> bool {
        matches!(self, Self::Start | Self::Stop)
    }
}
