//! Sheets whose rows are the alarms themselves.

use super::*;

const HEADER: &str = "alarm,namespace,metric,dims,op,limit,period,region,sns,missing,on\n";

/// An alarm for each row of `servers.csv`, every field from a cell.
fn list(keys: &str, alarm_keys: &str) -> String {
    format!(
        "[[inventory]]\nlabel = 'list'\nfile = 'servers.csv'\nid = 'alarm'\nkind = 'row'\n{keys}\n\
         [[alarm]]\nlabel = 'listed'\nfor_each = {{ inventory = 'list' }}\n{alarm_keys}\n\
         name = '{{{{ row.alarm }}}}'\nnamespace = '{{{{ row.namespace }}}}'\nmetric = '{{{{ row.metric }}}}'\n\
         dimensions = '{{{{ row.dims }}}}'\ncomparison = '{{{{ row.op }}}}'\nthreshold = '{{{{ row.limit }}}}'\n\
         period = '{{{{ row.period | default(300) }}}}'\n\
         treat_missing_data = \"{{{{ row.missing | default('missing') }}}}\"\n\
         actions_enabled = '{{{{ row.on | default(true) }}}}'\n\
         alarm_actions = \"{{{{ row.sns | default('') }}}}\"\n"
    )
}

const REGION: &str = "region = '{{ row.region }}'";

#[test]
fn each_row_is_an_alarm_in_its_region() {
    let csv = format!(
        "{HEADER}web cpu,AWS/EC2,CPUUtilization,InstanceId=i-1,>=,80,60,us-east-1,,,\n\
         queue,AWS/SQS,ApproximateNumberOfMessagesVisible,\"QueueName=jobs\",>,1000,,us-east-2,\
         arn:aws:sns:us-east-2:111122223333:a;arn:aws:sns:us-east-2:111122223333:b,notBreaching,FALSE\n"
    );
    let (all, said) = desired_of(&list("", REGION), &csv, &[], true);
    assert_eq!(said, [""; 0]);
    assert_eq!(all.len(), 2);
    assert_eq!(all[0].address.key, "web cpu");
    assert_eq!(all[0].address.scope.region, "us-east-1");
    assert_eq!(all[0].fields["comparison"], ">=");
    assert_eq!(all[0].fields["dimensions"], serde_json::json!({"InstanceId": "i-1"}));
    assert_eq!(all[0].fields.get("alarm_actions"), None);
    assert_eq!(all[0].origin.place, "manifests/a.toml:7 · manifests/servers.csv › A2");
    assert_eq!(all[1].address.scope.region, "us-east-2");
    assert_eq!(all[1].fields["alarm_actions"].as_array().unwrap().len(), 2);
    assert_eq!(all[1].fields["actions_enabled"], false);
    assert_eq!(all[1].fields["treat_missing_data"], "notBreaching");
    let target = all[1].target.as_ref().unwrap();
    assert_eq!((&*target.kind, &*target.id), ("row", "queue"));
    // A run of one region makes what belongs there, and says nothing about the rest.
    let (some, said) = desired_of(&list("", REGION), &csv, &[], false);
    assert_eq!((some.len(), said), (1, Vec::new()));
}

#[test]
fn what_a_cell_cannot_be_is_told_without_aws() {
    let csv = format!(
        "{HEADER}a,AWS/EC2,M,i-1,>=,80,60,us-east-1,,,\n\
         b,AWS/EC2,M,Q=1,over,high,5x,us-east-1,,never,maybe\n\
         b,AWS/EC2,M,Q=1,>,1,60,us-east-1,,,\n\
         c,AWS/EC2,,Q=1,>,1,60,us-east-1,,,\n"
    );
    let problems = read(&list("", REGION), &csv).1;
    let places: Vec<&str> = problems.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(places, ["A4", "D2", "E3", "F3", "G3", "J3", "K3", "C5"], "{problems:#?}");
    assert!(problems[2].contains("is not one of \">\", \">=\", \"<\" and \"<=\""), "{}", problems[2]);
}

#[test]
fn a_row_of_no_region_or_account_of_the_manifest_is_told_with_its_cell() {
    let row = |name: &str, region: &str| format!("{name},AWS/EC2,M,Q=1,>,1,60,{region},,,\n");
    let csv = format!("{HEADER}{}{}", row("a", "us-west-1"), row("b", "seoul"));
    let (all, said) = desired_of(&list("", REGION), &csv, &[], true);
    assert_eq!(all.len(), 0);
    assert_eq!(
        said,
        [
            "H2 `region` of alarm.listed for a must be one of the manifest's regions, found \"us-west-1\" \
             (list it in `[aws] regions`) [the template that reads it 10:10]",
            "H3 `region` of alarm.listed for b must be a region's code, found \"seoul\" \
             (codes look like `ap-northeast-2` or `us-gov-west-1`) [the template that reads it 10:10]",
        ]
    );
    let csv = format!("{HEADER}{}", row("a", "us-east-1"));
    let with = |account: &str| format!("{REGION}\naccount = '{account}'");
    assert_eq!(desired_of(&list("", &with("111122223333")), &csv, &[], true).0.len(), 1);
    let (_, said) = desired_of(&list("", &with("999999999999")), &csv, &[], true);
    assert!(said[0].contains("must be one of the manifest's accounts"), "{said:?}");
}

#[test]
fn rows_have_no_targets() {
    let csv = format!("{HEADER}a,AWS/EC2,M,Q=1,>,1,60,us-east-1,,,\n");
    let said = read(&list("missing = 'warn'", REGION), &csv).1;
    assert!(said[0].contains("`missing` goes with rows that stand for something on AWS"), "{said:?}");
    let said = read(&list("", REGION).replace("'{{ row.metric }}'", "'{{ instance_type }}'"), &csv).1;
    assert!(said[0].contains("there is no variable `instance_type`"), "{said:?}");
    let said =
        read(&list("", REGION).replace("inventory = 'list' }", "inventory = 'list', tags = {} }"), &csv).1;
    assert!(said[0].contains("unknown key `for_each.tags`"), "{said:?}");
}

#[test]
fn what_aws_would_refuse_of_a_cell_is_told_without_aws() {
    let csv = format!(
        "{HEADER}a,AWS/EC2,M,Q=1,>,1,45,us-east-1,ops,,\n\
         \"b\nc\",AWS/EC2,M,Q=1,>,1,60,us-east-1,,,\n"
    );
    let problems = read(&list("", REGION), &csv).1;
    let places: Vec<&str> = problems.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(places, ["G2", "I2", "A3"], "{problems:#?}");
    assert!(problems[1].contains("must be an ARN, found \"ops\""), "{problems:#?}");
}
