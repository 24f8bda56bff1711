//! What nobody should write, and somebody will.

/// A text with everything that some format gives a meaning.
pub(super) const HOSTILE: &str =
    "=1+1<script>alert(1)</script>\n|`x`|\u{1b}[31m\u{0}\u{fffe}@all ]]> --> & \"'\u{202e}한국어 서버";
