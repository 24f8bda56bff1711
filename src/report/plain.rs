//! Text that documents of XML and HTML may hold.

use crate::render::clean;

/// A text without control characters, and without noncharacters, for which neither XML nor HTML has a place.
pub(super) fn plain(text: &str) -> String {
    clean(text).replace('\u{fffe}', "\\u{fffe}").replace('\u{ffff}', "\\u{ffff}")
}
