//! What a manifest says once: the project, AWS, the state, the accounts.

use std::collections::BTreeMap;

use crate::model::{DestroyLimit, Diagnostic, Diagnostics, Place};

use super::document::list_of_tables;
use super::mail::{MailSettings, mail};
use super::reader::{Entries, FromValue, Placed, Reading, TableReader};
use super::report::{CostSettings, report};
use super::runner::{RunnerSettings, runner};
use super::state_place::{StatePlace, state_place};
use super::value::{Data, Entry, Value};

/// The names of the settings at the top of a manifest.
pub(super) const NAMES: [&str; 7] = ["project", "aws", "state", "account", "mail", "report", "runner"];

/// A tag value holds up to 256 characters, a file name 255 bytes; half of that leaves room for an ending.
const PROJECT_LENGTH: usize = 128;

/// All settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// `[project] name`. Empty only where an error says that it is missing or wrong.
    pub project: String,
    /// `[project] max_destroy`.
    pub max_destroy: Option<DestroyLimit>,
    /// `[aws]`.
    pub aws: Aws,
    /// `[state]`.
    pub state: StatePlace,
    /// `[[account]]`; empty for the caller's own account.
    pub accounts: Vec<Account>,
    /// `[mail]`.
    pub mail: Option<MailSettings>,
    /// `[report.cost]`.
    pub cost: Option<CostSettings>,
    /// `[runner]`.
    pub runner: Option<RunnerSettings>,
}

/// How AWS is reached.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Aws {
    /// The regions that are read and written.
    pub regions: Regions,
    /// Calls a second by API operation, such as `PutMetricAlarm`, for accounts whose quota was raised.
    pub rates: BTreeMap<String, Rate>,
}

/// A rate and the place of its key.
#[derive(Clone, Debug, PartialEq)]
pub struct Rate {
    /// Calls a second, above 0.
    pub per_second: f64,
    /// Where the operation is named, for whoever knows the operations.
    pub place: Place,
}

/// The regions of a project.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Regions {
    /// Not said: the region of the caller's profile or environment.
    #[default]
    Default,
    /// `["all"]`: every region that the account has enabled.
    All,
    /// These, each once.
    Listed(Vec<Placed<String>>),
}

impl Regions {
    /// The first that is listed.
    pub fn first(&self) -> Option<&str> {
        match self {
            Self::Listed(regions) => regions.first().map(|region| region.value.as_str()),
            Self::Default | Self::All => None,
        }
    }
}

/// An account that opsform enters by a role.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// What people call it.
    pub name: String,
    /// The role's ARN.
    pub role_arn: String,
    /// The twelve digits in the ARN.
    pub id: String,
    /// The external id that the role's trust policy asks for.
    pub external_id: Option<String>,
    /// Where it is declared.
    pub place: Place,
}

/// Whether a text has the form of a region's code: `ap-northeast-2`, `us-gov-west-1`.
pub fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let Some(((number, area), words)) = parts.split_last().and_then(|(last, rest)| {
        let (first, words) = rest.split_first()?;
        Some(((last, first), words))
    }) else {
        return false;
    };
    let lower = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    (1..=2).contains(&number.len())
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && (2..=4).contains(&area.len())
        && lower(area)
        && (1..=2).contains(&words.len())
        && words.iter().all(lower)
}

/// The settings of all files before they are read.
#[derive(Default)]
pub(super) struct SettingsParts {
    single: BTreeMap<String, Entry>,
    accounts: Vec<Entry>,
}

impl SettingsParts {
    /// Takes a top-level entry. Settings of one kind stand in one place, so that nobody has to look for the rest.
    pub(super) fn add(&mut self, entry: Entry, problems: &mut Diagnostics) {
        if entry.key == "account" {
            self.accounts.push(entry);
            return;
        }
        if let Some(first) = self.single.get(&entry.key) {
            problems.push(
                Diagnostic::error(format!("`[{}]` is given twice", entry.key))
                    .at(entry.key_place)
                    .related(first.key_place.clone(), "first given here")
                    .hint("all files of the folder are one manifest: keep one of the two"),
            );
            return;
        }
        self.single.insert(entry.key.clone(), entry);
    }

    /// Reads everything. `complete` is the place to blame for what is missing, or `None` where a file could not be
    /// read, so that nothing can be called missing.
    pub(super) fn read(&self, complete: Option<Place>, problems: &mut Diagnostics) -> Settings {
        let mut settings = Settings::default();
        match (self.single.get("project"), complete) {
            (Some(entry), _) => {
                let read = with_table(entry, problems, |reader| (max_destroy(reader), project(reader)));
                let (limit, name) = read.unwrap_or_default();
                settings.max_destroy = limit;
                settings.project = name.unwrap_or_default();
            }
            (None, Some(place)) => problems.push(
                Diagnostic::error("the manifest names no project")
                    .at(place)
                    .hint("add `[project]` and below it `name = \"…\"` to one of the files"),
            ),
            (None, None) => {}
        }
        if let Some(entry) = self.single.get("aws") {
            settings.aws = with_table(entry, problems, aws).unwrap_or_default();
        }
        if let Some(entry) = self.single.get("state") {
            settings.state = with_table(entry, problems, state_place).unwrap_or_default();
        }
        if let Some(entry) = self.single.get("mail") {
            let region = settings.aws.regions.first().map(str::to_owned);
            settings.mail = with_table(entry, problems, |reader| mail(reader, region)).flatten();
        }
        if let Some(entry) = self.single.get("runner") {
            settings.runner = with_table(entry, problems, runner);
        }
        for entry in &self.accounts {
            for (table, place) in list_of_tables(entry, problems) {
                let mut reader = TableReader::new("[[account]]", place, table, problems);
                settings.accounts.extend(account(&mut reader));
                reader.finish();
            }
        }
        check_accounts(&settings.accounts, problems);
        if let Some(entry) = self.single.get("report") {
            let (accounts, regions) = (&settings.accounts, &settings.aws.regions);
            settings.cost = with_table(entry, problems, |reader| report(reader, accounts, regions)).flatten();
        }
        settings
    }
}

fn with_table<T>(
    entry: &Entry,
    problems: &mut Diagnostics,
    read: impl FnOnce(&mut TableReader<'_>) -> T,
) -> Option<T> {
    let name = &entry.key;
    let Data::Table(table) = &entry.value.data else {
        problems.push(
            Diagnostic::error(format!("`{name}` is one table, found {}", entry.value.found()))
                .at(entry.value.place.clone())
                .hint(format!("write `[{name}]`")),
        );
        return None;
    };
    let mut reader = TableReader::new(format!("[{name}]"), &entry.value.place, table, problems);
    let value = read(&mut reader);
    reader.finish();
    Some(value)
}

fn project(reader: &mut TableReader<'_>) -> Option<String> {
    let name = reader.required::<String>("name")?;
    let Some(fault) = project_name_fault(&name.value) else { return Some(name.value) };
    reader.problem(
        Diagnostic::error(format!("the project's name {fault}")).at(name.place).hint(PROJECT_NAME_HINT),
    );
    None
}

fn max_destroy(reader: &mut TableReader<'_>) -> Option<DestroyLimit> {
    reader.optional("max_destroy").map(|limit| limit.value)
}

impl FromValue for DestroyLimit {
    fn expected() -> String {
        "a number of resources such as 10, or a part of what is owned such as \"10%\"".to_owned()
    }

    fn from_value(value: &Value, reading: &mut Reading<'_>) -> Option<Self> {
        let limit = match &value.data {
            Data::Integer(number) => usize::try_from(*number).ok().map(Self::Count),
            Data::String(text) => text.parse().ok(),
            _ => None,
        };
        if limit.is_none() {
            reading.unexpected(value, &<Self as FromValue>::expected());
        }
        limit
    }
}

/// What a project's name is used for, and what it may hold.
pub const PROJECT_NAME_HINT: &str =
    "it becomes a tag's value and a file's name: letters, digits, `-`, `_` and `.`";

/// What is wrong with a project's name, as the rest of a sentence: "cannot hold ' '".
pub fn project_name_fault(name: &str) -> Option<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() {
        Some("is empty".to_owned())
    } else if let Some(c) = name.chars().find(|c| !allowed(*c)) {
        Some(format!("cannot hold {c:?}"))
    } else if name.chars().all(|c| c == '.') {
        Some("cannot be dots alone".to_owned())
    } else if name.len() > PROJECT_LENGTH {
        Some(format!("has {} characters, at most {PROJECT_LENGTH} fit", name.len()))
    } else {
        None
    }
}

fn aws(reader: &mut TableReader<'_>) -> Aws {
    Aws { regions: regions(reader), rates: rates(reader) }
}

fn regions(reader: &mut TableReader<'_>) -> Regions {
    let Some(list) = reader.optional::<Vec<Placed<String>>>("regions") else {
        return Regions::Default;
    };
    if list.value.is_empty() {
        reader.problem(Diagnostic::error("`regions` is empty").at(list.place).hint(
            "name at least one region, or `[\"all\"]`, or leave the key out for the caller's own region",
        ));
        return Regions::Default;
    }
    if let [only] = &list.value[..]
        && only.value == "all"
    {
        return Regions::All;
    }
    let mut regions: Vec<Placed<String>> = Vec::new();
    for region in list.value {
        let problem = if region.value == "all" {
            Some(Diagnostic::error("`all` stands alone").hint("write `regions = [\"all\"]`"))
        } else if !is_region(&region.value) {
            Some(
                Diagnostic::error(format!("{:?} is not a region's code", region.value))
                    .hint("codes look like `ap-northeast-2` or `us-gov-west-1`"),
            )
        } else {
            let first = regions.iter().find(|known| known.value == region.value);
            first.map(|first| {
                Diagnostic::error(format!("region `{}` is listed twice", region.value))
                    .related(first.place.clone(), "first listed here")
            })
        };
        match problem {
            Some(problem) => reader.problem(problem.at(region.place)),
            None => regions.push(region),
        }
    }
    Regions::Listed(regions)
}

fn rates(reader: &mut TableReader<'_>) -> BTreeMap<String, Rate> {
    let mut rates = BTreeMap::new();
    let Some(entries) = reader.optional::<Entries<f64>>("rates") else {
        return rates;
    };
    for (operation, rate) in entries.value.0 {
        let name = &operation.value;
        let named = name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !named {
            reader.problem(
                Diagnostic::error(format!("{name:?} is not the name of an API operation"))
                    .at(operation.place)
                    .hint("operations are written as AWS writes them: `PutMetricAlarm`"),
            );
        } else if !(0.01..=10_000.0).contains(&rate.value) {
            reader.problem(
                Diagnostic::error(format!("the rate of `{name}` must be between 0.01 and 10,000"))
                    .at(rate.place)
                    .detail("calls a second"),
            );
        } else {
            let rate = Rate { per_second: rate.value, place: operation.place };
            rates.insert(operation.value, rate);
        }
    }
    rates
}

fn account(reader: &mut TableReader<'_>) -> Option<Account> {
    let name = reader.required::<String>("name");
    let role = reader.required::<String>("role_arn");
    let external_id = reader.optional::<String>("external_id");
    if let Some(name) = &name
        && name.value.trim().is_empty()
    {
        reader.problem(Diagnostic::error("the account's name is empty").at(name.place.clone()));
    }
    let (name, role) = (name?, role?);
    let Some(id) = account_of_role(&role.value) else {
        reader.problem(
            Diagnostic::error(format!("{:?} is not the ARN of a role", role.value))
                .at(role.place)
                .hint("it looks like `arn:aws:iam::111122223333:role/opsform`"),
        );
        return None;
    };
    Some(Account {
        name: name.value,
        id: id.to_owned(),
        role_arn: role.value,
        external_id: external_id.map(|id| id.value),
        place: reader.place().clone(),
    })
}

/// The account in `arn:aws:iam::111122223333:role/name`, or `None` where the text has another form.
fn account_of_role(arn: &str) -> Option<&str> {
    let parts: Vec<&str> = arn.split(':').collect();
    let ["arn", partition, "iam", "", account, role] = parts[..] else {
        return None;
    };
    let digits = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let named = role.strip_prefix("role/").is_some_and(|name| !name.is_empty());
    (partition.starts_with("aws") && digits && named).then_some(account)
}

fn check_accounts(accounts: &[Account], problems: &mut Diagnostics) {
    for (index, account) in accounts.iter().enumerate() {
        let before = &accounts[..index];
        if let Some(first) = before.iter().find(|first| first.name == account.name) {
            problems.push(
                Diagnostic::error(format!("two accounts are named `{}`", account.name))
                    .at(account.place.clone())
                    .related(first.place.clone(), "the first one"),
            );
        } else if let Some(first) = before.iter().find(|first| first.id == account.id) {
            problems.push(
                Diagnostic::error(format!("account {} is given twice", account.id))
                    .at(account.place.clone())
                    .related(first.place.clone(), format!("already here as `{}`", first.name)),
            );
        }
    }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
