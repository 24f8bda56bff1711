//! The live fleet as a sheet: one row a target, all tags as columns, and how many alarms watch it.

use std::collections::{BTreeMap, BTreeSet};

use rust_xlsxwriter::{Format, Workbook, XlsxError};
use serde_json::{Map, Value};

use crate::inventory::{Target, TargetKind};
use crate::render::{Align, Palette, Table, Tone};

/// The columns that every target has, in order.
const FIXED: [&str; 7] = ["id", "Name", "kind", "account", "region", "state", "alarms"];

/// Which of them identify a target.
const ID: usize = 0;
const KIND: usize = 2;

/// The first columns of the terminal's table; a terminal has no room for all tags.
const SHOWN: usize = FIXED.len();

/// A sheet of targets. As a workbook or as comma-separated values it can be an `[[inventory]]`, see
/// [`FleetSheet::inventory_blocks`].
#[derive(Clone, Debug)]
pub struct FleetSheet {
    columns: Vec<String>,
    rows: Vec<Vec<Option<Value>>>,
}

impl FleetSheet {
    /// A sheet of these targets, each with the number of alarms that watch it.
    ///
    /// Behind the fixed columns come the attributes (`instance_type`, …) and then the tags by their keys. The Name tag is
    /// among the fixed ones; a tag with the name of another column stands there as `tag:KEY`.
    pub fn new(targets: &[(&Target, usize)]) -> Self {
        let attributes: BTreeSet<&str> =
            targets.iter().flat_map(|(t, _)| t.attributes.keys().copied()).collect();
        let tags: BTreeSet<&str> = targets
            .iter()
            .flat_map(|(t, _)| t.tags.keys().map(String::as_str))
            .filter(|key| *key != "Name")
            .collect();
        let taken: BTreeSet<&str> = FIXED.into_iter().chain(attributes.iter().copied()).collect();
        let named = |key: &str| if taken.contains(key) { format!("tag:{key}") } else { key.to_owned() };
        let fixed = FIXED.iter().chain(&attributes).map(|name| (*name).to_owned());
        let columns = fixed.chain(tags.iter().map(|key| named(key))).collect();
        let rows = targets
            .iter()
            .map(|(target, alarms)| {
                let attributes = attributes.iter().map(|name| target.attributes.get(name).cloned());
                let tags =
                    tags.iter().map(|key| target.tags.get(*key).map(|value| Value::from(value.as_str())));
                fixed_cells(target, *alarms).into_iter().chain(attributes).chain(tags).collect()
            })
            .collect();
        Self { columns, rows }
    }

    /// The fixed columns, for a terminal; targets without an alarm stand out.
    pub fn table(&self, palette: Palette) -> String {
        let columns: Vec<(&str, Align)> = self.columns[..SHOWN]
            .iter()
            .map(|name| (name.as_str(), if name == "alarms" { Align::Right } else { Align::Left }))
            .collect();
        let mut table = Table::new(&columns);
        for row in &self.rows {
            let cells = row[..SHOWN].iter().zip(&self.columns).map(|(cell, name)| {
                let text = text_of(cell.as_ref());
                let tone = if name == "alarms" && text == "0" { Tone::Notice } else { Tone::Plain };
                (tone, text)
            });
            table.row(cells);
        }
        table.text(palette)
    }

    /// All columns as comma-separated values, in UTF-8: each value as it is, without a mark for one program or another.
    ///
    /// # Errors
    /// None in practice: the writer writes to memory.
    pub fn csv(&self) -> Result<String, csv::Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&self.columns)?;
        for row in &self.rows {
            writer.write_record(row.iter().map(|cell| text_of(cell.as_ref())))?;
        }
        let bytes = writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Ready `[[inventory]]` blocks for the sheet in a file, as a manifest names that file: one for each kind of target,
    /// because a block is about one. Empty where there is no target.
    pub fn inventory_blocks(&self, file: &str) -> String {
        let mut ids: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for row in &self.rows {
            ids.entry(text_of(row[KIND].as_ref())).or_default().push(text_of(row[ID].as_ref()));
        }
        let several = ids.len() > 1;
        let file = toml::Value::from(file);
        let blocks = ids.iter().map(|(kind, ids)| {
            let label = if several { format!("fleet-{}", kind.replace('_', "-")) } else { "fleet".to_owned() };
            let filter = if several { format!("where = \"row.kind == '{kind}'\"\n") } else { String::new() };
            let twice = repeated(ids).map_or_else(String::new, |id| {
                format!("# {id} stands in several rows, and a row is known by its id: say in `where` which one counts\n")
            });
            format!(
                "[[inventory]]\n{twice}label = \"{label}\"\nfile = {file}\nid = \"id\"\nkind = \"{kind}\"\n{filter}"
            )
        });
        blocks.collect::<Vec<_>>().join("\n")
    }

    /// A list of objects, one a target, without the cells that are empty.
    pub fn json(&self) -> Value {
        let object = |row: &Vec<Option<Value>>| {
            let cells =
                self.columns.iter().zip(row).filter_map(|(name, cell)| Some((name.clone(), cell.clone()?)));
            Value::Object(cells.collect::<Map<_, _>>())
        };
        self.rows.iter().map(object).collect()
    }

    /// An Excel workbook with one sheet: header frozen and filtered. Text stays text, whatever it begins with.
    ///
    /// # Errors
    /// Where the sheet is larger than Excel allows.
    pub fn xlsx(&self) -> Result<Vec<u8>, XlsxError> {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet().set_name("fleet")?;
        let header = Format::new().set_bold();
        let index = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
        for (column, name) in self.columns.iter().enumerate() {
            sheet.write_string_with_format(0, index(column), name, &header)?;
        }
        for (line, row) in (1u32..).zip(&self.rows) {
            for (column, cell) in row.iter().enumerate() {
                match cell {
                    Some(Value::Number(number)) => {
                        sheet.write_number(line, index(column), number.as_f64().unwrap_or_default())?;
                    }
                    Some(Value::Bool(truth)) => {
                        sheet.write_boolean(line, index(column), *truth)?;
                    }
                    Some(value) => {
                        sheet.write_string(line, index(column), text_of(Some(value)))?;
                    }
                    None => {}
                }
            }
        }
        sheet.set_freeze_panes(1, 0)?;
        let last_row = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        sheet.autofilter(0, 0, last_row, index(self.columns.len().saturating_sub(1)))?;
        sheet.autofit();
        workbook.save_to_buffer()
    }

    /// How many targets there are, and how many of them no alarm watches, by kind.
    pub fn coverage(targets: &[(&Target, usize)]) -> BTreeMap<TargetKind, (usize, usize)> {
        let mut counts: BTreeMap<TargetKind, (usize, usize)> = BTreeMap::new();
        for (target, alarms) in targets {
            let count = counts.entry(target.kind).or_default();
            count.0 += 1;
            count.1 += usize::from(*alarms == 0);
        }
        counts
    }
}

fn fixed_cells(target: &Target, alarms: usize) -> [Option<Value>; 7] {
    [
        Some(target.id.as_str().into()),
        target.tags.get("Name").map(|name| name.as_str().into()),
        Some(target.kind.name().into()),
        Some(target.scope.account.as_str().into()),
        Some(target.scope.region.as_str().into()),
        Some(target.state.as_str().into()),
        Some(alarms.into()),
    ]
}

/// An id that stands there more than once.
fn repeated(ids: &[String]) -> Option<&String> {
    let mut seen = BTreeSet::new();
    ids.iter().find(|id| !seen.insert(*id))
}

fn text_of(cell: Option<&Value>) -> String {
    match cell {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => {
            items.iter().map(|item| text_of(Some(item))).collect::<Vec<_>>().join(" ")
        }
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Scope;

    fn target(id: &str, tags: &[(&str, &str)]) -> Target {
        Target {
            kind: TargetKind::Ec2,
            scope: Scope::new("111122223333", "us-east-1"),
            id: id.to_owned(),
            name: id.to_owned(),
            state: "running".to_owned(),
            tags: tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            attributes: BTreeMap::from([("instance_type", "t3.small".into())]),
        }
    }

    #[test]
    fn there_is_a_block_for_each_kind() {
        let database = |region: &str| Target {
            kind: TargetKind::RdsCluster,
            scope: Scope::new("111122223333", region),
            ..target("main", &[])
        };
        let (instance, one, two) = (target("i-1", &[]), database("us-east-1"), database("eu-west-1"));
        let blocks = |targets: &[&Target]| {
            let rows: Vec<(&Target, usize)> = targets.iter().map(|target| (*target, 0)).collect();
            FleetSheet::new(&rows).inventory_blocks("a \"b\".csv")
        };
        assert_eq!(blocks(&[]), "");
        assert_eq!(
            blocks(&[&instance]),
            "[[inventory]]\nlabel = \"fleet\"\nfile = 'a \"b\".csv'\nid = \"id\"\nkind = \"ec2\"\n"
        );
        let several = blocks(&[&instance, &one]);
        assert_eq!(several.matches("[[inventory]]").count(), 2, "{several}");
        assert!(several.contains("label = \"fleet-rds-cluster\""), "{several}");
        assert!(several.contains("where = \"row.kind == 'rds_cluster'\"\n"), "{several}");
        assert!(!several.contains("several rows"), "{several}");
        assert!(blocks(&[&one, &two]).contains("# main stands in several rows"));
    }

    #[test]
    fn tags_are_columns_and_never_hide_others() {
        let (one, two) = (target("i-1", &[("Name", "a"), ("id", "x,y")]), target("i-2", &[("Env", "=1+1")]));
        let sheet = FleetSheet::new(&[(&one, 2), (&two, 0)]);
        assert_eq!(
            sheet.csv().unwrap(),
            "id,Name,kind,account,region,state,alarms,instance_type,Env,tag:id\n\
             i-1,a,ec2,111122223333,us-east-1,running,2,t3.small,,\"x,y\"\n\
             i-2,,ec2,111122223333,us-east-1,running,0,t3.small,=1+1,\n"
        );
        assert_eq!(sheet.json()[1]["Env"], "=1+1");
        assert_eq!(sheet.json()[1].get("Name"), None);
        assert!(sheet.table(Palette::PLAIN).contains("i-2"));
        assert_eq!(FleetSheet::coverage(&[(&one, 2), (&two, 0)])[&TargetKind::Ec2], (2, 1));
    }
}
