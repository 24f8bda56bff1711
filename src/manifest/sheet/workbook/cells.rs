//! The cells of a sheet while they are read.

use crate::manifest::sheet::value::CellValue;

/// Cells further to the right are not read: nobody has that many columns, and a stray mark far out would cost the memory.
pub(super) const MOST_COLUMNS: usize = 2_048;

/// The last row of a sheet in every spreadsheet program.
const MOST_ROWS: usize = 1 << 20;

/// More cells, with the empty ones on their left, are no list of servers.
pub(super) const MOST_CELLS: usize = 5_000_000;

/// Cells that are shown as one: row and column of the first and of the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::manifest::sheet) struct Area {
    pub(super) first: (usize, usize),
    pub(super) last: (usize, usize),
}

impl From<calamine::Dimensions> for Area {
    fn from(area: calamine::Dimensions) -> Self {
        let index = |(row, column): (u32, u32)| (row as usize, column as usize);
        Self { first: index(area.start), last: index(area.end) }
    }
}

/// The cells of a sheet by row and column.
#[derive(Debug, Default)]
pub(in crate::manifest::sheet) struct Cells {
    pub(in crate::manifest::sheet) rows: Vec<Vec<CellValue>>,
    pub(in crate::manifest::sheet) merged: Vec<Area>,
    held: usize,
}

impl Cells {
    /// Puts a value into its cell.
    ///
    /// # Errors
    /// In words, where the cell is beyond what a sheet has, or there are too many.
    pub(super) fn put(&mut self, row: usize, column: usize, value: CellValue) -> Result<(), String> {
        if value.is_empty() || column >= MOST_COLUMNS {
            return Ok(());
        }
        if row >= MOST_ROWS {
            return Err(format!("it has a cell in row {}, and a sheet ends at {MOST_ROWS}", row + 1));
        }
        if self.rows.len() <= row {
            self.rows.resize_with(row + 1, Vec::new);
        }
        let cells = &mut self.rows[row];
        if cells.len() <= column {
            self.held += column + 1 - cells.len();
            if self.held > MOST_CELLS {
                return Err(format!("it has more than {MOST_CELLS} cells"));
            }
            cells.resize(column + 1, CellValue::Empty);
        }
        cells[column] = value;
        Ok(())
    }

    /// Whether a cell holds nothing.
    pub(super) fn is_empty(&self, row: usize, column: usize) -> bool {
        self.rows.get(row).and_then(|cells| cells.get(column)).is_none_or(CellValue::is_empty)
    }
}

/// Gives every cell of a merged area below the header the value that people see there.
///
/// A row that holds nothing else stays as it is: blank, or a heading across the columns.
pub(in crate::manifest::sheet) fn spread(rows: &mut [Vec<CellValue>], merged: &[Area], header: usize) {
    let columns = rows.get(header).map_or(0, Vec::len);
    let filled: Vec<usize> =
        rows.iter().map(|row| row.iter().filter(|cell| !cell.is_empty()).count()).collect();
    let mut room = MOST_CELLS;
    for area in merged.iter().filter(|area| area.first.0 > header) {
        let (row, column) = area.first;
        let Some(value) = rows.get(row).and_then(|cells| cells.get(column)).cloned() else { continue };
        let last = area.last.0.min(rows.len() - 1);
        let wide = area.last.1.min(columns.saturating_sub(1));
        for at in (row..=last).filter(|at| filled[*at] > usize::from(*at == row)) {
            let Some(left) = room.checked_sub(wide.saturating_sub(column) + 1) else { return };
            room = left;
            let cells = &mut rows[at];
            if wide >= column && cells.len() <= wide {
                cells.resize(wide + 1, CellValue::Empty);
            }
            for cell in cells.iter_mut().take(wide + 1).skip(column) {
                cell.clone_from(&value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(rows: &[&str]) -> Vec<Vec<CellValue>> {
        rows.iter().map(|row| row.split(',').map(CellValue::of_text).collect()).collect()
    }

    #[test]
    fn every_cell_of_a_merged_area_has_its_value() {
        let mut rows =
            grid(&["title,,", "id,env,cpu", "a,prod,1", "b,,2", ",,", "c,,", "part two,,", "d,dev,"]);
        let area = |first, last| Area { first, last };
        let merged =
            [area((0, 0), (0, 2)), area((2, 1), (5, 1)), area((6, 0), (6, 2)), area((7, 1), (1 << 20, 900))];
        spread(&mut rows, &merged, 1);
        let expected = grid(&[
            "title,,",
            "id,env,cpu",
            "a,prod,1",
            "b,prod,2",
            ",,",
            "c,prod,",
            "part two,,",
            "d,dev,dev",
        ]);
        assert_eq!(rows, expected);
    }

    #[test]
    fn cells_beyond_a_sheet_are_refused() {
        let mut cells = Cells::default();
        let one = || CellValue::Number(1.0);
        assert_eq!(cells.put(3, 1 << 30, one()), Ok(()));
        assert!(cells.rows.is_empty());
        assert!(cells.put(4_000_000_000, 0, one()).unwrap_err().contains("row 4000000001"));
        let far = (0..MOST_ROWS).try_for_each(|row| cells.put(row, MOST_COLUMNS - 1, one()));
        assert_eq!(far.unwrap_err(), "it has more than 5000000 cells");
    }
}
