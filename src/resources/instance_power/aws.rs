//! Stopping and starting instances: many ids a call.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use aws_sdk_ec2::types::{Filter, InstanceStateChange};
use futures::FutureExt;
use futures::future::{BoxFuture, ready};

use super::spec::{KIND, Power, TEXT};
use crate::aws::{Aws, AwsError, Operation};
use crate::model::{Actual, Address, KindText, Ownership, Scope};
use crate::resources::halves::in_halves;
use crate::resources::{Kind, Operations, OwnershipNeed, ReadRequest, Step};

/// AWS allows 200 values a filter ("Filter" in the EC2 API reference).
const VALUES_A_FILTER: usize = 200;

/// The largest page of `DescribeInstances` (its API reference).
const PAGE: i32 = 1000;

/// Instances a call: one that cannot be stopped fails the whole call, and then the ids are halved.
const INSTANCES_A_CALL: usize = 50;

/// The kind `instance_power`.
#[derive(Clone, Copy, Debug)]
pub struct InstancePowerKind;

impl Kind for InstancePowerKind {
    fn text(&self) -> KindText {
        TEXT
    }

    fn phase(&self) -> u8 {
        // At once after the plan: the date that has passed may be put off while other things are written.
        5
    }

    fn operations(&self) -> Operations {
        Operations {
            read: &[Operation::DESCRIBE_INSTANCES],
            read_one: &[],
            // Nothing that can be declared starts an instance.
            write: &[Operation::STOP_INSTANCES],
            remove: &[],
        }
    }

    fn operations_by_hand(&self) -> &'static [&'static Operation] {
        &[Operation::STOP_INSTANCES, Operation::START_INSTANCES]
    }

    fn policy_resources(&self, account: &str, region: &str) -> Vec<String> {
        vec![format!("ec2:{region}:{account}:instance/*")]
    }

    fn read<'a>(
        &'a self,
        aws: &'a Aws,
        scope: &'a Scope,
        request: &'a ReadRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<Actual>, AwsError>> {
        read(aws, scope, request).boxed()
    }

    fn owners<'a>(
        &'a self,
        _aws: &'a Aws,
        _scope: &'a Scope,
        _keys: &'a [&'a str],
        _need: OwnershipNeed,
    ) -> BoxFuture<'a, Result<BTreeMap<String, Ownership>, AwsError>> {
        // Nobody owns whether an instance runs.
        ready(Ok(BTreeMap::new())).boxed()
    }

    fn find_owned<'a>(
        &'a self,
        _aws: &'a Aws,
        _scope: &'a Scope,
        _project: &'a str,
    ) -> BoxFuture<'a, Result<Vec<Actual>, AwsError>> {
        ready(Ok(Vec::new())).boxed()
    }

    fn batch_size(&self, _step: &Step) -> usize {
        INSTANCES_A_CALL
    }

    fn alike(&self, step: &Step) -> String {
        format!("{:?}", wanted(step))
    }

    fn pacing_operation(&self, step: &Step) -> &'static Operation {
        operation(wanted(step))
    }

    fn carry_out<'a>(
        &'a self,
        aws: &'a Aws,
        _project: &'a str,
        batch: &'a [Step],
    ) -> BoxFuture<'a, Vec<Result<(), AwsError>>> {
        carry_out(aws, batch).boxed()
    }
}

fn operation(power: Power) -> &'static Operation {
    match power {
        Power::Stopped | Power::Hibernated => Operation::STOP_INSTANCES,
        Power::Running => Operation::START_INSTANCES,
    }
}

fn wanted(step: &Step) -> Power {
    step.change().after.as_ref().and_then(Power::from_fields).unwrap_or(Power::Running)
}

async fn read(aws: &Aws, scope: &Scope, request: &ReadRequest<'_>) -> Result<Vec<Actual>, AwsError> {
    let clients = aws.clients(scope);
    let ids: Vec<String> = request.keys.keys().map(|&id| id.to_owned()).collect();
    let mut found = Vec::new();
    for ids in ids.chunks(VALUES_A_FILTER) {
        let filter = Filter::builder().name("instance-id").set_values(Some(ids.to_vec())).build();
        let mut token: Option<String> = None;
        loop {
            let page = aws
                .call(scope, Operation::DESCRIBE_INSTANCES, || {
                    let request = clients.ec2.describe_instances().filters(filter.clone());
                    request.max_results(PAGE).set_next_token(token.clone()).send()
                })
                .await?;
            let instances = page.reservations().iter().flat_map(aws_sdk_ec2::types::Reservation::instances);
            found.extend(instances.filter_map(|instance| {
                let state = instance.state()?.name()?.as_str();
                let id = instance.instance_id()?;
                let desired = request.keys.get(id).and_then(|key| key.desired);
                Some(Actual {
                    address: Address::new(KIND, scope.clone(), id),
                    fields: Power::of_state(state)?.seen_by(desired),
                    ownership: Ownership::NotRead,
                    inexpressible: None,
                })
            }));
            token = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            if token.is_none() {
                break;
            }
        }
    }
    Ok(found)
}

async fn carry_out(aws: &Aws, batch: &[Step]) -> Vec<Result<(), AwsError>> {
    let mut results: Vec<Result<(), AwsError>> = batch.iter().map(|_| Ok(())).collect();
    for power in [Power::Stopped, Power::Hibernated, Power::Running] {
        let indices: Vec<usize> = (0..batch.len()).filter(|&index| wanted(&batch[index]) == power).collect();
        let Some(first) = indices.first() else { continue };
        let scope = &batch[*first].change().address.scope;
        let ids: Vec<&str> = indices.iter().map(|&index| batch[index].key()).collect();
        let answered = Mutex::new(BTreeMap::new());
        let done = in_halves(&ids, async |ids| call(aws, scope, power, ids, &answered).await).await;
        let answered = answered.into_inner().unwrap_or_else(PoisonError::into_inner);
        for (index, result) in indices.into_iter().zip(done) {
            results[index] = result.and_then(|()| confirm(scope, power, answered.get(batch[index].key())));
        }
    }
    results
}

/// The state that AWS's answers give each instance.
type Answered = Mutex<BTreeMap<String, String>>;

async fn call(
    aws: &Aws,
    scope: &Scope,
    power: Power,
    ids: Vec<String>,
    answered: &Answered,
) -> Result<(), AwsError> {
    let clients = aws.clients(scope);
    let changes = if power == Power::Running {
        let start = || clients.ec2.start_instances().set_instance_ids(Some(ids.clone())).send();
        aws.call(scope, operation(power), start).await?.starting_instances
    } else {
        let hibernate = (power == Power::Hibernated).then_some(true);
        let stop = || {
            let request = clients.ec2.stop_instances().set_instance_ids(Some(ids.clone()));
            request.set_hibernate(hibernate).send()
        };
        aws.call(scope, operation(power), stop).await?.stopping_instances
    };
    let mut answered = answered.lock().unwrap_or_else(PoisonError::into_inner);
    answered.extend(changes.unwrap_or_default().iter().filter_map(state_of));
    Ok(())
}

fn state_of(change: &InstanceStateChange) -> Option<(String, String)> {
    let state = change.current_state()?.name()?.as_str();
    Some((change.instance_id()?.to_owned(), state.to_owned()))
}

/// A call that succeeded says of each instance what becomes of it ("`InstanceStateChange`" in the EC2 API reference): one that
/// it does not name was not done for all that is known.
fn confirm(scope: &Scope, power: Power, state: Option<&String>) -> Result<(), AwsError> {
    let why = match state {
        Some(state) if Power::of_state(state).is_some_and(|now| is_there(now, power)) => return Ok(()),
        Some(state) => format!("AWS took the call and says that the instance is {state}"),
        None => "AWS took the call, and its answer does not name the instance".to_owned(),
    };
    Err(AwsError::unconfirmed(operation(power), scope, why))
}

fn is_there(now: Power, wanted: Power) -> bool {
    (now == Power::Running) == (wanted == Power::Running)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_that_the_answer_does_not_name_is_a_failure() {
        let scope = Scope::new("111122223333", "us-east-1");
        let of = |power, state: Option<&str>| confirm(&scope, power, state.map(str::to_owned).as_ref());
        assert!(of(Power::Stopped, Some("stopping")).is_ok());
        assert!(of(Power::Hibernated, Some("stopped")).is_ok());
        assert!(of(Power::Running, Some("pending")).is_ok());
        for (state, words) in
            [(None, "does not name"), (Some("running"), "is running"), (Some("terminated"), "is terminated")]
        {
            let error = of(Power::Stopped, state).unwrap_err();
            assert!(error.to_string().contains(words) && error.hint().is_some(), "{error}");
        }
    }
}
