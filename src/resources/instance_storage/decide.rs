//! What is to be done next with an instance's storage. A pure function of what AWS shows, so that whoever comes by,
//! after whatever accident, goes on from there.
//!
//! Three rules hold at every step:
//! - A volume is deleted only while a completed snapshot of it, younger than the instance's last start, is part of a whole set.
//! - A snapshot is deleted only while its volume is there, or is in its place again.
//! - The root volume goes first and comes back last. While it is off the instance cannot be started, so nobody can write to
//!   what was snapshot; while it is on, nothing is half done.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::park::park;
use super::record::Record;
use super::restore::restore;
use super::world::{Instance, Power, World};

/// What is wanted of an instance's storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Goal {
    /// Whether it is to be parked, or to run.
    pub parked: bool,
    /// Whether the snapshots stay when the instance runs again.
    pub keep_snapshots: bool,
}

/// What this run knows besides what AWS shows.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    /// The time of the instance's last start at this run's first look.
    pub first_start: Option<Timestamp>,
    /// The volumes that it took off the instance, and that were nowhere else since.
    pub detached: BTreeSet<String>,
    /// How many sets it began.
    pub sets_begun: usize,
    /// How often it started the instance.
    pub starts: usize,
    /// Whether the instance ran, or should have long ago, after this run had started it, and is stopped.
    pub fell_back: bool,
    /// How many volumes it made of a snapshot.
    pub volumes_made: BTreeMap<String, usize>,
    /// The KMS keys that it looked at just now; of one that cannot be used, why.
    pub keys: BTreeMap<String, Option<String>>,
    /// Snapshots that AWS does not delete, because an image has them or a lock holds them.
    pub undeletable: BTreeSet<String>,
}

impl Memory {
    /// Takes note of a look.
    pub(super) fn see(&mut self, world: &World) {
        self.first_start.get_or_insert(world.instance.started);
        for volume in world.volumes.iter().filter(|one| one.elsewhere(&world.instance.id).is_some()) {
            self.detached.remove(&volume.id);
        }
    }

    /// Whether the instance was started since this run's first look.
    pub(super) fn saw_start(&self, instance: &Instance) -> bool {
        self.first_start.is_some_and(|first| first < instance.started)
    }

    /// Takes note of a call that AWS took; of a key that was looked at, with what is wrong with it.
    pub(super) fn note(&mut self, step: &Step, key_fault: Option<String>) {
        match step {
            Step::CreateSet { .. } => self.sets_begun += 1,
            Step::Start => self.starts += 1,
            Step::CreateVolume { snapshot, .. } => {
                *self.volumes_made.entry(snapshot.clone()).or_default() += 1;
            }
            Step::LookAtKey { key } => {
                self.keys.insert(key.clone(), key_fault);
            }
            // The next delete may be hours away.
            Step::Detach { volume } => {
                self.keys.clear();
                self.detached.insert(volume.clone());
            }
            Step::Attach { volume, .. } => {
                self.detached.remove(volume);
            }
            _ => {}
        }
    }

    /// Time passes: what was seen of keys is no longer sure.
    pub(super) fn wait(&mut self) {
        self.keys.clear();
    }
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Stop the instance.
    Stop,
    /// Find out whether a KMS key can be used.
    LookAtKey {
        /// Its ARN.
        key: String,
    },
    /// Take snapshots of all volumes at one instant.
    CreateSet {
        /// How many volumes.
        set_size: usize,
        /// The last start of the stopped instance.
        started: Timestamp,
    },
    /// Write down what a volume is.
    Record {
        /// Its snapshot.
        snapshot: String,
        /// What it is.
        record: Box<Record>,
    },
    /// Delete a snapshot.
    DeleteSnapshot {
        /// Which.
        snapshot: String,
    },
    /// Take a volume off the instance.
    Detach {
        /// Which.
        volume: String,
    },
    /// Delete a volume.
    DeleteVolume {
        /// Which.
        volume: String,
    },
    /// Make a volume of a snapshot.
    CreateVolume {
        /// The snapshot.
        snapshot: String,
        /// The set.
        set: String,
        /// How many this run made of the snapshot before: another attempt is another call to AWS.
        attempt: usize,
        /// As what.
        record: Box<Record>,
    },
    /// Attach a volume to the instance.
    Attach {
        /// Which.
        volume: String,
        /// As what.
        device: String,
        /// At which EBS card.
        card: Option<i32>,
    },
    /// Say whether a volume goes with the instance.
    SetFlag {
        /// Its device.
        device: String,
        /// Whether it does.
        delete_on_termination: bool,
    },
    /// Give a restored volume tags that it lost.
    Tag {
        /// The volume.
        volume: String,
        /// The tags.
        tags: BTreeMap<String, String>,
    },
    /// Start the instance.
    Start,
    /// Take the mark off restored volumes.
    Unmark {
        /// Which.
        volumes: Vec<String>,
    },
    /// Let snapshots be, as ordinary ones that no longer belong to a parked instance.
    Release {
        /// Which.
        snapshots: Vec<String>,
    },
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// These calls, in any order or side by side; then look again.
    Act(Vec<Step>),
    /// Look again later: AWS is at work. In words, for what is waited.
    Wait(String),
    /// It is as wanted.
    Done,
    /// A person has to look; in words.
    Stuck(String),
}

/// Decides what to do next.
pub(super) fn decide(world: &World, goal: &Goal, memory: &Memory) -> Verdict {
    if world.instance.power == Power::Gone {
        return Verdict::Stuck(
            "the instance is terminated; its parking snapshots stay as they are".to_owned(),
        );
    }
    if goal.parked { park(world, memory) } else { restore(world, goal, memory) }
}

/// What is to be done at once, what is waited for, and what hinders, of several volumes.
#[derive(Default)]
pub(super) struct Work {
    pub(super) steps: Vec<Step>,
    pub(super) waits: BTreeSet<String>,
    pub(super) hindrances: BTreeSet<String>,
}

impl Work {
    /// The verdict, where there is anything: first what can be done, then what has to be waited for, then what hinders.
    pub(super) fn verdict(self) -> Option<Verdict> {
        let words = |all: BTreeSet<String>| all.into_iter().collect::<Vec<_>>().join("; ");
        if !self.steps.is_empty() {
            Some(Verdict::Act(self.steps))
        } else if !self.waits.is_empty() {
            Some(Verdict::Wait(words(self.waits)))
        } else if !self.hindrances.is_empty() {
            Some(Verdict::Stuck(words(self.hindrances)))
        } else {
            None
        }
    }

    /// Whether there is nothing to do, to wait for, or in the way.
    pub(super) fn is_done(&self) -> bool {
        self.steps.is_empty() && self.waits.is_empty() && self.hindrances.is_empty()
    }

    /// The verdict where something hinders that no call and no waiting mends.
    pub(super) fn obstacle(&self) -> Option<Verdict> {
        let words = || self.hindrances.iter().cloned().collect::<Vec<_>>().join("; ");
        (!self.hindrances.is_empty()).then(|| Verdict::Stuck(words()))
    }

    pub(super) fn step(&mut self, step: Step) {
        self.steps.push(step);
    }

    pub(super) fn wait(&mut self, words: impl Into<String>) {
        self.waits.insert(words.into());
    }

    pub(super) fn hinder(&mut self, words: impl Into<String>) {
        self.hindrances.insert(words.into());
    }
}
