//! `power`: starts and stops by hand. Planned, shown, asked and carried out like an apply.
//!
//! Nobody owns whether something runs, so nothing is recorded: neither a state nor its lock is needed. What others do meanwhile is
//! seen by the last look before each call.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::Result;

use super::args::{Global, PowerArgs, PowerCommand};
use super::environment::Environment;
use super::failure::{Exit, Failure};
use super::output::Output;
use super::planning::{ByKind, cost};
use super::power_wait::{Awaited, wait};
use super::progress::{Progress, Reading};
use super::session::{Session, failures, has_no_manifest, load_manifest, load_settings};
use super::signals::Signals;
use super::stale::refuse_if_stale;
use super::summary::summary;
use crate::apply::{Apply, Event, Report, apply};
use crate::aws::all;
use crate::declarations::{
    Declaration, Manifest, Ordered, PowerAction, PowerOrder, PowerTarget, power, power_address,
};
use crate::inventory::{Fleet, Selector, Target, TargetKind, Whereabouts, read_fleet, whereabouts};
use crate::manifest::{Settings, hint_for};
use crate::model::{Address, Refused, Scope, TargetRef};
use crate::plan::{Plan, PlanInput, plan};
use crate::render::{Carried, CutOff, Heading, apply_summary, clean, count_of};
use crate::resources;
use crate::state::{Journal, State};

/// `opsform power`
pub(super) async fn run(global: &Global, command: &PowerCommand, environment: &Environment) -> Result<Exit> {
    let output = Output::new(global, environment);
    let (action, args, hibernate, force) = match command {
        PowerCommand::Start(args) => (PowerAction::Start, args, false, false),
        PowerCommand::Stop { power, hibernate, force } => (PowerAction::Stop, power, *hibernate, *force),
    };
    let (targets, excludes) = (patterns(&args.target)?, patterns(&args.exclude)?);
    let order = PowerOrder {
        action,
        targets: &targets,
        excludes: &excludes,
        hibernate,
        force,
        now: environment.now,
        timezone: &environment.local,
    };
    let (settings, declarations) = manifest(global, &output, &order)?;
    let state = State::new(&*settings.project, "");
    let session = Session::connect(global, &settings, &state, environment).await?;
    let run = Run { order, args, output: &output, session: &session };
    let Planned { plan, refused_by_id, with_address } =
        run.plan(settings.project.clone(), &declarations).await?;
    output.plan(&plan, run.heading(), args.format, args.detail)?;
    run.remarks(&plan, with_address);
    output.count_calls(&session.aws);
    let exit = if plan.is_empty() {
        Exit::Done
    } else if args.dry_run {
        if args.detailed_exitcode { Exit::Changes } else { Exit::Done }
    } else {
        run.carry_out(&plan).await?
    };
    if !refused_by_id {
        return Ok(exit);
    }
    output.problem("note: the exit code is 4 because something that was named by its id is left alone");
    Ok(if exit == Exit::Stopped { exit } else { Exit::Partial })
}

/// Reads targets; all bad ones are reported.
pub(super) fn patterns(texts: &[String]) -> Result<Vec<PowerTarget>> {
    let (good, bad): (Vec<_>, Vec<_>) =
        texts.iter().map(|text| PowerTarget::new(text)).partition(Result::is_ok);
    let bad: Vec<(String, String)> = bad.into_iter().filter_map(Result::err).collect();
    match bad.first() {
        None => Ok(good.into_iter().flatten().collect()),
        Some((_, hint)) => {
            let words: Vec<&str> = bad.iter().map(|(words, _)| &**words).collect();
            Err(Failure::new(words.join("; "), hint.clone()).into())
        }
    }
}

/// What of the manifest is needed: where to work, and the declarations where labels are named or the exemption tags of schedules
/// count. Without one the caller's own account is worked in, in the region of `--region` or of the environment.
fn manifest(
    global: &Global,
    output: &Output,
    order: &PowerOrder<'_>,
) -> Result<(Settings, Vec<Box<dyn Declaration>>)> {
    let patterns = || order.targets.iter().chain(order.excludes);
    let by_label = patterns().any(|pattern| pattern.label().is_some());
    let heeds_tags = order.action == PowerAction::Stop && !order.force && !has_no_manifest(global);
    if by_label || heeds_tags {
        let Manifest { settings, declarations, .. } = load_manifest(global, output)?;
        patterns().try_for_each(|pattern| check_label(pattern, &declarations))?;
        return Ok((settings, declarations));
    }
    if has_no_manifest(global) {
        output.note("note: there is no manifest; this is the account of your credentials");
        return Ok((Settings::default(), Vec::new()));
    }
    Ok((load_settings(global, output)?, Vec::new()))
}

fn check_label(pattern: &PowerTarget, declarations: &[Box<dyn Declaration>]) -> Result<()> {
    let Some(glob) = pattern.label() else { return Ok(()) };
    let nothing = Fleet::default();
    let (powered, others): (Vec<_>, Vec<_>) =
        declarations.iter().partition(|declaration| declaration.powers(&nothing).is_some());
    if powered.iter().any(|declaration| glob.matches(declaration.label())) {
        return Ok(());
    }
    let labels: Vec<&str> = powered.iter().map(|declaration| declaration.label()).collect();
    let why = if others.iter().any(|declaration| glob.matches(declaration.label())) {
        "neither starts nor stops anything"
    } else {
        "is no declaration of the manifest"
    };
    let hint = if labels.is_empty() {
        "the manifest has no `[[schedule]]`".to_owned()
    } else {
        hint_for(pattern.text(), &labels, "labels of schedules")
    };
    Err(Failure::new(format!("`{}` {why}", pattern.text()), hint).into())
}

/// A plan, and what a person should know besides.
struct Planned {
    plan: Plan,
    /// Whether something that was named by its id is left alone.
    refused_by_id: bool,
    /// How many of the instances have a public address.
    with_address: usize,
}

/// How many of the instances that a plan changes have a public address.
fn with_address(plan: &Plan, fleet: &Fleet) -> usize {
    let changed: BTreeSet<&Address> = plan.changes.iter().map(|change| &change.address).collect();
    let has_one = |target: &&Target| target.attributes.contains_key("public_ip");
    fleet.iter().filter(has_one).filter(|target| changed.contains(&power_address(target))).count()
}

struct Run<'a> {
    order: PowerOrder<'a>,
    args: &'a PowerArgs,
    output: &'a Output,
    session: &'a Session,
}

impl Run<'_> {
    fn heading(&self) -> Heading {
        match self.order.action {
            PowerAction::Start => Heading::Start,
            PowerAction::Stop => Heading::Stop,
        }
    }

    async fn plan(&self, project: String, declarations: &[Box<dyn Declaration>]) -> Result<Planned> {
        let start = Instant::now();
        let reading = Reading::new(self.output);
        let patterns = || self.order.targets.iter().chain(self.order.excludes);
        let of_labels = declarations.iter().filter(|one| {
            patterns().any(|pattern| pattern.label().is_some_and(|glob| glob.matches(one.label())))
        });
        let of_labels = of_labels.flat_map(|one| one.selectors().iter().cloned());
        let selectors = patterns().flat_map(PowerTarget::selectors).chain(of_labels).collect();
        let fleet = self.read(selectors).await?;
        let Ordered { desired, actual, mut refused, mut refused_by_id, unmatched } =
            power(&self.order, &fleet, declarations);
        if !unmatched.is_empty() {
            refused.extend(self.refuse_unmatched(&unmatched, &fleet).await?);
            refused_by_id = true;
        }
        drop(reading);
        let mut plan = plan(PlanInput {
            project,
            scopes: self.session.declared_scopes.clone(),
            desired,
            actual,
            shared: resources::shared(),
            ..PlanInput::default()
        });
        plan.refused = refused;
        plan.cost = cost(self.session, &fleet, ByKind::new(), start);
        let with_address = with_address(&plan, &fleet);
        Ok(Planned { plan, refused_by_id, with_address })
    }

    async fn read(&self, selectors: Vec<Selector>) -> Result<Fleet> {
        let selectors: Vec<&Selector> = selectors.iter().collect();
        let session = self.session;
        read_fleet(&session.aws, &session.declared_scopes, &selectors).await.map_err(failures)
    }

    /// What became of ids that are not there: one of them does not keep the others from being carried out. Everything else that
    /// means nothing is a slip of the pen, and an error.
    async fn refuse_unmatched(&self, unmatched: &[&PowerTarget], fleet: &Fleet) -> Result<Vec<Refused>> {
        let is_target =
            |one: &&PowerTarget| self.order.targets.iter().any(|target| std::ptr::eq(target, *one));
        let nothing_else = unmatched.len() == self.order.targets.len() + self.order.excludes.len();
        let fatal = unmatched.iter().find(|one| nothing_else || one.exact().is_none() || !is_target(one));
        let neighbours = match unmatched.iter().flat_map(|one| one.neighbours()).collect::<Vec<_>>() {
            none if none.is_empty() => fleet.clone(),
            selectors => self.read(selectors).await?,
        };
        let ids: Vec<(TargetKind, &str)> = unmatched.iter().filter_map(|one| one.exact()).collect();
        let terminated = self.terminated(&ids).await?;
        if let Some(fatal) = fatal {
            let flag = if is_target(fatal) { "--target" } else { "--exclude" };
            let gone = fatal.exact().is_some_and(|(_, id)| terminated.contains_key(id));
            let why = if gone {
                "was terminated".to_owned()
            } else {
                format!("means nothing that could be started or stopped in {}", self.looked_in())
            };
            return Err(
                Failure::new(format!("{flag} {} {why}", fatal.text()), fatal.hint(&neighbours)).into()
            );
        }
        let of_id = |pattern: &&PowerTarget| {
            let (kind, id) = pattern.exact()?;
            let hint = pattern.hint(&neighbours);
            let hint = if hint.starts_with("did you mean") { format!("; {hint}") } else { String::new() };
            let here = self.session.declared_scopes.first()?;
            let (scope, why) = terminated.get(id).map_or_else(
                || (here, format!("there is no such {}{hint}", kind.singular())),
                |scope| (scope, "it was terminated".to_owned()),
            );
            let scope = scope.clone();
            let target = TargetRef { kind: kind.name().to_owned(), id: id.to_owned(), name: id.to_owned() };
            Some(Refused { scope, target, why, shared: String::new() })
        };
        Ok(unmatched.iter().filter_map(of_id).collect())
    }

    /// The accounts and regions that were read: `account 111122223333, us-east-1`, and how many more.
    fn looked_in(&self) -> String {
        let scopes = &self.session.declared_scopes;
        let Some(first) = scopes.first() else { return "no region".to_owned() };
        let others = match scopes.len() - 1 {
            0 => String::new(),
            more => format!(" and {}", count_of(more, "other region", "other regions")),
        };
        format!("account {}, {}{others}", first.account, first.region)
    }

    /// Those of the instances that AWS still shows and that are gone, and where.
    async fn terminated(&self, ids: &[(TargetKind, &str)]) -> Result<BTreeMap<String, Scope>> {
        let instances = ids.iter().filter(|(kind, _)| *kind == TargetKind::Ec2);
        let instances: BTreeSet<String> = instances.map(|(_, id)| (*id).to_owned()).collect();
        if instances.is_empty() {
            return Ok(BTreeMap::new());
        }
        let aws = &self.session.aws;
        let answers = self.session.declared_scopes.iter().map(async |scope| {
            whereabouts(aws, scope, TargetKind::Ec2, &instances).await.map(|found| (scope.clone(), found))
        });
        let mut gone = BTreeMap::new();
        for (scope, found) in all(answers).await.map_err(failures)? {
            let terminated = found.into_iter().filter(|(_, what)| *what == Whereabouts::Terminated);
            gone.extend(terminated.map(|(id, _)| (id, scope.clone())));
        }
        Ok(gone)
    }

    /// What a person should know of a plan that stops.
    fn remarks(&self, plan: &Plan, with_address: usize) {
        let databases = [TargetKind::Rds, TargetKind::RdsCluster].map(TargetKind::name);
        let of_databases = |target: &TargetRef| databases.contains(&&*target.kind);
        if self.order.action == PowerAction::Stop
            && plan.changes.iter().filter_map(|change| change.target.as_ref()).any(of_databases)
        {
            self.output.note("note: RDS starts what has been stopped for seven days by itself");
        }
        if self.order.action == PowerAction::Stop && with_address > 0 {
            self.output.note(&format!(
                "note: {} a public IPv4 address, which a stop takes from {} unless it is an Elastic IP address",
                if with_address == 1 { "1 instance has".to_owned() } else { format!("{with_address} instances have") },
                if with_address == 1 { "it" } else { "them" },
            ));
        }
        if plan.refused.iter().any(|refused| refused.why.starts_with("its tag `")) {
            self.output.note("note: what a tag keeps running is stopped with --force");
        }
    }

    async fn carry_out(&self, plan: &Plan) -> Result<Exit> {
        let question = self.question(plan);
        if !self.output.consent(&question, self.args.consent.yes)? {
            return Err(Failure::new("not done: the answer was not \"yes\"", "nothing was changed").into());
        }
        if !self.args.consent.yes {
            refuse_if_stale(self.session, plan).await?;
        }
        let aws = &self.session.aws;
        let signals = Signals::listen();
        signals.work(aws.stop().clone()).await;
        let start = Instant::now();
        let (report, done) = self.send(plan).await?;
        self.output.count_report(&report, aws);
        let stopped = aws.stop().is_cancelled() && !report.is_complete();
        let carried = match self.order.action {
            PowerAction::Start => Carried::Start,
            PowerAction::Stop => Carried::Stop,
        };
        let summary =
            summary(&report, plan, carried, stopped.then_some(CutOff::Interrupted), start.elapsed());
        self.output.print(&apply_summary(&summary, self.output.palette))?;
        if stopped {
            return Ok(Exit::Stopped);
        }
        let mut complete = report.is_complete();
        if self.args.wait {
            let changes = plan.changes.iter().filter(|change| done.contains(&change.address));
            let targets =
                changes.filter_map(|change| Some((change.address.scope.clone(), change.target.clone()?)));
            let awaited = Awaited {
                session: self.session,
                output: self.output,
                action: self.order.action,
                timeout: self.args.wait_timeout,
            };
            match wait(&awaited, targets.collect()).await? {
                Exit::Done => {}
                Exit::Stopped => return Ok(Exit::Stopped),
                _ => complete = false,
            }
        }
        Ok(if complete { Exit::Done } else { Exit::Partial })
    }

    /// Sends it all; gives besides the report what AWS took.
    async fn send(&self, plan: &Plan) -> Result<(Report, BTreeSet<Address>)> {
        let aws = &self.session.aws;
        let progress = Progress::new(self.output, aws);
        let done = Mutex::new(BTreeSet::new());
        let tell = |event| {
            if let Event::Done { address } = &event {
                done.lock().unwrap_or_else(PoisonError::into_inner).insert(address.clone());
            }
            progress.tell(event);
        };
        // Nothing of it is recorded, so nothing is written to a journal.
        let report =
            apply(Apply { aws, plan, journal: Journal::closed(), progress: &tell, wait: true }).await;
        progress.finish();
        Ok((report?, done.into_inner().unwrap_or_else(PoisonError::into_inner)))
    }

    fn question(&self, plan: &Plan) -> String {
        let action = match self.order.action {
            PowerAction::Start => "Start",
            PowerAction::Stop => "Stop",
        };
        let mut counts: BTreeMap<TargetKind, Vec<&TargetRef>> = BTreeMap::new();
        for target in plan.changes.iter().filter_map(|change| change.target.as_ref()) {
            if let Some(kind) = TargetKind::from_name(&target.kind) {
                counts.entry(kind).or_default().push(target);
            }
        }
        if let (1, Some([one])) = (counts.len(), counts.values().next().map(|targets| &targets[..])) {
            return format!("{action} {}?", clean(&one.words()));
        }
        let words: Vec<String> = counts
            .iter()
            .map(|(kind, targets)| count_of(targets.len(), kind.singular(), kind.plural()))
            .collect();
        format!("{action} {}?", words.join(", "))
    }
}
