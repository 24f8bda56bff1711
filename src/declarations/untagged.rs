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

/// What bears no tag, beside what is known of whose it may be.
#[derive(Clone, Copy, Debug)]
pub struct Unclaimed<'a> {
    /// What the state records.
    pub records: &'a Records,
    /// What bears the project's tag (see [`Declaration::tagged_kinds`]).
    pub tagged: &'a [Actual],
    /// What was found of all declarations' products and bears no tag.
    pub found: &'a [Actual],
    /// The time.
    pub now: jiff::Timestamp,
}

/// Of what was found without a tag that which one declaration takes for its own. What several take is left alone, with a
/// warning: nobody can say whose it is.
pub fn claimed_once(
    declarations: &[Box<dyn Declaration>],
    unclaimed: &Unclaimed<'_>,
) -> (Vec<Actual>, Diagnostics) {
    let mut warnings = Diagnostics::new();
    let mut taken: Vec<BTreeSet<Address>> = Vec::with_capacity(declarations.len());
    for declaration in declarations {
        let (of_it, said) = declaration.taken(unclaimed);
        taken.push(of_it);
        warnings.extend(said);
    }
    let mut claimed = Vec::new();
    let mut unclear: BTreeMap<Vec<usize>, Vec<String>> = BTreeMap::new();
    for live in unclaimed.found {
        let by = taken.iter().enumerate().filter(|(_, taken)| taken.contains(&live.address));
        let by: Vec<usize> = by.map(|(index, _)| index).collect();
        match by.len() {
            0 => {}
            1 => claimed.push(live.clone()),
            _ => unclear.entry(by).or_default().push(live.address.key.clone()),
        }
    }
    warnings.extend(unclear.into_iter().filter_map(|(by, keys)| {
        let of: Vec<&dyn Declaration> = by.iter().map(|&index| &*declarations[index]).collect();
        let (first, last) = (of.first()?, of.last()?);
        let labels: Vec<&str> = of.iter().map(|one| one.label()).collect();
        let what = listed(&keys, "resources");
        let warning =
            Diagnostic::warning(format!("{} may each have made {what}: left alone", labels.join(" and ")))
                .at(last.place().clone())
                .related(first.place().clone(), format!("{} is here", first.label()))
                .hint("let them run at least five minutes apart");
        Some(warning)
    }));
    (claimed, warnings)
}
