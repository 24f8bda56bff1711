//! Reading the fleet: all scopes and kinds side by side.

use std::collections::{BTreeMap, BTreeSet};

use super::query::{ec2_filters, id_filter};
use super::{Fleet, Selector, Target, TargetKind, ebs, ec2, rds};
use crate::aws::{Aws, AwsError, all};
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

/// EC2 takes 200 values a filter; RDS is asked in the same portions.
const IDS_A_CALL: usize = 200;

/// Reads every target that any selector may select.
///
/// # Errors
/// Every region that failed: a fleet that is smaller than it should be is never returned.
pub async fn read_fleet(
    aws: &Aws,
    scopes: &[Scope],
    selectors: &[&Selector],
) -> Result<Fleet, Vec<AwsError>> {
    let kinds: BTreeSet<TargetKind> = selectors.iter().map(|selector| selector.kind).collect();
    let reads = scopes.iter().flat_map(|scope| {
        kinds.iter().map(move |&kind| {
            let of_kind: Vec<&Selector> =
                selectors.iter().copied().filter(|selector| selector.kind == kind).collect();
            async move {
                let targets = match kind {
                    TargetKind::Ec2 => ec2::read(aws, scope, &ec2_filters(kind, &of_kind)).await?,
                    TargetKind::Ebs => ebs::read(aws, scope, &ec2_filters(kind, &of_kind)).await?,
                    TargetKind::Rds | TargetKind::RdsCluster => rds::read(aws, scope, kind).await?,
                };
                Ok(targets
                    .into_iter()
                    .filter(|target| of_kind.iter().any(|selector| selector.matches(target)))
                    .collect())
            }
        })
    });
    let targets: Vec<Vec<Target>> = all(reads).await?;
    Ok(Fleet::new(targets.into_iter().flatten().collect()))
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

fn by_id(kind: TargetKind, ids: BTreeSet<String>) -> BTreeMap<String, BTreeSet<String>> {
    BTreeMap::from([(id_filter(kind).to_owned(), ids)])
}
