//! Writing rules: the rule first, then its targets, so that whatever fails half-way leaves a rule that bears our tags and differs
//! from the plan in its targets, which the next plan shows and finishes.

use std::fmt::Write as _;
use std::time::Duration;

use aws_sdk_eventbridge::types::Target;
use futures::FutureExt;
use futures::future::BoxFuture;

use super::convert::{own_tags, state, target};
use super::read::targets;
use crate::aws::{Aws, AwsError, ErrorClass, Operation};
use crate::model::{Fields, Scope};
use crate::plan::{Change, Verb};
use crate::resources::Step;
use crate::resources::event_rule::{EventRule, MAX_TARGETS, When, rule_arn};

/// The most targets that `PutTargets` and `RemoveTargets` take (their API references).
const TARGETS_A_CALL: usize = 10;

/// Tries of targets that AWS left out of a call that it carried out otherwise, as when many rules are changed at once.
const TRIES: u32 = 4;

/// The pause between them grows by this.
const PAUSE: Duration = Duration::from_millis(250);

/// Carries out a batch; one result for each step, in order.
pub(super) async fn carry_out(aws: &Aws, project: &str, batch: &[Step]) -> Vec<Result<(), AwsError>> {
    let mut results = Vec::with_capacity(batch.len());
    for step in batch {
        let address = step.address();
        results.push(match step {
            Step::Write(change) => write(aws, project, change).await,
            Step::Remove(_) => remove(aws, &address.scope, &address.key, step.before()).await,
        });
    }
    results
}

async fn write(aws: &Aws, project: &str, change: &Change) -> Result<(), AwsError> {
    let (scope, name) = (&change.address.scope, &*change.address.key);
    let unfit = |code: &str, why: String| AwsError::unfit(Operation::PUT_RULE, scope, code, why);
    let spec = |fields: Option<&Fields>| EventRule::from_fields(fields.unwrap_or(&Fields::new()));
    let rule = spec(change.after.as_ref())
        .map_err(|error| unfit("not a rule", format!("the plan's fields do not make a rule: {error}")))?;
    if rule.targets.len() > MAX_TARGETS {
        let why =
            format!("a rule has up to {MAX_TARGETS} targets, and {name} would have {}", rule.targets.len());
        return Err(unfit("too many targets", why));
    }
    let wanted: Result<Vec<Target>, _> = rule.targets.iter().map(target).collect();
    let wanted = wanted.map_err(|error| unfit("not a target", error.to_string()))?;
    // What cannot be read there is an adoption of something that is not refused for it.
    let before = change.before.as_ref().and_then(|fields| spec(Some(fields)).ok());
    let ids = rule.target_ids();
    let there = before.as_ref().map(EventRule::target_ids).unwrap_or_default();
    let superfluous: Vec<String> = there.difference(&ids).map(|&id| id.to_owned()).collect();
    let changed: Vec<Target> = wanted
        .into_iter()
        .zip(&rule.targets)
        .filter(|(_, spec)| before.as_ref().is_none_or(|before| !before.targets.contains(spec)))
        .map(|(target, _)| target)
        .collect();
    // A rule is claimed before it is changed: if the next call fails, it is ours as it was, not theirs changed.
    if matches!(change.verb, Verb::Update | Verb::Adopt) {
        claim(aws, project, change).await?;
    }
    put_rule(aws, project, change, &rule).await?;
    let targets = async {
        // The new ones come before the old ones go, where there is room for both.
        if ids.union(&there).count() <= MAX_TARGETS {
            put_targets(aws, scope, name, changed).await?;
            remove_targets(aws, scope, name, superfluous).await
        } else {
            remove_targets(aws, scope, name, superfluous).await?;
            put_targets(aws, scope, name, changed).await
        }
    };
    targets.await.map_err(|error| error.half_done("the rule is there, its targets are not as planned"))
}

/// Gives a rule that exists its tags: AWS ignores those of a `PutRule` then.
async fn claim(aws: &Aws, project: &str, change: &Change) -> Result<(), AwsError> {
    let scope = &change.address.scope;
    let clients = aws.clients(scope);
    let arn = rule_arn(scope, &change.address.key);
    let tags = own_tags(project, change);
    let result = aws
        .call(scope, Operation::TAG_RULE, || {
            clients.eventbridge.tag_resource().resource_arn(&arn).set_tags(Some(tags.clone())).send()
        })
        .await;
    match result {
        // Gone since the plan was made: what is gone may be written.
        Err(error) if error.class == ErrorClass::NotFound => Ok(()),
        result => result.map(drop),
    }
}

/// Replaces the whole rule but its targets: what a request leaves out is removed (`PutRule` in the API reference).
async fn put_rule(aws: &Aws, project: &str, change: &Change, rule: &EventRule) -> Result<(), AwsError> {
    let (scope, name) = (&change.address.scope, &*change.address.key);
    let clients = aws.clients(scope);
    let tags = own_tags(project, change);
    let (expression, pattern) = match &rule.when {
        When::Expression(expression) => (Some(expression.clone()), None),
        When::Pattern(pattern) => (None, Some(pattern.to_string())),
    };
    aws.call(scope, Operation::PUT_RULE, || {
        let request = clients.eventbridge.put_rule().name(name);
        let request = request.set_schedule_expression(expression.clone()).set_event_pattern(pattern.clone());
        let request = request.set_description(rule.description.clone()).state(state(rule));
        request.set_tags(Some(tags.clone())).send()
    })
    .await
    .map(drop)
    .map_err(|error| {
        over_limit(error, "an event bus holds 300 rules, in some regions 100, unless AWS raised it")
    })
}

/// Says which quota it is: AWS's message names none.
fn over_limit(mut error: AwsError, quota: &str) -> AwsError {
    if error.code == "LimitExceededException" {
        error.message = format!("{quota} ({})", error.message);
    }
    error
}

/// What AWS said of one target of a call that it carried out otherwise.
struct Failed {
    id: Option<String>,
    code: String,
    message: String,
}

impl Failed {
    fn of(entry: (Option<&str>, Option<&str>, Option<&str>)) -> Self {
        let text = |part: Option<&str>| part.unwrap_or("?").to_owned();
        Self { id: entry.0.map(str::to_owned), code: text(entry.1), message: text(entry.2) }
    }

    fn name(&self) -> &str {
        self.id.as_deref().unwrap_or("?")
    }
}

/// Sends things of a rule, so many a call, and those that failed once more, where that may help. Where AWS does not say which it
/// was, all of them are sent again.
async fn in_calls<'a, T: Clone>(
    (scope, operation, rule): (&Scope, &'static Operation, &str),
    mut left: Vec<T>,
    id: fn(&T) -> &str,
    send: impl Fn(Vec<T>) -> BoxFuture<'a, Result<Vec<Failed>, AwsError>>,
) -> Result<(), AwsError> {
    for tries in 1.. {
        let mut failed: Vec<Failed> = Vec::new();
        for some in left.chunks(TARGETS_A_CALL) {
            failed.extend(send(some.to_vec()).await?);
        }
        if failed.is_empty() {
            break;
        }
        after_failures(scope, operation, rule, &failed, tries).await?;
        let named = |one: &T| failed.iter().any(|failed| failed.id.as_deref() == Some(id(one)));
        let known = failed.iter().all(|failed| left.iter().any(|one| failed.id.as_deref() == Some(id(one))));
        left.retain(|one| !known || named(one));
    }
    Ok(())
}

async fn put_targets(aws: &Aws, scope: &Scope, rule: &str, targets: Vec<Target>) -> Result<(), AwsError> {
    let put = |some: Vec<Target>| {
        async move {
            let clients = aws.clients(scope);
            let answer = aws
                .call(scope, Operation::PUT_TARGETS, || {
                    clients.eventbridge.put_targets().rule(rule).set_targets(Some(some.clone())).send()
                })
                .await
                .map_err(|error| over_limit(error, "a rule has up to 5 targets"))?;
            let entries = answer.failed_entries().iter();
            let entries = entries.map(|one| (one.target_id(), one.error_code(), one.error_message()));
            Ok(entries.map(Failed::of).collect())
        }
        .boxed()
    };
    in_calls((scope, Operation::PUT_TARGETS, rule), targets, Target::id, put).await
}

async fn remove_targets(aws: &Aws, scope: &Scope, rule: &str, ids: Vec<String>) -> Result<(), AwsError> {
    let remove = |some: Vec<String>| {
        async move {
            let clients = aws.clients(scope);
            let answer = aws
                .call(scope, Operation::REMOVE_TARGETS, || {
                    clients.eventbridge.remove_targets().rule(rule).set_ids(Some(some.clone())).send()
                })
                .await?;
            let entries = answer.failed_entries().iter();
            let entries = entries.map(|one| (one.target_id(), one.error_code(), one.error_message()));
            Ok(entries.map(Failed::of).collect())
        }
        .boxed()
    };
    in_calls((scope, Operation::REMOVE_TARGETS, rule), ids, String::as_str, remove).await
}

/// Waits before another try where that may help, else says which target failed and why.
async fn after_failures(
    scope: &Scope,
    operation: &'static Operation,
    rule: &str,
    failed: &[Failed],
    tries: u32,
) -> Result<(), AwsError> {
    let Some(first) = failed.first() else { return Ok(()) };
    let mut message = format!("target {} of rule {rule}: {}", first.name(), first.message);
    for one in &failed[1..] {
        let _ = write!(message, "; target {}: {} ({})", one.name(), one.message, one.code);
    }
    let error = AwsError::of_entry(operation, scope, &first.code, message);
    if tries >= TRIES || !error.is_worth_another_try() {
        return Err(error);
    }
    tokio::time::sleep(PAUSE * tries).await;
    Ok(())
}

/// Deletes a rule, for which it must have no targets. Those that the plan did not see are somebody's who needs the rule.
async fn remove(aws: &Aws, scope: &Scope, name: &str, before: Option<&Fields>) -> Result<(), AwsError> {
    let Some(live) = targets(aws, scope, name).await? else { return Ok(()) };
    let ids: Vec<String> = live.into_iter().map(|target| target.id).collect();
    let seen = before.and_then(|fields| EventRule::from_fields(fields).ok());
    if let Some(seen) = seen {
        let known = seen.target_ids();
        let new: Vec<&str> = ids.iter().map(String::as_str).filter(|id| !known.contains(id)).collect();
        if !new.is_empty() {
            let why =
                format!("somebody gave {name} more targets since the plan was made: {}", new.join(", "));
            return Err(AwsError::overtaken(Operation::DELETE_RULE, scope, why));
        }
    }
    match remove_targets(aws, scope, name, ids).await {
        Err(error) if error.class == ErrorClass::NotFound => return Ok(()),
        result => result?,
    }
    let clients = aws.clients(scope);
    // Without `Force`: what another service manages is not ours to delete.
    let result =
        aws.call(scope, Operation::DELETE_RULE, || clients.eventbridge.delete_rule().name(name).send()).await;
    match result {
        Err(error) if error.class == ErrorClass::NotFound => Ok(()),
        result => result.map(drop),
    }
}
