//! Mute rules that mute right now. What would end that before its time waits for its end.
//!
//! "When you delete a mute rule, any alarms that are currently being muted by that rule are immediately unmuted. If those alarms are
//! in an ALARM state, their configured actions will trigger" (`DeleteAlarmMuteRule` in the CloudWatch API reference). What takes
//! its place mutes nothing before the next time of its own, so new hours that are applied at night would page everybody.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::Schedule;
use crate::cron::Expression;
use crate::declarations::Records;
use crate::model::{Address, Claim, Desired, Diagnostic, Origin, Owned, Place, Scope};
use crate::resources::alarm_mute_rule::{self, AlarmMuteRule};

/// Rules that stay for a while against what the block says.
#[derive(Debug, Default)]
pub(super) struct InForce {
    count: usize,
    until: Option<Timestamp>,
}

impl InForce {
    /// What a plan says of them.
    pub(super) fn warning(&self, label: &str, place: &Place) -> Option<Diagnostic> {
        let until = self.until?;
        let (rules, mute) = match self.count {
            1 => ("1 mute rule".to_owned(), "it mutes"),
            count => (format!("{count} mute rules"), "they mute"),
        };
        let text = format!("{label} leaves {rules} in force until {until}: {mute} what is stopped now");
        let hint = "without that the alarms in question would page at once; apply again after that time";
        Some(Diagnostic::warning(text).at(place.clone()).hint(hint))
    }
}

impl Schedule {
    /// Keeps what is in force in a scope: of a rule that changes, its times; a rule that goes, until things run again.
    pub(super) fn keep_in_force(
        &self,
        scope: &Scope,
        alarms: &BTreeSet<String>,
        rules: &mut Vec<Desired>,
        (records, now): (&Records, Timestamp),
        in_force: &mut InForce,
    ) {
        let grace = self.block.mute.as_ref().map_or(SignedDuration::ZERO, |mute| mute.grace);
        let runs = self.next_start(now).map(|start| start + grace);
        let ours = |owned: &&Owned| {
            let address = &owned.address;
            address.kind == alarm_mute_rule::KIND && address.scope == *scope && owned.label == self.label
        };
        for owned in records.values().filter(ours) {
            let Ok(was) = AlarmMuteRule::from_fields(&owned.fields) else { continue };
            let Some(end) = was.mutes_until(now) else { continue };
            let needed = runs.map_or(end, |runs| runs.min(end));
            let kept = match rules.iter_mut().find(|rule| rule.address == owned.address) {
                Some(rule) => keep_times(rule, was, needed, now),
                None => self.keep_rule(&owned.address, was, needed, alarms).map(|rule| rules.push(rule)),
            };
            if kept.is_some() {
                in_force.count += 1;
                in_force.until = in_force.until.max(Some(needed));
            }
        }
    }

    /// A rule of another name took its place, so it ends by itself when things run.
    fn keep_rule(
        &self,
        address: &Address,
        was: AlarmMuteRule,
        needed: Timestamp,
        alarms: &BTreeSet<String>,
    ) -> Option<Desired> {
        let alarm_names: BTreeSet<String> = was.alarm_names.intersection(alarms).cloned().collect();
        let kept = AlarmMuteRule {
            start_date: None,
            expire_date: Some(needed),
            description: Some(self.description()),
            alarm_names,
            ..was
        };
        (!kept.alarm_names.is_empty()).then(|| Desired {
            address: address.clone(),
            fields: kept.to_fields(),
            origin: Origin { label: self.label.clone(), place: self.place.line() },
            place: self.place.clone(),
            target: None,
            claim: Claim::Own { adopt: false },
            protect: false,
        })
    }

    /// When things start for the next time.
    fn next_start(&self, now: Timestamp) -> Option<Timestamp> {
        let start = Expression::parse(&self.block.start.as_ref()?.value).ok()?;
        let zone = &self.block.timezone;
        let today = now.to_zoned(zone.clone()).date();
        let days_off = self.block.except.as_ref().map(|except| except.days(today)).unwrap_or_default();
        let next = start.next(now, zone).find(|time| !days_off.contains(&time.date()));
        next.map(|time| time.timestamp())
    }
}

/// The old times, where the new ones would not mute on. What is muted follows the fleet all the same.
fn keep_times(rule: &mut Desired, was: AlarmMuteRule, needed: Timestamp, now: Timestamp) -> Option<()> {
    let new = AlarmMuteRule::from_fields(&rule.fields).ok()?;
    if new.mutes_until(now).is_some_and(|until| until >= needed) {
        return None;
    }
    let kept = AlarmMuteRule {
        alarm_names: new.alarm_names,
        description: new.description,
        // As it is read: a start that has passed is none.
        start_date: was.start_date.filter(|start| *start > now),
        ..was
    };
    rule.fields = kept.to_fields();
    Some(())
}
