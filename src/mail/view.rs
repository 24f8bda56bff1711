//! What a template may show of an audit: plain values, made safe and short.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::manifest::MailSettings;
use crate::model::{Advice, Audit, Finding, Gap, Scope};
use crate::render::clean;

/// Characters of a tag's value, a reason or what a rule asks for; more is no help in a table.
const LONG_TEXT: usize = 160;
/// Characters of a name, an id or a key.
const SHORT_TEXT: usize = 80;
/// Gaps and unusable owners that are listed.
const LISTED: usize = 20;

/// The variables of a template.
#[allow(clippy::struct_excessive_bools)] // Templates ask for each of them by its name.
#[derive(Debug, Serialize)]
pub(super) struct View {
    pub(super) project: String,
    pub(super) subject: String,
    pub(super) language: &'static str,
    pub(super) date: String,
    pub(super) timezone: String,
    /// Whether it is the team's mail.
    pub(super) team: bool,
    /// The owner's address; empty for the team.
    pub(super) owner: String,
    /// Whether an owner's tags name them.
    pub(super) named: bool,
    /// Whether some findings come to them for want of another owner.
    pub(super) by_default: bool,
    pub(super) checked_total: usize,
    pub(super) checked: Vec<Checked>,
    /// How many owners that tags name get a mail of their own.
    pub(super) mailed: usize,
    /// Whether the default owner gets a mail.
    pub(super) default_mailed: bool,
    /// The regions that were looked at, where the manifest has others that were left out; else none.
    pub(super) regions: Vec<String>,
    /// How many regions the manifest has.
    pub(super) all_regions: usize,
    pub(super) gaps: Vec<GapView>,
    pub(super) more_gaps: usize,
    pub(super) unusable: Vec<Unusable>,
    pub(super) more_unusable: usize,
    /// The keys of the texts that say what becomes of their findings.
    pub(super) unusable_advice: Vec<&'static str>,
    pub(super) deletes: usize,
    pub(super) changes: usize,
    pub(super) fixes: usize,
    pub(super) sections: Vec<Section>,
}

/// How many resources of a kind were looked at.
#[derive(Debug, Serialize)]
pub(super) struct Checked {
    /// In the plural: `volumes`.
    pub(super) kind: String,
    pub(super) n: usize,
}

/// An owner that is no address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Unusable {
    pub(super) value: String,
    pub(super) findings: usize,
}

#[derive(Debug, Serialize)]
pub(super) struct GapView {
    pub(super) kind: String,
    pub(super) account: String,
    pub(super) region: String,
    pub(super) reason: String,
}

/// One of an audit's lists.
#[derive(Debug, Serialize)]
pub(super) struct Section {
    /// `delete`, `change` or `fix`.
    pub(super) name: &'static str,
    pub(super) total: usize,
    /// How many of them are no rows.
    pub(super) more: usize,
    pub(super) rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
pub(super) struct Row {
    /// Whether it is about the resource of the row before.
    pub(super) same: bool,
    pub(super) kind: String,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) account: String,
    pub(super) region: String,
    pub(super) owner: Option<String>,
    pub(super) rule: String,
    pub(super) key: String,
    pub(super) problem: &'static str,
    pub(super) found_key: String,
    pub(super) found: Option<String>,
    pub(super) expected: String,
    pub(super) since: Option<String>,
}

/// Who a mail is for.
#[derive(Clone, Debug)]
pub(super) enum Reader<'a> {
    /// The team.
    Team {
        /// How many owners that tags name get a mail of their own.
        mailed: usize,
        /// Whether the default owner gets a mail.
        default_mailed: bool,
        /// Owners that are no address.
        unusable: &'a [Unusable],
    },
    /// One owner.
    Owner {
        /// The address.
        address: &'a str,
        /// Whether a tag names them.
        named: bool,
        /// Whether some findings come to them for want of another owner.
        by_default: bool,
    },
}

impl View {
    /// The view of these findings for a reader, with at most `most_rows` rows. The subject is still empty.
    pub(super) fn new(
        audit: &Audit,
        findings: &[&Finding],
        reader: &Reader<'_>,
        settings: &MailSettings,
        most_rows: usize,
    ) -> Self {
        let sections = sections(findings, most_rows);
        let total = |advice| findings.iter().filter(|finding| finding.advice == advice).count();
        let (team, owner, named, by_default) = match *reader {
            Reader::Team { .. } => (true, "", false, false),
            Reader::Owner { address, named, by_default } => (false, address, named, by_default),
        };
        let (mailed, default_mailed, unusable): (_, _, &[Unusable]) = match *reader {
            Reader::Team { mailed, default_mailed, unusable } => (mailed, default_mailed, unusable),
            Reader::Owner { .. } => (0, false, &[]),
        };
        let (regions, all_regions) = regions(audit);
        Self {
            project: short(&audit.project, SHORT_TEXT),
            subject: String::new(),
            language: settings.language.code(),
            date: audit.today.to_string(),
            timezone: short(&audit.timezone, SHORT_TEXT),
            team,
            owner: owner.to_owned(),
            named,
            by_default,
            checked_total: audit.checked.values().sum(),
            checked: audit.checked.iter().map(|(kind, n)| Checked { kind: kind.clone(), n: *n }).collect(),
            mailed,
            default_mailed,
            regions,
            all_regions,
            gaps: audit.gaps.iter().take(LISTED).map(GapView::new).collect(),
            more_gaps: audit.gaps.len().saturating_sub(LISTED),
            unusable: unusable.iter().take(LISTED).map(Unusable::short).collect(),
            more_unusable: unusable.len().saturating_sub(LISTED),
            unusable_advice: unusable_advice(settings),
            deletes: total(Advice::Delete),
            changes: total(Advice::Change),
            fixes: total(Advice::Fix),
            sections,
        }
    }
}

/// The regions that were looked at where others were left out, and the number of all.
fn regions(audit: &Audit) -> (Vec<String>, usize) {
    let names =
        |scopes: &[Scope]| -> BTreeSet<String> { scopes.iter().map(|scope| scope.region.clone()).collect() };
    let (asked, left_out) = (names(&audit.scopes), names(&audit.left_out));
    let all = asked.union(&left_out).count();
    let some = if all > asked.len() { asked.into_iter().collect() } else { Vec::new() };
    (some, all)
}

/// What is said of owners that mail cannot reach depends on what is set already.
fn unusable_advice(settings: &MailSettings) -> Vec<&'static str> {
    let mut keys = Vec::new();
    if settings.owner_domain.is_none() {
        keys.push("unusable_domain");
    }
    if settings.owners {
        let default = !settings.default_owner.is_empty();
        keys.push(if default { "unusable_default" } else { "unusable_no_default" });
    }
    keys
}

/// The three lists. Rows are given to them in their order, so that deletes are cut last.
fn sections(findings: &[&Finding], most_rows: usize) -> Vec<Section> {
    let mut left = most_rows;
    Advice::ALL
        .into_iter()
        .map(|advice| {
            let all: Vec<&&Finding> = findings.iter().filter(|finding| finding.advice == advice).collect();
            let before = std::iter::once(None).chain(all.iter().map(Some));
            let rows: Vec<Row> = before
                .zip(&all)
                .take(left)
                .map(|(before, finding)| Row::new(finding, before.copied().copied()))
                .collect();
            left -= rows.len();
            Section { name: name_of(advice), total: all.len(), more: all.len() - rows.len(), rows }
        })
        .collect()
}

fn name_of(advice: Advice) -> &'static str {
    match advice {
        Advice::Delete => "delete",
        Advice::Change => "change",
        Advice::Fix => "fix",
    }
}

impl Row {
    fn new(finding: &Finding, before: Option<&Finding>) -> Self {
        let resource = |finding: &Finding| (finding.scope.clone(), finding.target.clone());
        Self {
            same: before.is_some_and(|before| resource(before) == resource(finding)),
            kind: short(&finding.target.kind, SHORT_TEXT),
            id: short(&finding.target.id, SHORT_TEXT),
            name: short(&finding.target.name, SHORT_TEXT),
            account: finding.scope.account.clone(),
            region: finding.scope.region.clone(),
            owner: finding.owner.as_deref().map(|owner| short(owner, SHORT_TEXT)).filter(|o| !o.is_empty()),
            rule: finding.rule.clone(),
            key: short(&finding.key, SHORT_TEXT),
            problem: finding.problem.name(),
            found_key: finding.found_key.as_deref().map(|key| short(key, SHORT_TEXT)).unwrap_or_default(),
            found: finding.found.as_deref().map(|value| short(value, LONG_TEXT)),
            expected: short(&finding.expected, LONG_TEXT),
            since: finding.since.map(|day| day.to_string()),
        }
    }
}

impl GapView {
    fn new(gap: &Gap) -> Self {
        Self {
            kind: short(&gap.kind, SHORT_TEXT),
            account: gap.scope.account.clone(),
            region: gap.scope.region.clone(),
            reason: short(&gap.reason, 2 * LONG_TEXT),
        }
    }
}

impl Unusable {
    fn short(&self) -> Self {
        Self { value: short(&self.value, SHORT_TEXT), findings: self.findings }
    }
}

/// A text on one line of at most this many characters: line breaks and control characters are spelled out, and what is too
/// long ends with `…`.
pub(super) fn short(text: &str, most: usize) -> String {
    let text = text.trim();
    // Spelling out makes a text longer, never shorter, so nothing of the rest could be shown.
    let begin: String = text.chars().take(most + 1).collect();
    let cleaned = clean(&begin);
    if cleaned.chars().count() <= most {
        return cleaned.into_owned();
    }
    let mut cut: String = cleaned.chars().take(most.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stay_on_one_line_and_are_cut() {
        assert_eq!(short("a\r\nb\u{202e}", 20), r"a\r\nb\u{202e}");
        assert_eq!(short("  web-1\n", 20), "web-1");
        assert_eq!(short("가나다라마", 5), "가나다라마");
        assert_eq!(short("가나다라마바", 5), "가나다라…");
    }
}
