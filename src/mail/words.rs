//! The words of a language: one file for the HTML and the text of a mail.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::manifest::Language;

/// What divides the wordings for one and for many.
const ONE_AND_MANY: &str = " | ";

/// The words of one language.
#[derive(Debug)]
pub(super) struct Words(BTreeMap<String, String>);

static EN: LazyLock<Words> = LazyLock::new(|| Words::parse(include_str!("templates/en.toml")));
static KO: LazyLock<Words> = LazyLock::new(|| Words::parse(include_str!("templates/ko.toml")));
static JA: LazyLock<Words> = LazyLock::new(|| Words::parse(include_str!("templates/ja.toml")));

impl Words {
    /// The words of a language.
    pub(super) fn of(language: Language) -> &'static Self {
        match language {
            Language::En => &EN,
            Language::Ko => &KO,
            Language::Ja => &JA,
        }
    }

    fn parse(text: &str) -> Self {
        Self(toml::from_str(text).expect("the files are part of the program, and a test reads them"))
    }

    /// A text with its `{places}` filled in. Where it has a wording for one and another for many, `n` decides.
    /// `None` where there is no such text.
    pub(super) fn text(&self, key: &str, values: &[(&str, String)]) -> Option<String> {
        let text = self.0.get(key)?;
        let value = |name: &str| values.iter().find(|(known, _)| *known == name).map(|(_, value)| value);
        let text = match text.split_once(ONE_AND_MANY) {
            Some((one, _)) if value("n").is_some_and(|n| n == "1") => one,
            Some((_, many)) => many,
            None => text,
        };
        let mut filled = String::with_capacity(text.len() + 32);
        let mut rest = text;
        // In one pass, so that a value with braces in it stays as it is.
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            let Some((name, after)) = after.split_once('}') else { break };
            match value(name) {
                Some(value) => filled.push_str(value),
                None => filled.extend(["{", name, "}"]),
            }
            rest = after;
        }
        filled.push_str(rest);
        Some(filled)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The places of a text, of all its wordings.
    fn places(text: &str) -> BTreeSet<String> {
        text.split('{').skip(1).filter_map(|part| Some(part.split_once('}')?.0.to_owned())).collect()
    }

    #[test]
    fn every_language_has_the_same_texts_with_the_same_places() {
        for language in Language::ALL {
            let words = Words::of(language);
            assert!(words.0.keys().eq(EN.0.keys()), "{language:?}");
            for (key, text) in &words.0 {
                assert!(!text.trim().is_empty(), "{language:?} {key}");
                assert_eq!(places(text), places(&EN.0[key]), "{language:?} {key}");
            }
        }
    }

    #[test]
    fn values_are_filled_in_once() {
        let words = Words::parse("a = '{n} row of {what} | {n} rows of {what}'");
        let text = |n: &str| words.text("a", &[("n", n.to_owned()), ("what", "{n}{".to_owned())]);
        assert_eq!(text("1").unwrap(), "1 row of {n}{");
        assert_eq!(text("2").unwrap(), "2 rows of {n}{");
        assert_eq!(words.text("b", &[]), None);
    }
}
