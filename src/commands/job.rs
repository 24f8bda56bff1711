//! `job`: what runs by itself, run here and now. A job is a command line of the manifest, and is run as if somebody typed it.

use anyhow::Result;
use clap::Parser;
use serde_json::json;

use super::args::{Cli, ColorChoice, Global, JobCommand, JobRunArgs, ListFormat};
use super::environment::Environment;
use super::failure::{Exit, Failure};
use super::manifests_from::fetched;
use super::output::Output;
use super::session::{Session, failures, load_manifest};
use crate::declarations::{Declaration, Job, Manifest, OnState, Trigger};
use crate::inventory::{Selector, TargetKind, read_fleet};
use crate::jobs::Order;
use crate::manifest::hint_for;
use crate::render::{Align, Table, Tone};
use crate::state::State;

/// `opsform job`
pub(super) async fn run(global: &Global, command: &JobCommand, environment: &Environment) -> Result<Exit> {
    match command {
        JobCommand::Run(args) => run_job(global, args, environment).await,
        JobCommand::List { format } => list(global, *format, environment),
    }
}

/// `opsform job run`
async fn run_job(global: &Global, args: &JobRunArgs, environment: &Environment) -> Result<Exit> {
    let output = Output::new(global, environment);
    let order = Order {
        job: args.name.clone(),
        instance: args.instance.clone(),
        state: args.state_of_instance.clone(),
    };
    order.check().map_err(|fault| Failure::new(fault, "give the instance that the job is about"))?;
    let manifests = fetched(global, environment).await?;
    let manifest_of = |global: &Global| load_manifest(global, &output);
    let folder = manifests.unwrap_or_else(|| global.manifests.clone());
    let manifest = manifest_of(&Global { manifests: folder.clone(), ..global.clone() })?;
    output.count(|counts| counts.project.clone_from(&manifest.settings.project));
    let job = find(&manifest, &order.job)?;
    let state = match &job.trigger {
        Trigger::Event(on) => {
            if let Some(why) = objection(global, &manifest, &order, on, environment).await? {
                output.note(&format!("nothing to do: {why}"));
                output.count(|counts| counts.skipped = Some(why));
                return Ok(Exit::Done);
            }
            Some(on.state.as_str())
        }
        Trigger::Schedule { .. } | Trigger::Request => order.state.as_deref(),
    };
    let about = order.instance.as_deref();
    let words = job.words(about, state).map_err(|fault| {
        Failure::new(
            format!("`run` of job.{}: {fault}", job.name),
            "give the instance that it is about with --instance",
        )
    })?;
    let cli = Cli::try_parse_from(std::iter::once("opsform").chain(words.iter().map(String::as_str)))
        .map_err(|error| {
            Failure::new(format!("`run` of job.{} is no command: {error}", job.name), "opsform --help")
        })?;
    let cli = within(global, folder, cli);
    Box::pin(super::run(&cli, environment)).await
}

/// The command with the options that `job run` was given: where the manifest is, how AWS is reached, and how much is told.
fn within(global: &Global, folder: std::path::PathBuf, mut cli: Cli) -> Cli {
    let of_job = &mut cli.global;
    of_job.manifests = folder;
    of_job.state.clone_from(&global.state);
    of_job.profile.clone_from(&global.profile);
    of_job.endpoint_url.clone_from(&global.endpoint_url);
    if of_job.region.is_empty() {
        of_job.region.clone_from(&global.region);
    }
    if of_job.color == ColorChoice::Auto {
        of_job.color = global.color;
    }
    of_job.quiet |= global.quiet;
    of_job.verbose = of_job.verbose.max(global.verbose);
    cli
}

fn find<'a>(manifest: &'a Manifest, name: &str) -> Result<&'a Job> {
    let jobs: Vec<&Job> = manifest.declarations.iter().filter_map(|one| one.job()).collect();
    let name = name.strip_prefix("job.").unwrap_or(name);
    if let Some(job) = jobs.iter().find(|job| job.name == name) {
        return Ok(job);
    }
    let labels: Vec<&str> = jobs.iter().map(|job| &*job.name).collect();
    let hint = if labels.is_empty() {
        "the manifest has no `[[job]]`".to_owned()
    } else {
        hint_for(name, &labels, "jobs are")
    };
    Err(Failure::new(format!("there is no job {name:?}"), hint).into())
}

/// Why a job does nothing about an instance. An event is old news, and says nothing about tags, so the instance itself is looked at.
async fn objection(
    global: &Global,
    manifest: &Manifest,
    order: &Order,
    on: &OnState,
    environment: &Environment,
) -> Result<Option<String>> {
    let Some(id) = &order.instance else {
        let message = format!("job.{} is about an instance that is {}", order.job, on.state);
        return Err(Failure::new(message, "give one with --instance; an event of EC2 names one").into());
    };
    if let Some(state) = order.state.as_ref().filter(|state| **state != on.state) {
        return Ok(Some(format!("the event says that {id} is {state}, and the job is for {}", on.state)));
    }
    let settings = &manifest.settings;
    let session =
        Session::connect(global, settings, &State::new(&*settings.project, ""), environment).await?;
    let mut selector = Selector::all(TargetKind::Ec2);
    selector.ids.insert(id.clone());
    let fleet = read_fleet(&session.aws, &session.declared_scopes, &[&selector]).await.map_err(failures)?;
    let Some(instance) = fleet.of_kind(TargetKind::Ec2).find(|target| target.id == *id) else {
        let gone = ["shutting-down", "terminated"].contains(&&*on.state) && on.tags.is_empty();
        return Ok(
            (!gone).then(|| format!("there is no instance {id} any more, or not in the manifest's regions"))
        );
    };
    if let Some((key, _)) = on.tags.iter().find(|(key, wanted)| !wanted.matches(instance.tags.get(*key))) {
        return Ok(Some(format!("{id} does not have the tag {key:?} that the job asks for")));
    }
    Ok((instance.state != on.state).then(|| format!("{id} is {} by now, not {}", instance.state, on.state)))
}

/// `opsform job list`
fn list(global: &Global, format: ListFormat, environment: &Environment) -> Result<Exit> {
    let output = Output::new(global, environment);
    let manifest = load_manifest(global, &output)?;
    let jobs: Vec<Listed> =
        manifest.declarations.iter().filter_map(|one| Listed::of(one.as_ref(), environment)).collect();
    match format {
        ListFormat::Json => {
            let jobs: Vec<_> = jobs.iter().map(Listed::json).collect();
            output.print(&serde_json::to_string_pretty(&json!({ "jobs": jobs }))?)?;
        }
        ListFormat::Table => {
            let columns =
                [("JOB", Align::Left), ("RUNS", Align::Left), ("WHEN", Align::Left), ("NEXT", Align::Left)];
            let mut table = Table::new(&columns);
            for Listed { name, command, when, next, enabled } in &jobs {
                let tone = if *enabled { Tone::Plain } else { Tone::Dim };
                let next = next.clone().unwrap_or_else(|| "-".to_owned());
                table.row([
                    (tone, name.clone()),
                    (tone, command.join(" ")),
                    (tone, when.clone()),
                    (tone, if *enabled { next } else { "disabled".to_owned() }),
                ]);
            }
            output.print(&table.text(output.palette))?;
        }
    }
    if manifest.settings.runner.is_none() && !jobs.is_empty() {
        output.note("note: there is no `[runner]`, so they run where somebody calls `opsform job run`");
    }
    Ok(Exit::Done)
}

/// A job as the list shows it.
struct Listed {
    name: String,
    command: Vec<String>,
    when: String,
    next: Option<String>,
    enabled: bool,
}

impl Listed {
    fn of(declaration: &dyn Declaration, environment: &Environment) -> Option<Self> {
        let job = declaration.job()?;
        let words = job.run.iter().map(|word| match (word.value.literal(), word.value.template()) {
            (Some(text), _) => text.clone(),
            (None, template) => template.map(|template| template.source().to_owned()).unwrap_or_default(),
        });
        let when = match &job.trigger {
            Trigger::Schedule { expression, timezone } => {
                format!("{expression} {}", timezone.iana_name().unwrap_or("UTC"))
            }
            Trigger::Event(on) => format!("an instance is {}", on.state),
            Trigger::Request => "on request".to_owned(),
        };
        let runs = declaration.runs();
        let next = runs.first().and_then(|runs| runs.next(environment.now, 1).into_iter().next());
        Some(Self {
            name: job.name.clone(),
            command: words.collect(),
            when,
            next: next.map(|run| run.time.strftime("%a %Y-%m-%d %H:%M %:z").to_string()),
            enabled: job.enabled,
        })
    }

    fn json(&self) -> serde_json::Value {
        let Self { name, command, when, next, enabled } = self;
        json!({ "job": name, "run": command, "when": when, "next": next, "enabled": enabled })
    }
}
