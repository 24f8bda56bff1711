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

#[test]
fn everything_that_is_called_is_allowed() {
    let workspace = Workspace::new(&CPU.replace("{ ec2 = {} }", "{ ec2 = {}, rds = {}, rds_cluster = {} }"));
    workspace.edit_manifest("threshold = 80", "threshold = 80\ntags = { a = \"1\", b = \"2\" }");
    workspace.account.seed(json!({REGION: {"instances": [{"name": "web-1"}], "databases": [{"id": "db"}]}}));
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
    assert_eq!(policy["Statement"][1]["Resource"], json!(["arn:aws:cloudwatch:us-east-1:*:alarm:*"]));
    workspace.edit_manifest("[\"us-east-1\"]", "[\"all\"]");
    workspace.write(
        "manifests/accounts.toml",
        "[[account]]\nname = \"prod\"\nrole_arn = \"arn:aws:iam::111122223333:role/opsform\"\n",
    );
    let policy = printed(&workspace, &[]);
    assert!(actions(&policy).contains("ec2:DescribeRegions"));
    assert_eq!(policy["Statement"][1]["Resource"], json!(["arn:aws:cloudwatch:*:111122223333:alarm:*"]));
    assert_eq!(policy["Statement"][2]["Action"], json!(["sts:AssumeRole"]));
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
    let plan = actions(&printed(&workspace, &["--for", "plan"]));
    assert!(called(&workspace).is_subset(&plan), "{:?} by {plan:?}", called(&workspace));
    workspace.apply();
    workspace.ok(&["destroy", "--yes"]);
    let policy = printed(&workspace, &[]);
    assert!(called(&workspace).is_subset(&actions(&policy)), "{:?} by {policy}", called(&workspace));
    let objects = &policy["Statement"][3]["Resource"];
    assert_eq!(objects[0], "arn:aws:s3:::acme-opsform/a/b.json");
    assert_eq!(objects[1], "arn:aws:s3:::acme-opsform/a/b.json.lock");
}
