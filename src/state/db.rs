//! The open file, to be written or only read.

use std::fmt;

use redb::{Database, ReadOnlyDatabase, ReadTransaction, ReadableDatabase, WriteTransaction};

use super::StateError;

/// The open file.
pub(super) enum Db {
    Writer(Database),
    Reader(ReadOnlyDatabase),
}

// === impl Db ===

impl Db {
    pub(super) fn read(&self) -> Result<ReadTransaction, StateError> {
        Ok(match self {
            Self::Writer(db) => db.begin_read()?,
            Self::Reader(db) => db.begin_read()?,
        })
    }

    pub(super) fn write(&self) -> Result<WriteTransaction, StateError> {
        match self {
            Self::Writer(db) => Ok(db.begin_write()?),
            Self::Reader(_) => Err(StateError::ReadOnly),
        }
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Writer(_) => "Writer",
            Self::Reader(_) => "Reader",
        })
    }
}
