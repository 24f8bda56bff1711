//! `runner package`: the zip that Lambda runs, and what a plan must know of it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::args::{Global, PackageArgs, RunnerCommand};
use super::environment::Environment;
use super::failure::{Exit, Failure};
use super::iam_policy::of_jobs;
use super::output::Output;
use super::session::{Session, load_manifest, named_files};
use super::whole_file::{Existing, write_whole};
use crate::declarations::{Deployment, Manifest, scope_of_runner};
use crate::jobs::elf;
use crate::jobs::package::{BOOTSTRAP, Contents, MANIFESTS, manifests_in, name_of, zip};
use crate::manifest::{ManifestsFrom, PACKAGE, RunnerSettings};
use crate::resources::lambda_function::{MAX_UPLOAD, code_sha256};

/// `opsform runner`
pub(super) fn run(global: &Global, command: &RunnerCommand, environment: &Environment) -> Result<Exit> {
    match command {
        RunnerCommand::Package(args) => package(global, args, environment),
    }
}

fn package(global: &Global, args: &PackageArgs, environment: &Environment) -> Result<Exit> {
    let output = Output::new(global, environment);
    let manifest = load_manifest(global, &output)?;
    let runner = manifest.settings.runner.as_ref();
    if runner.is_none() {
        output.note("note: the manifest has no `[runner]`, so that nothing deploys this package");
    }
    let architecture = args.architecture.map(super::args::ArchitectureChoice::name);
    let architecture = architecture.or(runner.map(|runner| runner.architecture)).unwrap_or("x86_64");
    let path = args.binary.as_deref().unwrap_or(&environment.program);
    let program = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let needs = elf::check(&program, architecture).map_err(|fault| {
        Failure::new(format!("{} would not start in Lambda: {fault}", path.display()), elf::HOW)
    })?;
    let contents = match runner.map(|runner| &runner.manifests) {
        Some(ManifestsFrom::S3 { .. }) => Contents::new(),
        Some(ManifestsFrom::Bundled) | None => contents(&global.manifests, &manifest)?,
    };
    let zip = zip(&program, &contents).map_err(|fault| Failure::new(fault, "make the manifest smaller"))?;
    let named = runner.map_or(PACKAGE, |runner| &runner.package);
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from(named));
    if let Some(folder) = out.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    write_whole(&out, &zip, Existing::Replace)?;
    output.print(&format!(
        "{}: {} KiB, {} and {}\nSHA-256 {}",
        out.display(),
        zip.len().div_ceil(1024),
        needs.words(),
        crate::render::count_of(contents.len(), "file of the manifest", "files of the manifest"),
        code_sha256(&zip)
    ))?;
    if needs.glibc.is_some() {
        output.note(&format!("note: a static program is independent of what Lambda has; {}", elf::HOW));
    }
    if let (true, Some(runner)) = (is_too_large(&zip), runner)
        && runner.package_s3.is_none()
    {
        output.note(&too_large(&zip));
    }
    Ok(Exit::Done)
}

/// The files of the manifest's folder and those that it names.
fn contents(folder: &Path, manifest: &Manifest) -> Result<Contents> {
    let mut files: Vec<PathBuf> = named_files(folder)?;
    let mail = manifest.settings.mail.iter().flat_map(|mail| [&mail.template, &mail.text_template]);
    files.extend(
        mail.flatten().map(|file| PathBuf::from(crate::manifest::path_beside(&file.place, &file.value))),
    );
    let mut contents = Contents::new();
    for file in files {
        let name = name_of(folder, &file).map_err(|fault| {
            Failure::new(
                format!("{} {fault}", file.display()),
                "or let the function read its manifest from S3: `manifests = \"s3://BUCKET/PREFIX/\"` in `[runner]`",
            )
        })?;
        let content = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        contents.insert(name, content);
    }
    Ok(contents)
}

fn is_too_large(zip: &[u8]) -> bool {
    zip.len() as u64 > MAX_UPLOAD
}

fn too_large(zip: &[u8]) -> String {
    format!(
        "the package has {} MiB, and Lambda takes {} MiB in a call: put it into a bucket and say where with `package_s3` in `[runner]`",
        zip.len() >> 20,
        MAX_UPLOAD >> 20
    )
}

/// What the runner is made of; `None` where the manifest has none, where this run does not work in its region, and in the runner itself, which does not
/// have its package at hand and leaves itself as it is.
pub(super) fn deployment(
    session: &Session,
    manifest: &Manifest,
    output: &Output,
) -> Result<Option<Deployment>> {
    let has_jobs = manifest.declarations.iter().any(|declaration| declaration.job().is_some());
    let Some(runner) = manifest.settings.runner.as_ref().filter(|_| has_jobs && !session.in_runner) else {
        return Ok(None);
    };
    let works_there = scope_of_runner(&manifest.settings, &session.manifest_scopes)
        .is_ok_and(|scope| session.declared_scopes.contains(&scope));
    if !works_there {
        return Ok(None);
    }
    let zip = read_package(runner)?;
    if is_too_large(&zip) && runner.package_s3.is_none() {
        return Err(
            Failure::new(too_large(&zip), "or make the program smaller: build it with --release").into()
        );
    }
    check_contents(session, manifest, runner, &zip, output)?;
    Ok(Some(Deployment { code_sha256: code_sha256(&zip), policy: of_jobs(manifest)? }))
}

fn read_package(runner: &RunnerSettings) -> Result<Vec<u8>> {
    const HOW: &str = "`opsform runner package` makes it";
    match std::fs::read(&runner.package) {
        Ok(bytes) => Ok(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(Failure::new(
            format!("there is no package at {}, so the runner cannot be deployed", runner.package),
            HOW,
        )
        .into()),
        Err(error) => {
            Err(Failure::new(format!("the package {} cannot be read: {error}", runner.package), HOW).into())
        }
    }
}

/// A package with another manifest than this one would go on doing what the other says.
fn check_contents(
    session: &Session,
    manifest: &Manifest,
    runner: &RunnerSettings,
    zip: &[u8],
    output: &Output,
) -> Result<()> {
    let Some(packed) = manifests_in(zip) else {
        let message = format!("{} is no package of opsform: it has no `{BOOTSTRAP}`", runner.package);
        return Err(Failure::new(message, "`opsform runner package` makes one").into());
    };
    if runner.manifests != ManifestsFrom::Bundled {
        return Ok(());
    }
    let here = contents(&session.manifests, manifest)?;
    if here == packed {
        return Ok(());
    }
    let differs =
        here.iter().find(|(name, content)| packed.get(*name) != Some(*content)).map(|(name, _)| name);
    let gone = || packed.keys().find(|name| !here.contains_key(*name));
    let which = differs.or_else(gone).map_or(MANIFESTS, |name| name);
    output.problem(&format!(
        "warning: the package {} holds another manifest than this one ({which} differs), and its jobs go by theirs; `opsform runner package` \
         makes it anew",
        runner.package
    ));
    Ok(())
}
