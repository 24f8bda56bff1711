//! User text in Markdown and HTML as GitHub renders them: it must not leave its place, mark anything up or ping anybody.

use super::escape::clean;

/// Text as code: there Markdown, HTML and mentions mean nothing.
pub(crate) fn code(text: &str) -> String {
    let text = clean(text);
    let fence = "`".repeat(longest_run(&text) + 1);
    let blank = text.trim().is_empty();
    // One space on each side is taken off again by Markdown; without it a backtick at the edge would join the fence.
    let pad = if blank || text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// A bar ends a cell even within code, and a backslash before it would undo its escape.
pub(crate) fn in_table(code: &str) -> String {
    code.replace('\\', "\u{29f5}").replace('|', "\\|")
}

/// A fence that no line of the block can close.
pub(super) fn fence_for(lines: &[String]) -> String {
    let longest = lines.iter().map(|line| longest_run(line)).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

pub(super) fn html(text: &str) -> String {
    clean(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('@', "&#64;\u{200b}")
}

/// Text in the open: markup is escaped, and an invisible space keeps `@name`, `#1` and addresses from becoming links
/// that ping somebody.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in clean(text).chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '#' | '@' | '!') {
            out.push('\\');
        }
        out.push(c);
        if matches!(c, '@' | '#') {
            out.push('\u{200b}');
        }
    }
    out.replace("://", ":\u{200b}//").replace("www.", "www\u{200b}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_cannot_be_left_from_inside() {
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("`@all`"), "`` `@all` ``");
        assert_eq!(code("a\nb"), "`a\\nb`");
        assert_eq!(in_table(&code("a|b")), "`a\\|b`");
    }

    #[test]
    fn text_in_the_open_neither_marks_up_nor_pings() {
        assert_eq!(
            escape("@team <b> [x](https://e.com) #1"),
            "\\@\u{200b}team \\<b\\> \\[x\\](https:\u{200b}//e.com) \\#\u{200b}1"
        );
    }

    #[test]
    fn a_fence_is_longer_than_any_run_inside() {
        assert_eq!(fence_for(&["  ```".to_owned()]), "````");
        assert_eq!(fence_for(&["x".to_owned()]), "```");
    }
}
