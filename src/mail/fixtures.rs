//! An audit and settings for tests.

use jiff::civil::date;

use crate::manifest::{Language, MailSettings, Mailbox};
use crate::model::{Advice, Audit, Finding, Gap, Problem, Scope, TargetRef};

/// Settings with nothing but what is required.
pub(super) fn settings() -> MailSettings {
    let mailbox = |text: &str| Mailbox::parse(text).unwrap();
    MailSettings {
        from: mailbox("opsform <ops@acme.com>"),
        to: vec![mailbox("team@acme.com")],
        cc: Vec::new(),
        region: Some("ap-northeast-2".to_owned()),
        subject: None,
        language: Language::En,
        owner_tag: "owner".to_owned(),
        owner_domain: Some("acme.com".to_owned()),
        owner_domains: ["acme.com".to_owned()].into(),
        default_owner: Vec::new(),
        owners: true,
        when_clean: true,
        configuration_set: None,
        template: None,
        text_template: None,
    }
}

/// A finding about one instance with this owner.
pub(super) fn finding(advice: Advice, problem: Problem, name: &str, owner: Option<&str>) -> Finding {
    Finding {
        advice,
        scope: Scope::new("111122223333", "ap-northeast-2"),
        target: TargetRef { kind: "ec2".to_owned(), id: format!("i-{name}"), name: name.to_owned() },
        owner: owner.map(str::to_owned),
        rule: "tags.ownership".to_owned(),
        key: "expiry-date".to_owned(),
        problem,
        found_key: (problem == Problem::Misspelt).then(|| "Expiry_Date".to_owned()),
        found: (problem != Problem::Missing).then(|| "2026-11-01".to_owned()),
        expected: "a date at most 30 days ahead".to_owned(),
        since: Some(date(2026, 11, 2)),
    }
}

/// An audit with these findings and nothing that could not be read.
pub(super) fn audit(findings: Vec<Finding>) -> Audit {
    Audit {
        project: "payments".to_owned(),
        today: date(2026, 11, 20),
        timezone: "Asia/Seoul".to_owned(),
        scopes: vec![Scope::new("111122223333", "us-east-1")],
        left_out: Vec::new(),
        checked: [("instances".to_owned(), 120), ("volumes".to_owned(), 48)].into(),
        findings,
        gaps: Vec::new(),
    }
}

/// What could not be read.
pub(super) fn gap() -> Gap {
    Gap {
        scope: Scope::new("111122223333", "us-east-1"),
        kind: "volumes".to_owned(),
        reason: "not allowed (UnauthorizedOperation)".to_owned(),
    }
}
