//! What is said once for many: findings of one list that differ only by their resource, and gaps with one reason.

use std::collections::BTreeMap;

use crate::model::{Advice, Audit, Finding, Problem, Scope};
use crate::render::thousands;

use super::words::{kind_rank, place, to_do};

/// Findings of one list with the same key, problem and remedy.
pub(super) struct Group<'a> {
    pub(super) key: &'a str,
    pub(super) problem: Problem,
    /// What is to be done about each.
    pub(super) to_do: String,
    /// At least one, in the audit's order.
    pub(super) findings: Vec<&'a Finding>,
}

impl Group<'_> {
    /// How many findings.
    pub(super) fn len(&self) -> usize {
        self.findings.len()
    }
}

/// The groups of one list, the largest first.
pub(super) fn groups(audit: &Audit, advice: Advice) -> Vec<Group<'_>> {
    let mut found: BTreeMap<(&str, Problem, &str), Vec<&Finding>> = BTreeMap::new();
    for finding in audit.of(advice) {
        found.entry((&finding.key, finding.problem, &finding.expected)).or_default().push(finding);
    }
    let mut groups: Vec<Group<'_>> = found
        .into_iter()
        .map(|((key, problem, expected), findings)| Group {
            key,
            problem,
            to_do: to_do(advice, problem, key, expected),
            findings,
        })
        .collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.len()));
    groups
}

/// `980 in us-east-1, 20 in eu-west-1`, the largest first and no more than `most` places.
pub(super) fn by_place(findings: &[&Finding], many_accounts: bool, most: usize) -> String {
    let mut counts: BTreeMap<&Scope, usize> = BTreeMap::new();
    for finding in findings {
        *counts.entry(&finding.scope).or_default() += 1;
    }
    let mut counts: Vec<(&Scope, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let mut parts: Vec<String> = counts
        .iter()
        .take(most)
        .map(|(scope, count)| format!("{} in {}", thousands(*count), place(scope, many_accounts)))
        .collect();
    let rest: usize = counts.iter().skip(most).map(|(_, count)| count).sum();
    if rest > 0 {
        parts.push(format!("{} elsewhere", thousands(rest)));
    }
    parts.join(", ")
}

/// Places of which the same kinds could not be read for the same reason.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct GapGroup<'a> {
    /// Plurals.
    pub(super) kinds: Vec<&'a str>,
    pub(super) scopes: Vec<&'a Scope>,
    pub(super) reason: &'a str,
}

impl GapGroup<'_> {
    /// `instances, volumes`.
    pub(super) fn kinds_words(&self) -> String {
        self.kinds.join(", ")
    }

    /// `ap-south-1, us-east-1`.
    pub(super) fn places(&self, many_accounts: bool) -> String {
        let places: Vec<String> = self.scopes.iter().map(|scope| place(scope, many_accounts)).collect();
        places.join(", ")
    }
}

/// All gaps.
pub(super) fn gap_groups(audit: &Audit) -> Vec<GapGroup<'_>> {
    let mut kinds: BTreeMap<(&str, &Scope), Vec<&str>> = BTreeMap::new();
    for gap in &audit.gaps {
        kinds.entry((&gap.reason, &gap.scope)).or_default().push(&gap.kind);
    }
    let mut scopes: BTreeMap<(&str, Vec<&str>), Vec<&Scope>> = BTreeMap::new();
    for ((reason, scope), mut kinds) in kinds {
        kinds.sort_by_key(|plural| (kind_rank(plural), *plural));
        scopes.entry((reason, kinds)).or_default().push(scope);
    }
    scopes.into_iter().map(|((reason, kinds), scopes)| GapGroup { kinds, scopes, reason }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::audit::fixtures::{audit_of, finding, gap, gaps_only};

    #[test]
    fn the_same_finding_is_one_group_and_the_largest_is_first() {
        let findings = vec![
            finding(Advice::Fix, Problem::Empty, 1),
            finding(Advice::Fix, Problem::Missing, 2),
            finding(Advice::Fix, Problem::Missing, 3),
            finding(Advice::Delete, Problem::Expired, 4),
        ];
        let audit = audit_of(findings);
        let groups = groups(&audit, Advice::Fix);
        let sizes: Vec<(Problem, usize)> = groups.iter().map(|group| (group.problem, group.len())).collect();
        assert_eq!(sizes, [(Problem::Missing, 2), (Problem::Empty, 1)]);
    }

    #[test]
    fn one_reason_is_told_once() {
        let mut audit = gaps_only();
        audit.gaps = vec![
            gap("us-east-1", "volumes", "denied"),
            gap("us-east-1", "instances", "denied"),
            gap("eu-west-1", "instances", "denied"),
            gap("eu-west-1", "volumes", "denied"),
            gap("eu-west-1", "databases", "timed out"),
        ];
        let words: Vec<(String, String, &str)> = gap_groups(&audit)
            .iter()
            .map(|group| (group.kinds_words(), group.places(false), group.reason))
            .collect();
        assert_eq!(
            words,
            [
                ("instances, volumes".to_owned(), "eu-west-1, us-east-1".to_owned(), "denied"),
                ("databases".to_owned(), "eu-west-1".to_owned(), "timed out"),
            ]
        );
    }

    #[test]
    fn places_are_counted_and_the_rest_is_told() {
        let mut findings: Vec<Finding> =
            (0..3).map(|number| finding(Advice::Fix, Problem::Missing, number)).collect();
        findings[2].scope.region = "eu-west-1".to_owned();
        let findings: Vec<&Finding> = findings.iter().collect();
        assert_eq!(by_place(&findings, false, 5), "2 in us-east-1, 1 in eu-west-1");
        assert_eq!(by_place(&findings, false, 1), "2 in us-east-1, 1 elsewhere");
    }
}
