//! A plan for the terminal: cost and counts, dangers, the rest, the total, the dangers again.

mod fields;
mod groups;
mod summary;
mod total;

pub(super) use fields::value_table;
pub(super) use summary::{is_refused, label_counts};
pub(super) use total::{blocking_words, notes, nothing_to_do, saving_words, total_parts};

use crate::plan::{Plan, Verb};

use super::drift::happened;
use super::fold::{folded, unfolded};
use super::line::Page;
use super::words::{Nouns, verb_sign, verb_word};
use super::{Detail, Heading, PlanView};

/// The plan as a person reviews it. Ends with a line break.
pub fn plan_text(plan: &Plan, view: &PlanView<'_>) -> String {
    let happened = (view.heading == Heading::Drift).then(|| happened(plan));
    let plan = happened.as_ref().unwrap_or(plan);
    let nouns = Nouns(view.kinds);
    let mut page = Page::new(view.palette);
    let groups = folded(plan, nouns);
    let alone = (view.detail == Detail::Full).then(|| unfolded(plan, nouns));
    let shown = match view.detail {
        Detail::Summary => &[],
        Detail::Folded => &groups[..],
        Detail::Full => alone.as_deref().unwrap_or_default(),
    };
    let mut layout = Layout::new(plan, view);
    let heads = groups::heads(shown, &mut layout, view);
    summary::head(&mut page, plan, view.heading, layout.right);
    summary::table(&mut page, plan, view.heading);
    groups::show(&mut page, shown, heads, &layout, nouns);
    total::show(&mut page, plan, &groups, view);
    page.finish()
}

/// The columns that every change of a plan shares.
#[derive(Clone, Copy, Debug)]
struct Layout {
    /// Width of the signs: wider where there is a replace.
    sign: usize,
    /// Width of the verbs.
    verb: usize,
    /// The column of origins and causes.
    right: usize,
    /// Whether regions must be told apart.
    many_scopes: bool,
    /// Whether accounts must be told apart.
    many_accounts: bool,
    /// How much is shown.
    detail: Detail,
    /// What the plan is for.
    heading: Heading,
}

impl Layout {
    fn new(plan: &Plan, view: &PlanView<'_>) -> Self {
        let verbs: Vec<Verb> = Verb::ALL.into_iter().filter(|verb| plan.count(*verb) > 0).collect();
        let mut scopes: Vec<_> = plan.changes.iter().map(|change| &change.address.scope).collect();
        scopes.extend(&plan.scopes);
        Self {
            sign: verbs.iter().map(|verb| verb_sign(*verb).chars().count()).max().unwrap_or(1),
            verb: verbs.iter().map(|verb| verb_word(*verb, view.heading).len()).max().unwrap_or(6),
            right: 0,
            many_scopes: scopes.iter().any(|scope| *scope != scopes[0]),
            many_accounts: scopes.iter().any(|scope| scope.account != scopes[0].account),
            detail: view.detail,
            heading: view.heading,
        }
    }

    /// The column at which the text of a change begins.
    fn body(&self) -> usize {
        self.sign + 1 + self.verb + 2
    }
}
