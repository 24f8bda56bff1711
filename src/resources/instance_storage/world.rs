//! What is seen of one instance's storage: the instance, its volumes and the parking snapshots. Plain data.

use jiff::Timestamp;

use super::record::{Attributes, Record};

/// How far an instance is between running and stopped.
///
/// Source: "`InstanceState`" in the EC2 API reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Power {
    /// On its way to run.
    Pending,
    /// It runs.
    Running,
    /// On its way to be stopped.
    Stopping,
    /// It is stopped.
    Stopped,
    /// Terminated, or about to be.
    Gone,
}

impl Power {
    /// The power of an instance in a state that AWS words so.
    pub(super) fn of_state(state: &str) -> Self {
        match state {
            "pending" => Self::Pending,
            "running" => Self::Running,
            "stopped" => Self::Stopped,
            "shutting-down" | "terminated" => Self::Gone,
            // `stopping`; and what is not known is waited for.
            _ => Self::Stopping,
        }
    }
}

/// An instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Instance {
    /// Its id.
    pub id: String,
    /// Whether it runs.
    pub power: Power,
    /// The time of its last start (`LaunchTime`): what a snapshot from before it holds is out of date.
    pub started: Timestamp,
    /// The device of its root volume, such as `/dev/xvda`.
    pub root_device: String,
    /// Why AWS brought it into its state, where it says so.
    pub why: Option<String>,
}

/// How far a volume is.
///
/// Source: `Volume$State` in the EC2 API reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Being made.
    Creating,
    /// Made, and attached to nothing.
    Available,
    /// Attached to something.
    InUse,
    /// Making it failed: it holds nothing.
    Failed,
    /// Deleted, or about to be.
    Gone,
}

impl Stage {
    /// The stage of a volume in a state that AWS words so.
    pub(super) fn of_state(state: &str) -> Self {
        match state {
            "available" => Self::Available,
            "in-use" => Self::InUse,
            "error" => Self::Failed,
            "deleting" | "deleted" => Self::Gone,
            // `creating`; and what is not known is waited for.
            _ => Self::Creating,
        }
    }
}

/// How far an attachment is.
///
/// Source: `VolumeAttachment$State` in the EC2 API reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// It is attached.
    Attached,
    /// It is being attached or detached.
    Moving,
}

/// A volume on an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attachment {
    /// The instance.
    pub instance: String,
    /// As what.
    pub device: String,
    /// At which EBS card, of instance types that have several ("`VolumeAttachment`" in the EC2 API reference).
    pub card: Option<i32>,
    /// How far.
    pub hold: Hold,
    /// Since when.
    pub since: Timestamp,
    /// Whether the volume goes with the instance.
    pub delete_on_termination: bool,
}

/// A volume: attached to the instance, once attached to it, or restored for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Volume {
    /// Its id.
    pub id: String,
    /// How far it is.
    pub stage: Stage,
    /// What it is, its own tags included.
    pub attributes: Attributes,
    /// The snapshot that it was made from.
    pub source: Option<String>,
    /// The set that it is restored from, as its tag says until it is in its place.
    pub mark: Option<String>,
    /// What it is attached to.
    pub attachments: Vec<Attachment>,
}

impl Volume {
    /// Its place on an instance.
    pub(super) fn on(&self, instance: &str) -> Option<&Attachment> {
        self.attachments.iter().find(|attachment| attachment.instance == instance)
    }

    /// Another instance that it is attached to.
    pub(super) fn elsewhere(&self, instance: &str) -> Option<&str> {
        let other = self.attachments.iter().find(|attachment| attachment.instance != instance);
        other.map(|attachment| &*attachment.instance)
    }
}

/// How far a snapshot has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Copied {
    /// Blocks are still being copied, so much of them as AWS words it: `37%`.
    Pending(String),
    /// It can be restored.
    Completed,
    /// It failed, and holds nothing; AWS's reason.
    Failed(String),
    /// In the recycle bin, or archived, in words with what to do about it.
    Other(String),
}

/// A parking snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Snapshot {
    /// Its id.
    pub id: String,
    /// The volume that it was taken of.
    pub volume: String,
    /// That volume's size, in GiB.
    pub size: i32,
    /// When it was begun: it holds the volume of that instant.
    pub taken: Timestamp,
    /// How far it has come.
    pub copied: Copied,
    /// The last start of the instance that was known when it was stopped and this was about to be taken.
    pub started: Option<Timestamp>,
    /// The KMS key that encrypts it.
    pub key: Option<String>,
    /// The set that it is part of.
    pub set: String,
    /// How many snapshots the set has.
    pub of: usize,
    /// What the volume was; an error where its tags do not say it, or no longer.
    pub record: Result<Record, String>,
    /// The project whose parking it is.
    pub project: Option<String>,
}

/// All that is seen of one instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct World {
    /// The instance.
    pub instance: Instance,
    /// Volumes that are attached to it, of which there are parking snapshots, or that were made of those.
    pub volumes: Vec<Volume>,
    /// Its parking snapshots.
    pub snapshots: Vec<Snapshot>,
}

impl World {
    /// A volume that is not gone.
    pub(super) fn volume(&self, id: &str) -> Option<&Volume> {
        self.volumes.iter().find(|volume| volume.id == id && volume.stage != Stage::Gone)
    }

    /// The volumes on the instance, in the order of their devices.
    pub(super) fn attached(&self) -> Vec<(&Volume, &Attachment)> {
        let there = self.volumes.iter().filter(|volume| volume.stage != Stage::Gone);
        let mut attached: Vec<_> =
            there.filter_map(|volume| Some((volume, volume.on(&self.instance.id)?))).collect();
        attached.sort_by_key(|(volume, place)| (&place.device, &volume.id));
        attached
    }

    /// The volume at a device.
    pub(super) fn at(&self, device: &str) -> Option<(&Volume, &Attachment)> {
        self.attached().into_iter().find(|(_, place)| place.device == device)
    }

    /// A device that several volumes have, or one without a name: what stands on its snapshot would not say which is which.
    pub(super) fn ambiguous_device(&self) -> Option<&str> {
        let attached = self.attached();
        let twice = attached.windows(2).find(|two| two[0].1.device == two[1].1.device);
        let nameless = attached.iter().find(|(_, place)| place.device.is_empty());
        twice.map(|two| &*two[0].1.device).or(nameless.map(|(_, place)| &*place.device))
    }

    /// The volume at the root device. While there is none, the instance cannot be started.
    pub(super) fn root(&self) -> Option<(&Volume, &Attachment)> {
        self.at(&self.instance.root_device)
    }
}
