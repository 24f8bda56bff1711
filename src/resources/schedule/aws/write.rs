//! Writing schedules, one a call.

use uuid::Uuid;

use super::convert::parts;
use crate::aws::{Aws, AwsError, ErrorClass, Operation};
use crate::model::{Address, Scope};
use crate::plan::{Change, Verb};
use crate::resources::Step;
use crate::resources::schedule::Schedule;
use crate::resources::schedule::names::parse_key;
use crate::resources::waiting::until_role_is_known;

/// The call that carries out a step.
pub(super) fn operation(step: &Step) -> &'static Operation {
    match step {
        Step::Remove(_) => Operation::DELETE_SCHEDULE,
        Step::Write(change) if matches!(change.verb, Verb::Update | Verb::Adopt) => {
            Operation::UPDATE_SCHEDULE
        }
        Step::Write(_) => Operation::CREATE_SCHEDULE,
    }
}

/// Carries out a batch; one result for each step, in order.
pub(super) async fn carry_out(aws: &Aws, tell: Tell<'_>, batch: &[Step]) -> Vec<Result<(), AwsError>> {
    let mut results = Vec::with_capacity(batch.len());
    for step in batch {
        results.push(one(aws, tell, step).await);
    }
    results
}

/// Hears how far a schedule is.
type Tell<'a> = &'a (dyn Fn(&Address, &str) + Sync);

/// What Scheduler says of a role that it cannot take on, which one that was made a moment ago looks like.
const UNKNOWN_ROLE: &str = "must allow AWS EventBridge Scheduler to assume the role";

/// What the names of roles begin with that opsform makes. Somebody else's was there before, so it is not waited for.
const OUR_ROLES: &str = ":role/opsform-";

async fn one(aws: &Aws, tell: Tell<'_>, step: &Step) -> Result<(), AwsError> {
    let address = step.address();
    let Some(place) = parse_key(&address.key) else {
        return Err(unfit(step, format!("{:?} is not the key of a schedule", address.key)));
    };
    match step {
        Step::Remove(_) => remove(aws, &address.scope, place).await,
        Step::Write(change) => {
            let schedule = wanted(change).map_err(|why| unfit(step, why))?;
            let what = format!(
                "{} must be there, and its trust policy must let scheduler.amazonaws.com take it on (sts:AssumeRole)",
                schedule.role_arn
            );
            if !schedule.role_arn.contains(OUR_ROLES) {
                return write(aws, step, place, &schedule).await;
            }
            let is_refused: fn(&AwsError) -> bool = |error| error.message.contains(UNKNOWN_ROLE);
            let told = |what: &str| tell(address, what);
            until_role_is_known(aws, is_refused, &told, &what, || write(aws, step, place, &schedule)).await
        }
    }
}

async fn write(aws: &Aws, step: &Step, place: (&str, &str), schedule: &Schedule) -> Result<(), AwsError> {
    if operation(step) == Operation::UPDATE_SCHEDULE {
        match update(aws, step, place, schedule).await {
            // Gone since the plan was made: what is gone may be written.
            Err(error) if error.class == ErrorClass::NotFound => {}
            result => return result,
        }
    }
    create(aws, step, place, schedule).await
}

fn wanted(change: &Change) -> Result<Schedule, String> {
    let fields = change.after.clone().unwrap_or_default();
    Schedule::from_fields(&fields)
        .map_err(|error| format!("the plan's fields do not make a schedule: {error}"))
}

fn unfit(step: &Step, message: String) -> AwsError {
    AwsError::unfit(operation(step), &step.address().scope, "not a schedule", message)
}

async fn create(
    aws: &Aws,
    step: &Step,
    (group, name): (&str, &str),
    schedule: &Schedule,
) -> Result<(), AwsError> {
    let scope = &step.address().scope;
    let clients = aws.clients(scope);
    let parts = parts(schedule, aws.now()).map_err(|error| unfit(step, error.to_string()))?;
    // The same for all tries of this call, so that one whose answer was lost is not refused the second time; and another
    // one for each step, because nobody says how long AWS remembers a token after a schedule was deleted.
    let token = Uuid::new_v4().to_string();
    aws.call(scope, Operation::CREATE_SCHEDULE, || {
        let request = clients.scheduler.create_schedule().group_name(group).name(name).client_token(&token);
        request
            .schedule_expression(&schedule.expression)
            .schedule_expression_timezone(&schedule.timezone)
            .set_description(schedule.description.clone())
            .set_start_date(parts.start)
            .set_end_date(parts.end)
            .state(parts.state.clone())
            .target(parts.target.clone())
            .flexible_time_window(parts.window.clone())
            .action_after_completion(parts.after.clone())
            .send()
    })
    .await
    .map(drop)
}

/// Replaces the whole schedule: what a request leaves out gets its default (`UpdateSchedule` in the API reference).
async fn update(
    aws: &Aws,
    step: &Step,
    (group, name): (&str, &str),
    schedule: &Schedule,
) -> Result<(), AwsError> {
    let scope = &step.address().scope;
    let clients = aws.clients(scope);
    let parts = parts(schedule, aws.now()).map_err(|error| unfit(step, error.to_string()))?;
    aws.call(scope, Operation::UPDATE_SCHEDULE, || {
        let request = clients.scheduler.update_schedule().group_name(group).name(name);
        request
            .schedule_expression(&schedule.expression)
            .schedule_expression_timezone(&schedule.timezone)
            .set_description(schedule.description.clone())
            .set_start_date(parts.start)
            .set_end_date(parts.end)
            .state(parts.state.clone())
            .target(parts.target.clone())
            .flexible_time_window(parts.window.clone())
            .action_after_completion(parts.after.clone())
            .send()
    })
    .await
    .map(drop)
}

async fn remove(aws: &Aws, scope: &Scope, (group, name): (&str, &str)) -> Result<(), AwsError> {
    let clients = aws.clients(scope);
    let result = aws
        .call(scope, Operation::DELETE_SCHEDULE, || {
            clients.scheduler.delete_schedule().group_name(group).name(name).send()
        })
        .await;
    match result {
        Err(error) if error.class == ErrorClass::NotFound => Ok(()),
        result => result.map(drop),
    }
}
