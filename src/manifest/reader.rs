//! Reading a table key by key, with every problem collected at its place.

use crate::model::{Diagnostic, Diagnostics, Place};

use super::scalar::Scalar;
use super::suggest::hint_for;
use super::template::Template;
use super::templated::Templated;
use super::value::{Data, Entry, Table, Value};

/// A value that was read, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Its place.
    pub place: Place,
}

/// What was read from a table whose keys the user chooses, such as tags: keys and values in the order of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Entries<T>(pub Vec<(Placed<String>, Placed<T>)>);

/// A type that a field can have.
pub trait FromValue: Sized {
    /// What is expected, with its article: `a duration such as "5m" or 300`.
    fn expected() -> String;

    /// The value, or `None` after the problem was recorded.
    fn from_value(value: &Value, reading: &mut Reading<'_>) -> Option<Self>;
}

/// The field that is being read, for the words of diagnostics.
#[derive(Debug)]
pub struct Reading<'a> {
    /// The field as a path within its block, such as `for_each.ec2.state`.
    pub field: String,
    problems: &'a mut Diagnostics,
}

impl<'a> Reading<'a> {
    /// A field that is being read; its problems go to `problems`.
    pub fn new(field: impl Into<String>, problems: &'a mut Diagnostics) -> Self {
        Self { field: field.into(), problems }
    }

    /// Records that the value is not what the field expects.
    pub fn unexpected(&mut self, value: &Value, expected: &str) {
        let found = value.found();
        self.problems.push(
            Diagnostic::error(format!("`{}`: expected {expected}, found {found}", self.field))
                .at(value.place.clone())
                .detail(format!("found {found}")),
        );
    }

    /// Records any other problem with the field.
    pub fn problem(&mut self, diagnostic: Diagnostic) {
        self.problems.push(diagnostic);
    }
}

/// Reads a table and remembers which keys were asked for, so that [`TableReader::finish`] can name the unknown ones.
///
/// Getters return `None` both for an absent key and for a wrong value, which is already recorded then: whoever reads a
/// block goes on to its other keys, and looks at the diagnostics before using anything.
#[derive(Debug)]
pub struct TableReader<'a> {
    name: String,
    prefix: String,
    place: &'a Place,
    table: &'a Table,
    asked: Vec<&'static str>,
    problems: &'a mut Diagnostics,
}

impl<'a> TableReader<'a> {
    /// A reader of a table; `name` is how diagnostics call it (`[[alarm]]`), `place` its header.
    pub fn new(
        name: impl Into<String>,
        place: &'a Place,
        table: &'a Table,
        problems: &'a mut Diagnostics,
    ) -> Self {
        Self { name: name.into(), prefix: String::new(), place, table, asked: Vec::new(), problems }
    }

    /// Where the table begins: its header, or the whole of an inline table.
    pub fn place(&self) -> &Place {
        self.place
    }

    /// A key as diagnostics call it: with the tables that it is in, such as `for_each.ec2.ids`.
    pub fn path(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    /// Whether the table has no key at all.
    pub fn is_empty(&self) -> bool {
        self.table.entries().is_empty()
    }

    /// Whether a key holds a table without any key. Does not count as asking for it.
    pub fn table_is_empty(&self, key: &str) -> bool {
        let value = self.table.get(key).map(|entry| &entry.value.data);
        matches!(value, Some(Data::Table(table)) if table.entries().is_empty())
    }

    /// Where the value of a key stands, if the key is there. Does not count as asking for the key.
    pub fn place_of(&self, key: &str) -> Option<&'a Place> {
        self.table.get(key).map(|entry| &entry.value.place)
    }

    /// Where a key itself stands, if it is there. Does not count as asking for it.
    pub fn key_place(&self, key: &str) -> Option<&'a Place> {
        self.table.get(key).map(|entry| &entry.key_place)
    }

    /// The value of a key, if it is there. Does not count as asking for it.
    pub fn value_of(&self, key: &str) -> Option<&'a Value> {
        self.table.get(key).map(|entry| &entry.value)
    }

    /// The value of a key that may be left out.
    pub fn optional<T: FromValue>(&mut self, key: &'static str) -> Option<Placed<T>> {
        let entry = self.ask(key)?;
        self.read(&entry.value, key, T::from_value)
    }

    /// The value of a key that must be given; its absence is recorded at the table's header.
    pub fn required<T: FromValue>(&mut self, key: &'static str) -> Option<Placed<T>> {
        if self.table.get(key).is_none() {
            self.asked.push(key);
            let near = self.misspelled(key);
            let mut diagnostic = Diagnostic::error(format!("{} has no `{}{key}`", self.name, self.prefix))
                .at(self.place.clone())
                .detail(format!("`{key}` is required"));
            if near.is_none() {
                diagnostic = diagnostic.hint(format!("add `{key} = …`: {}", T::expected()));
            }
            self.problems.push(diagnostic);
            return None;
        }
        self.optional(key)
    }

    /// A boolean that is `false` when left out.
    pub fn flag(&mut self, key: &'static str) -> bool {
        self.optional::<bool>(key).is_some_and(|flag| flag.value)
    }

    /// The meaning of one of several words.
    pub fn one_of<T: Clone>(
        &mut self,
        key: &'static str,
        choices: &[(&'static str, T)],
    ) -> Option<Placed<T>> {
        let entry = self.ask(key)?;
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        self.read(&entry.value, key, |value, reading| {
            let Some(text) = value.as_str() else {
                reading.unexpected(value, &format!("one of {}", quoted(&words)));
                return None;
            };
            let choice = choices.iter().find(|(word, _)| *word == text);
            if choice.is_none() {
                reading.problem(
                    Diagnostic::error(format!("`{}` cannot be {text:?}", reading.field))
                        .at(value.place.clone())
                        .hint(hint_for(text, &words, "choose one of")),
                );
            }
            choice.map(|(_, meaning)| meaning.clone())
        })
    }

    /// One of several words with its meaning, or a template that gives such a word.
    pub fn one_of_or_template<T: Scalar>(
        &mut self,
        key: &'static str,
        choices: &[(&'static str, T)],
    ) -> Option<Placed<Templated<T>>> {
        let text = self.table.get(key).and_then(|entry| entry.value.as_str());
        if text.is_some_and(Template::is_template) {
            return self.optional(key);
        }
        let choice = self.one_of(key, choices)?;
        Some(Placed { value: Templated::Literal(choice.value), place: choice.place })
    }

    /// A reader of the table that a key holds. Call its `finish` too.
    pub fn table(&mut self, key: &'static str) -> Option<TableReader<'_>> {
        let entry = self.ask(key)?;
        let field = format!("{}{key}", self.prefix);
        let Data::Table(table) = &entry.value.data else {
            Reading::new(field, self.problems).unexpected(&entry.value, "a table");
            return None;
        };
        Some(TableReader {
            name: format!("`{field}`"),
            prefix: format!("{field}."),
            place: &entry.value.place,
            table,
            asked: Vec::new(),
            problems: self.problems,
        })
    }

    /// Reads each table of a table whose keys the user chooses: `require.owner = { … }`.
    pub fn each_entry(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(&Placed<String>, &mut TableReader<'_>),
    ) {
        let Some(entry) = self.ask(key) else { return };
        let field = format!("{}{key}", self.prefix);
        let Data::Table(table) = &entry.value.data else {
            Reading::new(field, self.problems).unexpected(&entry.value, "a table of tables");
            return;
        };
        for entry in table.entries() {
            let name = Placed { value: entry.key.clone(), place: entry.key_place.clone() };
            let path = format!("{field}.{}", entry.key);
            self.within(path, &entry.value, |reader| read(&name, reader));
        }
    }

    /// Reads each table of a list of tables.
    pub fn each_item(&mut self, key: &'static str, mut read: impl FnMut(&mut TableReader<'_>)) {
        let Some(entry) = self.ask(key) else { return };
        let field = format!("{}{key}", self.prefix);
        let Data::List(items) = &entry.value.data else {
            Reading::new(field, self.problems).unexpected(&entry.value, "a list of tables");
            return;
        };
        for item in items {
            self.within(field.clone(), item, &mut read);
        }
    }

    /// Reads a table that stands within this one, to its last key.
    fn within(&mut self, field: String, value: &Value, read: impl FnOnce(&mut TableReader<'_>)) {
        let Data::Table(table) = &value.data else {
            Reading::new(field, self.problems).unexpected(value, "a table");
            return;
        };
        let mut reader = TableReader {
            name: format!("`{field}`"),
            prefix: format!("{field}."),
            place: &value.place,
            table,
            asked: Vec::new(),
            problems: self.problems,
        };
        read(&mut reader);
        reader.finish();
    }

    /// Records a problem that the getters cannot know of.
    pub fn problem(&mut self, diagnostic: Diagnostic) {
        self.problems.push(diagnostic);
    }

    /// Gives the problems that a reading records the hint, where they have none.
    pub fn hinting<T>(&mut self, hint: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.problems.len();
        let read = read(self);
        self.problems.hint_after(before, hint);
        read
    }

    /// Hands out the list of problems, for what records several by itself.
    pub fn with_problems<T>(&mut self, read: impl FnOnce(&mut Diagnostics) -> T) -> T {
        read(self.problems)
    }

    /// Records every key that nobody asked for.
    pub fn finish(self) {
        let Self { name, prefix, table, asked, problems, .. } = self;
        for entry in table.entries().iter().filter(|entry| !asked.contains(&&*entry.key)) {
            // A key that is already there is not what was meant.
            let free: Vec<&str> = asked.iter().copied().filter(|key| table.get(key).is_none()).collect();
            let near = super::suggest::suggestion(&entry.key, free);
            let hint = match near {
                Some(key) => format!("did you mean `{key}`?"),
                None => format!("allowed keys: {}", quoted_keys(&asked)),
            };
            problems.push(
                Diagnostic::error(format!("unknown key `{prefix}{}` in {name}", entry.key))
                    .at(entry.key_place.clone())
                    .detail("unknown key")
                    .hint(hint),
            );
        }
    }

    fn ask(&mut self, key: &'static str) -> Option<&'a Entry> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        self.table.get(key)
    }

    fn read<T>(
        &mut self,
        value: &Value,
        key: &str,
        read: impl FnOnce(&Value, &mut Reading<'_>) -> Option<T>,
    ) -> Option<Placed<T>> {
        let mut reading = Reading::new(format!("{}{key}", self.prefix), self.problems);
        read(value, &mut reading).map(|read| Placed { value: read, place: value.place.clone() })
    }

    /// A key in the table that looks like a misspelling of this one; `finish` will say so.
    fn misspelled(&self, key: &'static str) -> Option<&str> {
        let keys = self.table.entries().iter().map(|entry| entry.key.as_str());
        super::suggest::suggestion(key, keys.filter(|found| !self.asked.contains(found)))
    }
}

/// `"a", "b" or "c"`.
fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", ")
}

fn quoted_keys(keys: &[&str]) -> String {
    keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
}

impl<T: FromValue> FromValue for Vec<Placed<T>> {
    fn expected() -> String {
        format!("a list, each item {}", T::expected())
    }

    fn from_value(value: &Value, reading: &mut Reading<'_>) -> Option<Self> {
        let Data::List(items) = &value.data else {
            reading.unexpected(value, &Self::expected());
            return None;
        };
        // Every item is read, so that a list with three wrong items gives three diagnostics.
        let read: Vec<Option<Placed<T>>> = items
            .iter()
            .map(|item| {
                T::from_value(item, reading).map(|read| Placed { value: read, place: item.place.clone() })
            })
            .collect();
        read.into_iter().collect()
    }
}

impl<T: FromValue> FromValue for Entries<T> {
    fn expected() -> String {
        format!("a table, each value {}", T::expected())
    }

    fn from_value(value: &Value, reading: &mut Reading<'_>) -> Option<Self> {
        let Data::Table(table) = &value.data else {
            reading.unexpected(value, &Self::expected());
            return None;
        };
        let field = reading.field.clone();
        let mut read = Some(Vec::new());
        for entry in table.entries() {
            reading.field = format!("{field}.{}", entry.key);
            let key = Placed { value: entry.key.clone(), place: entry.key_place.clone() };
            let item = T::from_value(&entry.value, reading)
                .map(|value| Placed { value, place: entry.value.place.clone() });
            read = read.zip(item).map(|(mut all, item)| {
                all.push((key, item));
                all
            });
        }
        reading.field = field;
        read.map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::super::document::parse_table;
    use super::super::duration::Seconds;
    use super::super::source::SourceSet;
    use super::*;

    /// Reads a table and returns what diagnostics say, one line each: `column: summary (hint)`.
    fn problems(text: &str, read: impl FnOnce(&mut TableReader<'_>)) -> Vec<String> {
        let sources = SourceSet::new("manifests", [("t.toml", text)]);
        let mut problems = Diagnostics::new();
        let table = parse_table(&sources.files()[0], &mut problems).unwrap();
        let header = Place::Named("header".to_owned());
        let mut reader = TableReader::new("[[alarm]]", &header, &table, &mut problems);
        read(&mut reader);
        reader.finish();
        problems
            .iter()
            .map(|d| {
                let place = d.place.as_ref().unwrap().to_string().replace("t.toml:", "");
                let hint = d.hint.as_deref().unwrap_or("");
                format!("{place} {} | {hint}", d.summary)
            })
            .collect()
    }

    #[test]
    fn wrong_types_say_what_was_expected_and_found() {
        let found = problems("period = true\nlabel = 3\ncount = -1\nlimit = 'x'\nadopt = 'yes'", |r| {
            assert_eq!(r.required::<Seconds>("period"), None);
            assert_eq!(r.required::<String>("label"), None);
            assert_eq!(r.optional::<u32>("count"), None);
            assert_eq!(r.optional::<f64>("limit"), None);
            assert!(!r.flag("adopt"));
        });
        assert_eq!(
            found,
            [
                "1:10 `period`: expected a duration such as \"5m\" or 300, found a boolean | ",
                "2:9 `label`: expected a string, found the number 3 | ",
                "3:9 `count`: expected a whole number of at least 0, found the number -1 | ",
                "4:9 `limit`: expected a number, found the string \"x\" | ",
                "5:9 `adopt`: expected true or false, found the string \"yes\" | ",
            ]
        );
    }

    #[test]
    fn unknown_keys_are_named_with_a_suggestion_or_the_allowed_ones() {
        let found = problems("treshold = 5\ncolour = 'red'", |r| {
            r.optional::<String>("label");
            r.required::<f64>("threshold");
        });
        assert_eq!(
            found,
            [
                "header [[alarm]] has no `threshold` | ",
                "1:1 unknown key `treshold` in [[alarm]] | did you mean `threshold`?",
                "2:1 unknown key `colour` in [[alarm]] | allowed keys: `label`, `threshold`",
            ]
        );
    }

    #[test]
    fn a_missing_key_says_what_to_add() {
        let found = problems("", |r| {
            r.required::<f64>("threshold");
        });
        assert_eq!(found, ["header [[alarm]] has no `threshold` | add `threshold = …`: a number"]);
    }

    #[test]
    fn words_lists_and_tables_are_read_with_their_places() {
        let found = problems(
            "mode = 'breachin'\nlist = ['a', 3, true]\ntags = { a = 'x', b = 1 }\n[inner]\nstat = 1\n",
            |r| {
                r.one_of("mode", &[("missing", 1), ("breaching", 2)]);
                r.optional::<Vec<Placed<String>>>("list");
                r.optional::<Entries<String>>("tags");
                let mut inner = r.table("inner").unwrap();
                inner.optional::<String>("state");
                inner.finish();
                assert!(r.table("absent").is_none());
            },
        );
        assert_eq!(
            found,
            [
                "1:8 `mode` cannot be \"breachin\" | did you mean `breaching`?",
                "2:14 `list`: expected a string, found the number 3 | ",
                "2:17 `list`: expected a string, found a boolean | ",
                "3:23 `tags.b`: expected a string, found the number 1 | ",
                "5:1 unknown key `inner.stat` in `inner` | did you mean `state`?",
            ]
        );
    }
}
