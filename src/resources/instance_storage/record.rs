//! What a volume was, written into the tags of its parking snapshot so that it can be made again.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::world::{Attachment, Instance, Volume};

/// The tag of a parking snapshot that names its set.
pub const SET_TAG: &str = "opsform:parking";

/// The tag of a volume with the set that it is being restored from. No snapshot bears it: whoever makes a volume of a parking snapshot and takes
/// over its tags has one of their own.
pub(super) const MARK_TAG: &str = "opsform:restoring";

/// The tag of a parking snapshot with the instance that it is of.
pub const INSTANCE_TAG: &str = "opsform:parking-instance";

/// The tag of a parking snapshot with the number of snapshots in its set.
pub(super) const COUNT_TAG: &str = "opsform:parking-volumes";

/// The tag of a parking snapshot with the time of its instance's last start, as it was while the instance was stopped and about to be
/// snapshot. As long as that is the last start, nobody has written to its volumes since: no clocks are compared.
pub(super) const START_TAG: &str = "opsform:parking-start";

/// The tag of a parking snapshot with what its volume was; longer texts go on in `…-2`, `…-3`.
pub(super) const RECORD_TAG: &str = "opsform:parking-record";

/// Tags with this prefix are AWS's own and cannot be written ("Tag restrictions" in the EC2 user guide).
pub(super) const RESERVED: &str = "aws:";

/// The most tags that hold a record: 50 a resource, less those that say whose and of what set it is.
const MOST_PARTS: usize = 44;

/// The most tags of its own that a volume may have: while it is restored it bears one more, and AWS takes 50.
const MOST_TAGS: usize = 49;

/// The longest value of a tag, in characters. Those outside of the basic plane are counted as two, as Java does.
const LONGEST: usize = 256;

/// What begins a record: the version of its form.
const VERSION: &str = "1";

/// What a volume is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attributes {
    /// In GiB.
    #[serde(rename = "s")]
    pub size: i32,
    /// Such as `gp3`.
    #[serde(rename = "t")]
    pub volume_type: String,
    /// Of the types that let one choose: gp3, io1, io2.
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    pub iops: Option<i32>,
    /// In MiB/s, of gp3.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub throughput: Option<i32>,
    /// Whether it is encrypted.
    #[serde(rename = "e", default, skip_serializing_if = "std::ops::Not::not")]
    pub encrypted: bool,
    /// The ARN of the KMS key that encrypts it.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The Availability Zone.
    #[serde(rename = "z")]
    pub zone: String,
    /// Whether several instances may have it.
    #[serde(rename = "m", default, skip_serializing_if = "std::ops::Not::not")]
    pub multi_attach: bool,
    /// Its tags, without AWS's own and without the mark of a restore.
    #[serde(rename = "g", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// A volume and its place on the instance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// The device, such as `/dev/sda1`.
    #[serde(rename = "d")]
    pub device: String,
    /// Whether it is the instance's root volume.
    #[serde(rename = "r", default, skip_serializing_if = "std::ops::Not::not")]
    pub root: bool,
    /// The EBS card that it is at, of instance types that have several.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub card: Option<i32>,
    /// Whether it goes with the instance.
    #[serde(rename = "x", default, skip_serializing_if = "std::ops::Not::not")]
    pub delete_on_termination: bool,
    /// What it is.
    #[serde(flatten)]
    pub volume: Attributes,
}

impl Attributes {
    /// In what a restored volume differs from what was recorded, in words. Tags that somebody added are no difference.
    pub(super) fn differences(&self, live: &Self) -> Vec<String> {
        let mut all = Vec::new();
        let mut compare = |what: &str, then: String, now: String| {
            if then != now {
                all.push(format!("{what} {now} instead of {then}"));
            }
        };
        let number = |number: Option<i32>| number.map_or_else(|| "none".to_owned(), |n| n.to_string());
        compare("size", format!("{} GiB", self.size), format!("{} GiB", live.size));
        compare("type", self.volume_type.clone(), live.volume_type.clone());
        compare("iops", number(self.iops), number(live.iops));
        compare("throughput", number(self.throughput), number(live.throughput));
        // EBS encryption by default encrypts whatever is made, and nothing can be done about that.
        if self.encrypted || !live.encrypted {
            compare("encrypted", self.encrypted.to_string(), live.encrypted.to_string());
            let key = |key: &Option<String>| key.clone().unwrap_or_else(|| "none".to_owned());
            compare("KMS key", key(&self.key), key(&live.key));
        }
        compare("Availability Zone", self.zone.clone(), live.zone.clone());
        compare("multi-attach", self.multi_attach.to_string(), live.multi_attach.to_string());
        all
    }

    /// The recorded tags that a restored volume lacks, or has with another value.
    pub(super) fn missing_tags(&self, live: &Self) -> BTreeMap<String, String> {
        let lost = self.tags.iter().filter(|(key, value)| live.tags.get(*key) != Some(*value));
        lost.map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}

impl Record {
    /// What a volume on an instance is.
    pub(super) fn of(volume: &Volume, attachment: &Attachment, instance: &Instance) -> Self {
        Self {
            device: attachment.device.clone(),
            root: attachment.device == instance.root_device,
            card: attachment.card,
            delete_on_termination: attachment.delete_on_termination,
            volume: volume.attributes.clone(),
        }
    }

    /// The tags that hold it.
    ///
    /// # Errors
    /// In words, where it does not fit.
    pub(super) fn to_tags(&self) -> Result<BTreeMap<String, String>, String> {
        if self.volume.tags.len() > MOST_TAGS {
            return Err(format!(
                "it has {} tags; a volume that is restored has room for {MOST_TAGS} of its own",
                self.volume.tags.len()
            ));
        }
        let text = serde_json::to_string(self).map_err(|error| error.to_string())?;
        let text = without_blanks(&text);
        let parts = parts(&format!("{VERSION}:{:016x}:{text}", checksum(&text)));
        if parts.len() > MOST_PARTS {
            return Err(format!(
                "its tags are too long: recording them takes {} tags, and a snapshot has room for {MOST_PARTS}",
                parts.len()
            ));
        }
        Ok(parts.into_iter().enumerate().map(|(index, part)| (part_key(index), part)).collect())
    }

    /// The record that tags hold.
    ///
    /// # Errors
    /// In words, where there is none, or it was changed.
    pub(super) fn from_tags(tags: &BTreeMap<String, String>) -> Result<Self, String> {
        let parts = (0..MOST_PARTS).map_while(|index| tags.get(&part_key(index)));
        let text: String = parts.map(String::as_str).collect();
        if text.is_empty() {
            return Err("its volume is not recorded yet".to_owned());
        }
        let mut fields = text.splitn(3, ':');
        let (version, sum, json) = (fields.next(), fields.next(), fields.next().unwrap_or_default());
        if version != Some(VERSION) {
            return Err("its record has a form that this opsform does not know".to_owned());
        }
        // A record that is longer than its checksum says has parts of an older one behind it.
        let sum = sum.and_then(|sum| u64::from_str_radix(sum, 16).ok());
        let mut values = serde_json::Deserializer::from_str(json).into_iter::<Self>();
        let record = values.next().and_then(Result::ok);
        let whole = json.get(..values.byte_offset()).unwrap_or_default();
        match record {
            Some(record) if sum == Some(checksum(whole)) => Ok(record),
            _ => Err(format!("the tags `{RECORD_TAG}…` were changed or are damaged")),
        }
    }
}

fn part_key(index: usize) -> String {
    if index == 0 { RECORD_TAG.to_owned() } else { format!("{RECORD_TAG}-{}", index + 1) }
}

/// JSON without any blank, so that nobody can trim one off the end of a tag.
fn without_blanks(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_whitespace() || c.is_control() {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                // Writing into a text cannot fail.
                let _ = write!(text, "\\u{unit:04x}");
            }
        } else {
            text.push(c);
        }
    }
    text
}

fn parts(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut length = 0;
    for c in text.chars() {
        length += c.len_utf16();
        if length > LONGEST {
            parts.push(String::new());
            length = c.len_utf16();
        }
        parts.last_mut().into_iter().for_each(|part| part.push(c));
    }
    parts
}

/// FNV-1a: it finds a slip of the pen, and is not meant against malice.
fn checksum(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(tags: &[(&str, &str)]) -> Record {
        let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Record {
            device: "/dev/sda1".to_owned(),
            root: true,
            card: None,
            delete_on_termination: true,
            volume: Attributes {
                size: 8,
                volume_type: "gp3".to_owned(),
                iops: Some(3000),
                throughput: Some(125),
                zone: "us-east-1a".to_owned(),
                tags,
                ..Attributes::default()
            },
        }
    }

    #[test]
    fn a_record_is_what_was_written() {
        let mut encrypted =
            record(&[("Name", "웹 서버 🚗"), ("a b", " \t\n "), ("empty", ""), ("q", "\"\\:")]);
        encrypted.volume.encrypted = true;
        encrypted.volume.key = Some("arn:aws:kms:us-east-1:111122223333:key/1234".to_owned());
        for record in [record(&[]), encrypted] {
            let tags = record.to_tags().unwrap();
            assert_eq!(Record::from_tags(&tags), Ok(record));
            assert!(tags.values().all(|part| part.encode_utf16().count() <= 256 && !part.contains(' ')));
        }
        assert_eq!(record(&[]).to_tags().unwrap().len(), 1);
    }

    #[test]
    fn long_records_go_on_in_further_tags() {
        let long = "🚗".repeat(128);
        let many: Vec<(String, String)> = (0..10).map(|n| (format!("key-{n}"), long.clone())).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|(key, value)| (&**key, &**value)).collect();
        let record = record(&many);
        let tags = record.to_tags().unwrap();
        assert!((11..13).contains(&tags.len()), "{}", tags.len());
        assert_eq!(Record::from_tags(&tags), Ok(record.clone()));
        // A shorter one that was written over it leaves parts of it behind.
        let mut over = tags.clone();
        let short = self::record(&[("Name", "web")]);
        over.extend(short.to_tags().unwrap());
        assert_eq!(Record::from_tags(&over), Ok(short));
        for key in tags.keys() {
            let mut damaged = tags.clone();
            damaged.remove(key);
            assert!(Record::from_tags(&damaged).is_err(), "{key}");
        }
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let long = "x".repeat(256);
        let tags: Vec<String> = (0..49).map(|n| format!("{n:0128}")).collect();
        let tags: Vec<(&str, &str)> = tags.iter().map(|key| (&**key, &*long)).collect();
        assert!(record(&tags).to_tags().unwrap_err().contains("too long"));
        let tags: Vec<String> = (0..50).map(|n| n.to_string()).collect();
        let tags: Vec<(&str, &str)> = tags.iter().map(|key| (&**key, "")).collect();
        assert!(record(&tags).to_tags().unwrap_err().contains("50 tags"));
    }

    #[test]
    fn a_changed_record_is_none() {
        let tags = record(&[("Name", "web")]).to_tags().unwrap();
        let change = |from: &str, to: &str| {
            let changed = tags.iter().map(|(key, value)| (key.clone(), value.replace(from, to)));
            Record::from_tags(&changed.collect())
        };
        assert!(change("3000", "4000").unwrap_err().contains("changed or are damaged"));
        assert!(change("1:", "2:").unwrap_err().contains("does not know"));
        assert!(Record::from_tags(&BTreeMap::new()).unwrap_err().contains("not recorded yet"));
    }
}
