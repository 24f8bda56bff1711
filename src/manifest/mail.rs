//! `[mail]`: who gets the mails of an audit, and how they look.

use std::collections::BTreeSet;

use super::mailbox::{Mailbox, is_mail_domain};
use super::reader::{Placed, TableReader};
use super::scalar::checked;
use super::settings::is_region;
use super::suggest::hint_for;
use super::template::Template;
use crate::model::Diagnostic;

/// "Recipients per message: 50" ("Service quotas" in the SES developer guide): of `to` and `cc` together.
const MOST_RECIPIENTS: usize = 50;

/// What the template of a subject may use.
pub const SUBJECT_VARIABLES: [&str; 6] = ["project", "date", "deletes", "changes", "fixes", "owner"];

/// The tag that says who is responsible, where `owner_tag` does not.
const OWNER_TAG: &str = "owner";

/// `[mail]`.
#[derive(Clone, Debug, PartialEq)]
pub struct MailSettings {
    /// The sender; SES must have verified it.
    pub from: Mailbox,
    /// The team, which gets everything in one mail; at least one address.
    pub to: Vec<Mailbox>,
    /// Who gets a copy of the team's mail.
    pub cc: Vec<Mailbox>,
    /// SES's region; `None` for the caller's own, where `[aws]` lists none either.
    pub region: Option<String>,
    /// The subject of every mail; `None` for that of the language. Its variables are [`SUBJECT_VARIABLES`].
    pub subject: Option<Template>,
    /// The language of the mails.
    pub language: Language,
    /// The key of the tag whose value says who is responsible.
    pub owner_tag: String,
    /// What makes an address of a bare user name.
    pub owner_domain: Option<String>,
    /// The domains that owner tags may send mails to, in lower case; each is just itself, without those below it. Where the
    /// manifest names none they are `owner_domain` and those of `from`, `to`, `cc` and `default_owner`.
    pub owner_domains: BTreeSet<String>,
    /// Who gets what has no usable owner; empty where only the team does.
    pub default_owner: Vec<Mailbox>,
    /// Whether each owner gets a mail of their own.
    pub owners: bool,
    /// Whether the team gets a mail also when nothing was found.
    pub when_clean: bool,
    /// The configuration set that SES is to use.
    pub configuration_set: Option<String>,
    /// The user's own HTML template, relative to the file that names it.
    pub template: Option<Placed<String>>,
    /// The user's own text template, relative to the file that names it.
    pub text_template: Option<Placed<String>>,
}

/// A language that mails can be in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Korean.
    Ko,
    /// Japanese.
    Ja,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::En, Self::Ko, Self::Ja];

    /// The code in the manifest and in HTML.
    pub fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ko => "ko",
            Self::Ja => "ja",
        }
    }
}

/// Reads `[mail]`; `region` is the first of `[aws] regions`.
pub(super) fn mail(reader: &mut TableReader<'_>, region: Option<String>) -> Option<MailSettings> {
    let from = reader.required::<Mailbox>("from");
    let (to, cc) = recipients(reader);
    let given_region = reader.optional::<String>("region");
    let subject = subject(reader);
    let language = reader.one_of("language", &Language::ALL.map(|language| (language.code(), language)));
    let owner_tag = reader.optional::<String>("owner_tag");
    let owner_domain = reader.optional::<String>("owner_domain");
    let owner_domains = reader.optional::<Vec<Placed<String>>>("owner_domains");
    let default_owner = reader.optional::<Vec<Placed<Mailbox>>>("default_owner");
    let owners = reader.optional::<bool>("owners");
    let when_clean = reader.optional::<bool>("when_clean");
    let configuration_set = reader.optional::<String>("configuration_set");
    let template = reader.optional::<String>("template");
    let text_template = reader.optional::<String>("text_template");

    let given_region = checked(reader, given_region, is_region, "is not a region's code", REGION_HINT);
    let not_blank = |text: &str| !text.trim().is_empty();
    let owner_tag = checked(reader, owner_tag, not_blank, "is not a tag's key", "leave it out for `owner`");
    let owner_domain = checked(reader, owner_domain, is_mail_domain, "is not a domain", DOMAIN_HINT);
    let set = checked(reader, configuration_set, is_set, "is not a configuration set's name", SET_HINT);
    check_path(reader, template.as_ref());
    check_path(reader, text_template.as_ref());
    let owner_domain = owner_domain.map(|domain| domain.to_ascii_lowercase());
    let default_owner: Vec<Mailbox> =
        default_owner.map(|list| list.value.into_iter().map(|item| item.value).collect()).unwrap_or_default();
    let named = owner_domains.map(|list| domains(reader, list.value));
    let (from, to) = (from?.value, to?);
    let ours = || [&from].into_iter().chain(&to).chain(&cc).chain(&default_owner).map(Mailbox::domain);
    let mut owner_domains = named.unwrap_or_else(|| ours().map(str::to_owned).collect());
    owner_domains.extend(owner_domain.clone());
    Some(MailSettings {
        from,
        to,
        cc,
        region: given_region.or(region),
        subject,
        language: language.map_or_else(Language::default, |language| language.value),
        owner_tag: owner_tag.unwrap_or_else(|| OWNER_TAG.to_owned()),
        owner_domain,
        owner_domains,
        default_owner,
        owners: owners.is_none_or(|owners| owners.value),
        when_clean: when_clean.is_none_or(|when_clean| when_clean.value),
        configuration_set: set,
        template,
        text_template,
    })
}

const REGION_HINT: &str = "codes look like `ap-northeast-2`";
const DOMAIN_HINT: &str = "write what comes after the @, such as `acme.com`";
const SET_HINT: &str = "names have up to 64 letters, digits, `-` and `_`";

/// The domains that are good ones, in lower case.
fn domains(reader: &mut TableReader<'_>, list: Vec<Placed<String>>) -> BTreeSet<String> {
    let good = list
        .into_iter()
        .filter_map(|one| checked(reader, Some(one), is_mail_domain, "is not a domain", DOMAIN_HINT));
    good.map(|domain| domain.to_ascii_lowercase()).collect()
}

fn recipients(reader: &mut TableReader<'_>) -> (Option<Vec<Mailbox>>, Vec<Mailbox>) {
    let to = reader.required::<Vec<Placed<Mailbox>>>("to");
    let cc = reader.optional::<Vec<Placed<Mailbox>>>("cc");
    if let Some(to) = &to
        && to.value.is_empty()
    {
        reader.problem(
            Diagnostic::error("`to` is empty").at(to.place.clone()).hint("name at least one address"),
        );
        return (None, Vec::new());
    }
    let mut known: Vec<Placed<Mailbox>> = Vec::new();
    for one in to.iter().chain(&cc).flat_map(|list| &list.value) {
        if let Some(first) = known.iter().find(|first| first.value.address == one.value.address) {
            reader.problem(
                Diagnostic::error(format!("{} is listed twice", one.value.address))
                    .at(one.place.clone())
                    .related(first.place.clone(), "first listed here"),
            );
        }
        known.push(one.clone());
    }
    if let Some(one) = known.get(MOST_RECIPIENTS) {
        reader.problem(
            Diagnostic::error(format!("SES takes at most {MOST_RECIPIENTS} recipients for one mail"))
                .at(one.place.clone())
                .detail(format!("there are {}", known.len()))
                .hint("`to` and `cc` count together; use the address of a list"),
        );
    }
    let values = |list: Placed<Vec<Placed<Mailbox>>>| list.value.into_iter().map(|one| one.value).collect();
    (to.map(values), cc.map(values).unwrap_or_default())
}

fn subject(reader: &mut TableReader<'_>) -> Option<Template> {
    let text = reader.optional::<String>("subject")?;
    if text.value.trim().is_empty() {
        reader.problem(
            Diagnostic::error("`subject` is empty").at(text.place).hint("leave it out for the usual one"),
        );
        return None;
    }
    let template = match Template::new(&text.value, text.place.clone()) {
        Ok(template) => template,
        Err(fault) => {
            reader.problem(*fault);
            return None;
        }
    };
    for variable in template.variables() {
        if !SUBJECT_VARIABLES.contains(&&**variable) {
            reader.problem(
                Diagnostic::error(format!("`subject`: there is no variable `{variable}`"))
                    .at(text.place.clone())
                    .hint(hint_for(variable, &SUBJECT_VARIABLES, "variables")),
            );
        }
    }
    Some(template)
}

/// "The name … can contain up to 64 alphanumeric characters, including letters, numbers, hyphens (-) and underscores (_)
/// only" ("`CreateConfigurationSet`" in the SES API v2 reference).
fn is_set(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

fn check_path(reader: &mut TableReader<'_>, path: Option<&Placed<String>>) {
    if let Some(path) = path
        && path.value.trim().is_empty()
    {
        reader.problem(
            Diagnostic::error("the template's path is empty")
                .at(path.place.clone())
                .hint("leave the key out for opsform's own template"),
        );
    }
}

#[cfg(test)]
#[path = "mail_tests.rs"]
mod tests;
