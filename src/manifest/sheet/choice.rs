//! Which part of a file is the table, and how its columns are called.

use std::sync::Arc;

use super::contain::contained;
use super::decode::{decode, encoding};
use super::files::{FileFault, Files};
use super::format::{FORMATS, Format};
use super::table::{At, Parts, Row, Sheet};
use super::value::{CellValue, fold};
use super::workbook::{Area, Checked, Workbook, spread};
use super::{delimited, listing};
use crate::manifest::{Data, FromValue, Placed, Reading, Value, hint_for, suggestion};
use crate::model::{Diagnostic, Diagnostics, Place};

/// How many rows are searched for the header: above it there are titles and remarks.
const HEADER_ROWS: usize = 200;

/// So many rows of one file are told one by one.
const TOLD: usize = 100;

/// Where a table is and how its columns are called. Placed values stand in the manifest.
#[derive(Clone, Debug)]
pub struct SheetChoice {
    /// The path of the file, as it is shown and as it was read.
    pub file: Placed<String>,
    /// The sheet; left out for the only one that is visible.
    pub sheet: Option<Placed<SheetName>>,
    /// The row of the header, from 1; left out for the first that holds the key column's.
    pub header: Option<Placed<u32>>,
    /// The header of the column that holds the ids; left out only for listings of the AWS CLI.
    pub key: Option<Placed<String>>,
    /// Other names for columns, with their headers.
    pub columns: Vec<(Placed<String>, Placed<String>)>,
    /// The encoding of a text file; left out to have it detected.
    pub encoding: Option<Placed<String>>,
    /// The block, for what is left out.
    pub place: Place,
}

/// A sheet's name, or its number from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SheetName {
    /// The name on its tab.
    Name(String),
    /// The number among all sheets, hidden ones included.
    Number(usize),
}

impl FromValue for SheetName {
    fn expected() -> String {
        "a sheet's name, or its number from 1".to_owned()
    }

    fn from_value(value: &Value, reading: &mut Reading<'_>) -> Option<Self> {
        let name = match &value.data {
            Data::String(name) => Some(Self::Name(name.clone())),
            Data::Integer(number) => {
                usize::try_from(*number).ok().filter(|number| *number > 0).map(Self::Number)
            }
            _ => None,
        };
        if name.is_none() {
            reading.unexpected(value, &Self::expected());
        }
        name
    }
}

/// The rows of a sheet before its header is found.
struct Grid {
    name: Option<Arc<str>>,
    rows: Vec<Vec<CellValue>>,
    merged: Vec<Area>,
}

type Fault = Box<Diagnostic>;

impl SheetChoice {
    /// The sheet, or `None` after every problem was recorded.
    pub fn read(&self, files: &Files, problems: &mut Diagnostics) -> Option<Sheet> {
        let found = problems.iter().count();
        let read = self.table(files, problems);
        if let Err(fault) = read {
            problems.push(*fault);
            return None;
        }
        let mut sheet = read.ok()?;
        self.name_columns(&mut sheet, problems);
        sheet.settle_numbers();
        (problems.iter().count() == found).then_some(sheet)
    }

    fn table(&self, files: &Files, problems: &mut Diagnostics) -> Result<Sheet, Fault> {
        let (format, extension) = self.format()?;
        self.check_keys(format, problems);
        let bytes = match files.get(&self.file.value) {
            Some(Ok(bytes)) => bytes.get(),
            None | Some(Err(FileFault::Missing)) => {
                return Err(self
                    .about_file(&format!("there is no file `{}`", self.file.value))
                    .hint("a path is relative to the folder of the manifest file that names it")
                    .into());
            }
            Some(Err(FileFault::Other(fault))) => return Err(self.file_fault(fault).into()),
        };
        match format {
            Format::Workbook => self.with_header(self.grid_of_workbook(bytes, &extension)?),
            Format::Text { separator } => {
                let text = self.text(bytes)?;
                let key = self.key.as_ref();
                let with_key = || delimited::separator_with(&text, &key?.value, HEADER_ROWS);
                let separator = separator.or_else(with_key);
                let rows = delimited::rows(&text, separator).map_err(|fault| {
                    self.file_fault(&fault).hint("write `\"\"` for a quotation mark within a cell in quotes")
                })?;
                let sheet = self.with_header(Grid { name: None, rows, merged: Vec::new() })?;
                problems.extend(shifted(&sheet));
                Ok(sheet)
            }
            Format::Listing => self.listing(&self.text(bytes)?),
        }
    }

    fn format(&self) -> Result<(Format, String), Fault> {
        let file = &self.file.value;
        Format::of(file).ok_or_else(|| {
            let summary = format!("`{file}` is no file that an inventory can be read from");
            self.about_file(&summary).hint(FORMATS).into()
        })
    }

    /// Keys that mean nothing for this file would be taken for something that they are not.
    fn check_keys(&self, format: Format, problems: &mut Diagnostics) {
        let mut refuse = |key: &str, place: Option<&Place>, what: &str| {
            if let Some(place) = place {
                problems.push(
                    Diagnostic::error(format!("`{key}` goes with {what}"))
                        .at(place.clone())
                        .hint("remove the key"),
                );
            }
        };
        let sheet = self.sheet.as_ref().map(|sheet| &sheet.place);
        let encoding = self.encoding.as_ref().map(|encoding| &encoding.place);
        let header = self.header.as_ref().map(|header| &header.place);
        if format == Format::Workbook {
            refuse("encoding", encoding, "text files; a workbook knows its own");
        } else {
            refuse("sheet", sheet, "workbooks; this file has one table");
        }
        if format == Format::Listing {
            refuse("header", header, "tables; what the AWS CLI prints has none");
        }
    }

    fn about_file(&self, summary: &str) -> Diagnostic {
        Diagnostic::error(summary).at(self.file.place.clone())
    }

    fn file_fault(&self, fault: &str) -> Diagnostic {
        self.about_file(&format!("`{}` {fault}", self.file.value))
    }

    fn text(&self, bytes: &[u8]) -> Result<String, Fault> {
        let given = match &self.encoding {
            None => None,
            Some(name) => Some(encoding(&name.value).map_err(|hint| {
                let summary = format!("there is no encoding {:?}", name.value);
                Diagnostic::error(summary).at(name.place.clone()).hint(hint)
            })?),
        };
        decode(bytes, given).map_err(|fault| self.file_fault(&fault.summary).hint(fault.hint).into())
    }

    fn grid_of_workbook(&self, bytes: &[u8], extension: &str) -> Result<Grid, Fault> {
        let unreadable = |reason: String| {
            self.file_fault(&format!("cannot be read as .{extension}: {reason}"))
                .hint("open it in the spreadsheet program and save it once more, without a password")
        };
        let read = contained(|| {
            let checked = Checked::new(bytes, extension).map_err(unreadable)?;
            let mut workbook = Workbook::open(&checked).map_err(unreadable)?;
            let name = self.sheet_name(&workbook.sheets())?;
            let cells = workbook.cells(&name).map_err(unreadable)?;
            Ok(Grid { name: Some(name.into()), rows: cells.rows, merged: cells.merged })
        });
        read.unwrap_or_else(|| Err(unreadable("the file is damaged".to_owned()).into()))
    }

    /// The sheet that is meant, of these with their visibility.
    fn sheet_name(&self, sheets: &[(String, bool)]) -> Result<String, Fault> {
        let names: Vec<&str> = sheets.iter().map(|(name, _)| name.as_str()).collect();
        let file = &self.file.value;
        let Some(choice) = &self.sheet else {
            let visible: Vec<&str> =
                sheets.iter().filter(|(_, visible)| *visible).map(|(name, _)| name.as_str()).collect();
            return match visible[..] {
                [only] => Ok(only.to_owned()),
                [] => Err(self
                    .about_file(&format!("every sheet of `{file}` is hidden"))
                    .hint(format!("choose one: {}", choices("sheet", &names)))
                    .into()),
                _ => Err(self
                    .about_file(&format!("`{file}` has {} visible sheets", visible.len()))
                    .hint(format!("choose one: {}", choices("sheet", &visible)))
                    .into()),
            };
        };
        let summary = match &choice.value {
            SheetName::Number(number) => match names.get(number - 1) {
                Some(name) => return Ok((*name).to_owned()),
                None => format!("`{file}` has no sheet number {number}"),
            },
            SheetName::Name(wanted) => {
                let found = names.iter().find(|name| **name == wanted);
                match found.or_else(|| names.iter().find(|name| fold(name) == fold(wanted))) {
                    Some(name) => return Ok((*name).to_owned()),
                    None => format!("`{file}` has no sheet `{wanted}`"),
                }
            }
        };
        let hint = match &choice.value {
            SheetName::Name(wanted) => hint_for(wanted, &names, "its sheets are"),
            SheetName::Number(_) => format!("its sheets are {}", list(&names)),
        };
        Err(Diagnostic::error(summary).at(choice.place.clone()).hint(hint).into())
    }

    /// Finds the header and takes what is below it.
    fn with_header(&self, Grid { name, mut rows, merged }: Grid) -> Result<Sheet, Fault> {
        let words = match &name {
            Some(name) => format!("{} › {name}", self.file.value),
            None => self.file.value.clone(),
        };
        let Some(key) = &self.key else {
            return Err(Diagnostic::error("the inventory names no column of ids")
                .at(self.place.clone())
                .hint(format!(
                    "add `id = \"…\"` with the header of the column that holds the ids{}",
                    headers_hint(&rows)
                ))
                .into());
        };
        let wanted = fold(&key.value);
        let holds_key =
            |row: &Vec<CellValue>| row.iter().any(|cell| !cell.is_empty() && cell.folded() == wanted);
        let first = rows.iter().take(HEADER_ROWS).position(holds_key);
        let header = match (&self.header, first) {
            (None, Some(row)) => row,
            (None, None) => {
                let summary = format!("`{words}` has no column `{}`", key.value);
                let hint = no_column_hint(&key.value, &rows);
                return Err(Diagnostic::error(summary).at(key.place.clone()).hint(hint).into());
            }
            (Some(given), first) => {
                let row = (given.value as usize).wrapping_sub(1);
                if !rows.get(row).is_some_and(holds_key) {
                    let summary = format!("row {} of `{words}` has no cell `{}`", given.value, key.value);
                    let hint = match first {
                        Some(row) => format!("it stands in row {}: `header = {}`", row + 1, row + 1),
                        None => no_column_hint(&key.value, rows.get(row..=row).unwrap_or_default()),
                    };
                    return Err(Diagnostic::error(summary).at(given.place.clone()).hint(hint).into());
                }
                row
            }
        };
        spread(&mut rows, &merged, header);
        let body = rows.split_off(header + 1);
        let headers = rows.pop().unwrap_or_default().iter().map(ToString::to_string).collect();
        let numbered = body.into_iter().zip(header + 1..);
        Ok(Sheet::new(Parts {
            file: self.file.value.as_str().into(),
            name,
            header: Some(header),
            headers,
            rows: numbered.map(|(cells, index)| Row { at: At::Index(index), cells }).collect(),
        }))
    }

    fn listing(&self, text: &str) -> Result<Sheet, Fault> {
        let listing = listing::read(text).map_err(|fault| {
            self.file_fault(&fault)
                .hint("write it with `aws ec2 describe-instances --output json` or `describe-tags`")
        })?;
        let rows = listing.rows.into_iter();
        let mut sheet = Sheet::new(Parts {
            file: self.file.value.as_str().into(),
            name: None,
            header: None,
            headers: listing.headers,
            rows: rows.map(|(words, cells)| Row { at: At::Words(words.into()), cells }).collect(),
        });
        sheet.set_key(sheet.column(listing.key).unwrap_or_default());
        Ok(sheet)
    }

    /// Sets the key column and the names that the manifest gives.
    fn name_columns(&self, sheet: &mut Sheet, problems: &mut Diagnostics) {
        if let Some(key) = &self.key {
            match find(sheet, key) {
                Ok(column) => sheet.set_key(column),
                Err(fault) => problems.push(*fault),
            }
        }
        let mut aliases: Vec<(&Placed<String>, usize)> = Vec::new();
        for (alias, header) in &self.columns {
            let alike = |(other, _): &&(&Placed<String>, usize)| fold(&other.value) == fold(&alias.value);
            if let Some((first, _)) = aliases.iter().find(alike) {
                problems.push(
                    Diagnostic::error(format!("two columns are called `{}`", fold(&alias.value)))
                        .at(alias.place.clone())
                        .related(first.place.clone(), "the first one")
                        .hint("names that differ in blanks or full-width letters are the same"),
                );
                continue;
            }
            match find(sheet, header) {
                Ok(column) => aliases.push((alias, column)),
                Err(fault) => problems.push(*fault),
            }
        }
        // After all headers were looked up, so that two columns can swap their names.
        for (alias, column) in aliases {
            sheet.set_alias(&alias.value, column);
        }
    }
}

/// An error for each row with a value right of the last header: a separator within a text, which moves what follows.
fn shifted(sheet: &Sheet) -> impl Iterator<Item = Diagnostic> {
    sheet.beyond_headers().take(TOLD).map(|place| {
        Diagnostic::error("the row has more cells than the header")
            .at(place)
            .hint("put a cell that holds the separator into quotes, or give this column a header")
    })
}

fn find(sheet: &Sheet, header: &Placed<String>) -> Result<usize, Fault> {
    if let Some(column) = sheet.column(&header.value) {
        return Ok(column);
    }
    let words = sheet.words();
    if let Some((first, second)) = sheet.ambiguous(&header.value) {
        return Err(Diagnostic::error(format!("`{words}` has two columns `{}`", header.value))
            .at(sheet.header_place(second))
            .related(sheet.header_place(first), "the first one")
            .hint("give one of them another header")
            .into());
    }
    let names: Vec<&str> = sheet.names().collect();
    Err(Diagnostic::error(format!("`{words}` has no column `{}`", header.value))
        .at(header.place.clone())
        .hint(hint_for(&header.value, &names, "its columns are"))
        .into())
}

/// A near header in the rows, or what could be the header.
fn no_column_hint(wanted: &str, rows: &[Vec<CellValue>]) -> String {
    let texts: Vec<String> = rows
        .iter()
        .take(HEADER_ROWS)
        .flatten()
        .filter(|cell| matches!(cell, CellValue::Text(_)))
        .map(CellValue::folded)
        .collect();
    match suggestion(wanted, texts.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("`id` is the header of the column that holds the ids{}", headers_hint(rows)),
    }
}

/// The first row with more than one text is most likely the header.
fn headers_hint(rows: &[Vec<CellValue>]) -> String {
    let header = rows.iter().take(HEADER_ROWS).find_map(|row| {
        let texts = row.iter().filter(|cell| matches!(cell, CellValue::Text(_)));
        let texts: Vec<String> = texts.map(CellValue::folded).collect();
        (texts.len() > 1).then_some(texts)
    });
    header.map_or_else(String::new, |texts| {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        format!("; the file has {}", list(&texts))
    })
}

fn list(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

fn choices(key: &str, words: &[&str]) -> String {
    words.iter().map(|word| format!("`{key} = {word:?}`")).collect::<Vec<_>>().join(", ")
}
