//! An audit for a comment on a pull request or an issue.

use crate::model::{Advice, Audit, Finding};
use crate::render::{Room, clean, clipped, code, count_of, escape, in_table, size, thousands};

use super::groups::{Group, by_place, gap_groups, groups};
use super::words::{
    GAPS_MEANING, checked, found, gaps_title, kind_noun, list_empty, list_title, many_accounts, name, place,
    totals_or_less,
};

/// GitHub refuses comments of 65,536 characters and more; some are left for whoever puts the audit into a comment.
const MOST_CHARACTERS: usize = 64_000;

/// Of these, kept for the lines that say what there was no room for.
const FOR_THE_REST: usize = 4_000;

/// The most that gaps take, so that there is room for deletes.
const FOR_GAPS: usize = 12_000;

/// The most of a project's name; the manifest allows no longer one.
const LONGEST_NAME: usize = 128;

/// The most of a sentence.
const LONGEST_TEXT: usize = 500;

/// The most of a cell; AWS allows 128 characters for a key and 256 for a value.
const LONGEST_CELL: usize = 64;

/// The most of an id, which must be whole to be of use.
const LONGEST_ID: usize = 256;

/// Rows of one group of what is not to be deleted.
const MOST_ROWS: usize = 50;

/// Places that are named where rows are left out.
const MOST_PLACES: usize = 8;

/// A group with more rows is folded, unless it is to be deleted.
const MOST_OPEN: usize = 10;

/// Room for the line below a table that says how many rows are left out.
const FOR_MORE: usize = 600;

/// The audit as Markdown for GitHub and GitLab, always shorter than a comment may be. The first line is a comment by
/// which a job finds its own comment again.
///
/// Every resource to delete is named, or counted by its place where there is no room.
pub fn audit_markdown(audit: &Audit) -> String {
    let mut page = Page {
        room: Room::new(MOST_CHARACTERS - FOR_THE_REST),
        many_accounts: many_accounts(audit),
        left_out: false,
    };
    page.head(audit);
    page.gaps(audit);
    for advice in Advice::ALL {
        page.list(audit, advice);
    }
    if page.left_out {
        page.room.always("\nA comment holds no more than this; the audit's other formats have all of it.\n");
    }
    if let Some(title) = gaps_title(audit) {
        page.room.always(&format!("\n**{title}.**\n"));
    }
    page.room.finish()
}

/// A comment that is being written.
struct Page {
    room: Room,
    many_accounts: bool,
    /// Whether there was no room for something.
    left_out: bool,
}

impl Page {
    fn head(&mut self, audit: &Audit) {
        let project = clipped(&audit.project, LONGEST_NAME);
        // A comment ends at `-->`: a project's name must not bring its own.
        let marker = clean(&project).replace("--", "-\u{2d0}").replace('>', "");
        let facts = escape(&clipped(&checked(audit), LONGEST_TEXT));
        let day = escape(&clipped(&format!("{} ({})", audit.today, audit.timezone), LONGEST_NAME));
        self.room.always(&format!(
            "<!-- opsform audit: {marker} -->\n### opsform audit of {}: {}\n\n{facts}, on {day}\n",
            code(&project),
            totals_or_less(audit)
        ));
    }

    fn gaps(&mut self, audit: &Audit) {
        let Some(title) = gaps_title(audit) else { return };
        self.room.always(&format!("\n> [!CAUTION]\n> **{title}.** {GAPS_MEANING}\n>\n"));
        let keep = self.room.left().saturating_sub(FOR_GAPS);
        let mut rest = 0;
        for group in gap_groups(audit) {
            let what = format!("{} in {}", group.kinds_words(), group.places(self.many_accounts));
            let (what, why) = (clipped(&what, LONGEST_TEXT), clipped(group.reason, LONGEST_TEXT));
            let line = format!("> - {}: {}\n", escape(&what), escape(&why));
            if rest > 0 || !self.room.push_keeping(&line, keep) {
                rest += group.scopes.len() * group.kinds.len();
            }
        }
        if rest > 0 {
            self.left_out = true;
            self.room.always(&format!("> - … and {}\n", count_of(rest, "more gap", "more gaps")));
        }
    }

    fn list(&mut self, audit: &Audit, advice: Advice) {
        let groups = groups(audit, advice);
        if groups.is_empty() {
            let (title, empty) = (list_title(advice), list_empty(audit, advice));
            return self.room.always(&format!("\n#### {title}\n\n{empty}\n"));
        }
        let count: usize = groups.iter().map(Group::len).sum();
        self.room.always(&format!("\n#### {}: {}\n", list_title(advice), thousands(count)));
        let mut rest: Vec<&Finding> = Vec::new();
        for group in &groups {
            if !rest.is_empty() || !self.group(group, advice) {
                rest.extend(&group.findings);
            }
        }
        if !rest.is_empty() {
            self.left_out = true;
            self.room.always(&format!("\n{}\n", self.more(&rest, advice)));
        }
    }

    /// Writes a group with as many of its rows as there is room for; `false` where there is none for a single row.
    fn group(&mut self, group: &Group<'_>, advice: Advice) -> bool {
        let (resources, key) =
            (count_of(group.len(), "resource", "resources"), code(&clipped(group.key, 128)));
        let title = format!("tag {key} {}", group.problem.words());
        let to_do = escape(&clipped(&group.to_do, LONGEST_TEXT));
        let folds = advice != Advice::Delete && group.len() > MOST_OPEN;
        let (begin, end) = if folds {
            (format!("<details><summary>{resources}</summary>\n\n"), "\n</details>\n")
        } else {
            (String::new(), "")
        };
        let mut text = format!(
            "\n**{title}** · {resources}<br>\n→ {to_do}\n\n{begin}\
             | resource | name | owner | region | since | found |\n|---|---|---|---|---|---|\n"
        );
        let most = if advice == Advice::Delete { group.len() } else { MOST_ROWS };
        let mut shown = 0;
        for finding in group.findings.iter().take(most) {
            text.push_str(&self.row(finding));
            // The title goes with the first row.
            if !self.room.push_keeping(&text, size(end) + FOR_MORE) {
                break;
            }
            text.clear();
            shown += 1;
        }
        if shown == 0 {
            return false;
        }
        self.room.always(end);
        if shown < group.len() {
            self.left_out = true;
            self.room.always(&format!("\n{}\n", self.more(&group.findings[shown..], advice)));
        }
        true
    }

    /// `… and 900 more to delete: 900 in us-east-1`, in no more than [`FOR_MORE`] characters.
    fn more(&self, findings: &[&Finding], advice: Advice) -> String {
        let count = match advice {
            Advice::Fix => thousands(findings.len()) + " more to fix",
            Advice::Delete => thousands(findings.len()) + " more to delete",
            Advice::Change => thousands(findings.len()) + " more to change",
        };
        let places = by_place(findings, self.many_accounts, MOST_PLACES);
        format!("**… and {count}**: {}", code(&clipped(&clean(&places), 400)))
    }

    fn row(&self, finding: &Finding) -> String {
        let cell = |text: &str| match clipped(text, LONGEST_CELL) {
            text if text.is_empty() => String::new(),
            text => in_table(&code(&text)),
        };
        format!(
            "| {} {} | {} | {} | {} | {} | {} |\n",
            escape(&clipped(&kind_noun(&finding.target.kind), LONGEST_CELL)),
            in_table(&code(&clipped(&finding.target.id, LONGEST_ID))),
            cell(name(finding)),
            cell(finding.owner.as_deref().unwrap_or_default()),
            cell(&place(&finding.scope, self.many_accounts)),
            finding.since.map_or_else(String::new, |day| day.to_string()),
            cell(&found(finding)),
        )
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::prelude::*;

    use super::*;
    use crate::model::Problem;
    use crate::report::audit::fixtures::{HOSTILE, audit_of, finding, gap, gaps_only, hostile};

    #[test]
    fn a_small_audit() {
        let mut audit = audit_of(vec![
            finding(Advice::Delete, Problem::Expired, 1),
            finding(Advice::Fix, Problem::Misspelt, 2),
        ]);
        audit.checked = [("instances".to_owned(), 3)].into();
        assert_snapshot!(audit_markdown(&audit), @r#"
<!-- opsform audit: payments -->
### opsform audit of `payments`: 1 to delete, 0 to change, 1 tag to fix

checked 3 instances in 1 region, on 2026-11-20 (Asia/Seoul)

#### Delete advised: 1

**tag `Expiry` has expired** · 1 resource<br>
→ delete the resource, or set a later date: a day as 2026-12-31

| resource | name | owner | region | since | found |
|---|---|---|---|---|---|
| instance `i-00000000000000001` | `web-1` | `kim@example.com` | `us-east-1` | 2026-11-01 | `"2026-10-31"` |

#### Change advised

Nothing to change.

#### Tags to fix: 1

**tag `Env` is misspelt** · 1 resource<br>
→ rename the tag to "Env"

| resource | name | owner | region | since | found |
|---|---|---|---|---|---|
| instance `i-00000000000000002` | `web-2` | `kim@example.com` | `us-east-1` | 2026-11-01 | `"ENVIRONMENT" = "kim"` |
"#);
    }

    #[test]
    fn nothing_but_gaps() {
        assert_snapshot!(audit_markdown(&gaps_only()), @r#"
<!-- opsform audit: payments -->
### opsform audit of `payments`: NOT COMPLETE; nothing to do in what could be read

checked nothing in 1 region, on 2026-11-20 (Asia/Seoul)

> [!CAUTION]
> **NOT COMPLETE: 1 region could not be read in full.** What could not be read was not checked: there may be more to delete, change and fix.
>
> - instances in us-east-1: AccessDenied: not authorized to ec2:DescribeInstances

#### Delete advised

Nothing to delete in what could be read.

#### Change advised

Nothing to change in what could be read.

#### Tags to fix

No tag to fix in what could be read.

**NOT COMPLETE: 1 region could not be read in full.**
"#);
    }

    #[test]
    fn what_there_is_no_room_for_is_counted() {
        let all = (0..3_000).map(|number| finding(Advice::Delete, Problem::Expired, number));
        let fixes = (5_000..6_000).map(|number| finding(Advice::Fix, Problem::Missing, number));
        let text = audit_markdown(&audit_of(all.chain(fixes).collect()));
        let shown = (0..3_000).filter(|number| text.contains(&format!("i-{number:017x}"))).count();
        assert!(shown > 300, "{shown}");
        let more = format!("**… and {} more to delete**", thousands(3_000 - shown));
        assert!(text.contains(&more) && text.contains("1,000 more to fix"), "{shown}");
        assert!(size(&text) < 65_536);
    }

    #[test]
    fn many_groups_and_many_gaps_fit() {
        let mut audit = audit_of(Vec::new());
        for number in 0..2_000 {
            for advice in Advice::ALL {
                let mut finding = finding(advice, Problem::NotAllowed, number);
                finding.key = format!("key-{number}");
                audit.findings.push(finding);
            }
            audit.gaps.push(gap("us-east-1", "volumes", &format!("{number} {HOSTILE}")));
        }
        let text = audit_markdown(&audit);
        assert!(size(&text) < 65_536);
        assert!(text.contains("more to delete**") && text.contains(" more gaps\n"));
    }

    #[test]
    fn nothing_leaves_its_place() {
        let text = audit_markdown(&hostile());
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| ")).collect();
        assert_eq!(rows.len(), 2 * hostile().findings.len(), "{text}");
        for row in rows {
            assert_eq!(row.replace("\\|", "").matches('|').count(), 7, "{row}");
        }
        let marker = text.lines().next().unwrap();
        assert!(marker.ends_with(" -->") && marker.matches("-->").count() == 1, "{marker}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_comment_is_never_too_long(
            text in ".{0,300}",
            tail in "[`|\\\\@#<\u{1f600}]{0,300}",
            counts in [0usize..800, 0usize..40, 0usize..800],
            groups in 1usize..60,
            gaps in 0usize..300,
        ) {
            let mut audit = audit_of(Vec::new());
            audit.project = format!("{text}{tail}");
            audit.timezone = audit.project.clone();
            audit.checked = [(audit.project.clone(), 1)].into();
            for (advice, count) in Advice::ALL.into_iter().zip(counts) {
                for number in 0..count {
                    let mut finding = finding(advice, Problem::NotAllowed, number);
                    finding.key = format!("{}{text}{tail}", number % groups);
                    finding.target.name = format!("{tail}{text}");
                    finding.scope.region = format!("{}{tail}", number % groups);
                    finding.found = Some(tail.clone());
                    audit.findings.push(finding);
                }
            }
            audit.gaps = (0..gaps).map(|number| gap(&tail, &text, &format!("{number}{tail}{text}"))).collect();
            prop_assert!(size(&audit_markdown(&audit)) < 65_536);
        }
    }
}
