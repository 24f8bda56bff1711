//! From the value of an owner tag to addresses.

use crate::manifest::Mailbox;

/// What an owner tag's value names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    /// Addresses, each once, in their order.
    pub(super) addresses: Vec<String>,
    /// What is no address, as it is written.
    pub(super) unusable: Vec<String>,
}

/// The addresses in a value: several with `,`, `;` or blanks between them, `Kim <kim@acme.com>`, and bare user names where
/// there is a `domain` for them.
///
/// User names are in lower case: the words of `Platform Team` or `John Smith` would make addresses of other people.
pub(super) fn addresses(value: &str, domain: Option<&str>) -> Named {
    let mut named = Named::default();
    for part in parts(value) {
        let address = match domain {
            Some(domain) if is_user_name(&part) => format!("{part}@{domain}"),
            _ => part.clone(),
        };
        match Mailbox::parse(&address) {
            Ok(mailbox) if named.addresses.contains(&mailbox.address) => {}
            Ok(mailbox) => named.addresses.push(mailbox.address),
            Err(_) => named.unusable.push(part),
        }
    }
    named
}

fn is_user_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte))
}

/// The single addresses and names. The words before `<…>` are a name and not an address, unless they have an `@`.
fn parts(value: &str) -> Vec<String> {
    let mut parts = Vec::new();
    for segment in segments(value) {
        let (before, bracketed) = match segment.split_once('<') {
            Some((before, rest)) => match rest.split_once('>') {
                Some((address, after)) => {
                    (format!("{before} {after}"), Some(format!("<{}>", address.trim())))
                }
                None => (segment.replace('<', " "), None),
            },
            None => (segment.clone(), None),
        };
        let words = before.split_whitespace().map(str::to_owned);
        match bracketed {
            Some(address) => {
                parts.extend(words.filter(|word| word.contains('@')));
                parts.push(address);
            }
            None => parts.extend(words),
        }
    }
    parts.retain(|part| part != "<>");
    parts
}

/// What stands between `,` and `;`, and after each `>`; what is in quotes is a person's name and is left out.
fn segments(value: &str) -> Vec<String> {
    let mut segments = vec![String::new()];
    let mut in_quotes = false;
    let quotes_are_closed = value.matches('"').count().is_multiple_of(2);
    for c in value.chars() {
        match c {
            '"' if quotes_are_closed => in_quotes = !in_quotes,
            _ if in_quotes => {}
            ',' | ';' => segments.push(String::new()),
            c => {
                if let Some(last) = segments.last_mut() {
                    last.push(c);
                }
                if c == '>' {
                    segments.push(String::new());
                }
            }
        }
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> (Vec<String>, Vec<String>) {
        let named = addresses(value, Some("acme.com"));
        (named.addresses, named.unusable)
    }

    fn good(value: &str, expected: &[&str]) {
        assert_eq!(read(value), (expected.iter().map(|one| (*one).to_owned()).collect(), vec![]), "{value}");
    }

    #[test]
    fn all_usual_ways_to_write_owners_are_read() {
        good("kim@acme.com", &["kim@acme.com"]);
        good("kim", &["kim@acme.com"]);
        good("kim, lee;park  choi@b.com", &["kim@acme.com", "lee@acme.com", "park@acme.com", "choi@b.com"]);
        good("Kim <kim@acme.com>", &["kim@acme.com"]);
        good("Kim Min-su <kim@acme.com> Lee <lee@acme.com>", &["kim@acme.com", "lee@acme.com"]);
        good("\"Kim, Min-su\" <kim@acme.com>; lee@acme.com", &["kim@acme.com", "lee@acme.com"]);
        good("lee@acme.com Kim <kim@acme.com>", &["lee@acme.com", "kim@acme.com"]);
        good("kim@ACME.com,kim@acme.com", &["kim@acme.com"]);
        good(" ;, ", &[]);
    }

    #[test]
    fn what_is_no_address_is_named() {
        let unusable = |value: &str| read(value).1;
        assert_eq!(unusable("운영팀"), ["운영팀"]);
        assert_eq!(unusable("kim@acme"), ["kim@acme"]);
        assert_eq!(unusable("mailto:kim@acme.com"), ["mailto:kim@acme.com"]);
        assert_eq!(unusable("<script>alert(1)</script>"), ["<script>", "</script>"]);
        assert_eq!(unusable("John Smith"), ["John", "Smith"]);
        assert_eq!(read("kim@acme.com, ???"), (vec!["kim@acme.com".to_owned()], vec!["???".to_owned()]));
        let without_domain = addresses("kim lee@acme.com", None);
        assert_eq!(without_domain.addresses, ["lee@acme.com"]);
        assert_eq!(without_domain.unusable, ["kim"]);
    }
}
