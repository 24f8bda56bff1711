//! Which endpoint of the price list to ask.

use crate::aws::partition;
use crate::prices::{NoPrice, Priced};

/// The region of the endpoint for prices of a region: the nearest of those that there are.
///
/// AWS has three in its commercial regions and one in China ("Using the AWS Price List Query API" in the Billing user guide, of both
/// partitions), and one in each of its isolated partitions and in the European Sovereign Cloud (the endpoints in AWS's own SDKs). They
/// have the same products. `GovCloud` has none there, and credentials are good in their own partition only, so its prices cannot
/// be asked for with them, although the commercial list has some.
///
/// # Errors
/// Where the partition has no list.
pub(super) fn of(region: &str) -> Priced<&'static str> {
    Ok(match partition(region) {
        "aws" => match region.split('-').next() {
            Some("ap") => "ap-south-1",
            Some("eu" | "me" | "af" | "il") => "eu-central-1",
            _ => "us-east-1",
        },
        "aws-cn" => "cn-northwest-1",
        "aws-iso" => "us-iso-east-1",
        "aws-iso-b" => "us-isob-east-1",
        "aws-iso-e" => "eu-isoe-west-1",
        "aws-iso-f" => "us-isof-south-1",
        "aws-eusc" => "eusc-de-east-1",
        other => {
            return Err(NoPrice(format!("AWS has no price list for credentials of {other} ({region})")));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_partition_has_its_list_and_govcloud_none() {
        for (region, endpoint) in [
            ("us-west-2", "us-east-1"),
            ("sa-east-1", "us-east-1"),
            ("eu-west-1", "eu-central-1"),
            ("il-central-1", "eu-central-1"),
            ("ap-northeast-2", "ap-south-1"),
            ("cn-north-1", "cn-northwest-1"),
        ] {
            assert_eq!(of(region), Ok(endpoint), "{region}");
        }
        let none = of("us-gov-west-1").unwrap_err();
        assert_eq!(none.to_string(), "AWS has no price list for credentials of aws-us-gov (us-gov-west-1)");
    }
}
