//! An audit for programs; docs/audit-format.md is its description.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;

use crate::model::{Advice, Audit, Finding, Gap, Scope};

use super::words::{checked, finding_to_do, kind_noun, list_name, totals, wrong};

/// The version of the document: it rises when a field changes its meaning or goes away.
const FORMAT_VERSION: u32 = 1;

/// The audit as JSON. Texts of AWS and of the manifest are as they are; `wrong` and `to_do` are words for a person.
///
/// # Errors
/// None in practice: every key is a text.
pub fn audit_json(audit: &Audit) -> serde_json::Result<String> {
    let document = Document {
        format_version: FORMAT_VERSION,
        kind: "opsform_audit",
        project: &audit.project,
        today: audit.today,
        timezone: &audit.timezone,
        complete: audit.gaps.is_empty(),
        summary: format!("{}; {}", checked(audit), totals(audit)),
        counts: Advice::ALL.into_iter().map(|advice| (list_name(advice), audit.of(advice).count())).collect(),
        checked: &audit.checked,
        scopes: &audit.scopes,
        left_out: &audit.left_out,
        gaps: audit.gaps.iter().map(gap).collect(),
        findings: audit.findings.iter().map(entry).collect(),
    };
    serde_json::to_string_pretty(&document).map(|text| text + "\n")
}

#[derive(Serialize)]
struct Document<'a> {
    format_version: u32,
    kind: &'static str,
    project: &'a str,
    today: Date,
    timezone: &'a str,
    complete: bool,
    summary: String,
    counts: BTreeMap<&'static str, usize>,
    checked: &'a BTreeMap<String, usize>,
    scopes: &'a [Scope],
    left_out: &'a [Scope],
    gaps: Vec<GapEntry<'a>>,
    findings: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct GapEntry<'a> {
    account: &'a str,
    region: &'a str,
    kind: &'a str,
    reason: &'a str,
}

#[derive(Serialize)]
struct Entry<'a> {
    advice: Advice,
    account: &'a str,
    region: &'a str,
    kind: &'a str,
    noun: String,
    id: &'a str,
    name: &'a str,
    owner: Option<&'a str>,
    rule: &'a str,
    key: &'a str,
    problem: &'static str,
    found_key: Option<&'a str>,
    found: Option<&'a str>,
    expected: &'a str,
    since: Option<Date>,
    wrong: String,
    to_do: String,
}

fn gap(gap: &Gap) -> GapEntry<'_> {
    GapEntry { account: &gap.scope.account, region: &gap.scope.region, kind: &gap.kind, reason: &gap.reason }
}

fn entry(finding: &Finding) -> Entry<'_> {
    Entry {
        advice: finding.advice,
        account: &finding.scope.account,
        region: &finding.scope.region,
        kind: &finding.target.kind,
        noun: kind_noun(&finding.target.kind),
        id: &finding.target.id,
        name: &finding.target.name,
        owner: finding.owner.as_deref(),
        rule: &finding.rule,
        key: &finding.key,
        problem: finding.problem.name(),
        found_key: finding.found_key.as_deref(),
        found: finding.found.as_deref(),
        expected: &finding.expected,
        since: finding.since,
        wrong: wrong(finding),
        to_do: finding_to_do(finding),
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use serde_json::Value;

    use super::*;
    use crate::model::Problem;
    use crate::report::audit::fixtures::{HOSTILE, audit_of, finding, gap as a_gap, hostile};

    #[test]
    fn every_field_has_its_name() {
        let mut audit = audit_of(vec![finding(Advice::Fix, Problem::Misspelt, 1)]);
        audit.checked = [("instances".to_owned(), 2)].into();
        audit.gaps = vec![a_gap("us-east-1", "volumes", "denied")];
        assert_snapshot!(audit_json(&audit).unwrap(), @r#"
{
  "format_version": 1,
  "kind": "opsform_audit",
  "project": "payments",
  "today": "2026-11-20",
  "timezone": "Asia/Seoul",
  "complete": false,
  "summary": "checked 2 instances in 1 region; 0 to delete, 0 to change, 1 tag to fix",
  "counts": {
    "change": 0,
    "delete": 0,
    "fix": 1
  },
  "checked": {
    "instances": 2
  },
  "scopes": [
    {
      "account": "111122223333",
      "region": "us-east-1"
    }
  ],
  "left_out": [],
  "gaps": [
    {
      "account": "111122223333",
      "region": "us-east-1",
      "kind": "volumes",
      "reason": "denied"
    }
  ],
  "findings": [
    {
      "advice": "fix",
      "account": "111122223333",
      "region": "us-east-1",
      "kind": "ec2",
      "noun": "instance",
      "id": "i-00000000000000001",
      "name": "web-1",
      "owner": "kim@example.com",
      "rule": "tags.ownership",
      "key": "Env",
      "problem": "misspelt",
      "found_key": "ENVIRONMENT",
      "found": "kim",
      "expected": "an address of a person",
      "since": "2026-11-01",
      "wrong": "written \"ENVIRONMENT\"",
      "to_do": "rename the tag to \"Env\""
    }
  ]
}
"#);
    }

    #[test]
    fn an_empty_audit_has_all_lists() {
        let value: Value = serde_json::from_str(&audit_json(&audit_of(Vec::new())).unwrap()).unwrap();
        assert_eq!(value["complete"], true);
        assert_eq!(value["counts"], serde_json::json!({ "delete": 0, "change": 0, "fix": 0 }));
        assert_eq!((&value["findings"], &value["gaps"]), (&serde_json::json!([]), &serde_json::json!([])));
    }

    #[test]
    fn texts_come_back_as_they_are() {
        let value: Value = serde_json::from_str(&audit_json(&hostile()).unwrap()).unwrap();
        assert_eq!(value["findings"][0]["found"], HOSTILE);
        assert_eq!(value["project"], HOSTILE);
    }

    #[test]
    fn the_documentation_names_every_field() {
        let mut audit = audit_of(vec![finding(Advice::Fix, Problem::Misspelt, 1)]);
        audit.gaps = vec![a_gap("us-east-1", "volumes", "denied")];
        let value: Value = serde_json::from_str(&audit_json(&audit).unwrap()).unwrap();
        let text = include_str!("../../../docs/audit-format.md");
        for object in [&value, &value["findings"][0], &value["gaps"][0]] {
            for key in object.as_object().unwrap().keys() {
                assert!(text.contains(&format!("| `{key}` |")), "docs/audit-format.md lacks {key}");
            }
        }
    }
}
