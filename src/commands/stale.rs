//! Whether what a person agreed to is still what would happen.

use anyhow::Result;

use super::failure::{Exit, Failure};
use super::reading::{Requests, read_resources};
use super::session::Session;
use crate::plan::{Plan, StaleObject, Staleness};
use crate::render::quoted;
use crate::resources::KeyRequest;

/// How many objects a refusal names.
const MOST_NAMED: usize = 10;

/// Reads what the plan touches once more and refuses, naming object and field, if it changed since.
///
/// Time passes while a person reads a plan; what they agreed to must still be what happens.
pub(super) async fn refuse_if_stale(session: &Session, plan: &Plan) -> Result<()> {
    let mut requests = Requests::new();
    for (address, before) in plan.touched() {
        let key = KeyRequest { last_written: before, ..KeyRequest::default() };
        let scope_and_kind = (address.scope.clone(), address.kind.clone());
        let request = requests.entry(scope_and_kind).or_default();
        request.keys.insert(&address.key, key);
    }
    let stale = plan.stale(&read_resources(session, &requests).await?);
    if stale.is_empty() {
        return Ok(());
    }
    Err(stale_failure(&stale, "run the command again to see the plan as it is now").into())
}

/// The refusal of a plan that the world overtook: exit code 5, with objects and fields.
pub(super) fn stale_failure(stale: &[StaleObject], hint: &str) -> Failure {
    let mut named: Vec<String> = stale.iter().take(MOST_NAMED).map(in_words).collect();
    if stale.len() > MOST_NAMED {
        named.push(format!("and {} more", stale.len() - MOST_NAMED));
    }
    let words = format!("since the plan was made, {}; nothing was applied", named.join("; "));
    Failure::new(words, hint).exit(Exit::Stale)
}

fn in_words(stale: &StaleObject) -> String {
    let name = quoted(&stale.address.key);
    match &stale.what {
        Staleness::Created => format!("{name} was created"),
        Staleness::Deleted => format!("{name} was deleted"),
        Staleness::Changed(fields) => format!("{name} was changed ({})", fields.join(", ")),
        Staleness::Owner(Some(project)) => format!("{name} became another project's, {}", quoted(project)),
        Staleness::Owner(None) => format!("{name} is no longer this project's"),
        Staleness::Protected => format!("{name} was protected"),
    }
}
