//! `.ods`: the tables of open documents (ODF 1.2, part 1, chapter 9), as a person sees them.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::{BufReader, Cursor, Read};

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::cells::{Area, Cells, MOST_COLUMNS};
use super::zipped::{self, Archive};
use crate::manifest::sheet::value::{CellValue, error_word};

const CONTENT: &str = "content.xml";

/// How deep a sheet stands: below the document, its body and the spreadsheet.
const SHEET_DEPTH: usize = 3;

/// Elements within a cell that are not its text: remarks, drawings, and the reading of an ideograph.
const NO_TEXT: [&str; 3] = ["office:annotation", "draw:frame", "text:ruby-text"];

/// An opened document.
pub(super) struct Ods<'a> {
    bytes: &'a [u8],
    /// The names of the sheets and whether each is visible.
    pub(super) sheets: Vec<(String, bool)>,
}

impl<'a> Ods<'a> {
    /// Opens a document, after reading it to its end.
    ///
    /// # Errors
    /// In words, where it is no such document, damaged, or protected.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, String> {
        let mut archive = Archive::new(Cursor::new(bytes)).map_err(|error| error.to_string())?;
        let protected = zipped::part(&mut archive, "META-INF/manifest.xml")
            .is_ok_and(|manifest| String::from_utf8_lossy(&manifest).contains("encryption-data"));
        if protected {
            return Err("it is protected with a password".to_owned());
        }
        let mut events = content(&mut archive)?;
        let (mut sheets, mut hidden, mut style) = (Vec::new(), HashSet::new(), None);
        while let Some(event) = events.next()? {
            let Event::Start(element) = event else { continue };
            match element.name().0 {
                "style:style" => style = attribute(&element, "style:name")?,
                "style:table-properties" => {
                    let shown = attribute(&element, "table:display")?.is_none_or(|shown| shown != "false");
                    if let (false, Some(style)) = (shown, style.take()) {
                        hidden.insert(style);
                    }
                }
                "table:table" => {
                    let name = attribute(&element, "table:name")?.unwrap_or_default();
                    let style = attribute(&element, "table:style-name")?;
                    if events.depth == SHEET_DEPTH + 1 {
                        sheets.push((name, style.is_none_or(|style| !hidden.contains(&style))));
                    }
                }
                _ => {}
            }
        }
        Ok(Self { bytes, sheets })
    }

    /// The cells of a sheet.
    ///
    /// # Errors
    /// In words, where it has too many.
    pub(super) fn cells(&self, sheet: &str) -> Result<Cells, String> {
        let mut archive = Archive::new(Cursor::new(self.bytes)).map_err(|error| error.to_string())?;
        let mut events = content(&mut archive)?;
        while let Some(event) = events.next()? {
            let Event::Start(element) = event else { continue };
            let named = element.name().0 == "table:table"
                && attribute(&element, "table:name")?.unwrap_or_default() == sheet;
            if named && events.depth == SHEET_DEPTH + 1 {
                return read_sheet(&mut events);
            }
        }
        Err(format!("it has no sheet `{sheet}`"))
    }
}

/// The elements and texts of the content, one after the other.
struct Events<R> {
    xml: Reader<BufReader<R>>,
    buffer: Vec<u8>,
    /// How many elements are open.
    depth: usize,
}

/// The content of a document.
fn content<'a>(archive: &'a mut Archive<'_>) -> Result<Events<impl Read + 'a>, String> {
    archive.by_name(CONTENT).map(Events::new).map_err(|error| format!("{CONTENT}: {error}"))
}

impl<R: Read> Events<R> {
    fn new(content: R) -> Self {
        let mut xml = Reader::from_reader(BufReader::new(content));
        xml.config_mut().expand_empty_elements = true;
        Self { xml, buffer: Vec::new(), depth: 0 }
    }

    /// The next event; `None` at the end of the document, where every element is closed.
    fn next(&mut self) -> Result<Option<Event<'_>>, String> {
        self.buffer.clear();
        let event =
            self.xml.read_event_into(&mut self.buffer).map_err(|error| format!("{CONTENT}: {error}"))?;
        match event {
            Event::Start(_) => self.depth += 1,
            Event::End(_) => self.depth = self.depth.saturating_sub(1),
            Event::Eof if self.depth > 0 => return Err(format!("{CONTENT} is cut off")),
            Event::Eof => return Ok(None),
            _ => {}
        }
        Ok(Some(event))
    }
}

/// The value of an attribute, without escapes.
fn attribute(element: &BytesStart<'_>, name: &str) -> Result<Option<String>, String> {
    let found = element.try_get_attribute(name).map_err(|error| error.to_string())?;
    let value = found.map(|found| found.normalized_value(XmlVersion::Implicit1_0).map(Cow::into_owned));
    value.transpose().map_err(|error| error.to_string())
}

/// A count in an attribute, 1 where it is left out.
fn count(element: &BytesStart<'_>, name: &str) -> Result<usize, String> {
    match attribute(element, name)? {
        None => Ok(1),
        Some(count) => count.parse().map_err(|_| format!("{name} is {count:?}")),
    }
}

/// Reads the rows of the sheet whose element was just opened.
fn read_sheet<R: Read>(events: &mut Events<R>) -> Result<Cells, String> {
    let mut cells = Cells::default();
    let depth = events.depth;
    let mut row = 0_usize;
    while events.depth >= depth {
        let Some(event) = events.next()? else { break };
        let Event::Start(element) = event else { continue };
        if element.name().0 != "table:table-row" {
            continue;
        }
        let times = count(&element, "table:number-rows-repeated")?;
        for (column, times_wide, cell) in read_row(events)? {
            let area = cell.area(row, column);
            cells.merged.extend(area);
            for column in column..column.saturating_add(times_wide).min(MOST_COLUMNS) {
                for row in row..row.saturating_add(times) {
                    cells.put(row, column, cell.value.clone())?;
                }
            }
        }
        row = row.saturating_add(times);
    }
    Ok(cells)
}

/// The cells of a row that hold something: column, how many columns it is repeated, value.
fn read_row<R: Read>(events: &mut Events<R>) -> Result<Vec<(usize, usize, SheetCell)>, String> {
    let depth = events.depth;
    let (mut row, mut column) = (Vec::new(), 0_usize);
    while events.depth >= depth {
        let Some(event) = events.next()? else { break };
        let Event::Start(element) = event else { continue };
        let covered = match element.name().0 {
            "table:table-cell" => false,
            "table:covered-table-cell" => true,
            _ => continue,
        };
        let times = count(&element, "table:number-columns-repeated")?;
        let facts = Facts::of(&element)?;
        let text = read_text(events)?;
        // Nobody sees what stands below a merged cell.
        let value = if covered { CellValue::Empty } else { facts.value(text)? };
        if !value.is_empty() {
            row.push((column, times, SheetCell { value, rows: facts.rows, columns: facts.columns }));
        }
        column = column.saturating_add(times);
    }
    Ok(row)
}

/// A cell with how many rows and columns it covers.
struct SheetCell {
    value: CellValue,
    rows: usize,
    columns: usize,
}

impl SheetCell {
    fn area(&self, row: usize, column: usize) -> Option<Area> {
        let last = (row.saturating_add(self.rows - 1), column.saturating_add(self.columns - 1));
        (self.rows > 1 || self.columns > 1).then_some(Area { first: (row, column), last })
    }
}

/// The text of the cell whose element was just opened, one line for each paragraph; `None` where it has no paragraph.
fn read_text<R: Read>(events: &mut Events<R>) -> Result<Option<String>, String> {
    let depth = events.depth;
    let mut text: Option<String> = None;
    // The depth of what is left out, and of the paragraph.
    let (mut skipped, mut paragraph) = (usize::MAX, usize::MAX);
    while events.depth >= depth {
        let level = events.depth;
        let Some(event) = events.next()? else { break };
        match event {
            Event::Start(element) => {
                let name = element.name().0;
                if level >= skipped {
                    continue;
                }
                let push = match name {
                    "text:p" if paragraph == usize::MAX => {
                        paragraph = level + 1;
                        if text.is_some() { "\n".to_owned() } else { String::new() }
                    }
                    "text:s" => " ".repeat(count(&element, "text:c")?.min(MOST_COLUMNS)),
                    "text:tab" => "\t".to_owned(),
                    "text:line-break" => "\n".to_owned(),
                    name if NO_TEXT.contains(&name) => {
                        skipped = level + 1;
                        continue;
                    }
                    _ => continue,
                };
                text.get_or_insert_default().push_str(&push);
            }
            Event::End(_) => {
                skipped = if level == skipped { usize::MAX } else { skipped };
                paragraph = if level == paragraph { usize::MAX } else { paragraph };
            }
            Event::Text(part) if level < skipped && level >= paragraph => {
                text.get_or_insert_default().push_str(&part.xml10_content());
            }
            Event::CData(part) if level < skipped && level >= paragraph => {
                text.get_or_insert_default().push_str(&part);
            }
            Event::GeneralRef(entity) if level < skipped && level >= paragraph => {
                text.get_or_insert_default().push_str(&entity_text(&entity)?);
            }
            _ => {}
        }
    }
    Ok(text)
}

/// The character that `&amp;` or `&#xAC00;` stands for.
fn entity_text(entity: &str) -> Result<String, String> {
    let escaped = format!("&{entity};");
    quick_xml::escape::unescape(&escaped).map(Cow::into_owned).map_err(|error| format!("{CONTENT}: {error}"))
}

/// What the attributes of a cell say.
#[derive(Default)]
struct Facts {
    kind: String,
    number: Option<String>,
    text: Option<String>,
    date: Option<String>,
    time: Option<String>,
    truth: Option<String>,
    error: bool,
    formula: bool,
    rows: usize,
    columns: usize,
}

impl Facts {
    fn of(element: &BytesStart<'_>) -> Result<Self, String> {
        let mut facts = Self { rows: 1, columns: 1, ..Self::default() };
        for found in element.attributes() {
            let found = found.map_err(|error| error.to_string())?;
            let value = || {
                let value = found.normalized_value(XmlVersion::Implicit1_0);
                value.map(Cow::into_owned).map_err(|error| error.to_string())
            };
            match found.key.0 {
                "office:value-type" => facts.kind = value()?,
                "office:value" => facts.number = Some(value()?),
                "office:string-value" => facts.text = Some(value()?),
                "office:date-value" => facts.date = Some(value()?),
                "office:time-value" => facts.time = Some(value()?),
                "office:boolean-value" => facts.truth = Some(value()?),
                "calcext:value-type" => facts.error = value()? == "error",
                "table:formula" => facts.formula = true,
                "table:number-rows-spanned" => facts.rows = value()?.parse().unwrap_or(1).max(1),
                "table:number-columns-spanned" => facts.columns = value()?.parse().unwrap_or(1).max(1),
                _ => {}
            }
        }
        Ok(facts)
    }

    /// The value of the cell, whose text is what a person sees.
    fn value(&self, seen: Option<String>) -> Result<CellValue, String> {
        let error = seen.as_deref().and_then(error_word);
        if self.error || (self.formula && error.is_some()) {
            return Ok(CellValue::Error(error.unwrap_or("#ERROR!").into()));
        }
        let given = match self.kind.as_str() {
            "float" | "percentage" | "currency" => match &self.number {
                None => None,
                Some(number) => {
                    let number =
                        number.trim().parse().map_err(|_| format!("a cell has the number {number:?}"))?;
                    Some(CellValue::of_number(number))
                }
            },
            "date" => self.date.as_deref().map(|date| CellValue::Text(iso_date(date).into())),
            "time" => self.time.as_deref().map(|time| CellValue::Text(clock(time).into())),
            "boolean" => {
                self.truth.as_deref().map(|truth| CellValue::Bool(truth.eq_ignore_ascii_case("true")))
            }
            _ => self.text.as_deref().map(CellValue::of_sheet_text),
        };
        Ok(match (given, seen) {
            (Some(given), _) => given,
            (None, Some(seen)) => CellValue::of_sheet_text(&seen),
            (None, None) if self.formula => CellValue::unsaved(),
            (None, None) => CellValue::Empty,
        })
    }
}

/// A date as the other formats have it: without a midnight, and with milliseconds where there are some.
fn iso_date(date: &str) -> String {
    let date = date.trim();
    let Some((day, time)) = date.split_once('T') else { return date.to_owned() };
    let (seconds, fraction) = time.split_once('.').unwrap_or((time, ""));
    let millis: String = fraction.chars().chain("000".chars()).take(3).collect();
    match (seconds, millis.as_str()) {
        ("00:00:00" | "00:00", "000") => day.to_owned(),
        (_, "000") => format!("{day}T{seconds}"),
        _ => format!("{day}T{seconds}.{millis}"),
    }
}

/// `09:30:00` for `PT09H30M00S`; what is written otherwise stays as it is.
fn clock(time: &str) -> String {
    let time = time.trim();
    let parts = || {
        let rest = time.strip_prefix("PT")?;
        let (hours, rest) = rest.split_once('H')?;
        let (minutes, rest) = rest.split_once('M')?;
        let (seconds, _) =
            rest.strip_suffix('S')?.split_once(['.', ',']).unwrap_or((rest.strip_suffix('S')?, ""));
        let number = |text: &str| text.parse::<u32>().ok();
        Some(format!("{:02}:{:02}:{:02}", number(hours)?, number(minutes)?, number(seconds)?))
    };
    parts().unwrap_or_else(|| time.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cells of a sheet with these rows, and what is merged.
    fn cells(rows: &str) -> Result<Cells, String> {
        let text = format!("<table:table table:name=\"S\">{rows}</table:table>");
        let mut events = Events::new(text.as_bytes());
        events.next()?;
        read_sheet(&mut events)
    }

    fn value(attributes: &str, content: &str) -> CellValue {
        let row = format!(
            "<table:table-row><table:table-cell {attributes}>{content}</table:table-cell></table:table-row>"
        );
        let cells = cells(&row).unwrap();
        cells.rows.first().and_then(|row| row.first()).cloned().unwrap_or_default()
    }

    #[test]
    fn cells_have_the_value_that_is_saved() {
        let text = |text: &str| CellValue::Text(text.into());
        for (attributes, content, expected) in [
            (
                "office:value-type='percentage' office:value='0.57'",
                "<text:p>57%</text:p>",
                CellValue::Number(0.57),
            ),
            ("office:value-type='date' office:date-value='2026-11-20T00:00:00'", "", text("2026-11-20")),
            (
                "office:value-type='date' office:date-value='2026-11-20T09:30:00.123456000'",
                "",
                text("2026-11-20T09:30:00.123"),
            ),
            ("office:value-type='time' office:time-value='PT09H30M00S'", "", text("09:30:00")),
            ("office:value-type='time' office:time-value='PT30H00M00.5S'", "", text("30:00:00")),
            ("office:value-type='boolean' office:boolean-value='true'", "", CellValue::Bool(true)),
            (
                "office:value-type='string'",
                "<text:p>a&amp;b &#xAC00;</text:p><text:p>c</text:p>",
                text("a&b 가\nc"),
            ),
            (
                "office:value-type='string'",
                "<text:p>a<text:s text:c='2'/><text:span>b</text:span></text:p>",
                text("a  b"),
            ),
            (
                "office:value-type='string'",
                "<office:annotation><text:p>note</text:p></office:annotation><text:p>x</text:p>",
                text("x"),
            ),
            ("table:formula='of:=1' office:value-type='string' office:string-value=''", "", CellValue::Empty),
            ("table:formula='of:=[.A1]+1'", "", CellValue::unsaved()),
            ("table:formula='of:=[.A1]+1' office:value-type='float'", "", CellValue::unsaved()),
        ] {
            assert_eq!(value(attributes, content), expected, "{attributes}");
        }
    }

    #[test]
    fn errors_are_told_by_their_text() {
        let error = |text: &str| CellValue::Error(text.into());
        let none = "table:formula='of:=NA()' office:value-type='string' office:string-value='' \
                    calcext:value-type='error'";
        let old = "table:formula='of:=NA()' office:value-type='float' office:value='0'";
        assert_eq!(value(none, "<text:p>#N/A</text:p>"), error("#N/A"));
        assert_eq!(value(none, "<text:p>Err:508</text:p>"), error("Err:508"));
        assert_eq!(value(none, "<text:p>#NV</text:p>"), error("#ERROR!"));
        assert_eq!(value(old, "<text:p>#N/A</text:p>"), error("#N/A"));
    }

    #[test]
    fn repeated_and_merged_cells_have_their_places() {
        let cell = "<table:table-cell office:value-type='float' office:value='5'";
        let cells = cells(&format!(
            "<table:table-header-rows><table:table-row>{cell} table:number-columns-repeated='2'/></table:table-row>\
             </table:table-header-rows>\n<table:table-row table:number-rows-repeated='3'><table:table-cell/>\
             </table:table-row><table:table-row>\n<table:table-cell table:number-columns-repeated='2'/>\
             {cell} table:number-rows-spanned='2'/>\n</table:table-row><table:table-row><table:covered-table-cell \
             office:value-type='float' office:value='7'/></table:table-row>\
             <table:table-row table:number-rows-repeated='1048000'><table:table-cell/></table:table-row>"
        ))
        .unwrap();
        let lengths: Vec<usize> = cells.rows.iter().map(Vec::len).collect();
        assert_eq!(lengths, [2, 0, 0, 0, 3]);
        assert_eq!(cells.merged, [Area { first: (4, 2), last: (5, 2) }]);
    }

    #[test]
    fn a_document_that_is_cut_off_or_boundless_is_refused() {
        let mut events = Events::new("<a><b>".as_bytes());
        let read = std::iter::repeat_with(|| events.next().map(|event| event.is_some())).find(Result::is_err);
        assert_eq!(read, Some(Err("content.xml is cut off".to_owned())));
        let cell = "<table:table-cell office:value-type='float' office:value='5'";
        let rows = |rows: &str, columns: &str| {
            cells(&format!(
                "<table:table-row table:number-rows-repeated='{rows}'>{cell} \
                 table:number-columns-repeated='{columns}'/></table:table-row>"
            ))
        };
        assert_eq!(rows("1", "1000000000").unwrap().rows[0].len(), MOST_COLUMNS);
        assert!(rows("1000000000", "1").unwrap_err().contains("a sheet ends"));
        assert!(rows("1000000", "1000").unwrap_err().contains("cells"));
    }
}
