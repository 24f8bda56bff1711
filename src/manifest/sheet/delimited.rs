//! Comma- and tab-separated text.

use std::borrow::Cow;

use super::value::{CellValue, fold};

/// The lines that are looked at to find out what separates the cells.
const SAMPLE_LINES: usize = 20;

/// A row that no text has, read after the last one: where it is not met, a quotation mark was still open.
const END: &str = "\u{1}end of the text\u{1}";

/// The rows of a text; `None` for the separator finds out whether it is a comma, a semicolon or a tab.
///
/// The index of a row is the one that a spreadsheet program would give it: blank lines count, line breaks within quotes do
/// not.
///
/// # Errors
/// In words, where a quotation mark is not closed: what stands below it would be part of one cell, and a list that has lost
/// its end would delete what was made for it.
pub(super) fn rows(text: &str, separator: Option<u8>) -> Result<Vec<Vec<CellValue>>, String> {
    let mut text = unix_lines(text).into_owned();
    let separator = separator.unwrap_or_else(|| detect(&text));
    text.push_str(END);
    text.push('\n');
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    let mut rows: Vec<Vec<CellValue>> = Vec::new();
    let mut breaks_in_cells = 0;
    // The text is UTF-8 and any number of fields will do, so no record can be wrong.
    let mut begins = 1;
    let mut complete = false;
    while reader.read_record(&mut record).unwrap_or(false) {
        if record.len() == 1 && &record[0] == END {
            complete = true;
            break;
        }
        if record.iter().any(|field| field.contains(END) || holds_rows(field, separator, record.len())) {
            return Err(format!(
                "has a quotation mark in line {begins} or soon after it that is not closed where its cell ends"
            ));
        }
        // The reader leaves out blank lines, so the row follows from the line at which the record ended.
        let line = usize::try_from(reader.position().line()).unwrap_or(usize::MAX);
        begins = line;
        breaks_in_cells += record.iter().map(|field| field.matches('\n').count()).sum::<usize>();
        let row = line.saturating_sub(2 + breaks_in_cells).max(rows.len());
        rows.resize_with(row, Vec::new);
        rows.push(record.iter().map(CellValue::of_text_file).collect());
    }
    if complete { Ok(rows) } else { Err("ends within a row".to_owned()) }
}

/// Whether a cell of several lines has a line that looks like a row, with as many separators as a row has.
fn holds_rows(field: &str, separator: u8, cells: usize) -> bool {
    /// With fewer columns a sentence with commas would look like a row.
    const COLUMNS: usize = 3;
    let separators = |line: &str| line.bytes().filter(|byte| *byte == separator).count();
    cells >= COLUMNS && field.split('\n').skip(1).any(|line| separators(line) + 1 >= cells)
}

/// Line breaks in one form, and one at the end, so that lines can be counted.
fn unix_lines(text: &str) -> Cow<'_, str> {
    if !text.contains('\r') && text.ends_with('\n') {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n") + "\n")
}

/// The separator with which a row of the first `lines` holds this header; of several the one that is detected.
pub(super) fn separator_with(text: &str, header: &str, lines: usize) -> Option<u8> {
    let wanted = fold(header);
    let holds = |separator: u8| {
        let mut cells = text.lines().take(lines).flat_map(|line| line.split(char::from(separator)));
        cells.any(|cell| fold(cell.trim().trim_matches('"')) == wanted)
    };
    let detected = detect(text);
    [detected, b',', b';', b'\t'].into_iter().find(|separator| holds(*separator))
}

/// The separator that stands most often outside quotes in the first lines.
fn detect(text: &str) -> u8 {
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    let mut quoted = false;
    for byte in text.lines().take(SAMPLE_LINES).flat_map(str::bytes) {
        quoted ^= byte == b'"';
        if let Some((_, count)) = counts.iter_mut().find(|(separator, _)| !quoted && *separator == byte) {
            *count += 1;
        }
    }
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(0);
    counts.iter().find(|(_, count)| *count == most).map_or(b',', |(separator, _)| *separator)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(text: &str) -> Vec<Vec<String>> {
        rows(text, None).unwrap().iter().map(|row| row.iter().map(ToString::to_string).collect()).collect()
    }

    #[test]
    fn rows_have_the_index_that_a_spreadsheet_gives_them() {
        for text in ["a,b\n\n\"x\ny\",2\n,3\nlast,4", "a,b\r\n\r\n\"x\r\ny\",2\r\n,3\r\nlast,4\r\n"] {
            let rows = texts(text);
            assert_eq!(rows.len(), 5, "{rows:?}");
            assert_eq!(rows[1], [""; 0]);
            assert_eq!(rows[2], ["x\ny", "2"]);
            assert_eq!(rows[4], ["last", "4"]);
        }
        assert_eq!(texts("a\rb\r").len(), 2);
        assert_eq!(texts(""), [[""; 0]; 0]);
    }

    #[test]
    fn separators_are_found() {
        assert_eq!(texts("a;b;c\n1;2,5;3\n")[1], ["1", "2,5", "3"]);
        assert_eq!(texts("a\tb\n\"1,2,3\"\t5\n")[1], ["1,2,3", "5"]);
        assert_eq!(texts("a\n1\n"), [["a"], ["1"]]);
        assert_eq!(rows("a,b\tc\n", Some(b'\t')).unwrap()[0].len(), 2);
        let titled = "Report, for a, b, c\nnotes, x, y, z\nInstance ID;\"v\"\ni-1;1\n";
        assert_eq!(separator_with(titled, "Instance ID", 9), Some(b';'));
        assert_eq!(separator_with(titled, "v", 9), Some(b';'));
        assert_eq!(separator_with("a,b;c\n", "d", 9), None);
        assert_eq!(separator_with("a\nb;c\n", "a", 9), Some(b';'));
    }

    #[test]
    fn a_quotation_mark_that_is_not_closed_is_told_with_its_line() {
        let fault = |text: &str| rows(text, None).unwrap_err();
        for text in ["id,name,cpu\ni-1,\"web,80\ni-2,db,90\n", "id,name,cpu\ni-1,\"web,80"] {
            assert!(fault(text).contains("in line 2 "), "{}", fault(text));
        }
        // A second stray mark closes the first, and what is between them is one cell.
        let text = "id,name,cpu\ni-1,a,1\ni-2,\"b,2\ni-3,c,3\ni-4,\"d,4\n";
        assert!(fault(text).contains("in line 3 "), "{}", fault(text));
        assert_eq!(texts("id,name,cpu\ni-1,\"one, two\nand more\",80\n").len(), 2);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(text) = super::super::decode::decode(&bytes, None) {
                let _ = rows(&text, None);
            }
            let _ = rows(&String::from_utf8_lossy(&bytes), Some(b'\t'));
        }

        #[test]
        fn any_quoting_is_read_without_a_panic(text in "[a,;\"\r\n\t ]{0,60}") {
            let _ = rows(&text, None);
        }

        #[test]
        fn every_row_of_a_well_formed_text_is_read(
            cells in proptest::collection::vec(proptest::collection::vec("[a-c,\" ]{1,6}", 3), 1..8),
        ) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            for row in &cells {
                writer.write_record(row).unwrap();
            }
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            prop_assert_eq!(rows(&text, Some(b',')).unwrap().len(), cells.len());
        }
    }
}
