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
mod locking;
mod mailing;
mod manifest_path;
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

use clap::{CommandFactory, Parser};

pub use environment::Environment;
pub use failure::Exit;
pub use report_store::ReportStore;

use args::{Cli, Command, Global};
use output::Output;

/// Runs the command line.
pub fn main(environment: &Environment) -> ExitCode {
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
            if !message.is_empty() {
                Output::new(&cli.global, environment).error(&message, &hints);
            }
            exit
        }
    };
    ExitCode::from(exit as u8)
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
