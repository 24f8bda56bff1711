//! Which of the snapshots without tags a rule has taken.
//!
//! Nothing on AWS says so. A snapshot counts as the rule's where it is the only one that can be: of a volume that the rule had as a
//! target when it fired, and of all that were begun within its window. What cannot be told apart is left alone.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::cron::Expression;
use crate::declarations::target_problems::listed;
use crate::declarations::{Records, Unclaimed};
use crate::model::{Actual, Diagnostic, Diagnostics, Ownership, Scope};
use crate::resources::snapshot::{KIND, Progress, Snapshot};

use super::Snapshots;
use super::block::Taker;
use super::retention::Owner;
use super::rules::MAX_EVENT_AGE;

/// How late a snapshot of a rule begins: rules fire within the minute of their time ("Creating a rule that runs on a schedule" in the
/// EventBridge user guide), and a call that was not made after so long is not made.
const LATEST: SignedDuration = SignedDuration::from_secs(60 + MAX_EVENT_AGE as i64);

/// Older ones are left alone: what nobody missed for so long is for a person to look at.
const OLDEST: SignedDuration = SignedDuration::from_hours(14 * 24);

/// A snapshot with the time at which the rule fired that took it.
pub(super) struct Taken<'a> {
    pub(super) live: &'a Actual,
    pub(super) snapshot: Snapshot,
    pub(super) fired: Timestamp,
}

/// What was begun within one firing's window.
#[derive(Default)]
struct Firing<'a> {
    /// Without a tag, in whatever state.
    nobodys: Vec<(&'a Actual, Snapshot)>,
    /// Whether one of them is the declaration's already.
    has_own: bool,
    /// Whether the rule is about to go or to fire at other times.
    is_last: bool,
}

/// By scope, volume and the time at which the rule fired.
type Firings<'a> = BTreeMap<(&'a Scope, String, Timestamp), Firing<'a>>;

/// The times at which the rules of a volume fire, each with since when, and whether the rule is about to change.
struct Times {
    expression: Expression,
    since: Timestamp,
    is_last: bool,
}

impl Times {
    /// The last time before this one at which it fired, if it is not too long ago.
    fn fired_before(&self, taken: Timestamp) -> Option<Timestamp> {
        let before = taken.checked_sub(LATEST).ok()?.checked_sub(SignedDuration::from_secs(1)).ok()?;
        let times = self.expression.next(before, &TimeZone::UTC).map(|time| time.timestamp());
        times.take_while(|time| *time <= taken).filter(|time| *time >= self.since).last()
    }
}

impl Snapshots {
    /// Of what was found the snapshots that its rules have taken, and what is to be said of those that may be theirs.
    pub(super) fn taken_by_rules<'a>(&self, unclaimed: &Unclaimed<'a>) -> (Vec<Taken<'a>>, Diagnostics) {
        let (mut taken, mut unclear, mut unfinished) = (Vec::new(), Vec::new(), Vec::new());
        for ((_, volume, fired), mut firing) in self.firings(unclaimed) {
            if firing.has_own {
                continue;
            }
            let Some((live, snapshot)) = firing.nobodys.pop() else { continue };
            if !firing.nobodys.is_empty() {
                let mut ids: Vec<&str> = firing.nobodys.iter().map(|(live, _)| &*live.address.key).collect();
                ids.push(&live.address.key);
                ids.sort_unstable();
                unclear.push(format!("{} of {volume} at {}", ids.join(" and "), self.in_words(fired)));
                continue;
            }
            let is_over = unclaimed.now.duration_since(fired) > LATEST;
            match snapshot.progress {
                _ if live.inexpressible.is_some() => {}
                Progress::Completed if is_over => taken.push(Taken { live, snapshot, fired }),
                Progress::Completed | Progress::Pending if firing.is_last => {
                    unfinished.push(format!("{} of {volume}", live.address.key));
                }
                _ => {}
            }
        }
        let mut said = Diagnostics::new();
        if !unclear.is_empty() {
            said.push(self.unclear(&unclear));
        }
        if !unfinished.is_empty() {
            said.push(self.unfinished(&unfinished));
        }
        (taken, said)
    }

    fn firings<'a>(&self, unclaimed: &Unclaimed<'a>) -> Firings<'a> {
        let mut firings = Firings::new();
        if unclaimed.found.is_empty() {
            return firings;
        }
        let times = self.times_of_volumes(unclaimed.records);
        let owner = Owner { project: &self.project, label: &self.label };
        let nobodys = unclaimed.found.iter().filter(|live| is_nobodys(live)).map(|live| (live, false));
        let own = unclaimed.tagged.iter().filter(|live| owner.has(live)).map(|live| (live, true));
        for (live, is_own) in nobodys.chain(own).filter(|(live, _)| live.address.kind == KIND) {
            let Some(snapshot) = Snapshot::from_fields(&live.fields) else { continue };
            let age = unclaimed.now.duration_since(snapshot.taken);
            if age.is_negative() || age > OLDEST || (snapshot.hold.is_some() && !is_own) {
                continue;
            }
            let Some(times) = times.get(&(&live.address.scope, snapshot.volume.clone())) else { continue };
            let fired =
                times.iter().filter_map(|times| Some((times.fired_before(snapshot.taken)?, times.is_last)));
            let Some((fired, is_last)) = fired.max() else { continue };
            let key = (&live.address.scope, snapshot.volume.clone(), fired);
            let firing = firings.entry(key).or_default();
            firing.is_last |= is_last;
            if is_own {
                firing.has_own = true;
            } else {
                firing.nobodys.push((live, snapshot));
            }
        }
        firings
    }

    /// When snapshots of a volume are taken, as the state has it: the manifest may say something else by now.
    fn times_of_volumes<'a>(&self, records: &'a Records) -> BTreeMap<(&'a Scope, String), Vec<Times>> {
        let mut all: BTreeMap<(&Scope, String), Vec<Times>> = BTreeMap::new();
        for rule in self.recorded(records) {
            // A rate counts from a time that nobody knows.
            let Ok(expression @ Expression::Cron(_)) = Expression::parse(&rule.expression) else { continue };
            let is_last = self.block.taker != Taker::Rule || rule.expression != self.block.schedule;
            for (volume, since) in rule.volumes {
                let Some(since) = since else { continue };
                let times = Times { expression: expression.clone(), since, is_last };
                all.entry((rule.scope, volume)).or_default().push(times);
            }
        }
        all
    }

    /// The time of a rule in the block's zone.
    pub(super) fn in_words(&self, fired: Timestamp) -> String {
        fired.to_zoned(self.block.timezone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string()
    }

    fn unclear(&self, firings: &[String]) -> Diagnostic {
        let words = format!(
            "nothing says which of several snapshots {} took, so they are left alone: {}",
            self.label,
            listed(firings, "times")
        );
        let hint = format!(
            "give the others a tag, or the one that it took `opsform:project = {}` and `opsform:label = {}`",
            self.project, self.label
        );
        Diagnostic::warning(words).at(self.place.clone()).hint(hint)
    }

    fn unfinished(&self, snapshots: &[String]) -> Diagnostic {
        let words = format!(
            "{} is about to change its rules, and what they took last cannot be adopted yet: {}",
            self.label,
            listed(snapshots, "snapshots")
        );
        let hint = "apply when they are complete: after the change nobody knows that they were the rules'";
        Diagnostic::warning(words).at(self.place.clone()).hint(hint)
    }
}

/// Whether nobody looks after it. It must have no tag at all: rules give none, and whatever has one is somebody's.
fn is_nobodys(live: &Actual) -> bool {
    live.ownership == Ownership::Nobody
        && Snapshot::from_fields(&live.fields).is_some_and(|snapshot| snapshot.tags.is_empty())
}
