//! The keys of a `[[tags]]` block.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use regex::Regex;

use super::requirement::{Requirement, ValueRule};
use crate::declarations::dates::DateFormats;
use crate::declarations::patterns::pattern;
use crate::declarations::{Context, ForEach, timezone};
use crate::inventory::{NameGlob, TagMatch, TargetKind};
use crate::manifest::{Entries, Placed, Seconds, TableReader};
use crate::model::{Diagnostic, Place};

/// "Tag restrictions" in the EC2 user guide: a key has 1 to 128 characters, and `aws:` is reserved.
const KEY_LENGTH: usize = 128;

/// "Tag restrictions" in the EC2 user guide: a value has up to 256 characters.
pub(super) const VALUE_LENGTH: usize = 256;

/// A whole block.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) for_each: ForEach,
    pub(super) timezone: TimeZone,
    pub(super) requirements: Vec<Requirement>,
    pub(super) exemptions: Vec<Exemption>,
    /// How long after its creation a resource may be without its tags.
    pub(super) grace: Option<Seconds>,
    /// Whether the plan corrects spellings.
    pub(super) normalize: bool,
    pub(super) allow_empty: bool,
}

/// Targets that the rules leave alone until a day.
#[derive(Debug)]
pub(super) struct Exemption {
    pub(super) ids: Vec<String>,
    pub(super) names: Vec<NameGlob>,
    pub(super) tags: Vec<(String, TagMatch)>,
    /// The last day.
    pub(super) until: Date,
}

impl Block {
    /// Reads every key but `label`.
    pub(super) fn read(reader: &mut TableReader<'_>, context: &Context<'_>) -> Option<Self> {
        let for_each = ForEach::read_targets(reader, context.inventories);
        if reader.place_of("for_each").is_none() {
            let hint = "write `for_each = { ec2 = {}, ebs = {}, rds = {}, rds_cluster = {} }`";
            reader.problem(
                Diagnostic::error("tag rules need `for_each`: what must carry the tags")
                    .at(reader.place().clone())
                    .hint(hint),
            );
        }
        let timezone = timezone::read(reader);
        let grace = grace(reader);
        let normalize = reader.flag("normalize");
        let mut requirements: Vec<(Requirement, Place)> = Vec::new();
        let given = reader.key_place("require").is_some();
        let databases = for_each
            .as_ref()
            .is_some_and(|for_each| has(for_each, &[TargetKind::Rds, TargetKind::RdsCluster]));
        let instances = for_each.as_ref().is_none_or(|for_each| has(for_each, &[TargetKind::Ec2]));
        reader.each_entry("require", |key, reader| {
            let read = requirement(key, databases, instances, reader);
            if let Some(read) = &read {
                check_against(read, &key.place, &requirements, reader);
            }
            requirements.extend(read.map(|read| (read, key.place.clone())));
        });
        if !given || requirements.is_empty() && reader.table_is_empty("require") {
            reader.problem(
                Diagnostic::error("tag rules require no tag")
                    .at(reader.place().clone())
                    .hint("add `require.Name = {}` or another key"),
            );
        }
        let mut exemptions = Vec::new();
        reader.each_item("exempt", |reader| exemptions.extend(exemption(reader)));
        let allow_empty = reader.flag("allow_empty");
        Some(Self {
            for_each: for_each?,
            timezone: timezone?,
            requirements: requirements.into_iter().map(|(requirement, _)| requirement).collect(),
            exemptions,
            grace,
            normalize,
            allow_empty,
        })
    }
}

fn has(for_each: &ForEach, kinds: &[TargetKind]) -> bool {
    for_each.selectors.iter().any(|selector| kinds.contains(&selector.kind))
}

/// How long a resource may be without its tags; plain digits would be seconds, which nobody means.
fn grace(reader: &mut TableReader<'_>) -> Option<Seconds> {
    const LEAST: u32 = 3_600;
    let grace = reader.optional::<Seconds>("grace")?;
    if grace.value.0 < LEAST {
        let problem = Diagnostic::error("`grace` must be at least an hour").at(grace.place);
        reader.problem(problem.hint("write it with its unit: `\"12h\"` or `\"3d\"`"));
        return None;
    }
    Some(grace.value)
}

/// Two requirements that mean the same tag would take it from each other.
fn check_against(
    requirement: &Requirement,
    place: &Place,
    others: &[(Requirement, Place)],
    reader: &mut TableReader<'_>,
) {
    for (other, first) in others {
        let Some(shared) = requirement.meets(other).or_else(|| other.meets(requirement)) else { continue };
        let summary = format!("`{}` and `{}` both mean the tag {shared:?}", other.key, requirement.key);
        reader.problem(
            Diagnostic::error(summary)
                .at(place.clone())
                .related(first.clone(), "the other one")
                .hint("keys and aliases of a block are told apart by more than blanks and case"),
        );
    }
}

fn requirement(
    key: &Placed<String>,
    databases: bool,
    instances: bool,
    reader: &mut TableReader<'_>,
) -> Option<Requirement> {
    let aliases =
        reader.optional::<Vec<Placed<String>>>("aliases").map(|list| list.value).unwrap_or_default();
    for word in std::iter::once(key).chain(&aliases) {
        if let Some(fault) = key_fault(&word.value, databases) {
            let problem = Diagnostic::error(format!("{:?} cannot be a tag's key: {fault}", word.value));
            reader.problem(problem.at(word.place.clone()));
        }
    }
    let case_insensitive = reader.flag("case_insensitive");
    let value = value_rule(reader);
    let default = reader.optional("default");
    let value = value?;
    if let (ValueRule::Date { stop: true, .. }, false) = (&value, instances) {
        let place = reader.place_of("expired").unwrap_or(&key.place).clone();
        let problem = Diagnostic::error("`expired = \"stop\"` stops instances, and `for_each` selects none");
        reader
            .problem(problem.at(place).hint("add `ec2 = {}` to `for_each`, or write `expired = \"report\"`"));
    }
    if let Some(Placed { value: default, place }) = &default {
        let literal: Option<&String> = crate::manifest::Templated::literal(default);
        let fault = literal.and_then(|text| default_fault(text, &value));
        if let Some(fault) = fault {
            reader.problem(
                Diagnostic::error(fault).at(place.clone()).hint("give a default that the rule accepts"),
            );
        }
    }
    Some(Requirement {
        key: key.value.clone(),
        aliases: aliases.into_iter().map(|alias| alias.value).collect(),
        case_insensitive,
        value,
        default,
    })
}

/// What a tag's key cannot be. RDS takes fewer characters than EC2 ("Tagging Amazon RDS resources" in the RDS user guide).
fn key_fault(key: &str, databases: bool) -> Option<&'static str> {
    let of_rds = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c);
    if databases && !key.chars().all(of_rds) {
        return Some("RDS takes letters, digits, blanks and `_ . : / = + - @`");
    }
    if key.is_empty() || key.chars().count() > KEY_LENGTH {
        return Some("it must have 1 to 128 characters");
    }
    if key.trim() != key {
        return Some("it must not begin or end with a blank");
    }
    if databases && key.to_lowercase().starts_with("rds:") {
        return Some("RDS reserves `rds:`");
    }
    let reserved = ["aws:", "opsform:"].iter().any(|prefix| key.to_lowercase().starts_with(prefix));
    reserved.then_some("`aws:` and `opsform:` are reserved")
}

/// What a default that every target would get is not allowed to be.
fn default_fault(text: &str, rule: &ValueRule) -> Option<String> {
    if text.chars().count() > VALUE_LENGTH {
        return Some(format!("a tag's value has at most {VALUE_LENGTH} characters"));
    }
    // Days come and go: a date is looked at when it is used.
    let fits = match rule {
        ValueRule::Any | ValueRule::Date { .. } => !text.trim().is_empty(),
        ValueRule::Pattern(pattern) => pattern.is_match(text),
        ValueRule::OneOf(values) => values.iter().any(|value| value == text),
    };
    (!fits).then(|| format!("the default {text:?} is not a value that the rule accepts"))
}

/// `pattern`, `one_of` or `format`, of which a tag has one at the most.
fn value_rule(reader: &mut TableReader<'_>) -> Option<ValueRule> {
    let pattern = reader.optional::<String>("pattern");
    let one_of = reader.optional::<Vec<Placed<String>>>("one_of");
    let format = reader.one_of("format", &[("date", ())]);
    let date_formats = reader.optional::<Vec<Placed<String>>>("date_formats");
    let max_ahead = reader.optional::<Seconds>("max_ahead");
    let expired = reader.one_of("expired", &[("report", false), ("stop", true)]);
    let given: Vec<(&str, Place)> = [
        ("pattern", pattern.as_ref().map(|p| &p.place)),
        ("one_of", one_of.as_ref().map(|o| &o.place)),
        ("format", format.as_ref().map(|f| &f.place)),
    ]
    .into_iter()
    .filter_map(|(key, place)| Some((key, place?.clone())))
    .collect();
    if let [(first, _), (second, place), ..] = &given[..] {
        let problem = Diagnostic::error(format!("`{second}` does not go with `{first}`"));
        reader.problem(
            problem.at(place.clone()).hint("a value is held to one of `pattern`, `one_of` and `format`"),
        );
        return None;
    }
    if format.is_none() {
        let dates = [
            ("date_formats", date_formats.as_ref().map(|list| &list.place)),
            ("max_ahead", max_ahead.as_ref().map(|days| &days.place)),
            ("expired", expired.as_ref().map(|expired| &expired.place)),
        ];
        for (key, place) in dates.into_iter().filter_map(|(key, place)| Some((key, place?.clone()))) {
            let problem = Diagnostic::error(format!("`{key}` goes with dates")).at(place);
            reader.problem(problem.hint("add `format = \"date\"`"));
        }
    }
    if let Some(pattern) = pattern {
        return regex(reader, &pattern).map(ValueRule::Pattern);
    }
    if let Some(values) = one_of {
        return list_of_values(reader, values).map(ValueRule::OneOf);
    }
    if format.is_none() {
        return Some(ValueRule::Any);
    }
    let formats = match date_formats {
        None => Some(DateFormats::default()),
        Some(list) => formats(reader, list),
    };
    let max_ahead = match max_ahead {
        None => Some(None),
        Some(ahead) => whole_days(reader, &ahead).map(Some),
    };
    Some(ValueRule::Date {
        formats: formats?,
        max_ahead: max_ahead?,
        stop: expired.is_some_and(|expired| expired.value),
    })
}

fn regex(reader: &mut TableReader<'_>, pattern: &Placed<String>) -> Option<Regex> {
    match Regex::new(&pattern.value) {
        Ok(regex) => Some(regex),
        Err(error) => {
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            let problem = Diagnostic::error(format!("`pattern` is not a regular expression: {reason}"));
            reader.problem(problem.at(pattern.place.clone()));
            None
        }
    }
}

fn list_of_values(reader: &mut TableReader<'_>, values: Placed<Vec<Placed<String>>>) -> Option<Vec<String>> {
    if values.value.is_empty() {
        let problem = Diagnostic::error("`one_of` is an empty list, so that no value would be allowed");
        reader.problem(problem.at(values.place));
        return None;
    }
    Some(values.value.into_iter().map(|value| value.value).collect())
}

fn formats(reader: &mut TableReader<'_>, list: Placed<Vec<Placed<String>>>) -> Option<DateFormats> {
    if list.value.is_empty() {
        reader.problem(Diagnostic::error("`date_formats` is an empty list").at(list.place));
        return None;
    }
    let places: Vec<Place> = list.value.iter().map(|format| format.place.clone()).collect();
    let texts: Vec<String> = list.value.into_iter().map(|format| format.value).collect();
    match DateFormats::new(texts.clone()) {
        Ok(formats) => Some(formats),
        Err((index, fault)) => {
            let problem = Diagnostic::error(format!("{:?} is not the form of a date: {fault}", texts[index]));
            let hint = "write it as strftime does, with year, month and day: `%d.%m.%Y`";
            reader.problem(problem.at(places[index].clone()).hint(hint));
            None
        }
    }
}

fn whole_days(reader: &mut TableReader<'_>, ahead: &Placed<Seconds>) -> Option<i32> {
    const DAY: u32 = 86_400;
    let days = i32::try_from(ahead.value.0 / DAY).ok().filter(|_| ahead.value.0.is_multiple_of(DAY));
    if days.is_none() {
        let problem = Diagnostic::error("`max_ahead` must be whole days").at(ahead.place.clone());
        reader.problem(problem.hint("dates have no hours: write `\"3d\"`"));
    }
    days
}

fn exemption(reader: &mut TableReader<'_>) -> Option<Exemption> {
    let ids = reader.optional::<Vec<Placed<String>>>("ids");
    let names = reader.optional::<Vec<Placed<String>>>("names");
    let tags = reader.optional::<Entries<TagMatch>>("tags");
    let until = reader.required::<String>("until");
    // Whoever reads the manifest a year later wants to know.
    let reason = reader.required::<String>("reason");
    let mut globs = Vec::new();
    for name in names.into_iter().flat_map(|names| names.value) {
        match pattern(&name) {
            Ok(glob) => globs.push(glob),
            Err(fault) => reader.problem(*fault),
        }
    }
    for id in ids.iter().flat_map(|ids| &ids.value).filter(|id| id.value.contains(['*', '?'])) {
        let problem = Diagnostic::error(format!("{:?} is not an id", id.value)).at(id.place.clone());
        reader.problem(problem.hint("globs go into `names`"));
    }
    let ids: Vec<String> = ids.into_iter().flat_map(|ids| ids.value).map(|id| id.value).collect();
    let tags: Vec<(String, TagMatch)> = tags
        .into_iter()
        .flat_map(|tags| tags.value.0)
        .map(|(key, wanted)| (key.value, wanted.value))
        .collect();
    if ids.is_empty() && globs.is_empty() && tags.is_empty() {
        let problem = Diagnostic::error("an exemption names nothing").at(reader.place().clone());
        reader.problem(problem.hint("add `ids`, `names` or `tags`"));
    }
    let until = until?;
    let Ok(date) = until.value.parse::<Date>() else {
        let problem = Diagnostic::error(format!("{:?} is not a date", until.value)).at(until.place);
        reader.problem(problem.hint("write it as `2026-12-31`; that is the last day of the exemption"));
        return None;
    };
    reason?;
    Some(Exemption { ids, names: globs, tags, until: date })
}
