//! Problems that many targets share, told once.

use std::collections::HashMap;

use crate::model::{Diagnostic, Diagnostics, Place, Severity};

/// How many targets a diagnostic lists by name.
const LISTED: usize = 3;

/// One problem with one target. Problems with the same place and the same words are one diagnostic.
///
/// For one target the summary is `{lead}{subject}{tail}`; for many `{lead}1,000 targets{shared}: …` with the first of
/// them by name.
#[derive(Clone, Debug)]
pub(super) struct TargetProblem {
    /// Error or warning.
    pub(super) severity: Severity,
    /// Where it was written.
    pub(super) place: Place,
    /// The cell that the value comes from: what is wrong with a cell is told for each.
    pub(super) cell: Option<Place>,
    /// What comes before the target: `` threshold of alarm.cpu for ``.
    pub(super) lead: String,
    /// The target in words: `i-0abc (web-1)`.
    pub(super) subject: String,
    /// What comes after a single target.
    pub(super) tail: String,
    /// What comes after the number of targets, the same for all of them.
    pub(super) shared: String,
    /// What differs from target to target: a rendered text.
    pub(super) found: Option<String>,
    /// What to do about it.
    pub(super) hint: Option<String>,
}

/// The warning about a `for_each` that selects nothing although nobody wrote that it may.
pub(super) fn selects_nothing(label: &str, place: &Place) -> Diagnostic {
    Diagnostic::warning(format!("`for_each` of {label} selects nothing"))
        .at(place.clone())
        .hint("write `allow_empty = true` if that may be so")
}

/// Collects [`TargetProblem`]s.
#[derive(Debug, Default)]
pub(super) struct TargetProblems {
    groups: Vec<Group>,
    index: HashMap<(String, String, String), usize>,
    /// How many cells were told, by template.
    cells: HashMap<String, usize>,
}

/// So many cells are told one by one for each template; what is wrong with more of them is wrong with the column.
const CELLS: usize = 100;

#[derive(Debug)]
struct Group {
    first: TargetProblem,
    items: Vec<String>,
}

impl TargetProblems {
    /// Adds one.
    pub(super) fn push(&mut self, mut problem: TargetProblem) {
        if problem.cell.is_some() {
            let told = self.cells.entry(problem.place.to_string()).or_default();
            *told += 1;
            if *told <= CELLS {
                self.groups.push(Group { first: problem, items: vec![String::new()] });
                return;
            }
            problem.cell = None;
        }
        let key = (problem.place.to_string(), problem.lead.clone(), problem.shared.clone());
        let item = match &problem.found {
            Some(found) => format!("{found} for {}", problem.subject),
            None => problem.subject.clone(),
        };
        if let Some(&index) = self.index.get(&key) {
            self.groups[index].items.push(item);
            return;
        }
        self.index.insert(key, self.groups.len());
        self.groups.push(Group { first: problem, items: vec![item] });
    }

    /// One diagnostic per group, in the order in which they were first met.
    pub(super) fn into_diagnostics(self) -> Diagnostics {
        let mut diagnostics = Diagnostics::new();
        diagnostics.extend(self.groups.into_iter().map(Group::into_diagnostic));
        diagnostics
    }
}

impl Group {
    fn into_diagnostic(self) -> Diagnostic {
        let Self { first, items } = self;
        let summary = if items.len() == 1 {
            format!("{}{}{}", first.lead, first.subject, first.tail)
        } else {
            let (lead, shared) = (first.lead, first.shared);
            let count = thousands(items.len());
            format!("{lead}{count} targets{shared}: {}", first_few(&items))
        };
        let mut diagnostic = match first.severity {
            Severity::Error => Diagnostic::error(summary),
            Severity::Warning => Diagnostic::warning(summary),
        };
        diagnostic.hint = first.hint;
        match first.cell {
            Some(cell) => diagnostic.at(cell).related(first.place, "the template that reads it"),
            None => diagnostic.at(first.place),
        }
    }
}

/// The item itself, or `3 things: a, b, c`.
pub(super) fn listed(items: &[String], plural: &str) -> String {
    match items {
        [only] => only.clone(),
        all => format!("{} {plural}: {}", thousands(all.len()), first_few(all)),
    }
}

fn first_few(items: &[String]) -> String {
    let few = items[..items.len().min(LISTED)].join(", ");
    match items.len().saturating_sub(LISTED) {
        0 => few,
        more => format!("{few}, … {} more", thousands(more)),
    }
}

/// `1,000` for 1000.
fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(subject: &str) -> TargetProblem {
        TargetProblem {
            severity: Severity::Error,
            place: Place::Named("here".to_owned()),
            cell: None,
            lead: "tag `owner` is missing on ".to_owned(),
            subject: subject.to_owned(),
            tail: String::new(),
            shared: String::new(),
            found: None,
            hint: None,
        }
    }

    fn unfit(subject: &str, text: &str) -> TargetProblem {
        TargetProblem {
            lead: "threshold of alarm.cpu for ".to_owned(),
            tail: format!(": template `t` gave `{text}`, which is not a number"),
            shared: ": template `t` gave what is not a number".to_owned(),
            found: Some(format!("`{text}`")),
            ..missing(subject)
        }
    }

    fn summaries(problems: Vec<TargetProblem>) -> Vec<String> {
        let mut all = TargetProblems::default();
        for problem in problems {
            all.push(problem);
        }
        all.into_diagnostics().into_iter().map(|d| d.summary).collect()
    }

    #[test]
    fn one_target_is_named() {
        assert_eq!(summaries(vec![missing("i-1 (web-1)")]), ["tag `owner` is missing on i-1 (web-1)"]);
        assert_eq!(
            summaries(vec![unfit("i-1", "high")]),
            ["threshold of alarm.cpu for i-1: template `t` gave `high`, which is not a number"]
        );
    }

    #[test]
    fn many_targets_are_one_diagnostic() {
        let many = (1..=1_234).map(|n| missing(&format!("i-{n}"))).collect();
        assert_eq!(summaries(many), ["tag `owner` is missing on 1,234 targets: i-1, i-2, i-3, … 1,231 more"]);
        assert_eq!(
            summaries(vec![unfit("i-1", "high"), missing("i-1"), unfit("i-2", "low")]),
            [
                "threshold of alarm.cpu for 2 targets: template `t` gave what is not a number: \
                 `high` for i-1, `low` for i-2",
                "tag `owner` is missing on i-1",
            ]
        );
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
    }
}
