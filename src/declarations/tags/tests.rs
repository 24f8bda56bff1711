use std::collections::BTreeMap;

use super::*;
use crate::declarations::{block_names, parse_all};
use crate::inventory::TargetKind;
use crate::manifest::{SourceSet, parse};
use crate::model::{Advice, Scope};

const RULES: &str = "\
[[tags]]
label = 'ownership'
for_each = { ec2 = {}, rds = {} }
timezone = 'Asia/Seoul'
grace = '3d'
exempt = [{ tags = { Env = 'sandbox' }, until = '2026-11-20', reason = 'closing down' }]
require.Name = {}
require.owner = { pattern = '^[a-z.]+@acme\\.com$', aliases = ['Owner', 'contact'] }
require.expiry-date = { format = 'date', max_ahead = '3d' }
";

fn read(text: &str) -> (Vec<Box<dyn Declaration>>, Vec<String>) {
    let settings = "[project]\nname = 'p'\n";
    let sources = SourceSet::new("m", [("a.toml", text), ("b.toml", settings)]);
    let (document, mut problems) = parse(&sources, &block_names());
    let (declarations, more) = parse_all(&document);
    problems.extend(more);
    let line = |d: &crate::model::Diagnostic| {
        let hint = d.hint.as_deref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        let place = d.place.as_ref().map(ToString::to_string).unwrap_or_default();
        format!("{} {}{hint}", place.replace("a.toml:", ""), d.summary)
    };
    (declarations, problems.iter().map(line).collect())
}

fn target(kind: TargetKind, id: &str, tags: &[(&str, &str)]) -> Target {
    let tags: BTreeMap<String, String> =
        tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Target {
        kind,
        scope: Scope::new("111122223333", "us-east-1"),
        id: id.to_owned(),
        name: tags.get("Name").cloned().unwrap_or_else(|| id.to_owned()),
        state: "running".to_owned(),
        tags,
        attributes: BTreeMap::from([("launched", "2026-11-01T00:00:00Z".into())]),
    }
}

fn findings_at(rules: &str, targets: Vec<Target>, now: &str) -> Vec<Finding> {
    let (declarations, problems) = read(rules);
    assert_eq!(problems, [""; 0]);
    let fleet = Fleet::new(targets);
    let world = World::new(&[], &[], &fleet, now.parse().unwrap());
    declarations[0].findings(&world)
}

fn said(findings: &[Finding]) -> Vec<String> {
    let line = |finding: &Finding| format!("{} {} {:?}", finding.target.id, finding.key, finding.problem);
    findings.iter().map(line).collect()
}

const NOON: &str = "2026-11-20T03:00:00Z";

#[test]
fn each_fault_of_each_target_is_found_with_what_a_person_needs() {
    let good = [("Name", "web"), ("owner", "kim@acme.com"), ("expiry-date", "2026-11-22")];
    let found = findings_at(
        RULES,
        vec![
            target(TargetKind::Ec2, "i-1", &good),
            target(TargetKind::Ec2, "i-2", &[]),
            target(
                TargetKind::Ec2,
                "i-3",
                &[("Name", "db"), ("Owner", "lee@acme.com"), ("expiry-date", "2026-11-19")],
            ),
            target(
                TargetKind::Rds,
                "db-1",
                &[("Name", "db"), ("owner", "lee"), ("expiry-date", "2026-12-24")],
            ),
            target(TargetKind::Ec2, "i-4", &[("Name", ""), ("instance-name", "x"), ("owner-team", "y")]),
        ],
        NOON,
    );
    assert_eq!(
        said(&found),
        [
            "i-2 Name Missing",
            "i-2 owner Missing",
            "i-2 expiry-date Missing",
            "i-3 owner Misspelt",
            "i-3 expiry-date Expired",
            "i-4 Name Empty",
            "i-4 owner Missing",
            "i-4 expiry-date Missing",
            "db-1 owner Pattern",
            "db-1 expiry-date TooFarAhead",
        ]
    );
    let expired = &found[4];
    assert_eq!((expired.advice, expired.owner.as_deref()), (Advice::Delete, Some("lee@acme.com")));
    assert_eq!(
        (expired.found.as_deref(), &*expired.expected),
        (Some("2026-11-19"), "a date such as 2026-11-20, at most 3 days ahead")
    );
    assert_eq!(expired.since, Some(jiff::civil::date(2026, 11, 20)));
    assert_eq!(found[0].since, Some(jiff::civil::date(2026, 11, 1)));
    assert_eq!(found[5].since, None, "nobody knows since when it is empty");
    assert_eq!(found[3].found_key.as_deref(), Some("Owner"));
    assert_eq!((&*found[3].rule, found[9].advice), ("tags.ownership", Advice::Change));
}

#[test]
fn a_day_begins_at_midnight_of_the_time_zone() {
    let until = |date: &str| {
        vec![target(TargetKind::Ec2, "i-1", &[("Name", "a"), ("owner", "a@acme.com"), ("expiry-date", date)])]
    };
    // 23:59:59 and 00:00:00 in Seoul.
    assert_eq!(said(&findings_at(RULES, until("2026-11-20"), "2026-11-20T14:59:59Z")), [""; 0]);
    assert_eq!(
        said(&findings_at(RULES, until("2026-11-20"), "2026-11-20T15:00:00Z")),
        ["i-1 expiry-date Expired"]
    );
    assert_eq!(
        said(&findings_at(RULES, until("2026-11-24"), "2026-11-20T14:59:59Z")),
        ["i-1 expiry-date TooFarAhead"]
    );
    assert_eq!(said(&findings_at(RULES, until("2026-11-24"), "2026-11-20T15:00:00Z")), [""; 0]);
}

#[test]
fn exemptions_end_and_new_instances_have_their_grace() {
    let sandbox = || vec![target(TargetKind::Ec2, "i-1", &[("Env", "sandbox")])];
    assert_eq!(said(&findings_at(RULES, sandbox(), NOON)), [""; 0]);
    assert_eq!(findings_at(RULES, sandbox(), "2026-11-20T15:00:00Z").len(), 3, "the day after the last");
    let young = || vec![target(TargetKind::Ec2, "i-1", &[])];
    assert_eq!(said(&findings_at(RULES, young(), "2026-11-03T23:59:59Z")), [""; 0]);
    assert_eq!(findings_at(RULES, young(), "2026-11-04T00:00:00Z").len(), 3);
    let mut unknown = target(TargetKind::Ec2, "i-1", &[]);
    unknown.attributes.clear();
    assert_eq!(findings_at(RULES, vec![unknown], "2026-11-03T00:00:00Z").len(), 3, "no age, no grace");
}

#[test]
fn what_is_gone_does_not_count() {
    for state in ["terminated", "shutting-down", "deleting"] {
        let mut gone = target(TargetKind::Ec2, "i-1", &[]);
        gone.state = state.to_owned();
        assert_eq!(said(&findings_at(RULES, vec![gone], NOON)), [""; 0], "{state}");
    }
}

const ENV: &str = "\
[[tags]]
label = 'env'
for_each = { ec2 = {}, rds = {} }
normalize = true
require.Env = { one_of = ['prod', 'dev'], default = \"{{ 'prod' if name == 'live' else 'dev' }}\", aliases = ['Stage'] }
require.expiry-date = { format = 'date', expired = 'stop' }
";

fn wanted(targets: Vec<Target>) -> (Vec<String>, Vec<String>) {
    let (declarations, problems) = read(ENV);
    assert_eq!(problems, [""; 0]);
    let fleet = Fleet::new(targets);
    let world = World::new(&[], &[], &fleet, NOON.parse().unwrap());
    let (desired, problems) = declarations[0].desired(&world);
    let line = |d: &Desired| {
        let fields = serde_json::to_string(&d.fields).unwrap();
        format!("{} {} {fields} {:?}", d.address.kind, d.address.key, d.claim)
    };
    (desired.iter().map(line).collect(), problems.iter().map(|d| d.summary.clone()).collect())
}

#[test]
fn the_plan_adds_defaults_corrects_keys_and_stops_what_has_expired() {
    let (desired, problems) = wanted(vec![
        target(TargetKind::Ec2, "i-1", &[("expiry-date", "2027-01-01")]),
        target(TargetKind::Ec2, "i-2", &[("Name", "live"), ("expiry-date", "2026-11-19")]),
        target(TargetKind::Ec2, "i-3", &[("env ", "prod"), ("expiry-date", "2027-01-01")]),
        target(TargetKind::Ec2, "i-4", &[("Env", "qa"), ("Stage", "dev"), ("expiry-date", "2027-01-01")]),
        target(TargetKind::Rds, "db-1", &[("Stage", "dev"), ("STAGE", "x"), ("expiry-date", "2026-11-19")]),
    ]);
    assert_eq!(problems, [""; 0]);
    assert_eq!(
        desired,
        [
            r#"tag ec2/i-1/Env {"key":"Env","value":"dev"} IfAbsent"#,
            r#"tag ec2/i-2/Env {"key":"Env","value":"prod"} IfAbsent"#,
            r#"instance_power i-2 {"state":"stopped"} Correct { why: "because expiry-date 2026-11-19 has passed" }"#,
            r#"tag ec2/i-3/env  {"key":"Env","value":"prod"} Correct { why: "because the tag `env ` is to be written `Env`" }"#,
            r#"tag ec2/i-4/Env {"key":"Env","value":"dev"} IfAbsent"#,
        ]
    );
}

#[test]
fn an_instance_that_is_stopped_already_is_left_alone() {
    let mut stopped = target(TargetKind::Ec2, "i-1", &[("Env", "dev"), ("expiry-date", "2026-11-19")]);
    stopped.state = "stopping".to_owned();
    assert_eq!(wanted(vec![stopped]).0.len(), 1, "its tag alone");
}

#[test]
fn a_default_that_the_rule_refuses_is_told_for_its_targets() {
    let text = ENV.replace("'prod' if name == 'live' else 'dev'", "tags.Team");
    let (declarations, _) = read(&text);
    let fleet = Fleet::new(vec![
        target(TargetKind::Ec2, "i-1", &[("Team", "dev")]),
        target(TargetKind::Ec2, "i-2", &[("Team", "red")]),
        target(TargetKind::Ec2, "i-3", &[]),
    ]);
    let world = World::new(&[], &[], &fleet, NOON.parse().unwrap());
    let (desired, problems) = declarations[0].desired(&world);
    assert_eq!(desired.len(), 1);
    let summaries: Vec<&str> = problems.iter().map(|d| d.summary.as_str()).collect();
    assert_eq!(
        summaries,
        [
            "`require.Env.default` of tags.env for i-2 gave \"red\", which the rule does not accept: \
             it has a value that is not allowed",
            "`require.Env.default` of tags.env for i-3: tag `Team` is missing",
        ]
    );
    let (_, problems) = read(&ENV.replace("name ==", "nme =="));
    assert!(problems[0].contains("there is no variable `nme`"), "{problems:?}");
}

#[test]
fn wrong_rules_are_told_at_their_places() {
    let (_, problems) = read(
        "[[tags]]\nlabel = 'a'\nfor_each = { ec2 = {} }\ntimezone = 'Asia/Seol'\n\
         exempt = [{ until = 'soon', reason = 'x' }, { ids = ['i-1'] }]\n\
         require.Name = { one_of = [] }\nrequire.\"aws:x\" = { pattern = '(' }\n\
         require.d = { format = 'date', max_ahead = '36h', date_formats = ['%Y-%m'], one_of = ['a'] }\n\
         require.e = { max_ahead = '3d', patern = 'x' }\n\
         require.Env = { one_of = ['prod'], default = 'dev' }\n",
    );
    insta::assert_snapshot!(problems.join("\n"), @r##"
4:12 there is no time zone "Asia/Seol" (did you mean `Asia/Seoul`?)
6:27 `one_of` is an empty list, so that no value would be allowed
7:9 "aws:x" cannot be a tag's key: `aws:` and `opsform:` are reserved
7:31 `pattern` is not a regular expression: unclosed group
8:24 `format` does not go with `one_of` (a value is held to one of `pattern`, `one_of` and `format`)
9:27 `max_ahead` goes with dates (add `format = "date"`)
9:33 unknown key `require.e.patern` in `require.e` (did you mean `pattern`?)
10:46 the default "dev" is not a value that the rule accepts (give a default that the rule accepts)
5:11 an exemption names nothing (add `ids`, `names` or `tags`)
5:21 "soon" is not a date (write it as `2026-12-31`; that is the last day of the exemption)
5:45 `exempt` has no `exempt.until` (add `until = …`: a string)
5:45 `exempt` has no `exempt.reason` (add `reason = …`: a string)
"##);
    let (_, problems) = read("[[tags]]\nlabel = 'a'\n");
    insta::assert_snapshot!(problems.join("\n"), @r##"
1:1 tag rules need `for_each`: what must carry the tags (write `for_each = { ec2 = {}, ebs = {}, rds = {}, rds_cluster = {} }`)
1:1 tag rules require no tag (add `require.Name = {}` or another key)
"##);
}

#[test]
fn what_is_left_alone_keeps_what_it_was_given() {
    let rules = ENV.replace(
        "normalize = true",
        "grace = '3d'\nexempt = [{ ids = ['i-2'], until = '2999-01-01', reason = 'x' }]",
    );
    let (declarations, problems) = read(&rules);
    assert_eq!(problems, [""; 0]);
    let mut young = target(TargetKind::Ec2, "i-1", &[("Env", "dev"), ("expiry-date", "2026-11-19")]);
    young.attributes.insert("launched", "2026-11-19T12:00:00Z".into());
    let mut bare = target(TargetKind::Ec2, "i-3", &[]);
    bare.attributes.insert("launched", "2026-11-19T12:00:00Z".into());
    let exempt = target(TargetKind::Ec2, "i-2", &[("Env", "dev"), ("expiry-date", "2026-11-19")]);
    let fleet = Fleet::new(vec![young, exempt, bare]);
    let world = World::new(&[], &[], &fleet, NOON.parse().unwrap());
    let (desired, _) = declarations[0].desired(&world);
    let keys: Vec<&str> = desired.iter().map(|desired| desired.address.key.as_str()).collect();
    assert_eq!(keys, ["ec2/i-1/Env", "i-1", "ec2/i-2/Env"], "its date counts for a young one, too");
    assert_eq!(said(&declarations[0].findings(&world)), ["i-1 expiry-date Expired"]);
    assert_eq!(declarations[0].selected(&fleet).len(), 3);
}

#[test]
fn a_default_that_cannot_be_told_stops_nothing_where_the_tag_is_there() {
    let text = ENV.replace("'prod' if name == 'live' else 'dev'", "tags.Team");
    let (declarations, _) = read(&text);
    let fleet = Fleet::new(vec![target(TargetKind::Ec2, "i-1", &[("Env", "prod")])]);
    let world = World::new(&[], &[], &fleet, NOON.parse().unwrap());
    let (desired, problems) = declarations[0].desired(&world);
    assert!(problems.is_empty());
    assert_eq!(desired[0].fields["value"], "prod");
}

#[test]
fn defaults_see_keys_as_they_will_be_written_and_cut_off_corrections_are_finished() {
    let (desired, problems) =
        wanted(vec![target(TargetKind::Ec2, "i-1", &[("Env", "dev"), ("env ", "dev"), ("ENV", "prod")])]);
    assert_eq!(problems, [""; 0]);
    assert_eq!(desired.len(), 2, "{desired:?}");
    assert!(desired[1].starts_with("tag ec2/i-1/env  ") && desired[1].contains("by now"), "{desired:?}");
    let rules = "[[tags]]\nlabel = 'a'\nfor_each = { ec2 = {} }\nnormalize = true\nrequire.team = {}\n\
                 require.Env = { default = \"{{ tags.team | default('none') }}\" }\n";
    let (declarations, said) = read(rules);
    assert_eq!(said, [""; 0]);
    let fleet = Fleet::new(vec![target(TargetKind::Ec2, "i-1", &[("Team", "core")])]);
    let world = World::new(&[], &[], &fleet, NOON.parse().unwrap());
    let (desired, _) = declarations[0].desired(&world);
    assert_eq!(desired[1].fields["value"], "core");
}

#[test]
fn what_would_not_stay_stopped_is_left_running_and_told() {
    let date = ("expiry-date", "2026-11-19");
    let grouped = target(TargetKind::Ec2, "i-1", &[("Env", "dev"), date, ("aws:autoscaling:groupName", "g")]);
    let mut spot = target(TargetKind::Ec2, "i-2", &[("Env", "dev"), date]);
    spot.attributes.insert("lifecycle", "spot".into());
    let (desired, problems) = wanted(vec![grouped, spot]);
    assert!(desired.iter().all(|line| line.starts_with("tag ")), "{desired:?}");
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems[0].contains("Auto Scaling group") && problems[1].contains("spot"), "{problems:?}");
}

#[test]
fn rules_that_contradict_each_other_are_told() {
    let rules = |requirements: &str| {
        read(&format!("[[tags]]\nlabel = 'a'\nfor_each = {{ ec2 = {{}}, rds = {{}} }}\n{requirements}\n")).1
    };
    for wrong in [
        "require.Env = {}\nrequire.env = {}",
        "require.Owner = { aliases = ['team'] }\nrequire.Team = {}",
        "require.a = { aliases = ['x'] }\nrequire.b = { aliases = ['X '] }",
    ] {
        assert!(
            rules(wrong).iter().any(|line| line.contains("both mean the tag")),
            "{wrong}: {:?}",
            rules(wrong)
        );
    }
    for wrong in [
        "require.'a*b' = {}",
        "require.'rds:x' = {}",
        "require.a = { aliases = [''] }",
        "require = {}",
        "grace = 3\nrequire.a = {}",
    ] {
        assert_eq!(rules(wrong).len(), 1, "{wrong}: {:?}", rules(wrong));
    }
    let stop =
        "[[tags]]\nlabel = 'a'\nfor_each = { rds = {} }\nrequire.d = { format = 'date', expired = 'stop' }\n";
    assert!(read(stop).1[0].contains("stops instances"), "{:?}", read(stop).1);
}

#[test]
fn the_owner_is_found_by_the_spellings_of_its_rule() {
    let found = findings_at(
        RULES,
        vec![
            target(TargetKind::Ec2, "i-1", &[("contact", "kim@acme.com")]),
            target(TargetKind::Ec2, "i-2", &[("Owner", "a@acme.com"), ("OWNER", "b@acme.com")]),
        ],
        NOON,
    );
    let owner = |id: &str| found.iter().find(|finding| finding.target.id == id).unwrap().owner.clone();
    assert_eq!(owner("i-1").as_deref(), Some("kim@acme.com"));
    assert_eq!(owner("i-2"), None, "nobody knows which is meant");
}
