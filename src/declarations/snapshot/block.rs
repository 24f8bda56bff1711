//! The keys of a `[[snapshot]]` block.

use jiff::SignedDuration;
use jiff::tz::TimeZone;

use super::age::Age;
use super::window::{self, Window};
use crate::cron::Expression;
use crate::declarations::engine::{self, Engine};
use crate::declarations::{Context, ForEach, TextTemplate, timetable, timezone};
use crate::inventory::TargetKind;
use crate::manifest::{Entries, FromValue, Placed, Reading, Scalar, TableReader, Template, Templated, Value};
use crate::model::{Diagnostic, Place};

/// "Tag restrictions" in the EC2 user guide: a key has 1 to 128 characters.
const KEY_LENGTH: usize = 128;

/// "Tag restrictions" in the EC2 user guide: 50 tags a resource, of which opsform sets three itself.
const TAGS: usize = 47;

/// A whole block.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) for_each: ForEach,
    pub(super) taker: Taker,
    /// `cron(…)` or `rate(…)` as the manifest has it, in the block's zone.
    pub(super) written: String,
    /// As AWS gets it: of a rule in UTC.
    pub(super) schedule: String,
    pub(super) timezone: TimeZone,
    /// How late a schedule may fire, where the manifest says it.
    pub(super) window: Option<Window>,
    /// How many generations are kept; 0 for all.
    pub(super) keep: Option<Placed<Templated<u32>>>,
    /// How old a generation must be to go.
    pub(super) keep_for: Option<Placed<Templated<Age>>>,
    /// The role that takes the snapshots.
    pub(super) role: TextTemplate,
    /// The tag `Name` of the snapshots.
    pub(super) name: Option<TextTemplate>,
    pub(super) description: Option<TextTemplate>,
    pub(super) tags: Vec<(Placed<String>, TextTemplate)>,
    pub(super) when_volume_gone: WhenGone,
    pub(super) adopt: bool,
    pub(super) protect: bool,
    pub(super) allow_empty: bool,
}

/// What takes the snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taker {
    /// A schedule for each volume.
    VolumeSchedule,
    /// A schedule for each instance, which takes its volumes at one moment: `consistent = true`.
    InstanceSchedule,
    /// A rule for each instance, with a target for each volume: `engine = "rule"`.
    Rule,
}

impl Taker {
    /// The key `engine`.
    pub(super) fn engine(self) -> Engine {
        if self == Self::Rule { Engine::Rule } else { Engine::Scheduler }
    }
}

/// What becomes of the snapshots of a volume that is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum WhenGone {
    /// They stay.
    #[default]
    Keep,
    /// They go so long after the last one was taken.
    DeleteAfter(Age),
}

impl FromValue for WhenGone {
    fn expected() -> String {
        "\"keep\" or \"delete_after 30d\"".to_owned()
    }

    fn from_value(value: &Value, reading: &mut Reading<'_>) -> Option<Self> {
        let read = value.as_str().and_then(|text| match text.split_once(' ') {
            None if text == "keep" => Some(Self::Keep),
            Some(("delete_after", age)) => Age::from_text(age).ok().map(Self::DeleteAfter),
            _ => None,
        });
        if read.is_none() {
            reading.unexpected(value, &Self::expected());
        }
        read
    }
}

impl Block {
    /// Reads every key but `label`.
    pub(super) fn read(reader: &mut TableReader<'_>, context: &Context<'_>) -> Option<Self> {
        let for_each = for_each(reader, context);
        let engine = Engine::read(reader);
        let written = schedule(reader);
        let timezone = timezone::read(reader);
        let schedule = match (engine, &written, &timezone) {
            (Engine::Scheduler, written, _) => written.as_ref().map(|written| written.value.clone()),
            (Engine::Rule, Some(written), Some(timezone)) => of_rule(reader, written, timezone),
            (Engine::Rule, _, _) => None,
        };
        let window = reader.optional("flexible_window");
        let hint = "write a number of generations, or a template such as \"{{ tags.Daily_Gens }}\"; 0 keeps them all";
        let keep = reader.hinting(hint, |reader| reader.optional("keep"));
        let keep_for = reader.optional("keep_for");
        let consistent = reader.flag("consistent");
        let role = timetable::role(reader);
        let name = reader.optional("name");
        let description = reader.optional("description");
        let tags = reader
            .optional::<Entries<Templated<String>>>("tags")
            .map(|tags| tags.value.0)
            .unwrap_or_default();
        check_keys(reader, &tags);
        let hint = "write how long they stay after the last one: `when_volume_gone = \"delete_after 30d\"`";
        let when_volume_gone = reader
            .hinting(hint, |reader| reader.optional::<WhenGone>("when_volume_gone"))
            .map(|when| when.value)
            .unwrap_or_default();
        let adopt = reader.flag("adopt");
        let protect = reader.flag("protect");
        let allow_empty = reader.flag("allow_empty");
        if engine == Engine::Rule {
            refuse_with_rules(reader, consistent, description.is_some(), window.is_some());
        }
        Some(Self {
            for_each: for_each?,
            taker: match (engine, consistent) {
                (Engine::Rule, _) => Taker::Rule,
                (Engine::Scheduler, true) => Taker::InstanceSchedule,
                (Engine::Scheduler, false) => Taker::VolumeSchedule,
            },
            written: written?.value,
            schedule: schedule?,
            timezone: timezone?,
            window: window.map(|window| window.value),
            keep,
            keep_for,
            role: role?,
            name,
            description,
            tags,
            when_volume_gone,
            adopt,
            protect,
            allow_empty,
        })
    }

    /// The templates about what a volume keeps, each with its field.
    pub(super) fn templates_of_volumes(&self) -> Vec<(String, &Template)> {
        let all = [of("keep", self.keep.as_ref()), of("keep_for", self.keep_for.as_ref())];
        all.into_iter().flatten().collect()
    }

    /// The templates of what snapshots are given, each with its field.
    pub(super) fn templates_of_snapshots(&self) -> Vec<(String, &Template)> {
        let mut all = vec![of("name", self.name.as_ref()), of("description", self.description.as_ref())];
        all.extend(self.tags.iter().map(|(key, text)| of(&format!("tags.{}", key.value), Some(text))));
        all.into_iter().flatten().collect()
    }
}

fn of<'a, T: Scalar>(field: &str, value: Option<&'a Placed<Templated<T>>>) -> Option<(String, &'a Template)> {
    Some((field.to_owned(), value?.value.template()?))
}

/// The volumes.
fn for_each(reader: &mut TableReader<'_>, context: &Context<'_>) -> Option<ForEach> {
    let hint = "write `for_each = { ebs = {} }` for all volumes";
    if reader.place_of("for_each").is_none() {
        let problem = Diagnostic::error("snapshots need `for_each`: the volumes to take them of");
        reader.problem(problem.at(reader.place().clone()).hint(hint));
    }
    let for_each = ForEach::read_targets(reader, context.inventories)?;
    if let Some(other) = for_each.selectors.iter().find(|selector| selector.kind != TargetKind::Ebs) {
        let what = other.kind.plural();
        reader.problem(
            Diagnostic::error(format!("snapshots are taken of volumes, and not of {what}"))
                .at(for_each.place.clone())
                .hint(hint),
        );
        return None;
    }
    Some(for_each)
}

/// What a rule cannot do.
fn refuse_with_rules(reader: &mut TableReader<'_>, consistent: bool, description: bool, window: bool) {
    let mut refuse = |key: &str, why: &str| {
        let place = reader.place_of(key).unwrap_or(reader.place()).clone();
        let problem = Diagnostic::error(format!("`{key}` needs `engine = \"scheduler\"`: {why}"));
        reader
            .problem(problem.at(place).hint("leave it out, or let EventBridge Scheduler take the snapshots"));
    };
    if consistent {
        refuse("consistent", "the target of a rule takes one volume");
    }
    if window {
        refuse("flexible_window", "a rule fires on the minute");
    }
    if description {
        refuse("description", "a rule gives its snapshots none, and it cannot be set afterwards");
    }
}

/// The expression of a rule. Only what fires now and then makes snapshots that can be told from those of people.
fn of_rule(reader: &mut TableReader<'_>, written: &Placed<String>, timezone: &TimeZone) -> Option<String> {
    let mut refuse = |why: &str| {
        let problem = Diagnostic::error(format!("`schedule`: with `engine = \"rule\"` {why}"));
        let hint = "a rule's snapshots come without tags and are known by their time; `engine = \"scheduler\"` tags them";
        reader.problem(problem.at(written.place.clone()).hint(hint));
    };
    match Expression::parse(&written.value).ok()? {
        frequent @ Expression::Cron(_) if is_frequent(&frequent) => {
            refuse("an hour at least must be between two times");
            None
        }
        Expression::Cron(_) => {
            let offset = engine::offset(reader, timezone)?;
            engine::in_utc(reader, "schedule", written, offset)
        }
        Expression::Rate(_) | Expression::At(_) => {
            refuse("only `cron(…)` will do: nobody knows from when a rule counts");
            None
        }
    }
}

/// Whether two of the first times of an expression are less than an hour apart.
fn is_frequent(expression: &Expression) -> bool {
    window::interval(expression).is_some_and(|between| between < SignedDuration::from_hours(1))
}

fn schedule(reader: &mut TableReader<'_>) -> Option<Placed<String>> {
    if reader.key_place("schedule").is_none() {
        let problem = Diagnostic::error("[[snapshot]] has no `schedule`").at(reader.place().clone());
        reader.problem(problem.hint("write `schedule = \"cron(30 9 * * ? *)\"` or `\"rate(1 day)\"`"));
    }
    timetable::expression(reader, "schedule", "write `cron(…)` or `rate(…)`")
}

fn check_keys(reader: &mut TableReader<'_>, tags: &[(Placed<String>, TextTemplate)]) {
    let problem = |summary: String, place: &Place| Diagnostic::error(summary).at(place.clone());
    for (key, _) in tags {
        let text = key.value.as_str();
        let reserved = ["aws:", "opsform:"].iter().any(|prefix| text.to_lowercase().starts_with(prefix));
        let fault = if reserved {
            "`aws:` and `opsform:` are reserved"
        } else if text.is_empty() || text.chars().count() > KEY_LENGTH {
            "it must have 1 to 128 characters"
        } else if text == "Name" {
            "write the key `name` of the block for it"
        } else {
            continue;
        };
        reader.problem(problem(format!("{text:?} cannot be a tag's key here: {fault}"), &key.place));
    }
    if let Some((key, _)) = tags.get(TAGS) {
        reader.problem(problem(format!("a snapshot has room for {TAGS} tags of the manifest's"), &key.place));
    }
}
