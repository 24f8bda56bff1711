//! What became of mails, and how it is told.

use crate::aws::{AwsError, ErrorClass};

/// Recipients that a message about mails that surely did not go names.
const NAMED: usize = 20;

/// What became of one mail.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The mail's subject.
    pub subject: String,
    /// The addresses that it was for.
    pub recipients: Vec<String>,
    /// Whether it went.
    pub delivery: Delivery,
}

/// Whether a mail went.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// SES took it.
    Sent {
        /// SES's id of it.
        id: String,
    },
    /// SES did not take it.
    NotSent(AwsError),
    /// There was no answer, or none that tells. It may have gone, so it was not sent again.
    Unknown(AwsError),
    /// The run was stopped before it was sent.
    NotBegun,
}

impl Outcome {
    /// Whether it surely went.
    pub fn is_sent(&self) -> bool {
        matches!(self.delivery, Delivery::Sent { .. })
    }

    /// One line for a person.
    pub fn words(&self) -> String {
        let to: Vec<&str> = self.recipients.iter().map(String::as_str).collect();
        self.words_to(&to)
    }

    /// The same for these recipients; they are many where mails have one fate.
    fn words_to(&self, recipients: &[&str]) -> String {
        match &self.delivery {
            Delivery::Sent { .. } => format!("sent to {}", recipients.join(", ")),
            Delivery::NotSent(error) => format!("not sent to {}: {error}", some_of(recipients)),
            Delivery::Unknown(error) => {
                format!("not known whether it was sent to {}: {error}", recipients.join(", "))
            }
            Delivery::NotBegun => format!("not begun: {}", recipients.join(", ")),
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match &self.delivery {
            Delivery::Sent { .. } | Delivery::NotBegun => None,
            Delivery::NotSent(error) if is_unverified(error) => Some(format!(
                "verify `from` of [mail], its address or its domain, in SES in {}; while the account is in SES's sandbox, \
                 recipients need it too",
                error.scope.region
            )),
            Delivery::NotSent(error) => error.hint(),
            Delivery::Unknown(_) => Some(
                "ask the recipients or look at SES's sending statistics; opsform does not send a mail again that \
                 may have gone"
                    .to_owned(),
            ),
        }
    }

    /// What makes two failures one: their kind and AWS's words, without the recipients that these name.
    fn reason(&self) -> (u8, String) {
        let (kind, error) = match &self.delivery {
            Delivery::Sent { .. } => return (0, String::new()),
            Delivery::Unknown(error) => (1, error),
            Delivery::NotSent(error) => (2, error),
            Delivery::NotBegun => return (3, String::new()),
        };
        let message = self.recipients.iter().fold(error.message.clone(), |text, to| text.replace(to, ""));
        (kind, format!("{} {message}", error.code))
    }
}

/// Mails with one fate, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// A sentence with the recipients.
    pub words: String,
    /// What the user can do about it.
    pub hint: Option<String>,
}

/// What became of these mails: equal fates together, in the order of their first ones.
pub fn told<'a>(outcomes: impl IntoIterator<Item = &'a Outcome>) -> Vec<Told> {
    let mut groups: Vec<(&Outcome, Vec<&str>)> = Vec::new();
    for outcome in outcomes {
        let recipients = outcome.recipients.iter().map(String::as_str);
        match groups.iter_mut().find(|(first, _)| first.reason() == outcome.reason()) {
            Some((_, known)) => known.extend(recipients),
            None => groups.push((outcome, recipients.collect())),
        }
    }
    let told = |(first, to): (&Outcome, Vec<&str>)| Told { words: first.words_to(&to), hint: first.hint() };
    groups.into_iter().map(told).collect()
}

fn some_of(recipients: &[&str]) -> String {
    match recipients.len().saturating_sub(NAMED) {
        0 => recipients.join(", "),
        1 => format!("{} and 1 other", recipients[..NAMED].join(", ")),
        more => format!("{} and {more} others", recipients[..NAMED].join(", ")),
    }
}

/// "Email address is not verified" is a `MessageRejected` ("Errors" of `SendEmail` in the SES API v2 reference).
fn is_unverified(error: &AwsError) -> bool {
    error.class == ErrorClass::Other
        && (error.code == "MailFromDomainNotVerifiedException" || error.message.contains("not verified"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::Operation;
    use crate::model::Scope;

    fn outcome(to: &str, delivery: Delivery) -> Outcome {
        Outcome { subject: "s".to_owned(), recipients: vec![to.to_owned()], delivery }
    }

    fn refused(message: &str) -> AwsError {
        AwsError {
            operation: Operation::SEND_EMAIL,
            scope: Scope::new("111122223333", "eu-west-1"),
            class: ErrorClass::Other,
            code: "MessageRejected".to_owned(),
            message: message.to_owned(),
            request_id: None,
            half_done: false,
        }
    }

    #[test]
    fn equal_fates_are_told_once() {
        let unverified =
            |who: &str| Delivery::NotSent(refused(&format!("Email address is not verified: {who}")));
        let outcomes = [
            outcome("a@acme.com", unverified("a@acme.com")),
            outcome("b@acme.com", unverified("b@acme.com")),
            outcome("c@acme.com", Delivery::NotSent(refused("paused"))),
            outcome("d@acme.com", Delivery::NotBegun),
            outcome("e@acme.com", Delivery::NotBegun),
        ];
        let told = told(&outcomes);
        let words: Vec<&str> = told.iter().map(|one| one.words.as_str()).collect();
        assert_eq!(words.len(), 3, "{words:?}");
        assert!(words[0].starts_with("not sent to a@acme.com, b@acme.com: SES SendEmail in eu-west-1: "));
        assert!(told[0].hint.as_ref().unwrap().contains("verify `from` of [mail]"));
        assert_eq!(told[1].hint, None);
        assert_eq!(words[2], "not begun: d@acme.com, e@acme.com");
    }

    #[test]
    fn many_that_failed_alike_are_counted_and_who_may_have_a_mail_is_named() {
        let many = |delivery: &Delivery| -> Vec<Outcome> {
            (0..30).map(|n| outcome(&format!("p{n}@acme.com"), delivery.clone())).collect()
        };
        let failed = &told(&many(&Delivery::NotSent(refused("paused"))))[0];
        assert!(failed.words.contains("p19@acme.com and 10 others: "), "{}", failed.words);
        let unknown = &told(&many(&Delivery::Unknown(refused("lost"))))[0];
        assert!(unknown.words.contains("p29@acme.com: "), "{}", unknown.words);
    }
}
