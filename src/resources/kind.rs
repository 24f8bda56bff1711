//! What every kind of resource can do.

use std::collections::{BTreeMap, BTreeSet};

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;

use crate::aws::{Aws, AwsError, Operation};
use crate::model::{Actual, Address, Fields, KindText, Ownership, Scope};
use crate::plan::{Change, Outlook};
use crate::prices::Estimates;

/// Of what it is asked what carrying it out takes and means.
#[derive(Clone, Copy, Debug)]
pub struct OutlookQuestion<'a> {
    /// The project's name.
    pub project: &'a str,
    /// The changes, all in one scope.
    pub changes: &'a [&'a Change],
    /// What it costs or saves is told by these.
    pub estimates: &'a Estimates,
}

/// A kind of resource: how it is read from AWS and how one change to it is carried out.
///
/// A new kind is one folder with one implementation of this trait, and one line in [`super::KINDS`].
pub trait Kind: Send + Sync {
    /// Its words.
    fn text(&self) -> KindText;

    /// Creates run up the phases, deletes run down.
    fn phase(&self) -> u8;

    /// What it may call, for the IAM policy.
    fn operations(&self) -> Operations;

    /// What changes resources that somebody names on the command line (`power`), for the IAM policy of that command.
    fn operations_by_hand(&self) -> &'static [&'static Operation] {
        &[]
    }

    /// The resources that a policy names, as the ends of ARNs: `cloudwatch:REGION:ACCOUNT:alarm:*`.
    fn policy_resources(&self, account: &str, region: &str) -> Vec<String>;

    /// Those instead where a declaration gives its resources other names than `opsform-…`.
    fn policy_resources_of_any_name(&self, account: &str, region: &str) -> Vec<String> {
        self.policy_resources(account, region)
    }

    /// What single operations need besides: each that is about a second resource, with that resource.
    fn policy_resources_besides(&self, _account: &str, _region: &str) -> Vec<(&'static Operation, String)> {
        Vec::new()
    }

    /// Whether what it removes bears the project's tag, so that a policy can ask for it.
    fn removes_what_is_tagged(&self) -> bool {
        false
    }

    /// Reads the resources with these keys; those that AWS does not know are left out.
    fn read<'a>(
        &'a self,
        aws: &'a Aws,
        scope: &'a Scope,
        request: &'a ReadRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<Actual>, AwsError>>;

    /// The owners of existing resources; those that turn out to be gone are left out. Asked before what the state records
    /// is changed or deleted, because it may have been made anew by somebody else since.
    fn owners<'a>(
        &'a self,
        aws: &'a Aws,
        scope: &'a Scope,
        keys: &'a [&'a str],
        need: OwnershipNeed,
    ) -> BoxFuture<'a, Result<BTreeMap<String, Ownership>, AwsError>>;

    /// Finds every resource in the scope whose tags name the project.
    fn find_owned<'a>(
        &'a self,
        aws: &'a Aws,
        scope: &'a Scope,
        project: &'a str,
    ) -> BoxFuture<'a, Result<Vec<Actual>, AwsError>>;

    /// Everything of the project in the scope that is the project's by its tags alone: made by what opsform made, and never
    /// recorded in the state.
    fn find_tagged<'a>(
        &'a self,
        _aws: &'a Aws,
        _scope: &'a Scope,
        _project: &'a str,
    ) -> BoxFuture<'a, Result<Vec<Actual>, AwsError>> {
        futures::future::ready(Ok(Vec::new())).boxed()
    }

    /// Kind and key of what a resource is in, which has to be there first: a schedule's group.
    fn container(&self, _key: &str) -> Option<(&'static str, String)> {
        None
    }

    /// Whether an update takes from a resource what others of the same declaration may have been given: it waits for them,
    /// like a removal.
    fn cuts_back(&self, _before: &Fields, _after: &Fields) -> bool {
        false
    }

    /// Without what a resource with these fields does harm, so that it is written after that, and left out where that was not.
    fn reliance(&self, _fields: &Fields) -> Reliance {
        Reliance::None
    }

    /// What a resource acts on when it is its time, by id; empty for what only is.
    fn acts_on(&self, _fields: &Fields) -> BTreeSet<String> {
        BTreeSet::new()
    }

    /// Whether two resources are parts of one whole, so that one may be given what is taken from the other.
    fn are_parts(&self, _one: &Fields, _other: &Fields) -> bool {
        false
    }

    /// What the fields that a plan was made with say at a later time.
    fn at(&self, fields: &Fields, _now: Timestamp) -> Fields {
        fields.clone()
    }

    /// Why a resource cannot be deleted, although it is ours and everything in `going` is deleted before it.
    fn held_by<'a>(
        &'a self,
        _aws: &'a Aws,
        _project: &'a str,
        _address: &'a Address,
        _going: &'a BTreeSet<&'a Address>,
    ) -> BoxFuture<'a, Result<Option<String>, AwsError>> {
        futures::future::ready(Ok(None)).boxed()
    }

    /// What there is of these targets without a tag: what opsform made may have made it, and cannot tag it.
    fn find_untagged<'a>(
        &'a self,
        _aws: &'a Aws,
        _scope: &'a Scope,
        _targets: &'a BTreeSet<String>,
    ) -> BoxFuture<'a, Result<Vec<Actual>, AwsError>> {
        futures::future::ready(Ok(Vec::new())).boxed()
    }

    /// Whether a resource with these fields has done all that it will ever do, so that it is neither made nor changed any more.
    fn is_over(&self, _fields: &Fields, _now: Timestamp) -> bool {
        false
    }

    /// How many steps like this one go into one call.
    fn batch_size(&self, step: &Step) -> usize;

    /// What steps that go into one call have in common, besides their scope.
    fn alike(&self, _step: &Step) -> String {
        String::new()
    }

    /// The operation whose rate decides how long steps like this one take, for the time left.
    fn pacing_operation(&self, step: &Step) -> &'static Operation;

    /// What carrying out these changes, all in one scope, takes and means, where that is more than one write; by key.
    fn outlook<'a>(
        &'a self,
        _aws: &'a Aws,
        _scope: &'a Scope,
        _question: OutlookQuestion<'a>,
    ) -> BoxFuture<'a, Result<BTreeMap<String, Outlook>, AwsError>> {
        futures::future::ready(Ok(BTreeMap::new())).boxed()
    }

    /// Carries out a batch like [`Kind::carry_out`], and tells how far it is where that takes long.
    fn carry_out_telling<'a>(
        &'a self,
        course: &'a Course<'a>,
        batch: &'a [Step],
    ) -> BoxFuture<'a, Vec<Result<(), AwsError>>> {
        self.carry_out(course.aws, course.project, batch)
    }

    /// Carries out a batch of steps of one sort and one scope; one result for each, in order.
    ///
    /// Repeating a step that has been carried out already succeeds.
    fn carry_out<'a>(
        &'a self,
        aws: &'a Aws,
        project: &'a str,
        batch: &'a [Step],
    ) -> BoxFuture<'a, Vec<Result<(), AwsError>>>;
}

/// What must have been written for a resource to do no harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reliance {
    /// Nothing else.
    None,
    /// What else acts on the same ([`Kind::acts_on`]): the start of what is stopped.
    SameTargets,
    /// Everything that its declaration wants: the stops of those whose alarms are muted.
    Declaration,
}

/// How a batch is carried out that may take hours.
pub struct Course<'a> {
    /// The way to AWS.
    pub aws: &'a Aws,
    /// The project's name.
    pub project: &'a str,
    /// Whether to wait for what takes AWS hours. What is not waited for ends as [`crate::aws::ErrorClass::Unfinished`].
    pub wait: bool,
    /// Told of each step on a resource's way.
    pub tell: &'a (dyn Fn(&Address, &str) + Sync),
}

/// The operations of a kind.
#[derive(Clone, Copy, Debug)]
pub struct Operations {
    /// Reads of many, which a policy allows on `*` only: either they take no resource, or, as `DescribeAlarms` for both
    /// sorts of alarm, no other than that ("Actions, resources, and condition keys" of the services).
    pub read: &'static [&'static Operation],
    /// Reads of one resource, which a policy names, wherever the project owns something.
    pub read_one: &'static [&'static Operation],
    /// What makes and changes resources, in the manifest's regions.
    pub write: &'static [&'static Operation],
    /// What removes them, also in regions that were taken out of the manifest.
    pub remove: &'static [&'static Operation],
}

/// What to read of a kind in one scope.
#[derive(Clone, Debug, Default)]
pub struct ReadRequest<'a> {
    /// The keys, each with what is known of it.
    pub keys: BTreeMap<&'a str, KeyRequest<'a>>,
    /// The time by which something has begun or is over, and so in its normal form; at its default nothing has and is.
    pub now: Timestamp,
}

/// What is known of a resource before it is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyRequest<'a> {
    /// What the manifest asks for.
    pub desired: Option<&'a Fields>,
    /// What was last written, where the state records it or an apply was about to write it.
    pub last_written: Option<&'a Fields>,
    /// How the owner must be known.
    pub ownership: OwnershipNeed,
    /// Whether it only has to stay as it is: nothing is asked that matters to whoever changes or removes it.
    pub stays: bool,
}

/// How well the owner of a resource must be known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OwnershipNeed {
    /// The state says that it is ours.
    #[default]
    None,
    /// From the tag index, which lags a little behind.
    Index,
    /// From the resource itself, where the index does not say that it is ours: an apply that was cut off may have
    /// made it a moment ago.
    Certain,
}

/// One call's worth of a change.
#[derive(Clone, Debug)]
pub enum Step {
    /// Make the resource as desired: create, update, adopt, the new half of a replace.
    Write(Change),
    /// Remove the resource: delete, the old half of a replace.
    Remove(Change),
}

impl Step {
    /// The change that this step is part of.
    pub fn change(&self) -> &Change {
        match self {
            Self::Write(change) | Self::Remove(change) => change,
        }
    }

    /// The resource that this step is about: of the old half of a replace, the old one.
    pub fn address(&self) -> &Address {
        let change = self.change();
        match (self, &change.replaces) {
            (Self::Remove(_), Some(previous)) => &previous.address,
            _ => &change.address,
        }
    }

    /// The resource's live fields when the plan was made; `None` where it was not there.
    pub fn before(&self) -> Option<&Fields> {
        let change = self.change();
        match (self, &change.replaces) {
            (Self::Remove(_), Some(previous)) => Some(&previous.fields),
            _ => change.before.as_ref(),
        }
    }

    /// Its key.
    pub fn key(&self) -> &str {
        &self.address().key
    }
}
