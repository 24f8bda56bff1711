//! Functions and their roles where something goes wrong, and where somebody else was first.

use opsform::model::Claim;
use opsform::plan::{Reason, Verb};
use opsform::resources::iam_role::{self, trust_of};
use opsform::resources::lambda_function;
use serde_json::json;

use crate::hands_on::{HandsOn, verbs};
use crate::lambda_kinds::{Wanted, names, policy, put_package, writes};
use crate::workspace::REGION;

#[tokio::test]
async fn a_lost_answer_makes_nothing_twice() {
    let world = HandsOn::new();
    world.account.options(json!({"slow_functions": 0}));
    let mut wanted = Wanted::new(&world, "one");
    let all = [
        "CreateRole",
        "PutRolePolicy",
        "CreateLogGroup",
        "PutRetentionPolicy",
        "CreateFunction",
        "AddPermission",
    ];
    let lost: Vec<_> =
        all.map(|operation| json!({"kind": "drop_after", "operation": operation, "times": 1})).into();
    world.account.faults(json!(lost));
    assert_eq!(world.apply_all(&wanted.all(&world)).await.len(), 5);
    let calls = writes(&world);
    for operation in all {
        assert_eq!(calls.iter().filter(|one| *one == operation).count(), 2, "{operation}");
    }
    assert_eq!(verbs(&world.plan(&wanted.all(&world)).await), [""; 0]);

    wanted.function.memory_mb = 512;
    (_, wanted.function.code_sha256) = put_package(&world, "two");
    let lost = ["UpdateFunctionConfiguration", "UpdateFunctionCode"]
        .map(|operation| json!({"kind": "drop_after", "operation": operation, "times": 1}));
    world.account.faults(json!(lost));
    world.account.options(json!({"slow_functions": 1}));
    world.apply_all(&wanted.all(&world)).await;
    assert_eq!(verbs(&world.plan(&wanted.all(&world)).await), [""; 0]);

    let all = ["RemovePermission", "DeleteFunction", "DeleteRolePolicy", "DeleteRole", "DeleteLogGroup"];
    let lost: Vec<_> =
        all.map(|operation| json!({"kind": "drop_after", "operation": operation, "times": 1})).into();
    world.account.faults(json!(lost));
    world.apply_all(&[]).await;
    assert!(world.account.functions(REGION).is_empty() && world.account.roles().is_empty());
}

#[tokio::test]
async fn a_function_that_is_busy_is_waited_for() {
    let world = HandsOn::new();
    world.account.options(json!({"slow_functions": 1}));
    let mut wanted = Wanted::new(&world, "one");
    world.apply_all(&wanted.all(&world)).await;
    // Somebody else's change is under way when ours comes.
    let (function, ..) = names();
    wanted.function.memory_mb = 256;
    world.account.edit_function(REGION, &function, json!({"LastUpdateStatus": "InProgress"}));
    let busy = json!([{"kind": "error", "operation": "UpdateFunctionConfiguration", "code": "ResourceConflictException",
        "status": 409, "times": 3, "message": "The operation cannot be performed at this time. An update is in progress for resource: x"}]);
    world.account.faults(busy);
    world.apply_all(&wanted.all(&world)).await;
    assert_eq!(world.account.functions(REGION)[0]["MemorySize"], 256);
    assert_eq!(verbs(&world.plan(&wanted.all(&world)).await), [""; 0]);
}

#[tokio::test]
async fn a_kill_between_role_and_function_leaves_nothing_to_clear_up() {
    let world = HandsOn::new();
    let wanted = Wanted::new(&world, "one");
    world.account.faults(json!([{"kind": "hold_before", "operation": "CreateFunction", "times": 1}]));
    {
        let all = wanted.all(&world);
        let apply = world.apply(&all);
        tokio::pin!(apply);
        loop {
            tokio::select! {
                _ = &mut apply => panic!("it was to be held"),
                () = tokio::time::sleep(std::time::Duration::from_millis(50)) => {}
            }
            if world.account.held() > 0 {
                break;
            }
        }
    }
    world.account.faults(json!([]));
    while world.account.held() > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!((world.account.roles().len(), world.account.functions(REGION).len()), (1, 0));
    let created = world.apply_all(&wanted.all(&world)).await;
    assert_eq!(created, ["create event_rule", "create lambda_function", "create lambda_permission"]);
    assert_eq!(verbs(&world.plan(&wanted.all(&world)).await), [""; 0]);
    world.apply_all(&[]).await;
    assert!(world.account.roles().is_empty() && world.account.functions(REGION).is_empty());
}

#[tokio::test]
async fn a_role_that_fails_holds_its_function_back() {
    let world = HandsOn::new();
    let wanted = Wanted::new(&world, "one");
    world.account.faults(json!([{"kind": "denied", "operation": "PutRolePolicy"}]));
    let (_, report) = world.apply(&wanted.all(&world)).await;
    assert_eq!(report.failures.len(), 1, "{:?}", report.failures);
    assert!(report.failures[0].error.message.contains("the role is there, and not as planned"));
    assert_eq!(world.account.count("lambda:CreateFunction"), 0);
    world.account.faults(json!([]));
    world.apply_all(&wanted.all(&world)).await;
    assert_eq!(verbs(&world.plan(&wanted.all(&world)).await), [""; 0]);
}

#[tokio::test]
async fn what_is_somebody_elses_is_left_alone() {
    let world = HandsOn::new();
    let wanted = Wanted::new(&world, "one");
    let (function, role, _) = names();
    let trust = trust_of(&["lambda.amazonaws.com"]).to_string();
    let tags = [("Tags.member.1.Key", "opsform:project"), ("Tags.member.1.Value", "another")];
    let fields = [("RoleName", &*role), ("AssumeRolePolicyDocument", &*trust)];
    world.account.iam("CreateRole", &[&fields[..], &tags[..]].concat());
    let theirs = json!({"FunctionName": function, "Runtime": "python3.13", "Handler": "a.b",
        "Role": format!("arn:aws:iam::{}:role/{role}", world.account.id()),
        "Code": {"ZipFile": "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="}});
    world.account.lambda_post(REGION, "/2015-03-31/functions", theirs);
    world.account.clear_calls();
    let mut all = wanted.all(&world);
    let plan = world.plan(&all).await;
    let of = |kind: &str| plan.changes.iter().find(|change| change.address.kind == kind).unwrap();
    let refused = of(lambda_function::KIND);
    assert_eq!((refused.verb, &refused.reason), (Verb::Adopt, &Some(Reason::AdoptionRefused)));
    let conflict = of(iam_role::KIND);
    let another = Reason::OtherProject { project: "another".to_owned() };
    assert_eq!((conflict.verb, &conflict.reason), (Verb::Conflict, &Some(another)));
    assert_eq!(writes(&world), [""; 0]);

    // Adopted when asked for, unless it has what would be lost.
    all.retain(|one| one.address.kind == lambda_function::KIND);
    all[0].claim = Claim::Own { adopt: true };
    world.account.edit_function(REGION, &function, json!({"Layers": [{"Arn": "arn:layer"}]}));
    let plan = world.plan(&all).await;
    let layers = Reason::Inexpressible { what: "layers".to_owned() };
    assert_eq!(plan.changes[0].reason, Some(layers));
    world.account.edit_function(REGION, &function, json!({"Layers": []}));
    assert_eq!(world.apply_all(&all).await, ["adopt lambda_function"]);
    assert_eq!(verbs(&world.plan(&all).await), [""; 0]);
    assert_eq!(world.account.functions(REGION)[0]["Tags"]["opsform:project"], "payments");
}

#[tokio::test]
async fn statements_of_others_stay() {
    let world = HandsOn::new();
    let wanted = Wanted::new(&world, "one");
    world.apply_all(&wanted.all(&world)).await;
    let (function, ..) = names();
    let theirs =
        json!({"StatementId": "theirs", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"});
    world.account.lambda_post(REGION, &format!("/2015-03-31/functions/{function}/policy"), theirs);
    assert_eq!(verbs(&world.plan(&wanted.all(&world)).await), [""; 0]);
    let mut without = wanted.all(&world);
    without.retain(|one| one.address.kind != "lambda_permission");
    assert_eq!(world.apply_all(&without).await, ["delete lambda_permission"]);
    let live = &world.account.functions(REGION)[0];
    let left: Vec<&str> =
        live["Statements"].as_array().unwrap().iter().map(|one| one["Sid"].as_str().unwrap()).collect();
    assert_eq!(left, ["theirs"]);
}

#[tokio::test]
async fn a_role_that_somebody_extended_stays() {
    let world = HandsOn::new();
    let wanted = Wanted::new(&world, "one");
    world.apply_all(&wanted.all(&world)).await;
    let (_, role, _) = names();
    let (document, arn) =
        (policy("s3:GetObject").to_string(), format!("arn:aws:iam::{}:policy/Theirs", world.account.id()));
    world.account.iam("CreatePolicy", &[("PolicyName", "Theirs"), ("PolicyDocument", &document)]);
    world.account.iam("AttachRolePolicy", &[("RoleName", &role), ("PolicyArn", &arn)]);
    let plan = world.plan(&wanted.all(&world)).await;
    let what = "the attached policy Theirs".to_owned();
    assert_eq!(plan.changes[0].reason, Some(Reason::Inexpressible { what }));
    let (plan, report) = world.apply(&[]).await;
    assert!(report.is_complete(), "{:?}", report.failures);
    assert_eq!(plan.held[0].why, "somebody gave it the attached policy Theirs, so it is not opsform's alone");
    let left = &world.account.roles()[0];
    assert_eq!((&left["RoleName"], left["Policies"].as_object().unwrap().len()), (&json!(role), 1));
    assert_eq!(world.records().await, [format!("iam_role {role}")]);
    world.account.iam("DetachRolePolicy", &[("RoleName", &role), ("PolicyArn", &arn)]);
    assert_eq!(world.apply_all(&[]).await, ["delete iam_role"]);
}

#[tokio::test]
async fn two_regions_never_share_a_role() {
    let mut world = HandsOn::new();
    let wanted = Wanted::new(&world, "one");
    let role: Vec<_> =
        wanted.all(&world).into_iter().filter(|one| one.address.kind == iam_role::KIND).collect();
    world.apply_all(&role).await;
    world.scope = world.elsewhere("eu-west-1");
    let (_, name, _) = names();
    let same = world.desired(iam_role::KIND, &name, role[0].fields.clone());
    let plan = world.plan(&[same]).await;
    let what = format!("its name for the same project in {REGION}");
    assert_eq!(plan.changes[0].reason, Some(Reason::Inexpressible { what }));
    assert_eq!(plan.changes[0].verb, Verb::Conflict);
}
