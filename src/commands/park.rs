//! `park` and `unpark`: like a `[[park]]` block for single instances. Planned, shown, asked and carried out like an apply.
//!
//! The tags on AWS are the only record of what is parked, so neither a state nor its lock is needed.

use std::collections::BTreeSet;
use std::time::Instant;

use anyhow::Result;
use rust_decimal::Decimal;
use serde_json::json;

use super::args::{Format, Global, ListFormat, OrderArgs, ParkArgs, ParkCommand, UnparkArgs};
use super::environment::Environment;
use super::failure::{Exit, Failure};
use super::guards::refuse_if_blocked;
use super::output::Output;
use super::planning::{by_kind, cost};
use super::progress::{Progress, Reading};
use super::reading::{Requests, outlooks, read_resources};
use super::session::{Session, failures, load_settings};
use super::signals::Signals;
use super::stale::refuse_if_stale;
use super::summary::summary;
use crate::apply::{Apply, apply};
use crate::aws::all;
use crate::inventory::{Fleet, Selector, Target, TargetKind, read_fleet};
use crate::model::{Address, Claim, Desired, Origin, Place};
use crate::plan::{Plan, PlanInput, plan};
use crate::render::{Align, Carried, CutOff, Heading, Table, Tone, apply_summary, count_of};
use crate::resources::instance_storage::{self, Parked, Storage};
use crate::resources::{self, KeyRequest};
use crate::state::{Journal, State};

/// `opsform park`
pub(super) async fn run(global: &Global, args: &ParkArgs, environment: &Environment) -> Result<Exit> {
    if let Some(ParkCommand::List { format }) = &args.command {
        return list(global, *format, environment).await;
    }
    let storage = Storage {
        parked: true,
        allow_instance_store: args.allow_instance_store,
        allow_marketplace: args.allow_marketplace,
        ..Storage::default()
    };
    let order = Order { args: &args.order, storage, word: "park", wait: !args.no_wait };
    order.run(global, environment).await
}

/// `opsform unpark`
pub(super) async fn unpark(global: &Global, args: &UnparkArgs, environment: &Environment) -> Result<Exit> {
    let storage = Storage {
        keep_snapshots: args.keep_snapshots,
        initialization_rate: args.initialization_rate,
        ..Storage::default()
    };
    let order = Order { args: &args.order, storage, word: "unpark", wait: true };
    order.run(global, environment).await
}

/// What somebody asks for by hand.
struct Order<'a> {
    args: &'a OrderArgs,
    storage: Storage,
    word: &'static str,
    wait: bool,
}

impl Order<'_> {
    async fn run(&self, global: &Global, environment: &Environment) -> Result<Exit> {
        let output = Output::new(global, environment);
        // The project's name stands on the snapshots, so that nobody else takes them for theirs.
        let settings = load_settings(global, &output)?;
        let state = State::new(&*settings.project, "");
        let session = Session::connect(global, &settings, &state, environment).await?;
        let plan = self.plan(settings.project.clone(), &session, &output).await?;
        output.plan(&plan, Heading::Plan, Format::Text, self.args.detail)?;
        refuse_if_blocked(&plan)?;
        if self.args.plan || plan.is_empty() {
            return Ok(Exit::Done);
        }
        self.carry_out(&plan, &session, &output).await
    }

    async fn plan(&self, project: String, session: &Session, output: &Output) -> Result<Plan> {
        let start = Instant::now();
        let reading = Reading::new(output);
        let fleet = self.fleet(session).await?;
        let desired: Vec<Desired> = fleet.iter().map(|target| self.desired(target)).collect();
        let mut requests = Requests::new();
        for one in &desired {
            let of = (one.address.scope.clone(), one.address.kind.clone());
            let key = KeyRequest { desired: Some(&one.fields), ..KeyRequest::default() };
            requests.entry(of).or_default().keys.insert(&one.address.key, key);
        }
        let actual = read_resources(session, &requests).await?;
        let read = by_kind(actual.keys());
        let mut plan = plan(PlanInput {
            project,
            scopes: session.declared_scopes.clone(),
            desired: desired.clone(),
            actual,
            shared: resources::shared(),
            ..PlanInput::default()
        });
        plan.foresee(outlooks(session, &plan).await?);
        drop(reading);
        plan.cost = cost(session, &fleet, read, start);
        Ok(plan)
    }

    /// The instances; every id must be that of one.
    async fn fleet(&self, session: &Session) -> Result<Fleet> {
        let mut selector = Selector::all(TargetKind::Ec2);
        selector.ids = self.args.instances.iter().cloned().collect();
        let scopes = &session.declared_scopes;
        let fleet = read_fleet(&session.aws, scopes, &[&selector]).await.map_err(failures)?;
        let found: BTreeSet<&str> = fleet.iter().map(|target| &*target.id).collect();
        let missing: Vec<&str> =
            selector.ids.iter().map(String::as_str).filter(|id| !found.contains(id)).collect();
        if missing.is_empty() {
            return Ok(fleet);
        }
        let regions: Vec<&str> = scopes.iter().map(|scope| &*scope.region).collect();
        Err(Failure::new(
            format!("there is no instance {} in {}", missing.join(", "), regions.join(", ")),
            "give ids such as i-0123456789abcdef0, in the manifest's regions; `opsform inventory` lists them",
        )
        .into())
    }

    fn desired(&self, target: &Target) -> Desired {
        Desired {
            address: Address::new(instance_storage::KIND, target.scope.clone(), &*target.id),
            fields: self.storage.to_fields(),
            origin: Origin { label: self.word.to_owned(), place: String::new() },
            place: Place::Named("the command line".to_owned()),
            target: Some(target.reference()),
            claim: Claim::Asked,
            protect: false,
        }
    }

    async fn carry_out(&self, plan: &Plan, session: &Session, output: &Output) -> Result<Exit> {
        let word = if self.storage.parked { "Park" } else { "Unpark" };
        let question = format!("{word} {}?", count_of(plan.changes.len(), "instance", "instances"));
        if !output.consent(&question, self.args.consent.yes)? {
            return Err(Failure::new("not done: the answer was not \"yes\"", "nothing was changed").into());
        }
        if !self.args.consent.yes {
            refuse_if_stale(session, plan).await?;
        }
        let aws = &session.aws;
        let signals = Signals::listen();
        signals.work(aws.stop().clone()).await;
        let start = Instant::now();
        let progress = Progress::new(output, aws);
        let tell = |event| progress.tell(event);
        let journal = Journal::closed();
        let report = apply(Apply { aws, plan, journal, progress: &tell, wait: self.wait }).await;
        progress.finish();
        let report = report?;
        let stopped = aws.stop().is_cancelled() && !report.is_complete();
        let cut_off = stopped.then_some(CutOff::Interrupted);
        let summary = summary(&report, plan, Carried::Apply, cut_off, start.elapsed());
        output.print(&apply_summary(&summary, output.palette))?;
        Ok(if stopped {
            Exit::Stopped
        } else if report.failures.is_empty() && report.not_begun == 0 {
            Exit::Done
        } else {
            Exit::Partial
        })
    }
}

/// `opsform park list`
async fn list(global: &Global, format: ListFormat, environment: &Environment) -> Result<Exit> {
    let output = Output::new(global, environment);
    let settings = load_settings(global, &output)?;
    let session =
        Session::connect(global, &settings, &State::new(&*settings.project, ""), environment).await?;
    let reading = Reading::new(&output);
    let reads = session
        .declared_scopes
        .iter()
        .map(|scope| instance_storage::parked(&session.aws, scope, &session.estimates));
    let parked: Vec<Parked> = all(reads).await.map_err(failures)?.into_iter().flatten().collect();
    drop(reading);
    match format {
        ListFormat::Json => output.print(&serde_json::to_string_pretty(&json!({ "parked": parked }))?)?,
        ListFormat::Table => output.print(&table(&parked).text(output.palette))?,
    }
    let size: i64 = parked.iter().map(|one| i64::from(one.size_gib)).sum();
    let mut words = format!("{}, {size} GiB", count_of(parked.len(), "parked instance", "parked instances"));
    if let Some(saved) = parked.iter().map(|one| one.saving_usd).sum::<Option<Decimal>>() {
        let sources: BTreeSet<&str> = parked.iter().map(|one| &*one.prices).collect();
        if !sources.is_empty() {
            let sources: Vec<&str> = sources.into_iter().collect();
            words = format!("{words}, saves ${saved:.2} a month or more ({})", sources.join("; "));
        }
    }
    output.note(&words);
    Ok(Exit::Done)
}

fn table(parked: &[Parked]) -> Table {
    let columns = [
        ("INSTANCE", Align::Left),
        ("NAME", Align::Left),
        ("ACCOUNT", Align::Left),
        ("REGION", Align::Left),
        ("STATE", Align::Left),
        ("SINCE", Align::Left),
        ("VOLUMES", Align::Right),
        ("GIB", Align::Right),
        ("SAVES A MONTH", Align::Right),
        ("PROJECT", Align::Left),
    ];
    let mut table = Table::new(&columns);
    for one in parked {
        let saving = one.saving_usd.map_or_else(|| "no price".to_owned(), |saved| format!("${saved:.2}"));
        let tone = if one.is_whole { Tone::Plain } else { Tone::Notice };
        table.row([
            (Tone::Plain, one.instance.clone()),
            (Tone::Plain, one.name.clone()),
            (Tone::Plain, one.account.clone()),
            (Tone::Plain, one.region.clone()),
            (tone, one.state.clone()),
            (Tone::Plain, one.since.to_string()),
            (Tone::Plain, one.volumes.to_string()),
            (Tone::Plain, one.size_gib.to_string()),
            (Tone::Plain, saving),
            (Tone::Plain, one.project.clone()),
        ]);
    }
    table
}
