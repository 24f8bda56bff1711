//! Reports in a bucket: written whole, beside their data, with the data of earlier ones.

use std::sync::Arc;

use jiff::ToSpan as _;
use jiff::civil::{Date, date};
use opsform::aws::{Bucket, Encryption, OWN_ACCOUNT};
use opsform::commands::ReportStore;
use opsform::model::{ReportOutput, Scope};
use serde_json::{Value, json};

use crate::aws::{Account, Emulator};
use crate::s3_lock::own_way;

const BUCKET: &str = "acme-reports";
/// Not the region that the bucket is asked for in.
const REGION: &str = "eu-west-1";
const DAY: Date = date(2026, 11, 20);

fn account() -> Account {
    let account = Emulator::shared().account();
    account.create_bucket(REGION, BUCKET);
    account
}

async fn bucket(account: &Account) -> Bucket {
    let aws = Arc::new(own_way(account, "us-east-1").await);
    Bucket::find(aws, Scope::new(OWN_ACCOUNT, "us-east-1"), BUCKET.to_owned()).await.unwrap()
}

async fn store(account: &Account, key: &str, encryption: Option<Encryption>) -> ReportStore {
    let output = ReportOutput::parse(&format!("s3://{BUCKET}/{key}")).unwrap();
    ReportStore::in_bucket(output, DAY, bucket(account).await, encryption)
}

/// The data of a report: its months.
fn data(project: &str, month: Date) -> String {
    let point = json!({
        "month": month.first_of_month(), "made": format!("{month}T00:00:00Z"),
        "ec2": "1.00", "ebs": "2.00", "rds": "3.00", "instances": 4, "unpriced": 0
    });
    json!({"format": "opsform.cost", "version": 1, "project": project, "trend": [point]}).to_string()
}

fn log(account: &Account, operation: &str) -> Vec<(String, String)> {
    let text = |call: &Value, name: &str| call[name].as_str().unwrap_or_default().to_owned();
    let calls = account.log().into_iter().filter(|call| call["operation"] == operation);
    calls.map(|call| (text(&call, "region"), text(&call, "key"))).collect()
}

#[tokio::test]
async fn a_bucket_is_found_where_it_is() {
    let account = account();
    assert_eq!(bucket(&account).await.region(), REGION);
    assert_eq!(log(&account, "HeadBucket").len(), 1);
    let aws = Arc::new(own_way(&account, "us-east-1").await);
    let error =
        Bucket::find(aws, Scope::new(OWN_ACCOUNT, "us-east-1"), "acme-other".to_owned()).await.unwrap_err();
    assert!(error.to_string().contains("there is no bucket acme-other"), "{error}");
}

#[tokio::test]
async fn a_report_is_written_after_its_data() {
    let account = account();
    let store = store(&account, "ec2/costs_{{ date }}.xlsx", None).await;
    let written = store.write(b"workbook", Some(b"{}")).await.unwrap();
    let places = ["json", "xlsx"].map(|ending| format!("s3://acme-reports/ec2/costs_2026-11-20.{ending}"));
    assert_eq!(written, places);
    let keys = ["json", "xlsx"].map(|ending| (REGION.to_owned(), format!("ec2/costs_2026-11-20.{ending}")));
    assert_eq!(log(&account, "PutObject"), keys);
    let headers = account.object_headers(REGION, BUCKET, "ec2/costs_2026-11-20.xlsx");
    assert_eq!(headers["content-type"], "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet");
    // The emulator's own default: nothing was asked for.
    assert_eq!(headers["x-amz-server-side-encryption"], "AES256");
    assert_eq!(
        account.object_headers(REGION, BUCKET, "ec2/costs_2026-11-20.json")["content-type"],
        "application/json"
    );
}

#[tokio::test]
async fn objects_are_encrypted_as_asked_for() {
    let account = account();
    let key = "arn:aws:kms:eu-west-1:111122223333:key/k";
    for (encryption, how) in [
        (Encryption::with_key(key.to_owned()), "aws:kms"),
        (Encryption::with_default_key(), "aws:kms"),
        (Encryption::with_s3_keys(), "AES256"),
    ] {
        let given = encryption == Encryption::with_key(key.to_owned());
        store(&account, "costs.html", Some(encryption)).await.write(b"<html>", Some(b"{}")).await.unwrap();
        for name in ["costs.html", "costs.json"] {
            let headers = account.object_headers(REGION, BUCKET, name);
            assert_eq!(headers["x-amz-server-side-encryption"], how, "{name}");
            let id = headers.get("x-amz-server-side-encryption-aws-kms-key-id").map(String::as_str);
            assert_eq!(id, given.then_some(key), "{name}");
        }
    }
}

#[tokio::test]
async fn the_newest_earlier_reports_are_read_from_all_pages() {
    let account = account();
    let put = |key: &str, text: &str| account.put_object(REGION, BUCKET, key, text);
    for day in 1..=40 {
        let day = DAY.saturating_sub(day.days());
        put(&format!("r/{day}.json"), &data("payments", day));
    }
    put("r/2026-11-20.json", &data("payments", DAY));
    put("r/2020-01-01.xlsx", "a workbook");
    put("r/notes.json", "a person's");
    put("r/2026-11-19.json", "{}");
    let earlier = store(&account, "r/{{ date }}.xlsx", None).await.earlier("payments").await.unwrap();
    // Its own, and 36 of which one is damaged.
    assert_eq!((earlier.points.len(), log(&account, "GetObject").len()), (36, 37));
    assert_eq!(log(&account, "ListObjectsV2").len(), 1);
    assert!(!earlier.taken);
    let [remark] = &*earlier.remarks else { panic!("{earlier:?}") };
    assert!(
        remark.starts_with("s3://acme-reports/r/2026-11-19.json is not a cost report in JSON"),
        "{remark}"
    );
    assert_eq!(account.object(REGION, BUCKET, "r/2026-11-19.json").as_deref(), Some("{}"));
}

#[tokio::test]
async fn lists_go_on_to_their_last_page() {
    let account = account();
    for number in 0..1_050 {
        account.put_object(REGION, BUCKET, &format!("r/{number:05}"), "");
    }
    let keys = bucket(&account).await.list("r/").await.unwrap();
    assert_eq!((keys.len(), keys.last().map(String::as_str)), (1_050, Some("r/01049")));
    assert_eq!(log(&account, "ListObjectsV2").len(), 2);
}

#[tokio::test]
async fn what_is_denied_names_the_action() {
    let account = account();
    account.put_object(REGION, BUCKET, "r/2026-11-20.xlsx", "the one before");
    let store = store(&account, "r/{{ date }}.xlsx", None).await;
    let denied = |operation: &str, key: Value| {
        let fault = json!({"operation": operation, "kind": "error", "code": "AccessDenied", "status": 403, "key": key});
        account.faults(json!([fault]));
    };
    denied("ListObjectsV2", Value::Null);
    let earlier = store.earlier("payments").await.unwrap();
    let [remark] = &*earlier.remarks else { panic!("{earlier:?}") };
    assert!(remark.starts_with("earlier reports in s3://acme-reports/r/ cannot be listed"), "{remark}");
    assert!(remark.contains("the caller needs the IAM action s3:ListBucket"), "{remark}");
    // The data of the report that is to be replaced may be all that the trend has.
    denied("GetObject", Value::Null);
    let error = store.earlier("payments").await.unwrap_err();
    let text =
        "cannot read s3://acme-reports/r/2026-11-20.json; S3 says this also of an object that is not there";
    assert!(error.to_string().starts_with(text), "{error}");
    let hint =
        |error: &anyhow::Error| error.downcast_ref::<opsform::aws::AwsError>().unwrap().hint().unwrap();
    assert!(hint(&error).contains("IAM action s3:GetObject"), "{}", hint(&error));
    denied("PutObject", json!("r/2026-11-20.xlsx"));
    let error = store.write(b"new", Some(b"{}")).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot write s3://acme-reports/r/2026-11-20.xlsx");
    assert!(hint(&error).contains("IAM action s3:PutObject"), "{}", hint(&error));
    account.faults(json!([]));
    assert_eq!(account.object(REGION, BUCKET, "r/2026-11-20.xlsx").as_deref(), Some("the one before"));
    assert_eq!(account.object(REGION, BUCKET, "r/2026-11-20.json").as_deref(), Some("{}"));
}

/// A put that S3 fails twice is made again and is whole.
#[tokio::test]
async fn failures_inside_of_s3_are_tried_again() {
    let account = account();
    account.faults(json!([{"operation": "PutObject", "kind": "error", "code": "InternalError", "status": 500, "times": 2}]));
    store(&account, "costs.html", None).await.write(b"<html>", None).await.unwrap();
    assert_eq!(account.object(REGION, BUCKET, "costs.html").as_deref(), Some("<html>"));
    assert_eq!(log(&account, "PutObject").len(), 3);
}
