//! `park` and `unpark`: like a `[[park]]` block for single instances. Planned, shown, asked and carried out like an apply.
//!
//! The tags on AWS are the only record of what is parked, so no state is read or written. Its lock is taken all the same: an apply
//! that waits for snapshots of the same instance must not go on with it meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use anyhow::Result;

use super::apply::stop_when_lost;
use super::args::{Global, OrderArgs, ParkArgs, ParkCommand, UnparkArgs};
use super::environment::Environment;
use super::failure::{Exit, Failure};
use super::guards::refuse_if_blocked;
use super::locking::{Asking, with_lock};
use super::output::Output;
use super::park_list::{list, read_parked, tell_standings};
use super::planning::{by_kind, cost};
use super::power::patterns;
use super::progress::{Progress, Reading};
use super::reading::{Requests, outlooks, read_resources};
use super::session::{Session, failures, load_settings, open_store, read_manifest};
use super::signals::Signals;
use super::stale::refuse_if_stale;
use super::summary::summary;
use crate::apply::{Apply, apply};
use crate::declarations::{Declaration, PowerTarget, World};
use crate::inventory::{Fleet, Selector, Target, TargetKind, read_fleet};
use crate::model::{Address, Claim, Desired, Origin, Place};
use crate::plan::{Plan, PlanInput, plan};
use crate::render::{Carried, CutOff, Heading, apply_summary, count_of};
use crate::resources::instance_storage::{self, Storage};
use crate::resources::{self, KeyRequest};
use crate::state::{Journal, Locked, State};

/// More instances than this are not named in the command that goes on.
const MOST_NAMED: usize = 3;

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

/// Where it is carried out.
struct Run<'a> {
    order: &'a Order<'a>,
    targets: &'a [PowerTarget],
    declarations: &'a [Box<dyn Declaration>],
    session: &'a Session,
    output: &'a Output,
}

impl Order<'_> {
    async fn run(&self, global: &Global, environment: &Environment) -> Result<Exit> {
        let output = &Output::new(global, environment);
        let targets = &self.targets()?;
        // The project's name stands on the snapshots, so that nobody else takes them for theirs.
        let settings = load_settings(global, output)?;
        // What the manifest wants is only told, so that one with a mistake keeps nobody from bringing a machine back.
        let declarations = read_manifest(global).map(|manifest| manifest.declarations).unwrap_or_default();
        let state = State::new(&*settings.project, "");
        let session = &Session::connect(global, &settings, &state, environment).await?;
        let project = &*settings.project;
        let run = Run { order: self, targets, declarations: &declarations, session, output };
        if self.args.plan {
            let plan = run.shown_plan(project).await?;
            let exit =
                if plan.is_empty() || !self.args.detailed_exitcode { Exit::Done } else { Exit::Changes };
            return Ok(run.with_refusals(&plan, exit));
        }
        let store = open_store(global, environment, &settings).await?;
        let asking = Asking::new(self.word, &self.args.lock, output, environment);
        with_lock(&store, asking, async |locked, signals| {
            let plan = run.shown_plan(project).await?;
            let exit =
                if plan.is_empty() { Exit::Done } else { run.carry_out(&plan, locked, signals).await? };
            Ok(run.with_refusals(&plan, exit))
        })
        .await
    }

    /// What the command line names; all that is wrong with it is told.
    fn targets(&self) -> Result<Vec<PowerTarget>> {
        let targets = patterns(&self.args.instances)?;
        let other = targets.iter().find(|one| {
            one.label().is_some() || one.selectors().iter().all(|selector| selector.kind != TargetKind::Ec2)
        });
        match other {
            None => Ok(targets),
            Some(other) => Err(Failure::new(
                format!("`{}` names no instance", other.text()),
                "give ids, names (globs are allowed) or `tag:KEY=VALUE`",
            )
            .into()),
        }
    }

    /// The command that goes on with it.
    fn again(&self) -> String {
        let named = &self.args.instances;
        let named = if named.len() <= MOST_NAMED { named.join(" ") } else { "…".to_owned() };
        format!("opsform {} {named}", self.word)
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
}

impl Run<'_> {
    async fn shown_plan(&self, project: &str) -> Result<Plan> {
        let args = self.order.args;
        let plan = self.plan(project.to_owned()).await?;
        self.output.plan(&plan, Heading::Plan, args.format, args.detail)?;
        self.output.count_calls(&self.session.aws);
        refuse_if_blocked(&plan, "take it off the command line to go on with the others")?;
        Ok(plan)
    }

    async fn plan(&self, project: String) -> Result<Plan> {
        let (session, start) = (self.session, Instant::now());
        let reading = Reading::new(self.output);
        let fleet = self.fleet().await?;
        let desired: Vec<Desired> = fleet.iter().map(|target| self.order.desired(target)).collect();
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
        self.note_what_is_declared(&mut plan, &fleet);
        drop(reading);
        plan.cost = cost(session, &fleet, read, start);
        Ok(plan)
    }

    /// The instances; whatever is named must name one.
    async fn fleet(&self) -> Result<Fleet> {
        let of_instances = |target: &PowerTarget| {
            target.selectors().into_iter().filter(|selector| selector.kind == TargetKind::Ec2)
        };
        let selectors: Vec<Selector> = self.targets.iter().flat_map(of_instances).collect();
        let selectors: Vec<&Selector> = selectors.iter().collect();
        let scopes = &self.session.declared_scopes;
        let read = read_fleet(&self.session.aws, scopes, &selectors).await.map_err(failures)?;
        let named = |target: &&Target| self.targets.iter().any(|one| one.matches(target));
        let fleet = Fleet::new(read.iter().filter(named).cloned().collect());
        let names_none = |one: &&PowerTarget| !fleet.iter().any(|target| one.matches(target));
        let missing: Vec<&str> = self.targets.iter().filter(names_none).map(PowerTarget::text).collect();
        if missing.is_empty() {
            return Ok(fleet);
        }
        let parked = read_parked(self.session).await?;
        if let Some(one) = parked.iter().find(|one| missing.contains(&&*one.instance)) {
            return Err(Failure::new(
                format!(
                    "{} ({}) is gone; what is left of it: {}",
                    one.instance,
                    one.name,
                    one.snapshots.join(", ")
                ),
                "opsform brings back the volumes of instances only; make volumes of the snapshots by hand",
            )
            .into());
        }
        let regions: Vec<&str> = scopes.iter().map(|scope| &*scope.region).collect();
        Err(Failure::new(
            format!("there is no instance {} in {}", missing.join(", "), regions.join(", ")),
            "give ids such as i-0123456789abcdef0, names or `tag:KEY=VALUE`, in the manifest's regions; `opsform \
             inventory` lists them, and `opsform park list` what is left of those that were terminated",
        )
        .into())
    }

    /// What the manifest wants otherwise, the next apply brings about.
    fn note_what_is_declared(&self, plan: &mut Plan, fleet: &Fleet) {
        let session = self.session;
        let world = World::new(&session.manifest_scopes, &session.declared_scopes, fleet, session.now);
        let of_kind = self.declarations.iter().filter(|one| one.kinds().contains(&instance_storage::KIND));
        let declared = of_kind.flat_map(|declaration| declaration.desired(&world).0);
        let declared: BTreeMap<Address, Desired> =
            declared.map(|desired| (desired.address.clone(), desired)).collect();
        for change in &mut plan.changes {
            let Some(declared) = declared.get(&change.address) else { continue };
            let wanted = Storage::from_fields(&declared.fields);
            let label = &declared.origin.label;
            match wanted.map(|wanted| wanted.parked) {
                Some(true) if !self.order.storage.parked => change
                    .notes
                    .push(format!("the manifest ({label}) wants it parked: the next apply parks it again")),
                Some(false) if self.order.storage.parked => change
                    .notes
                    .push(format!("the manifest ({label}) wants it to run: the next apply brings it back")),
                _ => {}
            }
        }
    }

    /// The exit code, where something is left alone that was named by its id.
    fn with_refusals(&self, plan: &Plan, exit: Exit) -> Exit {
        let by_id: BTreeSet<&str> =
            self.targets.iter().filter_map(PowerTarget::exact).map(|(_, id)| id).collect();
        if !plan.refused.iter().any(|refused| by_id.contains(&*refused.target.id)) {
            return exit;
        }
        self.output
            .problem("note: the exit code is 4 because something that was named by its id is left alone");
        if exit == Exit::Stopped { exit } else { Exit::Partial }
    }

    async fn carry_out(&self, plan: &Plan, locked: &mut Locked, signals: &Signals) -> Result<Exit> {
        let parks = self.order.storage.parked;
        let word = if parks { "Park" } else { "Unpark" };
        let question = format!("{word} {}?", count_of(plan.changes.len(), "instance", "instances"));
        let yes = self.order.args.consent.yes;
        if !self.output.consent(&question, yes)? {
            return Err(Failure::new("not done: the answer was not \"yes\"", "nothing was changed").into());
        }
        if !yes {
            refuse_if_stale(self.session, plan).await?;
        }
        let aws = &self.session.aws;
        signals.work(aws.stop().clone()).await;
        let lease = locked.lost().map(|lost| tokio::spawn(stop_when_lost(lost, aws.stop().clone())));
        let start = Instant::now();
        let progress = Progress::new(self.output, aws);
        let tell = |event| progress.tell(event);
        // Nothing of it is recorded, so nothing is written to a journal.
        let journal = Journal::closed();
        let report = apply(Apply { aws, plan, journal, progress: &tell, wait: self.order.wait }).await;
        signals.save().await;
        if let Some(lease) = lease {
            lease.abort();
        }
        progress.finish();
        let report = report?;
        self.output.count_report(&report, aws);
        let stopped = aws.stop().is_cancelled() && !report.is_complete();
        let lost = locked.lost().is_some_and(|lost| lost.is_cancelled());
        let cut_off = if lost { CutOff::LockLost } else { CutOff::Interrupted };
        let carried = if parks { Carried::Park } else { Carried::Unpark };
        let mut summary = summary(&report, plan, carried, stopped.then_some(cut_off), start.elapsed());
        summary.again = Some(self.order.again());
        self.output.print(&apply_summary(&summary, self.output.palette))?;
        tell_standings(self.session, &report, plan, self.output).await;
        Ok(if stopped {
            Exit::Stopped
        } else if report.failures.is_empty() && report.not_begun == 0 {
            Exit::Done
        } else {
            Exit::Partial
        })
    }
}
