//! An AWS of one instance for tests, with the checks that AWS makes and with what is written on every disk.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::decide::Step;
use super::record::{Attributes, Record};
use super::world::{Attachment, Copied, Hold, Instance, Power, Snapshot, Stage, Volume, World};

pub(super) const INSTANCE: &str = "i-1";

/// What is on a volume or in a snapshot: the disk, and how often it had been written to.
type Content = (usize, u64);

pub(super) struct Simulated {
    pub(super) world: World,
    /// What each volume and snapshot holds.
    contents: BTreeMap<String, Content>,
    /// How often each disk was written to.
    written: Vec<u64>,
    tokens: BTreeMap<String, String>,
    clock: i64,
    count: usize,
}

pub(super) fn moment(second: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_800_000_000 + second)
}

pub(super) fn record(device: &str) -> Record {
    let root = device == "/dev/sda1";
    Record {
        device: device.to_owned(),
        root,
        card: None,
        delete_on_termination: device != "/dev/sdf",
        volume: Attributes {
            size: if root { 8 } else { 100 },
            volume_type: "gp3".to_owned(),
            iops: Some(3000),
            throughput: Some(125),
            zone: "us-east-1a".to_owned(),
            encrypted: !root,
            key: (!root).then(|| "key".to_owned()),
            tags: BTreeMap::from([("Name".to_owned(), device.to_owned())]),
            ..Attributes::default()
        },
    }
}

pub(super) fn devices(count: usize) -> Vec<String> {
    let data = (b'f'..=b'z').map(|letter| format!("/dev/sd{}", char::from(letter)));
    std::iter::once("/dev/sda1".to_owned()).chain(data).take(count).collect()
}

impl Simulated {
    /// A running instance with so many volumes.
    pub(super) fn new(volumes: usize) -> Self {
        let instance = Instance {
            id: INSTANCE.to_owned(),
            power: Power::Running,
            started: moment(0),
            root_device: "/dev/sda1".to_owned(),
            why: None,
        };
        let mut new = Self {
            world: World { instance, volumes: Vec::new(), snapshots: Vec::new() },
            contents: BTreeMap::new(),
            written: vec![1; volumes],
            tokens: BTreeMap::new(),
            clock: 10,
            count: 0,
        };
        for (disk, device) in devices(volumes).into_iter().enumerate() {
            let record = record(&device);
            let place = Attachment {
                instance: INSTANCE.to_owned(),
                device,
                card: None,
                hold: Hold::Attached,
                since: moment(0),
                delete_on_termination: record.delete_on_termination,
            };
            let id = format!("vol-{disk}");
            new.contents.insert(id.clone(), (disk, 1));
            new.world.volumes.push(Volume {
                id,
                stage: Stage::InUse,
                attributes: record.volume,
                source: None,
                mark: None,
                attachments: vec![place],
            });
        }
        new
    }

    /// Disks whose last content is neither on a volume nor in a completed snapshot.
    pub(super) fn lost(&self) -> Vec<usize> {
        let mut safe: Vec<Content> = Vec::new();
        let there = self.world.volumes.iter().filter(|one| one.stage != Stage::Failed);
        safe.extend(there.filter_map(|one| self.contents.get(&one.id)));
        let complete = self.world.snapshots.iter().filter(|one| one.copied == Copied::Completed);
        safe.extend(complete.filter_map(|one| self.contents.get(&one.id)));
        (0..self.written.len()).filter(|&disk| !safe.contains(&(disk, self.written[disk]))).collect()
    }

    /// What the volume on a device holds, and how often its disk was written to.
    pub(super) fn on_device(&self, device: &str) -> Option<(Content, u64)> {
        let (volume, _) = self.world.at(device)?;
        let content = *self.contents.get(&volume.id)?;
        Some((content, self.written[content.0]))
    }

    /// Time passes: AWS finishes what it is at, and an instance that runs writes.
    pub(super) fn pass(&mut self) {
        self.clock += 5;
        let instance = &mut self.world.instance;
        instance.power = match instance.power {
            Power::Pending => Power::Running,
            Power::Stopping => Power::Stopped,
            other => other,
        };
        for snapshot in &mut self.world.snapshots {
            if let Copied::Pending(progress) = &mut snapshot.copied {
                snapshot.copied =
                    if progress == "0%" { Copied::Pending("50%".to_owned()) } else { Copied::Completed };
            }
        }
        for volume in &mut self.world.volumes {
            match volume.stage {
                Stage::Creating => volume.stage = Stage::Available,
                Stage::InUse if volume.attachments.iter().any(|place| place.hold == Hold::Moving) => {
                    volume.attachments.clear();
                    volume.stage = Stage::Available;
                }
                Stage::Available if !volume.attachments.is_empty() => {
                    volume.stage = Stage::InUse;
                    volume.attachments.iter_mut().for_each(|place| place.hold = Hold::Attached);
                }
                _ => {}
            }
        }
        self.write();
    }

    fn write(&mut self) {
        if self.world.instance.power != Power::Running {
            return;
        }
        let on: Vec<String> = self.world.attached().iter().map(|(volume, _)| volume.id.clone()).collect();
        for id in &on {
            self.write_to(id);
        }
    }

    fn write_to(&mut self, id: &str) {
        if let Some((disk, version)) = self.contents.get_mut(id) {
            self.written[*disk] += 1;
            *version = self.written[*disk];
        }
    }

    fn now(&mut self) -> Timestamp {
        self.clock += 2;
        moment(self.clock)
    }

    fn new_id(&mut self, kind: &str) -> String {
        self.count += 1;
        format!("{kind}-new-{}", self.count)
    }

    fn volume(&mut self, id: &str) -> Result<&mut Volume, String> {
        self.world.volumes.iter_mut().find(|one| one.id == id).ok_or_else(|| format!("no {id}"))
    }

    fn snapshot(&mut self, id: &str) -> Result<&mut Snapshot, String> {
        self.world.snapshots.iter_mut().find(|one| one.id == id).ok_or_else(|| format!("no {id}"))
    }

    /// Somebody starts the instance.
    pub(super) fn start(&mut self) -> Result<(), String> {
        let root = self.world.root().is_some_and(|(_, place)| place.hold == Hold::Attached);
        if self.world.instance.power != Power::Stopped || !root {
            return Err("it cannot be started".to_owned());
        }
        self.world.instance.started = self.now();
        self.world.instance.power = Power::Pending;
        self.pass();
        Ok(())
    }

    /// Somebody stops the instance.
    pub(super) fn stop(&mut self) {
        if matches!(self.world.instance.power, Power::Running | Power::Pending) {
            self.write();
            self.world.instance.power = Power::Stopping;
        }
    }

    /// Somebody attaches what is attached to nothing to another instance, writes to it, and takes it off again.
    pub(super) fn borrow(&mut self) {
        let free = self
            .world
            .volumes
            .iter()
            .filter(|one| one.stage == Stage::Available && one.attachments.is_empty());
        for id in free.map(|one| one.id.clone()).collect::<Vec<_>>() {
            self.write_to(&id);
        }
    }

    /// A snapshot that is being taken fails.
    pub(super) fn fail_snapshot(&mut self) {
        let pending = |one: &&mut Snapshot| matches!(one.copied, Copied::Pending(_));
        if let Some(snapshot) = self.world.snapshots.iter_mut().find(pending) {
            snapshot.copied = Copied::Failed("it failed".to_owned());
        }
    }

    /// Carries out a call under AWS's rules.
    pub(super) fn call(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Stop => self.stop(),
            Step::Start => self.start()?,
            Step::LookAtKey { .. } => {}
            Step::CreateSet { set_size, started } => self.create_set(*set_size, *started),
            Step::Record { snapshot, record } => self.snapshot(snapshot)?.record = Ok((**record).clone()),
            Step::DeleteSnapshot { snapshot } => {
                self.snapshot(snapshot)?;
                self.world.snapshots.retain(|one| one.id != *snapshot);
                self.contents.remove(snapshot);
            }
            Step::Release { snapshots } => self.world.snapshots.retain(|one| !snapshots.contains(&one.id)),
            Step::Detach { volume } => self.detach(volume)?,
            Step::DeleteVolume { volume } => self.delete_volume(volume)?,
            Step::CreateVolume { snapshot, set, attempt, record } => {
                self.create_volume(snapshot, set, *attempt, record)?;
            }
            Step::Attach { volume, device, .. } => self.attach(volume, device)?,
            Step::SetFlag { device, delete_on_termination } => {
                let places = self.world.volumes.iter_mut().flat_map(|volume| &mut volume.attachments);
                let place = places.into_iter().find(|place| place.device == *device);
                place.ok_or("no such device")?.delete_on_termination = *delete_on_termination;
            }
            Step::Tag { volume, tags } => self.volume(volume)?.attributes.tags.extend(tags.clone()),
            Step::Unmark { volumes } => {
                for volume in volumes {
                    self.volume(volume)?.mark = None;
                }
            }
        }
        Ok(())
    }

    fn create_set(&mut self, of: usize, started: Timestamp) {
        let taken = self.now();
        let set = self.new_id("set");
        let on: Vec<Volume> = self.world.attached().iter().map(|(volume, _)| (*volume).clone()).collect();
        for volume in on {
            let id = self.new_id("snap");
            if let Some(&content) = self.contents.get(&volume.id) {
                self.contents.insert(id.clone(), content);
            }
            self.world.snapshots.push(Snapshot {
                id,
                volume: volume.id,
                size: volume.attributes.size,
                taken,
                copied: Copied::Pending("0%".to_owned()),
                started: Some(started),
                key: volume.attributes.key,
                set: set.clone(),
                of,
                record: Err("none".to_owned()),
                project: None,
            });
        }
    }

    pub(super) fn detach(&mut self, id: &str) -> Result<(), String> {
        let (running, root) =
            (self.world.instance.power != Power::Stopped, self.world.instance.root_device.clone());
        let volume = self.volume(id)?;
        let place = volume.attachments.first_mut().ok_or("it is attached to nothing")?;
        if running && place.device == root {
            return Err("the root volume of a running instance".to_owned());
        }
        if place.hold == Hold::Moving {
            return Err("it is being detached".to_owned());
        }
        place.hold = Hold::Moving;
        Ok(())
    }

    fn delete_volume(&mut self, id: &str) -> Result<(), String> {
        let volume = self.volume(id)?;
        if !volume.attachments.is_empty() || !matches!(volume.stage, Stage::Available | Stage::Failed) {
            return Err("VolumeInUse".to_owned());
        }
        self.world.volumes.retain(|one| one.id != id);
        self.contents.remove(id);
        Ok(())
    }

    fn create_volume(
        &mut self,
        snapshot: &str,
        set: &str,
        attempt: usize,
        record: &Record,
    ) -> Result<(), String> {
        if self.snapshot(snapshot)?.copied != Copied::Completed {
            return Err("IncorrectState".to_owned());
        }
        let token = format!("{set} {} {attempt}", record.device);
        if self.tokens.contains_key(&token) {
            return Ok(());
        }
        let id = self.new_id("vol");
        self.tokens.insert(token, id.clone());
        if let Some(&content) = self.contents.get(snapshot) {
            self.contents.insert(id.clone(), content);
        }
        self.world.volumes.push(Volume {
            id,
            stage: Stage::Creating,
            attributes: record.volume.clone(),
            source: Some(snapshot.to_owned()),
            mark: Some(set.to_owned()),
            attachments: Vec::new(),
        });
        Ok(())
    }

    pub(super) fn attach(&mut self, id: &str, device: &str) -> Result<(), String> {
        if self.world.at(device).is_some() {
            return Err("the device is in use".to_owned());
        }
        if device == self.world.instance.root_device && self.world.instance.power != Power::Stopped {
            return Err("IncorrectInstanceState".to_owned());
        }
        let since = self.now();
        let volume = self.volume(id)?;
        if volume.stage != Stage::Available || !volume.attachments.is_empty() {
            return Err("IncorrectState".to_owned());
        }
        volume.attachments.push(Attachment {
            instance: INSTANCE.to_owned(),
            device: device.to_owned(),
            card: None,
            hold: Hold::Moving,
            since,
            delete_on_termination: false,
        });
        Ok(())
    }
}
