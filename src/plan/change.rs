//! What a plan consists of.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::{Address, Fields, Origin, Owned, Refused, Scope, TargetRef};

/// What is to be done with one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Owned by another opsform project, or not safe to write: always an error.
    Conflict,
    /// Owned, no longer desired.
    Delete,
    /// The key changed: the new one is made before the old one is deleted.
    Replace,
    /// Exists and is nobody's: taken over, when that is allowed.
    Adopt,
    /// Desired, not there.
    Create,
    /// Owned, differs.
    Update,
    /// Owned, already gone and no longer desired.
    Forget,
}

impl Verb {
    /// All verbs in the order in which plans list them: dangers first.
    pub const ALL: [Self; 7] =
        [Self::Conflict, Self::Delete, Self::Replace, Self::Adopt, Self::Create, Self::Update, Self::Forget];
}

/// Who changed a field since opsform last wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The manifest asks for another value than the one last written.
    Manifest,
    /// The live object was changed outside opsform: drift.
    Drift,
    /// Both, and they do not agree.
    Both,
    /// A rule asks for it, whoever wrote the live value.
    Rule,
    /// Somebody asked for it by hand.
    Asked,
    /// There is no record of what was last written (an adoption, a recovered resource).
    Unknown,
}

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// The field's name, such as `threshold`.
    pub name: String,
    /// The live value; `None` where the live object has no such field.
    pub before: Option<Value>,
    /// The desired value; `None` where the field is to be removed.
    pub after: Option<Value>,
    /// Who changed it.
    pub cause: Cause,
}

/// Where the target of an owned resource went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Absence {
    /// AWS still shows it, terminated or shutting down.
    Terminated,
    /// AWS knows no such id.
    Missing,
    /// It is there, but the declaration no longer selects it.
    NotSelected,
    /// It is there and selected, but the declaration now makes something else of it.
    Superseded,
    /// It was a row of an inventory, and the inventory no longer has it.
    RowRemoved,
    /// Its region is no longer one of the manifest's.
    RegionRemoved,
    /// There is no target, or no record of it.
    Unknown,
}

/// Why a resource is changed, where its fields do not say.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Reason {
    /// The target is gone or no longer selected.
    Target {
        /// What became of it.
        absence: Absence,
    },
    /// The declaration is no longer in the manifest.
    DeclarationRemoved,
    /// `destroy` was asked for.
    Destroy,
    /// Its time is over: it does nothing any more.
    Over,
    /// Owned and desired, but somebody deleted it outside opsform.
    DeletedOutside,
    /// Its name changed because its template or its target's tags did.
    Renamed,
    /// The object's tags say that this project owns it, but the state has no record of it.
    Recovered,
    /// It exists, is nobody's, and taking over was not allowed: needs `adopt = true` or `--adopt`.
    AdoptionRefused,
    /// It bears the tag of another opsform project.
    OtherProject {
        /// That project's name.
        project: String,
    },
    /// The state records it, but it no longer bears this project's tag: somebody made it anew, or took the tag off.
    TagGone,
    /// The live object is brought into another form, whoever's it is, and not recorded.
    Correction {
        /// Why, as the rest of a sentence.
        why: String,
    },
    /// It is nobody's, and becomes the project's by its tags alone.
    ByTag {
        /// Why, as the declaration says it.
        why: String,
    },
    /// It is the project's by its tags alone, and the declaration that had it made no longer wants it.
    Surplus {
        /// Why, as the declaration says it.
        why: String,
        /// Whether time alone made it surplus, as it does every day.
        usual: bool,
        /// The keys of what has to stay, each in [`Plan::relied_on`]: without one of them it is not surplus.
        relies_on: Vec<String>,
    },
    /// It cannot be brought into the wanted form before a person has put something right.
    Refused {
        /// Why, as a whole sentence part: `it is a spot instance, …`.
        why: String,
    },
    /// The state records it, but somebody changed it, and things of its kind belong to whoever changed them last.
    TakenOver,
    /// The live object uses what opsform cannot express, so a write would flatten it.
    Inexpressible {
        /// The features in words.
        what: String,
    },
}

/// The old resource of a [`Verb::Replace`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PreviousResource {
    /// Its identity.
    pub address: Address,
    /// Its live fields.
    pub fields: Fields,
}

/// One change to one resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// What is to be done.
    pub verb: Verb,
    /// To what. For a replace this is the new resource.
    pub address: Address,
    /// The declaration that wants it, or wanted it (a delete has the label of old and no place).
    pub origin: Origin,
    /// What it is attached to.
    pub target: Option<TargetRef>,
    /// Why, where the fields do not say.
    #[serde(flatten)]
    pub reason: Option<Reason>,
    /// The fields that differ, for updates, adoptions and replaces.
    pub fields: Vec<FieldChange>,
    /// The live object whole; `None` where there is none.
    pub before: Option<Fields>,
    /// The desired object whole; `None` for deletes and forgets.
    pub after: Option<Fields>,
    /// The resource that this one takes the place of.
    pub replaces: Option<PreviousResource>,
    /// Whether opsform is to protect it from deletion, as state records it.
    pub protect: bool,
    /// What is done one after the other, where that is more than one write.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<String>,
    /// What else a reviewer should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What it comes to, where that is more than fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deed: Option<Deed>,
}

/// What a change comes to, as the total of a plan says it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    /// The verb: `park`.
    pub word: String,
    /// How many objects it deletes on its way.
    pub deletes: usize,
    /// What becomes of one of them: `volume deleted once its snapshot is complete`.
    pub one: String,
    /// What becomes of several.
    pub many: String,
}

/// Live objects that are nobody's and as the manifest wants them, counted by what they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AsDeclared {
    /// One of them: `instance`.
    pub noun: String,
    /// Several.
    pub plural: String,
    /// How many are what: `parked` → 2.
    pub states: BTreeMap<String, usize>,
}

impl AsDeclared {
    /// All of them.
    pub fn count(&self) -> usize {
        self.states.values().sum()
    }
}

/// What carrying out a change takes and means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outlook {
    /// What is done one after the other.
    pub steps: Vec<String>,
    /// What else a reviewer should know.
    pub notes: Vec<String>,
    /// What it comes to.
    pub deed: Option<Deed>,
    /// Why it must not be done: it is left alone.
    pub refusal: Option<String>,
    /// What a person has to put right before it can be done: a conflict.
    pub obstacle: Option<String>,
    /// What it saves, where that is why it is done.
    pub saving: Option<Saving>,
}

/// What a change saves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saving {
    /// A month, in US dollars, at least; `None` where a price is not known. Less than nothing where it costs more.
    pub monthly_usd: Option<Decimal>,
    /// Of when the prices are, in words.
    pub prices: String,
}

/// What the changes of a plan save together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SavingTotal {
    /// A month, in US dollars, at least: the sum of what is known, each to the cent.
    pub monthly_usd: f64,
    /// How many changes that is of.
    pub changes: usize,
    /// Of how many others a price is not known.
    pub unpriced: usize,
    /// Of when the prices are, in words.
    pub prices: Vec<String>,
}

impl SavingTotal {
    /// Nothing where no price is known.
    fn of<'a>(savings: impl Iterator<Item = &'a Saving>) -> Option<Self> {
        let (mut sum, mut total, mut prices) = (Decimal::ZERO, Self::default(), BTreeSet::new());
        for saving in savings {
            if let Some(amount) = saving.monthly_usd {
                sum += amount;
                total.changes += 1;
                prices.insert(saving.prices.clone());
            } else {
                total.unpriced += 1;
            }
        }
        let monthly_usd = sum.to_f64()?;
        (total.changes > 0).then(|| Self { monthly_usd, prices: prices.into_iter().collect(), ..total })
    }
}

impl Change {
    /// The state's record of the change when it is carried out.
    pub fn record(&self) -> Owned {
        Owned {
            address: self.address.clone(),
            label: self.origin.label.clone(),
            target: self.target.clone(),
            protect: self.protect,
            fields: self.after.clone().unwrap_or_default(),
        }
    }

    /// What it deletes, where that is the project's by its tags alone.
    pub fn tagged(&self) -> Option<Tagged> {
        let deletes = self.verb == Verb::Delete && !self.is_recorded();
        deletes.then(|| Tagged {
            address: self.address.clone(),
            label: self.origin.label.clone(),
            fields: self.before.clone().unwrap_or_default(),
        })
    }

    /// What it makes the project's by its tags alone, as it is then.
    pub fn adopted(&self) -> Option<Tagged> {
        let Some(Reason::ByTag { .. }) = self.reason else { return None };
        let (address, label) = (self.address.clone(), self.origin.label.clone());
        Some(Tagged { address, label, fields: self.after.clone()? })
    }

    /// What has to stay, so that this change is right.
    pub fn relies_on(&self) -> impl Iterator<Item = Address> {
        let keys: &[String] = match &self.reason {
            Some(Reason::Surplus { relies_on, .. }) => relies_on,
            _ => &[],
        };
        let Address { kind, scope, .. } = &self.address;
        keys.iter().map(|key| Address::new(kind.as_str(), scope.clone(), key.as_str()))
    }

    /// Whether the state records the object: once the change is carried out, or until it is.
    pub fn is_recorded(&self) -> bool {
        !matches!(
            self.reason,
            Some(Reason::Correction { .. } | Reason::ByTag { .. } | Reason::Surplus { .. })
        )
    }

    /// Whether it changes what is not ours, and does not become ours.
    pub fn is_correction(&self) -> bool {
        matches!(self.reason, Some(Reason::Correction { .. }))
    }

    /// What is left alone instead of it.
    fn refused(&self, why: String) -> Refused {
        let Address { kind, scope, key } = &self.address;
        let unknown = || TargetRef { kind: kind.clone(), id: key.clone(), name: key.clone() };
        let target = self.target.clone().unwrap_or_else(unknown);
        Refused { scope: scope.clone(), target, why, shared: String::new() }
    }

    /// Brings changes into the order of a plan: by verb, dangers first, then by label and address.
    pub(super) fn sort(changes: &mut [Self]) {
        changes.sort_by(|a, b| {
            (a.verb, &a.origin.label, &a.address).cmp(&(b.verb, &b.origin.label, &b.address))
        });
    }

    /// Whether nobody but the world outside opsform made this change necessary.
    pub fn is_drift(&self) -> bool {
        match self.verb {
            Verb::Update => !self.fields.is_empty() && self.fields.iter().all(|f| f.cause == Cause::Drift),
            Verb::Create => self.reason == Some(Reason::DeletedOutside),
            _ => false,
        }
    }

    /// Whether this change stops the whole apply until a person resolves it.
    pub fn is_blocking(&self) -> bool {
        self.verb == Verb::Conflict || self.reason == Some(Reason::AdoptionRefused)
    }
}

/// A record that the state takes over without any change on AWS: a new label, a recovered resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refresh {
    /// The record as it is to be.
    pub owned: Owned,
}

/// A resource that is the project's by its tags alone, as the plan saw it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tagged {
    /// Its identity.
    #[serde(flatten)]
    pub address: Address,
    /// The value of its tag `opsform:label`.
    pub label: String,
    /// Its live fields.
    pub fields: Fields,
}

/// A resource that stays because of what is not to be deleted with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Its identity.
    #[serde(flatten)]
    pub address: Address,
    /// What it would do: `deleting it would delete the schedules in it: theirs`.
    pub why: String,
}

/// How many resources there are of which a plan might delete some: what a part of them is a part of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Covered {
    /// Whether `--target`, `--exclude` or `--region` left some out.
    pub selected: bool,
    /// What the state records.
    pub recorded: usize,
    /// What is the project's by its tags alone, by declaration.
    pub tagged: BTreeMap<String, usize>,
}

impl Covered {
    /// All of them.
    pub fn total(&self) -> usize {
        self.recorded + self.tagged.values().sum::<usize>()
    }
}

/// What reading AWS cost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadCost {
    /// Objects read, by plural noun: `alarms` → 3000.
    pub objects: BTreeMap<String, usize>,
    /// API calls made, retries included, by `service:Operation`.
    pub calls: BTreeMap<String, usize>,
    /// Wall time in milliseconds.
    pub milliseconds: u64,
}

impl ReadCost {
    /// All calls together.
    pub fn call_count(&self) -> usize {
        self.calls.values().sum()
    }
}

/// Everything that an apply needs, and everything that a renderer shows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The project's name.
    pub project: String,
    /// The accounts and regions that were read.
    pub scopes: Vec<Scope>,
    /// The changes, sorted by verb (dangers first), label and key.
    pub changes: Vec<Change>,
    /// What the state takes over without a change on AWS.
    pub refreshes: Vec<Refresh>,
    /// Owned resources that are no longer desired but stay because they are protected.
    pub protected: Vec<Owned>,
    /// Owned resources that are no longer desired but stay because of what is not to be deleted with them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<Held>,
    /// What the deletes rely on, besides what is adopted first: it has to stay as it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub relied_on: Vec<Tagged>,
    /// How many desired resources need no change.
    pub unchanged: usize,
    /// What is nobody's and as the manifest wants it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub as_declared: Vec<AsDeclared>,
    /// How many changes `--target`, `--exclude` or `--no-delete` left out.
    pub left_out: usize,
    /// What is asked for and left as it is, with the reasons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Refused>,
    /// How much there is of what the selection covers.
    #[serde(default)]
    pub covered: Covered,
    /// What the changes save together, of those that are made for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saving: Option<SavingTotal>,
    /// What reading cost.
    pub cost: ReadCost,
}

impl Plan {
    /// Whether there is nothing to do on AWS.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Notes what carrying out the changes takes and means. What is refused is left alone, and what a person has to put right
    /// first becomes a conflict.
    pub fn foresee(&mut self, mut outlooks: BTreeMap<Address, Outlook>) {
        let mut savings = Vec::new();
        for mut change in std::mem::take(&mut self.changes) {
            let outlook = outlooks.remove(&change.address).unwrap_or_default();
            if let Some(why) = outlook.refusal {
                self.refused.push(change.refused(why));
                continue;
            }
            (change.steps, change.notes, change.deed) = (outlook.steps, outlook.notes, outlook.deed);
            savings.extend(outlook.saving);
            if let Some(why) = outlook.obstacle {
                change.verb = Verb::Conflict;
                change.reason = Some(Reason::Refused { why });
            }
            self.changes.push(change);
        }
        self.saving = SavingTotal::of(savings.iter());
        Change::sort(&mut self.changes);
    }

    /// Leaves alone what deletes something on its way: `--no-delete`.
    pub fn spare(&mut self) {
        for change in std::mem::take(&mut self.changes) {
            match change.deed.as_ref().filter(|deed| deed.deletes > 0 && change.verb == Verb::Update) {
                Some(deed) => {
                    let what = if deed.deletes == 1 { &deed.one } else { &deed.many };
                    let why = format!("--no-delete: to {} it means {} {what}", deed.word, deed.deletes);
                    self.refused.push(change.refused(why));
                    // What deletes nothing saves nothing.
                    self.saving = None;
                }
                None => self.changes.push(change),
            }
        }
    }

    /// Leaves out deletes that cannot be carried out, for these reasons.
    pub fn hold(&mut self, held: Vec<Held>) {
        let stays = |change: &Change| held.iter().any(|held| held.address == change.address);
        self.changes.retain(|change| change.verb != Verb::Delete || !stays(change));
        self.held.extend(held);
    }

    /// How many changes have this verb.
    pub fn count(&self, verb: Verb) -> usize {
        self.changes.iter().filter(|c| c.verb == verb).count()
    }

    /// Whether there are changes and all of them undo drift.
    pub fn is_drift_only(&self) -> bool {
        !self.changes.is_empty() && self.changes.iter().all(Change::is_drift)
    }

    /// All that it changes, replaces or records.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        let changed = self.changes.iter().map(|change| &change.address);
        let replaced = self.changes.iter().filter_map(|change| Some(&change.replaces.as_ref()?.address));
        changed.chain(replaced).chain(self.refreshes.iter().map(|refresh| &refresh.owned.address))
    }

    /// The changes that stop an apply: conflicts and refused adoptions.
    pub fn blocking(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|c| c.is_blocking())
    }

    /// How many resources this plan deletes for good. What gets another name is not among them: its new half is made
    /// first, and an apply that was cut off in between leaves a delete that only finishes the rename. Nor is what is over.
    pub fn delete_count(&self) -> usize {
        let deletes = self.changes.iter().filter(|change| change.verb == Verb::Delete);
        deletes.filter(|change| !matches!(change.reason, Some(Reason::Renamed | Reason::Over))).count()
    }

    /// How many of the deletes are of what the state does not record.
    pub fn unrecorded_delete_count(&self) -> usize {
        self.changes.iter().filter(|change| change.tagged().is_some()).count()
    }

    /// How many of those are not what time alone made surplus, by declaration.
    pub fn unusual_delete_counts(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for change in &self.changes {
            if matches!(change.reason, Some(Reason::Surplus { usual: false, .. })) {
                *counts.entry(&*change.origin.label).or_default() += 1;
            }
        }
        counts
    }

    /// How many resources this plan removes from AWS: deletes and the old halves of replaces.
    pub fn destroy_count(&self) -> usize {
        self.count(Verb::Delete) + self.count(Verb::Replace)
    }
}
