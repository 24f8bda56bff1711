//! A manifest: its settings and its blocks.

use std::path::Path;
use std::sync::Arc;

use toml::de::DeTable;

use crate::model::{Diagnostic, Diagnostics, Place, SourceFile};

use super::reader::TableReader;
use super::settings::{self, Settings, SettingsParts};
use super::sheet::Files;
use super::source::SourceSet;
use super::suggest::hint_for;
use super::syntax;
use super::value::{Data, Entry, Table, Value};

/// One `[[…]]` block, not yet understood.
#[derive(Clone, Debug)]
pub struct Block {
    /// The block's name, such as `alarm`.
    pub name: String,
    /// Its keys.
    pub table: Table,
    /// Its header.
    pub place: Place,
}

impl Block {
    /// A reader of the block's keys.
    pub fn reader<'a>(&'a self, problems: &'a mut Diagnostics) -> TableReader<'a> {
        TableReader::new(format!("[[{}]]", self.name), &self.place, &self.table, problems)
    }
}

/// All files of a manifest, read as one.
#[derive(Clone, Debug, Default)]
pub struct Document {
    /// What `[project]`, `[aws]`, `[state]`, `[[account]]`, `[mail]`, `[report.cost]` and `[runner]` say.
    pub settings: Settings,
    /// The blocks in the order of files and lines.
    pub blocks: Vec<Block>,
    /// The files that blocks name, where somebody has read them.
    pub files: Files,
}

/// Reads the folder and everything in it. See [`parse`].
pub fn load(folder: &Path, block_names: &[&str]) -> (Document, Diagnostics) {
    let (sources, mut problems) = SourceSet::read(folder);
    let complete = !problems.has_errors();
    let document = parse_into(&sources, block_names, complete, &mut problems);
    (document, problems)
}

/// The document of these files, and all that is wrong with them.
///
/// `block_names` are the blocks that somebody will read. Where the diagnostics hold an error the document is what
/// could be made of the rest: good for finding more problems, not for acting on it.
pub fn parse(sources: &SourceSet, block_names: &[&str]) -> (Document, Diagnostics) {
    let mut problems = Diagnostics::new();
    let document = parse_into(sources, block_names, true, &mut problems);
    (document, problems)
}

fn parse_into(
    sources: &SourceSet,
    block_names: &[&str],
    complete: bool,
    problems: &mut Diagnostics,
) -> Document {
    let mut complete = complete;
    let mut parts = SettingsParts::default();
    let mut blocks = Vec::new();
    for file in sources.files() {
        let Some(table) = parse_table(file, problems) else {
            complete = false;
            continue;
        };
        for entry in table.entries() {
            if settings::NAMES.contains(&&*entry.key) {
                parts.add(entry.clone(), problems);
            } else if block_names.contains(&&*entry.key) {
                add_blocks(entry, &mut blocks, problems);
            } else {
                problems.push(unknown(entry, block_names));
            }
        }
    }
    // What seems to be missing may stand in the file that could not be read.
    let settings = parts.read(complete.then(|| sources.place()), problems);
    Document { settings, blocks, files: Files::new() }
}

/// The table of a file, or `None` after its faults were recorded: what the parser saves of a broken file would only
/// give follow-on problems.
pub(super) fn parse_table(file: &Arc<SourceFile>, problems: &mut Diagnostics) -> Option<Table> {
    let (table, errors) = DeTable::parse_recoverable(&file.text);
    if errors.is_empty() {
        return Some(Table::from_toml(table.get_ref(), file, problems));
    }
    problems.extend(syntax::diagnostics(file, &errors));
    None
}

fn add_blocks(entry: &Entry, blocks: &mut Vec<Block>, problems: &mut Diagnostics) {
    for (table, place) in list_of_tables(entry, problems) {
        blocks.push(Block { name: entry.key.clone(), table: table.clone(), place: place.clone() });
    }
}

/// The tables of a `[[name]]` list; anything else is recorded with the way to write it.
pub(super) fn list_of_tables<'a>(
    entry: &'a Entry,
    problems: &mut Diagnostics,
) -> Vec<(&'a Table, &'a Place)> {
    let name = &entry.key;
    let mut tables = Vec::new();
    match &entry.value.data {
        Data::List(items) => {
            for item in items {
                match &item.data {
                    Data::Table(table) => tables.push((table, &item.place)),
                    _ => problems.push(not_a_block(name, item)),
                }
            }
        }
        Data::Table(table) => {
            let labels = table.entries();
            let labelled = labels.len() == 1 && matches!(labels[0].value.data, Data::Table(_));
            let hint = if labelled {
                format!("write `[[{name}]]` and below it `label = \"{}\"`", labels[0].key)
            } else {
                format!("write `[[{name}]]`")
            };
            problems.push(
                Diagnostic::error(format!("`{name}` is a list of blocks and needs two brackets"))
                    .at(entry.value.place.clone())
                    .hint(hint),
            );
        }
        _ => problems.push(not_a_block(name, &entry.value)),
    }
    tables
}

fn not_a_block(name: &str, value: &Value) -> Diagnostic {
    Diagnostic::error(format!("`{name}`: expected a block, found {}", value.found()))
        .at(value.place.clone())
        .hint(format!("write `[[{name}]]` on a line of its own and the block's keys below it"))
}

fn unknown(entry: &Entry, block_names: &[&str]) -> Diagnostic {
    let names: Vec<&str> = settings::NAMES.iter().chain(block_names).copied().collect();
    Diagnostic::error(format!("unknown block or setting `{}`", entry.key))
        .at(entry.key_place.clone())
        .hint(hint_for(&entry.key, &names, "a manifest can have"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PROJECT: &str = "[project]\nname = \"payments\"\n";

    fn problems(files: &[(&str, &str)]) -> Vec<String> {
        let (_, problems) = parse(&SourceSet::new("manifests", files.to_vec()), &["alarm", "tags"]);
        problems
            .iter()
            .map(|d| {
                let hint = d.hint.iter().map(|hint| format!(" ({hint})"));
                let related = d.related.iter().map(|(place, what)| format!(" [{what} {place}]"));
                let notes: String = hint.chain(related).collect();
                format!("{} {}{notes}", d.place.as_ref().unwrap(), d.summary)
            })
            .collect()
    }

    #[test]
    fn blocks_keep_the_order_of_files_and_lines() {
        let sources = SourceSet::new(
            "manifests",
            [
                ("b.toml", "[[alarm]]\nlabel = 'c'\n"),
                ("a.toml", "[project]\nname = 'p'\n[[tags]]\n[[alarm]]\n[[tags]]\n"),
            ],
        );
        let (document, problems) = parse(&sources, &["alarm", "tags"]);
        assert!(problems.is_empty(), "{problems:?}");
        let blocks: Vec<String> =
            document.blocks.iter().map(|block| format!("{} {}", block.name, block.place)).collect();
        assert_eq!(blocks, ["tags a.toml:3:1", "tags a.toml:5:1", "alarm a.toml:4:1", "alarm b.toml:1:1"]);
    }

    #[test]
    fn an_unknown_name_gets_a_suggestion() {
        assert_eq!(
            problems(&[("a.toml", PROJECT), ("b.toml", "[[alram]]\n[projct]\n[colour]\n")]),
            [
                "b.toml:1:3 unknown block or setting `alram` (did you mean `alarm`?)",
                "b.toml:2:2 unknown block or setting `projct` (did you mean `project`?)",
                "b.toml:3:2 unknown block or setting `colour` (a manifest can have: `project`, `aws`, `state`, \
                 `account`, `mail`, `report`, `runner`, `alarm`, `tags`)",
            ]
        );
    }

    #[test]
    fn a_block_with_one_bracket_is_told_how_to_be_written() {
        assert_eq!(
            problems(&[("a.toml", PROJECT), ("b.toml", "[alarm]\nlabel = 'x'\n")]),
            ["b.toml:1:1 `alarm` is a list of blocks and needs two brackets (write `[[alarm]]`)"]
        );
        assert_eq!(
            problems(&[("a.toml", PROJECT), ("b.toml", "[alarm.cpu]\nmetric = 'x'\n")]),
            ["b.toml:1:2 `alarm` is a list of blocks and needs two brackets \
              (write `[[alarm]]` and below it `label = \"cpu\"`)"]
        );
        assert_eq!(
            problems(&[("a.toml", PROJECT), ("b.toml", "alarm = 'x'\ntags = [1]")]),
            [
                "b.toml:1:9 `alarm`: expected a block, found the string \"x\" \
                 (write `[[alarm]]` on a line of its own and the block's keys below it)",
                "b.toml:2:9 `tags`: expected a block, found the number 1 \
                 (write `[[tags]]` on a line of its own and the block's keys below it)",
            ]
        );
    }

    #[test]
    fn a_broken_file_does_not_hide_the_faults_of_another_and_nothing_is_called_missing() {
        assert_eq!(
            problems(&[("a.toml", "[project]\nname = payments\nowner = \n"), ("b.toml", "[[alram]]\n"),]),
            [
                "a.toml:2:8 invalid TOML: text must be quoted (write \"payments\")",
                "a.toml:3:9 invalid TOML: a value is missing after `=`",
                "b.toml:1:3 unknown block or setting `alram` (did you mean `alarm`?)",
            ]
        );
    }

    #[test]
    fn a_folder_is_read_as_one_manifest() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("main.toml"), PROJECT).unwrap();
        std::fs::write(folder.path().join("alarms.toml"), "[[alarm]]\nlabel = 'x'").unwrap();
        let (document, problems) = load(folder.path(), &["alarm"]);
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(document.settings.project, "payments");
        assert_eq!(document.blocks.len(), 1);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            problems_of(&String::from_utf8_lossy(&bytes));
        }

        #[test]
        fn any_manifest_is_read_without_a_panic(text in "(\\[\\[?(alarm|aws|x)\\]?\\]|[a-z.]{1,6} ?= ?|[\\[{'\"#,}\\]\n 0-9가-]){0,30}") {
            problems_of(&text);
        }
    }

    fn problems_of(text: &str) {
        parse(&SourceSet::new("manifests", [("a.toml", text)]), &["alarm"]);
    }

    #[test]
    fn a_missing_folder_is_one_problem() {
        let (_, problems) = load(Path::new("/nowhere/manifests"), &["alarm"]);
        assert_eq!(problems.iter().count(), 1);
    }
}
