//! `.xlsb` as its reader understands it.
//!
//! The reader leaves out records that Excel and other programs write: a formula whose result is an error, and the short
//! forms of cells that stand right of another. Both mean the same as a record that it knows.

use super::zipped;

/// The records of a sheet (MS-XLSB 2.3.1).
const ROW: u16 = 0x00;
const CELL_ERROR: u16 = 0x03;
const CELL_TEXT: u16 = 0x06;
const FORMULA_ERROR: u16 = 0x0b;
const SHORT_BLANK: u16 = 0x0c;
const SHORT_SHARED_TEXT: u16 = 0x12;
const BEGIN_SHEET: u16 = 0x81;
const BEGIN_CELLS: u16 = 0x91;
const END_CELLS: u16 = 0x92;

/// The errors that the reader knows.
const KNOWN_ERRORS: [u8; 8] = [0x00, 0x07, 0x0f, 0x17, 0x1d, 0x24, 0x2a, 0x2b];

/// Parts that the reader reads besides sheets.
const PARTS: [&str; 3] = ["xl/workbook.bin", "xl/styles.bin", "xl/sharedstrings.bin"];

/// The workbook with every cell in the form that the reader knows.
///
/// # Errors
/// In words, where a part is cut off or a row is beyond what a sheet has.
pub(super) fn plain(bytes: &[u8]) -> Result<Vec<u8>, String> {
    zipped::changed(bytes, |name, part| {
        let lower = name.to_ascii_lowercase();
        let cut_off = || format!("{name} is cut off");
        if PARTS.contains(&lower.as_str()) {
            for record in Records(&part) {
                record.ok_or_else(cut_off)?;
            }
        }
        let sheet = lower.starts_with("xl/") && is_sheet(&part);
        if sheet { plain_sheet(&part).map_err(|fault| format!("{name} {fault}")) } else { Ok(part) }
    })
}

fn is_sheet(part: &[u8]) -> bool {
    matches!(Records(part).next(), Some(Some((BEGIN_SHEET, _))))
}

fn plain_sheet(part: &[u8]) -> Result<Vec<u8>, &'static str> {
    let mut plain = Vec::with_capacity(part.len() + part.len() / 4);
    let mut within = false;
    let mut column: Option<u32> = None;
    for record in Records(part) {
        let (kind, data) = record.ok_or("is cut off")?;
        match kind {
            BEGIN_CELLS => within = true,
            END_CELLS => within = false,
            _ => {}
        }
        if !within {
            write(&mut plain, kind, &[data]);
            continue;
        }
        match kind {
            ROW => {
                // The reader takes a row beyond the last for the end of the sheet.
                if first_number(data).ok_or("has a row without a number")? >= 1 << 20 {
                    return Err("has a row beyond the last one");
                }
                column = None;
                write(&mut plain, kind, &[data]);
            }
            SHORT_BLANK..=SHORT_SHARED_TEXT => {
                let next = column.map_or(0, |column| column.saturating_add(1));
                column = Some(next);
                let long = kind - SHORT_BLANK + 1;
                cell(&mut plain, long, &[&next.to_le_bytes(), data].concat());
            }
            0x01..=FORMULA_ERROR => {
                column = Some(first_number(data).ok_or("has a cell without a column")?);
                cell(&mut plain, kind, data);
            }
            _ => write(&mut plain, kind, &[data]),
        }
    }
    Ok(plain)
}

/// Writes a cell: column, style and value.
fn cell(plain: &mut Vec<u8>, kind: u16, data: &[u8]) {
    match (kind, data.get(8)) {
        (CELL_ERROR | FORMULA_ERROR, Some(code)) if KNOWN_ERRORS.contains(code) => {
            write(plain, CELL_ERROR, &[&data[..9]]);
        }
        (CELL_ERROR | FORMULA_ERROR, Some(_)) => {
            let text: Vec<u8> = "#ERROR!".encode_utf16().flat_map(u16::to_le_bytes).collect();
            write(plain, CELL_TEXT, &[&data[..8], &7_u32.to_le_bytes(), &text]);
        }
        _ => write(plain, kind, &[data]),
    }
}

fn first_number(data: &[u8]) -> Option<u32> {
    data.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

/// Writes a record: kind and length in groups of seven bits, the lowest first.
fn write(plain: &mut Vec<u8>, kind: u16, data: &[&[u8]]) {
    let length: usize = data.iter().map(|data| data.len()).sum();
    #[allow(clippy::cast_possible_truncation)] // Seven bits.
    let mut group = |number: usize, more: bool| plain.push((number & 0x7f) as u8 | (u8::from(more) << 7));
    let kind = usize::from(kind);
    group(kind, kind > 0x7f);
    if kind > 0x7f {
        group(kind >> 7, true);
    }
    let mut rest = length;
    while rest > 0x7f {
        group(rest, true);
        rest >>= 7;
    }
    group(rest, false);
    plain.extend(data.iter().copied().flatten());
}

/// Kind and data of each record; `None` for one that is cut off, after which there are no more.
struct Records<'a>(&'a [u8]);

impl<'a> Iterator for Records<'a> {
    type Item = Option<(u16, &'a [u8])>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let record = self.record();
        if record.is_none() {
            self.0 = &[];
        }
        Some(record)
    }
}

impl<'a> Records<'a> {
    fn record(&mut self) -> Option<(u16, &'a [u8])> {
        let low = self.byte()?;
        let high = if low & 0x80 == 0 { 0 } else { self.byte()? };
        let kind = u16::from(low & 0x7f) | (u16::from(high & 0x7f) << 7);
        let mut length = 0;
        for group in 0..4 {
            let byte = self.byte()?;
            length |= usize::from(byte & 0x7f) << (7 * group);
            if byte & 0x80 == 0 {
                break;
            }
        }
        let (data, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some((kind, data))
    }

    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_cells_and_errors_of_formulas_become_plain() {
        let mut sheet = Vec::new();
        write(&mut sheet, BEGIN_SHEET, &[]);
        write(&mut sheet, BEGIN_CELLS, &[]);
        write(&mut sheet, ROW, &[&[0; 200]]);
        write(&mut sheet, 0x01, &[&[3, 0, 0, 0, 9, 9, 9, 9]]);
        write(&mut sheet, 0x0f, &[&[8, 8, 8, 8, 1]]);
        write(&mut sheet, FORMULA_ERROR, &[&[6, 0, 0, 0, 7, 7, 7, 7, 0x2a, 5, 5, 5]]);
        write(&mut sheet, 0x0e, &[&[6, 6, 6, 6, 0x99]]);
        write(&mut sheet, END_CELLS, &[]);
        let plain = plain_sheet(&sheet).unwrap();
        let cells: Vec<(u16, &[u8])> = Records(&plain).map(Option::unwrap).skip(3).collect();
        assert_eq!(cells[1], (0x04, [4, 0, 0, 0, 8, 8, 8, 8, 1].as_slice()));
        assert_eq!(cells[2], (CELL_ERROR, [6, 0, 0, 0, 7, 7, 7, 7, 0x2a].as_slice()));
        assert_eq!((cells[3].0, &cells[3].1[..8]), (CELL_TEXT, [7, 0, 0, 0, 6, 6, 6, 6].as_slice()));
        assert_eq!(plain_sheet(&sheet[..sheet.len() - 5]), Err("is cut off"));
        let mut far = Vec::new();
        write(&mut far, BEGIN_CELLS, &[]);
        write(&mut far, ROW, &[&[0xff; 25]]);
        assert_eq!(plain_sheet(&far), Err("has a row beyond the last one"));
    }
}
