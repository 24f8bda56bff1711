//! Which mails an audit makes, and that no value breaks out of them.

use super::fixtures::{audit, finding, gap, settings};
use super::*;
use crate::manifest::{Language, MailSettings, Template};
use crate::model::{Advice, Audit, Place, Problem, Scope};

fn composed(audit: &Audit, settings: &MailSettings) -> Vec<Message> {
    compose(audit, settings, &Templates::read(settings).unwrap()).unwrap()
}

fn expired(name: &str, owner: Option<&str>) -> crate::model::Finding {
    finding(Advice::Delete, Problem::Expired, name, owner)
}

/// The address of each owner's mail, and the names in it.
fn owners(messages: &[Message], names: &[&str]) -> Vec<String> {
    let held = |message: &Message| {
        let held: Vec<&str> = names.iter().copied().filter(|name| message.text.contains(*name)).collect();
        held.join(" ")
    };
    messages[1..].iter().map(|message| format!("{}: {}", message.to[0], held(message))).collect()
}

#[test]
fn the_team_gets_all_and_each_owner_theirs() {
    let audit = audit(vec![
        expired("web-1", Some("kim@acme.com")),
        expired("web-2", Some("Lee <lee@ACME.com>, kim")),
        finding(Advice::Fix, Problem::Missing, "web-3", None),
        finding(Advice::Fix, Problem::Missing, "web-4", Some("운영팀")),
    ]);
    let names = ["web-1", "web-2", "web-3", "web-4"];
    let mut settings = settings();
    let messages = composed(&audit, &settings);
    assert_eq!(owners(&messages, &names), ["kim@acme.com: web-1 web-2", "lee@acme.com: web-2"]);
    assert!(names.iter().all(|name| messages[0].text.contains(name) && messages[0].html.contains(name)));
    assert!(messages[0].text.contains("- 운영팀 · 1 finding\n"), "{}", messages[0].text);
    assert!(!messages[1].text.contains("운영팀"));

    settings.default_owner =
        vec![Mailbox::parse("kim@acme.com").unwrap(), Mailbox::parse("boss@acme.com").unwrap()];
    let messages = composed(&audit, &settings);
    assert_eq!(
        owners(&messages, &names),
        ["boss@acme.com: web-3 web-4", "kim@acme.com: web-1 web-2 web-3 web-4", "lee@acme.com: web-2"]
    );
    assert!(messages[1].text.contains("These resources name no owner"), "{}", messages[1].text);
    assert!(messages[2].text.contains("Some of them name no owner"), "{}", messages[2].text);
    assert!(messages[1].subject.contains("Resources without an owner"), "{}", messages[1].subject);
    assert!(messages[2].subject.contains("Your resources"), "{}", messages[2].subject);
    let team = &messages[0].text;
    assert!(team.contains("2 owners get mails of their own.\nThe default owner gets what"), "{team}");
    assert!(team.contains("goes to the default owner") && !team.contains("default_owner would"), "{team}");
    assert!(!team.contains("owner_domain"), "{team}");

    settings.owners = false;
    assert_eq!(composed(&audit, &settings).len(), 1);
}

#[test]
fn an_audit_without_findings_is_told_to_the_team() {
    let messages = composed(&audit(vec![]), &settings());
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].subject, "[payments] Tag audit 2026-11-20: 0 to delete, 0 to change, 0 to fix");
    for line in ["Nothing has expired.", "No date is too far ahead.", "All tags are as they should be."] {
        assert!(messages[0].text.contains(line) && messages[0].html.contains(line), "{line}");
    }
}

#[test]
fn what_could_not_be_read_is_on_top() {
    let mut audit = audit(vec![expired("web-1", Some("kim"))]);
    audit.gaps.push(gap());
    for message in composed(&audit, &settings()) {
        assert!(message.subject.ends_with(" (incomplete)"), "{}", message.subject);
        for part in [&message.text, &message.html] {
            let gap = part.find("Not everything could be read").unwrap();
            assert!(gap < part.find("Delete advised").unwrap());
            assert!(part.contains("us-east-1") && part.contains("not allowed (UnauthorizedOperation)"));
        }
    }
}

#[test]
fn regions_that_were_left_out_are_told() {
    let mut audit = audit(vec![expired("web-1", Some("kim"))]);
    audit.left_out = ["eu-west-1", "us-west-2"].map(|region| Scope::new("111122223333", region)).to_vec();
    for message in composed(&audit, &settings()) {
        for part in [&message.text, &message.html] {
            assert!(part.contains("Only 1 of 3 regions was looked at: us-east-1"), "{part}");
        }
    }
}

#[test]
fn faults_of_templates_are_found_before_an_audit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.txt");
    let mut settings = settings();
    let place = Place::Named("here".to_owned());
    settings.text_template = Some(crate::manifest::Placed { value: path.display().to_string(), place });
    for (template, fault) in [
        ("{{ project }}{% include 'mail.txt' %}", None),
        ("{% if not team %}{{ onwer }}{% endif %}", Some("`onwer` is undefined")),
        ("{% if gaps %}{{ gap }}{% endif %}", Some("`gap` is undefined")),
        ("{{ t('titel') }}", Some("no text `titel`")),
    ] {
        std::fs::write(&path, template).unwrap();
        let found = check_templates(&settings, &Templates::read(&settings).unwrap()).err();
        let summary = found.map(|fault| fault.summary);
        assert_eq!(summary.is_some(), fault.is_some(), "{template} {summary:?}");
        assert!(summary.unwrap_or_default().contains(fault.unwrap_or_default()), "{template}");
    }
}

#[test]
fn no_value_breaks_out() {
    let evil = "<script>alert(1)</script>\r\nBcc: x@evil.com \" ' {{ 7 * 7 }}";
    let mut bad = expired(evil, Some(evil));
    bad.found = Some(evil.to_owned());
    bad.expected = evil.to_owned();
    bad.key = evil.to_owned();
    bad.found_key = Some(evil.to_owned());
    bad.target.id = evil.to_owned();
    let mut audit = audit(vec![bad]);
    audit.project = evil.to_owned();
    audit.gaps.push(gap());
    audit.gaps[0].reason = evil.to_owned();
    let mut settings = settings();
    settings.subject =
        Some(Template::new("{{ project }}\n{{ owner }}", Place::Named("here".to_owned())).unwrap());
    for message in composed(&audit, &settings) {
        assert!(!message.html.contains("<script"), "{}", message.html);
        assert!(!message.html.contains("\" '") && !message.html.contains(">49"));
        assert!(!message.subject.contains(char::is_control), "{:?}", message.subject);
        assert!(!message.text.contains("\nBcc") && message.text.contains("\\r\\nBcc"), "{}", message.text);
    }
}

#[test]
fn a_mail_fits_gmail_and_says_what_it_leaves_out() {
    for language in Language::ALL {
        let long = "값".repeat(500);
        let mut findings: Vec<_> = (0..3).map(|n| expired(&format!("old-{n}"), Some("kim"))).collect();
        findings.extend(
            (0..2000).map(|n| finding(Advice::Fix, Problem::Pattern, &format!("web-{n}"), Some("kim"))),
        );
        for finding in &mut findings {
            finding.found = Some(long.clone());
        }
        let settings = MailSettings { language, ..settings() };
        for message in composed(&audit(findings), &settings) {
            assert!((60_000..100_000).contains(&message.html.len()), "{}", message.html.len());
            assert!(message.html.contains("old-2") && message.html.contains("web-0"));
            let shown = message.html.matches("<b class=\"x\">web-").count();
            let rest = (2000 - shown).to_string();
            assert!(message.html.contains(&rest) && message.text.contains(&rest), "{rest}");
            assert!(message.html.contains("opsform audit --format xlsx"));
            assert!(message.html.contains('…') && !message.html.contains(&long));
        }
    }
}

#[test]
fn every_language_has_words_for_everything() {
    let problems = [
        Problem::Missing,
        Problem::Misspelt,
        Problem::Ambiguous,
        Problem::Empty,
        Problem::Pattern,
        Problem::NotAllowed,
        Problem::NotADate,
        Problem::Expired,
        Problem::TooFarAhead,
    ];
    let mut findings = Vec::new();
    for (n, problem) in problems.into_iter().enumerate() {
        findings
            .extend(Advice::ALL.map(|advice| finding(advice, problem, &format!("web-{n}"), Some("kim; ?"))));
    }
    let mut audit = audit(findings);
    audit.gaps = vec![gap(); 21];
    for language in Language::ALL {
        for message in composed(&audit, &MailSettings { language, ..settings() }) {
            for part in [&message.subject, &message.text, &message.html] {
                let style = part.find("</style>").map_or(0, |end| end);
                assert!(!part[style..].contains(['{', '}']), "{part}");
            }
        }
    }
}

#[test]
fn the_text_reads_well() {
    let mut audit =
        audit(vec![expired("web-1", Some("kim")), finding(Advice::Fix, Problem::Misspelt, "web-2", None)]);
    audit.gaps.push(gap());
    insta::assert_snapshot!(composed(&audit, &settings())[0].text, @r#"
    payments · Tag audit · 2026-11-20 (Asia/Seoul)

    !!! Not everything could be read !!!
    Nothing is known of the following. That they are not in the lists below does not mean that they are in order.
      ! volumes · 111122223333 · us-east-1: not allowed (UnauthorizedOperation)

    168 resources were checked against the tag rules.
    1 owner gets a mail of their own.
    Checked: 120 instances, 48 volumes

    == Delete advised: 1 ==
    These were to live until a day that has passed. Delete what is no longer needed, and give a new date to what is.

    * instance i-web-1 "web-1" · ap-northeast-2 · 111122223333
      Owner: kim
      expiry-date: expired · Value: 2026-11-01 · Since: 2026-11-02
      -> Delete it, or set a new date: a date at most 30 days ahead

    == Change advised: 0 ==
    No date is too far ahead.

    == Tags to fix: 1 ==
    These lack a tag, misspell its key or give it a value that the rules do not allow.

    * instance i-web-2 "web-2" · ap-northeast-2 · 111122223333
      no owner
      expiry-date: misspelt as Expiry_Date · Value: 2026-11-01 · Since: 2026-11-02
      -> Rename the tag to expiry-date

    --
    Sent by opsform audit, which changes nothing on AWS.
    "#);
}

#[test]
fn the_findings_of_a_resource_are_one_entry_of_a_list() {
    let fix = |problem, name| finding(Advice::Fix, problem, name, Some("kim"));
    let audit = audit(vec![
        expired("web-1", Some("kim")),
        fix(Problem::Missing, "web-1"),
        fix(Problem::Misspelt, "web-1"),
        fix(Problem::Missing, "web-2"),
    ]);
    for message in composed(&audit, &settings()) {
        assert_eq!(message.text.matches("* instance i-web-1").count(), 2, "{}", message.text);
        assert_eq!(message.html.matches("<b class=\"x\">web-1</b>").count(), 2, "{}", message.html);
        let misspelt = message.text.find("misspelt as").unwrap();
        assert!(misspelt < message.text.find("* instance i-web-2").unwrap());
    }
}

#[test]
fn the_users_own_templates_are_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.html");
    std::fs::write(&path, "<p>{{ t('title') }} {{ sections[0].rows[0].found }}</p>").unwrap();
    let mut settings = settings();
    let place = Place::Named("here".to_owned());
    settings.template = Some(crate::manifest::Placed { value: path.display().to_string(), place });
    let mut bad = expired("web-1", None);
    bad.found = Some("<b>".to_owned());
    assert_eq!(composed(&audit(vec![bad.clone()]), &settings)[0].html, "<p>Tag audit &lt;b&gt;</p>");

    std::fs::write(&path, "<p>Dear all</p>{% include 'mail.html' %}").unwrap();
    let html = &composed(&audit(vec![bad.clone()]), &settings)[0].html;
    assert!(html.starts_with("<p>Dear all</p>") && html.contains("Delete advised · 1"), "{html}");

    std::fs::write(&path, "<p>\n{{ nothing }}</p>").unwrap();
    let fault = compose(&audit(vec![bad]), &settings, &Templates::read(&settings).unwrap()).unwrap_err();
    assert!(fault.place.unwrap().to_string().ends_with("own.html:2:4"));
    assert!(fault.summary.contains("`nothing` is undefined"), "{}", fault.summary);
}
