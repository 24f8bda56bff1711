//! What a user types. One definition feeds the parser, the help, the man page and the completions.

mod jobs;
mod park;
mod power;
mod reports;

pub(super) use self::jobs::*;
pub(super) use self::park::*;
pub(super) use self::power::*;
pub(super) use self::reports::*;

use std::path::PathBuf;
use std::time::Duration;

use crate::model::DestroyLimit;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

/// Plan and apply for the AWS chores that come after the infrastructure exists.
#[derive(Debug, Parser)]
#[command(name = "opsform", version, propagate_version = true, max_term_width = 100, after_help = EXIT_CODES)]
pub(super) struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub(super) global: Global,
    /// The command.
    #[command(subcommand)]
    pub(super) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    done, or nothing to do
  1    error; nothing, or not all, was done, and the message says what
  2    plan, power, park, unpark --detailed-exitcode: there are changes; audit --detailed-exitcode: there are findings
  3    plan and drift --detailed-exitcode: there is drift and nothing else to change
  4    apply, destroy, power, park, unpark: some changes failed; running again finishes the rest;
       power, park, unpark: also where something that was named by its id is left alone
  5    apply, destroy, power, park, unpark: what was planned changed on AWS before it was applied
  6    the state is locked by another run
  130  apply, destroy, power, park, unpark: stopped by Ctrl-C or SIGTERM; running again finishes the rest;
       audit --mail: stopped; the messages say which mails went, and running again sends all of them";

/// Options of every command.
#[derive(Args, Clone, Debug)]
pub(super) struct Global {
    /// The folder whose *.toml files are the manifest
    #[arg(long, global = true, value_name = "DIR", default_value = "manifests", env = "OPSFORM_MANIFESTS")]
    pub(super) manifests: PathBuf,
    /// The state file, in place of what the manifest's `[state]` says, also in place of a shared state in S3 [default: `[state]` of the manifest, else state/PROJECT.json]
    #[arg(long, global = true, value_name = "FILE", env = "OPSFORM_STATE")]
    pub(super) state: Option<PathBuf>,
    /// Work on these of the manifest's regions only (repeatable, or separated by commas); what is owned in others is left alone
    #[arg(long, global = true, value_name = "REGION", value_delimiter = ',')]
    pub(super) region: Vec<String>,
    /// The profile of the shared AWS configuration [default: `AWS_PROFILE`, else the default profile]
    #[arg(long, global = true, value_name = "NAME")]
    pub(super) profile: Option<String>,
    /// Send all calls to this URL instead of AWS
    #[arg(long, global = true, value_name = "URL")]
    pub(super) endpoint_url: Option<String>,
    /// Colours; `auto` means on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(super) color: ColorChoice,
    /// Print results and errors only
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
    /// Log what is done to standard error; twice for every call to AWS
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(super) verbose: u8,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Write a commented starter manifest
    Init(InitArgs),
    /// Check the manifest without AWS
    Validate,
    /// Show what apply would do, and change nothing
    Plan(PlanArgs),
    /// Make AWS as the manifest says, after showing the plan and asking
    Apply(ApplyArgs),
    /// Remove everything that the project owns, and nothing else
    Destroy(DestroyArgs),
    /// Start and stop instances, databases and clusters by hand
    #[command(subcommand)]
    Power(PowerCommand),
    /// Keep instances for the price of snapshots of their volumes
    Park(ParkArgs),
    /// Make the volumes of parked instances again, and start them
    Unpark(UnparkArgs),
    /// Show what was changed outside opsform since it was last applied
    Drift(DriftArgs),
    /// Show a saved plan, or what the project owns, field by field
    Show(ShowArgs),
    /// Show what the tag rules find: missing, misspelt and expired tags
    Audit(AuditArgs),
    /// Write a report
    #[command(subcommand)]
    Report(ReportCommand),
    /// Show the live fleet, with all tags, and which of it no alarm watches
    Inventory(InventoryArgs),
    /// Write declarations for alarms that exist already and that no opsform project owns
    Import(ImportArgs),
    /// Print the least IAM policy for what the manifest uses
    IamPolicy(IamPolicyArgs),
    /// Run the manifest's jobs by hand, and list them
    #[command(subcommand)]
    Job(JobCommand),
    /// Look after the Lambda function that runs the jobs
    #[command(subcommand)]
    Runner(RunnerCommand),
    /// Say what AWS's schedule expressions mean, without AWS
    #[command(subcommand)]
    Schedule(ScheduleCommand),
    /// Look after the state
    #[command(subcommand)]
    State(StateCommand),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// `init`
#[derive(Args, Debug)]
pub(super) struct InitArgs {
    /// The project's name [default: the current folder's]
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<String>,
}

/// Which changes.
#[derive(Args, Debug, Default)]
pub(super) struct SelectionArgs {
    /// Only changes whose label, kind, target (id or name) or own name matches; a glob, repeatable
    #[arg(long, value_name = "PATTERN")]
    pub(super) target: Vec<String>,
    /// All changes but those that match; a glob, repeatable
    #[arg(long, value_name = "PATTERN")]
    pub(super) exclude: Vec<String>,
}

/// How a plan is shown.
#[derive(Args, Debug)]
pub(super) struct ViewArgs {
    /// The plan's form
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(super) format: Format,
    /// How much of it
    #[arg(long, value_name = "DETAIL", default_value = "folded")]
    pub(super) detail: DetailChoice,
}

/// The form of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For a terminal
    Text,
    /// For programs; see docs/plan-format.md
    Json,
    /// For a pull request's comment
    Markdown,
}

/// How much of a plan is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum DetailChoice {
    /// Counts, and every destroy by name
    Summary,
    /// Like changes folded into one
    Folded,
    /// Every change with all its fields
    Full,
}

/// What a plan may do.
#[derive(Args, Debug, Default)]
pub(super) struct GuardArgs {
    /// Take over resources that exist and that no opsform project owns
    #[arg(long)]
    pub(super) adopt: bool,
    /// Leave out every delete, and every replace with it
    #[arg(long)]
    pub(super) no_delete: bool,
    /// Refuse a plan that deletes more than N resources, or more than P% of what is owned; renames do not count
    /// [default: `[project] max_destroy` of the manifest, else no limit]
    #[arg(long, value_name = "N|P%")]
    pub(super) max_destroy: Option<DestroyLimit>,
}

/// `plan`
#[derive(Args, Debug)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    pub(super) view: ViewArgs,
    #[command(flatten)]
    pub(super) selection: SelectionArgs,
    #[command(flatten)]
    pub(super) guard: GuardArgs,
    /// Write the plan to a file, for `opsform apply FILE`
    #[arg(short, long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
    /// Write the plan's numbers to a file as JSON
    #[arg(long, value_name = "FILE")]
    pub(super) summary: Option<PathBuf>,
    /// Exit with 2 when there are changes, 3 when there is only drift
    #[arg(long)]
    pub(super) detailed_exitcode: bool,
}

/// `apply`
#[derive(Args, Debug)]
pub(super) struct ApplyArgs {
    /// A plan that `opsform plan --out FILE` wrote: just that is applied [default: plans anew]
    #[arg(value_name = "FILE", conflicts_with_all = ["target", "exclude", "adopt", "no_delete"])]
    pub(super) plan: Option<PathBuf>,
    #[command(flatten)]
    pub(super) view: DetailArgs,
    #[command(flatten)]
    pub(super) selection: SelectionArgs,
    #[command(flatten)]
    pub(super) guard: GuardArgs,
    /// Begin what takes AWS hours (snapshots of large volumes), and leave the rest to the next apply
    #[arg(long)]
    pub(super) no_wait: bool,
    #[command(flatten)]
    pub(super) consent: ConsentArgs,
    #[command(flatten)]
    pub(super) lock: LockArgs,
}

/// How much of a plan is shown before it is applied.
#[derive(Args, Debug)]
pub(super) struct DetailArgs {
    /// How much of the plan is shown
    #[arg(long, value_name = "DETAIL", default_value = "folded")]
    pub(super) detail: DetailChoice,
}

/// The state's lock.
#[derive(Args, Debug, Default)]
pub(super) struct LockArgs {
    /// Wait this long for another run that has the state's lock, such as 30s or 5m [default: not at all]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) lock_timeout: Option<Duration>,
    /// Take the lock of a run that is gone and has not given it back (state in S3)
    #[arg(long)]
    pub(super) take_lock: bool,
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let seconds = crate::manifest::parse_seconds(text).ok_or("a time looks like 30s or 5m")?;
    Ok(Duration::from_secs(u64::from(seconds.0)))
}

/// Whether to ask.
#[derive(Args, Debug)]
pub(super) struct ConsentArgs {
    /// Do not ask; needed where there is no terminal
    #[arg(short, long)]
    pub(super) yes: bool,
}

/// `destroy`
#[derive(Args, Debug)]
pub(super) struct DestroyArgs {
    #[command(flatten)]
    pub(super) view: DetailArgs,
    #[command(flatten)]
    pub(super) selection: SelectionArgs,
    #[command(flatten)]
    pub(super) consent: ConsentArgs,
    #[command(flatten)]
    pub(super) lock: LockArgs,
}

/// `drift`
#[derive(Args, Debug)]
pub(super) struct DriftArgs {
    #[command(flatten)]
    pub(super) view: ViewArgs,
    #[command(flatten)]
    pub(super) selection: SelectionArgs,
    /// Exit with 3 when there is drift
    #[arg(long)]
    pub(super) detailed_exitcode: bool,
}

/// `show`
#[derive(Args, Debug)]
pub(super) struct ShowArgs {
    /// The file of a saved plan; or labels, kinds, targets or names, as globs [default: everything]
    #[arg(value_name = "FILE|PATTERN")]
    pub(super) patterns: Vec<String>,
    /// Print the records as JSON
    #[arg(long)]
    pub(super) json: bool,
    /// The form of a saved plan; of records text or json
    #[arg(long, value_name = "FORMAT", default_value = "text", conflicts_with = "json")]
    pub(super) format: Format,
    /// How much of a saved plan is shown
    #[arg(long, value_name = "DETAIL", default_value = "folded")]
    pub(super) detail: DetailChoice,
}

/// Where a state was before `[state]` was changed.
#[derive(Args, Debug)]
pub(super) struct PlaceArgs {
    /// Where the state was before `[state]` was changed: a file, or `s3://bucket/key` [default of migrate: state/PROJECT.json]
    #[arg(long, value_name = "PLACE")]
    pub(super) from: Option<String>,
    /// The region of the bucket that it was in [default: that of `[state] s3` for the same bucket, else the first of --region,
    /// the one of the environment or profile, that of `[state] s3`]
    #[arg(long, value_name = "REGION")]
    pub(super) from_region: Option<String>,
}

/// `state`
#[derive(Debug, Subcommand)]
pub(super) enum StateCommand {
    /// List what the project owns
    List {
        /// Labels, kinds, targets or names; globs [default: everything]
        #[arg(value_name = "PATTERN")]
        patterns: Vec<String>,
    },
    /// Show records field by field, as `opsform show` does
    Show {
        /// Labels, kinds, targets or names; globs
        #[arg(value_name = "PATTERN", required = true)]
        patterns: Vec<String>,
        /// Print the records as JSON
        #[arg(long)]
        json: bool,
    },
    /// Forget resources without touching AWS
    Rm {
        /// Labels, kinds, targets or names; globs
        #[arg(value_name = "PATTERN", required = true)]
        patterns: Vec<String>,
        /// Do not ask; needed where there is no terminal
        #[arg(short, long)]
        yes: bool,
    },
    /// Remove a lock that a run left behind in S3; of a local lock, say who holds it
    Unlock {
        /// The id that the lock's message shows
        id: String,
        /// Do not ask whether a lock that is still being renewed is to be removed; needed where there is no terminal
        #[arg(short, long)]
        yes: bool,
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Print the state's document
    Pull,
    /// Write a document to the state
    Push {
        /// The document, as `state pull` prints it; `-` reads standard input
        file: PathBuf,
        /// Also a document of another lineage, an older one, or another one of the same serial; also in place of a damaged state
        #[arg(long)]
        force: bool,
    },
    /// Bring the state along after `[state]` was changed
    Migrate {
        #[command(flatten)]
        place: PlaceArgs,
        #[command(flatten)]
        lock: LockArgs,
    },
    /// Find all that the project owns by its tags on AWS, and write it to the state
    Rebuild {
        /// Do not ask; needed where there is no terminal
        #[arg(short, long)]
        yes: bool,
    },
}
