//! `show` and `state …`: looking after the state.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;

use super::args::{Format, Global, LockArgs, PlaceArgs, ShowArgs, StateCommand};
use super::environment::Environment;
use super::failure::{Exit, Failure};
use super::former_place::former_place;
use super::locking::{Asking, with_lock};
use super::output::Output;
use super::plan::{patterns, read_state};
use super::reading::find_owned;
use super::saved::plan_if_it_is_one;
use super::session::{Session, load_manifest, open_store};
use super::{state_migrate, state_transfer};
use crate::model::Owned;
use crate::plan::Pattern;
use crate::render::{Heading, count_of, owned_detail, state_list};
use crate::resources;
use crate::state::{State, Store};

/// `opsform show`
pub(super) async fn show(global: &Global, args: &ShowArgs, environment: &Environment) -> Result<Exit> {
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
    show_records(global, &args.patterns, args.json || args.format == Format::Json, environment).await
}

/// `opsform state …`
pub(super) async fn run(global: &Global, command: &StateCommand, environment: &Environment) -> Result<Exit> {
    match command {
        StateCommand::List { patterns } => list(global, patterns, environment).await,
        StateCommand::Show { patterns, json } => show_records(global, patterns, *json, environment).await,
        StateCommand::Rm { patterns, yes } => remove(global, patterns, *yes, environment).await,
        StateCommand::Unlock { id, yes, place } => unlock(global, id, *yes, place, environment).await,
        StateCommand::Pull => state_transfer::pull(global, environment).await,
        StateCommand::Push { file, force } => state_transfer::push(global, file, *force, environment).await,
        StateCommand::Migrate { place, lock } => {
            state_migrate::migrate(global, place, lock, environment).await
        }
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
            return Err(nothing_matches(pattern.text()).into());
        }
    }
    Ok(matching(state, &patterns))
}

fn nothing_matches(text: &str) -> Failure {
    let path = Path::new(text);
    let is_file = path.extension().is_some_and(|ending| ending == "json") && !path.exists();
    let what = if is_file {
        format!("there is no file {text}, and nothing in the state matches that")
    } else {
        format!("nothing in the state matches `{text}`")
    };
    Failure::new(what, "`opsform state list` shows labels, targets and names")
}

async fn list(global: &Global, texts: &[String], environment: &Environment) -> Result<Exit> {
    let output = Output::new(global, environment);
    let manifest = load_manifest(global, &output)?;
    let store = open_store(global, environment, &manifest.settings).await?;
    let state = read_state(&store, &output).await?;
    output.print(&state_list(&find(&state, texts)?, &resources::texts(), output.palette))?;
    Ok(Exit::Done)
}

async fn show_records(
    global: &Global,
    texts: &[String],
    json: bool,
    environment: &Environment,
) -> Result<Exit> {
    let output = Output::new(global, environment);
    let manifest = load_manifest(global, &output)?;
    let store = open_store(global, environment, &manifest.settings).await?;
    let state = read_state(&store, &output).await?;
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

async fn remove(global: &Global, texts: &[String], yes: bool, environment: &Environment) -> Result<Exit> {
    let output = Output::new(global, environment);
    let manifest = load_manifest(global, &output)?;
    let store = open_store(global, environment, &manifest.settings).await?;
    let args = LockArgs::default();
    let asking = Asking::new("state rm", &args, &output, environment);
    with_lock(&store, asking, async |locked, _| {
        let records = find(locked.state(), texts)?;
        output.print(&state_list(&records, &resources::texts(), output.palette))?;
        let count = count_of(records.len(), "resource", "resources");
        let question = format!("Forget {count}? AWS is not touched; they keep their tags.");
        consent(&output, environment, &question, yes)?;
        for record in &records {
            locked.state_mut().resources.remove(&record.address);
            locked.state_mut().unconfirmed.remove(&record.address);
        }
        locked.save().await?;
        output.note(&format!("forgot {count}"));
        Ok(Exit::Done)
    })
    .await
}

/// Fails where nobody consents.
fn consent(output: &Output, environment: &Environment, question: &str, yes: bool) -> Result<()> {
    if !yes && !environment.stdin_is_terminal {
        let words = format!("there is no terminal to ask for consent: {question}");
        return Err(Failure::new(words, "if so, run the command again with --yes").into());
    }
    if output.consent(question, yes)? {
        return Ok(());
    }
    Err(Failure::new("not done: the answer was not \"yes\"", "nothing was changed").into())
}

/// Of a local state the operating system gives a dead process's lock back by itself, so there is only one thing to
/// refuse. In S3 the lock's object is removed.
async fn unlock(
    global: &Global,
    id: &str,
    yes: bool,
    place: &PlaceArgs,
    environment: &Environment,
) -> Result<Exit> {
    let output = Output::new(global, environment);
    let manifest = load_manifest(global, &output)?;
    let store = match &place.from {
        Some(_) => former_place(global, environment, &manifest.settings, place).await?.store,
        None => open_store(global, environment, &manifest.settings).await?,
    };
    let refusal = |message: String, hint: &str| Failure::new(message, hint).exit(Exit::Locked).into();
    match (store.holder().await?, &store) {
        (None, Store::Local(_)) => {
            output.note("the state is not locked: the lock of a process that ended is given back by itself");
        }
        (None, Store::S3(_)) => output.note("the state is not locked"),
        (Some(holder), _) if holder.id != id => {
            return Err(refusal(
                format!("the lock has another id: it is held by {holder}"),
                "give the id that is shown here, if it is that run you mean",
            ));
        }
        (Some(holder), Store::Local(_)) => {
            return Err(refusal(
                format!("the lock is held by a process that is alive: {holder}"),
                "end that process (Ctrl-C lets it finish its calls and save); its lock goes with it",
            ));
        }
        (Some(holder), Store::S3(s3)) => {
            let question =
                format!("Remove the lock of {holder}? It was renewed a moment ago; a run that lives stops.");
            if !holder.expired {
                consent(&output, environment, &question, yes)?;
                output.note("the lock was still being renewed: if its run lives, it stops and does not save");
            }
            let removed = s3.unlock(id).await?;
            output.note(if removed {
                "the lock is removed"
            } else {
                "the lock changed meanwhile; try again"
            });
            return Ok(if removed { Exit::Done } else { Exit::Locked });
        }
    }
    Ok(Exit::Done)
}

async fn rebuild(global: &Global, yes: bool, environment: &Environment) -> Result<Exit> {
    let output = Output::new(global, environment);
    let manifest = load_manifest(global, &output)?;
    let store = open_store(global, environment, &manifest.settings).await?;
    let args = LockArgs::default();
    let asking = Asking::new("state rebuild", &args, &output, environment);
    with_lock(&store, asking, async |locked, _| {
        let session = Session::connect(global, &manifest.settings, locked.state(), environment).await?;
        let found = find_owned(&session, &output, &locked.state().project, resources::KINDS).await?;
        let known = &locked.state().resources;
        let new: Vec<Owned> = found.into_iter().filter(|owned| !known.contains_key(&owned.address)).collect();
        let regions: BTreeSet<&str> = session.scopes.iter().map(|scope| &*scope.region).collect();
        let regions = regions.into_iter().collect::<Vec<_>>().join(", ");
        if new.is_empty() && locked.state().serial == 0 {
            let question = format!(
                "Nothing in {regions} that bears the project's tag is to be recorded. Write an empty state?"
            );
            consent(&output, environment, &question, yes)?;
            locked.save().await?;
            output.note(
                "wrote an empty state; the next run may delete what is the project's by its tags alone",
            );
            return Ok(Exit::Done);
        }
        if new.is_empty() {
            output.print(&format!(
                "Nothing to rebuild: everything in {regions} with the project's tag is in the state."
            ))?;
            return Ok(Exit::Done);
        }
        output.print(&state_list(&new, &resources::texts(), output.palette))?;
        let count = count_of(new.len(), "resource", "resources");
        let question = format!("Take {count} into the state? AWS is not touched.");
        consent(&output, environment, &question, yes)?;
        let new = new.into_iter().map(|owned| (owned.address.clone(), owned));
        locked.state_mut().resources.extend(new);
        locked.save().await?;
        output.note(&format!(
            "took {count} into the state; `opsform plan` shows how they differ from the manifest"
        ));
        Ok(Exit::Done)
    })
    .await
}
