//! Why an archive could not be learned, and which exit code that is.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{
    config::EstatesError, enrich, score::StateError, source::SourceError, state::snapshot::SnapshotError,
};

/// Why an archive could not be learned.
#[derive(Debug, thiserror::Error)]
pub enum LearnError {
    /// A file or folder cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Asset lists that the config names cannot be used.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Enrich(Vec<enrich::Error>),
    /// Something cannot be written.
    #[error("could not write {}: {cause}", .path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// A part or a baseline cannot be read or written.
    #[error("could not use {}: {cause}", .path.display())]
    Snapshot {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: SnapshotError,
    },
    /// A part's rows are not what was written.
    #[error("could not read the part {}: {cause}; make it anew", .path.display())]
    Rows {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: StateError,
    },
    /// A file has the form of a part and is something else.
    #[error("could not read {} as a part: it is a baseline already; name parts or flow logs", .0.display())]
    Baseline(PathBuf),
    /// Parts were made under different seeds.
    #[error(
        "could not merge parts that were made under different seeds: their hashes have nothing to do with each other; \
         make each with the same `--seed FILE`"
    )]
    Seeds,
    /// The sources of the config tell of different tenants.
    #[error(transparent)]
    Estates(#[from] EstatesError),
    /// A part was made with other settings.
    #[error(
        "could not merge {}: it was made with {name} {found:?}, this run has {ours:?}; use the same config for all parts", .path.display()
    )]
    Settings {
        /// The part.
        path: PathBuf,
        /// Which setting.
        name: String,
        /// Its value there.
        found: String,
        /// Its value here.
        ours: String,
    },
    /// A file that should hold a seed holds something else.
    #[error("could not read a seed from {}: expected 16 hexadecimal digits; delete the file to have one made", .0.display())]
    Seed(PathBuf),
    /// The tables take more than they may.
    #[error(
        "could not keep {rows} windows of entities in {limit} bytes; raise `--max-memory`, learn fewer days, or choose fewer \
         entities with `score.identity`"
    )]
    Memory {
        /// How many windows there were by then.
        rows: u64,
        /// The most bytes.
        limit: u64,
    },
    /// A reading thread is gone.
    #[error("could not go on: a thread that reads ended early")]
    Thread,
    /// Nobody said where the outcome goes.
    #[error("could not learn: neither `--out` nor `--partial` says where the outcome goes")]
    Nowhere,
}

// === impl LearnError ===

impl LearnError {
    /// `path` cannot be written.
    pub(super) fn write(path: &Path, cause: io::Error) -> Self {
        Self::Write { path: path.into(), cause }
    }

    /// `path` is no whole snapshot, or cannot be one.
    pub(super) fn snapshot(path: &Path, cause: SnapshotError) -> Self {
        Self::Snapshot { path: path.into(), cause }
    }

    /// The process's exit code for it, from BSD's `sysexits.h`.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Nowhere | Self::Seeds | Self::Baseline(_) | Self::Seed(_) => 64,
            Self::Source(_) => 66,
            Self::Snapshot { .. } | Self::Rows { .. } => 74,
            Self::Settings { .. } | Self::Estates(_) => 78,
            Self::Enrich(_) | Self::Write { .. } | Self::Memory { .. } => 69,
            Self::Thread => 70,
        }
    }
}
