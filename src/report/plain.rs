//! Text that documents of XML and HTML may hold.

use crate::render::clean;

/// Characters for which neither XML nor HTML has a place.
const NONCHARACTERS: [char; 2] = ['\u{fffe}', '\u{ffff}'];

/// A text without control characters, and without noncharacters.
pub(super) fn plain(text: &str) -> String {
    let text = clean(text).into_owned();
    if !text.contains(NONCHARACTERS) {
        return text;
    }
    text.replace(NONCHARACTERS[0], "\\u{fffe}").replace(NONCHARACTERS[1], "\\u{ffff}")
}
