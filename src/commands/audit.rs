//! `audit`: what the tag rules find, as a report and as mails.

use std::path::Path;

use anyhow::Result;

use super::args::{AuditArgs, AuditFormat, Global};
use super::environment::Environment;
use super::failure::{Exit, Failure};
use super::mailing::Mails;
use super::output::Output;
use super::progress::Reading;
use super::session::{Session, load_manifest};
use super::whole_file::{Existing, write_whole};
use crate::aws::ErrorClass;
use crate::declarations::{Declaration, Manifest, World};
use crate::inventory::{Fleet, Selector, TargetKind, read_fleet_with_gaps};
use crate::model::{Audit, Diagnostics, Gap, Scope};
use crate::render::count_of;
use crate::report;
use crate::state::State;

/// `opsform audit`
pub(super) async fn run(global: &Global, args: &AuditArgs, environment: &Environment) -> Result<Exit> {
    let output = Output::new(global, environment);
    let format = format(args)?;
    let manifest = load_manifest(global, &output)?;
    // What is wrong with the mails is told before AWS is asked for anything.
    let mail = if args.mail { Some(Mails::of(&manifest.settings, &output)?) } else { None };
    let state = State::new(&*manifest.settings.project, "");
    let session = Session::connect(global, &manifest.settings, &state, environment).await?;
    let (audit, problems) = find(&session, &manifest, &output).await?;
    show(&audit, format, args, &output)?;
    output.count(|counts| (counts.findings, counts.failures) = (audit.findings.len(), audit.gaps.len()));
    output.count_calls(&session.aws);
    // A rule whose targets are missing says nothing of them: what it found is told, and that it is not all.
    let missing = output.diagnostics(&problems.without_repeats()).is_err();
    let mut exit = match (audit.gaps.is_empty(), audit.findings.is_empty()) {
        (false, _) => {
            let parts = count_of(audit.gaps.len(), "part", "parts");
            output.problem(&format!(
                "error: {parts} of what was to be looked at could not be read; the report says which"
            ));
            Exit::Error
        }
        _ if missing => Exit::Error,
        (true, false) if args.detailed_exitcode => Exit::Changes,
        _ => Exit::Done,
    };
    if let Some(mails) = mail {
        exit = mails.deliver(&session, &audit, args.dry_run.as_deref(), exit).await?;
    }
    Ok(exit)
}

/// Reads all that the rules are about, and applies them. What the rules were to be about and is not there comes beside.
async fn find(session: &Session, manifest: &Manifest, output: &Output) -> Result<(Audit, Diagnostics)> {
    let rules: Vec<&dyn Declaration> = manifest
        .declarations
        .iter()
        .map(AsRef::as_ref)
        .filter(|d| d.audit_day(session.now).is_some())
        .collect();
    let Some((today, timezone)) = rules.first().and_then(|rule| rule.audit_day(session.now)) else {
        let hint = "add a `[[tags]]` block with `for_each` and `require`";
        return Err(Failure::new("the manifest has no rules for an audit", hint).into());
    };
    let reading = Reading::new(output);
    let selectors: Vec<&Selector> = rules.iter().flat_map(|rule| rule.selectors()).collect();
    let (fleet, gaps) = read_fleet_with_gaps(&session.aws, &session.declared_scopes, &selectors).await;
    let problems = if gaps.is_empty() {
        problems(session, &rules, &selectors, &fleet).await
    } else {
        // What is missing may be in what could not be read.
        Diagnostics::new()
    };
    drop(reading);
    if let Some((_, _, error)) = gaps.iter().find(|(_, _, error)| error.class == ErrorClass::Stopped) {
        return Err(error.clone().into());
    }
    let world = world(session, &fleet);
    let mut findings: Vec<_> = rules.iter().flat_map(|rule| rule.findings(&world)).collect();
    findings.sort();
    let kinds = TargetKind::ALL.into_iter().filter(|kind| selectors.iter().any(|s| s.kind == *kind));
    let asked = |scope: &&Scope| session.declared_scopes.contains(scope);
    let audit = Audit {
        project: manifest.settings.project.clone(),
        today,
        timezone,
        scopes: session.declared_scopes.clone(),
        left_out: session.manifest_scopes.iter().filter(|scope| !asked(scope)).cloned().collect(),
        checked: kinds.map(|kind| (kind.plural().to_owned(), fleet.of_kind(kind).count())).collect(),
        findings,
        gaps: gaps
            .into_iter()
            .map(|(scope, kind, error)| Gap {
                scope,
                kind: kind.plural().to_owned(),
                reason: error.to_string(),
            })
            .collect(),
    };
    Ok((audit, problems))
}

fn world<'a>(session: &'a Session, fleet: &'a Fleet) -> World<'a> {
    World::new(&session.manifest_scopes, &session.declared_scopes, fleet, session.now)
}

/// What a plan says of the rules' targets: ids that AWS does not have, and selectors that select nothing. To explain what it
/// misses, a rule may have all read that it may have meant.
async fn problems(
    session: &Session,
    rules: &[&dyn Declaration],
    selectors: &[&Selector],
    fleet: &Fleet,
) -> Diagnostics {
    let more: Vec<Selector> = if session.declared_scopes.len() < session.manifest_scopes.len() {
        Vec::new()
    } else {
        rules.iter().flat_map(|rule| rule.more_selectors(fleet)).collect()
    };
    let mut wider = None;
    if !more.is_empty() {
        let selectors: Vec<&Selector> = selectors.iter().copied().chain(&more).collect();
        let (read, gaps) = read_fleet_with_gaps(&session.aws, &session.declared_scopes, &selectors).await;
        wider = gaps.is_empty().then_some(read);
    }
    let world = world(session, wider.as_ref().unwrap_or(fleet));
    let mut problems = Diagnostics::new();
    for rule in rules {
        problems.extend(rule.desired(&world).1);
    }
    problems
}

/// The form that was asked for, which has to be the one that the file's ending promises.
fn format(args: &AuditArgs) -> Result<AuditFormat> {
    let of_file = args.out.as_deref().and_then(AuditFormat::of_file);
    let problem = match (&args.out, args.format, of_file) {
        (None, Some(AuditFormat::Xlsx), _) => "a workbook cannot be printed".to_owned(),
        (None, asked, _) => return Ok(asked.unwrap_or(AuditFormat::Table)),
        (Some(path), Some(asked), Some(of_file)) if asked != of_file => {
            format!("the ending of {} is that of another format than --format", path.display())
        }
        (Some(_), asked, of_file) if asked.or(of_file).is_some() => {
            return Ok(asked.or(of_file).unwrap_or(AuditFormat::Table));
        }
        (Some(path), _, _) => format!("the ending of {} tells no format", path.display()),
    };
    Err(Failure::new(
        problem,
        "write to a file: endings are .json, .csv, .xlsx, .html, .htm, .md, .xml and .txt",
    )
    .into())
}

impl AuditFormat {
    fn of_file(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "json" => Some(Self::Json),
            "csv" => Some(Self::Csv),
            "xlsx" => Some(Self::Xlsx),
            "html" | "htm" => Some(Self::Html),
            "md" => Some(Self::Markdown),
            "xml" => Some(Self::Junit),
            "txt" => Some(Self::Table),
            _ => None,
        }
    }
}

fn show(audit: &Audit, format: AuditFormat, args: &AuditArgs, output: &Output) -> Result<()> {
    let bytes = match format {
        AuditFormat::Table => report::audit_table(audit, output.palette).into_bytes(),
        AuditFormat::Json => report::audit_json(audit)?.into_bytes(),
        AuditFormat::Csv => report::audit_csv(audit)?.into_bytes(),
        AuditFormat::Xlsx => report::audit_xlsx(audit)?,
        AuditFormat::Html => report::audit_html(audit)?.into_bytes(),
        AuditFormat::Markdown => report::audit_markdown(audit).into_bytes(),
        AuditFormat::Junit => report::audit_junit(audit).into_bytes(),
    };
    let Some(path) = &args.out else {
        return output.print(String::from_utf8_lossy(&bytes).trim_end());
    };
    write_whole(path, &bytes, Existing::Replace)?;
    output.note(&format!(
        "wrote {} to {}",
        count_of(audit.findings.len(), "finding", "findings"),
        path.display()
    ));
    Ok(())
}
