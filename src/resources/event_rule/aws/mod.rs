//! EventBridge rules on AWS.

mod convert;
mod read;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use futures::FutureExt;
use futures::future::BoxFuture;

use super::spec::{EventRule, TEXT};
use crate::aws::{Aws, AwsError, Operation};
use crate::model::{Actual, Fields, KindText, Ownership, Scope};
use crate::resources::{Kind, Operations, OwnershipNeed, ReadRequest, Reliance, Step};

/// The kind `event_rule`.
#[derive(Clone, Copy, Debug)]
pub struct EventRuleKind;

impl Kind for EventRuleKind {
    fn text(&self) -> KindText {
        TEXT
    }

    fn phase(&self) -> u8 {
        30
    }

    fn operations(&self) -> Operations {
        Operations {
            read: &[Operation::LIST_RULES, Operation::GET_RESOURCES],
            read_one: &[Operation::LIST_TARGETS_BY_RULE, Operation::LIST_RULE_TAGS],
            write: &[
                Operation::PUT_RULE,
                Operation::TAG_RULE,
                Operation::PUT_TARGETS,
                Operation::REMOVE_TARGETS,
            ],
            remove: &[Operation::REMOVE_TARGETS, Operation::DELETE_RULE],
        }
    }

    fn policy_resources(&self, account: &str, region: &str) -> Vec<String> {
        vec![format!("events:{region}:{account}:rule/opsform-*")]
    }

    fn policy_resources_of_any_name(&self, account: &str, region: &str) -> Vec<String> {
        vec![format!("events:{region}:{account}:rule/*")]
    }

    fn read<'a>(
        &'a self,
        aws: &'a Aws,
        scope: &'a Scope,
        request: &'a ReadRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<Actual>, AwsError>> {
        read::read(aws, scope, request).boxed()
    }

    fn owners<'a>(
        &'a self,
        aws: &'a Aws,
        scope: &'a Scope,
        keys: &'a [&'a str],
        _need: OwnershipNeed,
    ) -> BoxFuture<'a, Result<BTreeMap<String, Ownership>, AwsError>> {
        read::owners(aws, scope, keys).boxed()
    }

    fn find_owned<'a>(
        &'a self,
        aws: &'a Aws,
        scope: &'a Scope,
        project: &'a str,
    ) -> BoxFuture<'a, Result<Vec<Actual>, AwsError>> {
        read::find_owned(aws, scope, project).boxed()
    }

    fn reliance(&self, fields: &Fields) -> Reliance {
        let stops = EventRule::from_fields(fields).is_ok_and(|rule| rule.stops());
        if stops { Reliance::SameTargets } else { Reliance::None }
    }

    fn acts_on(&self, fields: &Fields) -> BTreeSet<String> {
        let rule = EventRule::from_fields(fields);
        rule.map(|rule| rule.target_ids().into_iter().map(str::to_owned).collect()).unwrap_or_default()
    }

    fn batch_size(&self, _step: &Step) -> usize {
        1
    }

    fn pacing_operation(&self, step: &Step) -> &'static Operation {
        match step {
            Step::Write(_) => Operation::PUT_RULE,
            Step::Remove(_) => Operation::DELETE_RULE,
        }
    }

    fn carry_out<'a>(
        &'a self,
        aws: &'a Aws,
        project: &'a str,
        batch: &'a [Step],
    ) -> BoxFuture<'a, Vec<Result<(), AwsError>>> {
        write::carry_out(aws, project, batch).boxed()
    }
}
