//! `iam-policy`: the least permissions for what the manifest uses.

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::{Value, json};

use super::args::{Global, IamPolicyArgs, PolicyFor};
use super::environment::Environment;
use super::failure::Exit;
use super::output::Output;
use super::session::load_manifest;
use crate::aws::{Operation, partition};
use crate::declarations::Manifest;
use crate::inventory::TargetKind;
use crate::manifest::{Regions, S3Place, StatePlace};
use crate::resources;

/// `opsform iam-policy`
pub(super) fn run(global: &Global, args: &IamPolicyArgs, environment: &Environment) -> Result<Exit> {
    let output = Output::new(global, environment);
    let manifest = load_manifest(global, &output)?;
    output.print(&serde_json::to_string_pretty(&policy(&manifest, args.permissions))?)?;
    Ok(Exit::Done)
}

fn policy(manifest: &Manifest, permissions: PolicyFor) -> Value {
    // None of the operations that read takes a resource, or, as `DescribeAlarms` for both sorts of alarm, only `*`
    // ("Actions, resources, and condition keys" of the services).
    let mut statements = vec![statement("OpsformRead", &reading(manifest), json!("*"))];
    if permissions == PolicyFor::Apply {
        for kind in resources::KINDS {
            let actions = kind.operations().write.iter().map(|operation| operation.iam_action).collect();
            statements.push(statement("OpsformWrite", &actions, json!(arns(manifest, *kind))));
        }
    }
    let roles: Vec<&str> =
        manifest.settings.accounts.iter().map(|account| account.role_arn.as_str()).collect();
    if !roles.is_empty() {
        let assume = BTreeSet::from([Operation::ASSUME_ROLE.iam_action]);
        statements.push(statement("OpsformAccounts", &assume, json!(roles)));
    }
    if let StatePlace::S3(place) = &manifest.settings.state {
        statements.extend(state(place, permissions));
    }
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// The state's objects in its bucket, for the caller's own credentials.
fn state(place: &S3Place, permissions: PolicyFor) -> Vec<Value> {
    let bucket = format!("arn:{}:s3:::{}", partition(&place.region), place.bucket);
    let objects: Vec<String> =
        ["", ".lock", ".journal"].iter().map(|ending| format!("{bucket}/{}{ending}", place.key)).collect();
    // Without ListBucket, S3 answers "denied" for an object that is not there ("GetObject" in the API reference).
    let mut of_bucket = BTreeSet::from(["s3:ListBucket"]);
    let mut of_objects = BTreeSet::from([Operation::GET_OBJECT.iam_action]);
    if permissions == PolicyFor::Apply {
        of_bucket.insert(Operation::GET_BUCKET_VERSIONING.iam_action);
        of_objects.extend([Operation::PUT_OBJECT.iam_action, Operation::DELETE_OBJECT.iam_action]);
    }
    let mut statements = vec![
        statement("OpsformStateBucket", &of_bucket, json!(bucket)),
        statement("OpsformState", &of_objects, json!(objects)),
    ];
    if let Some(key) = &place.kms_key {
        let mut of_key = BTreeSet::from(["kms:Decrypt"]);
        if permissions == PolicyFor::Apply {
            of_key.insert("kms:GenerateDataKey");
        }
        // A policy names a key by its ARN; of an id or an alias the key is not known here.
        let resource = if key.starts_with("arn:") { key.as_str() } else { "*" };
        statements.push(statement("OpsformStateKey", &of_key, json!(resource)));
    }
    statements
}

fn statement(sid: &str, actions: &BTreeSet<&str>, resource: Value) -> Value {
    json!({ "Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource })
}

fn reading(manifest: &Manifest) -> BTreeSet<&'static str> {
    let kinds = manifest.declarations.iter().flat_map(|declaration| declaration.selectors());
    let inventory = kinds.map(|selector| match selector.kind {
        TargetKind::Ec2 => Operation::DESCRIBE_INSTANCES,
        TargetKind::Rds => Operation::DESCRIBE_DB_INSTANCES,
        TargetKind::RdsCluster => Operation::DESCRIBE_DB_CLUSTERS,
    });
    let resources = resources::KINDS.iter().flat_map(|kind| kind.operations().read.iter().copied());
    let regions =
        (manifest.settings.aws.regions == Regions::All).then_some(Operation::DESCRIBE_REGIONS).into_iter();
    inventory.chain(resources).chain(regions).map(|operation| operation.iam_action).collect()
}

/// The alarms of the manifest's accounts and regions; any where it does not name them.
fn arns(manifest: &Manifest, kind: &dyn resources::Kind) -> Vec<String> {
    let regions: Vec<&str> = match &manifest.settings.aws.regions {
        Regions::Listed(regions) => regions.iter().map(|region| region.value.as_str()).collect(),
        Regions::All | Regions::Default => vec!["*"],
    };
    let mut accounts: Vec<&str> =
        manifest.settings.accounts.iter().map(|account| account.id.as_str()).collect();
    if accounts.is_empty() {
        accounts.push("*");
    }
    let pairs = accounts.iter().flat_map(|account| regions.iter().map(move |region| (account, region)));
    pairs
        .map(|(account, region)| {
            format!("arn:{}:{}", partition(region), kind.policy_resource(account, region))
        })
        .collect()
}
