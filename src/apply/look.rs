//! A last look at what a plan is about to touch: hours may pass between a plan and the last of its calls.
//!
//! AWS has no conditional write of an alarm, so an instant is left between the look and the call.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::Apply;
use super::steps::{Batch, Wave};
use crate::aws::{Aws, AwsError};
use crate::model::{Actual, Address, Fields, Ownership, Scope};
use crate::plan::{Change, Plan, Staleness, Tagged, Verb};
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
    /// What is to be removed and is ours by its tags alone is as the plan saw it, and what that relies on is too.
    Tagged,
    /// What is to be changed or removed is as the plan saw it, or as the plan wants it: nothing but its fields says whose a
    /// resource is that is of a shared kind, or that no state records.
    AsSeen,
}

impl Question {
    fn of(step: &Step, shared: bool) -> Self {
        match step {
            Step::Remove(_) if shared => Self::AsSeen,
            // Of what becomes ours by its tags alone nobody may have taken care since.
            Step::Write(change) if (shared || !change.is_recorded()) && change.before.is_some() => {
                Self::AsSeen
            }
            Step::Remove(change) if change.tagged().is_some() => Self::Tagged,
            Step::Remove(_) => Self::Ours,
            Step::Write(change) => match change.verb {
                Verb::Update => Self::Ours,
                Verb::Adopt => Self::Free,
                _ => Self::Absent,
            },
        }
    }
}

/// A resource that is looked at.
struct Asked {
    key: String,
    before: Option<Fields>,
    after: Option<Fields>,
    /// Of what is ours by its tags alone: what it was.
    tagged: Option<Tagged>,
    /// What has to stay, so that it may go.
    relies_on: Vec<Address>,
}

impl Asked {
    fn of(step: &Step) -> Self {
        let after = match step {
            Step::Write(change) => change.after.clone(),
            Step::Remove(_) => None,
        };
        Self {
            key: step.key().to_owned(),
            before: step.before().cloned(),
            after,
            tagged: step.change().tagged(),
            relies_on: step.change().relies_on().collect(),
        }
    }

    fn request(&self) -> KeyRequest<'_> {
        let (desired, last_written) = (self.after.as_ref(), self.before.as_ref());
        KeyRequest { desired, last_written, ..KeyRequest::default() }
    }
}

/// One look at up to [`TOGETHER`] resources of a kind and scope; made when the first of their steps is about to be sent.
struct Look {
    question: Question,
    kind: &'static dyn Kind,
    scope: Scope,
    asked: Vec<Asked>,
    /// Why single resources must be left alone, by key.
    objections: OnceCell<Result<BTreeMap<String, String>, AwsError>>,
}

/// Held by whoever looks before a call.
type Turn = Arc<tokio::sync::Mutex<()>>;

/// The looks at everything that a wave touches.
pub(super) struct Looks {
    looks: BTreeMap<Address, Arc<Look>>,
    /// Whose batch is looked at and sent next, by scope and operation.
    turns: Mutex<HashMap<(Scope, &'static str), Turn>>,
}

impl Looks {
    /// Plans the looks of a wave. What is shared is looked at batch by batch, because anybody may change it at any time.
    pub(super) fn of(wave: &Wave) -> Self {
        let mut groups: BTreeMap<_, (&'static dyn Kind, Vec<&Step>)> = BTreeMap::new();
        for (index, batch) in wave.iter().enumerate() {
            let text = batch.kind.text();
            for step in &batch.steps {
                let alone = text.shared.then_some(index);
                let group = (&batch.scope, text.kind, Question::of(step, text.shared), alone);
                groups.entry(group).or_insert((batch.kind, Vec::new())).1.push(step);
            }
        }
        let mut looks = BTreeMap::new();
        for ((scope, _, question, _), (kind, steps)) in groups {
            for together in steps.chunks(TOGETHER) {
                let asked = together.iter().map(|step| Asked::of(step)).collect();
                let objections = OnceCell::new();
                let look = Arc::new(Look { question, kind, scope: scope.clone(), asked, objections });
                looks.extend(together.iter().map(|step| (step.address().clone(), look.clone())));
            }
        }
        Self { looks, turns: Mutex::default() }
    }

    /// Looks at the steps of a batch, and says of each why it must not be sent, if so.
    ///
    /// What is shared is looked at when its call may be sent at once, and not while it waits for its rate.
    pub(super) async fn objections(&self, run: &Apply<'_>, batch: &Batch) -> Vec<Option<AwsError>> {
        let first = batch.steps.first().filter(|_| batch.kind.text().shared);
        let operation = first.map(|step| batch.kind.pacing_operation(step));
        let turn = operation.map(|operation| self.turn(&batch.scope, operation.iam_action));
        let _mine = match (&turn, operation) {
            (Some(turn), Some(operation)) => {
                let mine = turn.lock().await;
                run.aws.ready(&batch.scope, operation).await;
                Some(mine)
            }
            _ => None,
        };
        let mut objections = Vec::with_capacity(batch.steps.len());
        for step in &batch.steps {
            objections.push(self.objection(run, batch, step).await);
        }
        objections
    }

    fn turn(&self, scope: &Scope, operation: &'static str) -> Turn {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.entry((scope.clone(), operation)).or_default().clone()
    }

    /// Why a step must not be sent, if so: it is no longer about what the plan saw, or that cannot be found out.
    async fn objection(&self, run: &Apply<'_>, batch: &Batch, step: &Step) -> Option<AwsError> {
        match self.looks.get(step.address())?.objections(run).await {
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
        self.objections.get_or_init(|| self.make(run.aws, run.plan)).await
    }

    async fn make(&self, aws: &Aws, plan: &Plan) -> Result<BTreeMap<String, String>, AwsError> {
        let need = match self.question {
            Question::Absent => {
                let keys = self.asked.iter().map(|asked| (&*asked.key, KeyRequest::default())).collect();
                let there = self.kind.read(aws, &self.scope, &ReadRequest { keys, now: aws.now() }).await?;
                let why = "somebody made it since the plan was made";
                return Ok(there.into_iter().map(|live| (live.address.key, why.to_owned())).collect());
            }
            Question::AsSeen => return self.changed(aws).await,
            Question::Tagged => return self.of_tagged(aws, plan).await,
            Question::Ours => OwnershipNeed::Certain,
            Question::Free => OwnershipNeed::Index,
        };
        let keys: Vec<&str> = self.asked.iter().map(|asked| &*asked.key).collect();
        let owners = self.kind.owners(aws, &self.scope, &keys, need).await?;
        let objections = owners.into_iter().filter_map(|(key, owner)| {
            let why = objection(&owner, &plan.project, self.question)?;
            Some((key, why))
        });
        Ok(objections.collect())
    }

    /// What no longer is what the plan saw, or relies on what no longer is. What is gone may be removed.
    async fn of_tagged(&self, aws: &Aws, plan: &Plan) -> Result<BTreeMap<String, String>, AwsError> {
        let needed: BTreeSet<&Address> = self.asked.iter().flat_map(|asked| &asked.relies_on).collect();
        let stays =
            needed.iter().map(|address| (&*address.key, KeyRequest { stays: true, ..KeyRequest::default() }));
        let goes = self.asked.iter().map(|asked| (&*asked.key, asked.request()));
        let request = ReadRequest { keys: stays.chain(goes).collect(), now: aws.now() };
        let live = self.kind.read(aws, &self.scope, &request).await?;
        let live: BTreeMap<Address, Actual> =
            live.into_iter().map(|live| (live.address.clone(), live)).collect();
        let adopted = plan.changes.iter().filter_map(Change::adopted);
        let kept: BTreeMap<Address, Tagged> =
            plan.relied_on.iter().cloned().chain(adopted).map(|kept| (kept.address.clone(), kept)).collect();
        let stays = |address: &&Address| {
            let kept = kept.get(*address).zip(live.get(*address));
            kept.is_some_and(|(kept, live)| kept.is_kept(live, &plan.project))
        };
        let missing: BTreeSet<&Address> = needed.into_iter().filter(|address| !stays(address)).collect();
        let objections = self.asked.iter().filter_map(|asked| {
            let tagged = asked.tagged.as_ref()?;
            let change = tagged.change_since(live.get(&tagged.address)?, &plan.project);
            let lost = || {
                let lost = asked.relies_on.iter().find(|address| missing.contains(*address))?;
                Some(format!("{}, which was to stay, is gone or changed since the plan was made", lost.key))
            };
            Some((asked.key.clone(), change.as_ref().map(in_words).or_else(lost)?))
        });
        Ok(objections.collect())
    }

    /// What somebody changed since the plan was made, unless they did what is to be done.
    async fn changed(&self, aws: &Aws) -> Result<BTreeMap<String, String>, AwsError> {
        let keys = self.asked.iter().map(|asked| (&*asked.key, asked.request())).collect();
        let there = self.kind.read(aws, &self.scope, &ReadRequest { keys, now: aws.now() }).await?;
        let there: BTreeMap<&str, &Fields> =
            there.iter().map(|live| (&*live.address.key, &live.fields)).collect();
        let objections = self.asked.iter().filter_map(|asked| {
            let live = there.get(&*asked.key).copied();
            let why = match live {
                _ if live == asked.before.as_ref() || live == asked.after.as_ref() => return None,
                Some(_) => "somebody changed it since the plan was made",
                None => "it is gone since the plan was made",
            };
            Some((asked.key.clone(), why.to_owned()))
        });
        Ok(objections.collect())
    }
}

/// What became of something that is ours by its tags alone.
fn in_words(change: &Staleness) -> String {
    match change {
        Staleness::Owner(Some(project)) => {
            format!("project {project:?} took it over since the plan was made")
        }
        Staleness::Owner(None) => "it no longer bears this project's tag since the plan was made".to_owned(),
        Staleness::Label(Some(label)) => {
            format!("it became another declaration's, {label:?}, since the plan was made")
        }
        Staleness::Label(None) => "it lost the tag with its declaration since the plan was made".to_owned(),
        Staleness::Needed(what) => format!("it is needed by {what} since the plan was made"),
        Staleness::Changed(fields) => {
            format!("somebody changed it since the plan was made ({})", fields.join(", "))
        }
        _ => "somebody changed it since the plan was made".to_owned(),
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
