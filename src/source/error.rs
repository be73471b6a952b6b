//! Why a source could not be read.

use std::{io, path::PathBuf};

use crate::{codec::InflateError, pipe::FeedClosed, state::StateError};

/// What went wrong with a source. The name of the source is added by whoever runs it.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A path or pattern under `paths` stands for no file.
    #[error(
        "could not read {pattern:?}: no such file; correct `paths`, or set `follow: true` to wait for it"
    )]
    NotFound {
        /// As the config has it.
        pattern: String,
    },
    /// A file or directory may not be read.
    #[error("could not read {}: permission denied; let this user read it", .path.display())]
    Permission {
        /// The file or directory.
        path: PathBuf,
    },
    /// A path is no pattern.
    #[error("could not read {pattern:?} as a pattern: {cause}; write `[*]` for a literal `*`")]
    BadGlob {
        /// As the config has it.
        pattern: String,
        /// What is wrong with it.
        cause: &'static str,
    },
    /// The content of a file breaks off or contradicts its checksum.
    #[error("could not read {} to its end: {cause}", .path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Where and why.
        cause: InflateError,
    },
    /// The system could not open or read a file.
    #[error("could not read {}: {cause}", .path.display())]
    Unreadable {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// Standard input could not be read.
    #[error("could not read standard input: {0}")]
    Stdin(InflateError),
    /// How far an earlier run came could not be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// The workers are gone.
    #[error("could not feed records: {0}")]
    Closed(#[from] FeedClosed),
    /// The thread that reads died.
    #[error("could not go on reading: {0}")]
    Reader(String),
}

// === impl SourceError ===

impl SourceError {
    /// What the system's refusal to open or read `path` means.
    #[must_use]
    pub fn of_path(path: impl Into<PathBuf>, cause: io::Error) -> Self {
        let path = path.into();
        match cause.kind() {
            io::ErrorKind::NotFound => Self::NotFound { pattern: path.display().to_string() },
            io::ErrorKind::PermissionDenied => Self::Permission { path },
            _ => Self::Unreadable { path, cause },
        }
    }
}
