//! What the state machine will do if AWS does everything that it is asked for: the steps that a plan shows.

use jiff::SignedDuration;
use jiff::Timestamp;

use super::decide::{Goal, Memory, Step, Verdict, decide};
use super::record::{Attributes, Record};
use super::world::{Attachment, Copied, Hold, Power, Snapshot, Stage, Volume, World};

/// More rounds than any way to a goal takes.
const MOST_ROUNDS: usize = 60;

/// The calls to come.
#[derive(Debug)]
pub(super) struct Forecast {
    /// Each as it was decided, with the world that it was decided in.
    pub(super) steps: Vec<(Step, World)>,
    /// What a person has to do first; nothing where the goal will be reached.
    pub(super) stuck: Option<String>,
}

/// Follows the decisions to their end in a world where every call succeeds at once.
pub(super) fn forecast(world: &World, goal: &Goal) -> Forecast {
    let mut future = Future { world: world.clone(), memory: Memory::default(), made: 0 };
    let mut steps = Vec::new();
    for _ in 0..MOST_ROUNDS {
        match decide(&future.world, goal, &future.memory) {
            Verdict::Done => return Forecast { steps, stuck: None },
            Verdict::Stuck(why) => return Forecast { steps, stuck: Some(why) },
            Verdict::Wait(_) => {
                future.memory.wait();
                future.pass();
            }
            Verdict::Act(round) => {
                let seen = future.world.clone();
                for step in round {
                    future.carry_out(&step);
                    steps.push((step, seen.clone()));
                }
            }
        }
    }
    let what = "what AWS shows of it leads nowhere; please report this with its volumes and snapshots";
    Forecast { steps, stuck: Some(what.to_owned()) }
}

struct Future {
    world: World,
    memory: Memory,
    /// How much was made, for ids and times.
    made: i64,
}

impl Future {
    /// What AWS is at work on comes to its end.
    fn pass(&mut self) {
        let instance = &mut self.world.instance;
        instance.power = match instance.power {
            Power::Pending => Power::Running,
            Power::Stopping => Power::Stopped,
            other => other,
        };
        for snapshot in &mut self.world.snapshots {
            if matches!(snapshot.copied, Copied::Pending(_)) {
                snapshot.copied = Copied::Completed;
            }
        }
        for volume in &mut self.world.volumes {
            volume.attachments.iter_mut().for_each(|attachment| attachment.hold = Hold::Attached);
            volume.stage = match volume.stage {
                Stage::Available | Stage::InUse if !volume.attachments.is_empty() => Stage::InUse,
                Stage::Creating | Stage::InUse => Stage::Available,
                other => other,
            };
        }
    }

    /// A moment after everything that there is.
    fn later(&mut self) -> Timestamp {
        self.made += 10;
        let world = &self.world;
        let attachments = world.volumes.iter().flat_map(|volume| &volume.attachments);
        let moments = attachments.map(|attachment| attachment.since);
        let moments = moments.chain(world.snapshots.iter().map(|snapshot| snapshot.taken));
        let last = moments.chain([world.instance.started]).max().unwrap_or_default();
        last.checked_add(SignedDuration::from_secs(self.made)).unwrap_or(last)
    }

    fn carry_out(&mut self, step: &Step) {
        let now = self.later();
        self.memory.note(step, None);
        match step {
            Step::Stop => self.world.instance.power = Power::Stopped,
            Step::Start => {
                self.world.instance.power = Power::Running;
                self.world.instance.started = now;
            }
            Step::LookAtKey { .. } => {}
            Step::CreateSet { set_size, started } => self.create_set(*set_size, *started, now),
            Step::Record { snapshot, record } => self.snapshot(snapshot, |one| {
                one.record = Ok((**record).clone());
            }),
            Step::DeleteSnapshot { snapshot } => self.forget(std::slice::from_ref(snapshot)),
            Step::Release { snapshots } => self.forget(snapshots),
            Step::Detach { volume } => self.volume(volume, |one| {
                one.attachments.clear();
                one.stage = Stage::Available;
            }),
            Step::DeleteVolume { volume } => self.world.volumes.retain(|one| one.id != *volume),
            Step::CreateVolume { snapshot, set, record, .. } => self.create_volume(snapshot, set, record),
            Step::Attach { volume, device, .. } => self.attach(volume, device, now),
            Step::SetFlag { device, delete_on_termination } => {
                let places = self.world.volumes.iter_mut().flat_map(|volume| &mut volume.attachments);
                for place in places.filter(|place| place.device == *device) {
                    place.delete_on_termination = *delete_on_termination;
                }
            }
            Step::Tag { volume, tags } => self.volume(volume, |one| one.attributes.tags.extend(tags.clone())),
            Step::Unmark { volumes } => {
                for volume in volumes {
                    self.volume(volume, |one| one.mark = None);
                }
            }
        }
    }

    fn volume(&mut self, id: &str, change: impl FnOnce(&mut Volume)) {
        self.world.volumes.iter_mut().find(|volume| volume.id == id).map(change).unwrap_or_default();
    }

    fn snapshot(&mut self, id: &str, change: impl FnOnce(&mut Snapshot)) {
        self.world.snapshots.iter_mut().find(|snapshot| snapshot.id == id).map(change).unwrap_or_default();
    }

    fn forget(&mut self, snapshots: &[String]) {
        self.world.snapshots.retain(|one| !snapshots.contains(&one.id));
    }

    fn create_set(&mut self, of: usize, started: Timestamp, taken: Timestamp) {
        let set = format!("new set {}", self.made);
        let snapshots: Vec<Snapshot> = self
            .world
            .attached()
            .into_iter()
            .map(|(volume, _)| Snapshot {
                id: format!("the snapshot of {}", volume.id),
                volume: volume.id.clone(),
                size: volume.attributes.size,
                taken,
                copied: Copied::Pending("0%".to_owned()),
                started: Some(started),
                key: volume.attributes.key.clone(),
                set: set.clone(),
                of,
                record: Err(String::new()),
                project: None,
            })
            .collect();
        self.world.snapshots.extend(snapshots);
    }

    fn create_volume(&mut self, snapshot: &str, set: &str, record: &Record) {
        let volume = &record.volume;
        self.world.volumes.push(Volume {
            id: format!("the new volume for {}", record.device),
            stage: Stage::Creating,
            attributes: Attributes { tags: volume.tags.clone(), ..volume.clone() },
            source: Some(snapshot.to_owned()),
            mark: Some(set.to_owned()),
            attachments: Vec::new(),
        });
    }

    fn attach(&mut self, volume: &str, device: &str, since: Timestamp) {
        let instance = self.world.instance.id.clone();
        let device = device.to_owned();
        self.volume(volume, |one| {
            one.stage = Stage::InUse;
            let hold = Hold::Attached;
            one.attachments.push(Attachment {
                instance,
                device,
                card: None,
                hold,
                since,
                delete_on_termination: false,
            });
        });
    }
}
