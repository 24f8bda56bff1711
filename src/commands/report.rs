//! `report cost`: what there is, what it costs, and where that is written.

use std::sync::Arc;

use anyhow::Result;
use futures::future::join_all;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::args::{CostArgs, Global, ReportCommand};
use super::environment::Environment;
use super::failure::{Exit, Failure};
use super::output::Output;
use super::progress::Reading;
use super::report_store::ReportStore;
use super::session::{Session, load_settings, own_aws};
use crate::aws::{Aws, Bucket, Encryption, OWN_ACCOUNT, Operation};
use crate::costs::{
    self, CostReport, Estate, MOST_CALLS, Month, ParkedInstance, ReportSettings, TrendPoint, noun,
    read_actual, read_estate,
};
use crate::manifest::{CostSettings, OutputTemplate, ReportFormat, Settings};
use crate::model::{Diagnostics, Gap, Place, ReportOutput, Scope};
use crate::prices::{PriceBook, read_prices};
use crate::render::count_of;
use crate::report;
use crate::resources::instance_storage;
use crate::state::State;

/// What a report calls, for its policy.
pub(super) const OPERATIONS: &[&Operation] = &[
    Operation::DESCRIBE_INSTANCES,
    Operation::DESCRIBE_INSTANCE_TYPES,
    Operation::DESCRIBE_VOLUMES,
    Operation::DESCRIBE_SNAPSHOTS,
    Operation::DESCRIBE_ADDRESSES,
    Operation::DESCRIBE_NETWORK_INTERFACES,
    Operation::DESCRIBE_DB_INSTANCES,
    Operation::DESCRIBE_DB_CLUSTERS,
    Operation::GET_PRODUCTS,
    Operation::GET_COST_AND_USAGE,
];

/// `opsform report`
pub(super) async fn run(global: &Global, command: &ReportCommand, environment: &Environment) -> Result<Exit> {
    let ReportCommand::Cost(args) = command;
    let output = Output::new(global, environment);
    let settings = load_settings(global, &output)?;
    let cost = settings.cost.clone().unwrap_or_default();
    let day = environment.now.to_zoned(TimeZone::UTC).date();
    // What is wrong with the outputs is told before AWS is asked for anything.
    let outputs = outputs(args, &cost, &settings.project, &output)?;
    let state = State::new(&*settings.project, "");
    let session = Session::connect(global, &settings, &state, environment).await?;
    let scopes = scopes(&session, &cost)?;
    if args.actual {
        announce_actual(&scopes, &output)?;
    }
    // Nothing is read, and nothing paid, for what can be written nowhere.
    let places = Places { global, settings: &settings, region: &scopes[0].region, day };
    let opened = places.open(&outputs, &settings.project, &output).await?;
    let mut report = make(&session, &scopes, &settings, args, environment, &output).await?;
    let (written, failed) = write_all(opened, &mut report).await?;
    if outputs.is_empty() {
        output.print(&report::cost_text(&report, output.palette))?;
    }
    tell(&report, &written, &session.aws, &output);
    output.count(|counts| counts.failures = report.gaps.len());
    output.count_calls(&session.aws);
    let mut failed = failed.into_iter();
    if let Some(first) = failed.next() {
        for error in failed {
            output.error(&format!("{error:#}"), &[]);
        }
        return Err(first);
    }
    if report.gaps.is_empty() {
        return Ok(Exit::Done);
    }
    let parts = count_of(report.gaps.len(), "part", "parts");
    output.problem(&format!("error: {parts} of what was to be read could not be; the report says which"));
    Ok(Exit::Error)
}

/// Where one form of the report goes.
struct Destination {
    output: ReportOutput,
    format: ReportFormat,
}

fn outputs(args: &CostArgs, cost: &CostSettings, project: &str, output: &Output) -> Result<Vec<Destination>> {
    let mut problems = Diagnostics::new();
    let templates: Vec<OutputTemplate> = if args.out.is_empty() {
        cost.output.clone()
    } else {
        let read = args.out.iter().map(|text| OutputTemplate::new(text, Place::Named("--out".to_owned())));
        read.filter_map(|one| one.map_err(|fault| problems.push(*fault)).ok()).collect()
    };
    output.diagnostics(&problems)?;
    let destination = |template: &OutputTemplate| {
        let name = template.undated(project).and_then(|name| ReportOutput::parse(&name));
        let output = name.map_err(|why| Failure::new(why, "correct `--out`, or `[report.cost] output`"))?;
        Ok(Destination { output, format: template.format })
    };
    templates.iter().map(destination).collect()
}

/// The accounts and regions of the run that the report is of.
fn scopes(session: &Session, cost: &CostSettings) -> Result<Vec<Scope>> {
    let among = |wanted: &[String], one: &String| wanted.is_empty() || wanted.contains(one);
    let of = |scope: &&Scope| among(&cost.accounts, &scope.account) && among(&cost.regions, &scope.region);
    let scopes: Vec<Scope> = session.declared_scopes.iter().filter(of).cloned().collect();
    if scopes.is_empty() {
        let hint = "--region and `[report.cost] regions` have no region in common";
        return Err(Failure::new("there is nothing to report on", hint).into());
    }
    Ok(scopes)
}

/// Says what it costs to ask, before anything is asked.
fn announce_actual(scopes: &[Scope], output: &Output) -> Result<()> {
    let (accounts, _) = costs::places(scopes);
    if accounts.len() > usize::try_from(MOST_CALLS)? {
        let summary =
            format!("--actual asks each account for itself, and a report makes at most {MOST_CALLS} calls");
        let hint =
            format!("name up to {MOST_CALLS} of the {} accounts in `[report.cost] accounts`", accounts.len());
        return Err(Failure::new(summary, hint).into());
    }
    output.note(&format!("note: --actual asks Cost Explorer: $0.01 a call, at most {MOST_CALLS} calls"));
    Ok(())
}

async fn make(
    session: &Session,
    scopes: &[Scope],
    settings: &Settings,
    args: &CostArgs,
    environment: &Environment,
    output: &Output,
) -> Result<CostReport> {
    let aws = &session.aws;
    let now = session.now;
    let reading = Reading::new(output);
    let mut estate = read(session, scopes).await;
    let account = scopes.first().map(|scope| scope.account.clone()).unwrap_or_default();
    let prices = read_prices(aws, &account, &costs::wanted(&estate), now, environment.cache.as_deref()).await;
    drop(reading);
    for remark in &prices.remarks {
        output.note(&format!("note: {remark}"));
    }
    for error in &prices.errors {
        let hints: Vec<String> = error.hint().into_iter().collect();
        output.error(&format!("prices could not be read: {error}"), &hints);
        // Without them the report is no more whole than without what they are of.
        estate.gaps.push(Gap {
            scope: scopes.first().cloned().unwrap_or_else(|| Scope::new(OWN_ACCOUNT, "")),
            kind: noun::PRICES.to_owned(),
            reason: error.to_string(),
        });
    }
    let cost = settings.cost.clone().unwrap_or_default();
    let (accounts, regions) = costs::places(scopes);
    let settings = ReportSettings {
        project: settings.project.clone(),
        group_by: cost.group_by,
        currency_note: cost.currency_note,
        accounts,
        regions,
        places: scopes.len(),
    };
    let month = month_of(now)?;
    let mut report = costs::compute(&estate, &prices.book, month, now, &settings);
    if args.actual {
        actual(aws, scopes, (&estate, &prices.book, &settings), &mut report, output).await?;
    }
    Ok(report)
}

/// All that costs money, with what is parked.
async fn read(session: &Session, scopes: &[Scope]) -> Estate {
    let (aws, estimates) = (&session.aws, &session.estimates);
    let parked = scopes
        .iter()
        .map(|scope| async move { (scope, instance_storage::parked(aws, scope, estimates).await) });
    let (mut estate, parked) = futures::join!(read_estate(aws, scopes), join_all(parked));
    for (scope, read) in parked {
        match read {
            Ok(list) => estate
                .parked
                .extend(list.into_iter().filter(|one| one.is_whole).map(|one| parked_of(scope, one))),
            Err(error) => estate.gaps.push(Gap {
                scope: scope.clone(),
                kind: noun::PARKED.to_owned(),
                reason: error.to_string(),
            }),
        }
    }
    estate
}

fn parked_of(scope: &Scope, parked: instance_storage::Parked) -> ParkedInstance {
    ParkedInstance {
        scope: scope.clone(),
        name: if parked.name == parked.instance { String::new() } else { parked.name },
        id: parked.instance,
        since: Some(parked.since),
        volumes: parked.shapes,
        gib: i64::from(parked.size_gib),
    }
}

/// The month of a moment, in UTC.
fn month_of(now: Timestamp) -> Result<Month> {
    let first = now.to_zoned(TimeZone::UTC).date().first_of_month();
    let begin = |day: Date| Ok::<_, anyhow::Error>(day.to_zoned(TimeZone::UTC)?.timestamp());
    Ok(Month { first, begins: begin(first)?, ends: begin(first.checked_add(1.month())?)? })
}

/// Asks what was billed, and puts beside it what the list says of the same days.
async fn actual(
    aws: &Aws,
    scopes: &[Scope],
    (estate, book, settings): (&Estate, &PriceBook, &ReportSettings),
    report: &mut CostReport,
    output: &Output,
) -> Result<()> {
    let today = report.made.to_zoned(TimeZone::UTC).date();
    let first = report.month.first;
    if today == first {
        output.note("note: no day of this month is over yet, so that Cost Explorer was not asked");
        return Ok(());
    }
    match read_actual(aws, &report.accounts, scopes, (first, today)).await {
        Ok(billed) => {
            let end = today.to_zoned(TimeZone::UTC)?.timestamp();
            let list = costs::compute(estate, book, report.month, end, settings);
            report.actual = Some(costs::compared(&billed, &list));
        }
        Err((scope, error)) => {
            report.gaps.push(Gap { scope, kind: noun::ACTUAL.to_owned(), reason: error.to_string() });
        }
    }
    Ok(())
}

/// What it takes to get at the places of reports.
struct Places<'a> {
    global: &'a Global,
    settings: &'a Settings,
    /// Where buckets are looked for first.
    region: &'a str,
    day: Date,
}

impl Places<'_> {
    /// Finds the places, and reads what earlier reports in them say.
    async fn open(&self, destinations: &[Destination], project: &str, output: &Output) -> Result<Opened> {
        let mut opened = Opened::default();
        for (index, one) in destinations.iter().enumerate() {
            // Named twice, it is written once.
            if destinations[..index].iter().any(|other| other.output == one.output) {
                continue;
            }
            let store = self.store(&one.output).await?;
            let earlier = store.earlier(project).await?;
            for remark in &earlier.remarks {
                output.note(&format!("note: {remark}"));
            }
            if earlier.taken && one.format == ReportFormat::Json {
                let summary = format!("{} is no report of this project", store.place());
                return Err(Failure::new(summary, "move it away, or choose another output").into());
            }
            opened.points.extend(earlier.points);
            opened.stores.push((store, one.format, earlier.taken));
        }
        Ok(opened)
    }

    /// Buckets are reached with the caller's own credentials, as that of the state is.
    async fn store(&self, output: &ReportOutput) -> Result<ReportStore> {
        let Some(bucket) = output.bucket() else {
            return Ok(ReportStore::in_folder(output.clone(), self.day));
        };
        let aws = Arc::new(own_aws(self.global, self.settings, self.region).await?);
        let guess = Scope::new(OWN_ACCOUNT, self.region);
        let bucket = Bucket::find(aws, guess, bucket.to_owned()).await?;
        let encryption = self.settings.cost.as_ref().and_then(|cost| cost.encryption.as_deref());
        let encryption = encryption.map(|how| match how {
            "AES256" => Encryption::with_s3_keys(),
            "aws:kms" => Encryption::with_default_key(),
            key => Encryption::with_key(key.to_owned()),
        });
        Ok(ReportStore::in_bucket(output.clone(), self.day, bucket, encryption))
    }
}

/// The places of a report, and what earlier reports in them say.
#[derive(Default)]
struct Opened {
    /// Each with its form, and whether something that is not ours stands where the data would be written.
    stores: Vec<(ReportStore, ReportFormat, bool)>,
    points: Vec<TrendPoint>,
}

/// Writes a report in all its forms, one after the other whatever becomes of the others. Gives what was written, and why the rest
/// was not.
async fn write_all(opened: Opened, report: &mut CostReport) -> Result<(Vec<String>, Vec<anyhow::Error>)> {
    if let Some(this) = report.trend.pop() {
        report.trend = costs::trend(opened.points, this);
    }
    let data = report::cost_json(report)?.into_bytes();
    let (mut written, mut failed) = (Vec::new(), Vec::new());
    for (store, format, taken) in &opened.stores {
        // The trend is shown by those two: the next one of them reads it from the data.
        let shows_trend = matches!(format, ReportFormat::Xlsx | ReportFormat::Html);
        let companion = (shows_trend && !taken).then_some(&*data);
        match store.write(&bytes(report, *format)?, companion).await {
            Ok(names) => written.extend(names),
            Err(error) => failed.push(error),
        }
    }
    Ok((written, failed))
}

fn bytes(report: &CostReport, format: ReportFormat) -> Result<Vec<u8>> {
    Ok(match format {
        ReportFormat::Csv => report::cost_csv(report)?.into_bytes(),
        ReportFormat::Json => report::cost_json(report)?.into_bytes(),
        ReportFormat::Html => report::cost_html(report)?.into_bytes(),
        ReportFormat::Xlsx => report::cost_xlsx(report)?,
    })
}

/// What is said on standard error once everything is written.
fn tell(report: &CostReport, written: &[String], aws: &Aws, output: &Output) {
    for one in written {
        output.note(&format!("wrote {one}"));
    }
    if !written.is_empty() {
        output.note(&report::cost_summary(report, output.error_palette));
    }
    let calls = aws.calls().snapshot();
    let all: usize = calls.values().sum();
    let of = |operation: &Operation| calls.get(operation.iam_action).copied().unwrap_or_default();
    let mut words = count_of(all, "call to AWS", "calls to AWS");
    words = format!("{words}, {} of them to its price list", of(Operation::GET_PRODUCTS));
    if of(Operation::GET_COST_AND_USAGE) > 0 {
        words = format!("{words} and {} to Cost Explorer at $0.01", of(Operation::GET_COST_AND_USAGE));
    }
    if let Some(read) = report.prices_as_of {
        let minutes = report.made.duration_since(read).as_mins().max(0);
        words = format!("{words}; prices are up to {} h {} min old", minutes / 60, minutes % 60);
    }
    output.note(&words);
}
