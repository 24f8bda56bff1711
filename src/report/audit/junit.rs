//! An audit as a `JUnit` report, which GitLab and Jenkins show among the tests.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::model::{Audit, Finding, Gap, Scope, TargetRef};
use crate::render::{clean, count_of};

use super::words::{finding_to_do, kind_plural, kind_rank, list_name, name, wrong};

/// A suite a kind; in it a case for every resource with findings, which fails, and for every gap, which is an error.
/// A kind without either has one case that passes, because readers refuse a report without any.
///
/// A resource has one failure whatever its number of findings: GitLab reads no more.
pub fn audit_junit(audit: &Audit) -> String {
    let suites = suites(audit);
    let tests: usize = suites.values().map(Suite::tests).sum();
    let failures: usize = suites.values().map(|suite| suite.resources.len()).sum();
    let errors = audit.gaps.len();
    let project = xml(&audit.project);
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        out,
        "<testsuites name=\"opsform audit of {project}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\">"
    );
    for ((_, plural), suite) in &suites {
        push_suite(&mut out, plural, suite);
    }
    out.push_str("</testsuites>\n");
    out
}

/// What there is to say about one kind.
#[derive(Default)]
struct Suite<'a> {
    resources: BTreeMap<(&'a Scope, &'a TargetRef), Vec<&'a Finding>>,
    gaps: Vec<&'a Gap>,
    checked: usize,
}

impl Suite<'_> {
    fn tests(&self) -> usize {
        (self.resources.len() + self.gaps.len()).max(1)
    }
}

/// By the plural of the kind, in the order in which people think of kinds.
fn suites(audit: &Audit) -> BTreeMap<(usize, String), Suite<'_>> {
    let key = |plural: &str| (kind_rank(plural), plural.to_owned());
    let mut suites: BTreeMap<(usize, String), Suite<'_>> = BTreeMap::new();
    for (plural, count) in &audit.checked {
        suites.entry(key(plural)).or_default().checked = *count;
    }
    for gap in &audit.gaps {
        suites.entry(key(&gap.kind)).or_default().gaps.push(gap);
    }
    for finding in &audit.findings {
        let suite = suites.entry(key(&kind_plural(&finding.target.kind))).or_default();
        suite.resources.entry((&finding.scope, &finding.target)).or_default().push(finding);
    }
    if suites.is_empty() {
        suites.insert(key("resources"), Suite::default());
    }
    suites
}

fn push_suite(out: &mut String, plural: &str, suite: &Suite<'_>) {
    let (tests, failures, errors) = (suite.tests(), suite.resources.len(), suite.gaps.len());
    let name = xml(plural);
    let _ = writeln!(
        out,
        "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"0\">"
    );
    for gap in &suite.gaps {
        let (class, reason) = (class(plural, &gap.scope), xml(&gap.reason));
        let _ = writeln!(out, "    <testcase classname=\"{class}\" name=\"{name} could not be read\">");
        let _ = writeln!(out, "      <error type=\"gap\" message=\"{reason}\"/>\n    </testcase>");
    }
    for ((scope, _), findings) in &suite.resources {
        push_resource(out, &class(plural, scope), findings);
    }
    if suite.resources.is_empty() && suite.gaps.is_empty() {
        let checked = count_of(suite.checked, "resource", "resources");
        let _ = writeln!(out, "    <testcase classname=\"{name}\" name=\"{checked} checked\"/>");
    }
    out.push_str("  </testsuite>\n");
}

fn push_resource(out: &mut String, class: &str, findings: &[&Finding]) {
    let first = findings[0];
    let title = match name(first) {
        "" => first.target.id.clone(),
        name => format!("{} ({name})", first.target.id),
    };
    let short: Vec<String> = findings.iter().map(|f| format!("tag {}: {}", f.key, wrong(f))).collect();
    let kind = list_name(first.advice);
    let _ = writeln!(out, "    <testcase classname=\"{class}\" name=\"{}\">", xml(&title));
    let _ = write!(out, "      <failure type=\"{kind}\" message=\"{}\">", xml(&short.join("; ")));
    for (short, finding) in short.iter().zip(findings) {
        let owner = finding.owner.as_ref().map_or_else(String::new, |owner| format!("; owner {owner}"));
        let since = finding.since.map_or_else(String::new, |day| format!("; since {day}"));
        let line = format!("{short} -> {} ({}{since}{owner})", finding_to_do(finding), finding.rule);
        let _ = write!(out, "\n{}", xml(&line));
    }
    out.push_str("</failure>\n    </testcase>\n");
}

/// `instances.111122223333.us-east-1`: readers make folders of the parts.
fn class(plural: &str, scope: &Scope) -> String {
    xml(&format!("{plural}.{}.{}", scope.account, scope.region))
}

/// Text for an attribute or an element. What XML 1.0 has no way to write is spelled out.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in clean(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::model::{Advice, Problem};
    use crate::report::audit::fixtures::{HOSTILE, audit_of, finding, gap, gaps_only, hostile, sample};

    #[test]
    fn a_case_a_resource_and_a_gap() {
        let mut audit = audit_of(vec![
            finding(Advice::Delete, Problem::Expired, 1),
            finding(Advice::Fix, Problem::Missing, 1),
            finding(Advice::Fix, Problem::NotAllowed, 2),
        ]);
        audit.checked = [("instances".to_owned(), 2), ("volumes".to_owned(), 40)].into();
        audit.gaps = vec![gap("us-east-1", "databases", "denied")];
        assert_snapshot!(audit_junit(&audit), @r#"
<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="opsform audit of payments" tests="4" failures="2" errors="1">
  <testsuite name="instances" tests="2" failures="2" errors="0" skipped="0">
    <testcase classname="instances.111122223333.us-east-1" name="i-00000000000000001 (web-1)">
      <failure type="delete" message="tag Expiry: &quot;2026-10-31&quot; has expired; tag owner: missing">
tag Expiry: &quot;2026-10-31&quot; has expired -&gt; delete the resource, or set a later date: a day as 2026-12-31 (tags.ownership; since 2026-11-01; owner kim@example.com)
tag owner: missing -&gt; add the tag: an address of a person (tags.ownership; since 2026-11-01)</failure>
    </testcase>
    <testcase classname="instances.111122223333.us-east-1" name="i-00000000000000002 (web-2)">
      <failure type="fix" message="tag Env: &quot;prd&quot; is not allowed">
tag Env: &quot;prd&quot; is not allowed -&gt; change the value: one of prod, staging, dev (tags.ownership; since 2026-11-01; owner kim@example.com)</failure>
    </testcase>
  </testsuite>
  <testsuite name="volumes" tests="1" failures="0" errors="0" skipped="0">
    <testcase classname="volumes" name="40 resources checked"/>
  </testsuite>
  <testsuite name="databases" tests="1" failures="0" errors="1" skipped="0">
    <testcase classname="databases.111122223333.us-east-1" name="databases could not be read">
      <error type="gap" message="denied"/>
    </testcase>
  </testsuite>
</testsuites>
"#);
    }

    #[test]
    fn no_report_is_without_a_case() {
        assert_snapshot!(audit_junit(&audit_of(Vec::new())), @r#"
<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="opsform audit of payments" tests="1" failures="0" errors="0">
  <testsuite name="resources" tests="1" failures="0" errors="0" skipped="0">
    <testcase classname="resources" name="0 resources checked"/>
  </testsuite>
</testsuites>
"#);
        assert!(audit_junit(&gaps_only()).contains("tests=\"1\" failures=\"0\" errors=\"1\""));
    }

    #[test]
    fn what_xml_forbids_is_spelled_out() {
        assert_eq!(xml("a\u{0}\u{b}\u{ffff}<]]>'"), "a\\u{0}\\u{b}\\u{ffff}&lt;]]&gt;&apos;");
        let text = audit_junit(&hostile());
        let forbidden = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{fffe}' | '\u{ffff}');
        assert!(!text.contains(forbidden) && !text.contains("<script>") && !text.contains("]]>"));
        assert!(text.contains("한국어 서버"));
    }

    #[test]
    fn the_numbers_are_those_of_the_cases() {
        for audit in [sample(), hostile(), gaps_only()] {
            let text = audit_junit(&audit);
            let head = text.lines().nth(1).unwrap();
            let count = |what: &str| text.matches(what).count();
            let numbers = (count("<testcase "), count("<failure "), count("<error "));
            let expected =
                format!("tests=\"{}\" failures=\"{}\" errors=\"{}\">", numbers.0, numbers.1, numbers.2);
            assert!(head.ends_with(&expected), "{head} {expected}");
        }
        assert_ne!(HOSTILE, xml(HOSTILE));
    }
}
