//! Pages: one HTML file that needs nothing else.

use std::sync::LazyLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Error, Value};

/// What the pages of all reports look like.
const STYLE: &str = "page.css";

/// What a template writes is escaped, without exception but for what the program itself drew.
static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_syntax(
        SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().unwrap_or_default(),
    );
    // None of it is a user's, and the template is part of the program.
    let _ = environment.add_template(STYLE, include_str!("page.css"));
    environment
});

/// Renders a template with all that it shows.
///
/// # Errors
/// Where the template is wrong.
pub(super) fn render(name: &str, template: &str, page: impl Into<Value>) -> Result<String, Error> {
    TEMPLATES.render_named_str(name, template, page)
}
