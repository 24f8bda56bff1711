//! Waiting until what was started runs, and what was stopped is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::Result;

use super::failure::Exit;
use super::output::Output;
use super::session::{Session, failures};
use crate::aws::all;
use crate::declarations::PowerAction;
use crate::inventory::{Standing, TargetKind, standings};
use crate::model::{Scope, TargetRef};
use crate::render::{clean, count_of, duration_words};

/// The pause before the first look; each one is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// So many looks may show an instance stopped that AWS has begun to start: what describes lags behind what starts.
const LAGGING_LOOKS: u32 = 4;

/// What is waited with.
pub(super) struct Awaited<'a> {
    pub(super) session: &'a Session,
    pub(super) output: &'a Output,
    pub(super) action: PowerAction,
    pub(super) timeout: Duration,
}

/// What is waited for, by where and what it is.
type Waiting = BTreeMap<(Scope, TargetKind), BTreeMap<String, Awaiting>>;

/// One target that is waited for.
struct Awaiting {
    target: TargetRef,
    /// Whether it was seen on its way.
    under_way: bool,
}

/// What a look at a target shows.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    There,
    OnItsWay,
    NotYet,
    Failed(String),
}

/// Waits. Ends well where all of it came to be, with [`Exit::Partial`] where not, and with [`Exit::Stopped`] after a signal.
pub(super) async fn wait(awaited: &Awaited<'_>, targets: Vec<(Scope, TargetRef)>) -> Result<Exit> {
    let aws = &awaited.session.aws;
    let mut waiting = Waiting::new();
    for (scope, target) in targets {
        if let Some(kind) = TargetKind::from_name(&target.kind) {
            let (id, one) = (target.id.clone(), Awaiting { target, under_way: false });
            waiting.entry((scope, kind)).or_default().insert(id, one);
        }
    }
    let (start, all_of_it) = (Instant::now(), count(&waiting));
    let (mut pause, mut looks, mut failed) = (FIRST_PAUSE, 0, Vec::new());
    while !waiting.is_empty() {
        let left = awaited.timeout.saturating_sub(start.elapsed());
        if left.is_zero() {
            let names = waiting.values().flat_map(BTreeMap::values).map(|one| one.target.words());
            let still =
                if awaited.action == PowerAction::Start { "does not run yet" } else { "is not stopped yet" };
            failed.extend(names.map(|name| format!("{name} {still}")));
            break;
        }
        // Half of a pause is chance, so that many runs do not ask at once.
        let this = pause.mul_f64(0.75 + fastrand::f64() / 2.0).min(left);
        tokio::select! {
            () = aws.stop().cancelled() => {
                awaited.output.problem(&format!("not waited for: {}", targets_words(count(&waiting))));
                return Ok(Exit::Stopped);
            }
            () = tokio::time::sleep(this) => {}
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
        looks += 1;
        look(awaited, &mut waiting, looks, &mut failed).await?;
    }
    report(awaited, all_of_it, &failed, start.elapsed())?;
    Ok(if failed.is_empty() { Exit::Done } else { Exit::Partial })
}

fn count(waiting: &Waiting) -> usize {
    waiting.values().map(BTreeMap::len).sum()
}

fn targets_words(count: usize) -> String {
    count_of(count, "target", "targets")
}

/// Looks at all that is waited for, and lets go of what has come to its end.
async fn look(
    awaited: &Awaited<'_>,
    waiting: &mut Waiting,
    looks: u32,
    failed: &mut Vec<String>,
) -> Result<()> {
    let aws = &awaited.session.aws;
    let answers = waiting.iter().map(|((scope, kind), ids)| async move {
        let ids: BTreeSet<String> = ids.keys().cloned().collect();
        standings(aws, scope, *kind, &ids).await.map(|found| ((scope.clone(), *kind), found))
    });
    for (key, found) in all(answers).await.map_err(failures)? {
        let Some(ids) = waiting.get_mut(&key) else { continue };
        ids.retain(|id, one| {
            let late = one.under_way || looks >= LAGGING_LOOKS;
            match seen(key.1, awaited.action, found.get(id), late) {
                Seen::There => false,
                Seen::OnItsWay => {
                    one.under_way = true;
                    true
                }
                Seen::NotYet => true,
                Seen::Failed(why) => {
                    failed.push(format!("{}: {why}", one.target.words()));
                    false
                }
            }
        });
    }
    waiting.retain(|_, ids| !ids.is_empty());
    Ok(())
}

/// What a look shows; `late` where the target was on its way before, or should be by now.
fn seen(kind: TargetKind, action: PowerAction, standing: Option<&Standing>, late: bool) -> Seen {
    let Some(standing) = standing else { return Seen::Failed("it is gone".to_owned()) };
    let state = &*standing.state;
    let starts = action == PowerAction::Start;
    let there = match (kind, starts) {
        (_, false) => "stopped",
        (TargetKind::Ec2 | TargetKind::Ebs, true) => "running",
        (TargetKind::Rds | TargetKind::RdsCluster, true) => "available",
    };
    let goes_back = if starts { ["stopping", "stopped"] } else { ["running", "available"] };
    match state {
        _ if state == there => Seen::There,
        "terminated" | "shutting-down" | "deleting" | "failed" | "storage-full" => {
            Seen::Failed(format!("it is {state}"))
        }
        _ if state.starts_with("incompatible-") || state.starts_with("inaccessible-") => {
            Seen::Failed(format!("it is {state}"))
        }
        _ if starts && goes_back.contains(&state) && late => Seen::Failed(fell_back(standing)),
        _ if goes_back.contains(&state) => Seen::NotYet,
        _ => Seen::OnItsWay,
    }
}

/// Why an instance that was to start is stopped again ("Troubleshoot instance launch issues" in the EC2 user guide).
fn fell_back(standing: &Standing) -> String {
    let Some(reason) = &standing.reason else { return format!("it is {} again", standing.state) };
    let of_a_key = if reason.starts_with("Client.InternalError") {
        "; where its volumes are encrypted, the caller needs kms:CreateGrant for their key"
    } else {
        ""
    };
    format!("it is {} again: {reason}{of_a_key}", standing.state)
}

fn report(awaited: &Awaited<'_>, all_of_it: usize, failed: &[String], elapsed: Duration) -> Result<()> {
    const NAMED: usize = 20;
    let good = all_of_it - failed.len();
    let done = if awaited.action == PowerAction::Start { "running" } else { "stopped" };
    let time = duration_words(elapsed);
    if failed.is_empty() {
        return awaited.output.print(&format!("{} {done} after {time}.", targets_words(good)));
    }
    let head = format!("{} {done} and {} not after {time}:", targets_words(good), failed.len());
    let named = failed.iter().take(NAMED).map(|line| format!("! {}", clean(line)));
    let more = failed.len().saturating_sub(NAMED);
    let rest = (more > 0).then(|| format!("  … {more} more"));
    let lines: Vec<String> = std::iter::once(head).chain(named).chain(rest).collect();
    awaited.output.print(&lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(state: &str, reason: Option<&str>) -> Standing {
        Standing { state: state.to_owned(), reason: reason.map(str::to_owned) }
    }

    #[test]
    fn a_start_ends_where_it_runs_or_falls_back() {
        let of = |kind, state: &str, late| seen(kind, PowerAction::Start, Some(&standing(state, None)), late);
        assert_eq!(of(TargetKind::Ec2, "running", false), Seen::There);
        assert_eq!(of(TargetKind::Ec2, "pending", false), Seen::OnItsWay);
        assert_eq!(of(TargetKind::Ec2, "stopped", false), Seen::NotYet);
        assert_eq!(of(TargetKind::Ec2, "stopped", true), Seen::Failed("it is stopped again".to_owned()));
        assert_eq!(of(TargetKind::Ec2, "terminated", false), Seen::Failed("it is terminated".to_owned()));
        assert_eq!(of(TargetKind::Rds, "available", false), Seen::There);
        assert_eq!(of(TargetKind::Rds, "configuring-enhanced-monitoring", true), Seen::OnItsWay);
        let key = "inaccessible-encryption-credentials";
        assert_eq!(of(TargetKind::RdsCluster, key, false), Seen::Failed(format!("it is {key}")));
        let denied = standing("stopped", Some("Client.InternalError: Client error on launch"));
        let Seen::Failed(why) = seen(TargetKind::Ec2, PowerAction::Start, Some(&denied), true) else {
            panic!("it did not fail")
        };
        assert!(why.contains("Client error on launch") && why.contains("kms:CreateGrant"), "{why}");
        assert_eq!(
            seen(TargetKind::Rds, PowerAction::Start, None, false),
            Seen::Failed("it is gone".to_owned())
        );
    }

    #[test]
    fn a_stop_ends_where_it_is_stopped() {
        let of = |kind, state: &str| seen(kind, PowerAction::Stop, Some(&standing(state, None)), true);
        assert_eq!(of(TargetKind::Ec2, "stopped"), Seen::There);
        assert_eq!(of(TargetKind::Ec2, "stopping"), Seen::OnItsWay);
        assert_eq!(of(TargetKind::Ec2, "running"), Seen::NotYet);
        assert_eq!(of(TargetKind::RdsCluster, "available"), Seen::NotYet);
        assert_eq!(of(TargetKind::Rds, "stopped"), Seen::There);
    }
}
