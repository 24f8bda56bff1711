//! Writes the mails of an invented audit, to look at: `cargo run --example audit_mail -- en target/audit-mail`.
//!
//! `docs/audit_mail.py` takes pictures of them.

use std::path::PathBuf;

use jiff::civil::{Date, date};
use opsform::mail::{Templates, compose, write_messages};
use opsform::manifest::{SourceSet, parse};
use opsform::model::{Advice, Audit, Finding, Gap, Problem, Scope, TargetRef};

type Failure = Box<dyn std::error::Error>;

const MANIFEST: &str = "
[project]
name = 'payments'
[mail]
from = 'opsform <ops@acme.com>'
to = ['team@acme.com']
owner_domain = 'acme.com'
";

fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1);
    let (Some(language), Some(folder)) = (args.next(), args.next()) else {
        return Err("usage: audit_mail en|ko|ja FOLDER".into());
    };
    let text = format!("{MANIFEST}language = '{language}'\n");
    let (document, problems) = parse(&SourceSet::new("manifests", [("mail.toml", text)]), &[]);
    let settings = document.settings.mail.ok_or_else(|| format!("{problems:?}"))?;
    let templates = Templates::read(&settings).map_err(|problems| format!("{problems:?}"))?;
    let messages = compose(&audit(), &settings, &templates).map_err(|problem| problem.summary)?;
    for path in write_messages(&PathBuf::from(folder), &messages)? {
        println!("{}", path.display());
    }
    Ok(())
}

fn audit() -> Audit {
    let scope = Scope::new("111122223333", "us-east-1");
    Audit {
        project: "payments".to_owned(),
        today: date(2026, 11, 20),
        timezone: "Asia/Seoul".to_owned(),
        scopes: vec![scope.clone()],
        left_out: Vec::new(),
        checked: [("instances".to_owned(), 412), ("volumes".to_owned(), 689), ("databases".to_owned(), 23)]
            .into(),
        findings: findings(),
        gaps: vec![Gap {
            scope,
            kind: "volumes".to_owned(),
            reason: "EC2 DescribeVolumes in us-east-1: not allowed (UnauthorizedOperation)".to_owned(),
        }],
    }
}

fn findings() -> Vec<Finding> {
    const EXPIRY: &str = "a date at most 90 days ahead";
    use Problem::{Empty, Expired, Missing, Misspelt, NotADate, NotAllowed, Pattern, TooFarAhead};
    let day = |month, day| Some(date(2026, month, day));
    vec![
        found(
            "ec2",
            "i-0c3f9a1be27d44e10",
            "load-test-7",
            ("expiry-date", Expired, EXPIRY),
            "2026-10-31",
            day(11, 1),
        ),
        found(
            "ebs",
            "vol-08d1f6a2c93b7e455",
            "db-migration-copy",
            ("expiry-date", Expired, EXPIRY),
            "2026/11/12",
            day(11, 13),
        ),
        found(
            "ec2",
            "i-07aa41c5d2e98b36f",
            "batch-worker-green-temporary-2",
            ("expiry-date", TooFarAhead, EXPIRY),
            "2028-12-31",
            day(11, 3),
        ),
        found(
            "ec2",
            "i-0e5b7712fa3c9d846",
            "web-11",
            ("owner", Missing, "an address at acme.com"),
            "",
            day(9, 17),
        ),
        found(
            "ec2",
            "i-0e5b7712fa3c9d847",
            "web-12",
            ("owner", Misspelt, "an address at acme.com"),
            "kim",
            None,
        ),
        found(
            "rds",
            "orders-replica",
            "orders-replica",
            ("Env", NotAllowed, "one of prod, stage, dev"),
            "production",
            day(6, 2),
        ),
        found(
            "ebs",
            "vol-0b1c2d3e4f5a69788",
            "vol-0b1c2d3e4f5a69788",
            ("Env", Empty, "one of prod, stage, dev"),
            " ",
            day(10, 9),
        ),
        found(
            "ec2",
            "i-03d9e8f7a6b5c4d21",
            "결제-배치-01",
            ("expiry-date", NotADate, EXPIRY),
            "never <b>ever</b>",
            None,
        ),
        found(
            "ec2",
            "i-0f1e2d3c4b5a69781",
            "決済バッチ",
            ("owner", Pattern, "an address at acme.com"),
            "Platform Team",
            day(8, 25),
        ),
    ]
}

/// A finding whose owner follows from its name, so that there are some of each sort.
fn found(
    kind: &str,
    id: &str,
    name: &str,
    (key, problem, expected): (&str, Problem, &str),
    value: &str,
    since: Option<Date>,
) -> Finding {
    let owner = match problem {
        Problem::Missing | Problem::Empty => None,
        Problem::Pattern => Some("Platform Team"),
        Problem::TooFarAhead | Problem::NotADate => Some("Park <park@acme.com>"),
        _ => Some("kim"),
    };
    Finding {
        advice: match problem {
            Problem::Expired => Advice::Delete,
            Problem::TooFarAhead => Advice::Change,
            _ => Advice::Fix,
        },
        scope: Scope::new("111122223333", "ap-northeast-2"),
        target: TargetRef { kind: kind.to_owned(), id: id.to_owned(), name: name.to_owned() },
        owner: owner.map(str::to_owned),
        rule: "tags.ownership".to_owned(),
        key: key.to_owned(),
        problem,
        found_key: (problem == Problem::Misspelt).then(|| "Ownr".to_owned()),
        found: (problem != Problem::Missing).then(|| value.to_owned()),
        expected: expected.to_owned(),
        since,
    }
}
