//! The spec of an instance's storage.

use std::collections::BTreeMap;

use serde_json::Value;

use super::decide::{Goal, Memory, Verdict, decide};
use super::record::Attributes;
use super::sets::{base, place, sets};
use super::world::{Power, World};
use crate::model::{Fields, KindText};

/// The kind's name.
pub const KIND: &str = "instance_storage";

/// The kind in words. Nobody owns the storage of an instance, and nothing of it is recorded.
pub(super) const TEXT: KindText =
    KindText { kind: KIND, noun: "parking state", plural: "parking states", shared: true, summary };

/// What is wanted, with what may be done for it.
#[allow(clippy::struct_excessive_bools)] // Each is a key of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Storage {
    /// Parked on snapshots; else the instance runs.
    pub parked: bool,
    /// Whether the snapshots stay when the instance runs again.
    pub keep_snapshots: bool,
    /// Whether an instance may be parked that can have instance store volumes, whose content a stop destroys.
    pub allow_instance_store: bool,
    /// Whether an instance may be parked whose volumes bear product codes of the AWS Marketplace.
    pub allow_marketplace: bool,
    /// How fast restored volumes are filled, in MiB/s, 100 to 300; AWS's own pace where it is left out.
    pub initialization_rate: Option<i32>,
}

impl Storage {
    /// The field map that the planner compares. Options that are not used are left out.
    pub fn to_fields(&self) -> Fields {
        let state = if self.parked { "parked" } else { "running" };
        let mut fields = Fields::from([("state".to_owned(), state.into())]);
        let flags = [
            ("allow_instance_store", self.allow_instance_store),
            ("allow_marketplace", self.allow_marketplace),
            ("keep_snapshots", self.keep_snapshots),
        ];
        let used = flags.into_iter().filter(|(_, used)| *used);
        fields.extend(used.map(|(name, _)| (name.to_owned(), Value::from(true))));
        fields.extend(self.initialization_rate.map(|rate| ("initialization_rate".to_owned(), rate.into())));
        fields
    }

    /// What a field map of [`Storage::to_fields`] wants; `None` where it is another one.
    pub fn from_fields(fields: &Fields) -> Option<Self> {
        let flag = |name: &str| fields.get(name).and_then(Value::as_bool).unwrap_or_default();
        let rate = fields.get("initialization_rate").and_then(Value::as_i64);
        Some(Self {
            parked: match fields.get("state")?.as_str()? {
                "parked" => true,
                "running" => false,
                _ => return None,
            },
            keep_snapshots: flag("keep_snapshots"),
            allow_instance_store: flag("allow_instance_store"),
            allow_marketplace: flag("allow_marketplace"),
            initialization_rate: rate.and_then(|rate| i32::try_from(rate).ok()),
        })
    }

    pub(super) fn goal(&self) -> Goal {
        Goal { parked: self.parked, keep_snapshots: self.keep_snapshots }
    }
}

/// Where an instance's storage stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// All volumes are on, and it runs.
    Running,
    /// All volumes are on, and it is on its way to run.
    Starting,
    /// All volumes are on, and it is on its way to be stopped.
    Stopping,
    /// All volumes are on, and it is stopped.
    Stopped,
    /// The root volume is off, and not all volumes are gone.
    PartlyParked,
    /// All volumes are gone, and there is a snapshot of each.
    Parked,
    /// Its root volume is gone, and nothing of it is left to make it of.
    WithoutRoot,
}

impl Standing {
    /// The standing in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Starting => "starting",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::PartlyParked => "partly parked",
            Self::Parked => "parked",
            Self::WithoutRoot => "without a root volume",
        }
    }
}

/// Where the storage stands.
pub(super) fn standing(world: &World) -> Standing {
    if world.root().is_some() {
        return match world.instance.power {
            Power::Pending => Standing::Starting,
            Power::Running => Standing::Running,
            Power::Stopping => Standing::Stopping,
            Power::Stopped | Power::Gone => Standing::Stopped,
        };
    }
    let Some(base) = base(world, &sets(world)) else { return Standing::WithoutRoot };
    let gone = base.snapshots.iter().all(|one| place(world, one).volume().is_none());
    if gone && base.is_usable() { Standing::Parked } else { Standing::PartlyParked }
}

/// The live fields, next to what is wanted. What is as wanted has just those fields.
pub(super) fn live_fields(world: &World, wanted: &Storage) -> Fields {
    let mut fields = wanted.to_fields();
    if decide(world, &wanted.goal(), &Memory::default()) == Verdict::Done {
        return fields;
    }
    let standing = standing(world).words();
    let as_wanted = fields.insert("state".to_owned(), standing.into()).is_some_and(|state| state == standing);
    if as_wanted {
        let left = Value::from(world.snapshots.len());
        fields.insert("parking_snapshots".to_owned(), left);
    }
    let volumes = volumes(world);
    if wanted.parked && !volumes.is_empty() {
        fields.insert("volumes".to_owned(), volumes.into_iter().collect());
    }
    fields
}

/// The live fields of what is no longer as a plan saw it, but on its way from there to where the plan wants it: still those that it saw.
pub(super) fn planned_fields(world: &World, wanted: &Storage, before: &Fields) -> Option<Fields> {
    let sets = sets(world);
    let begun: Vec<_> = sets.iter().filter(|set| set.is_whole() && set.is_since_last_start(world)).collect();
    let on_its_way = if wanted.parked {
        let mut volumes = volumes(world);
        if let (None, Some(base)) = (world.root(), base(world, &sets)) {
            let gone = base
                .slots()
                .map(|(one, record)| (record.device.clone(), in_words(&one.volume, &record.volume)));
            volumes.extend(gone);
        }
        let before: Option<BTreeMap<String, Value>> =
            before.get("volumes").and_then(|then| serde_json::from_value(then.clone()).ok());
        !begun.is_empty() && before == Some(volumes)
    } else {
        let was = before.get("state").and_then(Value::as_str);
        !begun.is_empty() && was == Some(Standing::Parked.words())
    };
    on_its_way.then(|| before.clone())
}

/// What is on the instance, by device.
fn volumes(world: &World) -> BTreeMap<String, Value> {
    let attached = world.attached().into_iter();
    attached.map(|(volume, place)| (place.device.clone(), in_words(&volume.id, &volume.attributes))).collect()
}

fn in_words(volume: &str, what: &Attributes) -> Value {
    format!("{volume}, {} GiB {}", what.size, what.volume_type).into()
}

fn summary(fields: &Fields) -> String {
    fields.get("state").and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::instance_storage::simulated::Simulated;

    #[test]
    fn fields_say_what_is_wanted() {
        let all = Storage {
            parked: true,
            keep_snapshots: true,
            allow_instance_store: true,
            allow_marketplace: true,
            initialization_rate: Some(100),
        };
        for storage in [Storage::default(), all] {
            assert_eq!(Storage::from_fields(&storage.to_fields()), Some(storage));
        }
        assert_eq!(Storage::default().to_fields().len(), 1);
    }

    #[test]
    fn what_is_as_wanted_has_the_same_fields() {
        let running = Storage { keep_snapshots: true, ..Storage::default() };
        let parked = Storage { parked: true, ..running.clone() };
        let world = Simulated::new(2).world;
        assert_eq!(live_fields(&world, &running), running.to_fields());
        let live = live_fields(&world, &parked);
        assert_eq!(live["state"], "running");
        assert_eq!(live["volumes"]["/dev/sdf"], "vol-1, 100 GiB gp3");
    }
}
