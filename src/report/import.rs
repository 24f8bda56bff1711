//! Alarms that exist, as declarations that a person may review: those that differ only by their target become one
//! template.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use toml::Value;

use crate::inventory::{Fleet, Target};
use crate::model::Scope;
use crate::resources::metric_alarm::{MetricAlarm, TreatMissingData};

/// An alarm that exists and that no opsform project owns.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundAlarm {
    /// Account and region.
    pub scope: Scope,
    /// The alarm's name.
    pub name: String,
    /// What it is; or the features that cannot be declared.
    pub alarm: Result<MetricAlarm, String>,
}

/// Where the declarations will be applied.
#[derive(Clone, Debug)]
pub struct Surroundings<'a> {
    /// All targets of the manifest's accounts and regions, also of those whose alarms are not looked at.
    pub fleet: &'a Fleet,
    /// The manifest's accounts and regions.
    pub scopes: &'a [Scope],
    /// Labels that are taken.
    pub labels: BTreeSet<String>,
}

/// A manifest file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declarations {
    /// The file's text.
    pub text: String,
    /// How many alarms it declares.
    pub declared: usize,
    /// How many it only mentions, with the reason.
    pub left_out: usize,
}

/// The declarations of a set of alarms, as a manifest file. Applying it adopts them, changes none and makes none.
///
/// What is put into a template is put back and compared, letter by letter, before it counts: an alarm that a template
/// would not make just as it is gets a declaration of its own. An alarm that no declaration can make without making
/// others, too, or that cannot be declared at all, becomes a comment that says why.
pub fn declarations(found: &[FoundAlarm], surroundings: Surroundings<'_>) -> Declarations {
    let Surroundings { fleet, scopes, mut labels } = surroundings;
    let mut groups: BTreeMap<Shape, Vec<Member<'_>>> = BTreeMap::new();
    let mut left_out = Vec::new();
    for alarm in found {
        match shape(alarm, fleet) {
            Ok((shape, target)) => groups.entry(shape).or_default().push(Member { alarm, target }),
            Err(why) => left_out.push((alarm, why)),
        }
    }
    let mut text = String::from(
        "# Written by `opsform import --live`. Review it: rename the labels, and widen `for_each` from ids to tags where\n\
         # every instance of a sort should have the alarm. Applying it as it is adopts these alarms and changes none.\n",
    );
    for (shape, members) in groups {
        let (fitting, others) = fitting(members, fleet, scopes);
        left_out.extend(others);
        if !fitting.is_empty() {
            text.push('\n');
            text.push_str(&declaration(&shape, &fitting, &mut labels));
        }
    }
    for (alarm, why) in &left_out {
        let name = Value::from(alarm.name.as_str());
        let _ = write!(text, "\n# Left out: {name} in {}: {why}.\n", alarm.scope);
    }
    Declarations { text, declared: found.len() - left_out.len(), left_out: left_out.len() }
}

/// What the alarms of one declaration have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Shape {
    attached: Attached,
    /// The keys of the block with their values as TOML, in the order of the block.
    keys: Vec<(&'static str, String)>,
}

/// What a declaration attaches its alarms to. There is no word for an account: it is always all of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Attached {
    /// Targets of a kind, wherever they are.
    Targets(&'static str),
    /// A region, in each account.
    Region(String),
}

/// An alarm with its target.
struct Member<'a> {
    alarm: &'a FoundAlarm,
    target: Option<&'a Target>,
}

impl<'a> Member<'a> {
    /// The places where a declaration that makes this alarm makes one.
    fn places(&self, fleet: &'a Fleet, scopes: &'a [Scope]) -> Vec<&'a Scope> {
        match self.target {
            Some(target) => {
                let same = fleet.of_kind(target.kind).filter(|other| other.id == target.id);
                same.map(|target| &target.scope).collect()
            }
            None => scopes.iter().filter(|scope| scope.region == self.alarm.scope.region).collect(),
        }
    }

    fn target_id(&self) -> Option<&'a str> {
        self.target.map(|target| target.id.as_str())
    }
}

/// The members that a declaration makes without making more than is there, and the others, each with the reason.
fn fitting<'a>(
    members: Vec<Member<'a>>,
    fleet: &'a Fleet,
    scopes: &'a [Scope],
) -> (Vec<Member<'a>>, Vec<(&'a FoundAlarm, String)>) {
    let there: BTreeSet<(&Scope, Option<&str>)> =
        members.iter().map(|member| (&member.alarm.scope, member.target_id())).collect();
    let mut others = Vec::new();
    let mut fitting = Vec::new();
    for member in members {
        let missing = |scope: &&&Scope| !there.contains(&(**scope, member.target_id()));
        match member.places(fleet, scopes).iter().find(missing) {
            Some(scope) => others.push((member.alarm, would_make(&member, scope))),
            None => fitting.push(member),
        }
    }
    (fitting, others)
}

fn would_make(member: &Member<'_>, scope: &Scope) -> String {
    match member.target_id() {
        Some(id) => format!(
            "`ids` selects `{id}` in every account and region, and {scope} has one, too, without the same alarm to adopt"
        ),
        None => format!(
            "a declaration makes a region's alarm in every account, and {scope} has not the same alarm to adopt"
        ),
    }
}

fn shape<'a>(found: &FoundAlarm, fleet: &'a Fleet) -> Result<(Shape, Option<&'a Target>), String> {
    let alarm = match &found.alarm {
        Ok(alarm) => alarm,
        Err(what) => return Err(format!("it uses {what}, which cannot be declared yet")),
    };
    if texts(found, alarm).any(|text| ["{{", "{%", "{#"].iter().any(|mark| text.contains(mark))) {
        return Err("its texts hold the marks of a template".to_owned());
    }
    let target = fleet.iter().find(|target| {
        target.scope == found.scope && alarm.dimensions.get(target.kind.dimension()) == Some(&target.id)
    });
    let words = Words { scope: &found.scope, target };
    let attached = match target {
        Some(target) => Attached::Targets(target.kind.name()),
        None => Attached::Region(found.scope.region.clone()),
    };
    Ok((Shape { attached, keys: keys(found, alarm, &words) }, target))
}

/// All texts of an alarm that a declaration takes for templates.
fn texts<'a>(found: &'a FoundAlarm, alarm: &'a MetricAlarm) -> impl Iterator<Item = &'a String> {
    let actions = [&alarm.alarm_actions, &alarm.ok_actions, &alarm.insufficient_data_actions];
    [&found.name, &alarm.namespace, &alarm.metric, &alarm.statistic.0]
        .into_iter()
        .chain(&alarm.unit)
        .chain(&alarm.description)
        .chain(alarm.dimensions.iter().flat_map(|(name, value)| [name, value]))
        .chain(actions.into_iter().flatten())
}

/// Every key whose value is not the default.
fn keys(found: &FoundAlarm, alarm: &MetricAlarm, words: &Words<'_>) -> Vec<(&'static str, String)> {
    let text = |value: &str| Value::from(value).to_string();
    let mut keys = vec![
        ("name", text(&words.template(&found.name))),
        ("namespace", text(&alarm.namespace)),
        ("metric", text(&alarm.metric)),
        ("dimensions", table(alarm.dimensions.iter().map(|(name, value)| (name, words.template(value))))),
        ("statistic", text(&alarm.statistic.0)),
        ("period", alarm.period.to_string()),
        ("evaluation_periods", alarm.evaluation_periods.to_string()),
        ("datapoints_to_alarm", alarm.datapoints_to_alarm.to_string()),
        ("comparison", text(alarm.comparison.sign())),
        ("threshold", Value::from(alarm.threshold).to_string()),
    ];
    if let Some(unit) = &alarm.unit {
        keys.push(("unit", text(unit)));
    }
    if alarm.treat_missing_data != TreatMissingData::Missing {
        keys.push(("treat_missing_data", text(alarm.treat_missing_data.name())));
    }
    if let Some(word) = &alarm.evaluate_low_sample_count_percentile {
        keys.push(("evaluate_low_sample_count_percentile", text(word)));
    }
    if !alarm.actions_enabled {
        keys.push(("actions_enabled", "false".to_owned()));
    }
    for (key, arns) in [
        ("alarm_actions", &alarm.alarm_actions),
        ("ok_actions", &alarm.ok_actions),
        ("insufficient_data_actions", &alarm.insufficient_data_actions),
    ] {
        if !arns.is_empty() {
            let arns = arns.iter().map(|arn| Value::from(words.place(arn))).collect::<Vec<_>>();
            keys.push((key, Value::from(arns).to_string()));
        }
    }
    if let Some(description) = &alarm.description {
        keys.push(("description", text(&words.template(description))));
    }
    keys
}

fn table<'a>(entries: impl Iterator<Item = (&'a String, String)>) -> String {
    let entries =
        entries.map(|(name, value)| format!("{} = {}", Value::from(name.as_str()), Value::from(value)));
    format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
}

/// The words of one alarm that a template can stand for.
struct Words<'a> {
    scope: &'a Scope,
    target: Option<&'a Target>,
}

impl Words<'_> {
    /// The text with the target's id and name as variables, if that gives the text back.
    fn template(&self, text: &str) -> String {
        let Some(target) = self.target else { return text.to_owned() };
        let template = text.replace(&target.id, "{{ id }}");
        // A short name would be found within other words.
        let named = target.name != target.id && target.name.len() > 2;
        let template = if named { replace_words(&template, &target.name, "{{ name }}") } else { template };
        let back = template.replace("{{ id }}", &target.id).replace("{{ name }}", &target.name);
        if back == text { template } else { text.to_owned() }
    }

    /// An ARN with the alarm's own region and account as variables.
    fn place(&self, arn: &str) -> String {
        let place = format!(":{}:{}:", self.scope.region, self.scope.account);
        arn.replacen(&place, ":{{ region }}:{{ account }}:", 1)
    }
}

/// Replaces a word where it stands as one: `web-1` in `web-1: CPU`, not in `web-10: CPU`.
fn replace_words(text: &str, word: &str, with: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let after = &rest[at + word.len()..];
        let before = rest[..at].chars().next_back().or_else(|| out.chars().next_back());
        let within = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        out.push_str(&rest[..at]);
        out.push_str(if within(before) || within(after.chars().next()) { word } else { with });
        rest = after;
    }
    out + rest
}

fn declaration(shape: &Shape, members: &[Member<'_>], labels: &mut BTreeSet<String>) -> String {
    let metric = shape.keys.iter().find(|(key, _)| *key == "metric").map_or("", |(_, metric)| metric);
    let mut text = String::from("[[alarm]]\n");
    let _ = writeln!(text, "label = \"{}\"", label(metric, labels));
    match &shape.attached {
        Attached::Targets(kind) => {
            let ids: BTreeSet<&str> = members.iter().filter_map(Member::target_id).collect();
            let ids: Vec<Value> = ids.into_iter().map(Value::from).collect();
            let _ = writeln!(text, "for_each = {{ {kind} = {{ ids = {} }} }}", Value::from(ids));
        }
        Attached::Region(region) => {
            let _ = writeln!(text, "region = \"{region}\"");
        }
    }
    for (key, value) in &shape.keys {
        let _ = writeln!(text, "{key} = {value}");
    }
    text.push_str("adopt = true\n");
    text
}

/// `"StatusCheckFailed"` → `status-check-failed`, and `status-check-failed-2` the second time.
fn label(metric: &str, labels: &mut BTreeSet<String>) -> String {
    let mut label = String::new();
    let mut previous = ' ';
    for c in metric.chars().filter(|c| *c != '"') {
        if c.is_ascii_uppercase() && previous.is_ascii_lowercase() {
            label.push('-');
        }
        label.push(if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' });
        previous = c;
    }
    let base = if label.is_empty() { "alarm".to_owned() } else { label };
    let numbered = (2..).map(|number| format!("{base}-{number}"));
    let free = std::iter::once(base.clone()).chain(numbered).find(|label| !labels.contains(label));
    let free = free.unwrap_or(base);
    labels.insert(free.clone());
    free
}

#[cfg(test)]
mod tests;
