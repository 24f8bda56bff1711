//! `job` and `runner`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::ListFormat;

/// `job`
#[derive(Debug, Subcommand)]
pub(in crate::commands) enum JobCommand {
    /// Run a job of the manifest here and now, as the function, a timer or a CI schedule does
    Run(JobRunArgs),
    /// List the jobs of the manifest: what each does, what makes it run, and when next
    List {
        /// The form
        #[arg(long, value_name = "FORMAT", default_value = "table")]
        format: ListFormat,
    },
}

/// `job run`
#[derive(Args, Debug)]
pub(in crate::commands) struct JobRunArgs {
    /// The job's label
    #[arg(value_name = "LABEL")]
    pub(in crate::commands) name: String,
    /// The instance that the job is about
    #[arg(long, value_name = "ID")]
    pub(in crate::commands) instance: Option<String>,
    /// The state that the instance has entered, for jobs that use it [default: that of `on`]
    #[arg(long, value_name = "STATE", requires = "instance")]
    pub(in crate::commands) state_of_instance: Option<String>,
}

/// `runner`
#[derive(Debug, Subcommand)]
pub(in crate::commands) enum RunnerCommand {
    /// Make the zip that `apply` deploys as a Lambda function: this program and the manifest
    Package(PackageArgs),
}

/// `runner package`
#[derive(Args, Debug)]
pub(in crate::commands) struct PackageArgs {
    /// The program, built for Lambda [default: this one]
    #[arg(long, value_name = "FILE")]
    pub(in crate::commands) binary: Option<PathBuf>,
    /// The zip [default: `package` of `[runner]`, else dist/opsform-runner.zip]
    #[arg(short, long, value_name = "FILE")]
    pub(in crate::commands) out: Option<PathBuf>,
    /// What the function is for [default: `architecture` of `[runner]`, else `x86_64`]
    #[arg(long, value_name = "ARCHITECTURE")]
    pub(in crate::commands) architecture: Option<ArchitectureChoice>,
}

/// A processor of Lambda's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::commands) enum ArchitectureChoice {
    /// Intel and AMD
    #[value(name = "x86_64")]
    X86_64,
    /// Graviton
    Arm64,
}

impl ArchitectureChoice {
    /// As AWS writes it.
    pub(in crate::commands) fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
        }
    }
}
