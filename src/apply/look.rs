//! A last look at what a plan is about to touch: hours may pass between a plan and the last of its calls.
//!
//! AWS has no conditional write of an alarm, so an instant is left between the look and the call.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::OnceCell;

use super::Apply;
use super::steps::{Batch, Wave};
use crate::aws::{Aws, AwsError};
use crate::model::{Address, Ownership, Scope};
use crate::plan::Verb;
use crate::resources::{KeyRequest, Kind, OwnershipNeed, ReadRequest, Step};

/// How many resources are looked at together: as many as one call takes, and so few that the look is still fresh when
/// the last of them is written.
const TOGETHER: usize = 100;

/// What must still hold before a step is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Question {
    /// What is to be made is not there.
    Absent,
    /// What is to be changed or removed is ours, or gone.
    Ours,
    /// What is to be adopted is no other project's.
    Free,
}

impl Question {
    fn of(step: &Step) -> Self {
        match step {
            Step::Remove(_) => Self::Ours,
            Step::Write(change) => match change.verb {
                Verb::Update => Self::Ours,
                Verb::Adopt => Self::Free,
                _ => Self::Absent,
            },
        }
    }
}

/// One look at up to [`TOGETHER`] resources of a kind and scope; made when the first of their steps is about to be sent.
struct Look {
    question: Question,
    kind: &'static dyn Kind,
    scope: Scope,
    keys: Vec<String>,
    /// Why single resources must be left alone, by key.
    objections: OnceCell<Result<BTreeMap<String, String>, AwsError>>,
}

/// The looks at everything that a wave touches.
pub(super) struct Looks(BTreeMap<Address, Arc<Look>>);

impl Looks {
    /// Plans the looks of a wave.
    pub(super) fn of(wave: &Wave) -> Self {
        let mut groups: BTreeMap<_, (&'static dyn Kind, Vec<&Address>)> = BTreeMap::new();
        for batch in wave {
            for step in &batch.steps {
                let group = (&batch.scope, batch.kind.text().kind, Question::of(step));
                groups.entry(group).or_insert((batch.kind, Vec::new())).1.push(step.address());
            }
        }
        let mut looks = BTreeMap::new();
        for ((scope, _, question), (kind, addresses)) in groups {
            for together in addresses.chunks(TOGETHER) {
                let keys = together.iter().map(|address| address.key.clone()).collect();
                let objections = OnceCell::new();
                let look = Arc::new(Look { question, kind, scope: scope.clone(), keys, objections });
                looks.extend(together.iter().map(|&address| (address.clone(), look.clone())));
            }
        }
        Self(looks)
    }

    /// Why a step must not be sent, if so: it is no longer about what the plan saw, or that cannot be found out.
    pub(super) async fn objection(&self, run: &Apply<'_>, batch: &Batch, step: &Step) -> Option<AwsError> {
        match self.0.get(step.address())?.objections(run).await {
            Err(error) => Some(error.clone()),
            Ok(found) => {
                let why = found.get(step.key())?;
                Some(AwsError::overtaken(batch.kind.pacing_operation(step), &batch.scope, why))
            }
        }
    }
}

impl Look {
    async fn objections(&self, run: &Apply<'_>) -> &Result<BTreeMap<String, String>, AwsError> {
        self.objections.get_or_init(|| self.make(run.aws, &run.plan.project)).await
    }

    async fn make(&self, aws: &Aws, project: &str) -> Result<BTreeMap<String, String>, AwsError> {
        let keys: Vec<&str> = self.keys.iter().map(String::as_str).collect();
        let need = match self.question {
            Question::Absent => {
                let keys = keys.into_iter().map(|key| (key, KeyRequest::default())).collect();
                let there = self.kind.read(aws, &self.scope, &ReadRequest { keys }).await?;
                let why = "somebody made it since the plan was made";
                return Ok(there.into_iter().map(|live| (live.address.key, why.to_owned())).collect());
            }
            Question::Ours => OwnershipNeed::Certain,
            Question::Free => OwnershipNeed::Index,
        };
        let owners = self.kind.owners(aws, &self.scope, &keys, need).await?;
        let objections = owners.into_iter().filter_map(|(key, owner)| {
            let why = objection(&owner, project, self.question)?;
            Some((key, why))
        });
        Ok(objections.collect())
    }
}

fn objection(owner: &Ownership, project: &str, question: Question) -> Option<String> {
    match owner {
        Ownership::Project { name, .. } if name == project => None,
        Ownership::Project { name, .. } => {
            Some(format!("project {name:?} took it over since the plan was made"))
        }
        Ownership::Nobody if question == Question::Ours => {
            Some("it no longer bears this project's tag since the plan was made".to_owned())
        }
        Ownership::Nobody | Ownership::NotRead => None,
    }
}
