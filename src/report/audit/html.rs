//! An audit as one HTML file that needs nothing else.

use minijinja::value::Serde;
use serde::Serialize;

use crate::model::{Advice, Audit, Finding};
use crate::render::{count_of, thousands};
use crate::report::page;
use crate::report::plain::plain;

use super::groups::{Group, gap_groups, groups};
use super::words::{
    GAPS_MEANING, checked, found, gaps_title, kind_noun, list_empty, list_name, list_title, many_accounts,
    name, place, totals,
};

/// The name of the template in its environment.
const NAME: &str = "audit.html";

/// A table's columns: their class and their header.
const COLUMNS: [(&str, &str); 7] = [
    ("kind", "Kind"),
    ("id", "Id"),
    ("name", "Name"),
    ("owner", "Owner"),
    ("place", "Region"),
    ("since", "Since"),
    ("found", "Found"),
];

/// The audit as a page for a browser, a mail's attachment or a printer: no scripts, nothing from elsewhere, light or dark
/// as the reader's system is.
///
/// # Errors
/// None in practice: the template is part of the program.
pub fn audit_html(audit: &Audit) -> Result<String, minijinja::Error> {
    page::render(NAME, include_str!("audit.html"), Serde(Page::new(audit)))
}

/// What the template shows; every text is without control characters.
#[derive(Serialize)]
struct Page {
    project: String,
    day: String,
    timezone: String,
    totals: String,
    checked: String,
    gaps_title: Option<String>,
    gaps_meaning: &'static str,
    gaps: Vec<GapLine>,
    lists: Vec<List>,
}

#[derive(Serialize)]
struct GapLine {
    kinds: String,
    places: String,
    reason: String,
}

#[derive(Serialize)]
struct List {
    name: &'static str,
    title: &'static str,
    empty: String,
    number: String,
    groups: Vec<Section>,
}

/// A group with the columns in which it has anything.
#[derive(Serialize)]
struct Section {
    key: String,
    problem: &'static str,
    to_do: String,
    resources: String,
    columns: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

#[derive(Serialize)]
struct Cell {
    class: &'static str,
    label: &'static str,
    text: String,
}

impl Page {
    fn new(audit: &Audit) -> Self {
        let many_accounts = many_accounts(audit);
        let gaps = gap_groups(audit).into_iter().map(|group| GapLine {
            kinds: plain(&group.kinds_words()),
            places: plain(&group.places(many_accounts)),
            reason: plain(group.reason),
        });
        Self {
            project: plain(&audit.project),
            day: audit.today.to_string(),
            timezone: plain(&audit.timezone),
            totals: totals(audit),
            checked: plain(&checked(audit)).replacen('c', "C", 1),
            gaps_title: gaps_title(audit),
            gaps_meaning: GAPS_MEANING,
            gaps: gaps.collect(),
            lists: Advice::ALL.map(|advice| list(audit, advice, many_accounts)).into(),
        }
    }
}

fn list(audit: &Audit, advice: Advice, many_accounts: bool) -> List {
    let groups = groups(audit, advice);
    let count = groups.iter().map(Group::len).sum();
    List {
        name: list_name(advice),
        title: list_title(advice),
        empty: list_empty(audit, advice),
        number: thousands(count),
        groups: groups.iter().map(|group| section(group, many_accounts)).collect(),
    }
}

fn section(group: &Group<'_>, many_accounts: bool) -> Section {
    let rows: Vec<_> = group.findings.iter().map(|finding| row(finding, many_accounts)).collect();
    let columns: Vec<usize> =
        (0..COLUMNS.len()).filter(|column| rows.iter().any(|row| !row[*column].is_empty())).collect();
    let cells = |row: &[String; 7]| {
        let cell = |column: &usize| Cell {
            class: COLUMNS[*column].0,
            label: COLUMNS[*column].1,
            text: row[*column].clone(),
        };
        columns.iter().map(cell).collect()
    };
    Section {
        key: plain(group.key),
        problem: group.problem.words(),
        to_do: plain(&group.to_do),
        resources: count_of(group.len(), "resource", "resources"),
        rows: rows.iter().map(cells).collect(),
        columns: columns.iter().map(|column| COLUMNS[*column].1).collect(),
    }
}

/// A finding's cells in the order of [`COLUMNS`].
fn row(finding: &Finding, many_accounts: bool) -> [String; 7] {
    [
        plain(&kind_noun(&finding.target.kind)),
        plain(&finding.target.id),
        plain(name(finding)),
        plain(finding.owner.as_deref().unwrap_or_default()),
        plain(&place(&finding.scope, many_accounts)),
        finding.since.map_or_else(String::new, |day| day.to_string()),
        plain(&found(finding)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Problem;
    use crate::report::audit::fixtures::{audit_of, finding, gaps_only, hostile, sample};

    #[test]
    fn the_page_needs_nothing_else() {
        let page = audit_html(&sample()).unwrap();
        for word in ["<script", "http:", "https:", "src=", "@import", "url(", "<link", " onclick"] {
            assert!(!page.contains(word), "{word}");
        }
        assert!(page.starts_with("<!doctype html>\n<html lang=\"en\">"));
        assert!(page.contains("<title>Audit of payments: 4 to delete, 2 to change, 36 tags to fix</title>"));
    }

    #[test]
    fn lists_have_counts_and_links() {
        let page = audit_html(&sample()).unwrap();
        for (name, title) in
            [("delete", "Delete advised"), ("change", "Change advised"), ("fix", "Tags to fix")]
        {
            assert!(page.contains(&format!("href=\"#{name}\"")), "{name}");
            assert!(page.contains(&format!("<section id=\"{name}\"")) && page.contains(title), "{name}");
        }
        assert_eq!(page.matches("<tbody>").count(), 8);
        assert_eq!(page.matches("<tr><td").count(), sample().findings.len());
    }

    #[test]
    fn every_value_is_text() {
        let page = audit_html(&hostile()).unwrap();
        assert!(!page.contains("<script") && page.contains("&lt;script&gt;alert(1)"));
        assert!(page.contains("한국어 서버") && page.contains("\\n|`x`|"));
        let forbidden = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{fffe}' | '\u{202e}');
        assert!(!page.contains(forbidden));
    }

    #[test]
    fn gaps_stand_above_everything_and_whole_audits_have_none() {
        let page = audit_html(&gaps_only()).unwrap();
        let place = |text: &str| page.find(text).unwrap();
        assert!(place("NOT COMPLETE: 1 region") < place("id=\"delete\""));
        assert!(
            page.contains("ec2:DescribeInstances")
                && page.contains("Nothing to delete in what could be read.")
        );
        let page = audit_html(&audit_of(vec![finding(Advice::Fix, Problem::Empty, 1)])).unwrap();
        assert!(!page.contains("NOT COMPLETE") && page.contains("1 tag to fix"));
        assert!(page.contains("<p class=\"good\">Nothing to delete.</p>"));
    }

    /// Every element is closed in the order in which it was opened.
    #[test]
    fn elements_are_nested() {
        for audit in [sample(), hostile(), gaps_only(), audit_of(Vec::new())] {
            let page = audit_html(&audit).unwrap();
            let body = page.split_once("</style>").unwrap().1;
            let mut open = vec!["html", "head"];
            for part in body.split('<').skip(1) {
                let tag = part.split('>').next().unwrap();
                match tag.strip_prefix('/') {
                    Some(name) => assert_eq!(open.pop(), Some(name), "{part}"),
                    None => open.push(tag.split(' ').next().unwrap()),
                }
            }
            assert_eq!(open, [""; 0]);
        }
    }

    /// Writes every format of the sample to `target/`, to be looked at.
    #[test]
    #[ignore = "for people: it writes files"]
    fn write_the_samples() {
        use crate::report::audit::*;
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
        let write = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).unwrap();
        std::fs::create_dir_all(&folder).unwrap();
        for (name, audit) in [("sample", sample()), ("hostile", hostile()), ("gaps", gaps_only())] {
            write(&format!("audit-{name}.html"), audit_html(&audit).unwrap().as_bytes());
            write(&format!("audit-{name}.xlsx"), &audit_xlsx(&audit).unwrap());
            write(&format!("audit-{name}.xml"), audit_junit(&audit).as_bytes());
            write(&format!("audit-{name}.md"), audit_markdown(&audit).as_bytes());
            write(&format!("audit-{name}.json"), audit_json(&audit).unwrap().as_bytes());
            write(&format!("audit-{name}.csv"), audit_csv(&audit).unwrap().as_bytes());
        }
    }
}
