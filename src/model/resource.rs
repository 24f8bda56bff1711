//! A resource as it is wanted, as it is, and as it was last written.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Address, Place, Scope};

/// A resource's fields in normal form: defaults filled in, sets sorted, absent fields left out.
///
/// The planner compares these maps field by field; it has no knowledge of kinds.
pub type Fields = BTreeMap<String, serde_json::Value>;

/// The thing that a declaration attaches a resource to: an instance, a database, a cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TargetRef {
    /// The target's kind as the manifest writes it: `ec2`, `rds`, `rds_cluster`, or [`TargetRef::ROW`].
    pub kind: String,
    /// The AWS id, such as `i-0123456789abcdef0`; of a row what stands in its key column.
    pub id: String,
    /// The Name tag, or the id where there is none.
    pub name: String,
}

impl TargetRef {
    /// The kind of a row of an inventory that stands for itself and not for something on AWS.
    pub const ROW: &'static str = "row";

    /// In words: `i-0abc (web-1)`, or the id alone where there is no other name.
    pub fn words(&self) -> String {
        if self.id == self.name { self.id.clone() } else { format!("{} ({})", self.id, self.name) }
    }
}

/// Which declaration wants a resource. Metadata: it is shown as the reason and never identifies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// The declaration's address in the manifest, such as `alarm.cpu`.
    pub label: String,
    /// Where it is declared, such as `manifests/alarms.toml:12`.
    pub place: String,
}

/// A resource that the manifest asks for.
#[derive(Clone, Debug)]
pub struct Desired {
    /// Its identity.
    pub address: Address,
    /// All fields that opsform manages, in normal form.
    pub fields: Fields,
    /// The declaration that wants it.
    pub origin: Origin,
    /// The place of the declaration, for diagnostics.
    pub place: Place,
    /// What it is attached to; `None` for a resource of the whole scope.
    pub target: Option<TargetRef>,
    /// What the declaration claims of it.
    pub claim: Claim,
    /// Whether opsform must never delete it.
    pub protect: bool,
}

/// What a declaration claims of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It is opsform's own: recorded in the state, and deleted when nothing wants it any more.
    Own {
        /// Whether one that exists and is nobody's may be taken over.
        adopt: bool,
    },
    /// It is opsform's own, like [`Claim::Own`], and of several declarations that all want the same: a schedule group.
    Joint {
        /// Whether one that exists and is nobody's may be taken over.
        adopt: bool,
    },
    /// It is made where there is none, and is opsform's own then. One that is there already is somebody else's and is
    /// left as it is; so is one of ours that somebody changed.
    IfAbsent,
    /// What is there is brought into this form, whoever's it is. Nothing is recorded, and nothing is made.
    Correct {
        /// Why, as the rest of a sentence: `because expiry-date 2026-11-19 has passed`.
        why: String,
    },
    /// Somebody asked for it by hand: what is there is brought into this form once, whoever's it is, and nothing is recorded.
    Asked,
    /// What is there and nobody's becomes the project's by the tags that it is given, and by them alone: nothing is recorded,
    /// and nothing is made.
    AdoptByTag {
        /// Why, as the rest of a sentence.
        why: String,
    },
    /// It is the project's by its tags alone, is not recorded, and is to be deleted.
    Remove {
        /// Why: `generation 8 of 7, taken 2026-11-12`.
        why: String,
        /// Whether time alone made it surplus, as it does every day.
        usual: bool,
        /// The keys of what has to stay, of the same kind and in the same place: without one of them it is not surplus.
        relies_on: Vec<String>,
    },
}

impl Claim {
    /// Whether it is about what another resource of the project's made, which says nothing about what the declaration
    /// selects.
    pub fn is_of_products(&self) -> bool {
        matches!(self, Self::AdoptByTag { .. } | Self::Remove { .. })
    }
}

/// A target that somebody asked for and that is left as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Account and region.
    #[serde(flatten)]
    pub scope: Scope,
    /// The target.
    pub target: TargetRef,
    /// Why, of it alone.
    pub why: String,
    /// Why, of several that have this in common.
    #[serde(skip)]
    pub shared: String,
}

/// Who owns a live resource according to its tags on AWS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Ownership {
    /// The tags were not read: for resources in our state they are not needed to plan.
    #[default]
    NotRead,
    /// The tags name no opsform project.
    Nobody,
    /// The tag `opsform:project` names this project.
    Project {
        /// The value of `opsform:project`.
        name: String,
        /// The value of `opsform:label`, where present.
        label: Option<String>,
    },
}

/// A resource as AWS holds it now.
#[derive(Clone, Debug)]
pub struct Actual {
    /// Its identity.
    pub address: Address,
    /// Its fields in the same normal form as [`Desired::fields`].
    pub fields: Fields,
    /// Its owner, as far as that was read.
    pub ownership: Ownership,
    /// Why opsform must not write this resource: it uses features that its spec cannot express,
    /// so a write would flatten them.
    pub inexpressible: Option<String>,
}

/// A resource that this project's state records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Owned {
    /// Its identity.
    #[serde(flatten)]
    pub address: Address,
    /// The label of the declaration that last wanted it, such as `alarm.cpu`.
    pub label: String,
    /// What it was attached to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetRef>,
    /// Set by `protect = true`; it survives the declaration's removal.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protect: bool,
    /// The fields as opsform last wrote or confirmed them.
    pub fields: Fields,
}
