//! A role, a log group, a function, its permission and a rule: made, followed, changed one thing at a time, fired and removed with nothing
//! of others.

use std::fs;

use opsform::model::{Desired, Fields, Ownership};
use opsform::resources;
use opsform::resources::event_rule::{self, EventRule, RuleTarget};
use opsform::resources::iam_role::{self, IamRole, role_arn, role_name, trust_of};
use opsform::resources::lambda_function::{self, LambdaFunction, code_sha256, function_arn, function_name};
use opsform::resources::lambda_permission::{self, LambdaPermission, statement_id};
use opsform::resources::log_group::{self, LogGroup, group_of_function};
use opsform::resources::schedule::names::{group_name, key as schedule_key};
use opsform::resources::schedule::{self, Schedule, description};
use opsform::resources::schedule_group;
use serde_json::{Value, json};

use crate::hands_on::{HandsOn, PROJECT, changed, verbs};
use crate::workspace::REGION;

/// A zip with nothing in it: the end record of a directory, and a comment that tells packages apart.
pub(crate) fn zip(comment: &str) -> Vec<u8> {
    let length = u8::try_from(comment.len()).unwrap();
    let mut bytes = b"PK\x05\x06".to_vec();
    bytes.extend([0; 16]);
    bytes.extend([length, 0]);
    bytes.extend(comment.as_bytes());
    bytes
}

pub(crate) fn names() -> (String, String, String) {
    let function = function_name(PROJECT, &["runner"]);
    (function, role_name(PROJECT, REGION, &["runner"]), event_rule::rule_name(PROJECT, &["park", "on"]))
}

pub(crate) fn policy(action: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": [action], "Resource": ["*"]}]})
}

/// The role, the log group and the function; their specs may be changed.
pub(crate) struct Wanted {
    pub(crate) role: IamRole,
    pub(crate) logs: LogGroup,
    pub(crate) function: LambdaFunction,
    pub(crate) permission: LambdaPermission,
    pub(crate) rule: EventRule,
}

impl Wanted {
    pub(crate) fn new(world: &HandsOn, package: &str) -> Self {
        let (function, role, rule) = names();
        let target = RuleTarget::function("park", &function_arn(&world.scope, &function), None);
        let pattern = json!({"source": ["aws.ec2"], "detail": {"state": ["stopped"]}});
        let source = event_rule::rule_arn(&world.scope, &rule);
        let (path, hash) = put_package(world, package);
        Self {
            role: IamRole::new(&trust_of(&["lambda.amazonaws.com"]), Some(&policy("ec2:StopInstances"))),
            logs: LogGroup { retention_days: Some(30) },
            function: LambdaFunction::new(&role_arn(&world.scope, &role), &path, &hash),
            permission: LambdaPermission::to_invoke("events.amazonaws.com", &source),
            rule: EventRule::on(&pattern, vec![target]),
        }
    }

    pub(crate) fn all(&self, world: &HandsOn) -> Vec<Desired> {
        let (function, role, rule) = names();
        let statement = lambda_permission::key(&function, &statement_id(PROJECT, &["park", "on"]));
        let one = |kind: &str, key: &str, fields: Fields| world.desired(kind, key, fields);
        vec![
            one(iam_role::KIND, &role, self.role.to_fields()),
            one(log_group::KIND, &group_of_function(&function), self.logs.to_fields()),
            one(lambda_function::KIND, &function, self.function.to_fields()),
            one(lambda_permission::KIND, &statement, self.permission.to_fields()),
            one(event_rule::KIND, &rule, self.rule.to_fields()),
        ]
    }
}

/// Writes a package and gives its path and its hash.
pub(crate) fn put_package(world: &HandsOn, text: &str) -> (String, String) {
    let path = world.folder.path().join("runner.zip");
    fs::write(&path, zip(text)).unwrap();
    (path.display().to_string(), code_sha256(&zip(text)))
}

/// The operations of a service that changed something, in order.
pub(crate) fn writes(world: &HandsOn) -> Vec<String> {
    world.account.writes()
}

#[tokio::test]
async fn made_changed_and_removed() {
    let world = HandsOn::new();
    world.account.options(json!({"role_lag": 2, "slow_functions": 2}));
    let mut wanted = Wanted::new(&world, "one");
    wanted.function.reserved_concurrency = Some(1);
    wanted.function.async_retries = 0;
    let (function, role, rule) = names();
    let created = world.apply_all(&wanted.all(&world)).await;
    assert_eq!(created.len(), 5, "{created:?}");
    assert_eq!(*world.told.lock().unwrap(), ["waiting until AWS knows the role everywhere"]);
    let live = &world.account.functions(REGION)[0];
    let tags = json!({"opsform:project": "payments", "opsform:label": "runner"});
    assert_eq!((&live["FunctionName"], &live["Tags"]), (&json!(function), &tags));
    assert_eq!((&live["State"], &live["Reserved"]), (&json!("Active"), &json!(1)));
    assert_eq!(live["Calls"]["MaximumRetryAttempts"], 0);
    assert_eq!(world.account.function_zip(REGION, &function), zip("one"));
    assert_eq!(world.account.log_groups(REGION)[0]["Retention"], 30);
    let made = &world.account.roles()[0];
    assert_eq!((&made["RoleName"], &made["Tags"]["opsform:region"]), (&json!(role), &json!(REGION)));

    world.account.clear_calls();
    assert_eq!(verbs(&world.plan(&wanted.all(&world)).await), [""; 0]);
    assert_eq!(writes(&world), [""; 0]);

    // An instance that stops reaches the function, by the rule and the statement of its policy.
    let ids = world.account.seed_instances(REGION, json!([{"name": "web-1"}]));
    world.account.ec2(REGION, "StopInstances", &ids, &[]);
    let fired = world.account.fired();
    assert_eq!(fired.len(), 1, "{fired:?}");
    assert_eq!((&fired[0]["status"], &fired[0]["function"]), (&json!(202), &json!(function)));
    assert_eq!(fired[0]["event"]["detail"], json!({"instance-id": ids[0], "state": "stopped"}));

    change_one_thing_at_a_time(&world, &mut wanted).await;

    world.account.clear_calls();
    let (plan, report) = world.apply(&[]).await;
    assert!(report.is_complete(), "{:?}", report.failures);
    let notes: Vec<&String> = plan.changes.iter().flat_map(|change| &change.notes).collect();
    assert!(notes.len() == 1 && notes[0].starts_with("the logs in the group are deleted"), "{notes:?}");
    let removed = ["RemoveTargets", "DeleteRule", "RemovePermission", "DeleteFunction"];
    let order: Vec<String> = writes(&world).into_iter().filter(|one| removed.contains(&&**one)).collect();
    assert_eq!(order, removed);
    let order: Vec<String> = writes(&world).into_iter().filter(|one| one.contains("Role")).collect();
    assert_eq!(order, ["DeleteRolePolicy", "DeleteRole"]);
    assert!(world.account.functions(REGION).is_empty() && world.account.roles().is_empty());
    assert!(world.account.log_groups(REGION).is_empty() && world.account.rules(REGION).is_empty());
    assert_eq!(world.records().await, [""; 0]);
    assert!(!rule.is_empty());
}

/// Each time one update of one resource, sent with the calls that it needs and no other.
async fn change_one_thing_at_a_time(world: &HandsOn, wanted: &mut Wanted) {
    type Change = fn(&HandsOn, &mut Wanted);
    let changes: [(Change, &[&str], &[&str]); 8] = [
        (
            |world, wanted| {
                (_, wanted.function.code_sha256) = put_package(world, "two");
            },
            &["code_sha256"],
            &["TagResource", "UpdateFunctionCode"],
        ),
        (
            |_, wanted| wanted.function.memory_mb = 256,
            &["memory_mb"],
            &["TagResource", "UpdateFunctionConfiguration"],
        ),
        (
            |world, wanted| {
                (_, wanted.function.code_sha256) = put_package(world, "three");
                wanted.function.timeout_seconds = 900;
            },
            &["code_sha256", "timeout_seconds"],
            &["TagResource", "UpdateFunctionConfiguration", "UpdateFunctionCode"],
        ),
        (
            |_, wanted| wanted.function.reserved_concurrency = None,
            &["reserved_concurrency"],
            &["TagResource", "DeleteFunctionConcurrency"],
        ),
        (
            |_, wanted| wanted.function.async_retries = 2,
            &["async_retries"],
            &["TagResource", "DeleteFunctionEventInvokeConfig"],
        ),
        (
            |_, wanted| wanted.role.policy = Some(policy("ec2:StartInstances")),
            &["policy"],
            &["TagRole", "PutRolePolicy"],
        ),
        (
            |_, wanted| wanted.logs.retention_days = None,
            &["retention_days"],
            &["TagResource", "DeleteRetentionPolicy"],
        ),
        (
            |_, wanted| wanted.permission.source_account = Some("111122223333".to_owned()),
            &["source_account"],
            &["RemovePermission", "AddPermission"],
        ),
    ];
    for (change, fields, calls) in changes {
        change(world, wanted);
        let all = wanted.all(world);
        assert_eq!(changed(&world.plan(&all).await), fields);
        world.account.clear_calls();
        world.apply_all(&all).await;
        assert_eq!(writes(world), calls, "{fields:?}");
        assert_eq!(verbs(&world.plan(&all).await), [""; 0], "{fields:?}");
    }
    let (function, ..) = names();
    assert_eq!(world.account.function_zip(REGION, &function), zip("three"));
}

#[tokio::test]
async fn the_same_package_elsewhere_is_no_change() {
    let world = HandsOn::new();
    let mut wanted = Wanted::new(&world, "one");
    world.apply_all(&wanted.all(&world)).await;
    let other = world.folder.path().join("other.zip");
    fs::write(&other, zip("one")).unwrap();
    wanted.function.package = Some(other.display().to_string());
    assert_eq!(verbs(&world.plan(&wanted.all(&world)).await), [""; 0]);
    // What was changed by hand is brought back, and only that.
    let (function, ..) = names();
    world.account.edit_function(REGION, &function, json!({"MemorySize": 1_024}));
    assert_eq!(changed(&world.plan(&wanted.all(&world)).await), ["memory_mb"]);
    world.account.clear_calls();
    world.apply_all(&wanted.all(&world)).await;
    assert_eq!(writes(&world), ["TagResource", "UpdateFunctionConfiguration"]);
}

#[tokio::test]
async fn a_package_in_s3_is_read_by_lambda() {
    let world = HandsOn::new();
    let mut wanted = Wanted::new(&world, "one");
    let path = world.folder.path().join("runner.zip");
    world.account.create_bucket(REGION, "packages");
    let text = String::from_utf8(fs::read(path).unwrap()).unwrap();
    world.account.put_object(REGION, "packages", "a/runner.zip", &text);
    wanted.function.package = Some("s3://packages/a/runner.zip".to_owned());
    world.apply_all(&wanted.all(&world)).await;
    assert_eq!(world.account.functions(REGION)[0]["CodeSha256"], code_sha256(&zip("one")));
    assert_eq!(verbs(&world.plan(&wanted.all(&world)).await), [""; 0]);

    // An object that is not the planned one any more is told, and what was planned stays to be done.
    wanted.function.code_sha256 = code_sha256(&zip("two"));
    let other = String::from_utf8(zip("another")).unwrap();
    world.account.put_object(REGION, "packages", "a/runner.zip", &other);
    let (_, report) = world.apply(&wanted.all(&world)).await;
    assert!(report.failures[0].error.message.contains("is not the package that the plan was made with"));
    assert_eq!(changed(&world.plan(&wanted.all(&world)).await), ["code_sha256"]);
}

#[tokio::test]
async fn a_schedule_calls_the_function() {
    let world = HandsOn::new();
    let mut wanted = Wanted::new(&world, "one");
    wanted.role = IamRole::new(&trust_of(&["lambda.amazonaws.com", "scheduler.amazonaws.com"]), None);
    let (function, role, _) = names();
    let arn = function_arn(&world.scope, &function);
    let mut schedule =
        Schedule::new("cron(0 10 ? * MON-FRI *)", "Asia/Seoul", &arn, &role_arn(&world.scope, &role));
    schedule.input = json!({"job": "audit"});
    schedule.description = Some(description(PROJECT, "runner"));
    let group = world.desired(schedule_group::KIND, &group_name(PROJECT), schedule_group::fields());
    let key = schedule_key(PROJECT, &["audit"]);
    let mut all = wanted.all(&world);
    all.extend([group, world.desired(schedule::KIND, &key, schedule.to_fields())]);
    // Each service comes to know the role by itself.
    world.account.options(json!({"role_lag": 1}));
    assert_eq!(world.apply_all(&all).await.len(), 7);
    assert_eq!(world.told.lock().unwrap().len(), 2);
    assert_eq!(verbs(&world.plan(&all).await), [""; 0]);
    let (group, name) = key.split_once('/').unwrap();
    assert_eq!(world.account.fire(REGION, group, name)["status"], 202);
    let fired = world.account.fired();
    assert_eq!((fired.len(), &fired[0]["event"]), (1, &json!({"job": "audit"})));
    let order = |calls: &[String]| -> Vec<String> {
        let wanted = ["DeleteSchedule", "DeleteFunction", "DeleteRole"];
        calls.iter().filter(|one| wanted.contains(&&***one)).cloned().collect()
    };
    world.account.clear_calls();
    world.apply_all(&[]).await;
    assert_eq!(order(&writes(&world)), ["DeleteSchedule", "DeleteFunction", "DeleteRole"]);
}

#[tokio::test]
async fn a_lost_state_is_found_again() {
    let world = HandsOn::new();
    let wanted = Wanted::new(&world, "one");
    let all = wanted.all(&world);
    world.apply_all(&all).await;
    let aws = world.aws().await;
    let mut found = Vec::new();
    for kind in
        resources::KINDS.iter().filter(|kind| all.iter().any(|one| one.address.kind == kind.text().kind))
    {
        found.extend(kind.find_owned(&aws, &world.scope, PROJECT).await.unwrap());
        assert_eq!(kind.find_owned(&aws, &world.scope, "another").await.unwrap().len(), 0);
        let elsewhere = world.elsewhere("eu-west-1");
        assert_eq!(kind.find_owned(&aws, &elsewhere, PROJECT).await.unwrap().len(), 0);
    }
    let ours = Ownership::Project { name: PROJECT.to_owned(), label: Some("runner".to_owned()) };
    assert_eq!(found.len(), all.len());
    for one in &all {
        let live = found.iter().find(|live| live.address == one.address).unwrap();
        let mut fields = one.fields.clone();
        // Lambda does not tell where the package came from.
        fields.remove("package");
        assert_eq!((&live.fields, &live.ownership), (&fields, &ours));
    }
}
