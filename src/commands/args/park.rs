//! `park` and `unpark`.

use clap::{Args, Subcommand, ValueEnum};

use super::{ConsentArgs, DetailChoice, Format, LockArgs};

const EXIT_CODES: &str = "\
Exit codes:
  0    done, begun with --no-wait, or nothing to do
  1    error; nothing was done, and the message says why
  2    --plan --detailed-exitcode: there is something to do
  4    some failed, or something that was named by its id is left alone
  5    what was planned changed on AWS before it was done
  6    the state is locked by another run
  130  stopped by Ctrl-C or SIGTERM; the same command goes on";

/// `park`
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true, after_help = EXIT_CODES)]
pub(in crate::commands) struct ParkArgs {
    #[command(subcommand)]
    pub(in crate::commands) command: Option<ParkCommand>,
    #[command(flatten)]
    pub(in crate::commands) order: OrderArgs,
    /// Park also instances whose type has instance store volumes: a stop destroys what is on them
    #[arg(long)]
    pub(in crate::commands) allow_instance_store: bool,
    /// Park also instances with product codes of the AWS Marketplace
    #[arg(long)]
    pub(in crate::commands) allow_marketplace: bool,
    /// Begin the snapshots and do not wait for them; the same command goes on later
    #[arg(long)]
    pub(in crate::commands) no_wait: bool,
}

/// `park list`
#[derive(Debug, Subcommand)]
pub(in crate::commands) enum ParkCommand {
    /// Show what is parked, since when, how large it is and what it saves
    List {
        /// The form
        #[arg(long, value_name = "FORMAT", default_value = "table")]
        format: ListFormat,
    },
}

/// The form of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::commands) enum ListFormat {
    /// For a terminal
    Table,
    /// For programs
    Json,
}

/// `unpark`
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(in crate::commands) struct UnparkArgs {
    #[command(flatten)]
    pub(in crate::commands) order: OrderArgs,
    /// Keep the snapshots when the instance runs
    #[arg(long)]
    pub(in crate::commands) keep_snapshots: bool,
    /// Fill the volumes at so many MiB/s, 100 to 300; it costs extra [default: AWS's own pace]
    #[arg(long, value_name = "RATE", value_parser = clap::value_parser!(i32).range(100..=300))]
    pub(in crate::commands) initialization_rate: Option<i32>,
}

/// Which instances, and how.
#[derive(Args, Debug)]
pub(in crate::commands) struct OrderArgs {
    /// Which: ids, names (globs) or `tag:KEY=VALUE`
    #[arg(value_name = "INSTANCE", required = true)]
    pub(in crate::commands) instances: Vec<String>,
    /// Show the plan and change nothing
    #[arg(long, visible_alias = "dry-run")]
    pub(in crate::commands) plan: bool,
    /// The form of the plan of --plan
    #[arg(long, value_name = "FORMAT", default_value = "text", requires = "plan")]
    pub(in crate::commands) format: Format,
    /// With --plan: exit with 2 when there is something to do
    #[arg(long, requires = "plan")]
    pub(in crate::commands) detailed_exitcode: bool,
    /// How much of the plan is shown
    #[arg(long, value_name = "DETAIL", default_value = "folded")]
    pub(in crate::commands) detail: DetailChoice,
    #[command(flatten)]
    pub(in crate::commands) consent: ConsentArgs,
    #[command(flatten)]
    pub(in crate::commands) lock: LockArgs,
}
