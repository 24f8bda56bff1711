//! Which keys of a table a template names, found without rendering it.

/// A key that a template reads of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateKey {
    /// The key: `cpu` for both `row.cpu` and `row["cpu"]`.
    pub key: String,
    /// Whether the template says what to do where the key is missing: `default(…)`, `is defined`.
    pub optional: bool,
}

/// The parts of an expression.
#[derive(Debug)]
enum Token<'a> {
    Word(&'a str),
    Text(&'a str),
    Sign(char),
}

/// The keys of `variable` that the template names literally, in the order in which they stand.
pub(super) fn keys_of(source: &str, variable: &str) -> Vec<TemplateKey> {
    let tokens = tokens(source);
    let mut keys = Vec::new();
    for start in 0..tokens.len() {
        if start > 0 && matches!(tokens[start - 1], Token::Sign('.')) {
            // `other.row.cpu` reads another table.
            continue;
        }
        let (name, key, rest) = match &tokens[start..] {
            [Token::Word(name), Token::Sign('.'), Token::Word(key), rest @ ..]
            | [Token::Word(name), Token::Sign('['), Token::Text(key), Token::Sign(']'), rest @ ..] => {
                (*name, *key, rest)
            }
            _ => continue,
        };
        if name == variable {
            keys.push(TemplateKey { key: key.to_owned(), optional: is_optional(rest) });
        }
    }
    keys
}

fn is_optional(rest: &[Token<'_>]) -> bool {
    matches!(
        rest,
        [Token::Sign('|'), Token::Word("default" | "d"), ..]
            | [Token::Word("is"), Token::Word("defined" | "undefined"), ..]
            | [Token::Word("is"), Token::Word("not"), Token::Word("defined" | "undefined"), ..]
    )
}

/// The tokens of all expressions; text between them and comments are left out.
fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = source;
    while let Some(start) = rest.find('{') {
        let (open, inner) = rest[start..].split_at(1);
        debug_assert_eq!(open, "{");
        rest = match inner.chars().next() {
            Some('{') => expression(&inner[1..], "}}", &mut tokens),
            Some('%') => expression(&inner[1..], "%}", &mut tokens),
            Some('#') => inner.find("#}").map_or("", |end| &inner[end + 2..]),
            _ => inner,
        };
    }
    tokens
}

/// Adds the tokens of one expression and gives what comes after it.
fn expression<'a>(mut rest: &'a str, end: &str, tokens: &mut Vec<Token<'a>>) -> &'a str {
    while let Some(first) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix(end) {
            // What comes next must not be taken for a part of this expression.
            tokens.push(Token::Sign(';'));
            return after;
        }
        let length = match first {
            '"' | '\'' => {
                let text = &rest[1..];
                let close = closing(text, first);
                tokens.push(Token::Text(&text[..close]));
                (close + 2).min(rest.len())
            }
            c if c.is_alphabetic() || c == '_' => {
                let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                tokens.push(Token::Word(&rest[..length]));
                length
            }
            c if c.is_whitespace() => c.len_utf8(),
            c => {
                tokens.push(Token::Sign(c));
                c.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    rest
}

/// Where a text ends that begins with this quote.
fn closing(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if c == quote && !escaped {
            return at;
        }
        escaped = c == '\\' && !escaped;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys(source: &str) -> Vec<String> {
        let keys = keys_of(source, "row").into_iter();
        keys.map(|key| if key.optional { format!("{}?", key.key) } else { key.key }).collect()
    }

    #[test]
    fn both_ways_to_write_a_key_are_found() {
        assert_eq!(
            keys("{{ row.cpu }} {{ row['CPU 임계치(%)'] }} {{row [ \"a\" ]}}"),
            ["cpu", "CPU 임계치(%)", "a"]
        );
        assert_eq!(keys("{% if row.env == 'prod' and row.x > 1 %}{{ tags.row.y }}{% endif %}"), ["env", "x"]);
        assert_eq!(keys("row.a {# row.b #} {{ 'row.c' }} {{ rows.d }}"), [""; 0]);
    }

    #[test]
    fn keys_that_may_be_missing_are_marked() {
        assert_eq!(
            keys(
                "{{ row.a | default(90) }}{{ row['b'] is defined }}{{ row.c is not defined }}{{ row.d | upper }}"
            ),
            ["a?", "b?", "c?", "d"]
        );
    }

    proptest! {
        #[test]
        fn any_text_is_looked_at_without_a_panic(source in "[{}%#'\"\\\\row.\\[\\]가 |]{0,40}") {
            keys_of(&source, "row");
        }
    }
}
