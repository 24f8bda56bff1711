//! The command line.

use std::process::ExitCode;

use opsform::commands::{self, Environment};

fn main() -> ExitCode {
    commands::main(&Environment::read())
}
