//! The spec of a tag, and how one is addressed.

use serde::{Deserialize, Serialize};

use crate::model::{Fields, KindText};

/// The kind's name.
pub const KIND: &str = "tag";

/// The kind in words. Tags belong to whoever wrote them last.
pub(super) const TEXT: KindText = KindText { kind: KIND, noun: "tag", plural: "tags", shared: true, summary };

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    /// The key as it is written.
    pub key: String,
    /// The value.
    pub value: String,
}

impl Tag {
    /// The field map that the planner compares.
    pub fn to_fields(&self) -> Fields {
        Fields::from([
            ("key".to_owned(), self.key.as_str().into()),
            ("value".to_owned(), self.value.as_str().into()),
        ])
    }

    /// The tag of a field map; `None` where it is not one that [`Tag::to_fields`] makes.
    pub fn from_fields(fields: &Fields) -> Option<Self> {
        let text = |name: &str| fields.get(name)?.as_str().map(str::to_owned);
        Some(Self { key: text("key")?, value: text("value")? })
    }
}

/// Which tag of what: the natural key of the kind, `ec2/i-0abc/Env`.
///
/// The tag's own key comes last, because it may hold slashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TagKey<'a> {
    /// The kind of target: `ec2`, `ebs`, `rds`, `rds_cluster`.
    pub kind: &'a str,
    /// The target's id.
    pub id: &'a str,
    /// The tag's key as it is on AWS before a change.
    pub key: &'a str,
}

impl<'a> TagKey<'a> {
    /// The key as an address holds it.
    pub fn to_text(self) -> String {
        format!("{}/{}/{}", self.kind, self.id, self.key)
    }

    /// The key of an address; `None` where it is not one that [`TagKey::to_text`] makes.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(3, '/');
        Some(Self { kind: parts.next()?, id: parts.next()?, key: parts.next()? })
    }
}

/// `Env = dev`
fn summary(fields: &Fields) -> String {
    Tag::from_fields(fields).map(|tag| format!("{} = {}", tag.key, tag.value)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tags_key_may_hold_slashes() {
        let key = TagKey { kind: "ec2", id: "i-1", key: "team/cost/center" };
        assert_eq!(key.to_text(), "ec2/i-1/team/cost/center");
        assert_eq!(TagKey::parse(&key.to_text()), Some(key));
        assert_eq!(TagKey::parse("ec2/i-1"), None);
    }

    #[test]
    fn fields_hold_the_whole_spec() {
        let tag = Tag { key: "Env".to_owned(), value: "dev".to_owned() };
        assert_eq!(Tag::from_fields(&tag.to_fields()), Some(tag.clone()));
        assert_eq!(summary(&tag.to_fields()), "Env = dev");
    }
}
