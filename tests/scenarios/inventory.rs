//! Which targets count: kinds, selectors, regions, pages.

use serde_json::json;

use crate::workspace::{CPU, REGION, Workspace};

fn alarm(label: &str, for_each: &str, metric: &str) -> String {
    format!(
        "\n[[alarm]]\nlabel = \"{label}\"\nfor_each = {for_each}\nname = \"{label} {{{{ id }}}}\"\n\
         metric = \"{metric}\"\ncomparison = \">\"\nthreshold = 1\n"
    )
}

fn settings(regions: &str) -> String {
    CPU.split("[[alarm]]").next().unwrap().replace("[\"us-east-1\"]", regions)
}

#[test]
fn instances_databases_and_clusters() {
    let workspace = Workspace::new(
        &(settings("[\"us-east-1\"]")
            + &alarm("cpu", "{ ec2 = {}, rds = {}, rds_cluster = {} }", "CPUUtilization")),
    );
    workspace.account.seed(json!({REGION: {
        "instances": [{"name": "web-1"}],
        "databases": [{"id": "orders", "engine": "mysql", "tags": {"Env": "prod"}}],
        "clusters": [{"id": "ledger", "engine": "aurora-mysql", "members": ["ledger-1", "ledger-2"]}],
    }}));
    workspace.apply().says(&["5 added"]);
    let dimensions: Vec<_> = workspace
        .account
        .alarms(REGION)
        .iter()
        .map(|a| {
            format!("{} {}", a["Namespace"].as_str().unwrap(), a["Dimensions"][0]["Name"].as_str().unwrap())
        })
        .collect();
    let mut sorted = dimensions.clone();
    sorted.sort();
    assert_eq!(
        sorted,
        [
            "AWS/EC2 InstanceId",
            "AWS/RDS DBClusterIdentifier",
            "AWS/RDS DBInstanceIdentifier",
            "AWS/RDS DBInstanceIdentifier",
            "AWS/RDS DBInstanceIdentifier"
        ]
    );
    workspace.expect_nothing_to_do();
}

#[test]
fn every_selector_picks_what_it_says() {
    let workspace = Workspace::new("");
    let ids = workspace.account.seed_instances(
        REGION,
        json!([
            {"name": "web-1", "tags": {"Env": "prod"}},
            {"name": "web-2", "tags": {"Env": "stage", "Quiet": "yes"}},
            {"name": "db-1", "tags": {"Env": "dev"}, "state": "stopped"},
            {"name": null},
            {"name": "gone", "tags": {"Env": "prod"}, "state": "terminated"},
            {"name": "star", "tags": {"Env": "*"}},
        ]),
    );
    let [web1, web2, db1, bare, _gone, star] = &ids[..] else { panic!("{ids:?}") };
    for (for_each, expected) in [
        ("{ ec2 = {} }".to_owned(), vec![web1, web2, db1, bare, star]),
        (r#"{ ec2 = { tags = { Env = "prod" } } }"#.to_owned(), vec![web1]),
        (r#"{ ec2 = { tags = { Env = ["prod", "stage"] } } }"#.to_owned(), vec![web1, web2]),
        (r#"{ ec2 = { tags = { Env = "*" } } }"#.to_owned(), vec![web1, web2, db1, star]),
        (
            r#"{ ec2 = { tags = { Env = "*", Quiet = { absent = true } } } }"#.to_owned(),
            vec![web1, db1, star],
        ),
        (r#"{ ec2 = { names = ["web-*", "db-?"] } }"#.to_owned(), vec![web1, web2, db1]),
        (r#"{ ec2 = { state = "stopped" } }"#.to_owned(), vec![db1]),
        (format!(r#"{{ ec2 = {{ ids = ["{web1}", "{bare}"] }} }}"#), vec![web1, bare]),
    ] {
        workspace.write_manifest(&(settings("[\"us-east-1\"]") + &alarm("a", &for_each, "CPUUtilization")));
        let mut expected: Vec<String> = expected.iter().map(|id| format!("create a {id}")).collect();
        expected.sort();
        assert_eq!(workspace.changes(), expected, "{for_each}");
    }
}

#[test]
fn two_declarations_share_one_pass_over_a_region() {
    let workspace = Workspace::new(
        &(settings("[\"us-east-1\"]")
            + &alarm("a", r#"{ ec2 = { tags = { Env = "prod" } } }"#, "CPUUtilization")
            + &alarm("b", r#"{ ec2 = { tags = { Env = "dev" } } }"#, "CPUUtilization")),
    );
    workspace.account.seed_instances(
        REGION,
        json!([{"name": "p", "tags": {"Env": "prod"}}, {"name": "d", "tags": {"Env": "dev"}}, {"name": "x"}]),
    );
    assert_eq!(workspace.changes().len(), 2);
    assert_eq!(workspace.account.count("ec2:DescribeInstances"), 1);
}

#[test]
fn all_regions_are_those_that_the_account_has_enabled() {
    let workspace = Workspace::new(&(settings("[\"all\"]") + &alarm("a", "{ ec2 = {} }", "CPUUtilization")));
    workspace.account.seed_instances("ap-northeast-2", json!([{"name": "seoul"}]));
    workspace.account.seed_instances("eu-west-1", json!([{"name": "dublin"}]));
    let mut command = workspace.command(&["plan"]);
    command.env("AWS_REGION", "us-east-1");
    crate::workspace::Run::of(command.output().unwrap()).expect(0).says(&["2 to add", "ap-northeast-2"]);
    workspace.ok(&["apply", "--yes"]);
    assert_eq!(workspace.account.alarms("ap-northeast-2").len(), 1);
    workspace.expect_nothing_to_do();
}

#[test]
fn a_region_that_fails_is_an_error_and_never_a_smaller_fleet() {
    let workspace = Workspace::new(
        &(settings("[\"us-east-1\", \"ap-northeast-2\"]") + &alarm("a", "{ ec2 = {} }", "CPUUtilization")),
    );
    workspace.account.seed_instances("us-east-1", json!([{"name": "a"}]));
    workspace.account.seed_instances("ap-northeast-2", json!([{"name": "b"}]));
    workspace.apply();
    workspace
        .account
        .faults(json!([{"operation": "DescribeInstances", "region": "ap-northeast-2", "kind": "error",
                                     "code": "UnauthorizedOperation", "status": 403, "message": "denied"}]));
    workspace.run(&["plan"]).expect(1).says(&["ap-northeast-2", "UnauthorizedOperation"]);
    workspace.run(&["apply", "--yes"]).expect(1);
    assert_eq!(workspace.account.alarms("ap-northeast-2").len(), 1);
    // One region at a time works, and the other one's alarms are left alone.
    assert_eq!(workspace.changes_with(&["--region", "us-east-1"]), [""; 0]);
    workspace.run(&["plan", "--region", "eu-west-1"]).expect(1).says(&["eu-west-1"]);
}

#[test]
fn a_region_taken_out_of_the_manifest_loses_its_alarms() {
    let workspace = Workspace::new(
        &(settings("[\"us-east-1\", \"ap-northeast-2\"]") + &alarm("a", "{ ec2 = {} }", "CPUUtilization")),
    );
    workspace.account.seed_instances("us-east-1", json!([{"name": "a"}]));
    workspace.account.seed_instances("ap-northeast-2", json!([{"name": "b"}]));
    workspace.apply();
    workspace.edit_manifest("\"us-east-1\", \"ap-northeast-2\"", "\"us-east-1\"");
    workspace.apply().says(&["1 destroyed"]);
    assert!(workspace.account.alarms("ap-northeast-2").is_empty());
    workspace.expect_nothing_to_do();
}

#[test]
fn large_fleets_are_read_page_by_page_to_the_end() {
    let workspace = Workspace::new(
        &(settings("[\"us-east-1\"]")
            + &alarm("a", "{ ec2 = {}, rds = {}, rds_cluster = {} }", "CPUUtilization")),
    );
    let databases: Vec<_> = (0..150).map(|n| json!({"id": format!("db-{n:03}")})).collect();
    let clusters: Vec<_> = (0..110).map(|n| json!({"id": format!("cl-{n:03}")})).collect();
    workspace.account.seed(
        json!({REGION: {"instances": [{"name": "w", "count": 1100}], "databases": databases, "clusters": clusters}}),
    );
    assert_eq!(workspace.changes().len(), 1100 + 150 + 110);
    assert_eq!(workspace.account.count("ec2:DescribeInstances"), 2);
    assert_eq!(workspace.account.count("rds:DescribeDBInstances"), 2);
    assert_eq!(workspace.account.count("rds:DescribeDBClusters"), 2);
    assert_eq!(workspace.account.count("rds:ListTagsForResource"), 0);
    assert_eq!(workspace.account.count("cloudwatch:DescribeAlarms"), 14);
}

#[test]
fn drift_of_one_region_says_nothing_of_the_others() {
    let workspace = Workspace::new(
        &(settings("[\"us-east-1\", \"ap-northeast-2\"]") + &alarm("a", "{ ec2 = {} }", "CPUUtilization")),
    );
    workspace.account.seed_instances("us-east-1", json!([{"name": "a"}]));
    workspace.account.seed_instances("ap-northeast-2", json!([{"name": "b"}]));
    workspace.apply();
    workspace.ok(&["drift", "--region", "us-east-1", "--detailed-exitcode"]).says(&["No drift: 1 alarm"]);
}

#[test]
fn an_alarm_of_one_region_does_not_hinder_a_run_in_another() {
    let mut manifest = settings("[\"us-east-1\", \"ap-northeast-2\"]");
    manifest += "[[alarm]]\nlabel = \"bill\"\nregion = \"us-east-1\"\nname = \"bill over {{ threshold }}\"\n\
                 namespace = \"AWS/Billing\"\nmetric = \"EstimatedCharges\"\ncomparison = \">\"\nthreshold = 100\n";
    let workspace = Workspace::new(&manifest);
    assert_eq!(workspace.changes_with(&["--region", "ap-northeast-2"]), [""; 0]);
    workspace.apply().says(&["1 added"]);
    // Renamed, it is replaced like an instance's alarm: the new one first.
    workspace.edit_manifest("threshold = 100", "threshold = 200");
    assert_eq!(workspace.changes(), ["replace bill over 200"]);
    workspace.apply();
    workspace.expect_nothing_to_do();
}

#[test]
fn the_environment_does_not_decide_what_is_deleted() {
    let workspace = Workspace::new(
        &(settings("[\"us-east-1\"]").replace("regions = [\"us-east-1\"]", "")
            + &alarm("a", "{ ec2 = {} }", "CPUUtilization")),
    );
    workspace.account.seed_instances("us-east-1", json!([{"name": "a"}]));
    workspace.account.seed_instances("ap-northeast-2", json!([{"name": "b"}]));
    let run = |region: &str, args: &[&str]| {
        let mut command = workspace.command(args);
        command.env("AWS_REGION", region);
        crate::workspace::Run::of(command.output().unwrap())
    };
    run("us-east-1", &["apply", "--yes"]).expect(0).says(&["1 added"]);
    let refused = run("ap-northeast-2", &["apply", "--yes"]).expect(1);
    refused.says(&["us-east-1", "ap-northeast-2", "regions ="]);
    assert_eq!(workspace.account.alarms("us-east-1").len(), 1);
}

#[test]
fn a_selection_that_is_empty_for_one_kind_of_target_is_refused_too() {
    let both = |names: &str| {
        let for_each = format!("{{ ec2 = {{ names = [\"{names}\"] }}, rds = {{}} }}");
        settings("[\"us-east-1\"]") + &alarm("a", &for_each, "CPUUtilization")
    };
    let workspace = Workspace::new(&both("web-*"));
    workspace
        .account
        .seed(json!({REGION: {"instances": [{"name": "web-1"}], "databases": [{"id": "orders"}]}}));
    workspace.apply().says(&["2 added"]);
    workspace.write_manifest(&both("wbe-*"));
    workspace.run(&["plan"]).expect(1).says(&["alarm.a selects no instances", "1 resource"]);
    workspace.ok(&["plan", "--no-delete"]);
}

#[test]
fn a_database_that_was_deleted_loses_its_alarm_with_the_reason() {
    let workspace =
        Workspace::new(&(settings("[\"us-east-1\"]") + &alarm("a", "{ rds = {} }", "CPUUtilization")));
    workspace.account.seed(json!({REGION: {"databases": [{"id": "orders"}, {"id": "events"}]}}));
    workspace.apply();
    let delete = [("DBInstanceIdentifier", "orders"), ("SkipFinalSnapshot", "true")];
    workspace.account.query("rds", "2014-10-31", REGION, "DeleteDBInstance", &delete);
    workspace.ok(&["plan"]).says(&["orders no longer exists", "1 to destroy"]);
}

#[test]
fn tags_that_rds_leaves_out_of_its_answer_are_asked_for() {
    let prod = "{ rds = { tags = { Env = \"prod\" } }, rds_cluster = { names = [\"books\"] } }";
    let workspace = Workspace::new(&(settings("[\"us-east-1\"]") + &alarm("a", prod, "CPUUtilization")));
    workspace.account.seed(json!({REGION: {
        "databases": [{"id": "orders", "tags": {"Env": "prod"}}, {"id": "events", "tags": {"Env": "dev"}}, {"id": "bare"}],
        "clusters": [{"id": "ledger", "tags": {"Name": "books"}}],
    }}));
    let expected = ["create a ledger", "create a orders"];
    assert_eq!(workspace.changes(), expected);
    assert_eq!(workspace.account.count("rds:ListTagsForResource"), 0, "an empty list of tags is an answer");
    workspace.account.options(json!({"no_tag_list": true}));
    assert_eq!(workspace.changes(), expected);
    assert_eq!(workspace.account.count("rds:ListTagsForResource"), 4, "one call for each");
    workspace.apply();

    // What became of a database can be told without its tags.
    workspace.edit_manifest("\"books\"", "\"ledgers\"");
    workspace.edit_manifest("threshold = 1", "threshold = 1\nallow_empty = true");
    workspace.account.clear_calls();
    workspace.ok(&["plan"]).says(&["no longer selects", "1 to destroy"]);
    assert_eq!(workspace.account.count("rds:ListTagsForResource"), 4);

    // One that was deleted after it was described is none.
    let gone = json!({"operation": "ListTagsForResource", "kind": "error", "code": "DBInstanceNotFound",
                      "status": 404, "message": "gone",
                      "key": format!("arn:aws:rds:us-east-1:{}:db:orders", workspace.account.id())});
    workspace.account.faults(json!([gone]));
    workspace.ok(&["plan"]).says(&["2 to destroy"]);
    workspace
        .account
        .faults(json!([{"operation": "ListTagsForResource", "service": "rds", "kind": "denied"}]));
    workspace.run(&["plan"]).expect(1).says(&["rds:ListTagsForResource"]);
}
