//! Sending through Amazon SES, each mail once.

use std::sync::OnceLock;

use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message as SesMessage};
use aws_smithy_types::base64;
use futures::StreamExt;

use super::Message;
use super::outcome::{Delivery, Outcome};
use crate::aws::{Aws, AwsError, ErrorClass, OnceError, Operation, Rate, Throttle};
use crate::manifest::{MailSettings, Mailbox};
use crate::model::Scope;

/// Mails on their way at the same time. The account's rate is the limit; these keep up with it however slow SES answers.
const AT_ONCE: usize = 8;

/// The part of the account's rate that is used. Calls take different times to arrive, and a throttled one costs more.
const PACE: f64 = 0.95;

/// The part of a MIME encoded word that is text: 45 bytes make 60 characters of base64, and a word has at most 75
/// (RFC 2047, 2).
const ENCODED_BYTES: usize = 45;

/// Sends mails, the first ones first, and says of each what became of it, in their order.
///
/// The pace is the account's own: its maximum rate, counted in recipients ("Service quotas" in the SES developer guide), or
/// `[aws.rates] SendEmail` where that is slower. What the rest of the 24-hour quota has no room for is not sent. After
/// [`Aws::stop`] no mail is begun, and those on their way are awaited.
///
/// # Errors
/// Where SES does not tell the account's limits. Nothing was sent then.
pub async fn send(
    aws: &Aws,
    scope: &Scope,
    settings: &MailSettings,
    messages: &[Message],
) -> Result<Vec<Outcome>, AwsError> {
    let ses = aws.ses(scope);
    let limits = limits(aws, scope, &ses).await?;
    let throttle = Throttle::new(limits.rate);
    let sender = Sender { aws, scope, ses, throttle, settings, exhausted: OnceLock::new() };
    let mut left = limits.left_today;
    let planned: Vec<(&Message, bool)> = messages
        .iter()
        .map(|message| {
            let count = recipients_of(message);
            let fits = left.is_none_or(|left| left >= count);
            if fits {
                left = left.map(|left| left - count);
            }
            (message, fits)
        })
        .collect();
    let deliveries = planned.into_iter().map(|(message, fits)| sender.deliver(message, fits, limits.a_day));
    let deliveries: Vec<Delivery> = futures::stream::iter(deliveries).buffered(AT_ONCE).collect().await;
    let outcomes = messages.iter().zip(deliveries).map(|(message, delivery)| Outcome {
        subject: message.subject.clone(),
        recipients: message.recipients().map(str::to_owned).collect(),
        delivery,
    });
    Ok(outcomes.collect())
}

/// What SES allows the account.
struct Limits {
    rate: Rate,
    /// Recipients in 24 hours; 0 for no limit.
    a_day: f64,
    /// Recipients that are left of it; `None` for no limit.
    left_today: Option<f64>,
}

async fn limits(aws: &Aws, scope: &Scope, ses: &aws_sdk_sesv2::Client) -> Result<Limits, AwsError> {
    let answer = aws.call(scope, Operation::GET_MAIL_ACCOUNT, || ses.get_account().send()).await?;
    let quota = answer.send_quota();
    let allowed = quota.map(aws_sdk_sesv2::types::SendQuota::max_send_rate).filter(|rate| *rate > 0.0);
    let allowed = allowed.unwrap_or(Operation::SEND_EMAIL.rate.per_second);
    let per_second = aws.rate_by_hand(Operation::SEND_EMAIL).map_or(allowed, |rate| rate.min(allowed)) * PACE;
    // "A value of -1 signifies an unlimited quota" ("SendQuota" in the SES API v2 reference).
    let a_day = quota.map_or(0.0, aws_sdk_sesv2::types::SendQuota::max24_hour_send).max(0.0);
    let left = quota.filter(|_| a_day > 0.0).map(|quota| (a_day - quota.sent_last24_hours()).max(0.0));
    Ok(Limits { rate: Rate { per_second, burst: per_second }, a_day, left_today: left })
}

#[allow(clippy::cast_precision_loss)] // At most 50.
fn recipients_of(message: &Message) -> f64 {
    message.recipients().count() as f64
}

struct Sender<'a> {
    aws: &'a Aws,
    scope: &'a Scope,
    ses: aws_sdk_sesv2::Client,
    throttle: Throttle,
    settings: &'a MailSettings,
    /// Why one mail was given up after all the tries that throttling allows. Others would take as long to fail.
    exhausted: OnceLock<AwsError>,
}

impl Sender<'_> {
    async fn deliver(&self, message: &Message, fits: bool, a_day: f64) -> Delivery {
        if !fits {
            return Delivery::NotSent(self.over_quota(a_day));
        }
        if let Some(error) = self.exhausted.get() {
            return Delivery::NotSent(error.clone());
        }
        let content = content(message);
        let weight = (&self.throttle, message.recipients().count());
        let answer = self
            .aws
            .call_once(self.scope, Operation::SEND_EMAIL, weight, || {
                self.ses
                    .send_email()
                    .from_email_address(header(&self.settings.from))
                    .destination(destination(message))
                    .content(content.clone())
                    .set_configuration_set_name(self.settings.configuration_set.clone())
                    .send()
            })
            .await;
        match answer {
            Ok(answer) => Delivery::Sent { id: answer.message_id().unwrap_or_default().to_owned() },
            Err(OnceError::NotDone(error)) if error.class == ErrorClass::Stopped => Delivery::NotBegun,
            Err(OnceError::NotDone(error)) => {
                if error.class == ErrorClass::Throttled {
                    self.exhausted.get_or_init(|| error.clone());
                }
                Delivery::NotSent(error)
            }
            Err(OnceError::Unknown(error)) => Delivery::Unknown(error),
        }
    }

    fn over_quota(&self, a_day: f64) -> AwsError {
        AwsError {
            operation: Operation::SEND_EMAIL,
            scope: self.scope.clone(),
            class: ErrorClass::Other,
            code: "daily quota".to_owned(),
            message: format!(
                "the account may send to {a_day:.0} recipients in 24 hours, and they are used up"
            ),
            request_id: None,
            half_done: false,
        }
    }
}

fn destination(message: &Message) -> Destination {
    let headers = |list: &[Mailbox]| list.iter().map(header).collect::<Vec<_>>();
    Destination::builder()
        .set_to_addresses(Some(headers(&message.to)))
        .set_cc_addresses((!message.cc.is_empty()).then(|| headers(&message.cc)))
        .build()
}

fn content(message: &Message) -> EmailContent {
    let text = |data: &str| {
        Content::builder().data(data).charset("UTF-8").build().expect("its one required field is set")
    };
    let body = Body::builder().text(text(&message.text)).html(text(&message.html)).build();
    let simple = SesMessage::builder().subject(text(&message.subject)).body(body).build();
    EmailContent::builder().simple(simple).build()
}

/// A mailbox as a header writes it: headers are ASCII, and a name in another script is a row of encoded words (RFC 2047).
/// Subjects and bodies go with their character set, and SES encodes them.
fn header(mailbox: &Mailbox) -> String {
    let Some(name) = &mailbox.name else { return mailbox.address.clone() };
    let address = &mailbox.address;
    if name.is_ascii() {
        let name = name.replace('\\', "\\\\").replace('"', "\\\"");
        return format!("\"{name}\" <{address}>");
    }
    let mut words = vec![String::new()];
    for c in name.chars() {
        match words.last_mut() {
            Some(last) if last.len() + c.len_utf8() <= ENCODED_BYTES => last.push(c),
            _ => words.push(c.to_string()),
        }
    }
    let words: Vec<String> =
        words.iter().map(|word| format!("=?UTF-8?B?{}?=", base64::encode(word))).collect();
    format!("{} <{address}>", words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_or_encoded() {
        let header = |text: &str| header(&Mailbox::parse(text).unwrap());
        assert_eq!(header("ops@acme.com"), "ops@acme.com");
        assert_eq!(header("Ops, \"the\" team <ops@acme.com>"), "\"Ops, \\\"the\\\" team\" <ops@acme.com>");
        assert_eq!(header("운영팀 <ops@acme.com>"), "=?UTF-8?B?7Jq07JiB7YyA?= <ops@acme.com>");
        let long = header(&format!("{} <ops@acme.com>", "운영".repeat(20)));
        assert!(long.split(' ').all(|word| word.len() <= 75), "{long}");
    }
}
