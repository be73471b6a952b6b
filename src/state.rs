//! What must survive a restart, in one transactional file: a header, positions, and what scoring remembers.

mod adopt;
mod change;
mod db;
mod error;
mod file;
mod header;
mod positions;
pub mod snapshot;
mod view;

use std::path::{Path, PathBuf};

use redb::TableDefinition;

pub use adopt::Adoption;
pub use change::Changes;
pub use error::StateError;
pub use header::Header;
pub use view::View;

use crate::{
    event::{Bookmark, Origin, Position},
    telemetry::crash::CrashPoint,
};
use db::Db;

/// How [`Store::open`] opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenOptions {
    /// Start anew: what is there is renamed to `state.redb.reset-<n>`, or, where it does not open, to
    /// `state.redb.corrupt-<n>`. Never touches a file that another process holds.
    pub reset: bool,
    /// Version of the geometry that scoring's values are written in; a file with another one is refused.
    pub geometry: u32,
}

/// The state of one process: the only writer of `state.redb` in its directory.
#[derive(Debug)]
pub struct Store {
    directory: PathBuf,
    db: Db,
    header: Header,
}

const SCORING: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("scoring");

// === impl Store ===

impl Store {
    /// Opens the state in `directory`, makes both where they are not there, and begins a new epoch.
    ///
    /// # Errors
    /// [`StateError::Locked`] when another process holds it, [`StateError::Corrupt`] when it cannot be used (unless
    /// `options.reset`), and [`StateError::Unusable`] when the directory or the disk says no.
    pub fn open(directory: &Path, options: OpenOptions) -> Result<Self, StateError> {
        let db = file::open(directory, options)?;
        let header =
            header::begin(&db, directory, options.geometry).map_err(|error| error.of_file(directory))?;
        Ok(Self { directory: directory.into(), db, header })
    }

    /// Opens the state in `directory` to look at it, while no process holds it to write. The epoch stays as it is, and
    /// [`Store::commit`] is refused.
    ///
    /// # Errors
    /// As [`Store::open`]; a state that is not there is [`StateError::Missing`].
    pub fn open_read_only(directory: &Path, geometry: u32) -> Result<Self, StateError> {
        let db = file::open_read_only(directory)?;
        let header = header::read(&db, directory, geometry).map_err(|error| error.of_file(directory))?;
        Ok(Self { directory: directory.into(), db, header })
    }

    /// What the file says of itself.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Calls `each` with every key and value of scoring's, in key order.
    ///
    /// # Errors
    /// When the file could not be read to its end; `each` may have seen a part.
    pub fn read_scoring(&self, each: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), StateError> {
        self.try_read_scoring(|key, value| {
            each(key, value);
            Ok(())
        })
    }

    /// As [`Store::read_scoring`], until `each` fails. What it sees is what was committed when it was called; commits go on
    /// beside it.
    ///
    /// # Errors
    /// The error of `each`, or when the file could not be read to its end.
    pub fn try_read_scoring<E: From<StateError>>(
        &self,
        each: impl FnMut(&[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.view()?.each(each)
    }

    /// Scoring's value under `key`, as it was committed last; commits go on beside it.
    ///
    /// # Errors
    /// When the file could not be read.
    pub fn scoring_of(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        let value = || {
            let table = self.db.read()?.open_table(SCORING)?;
            Ok::<_, StateError>(table.get(key)?.map(|value| value.value().to_vec()))
        };
        value().map_err(|error| error.of_file(&self.directory))
    }

    /// The position before which everything of `origin` is in the scoring that [`Store::read_scoring`] reads.
    ///
    /// # Errors
    /// When the file could not be read.
    pub fn scored(&self, origin: &Origin) -> Result<Option<Position>, StateError> {
        positions::get(&self.db, positions::SCORED, origin).map_err(|error| error.of_file(&self.directory))
    }

    /// The position before which everything of `origin` is delivered.
    ///
    /// # Errors
    /// When the file could not be read.
    pub fn committed(&self, origin: &Origin) -> Result<Option<Position>, StateError> {
        positions::get(&self.db, positions::COMMITTED, origin).map_err(|error| error.of_file(&self.directory))
    }

    /// As [`Store::scored`], where positions of `origin` do not outlive a process.
    ///
    /// # Errors
    /// When the file could not be read.
    pub fn scored_cursor(&self, origin: &Origin) -> Result<Option<Bookmark>, StateError> {
        let found = positions::get_cursor(&self.db, positions::SCORED_CURSORS, origin);
        found.map_err(|error| error.of_file(&self.directory))
    }

    /// As [`Store::committed`], where positions of `origin` do not outlive a process.
    ///
    /// # Errors
    /// When the file could not be read.
    pub fn committed_cursor(&self, origin: &Origin) -> Result<Option<Bookmark>, StateError> {
        let found = positions::get_cursor(&self.db, positions::COMMITTED_CURSORS, origin);
        found.map_err(|error| error.of_file(&self.directory))
    }

    /// Makes all of `changes` durable, or none of them.
    ///
    /// # Errors
    /// When they could not be written; then the file holds what it held before.
    pub fn commit(&self, changes: &Changes) -> Result<(), StateError> {
        let transaction = self.db.write()?;
        {
            let mut table = transaction.open_table(SCORING)?;
            for (key, value) in &changes.scoring {
                match value {
                    Some(value) => drop(table.insert(key.as_slice(), value.as_slice())?),
                    None => drop(table.remove(key.as_slice())?),
                }
            }
        }
        positions::put(&transaction, positions::SCORED, &changes.scored)?;
        positions::put(&transaction, positions::COMMITTED, &changes.committed)?;
        positions::put_cursors(&transaction, positions::SCORED_CURSORS, &changes.scored_cursors)?;
        positions::put_cursors(&transaction, positions::COMMITTED_CURSORS, &changes.committed_cursors)?;
        if !changes.scoring.is_empty() || !changes.scored.is_empty() {
            CrashPoint::SnapshotWrittenNotValid.reach();
        }
        transaction.commit()?;
        if !changes.committed.is_empty() || !changes.committed_cursors.is_empty() {
            CrashPoint::CommitSentNotAnswered.reach();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
