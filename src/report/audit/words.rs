//! An audit's parts in words; escaping them is each format's matter.

use std::collections::BTreeSet;

use crate::inventory::TargetKind;
use crate::model::{Advice, Audit, Finding, Gap, Problem, Scope};
use crate::render::{count_of, quoted, thousands};

/// The order in which people think of kinds; others follow by name.
const ORDER: [&str; 4] = ["instances", "volumes", "databases", "clusters"];

/// `Delete advised`; short enough for the name of a sheet.
pub(super) fn list_title(advice: Advice) -> &'static str {
    match advice {
        Advice::Delete => "Delete advised",
        Advice::Change => "Change advised",
        Advice::Fix => "Tags to fix",
    }
}

/// The name of a list in JSON, CSV and links.
pub(super) fn list_name(advice: Advice) -> &'static str {
    match advice {
        Advice::Delete => "delete",
        Advice::Change => "change",
        Advice::Fix => "fix",
    }
}

/// What stands in a list without findings.
pub(super) fn list_empty(audit: &Audit, advice: Advice) -> String {
    let nothing = match advice {
        Advice::Delete => "Nothing to delete",
        Advice::Change => "Nothing to change",
        Advice::Fix => "No tag to fix",
    };
    format!("{nothing}{}.", if audit.gaps.is_empty() { "" } else { " in what could be read" })
}

/// `12 to delete`, `1 tag to fix`.
pub(super) fn list_count(advice: Advice, count: usize) -> String {
    match advice {
        Advice::Delete => format!("{} to delete", thousands(count)),
        Advice::Change => format!("{} to change", thousands(count)),
        Advice::Fix => count_of(count, "tag to fix", "tags to fix"),
    }
}

/// `12 to delete, 3 to change, 240 tags to fix`.
pub(super) fn totals(audit: &Audit) -> String {
    if audit.findings.is_empty() {
        let nothing =
            if audit.gaps.is_empty() { "nothing to do" } else { "nothing to do in what could be read" };
        return nothing.to_owned();
    }
    Advice::ALL.map(|advice| list_count(advice, audit.of(advice).count())).join(", ")
}

/// The same behind what nobody may overlook: `NOT COMPLETE; 12 to delete, …`.
pub(super) fn totals_or_less(audit: &Audit) -> String {
    let incomplete = if audit.gaps.is_empty() { "" } else { "NOT COMPLETE; " };
    format!("{incomplete}{}", totals(audit))
}

/// `checked 1,000 instances, 40 databases in 4 regions`.
pub(super) fn checked(audit: &Audit) -> String {
    let what: Vec<String> = checked_kinds(audit)
        .iter()
        .map(|(plural, count)| count_of(*count, plural.strip_suffix('s').unwrap_or(plural), plural))
        .collect();
    let what = if what.is_empty() { "nothing".to_owned() } else { what.join(", ") };
    let regions: BTreeSet<&str> = audit.scopes.iter().map(|scope| &*scope.region).collect();
    let accounts: BTreeSet<&str> = audit.scopes.iter().map(|scope| &*scope.account).collect();
    let of = match accounts.len() {
        0 | 1 => String::new(),
        many => format!(" of {} accounts", thousands(many)),
    };
    let all: BTreeSet<&str> =
        audit.scopes.iter().chain(&audit.left_out).map(|scope| &*scope.region).collect();
    let regions = match all.len() - regions.len() {
        0 => count_of(regions.len(), "region", "regions"),
        _ => format!("{} of {}", thousands(regions.len()), count_of(all.len(), "region", "regions")),
    };
    format!("checked {what} in {regions}{of}")
}

/// The kinds that were looked at and how many of each, in the order of [`ORDER`].
pub(super) fn checked_kinds(audit: &Audit) -> Vec<(&str, usize)> {
    let mut kinds: Vec<(&str, usize)> =
        audit.checked.iter().map(|(plural, count)| (plural.as_str(), *count)).collect();
    kinds.sort_by_key(|(plural, _)| (kind_rank(plural), *plural));
    kinds
}

/// The place of a kind among kinds.
pub(super) fn kind_rank(plural: &str) -> usize {
    ORDER.iter().position(|known| *known == plural).unwrap_or(ORDER.len())
}

/// `NOT COMPLETE: 2 regions could not be read in full`; `None` for a whole audit.
pub(super) fn gaps_title(audit: &Audit) -> Option<String> {
    let scopes: BTreeSet<&Scope> = audit.gaps.iter().map(|gap| &gap.scope).collect();
    let count = count_of(scopes.len(), "region", "regions");
    (!scopes.is_empty()).then(|| format!("NOT COMPLETE: {count} could not be read in full"))
}

/// What a reader must know about gaps.
pub(super) const GAPS_MEANING: &str =
    "What could not be read was not checked: there may be more to delete, change and fix.";

/// `instances`, the plural of a target's kind.
pub(super) fn kind_plural(kind: &str) -> String {
    TargetKind::from_name(kind)
        .map_or_else(|| format!("{}s", kind.replace('_', " ")), |kind| kind.plural().to_owned())
}

/// `instance`.
pub(super) fn kind_noun(kind: &str) -> String {
    let plural = kind_plural(kind);
    plural.strip_suffix('s').map_or_else(|| plural.clone(), str::to_owned)
}

/// The Name tag; empty where there is none.
pub(super) fn name(finding: &Finding) -> &str {
    if finding.target.name == finding.target.id { "" } else { &finding.target.name }
}

/// Whether regions alone do not tell places apart.
pub(super) fn many_accounts(audit: &Audit) -> bool {
    let findings = audit.findings.iter().map(|finding| &finding.scope);
    let scopes = audit.scopes.iter().chain(findings).chain(audit.gaps.iter().map(|gap: &Gap| &gap.scope));
    scopes.map(|scope| &*scope.account).collect::<BTreeSet<_>>().len() > 1
}

/// `us-east-1`, or `111122223333/us-east-1` among several accounts.
pub(super) fn place(scope: &Scope, many_accounts: bool) -> String {
    if many_accounts { scope.to_string() } else { scope.region.clone() }
}

/// What is wrong, with the value found: `"prd" is not allowed`. Values are in quotes and without control characters.
pub(super) fn wrong(finding: &Finding) -> String {
    let value = finding.found.as_deref().map_or_else(|| "the value".to_owned(), quoted);
    let found_key = finding.found_key.as_deref().map(quoted);
    match (finding.problem, found_key) {
        (Problem::Missing, _) => "missing".to_owned(),
        (Problem::Misspelt, Some(key)) => format!("written {key}"),
        (Problem::Misspelt, None) => "misspelt".to_owned(),
        (Problem::Ambiguous, Some(key)) => format!("in several spellings: {key}"),
        (Problem::Ambiguous, None) => "in several spellings".to_owned(),
        (problem, key) => {
            let words = match problem {
                Problem::Empty => "empty".to_owned(),
                Problem::NotAllowed => format!("{value} is not allowed"),
                other => format!("{value} {}", other.words()),
            };
            key.map_or_else(|| words.clone(), |key| format!("{words} (written {key})"))
        }
    }
}

/// What is there: `"prd"`, `"Owner" = "kim"`; empty where there is nothing.
pub(super) fn found(finding: &Finding) -> String {
    let parts = [finding.found_key.as_deref(), finding.found.as_deref()];
    parts.into_iter().flatten().map(quoted).collect::<Vec<_>>().join(" = ")
}

/// What is to be done: `add the tag: one of prod, dev`.
pub(super) fn to_do(advice: Advice, problem: Problem, key: &str, expected: &str) -> String {
    let what = match (advice, problem) {
        (Advice::Delete, _) => "delete the resource, or set a later date",
        (_, Problem::TooFarAhead) => "set an earlier date",
        (_, Problem::Expired) => "set a later date",
        (_, Problem::Missing) => "add the tag",
        (_, Problem::Misspelt) => return format!("rename the tag to {}", quoted(key)),
        (_, Problem::Ambiguous) => return format!("keep one tag, written {}", quoted(key)),
        (_, Problem::Empty) => "give the tag a value",
        (_, Problem::Pattern | Problem::NotAllowed | Problem::NotADate) => "change the value",
    };
    if expected.trim().is_empty() { what.to_owned() } else { format!("{what}: {expected}") }
}

/// [`to_do`] of one finding.
pub(super) fn finding_to_do(finding: &Finding) -> String {
    to_do(finding.advice, finding.problem, &finding.key, &finding.expected)
}

/// The columns of formats with one finding a row.
pub(super) const COLUMNS: [&str; 16] = [
    "list",
    "kind",
    "id",
    "name",
    "owner",
    "account",
    "region",
    "rule",
    "key",
    "problem",
    "found_key",
    "found",
    "expected",
    "wrong",
    "since",
    "to_do",
];

/// A finding's cells in the order of [`COLUMNS`].
pub(super) fn cells(finding: &Finding) -> [String; 16] {
    [
        list_name(finding.advice).to_owned(),
        kind_noun(&finding.target.kind),
        finding.target.id.clone(),
        name(finding).to_owned(),
        finding.owner.clone().unwrap_or_default(),
        finding.scope.account.clone(),
        finding.scope.region.clone(),
        finding.rule.clone(),
        finding.key.clone(),
        finding.problem.name().to_owned(),
        finding.found_key.clone().unwrap_or_default(),
        finding.found.clone().unwrap_or_default(),
        finding.expected.clone(),
        wrong(finding),
        finding.since.map_or_else(String::new, |day| day.to_string()),
        finding_to_do(finding),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::audit::fixtures::{audit_of, finding, hostile, sample};

    #[test]
    fn the_summary_counts_what_was_checked_and_found() {
        let audit = sample();
        assert_eq!(
            checked(&audit),
            "checked 1,000 instances, 2,000 volumes, 40 databases, 1 cluster in 4 regions of 2 accounts"
        );
        assert_eq!(totals(&audit), "4 to delete, 2 to change, 36 tags to fix");
        assert_eq!(checked(&audit_of(Vec::new())), "checked nothing in 1 region");
        assert_eq!(totals(&audit_of(Vec::new())), "nothing to do");
    }

    #[test]
    fn what_is_wrong_names_the_value_and_the_spelling() {
        let mut prd = finding(Advice::Fix, Problem::NotAllowed, 1);
        prd.found = Some("p\"rd\n".to_owned());
        assert_eq!(wrong(&prd), r#""p\"rd\n" is not allowed"#);
        prd.found_key = Some("ENV ".to_owned());
        assert_eq!(wrong(&prd), r#""p\"rd\n" is not allowed (written "ENV ")"#);
        prd.problem = Problem::Misspelt;
        assert_eq!(wrong(&prd), r#"written "ENV ""#);
        assert_eq!(found(&prd), r#""ENV " = "p\"rd\n""#);
        assert_eq!(finding_to_do(&prd), r#"rename the tag to "Env""#);
    }

    #[test]
    fn no_words_are_without_an_end() {
        for finding in hostile().findings {
            assert!(!wrong(&finding).trim().is_empty() && !finding_to_do(&finding).ends_with(": "));
        }
    }
}
