//! The spec of a snapshot.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use crate::aws::{LABEL_TAG, PROJECT_TAG};
use crate::model::{Fields, KindText};

/// The kind's name.
pub const KIND: &str = "snapshot";

/// The kind in words.
pub(super) const TEXT: KindText =
    KindText { kind: KIND, noun: "snapshot", plural: "snapshots", shared: false, summary };

/// The tag of a snapshot that holds a parked volume.
const PARKING_TAG: &str = "opsform:parking";

/// AWS Backup's own tags all begin so ("Tags on backups" in the AWS Backup developer guide).
const BACKUP_TAGS: &str = "aws:backup:";

/// The volume that AWS names for a copy of a snapshot ("`CopySnapshot`" in the EC2 API reference).
const VOLUME_OF_COPIES: &str = "vol-ffffffff";

/// How far a snapshot has come.
///
/// Source: `Snapshot$State` in the EC2 API reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Blocks are still being copied.
    Pending,
    /// It can be restored.
    Completed,
    /// It failed, and holds nothing.
    Failed,
    /// In the recycle bin, or on its way out of it.
    Other,
}

impl Progress {
    /// The progress in AWS's words.
    pub fn of_state(state: &str) -> Self {
        match state {
            "pending" => Self::Pending,
            "completed" => Self::Completed,
            "error" => Self::Failed,
            _ => Self::Other,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Completed => "completed",
            Self::Failed => "error",
            Self::Other => "other",
        }
    }
}

/// Who else needs a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// AWS Backup made it, and keeps its own count.
    Backup,
    /// A parked volume is made of it again.
    Parking,
    /// It is a copy of another snapshot, and no generation of a volume.
    Copy,
}

impl Hold {
    const ALL: [(Self, &'static str); 3] =
        [(Self::Backup, "AWS Backup"), (Self::Parking, "parking"), (Self::Copy, "copy")];

    fn of(volume: &str, tags: &BTreeMap<String, String>) -> Option<Self> {
        if tags.keys().any(|key| key.starts_with(BACKUP_TAGS)) {
            Some(Self::Backup)
        } else if tags.contains_key(PARKING_TAG) {
            Some(Self::Parking)
        } else {
            (volume == VOLUME_OF_COPIES).then_some(Self::Copy)
        }
    }

    fn words(self) -> &'static str {
        Self::ALL.into_iter().find(|(hold, _)| *hold == self).map_or("", |(_, words)| words)
    }

    fn from_words(words: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known)| *known == words).map(|(hold, _)| hold)
    }
}

/// A snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The volume that it was taken of, which may be gone.
    pub volume: String,
    /// When it was begun: it holds the volume of that instant.
    pub taken: Timestamp,
    /// How far it has come.
    pub progress: Progress,
    /// Who else needs it, as its tags and its volume say.
    pub hold: Option<Hold>,
    /// All tags.
    pub tags: BTreeMap<String, String>,
}

impl Snapshot {
    /// A snapshot with these tags.
    pub fn new(volume: &str, taken: Timestamp, state: &str, tags: &BTreeMap<String, String>) -> Self {
        let hold = Hold::of(volume, tags);
        Self {
            volume: volume.to_owned(),
            taken,
            progress: Progress::of_state(state),
            hold,
            tags: tags.clone(),
        }
    }

    /// The field map that the planner compares.
    pub fn to_fields(&self) -> Fields {
        let mut fields = Fields::from([
            ("volume".to_owned(), self.volume.as_str().into()),
            ("taken".to_owned(), self.taken.to_string().into()),
            ("state".to_owned(), self.progress.words().into()),
        ]);
        if let Some(hold) = self.hold {
            fields.insert("held_by".to_owned(), hold.words().into());
        }
        if !self.tags.is_empty() {
            let tags = self.tags.iter().map(|(key, value)| (key.clone(), value.as_str().into()));
            fields.insert("tags".to_owned(), Value::Object(tags.collect()));
        }
        fields
    }

    /// The snapshot of a field map; `None` where it is not one that [`Snapshot::to_fields`] makes.
    pub fn from_fields(fields: &Fields) -> Option<Self> {
        let text = |name: &str| fields.get(name).and_then(Value::as_str);
        let tags = fields.get("tags").and_then(Value::as_object).into_iter().flatten();
        let tags = tags.map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
        Some(Self {
            tags: tags.collect::<Option<_>>()?,
            volume: text("volume")?.to_owned(),
            taken: text("taken")?.parse().ok()?,
            progress: Progress::of_state(text("state")?),
            hold: match text("held_by") {
                Some(words) => Some(Hold::from_words(words)?),
                None => None,
            },
        })
    }
}

/// The tags by which a snapshot is known as this declaration's. It must bear them from the moment that it is there.
pub fn own_tags(project: &str, label: &str) -> [(String, String); 2] {
    [(PROJECT_TAG, project), (LABEL_TAG, label)].map(|(key, value)| (key.to_owned(), value.to_owned()))
}

fn summary(fields: &Fields) -> String {
    Snapshot::from_fields(fields)
        .map(|snapshot| format!("of {}, taken {}", snapshot.volume, snapshot.taken))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(volume: &str, tags: &[&str]) -> Snapshot {
        let tags = tags.iter().map(|key| ((*key).to_owned(), "x".to_owned())).collect();
        Snapshot::new(volume, "2026-11-12T09:30:00Z".parse().unwrap(), "completed", &tags)
    }

    #[test]
    fn fields_say_what_a_snapshot_is() {
        for hold in [&[][..], &["aws:backup:source-resource"], &["opsform:parking"]] {
            let snapshot = snapshot("vol-1", hold);
            assert_eq!(snapshot.hold.is_some(), !hold.is_empty());
            assert_eq!(Snapshot::from_fields(&snapshot.to_fields()), Some(snapshot));
        }
    }

    #[test]
    fn a_copy_is_no_generation() {
        assert_eq!(snapshot("vol-ffffffff", &[]).hold, Some(Hold::Copy));
        assert_eq!(snapshot("vol-1", &["backup"]).hold, None);
    }
}
