//! Starting and stopping by hand, with the same reasons against it that schedules have.

mod kept;
mod refused;
mod target;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;

pub(super) use kept::{EXEMPT_TAG, Kept};
use refused::refusal_to_start;
pub(super) use refused::{Refusal, refusal_of, refusal_of_parked};

pub use kept::KeepTag;
pub use target::PowerTarget;

use super::Declaration;
use crate::inventory::{Fleet, Target, TargetKind};
use crate::model::{Actual, Address, Claim, Desired, Origin, Ownership, Place, Refused, Scope};
use crate::resources::database_power::{self, DatabaseKey, power_of_status};
use crate::resources::instance_power::{self, Power};

/// What is to become of targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerAction {
    /// They are to run.
    Start,
    /// They are to be stopped.
    Stop,
}

impl PowerAction {
    /// `start` or `stop`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
        }
    }

    /// The participle: `started`, `stopped`.
    pub fn done(self) -> &'static str {
        match self {
            Self::Start => "started",
            Self::Stop => "stopped",
        }
    }
}

/// What a declaration starts and stops.
#[derive(Debug)]
pub struct Powered<'a> {
    /// The targets, also those that it leaves out because they cannot be stopped.
    pub targets: Vec<&'a Target>,
    /// The tag with the last day on which one of them is not stopped.
    pub keep: KeepTag<'a>,
    /// Whether instances keep their memory.
    pub hibernate: bool,
}

/// What the user asked for.
#[derive(Clone, Copy, Debug)]
pub struct PowerOrder<'a> {
    /// Whether to start or to stop.
    pub action: PowerAction,
    /// What: all that any of these means.
    pub targets: &'a [PowerTarget],
    /// And none of these.
    pub excludes: &'a [PowerTarget],
    /// Whether instances keep their memory.
    pub hibernate: bool,
    /// Whether also what a tag keeps running is stopped.
    pub force: bool,
    /// The time.
    pub now: Timestamp,
    /// Where days begin, unless a schedule says otherwise.
    pub timezone: &'a TimeZone,
}

/// What an order comes to in a fleet.
#[derive(Debug, Default)]
pub struct Ordered<'a> {
    /// What is wanted.
    pub desired: Vec<Desired>,
    /// What there is of it.
    pub actual: BTreeMap<Address, Actual>,
    /// What is left as it is.
    pub refused: Vec<Refused>,
    /// Whether something of that was named by its id.
    pub refused_by_id: bool,
    /// The targets and excludes that mean nothing in the fleet.
    pub unmatched: Vec<&'a PowerTarget>,
}

/// Finds what an order means in a fleet.
pub fn power<'a>(
    order: &PowerOrder<'a>,
    fleet: &Fleet,
    declarations: &[Box<dyn Declaration>],
) -> Ordered<'a> {
    let labels = Labels::of(declarations, fleet);
    let mut ordered = Ordered::default();
    let mut matched: BTreeSet<&str> = BTreeSet::new();
    for target in fleet {
        let mut meant = |patterns: &'a [PowerTarget]| -> Vec<&'a PowerTarget> {
            let found = patterns.iter().filter(|pattern| labels.means(pattern, target));
            let found: Vec<&PowerTarget> = found.collect();
            matched.extend(found.iter().map(|pattern| pattern.text()));
            found
        };
        let (by, excluded) = (meant(order.targets), meant(order.excludes));
        if !by.is_empty() && excluded.is_empty() {
            ordered.add(order, target, &by, &labels);
        }
    }
    let all = order.targets.iter().chain(order.excludes);
    ordered.unmatched = all.filter(|pattern| !matched.contains(pattern.text())).collect();
    ordered
}

/// What declarations start and stop, by their labels.
struct Labels<'a>(Vec<(&'a str, Powered<'a>)>);

impl<'a> Labels<'a> {
    fn of(declarations: &'a [Box<dyn Declaration>], fleet: &'a Fleet) -> Self {
        Self(declarations.iter().filter_map(|one| Some((one.label(), one.powers(fleet)?))).collect())
    }

    /// The declarations that have the target among theirs.
    fn having(&self, target: &Target) -> impl Iterator<Item = &(&'a str, Powered<'a>)> {
        let is_it = |other: &&Target| {
            (other.kind, &other.scope, &other.id) == (target.kind, &target.scope, &target.id)
        };
        self.0.iter().filter(move |(_, powered)| powered.targets.iter().any(is_it))
    }

    fn means(&self, pattern: &PowerTarget, target: &Target) -> bool {
        match pattern.label() {
            Some(glob) => self.having(target).any(|(label, _)| glob.matches(label)),
            None => pattern.matches(target),
        }
    }
}

impl Ordered<'_> {
    fn add(&mut self, order: &PowerOrder<'_>, target: &Target, by: &[&PowerTarget], labels: &Labels<'_>) {
        let label = by.first().map_or("", |by| by.text());
        let by_id = by.iter().any(|by| by.exact().is_some());
        let schedules: Vec<&Powered<'_>> = labels.having(target).map(|(_, powered)| powered).collect();
        let is_named = |label: &str| by.iter().any(|by| by.label().is_some_and(|glob| glob.matches(label)));
        let mut as_scheduled = labels.having(target).filter(|(label, _)| is_named(label));
        let hibernate = order.hibernate || as_scheduled.any(|(_, powered)| powered.hibernate);
        let wanted = match order.action {
            PowerAction::Start => Power::Running,
            PowerAction::Stop if hibernate && target.kind == TargetKind::Ec2 => Power::Hibernated,
            PowerAction::Stop => Power::Stopped,
        };
        let fields = wanted.to_fields();
        let power = power_of(target);
        let is_there = power.is_some_and(|power| power.seen_by(Some(&fields)) == fields);
        let against = if is_there { None } else { against(order, target, wanted, &schedules) };
        if let Some((why, shared)) = against {
            self.refused_by_id |= by_id;
            let (scope, target) = (target.scope.clone(), target.reference());
            self.refused.push(Refused { scope, target, why, shared });
            return;
        }
        let address = power_address(target);
        self.actual.extend(power.map(|power| {
            let live = Actual {
                address: address.clone(),
                fields: power.seen_by(Some(&fields)),
                ownership: Ownership::NotRead,
                inexpressible: None,
            };
            (address.clone(), live)
        }));
        self.desired.push(Desired {
            address,
            fields,
            origin: Origin { label: label.to_owned(), place: "--target".to_owned() },
            place: Place::Named("--target".to_owned()),
            target: Some(target.reference()),
            claim: Claim::Asked,
            protect: false,
        });
    }
}

/// Why a target cannot be brought there, for one and for many.
fn against(
    order: &PowerOrder<'_>,
    target: &Target,
    wanted: Power,
    schedules: &[&Powered<'_>],
) -> Option<(String, String)> {
    let stops = order.action == PowerAction::Stop;
    let refusal =
        if stops { refusal_of(target, wanted == Power::Hibernated) } else { refusal_to_start(target) };
    let in_words = |refusal: &Refusal| (refusal.one.to_owned(), refusal.many.to_owned());
    refusal.map(in_words).or_else(|| against_its_state(order.action, target)).or_else(|| {
        let default = KeepTag { key: EXEMPT_TAG, timezone: order.timezone };
        let own = schedules.iter().map(|powered| powered.keep);
        let tags = own.chain(schedules.is_empty().then_some(default));
        let kept =
            tags.filter(|_| stops && !order.force).find_map(|tag| Some((tag, tag.keeps(target, order.now)?)));
        kept.map(|(tag, kept)| kept.words(tag.key))
    })
}

/// What AWS would refuse because of what the target does now.
///
/// Sources: "`StartInstances`" in the EC2 API reference (only what is stopped), "Stopping an Amazon RDS DB instance temporarily"
/// in the RDS user guide (only what is available). An instance that is pending can be stopped if it ran before, which only AWS
/// knows.
fn against_its_state(action: PowerAction, target: &Target) -> Option<(String, String)> {
    let state = &*target.state;
    let needed = match (action, target.kind) {
        (PowerAction::Start, _) => "stopped",
        (PowerAction::Stop, TargetKind::Rds | TargetKind::RdsCluster) => "available",
        (PowerAction::Stop, _) => return None,
    };
    let done = action.done();
    (state != needed).then(|| {
        (
            format!("it is {state}, and only what is {needed} can be {done}"),
            format!("they are {state}, and only what is {needed} can be {done}"),
        )
    })
}

fn power_of(target: &Target) -> Option<Power> {
    match target.kind {
        TargetKind::Rds | TargetKind::RdsCluster => power_of_status(&target.state),
        TargetKind::Ec2 | TargetKind::Ebs => Power::of_state(&target.state),
    }
}

/// The resource that is a target's power.
pub fn power_address(target: &Target) -> Address {
    let scope: Scope = target.scope.clone();
    match target.kind {
        TargetKind::Rds | TargetKind::RdsCluster => {
            let key = DatabaseKey { cluster: target.kind == TargetKind::RdsCluster, id: &target.id };
            Address::new(database_power::KIND, scope, key.to_text())
        }
        TargetKind::Ec2 | TargetKind::Ebs => Address::new(instance_power::KIND, scope, &*target.id),
    }
}

#[cfg(test)]
mod tests;
