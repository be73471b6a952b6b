//! A view of what scoring remembers, as of one commit: commits go on beside it.

use std::path::PathBuf;

use redb::{ReadOnlyTable, ReadableTable};

use super::{SCORING, StateError, Store};

/// What was committed when it was opened. The file grows while there is one, as nothing in it can be given back.
pub struct View {
    table: ReadOnlyTable<&'static [u8], &'static [u8]>,
    directory: PathBuf,
}

// === impl Store ===

impl Store {
    /// A view of what is committed now.
    ///
    /// # Errors
    /// When the file could not be read.
    pub fn view(&self) -> Result<View, StateError> {
        let open = || Ok::<_, StateError>(self.db.read()?.open_table(SCORING)?);
        let table = open().map_err(|error| error.of_file(&self.directory))?;
        Ok(View { table, directory: self.directory.clone() })
    }
}

// === impl View ===

impl View {
    /// Calls `each` with every key and value, in key order, until it fails.
    ///
    /// # Errors
    /// The error of `each`, or when the file could not be read to its end.
    pub fn each<E: From<StateError>>(
        &self,
        mut each: impl FnMut(&[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let failed = |error: redb::StorageError| E::from(StateError::from(error).of_file(&self.directory));
        for row in self.table.iter().map_err(failed)? {
            let (key, value) = row.map_err(failed)?;
            each(key.value(), value.value())?;
        }
        Ok(())
    }

    /// The value of `key`.
    ///
    /// # Errors
    /// When the file could not be read.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        let found = self.table.get(key).map_err(|error| StateError::from(error).of_file(&self.directory))?;
        Ok(found.map(|value| value.value().to_vec()))
    }
}
