//! Statements of functions' policies on AWS.

use std::collections::BTreeMap;

use futures::FutureExt;
use futures::future::{BoxFuture, ready, try_join_all};
use serde_json::{Map, Value};

use super::spec::{KIND, LambdaPermission, TEXT, is_ours, key, parse_key};
use crate::aws::{Aws, AwsError, ErrorClass, Operation};
use crate::model::{Actual, Address, Fields, KindText, Ownership, Scope};
use crate::plan::{Change, Verb};
use crate::resources::{Kind, Operations, OwnershipNeed, ReadRequest, Step, lambda_function};

/// The kind `lambda_permission`.
#[derive(Clone, Copy, Debug)]
pub struct LambdaPermissionKind;

impl Kind for LambdaPermissionKind {
    fn text(&self) -> KindText {
        TEXT
    }

    fn phase(&self) -> u8 {
        // After their functions, and before the rules that they let call.
        25
    }

    fn operations(&self) -> Operations {
        Operations {
            read: &[],
            read_one: &[Operation::GET_FUNCTION_POLICY, Operation::LIST_FUNCTION_TAGS],
            write: &[Operation::ADD_PERMISSION, Operation::REMOVE_PERMISSION],
            remove: &[Operation::REMOVE_PERMISSION],
        }
    }

    fn policy_resources(&self, account: &str, region: &str) -> Vec<String> {
        vec![format!("lambda:{region}:{account}:function:opsform-*")]
    }

    fn policy_resources_of_any_name(&self, account: &str, region: &str) -> Vec<String> {
        vec![format!("lambda:{region}:{account}:function:*")]
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
        aws: &'a Aws,
        scope: &'a Scope,
        keys: &'a [&'a str],
        _need: OwnershipNeed,
    ) -> BoxFuture<'a, Result<BTreeMap<String, Ownership>, AwsError>> {
        owners(aws, scope, keys).boxed()
    }

    fn find_owned<'a>(
        &'a self,
        _aws: &'a Aws,
        _scope: &'a Scope,
        _project: &'a str,
    ) -> BoxFuture<'a, Result<Vec<Actual>, AwsError>> {
        // Found with their functions, which bear the tags.
        ready(Ok(Vec::new())).boxed()
    }

    fn container(&self, key: &str) -> Option<(&'static str, String)> {
        parse_key(key).map(|(function, _)| (lambda_function::KIND, function.to_owned()))
    }

    fn batch_size(&self, _step: &Step) -> usize {
        1
    }

    fn pacing_operation(&self, step: &Step) -> &'static Operation {
        match step {
            Step::Write(_) => Operation::ADD_PERMISSION,
            Step::Remove(_) => Operation::REMOVE_PERMISSION,
        }
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

/// The statements of a function's policy by their ids, one call; none where there is no such function or it has no policy.
async fn statements(aws: &Aws, scope: &Scope, function: &str) -> Result<BTreeMap<String, Value>, AwsError> {
    let clients = aws.clients(scope);
    let ask = || clients.lambda.get_policy().function_name(function).send();
    let answer = match aws.call(scope, Operation::GET_FUNCTION_POLICY, ask).await {
        Err(error) if error.class == ErrorClass::NotFound => return Ok(BTreeMap::new()),
        answer => answer?,
    };
    let unreadable = || {
        let why = format!("the policy of {function} cannot be read");
        AwsError::unfit(Operation::GET_FUNCTION_POLICY, scope, "not a policy", why)
    };
    let policy: Value =
        answer.policy().and_then(|text| serde_json::from_str(text).ok()).ok_or_else(unreadable)?;
    let list = policy["Statement"].as_array().cloned().ok_or_else(unreadable)?;
    let named = list.into_iter().filter_map(|one| Some((one["Sid"].as_str()?.to_owned(), one)));
    Ok(named.collect())
}

fn by_function<'a>(keys: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, Vec<&'a str>> {
    let mut functions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (function, statement) in keys.filter_map(parse_key) {
        functions.entry(function).or_default().push(statement);
    }
    functions
}

async fn read(aws: &Aws, scope: &Scope, request: &ReadRequest<'_>) -> Result<Vec<Actual>, AwsError> {
    let functions = by_function(request.keys.keys().copied());
    let found = functions.into_iter().map(|(function, wanted)| async move {
        let live = statements(aws, scope, function).await?;
        let there: Vec<&str> = wanted.into_iter().filter(|id| live.contains_key(*id)).collect();
        let asks = |id: &str| {
            let known = request.keys.get(&*key(function, id));
            known.is_some_and(|known| known.ownership != OwnershipNeed::None)
        };
        let owner = if there.iter().any(|id| asks(id)) {
            owner(aws, scope, function).await?
        } else {
            Ownership::NotRead
        };
        let actual = |id: &str| {
            let owner = if asks(id) { of_statement(id, &owner) } else { Ownership::NotRead };
            actual(scope, function, id, &live[id], owner)
        };
        Ok(there.into_iter().map(actual).collect::<Vec<_>>())
    });
    Ok(try_join_all(found).await?.into_iter().flatten().collect())
}

fn actual(scope: &Scope, function: &str, id: &str, statement: &Value, ownership: Ownership) -> Actual {
    let (fields, inexpressible) = match from_live(statement) {
        Ok(permission) => (permission.to_fields(), None),
        Err(what) => (Fields::from([("uses".to_owned(), what.clone().into())]), Some(what)),
    };
    let address = Address::new(KIND, scope.clone(), key(function, id));
    Actual { address, fields, ownership, inexpressible }
}

/// The owner of a function; of one that is gone nobody.
async fn owner(aws: &Aws, scope: &Scope, function: &str) -> Result<Ownership, AwsError> {
    Ok(lambda_function::owner(aws, scope, function).await?.unwrap_or(Ownership::Nobody))
}

/// Whose a statement is: the function's owner's where it has an id of ours, else somebody else's.
fn of_statement(id: &str, function: &Ownership) -> Ownership {
    if is_ours(id) { function.clone() } else { Ownership::Nobody }
}

async fn owners(aws: &Aws, scope: &Scope, keys: &[&str]) -> Result<BTreeMap<String, Ownership>, AwsError> {
    let functions = by_function(keys.iter().copied());
    let found = functions.into_iter().map(|(function, ids)| async move {
        let live = statements(aws, scope, function).await?;
        let there: Vec<&str> = ids.into_iter().filter(|id| live.contains_key(*id)).collect();
        if there.is_empty() {
            return Ok(Vec::new());
        }
        let owner = owner(aws, scope, function).await?;
        Ok(there.into_iter().map(|id| (key(function, id), of_statement(id, &owner))).collect())
    });
    Ok(try_join_all(found).await?.into_iter().flatten().collect())
}

/// Our statements of a function with this owner.
pub(in crate::resources) async fn ours_of(
    aws: &Aws,
    scope: &Scope,
    function: &str,
    owner: &Ownership,
) -> Result<Vec<Actual>, AwsError> {
    let live = statements(aws, scope, function).await?;
    let ours = live.iter().filter(|(id, _)| is_ours(id));
    Ok(ours.map(|(id, statement)| actual(scope, function, id, statement, owner.clone())).collect())
}

/// A live statement in normal form, or what makes it inexpressible. Lambda writes conditions as `AWS:SourceArn` with `ArnLike`, and
/// `AWS:SourceAccount` with `StringEquals`.
fn from_live(statement: &Value) -> Result<LambdaPermission, String> {
    let allows = statement["Effect"] == "Allow";
    let principal =
        statement["Principal"]["Service"].as_str().filter(|_| count(&statement["Principal"]) == 1);
    let action = statement["Action"].as_str();
    let (Some(principal), Some(action), true) = (principal, action, allows) else {
        return Err("a statement that is not about one service and one action".to_owned());
    };
    let mut permission = LambdaPermission {
        principal: principal.to_owned(),
        action: action.to_owned(),
        source_arn: None,
        source_account: None,
    };
    let empty = Map::new();
    let conditions = statement["Condition"].as_object().unwrap_or(&empty);
    for (operator, keys) in conditions {
        for (name, value) in keys.as_object().unwrap_or(&empty) {
            let field = match (&**operator, &*name.to_ascii_lowercase()) {
                ("ArnLike", "aws:sourcearn") => &mut permission.source_arn,
                ("StringEquals", "aws:sourceaccount") => &mut permission.source_account,
                _ => return Err(format!("the condition {name}")),
            };
            let value = value.as_str().ok_or_else(|| format!("the condition {name} with several values"))?;
            *field = Some(value.to_owned());
        }
    }
    Ok(permission)
}

fn count(value: &Value) -> usize {
    value.as_object().map_or(0, Map::len)
}

async fn carry_out(aws: &Aws, batch: &[Step]) -> Vec<Result<(), AwsError>> {
    let mut results = Vec::with_capacity(batch.len());
    for step in batch {
        results.push(one(aws, step).await);
    }
    results
}

async fn one(aws: &Aws, step: &Step) -> Result<(), AwsError> {
    let address = step.address();
    let unfit =
        |why: String| AwsError::unfit(Operation::ADD_PERMISSION, &address.scope, "not a permission", why);
    let place = parse_key(&address.key)
        .ok_or_else(|| unfit(format!("{:?} is not the key of a permission", address.key)))?;
    match step {
        Step::Remove(_) => remove(aws, &address.scope, place).await,
        Step::Write(change) => {
            let wanted = wanted(change)
                .map_err(|error| unfit(format!("the plan's fields do not make a permission: {error}")))?;
            if !matches!(change.verb, Verb::Update | Verb::Adopt) {
                return add(aws, &address.scope, place, &wanted).await;
            }
            if change.before == change.after {
                return Ok(());
            }
            remove(aws, &address.scope, place).await?;
            let added = add(aws, &address.scope, place, &wanted).await;
            added.map_err(|error| error.half_done("the statement that was there is removed"))
        }
    }
}

fn wanted(change: &Change) -> Result<LambdaPermission, serde_json::Error> {
    LambdaPermission::from_fields(change.after.as_ref().unwrap_or(&Fields::new()))
}

async fn add(
    aws: &Aws,
    scope: &Scope,
    (function, id): (&str, &str),
    wanted: &LambdaPermission,
) -> Result<(), AwsError> {
    let clients = aws.clients(scope);
    let result = aws
        .call(scope, Operation::ADD_PERMISSION, || {
            let request = clients.lambda.add_permission().function_name(function).statement_id(id);
            request
                .principal(&wanted.principal)
                .action(&wanted.action)
                .set_source_arn(wanted.source_arn.clone())
                .set_source_account(wanted.source_account.clone())
                .send()
        })
        .await;
    match result {
        Err(error) if error.code == "ResourceConflictException" && error.class != ErrorClass::Conflict => {
            // As wanted where an answer was lost and the call was sent again.
            let live = statements(aws, scope, function).await?;
            match live.get(id).map(from_live) {
                Some(Ok(live)) if live == *wanted => Ok(()),
                _ => {
                    let why = "somebody made it since the plan was made";
                    Err(AwsError::overtaken(Operation::ADD_PERMISSION, scope, why))
                }
            }
        }
        result => result.map(drop),
    }
}

async fn remove(aws: &Aws, scope: &Scope, (function, id): (&str, &str)) -> Result<(), AwsError> {
    let clients = aws.clients(scope);
    let ask = || clients.lambda.remove_permission().function_name(function).statement_id(id).send();
    match aws.call(scope, Operation::REMOVE_PERMISSION, ask).await {
        Err(error) if error.class == ErrorClass::NotFound => Ok(()),
        result => result.map(drop),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn live() -> Value {
        json!({"Sid": "opsform-p-1", "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},
            "Action": "lambda:InvokeFunction", "Resource": "arn:function",
            "Condition": {"ArnLike": {"AWS:SourceArn": "arn:rule"}}})
    }

    #[test]
    fn a_statement_is_read_in_normal_form() {
        let rule = LambdaPermission::to_invoke("events.amazonaws.com", "arn:rule");
        assert_eq!(from_live(&live()), Ok(rule.clone()));
        let mut more = live();
        more["Condition"]["StringEquals"] = json!({"AWS:SourceAccount": "111122223333"});
        let account = Some("111122223333".to_owned());
        assert_eq!(from_live(&more), Ok(LambdaPermission { source_account: account, ..rule }));
    }

    #[test]
    fn what_would_be_lost_is_inexpressible() {
        for (path, value) in [
            ("/Principal", json!({"AWS": "arn:aws:iam::111122223333:root"})),
            ("/Principal", json!("*")),
            ("/Principal", json!({"Service": "a", "AWS": "b"})),
            ("/Effect", json!("Deny")),
            ("/Condition/ArnLike", json!({"AWS:SourceArn": ["a", "b"]})),
            ("/Condition", json!({"StringEquals": {"aws:PrincipalOrgID": "o-1"}})),
        ] {
            let mut odd = live();
            *odd.pointer_mut(path).unwrap() = value;
            assert!(from_live(&odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn a_statement_is_ours_by_its_id_and_its_function() {
        let ours = Ownership::Project { name: "p".to_owned(), label: None };
        assert_eq!(of_statement("opsform-p-1", &ours), ours);
        assert_eq!(of_statement("theirs", &ours), Ownership::Nobody);
        assert_eq!(of_statement("opsform-p-1", &Ownership::Nobody), Ownership::Nobody);
    }
}
