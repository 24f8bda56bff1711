//! The templates of mails: opsform's own, or the user's.

use std::fs;
use std::sync::Arc;

use minijinja::value::{Kwargs, Serde};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};

use super::view::View;
use super::words::Words;
use crate::manifest::{Language, MailSettings, Placed, path_beside};
use crate::model::{Diagnostic, Diagnostics, Place, SourceFile};

/// Steps of one rendering: some hundred for each row, and far from all day.
const FUEL: u64 = 20_000_000;

/// The names of the templates. The endings decide what is escaped: HTML is, text is not.
const HTML: &str = "mail.html";
const TEXT: &str = "mail.txt";
const OWN_HTML: &str = "own.html";
const OWN_TEXT: &str = "own.txt";

/// The templates of a project's mails. The user's own may include `mail.html` and `mail.txt`, which are opsform's.
#[derive(Debug)]
pub struct Templates {
    environment: Environment<'static>,
    words: &'static Words,
    html: Part,
    text: Part,
}

/// One template that mails are made from.
#[derive(Debug)]
struct Part {
    name: &'static str,
    /// The user's file; `None` for opsform's own.
    file: Option<Arc<SourceFile>>,
}

impl Templates {
    /// The templates that the settings name, from their files.
    ///
    /// # Errors
    /// Files that cannot be read and templates that cannot be compiled.
    pub fn read(settings: &MailSettings) -> Result<Self, Diagnostics> {
        let words = Words::of(settings.language);
        let mut environment = environment(settings.language);
        let mut problems = Diagnostics::new();
        let html = part(&mut environment, settings.template.as_ref(), (HTML, OWN_HTML), &mut problems);
        let text = part(&mut environment, settings.text_template.as_ref(), (TEXT, OWN_TEXT), &mut problems);
        if problems.is_empty() { Ok(Self { environment, words, html, text }) } else { Err(problems) }
    }

    /// The words of the mails' language.
    pub(super) fn words(&self) -> &Words {
        self.words
    }

    /// The HTML of a mail.
    pub(super) fn html(&self, view: &View) -> Result<String, Box<Diagnostic>> {
        self.render(&self.html, view)
    }

    /// The text of a mail.
    pub(super) fn text(&self, view: &View) -> Result<String, Box<Diagnostic>> {
        self.render(&self.text, view)
    }

    fn render(&self, part: &Part, view: &View) -> Result<String, Box<Diagnostic>> {
        let rendered =
            self.environment.get_template(part.name).and_then(|template| template.render(Serde(view)));
        rendered.map_err(|error| Box::new(fault(part.name, part.file.as_ref(), &error)))
    }
}

/// opsform's templates, `t`, which gives them their words, and `kind` for the name of a kind of target.
fn environment(language: Language) -> Environment<'static> {
    let words = Words::of(language);
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_debug(true);
    environment.set_fuel(Some(FUEL));
    environment.add_function("t", move |key: String, values: Kwargs| word(words, &key, &values));
    environment.add_function("kind", move |kind: String, n: usize| {
        words.text(&format!("kind_{kind}"), &[("n", n.to_string())]).unwrap_or(kind)
    });
    for (name, source) in
        [(HTML, include_str!("templates/mail.html")), (TEXT, include_str!("templates/mail.txt"))]
    {
        environment
            .add_template(name, source)
            .expect("they are part of the program, and a test renders them");
    }
    environment
}

fn word(words: &Words, key: &str, values: &Kwargs) -> Result<String, Error> {
    let mut read = Vec::new();
    for name in values.args() {
        read.push((name, values.get::<minijinja::Value>(name)?.to_string()));
    }
    words.text(key, &read).ok_or_else(|| {
        Error::new(ErrorKind::InvalidOperation, format!("there is no text `{key}` in this language"))
    })
}

/// Adds the user's template, where there is one, and says which is to be rendered.
fn part(
    environment: &mut Environment<'static>,
    path: Option<&Placed<String>>,
    (standard, own): (&'static str, &'static str),
    problems: &mut Diagnostics,
) -> Part {
    let Some(path) = path else { return Part { name: standard, file: None } };
    let shown = path_beside(&path.place, &path.value);
    let text = match fs::read_to_string(&shown) {
        Ok(text) => text,
        Err(error) => {
            problems.push(
                Diagnostic::error(format!("cannot read the template {shown}: {error}"))
                    .at(path.place.clone())
                    .hint("paths are relative to the file that names them; templates are UTF-8"),
            );
            return Part { name: standard, file: None };
        }
    };
    let file = Arc::new(SourceFile { path: shown, text });
    if let Err(error) = environment.add_template_owned(own, file.text.clone()) {
        problems.push(fault(own, Some(&file), &error));
    }
    Part { name: own, file: Some(file) }
}

/// What is wrong with a template, at its place where the file is the user's.
fn fault(name: &str, file: Option<&Arc<SourceFile>>, error: &Error) -> Diagnostic {
    let words = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    let diagnostic = Diagnostic::error(format!("template of the mail: {words}"));
    let Some(file) = file else { return diagnostic.at(Place::Named(name.to_owned())) };
    // A fault in a template that this one includes has its range there.
    let range = error.range().filter(|_| error.name() == Some(name)).unwrap_or(0..0);
    diagnostic.at(Place::text(file, range))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::settings;
    use super::*;

    fn faults(template: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("own.html");
        fs::write(&path, template).unwrap();
        let mut settings = settings();
        settings.template =
            Some(Placed { value: path.display().to_string(), place: Place::Named("here".to_owned()) });
        let problems = Templates::read(&settings).err().unwrap_or_default();
        let shown = |d: &Diagnostic| format!("{} {}", d.place.as_ref().unwrap(), d.summary);
        problems.iter().map(|d| shown(d).replace(&format!("{}/", folder.path().display()), "")).collect()
    }

    #[test]
    fn faults_of_the_users_template_have_a_place() {
        assert_eq!(faults("<p>{{ project }}</p>"), [""; 0]);
        let syntax = faults("<p>\n{{ project </p>");
        assert!(syntax[0].starts_with("own.html:2:13 template of the mail: "), "{syntax:?}");
        let mut settings = settings();
        settings.text_template =
            Some(Placed { value: "/nowhere/x.txt".to_owned(), place: Place::Named("here".to_owned()) });
        let problems = Templates::read(&settings).unwrap_err();
        let summary = &problems.iter().next().unwrap().summary;
        assert!(summary.starts_with("cannot read the template /nowhere/x.txt: "), "{summary}");
    }
}
