//! Mails through SES: each once, whatever happens to the call.

use std::collections::BTreeMap;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use opsform::aws::Aws;
use opsform::mail::{Delivery, Message, Outcome, send};
use opsform::manifest::{MailSettings, Mailbox, SourceSet, parse};
use opsform::model::Scope;
use serde_json::{Value, json};

use crate::aws::{Account, Emulator};

const REGION: &str = "eu-west-1";

fn mailbox(text: &str) -> Mailbox {
    Mailbox::parse(text).unwrap()
}

fn message(to: &[&str]) -> Message {
    Message {
        to: to.iter().map(|one| mailbox(one)).collect(),
        cc: Vec::new(),
        subject: "태그 점검: 2건".to_owned(),
        text: "텍스트\n".to_owned(),
        html: "<p>HTML é</p>".to_owned(),
        owner: None,
    }
}

fn settings() -> MailSettings {
    let text = "[project]\nname = 'p'\n[mail]\nfrom = '운영팀 <ops@acme.com>'\nto = ['team@acme.com']\n\
                configuration_set = 'audit'\n";
    let (document, problems) = parse(&SourceSet::new("manifests", [("a.toml", text)]), &[]);
    document.settings.mail.unwrap_or_else(|| panic!("{problems:?}"))
}

/// Sends with an SDK configuration of the account's own: nothing of the environment is changed.
async fn sent(
    account: &Account,
    rates: &[(&str, f64)],
    messages: &[Message],
) -> Result<Vec<Outcome>, String> {
    let credentials = Credentials::new(format!("AKIA{}", account.id()), "not-a-secret", None, None, "test");
    let config = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .credentials_provider(credentials)
        .endpoint_url(account.url())
        .retry_config(RetryConfig::disabled())
        .load()
        .await;
    let rates = rates.iter().map(|(name, rate)| ((*name).to_owned(), *rate)).collect();
    let aws = Aws::new(BTreeMap::from([(account.id().to_owned(), config)]), rates);
    let scope = Scope::new(account.id(), REGION);
    send(&aws, &scope, &settings(), messages).await.map_err(|error| error.to_string())
}

fn kinds(outcomes: &[Outcome]) -> Vec<&'static str> {
    let kind = |outcome: &Outcome| match outcome.delivery {
        Delivery::Sent { .. } => "sent",
        Delivery::NotSent(_) => "not sent",
        Delivery::Unknown(_) => "unknown",
        Delivery::NotBegun => "not begun",
    };
    outcomes.iter().map(kind).collect()
}

#[tokio::test]
async fn a_mail_arrives_as_it_was_composed() {
    let account = Emulator::shared().account();
    let mut mail = message(&["Kim Min-su <kim@acme.com>", "lee@acme.com"]);
    mail.cc = vec![mailbox("boss@acme.com")];
    let outcomes = sent(&account, &[], &[mail.clone()]).await.unwrap();
    assert_eq!(kinds(&outcomes), ["sent"]);
    assert_eq!(outcomes[0].words(), "sent to kim@acme.com, lee@acme.com, boss@acme.com");
    let mails = account.mails();
    assert_eq!(mails.len(), 1);
    let got = |field: &str| mails[0][field].clone();
    assert_eq!(got("region"), REGION);
    assert_eq!(got("from"), "=?UTF-8?B?7Jq07JiB7YyA?= <ops@acme.com>");
    assert_eq!(got("to"), json!(["\"Kim Min-su\" <kim@acme.com>", "lee@acme.com"]));
    assert_eq!(got("cc"), json!(["boss@acme.com"]));
    assert_eq!(
        (got("subject"), got("text"), got("html")),
        (json!(mail.subject), json!(mail.text), json!(mail.html))
    );
    assert_eq!(got("configuration_set"), "audit");
}

#[tokio::test]
async fn what_may_have_been_sent_is_not_sent_again() {
    let account = Emulator::shared().account();
    account.faults(json!([
        {"operation": "SendEmail", "kind": "drop_after", "key": "kim@acme.com"},
        {"operation": "SendEmail", "kind": "error", "code": "InternalFailure", "status": 500, "key": "lee@acme.com"},
        {"operation": "SendEmail", "kind": "truncate", "key": "park@acme.com"},
    ]));
    let to = ["kim@acme.com", "lee@acme.com", "park@acme.com", "choi@acme.com"];
    let messages: Vec<Message> = to.iter().map(|one| message(&[one])).collect();
    let outcomes = sent(&account, &[], &messages).await.unwrap();
    assert_eq!(kinds(&outcomes), ["unknown", "unknown", "unknown", "sent"]);
    assert!(outcomes[0].words().starts_with("not known whether it was sent to kim@acme.com: "));
    assert!(outcomes[0].hint().unwrap().contains("ask the recipients"));
    assert_eq!(account.count("ses:SendEmail"), 4);
    let arrived: Vec<Value> = account.mails().iter().map(|mail| mail["to"][0].clone()).collect();
    assert_eq!(arrived.len(), 3, "{arrived:?}");
}

#[tokio::test]
async fn what_was_throttled_is_sent_again_and_once() {
    let account = Emulator::shared().account();
    account.faults(json!([{
        "operation": "SendEmail", "kind": "error", "code": "TooManyRequestsException", "status": 429,
        "message": "Maximum sending rate exceeded.", "times": 2,
    }]));
    let messages = [message(&["kim@acme.com"]), message(&["lee@acme.com"])];
    let outcomes = sent(&account, &[], &messages).await.unwrap();
    assert_eq!(kinds(&outcomes), ["sent", "sent"]);
    assert_eq!((account.count("ses:SendEmail"), account.mails().len()), (4, 2));
}

#[tokio::test]
async fn the_pace_is_the_accounts_own_in_recipients() {
    let account = Emulator::shared().account();
    account.options(json!({"mail": {"rate": 20, "daily": 100}}));
    let twenty: Vec<String> = (0..20).map(|n| format!("p{n}@acme.com")).collect();
    let twenty: Vec<&str> = twenty.iter().map(String::as_str).collect();
    let started = std::time::Instant::now();
    let outcomes =
        sent(&account, &[], &[message(&twenty), message(&twenty), message(&["kim@acme.com"])]).await.unwrap();
    assert_eq!(kinds(&outcomes), ["sent", "sent", "sent"]);
    assert!(started.elapsed().as_secs_f64() > 0.9, "{:?}", started.elapsed());
    assert_eq!(account.count("ses:SendEmail"), 3, "none was throttled");
}

#[tokio::test]
async fn the_daily_quota_is_not_overrun() {
    let account = Emulator::shared().account();
    account.options(json!({"mail": {"daily": 3}}));
    let messages = [
        message(&["a@acme.com", "b@acme.com"]),
        message(&["c@acme.com", "d@acme.com"]),
        message(&["e@acme.com"]),
    ];
    let outcomes = sent(&account, &[], &messages).await.unwrap();
    assert_eq!(kinds(&outcomes), ["sent", "not sent", "sent"]);
    assert!(outcomes[1].words().contains("may send to 3 recipients in 24 hours"), "{}", outcomes[1].words());
    assert_eq!(account.count("ses:SendEmail"), 2);
}

#[tokio::test]
async fn refusals_name_what_is_missing_and_others_go_on() {
    let account = Emulator::shared().account();
    account.options(json!({"mail": {"sandbox": true, "verified": ["acme.com"], "rate": 50}}));
    let messages = [message(&["kim@elsewhere.com"]), message(&["kim@acme.com"])];
    let outcomes = sent(&account, &[], &messages).await.unwrap();
    assert_eq!(kinds(&outcomes), ["not sent", "sent"]);
    assert!(outcomes[0].words().contains("MessageRejected"), "{}", outcomes[0].words());

    account.faults(json!([{"operation": "SendEmail", "kind": "denied"}]));
    let outcomes = sent(&account, &[("SendEmail", 40.0)], &messages[1..]).await.unwrap();
    assert_eq!(kinds(&outcomes), ["not sent"]);
    assert!(outcomes[0].hint().unwrap().contains("ses:SendEmail"));

    account.faults(json!([{"operation": "GetAccount", "kind": "denied"}]));
    let error = sent(&account, &[], &messages).await.unwrap_err();
    assert!(error.contains("SES GetAccount in eu-west-1: not allowed"), "{error}");
    assert_eq!(account.mails().len(), 1);
}
