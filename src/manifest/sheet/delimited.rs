//! Comma- and tab-separated text.

use std::borrow::Cow;

use super::value::CellValue;

/// The lines that are looked at to find out what separates the cells.
const SAMPLE_LINES: usize = 20;

/// The rows of a text; `None` for the separator finds out whether it is a comma, a semicolon or a tab.
///
/// The index of a row is the one that a spreadsheet program would give it: blank lines count, line breaks within quotes do
/// not.
pub(super) fn rows(text: &str, separator: Option<u8>) -> Vec<Vec<CellValue>> {
    let text = unix_lines(text);
    let separator = separator.unwrap_or_else(|| detect(&text));
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    let mut rows: Vec<Vec<CellValue>> = Vec::new();
    let mut breaks_in_cells = 0;
    // The text is UTF-8 and any number of fields will do, so no record can be wrong.
    while reader.read_record(&mut record).unwrap_or(false) {
        // The reader leaves out blank lines, so the row follows from the line at which the record ended.
        let line = usize::try_from(reader.position().line()).unwrap_or(usize::MAX);
        breaks_in_cells += record.iter().map(|field| field.matches('\n').count()).sum::<usize>();
        let row = line.saturating_sub(2 + breaks_in_cells).max(rows.len());
        rows.resize_with(row, Vec::new);
        rows.push(record.iter().map(CellValue::of_text_file).collect());
    }
    rows
}

/// Line breaks in one form, and one at the end, so that lines can be counted.
fn unix_lines(text: &str) -> Cow<'_, str> {
    if !text.contains('\r') && text.ends_with('\n') {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n") + "\n")
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
        rows(text, None).iter().map(|row| row.iter().map(ToString::to_string).collect()).collect()
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
        assert_eq!(rows("a,b\tc\n", Some(b'\t'))[0].len(), 2);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(text) = super::super::decode::decode(&bytes, None) {
                rows(&text, None);
            }
            rows(&String::from_utf8_lossy(&bytes), Some(b'\t'));
        }

        #[test]
        fn any_quoting_is_read_without_a_panic(text in "[a,;\"\r\n\t ]{0,60}") {
            rows(&text, None);
        }
    }
}
