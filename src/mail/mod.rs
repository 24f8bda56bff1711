//! The mails of an audit: one for the team with everything, one for each owner with theirs.
//!
//! Composing is pure. Values from AWS are nobody's friends: HTML is escaped by the template engine, and no value brings a
//! line break, a control character or more than a line's length with it.
//!
//! Architecture invariant: no call to send a mail is repeated that may have sent it. SES has no idempotency key, so a call whose
//! answer was lost is told and not repeated; what AWS throttled was not sent and is.

mod check;
mod compose;
mod files;
mod outcome;
mod owners;
mod send;
mod templates;
mod view;
mod words;

#[cfg(test)]
mod compose_tests;
#[cfg(test)]
mod fixtures;

use crate::manifest::Mailbox;

pub use check::check_templates;
pub use compose::compose;
pub use files::{FilesError, write_messages};
pub use outcome::{Delivery, Outcome, Told, told};
pub use send::send;
pub use templates::Templates;

/// A mail, ready to be sent or looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who it is for; at least one.
    pub to: Vec<Mailbox>,
    /// Who gets a copy.
    pub cc: Vec<Mailbox>,
    /// One line.
    pub subject: String,
    /// The text part.
    pub text: String,
    /// The HTML part.
    pub html: String,
    /// Whose resources it is about; `None` for the team's mail with everything.
    pub owner: Option<String>,
}

impl Message {
    /// The addresses that it goes to.
    pub fn recipients(&self) -> impl Iterator<Item = &str> {
        self.to.iter().chain(&self.cc).map(|mailbox| mailbox.address.as_str())
    }
}
