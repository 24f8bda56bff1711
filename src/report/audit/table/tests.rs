//! An audit on a terminal.

use insta::assert_snapshot;

use super::*;
use crate::model::Problem;
use crate::report::audit::fixtures::{audit_of, finding, gaps_only, hostile, sample};

fn at(audit: &Audit, width: usize) -> String {
    audit_table(audit, Palette { color: false, width: Some(width) })
}

#[test]
fn the_sample_at_80_columns() {
    let text = at(&sample(), 80);
    let lines: Vec<&str> = text.lines().collect();
    assert_snapshot!(lines[..36].join("\n"), @r#"
NOT COMPLETE: 2 regions could not be read in full
  What could not be read was not checked: there may be more to delete, change
  and fix.
  - instances, volumes in 444455556666/me-south-1: AccessDenied: an explicit
    deny in a service control policy
  - databases in 444455556666/eu-west-1: no answer within 60 s

checked 1,000 instances, 2,000 volumes, 40 databases, 1 cluster in 4 regions of
2 accounts; 4 to delete, 2 to change, 36 tags to fix

Delete advised: 4

  tag Expiry has expired · 4 resources
  → delete the resource, or set a later date: a day as 2026-12-31
  volume vol-00000000000001eef  결제 서버 운영 2호기
      kim@example.com · 111122223333/ap-northeast-2 · since 2026-11-01 ·
      "2026-10-31"
  instance i-00000000000000000  web-1
      kim@example.com · 111122223333/us-east-1 · "2026-10-31"
  instance i-00000000000003dde  batch-nightly-reconciliation-worker-0007
      kim@example.com · 111122223333/us-east-1 · since 2026-11-01 · "2026-10-31"
  database orders-db-3
      kim@example.com · 444455556666/eu-west-1 · "2026-10-31"

Change advised: 2

  tag Expiry is too far ahead · 2 resources
  → set an earlier date: a day until 2027-11-20
  instance i-00000000000007bbc  本番データベース
      kim@example.com · 111122223333/us-east-1 · since 2026-11-01 · "2099-12-31"
  volume vol-00000000000009aab  web-1
      kim@example.com · 111122223333/us-east-1 · since 2026-11-01 · "2099-12-31"

Tags to fix: 36

  tag owner is missing · 24 resources
"#);
    assert_eq!(lines[..6], lines[lines.len() - 6..], "gaps are first and last");
}

#[test]
fn one_account_at_160_columns() {
    let mut findings: Vec<Finding> =
        (1..4).map(|number| finding(Advice::Delete, Problem::Expired, number)).collect();
    findings[1].target.name = "결제 서버 운영 2호기".to_owned();
    findings[2].target.name = "batch-nightly-reconciliation".repeat(5);
    let mut missing = finding(Advice::Fix, Problem::Missing, 4);
    missing.target.name.clone_from(&missing.target.id);
    findings.push(missing);
    assert_snapshot!(at(&audit_of(findings), 160), @r#"
checked nothing in 1 region; 3 to delete, 0 to change, 1 tag to fix

Delete advised: 3

  tag Expiry has expired · 3 resources
  → delete the resource, or set a later date: a day as 2026-12-31
  KIND      ID                   NAME                                                                       OWNER            REGION     SINCE       FOUND
  instance  i-00000000000000001  web-1                                                                      kim@example.com  us-east-1  2026-11-01  "2026-10-31"
  instance  i-00000000000000002  결제 서버 운영 2호기                                                       kim@example.com  us-east-1  2026-11-01  "2026-10-31"
  instance  i-00000000000000003  batch-nightly-reconciliationbatch-ni…iliationbatch-nightly-reconciliation  kim@example.com  us-east-1  2026-11-01  "2026-10-31"

Change advised: Nothing to change.

Tags to fix: 1

  tag owner is missing · 1 resource
  → add the tag: an address of a person
  KIND      ID                   REGION     SINCE
  instance  i-00000000000000004  us-east-1  2026-11-01
"#);
}

#[test]
fn lines_fit_the_terminal() {
    for width in [80, 100, 160] {
        for line in at(&sample(), width).lines() {
            assert!(columns_of(line) <= width, "{width}: {line}");
        }
    }
}

#[test]
fn an_audit_without_findings_says_so_three_times() {
    assert_snapshot!(at(&audit_of(Vec::new()), 80), @r#"
checked nothing in 1 region; nothing to do

Delete advised: Nothing to delete.

Change advised: Nothing to change.

Tags to fix: No tag to fix.
"#);
}

#[test]
fn gaps_are_first_and_last() {
    assert_snapshot!(at(&gaps_only(), 80), @r#"
NOT COMPLETE: 1 region could not be read in full
  What could not be read was not checked: there may be more to delete, change
  and fix.
  - instances in us-east-1: AccessDenied: not authorized to
    ec2:DescribeInstances

checked nothing in 1 region; nothing to do in what could be read

Delete advised: Nothing to delete in what could be read.

Change advised: Nothing to change in what could be read.

Tags to fix: No tag to fix in what could be read.

NOT COMPLETE: 1 region could not be read in full
  What could not be read was not checked: there may be more to delete, change
  and fix.
  - instances in us-east-1: AccessDenied: not authorized to
    ec2:DescribeInstances
"#);
}

#[test]
fn a_thousand_deletes_are_all_shown_and_a_thousand_fixes_are_counted() {
    let deletes = (0..1_000).map(|number| finding(Advice::Delete, Problem::Expired, number));
    let fixes = (5_000..6_000).map(|number| finding(Advice::Fix, Problem::Missing, number));
    let audit = audit_of(deletes.chain(fixes).collect());
    let text = at(&audit, 120);
    assert!((0..1_000).all(|number| text.contains(&format!("i-{number:017x}"))));
    assert!(text.contains("  … and 980 more: 980 in us-east-1\n"), "{text}");
    assert!(text.lines().count() < 1_040);
    let whole = audit_table(&audit, Palette::PLAIN);
    assert!((5_000..6_000).all(|number| whole.contains(&format!("i-{number:017x}"))));
}

#[test]
fn nothing_reaches_the_terminal_but_text() {
    for width in [None, Some(80)] {
        let text = audit_table(&hostile(), Palette { color: false, width });
        assert!(!text.chars().any(|c| c != '\n' && (c.is_control() || c == '\u{202e}')));
    }
    let coloured = audit_table(&hostile(), Palette { color: true, width: None });
    assert!(!coloured.contains("\u{1b}[31m\\u{0}") && coloured.contains("\\u{1b}[31m\\u{0}"));
}
