//! Taking over what another process has learned into a state that has learned nothing.

use redb::{ReadableTable, ReadableTableMetadata, Table};

use super::{SCORING, StateError, Store, header, positions};

/// An adoption that is under way: rows go in, and count once all of it does.
pub struct Adoption<'a> {
    table: Table<'a, &'static [u8], &'static [u8]>,
}

/// An entry of scoring's: its key and its value.
type Entry = (Vec<u8>, Vec<u8>);

// === impl Store ===

impl Store {
    /// Whether nothing was learned or delivered with this state yet.
    ///
    /// # Errors
    /// When the file could not be read.
    pub fn is_empty(&self) -> Result<bool, StateError> {
        let look = || Ok(self.db.read()?.open_table(SCORING)?.is_empty()? && positions::are_none(&self.db)?);
        look().map_err(|error: StateError| error.of_file(&self.directory))
    }

    /// Takes over entries that were made under another `seed`, and that seed: all that `fill` puts in, if `check` finds that
    /// it can go on from them, or nothing. Gives back what `check` gives.
    ///
    /// # Errors
    /// Those of `fill` and `check`, and when the file could not be written; then it holds what it held before.
    pub fn adopt<T, E: From<StateError>>(
        &mut self,
        seed: u64,
        fill: impl FnOnce(&mut Adoption<'_>) -> Result<(), E>,
        check: impl FnOnce(Vec<Entry>) -> Result<T, E>,
    ) -> Result<T, E> {
        let transaction = self.db.write()?;
        let table = transaction.open_table(SCORING).map_err(StateError::from)?;
        let mut adoption = Adoption { table };
        fill(&mut adoption)?;
        let checked = check(adoption.entries()?)?;
        drop(adoption);
        header::put_seed(&transaction, seed)?;
        transaction.commit().map_err(StateError::from)?;
        self.header.seed = seed;
        Ok(checked)
    }
}

// === impl Adoption ===

impl Adoption<'_> {
    /// Adds one of scoring's entries.
    ///
    /// # Errors
    /// When it could not be written.
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StateError> {
        self.table.insert(key, value)?;
        Ok(())
    }

    fn entries(&self) -> Result<Vec<Entry>, StateError> {
        let row = |row: Result<_, redb::StorageError>| {
            let (key, value): (redb::AccessGuard<'_, &[u8]>, redb::AccessGuard<'_, &[u8]>) = row?;
            Ok((key.value().to_vec(), value.value().to_vec()))
        };
        self.table.iter()?.map(row).collect()
    }
}
