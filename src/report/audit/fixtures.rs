//! Audits to look at.

use jiff::civil::date;

pub(super) use crate::report::hostile::HOSTILE;

use crate::model::{Advice, Audit, Finding, Gap, Problem, Scope, TargetRef};

/// An instance with the number and one problem.
pub(super) fn finding(advice: Advice, problem: Problem, number: usize) -> Finding {
    let (key, found, expected) = match problem {
        Problem::Expired => ("Expiry", Some("2026-10-31"), "a day as 2026-12-31"),
        Problem::TooFarAhead => ("Expiry", Some("2099-12-31"), "a day until 2027-11-20"),
        Problem::NotADate => ("Expiry", Some("next summer"), "a day as 2026-12-31"),
        Problem::Missing => ("owner", None, "an address of a person"),
        Problem::Misspelt => ("owner", Some("kim"), "an address of a person"),
        Problem::Ambiguous => ("owner", None, ""),
        Problem::Empty => ("owner", Some(" "), "an address of a person"),
        Problem::NotAllowed => ("Env", Some("prd"), "one of prod, staging, dev"),
        Problem::Pattern => ("CostCenter", Some("42"), "two letters and four digits"),
    };
    let key = if problem == Problem::Misspelt { "Env" } else { key };
    Finding {
        advice,
        scope: Scope::new("111122223333", "us-east-1"),
        target: TargetRef {
            kind: "ec2".to_owned(),
            id: format!("i-{number:017x}"),
            name: format!("web-{number}"),
        },
        owner: (problem != Problem::Missing).then(|| "kim@example.com".to_owned()),
        rule: "tags.ownership".to_owned(),
        key: key.to_owned(),
        problem,
        found_key: (problem == Problem::Misspelt).then(|| "ENVIRONMENT".to_owned()),
        found: found.map(str::to_owned),
        expected: expected.to_owned(),
        since: Some(date(2026, 11, 1)),
    }
}

/// An audit of one region.
pub(super) fn audit_of(findings: Vec<Finding>) -> Audit {
    Audit {
        project: "payments".to_owned(),
        today: date(2026, 11, 20),
        timezone: "Asia/Seoul".to_owned(),
        scopes: vec![Scope::new("111122223333", "us-east-1")],
        left_out: Vec::new(),
        checked: [].into(),
        findings,
        gaps: Vec::new(),
    }
}

/// A gap in the account of [`finding`].
pub(super) fn gap(region: &str, kind: &str, reason: &str) -> Gap {
    Gap { scope: Scope::new("111122223333", region), kind: kind.to_owned(), reason: reason.to_owned() }
}

/// An audit of which nothing could be read.
pub(super) fn gaps_only() -> Audit {
    let mut audit = audit_of(Vec::new());
    audit.gaps = vec![gap("us-east-1", "instances", "AccessDenied: not authorized to ec2:DescribeInstances")];
    audit
}

/// Every text is [`HOSTILE`], once short and once very long.
pub(super) fn hostile() -> Audit {
    let mut audit = audit_of(Vec::new());
    audit.project = HOSTILE.to_owned();
    audit.timezone = HOSTILE.to_owned();
    for advice in Advice::ALL {
        for text in [HOSTILE.to_owned(), HOSTILE.repeat(200)] {
            let mut finding = finding(advice, Problem::NotAllowed, 1);
            finding.target.name.clone_from(&text);
            finding.target.id.clone_from(&format!("{text}-id"));
            finding.owner = Some(text.clone());
            finding.rule.clone_from(&text);
            finding.key.clone_from(&text);
            finding.found = Some(text.clone());
            finding.found_key = Some(text.clone());
            finding.expected = text;
            audit.findings.push(finding);
        }
    }
    audit.checked = [(HOSTILE.to_owned(), 3)].into();
    audit.gaps = vec![gap(HOSTILE, HOSTILE, &HOSTILE.repeat(20))];
    audit
}

/// As a team would see it on some Friday.
pub(super) fn sample() -> Audit {
    let mut findings = Vec::new();
    let mut add = |advice, problem, count: usize| {
        for _ in 0..count {
            findings.push(finding(advice, problem, findings.len() * 7_919));
        }
    };
    add(Advice::Delete, Problem::Expired, 4);
    add(Advice::Change, Problem::TooFarAhead, 2);
    add(Advice::Fix, Problem::Missing, 24);
    add(Advice::Fix, Problem::NotAllowed, 5);
    add(Advice::Fix, Problem::Misspelt, 3);
    add(Advice::Fix, Problem::NotADate, 2);
    add(Advice::Fix, Problem::Empty, 1);
    add(Advice::Fix, Problem::Ambiguous, 1);
    for (number, finding) in findings.iter_mut().enumerate() {
        dress(finding, number);
    }
    findings.sort();
    let mut audit = audit_of(findings);
    audit.scopes = vec![
        Scope::new("111122223333", "ap-northeast-2"),
        Scope::new("111122223333", "us-east-1"),
        Scope::new("444455556666", "eu-west-1"),
        Scope::new("444455556666", "me-south-1"),
    ];
    audit.checked = [("instances", 1_000), ("volumes", 2_000), ("databases", 40), ("clusters", 1)]
        .map(|(plural, count)| (plural.to_owned(), count))
        .into();
    let denied = "AccessDenied: an explicit deny in a service control policy";
    audit.gaps = vec![
        Gap { scope: audit.scopes[3].clone(), ..gap("", "instances", denied) },
        Gap { scope: audit.scopes[3].clone(), ..gap("", "volumes", denied) },
        Gap { scope: audit.scopes[2].clone(), ..gap("", "databases", "no answer within 60 s") },
    ];
    audit
}

/// Other places, kinds and names.
fn dress(finding: &mut Finding, number: usize) {
    let names =
        ["web-1", "결제 서버 운영 2호기", "batch-nightly-reconciliation-worker-0007", "", "本番データベース"];
    let name = names[number % names.len()];
    match number % 5 {
        1 => finding.scope = Scope::new("111122223333", "ap-northeast-2"),
        3 => finding.scope = Scope::new("444455556666", "eu-west-1"),
        _ => {}
    }
    let (kind, id) = match number % 4 {
        1 => ("volume", finding.target.id.replace("i-", "vol-")),
        3 => ("rds", format!("orders-db-{number}")),
        _ => ("ec2", finding.target.id.clone()),
    };
    (finding.target.kind, finding.target.id) = (kind.to_owned(), id);
    finding.target.name = if name.is_empty() { finding.target.id.clone() } else { name.to_owned() };
    if number.is_multiple_of(3) {
        finding.since = None;
    }
}
