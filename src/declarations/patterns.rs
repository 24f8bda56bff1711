//! Patterns of names, as several declarations read them.

use crate::inventory::NameGlob;
use crate::manifest::Placed;
use crate::model::Diagnostic;

/// A pattern with `*`, `?`, `[abc]` and `{one,two}`.
///
/// # Errors
/// A diagnostic at the pattern's place.
pub(super) fn pattern(name: &Placed<String>) -> Result<NameGlob, Box<Diagnostic>> {
    NameGlob::new(&name.value).map_err(|fault| {
        Diagnostic::error(format!("{:?} is not a pattern: {fault}", name.value))
            .at(name.place.clone())
            .hint("patterns know `*`, `?`, `[abc]` and `{one,two}`")
            .into()
    })
}
