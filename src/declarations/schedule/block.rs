//! The keys of a `[[schedule]]` block.

use jiff::tz::TimeZone;

use super::except::Except;
use super::mute::Mute;
use super::shards::LIMIT;
use crate::cron::Expression;
use crate::declarations::engine::{self, Engine};
use crate::declarations::power::EXEMPT_TAG;
use crate::declarations::{Context, ForEach, TextTemplate, timetable, timezone};
use crate::inventory::TargetKind;
use crate::manifest::{Placed, TableReader};
use crate::model::Diagnostic;

/// A whole block.
#[allow(clippy::struct_excessive_bools)] // Each is a key of its own.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) for_each: ForEach,
    /// When targets start and stop; at least one of them is there.
    pub(super) start: Option<Placed<String>>,
    pub(super) stop: Option<Placed<String>>,
    pub(super) timezone: TimeZone,
    /// The days on which it does neither.
    pub(super) except: Option<Except>,
    pub(super) role: TextTemplate,
    pub(super) engine: Engine,
    /// When rules start and stop targets, where they do.
    pub(super) times_in_utc: TimesInUtc,
    pub(super) via: Via,
    /// The role that Systems Manager takes on.
    pub(super) automation_role: Option<TextTemplate>,
    /// The queue that hears of calls that failed for good.
    pub(super) dead_letters: Option<TextTemplate>,
    /// How many instances one call starts or stops at most.
    pub(super) batch_size: usize,
    /// Whether alarms are muted while targets are stopped.
    pub(super) mute: Option<Mute>,
    /// Whether instances keep their memory while they are stopped.
    pub(super) hibernate: bool,
    pub(super) exempt_tag: String,
    pub(super) adopt: bool,
    pub(super) allow_empty: bool,
}

/// Expressions as rules take them.
#[derive(Debug, Default)]
pub(super) struct TimesInUtc {
    pub(super) start: Option<String>,
    pub(super) stop: Option<String>,
}

/// By which target a rule stops instances.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Via {
    /// EventBridge's built-in one.
    #[default]
    Target,
    /// A runbook of Systems Manager.
    Ssm,
}

impl Via {
    const CHOICES: [(&'static str, Self); 2] = [("target", Self::Target), ("ssm", Self::Ssm)];
}

impl Block {
    /// Reads every key but `label`.
    pub(super) fn read(reader: &mut TableReader<'_>, context: &Context<'_>) -> Option<Self> {
        let for_each = for_each(reader, context);
        let given = ["start", "stop"].iter().any(|key| reader.key_place(key).is_some());
        let start = time_of_day(reader, "start");
        let stop = time_of_day(reader, "stop");
        if !given {
            reader.problem(
                Diagnostic::error("a schedule needs `start`, `stop` or both")
                    .at(reader.place().clone())
                    .hint("write `stop = \"cron(0 19 ? * MON-FRI *)\"`"),
            );
        }
        let timezone = timezone::read(reader);
        let except = Except::read(reader, context, timezone.as_ref());
        let role = timetable::role(reader);
        let dead_letters = timetable::dead_letters(reader);
        let engine = Engine::read(reader);
        let via = reader.one_of("via", &Via::CHOICES).map(|via| via.value).unwrap_or_default();
        let automation_role = timetable::automation_role(reader);
        let times_in_utc = match (engine, &timezone) {
            (Engine::Rule, Some(timezone)) => in_utc(reader, timezone, start.as_ref(), stop.as_ref()),
            _ => Some(TimesInUtc::default()),
        };
        let batch_size = batch_size(reader);
        refuse_for_engine(reader, engine);
        let mute = Mute::read(reader);
        let hibernate = hibernate(reader, for_each.as_ref(), engine);
        let exempt_tag = exempt_tag(reader);
        let adopt = reader.flag("adopt");
        refuse_protect(reader);
        let allow_empty = reader.flag("allow_empty");
        if let Some(for_each) = &for_each {
            warn_of_seven_days(reader, for_each, start.as_ref(), stop.as_ref());
        }
        refuse_both_at_once(reader, start.as_ref(), stop.as_ref());
        if start.is_none() && stop.is_none() {
            return None;
        }
        Some(Self {
            for_each: for_each?,
            start,
            stop,
            timezone: timezone?,
            except,
            mute,
            role: role?,
            engine,
            times_in_utc: times_in_utc?,
            via,
            automation_role,
            dead_letters,
            batch_size: batch_size?,
            hibernate,
            exempt_tag: exempt_tag?,
            adopt,
            allow_empty,
        })
    }
}

/// What starts and stops: volumes do neither.
fn for_each(reader: &mut TableReader<'_>, context: &Context<'_>) -> Option<ForEach> {
    let for_each = ForEach::read_targets(reader, context.inventories);
    if reader.place_of("for_each").is_none() {
        reader.problem(
            Diagnostic::error("a schedule needs `for_each`: what starts and stops")
                .at(reader.place().clone())
                .hint("write `for_each = { ec2 = { tags = { AutoStopStart = \"Yes\" } } }`"),
        );
    }
    let for_each = for_each?;
    if for_each.selectors.iter().any(|selector| selector.kind == TargetKind::Ebs) {
        reader.problem(
            Diagnostic::error("volumes neither start nor stop")
                .at(for_each.place)
                .hint("`for_each` of a schedule takes `ec2`, `rds` and `rds_cluster`"),
        );
        return None;
    }
    if for_each.selectors.iter().any(|selector| !selector.states.is_empty()) {
        reader.problem(
            Diagnostic::error(
                "a schedule changes the state of its targets, so it cannot select them by `state`",
            )
            .at(for_each.place)
            .hint("take `state` away: starting what runs and stopping what is stopped does nothing"),
        );
        return None;
    }
    Some(for_each)
}

/// A rate begins when the schedule is made ("Rate-based schedules" in the EventBridge Scheduler user guide): it would stop the
/// fleet in the middle of the apply, and nobody knows its times.
fn time_of_day(reader: &mut TableReader<'_>, key: &'static str) -> Option<Placed<String>> {
    let instead = "write `cron(…)`, such as `cron(0 19 ? * MON-FRI *)`";
    let written = timetable::expression(reader, key, instead)?;
    if !matches!(Expression::parse(&written.value), Ok(Expression::Rate(_))) {
        return Some(written);
    }
    reader.problem(
        Diagnostic::error(format!(
            "`{key}`: a rate has no time of day, and begins at once when it is applied"
        ))
        .at(written.place)
        .hint(instead),
    );
    None
}

fn refuse_both_at_once(
    reader: &mut TableReader<'_>,
    start: Option<&Placed<String>>,
    stop: Option<&Placed<String>>,
) {
    let (Some(start), Some(stop)) = (start, stop) else { return };
    let (Ok(first), Ok(second)) = (Expression::parse(&start.value), Expression::parse(&stop.value)) else {
        return;
    };
    if first == second {
        reader.problem(
            Diagnostic::error("`start` and `stop` are at the same times, and nobody knows which comes last")
                .at(stop.place.clone())
                .related(start.place.clone(), "`start` is here"),
        );
    }
}

/// A schedule acts on instances: one that outlived what its declaration says would go on stopping what nobody lists.
fn refuse_protect(reader: &mut TableReader<'_>) {
    // Who looks for the keys that there are shall not find it.
    let Some(place) = reader.place_of("protect") else { return };
    reader.flag("protect");
    reader.problem(
        Diagnostic::error(
            "`protect` is not for schedules: one that nothing wants would go on starting and stopping",
        )
        .at(place.clone())
        .hint("take the key away; `--no-delete` and `max_destroy` guard a single apply"),
    );
}

fn batch_size(reader: &mut TableReader<'_>) -> Option<usize> {
    if reader.place_of("batch_size").is_none() {
        reader.optional::<u32>("batch_size");
        return Some(LIMIT);
    }
    let size = reader.optional::<u32>("batch_size")?;
    let fits = usize::try_from(size.value).ok().filter(|size| (1..=LIMIT).contains(size));
    if fits.is_none() {
        reader.problem(
            Diagnostic::error(format!("`batch_size`: {} is not from 1 to {LIMIT}", size.value))
                .at(size.place)
                .hint(format!("write 1 for a schedule an instance, up to {LIMIT}, or leave it out")),
        );
    }
    fits
}

fn exempt_tag(reader: &mut TableReader<'_>) -> Option<String> {
    if reader.place_of("exempt_tag").is_none() {
        reader.optional::<String>("exempt_tag");
        return Some(EXEMPT_TAG.to_owned());
    }
    let tag = reader.optional::<String>("exempt_tag")?;
    let (fault, hint) = match () {
        () if tag.value.is_empty() || tag.value.chars().count() > 128 => {
            ("a tag's key has 1 to 128 characters", format!("left out, it is `{EXEMPT_TAG}`"))
        }
        () if reader.key_place("stop").is_none() => {
            ("the schedule has no `stop`, and nothing else is exempted from", "take the key away".to_owned())
        }
        () => return Some(tag.value),
    };
    reader.problem(Diagnostic::error(format!("`exempt_tag`: {fault}")).at(tag.place).hint(hint));
    None
}

/// The times in UTC; `None` after a problem was recorded.
fn in_utc(
    reader: &mut TableReader<'_>,
    timezone: &TimeZone,
    start: Option<&Placed<String>>,
    stop: Option<&Placed<String>>,
) -> Option<TimesInUtc> {
    let offset = engine::offset(reader, timezone)?;
    let mut convert = |key, written: Option<&Placed<String>>| match written {
        None => Ok(None),
        Some(written) => engine::in_utc(reader, key, written, offset).map(Some).ok_or(()),
    };
    let (start, stop) = (convert("start", start), convert("stop", stop));
    Some(TimesInUtc { start: start.ok()?, stop: stop.ok()? })
}

/// Keys that speak of what the other engine makes.
fn refuse_for_engine(reader: &mut TableReader<'_>, engine: Engine) {
    let (keys, why, hint): (&[&str], _, _) = match engine {
        Engine::Scheduler => (
            &["via", "automation_role_arn"],
            "is for rules, and this schedule has none",
            "add `engine = \"rule\"`, or leave it out",
        ),
        Engine::Rule => (
            &["batch_size"],
            "is for `engine = \"scheduler\"`: each target of a rule is one instance",
            "leave it out",
        ),
    };
    for key in keys {
        if let Some(place) = reader.key_place(key) {
            reader.problem(Diagnostic::error(format!("`{key}` {why}")).at(place.clone()).hint(hint));
        }
    }
    if let (Engine::Rule, Some(place)) = (engine, reader.key_place("except")) {
        let why =
            "`except` is for `engine = \"scheduler\"`: rules of EventBridge neither begin nor end on a day";
        reader.problem(Diagnostic::error(why).at(place.clone()).hint("leave one of the two out"));
    }
}

fn hibernate(reader: &mut TableReader<'_>, for_each: Option<&ForEach>, engine: Engine) -> bool {
    let hibernate = reader.flag("hibernate");
    let instances = for_each.is_none_or(|for_each| selects(for_each, &[TargetKind::Ec2]));
    let without = match () {
        () if engine == Engine::Rule => Some((
            "has `engine = \"rule\"`, and no target of a rule hibernates",
            "leave it out, or let EventBridge Scheduler do it: `engine = \"scheduler\"`",
        )),
        () if !instances => {
            Some(("selects no instances, and nothing else hibernates", "leave it out, or select `ec2`"))
        }
        () if reader.key_place("stop").is_none() => {
            Some(("has no `stop`", "add `stop`, at which instances hibernate, or leave it out"))
        }
        () => None,
    };
    if let (true, Some((why, hint)), Some(place)) = (hibernate, without, reader.place_of("hibernate")) {
        let problem = Diagnostic::error(format!("`hibernate`: the schedule {why}"));
        reader.problem(problem.at(place.clone()).hint(hint));
    }
    hibernate
}

/// "Stopping an Amazon RDS DB instance temporarily" in the RDS user guide: after seven days RDS starts a database by itself,
/// so that it misses no maintenance; clusters likewise.
fn warn_of_seven_days(
    reader: &mut TableReader<'_>,
    for_each: &ForEach,
    start: Option<&Placed<String>>,
    stop: Option<&Placed<String>>,
) {
    let Some(stop) = stop.filter(|_| selects(for_each, &[TargetKind::Rds, TargetKind::RdsCluster])) else {
        return;
    };
    let parse = |expression: &Placed<String>| Expression::parse(&expression.value).ok();
    let Some(stops) = parse(stop) else { return };
    if stays_stopped_too_long(start.and_then(parse).as_ref(), &stops) {
        reader.problem(
            Diagnostic::warning("RDS starts what has been stopped for seven days by itself")
                .at(stop.place.clone())
                .hint("it runs then until the next `stop`, more than a day later: let `stop` come every day"),
        );
    }
}

/// Whether something would be stopped for more than seven days and, once RDS started it, run for more than a day.
fn stays_stopped_too_long(start: Option<&Expression>, stop: &Expression) -> bool {
    // Any year will do: the question is how the two lie to each other.
    let (zone, begin) = (TimeZone::UTC, jiff::Timestamp::from_second(A_YEAR_BEGINS).unwrap_or_default());
    let next = |expression: &Expression, after| expression.next(after, &zone).next().map(|at| at.timestamp());
    stop.next(begin, &zone).take(STOPS_LOOKED_AT).any(|stopped| {
        let by_rds = stopped.timestamp() + jiff::SignedDuration::from_hours(7 * 24);
        let started_before =
            start.and_then(|start| next(start, stopped.timestamp())).is_some_and(|at| at <= by_rds);
        let stopped_soon =
            next(stop, by_rds).is_some_and(|at| at <= by_rds + jiff::SignedDuration::from_hours(24));
        !started_before && !stopped_soon
    })
}

/// 1 January 2027, 00:00 UTC.
const A_YEAR_BEGINS: i64 = 1_798_761_600;

/// Enough for every day of a year.
const STOPS_LOOKED_AT: usize = 400;

fn selects(for_each: &ForEach, kinds: &[TargetKind]) -> bool {
    for_each.selectors.iter().any(|selector| kinds.contains(&selector.kind))
}
