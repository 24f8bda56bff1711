//! From the value of an owner tag to addresses.

use std::collections::BTreeSet;

use crate::manifest::Mailbox;

/// Addresses of one tag that are used. Whoever may tag a resource says where mails go, and a list of people is an address of
/// its own.
const MOST_ADDRESSES: usize = 5;

/// Words that stand for no one person and would still make an address.
const NOBODY: [&str; 20] = [
    "all",
    "any",
    "anyone",
    "company",
    "everybody",
    "everyone",
    "everything",
    "n-a",
    "na",
    "nil",
    "no",
    "no-one",
    "nobody",
    "none",
    "null",
    "tbd",
    "todo",
    "unassigned",
    "undefined",
    "unknown",
];

/// What an owner tag's value names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    /// Addresses, each once, in their order.
    pub(super) addresses: Vec<String>,
    /// What no mail goes to, as it is written.
    pub(super) unusable: Vec<String>,
}

/// The addresses in a value: several with `,`, `;` or blanks between them, `Kim <kim@acme.com>`, and bare user names where
/// there is a `domain` for them. They are in one of the `allowed` domains, and no more than five.
///
/// User names are in lower case and stand alone: the words of `Platform Team` or `ask john` would make addresses of other
/// people. A value with a control character was not written by a person and is no address at all.
pub(super) fn addresses(value: &str, domain: Option<&str>, allowed: &BTreeSet<String>) -> Named {
    let mut named = Named::default();
    if value.trim().contains(char::is_control) {
        named.unusable.push(value.trim().to_owned());
        return named;
    }
    for part in segments(value).iter().flat_map(parts) {
        let address = match (&part, domain) {
            (Part::Alone(word), Some(domain)) if is_user_name(word) => format!("{word}@{domain}"),
            (Part::Alone(text) | Part::Among(text), _) => text.clone(),
        };
        match Mailbox::parse(&address) {
            Ok(mailbox) if named.addresses.contains(&mailbox.address) => {}
            Ok(mailbox) if allowed.contains(mailbox.domain()) && named.addresses.len() < MOST_ADDRESSES => {
                named.addresses.push(mailbox.address);
            }
            _ => named.unusable.push(part.text()),
        }
    }
    named
}

fn is_user_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte))
        && !NOBODY.contains(&text)
}

/// What may be an address.
enum Part {
    /// It is all that stands there.
    Alone(String),
    /// It stands among other words, which are not user names.
    Among(String),
}

impl Part {
    fn text(self) -> String {
        match self {
            Self::Alone(text) | Self::Among(text) => text,
        }
    }
}

/// A piece of a value.
#[derive(Default)]
struct Segment {
    text: String,
    /// Whether it begins right behind a `>`.
    goes_on: bool,
}

/// The single addresses and names. The words before `<…>` are a name and not an address, unless they have an `@`.
fn parts(segment: &Segment) -> Vec<Part> {
    let bracketed = segment.text.split_once('<').and_then(|(before, rest)| {
        let (address, after) = rest.split_once('>')?;
        Some((format!("{before} {after}"), address.trim()))
    });
    let Some((around, address)) = bracketed else {
        let text = segment.text.replace('<', " ");
        let words: Vec<&str> = text.split_whitespace().collect();
        return match *words {
            [word] if !segment.goes_on => vec![Part::Alone(word.to_owned())],
            _ => words.into_iter().map(|word| Part::Among(word.to_owned())).collect(),
        };
    };
    let others = around.split_whitespace().filter(|word| word.contains('@'));
    let mut parts: Vec<Part> = others.map(|word| Part::Among(word.to_owned())).collect();
    if !address.is_empty() {
        parts.push(Part::Among(format!("<{address}>")));
    }
    parts
}

/// What stands between `,` and `;`, and after each `>`; what is in quotes is a person's name and is left out.
fn segments(value: &str) -> Vec<Segment> {
    let mut segments = vec![Segment::default()];
    let mut in_quotes = false;
    let quotes_are_closed = value.matches('"').count().is_multiple_of(2);
    for c in value.chars() {
        match c {
            '"' if quotes_are_closed => in_quotes = !in_quotes,
            _ if in_quotes => {}
            ',' | ';' => segments.push(Segment::default()),
            c => {
                if let Some(last) = segments.last_mut() {
                    last.text.push(c);
                }
                if c == '>' {
                    segments.push(Segment { text: String::new(), goes_on: true });
                }
            }
        }
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed() -> BTreeSet<String> {
        BTreeSet::from(["acme.com".to_owned(), "b.com".to_owned()])
    }

    fn read(value: &str) -> (Vec<String>, Vec<String>) {
        let named = addresses(value, Some("acme.com"), &allowed());
        (named.addresses, named.unusable)
    }

    fn good(value: &str, expected: &[&str]) {
        assert_eq!(read(value), (expected.iter().map(|one| (*one).to_owned()).collect(), vec![]), "{value}");
    }

    #[test]
    fn all_usual_ways_to_write_owners_are_read() {
        good("kim@acme.com", &["kim@acme.com"]);
        good("kim", &["kim@acme.com"]);
        good(
            "kim, lee; choi@b.com park@acme.com",
            &["kim@acme.com", "lee@acme.com", "choi@b.com", "park@acme.com"],
        );
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
        let without_domain = addresses("kim, lee@acme.com", None, &allowed());
        assert_eq!(without_domain.addresses, ["lee@acme.com"]);
        assert_eq!(without_domain.unusable, ["kim"]);
    }

    #[test]
    fn mails_go_to_allowed_domains_only() {
        assert_eq!(
            read("kim@acme.com, x@evil.com, y@sub.acme.com, z@ACME.COM"),
            (strings(&["kim@acme.com", "z@acme.com"]), strings(&["x@evil.com", "y@sub.acme.com"]))
        );
        assert_eq!(read("Kim <kim@evil.com>").1, ["<kim@evil.com>"]);
    }

    #[test]
    fn a_tag_has_at_most_five_addresses() {
        let many: Vec<String> = (0..25).map(|n| format!("p{n}@acme.com")).collect();
        let (good, unusable) = read(&many.join(" "));
        assert_eq!((good.as_slice(), unusable.as_slice()), (&many[..5], &many[5..]));
    }

    #[test]
    fn words_are_user_names_where_they_stand_alone() {
        for value in ["ask john", "all hands", "kim lee", "owner: kim", "all", "everyone", "none", "n-a"] {
            assert_eq!(read(value).0, [""; 0], "{value}");
        }
        assert_eq!(read("kim, all").0, ["kim@acme.com"]);
        assert_eq!(read("Kim <kim@acme.com> lee, park").0, ["kim@acme.com", "park@acme.com"]);
    }

    #[test]
    fn a_value_with_control_characters_is_no_address() {
        for value in ["kim@acme.com\r\nBcc: evil@b.com", "kim\tlee", "kim@acme.com\u{0}", "kim\nlee@acme.com"]
        {
            assert_eq!(read(value), (vec![], strings(&[value])), "{value:?}");
        }
    }

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }
}
