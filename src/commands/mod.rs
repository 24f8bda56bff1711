//! The user's verbs. Wiring only: everything that decides is elsewhere.

mod apply;
mod args;
mod audit;
mod environment;
mod failure;
mod former_place;
mod guards;
mod iam_policy;
mod import;
mod import_sheet;
mod init;
mod inventory;
mod job;
mod job_check;
mod locking;
mod mailing;
mod manifest_path;
mod manifests_from;
mod opening;
mod output;
mod park;
mod park_list;
mod plan;
mod planning;
mod power;
mod power_wait;
mod progress;
mod reading;
mod report;
mod report_store;
mod runner;
mod saved;
mod schedule;
mod session;
mod signals;
mod stale;
mod state;
mod state_migrate;
mod state_transfer;
mod summary;
mod tagged;
mod whole_file;

use std::process::ExitCode;

use std::sync::PoisonError;

use clap::{CommandFactory, Parser};

pub use environment::Environment;
pub use failure::Exit;
pub use report_store::ReportStore;

use args::{Cli, Command, Global};
use output::Output;
use whole_file::{Existing, write_whole};

use crate::jobs::{Runner, serve};

/// Runs the command line.
pub fn main(environment: &Environment) -> ExitCode {
    if environment.serves_jobs {
        return serve_jobs(environment);
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(message) => {
            // Clap's own code for a wrong command line is 2, which here means that there are changes.
            let exit = if message.use_stderr() { Exit::Error } else { Exit::Done };
            let _ = message.print();
            return ExitCode::from(exit as u8);
        }
    };
    start_log(&cli.global);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: cannot start the runtime: {error}");
            return ExitCode::from(Exit::Error as u8);
        }
    };
    let exit = match runtime.block_on(run(&cli, environment)) {
        Ok(exit) => exit,
        Err(error) => {
            let (exit, hints) = failure::exit_and_hints(&error);
            // A state error says itself what AWS or the system said.
            let message = match error.downcast_ref::<crate::state::StateError>() {
                Some(error) => error.to_string(),
                None => format!("{error:#}"),
            };
            note_error(environment, &message);
            if !message.is_empty() {
                Output::new(&cli.global, environment).error(&message, &hints);
            }
            exit
        }
    };
    write_counts(environment);
    ExitCode::from(exit as u8)
}

/// Serves jobs as a Lambda function, until Lambda ends the process.
fn serve_jobs(environment: &Environment) -> ExitCode {
    let runner = Runner {
        program: environment.program.clone(),
        project: environment.project.clone().unwrap_or_default(),
        summary: environment.scratch.join(format!("opsform-summary-{}.json", std::process::id())),
        cache: environment.scratch.join("opsform-cache"),
        clock: environment.clock,
    };
    // One job at a time, whose process does the work.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let served = runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(serve(&runner)));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: cannot serve jobs: {error}");
            ExitCode::from(Exit::Error as u8)
        }
    }
}

/// Keeps the error that ends a command, for whoever started it.
fn note_error(environment: &Environment, message: &str) {
    if !message.is_empty() {
        let mut counts = environment.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.error = Some(message.to_owned());
    }
}

/// Writes what the command counted, where somebody asks for it.
fn write_counts(environment: &Environment) {
    let Some(path) = &environment.summary else { return };
    let counts = environment.counts.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let written = serde_json::to_vec(&counts).map_err(anyhow::Error::from);
    let written = written.and_then(|bytes| write_whole(path, &bytes, Existing::Replace));
    if let Err(error) = written {
        eprintln!("warning: OPSFORM_SUMMARY: {error:#}");
    }
}

async fn run(cli: &Cli, environment: &Environment) -> anyhow::Result<Exit> {
    let global = &cli.global;
    match &cli.command {
        Command::Init(args) => init::run(global, args, environment),
        Command::Validate => validate(global, environment),
        Command::Plan(args) => plan::run(global, args, environment).await,
        Command::Apply(args) => apply::run(global, args, environment).await,
        Command::Destroy(args) => apply::destroy(global, args, environment).await,
        Command::Park(args) => park::run(global, args, environment).await,
        Command::Unpark(args) => park::unpark(global, args, environment).await,
        Command::Power(command) => power::run(global, command, environment).await,
        Command::Drift(args) => plan::drift(global, args, environment).await,
        Command::Show(args) => state::show(global, args, environment).await,
        Command::IamPolicy(args) => iam_policy::run(global, args, environment),
        Command::Audit(args) => audit::run(global, args, environment).await,
        Command::Report(command) => report::run(global, command, environment).await,
        Command::Inventory(args) => inventory::run(global, args, environment).await,
        Command::Import(args) => import::run(global, args, environment).await,
        Command::Job(command) => job::run(global, command, environment).await,
        Command::Runner(command) => runner::run(global, command, environment),
        Command::Schedule(command) => schedule::run(global, command, environment),
        Command::State(command) => state::run(global, command, environment).await,
        Command::Completions { shell } => {
            clap_complete::generate(*shell, &mut Cli::command(), "opsform", &mut std::io::stdout());
            Ok(Exit::Done)
        }
        Command::Man => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page)?;
            Output::new(global, environment).print(&String::from_utf8_lossy(&page))?;
            Ok(Exit::Done)
        }
    }
}

/// `opsform validate`
fn validate(global: &Global, environment: &Environment) -> anyhow::Result<Exit> {
    let output = Output::new(global, environment);
    let manifest = session::load_manifest(global, &output)?;
    output.diagnostics(&schedule::outdated(manifest.declarations.iter(), environment))?;
    if manifest.settings.mail.is_some() {
        mailing::Mails::of(&manifest.settings, &output)?;
    }
    let count = crate::render::count_of(manifest.declarations.len(), "declaration", "declarations");
    output.print(&format!("The manifest of project \"{}\" is valid: {count}.", manifest.settings.project))?;
    Ok(Exit::Done)
}

fn start_log(global: &Global) {
    let level = match global.verbose {
        // The SDK warns of things that are none of the user's, such as a configuration file that is not there.
        0 => "opsform=warn,error",
        1 => "opsform=info,warn",
        2 => "opsform=debug,warn",
        _ => "debug",
    };
    let filter = tracing_subscriber::EnvFilter::new(level);
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).init();
}
