//! The list of declarations.

use std::collections::{BTreeMap, BTreeSet};

use crate::manifest::{self, Document, Files, Placed, Settings, TableReader};
use crate::model::{Diagnostic, Diagnostics, Place};
use crate::resources;

use super::inventories::{self, Inventories};
use super::{Declaration, alarm, job, park, schedule, snapshot, tags};

/// A label becomes part of an AWS tag's value, which holds 256 characters.
const LABEL_LENGTH: usize = 128;

/// One sort of block.
#[derive(Clone, Copy, Debug)]
pub struct DeclarationKind {
    /// The block's name in manifests: `alarm` for `[[alarm]]`.
    pub block: &'static str,
    /// What it declares, in one line.
    pub about: &'static str,
    /// The kinds of what it makes that are the project's by their tags alone.
    pub known_by_tags: &'static [&'static str],
    /// Reads a block. Records every problem and gives nothing if there was an error that leaves a hole.
    pub parse: fn(&mut TableReader<'_>, &Context<'_>) -> Option<Box<dyn Declaration>>,
    /// The files that a block names, besides those of inventories, by the paths under which they must be read.
    pub files: fn(&manifest::Block) -> Vec<String>,
}

/// What a block's reader may know besides the block.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The block's label, such as `cpu`.
    pub label: &'a str,
    /// The manifest's settings.
    pub settings: &'a Settings,
    /// The manifest's inventories.
    pub inventories: &'a Inventories,
    /// The files that blocks name.
    pub files: &'a Files,
}

/// All sorts of blocks. A new one is one folder and one line here.
pub const REGISTRY: &[DeclarationKind] = &[
    DeclarationKind {
        block: "alarm",
        about: "a CloudWatch alarm for each selected target",
        known_by_tags: &[],
        parse: alarm::parse,
        files: |_| Vec::new(),
    },
    DeclarationKind {
        block: "job",
        about: "a command that runs by itself, at times, on events or on request",
        known_by_tags: &[],
        parse: job::parse,
        files: |_| Vec::new(),
    },
    DeclarationKind {
        block: "park",
        about: "instances that are kept for the price of their snapshots",
        known_by_tags: &[],
        parse: park::parse,
        files: |_| Vec::new(),
    },
    DeclarationKind {
        block: "schedule",
        about: "when instances, databases and clusters start and stop",
        known_by_tags: &[],
        parse: schedule::parse,
        files: schedule::files_of,
    },
    DeclarationKind {
        block: "snapshot",
        about: "snapshots of volumes on a schedule, and how many are kept",
        known_by_tags: &[resources::snapshot::KIND],
        parse: snapshot::parse,
        files: |_| Vec::new(),
    },
    DeclarationKind {
        block: "tags",
        about: "the tags that targets must carry",
        known_by_tags: &[],
        parse: tags::parse,
        files: |_| Vec::new(),
    },
];

/// The names of all blocks.
pub fn block_names() -> Vec<&'static str> {
    REGISTRY.iter().map(|kind| kind.block).chain([inventories::BLOCK]).collect()
}

/// The kinds of what a declaration of this label makes, or made, that are the project's by their tags alone.
pub fn kinds_known_by_tags(label: &str) -> &'static [&'static str] {
    let block = label.split_once('.').map_or(label, |(block, _)| block);
    REGISTRY.iter().find(|kind| kind.block == block).map_or(&[], |kind| kind.known_by_tags)
}

/// The files that the blocks of a document name, by the paths under which they must be read.
pub fn files_of(document: &Document) -> BTreeSet<String> {
    let of_block = |block: &manifest::Block| {
        let kind = REGISTRY.iter().find(|kind| kind.block == block.name);
        kind.map(|kind| (kind.files)(block)).unwrap_or_default()
    };
    document.blocks.iter().flat_map(of_block).chain(inventories::files_of(document)).collect()
}

/// A manifest without errors.
#[derive(Debug)]
pub struct Manifest {
    /// Its settings.
    pub settings: Settings,
    /// Its declarations in the order of files and lines.
    pub declarations: Vec<Box<dyn Declaration>>,
    /// What is worth a look.
    pub warnings: Diagnostics,
}

impl Manifest {
    /// Checks everything that can be checked without AWS. `problems` are those of reading the document, as
    /// [`crate::manifest::load`] gives both.
    ///
    /// # Errors
    /// All problems, warnings included, where at least one of them is an error.
    pub fn new(document: Document, mut problems: Diagnostics) -> Result<Self, Diagnostics> {
        let (declarations, more) = parse_all(&document);
        problems.extend(more);
        if problems.has_errors() {
            return Err(problems);
        }
        Ok(Self { settings: document.settings, declarations, warnings: problems })
    }
}

/// The declarations of a document, and every problem of its blocks. Where there is an error, some declarations are
/// missing.
pub fn parse_all(document: &Document) -> (Vec<Box<dyn Declaration>>, Diagnostics) {
    let mut problems = Diagnostics::new();
    let mut declarations = Vec::new();
    let mut labels: BTreeMap<(&str, String), Place> = BTreeMap::new();
    let inventories = inventories::read(document, &mut problems);
    job::check_runner(&document.settings, &mut problems);
    for block in &document.blocks {
        let Some(kind) = REGISTRY.iter().find(|kind| kind.block == block.name) else {
            continue;
        };
        let mut reader = block.reader(&mut problems);
        let label = label(&mut reader);
        if let Some(label) = &label {
            let key = (kind.block, label.value.clone());
            if let Some(first) = labels.get(&key) {
                reader.problem(
                    Diagnostic::error(format!("two blocks are labelled {}.{}", kind.block, label.value))
                        .at(label.place.clone())
                        .related(first.clone(), "the first one"),
                );
            } else {
                labels.insert(key, label.place.clone());
            }
        }
        // A block without a label is read all the same, so that its other problems are told too.
        let context = Context {
            label: label.as_ref().map_or("?", |label| label.value.as_str()),
            settings: &document.settings,
            inventories: &inventories,
            files: &document.files,
        };
        declarations.extend((kind.parse)(&mut reader, &context));
        reader.finish();
    }
    (declarations, problems)
}

/// The label of a block.
pub(super) fn label(reader: &mut TableReader<'_>) -> Option<Placed<String>> {
    let label = reader.required::<String>("label")?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let fits =
        !label.value.is_empty() && label.value.len() <= LABEL_LENGTH && label.value.chars().all(allowed);
    if !fits {
        reader.problem(
            Diagnostic::error(format!("{:?} cannot be a label", label.value))
                .at(label.place)
                .hint(format!("a label has 1 to {LABEL_LENGTH} letters, digits, `-` and `_`")),
        );
        return None;
    }
    Some(label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{SourceSet, parse};

    const ALARM: &str = "[[alarm]]\nlabel = 'cpu'\nfor_each = { ec2 = {} }\nname = '{{ name }}'\n\
                         metric = 'CPUUtilization'\ncomparison = '>'\nthreshold = 90\n";

    fn manifest(files: &[(&str, &str)]) -> Result<Manifest, Vec<String>> {
        let (document, problems) = parse(&SourceSet::new("manifests", files.to_vec()), &block_names());
        Manifest::new(document, problems)
            .map_err(|problems| problems.into_iter().map(|d| d.summary).collect())
    }

    #[test]
    fn files_become_settings_and_declarations() {
        let project = "[project]\nname = 'payments'\n";
        let manifest = manifest(&[("main.toml", project), ("alarms.toml", ALARM)]).unwrap();
        assert_eq!(manifest.settings.project, "payments");
        let labels: Vec<&str> = manifest.declarations.iter().map(|d| d.label()).collect();
        assert_eq!(labels, ["alarm.cpu"]);
        assert!(manifest.warnings.is_empty());
    }

    #[test]
    fn problems_of_files_settings_and_blocks_come_together() {
        let faults = manifest(&[
            ("a.toml", "[project]\nname = payments\n"),
            ("b.toml", "[aws]\nregions = ['seoul']\n"),
            ("c.toml", &ALARM.replace("90", "'high'")),
        ]);
        assert_eq!(
            faults.unwrap_err(),
            [
                "invalid TOML: text must be quoted",
                "\"seoul\" is not a region's code",
                "`threshold`: expected a number, or a template that gives one, found the string \"high\"",
            ]
        );
    }

    #[test]
    fn names_of_blocks_are_unique() {
        let names = block_names();
        let unique: std::collections::BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(unique.len(), names.len());
    }
}
