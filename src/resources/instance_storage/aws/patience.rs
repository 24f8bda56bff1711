//! How long something is borne. In time and not in looks: how often is looked depends on the others of a batch.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::resources::instance_storage::decide::Step;
use crate::resources::instance_storage::world::{Instance, Power};

/// Until AWS shows what it says that it made. Its lists lag by seconds, rarely by a minute.
pub(super) const SHOWN_WITHIN: Duration = Duration::from_mins(1);

/// For how long an instance and its volumes may contradict each other.
pub(super) const AGREES_WITHIN: Duration = Duration::from_mins(10);

/// For how long AWS may refuse calls because the world is another one, or not carry out what it took.
pub(super) const HEALS_WITHIN: Duration = Duration::from_mins(10);

/// For how long a started instance may be shown as it was before.
const STARTS_WITHIN: Duration = Duration::from_mins(3);

/// For how long a started instance that was seen on its way is shown stopped, until that is believed: an old answer may come late.
const FALLEN_AFTER: Duration = Duration::from_secs(4);

/// The pause before a call is made again.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// When something is told again that is still waited for.
const TOLD_AFTER: Duration = Duration::from_mins(5);
const TOLD_AFTER_POINTS: u32 = 10;

/// What must not last.
#[derive(Debug, Default)]
pub(super) struct Lasting {
    since: Option<Instant>,
}

impl Lasting {
    /// It is so, and has been for longer than this.
    pub(super) fn longer_than(&mut self, limit: Duration) -> bool {
        self.since.get_or_insert_with(Instant::now).elapsed() > limit
    }

    /// It is no longer so.
    pub(super) fn over(&mut self) {
        self.since = None;
    }
}

/// What is tried again and again, more and more rarely.
#[derive(Debug)]
pub(super) struct Tries {
    first: Instant,
    last: Instant,
    pause: Duration,
}

impl Tries {
    fn new() -> Self {
        let now = Instant::now();
        Self { first: now, last: now, pause: FIRST_PAUSE }
    }

    /// Another try, after which to wait longer.
    fn again(&mut self) {
        // What comes back after a long time is something new.
        if self.last.elapsed() > HEALS_WITHIN {
            *self = Self::new();
            return;
        }
        self.last = Instant::now();
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    /// Whether it is too early for the next try.
    pub(super) fn rests(&self) -> bool {
        self.last.elapsed() < self.pause
    }

    fn lasts(&self) -> bool {
        self.first.elapsed() > HEALS_WITHIN && self.last.elapsed() <= HEALS_WITHIN
    }
}

/// Calls that AWS refused because the world is another one.
#[derive(Debug, Default)]
pub(super) struct Surprises {
    tries: Option<Tries>,
}

impl Surprises {
    /// One more; whether that has gone on for too long.
    pub(super) fn one_more(&mut self) -> bool {
        if let Some(tries) = &mut self.tries {
            tries.again();
            return tries.lasts();
        }
        self.tries = Some(Tries::new());
        false
    }

    /// Whether it is too early to go on.
    pub(super) fn rests(&self) -> bool {
        self.tries.as_ref().is_some_and(Tries::rests)
    }
}

/// Calls that AWS took. Whoever decides the same once more sees an old answer, or somebody undoes it.
#[derive(Debug, Default)]
pub(super) struct Taken {
    steps: Vec<(Step, Tries)>,
}

/// Steps, as far as they may be taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Timely {
    /// These may be taken now; the rest later.
    Now(Vec<Step>),
    /// This one was taken again and again, to no effect.
    InVain(Step),
}

impl Taken {
    /// AWS took a step.
    pub(super) fn note(&mut self, step: &Step) {
        // These are counted by themselves.
        if matches!(step, Step::LookAtKey { .. } | Step::CreateSet { .. } | Step::Start) {
            return;
        }
        match self.steps.iter_mut().find(|(known, _)| known == step) {
            Some((_, tries)) => tries.again(),
            None => self.steps.push((step.clone(), Tries::new())),
        }
    }

    /// Leaves out what it is too early for.
    pub(super) fn timely(&self, steps: Vec<Step>) -> Timely {
        let tries = |step: &Step| self.steps.iter().find(|(known, _)| known == step).map(|(_, tries)| tries);
        if let Some(step) = steps.iter().find(|step| tries(step).is_some_and(Tries::lasts)) {
            return Timely::InVain(step.clone());
        }
        Timely::Now(steps.into_iter().filter(|step| !tries(step).is_some_and(Tries::rests)).collect())
    }
}

/// What was last told to be waited for, and how far that was.
#[derive(Debug, Default)]
pub(super) struct Told {
    what: String,
    percents: Vec<u32>,
    at: Option<Instant>,
}

impl Told {
    /// Whether to tell it: something else than before, further by ten points, or after a while.
    pub(super) fn is_new(&mut self, words: &str) -> bool {
        let is_percent = |word: &&str| word.contains('%');
        let what: String = words.split_inclusive([';', ' ']).filter(|word| !is_percent(word)).collect();
        let percents: Vec<u32> = words
            .split([';', ' '])
            .filter(is_percent)
            .filter_map(|word| word.trim_matches(|c: char| !c.is_ascii_digit()).parse().ok())
            .collect();
        let further = percents.iter().zip(&self.percents).any(|(now, then)| *now >= then + TOLD_AFTER_POINTS);
        let long_ago = self.at.is_none_or(|at| at.elapsed() >= TOLD_AFTER);
        if what == self.what && !further && !long_ago {
            return false;
        }
        *self = Self { what, percents, at: Some(Instant::now()) };
        true
    }
}

/// A start that AWS took.
#[derive(Debug)]
pub(super) struct Start {
    at: Instant,
    /// The time of the last start before it.
    before: Timestamp,
    was_up: bool,
    stopped: Lasting,
}

impl Start {
    pub(super) fn new(before: Timestamp) -> Self {
        Self { at: Instant::now(), before, was_up: false, stopped: Lasting::default() }
    }

    /// Whether the instance fell back: a start without the right to use a volume's key succeeds, and comes to nothing.
    pub(super) fn fell_back(&mut self, instance: &Instance) -> bool {
        self.was_up |= instance.power != Power::Stopped || instance.started != self.before;
        if instance.power != Power::Stopped {
            self.stopped.over();
            return false;
        }
        let stopped = self.stopped.longer_than(FALLEN_AFTER);
        (self.was_up && stopped) || self.at.elapsed() > STARTS_WITHIN
    }
}

#[cfg(test)]
#[path = "patience_tests.rs"]
mod tests;
