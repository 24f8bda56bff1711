//! The commands that look and tell: audits, inventories, imports, policies, schedules.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// `audit`
#[derive(Args, Debug)]
pub(in crate::commands) struct AuditArgs {
    /// The report's form [default: by the ending of --out (.json, .csv, .xlsx, .html, .htm, .md, .xml, .txt), else table]
    #[arg(long, value_name = "FORMAT")]
    pub(in crate::commands) format: Option<AuditFormat>,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(in crate::commands) out: Option<PathBuf>,
    /// Exit with 2 when there are findings
    #[arg(long)]
    pub(in crate::commands) detailed_exitcode: bool,
    /// Send the findings as `[mail]` of the manifest says: all to the team, and each owner theirs
    #[arg(long)]
    pub(in crate::commands) mail: bool,
    /// Write the mails to this folder and send none
    #[arg(long, value_name = "DIR", requires = "mail")]
    pub(in crate::commands) dry_run: Option<PathBuf>,
}

/// The form of an audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::commands) enum AuditFormat {
    /// For a terminal
    Table,
    /// For programs; documented in docs/audit-format.md
    Json,
    /// One row a finding
    Csv,
    /// An Excel workbook, a sheet for each list
    Xlsx,
    /// A page for a browser
    Html,
    /// For a comment on a pull request
    Markdown,
    /// A test report, as GitLab and Jenkins show it
    Junit,
}

/// `inventory`
#[derive(Args, Debug)]
pub(in crate::commands) struct InventoryArgs {
    /// Only these kinds of target: `ec2`, `ebs`, `rds`, `rds_cluster`
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    pub(in crate::commands) kind: Vec<String>,
    /// Replace the file of --out where it exists: it may be a sheet that somebody wrote into
    #[arg(long, requires = "out")]
    pub(in crate::commands) overwrite: bool,
    /// Only targets that no alarm watches
    #[arg(long)]
    pub(in crate::commands) without_alarms: bool,
    /// The sheet's form [default: by the ending of --out, else table]
    #[arg(long, value_name = "FORMAT")]
    pub(in crate::commands) format: Option<SheetFormat>,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(in crate::commands) out: Option<PathBuf>,
}

/// The form of a sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::commands) enum SheetFormat {
    /// For a terminal; without the tags
    Table,
    /// Comma-separated values in UTF-8, as they are: for programs, and as an `[[inventory]]`
    Csv,
    /// A list of objects, for programs
    Json,
    /// An Excel workbook: the one to open in Excel, where text stays text; also as an `[[inventory]]`
    Xlsx,
}

/// `import`
#[derive(Args, Debug)]
pub(in crate::commands) struct ImportArgs {
    /// A workbook or CSV file that lists alarms, one a row
    #[arg(value_name = "FILE", required_unless_present = "live")]
    pub(in crate::commands) file: Option<String>,
    /// From live AWS, in the manifest's accounts and regions
    #[arg(long, conflicts_with = "file")]
    pub(in crate::commands) live: bool,
    /// The sheet of the workbook [default: the one that looks most like a list of alarms]
    #[arg(long, value_name = "NAME", conflicts_with = "live")]
    pub(in crate::commands) sheet: Option<String>,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(in crate::commands) out: Option<PathBuf>,
}

/// `report`
#[derive(Debug, Subcommand)]
pub(in crate::commands) enum ReportCommand {
    /// Show what instances, volumes and databases cost this month, by list price, so far and as a forecast
    Cost(CostArgs),
}

/// `report cost`
#[derive(Args, Debug)]
pub(in crate::commands) struct CostArgs {
    /// Write to this file, or to `s3://BUCKET/KEY`; the ending says the form: .xlsx, .html, .htm, .csv or .json. The name may hold {{ date }},
    /// {{ month }} and {{ project }} (repeatable) [default: `[report.cost] output`, else a summary on standard output]
    #[arg(long, value_name = "FILE")]
    pub(in crate::commands) out: Vec<String>,
    /// Ask Cost Explorer what was billed, too. Every call costs $0.01; a report makes at most 3
    #[arg(long)]
    pub(in crate::commands) actual: bool,
}

/// `iam-policy`
#[derive(Args, Debug)]
pub(in crate::commands) struct IamPolicyArgs {
    /// What the policy is for
    #[arg(long = "for", value_name = "COMMAND", default_value = "apply")]
    pub(in crate::commands) permissions: PolicyFor,
    /// Print the policy of the caller's own credentials, where `[[account]]` names roles: to take them on, and the state in S3
    #[arg(long)]
    pub(in crate::commands) caller: bool,
}

/// `schedule`
#[derive(Debug, Subcommand)]
pub(in crate::commands) enum ScheduleCommand {
    /// Show in words and times when an expression of EventBridge fires, or when the manifest's schedules and snapshots run
    Preview(SchedulePreviewArgs),
}

/// What a policy is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::commands) enum PolicyFor {
    /// `plan`, `drift`: reads only
    Plan,
    /// `apply`, `destroy`, `state`: reads and writes
    Apply,
    /// `inventory`: reads all kinds of target and counts alarms
    Inventory,
    /// `import`: reads all kinds of target, alarms and their owners
    Import,
    /// `power`: reads, starts and stops instances, databases and clusters, whatever the manifest declares
    Power,
    /// `park`, `unpark`: reads, stops and starts instances, and makes and deletes their volumes and snapshots, whatever the manifest declares
    Park,
    /// `audit`: reads what the tag rules are about; sends mails where the manifest has `[mail]`
    Audit,
    /// `report`: reads all that costs money, the price list, and Cost Explorer for `--actual`
    Report,
}

/// `schedule preview`
#[derive(Args, Debug)]
pub(in crate::commands) struct SchedulePreviewArgs {
    /// The expression, such as 'cron(0 9 ? * MON-FRI *)', 'rate(5 minutes)' or 'at(2026-12-31T23:59:00)'; or the label of a
    /// declaration, such as schedule.office. Left out: all schedules and snapshots of the manifest
    #[arg(value_name = "EXPRESSION|LABEL")]
    pub(in crate::commands) what: Option<String>,
    /// The expression's time zone, by its IANA name; EventBridge rules have UTC only [default: UTC]
    #[arg(long, value_name = "ZONE")]
    pub(in crate::commands) timezone: Option<String>,
    /// How many times to show
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(in crate::commands) count: u16,
}
