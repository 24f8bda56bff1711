//! The snapshots that rules take: they bear no tags, and are known by their volume and their time.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::cron::Expression;
use crate::declarations::target_problems::TargetProblems;
use crate::declarations::{Products, Records, Selected, World};
use crate::inventory::TargetKind;
use crate::model::{Actual, Claim, Desired, Owned, Ownership, Scope, TargetRef};
use crate::resources::event_rule::{self, EventRule};
use crate::resources::snapshot::{KIND, Progress, Snapshot, own_tags};

use super::Snapshots;
use super::rendering::Rendering;
use super::rules::MAX_EVENT_AGE;

/// How late a snapshot of a rule begins: rules fire within the minute of their time ("Creating a rule that runs on a schedule" in the
/// EventBridge user guide), and their targets are tried for so long.
const LATEST: SignedDuration = SignedDuration::from_secs(60 + MAX_EVENT_AGE as i64);

/// Older ones are left alone. When a rule was made is known to nobody, and what people took at that time of day before is theirs.
const OLDEST: SignedDuration = SignedDuration::from_hours(14 * 24);

impl Snapshots {
    /// The recorded rules of this declaration.
    fn recorded_rules<'a>(&self, records: &'a Records) -> impl Iterator<Item = &'a Owned> {
        records
            .values()
            .filter(|record| record.label == self.label && record.address.kind == event_rule::KIND)
    }

    /// The volumes of which its rules take snapshots.
    pub(super) fn products_of(&self, records: &Records) -> Vec<Products> {
        let of_rule = |record: &Owned| Products {
            kind: KIND,
            scope: record.address.scope.clone(),
            targets: self.recorded_volumes(Some(record)),
        };
        self.recorded_rules(records).map(of_rule).collect()
    }

    /// Of what was found the snapshots that its rules have taken, each with the time at which the rule fired.
    pub(super) fn taken_by_rules<'a>(
        &self,
        records: &Records,
        found: &'a [Actual],
        now: Timestamp,
    ) -> Vec<(&'a Actual, Snapshot, Timestamp)> {
        if found.is_empty() {
            return Vec::new();
        }
        let times = self.times_of_volumes(records);
        let taken = |live: &'a Actual| {
            let snapshot = free(live)?;
            let age = now.duration_since(snapshot.taken);
            let times = times.get(&(&live.address.scope, snapshot.volume.clone()))?;
            if age.is_negative() || age > OLDEST {
                return None;
            }
            let fired =
                times.iter().filter_map(|expression| fired_before(expression, snapshot.taken)).max()?;
            Some((live, snapshot, fired))
        };
        found.iter().filter_map(taken).collect()
    }

    /// When snapshots of a volume are taken, as the state has it: the manifest may say something else by now.
    fn times_of_volumes<'a>(&self, records: &'a Records) -> BTreeMap<(&'a Scope, String), Vec<Expression>> {
        let mut times: BTreeMap<(&Scope, String), Vec<Expression>> = BTreeMap::new();
        for record in self.recorded_rules(records) {
            let rule = EventRule::from_fields(&record.fields).ok();
            let Some(expression) = rule.and_then(|rule| Expression::parse(&rule.expression).ok()) else {
                continue;
            };
            for volume in self.recorded_volumes(Some(record)) {
                times.entry((&record.address.scope, volume)).or_default().push(expression.clone());
            }
        }
        times
    }

    /// What is there as it will be when it is ours.
    pub(super) fn adopted(&self, world: &World<'_>) -> Vec<Actual> {
        let ours = Ownership::Project { name: self.project.clone(), label: Some(self.label.clone()) };
        let taken = self.taken_by_rules(world.records, world.untagged, world.now).into_iter();
        taken.map(|(live, ..)| Actual { ownership: ours.clone(), ..live.clone() }).collect()
    }

    /// What is to be adopted.
    pub(super) fn adoptions(&self, selected: &[Selected<'_>], world: &World<'_>) -> Vec<Desired> {
        let adoption = |(live, mut snapshot, fired): (&Actual, Snapshot, Timestamp)| {
            let of_it = |selected: &&Selected<'_>| {
                (&selected.target.scope, &selected.target.id) == (&live.address.scope, &snapshot.volume)
            };
            let target = if let Some(selected) = selected.iter().find(of_it) {
                let target = selected.target.reference();
                // What is wrong with the templates was told with the rules.
                let mut told = TargetProblems::default();
                let texts = Rendering::new(self, selected, &mut told).texts(&target)?;
                snapshot.tags = texts.tags.into_iter().collect();
                target
            } else {
                // Of a volume that is gone or no longer selected nothing is known that templates could use.
                let id = snapshot.volume.clone();
                snapshot.tags = own_tags(&self.project, &self.label).into();
                snapshot.tags.insert("Name".to_owned(), format!("{id} {}", self.short_label));
                TargetRef { kind: TargetKind::Ebs.name().to_owned(), name: id.clone(), id }
            };
            let time = fired.to_zoned(self.block.timezone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string();
            Some(Desired {
                fields: snapshot.to_fields(),
                claim: Claim::AdoptByTag { why: format!("taken by its rule at {time}") },
                protect: false,
                ..self.desired_of(live.address.clone(), target)
            })
        };
        let taken = self.taken_by_rules(world.records, world.untagged, world.now).into_iter();
        taken.filter_map(adoption).collect()
    }
}

/// A snapshot that is complete and that nobody looks after. It must have no tag at all: rules give none, and whatever has one is
/// somebody's.
fn free(live: &Actual) -> Option<Snapshot> {
    let snapshot = Snapshot::from_fields(&live.fields)?;
    let free = live.address.kind == KIND
        && live.ownership == Ownership::Nobody
        && live.inexpressible.is_none()
        && snapshot.tags.is_empty()
        && snapshot.hold.is_none()
        && snapshot.progress == Progress::Completed;
    free.then_some(snapshot)
}

/// The last time at which the expression fired before this one, if it is not too long ago.
fn fired_before(expression: &Expression, taken: Timestamp) -> Option<Timestamp> {
    // A rate counts from a time that nobody knows.
    let Expression::Cron(_) = expression else { return None };
    let before = taken.checked_sub(LATEST).ok()?.checked_sub(SignedDuration::from_secs(1)).ok()?;
    let times = expression.next(before, &TimeZone::UTC).map(|time| time.timestamp());
    times.take_while(|time| *time <= taken).last()
}
