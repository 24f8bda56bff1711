//! The policy that opsform prints allows what it calls, and not much more.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::workspace::{CPU, REGION, Workspace};

fn actions(policy: &Value) -> BTreeSet<String> {
    let statements = policy["Statement"].as_array().unwrap().iter();
    let lists = statements.flat_map(|statement| statement["Action"].as_array().unwrap().clone());
    lists.map(|action| action.as_str().unwrap().to_owned()).collect()
}

fn printed(workspace: &Workspace, args: &[&str]) -> Value {
    let run = workspace.ok(&[&["iam-policy"], args].concat());
    serde_json::from_str(&run.stdout).unwrap()
}

/// The IAM actions of all calls that the emulator counted. Who the caller is may be asked by anybody.
fn called(workspace: &Workspace) -> BTreeSet<String> {
    let calls = workspace.account.calls();
    let names = calls.keys().map(|name| name.replace("tagging:", "tag:"));
    names.filter(|name| name != "sts:GetCallerIdentity").collect()
}

/// The resources of the statement with this Sid.
fn resources(policy: &Value, sid: &str) -> Value {
    let statements = policy["Statement"].as_array().unwrap();
    let found = statements.iter().find(|statement| statement["Sid"] == sid);
    found.unwrap_or_else(|| panic!("no {sid} in {policy}"))["Resource"].clone()
}

/// Whether a policy allows an action on a resource.
fn allows(policy: &Value, action: &str, resource: &str) -> bool {
    let matches = |pattern: &Value| {
        globset::Glob::new(pattern.as_str().unwrap()).unwrap().compile_matcher().is_match(resource)
    };
    policy["Statement"].as_array().unwrap().iter().any(|statement| {
        let resources = match &statement["Resource"] {
            Value::Array(list) => list.clone(),
            one => vec![one.clone()],
        };
        statement["Action"].as_array().unwrap().contains(&json!(action)) && resources.iter().any(matches)
    })
}

/// Expects that every call of an account was allowed on what it was about, and that Sids are unique.
#[track_caller]
fn expect_allowed(account: &crate::aws::Account, policy: &Value) {
    let calls = account.log();
    assert!(!calls.is_empty());
    for call in calls.iter().filter(|call| call["operation"] != "GetCallerIdentity") {
        let text = |name: &str| call[name].as_str().unwrap_or("").to_owned();
        let service = text("service").replace("tagging", "tag");
        let resource = match service.as_str() {
            "s3" if text("key").is_empty() => "arn:aws:s3:::acme-opsform".to_owned(),
            "s3" => format!("arn:aws:s3:::acme-opsform/{}", text("key")),
            "sts" => "arn:aws:iam::".to_owned(),
            _ => format!("arn:aws:{service}:{}:{}:alarm:{}", text("region"), account.id(), text("key")),
        };
        let action = format!("{service}:{}", text("operation"));
        let allowed = if service == "sts" {
            actions(policy).contains(&action)
        } else {
            allows(policy, &action, &resource)
        };
        assert!(allowed, "{action} on {resource} by {policy}");
    }
    let statements = policy["Statement"].as_array().unwrap();
    let sids: BTreeSet<&str> =
        statements.iter().map(|statement| statement["Sid"].as_str().unwrap()).collect();
    assert_eq!(sids.len(), statements.len(), "{policy}");
}

#[test]
fn everything_that_is_called_is_allowed() {
    let workspace = Workspace::new(&CPU.replace("{ ec2 = {} }", "{ ec2 = {}, rds = {}, rds_cluster = {} }"));
    workspace.edit_manifest("threshold = 80", "threshold = 80\ntags = { a = \"1\", b = \"2\" }");
    workspace.account.seed(json!({REGION: {"instances": [{"name": "web-1"}], "databases": [{"id": "db"}]}}));
    // So that every call that there may be is made.
    workspace.account.options(json!({"no_tag_list": true}));
    workspace.ok(&["plan"]);
    let plan = actions(&printed(&workspace, &["--for", "plan"]));
    assert!(called(&workspace).is_subset(&plan), "{:?} by {plan:?}", called(&workspace));
    assert!(plan.iter().all(|action| !action.contains("Put") && !action.contains("Delete")), "{plan:?}");

    workspace.apply();
    workspace.edit_manifest("b = \"2\"", "c = \"3\"");
    workspace.apply();
    workspace.edit_manifest("threshold = 80", "threshold = 90");
    workspace.apply();
    workspace.ok(&["drift"]);
    workspace.ok(&["destroy", "--yes"]);
    let apply = actions(&printed(&workspace, &[]));
    assert!(called(&workspace).is_subset(&apply), "{:?} by {apply:?}", called(&workspace));
    // Only what lags and what was cut off needs the tags of a single alarm.
    let spare: Vec<_> = apply.difference(&called(&workspace)).cloned().collect();
    assert!(spare.iter().all(|action| action == "cloudwatch:ListTagsForResource"), "{spare:?}");
}

#[test]
fn the_policy_knows_what_the_manifest_uses() {
    let workspace = Workspace::new(CPU);
    let policy = printed(&workspace, &[]);
    let allowed = actions(&policy);
    assert!(allowed.contains("ec2:DescribeInstances") && !allowed.contains("rds:DescribeDBInstances"));
    assert!(!allowed.contains("ec2:DescribeRegions") && !allowed.contains("sts:AssumeRole"));
    let of_functions = ["iam:", "lambda:", "logs:"];
    assert!(!allowed.iter().any(|action| of_functions.iter().any(|service| action.starts_with(service))));
    assert_eq!(resources(&policy, "OpsformRead"), json!("*"));
    assert_eq!(
        resources(&policy, "OpsformWriteMetricAlarm"),
        json!(["arn:aws:cloudwatch:us-east-1:*:alarm:*"])
    );
    let anywhere = json!(["arn:aws:cloudwatch:*:*:alarm:*"]);
    assert_eq!(resources(&policy, "OpsformRemoveMetricAlarm"), anywhere);
    assert_eq!(resources(&printed(&workspace, &["--for", "plan"]), "OpsformReadMetricAlarm"), anywhere);
    workspace.edit_manifest("[\"us-east-1\"]", "[\"all\"]");
    workspace.write(
        "manifests/accounts.toml",
        "[[account]]\nname = \"prod\"\nrole_arn = \"arn:aws-cn:iam::111122223333:role/opsform\"\n",
    );
    let policy = printed(&workspace, &[]);
    assert!(actions(&policy).contains("ec2:DescribeRegions"));
    assert_eq!(
        resources(&policy, "OpsformWriteMetricAlarm"),
        json!(["arn:aws-cn:cloudwatch:*:111122223333:alarm:*"])
    );
}

#[test]
fn what_is_left_in_a_region_that_was_taken_out_may_be_deleted() {
    let workspace = Workspace::new(&CPU.replace("[\"us-east-1\"]", "[\"us-east-1\", \"eu-west-1\"]"));
    for region in [REGION, "eu-west-1"] {
        workspace.account.seed_instances(region, json!([{"name": format!("web-{region}")}]));
    }
    workspace.apply();
    workspace.edit_manifest(", \"eu-west-1\"", "");
    workspace.account.clear_calls();
    workspace.apply().says(&["1 destroyed"]);
    let policy = printed(&workspace, &[]);
    expect_allowed(&workspace.account, &policy);
    let elsewhere = "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:x";
    assert!(!allows(&policy, "cloudwatch:PutMetricAlarm", elsewhere), "{policy}");
}

#[test]
fn the_caller_and_the_roles_have_policies_of_their_own() {
    let workspace = Workspace::new(CPU);
    let other = Workspace::new(CPU);
    let (caller, role) = (&workspace.account, &other.account);
    caller.create_bucket(REGION, "acme-opsform");
    caller.clear_calls();
    let role_arn = format!("arn:aws:iam::{}:role/opsform", role.id());
    workspace.write(
        "manifests/accounts.toml",
        &format!(
            "[[account]]\nname = \"prod\"\nrole_arn = \"{role_arn}\"\n\
             [state]\ns3 = {{ bucket = \"acme-opsform\", key = \"a.json\", region = \"us-east-1\" }}\n"
        ),
    );
    role.seed_instances(REGION, json!([{"name": "web-1"}]));
    workspace.ok(&["plan"]);
    expect_allowed(caller, &printed(&workspace, &["--for", "plan", "--caller"]));
    expect_allowed(role, &printed(&workspace, &["--for", "plan"]));
    workspace.apply();
    workspace.ok(&["destroy", "--yes"]);
    let of_caller = printed(&workspace, &["--caller"]);
    let of_role = printed(&workspace, &[]);
    expect_allowed(caller, &of_caller);
    expect_allowed(role, &of_role);
    assert_eq!(resources(&of_caller, "OpsformAccounts"), json!([role_arn]));
    let services = |policy: &Value| -> BTreeSet<String> {
        actions(policy).iter().map(|action| action.split(':').next().unwrap().to_owned()).collect()
    };
    let set = |names: &[&str]| -> BTreeSet<String> { names.iter().map(|&name| name.to_owned()).collect() };
    assert_eq!(services(&of_caller), set(&["s3", "sts"]));
    assert_eq!(services(&of_role), set(&["cloudwatch", "ec2", "tag"]));
    workspace.ok(&["iam-policy"]).says(&["the roles of `[[account]]`", "--caller"]);
}

#[test]
fn reports_have_policies_of_their_own() {
    let workspace = Workspace::new(CPU);
    workspace.account.seed(json!({REGION: {"instances": [{"name": "web-1"}], "databases": [{"id": "db"}]}}));
    // So that every call that there may be is made.
    workspace.account.options(json!({"no_tag_list": true}));
    for (command, purpose) in [(&["inventory"][..], "inventory"), (&["import", "--live"], "import")] {
        workspace.account.clear_calls();
        workspace.ok(command);
        let policy = printed(&workspace, &["--for", purpose]);
        expect_allowed(&workspace.account, &policy);
        assert_eq!(actions(&policy), called(&workspace), "not more than is called");
    }
}

#[test]
fn state_in_a_bucket_is_part_of_it() {
    let workspace = Workspace::new(CPU);
    workspace.account.create_bucket(REGION, "acme-opsform");
    workspace.account.clear_calls();
    workspace.write(
        "manifests/state.toml",
        "[state]\ns3 = { bucket = \"acme-opsform\", key = \"a/b.json\", region = \"us-east-1\" }\n",
    );
    workspace.account.seed_instances(REGION, json!([{"name": "web-1"}]));
    workspace.ok(&["plan"]);
    expect_allowed(&workspace.account, &printed(&workspace, &["--for", "plan"]));
    workspace.apply();
    workspace.ok(&["destroy", "--yes"]);
    let policy = printed(&workspace, &[]);
    expect_allowed(&workspace.account, &policy);
    let (key, lock) = ("arn:aws:s3:::acme-opsform/a/b.json", "arn:aws:s3:::acme-opsform/a/b.json.lock");
    assert!(allows(&policy, "s3:PutObject", key) && !allows(&policy, "s3:DeleteObject", key), "{policy}");
    assert!(allows(&policy, "s3:DeleteObject", lock), "{policy}");
}

#[test]
fn starting_and_stopping_by_hand_needs_just_that() {
    let workspace = Workspace::new(CPU);
    workspace.account.seed(json!({REGION: {
        "instances": [{"name": "web-1"}], "databases": [{"id": "db"}], "clusters": [{"id": "ledger"}],
    }}));
    let policy = printed(&workspace, &["--for", "power"]);
    for action in ["stop", "start"] {
        workspace.ok(&["power", action, "--yes", "--target", "*"]);
    }
    let needed = actions(&policy);
    assert!(called(&workspace).is_subset(&needed), "{:?} of {needed:?}", called(&workspace));
    // What is asked for only where RDS leaves out the tags.
    assert_eq!(needed.difference(&called(&workspace)).collect::<Vec<_>>(), ["rds:ListTagsForResource"]);
    let of = |sort: &str| json!([format!("arn:aws:{sort}")]);
    assert_eq!(resources(&policy, "OpsformByHandInstancePower"), of(&format!("ec2:{REGION}:*:instance/*")));
    assert_eq!(resources(&policy, "OpsformByHandDatabasePower").as_array().unwrap().len(), 2);
    // An apply starts nothing.
    assert!(!actions(&printed(&workspace, &[])).contains("ec2:StartInstances"));
}
