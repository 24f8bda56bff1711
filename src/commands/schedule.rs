//! `schedule`: what a schedule expression means.

use std::sync::Arc;

use anyhow::Result;
use jiff::Zoned;
use jiff::tz::TimeZone;

use super::args::{Global, ScheduleCommand, SchedulePreviewArgs};
use super::environment::Environment;
use super::failure::{Exit, Failure};
use super::output::Output;
use crate::cron::{Expression, Fault, fixed_offset, in_utc};
use crate::model::{Diagnostic, Diagnostics, Place, SourceFile};
use crate::render::{Align, Palette, Table, Tone};

/// `opsform schedule`
pub(super) fn run(global: &Global, command: &ScheduleCommand, environment: &Environment) -> Result<Exit> {
    let output = Output::new(global, environment);
    match command {
        ScheduleCommand::Preview(args) => preview(args, environment, &output),
    }
}

/// `opsform schedule preview`
fn preview(args: &SchedulePreviewArgs, environment: &Environment, output: &Output) -> Result<Exit> {
    let expression = match Expression::parse(&args.expression) {
        Ok(expression) => expression,
        Err(fault) => {
            let mut problems = Diagnostics::new();
            problems.push(diagnostic(&args.expression, fault));
            output.diagnostics(&problems)?;
            return Ok(Exit::Error);
        }
    };
    let zone = zone(&args.timezone)?;
    let count = usize::from(args.count);
    let times: Vec<Zoned> = expression.next(environment.now, &zone).take(count).collect();
    if times.is_empty() {
        return Err(never(&expression, &args.expression).into());
    }
    let name = zone.iana_name().unwrap_or(&args.timezone);
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
        let rule = as_rule(&args.expression, &zone);
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
    TimeZone::get(name).map_err(|_| {
        Failure::new(
            format!("there is no time zone `{name}`"),
            "write a name of the IANA time zone database, such as Europe/Berlin, Asia/Seoul or UTC",
        )
    })
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

/// The times in the schedule's zone, and in the local one where the clocks are not the same.
fn table(times: &[Zoned], name: &str, local: &TimeZone, palette: Palette) -> String {
    let elsewhere = times.iter().any(|time| local.to_datetime(time.timestamp()) != time.datetime());
    let here = local.iana_name().filter(|_| elsewhere && !local.is_unknown());
    let here = here.map(|here| format!("here ({here})"));
    let columns: Vec<(&str, Align)> =
        std::iter::once(name).chain(here.as_deref()).map(|column| (column, Align::Left)).collect();
    let mut table = Table::new(&columns);
    for time in times {
        let shown = |time: &Zoned| time.strftime("%a %Y-%m-%d %H:%M %:z").to_string();
        let there = here.is_some().then(|| (Tone::Dim, shown(&time.with_time_zone(local.clone()))));
        table.row(std::iter::once((Tone::Plain, shown(time))).chain(there));
    }
    table.text(palette)
}
