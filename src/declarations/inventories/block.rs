//! The keys of an `[[inventory]]` block.

use crate::inventory::TargetKind;
use crate::manifest::{Entries, Placed, SheetChoice, TableReader, Template, path_beside};
use crate::model::{DestroyLimit, Diagnostic, Place, TargetRef};

use super::columns::unknown_columns;
use super::{Missing, RowKind};

/// A block that was read.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) sheet: SheetChoice,
    pub(super) kind: Option<RowKind>,
    pub(super) filter: Option<Template>,
    pub(super) missing: Missing,
    pub(super) allow_empty: bool,
    /// How much of what was made for its rows may lose them at once, where the manifest says so.
    pub(super) max_shrink: Option<DestroyLimit>,
    pub(super) place: Place,
}

impl Block {
    /// Reads every key but `label`.
    pub(super) fn read(reader: &mut TableReader<'_>) -> Option<Self> {
        let file = reader.required::<String>("file");
        let sheet = reader.optional("sheet");
        let header = reader.optional("header");
        let key = reader.optional("id");
        let kinds = TargetKind::ALL.map(|kind| (kind.name(), RowKind::Target(kind)));
        let kinds: Vec<_> = kinds.into_iter().chain([(TargetRef::ROW, RowKind::Row)]).collect();
        let kind = reader.one_of("kind", &kinds).map(|kind| kind.value);
        let columns = reader.optional::<Entries<String>>("columns");
        let filter = reader.optional::<String>("where");
        let missing = reader.one_of(
            "missing",
            &[("error", Missing::Error), ("warn", Missing::Warn), ("skip", Missing::Skip)],
        );
        if let (Some(RowKind::Row), Some(missing)) = (kind, &missing) {
            reader.problem(
                Diagnostic::error("`missing` goes with rows that stand for something on AWS")
                    .at(missing.place.clone())
                    .hint("remove the key: rows of kind `row` stand for themselves"),
            );
        }
        let encoding = reader.optional("encoding");
        let allow_empty = reader.flag("allow_empty");
        let max_shrink = reader.optional("max_shrink").map(|limit| limit.value);
        let filter = match filter {
            None => Some(None),
            Some(text) => condition(reader, &text).map(Some),
        };
        let mut file = file?;
        file.value = path_beside(&file.place, &file.value);
        let place = reader.place().clone();
        let sheet = SheetChoice {
            file,
            sheet,
            header,
            key,
            columns: columns.map(|columns| columns.value.0).unwrap_or_default(),
            encoding,
            place: place.clone(),
        };
        Some(Self {
            sheet,
            kind,
            filter: filter?,
            missing: missing.map_or(Missing::Error, |missing| missing.value),
            allow_empty,
            max_shrink,
            place,
        })
    }

    /// An error for each column that `where` names and the sheet does not have.
    pub(super) fn unknown_columns(&self, sheet: &crate::manifest::Sheet) -> Vec<Diagnostic> {
        let filter = self.filter.iter();
        filter.flat_map(|filter| unknown_columns(filter, "where", sheet)).collect()
    }
}

/// The condition of `where`: an expression with or without its braces.
fn condition(reader: &mut TableReader<'_>, text: &Placed<String>) -> Option<Template> {
    let source = if Template::is_template(&text.value) {
        text.value.clone()
    } else {
        format!("{{{{ {} }}}}", text.value)
    };
    let template = match Template::new(&source, text.place.clone()) {
        Ok(template) => template,
        Err(mut fault) => {
            fault.summary = format!("`where`: {}", fault.summary);
            reader.problem(*fault);
            return None;
        }
    };
    for name in template.variables().iter().filter(|name| *name != "row") {
        reader.problem(
            Diagnostic::error(format!("`where`: there is no variable `{name}`"))
                .at(text.place.clone())
                .hint("`where` looks at the file alone: `row.COLUMN` or `row[\"a column\"]`"),
        );
    }
    Some(template)
}
