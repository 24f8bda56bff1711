//! `dimensions`: a table, or one text that holds all of them, as a cell of a spreadsheet does.

use crate::manifest::{Data, Entries, FromValue, Placed, Reading, Scalar, TableReader, Templated, Value};
use crate::model::Place;

use super::block::Text;

/// The dimensions of an alarm's metric.
#[derive(Debug)]
pub(super) enum Dimensions {
    /// Name to value; the names are known.
    Table(Vec<(Placed<String>, Text)>),
    /// One text with names and values.
    Text(Placed<Templated<Pairs>>),
}

/// Names and values from one text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pairs(pub(super) Vec<(String, String)>);

impl Dimensions {
    /// Reads the key `dimensions`.
    pub(super) fn read(reader: &mut TableReader<'_>) -> Option<Self> {
        let read = reader.optional::<Either>("dimensions")?;
        Some(match read.value {
            Either::Table(entries) => Self::Table(entries),
            Either::Text(text) => Self::Text(Placed { value: text, place: read.place }),
        })
    }

    /// The entries of a table; none of a text.
    pub(super) fn entries(&self) -> &[(Placed<String>, Text)] {
        match self {
            Self::Table(entries) => entries,
            Self::Text(_) => &[],
        }
    }

    /// The text, where it is one.
    pub(super) fn text(&self) -> Option<&Placed<Templated<Pairs>>> {
        match self {
            Self::Table(_) => None,
            Self::Text(text) => Some(text),
        }
    }

    /// Where the value of a dimension stands.
    pub(super) fn place_of(&self, name: Option<&str>) -> Option<&Place> {
        match self {
            Self::Table(entries) => {
                let entry = entries.iter().find(|(key, _)| Some(key.value.as_str()) == name)?;
                Some(&entry.1.place)
            }
            Self::Text(text) => Some(&text.place),
        }
    }
}

enum Either {
    Table(Vec<(Placed<String>, Text)>),
    Text(Templated<Pairs>),
}

impl FromValue for Either {
    fn expected() -> String {
        format!("a table, or {}", Pairs::expected())
    }

    fn from_value(value: &Value, reading: &mut Reading<'_>) -> Option<Self> {
        match value.data {
            Data::String(_) => Templated::from_value(value, reading).map(Self::Text),
            Data::Table(_) => Entries::from_value(value, reading).map(|entries| Self::Table(entries.0)),
            _ => {
                reading.unexpected(value, &Self::expected());
                None
            }
        }
    }
}

impl FromValue for Pairs {
    fn expected() -> String {
        "a text such as \"InstanceId=i-0abc, path=/\"".to_owned()
    }

    fn from_value(value: &Value, reading: &mut Reading<'_>) -> Option<Self> {
        let pairs = value.as_str().and_then(|text| Self::from_text(text).ok());
        if pairs.is_none() {
            reading.unexpected(value, &Self::expected());
        }
        pairs
    }
}

impl Scalar for Pairs {
    /// Pairs as people write them (`InstanceId=i-0abc, path=/`; also with `;`, `:` or on lines of their own), as the AWS
    /// CLI takes them (`Name=InstanceId,Value=i-0abc Name=path,Value=/`) or as it prints them (JSON). A pair without a
    /// value is left out, so that a template may name dimensions that only some rows have.
    fn from_text(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let pairs = if text.starts_with(['{', '[']) { json(text) } else { written(text) };
        let mut pairs = pairs
            .ok_or_else(|| "is not a list of dimensions such as `InstanceId=i-0abc, path=/`".to_owned())?;
        pairs.retain(|(_, value)| !value.is_empty());
        let twice =
            pairs.iter().enumerate().find(|(at, (name, _))| pairs[..*at].iter().any(|(n, _)| n == name));
        match twice {
            Some((_, (name, _))) => Err(format!("gives two values for `{name}`")),
            None => Ok(Self(pairs)),
        }
    }
}

fn written(text: &str) -> Option<Vec<(String, String)>> {
    let parts = text.split([',', ';', '\n']).flat_map(|part| part.split(" Name=").enumerate());
    let mut pairs: Vec<(String, String)> = Vec::new();
    for (at, part) in parts {
        let part = part.trim();
        // What stood before the blank that was split at is put back.
        let part = if at > 0 { format!("Name={part}") } else { part.to_owned() };
        if part.is_empty() {
            continue;
        }
        let (name, value) = part.split_once('=').or_else(|| part.split_once(':'))?;
        let (name, value) = (name.trim(), value.trim());
        match (name, pairs.last_mut()) {
            ("", _) => return None,
            // `Name=InstanceId,Value=i-0abc`
            ("Value", Some((key, named))) if key == "Name" => {
                *key = std::mem::take(named);
                value.clone_into(named);
            }
            _ => pairs.push((name.to_owned(), value.to_owned())),
        }
    }
    Some(pairs)
}

fn json(text: &str) -> Option<Vec<(String, String)>> {
    let text_of = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    match serde_json::from_str(text).ok()? {
        serde_json::Value::Object(map) => {
            map.iter().map(|(name, value)| Some((name.clone(), text_of(value)?))).collect()
        }
        serde_json::Value::Array(list) => {
            let pair =
                |item: &serde_json::Value| Some((text_of(item.get("Name")?)?, text_of(item.get("Value")?)?));
            list.iter().map(pair).collect()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dimensions_are_read_as_people_and_the_cli_write_them() {
        let two = Ok(Pairs(vec![
            ("InstanceId".to_owned(), "i-0abc".to_owned()),
            ("path".to_owned(), "/".to_owned()),
        ]));
        for text in [
            "InstanceId=i-0abc, path=/",
            " InstanceId = i-0abc;path=/; ",
            "InstanceId: i-0abc\npath: /",
            "Name=InstanceId,Value=i-0abc Name=path,Value=/",
            "Name=InstanceId,Value=i-0abc\nName=path,Value=/",
            r#"[{"Name": "InstanceId", "Value": "i-0abc"}, {"Name": "path", "Value": "/"}]"#,
            r#"{"InstanceId": "i-0abc", "path": "/"}"#,
            "InstanceId=i-0abc, path=/, device=",
        ] {
            assert_eq!(Pairs::from_text(text), two, "{text}");
        }
        let urls = Pairs::from_text("LoadBalancer=app/web/50dc6c495c0c9188, q=a=b:c").unwrap();
        assert_eq!(urls.0[0].1, "app/web/50dc6c495c0c9188");
        assert_eq!(urls.0[1].1, "a=b:c");
        assert_eq!(Pairs::from_text(""), Ok(Pairs(Vec::new())));
    }

    #[test]
    fn what_is_no_list_of_dimensions_is_refused() {
        for text in ["i-0abc", "=x", "a=1, b", "[1]", "{\"a\": [1]}", "{a"] {
            assert!(Pairs::from_text(text).unwrap_err().starts_with("is not a list"), "{text}");
        }
        assert_eq!(Pairs::from_text("a=1, a=2"), Err("gives two values for `a`".to_owned()));
    }
}
