//! What opsform made makes something else that bears no tag: whose it is.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Actual, Address, Diagnostic, Diagnostics, Owned, Scope};

use super::Declaration;
use super::target_problems::listed;

/// What the state records, by address.
pub type Records = BTreeMap<Address, Owned>;

/// Nothing is recorded, or nothing that is recorded matters.
pub static NO_RECORDS: Records = Records::new();

/// What a declaration's recorded resources make without tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Products {
    /// The kind of what they make.
    pub kind: &'static str,
    /// Where.
    pub scope: Scope,
    /// The ids of what they make it of.
    pub targets: BTreeSet<String>,
}

/// Of what was found without a tag that which one declaration takes for its own. What several take is left alone, with a
/// warning: nobody can say whose it is.
pub fn claimed_once(
    declarations: &[Box<dyn Declaration>],
    records: &Records,
    found: Vec<Actual>,
    now: jiff::Timestamp,
) -> (Vec<Actual>, Diagnostics) {
    let taken: Vec<BTreeSet<Address>> =
        declarations.iter().map(|declaration| declaration.taken(records, &found, now)).collect();
    let mut claimed = Vec::new();
    let mut unclear: BTreeMap<Vec<usize>, Vec<String>> = BTreeMap::new();
    for live in found {
        let by = taken.iter().enumerate().filter(|(_, taken)| taken.contains(&live.address));
        let by: Vec<usize> = by.map(|(index, _)| index).collect();
        match by.len() {
            0 => {}
            1 => claimed.push(live),
            _ => unclear.entry(by).or_default().push(live.address.key),
        }
    }
    let mut warnings = Diagnostics::new();
    warnings.extend(unclear.into_iter().filter_map(|(by, keys)| {
        let of: Vec<&dyn Declaration> = by.iter().map(|&index| &*declarations[index]).collect();
        let (first, last) = (of.first()?, of.last()?);
        let labels: Vec<&str> = of.iter().map(|one| one.label()).collect();
        let what = listed(&keys, "resources");
        let warning =
            Diagnostic::warning(format!("{} may each have made {what}: left alone", labels.join(" and ")))
                .at(last.place().clone())
                .related(first.place().clone(), format!("{} is here", first.label()))
                .hint("let them run at least half an hour apart");
        Some(warning)
    }));
    (claimed, warnings)
}
