//! `init`: a commented starter manifest that validates.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};

use anyhow::{Context, Result};

use super::args::{Global, InitArgs};
use super::environment::Environment;
use super::failure::{Exit, Failure};
use super::output::Output;
use crate::manifest::{PROJECT_NAME_HINT, project_name_fault};

const STARTER: &str = include_str!("starter.toml");
const FILE: &str = "opsform.toml";

/// `opsform init`
pub(super) fn run(global: &Global, args: &InitArgs, environment: &Environment) -> Result<Exit> {
    let output = Output::new(global, environment);
    let name = args.name.clone().unwrap_or_else(|| project_name(environment));
    if let Some(fault) = project_name_fault(&name) {
        return Err(Failure::new(format!("the project's name {fault}"), PROJECT_NAME_HINT).into());
    }
    let path = global.manifests.join(FILE);
    let existing = fs::read_dir(&global.manifests).into_iter().flatten().flatten();
    let manifest =
        existing.map(|entry| entry.path()).find(|path| path.extension().is_some_and(|e| e == "toml"));
    if let Some(found) = manifest {
        return Err(Failure::new(
            format!("there is a manifest already: {}", found.display()),
            "choose another folder with --manifests, or add to that one",
        )
        .into());
    }
    fs::create_dir_all(&global.manifests)
        .with_context(|| format!("cannot create the folder {}", global.manifests.display()))?;
    let mut file = match OpenOptions::new().write(true).create_new(true).open(&path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(Failure::new(format!("{} exists already", path.display()), "remove it first").into());
        }
        result => result.with_context(|| format!("cannot write {}", path.display()))?,
    };
    file.write_all(STARTER.replace("PROJECT", &name).as_bytes())
        .with_context(|| format!("cannot write {}", path.display()))?;
    output.print(&format!(
        "Wrote {}.\nNext: edit it, then run `opsform validate` and `opsform plan`.",
        path.display()
    ))?;
    Ok(Exit::Done)
}

/// The current folder's name, made of the characters that a project's name may have.
fn project_name(environment: &Environment) -> String {
    let folder = environment.folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name: String =
        folder.unwrap_or_default().chars().map(|c| if allowed(c) { c } else { '-' }).take(128).collect();
    let name = name.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned();
    if name.is_empty() { "my-project".to_owned() } else { name }
}
