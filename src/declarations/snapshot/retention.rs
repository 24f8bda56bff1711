//! Which snapshots of a volume are surplus.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::manifest::Seconds;
use crate::model::{Actual, Ownership};
use crate::resources::snapshot::{Progress, Snapshot};

/// A few runs may be missed before a person has to say that as much may be deleted.
const LATELY: SignedDuration = SignedDuration::from_hours(3 * 24);

/// So many generations of a volume are few, however few stay.
const FEW: usize = 3;

/// A snapshot that was found on AWS, with its id.
#[derive(Clone, Copy, Debug)]
pub(super) struct Generation<'a> {
    /// The snapshot as it was found.
    pub(super) live: &'a Actual,
    /// When it was begun.
    pub(super) taken: Timestamp,
}

/// Whose snapshots are generations.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner<'a> {
    /// The value of the tag `opsform:project`.
    pub(super) project: &'a str,
    /// The value of the tag `opsform:label`.
    pub(super) label: &'a str,
}

/// What is kept of a volume's generations.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keep {
    /// So many; 0 for all.
    pub(super) count: Option<u32>,
    /// Those that are no older.
    pub(super) age: Option<Seconds>,
}

/// A snapshot that is to go, and why.
#[derive(Clone, Debug)]
pub(super) struct Surplus<'a> {
    pub(super) live: &'a Actual,
    /// `generation 8 of 7, taken 2026-11-12`.
    pub(super) why: String,
    /// Whether it is what a rule that goes on as before has too many of.
    pub(super) usual: bool,
    /// The ids of the generations that make it surplus.
    pub(super) relies_on: Vec<String>,
}

impl Owner<'_> {
    /// Whether both tags of a snapshot name this declaration.
    pub(super) fn has(&self, live: &Actual) -> bool {
        matches!(&live.ownership, Ownership::Project { name, label: Some(label) }
            if name == self.project && label == self.label)
    }

    /// Of a volume's snapshots the generations, newest first: completed ones that this declaration had made and nobody else
    /// needs.
    pub(super) fn generations<'a>(&self, snapshots: &[&'a Actual]) -> Vec<Generation<'a>> {
        let mut generations: Vec<Generation<'a>> = snapshots
            .iter()
            .filter(|live| self.has(live) && live.inexpressible.is_none())
            .filter_map(|&live| {
                let snapshot = Snapshot::from_fields(&live.fields)?;
                let counts = snapshot.progress == Progress::Completed && snapshot.hold.is_none();
                counts.then_some(Generation { live, taken: snapshot.taken })
            })
            .collect();
        // Two of the same instant have an order, so that every run chooses the same.
        generations.sort_by(|a, b| (b.taken, &b.live.address.key).cmp(&(a.taken, &a.live.address.key)));
        generations
    }
}

impl Keep {
    /// Which generations, given newest first, are surplus. With a count and an age only what is beyond both; with an age alone
    /// the newest stays however old it is.
    pub(super) fn surplus<'a>(
        &self,
        generations: &[Generation<'a>],
        now: Timestamp,
        timezone: &TimeZone,
    ) -> Vec<Surplus<'a>> {
        let kept = match self.count {
            Some(0) => return Vec::new(),
            Some(count) => usize::try_from(count).unwrap_or(usize::MAX),
            None if self.age.is_some() => 1,
            None => return Vec::new(),
        };
        let staying: Vec<String> =
            generations.iter().take(kept).map(|generation| generation.live.address.key.clone()).collect();
        let old = |generation: &Generation<'_>| {
            self.age.is_none_or(|age| now.duration_since(generation.taken).as_secs() > i64::from(age.0))
        };
        let numbered = generations.iter().enumerate().skip(kept).filter(|(_, generation)| old(generation));
        let mut surplus: Vec<Surplus<'a>> = numbered
            .map(|(index, generation)| {
                let taken = generation.taken.to_zoned(timezone.clone()).date();
                let why = match (self.count, self.age) {
                    (Some(count), None) => format!("generation {} of {count}, taken {taken}", index + 1),
                    (Some(count), Some(age)) => {
                        format!(
                            "generation {} of {count}, taken {taken}, more than {} ago",
                            index + 1,
                            words(age)
                        )
                    }
                    (None, age) => {
                        format!("taken {taken}, more than {} ago", words(age.unwrap_or(Seconds(0))))
                    }
                };
                Surplus { live: generation.live, why, usual: false, relies_on: staying.clone() }
            })
            .collect();
        let usual = turnover(generations, generations.len() - surplus.len(), now);
        surplus.iter_mut().take(usual).for_each(|surplus| surplus.usual = true);
        surplus
    }
}

/// How many generations of a volume are surplus because time goes on: as many as were taken lately, one at least (a rule may
/// run once a month). It is no more than stay, so that a smaller `keep` of a rule that runs every hour does not pass for it.
fn turnover(generations: &[Generation<'_>], stay: usize, now: Timestamp) -> usize {
    let lately = |generation: &&Generation<'_>| now.duration_since(generation.taken) <= LATELY;
    generations.iter().filter(lately).count().clamp(1, stay.max(FEW))
}

/// Of a volume that is gone all generations, when the last of its snapshots is older than this. That one counts in whatever
/// state it is, and while one is being made nothing goes.
pub(super) fn of_gone_volume<'a>(
    owner: Owner<'_>,
    snapshots: &[&'a Actual],
    after: Seconds,
    now: Timestamp,
    timezone: &TimeZone,
) -> Vec<Surplus<'a>> {
    let all: Option<Vec<Snapshot>> =
        snapshots.iter().map(|live| Snapshot::from_fields(&live.fields)).collect();
    let all = all.unwrap_or_default();
    let unfinished = all.iter().any(|one| matches!(one.progress, Progress::Pending | Progress::Other));
    let Some(newest) = all.iter().map(|one| one.taken).max().filter(|_| !unfinished) else {
        return Vec::new();
    };
    if now.duration_since(newest).as_secs() <= i64::from(after.0) {
        return Vec::new();
    }
    let generations = owner.generations(snapshots);
    let last = newest.to_zoned(timezone.clone()).date();
    let why =
        format!("its volume is gone, and the last snapshot was taken {last}, more than {} ago", words(after));
    let surplus = |generation: &Generation<'a>| Surplus {
        live: generation.live,
        why: why.clone(),
        usual: false,
        relies_on: Vec::new(),
    };
    generations.iter().map(surplus).collect()
}

/// `30d`, `12h`, `90s`: as it may be written in the manifest.
pub(super) fn words(Seconds(seconds): Seconds) -> String {
    for (unit, length) in [('d', 86_400), ('h', 3_600), ('m', 60)] {
        if seconds > 0 && seconds.is_multiple_of(length) {
            return format!("{}{unit}", seconds / length);
        }
    }
    format!("{seconds}s")
}

#[cfg(test)]
#[path = "retention_tests.rs"]
mod tests;
