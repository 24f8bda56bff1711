//! The mute rules that a block wants: which alarms, and when.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::in_force::InForce;
use super::{Mute, Schedule};
use crate::declarations::schedule::shards::shards;
use crate::declarations::schedule::wanted::Member;
use crate::declarations::{World, timezone};
use crate::inventory::{Fleet, Target, TargetKind};
use crate::model::{Address, Claim, Desired, Diagnostic, Origin, Scope};
use crate::resources::alarm_mute_rule::{self, AlarmMuteRule, MOST_ALARMS};
use crate::resources::metric_alarm::{self, LiveAlarm, MetricAlarm};

/// What is stopped, as alarms name it: a dimension with its value.
type Stopped<'a> = BTreeSet<(&'a str, &'a str)>;

impl Schedule {
    /// The mute rules for these members, and what is wrong with them.
    pub(in crate::declarations::schedule) fn mute_rules(
        &self,
        mute: &Mute,
        world: &World<'_>,
        scopes: &BTreeMap<&Scope, Vec<Member<'_>>>,
        wanted: &[&Desired],
    ) -> (Vec<Desired>, Vec<Diagnostic>) {
        let mut rules = Vec::new();
        let mut in_force = InForce::default();
        let mut stops = false;
        for (scope, members) in scopes {
            let stopped = stopped(world.fleet, members);
            stops |= !stopped.is_empty();
            let mut alarms = of_manifest(scope, &stopped, wanted);
            alarms.extend(others(mute, scope, &stopped, world.alarms));
            let mut wants = self.mute_rules_in(mute, scope, alarms.clone(), world.now);
            self.keep_in_force(scope, &alarms, &mut wants, (world.records, world.now), &mut in_force);
            rules.extend(wants);
        }
        let warning = (stops && rules.is_empty()).then(|| {
            Diagnostic::warning(format!("{} mutes nothing: no alarm watches what it stops", self.label))
                .at(mute.place.clone())
                .hint("alarms of this manifest count once they are there, others by `mute_alarms = { names = [\"web-*\"] }`")
        });
        (rules, warning.into_iter().chain(in_force.warning(&self.label, &mute.place)).collect())
    }

    fn mute_rules_in(
        &self,
        mute: &Mute,
        scope: &Scope,
        alarms: BTreeSet<String>,
        now: Timestamp,
    ) -> Vec<Desired> {
        let zone = &self.block.timezone;
        let times = self.mutes(mute, now.to_zoned(zone.clone()).date(), now);
        let shards = shards(alarms, MOST_ALARMS);
        let rule = |(ending, alarms): &(String, BTreeSet<String>), times: &super::hours::Mute| {
            let spec = AlarmMuteRule {
                expression: times.expression.clone(),
                duration: AlarmMuteRule::length(times.duration),
                timezone: timezone::name(zone).to_owned(),
                alarm_names: alarms.clone(),
                start_date: times.start,
                expire_date: times.expire,
                description: Some(self.description()),
            };
            let mut parts = vec![&*self.name, "mute", &*times.name];
            parts.extend((!ending.is_empty()).then_some(&**ending));
            Desired {
                address: Address::new(
                    alarm_mute_rule::KIND,
                    scope.clone(),
                    alarm_mute_rule::name(&self.project, &parts),
                ),
                fields: spec.to_fields(),
                origin: Origin { label: self.label.clone(), place: self.place.line() },
                place: self.place.clone(),
                target: None,
                claim: Claim::Own { adopt: self.block.adopt },
                protect: false,
            }
        };
        shards.iter().flat_map(|shard| times.iter().map(move |times| rule(shard, times))).collect()
    }
}

/// The dimensions of what is stopped. The members of a cluster stop with it ("Stopping an Aurora DB cluster" in the Aurora
/// user guide).
fn stopped<'a>(fleet: &'a Fleet, members: &[Member<'a>]) -> Stopped<'a> {
    let mut stopped = Stopped::new();
    let mut clusters: BTreeSet<(&Scope, &str)> = BTreeSet::new();
    for target in members.iter().filter(|member| member.stops).map(|member| member.target) {
        stopped.extend(dimension(target));
        if target.kind == TargetKind::RdsCluster {
            clusters.insert((&target.scope, &target.id));
        }
    }
    if !clusters.is_empty() {
        let of_cluster = |target: &&Target| {
            let cluster = target.attributes.get("cluster").and_then(|cluster| cluster.as_str());
            cluster.is_some_and(|cluster| clusters.contains(&(&target.scope, cluster)))
        };
        stopped.extend(fleet.of_kind(TargetKind::Rds).filter(of_cluster).filter_map(dimension));
    }
    stopped
}

/// The dimension that metrics of a target have ("Dimensions" in the EC2 and RDS user guides).
fn dimension(target: &Target) -> Option<(&'static str, &str)> {
    let name = match target.kind {
        TargetKind::Ec2 => "InstanceId",
        TargetKind::Rds => "DBInstanceIdentifier",
        TargetKind::RdsCluster => "DBClusterIdentifier",
        TargetKind::Ebs => return None,
    };
    Some((name, &target.id))
}

/// The names of the alarms that the manifest wants for what is stopped.
fn of_manifest(scope: &Scope, stopped: &Stopped<'_>, wanted: &[&Desired]) -> BTreeSet<String> {
    let alarms = wanted.iter().filter(|one| {
        one.address.kind == metric_alarm::KIND
            && one.address.scope == *scope
            && matches!(one.claim, Claim::Own { .. } | Claim::Joint { .. })
    });
    let watches = |alarm: &&&Desired| {
        let spec = MetricAlarm::from_fields(&alarm.fields);
        spec.is_ok_and(|spec| spec.dimensions.iter().any(|pair| is_stopped(stopped, pair)))
    };
    alarms.filter(watches).map(|alarm| alarm.address.key.clone()).collect()
}

/// The names of other people's alarms that a pattern asks for and that watch what is stopped.
fn others<'a>(
    mute: &'a Mute,
    scope: &'a Scope,
    stopped: &'a Stopped<'_>,
    alarms: &'a [LiveAlarm],
) -> impl Iterator<Item = String> + 'a {
    let asked = |alarm: &&LiveAlarm| {
        alarm.scope == *scope
            && mute.others.iter().any(|name| name.matches(&alarm.name))
            && alarm.dimensions.iter().any(|(name, value)| is_stopped(stopped, (name, value)))
    };
    alarms.iter().filter(asked).map(|alarm| alarm.name.clone())
}

fn is_stopped(stopped: &Stopped<'_>, (name, value): (&String, &String)) -> bool {
    stopped.contains(&(&**name, &**value))
}
