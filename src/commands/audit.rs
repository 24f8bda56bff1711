//! `audit`: what the tag rules find, as a report and as mails.

use std::path::Path;

use anyhow::Result;

use super::args::{AuditArgs, AuditFormat, Global};
use super::environment::Environment;
use super::failure::{Exit, Failure};
use super::output::Output;
use super::progress::Reading;
use super::session::{Session, load_manifest};
use super::whole_file::{Existing, write_whole};
use crate::aws::ErrorClass;
use crate::declarations::{Declaration, Manifest, World};
use crate::inventory::{Selector, TargetKind, read_fleet_with_gaps};
use crate::mail::{Templates, compose, send, write_messages};
use crate::manifest::MailSettings;
use crate::model::{Audit, Gap, Scope};
use crate::render::count_of;
use crate::report;
use crate::state::State;

/// `opsform audit`
pub(super) async fn run(global: &Global, args: &AuditArgs, environment: &Environment) -> Result<Exit> {
    let output = Output::new(global, environment);
    let format = format(args)?;
    let manifest = load_manifest(global, &output)?;
    // What is wrong with the mails is told before AWS is asked for anything.
    let mail = if args.mail { Some(mail_settings(&manifest, &output)?) } else { None };
    let state = State::new(&*manifest.settings.project, "");
    let session = Session::connect(global, &manifest.settings, &state, environment).await?;
    let audit = find(&session, &manifest, &output).await?;
    show(&audit, format, args, &output)?;
    let mut exit = match (audit.gaps.is_empty(), audit.findings.is_empty()) {
        (false, _) => {
            let parts = count_of(audit.gaps.len(), "part", "parts");
            output.problem(&format!(
                "error: {parts} of what was to be looked at could not be read; the report says which"
            ));
            Exit::Error
        }
        (true, false) if args.detailed_exitcode => Exit::Changes,
        _ => Exit::Done,
    };
    if let Some((settings, templates)) = mail
        && !deliver(&session, &audit, settings, &templates, args, &output).await?
    {
        exit = Exit::Error;
    }
    Ok(exit)
}

/// Reads all that the rules are about, and applies them.
async fn find(session: &Session, manifest: &Manifest, output: &Output) -> Result<Audit> {
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
    drop(reading);
    if let Some((_, _, error)) = gaps.iter().find(|(_, _, error)| error.class == ErrorClass::Stopped) {
        return Err(error.clone().into());
    }
    let world = World {
        manifest_scopes: &session.manifest_scopes,
        scopes: &session.declared_scopes,
        fleet: &fleet,
        tagged: &[],
        now: session.now,
    };
    let mut findings: Vec<_> = rules.iter().flat_map(|rule| rule.findings(&world)).collect();
    findings.sort();
    let kinds = TargetKind::ALL.into_iter().filter(|kind| selectors.iter().any(|s| s.kind == *kind));
    Ok(Audit {
        project: manifest.settings.project.clone(),
        today,
        timezone,
        scopes: session.declared_scopes.clone(),
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
    })
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
    Err(Failure::new(problem, "write to a file: endings are .json, .csv, .xlsx, .html, .md and .xml").into())
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

fn mail_settings<'a>(manifest: &'a Manifest, output: &Output) -> Result<(&'a MailSettings, Templates)> {
    let Some(settings) = &manifest.settings.mail else {
        let hint = "add `[mail]` with `from` and `to`";
        return Err(Failure::new("the manifest says nothing about mail", hint).into());
    };
    match Templates::read(settings) {
        Ok(templates) => Ok((settings, templates)),
        Err(problems) => {
            output.diagnostics(&problems)?;
            Err(Failure::printed().into())
        }
    }
}

/// Sends the mails, or writes them to a folder; says whether each of them went out.
async fn deliver(
    session: &Session,
    audit: &Audit,
    settings: &MailSettings,
    templates: &Templates,
    args: &AuditArgs,
    output: &Output,
) -> Result<bool> {
    let messages = match compose(audit, settings, templates) {
        Ok(messages) => messages,
        Err(problem) => {
            let mut problems = crate::model::Diagnostics::new();
            problems.push(*problem);
            output.diagnostics(&problems)?;
            return Err(Failure::printed().into());
        }
    };
    if let Some(folder) = &args.dry_run {
        let files = write_messages(folder, &messages).map_err(|error| {
            let hint = error.hint().unwrap_or_default();
            Failure::new(error.to_string(), hint)
        })?;
        let mails = count_of(messages.len(), "mail", "mails");
        output.note(&format!(
            "nothing was sent; {mails} are in {} ({} files)",
            folder.display(),
            files.len()
        ));
        return Ok(true);
    }
    let scope = sender(session, settings)?;
    let outcomes = send(&session.aws, &scope, settings, &messages).await?;
    let failed: Vec<_> = outcomes.iter().filter(|outcome| !outcome.is_sent()).collect();
    for outcome in &failed {
        let hint = outcome.hint().map(|hint| format!("\nhelp: {hint}")).unwrap_or_default();
        output.problem(&format!("error: {}{hint}", outcome.words()));
    }
    let sent = outcomes.len() - failed.len();
    output.note(&format!("sent {} from {}", count_of(sent, "mail", "mails"), scope.region));
    Ok(failed.is_empty())
}

/// The account and region that the mails are sent from.
fn sender(session: &Session, settings: &MailSettings) -> Result<Scope> {
    let Some(first) = session.declared_scopes.first() else {
        return Err(Failure::new("there is no region to send from", "set `region` in `[mail]`").into());
    };
    let region = settings.region.clone().unwrap_or_else(|| first.region.clone());
    Ok(Scope::new(first.account.clone(), region))
}
