//! AWS throttles, fails, drops connections, denies: nothing is lost, and people are told what to do.

use serde_json::json;

use crate::workspace::{CPU, REGION, Workspace, wait_until};

fn fleet(number: usize) -> Workspace {
    let workspace = Workspace::new(CPU);
    let instances: Vec<_> = (1..=number).map(|n| json!({"name": format!("web-{n:02}")})).collect();
    workspace.account.seed_instances(REGION, instances.into());
    workspace
}

#[test]
fn throttling_is_waited_out_unseen() {
    let workspace = fleet(30);
    workspace.account.faults(json!([
        {"operation": "PutMetricAlarm", "kind": "bucket", "rate": 50, "burst": 5},
        {"operation": "DescribeInstances", "kind": "error", "code": "RequestLimitExceeded", "status": 503, "times": 2},
        {"operation": "DescribeAlarms", "kind": "error", "code": "Throttling", "status": 400, "times": 2},
    ]));
    let run = workspace.apply().says(&["30 added"]);
    assert!(!run.all().contains("Throttling"), "{}", run.all());
    assert_eq!(workspace.account.alarms(REGION).len(), 30);
    workspace.account.faults(json!([]));
    workspace.expect_nothing_to_do();
}

#[test]
fn errors_of_aws_itself_and_of_the_network_are_tried_again() {
    let workspace = fleet(12);
    workspace.account.faults(json!([
        {"operation": "PutMetricAlarm", "kind": "error", "code": "InternalFailure", "status": 500, "times": 3},
        {"operation": "PutMetricAlarm", "kind": "drop", "times": 3},
        {"operation": "PutMetricAlarm", "kind": "drop_after", "times": 3},
        {"operation": "DescribeAlarms", "kind": "drop", "times": 1},
        {"operation": "DescribeInstances", "kind": "drop_after", "times": 1},
    ]));
    workspace.apply().says(&["12 added"]);
    assert_eq!(workspace.account.alarms(REGION).len(), 12);
    workspace.account.faults(json!([]));
    workspace.expect_nothing_to_do();
}

#[test]
fn a_delete_whose_answer_was_lost_is_done_all_the_same() {
    for skips_missing in [false, true] {
        let workspace = fleet(12);
        workspace.apply();
        workspace.account.options(json!({"delete_skips_missing": skips_missing}));
        workspace.account.faults(json!([{"operation": "DeleteAlarms", "kind": "drop_after", "times": 1}]));
        workspace.ok(&["destroy", "--yes"]).says(&["12 destroyed"]);
        assert!(workspace.account.alarms(REGION).is_empty());
        assert!(workspace.recorded().is_empty());
    }
}

#[test]
fn one_name_that_somebody_else_deletes_meanwhile_does_not_save_the_others() {
    let workspace = fleet(12);
    workspace.apply();
    workspace.account.faults(json!([{"operation": "DeleteAlarms", "kind": "hold_before", "times": 1}]));
    let destroy = workspace.command(&["destroy", "--yes"]).spawn().unwrap();
    wait_until(|| workspace.account.held() > 0);
    workspace.account.delete_alarm(REGION, "web-07: CPU over 80");
    workspace.account.release();
    let run = crate::workspace::Run::of(destroy.wait_with_output().unwrap()).expect(0);
    run.says(&["12 destroyed"]);
    assert!(workspace.account.alarms(REGION).is_empty());
    assert!(workspace.recorded().is_empty());
}

#[test]
fn one_failure_does_not_stop_the_others() {
    let workspace = fleet(12);
    workspace.account.faults(json!([
        {"operation": "PutMetricAlarm", "key": "web-03: CPU over 80", "kind": "error", "code": "LimitExceeded",
         "status": 400, "message": "The quota for alarms for this customer has been reached."},
        {"operation": "PutMetricAlarm", "key": "web-05: CPU over 80", "kind": "error", "code": "LimitExceeded",
         "status": 400, "message": "The quota for alarms for this customer has been reached."},
    ]));
    let run = workspace.run(&["apply", "--yes"]).expect(4).says(&[
        "10 added",
        "LimitExceeded",
        "The quota for alarms",
        "web-03: CPU over 80",
        "web-05: CPU over 80",
        "apply again",
    ]);
    assert_eq!(run.stdout.matches("The quota for alarms").count(), 1, "grouped by cause");
    assert_eq!(workspace.recorded(), workspace.account.alarm_names(REGION));
    workspace.account.faults(json!([]));
    assert_eq!(workspace.changes(), ["create web-03: CPU over 80", "create web-05: CPU over 80"]);
    workspace.apply().says(&["2 added"]);
    workspace.expect_nothing_to_do();
}

#[test]
fn an_old_alarm_stays_while_its_successor_cannot_be_made() {
    let workspace = fleet(2);
    workspace.apply();
    workspace.account.faults(json!([
        {"operation": "PutMetricAlarm", "key": "web-01: CPU over 90", "kind": "error", "code": "LimitExceeded",
         "status": 400, "message": "no more"},
    ]));
    workspace.edit_manifest("threshold = 80", "threshold = 90");
    workspace.run(&["apply", "--yes"]).expect(4).says(&["web-01: CPU over 80"]);
    assert_eq!(workspace.account.alarm_names(REGION), ["web-01: CPU over 80", "web-02: CPU over 90"]);
    assert_eq!(workspace.recorded(), workspace.account.alarm_names(REGION));
    workspace.account.faults(json!([]));
    workspace.apply();
    assert_eq!(workspace.account.alarm_names(REGION), ["web-01: CPU over 90", "web-02: CPU over 90"]);
    workspace.expect_nothing_to_do();
}

#[test]
fn a_denied_call_names_the_action_that_is_missing() {
    let workspace = fleet(2);
    for (operation, code, action) in [
        ("DescribeInstances", "UnauthorizedOperation", "ec2:DescribeInstances"),
        ("DescribeAlarms", "AccessDenied", "cloudwatch:DescribeAlarms"),
    ] {
        workspace
            .account
            .faults(json!([{"operation": operation, "kind": "error", "code": code, "status": 403,
                                         "message": "You are not authorized to perform this operation."}]));
        workspace.run(&["plan"]).expect(1).says(&[
            operation,
            "us-east-1",
            code,
            &format!("IAM action {action}"),
            workspace.account.id(),
        ]);
    }
    workspace.account.faults(json!([{"operation": "PutMetricAlarm", "kind": "error", "code": "AccessDenied",
                                     "status": 403, "message": "not authorized"}]));
    workspace.run(&["apply", "--yes"]).expect(4).says(&["IAM action cloudwatch:PutMetricAlarm"]);
    workspace.account.faults(json!([]));
    workspace.apply().says(&["2 added"]);
}

#[test]
fn expired_and_missing_credentials_are_said_in_words() {
    let workspace = fleet(1);
    workspace.account.faults(json!([{"operation": "GetCallerIdentity", "kind": "error", "code": "ExpiredToken",
                                     "status": 403, "message": "The security token included in the request is expired"}]));
    workspace.run(&["plan"]).expect(1).says(&[
        "does not accept the credentials",
        "ExpiredToken",
        "aws sso login",
        "--profile",
    ]);
    workspace.account.faults(json!([]));
    for key in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        let mut command = workspace.command(&["plan"]);
        command.env_remove("AWS_ACCESS_KEY_ID").env_remove(key);
        let run = crate::workspace::Run::of(command.output().unwrap()).expect(1);
        run.says(&["no AWS credentials", "AWS_PROFILE"]);
    }
    let run = workspace.run(&["plan", "--profile", "nobody"]);
    let run = run.expect(1);
    run.says(&["no AWS credentials", "profile \"nobody\""]);
}

#[test]
fn credentials_that_expire_in_the_middle_lose_nothing() {
    let workspace = fleet(12);
    workspace.account.faults(json!([{"operation": "PutMetricAlarm", "kind": "error", "code": "ExpiredToken",
                                     "status": 400, "message": "expired", "skip": 5}]));
    workspace.run(&["apply", "--yes"]).expect(4).says(&["5 added", "ExpiredToken", "aws sso login"]);
    assert_eq!(workspace.recorded().len(), 5);
    workspace.account.faults(json!([]));
    assert_eq!(workspace.changes().len(), 7);
    workspace.apply().says(&["7 added"]);
    workspace.expect_nothing_to_do();
}

#[test]
fn an_endpoint_that_does_not_answer_is_an_error_in_words() {
    let workspace = Workspace::new(CPU);
    workspace
        .run(&["plan", "--endpoint-url", "http://127.0.0.1:9"])
        .expect(1)
        .says(&["STS GetCallerIdentity", "could not be reached"]);
}

#[test]
fn an_alarm_that_a_composite_alarm_needs_does_not_save_the_others() {
    let workspace = fleet(12);
    workspace.apply();
    workspace.account.put_composite(REGION, "all of it", "ALARM(\"web-05: CPU over 80\")");
    let run = workspace.run(&["destroy", "--yes"]).expect(4).says(&["11 destroyed", "web-05: CPU over 80"]);
    assert!(!run.stdout.contains("failed: web-06"));
    assert_eq!(workspace.account.alarm_names(REGION), ["all of it", "web-05: CPU over 80"]);
    assert_eq!(workspace.recorded(), ["web-05: CPU over 80"]);
}

#[test]
fn a_permission_that_is_missing_for_all_is_not_tried_for_each() {
    let workspace = fleet(300);
    workspace.account.faults(json!([{"operation": "PutMetricAlarm", "kind": "error", "code": "AccessDenied",
                                     "status": 403, "message": "not authorized"}]));
    workspace.run(&["apply", "--yes"]).expect(4).says(&["IAM action cloudwatch:PutMetricAlarm"]);
    assert!(workspace.account.count("cloudwatch:PutMetricAlarm") < 150);
    workspace.account.faults(json!([]));
    assert_eq!(workspace.changes().len(), 300);
    assert_eq!(workspace.state()["unconfirmed"].as_array().map_or(0, Vec::len), 0, "nothing is left open");
}

#[test]
fn a_profile_with_a_role_works_and_counts_more_than_keys_in_the_environment() {
    let workspace = fleet(1);
    let other = crate::workspace::Workspace::new(CPU);
    other.account.seed_instances(REGION, json!([{"name": "there"}]));
    let (here, there) = (workspace.account.id(), other.account.id());
    workspace.write(
        "config",
        &format!(
            "[profile base]\naws_access_key_id = AKIA{here}\naws_secret_access_key = x\n\
             [profile ops]\nrole_arn = arn:aws:iam::{there}:role/ops\nsource_profile = base\n"
        ),
    );
    let mut command = workspace.command(&["plan", "--profile", "ops"]);
    command.env("AWS_CONFIG_FILE", workspace.path().join("config"));
    crate::workspace::Run::of(command.output().unwrap()).expect(0).says(&[there, "there: CPU over 80"]);
}

#[test]
fn a_role_that_may_not_be_assumed_is_named() {
    let workspace = fleet(1);
    workspace.write(
        "manifests/accounts.toml",
        "[[account]]\nname = \"prod\"\nrole_arn = \"arn:aws:iam::000000000009:role/opsform\"\n",
    );
    workspace.account.faults(json!([{"operation": "AssumeRole", "kind": "error", "code": "AccessDenied",
                                     "status": 403, "message": "not authorized to perform: sts:AssumeRole"}]));
    let run = workspace.run(&["plan"]).expect(1);
    run.says(&["account \"prod\"", "STS AssumeRole", "not allowed", "IAM action sts:AssumeRole"]);
}

#[test]
fn an_account_that_was_only_tried_does_not_bind_the_state() {
    let workspace = fleet(3);
    workspace.account.faults(json!([{"operation": "PutMetricAlarm", "kind": "error", "code": "AccessDenied",
                                     "status": 403, "message": "not authorized"}]));
    workspace.run(&["apply", "--yes"]).expect(4);
    let other = fleet(1);
    let mut command = workspace.command(&["plan"]);
    command.envs(other.account.environment());
    crate::workspace::Run::of(command.output().unwrap()).expect(0).says(&["1 to add"]);
}
