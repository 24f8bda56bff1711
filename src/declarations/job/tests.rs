use serde_json::json;

use super::*;
use crate::declarations::{Manifest, block_names};
use crate::inventory::Fleet;
use crate::manifest::{SourceSet, parse};
use crate::model::{Claim, Scope};
use crate::resources::event_rule::EventRule;

const HEAD: &str = "[project]\nname = 'p'\n[aws]\nregions = ['us-east-1']\n";
const JOBS: &str = "[[job]]\nlabel = 'audit'\nrun = ['audit', '--mail']\nschedule = 'rate(1 hour)'\n\
                    [[job]]\nlabel = 'park'\nrun = ['park', '{{ instance }}', '--yes']\n\
                    on = { ec2_state = 'stopped', tags = { Park = 'yes' } }\n\
                    [[job]]\nlabel = 'unpark'\nrun = ['unpark', '{{ instance }}', '--yes']\n";

fn manifest(runner: &str) -> Manifest {
    let text = format!("{HEAD}{runner}{JOBS}");
    let (document, problems) = parse(&SourceSet::new("m", [("a.toml", text)]), &block_names());
    Manifest::new(document, problems).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// What each job wants, as `kind key`.
fn desired(manifest: &Manifest, deployment: Option<&Deployment>) -> Vec<Vec<Desired>> {
    let scopes = [Scope::new("111122223333", "us-east-1")];
    let fleet = Fleet::default();
    let world = World { deployment, ..World::new(&scopes, &scopes, &fleet, jiff::Timestamp::UNIX_EPOCH) };
    manifest.declarations.iter().map(|declaration| declaration.desired(&world).0).collect()
}

fn deployment() -> Deployment {
    Deployment { code_sha256: "abc=".to_owned(), policy: json!({ "Version": "2012-10-17", "Statement": [] }) }
}

#[test]
fn jobs_share_a_function_and_each_has_what_calls_it() {
    let manifest = manifest("[runner]\n");
    let wanted = desired(&manifest, Some(&deployment()));
    let names = |wants: &[Desired]| {
        let name = |one: &Desired| format!("{} {}", one.address.kind, one.address.key);
        wants.iter().map(name).collect::<Vec<_>>()
    };
    let shared = [
        "log_group /aws/lambda/opsform-p-runner",
        "lambda_function opsform-p-runner",
        "iam_role opsform-p.runner.us-east-1",
    ];
    let of_schedule = [
        "schedule_group opsform-p",
        "iam_role opsform-p.runner-scheduler.us-east-1",
        "schedule opsform-p/job.audit.run",
    ];
    assert_eq!(names(&wanted[0]), [&shared[..], &of_schedule].concat());
    assert_eq!(names(&wanted[2]), shared);
    assert_eq!(names(&wanted[1])[..3], shared);
    assert_eq!(names(&wanted[1])[4], "event_rule opsform-p.job.park");
    // What is shared is the same, whoever wants it.
    for (one, other) in wanted[0][..3].iter().zip(&wanted[1][..3]) {
        assert_eq!(one.fields, other.fields);
        assert!(matches!(one.claim, Claim::Joint { .. }));
    }
    let rule = EventRule::from_fields(&wanted[1][4].fields).unwrap();
    let template = rule.targets[0].input_template.as_deref();
    assert_eq!(template, Some("{\"job\":\"park\",\"event\":<aws.events.event.json>}"));
}

#[test]
fn nothing_is_deployed_without_a_runner_or_a_package() {
    let empty = |wanted: Vec<Vec<Desired>>| wanted.iter().all(Vec::is_empty);
    assert!(empty(desired(&manifest(""), Some(&deployment()))));
    assert!(empty(desired(&manifest("[runner]\n"), None)));
}

#[test]
fn roles_that_are_there_are_not_made() {
    let role = "arn:aws:iam::111122223333:role/r";
    let manifest = manifest(&format!("[runner]\nrole = '{role}'\nscheduler_role = '{role}'\n"));
    let wanted = desired(&manifest, Some(&deployment()));
    assert!(wanted.iter().flatten().all(|one| one.address.kind != iam_role::KIND));
    let passed = manifest.declarations[0].passed_roles();
    assert_eq!(passed.iter().map(|one| &*one.arn).collect::<Vec<_>>(), [role, role]);
}

#[test]
fn words_are_about_an_instance() {
    let manifest = manifest("");
    let job = manifest.declarations[1].job().unwrap();
    assert!(job.is_about_an_instance());
    assert_eq!(job.words(Some("i-1"), Some("stopped")).unwrap(), ["park", "i-1", "--yes"]);
    assert!(job.words(None, None).unwrap_err().contains("instance"));
}
