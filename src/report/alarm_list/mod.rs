//! A sheet that lists alarms, as an `[[inventory]]` and an `[[alarm]]` for a person to review.
//!
//! What the columns mean is guessed from their headers, and what their words mean from the cells. A guess that is wrong is seen
//! in the file that is written, or as an error that names a cell; nothing is guessed again later.
//!
//! A column of units is not taken over: people write there what the threshold is of, while an alarm with a unit that its
//! metric's data does not have never gets any ("`Unit`" of `PutMetricAlarm` in the API reference).

mod header;
mod values;

use std::collections::BTreeSet;
use std::fmt::Write;

use toml::Value;

use self::header::{Column, Header, Meaning};
use self::values::{Cells, Part};
use crate::manifest::{CellValue, Grid};

/// What was made of a sheet.
#[derive(Clone, Debug)]
pub struct AlarmList {
    /// The manifest file.
    pub text: String,
    /// How many rows it has below the header.
    pub rows: usize,
    /// The headers of columns that are not used.
    pub unused: Vec<String>,
}

/// How the result is to be called.
#[derive(Clone, Debug)]
pub struct Names<'a> {
    /// The file as a person named it.
    pub shown: &'a str,
    /// The file as the manifest has to name it: relative to the manifest's folder.
    pub file: &'a str,
    /// The sheet to take; left out for the one that looks most like a list of alarms.
    pub sheet: Option<&'a str>,
    /// Labels that are taken.
    pub labels: &'a BTreeSet<String>,
}

/// The declaration of a list of alarms.
///
/// # Errors
/// In words, where no table has a header with a metric and a threshold.
pub fn alarm_list(grids: &[Grid], names: &Names<'_>) -> Result<AlarmList, String> {
    let chosen: Vec<&Grid> = match names.sheet {
        None => grids.iter().collect(),
        Some(name) => grids.iter().filter(|grid| grid.name.as_deref() == Some(name)).collect(),
    };
    let sheets: Vec<&str> = grids.iter().filter_map(|grid| grid.name.as_deref()).collect();
    if chosen.is_empty() {
        return Err(format!("there is no visible sheet of that name; there are {}", listed(&sheets)));
    }
    let found = chosen.into_iter().filter_map(|grid| Some((grid, Header::find(&grid.rows)?)));
    // The first of those that are equally good.
    let best = found.reduce(|best, next| if next.1.known() > best.1.known() { next } else { best });
    let (grid, header) = best.ok_or_else(|| nothing_found(grids))?;
    let list = List::new(grid, header);
    Ok(list.declaration(names, sheets.len() > 1))
}

fn nothing_found(grids: &[Grid]) -> String {
    let headers = grids.iter().find_map(|grid| {
        let text = |cell: &&CellValue| matches!(cell, CellValue::Text(_));
        let row = grid.rows.iter().find(|row| row.iter().filter(text).count() > 1)?;
        Some(row.iter().filter(text).map(ToString::to_string).collect::<Vec<_>>())
    });
    let headers = headers.unwrap_or_default();
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    let found = if headers.is_empty() { String::new() } else { format!(" (there are {})", listed(&headers)) };
    format!("no row has headers for a metric and a threshold{found}")
}

/// A sheet whose header was found.
struct List<'a> {
    grid: &'a Grid,
    header: Header,
    /// The rows below the header that are not blank.
    rows: Vec<&'a Vec<CellValue>>,
    notes: Vec<String>,
}

/// A key of the `[[alarm]]` with its value as TOML; a key that is commented out begins with `#`.
type Key = (&'static str, String);

impl<'a> List<'a> {
    fn new(grid: &'a Grid, header: Header) -> Self {
        let below = grid.rows.iter().skip(header.row + 1);
        let rows = below.filter(|row| row.iter().any(|cell| !cell.is_empty())).collect();
        Self { grid, header, rows, notes: Vec::new() }
    }

    fn declaration(mut self, names: &Names<'_>, several: bool) -> AlarmList {
        let key = self.key();
        let keys = self.keys(&key);
        let label = label(names.shown, names.labels);
        let unused: Vec<String> = self.unused();
        let mut text = format!(
            "# Written by `opsform import {}`. What the columns mean is a guess: review every line.\n",
            names.shown
        );
        for note in &self.notes {
            let _ = writeln!(text, "# {note}");
        }
        if !unused.is_empty() {
            let unused: Vec<&str> = unused.iter().map(String::as_str).collect();
            let _ = writeln!(text, "# Columns that are not used: {}.", listed(&unused));
        }
        let _ = writeln!(text, "\n[[inventory]]\nlabel = \"{label}\"\nfile = {}", toml(names.file));
        if let Some(sheet) = self.grid.name.as_deref().filter(|_| several) {
            let _ = writeln!(text, "sheet = {}", toml(sheet));
        }
        let _ =
            writeln!(text, "header = {}\nid = {}\nkind = \"row\"", self.header.row + 1, toml(&key.header));
        text.push_str("\n[inventory.columns]\n");
        for column in &self.header.columns {
            if let Some(name) = column.meaning.as_ref().and_then(variable) {
                let _ = writeln!(text, "{name} = {}", toml(&column.header));
            }
        }
        let _ = writeln!(text, "\n[[alarm]]\nlabel = \"{label}\"\nfor_each = {{ inventory = \"{label}\" }}");
        for (key, value) in keys {
            let _ = writeln!(text, "{key} = {value}");
        }
        AlarmList { text, rows: self.rows.len(), unused }
    }

    /// The cells of a column in all rows.
    fn cells(&self, column: &Column) -> Cells<'a> {
        const EMPTY: &CellValue = &CellValue::Empty;
        let cells = self.rows.iter().map(|row| row.get(column.index).unwrap_or(EMPTY)).collect();
        let variable = match column.meaning.as_ref().and_then(variable) {
            Some(name) => format!("row.{name}"),
            None => format!("row[{}]", values::quoted(&column.header)),
        };
        Cells { variable, cells }
    }

    fn of(&self, meaning: &Meaning) -> Option<(Column, Cells<'a>)> {
        let column = self.header.column(meaning)?.clone();
        let cells = self.cells(&column);
        Some((column, cells))
    }

    /// The column by which rows are told apart: the names, else another in which nothing is blank or twice.
    fn key(&mut self) -> Column {
        let unique = |column: &&Column| {
            let cells = self.cells(column);
            !cells.blank() && cells.texts().len() == self.rows.len()
        };
        let preferred = [Meaning::Name, Meaning::Number];
        let first = preferred.iter().filter_map(|meaning| self.header.column(meaning)).find(unique);
        // A threshold that happens to differ in every row tells nothing apart.
        let other = |column: &&Column| matches!(column.meaning, None | Some(Meaning::Description));
        let found = first.or_else(|| self.header.columns.iter().filter(other).find(unique)).cloned();
        if let Some(found) = found {
            return found;
        }
        self.notes.push(
            "No column has a different value in every row, so that rows cannot be told apart: correct `id`, or the sheet."
                .to_owned(),
        );
        let fallback = self.header.column(&Meaning::Name).or(self.header.columns.first());
        // A header has at least the columns of metric and threshold.
        fallback.cloned().unwrap_or(Column { index: 0, header: String::new(), meaning: None })
    }

    fn keys(&mut self, key: &Column) -> Vec<Key> {
        let mut keys: Vec<Key> = Vec::new();
        match self.of(&Meaning::Region) {
            Some((_, cells)) => keys.push(("region", toml(&cells.plain("''")))),
            None => {
                keys.push(("# region", "\"us-east-1\" # needed where the manifest has several".to_owned()));
            }
        }
        if let Some((_, cells)) = self.of(&Meaning::Account) {
            keys.push(("account", toml(&cells.plain("''"))));
        }
        keys.push(("name", toml(&self.name(key))));
        keys.push(self.namespace());
        keys.extend(self.of(&Meaning::Metric).map(|(_, cells)| ("metric", toml(&cells.plain("''")))));
        keys.extend(self.dimensions());
        keys.extend(self.of(&Meaning::Statistic).map(|(_, cells)| ("statistic", toml(&cells.statistic()))));
        keys.extend(
            self.of(&Meaning::Period).map(|(column, cells)| ("period", toml(&cells.period(&column.header)))),
        );
        keys.extend(self.evaluation());
        keys.extend(self.threshold());
        if let Some((_, cells)) = self.of(&Meaning::TreatMissingData) {
            keys.push(("treat_missing_data", toml(&cells.treat_missing_data())));
        }
        if let Some((_, cells)) = self.of(&Meaning::ActionsEnabled) {
            keys.push(("actions_enabled", toml(&cells.actions_enabled())));
        }
        for (meaning, key) in [
            (Meaning::AlarmActions, "alarm_actions"),
            (Meaning::OkActions, "ok_actions"),
            (Meaning::InsufficientDataActions, "insufficient_data_actions"),
        ] {
            keys.extend(self.actions(&meaning, key));
        }
        if let Some((_, cells)) = self.of(&Meaning::Description) {
            keys.push(("description", toml(&cells.plain("''"))));
        }
        keys.extend(self.tags());
        keys
    }

    fn name(&self, key: &Column) -> String {
        match self.of(&Meaning::Name) {
            Some(_) if key.meaning == Some(Meaning::Name) => "{{ id }}".to_owned(),
            Some((_, cells)) => format!("{{{{ {} }}}}", cells.variable),
            None => "{{ id }}: {{ metric }} {{ comparison }} {{ threshold }}".to_owned(),
        }
    }

    fn namespace(&self) -> Key {
        if let Some((_, cells)) = self.of(&Meaning::Namespace) {
            return ("namespace", toml(&cells.plain("'AWS/EC2'")));
        }
        let of_dimension = |name| self.header.column(&Meaning::Dimension(name)).is_some();
        let guess = match () {
            () if of_dimension("path") => "CWAgent",
            () if of_dimension("InstanceId") => "AWS/EC2",
            () if of_dimension("DBInstanceIdentifier") || of_dimension("DBClusterIdentifier") => "AWS/RDS",
            () if of_dimension("LoadBalancer") => "AWS/ApplicationELB",
            () if of_dimension("FunctionName") => "AWS/Lambda",
            () if of_dimension("QueueName") => "AWS/SQS",
            () if of_dimension("VolumeId") => "AWS/EBS",
            () => return ("# namespace", "\"AWS/EC2\" # not in the sheet: fill it in".to_owned()),
        };
        ("namespace", format!("\"{guess}\" # not in the sheet"))
    }

    fn dimensions(&self) -> Option<Key> {
        let columns = self.header.columns.iter().filter_map(|column| match column.meaning {
            Some(Meaning::Dimension(name)) => Some((name, self.cells(column))),
            _ => None,
        });
        let columns: Vec<(&str, Cells<'_>)> = columns.collect();
        let separate =
            columns.iter().any(|(_, cells)| cells.texts().iter().any(|text| text.contains([',', ';', '\n'])));
        let mut parts: Vec<String> = Vec::new();
        if let Some((_, cells)) = self.of(&Meaning::Dimensions) {
            let instances = cells.texts().iter().all(|text| text.starts_with("i-") && !text.contains('='));
            parts.push(format!("{}{}", if instances { "InstanceId=" } else { "" }, cells.plain("''")));
        } else if separate {
            let entries =
                columns.iter().map(|(name, cells)| format!("{name} = {}", toml(&cells.plain("''"))));
            return Some(("dimensions", format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))));
        }
        parts.extend(columns.iter().map(|(name, cells)| format!("{name}={}", cells.plain("''"))));
        (!parts.is_empty()).then(|| ("dimensions", toml(&parts.join(", "))))
    }

    fn evaluation(&self) -> Vec<Key> {
        let periods = self.of(&Meaning::EvaluationPeriods);
        let datapoints = self.of(&Meaning::DatapointsToAlarm);
        let both = [&periods, &datapoints].into_iter().flatten().find(|(_, cells)| cells.has_m_of_n());
        if let Some((_, cells)) = both {
            return vec![
                ("evaluation_periods", toml(&cells.count(Part::N))),
                ("datapoints_to_alarm", toml(&cells.count(Part::M))),
            ];
        }
        let mut keys = Vec::new();
        if let Some((_, cells)) = &periods {
            keys.push(("evaluation_periods", toml(&cells.count(Part::N))));
        }
        if let Some((_, cells)) = &datapoints {
            let default = match &periods {
                Some((_, periods)) => format!("{} | default(1)", periods.variable),
                None => "1".to_owned(),
            };
            keys.push(("datapoints_to_alarm", toml(&cells.plain(&default))));
        }
        keys
    }

    fn threshold(&mut self) -> Vec<Key> {
        let threshold = self.of(&Meaning::Threshold);
        let comparison = match (self.of(&Meaning::Comparison), &threshold) {
            (Some((_, cells)), _) => toml(&cells.comparison()),
            (None, Some((_, cells))) if cells.has_comparison() => toml(&cells.comparison_within()),
            _ => "\">\" # not in the sheet".to_owned(),
        };
        let mut keys = vec![("comparison", comparison)];
        if let Some((column, cells)) = threshold {
            let numbers = cells.numbers();
            if !numbers.is_empty() && numbers.iter().all(|number| (0.0..=1.0).contains(number)) {
                self.notes.push(format!(
                    "All of {} are from 0 to 1. A cell that shows 90% holds 0.9: if that is so, write `{{{{ {} * 100 }}}}`.",
                    listed(&[&column.header]),
                    cells.variable
                ));
            }
            keys.push(("threshold", toml(&cells.threshold())));
        }
        keys
    }

    fn actions(&mut self, meaning: &Meaning, key: &'static str) -> Option<Key> {
        let (column, cells) = self.of(meaning)?;
        let actions = cells.actions();
        if actions.is_none() {
            self.notes.push(format!(
                "{} holds what is neither an ARN nor the name of an SNS topic, so that `{key}` is left out.",
                listed(&[&column.header])
            ));
        }
        Some((key, toml(&actions?)))
    }

    fn tags(&self) -> Option<Key> {
        let tags = self.header.columns.iter().filter_map(|column| match &column.meaning {
            Some(Meaning::Tag(key)) => {
                Some(format!("{} = {}", toml(key), toml(&self.cells(column).plain("''"))))
            }
            _ => None,
        });
        let tags: Vec<String> = tags.collect();
        (!tags.is_empty()).then(|| ("tags", format!("{{ {} }}", tags.join(", "))))
    }

    fn unused(&self) -> Vec<String> {
        let unused = self.header.columns.iter().filter(|column| match &column.meaning {
            None | Some(Meaning::Unit) => true,
            Some(_) => false,
        });
        unused.map(|column| column.header.clone()).collect()
    }
}

/// A column's short name; `None` where it has none and goes by its header.
fn variable(meaning: &Meaning) -> Option<&'static str> {
    Some(match meaning {
        Meaning::Name => "alarm_name",
        Meaning::Region => "region",
        Meaning::Account => "account",
        Meaning::Namespace => "namespace",
        Meaning::Metric => "metric",
        Meaning::Dimensions => "dimensions",
        Meaning::Statistic => "statistic",
        Meaning::Period => "period",
        Meaning::EvaluationPeriods => "evaluation_periods",
        Meaning::DatapointsToAlarm => "datapoints_to_alarm",
        Meaning::Comparison => "comparison",
        Meaning::Threshold => "threshold",
        Meaning::TreatMissingData => "treat_missing_data",
        Meaning::AlarmActions => "alarm_actions",
        Meaning::OkActions => "ok_actions",
        Meaning::InsufficientDataActions => "insufficient_data_actions",
        Meaning::ActionsEnabled => "actions_enabled",
        Meaning::Description => "description",
        Meaning::Dimension(name) => name,
        Meaning::Unit | Meaning::Tag(_) | Meaning::Number => return None,
    })
}

fn toml(text: &str) -> String {
    Value::from(text).to_string()
}

fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// The file's name as a label, with a number where it is taken.
fn label(file: &str, taken: &BTreeSet<String>) -> String {
    let name = file.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_lowercase();
    let plain = stem.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' });
    let plain: String = plain.collect();
    let words: Vec<&str> = plain.split('-').filter(|word| !word.is_empty()).collect();
    let base = if words.is_empty() { "alarms".to_owned() } else { words.join("-") };
    let numbered = (2..).map(|number| format!("{base}-{number}"));
    std::iter::once(base.clone()).chain(numbered).find(|label| !taken.contains(label)).unwrap_or(base)
}

#[cfg(test)]
mod tests;
