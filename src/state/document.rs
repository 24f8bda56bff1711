//! The state document: pure data.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::StateError;
use super::journal::Entry;
use super::reading::{document_text, parse_document};
use crate::model::{Actual, Address, Owned, Ownership, Scope};

/// The version of the document's format. A newer one is refused, never guessed at.
pub const FORMAT_VERSION: u32 = 1;

/// No project gets that far, and all who read JSON read numbers up to here exactly.
const HIGHEST_SERIAL: u64 = 1 << 53;

/// Everything that a project owns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// [`FORMAT_VERSION`] of the opsform that wrote it.
    pub format_version: u32,
    /// Made once when the state is created. Two states of different lineage are never mixed.
    pub lineage: String,
    /// Goes up by one with each write.
    pub serial: u64,
    /// The project's name.
    pub project: String,
    /// What is owned, by address.
    #[serde(with = "as_list")]
    pub resources: BTreeMap<Address, Owned>,
    /// What an apply began to create without learning whether AWS did: looked at, tags and all, by the next plan.
    #[serde(with = "as_list", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unconfirmed: BTreeMap<Address, Owned>,
}

impl State {
    /// An empty state of a new lineage.
    pub fn new(project: impl Into<String>, lineage: impl Into<String>) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            lineage: lineage.into(),
            serial: 0,
            project: project.into(),
            resources: BTreeMap::new(),
            unconfirmed: BTreeMap::new(),
        }
    }

    /// Reads a document that a person brings, and checks it as a store's own.
    ///
    /// # Errors
    /// Where it is damaged, newer than this opsform or of another project, or has a serial that opsform never wrote.
    pub fn parse(bytes: &[u8], path: &str, project: &str) -> Result<Self, StateError> {
        let state = parse_document(bytes, path, project)?;
        if state.serial > HIGHEST_SERIAL {
            return Err(state.serial_too_high(path));
        }
        Ok(state)
    }

    /// Counts up for the next write to `path`.
    pub(super) fn count_up(&mut self, path: &str) -> Result<(), StateError> {
        self.serial = self.serial.checked_add(1).ok_or_else(|| self.serial_too_high(path))?;
        self.format_version = FORMAT_VERSION;
        Ok(())
    }

    fn serial_too_high(&self, path: &str) -> StateError {
        let detail = format!("no run of opsform has counted up to its serial {}", self.serial);
        StateError::Damaged { path: path.to_owned(), detail }
    }

    /// The document as it is written.
    ///
    /// # Errors
    /// Where a value has no place in JSON.
    pub fn text(&self) -> Result<Vec<u8>, serde_json::Error> {
        document_text(self)
    }

    /// Decides about what an apply that was cut off began to create, in the scopes that were read: ours if AWS shows it
    /// with our tag, else there is nothing to record. Resources of `shared` kinds bear no tag: they are ours if they are as
    /// they were to be.
    pub fn settle(
        &mut self,
        actual: &BTreeMap<Address, Actual>,
        scopes: &[Scope],
        shared: &BTreeSet<String>,
    ) {
        let (settled, unread): (BTreeMap<_, _>, BTreeMap<_, _>) = std::mem::take(&mut self.unconfirmed)
            .into_iter()
            .partition(|(address, _)| scopes.contains(&address.scope));
        self.unconfirmed = unread;
        for (address, owned) in settled {
            let ours = actual.get(&address).is_some_and(|live| match &live.ownership {
                Ownership::Project { name, .. } => *name == self.project,
                _ => shared.contains(&address.kind) && live.fields == owned.fields,
            });
            if ours {
                self.resources.entry(address).or_insert(owned);
            }
        }
    }

    /// All addresses that the state speaks of, confirmed or not.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.resources.keys().chain(self.unconfirmed.keys())
    }

    /// Takes over one entry of a journal.
    pub fn take_over(&mut self, entry: Entry) {
        match entry {
            Entry::Intend { resources } => {
                self.unconfirmed.extend(resources.into_iter().map(|owned| (owned.address.clone(), owned)));
            }
            Entry::Own { resource } => {
                self.unconfirmed.remove(&resource.address);
                self.resources.insert(resource.address.clone(), resource);
            }
            Entry::Withdraw { address } => {
                self.unconfirmed.remove(&address);
            }
            Entry::Drop { address } => {
                self.unconfirmed.remove(&address);
                self.resources.remove(&address);
            }
        }
    }
}

/// JSON has no maps with structured keys: the document holds lists, sorted by address.
mod as_list {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serializer};

    use crate::model::{Address, Owned};

    pub(super) fn serialize<S: Serializer>(
        resources: &BTreeMap<Address, Owned>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(resources.values())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<Address, Owned>, D::Error> {
        let list = Vec::<Owned>::deserialize(deserializer)?;
        Ok(list.into_iter().map(|owned| (owned.address.clone(), owned)).collect())
    }
}
