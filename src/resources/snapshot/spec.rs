//! The spec of a snapshot.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use crate::aws::{LABEL_TAG, PROJECT_TAG};
use crate::model::{Fields, KindText};
use crate::resources::instance_storage::SET_TAG;

/// The kind's name.
pub const KIND: &str = "snapshot";

/// The kind in words.
pub(super) const TEXT: KindText =
    KindText { kind: KIND, noun: "snapshot", plural: "snapshots", shared: false, summary };

/// AWS Backup's own tags all begin so ("Tags on backups" in the AWS Backup developer guide).
const BACKUP_TAGS: &str = "aws:backup:";

/// The tags of Data Lifecycle Manager all begin so ("How Amazon Data Lifecycle Manager works" in the EBS user guide).
const LIFECYCLE_TAGS: &str = "aws:dlm:";

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
    /// Data Lifecycle Manager made it, and keeps its own count.
    Lifecycle,
    /// A parked volume is made of it again.
    Parking,
    /// It is a generation of a volume that is parked: gone for a while, not for good.
    ParkedVolume,
    /// It is a copy of another snapshot, and no generation of a volume.
    Copy,
}

impl Hold {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Backup, "AWS Backup"),
        (Self::Lifecycle, "Data Lifecycle Manager"),
        (Self::Parking, "parking"),
        (Self::ParkedVolume, "its parked volume"),
        (Self::Copy, "copy"),
    ];

    fn of(volume: &str, tags: &BTreeMap<String, String>) -> Option<Self> {
        let any = |prefix| tags.keys().any(|key| key.starts_with(prefix));
        if any(BACKUP_TAGS) {
            Some(Self::Backup)
        } else if any(LIFECYCLE_TAGS) {
            Some(Self::Lifecycle)
        } else if tags.contains_key(SET_TAG) {
            Some(Self::Parking)
        } else {
            is_of_copies(volume).then_some(Self::Copy)
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

    /// The same, known to be a copy where that is so.
    #[must_use]
    pub fn or_copy(mut self, is_copy: bool) -> Self {
        self.hold = self.hold.or(is_copy.then_some(Hold::Copy));
        self
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

/// Whether it is the volume that AWS has named for copies so far: all `f`, in the old or the new length of ids. AWS promises
/// no more than "an arbitrary volume ID" ("`CopySnapshot`" in the EC2 API reference).
fn is_of_copies(volume: &str) -> bool {
    volume.strip_prefix("vol-").is_some_and(|id| !id.is_empty() && id.bytes().all(|byte| byte == b'f'))
}

/// Whether there may have been such a volume: ids have 8 or 17 hexadecimal digits ("Resource IDs" in the EC2 user guide), and
/// those of copies are none.
pub fn may_be_a_volume(volume: &str) -> bool {
    let hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let id = volume.strip_prefix("vol-").filter(|id| matches!(id.len(), 8 | 17));
    id.is_some_and(|id| id.bytes().all(hexadecimal)) && !is_of_copies(volume)
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
        for hold in
            [&[][..], &["aws:backup:source-resource"], &["aws:dlm:lifecycle-policy-id"], &["opsform:parking"]]
        {
            let snapshot = snapshot("vol-1", hold);
            assert_eq!(snapshot.hold.is_some(), !hold.is_empty());
            assert_eq!(Snapshot::from_fields(&snapshot.to_fields()), Some(snapshot));
        }
    }

    #[test]
    fn a_copy_is_no_generation() {
        for volume in ["vol-ffffffff", "vol-fffffffffffffffff"] {
            assert_eq!(snapshot(volume, &[]).hold, Some(Hold::Copy));
        }
        assert_eq!(snapshot("vol-1", &["backup"]).hold, None);
        assert_eq!(snapshot("vol-1", &[]).or_copy(true).hold, Some(Hold::Copy));
        assert_eq!(snapshot("vol-1", &["opsform:parking"]).or_copy(true).hold, Some(Hold::Parking));
        assert_eq!(snapshot("vol-1", &[]).or_copy(false).hold, None);
    }

    #[test]
    fn ids_of_volumes_have_two_lengths() {
        for volume in ["vol-0123abcd", "vol-0123456789abcdef0"] {
            assert!(may_be_a_volume(volume));
        }
        for volume in
            ["vol-ffffffff", "vol-fffffffffffffffff", "vol-0123", "vol-0123ABCD", "vol-0123wxyz", "", "x"]
        {
            assert!(!may_be_a_volume(volume), "{volume}");
        }
    }
}
