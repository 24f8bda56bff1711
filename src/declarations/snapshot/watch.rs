//! What is wrong with the snapshots that should be there.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::block::Taker;
use super::{Snapshots, window};
use crate::cron::Expression;
use crate::declarations::Selected;
use crate::declarations::target_problems::listed;
use crate::model::{Actual, Diagnostic, Scope};
use crate::resources::snapshot::{Progress, Snapshot};

/// The declaration's snapshots, by the volume that they were taken of.
pub(super) type Volumes<'a> = BTreeMap<(&'a Scope, &'a str), Vec<&'a Actual>>;

/// A snapshot that is not there so long after its time is late, besides the window in which it is begun.
const LATE: SignedDuration = SignedDuration::from_hours(1);

/// So many times in a row are no accident.
const MISSED: usize = 2;

impl Snapshots {
    /// Warnings about snapshots that failed, that did not come, and that never will.
    pub(super) fn watch(
        &self,
        selected: &[Selected<'_>],
        volumes: &Volumes<'_>,
        now: Timestamp,
    ) -> Vec<Diagnostic> {
        let Ok(expression) = Expression::parse(&self.block.schedule) else { return Vec::new() };
        let zone = if self.block.taker == Taker::Rule { TimeZone::UTC } else { self.block.timezone.clone() };
        let mut warnings = Vec::new();
        if expression.next(now, &zone).next().is_none() {
            let words = format!("`schedule` of {} never fires again", self.label);
            warnings.push(self.warning(words, "its last time has passed: write another one"));
        }
        warnings.extend(self.failed(volumes));
        warnings.extend(self.overdue(selected, volumes, now, &expression, &zone));
        warnings
    }

    fn failed(&self, volumes: &Volumes<'_>) -> Option<Diagnostic> {
        let failed = |live: &&&Actual| {
            Snapshot::from_fields(&live.fields).is_some_and(|one| one.progress == Progress::Failed)
        };
        let of = |((_, volume), snapshots): (&(&Scope, &str), &Vec<&Actual>)| {
            let failed = snapshots.iter().filter(failed).map(|live| &live.address.key);
            failed.map(|id| format!("{id} of {volume}")).collect::<Vec<_>>()
        };
        let failed: Vec<String> = volumes.iter().flat_map(of).collect();
        let words = format!("of {} failed: {}", self.label, listed(&failed, "snapshots"));
        let hint = "they hold nothing, count for nothing, and stay until somebody deletes them; AWS counts them among the few \
                    that a volume may have in progress";
        (!failed.is_empty()).then(|| self.warning(words, hint))
    }

    /// Volumes whose last snapshot, finished or not, is older than it can be. One without any may have got its schedule a moment
    /// ago.
    fn overdue(
        &self,
        selected: &[Selected<'_>],
        volumes: &Volumes<'_>,
        now: Timestamp,
        expression: &Expression,
        zone: &TimeZone,
    ) -> Option<Diagnostic> {
        let minutes = window::minutes(self.block.window, selected.len(), &self.block.schedule);
        let until = now - LATE - SignedDuration::from_mins(i64::from(minutes));
        let mut late = Vec::new();
        for target in selected.iter().map(|selected| selected.target) {
            let snapshots = volumes.get(&(&target.scope, &*target.id)).into_iter().flatten();
            let made = snapshots.filter_map(|live| Snapshot::from_fields(&live.fields));
            let made = made.filter(|one| one.progress != Progress::Failed).map(|one| one.taken);
            let Some(last) = made.max() else { continue };
            let missed = expression.next(last, zone).take_while(|time| time.timestamp() < until);
            if missed.take(MISSED).count() == MISSED {
                let day = last.to_zoned(self.block.timezone.clone()).date();
                late.push(format!("{} since {day}", target.reference().words()));
            }
        }
        let words = format!("{} takes no more snapshots of {}", self.label, listed(&late, "volumes"));
        let remedy = match self.block.taker {
            Taker::Rule => "let some of them be taken at another minute",
            Taker::VolumeSchedule | Taker::InstanceSchedule => "`flexible_window`",
        };
        let hint = format!(
            "each should have had two since, unless it was selected again just now: look whether `role_arn` trusts the \
             service and allows the call, and whether calls were throttled ({remedy})"
        );
        (!late.is_empty()).then(|| self.warning(words, &hint))
    }

    fn warning(&self, words: String, hint: &str) -> Diagnostic {
        Diagnostic::warning(words).at(self.place.clone()).hint(hint)
    }
}
