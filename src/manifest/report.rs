//! `[report.cost]`: what the cost report is of, and where it goes.

use jiff::civil::Date;

use super::reader::{FromValue, Placed, Reading, TableReader};
use super::scalar::checked;
use super::settings::{Account, Regions, is_region};
use super::suggest::hint_for;
use super::template::{Template, Variables};
use super::value::{Data, Value};
use crate::model::{Diagnostic, Place};

/// What the name of an output may use.
pub const OUTPUT_VARIABLES: [&str; 3] = ["project", "date", "month"];

/// `[report.cost]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CostSettings {
    /// Where the report goes, each once; empty for the terminal.
    pub output: Vec<OutputTemplate>,
    /// Keys of tags to total by, each once.
    pub group_by: Vec<String>,
    /// The ids of the accounts that the report is of; empty for all.
    pub accounts: Vec<String>,
    /// The regions that the report is of; empty for all.
    pub regions: Vec<String>,
    /// A sentence that stands beside the amounts, such as a rate of exchange.
    pub currency_note: Option<String>,
    /// How objects in S3 are encrypted: `AES256`, `aws:kms`, or a KMS key as ARN, id or alias. Nothing for the bucket's own default.
    pub encryption: Option<String>,
}

/// A form of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReportFormat {
    /// A workbook.
    Xlsx,
    /// A page.
    Html,
    /// A row for each instance.
    Csv,
    /// For programs.
    Json,
}

impl ReportFormat {
    /// By the ending of a name.
    pub fn of_name(name: &str) -> Option<Self> {
        let (stem, ending) = name.rsplit('/').next()?.rsplit_once('.')?;
        match (stem.is_empty(), &*ending.to_ascii_lowercase()) {
            (false, "xlsx") => Some(Self::Xlsx),
            (false, "html" | "htm") => Some(Self::Html),
            (false, "csv") => Some(Self::Csv),
            (false, "json") => Some(Self::Json),
            _ => None,
        }
    }

    /// The endings that there are, for people.
    pub const ENDINGS: &'static str = "endings are .xlsx, .html, .htm, .csv and .json";
}

/// The name of a file or an object, which may hold `{{ date }}`, `{{ month }}` and `{{ project }}`.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputTemplate {
    template: Template,
    /// The form that its ending names.
    pub format: ReportFormat,
}

impl OutputTemplate {
    /// Reads what a person wrote.
    ///
    /// # Errors
    /// What is wrong with it, at its place.
    pub fn new(text: &str, place: Place) -> Result<Self, Box<Diagnostic>> {
        let fault = |summary: String, hint: &str| {
            Box::new(Diagnostic::error(summary).at(place.clone()).hint(hint.to_owned()))
        };
        if text.trim().is_empty() {
            return Err(fault(
                "the name of an output is empty".to_owned(),
                "write a file such as `costs.xlsx`",
            ));
        }
        let template = Template::new(text, place.clone())?;
        if let Some(unknown) = template.variables().iter().find(|one| !OUTPUT_VARIABLES.contains(&&***one)) {
            let hint = hint_for(unknown, &OUTPUT_VARIABLES, "variables");
            return Err(fault(format!("an output's name: there is no variable `{unknown}`"), &hint));
        }
        let name = render(&template, "project", "2026-11-20", "2026-11")
            .map_err(|why| fault(format!("{text:?}: the template {why}"), "write `{{ date }}`"))?;
        let Some(format) = ReportFormat::of_name(&name) else {
            return Err(fault(format!("the ending of {text:?} tells no format"), ReportFormat::ENDINGS));
        };
        Ok(Self { template, format })
    }

    /// As a person wrote it.
    pub fn source(&self) -> &str {
        self.template.source()
    }

    /// The name of the report of a day.
    ///
    /// # Errors
    /// What the template says to these values.
    pub fn name(&self, project: &str, day: Date) -> Result<String, String> {
        render(&self.template, project, &day.to_string(), &day.strftime("%Y-%m").to_string())
    }

    /// The name with `{{ date }}` and `{{ month }}` still in it, so that the names of other days' reports can be told.
    ///
    /// # Errors
    /// What the template says to these values.
    pub fn undated(&self, project: &str) -> Result<String, String> {
        render(&self.template, project, "{{ date }}", "{{ month }}")
    }
}

fn render(template: &Template, project: &str, date: &str, month: &str) -> Result<String, String> {
    let values = vec![("project", project.into()), ("date", date.into()), ("month", month.into())];
    template.render(&Variables::new(values)).map_err(|error| error.to_string())
}

/// One name, or a list of them.
struct Outputs(Vec<Placed<String>>);

impl FromValue for Outputs {
    fn expected() -> String {
        "a file such as \"costs.xlsx\", or a list of them".to_owned()
    }

    fn from_value(value: &Value, reading: &mut Reading<'_>) -> Option<Self> {
        match &value.data {
            Data::String(text) => {
                Some(Self(vec![Placed { value: text.clone(), place: value.place.clone() }]))
            }
            Data::List(_) => Vec::<Placed<String>>::from_value(value, reading).map(Self),
            _ => {
                reading.unexpected(value, &<Self as FromValue>::expected());
                None
            }
        }
    }
}

/// Reads `[report]`, in which `cost` is what there is.
pub(super) fn report(
    reader: &mut TableReader<'_>,
    accounts: &[Account],
    regions: &Regions,
) -> Option<CostSettings> {
    reader.table("cost")?;
    let value = reader.value_of("cost")?;
    let Data::Table(table) = &value.data else { return None };
    // A reader of its own, which calls the keys as the manual does.
    let settings = reader.with_problems(|problems| {
        let mut cost = TableReader::new("[report.cost]", &value.place, table, problems);
        let settings = CostSettings {
            output: output(&mut cost),
            group_by: list(&mut cost, "group_by", tag_key),
            accounts: list(&mut cost, "accounts", |reader, account| id_of(reader, account, accounts)),
            regions: list(&mut cost, "regions", |reader, region| known(reader, region, regions)),
            currency_note: note(&mut cost),
            encryption: encryption(&mut cost),
        };
        cost.finish();
        settings
    });
    Some(settings)
}

fn tag_key(reader: &mut TableReader<'_>, key: Placed<String>) -> Option<String> {
    let not_blank = |text: &str| !text.trim().is_empty();
    checked(reader, Some(key), not_blank, "is not a tag's key", "keys look like `team`; case matters")
}

fn output(reader: &mut TableReader<'_>) -> Vec<OutputTemplate> {
    let given = reader.optional::<Outputs>("output").map(|list| list.value.0).unwrap_or_default();
    let mut outputs: Vec<(OutputTemplate, Place)> = Vec::new();
    for one in given {
        if let Some((_, first)) = outputs.iter().find(|(known, _)| known.source() == one.value) {
            reader.problem(listed_twice(&one, first));
            continue;
        }
        match OutputTemplate::new(&one.value, one.place.clone()) {
            Ok(template) => outputs.push((template, one.place)),
            Err(fault) => reader.problem(*fault),
        }
    }
    outputs.into_iter().map(|(template, _)| template).collect()
}

/// A list of texts that stand in it once, each as `read` understands it.
fn list(
    reader: &mut TableReader<'_>,
    key: &'static str,
    read: impl Fn(&mut TableReader<'_>, Placed<String>) -> Option<String>,
) -> Vec<String> {
    let Some(given) = reader.optional::<Vec<Placed<String>>>(key) else { return Vec::new() };
    if given.value.is_empty() {
        let problem = Diagnostic::error(format!("`{}` is empty", reader.path(key))).at(given.place);
        reader.problem(problem.hint("leave the key out"));
        return Vec::new();
    }
    let mut found: Vec<(String, Place)> = Vec::new();
    for one in given.value {
        let place = one.place.clone();
        let Some(value) = read(reader, one.clone()) else { continue };
        match found.iter().find(|(known, _)| *known == value) {
            Some((_, first)) => reader.problem(listed_twice(&one, first)),
            None => found.push((value, place)),
        }
    }
    found.into_iter().map(|(value, _)| value).collect()
}

fn listed_twice(one: &Placed<String>, first: &Place) -> Diagnostic {
    let problem = Diagnostic::error(format!("{:?} is listed twice", one.value)).at(one.place.clone());
    problem.related(first.clone(), "first listed here")
}

/// The id of an account that is given by its name or its id.
fn id_of(reader: &mut TableReader<'_>, given: Placed<String>, accounts: &[Account]) -> Option<String> {
    let found = accounts.iter().find(|account| account.name == given.value || account.id == given.value);
    if let Some(account) = found {
        return Some(account.id.clone());
    }
    let problem = Diagnostic::error(format!("there is no account {:?}", given.value)).at(given.place);
    let names: Vec<&str> = accounts.iter().map(|account| account.name.as_str()).collect();
    reader.problem(problem.hint(if names.is_empty() {
        "the manifest has no `[[account]]`: leave the key out".to_owned()
    } else {
        hint_for(&given.value, &names, "accounts")
    }));
    None
}

fn known(reader: &mut TableReader<'_>, given: Placed<String>, regions: &Regions) -> Option<String> {
    let Regions::Listed(listed) = regions else {
        let hint = "codes look like `ap-northeast-2` or `us-gov-west-1`";
        return checked(reader, Some(given), is_region, "is not a region's code", hint);
    };
    if listed.iter().any(|one| one.value == given.value) {
        return Some(given.value);
    }
    let codes: Vec<&str> = listed.iter().map(|one| one.value.as_str()).collect();
    let hint = hint_for(&given.value, &codes, "regions");
    let summary = format!("{:?} is none of the regions under [aws]", given.value);
    reader.problem(Diagnostic::error(summary).at(given.place).hint(hint));
    None
}

fn note(reader: &mut TableReader<'_>) -> Option<String> {
    let note = reader.optional::<String>("currency_note");
    let not_blank = |text: &str| !text.trim().is_empty();
    checked(reader, note, not_blank, "is not a note", "write a sentence such as \"1 USD = 1,380 KRW\"")
}

fn encryption(reader: &mut TableReader<'_>) -> Option<String> {
    let given = reader.optional::<String>("encryption");
    let is_one = |text: &str| {
        let is_id = text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        matches!(text, "AES256" | "aws:kms")
            || text.starts_with("alias/")
            || (text.starts_with("arn:") && text.contains(":kms:"))
            || text.starts_with("mrk-")
            || is_id
    };
    let hint = "write \"AES256\", \"aws:kms\" or a KMS key (its ARN, its id or `alias/…`); left out, the bucket's default counts";
    checked(reader, given, is_one, "is no encryption", hint)
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
