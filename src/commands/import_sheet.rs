//! `import FILE`: a sheet that lists alarms, as declarations to review.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;

use super::args::{Global, ImportArgs};
use super::environment::Environment;
use super::failure::{Exit, Failure};
use super::import::labels;
use super::manifest_path::relative;
use super::output::Output;
use super::whole_file::{Existing, write_whole};
use crate::declarations::{block_names, parse_all};
use crate::manifest::{Files, SourceSet, grids, parse, read_files};
use crate::model::Severity;
use crate::render::count_of;
use crate::report::{AlarmList, Names, alarm_list};

/// `opsform import FILE`
pub(super) fn run(global: &Global, args: &ImportArgs, file: &str, environment: &Environment) -> Result<Exit> {
    let output = Output::new(global, environment);
    let read = read_files(BTreeSet::from([file.to_owned()]));
    let unusable = |why: String, hint: &str| Failure::new(format!("{file} {why}"), hint);
    let bytes = match read.into_values().next() {
        Some(Ok(bytes)) => bytes,
        Some(Err(fault)) => return Err(unusable(fault.to_string(), "check the path").into()),
        None => return Err(unusable("is not there".to_owned(), "check the path").into()),
    };
    let grids = grids(file, bytes.get()).map_err(|fault| {
        unusable(fault, "open it in the spreadsheet program and save it once more, without a password")
    })?;
    let folder = args.out.as_deref().and_then(Path::parent).unwrap_or(&global.manifests);
    let from_manifest = relative(Path::new(file), folder);
    let labels = labels(global);
    let names = Names { shown: file, file: &from_manifest, sheet: args.sheet.as_deref(), labels: &labels };
    let list = alarm_list(&grids, &names).map_err(|fault| {
        let hint = "`import` reads lists of alarms; for a list of servers write an `[[inventory]]` and the alarms that they are to get";
        Failure::new(format!("{file}: {fault}"), hint)
    })?;
    let faults = faults(&list, &from_manifest, bytes.get());
    let rows = count_of(list.rows, "row", "rows");
    let Some(path) = &args.out else {
        output.print(&list.text)?;
        output.note(&format!("{rows}{}; `--out FILE` writes them to a file of the manifest", said(faults)));
        return Ok(Exit::Done);
    };
    write_whole(path, list.text.as_bytes(), Existing::Refuse)?;
    output.print(&format!(
        "Wrote an inventory of {rows} and its alarm to {}{}.\nNext: review it, then `opsform validate` and `opsform plan`.",
        path.display(),
        said(faults)
    ))?;
    Ok(Exit::Done)
}

fn said(faults: usize) -> String {
    match faults {
        0 => String::new(),
        _ => format!("; `opsform validate` will name {}", count_of(faults, "problem", "problems")),
    }
}

/// How many problems the list has as it is.
fn faults(list: &AlarmList, file: &str, bytes: &[u8]) -> usize {
    let settings = "[project]\nname = \"import\"\n[aws]\nregions = [\"us-east-1\"]\n";
    let sources = SourceSet::new("", [("list.toml", list.text.as_str()), ("settings.toml", settings)]);
    let (mut document, mut problems) = parse(&sources, &block_names());
    document.files = Files::from([(file.to_owned(), Ok(bytes.into()))]);
    problems.extend(parse_all(&document).1);
    problems.iter().filter(|problem| problem.severity == Severity::Error).count()
}
