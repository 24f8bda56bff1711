//! Since when a rule takes snapshots of a volume. The id of the rule's target says it, which AWS and the state both keep: rules have no
//! time of their own that AWS would tell.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::declarations::Records;
use crate::model::{Owned, Scope};
use crate::resources::event_rule::{EventRule, KIND, RuleTarget};

use super::Snapshots;
use super::rules::TARGET;

const FORMAT: &str = "%Y%m%dT%H%M%SZ";

/// The id of the target for a volume: `vol-0abc.20261120T093000Z`.
pub(super) fn target_id(volume: &str, since: Timestamp) -> String {
    format!("{volume}.{}", since.strftime(FORMAT))
}

/// What the id says; `None` for one that is somebody else's way of naming targets.
fn since_of(volume: &str, id: &str) -> Option<Timestamp> {
    let since = id.strip_prefix(volume)?.strip_prefix('.')?;
    let since = DateTime::strptime(FORMAT, since).ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp();
    (target_id(volume, since) == id).then_some(since)
}

/// The next whole second: what begins now has not begun before.
pub(super) fn from_now(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second() + 1).unwrap_or(now)
}

/// What the state has of a rule.
pub(super) struct Recorded<'a> {
    pub(super) scope: &'a Scope,
    pub(super) expression: String,
    /// Since when it has taken snapshots of each of its volumes, where that is known.
    pub(super) volumes: BTreeMap<String, Option<Timestamp>>,
}

impl Snapshots {
    /// The recorded rules of this declaration.
    pub(super) fn recorded_rules<'a>(&self, records: &'a Records) -> impl Iterator<Item = &'a Owned> {
        records.values().filter(|record| record.label == self.label && record.address.kind == KIND)
    }

    /// What the state has of them.
    pub(super) fn recorded<'a>(&self, records: &'a Records) -> impl Iterator<Item = Recorded<'a>> {
        self.recorded_rules(records).filter_map(recorded)
    }

    /// Since when its rules have taken snapshots of a volume at the times that the manifest says now: at other times they took none.
    pub(super) fn since<'a>(&self, records: &'a Records) -> BTreeMap<(&'a Scope, String), Timestamp> {
        let mut all: BTreeMap<(&Scope, String), Timestamp> = BTreeMap::new();
        for rule in self.recorded(records).filter(|rule| rule.expression == self.block.schedule) {
            for (volume, since) in rule.volumes {
                let Some(since) = since else { continue };
                let latest = all.entry((rule.scope, volume)).or_insert(since);
                *latest = since.max(*latest);
            }
        }
        all
    }
}

/// The rule of a record.
pub(super) fn recorded(record: &Owned) -> Option<Recorded<'_>> {
    let rule = EventRule::from_fields(&record.fields).ok()?;
    let expression = rule.expression()?.to_owned();
    let ours = rule.targets.into_iter().filter(|target| target.arn.ends_with(&format!(":target/{TARGET}")));
    let volumes = ours.filter_map(|target| {
        let volume = volume_of(&target)?;
        let since = since_of(&volume, &target.id);
        Some((volume, since))
    });
    Some(Recorded { scope: &record.address.scope, expression, volumes: volumes.collect() })
}

fn volume_of(target: &RuleTarget) -> Option<String> {
    match &target.input {
        Some(Value::String(volume)) => Some(volume.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_since_when() {
        let now: Timestamp = "2026-11-20T09:29:59.25Z".parse().unwrap();
        let volume = "vol-0123456789abcdef0";
        let id = target_id(volume, from_now(now));
        assert_eq!(id, "vol-0123456789abcdef0.20261120T093000Z");
        assert!(id.len() <= 64);
        assert_eq!(since_of(volume, &id), Some("2026-11-20T09:30:00Z".parse().unwrap()));
        for others in [
            volume,
            "1",
            "vol-0123456789abcdef0.x",
            "vol-0123456789abcdef0.20261120T0930Z",
            "vol-1.20261120T093000Z",
        ] {
            assert_eq!(since_of(volume, others), None, "{others}");
        }
    }
}
