//! Templates are tried on audits made up for it, so that the first real one does not find their faults.

use jiff::civil::date;

use super::compose::compose;
use super::templates::Templates;
use crate::manifest::MailSettings;
use crate::model::{Advice, Audit, Diagnostic, Finding, Gap, Problem, Scope, TargetRef};

/// Tries templates on an audit that has something of everything, and on one that found nothing.
///
/// # Errors
/// A variable that does not exist, or whatever else keeps a mail from being made.
pub fn check_templates(settings: &MailSettings, templates: &Templates) -> Result<(), Box<Diagnostic>> {
    for audit in [full(settings), empty()] {
        compose(&audit, settings, templates)?;
    }
    Ok(())
}

fn scope() -> Scope {
    Scope::new("111122223333", "us-east-1")
}

fn empty() -> Audit {
    Audit {
        project: "project".to_owned(),
        today: date(2026, 1, 31),
        timezone: "UTC".to_owned(),
        scopes: vec![scope()],
        left_out: Vec::new(),
        checked: [("instances".to_owned(), 0)].into(),
        findings: Vec::new(),
        gaps: Vec::new(),
    }
}

/// Every list, gaps, a region left out, owners that mail reaches, does not reach, and none.
fn full(settings: &MailSettings) -> Audit {
    let reachable = settings.owner_domains.iter().map(|domain| Some(format!("owner@{domain}"))).take(1);
    let owners: Vec<Option<String>> = reachable.chain([Some("?".to_owned()), None]).collect();
    let problems = [
        (Advice::Delete, Problem::Expired),
        (Advice::Change, Problem::TooFarAhead),
        (Advice::Fix, Problem::Missing),
        (Advice::Fix, Problem::Misspelt),
    ];
    let findings = owners
        .iter()
        .flat_map(|owner| problems.map(|(advice, problem)| finding(advice, problem, owner.clone())));
    let gap = Gap { scope: scope(), kind: "volumes".to_owned(), reason: "not allowed".to_owned() };
    let left_out = vec![Scope::new("111122223333", "us-west-2")];
    Audit { findings: findings.collect(), gaps: vec![gap], left_out, ..empty() }
}

fn finding(advice: Advice, problem: Problem, owner: Option<String>) -> Finding {
    let missing = problem == Problem::Missing;
    Finding {
        advice,
        scope: scope(),
        target: TargetRef { kind: "ec2".to_owned(), id: "i-0".to_owned(), name: "name".to_owned() },
        owner,
        rule: "tags.rule".to_owned(),
        key: "key".to_owned(),
        problem,
        found_key: (problem == Problem::Misspelt).then(|| "Key".to_owned()),
        found: (!missing).then(|| "value".to_owned()),
        expected: "a value".to_owned(),
        since: (!missing).then(|| date(2026, 1, 30)),
    }
}
