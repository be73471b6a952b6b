//! Why the state could not be opened, read or written.

use std::path::{Path, PathBuf};

/// What went wrong with the state file.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Another process holds it.
    #[error(
        "could not open the state in {}: another process holds it; stop that process or set another state.directory",
        .directory.display()
    )]
    Locked {
        /// The state's directory.
        directory: PathBuf,
    },
    /// It opens, but cannot be used as it is.
    #[error(
        "could not use the state in {}: {cause}; --reset-state keeps the old file and starts anew",
        .directory.display()
    )]
    Corrupt {
        /// The state's directory.
        directory: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// There is none.
    #[error("could not open the state in {}: there is none", .directory.display())]
    Missing {
        /// The state's directory.
        directory: PathBuf,
    },
    /// The directory or the file in it cannot be made, opened or renamed.
    #[error("could not open the state in {}: {cause}", .directory.display())]
    Unusable {
        /// The state's directory.
        directory: PathBuf,
        /// What the system said.
        cause: String,
    },
    /// A read or write failed after it was opened.
    #[error("could not read or write the state: {0}")]
    Failed(Box<redb::Error>),
    /// It was opened to look at it only.
    #[error("could not write the state: it was opened to be read only")]
    ReadOnly,
}

// === impl StateError ===

impl StateError {
    /// The same, as the fault of the file in `directory` where the database says that it is.
    pub(super) fn of_file(self, directory: &Path) -> Self {
        let Self::Failed(error) = self else { return self };
        match *error {
            error @ (redb::Error::Corrupted(_)
            | redb::Error::TableTypeMismatch { .. }
            | redb::Error::TypeDefinitionChanged { .. }
            | redb::Error::TableDoesNotExist(_)) => {
                Self::Corrupt { directory: directory.into(), cause: error.to_string() }
            }
            other => Self::Failed(Box::new(other)),
        }
    }
}

/// The database has an error type for each kind of call; here they are one.
macro_rules! failed_from {
    ($($kind:ident),*) => {
        $(impl From<redb::$kind> for StateError {
            fn from(error: redb::$kind) -> Self {
                Self::Failed(Box::new(error.into()))
            }
        })*
    };
}
failed_from!(TransactionError, TableError, StorageError, CommitError);
