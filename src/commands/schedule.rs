//! `schedule`: what a schedule expression means.

use std::sync::Arc;

use anyhow::Result;
use jiff::Zoned;
use jiff::tz::TimeZone;

use super::args::{Global, ScheduleCommand, SchedulePreviewArgs};
use super::environment::Environment;
use super::failure::{Exit, Failure};
use super::output::Output;
use super::session::load_manifest;
use crate::cron::{Expression, Fault, fixed_offset, in_utc};
use crate::declarations::{Declaration, RunTime, timezone_hint};
use crate::inventory::NameGlob;
use crate::manifest::hint_for;
use crate::model::{Diagnostic, Diagnostics, Place, SourceFile};
use crate::render::{Align, Palette, Table, Tone};

/// `opsform schedule`
pub(super) fn run(global: &Global, command: &ScheduleCommand, environment: &Environment) -> Result<Exit> {
    let output = Output::new(global, environment);
    match command {
        ScheduleCommand::Preview(args) => match &args.what {
            Some(text) if !is_label(text) => preview(text, args, environment, &output),
            label => declared(global, label.as_deref(), args, environment, &output),
        },
    }
}

/// Whether a text is meant as `schedule.office` and not as an expression.
fn is_label(text: &str) -> bool {
    text.contains('.') && !text.contains(['(', ' '])
}

/// `opsform schedule preview [LABEL]`
fn declared(
    global: &Global,
    label: Option<&str>,
    args: &SchedulePreviewArgs,
    environment: &Environment,
    output: &Output,
) -> Result<Exit> {
    if args.timezone.is_some() {
        let hint = "a schedule of the manifest has its own: take --timezone away";
        return Err(Failure::new("--timezone goes with an expression", hint).into());
    }
    let manifest = load_manifest(global, output)?;
    let glob = label.map(NameGlob::new).transpose().map_err(|why| {
        Failure::new(
            format!("`{}` is no pattern of labels: {why}", label.unwrap_or_default()),
            "`*` and `?` are allowed",
        )
    })?;
    let running = manifest.declarations.iter().filter(|declaration| !declaration.runs().is_empty());
    let (shown, others): (Vec<_>, Vec<_>) =
        running.partition(|declaration| glob.as_ref().is_none_or(|glob| glob.matches(declaration.label())));
    if shown.is_empty() {
        return Err(nothing_runs(label, &others.iter().map(|one| one.label()).collect::<Vec<_>>()).into());
    }
    output.diagnostics(&outdated(shown.iter().copied(), environment))?;
    let mut all_run = true;
    let mut text = String::new();
    for declaration in shown {
        for runs in declaration.runs() {
            let separator = if text.is_empty() { "" } else { "\n" };
            let zone = runs.timezone.iana_name().unwrap_or("UTC");
            let (label, action) = (declaration.label(), runs.action);
            let words = runs.expression.explain();
            text.extend([separator, label, " · ", action, " ", &words, " (", zone, ")\n\n"]);
            let times = runs.next(environment.now, usize::from(args.count));
            let count = times.iter().filter(|time| !time.left_out).count();
            if !times.is_empty() {
                text += &table(&times, zone, &environment.local, output.palette);
            }
            if count == 0 {
                all_run = false;
                output.problem(&format!("{label}: `{action}` does not fire any more"));
            } else if count < usize::from(args.count) {
                text += "\nThat is all: it does not fire after that.\n";
            }
        }
    }
    output.print(&text)?;
    Ok(if all_run { Exit::Done } else { Exit::Error })
}

/// What of declarations is over by now.
pub(super) fn outdated<'a>(
    declarations: impl Iterator<Item = &'a Box<dyn Declaration>>,
    environment: &Environment,
) -> Diagnostics {
    let mut outdated = Diagnostics::new();
    outdated.extend(declarations.filter_map(|declaration| declaration.outdated(environment.now)));
    outdated
}

fn nothing_runs(label: Option<&str>, others: &[&str]) -> Failure {
    match label {
        None => Failure::new(
            "the manifest declares nothing that runs at a time",
            "`[[schedule]]` and `[[snapshot]]` do; to try an expression write it behind the command, in quotes",
        ),
        Some(label) => Failure::new(
            format!("nothing of the manifest that runs at a time is labelled {label}"),
            hint_for(label, others, "there are"),
        ),
    }
}

/// `opsform schedule preview EXPRESSION`
fn preview(
    text: &str,
    args: &SchedulePreviewArgs,
    environment: &Environment,
    output: &Output,
) -> Result<Exit> {
    let expression = match Expression::parse(text) {
        Ok(expression) => expression,
        Err(fault) => {
            let mut problems = Diagnostics::new();
            let mut problem = diagnostic(text, fault);
            if text.chars().all(|c| c.is_alphanumeric() || "-_*".contains(c)) {
                problem = problem.hint(format!(
                    "write an expression, such as cron(0 9 ? * MON-FRI *), or a declaration's label: `schedule.{text}`"
                ));
            }
            problems.push(problem);
            output.diagnostics(&problems)?;
            return Ok(Exit::Error);
        }
    };
    let timezone = args.timezone.as_deref().unwrap_or("UTC");
    let zone = zone(timezone)?;
    let count = usize::from(args.count);
    let times = expression.next(environment.now, &zone).take(count);
    let times: Vec<RunTime> = times.map(|time| RunTime { time, left_out: false }).collect();
    if times.is_empty() {
        return Err(never(&expression, text).into());
    }
    let name = zone.iana_name().unwrap_or(timezone);
    output.print(&format!("Runs {} ({name}).\n\n", expression.explain()))?;
    output.print(&table(&times, name, &environment.local, output.palette))?;
    if times.len() < count {
        output.print("\nThat is all: it does not fire after that.")?;
    }
    if matches!(expression, Expression::Rate(_)) {
        output.note("note: a rate fires at once when its schedule is made, and then counts from there: these are the times if that \
             were now");
    }
    if expression.is_for_scheduler_only() || name != "UTC" {
        let what = if expression.is_for_scheduler_only() { "at(…)" } else { "a time zone" };
        let rule = as_rule(text, &zone);
        output.note(&format!("note: {what} is for EventBridge Scheduler; {rule}"));
    }
    Ok(Exit::Done)
}

/// What EventBridge rules make of an expression, which know UTC only.
fn as_rule(expression: &str, zone: &TimeZone) -> String {
    match fixed_offset(zone).and_then(|offset| in_utc(expression, offset).ok()) {
        Some(rule) => format!("EventBridge rules know UTC only, where it is {rule}"),
        None => "EventBridge rules do not have it, and know UTC only".to_owned(),
    }
}

fn diagnostic(expression: &str, fault: Fault) -> Diagnostic {
    let file = SourceFile { path: "EXPRESSION".to_owned(), text: expression.to_owned() };
    Diagnostic::error("this is no schedule expression of AWS")
        .at(Place::text(&Arc::new(file), fault.range))
        .detail(fault.message)
        .hint(fault.hint)
}

fn zone(name: &str) -> Result<TimeZone, Failure> {
    TimeZone::get(name)
        .map_err(|_| Failure::new(format!("there is no time zone `{name}`"), timezone_hint(name)))
}

fn never(expression: &Expression, text: &str) -> Failure {
    if expression.never_fires() {
        return Failure::new(
            format!("`{text}` never fires: no date from 1970 to 2199 is one of its days"),
            "for the last day of a month write L in the day-of-month field",
        );
    }
    Failure::new(
        format!("`{text}` does not fire any more"),
        "its times are in the past, or never on the clock of its zone because of daylight saving",
    )
}

/// The times in the schedule's zone, and in the local one where the clocks are not the same; what is left out says so.
fn table(times: &[RunTime], name: &str, local: &TimeZone, palette: Palette) -> String {
    let elsewhere =
        times.iter().map(|run| &run.time).any(|time| local.to_datetime(time.timestamp()) != time.datetime());
    let here = local.iana_name().filter(|_| elsewhere && !local.is_unknown());
    let here = here.map(|here| format!("here ({here})"));
    let notes = times.iter().any(|run| run.left_out);
    let columns: Vec<(&str, Align)> = std::iter::once(name)
        .chain(here.as_deref())
        .chain(notes.then_some(""))
        .map(|column| (column, Align::Left))
        .collect();
    let mut table = Table::new(&columns);
    for RunTime { time, left_out } in times {
        let shown = |time: &Zoned| time.strftime("%a %Y-%m-%d %H:%M %:z").to_string();
        let tone = if *left_out { Tone::Dim } else { Tone::Plain };
        let there = here.is_some().then(|| (Tone::Dim, shown(&time.with_time_zone(local.clone()))));
        let note = notes
            .then(|| (Tone::Dim, if *left_out { "left out: a day off".to_owned() } else { String::new() }));
        table.row(std::iter::once((tone, shown(time))).chain(there).chain(note));
    }
    table.text(palette)
}
