//! `.xls` before its reader sees it: the compound file (MS-CFB) and the places of its cells (MS-XLS).
//!
//! The reader follows a chain of sectors that leads back into itself until the memory is used up, and makes room for every
//! cell between the first and the last.

use super::cells::MOST_CELLS;

const SIGNATURE: [u8; 8] = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];

/// Numbers from here on mean no sector.
const NO_SECTOR: u32 = 0xffff_fffa;
const END_OF_CHAIN: u32 = 0xffff_fffe;

/// Streams below this length stand in the small sectors.
const SMALL: usize = 4096;
const SMALL_SECTOR: usize = 64;

/// The records that are looked at.
const BEGIN: u16 = 0x0809;
const END: u16 = 0x000a;
const SHEET: u16 = 0x0085;
const DIMENSIONS: u16 = 0x0200;
const CELLS: [u16; 8] = [0x0006, 0x00bd, 0x00d6, 0x00fd, 0x0203, 0x0204, 0x0205, 0x027e];

/// The build that programs name that write formulas and cannot compute them.
const NO_PROGRAM: u16 = 0x0dbb;

/// What is known of a file whose structure is sound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Checked {
    /// Whether the program that wrote it computes no formulas, so that an empty result is none.
    pub(super) uncomputed: bool,
}

/// Checks what the reader takes on trust. Bytes that are no compound file pass: the reader says so.
///
/// # Errors
/// In words, where a chain of sectors has no end or a cell is far from the others.
pub(super) fn check(bytes: &[u8]) -> Result<Checked, String> {
    if !bytes.starts_with(&SIGNATURE) {
        return Ok(Checked::default());
    }
    let stream = workbook_stream(bytes).ok_or("the file is damaged: its list of sectors leads nowhere")?;
    check_cells(&stream)
}

/// The bytes of sectors of one size.
struct Sectors<'a> {
    bytes: &'a [u8],
    size: usize,
    /// The sector after each.
    next: Vec<u32>,
}

impl Sectors<'_> {
    fn get(&self, sector: u32) -> Option<&[u8]> {
        let begin = (sector as usize).checked_mul(self.size)?;
        let rest = self.bytes.get(begin..)?;
        Some(&rest[..rest.len().min(self.size)])
    }

    /// The bytes of a chain, up to this length; `None` where the chain is longer than the file or leaves it.
    fn chain(&self, first: u32, length: usize) -> Option<Vec<u8>> {
        let mut chain = Vec::new();
        let mut sector = first;
        let mut steps = self.bytes.len() / self.size + 1;
        while sector != END_OF_CHAIN {
            steps = steps.checked_sub(1)?;
            let content = self.get(sector)?;
            chain.extend_from_slice(&content[..content.len().min(length - chain.len())]);
            if chain.len() >= length {
                break;
            }
            sector = *self.next.get(sector as usize)?;
        }
        Some(chain)
    }
}

fn workbook_stream(bytes: &[u8]) -> Option<Vec<u8>> {
    let size = match u16_at(bytes, 30)? {
        9 => 512,
        12 => 4096,
        _ => return None,
    };
    let mut sectors = Sectors { bytes: bytes.get(size..)?, size, next: Vec::new() };
    let mut tables = numbers(bytes.get(76..512)?);
    let mut more = u32_at(bytes, 68)?;
    let mut steps = bytes.len() / size + 1;
    while more < NO_SECTOR {
        steps = steps.checked_sub(1)?;
        tables.extend(numbers(sectors.get(more)?));
        more = tables.pop()?;
    }
    tables.retain(|sector| *sector < NO_SECTOR);
    // A table names as many sectors as a quarter of its bytes, so a sound file has far fewer tables than sectors.
    if tables.len() > bytes.len() / size + 1 {
        return None;
    }
    let mut next = Vec::new();
    for table in tables {
        next.extend(numbers(sectors.get(table)?));
    }
    sectors.next = next;
    let entries = sectors.chain(u32_at(bytes, 48)?, usize::MAX)?;
    let mut entries = entries.chunks_exact(128).map(|entry| Entry::of(entry, size));
    let root = entries.next()??;
    let small_table_length = u32_at(bytes, 64)? as usize;
    let small = if small_table_length > 0 {
        let content = sectors.chain(root.first, root.length)?;
        let table = sectors.chain(u32_at(bytes, 60)?, small_table_length.checked_mul(size)?)?;
        Some((content, numbers(&table)))
    } else {
        None
    };
    let entries: Vec<Entry> = entries.collect::<Option<_>>()?;
    let named = |name: &str| entries.iter().find(|entry| entry.name.eq_ignore_ascii_case(name));
    let Some(entry) = named("Workbook").or_else(|| named("Book")) else { return Some(Vec::new()) };
    if entry.length >= SMALL {
        return sectors.chain(entry.first, entry.length);
    }
    let (content, next) = small?;
    Sectors { bytes: &content, size: SMALL_SECTOR, next }.chain(entry.first, entry.length)
}

/// What the directory says of a stream.
struct Entry {
    name: String,
    first: u32,
    length: usize,
}

impl Entry {
    fn of(entry: &[u8], size: usize) -> Option<Self> {
        let units = entry.get(..64)?.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit));
        let units: Vec<u16> = units.take_while(|unit| *unit != 0).collect();
        let length = match size {
            512 => u64::from(u32_at(entry, 120)?),
            _ => u64::from_le_bytes(*entry.get(120..)?.first_chunk()?),
        };
        Some(Self {
            name: String::from_utf16_lossy(&units),
            first: u32_at(entry, 116)?,
            length: usize::try_from(length).ok()?,
        })
    }
}

/// Looks at the cells of every sheet.
fn check_cells(stream: &[u8]) -> Result<Checked, String> {
    let uncomputed = match Records(stream).next() {
        Some((BEGIN, data)) => u16_at(data, 4) == Some(NO_PROGRAM),
        _ => false,
    };
    let sheets = Records(stream).take_while(|(kind, _)| *kind != END).filter(|(kind, _)| *kind == SHEET);
    for (_, data) in sheets {
        let begin = u32_at(data, 0).unwrap_or_default() as usize;
        check_sheet(stream.get(begin..).unwrap_or_default())?;
    }
    Ok(Checked { uncomputed })
}

fn check_sheet(stream: &[u8]) -> Result<(), String> {
    let too_many = || format!("it has more than {MOST_CELLS} cells between the first and the last");
    let (mut first, mut last) = ((usize::MAX, usize::MAX), (0, 0));
    let mut depth = 0_usize;
    for (kind, data) in Records(stream) {
        match kind {
            BEGIN => depth += 1,
            END if depth <= 1 => break,
            END => depth -= 1,
            DIMENSIONS if room(data).is_none_or(|room| room > 1 << 24) => return Err(too_many()),
            _ => {}
        }
        if !CELLS.contains(&kind) {
            continue;
        }
        let (Some(row), Some(column)) = (u16_at(data, 0), u16_at(data, 2)) else { continue };
        let end = data.last_chunk().filter(|_| kind == 0x00bd).map_or(column, |end| u16::from_le_bytes(*end));
        let (row, column, end) = (usize::from(row), usize::from(column), usize::from(end));
        first = (first.0.min(row), first.1.min(column));
        last = (last.0.max(row), last.1.max(column).max(end));
        if (last.0 - first.0 + 1) * (last.1 - first.1 + 1) > MOST_CELLS {
            return Err(too_many());
        }
    }
    Ok(())
}

/// The cells for which the reader makes room before it meets any.
fn room(data: &[u8]) -> Option<usize> {
    let (rows, columns) = match data.len() {
        10 => {
            ((u32::from(u16_at(data, 0)?), u32::from(u16_at(data, 2)?)), (u16_at(data, 4)?, u16_at(data, 6)?))
        }
        14 | 16 => ((u32_at(data, 0)?, u32_at(data, 4)?), (u16_at(data, 8)?, u16_at(data, 10)?)),
        _ => return Some(0),
    };
    if rows.1 == 0 || columns.1 == 0 {
        return Some(1);
    }
    let first_column = if columns.0 > 0xff || columns.1 < columns.0 { 0 } else { columns.0 };
    let height = rows.1.checked_sub(rows.0)?;
    (height as usize).checked_mul(usize::from(columns.1 - first_column))
}

/// Kind and data of each record, as far as there are whole ones.
struct Records<'a>(&'a [u8]);

impl<'a> Iterator for Records<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let kind = u16_at(self.0, 0)?;
        let length = usize::from(u16_at(self.0, 2)?);
        let (data, rest) = self.0.get(4..)?.split_at_checked(length)?;
        self.0 = rest;
        Some((kind, data))
    }
}

fn numbers(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVERS: &[u8] = include_bytes!("../../../../tests/fixtures/servers.xls");

    #[test]
    fn a_sound_file_passes() {
        assert!(check(SERVERS).is_ok());
        assert_eq!(check(b"no workbook"), Ok(Checked::default()));
    }

    #[test]
    fn programs_that_compute_no_formulas_are_known() {
        let begin = |build: u16| [&[9, 8, 8, 0, 0, 6, 5, 0][..], &build.to_le_bytes(), &[0xcc, 7]].concat();
        assert_eq!(check_cells(&begin(NO_PROGRAM)), Ok(Checked { uncomputed: true }));
        assert_eq!(check_cells(&begin(0x1fd2)), Ok(Checked::default()));
    }

    #[test]
    fn a_chain_that_leads_back_into_itself_is_refused() {
        let mut bytes = SERVERS.to_vec();
        let table = 512 * (u32_at(&bytes, 76).unwrap() as usize + 1);
        let directory = u32_at(&bytes, 48).unwrap();
        let entry = table + 4 * directory as usize;
        bytes[entry..entry + 4].copy_from_slice(&directory.to_le_bytes());
        assert!(check(&bytes).unwrap_err().contains("leads nowhere"));
    }

    #[test]
    fn a_cell_far_from_the_others_is_refused() {
        let record = |kind: u16, data: &[u8]| {
            [&kind.to_le_bytes()[..], &u16::try_from(data.len()).unwrap().to_le_bytes(), data].concat()
        };
        let sheet = |cells: &[Vec<u8>]| check_sheet(&cells.concat());
        let near = record(0x0203, &[0; 14]);
        let far = record(0x0203, &[0xff; 14]);
        assert_eq!(sheet(&[near.clone(), near.clone()]), Ok(()));
        assert!(sheet(&[near.clone(), far.clone()]).is_err());
        assert_eq!(sheet(&[near.clone(), record(END, &[]), far]), Ok(()));
        assert!(
            sheet(&[record(DIMENSIONS, &[0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0])])
                .is_err()
        );
    }
}
