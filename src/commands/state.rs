//! `show` and `state …`: looking after the state.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;

use super::args::{Format, Global, ShowArgs, StateCommand};
use super::environment::Environment;
use super::failure::{Exit, Failure};
use super::output::Output;
use super::plan::{patterns, read_state};
use super::reading::find_owned;
use super::saved::plan_if_it_is_one;
use super::session::{Session, load_manifest, lock_owner, store};
use crate::model::Owned;
use crate::plan::Pattern;
use crate::render::{Heading, count_of, owned_detail, state_list};
use crate::resources;
use crate::state::State;

/// `opsform show`
pub(super) fn show(global: &Global, args: &ShowArgs, environment: &Environment) -> Result<Exit> {
    if let [path] = &args.patterns[..]
        && let Some(saved) = plan_if_it_is_one(Path::new(path))?
    {
        let format = if args.json { Format::Json } else { args.format };
        let output = Output::new(global, environment);
        output.plan(&saved.plan, Heading::Plan, format, args.detail)?;
        return Ok(Exit::Done);
    }
    if args.format == Format::Markdown {
        let what = args.patterns.join(", ");
        return Err(Failure::new(
            format!("only a saved plan can be shown as Markdown, and {what:?} is none"),
            "give the file that `opsform plan --out FILE` wrote",
        )
        .into());
    }
    show_records(global, &args.patterns, args.json || args.format == Format::Json, environment)
}

/// `opsform state …`
pub(super) async fn run(global: &Global, command: &StateCommand, environment: &Environment) -> Result<Exit> {
    match command {
        StateCommand::List { patterns } => list(global, patterns, environment),
        StateCommand::Show { patterns, json } => show_records(global, patterns, *json, environment),
        StateCommand::Rm { patterns, yes } => remove(global, patterns, *yes, environment),
        StateCommand::Unlock { id } => unlock(global, id, environment),
        StateCommand::Rebuild { yes } => rebuild(global, *yes, environment).await,
    }
}

fn matching(state: &State, patterns: &[Pattern]) -> Vec<Owned> {
    let matches = |owned: &&Owned| {
        let fits = |p: &Pattern| p.matches(&owned.address, &owned.label, owned.target.as_ref());
        patterns.is_empty() || patterns.iter().any(fits)
    };
    // What an apply left open is shown like the rest, so that it can be let go of.
    state.resources.values().chain(state.unconfirmed.values()).filter(matches).cloned().collect()
}

/// The records that the patterns name. A pattern that names none is an error, so that a typo is seen.
fn find(state: &State, texts: &[String]) -> Result<Vec<Owned>> {
    let patterns = patterns(texts)?;
    for pattern in &patterns {
        if matching(state, std::slice::from_ref(pattern)).is_empty() {
            return Err(Failure::new(
                format!("nothing in the state matches `{}`", pattern.text()),
                "`opsform state list` shows labels, targets and names",
            )
            .into());
        }
    }
    Ok(matching(state, &patterns))
}

fn list(global: &Global, texts: &[String], environment: &Environment) -> Result<Exit> {
    let output = Output::new(global, environment);
    let manifest = load_manifest(global, &output)?;
    let state = read_state(&store(global, &manifest.settings), &output)?;
    output.print(&state_list(&find(&state, texts)?, &resources::texts(), output.palette))?;
    Ok(Exit::Done)
}

fn show_records(global: &Global, texts: &[String], json: bool, environment: &Environment) -> Result<Exit> {
    let output = Output::new(global, environment);
    let manifest = load_manifest(global, &output)?;
    let state = read_state(&store(global, &manifest.settings), &output)?;
    let records = find(&state, texts)?;
    let text = if json {
        serde_json::to_string_pretty(&records)?
    } else {
        let kinds = resources::texts();
        let details: Vec<String> =
            records.iter().map(|record| owned_detail(record, &kinds, output.palette)).collect();
        details.join("\n")
    };
    output.print(&text)?;
    Ok(Exit::Done)
}

fn remove(global: &Global, texts: &[String], yes: bool, environment: &Environment) -> Result<Exit> {
    let output = Output::new(global, environment);
    let manifest = load_manifest(global, &output)?;
    let store = store(global, &manifest.settings);
    let mut locked = store.lock(&lock_owner(environment, "state rm"), &uuid::Uuid::new_v4().to_string())?;
    let records = find(&locked.state, texts)?;
    output.print(&state_list(&records, &resources::texts(), output.palette))?;
    let count = count_of(records.len(), "resource", "resources");
    let question = format!("Forget {count}? AWS is not touched; they keep their tags.");
    if !output.consent(&question, yes)? {
        return Err(Failure::new("not done: the answer was not \"yes\"", "nothing was changed").into());
    }
    for record in &records {
        locked.state.resources.remove(&record.address);
        locked.state.unconfirmed.remove(&record.address);
    }
    locked.save()?;
    output.note(&format!("forgot {count}"));
    Ok(Exit::Done)
}

/// The operating system gives a dead process's lock back by itself, so there is only one thing to refuse.
fn unlock(global: &Global, id: &str, environment: &Environment) -> Result<Exit> {
    let output = Output::new(global, environment);
    let manifest = load_manifest(global, &output)?;
    let store = store(global, &manifest.settings);
    match store.holder()? {
        None => {
            output.note("the state is not locked: the lock of a process that ended is given back by itself");
            Ok(Exit::Done)
        }
        Some(holder) if holder.id != id => Err(Failure::new(
            format!("the lock has another id: it is held by {holder}"),
            "give the id that is shown here, if it is that run you mean",
        )
        .exit(Exit::Locked)
        .into()),
        Some(holder) => Err(Failure::new(
            format!("the lock is held by a process that is alive: {holder}"),
            "end that process (Ctrl-C lets it finish its calls and save); its lock goes with it",
        )
        .exit(Exit::Locked)
        .into()),
    }
}

async fn rebuild(global: &Global, yes: bool, environment: &Environment) -> Result<Exit> {
    let output = Output::new(global, environment);
    let manifest = load_manifest(global, &output)?;
    let store = store(global, &manifest.settings);
    let mut locked =
        store.lock(&lock_owner(environment, "state rebuild"), &uuid::Uuid::new_v4().to_string())?;
    let session = Session::connect(global, &manifest.settings, &locked.state).await?;
    let found = find_owned(&session, &output, &locked.state.project).await?;
    let known: BTreeSet<_> = locked.state.resources.keys().cloned().collect();
    let new: Vec<Owned> = found.into_iter().filter(|owned| !known.contains(&owned.address)).collect();
    if new.is_empty() {
        output.print("Nothing to rebuild: everything on AWS with the project's tag is in the state.")?;
        return Ok(Exit::Done);
    }
    output.print(&state_list(&new, &resources::texts(), output.palette))?;
    let count = count_of(new.len(), "resource", "resources");
    if !output.consent(&format!("Take {count} into the state? AWS is not touched."), yes)? {
        return Err(Failure::new("not done: the answer was not \"yes\"", "nothing was changed").into());
    }
    locked.state.resources.extend(new.into_iter().map(|owned| (owned.address.clone(), owned)));
    locked.save()?;
    output.note(&format!(
        "took {count} into the state; `opsform plan` shows how they differ from the manifest"
    ));
    Ok(Exit::Done)
}
