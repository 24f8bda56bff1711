//! The EventBridge rules that a block wants with `engine = "rule"`: one target for each instance, database or cluster.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Schedule;
use super::block::Via;
use super::shards::shards;
use super::wanted::{Arns, MAX_EVENT_AGE, Member, RETRIES};
use crate::declarations::PowerAction;
use crate::inventory::{Target, TargetKind};
use crate::model::{Address, Claim, Desired, Origin, Scope};
use crate::resources::event_rule::{
    EventRule, KIND, MAX_TARGETS, RuleTarget, built_in_target, rule_name, runbook_target,
};

impl Schedule {
    /// The rules of a scope.
    pub(super) fn rules(&self, scope: &Scope, arns: &Arns, members: &[Member<'_>]) -> Vec<Desired> {
        let times = &self.block.times_in_utc;
        let mut wanted = Vec::new();
        for (action, expression) in [(PowerAction::Start, &times.start), (PowerAction::Stop, &times.stop)] {
            let Some(expression) = expression else { continue };
            for kind in [TargetKind::Ec2, TargetKind::Rds, TargetKind::RdsCluster] {
                let of_kind = members.iter().filter(|member| member.target.kind == kind);
                let of_kind: BTreeMap<&str, &Member<'_>> =
                    of_kind.map(|member| (&*member.target.id, member)).collect();
                let ids = of_kind.keys().map(|&id| id.to_owned()).collect();
                // Divided as if nothing were exempted, so that an exemption moves nothing from rule to rule.
                for (ending, ids) in shards(ids, MAX_TARGETS) {
                    let mut parts = vec![&*self.name, action.name(), kind.name()];
                    parts.extend((!ending.is_empty()).then_some(&*ending));
                    let members: Vec<&Member<'_>> =
                        ids.iter().filter_map(|id| of_kind.get(&**id).copied()).collect();
                    wanted.push(self.rule(
                        scope,
                        &parts,
                        self.of_members(expression, action, arns, &members),
                    ));
                }
            }
        }
        wanted
    }

    /// The rule of these targets. Where it does nothing with any of them today, it is disabled and has them all: an exemption deletes nothing.
    fn of_members(
        &self,
        expression: &str,
        action: PowerAction,
        arns: &Arns,
        members: &[&Member<'_>],
    ) -> EventRule {
        let enabled = members.iter().any(|member| member.has_part_in(action));
        let in_it = members.iter().filter(|member| !enabled || member.has_part_in(action));
        let targets = in_it.map(|member| self.target(member.target, action, arns)).collect();
        EventRule { enabled, ..EventRule::new(expression, targets) }
    }

    fn rule(&self, scope: &Scope, parts: &[&str], mut rule: EventRule) -> Desired {
        rule.description = Some(self.description());
        Desired {
            address: Address::new(KIND, scope.clone(), rule_name(&self.project, parts)),
            fields: rule.to_fields(),
            origin: Origin { label: self.label.clone(), place: self.place.line() },
            place: self.place.clone(),
            target: None,
            claim: Claim::Own { adopt: self.block.adopt },
            protect: false,
        }
    }

    /// The target that starts or stops.
    fn target(&self, target: &Target, action: PowerAction, arns: &Arns) -> RuleTarget {
        let scope = &target.scope;
        let id = &*target.id;
        let (arn, input) = match (target.kind, action) {
            // There is no built-in target that starts.
            (TargetKind::Ec2, PowerAction::Stop) if self.block.via == Via::Target => {
                (built_in_target(scope, "stop-instance"), json!(id))
            }
            (TargetKind::Ec2 | TargetKind::Ebs, PowerAction::Start) => {
                runbook(scope, "AWS-StartEC2Instance", "InstanceId", id)
            }
            (TargetKind::Ec2 | TargetKind::Ebs, PowerAction::Stop) => {
                runbook(scope, "AWS-StopEC2Instance", "InstanceId", id)
            }
            (TargetKind::Rds, PowerAction::Start) => runbook(scope, "AWS-StartRdsInstance", "InstanceId", id),
            (TargetKind::Rds, PowerAction::Stop) => runbook(scope, "AWS-StopRdsInstance", "InstanceId", id),
            (TargetKind::RdsCluster, _) => {
                let (arn, mut input) = runbook(scope, "AWS-StartStopAuroraCluster", "ClusterName", id);
                input["Action"] = json!([if action == PowerAction::Start { "Start" } else { "Stop" }]);
                (arn, input)
            }
        };
        let mut wanted = RuleTarget::new(id, &arn, &arns.role, input);
        if let (Some(role), Some(Value::Object(input))) = (&arns.automation_role, &mut wanted.input) {
            input.insert("AutomationAssumeRole".to_owned(), json!([role]));
        }
        (wanted.retries, wanted.max_event_age) = (Some(RETRIES), Some(MAX_EVENT_AGE));
        wanted.dead_letter_arn.clone_from(&arns.dead_letters);
        wanted
    }
}

/// A runbook of AWS's with the parameter that names what it is about; parameters are lists ("`AWS-StopEC2Instance`" and others in the
/// Systems Manager Automation runbook reference).
fn runbook(scope: &Scope, name: &str, parameter: &str, id: &str) -> (String, Value) {
    (runbook_target(scope, name), json!({ parameter: [id] }))
}
