//! The values of a TOML file, each with its place.

use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use crate::model::{Diagnostic, Diagnostics, Place, SourceFile};

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// What it is.
    pub data: Data,
    /// Its bytes in the file; for a table with a header (`[x]`, `[[x]]`) the header.
    pub place: Place,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// Text, decoded.
    String(String),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction or exponent, infinities and NaN included.
    Float(f64),
    /// `true` or `false`.
    Bool(bool),
    /// A date or time, as written.
    Datetime(String),
    /// A list, of tables too.
    List(Vec<Value>),
    /// A table.
    Table(Table),
}

/// A table in the order of its file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    entries: Vec<Entry>,
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key, decoded.
    pub key: String,
    /// Where the key stands.
    pub key_place: Place,
    /// What it is set to.
    pub value: Value,
}

impl Value {
    /// What this is, in words: `a boolean`, `the string "x"`, `-3`.
    pub fn found(&self) -> String {
        match &self.data {
            Data::String(text) if text.chars().count() <= 40 => format!("the string {text:?}"),
            Data::String(_) => "a string".to_owned(),
            Data::Integer(number) => format!("the number {number}"),
            Data::Float(number) => format!("the number {number}"),
            Data::Bool(_) => "a boolean".to_owned(),
            Data::Datetime(_) => "a date or time".to_owned(),
            Data::List(_) => "a list".to_owned(),
            Data::Table(_) => "a table".to_owned(),
        }
    }

    /// The text, where this is a string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.data {
            Data::String(text) => Some(text),
            _ => None,
        }
    }
}

impl Table {
    /// The entries in the order of the file.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry with this key.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// Takes over what the TOML parser found, with places in the file.
    pub(super) fn from_toml(table: &DeTable<'_>, file: &Arc<SourceFile>, problems: &mut Diagnostics) -> Self {
        let mut pairs: Vec<_> = table.iter().collect();
        // The parser sorts by key; people read in the order of the file.
        pairs.sort_by_key(|(key, _)| key.span().start);
        let entries = pairs
            .into_iter()
            .map(|(key, value)| Entry {
                key: key.get_ref().to_string(),
                key_place: Place::text(file, key.span()),
                value: Value::from_toml(value, file, problems),
            })
            .collect();
        Self { entries }
    }
}

impl Value {
    fn from_toml(value: &Spanned<DeValue<'_>>, file: &Arc<SourceFile>, problems: &mut Diagnostics) -> Self {
        let place = Place::text(file, value.span());
        let data = match value.get_ref() {
            DeValue::String(text) => Data::String(text.to_string()),
            DeValue::Integer(number) => Data::Integer(integer(number).unwrap_or_else(|| {
                problems.push(
                    Diagnostic::error(format!("the number {number} is too large"))
                        .at(place.clone())
                        .hint("whole numbers go up to 9223372036854775807"),
                );
                0
            })),
            DeValue::Float(number) => Data::Float(float(number.as_str())),
            DeValue::Boolean(value) => Data::Bool(*value),
            DeValue::Datetime(time) => Data::Datetime(time.to_string()),
            DeValue::Array(items) => {
                Data::List(items.iter().map(|item| Self::from_toml(item, file, problems)).collect())
            }
            DeValue::Table(table) => Data::Table(Table::from_toml(table, file, problems)),
        };
        Self { data, place }
    }
}

fn integer(number: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// TOML's grammar of numbers is a part of Rust's, so only a number that the parser recovered from can fail.
fn float(text: &str) -> f64 {
    text.parse().unwrap_or(f64::NAN)
}
