//! The keys of a `[[job]]` block.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use crate::declarations::{Context, timetable, timezone, variables};
use crate::inventory::TagMatch;
use crate::manifest::{Entries, Placed, Regions, TableReader, Template, Templated, Variables};
use crate::model::{Diagnostic, Place};

/// What the arguments of a job may use, where an instance is what it is about.
pub(super) const VARIABLES: [&str; 2] = ["instance", "state"];

/// A job: a command and what makes it run.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its label, without `job.`.
    pub name: String,
    /// The command line after `opsform`; at least one word.
    pub run: Vec<Placed<Templated<String>>>,
    /// What makes it run.
    pub trigger: Trigger,
    /// Whether its schedule or rule fires.
    pub enabled: bool,
    /// Whether a schedule or rule of its name may be taken over.
    pub adopt: bool,
    /// Where its block begins.
    pub place: Place,
    /// Where `run` stands.
    pub run_place: Place,
}

/// What makes a job run.
#[derive(Clone, Debug)]
pub enum Trigger {
    /// The times of an expression.
    Schedule {
        /// `cron(…)` or `rate(…)`.
        expression: String,
        /// Its zone.
        timezone: TimeZone,
    },
    /// An instance that enters a state.
    Event(OnState),
    /// Somebody, by `opsform job run` or by calling the function.
    Request,
}

/// Which instances, and which state.
#[derive(Clone, Debug)]
pub struct OnState {
    /// Such as `stopped`.
    pub state: String,
    /// Conditions on the instance's tags. EventBridge does not see them: the job looks.
    pub tags: BTreeMap<String, TagMatch>,
}

/// The states that EC2 tells of ("Instance state-change events" in the EC2 user guide).
pub const EVENT_STATES: [&str; 6] =
    ["pending", "running", "stopping", "stopped", "shutting-down", "terminated"];

impl Job {
    /// Reads every key but `label`.
    pub(super) fn read(reader: &mut TableReader<'_>, context: &Context<'_>) -> Option<Self> {
        let hint = "write the words of the command line behind `opsform`: [\"audit\", \"--mail\"]";
        let run = reader.hinting(hint, |reader| reader.required::<Vec<Placed<Templated<String>>>>("run"));
        let schedule =
            timetable::expression(reader, "schedule", "a job that is done once is done by `opsform job run`");
        let timezone = timezone::read(reader);
        let on = on(reader);
        let enabled = reader.optional::<bool>("enabled").is_none_or(|enabled| enabled.value);
        let adopt = reader.flag("adopt");
        check_triggers(reader, context);
        let run = run?;
        if run.value.is_empty() {
            reader.problem(Diagnostic::error("`run` is empty").at(run.place).hint(hint));
            return None;
        }
        check_variables(reader, &run.value);
        let trigger = match (schedule, on) {
            (Some(schedule), _) => Trigger::Schedule { expression: schedule.value, timezone: timezone? },
            (None, Some(on)) => Trigger::Event(on?),
            (None, None) if reader.place_of("schedule").is_some() => return None,
            (None, None) => Trigger::Request,
        };
        Some(Self {
            name: context.label.to_owned(),
            run: run.value,
            trigger,
            enabled,
            adopt,
            place: reader.place().clone(),
            run_place: run.place,
        })
    }

    /// The words of the command, about this instance in this state.
    ///
    /// # Errors
    /// In words, where the command is about an instance and none is given.
    pub fn words(&self, instance: Option<&str>, state: Option<&str>) -> Result<Vec<String>, String> {
        let given = [("instance", instance), ("state", state)];
        let values: Vec<(&'static str, _)> = given
            .into_iter()
            .filter_map(|(name, value)| Some((name, Variables::json(&value?.into()))))
            .collect();
        let variables = Variables::new(values);
        self.run.iter().map(|word| word.value.render(&variables).map_err(|error| error.to_string())).collect()
    }

    /// Whether its command names the instance or state that it is about.
    pub fn is_about_an_instance(&self) -> bool {
        let templates = self.run.iter().filter_map(|word| word.value.template());
        templates.flat_map(Template::variables).next().is_some()
    }
}

/// `on = { ec2_state = "stopped", tags = { … } }`: `None` where it is absent, and within where it is wrong, which is recorded.
#[allow(clippy::option_option)] // Absent, wrong and right are three things.
fn on(reader: &mut TableReader<'_>) -> Option<Option<OnState>> {
    reader.place_of("on")?;
    let Some(mut table) = reader.table("on") else { return Some(None) };
    let states = EVENT_STATES.map(|state| (state, state));
    let state = if table.place_of("ec2_state").is_some() {
        table.one_of("ec2_state", &states)
    } else {
        table.required::<String>("ec2_state");
        None
    };
    let tags = table.optional::<Entries<TagMatch>>("tags");
    table.finish();
    let tags = tags.map(|tags| tags.value.0).unwrap_or_default().into_iter();
    let tags = tags.map(|(key, wanted)| (key.value, wanted.value)).collect();
    Some(state.map(|state| OnState { state: state.value.to_owned(), tags }))
}

fn check_triggers(reader: &mut TableReader<'_>, context: &Context<'_>) {
    let places = ["schedule", "on", "timezone"].map(|key| reader.key_place(key).cloned());
    if let [Some(schedule), Some(on), _] = &places {
        reader.problem(
            Diagnostic::error("a job runs at times or on events, not both")
                .at(on.clone())
                .related(schedule.clone(), "the times")
                .hint("write two jobs"),
        );
    }
    if let [None, _, Some(timezone)] = &places {
        reader.problem(
            Diagnostic::error("`timezone` goes with `schedule`")
                .at(timezone.clone())
                .hint("take it away, or add a `schedule`"),
        );
    }
    let settings = context.settings;
    let many = match &settings.aws.regions {
        Regions::Listed(regions) => regions.len() > 1,
        Regions::All => true,
        Regions::Default => false,
    };
    if let (Some(on), Some(_)) = (&places[1], &settings.runner)
        && (many || settings.accounts.len() > 1)
    {
        reader.problem(
            Diagnostic::warning("events are heard in the account and region of `[runner]` alone")
                .at(on.clone())
                .hint("for the others, write a manifest of their own with a `[runner]`, or a job that looks at times"),
        );
    }
}

/// The variables of templates, where there is an instance to speak of.
fn check_variables(reader: &mut TableReader<'_>, run: &[Placed<Templated<String>>]) {
    let at_times = reader.place_of("schedule").is_some();
    for word in run {
        let Some(template) = word.value.template() else { continue };
        let problems = variables::unknown(template, "run", &VARIABLES);
        if at_times && problems.is_empty() {
            reader.problem(
                Diagnostic::error("a job that runs at times is about no instance")
                    .at(word.place.clone())
                    .hint("`{{ instance }}` and `{{ state }}` are for jobs with `on`, and for those without `schedule`"),
            );
        }
        for problem in problems {
            reader.problem(problem.hint("a job's variables are `instance` and `state`"));
        }
    }
}
