//! `for_each`: what a declaration attaches to.

mod forms;

use std::collections::BTreeSet;
use std::sync::Arc;

pub use forms::id_fault;
use forms::state_fault;

use super::World;
use super::inventories::{self, Inventories, Inventory, RowKind};
use super::patterns::pattern;
use crate::inventory::{Fleet, Selector, TagMatch, Target, TargetKind};
use crate::manifest::{Data, Entries, FromValue, Placed, Reading, RowReader, TableReader, Value, hint_for};
use crate::model::{Diagnostic, Place, Scope};

/// A parsed `for_each`.
#[derive(Clone, Debug)]
pub struct ForEach {
    /// The conditions, one selector per kind of target, in the order of the kinds.
    pub selectors: Vec<Selector>,
    /// The rows that the targets must have, if they come from an inventory.
    pub inventory: Option<Arc<Inventory>>,
    /// Where the table stands.
    pub place: Place,
    /// What to read from AWS.
    reads: Vec<Selector>,
}

/// A target that is selected, with its row where it comes from an inventory.
#[derive(Clone, Debug)]
pub struct Selected<'a> {
    /// The target.
    pub target: &'a Target,
    /// Its row.
    pub row: Option<RowReader>,
}

impl ForEach {
    /// Reads the key `for_each`; `None` where it is absent or wrong, which is recorded.
    pub(super) fn read(reader: &mut TableReader<'_>, inventories: &Inventories) -> Option<Self> {
        let place = reader.place_of("for_each").cloned();
        let mut table = reader.table("for_each")?;
        let place = place?;
        if table.key_place(inventories::BLOCK).is_some() {
            let read = Self::of_inventory(&mut table, inventories, place);
            table.finish();
            return read;
        }
        if table.is_empty() {
            table.problem(Diagnostic::error("`for_each` names no kind of target").at(place.clone()).hint(
                "write `for_each = { ec2 = {} }` for all instances; there are `ec2`, `ebs`, `rds` and `rds_cluster`",
            ));
        }
        let mut selectors = Vec::new();
        for kind in TargetKind::ALL {
            if let Some(mut conditions) = table.table(kind.name()) {
                let mut selector = Selector::all(kind);
                tags(&mut selector, &mut conditions);
                ids(&mut selector, &mut conditions);
                names_and_states(&mut selector, &mut conditions);
                selectors.push(selector);
                conditions.finish();
            }
        }
        table.finish();
        Some(Self { reads: selectors.clone(), selectors, inventory: None, place })
    }

    /// Reads `for_each` for a declaration that attaches to what AWS has, and not to rows of a sheet.
    pub(super) fn read_targets(reader: &mut TableReader<'_>, inventories: &Inventories) -> Option<Self> {
        let for_each = Self::read(reader, inventories)?;
        if for_each.rows_alone().is_some() {
            reader.problem(
                Diagnostic::error("rows of kind `row` stand for nothing on AWS")
                    .at(for_each.place.clone())
                    .hint("choose an inventory of instances, volumes or databases"),
            );
            return None;
        }
        Some(for_each)
    }

    /// Reads `{ inventory = "…" }` with conditions beside it.
    fn of_inventory(table: &mut TableReader<'_>, inventories: &Inventories, place: Place) -> Option<Self> {
        let label = table.optional::<String>(inventories::BLOCK);
        let inventory = label.as_ref().and_then(|label| {
            let found = inventories.get(&label.value);
            if found.is_none() {
                let hint = match &inventories.labels()[..] {
                    [] => "add an `[[inventory]]` block with that label".to_owned(),
                    labels => hint_for(&label.value, labels, "inventories are"),
                };
                table.problem(
                    Diagnostic::error(format!("there is no inventory `{}`", label.value))
                        .at(label.place.clone())
                        .hint(hint),
                );
            }
            found?.clone()
        });
        // The conditions are read whatever the inventory is like, so that their problems are told, too.
        let kind = match inventory.as_ref().map(|inventory| inventory.kind()) {
            Some(RowKind::Row) => {
                return Some(Self { selectors: Vec::new(), inventory, place, reads: Vec::new() });
            }
            Some(RowKind::Target(kind)) => kind,
            None => TargetKind::Ec2,
        };
        let mut selector = Selector::all(kind);
        tags(&mut selector, table);
        names_and_states(&mut selector, table);
        let inventory = inventory?;
        let mut read = Selector::all(kind);
        read.ids = inventory.ids().cloned().collect();
        // A selector without ids selects everything, and an inventory without rows nothing.
        let reads = if read.ids.is_empty() { Vec::new() } else { vec![read] };
        Some(Self { selectors: vec![selector], inventory: Some(inventory), place, reads })
    }

    /// What to read from AWS: of an inventory all its targets, so that one which fails a condition is not taken for one
    /// that is missing.
    pub fn reads(&self) -> &[Selector] {
        &self.reads
    }

    /// What to read besides, so that [`ForEach::missing`] can say what may have been meant.
    pub fn reads_more(&self, fleet: &Fleet) -> Vec<Selector> {
        let inventory = self.inventory.iter().filter(|inventory| inventory.wants_neighbours(fleet));
        inventory
            .filter_map(|inventory| match inventory.kind() {
                RowKind::Target(kind) => Some(Selector::all(kind)),
                RowKind::Row => None,
            })
            .collect()
    }

    /// The inventory whose rows stand for themselves, where that is what is selected.
    pub(super) fn rows_alone(&self) -> Option<&Arc<Inventory>> {
        self.inventory.as_ref().filter(|inventory| inventory.kind() == RowKind::Row)
    }

    /// The targets that are selected, by scope, kind and id.
    pub fn selected_ids(&self, fleet: &Fleet) -> BTreeSet<(Scope, String, String)> {
        let targets = self.select(fleet).into_iter().map(|selected| selected.target);
        targets
            .map(|target| (target.scope.clone(), target.kind.name().to_owned(), target.id.clone()))
            .collect()
    }

    /// The targets that are selected, in the fleet's order.
    pub fn select<'a>(&'a self, fleet: &'a Fleet) -> Vec<Selected<'a>> {
        let mut selected = Vec::new();
        for selector in &self.selectors {
            for target in fleet.of_kind(selector.kind).filter(|target| selector.matches(target)) {
                match &self.inventory {
                    None => selected.push(Selected { target, row: None }),
                    Some(inventory) => {
                        selected.extend(inventory.row(target).map(|row| Selected { target, row: Some(row) }));
                    }
                }
            }
        }
        selected
    }

    /// The rows that will have a target or be an error, in the order of the sheet; none where a condition or the manifest may
    /// leave rows out.
    pub(super) fn certain_rows(&self) -> Vec<(&str, RowReader)> {
        let unconditional = |selector: &Selector| {
            selector.tags.is_empty() && selector.names.is_empty() && selector.states.is_empty()
        };
        match &self.inventory {
            Some(inventory) if self.selectors.iter().all(unconditional) => inventory.certain_rows(),
            _ => Vec::new(),
        }
    }

    /// What is to be said about rows without a target. In a run that leaves out regions nothing can be said.
    pub fn missing(&self, world: &World<'_>) -> Vec<Diagnostic> {
        let inventory = self.inventory.iter().filter(|_| world.is_whole());
        inventory.flat_map(|inventory| inventory.missing(world.fleet)).collect()
    }
}

fn tags(selector: &mut Selector, reader: &mut TableReader<'_>) {
    if let Some(tags) = reader.optional::<Entries<TagMatch>>("tags") {
        let conditions = tags.value.0.into_iter();
        selector.tags = conditions.map(|(key, wanted)| (key.value, wanted.value)).collect();
    }
}

fn names_and_states(selector: &mut Selector, reader: &mut TableReader<'_>) {
    for name in texts(reader, "names") {
        match pattern(&name) {
            Ok(glob) => selector.names.push(glob),
            Err(fault) => reader.problem(*fault),
        }
    }
    for state in texts(reader, "state") {
        match state_fault(selector.kind, &state.value) {
            Some(problem) => reader.problem(problem.at(state.place)),
            None => drop(selector.states.insert(state.value)),
        }
    }
}

fn ids(selector: &mut Selector, reader: &mut TableReader<'_>) {
    for id in texts(reader, "ids") {
        match id_fault(selector.kind, &id.value) {
            Some(mut hint) => {
                if matches!(selector.kind, TargetKind::Ec2 | TargetKind::Ebs) {
                    hint += "; names go into `names`";
                }
                let what = selector.kind.plural();
                let summary = format!("{:?} is not the id of one of the {what}", id.value);
                reader.problem(Diagnostic::error(summary).at(id.place).hint(hint));
            }
            None => drop(selector.ids.insert(id.value)),
        }
    }
}

/// One text or a list of them; a list may not be empty, because that reads like "none" and would mean "all".
fn texts(reader: &mut TableReader<'_>, key: &'static str) -> Vec<Placed<String>> {
    let Some(texts) = reader.optional::<OneOrMore>(key) else {
        return Vec::new();
    };
    if texts.value.0.is_empty() {
        reader.problem(empty_list(&reader.path(key), texts.place));
        return Vec::new();
    }
    texts.value.0
}

fn empty_list(field: &str, place: Place) -> Diagnostic {
    Diagnostic::error(format!("`{field}` is an empty list"))
        .at(place)
        .hint("leave the key out to select whatever there is")
}

struct OneOrMore(Vec<Placed<String>>);

impl FromValue for OneOrMore {
    fn expected() -> String {
        "a string or a list of strings".to_owned()
    }

    fn from_value(value: &Value, reading: &mut Reading<'_>) -> Option<Self> {
        match &value.data {
            Data::String(text) => {
                Some(Self(vec![Placed { value: text.clone(), place: value.place.clone() }]))
            }
            Data::List(_) => FromValue::from_value(value, reading).map(Self),
            _ => {
                reading.unexpected(value, &Self::expected());
                None
            }
        }
    }
}

impl FromValue for TagMatch {
    fn expected() -> String {
        "\"*\", a value, a list of values, or { absent = true }".to_owned()
    }

    fn from_value(value: &Value, reading: &mut Reading<'_>) -> Option<Self> {
        let values = match &value.data {
            Data::Table(table) => {
                let absent = table.get("absent").map(|entry| &entry.value.data);
                if table.entries().len() == 1 && absent == Some(&Data::Bool(true)) {
                    return Some(Self::Absent);
                }
                reading.unexpected(value, &Self::expected());
                return None;
            }
            Data::String(_) | Data::List(_) => OneOrMore::from_value(value, reading)?.0,
            _ => {
                reading.unexpected(value, &Self::expected());
                return None;
            }
        };
        if values.is_empty() {
            reading.problem(empty_list(&reading.field.clone(), value.place.clone()));
            return None;
        }
        if values.iter().any(|text| text.value == "*") {
            return Some(Self::Any);
        }
        for text in values.iter().filter(|text| text.value.contains('*')) {
            reading.problem(
                Diagnostic::warning(format!(
                    "tag values are compared to the letter, `*` too: {:?}",
                    text.value
                ))
                .at(text.place.clone())
                .hint("\"*\" alone means any value; list the values that are meant"),
            );
        }
        Some(Self::OneOf(values.into_iter().map(|text| text.value).collect::<BTreeSet<_>>()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{SourceSet, parse};
    use crate::model::Diagnostics;

    fn read(for_each: &str) -> (Option<ForEach>, Vec<String>) {
        let text = format!("[project]\nname = 'p'\n[[alarm]]\nfor_each = {for_each}\n");
        let (document, mut problems) = parse(&SourceSet::new("m", [("a.toml", text)]), &["alarm"]);
        assert_eq!(problems, Diagnostics::new());
        let mut reader = document.blocks[0].reader(&mut problems);
        let for_each = ForEach::read(&mut reader, &Inventories::default());
        reader.finish();
        let lines = problems
            .iter()
            .map(|d| {
                let column = d.place.as_ref().unwrap().to_string().replace("a.toml:4:", "");
                format!("{column} {} ({})", d.summary, d.hint.as_deref().unwrap_or_default())
            })
            .collect();
        (for_each, lines)
    }

    fn problems(for_each: &str) -> Vec<String> {
        read(for_each).1
    }

    #[test]
    fn all_conditions_are_read() {
        let (for_each, problems) = read(
            "{ rds = { state = 'available', ids = 'db-1' }, rds_cluster = {}, ebs = { ids = 'vol-01234567' }, ec2 = { \
             tags = { Env = ['prod', 'stage'], Owner = '*', NoAlarm = { absent = true }, Team = 'a' }, \
             ids = ['i-0123456789abcdef0'], names = ['web-*'], state = ['running', 'stopped'] } }",
        );
        assert_eq!(problems, [""; 0]);
        let selectors = for_each.unwrap().selectors;
        assert_eq!(
            selectors.iter().map(|s| s.kind).collect::<Vec<_>>(),
            [TargetKind::Ec2, TargetKind::Ebs, TargetKind::Rds, TargetKind::RdsCluster]
        );
        let ec2 = &selectors[0];
        assert_eq!(ec2.tags["Env"], TagMatch::OneOf(["prod", "stage"].map(str::to_owned).into()));
        assert_eq!(ec2.tags["Owner"], TagMatch::Any);
        assert_eq!(ec2.tags["NoAlarm"], TagMatch::Absent);
        assert_eq!(ec2.tags["Team"], TagMatch::OneOf(["a".to_owned()].into()));
        assert_eq!(ec2.names[0].pattern(), "web-*");
        assert_eq!(ec2.states.len(), 2);
        assert!(selectors[1].ids.contains("vol-01234567"));
        assert!(selectors[2].ids.contains("db-1"));
    }

    #[test]
    fn unknown_kinds_and_keys_are_suggested() {
        assert_eq!(
            problems("{ sqs = {}, ec2 = { tag = {} } }"),
            [
                "32 unknown key `for_each.ec2.tag` in `for_each.ec2` (did you mean `tags`?)",
                "14 unknown key `for_each.sqs` in `for_each` (allowed keys: `ec2`, `ebs`, `rds`, `rds_cluster`)",
            ]
        );
        assert_eq!(
            problems("{ rds_clustr = {} }"),
            ["14 unknown key `for_each.rds_clustr` in `for_each` (did you mean `rds_cluster`?)"]
        );
        assert_eq!(
            problems("{}"),
            ["12 `for_each` names no kind of target (write `for_each = { ec2 = {} }` for all instances; \
              there are `ec2`, `ebs`, `rds` and `rds_cluster`)"]
        );
        assert_eq!(problems("'ec2'"), ["12 `for_each`: expected a table, found the string \"ec2\" ()"]);
    }

    #[test]
    fn wrong_ids_and_states_are_errors() {
        assert_eq!(
            problems(
                "{ ec2 = { ids = ['web-1', 'i-012345678'], state = ['runing', 'terminated', 'parked'] } }"
            ),
            [
                "29 \"web-1\" is not the id of one of the instances \
                 (an instance's id looks like `i-0123456789abcdef0`; names go into `names`)",
                "38 \"i-012345678\" is not the id of one of the instances \
                 (an instance's id looks like `i-0123456789abcdef0`; names go into `names`)",
                "63 there is no instance state \"runing\" (did you mean `running`?)",
                "73 instances that are terminated never count (remove the state)",
                "87 there is no instance state \"parked\" \
                 (states are `pending`, `running`, `stopped`, `stopping`)",
            ]
        );
        assert_eq!(
            problems(
                "{ ebs = { ids = ['data', 'vol-012345678'], state = ['inuse', 'deleting', 'attached'] } }"
            ),
            [
                "29 \"data\" is not the id of one of the volumes \
                 (a volume's id looks like `vol-0123456789abcdef0`; names go into `names`)",
                "37 \"vol-012345678\" is not the id of one of the volumes \
                 (a volume's id looks like `vol-0123456789abcdef0`; names go into `names`)",
                "64 there is no volume state \"inuse\" (did you mean `in-use`?)",
                "73 volumes that are deleting never count (remove the state)",
                "85 there is no volume state \"attached\" \
                 (states are `available`, `creating`, `error`, `in-use`)",
            ]
        );
        assert_eq!(
            problems("{ rds = { ids = ['DB-1'], state = 'whatever' } }"),
            ["29 \"DB-1\" is not the id of one of the databases \
              (an identifier has lower-case letters, digits and `-` and begins with a letter)"]
        );
    }

    #[test]
    fn empty_lists_and_odd_tags_are_told() {
        assert_eq!(
            problems("{ ec2 = { ids = [], tags = { a = [], b = { absent = false }, c = 3, d = 'x*' } } }"),
            [
                "45 `for_each.ec2.tags.a` is an empty list (leave the key out to select whatever there is)",
                "53 `for_each.ec2.tags.b`: expected \"*\", a value, a list of values, or { absent = true }, \
                 found a table ()",
                "77 `for_each.ec2.tags.c`: expected \"*\", a value, a list of values, or { absent = true }, \
                 found the number 3 ()",
                "84 tag values are compared to the letter, `*` too: \"x*\" \
                 (\"*\" alone means any value; list the values that are meant)",
                "28 `for_each.ec2.ids` is an empty list (leave the key out to select whatever there is)",
            ]
        );
        assert_eq!(
            problems("{ ec2 = { names = ['web-['] } }"),
            ["31 \"web-[\" is not a pattern: unclosed character class; missing ']' \
              (patterns know `*`, `?`, `[abc]` and `{one,two}`)"]
        );
    }
}
