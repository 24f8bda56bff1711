//! A row as templates see it.

use std::sync::{Arc, Mutex, PoisonError};

use minijinja::value::{Enumerator, Object};

use super::table::Sheet;
use crate::model::Place;

/// The variable `row` of templates. It remembers which cells a template read, so that a wrong result can point to them.
#[derive(Clone, Debug)]
pub struct RowReader(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    sheet: Arc<Sheet>,
    row: usize,
    last: Mutex<Option<usize>>,
}

impl RowReader {
    /// A row of a sheet, by its index in [`Sheet::len`].
    pub fn new(sheet: &Arc<Sheet>, row: usize) -> Self {
        Self(Arc::new(Inner { sheet: Arc::clone(sheet), row, last: Mutex::new(None) }))
    }

    /// The variable's value.
    pub fn value(&self) -> minijinja::Value {
        minijinja::Value::from_dyn_object(Arc::clone(&self.0))
    }

    /// Forgets which cells were read.
    pub fn forget(&self) {
        *self.0.last.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The column of the cell that was read last.
    pub fn last_read(&self) -> Option<usize> {
        *self.0.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The sheet that the row is in.
    pub fn sheet(&self) -> &Sheet {
        &self.0.sheet
    }

    /// The place of the row's cell in a column.
    pub fn place(&self, column: usize) -> Place {
        self.0.sheet.place(self.0.row, column)
    }

    /// The place of the row's id.
    pub fn key_place(&self) -> Place {
        self.place(self.0.sheet.key())
    }
}

impl Object for Inner {
    fn get_value(self: &Arc<Self>, key: &minijinja::Value) -> Option<minijinja::Value> {
        let column = self.sheet.column(key.as_str()?)?;
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(column);
        self.sheet.cell(self.row, column).for_templates()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.sheet.names().map(minijinja::Value::from).collect())
    }
}
