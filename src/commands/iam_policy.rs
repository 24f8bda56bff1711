//! `iam-policy`: the least permissions for what the manifest uses.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::args::{Global, IamPolicyArgs, PolicyFor};
use super::environment::Environment;
use super::failure::Exit;
use super::job_check::needs;
use super::output::Output;
use super::session::{has_no_manifest, load_manifest};
use crate::aws::{Operation, partition};
use crate::declarations::{Declaration, Manifest, Trigger};
use crate::inventory::TargetKind;
use crate::manifest::{Regions, S3Place, Settings, StatePlace};
use crate::model::Diagnostics;
use crate::resources::{self, instance_storage, metric_alarm};

/// `opsform iam-policy`
pub(super) fn run(global: &Global, args: &IamPolicyArgs, environment: &Environment) -> Result<Exit> {
    let output = Output::new(global, environment);
    let manifest = if args.permissions == PolicyFor::Power && has_no_manifest(global) {
        output
            .note("note: there is no manifest; this is for the account of your credentials, in all regions");
        Manifest { settings: Settings::default(), declarations: Vec::new(), warnings: Diagnostics::new() }
    } else {
        load_manifest(global, &output)?
    };
    let subject = Subject::of(&manifest);
    output.print(&serde_json::to_string_pretty(&policy(&subject, args.permissions, args.caller))?)?;
    if !args.caller && !manifest.settings.accounts.is_empty() {
        output.note(
            "note: this is the policy of the roles of `[[account]]`; --caller prints that of the credentials that take \
             them on",
        );
    }
    Ok(Exit::Done)
}

/// What a policy is for.
struct Subject<'a> {
    settings: &'a Settings,
    declarations: Vec<&'a dyn Declaration>,
    /// Kinds that are read and never changed.
    leaves: BTreeSet<&'static str>,
    /// Whether jobs are the ones who apply.
    by_jobs: bool,
}

impl<'a> Subject<'a> {
    /// All of a manifest.
    fn of(manifest: &'a Manifest) -> Self {
        let declarations = manifest.declarations.iter().map(AsRef::as_ref).collect();
        Self { settings: &manifest.settings, declarations, leaves: BTreeSet::new(), by_jobs: false }
    }

    /// A manifest as its jobs apply it: what they are deployed with stays as it is.
    fn within_jobs(manifest: &'a Manifest) -> Self {
        let (jobs, others): (Vec<&dyn Declaration>, Vec<_>) =
            manifest.declarations.iter().map(AsRef::as_ref).partition(|one| one.job().is_some());
        let of = |list: &[&dyn Declaration]| -> BTreeSet<&'static str> {
            list.iter().flat_map(|declaration| declaration.kinds()).collect()
        };
        let leaves = &of(&jobs) - &of(&others);
        Self { leaves, by_jobs: true, ..Self::of(manifest) }
    }
}

/// The policy of a function that runs the jobs: what each of their commands needs, once.
pub(super) fn of_jobs(manifest: &Manifest) -> Result<Value> {
    let subject = Subject::within_jobs(manifest);
    let jobs = manifest.declarations.iter().filter_map(|declaration| declaration.job());
    let mut wanted: Vec<PolicyFor> = Vec::new();
    let mut looks = false;
    for job in jobs {
        let needs = needs(job).map_err(|problem| anyhow::anyhow!("{}", problem.summary))?;
        wanted.push(needs.policy);
        looks |= matches!(job.trigger, Trigger::Event(_));
    }
    // In the order of the list below, so that the policy does not follow from the order of jobs.
    let all = [
        PolicyFor::Apply,
        PolicyFor::Plan,
        PolicyFor::Audit,
        PolicyFor::Inventory,
        PolicyFor::Report,
        PolicyFor::Power,
        PolicyFor::Park,
    ];
    let by_role = !manifest.settings.accounts.is_empty();
    let mut united: Vec<Value> = Vec::new();
    for permissions in all.into_iter().filter(|one| wanted.contains(one)) {
        let policy = policy(&subject, permissions, by_role);
        for statement in policy["Statement"].as_array().into_iter().flatten() {
            unite(&mut united, statement);
        }
    }
    if looks && !by_role {
        // At the instance of an event.
        let look = BTreeSet::from([Operation::DESCRIBE_INSTANCES.iam_action]);
        unite(&mut united, &statement("OpsformRead", &look, json!("*")));
    }
    Ok(json!({ "Version": "2012-10-17", "Statement": united }))
}

/// Adds a statement, to one of the same resources and conditions where there is one. A Sid stands in a policy once.
fn unite(statements: &mut Vec<Value>, statement: &Value) {
    let same = |other: &Value| ["Resource", "Condition"].iter().all(|part| other[part] == statement[part]);
    let actions = |value: &Value| -> BTreeSet<String> {
        value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    if let Some(other) = statements.iter_mut().find(|other| same(other)) {
        let both: BTreeSet<String> = &actions(&other["Action"]) | &actions(&statement["Action"]);
        other["Action"] = json!(both);
        return;
    }
    let mut statement = statement.clone();
    let taken = statements.iter().filter(|other| {
        other["Sid"].as_str().map(|sid| sid.trim_end_matches(|c: char| c.is_ascii_digit()))
            == statement["Sid"].as_str()
    });
    let taken = taken.count();
    if let (Some(sid), 1..) = (statement["Sid"].as_str().map(str::to_owned), taken) {
        statement["Sid"] = format!("{sid}{}", taken + 1).into();
    }
    statements.push(statement);
}

/// The policy of the caller, or of the roles where the manifest names some and it is not the caller's that is wanted.
fn policy(manifest: &Subject<'_>, permissions: PolicyFor, caller: bool) -> Value {
    let by_role = !manifest.settings.accounts.is_empty();
    let mut statements = Vec::new();
    if !(by_role && caller) {
        statements.extend(of_accounts(manifest, permissions));
    }
    if !by_role || caller {
        statements.extend(of_caller(manifest, permissions));
    }
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// What is done in the accounts, by their roles or by the caller.
fn of_accounts(manifest: &Subject<'_>, permissions: PolicyFor) -> Vec<Value> {
    let mut statements = vec![statement("OpsformRead", &reading(manifest, permissions), json!("*"))];
    if permissions == PolicyFor::Audit && manifest.settings.mail.is_some() {
        let mail = [Operation::SEND_EMAIL, Operation::GET_MAIL_ACCOUNT].map(|operation| operation.iam_action);
        statements.push(statement("OpsformMail", &mail.into(), json!("*")));
    }
    if permissions == PolicyFor::Power {
        statements.extend(by_hand(manifest));
    }
    if !matches!(permissions, PolicyFor::Plan | PolicyFor::Apply | PolicyFor::Park) {
        return statements;
    }
    for kind in
        kinds(manifest, permissions).filter(|kind| wanted(manifest, permissions).contains(kind.text().kind))
    {
        let (operations, name) = (kind.operations(), in_camel_case(kind.text().kind));
        let (declared, owned) = (declared_arns(manifest, kind), owned_arns(manifest, kind));
        let mut allow = |verb: &str, operations: &[&Operation], arns: &[String]| {
            let actions: BTreeSet<&str> = operations.iter().map(|operation| operation.iam_action).collect();
            if !actions.is_empty() {
                statements.push(statement(&format!("Opsform{verb}{name}"), &actions, json!(arns)));
            }
        };
        allow("Read", operations.read_one, &owned);
        // The runner of jobs does not change itself.
        let of_jobs = manifest.leaves.contains(kind.text().kind);
        if permissions != PolicyFor::Plan && !of_jobs {
            allow("Write", operations.write, &declared);
            allow("Remove", operations.remove, &owned);
            if let Some(removal) = statements.last_mut().filter(|_| kind.removes_what_is_tagged()) {
                let project = &manifest.settings.project;
                removal["Condition"] =
                    json!({ "StringEquals": { "aws:ResourceTag/opsform:project": project } });
            }
            statements.extend(besides(manifest, kind));
        }
    }
    if permissions == PolicyFor::Apply {
        statements.extend(passing(manifest));
    }
    statements
}

/// What writes of a kind need on resources of another one, in the manifest's regions: a statement for each operation.
fn besides(manifest: &Subject<'_>, kind: &dyn resources::Kind) -> Vec<Value> {
    let mut needs: BTreeMap<&str, (&str, BTreeSet<String>)> = BTreeMap::new();
    for (partition, account, region) in declared_places(manifest) {
        for (operation, end) in kind.policy_resources_besides(account, region) {
            let (_, arns) = needs.entry(operation.name).or_insert((operation.iam_action, BTreeSet::new()));
            arns.insert(format!("arn:{partition}:{end}"));
        }
    }
    let statement = |(name, (action, arns)): (&str, (&str, BTreeSet<String>))| {
        statement(&format!("OpsformBesides{name}"), &BTreeSet::from([action]), json!(arns))
    };
    needs.into_iter().map(statement).collect()
}

/// To start and stop by hand, in the manifest's regions.
fn by_hand(manifest: &Subject<'_>) -> Vec<Value> {
    let kinds = resources::KINDS.iter().filter(|kind| !kind.operations_by_hand().is_empty());
    let allow = |kind: &&dyn resources::Kind| {
        let actions = kind.operations_by_hand().iter().map(|operation| operation.iam_action).collect();
        let sid = format!("OpsformByHand{}", in_camel_case(kind.text().kind));
        statement(&sid, &actions, json!(declared_arns(manifest, *kind)))
    };
    kinds.map(allow).collect()
}

/// To hand roles to services, a statement for each service ("Granting a user permissions to pass a role to an AWS service" in
/// the IAM user guide).
fn passing(manifest: &Subject<'_>) -> Vec<Value> {
    let mut roles: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let of_others = |declaration: &&&dyn Declaration| !manifest.by_jobs || declaration.job().is_none();
    for passed in manifest.declarations.iter().filter(of_others).flat_map(|d| d.passed_roles()) {
        roles.entry(passed.service).or_default().insert(passed.arn);
    }
    let statement = |(service, roles): (&str, BTreeSet<String>)| {
        // `OpsformPassRoleScheduler`, `OpsformPassRoleEvents`.
        let name = in_camel_case(service.split('.').next().unwrap_or_default());
        let actions = BTreeSet::from(["iam:PassRole"]);
        let mut statement = statement(&format!("OpsformPassRole{name}"), &actions, json!(roles));
        statement["Condition"] = json!({ "StringEquals": { "iam:PassedToService": service } });
        statement
    };
    roles.into_iter().map(statement).collect()
}

/// `metric_alarm` as `MetricAlarm`: a Sid has letters and digits only, and each stands in a policy once.
fn in_camel_case(name: &str) -> String {
    let words = name.split('_').filter_map(|word| word.split_at_checked(1));
    words.map(|(first, rest)| first.to_ascii_uppercase() + rest).collect()
}

/// What is done with the caller's own credentials: to take on the roles, and the state.
fn of_caller(manifest: &Subject<'_>, permissions: PolicyFor) -> Vec<Value> {
    let mut statements = Vec::new();
    let roles: Vec<&str> =
        manifest.settings.accounts.iter().map(|account| account.role_arn.as_str()).collect();
    if !roles.is_empty() {
        let assume = BTreeSet::from([Operation::ASSUME_ROLE.iam_action]);
        statements.push(statement("OpsformAccounts", &assume, json!(roles)));
    }
    // Nothing that is done by hand is recorded, and a report is about what there is.
    let stateless = matches!(permissions, PolicyFor::Power | PolicyFor::Report);
    if permissions == PolicyFor::Report {
        statements.extend(reports(manifest));
    }
    if let (StatePlace::S3(place), false) = (&manifest.settings.state, stateless) {
        statements.extend(state(place, permissions));
    }
    statements
}

/// Reports in buckets, with the data of earlier ones beside them.
fn reports(manifest: &Subject<'_>) -> Vec<Value> {
    let (mut buckets, mut objects) = (BTreeSet::new(), BTreeSet::new());
    let partition = partitions(manifest).into_iter().next().unwrap_or("aws");
    for output in manifest.settings.cost.iter().flat_map(|cost| &cost.output) {
        // What a name holds besides the bucket changes from day to day.
        let text = output.source();
        let Some((bucket, key)) = text.strip_prefix("s3://").and_then(|rest| rest.split_once('/')) else {
            continue;
        };
        let fixed = key.split("{{").next().unwrap_or_default();
        let fixed = if fixed == key { key.rsplit_once('.').map_or(key, |(stem, _)| stem) } else { fixed };
        buckets.insert(format!("arn:{partition}:s3:::{bucket}"));
        objects.insert(format!("arn:{partition}:s3:::{bucket}/{fixed}*"));
    }
    if buckets.is_empty() {
        return Vec::new();
    }
    let of_objects = BTreeSet::from([Operation::GET_OBJECT, Operation::PUT_OBJECT].map(|one| one.iam_action));
    vec![
        statement("OpsformReportBuckets", &BTreeSet::from(["s3:ListBucket"]), json!(buckets)),
        statement("OpsformReports", &of_objects, json!(objects)),
    ]
}

/// The state's objects in its bucket, for the caller's own credentials.
fn state(place: &S3Place, permissions: PolicyFor) -> Vec<Value> {
    // Who parks takes the lock.
    let writes = matches!(permissions, PolicyFor::Apply | PolicyFor::Park);
    let bucket = format!("arn:{}:s3:::{}", partition(&place.region), place.bucket);
    let object = |ending: &&str| format!("{bucket}/{}{ending}", place.key);
    let beside: Vec<String> = [".lock", ".journal"].iter().map(object).collect();
    let objects: Vec<String> = [""].iter().map(object).chain(beside.iter().cloned()).collect();
    // Whether a state that is not there went elsewhere.
    let read: Vec<String> = objects.iter().cloned().chain([object(&".migrated*")]).collect();
    // Without ListBucket, S3 answers "denied" for an object that is not there ("GetObject" in the API reference).
    let mut of_bucket = BTreeSet::from(["s3:ListBucket"]);
    let of_objects = BTreeSet::from([Operation::GET_OBJECT.iam_action]);
    if writes {
        of_bucket.insert(Operation::GET_BUCKET_VERSIONING.iam_action);
    }
    let mut statements = vec![
        statement("OpsformStateBucket", &of_bucket, json!(bucket)),
        statement("OpsformState", &of_objects, json!(read)),
    ];
    if writes {
        let write = BTreeSet::from([Operation::PUT_OBJECT.iam_action]);
        statements.push(statement("OpsformStateWrite", &write, json!(objects)));
        // The document itself is only ever replaced.
        let delete = BTreeSet::from([Operation::DELETE_OBJECT.iam_action]);
        statements.push(statement("OpsformStateLock", &delete, json!(beside)));
    }
    if let Some(key) = &place.kms_key {
        let mut of_key = BTreeSet::from(["kms:Decrypt"]);
        if writes {
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

/// The actions that read and that take no resource, or are called for any (`rds:ListTagsForResource`).
fn reading(manifest: &Subject<'_>, permissions: PolicyFor) -> BTreeSet<&'static str> {
    let declared =
        || manifest.declarations.iter().flat_map(|d| d.selectors().iter().chain(d.reads_besides()));
    let targets: BTreeSet<TargetKind> = match permissions {
        PolicyFor::Plan | PolicyFor::Apply => declared().map(|selector| selector.kind).collect(),
        PolicyFor::Audit => {
            let rules = manifest.declarations.iter().filter(|d| d.audit_day(Timestamp::UNIX_EPOCH).is_some());
            rules.flat_map(|rule| rule.selectors()).map(|selector| selector.kind).collect()
        }
        PolicyFor::Inventory | PolicyFor::Import => TargetKind::ALL.into(),
        // What a report reads of them is said below.
        PolicyFor::Report => BTreeSet::new(),
        PolicyFor::Park => [TargetKind::Ec2].into(),
        PolicyFor::Power => [TargetKind::Ec2, TargetKind::Rds, TargetKind::RdsCluster].into(),
    };
    let targets = targets.into_iter().flat_map(|kind| match kind {
        TargetKind::Ec2 => vec![Operation::DESCRIBE_INSTANCES],
        TargetKind::Ebs => vec![Operation::DESCRIBE_VOLUMES],
        TargetKind::Rds => vec![Operation::DESCRIBE_DB_INSTANCES, Operation::LIST_DB_TAGS],
        TargetKind::RdsCluster => vec![Operation::DESCRIBE_DB_CLUSTERS, Operation::LIST_DB_TAGS],
    });
    let resources: Vec<&Operation> = match permissions {
        PolicyFor::Plan | PolicyFor::Apply | PolicyFor::Park => {
            kinds(manifest, permissions).flat_map(|kind| kind.operations().read.iter().copied()).collect()
        }
        PolicyFor::Audit | PolicyFor::Power => Vec::new(),
        PolicyFor::Report => super::report::OPERATIONS.to_vec(),
        PolicyFor::Inventory => vec![Operation::DESCRIBE_ALARMS],
        PolicyFor::Import => vec![Operation::DESCRIBE_ALARMS, Operation::GET_RESOURCES],
    };
    let regions = (manifest.settings.aws.regions == Regions::All).then_some(Operation::DESCRIBE_REGIONS);
    targets.chain(resources).chain(regions).map(|operation| operation.iam_action).collect()
}

/// The kinds of resources that are wanted.
fn wanted(manifest: &Subject<'_>, permissions: PolicyFor) -> BTreeSet<&'static str> {
    if permissions == PolicyFor::Park {
        return BTreeSet::from([instance_storage::KIND]);
    }
    manifest.declarations.iter().flat_map(|declaration| declaration.kinds()).collect()
}

/// The kinds that are read.
fn kinds(
    manifest: &Subject<'_>,
    permissions: PolicyFor,
) -> impl Iterator<Item = &'static dyn resources::Kind> {
    let wanted = wanted(manifest, permissions);
    let looked_for = (permissions != PolicyFor::Park).then_some(metric_alarm::KIND);
    resources::KINDS
        .iter()
        .copied()
        .filter(move |kind| wanted.contains(kind.text().kind) || looked_for == Some(kind.text().kind))
}

/// The resources in the manifest's accounts and regions; in any where it does not name them.
fn declared_arns(manifest: &Subject<'_>, kind: &dyn resources::Kind) -> Vec<String> {
    arns(manifest, kind, declared_places(manifest))
}

/// The resources in the manifest's accounts, in any region: what is owned in a region that was taken out of the manifest
/// is to be deleted there.
fn owned_arns(manifest: &Subject<'_>, kind: &dyn resources::Kind) -> Vec<String> {
    arns(manifest, kind, owned_places(manifest))
}

fn arns(manifest: &Subject<'_>, kind: &dyn resources::Kind, places: Vec<PolicyPlace<'_>>) -> Vec<String> {
    let name = kind.text().kind;
    let of_any_name = manifest.declarations.iter().any(|d| d.kinds_of_any_name().contains(&name));
    let ends = |account, region| {
        if of_any_name {
            kind.policy_resources_of_any_name(account, region)
        } else {
            kind.policy_resources(account, region)
        }
    };
    let of_place = |(partition, account, region)| {
        ends(account, region).into_iter().map(move |end| format!("arn:{partition}:{end}"))
    };
    // What is the same in all regions, as a role, is named once.
    let mut named = BTreeSet::new();
    places.into_iter().flat_map(of_place).filter(|arn| named.insert(arn.clone())).collect()
}

/// Partition, account and region, of which the latter two may be `*`.
type PolicyPlace<'a> = (&'a str, &'a str, &'a str);

/// The manifest's accounts and regions; any where it does not name them.
fn declared_places<'a>(manifest: &'a Subject<'a>) -> Vec<PolicyPlace<'a>> {
    match &manifest.settings.aws.regions {
        Regions::Listed(regions) => {
            let regions = regions.iter().map(|region| region.value.as_str());
            in_accounts(manifest, regions.map(|region| (partition(region), region)))
        }
        Regions::All | Regions::Default => owned_places(manifest),
    }
}

/// The manifest's accounts, and any region.
fn owned_places<'a>(manifest: &'a Subject<'a>) -> Vec<PolicyPlace<'a>> {
    in_accounts(manifest, partitions(manifest).into_iter().map(|partition| (partition, "*")))
}

fn in_accounts<'a>(
    manifest: &'a Subject<'a>,
    regions: impl Iterator<Item = (&'a str, &'a str)>,
) -> Vec<PolicyPlace<'a>> {
    let mut accounts: Vec<&str> =
        manifest.settings.accounts.iter().map(|account| account.id.as_str()).collect();
    if accounts.is_empty() {
        accounts.push("*");
    }
    let of_region = |(partition, region)| {
        accounts.iter().map(|account| (partition, *account, region)).collect::<Vec<_>>()
    };
    regions.flat_map(of_region).collect()
}

/// The partitions that the manifest's regions or roles name.
fn partitions<'a>(manifest: &'a Subject<'a>) -> BTreeSet<&'a str> {
    let settings = &manifest.settings;
    let named: BTreeSet<&str> = match &settings.aws.regions {
        Regions::Listed(regions) => regions.iter().map(|region| partition(&region.value)).collect(),
        Regions::All | Regions::Default => {
            settings.accounts.iter().filter_map(|account| account.role_arn.split(':').nth(1)).collect()
        }
    };
    if named.is_empty() { BTreeSet::from(["aws"]) } else { named }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Placed;
    use crate::model::Place;

    #[test]
    fn what_is_the_same_in_all_regions_is_named_once() {
        let regions = ["eu-west-1", "us-east-1"];
        let listed =
            regions.map(|region| Placed { value: region.to_owned(), place: Place::Named(String::new()) });
        let mut settings = Settings::default();
        settings.aws.regions = Regions::Listed(listed.into());
        let manifest = Manifest { settings, declarations: Vec::new(), warnings: Diagnostics::new() };
        let of = |name: &str| declared_arns(&Subject::of(&manifest), resources::kind(name).unwrap());
        assert_eq!(of("iam_role"), ["arn:aws:iam::*:role/opsform-*"]);
        assert_eq!(of("lambda_function").len(), 2);
    }

    #[test]
    fn each_kind_has_statements_of_its_own() {
        assert_eq!(in_camel_case("metric_alarm"), "MetricAlarm");
        let names: BTreeSet<String> =
            resources::KINDS.iter().map(|kind| in_camel_case(kind.text().kind)).collect();
        assert_eq!(names.len(), resources::KINDS.len());
        assert!(names.iter().all(|name| name.chars().all(char::is_alphanumeric)), "{names:?}");
    }
}
