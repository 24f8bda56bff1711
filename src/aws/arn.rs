//! Names of resources across AWS.

use crate::model::Scope;

/// The partition of a region ("Amazon Resource Names", AWS General Reference).
pub fn partition(region: &str) -> &'static str {
    match region {
        r if r.starts_with("cn-") => "aws-cn",
        r if r.starts_with("us-gov-") => "aws-us-gov",
        r if r.starts_with("us-isob-") => "aws-iso-b",
        r if r.starts_with("us-isof-") => "aws-iso-f",
        r if r.starts_with("eu-isoe-") => "aws-iso-e",
        r if r.starts_with("us-iso-") => "aws-iso",
        r if r.starts_with("eusc-") => "aws-eusc",
        _ => "aws",
    }
}

/// Where IAM of a scope's account is asked: it is one for all regions of a partition, and signed for one of them ("AWS Identity and
/// Access Management endpoints and quotas" in the AWS General Reference). So its calls share one rate, whatever region they are for.
pub fn iam_home(scope: &Scope) -> Scope {
    let region = match partition(&scope.region) {
        "aws-cn" => "cn-north-1",
        "aws-us-gov" => "us-gov-west-1",
        "aws-iso" => "us-iso-east-1",
        "aws-iso-b" => "us-isob-east-1",
        "aws-iso-e" => "eu-isoe-west-1",
        "aws-iso-f" => "us-isof-south-1",
        "aws-eusc" => "eusc-de-east-1",
        _ => "us-east-1",
    };
    Scope::new(&*scope.account, region)
}

/// The ARN of an alarm: `arn:aws:cloudwatch:REGION:ACCOUNT:alarm:NAME`.
pub fn alarm_arn(scope: &Scope, name: &str) -> String {
    format!("arn:{}:cloudwatch:{}:{}:alarm:{name}", partition(&scope.region), scope.region, scope.account)
}

/// The ARN of a database (`db`) or a cluster (`cluster`): `arn:aws:rds:REGION:ACCOUNT:db:ID`.
pub fn rds_arn(scope: &Scope, kind: &str, id: &str) -> String {
    format!("arn:{}:rds:{}:{}:{kind}:{id}", partition(&scope.region), scope.region, scope.account)
}

/// The name in an alarm's ARN. Names may hold colons.
pub fn alarm_name(arn: &str) -> Option<&str> {
    arn.splitn(7, ':').nth(6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_has_one_iam() {
        let home = |region: &str| iam_home(&Scope::new("111122223333", region)).region;
        assert_eq!(["eu-west-1", "us-east-1", "ap-northeast-2"].map(home), ["us-east-1"; 3]);
        assert_eq!(["cn-northwest-1", "us-gov-east-1"].map(home), ["cn-north-1", "us-gov-west-1"]);
    }

    #[test]
    fn an_alarm_name_may_hold_colons() {
        let scope = Scope::new("111122223333", "cn-north-1");
        let arn = alarm_arn(&scope, "web-1: CPU");
        assert_eq!(arn, "arn:aws-cn:cloudwatch:cn-north-1:111122223333:alarm:web-1: CPU");
        assert_eq!(alarm_name(&arn), Some("web-1: CPU"));
    }
}
