//! Whether the commands of jobs are such that they can run without a person.

use clap::Parser;

use super::args::{Cli, Command, ParkCommand, PolicyFor, PowerCommand};
use crate::declarations::{Declaration, Job};
use crate::manifest::{Placed, Settings, StatePlace, Templated};
use crate::model::{Diagnostic, Diagnostics};

/// What a job may be about while it is checked.
const AN_INSTANCE: &str = "i-0123456789abcdef0";
const A_STATE: &str = "stopped";

/// What jobs may do.
const ALLOWED: &str = "jobs may run `audit`, `apply`, `plan`, `drift`, `inventory`, `report cost`, `power start`, `power stop`, `park` and `unpark`";

/// What a job's command needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Needs {
    /// The permissions.
    pub(super) policy: PolicyFor,
    /// Whether it reads or writes the state, or takes its lock.
    pub(super) state: bool,
    /// Whether it changes what the manifest says.
    pub(super) applies: bool,
}

/// Records everything that is wrong with the commands of jobs.
pub(super) fn check_jobs<'a>(
    settings: &Settings,
    declarations: impl Iterator<Item = &'a Box<dyn Declaration>>,
    problems: &mut Diagnostics,
) {
    for job in declarations.filter_map(|one| one.job()) {
        let needs = match needs(job) {
            Ok(needs) => needs,
            Err(problem) => {
                problems.push(*problem);
                continue;
            }
        };
        if needs.state && settings.runner.is_some() && !matches!(settings.state, StatePlace::S3(_)) {
            problems.push(
                Diagnostic::error(format!(
                    "job.{} needs the state, and a Lambda function has no disk to keep one",
                    job.name
                ))
                .at(job.run_place.clone())
                .hint("add `[state]` with `s3 = { bucket = \"…\", key = \"…\", region = \"…\" }`, and `opsform state migrate` brings it along"),
            );
        }
    }
}

/// What the command of a job needs.
///
/// # Errors
/// What is wrong with it.
pub(super) fn needs(job: &Job) -> Result<Needs, Box<Diagnostic>> {
    let fault = |summary: String, hint: &str| {
        Err(Box::new(Diagnostic::error(summary).at(job.run_place.clone()).hint(hint)))
    };
    if let Some((word, flag)) = job.run.iter().find_map(|word| Some((word, place_flag(word)?))) {
        return Err(Box::new(
            Diagnostic::error(format!("a job cannot have {flag}")).at(word.place.clone()).hint(
                "it is given to `opsform job run`, which hands it to the job; the function has its own",
            ),
        ));
    }
    let words = match job.words(Some(AN_INSTANCE), Some(A_STATE)) {
        Ok(words) => words,
        Err(problem) => {
            return fault(format!("`run`: {problem}"), "a job's variables are `instance` and `state`");
        }
    };
    let cli = match Cli::try_parse_from(std::iter::once("opsform").chain(words.iter().map(String::as_str))) {
        Ok(cli) => cli,
        Err(error) => {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
            let summary = format!("`run` is no command line of opsform: {line}");
            return fault(
                summary,
                "write the words behind `opsform`, each as a text of its own: [\"audit\", \"--mail\"]",
            );
        }
    };
    let policy = |policy| Needs { policy, state: false, applies: false };
    let (needs, consents) = match &cli.command {
        Command::Plan(_) | Command::Drift(_) => (Needs { state: true, ..policy(PolicyFor::Plan) }, true),
        Command::Apply(args) if args.plan.is_some() => {
            return fault(
                "a job applies no saved plan: it would be applied once".to_owned(),
                "write [\"apply\", \"--yes\"]",
            );
        }
        Command::Apply(args) => {
            (Needs { policy: PolicyFor::Apply, state: true, applies: true }, args.consent.yes)
        }
        Command::Audit(_) => (policy(PolicyFor::Audit), true),
        Command::Inventory(_) => (policy(PolicyFor::Inventory), true),
        Command::Report(_) => (policy(PolicyFor::Report), true),
        Command::Power(PowerCommand::Start(args) | PowerCommand::Stop { power: args, .. }) => {
            (policy(PolicyFor::Power), args.consent.yes || args.dry_run)
        }
        Command::Park(args) => {
            let list = matches!(args.command, Some(ParkCommand::List { .. }));
            let acts = !list && !args.order.plan;
            (Needs { state: acts, ..policy(PolicyFor::Park) }, !acts || args.order.consent.yes)
        }
        Command::Unpark(args) => {
            let acts = !args.order.plan;
            (Needs { state: acts, ..policy(PolicyFor::Park) }, !acts || args.order.consent.yes)
        }
        _ => {
            let word = words.first().map_or("", String::as_str);
            return fault(format!("a job cannot run `{word}`"), ALLOWED);
        }
    };
    if !consents {
        return fault("nobody is there to answer \"yes\"".to_owned(), "add \"--yes\" to `run`");
    }
    Ok(needs)
}

/// The flag of `opsform job run` that a word is.
fn place_flag(word: &Placed<Templated<String>>) -> Option<&'static str> {
    let text = word.value.literal()?;
    let name = text.split('=').next().unwrap_or_default();
    ["--manifests", "--state", "--profile", "--endpoint-url"].into_iter().find(|flag| *flag == name)
}
