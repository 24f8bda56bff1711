//! User text made safe to print: a tag's value must not move the cursor, forge a line or ping a person.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The text with every control character spelled out, so that it stays on its line and does nothing to the terminal.
///
/// Characters that reorder or hide text (bidirectional overrides, zero-width spaces) are spelled out as well: they can
/// make a name look like another one.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        push_clean(&mut cleaned, c);
    }
    Cow::Owned(cleaned)
}

/// The text in double quotes, with quotes, backslashes and control characters escaped.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        push_clean(&mut out, c);
    }
    out.push('"');
    out
}

fn push_clean(out: &mut String, c: char) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c if is_unsafe(c) => {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        }
        c => out.push(c),
    }
}

fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_spelled_out() {
        assert_eq!(clean("a\u{1b}[31mb\r\n\u{9b}c\u{7f}"), r"a\u{1b}[31mb\r\n\u{9b}c\u{7f}");
        assert_eq!(clean("user\u{202e}txt.exe\u{200b}"), r"user\u{202e}txt.exe\u{200b}");
    }

    #[test]
    fn ordinary_text_of_any_language_is_untouched() {
        assert!(matches!(clean("운영 서버 → 本番 é 👩‍💻"), Cow::Borrowed(_)));
    }

    #[test]
    fn quotes_cannot_be_closed_from_inside() {
        assert_eq!(quoted(r#"a" b\"#), r#""a\" b\\""#);
    }
}
