//! Reading the fleet: all scopes and kinds side by side.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;

use super::query::{ec2_filters, id_filter};
use super::{Fleet, Selector, Target, TargetKind, ebs, ec2, rds};
use crate::aws::{Aws, AwsError};
use crate::model::Scope;

/// Where a target that is no longer in the fleet went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whereabouts {
    /// AWS shows it and it counts.
    Alive,
    /// An instance that AWS still shows, terminated or shutting down.
    Terminated,
    /// AWS knows no such id, or is about to forget it.
    Missing,
}

/// In which state a target is, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The state as AWS words it.
    pub state: String,
    /// Why an instance came into it, where AWS says that: `Client.InternalError: Client error on launch`.
    pub reason: Option<String>,
}

/// EC2 takes 200 values a filter; RDS is asked in the same portions.
const IDS_A_CALL: usize = 200;

/// A part of the fleet that could not be read, and why.
pub type Gap = (Scope, TargetKind, AwsError);

/// Reads every target that any selector may select.
///
/// # Errors
/// Every region that failed: a fleet that is smaller than it should be is never returned.
pub async fn read_fleet(
    aws: &Aws,
    scopes: &[Scope],
    selectors: &[&Selector],
) -> Result<Fleet, Vec<AwsError>> {
    let (fleet, gaps) = read_fleet_with_gaps(aws, scopes, selectors).await;
    if gaps.is_empty() { Ok(fleet) } else { Err(gaps.into_iter().map(|(_, _, error)| error).collect()) }
}

/// Reads every target that any selector may select, and tells what could not be read, in the order of the scopes.
///
/// For reports, which say what they did not see. What is absent from such a fleet may exist: nothing may be planned from
/// it. After [`Aws::stop`] all that was not read yet is a gap, too.
pub async fn read_fleet_with_gaps(aws: &Aws, scopes: &[Scope], selectors: &[&Selector]) -> (Fleet, Vec<Gap>) {
    let kinds: BTreeSet<TargetKind> = selectors.iter().map(|selector| selector.kind).collect();
    let parts = scopes.iter().flat_map(|scope| kinds.iter().map(move |&kind| (scope, kind)));
    let reads = parts.map(|(scope, kind)| async move {
        let of_kind: Vec<&Selector> =
            selectors.iter().copied().filter(|selector| selector.kind == kind).collect();
        let read = read_selected(aws, scope, kind, &of_kind).await;
        read.map_err(|error| (scope.clone(), kind, error))
    });
    let (mut targets, mut gaps) = (Vec::new(), Vec::new());
    for read in join_all(reads).await {
        match read {
            Ok(found) => targets.extend(found),
            Err(gap) => gaps.push(gap),
        }
    }
    (Fleet::new(targets), gaps)
}

/// The targets of one kind in one scope that any of the selectors selects.
async fn read_selected(
    aws: &Aws,
    scope: &Scope,
    kind: TargetKind,
    selectors: &[&Selector],
) -> Result<Vec<Target>, AwsError> {
    let mut targets = match kind {
        TargetKind::Ec2 => ec2::read(aws, scope, &ec2_filters(kind, selectors)).await?,
        TargetKind::Ebs => ebs::read(aws, scope, &ec2_filters(kind, selectors)).await?,
        TargetKind::Rds | TargetKind::RdsCluster => rds::read(aws, scope, kind).await?,
    };
    targets.retain(|target| selectors.iter().any(|selector| selector.matches(target)));
    Ok(targets)
}

/// What became of these targets. Ids that AWS does not know are [`Whereabouts::Missing`].
///
/// # Errors
/// Where AWS does not answer.
pub async fn whereabouts(
    aws: &Aws,
    scope: &Scope,
    kind: TargetKind,
    ids: &BTreeSet<String>,
) -> Result<BTreeMap<String, Whereabouts>, AwsError> {
    let all: Vec<&String> = ids.iter().collect();
    let mut found: BTreeMap<String, Whereabouts> =
        ids.iter().map(|id| (id.clone(), Whereabouts::Missing)).collect();
    for portion in all.chunks(IDS_A_CALL) {
        let ids: BTreeSet<String> = portion.iter().map(|&id| id.clone()).collect();
        let targets = match kind {
            TargetKind::Ec2 => ec2::read(aws, scope, &by_id(kind, ids)).await?,
            TargetKind::Ebs => ebs::read(aws, scope, &by_id(kind, ids)).await?,
            TargetKind::Rds | TargetKind::RdsCluster => rds::find(aws, scope, kind, &ids).await?,
        };
        for target in targets {
            let whereabouts = match (target.is_gone(), kind) {
                (false, _) => Whereabouts::Alive,
                (true, TargetKind::Ec2) => Whereabouts::Terminated,
                (true, _) => Whereabouts::Missing,
            };
            found.insert(target.id, whereabouts);
        }
    }
    Ok(found)
}

/// The states of these targets, also of those that are gone but still shown; ids that AWS does not know are left out.
///
/// # Errors
/// Where AWS does not answer.
pub async fn standings(
    aws: &Aws,
    scope: &Scope,
    kind: TargetKind,
    ids: &BTreeSet<String>,
) -> Result<BTreeMap<String, Standing>, AwsError> {
    let all: Vec<&String> = ids.iter().collect();
    let mut found = BTreeMap::new();
    for portion in all.chunks(IDS_A_CALL) {
        let ids: BTreeSet<String> = portion.iter().map(|&id| id.clone()).collect();
        if kind == TargetKind::Ec2 {
            found.extend(ec2::read_standings(aws, scope, &by_id(kind, ids)).await?);
            continue;
        }
        let targets = match kind {
            TargetKind::Ec2 | TargetKind::Ebs => ebs::read(aws, scope, &by_id(kind, ids)).await?,
            TargetKind::Rds | TargetKind::RdsCluster => rds::find(aws, scope, kind, &ids).await?,
        };
        let standing = |target: Target| (target.id, Standing { state: target.state, reason: None });
        found.extend(targets.into_iter().map(standing));
    }
    Ok(found)
}

fn by_id(kind: TargetKind, ids: BTreeSet<String>) -> BTreeMap<String, BTreeSet<String>> {
    BTreeMap::from([(id_filter(kind).to_owned(), ids)])
}
