//! `[[inventory]]`: targets that a file lists, with what it says about each.

mod block;
mod columns;
mod rows;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::manifest::{Document, Files, Placed, path_beside};
use crate::model::{Diagnostic, Diagnostics, Place};

pub(super) use self::columns::unknown_columns;
pub use self::rows::Inventory;
pub(super) use self::rows::{Missing, RowKind};

/// The block's name in manifests.
pub(super) const BLOCK: &str = "inventory";

/// All inventories of a manifest by label. `None` stands for one that has errors, which are recorded.
#[derive(Clone, Debug, Default)]
pub struct Inventories(BTreeMap<String, Option<Arc<Inventory>>>);

impl Inventories {
    /// The inventory with this label.
    pub(super) fn get(&self, label: &str) -> Option<&Option<Arc<Inventory>>> {
        self.0.get(label)
    }

    /// All labels.
    pub(super) fn labels(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }
}

/// The files that the inventories of a document name, by the paths under which they must be read.
pub(super) fn files_of(document: &Document) -> BTreeSet<String> {
    let blocks = document.blocks.iter().filter(|block| block.name == BLOCK);
    let files = blocks.filter_map(|block| {
        let value = &block.table.get("file")?.value;
        Some(path_beside(&value.place, value.as_str()?))
    });
    files.collect()
}

/// The inventories of a document, from its files.
pub(super) fn read(document: &Document, problems: &mut Diagnostics) -> Inventories {
    let mut inventories = BTreeMap::new();
    let mut places: BTreeMap<String, Place> = BTreeMap::new();
    for block in document.blocks.iter().filter(|block| block.name == BLOCK) {
        let mut reader = block.reader(problems);
        let label = super::registry::label(&mut reader);
        let parsed = block::Block::read(&mut reader);
        reader.finish();
        let Some(label) = label else { continue };
        if let Some(first) = places.get(&label.value) {
            problems.push(twice(&label, first));
            continue;
        }
        places.insert(label.value.clone(), label.place.clone());
        let inventory = parsed.and_then(|block| from_files(block, &label.value, &document.files, problems));
        inventories.insert(label.value, inventory.map(Arc::new));
    }
    Inventories(inventories)
}

fn from_files(
    block: block::Block,
    label: &str,
    files: &Files,
    problems: &mut Diagnostics,
) -> Option<Inventory> {
    let sheet = block.sheet.read(files, problems)?;
    Inventory::new(label, &block, Arc::new(sheet), problems)
}

fn twice(label: &Placed<String>, first: &Place) -> Diagnostic {
    Diagnostic::error(format!("two inventories are labelled `{}`", label.value))
        .at(label.place.clone())
        .related(first.clone(), "the first one")
}

#[cfg(test)]
mod tests;
