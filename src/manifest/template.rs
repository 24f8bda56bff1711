//! Templates: checked when they are read, compiled once, rendered per target.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, LazyLock};

use minijinja::value::{Enumerator, Object, Serde, ValueKind};
use minijinja::{Environment, ErrorKind, UndefinedBehavior};

use super::template_keys::{TemplateKey, keys_of};
use crate::model::{Diagnostic, Place};

/// The name under which a template is stored in its own environment; it has no extension, so nothing is escaped.
const NAME: &str = "template";

/// Steps that a template may take.
const FUEL: u64 = 20_000;

/// Bytes that a template may have. A longer one is no text for an alarm, and nesting needs stack.
const LONGEST: usize = 8192;

/// The filters, tests and functions that all templates share. Each template adds itself to a clone, which shares them.
static SHARED: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // Without this, errors do not know which variable was undefined.
    environment.set_debug(true);
    // A name or a threshold takes some dozen steps; a loop over a loop would take all day.
    environment.set_fuel(Some(FUEL));
    // Manifests, spreadsheets and AWS write truth in lower case; the engine would follow Python.
    environment.set_formatter(|out, state, value| match value.kind() {
        ValueKind::Bool => out.write_str(if value.is_true() { "true" } else { "false" }).map_err(Into::into),
        _ => minijinja::escape_formatter(out, state, value),
    });
    environment
});

/// A text with `{{ … }}` in it.
#[derive(Clone)]
pub struct Template {
    source: String,
    place: Place,
    variables: BTreeSet<String>,
    environment: Arc<Environment<'static>>,
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Template").field(&self.source).finish()
    }
}

impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source && self.place == other.place
    }
}

/// Why a template gave no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// A variable that the template needs is not there. Written as the template writes it: `tags.owner`, `tags['a b']`.
    #[error("{} is missing", missing_words(.variable))]
    Missing {
        /// The variable.
        variable: String,
    },
    /// The text does not fit the field.
    #[error("gave `{text}`, which {reason}")]
    Unfit {
        /// What the template gave.
        text: String,
        /// The rest of a sentence about it: `is not a number`.
        reason: String,
    },
    /// The template could not be carried out: a number added to a text, a filter that refuses its input.
    #[error("failed: {reason}")]
    Failed {
        /// In the template engine's words.
        reason: String,
    },
}

/// `` tag `owner` `` for `tags.owner`, `` column `cpu` `` for `row.cpu`, `` variable `engine` `` for `engine`.
fn missing_words(variable: &str) -> String {
    let key_of = |table: &str| {
        let rest = variable.strip_prefix(table)?;
        rest.strip_prefix('.').or_else(|| {
            let key = rest.strip_prefix('[')?.strip_suffix(']')?.trim();
            key.strip_prefix(['"', '\''])?.strip_suffix(['"', '\''])
        })
    };
    match (key_of("tags"), key_of("row")) {
        (Some(tag), _) => format!("tag `{tag}`"),
        (_, Some(column)) => format!("column `{column}`"),
        (None, None) => format!("variable `{variable}`"),
    }
}

impl Template {
    /// Whether a text has template syntax in it; all other text means itself.
    pub fn is_template(text: &str) -> bool {
        ["{{", "{%", "{#"].iter().any(|mark| text.contains(mark))
    }

    /// Compiles a template.
    ///
    /// # Errors
    /// A diagnostic where the syntax is wrong or a filter, test or function does not exist. It points into the
    /// template where that is written without escapes.
    pub fn new(source: &str, place: Place) -> Result<Self, Box<Diagnostic>> {
        if source.len() > LONGEST {
            let summary = format!("a template has at most {LONGEST} bytes, this one has {}", source.len());
            return Err(Box::new(Diagnostic::error(summary).at(place)));
        }
        let mut environment = SHARED.clone();
        environment
            .add_template_owned(NAME, source.to_owned())
            .map_err(|error| fault(source, &place, &error))?;
        if let Some(error) = unknown_name(&environment) {
            return Err(fault(source, &place, &error));
        }
        let variables = environment.get_template(NAME).map_or_else(
            |_| BTreeSet::new(),
            |template| template.undeclared_variables(false).into_iter().collect(),
        );
        let is_builtin = |name: &String| SHARED.globals().any(|(global, _)| global == name);
        Ok(Self {
            source: source.to_owned(),
            place,
            variables: variables.into_iter().filter(|name| !is_builtin(name)).collect(),
            environment: Arc::new(environment),
        })
    }

    /// The text as written, decoded.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Where it is written.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The variables that it mentions, without what comes after a dot: `tags` for `tags.owner`.
    pub fn variables(&self) -> &BTreeSet<String> {
        &self.variables
    }

    /// The keys that it names of a variable that is a table: `cpu` for `row.cpu` and `row["cpu"]`.
    pub fn keys_of(&self, variable: &str) -> Vec<TemplateKey> {
        keys_of(&self.source, variable)
    }

    /// The text that it gives with these variables.
    ///
    /// # Errors
    /// [`RenderError::Missing`] or [`RenderError::Failed`].
    pub fn render(&self, variables: &Variables) -> Result<String, RenderError> {
        let template = self.environment.get_template(NAME).map_err(|error| failed(&error))?;
        template.render(variables.as_value()).map_err(|error| match error.kind() {
            ErrorKind::UndefinedError => RenderError::Missing {
                variable: undefined_name(&error)
                    .or_else(|| first_missing(&template.undeclared_variables(true), variables))
                    .unwrap_or_else(|| self.source.clone()),
            },
            _ => failed(&error),
        })
    }
}

/// The variable that was undefined, as the engine names it. A static look at the template cannot tell it, because a
/// variable that has a `default` filter may be missing.
fn undefined_name(error: &minijinja::Error) -> Option<String> {
    let detail = error.detail()?;
    let name = detail.strip_prefix('`')?.strip_suffix("` is undefined")?;
    Some(name.to_owned())
}

/// The first path, in alphabetical order, that these variables do not hold.
fn first_missing(paths: &std::collections::HashSet<String>, variables: &Variables) -> Option<String> {
    let paths: BTreeSet<&String> = paths.iter().collect();
    paths.into_iter().find(|path| !variables.has(path)).cloned()
}

fn failed(error: &minijinja::Error) -> RenderError {
    RenderError::Failed { reason: words(error) }
}

fn words(error: &minijinja::Error) -> String {
    error.detail().map_or_else(|| error.kind().to_string(), str::to_owned)
}

/// Finds filters, tests and functions that do not exist, which the compiler leaves to the first render: it renders
/// once with nothing defined and nothing strict, and looks at that kind of error only.
fn unknown_name(environment: &Environment<'static>) -> Option<minijinja::Error> {
    let mut lenient = environment.clone();
    lenient.set_undefined_behavior(UndefinedBehavior::Chainable);
    let error = lenient.get_template(NAME).ok()?.render(()).err()?;
    let unknown = [
        ErrorKind::UnknownFilter,
        ErrorKind::UnknownTest,
        ErrorKind::UnknownFunction,
        ErrorKind::TemplateNotFound,
    ];
    unknown.contains(&error.kind()).then_some(error)
}

fn fault(source: &str, place: &Place, error: &minijinja::Error) -> Box<Diagnostic> {
    let place = error.range().and_then(|range| within(source, place, range)).unwrap_or_else(|| place.clone());
    let summary = match error.kind() {
        ErrorKind::SyntaxError => format!("template syntax: {}", words(error)),
        ErrorKind::TemplateNotFound => "a template cannot include another one".to_owned(),
        _ => format!("template: {}", words(error)),
    };
    let fault = Diagnostic::error(summary).at(place);
    Box::new(match foreign_attribute(source) {
        Some(hint) if error.kind() == ErrorKind::SyntaxError => fault.hint(hint),
        _ => fault,
    })
}

/// What to write for `row.담당`: after a dot the engine knows the letters of English only.
fn foreign_attribute(source: &str) -> Option<String> {
    let letter = |c: char| c.is_alphanumeric() || c == '_';
    source.match_indices('.').find_map(|(dot, _)| {
        let before = source[..dot].rsplit(|c| !letter(c)).next().filter(|word| word.is_ascii())?;
        let after = source[dot + 1..].split(|c| !letter(c)).next()?;
        let foreign = !before.is_empty() && !after.is_ascii();
        foreign.then(|| format!("write `{before}['{after}']` for `{before}.{after}`"))
    })
}

/// A range of the template as a place in the file, where the file holds the template to the letter.
fn within(source: &str, place: &Place, range: std::ops::Range<usize>) -> Option<Place> {
    let Place::Text { file, span } = place else {
        return None;
    };
    let begin = span.start + file.text.get(span.clone())?.find(source)?;
    let end = (begin + range.end).min(span.end);
    Some(Place::text(file, (begin + range.start).min(end)..end))
}

/// The variables of one target. Cheap to clone and to add to.
#[derive(Clone, Debug, Default)]
pub struct Variables(Arc<Layer>);

#[derive(Debug, Default)]
struct Layer {
    values: Vec<(&'static str, minijinja::Value)>,
    below: Option<Arc<Layer>>,
}

impl Variables {
    /// These variables, of which the last of a name counts.
    pub fn new(values: Vec<(&'static str, minijinja::Value)>) -> Self {
        Self(Arc::new(Layer { values, below: None }))
    }

    /// These and more, which hide those of the same name.
    #[must_use]
    pub fn with(&self, values: Vec<(&'static str, minijinja::Value)>) -> Self {
        Self(Arc::new(Layer { values, below: Some(Arc::clone(&self.0)) }))
    }

    /// A template value from JSON.
    pub fn json(value: &serde_json::Value) -> minijinja::Value {
        Serde(value).into()
    }

    /// A number as a person writes it: 80 and not 80.0.
    pub fn number(number: f64) -> minijinja::Value {
        /// Up to here every whole number has its own `f64`.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if number.fract() == 0.0 && number.abs() <= EXACT {
            #[allow(clippy::cast_possible_truncation)] // The condition rules it out.
            return (number as i64).into();
        }
        number.into()
    }

    fn as_value(&self) -> minijinja::Value {
        minijinja::Value::from_dyn_object(Arc::clone(&self.0))
    }

    /// Whether there is a variable, or a value at a path such as `tags.owner`.
    pub fn has(&self, path: &str) -> bool {
        let mut value = self.as_value();
        for part in path.split('.') {
            value = value.get_attr(part).unwrap_or_default();
        }
        !value.is_undefined()
    }
}

impl Layer {
    fn find(&self, name: &str) -> Option<&minijinja::Value> {
        self.values
            .iter()
            .rev()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
            .or_else(|| self.below.as_ref()?.find(name))
    }

    fn names(&self) -> BTreeSet<&'static str> {
        let below = self.below.iter().flat_map(|layer| layer.names());
        self.values.iter().map(|(key, _)| *key).chain(below).collect()
    }
}

impl Object for Layer {
    fn get_value(self: &Arc<Self>, key: &minijinja::Value) -> Option<minijinja::Value> {
        self.find(key.as_str()?).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.names().into_iter().map(minijinja::Value::from).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::SourceFile;

    fn template(source: &str) -> Template {
        Template::new(source, Place::Named("here".to_owned())).unwrap()
    }

    fn web() -> Variables {
        let tags = BTreeMap::from([("cpu".to_owned(), "80"), ("a b".to_owned(), "x")]);
        Variables::new(vec![("name", "web-1".into()), ("tags", minijinja::Value::from(tags))])
    }

    fn rendered(source: &str) -> String {
        template(source).render(&web()).unwrap_or_else(|error| format!("error: {error}"))
    }

    #[test]
    fn renders_variables_and_defaults() {
        assert_eq!(rendered("{{ name }} at {{ tags.cpu }}{{ tags['a b'] }}"), "web-1 at 80x");
        assert_eq!(rendered("{{ tags.mem | default(90) }}"), "90");
        assert_eq!(rendered("<{{ name }}> & 'co'"), "<web-1> & 'co'");
        assert_eq!(rendered("{{ name == 'web-1' }} {{ false }}"), "true false");
        let more = web().with(vec![("name", "db-1".into()), ("period", 300.into())]);
        assert_eq!(template("{{ name }} {{ period }} {{ tags.cpu }}").render(&more).unwrap(), "db-1 300 80");
    }

    #[test]
    fn a_missing_variable_is_named() {
        assert_eq!(rendered("{{ tags.owner }}"), "error: tag `owner` is missing");
        assert_eq!(rendered("{{ tags['c d'] | upper }}"), "error: tag `c d` is missing");
        assert_eq!(
            rendered("{{ tags.mem | default(1) }}{{ engine }}"),
            "error: variable `engine` is missing"
        );
        assert_eq!(rendered("{{ name ~ tags.zip }}"), "error: tag `zip` is missing");
        assert_eq!(rendered("{% if tags.q == 'x' %}a{% endif %}"), "error: tag `q` is missing");
        assert_eq!(rendered("{{ tags.cpu + 1 }}").split(':').next(), Some("error"));
    }

    #[test]
    fn variables_are_listed_without_functions_and_paths() {
        let found = template("{{ tags.cpu }}{{ nme }}{% for i in range(3) %}{{ i }}{% endfor %}");
        assert_eq!(Vec::from_iter(found.variables()), ["nme", "tags"]);
        assert!(template("{{ 5 * 18 }}").variables().is_empty());
    }

    #[test]
    fn faults_point_into_the_template() {
        let text = "name = \"cpu of {{ name | uper }}\"\n".to_owned();
        let file = Arc::new(SourceFile { path: "a.toml".to_owned(), text });
        let fault = |source: &str| {
            let fault = Template::new(source, Place::text(&file, 7..32)).unwrap_err();
            format!("{} {}", fault.place.unwrap(), fault.summary)
        };
        assert_eq!(fault("cpu of {{ name | uper }}"), "a.toml:1:26 template: filter uper is unknown");
        assert_eq!(
            fault("{{ name"),
            "a.toml:1:19 template syntax: unexpected end of input, expected end of variable block"
        );
        let foreign = Template::new("{{ row.담당 | upper }}", Place::text(&file, 7..32)).unwrap_err();
        assert_eq!(foreign.hint.as_deref(), Some("write `row['담당']` for `row.담당`"));
        assert_eq!(fault("{{ now() }}"), "a.toml:1:8 template: now is unknown");
        assert_eq!(fault("{% include 'x' %}"), "a.toml:1:8 a template cannot include another one");
    }

    #[test]
    fn three_thousand_renders_compile_once_and_take_no_time() {
        let name = template("{{ name }}: CPU over {{ threshold }}");
        let started = std::time::Instant::now();
        for _ in 0..3_000 {
            name.render(&web().with(vec![("threshold", 90.into())])).unwrap();
        }
        // Milliseconds when optimised; the bound leaves room for a slow, busy, unoptimised run.
        assert!(started.elapsed().as_secs() < 5);
    }
}
