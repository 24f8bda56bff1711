//! `power`: starting and stopping by hand.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::{ConsentArgs, DetailChoice, Format, duration};

/// `power`
#[derive(Debug, Subcommand)]
pub(in crate::commands) enum PowerCommand {
    /// Start what is stopped
    Start(PowerArgs),
    /// Stop what runs
    Stop {
        #[command(flatten)]
        power: PowerArgs,
        /// Instances keep their memory: those that were launched for it; the others are left alone
        #[arg(long)]
        hibernate: bool,
        /// Stop also what the tag `keep-running-until`, or the one that its schedule names, keeps running
        #[arg(long)]
        force: bool,
    },
}

/// `power start` and `power stop`
#[derive(Args, Debug)]
pub(in crate::commands) struct PowerArgs {
    /// What (repeatable, any of them will do): an id, a name (a glob), `tag:KEY=VALUE`, a kind (`ec2`, `rds`, `rds_cluster`),
    /// a kind and one of these (`rds:orders`), or the label of a schedule (`schedule.office`)
    #[arg(long, value_name = "TARGET", required = true)]
    pub(in crate::commands) target: Vec<String>,
    /// But not these; written as targets are
    #[arg(long, value_name = "TARGET")]
    pub(in crate::commands) exclude: Vec<String>,
    /// Show the plan and change nothing
    #[arg(long)]
    pub(in crate::commands) dry_run: bool,
    /// The form of the plan of --dry-run
    #[arg(long, value_name = "FORMAT", default_value = "text", requires = "dry_run")]
    pub(in crate::commands) format: Format,
    /// How much of the plan is shown
    #[arg(long, value_name = "DETAIL", default_value = "folded")]
    pub(in crate::commands) detail: DetailChoice,
    /// With --dry-run: exit with 2 when there is something to do
    #[arg(long, requires = "dry_run")]
    pub(in crate::commands) detailed_exitcode: bool,
    #[command(flatten)]
    pub(in crate::commands) consent: ConsentArgs,
    /// Wait until everything runs or is stopped, and tell what fell back
    #[arg(long)]
    pub(in crate::commands) wait: bool,
    /// Wait so long at the most, such as 90s or 1h
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "30m", requires = "wait")]
    pub(in crate::commands) wait_timeout: Duration,
}
