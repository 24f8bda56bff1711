//! Addresses of mail.

use std::fmt;

use super::reader::{FromValue, Reading};
use super::value::Value;
use crate::model::Diagnostic;

/// "The maximum total length of a user name or other local-part is 64 octets" (RFC 5321, 4.5.3.1.1).
const LOCAL_LENGTH: usize = 64;
/// A path has at most 256 octets, two of which are its brackets (RFC 5321, 4.5.3.1.3).
const ADDRESS_LENGTH: usize = 254;
/// A name's label (RFC 1035, 2.3.4).
const LABEL_LENGTH: usize = 63;
/// A name on a mail is no place for more.
const NAME_LENGTH: usize = 100;

/// An address and, where that is said, whose it is: `ops@acme.com`, `Ops <ops@acme.com>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mailbox {
    /// The address, its domain in lower case. What is before the `@` is its domain's matter and stays as it is.
    pub address: String,
    /// The name that mail programs show.
    pub name: Option<String>,
}

impl Mailbox {
    /// Reads an address with or without a name.
    ///
    /// Only plain ASCII addresses are taken: "Amazon SES does not support the SMTPUTF8 extension" (`Destination` in the
    /// SES API v2 reference). Quotes and comments, which the standard allows, are taken for mistakes.
    ///
    /// # Errors
    /// What is wrong with it, as the rest of a sentence about it: `has no @`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (name, address) = match text.strip_suffix('>').and_then(|rest| rest.rsplit_once('<')) {
            Some((name, address)) => (name.trim(), address.trim()),
            None => ("", text),
        };
        let name = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name);
        if name.chars().any(char::is_control) {
            return Err("has a control character in its name".to_owned());
        }
        if name.chars().count() > NAME_LENGTH {
            return Err(format!("has a name of more than {NAME_LENGTH} characters"));
        }
        let address = normal_address(address)?;
        Ok(Self { address, name: (!name.is_empty()).then(|| name.to_owned()) })
    }

    /// What is behind the `@`, in lower case.
    pub fn domain(&self) -> &str {
        self.address.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} <{}>", self.address),
            None => f.write_str(&self.address),
        }
    }
}

impl FromValue for Mailbox {
    fn expected() -> String {
        "an address such as \"ops@acme.com\"".to_owned()
    }

    fn from_value(value: &Value, reading: &mut Reading<'_>) -> Option<Self> {
        let Some(text) = value.as_str() else {
            reading.unexpected(value, &<Self as FromValue>::expected());
            return None;
        };
        Self::parse(text)
            .map_err(|fault| {
                reading.problem(
                    Diagnostic::error(format!("`{}`: {text:?} {fault}", reading.field))
                        .at(value.place.clone())
                        .hint("write `ops@acme.com` or `Ops <ops@acme.com>`"),
                );
            })
            .ok()
    }
}

fn normal_address(address: &str) -> Result<String, String> {
    if address.is_empty() {
        return Err("has no address".to_owned());
    }
    let Some((local, domain)) = address.rsplit_once('@') else { return Err("has no @".to_owned()) };
    if let Some(c) = address.chars().find(|c| !c.is_ascii()) {
        return Err(format!("cannot hold {c:?}: SES takes ASCII only, and domains in Punycode"));
    }
    // The characters of an atom (RFC 5322, 3.2.3).
    let atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    if let Some(c) = local.chars().find(|c| !atom(*c)) {
        return Err(format!("cannot hold {c:?} before its @"));
    }
    if local.is_empty() || local.starts_with('.') || local.ends_with('.') || local.contains("..") {
        return Err("has dots or nothing where a name should be before its @".to_owned());
    }
    if local.len() > LOCAL_LENGTH || address.len() > ADDRESS_LENGTH {
        return Err("is too long for an address".to_owned());
    }
    if !is_mail_domain(domain) {
        return Err("has no good domain after its @".to_owned());
    }
    Ok(format!("{local}@{}", domain.to_ascii_lowercase()))
}

/// Whether mail can go to a domain of this name: `acme.com`, not `localhost` and not `10.0.0.1`.
pub fn is_mail_domain(text: &str) -> bool {
    let label = |label: &str| {
        (1..=LABEL_LENGTH).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = text.rsplit_once('.').map_or("", |(_, last)| last);
    text.split('.').all(label) && last.bytes().any(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_one_spelling() {
        for (text, address, name) in [
            ("ops@acme.com", "ops@acme.com", None),
            (" Ops@ACME.Com ", "Ops@acme.com", None),
            ("Kim Min-su <kim@acme.co.kr>", "kim@acme.co.kr", Some("Kim Min-su")),
            ("\"Kim, Min-su\" <kim+aws@acme.com>", "kim+aws@acme.com", Some("Kim, Min-su")),
            ("운영팀 <ops@acme.com>", "ops@acme.com", Some("운영팀")),
            ("<ops@acme.com>", "ops@acme.com", None),
        ] {
            let read = Mailbox::parse(text).unwrap();
            assert_eq!((read.address.as_str(), read.name.as_deref()), (address, name), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_its_fault() {
        for (text, fault) in [
            ("", "has no address"),
            ("kim", "has no @"),
            ("kim@", "has no good domain after its @"),
            ("kim@localhost", "has no good domain after its @"),
            ("kim@10.0.0.1", "has no good domain after its @"),
            ("kim@-acme.com", "has no good domain after its @"),
            ("kim@acme..com", "has no good domain after its @"),
            ("@acme.com", "has dots or nothing where a name should be before its @"),
            (".kim@acme.com", "has dots or nothing where a name should be before its @"),
            ("a b@acme.com", "cannot hold ' ' before its @"),
            ("a@b@acme.com", "cannot hold '@' before its @"),
            ("김@acme.com", "cannot hold '김': SES takes ASCII only, and domains in Punycode"),
            ("kim@acme.com\r\nBcc: x@evil.com", "cannot hold '@' before its @"),
            ("a\nb <kim@acme.com>", "has a control character in its name"),
        ] {
            let found = Mailbox::parse(text).unwrap_err();
            assert_eq!(found, fault, "{text}");
        }
    }
}
