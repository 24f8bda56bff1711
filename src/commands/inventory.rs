//! `inventory`: the live fleet, and which of it no alarm watches.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;

use super::args::{Global, InventoryArgs, SheetFormat};
use super::environment::Environment;
use super::failure::{Exit, Failure};
use super::manifest_path::relative;
use super::opening::open_settings;
use super::output::Output;
use super::progress::Reading;
use super::session::{Session, failures};
use super::whole_file::{Existing, write_whole};
use crate::aws::all;
use crate::inventory::{Fleet, Selector, Target, TargetKind, read_fleet};
use crate::model::Scope;
use crate::render::count_of;
use crate::report::FleetSheet;
use crate::resources::metric_alarm::{Watched, watched};

/// `opsform inventory`
pub(super) async fn run(global: &Global, args: &InventoryArgs, environment: &Environment) -> Result<Exit> {
    let output = Output::new(global, environment);
    let format = format(args)?;
    let (_, session) = open_settings(global, environment, &output).await?;
    let reading = Reading::new(&output);
    let kinds = if args.kind.is_empty() { TargetKind::ALL.to_vec() } else { kinds(&args.kind)? };
    let selectors: Vec<Selector> = kinds.into_iter().map(Selector::all).collect();
    let selectors: Vec<&Selector> = selectors.iter().collect();
    let fleet = read_fleet(&session.aws, &session.declared_scopes, &selectors).await.map_err(failures)?;
    let alarms = read_alarms(&session).await?;
    drop(reading);
    let targets = with_alarms(&fleet, &alarms, args.without_alarms);
    let sheet = FleetSheet::new(&targets);
    match &args.out {
        Some(path) => {
            let existing = if args.overwrite { Existing::Replace } else { Existing::Refuse };
            write_whole(path, &bytes(&sheet, format, &output)?, existing)?;
        }
        None => output.print(&String::from_utf8_lossy(&bytes(&sheet, format, &output)?))?,
    }
    for (kind, (count, without)) in FleetSheet::coverage(&targets) {
        let watched = if without == 0 {
            "each is watched by an alarm".to_owned()
        } else {
            format!("{without} without any alarm")
        };
        output.note(&format!("{}, {watched}", count_of(count, kind.singular(), kind.plural())));
    }
    if let Some(path) = &args.out {
        output.note(&format!("wrote {} to {}", count_of(targets.len(), "row", "rows"), path.display()));
        if is_inventory(path, format) && !targets.is_empty() {
            let file = relative(path, &global.manifests);
            output.note(&format!(
                "to use it as an inventory, add this to the manifest:\n\n{}",
                sheet.inventory_blocks(&file)
            ));
        }
    }
    Ok(Exit::Done)
}

/// The form that was asked for, which has to be the one that the file's ending promises.
fn format(args: &InventoryArgs) -> Result<SheetFormat> {
    let Some(path) = &args.out else {
        let format = args.format.unwrap_or(SheetFormat::Table);
        if format == SheetFormat::Xlsx {
            let hint = "say where to write it: --out fleet.xlsx";
            return Err(Failure::new("a workbook cannot be printed", hint).into());
        }
        return Ok(format);
    };
    let problem = match (format_of(path), args.format) {
        (Some(of_file), Some(asked)) if of_file != asked => {
            format!("the ending of {} is that of another format than --format", path.display())
        }
        (Some(of_file), _) => return Ok(of_file),
        (None, Some(asked)) if asked != SheetFormat::Xlsx => return Ok(asked),
        (None, _) => format!("the ending of {} tells no format", path.display()),
    };
    Err(Failure::new(problem, "endings are .csv, .json and .xlsx").into())
}

type Alarms = BTreeMap<Scope, Watched>;

async fn read_alarms(session: &Session) -> Result<Alarms> {
    let reads = session.declared_scopes.iter().map(|scope| async move {
        watched(&session.aws, scope).await.map(|watched| (scope.clone(), watched))
    });
    Ok(all(reads).await.map_err(failures)?.into_iter().collect())
}

/// Each target with the number of alarms in its own region that name it.
fn with_alarms<'a>(fleet: &'a Fleet, alarms: &Alarms, only_without: bool) -> Vec<(&'a Target, usize)> {
    let count = |target: &Target| {
        let key = (target.kind.dimension().to_owned(), target.id.clone());
        alarms.get(&target.scope).and_then(|watched| watched.get(&key)).copied().unwrap_or(0)
    };
    let all = fleet.iter().map(|target| (target, count(target)));
    all.filter(|(_, alarms)| !only_without || *alarms == 0).collect()
}

fn kinds(names: &[String]) -> Result<Vec<TargetKind>> {
    let kind = |name: &String| {
        TargetKind::from_name(name).ok_or_else(|| {
            let known: Vec<&str> = TargetKind::ALL.into_iter().map(TargetKind::name).collect();
            Failure::new(
                format!("there is no kind of target `{name}`"),
                format!("kinds are {}", known.join(", ")),
            )
            .into()
        })
    };
    names.iter().map(kind).collect()
}

fn format_of(path: &Path) -> Option<SheetFormat> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "csv" => Some(SheetFormat::Csv),
        "json" => Some(SheetFormat::Json),
        "xlsx" => Some(SheetFormat::Xlsx),
        _ => None,
    }
}

/// Whether an `[[inventory]]` can read the file. JSON is for programs: there it takes what the AWS CLI prints.
fn is_inventory(path: &Path, format: SheetFormat) -> bool {
    matches!(format, SheetFormat::Csv | SheetFormat::Xlsx) && format_of(path) == Some(format)
}

fn bytes(sheet: &FleetSheet, format: SheetFormat, output: &Output) -> Result<Vec<u8>> {
    Ok(match format {
        SheetFormat::Table => sheet.table(output.palette).into_bytes(),
        SheetFormat::Csv => sheet.csv()?.into_bytes(),
        SheetFormat::Json => serde_json::to_vec_pretty(&sheet.json())?,
        SheetFormat::Xlsx => sheet.xlsx()?,
    })
}
