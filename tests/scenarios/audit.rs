//! Audits: what is found agrees with a reference that is computed here, by other means; what could not be read is told.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::workspace::{Workspace, wait_until};

const REGIONS: [&str; 4] = ["us-east-1", "us-west-2", "eu-west-1", "ap-northeast-2"];

const RULES: &str = "\
[project]
name = 'payments'
[aws]
regions = ['us-east-1', 'us-west-2', 'eu-west-1', 'ap-northeast-2']
[[tags]]
label = 'ownership'
for_each = { ec2 = {}, rds = {}, rds_cluster = {} }
timezone = 'Asia/Seoul'
require.Name = {}
require.owner = { pattern = '^[a-z.]+@acme\\.com$', aliases = ['contact'] }
require.expiry-date = { format = 'date', max_ahead = '3d' }
";

/// A day in Seoul, as many days from today.
#[allow(clippy::disallowed_methods)] // The program asks its own clock.
fn day(ahead: i64) -> String {
    let seoul = jiff::tz::TimeZone::get("Asia/Seoul").unwrap();
    let today = jiff::Timestamp::now().to_zoned(seoul).date();
    today.checked_add(jiff::Span::new().days(ahead)).unwrap().to_string()
}

/// One tag that a resource is seeded with, and which list it belongs to: `D`elete, `C`hange, `F`ix or none.
type Planted = (Option<(&'static str, String)>, &'static str);

fn names(n: usize) -> Planted {
    match n % 11 {
        0 => (None, "F"),
        1 => (Some(("Name", String::new())), "F"),
        2 => (Some(("name", "web".to_owned())), "F"),
        3 => (Some(("instance-name", "web".to_owned())), "F"),
        _ => (Some(("Name", format!("web-{n}"))), ""),
    }
}

fn owners(n: usize) -> Planted {
    match n % 13 {
        0 => (None, "F"),
        1 => (Some(("owner", "  ".to_owned())), "F"),
        2 => (Some(("Owner", "kim@acme.com".to_owned())), "F"),
        3 => (Some(("contact", "kim@acme.com".to_owned())), "F"),
        4 => (Some(("owner", "Kim".to_owned())), "F"),
        5 => (Some(("owner-team", "kim@acme.com".to_owned())), "F"),
        _ => (Some(("owner", "lee@acme.com".to_owned())), ""),
    }
}

fn dates(n: usize) -> Planted {
    match n % 17 {
        0 => (None, "F"),
        1 => (Some(("expiry-date", day(-1))), "D"),
        2 => (Some(("expiry-date", day(0))), ""),
        3 => (Some(("expiry-date", day(3))), ""),
        4 => (Some(("expiry-date", day(4))), "C"),
        5 => (Some(("expiry-date", "never".to_owned())), "F"),
        6 => (Some(("expiry-date", String::new())), "F"),
        // Misspelt, and the date counts all the same.
        7 => (Some(("Expiry-Date", day(-30))), "DF"),
        8 => (Some(("expiry-date ", day(1))), "F"),
        9 => (Some(("my-expiry-date", day(1))), "F"),
        10 => (Some(("expiry-date", format!(" {} ", day(-2)))), "D"),
        11 => (Some(("expiry-date", day(2).replace('-', "/"))), ""),
        12 => (Some(("expiry-date", "2026-02-30".to_owned())), "F"),
        _ => (Some(("expiry-date", day(1))), ""),
    }
}

/// The tags of a resource, and the lists that its keys belong to.
fn planted(n: usize) -> (Value, Vec<(&'static str, &'static str)>) {
    // Every 97th has no tag at all.
    let all = [("Name", names(n)), ("owner", owners(n)), ("expiry-date", dates(n))];
    let mut tags = serde_json::Map::new();
    let mut lists = Vec::new();
    for (key, (tag, list)) in all {
        if n.is_multiple_of(97) {
            lists.push((key, "F"));
            continue;
        }
        if let Some((name, value)) = tag {
            tags.insert(name.to_owned(), json!(value));
        }
        lists.push((key, list));
    }
    (Value::Object(tags), lists)
}

/// Seeds the fleet, and gives what is to be found: list, region, id and key.
fn seed(workspace: &Workspace) -> BTreeSet<(String, String, String, String)> {
    let mut expected = BTreeSet::new();
    let mut expect = |region: &str, id: &str, lists: &[(&str, &str)]| {
        for (key, list) in lists {
            for list in list.chars() {
                let list = match list {
                    'D' => "delete",
                    'C' => "change",
                    _ => "fix",
                };
                expected.insert((list.to_owned(), region.to_owned(), id.to_owned(), (*key).to_owned()));
            }
        }
    };
    for (index, region) in REGIONS.iter().enumerate() {
        let numbers: Vec<usize> = (index * 250..(index + 1) * 250).collect();
        let mut instances: Vec<Value> = numbers.iter().map(|&n| json!({"tags": planted(n).0})).collect();
        // Gone, and so nobody's business.
        instances.push(json!({"state": "terminated"}));
        let databases: Vec<Value> = (0..10)
            .map(|n| json!({"id": format!("db-{index}-{n}"), "tags": planted(2000 + index * 10 + n).0}))
            .collect();
        let clusters: Vec<Value> = (0..if index < 2 { 3 } else { 2 })
            .map(|n| json!({"id": format!("cl-{index}-{n}"), "tags": planted(3000 + index * 10 + n).0}))
            .collect();
        for n in 0..10 {
            expect(region, &format!("db-{index}-{n}"), &planted(2000 + index * 10 + n).1);
        }
        for n in 0..clusters.len() {
            expect(region, &format!("cl-{index}-{n}"), &planted(3000 + index * 10 + n).1);
        }
        let seeded = workspace
            .account
            .seed(json!({*region: {"instances": instances, "databases": databases, "clusters": clusters}}));
        let ids = seeded["regions"][region]["instances"].as_array().unwrap().clone();
        for (n, id) in numbers.iter().zip(&ids) {
            expect(region, id.as_str().unwrap(), &planted(*n).1);
        }
    }
    expected
}

fn found(audit: &Value) -> Vec<(String, String, String, String)> {
    let findings = audit["findings"].as_array().unwrap();
    let line = |finding: &Value| {
        let text = |name: &str| finding[name].as_str().unwrap().to_owned();
        (text("advice"), text("region"), text("id"), text("key"))
    };
    findings.iter().map(line).collect()
}

fn audit(workspace: &Workspace) -> Value {
    serde_json::from_str(&workspace.ok(&["audit", "--format", "json"]).stdout).unwrap()
}

#[test]
fn the_lists_agree_with_a_reference_item_for_item() {
    let workspace = Workspace::new(RULES);
    let expected = seed(&workspace);
    workspace.account.clear_calls();
    let audit = audit(&workspace);
    let found = found(&audit);
    let unique: BTreeSet<_> = found.iter().cloned().collect();
    assert_eq!(unique.len(), found.len(), "nothing is told twice");
    let missing: Vec<_> = expected.difference(&unique).take(5).collect();
    let surplus: Vec<_> = unique.difference(&expected).take(5).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "missing {missing:?}, surplus {surplus:?}");
    assert!(expected.len() > 700, "{}", expected.len());
    assert_eq!(audit["checked"], json!({"instances": 1000, "databases": 40, "clusters": 10}));
    // One page of each kind in each region, and whose credentials these are.
    assert_eq!(workspace.account.count("ec2:DescribeInstances"), 4);
    assert_eq!(workspace.account.count("rds:DescribeDBInstances"), 4);
    assert_eq!(workspace.account.count("rds:DescribeDBClusters"), 4);
    let calls: u64 = workspace.account.calls().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(calls, 13);
}

#[test]
fn a_region_that_cannot_be_read_is_a_gap_and_the_others_are_told() {
    let workspace = Workspace::new(RULES);
    let expected = seed(&workspace);
    workspace.account.faults(json!([{"operation": "*", "region": "eu-west-1", "kind": "denied"}]));
    let run = workspace.run(&["audit", "--format", "json"]).expect(1).says(&["could not be read"]);
    let audit: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(audit["gaps"].as_array().unwrap().len(), 3, "{}", audit["gaps"]);
    let others: BTreeSet<_> = expected.into_iter().filter(|(_, region, ..)| region != "eu-west-1").collect();
    assert_eq!(found(&audit).into_iter().collect::<BTreeSet<_>>(), others);
    let table = workspace.run(&["audit"]).expect(1).stdout;
    assert!(table.contains("eu-west-1"), "{table}");
}

#[test]
fn every_form_and_the_exit_codes() {
    let workspace = Workspace::new(RULES);
    workspace.ok(&["audit", "--detailed-exitcode"]);
    workspace.account.seed(
        json!({"us-east-1": {"instances": [{"tags": {"Name": "<script>x</script>", "owner": "=1+1"}}]}}),
    );
    workspace.ok(&["audit"]).says(&["owner", "expiry-date", "is missing"]);
    workspace.run(&["audit", "--detailed-exitcode"]).expect(2);
    for (file, inside) in [
        ("a.json", "\"findings\""),
        ("a.csv", "=1+1"),
        ("a.html", "&lt;script&gt;"),
        ("a.md", "expiry-date"),
        ("a.xml", "<testsuite"),
    ] {
        workspace.ok(&["audit", "--out", file]).says(&["2 findings"]);
        let text = std::fs::read_to_string(workspace.path().join(file)).unwrap();
        assert!(text.contains(inside), "{file}: {text}");
        let markup = ["a.html", "a.xml"].contains(&file);
        assert!(!(markup && text.contains("<script>x")), "{file}");
    }
    workspace.ok(&["audit", "--out", "a.xlsx"]);
    workspace.run(&["audit", "--out", "a.pdf"]).expect(1).says(&["tells no format"]);
    workspace.run(&["audit", "--out", "a.csv", "--format", "json"]).expect(1).says(&["another format"]);
    let none = Workspace::new(crate::workspace::CPU);
    none.run(&["audit"]).expect(1).says(&["no rules for an audit", "[[tags]]"]);
}

const MAIL: &str = "\
[mail]
from = 'ops@acme.com'
to = ['team@acme.com']
owner_domain = 'acme.com'
language = 'ko'
";

#[test]
fn the_team_gets_everything_and_each_owner_theirs() {
    let workspace = Workspace::new(&format!("{RULES}{MAIL}"));
    workspace.account.seed(json!({"us-east-1": {"instances": [
        {"tags": {"Name": "<script>alert(1)</script>", "owner": "kim@acme.com", "expiry-date": day(-1)}},
        {"tags": {"Name": "b", "owner": "lee", "expiry-date": day(9)}},
        {"tags": {"Name": "c\nd", "owner": "lee@acme.com", "expiry-date": "x"}},
    ]}}));
    workspace
        .ok(&["audit", "--mail", "--dry-run", "mails"])
        .says(&["nothing was sent; 3 mails are in mails"]);
    assert!(workspace.account.mails().is_empty());
    workspace.ok(&["audit", "--mail"]).says(&["sent 3 mails"]);
    let mails = workspace.account.mails();
    let to: BTreeSet<String> = mails.iter().map(|mail| mail["to"][0].as_str().unwrap().to_owned()).collect();
    let expected = ["kim@acme.com", "lee@acme.com", "team@acme.com"].map(str::to_owned);
    assert_eq!(to, BTreeSet::from(expected));
    for mail in &mails {
        let (html, text) = (mail["html"].as_str().unwrap(), mail["text"].as_str().unwrap());
        assert!(!html.contains("<script>") && !mail["subject"].as_str().unwrap().contains('\n'), "{mail}");
        let lee = mail["to"][0] == "lee@acme.com";
        assert_eq!(text.contains("alert(1)"), !lee, "{text}");
        assert!(html.contains("삭제"), "{html}");
    }
}

#[test]
fn a_mail_whose_answer_was_lost_is_not_sent_again() {
    let workspace = Workspace::new(&format!("{RULES}{MAIL}"));
    workspace.account.seed(json!({"us-east-1": {"instances": [{"tags": {"owner": "kim@acme.com"}}]}}));
    workspace
        .account
        .faults(json!([{"operation": "SendEmail", "kind": "drop_after", "key": "kim@acme.com"}]));
    let run = workspace.run(&["audit", "--mail"]).expect(1);
    run.says(&["not known whether it was sent", "kim@acme.com"]);
    assert_eq!(workspace.account.mails().len(), 2, "each was taken once");
    workspace.run(&["audit", "--mail", "--format", "json"]).expect(1);
    let without = Workspace::new(RULES);
    without.run(&["audit", "--mail"]).expect(1).says(&["says nothing about mail", "[mail]"]);
}

#[test]
fn ctrl_c_says_which_mails_went() {
    let workspace = Workspace::new(&format!("{RULES}{MAIL}"));
    let owned = |n: usize| json!({"tags": {"owner": format!("p{n:02}@acme.com")}});
    let instances: Vec<Value> = (0..30).map(owned).collect();
    workspace.account.seed(json!({"us-east-1": {"instances": instances}}));
    workspace.account.options(json!({"mail": {"rate": 1000, "daily": 50_000}}));
    workspace.account.faults(json!([{"operation": "SendEmail", "kind": "hold_after", "skip": 4}]));
    let mut run = workspace.start(&["audit", "--mail"]);
    wait_until(|| workspace.account.held() >= 1);
    run.signal("INT");
    run.until("stopping after the calls in flight");
    workspace.account.faults(json!([]));
    workspace.account.release();
    let run = run.end().expect(130);
    let run = run.says(&["not begun: ", "p29@acme.com", "sent to team@acme.com", "stopped; sent "]);
    let sent = workspace.account.mails().len();
    assert!((5..20).contains(&sent), "{sent}");
    run.says(&[&format!("stopped; sent {sent} mails")]);
}

#[test]
fn what_every_mail_fails_of_is_told_once() {
    let workspace = Workspace::new(&format!("{RULES}{MAIL}"));
    workspace.account.seed(json!({"us-east-1": {"instances": [
        {"tags": {"owner": "kim@acme.com"}}, {"tags": {"owner": "lee@acme.com"}},
    ]}}));
    workspace.account.faults(json!([{"operation": "SendEmail", "kind": "denied"}]));
    let run = workspace.run(&["audit", "--mail"]).expect(1);
    assert_eq!(run.stderr.matches("error: not sent to ").count(), 1, "{}", run.stderr);
    run.says(&["team@acme.com, kim@acme.com, lee@acme.com: ", "help: the caller needs"]);
}

#[test]
fn owner_tags_send_mails_to_allowed_domains_only() {
    let workspace = Workspace::new(&format!("{RULES}{MAIL}"));
    let foreign: Vec<String> = (0..25).map(|n| format!("p{n}@domain{n}.com")).collect();
    workspace.account.seed(json!({"us-east-1": {"instances": [
        {"tags": {"owner": foreign.join(" ")}},
        {"tags": {"owner": "everyone"}},
        {"tags": {"owner": "ask john"}},
        {"tags": {"owner": "kim@acme.com\r\nBcc: evil@z.com"}},
        {"tags": {"owner": "lee@acme.com"}},
    ]}}));
    workspace.ok(&["audit", "--mail"]).says(&["sent 2 mails"]);
    let mails = workspace.account.mails();
    let to: BTreeSet<&str> = mails.iter().map(|mail| mail["to"][0].as_str().unwrap()).collect();
    assert_eq!(to, BTreeSet::from(["lee@acme.com", "team@acme.com"]));
    let team = mails.iter().find(|mail| mail["to"][0] == "team@acme.com").unwrap();
    for unusable in ["p0@domain0.com", "- everyone", "- ask john", "evil@z.com"] {
        assert!(team["text"].as_str().unwrap().contains(unusable), "{unusable}");
    }
}

#[test]
fn a_clean_audit_is_mailed_unless_that_is_not_wanted() {
    let workspace = Workspace::new(&format!("{RULES}{MAIL}"));
    workspace.ok(&["audit", "--mail"]).says(&["sent 1 mail from"]);
    workspace.edit_manifest("language = 'ko'", "when_clean = false");
    workspace.ok(&["audit", "--mail"]).says(&["nothing was found, so there is no mail"]);
    assert_eq!(workspace.account.mails().len(), 1);
    workspace.account.faults(json!([{"operation": "*", "region": "eu-west-1", "kind": "denied"}]));
    workspace.run(&["audit", "--mail"]).expect(1).says(&["sent 1 mail from"]);
}

#[test]
fn targets_that_are_missing_are_told_as_a_plan_tells_them() {
    let workspace = Workspace::new(
        &RULES.replace("{ ec2 = {}, rds = {}, rds_cluster = {} }", "{ inventory = 'servers' }"),
    );
    let manifest = "[[inventory]]\nlabel = 'servers'\nfile = 'servers.csv'\nid = 'id'\n";
    std::fs::write(workspace.path().join("manifests/inventory.toml"), manifest).unwrap();
    let seeded = workspace.account.seed(json!({"us-east-1": {"instances": [{"tags": {"Name": "web-1"}}]}}));
    let id = seeded["regions"]["us-east-1"]["instances"][0].as_str().unwrap().to_owned();
    let sheet = format!("id,kind\n{id},ec2\ni-0123456789abcdef0,ec2\n");
    std::fs::write(workspace.path().join("manifests/servers.csv"), sheet).unwrap();
    let plan = workspace.run(&["plan"]).expect(1).says(&["i-0123456789abcdef0"]);
    let audit = workspace.run(&["audit", "--format", "json"]).expect(1).says(&["i-0123456789abcdef0"]);
    assert!(
        plan.stderr.starts_with(&audit.stderr) && !audit.stderr.is_empty(),
        "{} {}",
        plan.stderr,
        audit.stderr
    );
    let found: Value = serde_json::from_str(&audit.stdout).unwrap();
    assert_eq!((&found["checked"]["instances"], &found["findings"][0]["id"]), (&json!(1), &json!(id)));
}

#[test]
fn a_selector_that_selects_nothing_is_told() {
    let workspace = Workspace::new(&RULES.replace("ec2 = {}", "ec2 = { tags = { Env = 'prod' } }"));
    workspace.ok(&["audit"]).says(&["warning: `for_each` of tags.ownership selects nothing"]);
    workspace.account.faults(json!([{"operation": "*", "region": "eu-west-1", "kind": "denied"}]));
    let run = workspace.run(&["audit"]).expect(1);
    assert!(!run.stderr.contains("selects nothing"), "{}", run.stderr);
}

#[test]
fn a_mail_says_which_regions_were_looked_at() {
    let workspace = Workspace::new(&format!("{RULES}{MAIL}"));
    workspace.ok(&["--region", "us-west-2", "audit", "--mail"]).says(&["in 1 of 4 regions"]);
    let mails = workspace.account.mails();
    assert!(
        mails[0]["text"].as_str().unwrap().contains("전체 4개 리전 중 1개만 점검했습니다: us-west-2"),
        "{}",
        mails[0]
    );
}

#[test]
fn validate_reads_the_mails_templates() {
    let workspace = Workspace::new(&format!("{RULES}{MAIL}template = 'own.html'\n"));
    let template = workspace.path().join("manifests/own.html");
    workspace.run(&["validate"]).expect(1).says(&["cannot read the template"]);
    std::fs::write(&template, "<p>{{ project </p>").unwrap();
    workspace.run(&["validate"]).expect(1).says(&["template of the mail", "own.html:1"]);
    std::fs::write(&template, "<p>{{ projekt }}</p>").unwrap();
    workspace.run(&["validate"]).expect(1).says(&["`projekt` is undefined"]);
    std::fs::write(&template, "<p>{{ project }}</p>").unwrap();
    workspace.ok(&["validate"]);
}
