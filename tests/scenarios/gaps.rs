//! A fleet that can be read in part only, from within: what a report is told of the rest.

use std::collections::BTreeMap;

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use opsform::aws::{Aws, ErrorClass};
use opsform::inventory::{Selector, TargetKind, read_fleet, read_fleet_with_gaps};
use opsform::model::Scope;
use serde_json::json;

use crate::aws::{Account, Emulator};

const REGIONS: [&str; 2] = ["ap-northeast-2", "us-east-1"];

async fn connect(account: &Account) -> Aws {
    let key = format!("AKIA{}", account.id());
    let config = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(REGIONS[0]))
        .endpoint_url(account.url())
        .credentials_provider(Credentials::new(key, "not-a-secret", None, None, "test"))
        .retry_config(aws_config::retry::RetryConfig::disabled())
        .load()
        .await;
    Aws::new(BTreeMap::from([(account.id().to_owned(), config)]), BTreeMap::new())
}

/// An instance and a database in each of two regions.
fn two_regions() -> (Account, Vec<Scope>) {
    let account = Emulator::shared().account();
    for region in REGIONS {
        account.seed(json!({region: {"instances": [{"name": "web"}], "databases": [{"id": "orders"}]}}));
    }
    let scopes = REGIONS.map(|region| Scope::new(account.id(), region)).to_vec();
    (account, scopes)
}

/// Kinds and regions of all that is found, and of the gaps.
async fn read(account: &Account, scopes: &[Scope]) -> (Vec<String>, Vec<String>) {
    let aws = connect(account).await;
    let selectors = [Selector::all(TargetKind::Ec2), Selector::all(TargetKind::Rds)];
    let selectors: Vec<&Selector> = selectors.iter().collect();
    let (fleet, gaps) = read_fleet_with_gaps(&aws, scopes, &selectors).await;
    let whole = read_fleet(&aws, scopes, &selectors).await;
    match whole {
        Ok(whole) => assert_eq!((whole.len(), gaps.len()), (fleet.len(), 0)),
        Err(errors) => assert_eq!(errors.len(), gaps.len()),
    }
    assert!(gaps.iter().all(|(scope, _, error)| error.class == ErrorClass::Denied && error.scope == *scope));
    let found = fleet.iter().map(|target| format!("{} {}", target.kind, target.scope.region));
    let gaps = gaps.iter().map(|(scope, kind, _)| format!("{kind} {}", scope.region));
    (found.collect(), gaps.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_read_is_read_and_what_cannot_is_told() {
    let (account, scopes) = two_regions();
    let everything = ["ec2 ap-northeast-2", "ec2 us-east-1", "rds ap-northeast-2", "rds us-east-1"];
    let (found, gaps) = read(&account, &scopes).await;
    assert_eq!((found, gaps), (everything.map(str::to_owned).to_vec(), Vec::new()));

    account.faults(json!([{"operation": "*", "region": "ap-northeast-2", "kind": "denied"}]));
    let (found, gaps) = read(&account, &scopes).await;
    assert_eq!(found, ["ec2 us-east-1", "rds us-east-1"]);
    assert_eq!(gaps, ["ec2 ap-northeast-2", "rds ap-northeast-2"]);

    account.faults(json!([{"operation": "DescribeDBInstances", "region": "us-east-1", "kind": "denied"}]));
    let (found, gaps) = read(&account, &scopes).await;
    assert_eq!(found, ["ec2 ap-northeast-2", "ec2 us-east-1", "rds ap-northeast-2"]);
    assert_eq!(gaps, ["rds us-east-1"]);
}
