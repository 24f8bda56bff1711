//! What the user says, as desired resources. Pure: no AWS, no clock, no disk.

mod alarm;
mod dates;
mod engine;
mod for_each;
mod inventories;
mod job;
mod park;
mod patterns;
mod power;
mod registry;
mod runs;
mod schedule;
mod snapshot;
mod tags;
mod target_problems;
mod timetable;
mod timezone;
mod unique;
mod untagged;
mod variables;

pub use for_each::id_fault;
pub use for_each::{ForEach, Selected};
pub use inventories::{Inventories, Inventory};
pub use job::{Deployment, EVENT_STATES, Job, OnState, Trigger, scope_of_runner};
pub use park::contradictions;
pub use power::{KeepTag, Ordered, PowerAction, PowerOrder, PowerTarget, Powered, power, power_address};
pub use registry::{
    Context, DeclarationKind, Manifest, REGISTRY, block_names, files_of, kinds_known_by_tags, parse_all,
};
pub use runs::{RunTime, Runs};
pub use timezone::hint as timezone_hint;
pub use unique::{check_unique, unite};
pub use untagged::{NO_RECORDS, Products, Records, Unclaimed, claimed_once};

use std::collections::{BTreeMap, BTreeSet};

use crate::inventory::{Fleet, Selector};
use crate::manifest::{Placed, Templated};
use crate::model::{
    Actual, Address, Desired, Diagnostic, Diagnostics, Finding, Place, Refused, Scope, TargetRef,
};
use crate::resources::metric_alarm::LiveAlarm;

/// A text that may come from a template.
type TextTemplate = Placed<Templated<String>>;

/// One block of the manifest that wants resources.
pub trait Declaration: std::fmt::Debug + Send + Sync {
    /// Its address in the manifest, such as `alarm.cpu`.
    fn label(&self) -> &str;

    /// Where its block begins.
    fn place(&self) -> &Place;

    /// What it attaches to; `None` for a declaration that attaches to nothing on AWS.
    fn for_each(&self) -> Option<&ForEach>;

    /// What to read of what it attaches to; empty for a declaration without `for_each`.
    fn selectors(&self) -> &[Selector] {
        self.for_each().map_or(&[], ForEach::reads)
    }

    /// What to read besides, whatever there is: what its targets are part of.
    fn reads_besides(&self) -> &[Selector] {
        &[]
    }

    /// What to read besides, now that this fleet was read for [`Declaration::selectors`]: what problems are explained with.
    fn more_selectors(&self, fleet: &Fleet) -> Vec<Selector> {
        self.for_each().map_or_else(Vec::new, |for_each| for_each.reads_more(fleet))
    }

    /// The kinds of which it looks at what bears the project's tags without being recorded, to find what is to go.
    fn tagged_kinds(&self) -> Vec<&'static str> {
        Vec::new()
    }

    /// What the resources of it that the state records make and cannot tag.
    fn products(&self, _records: &Records) -> Vec<Products> {
        Vec::new()
    }

    /// What of that which bears no tag it takes for its own, and what is to be said of that which it may have to leave alone.
    fn taken(&self, _unclaimed: &Unclaimed<'_>) -> (BTreeSet<Address>, Diagnostics) {
        (BTreeSet::new(), Diagnostics::new())
    }

    /// What to read besides, now that this was found of [`Declaration::tagged_kinds`]: whether the targets are still there.
    fn targets_of_tagged(&self, _fleet: &Fleet, _tagged: &[Actual]) -> Vec<Selector> {
        Vec::new()
    }

    /// What of [`Declaration::tagged_kinds`] is its own, each with what it belongs to.
    fn own_tagged<'a>(&self, _fleet: &Fleet, _tagged: &'a [Actual]) -> Vec<(&'a Actual, TargetRef)> {
        Vec::new()
    }

    /// Whether it looks at alarms that are not the project's.
    fn asks_for_alarms(&self) -> bool {
        false
    }

    /// What it lets AWS do at which times.
    fn runs(&self) -> Vec<Runs> {
        Vec::new()
    }

    /// What of it is over by now, and does nothing any more.
    fn outdated(&self, _now: jiff::Timestamp) -> Option<Diagnostic> {
        None
    }

    /// The inventory whose rows it follows.
    fn inventory(&self) -> Option<&Inventory> {
        self.for_each()?.inventory.as_deref()
    }

    /// The targets that it selects, by scope, kind and id, where it may want nothing of some of them.
    fn selected(&self, _fleet: &Fleet) -> BTreeSet<(Scope, String, String)> {
        BTreeSet::new()
    }

    /// Whether it may select no target although the state holds resources of it (`allow_empty = true`).
    fn allows_empty(&self) -> bool;

    /// Whether opsform must never delete what it made (`protect = true`).
    fn protects(&self) -> bool;

    /// The kinds of resources that it may want, for the IAM policy.
    fn kinds(&self) -> Vec<&'static str>;

    /// Those of them whose names are the user's and do not begin with `opsform-`, for the IAM policy.
    fn kinds_of_any_name(&self) -> Vec<&'static str> {
        Vec::new()
    }

    /// The roles that it hands to AWS services, for the IAM policy.
    fn passed_roles(&self) -> Vec<PassedRole> {
        Vec::new()
    }

    /// The day with which its rules compare dates, and the time zone of that day; `None` where it holds no rules that an
    /// audit looks after.
    fn audit_day(&self, _now: jiff::Timestamp) -> Option<(jiff::civil::Date, String)> {
        None
    }

    /// What its rules find in this world.
    fn findings(&self, _world: &World<'_>) -> Vec<Finding> {
        Vec::new()
    }

    /// What it starts and stops of this fleet; `None` where it does neither.
    fn powers<'a>(&'a self, _fleet: &'a Fleet) -> Option<Powered<'a>> {
        None
    }

    /// The instances of this fleet that it parks: they can be neither started nor stopped then.
    fn parks(&self, _fleet: &Fleet) -> Vec<(Address, TargetRef)> {
        Vec::new()
    }

    /// Targets that it leaves as they are today because they say so themselves.
    fn left_alone(&self, _world: &World<'_>) -> Vec<Refused> {
        Vec::new()
    }

    /// The job that it is, where it is one.
    fn job(&self) -> Option<&Job> {
        None
    }

    /// The resources that it wants in this world, and every problem met on the way.
    fn desired(&self, world: &World<'_>) -> (Vec<Desired>, Diagnostics);

    /// The resources that it wants besides, because of what there is when all declarations of the manifest have what they want by
    /// [`Declaration::desired`], as far as this run makes it or it was made before; and every problem met on the way.
    fn desired_besides(&self, _world: &World<'_>, _wanted: &[&Desired]) -> (Vec<Desired>, Diagnostics) {
        (Vec::new(), Diagnostics::new())
    }
}

/// A role that a service gets from whoever applies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PassedRole {
    /// The service, such as `scheduler.amazonaws.com`.
    pub service: &'static str,
    /// The role's ARN, with `*` for what is not known before the fleet is.
    pub arn: String,
}

/// What declarations see of the world.
#[derive(Clone, Copy, Debug)]
pub struct World<'a> {
    /// The accounts and regions of the manifest.
    pub manifest_scopes: &'a [Scope],
    /// Those of them that this run works on.
    pub scopes: &'a [Scope],
    /// The live targets.
    pub fleet: &'a Fleet,
    /// What there is of [`Declaration::tagged_kinds`] with the project's tag, in these accounts and regions.
    pub tagged: &'a [Actual],
    /// What the state records.
    pub records: &'a Records,
    /// What bears no tag and just one declaration takes for its own (see [`Declaration::taken`]).
    pub untagged: &'a [Actual],
    /// Alarms that are not the project's, where [`Declaration::asks_for_alarms`].
    pub alarms: &'a [LiveAlarm],
    /// What this run parks, by scope and id, with the declaration that wants it (see [`Declaration::parks`]).
    pub parks: &'a Parks,
    /// What the runner of the jobs is made of, where this run is to deploy it.
    pub deployment: Option<&'a Deployment>,
    /// The time.
    pub now: jiff::Timestamp,
}

/// What a run parks, by scope and id, with the declaration that wants it.
pub type Parks = BTreeMap<(Scope, String), String>;

/// Nothing is parked.
static NO_PARKS: Parks = Parks::new();

impl<'a> World<'a> {
    /// A world of which nothing is known but its targets.
    pub fn new(
        manifest_scopes: &'a [Scope],
        scopes: &'a [Scope],
        fleet: &'a Fleet,
        now: jiff::Timestamp,
    ) -> Self {
        Self {
            manifest_scopes,
            scopes,
            fleet,
            tagged: &[],
            records: &NO_RECORDS,
            untagged: &[],
            alarms: &[],
            parks: &NO_PARKS,
            deployment: None,
            now,
        }
    }
}

impl World<'_> {
    /// Whether the fleet is that of all the manifest's accounts and regions, and not of some that were asked for.
    pub fn is_whole(&self) -> bool {
        self.scopes.len() == self.manifest_scopes.len()
    }
}
